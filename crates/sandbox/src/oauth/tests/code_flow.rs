//! Sign-in with login page, code, PKCE, refresh and what becomes of the tokens.

use axum::http::StatusCode;
use serde_json::json;

use super::super::directory::{Consent, Redirects};
use super::world::{CALLBACK, ISSUER, World, authorize_params, claims_of, encode, hidden};
use crate::http::TokenError;

#[tokio::test]
async fn a_user_signs_in_and_the_client_gets_tokens_for_what_it_may() {
    let world = World::new();
    let answer = world.sign_in("web", &[]).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert!(answer.location().as_str().starts_with("http://localhost:33333/?code="), "{}", answer.location());
    assert_eq!(answer.sent("state").as_deref(), Some("s1"));

    let answer = world.redeem(&answer.sent("code").unwrap()).await;
    let body = answer.json();
    assert_eq!(answer.headers["cache-control"], "no-cache, no-store");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    // Groups were never granted to the application, policies not to the user.
    assert_eq!(body["scope"], "openid profile offline_access okta.users.read");

    let access = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(access["iss"], ISSUER);
    assert_eq!(access["sub"], "ada@example.com");
    assert_eq!(access["uid"], "00uada");
    let id = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!((&id["sub"], &id["aud"], &id["nonce"]), (&json!("00uada"), &json!("web"), &json!("n1")));
    assert_eq!(id["name"], "Ada Min");
    let held = world.call(body["access_token"].as_str().unwrap(), None).unwrap();
    assert_eq!((held.user_id.as_deref(), held.client_id.as_str()), (Some("00uada"), "web"));
}

#[tokio::test]
async fn access_tokens_have_the_header_of_the_org_server_and_verify_with_the_published_key() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let body = world.redeem(&code).await.json();
    let token = body["access_token"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("application/okta-internal-at+jwt"));

    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(world.get("/oauth2/v1/keys", &[]).await.json()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_audience(&[ISSUER]);
    assert!(jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation).is_ok());
}

#[tokio::test]
async fn a_code_works_once_for_its_client_and_address_and_for_five_minutes() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    assert_eq!(world.redeem(&code).await.status, StatusCode::OK);
    let expected = (400, "invalid_grant".to_owned(), "The authorization code is invalid or has expired.".to_owned());
    assert_eq!(world.redeem(&code).await.error(), expected);

    // The session is still there, so the page is skipped.
    let late = world.get("/oauth2/v1/authorize", &authorize_params("web", &[])).await.sent("code").unwrap();
    world.pass(301);
    assert_eq!(world.redeem(&late).await.error(), expected);
}

#[tokio::test]
async fn a_session_is_fresh_enough_for_any_age_beyond_its_own() {
    let world = World::new();
    world.sign_in("web", &[]).await;
    world.pass(60);
    let authorize =
        async |age: &str| world.get("/oauth2/v1/authorize", &authorize_params("web", &[("max_age", age)])).await;
    for age in ["61", "9223372036854775807", "18446744073709551615"] {
        assert!(authorize(age).await.sent("code").is_some(), "{age}");
    }
    assert_eq!(authorize("60").await.status, StatusCode::OK);
    for age in ["-1", "1.5", "soon"] {
        assert_eq!(authorize(age).await.sent("error").as_deref(), Some("invalid_request"), "{age}");
    }
}

#[tokio::test]
async fn a_wrong_verifier_is_refused() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "wrong"),
        ("client_id", "web"),
        ("client_secret", "web-secret"),
    ];
    let answer = world.post("/oauth2/v1/token", &params).await;
    assert_eq!(answer.error(), (400, "invalid_grant".to_owned(), "PKCE verification failed.".to_owned()));
}

