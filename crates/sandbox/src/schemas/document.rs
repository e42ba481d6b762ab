//! Schemas as documents: what is served, and what a write changes.

use serde_json::{Map, Value, json};

use super::{Schema, attribute};
use crate::http::ApiError;
use crate::store::Stamp;

/// What tells the schemas of users and groups apart in their documents.
pub(super) struct Head<'a> {
    pub(super) id: String,
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    pub(super) created: Stamp,
    pub(super) links: Value,
}

/// The document of a schema.
pub(super) fn document(head: &Head<'_>, schema: &Schema) -> Value {
    json!({
        "id": head.id,
        "$schema": "http://json-schema.org/draft-04/schema#",
        "name": head.name,
        "title": head.title,
        "description": head.description,
        "lastUpdated": schema.last_updated.unwrap_or(head.created).text(),
        "created": head.created.text(),
        "definitions": {
            "custom": {
                "id": "#custom", "type": "object",
                "properties": schema.custom, "required": schema.custom_required,
            },
            "base": {
                "id": "#base", "type": "object",
                "properties": schema.base, "required": schema.base_required,
            },
        },
        "type": "object",
        "properties": { "profile": { "allOf": [{ "$ref": "#/definitions/custom" }, { "$ref": "#/definitions/base" }] } },
        "_links": head.links,
    })
}

/// Applies a written document to a schema and returns the names of attributes that are gone.
///
/// # Errors
///
/// 400 for an entry that is not one, or a custom attribute named like a base one.
pub(super) fn apply(schema: &mut Schema, body: &Map<String, Value>, now: Stamp) -> Result<Vec<String>, ApiError> {
    let definitions = body.get("definitions").unwrap_or(&Value::Null);
    let mut removed = Vec::new();
    let mut changed = schema.clone();
    for (name, sent) in members(&definitions["custom"]["properties"]) {
        match sent {
            Value::Null => remove(&mut changed, name, &mut removed),
            Value::Object(sent) => set(&mut changed, name, sent)?,
            _ => return Err(ApiError::invalid_field(name, "The field has an invalid value")),
        }
    }
    for (name, sent) in members(&definitions["base"]["properties"]) {
        change_base(&mut changed, name, sent);
    }
    changed.last_updated = Some(now);
    *schema = changed;
    Ok(removed)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn remove(schema: &mut Schema, name: &str, removed: &mut Vec<String>) {
    schema.custom_required.retain(|required| required != name);
    if schema.custom.shift_remove(name).is_some() {
        removed.push(name.to_owned());
    }
}

fn set(schema: &mut Schema, name: &str, sent: &Map<String, Value>) -> Result<(), ApiError> {
    if schema.base.contains_key(name) {
        return Err(ApiError::invalid_field(
            name,
            "An object with this field already exists in the current organization",
        ));
    }
    // A partial entry changes an attribute; a new one must be whole.
    let known = schema.custom.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let whole: Map<String, Value> = known.into_iter().chain(sent.clone()).collect();
    let entry = attribute::read(name, &whole)?;
    schema.custom_required.retain(|required| required != name);
    if entry["required"] == true {
        schema.custom_required.push(name.to_owned());
    }
    schema.custom.insert(name.to_owned(), entry);
    Ok(())
}

/// Of base attributes only a few members can be changed; the rest of an entry is ignored.
fn change_base(schema: &mut Schema, name: &str, sent: &Value) {
    let Some(entry) = schema.base.get_mut(name).and_then(Value::as_object_mut) else { return };
    for member in ["permissions", "master"] {
        if let Some(value) = sent.get(member).filter(|value| !value.is_null()) {
            entry.insert(member.to_owned(), value.clone());
        }
    }
    if name == "login"
        && let Some(pattern) = sent.get("pattern").filter(|pattern| !pattern.is_null())
    {
        entry.insert("pattern".to_owned(), pattern.clone());
    }
    if matches!(name, "firstName" | "lastName")
        && let Some(required) = sent.get("required").and_then(Value::as_bool)
    {
        require(schema, name, required);
    }
}

fn require(schema: &mut Schema, name: &str, required: bool) {
    if let Some(entry) = schema.base.get_mut(name) {
        entry["required"] = required.into();
    }
    schema.base_required.retain(|known| known != name);
    if required {
        schema.base_required.push(name.to_owned());
    }
}
