//! Hooks against a server of the test's own: the handshake, executing, and keys.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::future::{BoxFuture, FutureExt as _};
use oktant_sandbox::{Outgoing, Sandbox, Unanswered};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::support::Org;

/// What a server answers, with the requests that it saw.
type Seen = Arc<Mutex<Vec<(Method, HeaderMap, Value)>>>;

async fn answer(
    State((seen, reply)): State<(Seen, &'static str)>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let challenge = headers.get("x-okta-verification-challenge").cloned();
    seen.lock().push((method, headers, serde_json::from_slice(&body).unwrap_or_default()));
    match (reply, challenge) {
        ("challenge", Some(challenge)) => {
            axum::Json(json!({ "verification": challenge.to_str().unwrap() })).into_response()
        }
        ("error", _) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        ("text", _) => "no json".into_response(),
        _ => axum::Json(json!({ "commands": [{ "type": "com.okta.x", "value": [] }] })).into_response(),
    }
}

/// A server that always answers in one way; gives its address.
async fn serve(reply: &'static str) -> (String, Seen) {
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state((Arc::clone(&seen), reply));
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, seen)
}

fn channel(uri: &str) -> Value {
    json!({ "type": "HTTP", "version": "1.0.0", "config": { "uri": uri, "method": "POST",
        "headers": [{ "key": "x-test", "value": "yes" }],
        "authScheme": { "type": "HEADER", "key": "authorization", "value": "secret" } } })
}

fn event_hook(uri: &str) -> Value {
    json!({ "name": "Hook", "events": { "type": "EVENT_TYPE", "items": ["user.lifecycle.create"] }, "channel": channel(uri) })
}

#[tokio::test]
async fn a_hook_is_verified_if_it_repeats_the_challenge() {
    let org = Org::empty().await;
    let (uri, seen) = serve("challenge").await;
    let hook = org.expect(200, "POST", "/api/v1/eventHooks", Some(event_hook(&uri))).await.json;
    assert_eq!((&hook["status"], &hook["verificationStatus"]), (&json!("ACTIVE"), &json!("UNVERIFIED")));
    assert_eq!(hook["channel"]["config"]["authScheme"].get("value"), None);
    let own = format!("/api/v1/eventHooks/{}", hook["id"].as_str().unwrap());
    let verified = org.expect(200, "POST", &format!("{own}/lifecycle/verify"), None).await.json;
    assert_eq!(verified["verificationStatus"], "VERIFIED");
    let (method, headers, _) = seen.lock().remove(0);
    assert_eq!(
        (method, &headers["x-test"], &headers["authorization"]),
        (Method::GET, &"yes".parse().unwrap(), &"secret".parse().unwrap())
    );

    let mut renamed = event_hook(&uri);
    renamed["name"] = "Renamed".into();
    assert_eq!(org.expect(200, "PUT", &own, Some(renamed)).await.json["verificationStatus"], "VERIFIED");
    let moved = org.expect(200, "PUT", &own, Some(event_hook("http://127.0.0.1:9/elsewhere"))).await.json;
    assert_eq!(moved["verificationStatus"], "UNVERIFIED");
}

#[tokio::test]
async fn a_hook_that_answers_otherwise_stays_unverified() {
    let org = Org::empty().await;
    let (error, text, nobody) = (serve("error").await.0, serve("text").await.0, "http://127.0.0.1:9/".to_owned());
    for (uri, cause) in [(error, "status 500"), (text, "did not return"), (nobody, "could not be reached")] {
        let hook = org.expect(200, "POST", "/api/v1/eventHooks", Some(event_hook(&uri))).await.json;
        let own = format!("/api/v1/eventHooks/{}", hook["id"].as_str().unwrap());
        let refused = org.expect(400, "POST", &format!("{own}/lifecycle/verify"), None).await;
        assert!(refused.code() == "E0000001" && refused.cause().contains(cause), "{}", refused.json);
        assert_eq!(org.get(&own).await.json["verificationStatus"], "UNVERIFIED");
    }
}

