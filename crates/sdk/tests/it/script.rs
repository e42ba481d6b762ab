//! An org that gives its answers in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use oktant_base::{Clock, SystemClock};
use oktant_sdk::{Edges, Okta, Org, Properties};

/// What the org was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header, empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer to be given.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        let headers = vec![("content-type", "application/json".to_owned()), ("x-okta-request-id", "req1".to_owned())];
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A page that links to the next one.
    pub(crate) fn page(body: &str, next: &str) -> Self {
        Self::new(200, body).header("link", format!("<https://elsewhere.example{next}>; rel=\"next\""))
    }
}

/// A server on a loopback port.
pub(crate) struct Script {
    url: String,
    state: Arc<Mutex<Progress>>,
}

struct Progress {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
}

impl Script {
    /// Gives `answers` in order; 410 after the last.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let progress = Progress { answers: answers.into_iter().collect(), asked: Vec::new() };
        let state = Arc::new(Mutex::new(progress));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// The org as a client sees it, which does not repeat what failed.
    pub(crate) async fn okta(&self) -> Okta {
        self.okta_at(Arc::new(SystemClock)).await
    }

    pub(crate) async fn okta_at(&self, clock: Arc<dyn Clock>) -> Okta {
        let edges = Edges { clock, ..Edges::system() };
        Org::connect(&self.properties(), edges).await.unwrap().into()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn properties(&self) -> Properties {
        Properties::parse(&format!("okta:///?Domain={}&APIToken=t0ken&MaxRetries=0", self.url)).unwrap()
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(State(state): State<Arc<Mutex<Progress>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut state = state.lock().unwrap();
    state.asked.push(Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let next = state.answers.pop_front().unwrap_or_else(|| Answer::new(410, "{}"));
    let mut answer = Response::builder().status(next.status);
    for (name, value) in &next.headers {
        answer = answer.header(*name, value);
    }
    answer.body(Body::from(next.body)).unwrap()
}
