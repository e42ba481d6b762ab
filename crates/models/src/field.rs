//! Members of a model: absent, null, or a value.

use std::ops::{Deref, DerefMut};

use crate::{List, Map, Model, Secret, Slot, State, Timestamp, Value};

/// A member of a model: absent, null, or a value.
///
/// Absent is not written, null is written as `null`. It reads as an `Option`, where both are `None`:
///
/// ```
/// use oktant_models::Field;
///
/// let name: Field<String> = "Ada".into();
/// assert_eq!(name.as_deref(), Some("Ada"));
/// assert!(Field::<String>::null().is_none());
/// assert_ne!(Field::<String>::null(), Field::absent());
/// ```
#[derive(Clone)]
pub struct Field<T> {
    value: Option<T>,
    /// Means something only while there is no value, and is forgotten once there is one.
    null: bool,
}

impl<T> Field<T> {
    /// No such member.
    pub const ABSENT: Self = Self { value: None, null: false };

    /// No such member: an update leaves it as it is.
    pub const fn absent() -> Self {
        Self::ABSENT
    }

    /// Null: an update clears it.
    pub const fn null() -> Self {
        Self { value: None, null: true }
    }

    /// A value.
    pub const fn value(value: T) -> Self {
        Self { value: Some(value), null: false }
    }

    /// Whether there is no such member.
    pub const fn is_absent(&self) -> bool {
        self.value.is_none() && !self.null
    }

    /// Whether it is null.
    pub const fn is_null(&self) -> bool {
        self.value.is_none() && self.null
    }

    /// The value, given up; `None` for absent and null.
    pub fn into_option(self) -> Option<T> {
        self.value
    }
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self::ABSENT
    }
}

impl<T> Deref for Field<T> {
    type Target = Option<T>;

    fn deref(&self) -> &Option<T> {
        &self.value
    }
}

/// A value that is taken out leaves the member absent, whatever it was before.
impl<T> DerefMut for Field<T> {
    fn deref_mut(&mut self) -> &mut Option<T> {
        self.null &= self.value.is_none();
        &mut self.value
    }
}

impl<T: PartialEq> PartialEq for Field<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.is_null() == other.is_null()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            Some(value) => value.fmt(f),
            None => f.write_str(if self.null { "null" } else { "absent" }),
        }
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::value(value)
    }
}

impl<T> From<T> for Field<Box<T>> {
    fn from(value: T) -> Self {
        Self::value(Box::new(value))
    }
}

/// `None` is absent; null is [`Field::null`].
impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        Self { value, null: false }
    }
}

/// Types that are text on the wire, so that a member takes a string literal.
pub trait Text {
    /// The value for a text.
    fn from_text(text: &str) -> Self;
}

impl Text for String {
    fn from_text(text: &str) -> Self {
        text.to_owned()
    }
}

impl Text for Timestamp {
    fn from_text(text: &str) -> Self {
        text.into()
    }
}

impl Text for Secret {
    fn from_text(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl<T: Text> From<&str> for Field<T> {
    fn from(text: &str) -> Self {
        Self::value(T::from_text(text))
    }
}

impl From<String> for Field<Secret> {
    fn from(text: String) -> Self {
        Self::value(Secret::new(text))
    }
}

impl<T> From<Vec<T>> for Field<List<T>> {
    fn from(items: Vec<T>) -> Self {
        Self::value(items.into())
    }
}

impl<T: Text, const N: usize> From<[&str; N]> for Field<List<T>> {
    fn from(items: [&str; N]) -> Self {
        Self::value(items.into_iter().map(T::from_text).collect())
    }
}

impl<T: Model, K: Into<String>, const N: usize> From<[(K, T); N]> for Field<Map<T>> {
    fn from(entries: [(K, T); N]) -> Self {
        Self::value(entries.into_iter().collect())
    }
}

impl<T: Model> Slot for Field<T> {
    fn state(&self) -> State<'_> {
        match &self.value {
            Some(value) => State::Value(value),
            None if self.null => State::Null,
            None => State::Absent,
        }
    }

    fn value_mut(&mut self) -> Option<&mut dyn Value> {
        self.value.as_mut().map(|value| value as &mut dyn Value)
    }

    fn reset(&mut self, null: bool) {
        self.value = None;
        self.null = null;
    }

    fn insert(&mut self) -> &mut dyn Value {
        self.null = false;
        self.value.insert(T::blank())
    }
}
