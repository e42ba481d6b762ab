//! What is generated, and with which features.

use std::collections::{BTreeMap, BTreeSet};

use super::super::lookup;
use super::super::model::{
    Additional, Discriminator, Object, Operation, Property, Schema, SchemaKind, Schemas, TypeRef, Union,
};
use super::names;
use super::types::{Types, common_name, has_subtypes};

/// One Rust type.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its Rust name.
    pub name: String,
    /// The schema, or the schema and member that it is the type of.
    pub schema: String,
    pub kind: ItemKind,
    /// Rust types that it mentions.
    pub needs: BTreeSet<String>,
    /// Tag groups whose operations reach it.
    pub groups: BTreeSet<String>,
}

/// What a Rust type is made of.
#[derive(Debug)]
pub(crate) enum ItemKind {
    Object { bases: Vec<String>, extensible: bool, members: Vec<Member>, tags: Vec<Tag> },
    Choice { values: Vec<(String, String)> },
    Union { property: String, common: Option<String>, arms: Vec<Arm>, shared: Vec<Member> },
}

/// A member by which unions tell an object from others: its name and its value there.
pub(crate) type Tag = (String, String);

/// One member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// Identifier of the field.
    pub field: String,
    /// Name in JSON.
    pub json: String,
    /// Type inside `Field`.
    pub rust: String,
    /// Flags: `required`, `read_only`, `write_only`, `secret`, `nullable`.
    pub flags: Vec<&'static str>,
}

/// One arm of a union.
#[derive(Debug)]
pub(crate) struct Arm {
    /// Name of the variant.
    pub variant: String,
    /// What it holds.
    pub rust: String,
    /// Values of the discriminator that stand for it.
    pub values: Vec<String>,
}

/// Every Rust type, by name.
pub(crate) fn items(types: &Types<'_>, schemas: &Schemas, operations: &[Operation]) -> BTreeMap<String, Item> {
    let mut items = BTreeMap::new();
    let mut builder = Builder { types, schemas, items: &mut items };
    for (schema, definition) in schemas {
        builder.schema(schema, &definition.kind);
    }
    tag(&mut items);
    reach(types, operations, &mut items);
    items
}

/// Notes for every object the members that tell it apart in the unions it is a form of, where they agree on one
/// value. What a union falls back to has none: it stands for values that are not listed, too.
fn tag(items: &mut BTreeMap<String, Item>) {
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for item in items.values() {
        let ItemKind::Union { property, common, arms, .. } = &item.kind else { continue };
        let forms = arms.iter().filter(|arm| !arm.values.is_empty());
        for arm in forms {
            let target = innermost(&arm.rust);
            if common.as_ref() != Some(&target) && arm.rust == format!("Box<{target}>") {
                let values = found.entry(target).or_default().entry(property.clone()).or_default();
                values.extend(arm.values.iter().cloned());
            }
        }
    }
    for (name, properties) in found {
        if let Some(Item { kind: ItemKind::Object { tags, .. }, .. }) = items.get_mut(&name) {
            let single = properties.into_iter().filter(|(_, values)| values.len() == 1);
            tags.extend(
                single.flat_map(|(property, values)| values.into_iter().map(move |value| (property.clone(), value))),
            );
        }
    }
}

struct Builder<'a, 'b> {
    types: &'b Types<'a>,
    schemas: &'a Schemas,
    items: &'b mut BTreeMap<String, Item>,
}

