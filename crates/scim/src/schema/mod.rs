//! What resources look like: kinds, attributes and their characteristics.
//!
//! The tables are data ([`User`](tables), [`Group`](tables), extensions per profile); whatever is accepted,
//! returned, filtered or discovered is read off them, so that discovery never disagrees with behaviour.

mod path;
mod tables;

use std::fmt;

pub use path::Path;

use crate::profile::Profile;

/// The core User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of users; Snowflake keeps its own attributes here for Okta.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The extension in which Snowflake keeps its own attributes for every client but Okta.
pub const SNOWFLAKE_USER: &str = "urn:ietf:params:scim:schemas:extension:2.0:User";

/// What kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person or a service.
    User,
    /// A set of users.
    Group,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// The name of the resource type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The endpoint below the base URL, without slashes.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The resource type as a profile serves it.
    pub fn resource_type(self, profile: Profile) -> &'static ResourceType {
        tables::resource_type(self, profile)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind of resource and its schemas.
#[derive(Debug)]
pub struct ResourceType {
    /// Which.
    pub kind: Kind,
    /// One sentence.
    pub description: &'static str,
    /// The schema every resource has.
    pub core: &'static Schema,
    /// Schemas a resource may have.
    pub extensions: &'static [&'static Schema],
}

impl ResourceType {
    /// The extension of a URN, in any letter case.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        self.extensions.iter().copied().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// An attribute of the core schema or one that every resource has, in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.core.attribute(name).or_else(|| find(tables::COMMON, name))
    }
}

/// A named set of attributes.
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// A name for people.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// The attributes.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of a name, in any letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// An attribute and its characteristics (RFC 7643, 2.2).
#[derive(Debug, PartialEq)]
pub struct Attribute {
    /// Its name, in the letter case of the schema.
    pub name: &'static str,
    /// What its values are.
    pub data_type: DataType,
    /// Whether it holds a list.
    pub multi_valued: bool,
    /// One sentence.
    pub description: &'static str,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether text is compared by letter case.
    pub case_exact: bool,
    /// Who may write it, and when.
    pub mutability: Mutability,
    /// When an answer holds it.
    pub returned: Returned,
    /// Among which resources a value is unique.
    pub uniqueness: Uniqueness,
    /// Suggested values; others are accepted.
    pub canonical_values: &'static [&'static str],
    /// What a reference may lead to.
    pub reference_types: &'static [&'static str],
    /// The parts of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

impl Attribute {
    /// The sub-attribute of a name, in any letter case.
    pub fn sub_attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }
}

/// Types of values (RFC 7643, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// An instant with an offset.
    DateTime,
    /// Base64.
    Binary,
    /// A URI.
    Reference,
    /// An object with sub-attributes.
    Complex,
}

impl DataType {
    /// As discovery calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who may write an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// The provider alone; ignored in a body, refused in a PATCH.
    ReadOnly,
    /// Anyone.
    ReadWrite,
    /// The client when it makes the value; a value of a list may still come and go as a whole.
    Immutable,
    /// The client, who never reads it back.
    WriteOnly,
}

impl Mutability {
    /// As discovery calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

/// When an answer holds an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Whatever is asked.
    Always,
    /// Never, in no answer.
    Never,
    /// Unless left out.
    Default,
}

impl Returned {
    /// As discovery calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
        }
    }
}

/// Among which resources a value is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// None.
    None,
    /// Those of its kind at this provider.
    Server,
    /// All.
    Global,
}

impl Uniqueness {
    /// As discovery calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}
