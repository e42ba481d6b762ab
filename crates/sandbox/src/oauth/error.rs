//! Errors in the form of OAuth 2.0.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error of an OAuth endpoint: `{"error", "error_description"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuthError {
    status: StatusCode,
    /// The error's word, such as `invalid_grant`.
    pub(super) error: &'static str,
    /// The sentence that goes with it.
    pub(super) description: String,
    dpop_nonce: Option<String>,
}

impl OAuthError {
    /// An error with status 400.
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), dpop_nonce: None }
    }

    /// The same error with another status.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The client did not prove who it is: 401.
    pub(super) fn invalid_client(description: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", description) }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: impl Into<String>) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn invalid_proof(description: impl Into<String>) -> Self {
        Self::new("invalid_dpop_proof", description)
    }

    /// Asks for a proof with this nonce.
    pub(super) fn use_dpop_nonce(nonce: String) -> Self {
        let error = Self::new("use_dpop_nonce", "Authorization server requires nonce in DPoP proof.");
        Self { dpop_nonce: Some(nonce), ..error }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = no_store(self.status, &body);
        add_nonce(&mut response, self.dpop_nonce.as_deref());
        response
    }
}

/// A JSON answer that no cache may keep.
pub(super) fn no_store(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-cache, no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, Json(body)).into_response()
}

/// Tells the client the nonce for its next proof.
pub(super) fn add_nonce(response: &mut Response, nonce: Option<&str>) {
    if let Some(value) = nonce.and_then(|nonce| HeaderValue::from_str(nonce).ok()) {
        response.headers_mut().insert("dpop-nonce", value);
    }
}
