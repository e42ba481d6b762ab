//! The overlay: facts that the descriptions lack or have wrong. Each entry says why it is there.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::Error;

/// `catalog/overlay.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Rate-limit buckets.
    #[serde(default)]
    pub bucket: Vec<Bucket>,
    /// Corrections of operations.
    #[serde(default)]
    pub operation: Vec<OperationPatch>,
    #[serde(skip)]
    text: String,
}

/// One rate-limit bucket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    pub id: Spanned<String>,
    /// What it covers: `GET /api/v1/users/{}`, or `/api/v1/apps/**` for a prefix with any method.
    pub routes: Vec<Spanned<String>>,
    /// Requests per minute by plan; absent where nothing is limited.
    pub per_minute: Option<PerMinute>,
    /// Why the entry is there.
    pub reason: String,
}

/// Requests per minute by plan.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerMinute {
    pub free: u32,
    pub one_app: u32,
    pub enterprise: u32,
    pub workforce: u32,
}

/// Corrections of one operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationPatch {
    /// Operation id.
    pub id: Spanned<String>,
    /// Page size, as far as the description has it wrong.
    pub limit: Option<LimitPatch>,
    /// The list inside an object.
    pub wrapped: Option<Wrapped>,
    /// The scopes, all of them.
    pub scopes: Option<Vec<String>>,
    /// Why the entry is there.
    pub reason: String,
}

/// What is wrong about a page size. Parts that are absent stay as they are.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitPatch {
    pub min: Option<u32>,
    pub default: Option<u32>,
    pub max: Option<u32>,
}

/// A list that stands in a member of an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrapped {
    /// The member.
    pub items: String,
    /// Whether the next page stands in the body at `_links.next.href`.
    #[serde(default)]
    pub next_in_body: bool,
}

impl Overlay {
    /// Reads and parses a file. Keys that do not exist are errors.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::parse(text).map_err(|source| Error::Toml { path: path.to_owned(), source: Box::new(source) })
    }

    /// Parses the overlay's text.
    pub fn parse(text: String) -> Result<Self, toml::de::Error> {
        let overlay: Self = toml::from_str(&text)?;
        Ok(Self { text, ..overlay })
    }

    /// A problem with the entry that a name belongs to.
    pub fn error<T>(&self, at: &Spanned<T>, problem: impl Into<String>) -> Error {
        let before = self.text.get(..at.span().start).unwrap_or_default();
        Error::Overlay { line: before.matches('\n').count() + 1, problem: problem.into() }
    }
}
