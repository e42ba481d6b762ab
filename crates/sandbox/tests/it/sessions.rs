//! Signing in with a password and what follows: session tokens, sessions, and codes without a page.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Org};

async fn sign_in(org: &Org, login: &str, password: &str) -> Answer {
    let body = json!({ "username": login, "password": password }).to_string();
    org.raw(org.request("POST", "/api/v1/authn").header("content-type", "application/json").body(body)).await
}

#[tokio::test]
async fn a_session_token_opens_one_session() {
    let org = Org::empty().await;
    let user = org.user("who@x.example").await;
    let wrong = sign_in(&org, "who@x.example", "wrong").await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (401, "E0000004"));
    assert_eq!(sign_in(&org, "nobody@x.example", "wrong").await.code(), "E0000004");
    let good = sign_in(&org, "who@x.example", "Passw0rd-x").await.json;
    assert_eq!((&good["status"], &good["_embedded"]["user"]["id"]), (&json!("SUCCESS"), &json!(user)));
    let body = json!({ "sessionToken": good["sessionToken"] });
    let session = org.expect(200, "POST", "/api/v1/sessions", Some(body.clone())).await.json;
    assert_eq!((&session["userId"], &session["status"]), (&json!(user), &json!("ACTIVE")));
    let again = org.expect(401, "POST", "/api/v1/sessions", Some(body)).await;
    assert_eq!(again.code(), "E0000004");

    let own = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    let read = org.expect(200, "GET", &own, None).await.json;
    assert_eq!(read["expiresAt"], session["expiresAt"]);
    assert_ne!(read["_links"]["self"]["href"], format!("{}{own}", org.sandbox.url()));
    org.clock.advance(Duration::from_mins(90));
    let refreshed = org.expect(200, "POST", &format!("{own}/lifecycle/refresh"), None).await.json;
    assert_ne!(refreshed["expiresAt"], session["expiresAt"]);
    org.clock.advance(Duration::from_mins(90));
    org.expect(200, "GET", &own, None).await;
    org.expect(204, "DELETE", &own, None).await;
    assert_eq!(org.expect(404, "GET", &own, None).await.code(), "E0000007");
}

#[tokio::test]
async fn tokens_and_sessions_end() {
    let org = Org::empty().await;
    let user = org.user("who@x.example").await;
    let token = sign_in(&org, "who@x.example", "Passw0rd-x").await.json["sessionToken"].clone();
    org.clock.advance(Duration::from_mins(6));
    org.expect(401, "POST", "/api/v1/sessions", Some(json!({ "sessionToken": token }))).await;
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let token = sign_in(&org, "who@x.example", "Passw0rd-x").await.json["sessionToken"].clone();
        let made = org.expect(200, "POST", "/api/v1/sessions", Some(json!({ "sessionToken": token }))).await.json;
        sessions.push(format!("/api/v1/sessions/{}", made["id"].as_str().unwrap()));
    }
    org.expect(204, "DELETE", &format!("/api/v1/users/{user}/sessions"), None).await;
    for session in sessions {
        org.expect(404, "GET", &session, None).await;
    }
}

#[tokio::test]
async fn a_user_that_is_not_active_has_no_session() {
    let org = Org::empty().await;
    let user = org.user("who@x.example").await;
    let token = async || {
        let token = sign_in(&org, "who@x.example", "Passw0rd-x").await.json["sessionToken"].clone();
        json!({ "sessionToken": token })
    };
    let lifecycle = async |action: &str| {
        org.expect(200, "POST", &format!("/api/v1/users/{user}/lifecycle/{action}"), None).await;
    };
    let early = token().await;
    let session = org.expect(200, "POST", "/api/v1/sessions", Some(token().await)).await.json;
    let session = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    org.expect(200, "GET", &session, None).await;
    lifecycle("suspend").await;
    org.expect(404, "GET", &session, None).await;
    assert_eq!(org.expect(401, "POST", "/api/v1/sessions", Some(early)).await.code(), "E0000004");
    lifecycle("unsuspend").await;
    // It has ended, and does not come back.
    org.expect(404, "GET", &session, None).await;

    let session = org.expect(200, "POST", "/api/v1/sessions", Some(token().await)).await.json;
    let session = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    for _ in 0..2 {
        org.expect(204, "DELETE", &format!("/api/v1/users/{user}"), None).await;
        org.expect(404, "GET", &session, None).await;
    }
}

#[tokio::test]
async fn an_expired_password_has_to_be_changed_first() {
    let org = Org::empty().await;
    let user = org.user("who@x.example").await;
    org.expect(200, "POST", &format!("/api/v1/users/{user}/lifecycle/expire_password"), None).await;
    let answer = sign_in(&org, "who@x.example", "Passw0rd-x").await.json;
    assert_eq!((&answer["status"], answer.get("sessionToken")), (&json!("PASSWORD_EXPIRED"), None));
    assert_eq!(answer["_links"]["next"]["name"], "changePassword");
}

#[tokio::test]
async fn an_identity_provider_may_end_whatever_a_user_has_begun() {
    let org = Org::empty().await;
    let id = org.user("gone@x.example").await;
    let token = sign_in(&org, "gone@x.example", "Passw0rd-x").await.json["sessionToken"].clone();
    let session = org.expect(200, "POST", "/api/v1/sessions", Some(json!({ "sessionToken": token }))).await.json;
    let session = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    org.expect(200, "GET", &session, None).await;
    let path = "/oauth2/v1/global-token-revocation";
    for subject in [
        json!({ "format": "opaque", "id": id }),
        json!({ "format": "iss_sub", "iss": "https://idp.example", "sub": "gone@x.example" }),
    ] {
        org.expect(204, "POST", path, Some(json!({ "sub_id": subject }))).await;
    }
    org.expect(404, "GET", &session, None).await;
    org.expect(400, "POST", path, Some(json!({ "sub_id": { "format": "opaque", "id": "00u1none" } }))).await;
}
