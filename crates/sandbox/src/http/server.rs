//! One request from its first byte to the ledger.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use oktant_base::Timestamp;
use oktant_catalog::{Method, Operation, RouteMatch};
use url::form_urlencoded;

use super::auth::{self, Principal};
use super::call::Call;
use super::errors::{self, ApiError};
use super::headers;
use super::ledger::RecordedRequest;
use super::limits::{Allowance, Refused};
use super::reply::{Outcome, Reply};
use super::{admin, dispatch};
use crate::org::Org;

/// Largest body the org reads, as the service's own limit for JSON.
const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Serves the org.
pub(crate) fn router(org: Arc<Org>) -> Router {
    let sign_in = org.oauth.router().layer(middleware::from_fn_with_state(Arc::clone(&org), observe));
    Router::new().fallback(serve).with_state(org).merge(sign_in)
}

/// Enters requests to the authorization server in the ledger.
async fn observe(State(org): State<Arc<Org>>, request: Request, next: Next) -> Response {
    if !org.latency.is_zero() {
        org.clock.sleep(org.latency).await;
    }
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    let operation = method_of(&method).and_then(|method| oktant_catalog::route(method, uri.path()));
    org.ledger.record(RecordedRequest {
        sequence: 0,
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        operation: operation.map(|found| found.operation.id),
        status: response.status().as_u16(),
        bytes: response.body().size_hint().exact().unwrap_or_default() as usize,
    });
    response
}

async fn serve(State(org): State<Arc<Org>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        return Response::builder().status(StatusCode::PAYLOAD_TOO_LARGE).body(Body::empty()).unwrap_or_default();
    };
    if parts.uri.path().starts_with(admin::PREFIX) {
        return admin::answer(&org, &parts, &body);
    }
    if !org.latency.is_zero() {
        org.clock.sleep(org.latency).await;
    }
    answer(&org, &parts, body)
}

/// Answers a request of the API and enters it in the ledger.
fn answer(org: &Org, parts: &Parts, body: Bytes) -> Response {
    let exchange = Exchange::begin(org, parts);
    let found = find_operation(parts);
    let operation = found.as_ref().ok().map(|found| found.operation);
    let mut allowance = None;
    let outcome = found.and_then(|found| exchange.run(found, body, &mut allowance));
    let (response, bytes) = exchange.finish(outcome, allowance.as_ref());
    org.ledger.record(RecordedRequest {
        sequence: 0,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        operation: operation.map(|operation| operation.id),
        status: response.status().as_u16(),
        bytes,
    });
    response
}

/// A request being answered.
struct Exchange<'a> {
    org: &'a Org,
    parts: &'a Parts,
    host: &'a str,
    base: String,
    request_id: String,
    now: Timestamp,
}

impl<'a> Exchange<'a> {
    fn begin(org: &'a Org, parts: &'a Parts) -> Self {
        let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or("localhost");
        Self { org, parts, host, base: format!("http://{host}"), request_id: org.hex(16), now: org.clock.now() }
    }

    /// Checks credentials, rate limit and scopes, then runs the operation.
    fn run(&self, found: RouteMatch, body: Bytes, allowance: &mut Option<Allowance>) -> Outcome {
        let (org, operation) = (self.org, found.operation);
        let path = self.parts.uri.path();
        let url = format!("{}{path}", self.base);
        let headers = &self.parts.headers;
        let principal = auth::authenticate(operation, headers, &org.api_token, &org.oauth, &url)?;
        let admitted = self.admit(operation, &principal, allowance)?;
        auth::check_scopes(&principal, operation, self.host, path)?;
        let query = self.parts.uri.query().unwrap_or_default();
        let call = Call {
            org,
            operation,
            params: found.params,
            path,
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers,
            body,
            base: &self.base,
            principal,
            request_id: &self.request_id,
            now: self.now,
        };
        let outcome = dispatch::run(org, &call);
        drop(admitted);
        outcome
    }

    /// Takes one from the bucket's allowance and a place among the concurrent requests.
    fn admit(
        &self,
        operation: &'static Operation,
        _principal: &Principal,
        allowance: &mut Option<Allowance>,
    ) -> Result<super::limits::Place<'a>, ApiError> {
        let place = self.org.limits.enter().map_err(|Refused| {
            *allowance = Some(Allowance::concurrency(self.now));
            ApiError::new(errors::E0000047)
        })?;
        let taken = self.org.limits.take(operation.bucket, self.now);
        let refused = taken.refused;
        *allowance = Some(taken);
        if refused { Err(errors::E0000047.into()) } else { Ok(place) }
    }

    /// Lays the answer out with the headers that every answer has; also says how long the body is.
    fn finish(&self, outcome: Outcome, allowance: Option<&Allowance>) -> (Response, usize) {
        let reply = outcome.unwrap_or_else(|error| self.error_reply(error));
        let body = reply.body.unwrap_or_default();
        let bytes = body.len();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = reply.status;
        let all = response.headers_mut();
        headers::add_fixed(all, &self.request_id, self.now, reply.status != StatusCode::TOO_MANY_REQUESTS);
        if let Some(allowance) = allowance {
            add_allowance(all, allowance);
        }
        for (name, value) in reply.headers {
            all.append(name, value);
        }
        (response, bytes)
    }

    fn error_reply(&self, error: ApiError) -> Reply {
        let id = format!("oae{}", self.org.token(22));
        let mut reply = match error.body(&id) {
            Some(body) => Reply::json(&body),
            None => Reply::empty(),
        };
        reply.headers.extend(error.headers);
        reply.status(error.status)
    }
}

fn add_allowance(all: &mut http::HeaderMap, allowance: &Allowance) {
    let values = [
        ("x-rate-limit-limit", i64::from(allowance.limit)),
        ("x-rate-limit-remaining", i64::from(allowance.remaining)),
        ("x-rate-limit-reset", allowance.reset),
    ];
    for (name, value) in values {
        all.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// The operation a request addresses.
fn find_operation(parts: &Parts) -> Result<RouteMatch, ApiError> {
    let path = parts.uri.path();
    let method = method_of(&parts.method);
    let trailing_slash = path.len() > 1 && path.ends_with('/');
    let found = method.and_then(|method| oktant_catalog::route(method, path)).filter(|_| !trailing_slash);
    found.ok_or_else(|| {
        let known = !oktant_catalog::methods(path).is_empty();
        if known { errors::E0000022.into() } else { errors::E0000008.into() }
    })
}

fn method_of(method: &http::Method) -> Option<Method> {
    let all = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    all.into_iter().find(|known| known.as_str() == method.as_str())
}
