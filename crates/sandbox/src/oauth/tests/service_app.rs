//! Service applications: signed assertions and key-bound tokens.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::world::{Answer, ClientKey, ISSUER, World, claims_of, encode, token_hash};
use crate::http::TokenError;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn ask(world: &World, assertion: &str, scope: &str, proof: Option<&str>) -> Answer {
    let body = encode(&[
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ]);
    let headers: Vec<(&str, &str)> = proof.map(|proof| ("dpop", proof)).into_iter().collect();
    world.send("POST", "/oauth2/v1/token", &headers, body).await
}

fn world_with_key() -> (World, ClientKey) {
    let (world, key) = (World::new(), ClientKey::new());
    for client in ["service", "bound"] {
        world.change_client(client, |client| client.keys = vec![key.1.clone()]);
    }
    (world, key)
}

#[tokio::test]
async fn a_signed_assertion_gets_a_token_for_granted_scopes_once() {
    let (world, key) = world_with_key();
    let assertion = key.assertion(&world, "service", "1", &Value::Null);
    let body = ask(&world, &assertion, "okta.users.read okta.groups.read", None).await.json();
    assert_eq!(body["scope"], "okta.users.read");
    assert!(body.get("refresh_token").is_none());
    assert_eq!(claims_of(body["access_token"].as_str().unwrap())["sub"], "service");
    let access = world.call(body["access_token"].as_str().unwrap(), None).unwrap();
    assert_eq!((access.user_id, access.client_id.as_str()), (None, "service"));

    let again = ask(&world, &assertion, "okta.users.read", None).await;
    assert_eq!(again.error().2, "The client_assertion token has already been used.");
}

#[tokio::test]
async fn each_flaw_of_an_assertion_has_its_text() {
    let (world, key) = world_with_key();
    let now = claims_of(&key.assertion(&world, "service", "0", &Value::Null))["iat"].as_i64().unwrap();
    let cases = [
        (
            json!({ "aud": "http://elsewhere" }),
            "The audience claim for client_assertion must be the endpoint invoked for the request.",
        ),
        (json!({ "exp": now }), "The client_assertion token is expired."),
        (json!({ "exp": now + 3601 }), "The client_assertion token has an expiration too far into the future."),
        (json!({ "iat": now + 1 }), "The client_assertion token must be issued before the current time."),
        (json!({ "iss": "nobody" }), "The issuer claim for client_assertion is not a valid client_id."),
        (json!({ "sub": "web" }), "The subject claim for client_assertion is not a valid client_id."),
    ];
    for (changes, text) in cases {
        let assertion = key.assertion(&world, "service", "1", &changes);
        let error = ask(&world, &assertion, "okta.users.read", None).await.error();
        assert_eq!(error, (401, "invalid_client".to_owned(), text.to_owned()));
    }
    let stranger = ClientKey::new().assertion(&world, "service", "2", &Value::Null);
    let error = ask(&world, &stranger, "okta.users.read", None).await.error();
    assert_eq!(error.2, "The client_assertion signature is invalid.");
    assert_eq!(ask(&world, "junk", "x", None).await.error().2, "The parsing of the client_assertion failed.");
}

#[tokio::test]
async fn scopes_that_a_service_may_not_have_are_refused() {
    let (world, key) = world_with_key();
    let cases = [
        ("okta.groups.read", "consent_required", "You are not allowed any of the requested scopes."),
        ("openid", "invalid_scope", "Cannot request 'openid' scopes using client credentials."),
        ("custom", "invalid_scope", "One or more scopes are not configured for the authorization server resource."),
    ];
    for (index, (scope, error, text)) in cases.into_iter().enumerate() {
        let assertion = key.assertion(&world, "service", &index.to_string(), &Value::Null);
        let answer = ask(&world, &assertion, scope, None).await;
        assert_eq!(answer.error(), (400, error.to_owned(), text.to_owned()));
    }
}

#[tokio::test]
async fn a_bound_token_needs_a_nonce_to_get_and_a_proof_to_use() {
    let (world, key) = world_with_key();
    let assertion = |jti: &str| key.assertion(&world, "bound", jti, &Value::Null);
    let endpoint = format!("{ISSUER}/oauth2/v1/token");

    let missing = ask(&world, &assertion("1"), "okta.users.read", None).await;
    assert_eq!(missing.error().2, "The DPoP proof JWT header is missing.");

    let proof = key.proof(&world, &json!({ "htm": "POST", "htu": endpoint, "jti": "a" }));
    let challenge = ask(&world, &assertion("2"), "okta.users.read", Some(&proof)).await;
    assert_eq!(challenge.error().1, "use_dpop_nonce");
    let nonce = challenge.headers["dpop-nonce"].to_str().unwrap();

    let proof = key.proof(&world, &json!({ "htm": "POST", "htu": endpoint, "jti": "b", "nonce": nonce }));
    let answer = ask(&world, &assertion("3"), "okta.users.read", Some(&proof)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.headers["dpop-nonce"], nonce);
    let body = answer.json();
    assert_eq!(body["token_type"], "DPoP");
    let token = body["access_token"].as_str().unwrap();

    assert!(matches!(world.call(token, None), Err(TokenError::Proof(_))), "as a bearer token");
    let claims = |jti: &str, token: &str| json!({ "htm": "GET", "htu": "http://127.0.0.1:4096/api/v1/users", "jti": jti, "ath": token_hash(token) });
    let good = key.proof(&world, &claims("c", token));
    assert!(world.call(token, Some(&good)).is_ok());
    let spent = Err(TokenError::Proof("The DPoP proof JWT has already been used.".to_owned()));
    assert_eq!(world.call(token, Some(&good)), spent);
    let other_token = key.proof(&world, &claims("d", "another"));
    assert!(world.call(token, Some(&other_token)).is_err());
    let other_key = ClientKey::new().proof(&world, &claims("e", token));
    assert!(world.call(token, Some(&other_key)).is_err());
}

#[tokio::test]
async fn secrets_do_not_open_client_credentials_here() {
    let world = World::new();
    let params = [
        ("grant_type", "client_credentials"),
        ("scope", "okta.users.read"),
        ("client_id", "web"),
        ("client_secret", "web-secret"),
    ];
    let answer = world.post("/oauth2/v1/token", &params).await;
    assert!(answer.error().2.starts_with("Client Credentials requests to the Org Authorization Server must use"));
}
