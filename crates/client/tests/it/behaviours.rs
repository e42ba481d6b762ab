//! What a configuration changes in the requests that are made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oktant_base::{Clock, Coded, SystemClock, codes};
use oktant_client::config::{Loader, Surroundings};
use oktant_client::{Call, Config, ConnectFailure, Edges, Error, Org, Phase, Signer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fake::{Fake, JumpingClock, edges, free_port, json as answer};

const NOON: &str = "2026-01-01T12:00:00Z";

fn config(url: &str, changes: &Value) -> Config {
    let mut values = json!({"orgUrl": url, "token": "t0ken"});
    values.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    Loader::new(Surroundings::none()).values(values).load().expect("a configuration")
}

async fn org(fake: &Fake, changes: Value, clock: Arc<dyn Clock>) -> Org {
    Org::connect(&config(&fake.url, &changes).properties, edges(clock)).await.expect("an org")
}

fn things() -> Call {
    Call::get("/api/v1/things").unwrap()
}

#[tokio::test]
async fn headers_are_layered_and_clearing_is_immediate() {
    let fake = Fake::start(|_, _| answer(200, &[], "{}")).await;
    let changes = json!({"headers": {"X-Team": "blue", "Accept": "text/plain"}, "userAgent": "app/1"});
    let org = org(&fake, changes, Arc::new(SystemClock)).await;
    org.send(things()).await.unwrap();
    org.set_header("X-Team", "green").unwrap();
    org.send(things().header("X-Mine", "1").header("User-Agent", "me/2").header("Authorization", "stolen"))
        .await
        .unwrap();
    org.send(things().header("X-Team", "red")).await.unwrap();
    org.clear_headers();
    org.send(things()).await.unwrap();
    let seen = fake.seen();
    let header = |index: usize, name: &str| seen[index].header(name).to_owned();
    assert_eq!((header(0, "x-team"), header(0, "accept")), ("blue".to_owned(), "text/plain".to_owned()));
    assert!(header(0, "user-agent").starts_with("oktant/") && header(0, "user-agent").ends_with(" app/1"));
    assert_eq!((header(1, "x-team"), header(1, "x-mine")), ("green".to_owned(), "1".to_owned()));
    assert_eq!((header(1, "user-agent"), header(1, "authorization")), ("me/2".to_owned(), "SSWS t0ken".to_owned()));
    assert_eq!((header(2, "x-team"), header(3, "x-team")), ("red".to_owned(), String::new()));
    assert_eq!(header(3, "accept"), "application/json");
    for reserved in ["authorization", "DPoP", "Host", "Content-Length"] {
        assert_eq!(org.set_header(reserved, "x").unwrap_err().code(), codes::OKT2016, "{reserved}");
    }
}

fn busy(reset_seconds: i64) -> Response {
    let reset = (1_767_268_800 + reset_seconds).to_string();
    let headers = [
        ("date", "Thu, 01 Jan 2026 12:00:00 GMT"),
        ("x-rate-limit-limit", "600"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", reset.as_str()),
    ];
    answer(429, &headers, "")
}

#[tokio::test]
async fn the_budget_of_a_call_is_never_slept_beyond() {
    let fake = Fake::start(|_, _| busy(49)).await;
    let clock = JumpingClock::at(NOON);
    let org = org(&fake, json!({"requestTimeout": 30}), clock.clone()).await;
    let error = org.send(things()).await.unwrap_err();
    assert_eq!((error.code(), clock.waits().len(), fake.seen().len()), (codes::OKT2011, 0, 1));

    let outage = Fake::start(|_, _| answer(503, &[], "")).await;
    let clock = JumpingClock::at(NOON);
    let org = self::org(&outage, json!({"requestTimeout": 2, "rateLimit": {"maxRetries": 100}}), clock.clone()).await;
    let started = clock.now();
    let error = org.send(things()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Waiting, .. }), "{error}");
    assert!(clock.now() - started <= chrono::TimeDelta::seconds(2));
    assert!(outage.seen().len() > 1);
}

