//! A sandbox and a bare HTTP client: what judges clients must not use ours.

use std::sync::Arc;

use oktant_base::ManualClock;
use oktant_sandbox::{Builder, Sandbox};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

/// Where the clocks of tests stand.
pub(crate) const NOW: &str = "2026-03-02T12:00:00Z";

/// A sandbox with a client that carries its API token.
pub(crate) struct Org {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    client: reqwest::Client,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a whole body");
        Self { status, headers, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// The target of a link header.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let lines = self.headers.get_all("link").iter().map(|line| line.to_str().expect("text"));
        let line = lines.into_iter().find(|line| line.contains(&format!("rel=\"{relation}\"")))?;
        Some(line.split(['<', '>']).nth(1).expect("a URL in angle brackets").to_owned())
    }

    pub(crate) fn code(&self) -> &str {
        self.json["errorCode"].as_str().unwrap_or_default()
    }

    pub(crate) fn cause(&self) -> &str {
        self.json["errorCauses"][0]["errorSummary"].as_str().unwrap_or_default()
    }

    /// The texts at `pointer` in every element of the list.
    pub(crate) fn column(&self, pointer: &str) -> Vec<&str> {
        let rows = self.json.as_array().expect("a list");
        rows.iter().filter_map(|row| row.pointer(pointer)?.as_str()).collect()
    }
}

impl Org {
    pub(crate) async fn start(settings: Builder) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().expect("a valid instant")));
        let sandbox = settings.clock(clock.clone()).start().await.expect("a free port");
        #[expect(clippy::disallowed_methods, reason = "the sandbox is judged with a bare client")]
        let client = reqwest::Client::new();
        Self { sandbox, clock, client }
    }

    pub(crate) async fn empty() -> Self {
        Self::start(Sandbox::builder()).await
    }

    pub(crate) async fn with_users(users: usize) -> Self {
        Self::start(Sandbox::builder().users(users).groups(20)).await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.sandbox.url()) };
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, url)
    }

    /// Sends with the API token.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request =
            self.request(method, path).header("authorization", format!("SSWS {}", self.sandbox.api_token()));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Sends as it is.
    pub(crate) async fn raw(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request.send().await.expect("an answer")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    /// Sends and insists on a status.
    pub(crate) async fn expect(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Answer {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.json);
        answer
    }

    /// Follows `next` to the end; gives every element and the number of pages.
    pub(crate) async fn all(&self, path: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(url) = next {
            let page = self.expect(200, "GET", &url, None).await;
            rows.extend(page.json.as_array().expect("a list").iter().cloned());
            next = page.link("next");
            pages += 1;
        }
        (rows, pages)
    }

    /// Creates an active user and gives its id.
    pub(crate) async fn user(&self, login: &str) -> String {
        let body = serde_json::json!({
            "profile": { "firstName": "Test", "lastName": "User", "login": login, "email": login },
            "credentials": { "password": { "value": "Passw0rd-x" } },
        });
        let answer = self.expect(200, "POST", "/api/v1/users?activate=true", Some(body)).await;
        answer.json["id"].as_str().expect("an id").to_owned()
    }
}
