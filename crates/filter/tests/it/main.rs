//! Laws of the expression language.

use oktant_filter::{Case, Expression, Literal, Operator, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

fn attribute() -> impl Strategy<Value = Box<str>> {
    prop_oneof![Just("status"), Just("profile.name"), Just("count"), Just("tags"), Just("absent")].prop_map(Into::into)
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        ".{0,6}".prop_map(|text| Literal::Text(text.into())),
        (-1.0e6..1.0e6).prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Boolean),
    ]
}

fn leaf() -> impl Strategy<Value = Expression> {
    let compare = (attribute(), proptest::sample::select(Operator::ALL.to_vec()), literal())
        .prop_map(|(attribute, operator, literal)| Expression::Compare { attribute, operator, literal });
    prop_oneof![4 => compare, 1 => attribute().prop_map(Expression::Present)]
}

fn expression() -> impl Strategy<Value = Expression> {
    leaf().prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::Or),
            inner.prop_map(|inner| Expression::Not(Box::new(inner))),
        ]
    })
}

fn resource() -> impl Strategy<Value = Value> {
    (".{0,4}", ".{0,4}", any::<i16>(), prop::collection::vec("[a-cA-C]{1,2}", 0..3)).prop_map(
        |(status, name, count, tags)| {
            json!({ "status": status, "profile": { "name": name }, "count": count, "tags": tags })
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![Just(Case::Exact), Just(Case::Folded)]
}

/// Not of a list is the other list of the parts' negations.
fn de_morgan(parts: &[Expression], list: fn(Vec<Expression>) -> Expression) -> Expression {
    list(parts.iter().map(|part| Expression::Not(Box::new(part.clone()))).collect())
}

proptest! {
    #[test]
    fn printing_and_parsing_come_back(expression in expression()) {
        prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_mixture_of_tokens_makes_the_parser_panic(
        tokens in prop::collection::vec(
            proptest::sample::select(vec!["a", "eq", "\"x\"", "(", ")", "and", "or", "not", "pr", "1", "-", "\"", "\\"]),
            0..20,
        ),
    ) {
        let _ = parse(&tokens.join(" "));
    }

    #[test]
    fn not_turns_every_answer_round(expression in expression(), resource in resource(), case in case()) {
        let negated = Expression::Not(Box::new(expression.clone()));
        prop_assert_ne!(expression.matches(&resource, case), negated.matches(&resource, case));
    }

    #[test]
    fn de_morgan_holds(parts in prop::collection::vec(leaf(), 2..4), resource in resource(), case in case()) {
        let all = Expression::Not(Box::new(Expression::And(parts.clone())));
        let any = Expression::Not(Box::new(Expression::Or(parts.clone())));
        prop_assert_eq!(all.matches(&resource, case), de_morgan(&parts, Expression::Or).matches(&resource, case));
        prop_assert_eq!(any.matches(&resource, case), de_morgan(&parts, Expression::And).matches(&resource, case));
    }

    #[test]
    fn what_is_equal_exactly_is_equal_folded(text in ".{0,6}", resource in resource()) {
        let equal = Expression::Compare {
            attribute: "status".into(), operator: Operator::Eq, literal: Literal::Text(text.into()),
        };
        prop_assert!(!equal.matches(&resource, Case::Exact) || equal.matches(&resource, Case::Folded));
    }
}
