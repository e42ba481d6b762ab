//! Which card a step is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The channels of built-in functions.
const BUILT_IN: [&str; 13] = [
    "boolean", "control", "crypto", "date", "http", "json", "jwt", "list", "math", "object", "string", "url", "utility",
];

/// The address of a card: a module and an operation, written `okta:readUser` or `string:compose`.
///
/// The module is a channel of built-in functions or a connector. A flopack also names a version
/// of the connector; cards are matched without it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    text: Box<str>,
    module: usize,
}

impl Address {
    /// The address of an operation of a module.
    pub fn new(module: &str, operation: &str) -> Self {
        Self { text: format!("{module}:{operation}").into(), module: module.len() }
    }

    /// The module: `okta` in `okta:readUser`.
    pub fn module(&self) -> &str {
        &self.text[..self.module]
    }

    /// The operation: `readUser` in `okta:readUser`.
    pub fn operation(&self) -> &str {
        &self.text[self.module + 1..]
    }

    /// The whole, such as `okta:readUser`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a built-in function, that needs neither connector nor connection.
    pub fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.module())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text is not of the form `module:operation`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no address of a card: write module:operation, such as okta:readUser")]
pub struct BadAddress(String);

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        match text.split_once(':') {
            Some((module, operation)) if word(module) && word(operation) => Ok(Self::new(module, operation)),
            _ => Err(BadAddress(text.to_owned())),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