impl<'a> Builder<'a, '_> {
    fn schema(&mut self, schema: &'a str, kind: &'a SchemaKind) {
        let Some(name) = self.types.name_of(schema).map(str::to_owned) else { return };
        match kind {
            SchemaKind::Alias(_) => {}
            SchemaKind::Enum(values) => self.add(name, schema, choice(values)),
            SchemaKind::Union(union) if union.merged => self.merged(name, schema, union),
            SchemaKind::Union(union) => self.union(name, schema, union),
            SchemaKind::Object(object) => {
                let members = self.members(schema, object);
                for property in &object.properties {
                    if let Some(choice_name) = self.types.own_choice(schema, &property.name) {
                        self.add(
                            choice_name.to_owned(),
                            &format!("{schema}.{}", property.name),
                            choice(&property.values),
                        );
                    }
                }
                let extensible = matches!(object.additional, Additional::Allowed(_));
                let bases = object.bases.clone();
                let shape = |members| ItemKind::Object { bases, extensible, members, tags: Vec::new() };
                if let (Some(discriminator), true) = (&object.discriminator, has_subtypes(kind)) {
                    self.base(name.clone(), schema, discriminator, &members);
                    self.add(common_name(&name), schema, shape(members));
                } else {
                    self.add(name, schema, shape(members));
                }
            }
        }
    }

    fn members(&self, schema: &'a str, object: &'a Object) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        for property in &object.properties {
            let mut field = names::member_name(&property.name);
            while members.iter().any(|member| member.field == field) {
                field = format!("{}_", field.trim_start_matches("r#"));
            }
            let rust = self.types.property_type(schema, object, property);
            members.push(Member { field, json: property.name.clone(), rust, flags: flags(property) });
        }
        members
    }

    /// The enum of a base and its subtypes.
    fn base(&mut self, name: String, schema: &str, discriminator: &Discriminator, members: &[Member]) {
        let common = common_name(&name);
        let mut arms: Vec<Arm> = Vec::new();
        for (value, target) in &discriminator.mapping {
            let Some(target_name) = self.types.name_of(target) else { continue };
            let (variant, target_name) = if target == schema {
                (names::variant_name(value), common.as_str())
            } else {
                (target_name.to_owned(), target_name)
            };
            let rust = format!("Box<{target_name}>");
            match arms.iter_mut().find(|arm| arm.rust == rust) {
                Some(arm) => arm.values.push(value.clone()),
                None => arms.push(Arm { variant, rust, values: vec![value.clone()] }),
            }
        }
        shorten(&mut arms, &name);
        // The base itself may stand for a value that a subtype is called after.
        for index in 1..arms.len() {
            if arms[..index].iter().any(|arm| arm.variant == arms[index].variant) {
                arms[index].variant.push_str("Base");
            }
        }
        let shared = self.shared(discriminator, members);
        let kind = ItemKind::Union { property: discriminator.property.clone(), common: Some(common), arms, shared };
        self.add(name, schema, kind);
    }

    /// The members of a base that all its subtypes have with the same type, so that the enum can give them.
    fn shared(&self, discriminator: &Discriminator, members: &[Member]) -> Vec<Member> {
        let targets = discriminator.mapping.iter().map(|(_, target)| target.as_str());
        let subtypes: Vec<_> = targets
            .map(|target| {
                let (target, definition) = self.schemas.get_key_value(target)?;
                match &definition.kind {
                    SchemaKind::Object(object) => Some((self.members(target, object), has_subtypes(&definition.kind))),
                    _ => None,
                }
            })
            .collect();
        let is_shared = |member: &&Member| {
            subtypes.iter().all(|subtype| {
                let Some((members, _)) = subtype else { return false };
                members.iter().any(|known| known.field == member.field && known.rust == member.rust)
            })
        };
        members.iter().filter(is_shared).cloned().collect()
    }

    fn union(&mut self, name: String, schema: &str, union: &Union) {
        let mut arms = Vec::new();
        for member in &union.members {
            let rust = self.types.nested_type_of(member);
            if arms.iter().any(|arm: &Arm| arm.rust == rust) {
                continue;
            }
            let variant = arm_name(lookup::resolve(self.schemas, member), self.types);
            let named = |target: &str| self.types.name_of(target) == Some(variant.as_str());
            let mapping = union.discriminator.iter().flat_map(|discriminator| &discriminator.mapping);
            let values = mapping.filter(|(_, target)| named(target)).map(|(value, _)| value.clone()).collect();
            arms.push(Arm { variant, rust, values });
        }
        shorten(&mut arms, &name);
        let property = union.discriminator.as_ref().map(|known| known.property.clone()).unwrap_or_default();
        self.add(name, schema, ItemKind::Union { property, common: None, arms, shared: Vec::new() });
    }

    /// One struct for all forms. A member is required if every form requires it, and any JSON if they
    /// disagree about its type.
    fn merged(&mut self, name: String, schema: &str, union: &'a Union) {
        let mut members: Vec<Member> = Vec::new();
        let forms: Vec<_> = union.members.iter().filter_map(|form| self.object(form)).collect();
        for (form, object) in &forms {
            for member in self.members(form, object) {
                match members.iter_mut().find(|known| known.json == member.json) {
                    Some(known) if known.rust != member.rust => "Json".clone_into(&mut known.rust),
                    Some(_) => {}
                    None => members.push(member),
                }
            }
        }
        for member in &mut members {
            let is_required = |(_, object): &(&str, &Object)| {
                object.properties.iter().any(|property| property.name == member.json && property.required)
            };
            let by_all = forms.iter().all(is_required);
            member.flags.retain(|flag| by_all || *flag != "required");
        }
        let bases = forms.iter().map(|(form, _)| (*form).to_owned()).collect();
        self.add(name, schema, ItemKind::Object { bases, extensible: true, members, tags: Vec::new() });
    }

    /// The object that a type refers to.
    fn object(&self, schema: &'a TypeRef) -> Option<(&'a str, &'a Object)> {
        let TypeRef::Named(name) = lookup::resolve(self.schemas, schema) else { return None };
        match self.schemas.get_key_value(name) {
            Some((name, Schema { kind: SchemaKind::Object(object), .. })) => Some((name, object)),
            _ => None,
        }
    }

    fn add(&mut self, name: String, schema: &str, kind: ItemKind) {
        let needs = match &kind {
            ItemKind::Choice { .. } => BTreeSet::new(),
            ItemKind::Object { members, .. } => members.iter().map(|member| innermost(&member.rust)).collect(),
            ItemKind::Union { arms, common, .. } => {
                arms.iter().map(|arm| innermost(&arm.rust)).chain(common.clone()).collect()
            }
        };
        let item = Item { name: name.clone(), schema: schema.to_owned(), kind, needs, groups: BTreeSet::new() };
        self.items.insert(name, item);
    }
}

