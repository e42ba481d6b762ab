//! Columns that a statement binds to constants, such as keys.

use std::collections::HashSet;

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use oktant_catalog::ColumnType;

use super::literal::Constant;
use super::operand::{Operand, View};
use crate::relation::Relation;

/// A column of text and all the values that the conjuncts of a statement leave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The values, each once, in the order of the statement.
    pub(crate) values: Vec<String>,
    /// Positions of the conjuncts that say no more than this.
    pub(crate) conjuncts: Vec<usize>,
}

/// What `filters` bind the column at `position` to; `None` where they leave it open.
pub(crate) fn bound(filters: &[Expr], relation: &Relation, position: usize) -> Option<Bound> {
    let mut bound: Option<Bound> = None;
    for (conjunct, filter) in filters.iter().enumerate() {
        let Some(values) = equalities(filter, relation, position) else { continue };
        match &mut bound {
            None => bound = Some(Bound { values, conjuncts: vec![conjunct] }),
            Some(bound) => {
                let allowed: HashSet<&String> = values.iter().collect();
                bound.values.retain(|value| allowed.contains(value));
                bound.conjuncts.push(conjunct);
            }
        }
    }
    bound
}

/// The values that a predicate of the shapes `column = v`, `column IN (v, w)` and `column = v OR
/// column = w` allows.
fn equalities(filter: &Expr, relation: &Relation, position: usize) -> Option<Vec<String>> {
    match filter {
        Expr::Alias(alias) => equalities(&alias.expr, relation, position),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let (column, value) = match (Constant::of(left), Constant::of(right)) {
                (None, Some(value)) => (left, value),
                (Some(value), None) => (right, value),
                _ => return None,
            };
            is_column(column, relation, position).then_some(())?;
            texts(value)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (left, right) = (equalities(left, relation, position)?, equalities(right, relation, position)?);
            Some(each_once(left.into_iter().chain(right)))
        }
        Expr::InList(InList { expr, list, negated: false }) if is_column(expr, relation, position) => {
            let mut values = Vec::with_capacity(list.len());
            for item in list {
                values.extend(texts(Constant::of(item)?)?);
            }
            Some(each_once(values))
        }
        _ => None,
    }
}

fn is_column(expr: &Expr, relation: &Relation, position: usize) -> bool {
    let column = &relation.columns()[position];
    column.data_type == ColumnType::Text
        && Operand::of(expr, relation)
            .is_some_and(|operand| operand.view == View::Value && operand.column.name == column.name)
}

/// The texts that equal a constant: itself, and none for NULL.
fn texts(constant: Constant) -> Option<Vec<String>> {
    match constant {
        Constant::Text(text) => Some(vec![text]),
        Constant::Null => Some(Vec::new()),
        _ => None,
    }
}

/// The values without repetition, in their order: a join may deliver a hundred thousand.
fn each_once(values: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

/// Whether `value` can be one segment of a path: an empty one or a dot segment would address
/// another resource (RFC 3986, 5.2.4).
pub(crate) fn is_segment(value: &str) -> bool {
    !matches!(value, "" | "." | "..")
}

/// Whether `value` has the form of an object's id. Paths below `/users/` also take logins, which
/// would answer for a key that no row has.
pub(crate) fn is_id(value: &str) -> bool {
    value.len() == 20 && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Every combination of one value per list, the last list varying fastest; `None` when there
/// would be more than `max`.
pub(crate) fn combinations(lists: &[Vec<String>], max: usize) -> Option<Vec<Vec<String>>> {
    let count = lists.iter().try_fold(1_usize, |count, list| count.checked_mul(list.len()))?;
    if count > max {
        return None;
    }
    let mut tuples = vec![Vec::new()];
    for list in lists {
        tuples = tuples
            .iter()
            .flat_map(|tuple| list.iter().map(move |value| [tuple.as_slice(), std::slice::from_ref(value)].concat()))
            .collect();
    }
    Some(tuples)
}
