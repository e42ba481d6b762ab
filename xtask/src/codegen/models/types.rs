//! Which Rust type stands for what in the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Error;
use super::super::lookup;
use super::super::model::{Object, Property, Schema, SchemaKind, Schemas, TypeRef};
use super::super::names::pascal_case;
use super::names;

/// Names that a schema would take from the prelude or from the runtime, with those given instead.
const RENAMED: [(&str, &str); 2] = [("Error", "ErrorBody"), ("tempPassword", "TempPasswordResponse")];

/// Names of the runtime and the prelude that no model may have.
const RESERVED: [&str; 37] = [
    "Attributes",
    "Box",
    "Choice",
    "Decoded",
    "Deviation",
    "Entries",
    "Error",
    "Extra",
    "Field",
    "Forms",
    "Found",
    "Items",
    "Json",
    "List",
    "Map",
    "Member",
    "Mode",
    "Model",
    "Number",
    "Object",
    "Option",
    "Path",
    "Result",
    "Secret",
    "Self",
    "Shape",
    "Slot",
    "State",
    "String",
    "Text",
    "Timestamp",
    "Union",
    "Value",
    "Vec",
    "View",
    "ViewMut",
    "Warning",
];

/// The Rust types of the schemas.
#[derive(Debug)]
pub(crate) struct Types<'a> {
    schemas: &'a Schemas,
    names: BTreeMap<&'a str, String>,
    /// Inline enumerations: by schema and member, those of the schema that declares them first.
    choices: BTreeMap<(&'a str, &'a str), String>,
}

impl<'a> Types<'a> {
    /// Names every schema and every inline enumeration.
    pub(crate) fn new(schemas: &'a Schemas) -> Result<Self, Error> {
        let mut taken: BTreeSet<String> = RESERVED.iter().map(|&name| name.to_owned()).collect();
        let mut names = BTreeMap::new();
        for (schema, Schema { kind, .. }) in schemas {
            if matches!(kind, SchemaKind::Alias(_)) || is_upload(kind) {
                continue;
            }
            let renamed = RENAMED.iter().find(|(from, _)| from == schema);
            let name = renamed.map_or_else(|| names::type_name(schema), |(_, to)| (*to).to_owned());
            for name in std::iter::once(name.clone()).chain(has_subtypes(kind).then(|| common_name(&name))) {
                if !taken.insert(name.clone()) {
                    return Err(Error::description(schema, format!("its model would be called {name}, as another is")));
                }
            }
            names.insert(schema.as_str(), name);
        }
        let mut types = Self { schemas, names, choices: BTreeMap::new() };
        types.name_choices(&mut taken);
        Ok(types)
    }

    fn name_choices(&mut self, taken: &mut BTreeSet<String>) {
        for (schema, name, object) in self.objects() {
            for property in &object.properties {
                if !has_choice(property) || self.origin(object, property) != Origin::Own {
                    continue;
                }
                let wanted = format!("{name}{}", pascal_case(&property.name));
                let mut choice = wanted.clone();
                while !taken.insert(choice.clone()) {
                    choice.push_str("Value");
                }
                self.choices.insert((schema, property.name.as_str()), choice);
            }
        }
    }

    /// The objects with their names, in the order of the description's names.
    fn objects(&self) -> Vec<(&'a str, String, &'a Object)> {
        let objects = self.names.iter().filter_map(|(&schema, name)| match &self.schemas.get(schema)?.kind {
            SchemaKind::Object(object) => Some((schema, name.clone(), object)),
            _ => None,
        });
        objects.collect()
    }

