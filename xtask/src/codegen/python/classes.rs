//! The classes and enumerations of the models, from the schemas and what 2.x called them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::lookup;
use super::super::model::{Discriminator, Property, SchemaKind, Schemas, TypeRef};
use super::names::attributes;
use super::sdk2::Sdk2;

/// Members that stay plain dictionaries, as in 2.x: links are looked up by their relation.
const PLAIN: &[&str] = &["_embedded", "_links"];

/// Everything that `oktant.okta.models` offers.
#[derive(Debug, Default)]
pub(crate) struct Models {
    pub classes: BTreeMap<String, Class>,
    pub enums: BTreeMap<String, Vec<String>>,
    pub aliases: BTreeMap<String, String>,
}

/// One class.
#[derive(Debug, Default)]
pub(crate) struct Class {
    /// The class it extends, or the empty string.
    pub base: String,
    /// Members that the base does not have.
    pub members: Vec<Member>,
    /// Which member tells its subclasses apart, and the class of each value.
    pub subclasses: Vec<(String, BTreeMap<String, String>)>,
    /// Members that the constructor fills in.
    pub constants: serde_json::Map<String, serde_json::Value>,
}

/// One member of a class.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Name in JSON.
    pub name: String,
    /// Attributes that stand for it.
    pub attributes: Vec<String>,
    /// What it holds.
    pub shape: Shape,
    /// Whether it is a secret, never to be shown.
    pub secret: bool,
}

/// What a value becomes in Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// What the JSON decoder makes of it, with the type for readers.
    Plain(String),
    /// An object of a class.
    Model(String),
    /// Text of an enumeration; without a name where the description spells it out in place.
    Enum(Option<String>),
    /// A list of one of these.
    List(Box<Shape>),
}

impl Shape {
    /// The code of the table: `User`, `~UserStatus`, `[User]`, empty for what stays plain.
    pub(crate) fn code(&self) -> String {
        match self {
            Self::Plain(_) => String::new(),
            Self::Model(name) => name.clone(),
            Self::Enum(name) => format!("~{}", name.as_deref().unwrap_or_default()),
            Self::List(items) => match items.code() {
                code if code.is_empty() => code,
                code => format!("[{code}]"),
            },
        }
    }

    /// The type for readers; `prefix` goes before names of classes.
    pub(crate) fn hint(&self, prefix: &str) -> String {
        match self {
            Self::Plain(hint) => hint.clone(),
            Self::Model(name) | Self::Enum(Some(name)) => format!("{prefix}{name}"),
            Self::Enum(None) => format!("{prefix}EnumText"),
            Self::List(items) => format!("list[{}]", items.hint(prefix)),
        }
    }
}

impl Models {
    /// Reads them off the schemas.
    pub(crate) fn collect(schemas: &Schemas, sdk2: &Sdk2) -> Self {
        let mut models = Self::default();
        for (name, schema) in schemas {
            match &schema.kind {
                SchemaKind::Enum(values) => {
                    models.enums.insert(name.clone(), values.clone());
                }
                SchemaKind::Object(object) => {
                    let base = object.bases.iter().find(|base| is_object(schemas, base)).cloned().unwrap_or_default();
                    let mut class = Class { members: members(schemas, &object.properties), base, ..Class::default() };
                    class.subclasses.extend(object.discriminator.as_ref().map(subclasses));
                    models.classes.insert(name.clone(), class);
                }
                SchemaKind::Union(union) if union.members.iter().all(|member| is_named_object(schemas, member)) => {
                    let mut class = Class { members: merged(schemas, &union.members), ..Class::default() };
                    class.subclasses.extend(union.discriminator.as_ref().map(subclasses));
                    models.classes.insert(name.clone(), class);
                }
                SchemaKind::Alias(target)
                    if matches!(lookup::resolve(schemas, target), TypeRef::Map(_) | TypeRef::Any) =>
                {
                    models.classes.insert(name.clone(), Class::default());
                }
                SchemaKind::Alias(TypeRef::Named(target)) => {
                    models.aliases.insert(name.clone(), target.clone());
                }
                SchemaKind::Union(_) | SchemaKind::Alias(_) => {}
            }
        }
        models.add_sdk2(sdk2);
        models.drop_inherited();
        let offered = |target: &String| models.classes.contains_key(target) || models.enums.contains_key(target);
        models.aliases.retain(|_, target| offered(target));
        models
    }

