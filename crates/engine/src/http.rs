//! What the engine answers over HTTP: the endpoints of flows and event hooks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use oktant_base::{Coded, Secret, codes};
use oktant_flow::model::{Security, TriggerKind};
use oktant_functions::Value;

use crate::action::Fields;
use crate::engine::{Engine, Start};
use crate::error::EngineError;
use crate::flows::FlowEntry;
use crate::run::Answer;

/// The header with which an org asks whether an address is its hook's.
const CHALLENGE: &str = "x-okta-verification-challenge";

/// Largest body that is taken, in bytes.
const BODY_MAX: usize = 8 << 20;

/// Headers that prove who calls: flows do not see them where the engine has checked them.
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-client-token", "cookie"];

/// Who calls, by an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The id of the user; of the client, where there is no user.
    pub id: String,
    /// What the token allows.
    pub scopes: Vec<String>,
}

/// Checks access tokens of the org.
#[async_trait]
pub trait Callers: Send + Sync + fmt::Debug {
    /// Whose token it is; `None` if it is not valid.
    async fn caller(&self, token: &Secret) -> Option<Caller>;
}

/// No one has a token.
#[derive(Debug, Clone, Copy)]
pub struct NoCallers;

#[async_trait]
impl Callers for NoCallers {
    async fn caller(&self, _token: &Secret) -> Option<Caller> {
        None
    }
}

/// The scope that lets a token start flows.
pub const INVOKE_SCOPE: &str = "okta.workflows.invoke.manage";

/// What the HTTP interface needs to know.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// What the org sends as `Authorization` with its events.
    pub hook_secret: Option<Secret>,
    /// Whether anyone may send events where there is no secret; they are refused otherwise.
    pub hook_open: bool,
    /// Who checks access tokens.
    pub callers: Arc<dyn Callers>,
    /// How long a caller waits for the answer of a flow.
    pub answer_within: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        let callers = Arc::new(NoCallers);
        Self { hook_secret: None, hook_open: false, callers, answer_within: Duration::from_mins(1) }
    }
}

#[derive(Clone)]
struct Front {
    engine: Engine,
    settings: HttpSettings,
}

/// The routes:
///
/// - `ANY /api/flo/{alias}/invoke` starts a flow whose trigger is an API endpoint and answers what it returns;
/// - `POST /api/flo/{alias}/delegate` starts a delegated flow for the user of the access token, which needs
///   [`INVOKE_SCOPE`];
/// - `GET` and `POST /api/flo/events` are an event hook.
pub fn router(engine: Engine, settings: HttpSettings) -> Router {
    Router::new()
        .route("/api/flo/events", get(verify).post(deliver))
        .route("/api/flo/{alias}/invoke", any(invoke))
        .route("/api/flo/{alias}/delegate", axum::routing::post(delegate))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(Front { engine, settings })
}

