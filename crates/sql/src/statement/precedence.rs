//! Operators bind as they do in PostgreSQL where the parser's dialect has it otherwise.
//!
//! It reads `a ->> 'b' = 'c'` as `a ->> ('b' = 'c')`, and `a IS DISTINCT FROM b AND c` as
//! `a IS DISTINCT FROM (b AND c)`.
//!
//! # Source
//!
//! PostgreSQL documentation, "Operator Precedence"; that the arrows bind tighter than `||` is ours,
//! where PostgreSQL goes from left to right.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, VisitorMut};

/// Puts the operands of an expression where they belong. Parentheses stay as they are.
pub(super) struct Precedence;

impl VisitorMut for Precedence {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        use BinaryOperator::{And, Arrow, LongArrow};
        if matches!(
            expr,
            Expr::BinaryOp { op: Arrow | LongArrow | And, .. }
                | Expr::IsDistinctFrom(..)
                | Expr::IsNotDistinctFrom(..)
                | Expr::UnaryOp { op: UnaryOperator::Not, .. }
        ) {
            lift_last(expr);
        }
        ControlFlow::Continue(())
    }
}

/// How tightly the operator of an expression binds: the higher, the tighter.
fn binding(expr: &Expr) -> u8 {
    use BinaryOperator as Op;
    match expr {
        Expr::BinaryOp { op, .. } => match op {
            Op::Or => 1,
            Op::And | Op::Xor => 2,
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Spaceship => 5,
            Op::PGRegexMatch
            | Op::PGRegexIMatch
            | Op::PGRegexNotMatch
            | Op::PGRegexNotIMatch
            | Op::PGLikeMatch
            | Op::PGILikeMatch
            | Op::PGNotLikeMatch
            | Op::PGNotILikeMatch
            | Op::Match
            | Op::Regexp => 6,
            Op::StringConcat
            | Op::BitwiseOr
            | Op::BitwiseAnd
            | Op::BitwiseXor
            | Op::PGBitwiseXor
            | Op::PGBitwiseShiftLeft
            | Op::PGBitwiseShiftRight => 7,
            Op::Arrow | Op::LongArrow => 8,
            _ => u8::MAX,
        },
        Expr::UnaryOp { op: UnaryOperator::Not, .. } => 3,
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsNormalized { .. }
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..) => 4,
        Expr::AnyOp { .. } | Expr::AllOp { .. } => 5,
        Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. }
        | Expr::RLike { .. }
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. }
        | Expr::Between { .. } => 6,
        _ => u8::MAX,
    }
}

/// The operand that an operator begins with.
fn first(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::BinaryOp { left: first, .. }
        | Expr::AnyOp { left: first, .. }
        | Expr::AllOp { left: first, .. }
        | Expr::IsNull(first)
        | Expr::IsNotNull(first)
        | Expr::IsTrue(first)
        | Expr::IsNotTrue(first)
        | Expr::IsFalse(first)
        | Expr::IsNotFalse(first)
        | Expr::IsUnknown(first)
        | Expr::IsNotUnknown(first)
        | Expr::IsNormalized { expr: first, .. }
        | Expr::IsDistinctFrom(first, _)
        | Expr::IsNotDistinctFrom(first, _)
        | Expr::Like { expr: first, .. }
        | Expr::ILike { expr: first, .. }
        | Expr::SimilarTo { expr: first, .. }
        | Expr::RLike { expr: first, .. }
        | Expr::InList { expr: first, .. }
        | Expr::InSubquery { expr: first, .. }
        | Expr::InUnnest { expr: first, .. }
        | Expr::Between { expr: first, .. } => Some(first),
        _ => None,
    }
}

/// The operand that an operator ends with.
fn last(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::BinaryOp { right: last, .. }
        | Expr::UnaryOp { expr: last, .. }
        | Expr::IsDistinctFrom(_, last)
        | Expr::IsNotDistinctFrom(_, last)
        | Expr::Like { pattern: last, escape_char: None, .. }
        | Expr::ILike { pattern: last, escape_char: None, .. }
        | Expr::SimilarTo { pattern: last, escape_char: None, .. }
        | Expr::RLike { pattern: last, .. }
        | Expr::Between { high: last, .. } => Some(last),
        _ => None,
    }
}

/// Which end of an expression.
type Side = fn(&mut Expr) -> Option<&mut Expr>;

/// Does `work` to the outermost operand at one side of `expr` whose operator binds at least so tightly.
fn at_operand(expr: &mut Expr, side: Side, strength: u8, work: impl FnOnce(&mut Expr)) {
    if binding(expr) < strength
        && let Some(operand) = side(expr)
    {
        return at_operand(operand, side, strength, work);
    }
    work(expr);
}

/// Where the last operand of `expr` binds less tightly than `expr` itself, only what it begins with is the operand.
fn lift_last(expr: &mut Expr) {
    lift(expr, last, first, lift_first);
}