    /// Where the type of a member with an inline enumeration comes from.
    fn origin(&self, object: &'a Object, property: &'a Property) -> Origin<'a> {
        for base in &object.bases {
            let Some((base, SchemaKind::Object(object))) = self.behind(base) else { continue };
            let Some(inherited) = object.properties.iter().find(|known| known.name == property.name) else { continue };
            let covers = |known: &[String]| property.values.iter().all(|value| known.contains(value));
            let is_array = |schema: &TypeRef| matches!(lookup::resolve(self.schemas, schema), TypeRef::Array(_));
            if is_array(&inherited.schema) != is_array(&property.schema) {
                continue;
            }
            if has_choice(inherited) && covers(&inherited.values) {
                return match self.origin(object, inherited) {
                    Origin::Own => Origin::Base(base),
                    further => further,
                };
            }
            if let Some(SchemaKind::Enum(values)) = self.enumeration(&inherited.schema)
                && covers(values)
            {
                return Origin::Named(&inherited.schema);
            }
        }
        Origin::Own
    }

    /// The enumeration that a type, or the elements of an array, refer to.
    fn enumeration(&self, schema: &'a TypeRef) -> Option<&'a SchemaKind> {
        match lookup::resolve(self.schemas, schema) {
            TypeRef::Array(items) => self.enumeration(items),
            TypeRef::Named(name) => {
                self.schemas.get(name).map(|schema| &schema.kind).filter(|kind| matches!(kind, SchemaKind::Enum(_)))
            }
            _ => None,
        }
    }

    /// A schema through aliases, with the name it has there.
    fn behind(&self, name: &'a str) -> Option<(&'a str, &'a SchemaKind)> {
        match &self.schemas.get(name)?.kind {
            SchemaKind::Alias(TypeRef::Named(target)) => self.behind(target),
            kind => Some((name, kind)),
        }
    }

    /// The Rust name of a schema: of a base with subtypes that of the enum. `None` for an alias of
    /// something that has no name, and for the form of an upload, which is not JSON.
    pub(crate) fn name_of(&self, schema: &str) -> Option<&str> {
        if let Some(name) = self.names.get(schema) {
            return Some(name);
        }
        match &self.schemas.get(schema)?.kind {
            SchemaKind::Alias(TypeRef::Named(target)) => self.name_of(target),
            _ => None,
        }
    }

    /// The type where it stands alone or is an element: a body, an answer, an item of a list.
    pub(crate) fn type_of(&self, schema: &TypeRef) -> String {
        match lookup::resolve(self.schemas, schema) {
            TypeRef::Named(name) => self.name_of(name).unwrap_or("Json").to_owned(),
            TypeRef::Array(items) => format!("List<{}>", self.type_of(items)),
            TypeRef::Map(values) => format!("Map<{}>", self.type_of(values)),
            TypeRef::String(format) if format == "date-time" => "Timestamp".to_owned(),
            TypeRef::String(format) if format == "password" => "Secret".to_owned(),
            TypeRef::String(_) => "String".to_owned(),
            TypeRef::Integer => "i64".to_owned(),
            TypeRef::Number => "Number".to_owned(),
            TypeRef::Boolean => "bool".to_owned(),
            TypeRef::Binary => "Vec<u8>".to_owned(),
            TypeRef::Any => "Json".to_owned(),
        }
    }

    /// The type inside another model: objects and unions are boxed.
    pub(crate) fn nested_type_of(&self, schema: &TypeRef) -> String {
        let name = self.type_of(schema);
        if self.is_structure(schema) { format!("Box<{name}>") } else { name }
    }

    /// The type of a member, without the `Field` around it.
    pub(crate) fn property_type(&self, schema: &'a str, object: &'a Object, property: &'a Property) -> String {
        let resolved = lookup::resolve(self.schemas, &property.schema);
        if has_choice(property) {
            let choice = match self.origin(object, property) {
                Origin::Own => self.choices.get(&(schema, property.name.as_str())),
                Origin::Base(base) => self.choices.get(&(base, property.name.as_str())),
                Origin::Named(named) => return self.type_of(named),
            };
            let choice = choice.map_or("String", String::as_str);
            return if matches!(resolved, TypeRef::Array(_)) { format!("List<{choice}>") } else { choice.to_owned() };
        }
        if property.secret && matches!(resolved, TypeRef::String(format) if format != "date-time") {
            return "Secret".to_owned();
        }
        self.nested_type_of(&property.schema)
    }

    /// The enumeration that a member of this schema declares.
    pub(crate) fn own_choice(&self, schema: &str, property: &str) -> Option<&str> {
        self.choices.iter().find(|(key, _)| **key == (schema, property)).map(|(_, name)| name.as_str())
    }

    fn is_structure(&self, schema: &TypeRef) -> bool {
        let TypeRef::Named(name) = lookup::resolve(self.schemas, schema) else { return false };
        self.names.contains_key(name.as_str())
            && matches!(
                self.schemas.get(name).map(|schema| &schema.kind),
                Some(SchemaKind::Object(_) | SchemaKind::Union(_))
            )
    }
}

/// Where an inline enumeration is declared.
#[derive(Debug, PartialEq)]
enum Origin<'a> {
    /// By the schema itself.
    Own,
    /// By this base.
    Base(&'a str),
    /// By a named schema.
    Named(&'a TypeRef),
}

/// Whether a member is text, or an array of text, with an inline enumeration.
fn has_choice(property: &Property) -> bool {
    let is_text = |schema: &TypeRef| matches!(schema, TypeRef::String(_));
    !property.values.is_empty()
        && (is_text(&property.schema) || matches!(&property.schema, TypeRef::Array(items) if is_text(items)))
}

/// Whether a schema is the base of others, so that it becomes an enum and a struct.
pub(crate) fn has_subtypes(kind: &SchemaKind) -> bool {
    matches!(kind, SchemaKind::Object(Object { discriminator: Some(_), .. }))
}

/// The struct with the members that all subtypes of a base have.
pub(crate) fn common_name(name: &str) -> String {
    if name.ends_with("Base") { format!("{name}Fields") } else { format!("{name}Base") }
}

/// Whether a schema is the form of an upload: it has a member of bytes and never travels as JSON.
fn is_upload(kind: &SchemaKind) -> bool {
    matches!(kind, SchemaKind::Object(object) if object.properties.iter().any(|property| property.schema == TypeRef::Binary))
}
