//! Errors as cards show them.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use oktant_base::Coded as _;
use oktant_client::ApiError;
use oktant_engine::{CardError, ErrorKind, Name};
use serde_json::Value;

use crate::Error;
use crate::fields::flow_value;
use crate::http::Response;
use crate::manifest::expression::Wrong;

impl From<Error> for CardError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::UnknownConnection(_)
            | Error::ConnectionExists(_)
            | Error::Broken { .. }
            | Error::Key(_)
            | Error::OAuth { .. }
            | Error::SignIn { .. }
            | Error::Setting { .. } => ErrorKind::Connection,
            Error::Refused(_) | Error::UnknownTable(_) => ErrorKind::Input,
            Error::Store { .. } | Error::Renewal { .. } | Error::Unreachable { unsent: true, .. } => {
                ErrorKind::Unavailable
            }
            Error::Manifest { .. } => ErrorKind::Unsupported,
            Error::Unreachable { .. } | Error::Unreadable { .. } => ErrorKind::OutcomeUnknown,
            Error::Okta(error) => okta_kind(error),
        };
        let code = error.code().id();
        let hint = error.hint().unwrap_or_else(|| error.code().fix().to_owned());
        let mut card = Self::new(kind, format!("{error} ({hint})"));
        card.code = Some(flow_value(Value::from(code)));
        if let Error::Okta(oktant_client::Error::RateLimited { .. }) = error {
            card.status = Some(429);
        }
        card
    }
}

fn okta_kind(error: &oktant_client::Error) -> ErrorKind {
    use oktant_client::Error as Okta;
    match error {
        Okta::Api(error) => kind_of(error.status, false, false),
        Okta::RateLimited { .. } => ErrorKind::RateLimited,
        Okta::Timeout { .. }
        | Okta::Decode { .. }
        | Okta::Connect { failure: oktant_client::ConnectFailure::Interrupted, .. } => ErrorKind::OutcomeUnknown,
        Okta::Connect { .. } => ErrorKind::Unavailable,
        Okta::Argument { .. } | Okta::UnknownOperation { .. } | Okta::ForeignHost { .. } => ErrorKind::Input,
        _ => ErrorKind::Connection,
    }
}

impl From<Wrong> for CardError {
    fn from(wrong: Wrong) -> Self {
        Self::new(ErrorKind::Input, wrong.0)
    }
}

/// The kind of a refusal by its status; `repeatable` says whether a server error can have done nothing lasting,
/// `told_to_wait` whether the answer asks for the request again.
fn kind_of(status: u16, repeatable: bool, told_to_wait: bool) -> ErrorKind {
    match status {
        429 => ErrorKind::RateLimited,
        401 => ErrorKind::Connection,
        500..=599 if repeatable => ErrorKind::Unavailable,
        503 if told_to_wait => ErrorKind::Unavailable,
        // A gateway in front says it, too, when what stands behind it has done the work and broke off.
        500..=599 => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::Refused,
    }
}

/// An answer that refuses. `message` is the service's own, where it gave one.
pub(crate) fn refusal(
    response: &Response,
    message: Option<String>,
    retry_after: Option<Duration>,
    repeatable: bool,
) -> CardError {
    let phrase = StatusCode::from_u16(response.status).ok().and_then(|status| status.canonical_reason());
    let phrase = phrase.map_or_else(|| format!("Status {}", response.status), ToOwned::to_owned);
    let message = match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{phrase}: {message}"),
        None => phrase,
    };
    let mut error =
        CardError::new(kind_of(response.status, repeatable, response.headers.contains_key(RETRY_AFTER)), message);
    error.code = Some(flow_value(Value::from(response.status)));
    error.status = Some(response.status);
    error.body = Some(Box::new(flow_value(body(response))));
    error.retry_after = retry_after;
    error
}

/// The longest code of a service, in bytes.
const CODE_MAX: usize = 64;

/// The service's own code in an answer. What may be a sentence or a value is none: some services have free text there.
pub(crate) fn service_code(code: &Value) -> Option<Box<Name>> {
    let code = match code {
        Value::String(code) => code.clone(),
        Value::Number(code) => code.to_string(),
        _ => return None,
    };
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    let is_one = (1..=CODE_MAX).contains(&code.len()) && code.bytes().all(is_code);
    is_one.then(|| Box::new(code.into()))
}

/// The body as JSON if it is some, else as text.
pub(crate) fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&response.body).into_owned()))
}

/// Okta's error as the answer that it was.
pub(crate) fn okta_answer(error: &ApiError) -> Response {
    let causes: Vec<Value> = error.causes.iter().map(|cause| serde_json::json!({"errorSummary": cause})).collect();
    let body = serde_json::json!({
        "errorCode": error.code, "errorSummary": error.summary, "errorId": error.id, "errorCauses": causes,
    });
    Response { status: error.status, headers: http::HeaderMap::new(), body: body.to_string().into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_looks_like_a_code_is_one() {
        for code in ["LICENSE_LIMIT_EXCEEDED", "E0000001", "invalid-argument", "a.b:c"] {
            assert_eq!(service_code(&json!(code)), Some(Box::new(code.into())));
        }
        assert_eq!(service_code(&json!(60203)), Some(Box::new("60203".into())));
        for other in ["", "Not Found", "ann@acme.example", "a/b", "É", &"x".repeat(65)] {
            assert_eq!(service_code(&json!(other)), None, "{other}");
        }
        assert_eq!(service_code(&json!(null)), None);
    }
}
