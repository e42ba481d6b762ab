//! What a list asks for, and what it is answered with.

use std::cmp::Ordering;

use oktant_base::Timestamp;
use serde_json::{Map, Value};

use crate::filter::{Filter, fold_case, parse_time};
use crate::projection::Projection;
use crate::resource::{Stored, is_primary};
use crate::schema::{DataType, Kind, Path};

/// A request for a page of resources of one kind.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Of which kind.
    pub kind: Kind,
    /// Which of them; all that the caller may see where absent.
    pub filter: Option<Filter>,
    /// In which order; that of creation where absent, which also breaks ties.
    pub sort: Option<Sort>,
    /// Which part of the list.
    pub page: Page,
    /// What of each resource.
    pub projection: Projection,
    /// Whether [`Listing::total`] is needed. Counting may cost more than the page.
    pub wants_total: bool,
}

/// An order of resources.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sort {
    /// By which value: the `primary` one of a list, else its first; see [`Path::compared`].
    pub path: Path,
    /// Largest first. Resources without the value come last when ascending and first when descending.
    pub descending: bool,
}

impl Sort {
    /// Orders two resources, as [`Stored::to_json`] gives them; equal ones keep the order they had.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.4.2.3.
    pub fn compare(&self, a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
        let ordering = match (self.key(a), self.key(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // What is missing counts as largest.
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        if self.descending { ordering.reverse() } else { ordering }
    }

    fn key(&self, resource: &Map<String, Value>) -> Option<SortKey> {
        let attributes = match self.path.extension {
            Some(urn) => resource.get(urn)?.as_object()?,
            None => resource,
        };
        let value = match attributes.get(self.path.attribute.name)? {
            Value::Array(values) => values.iter().find(|value| is_primary(value)).or_else(|| values.first())?,
            single => single,
        };
        let compared = self.path.compared();
        let value = if value.is_object() { value.get(compared.name)? } else { value };
        match value {
            Value::Bool(value) => Some(SortKey::Boolean(*value)),
            Value::String(text) if compared.data_type == DataType::DateTime => parse_time(text).map(SortKey::Time),
            Value::String(text) if compared.case_exact => Some(SortKey::Text(text.clone())),
            Value::String(text) => Some(SortKey::Text(fold_case(text))),
            _ => None,
        }
    }
}

/// What resources are sorted by; those of one path have one variant.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortKey {
    Boolean(bool),
    Time(Timestamp),
    Text(String),
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// By position.
    Index {
        /// Position of the first, from 1.
        start: u64,
        /// At most so many; may be 0.
        count: usize,
    },
    /// By what came before.
    After {
        /// [`Listing::position`] of the page before; none for the first page.
        position: Option<String>,
        /// At most so many; may be 0.
        count: usize,
    },
}

impl Page {
    /// At most so many resources.
    pub fn count(&self) -> usize {
        match self {
            Self::Index { count, .. } | Self::After { count, .. } => *count,
        }
    }
}

/// A page of resources.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The resources, in order.
    pub resources: Vec<Stored>,
    /// How many there are on all pages; needed where [`ListQuery::wants_total`].
    pub total: Option<u64>,
    /// Whether there are more after these.
    pub more: bool,
    /// Where this page ends, for [`Page::After`]: whatever the provider needs to continue after the last resource of
    /// the page without skipping or repeating any, such as its sort key and id. It goes through the client's hands
    /// authenticated but readable.
    pub position: Option<String>,
}
