//! The token endpoint, revocation and introspection.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::app::ConnectedApp;
use super::{OAuthError, Request, Response};
use crate::oauth::{basic_credentials, challenge_of, signature_only};
use crate::salesforce::id::Id;
use crate::salesforce::org::{Org, Session};
use crate::salesforce::store::Store;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An assertion may expire at most this far ahead.
const ASSERTION_LIFE_MAX: TimeDelta = TimeDelta::minutes(3);

/// Hosts of the service itself, which an assertion may name instead of this org.
const LOGIN_HOSTS: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

type Fields = Map<String, Value>;

/// `POST /services/oauth2/token`.
pub(in super::super) fn token(request: &Request<'_>) -> Response {
    let granted = match request.method {
        "POST" => grant(request),
        _ => Err(OAuthError::new("invalid_request", "must use HTTP POST")),
    };
    match granted {
        Ok(fields) => formatted(request.params.get("format"), fields),
        Err(error) => error.into(),
    }
}

fn formatted(format: Option<&str>, fields: Fields) -> Response {
    let texts = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    match format {
        Some("urlencoded") => {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(texts()).finish();
            Response::text(StatusCode::OK, "application/x-www-form-urlencoded", body)
        }
        Some("xml") => {
            let members: Vec<_> =
                texts().map(|(name, value)| format!("<{name}>{}</{name}>", crate::oauth::escape(value))).collect();
            let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuth>{}</OAuth>", members.concat());
            Response::text(StatusCode::OK, "application/xml", body)
        }
        _ => Response::json(StatusCode::OK, &fields.into()),
    }
}

fn grant(request: &Request<'_>) -> Result<Fields, OAuthError> {
    match request.params.get("grant_type") {
        Some("authorization_code") => by_code(request),
        Some("refresh_token") => by_refresh_token(request),
        Some("client_credentials") => by_client_credentials(request),
        Some(JWT_BEARER) => by_assertion(request),
        // New orgs do not let passwords in here.
        Some("password") => Err(OAuthError::invalid_grant("authentication failure")),
        Some(_) => Err(OAuthError::new("unsupported_grant_type", "grant type not supported")),
        None => Err(OAuthError::new("invalid_request", "missing required parameter: grant_type")),
    }
}

/// The app that calls; its secret is checked if it is there, and asked for if it must be.
fn client(request: &Request<'_>, secret_required: Option<bool>) -> Result<ConnectedApp, OAuthError> {
    let basic = basic_credentials(request.headers).ok().flatten();
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (request.params.get("client_id"), request.params.get("client_secret")),
    };
    let app = id.and_then(|id| request.org.grants.lock().app(id).cloned());
    let app = app.ok_or_else(|| OAuthError::new("invalid_client_id", "client identifier invalid"))?;
    let right = |secret: &str| verify_slices_are_equal(secret.as_bytes(), app.secret.expose().as_bytes()).is_ok();
    match secret {
        Some(secret) if !right(secret) => {
            Err(OAuthError::new("invalid_client", "invalid client credentials").status(StatusCode::UNAUTHORIZED))
        }
        None if secret_required.unwrap_or(app.given.require_secret) => {
            Err(OAuthError::new("invalid_client_credentials", "client secret invalid").status(StatusCode::UNAUTHORIZED))
        }
        _ => Ok(app),
    }
}

fn required<'r>(request: &'r Request<'_>, name: &str) -> Result<&'r str, OAuthError> {
    let missing = || OAuthError::new("invalid_request", format!("missing required parameter: {name}"));
    request.params.get(name).ok_or_else(missing)
}

