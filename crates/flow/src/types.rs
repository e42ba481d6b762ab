//! The types of values.

use std::fmt;

use serde::{Deserialize, Serialize};

const LIST_OF: &str = "list-of-";

/// The type of a value: a base type, or a list of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// The type of that name, if there is one: `text`, `list-of-object`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (list, name) = name.strip_prefix(LIST_OF).map_or((false, name), |name| (true, name));
        let (base, ..) = Base::NAMES.iter().find(|(_, known, _)| *known == name)?;
        Some(Self { base: *base, list })
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Keys with values of any type. Which keys there are is known at run time only; what a flopack
    /// says about them is for its editor.
    Object,
    /// A reference to a file, valid during one run.
    File,
    /// A flow.
    Flow,
    /// A folder.
    Folder,
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
    /// `text`, `list-of-object`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list {
            f.write_str(LIST_OF)?;
        }
        let name = Base::NAMES.iter().find(|(base, ..)| *base == self.base).map_or("object", |(_, name, _)| name);
        f.write_str(name)
    }
}
