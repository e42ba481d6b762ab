//! Connected apps, logging in, consent and tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oktant_sandbox::Salesforce;
use serde_json::{Value, json};

use super::{Answer, DATA, Sf, encoded};

const CALLBACK: &str = "https://oauth.workflows.okta.com/oauth/httpfunctions/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mBauMB5vkLSXSMpTYW7wBcF0IM8Jc8wQ1";

fn authorize_path(sf: &Sf, more: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", sf.org.announcement().client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("state", "s 1"),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    fields.extend(more);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/services/oauth2/authorize?{query}")
}

async fn authorize(sf: &Sf, more: &[(&str, &str)]) -> Answer {
    sf.raw(sf.request("GET", &authorize_path(sf, more))).await
}

/// A parameter of the address that an answer sends the browser to.
fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let location = url::Url::parse(answer.header("location")).expect("an address");
    location.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The code that a user gives the seeded app.
pub(super) async fn code_of(sf: &Sf, login: &str, more: &[(&str, &str)]) -> String {
    let request = sf.request("GET", &authorize_path(sf, more)).header("x-oktant-auto-consent", login);
    let answer = sf.raw(request).await;
    parameter(&answer, "code").unwrap_or_else(|| panic!("a code in {}", answer.header("location")))
}

async fn token(sf: &Sf, fields: &[(&str, &str)]) -> Answer {
    let known = sf.org.announcement();
    let mut all = vec![("client_id", known.client_id.as_str()), ("client_secret", known.client_secret.as_str())];
    all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    all.extend(fields);
    sf.form("/services/oauth2/token", &all).await
}

pub(super) async fn redeem(sf: &Sf, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    fields.extend(more);
    token(sf, &fields).await
}

pub(super) async fn refresh(sf: &Sf, refresh_token: &str) -> Answer {
    token(sf, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
}

/// An access token of the administrator.
pub(super) async fn client_credentials(sf: &Sf) -> String {
    text(&token(sf, &[("grant_type", "client_credentials")]).await.json, "access_token")
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("{name} in {json}")).to_owned()
}

/// Parameters of a form.
type Fields<'f> = &'f [(&'f str, &'f str)];

fn error(answer: &Answer) -> (u16, &str, &str) {
    let text = |name: &str| answer.json[name].as_str().unwrap_or_default();
    (answer.status.as_u16(), text("error"), text("error_description"))
}

fn hidden(page: &Answer) -> String {
    let (_, rest) =
        page.text.split_once("name=\"request\" value=\"").unwrap_or_else(|| panic!("a form in {}", page.text));
    rest.split('"').next().unwrap().to_owned()
}

/// The page that follows the login form.
pub(super) async fn sign_in(sf: &Sf, username: &str, password: &str) -> Answer {
    let page = authorize(sf, &[("prompt", "consent")]).await;
    sf.form("/login", &[("request", &hidden(&page)), ("username", username), ("password", password)]).await
}

async fn limits(sf: &Sf, token: &str) -> u16 {
    sf.raw(sf.request("GET", &format!("{DATA}/limits")).bearer_auth(token)).await.status.as_u16()
}

#[tokio::test]
async fn a_person_logs_in_and_agrees() {
    let sf = Sf::new().await;
    let known = sf.org.announcement().clone();
    let page = authorize(&sf, &[("login_hint", "some<one>")]).await;
    assert!(page.text.contains("Okta Workflows") && page.text.contains("value=\"some&lt;one&gt;\""), "{}", page.text);
    let fields = |password: &'static str| {
        [("request", hidden(&page)), ("username", known.user.clone()), ("password", password.to_owned())]
    };
    let send = async |fields: [(&'static str, String); 3]| {
        sf.form("/login", &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await
    };
    assert!(send(fields("wrong")).await.text.contains("role=\"alert\""));
    let consent = send(fields("Sandbox-Passw0rd")).await;
    assert!(
        consent.text.contains("Allow access?")
            && consent.text.contains("Full access")
            && consent.text.contains(&known.user),
        "{}",
        consent.text
    );
    let cookie = consent.header("set-cookie").split(';').next().unwrap().to_owned();
    let decide = |decision: &'static str, request: String| {
        let body = format!("request={request}&decision={decision}");
        let post = sf.request("POST", "/setup/secur/RemoteAccessAuthorizationPage").header("cookie", cookie.clone());
        sf.raw(post.header("content-type", "application/x-www-form-urlencoded").body(body))
    };
    let allowed = decide("allow", hidden(&consent)).await;
    assert_eq!(allowed.status, 302);
    assert!(
        allowed.header("location").starts_with(&format!("{CALLBACK}?code=aPrx"))
            && allowed.header("location").contains("%3D%3D&state=s+1")
    );
    assert!(decide("allow", hidden(&consent)).await.text.contains("This login has ended"));
    // The app is known now, and so is the browser.
    let request = sf.request("GET", &authorize_path(&sf, &[])).header("cookie", cookie.clone());
    assert!(parameter(&sf.raw(request).await, "code").is_some());
    let request = sf.request("GET", &authorize_path(&sf, &[("prompt", "consent")])).header("cookie", cookie.clone());
    let denied = decide("deny", hidden(&sf.raw(request).await)).await;
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&denied, "error_description").as_deref(), Some("end-user denied authorization"));
    assert_eq!(parameter(&denied, "state").as_deref(), Some("s 1"));
}