fn by_code(request: &Request<'_>) -> Result<Fields, OAuthError> {
    let org = request.org;
    let app = client(request, None)?;
    let code = org.grants.lock().take_code(required(request, "code")?);
    let code = code.ok_or_else(|| OAuthError::invalid_grant("invalid authorization code"))?;
    if code.is_expired(org.now()) {
        return Err(OAuthError::invalid_grant("expired authorization code"));
    }
    if code.asked.client_id != app.client_id {
        return Err(OAuthError::invalid_grant("invalid authorization code"));
    }
    if required(request, "redirect_uri")? != code.asked.redirect_uri {
        return Err(OAuthError::new("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    if let Some(challenge) = &code.asked.challenge {
        let verifier = request.params.get("code_verifier");
        if verifier.map(challenge_of).as_ref() != Some(challenge) {
            return Err(OAuthError::invalid_grant("invalid code verifier"));
        }
    }
    check_user(org, code.user)?;
    let scopes = &code.asked.scopes;
    let lasting = scopes.iter().any(|scope| matches!(scope.as_str(), "refresh_token" | "offline_access"));
    let refresh_token = lasting.then(|| format!("5Aep861{}", org.token(80)));
    let number = refresh_token
        .clone()
        .map(|token| org.grants.lock().add_grant(code.user, &app.client_id, scopes, token, org.now()));
    Ok(issue(org, &app, code.user, scopes, &Extras { grant: number, refresh_token, nonce: code.asked.nonce }))
}

fn by_refresh_token(request: &Request<'_>) -> Result<Fields, OAuthError> {
    let org = request.org;
    let app = client(request, None)?;
    let granted = org.grants.lock().grant(required(request, "refresh_token")?);
    let granted = granted.filter(|(_, grant)| grant.client_id == app.client_id);
    let (number, grant) = granted.ok_or_else(|| OAuthError::invalid_grant("expired access/refresh token"))?;
    check_user(org, grant.user)?;
    let rotates = app.given.rotate_refresh_tokens || org.settings.lock().rotate_refresh_tokens;
    let refresh_token = rotates.then(|| format!("5Aep861{}", org.token(80)));
    if let Some(token) = &refresh_token {
        org.grants.lock().rotate(number, token.clone());
    }
    Ok(issue(org, &app, grant.user, &grant.scopes, &Extras { grant: Some(number), refresh_token, nonce: None }))
}

fn by_client_credentials(request: &Request<'_>) -> Result<Fields, OAuthError> {
    let org = request.org;
    let app = client(request, Some(true))?;
    let user = app
        .given
        .run_as
        .as_deref()
        .and_then(|login| org.store.lock().first("User", "Username", login).map(|user| user.id));
    let user = user.ok_or_else(|| OAuthError::invalid_grant("no client credentials user enabled"))?;
    check_user(org, user)?;
    Ok(issue(org, &app, user, &app.given.scopes, &Extras::default()))
}

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    #[serde(alias = "prn")]
    sub: String,
    aud: String,
    exp: i64,
}

fn by_assertion(request: &Request<'_>) -> Result<Fields, OAuthError> {
    let org = request.org;
    let invalid = || OAuthError::invalid_grant("invalid assertion");
    let jwt = required(request, "assertion")?;
    let claims: Assertion = jsonwebtoken::dangerous::insecure_decode_claims(jwt).map_err(|_| invalid())?;
    let app = org.grants.lock().app(&claims.iss).cloned();
    let app = app.ok_or_else(|| OAuthError::new("invalid_client_id", "client identifier invalid"))?;
    let key = app
        .given
        .public_key
        .as_ref()
        .and_then(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()).ok())
        .ok_or_else(invalid)?;
    jsonwebtoken::decode::<Assertion>(jwt, &key, &signature_only(Algorithm::RS256)).map_err(|_| invalid())?;
    let expires = DateTime::from_timestamp(claims.exp, 0).unwrap_or_default();
    let audience = claims.aud.trim_end_matches('/');
    let in_time = expires > org.now() && expires <= org.now() + ASSERTION_LIFE_MAX;
    if !in_time || (audience != org.url && !LOGIN_HOSTS.contains(&audience)) {
        return Err(invalid());
    }
    let user = org.store.lock().first("User", "Username", &claims.sub).map(|user| user.id);
    let user = user.ok_or_else(|| OAuthError::invalid_grant("user hasn't approved this consumer"))?;
    check_user(org, user)?;
    if !app.given.admin_approved && !org.grants.lock().has_approved(user, &app.client_id) {
        return Err(OAuthError::invalid_grant("user hasn't approved this consumer"));
    }
    Ok(issue(org, &app, user, &app.given.scopes, &Extras::default()))
}

fn check_user(org: &Org, user: Id) -> Result<(), OAuthError> {
    if may_log_in(&org.store.lock(), user) { Ok(()) } else { Err(OAuthError::invalid_grant("inactive user")) }
}

