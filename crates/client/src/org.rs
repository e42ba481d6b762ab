//! An open org.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::Clock;
use url::Url;

use crate::auth::{self, Authenticator};
use crate::cache::Cache;
use crate::call::RESERVED_HEADERS;
use crate::exchange::Exchange;
use crate::http::limiter::{Limiter, Report};
use crate::http::skew::Skew;
use crate::http::{Transport, request_id};
use crate::pages::{self, Pages};
use crate::{Call, Edges, EntryId, Error, Ledger, Properties, RateLimit};

/// An org that calls can be sent to. Clones share connections, credentials, limits and ledger.
#[derive(Debug, Clone)]
pub struct Org(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) properties: Properties,
    pub(crate) edges: Edges,
    pub(crate) transport: Arc<Transport>,
    pub(crate) authenticator: Authenticator,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) skew: Arc<Skew>,
    pub(crate) ledger: Ledger,
    cache: Option<Cache>,
}

impl Inner {
    pub(crate) const fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }
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
    /// Attempts it took, from 1; 0 if the org was not asked.
    pub attempts: u32,
    /// Whether body and headers are those of an earlier answer.
    pub from_cache: bool,
    /// Rate-limit bucket that it was booked on.
    pub bucket: String,
}

impl Reply {
    /// The org's id of this very answer.
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }

    /// The state of its rate-limit bucket, if the org reported it.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let Report { limit, remaining, resets_at } = Report::read(&self.headers)?;
        Some(RateLimit { bucket: self.bucket.clone(), limit, remaining, resets_at })
    }
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
        let transport = Transport::new(properties.org.clone(), network, &edges, skew.clone(), ledger.clone())?;
        let transport = Arc::new(transport);
        let limiter = Limiter::new(network, edges.clock.clone(), skew.clone());
        let authenticator = auth::connect(properties, &edges, &transport, &skew).await?;
        let cache = properties
            .cache
            .map(|options| Cache::new(options, edges.cache.clone(), edges.clock.clone(), &authenticator.identity()));
        let properties = properties.clone();
        Ok(Self(Arc::new(Inner { properties, edges, transport, authenticator, limiter, skew, ledger, cache })))
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
        let transport = Transport::new(org, network, edges, skew.clone(), Ledger::default())?;
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

    /// Streams the pages of the System Log without an end: when there is nothing new, the org is
    /// asked again after `interval`. An empty page is handed out as well, for its cursor.
    pub fn poll(&self, call: Call, interval: Duration) -> Pages {
        pages::poll(self.clone(), call, interval)
    }

    /// Its clock, for what waits between calls.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.edges.clock
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

    /// Sets a header of every request from now on, those of clones included. A call's own header wins.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the name is reserved for authorization or framing, or either holds
    /// characters that a header cannot hold.
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), Error> {
        let wrong = |problem: String| Error::Argument { operation: "set_header".to_owned(), problem, hint: None };
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), _) if RESERVED_HEADERS.contains(&name.as_str()) => {
                Err(wrong(format!("header {name} cannot be replaced")))
            }
            (Ok(name), Ok(value)) => {
                self.0.transport.headers().write().insert(name, value);
                Ok(())
            }
            _ => Err(wrong(format!("header {name} holds characters that a header cannot hold"))),
        }
    }

    /// The headers of every request, besides those of authorization and framing.
    pub fn headers(&self) -> HeaderMap {
        self.0.transport.headers().read().clone()
    }

    /// Sends no header of every request any more, from now on.
    pub fn clear_headers(&self) {
        self.0.transport.headers().write().clear();
    }

    /// Forgets every answer that was kept.
    pub async fn clear_cache(&self) {
        if let Some(cache) = self.0.cache() {
            cache.clear().await;
        }
    }

    /// Every rate-limit bucket that the org has reported.
    pub fn rate_limits(&self) -> Vec<RateLimit> {
        self.0.limiter.rate_limits()
    }
}
