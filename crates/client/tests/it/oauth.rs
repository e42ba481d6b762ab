//! Sign-ins against a scripted authorization server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oktant_base::{Clock, Coded, SystemClock, codes};
use oktant_client::service::{Failure, HttpService, Layer, Request, Response as Answer};
use oktant_client::{Browser, Call, Edges, Error, Org, Phase, Properties};
use serde_json::Value;
use tokio::sync::Notify;
use url::Url;

use crate::fake::{Fake, JumpingClock, Seen, edges, free_port, json};

const NOON: &str = "2026-01-01T12:00:00Z";
const TOKEN: &str = "/oauth2/v1/token";

/// A token answer whose access token is numbered.
fn grant(number: usize) -> Response {
    let body = format!(
        r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"at{number}","scope":"okta.users.read","refresh_token":"rt{number}"}}"#
    );
    json(200, &[], &body)
}

fn bearer_refused() -> Response {
    let header = "Bearer error=\"invalid_token\", error_description=\"The token has expired.\"";
    json(401, &[("www-authenticate", header)], "")
}

/// Grants numbered tokens, and lets in whoever `accepts` says.
async fn server(accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Fake {
    let granted = AtomicUsize::new(0);
    Fake::start(move |_, request| {
        if request.path == TOKEN {
            return grant(granted.fetch_add(1, Ordering::SeqCst) + 1);
        }
        if accepts(request.header("authorization")) { json(200, &[], "[]") } else { bearer_refused() }
    })
    .await
}

fn token_requests(fake: &Fake) -> Vec<Seen> {
    fake.seen().into_iter().filter(|request| request.path == TOKEN).collect()
}

fn call() -> Call {
    Call::get("/api/v1/users").unwrap()
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once() {
    let fake = server(|credential| credential == "Bearer at2").await;
    let properties = "OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://once";
    let org = fake.org_with(properties, JumpingClock::at(NOON)).await;
    org.send(call()).await.unwrap();
    let requests = token_requests(&fake);
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].field("refresh_token").as_deref(), Some("rt0"));
    assert_eq!(requests[1].field("refresh_token").as_deref(), Some("rt1"), "the rotated one");
    assert_eq!(requests[1].field("client_id").as_deref(), Some("c"));
}

#[tokio::test]
async fn a_token_that_stays_refused_is_an_error() {
    let fake = server(|_| false).await;
    let properties = "OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://never";
    let org = fake.org_with(properties, JumpingClock::at(NOON)).await;
    let error = org.send(call()).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1012);
    assert!(error.to_string().contains("The token has expired."), "{error}");
    assert_eq!(token_requests(&fake).len(), 2);
}

#[tokio::test]
async fn a_given_token_is_used_as_it_is() {
    let fake = server(|_| false).await;
    let org = fake.org_with("OAuthAccessToken=mine", JumpingClock::at(NOON)).await;
    assert_eq!(org.send(call()).await.unwrap_err().code(), codes::OKT1012);
    assert_eq!(fake.seen().len(), 1);
    assert_eq!(fake.seen()[0].header("authorization"), "Bearer mine");
}

#[tokio::test]
async fn tokens_are_renewed_ahead_of_their_end_and_by_one_request() {
    let fake = server(|_| true).await;
    let clock = JumpingClock::at(NOON);
    let properties = "OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://ahead";
    let org = fake.org_with(properties, clock.clone()).await;
    clock.advance(Duration::from_secs(2_870));
    org.send(call()).await.unwrap();
    assert_eq!(token_requests(&fake).len(), 1);
    // 80 % of its life are over: requests go on with it while the next one is fetched.
    clock.advance(Duration::from_secs(15));
    let calls = (0..20).map(|_| org.send(call()));
    assert!(futures::future::join_all(calls).await.into_iter().all(|reply| reply.is_ok()));
    let renewed = async {
        while org.send(call()).await.is_ok() && fake.seen().last().unwrap().header("authorization") != "Bearer at2" {}
    };
    tokio::time::timeout(Duration::from_secs(10), renewed).await.expect("the new token is used");
    assert_eq!(token_requests(&fake).len(), 2);
    // Too near its end to be used: everyone waits for one new token.
    clock.advance(Duration::from_secs(3_590));
    let calls = (0..20).map(|_| org.send(call()));
    assert!(futures::future::join_all(calls).await.into_iter().all(|reply| reply.is_ok()));
    assert_eq!(token_requests(&fake).len(), 3);
    assert_eq!(fake.seen().last().unwrap().header("authorization"), "Bearer at3");
}

