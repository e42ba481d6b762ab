//! The client of the target: SCIM 2.0 over HTTP, with retries and a limiter per endpoint.
//!
//! It shares no code with `oktant-scim`: what serves the protocol must not hide the mistakes of what speaks it.

mod answer;
mod error;
mod limiter;
mod list;
mod retry;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH, USER_AGENT};
use http::{Method, StatusCode};
use oktant_base::{Clock, Entropy, Secret, limits};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::config::TargetConfig;
use limiter::Limiter;
use retry::Verdict;

pub use error::Error;
pub(crate) use list::Listing;
pub(crate) use retry::backoff;

/// Everything outside RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const MEDIA_TYPE: &str = "application/scim+json";

/// The endpoints of a target, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Users,
    Groups,
    ServiceProviderConfig,
    Schemas,
}

impl Endpoint {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Users => "/Users",
            Self::Groups => "/Groups",
            Self::ServiceProviderConfig => "/ServiceProviderConfig",
            Self::Schemas => "/Schemas",
        }
    }
}

/// Whether a request may be sent again although the target may have done what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Safe,
    /// Only if the target certainly did nothing.
    Unsent,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) id: Option<String>,
    pub(crate) query: Vec<(&'static str, String)>,
    /// A JSON text.
    pub(crate) body: Option<String>,
    /// What the journal says in place of the body.
    pub(crate) intent: Option<String>,
    pub(crate) repeat: Repeat,
    pub(crate) if_match: Option<String>,
    /// A password that the body holds, so that no message shows it.
    pub(crate) secret: Option<Secret>,
}

impl Request {
    fn new(endpoint: Endpoint, method: Method) -> Self {
        // RFC 9110, 9.2.2: all that is sent here but POST is idempotent; our PATCHes state absolute values.
        let repeat = if method == Method::POST { Repeat::Unsent } else { Repeat::Safe };
        let (id, query, body, intent, if_match, secret) = (None, Vec::new(), None, None, None, None);
        Self { endpoint, method, id, query, body, intent, repeat, if_match, secret }
    }

    pub(crate) fn get(endpoint: Endpoint) -> Self {
        Self::new(endpoint, Method::GET)
    }

    pub(crate) fn post(endpoint: Endpoint, body: &Json) -> Self {
        Self { body: Some(body.to_string()), ..Self::new(endpoint, Method::POST) }
    }

    pub(crate) fn put(endpoint: Endpoint, id: &str, body: &Json) -> Self {
        Self { id: Some(id.to_owned()), body: Some(body.to_string()), ..Self::new(endpoint, Method::PUT) }
    }

    /// `body` shows itself as a JSON text.
    pub(crate) fn patch(endpoint: Endpoint, id: &str, body: &impl fmt::Display) -> Self {
        Self { id: Some(id.to_owned()), body: Some(body.to_string()), ..Self::new(endpoint, Method::PATCH) }
    }

    pub(crate) fn delete(endpoint: Endpoint, id: &str) -> Self {
        Self { id: Some(id.to_owned()), ..Self::new(endpoint, Method::DELETE) }
    }

    pub(crate) fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Its path below the base URL, without the query.
    pub(crate) fn path(&self) -> String {
        match &self.id {
            Some(id) => format!("{}/{}", self.endpoint.path(), utf8_percent_encode(id, ENCODED)),
            None => self.endpoint.path().to_owned(),
        }
    }
}

/// A successful answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The version of the resource, if the target has versions.
    pub(crate) etag: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The resource in the body; `None` for an empty body.
    pub(crate) fn resource(&self, request: &Request) -> Result<Option<Map<String, Json>>, Error> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let resource = serde_json::from_slice(&self.body);
        resource.map(Some).map_err(|error| Error::malformed(request, "it is no resource", &error))
    }

    /// The attributes of the resource in the body that `is_wanted` names; `None` if there is no resource.
    pub(crate) fn attributes(&self, is_wanted: impl Fn(&str) -> bool) -> Option<Map<String, Json>> {
        let mut body = serde_json::Deserializer::from_slice(&self.body);
        let wanted = Wanted(is_wanted).deserialize(&mut body).ok()?;
        body.end().ok().map(|()| wanted)
    }
}

/// Reads some members of an object. What nobody looks at makes up half of an answer.
struct Wanted<F>(F);

