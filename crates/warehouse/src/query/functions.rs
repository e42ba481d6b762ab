//! The functions of expressions.

use chrono::{Days, Months, TimeDelta};
use oktant_base::Timestamp;

use super::Scope;
use super::value::{Value, parse_instant};
use crate::error::SnowflakeError;
use crate::result::ColumnType;

type Result<T> = std::result::Result<T, SnowflakeError>;

/// The version that `CURRENT_VERSION` gives and a login answers with: that of a Snowflake of the time.
pub const SERVER_VERSION: &str = "10.5.0";

/// Calls a function by its name in upper case.
pub(crate) fn call(scope: &Scope, name: &str, arguments: &[Value]) -> Result<Value> {
    if let Some(value) = context(scope, name, arguments.len()) {
        return Ok(value);
    }
    let text = |index: usize| arguments.get(index).map(Value::text).unwrap_or_default();
    let arity = |expected: std::ops::RangeInclusive<usize>| {
        if expected.contains(&arguments.len()) {
            Ok(())
        } else {
            Err(SnowflakeError::invalid_argument(&arguments.len().to_string(), name))
        }
    };
    match name {
        "COALESCE" | "NVL" | "IFNULL" => {
            return Ok(arguments.iter().find(|value| **value != Value::Null).cloned().unwrap_or(Value::Null));
        }
        "IFF" => {
            arity(3..=3)?;
            return Ok(arguments[if arguments[0].truth()? == Some(true) { 1 } else { 2 }].clone());
        }
        "NULLIF" => {
            arity(2..=2)?;
            let equal = arguments[0].compare(&arguments[1])? == Some(std::cmp::Ordering::Equal);
            return Ok(if equal { Value::Null } else { arguments[0].clone() });
        }
        _ => {}
    }
    if arguments.contains(&Value::Null) && !matches!(name, "IS_ROLE_IN_SESSION") {
        return known(name).then_some(Value::Null).ok_or_else(|| SnowflakeError::unknown_function(name));
    }
    Ok(match name {
        "DATEADD" | "TIMEADD" | "TIMESTAMPADD" => {
            arity(3..=3)?;
            date_add(&text(0), &arguments[1], &arguments[2])?
        }
        "UPPER" => Value::Text(text(0).to_uppercase()),
        "LOWER" => Value::Text(text(0).to_lowercase()),
        "TRIM" => Value::Text(text(0).trim().to_owned()),
        "LENGTH" | "LEN" => Value::Number(text(0).chars().count() as i128, 0),
        "CONCAT" => Value::Text(arguments.iter().map(Value::text).collect()),
        "TO_VARCHAR" | "TO_CHAR" => Value::Text(text(0)),
        "TO_BOOLEAN" => arguments.first().map(Value::truth).transpose()?.flatten().map_or(Value::Null, Value::Boolean),
        "TO_NUMBER" | "TO_DECIMAL" | "TO_NUMERIC" => {
            Value::parse_number(text(0).trim()).ok_or_else(|| SnowflakeError::invalid_argument(&text(0), name))?
        }
        "TO_TIMESTAMP_LTZ" | "TO_TIMESTAMP_TZ" => Value::Timestamp(instant(name, arguments)?, ColumnType::TimestampLtz),
        "TO_TIMESTAMP" | "TO_TIMESTAMP_NTZ" => Value::Timestamp(instant(name, arguments)?, ColumnType::TimestampNtz),
        "TO_DATE" | "DATE" => Value::Date(instant(name, arguments)?.date_naive()),
        "PARSE_JSON" => {
            let json: serde_json::Value =
                serde_json::from_str(&text(0)).map_err(|_| SnowflakeError::invalid_argument(&text(0), name))?;
            Value::Variant(json.to_string())
        }
        "IS_ROLE_IN_SESSION" => Value::Boolean(scope.roles.contains(&text(0))),
        _ => return Err(SnowflakeError::unknown_function(name)),
    })
}

