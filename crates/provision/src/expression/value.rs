//! What expressions give and attributes hold.

use serde::{Serialize, Serializer};
use serde_json::Value as Json;

/// A value, kept small because there are a hundred thousand rows of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value; an empty text counts as none once it is an attribute.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Box<str>),
    /// A list.
    List(Box<[Value]>),
}

impl Value {
    /// The value of a JSON scalar or list; an object is kept as its text.
    pub fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(value) => value.as_f64().map_or(Self::Null, Self::Number),
            Json::String(text) => Self::Text(text.as_str().into()),
            Json::Array(values) => Self::List(values.iter().map(Self::of_json).collect()),
            Json::Object(_) => Self::Text(json.to_string().into()),
        }
    }

    /// As JSON; whole numbers without a fraction.
    pub fn to_json(&self) -> Json {
        serde_json::to_value(self).expect("every value is JSON")
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it stands for an attribute without a value (RFC 7643, 2.5).
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(values) => values.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// The same with everything that counts as absent made [`Value::Null`], so that rows compare equal.
    #[must_use]
    pub fn normal(self) -> Self {
        if self.is_absent() { Self::Null } else { self }
    }

    /// As a text that joins others.
    pub(super) fn joined(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.to_string(),
            other => other.to_json().to_string(),
        }
    }

    /// What the type is called in messages.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                serializer.serialize_i64(*value as i64)
            }
            Self::Number(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => serializer.collect_seq(values),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
