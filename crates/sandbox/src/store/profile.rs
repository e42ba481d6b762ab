//! Profiles: typed attributes in the order they are printed.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::json;

/// An attribute's name; shared, since every user repeats them.
pub(crate) type Name = Arc<str>;

/// The value of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(Box<str>),
    List(Box<[Datum]>),
}

impl Datum {
    /// From JSON; `None` for objects, which profiles cannot hold.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::Number(number.as_f64()?),
            },
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect::<Option<_>>()?),
            Value::Object(_) => return None,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Bool(*value),
            Self::Integer(value) => Value::from(*value),
            Self::Number(value) => Value::from(*value),
            Self::Text(value) => Value::from(value.as_ref()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
        }
    }

    /// Appends the value as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Integer(value) => json::write_value(out, value),
            Self::Number(value) => json::write_value(out, value),
            Self::Text(value) => json::write_text(out, value),
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
        }
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The attributes of a user or group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Profile(Vec<(Name, Datum)>);

impl Profile {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Appends an attribute that is not there yet.
    pub(crate) fn push(&mut self, name: &Name, value: Datum) {
        self.0.push((Arc::clone(name), value));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Datum> {
        self.0.iter().find(|(known, _)| known.as_ref() == name).map(|(_, value)| value)
    }

    /// The text of an attribute, empty where it is absent or no text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Datum::as_text).unwrap_or_default()
    }

    /// Sets an attribute, replacing what was there.
    pub(crate) fn set(&mut self, name: &str, value: Datum) {
        match self.0.iter_mut().find(|(known, _)| known.as_ref() == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.into(), value)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known.as_ref() != name);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, &Datum)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Orders attributes by `rank`, keeping the order of equals.
    pub(crate) fn sort_by_rank(&mut self, rank: impl Fn(&str) -> u8) {
        self.0.sort_by_key(|(name, _)| rank(name));
    }

    pub(crate) fn to_json(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect()
    }

    /// Appends the attributes that `keep` lets through as a JSON object.
    pub(crate) fn write(&self, out: &mut Vec<u8>, keep: impl Fn(&str) -> bool) {
        out.push(b'{');
        let mut first = true;
        for (name, value) in self.iter().filter(|(name, _)| keep(name)) {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            json::write_text(out, name);
            out.push(b':');
            value.write(out);
        }
        out.push(b'}');
    }
}
