//! What objects and fields the org has: the standard ones, and those of a schema file in the same form.

mod describe;
mod spec;

use std::collections::HashMap;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

pub(super) use describe::{object as describe, summary};
pub(super) use spec::{Field, Kind};

/// The standard objects; `docs/guides/sandbox.md` explains the form.
const STANDARD: &str = include_str!("objects.json");

/// Why a schema file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// Every object of the org.
#[derive(Debug)]
pub(super) struct Schema {
    objects: Vec<Object>,
    /// Positions by lower-case name.
    names: HashMap<String, usize>,
}

/// One kind of record.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are what `describe` says of an object")]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) plural: String,
    pub(super) prefix: String,
    pub(super) custom: bool,
    /// Only those who manage users may change it.
    pub(super) setup: bool,
    pub(super) create: bool,
    pub(super) update: bool,
    pub(super) delete: bool,
    pub(super) fields: Vec<Field>,
    /// Positions by lower-case name.
    names: HashMap<String, usize>,
}

/// A list of records below one of another object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) object: &'a Object,
    pub(super) field: &'a Field,
    /// The name it has in queries, if it has one.
    pub(super) name: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    lists: IndexMap<String, Vec<String>>,
    objects: IndexMap<String, ObjectFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectFile {
    prefix: Option<String>,
    label: Option<String>,
    plural: Option<String>,
    can: Option<String>,
    #[serde(default)]
    setup: bool,
    #[serde(default)]
    business: bool,
    fields: IndexMap<String, String>,
}

impl Schema {
    /// The standard objects with what a schema file adds to them.
    ///
    /// # Errors
    ///
    /// What in the file cannot be read, or names something that is not there.
    pub(super) fn new(custom: Option<&str>) -> Result<Self, SchemaError> {
        let mut schema = Self { objects: Vec::new(), names: HashMap::new() };
        let mut lists = IndexMap::new();
        schema.add(STANDARD, &mut lists, false)?;
        if let Some(text) = custom {
            schema.add(text, &mut lists, true)?;
        }
        schema.check_references()?;
        Ok(schema)
    }

    fn add(&mut self, text: &str, lists: &mut IndexMap<String, Vec<String>>, custom: bool) -> Result<(), SchemaError> {
        let file: File = serde_json::from_str(text).map_err(|error| SchemaError(error.to_string()))?;
        lists.extend(file.lists);
        for (name, given) in file.objects {
            let position = match self.names.get(&name.to_lowercase()) {
                Some(known) => *known,
                None => self.begin(&name, &given, custom)?,
            };
            for (field, spec) in &given.fields {
                if custom && field != "Name" && !field.ends_with("__c") {
                    return Err(SchemaError(format!("{name}.{field}: the name of a custom field ends in __c")));
                }
                let mut field =
                    spec::field(field, spec, lists).map_err(|why| SchemaError(format!("{name}.{field}: {why}")))?;
                let object = &mut self.objects[position];
                if field.custom && field.kind == Kind::Reference && field.child.is_none() {
                    field.child = Some(format!("{}__r", object.plural.replace(' ', "")));
                }
                object.push(field);
            }
        }
        Ok(())
    }

