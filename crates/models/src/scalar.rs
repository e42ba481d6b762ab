//! Values without members.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Model, Value, View, ViewMut};

/// A secret: `Debug` hides it, [`Secret::expose`](oktant_base::Secret::expose) shows it.
pub type Secret = oktant_base::Secret<String>;

/// An instant as the org wrote it; the original text is kept and parsed on demand.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(String);

impl Timestamp {
    /// The text as it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant in UTC, if the text is one (RFC 3339).
    pub fn to_utc(&self) -> Option<oktant_base::Timestamp> {
        self.0.parse().ok()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Timestamp {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<oktant_base::Timestamp> for Timestamp {
    fn from(instant: oktant_base::Timestamp) -> Self {
        // As the org writes it, in milliseconds.
        Self(instant.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }
}

/// A number as the org wrote it: `24` and `24.0` are two, and no digit is lost.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// A number of a document that was parsed; `None` if the JSON is none.
    pub(crate) fn from_raw(raw: &RawValue) -> Option<Self> {
        raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit()).then(|| Self(raw.get().into()))
    }

    /// A number from a float; `None` for infinities and what is not a number, which JSON lacks.
    pub fn from_f64(number: f64) -> Option<Self> {
        serde_json::Number::from_f64(number).map(Self::from)
    }

    /// The text as it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest float; `None` only for a number that no float can approximate.
    pub fn to_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The number if it is written as a whole one.
    pub fn to_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl From<serde_json::Number> for Number {
    fn from(number: serde_json::Number) -> Self {
        Self(number.to_string().into())
    }
}

/// Any JSON, kept as its text.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// JSON text that was checked, such as a part of a document that was parsed.
    pub(crate) fn from_raw(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }

    /// Checks and keeps a JSON text.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn parse(text: impl Into<String>) -> Result<Self, crate::Error> {
        RawValue::from_string(text.into()).map(Self).map_err(crate::Error::Syntax)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value as a tree, whose numbers are of 64 bits; null where the text has something that no
    /// tree can hold, such as half a surrogate pair. [`Json::to`] says so instead.
    pub fn to_value(&self) -> serde_json::Value {
        self.to().unwrap_or_default()
    }

    /// The value as a type.
    ///
    /// # Errors
    /// If it does not fit the type.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, crate::Error> {
        serde_json::from_str(self.as_str()).map_err(crate::Error::Syntax)
    }

    /// Null.
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }

    pub(crate) fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Equal if they mean the same, whatever the white space and the order of members. Numbers mean the
/// same if they are written alike.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        crate::read::mean_the_same(&self.0, &other.0)
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        // Writing a tree cannot fail: its keys are text and its numbers finite.
        serde_json::value::to_raw_value(&value).map_or_else(|_| Self::null(), Self)
    }
}

macro_rules! from_scalar {
    ($($type:ty),*) => { $(
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                serde_json::Value::from(value).into()
            }
        }
    )* };
}

from_scalar!(bool, f64, i32, i64, u32, &str, String, Vec<String>);

macro_rules! scalars {
    ($($type:ty, $kind:ident, $value:ident => $view:expr, $view_mut:expr, $blank:expr;)*) => { $(
        impl Value for $type {
            fn view(&self) -> View<'_> {
                let $value = self;
                View::$kind($view)
            }

            fn view_mut(&mut self) -> ViewMut<'_> {
                let $value = self;
                ViewMut::$kind($view_mut)
            }
        }

        impl Model for $type {
            fn blank() -> Self {
                $blank
            }
        }
    )* };
}

scalars! {
    String, Text, value => value, value, Self::new();
    Timestamp, Text, value => &value.0, &mut value.0, Self(String::new());
    Secret, Secret, value => value.expose(), value, Self::new(String::new());
    bool, Boolean, value => *value, value, false;
    i64, Integer, value => *value, value, 0;
    Number, Number, value => value, value, Self::from(0);
    Json, Json, value => value, value, Self::null();
}

impl<T: Model> Value for Box<T> {
    fn view(&self) -> View<'_> {
        (**self).view()
    }

    fn view_mut(&mut self) -> ViewMut<'_> {
        (**self).view_mut()
    }
}

impl<T: Model> Model for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }
}
