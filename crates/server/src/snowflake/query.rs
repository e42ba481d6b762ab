//! Running statements, waiting for them, and ending them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use oktant_warehouse::{Binding, Session, SnowflakeError, StatementResult, StatementType, split_statements};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::sessions::Open;
use super::statements::{Answer, Statement};
use super::{Gateway, envelope};
use crate::metrics::{Outcome, Protocol};

/// How long a request waits for its statement before the client is told to ask again.
const PATIENCE: Duration = Duration::from_secs(45);

/// Statements in one request.
const STATEMENTS_MAX: usize = 1_000;

/// Room for one statement.
type Room = [OwnedSemaphorePermit; 2];

#[derive(Debug, Default, Deserialize)]
pub(super) struct RequestId {
    #[serde(rename = "requestId")]
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryRequest {
    sql_text: String,
    #[serde(default)]
    async_exec: bool,
    #[serde(default)]
    describe_only: Option<bool>,
    #[serde(default)]
    bindings: Option<BTreeMap<String, SentBinding>>,
    #[serde(default)]
    parameters: Option<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct SentBinding {
    #[serde(rename = "type")]
    type_name: String,
    value: Value,
}

pub(super) async fn query(
    State(gateway): State<Gateway>,
    Query(RequestId { request_id }): Query<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let open = match gateway.authenticated(&headers).await {
        Ok(open) => open,
        Err(error) => return envelope::refused(&error),
    };
    let request: QueryRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return super::malformed(&error),
    };
    gateway.sessions.touch(&open);
    let is_async = request.async_exec;
    let id = gateway.new_id();
    let key = request_id.map(|request| (open.id, request));
    let user = open.session.user().to_owned();
    let work = run(gateway.clone(), open, request, user.clone());
    let statement = gateway.statements.start(key, id, &user, work);
    if is_async {
        return envelope::running(envelope::DETACHED, statement.id);
    }
    answer(&statement).await
}

/// What is told of a statement after waiting for a while.
async fn answer(statement: &Statement) -> Response {
    let Some(outcome) = statement.wait(PATIENCE).await else {
        return envelope::running(envelope::IN_PROGRESS, statement.id);
    };
    match outcome.as_ref() {
        Ok(Answer::Rows(result)) => envelope::rows(result, statement.id),
        Ok(Answer::Several(statements, context)) => envelope::several(statements, context, statement.id),
        Err(error) => envelope::failed_statement(error, statement.id),
    }
}

/// Runs what a request asks for, until its session ends.
///
/// The futures from here down are boxed where they are made: only there does the compiler see that
/// those of the account may go to another thread.
fn run(
    gateway: Gateway,
    open: Arc<Open>,
    request: QueryRequest,
    user: String,
) -> BoxFuture<'static, Result<Answer, SnowflakeError>> {
    async move {
        tokio::select! {
            answer = run_all(&gateway, &open, &request, &user) => answer,
            () = open.session.revoked() => Err(SnowflakeError::session_gone()),
        }
    }
    .boxed()
}

fn run_all<'a>(
    gateway: &'a Gateway,
    open: &'a Open,
    request: &'a QueryRequest,
    user: &'a str,
) -> BoxFuture<'a, Result<Answer, SnowflakeError>> {
    async move {
        let statements = split_statements(&request.sql_text)?;
        let (count, wanted) = (statements.len(), wanted_statements(request).unwrap_or(1));
        // That a text has no statement at all is told where it is parsed.
        if count > 0 && wanted != 0 && count != wanted {
            return Err(wrong_count(count, wanted));
        }
        let describe_only = request.describe_only == Some(true);
        if let Some(id) = scanned_statement(&request.sql_text) {
            return answered_before(gateway, user, id).await;
        }
        let bindings = bindings(request)?;
        if statements.len() <= 1 {
            // As it was sent, so that places in errors are those of the client's text.
            let text = &request.sql_text;
            return run_one(gateway, open, text, &bindings, describe_only).await.map(Answer::Rows);
        }
        if statements.len() > STATEMENTS_MAX {
            return Err(wrong_count(statements.len(), STATEMENTS_MAX));
        }
        let mut done: Vec<(Uuid, StatementType)> = Vec::new();
        for text in &statements {
            let result = run_one(gateway, open, text, &bindings, describe_only).await?;
            let id = gateway.new_id();
            done.push((id, result.statement_type));
            gateway.statements.keep(id, user, Ok(Answer::Rows(result)));
        }
        Ok(Answer::Several(done, open.session.context().await?))
    }
    .boxed()
}

