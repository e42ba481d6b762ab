//! Orgs, gateways and networks that fail.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use oktant_base::{Clock, Coded, SystemClock, codes};
use oktant_client::{Call, ConnectFailure, Edges, Error, Org, Phase, Properties};

use crate::fake::{Fake, JumpingClock, Seen, edges, json};

const NOON: &str = "2026-01-01T12:00:00Z";
const NOON_DATE: &str = "Thu, 01 Jan 2026 12:00:00 GMT";
const NOON_EPOCH: i64 = 1_767_268_800;

/// Answers the first request with `fault` and the rest well; gives the waits and the requests.
async fn one_fault(
    method: &str,
    fault: impl Fn() -> Response + Send + Sync + 'static,
) -> (Result<u16, Error>, Vec<u64>, Vec<Seen>) {
    let fake = Fake::start(move |number, _| if number == 0 { fault() } else { json(200, &[], "[]") }).await;
    let clock = JumpingClock::at(NOON);
    let org = fake.org(clock.clone()).await;
    let result = org.send(Call::path(method, "/api/v1/things").unwrap()).await.map(|reply| reply.status);
    (result, clock.waits(), fake.seen())
}

fn too_many(limit: &str, reset: i64) -> Response {
    let reset = reset.to_string();
    let headers = [
        ("date", NOON_DATE),
        ("x-rate-limit-limit", limit),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", reset.as_str()),
        ("x-okta-request-id", "first"),
    ];
    json(429, &headers, r#"{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit","errorCauses":[]}"#)
}

#[tokio::test]
async fn a_spent_limit_is_waited_for_and_the_repeat_names_its_cause() {
    let (result, waits, seen) = one_fault("POST", || too_many("600", NOON_EPOCH + 49)).await;
    assert_eq!(result.unwrap(), 200);
    assert_eq!(waits, [50]);
    assert_eq!(seen[1].header("x-okta-retry-for"), "first");
    assert_eq!(seen[1].header("x-okta-retry-count"), "1");
}

#[tokio::test]
async fn a_reset_that_is_far_away_is_an_error_that_names_the_time() {
    let (result, waits, _) = one_fault("GET", || too_many("600", NOON_EPOCH + 600)).await;
    let error = result.unwrap_err();
    assert_eq!((error.code(), waits.len()), (codes::OKT2011, 0));
    assert!(error.to_string().contains("until 12:10:01Z"), "{error}");
}

#[tokio::test]
async fn repeats_end() {
    let fake = Fake::start(|_, _| json(503, &[], "<html>busy</html>")).await;
    let org = fake.org_with("APIToken=t;MaxRetries=2", JumpingClock::at(NOON)).await;
    let error = org.send(Call::get("/api/v1/things").unwrap()).await.unwrap_err();
    assert_eq!((error.code(), fake.seen().len()), (codes::OKT2003, 3));
    assert_eq!(error.detail().as_deref(), Some("3 attempts"));
    assert!(error.to_string().contains("busy"), "{error}");
}

#[tokio::test]
async fn a_deadline_ends_waiting_before_it_begins() {
    let fake = Fake::start(|_, _| too_many("600", NOON_EPOCH + 49)).await;
    let clock = JumpingClock::at(NOON);
    let org = fake.org(clock.clone()).await;
    let deadline = clock.now() + Duration::from_secs(30);
    let error = org.send(Call::get("/api/v1/things").unwrap().deadline(deadline)).await.unwrap_err();
    assert_eq!((error.code(), clock.waits().len(), fake.seen().len()), (codes::OKT2011, 0, 1));
    clock.advance(Duration::from_secs(31));
    let error = org.send(Call::get("/api/v1/other").unwrap().deadline(deadline)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Waiting, .. }), "{error}");
}

#[tokio::test]
async fn a_deadline_ends_waiting_for_others() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let properties = format!("BaseURL=http://{};APIToken=t", listener.local_addr().unwrap());
    let org = Org::connect(&Properties::parse(&properties).unwrap(), edges(Arc::new(SystemClock))).await.unwrap();
    let call = || Call::get("/api/v1/things").unwrap();
    let first = tokio::spawn({
        let org = org.clone();
        async move { org.send(call()).await.map(drop) }
    });
    // It is being served, and never answered; until then nothing is known about its bucket.
    let _silent = listener.accept().await.unwrap();
    let deadline = SystemClock.now() + Duration::from_millis(200);
    let second = tokio::time::timeout(Duration::from_secs(10), org.send(call().deadline(deadline)));
    let error = second.await.expect("it ends").unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Waiting, .. }), "{error}");
    first.abort();
}

#[tokio::test]
async fn a_silent_org_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let properties = Properties::parse(&format!("BaseURL=http://{address};APIToken=t;Timeout=1")).unwrap();
    let org = Org::connect(&properties, edges(Arc::new(SystemClock))).await.unwrap();
    let error = org.send(Call::get("/api/v1/things").unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Reading, .. }), "{error}");
    drop(listener);
}

async fn connect_failure(base: &str) -> (Error, ConnectFailure) {
    let properties = Properties::parse(&format!("{base};APIToken=t;MaxRetries=0")).unwrap();
    let org = Org::connect(&properties, Edges { clock: JumpingClock::at(NOON), ..Edges::system() }).await.unwrap();
    let error = org.send(Call::get("/api/v1/things").unwrap()).await.unwrap_err();
    let Error::Connect { failure, .. } = error else { panic!("{error}") };
    (error, failure)
}

#[tokio::test]
async fn unreachable_orgs_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (error, failure) = connect_failure(&format!("BaseURL=http://127.0.0.1:{port}")).await;
    assert_eq!((error.code(), failure), (codes::OKT2001, ConnectFailure::Refused));

    let (error, failure) = connect_failure("Domain=acme.invalid").await;
    assert_eq!(
        failure,
        ConnectFailure::Dns,
        "{error}: {:?}",
        std::error::Error::source(&error).map(ToString::to_string)
    );

    let fake = Fake::start(|_, _| json(200, &[], "[]")).await;
    let (_, failure) = connect_failure(&format!("BaseURL={}", fake.url.replace("http:", "https:"))).await;
    assert_eq!(failure, ConnectFailure::Tls);
}