/// Whether a function exists that gives null for null.
fn known(name: &str) -> bool {
    const NAMES: [&str; 21] = [
        "DATEADD",
        "TIMEADD",
        "TIMESTAMPADD",
        "UPPER",
        "LOWER",
        "TRIM",
        "LENGTH",
        "LEN",
        "CONCAT",
        "TO_VARCHAR",
        "TO_CHAR",
        "TO_BOOLEAN",
        "TO_NUMBER",
        "TO_DECIMAL",
        "TO_NUMERIC",
        "TO_TIMESTAMP",
        "TO_TIMESTAMP_NTZ",
        "TO_TIMESTAMP_LTZ",
        "TO_TIMESTAMP_TZ",
        "TO_DATE",
        "PARSE_JSON",
    ];
    NAMES.contains(&name)
}

/// The functions that tell about the session; they may stand without parentheses.
fn context(scope: &Scope, name: &str, arguments: usize) -> Option<Value> {
    let maybe = |value: &Option<String>| value.clone().map_or(Value::Null, Value::Text);
    let text = |value: &str| Value::Text(value.to_owned());
    Some(match name {
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "GETDATE" | "SYSTIMESTAMP" if arguments <= 1 => {
            Value::Timestamp(scope.now, ColumnType::TimestampLtz)
        }
        "SYSDATE" => Value::Timestamp(scope.now, ColumnType::TimestampNtz),
        "CURRENT_DATE" => Value::Date(scope.now.date_naive()),
        "CURRENT_USER" => text(&scope.user),
        "CURRENT_ROLE" => maybe(&scope.context.role),
        "CURRENT_ROLE_TYPE" => text("ROLE"),
        "CURRENT_DATABASE" => maybe(&scope.context.database),
        "CURRENT_SCHEMA" => maybe(&scope.context.schema),
        "CURRENT_WAREHOUSE" => maybe(&scope.context.warehouse),
        "CURRENT_ACCOUNT" | "CURRENT_ACCOUNT_NAME" | "CURRENT_ORGANIZATION_NAME" => text(&scope.account_name),
        "CURRENT_REGION" => text("LOCAL"),
        "CURRENT_VERSION" => text(SERVER_VERSION),
        "CURRENT_CLIENT" => text(concat!("Oktant ", env!("CARGO_PKG_VERSION"))),
        "CURRENT_SESSION" => Value::Text(scope.session_id.to_string()),
        "CURRENT_IP_ADDRESS" => maybe(&scope.client_ip),
        "CURRENT_AVAILABLE_ROLES" => Value::Text(crate::model::json(&scope.available_roles)),
        "CURRENT_SECONDARY_ROLES" => Value::Text(scope.secondary_roles.clone()),
        "LAST_QUERY_ID" => maybe(&scope.last_query_id),
        _ => return None,
    })
}

/// Whether a name without parentheses is a function.
pub(crate) fn is_bare(name: &str) -> bool {
    matches!(name, "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "CURRENT_DATE" | "CURRENT_USER")
}

fn instant(name: &str, arguments: &[Value]) -> Result<Timestamp> {
    let value = arguments.first().unwrap_or(&Value::Null);
    let found = match value {
        Value::Number(..) => value.integer().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0)),
        Value::Text(text) => parse_instant(text),
        other => other.instant(),
    };
    found.ok_or_else(|| SnowflakeError::invalid_argument(&value.text(), name))
}