#[tokio::test]
async fn no_retries_means_none_and_the_longest_wait_is_kept() {
    for (changes, fault) in [
        (json!({"rateLimit": {"maxRetries": 0}}), busy as fn(i64) -> Response),
        (json!({"rateLimit": {"maxRetries": 0}}), |_| answer(503, &[], "")),
        (json!({"rateLimit": {"maxBackoff": 20}}), busy),
    ] {
        let fake = Fake::start(move |_, _| fault(49)).await;
        let clock = JumpingClock::at(NOON);
        let org = org(&fake, changes, clock.clone()).await;
        org.send(things()).await.unwrap_err();
        assert_eq!((fake.seen().len(), clock.waits().len()), (1, 0));
    }
}

#[tokio::test]
async fn a_write_is_repeated_after_an_outage_only_if_allowed() {
    let fake = Fake::start(|number, _| answer(if number == 1 { 503 } else { 200 }, &[], "{}")).await;
    let org = org(&fake, json!({}), JumpingClock::at(NOON)).await;
    let write = || Call::path("POST", "/api/v1/things").unwrap();
    assert!(org.send(write()).await.is_ok());
    assert!(org.send(write().repeatable()).await.is_ok());
    assert_eq!(fake.seen().len(), 3);
    assert_eq!(fake.seen()[2].header("x-okta-retry-count"), "1");
}

#[tokio::test]
async fn a_deletion_in_two_steps_is_not_repeated() {
    let requests_of = async |path: &str| {
        let fake = Fake::start(|number, _| answer(if number == 0 { 503 } else { 204 }, &[], "")).await;
        let org = org(&fake, json!({}), JumpingClock::at(NOON)).await;
        let sent = org.send(Call::path("DELETE", path).unwrap()).await;
        (sent.is_ok(), fake.seen().len())
    };
    // The first request deactivates a user, the second deletes it for good.
    assert_eq!(requests_of("/api/v1/users/00u1").await, (false, 1));
    assert_eq!(requests_of("/api/v1/groups/00g1/users/00u1").await, (true, 2));
    assert_eq!(requests_of("/api/v1/things/1").await, (true, 2));
}

#[tokio::test]
async fn a_refused_connection_is_tried_twice_and_no_more() {
    let properties = config(&format!("http://127.0.0.1:{}", free_port()), &json!({})).properties;
    let clock = JumpingClock::at(NOON);
    let org = Org::connect(&properties, edges(clock.clone())).await.unwrap();
    let error = org.send(things()).await.unwrap_err();
    assert!(matches!(error, Error::Connect { failure: ConnectFailure::Refused, .. }), "{error:?}");
    assert_eq!(org.ledger().entries().len(), 2);
    assert!(clock.exact_waits().iter().sum::<f64>() < 1.0);
}

#[tokio::test]
async fn each_attempt_has_a_time_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let properties = config(&url, &json!({"readTimeout": 1, "rateLimit": {"maxRetries": 0}})).properties;
    let org = Org::connect(&properties, edges(Arc::new(SystemClock))).await.unwrap();
    let error = org.send(things()).await.unwrap_err();
    let Error::Timeout { phase: Phase::Reading, after, .. } = error else { panic!("{error}") };
    assert_eq!(after, Duration::from_secs(1));
}

#[tokio::test]
async fn opening_a_connection_has_a_time_of_its_own() {
    // It lets everyone in and never speaks, while the client waits for a TLS handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let changes = json!({"connectionTimeout": 1, "rateLimit": {"maxRetries": 0}});
    let properties = config(&format!("https://{address}"), &changes).properties;
    let org = Org::connect(&properties, edges(Arc::new(SystemClock))).await.unwrap();
    let error = org.send(things()).await.unwrap_err();
    let Error::Timeout { phase: Phase::Connecting, after, .. } = error else { panic!("{error:?}") };
    assert_eq!(after, Duration::from_secs(1));
}

/// A proxy that answers every request itself, and tells what it was asked.
async fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let record = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 16_384];
            let length = stream.read(&mut bytes).await.unwrap_or(0);
            record.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
            let body =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
            stream.write_all(body.as_bytes()).await.unwrap();
        }
    });
    (address, seen)
}

async fn through(changes: Value, variables: &[(&str, &str)], org_url: &str) -> Result<(), Error> {
    let mut values = json!({"testing": {"testingDisableHttpsCheck": true}, "rateLimit": {"maxRetries": 0}});
    values.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let edges = Edges { variables: Arc::new(variables), ..edges(Arc::new(SystemClock)) };
    let org = Org::connect(&config(org_url, &values).properties, edges).await?;
    org.send(things()).await.map(drop)
}

