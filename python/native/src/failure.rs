//! Errors on their way to Python.

use std::error::Error;

use oktant_base::{Code, Coded, DbApi, codes};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule, PyTuple};

/// What an exception says, detached from the error it was made from, so that it can be raised
/// again by every later read of the same cursor.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    causes: Vec<String>,
    detail: Option<String>,
    hint: Option<String>,
    answer: Answer,
}

/// What the org said about itself, for Okta's support.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) error_code: Option<String>,
    pub(crate) error_id: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Failure {
    /// A failure with the code's own advice.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), causes: Vec::new(), detail: None, hint: None, answer: Answer::default() }
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
            self.causes.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// Adds what the org said.
    pub(crate) fn answered(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// Takes over code, text, causes and advice of a user-visible error.
    pub(crate) fn of<E: Coded + ?Sized>(error: &E) -> Self {
        let mut failure = Self::new(error.code(), error.to_string());
        failure.detail = error.detail();
        failure.hint = error.hint();
        match error.source() {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    }

    /// One paragraph for places that hold text only, such as the error slot of an Arrow stream.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("[{}] {}", self.code.id(), self.message);
        for cause in &self.causes {
            text.push_str(": ");
            text.push_str(cause);
        }
        // The slot is a C string.
        text.replace('\0', " ")
    }

    fn raise(&self, py: Python<'_>) -> PyResult<PyErr> {
        static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
        let errors = ERRORS.get_or_try_init(py, || py.import("oktant.errors").map(Bound::unbind))?.bind(py);
        let fields = PyDict::new(py);
        fields.set_item("code", self.code.id())?;
        fields.set_item("sqlstate", self.code.sqlstate())?;
        fields.set_item("hint", self.hint.as_deref().unwrap_or_else(|| self.code.fix()))?;
        fields.set_item("detail", self.detail.as_deref())?;
        fields.set_item("causes", PyTuple::new(py, &self.causes)?)?;
        fields.set_item("okta_error_code", self.answer.error_code.as_deref())?;
        fields.set_item("okta_error_id", self.answer.error_id.as_deref())?;
        fields.set_item("request_id", self.answer.request_id.as_deref())?;
        let exception = errors.getattr(class_of(self.code))?.call((&self.message,), Some(&fields))?;
        Ok(PyErr::from_value(exception))
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
