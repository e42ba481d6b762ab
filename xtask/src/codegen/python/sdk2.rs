//! What okta-sdk-python 2.x calls things: `catalog/okta-sdk-python-2.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::super::{self as codegen, Error};

/// The names of 2.x.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sdk2 {
    /// Methods by name.
    pub methods: BTreeMap<String, Method>,
    /// Classes and enumerations that have another name by now.
    pub classes: BTreeMap<String, String>,
    /// Classes that the description has no more.
    pub own: BTreeMap<String, Own>,
    /// Enumerations that the description spells out in place.
    pub enums: BTreeMap<String, Vec<String>>,
    /// Members that a class fills in by itself.
    pub constants: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    /// Classes told apart by a member that is not the description's discriminator.
    pub kinds: BTreeMap<String, Kind>,
}

/// One method.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    /// The operation it calls.
    pub operation: Option<String>,
    /// HTTP method and path of a call without an operation.
    pub verb: Option<String>,
    pub path: Option<String>,
    /// Arguments by position: those of the path, then the body.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Whether it takes a body, where the operation says otherwise.
    pub body: Option<bool>,
    /// A fixed query.
    #[serde(default)]
    pub query: String,
    /// Whether the answer has no object.
    #[serde(default)]
    pub void: bool,
    /// Whether empty members of the body are sent unless asked otherwise.
    #[serde(default)]
    pub keep_empty: bool,
    /// Media type of the body, where it is not JSON.
    #[serde(default)]
    pub content_type: String,
    /// Whether the body is a file in a form.
    #[serde(default)]
    pub upload: bool,
    /// Class of the answer, where the operation names none.
    pub result: Option<String>,
}

/// A class that only 2.x has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Own {
    pub base: String,
    pub members: Vec<String>,
}

/// Subclasses by the value of a member.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kind {
    pub member: String,
    pub classes: BTreeMap<String, String>,
}

impl Sdk2 {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = codegen::read(path)?;
        toml::from_str(&text).map_err(|source| Error::Toml { path: path.to_owned(), source: Box::new(source) })
    }
}
