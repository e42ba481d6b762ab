//! An org of two users and three clients, and a browser without a screen.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oktant_base::{Clock as _, ManualClock, Secret, SeededEntropy};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::AuthorizationServer;
use super::super::access::Access;
use super::super::directory::{
    ApplicationType, AuthMethod, Client, Consent, Directory, EndUser, Event, Redirects, Rotation, SignInError,
};
use super::super::key::KeyRing;
use crate::http::{Presented, TokenError};

pub(super) const ISSUER: &str = "http://127.0.0.1:4096";
pub(super) const CALLBACK: &str = "http://localhost:33333";
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The S256 challenge of the verifier above (RFC 7636, appendix B).
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) struct World {
    pub(super) server: Arc<AuthorizationServer>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) org: Arc<FakeOrg>,
    cookie: Mutex<Option<String>>,
}

pub(super) struct FakeOrg {
    pub(super) clients: Mutex<Vec<Client>>,
    pub(super) events: Mutex<Vec<Event>>,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(super) fn location(&self) -> url::Url {
        self.headers["location"].to_str().unwrap().parse().unwrap()
    }

    /// A parameter that the redirect carries.
    pub(super) fn sent(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Status and description of an OAuth error.
    pub(super) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |key: &str| body[key].as_str().unwrap().to_owned();
        (self.status.as_u16(), text("error"), text("error_description"))
    }
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
        let org = Arc::new(FakeOrg { clients: Mutex::new(clients()), events: Mutex::default() });
        let entropy = Arc::new(SeededEntropy::new(1));
        let directory: Arc<dyn Directory> = Arc::clone(&org) as _;
        let server = AuthorizationServer::new(ISSUER, directory, Arc::clone(&clock) as _, entropy);
        Self { server, clock, org, cookie: Mutex::default() }
    }

    pub(super) fn change_client(&self, id: &str, change: impl FnOnce(&mut Client)) {
        change(self.org.clients.lock().iter_mut().find(|client| client.id == id).unwrap());
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) async fn get(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        self.send("GET", &format!("{path}?{}", encode(params)), &[], String::new()).await
    }

    pub(super) async fn post(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        self.send("POST", path, &[], encode(params)).await
    }

    pub(super) async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = self.cookie.lock().clone() {
            request = request.header("cookie", cookie);
        }
        let response = self.server.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(cookie) = parts.headers.get("set-cookie") {
            *self.cookie.lock() = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Asks for a code and signs in on the page; the answer to the login form.
    pub(super) async fn sign_in(&self, client_id: &str, extra: &[(&str, &str)]) -> Answer {
        let page = self.get("/oauth2/v1/authorize", &authorize_params(client_id, extra)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let form = [("request", hidden(&page.text)), ("username", "ada@example.com"), ("password", "Correct1")];
        self.post("/signin", &form).await
    }

    pub(super) async fn redeem(&self, code: &str) -> Answer {
        let params = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", "web"),
            ("client_secret", "web-secret"),
        ];
        self.post("/oauth2/v1/token", &params).await
    }

    pub(super) async fn refresh(&self, token: &str) -> Answer {
        let params = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", "web"),
            ("client_secret", "web-secret"),
        ];
        self.post("/oauth2/v1/token", &params).await
    }

    /// What an API call with this token comes to.
    pub(super) fn call(&self, token: &str, proof: Option<&str>) -> Result<Access, TokenError> {
        self.server.access(&Presented {
            token,
            dpop_scheme: proof.is_some(),
            proof,
            method: "GET",
            url: "http://127.0.0.1:4096/api/v1/users",
        })
    }
}

impl Directory for FakeOrg {
    fn org_id(&self) -> String {
        "00o1".to_owned()
    }

    fn client(&self, client_id: &str) -> Option<Client> {
        self.clients.lock().iter().find(|client| client.id == client_id).cloned()
    }

    fn sign_in(&self, login: &str, password: &str) -> Result<EndUser, SignInError> {
        let user = self.user(if login == "bob@example.com" { "00ubob" } else { "00uada" });
        if password == "Correct1" { user.ok_or(SignInError::LockedOut) } else { Err(SignInError::InvalidCredentials) }
    }