/// The statement whose rows are all asked for again. Connectors ask so for what an asynchronous statement answered.
fn scanned_statement(text: &str) -> Option<&str> {
    static SCAN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^\s*select\s+\*\s+from\s+table\s*\(\s*result_scan\s*\(\s*'([^']*)'\s*\)\s*\)\s*;?\s*$")
            .expect("the pattern is constant")
    });
    Some(SCAN.captures(text)?.get(1)?.as_str())
}

/// What an earlier statement of the user answered.
async fn answered_before(gateway: &Gateway, user: &str, id: &str) -> Result<Answer, SnowflakeError> {
    let statement = id.parse().ok().and_then(|id| gateway.statements.by_id(id));
    let Some(statement) = statement.filter(|statement| statement.user == user) else {
        return Err(no_such_statement(id));
    };
    let outcome = statement.wait(PATIENCE).await.ok_or_else(|| no_such_statement(id))?;
    match outcome.as_ref() {
        Ok(answer) => Ok(answer.clone()),
        Err(error) => Err(error.clone()),
    }
}

fn run_one<'a>(
    gateway: &'a Gateway,
    open: &'a Open,
    text: &'a str,
    bindings: &'a [Binding],
    describe_only: bool,
) -> BoxFuture<'a, Result<StatementResult, SnowflakeError>> {
    let began = gateway.clock.now();
    async move {
        let result = match room(gateway, open).await {
            Ok(room) => {
                on_own_thread(open.session.clone(), text.to_owned(), bindings.to_vec(), describe_only, room).await
            }
            Err(error) => Err(error),
        };
        let took = (gateway.clock.now() - began).to_std().unwrap_or_default();
        gateway.metrics.statement_ended(Protocol::Snowflake, Outcome::of(&result), took);
        result
    }
    .boxed()
}

/// Waits for room to run a statement, in its session and in the server. The room is free when the thread is, which may
/// be after the statement has been given up.
async fn room(gateway: &Gateway, open: &Open) -> Result<Room, SnowflakeError> {
    let closed = |_| SnowflakeError::internal();
    let of_session = Arc::clone(&open.room).acquire_owned().await.map_err(closed)?;
    let of_server = Arc::clone(&gateway.room).acquire_owned().await.map_err(closed)?;
    Ok([of_session, of_server])
}

/// Runs a statement on a thread that may block. The compiler does not see that the account's future may
/// go from one thread to another (rust-lang/rust 102211), so it stays on one. Dropping what is returned
/// ends the statement.
async fn on_own_thread(
    session: Session,
    text: String,
    bindings: Vec<Binding>,
    describe_only: bool,
    room: Room,
) -> Result<StatementResult, SnowflakeError> {
    let (held, dropped) = tokio::sync::oneshot::channel::<()>();
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || {
        let _room = room;
        runtime.block_on(async {
            let statement = async {
                if describe_only {
                    session.describe(&text, &bindings).await
                } else {
                    session.execute(&text, &bindings).await
                }
            };
            tokio::select! {
                result = statement => result,
                _ = dropped => Err(SnowflakeError::cancelled()),
            }
        })
    });
    let result = work.await;
    drop(held);
    result.unwrap_or_else(|error| {
        tracing::error!(%error, "a statement panicked");
        Err(SnowflakeError::internal())
    })
}

