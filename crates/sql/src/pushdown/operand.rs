//! Which column a side of a comparison is, seen through what does not change its meaning.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Cast, Expr};
use oktant_catalog::ColumnType;

use super::spelling::Casing;
use crate::collation::FOLD;
use crate::relation::{Relation, RelationColumn};

/// A column in a comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand<'a> {
    /// The column.
    pub(crate) column: &'a RelationColumn,
    /// What of its value is compared.
    pub(crate) view: View,
}

/// What of a column's value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The value itself.
    Value,
    /// The value in lower case.
    Lower,
    /// The value in upper case.
    Upper,
    /// The value as it is compared ignoring case.
    Folded,
    /// The day of an instant, in UTC.
    Day,
}

impl View {
    /// How the case of text is treated.
    pub(crate) const fn casing(self) -> Casing {
        match self {
            Self::Lower => Casing::Lower,
            Self::Upper => Casing::Upper,
            Self::Folded => Casing::Ignored,
            Self::Value | Self::Day => Casing::Kept,
        }
    }
}

impl<'a> Operand<'a> {
    /// The column that `expr` is, or `None` where it is something else.
    pub(crate) fn of(expr: &Expr, relation: &'a Relation) -> Option<Self> {
        match expr {
            Expr::Column(column) => Some(Self { column: relation.column(column.name())?, view: View::Value }),
            Expr::Alias(alias) => Self::of(&alias.expr, relation),
            Expr::Cast(Cast { expr, field }) => Self::of(expr, relation)?.cast(field.data_type()),
            Expr::ScalarFunction(call) if call.args.len() == 1 => {
                let operand = Self::of(&call.args[0], relation)?;
                match call.func.name() {
                    "lower" => operand.with_text_view(View::Lower),
                    "upper" => operand.with_text_view(View::Upper),
                    FOLD => operand.with_text_view(View::Folded),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn with_text_view(self, view: View) -> Option<Self> {
        (self.column.data_type == ColumnType::Text && self.view == View::Value)
            .then_some(Self { column: self.column, view })
    }

    /// The operand after a cast that keeps order and equality of its values, or takes their day.
    fn cast(self, to: &DataType) -> Option<Self> {
        use ColumnType::{BigInt, Boolean, Date, Double, Integer, Text, Timestamp};
        if self.column.data_type == Timestamp && self.view == View::Value && *to == DataType::Date32 {
            return Some(Self { view: View::Day, ..self });
        }
        let keeps = match (self.column.data_type, to) {
            (Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            | (Boolean, DataType::Boolean)
            | (Integer, DataType::Int32 | DataType::Int64 | DataType::Float64)
            // Whole numbers of 64 bits as floats stay in order, and constants beyond the
            // exact range are never sent.
            | (BigInt, DataType::Int64 | DataType::Float64)
            | (Double, DataType::Float64)
            | (Date, DataType::Date32) => true,
            (Timestamp | Date, DataType::Timestamp(unit, zone)) => *unit != TimeUnit::Second && is_utc(zone.as_deref()),
            _ => false,
        };
        (keeps && self.view != View::Day).then_some(self)
    }
}

/// Whether an instant has the same day in the zone as in UTC. Without a zone, it is in UTC.
fn is_utc(zone: Option<&str>) -> bool {
    matches!(zone, None | Some("UTC" | "+00:00"))
}
