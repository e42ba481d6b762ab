//! An open org, and the one loop that answers a call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::{Secret, Timestamp, limits};
use url::Url;

use crate::auth::{self, Authenticator};
use crate::error::ApiError;
use crate::http::limiter::Limiter;
use crate::http::retry::{self, Cause};
use crate::http::skew::Skew;
use crate::http::{Answer, Attempt, Failure, Transport, request_id};
use crate::pages::{self, Pages};
use crate::{Call, Edges, EntryId, Error, Ledger, Phase, Properties, RateLimit};

/// Times that a nonce asked for by the org is taken up in one call.
const NONCE_ROUNDS: u32 = 2;

/// Headers that a call may not set: they carry the credentials or frame the message.
const RESERVED_HEADERS: &[&str] = &["authorization", "content-length", "cookie", "dpop", "host", "transfer-encoding"];

/// An org that calls can be sent to. Clones share connections, credentials, limits and ledger.
#[derive(Debug, Clone)]
pub struct Org(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    properties: Properties,
    edges: Edges,
    transport: Arc<Transport>,
    authenticator: Authenticator,
    limiter: Arc<Limiter>,
    skew: Arc<Skew>,
    ledger: Ledger,
}

/// The answer to a call.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body after decompression.
    pub body: Bytes,
    /// Its entry in the ledger.
    pub entry: EntryId,
    /// Attempts it took, from 1.
    pub attempts: u32,
}

impl Org {
    /// Opens the org that `properties` name. Signing in that needs a person happens here.
    ///
    /// # Errors
    ///
    /// What the properties, the settings store or the authorization server object to.
    pub async fn connect(properties: &Properties, edges: Edges) -> Result<Self, Error> {
        let ledger = Ledger::default();
        let skew = Arc::new(Skew::default());
        let network = &properties.network;
        let transport = Arc::new(Transport::new(
            properties.org.clone(),
            network,
            edges.clock.clone(),
            skew.clone(),
            ledger.clone(),
        )?);
        let limiter =
            Limiter::new(network.parallelism, network.rate_limit_share_percent, edges.clock.clone(), skew.clone());
        let authenticator = auth::connect(properties, &edges, &transport, &skew).await?;
        let properties = properties.clone();
        Ok(Self(Arc::new(Inner { properties, edges, transport, authenticator, limiter, skew, ledger })))
    }

    /// Begins a sign-in for a browser on another machine: the address to visit there. The code in the
    /// address that the browser ends at goes into `OAuthVerifier`, with the same `OAuthSettingsLocation`.
    ///
    /// # Errors
    ///
    /// What the properties or the settings store object to.
    pub async fn authorization_url(properties: &Properties, edges: &Edges) -> Result<Url, Error> {
        let skew = Arc::new(Skew::default());
        let (org, network) = (properties.org.clone(), &properties.network);
        let transport = Transport::new(org, network, edges.clock.clone(), skew.clone(), Ledger::default())?;
        auth::authorization_url(properties, edges, &Arc::new(transport), &skew).await
    }

    /// Sends `call` and waits for its answer.
    ///
    /// Rate limits are kept and waited for; failures that may be repeated safely are; a token
    /// that the org no longer accepts is renewed once.
    ///
    /// # Errors
    ///
    /// See [`Error`]; an answer outside 200 to 299 is [`Error::Api`].
    pub async fn send(&self, call: Call) -> Result<Reply, Error> {
        Exchange::new(&self.0, &call)?.run().await
    }

    /// Streams the pages of a list. The next page is requested while the consumer works on the
    /// current one; dropping the stream cancels it.
    pub fn pages(&self, call: Call) -> Pages {
        pages::stream(self.clone(), call)
    }

    /// Streams the pages of a list without reading ahead: a page is requested when it is asked for.
    pub fn pages_on_demand(&self, call: Call) -> Pages {
        pages::stream_on_demand(self.clone(), call)
    }

    /// The requests made so far.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The properties that the org was opened with.
    pub fn properties(&self) -> &Properties {
        &self.0.properties
    }

    /// Where the tokens of a person's sign-in are kept: a path or a `memory://` name.
    /// `None` for credentials that need no store.
    pub fn settings_location(&self) -> Option<String> {
        self.0.authenticator.store_location()
    }

    /// Every rate-limit bucket that the org has reported.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        self.0.limiter.rate_limits()
    }
}

/// One call on its way through its attempts.
struct Exchange<'a> {
    org: &'a Inner,
    call: &'a Call,
    url: Url,
    headers: HeaderMap,
    bucket: String,
    attempts: u32,
    repeats: u32,
    nonce_rounds: u32,
    renewed: bool,
    /// Request id of the first failed answer, sent along with every repeat.
    first_failure: Option<String>,
}

enum Step {
    Done(Reply),
    Again(Duration),
}

