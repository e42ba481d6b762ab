//! The bounds that a statement sets to a column of instants.

use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

use super::literal::Constant;
use super::operand::{Operand, View};
use crate::relation::Relation;

/// Bounds in milliseconds since the epoch; rows outside of them cannot satisfy the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TimeBounds {
    /// The earliest instant.
    pub(crate) since: Option<i64>,
    /// The first instant after the last one.
    pub(crate) until: Option<i64>,
}

const MILLIS_PER_DAY: i64 = 86_400_000;

impl TimeBounds {
    /// The bounds that the conjuncts `filters` set to the column at `position`.
    pub(crate) fn of(filters: &[Expr], relation: &Relation, position: usize) -> Self {
        let mut bounds = Self::default();
        for filter in filters {
            bounds.narrow(filter, relation, position);
        }
        bounds
    }

    fn narrow(&mut self, filter: &Expr, relation: &Relation, position: usize) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left, relation, position);
                self.narrow(right, relation, position);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let Some(view) = view(left, relation, position) {
                    self.compare(view, *op, right);
                } else if let (Some(view), Some(op)) = (view(right, relation, position), op.swap()) {
                    self.compare(view, op, left);
                }
            }
            Expr::Between(Between { expr, negated: false, low, high }) => {
                if let Some(view) = view(expr, relation, position) {
                    self.compare(view, Operator::GtEq, low);
                    self.compare(view, Operator::LtEq, high);
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, view: View, operator: Operator, constant: &Expr) {
        let Some(instant) = Constant::of(constant).and_then(|constant| constant.as_instant()) else { return };
        // The first instant that is surely after every one that equals the constant in this view.
        let end = instant.millis.saturating_add(if view == View::Day { MILLIS_PER_DAY } else { 1 });
        match operator {
            Operator::Eq => {
                self.raise(instant.millis);
                self.lower(end);
            }
            Operator::Gt | Operator::GtEq => self.raise(instant.millis),
            Operator::Lt if !instant.rounded => self.lower(instant.millis),
            Operator::Lt | Operator::LtEq => self.lower(end),
            _ => {}
        }
    }

    fn raise(&mut self, to: i64) {
        self.since = Some(self.since.map_or(to, |since| since.max(to)));
    }

    fn lower(&mut self, to: i64) {
        self.until = Some(self.until.map_or(to, |until| until.min(to)));
    }
}

fn view(expr: &Expr, relation: &Relation, position: usize) -> Option<View> {
    let operand = Operand::of(expr, relation)?;
    (operand.column.name == relation.columns()[position].name).then_some(operand.view)
}
