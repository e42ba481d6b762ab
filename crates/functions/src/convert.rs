//! What a value becomes when it reaches an input of another type.

use std::fmt;

use chrono::DateTime;

use crate::date;
use crate::error::FunctionError;
use crate::value::{List, Value, date_text, number_text};

/// The type of an input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Takes every value as it is.
    Any,
    /// Text.
    Text,
    /// Number.
    Number,
    /// True/False.
    Boolean,
    /// Date & Time.
    Date,
    /// Object.
    Object,
    /// List of a type.
    List(Box<Type>),
    /// File.
    File,
}

impl Type {
    /// A list of `item`.
    pub fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    pub(crate) fn phrase(&self) -> String {
        match self {
            Self::Any => "a value".into(),
            Self::Text => "text".into(),
            Self::Number => "a number".into(),
            Self::Boolean => "true/false".into(),
            Self::Date => "a date".into(),
            Self::Object => "an object".into(),
            Self::List(_) => self.to_string(),
            Self::File => "a file".into(),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "true/false",
            Self::Date => "date",
            Self::Object => "object",
            Self::File => "file",
            Self::List(item) if **item == Self::Any => "list",
            Self::List(item) => return write!(f, "list of {item}"),
        })
    }
}

/// The switches of conversion that a pack sets; all on in every known pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches of the format")]
pub struct Flags {
    /// Types are converted at all; otherwise each must fit as it is.
    pub auto_transform: bool,
    /// True/False counts as 1 and 0, and "yes", "no", "1", "0" and "" count as True/False.
    pub loose_booleans: bool,
    /// Empty text becomes nothing where a number or date is wanted.
    pub loose_strings: bool,
    /// Empty text becomes nothing where an object is wanted, and counts as missing in a required input.
    pub loose_nulls: bool,
    /// The pin's `forceWrapArray`: what is no list becomes a list of one, also where an object is wanted.
    pub force_wrap: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { auto_transform: true, loose_booleans: true, loose_strings: true, loose_nulls: true, force_wrap: false }
    }
}

/// What `value` becomes in an input of type `target`. Nothing stays nothing.
///
/// # Errors
///
/// OKT4201, naming the expected type and what came instead.
///
/// # Source
///
/// The transforms in exported flows; where none shows a pair of types, the behaviour of the
/// corresponding JavaScript conversion is assumed.
pub fn convert(value: &Value, target: &Type, flags: Flags) -> Result<Value, FunctionError> {
    if fits(value, target) {
        return Ok(value.clone());
    }
    if !flags.auto_transform {
        return Err(FunctionError::mismatch(target, value.kind()));
    }
    match target {
        Type::Any => Ok(value.clone()),
        Type::Text => Ok(Value::text(to_text(value))),
        Type::Number => number(value, flags),
        Type::Boolean => Ok(Value::Boolean(truth(value, flags))),
        Type::Date => date(value, flags),
        Type::Object => object(value, flags),
        Type::List(item) => list(value, target, item, flags),
        Type::File => Err(FunctionError::mismatch(target, value.kind())),
    }
}

fn fits(value: &Value, target: &Type) -> bool {
    match (value, target) {
        (Value::Null, _)
        | (_, Type::Any)
        | (Value::Text(_), Type::Text)
        | (Value::Number(_), Type::Number)
        | (Value::Boolean(_), Type::Boolean)
        | (Value::Date(_), Type::Date)
        | (Value::Object(_), Type::Object)
        | (Value::File(_), Type::File) => true,
        (Value::List(items), Type::List(item)) => **item == Type::Any || items.iter().all(|value| fits(value, item)),
        _ => false,
    }
}

/// The text of a value: nothing is empty, numbers are the shortest decimal, instants ISO 8601 in
/// UTC, objects and lists compact JSON, files their name.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Number(number) => number_text(*number),
        Value::Text(text) => text.to_string(),
        Value::Date(instant) => date_text(*instant),
        Value::Object(_) | Value::List(_) => value.to_json(),
        Value::File(file) => file.name.clone(),
    }
}

