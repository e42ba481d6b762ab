//! Failures on demand.

use std::time::Duration;

use oktant_sandbox::{Effect, Fault};
use serde_json::json;

use super::{DATA, Sf};

const CONTACTS: &str = "/services/data/*/sobjects/Contact";

#[tokio::test]
async fn statuses_have_the_error_bodies_of_the_api() {
    let sf = Sf::new().await;
    let cases = [
        (401, "INVALID_SESSION_ID"),
        (403, "REQUEST_LIMIT_EXCEEDED"),
        (429, "REQUEST_LIMIT_EXCEEDED"),
        (500, "UNKNOWN_EXCEPTION"),
        (503, "SERVER_UNAVAILABLE"),
    ];
    for (status, code) in cases {
        sf.org.add_fault(Fault::new(CONTACTS, Effect::Status { status, reset_seconds: 7 }));
        let answer = sf.send("POST", "/sobjects/Contact", json!({ "LastName": "A" })).await;
        assert_eq!((answer.status.as_u16(), answer.error().1), (status, code));
        assert_eq!(answer.header("retry-after"), if status == 429 { "7" } else { "" });
    }
    assert_eq!(sf.org.records("Contact").len(), 0);
    sf.org.add_fault(Fault::new(CONTACTS, Effect::ErrorCode { code: "UNABLE_TO_LOCK_ROW".to_owned(), status: 400 }));
    let locked = sf.send("POST", "/sobjects/Contact", json!({ "LastName": "A" })).await;
    assert_eq!((locked.status.as_u16(), locked.error().1), (400, "UNABLE_TO_LOCK_ROW"));
    assert_eq!(sf.send("POST", "/sobjects/Contact", json!({ "LastName": "A" })).await.status, 201);
}

#[tokio::test]
async fn a_lost_answer_has_had_its_effect() {
    let sf = Sf::new().await;
    for effect in [Effect::Disconnect, Effect::Truncate { bytes: Some(5) }] {
        let before = sf.org.records("Contact").len();
        sf.org.add_fault(Fault::new(CONTACTS, effect.clone()));
        let request = sf.request("POST", &format!("{DATA}/sobjects/Contact")).bearer_auth(&sf.token);
        let sent = request.header("content-type", "application/json").body(r#"{"LastName":"A"}"#).send().await;
        let lost = match (&effect, sent) {
            (Effect::Disconnect, sent) => sent.is_err(),
            (_, sent) => sent.unwrap().bytes().await.is_err(),
        };
        assert!(lost, "{effect:?}");
        assert_eq!(sf.org.records("Contact").len(), before + 1, "{effect:?}");
    }
    // One without a body is lost like any other.
    let id = sf.org.records("Contact")[0]["Id"].as_str().unwrap().to_owned();
    sf.org.add_fault(Fault::new(format!("{CONTACTS}/*"), Effect::Disconnect));
    let path = format!("{DATA}/sobjects/Contact/{id}");
    assert!(sf.request("DELETE", &path).bearer_auth(&sf.token).send().await.is_err());
    assert_eq!(sf.get(&format!("/sobjects/Contact/{id}")).await.error().1, "ENTITY_IS_DELETED");
}

#[tokio::test]
async fn slow_answers_wait_on_the_orgs_clock() {
    let sf = Sf::new().await;
    sf.org.add_fault(Fault::new("**", Effect::Slow { milliseconds: 60_000 }));
    let slow = tokio::spawn(sf.request("GET", "/services/data").send());
    while sf.clock.slept().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!slow.is_finished());
    sf.clock.advance(Duration::from_mins(1));
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(sf.clock.slept(), [Duration::from_mins(1)]);
}

#[tokio::test]
async fn faults_and_settings_change_while_it_runs() {
    let sf = Sf::new().await;
    let own = async |method: &str, path: &str, body: &str| sf.raw(sf.request(method, path).body(body.to_owned())).await;
    let fault = r#"{ "path": "/services/oauth2/token", "effect": { "type": "status", "status": 400 } }"#;
    assert_eq!(own("POST", "/sandbox/faults", fault).await.status, 204);
    let refused = super::oauth::refresh(&sf, "x").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json["error_description"]),
        (400, &json!("expired access/refresh token"))
    );
    assert_eq!(own("GET", "/sandbox/faults", "").await.json[0]["struck"], 1);
    assert_eq!(own("DELETE", "/sandbox/faults", "").await.status, 204);
    assert_eq!(own("POST", "/sandbox/settings", r#"{ "daily_api_requests": 0 }"#).await.status, 204);
    assert_eq!(sf.get("/limits").await.error().1, "REQUEST_LIMIT_EXCEEDED");
    assert_eq!(own("POST", "/sandbox/settings", "{}").await.status, 204);
    assert_eq!(sf.get("/limits").await.status, 200);
    assert_eq!(own("POST", "/sandbox/settings", r#"{ "nope": 1 }"#).await.status, 400);
    let requests = own("GET", "/sandbox/requests", "").await.json;
    assert_eq!(requests[0]["path"], "/services/oauth2/token");
    assert_eq!(own("POST", "/sandbox/tokens", "\"expire\"").await.status, 204);
    assert_eq!(sf.get("/limits").await.status, 401);
    let code = super::oauth::code_of(&sf, "true", &[]).await;
    let token = super::oauth::redeem(&sf, &code, &[]).await.json;
    assert_eq!(own("POST", "/sandbox/tokens", "\"revoke\"").await.status, 204);
    assert_eq!(super::oauth::refresh(&sf, token["refresh_token"].as_str().unwrap()).await.status, 400);
}
