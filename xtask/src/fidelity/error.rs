//! Why fidelity could not be measured, or is too low.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of `cargo xtask fidelity`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A recording is not of the expected form.
    #[error("cannot parse {}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A sandbox did not start.
    #[error("cannot start a sandbox for {script}")]
    Sandbox {
        /// The recording that it was for.
        script: String,
        /// Why.
        #[source]
        source: oktant_sandbox::Error,
    },
    /// The sandbox did not answer.
    #[error("no answer to request {index} of {script}")]
    Request {
        /// The recording.
        script: String,
        /// Its request, from 0.
        index: usize,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing was replayed, so that nothing was measured.
    #[error("no request was replayed: no recording fits what was asked for")]
    NothingReplayed,
    /// The answers differ too much.
    #[error("the sandbox is not faithful enough: {0}")]
    BelowThreshold(String),
}

impl Error {
    pub(super) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }
}
