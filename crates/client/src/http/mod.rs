//! One HTTP stack for everything: the org's API and its token endpoint.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use parking_lot::RwLock;
use tracing::Instrument;
use url::Url;

mod failure;
pub(crate) mod limiter;
pub(crate) mod retry;
pub(crate) mod skew;
mod system;

use self::limiter::Report;
use self::skew::Skew;
use self::system::SystemService;
pub(crate) use self::system::read_file;
use crate::ledger::Outcome;
use crate::properties::Network;
pub(crate) use crate::service::Failure;
use crate::service::{HttpService, Request, Response};
use crate::{Edges, EntryId, Error, Ledger, StatementId, redact};

const PRODUCT: &str = concat!("oktant/", env!("CARGO_PKG_VERSION"), " rust/", env!("CARGO_PKG_RUST_VERSION"));

/// Characters of a body that a log shows.
const LOGGED_CHARS_MAX: usize = 4_096;

/// Sends single requests to the org's host and nowhere else, and books them.
#[derive(Debug)]
pub(crate) struct Transport {
    service: Arc<dyn HttpService>,
    base: Url,
    timeout: Option<Duration>,
    user_agent: HeaderValue,
    /// Of every request, unless it has its own.
    headers: RwLock<HeaderMap>,
    edges: Edges,
    skew: Arc<Skew>,
    ledger: Ledger,
}

/// One request, to be sent once.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) statement: Option<StatementId>,
    pub(crate) bucket: &'a str,
    /// Operation id, empty for none; and path template: what the request is, for logs.
    pub(crate) subject: (&'static str, &'a str),
    /// From 1.
    pub(crate) number: u32,
    /// What is left of the call's own time.
    pub(crate) time_left: Option<Duration>,
}

/// A whole answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) entry: EntryId,
}

impl Transport {
    pub(crate) fn new(
        base: Url,
        network: &Network,
        edges: &Edges,
        skew: Arc<Skew>,
        ledger: Ledger,
    ) -> Result<Self, Error> {
        let system = Arc::new(SystemService::new(&base, network, &edges.variables)?);
        let service = edges.layers.iter().rev().fold(system as Arc<dyn HttpService>, |inner, layer| layer.layer(inner));
        Ok(Self {
            service,
            base,
            timeout: network.timeout,
            user_agent: user_agent(network),
            headers: RwLock::new(network.headers.clone()),
            edges: edges.clone(),
            skew,
            ledger,
        })
    }

    /// Host and port of the org.
    pub(crate) fn host(&self) -> &str {
        self.base.authority()
    }

    /// The URL of a path of the org.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// The headers of every request, which are shared and may change.
    pub(crate) fn headers(&self) -> &RwLock<HeaderMap> {
        &self.headers
    }

    /// Sends one request and reads its answer whole.
    pub(crate) async fn send(&self, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        let (operation, template) = attempt.subject;
        let span = tracing::debug_span!(
            "okta.request",
            operation_id = operation,
            method = attempt.method,
            path_template = template,
            attempt = attempt.number,
            bucket = attempt.bucket,
            status = tracing::field::Empty,
            request_id = tracing::field::Empty,
            remaining = tracing::field::Empty,
            elapsed_ms = tracing::field::Empty,
        );
        self.send_in_span(attempt).instrument(span).await
    }

    async fn send_in_span(&self, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        self.check_host(attempt.url)?;
        let request = self.request(&attempt);
        log_body("request body", &request.headers, request.body.as_deref().unwrap_or_default());
        let sent_at = self.edges.clock.now();
        let result = self.service.send(request).await;
        let now = self.edges.clock.now();
        let elapsed = (now - sent_at).to_std().unwrap_or(Duration::ZERO);
        log_outcome(&result, elapsed);
        let entry = self.ledger.write(Outcome {
            statement: attempt.statement,
            method: attempt.method,
            path: attempt.url.path().to_owned(),
            query: redact::query(attempt.url.query().unwrap_or_default()),
            status: result.as_ref().ok().map(|response| response.status),
            attempt: attempt.number,
            sent_at,
            elapsed,
            bytes: result.as_ref().map_or(0, |response| response.body.len() as u64),
            bucket: attempt.bucket.to_owned(),
        });
        let Response { status, headers, body } = result?;
        self.skew.learn(&headers, now);
        Ok(Answer { status, headers, body, entry })
    }

    fn request(&self, attempt: &Attempt<'_>) -> Request {
        let mut headers = attempt.headers.clone();
        let mut default = |name: &HeaderName, value: &HeaderValue| {
            headers.entry(name).or_insert_with(|| value.clone());
        };
        self.headers.read().iter().for_each(|(name, value)| default(name, value));
        default(&USER_AGENT, &self.user_agent);
        let time_allowed = [self.timeout, attempt.time_left].into_iter().flatten().min();
        Request { method: attempt.method, url: attempt.url.clone(), headers, body: attempt.body.clone(), time_allowed }
    }

    fn check_host(&self, url: &Url) -> Result<(), Failure> {
        if url.origin() == self.base.origin() {
            return Ok(());
        }
        let mut shown = url.clone();
        shown.set_query(None);
        let error = Error::ForeignHost { url: shown.to_string(), org: self.host().to_owned() };
        Err(Failure { error, unsent: true, transient: false })
    }
}

/// `oktant/<version> rust/<version> <os>/<architecture>`, and what the properties append.
fn user_agent(network: &Network) -> HeaderValue {
    let mut text = format!("{PRODUCT} {}/{}", std::env::consts::OS, std::env::consts::ARCH);
    if let Some(extra) = &network.user_agent {
        text.push(' ');
        text.push_str(extra);
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(PRODUCT))
}

fn log_outcome(result: &Result<Response, Failure>, elapsed: Duration) {
    let span = tracing::Span::current();
    span.record("elapsed_ms", elapsed.as_millis() as u64);
    match result {
        Ok(response) => {
            span.record("status", response.status);
            if let Some(id) = request_id(&response.headers) {
                span.record("request_id", id);
            }
            if let Some(report) = Report::read(&response.headers) {
                span.record("remaining", report.remaining);
            }
            tracing::debug!(bytes = response.body.len(), "answered");
            log_body("answer body", &response.headers, &response.body);
        }
        Err(failure) => tracing::debug!(error = %failure.error, "failed"),
    }
}

/// Bodies are logged at the finest level only, and with their secrets masked.
fn log_body(what: &'static str, headers: &HeaderMap, body: &[u8]) {
    if !body.is_empty() && tracing::enabled!(tracing::Level::TRACE) {
        tracing::trace!(body = redact::logged(headers, body, LOGGED_CHARS_MAX), "{what}");
    }
}

/// The org's id of an answer.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-okta-request-id")?.to_str().ok().map(ToOwned::to_owned)
}
