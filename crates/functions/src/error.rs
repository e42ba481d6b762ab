//! Why a card of a flow fails.

use oktant_base::{Code, Coded, codes};

use crate::convert::Type;

/// Why a function gives no result: the error of the card that runs it.
///
/// The message names kinds of values and never contains one, since values may be secrets.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FunctionError {
    /// What went wrong, in lower case and without a full stop.
    pub message: String,
    /// Its entry in the table of codes.
    pub code: Code,
    /// How to mend it here, if the code's own advice is not enough.
    pub hint: Option<String>,
}

impl FunctionError {
    /// The value has a type that does not fit: OKT4201.
    pub fn mismatch(expected: &Type, actual: impl std::fmt::Display) -> Self {
        Self::new(codes::OKT4201, format!("expected {}, got {actual}", expected.phrase()))
    }

    /// A required input has no value: OKT4202.
    pub fn missing(key: &str) -> Self {
        Self::new(codes::OKT4202, format!("Missing required input: {key}"))
    }

    /// The value is of the right type, but the function has no result for it: OKT4203.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(codes::OKT4203, message)
    }

    /// A limit was reached: OKT4204.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(codes::OKT4204, message)
    }

    /// The same error, named after the input it occurred at.
    #[must_use]
    pub fn at(mut self, key: &str) -> Self {
        self.message = format!("{key}: {}", self.message);
        self
    }

    /// The same error with advice of its own.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, hint: None }
    }
}

impl Coded for FunctionError {
    fn code(&self) -> Code {
        self.code
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}
