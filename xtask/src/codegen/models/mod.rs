//! Generates `crates/models`: a Rust type for every schema of the catalogue.

mod emit;
mod items;
mod names;
mod types;

use super::Error;
use super::model::{Operation, SchemaKind, Schemas, TypeRef};

pub(crate) use self::names::{feature_name, member_name};
pub(crate) use self::types::Types;

/// The sources of the models: file name without its ending, and text.
pub(crate) fn sources(schemas: &Schemas, operations: &[Operation]) -> Result<Vec<(String, String)>, Error> {
    let types = Types::new(schemas)?;
    let items = items::items(&types, schemas, operations);
    Ok(emit::files(&items, &aliases(&types, schemas)))
}

/// Schemas that are other names of types without a name, and those types.
fn aliases(types: &Types<'_>, schemas: &Schemas) -> Vec<(String, String)> {
    let aliases = schemas.iter().filter_map(|(name, schema)| match &schema.kind {
        SchemaKind::Alias(target) if types.name_of(name).is_none() => Some((name.clone(), types.type_of(target))),
        SchemaKind::Alias(TypeRef::Named(target)) => Some((name.clone(), types.name_of(target)?.to_owned())),
        _ => None,
    });
    aliases.collect()
}