#[tokio::test]
async fn a_wrong_password_shows_the_page_again_with_the_reason() {
    let world = World::new();
    let page = world.get("/oauth2/v1/authorize", &authorize_params("web", &[("login_hint", "ada@example.com")])).await;
    assert!(page.text.contains("Web &lt;app&gt;") && page.text.contains("value=\"ada@example.com\""));
    let form = [("request", hidden(&page.text)), ("username", "ada@example.com"), ("password", "wrong")];
    let again = world.post("/signin", &form).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.text.contains("role=\"alert\"") && again.text.contains("Unable to sign in"));
    let form = [("request", hidden(&again.text)), ("username", "ada@example.com"), ("password", "Correct1")];
    assert_eq!(world.post("/signin", &form).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn wrong_clients_and_addresses_are_never_redirected_to() {
    let world = World::new();
    for extra in [("redirect_uri", "http://localhost:1/evil"), ("client_id", "unknown")] {
        let answer = world.get("/oauth2/v1/authorize", &authorize_params("web", &[extra])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{extra:?}");
        assert!(!answer.headers.contains_key("location"));
    }
    world.change_client("web", |client| client.redirects = Redirects::AnyLoopback);
    let elsewhere = [("redirect_uri", "http://127.0.0.1:5555/callback")];
    let answer = world.get("/oauth2/v1/authorize", &authorize_params("web", &elsewhere)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn other_mistakes_go_back_to_the_client() {
    let world = World::new();
    let cases = [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "openid made.up"), "invalid_scope"),
        (("scope", "openid"), "login_required"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", ""), "invalid_scope"),
    ];
    for (extra, error) in cases {
        let params = authorize_params("web", &[extra, ("prompt", "none")]);
        let answer = world.get("/oauth2/v1/authorize", &params).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{extra:?}");
        assert_eq!(answer.sent("error").as_deref(), Some(error), "{extra:?}");
        assert_eq!(answer.sent("state").as_deref(), Some("s1"));
    }
}

#[tokio::test]
async fn only_assigned_users_get_in() {
    let world = World::new();
    let page = world.get("/oauth2/v1/authorize", &authorize_params("web", &[])).await;
    let form = [("request", hidden(&page.text)), ("username", "bob@example.com"), ("password", "Correct1")];
    let answer = world.post("/signin", &form).await;
    assert_eq!(answer.sent("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.sent("error_description").as_deref(), Some("User is not assigned to the client application."));
}

#[tokio::test]
async fn consent_is_asked_for_once_and_may_be_refused() {
    let world = World::new();
    world.change_client("web", |client| client.consent = Consent::Required);
    let page = world.sign_in("web", &[]).await;
    assert!(page.text.contains("<code>okta.users.read</code>"), "{}", page.text);
    let refused = world.post("/signin/consent", &[("request", hidden(&page.text)), ("decision", "deny")]).await;
    assert_eq!(refused.sent("error").as_deref(), Some("access_denied"));

    let page = world.get("/oauth2/v1/authorize", &authorize_params("web", &[])).await;
    let allowed = world.post("/signin/consent", &[("request", hidden(&page.text)), ("decision", "allow")]).await;
    assert!(allowed.sent("code").is_some());
    let answer = world.get("/oauth2/v1/authorize", &authorize_params("web", &[("prompt", "none")])).await;
    assert!(answer.sent("code").is_some(), "consent was remembered");
}

#[tokio::test]
async fn a_rotated_refresh_token_works_during_its_leeway_and_revokes_the_family_after_it() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let body = world.redeem(&code).await.json();
    let first = body["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 43);

    let second = world.refresh(&first).await.json();
    assert_ne!(second["refresh_token"], first);
    world.pass(29);
    assert_eq!(world.refresh(&first).await.status, StatusCode::OK);
    world.pass(2);
    let reused = world.refresh(&first).await;
    assert_eq!(reused.error().1, "invalid_grant");
    let newest = second["refresh_token"].as_str().unwrap();
    assert_eq!(world.refresh(newest).await.error().2, "The refresh token is invalid or expired.");
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(world.call(access, None), Err(TokenError::Invalid("The token has been revoked.")));
    let events = world.org.events.lock();
    assert!(events.iter().any(|event| event.name == "app.oauth2.token.detect_reuse" && event.outcome.is_err()));
}

#[tokio::test]
async fn access_tokens_expire_with_time_and_by_switch_while_refresh_tokens_stay() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let body = world.redeem(&code).await.json();
    let expired = Err(TokenError::Invalid("The token has expired."));
    world.server.expire_tokens();
    assert_eq!(world.call(body["access_token"].as_str().unwrap(), None), expired);

    let body = world.refresh(body["refresh_token"].as_str().unwrap()).await.json();
    let token = body["access_token"].as_str().unwrap();
    assert!(world.call(token, None).is_ok());
    world.pass(3600);
    assert_eq!(world.call(token, None), expired);
}

#[tokio::test]
async fn introspection_and_revocation_agree() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let body = world.redeem(&code).await.json();
    let credentials = [("client_id", "web"), ("client_secret", "web-secret")];
    let with = |token: &'static str| [credentials[0], credentials[1], ("token", token)];
    let access: &'static str = String::leak(body["access_token"].as_str().unwrap().to_owned());

    let described = world.post("/oauth2/v1/introspect", &with(access)).await.json();
    assert_eq!((&described["active"], &described["username"]), (&json!(true), &json!("ada@example.com")));
    assert_eq!(world.post("/oauth2/v1/revoke", &with(access)).await.status, StatusCode::OK);
    assert_eq!(world.post("/oauth2/v1/introspect", &with(access)).await.json(), json!({ "active": false }));
    assert_eq!(world.post("/oauth2/v1/revoke", &with("unknown")).await.status, StatusCode::OK);
    let missing = world.post("/oauth2/v1/introspect", &credentials).await;
    assert_eq!(missing.error().2, "The 'token' parameter is required.");
}

#[tokio::test]
async fn userinfo_tells_what_the_scopes_open() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let body = world.redeem(&code).await.json();
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let answer = world.send("GET", "/oauth2/v1/userinfo", &[("authorization", &bearer)], String::new()).await;
    assert_eq!(answer.json()["given_name"], "Ada");
    assert!(answer.json().get("email").is_none(), "the email scope was not asked for");

    let answer = world.send("GET", "/oauth2/v1/userinfo", &[("authorization", "Bearer junk")], String::new()).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::UNAUTHORIZED, ""));
    assert!(answer.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_returns_to_a_registered_address() {
    let world = World::new();
    let code = world.sign_in("web", &[]).await.sent("code").unwrap();
    let body = world.redeem(&code).await.json();
    let hint = body["id_token"].as_str().unwrap();
    let there = [("id_token_hint", hint), ("post_logout_redirect_uri", "http://localhost:33333/bye"), ("state", "x")];
    let answer = world.get("/oauth2/v1/logout", &there).await;
    assert_eq!(answer.location().as_str(), "http://localhost:33333/bye?state=x");
    let silent = world.get("/oauth2/v1/authorize", &authorize_params("web", &[("prompt", "none")])).await;
    assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
    let astray = [("id_token_hint", hint), ("post_logout_redirect_uri", "http://localhost:1/")];
    assert_eq!(world.get("/oauth2/v1/logout", &astray).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn discovery_names_what_is_served() {
    let world = World::new();
    let document = world.get("/.well-known/openid-configuration", &[]).await.json();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["token_endpoint"], format!("{ISSUER}/oauth2/v1/token"));
    assert_eq!(document["claims_supported"].as_array().unwrap().len(), 31);
    let unknown = world.get("/.well-known/oauth-authorization-server", &[("client_id", "nobody")]).await;
    assert_eq!((unknown.status, &unknown.json()["errorCode"]), (StatusCode::BAD_REQUEST, &json!("invalid_client")));
}

#[tokio::test]
async fn clients_must_prove_who_they_are() {
    let world = World::new();
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], "No client credentials found."),
        (&[("client_id", "nobody"), ("client_secret", "x")], "Invalid value for 'client_id' parameter."),
        (&[("client_id", "web")], "No client credentials found."),
        (
            &[("client_id", "web"), ("client_secret", "x")],
            "The client secret supplied for a confidential client is invalid.",
        ),
        (
            &[("client_id", "service"), ("client_secret", "x")],
            "Client authentication failed. Either the client or the client credentials are invalid.",
        ),
    ];
    for (credentials, text) in cases {
        let mut params = vec![("grant_type", "refresh_token"), ("refresh_token", "x")];
        params.extend(credentials);
        let answer = world.post("/oauth2/v1/token", &params).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned(), text.to_owned()));
    }
    let body = encode(&[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    let basic = world.send("POST", "/oauth2/v1/token", &[("authorization", "Basic d2ViOndlYi1zZWNyZXQ=")], body).await;
    assert_eq!(basic.error().1, "invalid_grant", "the secret in the header was accepted");
}
