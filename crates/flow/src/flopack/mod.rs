//! The flopack format, versions 1.2.0 to 1.5.0: what Okta Workflows exports and imports.
//!
//! # Source
//! The form was read from the exports of Okta's public workflow templates.

mod card;
mod export;
mod flow;
mod import;
mod json;
mod layout;
mod order;
mod patch;
mod schema;

use oktant_base::{Code, Coded, codes};
use serde_json::Value;

pub use export::export;
pub use import::import;
pub use schema::Warning;

pub(crate) use layout::{is_mirror, is_template, is_where};

use crate::model::Project;

/// What an import gives.
#[derive(Debug)]
pub struct Imported {
    /// The flows and what they share.
    pub project: Project,
    /// Keys that the format does not know, by place. They are kept and exported again.
    pub warnings: Vec<Warning>,
}

/// Why a flopack cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FlopackError {
    /// The text is not JSON.
    #[error("the flopack is not JSON")]
    Json(#[source] serde_json::Error),
    /// Something is not as the format has it.
    #[error("{place}: {problem}")]
    Format {
        /// Where, from the outside in.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The graph says something that a flopack cannot.
    #[error("flow {flow}: {reason}")]
    Refused {
        /// The flow.
        flow: String,
        /// What and where.
        reason: String,
    },
}

impl Coded for FlopackError {
    fn code(&self) -> Code {
        match self {
            Self::Json(_) | Self::Format { .. } => codes::OKT4101,
            Self::Refused { .. } => codes::OKT4102,
        }
    }
}

/// Drops from the head of a pack what an export writes anew.
fn normalise_head(pack: &mut Value) {
    pack["version"] = "1.5.0".into();
    if let Some(pack) = pack.as_object_mut() {
        pack.shift_remove("checksum");
    }
}
