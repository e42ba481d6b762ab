//! Which predicates of a statement the reader of an attached table can evaluate.

use std::fmt;

use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator};
use oktant_catalog::ColumnType;

use super::{Accepts, AttachedTable, Cell, Comparison, Condition, Test};
use crate::pushdown::Constant;
use crate::pushdown::iso_instant;

/// Values that a reader is asked for at once.
const VALUES_MAX: usize = 500;

/// The conditions that together mean exactly the predicate; `None` if it is beyond the table.
pub(super) fn conditions(filter: &Expr, table: &AttachedTable) -> Option<Vec<Condition>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let mut both = conditions(left, table)?;
            both.extend(conditions(right, table)?);
            Some(both)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match column(left, table) {
            Some(column) => compared(table, column, *op, right),
            None => compared(table, column(right, table)?, op.swap()?, left),
        },
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= VALUES_MAX => {
            let column = column(expr, table)?;
            let values = list.iter().map(|item| exact(table, column, item)).collect::<Option<Vec<_>>>()?;
            accepted(table, Condition { column, test: Test::OneOf(values) })
        }
        Expr::Between(Between { expr, negated: false, low, high }) => {
            let column = column(expr, table)?;
            let mut both = compared(table, column, Operator::GtEq, low)?;
            both.extend(compared(table, column, Operator::LtEq, high)?);
            Some(both)
        }
        _ => None,
    }
}

/// The column that an expression is. A cast of instants to other units keeps their order.
fn column(expr: &Expr, table: &AttachedTable) -> Option<usize> {
    match expr {
        Expr::Column(column) => table.columns.iter().position(|known| known.name.to_lowercase() == column.name),
        Expr::Cast(Cast { expr, field }) => column(expr, table).filter(|position| {
            use arrow::datatypes::{DataType, TimeUnit};
            let is_instant = table.columns[*position].data_type == ColumnType::Timestamp;
            let finer = matches!(field.data_type(), DataType::Timestamp(unit, _) if *unit != TimeUnit::Second);
            is_instant && finer
        }),
        _ => None,
    }
}

fn compared(table: &AttachedTable, column: usize, operator: Operator, value: &Expr) -> Option<Vec<Condition>> {
    let comparison = match operator {
        Operator::Eq => {
            let test = Test::OneOf(vec![exact(table, column, value)?]);
            return accepted(table, Condition { column, test });
        }
        Operator::Lt => Comparison::Less,
        Operator::LtEq => Comparison::AtMost,
        Operator::Gt => Comparison::More,
        Operator::GtEq => Comparison::AtLeast,
        _ => return None,
    };
    let (value, rounded) = cell(table.columns[column].data_type, value)?;
    // The constant lies between this millisecond and the next one.
    let comparison = match comparison {
        Comparison::Less if rounded => Comparison::AtMost,
        Comparison::AtLeast if rounded => Comparison::More,
        other => other,
    };
    accepted(table, Condition { column, test: Test::Compare(comparison, value) })
}

fn accepted(table: &AttachedTable, condition: Condition) -> Option<Vec<Condition>> {
    let takes = match (table.columns[condition.column].accepts, &condition.test) {
        (Accepts::Nothing, _) | (Accepts::Values, Test::Compare(..)) => false,
        (Accepts::Order, _) | (Accepts::Values, Test::OneOf(_)) => true,
    };
    takes.then(|| vec![condition])
}

/// A value that a column can have.
fn exact(table: &AttachedTable, column: usize, value: &Expr) -> Option<Cell> {
    cell(table.columns[column].data_type, value).filter(|(_, rounded)| !rounded).map(|(value, _)| value)
}

