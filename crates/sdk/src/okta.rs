//! An org, and how calls to it are read and written.

use oktant_catalog::Method;
use oktant_client::config::Loader;
use oktant_client::{Call, Edges, Org, Properties, RateLimit};

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

    /// Opens the org that `okta.yaml` and the environment name, as Okta's own clients read them.
    ///
    /// # Errors
    ///
    /// Every problem of the configuration at once, or what [`Okta::connect`] gives.
    pub async fn from_environment() -> Result<Self, Error> {
        Self::from_config(&Loader::system()).await
    }

    /// Opens the org that a configuration names: a file, a profile, variables, values passed in code.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), oktant_sdk::Error> {
    /// use oktant_sdk::{Okta, config::Loader};
    ///
    /// let okta = Okta::from_config(&Loader::system().profile("preview")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every problem of the configuration at once, or what [`Okta::connect`] gives.
    pub async fn from_config(loader: &Loader) -> Result<Self, Error> {
        let config = loader.load()?;
        Self::connect(&config.properties).await
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

    /// Sets a header of every request from now on, those of clones included. A call's own header wins.
    ///
    /// # Errors
    ///
    /// [`oktant_client::Error::Argument`] if the name is reserved for authorization or framing, or
    /// either holds characters that a header cannot hold.
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), Error> {
        Ok(self.org.set_header(name, value)?)
    }

    /// Every rate-limit bucket that the org has reported, as of its latest answer.
    pub fn reported_rate_limits(&self) -> Vec<RateLimit> {
        self.org.rate_limits()
    }

    /// Forgets every answer that was kept.
    pub async fn clear_cache(&self) {
        self.org.clear_cache().await;
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
