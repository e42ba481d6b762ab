//! Turns the schemas of a description into facts: bases flattened, inline objects given names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Error;
use super::description::{self, Description, array, enumeration, flag, schema_reference, text};
use super::model::{Additional, Discriminator, Object, Property, Schema, SchemaKind, Schemas, TypeRef, Union};
use super::names::pascal_case;

/// Collects the schemas of one description into a set that several descriptions share.
#[derive(Debug)]
pub(crate) struct Collector<'a> {
    description: &'a Description,
    schemas: &'a mut Schemas,
    taken: BTreeSet<String>,
    open: Vec<String>,
}

/// A schema node taken apart: what it refers to, and its inline parts (itself and those of `allOf`).
#[derive(Default)]
struct Parts<'a> {
    references: Vec<&'a str>,
    inline: Vec<&'a Value>,
}

impl<'a> Collector<'a> {
    /// Collects every component schema of a description.
    pub(crate) fn collect(description: &'a Description, schemas: &'a mut Schemas) -> Result<Self, Error> {
        let taken = description.schemas().map(|(name, _)| description.catalogue_name(name).to_owned());
        let taken = taken.chain(schemas.keys().cloned()).collect();
        let mut collector = Self { description, schemas, taken, open: Vec::new() };
        for (name, _) in description.schemas() {
            collector.component(name)?;
        }
        Ok(collector)
    }

    /// The type of a node where it is used. An inline object or union becomes a schema called `name`.
    pub(crate) fn type_of(&mut self, node: &'a Value, name: &str) -> Result<TypeRef, Error> {
        let parts = Parts::of(node);
        if let ([reference], false) = (parts.references.as_slice(), parts.has_members()) {
            return Ok(TypeRef::Named(self.description.catalogue_name(reference).to_owned()));
        }
        if !parts.references.is_empty() || parts.has_members() || parts.union().is_some() {
            return self.hoist(&parts, name);
        }
        self.plain_type(&parts, name)
    }

    /// Collects a component by the name of the file.
    fn component(&mut self, name: &'a str) -> Result<(), Error> {
        let catalogue_name = self.description.catalogue_name(name).to_owned();
        if self.schemas.contains_key(&catalogue_name) {
            return Ok(());
        }
        if self.open.contains(&catalogue_name) {
            return Err(Error::description(catalogue_name, "the schema extends itself"));
        }
        let node = self.description.schema(name);
        let node = node.ok_or_else(|| Error::description(name, "no such schema"))?;
        self.open.push(catalogue_name.clone());
        let kind = self.component_kind(node, &catalogue_name)?;
        self.open.pop();
        self.schemas.insert(catalogue_name, Schema { inline: false, kind });
        Ok(())
    }

    fn component_kind(&mut self, node: &'a Value, name: &str) -> Result<SchemaKind, Error> {
        let parts = Parts::of(node);
        if let ([reference], false) = (parts.references.as_slice(), parts.has_members()) {
            self.component(reference)?;
            let target = self.description.catalogue_name(reference);
            if !matches!(self.schemas.get(target), Some(Schema { kind: SchemaKind::Object(_), .. })) {
                return Ok(SchemaKind::Alias(TypeRef::Named(target.to_owned())));
            }
        }
        let is_object = !parts.references.is_empty() || parts.has_members() || parts.forbids_members();
        if is_object || parts.union().is_some() {
            return self.structure(&parts, name);
        }
        let values = parts.enumeration();
        if !values.is_empty() && matches!(parts.type_name(), "string" | "") {
            return Ok(SchemaKind::Enum(values));
        }
        Ok(SchemaKind::Alias(self.plain_type(&parts, name)?))
    }

    fn hoist(&mut self, parts: &Parts<'a>, name: &str) -> Result<TypeRef, Error> {
        let name = self.free_name(name);
        let kind = self.structure(parts, &name)?;
        self.schemas.insert(name.clone(), Schema { inline: true, kind });
        Ok(TypeRef::Named(name))
    }

