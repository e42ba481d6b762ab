//! Attribute paths, resolved against a resource type.

use std::fmt;

use super::{Attribute, ResourceType, Schema};

/// An attribute of a resource, or a sub-attribute of it; prints as its canonical text.
///
/// Within a value path (`emails[type eq "work"]`) the attribute is the sub-attribute itself, without extension.
#[derive(Clone, Copy, PartialEq)]
pub struct Path {
    /// URN of the extension the attribute belongs to; none for the core schema.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// A part of it.
    pub sub_attribute: Option<&'static Attribute>,
}

impl Path {
    /// Resolves `attribute`, `attribute.sub`, `urn:attribute` and `urn:attribute.sub`, in any letter case; a URN may
    /// also be joined by a dot, as Snowflake's examples have it. `None` where nothing is called so.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.10.
    pub fn resolve(text: &str, resource_type: &ResourceType) -> Option<Self> {
        let (extension, rest) = split_urn(text, resource_type)?;
        let (name, sub_name) = match rest.split_once('.') {
            Some((name, sub_name)) => (name, Some(sub_name)),
            None => (rest, None),
        };
        let attribute = match extension {
            Some(schema) => schema.attribute(name)?,
            None => resource_type.attribute(name)?,
        };
        Self::with_sub(extension.map(|schema| schema.id), attribute, sub_name)
    }

    /// Resolves the name of a part of a complex attribute, for use within a value path.
    pub fn within(text: &str, attribute: &'static Attribute) -> Option<Self> {
        let attribute = attribute.sub_attribute(text)?;
        Some(Self { extension: None, attribute, sub_attribute: None })
    }

    fn with_sub(
        extension: Option<&'static str>,
        attribute: &'static Attribute,
        sub_name: Option<&str>,
    ) -> Option<Self> {
        let sub_attribute = match sub_name {
            Some(name) => Some(attribute.sub_attribute(name)?),
            None => None,
        };
        Some(Self { extension, attribute, sub_attribute })
    }

    /// What the values at the path are: the sub-attribute, else the attribute.
    pub fn target(&self) -> &'static Attribute {
        self.sub_attribute.unwrap_or(self.attribute)
    }

    /// What a comparison without a sub-attribute looks at: `value` of a complex list, else the target itself.
    pub fn compared(&self) -> &'static Attribute {
        let target = self.target();
        match target.sub_attribute("value") {
            Some(value) if target.multi_valued => value,
            _ => target,
        }
    }

    /// Whether this is the core attribute of a name, such as `userName` or `name.familyName`.
    pub fn is(&self, canonical: &str) -> bool {
        let (name, sub_name) = match canonical.split_once('.') {
            Some((name, sub_name)) => (name, Some(sub_name)),
            None => (canonical, None),
        };
        self.extension.is_none()
            && self.attribute.name == name
            && self.sub_attribute.map(|sub_attribute| sub_attribute.name) == sub_name
    }
}

/// Takes a leading URN off: the extension (none for the core schema's own URN) and the rest, which may be empty for a
/// bare URN.
fn split_urn<'a>(text: &'a str, resource_type: &ResourceType) -> Option<(Option<&'static Schema>, &'a str)> {
    const URN: &str = "urn:";
    if !text.get(..URN.len()).is_some_and(|start| start.eq_ignore_ascii_case(URN)) {
        return Some((None, text));
    }
    // The longest URN first: one may be the beginning of another.
    let mut schemas: Vec<&'static Schema> = resource_type.extensions.to_vec();
    schemas.push(resource_type.core);
    schemas.sort_by_key(|schema| std::cmp::Reverse(schema.id.len()));
    schemas.into_iter().find_map(|schema| {
        let start = text.get(..schema.id.len())?;
        let rest = text.get(schema.id.len()..)?;
        let rest = match rest.strip_prefix([':', '.']) {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return None,
        };
        let extension = (schema.id != resource_type.core.id).then_some(schema);
        start.eq_ignore_ascii_case(schema.id).then_some((extension, rest))
    })
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.attribute.name)?;
        match self.sub_attribute {
            Some(sub_attribute) => write!(f, ".{}", sub_attribute.name),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}
