//! One request from its first byte to the ledger.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use oktant_base::Timestamp;
use oktant_catalog::{Method, Operation, RouteMatch};
use url::form_urlencoded;

use super::auth;
use super::call::Call;
use super::errors::{self, ApiError};
use super::faults::Effect;
use super::headers;
use super::ledger::RecordedRequest;
use super::limits::Allowance;
use super::reply::{Outcome, Reply};
use super::{admin, dispatch, unlisted};
use crate::org::Org;

/// Largest body the org reads, as the service's own limit for JSON.
pub(crate) const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Serves the org.
pub(crate) fn router(org: Arc<Org>) -> Router {
    let sign_in = org.oauth.router().layer(middleware::from_fn_with_state(Arc::clone(&org), observe));
    Router::new().fallback(serve).with_state(org).merge(sign_in)
}

/// Enters requests to the authorization server in the ledger.
async fn observe(State(org): State<Arc<Org>>, request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let effect = org.traffic.faults.strike(method.as_str(), uri.path(), uri.query().unwrap_or_default());
    let delay = org.latency + effect.as_ref().map_or(Duration::ZERO, Effect::delay);
    if !delay.is_zero() {
        org.clock.sleep(delay).await;
    }
    let (parts, body) = request.into_parts();
    let struck = effect.as_ref().and_then(|effect| effect.instead(false));
    let response = if let Some(error) = struck {
        Exchange::begin(&org, &parts).finish(Err(error), None).0
    } else {
        let head = parts.clone();
        let answered = caught(next.run(Request::from_parts(parts, body)).map(Ok)).await;
        answered.unwrap_or_else(|error| Exchange::begin(&org, &head).finish(Err(error), None).0)
    };
    let operation = method_of(&method).and_then(|method| oktant_catalog::route(method, uri.path()));
    let bytes = response.body().size_hint().exact().unwrap_or_default() as usize;
    org.traffic.ledger.record(RecordedRequest {
        sequence: 0,
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        operation: operation.map(|found| found.operation.id),
        status: response.status().as_u16(),
        bytes,
    });
    match effect {
        Some(effect @ Effect::Disconnect) => broken_off(&effect, response, bytes),
        _ => response,
    }
}

async fn serve(State(org): State<Arc<Org>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        return Response::builder().status(StatusCode::PAYLOAD_TOO_LARGE).body(Body::empty()).unwrap_or_default();
    };
    if parts.uri.path().starts_with(admin::PREFIX) {
        return admin::answer(&org, &parts, &body);
    }
    let place = org.limits.enter();
    let effect = strike(&org, &parts);
    let delay = org.latency + effect.as_ref().map_or(Duration::ZERO, Effect::delay);
    if !delay.is_zero() {
        org.clock.sleep(delay).await;
    }
    answer(&org, &parts, body, place.is_ok(), effect.as_ref()).await
}

/// What a fault does to the request, if one strikes it.
fn strike(org: &Org, parts: &Parts) -> Option<Effect> {
    org.traffic.faults.strike(parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default())
}

/// Answers a request of the API and enters it in the ledger.
async fn answer(org: &Org, parts: &Parts, body: Bytes, has_place: bool, effect: Option<&Effect>) -> Response {
    let exchange = Exchange::begin(org, parts);
    let found = find_operation(parts);
    let operation = found.as_ref().ok().map(|found| found.operation);
    let mut allowance = None;
    let outcome = match effect.and_then(|effect| exchange.struck(effect, &mut allowance)) {
        Some(error) => Err(error),
        None => match found {
            Ok(found) => caught(exchange.run(found, body, has_place, &mut allowance)).await,
            Err(error) => Err(error),
        },
    };
    let url = format!("{}{}", exchange.base, parts.uri);
    let outcome = match effect {
        Some(effect) => outcome.map(|reply| effect.spoil(reply, &url)),
        None => outcome,
    };
    let (response, bytes) = exchange.finish(outcome, allowance.as_ref());
    org.traffic.ledger.record(RecordedRequest {
        sequence: 0,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        operation: operation.map(|operation| operation.id),
        status: response.status().as_u16(),
        bytes,
    });
    match effect {
        Some(effect) => broken_off(effect, response, bytes),
        None => response,
    }
}

