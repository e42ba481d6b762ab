//! The org's calls to servers on this machine, and the edge they go over.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use reqwest::redirect;
use serde_json::Value;
use url::Url;

use crate::oauth::is_loopback_http;
use crate::resources::Document;

/// How long a server may take (documented for hooks).
const TIMEOUT: Duration = Duration::from_secs(3);

/// Sends what the org has to say to other servers, which are on this machine: a parameter like time and chance.
pub trait Outgoing: Send + Sync + fmt::Debug {
    /// The server's answer, of any status.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>>;
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The server took longer than three seconds.
    Timeout,
    /// There is no server, or it broke off.
    Unreachable,
}

/// Sends over the loopback interface. Its client is made at its first use.
#[derive(Debug, Default)]
pub(crate) struct Loopback(OnceLock<Option<reqwest::Client>>);

impl Loopback {
    fn client(&self) -> Option<&reqwest::Client> {
        let make = || {
            // Nothing may lead a call away from this machine.
            let builder = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(TIMEOUT);
            builder.build().ok()
        };
        self.0.get_or_init(make).as_ref()
    }
}

impl Outgoing for Loopback {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, Unanswered>> {
        let failure = |error: reqwest::Error| {
            if error.is_timeout() { Unanswered::Timeout } else { Unanswered::Unreachable }
        };
        async move {
            let client = self.client().ok_or(Unanswered::Unreachable)?;
            let request = reqwest::Request::try_from(request).map_err(failure)?;
            let answer = client.execute(request).await.map_err(failure)?;
            let status = answer.status();
            let mut response = Response::new(answer.bytes().await.map_err(failure)?);
            *response.status_mut() = status;
            Ok(response)
        }
        .boxed()
    }
}

/// Where a hook is, and the headers that go with every call.
#[derive(Debug)]
pub(super) struct Target {
    url: Url,
    headers: Vec<(String, String)>,
}

/// What a server answered; the body if it is JSON.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Target {
    /// The target of a hook; `None` if it is not on this machine.
    pub(super) fn of(hook: &Document) -> Option<Self> {
        let config = hook.get("channel")?.get("config")?;
        let url = Url::parse(config["uri"].as_str()?).ok().filter(is_loopback_http)?;
        let pair = |header: &Value| Some((header["key"].as_str()?.to_owned(), header["value"].as_str()?.to_owned()));
        let mut headers: Vec<_> = config["headers"].as_array().into_iter().flatten().filter_map(pair).collect();
        headers.extend(pair(&config["authScheme"]));
        Some(Self { url, headers })
    }

    pub(super) async fn get(&self, edge: &dyn Outgoing, header: (&str, &str)) -> Result<Answer, Unanswered> {
        self.send(edge, Method::GET, header, Bytes::new()).await
    }

    pub(super) async fn post(&self, edge: &dyn Outgoing, payload: &Value) -> Result<Answer, Unanswered> {
        let header = ("content-type", "application/json");
        self.send(edge, Method::POST, header, payload.to_string().into()).await
    }

    async fn send(
        &self,
        edge: &dyn Outgoing,
        method: Method,
        header: (&str, &str),
        body: Bytes,
    ) -> Result<Answer, Unanswered> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = Request::builder().method(method).uri(self.url.as_str());
        let request = own.chain([header]).fold(request, |request, (name, value)| request.header(name, value));
        // A hook may be told headers that none can have.
        let request = request.body(body).map_err(|_| Unanswered::Unreachable)?;
        let response = edge.send(request).await?;
        Ok(Answer { status: response.status().as_u16(), body: serde_json::from_slice(response.body()).ok() })
    }
}
