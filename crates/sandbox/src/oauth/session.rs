//! The browser's session cookie, and signing out.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::Url;

use super::AuthorizationServer;
use super::page;
use super::params::Params;

/// Name of Okta's session cookie.
const COOKIE: &str = "sid";

#[derive(Deserialize)]
struct Hint {
    aud: String,
}

/// The session id that a request carries.
pub(super) fn of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// Hands the session id to the browser. Without `Secure`, since the sandbox speaks plain http on loopback.
pub(super) fn remember(response: &mut Response, id: &str) {
    set_cookie(response, &format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax"));
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// `GET` or `POST /oauth2/v1/logout`: ends the session; back to the client if it registered the address.
pub(super) async fn logout(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let params = Params::parse(query.as_deref(), &body);
    if let Some(id) = of(&headers) {
        server.sessions().lock().end_session(&id);
    }
    let mut response = match params.get("post_logout_redirect_uri") {
        Some(uri) => server.after_logout(&params, uri),
        None => page::signed_out(),
    };
    set_cookie(&mut response, &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    response
}

impl AuthorizationServer {
    fn after_logout(&self, params: &Params, uri: &str) -> Response {
        let client_id = match params.get("id_token_hint") {
            Some(token) => self.keys.verify::<Hint>(token).map(|hint| hint.aud),
            None => params.owned("client_id"),
        };
        let client = client_id.and_then(|id| self.directory.client(&id));
        let registered = client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|known| known == uri));
        let Some(mut target) = Url::parse(uri).ok().filter(|_| registered) else {
            let text =
                "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings.";
            return page::failure(StatusCode::BAD_REQUEST, text);
        };
        if let Some(state) = params.get("state") {
            target.query_pairs_mut().append_pair("state", state);
        }
        (StatusCode::FOUND, [("location", target.as_str())]).into_response()
    }
}
