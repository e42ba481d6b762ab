//! Constants of a SQL predicate as the org's expressions know them.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Cast, Expr};

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    /// SQL NULL: no comparison with it holds.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A point in time.
    Instant(Instant),
    /// Days since 1970-01-01.
    Day(i32),
}

/// A point in time as the org stores it, and whether the constant lies after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    /// Milliseconds since the epoch, rounded down.
    pub(crate) millis: i64,
    /// Whether rounding cut something off.
    pub(crate) rounded: bool,
}

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Constant {
    /// The value of a constant expression; `None` where it is not constant or of a type that the
    /// org does not have.
    pub(crate) fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Literal(value, _) => Self::of_scalar(value),
            Expr::Cast(Cast { expr, field }) => match expr.as_ref() {
                Expr::Literal(value, _) => Self::of_scalar(&value.cast_to(field.data_type()).ok()?),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_scalar(value: &ScalarValue) -> Option<Self> {
        if value.is_null() {
            return Some(Self::Null);
        }
        if let Some(text) = value.try_as_str() {
            return text.map(|text| Self::Text(text.to_owned()));
        }
        match value {
            ScalarValue::Boolean(truth) => truth.map(Self::Boolean),
            ScalarValue::Float32(Some(number)) => finite(f64::from(*number)),
            ScalarValue::Float64(Some(number)) => finite(*number),
            ScalarValue::Date32(days) => days.map(Self::Day),
            ScalarValue::TimestampSecond(Some(seconds), _) => seconds.checked_mul(1_000).map(Self::exact_instant),
            ScalarValue::TimestampMillisecond(Some(millis), _) => Some(Self::exact_instant(*millis)),
            ScalarValue::TimestampMicrosecond(Some(micros), _) => Some(Self::rounded_instant(*micros, 1_000)),
            ScalarValue::TimestampNanosecond(Some(nanos), _) => Some(Self::rounded_instant(*nanos, 1_000_000)),
            number if number.data_type().is_integer() => match number.cast_to(&DataType::Int64).ok()? {
                ScalarValue::Int64(Some(number)) => Some(Self::Integer(number)),
                _ => None,
            },
            _ => None,
        }
    }

    const fn exact_instant(millis: i64) -> Self {
        Self::Instant(Instant { millis, rounded: false })
    }

    const fn rounded_instant(value: i64, per_milli: i64) -> Self {
        Self::Instant(Instant { millis: value.div_euclid(per_milli), rounded: value.rem_euclid(per_milli) != 0 })
    }

    /// The point in time it stands for: a day is its midnight in UTC.
    pub(crate) fn as_instant(&self) -> Option<Instant> {
        match self {
            Self::Instant(instant) => Some(*instant),
            Self::Day(day) => Some(Instant { millis: i64::from(*day) * MILLIS_PER_DAY, rounded: false }),
            _ => None,
        }
    }
}

fn finite(number: f64) -> Option<Constant> {
    // Whole numbers are written as such; the bound keeps the conversion exact, and beyond it a
    // column of whole numbers could not be compared exactly either.
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    if !number.is_finite() || number.abs() > EXACT_MAX {
        return None;
    }
    Some(if number.fract() == 0.0 { Constant::Integer(number as i64) } else { Constant::Float(number) })
}

/// An instant as expressions and parameters have it: ISO 8601 with milliseconds and `Z`.
/// `None` outside of the years that four digits can name.
pub(crate) fn iso_instant(millis: i64) -> Option<String> {
    let instant = DateTime::<Utc>::from_timestamp_millis(millis)?;
    (1..=9999).contains(&instant.year()).then(|| instant.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// A day as ISO 8601, within the years that four digits can name.
pub(crate) fn iso_day(days: i32) -> Option<String> {
    iso_instant(i64::from(days) * MILLIS_PER_DAY).map(|text| text[..10].to_owned())
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{cast, lit};

    use super::*;

    #[test]
    fn instants_are_rounded_down_to_milliseconds() {
        let nanos = |value| Constant::of(&Expr::Literal(ScalarValue::TimestampNanosecond(Some(value), None), None));
        let instant = |millis, rounded| Some(Constant::Instant(Instant { millis, rounded }));
        assert_eq!(nanos(1_000_000), instant(1, false));
        assert_eq!(nanos(1_000_001), instant(1, true));
        assert_eq!(nanos(-1), instant(-1, true));
    }

    #[test]
    fn casts_of_literals_are_evaluated() {
        assert_eq!(Constant::of(&cast(lit("7"), DataType::Int64)), Some(Constant::Integer(7)));
        assert_eq!(Constant::of(&cast(lit("1970-01-02"), DataType::Date32)), Some(Constant::Day(1)));
        assert_eq!(Constant::of(&cast(lit("x"), DataType::Int64)), None);
    }

    #[test]
    fn numbers_beyond_exactness_stay_here() {
        assert_eq!(Constant::of(&lit(1e300)), None);
        assert_eq!(Constant::of(&lit(f64::NAN)), None);
        assert_eq!(Constant::of(&lit(-0.0)), Some(Constant::Integer(0)));
        assert_eq!(Constant::of(&lit(1.5)), Some(Constant::Float(1.5)));
    }

    #[test]
    fn years_beyond_four_digits_have_no_text() {
        assert_eq!(iso_instant(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(iso_day(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(iso_instant(i64::MAX), None);
    }
}
