//! The expressions of manifests: where a value comes from, and what is made of it.
//!
//! ```text
//! expression = term { " ?? " term }              the first that is not empty
//! term       = source { " | " filter [":" argument] }    an argument "=source" or "name==source" is computed
//! source     = "'" text "'" | path
//! path       = root { "." segment }              "\." is a dot inside a segment; a number indexes a list
//! condition  = expression [ (" == " | " != ") expression ]
//! ```
//!
//! Roots are `in` (a group of inputs, then a key to the end of the path; `*` is the whole group), `opt` (an
//! option), `set` (a setting of the connection), and whatever the steps before left: `status`, `headers`
//! and `body` of the last answer, `item` in a list, and each named step.

use std::collections::BTreeMap;

use oktant_flow::without_mark;
use serde_json::{Map, Value};

use crate::fields::Fields;

use super::filter;

/// What expressions see.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'a> {
    pub(crate) options: &'a Fields,
    pub(crate) inputs: &'a Fields,
    pub(crate) settings: &'a BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, Value>,
}

/// Why an expression has no value: it is wrong itself, or an input does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(pub(crate) String);

impl Scope<'_> {
    /// The value of an expression; null where nothing is.
    pub(crate) fn value(&self, expression: &str) -> Result<Value, Wrong> {
        let mut value = Value::Null;
        for term in expression.split(" ?? ") {
            value = self.term(term.trim())?;
            if !is_empty(&value) {
                break;
            }
        }
        Ok(value)
    }

    /// Whether a condition holds: a comparison, or an expression that is neither empty nor false.
    pub(crate) fn holds(&self, condition: &str) -> Result<bool, Wrong> {
        for (operator, equal) in [(" == ", true), (" != ", false)] {
            if let Some((left, right)) = condition.split_once(operator) {
                return Ok((text(&self.value(left.trim())?) == text(&self.value(right.trim())?)) == equal);
            }
        }
        let value = self.value(condition)?;
        Ok(!is_empty(&value) && value != Value::Bool(false))
    }

    fn term(&self, term: &str) -> Result<Value, Wrong> {
        let mut parts = term.split(" | ");
        let source = parts.next().unwrap_or_default().trim();
        let mut value = self.source(source)?;
        for part in parts {
            let (name, argument) = part.split_once(':').unwrap_or((part, ""));
            let argument = match (argument.strip_prefix('='), argument.split_once("==")) {
                (Some(source), _) => text(&self.source(source.trim())?),
                (None, Some((name, source))) => format!("{name}={}", text(&self.source(source.trim())?)),
                (None, None) => argument.to_owned(),
            };
            value = filter::apply(name.trim(), &argument, value)
                .map_err(|problem| Wrong(format!("{source}: {problem}")))?;
        }
        Ok(value)
    }

    fn source(&self, source: &str) -> Result<Value, Wrong> {
        if let Some(literal) = source.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return Ok(Value::String(literal.to_owned()));
        }
        let (root, rest) = source.split_once('.').unwrap_or((source, ""));
        Ok(match root {
            "in" => self.input(rest),
            "opt" => self.option(rest),
            "set" => self.settings.get(rest).map_or(Value::Null, |text| Value::String(text.clone())),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => match self.variables.get(root) {
                Some(value) => walk(value, rest).clone(),
                None if KNOWN_ROOTS.contains(&root) => Value::Null,
                None => return Err(Wrong(format!("\"{source}\" names nothing"))),
            },
        })
    }

    fn input(&self, path: &str) -> Value {
        let (group, key) = path.split_once('.').unwrap_or(("", path));
        let group = (!group.is_empty()).then_some(group);
        if key == "*" {
            let fields = self.inputs.group(group).filter(|(_, value)| !is_empty(value));
            return Value::Object(fields.map(|(key, value)| (key.to_owned(), value.clone())).collect());
        }
        find(self.inputs, group, key).cloned().unwrap_or_default()
    }

    fn option(&self, key: &str) -> Value {
        // Options stand in the group "parameters" of exported cards.
        let value = find(self.options, Some("parameters"), key).or_else(|| find(self.options, None, key));
        value.cloned().unwrap_or_default()
    }
}

/// Roots that may be absent: what a step that did not run would have left.
const KNOWN_ROOTS: &[&str] = &["body", "headers", "item", "status"];

/// The field of this key; else the one whose key is this one and a mark that the connector builder appended.
fn find<'a>(fields: &'a Fields, group: Option<&'a str>, key: &str) -> Option<&'a Value> {
    let exact = fields.get(group, key);
    exact.or_else(|| fields.group(group).find(|(known, _)| without_mark(known) == key).map(|(_, value)| value))
}

/// The value at the end of a path; null where it leads nowhere.
pub(crate) fn walk<'a>(value: &'a Value, path: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    let mut value = value;
    for segment in segments(path) {
        let next = match value {
            Value::Object(members) => members.get(&segment),
            Value::Array(items) => segment.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return NOTHING,
        }
    }
    value
}

fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut current = String::new();
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => current.extend(characters.next()),
            '.' => segments.push(std::mem::take(&mut current)),
            _ => current.push(character),
        }
    }
    segments.push(current);
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// Null, empty text, empty list, empty object.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A value as text: of lists and objects the JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A template filled in: a text that is one `{expression}` becomes its value, another one text; members of objects
/// and items of lists that come to nothing are left out. A member named `...` spreads an object into its place.
pub(crate) fn fill(template: &Value, scope: &Scope<'_>) -> Result<Value, Wrong> {
    Ok(match template {
        Value::String(template) => match template.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(expression) if !expression.contains(['{', '}']) => scope.value(expression)?,
            _ => Value::String(fill_text(template, scope, |value| value)?),
        },
        Value::Array(items) => {
            let filled = items.iter().map(|item| fill(item, scope)).collect::<Result<Vec<_>, _>>()?;
            Value::Array(filled.into_iter().filter(|value| !value.is_null()).collect())
        }
        Value::Object(members) => {
            let mut filled = Map::new();
            for (name, template) in members {
                match fill(template, scope)? {
                    Value::Null => {}
                    Value::Object(spread) if name == "..." => filled.extend(spread),
                    Value::Object(empty) if empty.is_empty() => {}
                    value => {
                        filled.insert(name.clone(), value);
                    }
                }
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

/// A template filled in as text; `encode` makes each value fit its place.
pub(crate) fn fill_text(template: &str, scope: &Scope<'_>, encode: impl Fn(String) -> String) -> Result<String, Wrong> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (expression, after) =
            after.split_once('}').ok_or_else(|| Wrong(format!("\"{template}\" has no closing brace")))?;
        filled.push_str(before);
        let value = text(&scope.value(expression)?);
        if expression.ends_with("| path") {
            let segments: Vec<String> = value.split('/').map(|segment| encode(segment.to_owned())).collect();
            filled.push_str(&segments.join("/"));
        } else {
            filled.push_str(&encode(value));
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(entries: &[(Option<&str>, &str, Value)]) -> Fields {
        let mut fields = Fields::new();
        for (group, key, value) in entries {
            fields.set(*group, key, value.clone());
        }
        fields
    }

    #[track_caller]
    fn check(template: &Value, expected: Value) {
        let inputs = fields(&[
            (Some("User"), "ID or Login", json!("ann@example.com")),
            (Some("User"), "Is Active?", json!(false)),
            (Some("Profile"), "profile.name", json!("Ann")),
            (Some("Profile"), "empty", json!("")),
            (Some("Inputs"), "model_KM1ZNJ", json!("m1")),
        ]);
        let options = fields(&[(Some("parameters"), "request_type_QBJ3VI", json!("GET"))]);
        let settings = BTreeMap::from([("domain".to_owned(), "example.com".to_owned())]);
        let body = json!({"users": [{"id": 7, "a.b": true}], "@odata.nextLink": "n"});
        let variables = BTreeMap::from([("body".to_owned(), body)]);
        let scope = Scope { options: &options, inputs: &inputs, settings: &settings, variables };
        assert_eq!(fill(template, &scope), Ok(expected), "{template}");
    }

    #[test]
    fn templates_take_values_from_everywhere() {
        check(&json!("{in.User.ID or Login}"), json!("ann@example.com"));
        check(&json!("{in.User.Is Active?}"), json!(false));
        check(&json!("{in.Profile.profile.name}"), json!("Ann"));
        check(&json!("{in.Profile.*}"), json!({"profile.name": "Ann"}));
        check(&json!("{in.Inputs.model}/{opt.request_type}"), json!("m1/GET"));
        check(&json!("https://{set.domain}/{set.none ?? 'x'}"), json!("https://example.com/x"));
        check(&json!("{body.users.0.id}"), json!(7));
        check(&json!("{body.users.0.a\\.b}"), json!(true));
        check(&json!("{body.@odata\\.nextLink}"), json!("n"));
        check(&json!("{item.x}"), json!(null));
    }

    #[test]
    fn what_comes_to_nothing_is_left_out() {
        check(
            &json!({"a": "{in.Profile.empty}", "b": "{in.User.none}", "c": {"d": "{in.User.none}"}}),
            json!({"a": ""}),
        );
        check(&json!({"...": "{in.Profile.*}", "x": 1}), json!({"profile.name": "Ann", "x": 1}));
        check(&json!(["{in.User.none}", "{body.users.0.id}"]), json!([7]));
    }

    #[test]
    fn a_name_that_is_none_is_an_error() {
        let (none, settings) = (Fields::new(), BTreeMap::new());
        let scope = Scope { options: &none, inputs: &none, settings: &settings, variables: BTreeMap::new() };
        assert!(scope.value("boby.id").unwrap_err().to_string().contains("names nothing"));
        assert!(scope.value("in.a.b | shout").unwrap_err().to_string().contains("no filter"));
        assert_eq!(scope.holds("in.a.b == 'x'"), Ok(false));
        assert_eq!(scope.holds("in.a.b != 'x'"), Ok(true));
    }
}
