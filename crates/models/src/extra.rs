//! What a model has no place for.

use std::fmt;

use crate::Json;

/// Members that a model does not know, and known ones whose values do not fit, in the order in which
/// they came. They are written back untouched.
///
/// It is one pointer wide, and null while it is empty.
#[derive(Clone, Default)]
pub struct Extra(Option<Box<Members>>);

type Members = Vec<(Box<str>, Json)>;

impl Extra {
    /// Nothing.
    pub const EMPTY: Self = Self(None);

    /// A member by name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Adds or replaces a member.
    pub fn set(&mut self, name: &str, value: impl Into<Json>) {
        let value = value.into();
        let members = self.0.get_or_insert_default();
        match members.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value,
            None => members.push((name.into(), value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let members = self.0.as_mut()?;
        let index = members.iter().position(|(known, _)| **known == *name)?;
        let (_, value) = members.remove(index);
        if members.is_empty() {
            self.0 = None;
        }
        Some(value)
    }

    /// All members, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().flat_map(|members| members.iter()).map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |members| members.len())
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Equal if they have the same members, in any order.
impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