/// The number that a text begins with, blanks before it ignored.
///
/// # Source
///
/// ECMAScript, `parseFloat`, which is the transform that exported flows name.
pub fn to_number(text: &str) -> Option<f64> {
    let text = text.trim_start();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = text.len() - unsigned.len();
    if unsigned.starts_with("Infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let digits = |from: usize| unsigned[from..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let mut end = whole;
    if unsigned[end..].starts_with('.') {
        let fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if end == 0 {
        return None;
    }
    if unsigned[end..].starts_with(['e', 'E']) {
        let exponent_sign = usize::from(unsigned[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + exponent_sign);
        if exponent > 0 {
            end += 1 + exponent_sign + exponent;
        }
    }
    text[..sign + end].parse().ok()
}

fn number(value: &Value, flags: Flags) -> Result<Value, FunctionError> {
    match value {
        Value::Text(text) if text.trim().is_empty() && flags.loose_strings => Ok(Value::Null),
        Value::Text(text) => to_number(text)
            .map(Value::Number)
            .ok_or_else(|| FunctionError::mismatch(&Type::Number, "text that does not begin with a number")),
        Value::Boolean(truth) if flags.loose_booleans => Ok(Value::Number(f64::from(u8::from(*truth)))),
        Value::Date(instant) => Ok(Value::Number(instant.timestamp_millis() as f64)),
        other => Err(FunctionError::mismatch(&Type::Number, other.kind())),
    }
}

fn truth(value: &Value, flags: Flags) -> bool {
    match value {
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            "" | "0" | "no" if flags.loose_booleans => false,
            other => !other.is_empty(),
        },
        Value::Number(number) => *number != 0.0 && !number.is_nan(),
        Value::List(items) => !items.is_empty(),
        _ => true,
    }
}

/// Numbers below this are seconds since 1970, others milliseconds: 5138-11-16 in seconds,
/// 1973-03-03 in milliseconds.
const SECONDS_MAX: f64 = 1e11;

fn date(value: &Value, flags: Flags) -> Result<Value, FunctionError> {
    match value {
        Value::Text(text) if text.trim().is_empty() && flags.loose_strings => Ok(Value::Null),
        Value::Text(text) => date::read(text)
            .map(Value::date)
            .ok_or_else(|| FunctionError::mismatch(&Type::Date, "text that is no date"))
            .map_err(|error| error.hinted("use Text to Date, which takes the format of the text")),
        Value::Number(number) => {
            let milliseconds = if number.abs() < SECONDS_MAX { number * 1000.0 } else { *number };
            let instant = DateTime::from_timestamp_millis(milliseconds as i64).filter(|_| milliseconds.is_finite());
            let beyond = || FunctionError::mismatch(&Type::Date, "a number beyond all dates");
            instant.map(Value::date).ok_or_else(beyond)
        }
        other => Err(FunctionError::mismatch(&Type::Date, other.kind())),
    }
}

fn object(value: &Value, flags: Flags) -> Result<Value, FunctionError> {
    match value {
        Value::Text(text) if text.trim().is_empty() && flags.loose_nulls => Ok(Value::Null),
        Value::Text(text) => match Value::from_json(text) {
            Ok(object @ Value::Object(_)) => Ok(object),
            Ok(Value::Null) => Ok(Value::Null),
            Ok(other) => Err(FunctionError::mismatch(&Type::Object, format_args!("the JSON of {}", other.kind()))),
            Err(_) => Err(FunctionError::mismatch(&Type::Object, "text that is no JSON object")),
        },
        Value::List(items) if flags.force_wrap && items.len() == 1 => convert(&items[0], &Type::Object, flags),
        other => Err(FunctionError::mismatch(&Type::Object, other.kind())),
    }
}

fn list(value: &Value, target: &Type, item: &Type, flags: Flags) -> Result<Value, FunctionError> {
    let items = match value {
        Value::List(items) => items.clone(),
        // The JSON of a list is a list where objects are wanted; of anything else only if forced.
        Value::Text(text) if *item == Type::Object || flags.force_wrap => match Value::from_json(text) {
            Ok(Value::List(items)) => items,
            Ok(single @ Value::Object(_)) => List::from(vec![single]),
            _ if text.trim().is_empty() && flags.loose_nulls => return Ok(Value::Null),
            _ => List::from(vec![value.clone()]),
        },
        single => List::from(vec![single.clone()]),
    };
    let convert_item = |(index, value): (usize, &Value)| match convert(value, item, flags) {
        // "List of Object" is what authors call a list of anything: identifiers, lists, numbers.
        Err(_) if *item == Type::Object => Ok(value.clone()),
        other => other.map_err(|error| error.at(&format!("item {index} of {target}"))),
    };
    items.iter().enumerate().map(convert_item).collect::<Result<Vec<_>, _>>().map(Value::from)
}
