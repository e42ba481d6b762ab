//! From a request to a response, with everything that is the same for all endpoints.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, NestedPath, Request};
use axum::response::Response;
use futures::FutureExt;
use http::header::{AUTHORIZATION, HOST, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use oktant_base::Coded;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::answer::Answer;
use super::parameters::Parameters;
use super::route::{Endpoint, Route};
use super::{BaseUrl, InFlight, Service, Shared, body, discovery};
use crate::error::Error;
use crate::precondition::Precondition;
use crate::profile::Profile;
use crate::provider::{Caller, ClientIp, Event, EventResource, Provider};
use crate::schema::Kind;

/// A request whose caller is known.
pub(super) struct Exchange<'a, P: Provider> {
    pub(super) service: &'a Service<P>,
    pub(super) context: &'a P::Context,
    pub(super) profile: Profile,
    /// What locations begin with.
    pub(super) base_url: &'a str,
    /// Where the request came from, for events of its parts.
    pub(super) origin: Origin<'a>,
}

/// Where a request came from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) route: &'a Route,
    pub(super) client_ip: Option<IpAddr>,
}

impl Origin<'_> {
    /// The event of a request that was answered.
    pub(super) fn event(&self, method: &Method, path: &str, kind: Option<Kind>, outcome: &Outcome) -> Event {
        let Outcome { answer, error, .. } = outcome;
        let error_code = error.as_ref().map(|error| match error.scim_type() {
            Some(scim_type) => scim_type.as_str(),
            None => error.code().id(),
        });
        let (id, name) = outcome.resource.clone();
        Event {
            method: method.clone(),
            path: path.to_owned(),
            endpoint_id: self.route.endpoint_id,
            client_ip: self.client_ip,
            status: answer.status,
            error_code,
            detail: error.as_ref().map(|error| error.detail().to_owned()),
            resource: kind.map(|kind| EventResource { kind, id, name }),
        }
    }
}

/// How a request went.
pub(super) struct Outcome {
    pub(super) answer: Answer,
    pub(super) error: Option<Error>,
    /// Id and name of what it was about.
    pub(super) resource: (Option<String>, Option<String>),
}

impl Outcome {
    pub(super) fn new(result: Result<Answer, Error>, challenged: bool) -> Self {
        match result {
            Ok(mut answer) => {
                let (id, name) = answer.resource.take().unzip();
                Self { answer, error: None, resource: (id, name) }
            }
            Err(error) => {
                Self { answer: Answer::refusal(&error, challenged), error: Some(error), resource: (None, None) }
            }
        }
    }
}

/// What a single operation is asked for; a request, or a part of a bulk request.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    pub(super) endpoint: &'a Endpoint,
    /// `Null` where the method has none.
    pub(super) body: Value,
    pub(super) parameters: Parameters,
    pub(super) precondition: Precondition,
    /// `If-None-Match` of a read.
    pub(super) known: Option<Precondition>,
}

pub(super) async fn serve<P: Provider>(service: Shared<P>, request: Request) -> Response {
    let service: Arc<Service<P>> = service.0;
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let route = Route::parse(parts.uri.path());
    let path = format!("{}{}", mounted_at(&parts), parts.uri.path());
    let origin = Origin { route: &route, client_ip: client_ip(&parts) };
    let mut context = None;
    let answering = service.answer(&parts, body, origin, &mut context);
    let result = AssertUnwindSafe(answering).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(%method, %path, "the service panicked");
        Err(Error::internal())
    });
    let mut outcome = Outcome::new(result, parts.headers.contains_key(AUTHORIZATION));
    if let Some(Endpoint::Resource(_, id)) = &route.endpoint {
        outcome.resource.0.get_or_insert_with(|| id.clone());
    }
    if let (Some(endpoint), StatusCode::METHOD_NOT_ALLOWED) = (&route.endpoint, outcome.answer.status) {
        outcome.answer = Answer::method_not_allowed(&method, endpoint.methods()).1;
    }
    let kind = route.endpoint.as_ref().and_then(Endpoint::kind);
    let event = origin.event(&method, &path, kind, &outcome);
    service.provider.audit(context.as_ref(), &event).await;
    outcome.answer.into_response(&method)
}