    fn free_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}{count}");
        }
        name
    }

    /// An object or a union.
    fn structure(&mut self, parts: &Parts<'a>, name: &str) -> Result<SchemaKind, Error> {
        if let (Some((members, exclusive)), false) = (parts.union(), parts.has_members()) {
            let members = members
                .iter()
                .enumerate()
                .map(|(index, member)| self.type_of(member, &format!("{name}Variant{}", index + 1)))
                .collect::<Result<_, _>>()?;
            let discriminator = self.discriminator(parts);
            return Ok(SchemaKind::Union(Union { members, exclusive, discriminator, merged: false }));
        }
        self.object(parts, name).map(SchemaKind::Object)
    }

    fn object(&mut self, parts: &Parts<'a>, name: &str) -> Result<Object, Error> {
        let mut properties = Vec::new();
        let mut bases = Vec::new();
        for reference in &parts.references {
            self.component(reference)?;
            let base = self.description.catalogue_name(reference);
            for property in self.members_of(base) {
                add_property(&mut properties, property);
            }
            bases.push(base.to_owned());
        }
        for (member, node) in parts.members() {
            let property = self.property(member, node, name)?;
            add_property(&mut properties, property);
        }
        let required = parts.required();
        for property in &mut properties {
            property.required |= required.contains(property.name.as_str());
        }
        let additional = self.additional(parts, name)?;
        Ok(Object { bases, properties, additional, discriminator: self.discriminator(parts) })
    }

    /// The members of a schema that was collected already, through aliases.
    fn members_of(&self, name: &str) -> Vec<Property> {
        match self.schemas.get(name).map(|schema| &schema.kind) {
            Some(SchemaKind::Object(object)) => object.properties.clone(),
            Some(SchemaKind::Alias(TypeRef::Named(target))) => self.members_of(target),
            _ => Vec::new(),
        }
    }

    fn property(&mut self, name: &str, node: &'a Value, parent: &str) -> Result<Property, Error> {
        let schema = self.type_of(node, &format!("{parent}{}", pascal_case(name)))?;
        let parts = self.with_targets(node)?;
        let own = Parts::of(node);
        let number = |member| parts.first(member).and_then(Value::as_f64);
        let count = |member| parts.first(member).and_then(Value::as_u64);
        Ok(Property {
            name: name.to_owned(),
            schema,
            format: parts.text("format").to_owned(),
            required: false,
            read_only: parts.flag("readOnly"),
            write_only: parts.flag("writeOnly"),
            secret: false,
            nullable: parts.flag("nullable"),
            values: own.enumeration_or_of_items(),
            default: own.first("default").map(Value::to_string),
            minimum: number("minimum"),
            maximum: number("maximum"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern: parts.text("pattern").to_owned(),
        })
    }

    /// The parts of a node and of the schemas it refers to: a flag such as `readOnly` may stand in either.
    fn with_targets(&self, node: &'a Value) -> Result<Parts<'a>, Error> {
        let mut parts = Parts::of(node);
        if let [reference] = parts.references.as_slice() {
            let target = self.description.schema(reference);
            let target = target.ok_or_else(|| Error::description(*reference, "no such schema"))?;
            let target = self.with_targets(target)?;
            parts.inline.extend(target.inline);
        }
        Ok(parts)
    }

    fn additional(&mut self, parts: &Parts<'a>, name: &str) -> Result<Additional, Error> {
        match parts.first("additionalProperties") {
            None => Ok(Additional::Unspecified),
            Some(Value::Bool(false)) => Ok(Additional::Forbidden),
            Some(Value::Bool(true)) => Ok(Additional::Allowed(TypeRef::Any)),
            Some(node) => Ok(Additional::Allowed(self.map_value(node, name)?)),
        }
    }

    fn discriminator(&self, parts: &Parts<'a>) -> Option<Discriminator> {
        let node = parts.first("discriminator")?;
        let mapping = node.get("mapping").and_then(Value::as_object);
        let mapping = mapping.into_iter().flatten().filter_map(|(value, target)| {
            let target = target.as_str()?;
            let target = description::schema_name(target).unwrap_or(target);
            Some((value.clone(), self.description.catalogue_name(target).to_owned()))
        });
        Some(Discriminator { property: text(node, "propertyName").to_owned(), mapping: mapping.collect() })
    }

    /// A type that needs no name.
    fn plain_type(&mut self, parts: &Parts<'a>, name: &str) -> Result<TypeRef, Error> {
        Ok(match parts.type_name() {
            "array" => {
                let items = parts.first("items");
                let items = items.map(|items| self.type_of(items, &format!("{name}Item"))).transpose()?;
                TypeRef::Array(Box::new(items.unwrap_or(TypeRef::Any)))
            }
            "object" => match parts.first("additionalProperties") {
                Some(node) if node.is_object() => TypeRef::Map(Box::new(self.map_value(node, name)?)),
                _ => TypeRef::Map(Box::new(TypeRef::Any)),
            },
            "string" if parts.text("format") == "binary" => TypeRef::Binary,
            "string" => TypeRef::String(parts.text("format").to_owned()),
            "integer" => TypeRef::Integer,
            "number" => TypeRef::Number,
            "boolean" => TypeRef::Boolean,
            "" if !parts.enumeration().is_empty() => TypeRef::String(String::new()),
            "" => TypeRef::Any,
            other => return Err(Error::description(name, format!("unknown type {other}"))),
        })
    }

    /// The type of a map's values. The description writes `type: object` for any JSON there.
    fn map_value(&mut self, node: &'a Value, name: &str) -> Result<TypeRef, Error> {
        let value = self.type_of(node, &format!("{name}Value"))?;
        Ok(if value == TypeRef::Map(Box::new(TypeRef::Any)) { TypeRef::Any } else { value })
    }
}

/// Adds a member; one that a base declares is replaced in its place and stays required.
fn add_property(properties: &mut Vec<Property>, mut property: Property) {
    match properties.iter_mut().find(|known| known.name == property.name) {
        Some(known) => {
            property.required |= known.required;
            *known = property;
        }
        None => properties.push(property),
    }
}

impl<'a> Parts<'a> {
    fn of(node: &'a Value) -> Self {
        let mut parts = Self::default();
        parts.add(node);
        parts
    }

    fn add(&mut self, node: &'a Value) {
        // What stands beside a reference is prose and flags; it counts, but adds no members.
        self.references.extend(schema_reference(node));
        self.inline.push(node);
        for part in array(node, "allOf") {
            self.add(part);
        }
    }

    fn first(&self, member: &str) -> Option<&'a Value> {
        self.inline.iter().find_map(|part| part.get(member))
    }

    fn text(&self, member: &str) -> &'a str {
        self.first(member).and_then(Value::as_str).unwrap_or_default()
    }

    fn flag(&self, member: &str) -> bool {
        self.inline.iter().any(|part| flag(part, member))
    }

    fn type_name(&self) -> &'a str {
        self.text("type")
    }

    fn members(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let objects = self.inline.iter().filter_map(|part| part.get("properties").and_then(Value::as_object));
        objects.flatten().map(|(name, node)| (name.as_str(), node))
    }

    fn has_members(&self) -> bool {
        self.members().next().is_some()
    }

    fn forbids_members(&self) -> bool {
        self.first("additionalProperties") == Some(&Value::Bool(false))
    }

    fn required(&self) -> BTreeSet<&'a str> {
        self.inline.iter().flat_map(|part| array(part, "required")).filter_map(Value::as_str).collect()
    }

    /// The members of a union, and whether exactly one of them applies.
    fn union(&self) -> Option<(&'a [Value], bool)> {
        let members = |keyword| self.inline.iter().map(|part| array(part, keyword)).find(|members| !members.is_empty());
        members("oneOf").map(|members| (members, true)).or_else(|| members("anyOf").map(|members| (members, false)))
    }

    fn enumeration(&self) -> Vec<String> {
        self.inline.iter().map(|part| enumeration(part)).find(|values| !values.is_empty()).unwrap_or_default()
    }

    fn enumeration_or_of_items(&self) -> Vec<String> {
        let values = self.enumeration();
        match self.first("items") {
            Some(items) if values.is_empty() => enumeration(items),
            _ => values,
        }
    }
}
