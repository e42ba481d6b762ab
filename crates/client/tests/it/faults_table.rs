//! Every documented fault with its documented outcome, as a table; and connections that are lost
//! at every byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::response::Response;
use futures::{StreamExt, TryStreamExt};
use oktant_base::{Coded, SystemClock, codes};
use oktant_client::{Call, Error, Org, Properties};
use oktant_sandbox::{RateLimits, Sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::{Fake, JumpingClock, edges, http_date, json};

const NOON: &str = "2026-01-01T12:00:00Z";
const NOON_EPOCH: i64 = 1_767_268_800;
const TOKEN: &str = "/oauth2/v1/token";

/// What becomes of a call whose first answer is a fault and whose second is good.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// It succeeds after one wait of so many seconds.
    After(f64, f64),
    /// It fails at once.
    Fails(&'static str),
}

use Outcome::{After, Fails};

/// A 429 with these rate-limit headers; `date` and `reset` in seconds from noon.
fn refused(limit: &str, reset: i64, date: i64, further: &[(&str, &str)]) -> Response {
    let at = |seconds: i64| NOON.parse::<oktant_base::Timestamp>().unwrap() + chrono::TimeDelta::seconds(seconds);
    let (reset, date) = ((NOON_EPOCH + reset).to_string(), http_date(at(date)));
    let mut headers =
        vec![("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", reset.as_str()), ("date", date.as_str())];
    headers.extend((!limit.is_empty()).then_some(("x-rate-limit-limit", limit)));
    headers.extend(further);
    json(429, &headers, r#"{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit"}"#)
}

fn page() -> Response {
    let mut page = json(200, &[], "<html>maintenance</html>");
    page.headers_mut().insert("content-type", "text/html".parse().unwrap());
    page
}

/// A name, a method, the fault and its outcome.
type Case = (&'static str, &'static str, fn() -> Response, Outcome);

#[tokio::test]
async fn every_faulty_answer_has_its_outcome() {
    let limited = |seconds: f64| After(seconds, seconds + 0.25);
    let outage = After(0.2, 0.3);
    // A server cannot be kept from sending Date; answers without one are in the unit tests of the policy.
    let cases: [Case; 22] = [
        ("limit spent", "GET", || refused("600", 49, 0, &[]), limited(50.0)),
        ("limit spent, a write", "POST", || refused("600", 49, 0, &[]), limited(50.0)),
        ("reset in the past", "GET", || refused("600", -100, 0, &[]), limited(1.0)),
        ("org's clock ahead", "GET", || refused("600", 310, 300, &[]), limited(11.0)),
        ("org's clock behind", "GET", || refused("600", -290, -300, &[]), limited(11.0)),
        ("only a reset", "GET", || refused("", 10, 0, &[]), limited(11.0)),
        ("no headers", "GET", || json(429, &[], ""), After(1.0, 1.0)),
        ("Retry-After alone", "GET", || json(429, &[("retry-after", "7")], ""), After(7.0, 7.0)),
        ("Retry-After beside a reset", "GET", || refused("600", 10, 0, &[("retry-after", "7")]), limited(11.0)),
        ("headers doubled", "GET", || refused("600", 49, 0, &[("x-rate-limit-reset", "1767268810")]), limited(11.0)),
        ("reset far away", "GET", || refused("600", 600, 0, &[]), Fails("OKT2011")),
        ("limit 0: too many in flight", "GET", || refused("0", 60, 0, &[]), After(0.125, 0.25)),
        ("limit 0, a write", "POST", || refused("0", 60, 0, &[]), After(0.125, 0.25)),
        ("503 without body", "GET", || json(503, &[], ""), outage),
        ("503 without body, a deletion", "DELETE", || json(503, &[], ""), outage),
        ("503 without body, a write", "POST", || json(503, &[], ""), Fails("OKT2003")),
        ("502 with a web page", "PUT", || json(502, &[], "<html>"), outage),
        ("504", "GET", || json(504, &[], ""), outage),
        ("500", "GET", || json(500, &[], ""), Fails("OKT2003")),
        ("a web page in a 200", "GET", page, Fails("OKT2004")),
        ("a redirect", "GET", || json(302, &[("location", "https://evil.example/")], ""), Fails("OKT2004")),
        ("401 for an API token", "GET", || json(401, &[], r#"{"errorCode":"E0000011"}"#), Fails("OKT1011")),
    ];
    for (name, method, fault, outcome) in cases {
        let fake = Fake::start(move |number, _| if number == 0 { fault() } else { json(200, &[], "[]") }).await;
        let clock = JumpingClock::at(NOON);
        let org = fake.org(clock.clone()).await;
        let result = org.send(Call::path(method, "/api/v1/things").unwrap()).await;
        let waits = clock.exact_waits();
        match (outcome, result) {
            (After(least, most), Ok(reply)) => {
                assert!(waits.len() == 1 && (least..=most).contains(&waits[0]), "{name}: {waits:?}");
                assert_eq!((reply.attempts, fake.seen().len()), (2, 2), "{name}");
            }
            (Fails(code), Err(error)) => {
                assert_eq!((error.code().id(), waits.len(), fake.seen().len()), (code, 0, 1), "{name}: {error}");
            }
            (outcome, result) => panic!("{name}: {outcome:?} was expected, {result:?} found"),
        }
    }
}

/// How a server treats a connection.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Whether it reads the request first.
    reads: bool,
    /// Bytes of the answer that it sends.
    bytes: usize,
    /// Whether it resets the connection, or closes it in order.
    resets: bool,
}

/// Treats the first connection as `cut` says and answers well on the others.
async fn cutting(answer: &'static str, cut: Cut) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let is_first = counter.fetch_add(1, Ordering::SeqCst) == 0;
            let whole = Cut { reads: true, bytes: answer.len(), resets: false };
            serve(stream, answer, if is_first { cut } else { whole }).await;
        }
    });
    (address, connections)
}

