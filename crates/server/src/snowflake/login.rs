//! Signing in, new tokens, and the end of a session.

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use oktant_base::Secret;
use oktant_warehouse::{Login, SERVER_VERSION, SnowflakeError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::{MASTER_LIFETIME, Refusal, TOKEN_LIFETIME};
use super::{Gateway, envelope, token};
use crate::http::Peer;
use crate::metrics::{Outcome, Protocol};

/// Seconds after which clients look whether they still reach the server.
const HEALTH_CHECK_SECONDS: u32 = 45;

/// What clients want to begin with. They name only what is set, or send the rest empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    #[serde(rename = "databaseName")]
    database: Option<String>,
    #[serde(rename = "schemaName")]
    schema: Option<String>,
    warehouse: Option<String>,
    #[serde(rename = "roleName")]
    role: Option<String>,
}

#[derive(Deserialize)]
struct LoginRequest {
    data: LoginData,
}

/// The keys that matter here; there are more.
#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct LoginData {
    #[serde(default)]
    account_name: String,
    #[serde(default)]
    login_name: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    authenticator: Option<String>,
    #[serde(default)]
    token: Option<Secret>,
}

pub(super) async fn login(
    State(gateway): State<Gateway>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Query(wanted): Query<Wanted>,
    body: Bytes,
) -> Response {
    let data = match serde_json::from_slice::<LoginRequest>(&body) {
        Ok(request) => request.data,
        Err(error) => return super::malformed(&error),
    };
    if !is_account(&data.account_name, gateway.account.name()) {
        return envelope::refused(&SnowflakeError::other_account(&data.account_name, gateway.account.name()));
    }
    let secret = match credential(data.authenticator.as_deref(), data.password, data.token) {
        Ok(secret) => secret,
        Err(error) => return envelope::refused(&error),
    };
    let login = Login::new(data.login_name, secret)
        .client_ip(Some(peer.ip()))
        .role(wanted.role)
        .database(wanted.database)
        .schema(wanted.schema)
        .warehouse(wanted.warehouse);
    let signed_in = gateway.account.login(login).await;
    gateway.metrics.login(Protocol::Snowflake, Outcome::of(&signed_in));
    let session = match signed_in {
        Ok(session) => session,
        Err(error) => {
            let data = json!({"nextAction": "RETRY_LOGIN", "authnMethod": "USERNAME_PASSWORD"});
            return envelope::failure(&error, &data);
        }
    };
    let Some((open, tokens)) = gateway.sessions.open(session) else {
        return envelope::refused(&SnowflakeError::unsupported("more sessions than the server holds"));
    };
    let context = match open.session.context().await {
        Ok(context) => context,
        Err(error) => return envelope::refused(&error),
    };
    envelope::success(&json!({
        "token": tokens.token.expose(),
        "masterToken": tokens.master.expose(),
        "validityInSeconds": TOKEN_LIFETIME.as_secs(),
        "masterValidityInSeconds": MASTER_LIFETIME.as_secs(),
        "sessionId": open.id,
        "displayUserName": open.session.user(),
        "serverVersion": SERVER_VERSION,
        "firstLogin": false,
        "healthCheckInterval": HEALTH_CHECK_SECONDS,
        "parameters": parameters(),
        "sessionInfo": {
            "databaseName": context.database,
            "schemaName": context.schema,
            "warehouseName": context.warehouse,
            "roleName": context.role,
        },
        "idToken": null,
        "mfaToken": null,
        "remMeToken": null,
        "newClientForUpgrade": null,
        "responseData": null,
    }))
}

/// Whether a client means this account. Host names have hyphens for underscores, and clients may put a region behind the
/// name; those that name none are not asked.
fn is_account(given: &str, name: &str) -> bool {
    let plain = |text: &str| text.to_uppercase().replace('_', "-");
    let given = given.split('.').next().unwrap_or_default();
    given.is_empty() || plain(given) == plain(name)
}

/// What a client signs in with: a password, or a token in its place.
fn credential(authenticator: Option<&str>, password: Secret, token: Option<Secret>) -> Result<Secret, SnowflakeError> {
    match authenticator.map(str::to_uppercase).as_deref() {
        None | Some("" | "SNOWFLAKE" | "USERNAME_PASSWORD_MFA") => Ok(password),
        Some("PROGRAMMATIC_ACCESS_TOKEN") => Ok(token.unwrap_or(password)),
        Some(other) => Err(SnowflakeError::unsupported(&format!("authenticator {other}"))),
    }
}

/// Session parameters that clients act on.
fn parameters() -> Value {
    let parameter = |(name, value): (&str, Value)| json!({"name": name, "value": value});
    let all: Vec<Value> = [
        ("AUTOCOMMIT", json!(true)),
        ("TIMEZONE", json!("Etc/UTC")),
        ("CLIENT_TELEMETRY_ENABLED", json!(false)),
        ("CLIENT_SESSION_KEEP_ALIVE", json!(false)),
        // Values are bound in the request and never by way of a stage.
        ("CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", json!(0)),
        ("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", json!("JSON")),
        ("DATE_OUTPUT_FORMAT", json!("YYYY-MM-DD")),
        ("TIME_OUTPUT_FORMAT", json!("HH24:MI:SS")),
        ("TIMESTAMP_OUTPUT_FORMAT", json!("YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM")),
        ("TIMESTAMP_NTZ_OUTPUT_FORMAT", json!("YYYY-MM-DD HH24:MI:SS.FF3")),
        ("TIMESTAMP_LTZ_OUTPUT_FORMAT", json!("")),
        ("TIMESTAMP_TZ_OUTPUT_FORMAT", json!("")),
        ("CLIENT_PREFETCH_THREADS", json!(1)),
    ]
    .map(parameter)
    .into();
    Value::from(all)
}

pub(super) async fn renew(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    let (open, tokens) = match gateway.sessions.renew(token(&headers)) {
        Ok(renewed) => renewed,
        Err(refusal) => return envelope::refused(&master_refused(refusal)),
    };
    if let Err(error) = gateway.check(&open).await {
        return envelope::refused(&error);
    }
    envelope::success(&json!({
        "sessionToken": tokens.token.expose(),
        "masterToken": tokens.master.expose(),
        "sessionId": open.id,
        "validityInSecondsST": TOKEN_LIFETIME.as_secs(),
        "validityInSecondsMT": MASTER_LIFETIME.as_secs(),
    }))
}

fn master_refused(refusal: Refusal) -> SnowflakeError {
    let (code, message) = match refusal {
        Refusal::Missing | Refusal::Unknown => {
            (390_113, "Authentication token is not found. The user must authenticate again.")
        }
        Refusal::Expired => (390_114, "Authentication token has expired. The user must authenticate again."),
    };
    super::session_error(code, message)
}

pub(super) async fn heartbeat(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    match gateway.authenticated(&headers).await {
        Ok(open) => {
            gateway.sessions.touch(&open);
            envelope::success(&Value::Null)
        }
        Err(error) => envelope::refused(&error),
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CloseOptions {
    #[serde(default)]
    delete: Option<bool>,
}

pub(super) async fn close(
    State(gateway): State<Gateway>,
    Query(options): Query<CloseOptions>,
    headers: HeaderMap,
) -> Response {
    if options.delete != Some(true) {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    }
    match gateway.authenticated(&headers).await {
        Ok(open) => {
            gateway.close(&open);
            envelope::success(&Value::Null)
        }
        Err(error) => envelope::refused(&error),
    }
}
