//! Values of expressions: how they compare, and the cells they become.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use oktant_base::Timestamp;

use crate::engine::Binding;
use crate::error::SnowflakeError;
use crate::result::{Column, ColumnType};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    /// A number: digits, and how many of them stand after the point.
    Number(i128, u8),
    Real(f64),
    Text(String),
    Date(NaiveDate),
    /// An instant; the type says whether it is bound to a zone.
    Timestamp(Timestamp, ColumnType),
    /// JSON text.
    Variant(String),
}

impl Value {
    /// The number that a literal means.
    pub(crate) fn parse_number(text: &str) -> Option<Self> {
        if text.contains(['e', 'E']) {
            return text.parse().ok().map(Self::Real);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        Some(Self::Number(digits.parse().ok()?, u8::try_from(fraction.len()).ok().filter(|scale| *scale <= 37)?))
    }

    /// The value that a client bound to a placeholder.
    pub(crate) fn from_binding(binding: &Binding) -> Result<Self, SnowflakeError> {
        let Some(text) = &binding.value else { return Ok(Self::Null) };
        let wrong = || SnowflakeError::invalid_argument(text, &binding.type_name);
        let nanos = || text.parse::<i64>().map(DateTime::from_timestamp_nanos).map_err(|_| wrong());
        Ok(match binding.type_name.to_ascii_uppercase().as_str() {
            "FIXED" => Self::parse_number(text).ok_or_else(wrong)?,
            "REAL" => Self::Real(text.parse().map_err(|_| wrong())?),
            "BOOLEAN" => Self::Boolean(parse_boolean(text).ok_or_else(wrong)?),
            "DATE" => {
                let millis = text.parse::<i64>().ok().and_then(DateTime::from_timestamp_millis).ok_or_else(wrong)?;
                Self::Date(millis.date_naive())
            }
            "TIMESTAMP_NTZ" => Self::Timestamp(nanos()?, ColumnType::TimestampNtz),
            "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => Self::Timestamp(nanos()?, ColumnType::TimestampLtz),
            _ => Self::Text(text.clone()),
        })
    }

    /// The value of a cell of a column.
    pub(crate) fn from_cell(cell: Option<&str>, column_type: ColumnType) -> Self {
        let Some(text) = cell else { return Self::Null };
        let own = || Self::Text(text.to_owned());
        match column_type {
            ColumnType::Fixed => Self::parse_number(text).unwrap_or_else(own),
            ColumnType::Real => text.parse().map_or_else(|_| own(), Self::Real),
            ColumnType::Boolean => parse_boolean(text).map_or_else(own, Self::Boolean),
            ColumnType::TimestampNtz | ColumnType::TimestampLtz => {
                let (seconds, nanos) = text.split_once('.').unwrap_or((text, "0"));
                let at = seconds.parse().ok().zip(nanos.parse().ok());
                let at = at.and_then(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos));
                at.map_or_else(own, |at| Self::Timestamp(at, column_type))
            }
            ColumnType::Variant | ColumnType::Object | ColumnType::Array => Self::Variant(text.to_owned()),
            _ => own(),
        }
    }

