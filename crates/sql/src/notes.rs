//! What a statement most likely does not mean, found before it runs.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ExprSchema, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

use crate::Error;
use crate::fold::{compares, input_schema};
use crate::mapping::{self, Names};
use crate::nearest::nearest;
use crate::relation::ENUM_METADATA;

/// Values of an enumeration that a note lists.
const VALUES_SHOWN: usize = 12;

/// Notes on a plan as the statement says it, before anything is rewritten.
///
/// # Errors
///
/// [`Error::TextAgainstNumber`].
pub(crate) fn of(plan: &LogicalPlan, names: &Names<'_>) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        let Some(schema) = input_schema(node)? else { return Ok(TreeNodeRecursion::Continue) };
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                examine(part, &schema, names, &mut notes).map_err(DataFusionError::from)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(|error| mapping::plain(&error))?;
    Ok(notes)
}

fn examine(expr: &Expr, schema: &DFSchema, names: &Names<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => {
            // Only equality asks for a member: a range has a bound, which need not be one.
            let mut unheeded = Vec::new();
            let notes = if is_equality(*op) { notes } else { &mut unheeded };
            compare(left, std::slice::from_ref(right.as_ref()), schema, names, notes)?;
            compare(right, std::slice::from_ref(left.as_ref()), schema, names, notes)
        }
        Expr::InList(InList { expr, list, .. }) => compare(expr, list, schema, names, notes),
        Expr::ScalarFunction(call) if call.name() == "to_char" => {
            notes.extend(call.args.get(1).and_then(format_without_parts));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_equality(operator: Operator) -> bool {
    use Operator::{Eq, IsDistinctFrom, IsNotDistinctFrom, NotEq};
    matches!(operator, Eq | NotEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// A column beside the values that it is compared with.
fn compare(
    column: &Expr,
    values: &[Expr],
    schema: &DFSchema,
    names: &Names<'_>,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let Expr::Column(column) = column else { return Ok(()) };
    let Ok(field) = schema.field_from_column(column) else { return Ok(()) };
    let shown = || names.statement.display(field.name(), names.model);
    for value in values {
        let Expr::Literal(value, _) = value else { continue };
        if *field.data_type() == DataType::Utf8 && value.data_type().is_numeric() && !value.is_null() {
            return Err(Error::TextAgainstNumber { column: shown(), number: value.to_string() });
        }
        if let ScalarValue::Utf8(Some(text)) = value {
            notes.extend(unknown_value(field, text, shown));
        }
    }
    Ok(())
}

/// A value that the column's enumeration does not have: as far as is known, no row has it.
fn unknown_value(field: &Field, text: &str, column: impl Fn() -> String) -> Option<String> {
    let members: Vec<&str> = field.metadata().get(ENUM_METADATA)?.lines().collect();
    if members.iter().any(|member| member.eq_ignore_ascii_case(text)) {
        return None;
    }
    let advice = match nearest(text, members.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None if members.len() > VALUES_SHOWN => {
            format!("among those it has are {}", members[..VALUES_SHOWN].join(", "))
        }
        None => format!("it has {}", members.join(", ")),
    };
    Some(format!("no value '{text}' of {} is known; {advice}", column()))
}

/// A format of `to_char` in another database's manner, which comes back as it is.
fn format_without_parts(format: &Expr) -> Option<String> {
    match format {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) if !text.contains('%') => {
            Some(format!("to_char takes formats such as '%Y-%m-%d'; '{text}' has no % and comes back as it is"))
        }
        _ => None,
    }
}
