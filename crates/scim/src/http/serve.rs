//! From a request to a response, with everything that is the same for all endpoints.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, NestedPath, Request, State};
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
use super::{BaseUrl, InFlight, Service, discovery};
use crate::error::Error;
use crate::precondition::Precondition;
use crate::profile::Profile;
use crate::provider::{Caller, ClientIp, Event, EventResource, Provider};
use crate::schema::Kind;

/// Bytes of each text of an event.
const EVENT_TEXT_MAX: usize = 1024;

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
    /// Path of the service, of the integration if one is named.
    pub(super) base_path: &'a str,
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
            path: cut(path),
            endpoint_id: self.route.endpoint_id,
            client_ip: self.client_ip,
            status: answer.status,
            error_code,
            detail: error.as_ref().map(|error| cut(error.detail())),
            resource: kind.map(|kind| EventResource {
                kind,
                id: id.as_deref().map(cut),
                name: name.as_deref().map(cut),
            }),
        }
    }
}

/// A text that others chose, as far as an event keeps it: thousands of events wait in memory.
fn cut(text: &str) -> String {
    if text.len() <= EVENT_TEXT_MAX {
        return text.to_owned();
    }
    let end = (0..=EVENT_TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
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

/// Serves a request to its end, even if the client hangs up: what was done is audited.
pub(super) async fn serve<P: Provider>(State(service): State<Arc<Service<P>>>, request: Request) -> Response {
    let method = request.method().clone();
    let served = tokio::spawn(serve_whole(service, request)).await;
    served.unwrap_or_else(|_| Answer::refusal(&Error::internal(), false).into_response(&method))
}

async fn serve_whole<P: Provider>(service: Arc<Service<P>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let route = Route::parse(parts.uri.path());
    let path = format!("{}{}", mounted_at(&parts), parts.uri.path());
    let base_path = match route.endpoint_id {
        Some(id) => format!("{}/{id}", mounted_at(&parts)),
        None => mounted_at(&parts).to_owned(),
    };
    let origin = Origin { route: &route, client_ip: client_ip(&parts), base_path: &base_path };
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
        let base_url = self.base_url(parts, &origin);
        let parameters = Parameters::from_query(parts.uri.query().unwrap_or_default());
        if let Some(profile) = self.public(parts, origin.route) {
            let (endpoint, limits) = (Endpoint::ServiceProviderConfig, &self.settings.limits);
            return discovery::answer(&endpoint, profile, &parameters?, limits, &base_url);
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
        let (body, _share) = if has_body {
            let (body, share) = self.bodies.read(&parts.headers, body, &*self.settings.clock).await?;
            (body, Some(share))
        } else {
            (Value::Null, None)
        };
        exchange
            .call(Call {
                method: &parts.method,
                endpoint,
                body,
                parameters: parameters?,
                precondition: header(&parts.headers, IF_MATCH).map(Precondition::parse).unwrap_or_default(),
                known: header(&parts.headers, IF_NONE_MATCH).filter(|tags| !tags.is_empty()).map(Precondition::parse),
            })
            .await
    }

    /// Whose configuration is shown without credentials, if it is asked for.
    fn public(&self, parts: &Parts, route: &Route) -> Option<Profile> {
        let read = parts.method == Method::GET || parts.method == Method::HEAD;
        let asked = route.endpoint == Some(Endpoint::ServiceProviderConfig);
        let anonymous = !parts.headers.contains_key(AUTHORIZATION);
        self.settings.public_config.filter(|_| read && asked && anonymous)
    }

    fn base_url(&self, parts: &Parts, origin: &Origin<'_>) -> String {
        match (&self.settings.base_url, origin.route.endpoint_id) {
            (BaseUrl::Fixed(base), Some(id)) => format!("{base}/{id}"),
            (BaseUrl::Fixed(base), None) => base.clone(),
            (BaseUrl::FromHost { scheme }, _) => {
                let host = header(&parts.headers, HOST);
                let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
                format!("{scheme}://{}{}", host.unwrap_or("localhost"), origin.base_path)
            }
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
            Endpoint::ServiceProviderConfig | Endpoint::ResourceTypes(_) | Endpoint::Schemas(_) => {
                discovery::answer(call.endpoint, self.profile, &call.parameters, limits, self.base_url)
            }
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
