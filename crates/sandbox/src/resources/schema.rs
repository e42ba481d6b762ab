//! Reading schemas of the catalogue: members, minimal values, write-only members.

use oktant_base::Timestamp;
use oktant_catalog::{Object, Property, Schema, SchemaKind, TypeRef};
use serde_json::{Value, json};

use super::collection::Document;
use crate::store::Stamp;

/// How deep values are made; schemas may hold themselves.
const DEPTH_MAX: usize = 4;

/// The schema behind a type, aliases followed; `None` for scalars, arrays and maps.
pub(super) fn named(of: TypeRef) -> Option<&'static Schema> {
    let TypeRef::Named(name) = of else { return None };
    let schema = oktant_catalog::schema(name)?;
    match &schema.kind {
        SchemaKind::Alias(other) => named(*other),
        SchemaKind::Object(_) | SchemaKind::Enum(_) | SchemaKind::Union(_) => Some(schema),
    }
}

/// The type behind a type: aliases followed.
pub(super) fn resolved(of: TypeRef) -> TypeRef {
    let TypeRef::Named(name) = of else { return of };
    match oktant_catalog::schema(name).map(|schema| &schema.kind) {
        Some(SchemaKind::Alias(other)) => resolved(*other),
        _ => of,
    }
}

/// The members that a value of this type has; those of all members of a union that cannot be decided.
pub(super) fn members(of: TypeRef, value: Option<&Document>) -> Vec<&'static Property> {
    let Some(schema) = named(of) else { return Vec::new() };
    if let Some(subtype) = value.and_then(|value| subtype(schema, value)) {
        return subtype.properties().iter().collect();
    }
    let SchemaKind::Union(union) = &schema.kind else { return schema.properties().iter().collect() };
    let mut all: Vec<&'static Property> = Vec::new();
    for member in union.members.iter().filter_map(|member| named(*member)) {
        let fresh = member.properties().iter().filter(|own| all.iter().all(|known| known.name != own.name));
        let fresh: Vec<_> = fresh.collect();
        all.extend(fresh);
    }
    all
}

/// Whether a type's members are all known, so that others can be told apart.
pub(super) fn is_closed(of: TypeRef, value: &Document) -> bool {
    let Some(schema) = named(of) else { return false };
    match &subtype(schema, value).unwrap_or(schema).kind {
        SchemaKind::Object(Object { additional, properties, .. }) => {
            !properties.is_empty() && !matches!(additional, oktant_catalog::Additional::Allowed(_))
        }
        _ => false,
    }
}

/// Whether it is known which members a value must have: it is no union, or its discriminator tells.
pub(super) fn is_decided(of: TypeRef, value: &Document) -> bool {
    named(of).is_none_or(|schema| !matches!(schema.kind, SchemaKind::Union(_)) || subtype(schema, value).is_some())
}

/// The subtype that a value's discriminator names.
fn subtype(schema: &'static Schema, value: &Document) -> Option<&'static Schema> {
    let discriminator = schema.discriminator()?;
    let wanted = value.get(discriminator.property)?.as_str()?;
    let (_, name) = discriminator.mapping.iter().find(|(known, _)| *known == wanted)?;
    oktant_catalog::schema(name).filter(|found| !std::ptr::eq(*found, schema))
}

/// The values that an enumeration allows; none if it is no enumeration.
pub(super) fn allowed(property: &Property) -> &'static [&'static str] {
    let of = match resolved(property.schema) {
        TypeRef::Array(element) => *element,
        other => other,
    };
    match named(of).map(|schema| &schema.kind) {
        Some(SchemaKind::Enum(values)) => values,
        _ => property.values,
    }
}

/// The default that the description gives a member.
pub(super) fn default_of(property: &Property) -> Option<Value> {
    serde_json::from_str(property.default).ok()
}

/// Fills in the description's defaults, also in the objects that are there.
pub(super) fn fill_defaults(of: TypeRef, document: &mut Document) {
    for property in members(of, Some(document)) {
        if let Some(Value::Object(inner)) = document.get_mut(property.name) {
            fill_defaults(property.schema, inner);
        } else if !document.contains_key(property.name)
            && !property.write_only
            && let Some(default) = default_of(property)
        {
            document.insert(property.name.to_owned(), default);
        }
    }
}

/// Takes out the members that occur in requests only.
pub(super) fn remove_write_only(of: TypeRef, value: &mut Value) {
    match (value, resolved(of)) {
        (Value::Object(document), of) => {
            for property in members(of, Some(document)) {
                if property.write_only {
                    document.shift_remove(property.name);
                } else if let Some(inner) = document.get_mut(property.name) {
                    remove_write_only(property.schema, inner);
                }
            }
        }
        (Value::Array(elements), TypeRef::Array(element)) => {
            for inner in elements {
                remove_write_only(*element, inner);
            }
        }
        _ => {}
    }
}

/// The smallest value of a type: what is required and what has a default.
pub(super) fn minimal(of: TypeRef, now: Timestamp) -> Value {
    minimal_at(of, now, 0)
}

fn minimal_at(of: TypeRef, now: Timestamp, depth: usize) -> Value {
    match of {
        TypeRef::String("date-time") => Stamp::of(now).text().into(),
        TypeRef::String("uri") => "https://oktant.example".into(),
        TypeRef::String(_) | TypeRef::Binary => "".into(),
        TypeRef::Integer | TypeRef::Number => 0.into(),
        TypeRef::Boolean => false.into(),
        TypeRef::Array(_) => json!([]),
        TypeRef::Map(_) | TypeRef::Any => json!({}),
        TypeRef::Named(_) => named_minimal(of, now, depth),
    }
}

fn named_minimal(of: TypeRef, now: Timestamp, depth: usize) -> Value {
    let Some(schema) = named(of) else {
        return match resolved(of) {
            TypeRef::Named(_) => json!({}),
            scalar => minimal_at(scalar, now, depth),
        };
    };
    match &schema.kind {
        SchemaKind::Enum(values) => values.first().copied().unwrap_or_default().into(),
        SchemaKind::Union(union) if depth < DEPTH_MAX => {
            union.members.first().map_or_else(|| json!({}), |first| minimal_at(*first, now, depth + 1))
        }
        SchemaKind::Object(object) if depth < DEPTH_MAX => object_minimal(object, now, depth),
        SchemaKind::Object(_) | SchemaKind::Union(_) | SchemaKind::Alias(_) => json!({}),
    }
}

fn object_minimal(object: &Object, now: Timestamp, depth: usize) -> Value {
    let mut document = Document::new();
    for property in object.properties.iter().filter(|property| !property.write_only) {
        let value = match (default_of(property), property.values.first()) {
            (Some(default), _) => Some(default),
            (None, Some(first)) if property.required && !is_array(property) => Some((*first).into()),
            (None, _) if property.required => Some(minimal_at(property.schema, now, depth + 1)),
            (None, _) => None,
        };
        document.extend(value.map(|value| (property.name.to_owned(), value)));
    }
    Value::Object(document)
}

fn is_array(property: &Property) -> bool {
    matches!(resolved(property.schema), TypeRef::Array(_))
}