    /// The value as a cell of an answer.
    pub(crate) fn cell(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(value) => if *value { "1" } else { "0" }.to_owned(),
            Self::Date(date) => date.signed_duration_since(NaiveDate::default()).num_days().to_string(),
            Self::Timestamp(at, _) => format!("{}.{:09}", at.timestamp(), at.timestamp_subsec_nanos()),
            _ => self.text(),
        })
    }

    /// The value as text, as casting it to text gives it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(digits, 0) => digits.to_string(),
            Self::Number(digits, scale) => {
                let unsigned = format!("{:0>width$}", digits.unsigned_abs(), width = usize::from(*scale) + 1);
                let (whole, fraction) = unsigned.split_at(unsigned.len() - usize::from(*scale));
                format!("{}{whole}.{fraction}", if *digits < 0 { "-" } else { "" })
            }
            Self::Real(value) => value.to_string(),
            Self::Text(text) | Self::Variant(text) => text.clone(),
            Self::Date(date) => date.to_string(),
            Self::Timestamp(at, ColumnType::TimestampLtz) => at.format("%Y-%m-%d %H:%M:%S%.3f %z").to_string(),
            Self::Timestamp(at, _) => at.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        }
    }

    /// A column for this value and others of its kind.
    pub(crate) fn column(&self, name: String) -> Column {
        let column_type = match self {
            Self::Null | Self::Text(_) => ColumnType::Text,
            Self::Boolean(_) => ColumnType::Boolean,
            Self::Number(..) => ColumnType::Fixed,
            Self::Real(_) => ColumnType::Real,
            Self::Date(_) => ColumnType::Date,
            Self::Timestamp(_, column_type) => *column_type,
            Self::Variant(_) => ColumnType::Variant,
        };
        let mut column = Column::new(name, column_type);
        if let Self::Number(_, scale) = self {
            column.scale = Some(*scale);
        }
        column
    }

    /// The value as a number with fractions, if it is or reads as one.
    pub(crate) fn real(&self) -> Option<f64> {
        match self {
            Self::Number(digits, scale) => Some(*digits as f64 / 10_f64.powi(i32::from(*scale))),
            Self::Real(value) => Some(*value),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Boolean(value) => Some(f64::from(u8::from(*value))),
            _ => None,
        }
    }

    /// The value as a whole number, if it is or reads as one.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Number(digits, 0) => i64::try_from(*digits).ok(),
            Self::Text(text) => text.trim().parse().ok(),
            _ => self.real().filter(|value| value.fract() == 0.0 && value.abs() < 9e15).map(|value| value as i64),
        }
    }

    /// The value as an instant, if it is or reads as one.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Timestamp(at, _) => Some(*at),
            Self::Date(date) => Some(date.and_time(NaiveTime::MIN).and_utc()),
            Self::Text(text) => parse_instant(text),
            _ => None,
        }
    }

    /// The value as a truth value; null is unknown.
    pub(crate) fn truth(&self) -> Result<Option<bool>, SnowflakeError> {
        match self {
            Self::Null => Ok(None),
            Self::Boolean(value) => Ok(Some(*value)),
            Self::Number(digits, _) => Ok(Some(*digits != 0)),
            other => parse_boolean(&other.text())
                .map(Some)
                .ok_or_else(|| SnowflakeError::invalid_type(&other.text(), "condition")),
        }
    }

    /// How two values compare; unknown if one is null.
    pub(crate) fn compare(&self, other: &Self) -> Result<Option<Ordering>, SnowflakeError> {
        let differ = || SnowflakeError::invalid_type(&other.text(), "comparison");
        Ok(Some(match (self, other) {
            (Self::Null, _) | (_, Self::Null) => return Ok(None),
            (Self::Timestamp(..) | Self::Date(_), _) | (_, Self::Timestamp(..) | Self::Date(_)) => {
                self.instant().zip(other.instant()).map(|(a, b)| a.cmp(&b)).ok_or_else(differ)?
            }
            (Self::Number(a, x), Self::Number(b, y)) if x == y => a.cmp(b),
            (Self::Number(..) | Self::Real(_), _) | (_, Self::Number(..) | Self::Real(_)) => {
                self.real().zip(other.real()).and_then(|(a, b)| a.partial_cmp(&b)).ok_or_else(differ)?
            }
            (Self::Boolean(_), _) | (_, Self::Boolean(_)) => self.truth()?.cmp(&other.truth()?),
            _ => self.text().cmp(&other.text()),
        }))
    }
}

fn parse_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// Reads an instant in the forms that people write; UTC where no zone is given.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z"))
        .or_else(|_| DateTime::parse_from_rfc2822(text));
    if let Ok(at) = zoned {
        return Some(at.to_utc());
    }
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN)))
        .map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for text in ["1", "-12.50", "0.05", "99999999999999999999.123"] {
            assert_eq!(Value::parse_number(text).unwrap().text(), text);
        }
        assert_eq!(Value::parse_number("1e3"), Some(Value::Real(1000.0)));
    }

    #[test]
    fn texts_compare_with_what_they_read_as() {
        let at = |text: &str| Value::Timestamp(parse_instant(text).unwrap(), ColumnType::TimestampLtz);
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            at("2026-01-01 10:00:00").compare(&text("2026-01-01T11:00:00+01:00")).unwrap(),
            Some(Ordering::Equal)
        );
        assert_eq!(text("10").compare(&Value::Number(9, 0)).unwrap(), Some(Ordering::Greater));
        assert_eq!(Value::Null.compare(&text("a")).unwrap(), None);
        assert!(text("x").compare(&Value::Number(1, 0)).is_err());
    }
}
