//! Whether a resource satisfies an expression.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use oktant_base::Timestamp;

use crate::expression::{Expression, Literal, Operator};
use crate::fold;

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// By code point.
    Exact,
    /// Ignoring case; accents are significant.
    Folded,
}

/// One value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Text, compared by the case rule.
    Text(Cow<'a, str>),
    /// A number, compared with numbers only.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// An instant, compared chronologically with quoted ISO 8601.
    Time(Timestamp),
}

/// Something with attributes.
pub trait Resource {
    /// Calls `visit` with each value at the dotted path: never for an absent attribute, once for
    /// most, for every element of an array.
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Value<'a>));
}

impl Expression {
    /// Whether a resource satisfies the expression.
    ///
    /// A comparison holds if any value of the attribute satisfies it; `ne` holds if none is equal,
    /// also where the attribute is absent. A comparison with a literal of another type never holds.
    pub fn matches(&self, resource: &(impl Resource + ?Sized), case: Case) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(resource, case)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(resource, case)),
            Self::Not(inner) => !inner.matches(resource, case),
            Self::Present(attribute) => any(resource, attribute, |value| !is_empty(value)),
            Self::Compare { attribute, operator: Operator::Ne, literal } => {
                !any(resource, attribute, |value| holds(value, Operator::Eq, literal, case))
            }
            Self::Compare { attribute, operator, literal } => {
                any(resource, attribute, |value| holds(value, *operator, literal, case))
            }
        }
    }
}

fn any(resource: &(impl Resource + ?Sized), attribute: &str, test: impl Fn(&Value<'_>) -> bool) -> bool {
    let mut found = false;
    resource.attribute(attribute, &mut |value| found = found || test(&value));
    found
}

/// An empty text counts as absent, as Okta has it.
fn is_empty(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(text) if text.is_empty())
}

fn holds(value: &Value<'_>, operator: Operator, literal: &Literal, case: Case) -> bool {
    match (value, literal) {
        (Value::Text(value), Literal::Text(literal)) => text_holds(value, operator, literal, case == Case::Folded),
        (Value::Number(value), Literal::Number(literal)) => {
            value.partial_cmp(literal).is_some_and(|ordering| operator.holds(ordering))
        }
        (Value::Boolean(value), Literal::Boolean(literal)) => operator == Operator::Eq && value == literal,
        // Booleans and numbers in quotes are seen in the wild and taken by the service.
        (Value::Boolean(value), Literal::Text(literal)) => {
            operator == Operator::Eq && literal.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (Value::Time(value), Literal::Text(literal)) => {
            parse_time(literal).is_some_and(|literal| operator.holds(value.cmp(&literal)))
        }
        _ => false,
    }
}

fn text_holds(value: &str, operator: Operator, literal: &str, fold: bool) -> bool {
    match operator {
        Operator::Eq => fold::equal(value, literal, fold),
        Operator::Sw => fold::starts_with(value, literal, fold),
        Operator::Co => fold::contains(value, literal, fold),
        Operator::Ew => fold::ends_with(value, literal, fold),
        Operator::Ne | Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => {
            operator.holds(fold::compare(value, literal, fold))
        }
    }
}

/// Reads a date or time as expressions write it: with an offset or `Z`, without one (taken as UTC),
/// or a date alone (midnight UTC).
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(time.and_utc());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc())
}

/// JSON objects are resources: the path walks members, arrays are looked through at every step.
impl Resource for serde_json::Value {
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Value<'a>)) {
        match self {
            Self::Array(items) => items.iter().for_each(|item| item.attribute(path, visit)),
            Self::Object(members) if !path.is_empty() => {
                let (name, rest) = path.split_once('.').unwrap_or((path, ""));
                if let Some(member) = members.get(name) {
                    member.attribute(rest, visit);
                }
            }
            Self::String(text) if path.is_empty() => visit(Value::Text(text.into())),
            Self::Bool(value) if path.is_empty() => visit(Value::Boolean(*value)),
            Self::Number(number) if path.is_empty() => {
                if let Some(number) = number.as_f64() {
                    visit(Value::Number(number));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse;

    #[track_caller]
    fn check(expression: &str, case: Case, expected: bool) {
        let resource = json!({
            "status": "ACTIVE", "empty": "", "name": "Zoë Straße", "count": 10, "on": true,
            "tags": ["red", "Blue"], "target": [{ "id": "a", "type": "User" }, { "id": "b", "type": "App" }],
        });
        let parsed = parse(expression).expect("an expression");
        assert_eq!(parsed.matches(&resource, case), expected, "{expression}");
    }

    #[test]
    fn text_follows_the_case_rule_and_accents_count() {
        check(r#"status eq "active""#, Case::Folded, true);
        check(r#"status eq "active""#, Case::Exact, false);
        check(r#"name sw "ZOË""#, Case::Folded, true);
        check(r#"name sw "zoe""#, Case::Folded, false);
        check(r#"name co "STRA""#, Case::Folded, true);
        check(r#"name ew "aße""#, Case::Exact, true);
        check(r#"status lt "b""#, Case::Folded, true);
    }

    #[test]
    fn arrays_match_by_any_element() {
        check(r#"tags eq "blue""#, Case::Folded, true);
        check(r#"tags ne "green""#, Case::Exact, true);
        check(r#"tags ne "red""#, Case::Exact, false);
        // Two clauses may be satisfied by two elements.
        check(r#"target.id eq "a" and target.type eq "App""#, Case::Exact, true);
    }

    #[test]
    fn numbers_compare_as_numbers_and_only_with_numbers() {
        check("count gt 9", Case::Exact, true);
        check("count eq 10.0", Case::Exact, true);
        check(r#"count eq "10""#, Case::Exact, false);
    }

    #[test]
    fn presence_wants_something_that_is_not_empty() {
        check("status pr", Case::Exact, true);
        check("empty pr", Case::Exact, false);
        check("absent pr", Case::Exact, false);
        check("not (absent pr) and on eq true", Case::Exact, true);
    }

    #[test]
    fn times_are_read_in_every_form_of_the_wild() {
        let expected = "2026-03-02T00:00:00Z".parse().ok();
        for text in ["2026-03-02T00:00:00.000Z", "2026-03-02T01:00:00+01:00", "2026-03-02T00:00:00", "2026-03-02"] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
    }
}
