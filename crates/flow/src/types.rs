//! The types of values.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The type of a value: a base type, or a list of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Type {
    /// What the value, or each element, is.
    pub base: Base,
    /// Whether it is a list.
    pub list: bool,
}

impl Type {
    /// Text.
    pub const TEXT: Self = Self::one(Base::Text);

    /// One value.
    pub const fn one(base: Base) -> Self {
        Self { base, list: false }
    }

    /// A list.
    pub const fn list(base: Base) -> Self {
        Self { base, list: true }
    }

    /// Whether a value of this type fits into `other` as it is: equal, or both of them objects.
    pub fn fits(&self, other: &Self) -> bool {
        let object = |base: &Base| matches!(base, Base::Object | Base::Record(_));
        self.list == other.list && (self.base == other.base || object(&self.base) && object(&other.base))
    }
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// Text.
    Text,
    /// An IEEE double.
    Number,
    /// True or false.
    Boolean,
    /// A point in time, in milliseconds.
    Date,
    /// Keys with values of any type.
    Object,
    /// An object some of whose keys are declared. At run time it is a free object.
    Record(IndexMap<String, Field>),
    /// A reference to a file, valid during one run.
    File,
    /// A flow.
    Flow,
    /// A folder.
    Folder,
}

/// A declared key of a [`Base::Record`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The type of its value.
    #[serde(rename = "type")]
    pub ty: Type,
}

impl Base {
    /// The simple types with their names here and in flopacks.
    pub(crate) const NAMES: [(Self, &'static str, &'static str); 8] = [
        (Self::Text, "text", "string"),
        (Self::Number, "number", "number"),
        (Self::Boolean, "boolean", "boolean"),
        (Self::Date, "date", "Date"),
        (Self::Object, "object", "object"),
        (Self::File, "file", "file"),
        (Self::Flow, "flow", "flo"),
        (Self::Folder, "folder", "folder"),
    ];
}

impl fmt::Display for Type {
    /// `text`, `list of object`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list {
            f.write_str("list of ")?;
        }
        let name = Base::NAMES.iter().find(|(base, ..)| *base == self.base).map_or("object", |(_, name, _)| name);
        f.write_str(name)
    }
}
