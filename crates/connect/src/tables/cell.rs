//! Values in the columns of a table.

use oktant_base::Timestamp;
use oktant_store::Value as Cell;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::expression::{is_empty, text};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnType {
    /// Text.
    #[serde(rename = "str")]
    Text,
    /// A number.
    #[serde(rename = "dec")]
    Number,
    /// True or false.
    #[serde(rename = "bln")]
    Boolean,
    /// An instant.
    #[serde(rename = "dte")]
    Date,
}

/// ISO 8601 with milliseconds and `Z`.
pub(super) fn instant_text(instant: Timestamp) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A value as a cell of its column; empty text is nothing.
pub(super) fn cell(kind: ColumnType, value: &Value) -> Result<Cell, String> {
    if is_empty(value) {
        return Ok(if kind == ColumnType::Text { Cell::Text(None) } else { Cell::Int(None) });
    }
    let words = text(value);
    let fails = |what: &str| format!("\"{words}\" is no {what}");
    Ok(match kind {
        ColumnType::Text => words.into(),
        ColumnType::Number => match value.as_f64().or_else(|| words.trim().parse().ok()) {
            Some(number) if number.is_finite() => to_ordered(number).into(),
            _ => return Err(fails("number")),
        },
        ColumnType::Boolean => match words.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true.into(),
            "false" | "no" | "0" => false.into(),
            _ => return Err(fails("true or false")),
        },
        ColumnType::Date => {
            let date = oktant_functions::Value::text(words.as_str());
            let target = oktant_functions::Type::Date;
            let date = oktant_functions::convert(&date, &target, oktant_functions::Flags::default()).ok();
            let instant = date.as_ref().and_then(oktant_functions::Value::as_date).ok_or_else(|| fails("date"))?;
            instant.timestamp_millis().into()
        }
    })
}

/// An integer of the same order as the number.
pub(super) fn to_ordered(number: f64) -> i64 {
    // Both zeros are one number.
    let bits = if number == 0.0 { 0 } else { number.to_bits() as i64 };
    if bits < 0 { !bits ^ i64::MIN } else { bits }
}

pub(super) fn from_ordered(ordered: i64) -> f64 {
    f64::from_bits(if ordered < 0 { !(ordered ^ i64::MIN) } else { ordered } as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order_as_integers() {
        let numbers =
            [f64::MIN, -1e300, -2.5, -1.0, -f64::MIN_POSITIVE, 0.0, 1e-300, 0.1, 1.0, 2.0, 10.0, 1e15, f64::MAX];
        for pair in numbers.windows(2) {
            assert!(to_ordered(pair[0]) < to_ordered(pair[1]), "{pair:?}");
            assert_eq!(from_ordered(to_ordered(pair[0])).to_bits(), pair[0].to_bits());
        }
        assert_eq!(to_ordered(-0.0), to_ordered(0.0));
    }
}