#[tokio::test]
async fn executing_gives_back_what_the_server_answers() {
    let org = Org::empty().await;
    let (uri, seen) = serve("commands").await;
    let cases = [
        (uri, 200, ""),
        (serve("error").await.0, 502, "E0000134"),
        (serve("text").await.0, 400, "E0000135"),
        ("https://hooks.example/away".to_owned(), 502, "E0000134"),
    ];
    for (uri, status, code) in cases {
        let body = json!({ "name": "Inline", "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0", "channel": channel(&uri) });
        let hook = org.expect(200, "POST", "/api/v1/inlineHooks", Some(body)).await.json;
        let execute = format!("/api/v1/inlineHooks/{}/execute", hook["id"].as_str().unwrap());
        let payload = json!({ "eventType": "com.okta.oauth2.tokens.transform", "data": { "a": 1 } });
        let answer = org.expect(status, "POST", &execute, Some(payload)).await;
        assert_eq!(answer.code(), code);
        if status == 200 {
            assert_eq!(answer.json["commands"][0]["type"], "com.okta.x");
        }
    }
    let (method, _, payload) = seen.lock().remove(0);
    assert_eq!((method, &payload["data"]), (Method::POST, &json!({ "a": 1 })));
}

/// Servers that are all too slow, with the addresses that were tried.
#[derive(Debug, Default)]
struct TooSlow(Mutex<Vec<String>>);

impl Outgoing for TooSlow {
    fn send(
        &self,
        request: axum::http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<axum::http::Response<Bytes>, Unanswered>> {
        self.0.lock().push(format!("{} {}", request.method(), request.uri()));
        std::future::ready(Err(Unanswered::Timeout)).boxed()
    }
}

#[tokio::test]
async fn a_server_that_takes_too_long_is_told_from_none() {
    let edge = Arc::new(TooSlow::default());
    let org = Org::start(Sandbox::builder().outgoing(edge.clone())).await;
    let body = json!({ "name": "Inline", "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
        "channel": channel("http://127.0.0.1:9/inline") });
    let inline = org.expect(200, "POST", "/api/v1/inlineHooks", Some(body)).await.json;
    let execute = format!("/api/v1/inlineHooks/{}/execute", inline["id"].as_str().unwrap());
    assert_eq!(org.expect(504, "POST", &execute, Some(json!({}))).await.code(), "E0000137");
    for (uri, status) in [("http://127.0.0.1:9/event", 400), ("https://hooks.example/away", 200)] {
        let hook = org.expect(200, "POST", "/api/v1/eventHooks", Some(event_hook(uri))).await.json;
        let verify = format!("/api/v1/eventHooks/{}/lifecycle/verify", hook["id"].as_str().unwrap());
        let answer = org.expect(status, "POST", &verify, None).await;
        assert!(status == 200 || answer.cause().contains("within 3 seconds"), "{}", answer.json);
    }
    assert_eq!(*edge.0.lock(), ["POST http://127.0.0.1:9/inline", "GET http://127.0.0.1:9/event"]);
}

#[tokio::test]
async fn a_hook_key_shows_its_public_half_when_it_is_made() {
    let org = Org::empty().await;
    let key = org.expect(200, "POST", "/api/v1/hook-keys", Some(json!({ "name": "Signing" }))).await.json;
    assert_eq!((&key["_embedded"]["kid"], &key["isUsed"]), (&key["keyId"], &json!(false)));
    let own = format!("/api/v1/hook-keys/{}", key["id"].as_str().unwrap());
    let read = org.expect(200, "GET", &own, None).await.json;
    assert_eq!((read.get("_embedded"), read.get("publicKey")), (None, None));
    let public = format!("/api/v1/hook-keys/public/{}", key["keyId"].as_str().unwrap());
    assert_eq!(org.expect(200, "GET", &public, None).await.json["n"], key["_embedded"]["n"]);
    let renamed = org.expect(200, "PUT", &own, Some(json!({ "name": "Other" }))).await.json;
    assert_eq!((&renamed["name"], &renamed["_embedded"]), (&json!("Other"), &key["_embedded"]));
}
