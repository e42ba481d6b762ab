//! Faults, limits and latency.

use std::time::Duration;

use oktant_sandbox::{Effect, Fault, RateLimits, Sandbox, WrongLink};
use serde_json::json;

use crate::support::Org;

const USERS: &str = "/api/v1/users";

#[tokio::test]
async fn a_status_strikes_the_request_it_was_meant_for() {
    let org = Org::empty().await;
    org.sandbox.add_fault(Fault::new(USERS, Effect::Status { status: 429, reset_seconds: 5 }).from_request(2));
    org.expect(200, "GET", USERS, None).await;
    let struck = org.expect(429, "GET", USERS, None).await;
    assert_eq!((struck.code(), &struck.headers["x-rate-limit-remaining"]), ("E0000047", &"0".parse().unwrap()));
    assert!(!struck.headers.contains_key("cache-control"));
    org.expect(200, "GET", USERS, None).await;
}

#[tokio::test]
async fn a_truncated_body_breaks_off() {
    let org = Org::with_users(20).await;
    org.sandbox.add_fault(Fault::new(USERS, Effect::Truncate { bytes: Some(100) }));
    let request = org.request("GET", USERS).header("authorization", format!("SSWS {}", org.sandbox.api_token()));
    let response = request.send().await.expect("the headers");
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.bytes().await.is_err(), "the body must not look whole");
}

#[tokio::test]
async fn wrong_links_come_on_the_page_asked_for() {
    let org = Org::with_users(60).await;
    let path = "/api/v1/users?limit=10&expand=blocks";
    let cases = [WrongLink::ToItself, WrongLink::OtherHost, WrongLink::DropParameters, WrongLink::Missing];
    for wrong in cases {
        org.sandbox.add_fault(Fault::new(USERS, Effect::Link { next: wrong }).on_page(2));
        let first = org.get(path).await.link("next").expect("the right link");
        let second = org.get(&first).await.link("next");
        match wrong {
            WrongLink::ToItself => assert_eq!(second.as_deref(), Some(first.as_str())),
            WrongLink::OtherHost => assert!(second.unwrap().starts_with("https://attacker.example/")),
            WrongLink::DropParameters => assert!(!second.unwrap().contains("expand")),
            WrongLink::Missing => assert_eq!(second, None),
        }
        org.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn an_answer_may_be_empty_or_come_from_a_proxy_or_refuse_the_token() {
    let org = Org::empty().await;
    org.sandbox.add_fault(Fault::new(USERS, Effect::Empty));
    assert!(org.expect(200, "GET", USERS, None).await.json.is_null());
    org.sandbox.add_fault(Fault::new(USERS, Effect::Html { status: 502 }));
    assert_eq!(org.expect(502, "GET", USERS, None).await.headers["content-type"], "text/html");
    org.sandbox.add_fault(Fault::new(USERS, Effect::ExpiredToken));
    assert_eq!(org.expect(401, "GET", USERS, None).await.code(), "E0000011");
    org.expect(200, "GET", USERS, None).await;
}

#[tokio::test]
async fn faults_come_over_http_too() {
    let org = Org::empty().await;
    let fault = json!({ "path": USERS, "times": 0, "effect": { "type": "status", "status": 503 } });
    let added = org.raw(org.request("POST", "/sandbox/faults").body(fault.to_string())).await;
    assert_eq!(added.status.as_u16(), 204);
    org.expect(503, "GET", USERS, None).await;
    let listed = org.raw(org.request("GET", "/sandbox/faults")).await;
    assert_eq!(listed.json[0]["struck"], 1);
    let bad = org.raw(org.request("POST", "/sandbox/faults").body(r#"{"effect":{"type":"magic"}}"#)).await;
    assert_eq!(bad.status.as_u16(), 400);
    org.raw(org.request("DELETE", "/sandbox/faults")).await;
    org.expect(200, "GET", USERS, None).await;
}

#[tokio::test]
async fn the_array_of_a_file_is_taken_over_http_whole_or_not_at_all() {
    let org = Org::empty().await;
    let post = async |faults: serde_json::Value| {
        let added = org.raw(org.request("POST", "/sandbox/faults").body(faults.to_string())).await;
        let listed = org.raw(org.request("GET", "/sandbox/faults")).await;
        (added.status.as_u16(), listed.json.as_array().expect("a list").len())
    };
    let status = |status: u16| json!({ "path": USERS, "effect": { "type": "status", "status": status } });
    assert_eq!(post(json!([status(503), { "effect": { "type": "magic" } }])).await, (400, 0));
    assert_eq!(post(json!([status(503), status(500)])).await, (204, 2));
    for expected in [503, 500, 200] {
        org.expect(expected, "GET", USERS, None).await;
    }
}

#[tokio::test]
async fn a_bucket_is_used_up_and_filled_again() {
    let org = Org::start(Sandbox::builder().rate_limits(RateLimits::Okta)).await;
    let first = org.get("/api/v1/logs").await;
    let limit: u32 = first.headers["x-rate-limit-limit"].to_str().unwrap().parse().unwrap();
    assert!(limit < 1_000, "the log's bucket is small, not {limit}");
    for _ in 1..limit {
        org.expect(200, "GET", "/api/v1/logs", None).await;
    }
    assert_eq!(org.expect(429, "GET", "/api/v1/logs", None).await.code(), "E0000047");
    org.expect(200, "GET", USERS, None).await;
    org.clock.advance(Duration::from_secs(61));
    org.expect(200, "GET", "/api/v1/logs", None).await;
}

#[tokio::test]
async fn slow_answers_wait_on_the_sandboxs_clock() {
    let org = Org::empty().await;
    org.sandbox.add_fault(Fault::new(USERS, Effect::Slow { milliseconds: 3_000 }));
    let (answer, ()) = tokio::join!(org.get(USERS), async {
        while org.clock.slept().is_empty() {
            tokio::task::yield_now().await;
        }
        org.clock.advance(Duration::from_secs(3));
    });
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(org.clock.slept(), [Duration::from_secs(3)]);
}
