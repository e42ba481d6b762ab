//! Authorization requests that clients push ahead of the browser (RFC 9126), and what browsers ask
//! before they send a request of another origin.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::AuthorizationServer;
use super::authorize::{BAD_REDIRECT, Request, accepts};
use super::directory::Client;
use super::error::{OAuthError, no_store};
use super::params::Params;
use super::store::PENDING_LIFE;

/// What request URIs begin with (documented).
const PREFIX: &str = "urn:okta:";

/// `POST /oauth2/v1/par`, as a form or, as the description has it, as JSON.
pub(super) async fn push(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let is_json =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let params = if is_json { Params::from_json(&body) } else { Params::parse(query.as_deref(), &body) };
    match server.push(&headers, &params) {
        Ok(body) => no_store(StatusCode::OK, &body),
        Err(error) => error.into_response(),
    }
}

/// `OPTIONS` of an endpoint that scripts of other origins may post to.
pub(super) async fn preflight(headers: HeaderMap) -> Response {
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
        (header::VARY, "Origin"),
    ];
    let mut response = (StatusCode::NO_CONTENT, fixed).into_response();
    if let Some(origin) = headers.get(header::ORIGIN) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}

impl AuthorizationServer {
    fn push(&self, headers: &HeaderMap, params: &Params) -> Result<Value, OAuthError> {
        let client = self.client("par", headers, params)?;
        if params.get("request_uri").is_some() {
            return Err(OAuthError::invalid_request("The 'request_uri' parameter is not supported by this endpoint."));
        }
        let redirect_uri = params.get("redirect_uri").filter(|uri| accepts(&client, uri));
        let redirect_uri = redirect_uri.ok_or_else(|| OAuthError::invalid_request(BAD_REDIRECT))?;
        let request = self.read_request(&client, params, redirect_uri)?;
        let uri = format!("{PREFIX}{}", self.random_token());
        self.store.lock().add_pushed(uri.clone(), request, self.now());
        Ok(json!({ "request_uri": uri, "expires_in": PENDING_LIFE.num_seconds() }))
    }

    /// The request that a client pushed; it can be begun once.
    pub(super) fn pushed(&self, client: &Client, uri: &str) -> Option<Request> {
        let pushed = self.store.lock().take_pushed(uri, self.now());
        pushed.filter(|request| request.client_id == client.id)
    }
}
