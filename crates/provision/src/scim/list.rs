//! Lists, page by page, and the proof that they are whole.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Answer, Endpoint, Error, Request, Target};
use crate::error::Error as RunError;

/// Pages that one list may have: a target that never ends is not read forever.
const PAGES_MAX: usize = 100_000;

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(rename = "totalResults", default)]
    total: u64,
    #[serde(rename = "Resources", alias = "resources", default, deserialize_with = "null_is_empty")]
    pub(super) resources: Vec<Map<String, Json>>,
}

/// Targets write an empty list as `null`, too.
fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Map<String, Json>>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an answer as a page.
pub(super) fn read(request: &Request, answer: &Answer) -> Result<Page, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| Error::malformed(request, "it is no list", &error))
}

/// A list being read. Every resource is given out once.
pub(crate) struct Listing {
    target: Target,
    endpoint: Endpoint,
    excluded: Option<&'static str>,
    size: usize,
    next: usize,
    pages: usize,
    seen: HashSet<Box<str>>,
    done: bool,
}

impl Listing {
    /// The list of `endpoint` without the attribute `excluded`, in pages of `size`.
    pub(crate) fn new(target: &Target, endpoint: Endpoint, excluded: Option<&'static str>, size: usize) -> Self {
        let (target, seen) = (target.clone(), HashSet::new());
        Self { target, endpoint, excluded, size, next: 1, pages: 0, seen, done: false }
    }

    /// The resources of the next page that were not seen before; `None` after the last page.
    ///
    /// The next page begins behind what this one held. That is right for targets that give fewer than was asked
    /// for, and for Snowflake, whose `totalResults` is one more than what was read as long as there is more.
    ///
    /// # Errors
    ///
    /// [`RunError::Incomplete`] if the target gives less than it counts: half a list is no list.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Map<String, Json>>>, RunError> {
        if self.done {
            return Ok(None);
        }
        let mut request = Request::get(self.endpoint)
            .query("startIndex", self.next.to_string())
            .query("count", self.size.to_string());
        if let Some(excluded) = self.excluded {
            request = request.query("excludedAttributes", excluded);
        }
        let answer = match self.target.send(&request).await {
            // A page of large groups may be too much; a smaller one begins at the same place.
            Err(Error::TooLarge { .. }) if self.size > 1 => {
                self.size = (self.size / 4).max(1);
                return Ok(Some(Vec::new()));
            }
            answer => answer?,
        };
        let page = read(&request, &answer)?;
        self.pages += 1;
        let (held, total) = (page.resources.len(), page.total as usize);
        let mut fresh = Vec::with_capacity(held);
        for resource in page.resources {
            let id = resource.get("id").and_then(Json::as_str).filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| Error::unreadable(&request, "a resource has no id".to_owned()))?;
            if self.seen.insert(id.into()) {
                fresh.push(resource);
            }
        }
        self.next += held;
        self.done = held == 0 || self.next > total;
        if held > 0 && fresh.is_empty() && !self.done || self.pages > PAGES_MAX {
            return Err(self.incomplete("its pages repeat themselves".to_owned()));
        }
        if self.done && self.seen.len() < total {
            return Err(self.incomplete(format!("{total} resources are counted, {} were given", self.seen.len())));
        }
        Ok(Some(fresh))
    }

    fn incomplete(&self, problem: String) -> RunError {
        RunError::Incomplete { path: self.endpoint.path().to_owned(), problem }
    }
}

impl Target {
    /// The list of all users, without their groups.
    pub(crate) fn users(&self) -> Listing {
        Listing::new(self, Endpoint::Users, Some("groups"), self.0.page_size)
    }

    /// The list of all groups with their members.
    pub(crate) fn groups(&self) -> Listing {
        // Groups are large where users are many.
        Listing::new(self, Endpoint::Groups, None, self.0.page_size.min(100))
    }
}
