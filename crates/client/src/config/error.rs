//! What is wrong with a configuration: all of it at once, each with the place it came from.

use std::fmt;
use std::path::PathBuf;

use oktant_base::{Code, Coded, codes};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, with the line where the parser gives one.
    File {
        /// Its path.
        path: PathBuf,
        /// The line, from 1.
        line: Option<u64>,
    },
    /// An environment variable, by its name.
    Variable(String),
    /// The values that the program passed.
    Code,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Code => f.write_str("the values passed in code"),
        }
    }
}

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key, such as `okta.client.orgUrl`; empty where a whole file is meant.
    pub key: String,
    /// Where the value came from; `None` for a value that is missing.
    pub source: Option<Source>,
    /// Its code.
    pub code: Code,
    /// What is wrong; never the value of a secret.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Problem {
    pub(super) fn new(key: &str, source: Option<Source>, code: Code, message: impl Into<String>) -> Self {
        Self { key: key.to_owned(), source, code, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.source.iter().try_for_each(|source| write!(f, " ({source})"))
    }
}

/// The problems of a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The problems: files first, then variables, code, and what is missing.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "{one}"),
            many => {
                write!(f, "{} settings are wrong: ", many.len())?;
                let texts: Vec<String> = many.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
        }
    }
}

impl std::error::Error for Error {}

impl Coded for Error {
    fn code(&self) -> Code {
        self.problems.first().map_or(codes::OKT1004, |problem| problem.code)
    }

    fn hint(&self) -> Option<String> {
        let mut hints: Vec<&str> = Vec::new();
        for problem in &self.problems {
            let hint = problem.hint.as_deref().unwrap_or_else(|| problem.code.fix());
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        Some(hints.join("; "))
    }
}
