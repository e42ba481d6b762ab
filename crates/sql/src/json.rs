//! Access to what lies inside a JSON column: `Profile ->> 'department'`, `json_get(Profile, 'a', 'b')`.
//!
//! The crate `datafusion-functions-json` would offer more, but the Python bindings that it can be
//! built with ask for another `pyo3` than ours, and one graph of packages holds only one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DFSchema, Result, exec_err, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, VisitorMut};
use serde_json::value::RawValue;

/// Makes the functions and operators known.
pub(crate) fn register(state: &mut SessionState) -> Result<()> {
    state.register_udf(Arc::new(Access::Json.function()))?;
    state.register_udf(Arc::new(Access::Text.function()))?;
    state.register_expr_planner(Arc::new(Arrows))
}

/// What access to a part of a JSON text gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Access {
    /// The part as JSON.
    Json,
    /// The part as text: of a string its content; NULL of null.
    Text,
}

impl Access {
    fn function(self) -> ScalarUDF {
        let signature = Signature::variadic_any(Volatility::Immutable);
        let (name, other) = match self {
            Self::Json => ("json_get", "json_get_json"),
            Self::Text => ("json_get_str", "json_as_text"),
        };
        ScalarUDF::from(JsonGet { name, access: self, signature, aliases: vec![other.to_owned()] })
    }

    fn shown(self, json: &str) -> Option<String> {
        match self {
            Self::Text if json == "null" => None,
            Self::Text if json.starts_with('"') => serde_json::from_str(json).ok(),
            Self::Json | Self::Text => Some(json.to_owned()),
        }
    }
}

/// `json_get(json, step, …)`: each step is the name of a member or the position in an array, from 0.
/// NULL where a step leads nowhere.
#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonGet {
    name: &'static str,
    access: Access,
    signature: Signature,
    aliases: Vec<String>,
}

impl ScalarUDFImpl for JsonGet {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [json, steps @ ..] if (json.is_string() || json.is_null()) && !steps.is_empty() => Ok(DataType::Utf8),
            _ => plan_err!("{} takes JSON text, then names of members or positions", self.name),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let Some((json, steps)) = arrays.split_first() else { return exec_err!("{} takes JSON text", self.name) };
        let json = cast(json, &DataType::Utf8)?;
        let steps = steps.iter().map(Steps::of).collect::<Result<Vec<_>>>()?;
        let texts = json.as_string::<i32>().iter().enumerate().map(|(row, text)| {
            let found = steps.iter().try_fold(text?, |json, step| step.part(row, json))?;
            self.access.shown(found)
        });
        Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>())))
    }
}

/// One step of a path, for each row.
enum Steps {
    Names(ArrayRef),
    Positions(ArrayRef),
}

impl Steps {
    fn of(array: &ArrayRef) -> Result<Self> {
        Ok(if array.data_type().is_integer() {
            Self::Positions(cast(array, &DataType::Int64)?)
        } else {
            Self::Names(cast(array, &DataType::Utf8)?)
        })
    }

    /// The part of `json` that the step leads to.
    fn part<'a>(&self, row: usize, json: &'a str) -> Option<&'a str> {
        match self {
            Self::Names(names) if names.is_valid(row) => {
                let members: HashMap<String, &'a RawValue> = serde_json::from_str(json).ok()?;
                members.get(names.as_string::<i32>().value(row)).map(|part| part.get())
            }
            Self::Positions(positions) if positions.is_valid(row) => {
                let parts: Vec<&'a RawValue> = serde_json::from_str(json).ok()?;
                let position = usize::try_from(positions.as_primitive::<Int64Type>().value(row)).ok()?;
                parts.get(position).map(|part| part.get())
            }
            _ => None,
        }
    }
}

/// `->` gives JSON, `->>` text.
#[derive(Debug)]
struct Arrows;

