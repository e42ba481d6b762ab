//! `${…}` in recipes: what only the moment knows.

use serde_json::Value;

use super::collection::Document;

/// Puts values in the place of every `${name}` in every text. A text that is nothing but one name
/// becomes the value itself; a name without a value becomes an empty text.
pub(super) fn expand(value: &Value, lookup: &mut dyn FnMut(&str) -> Option<Value>) -> Value {
    match value {
        Value::String(text) => expand_text(text, lookup),
        Value::Array(elements) => elements.iter().map(|element| expand(element, lookup)).collect(),
        Value::Object(members) => Value::Object(expand_members(members, lookup)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// As [`expand`], for each member of an object.
pub(super) fn expand_members(members: &Document, lookup: &mut dyn FnMut(&str) -> Option<Value>) -> Document {
    members.iter().map(|(name, value)| (name.clone(), expand(value, lookup))).collect()
}

fn expand_text(text: &str, lookup: &mut dyn FnMut(&str) -> Option<Value>) -> Value {
    if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
        && !name.contains("${")
    {
        return lookup(name).unwrap_or_else(|| "".into());
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, (name, after))) =
        rest.split_once("${").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        out.push_str(before);
        match lookup(name) {
            Some(Value::String(value)) => out.push_str(&value),
            Some(value) => out.push_str(&value.to_string()),
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out.into()
}

/// The value at a dotted path of a document.
pub(super) fn at_path<'a>(document: &'a Document, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = document.get(first)?;
    if rest.is_empty() { Some(value) } else { at_path(value.as_object()?, rest) }
}

/// Takes out the value at a dotted path of a document.
pub(super) fn remove_at(document: &mut Document, path: &str) {
    match path.split_once('.') {
        None => {
            document.shift_remove(path);
        }
        Some((first, rest)) => {
            if let Some(Value::Object(inner)) = document.get_mut(first) {
                remove_at(inner, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_values_where_they_stand() {
        let template = json!({ "a": "${n}", "b": ["${s}/${n}/${unknown}."], "c": "${open", "d": 1 });
        let mut lookup = |name: &str| match name {
            "n" => Some(json!(7)),
            "s" => Some(json!("x")),
            _ => None,
        };
        let expected = json!({ "a": 7, "b": ["x/7/."], "c": "${open", "d": 1 });
        assert_eq!(expand(&template, &mut lookup), expected);
    }

    #[test]
    fn dotted_paths_are_followed() {
        let mut document = json!({ "a": { "b": { "c": 1, "d": 2 } } }).as_object().unwrap().clone();
        assert_eq!(at_path(&document, "a.b.c"), Some(&json!(1)));
        assert_eq!(at_path(&document, "a.x.c"), None);
        remove_at(&mut document, "a.b.c");
        assert_eq!(Value::from(document), json!({ "a": { "b": { "d": 2 } } }));
    }
}
