//! Resources: what a client sends and what a provider keeps.

mod read;
mod render;

pub(crate) use read::{
    boolean, canonical, canonical_single, check_length, check_schemas, is_password, is_primary, member, members_of,
    object, password,
};
pub(crate) use render::time_text;

use oktant_base::{Secret, Timestamp};
use serde_json::{Map, Value};

use crate::schema::{Kind, Path};

/// Attributes of a user or a group, as a client wrote them or as they are kept.
///
/// Names are in the letter case of the schema, values of the schema's types; unknown and read-only attributes are
/// gone, and an attribute without a value is absent. Extensions stand under their URN. `id`, `meta` and `schemas` are
/// not among the attributes: [`Stored`] has the first two, the third follows from what is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    kind: Kind,
    attributes: Map<String, Value>,
    password: Option<Secret>,
    /// Members of a group.
    ///
    /// In a request `None` says that the membership is not to be touched. In an answer it says that the members were
    /// not read, since the [`Projection`](crate::Projection) does not want them or there are too many.
    pub members: Option<Vec<Member>>,
    /// Groups of a user; only ever in an answer, `None` where they were not read.
    pub groups: Option<Vec<Member>>,
}

impl Resource {
    /// A resource of attributes that this crate made once, such as those a provider kept. A password or members
    /// among them are dropped: they have places of their own.
    pub fn new(kind: Kind, mut attributes: Map<String, Value>) -> Self {
        for name in ["password", "members", "groups", "id", "meta", "schemas"] {
            attributes.shift_remove(name);
        }
        Self { kind, attributes, password: None, members: None, groups: None }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The attributes, without password, members and groups.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// Gives the attributes up.
    pub fn into_attributes(self) -> Map<String, Value> {
        self.attributes
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.attributes
    }

    /// An attribute of the core schema, by its canonical name.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }

    /// Sets an attribute of the core schema by its canonical name, or removes it.
    pub fn set_attribute(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => self.attributes.insert(name.to_owned(), value),
            None => self.attributes.shift_remove(name),
        };
    }

    /// The attributes of an extension.
    pub fn extension(&self, urn: &str) -> Option<&Map<String, Value>> {
        self.attributes.get(urn)?.as_object()
    }

    /// The single value at a path.
    pub fn value(&self, path: &Path) -> Option<&Value> {
        let attributes = match path.extension {
            Some(urn) => self.extension(urn)?,
            None => &self.attributes,
        };
        let value = attributes.get(path.attribute.name)?;
        match path.sub_attribute {
            Some(sub_attribute) => value.get(sub_attribute.name),
            None => Some(value),
        }
    }

    /// The single value at a path, to be changed.
    pub(crate) fn value_mut(&mut self, path: &Path) -> Option<&mut Value> {
        let attributes = match path.extension {
            Some(urn) => self.attributes.get_mut(urn)?.as_object_mut()?,
            None => &mut self.attributes,
        };
        let value = attributes.get_mut(path.attribute.name)?;
        match path.sub_attribute {
            Some(sub_attribute) => value.get_mut(sub_attribute.name),
            None => Some(value),
        }
    }

    /// A text of the core schema, such as `userName` or `name.givenName`.
    pub fn text(&self, canonical: &str) -> Option<&str> {
        match canonical.split_once('.') {
            Some((name, sub_name)) => self.attributes.get(name)?.get(sub_name)?.as_str(),
            None => self.attributes.get(canonical)?.as_str(),
        }
    }

    /// What it is called by: `userName` of a user, `displayName` of a group.
    pub fn name(&self) -> &str {
        let attribute = match self.kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        };
        self.text(attribute).unwrap_or_default()
    }

    /// Whether a user may sign in; as nobody said otherwise where the attribute is absent.
    pub fn active(&self) -> bool {
        self.attributes.get("active").and_then(Value::as_bool).unwrap_or(true)
    }

    /// The address of a user: the primary one, else the first.
    pub fn email(&self) -> Option<&str> {
        let emails = self.attributes.get("emails")?.as_array()?;
        let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
        primary.or_else(|| emails.first())?.get("value")?.as_str()
    }

    /// The password that the client set in this request. It is in no answer and no `Debug`.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// Sets the password or forgets it.
    pub fn set_password(&mut self, password: Option<Secret>) {
        self.password = password;
    }
}

/// A member of a group, or a group that a user belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub value: String,
    /// What it is, as far as known.
    pub kind: Option<Kind>,
    /// Its name; what a client says here is not believed.
    pub display: Option<String>,
}

impl Member {
    /// A member of whom the id is known.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), kind: None, display: None }
    }
}

/// A resource as a provider keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The id: not empty, stable, unique over all kinds, never reused, not `bulkId`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub last_modified: Timestamp,
    /// Changes with every change of the resource, a group's membership included; shown as `W/"version"`. Letters,
    /// digits and punctuation but quotes.
    pub version: String,
    /// The attributes.
    pub resource: Resource,
}
