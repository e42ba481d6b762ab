//! Refusals, as SCIM words them.

use std::borrow::Cow;

use http::StatusCode;
use oktant_base::{Code, Coded, codes};
use serde_json::{Value, json};

use crate::schema::Kind;

/// URN of an error body.
pub(crate) const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A request that is refused: status, `scimType` and a detail that an administrator will read.
///
/// Okta shows the detail to its administrators, so it says what to do. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    status: StatusCode,
    scim_type: Option<ScimType>,
    detail: Cow<'static, str>,
}

/// `scimType` of an error (RFC 7644, 3.12; RFC 9865, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    Sensitive,
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
}

impl ScimType {
    /// As written in a body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

impl Error {
    /// A refusal of any status.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 400 with a `scimType`.
    pub fn bad_request(scim_type: ScimType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { scim_type: Some(scim_type), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// 400 `invalidValue`: a value is missing, of the wrong type or not allowed.
    pub fn invalid_value(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`: the body is not what the request needs.
    pub fn invalid_syntax(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request(ScimType::InvalidFilter, detail)
    }

    /// 400 `mutability`: the attribute may not be written so.
    pub fn mutability(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request(ScimType::Mutability, detail)
    }

    /// 409 `uniqueness`: another resource has the value.
    pub fn uniqueness(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { scim_type: Some(ScimType::Uniqueness), ..Self::new(StatusCode::CONFLICT, detail) }
    }

    /// 401: no or bad credentials. The answer gains a `WWW-Authenticate` header.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: no resource of this kind has the id, whatever it looks like.
    pub fn not_found(kind: Kind, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{kind} {id:?} does not exist"))
    }

    /// 412: the resource is not in the version that `If-Match` names.
    pub fn version_mismatch() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "the resource has changed: read it again and repeat the request")
    }

    /// 500. The cause belongs into the log, not here.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed inside the service")
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The `scimType`, where the standard defines one.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// The text for administrators.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body of the answer.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.12: `status` is a text.
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR_SCHEMA], "status": self.status.as_str(), "detail": self.detail });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self.status {
            StatusCode::UNAUTHORIZED => codes::OKT6501,
            StatusCode::FORBIDDEN => codes::OKT6502,
            StatusCode::NOT_FOUND => codes::OKT6503,
            StatusCode::CONFLICT => codes::OKT6504,
            StatusCode::PRECONDITION_FAILED => codes::OKT6505,
            StatusCode::TOO_MANY_REQUESTS => codes::OKT6506,
            status if status.is_server_error() => codes::OKT6509,
            _ => codes::OKT6500,
        }
    }
}
