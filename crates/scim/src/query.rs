//! What a list asks for, and what it is answered with.

use std::cmp::Ordering;

use oktant_base::Timestamp;
use serde::{Deserialize, Serialize};
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum SortKey {
    #[serde(rename = "b")]
    Boolean(bool),
    #[serde(rename = "d")]
    Time(Timestamp),
    #[serde(rename = "t")]
    Text(String),
}

/// Where a resource stands in a list: all that is needed to put resources in order and to go on behind one of them,
/// even if that one is gone by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    key: Option<SortKey>,
    /// Grows with every resource made: among equals, and without an order, the oldest comes first.
    #[serde(rename = "n")]
    pub number: i64,
}

impl Place {
    /// The place of a resource in a list without an order.
    pub fn unsorted(number: i64) -> Self {
        Self { key: None, number }
    }

    /// As [`Listing::position`] has it.
    pub fn to_position(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Reads what [`Self::to_position`] wrote.
    pub fn parse(position: &str) -> Option<Self> {
        serde_json::from_str(position).ok()
    }
}

impl ListQuery {
    /// The place of a resource, as [`Stored::to_json`] gives it.
    pub fn place(&self, number: i64, resource: &Map<String, Value>) -> Place {
        Place { key: self.sort.and_then(|sort| sort.key(resource)), number }
    }

    /// Orders two places of this list. No two resources are equal.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.4.2.3.
    pub fn order(&self, a: &Place, b: &Place) -> Ordering {
        let ordering = match (&a.key, &b.key) {
            (Some(a), Some(b)) => a.cmp(b),
            // What is missing counts as largest.
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let ordering = if self.sort.is_some_and(|sort| sort.descending) { ordering.reverse() } else { ordering };
        ordering.then(a.number.cmp(&b.number))
    }

    /// How many of `places`, which are in order, come before the page.
    pub fn skipped(&self, places: &[Place]) -> usize {
        match &self.page {
            Page::Index { start, .. } => usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX),
            Page::After { position, .. } => position
                .as_deref()
                .and_then(Place::parse)
                .map_or(0, |last| places.partition_point(|place| self.order(place, &last) != Ordering::Greater)),
        }
    }

    /// Where a page ends whose last resource has the place `last`; an empty one ends where it began.
    pub fn position(&self, last: Option<&Place>) -> Option<String> {
        match &self.page {
            Page::Index { .. } => None,
            Page::After { position, .. } => last.and_then(Place::to_position).or_else(|| position.clone()),
        }
    }
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
    /// The resources, in order: as many as were asked for, or fewer where they are large; never none while there are
    /// more.
    pub resources: Vec<Stored>,
    /// How many there are on all pages; needed where [`ListQuery::wants_total`].
    pub total: Option<u64>,
    /// Whether there are more after these.
    pub more: bool,
    /// Where this page ends, for [`Page::After`]: whatever the provider needs to continue after the last resource of
    /// the page without skipping or repeating any, such as its [`Place`]. It goes through the client's hands
    /// authenticated but readable. An empty page ends where it began.
    pub position: Option<String>,
}
