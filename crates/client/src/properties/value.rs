//! Reading one value by its kind.

use super::table::Kind;

/// A value of the right kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Choice(&'static str),
}

impl Value {
    /// Reads `text`, or says what was expected. The text itself may be secret and is not repeated.
    pub(crate) fn read(kind: Kind, text: &str) -> Result<Self, String> {
        match kind {
            Kind::Text => Ok(Self::Text(text.to_owned())),
            Kind::Integer { min, max } => {
                let number = text.parse().ok().filter(|number| (min..=max).contains(number));
                number.map(Self::Integer).ok_or_else(|| expected_number(min, max))
            }
            Kind::Boolean => boolean(text).map(Self::Boolean).ok_or_else(|| "true or false".to_owned()),
            Kind::Choice(choices) => {
                let choice = choices.iter().find(|choice| choice.eq_ignore_ascii_case(text));
                choice.map(|choice| Self::Choice(choice)).ok_or_else(|| format!("one of {}", choices.join(", ")))
            }
        }
    }
}

fn expected_number(min: i64, max: i64) -> String {
    match max {
        i64::MAX => format!("a whole number, at least {min}"),
        _ => format!("a whole number from {min} to {max}"),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}