/// A constant as a value of a column, and whether it lies after that value.
fn cell(data_type: ColumnType, value: &Expr) -> Option<(Cell, bool)> {
    let constant = Constant::of(value)?;
    let exact = |cell| Some((cell, false));
    match (data_type, &constant) {
        (ColumnType::Timestamp, constant) => {
            constant.as_instant().map(|instant| (Cell::Instant(instant.millis), instant.rounded))
        }
        (ColumnType::Text, Constant::Text(text)) => exact(Cell::Text(text.clone())),
        (ColumnType::Integer | ColumnType::BigInt, Constant::Integer(number)) => exact(Cell::Integer(*number)),
        (ColumnType::Double, Constant::Integer(number)) => exact(Cell::Double(*number as f64)),
        (ColumnType::Double, Constant::Float(number)) => exact(Cell::Double(*number)),
        (ColumnType::Boolean, Constant::Boolean(truth)) => exact(Cell::Boolean(*truth)),
        _ => None,
    }
}

/// A condition as people read it.
pub(super) fn written(condition: &Condition, table: &AttachedTable) -> String {
    let name = &table.columns[condition.column].name;
    match &condition.test {
        Test::OneOf(values) => match values.as_slice() {
            [value] => format!("{name} = {value}"),
            values => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("{name} IN ({})", values.join(", "))
            }
        },
        Test::Compare(comparison, value) => format!("{name} {} {value}", comparison.sql()),
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Integer(number) => number.fmt(f),
            Self::Double(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Instant(millis) => match iso_instant(*millis) {
                Some(text) => write!(f, "'{text}'"),
                None => millis.fmt(f),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::{col, lit};

    use super::super::AttachedColumn;
    use super::*;

    fn table() -> AttachedTable {
        let columns = vec![
            AttachedColumn::new("Flow", ColumnType::Text).accepting(Accepts::Values),
            AttachedColumn::new("At", ColumnType::Timestamp).accepting(Accepts::Order),
            AttachedColumn::new("Size", ColumnType::Double).accepting(Accepts::Order),
            AttachedColumn::new("Note", ColumnType::Text),
        ];
        AttachedTable { schema: None, name: "t".to_owned(), columns, descending: Vec::new() }
    }

    #[track_caller]
    fn check(filter: &Expr, expected: Option<&str>) {
        let table = table();
        let found = conditions(filter, &table).map(|conditions| {
            conditions.iter().map(|condition| written(condition, &table)).collect::<Vec<_>>().join(" AND ")
        });
        assert_eq!(found.as_deref(), expected, "{filter}");
    }

    #[test]
    fn what_the_reader_takes_is_exact() {
        check(&col("flow").eq(lit("it's")), Some("Flow = 'it''s'"));
        check(&lit("a").eq(col("flow")), Some("Flow = 'a'"));
        check(&col("flow").in_list(vec![lit("a"), lit("b")], false), Some("Flow IN ('a', 'b')"));
        check(&lit(3).lt(col("size")), Some("Size > 3"));
        check(&col("size").gt_eq(lit(1.5)).and(col("flow").eq(lit("a"))), Some("Size >= 1.5 AND Flow = 'a'"));
        check(&col("size").between(lit(1), lit(2)), Some("Size >= 1 AND Size <= 2"));
    }

    #[test]
    fn instants_between_milliseconds_move_the_bound() {
        let nanos = |value| Expr::Literal(ScalarValue::TimestampNanosecond(Some(value), Some("UTC".into())), None);
        check(&col("at").gt_eq(nanos(1_000_000)), Some("At >= '1970-01-01T00:00:00.001Z'"));
        check(&col("at").gt_eq(nanos(1_000_001)), Some("At > '1970-01-01T00:00:00.001Z'"));
        check(&col("at").lt(nanos(1_000_001)), Some("At <= '1970-01-01T00:00:00.001Z'"));
        check(&col("at").lt_eq(nanos(1_000_001)), Some("At <= '1970-01-01T00:00:00.001Z'"));
        check(&col("at").eq(nanos(1_000_001)), None);
    }

    #[test]
    fn what_the_reader_does_not_take_stays_here() {
        check(&col("note").eq(lit("a")), None);
        check(&col("flow").gt(lit("a")), None);
        check(&col("flow").not_eq(lit("a")), None);
        check(&col("flow").in_list(vec![lit("a")], true), None);
        check(&col("flow").eq(col("note")), None);
        check(&col("flow").eq(lit(ScalarValue::Utf8(None))), None);
        check(&col("flow").eq(lit("a")).and(col("note").eq(lit("b"))), None);
    }
}
