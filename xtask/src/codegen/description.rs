//! An OpenAPI description: reading it and following its references.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::Error;

/// A JSON object whose members keep the order of the file.
pub(crate) type Object = Map<String, Value>;

/// The methods that are operations; `options` only serves browsers.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

const SCHEMA_REFERENCE: &str = "#/components/schemas/";

/// A parsed description.
#[derive(Debug)]
pub(crate) struct Description {
    root: Value,
    renamed: BTreeMap<String, String>,
}

/// One operation as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawOperation<'a> {
    /// Lower-case method.
    pub method: &'a str,
    /// Path template.
    pub path: &'a str,
    /// The operation itself.
    pub node: &'a Object,
    /// Parameters of the path, shared by its operations.
    pub shared_parameters: &'a [Value],
}

impl Description {
    /// Reads and parses a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = super::read(path)?;
        let root = parse(&text).map_err(|source| Error::Yaml { path: path.to_owned(), source: Box::new(source) })?;
        Ok(Self { root, renamed: BTreeMap::new() })
    }

    /// Gives every schema that means something else in `other` a name of its own, by a prefix.
    pub(crate) fn rename_conflicting_schemas(&mut self, other: &Self, prefix: &str) {
        let conflicting: Vec<_> = self
            .schemas()
            .filter(|(name, node)| other.schema(name).is_some_and(|theirs| facts(theirs) != facts(node)))
            .map(|(name, _)| name.to_owned())
            .collect();
        self.renamed = conflicting.into_iter().map(|name| (name.clone(), format!("{prefix}{name}"))).collect();
    }

    /// The name in the catalogue of a schema of this description.
    pub(crate) fn catalogue_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.get(name).map_or(name, String::as_str)
    }

    /// All component schemas, by the names of the file.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = (&str, &Value)> {
        let schemas = self.root.pointer("/components/schemas").and_then(Value::as_object);
        schemas.into_iter().flatten().map(|(name, node)| (name.as_str(), node))
    }

    /// A component schema by the name of the file.
    pub(crate) fn schema(&self, name: &str) -> Option<&Value> {
        self.root.pointer("/components/schemas")?.get(name)
    }

    /// All operations, in the order of the file.
    pub(crate) fn operations(&self) -> Vec<RawOperation<'_>> {
        let paths = self.root.get("paths").and_then(Value::as_object);
        let mut operations = Vec::new();
        for (path, item) in paths.into_iter().flatten() {
            let shared_parameters = array(item, "parameters");
            for method in METHODS {
                if let Some(node) = item.get(method).and_then(Value::as_object) {
                    operations.push(RawOperation { method, path, node, shared_parameters });
                }
            }
        }
        operations
    }

    /// The group of each tag.
    pub(crate) fn tag_groups(&self) -> BTreeMap<&str, &str> {
        let mut groups = BTreeMap::new();
        for group in array(&self.root, "x-tagGroups") {
            let name = text(group, "name");
            groups.extend(array(group, "tags").iter().filter_map(Value::as_str).map(|tag| (tag, name)));
        }
        groups
    }

    /// Follows references until something is not one.
    pub(crate) fn resolve<'a>(&'a self, node: &'a Value) -> Result<&'a Value, Error> {
        let mut node = node;
        let mut seen = BTreeSet::new();
        while let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            node = target.ok_or_else(|| Error::description(reference, "the reference leads nowhere"))?;
            if !seen.insert(reference) {
                return Err(Error::description(reference, "the reference leads to itself"));
            }
        }
        Ok(node)
    }
}

/// The name of the schema that a node refers to, in the names of the file.
pub(crate) fn schema_reference(node: &Value) -> Option<&str> {
    node.get("$ref").and_then(Value::as_str).and_then(schema_name)
}

/// The schema's name in a reference such as `#/components/schemas/User`.
pub(crate) fn schema_name(reference: &str) -> Option<&str> {
    reference.strip_prefix(SCHEMA_REFERENCE)
}

/// A member that is an array, or nothing.
pub(crate) fn array<'a>(node: &'a Value, member: &str) -> &'a [Value] {
    node.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member that is text, or the empty string.
pub(crate) fn text<'a>(node: &'a Value, member: &str) -> &'a str {
    node.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// A member that is true.
pub(crate) fn flag(node: &Value, member: &str) -> bool {
    node.get(member).and_then(Value::as_bool).unwrap_or_default()
}

/// The members of `enum` as text. A description may list a value twice.
pub(crate) fn enumeration(node: &Value) -> Vec<String> {
    let mut values = Vec::new();
    for value in array(node, "enum") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

fn parse(text: &str) -> Result<Value, serde_saphyr::Error> {
    let options = serde_saphyr::options! { budget: None };
    serde_saphyr::from_str_with_options(text, options)
}

/// The node without the members that are prose. A property may be called `description`: its value is an object.
fn facts(node: &Value) -> Value {
    const PROSE: [&str; 3] = ["description", "title", "example"];
    let is_prose =
        |name: &str, value: &Value| (PROSE.contains(&name) && !value.is_object()) || name == "x-enumDescriptions";
    match node {
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| !is_prose(name, value))
            .map(|(name, value)| (name.clone(), facts(value)))
            .collect::<Object>()
            .into(),
        Value::Array(items) => items.iter().map(facts).collect(),
        other => other.clone(),
    }
}