/// Whether a user is active and not frozen.
pub(super) fn may_log_in(store: &Store, user: Id) -> bool {
    let frozen = store.rows("UserLogin").any(|login| login.reference("UserId") == Some(user) && login.flag("IsFrozen"));
    !frozen && store.get("User", user).is_some_and(|user| user.flag("IsActive"))
}

/// What goes with an access token.
#[derive(Default)]
struct Extras {
    grant: Option<u64>,
    refresh_token: Option<String>,
    nonce: Option<String>,
}

fn issue(org: &Org, app: &ConnectedApp, user: Id, scopes: &[String], extras: &Extras) -> Fields {
    let now = org.now();
    let access_token = new_session(org, user, &app.client_id, scopes, extras.grant);
    let (identity, issued_at) = (org.identity_url(user), now.timestamp_millis().to_string());
    let mut fields = Fields::new();
    let mut put = |name: &str, value: String| drop(fields.insert(name.to_owned(), value.into()));
    put("access_token", access_token);
    if let Some(token) = &extras.refresh_token {
        put("refresh_token", token.clone());
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.expose().as_bytes());
    put("signature", STANDARD.encode(hmac::sign(&key, format!("{identity}{issued_at}").as_bytes())));
    put("scope", scopes.join(" "));
    if scopes.iter().any(|scope| scope == "openid") {
        let mut claims = json!({
            "iss": org.url, "sub": identity, "aud": app.client_id, "iat": now.timestamp(),
            "exp": (now + org.lifetime()).timestamp(),
        });
        if let Some(nonce) = &extras.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        put("id_token", org.keys.get("").sign(None, &claims));
    }
    put("instance_url", org.url.clone());
    put("id", identity);
    put("token_type", "Bearer".to_owned());
    put("issued_at", issued_at);
    fields
}

/// Begins a session and gives its token.
pub(in super::super) fn new_session(
    org: &Org,
    user: Id,
    client_id: &str,
    scopes: &[String],
    grant: Option<u64>,
) -> String {
    let now = org.now();
    let token = format!("{}!AQ{}", org.id.short(), org.token(90).replace('-', "."));
    let session = Session {
        user,
        client_id: client_id.to_owned(),
        scopes: scopes.to_vec(),
        grant,
        issued: now,
        expires: now + org.lifetime(),
    };
    org.grants.lock().add_session(token.clone(), session);
    token
}

/// `POST /services/oauth2/revoke`, or `GET` with the token in the query.
pub(in super::super) fn revoke(request: &Request<'_>) -> Response {
    let token = match required(request, "token") {
        Ok(token) => token,
        Err(error) => return error.into(),
    };
    if request.org.grants.lock().revoke(token) {
        return Response { status: StatusCode::OK, headers: Vec::new(), body: String::new() };
    }
    OAuthError::new("invalid_token", format!("invalid token: {token}")).into()
}

/// `POST /services/oauth2/introspect`.
pub(in super::super) fn introspect(request: &Request<'_>) -> Response {
    let known = client(request, None).and_then(|app| Ok((app, required(request, "token")?)));
    let (app, token) = match known {
        Ok(known) => known,
        Err(error) => return error.into(),
    };
    let org = request.org;
    let grants = org.grants.lock();
    let session = grants.look(token, org.now()).filter(|session| session.client_id == app.client_id).cloned();
    let found = match session {
        Some(session) => Some(("access_token", session.user, session.scopes, session.issued, Some(session.expires))),
        None => grants
            .look_grant(token)
            .filter(|grant| grant.client_id == app.client_id)
            .map(|grant| ("refresh_token", grant.user, grant.scopes.clone(), grant.made, None)),
    };
    drop(grants);
    let Some((kind, user, scopes, issued, expires)) = found else {
        return Response::json(StatusCode::OK, &json!({ "active": false }));
    };
    let username = org.store.lock().get("User", user).map(|user| user.text("Username").to_owned());
    let mut body = json!({
        "active": true, "scope": scopes.join(" "), "client_id": app.client_id, "username": username,
        "sub": org.identity_url(user), "token_type": kind, "iat": issued.timestamp(), "nbf": issued.timestamp(),
    });
    if let Some(expires) = expires {
        body["exp"] = expires.timestamp().into();
    }
    Response::json(StatusCode::OK, &body).with(header::PRAGMA, "no-cache".to_owned())
}
