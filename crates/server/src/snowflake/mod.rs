//! The protocol of Snowflake's clients: connectors, drivers and the command line.
//!
//! # Source
//!
//! The open sources of the Python connectors 4 and 5 and of Snowflake CLI; where the two generations of
//! the connector differ, the stricter reading is served.

mod envelope;
mod login;
mod query;
mod sessions;
mod statements;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use oktant_base::{Clock, Entropy};
use oktant_warehouse::{Account, SnowflakeError};
use serde_json::json;
use tokio::sync::Semaphore;
use tower_http::decompression::RequestDecompressionLayer;
use uuid::Uuid;

use crate::metrics::Metrics;
use sessions::{Open, Refusal, Sessions};
use statements::Statements;

/// Bytes of a request after decompression.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Statements that run at one time; others wait. Each has a thread of its own, of which tokio has 512: the rest is for
/// signing in, which must not wait for statements.
const STATEMENTS_MAX: usize = 64;

/// What all requests share. Clones share it, too.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Shared>);

// No `Debug` from here down: tokens and answers, which may hold tokens, must not be printed.
pub(crate) struct Shared {
    account: Account,
    sessions: Sessions,
    statements: Statements,
    /// Room for the statements that may run at one time.
    room: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Arc<Metrics>,
}

impl std::ops::Deref for Gateway {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Gateway {
    pub(crate) fn new(
        account: Account,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let sessions = Sessions::new(Arc::clone(&clock), Arc::clone(&entropy));
        let (statements, room) = (Statements::default(), Arc::new(Semaphore::new(STATEMENTS_MAX)));
        Self(Arc::new(Shared { account, sessions, statements, room, clock, entropy, metrics }))
    }

    /// The paths of the protocol.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/session/v1/login-request", post(login::login))
            .route("/session/token-request", post(login::renew))
            .route("/session/heartbeat", post(login::heartbeat))
            .route("/session", post(login::close))
            .route("/queries/v1/query-request", post(query::query))
            .route("/queries/v1/abort-request", post(query::abort_request))
            .route("/queries/{id}/result", get(query::result))
            .route("/queries/{id}/abort-request", post(query::abort))
            .route("/monitoring/queries/{id}", get(query::monitor))
            .route("/telemetry/send", post(telemetry))
            .route("/telemetry/send/sessionless", post(telemetry))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(RequestDecompressionLayer::new())
            .with_state(self)
    }

    /// Sessions that are open.
    pub(crate) fn session_count(&self) -> usize {
        self.sessions.count()
    }

    /// The session that a request belongs to, if it may still ask.
    async fn authenticated(&self, headers: &HeaderMap) -> Result<Arc<Open>, SnowflakeError> {
        let open = self.sessions.by_token(token(headers)).map_err(token_refused)?;
        self.check(&open).await?;
        Ok(open)
    }

    /// Fails if the account no longer knows the session, which is then closed here, too.
    async fn check(&self, open: &Open) -> Result<(), SnowflakeError> {
        let checked = open.session.check().await;
        if checked.as_ref().is_err_and(|error| *error == SnowflakeError::session_gone()) {
            self.close(open);
        }
        checked
    }

    /// Closes a session on both sides.
    fn close(&self, open: &Open) {
        open.session.close();
        self.sessions.close(open);
    }

    /// A random id, of version 4.
    fn new_id(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// Telemetry goes nowhere, but clients want it taken.
async fn telemetry() -> Response {
    axum::Json(json!({"success": true, "code": null, "message": null, "data": "Log Received"})).into_response()
}

/// The token of `Authorization: Snowflake Token="…"`.
fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = value.strip_prefix("Snowflake Token=\"")?.strip_suffix('"')?;
    (!token.is_empty() && token != "None").then_some(token)
}

fn token_refused(refusal: Refusal) -> SnowflakeError {
    match refusal {
        Refusal::Missing => session_error(390_101, "Authorization header not found in the request data."),
        Refusal::Unknown => SnowflakeError::session_gone(),
        Refusal::Expired => session_error(390_112, "Your session has expired. Please login again."),
    }
}

fn session_error(code: u32, message: &str) -> SnowflakeError {
    SnowflakeError { code, sqlstate: "08001", message: message.to_owned(), line: None, pos: None }
}

/// A request that is not what it should be. The clients at hand never send one. Only the place is told:
/// the parser's words quote what stands there, which may be a password.
fn malformed(error: &serde_json::Error) -> Response {
    let message = format!("the request cannot be read at line {}, column {}", error.line(), error.column());
    (StatusCode::BAD_REQUEST, message).into_response()
}
