//! Requests to the outside, all of them through the egress guard.
//!
//! One request is one call of [`Http::send`]: redirects are followed here, so that each target is
//! checked, and so that credentials never leave the origin they were meant for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Method};
use oktant_base::{Clock, Timestamp, limits};
use url::Url;

use crate::Error;
use crate::guard::{Guard, Lookup, Resolver};

/// Redirects that one request follows.
const REDIRECTS_MAX: u32 = 5;

/// Time for opening a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// One request. Credentials stand apart from the headers, because they stay with the origin.
#[derive(Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, without credentials.
    pub headers: HeaderMap,
    /// What lets it in; sent to the origin of `url` alone.
    pub credentials: HeaderMap,
    /// Its body, if it has one.
    pub body: Option<Bytes>,
    /// Time for the answer.
    pub timeout: Duration,
    /// Whether redirects are followed.
    pub follows: bool,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: Url, timeout: Duration) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            credentials: HeaderMap::new(),
            body: None,
            timeout,
            follows: true,
        }
    }
}

impl fmt::Debug for Request {
    /// Without query, headers and body, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = format!("{}{}", self.url.authority(), self.url.path());
        f.debug_struct("Request").field("method", &self.method).field("target", &target).finish_non_exhaustive()
    }
}

/// A whole answer of any status.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body after decompression.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    /// Without the body, which may hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.len();
        f.debug_struct("Response").field("status", &self.status).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl Response {
    /// Whether the status says that the request was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long the service asks to wait: `Retry-After` in seconds or as a date, or the instants in which some
    /// services tell when a limit starts anew.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        if let Some(value) = text(RETRY_AFTER.as_str()) {
            if let Ok(seconds) = value.parse() {
                return Some(Duration::from_secs(seconds));
            }
            let until = chrono::DateTime::parse_from_rfc2822(value).ok()?;
            return Some((until.to_utc() - now).to_std().unwrap_or_default());
        }
        let reset = ["x-rate-limit-reset", "x-ratelimit-reset"].iter().find_map(|name| text(name))?;
        let until = Timestamp::from_timestamp(reset.parse().ok()?, 0)?;
        Some((until - now).to_std().unwrap_or_default())
    }
}

/// Sends requests to addresses that the guard lets through.
#[derive(Debug, Clone)]
pub struct Http {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
    /// Connects to public addresses only.
    guarded: reqwest::Client,
    /// Connects to what the guard excepts.
    excepted: reqwest::Client,
}

