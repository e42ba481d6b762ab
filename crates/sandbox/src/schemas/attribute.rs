//! Entries of attributes, as callers write them.

use serde_json::{Map, Value, json};

use crate::http::{ApiError, errors};

/// Types that an attribute may have.
const TYPES: [&str; 5] = ["string", "number", "integer", "boolean", "array"];

/// Members that an entry keeps, in the order of the service, with what they are unless sent.
const MEMBERS: [(&str, Option<&str>); 19] = [
    ("title", None),
    ("description", None),
    ("type", None),
    ("required", None),
    ("unique", None),
    ("format", None),
    ("externalName", None),
    ("externalNamespace", None),
    ("mutability", Some("READ_WRITE")),
    ("scope", Some("NONE")),
    ("minLength", None),
    ("maxLength", None),
    ("pattern", None),
    ("enum", None),
    ("oneOf", None),
    ("items", None),
    ("permissions", None),
    ("master", None),
    ("default", None),
];

/// An entry as the org keeps it: defaults filled in, `required: false` dropped.
///
/// # Errors
///
/// 400 for a missing title or type, an unknown type, a name that cannot be one, or `enum` and `oneOf` that differ.
pub(super) fn read(name: &str, sent: &Map<String, Value>) -> Result<Value, ApiError> {
    check(name, sent)?;
    let mut entry = Map::new();
    for (member, default) in MEMBERS {
        let value = sent.get(member).filter(|value| !value.is_null()).cloned();
        let value = value.or_else(|| default.map(Value::from)).or_else(|| default_of(member));
        if let Some(value) = value.filter(|value| member != "required" || *value == Value::Bool(true)) {
            entry.insert(member.to_owned(), value);
        }
    }
    Ok(Value::Object(entry))
}

fn default_of(member: &str) -> Option<Value> {
    match member {
        "permissions" => Some(json!([{ "principal": "SELF", "action": "READ_ONLY" }])),
        "master" => Some(json!({ "type": "PROFILE_MASTER" })),
        _ => None,
    }
}

fn check(name: &str, sent: &Map<String, Value>) -> Result<(), ApiError> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || !name.chars().all(is_word) {
        let reason = "Variable name must begin with a letter and hold letters, digits and underscores only";
        return Err(ApiError::invalid_field(name, reason));
    }
    for member in ["title", "type"] {
        if sent.get(member).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(ApiError::invalid_field(member, "The field cannot be left blank"));
        }
    }
    if !sent.get("type").and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind)) {
        return Err(ApiError::invalid_field("type", "The field has an invalid value"));
    }
    check_choices(sent)
}

/// Where an attribute has a closed set of values, `enum` and the constants of `oneOf` must be the same.
fn check_choices(sent: &Map<String, Value>) -> Result<(), ApiError> {
    let (Some(Value::Array(values)), Some(Value::Array(choices))) = (sent.get("enum"), sent.get("oneOf")) else {
        return Ok(());
    };
    let same =
        values.len() == choices.len() && values.iter().zip(choices).all(|(value, choice)| choice["const"] == *value);
    if same { Ok(()) } else { Err(errors::E0000123.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: &Value) -> Result<Value, ApiError> {
        read("badge", value.as_object().unwrap())
    }

    #[test]
    fn defaults_are_filled_in_and_unset_members_left_out() {
        let kept = entry(&json!({ "type": "string", "title": "Badge", "required": false, "minLength": null })).unwrap();
        let keys: Vec<_> = kept.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["title", "type", "mutability", "scope", "permissions", "master"]);
    }

    #[test]
    fn choices_must_agree() {
        let sent = json!({
            "type": "string", "title": "Size", "enum": ["S", "M"],
            "oneOf": [{ "const": "S", "title": "small" }, { "const": "L", "title": "large" }],
        });
        assert!(entry(&sent).is_err());
        assert!(entry(&json!({ "type": "text", "title": "Size" })).is_err());
    }
}
