//! What a service behind the protocol does.

use std::net::IpAddr;

use async_trait::async_trait;
use http::{HeaderMap, Method, StatusCode};
use oktant_base::Secret;
use uuid::Uuid;

use crate::error::Error;
use crate::patch::Patch;
use crate::precondition::Precondition;
use crate::profile::Profile;
use crate::projection::Projection;
use crate::query::{ListQuery, Listing};
use crate::resource::{Resource, Stored};
use crate::schema::Kind;

/// Keeps users and groups. Everything that HTTP and SCIM ask is settled before and after these calls: bodies are read and
/// normalised, filters and PATCHes parsed and resolved, answers cut to the projection and worded.
///
/// Each call is one transaction: all of it or nothing, and the next call sees it.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Who calls, as far as later calls of the same request need it.
    type Context: Send + Sync + 'static;

    /// Finds out who calls.
    ///
    /// # Errors
    ///
    /// [`Error::unauthorized`] for no, bad or expired credentials; [`Error::forbidden`] where a network policy or a
    /// missing privilege forbids; 404 for an endpoint id that nobody has.
    async fn authenticate(&self, caller: &Caller<'_>) -> Result<Self::Context, Error>;

    /// Whose rules the caller gets.
    fn profile(&self, context: &Self::Context) -> Profile;

    /// The id of the user that the caller is, for `/Me`; none where callers are not users.
    async fn me(&self, context: &Self::Context) -> Result<Option<String>, Error> {
        let _ = context;
        Ok(None)
    }

    /// Makes a resource. `members` of a group are the members to begin with.
    ///
    /// # Errors
    ///
    /// [`Error::uniqueness`] where `userName` (without regard to letter case) is taken. Never overwrites.
    async fn create(
        &self,
        context: &Self::Context,
        resource: Resource,
        projection: &Projection,
    ) -> Result<Stored, Error>;

    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`], also for ids of an impossible form.
    async fn get(
        &self,
        context: &Self::Context,
        kind: Kind,
        id: &str,
        projection: &Projection,
    ) -> Result<Stored, Error>;

    /// Reads a page. Nothing found is an empty page.
    async fn list(&self, context: &Self::Context, query: &ListQuery) -> Result<Listing, Error>;

    /// Gives a resource new attributes: those absent become unassigned, but an absent password stays as it is, and
    /// `members: None` leaves the membership alone.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`], [`Error::version_mismatch`], [`Error::uniqueness`].
    async fn replace(
        &self,
        context: &Self::Context,
        id: &str,
        resource: Resource,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Stored, Error>;

    /// Changes a resource by [`Patch::apply`]; where that reports no change and the membership stays as it was,
    /// version and time of modification stay, too. See [`Patch`] for members.
    ///
    /// # Errors
    ///
    /// Those of [`Self::replace`] and of [`Patch::apply`].
    async fn patch(
        &self,
        context: &Self::Context,
        id: &str,
        patch: &Patch,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Stored, Error>;

    /// Removes a resource, out of every group too, and frees its name.
    ///
    /// # Errors
    ///
    /// [`Error::not_found`], [`Error::version_mismatch`].
    async fn delete(
        &self,
        context: &Self::Context,
        kind: Kind,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), Error>;

    /// Takes note of a request that was answered, whether it succeeded or not. Called once before the answer leaves;
    /// for each operation of a bulk request, too.
    async fn audit(&self, context: Option<&Self::Context>, event: &Event);
}

/// Who knocks, before it is known who that is.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Every header of the request. `Authorization` is among them: [`Self::bearer`] reads it.
    pub headers: &'a HeaderMap,
    /// Address of the peer: the [`ClientIp`] or `ConnectInfo` extension of the request.
    pub client_ip: Option<IpAddr>,
    /// The integration named in the path (`/scim/v2/{uuid}/…`).
    pub endpoint_id: Option<Uuid>,
}

impl Caller<'_> {
    /// The token of `Authorization: Bearer …`.
    pub fn bearer(&self) -> Option<Secret> {
        let header = self.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Secret::new(token.to_owned()))
    }
}

/// Extension of a request with the address it came from, for servers that know better than the connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The method.
    pub method: Method,
    /// The path as it was asked for, without a query, which may hold personal data.
    pub path: String,
    /// The integration named in the path.
    pub endpoint_id: Option<Uuid>,
    /// Where the request came from.
    pub client_ip: Option<IpAddr>,
    /// The status of the answer.
    pub status: StatusCode,
    /// `scimType` of a refusal, else a code of [`oktant_base::codes`]; none for success.
    pub error_code: Option<&'static str>,
    /// Why it was refused.
    pub detail: Option<String>,
    /// What it was about.
    pub resource: Option<EventResource>,
}

/// What a request was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventResource {
    /// Its kind.
    pub kind: Kind,
    /// Its id, as far as there is one.
    pub id: Option<String>,
    /// `userName` or `displayName`, as far as the request or its answer has it.
    pub name: Option<String>,
}