impl<P: Provider> Service<P> {
    async fn answer(
        &self,
        parts: &Parts,
        body: Body,
        origin: Origin<'_>,
        known_context: &mut Option<P::Context>,
    ) -> Result<Answer, Error> {
        let base_url = self.base_url(parts, origin.route);
        if let Some(answer) = self.public(parts, origin.route, &base_url) {
            return Ok(answer);
        }
        let caller =
            Caller { headers: &parts.headers, client_ip: origin.client_ip, endpoint_id: origin.route.endpoint_id };
        let context = &*known_context.insert(self.provider.authenticate(&caller).await?);
        let endpoint = origin.route.endpoint.as_ref().ok_or_else(nothing_here)?;
        if !endpoint.methods().contains(&parts.method) {
            return Err(Answer::method_not_allowed(&parts.method, endpoint.methods()).0);
        }
        let _permit = self.in_flight.of(endpoint).try_acquire().map_err(|_| {
            Error::new(StatusCode::TOO_MANY_REQUESTS, "too many requests at once: repeat this one after a second")
        })?;
        let profile = self.provider.profile(context);
        if !is_supported(endpoint, &parts.method, profile) {
            return Err(unsupported());
        }
        let exchange = Exchange { service: self, context, profile, base_url: &base_url, origin };
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method);
        let body = match has_body {
            true => body::read(&parts.headers, body, self.settings.limits.body_bytes).await?,
            false => Value::Null,
        };
        exchange
            .call(Call {
                method: &parts.method,
                endpoint,
                body,
                parameters: Parameters::from_query(parts.uri.query().unwrap_or_default())?,
                precondition: header(&parts.headers, IF_MATCH).map(Precondition::parse).unwrap_or_default(),
                known: header(&parts.headers, IF_NONE_MATCH).filter(|tags| !tags.is_empty()).map(Precondition::parse),
            })
            .await
    }

    /// The configuration, to those who have no credentials.
    fn public(&self, parts: &Parts, route: &Route, base_url: &str) -> Option<Answer> {
        let profile = self.settings.public_config?;
        let read = parts.method == Method::GET || parts.method == Method::HEAD;
        let asked = route.endpoint == Some(Endpoint::ServiceProviderConfig);
        (read && asked && !parts.headers.contains_key(AUTHORIZATION))
            .then(|| Answer::ok(discovery::config(profile, &self.settings.limits, base_url)))
    }

    fn base_url(&self, parts: &Parts, route: &Route) -> String {
        let base = match &self.settings.base_url {
            BaseUrl::Fixed(base) => base.clone(),
            BaseUrl::FromHost { scheme } => {
                let host = header(&parts.headers, HOST).or_else(|| parts.uri.authority().map(|host| host.as_str()));
                format!("{scheme}://{}{}", host.unwrap_or("localhost"), mounted_at(parts))
            }
        };
        match route.endpoint_id {
            Some(id) => format!("{base}/{id}"),
            None => base,
        }
    }
}

impl<P: Provider> Exchange<'_, P> {
    /// Does what is asked.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Answer, Error> {
        let limits = &self.service.settings.limits;
        match call.endpoint {
            Endpoint::Resources(kind) if *call.method == Method::POST => self.create(*kind, &call).await,
            Endpoint::Resources(kind) => self.list(&[*kind], &call.parameters).await,
            Endpoint::Resource(kind, id) => self.resource(*kind, id, &call).await,
            Endpoint::Me => self.me(&call).await,
            Endpoint::Search(kind) => {
                let parameters = Parameters::from_body(&call.body, self.profile)?;
                match kind {
                    Some(kind) => self.list(&[*kind], &parameters).await,
                    None => self.list(&Kind::ALL, &parameters).await,
                }
            }
            Endpoint::Bulk => self.bulk(&call.body).await,
            Endpoint::ServiceProviderConfig | Endpoint::ResourceTypes(_) | Endpoint::Schemas(_)
                if call.parameters.filter.is_some() =>
            {
                Err(Error::forbidden("the description of the service cannot be filtered"))
            }
            Endpoint::ServiceProviderConfig => Ok(Answer::ok(discovery::config(self.profile, limits, self.base_url))),
            Endpoint::ResourceTypes(name) => {
                discovery::resource_types(self.profile, name.as_deref(), self.base_url).map(Answer::ok)
            }
            Endpoint::Schemas(urn) => discovery::schemas(self.profile, urn.as_deref(), self.base_url).map(Answer::ok),
        }
    }

    /// The caller's own user, as far as callers are users.
    async fn me(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let id = self.service.provider.me(self.context).await?.ok_or_else(unsupported)?;
        self.resource(Kind::User, &id, call).await
    }
}

impl InFlight {
    fn of(&self, endpoint: &Endpoint) -> &Semaphore {
        match endpoint.kind() {
            Some(Kind::User) => &self.users,
            Some(Kind::Group) => &self.groups,
            None => &self.others,
        }
    }
}

/// 404 for a path.
pub(super) fn nothing_here() -> Error {
    Error::new(StatusCode::NOT_FOUND, "nothing is at this path; the base URL ends before /Users")
}

/// Whether this service ever does that. Whoever calls exists, so that `/Me` makes nobody.
fn is_supported(endpoint: &Endpoint, method: &Method, profile: Profile) -> bool {
    match endpoint {
        Endpoint::Search(_) | Endpoint::Bulk => !profile.is_snowflake(),
        Endpoint::Me => *method != Method::POST,
        _ => true,
    }
}

fn unsupported() -> Error {
    Error::new(StatusCode::NOT_IMPLEMENTED, "this service does not do that")
}

fn header(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Where the router is mounted; its own paths begin after that.
fn mounted_at(parts: &Parts) -> &str {
    parts.extensions.get::<NestedPath>().map(NestedPath::as_str).unwrap_or_default().trim_end_matches('/')
}

fn client_ip(parts: &Parts) -> Option<IpAddr> {
    let told = parts.extensions.get::<ClientIp>().map(|ip| ip.0);
    told.or_else(|| parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip()))
}