    fn begin(&mut self, name: &str, given: &ObjectFile, custom: bool) -> Result<usize, SchemaError> {
        let problem = |why: &str| Err(SchemaError(format!("{name}: {why}")));
        if custom && !name.ends_with("__c") {
            return problem("the name of a custom object ends in __c");
        }
        let position = self.objects.len();
        let prefix = given.prefix.clone().unwrap_or_else(|| format!("a{position:02}"));
        if prefix.len() != 3 || !prefix.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
            return problem("a prefix is three letters or digits");
        }
        if self.by_prefix(&prefix).is_some() {
            return problem("another object has this prefix");
        }
        let label = given.label.clone().unwrap_or_else(|| name.trim_end_matches("__c").replace('_', " "));
        let plural = given.plural.clone().unwrap_or_else(|| format!("{label}s"));
        let can = |word: &str| given.can.as_ref().is_none_or(|list| list.split(' ').any(|known| known == word));
        let mut object = Object {
            name: name.to_owned(),
            plural,
            label,
            prefix,
            custom,
            setup: given.setup,
            create: can("create"),
            update: can("update"),
            delete: can("delete"),
            fields: Vec::new(),
            names: HashMap::new(),
        };
        object.add_system_fields(given.business || custom);
        if custom && !given.fields.contains_key("Name") {
            object.push(spec::field("Name", "string(80) required", &IndexMap::new()).map_err(SchemaError)?);
        }
        self.names.insert(name.to_lowercase(), position);
        self.objects.push(object);
        Ok(position)
    }

    fn check_references(&self) -> Result<(), SchemaError> {
        for object in &self.objects {
            for field in &object.fields {
                if let Some(missing) = field.targets.iter().find(|target| self.object(target).is_none()) {
                    return Err(SchemaError(format!("{}.{}: there is no object {missing}", object.name, field.name)));
                }
            }
        }
        Ok(())
    }

    /// An object by its name in any case.
    pub(super) fn object(&self, name: &str) -> Option<&Object> {
        self.names.get(&name.to_lowercase()).map(|position| &self.objects[*position])
    }

    /// The object that an id belongs to.
    pub(super) fn by_prefix(&self, prefix: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.prefix == prefix)
    }

    pub(super) fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The lists of records that can stand below a record of `parent`.
    pub(super) fn children<'a>(&'a self, parent: &'a Object) -> impl Iterator<Item = Child<'a>> {
        let of = move |object: &'a Object| {
            let fields = object.fields.iter().filter(|field| field.targets.contains(&parent.name));
            fields.map(move |field| Child { object, field, name: field.child.as_deref() })
        };
        self.objects.iter().flat_map(of)
    }
}

impl Object {
    fn push(&mut self, field: Field) {
        self.names.insert(field.name.to_lowercase(), self.fields.len());
        self.fields.push(field);
    }

    fn add_system_fields(&mut self, business: bool) {
        let none = IndexMap::new();
        let mut add = |name: &str, text: &str| {
            if let Ok(field) = spec::field(name, text, &none) {
                self.push(Field { system: true, ..field });
            }
        };
        add("Id", "id(18) readonly");
        if business {
            add("IsDeleted", "boolean readonly");
            add("OwnerId", "reference defaulted -> User | Group");
        }
        add("CreatedDate", "datetime readonly");
        add("CreatedById", "reference readonly -> User");
        add("LastModifiedDate", "datetime readonly");
        add("LastModifiedById", "reference readonly -> User");
        add("SystemModstamp", "datetime readonly");
        if business {
            add("LastActivityDate", "date readonly");
            add("LastViewedDate", "datetime readonly");
            add("LastReferencedDate", "datetime readonly");
        }
    }

    /// A field by its name in any case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.names.get(&name.to_lowercase()).map(|position| &self.fields[*position])
    }

    /// The reference field behind a relationship's name, such as `AccountId` behind `Account`.
    pub(super) fn relationship(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.relationship().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Where a record's address begins, below that of the API.
    pub(super) fn path(&self) -> String {
        format!("sobjects/{}", self.name)
    }

    /// What a new record has in the fields that no one filled in.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (&str, Value)> {
        self.fields
            .iter()
            .filter(|field| !field.default.is_null())
            .map(|field| (field.name.as_str(), field.default.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_adds_fields_and_objects() {
        let text = r#"{ "objects": {
            "Contact": { "fields": { "Badge__c": "string(20) external unique" } },
            "Invoice__c": { "fields": { "Account__c": "reference -> Account", "Paid__c": "boolean" } }
        } }"#;
        let schema = Schema::new(Some(text)).unwrap();
        assert!(schema.object("contact").unwrap().field("badge__C").unwrap().external);
        let invoice = schema.object("Invoice__c").unwrap();
        assert_eq!(invoice.relationship("Account__r").unwrap().name, "Account__c");
        let account = schema.object("Account").unwrap();
        assert!(schema.children(account).any(|child| child.name == Some("Invoices__r")), "{invoice:?}");
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_place() {
        let refused = |fields: &str| {
            Schema::new(Some(&format!(r#"{{ "objects": {{ "Contact": {{ "fields": {fields} }} }} }}"#)))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(refused(r#"{ "Badge": "string" }"#), "Contact.Badge: the name of a custom field ends in __c");
        assert_eq!(refused(r#"{ "A__c": "strong" }"#), "Contact.A__c: there is no type `strong`");
        assert_eq!(refused(r#"{ "A__c": "reference -> Nope" }"#), "Contact.A__c: there is no object Nope");
        assert_eq!(refused(r#"{ "A__c": "string swift" }"#), "Contact.A__c: there is no property `swift`");
    }
}