    fn add_sdk2(&mut self, sdk2: &Sdk2) {
        self.enums.extend(sdk2.enums.clone());
        self.aliases.extend(sdk2.classes.clone());
        for (name, own) in &sdk2.own {
            let members = own.members.iter().map(|member| Member {
                name: member.clone(),
                attributes: attributes(member),
                shape: Shape::Plain("Any".to_owned()),
                secret: false,
            });
            let class = Class { base: own.base.clone(), members: members.collect(), ..Class::default() };
            self.classes.insert(name.clone(), class);
        }
        for (name, kind) in &sdk2.kinds {
            if let Some(class) = self.classes.get_mut(name) {
                class.subclasses.push((kind.member.clone(), kind.classes.clone()));
            }
        }
        for (name, constants) in &sdk2.constants {
            if let Some(class) = self.classes.get_mut(name) {
                class.constants.clone_from(constants);
            }
        }
    }

    /// Leaves to the base what it has, and no attribute to two members.
    fn drop_inherited(&mut self) {
        let inherited: BTreeMap<String, BTreeMap<String, Shape>> =
            self.classes.iter().map(|(name, class)| (name.clone(), self.shapes(&class.base))).collect();
        for (name, class) in &mut self.classes {
            class.members.retain(|member| inherited[name].get(&member.name) != Some(&member.shape));
            let own: BTreeSet<String> = class.members.iter().map(|member| member.name.clone()).collect();
            let mut taken = BTreeSet::new();
            for member in &mut class.members {
                let this = member.name.clone();
                member.attributes.retain(|attribute| *attribute == this || !own.contains(attribute));
                member.attributes.retain(|attribute| taken.insert(attribute.clone()));
            }
        }
    }

    /// The members of a class and its bases.
    fn shapes(&self, name: &str) -> BTreeMap<String, Shape> {
        let Some(class) = self.classes.get(name) else { return BTreeMap::new() };
        let mut shapes = self.shapes(&class.base);
        shapes.extend(class.members.iter().map(|member| (member.name.clone(), member.shape.clone())));
        shapes
    }
}

/// What a type becomes.
pub(crate) fn shape(schemas: &Schemas, type_ref: &TypeRef) -> Shape {
    let plain = |hint: &str| Shape::Plain(hint.to_owned());
    match lookup::resolve(schemas, type_ref) {
        TypeRef::Named(name) => match schemas.get(name).map(|schema| &schema.kind) {
            Some(SchemaKind::Enum(_)) => Shape::Enum(Some(name.clone())),
            Some(SchemaKind::Object(_)) => Shape::Model(name.clone()),
            Some(SchemaKind::Union(union)) if union.members.iter().all(|member| is_named_object(schemas, member)) => {
                Shape::Model(name.clone())
            }
            _ => plain("Any"),
        },
        TypeRef::Array(items) => Shape::List(Box::new(shape(schemas, items))),
        TypeRef::Map(_) => plain("dict[str, Any]"),
        TypeRef::String(_) => plain("str"),
        TypeRef::Integer => plain("int"),
        TypeRef::Number => plain("float"),
        TypeRef::Boolean => plain("bool"),
        TypeRef::Binary => plain("bytes"),
        TypeRef::Any => plain("Any"),
    }
}

fn members(schemas: &Schemas, properties: &[Property]) -> Vec<Member> {
    properties.iter().map(|property| member(schemas, property)).collect()
}

fn member(schemas: &Schemas, property: &Property) -> Member {
    let shape = match shape(schemas, &property.schema) {
        _ if PLAIN.contains(&property.name.as_str()) => Shape::Plain("dict[str, Any]".to_owned()),
        Shape::Plain(hint) if hint == "str" && !property.values.is_empty() => Shape::Enum(None),
        Shape::List(items) if *items == Shape::Plain("str".to_owned()) && !property.values.is_empty() => {
            Shape::List(Box::new(Shape::Enum(None)))
        }
        shape => shape,
    };
    let name = property.name.clone();
    Member { attributes: attributes(&name), name, shape, secret: property.secret }
}

/// The members of all variants of a union, so that one class can hold any of them.
fn merged(schemas: &Schemas, variants: &[TypeRef]) -> Vec<Member> {
    let mut seen = BTreeSet::new();
    let properties = variants.iter().flat_map(|variant| match lookup::resolve(schemas, variant) {
        TypeRef::Named(name) => lookup::properties(schemas, name),
        _ => &[],
    });
    properties
        .filter(|property| seen.insert(property.name.as_str()))
        .map(|property| member(schemas, property))
        .collect()
}

fn is_named_object(schemas: &Schemas, type_ref: &TypeRef) -> bool {
    matches!(lookup::resolve(schemas, type_ref), TypeRef::Named(name) if is_object(schemas, name))
}

fn is_object(schemas: &Schemas, name: &str) -> bool {
    matches!(schemas.get(name).map(|schema| &schema.kind), Some(SchemaKind::Object(_)))
}

fn subclasses(discriminator: &Discriminator) -> (String, BTreeMap<String, String>) {
    (discriminator.property.clone(), discriminator.mapping.iter().cloned().collect())
}