impl<'a> Exchange<'a> {
    fn new(org: &'a Inner, call: &'a Call) -> Result<Self, Error> {
        call.check()?;
        let mut url = org.transport.url(&call.resolved_path()?);
        url.set_query(call.query_string().as_deref());
        let bucket = call.bucket();
        let headers = headers(call)?;
        Ok(Self {
            org,
            call,
            url,
            headers,
            bucket,
            attempts: 0,
            repeats: 0,
            nonce_rounds: 0,
            renewed: false,
            first_failure: None,
        })
    }

    async fn run(mut self) -> Result<Reply, Error> {
        loop {
            match self.attempt().await? {
                Step::Done(reply) => return Ok(reply),
                Step::Again(wait) if wait.is_zero() => {}
                Step::Again(wait) => self.org.edges.clock.sleep(wait).await,
            }
        }
    }

    async fn attempt(&mut self) -> Result<Step, Error> {
        let ticket = self.org.limiter.acquire(&self.bucket, self.call.deadline).await?;
        let authorization = self.org.authenticator.authorize(self.method(), &self.url).await?;
        self.attempts += 1;
        let mut headers = self.headers.clone();
        headers.extend(authorization.headers);
        self.mark_repeat(&mut headers);
        let attempt = Attempt {
            method: self.method(),
            url: &self.url,
            headers,
            body: self.call.body.as_ref().map(|body| body.bytes.clone()),
            statement: self.call.statement,
            bucket: &self.bucket,
            number: self.attempts,
            time_left: self.time_left()?,
        };
        match self.org.transport.send(attempt).await {
            Ok(answer) => {
                ticket.answered(&self.bucket, &answer.headers);
                self.judge(answer, authorization.token.as_ref()).await
            }
            Err(failure) => {
                drop(ticket);
                self.judge_failure(failure)
            }
        }
    }

    async fn judge(&mut self, answer: Answer, token: Option<&Secret>) -> Result<Step, Error> {
        if (200..300).contains(&answer.status) {
            return self.accept(answer).map(Step::Done);
        }
        if self.first_failure.is_none() {
            self.first_failure = request_id(&answer.headers);
        }
        if self.org.authenticator.takes_nonce(&answer) && self.nonce_rounds < NONCE_ROUNDS {
            self.nonce_rounds += 1;
            return Ok(Step::Again(Duration::ZERO));
        }
        if answer.status == 401 && !self.renewed && !feature_missing(&answer) {
            self.renewed = true;
            if let Some(token) = token
                && self.org.authenticator.renew(token).await?
            {
                return Ok(Step::Again(Duration::ZERO));
            }
        }
        let idempotent = self.call.method.is_idempotent();
        let Some(cause) = retry::cause(answer.status, &answer.headers, idempotent) else {
            return Err(self.refusal(&answer));
        };
        let server_now = self.org.skew.server_time(self.org.edges.clock.now());
        let wait = retry::wait(cause, &answer.headers, self.repeats, server_now, &*self.org.edges.entropy);
        self.repeat(wait).ok_or_else(|| self.exhausted(cause, wait, &answer))
    }

    fn judge_failure(&mut self, failure: Failure) -> Result<Step, Error> {
        let repeatable = failure.transient && (failure.unsent || self.call.method.is_idempotent());
        if !repeatable {
            return Err(failure.error);
        }
        let now = self.org.edges.clock.now();
        let wait = retry::wait(Cause::Outage, &HeaderMap::new(), self.repeats, now, &*self.org.edges.entropy);
        self.repeat(wait).ok_or(failure.error)
    }

    /// Books one more repeat after `wait`, unless that is too many or too late.
    fn repeat(&mut self, wait: Duration) -> Option<Step> {
        let too_many = self.repeats >= self.org.properties.network.retries;
        if too_many || wait > limits::BACKOFF_MAX || self.is_past_deadline(wait) {
            return None;
        }
        self.repeats += 1;
        Some(Step::Again(wait))
    }

    fn is_past_deadline(&self, wait: Duration) -> bool {
        self.call.deadline.is_some_and(|deadline| self.org.edges.clock.now() + wait > deadline)
    }

    fn time_left(&self) -> Result<Option<Duration>, Error> {
        let Some(deadline) = self.call.deadline else { return Ok(None) };
        let left = (deadline - self.org.edges.clock.now()).to_std().unwrap_or(Duration::ZERO);
        if left.is_zero() {
            return Err(self.timeout(Duration::ZERO));
        }
        Ok(Some(left))
    }

    fn exhausted(&self, cause: Cause, wait: Duration, answer: &Answer) -> Error {
        let retry_at: Timestamp = self.org.edges.clock.now() + wait;
        match cause {
            Cause::RateLimit | Cause::Concurrency => {
                Error::RateLimited { bucket: self.bucket.clone(), retry_at, concurrent: cause == Cause::Concurrency }
            }
            Cause::Outage if self.is_past_deadline(wait) => self.timeout(wait),
            Cause::Outage => self.refusal(answer),
        }
    }

