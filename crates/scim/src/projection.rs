//! `attributes` and `excludedAttributes`.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::profile::Profile;
use crate::schema::{Path, ResourceType, Returned};

/// What of a resource the answer shows.
///
/// Answers are cut to it in this crate; a provider looks at it to avoid reading what nobody will see:
/// [`Self::wants`] `"members"` of a group, `"groups"` of a user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Projection {
    selection: Selection,
    members_max: Option<usize>,
}

#[derive(Debug, Clone, Default, PartialEq)]
enum Selection {
    /// What is returned by default.
    #[default]
    Default,
    /// These and what is always returned.
    Only(Vec<Named>),
    /// The default but these.
    Except(Vec<Named>),
}

/// A name in `attributes` or `excludedAttributes`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Named {
    Attribute(Path),
    /// A whole extension.
    Extension(&'static str),
}

impl Named {
    /// Whether this is a core attribute or a part of it.
    fn is_of(&self, name: &str) -> bool {
        matches!(self, Self::Attribute(path) if path.extension.is_none() && path.attribute.name == name)
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Attribute(Path { sub_attribute: None, .. }) | Self::Extension(_))
    }
}

impl Projection {
    /// Reads the two parameters: names separated by commas, unknown ones ignored, an empty list as none.
    ///
    /// Under [`Profile::Snowflake`] `excludedAttributes` leaves out `groups` of users and `members` of groups, nothing else.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` where both are given, about which the standard is silent; Snowflake heeds the second.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.9; Snowflake behaviour change 2276.
    pub fn parse(
        attributes: Option<&str>,
        excluded: Option<&str>,
        resource_type: &ResourceType,
        profile: Profile,
    ) -> Result<Self, Error> {
        let given =
            |names: Option<&str>| names.is_some_and(|names| names.split(',').any(|name| !name.trim().is_empty()));
        let selection = match (given(attributes), given(excluded)) {
            (false, false) => Selection::Default,
            (true, true) if !profile.is_snowflake() => {
                return Err(Error::invalid_value("attributes and excludedAttributes exclude each other"));
            }
            (true, false) => Selection::Only(named(attributes, resource_type)),
            (_, true) => {
                let mut names = named(excluded, resource_type);
                if profile.is_snowflake() {
                    names.retain(|name| name.is_of("groups") || name.is_of("members"));
                }
                Selection::Except(names)
            }
        };
        Ok(Self { selection, members_max: None })
    }

    /// Lets groups of more than `members_max` members come without them.
    #[must_use]
    pub fn with_members_max(self, members_max: usize) -> Self {
        Self { members_max: Some(members_max), ..self }
    }

    /// Whether this is what is returned by default.
    pub fn is_default(&self) -> bool {
        self.selection == Selection::Default
    }

    /// Whether the answer shows any part of a core attribute, by its canonical name.
    pub fn wants(&self, name: &str) -> bool {
        match &self.selection {
            Selection::Default => true,
            Selection::Only(names) => names.iter().any(|named| named.is_of(name)),
            Selection::Except(names) => !names.iter().any(|named| named.is_of(name) && named.is_whole()),
        }
    }

    /// A group that has more members than this may come without any (`members` of the
    /// [`Resource`](crate::Resource) is `None`), so that a change of a large group does not read it. `None`: members
    /// belong into the answer however many.
    pub fn members_max(&self) -> Option<usize> {
        self.members_max
    }

    /// Cuts a resource, as [`Stored::to_json`](crate::Stored::to_json) gives it, to what the answer shows.
    pub(crate) fn cut(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        match &self.selection {
            Selection::Default => body,
            Selection::Except(names) => {
                names.iter().for_each(|named| remove(&mut body, *named));
                body
            }
            Selection::Only(names) => {
                let mut kept = Map::new();
                for name in ["schemas", "id"] {
                    kept.extend(body.get(name).map(|value| (name.to_owned(), value.clone())));
                }
                names.iter().for_each(|named| keep(&mut kept, &body, *named));
                kept
            }
        }
    }
}

fn named(names: Option<&str>, resource_type: &ResourceType) -> Vec<Named> {
    let names = names.unwrap_or_default().split(',').map(str::trim);
    names
        .filter_map(|name| match resource_type.extension(name) {
            Some(schema) => Some(Named::Extension(schema.id)),
            None => Path::resolve(name, resource_type).map(Named::Attribute),
        })
        .collect()
}

fn remove(body: &mut Map<String, Value>, named: Named) {
    let path = match named {
        Named::Extension(urn) => {
            body.shift_remove(urn);
            return;
        }
        Named::Attribute(path) if path.attribute.returned == Returned::Always => return,
        Named::Attribute(path) => path,
    };
    let Some(urn) = path.extension else { return remove_at(body, &path) };
    if let Some(Value::Object(attributes)) = body.get_mut(urn) {
        remove_at(attributes, &path);
        if attributes.is_empty() {
            body.shift_remove(urn);
        }
    }
}

fn remove_at(attributes: &mut Map<String, Value>, path: &Path) {
    let name = path.attribute.name;
    let Some(part) = path.sub_attribute else {
        attributes.shift_remove(name);
        return;
    };
    match attributes.get_mut(name) {
        Some(Value::Array(values)) => values.iter_mut().for_each(|value| remove_part(value, part.name)),
        Some(value) => remove_part(value, part.name),
        None => {}
    }
}

fn remove_part(value: &mut Value, name: &str) {
    if let Value::Object(parts) = value {
        parts.shift_remove(name);
    }
}

/// Copies what a name means from `body`, beside what is kept already.
fn keep(kept: &mut Map<String, Value>, body: &Map<String, Value>, named: Named) {
    let path = match named {
        Named::Extension(urn) => {
            kept.extend(body.get(urn).map(|value| (urn.to_owned(), value.clone())));
            return;
        }
        Named::Attribute(path) => path,
    };
    let Some(urn) = path.extension else { return keep_at(kept, body, &path) };
    if let Some(Value::Object(attributes)) = body.get(urn) {
        let into = kept.entry(urn).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(into) = into {
            keep_at(into, attributes, &path);
        }
        if into == &Value::Object(Map::new()) {
            kept.shift_remove(urn);
        }
    }
}

fn keep_at(kept: &mut Map<String, Value>, attributes: &Map<String, Value>, path: &Path) {
    let name = path.attribute.name;
    let Some(value) = attributes.get(name) else { return };
    let Some(part) = path.sub_attribute else {
        kept.insert(name.to_owned(), value.clone());
        return;
    };
    let reduced = match value {
        Value::Array(values) => Value::Array(values.iter().map(|value| reduced(value, part.name)).collect()),
        single => reduced(single, part.name),
    };
    match kept.get_mut(name) {
        Some(before) => merge(before, reduced),
        None => kept.extend([(name.to_owned(), reduced)]),
    }
}

fn reduced(value: &Value, part: &str) -> Value {
    let part = value.as_object().and_then(|parts| parts.get_key_value(part));
    Value::Object(part.map(|(name, value)| (name.clone(), value.clone())).into_iter().collect())
}

/// Joins parts of the same value, or of the same values in the same order.
fn merge(before: &mut Value, more: Value) {
    match (before, more) {
        (Value::Array(before), Value::Array(more)) => {
            before.iter_mut().zip(more).for_each(|(before, more)| merge(before, more));
        }
        (Value::Object(before), Value::Object(more)) => before.extend(more),
        _ => {}
    }
}