impl<'de, F: Fn(&str) -> bool> DeserializeSeed<'de> for Wanted<F> {
    type Value = Map<String, Json>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Wanted<F> {
    type Value = Map<String, Json>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut wanted = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if (self.0)(&name) {
                wanted.insert(name, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(wanted)
    }
}

/// A SCIM endpoint to talk to. Clones share connections and limits.
#[derive(Debug, Clone)]
pub struct Target(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    base: String,
    host: String,
    headers: HeaderMap,
    token: Secret,
    page_size: usize,
    users: Limiter,
    groups: Limiter,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    requests: AtomicU64,
}

impl Target {
    /// A client of the target in `config`. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] if the token has characters that a header cannot hold, or the certificates cannot be read.
    pub fn new(config: &TargetConfig, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        let setup = |problem: String| Error::Setup { problem };
        let mut builder = reqwest::Client::builder()
            // A redirect could carry the token to another host.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .timeout(config.timeout)
            .tcp_nodelay(true);
        if config.url.scheme() == "http" {
            // Plain http is a loopback address, which no proxy reaches.
            builder = builder.no_proxy();
        }
        if let Some(pem) = &config.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| setup(error.to_string()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| setup(error.to_string()))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", config.token.expose()))
            .map_err(|_| setup("the token has characters that a header cannot hold".to_owned()))?;
        authorization.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, authorization),
            (ACCEPT, HeaderValue::from_static(MEDIA_TYPE)),
            (USER_AGENT, HeaderValue::from_static(concat!("oktant-provision/", env!("CARGO_PKG_VERSION")))),
        ]);
        Ok(Self(Arc::new(Inner {
            http,
            base: config.url.as_str().trim_end_matches('/').to_owned(),
            host: config.url.host_str().unwrap_or_default().to_owned(),
            headers,
            token: config.token.clone(),
            page_size: config.page_size,
            users: Limiter::new(config.concurrency_max),
            groups: Limiter::new(config.concurrency_max),
            clock,
            entropy,
            requests: AtomicU64::new(0),
        })))
    }

    /// Requests sent so far, repeats included.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// The address that requests go to.
    pub fn url(&self) -> &str {
        &self.0.base
    }

    fn limiter(&self, endpoint: Endpoint) -> &Limiter {
        match endpoint {
            Endpoint::Groups => &self.0.groups,
            Endpoint::Users | Endpoint::ServiceProviderConfig | Endpoint::Schemas => &self.0.users,
        }
    }

    /// Sends `request`, again as far as that is safe, and waits for its answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let limiter = self.limiter(request.endpoint);
        let mut tries = retry::Tries::default();
        loop {
            let result = {
                let permit = limiter.acquire(&*self.0.clock).await;
                let result = self.exchange(request).await;
                permit.finish(&*self.0.clock, &result);
                result
            };
            let error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match tries.judge(&error, request.repeat, &*self.0.entropy) {
                Verdict::GiveUp => return Err(error.after(tries.made())),
                Verdict::Pause(wait) => limiter.pause(&*self.0.clock, wait),
                Verdict::Again(wait) => self.0.clock.sleep(wait).await,
            }
            tracing::debug!(method = %request.method, path = request.path(), %error, "the request is sent again");
        }
    }

    /// Sends `request` once.
    async fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let mut url = format!("{}{}", self.0.base, request.path());
        for (index, (name, value)) in request.query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, ENCODED));
        }
        let mut builder = self.0.http.request(request.method.clone(), url).headers(self.0.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, MEDIA_TYPE).body(body.clone());
        }
        if let Some(version) = &request.if_match {
            builder = builder.header(IF_MATCH, version);
        }
        let response = builder.send().await.map_err(|error| Error::transport(request, &self.0.host, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(request, response).await?;
        if status.is_success() {
            let etag = headers.get(http::header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
            return Ok(Answer { status, etag, body });
        }
        Err(answer::failure(request, status, &headers, &body, &self.0.token, self.0.clock.now()))
    }

    async fn body(&self, request: &Request, mut response: reqwest::Response) -> Result<Bytes, Error> {
        // Most answers are one chunk, which is not copied.
        let mut body = Bytes::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| Error::transport(request, &self.0.host, error))?
        {
            if body.len() + chunk.len() > limits::BODY_BYTES_MAX {
                return Err(Error::TooLarge { path: request.path() });
            }
            if body.is_empty() {
                body = chunk;
                continue;
            }
            let mut whole = body.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
            whole.extend_from_slice(&chunk);
            body = whole.freeze();
        }
        Ok(body)
    }

    /// The only resource of `endpoint` that `filter` matches; the first if a target gives several.
    pub(crate) async fn find(&self, endpoint: Endpoint, filter: String) -> Result<Option<Map<String, Json>>, Error> {
        // Parameters as Okta sends them.
        let request = Request::get(endpoint).query("filter", filter).query("startIndex", "1").query("count", "100");
        match self.send(&request).await {
            Ok(answer) => Ok(list::read(&request, &answer)?.resources.into_iter().next()),
            // Okta takes an error object with 404 for "none", and some targets send it.
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A filter that compares an attribute with a text.
pub(crate) fn equals(attribute: &str, text: &str) -> String {
    format!("{attribute} eq {}", Json::from(text))
}
