//! A scripted org, and clocks for tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use oktant_base::{Clock, SeededEntropy, Timestamp};
use oktant_client::{Browser, Edges, Org, Properties};
use url::Url;

/// What the org was asked.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    /// The value of a header, empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a form field of the body.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.body.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

/// A server on a free loopback port that answers as a function says.
pub(crate) struct Fake {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// `answer` gets the number of the request, from 0, and the request.
    pub(crate) async fn start<F>(answer: F) -> Self
    where
        F: Fn(usize, &Seen) -> Response + Send + Sync + 'static,
    {
        Self::start_async(move |number, request| Box::pin(std::future::ready(answer(number, request)))).await
    }

    /// Like [`Self::start`], for answers that take their time.
    pub(crate) async fn start_async<F>(answer: F) -> Self
    where
        F: Fn(usize, &Seen) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync + 'static,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let record = Arc::clone(&seen);
        let answer = Arc::new(answer);
        let router = Router::new().fallback(move |request: Request| {
            let (record, answer) = (Arc::clone(&record), Arc::clone(&answer));
            async move {
                let request = describe(request).await;
                let number = {
                    let mut record = record.lock().unwrap();
                    record.push(request.clone());
                    record.len() - 1
                };
                answer(number, &request).await
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// Everything asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// A client with an API token.
    pub(crate) async fn org(&self, clock: Arc<dyn Clock>) -> Org {
        self.org_with("APIToken=t0ken", clock).await
    }

    /// A client with these properties besides the address.
    pub(crate) async fn org_with(&self, properties: &str, clock: Arc<dyn Clock>) -> Org {
        self.try_org(properties, edges(clock)).await.expect("an org")
    }

    /// A client with these properties besides the address, if it can be had.
    pub(crate) async fn try_org(&self, properties: &str, edges: Edges) -> Result<Org, oktant_client::Error> {
        let properties = Properties::parse(&format!("BaseURL={};{properties}", self.url)).expect("properties");
        Org::connect(&properties, edges).await
    }
}

async fn describe(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Seen {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Repeatable edges: no browser, no environment.
pub(crate) fn edges(clock: Arc<dyn Clock>) -> Edges {
    Edges {
        clock,
        entropy: Arc::new(SeededEntropy::new(1)),
        browser: Arc::new(NoBrowser),
        variables: Arc::default(),
        layers: Vec::new(),
        cache: None,
    }
}

/// A sign-in that must not happen.
#[derive(Debug)]
pub(crate) struct NoBrowser;

impl Browser for NoBrowser {
    fn open(&self, url: &Url) {
        panic!("no browser was expected to open {url}");
    }
}

/// A clock on which waiting takes no time: who sleeps moves it. It remembers the waits.
#[derive(Debug)]
pub(crate) struct JumpingClock {
    state: Arc<Mutex<(Timestamp, Vec<Duration>)>>,
}

impl JumpingClock {
    pub(crate) fn at(text: &str) -> Arc<Self> {
        Arc::new(Self { state: Arc::new(Mutex::new((text.parse().unwrap(), Vec::new()))) })
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.state.lock().unwrap().0 += by;
    }

    /// Waits so far, in seconds.
    pub(crate) fn exact_waits(&self) -> Vec<f64> {
        self.state.lock().unwrap().1.iter().map(Duration::as_secs_f64).collect()
    }

    /// Waits so far, in whole seconds.
    pub(crate) fn waits(&self) -> Vec<u64> {
        self.state.lock().unwrap().1.iter().map(Duration::as_secs).collect()
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap().0
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let state = Arc::clone(&self.state);
        let wake_at = self.now() + duration;
        Box::pin(async move {
            // Everyone who is about to do something does it first.
            tokio::task::yield_now().await;
            let mut state = state.lock().unwrap();
            state.0 = state.0.max(wake_at);
            state.1.push(duration);
        })
    }
}

/// A JSON answer.
pub(crate) fn json(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body.to_owned()).into_response();
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    for (name, value) in headers {
        let name: axum::http::HeaderName = name.parse().unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A `Date` header for an instant.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
