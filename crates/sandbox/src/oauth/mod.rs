//! The org authorization server: who signs in, and which calls their tokens open.
//!
//! [`AuthorizationServer`] owns sessions, codes, tokens and nonces; users and clients belong to
//! the org and are asked for through [`Directory`]. [`AuthorizationServer::router`] serves the pages
//! and endpoints, [`AuthorizationServer::access`] judges the access token of an API call.
//!
//! Left out, and therefore not advertised by discovery: implicit and hybrid responses, device and
//! CIBA grants, pushed requests, custom authorization servers.

mod access;
mod authorize;
mod client_auth;
mod consent;
mod directory;
mod dpop;
mod error;
mod introspect;
mod issue;
mod key;
mod login;
mod metadata;
mod org;
mod page;
mod params;
mod scope;
mod session;
mod store;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oktant_base::{Clock, Entropy, Timestamp};
use parking_lot::Mutex;

pub(crate) use access::Access;
use directory::Directory;
pub(crate) use org::{BuiltInClients, OrgDirectory};

use key::SigningKey;
pub(crate) use store::IssuedRefreshToken;
use store::Store;

/// Operations of the description that [`AuthorizationServer::router`] serves.
const OPERATIONS: [&str; 10] = [
    "getWellKnownOpenIDConfiguration",
    "oauthKeys",
    "authorize",
    "authorizeWithPost",
    "token",
    "introspect",
    "revoke",
    "userinfo",
    "logout",
    "logoutWithPost",
];

/// Whether the org authorization server serves an operation.
pub(crate) fn serves(operation: &oktant_catalog::Operation) -> bool {
    OPERATIONS.contains(&operation.id)
}

/// The org authorization server.
pub(crate) struct AuthorizationServer {
    issuer: String,
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    key: SigningKey,
    store: Mutex<Store>,
}

impl AuthorizationServer {
    /// A server whose issuer is the org's base URL, without a trailing slash.
    pub(crate) fn new(
        issuer: impl Into<String>,
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Arc<Self> {
        let issuer = issuer.into();
        Arc::new(Self { issuer, directory, clock, entropy, key: SigningKey::default(), store: Mutex::default() })
    }

    /// The endpoints and pages, with their absolute paths.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(metadata::discovery))
            .route("/.well-known/oauth-authorization-server", get(metadata::discovery))
            .route("/oauth2/v1/keys", get(metadata::keys))
            .route("/oauth2/v1/authorize", get(authorize::by_query).post(authorize::by_form))
            .route(login::PATH, post(login::submit))
            .route(consent::PATH, post(consent::submit))
            .route("/oauth2/v1/token", post(token::token))
            .route("/oauth2/v1/introspect", post(introspect::introspect))
            .route("/oauth2/v1/revoke", post(introspect::revoke))
            .route("/oauth2/v1/userinfo", get(introspect::userinfo).post(introspect::userinfo))
            .route("/oauth2/v1/logout", get(session::logout).post(session::logout))
            .with_state(Arc::clone(self))
    }

    /// Makes every access token issued so far count as expired; refresh tokens stay good.
    pub(crate) fn expire_tokens(&self) {
        let now = self.now();
        self.store.lock().expire_access_tokens(now);
    }

    /// Ends every session of a user.
    pub(crate) fn end_sessions(&self, user_id: &str) {
        self.store.lock().end_sessions(user_id);
    }

    /// Revokes every token that a user gave to a client.
    pub(crate) fn revoke_tokens(&self, user_id: &str) {
        self.store.lock().revoke_tokens(user_id);
    }

    /// The refresh tokens of a client that are alive, in order of their ids.
    pub(crate) fn refresh_tokens(&self, client_id: &str) -> Vec<IssuedRefreshToken> {
        self.store.lock().families(client_id, self.now())
    }

    /// Revokes a refresh token, by its id, with everything issued from it.
    pub(crate) fn revoke_family(&self, id: &str) {
        self.store.lock().revoke_family(id);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An unguessable value of 256 bits: 43 characters of base64url.
    fn random_token(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn endpoint(&self, name: &str) -> String {
        format!("{}/oauth2/v1/{name}", self.issuer)
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
