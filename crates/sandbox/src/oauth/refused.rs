//! Endpoints of grants that the sandbox does not have: sign-in over a back channel (CIBA) and direct
//! authentication. They refuse as an org does that has not switched them on.
//!
//! # Source
//!
//! Documented for clients that cannot prove who they are; assumed for the word of the refusal, which is
//! that of the token endpoint.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::AuthorizationServer;
use super::error::OAuthError;
use super::params::Params;
use super::token::check_grant_type;

/// The last segments of the endpoints with the grant types that they are for.
const ENDPOINTS: [(&str, &str); 4] = [
    ("bc/authorize", "urn:openid:params:grant-type:ciba"),
    ("primary-authenticate", "urn:okta:params:oauth:grant-type:otp"),
    ("challenge", "http://auth0.com/oauth/grant-type/mfa-oob"),
    ("oob-authenticate", "urn:okta:params:oauth:grant-type:oob"),
];

/// The endpoints below a server's prefix.
pub(super) fn router(prefix: &str) -> Router<Arc<AuthorizationServer>> {
    ENDPOINTS.into_iter().fold(Router::new(), |router, (endpoint, grant_type)| {
        let refuse = move |State(server): State<Arc<AuthorizationServer>>,
                           headers: HeaderMap,
                           RawQuery(query): RawQuery,
                           body: Bytes| async move {
            server.refuse(endpoint, grant_type, &headers, &Params::parse(query.as_deref(), &body))
        };
        router.route(&format!("{prefix}/{endpoint}"), post(refuse))
    })
}

impl AuthorizationServer {
    fn refuse(&self, endpoint: &str, grant_type: &str, headers: &HeaderMap, params: &Params) -> Response {
        let client = self.client(endpoint, headers, params);
        let refused = client.and_then(|client| check_grant_type(&client, grant_type, self.parent.is_none()));
        let served = || OAuthError::new("unsupported_grant_type", "The authorization grant type is not supported.");
        refused.err().unwrap_or_else(served).into_response()
    }
}
