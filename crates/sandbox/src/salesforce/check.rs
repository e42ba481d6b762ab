//! Values of a body against the fields that they are for.

use chrono::NaiveDate;
use serde_json::Value;

use super::error::Refusal;
use super::id::Id;
use super::schema::{Field, Kind};
use super::store::{parse_time, stamp};

/// The value as it is stored.
///
/// # Errors
///
/// What the service answers for a value that the field cannot hold.
///
/// # Source
///
/// Codes and texts as in the REST API's documentation and public reports of its answers.
pub(super) fn value(field: &Field, given: &Value) -> Result<Value, Refusal> {
    if given.is_null() {
        return Ok(if field.kind == Kind::Boolean { Value::Bool(false) } else { Value::Null });
    }
    match field.kind {
        Kind::Boolean => boolean(given),
        Kind::Int => integer(field, given),
        Kind::Double | Kind::Currency | Kind::Percent => decimal(field, given),
        Kind::Date => date(given),
        Kind::DateTime => {
            let time = given.as_str().and_then(parse_time).ok_or_else(|| Refusal::cannot_read("datetime", given))?;
            Ok(stamp(time).into())
        }
        Kind::Id | Kind::Reference => reference(field, text_of(given)?),
        _ => text(field, text_of(given)?),
    }
}

fn text_of(given: &Value) -> Result<&str, Refusal> {
    given.as_str().ok_or_else(|| Refusal::cannot_read("string", given))
}

fn boolean(given: &Value) -> Result<Value, Refusal> {
    let value = match given {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    value.map(Value::Bool).ok_or_else(|| Refusal::cannot_read("boolean", given))
}

fn integer(field: &Field, given: &Value) -> Result<Value, Refusal> {
    let number = number_of(given).filter(|number| number.fract() == 0.0);
    let number = number.ok_or_else(|| Refusal::cannot_read("int", given))?;
    if number.abs() > f64::from(i32::MAX) {
        return Err(out_of_range(field, given));
    }
    Ok(Value::from(number as i64))
}

fn decimal(field: &Field, given: &Value) -> Result<Value, Refusal> {
    let number = number_of(given).ok_or_else(|| Refusal::cannot_read("double", given))?;
    let limit = if field.kind == Kind::Percent { 1e3 } else { 1e16 };
    if number.abs() >= limit {
        return Err(out_of_range(field, given));
    }
    Ok(Value::from(number))
}

fn number_of(given: &Value) -> Option<f64> {
    match given {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn out_of_range(field: &Field, given: &Value) -> Refusal {
    let message = format!("{}: value outside of valid range on numeric field: {given}", field.label);
    Refusal::field("NUMBER_OUTSIDE_VALID_RANGE", message, &field.name)
}

fn date(given: &Value) -> Result<Value, Refusal> {
    let text = given.as_str().ok_or_else(|| Refusal::cannot_read("date", given))?;
    let day =
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().or_else(|| parse_time(text).map(|time| time.date_naive()));
    let day = day.ok_or_else(|| Refusal::cannot_read("date", given))?;
    Ok(day.format("%Y-%m-%d").to_string().into())
}

fn reference(field: &Field, text: &str) -> Result<Value, Refusal> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let id = Id::parse(text).ok_or_else(|| {
        let message = format!("{}: id value of incorrect type: {text}", field.label);
        Refusal::field("MALFORMED_ID", message, &field.name)
    })?;
    Ok(id.as_str().into())
}

fn text(field: &Field, text: &str) -> Result<Value, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    if text.chars().count() > field.length as usize {
        let shown: String = text.chars().take(field.length as usize * 2).collect();
        let message = format!("{}: data value too large: {shown} (max length={})", field.label, field.length);
        return Err(Refusal::field("STRING_TOO_LONG", message, &field.name));
    }
    match field.kind {
        Kind::Email if !is_email(text) => {
            let message = format!("{}: invalid email address: {text}", field.label);
            Err(Refusal::field("INVALID_EMAIL_ADDRESS", message, &field.name))
        }
        Kind::Picklist => choice(field, text).map(Value::from),
        Kind::MultiPicklist => {
            let parts: Result<Vec<_>, _> = text.split(';').map(|part| choice(field, part.trim())).collect();
            Ok(parts?.join(";").into())
        }
        _ => Ok(text.into()),
    }
}

/// A value of a picklist in the spelling of the list.
fn choice(field: &Field, text: &str) -> Result<String, Refusal> {
    let known = field.choices.iter().find(|choice| choice.value.eq_ignore_ascii_case(text));
    match known {
        Some(choice) => Ok(choice.value.clone()),
        None if field.restricted => {
            let message = format!("{}: bad value for restricted picklist field: {text}", field.label);
            Err(Refusal::field("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &field.name))
        }
        None => Ok(text.to_owned()),
    }
}

/// Whether a text has the form of a mail address.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|letter: char| letter.is_whitespace() || "@,;<>()".contains(letter))
    };
    let labels = domain.split('.').collect::<Vec<_>>();
    plain(local) && labels.len() > 1 && labels.into_iter().all(plain)
}
