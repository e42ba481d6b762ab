//! Codes for devices, and requests that are pushed ahead of the browser.

use axum::http::StatusCode;

use super::super::device::GRANT_TYPE;
use super::world::{CHALLENGE, World, authorize_params, encode, hidden};

/// A client that may use the device grant.
fn world() -> World {
    let world = World::new();
    world.change_client("web", |client| client.grant_types.push(GRANT_TYPE.to_owned()));
    world
}

const CREDENTIALS: [(&str, &str); 2] = [("client_id", "web"), ("client_secret", "web-secret")];

async fn ask(world: &World, device_code: &str) -> super::world::Answer {
    let own = [("grant_type", GRANT_TYPE), ("device_code", device_code)];
    world.post("/oauth2/v1/token", &[own, CREDENTIALS].concat()).await
}

#[tokio::test]
async fn a_device_is_let_in_by_the_user_who_enters_its_code() {
    let world = world();
    let begun = world
        .post("/oauth2/v1/device/authorize", &[&CREDENTIALS[..], &[("scope", "openid offline_access")]].concat())
        .await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    let begun = begun.json();
    let text = |name: &str| begun[name].as_str().unwrap().to_owned();
    let (device_code, user_code) = (text("device_code"), text("user_code"));
    assert_eq!((begun["interval"].as_i64(), begun["expires_in"].as_i64()), (Some(5), Some(600)));
    assert!(text("verification_uri_complete").ends_with(&format!("/activate?user_code={user_code}")));

    assert_eq!(ask(&world, &device_code).await.error().1, "authorization_pending");
    assert_eq!(ask(&world, &device_code).await.error().1, "slow_down");

    let page = world.get("/activate", &[("user_code", &user_code)]).await;
    assert!(page.text.contains(&format!("value=\"{user_code}\"")), "{}", page.text);
    let typed = format!("{}-{}", &user_code[..4].to_lowercase(), &user_code[4..]);
    let submit = |login: &'static str, password: &'static str| {
        let form = encode(&[("user_code", typed.as_str()), ("username", login), ("password", password)]);
        let world = &world;
        async move { world.send("POST", "/activate", &[], form).await.status }
    };
    assert_eq!(submit("ada@example.com", "wrong").await, StatusCode::UNAUTHORIZED);
    assert_eq!(submit("bob@example.com", "Correct1").await, StatusCode::FORBIDDEN);
    assert_eq!(submit("ada@example.com", "Correct1").await, StatusCode::OK);
    assert_eq!(submit("ada@example.com", "Correct1").await, StatusCode::BAD_REQUEST);

    world.pass(5);
    let tokens = ask(&world, &device_code).await.json();
    assert_eq!(tokens["scope"], "openid offline_access");
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string(), "{tokens}");
    assert_eq!(ask(&world, &device_code).await.error().1, "invalid_grant");
}

#[tokio::test]
async fn a_device_code_dies_after_ten_minutes_and_needs_its_grant_type() {
    let world = world();
    let request = [&CREDENTIALS[..], &[("scope", "openid")]].concat();
    let begun = world.post("/oauth2/v1/device/authorize", &request).await.json();
    world.pass(601);
    assert_eq!(ask(&world, begun["device_code"].as_str().unwrap()).await.error().1, "expired_token");
    world.change_client("web", |client| client.grant_types.retain(|grant| grant != GRANT_TYPE));
    assert_eq!(world.post("/oauth2/v1/device/authorize", &request).await.error().1, "unauthorized_client");
}

#[tokio::test]
async fn a_pushed_request_is_begun_once_by_its_client() {
    let world = World::new();
    let push = |extra: &'static [(&'static str, &'static str)]| {
        let params = authorize_params("web", &[&[("client_secret", "web-secret")], extra].concat());
        let world = &world;
        async move { world.post("/oauth2/v1/par", &params).await }
    };
    let pushed = push(&[]).await.json();
    assert_eq!(pushed["expires_in"], 3600);
    let uri = pushed["request_uri"].as_str().unwrap();
    assert!(uri.starts_with("urn:okta:"), "{uri}");
    let begin = [("client_id", "web"), ("request_uri", uri)];
    let page = world.get("/oauth2/v1/authorize", &begin).await;
    let form = [("request", hidden(&page.text)), ("username", "ada@example.com"), ("password", "Correct1")];
    let answer = world.post("/signin", &form).await;
    assert_eq!(answer.sent("state").as_deref(), Some("s1"));
    assert_eq!(world.redeem(&answer.sent("code").unwrap()).await.status, StatusCode::OK);
    assert_eq!(world.get("/oauth2/v1/authorize", &begin).await.status, StatusCode::BAD_REQUEST);

    let another = push(&[]).await.json();
    let begin = [("client_id", "service"), ("request_uri", another["request_uri"].as_str().unwrap())];
    assert_eq!(world.get("/oauth2/v1/authorize", &begin).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(push(&[("redirect_uri", "https://evil.example")]).await.error().1, "invalid_request");
    assert_eq!(push(&[("response_type", "token")]).await.error().1, "unsupported_response_type");
}

#[tokio::test]
async fn a_request_may_be_pushed_as_json() {
    let world = World::new();
    let body = serde_json::json!({
        "client_id": "web", "client_secret": "web-secret", "response_type": "code", "scope": "openid", "max_age": 60,
        "redirect_uri": super::world::CALLBACK, "state": "s2", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    });
    let headers = [("content-type", "application/json")];
    let pushed = world.send("POST", "/oauth2/v1/par", &headers, body.to_string()).await;
    assert_eq!(pushed.status, StatusCode::OK, "{}", pushed.text);
}

#[tokio::test]
async fn grants_that_are_not_served_are_refused_after_the_client_proved_who_it_is() {
    let world = World::new();
    for endpoint in ["bc/authorize", "primary-authenticate", "challenge", "oob-authenticate"] {
        let path = format!("/oauth2/v1/{endpoint}");
        assert_eq!(world.post(&path, &CREDENTIALS).await.error().1, "unsupported_grant_type", "{endpoint}");
        let unknown = world.post(&path, &[("client_id", "nobody")]).await.error();
        assert_eq!((unknown.0, unknown.1.as_str()), (401, "invalid_client"), "{endpoint}");
    }
}

#[tokio::test]
async fn browsers_may_ask_before_they_post_from_another_origin() {
    let world = World::new();
    for path in ["/oauth2/v1/token", "/oauth2/v1/par"] {
        let answer = world.send("OPTIONS", path, &[("origin", "https://app.example")], String::new()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
        assert_eq!(answer.headers["access-control-allow-methods"], "POST");
    }
}
