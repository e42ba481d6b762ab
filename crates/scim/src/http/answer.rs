//! Answers to responses.

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::precondition::entity_tag;
use crate::resource::Stored;

/// What a request is answered with.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Option<Value>,
    /// `members` of the body, as text; the body has something else before.
    pub(super) members: Option<String>,
    /// Version of the resource.
    pub(super) version: Option<String>,
    pub(super) location: Option<String>,
    pub(super) headers: Vec<(HeaderName, String)>,
    /// Id and name of the resource that the request was about, for the audit.
    pub(super) resource: Option<(String, String)>,
}

impl Answer {
    /// 200 with a body.
    pub(super) fn ok(body: Value) -> Self {
        Self { body: Some(body), ..Self::default() }
    }

    /// A status without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, ..Self::default() }
    }

    /// An answer about a resource, without showing it.
    pub(super) fn about(stored: &Stored, status: StatusCode, base_url: &str) -> Self {
        Self {
            status,
            version: Some(stored.version.clone()),
            location: Some(stored.location(base_url)),
            resource: Some((stored.id.clone(), stored.resource.name().to_owned())),
            ..Self::default()
        }
    }

    pub(super) fn with_body(self, body: Map<String, Value>) -> Self {
        Self { body: Some(Value::Object(body)), ..self }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal. `challenged` where the caller did send credentials.
    pub(super) fn refusal(error: &Error, challenged: bool) -> Self {
        let answer = Self { status: error.status(), body: Some(error.to_json()), ..Self::default() };
        match error.status() {
            StatusCode::UNAUTHORIZED if challenged => {
                answer.with_header(WWW_AUTHENTICATE, "Bearer realm=\"SCIM\", error=\"invalid_token\"")
            }
            StatusCode::UNAUTHORIZED => answer.with_header(WWW_AUTHENTICATE, "Bearer realm=\"SCIM\""),
            // Okta heeds whole seconds only; without them it waits for five minutes.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => answer.with_header(RETRY_AFTER, "1"),
            _ => answer,
        }
    }

    /// 405, naming what is allowed.
    pub(super) fn method_not_allowed(method: &Method, allowed: &[Method]) -> (Error, Self) {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        let names = names.join(", ");
        let detail = format!("{method} is not allowed here, only {names}");
        let error = Error::new(StatusCode::METHOD_NOT_ALLOWED, detail);
        let answer = Self::refusal(&error, false).with_header(ALLOW, names);
        (error, answer)
    }

    /// The response. To HEAD, headers alone.
    pub(super) fn into_response(self, method: &Method) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let named = [(ETAG, self.version.as_deref().map(entity_tag)), (LOCATION, self.location)];
        let headers = named.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(self.headers);
        for (name, value) in headers {
            // A provider's id or version may hold what no header can; the body has it all the same.
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        if let Some(body) = self.body {
            let mut text = serde_json::to_string(&body).unwrap_or_default();
            if let Some(members) = self.members {
                // Before the brace that ends the body.
                text.pop();
                text.extend([",\"members\":", &members, "}"]);
            }
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
            if method == Method::HEAD {
                response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(text.len()));
            } else {
                *response.body_mut() = Body::from(text);
            }
        }
        response
    }
}