#[tokio::test]
async fn a_token_has_every_field_of_the_reference() {
    let sf = Sf::new().await;
    let known = sf.org.announcement().clone();
    let code = code_of(&sf, "true", &[("scope", "api refresh_token openid"), ("nonce", "n-1")]).await;
    let answer = redeem(&sf, &code, &[]).await;
    let names: Vec<_> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "access_token",
            "refresh_token",
            "signature",
            "scope",
            "id_token",
            "instance_url",
            "id",
            "token_type",
            "issued_at"
        ]
    );
    assert!(answer.json.as_object().unwrap().values().all(Value::is_string));
    assert_eq!(
        (text(&answer.json, "instance_url"), text(&answer.json, "scope")),
        (known.url.clone(), "api refresh_token openid".to_owned())
    );
    let access_token = text(&answer.json, "access_token");
    assert!(access_token.starts_with("00D") && access_token.as_bytes()[15..18] == *b"!AQ", "{access_token}");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, known.client_secret.as_bytes());
    let signed = format!("{}{}", text(&answer.json, "id"), text(&answer.json, "issued_at"));
    assert_eq!(STANDARD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes())), text(&answer.json, "signature"));
    // The id token is signed by the key that is listed.
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(sf.raw(sf.request("GET", "/id/keys")).await.json).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[&known.client_id]);
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let claims = jsonwebtoken::decode::<Value>(text(&answer.json, "id_token"), &key, &validation).unwrap().claims;
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["nonce"]),
        (&json!(known.url), &answer.json["id"], &json!("n-1"))
    );
    assert_eq!(error(&redeem(&sf, &code, &[]).await), (400, "invalid_grant", "invalid authorization code"));
    assert_eq!(limits(&sf, &access_token).await, 200);

    for (format, start) in [
        ("urlencoded", "access_token=00D"),
        ("xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuth><access_token>00D"),
    ] {
        let answer = token(&sf, &[("grant_type", "client_credentials"), ("format", format)]).await;
        assert!(answer.text.starts_with(start), "{}", answer.text);
    }
}

#[tokio::test]
async fn codes_are_bound_to_verifier_callback_and_time() {
    let sf = Sf::new().await;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    let challenge = URL_SAFE_NO_PAD.encode(hash);
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let code = async || code_of(&sf, "true", &pkce).await;
    assert_eq!(redeem(&sf, &code().await, &[("code_verifier", VERIFIER)]).await.status, 200);
    assert_eq!(error(&redeem(&sf, &code().await, &[("code_verifier", "other")]).await).2, "invalid code verifier");
    assert_eq!(error(&redeem(&sf, &code().await, &[]).await).2, "invalid code verifier");
    let other = redeem(&sf, &code().await, &[("redirect_uri", "http://localhost:33333/")]).await;
    assert_eq!(error(&other), (400, "redirect_uri_mismatch", "redirect_uri must match configuration"));
    let late = code().await;
    sf.clock.advance(Duration::from_mins(16));
    assert_eq!(error(&redeem(&sf, &late, &[("code_verifier", VERIFIER)]).await).2, "expired authorization code");
}

