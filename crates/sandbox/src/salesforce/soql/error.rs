//! What is wrong with a query, and where.

use crate::salesforce::error::Refusal;

/// An error of a query, before it is shown with the query's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct SoqlError {
    code: &'static str,
    message: String,
    /// Byte where it is; `None` where no place is shown.
    at: Option<usize>,
}

impl SoqlError {
    pub(super) fn malformed(message: impl Into<String>, at: usize) -> Self {
        Self { code: "MALFORMED_QUERY", message: message.into(), at: Some(at) }
    }

    pub(super) fn invalid_field(message: impl Into<String>, at: usize) -> Self {
        Self { code: "INVALID_FIELD", message: message.into(), at: Some(at) }
    }

    pub(super) fn invalid_type(message: impl Into<String>, at: usize) -> Self {
        Self { code: "INVALID_TYPE", message: message.into(), at: Some(at) }
    }

    /// An error that is shown without the text.
    pub(super) fn plain(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), at: None }
    }

    /// The error with the line of the query that it is in and a caret below the place.
    pub(in super::super) fn shown(&self, query: &str) -> Refusal {
        let Some(at) = self.at else { return Refusal::new(self.code, self.message.clone()) };
        let before = &query[..query.floor_char_boundary(at)];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let row = before.matches('\n').count() + 1;
        let column = before[start..].chars().count();
        let line = query[start..].lines().next().unwrap_or_default();
        let caret = " ".repeat(column);
        let message = format!("\n{line}\n{caret}^\nERROR at Row:{row}:Column:{}\n{}", column + 1, self.message);
        Refusal::new(self.code, message)
    }
}
