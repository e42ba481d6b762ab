//! Conditions on a resource's version.

use crate::error::Error;

/// What `If-Match` or the `version` of a bulk operation demands of the resource, to be checked in the transaction
/// that changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing; also `If-Match: *`, which any resource that exists meets.
    #[default]
    None,
    /// One of these versions.
    Versions(Vec<String>),
}

impl Precondition {
    /// Reads a list of entity tags, with or without `W/` and quotes: they are compared weakly.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.14; RFC 9110, 8.8.3.
    pub fn parse(header: &str) -> Self {
        let tags = || header.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        if tags().any(|tag| tag == "*") || tags().next().is_none() {
            return Self::None;
        }
        Self::Versions(tags().map(bare).collect())
    }

    /// Fails with 412 unless the resource is in a version that is asked for.
    pub fn check(&self, version: &str) -> Result<(), Error> {
        if self.holds(version) { Ok(()) } else { Err(Error::version_mismatch()) }
    }

    /// Whether a version meets it.
    pub fn holds(&self, version: &str) -> bool {
        match self {
            Self::None => true,
            Self::Versions(versions) => versions.iter().any(|wanted| wanted == version),
        }
    }
}

/// A tag without `W/` and quotes.
fn bare(tag: &str) -> String {
    let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
    tag.trim_matches('"').to_owned()
}

/// A version as an entity tag.
pub(crate) fn entity_tag(version: &str) -> String {
    format!("W/\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        for (header, version, holds) in [
            ("W/\"3\"", "3", true),
            ("\"3\"", "3", true),
            ("3", "3", true),
            ("W/\"1\", \"3\"", "3", true),
            ("W/\"1\"", "3", false),
            ("*", "3", true),
            ("", "3", true),
        ] {
            assert_eq!(Precondition::parse(header).holds(version), holds, "T3, T4: {header}");
        }
    }
}