/// What an answer in the making comes to; 500 if it panics, as a service that fails answers.
async fn caught<T>(answer: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| Err(errors::E0000009.into()))
}

/// The response with its connection ended, if the effect does that.
pub(crate) fn broken_off(effect: &Effect, response: Response, bytes: usize) -> Response {
    match effect {
        Effect::Truncate { bytes: kept } => cut(response, kept.unwrap_or(bytes / 2), bytes),
        Effect::Disconnect => {
            // A body that fails before it begins takes the head, which is still unsent, along.
            let failure =
                futures::stream::once(async { Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionAborted)) });
            Response::new(Body::from_stream(failure))
        }
        _ => response,
    }
}

/// The response with a body that breaks off after `kept` of `bytes` bytes.
fn cut(response: Response, kept: usize, bytes: usize) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    let start = futures::stream::once(async move {
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(io::Error::other)?;
        Ok(body.slice(..kept.min(body.len())))
    });
    let end = futures::stream::once(async {
        // The server writes out what it has while the body is not ready; without this pause it would
        // drop the start together with the connection.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let broken = start.chain(end);
    Response::from_parts(parts, Body::from_stream(broken))
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

    /// The error of a fault that prevents the operation.
    fn struck(&self, effect: &Effect, allowance: &mut Option<Allowance>) -> Option<ApiError> {
        match effect {
            Effect::Concurrency => *allowance = Some(Allowance::concurrency(self.now)),
            Effect::Status { status: 429, reset_seconds } => {
                *allowance = Some(Allowance::used_up(self.now, *reset_seconds));
            }
            _ => {}
        }
        effect.instead(self.has_api_token())
    }

    fn has_api_token(&self) -> bool {
        let credentials = self.parts.headers.get(header::AUTHORIZATION);
        credentials.is_some_and(|value| value.as_bytes().starts_with(b"SSWS"))
    }

    /// Checks credentials, rate limit and scopes, then runs the operation.
    async fn run(&self, found: RouteMatch, body: Bytes, has_place: bool, allowance: &mut Option<Allowance>) -> Outcome {
        let (org, operation) = (self.org, found.operation);
        let path = self.parts.uri.path();
        let url = format!("{}{path}", self.base);
        let headers = &self.parts.headers;
        let principal = auth::authenticate(operation, headers, &org.api_token, &org.oauth, &url)?;
        self.admit(operation, has_place, allowance)?;
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
        dispatch::run(org, &call).await
    }

    /// Takes one from the bucket's allowance.
    ///
    /// # Errors
    ///
    /// 429 if the bucket is used up, or if too many requests are in flight.
    fn admit(
        &self,
        operation: &'static Operation,
        has_place: bool,
        allowance: &mut Option<Allowance>,
    ) -> Result<(), ApiError> {
        if !has_place {
            *allowance = Some(Allowance::concurrency(self.now));
            return Err(errors::E0000047.into());
        }
        let taken = self.org.limits.take(operation.bucket, self.now);
        *allowance = Some(taken);
        if taken.refused { Err(errors::E0000047.into()) } else { Ok(()) }
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
    // A slash at the end changes nothing (recorded of `/api/v1/api-tokens/`).
    let found = method.and_then(|method| oktant_catalog::route(method, path));
    let found = found.or_else(|| unlisted::find(&parts.method, path));
    found.ok_or_else(|| {
        let known = !oktant_catalog::methods(path).is_empty();
        if known { errors::E0000022.into() } else { errors::E0000008.into() }
    })
}

fn method_of(method: &http::Method) -> Option<Method> {
    let all = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    all.into_iter().find(|known| known.as_str() == method.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let texts: Vec<&str> = Vec::new();
        let answer = caught(async { Ok(texts[0]) }).await;
        assert_eq!(answer.unwrap_err().status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(caught(async { Ok(1) }).await.unwrap(), 1);
    }
}
