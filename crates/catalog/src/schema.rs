//! Schemas: the objects, enumerations and unions that travel in bodies.

use crate::TypeRef;

/// One schema: a component of the description, or an inline object hoisted out of one.
#[derive(Debug)]
pub struct Schema {
    /// Its name: as in the description, or the parent's name with the member's (`UserCredentials` +
    /// `recovery` becomes `UserCredentialsRecovery`). Names of the OAuth description that mean
    /// something else in the management description start with `OAuth`.
    pub name: &'static str,
    /// Whether it is an inline object that was given a name here.
    pub inline: bool,
    /// What it is.
    pub kind: SchemaKind,
}

/// What a schema is.
#[derive(Debug)]
pub enum SchemaKind {
    /// An object.
    Object(Object),
    /// Text out of a list. The list is open: the org may send values that are not in it.
    Enum(&'static [&'static str]),
    /// One of several types.
    Union(Union),
    /// Another name for a type.
    Alias(TypeRef),
}

/// An object with members.
#[derive(Debug)]
pub struct Object {
    /// Schemas it extends (`allOf`), in order.
    pub bases: &'static [&'static str],
    /// All members, those of the bases first.
    pub properties: &'static [Property],
    /// What members besides the declared ones may hold.
    pub additional: Additional,
    /// How to tell subtypes apart, if it is a base of some.
    pub discriminator: Option<Discriminator>,
}

/// Members that are not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Additional {
    /// The description does not say; the org may still send some.
    Unspecified,
    /// The description forbids them.
    Forbidden,
    /// Allowed, of this type.
    Allowed(TypeRef),
}

/// One of several types.
#[derive(Debug)]
pub struct Union {
    /// The types.
    pub members: &'static [TypeRef],
    /// Whether exactly one applies (`oneOf`) rather than at least one (`anyOf`).
    pub exclusive: bool,
    /// How to tell them apart, if anything does.
    pub discriminator: Option<Discriminator>,
    /// Whether they are better taken as one object with the members of all, since nothing inside tells
    /// them apart.
    pub merged: bool,
}

/// The member that tells subtypes apart.
#[derive(Debug)]
pub struct Discriminator {
    /// Name of the member.
    pub property: &'static str,
    /// Values and the schemas they stand for. One schema may stand for several values; the schemas of
    /// one value are told apart by the members that are there.
    pub mapping: &'static [(&'static str, &'static str)],
}

/// One member of an object.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the description, independent of the others")]
pub struct Property {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its type.
    pub schema: TypeRef,
    /// `format` of the description, such as `date-time` or `int64`; empty where it gives none.
    pub format: &'static str,
    /// Whether the description requires it.
    pub required: bool,
    /// Whether it occurs in answers only.
    pub read_only: bool,
    /// Whether it occurs in requests only.
    pub write_only: bool,
    /// Whether it is a secret, in requests and in answers.
    pub secret: bool,
    /// Whether it may be null. The org sends null in other places, too.
    pub nullable: bool,
    /// Inline enumeration of the value, or of the elements of an array. An open list.
    pub values: &'static [&'static str],
    /// Default value as JSON text; empty where there is none.
    pub default: &'static str,
    /// Least number.
    pub minimum: Option<f64>,
    /// Greatest number.
    pub maximum: Option<f64>,
    /// Least number of characters.
    pub min_length: Option<u32>,
    /// Greatest number of characters.
    pub max_length: Option<u32>,
    /// Regular expression; empty where there is none.
    pub pattern: &'static str,
}

impl Schema {
    /// Its members if it is an object, else none.
    pub fn properties(&self) -> &'static [Property] {
        match &self.kind {
            SchemaKind::Object(object) => object.properties,
            SchemaKind::Enum(_) | SchemaKind::Union(_) | SchemaKind::Alias(_) => &[],
        }
    }

    /// How its subtypes are told apart, if it has any.
    pub fn discriminator(&self) -> Option<&Discriminator> {
        match &self.kind {
            SchemaKind::Object(object) => object.discriminator.as_ref(),
            SchemaKind::Union(union) => union.discriminator.as_ref(),
            SchemaKind::Enum(_) | SchemaKind::Alias(_) => None,
        }
    }
}
