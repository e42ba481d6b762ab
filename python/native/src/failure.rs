//! Errors on their way to Python.

use std::error::Error;

use oktant_base::{Code, Coded, DbApi, codes};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule, PyTuple};

/// What an exception says, detached from the error it was made from, so that it can be raised
/// again by every later read of the same cursor.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Box<Contents>);

#[derive(Debug, Clone)]
struct Contents {
    code: Code,
    message: String,
    causes: Vec<String>,
    detail: Option<String>,
    hint: Option<String>,
    answer: Answer,
}

/// What the org said about itself, for Okta's support.
#[derive(Debug, Clone, Default)]
struct Answer {
    error_code: Option<String>,
    error_id: Option<String>,
    request_id: Option<String>,
}

impl Failure {
    /// A failure with the code's own advice.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Contents {
            code,
            message,
            causes: Vec::new(),
            detail: None,
            hint: None,
            answer: Answer::default(),
        }))
    }

    /// A mistake of ours.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(codes::OKT9001, message)
    }

    /// The statement was interrupted.
    pub(crate) fn cancelled() -> Self {
        Self::new(codes::OKT3010, "the statement was cancelled")
    }

    /// Adds `cause` and everything below it.
    pub(crate) fn caused_by(mut self, cause: &(dyn Error + 'static)) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            self.0.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// Adds causes that stand beside each other.
    pub(crate) fn with_causes(mut self, causes: impl Iterator<Item = String>) -> Self {
        self.0.causes.extend(causes);
        self
    }

    /// Replaces the code's advice.
    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Takes over code, text, causes and advice of a user-visible error.
    pub(crate) fn of<E: Coded + ?Sized>(error: &E) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        failure.0.detail = error.detail();
        failure.0.hint = error.hint();
        match error.source() {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    }

    /// One paragraph for places that hold text only, such as the error slot of an Arrow stream.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("[{}] {}", self.0.code.id(), self.0.message);
        for cause in &self.0.causes {
            text.push_str(": ");
            text.push_str(cause);
        }
        // The slot is a C string.
        text.replace('\0', " ")
    }

    fn raise(&self, py: Python<'_>) -> PyResult<PyErr> {
        static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
        let errors = ERRORS.get_or_try_init(py, || py.import("oktant.errors").map(Bound::unbind))?.bind(py);
        let contents = &self.0;
        let fields = PyDict::new(py);
        fields.set_item("code", contents.code.id())?;
        fields.set_item("sqlstate", contents.code.sqlstate())?;
        fields.set_item("hint", contents.hint.as_deref().unwrap_or_else(|| contents.code.fix()))?;
        fields.set_item("detail", contents.detail.as_deref())?;
        fields.set_item("causes", PyTuple::new(py, &contents.causes)?)?;
        fields.set_item("okta_error_code", contents.answer.error_code.as_deref())?;
        fields.set_item("okta_error_id", contents.answer.error_id.as_deref())?;
        fields.set_item("request_id", contents.answer.request_id.as_deref())?;
        let exception = errors.getattr(class_of(contents.code))?.call((&contents.message,), Some(&fields))?;
        Ok(PyErr::from_value(exception))
    }
}

impl From<&oktant_sql::Error> for Failure {
    fn from(error: &oktant_sql::Error) -> Self {
        let mut failure = Self::of(error);
        failure.0.answer = answer_behind(error).unwrap_or_default();
        failure
    }
}

impl From<&oktant_client::Error> for Failure {
    fn from(error: &oktant_client::Error) -> Self {
        let mut failure = Self::of(error);
        failure.0.answer = answer_of(error).unwrap_or_default();
        failure
    }
}

/// The org's answer that an error of the engine was caused by.
fn answer_behind(error: &oktant_sql::Error) -> Option<Answer> {
    let (oktant_sql::Error::Org { source, .. } | oktant_sql::Error::Page { source, .. }) = error else { return None };
    let source: &(dyn Error + 'static) = source.coded();
    answer_of(source.downcast_ref::<oktant_client::Error>()?)
}

/// The org's answer that an error of the client tells of.
fn answer_of(error: &oktant_client::Error) -> Option<Answer> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match error {
        oktant_client::Error::Api(api) => {
            Some(Answer { error_code: given(&api.code), error_id: given(&api.id), request_id: api.request_id.clone() })
        }
        oktant_client::Error::Decode { request_id, .. } => {
            Some(Answer { request_id: request_id.clone(), ..Answer::default() })
        }
        _ => None,
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| failure.raise(py).unwrap_or_else(|broken| broken))
    }
}

/// The name of the exception class of a code.
pub(crate) fn class_of(code: Code) -> &'static str {
    match code.db_api() {
        DbApi::Interface => "InterfaceError",
        DbApi::Data => "DataError",
        DbApi::Operational => "OperationalError",
        DbApi::Integrity => "IntegrityError",
        DbApi::Internal => "InternalError",
        DbApi::Programming => "ProgrammingError",
        DbApi::NotSupported => "NotSupportedError",
    }
}