impl ExprPlanner for Arrows {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let access = match expr.op {
            BinaryOperator::Arrow => Access::Json,
            BinaryOperator::LongArrow => Access::Text,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let call = ScalarFunction::new_udf(Arc::new(access.function()), vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}

/// Lets the arrows bind tighter than comparisons, as they do in PostgreSQL: the parser's dialect
/// reads `a ->> 'b' = 'c'` as `a ->> ('b' = 'c')`.
pub(crate) struct ArrowsFirst;

impl VisitorMut for ArrowsFirst {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> std::ops::ControlFlow<()> {
        if let ast::Expr::BinaryOp { left, op: BinaryOperator::Arrow | BinaryOperator::LongArrow, right } = expr {
            if is_looser(right) {
                let mut whole = taken(right);
                let key = taken(leftmost(&mut whole));
                **right = key;
                let access = taken(expr);
                *leftmost(&mut whole) = access;
                *expr = whole;
                // What stands before the access may have to go out of it as well.
                return self.post_visit_expr(leftmost(expr));
            }
            if is_looser(left) {
                let mut whole = taken(left);
                let Some(json) = rightmost(&mut whole).map(taken) else {
                    **left = whole;
                    return std::ops::ControlFlow::Continue(());
                };
                **left = json;
                let access = taken(expr);
                if let Some(place) = rightmost(&mut whole) {
                    *place = access;
                }
                *expr = whole;
            }
        }
        std::ops::ControlFlow::Continue(())
    }
}

fn taken(expr: &mut ast::Expr) -> ast::Expr {
    std::mem::replace(expr, ast::Expr::Value(ast::Value::Null.into()))
}

/// Whether an expression without parentheses is of an operator that binds less tightly.
fn is_looser(expr: &ast::Expr) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq, StringConcat};
    match expr {
        ast::Expr::BinaryOp { op, .. } => matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | StringConcat),
        ast::Expr::IsNull(_)
        | ast::Expr::IsNotNull(_)
        | ast::Expr::Like { .. }
        | ast::Expr::ILike { .. }
        | ast::Expr::InList { .. }
        | ast::Expr::InSubquery { .. }
        | ast::Expr::Between { .. } => true,
        _ => false,
    }
}

/// The first operand below looser operators.
fn leftmost(expr: &mut ast::Expr) -> &mut ast::Expr {
    if !is_looser(expr) {
        return expr;
    }
    match expr {
        ast::Expr::BinaryOp { left: first, .. }
        | ast::Expr::IsNull(first)
        | ast::Expr::IsNotNull(first)
        | ast::Expr::Like { expr: first, .. }
        | ast::Expr::ILike { expr: first, .. }
        | ast::Expr::InList { expr: first, .. }
        | ast::Expr::InSubquery { expr: first, .. }
        | ast::Expr::Between { expr: first, .. } => leftmost(first),
        other => other,
    }
}

/// The last operand below looser operators of two sides.
fn rightmost(expr: &mut ast::Expr) -> Option<&mut ast::Expr> {
    if !is_looser(expr) {
        return Some(expr);
    }
    match expr {
        ast::Expr::BinaryOp { right, .. } => rightmost(right),
        _ => None,
    }
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
            let _ = VisitMut::visit(&mut expr, &mut ArrowsFirst);
            let _ = VisitMut::visit(&mut expr, &mut NoParentheses);
            expr
        };
        assert_eq!(parsed(written), parsed(meant), "{written}");
    }

    struct NoParentheses;

    impl VisitorMut for NoParentheses {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> std::ops::ControlFlow<()> {
            if let ast::Expr::Nested(inner) = expr {
                *expr = taken(inner);
            }
            std::ops::ControlFlow::Continue(())
        }
    }

    #[test]
    fn arrows_bind_tighter_than_comparisons() {
        check("a ->> 'b' = 'c'", "(a ->> 'b') = 'c'");
        check("'c' = a ->> 'b'", "'c' = (a ->> 'b')");
        check("a -> 'b' ->> 'c' <> 'd'", "((a -> 'b') ->> 'c') <> 'd'");
        check("a ->> 'b' = c ->> 'd'", "(a ->> 'b') = (c ->> 'd')");
        check("a ->> 'b' IS NOT NULL AND x", "((a ->> 'b') IS NOT NULL) AND x");
        check("a ->> 'b' LIKE 'c%'", "(a ->> 'b') LIKE 'c%'");
        check("a ->> 'b' IN ('c', 'd') OR y", "((a ->> 'b') IN ('c', 'd')) OR y");
        check("a ->> 'b' || 'c'", "(a ->> 'b') || 'c'");
        check("a ->> ('b' || 'c')", "a ->> ('b' || 'c')");
    }
}
