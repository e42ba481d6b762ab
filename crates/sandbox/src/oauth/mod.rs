//! The org authorization server: who signs in, and which calls their tokens open.
//!
//! [`AuthorizationServer`] owns sessions, codes, tokens and nonces; users and clients belong to
//! the org and are asked for through [`Directory`]. [`AuthorizationServer::router`] serves the pages
//! and endpoints, [`AuthorizationServer::access`] judges the access token of an API call.
//!
//! Custom authorization servers are servers of their own behind it ([`custom`]).
//!
//! Left out, and therefore not advertised by discovery: implicit and hybrid responses, CIBA and direct
//! authentication.

mod access;
mod authorize;
mod client_auth;
mod consent;
mod custom;
mod device;
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
mod pushed;
mod refused;
mod scope;
mod session;
mod store;
mod token;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use oktant_base::{Clock, Entropy, Timestamp};
use parking_lot::Mutex;

pub(crate) use access::Access;
pub(crate) use authorize::is_loopback_http;
use directory::Directory;
pub(crate) use directory::SignInError;
pub(crate) use org::{BuiltInClients, OrgDirectory, sign_in};

pub(crate) use client_auth::basic_credentials;
pub(crate) use custom::Setup;
use key::SigningKey;
pub(crate) use key::{KeyRing, signature_only};
pub(crate) use page::{CONTENT_POLICY, alerting, escape, fill, layout};
pub(crate) use params::Params;
pub(crate) use store::IssuedRefreshToken;
use store::Store;
pub(crate) use token::challenge_of;

/// Operations of the description that [`AuthorizationServer::router`] serves.
const OPERATIONS: [&str; 29] = [
    "getWellKnownOpenIDConfiguration",
    "oauthKeys",
    "authorize",
    "authorizeWithPost",
    "token",
    "tokenOptions",
    "par",
    "parOptions",
    "deviceAuthorize",
    "introspect",
    "revoke",
    "userinfo",
    "logout",
    "logoutWithPost",
    "getWellKnownOAuthConfigurationCustomAS",
    "getWellKnownOpenIDConfigurationCustomAS",
    "oauthKeysCustomAS",
    "authorizeCustomAS",
    "authorizeCustomASWithPost",
    "tokenCustomAS",
    "tokenOptionsCustomAS",
    "parCustomAS",
    "parOptionsCustomAS",
    "deviceAuthorizeCustomAS",
    "introspectCustomAS",
    "revokeCustomAS",
    "userinfoCustomAS",
    "logoutCustomAS",
    "logoutCustomASWithPost",
];

/// Whether the org authorization server serves an operation.
pub(crate) fn serves(operation: &oktant_catalog::Operation) -> bool {
    OPERATIONS.contains(&operation.id)
}

/// The org authorization server.
pub(crate) struct AuthorizationServer {
    /// The org's address.
    base: String,
    issuer: String,
    /// Path of the endpoints.
    prefix: String,
    /// Id of a custom server, and the org's own one, which has the sessions.
    parent: Option<(String, Arc<Self>)>,
    directory: Arc<dyn Directory>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    keys: KeyRing,
    store: Mutex<Store>,
    /// Custom servers that were called, by id.
    customs: Mutex<HashMap<String, Arc<Self>>>,
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
        Arc::new(Self {
            base: issuer.clone(),
            issuer,
            prefix: "/oauth2/v1".to_owned(),
            parent: None,
            directory,
            clock,
            entropy,
            keys: KeyRing::default(),
            store: Mutex::default(),
            customs: Mutex::default(),
        })
    }

    /// The endpoints of this server, those of the custom ones, and the pages, with their absolute paths.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        let custom = Router::new()
            .route("/oauth2/{server}/v1/{endpoint}", any(custom::dispatch))
            .route("/oauth2/{server}/v1/{area}/{endpoint}", any(custom::dispatch))
            .route("/oauth2/{server}/.well-known/{document}", any(custom::dispatch))
            .route(login::PATH, post(login::submit))
            .route(consent::PATH, post(consent::submit))
            .route(device::PATH, get(device::show).post(device::submit))
            .with_state(Arc::clone(self));
        self.endpoints().merge(custom)
    }

    fn endpoints(self: &Arc<Self>) -> Router {
        let path = |name: &str| format!("{}/{name}", self.prefix);
        let well_known = format!("{}/.well-known", &self.issuer[self.base.len()..]);
        Router::new()
            .route(&format!("{well_known}/openid-configuration"), get(metadata::discovery))
            .route(&format!("{well_known}/oauth-authorization-server"), get(metadata::discovery))
            .route(&path("keys"), get(metadata::keys))
            .route(&path("authorize"), get(authorize::by_query).post(authorize::by_form))
            .route(&path("token"), post(token::token).options(pushed::preflight))
            .route(&path("par"), post(pushed::push).options(pushed::preflight))
            .route(&path("device/authorize"), post(device::begin))
            .route(&path("introspect"), post(introspect::introspect))
            .route(&path("revoke"), post(introspect::revoke))
            .route(&path("userinfo"), get(introspect::userinfo).post(introspect::userinfo))
            .route(&path("logout"), get(session::logout).post(session::logout))
            .merge(refused::router(&self.prefix))
            .with_state(Arc::clone(self))
    }

    /// Makes every access token issued so far count as expired; refresh tokens stay good.
    pub(crate) fn expire_tokens(&self) {
        let now = self.now();
        self.store.lock().expire_access_tokens(now);
        self.customs.lock().values().for_each(|server| server.expire_tokens());
    }

    /// Ends every session of a user.
    pub(crate) fn end_sessions(&self, user_id: &str) {
        self.store.lock().end_sessions(user_id);
    }

    /// Revokes every token that a user gave to a client.
    pub(crate) fn revoke_tokens(&self, user_id: &str) {
        self.store.lock().revoke_tokens(user_id);
        self.customs.lock().values().for_each(|server| server.revoke_tokens(user_id));
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
        format!("{}{}/{name}", self.base, self.prefix)
    }

    /// Where sessions are kept: all servers of an org share them.
    fn sessions(&self) -> &Mutex<Store> {
        self.parent.as_ref().map_or(&self.store, |(_, org)| &org.store)
    }

    /// The key that signs.
    fn key(&self) -> Arc<SigningKey> {
        self.keys.get(&self.setup().map(|setup| setup.kid).unwrap_or_default())
    }

    /// The public half of a key of this server as `/keys` lists it.
    pub(crate) fn public_key(&self, kid: &str) -> Jwk {
        self.keys.get(kid).jwk().clone()
    }

    /// The clients to which refresh tokens were given that are alive.
    pub(crate) fn clients(&self) -> Vec<String> {
        self.store.lock().clients(self.now())
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
