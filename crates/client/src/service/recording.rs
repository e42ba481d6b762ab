//! Recorded traffic: what was asked, what was answered, and no credentials.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{Failure, HttpService, Layer, Request, Response};
use crate::redact;

/// Requests with their answers, in the order that the answers came. Written down as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The interactions.
    pub interactions: Vec<Interaction>,
}

/// One request with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// What was asked.
    pub request: RecordedRequest,
    /// What was answered.
    pub response: RecordedResponse,
}

/// What was asked. Its headers are not recorded: they are credentials and our own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query as sent, with secret values masked; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Body with secrets masked; `None` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedResponse {
    /// Status.
    pub status: u16,
    /// Headers in order; a name may occur several times. Bytes that are not text are marked by `\u{FFFD}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Body, with secrets masked where it is JSON.
    #[serde(default)]
    pub body: String,
    /// Whether `body` is base64, as it is for bytes that are not text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base64: bool,
}

/// Headers that are left out: they are secret, or true of the connection only.
const LEFT_OUT: &[&str] = &["set-cookie", "connection", "transfer-encoding", "content-encoding", "content-length"];

impl Recording {
    /// Reads what [`Recording::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// The parser's, with line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The recording as indented JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Interaction {
    fn of(request: &Request, response: &Response) -> Self {
        let text = std::str::from_utf8(&response.body).ok();
        Self {
            request: RecordedRequest::of(request),
            response: RecordedResponse {
                status: response.status,
                headers: kept(&response.headers),
                body: match text {
                    Some(text) => redact::body(&response.headers, text),
                    None => STANDARD.encode(&response.body),
                },
                base64: text.is_none(),
            },
        }
    }
}

impl RecordedRequest {
    /// A request as it would be recorded.
    pub(super) fn of(request: &Request) -> Self {
        let body = request.body.as_ref().map(|body| redact::body(&request.headers, &String::from_utf8_lossy(body)));
        Self {
            method: request.method.to_owned(),
            path: request.url.path().to_owned(),
            query: redact::query(request.url.query().unwrap_or_default()),
            body,
        }
    }
}

impl RecordedResponse {
    /// The answer again, with the type of JSON where none was recorded.
    pub(super) fn response(&self) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        if !self.body.is_empty() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let decoded = || STANDARD.decode(&self.body).unwrap_or_default();
        let body = if self.base64 { decoded() } else { self.body.clone().into_bytes() };
        Response { status: self.status, headers, body: Bytes::from(body) }
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
    // Not `to_str`, which refuses letters beyond ASCII: links to a next page may hold some.
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    named.map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// Records what passes through it. Clones share one recording.
///
/// Credentials are not recorded; members that look like secrets are masked. The rest of the bodies
/// is recorded as it is, with the names and addresses of people.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Recording>>);

impl Recorder {
    /// What was recorded so far.
    pub fn recording(&self) -> Recording {
        self.0.lock().clone()
    }
}

impl Layer for Recorder {
    fn layer(&self, inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(Recorded { inner, recorder: self.clone() })
    }
}

#[derive(Debug)]
struct Recorded {
    inner: Arc<dyn HttpService>,
    recorder: Recorder,
}

#[async_trait]
impl HttpService for Recorded {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let response = self.inner.send(request.clone()).await?;
        let interaction = Interaction::of(&request, &response);
        self.recorder.0.lock().interactions.push(interaction);
        Ok(response)
    }
}
