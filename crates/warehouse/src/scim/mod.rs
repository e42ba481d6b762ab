//! The account as a SCIM service provider: users, and roles as groups, as an integration's role may see and
//! change them.

mod access;
mod group;
mod list;
mod resource;
mod user;

use std::sync::Arc;

use async_trait::async_trait;
use oktant_scim::{
    Caller, Error, Event, Kind, ListQuery, Listing, Patch, Precondition, Profile, Projection, Provider, Resource,
    Stored,
};
use oktant_store::StoreError;

pub(crate) use access::AccessCache;
pub use access::ScimAccess;

use crate::account::Account;
use crate::model::event;

type Result<T, E = Refusal> = std::result::Result<T, E>;

/// The answer to a request that is not served. Neither the answer's type nor the store's error is of this package, and
/// yet the one comes of the other.
#[derive(Debug)]
struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the account's database failed");
        Self(Error::internal())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}

#[async_trait]
impl Provider for Account {
    type Context = Arc<ScimAccess>;

    async fn authenticate(&self, caller: &Caller<'_>) -> Result<Self::Context, Error> {
        Ok(access::authenticate(self, caller).await?)
    }

    fn profile(&self, context: &Self::Context) -> Profile {
        context.profile
    }

    async fn me(&self, context: &Self::Context) -> Result<Option<String>, Error> {
        Ok(context.user_id.map(resource::user_id))
    }

    async fn create(
        &self,
        context: &Self::Context,
        resource: Resource,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let done = match resource.kind() {
            Kind::User => user::create(self, context, resource).await,
            Kind::Group => group::create(self, context, resource, projection).await,
        };
        Ok(done?)
    }

    async fn get(
        &self,
        context: &Self::Context,
        kind: Kind,
        id: &str,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let mut connection = self.0.db.read().await.map_err(Refusal::from)?;
        let done = match kind {
            Kind::User => user::get(&mut *connection, context, id, projection).await,
            Kind::Group => group::get(&mut *connection, context, id, projection).await,
        };
        Ok(done?)
    }

    async fn list(&self, context: &Self::Context, query: &ListQuery) -> Result<Listing, Error> {
        Ok(list::list(self, context, query).await?)
    }

    async fn replace(
        &self,
        context: &Self::Context,
        id: &str,
        resource: Resource,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let done = match resource.kind() {
            Kind::User => user::replace(self, context, id, resource, precondition, projection).await,
            Kind::Group => group::replace(self, context, id, resource, precondition, projection).await,
        };
        Ok(done?)
    }

    async fn patch(
        &self,
        context: &Self::Context,
        id: &str,
        patch: &Patch,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let done = match patch.kind() {
            Kind::User => user::patch(self, context, id, patch, precondition, projection).await,
            Kind::Group => group::patch(self, context, id, patch, precondition, projection).await,
        };
        Ok(done?)
    }

    async fn delete(
        &self,
        context: &Self::Context,
        kind: Kind,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        let done = match kind {
            Kind::User => user::delete(self, context, id, precondition).await,
            Kind::Group => group::delete(self, context, id, precondition).await,
        };
        Ok(done?)
    }

    async fn audit(&self, context: Option<&Self::Context>, event: &Event) {
        let details = serde_json::json!({ "status": event.status.as_u16(), "detail": event.detail });
        let resource = event.resource.as_ref();
        let domain = |kind: Kind| match kind {
            Kind::User => "user",
            Kind::Group => "role",
        };
        let kept = event::Event {
            id: 0,
            at: self.now(),
            endpoint: event.path.trim_start_matches('/').to_owned(),
            method: event.method.to_string(),
            status: event.status.as_str().to_owned(),
            error_code: event.error_code.map(str::to_owned),
            details: details.to_string(),
            client_ip: event.client_ip.map(|ip| ip.to_string()),
            actor_name: context.map(|context| context.actor.clone()),
            actor_domain: context.map(|context| context.integration.name.clone()),
            resource_name: resource.and_then(|resource| resource.name.clone().or_else(|| resource.id.clone())),
            resource_domain: resource.map(|resource| domain(resource.kind).to_owned()),
        };
        self.0.audit.add(kept).await;
    }
}
