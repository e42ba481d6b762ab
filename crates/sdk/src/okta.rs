//! An org, and how calls to it are read and written.

use oktant_catalog::Method;
use oktant_client::{Call, Edges, Org, Properties};

use crate::{Error, Request};

/// An org that every operation can be called on. Clones share connections, credentials and limits.
///
/// Operations are reached by their group, such as [`Okta::users`]; [`Okta::operation`] and
/// [`Okta::request`] call anything else with the same credentials, limits, repeats and paging.
#[derive(Debug, Clone)]
pub struct Okta {
    pub(crate) org: Org,
    pub(crate) drop_empty: bool,
    pub(crate) strict: bool,
}

impl Okta {
    /// Opens the org that `properties` name, with the machine's clock, chance and environment.
    ///
    /// # Errors
    ///
    /// What the properties, the settings store or the authorization server object to.
    pub async fn connect(properties: &Properties) -> Result<Self, Error> {
        Ok(Org::connect(properties, Edges::system()).await?.into())
    }

    /// Leaves empty text, empty lists, empty objects and nulls out of every body.
    ///
    /// Off unless said otherwise: what a model holds is what is sent.
    /// [`Request::drop_empty`] and the method of the same name of every request decide for one call.
    ///
    /// # Source
    ///
    /// The official Python client drops them by default (`keep_empty_params`).
    #[must_use]
    pub fn drop_empty(mut self, drop_empty: bool) -> Self {
        self.drop_empty = drop_empty;
        self
    }

    /// Makes an error of every deviation from the description that reading otherwise tolerates and
    /// reports in [`Meta::warnings`](crate::Meta::warnings). For tests.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The connection below: its ledger of requests, its rate limits, its properties.
    pub fn org(&self) -> &Org {
        &self.org
    }

    /// A call of the operation with this id, such as `listUsers`, checked against the catalogue.
    ///
    /// # Errors
    ///
    /// [`oktant_client::Error::UnknownOperation`] with the nearest known ids.
    pub fn operation(&self, id: &str) -> Result<Request, Error> {
        Ok(Request::new(self, Call::operation(id)?))
    }

    /// A call of any path of the org with an optional query, in the catalogue or not.
    ///
    /// # Errors
    ///
    /// [`oktant_client::Error::Argument`] if `path` is not a path of the org.
    pub fn request(&self, method: Method, path: &str) -> Result<Request, Error> {
        Ok(Request::new(self, Call::path(method.as_str(), path)?))
    }
}

impl From<Org> for Okta {
    fn from(org: Org) -> Self {
        Self { org, drop_empty: false, strict: false }
    }
}
