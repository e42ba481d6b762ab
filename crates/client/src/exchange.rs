//! The one loop that answers a call.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::{Secret, Timestamp};
use oktant_catalog::Method;
use url::Url;

use crate::cache::{Cache, CacheUse, CachedReply, Lookup};
use crate::call::RESERVED_HEADERS;
use crate::error::ApiError;
use crate::http::retry::{self, Cause};
use crate::http::{Answer, Attempt, Failure, request_id};
use crate::org::{Inner, Reply};
use crate::{Call, EntryId, Error, Phase};

/// Times that a nonce asked for by the org is taken up in one call.
const NONCE_ROUNDS: u32 = 2;

/// One call on its way through its attempts.
pub(crate) struct Exchange<'a> {
    org: &'a Inner,
    call: &'a Call,
    url: Url,
    headers: HeaderMap,
    bucket: String,
    /// The call's own deadline, or the end of the time that any call may take.
    deadline: Option<Timestamp>,
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
    pub(crate) fn new(org: &'a Inner, call: &'a Call) -> Result<Self, Error> {
        call.check()?;
        let mut url = org.transport.url(&call.resolved_path()?);
        url.set_query(call.query_string().as_deref());
        let bucket = call.bucket();
        let headers = headers(call, &org.transport.headers().read())?;
        let budget = org.properties.network.total_timeout.map(|budget| org.edges.clock.now() + budget);
        Ok(Self {
            org,
            call,
            url,
            headers,
            bucket,
            deadline: [call.deadline, budget].into_iter().flatten().min(),
            attempts: 0,
            repeats: 0,
            nonce_rounds: 0,
            renewed: false,
            first_failure: None,
        })
    }

    /// Answers the call from the cache or from the org.
    pub(crate) async fn run(mut self) -> Result<Reply, Error> {
        let Some(cache) = self.org.cache() else { return self.ask().await };
        if self.call.method != Method::Get {
            // Once before, since whoever waits for the answer may give up and the org does it all the same.
            cache.invalidate(self.url.path()).await;
            let result = self.ask().await;
            // Also after an error: the org may have done what was asked.
            cache.invalidate(self.url.path()).await;
            return result;
        }
        if self.call.cache == CacheUse::Bypass {
            return self.ask().await;
        }
        self.ask_through(cache).await
    }

    async fn ask_through(&mut self, cache: &Cache) -> Result<Reply, Error> {
        let key = cache.key(&self.url, &self.headers);
        let known = match cache.look_up(&key, self.call.cache == CacheUse::Refresh).await {
            Lookup::Hit(known) => {
                tracing::debug!(path = self.call.template, "answered from the cache");
                return Ok(self.remembered(known, None));
            }
            Lookup::Stale(known) => Some(known),
            Lookup::Miss => None,
        };
        if let Some(etag) = known.as_ref().and_then(|known| known.headers.get(ETAG)) {
            self.headers.insert(IF_NONE_MATCH, etag.clone());
        }
        let path = self.url.path().to_owned();
        let reading = cache.begin_reading(&path);
        let reply = self.ask().await?;
        let reply = match known {
            Some(known) if reply.status == NOT_MODIFIED => self.remembered(known, Some(reply.entry)),
            _ => reply,
        };
        if (200..300).contains(&reply.status) {
            reading.keep(&key, reply.status, &reply.headers, &reply.body).await;
        }
        Ok(reply)
    }

    /// An answer that was kept; `entry` is that of the request which found it unchanged.
    fn remembered(&self, known: CachedReply, entry: Option<EntryId>) -> Reply {
        let CachedReply { status, headers, body, .. } = known;
        let entry = entry.unwrap_or(EntryId::NONE);
        Reply { status, headers, body, entry, attempts: self.attempts, from_cache: true, bucket: self.bucket.clone() }
    }

    async fn ask(&mut self) -> Result<Reply, Error> {
        loop {
            match self.attempt().await? {
                Step::Done(reply) => return Ok(reply),
                Step::Again(wait) if wait.is_zero() => {}
                Step::Again(wait) => self.org.edges.clock.sleep(wait).await,
            }
        }
    }

    async fn attempt(&mut self) -> Result<Step, Error> {
        let ticket = self.in_time(self.org.limiter.acquire(&self.bucket, self.deadline)).await?;
        let authorization = self.in_time(self.org.authenticator.authorize(self.method(), &self.url)).await?;
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
            subject: (self.call.operation.map_or("", |operation| operation.id), &self.call.template),
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
        let is_unchanged = answer.status == NOT_MODIFIED && self.headers.contains_key(IF_NONE_MATCH);
        if (200..300).contains(&answer.status) || is_unchanged {
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
                && self.in_time(self.org.authenticator.renew(token)).await?
            {
                return Ok(Step::Again(Duration::ZERO));
            }
        }
        let is_final = answer.status == 504 && self.call.overload_is_final;
        let cause = retry::cause(answer.status, &answer.headers, self.call.is_repeatable());
        let Some(cause) = cause.filter(|_| !is_final) else {
            return Err(self.refusal(&answer));
        };
        let server_now = self.org.skew.server_time(self.org.edges.clock.now());
        let wait = retry::wait(cause, &answer.headers, self.repeats, server_now, &*self.org.edges.entropy);
        self.repeat(wait, &answer.status).ok_or_else(|| self.exhausted(cause, wait, &answer))
    }

    fn judge_failure(&mut self, failure: Failure) -> Result<Step, Error> {
        let repeatable = failure.transient && (failure.unsent || self.call.is_repeatable());
        if !repeatable || self.repeats >= failure.repeats_max(self.org.properties.network.retries) {
            return Err(failure.error);
        }
        let now = self.org.edges.clock.now();
        let wait = retry::wait(Cause::Outage, &HeaderMap::new(), self.repeats, now, &*self.org.edges.entropy);
        self.repeat(wait, &failure.error).ok_or(failure.error)
    }

    /// Books one more repeat after `wait`, unless that is too many or too late.
    fn repeat(&mut self, wait: Duration, reason: &dyn std::fmt::Display) -> Option<Step> {
        let too_many = self.repeats >= self.org.properties.network.retries;
        if too_many || wait > self.org.properties.network.backoff_max || self.is_past_deadline(wait) {
            return None;
        }
        self.repeats += 1;
        tracing::info!(
            method = self.method(),
            path = self.call.template,
            %reason,
            attempt = self.attempts + 1,
            wait_ms = wait.as_millis() as u64,
            "the request is repeated"
        );
        Some(Step::Again(wait))
    }

    fn is_past_deadline(&self, wait: Duration) -> bool {
        self.deadline.is_some_and(|deadline| self.org.edges.clock.now() + wait > deadline)
    }

    /// What comes of `work`, unless the deadline comes first.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(left) = self.time_left()? else { return work.await };
        tokio::select! {
            biased;
            result = work => result,
            () = self.org.edges.clock.sleep(left) => Err(self.timeout(left)),
        }
    }

    fn time_left(&self) -> Result<Option<Duration>, Error> {
        let Some(deadline) = self.deadline else { return Ok(None) };
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
        Ok(Reply {
            status,
            headers,
            body,
            entry,
            attempts: self.attempts,
            from_cache: false,
            bucket: self.bucket.clone(),
        })
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

const NOT_MODIFIED: u16 = 304;

/// The headers of every attempt: those of the call, over those of every call, over the defaults.
fn headers(call: &Call, of_every_call: &HeaderMap) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in of_every_call {
        headers.insert(name.clone(), value.clone());
    }
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