#[tokio::test]
async fn a_renewal_that_fails_is_not_tried_with_every_request() {
    let fake = Fake::start(|number, request| match (request.path.as_str(), number) {
        (TOKEN, 0) => grant(1),
        (TOKEN, _) => json(500, &[], ""),
        _ => json(200, &[], "[]"),
    })
    .await;
    let clock = JumpingClock::at(NOON);
    let properties = "OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://rest";
    let org = fake.org_with(properties, clock.clone()).await;
    clock.advance(Duration::from_secs(2_900));
    org.send(call()).await.unwrap();
    let failed = async {
        while token_requests(&fake).len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), failed).await.expect("a renewal is tried");
    for _ in 0..50 {
        org.send(call()).await.unwrap();
    }
    assert_eq!(token_requests(&fake).len(), 2, "the token is good for a while yet");
}

#[tokio::test]
async fn an_ended_sign_in_needs_a_person() {
    let refusal = r#"{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}"#;
    let fake = Fake::start(move |_, _| json(400, &[], refusal)).await;
    let properties = "OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://ended";
    let error = fake.try_org(properties, edges(JumpingClock::at(NOON))).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1010);
    assert!(error.to_string().contains("invalid or expired"), "{error}");
}

#[tokio::test]
async fn the_client_secret_goes_where_the_app_takes_it() {
    let fake = Fake::start(|_, request| match (request.path.as_str(), request.field("client_secret")) {
        (TOKEN, None) => json(401, &[], r#"{"error":"invalid_client","error_description":"no"}"#),
        (TOKEN, Some(_)) => grant(1),
        _ => json(200, &[], "[]"),
    })
    .await;
    let properties = "OAuthClientId=c;OAuthClientSecret=s/1;OAuthRefreshToken=r;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://secret";
    fake.org_with(properties, JumpingClock::at(NOON)).await;
    let requests = token_requests(&fake);
    assert_eq!(requests[0].header("authorization"), "Basic YzpzJTJGMQ==");
    assert_eq!(requests[1].field("client_secret").as_deref(), Some("s/1"));
    assert_eq!(requests[1].header("authorization"), "");
}

/// One part of a JWT.
fn part(jwt: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_service_app_proves_itself_and_answers_nonces() {
    let key = include_str!("../../src/auth/key/rsa_2048.json").replace(['\n', ' '], "");
    let fake = Fake::start(|_, request| {
        let nonce = part(request.header("dpop"), 1)["nonce"].clone();
        match (request.path.as_str(), nonce.as_str()) {
            (TOKEN, None) => {
                json(400, &[("dpop-nonce", "n1")], r#"{"error":"use_dpop_nonce","error_description":"x"}"#)
            }
            (TOKEN, Some("n1")) => {
                json(200, &[], r#"{"token_type":"DPoP","expires_in":3600,"access_token":"bound","scope":"s"}"#)
            }
            (_, None) => json(401, &[("dpop-nonce", "n2"), ("www-authenticate", "DPoP error=\"use_dpop_nonce\"")], ""),
            (_, Some("n2")) => json(200, &[], "[]"),
            _ => json(400, &[], ""),
        }
    })
    .await;
    let properties = format!("OAuthClientId=svc;Scope=okta.users.read;DPoP=true;OAuthJWTKeyId=k1;OAuthJWTCert='{key}'");
    let org = fake.org_with(&properties, JumpingClock::at(NOON)).await;
    org.send(Call::get("/api/v1/users?limit=1").unwrap()).await.unwrap();
    let seen = fake.seen();
    assert_eq!(
        seen.iter().map(|request| request.path.as_str()).collect::<Vec<_>>(),
        [TOKEN, TOKEN, "/api/v1/users", "/api/v1/users"]
    );

    let assertions: Vec<String> = seen[..2].iter().map(|request| request.field("client_assertion").unwrap()).collect();
    let claims = part(&assertions[1], 1);
    assert_eq!(part(&assertions[1], 0), serde_json::json!({"typ": "JWT", "alg": "RS256", "kid": "k1"}));
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("svc"), Some("svc")));
    assert_eq!(claims["aud"], format!("{}{TOKEN}", fake.url));
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 3600);
    assert_ne!(part(&assertions[0], 1)["jti"], claims["jti"], "an assertion is spent by the first answer");
    assert_eq!(seen[1].field("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(seen[1].field("scope").as_deref(), Some("okta.users.read"));

    let proof = part(seen[3].header("dpop"), 1);
    assert_eq!(seen[3].header("authorization"), "DPoP bound");
    assert_eq!(seen[3].header("x-okta-user-agent-extended"), "isDPoP:true");
    assert_eq!(proof["htu"], format!("{}/api/v1/users", fake.url));
    assert!(proof["ath"].is_string());
    assert_ne!(part(seen[2].header("dpop"), 1)["jti"], proof["jti"]);
}

#[tokio::test]
async fn a_refused_client_is_told_what_to_check() {
    let fake =
        Fake::start(|_, _| json(401, &[], r#"{"error":"invalid_client","error_description":"unknown kid"}"#)).await;
    let key = include_str!("../../src/auth/key/rsa_2048.json").replace(['\n', ' '], "");
    let properties = format!("OAuthClientId=svc;Scope=s;OAuthJWTCert='{key}'");
    let error = fake.try_org(&properties, edges(JumpingClock::at(NOON))).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1015);
    assert!(error.hint().is_some_and(|hint| hint.contains("OAuthClientId")));
    assert!(!error.to_string().contains("eyJ"));
}

/// A browser that answers the sign-in with requests to the callback, the first to the last.
#[derive(Debug)]
struct Scripted {
    targets: Vec<&'static str>,
    pages: Arc<Mutex<Vec<String>>>,
    opened: Arc<Mutex<Option<Url>>>,
}

impl Browser for Scripted {
    fn open(&self, url: &Url) {
        *self.opened.lock().unwrap() = Some(url.clone());
        let query = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        let callback = Url::parse(&query("redirect_uri")).unwrap();
        let state = query("state");
        let targets: Vec<String> = self.targets.iter().map(|target| target.replace("STATE", &state)).collect();
        let pages = Arc::clone(&self.pages);
        std::thread::spawn(move || {
            let address = callback.socket_addrs(|| None).unwrap()[0];
            // A connection that stays silent, as browsers open them ahead of use.
            let _idle = TcpStream::connect(address).unwrap();
            for target in targets {
                let page = visit(address, &target);
                pages.lock().unwrap().push(page);
            }
        });
    }
}

fn visit(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

struct SignIn {
    result: Result<oktant_client::Org, Error>,
    opened: Option<Url>,
    pages: Arc<Mutex<Vec<String>>>,
}

async fn sign_in(fake: &Fake, store: &str, targets: &[&'static str]) -> SignIn {
    sign_in_for(fake, store, targets, "okta.users.read offline_access", false).await
}

async fn sign_in_for(fake: &Fake, store: &str, targets: &[&'static str], scope: &str, anew: bool) -> SignIn {
    let (pages, opened) = (Arc::default(), Arc::default());
    let browser = Scripted { targets: targets.to_vec(), pages: Arc::clone(&pages), opened: Arc::clone(&opened) };
    let edges = Edges { browser: Arc::new(browser), ..edges(Arc::new(SystemClock)) };
    let properties = format!(
        "BaseURL={};OAuthClientId=c;InitiateOAuth=GETANDREFRESH;Scope={scope};OAuthSettingsLocation=memory://{store};\
         CallbackURL=http://127.0.0.1:{}/callback",
        fake.url,
        free_port()
    );
    let mut properties = Properties::parse(&properties).expect("properties");
    properties.sign_in.anew = anew;
    let result = Org::connect(&properties, edges).await;
    let opened = opened.lock().unwrap().clone();
    SignIn { result, opened, pages }
}

#[tokio::test]
async fn a_person_signs_in_by_browser_once() {
    let fake = server(|credential| credential == "Bearer at1").await;
    let targets = ["/favicon.ico", "/callback?code=stolen&state=wrong", "/callback?code=good&state=STATE"];
    let first = sign_in(&fake, "person", &targets).await;
    first.result.unwrap().send(call()).await.unwrap();
    let request = &token_requests(&fake)[0];
    assert_eq!(request.field("code").as_deref(), Some("good"));
    assert_eq!(request.field("grant_type").as_deref(), Some("authorization_code"));
    assert!(request.field("code_verifier").is_some_and(|verifier| verifier.len() >= 43));
    let opened = first.opened.unwrap();
    assert_eq!(opened.path(), "/oauth2/v1/authorize");
    assert!(opened.query_pairs().any(|pair| pair == ("code_challenge_method".into(), "S256".into())));
    let pages = first.pages.lock().unwrap().clone();
    assert!(pages[0].starts_with("HTTP/1.1 404") && pages[1].starts_with("HTTP/1.1 400"), "{pages:?}");

    let second = sign_in(&fake, "person", &[]).await;
    assert!(second.result.is_ok() && second.opened.is_none(), "the sign-in is kept");
    assert_eq!(token_requests(&fake).len(), 1);
}

#[tokio::test]
async fn the_last_page_tells_what_became_of_the_code() {
    for (status, body, title) in [(200, "", "Signed in"), (401, r#"{"error":"invalid_client"}"#, "Not signed in")] {
        let fake = Fake::start(move |_, request| match (request.path.as_str(), status) {
            (TOKEN, 200) => grant(1),
            (TOKEN, _) => json(status, &[], body),
            _ => json(200, &[], "[]"),
        })
        .await;
        let sign_in = sign_in(&fake, &format!("page-{status}"), &["/callback?code=good&state=STATE"]).await;
        assert_eq!(sign_in.result.is_ok(), status == 200);
        // The browser reads on its own thread.
        let page = loop {
            if let Some(page) = sign_in.pages.lock().unwrap().first().cloned() {
                break page;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(page.contains(&format!("<title>{title}")), "{page}");
    }
}

#[tokio::test]
async fn a_stored_sign_in_gives_way_to_a_new_one() {
    const TARGETS: &[&str] = &["/callback?code=good&state=STATE"];
    let fake = server(|_| true).await;
    let sign_in = async |scope: &str, anew: bool| {
        let sign_in = sign_in_for(&fake, "anew", TARGETS, scope, anew).await;
        sign_in.result.unwrap().send(call()).await.unwrap();
        (sign_in.opened.is_some(), fake.seen().last().unwrap().header("authorization").to_owned())
    };
    assert_eq!(sign_in("okta.users.read", true).await, (true, "Bearer at1".to_owned()));
    assert_eq!(sign_in("okta.users.read", false).await, (false, "Bearer at1".to_owned()));
    assert_eq!(sign_in("okta.users.read", true).await, (true, "Bearer at2".to_owned()), "as asked for");
    let both = "okta.users.read okta.groups.read";
    assert_eq!(sign_in(both, false).await, (true, "Bearer at3".to_owned()), "for the new scope");
    // The org granted less than that, which another sign-in would not change.
    assert_eq!(sign_in(both, false).await, (false, "Bearer at3".to_owned()));
}

#[tokio::test]
async fn a_new_sign_in_leaves_no_token_of_the_one_before() {
    const ANOTHER: &str =
        r#"{"token_type":"Bearer","expires_in":3600,"access_token":"another's","scope":"okta.users.read"}"#;
    let fake = Fake::start(|_, request| match (request.path.as_str(), request.field("code").as_deref()) {
        (TOKEN, Some("first")) => grant(1),
        (TOKEN, Some(_)) => json(200, &[], ANOTHER),
        (TOKEN, None) => grant(2),
        _ => json(200, &[], "[]"),
    })
    .await;
    for (store, is_elsewhere) in [("another", false), ("another-elsewhere", true)] {
        let first = sign_in(&fake, store, &["/callback?code=first&state=STATE"]).await;
        first.result.unwrap();
        let later = format!("OAuthClientId=c;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://{store}");
        if is_elsewhere {
            let dsn = format!("BaseURL={};{later};Scope=okta.users.read;OAuthVerifier=second", fake.url);
            let mut properties = Properties::parse(&dsn).unwrap();
            properties.sign_in.anew = true;
            Org::connect(&properties, edges(Arc::new(SystemClock))).await.unwrap();
        } else {
            let targets = &["/callback?code=second&state=STATE"];
            sign_in_for(&fake, store, targets, "okta.users.read", true).await.result.unwrap();
        }
        let after_its_end = edges(JumpingClock::at("2099-01-01T12:00:00Z"));
        let error = fake.try_org(&later, after_its_end).await.expect_err("nobody is signed in any more");
        assert_eq!(error.code(), codes::OKT1010, "{store}: {error}");
        let refreshed = token_requests(&fake).iter().any(|request| request.field("refresh_token").is_some());
        assert!(!refreshed, "{store}: the token of the first person was used");
    }
}

#[tokio::test]
async fn a_stored_sign_in_without_a_scope_needs_a_person() {
    let fake = server(|_| true).await;
    let properties = |scope: &str| {
        format!(
            "OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://lack;{scope}"
        )
    };
    fake.org_with(&properties("Scope=okta.users.read"), JumpingClock::at(NOON)).await;
    let more = properties("Scope=okta.users.read okta.apps.read");
    let error = fake.try_org(&more, edges(JumpingClock::at(NOON))).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1010);
    assert!(error.to_string().contains("without scope okta.apps.read"), "{error}");
}

#[tokio::test]
async fn a_refused_sign_in_says_why() {
    let fake = server(|_| true).await;
    let target = "/callback?error=access_denied&error_description=User+is+not+assigned&state=STATE";
    let error = sign_in(&fake, "refused", &[target]).await.result.unwrap_err();
    assert_eq!(error.code(), codes::OKT1016);
    assert!(error.to_string().ends_with("the org refused: User is not assigned"), "{error}");
}

#[derive(Debug)]
struct Idle;

impl Browser for Idle {
    fn open(&self, _: &Url) {}
}

#[tokio::test]
async fn nobody_signing_in_is_an_error_in_the_end() {
    let fake = server(|_| true).await;
    let edges = Edges { browser: Arc::new(Idle), ..edges(JumpingClock::at(NOON)) };
    let properties = format!(
        "OAuthClientId=c;InitiateOAuth=GETANDREFRESH;OAuthSettingsLocation=memory://idle;CallbackURL=http://127.0.0.1:{}",
        free_port()
    );
    let error = fake.try_org(&properties, edges).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1016);
    assert!(error.to_string().contains("within 5 minutes"), "{error}");
}

#[tokio::test]
async fn a_callback_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let fake = server(|_| true).await;
    let callback = format!("http://127.0.0.1:{}", taken.local_addr().unwrap().port());
    let properties = format!(
        "OAuthClientId=c;InitiateOAuth=GETANDREFRESH;OAuthSettingsLocation=memory://taken;CallbackURL={callback}"
    );
    let error = fake.try_org(&properties, edges(JumpingClock::at(NOON))).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1019);
    assert!(error.to_string().contains(&callback), "{error}");
}

#[tokio::test]
async fn a_sign_in_can_go_on_elsewhere() {
    let fake = server(|_| true).await;
    let dsn = |extra: &str| {
        let text = format!(
            "BaseURL={};OAuthClientId=c;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://elsewhere;{extra}",
            fake.url
        );
        oktant_client::Properties::parse(&text).unwrap()
    };
    let edges = edges(Arc::new(SystemClock));
    let address = oktant_client::Org::authorization_url(&dsn(""), &edges).await.unwrap();
    assert!(address.query_pairs().any(|(name, _)| name == "code_challenge"));
    oktant_client::Org::connect(&dsn("OAuthVerifier=code-from-there"), edges).await.unwrap();
    let request = &token_requests(&fake)[0];
    assert_eq!(request.field("code").as_deref(), Some("code-from-there"));
    assert!(request.field("code_verifier").is_some());
}

#[tokio::test]
async fn without_a_client_id_the_error_says_how_to_get_one() {
    let dsn = "okta:///?Domain=acme.okta.com&InitiateOAuth=GETANDREFRESH&OAuthSettingsLocation=memory://noclient";
    let properties = oktant_client::Properties::parse(dsn).unwrap();
    let error = oktant_client::Org::connect(&properties, edges(JumpingClock::at(NOON))).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1004);
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains("OAuthClientId") && hint.contains("`oktant login`"), "{hint}");
}

/// An org that refuses the first token, and takes its time to grant the second one.
#[derive(Debug, Clone, Default)]
struct SlowToGrant {
    granted: Arc<AtomicUsize>,
    let_in: Arc<Notify>,
}

#[async_trait]
impl HttpService for SlowToGrant {
    async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let (status, body) = if request.url.path() == TOKEN {
            let number = self.granted.fetch_add(1, Ordering::SeqCst) + 1;
            if number == 2 {
                self.let_in.notified().await;
            }
            let tokens = format!(r#""access_token":"at{number}","refresh_token":"rt{number}""#);
            (200, format!(r#"{{"token_type":"Bearer","expires_in":3600,"scope":"s",{tokens}}}"#))
        } else if request.headers["authorization"] == "Bearer at2" {
            (200, "[]".to_owned())
        } else {
            (401, String::new())
        };
        Ok(Answer { status, headers: http::HeaderMap::new(), body: body.into() })
    }
}

impl Layer for SlowToGrant {
    fn layer(&self, _inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(self.clone())
    }
}

#[tokio::test]
async fn a_call_does_not_wait_for_a_token_beyond_its_deadline_and_the_token_is_not_lost() {
    let slow = SlowToGrant::default();
    let dsn = "Domain=acme.okta.com;OAuthClientId=c;OAuthRefreshToken=rt0;InitiateOAuth=REFRESH;\
               OAuthSettingsLocation=memory://slow";
    let edges = edges(Arc::new(SystemClock)).layer(Arc::new(slow.clone()));
    let org = Org::connect(&Properties::parse(dsn).unwrap(), edges).await.unwrap();
    let deadline = SystemClock.now() + Duration::from_millis(200);
    let error = org.send(call().deadline(deadline)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Waiting, .. }), "{error}");
    slow.let_in.notify_one();
    org.send(call()).await.unwrap();
    assert_eq!(slow.granted.load(Ordering::SeqCst), 2, "the refresh went on without the call");
}