#[tokio::test]
async fn wrong_requests_end_on_the_page_or_at_the_callback() {
    let sf = Sf::new().await;
    let pages = [
        (("client_id", "nobody"), "invalid_client_id", "client identifier invalid"),
        (("redirect_uri", "https://evil.example/"), "redirect_uri_mismatch", "redirect_uri must match configuration"),
    ];
    for (field, code, says) in pages {
        let page = authorize(&sf, &[field]).await;
        assert!(page.status == 400 && page.text.contains(code) && page.text.contains(says), "{}", page.text);
    }
    let redirected = [
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "api nonsense"), "invalid_scope"),
        (("scope", "api\" onload"), "invalid_scope"),
    ];
    for (field, code) in redirected {
        let answer = authorize(&sf, &[field]).await;
        assert_eq!(
            (parameter(&answer, "error").as_deref(), parameter(&answer, "state").as_deref()),
            (Some(code), Some("s 1"))
        );
    }
    let plain = authorize(&sf, &[("code_challenge", "x"), ("code_challenge_method", "plain")]).await;
    assert_eq!(parameter(&plain, "error").as_deref(), Some("invalid_request"));
    for callback in ["http://localhost:33333/", "http://localhost:33333", "http://127.0.0.1:51234/callback"] {
        assert!(authorize(&sf, &[("redirect_uri", callback)]).await.text.contains("Log in"), "{callback}");
    }
}

#[tokio::test]
async fn wrong_token_requests_have_their_own_words() {
    let sf = Sf::new().await;
    let get = sf.raw(sf.request("GET", "/services/oauth2/token")).await;
    assert_eq!(error(&get), (400, "invalid_request", "must use HTTP POST"));
    let cases: [(Fields<'_>, (u16, &str, &str)); 7] = [
        (&[("grant_type", "magic")], (400, "unsupported_grant_type", "grant type not supported")),
        (&[("grant_type", "password")], (400, "invalid_grant", "authentication failure")),
        (
            &[("client_id", "x"), ("grant_type", "client_credentials")],
            (400, "invalid_client_id", "client identifier invalid"),
        ),
        (
            &[("client_secret", "x"), ("grant_type", "client_credentials")],
            (401, "invalid_client", "invalid client credentials"),
        ),
        (
            &[("client_secret", ""), ("grant_type", "client_credentials")],
            (401, "invalid_client_credentials", "client secret invalid"),
        ),
        (
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            (400, "invalid_grant", "expired access/refresh token"),
        ),
        (&[("grant_type", "authorization_code")], (400, "invalid_request", "missing required parameter: code")),
    ];
    for (fields, expected) in cases {
        assert_eq!(error(&token(&sf, fields).await), expected, "{fields:?}");
    }
    let known = sf.org.announcement();
    let request = sf.request("POST", "/services/oauth2/token").basic_auth(&known.client_id, Some(&known.client_secret));
    let basic = sf
        .raw(request.header("content-type", "application/x-www-form-urlencoded").body("grant_type=client_credentials"))
        .await;
    assert_eq!(basic.status, 200, "{}", basic.text);
}

#[tokio::test]
async fn refresh_tokens_last_until_they_are_revoked() {
    let sf = Sf::new().await;
    let code = code_of(&sf, "true", &[]).await;
    let first = redeem(&sf, &code, &[]).await.json;
    let (access, lasting) = (text(&first, "access_token"), text(&first, "refresh_token"));
    sf.clock.advance(Duration::from_hours(3));
    assert_eq!(limits(&sf, &access).await, 401);
    let second = refresh(&sf, &lasting).await.json;
    assert!(second.get("refresh_token").is_none());
    let access = text(&second, "access_token");
    assert_eq!(limits(&sf, &access).await, 200);
    let introspected = async |token: &str| {
        let known = sf.org.announcement();
        let fields = [
            ("token", token),
            ("client_id", known.client_id.as_str()),
            ("client_secret", known.client_secret.as_str()),
        ];
        sf.form("/services/oauth2/introspect", &fields).await.json
    };
    let seen = introspected(&access).await;
    assert_eq!(
        (&seen["active"], &seen["token_type"], &seen["username"]),
        (&json!(true), &json!("access_token"), &json!(sf.org.announcement().user))
    );
    assert_eq!(introspected(&lasting).await["token_type"], "refresh_token");
    assert_eq!(sf.form("/services/oauth2/revoke", &[("token", &lasting)]).await.status, 200);
    assert_eq!((limits(&sf, &access).await, introspected(&access).await), (401, json!({ "active": false })));
    assert_eq!(error(&refresh(&sf, &lasting).await), (400, "invalid_grant", "expired access/refresh token"));
    let again = sf.form("/services/oauth2/revoke", &[("token", &lasting)]).await;
    assert_eq!(error(&again), (400, "invalid_token", format!("invalid token: {lasting}").as_str()));
    let scopes = code_of(&sf, "true", &[("scope", "api")]).await;
    assert!(redeem(&sf, &scopes, &[]).await.json.get("refresh_token").is_none());
}

#[tokio::test]
async fn rotation_exchanges_the_refresh_token_and_notices_theft() {
    let sf = Sf::start(Salesforce::builder().rotate_refresh_tokens(true)).await;
    let code = code_of(&sf, "true", &[]).await;
    let first = text(&redeem(&sf, &code, &[]).await.json, "refresh_token");
    let second = text(&refresh(&sf, &first).await.json, "refresh_token");
    let third = refresh(&sf, &second).await.json;
    assert_ne!(text(&third, "refresh_token"), second);
    assert_eq!(refresh(&sf, &first).await.status, 400);
    // The whole grant is gone with it.
    assert_eq!(refresh(&sf, &text(&third, "refresh_token")).await.status, 400);
    assert_eq!(limits(&sf, &text(&third, "access_token")).await, 401);
}

#[tokio::test]
async fn a_user_keeps_the_five_newest_grants() {
    let sf = Sf::new().await;
    let mut tokens = Vec::new();
    for _ in 0..6 {
        let code = code_of(&sf, "true", &[]).await;
        tokens.push(text(&redeem(&sf, &code, &[]).await.json, "refresh_token"));
    }
    let mut status = Vec::new();
    for token in &tokens {
        status.push(refresh(&sf, token).await.status.as_u16());
    }
    assert_eq!(status, [400, 200, 200, 200, 200, 200]);
}

/// A new RSA key in PEM: private and public half.
fn key_pair() -> (String, String) {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::signature::KeyPair as _;

    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let pem =
        |kind: &str, der: &[u8]| format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der));
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

