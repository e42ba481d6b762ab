//! A card's inputs and outputs as JSON, which is what services speak.

use oktant_engine as action;
use oktant_functions::Value as FlowValue;
use serde_json::Value;

/// Named values in groups, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields(Vec<(Option<String>, String, Value)>);

impl Fields {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What the engine gave. Instants become ISO 8601 text, files objects with `id`, `name` and `bytes`.
    pub(crate) fn read(fields: &action::Fields) -> Self {
        let json = |value: &FlowValue| serde_json::to_value(value).unwrap_or_default();
        let field = |field: &action::Field| {
            (field.group.as_deref().map(ToOwned::to_owned), field.key.to_string(), json(&field.value))
        };
        Self(fields.iter().map(field).collect())
    }

    /// What the engine gets.
    pub(crate) fn write(self) -> action::Fields {
        let mut fields = action::Fields::new();
        for (group, key, value) in self.0 {
            fields.set(group.as_deref(), &key, flow_value(value));
        }
        fields
    }

    pub(crate) fn get(&self, group: Option<&str>, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, name, _)| known.as_deref() == group && name == key).map(|(_, _, value)| value)
    }

    /// The text of a field; empty where there is none.
    pub(crate) fn text(&self, group: Option<&str>, key: &str) -> String {
        self.get(group, key).map(crate::manifest::expression::text).unwrap_or_default()
    }

    pub(crate) fn group(&self, group: Option<&str>) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .iter()
            .filter(move |(known, _, _)| known.as_deref() == group)
            .map(|(_, key, value)| (key.as_str(), value))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<&str>, &str, &Value)> {
        self.0.iter().map(|(group, key, value)| (group.as_deref(), key.as_str(), value))
    }

    pub(crate) fn set(&mut self, group: Option<&str>, key: &str, value: Value) {
        match self.0.iter_mut().find(|(known, name, _)| known.as_deref() == group && name == key) {
            Some((_, _, known)) => *known = value,
            None => self.0.push((group.map(ToOwned::to_owned), key.to_owned(), value)),
        }
    }
}

/// JSON as a value of flows.
pub(crate) fn flow_value(value: Value) -> FlowValue {
    serde_json::from_value(value).unwrap_or(FlowValue::Null)
}
