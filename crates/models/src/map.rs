//! Maps that lose nothing.

use std::fmt;
use std::ops::{Deref, DerefMut};

use indexmap::IndexMap;

use crate::{Entries, Extra, Model, Value, View, ViewMut};

/// A map from text. It reads and changes as an [`IndexMap`]; entries whose values do not fit are kept
/// aside and written back.
#[derive(Clone)]
pub struct Map<T> {
    entries: IndexMap<String, T>,
    misfits: Extra,
}

impl<T> Map<T> {
    /// An empty map.
    pub fn new() -> Self {
        Self { entries: IndexMap::new(), misfits: Extra::EMPTY }
    }

    /// The entries whose values do not fit.
    pub const fn misfits(&self) -> &Extra {
        &self.misfits
    }
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Map<T> {
    type Target = IndexMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<T> DerefMut for Map<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}

impl<T, K: Into<String>> FromIterator<(K, T)> for Map<T> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Self { entries, misfits: Extra::EMPTY }
    }
}

impl<T: PartialEq> PartialEq for Map<T> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.misfits == other.misfits
    }
}

impl<T: fmt::Debug> fmt::Debug for Map<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.entries).entries(self.misfits.iter()).finish()
    }
}

impl<T: Model> Value for Map<T> {
    fn view(&self) -> View<'_> {
        View::Map(self)
    }

    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::Map(self)
    }
}

impl<T: Model> Model for Map<T> {
    fn blank() -> Self {
        Self::new()
    }
}

impl<T: Model> Entries for Map<T> {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn entry(&self, index: usize) -> Option<(&str, &dyn Value)> {
        self.entries.get_index(index).map(|(key, value)| (key.as_str(), value as &dyn Value))
    }

    fn find(&self, key: &str) -> Option<&dyn Value> {
        self.entries.get(key).map(|value| value as &dyn Value)
    }

    fn insert_blank(&mut self, key: &str) -> &mut dyn Value {
        let entry = self.entries.entry(key.to_owned()).insert_entry(T::blank());
        entry.into_mut()
    }

    fn drop_key(&mut self, key: &str) {
        self.entries.shift_remove(key);
    }

    fn misfits(&self) -> &Extra {
        &self.misfits
    }

    fn misfits_mut(&mut self) -> &mut Extra {
        &mut self.misfits
    }
}