#[tokio::test]
async fn assertions_stand_for_users_who_agreed() {
    let sf = Sf::new().await;
    let (private, public) = key_pair();
    let app = json!({ "name": "Server", "callback_urls": ["https://server.example/cb"], "public_key": public });
    let register = async |app: Value| sf.raw(sf.request("POST", "/sandbox/apps").body(app.to_string())).await;
    let made = register(app.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let client_id = text(&made.json, "client_id");
    let encoding = jsonwebtoken::EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
    let now = super::NOW.parse::<oktant_base::Timestamp>().unwrap().timestamp();
    let user = sf.org.announcement().user.clone();
    let sign = |issuer: &str, aud: &str, exp: i64| {
        let claims = json!({ "iss": issuer, "sub": user, "aud": aud, "exp": exp });
        jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256), &claims, &encoding).unwrap()
    };
    let grant = async |assertion: String| {
        let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.as_str())];
        sf.form("/services/oauth2/token", &fields).await
    };
    let host = "https://login.salesforce.com";
    assert_eq!(error(&grant(sign(&client_id, host, now + 100)).await).2, "user hasn't approved this consumer");
    let mut approved = app;
    approved["admin_approved"] = json!(true);
    let client_id = text(&register(approved).await.json, "client_id");
    let granted = grant(sign(&client_id, host, now + 100)).await;
    assert_eq!(limits(&sf, &text(&granted.json, "access_token")).await, 200);
    assert!(granted.json.get("refresh_token").is_none());
    assert_eq!(grant(sign(&client_id, &sf.org.url(), now + 100)).await.status, 200);
    for (aud, exp) in [("https://other.example", now + 100), (host, now - 1), (host, now + 600)] {
        assert_eq!(
            error(&grant(sign(&client_id, aud, exp)).await),
            (400, "invalid_grant", "invalid assertion"),
            "{aud} {exp}"
        );
    }
    let mut forged = sign(&client_id, host, now + 100);
    forged.truncate(forged.rfind('.').unwrap());
    assert_eq!(error(&grant(format!("{forged}.AAAA")).await).2, "invalid assertion");
    let nobody = grant(sign("nobody", host, now + 100)).await;
    assert_eq!(error(&nobody).1, "invalid_client_id");
}