/// The same of its first operand, which `expr` then stands at the end of.
fn lift_first(expr: &mut Expr) {
    lift(expr, first, last, |_| {});
}

/// Puts `expr` into the place of the operand at the end `inner` of what stands at its own end `own`.
fn lift(expr: &mut Expr, own: Side, inner: Side, then: fn(&mut Expr)) {
    let strength = binding(expr);
    let Some(place) = own(expr).filter(|operand| binding(operand) < strength) else { return then(expr) };
    let mut whole = taken(place);
    let mut operand = None;
    at_operand(&mut whole, inner, strength, |found| operand = Some(taken(found)));
    if let (Some(place), Some(operand)) = (own(expr), operand) {
        *place = operand;
    }
    let lifted = taken(expr);
    at_operand(&mut whole, inner, strength, |place| {
        *place = lifted;
        then(place);
    });
    *expr = whole;
}

fn taken(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Value(Value::Null.into()))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::VisitMut;
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[track_caller]
    fn check(written: &str, meant: &str) {
        let parsed = |text: &str| {
            let mut expr = Parser::new(&GenericDialect {}).try_with_sql(text).unwrap().parse_expr().unwrap();
            let _ = VisitMut::visit(&mut expr, &mut Precedence);
            let _ = VisitMut::visit(&mut expr, &mut NoParentheses);
            expr
        };
        assert_eq!(parsed(written), parsed(meant), "{written}");
    }

    struct NoParentheses;

    impl VisitorMut for NoParentheses {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Nested(inner) = expr {
                *expr = taken(inner);
            }
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn arrows_bind_tighter_than_comparisons() {
        check("a ->> 'b' = 'c'", "(a ->> 'b') = 'c'");
        check("'c' = a ->> 'b'", "'c' = (a ->> 'b')");
        check("'c' = a ->> 'b' = d", "('c' = (a ->> 'b')) = d");
        check("a -> 'b' ->> 'c' <> 'd'", "((a -> 'b') ->> 'c') <> 'd'");
        check("a ->> 'b' = c ->> 'd'", "(a ->> 'b') = (c ->> 'd')");
        check("a ->> 'b' IS NOT NULL AND x", "((a ->> 'b') IS NOT NULL) AND x");
        check("a ->> 'b' LIKE 'c%'", "(a ->> 'b') LIKE 'c%'");
        check("x LIKE a ->> 'b'", "x LIKE (a ->> 'b')");
        check("a ->> 'b' IN ('c', 'd') OR y", "((a ->> 'b') IN ('c', 'd')) OR y");
        check("a ->> 'b' BETWEEN 'c' AND d ->> 'e'", "(a ->> 'b') BETWEEN 'c' AND (d ->> 'e')");
        check("a ->> 'b' || 'c'", "(a ->> 'b') || 'c'");
        check("a ->> ('b' || 'c')", "a ->> ('b' || 'c')");
    }

    #[test]
    fn arrows_bind_tighter_than_what_tests_and_matches() {
        for operator in [
            "IS DISTINCT FROM 'x'",
            "IS NOT DISTINCT FROM 'x'",
            "~ 'x'",
            "!~* 'x'",
            "SIMILAR TO 'x'",
            "NOT SIMILAR TO 'x'",
            "RLIKE 'x'",
            "REGEXP 'x'",
            "IS TRUE",
            "IS NOT FALSE",
            "IS UNKNOWN",
            "= ANY(c)",
            "NOT IN (SELECT 1)",
            "NOT LIKE 'x' ESCAPE '!'",
        ] {
            check(&format!("a ->> 'b' {operator}"), &format!("(a ->> 'b') {operator}"));
            check(&format!("a -> 'b' ->> 'c' {operator} AND d"), &format!("(((a -> 'b') ->> 'c') {operator}) AND d"));
        }
        check("x IS DISTINCT FROM a ->> 'b'", "x IS DISTINCT FROM (a ->> 'b')");
    }

    #[test]
    fn what_is_distinct_ends_before_and_and_or() {
        check("a IS DISTINCT FROM b AND c", "(a IS DISTINCT FROM b) AND c");
        check("a IS NOT DISTINCT FROM b OR c AND d", "(a IS NOT DISTINCT FROM b) OR (c AND d)");
        check("a IS DISTINCT FROM b = c AND d", "(a IS DISTINCT FROM (b = c)) AND d");
        check("x AND a IS DISTINCT FROM b OR c", "(x AND (a IS DISTINCT FROM b)) OR c");
        check("NOT a IS DISTINCT FROM b AND c", "(NOT (a IS DISTINCT FROM b)) AND c");
        check(
            "a IS DISTINCT FROM b AND c IS DISTINCT FROM d OR e",
            "((a IS DISTINCT FROM b) AND (c IS DISTINCT FROM d)) OR e",
        );
        check("a IS DISTINCT FROM (b AND c)", "a IS DISTINCT FROM (b AND c)");
    }
}
