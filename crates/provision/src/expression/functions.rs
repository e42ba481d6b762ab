//! The functions: `String.*` and the few of `Arrays.*` that texts need.
//!
//! # Source
//!
//! Okta developer reference, "Okta Expression Language", String functions. A missing search text gives an
//! empty text for `substringAfter` and the whole text for `substringBefore`, as in Apache Commons Lang,
//! which the reference describes.

use std::ops::RangeInclusive;

use super::evaluate::EvaluateError;
use super::value::Value;

/// Longest text that a function or a concatenation may give, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Arguments that functions of any number take.
const ARGUMENTS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Append,
    Join,
    Len,
    RemoveSpaces,
    Replace,
    ReplaceFirst,
    StartsWith,
    StringContains,
    StringSwitch,
    Substring,
    SubstringAfter,
    SubstringBefore,
    ToLowerCase,
    ToUpperCase,
    Contains,
    IsEmpty,
    Size,
}

const FUNCTIONS: &[(&str, Function, RangeInclusive<usize>)] = &[
    ("String.append", Function::Append, 2..=2),
    ("String.join", Function::Join, 2..=ARGUMENTS_MAX),
    ("String.len", Function::Len, 1..=1),
    ("String.removeSpaces", Function::RemoveSpaces, 1..=1),
    ("String.replace", Function::Replace, 3..=3),
    ("String.replaceFirst", Function::ReplaceFirst, 3..=3),
    ("String.startsWith", Function::StartsWith, 2..=2),
    ("String.stringContains", Function::StringContains, 2..=2),
    ("String.stringSwitch", Function::StringSwitch, 2..=ARGUMENTS_MAX),
    ("String.substring", Function::Substring, 3..=3),
    ("String.substringAfter", Function::SubstringAfter, 2..=2),
    ("String.substringBefore", Function::SubstringBefore, 2..=2),
    ("String.toLowerCase", Function::ToLowerCase, 1..=1),
    ("String.toUpperCase", Function::ToUpperCase, 1..=1),
    ("Arrays.contains", Function::Contains, 2..=2),
    ("Arrays.isEmpty", Function::IsEmpty, 1..=1),
    ("Arrays.size", Function::Size, 1..=1),
];

impl Function {
    pub(super) fn find(name: &str) -> Option<Self> {
        FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, function, _)| *function)
    }

    fn entry(self) -> &'static (&'static str, Self, RangeInclusive<usize>) {
        FUNCTIONS.iter().find(|(_, function, _)| *function == self).expect("every function is in the table")
    }

    pub(super) fn arity(self) -> &'static RangeInclusive<usize> {
        &self.entry().2
    }

    /// Calls it with as many arguments as it takes.
    pub(super) fn call(self, arguments: &[Value]) -> Result<Value, EvaluateError> {
        let text = |index: usize| self.text(&arguments[index]);
        let number = |index: usize| match &arguments[index] {
            Value::Number(value) => Ok(value.max(0.0) as usize),
            other => Err(self.wrong(other, "a number")),
        };
        let given = match self {
            Self::Append => (text(0)? + &text(1)?).into(),
            Self::Join => {
                let parts = arguments[1..].iter().filter(|part| !part.is_absent()).map(|part| self.text(part));
                parts.collect::<Result<Vec<_>, _>>()?.join(&text(0)?).into()
            }
            Self::Len => Value::Number(text(0)?.chars().count() as f64),
            Self::RemoveSpaces => text(0)?.replace(' ', "").into(),
            Self::Replace => Self::bounded_replace(&text(0)?, &text(1)?, &text(2)?, usize::MAX)?,
            Self::ReplaceFirst => Self::bounded_replace(&text(0)?, &text(1)?, &text(2)?, 1)?,
            Self::StartsWith => Value::Bool(text(0)?.starts_with(&text(1)?)),
            Self::StringContains => Value::Bool(text(0)?.contains(&text(1)?)),
            Self::StringSwitch => {
                let input = text(0)?;
                let mut pairs = arguments[2..].chunks_exact(2);
                let hit = pairs.find(|pair| pair[0].as_text().is_some_and(|key| input.contains(key)));
                hit.map_or_else(|| arguments[1].clone(), |pair| pair[1].clone())
            }
            Self::Substring => {
                let (start, end) = (number(1)?, number(2)?);
                text(0)?.chars().skip(start).take(end.saturating_sub(start)).collect::<String>().into()
            }
            Self::SubstringAfter => text(0)?.split_once(text(1)?.as_str()).map_or("", |(_, after)| after).into(),
            Self::SubstringBefore => {
                let whole = text(0)?;
                whole.split_once(text(1)?.as_str()).map_or(whole.as_str(), |(before, _)| before).into()
            }
            Self::ToLowerCase => text(0)?.to_lowercase().into(),
            Self::ToUpperCase => text(0)?.to_uppercase().into(),
            Self::Contains => Value::Bool(self.list(&arguments[0])?.contains(&arguments[1])),
            Self::IsEmpty => Value::Bool(self.list(&arguments[0])?.is_empty()),
            Self::Size => Value::Number(self.list(&arguments[0])?.len() as f64),
        };
        bounded(given)
    }

    /// Replaces up to `count` times; the result is measured before it is made.
    fn bounded_replace(text: &str, from: &str, to: &str, count: usize) -> Result<Value, EvaluateError> {
        if from.is_empty() {
            return Ok(text.into());
        }
        let hits = text.matches(from).count().min(count);
        if text.len() + hits * to.len() > TEXT_BYTES_MAX {
            return Err(EvaluateError::TooLong);
        }
        Ok(text.replacen(from, to, count).into())
    }

    /// An argument that is a text; no value counts as an empty one.
    fn text(self, value: &Value) -> Result<String, EvaluateError> {
        match value {
            Value::List(_) => Err(self.wrong(value, "a text")),
            other => Ok(other.joined()),
        }
    }

    fn list(self, value: &Value) -> Result<&[Value], EvaluateError> {
        match value {
            Value::List(values) => Ok(values),
            Value::Null => Ok(&[]),
            other => Err(self.wrong(other, "a list")),
        }
    }

    fn wrong(self, found: &Value, wanted: &'static str) -> EvaluateError {
        EvaluateError::Argument { function: self.entry().0, wanted, found: found.type_name() }
    }
}

/// The value, unless it is too long a text.
pub(super) fn bounded(value: Value) -> Result<Value, EvaluateError> {
    match value.as_text() {
        Some(text) if text.len() > TEXT_BYTES_MAX => Err(EvaluateError::TooLong),
        _ => Ok(value),
    }
}
