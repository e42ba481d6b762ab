//! Token endpoints of any service (RFC 6749).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use oktant_base::{Secret, Timestamp};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::{Connection, Secrets};
use crate::Error;
use crate::http::{Http, Request, Response};

/// Grant type of RFC 7523, 2.1.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Life of an assertion. Salesforce takes three minutes at most, from a clock that may differ.
const ASSERTION_LIFE: Duration = Duration::from_mins(2);

/// Time for the answer of a token endpoint.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a token endpoint granted.
pub(super) struct Grant {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_in: Option<u64>,
    /// Everything else, such as the address of the account's own host; without tokens.
    pub(super) more: Map<String, Value>,
}

/// Asks the connection's token endpoint.
pub(super) async fn request(
    http: &Http,
    connection: &Connection,
    secrets: &Secrets,
    grant: &[(&str, &str)],
) -> Result<Grant, Error> {
    let url = endpoint(connection, "token_url")?;
    let client_id = connection.required("client_id")?;
    let secret = secrets.get("client_secret").map(|secret| secret.expose().as_str());
    let in_header = connection.setting("client_auth") == Some("basic");
    let mut request = Request::new(Method::POST, url.clone(), TIMEOUT);
    let mut form = grant.to_vec();
    match secret {
        Some(secret) if in_header => {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret)));
            let mut value = HeaderValue::from_str(&format!("Basic {pair}")).expect("base64 is a header value");
            value.set_sensitive(true);
            request.credentials.insert(AUTHORIZATION, value);
        }
        Some(secret) => form.extend([("client_id", client_id), ("client_secret", secret)]),
        None => form.push(("client_id", client_id)),
    }
    fill(&mut request, form);
    read(url.authority(), &http.send(request).await?)
}

/// Ends a token at the service (RFC 7009).
pub(super) async fn revoke(http: &Http, connection: &Connection, token: &Secret) -> Result<(), Error> {
    let url = endpoint(connection, "revoke_url")?;
    let mut request = Request::new(Method::POST, url.clone(), TIMEOUT);
    fill(&mut request, vec![("token", token.expose())]);
    let response = http.send(request).await?;
    if response.is_success() {
        return Ok(());
    }
    let error = format!("status {}", response.status);
    Err(Error::OAuth { host: url.authority().to_owned(), error, description: String::new() })
}

fn endpoint(connection: &Connection, setting: &str) -> Result<Url, Error> {
    let url = connection.required(setting)?;
    Url::parse(url).map_err(|error| {
        Error::setting(format!("{setting} {url} cannot be read: {error}"), "give a whole https address")
    })
}

fn fill(request: &mut Request, form: Vec<(&str, &str)>) {
    // The form holds the client's secret or tokens, which are this endpoint's alone.
    request.follows = false;
    request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    request.body = Some(Bytes::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()));
}

/// The assertion that lets the connected app act for the user of setting `username`.
///
/// # Source
///
/// Salesforce help, OAuth 2.0 JWT Bearer Flow: `iss` is the consumer key, `sub` the user name, `aud` the login host.
pub(super) fn assertion(connection: &Connection, secrets: &Secrets, now: Timestamp) -> Result<Secret, Error> {
    let origin = endpoint(connection, "token_url")?.origin().ascii_serialization();
    let claims = json!({
        "iss": connection.required("client_id")?,
        "sub": connection.required("username")?,
        "aud": connection.setting("jwt_audience").unwrap_or(&origin),
        "exp": (now + ASSERTION_LIFE).timestamp(),
    });
    let key = secrets.get("private_key").ok_or_else(|| {
        let problem = format!("connection \"{}\" has no private_key", connection.name);
        Error::setting(problem, "give the key whose certificate the app has: --secret private_key=@FILE")
    })?;
    oktant_client::sign_jwt(key, connection.setting("key_id"), &claims).map_err(|reason| {
        let problem = format!("the private key of connection \"{}\" cannot be used: {reason}", connection.name);
        Error::setting(problem, "give a key in PEM, or a JWK: --secret private_key=@FILE")
    })
}

/// Reads a grant or a refusal. Some services refuse with status 200.
fn read(host: &str, response: &Response) -> Result<Grant, Error> {
    let unreadable = |reason: String| Error::Unreadable { host: host.to_owned(), reason };
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(&response.body) else {
        return Err(unreadable(format!("status {} without a JSON object", response.status)));
    };
    let mut take = |name: &str| match answer.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let (access_token, refresh_token, _) = (take("access_token"), take("refresh_token"), take("id_token"));
    let (error, description) = (take("error"), take("error_description"));
    let Some(access_token) = access_token.filter(|_| response.is_success()) else {
        let error = error.unwrap_or_else(|| format!("status {}", response.status));
        return Err(Error::OAuth { host: host.to_owned(), error, description: description.unwrap_or_default() });
    };
    // Some services write the number as text.
    let expires_in = match answer.get("expires_in") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    Ok(Grant {
        access_token: Secret::new(access_token),
        refresh_token: refresh_token.map(Secret::new),
        expires_in,
        more: answer,
    })
}

/// Whether the same request may be granted later.
pub(super) fn is_passing(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } | Error::Unreadable { .. } => true,
        Error::OAuth { error, .. } => {
            matches!(error.as_str(), "server_error" | "temporarily_unavailable" | "status 429")
                || error.starts_with("status 5")
        }
        _ => false,
    }
}

/// Whether a refusal says that asking again with the same credentials is of no use.
pub(crate) fn is_final(error: &Error) -> bool {
    const FINAL: &[&str] = &[
        "access_denied",
        "bad_refresh_token",
        "inactive_org",
        "inactive_user",
        "invalid_app_access",
        "invalid_client",
        "invalid_client_credentials",
        "invalid_client_id",
        "invalid_grant",
        "invalid_refresh_token",
        "token_revoked",
        "unauthorized_client",
        "unsupported_grant_type",
    ];
    let (Error::OAuth { error, .. } | Error::Okta(oktant_client::Error::OAuth { error, .. })) = error else {
        return false;
    };
    FINAL.contains(&error.as_str())
}
