//! Calls to servers on this machine.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, redirect};
use serde_json::Value;
use url::Url;

use crate::oauth::is_loopback_http;
use crate::resources::Document;

/// How long a server may take (documented for hooks).
const TIMEOUT: Duration = Duration::from_secs(3);

/// The org's own client, made at its first use.
#[derive(Debug, Default)]
pub(crate) struct Outgoing(OnceLock<Option<Client>>);

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

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Timeout,
    Unreachable,
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
}

impl Outgoing {
    pub(super) async fn get(&self, target: &Target, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let request = self.client()?.get(target.url.clone());
        send(target, headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    pub(super) async fn post(&self, target: &Target, payload: &Value) -> Result<Answer, Failure> {
        let request = self.client()?.post(target.url.clone()).header("content-type", "application/json");
        send(target, request.body(payload.to_string())).await
    }

    fn client(&self) -> Result<&Client, Failure> {
        let make = || {
            // Nothing may lead a call away from this machine.
            let builder = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(TIMEOUT);
            builder.build().ok()
        };
        self.0.get_or_init(make).as_ref().ok_or(Failure::Unreachable)
    }
}

async fn send(target: &Target, request: RequestBuilder) -> Result<Answer, Failure> {
    let request = target.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let failure = |error: reqwest::Error| if error.is_timeout() { Failure::Timeout } else { Failure::Unreachable };
    let response = request.send().await.map_err(failure)?;
    let status = response.status().as_u16();
    let body = response.bytes().await.map_err(failure)?;
    Ok(Answer { status, body: serde_json::from_slice(&body).ok() })
}
