//! The seam between what a call means and how it travels.
//!
//! An [`HttpService`] sends one request and gives its whole answer. Credentials, limits, retries,
//! cache and ledger are above it, connections, TLS and proxies below. A [`Layer`] puts another
//! service in its place or around it: a mock, [`Recorder`], [`Replay`], or one of your own in
//! [`Edges::layers`](crate::Edges::layers).
//!
//! ```
//! use std::sync::Arc;
//! use oktant_client::service::{Replay, Recording};
//! use oktant_client::{Call, Edges, Org, Properties};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let recording = Recording::from_json(r#"{"interactions": [{
//!     "request": {"method": "GET", "path": "/api/v1/groups"},
//!     "response": {"status": 200, "body": "[]"}
//! }]}"#)?;
//! let edges = Edges::system().layer(Arc::new(Replay::new(recording)));
//! let org = Org::connect(&Properties::parse("Domain=acme.okta.com;APIToken=t")?, edges).await?;
//! assert_eq!(org.send(Call::get("/api/v1/groups")?).await?.body, "[]");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use url::Url;

mod recording;
mod replay;

pub use recording::{Interaction, RecordedRequest, RecordedResponse, Recorder, Recording};
pub use replay::Replay;

use crate::{ConnectFailure, Error};

/// One request, complete but for what the connection adds.
#[derive(Clone)]
pub struct Request {
    /// Its method.
    pub method: &'static str,
    /// The whole URL; always on the org's host.
    pub url: Url,
    /// Every header, credentials included.
    pub headers: HeaderMap,
    /// The body, if it has one.
    pub body: Option<Bytes>,
    /// Time for all of it, from opening a connection to the last byte; `None` for no bound.
    pub time_allowed: Option<Duration>,
}

impl fmt::Debug for Request {
    /// Without the body, which may hold passwords and client secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, headers, body, time_allowed } = self;
        f.debug_struct("Request")
            .field("method", method)
            .field("path", &url.path())
            .field("headers", headers)
            .field("body_bytes", &body.as_ref().map_or(0, Bytes::len))
            .field("time_allowed", time_allowed)
            .finish_non_exhaustive()
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
        let Self { status, headers, body } = self;
        f.debug_struct("Response")
            .field("status", status)
            .field("headers", headers)
            .field("body_bytes", &body.len())
            .finish()
    }
}

/// A request that got no whole answer.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: Error,
    /// Whether the request certainly did not reach the org.
    pub unsent: bool,
    /// Whether sending it again may help.
    pub transient: bool,
}

impl Failure {
    /// A connection that could not be opened, or was lost before the answer was complete.
    pub fn connection(
        request: &Request,
        failure: ConnectFailure,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let lost = failure == ConnectFailure::Interrupted;
        // A name that does not resolve and a certificate that is not trusted stay so.
        let transient = matches!(failure, ConnectFailure::Interrupted | ConnectFailure::Refused);
        let host = request.url.authority().to_owned();
        Self { error: Error::Connect { host, failure, source: source.into() }, unsent: !lost, transient }
    }

    /// The repeats that it is worth, of those `allowed`: where nothing listens, waiting for long only
    /// hides a wrong port.
    pub(crate) fn repeats_max(&self, allowed: u32) -> u32 {
        match self.error {
            Error::Connect { failure: ConnectFailure::Refused | ConnectFailure::ProxyRefused, .. } => allowed.min(1),
            _ => allowed,
        }
    }
}

/// Sends single requests.
#[async_trait]
pub trait HttpService: Send + Sync + fmt::Debug {
    /// Sends `request` once and reads its answer whole.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that says whether a repeat is safe and sensible. An answer of any status is none.
    async fn send(&self, request: Request) -> Result<Response, Failure>;
}

/// Makes a service from the one below it.
pub trait Layer: Send + Sync + fmt::Debug {
    /// A service that uses `inner`, or stands in for it.
    fn layer(&self, inner: Arc<dyn HttpService>) -> Arc<dyn HttpService>;
}
