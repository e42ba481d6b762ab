//! Discovery and keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::AuthorizationServer;
use super::client_auth::ALGORITHMS;
use super::params::Params;
use super::scope::OPENID;
use super::token::GRANT_TYPES;

const AUTH_METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

const CLAIMS: [&str; 31] = [
    "iss",
    "ver",
    "sub",
    "aud",
    "iat",
    "exp",
    "jti",
    "auth_time",
    "amr",
    "idp",
    "nonce",
    "name",
    "nickname",
    "preferred_username",
    "given_name",
    "middle_name",
    "family_name",
    "email",
    "email_verified",
    "profile",
    "zoneinfo",
    "locale",
    "address",
    "phone_number",
    "picture",
    "website",
    "gender",
    "birthdate",
    "updated_at",
    "at_hash",
    "c_hash",
];

/// `GET /.well-known/openid-configuration` and its OAuth twin.
pub(super) async fn discovery(State(server): State<Arc<AuthorizationServer>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref(), b"");
    if params.get("client_id").is_some_and(|id| server.directory.client(id).is_none()) {
        return unknown_client(&server);
    }
    Json(server.metadata()).into_response()
}

/// `GET /oauth2/v1/keys`.
pub(super) async fn keys(State(server): State<Arc<AuthorizationServer>>) -> Json<Value> {
    let keys = match server.setup() {
        Some(setup) => setup.published_kids.iter().map(|kid| server.public_key(kid)).collect(),
        None => vec![server.key().jwk().clone()],
    };
    Json(json!({ "keys": keys }))
}

impl AuthorizationServer {
    /// The keys of Okta's document, in its order, with values that say what this server serves.
    fn metadata(&self) -> Value {
        let algorithms: Vec<Algorithm> = ALGORITHMS.to_vec();
        let scopes = match self.setup() {
            Some(setup) => setup.scopes_where("metadataPublish", &"ALL_CLIENTS".into()),
            None => OPENID.map(str::to_owned).to_vec(),
        };
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": self.endpoint("authorize"),
            "token_endpoint": self.endpoint("token"),
            "userinfo_endpoint": self.endpoint("userinfo"),
            "registration_endpoint": format!("{}/oauth2/v1/clients", self.base),
            "jwks_uri": self.endpoint("keys"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment"],
            "grant_types_supported": GRANT_TYPES,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": scopes,
            "token_endpoint_auth_methods_supported": AUTH_METHODS,
            "claims_supported": CLAIMS,
            "code_challenge_methods_supported": ["S256"],
            "introspection_endpoint": self.endpoint("introspect"),
            "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
            "revocation_endpoint": self.endpoint("revoke"),
            "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
            "end_session_endpoint": self.endpoint("logout"),
            "request_parameter_supported": false,
            "device_authorization_endpoint": self.endpoint("device/authorize"),
            "pushed_authorization_request_endpoint": self.endpoint("par"),
            "dpop_signing_alg_values_supported": algorithms,
        })
    }
}

fn unknown_client(server: &AuthorizationServer) -> Response {
    let body = json!({
        "errorCode": "invalid_client",
        "errorSummary": "Invalid value for `client_id` parameter",
        "errorLink": "invalid_client",
        "errorId": format!("oae{}", &server.random_token()[..22]),
        "errorCauses": [],
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
