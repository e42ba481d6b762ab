//! Every schema: an instance made from the catalogue's facts is read without a deviation and written
//! back as it was.

use oktant_catalog::{Object, Property, SchemaKind, TypeRef};
use oktant_models::{blank_named, read_named, write_value};
use serde_json::{Map, Value, json};

use crate::support::{Chance, resolve, round_trip};

const DEPTH: usize = 4;

/// A random instance of a type.
fn instance(schema: TypeRef, chance: &Chance, depth: usize) -> Value {
    match resolve(schema) {
        TypeRef::Array(items) => (0..chance.below(3)).map(|_| instance(*items, chance, depth + 1)).collect(),
        TypeRef::Map(values) => {
            let keys = (0..chance.below(3)).map(|index| format!("key{index}"));
            Value::Object(keys.map(|key| (key, instance(*values, chance, depth + 1))).collect())
        }
        TypeRef::String("date-time") => json!("2026-03-01T10:00:00.000Z"),
        TypeRef::String(_) | TypeRef::Binary => json!(*chance.pick(&["", "text", "ä \"quoted\"\n"])),
        TypeRef::Integer => json!(chance.below(1_000)),
        TypeRef::Number => json!(chance.below(1_000) as f64 / 4.0),
        TypeRef::Boolean => json!(chance.one_in(2)),
        TypeRef::Any => json!({ "any": [1, 2.5, null] }),
        TypeRef::Named(name) => match &oktant_catalog::schema(name).expect("a schema of the catalogue").kind {
            SchemaKind::Enum(values) => json!(*chance.pick(values)),
            SchemaKind::Union(union) => {
                let mut value = instance(*chance.pick(union.members), chance, depth + 1);
                if let (Some(discriminator), Value::Object(members)) = (&union.discriminator, &mut value) {
                    let (tag, form) = chance.pick(discriminator.mapping);
                    value_of_form(members, form, discriminator.property, tag, chance, depth);
                }
                value
            }
            SchemaKind::Object(object) => {
                let mut members = members(object, chance, depth);
                if let Some(discriminator) = &object.discriminator {
                    let (tag, form) = chance.pick(discriminator.mapping);
                    value_of_form(&mut members, form, discriminator.property, tag, chance, depth);
                }
                Value::Object(members)
            }
            SchemaKind::Alias(_) => unreachable!("aliases are resolved"),
        },
    }
}

/// Replaces the members by those of a form, with the member that tells it.
fn value_of_form(
    members: &mut Map<String, Value>,
    form: &str,
    property: &str,
    tag: &str,
    chance: &Chance,
    depth: usize,
) {
    if let Some(SchemaKind::Object(object)) = oktant_catalog::schema(form).map(|schema| &schema.kind) {
        *members = self::members(object, chance, depth);
    }
    members.insert(property.to_owned(), json!(tag));
}

fn members(object: &Object, chance: &Chance, depth: usize) -> Map<String, Value> {
    let wanted = object.properties.iter().filter(|property| property.required || (depth < DEPTH && chance.one_in(2)));
    wanted.map(|property| (property.name.to_owned(), member(property, chance, depth))).collect()
}

fn member(property: &Property, chance: &Chance, depth: usize) -> Value {
    if property.nullable && chance.one_in(4) {
        return Value::Null;
    }
    match property.schema {
        TypeRef::String(_) if !property.values.is_empty() => json!(*chance.pick(property.values)),
        TypeRef::Array(_) if !property.values.is_empty() => json!([*chance.pick(property.values)]),
        schema => instance(schema, chance, depth + 1),
    }
}

fn is_upload(object: &Object) -> bool {
    object.properties.iter().any(|property| property.schema == TypeRef::Binary)
}

/// The names of the schemas that are models: all but the forms of uploads, which are not JSON.
fn names() -> Vec<&'static str> {
    let is_model = |kind: &SchemaKind| !matches!(kind, SchemaKind::Object(object) if is_upload(object));
    oktant_catalog::schemas().iter().filter(|schema| is_model(&schema.kind)).map(|schema| schema.name).collect()
}

#[test]
fn every_schema_has_a_model() {
    let missing: Vec<_> = names().into_iter().filter(|name| blank_named(name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(read_named("NoSuchSchema", b"{}").is_none());
}

#[test]
fn random_instances_of_every_schema_are_read_and_written_back() {
    let mut count = 0;
    for name in names() {
        for seed in 0..3 {
            let json = instance(TypeRef::Named(name), &Chance::new(seed), 0);
            let (written, _) = round_trip(TypeRef::Named(name), &json.to_string())
                .unwrap_or_else(|error| panic!("{name}, seed {seed}: {error}\n{json}"));
            let written: Value = serde_json::from_str(&written).expect("JSON");
            assert_eq!(written, json, "{name}, seed {seed}");
            count += 1;
        }
    }
    eprintln!("{count} instances of {} schemas", names().len());
}

/// Objects whose members are scalars or lists of them, so that nothing else decides how they are read.
#[test]
fn instances_that_follow_the_description_give_no_warnings() {
    let mut count = 0;
    for schema in oktant_catalog::schemas() {
        let SchemaKind::Object(object) = &schema.kind else { continue };
        let is_plain = |property: &Property| !matches!(resolve(property.schema), TypeRef::Named(_) | TypeRef::Array(_));
        if object.discriminator.is_some() || is_upload(object) || !object.properties.iter().all(is_plain) {
            continue;
        }
        let json = Value::Object(members(object, &Chance::new(7), 0)).to_string();
        let read = read_named(schema.name, json.as_bytes()).expect("a model").expect("JSON of an object");
        assert_eq!(read.warnings, [], "{}: {json}", schema.name);
        count += 1;
    }
    assert!(count > 300, "only {count} schemas");
}

#[test]
fn copies_are_equal_and_print_alike() {
    for name in names() {
        let json = instance(TypeRef::Named(name), &Chance::new(11), 0).to_string();
        let read = || read_named(name, json.as_bytes()).expect("a model").expect("JSON of its kind").value;
        let (one, other) = (read(), read());
        assert_eq!(format!("{one:?}"), format!("{other:?}"), "{name}");
        assert_eq!(*one, *other, "{name}");
        assert_eq!(write_value(one.as_ref()), write_value(other.as_ref()), "{name}");
    }
}
