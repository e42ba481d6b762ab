//! Models in other data formats: by way of a JSON tree, so that no reader is compiled per model.
//!
//! Numbers of a tree are of 64 bits. [`Model::read`] and [`Model::write`] keep longer ones as they are.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Model, Value};

/// Writes a model through any serializer. Secrets are written in clear, as they are to the org.
///
/// # Errors
/// If something was kept that no tree can hold, such as half a surrogate pair.
pub(crate) fn serialize<S: Serializer>(value: &dyn Value, serializer: S) -> Result<S::Ok, S::Error> {
    let tree: serde_json::Value = serde_json::from_slice(&crate::write::document(value)).map_err(S::Error::custom)?;
    tree.serialize(serializer)
}

/// Reads a model through any deserializer.
pub(crate) fn deserialize<'de, M: Model, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    let tree = serde_json::Value::deserialize(deserializer)?;
    M::read(tree.to_string().as_bytes()).map(|decoded| decoded.value).map_err(D::Error::custom)
}
