//! One request from its first byte to the ledger.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Refusal;
use super::oauth::{self, ConnectedApp};
use super::org::{Org, Settings};
use super::rest::{self, Answer, Call};
use crate::http::Reply;
use crate::http::{Effect, HTML, REQUEST_BYTES_MAX, RecordedRequest, admin, broken_off};
use crate::oauth::Params;
use oktant_base::Secret;

const JSON: &str = "application/json;charset=UTF-8";

/// Serves the org.
pub(super) fn router(org: Arc<Org>) -> Router {
    Router::new().fallback(serve).with_state(org)
}

async fn serve(State(org): State<Arc<Org>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await else {
        return respond(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", String::new());
    };
    let path = parts.uri.path();
    if path.starts_with(admin::PREFIX) {
        return admin::respond(own_path(&org, &parts, &body));
    }
    let query = parts.uri.query().unwrap_or_default();
    let effect = org.traffic.faults.strike(parts.method.as_str(), path, query);
    let delay = effect.as_ref().map_or(Duration::ZERO, Effect::delay);
    if !delay.is_zero() {
        org.clock.sleep(delay).await;
    }
    let struck = effect.as_ref().and_then(|effect| instead(effect, path));
    let response = struck.unwrap_or_else(|| answer(&org, &parts, &body));
    let response = match &effect {
        Some(Effect::Empty) => respond(response.status(), "text/plain", String::new()),
        Some(Effect::Html { status }) => {
            respond(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY), "text/html", HTML.to_owned())
        }
        _ => response,
    };
    let bytes = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or_default() as usize;
    org.traffic.ledger.record(RecordedRequest {
        sequence: 0,
        method: parts.method.to_string(),
        path: path.to_owned(),
        query: query.to_owned(),
        operation: None,
        status: response.status().as_u16(),
        bytes,
    });
    match &effect {
        Some(effect) => broken_off(effect, response, bytes),
        None => response,
    }
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The answer of a fault that prevents the operation.
fn instead(effect: &Effect, path: &str) -> Option<Response> {
    let (status, retry_after) = match effect {
        Effect::Status { status: 429, reset_seconds } => (429, Some(*reset_seconds)),
        Effect::Status { status, .. } | Effect::ErrorCode { status, .. } => (*status, None),
        Effect::ExpiredToken => (401, None),
        Effect::Concurrency => (403, None),
        _ => return None,
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = if path.starts_with("/services/oauth2/") {
        let (error, description) = match (effect, status.as_u16()) {
            (_, 400 | 401) => ("invalid_grant", "expired access/refresh token"),
            (_, 429) => ("rate_limit_exceeded", "too many requests"),
            _ => ("temporarily_unavailable", "the server cannot answer now"),
        };
        respond(status, JSON, json!({ "error": error, "error_description": description }).to_string())
    } else {
        rest_response(refusal(effect, status).into())
    };
    if let Some(value) = retry_after.map(HeaderValue::from) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    Some(response)
}

fn refusal(effect: &Effect, status: StatusCode) -> Refusal {
    let refusal = match (effect, status.as_u16()) {
        (Effect::ErrorCode { code, .. }, _) => {
            Refusal { code: code.clone().into(), ..Refusal::new("", "the sandbox was told to refuse this") }
        }
        (Effect::Concurrency, _) => {
            Refusal::new("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
        }
        (_, 401) => Refusal::invalid_session(),
        (_, 403 | 429) => Refusal::request_limit(),
        (_, 404) => Refusal::not_found(),
        (_, 503) => Refusal::new("SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
        _ => Refusal::new("UNKNOWN_EXCEPTION", "An unexpected error occurred"),
    };
    refusal.status(status)
}

fn rest_response(answer: Answer) -> Response {
    let body = answer.body.map(|body| body.to_string());
    let mut response = respond(answer.status, JSON, body.clone().unwrap_or_default());
    if body.is_none() {
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn answer(org: &Org, parts: &Parts, body: &Bytes) -> Response {
    let path = parts.uri.path();
    if path.starts_with(rest::PREFIX) { data(org, parts, body) } else { sign_in(org, parts, body) }
}

/// The endpoints of OAuth and the pages.
fn sign_in(org: &Org, parts: &Parts, body: &Bytes) -> Response {
    let path = parts.uri.path();
    let request = oauth::Request {
        org,
        method: parts.method.as_str(),
        headers: &parts.headers,
        params: Params::parse(parts.uri.query(), body),
    };
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let reply = match (segments.as_slice(), &parts.method) {
        (["services", "oauth2", "authorize"], _) => oauth::authorize(&request),
        (["services", "oauth2", "token"], _) => oauth::token(&request),
        (["services", "oauth2", "revoke"], _) => oauth::revoke(&request),
        (["services", "oauth2", "introspect"], &Method::POST) => oauth::introspect(&request),
        (["services", "oauth2", "userinfo"], _) => oauth::userinfo(&request),
        ([".well-known", "openid-configuration"], _) => oauth::discovery(org),
        (["id", "keys"], _) => oauth::keys(org),
        (["id", org_id, user_id], _) => oauth::identity(&request, org_id, user_id),
        (["login"], &Method::POST) => oauth::login(&request),
        (["setup", "secur", "RemoteAccessAuthorizationPage"], &Method::POST) => oauth::approve(&request),
        (["setup", "connected-apps"], &Method::GET) => {
            apps_page(org, ["", "", "full refresh_token offline_access"], None)
        }
        (["setup", "connected-apps"], &Method::POST) => create_app(&request),
        _ => oauth::failure(StatusCode::NOT_FOUND, "There is no such page."),
    };
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn apps_page(org: &Org, form: [&str; 3], alert: Option<&str>) -> oauth::Response {
    oauth::apps_page(org.grants.lock().apps.values(), form, alert)
}

/// The form of the page of connected apps.
fn create_app(request: &oauth::Request<'_>) -> oauth::Response {
    let field = |name| request.params.get(name).unwrap_or_default();
    let given = json!({
        "name": field("name"), "callback_urls": request.params.words("callback_urls"), "scopes": request.params.words("scopes"),
    });
    match register(request.org, given) {
        Ok(_) => apps_page(request.org, ["", "", "full refresh_token offline_access"], None),
        Err(why) => apps_page(request.org, [field("name"), field("callback_urls"), field("scopes")], Some(&why)),
    }
}

/// Registers an app and gives it as it is shown.
fn register(org: &Org, given: Value) -> Result<Value, String> {
    let given = serde_json::from_value(given).map_err(|error| error.to_string())?;
    let client_id = format!("3MVG9{}", org.token(80).replace('-', "."));
    let secret = Secret::new(crate::org::hex(org.token(32).as_bytes()).to_uppercase());
    let app = ConnectedApp::new(client_id, secret, given)?;
    let shown = app.shown();
    org.grants.lock().add_app(app);
    Ok(shown)
}

/// The REST API.
fn data(org: &Org, parts: &Parts, body: &Bytes) -> Response {
    let path = parts.uri.path();
    if path.trim_end_matches('/') == rest::PREFIX {
        return respond(StatusCode::OK, JSON, rest::versions().to_string());
    }
    let session = match session(org, parts) {
        Ok(session) => session,
        Err(refusal) => return rest_response(refusal.into()),
    };
    let Some(usage) = org.take_request() else { return rest_response(Refusal::request_limit().into()) };
    let answer = called(org, &session, parts, body).unwrap_or_else(Answer::from);
    let mut response = rest_response(answer);
    if parts.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    if let Ok(value) = HeaderValue::from_str(&format!("api-usage={}/{}", usage.used, usage.max)) {
        response.headers_mut().insert("sforce-limit-info", value);
    }
    response
}

/// The session of a call.
fn session(org: &Org, parts: &Parts) -> Result<super::org::Session, Refusal> {
    let session =
        oauth::bearer(&parts.headers).and_then(|token| org.grants.lock().session(token, org.now(), org.lifetime()));
    let session = session.ok_or_else(Refusal::invalid_session)?;
    let store = org.store.lock();
    let user =
        store.get("User", session.user).filter(|user| user.flag("IsActive")).ok_or_else(Refusal::invalid_session)?;
    let profile = user.reference("ProfileId").and_then(|profile| store.get("Profile", profile));
    if !profile.is_some_and(|profile| profile.flag("PermissionsApiEnabled")) {
        let message = "API is not enabled for this Organization or Partner";
        return Err(Refusal::new("API_DISABLED_FOR_ORG", message).status(StatusCode::FORBIDDEN));
    }
    if !session.may("api") {
        return Err(Refusal {
            message: "This session is not valid for use with the REST API".to_owned(),
            ..Refusal::invalid_session()
        });
    }
    Ok(session)
}

fn called(org: &Org, session: &super::org::Session, parts: &Parts, body: &Bytes) -> Result<Answer, Refusal> {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let call = Call::new(org, session, &org.schema, parts.method.as_str(), target, &parts.headers);
    let mut call = call.ok_or_else(Refusal::not_found)?;
    if call.method == "POST"
        && let Some((_, method)) = call.query.iter().find(|(name, _)| name == "_HttpMethod")
    {
        call.method = method.to_ascii_uppercase();
    }
    if !body.is_empty() {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().contains("json") {
            let message = format!("Content-Type {kind} is not supported; application/json is");
            return Err(Refusal::new("UNSUPPORTED_MEDIA_TYPE", message).status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        call.body = serde_json::from_slice(body).map_err(|error| Refusal::json_parser(error.to_string()))?;
    }
    rest::run(&call, &mut org.store.lock())
}

/// What `POST /sandbox/tokens` does.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tokens {
    Expire,
    Revoke,
}

/// The sandbox's own paths, which need no credentials.
fn own_path(org: &Org, parts: &Parts, body: &Bytes) -> Reply {
    let refused = |why: &str| admin::problem(StatusCode::BAD_REQUEST, why);
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/sandbox/apps") => {
            Reply::json(&org.grants.lock().apps.values().map(ConnectedApp::shown).collect::<Vec<_>>())
        }
        (&Method::POST, "/sandbox/apps") => {
            let given = serde_json::from_slice(body).map_err(|error| error.to_string());
            match given.and_then(|given| register(org, given)) {
                Ok(shown) => Reply::json(&shown).status(StatusCode::CREATED),
                Err(why) => refused(&why),
            }
        }
        (&Method::GET, "/sandbox/settings") => Reply::json(&*org.settings.lock()),
        (&Method::POST, "/sandbox/settings") => match serde_json::from_slice::<Settings>(body) {
            Ok(settings) => {
                *org.settings.lock() = settings;
                Reply::no_content()
            }
            Err(error) => refused(&error.to_string()),
        },
        (&Method::POST, "/sandbox/tokens") => match serde_json::from_slice(body) {
            Ok(Tokens::Expire) => {
                org.grants.lock().expire_sessions();
                Reply::no_content()
            }
            Ok(Tokens::Revoke) => {
                org.grants.lock().revoke_all();
                Reply::no_content()
            }
            Err(error) => refused(&error.to_string()),
        },
        _ => admin::common(&org.traffic, parts, body),
    }
}