/// Answers the question of an org whether this address is its hook's.
///
/// # Source
///
/// Okta, event hooks: the one-time verification request.
async fn verify(headers: HeaderMap) -> Response {
    match headers.get(CHALLENGE).and_then(|value| value.to_str().ok()) {
        Some(challenge) => {
            Answer::json(200, &Value::object([("verification", Value::text(challenge))])).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Takes events. The answer means that they are durable, not that their flows have run.
async fn deliver(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(secret) = &front.settings.hook_secret {
        let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        if aws_lc_rs::constant_time::verify_slices_are_equal(given, secret.expose().as_bytes()).is_err() {
            return refusal(&EngineError::HookRefused);
        }
    } else if !front.settings.hook_open {
        return refusal(&EngineError::HookClosed);
    }
    let received = async {
        let text = std::str::from_utf8(&body).map_err(|error| EngineError::Input(error.to_string()))?;
        let envelope = Value::from_json(text).map_err(|error| EngineError::Input(error.to_string()))?;
        front.engine.deliver(&envelope, &header_object(&headers, true)).await
    };
    match received.await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refusal(&error),
    }
}

/// Starts a flow by its endpoint.
async fn invoke(
    State(front): State<Front>,
    Path(alias): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = async {
        let entry = front.engine.shared.flows.at(&alias)?;
        let TriggerKind::Endpoint(security) = entry.version.flow.trigger.kind else {
            return Err(EngineError::NoFlow(alias));
        };
        front.admit(&entry, security, &uri, &headers).await?;
        let open = security == Security::Open;
        let given = request_fields(&entry, &method, &uri, &header_object(&headers, !open), &body);
        front.call(&entry, Start::new("endpoint", given)).await
    };
    answer.await.map_or_else(|error| refusal(&error), IntoResponse::into_response)
}

/// Starts a delegated flow for the user of the token; its inputs are the keys of the JSON body.
async fn delegate(State(front): State<Front>, Path(alias): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = async {
        let entry = front.engine.shared.flows.at(&alias)?;
        if entry.version.flow.trigger.kind != TriggerKind::Delegated {
            return Err(EngineError::NoFlow(alias));
        }
        let caller = front.invoker(&headers).await;
        let caller = caller.ok_or_else(|| EngineError::Refused(entry.version.flow.name.clone()))?;
        front.limit(&entry)?;
        let mut given = Fields::new();
        given.set(Some("user context"), "okta-user-id", Value::text(caller.id));
        let inputs = std::str::from_utf8(&body).ok().and_then(|text| Value::from_json(text).ok());
        for (key, value) in inputs.as_ref().and_then(Value::as_object).into_iter().flat_map(|inputs| inputs.iter()) {
            given.set(Some("inputs"), key, value.clone());
        }
        front.call(&entry, Start::new("delegated", given)).await
    };
    answer.await.map_or_else(|error| refusal(&error), IntoResponse::into_response)
}

impl Front {
    /// Lets a caller in, or says why not.
    async fn admit(
        &self,
        entry: &FlowEntry,
        security: Security,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), EngineError> {
        let allowed = match security {
            Security::Open => true,
            Security::Token => {
                let header = headers.get("x-api-client-token").and_then(|value| value.to_str().ok().map(str::to_owned));
                let token = header.or_else(|| query(uri).find(|(key, _)| key == "clientToken").map(|(_, value)| value));
                token.is_some_and(|token| entry.has_token(&token))
            }
            Security::OAuth => self.invoker(headers).await.is_some(),
        };
        if !allowed {
            return Err(EngineError::Refused(entry.version.flow.name.clone()));
        }
        self.limit(entry)
    }

    /// Counts a call of a flow, or says that there were too many.
    fn limit(&self, entry: &FlowEntry) -> Result<(), EngineError> {
        let limit = entry.settings.calls_per_second;
        if !entry.calls.lock().take(self.engine.shared.journal.now(), limit) {
            return Err(EngineError::TooOften { flow: entry.version.flow.name.clone(), limit });
        }
        Ok(())
    }

    /// Who calls, if the access token may start flows.
    async fn invoker(&self, headers: &HeaderMap) -> Option<Caller> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let caller = self.settings.callers.caller(&Secret::new(token.trim().to_owned())).await?;
        caller.scopes.iter().any(|scope| scope == INVOKE_SCOPE).then_some(caller)
    }

    async fn call(&self, entry: &FlowEntry, start: Start) -> Result<Answer, EngineError> {
        let call = self.engine.call(entry.version.flow.id.as_str(), start);
        tokio::select! {
            answer = call => answer,
            () = self.engine.shared.clock.sleep(self.settings.answer_within) => {
                let message = Value::text("the flow goes on; it did not answer in time");
                Ok(Answer::json(504, &Value::object([("error", Value::object([("message", message)]))])))
            }
        }
    }
}

/// What the trigger of an endpoint sees of a request.
fn request_fields(entry: &FlowEntry, method: &Method, uri: &Uri, headers: &Value, body: &[u8]) -> Fields {
    let body = String::from_utf8_lossy(body).into_owned();
    let parsed = Value::from_json(&body).unwrap_or_default();
    let query: Vec<(String, String)> = query(uri).filter(|(key, _)| key != "clientToken").collect();
    let in_query = |key: &str| query.iter().find(|(name, _)| name == key).map(|(_, value)| Value::text(value.as_str()));
    let inside = |object: &Value, key: &str| object.as_object().and_then(|object| object.get(key)).cloned();
    let mut given = Fields::new();
    let raw_query = query.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value)));
    given.set(Some("raw"), "query", Value::text(raw_query.collect::<Vec<_>>().join("&")));
    given.set(Some("raw"), "headers", headers.clone());
    given.set(Some("raw"), "body", Value::text(body));
    for output in &entry.version.flow.trigger.outputs {
        let key = output.slot.key.as_str();
        let value = match output.slot.group.as_deref() {
            Some("headers") => inside(headers, &key.to_lowercase()),
            Some("query") => in_query(key),
            // A GET has no body: its inputs are in the query.
            Some("body") if *method == Method::GET => in_query(key),
            Some("body") => inside(&parsed, key),
            _ => continue,
        };
        given.set(output.slot.group.as_deref(), key, value.unwrap_or_default());
    }
    given
}

fn query(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect::<Vec<_>>().into_iter()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The headers as an object, names in lower case.
fn header_object(headers: &HeaderMap, hide_credentials: bool) -> Value {
    let shown = headers.iter().filter(|(name, _)| !(hide_credentials && CREDENTIALS.contains(&name.as_str())));
    Value::object(shown.map(|(name, value)| (name.as_str(), Value::text(String::from_utf8_lossy(value.as_bytes())))))
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response =
            (StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in self.headers {
            // A name or value that is none in HTTP cannot be sent.
            if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

fn refusal(error: &EngineError) -> Response {
    // To callers a flow that is off, or is reached in another way, is like one that is not there.
    let (code, message) = match error {
        EngineError::Off(_) | EngineError::NoFlow(_) => (codes::OKT4303, "there is no flow at this address".to_owned()),
        _ => (error.code(), error.to_string()),
    };
    let status = if matches!(error, EngineError::HookClosed) { 403 } else { code.http_status() };
    if status >= 500 {
        tracing::error!(error = error as &dyn std::error::Error, "a request to the engine failed");
    }
    let object = Value::object([
        ("code", Value::text(code.id())),
        ("message", Value::text(message)),
        ("hint", Value::text(error.hint().unwrap_or_else(|| code.fix().to_owned()))),
    ]);
    let mut answer = Answer::json(status, &Value::object([("error", object)]));
    if status == 429 {
        answer.headers.push(("retry-after".to_owned(), "1".to_owned()));
    }
    answer.into_response()
}
