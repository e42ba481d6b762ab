//! The way of a browser: the authorization endpoint, login and consent.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{StatusCode, header};
use url::Url;

use super::app::is_scope;
use super::grants::Asked;
use super::{OAuthError, Request, Response, page};
use crate::salesforce::id::Id;
use crate::salesforce::org::Org;
use crate::salesforce::store::stamp;

/// Cookie of a browser whose user is logged in.
const COOKIE: &str = "sid";

/// Header that stands for a person who logs in and agrees: a login, or `true` for the administrator.
const AUTO_CONSENT: &str = "x-oktant-auto-consent";

/// `GET /services/oauth2/authorize`.
pub(in super::super) fn authorize(request: &Request<'_>) -> Response {
    let (org, params) = (request.org, &request.params);
    let app = params.get("client_id").and_then(|id| org.grants.lock().app(id).cloned());
    let Some(app) = app else {
        return page::refused(&OAuthError::new("invalid_client_id", "client identifier invalid"));
    };
    let redirect_uri = params.get("redirect_uri").unwrap_or_default();
    if !app.has_callback(redirect_uri) {
        return page::refused(&OAuthError::new("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    let prompts = params.words("prompt");
    let mut asked = Asked {
        client_id: app.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        scopes: params.words("scope"),
        state: params.owned("state"),
        challenge: params.owned("code_challenge"),
        nonce: params.owned("nonce"),
        ask_again: prompts.iter().any(|prompt| prompt == "consent"),
        login_hint: params.owned("login_hint").unwrap_or_default(),
    };
    if asked.scopes.is_empty() {
        asked.scopes.clone_from(&app.given.scopes);
    }
    if let Err(error) = check(request, &asked, app.given.require_pkce, &app.given.scopes) {
        return back(&asked, &[("error", error.error), ("error_description", &error.description)]);
    }
    if let Some(login) = request.headers.get(AUTO_CONSENT).and_then(|value| value.to_str().ok()) {
        return consent_at_once(org, login, asked);
    }
    let user = request.cookie(COOKIE).and_then(|cookie| org.grants.lock().browsers.get(cookie).copied());
    let user = user.filter(|_| !prompts.iter().any(|prompt| prompt == "login" || prompt == "select_account"));
    let id = org.token(32);
    org.grants.lock().asked.insert(id.clone(), asked.clone());
    match user {
        Some(user) => after_login(org, &id, &asked, user),
        None => page::login(StatusCode::OK, &id, &app.given.name, &asked.login_hint, None),
    }
}

fn check(request: &Request<'_>, asked: &Asked, require_pkce: bool, allowed: &[String]) -> Result<(), OAuthError> {
    if request.params.get("response_type") != Some("code") {
        return Err(OAuthError::new("unsupported_response_type", "response type not supported"));
    }
    let method = request.params.get("code_challenge_method");
    if asked.challenge.is_some() && method.is_some_and(|method| method != "S256") {
        return Err(OAuthError::new("invalid_request", "code challenge method not supported"));
    }
    if asked.challenge.is_none() && require_pkce {
        return Err(OAuthError::new("invalid_request", "missing required code challenge"));
    }
    let same = |one: &str, other: &str| {
        one == other || [one, other].iter().all(|name| matches!(*name, "refresh_token" | "offline_access"))
    };
    let full = allowed.iter().any(|scope| scope == "full");
    let may = |scope: &String| {
        let lasting = matches!(scope.as_str(), "refresh_token" | "offline_access");
        is_scope(scope) && ((full && !lasting) || allowed.iter().any(|known| same(known, scope)))
    };
    if asked.scopes.iter().all(may) {
        return Ok(());
    }
    Err(OAuthError::new("invalid_scope", "the requested scope is not allowed"))
}

/// The callback with parameters and the state.
fn back(asked: &Asked, answer: &[(&str, &str)]) -> Response {
    let Ok(mut url) = Url::parse(&asked.redirect_uri) else {
        return page::failure(StatusCode::BAD_REQUEST, "redirect_uri is no URL");
    };
    let state = asked.state.iter().map(|state| ("state", state.as_str()));
    url.query_pairs_mut().extend_pairs(answer.iter().copied().chain(state));
    Response::redirect(url.into())
}

fn consent_at_once(org: &Org, login: &str, asked: Asked) -> Response {
    let login = if login == "true" { crate::salesforce::seed::ADMIN_USERNAME } else { login };
    let user = org.store.lock().first("User", "Username", login).map(|user| user.id);
    match user {
        Some(user) => give_code(org, asked, user),
        None => back(&asked, &[("error", "access_denied"), ("error_description", "there is no such user")]),
    }
}

fn give_code(org: &Org, asked: Asked, user: Id) -> Response {
    // Codes end in an equals sign, which a client has to encode.
    let code = format!("aPrx{}==", org.token(60));
    let answer = back(&asked, &[("code", &code)]);
    org.grants.lock().add_code(code, asked, user, org.now());
    answer
}

fn after_login(org: &Org, id: &str, asked: &Asked, user: Id) -> Response {
    let (app, approved) = {
        let grants = org.grants.lock();
        let app = grants.app(&asked.client_id).cloned();
        let known = grants.has_approved(user, &asked.client_id);
        let approved = !asked.ask_again && (known || app.as_ref().is_some_and(|app| app.given.admin_approved));
        (app, approved)
    };
    if approved {
        org.grants.lock().asked.remove(id);
        return give_code(org, asked.clone(), user);
    }
    let (name, username) = {
        let store = org.store.lock();
        let row = store.get("User", user);
        let text = |field| row.map(|row| row.text(field).to_owned()).unwrap_or_default();
        (text("Name"), text("Username"))
    };
    let app = app.map(|app| app.given.name).unwrap_or_default();
    page::consent(id, &app, &name, &username, &asked.scopes)
}

/// The form of the login page.
pub(in super::super) fn login(request: &Request<'_>) -> Response {
    let (org, params) = (request.org, &request.params);
    let id = params.get("request").unwrap_or_default();
    let Some(asked) = org.grants.lock().asked.get(id).cloned() else { return stale() };
    let username = params.get("username").unwrap_or_default();
    let app = org.grants.lock().app(&asked.client_id).map(|app| app.given.name.clone()).unwrap_or_default();
    match check_password(org, username, params.get("password").unwrap_or_default()) {
        Err(alert) => page::login(StatusCode::OK, id, &app, username, Some(alert)),
        Ok(user) => {
            let cookie = org.token(32);
            org.grants.lock().browsers.insert(cookie.clone(), user);
            let answer = after_login(org, id, &asked, user);
            answer.with(header::SET_COOKIE, format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax"))
        }
    }
}

/// The user behind a login and a password, who may log in.
fn check_password(org: &Org, username: &str, password: &str) -> Result<Id, &'static str> {
    let mut store = org.store.lock();
    let user = store.first("User", "Username", username).cloned();
    let known = user.as_ref().and_then(|user| store.password(user.id));
    let right =
        known.is_some_and(|known| verify_slices_are_equal(known.expose().as_bytes(), password.as_bytes()).is_ok());
    let (Some(user), true) = (&user, right) else {
        if let Some(user) = user {
            let failed = user.get("NumberOfFailedLogins").as_u64().unwrap_or_default() + 1;
            store
                .edit("User", user.id, |row| drop(row.values.insert("NumberOfFailedLogins".to_owned(), failed.into())));
        }
        return Err("The user name or the password is wrong.");
    };
    if !super::token::may_log_in(&store, user.id) {
        return Err("This user is deactivated or frozen. Ask an administrator.");
    }
    let now = stamp(org.now());
    store.edit("User", user.id, |row| drop(row.values.insert("LastLoginDate".to_owned(), now.into())));
    Ok(user.id)
}

fn stale() -> Response {
    page::failure(StatusCode::BAD_REQUEST, "This login has ended. Begin again in the application that sent you here.")
}

/// The form of the consent page.
pub(in super::super) fn approve(request: &Request<'_>) -> Response {
    let (org, params) = (request.org, &request.params);
    let user = request.cookie(COOKIE).and_then(|cookie| org.grants.lock().browsers.get(cookie).copied());
    let asked = org.grants.lock().asked.remove(params.get("request").unwrap_or_default());
    let (Some(user), Some(asked)) = (user, asked) else { return stale() };
    if params.get("decision") == Some("allow") {
        return give_code(org, asked, user);
    }
    back(&asked, &[("error", "access_denied"), ("error_description", "end-user denied authorization")])
}
