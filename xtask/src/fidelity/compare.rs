//! Comparing the shapes of two answers.

use serde_json::Value;

use super::identity::{Counterpart, Identities};

/// How many recorded keys have their like in the sandbox's answer.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Keys of the recorded answer.
    pub(super) keys: usize,
    /// Those that are there with the same JSON type.
    pub(super) equal: usize,
    /// Elements of lists that an empty org cannot have; their keys are not counted.
    pub(super) foreign: usize,
    /// Where and how the others differ.
    pub(super) misses: Vec<String>,
}

/// Compares an answer with the recorded one. Without an answer every recorded key is missing.
pub(super) fn compare(recorded: &Value, actual: Option<&Value>, identities: &Identities) -> Shape {
    let mut comparison = Comparison { identities, shape: Shape::default() };
    comparison.value("", recorded, actual);
    comparison.shape
}

struct Comparison<'a> {
    identities: &'a Identities,
    shape: Shape,
}

impl Comparison<'_> {
    fn value(&mut self, path: &str, recorded: &Value, actual: Option<&Value>) {
        match recorded {
            Value::Object(members) => {
                for (name, recorded) in members {
                    // Attributes that someone gave the recorded org before are data, not shape.
                    let is_absent = actual.is_some_and(|actual| actual.get(name).is_none());
                    if is_absent && path.ends_with(".custom.properties") && !self.identities.has_sent(name) {
                        self.shape.foreign += 1;
                        continue;
                    }
                    self.member(&format!("{path}.{name}"), recorded, actual.and_then(|actual| actual.get(name)));
                }
            }
            Value::Array(elements) => self.elements(path, elements, actual.and_then(Value::as_array)),
            _ => {}
        }
    }

    fn member(&mut self, path: &str, recorded: &Value, actual: Option<&Value>) {
        self.shape.keys += 1;
        match actual {
            Some(actual) if kind(actual) == kind(recorded) => self.shape.equal += 1,
            Some(actual) => self.shape.misses.push(format!("{path}: {} instead of {}", kind(actual), kind(recorded))),
            None => self.shape.misses.push(format!("{path}: missing")),
        }
        self.value(path, recorded, actual);
    }

    fn elements(&mut self, path: &str, recorded: &[Value], actual: Option<&Vec<Value>>) {
        let path = format!("{path}[]");
        for (element, counterpart) in self.identities.counterparts(recorded, actual.map_or(&[][..], Vec::as_slice)) {
            match counterpart {
                Counterpart::Found(found) => self.value(&path, element, Some(found)),
                Counterpart::Missing => self.value(&path, element, None),
                Counterpart::Foreign => self.shape.foreign += 1,
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_count_with_their_type_and_values_do_not() {
        let recorded = json!({ "a": "x", "b": null, "c": { "d": 1, "e": true } });
        let shape = compare(&recorded, Some(&json!({ "a": "y", "b": "z", "c": { "d": 2 } })), &Identities::default());
        assert_eq!((shape.keys, shape.equal), (5, 3));
        assert_eq!(shape.misses, [".b: string instead of null", ".c.e: missing"]);
    }

    #[test]
    fn without_an_answer_every_key_is_missing() {
        let shape = compare(&json!({ "a": { "b": 1 } }), None, &Identities::default());
        assert_eq!((shape.keys, shape.equal), (2, 0));
    }
}