#[tokio::test]
async fn apps_are_registered_by_page_and_by_call() {
    let sf = Sf::new().await;
    let page = sf.raw(sf.request("GET", "/setup/connected-apps")).await;
    assert!(page.text.contains("Okta Workflows") && page.text.contains(CALLBACK), "{}", page.text);
    let fields = [
        ("name", "Mine & yours"),
        ("callback_urls", "https://mine.example/cb\nhttp://localhost:9/cb"),
        ("scopes", "api refresh_token"),
    ];
    let made = sf.form("/setup/connected-apps", &fields).await;
    assert!(made.status == 200 && made.text.contains("Mine &amp; yours"), "{}", made.text);
    let apps = sf.raw(sf.request("GET", "/sandbox/apps")).await.json;
    assert_eq!(apps[1]["callback_urls"], json!(["https://mine.example/cb", "http://localhost:9/cb"]));
    let client_id = text(&apps[1], "client_id");
    let more = [("client_id", client_id.as_str()), ("redirect_uri", "http://localhost:9/cb")];
    assert!(authorize(&sf, &more).await.text.contains("Mine &amp; yours"));
    // Only the seeded app takes any port of this machine.
    assert_eq!(authorize(&sf, &[more[0], ("redirect_uri", "http://localhost:10/cb")]).await.status, 400);
    let beyond = authorize(&sf, &[more[0], more[1], ("scope", "full")]).await;
    assert_eq!(parameter(&beyond, "error").as_deref(), Some("invalid_scope"));
    let refused = sf
        .form("/setup/connected-apps", &[("name", "X"), ("callback_urls", "http://x.example/"), ("scopes", "api")])
        .await;
    assert!(refused.status == 400 && refused.text.contains("https, except on this machine"), "{}", refused.text);
    let unknown = sf
        .raw(
            sf.request("POST", "/sandbox/apps")
                .body(r#"{"name":"X","callback_urls":["https://x/"],"scopes":["nope"]}"#),
        )
        .await;
    assert_eq!((unknown.status.as_u16(), &unknown.json["error"]), (400, &json!("there is no scope `nope`")));
}

#[tokio::test]
async fn the_org_says_who_a_token_belongs_to() {
    let sf = Sf::new().await;
    let bearer = |path: &str| sf.raw(sf.request("GET", path).bearer_auth(&sf.token));
    let info = bearer("/services/oauth2/userinfo").await.json;
    let known = sf.org.announcement();
    assert_eq!(
        (&info["preferred_username"], &info["zoneinfo"], &info["user_type"]),
        (&json!(known.user), &json!("America/Los_Angeles"), &json!("STANDARD"))
    );
    assert_eq!(
        (&info["utcOffset"], &info["urls"]["rest"]),
        (&json!(-28_800_000), &json!(format!("{}/services/data/v{{version}}/", known.url)))
    );
    let identity = text(&info, "sub");
    let read = bearer(&identity).await.json;
    assert_eq!(
        (&read["id"], &read["username"], &read["asserted_user"]),
        (&json!(identity), &json!(known.user), &json!(true))
    );
    let path = identity.strip_prefix(&known.url).unwrap();
    let refusals = [
        (sf.raw(sf.request("GET", path)).await, "Missing_OAuth_Token"),
        (sf.raw(sf.request("GET", path).bearer_auth("x")).await, "Bad_OAuth_Token"),
        (bearer("/id/00D000000000000AAA/005000000000000AAA").await, "Wrong_Org"),
        (bearer(&format!("{}/005000000000000AAA", path.rsplit_once('/').unwrap().0)).await, "Bad_Id"),
        (sf.raw(sf.request("GET", "/services/oauth2/userinfo").bearer_auth("x")).await, "Bad_OAuth_Token"),
    ];
    for (answer, says) in refusals {
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (403, says));
    }
    let discovery = sf.raw(sf.request("GET", "/.well-known/openid-configuration")).await.json;
    assert_eq!(discovery["token_endpoint"], format!("{}/services/oauth2/token", known.url));
    let code = code_of(&sf, "true", &[("scope", "openid")]).await;
    let narrow = text(&redeem(&sf, &code, &[]).await.json, "access_token");
    let refused = sf
        .raw(sf.request("GET", &format!("{DATA}/query?q={}", encoded("SELECT Id FROM User"))).bearer_auth(narrow))
        .await;
    assert_eq!(refused.error(), (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"));
}
