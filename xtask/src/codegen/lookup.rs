//! Looks through names at what stands behind them.

use super::model::{Property, Schema, SchemaKind, Schemas, TypeRef};

/// The schema that a name leads to, through aliases.
pub(crate) fn schema<'a>(schemas: &'a Schemas, name: &str) -> Option<&'a Schema> {
    let found = schemas.get(name)?;
    match &found.kind {
        SchemaKind::Alias(TypeRef::Named(target)) => schema(schemas, target),
        _ => Some(found),
    }
}

/// The members of the object that a name leads to; none for other schemas.
pub(crate) fn properties<'a>(schemas: &'a Schemas, name: &str) -> &'a [Property] {
    match schema(schemas, name).map(|schema| &schema.kind) {
        Some(SchemaKind::Object(object)) => &object.properties,
        _ => &[],
    }
}

/// The type behind a name that is only an alias.
pub(crate) fn resolve<'a>(schemas: &'a Schemas, type_ref: &'a TypeRef) -> &'a TypeRef {
    let TypeRef::Named(name) = type_ref else { return type_ref };
    match schemas.get(name).map(|schema| &schema.kind) {
        Some(SchemaKind::Alias(target)) => resolve(schemas, target),
        _ => type_ref,
    }
}