#[tokio::test]
async fn proxies_come_from_the_configuration_or_the_environment() {
    const ORG: &str = "http://org.invalid";
    let (address, seen) = proxy().await;
    let (host, port) = address.split_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    let credentials = json!({"proxy": {"host": host, "port": port, "username": "a@b", "password": "x:/y"}});
    through(credentials, &[], ORG).await.unwrap();
    through(json!({"proxy": {"host": format!("http://a%40b:x%3A%2Fy@{host}"), "port": port}}), &[], ORG).await.unwrap();
    through(json!({}), &[("http_proxy", &format!("http://a%40b:x%3A%2Fy@{address}"))], ORG).await.unwrap();
    through(json!({}), &[("HTTP_PROXY", &address)], ORG).await.unwrap();
    let asked = seen.lock().unwrap().clone();
    let basic = format!("basic {}", base64::engine::general_purpose::STANDARD.encode("a@b:x:/y"));
    for request in &asked[..3] {
        assert!(request.starts_with("GET http://org.invalid/api/v1/things HTTP/1.1"), "{request}");
        assert!(request.to_lowercase().contains(&basic.to_lowercase()), "{request}");
    }
    assert_eq!(asked.len(), 4);

    let broken = json!({"proxy": {"host": "nowhere.invalid", "port": 3128}});
    let error = through(broken, &[], ORG).await.unwrap_err();
    assert_eq!(error.to_string(), "nowhere.invalid:3128 cannot be reached: the name of the proxy does not resolve");
    assert!(error.hint().is_some_and(|hint| hint.contains("ProxyServer")));

    // Reached directly, which fails: the name does not resolve.
    for (changes, variables) in [
        (json!({}), vec![("HTTP_PROXY", address.as_str()), ("NO_PROXY", "other.test,.invalid")]),
        (json!({"proxy": {"host": host, "port": port, "exceptions": ["org.invalid"]}}), vec![]),
        (json!({}), vec![("HTTPS_PROXY", address.as_str())]),
    ] {
        assert_eq!(through(changes, &variables, ORG).await.unwrap_err().code(), codes::OKT2001);
    }
    assert_eq!(seen.lock().unwrap().len(), 4);
}

/// Signs by a key that the client never sees.
#[derive(Debug)]
struct Vault {
    key: EcdsaKeyPair,
    works: bool,
}

#[async_trait]
impl Signer for Vault {
    fn algorithm(&self) -> &'static str {
        "ES256"
    }

    fn key_id(&self) -> Option<&str> {
        Some("vault-1")
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        tokio::task::yield_now().await;
        if !self.works {
            return Err("the vault is sealed".into());
        }
        let signature = self.key.sign(&aws_lc_rs::rand::SystemRandom::default(), message);
        Ok(signature.map_err(|_| "no signature")?.as_ref().to_vec())
    }
}

#[tokio::test]
async fn assertions_may_be_signed_elsewhere() {
    let fake = Fake::start(|_, request| match request.path.as_str() {
        "/oauth2/v1/token" => {
            answer(200, &[], r#"{"token_type":"Bearer","expires_in":3600,"access_token":"at","scope":"s"}"#)
        }
        _ => answer(200, &[], "[]"),
    })
    .await;
    let connect = async |works: bool| {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = key.public_key().as_ref().to_vec();
        let values = json!({"orgUrl": fake.url, "clientId": "0oa1", "scopes": ["okta.users.read"]});
        let loader = Loader::new(Surroundings::none()).values(values).signer(Arc::new(Vault { key, works }));
        (Org::connect(&loader.load().unwrap().properties, edges(Arc::new(SystemClock))).await, public)
    };
    let (org, public) = connect(true).await;
    org.unwrap().send(things()).await.unwrap();
    assert_eq!(fake.seen()[1].header("authorization"), "Bearer at");
    let assertion = fake.seen()[0].field("client_assertion").unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": "vault-1"}));
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[format!("{}/oauth2/v1/token", fake.url)]);
    let key = jsonwebtoken::DecodingKey::from_ec_der(&public);
    jsonwebtoken::decode::<Value>(&assertion, &key, &validation).expect("a valid signature");

    let error = connect(false).await.0.unwrap_err();
    assert!(error.to_string().contains("the vault is sealed"), "{error}");
}