/// How many statements the client says the text has; 0 is any number.
fn wanted_statements(request: &QueryRequest) -> Option<usize> {
    let value = request.parameters.as_ref()?.get("MULTI_STATEMENT_COUNT")?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    usize::try_from(number).ok()
}

/// # Source
///
/// Snowflake documentation, "Error: Actual statement count … did not match the desired statement count".
fn wrong_count(actual: usize, wanted: usize) -> SnowflakeError {
    SnowflakeError {
        code: 8,
        sqlstate: "0A000",
        message: format!("Actual statement count {actual} did not match the desired statement count {wanted}."),
        line: None,
        pos: None,
    }
}

/// The values in order of their placeholders, which are numbered from 1.
fn bindings(request: &QueryRequest) -> Result<Vec<Binding>, SnowflakeError> {
    let Some(sent) = &request.bindings else { return Ok(Vec::new()) };
    let mut numbered: Vec<(usize, Binding)> = Vec::with_capacity(sent.len());
    for (position, binding) in sent {
        let number = position.parse().map_err(|_| SnowflakeError::unsupported("binding by name"))?;
        let value = match &binding.value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Array(_) => return Err(SnowflakeError::unsupported("array binding")),
            other => Some(other.to_string()),
        };
        numbered.push((number, Binding { type_name: binding.type_name.clone(), value }));
    }
    numbered.sort_by_key(|(number, _)| *number);
    Ok(numbered.into_iter().map(|(_, binding)| binding).collect())
}

/// The statement named in a path, if its user is the one who asks.
async fn known(gateway: &Gateway, headers: &HeaderMap, id: &str) -> Result<Option<Arc<Statement>>, SnowflakeError> {
    let open = gateway.authenticated(headers).await?;
    let statement = id.parse().ok().and_then(|id| gateway.statements.by_id(id));
    Ok(statement.filter(|statement| statement.user == open.session.user()))
}

pub(super) async fn result(State(gateway): State<Gateway>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match known(&gateway, &headers, &id).await {
        Ok(Some(statement)) => answer(&statement).await,
        Ok(None) => envelope::refused(&no_such_statement(&id)),
        Err(error) => envelope::refused(&error),
    }
}

fn no_such_statement(id: &str) -> SnowflakeError {
    SnowflakeError { code: 709, sqlstate: "02000", message: format!("Statement {id} not found"), line: None, pos: None }
}

pub(super) async fn monitor(State(gateway): State<Gateway>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let statement = match known(&gateway, &headers, &id).await {
        Ok(statement) => statement,
        Err(error) => return envelope::refused(&error),
    };
    let queries: Vec<Value> = statement.iter().map(|statement| status(statement)).collect();
    envelope::success(&json!({"queries": queries}))
}

fn status(statement: &Statement) -> Value {
    let (status, code, message) = match statement.outcome().as_deref() {
        None => ("RUNNING", String::new(), String::new()),
        Some(Ok(_)) => ("SUCCESS", String::new(), "SUCCESS".to_owned()),
        Some(Err(error)) => ("FAILED_WITH_ERROR", error.code_text(), error.message.clone()),
    };
    json!({"id": statement.id.to_string(), "status": status, "state": status, "errorCode": code, "errorMessage": message})
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortRequest {
    request_id: String,
}

pub(super) async fn abort_request(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Response {
    let open = match gateway.authenticated(&headers).await {
        Ok(open) => open,
        Err(error) => return envelope::refused(&error),
    };
    let request: AbortRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return super::malformed(&error),
    };
    if let Some(statement) = gateway.statements.by_request(&(open.id, request.request_id)) {
        statement.cancel();
    }
    envelope::success(&Value::Null)
}

pub(super) async fn abort(State(gateway): State<Gateway>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match known(&gateway, &headers, &id).await {
        Ok(Some(statement)) => {
            statement.cancel();
            envelope::success(&Value::Null)
        }
        Ok(None) => envelope::refused(&no_such_statement(&id)),
        Err(error) => envelope::refused(&error),
    }
}
