//! `StringComparison=Okta`: text of live tables is compared and ordered ignoring case.
//!
//! Comparisons with a column of text are put through [`FOLD`] on both sides before anything else
//! sees them, so that they mean the same wherever they are evaluated: here, or by the org, whose
//! search ignores case. Accents count, identifiers stay exact, and grouping keeps apart what is
//! spelled differently. Functions such as `starts_with` are given the text as it is.
//!
//! # Source
//! SQL model 2.5.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ExprSchema, Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::{Between, Case, InList, InSubquery, Like};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Subquery, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::fold::{compares, input_schema};
use crate::relation::FOLDED_METADATA;

/// Name of the function that puts text into the form in which it is compared.
pub(crate) const FOLD: &str = "okta_fold";

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    Arc::new(ScalarUDF::from(Fold { signature }))
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct Fold {
    signature: Signature,
}

impl ScalarUDFImpl for Fold {
    fn name(&self) -> &str {
        FOLD
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(ScalarValue::Utf8(text))] => {
                Ok(ColumnarValue::Scalar(ScalarValue::Utf8(text.as_deref().map(folded))))
            }
            [ColumnarValue::Array(texts)] => {
                let texts = texts.as_string::<i32>().iter().map(|text| text.map(folded));
                Ok(ColumnarValue::Array(Arc::new(texts.collect::<StringArray>()) as ArrayRef))
            }
            _ => exec_err!("{FOLD} takes one text"),
        }
    }
}

/// The text with every character replaced by its simple case folding.
fn folded(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(folded_char).collect() }
}

/// # Source
/// Unicode Standard, `CaseFolding.txt`, statuses C and S: what a character and its upper case
/// share, except for the dotless and the dotted i, which fold for Turkish only.
fn folded_char(c: char) -> char {
    let only = |mut mapped: Box<dyn Iterator<Item = char>>| mapped.next().filter(|_| mapped.next().is_none());
    if matches!(c, 'ı' | 'İ') {
        return c;
    }
    let upper = only(Box::new(c.to_uppercase())).unwrap_or(c);
    only(Box::new(upper.to_lowercase())).unwrap_or(c)
}

/// Folds both sides of comparisons with columns of text, and the keys of `ORDER BY`.
#[derive(Debug)]
pub(crate) struct IgnoreCase;

impl AnalyzerRule for IgnoreCase {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_down_with_subqueries(fold_node).data()
    }

    fn name(&self) -> &'static str {
        "ignore_case_of_text"
    }
}

fn fold_node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let Some(schema) = input_schema(&plan)? else { return Ok(Transformed::no(plan)) };
    let names = NamePreserver::new(&plan);
    let sorts = matches!(plan, LogicalPlan::Sort(_));
    let plan = match plan {
        LogicalPlan::Join(mut join) => {
            for (left, right) in &mut join.on {
                fold_sides([left, right], &schema);
            }
            LogicalPlan::Join(join)
        }
        other => other,
    };
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let folded = expr.transform_up(|expr| fold_comparison(expr, &schema))?;
        Ok(folded
            .update_data(|expr| name.restore(if sorts && ignores_case(&expr, &schema) { fold(expr) } else { expr })))
    })
}

fn fold_comparison(mut expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let folds = match &mut expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(*op) => fold_sides([&mut **left, right], schema),
        Expr::Like(Like { expr, pattern, .. }) => fold_sides([&mut **expr, pattern], schema),
        Expr::Between(Between { expr, low, high, .. }) => fold_sides([&mut **expr, low, high], schema),
        Expr::InList(InList { expr, list, .. }) => {
            fold_sides(std::iter::once(&mut **expr).chain(list.iter_mut()), schema)
        }
        Expr::Case(Case { expr: Some(operand), when_then_expr, .. }) => {
            let whens = when_then_expr.iter_mut().map(|(when, _)| &mut **when);
            fold_sides(std::iter::once(&mut **operand).chain(whens), schema)
        }
        Expr::InSubquery(InSubquery { expr, subquery, .. }) => fold_subquery(expr, subquery, schema)?,
        _ => false,
    };
    Ok(Transformed::new_transformed(expr, folds))
}

/// Folds every side if one of them is a column that ignores case; says whether it did.
fn fold_sides<'a>(sides: impl IntoIterator<Item = &'a mut Expr>, schema: &DFSchema) -> bool {
    let sides: Vec<_> = sides.into_iter().collect();
    let is_text = |side: &Expr| side.get_type(schema).is_ok_and(|data_type| data_type == DataType::Utf8);
    if !sides.iter().any(|side| ignores_case(side, schema)) || !sides.iter().all(|side| is_text(side)) {
        return false;
    }
    for side in sides {
        *side = fold(std::mem::take(side));
    }
    true
}

/// `column IN (SELECT …)`: the column and what the query yields.
fn fold_subquery(expr: &mut Expr, subquery: &mut Subquery, schema: &DFSchema) -> Result<bool> {
    let inner = subquery.subquery.schema();
    let Some(column) = inner.columns().pop().filter(|_| inner.fields().len() == 1).map(Expr::Column) else {
        return Ok(false);
    };
    if !ignores_case(expr, schema) && !ignores_case(&column, inner) {
        return Ok(false);
    }
    *expr = fold(std::mem::take(expr));
    let plan = LogicalPlanBuilder::from(Arc::clone(&subquery.subquery));
    subquery.subquery = Arc::new(plan.project([fold(column).alias("folded")])?.build()?);
    Ok(true)
}

fn fold(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) => {
            Expr::Literal(ScalarValue::Utf8(Some(folded(&text))), metadata)
        }
        other => FUNCTION.call(vec![other]),
    }
}

/// Whether an expression is a column of text that is compared ignoring case.
fn ignores_case(expr: &Expr, schema: &DFSchema) -> bool {
    let is_marked = |field: &arrow::datatypes::Field| field.metadata().contains_key(FOLDED_METADATA);
    match expr {
        Expr::Column(column) => schema.field_from_column(column).is_ok_and(|field| is_marked(field)),
        Expr::OuterReferenceColumn(field, _) => is_marked(field),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_and_accents_are_kept() {
        for (text, expected) in [
            ("ABC", "abc"),
            ("Zoë ÁBC", "zoë ábc"),
            ("STRASSE", "strasse"),
            ("Straße", "straße"),
            ("ſmith", "smith"),
            ("ΑΣ ας", "ασ ασ"),
            ("İı", "İı"),
            ("\u{212A}", "k"),
            ("東京", "東京"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }
}
