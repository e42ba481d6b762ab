//! What several tests share: reading by the types of the catalogue, and chance.

use oktant_base::{Entropy, SeededEntropy};
use oktant_catalog::{SchemaKind, TypeRef};
use oktant_models::{Json, Model, Warning, read_named, write_value};
use serde_json::value::RawValue;

/// Reads JSON into the models that a type stands for, and writes it back.
pub(crate) fn round_trip(schema: TypeRef, json: &str) -> Result<(String, Vec<Warning>), String> {
    match resolve(schema) {
        TypeRef::Array(items) => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| error.to_string())?;
            let mut texts = Vec::new();
            let mut warnings = Vec::new();
            for element in elements {
                let (text, more) = round_trip(*items, element.get())?;
                texts.push(text);
                warnings.extend(more);
            }
            Ok((format!("[{}]", texts.join(",")), warnings))
        }
        TypeRef::Named(name) => {
            let read = read_named(name, json.as_bytes()).ok_or_else(|| format!("{name} has no model"))?;
            let decoded = read.map_err(|error| format!("{name}: {error}"))?;
            Ok((text(write_value(decoded.value.as_ref())), decoded.warnings))
        }
        _ => Json::read(json.as_bytes())
            .map(|decoded| (text(decoded.value.write()), Vec::new()))
            .map_err(|error| error.to_string()),
    }
}

/// The type behind aliases.
pub(crate) fn resolve(schema: TypeRef) -> TypeRef {
    match schema {
        TypeRef::Named(name) => match oktant_catalog::schema(name).map(|schema| &schema.kind) {
            Some(SchemaKind::Alias(target)) => resolve(*target),
            _ => schema,
        },
        _ => schema,
    }
}

pub(crate) fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Repeatable chance.
pub(crate) struct Chance(SeededEntropy);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number below `limit`.
    pub(crate) fn below(&self, limit: usize) -> usize {
        ((self.0.unit() * limit as f64) as usize).min(limit.saturating_sub(1))
    }

    pub(crate) fn pick<'a, T>(&self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// Whether one of `times` happens.
    pub(crate) fn one_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }
}
