//! What can go wrong between a call and its answer.

use std::fmt;
use std::time::Duration;

use oktant_base::{Code, Coded, Timestamp, codes};
use serde::Deserialize;

use crate::{config, properties};

/// Why a call was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection properties are wrong; all problems at once.
    #[error(transparent)]
    Properties(#[from] properties::Error),

    /// The configuration is wrong; all problems at once.
    #[error(transparent)]
    Config(#[from] config::Error),

    /// The org answered with an error object or an error status.
    #[error(transparent)]
    Api(#[from] Box<ApiError>),

    /// The token lacks a scope.
    #[error("the access token lacks scope {scopes} for {method} {path}")]
    Scope {
        /// Scopes that the org named, or that the catalogue says are needed.
        scopes: String,
        /// Method of the request.
        method: String,
        /// Path of the request.
        path: String,
    },

    /// An OAuth endpoint refused.
    #[error("{endpoint} refused with {error}{}", described(.description))]
    OAuth {
        /// Path of the endpoint.
        endpoint: String,
        /// OAuth error word, such as `invalid_client`.
        error: String,
        /// The org's explanation, if it gave one.
        description: String,
    },

    /// No usable token, and none can be had without a person.
    #[error("signing in to {org} needs a person: {reason}")]
    SignInNeeded {
        /// Host of the org.
        org: String,
        /// What is missing.
        reason: String,
    },

    /// The browser flow ended without a code.
    #[error("the browser sign-in to {org} did not complete: {reason}")]
    SignInFailed {
        /// Host of the org.
        org: String,
        /// What happened instead.
        reason: String,
    },

    /// The settings store cannot be used.
    #[error("settings at {location} cannot be used: {reason}")]
    Settings {
        /// Path or `memory://` name.
        location: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The settings store holds the sign-in of another org, client or scheme.
    #[error("settings at {location} cannot be used: it belongs to {what} {theirs}, not {ours}")]
    ForeignSettings {
        /// Path or `memory://` name.
        location: String,
        /// What differs: `org`, `client` or `scheme`.
        what: &'static str,
        /// Whose the settings are.
        theirs: String,
        /// Whose they would have to be.
        ours: String,
    },

    /// A private key or certificate cannot be used.
    #[error("the key of {property} cannot be used: {reason}")]
    Key {
        /// Property that names it.
        property: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// The file of a private key or certificate cannot be read.
    #[error("the key of {property} cannot be used: {reason}")]
    KeyFile {
        /// Property that names it.
        property: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// The callback address cannot be used.
    #[error("{url} cannot receive the sign-in: {reason}")]
    Callback {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The wait for a rate limit is longer than allowed.
    #[error("{} of {bucket} is used up until {}", if *.concurrent { "the concurrency limit" } else { "the rate limit" },
        .retry_at.format("%H:%M:%SZ"))]
    RateLimited {
        /// Rate-limit bucket.
        bucket: String,
        /// When the next try makes sense.
        retry_at: Timestamp,
        /// Whether requests in flight were the limit, not requests per minute.
        concurrent: bool,
    },

    /// Something took too long.
    #[error("{method} {path} timed out while {phase} after {}", seconds(*.after))]
    Timeout {
        /// Method of the request.
        method: String,
        /// Path of the request.
        path: String,
        /// What was going on.
        phase: Phase,
        /// Time allowed.
        after: Duration,
    },

    /// The org was not reached.
    #[error("{host} cannot be reached: {failure}")]
    Connect {
        /// Host, with port where one was given; the proxy's if the connection ended there.
        host: String,
        /// The step that failed.
        failure: ConnectFailure,
        /// The library's own words.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The answer is not what was promised.
    #[error("the answer to {method} {path} cannot be read: {reason}")]
    Decode {
        /// Method of the request.
        method: String,
        /// Path of the request.
        path: String,
        /// What is wrong with it.
        reason: String,
        /// The org's request id, if it gave one.
        request_id: Option<String>,
    },

    /// A page links to one that was already read.
    #[error("page {} of {path} links back to a page that was already read", .page + 1)]
    PageLoop {
        /// Path of the list.
        path: String,
        /// Number of the page, from 0.
        page: u32,
    },

    /// Whatever read a list ahead of its consumer stopped before the last page.
    #[error("the list {path} was cut off before its last page")]
    ListCut {
        /// Path of the list.
        path: String,
    },

    /// A URL leads away from the org.
    #[error("{url} is not on {org}")]
    ForeignHost {
        /// The URL without its query.
        url: String,
        /// Host of the org.
        org: String,
    },

    /// The catalogue has no such operation.
    #[error("unknown operation \"{name}\"")]
    UnknownOperation {
        /// What was asked for.
        name: String,
        /// The nearest known names.
        nearest: Vec<String>,
    },

    /// An argument does not fit the operation.
    #[error("{operation}: {problem}")]
    Argument {
        /// Operation id or path.
        operation: String,
        /// What is wrong.
        problem: String,
        /// How to mend it.
        hint: Option<String>,
    },
}

/// What was going on when time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opening the connection.
    Connecting,
    /// Waiting for the answer or reading it.
    Reading,
    /// Waiting for a rate limit or between attempts.
    Waiting,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Reading => "waiting for the answer",
            Self::Waiting => "waiting for its turn",
        })
    }
}

/// The step at which a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The name does not resolve.
    Dns,
    /// Nothing listens at the address.
    Refused,
    /// The TLS handshake failed.
    Tls,
    /// The proxy refused or failed.
    Proxy,
    /// The proxy's own name does not resolve.
    ProxyDns,
    /// Nothing listens at the proxy's address.
    ProxyRefused,
    /// The connection ended before the answer was complete.
    Interrupted,
    /// Anything else.
    Other,
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the name does not resolve",
            Self::Refused => "the connection was refused",
            Self::Tls => "the TLS handshake failed",
            Self::Proxy => "the proxy failed",
            Self::ProxyDns => "the name of the proxy does not resolve",
            Self::ProxyRefused => "the proxy refused the connection",
            Self::Interrupted => "the connection was lost",
            Self::Other => "the connection failed",
        })
    }
}

