//! The comparisons that conditions, Filter, Find and Compare share.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::convert::{Type, to_number, to_text};
use crate::error::FunctionError;
use crate::value::Value;

/// A comparison between value a and value b.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Equal,
    NotEqual,
    StrictlyEqual,
    NotStrictlyEqual,
    GreaterOrEqual,
    LessOrEqual,
    Greater,
    Less,
    /// a is a multiple of b.
    MultipleOf,
    /// a is part of text b, or a member of list b.
    In,
    NotIn,
    /// Object a has the key b.
    Has,
    HasNot,
    IsEmpty,
    IsNotEmpty,
}

impl Operator {
    /// Every operator with the text by which cards name it.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Equal, "=="),
        (Self::NotEqual, "!="),
        (Self::StrictlyEqual, "==="),
        (Self::NotStrictlyEqual, "!=="),
        (Self::GreaterOrEqual, ">="),
        (Self::LessOrEqual, "<="),
        (Self::Greater, ">"),
        (Self::Less, "<"),
        (Self::MultipleOf, "%"),
        (Self::In, "in"),
        (Self::NotIn, "not in"),
        (Self::Has, "has"),
        (Self::HasNot, "doesn't have"),
        (Self::IsEmpty, "is empty"),
        (Self::IsNotEmpty, "is not empty"),
    ];
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, text) = Self::ALL[*self as usize];
        f.write_str(text)
    }
}

impl FromStr for Operator {
    type Err = FunctionError;

    fn from_str(text: &str) -> Result<Self, FunctionError> {
        let known = Self::ALL.iter().find(|(_, name)| *name == text.trim());
        known.map(|(operator, _)| *operator).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            FunctionError::invalid(format!("unknown comparison `{text}`"))
                .hinted(format!("one of {}", names.join(", ")))
        })
    }
}

/// Whether the comparison holds.
///
/// Values of one kind compare by value. A number or true/false and a text that is a number compare
/// as numbers; everything else of two kinds compares by its text, nothing being the empty text.
///
/// # Errors
///
/// OKT4201 for [`Operator::MultipleOf`] of what are no numbers.
///
/// # Source
///
/// The conditions in exported flows, and the vendor's help on Compare: 80 > 9, but not "80" > "9".
pub fn compare(operator: Operator, a: &Value, b: &Value) -> Result<bool, FunctionError> {
    Ok(match operator {
        Operator::Equal => equal(a, b),
        Operator::NotEqual => !equal(a, b),
        Operator::StrictlyEqual => a == b,
        Operator::NotStrictlyEqual => a != b,
        Operator::GreaterOrEqual => order(a, b).is_some_and(Ordering::is_ge),
        Operator::LessOrEqual => order(a, b).is_some_and(Ordering::is_le),
        Operator::Greater => order(a, b).is_some_and(Ordering::is_gt),
        Operator::Less => order(a, b).is_some_and(Ordering::is_lt),
        Operator::MultipleOf => multiple_of(a, b)?,
        Operator::In => is_in(a, b),
        Operator::NotIn => !is_in(a, b),
        Operator::Has => has(a, b),
        Operator::HasNot => !has(a, b),
        Operator::IsEmpty => is_empty(a),
        Operator::IsNotEmpty => !is_empty(a),
    })
}

/// Whether the loose comparison `==` holds.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(_), Value::List(_)) | (Value::Object(_), Value::Object(_)) | (Value::File(_), Value::File(_)) => {
            a == b
        }
        _ => order(a, b) == Some(Ordering::Equal),
    }
}

/// Whether there is nothing in it: null, "", `[]` or `{}`. 0 and false are something.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Boolean(_) | Value::Number(_) | Value::Date(_) | Value::File(_) => false,
    }
}

/// How two values stand to each other; `None` if they cannot be ordered (NaN).
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Boolean(a), Value::Text(text)) if as_truth(text).is_some() => Some(a.cmp(&as_truth(text)?)),
        (Value::Text(text), Value::Boolean(b)) if as_truth(text).is_some() => Some(as_truth(text)?.cmp(b)),
        _ => match (as_number(a), as_number(b)) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => Some(to_text(a).cmp(&to_text(b))),
        },
    }
}

fn as_truth(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The number of a number, a true/false or a text that is wholly a number.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Boolean(truth) => Some(f64::from(u8::from(*truth))),
        Value::Text(text) => whole_number(text),
        _ => None,
    }
}

/// The number that a text is, blanks around it ignored: unlike [`to_number`] nothing may follow.
pub(crate) fn whole_number(text: &str) -> Option<f64> {
    let text = text.trim();
    text.ends_with(|last: char| last.is_ascii_digit() || last == '.').then(|| text.parse().ok())?
}

fn multiple_of(a: &Value, b: &Value) -> Result<bool, FunctionError> {
    let number = |value: &Value| {
        let leading = || value.as_text().and_then(to_number);
        as_number(value).or_else(leading).ok_or_else(|| FunctionError::mismatch(&Type::Number, value.kind()))
    };
    let (a, b) = (number(a)?, number(b)?);
    Ok(b != 0.0 && a % b == 0.0)
}

fn is_in(a: &Value, b: &Value) -> bool {
    match b {
        Value::List(items) => items.iter().any(|item| equal(a, item)),
        // Nothing is in no text, although the empty text is in each.
        _ if a.is_null() => false,
        whole => to_text(whole).contains(&to_text(a)),
    }
}

fn has(a: &Value, b: &Value) -> bool {
    a.as_object().is_some_and(|object| object.contains_key(to_text(b).as_str()))
}
