//! An open org.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::call::encode;
use crate::error::ApiError;
use crate::ledger::Outcome;
use crate::pages::{self, Pages};
use crate::{Call, ConnectFailure, Edges, EntryId, Error, Ledger, Properties, RateLimit};

/// An org that calls can be sent to. Clones share connections, credentials, limits and ledger.
#[derive(Debug, Clone)]
pub struct Org(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    properties: Properties,
    edges: Edges,
    http: reqwest::Client,
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
}

impl Org {
    /// Opens the org that `properties` name. Signing in that needs a person happens here.
    ///
    /// # Errors
    ///
    /// What the properties, the settings store or the authorization server object to.
    #[expect(clippy::unused_async, reason = "signing in waits for the network and for people")]
    pub async fn connect(properties: &Properties, edges: Edges) -> Result<Self, Error> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.map_err(|source| Error::Connect {
            host: properties.org.authority().to_owned(),
            failure: ConnectFailure::Other,
            source: source.into(),
        })?;
        Ok(Self(Arc::new(Inner { properties: properties.clone(), edges, http, ledger: Ledger::default() })))
    }

    /// Sends `call` and waits for its answer.
    ///
    /// # Errors
    ///
    /// See [`Error`]; an answer outside 200 to 299 is [`Error::Api`].
    pub async fn send(&self, call: Call) -> Result<Reply, Error> {
        let inner = &self.0;
        let path = call.resolved_path()?;
        let query: Vec<String> =
            call.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut url = inner.properties.org.clone();
        url.set_path(&path);
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        let method =
            http::Method::from_bytes(call.method.as_str().as_bytes()).expect("the catalogue's methods are valid");
        let mut request = inner.http.request(method, url).header(http::header::ACCEPT, "application/json");
        if let Some(token) = &inner.properties.sign_in.api_token {
            request = request.header(http::header::AUTHORIZATION, format!("SSWS {}", token.expose()));
        }
        if let Some(body) = &call.body {
            request = request.header(http::header::CONTENT_TYPE, &body.media_type).body(body.bytes.clone());
        }
        let sent_at = inner.edges.clock.now();
        let failed = |source: reqwest::Error| Error::Connect {
            host: inner.properties.org.authority().to_owned(),
            failure: ConnectFailure::Other,
            source: source.into(),
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(failed)?;
        let entry = inner.ledger.write(Outcome {
            statement: call.statement,
            method: call.method.as_str(),
            path: path.clone(),
            query: query.join("&"),
            status: Some(status),
            attempt: 1,
            sent_at,
            elapsed: (inner.edges.clock.now() - sent_at).to_std().unwrap_or(Duration::ZERO),
            bytes: body.len() as u64,
            bucket: call.bucket(),
        });
        if !(200..300).contains(&status) {
            let error = ApiError { method: call.method.as_str().to_owned(), path, ..ApiError::read(status, &body) };
            return Err(Box::new(error).into());
        }
        Ok(Reply { status, headers, body, entry })
    }

    /// Streams the pages of a list. The next page is requested while the consumer works on the
    /// current one; dropping the stream cancels it.
    pub fn pages(&self, call: Call) -> Pages {
        pages::stream(self.clone(), call)
    }

    /// The requests made so far.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The properties that the org was opened with.
    pub fn properties(&self) -> &Properties {
        &self.0.properties
    }

    /// Every rate-limit bucket that the org has reported.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        Vec::new()
    }
}