impl Http {
    /// A sender with the rules of `guard` and names from `lookup`.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the machine's TLS certificates cannot be read.
    pub fn new(guard: Guard, lookup: Arc<dyn Lookup>) -> Result<Self, Error> {
        let client = |open| {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                // A proxy would resolve names by itself, and reach what is refused here.
                .no_proxy()
                .dns_resolver(Arc::new(Resolver::new(Arc::clone(&lookup), open)))
                .connect_timeout(CONNECT_TIME)
                .tcp_nodelay(true)
                .user_agent(concat!("oktant/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| Error::setting(error.to_string(), "check the machine's certificates"))
        };
        let (guarded, excepted) = (client(false)?, client(true)?);
        Ok(Self { guard: Arc::new(guard), lookup, guarded, excepted })
    }

    /// The rules in force.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Where names are found.
    pub fn lookup(&self) -> &dyn Lookup {
        &*self.lookup
    }

    /// Sends a request, follows its redirects, and reads the answer whole. A redirect that would take a body to
    /// another origin is the answer itself: a body may hold what is meant for its receiver alone.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], [`Error::Unreachable`], or [`Error::Unreadable`] for an answer that is too large or whose
    /// redirects do not end. An answer of any status is none.
    pub async fn send(&self, mut request: Request) -> Result<Response, Error> {
        let origin = request.url.origin();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send_once(&request, request.url.origin() == origin).await?;
            let target = response.headers.get(LOCATION).and_then(|target| target.to_str().ok());
            let Some(target) =
                target.filter(|_| request.follows && matches!(response.status, 301 | 302 | 303 | 307 | 308))
            else {
                return Ok(response);
            };
            let next = redirected(request.clone(), response.status, target)?;
            if next.body.is_some() && next.url.origin() != request.url.origin() {
                return Ok(response);
            }
            request = next;
        }
        Err(unreadable(&request.url, "its redirects do not end".to_owned()))
    }

    async fn send_once(&self, request: &Request, with_credentials: bool) -> Result<Response, Error> {
        self.guard.check_url(&request.url)?;
        let client = if self.guard.excepts(&request.url) { &self.excepted } else { &self.guarded };
        let mut headers = request.headers.clone();
        if with_credentials {
            headers.extend(request.credentials.clone());
        }
        let mut builder =
            client.request(request.method.clone(), request.url.clone()).headers(headers).timeout(request.timeout);
        builder = match &request.body {
            Some(body) => builder.body(body.clone()),
            None if matches!(request.method, Method::POST | Method::PUT | Method::PATCH) => {
                builder.header(CONTENT_LENGTH, 0)
            }
            None => builder,
        };
        let mut response = builder.send().await.map_err(|error| unreachable(&request.url, &error))?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&request.url, &error))? {
            if body.len() + chunk.len() > limits::BODY_BYTES_MAX {
                let limit = limits::BODY_BYTES_MAX / 1024 / 1024;
                return Err(unreadable(&request.url, format!("it is larger than {limit} MiB")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body: body.freeze() })
    }
}

/// The request that follows a redirect (RFC 9110, 15.4).
fn redirected(mut request: Request, status: u16, target: &str) -> Result<Request, Error> {
    let url = request.url.join(target).map_err(|error| unreadable(&request.url, format!("it redirects to {error}")))?;
    if url.origin() != request.url.origin() {
        request.headers.remove(AUTHORIZATION);
        request.headers.remove(COOKIE);
    }
    let becomes_get = status == 303 || (matches!(status, 301 | 302) && request.method == Method::POST);
    if becomes_get && request.method != Method::HEAD {
        request.method = Method::GET;
        request.body = None;
        request.headers.remove(CONTENT_TYPE);
    }
    Ok(Request { url, ..request })
}

fn unreadable(url: &Url, reason: String) -> Error {
    Error::Unreadable { host: url.authority().to_owned(), reason }
}

/// The library's error without the URL, whose query may hold secrets; a refusal of the guard as itself.
fn unreachable(url: &Url, error: &reqwest::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut reason = String::new();
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<crate::guard::Refusal>() {
            return Error::Refused(refusal.clone());
        }
        cause = error.source();
        if cause.is_none() {
            reason = error.to_string();
        }
    }
    if error.is_timeout() {
        "it did not answer in time".clone_into(&mut reason);
    }
    Error::Unreachable { host: url.authority().to_owned(), reason, unsent: error.is_connect() }
}

/// Waits and repeats of one card: how often, and how long at most in one piece.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in all.
    pub attempts: u32,
    /// The longest single wait that happens here; longer ones are reported, for a durable timer.
    pub wait_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 3, wait_max: Duration::from_secs(20) }
    }
}

/// What became of an attempt, for [`Patience`].
pub(crate) fn wait_before_repeat(
    outcome: &Result<Response, Error>,
    repeatable: bool,
    attempt: u32,
    patience: Patience,
    clock: &dyn Clock,
) -> Option<Duration> {
    if attempt >= patience.attempts {
        return None;
    }
    let backoff = Duration::from_millis(500) * 2_u32.pow(attempt.min(8));
    let wait = match outcome {
        // A limit refuses before anything is done.
        Ok(response) if response.status == 429 => response.retry_after(clock.now()).unwrap_or(backoff),
        Ok(response) if response.status == 503 && (repeatable || response.headers.contains_key(RETRY_AFTER)) => {
            response.retry_after(clock.now()).unwrap_or(backoff)
        }
        Ok(response) if repeatable && matches!(response.status, 500 | 502 | 504) => backoff,
        Err(Error::Unreachable { unsent, .. }) if *unsent || repeatable => backoff,
        _ => return None,
    };
    (wait <= patience.wait_max).then_some(wait)
}
