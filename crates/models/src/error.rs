//! What can go wrong while reading.

use oktant_base::{Code, Coded, codes};

use crate::Warning;

/// JSON that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not JSON.
    #[error("the text is not JSON")]
    Syntax(#[source] serde_json::Error),
    /// The text is JSON of another kind than the model.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// The kind of the model.
        expected: &'static str,
        /// The kind of the text.
        found: &'static str,
    },
    /// The text deviates from the description, and nothing is to be tolerated.
    #[error("{} deviations from the description, first {}", .0.len(), first(.0))]
    Deviations(Vec<Warning>),
}

impl Coded for Error {
    fn code(&self) -> Code {
        codes::OKT2004
    }
}

fn first(warnings: &[Warning]) -> String {
    warnings.first().map(ToString::to_string).unwrap_or_default()
}