async fn serve(mut stream: TcpStream, answer: &str, cut: Cut) {
    if cut.reads {
        let mut request = Vec::new();
        let mut buffer = [0; 4_096];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => request.extend_from_slice(&buffer[..length]),
            }
        }
        let _ = stream.write_all(&answer.as_bytes()[..cut.bytes]).await;
        let _ = stream.flush().await;
    }
    if cut.resets {
        // Time for what was sent to arrive: a reset may overtake it.
        tokio::time::sleep(Duration::from_millis(5)).await;
        stream.set_zero_linger().unwrap();
    }
}

const SIZED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\nconnection: close\r\n\r\n[{\"a\":1}]";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\n[{\"\r\n5\r\na\":1}\r\n1\r\n]\r\n0\r\n\r\n";

/// What comes of it for a read and for a write: the body or the error, and the connections made.
async fn lost(answer: &'static str, cut: Cut, method: &str) -> (Result<usize, Error>, usize) {
    let (address, connections) = cutting(answer, cut).await;
    let properties = Properties::parse(&format!("BaseURL=http://{address};APIToken=t")).unwrap();
    let org = Org::connect(&properties, edges(JumpingClock::at(NOON))).await.unwrap();
    let result = org.send(Call::path(method, "/api/v1/things").unwrap()).await;
    (result.map(|reply| reply.body.len()), connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_connection_lost_at_any_byte_never_looks_like_an_answer() {
    for answer in [SIZED, CHUNKED] {
        let body = if answer == SIZED { 8 } else { 9 };
        let head = answer.find("\r\n\r\n").unwrap();
        for bytes in 0..answer.len() - 1 {
            let cut = Cut { reads: true, bytes, resets: bytes % 2 == 0 };
            let (result, connections) = lost(answer, cut, "GET").await;
            assert_eq!((result.ok(), connections), (Some(body), 2), "GET, {cut:?} of {answer}");
            // A write is not repeated: the org had the request.
            if bytes % 5 == 0 || bytes.abs_diff(head) < 3 {
                let (result, connections) = lost(answer, cut, "POST").await;
                let error = result.expect_err("an error");
                assert_eq!((error.code(), connections), (codes::OKT2001, 1), "POST, {cut:?} of {answer}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_request_is_opened_again_for_reads() {
    for resets in [false, true] {
        let cut = Cut { reads: false, bytes: 0, resets };
        assert_eq!(lost(CHUNKED, cut, "GET").await.0.ok(), Some(9));
        // The request may have been on its way.
        assert_eq!(lost(CHUNKED, cut, "POST").await.0.unwrap_err().code(), codes::OKT2001);
    }
}

fn grant(number: usize) -> Response {
    let body = format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"at{number}","scope":"s"}}"#);
    json(200, &[], &body)
}

fn expired() -> Response {
    json(
        401,
        &[("www-authenticate", "Bearer error=\"invalid_token\", error_description=\"The token has expired.\"")],
        "",
    )
}

/// A client of a service app at `fake`.
async fn service_app(fake: &Fake, extra: &str) -> Org {
    let key = include_str!("../../src/auth/key/rsa_2048.json").replace(['\n', ' '], "");
    let properties = format!("OAuthClientId=svc;Scope=okta.users.read;OAuthJWTCert='{key}';{extra}");
    fake.org_with(&properties, JumpingClock::at(NOON)).await
}

#[tokio::test]
async fn a_refused_token_costs_one_repeat_and_no_more() {
    let granted = AtomicUsize::new(0);
    let fake = Fake::start(move |number, request| match request.path.as_str() {
        TOKEN => grant(granted.fetch_add(1, Ordering::SeqCst) + 1),
        _ if number == 1 => expired(),
        _ => json(200, &[], "{}"),
    })
    .await;
    let org = service_app(&fake, "").await;
    // Also for a write: what was refused was not done.
    let reply = org.send(Call::path("POST", "/api/v1/things").unwrap()).await.unwrap();
    assert_eq!(reply.attempts, 2);
    let credentials: Vec<_> = fake.seen().iter().map(|request| request.header("authorization").to_owned()).collect();
    assert_eq!(credentials, ["", "Bearer at1", "", "Bearer at2"]);
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_of_a_list_loses_nothing() {
    let granted = AtomicUsize::new(0);
    let fake = Fake::start(move |_, request| {
        if request.path == TOKEN {
            return grant(granted.fetch_add(1, Ordering::SeqCst) + 1);
        }
        let page = request.query.strip_prefix("after=").map_or(0, |page| page.parse::<usize>().unwrap());
        // Each token is good for two pages.
        if request.header("authorization") != format!("Bearer at{}", page / 2 + 1) {
            return expired();
        }
        let link = format!("</api/v1/groups?after={}>; rel=\"next\"", page + 1);
        let headers = [("link", link.as_str())];
        json(200, if page < 5 { &headers } else { &[] }, &format!("[{page}]"))
    })
    .await;
    let org = service_app(&fake, "").await;
    let pages: Vec<_> = org.pages(Call::get("/api/v1/groups").unwrap()).try_collect().await.unwrap();
    let bodies: Vec<String> = pages.iter().map(|page| String::from_utf8(page.body.to_vec()).unwrap()).collect();
    assert_eq!(bodies, ["[0]", "[1]", "[2]", "[3]", "[4]", "[5]"]);
}

#[tokio::test]
async fn nonces_are_answered_at_both_servers_and_not_for_ever() {
    let challenge = |nonce: &str| {
        let headers = [("dpop-nonce", nonce), ("www-authenticate", "DPoP error=\"use_dpop_nonce\"")];
        json(400, &headers, r#"{"error":"use_dpop_nonce","error_description":"x"}"#)
    };
    let bound = || json(200, &[], r#"{"token_type":"DPoP","expires_in":3600,"access_token":"at","scope":"s"}"#);
    // Two challenges at each server are answered.
    let fake = Fake::start(move |number, request| match (request.path.as_str(), number) {
        (_, 0 | 1 | 3 | 4) => challenge(&format!("n{number}")),
        (TOKEN, _) => bound(),
        _ => json(200, &[], "[]"),
    })
    .await;
    let org = service_app(&fake, "DPoP=true").await;
    assert_eq!(org.send(Call::get("/api/v1/things").unwrap()).await.unwrap().attempts, 3);
    // A server that always wants another one is given up on.
    for always in [TOKEN, "/api/v1/things"] {
        let fake = Fake::start(move |number, request| match request.path.as_str() {
            path if path == always => challenge(&format!("n{number}")),
            _ => bound(),
        })
        .await;
        let key = include_str!("../../src/auth/key/rsa_2048.json").replace(['\n', ' '], "");
        let properties = format!("OAuthClientId=svc;Scope=s;OAuthJWTCert='{key}';DPoP=true");
        let result = match fake.try_org(&properties, edges(JumpingClock::at(NOON))).await {
            Ok(org) => org.send(Call::get("/api/v1/things").unwrap()).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(result.is_err());
        assert_eq!(fake.seen().iter().filter(|request| request.path == always).count(), 3, "{always}");
    }
}

#[tokio::test]
async fn links_that_lead_astray_have_their_outcome() {
    // The target of the first page's link, and the query of the second request or a loop.
    let cases = [
        ("/api/v1/apps/1/users?limit=2&expand=user", None),
        ("/api/v1/apps/1/users?after=c&limit=2", Some("expand=user&after=c&limit=2")),
        ("https://evil.example/api/v1/apps/1/users?after=c&limit=2", Some("expand=user&after=c&limit=2")),
        ("/api/v1/authorizationServers?after=c&limit=2", Some("expand=user&after=c&limit=2")),
    ];
    for (target, expected) in cases {
        let link = format!("<{target}>; rel=\"next\"");
        let fake = Fake::start(move |number, _| {
            let headers = [("link", link.as_str())];
            json(200, if number == 0 { &headers } else { &[] }, "[1]")
        })
        .await;
        let org = fake.org(Arc::new(SystemClock)).await;
        let call = Call::get("/api/v1/apps/1/users?limit=2&expand=user").unwrap();
        let results: Vec<_> = org.pages(call).collect().await;
        let seen = fake.seen();
        match expected {
            Some(query) => {
                assert!(results.len() == 2 && results.iter().all(Result::is_ok), "{target}");
                assert_eq!((seen[1].path.as_str(), seen[1].query.as_str()), ("/api/v1/apps/1/users", query));
            }
            None => assert_eq!(results.last().unwrap().as_ref().unwrap_err().code(), codes::OKT2005),
        }
    }
}

#[tokio::test]
async fn no_429_is_caused_under_a_limit_of_600_a_minute() {
    let clock = JumpingClock::at("2026-01-01T12:00:00.900Z");
    let sandbox = Sandbox::builder().users(5).groups(1).rate_limits(RateLimits::Okta).clock(clock.clone()).start();
    let sandbox = sandbox.await.unwrap();
    let call = || Call::operation("listUsers").unwrap().arg("limit", "1").unwrap();
    let properties = format!("{}&RateLimitShare=100&Parallelism=32", sandbox.dsn());
    let org = Org::connect(&Properties::parse(&properties).unwrap(), edges(clock.clone())).await.unwrap();
    let results: Vec<_> =
        futures::stream::iter((0..1_500).map(|_| org.send(call()))).buffer_unordered(64).collect().await;
    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
    let limits: Vec<u32> = org.rate_limits().iter().map(|limit| limit.limit).collect();
    assert_eq!(limits, [600]);
    let requests = sandbox.requests();
    assert_eq!((requests.len(), requests.iter().filter(|request| request.status == 429).count()), (1_500, 0));
    assert!(!clock.waits().is_empty(), "the limit was met");
}
