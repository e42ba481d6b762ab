//! What the REST API refuses, in the form that it refuses in.

use std::borrow::Cow;

use axum::http::StatusCode;
use serde_json::{Value, json};

/// One entry of an error body: `{"message", "errorCode", "fields"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    /// The fields it is about; `None` where no field can be.
    pub(super) fields: Option<Vec<String>>,
}

impl Refusal {
    /// An error with status 400.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: code.into(), message: message.into(), fields: None }
    }

    /// An error with status 400 about one field.
    pub(super) fn field(code: &'static str, message: impl Into<String>, field: &str) -> Self {
        Self { fields: Some(vec![field.to_owned()]), ..Self::new(code, message) }
    }

    /// The same error with another status.
    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// An error of a record, whose list of fields is there even if empty.
    pub(super) fn of_record(self) -> Self {
        Self { fields: Some(self.fields.unwrap_or_default()), ..self }
    }

    pub(super) fn not_found() -> Self {
        Self::new("NOT_FOUND", "The requested resource does not exist").status(StatusCode::NOT_FOUND)
    }

    pub(super) fn no_record(id: &str) -> Self {
        let message = format!("Provided external ID field does not exist or is not accessible: {id}");
        Self::new("NOT_FOUND", message).status(StatusCode::NOT_FOUND)
    }

    pub(super) fn deleted() -> Self {
        Self { fields: Some(Vec::new()), ..Self::new("ENTITY_IS_DELETED", "entity is deleted") }
            .status(StatusCode::NOT_FOUND)
    }

    pub(super) fn invalid_session() -> Self {
        Self::new("INVALID_SESSION_ID", "Session expired or invalid").status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn request_limit() -> Self {
        Self::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").status(StatusCode::FORBIDDEN)
    }

    pub(super) fn json_parser(message: impl Into<String>) -> Self {
        Self::new("JSON_PARSER_ERROR", message)
    }

    /// A value of a body that its field cannot be read from.
    pub(super) fn cannot_read(kind: &str, value: &Value) -> Self {
        let token = match value {
            Value::Null => "VALUE_NULL",
            Value::Bool(true) => "VALUE_TRUE",
            Value::Bool(false) => "VALUE_FALSE",
            Value::Number(number) if number.is_f64() => "VALUE_NUMBER_FLOAT",
            Value::Number(_) => "VALUE_NUMBER_INT",
            Value::String(_) => "VALUE_STRING",
            Value::Array(_) => "START_ARRAY",
            Value::Object(_) => "START_OBJECT",
        };
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self::json_parser(format!("Cannot deserialize instance of {kind} from {token} value {shown}"))
    }

    /// As an entry of an error body.
    pub(super) fn entry(&self) -> Value {
        let mut entry = json!({ "message": self.message, "errorCode": self.code });
        if let Some(fields) = &self.fields {
            entry["fields"] = json!(fields);
        }
        entry
    }

    /// As an entry of a collection's result.
    pub(super) fn collection_entry(&self) -> Value {
        json!({ "statusCode": self.code, "message": self.message, "fields": self.fields.clone().unwrap_or_default() })
    }
}
