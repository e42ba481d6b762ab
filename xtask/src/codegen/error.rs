//! Why the catalogue could not be generated.

use std::path::PathBuf;

/// A failure of `cargo xtask codegen`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// An API description is not YAML.
    #[error("cannot parse {}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// Where and why, boxed since it is large.
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    /// The overlay is not TOML, or has a key that does not exist.
    #[error("cannot parse {}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where and why, boxed since it is large.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// An API description has a shape that the generator does not know.
    #[error("{place}: {problem}")]
    Description {
        /// Operation or schema.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The overlay contradicts the description.
    #[error("catalog/overlay.toml:{line}: {problem}")]
    Overlay {
        /// Line of the entry, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// `rustfmt` refused what was generated.
    #[error("rustfmt failed on {file}: {message}")]
    Format {
        /// The generated file.
        file: String,
        /// What it said.
        message: String,
    },
    /// `--check` found that committed files are not what the inputs give.
    #[error("the committed catalogue differs from what `cargo xtask codegen` writes:\n{0}")]
    Outdated(String),
}

impl Error {
    /// A problem with a place of the description.
    pub fn description(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Description { place: place.into(), problem: problem.into() }
    }
}
