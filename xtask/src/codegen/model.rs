//! What the generator knows about schemas and operations before it writes them down.
//!
//! The shapes mirror those of the catalogue, with owned text.

use std::collections::BTreeMap;

/// A type where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TypeRef {
    /// A schema by name.
    Named(String),
    /// An array.
    Array(Box<TypeRef>),
    /// A map from text.
    Map(Box<TypeRef>),
    /// Text with a format.
    String(String),
    /// A whole number.
    Integer,
    /// A floating-point number.
    Number,
    /// True or false.
    Boolean,
    /// Bytes.
    Binary,
    /// Any JSON.
    Any,
}

/// A schema with a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schema {
    pub inline: bool,
    pub kind: SchemaKind,
}

/// What a schema is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SchemaKind {
    Object(Object),
    Enum(Vec<String>),
    Union(Union),
    Alias(TypeRef),
}

/// An object with members.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub bases: Vec<String>,
    pub properties: Vec<Property>,
    pub additional: Additional,
    pub discriminator: Option<Discriminator>,
}

/// Members that are not declared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Additional {
    Unspecified,
    Forbidden,
    Allowed(TypeRef),
}

/// One of several types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Union {
    pub members: Vec<TypeRef>,
    pub exclusive: bool,
    pub discriminator: Option<Discriminator>,
    pub merged: bool,
}

/// The member that tells subtypes apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Discriminator {
    pub property: String,
    pub mapping: Vec<(String, String)>,
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the description, independent of the others")]
pub(crate) struct Property {
    pub name: String,
    pub schema: TypeRef,
    pub format: String,
    pub required: bool,
    pub read_only: bool,
    pub write_only: bool,
    pub secret: bool,
    pub nullable: bool,
    pub values: Vec<String>,
    pub default: Option<String>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: String,
}

/// Schemas by name.
pub(crate) type Schemas = BTreeMap<String, Schema>;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub id: String,
    /// Variant of `Api`.
    pub api: &'static str,
    /// Variant of `Method`.
    pub method: &'static str,
    pub path: String,
    pub tag: String,
    pub group: String,
    pub parameters: Vec<Parameter>,
    pub request: Option<RequestBody>,
    pub responses: Vec<Response>,
    pub scopes: Vec<String>,
    /// Variant of `Security`.
    pub security: &'static str,
    /// Variant of `Lifecycle`.
    pub lifecycle: &'static str,
    pub deprecated: bool,
    pub list: ListShape,
    pub limit: Option<Limit>,
    pub bucket: String,
    /// Whether sending it twice has the effect of sending it once.
    pub idempotent: bool,
}

/// One parameter of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub name: String,
    pub location: Location,
    pub required: bool,
    pub schema: TypeRef,
    pub values: Vec<String>,
    pub comma_separated: bool,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    Path,
    Query,
    Header,
}

/// The body an operation takes.
#[derive(Debug, Clone)]
pub(crate) struct RequestBody {
    pub required: bool,
    pub media_types: Vec<String>,
    pub schema: TypeRef,
}

/// One documented answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub status: u16,
    pub media_types: Vec<String>,
    pub schema: Option<TypeRef>,
}

/// How an answer holds a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListShape {
    None,
    Array,
    Wrapped { items: String, next_in_body: bool },
}

/// Page size of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub min: Option<u32>,
    pub default: Option<u32>,
    pub max: Option<u32>,
}

impl Operation {
    /// The type of the body on success.
    pub(crate) fn result(&self) -> Option<&TypeRef> {
        let mut success = self.responses.iter().filter(|response| (200..300).contains(&response.status));
        success.find_map(|response| response.schema.as_ref())
    }

    /// The parameters that go to one place.
    pub(crate) fn parameters_in(&self, location: Location) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.location == location)
    }
}