    fn user(&self, user_id: &str) -> Option<EndUser> {
        let name = user_id.strip_prefix("00u")?;
        let login = format!("{name}@example.com");
        let profile = json!({ "firstName": "Ada", "lastName": "Min", "login": login, "email": login });
        let profile = profile.as_object().cloned()?;
        Some(EndUser { id: user_id.to_owned(), login, profile, updated_at: 1 })
    }

    fn is_assigned(&self, _client_id: &str, user_id: &str) -> bool {
        user_id == "00uada"
    }

    fn may_use(&self, _user_id: &str, scope: &str) -> bool {
        !scope.starts_with("okta.policies")
    }

    fn record(&self, event: Event) {
        self.events.lock().push(event);
    }
}

fn clients() -> Vec<Client> {
    let web = Client {
        id: "web".to_owned(),
        label: "Web <app>".to_owned(),
        active: true,
        application_type: ApplicationType::Web,
        auth_method: AuthMethod::Secret,
        secrets: vec![Secret::new("web-secret".to_owned())],
        keys: Vec::new(),
        redirect_uris: vec![CALLBACK.to_owned()],
        redirects: Redirects::Exact,
        post_logout_redirect_uris: vec!["http://localhost:33333/bye".to_owned()],
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        pkce_required: true,
        consent: Consent::Trusted,
        dpop_bound: false,
        rotation: Rotation::Rotate { leeway_seconds: 30 },
        granted_scopes: vec!["okta.users.read".to_owned(), "okta.policies.read".to_owned()],
    };
    let service = Client {
        id: "service".to_owned(),
        application_type: ApplicationType::Service,
        auth_method: AuthMethod::PrivateKeyJwt,
        secrets: Vec::new(),
        redirect_uris: Vec::new(),
        grant_types: vec!["client_credentials".to_owned()],
        ..web.clone()
    };
    let bound = Client { id: "bound".to_owned(), dpop_bound: true, ..service.clone() };
    vec![web, service, bound]
}

pub(super) fn authorize_params<'a>(client_id: &'a str, extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = extra.to_vec();
    params.extend([
        ("client_id", client_id),
        ("response_type", "code"),
        ("scope", "openid profile offline_access okta.users.read okta.groups.read okta.policies.read"),
        ("redirect_uri", CALLBACK),
        ("state", "s1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    params
}

/// The id of the waiting request in a page's form.
pub(super) fn hidden(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"request\" value=\"").unwrap();
    rest.split_once('"').unwrap().0
}

pub(super) fn encode(params: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// A key pair of a client.
pub(super) struct ClientKey(EncodingKey, pub(super) jsonwebtoken::jwk::Jwk);

impl ClientKey {
    pub(super) fn new() -> Self {
        let key = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = key.unwrap().to_pkcs8v1().unwrap();
        let private = EncodingKey::from_ec_der(pkcs8.as_ref());
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
        Self(private, jwk)
    }

    pub(super) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.0).unwrap()
    }

    /// A client assertion that is good but for what `changes` says.
    pub(super) fn assertion(&self, world: &World, client_id: &str, jti: &str, changes: &Value) -> String {
        let now = world.clock.now().timestamp();
        let mut claims = json!({
            "iss": client_id, "sub": client_id, "aud": format!("{ISSUER}/oauth2/v1/token"),
            "iat": now, "exp": now + 3000, "jti": jti,
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        self.sign(&Header::new(Algorithm::ES256), &claims)
    }

    /// A DPoP proof with these claims besides `iat`.
    pub(super) fn proof(&self, world: &World, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.1.clone());
        let mut claims = claims.clone();
        claims["iat"] = world.clock.now().timestamp().into();
        self.sign(&header, &claims)
    }
}

/// The claims of a token, unverified.
pub(super) fn claims_of(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}

/// The hash of a token that a proof carries.
pub(super) fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()))
}

#[test]
fn a_key_does_not_accept_the_tokens_of_another() {
    let (ours, theirs) = (KeyRing::default(), KeyRing::default());
    ours.get("").jwk();
    let token = theirs.get("").sign(None, &json!({ "sub": "x" }));
    assert!(theirs.verify::<Value>(&token).is_some());
    assert!(ours.verify::<Value>(&token).is_none());
}