    fn timeout(&self, after: Duration) -> Error {
        Error::Timeout {
            method: self.method().to_owned(),
            path: self.url.path().to_owned(),
            phase: Phase::Waiting,
            after,
        }
    }

    fn accept(&self, answer: Answer) -> Result<Reply, Error> {
        let media_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_page = media_type.starts_with("text/html") && self.wants_json();
        if is_page {
            return Err(Error::Decode {
                method: self.method().to_owned(),
                path: self.url.path().to_owned(),
                reason: "it is a web page, not JSON".to_owned(),
                request_id: request_id(&answer.headers),
            });
        }
        let Answer { status, headers, body, entry } = answer;
        Ok(Reply { status, headers, body, entry, attempts: self.attempts })
    }

    fn wants_json(&self) -> bool {
        self.headers.get(ACCEPT).is_some_and(|accept| accept == "application/json")
    }

    fn refusal(&self, answer: &Answer) -> Error {
        if let Some(scopes) = missing_scopes(answer) {
            let named = if scopes.is_empty() { self.call.scopes() } else { scopes };
            return Error::Scope { scopes: named, method: self.method().to_owned(), path: self.url.path().to_owned() };
        }
        let mut error = ApiError::read(answer.status, &answer.body);
        if error.summary.is_empty() {
            error.summary = challenge(answer, "error_description").unwrap_or_default();
        }
        Box::new(ApiError {
            request_id: request_id(&answer.headers),
            method: self.method().to_owned(),
            path: self.url.path().to_owned(),
            attempts: self.attempts,
            api_token: self.org.authenticator.is_api_token(),
            ..error
        })
        .into()
    }

    fn mark_repeat(&self, headers: &mut HeaderMap) {
        if self.repeats == 0 {
            return;
        }
        if let Some(id) = self.first_failure.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert("x-okta-retry-for", id);
        }
        headers.insert("x-okta-retry-count", HeaderValue::from(self.repeats));
    }

    fn method(&self) -> &'static str {
        self.call.method.as_str()
    }
}

/// The headers of every attempt: what the call asks for, and the defaults it did not replace.
fn headers(call: &Call) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(media_type) = call.accepted_media_type() {
        headers.insert(ACCEPT, HeaderValue::from_static(media_type));
    }
    let given = call
        .headers
        .iter()
        .filter(|(name, _)| !RESERVED_HEADERS.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)));
    let media_type = call.body.as_ref().map(|body| ("content-type".to_owned(), body.media_type.clone()));
    for (name, value) in media_type.iter().chain(given) {
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
        let (Ok(name), Ok(value)) = parsed else {
            return Err(call.wrong(format!("header {name} holds characters that a header cannot hold")));
        };
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The scopes that a 403 says are missing: possibly none by name.
fn missing_scopes(answer: &Answer) -> Option<String> {
    let insufficient = challenge(answer, "error").is_some_and(|error| error == "insufficient_scope");
    (answer.status == 403 && insufficient).then(|| challenge(answer, "scope").unwrap_or_default())
}

/// One attribute of `WWW-Authenticate` (RFC 6750, 3).
fn challenge(answer: &Answer, attribute: &str) -> Option<String> {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).find_map(|value| quoted(value, attribute))
}

/// The quoted value of `attribute` in a list of `name="value"` pairs.
fn quoted(text: &str, attribute: &str) -> Option<String> {
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let name = rest[..at].rsplit([' ', ',']).next().unwrap_or_default();
        let value = rest[at + 1..].strip_prefix('"')?;
        let end = value.find('"')?;
        if name.eq_ignore_ascii_case(attribute) {
            return Some(value[..end].to_owned());
        }
        rest = &value[end + 1..];
    }
    None
}

/// Okta answers 401 for a feature that the org lacks; no token helps there.
fn feature_missing(answer: &Answer) -> bool {
    ApiError::read(answer.status, &answer.body).code == "E0000015"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let text = "Bearer authorization_uri=\"http://a/oauth2/v1/authorize\", realm=\"http://a\", \
                    scope=\"okta.groups.read\", error=\"insufficient_scope\", error_description=\"a, b = c.\"";
        assert_eq!(quoted(text, "scope").as_deref(), Some("okta.groups.read"));
        assert_eq!(quoted(text, "error").as_deref(), Some("insufficient_scope"));
        assert_eq!(quoted(text, "error_description").as_deref(), Some("a, b = c."));
        assert_eq!(quoted(text, "nonce"), None);
        assert_eq!(quoted("Basic", "scope"), None);
    }
}
