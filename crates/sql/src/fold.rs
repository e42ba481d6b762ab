//! Comparison with enumerations ignores case.
//!
//! `Status = 'Active'` finds ACTIVE, wherever the comparison is evaluated: literals next to a
//! column of an enumeration are put into the spelling of the member before anything else sees them.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ExprSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Case, Cast, InList, Like};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

use crate::relation::ENUM_METADATA;

/// Folds literals that are compared with enumerations.
#[derive(Debug)]
pub(crate) struct FoldEnumLiterals;

impl AnalyzerRule for FoldEnumLiterals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_down_with_subqueries(fold_node).data()
    }

    fn name(&self) -> &'static str {
        "fold_enum_literals"
    }
}

fn fold_node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let Some(schema) = input_schema(&plan)? else { return Ok(Transformed::no(plan)) };
    // Folding must not rename a column whose name is the text of its expression.
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let folded = expr.transform_up(|expr| Ok(fold(expr, &schema)))?;
        Ok(folded.update_data(|expr| name.restore(expr)))
    })
}

/// The columns that the expressions of a node may name.
pub(crate) fn input_schema(plan: &LogicalPlan) -> Result<Option<DFSchema>> {
    let mut merged: Option<DFSchema> = None;
    if let LogicalPlan::TableScan(scan) = plan {
        return Ok(Some(DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?));
    }
    for input in plan.inputs() {
        match &mut merged {
            Some(schema) => schema.merge(input.schema()),
            None => merged = Some(input.schema().as_ref().clone()),
        }
    }
    Ok(merged)
}

fn fold(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) => {
            let (left, right) = match (members(&left, schema), members(&right, schema)) {
                (Some(members), None) => (left, Box::new(folded(*right, &members))),
                (None, Some(members)) => (Box::new(folded(*left, &members)), right),
                _ => (left, right),
            };
            Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right }))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let list = match members(&expr, schema) {
                Some(members) => list.into_iter().map(|item| folded(item, &members)).collect(),
                None => list,
            };
            Transformed::yes(Expr::InList(InList { expr, list, negated }))
        }
        Expr::Like(like) if members(&like.expr, schema).is_some() => {
            Transformed::yes(Expr::Like(Like { case_insensitive: true, ..like }))
        }
        Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }) => {
            let Some(members) = members(&operand, schema) else {
                return Transformed::no(Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }));
            };
            let when_then_expr =
                when_then_expr.into_iter().map(|(when, then)| (Box::new(folded(*when, &members)), then)).collect();
            Transformed::yes(Expr::Case(Case { expr: Some(operand), when_then_expr, else_expr }))
        }
        other => Transformed::no(other),
    }
}

/// Whether an operator compares its sides.
pub(crate) fn compares(operator: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// The members of the enumeration that a plain column belongs to.
fn members(expr: &Expr, schema: &DFSchema) -> Option<Arc<[String]>> {
    let Expr::Column(column) = expr else { return None };
    let field = schema.field_from_column(column).ok()?;
    let listed = field.metadata().get(ENUM_METADATA)?;
    Some(listed.lines().map(str::to_owned).collect())
}

/// The literal in the spelling of the member it names; anything else as it is.
fn folded(expr: Expr, members: &[String]) -> Expr {
    let fold_text = |text: &str| members.iter().find(|member| member.eq_ignore_ascii_case(text)).cloned();
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) => {
            let folded = fold_text(&text).unwrap_or(text);
            Expr::Literal(ScalarValue::Utf8(Some(folded)), metadata)
        }
        // Only a cast may stand between: a function's argument is not the value compared.
        Expr::Cast(Cast { expr, field }) => Expr::Cast(Cast { expr: Box::new(folded(*expr, members)), field }),
        other => other,
    }
}