/// The unit that a part of a date means: how many of which base unit.
fn part(name: &str) -> Option<(i64, Base)> {
    let is = |names: &[&str]| names.contains(&name);
    Some(if is(&["year", "years", "y", "yy", "yyy", "yyyy", "yr", "yrs"]) {
        (12, Base::Months)
    } else if is(&["quarter", "quarters", "q", "qtr", "qtrs"]) {
        (3, Base::Months)
    } else if is(&["month", "months", "mm", "mon", "mons"]) {
        (1, Base::Months)
    } else if is(&["week", "weeks", "w", "wk", "weekofyear", "woy", "wy"]) {
        (7, Base::Days)
    } else if is(&["day", "days", "d", "dd", "dayofmonth"]) {
        (1, Base::Days)
    } else if is(&["hour", "hours", "h", "hh", "hr", "hrs"]) {
        (3_600_000_000_000, Base::Nanos)
    } else if is(&["minute", "minutes", "m", "mi", "min", "mins"]) {
        (60_000_000_000, Base::Nanos)
    } else if is(&["second", "seconds", "s", "sec", "secs"]) {
        (1_000_000_000, Base::Nanos)
    } else if is(&["millisecond", "milliseconds", "ms", "msec"]) {
        (1_000_000, Base::Nanos)
    } else if is(&["microsecond", "microseconds", "us", "usec"]) {
        (1_000, Base::Nanos)
    } else if is(&["nanosecond", "nanoseconds", "ns", "nsec", "nanosec", "nsecond", "nanosecs", "nseconds"]) {
        (1, Base::Nanos)
    } else {
        return None;
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Months,
    Days,
    Nanos,
}

/// `DATEADD`: a day stays a day unless a part of a day is added.
fn date_add(name: &str, amount: &Value, to: &Value) -> Result<Value> {
    let (factor, base) =
        part(&name.to_lowercase()).ok_or_else(|| SnowflakeError::invalid_argument(name, "date_or_time_part"))?;
    let whole = amount.real().ok_or_else(|| SnowflakeError::invalid_type(&amount.text(), "value"))?.round();
    let wrong = || SnowflakeError::invalid_argument(&amount.text(), "value");
    let count = (whole as i64).checked_mul(factor).ok_or_else(wrong)?;
    let at = to.instant().ok_or_else(|| SnowflakeError::invalid_argument(&to.text(), "date_or_timestamp"))?;
    let size = count.unsigned_abs();
    let moved = match (base, count < 0) {
        (Base::Months, back) => u32::try_from(size)
            .ok()
            .map(Months::new)
            .and_then(|months| if back { at.checked_sub_months(months) } else { at.checked_add_months(months) }),
        (Base::Days, true) => at.checked_sub_days(Days::new(size)),
        (Base::Days, false) => at.checked_add_days(Days::new(size)),
        (Base::Nanos, _) => at.checked_add_signed(TimeDelta::nanoseconds(count)),
    }
    .ok_or_else(wrong)?;
    Ok(match to {
        Value::Date(_) if base != Base::Nanos => Value::Date(moved.date_naive()),
        Value::Timestamp(_, kind) => Value::Timestamp(moved, *kind),
        _ => Value::Timestamp(moved, ColumnType::TimestampNtz),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(part: &str, amount: i128, from: &str, expected: &str) {
        let from = Value::Timestamp(parse_instant(from).unwrap(), ColumnType::TimestampNtz);
        let sum = date_add(part, &Value::Number(amount, 0), &from).unwrap();
        assert_eq!(sum.text(), expected, "{amount} {part}");
    }

    #[test]
    fn parts_of_dates_are_added_as_the_calendar_has_them() {
        check("minutes", -5, "2026-01-01 00:00:00", "2025-12-31 23:55:00.000");
        check("MONTH", 1, "2026-01-31 00:00:00", "2026-02-28 00:00:00.000");
        check("yy", -1, "2024-02-29 12:00:00", "2023-02-28 12:00:00.000");
        check("wk", 2, "2026-01-01 00:00:00", "2026-01-15 00:00:00.000");
        check("ms", 1, "2026-01-01 00:00:00", "2026-01-01 00:00:00.001");
        let day = Value::Date("2026-01-01".parse().unwrap());
        assert_eq!(date_add("day", &Value::Number(1, 0), &day).unwrap().text(), "2026-01-02");
        assert!(date_add("fortnight", &Value::Number(1, 0), &day).is_err());
        assert!(date_add("year", &Value::Number(i128::from(i64::MAX), 0), &day).is_err());
    }
}
