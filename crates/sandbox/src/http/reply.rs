//! What a handler answers.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use super::errors::ApiError;
use crate::store::json;

/// What a handler returns.
pub(crate) type Outcome = Result<Reply, ApiError>;

/// A successful answer, before the headers that every answer has.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
}

impl Reply {
    /// 200 with JSON.
    pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Self {
        let mut out = Vec::with_capacity(512);
        json::write_value(&mut out, value);
        Self::bytes(out)
    }

    /// 200 with JSON that is already written.
    pub(crate) fn bytes(json: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: Some(json.into()) }
            .header(header::CONTENT_TYPE, "application/json")
    }

    /// The same answer with its JSON changed; one without JSON stays as it is.
    #[must_use]
    pub(crate) fn edited(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        if let Some(mut value) = self.body.as_ref().and_then(|body| serde_json::from_slice(body).ok()) {
            edit(&mut value);
            let mut out = Vec::with_capacity(512);
            json::write_value(&mut out, &value);
            self.body = Some(out.into());
        }
        self
    }

    /// 200 with `{}`, as lifecycle operations answer.
    pub(crate) fn empty_object() -> Self {
        Self::bytes(b"{}".to_vec())
    }

    /// 200 without a body.
    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: None }
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: None }
    }

    /// The same answer with another status.
    #[must_use]
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same answer with a header more; one that cannot be written is left out.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }
}