/// The name of a type inside `Box`, `List` and `Map`.
pub(crate) fn innermost(rust: &str) -> String {
    let inner = rust.rsplit('<').next().unwrap_or(rust);
    inner.trim_end_matches('>').to_owned()
}

fn choice(values: &[String]) -> ItemKind {
    let mut variants: Vec<(String, String)> = Vec::new();
    for value in values {
        let mut variant = names::variant_name(value);
        while variants.iter().any(|(known, _)| *known == variant) {
            variant.push_str("Value");
        }
        variants.push((variant, value.clone()));
    }
    ItemKind::Choice { values: variants }
}

fn flags(property: &Property) -> Vec<&'static str> {
    [
        (property.required, "required"),
        (property.read_only, "read_only"),
        (property.write_only, "write_only"),
        (property.secret, "secret"),
        (property.nullable, "nullable"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

fn arm_name(member: &TypeRef, types: &Types<'_>) -> String {
    match member {
        TypeRef::Named(name) => types.name_of(name).unwrap_or("Json").to_owned(),
        TypeRef::Array(_) => "List".to_owned(),
        TypeRef::Map(_) => "Map".to_owned(),
        TypeRef::String(format) if format == "date-time" => "Timestamp".to_owned(),
        TypeRef::String(_) | TypeRef::Binary => "Text".to_owned(),
        TypeRef::Integer => "Integer".to_owned(),
        TypeRef::Number => "Number".to_owned(),
        TypeRef::Boolean => "Boolean".to_owned(),
        TypeRef::Any => "Json".to_owned(),
    }
}

/// Takes off what the names of all arms share with the union's name or with each other:
/// `SamlApplication` of `Application` is `Saml`, `StandardRole` beside `CustomRole` is `Standard`.
fn shorten(arms: &mut [Arm], union: &str) {
    let names: Vec<&str> = arms.iter().map(|arm| arm.variant.as_str()).collect();
    let starts_word = |rest: &str| rest.starts_with(|first: char| first.is_ascii_uppercase());
    let without_union = |name: &&str| {
        let rest = name.strip_prefix(union).or_else(|| name.strip_suffix(union)).filter(|rest| starts_word(rest));
        names::spoken(rest.unwrap_or(name))
    };
    let (start, end) = (common_start(&names), common_end(&names));
    let by_union: Vec<String> = names.iter().map(without_union).collect();
    let by_affixes: Vec<String> =
        names.iter().map(|name| names::spoken(name.get(start..name.len() - end).unwrap_or_default())).collect();
    let is_sound = |short: &Vec<String>| {
        let distinct: BTreeSet<&String> = short.iter().collect();
        distinct.len() == short.len() && short.iter().all(|name| starts_word(name) && name != "Other")
    };
    let mut candidates = [by_union, by_affixes];
    candidates.sort_by_key(|short| short.iter().map(String::len).sum::<usize>());
    if let Some(short) = candidates.into_iter().find(is_sound) {
        for (arm, name) in arms.iter_mut().zip(short) {
            arm.variant = name;
        }
    }
}

/// How many bytes all names start with alike, in whole words.
fn common_start(names: &[&str]) -> usize {
    let Some((first, rest)) = names.split_first().filter(|(_, rest)| !rest.is_empty()) else { return 0 };
    let alike = |len: &usize| {
        let is_word = |name: &str| name[*len..].starts_with(|next: char| next.is_ascii_uppercase());
        is_word(first) && rest.iter().all(|name| name.get(..*len) == first.get(..*len) && is_word(name))
    };
    (1..first.len()).rev().find(alike).unwrap_or_default()
}

/// How many bytes all names end with alike, in whole words.
fn common_end(names: &[&str]) -> usize {
    let Some((first, rest)) = names.split_first().filter(|(_, rest)| !rest.is_empty()) else { return 0 };
    let alike = |len: &usize| {
        let end = &first[first.len() - len..];
        let is_word = end.starts_with(|next: char| next.is_ascii_uppercase())
            && end[1..].starts_with(|next: char| next.is_ascii_lowercase());
        is_word && rest.iter().all(|name| name.len() > *len && name.ends_with(end))
    };
    (1..first.len()).rev().find(alike).unwrap_or_default()
}

/// Notes for every type the groups whose operations reach it.
fn reach(types: &Types<'_>, operations: &[Operation], items: &mut BTreeMap<String, Item>) {
    let mut roots: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for operation in operations {
        let parameters = operation.parameters.iter().map(|parameter| &parameter.schema);
        let request = operation.request.iter().map(|body| &body.schema);
        let answers = operation.responses.iter().filter_map(|response| response.schema.as_ref());
        let mentioned = parameters.chain(request).chain(answers).map(|schema| innermost(&types.type_of(schema)));
        roots.entry(&operation.group).or_default().extend(mentioned);
    }
    for (group, roots) in roots {
        let mut open: Vec<String> = roots.into_iter().collect();
        while let Some(name) = open.pop() {
            if let Some(item) = items.get_mut(&name)
                && item.groups.insert(group.to_owned())
            {
                open.extend(item.needs.iter().cloned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arm, shorten};

    #[test]
    fn arms_take_the_shortest_names_that_tell_them_apart() {
        for (union, names, expected) in [
            ("Application", vec!["SamlApplication", "BookmarkApplication"], vec!["Saml", "Bookmark"]),
            ("UserFactor", vec!["UserFactorSMS", "UserFactorWebAuthn"], vec!["Sms", "WebAuthn"]),
            ("ListRolesItem", vec!["StandardRole", "CustomRole"], vec!["Standard", "Custom"]),
            ("Key", vec!["OAuth2JsonWebKeyRsaResponse", "OAuth2JsonWebKeyECResponse"], vec!["Rsa", "Ec"]),
            (
                "Policy",
                vec!["AccessPolicy", "AuthenticatorEnrollmentPolicy"],
                vec!["Access", "AuthenticatorEnrollment"],
            ),
            ("Audience", vec!["Text", "List"], vec!["Text", "List"]),
        ] {
            let arm = |name: &&str| Arm { variant: (*name).to_owned(), rust: String::new(), values: Vec::new() };
            let mut arms: Vec<Arm> = names.iter().map(arm).collect();
            shorten(&mut arms, union);
            let short: Vec<&str> = arms.iter().map(|arm| arm.variant.as_str()).collect();
            assert_eq!(short, expected);
        }
    }
}
