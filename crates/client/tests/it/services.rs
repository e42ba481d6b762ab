//! Calls without sockets: mocks, recordings, replays.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::TryStreamExt;
use http::{HeaderMap, HeaderValue};
use oktant_base::{Coded, codes};
use oktant_client::service::{Failure, HttpService, Layer, Recorder, Recording, Replay, Request, Response};
use oktant_client::{Call, ConnectFailure, Edges, Org, Properties};
use oktant_sandbox::Sandbox;

use crate::fake::{JumpingClock, edges};

const NOON: &str = "2026-01-01T12:00:00Z";

/// Loses the connection once, then answers with the number of the request.
#[derive(Debug, Default)]
struct Mock {
    asked: AtomicUsize,
    credentials: Mutex<Vec<String>>,
}

#[async_trait]
impl HttpService for Mock {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        self.credentials.lock().unwrap().push(request.headers["authorization"].to_str().unwrap().to_owned());
        match self.asked.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Failure::connection(&request, ConnectFailure::Interrupted, "cut")),
            number => Ok(Response { status: 200, headers: HeaderMap::new(), body: number.to_string().into() }),
        }
    }
}

#[derive(Debug, Clone)]
struct Instead(Arc<Mock>);

impl Layer for Instead {
    fn layer(&self, _inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        self.0.clone()
    }
}

async fn connect(edges: Edges, text: &str) -> Org {
    Org::connect(&Properties::parse(text).unwrap(), edges).await.unwrap()
}

#[tokio::test]
async fn a_mock_stands_below_retries_and_credentials() {
    let mock = Arc::new(Mock::default());
    let clock = JumpingClock::at(NOON);
    let org =
        connect(edges(clock.clone()).layer(Arc::new(Instead(mock.clone()))), "Domain=acme.okta.com;APIToken=t").await;
    let reply = org.send(Call::get("/api/v1/things").unwrap()).await.unwrap();
    assert_eq!((reply.body.as_ref(), reply.attempts, clock.waits().len()), (b"1".as_slice(), 2, 1));
    assert_eq!(*mock.credentials.lock().unwrap(), ["SSWS t", "SSWS t"]);
}

#[tokio::test]
async fn the_outermost_layer_comes_first() {
    let recorder = Recorder::default();
    let mock = Instead(Arc::new(Mock::default()));
    let edges = edges(JumpingClock::at(NOON)).layer(Arc::new(recorder.clone())).layer(Arc::new(mock));
    let org = connect(edges, "Domain=acme.okta.com;APIToken=t").await;
    org.send(Call::get("/api/v1/things").unwrap()).await.unwrap();
    assert_eq!(recorder.recording().interactions.len(), 1, "what got no answer is not recorded");
}

/// A list of two pages whose link holds a letter beyond ASCII, and a header that holds no text.
#[derive(Debug, Clone)]
struct TwoPages;

#[async_trait]
impl HttpService for TwoPages {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let is_second = request.url.query().is_some_and(|query| query.contains("after"));
        let mut headers = HeaderMap::new();
        headers.insert("x-odd", HeaderValue::from_bytes(b"a\xFFb").unwrap());
        if !is_second {
            headers.insert("link", "</api/v1/things?after=\u{dc}>; rel=\"next\"".parse().unwrap());
        }
        let body = if is_second { "[2]" } else { "[1]" };
        Ok(Response { status: 200, headers, body: body.into() })
    }
}

impl Layer for TwoPages {
    fn layer(&self, _inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(self.clone())
    }
}

#[tokio::test]
async fn a_list_replays_whole_also_by_links_beyond_ascii() {
    let read = async |edges: Edges| {
        let org = connect(edges, "Domain=acme.okta.com;APIToken=t").await;
        let pages = org.pages(Call::get("/api/v1/things").unwrap());
        pages.map_ok(|page| page.body.clone()).try_collect::<Vec<_>>().await.unwrap()
    };
    let recorder = Recorder::default();
    let edges = || edges(JumpingClock::at(NOON));
    let live = read(edges().layer(Arc::new(recorder.clone())).layer(Arc::new(TwoPages))).await;
    let text = recorder.recording().to_json();
    assert!(text.contains("a\u{fffd}b"), "{text}");
    let replay = Replay::new(Recording::from_json(&text).unwrap());
    assert_eq!(read(edges().layer(Arc::new(replay))).await, live);
    assert_eq!(live.len(), 2);
}

async fn script(org: &Org) -> Vec<String> {
    let list = Call::operation("listUsers").unwrap().arg("limit", "20").unwrap();
    let mut bodies: Vec<String> =
        org.pages(list).map_ok(|page| String::from_utf8(page.body.to_vec()).unwrap()).try_collect().await.unwrap();
    let group = serde_json::json!({"profile": {"name": "Replayed"}});
    let created = org.send(Call::operation("addGroup").unwrap().json(&group)).await.unwrap();
    bodies.push(String::from_utf8(created.body.to_vec()).unwrap());
    let missing = org.send(Call::get("/api/v1/groups/none").unwrap()).await.unwrap_err();
    bodies.push(missing.to_string());
    bodies
}

#[tokio::test]
async fn what_was_recorded_replays_the_same() {
    let sandbox = Sandbox::builder().users(50).groups(2).start().await.unwrap();
    let recorder = Recorder::default();
    let properties = format!("BaseURL={};APIToken={}", sandbox.url(), sandbox.api_token());
    let live = script(&connect(Edges::system().layer(Arc::new(recorder.clone())), &properties).await).await;

    let text = recorder.recording().to_json();
    assert!(!text.contains(sandbox.api_token()), "credentials are not recorded");
    let replay = Replay::new(Recording::from_json(&text).unwrap());
    let org = connect(Edges::system().layer(Arc::new(replay.clone())), &properties).await;
    assert_eq!(script(&org).await, live);
    assert!(replay.left().is_empty());
    let error = org.send(Call::get("/api/v1/groups/none").unwrap()).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT2001);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the recording holds no further GET /api/v1/groups/none");
}

#[tokio::test]
async fn tokens_are_masked_and_a_masked_sign_in_replays() {
    let text = include_str!("../../src/auth/key/rsa_2048.json").replace(['\n', ' '], "");
    let key: serde_json::Value = serde_json::from_str(&text).unwrap();
    let public = serde_json::json!({"kty": "RSA", "n": key["n"], "e": key["e"], "kid": "k1", "use": "sig"});
    let builder = Sandbox::builder().users(5).service_app_key(serde_json::from_value(public).unwrap());
    let sandbox = builder.start().await.unwrap();
    let properties = format!(
        "BaseURL={};OAuthClientId={};Scope=okta.users.read;OAuthJWTKeyId=k1;OAuthJWTCert='{text}'",
        sandbox.url(),
        sandbox.service_client_id()
    );
    let recorder = Recorder::default();
    let call = || Call::operation("listUsers").unwrap();
    let org = connect(Edges::system().layer(Arc::new(recorder.clone())), &properties).await;
    let live = org.send(call()).await.unwrap();
    let text = recorder.recording().to_json();
    assert!(text.contains("\\\"access_token\\\":\\\"***\\\"") && text.contains("client_assertion=***"), "{text}");
    assert!(!text.contains("eyJ"), "{text}");
    let replay = Replay::new(recorder.recording());
    let org = connect(Edges::system().layer(Arc::new(replay)), &properties).await;
    assert_eq!(org.send(call()).await.unwrap().body, live.body);
}
