//! What goes over the wire.

use std::sync::Arc;

use oktant_base::{Coded, SystemClock, codes};
use oktant_client::{Call, StatementId};

use crate::fake::{Fake, json};

#[tokio::test]
async fn a_call_says_what_it_must_and_nothing_else() {
    let fake = Fake::start(|_, _| json(200, &[("set-cookie", "JSESSIONID=1")], "{}")).await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let call = Call::operation("getUser").unwrap().arg("id", "a/b@x.example").unwrap();
    org.send(call.header("Authorization", "Basic stolen").header("X-Mine", "1")).await.unwrap();
    org.send(Call::path("POST", "/api/v1/users/1/lifecycle/activate?sendEmail=false").unwrap()).await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen[0].path, "/api/v1/users/a%2Fb%40x.example");
    assert_eq!(seen[0].header("authorization"), "SSWS t0ken");
    assert_eq!(seen[0].header("accept"), "application/json");
    assert_eq!(seen[0].header("x-mine"), "1");
    assert_eq!(seen[0].header("content-type"), "");
    assert!(seen[0].header("user-agent").starts_with("oktant/"));
    assert_eq!((seen[1].header("content-length"), seen[1].query.as_str()), ("0", "sendEmail=false"));
    assert_eq!(seen[1].header("cookie"), "");
}

#[tokio::test]
async fn every_request_is_in_the_ledger() {
    let fake = Fake::start(|number, _| match number {
        0 => json(503, &[], ""),
        _ => json(200, &[], "[1,2]"),
    })
    .await;
    let clock = crate::fake::JumpingClock::at("2026-01-01T00:00:00Z");
    let org = fake.org(clock).await;
    let call = Call::get("/api/v1/users?limit=2&activationToken=s3cret").unwrap().statement(StatementId(7));
    let reply = org.send(call).await.unwrap();
    org.ledger().add_rows(reply.entry, 2);
    let entries = org.ledger().entries_of(StatementId(7));
    let summary = org.ledger().summary_of(StatementId(7));
    assert_eq!((entries[0].status, entries[0].attempt), (Some(503), 1));
    assert_eq!((entries[1].status, entries[1].attempt, entries[1].rows, entries[1].bytes), (Some(200), 2, 2, 5));
    assert_eq!(entries[1].query, "limit=2&activationToken=***");
    assert_eq!(entries[1].bucket, "users-list");
    assert_eq!((summary.requests, summary.retries, summary.rows), (2, 1, 2));
    assert_eq!(org.ledger().entries().len(), 2);
}

#[tokio::test]
async fn refusals_carry_code_cause_and_fix() {
    let scope = "Bearer authorization_uri=\"http://a/oauth2/v1/authorize\", realm=\"http://a\", \
                 scope=\"okta.groups.read\", error=\"insufficient_scope\", error_description=\"none\"";
    let fake = Fake::start(move |_, request| match request.path.as_str() {
        "/api/v1/groups" => json(403, &[("www-authenticate", scope)], ""),
        "/api/v1/users/x" => json(
            404,
            &[("x-okta-request-id", "abc")],
            r#"{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: x (User)","errorCauses":[]}"#,
        ),
        "/api/v1/edge" => json(404, &[], r#"{"status":404,"message":"Resource not found"}"#),
        _ => json(401, &[], r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided","errorCauses":[]}"#),
    })
    .await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let refusal = async |path: &str| org.send(Call::get(path).unwrap()).await.unwrap_err();

    let error = refusal("/api/v1/groups").await;
    assert_eq!(error.code(), codes::OKT1013);
    assert!(error.to_string().contains("okta.groups.read"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("grant okta.groups.read")));

    let error = refusal("/api/v1/users/x").await;
    assert_eq!((error.code(), error.is_not_found(), error.api_code()), (codes::OKT2006, true, Some("E0000007")));
    assert_eq!(error.detail().as_deref(), Some("request id abc"));

    assert!(refusal("/api/v1/edge").await.hint().is_some_and(|hint| hint.contains("check Domain")));
    assert_eq!(refusal("/api/v1/apps").await.code(), codes::OKT1011);
}
