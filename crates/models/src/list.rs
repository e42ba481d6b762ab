//! Lists that lose nothing.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::{Items, Json, Model, Value, View, ViewMut};

/// A list. It reads and changes as a `Vec`; elements that do not fit are kept aside with their
/// positions and written back at them.
///
/// ```
/// use oktant_models::{List, Model};
///
/// let list = List::<String>::read(br#"["a", 7, "b"]"#)?.value;
/// assert_eq!(*list, ["a", "b"]);
/// assert_eq!(list.misfits()[0].0, 1);
/// assert_eq!(list.write(), br#"["a",7,"b"]"#);
/// # Ok::<(), oktant_models::Error>(())
/// ```
#[derive(Clone)]
pub struct List<T> {
    items: Vec<T>,
    misfits: Option<Box<Misfits>>,
}

/// Elements that do not fit, with their positions; boxed, since there are hardly ever any.
type Misfits = Vec<(usize, Json)>;

impl<T> List<T> {
    /// An empty list.
    pub const fn new() -> Self {
        Self { items: Vec::new(), misfits: None }
    }

    /// The elements that do not fit, with their positions in the array that was read.
    pub fn misfits(&self) -> &[(usize, Json)] {
        self.misfits.as_ref().map_or(&[], |misfits| misfits.as_slice())
    }

    /// The elements that fit.
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.items
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, misfits: None }
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items && self.misfits() == other.misfits()
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.items).entries(self.misfits().iter().map(|(_, element)| element)).finish()
    }
}

impl<T: Model> Value for List<T> {
    fn view(&self) -> View<'_> {
        View::List(self)
    }

    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::List(self)
    }
}

impl<T: Model> Model for List<T> {
    fn blank() -> Self {
        Self::new()
    }
}

impl<T: Model> Items for List<T> {
    fn count(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> Option<&dyn Value> {
        self.items.get(index).map(|item| item as &dyn Value)
    }

    fn push_blank(&mut self) -> &mut dyn Value {
        let index = self.items.len();
        self.items.push(T::blank());
        &mut self.items[index]
    }

    fn drop_last(&mut self) {
        self.items.pop();
    }

    fn misfits(&self) -> &[(usize, Json)] {
        self.misfits()
    }

    fn push_misfit(&mut self, position: usize, element: Json) {
        self.misfits.get_or_insert_default().push((position, element));
    }
}