/// The org's own error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Okta's error code such as `E0000007`; empty where the answer was not an error object.
    pub code: String,
    /// Okta's summary, or an excerpt of an answer of another form.
    pub summary: String,
    /// Summaries of the causes.
    pub causes: Vec<String>,
    /// Okta's id of this very error.
    pub id: String,
    /// `X-Okta-Request-Id`.
    pub request_id: Option<String>,
    /// Method of the request.
    pub method: String,
    /// Path of the request, without its query.
    pub path: String,
    /// The attempts made, from 1.
    pub attempts: u32,
    /// Whether the credential was an API token.
    pub api_token: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ErrorObject {
    error_code: Option<String>,
    error_summary: Option<String>,
    error_id: Option<String>,
    error_causes: Vec<ErrorCause>,
    /// The edge and switched-off areas answer `{"status":404,"message":"..."}`.
    message: Option<String>,
    /// OAuth endpoints answer `{"error":"...","error_description":"..."}`.
    error: Option<String>,
    #[serde(rename = "error_description")]
    error_description: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ErrorCause {
    error_summary: String,
}

/// Longest excerpt of a foreign answer that an error shows, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

impl ApiError {
    /// Reads an error answer of any of the forms that orgs and gateways send.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let object = serde_json::from_slice::<ErrorObject>(body).unwrap_or_default();
        let summary =
            object.error_summary.or(object.message).or(object.error_description).unwrap_or_else(|| excerpt(body));
        Self {
            status,
            code: object.error_code.or(object.error).unwrap_or_default(),
            summary,
            causes: object.error_causes.into_iter().map(|cause| cause.error_summary).collect(),
            id: object.error_id.unwrap_or_default(),
            request_id: None,
            method: String::new(),
            path: String::new(),
            attempts: 1,
            api_token: false,
        }
    }

    fn says_already_exists(&self) -> bool {
        self.causes.iter().any(|cause| cause.contains("already exists"))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} answered {}", self.method, self.path, self.status)?;
        for part in [&self.code, &self.summary] {
            if !part.is_empty() {
                write!(f, " {part}")?;
            }
        }
        if !self.causes.is_empty() {
            write!(f, " ({})", self.causes.join("; "))?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl Coded for ApiError {
    /// # Source
    ///
    /// Okta's error catalogue and developer guide; only the status and `errorCode` steer, as
    /// Okta promises nothing about summaries. The exception is "already exists", which has no
    /// code of its own.
    fn code(&self) -> Code {
        match (self.status, self.code.as_str()) {
            (_, "E0000015") => codes::OKT2010,
            (_, "E0000011" | "E0000004" | "E0000005") | (401, _) if self.api_token => codes::OKT1011,
            (_, "E0000011" | "E0000004" | "E0000005") | (401, _) => codes::OKT1012,
            (_, "E0000038" | "E0000016" | "E0000056" | "E0000032" | "E0000112") => codes::OKT2009,
            (_, "E0000006") | (403, _) => codes::OKT1014,
            (_, "E0000007") | (404, _) => codes::OKT2006,
            (409, _) => codes::OKT2008,
            (_, "E0000001") if self.says_already_exists() => codes::OKT2008,
            (429, _) => codes::OKT2011,
            (501, _) => codes::OKT2017,
            (500.., _) => codes::OKT2003,
            (400..500, _) => codes::OKT2007,
            _ => codes::OKT2004,
        }
    }

    fn hint(&self) -> Option<String> {
        match (self.status, self.code.as_str()) {
            // The edge answers for hosts that no org has: none of the API's headers, no error code.
            (404, "") if self.request_id.is_none() => {
                Some("no org answers at this host; check Domain against the address in the browser".to_owned())
            }
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(id) = &self.request_id {
            parts.push(format!("request id {id}"));
        }
        if self.attempts > 1 {
            parts.push(format!("{} attempts", self.attempts));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Error {
    /// The HTTP status that the org answered with, if it answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            Self::Scope { .. } => Some(403),
            Self::RateLimited { .. } => Some(429),
            _ => None,
        }
    }

    /// Okta's error code such as `E0000007`, if the org gave one.
    pub fn api_code(&self) -> Option<&str> {
        match self {
            Self::Api(error) if !error.code.is_empty() => Some(&error.code),
            _ => None,
        }
    }

    /// Whether the org says that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the org lacks the feature, edition or product (E0000015).
    pub fn is_feature_missing(&self) -> bool {
        self.api_code() == Some("E0000015")
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Properties(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::Api(error) => error.code(),
            Self::Scope { .. } => codes::OKT1013,
            Self::OAuth { .. } => codes::OKT1015,
            Self::SignInNeeded { .. } => codes::OKT1010,
            Self::SignInFailed { .. } => codes::OKT1016,
            Self::Settings { .. } | Self::ForeignSettings { .. } => codes::OKT1017,
            Self::Key { .. } | Self::KeyFile { .. } => codes::OKT1018,
            Self::Callback { .. } => codes::OKT1019,
            Self::RateLimited { concurrent: true, .. } => codes::OKT2012,
            Self::RateLimited { .. } => codes::OKT2011,
            Self::Timeout { .. } => codes::OKT2002,
            Self::Connect { .. } => codes::OKT2001,
            Self::Decode { .. } => codes::OKT2004,
            Self::PageLoop { .. } => codes::OKT2005,
            Self::ListCut { .. } => codes::OKT2014,
            Self::ForeignHost { .. } => codes::OKT2013,
            Self::UnknownOperation { .. } => codes::OKT2015,
            Self::Argument { .. } => codes::OKT2016,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Properties(error) => error.hint(),
            Self::Config(error) => error.hint(),
            Self::Api(error) => error.hint(),
            Self::Scope { scopes, .. } => Some(format!(
                "grant {scopes} to the app in the Admin Console (Okta API Scopes), name it in Scope, and sign in again"
            )),
            Self::OAuth { error, .. } => oauth_hint(error),
            Self::ForeignSettings { what, .. } => {
                Some(format!("choose another OAuthSettingsLocation for this {what}, or correct the {what}"))
            }
            Self::KeyFile { property, .. } => {
                Some(format!("{property} takes the path of a file that can be read, or the text of the key itself"))
            }
            Self::Connect { host, failure, .. } => connect_hint(host, *failure),
            Self::UnknownOperation { nearest, .. } if !nearest.is_empty() => {
                Some(format!("did you mean {}?", nearest.join(" or ")))
            }
            Self::Argument { hint, .. } => hint.clone(),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.detail(),
            Self::Decode { request_id: Some(id), .. } => Some(format!("request id {id}")),
            _ => None,
        }
    }
}

fn oauth_hint(error: &str) -> Option<String> {
    let hint = match error {
        "invalid_client" => "check OAuthClientId, and OAuthClientSecret or the key that the app registered",
        "invalid_scope" | "consent_required" => "ask only for scopes that are granted to the app (Okta API Scopes)",
        "invalid_grant" => "the stored sign-in has ended; sign in again with `oktant login`",
        "access_denied" => "assign the app to the user who signs in, and check the sign-on policy",
        "invalid_dpop_proof" => "set DPoP=true: the app requires proofs of possession",
        "unauthorized_client" => "switch the grant type on in the app's general settings",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn connect_hint(host: &str, failure: ConnectFailure) -> Option<String> {
    match failure {
        ConnectFailure::Dns if !host.contains('.') => {
            Some(format!("Domain needs the whole host name, such as {host}.okta.com"))
        }
        ConnectFailure::Dns => Some(format!("check the spelling of {host} and that this machine resolves names")),
        ConnectFailure::Refused => Some("check the port, and that the org or sandbox runs there".to_owned()),
        ConnectFailure::Tls => Some(
            "check the clock and the certificate; behind an inspecting proxy name its CA in SSLServerCert".to_owned(),
        ),
        ConnectFailure::Proxy => Some("check ProxyServer, ProxyPort, ProxyUser and ProxyPassword".to_owned()),
        ConnectFailure::ProxyDns | ConnectFailure::ProxyRefused => {
            Some("check ProxyServer and ProxyPort, or the variables https_proxy and http_proxy".to_owned())
        }
        ConnectFailure::Interrupted | ConnectFailure::Other => None,
    }
}

fn described(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(": {description}") }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64().round())
}

/// The start of an answer of unknown form, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT_CHARS_MAX)]);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, code: Code, text: &str) {
        let error = ApiError { method: "GET".into(), path: "/p".into(), ..ApiError::read(status, body.as_bytes()) };
        assert_eq!(error.code().id(), code.id());
        assert_eq!(error.to_string(), format!("GET /p answered {text}"));
    }

    #[test]
    fn a_refused_api_token_is_not_mended_by_signing_in() {
        for body in ["", r#"{"errorCode":"E0000005"}"#, r#"{"errorCode":"E0000011"}"#] {
            let read = ApiError::read(401, body.as_bytes());
            assert_eq!(read.code(), codes::OKT1012, "{body}");
            assert_eq!(ApiError { api_token: true, ..read }.code(), codes::OKT1011, "{body}");
        }
    }

    #[test]
    fn every_form_of_error_answer_is_read() {
        check(
            404,
            r#"{"errorCode":"E0000007","errorSummary":"Not found","errorLink":"E0000007","errorId":"oae1","errorCauses":[]}"#,
            codes::OKT2006,
            "404 E0000007 Not found",
        );
        check(
            400,
            r#"{"errorCode":"E0000001","errorSummary":"Api validation failed: login","errorCauses":[{"errorSummary":"login: An object with this field already exists in the current organization"}]}"#,
            codes::OKT2008,
            "400 E0000001 Api validation failed: login (login: An object with this field already exists in the current organization)",
        );
        check(404, r#"{"status":404,"message":"Resource not found"}"#, codes::OKT2006, "404 Resource not found");
        check(401, "", codes::OKT1012, "401");
        check(502, "<html>\n <b>Bad gateway</b>", codes::OKT2003, "502 <html> <b>Bad gateway</b>");
        check(401, r#"{"errorCode":"E0000015","errorSummary":"x"}"#, codes::OKT2010, "401 E0000015 x");
        check(
            501,
            r#"{"errorCode":"E0000060","errorSummary":"Unsupported operation."}"#,
            codes::OKT2017,
            "501 E0000060 Unsupported operation.",
        );
    }
}
