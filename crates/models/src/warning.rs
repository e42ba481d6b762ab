//! What was tolerated while reading.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A value that was read, and what was tolerated on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    /// The value.
    pub value: T,
    /// What deviates from the description; nothing of it is lost in the value.
    pub warnings: Vec<Warning>,
}

/// How deviations from the description are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As warnings.
    Tolerant,
    /// As an error.
    Strict,
}

/// A deviation and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where, as a path such as `$[3].profile.login`.
    pub path: String,
    /// What.
    pub deviation: Deviation,
}

/// How an answer deviates from the description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deviation {
    /// A member that the description does not have.
    UnknownMember,
    /// A value that the enumeration does not list.
    UnknownValue(String),
    /// A value of the member that tells forms apart that stands for none; empty if there is no such member.
    UnknownForm(String),
    /// No form of a union fits.
    NoForm,
    /// Null for a member that the description does not let be null.
    Null,
    /// A required member is not there.
    Missing,
    /// A value of another type.
    WrongType {
        /// The type of the description, in words.
        expected: &'static str,
        /// What came.
        found: Found,
    },
}

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Found {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl Found {
    /// The kind of a JSON text.
    pub(crate) fn of(json: &str) -> Self {
        match json.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'"') => Self::Text,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }

    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Text => "text",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, deviation } = self;
        match deviation {
            Deviation::UnknownMember => write!(f, "{path}: unknown member"),
            Deviation::UnknownValue(value) => write!(f, "{path}: unknown value {value:?}"),
            Deviation::UnknownForm(value) if value.is_empty() => write!(f, "{path}: nothing tells the form"),
            Deviation::UnknownForm(value) => write!(f, "{path}: no form is known for {value:?}"),
            Deviation::NoForm => write!(f, "{path}: no known form fits"),
            Deviation::Null => write!(f, "{path}: null"),
            Deviation::Missing => write!(f, "{path}: required, but missing"),
            Deviation::WrongType { expected, found } => write!(f, "{path}: expected {expected}, found {found}"),
        }
    }
}

/// One step from a value to a part of it.
#[derive(Debug, Clone)]
pub(crate) enum Step<'a> {
    Member(Cow<'a, str>),
    Index(usize),
}

/// The warnings of a document so far.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    pub(crate) fn push(&mut self, path: &[Step<'_>], deviation: Deviation) {
        self.0.push(Warning { path: path_text(path), deviation });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub(crate) fn into_vec(self) -> Vec<Warning> {
        self.0
    }
}

fn path_text(path: &[Step<'_>]) -> String {
    let mut text = "$".to_owned();
    for step in path {
        // Writing into a string cannot fail.
        let _ = match step {
            Step::Index(index) => write!(text, "[{index}]"),
            Step::Member(name) if is_plain(name) => write!(text, ".{name}"),
            Step::Member(name) => write!(text, "[{name:?}]"),
        };
    }
    text
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
