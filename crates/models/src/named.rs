//! Models by the names of their schemas.

use crate::generated::BLANKS;
use crate::{Decoded, Error, Mode, Model, Value};

/// Makes a blank model.
pub(crate) type Blank = fn() -> Box<dyn Value>;

/// The blank model of a type.
pub(crate) fn blank<T: Model>() -> Box<dyn Value> {
    Box::new(T::blank())
}

/// The names of all schemas that have a model in this build.
pub fn schemas() -> impl Iterator<Item = &'static str> {
    BLANKS.iter().flat_map(|module| module.iter()).map(|(name, _)| *name)
}

/// A blank model of a schema. `None` if the schema does not exist, or if the features of this build
/// leave its model out.
pub fn blank_named(schema: &str) -> Option<Box<dyn Value>> {
    BLANKS.iter().find_map(|module| {
        let index = module.binary_search_by(|(name, _)| (*name).cmp(schema)).ok()?;
        Some((module[index].1)())
    })
}

/// Reads JSON into the model of a schema, as [`Model::read`] does. `None` if there is no such model.
pub fn read_named(schema: &str, json: &[u8]) -> Option<Result<Decoded<Box<dyn Value>>, Error>> {
    let mut value = blank_named(schema)?;
    let warnings = crate::read::document(value.as_mut(), json, Mode::Tolerant);
    Some(warnings.map(|warnings| Decoded { value, warnings }))
}

/// The JSON of a model, as [`Model::write`] gives it.
pub fn write_value(value: &dyn Value) -> Vec<u8> {
    crate::write::document(value)
}
