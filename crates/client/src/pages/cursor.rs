//! A place in a list that can be written down.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::{Call, Error};

/// Where a page of a list begins: all that asking for it takes, but for headers and credentials.
///
/// As text it is one word; with serde it is an object. It holds the list's filter, and no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    page: u32,
}

impl Cursor {
    pub(super) fn of(call: &Call, page: u32) -> Result<Self, Error> {
        let (method, path) = (call.method.as_str().to_owned(), call.resolved_path()?);
        Ok(Self { method, path, query: call.query.clone(), page })
    }

    /// The query of the page.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The number of the page, from 0.
    pub const fn page(&self) -> u32 {
        self.page
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let json = URL_SAFE_NO_PAD.decode(text.trim()).ok();
        json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| Error::Argument {
            operation: "resume".to_owned(),
            problem: "the text is not a cursor".to_owned(),
            hint: Some("pass the cursor as it was written down, without a change".to_owned()),
        })
    }
}

impl Call {
    /// The call that goes on where `cursor` was taken. Headers and a deadline are to be set again.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if it names no path of an org.
    pub fn resume(cursor: &Cursor) -> Result<Self, Error> {
        let mut call = Self::path(&cursor.method, &cursor.path)?;
        call.query.clone_from(&cursor.query);
        call.first_page = cursor.page;
        Ok(call)
    }

    /// This call of a list, going on where `cursor` was taken from the same list. The query is the
    /// cursor's; path, headers and deadline stay.
    #[must_use]
    pub fn resumed_at(mut self, cursor: &Cursor) -> Self {
        self.query.clone_from(&cursor.query);
        self.first_page = cursor.page;
        self
    }
}
