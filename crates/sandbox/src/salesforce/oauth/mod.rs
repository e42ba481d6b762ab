//! Connected apps, logging in, consent and tokens.
//!
//! # Source
//!
//! Endpoints, fields and errors as the public documentation of the OAuth flows and of connected apps has them.

mod app;
mod authorize;
mod grants;
mod identity;
mod page;
mod token;

use axum::http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};

pub(super) use app::ConnectedApp;
pub(super) use authorize::{approve, authorize, login};
pub(super) use grants::Grants;
pub(super) use identity::{discovery, identity, keys, userinfo};
pub(super) use page::{apps as apps_page, failure};
pub(super) use token::{introspect, new_session, revoke, token};

use super::org::Org;
use crate::oauth::Params;
use axum::http::HeaderMap;

/// Scopes that a connected app can have, with what they let it do.
pub(super) const SCOPES: [(&str, &str); 18] = [
    ("full", "Full access to all of your data and services"),
    ("api", "Manage your data through APIs"),
    ("web", "Use your account in a browser"),
    ("refresh_token", "Perform requests at any time, also when you are away"),
    ("offline_access", "Perform requests at any time, also when you are away"),
    ("openid", "Know who you are"),
    ("id", "See your name and your identity"),
    ("profile", "See your profile"),
    ("email", "See your email address"),
    ("address", "See your address"),
    ("phone", "See your phone number"),
    ("chatter_api", "Use your Chatter feeds"),
    ("custom_permissions", "See your custom permissions"),
    ("visualforce", "Use Visualforce pages"),
    ("lightning", "Use Lightning applications"),
    ("content", "Manage your content"),
    ("wave_api", "Manage your analytics"),
    ("pardot_api", "Manage your marketing services"),
];

/// A request to one of the endpoints.
pub(super) struct Request<'a> {
    pub(super) org: &'a Org,
    pub(super) method: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) params: Params,
}

impl Request<'_> {
    /// The token of the `Authorization` header.
    pub(super) fn bearer(&self) -> Option<&str> {
        bearer(self.headers)
    }

    /// A cookie of the browser.
    fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get(header::COOKIE)?.to_str().ok()?;
        cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
    }
}

/// The token of an `Authorization` header, in either of the forms that the service takes.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    ["Bearer", "OAuth"].iter().any(|known| known.eq_ignore_ascii_case(scheme)).then(|| token.trim())
}

/// What an endpoint answers.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: String,
}

impl Response {
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::text(status, "application/json;charset=UTF-8", body.to_string())
    }

    fn text(status: StatusCode, kind: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![
                (header::CONTENT_TYPE, kind.to_owned()),
                (header::CACHE_CONTROL, "no-cache, no-store".to_owned()),
            ],
            body,
        }
    }

    fn redirect(target: String) -> Self {
        Self { status: StatusCode::FOUND, headers: vec![(header::LOCATION, target)], body: String::new() }
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// An error of the token endpoints: `{"error", "error_description"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OAuthError {
    status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    fn invalid_grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }
}

impl From<OAuthError> for Response {
    fn from(error: OAuthError) -> Self {
        Self::json(error.status, &json!({ "error": error.error, "error_description": error.description }))
    }
}
