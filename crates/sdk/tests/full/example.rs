//! Example bodies made from the catalogue's facts.

use oktant_catalog::{Object, Property, Schema, SchemaKind, TypeRef};
use serde_json::{Map, Value, json};

/// Objects inside objects, after which only what is required goes on.
const DEPTH_MAX: usize = 6;

/// A value of this type that the description allows, as far as its facts tell.
pub(crate) fn of(schema: &TypeRef) -> Value {
    value(schema, "", 0)
}

fn value(schema: &TypeRef, format: &str, depth: usize) -> Value {
    match schema {
        TypeRef::Named(name) => oktant_catalog::schema(name).map_or(Value::Null, |schema| named(schema, depth)),
        TypeRef::Array(items) => json!([value(items, "", depth)]),
        TypeRef::Map(values) => json!({ "key": value(values, "", depth) }),
        TypeRef::String(own) => json!(text(if format.is_empty() { own } else { format })),
        TypeRef::Integer => json!(1),
        TypeRef::Number => json!(1.5),
        TypeRef::Boolean => json!(true),
        TypeRef::Binary => json!(""),
        TypeRef::Any => json!({}),
    }
}

fn named(schema: &Schema, depth: usize) -> Value {
    if let Some((subtype, tag)) = first_subtype(schema)
        && subtype != schema.name
    {
        let mut value = value(&TypeRef::Named(subtype), "", depth);
        if let (Value::Object(members), Some(discriminator)) = (&mut value, schema.discriminator()) {
            members.insert(discriminator.property.to_owned(), json!(tag));
        }
        return value;
    }
    match &schema.kind {
        SchemaKind::Object(object) => Value::Object(members(object, depth)),
        SchemaKind::Enum(values) => json!(values.first()),
        SchemaKind::Union(union) => union.members.first().map_or(Value::Null, |member| value(member, "", depth)),
        SchemaKind::Alias(target) => value(target, "", depth),
    }
}

fn first_subtype(schema: &Schema) -> Option<(&'static str, &'static str)> {
    schema.discriminator()?.mapping.first().map(|(tag, subtype)| (*subtype, *tag))
}

fn members(object: &Object, depth: usize) -> Map<String, Value> {
    let wanted = |property: &&Property| {
        !property.read_only && (property.required || (depth == 0 && !property.name.starts_with('_')))
    };
    let shown = object.properties.iter().filter(wanted).filter(|_| depth < DEPTH_MAX);
    shown.map(|property| (property.name.to_owned(), member(property, depth + 1))).collect()
}

fn member(property: &Property, depth: usize) -> Value {
    if let Some(first) = property.values.first() {
        return if matches!(property.schema, TypeRef::Array(_)) { json!([first]) } else { json!(first) };
    }
    if let Some(default) = Some(property.default).filter(|default| !default.is_empty()) {
        return serde_json::from_str(default).unwrap_or_default();
    }
    match (&property.schema, property.minimum) {
        (TypeRef::Integer, Some(minimum)) => json!(minimum as i64),
        (TypeRef::String(_), _) if property.min_length.unwrap_or(0) > 8 => {
            json!("x".repeat(property.min_length.unwrap_or(0) as usize))
        }
        (schema, _) => value(schema, property.format, depth),
    }
}

fn text(format: &str) -> &'static str {
    match format {
        "date-time" => "2026-01-01T00:00:00.000Z",
        "email" => "ada@example.com",
        "uri" | "url" => "https://example.com/x",
        "ipv4" => "192.0.2.1",
        _ => "example",
    }
}
