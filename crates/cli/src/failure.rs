//! What can go wrong in the program itself, and the one type that carries any error to the end.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use oktant_base::{Code, Coded, Report, codes};

use crate::output::Format;

/// Any error on its way to the user.
#[derive(Debug)]
pub(crate) struct Failure(Box<dyn Coded + Send + Sync>);

/// What functions of this crate return.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl<E: Coded + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl Failure {
    /// The code of the error.
    pub(crate) fn code(&self) -> Code {
        self.0.code()
    }

    /// The error itself.
    pub(crate) fn error(&self) -> &(dyn Coded + Send + Sync + 'static) {
        &*self.0
    }

    /// The error laid out for people.
    pub(crate) fn report(&self) -> String {
        Report(&*self.0).to_string()
    }

    /// Whether the reader of our output has gone away, which is no one's mistake. A pipe that broke
    /// elsewhere, as on the way to the org, is an error like any other.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let error: &(dyn std::error::Error + 'static) = &*self.0;
        matches!(error.downcast_ref(), Some(Error::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Mistakes and failures of the command line itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{problem}")]
    Usage { problem: String, hint: String },

    #[error("no org is given")]
    NoOrg,

    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },

    #[error("{} does not hold faults", path.display())]
    Faults { path: PathBuf, source: serde_json::Error },

    #[error("{} exists and says something else{}", path.display(), entry.as_ref().map(|id| format!(" of \"{id}\"")).unwrap_or_default())]
    Exists { path: PathBuf, entry: Option<String> },

    #[error("{path} has no flow {flow}")]
    NoFlow { path: String, flow: String },

    #[error("{} does not hold objects and fields", path.display())]
    SalesforceSchema { path: PathBuf, source: oktant_sandbox::SalesforceSchemaError },

    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },

    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),

    #[error("cannot read standard input")]
    Stdin(#[source] io::Error),

    #[error("cannot write the rows as {format}")]
    Encode { format: Format, source: ArrowError },

    #[error("unknown error code \"{0}\"")]
    UnknownCode(String),

    #[error("{host} does not resolve")]
    Resolve { host: String, source: io::Error },

    #[error("{address} does not accept connections")]
    Reach { address: String, source: io::Error },

    #[error("this machine's clock is {seconds} s {direction} the org's")]
    Clock { seconds: u64, direction: &'static str },

    #[error("the answer is not a list: {0}")]
    NotAList(String),

    #[error("the terminal cannot be used")]
    Terminal(#[source] io::Error),

    #[error("the runtime cannot start")]
    Runtime(#[source] io::Error),

    #[error("connection \"{name}\" does not work: {problem}")]
    NotWorking { name: String, problem: String, code: Code, hint: &'static str },

    #[error("connection \"{name}\" is used by flows that are on: {flows}")]
    InUse { name: String, flows: String },

    #[error("the file {} holds no password", .0.display())]
    NoPassword(PathBuf),

    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wrong usage and the way out of it.
    pub(crate) fn misuse(problem: impl Into<String>, hint: &str) -> Self {
        Self::Usage { problem: problem.into(), hint: hint.to_owned() }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Usage { .. }
            | Self::UnknownCode(_)
            | Self::NoPassword(_)
            | Self::Exists { .. }
            | Self::InUse { .. }
            | Self::NoFlow { .. } => codes::OKT4001,
            Self::NotWorking { code, .. } => *code,
            Self::NoOrg => codes::OKT4003,
            Self::Read { .. } | Self::Write { .. } | Self::Stdout(_) | Self::Stdin(_) | Self::Terminal(_) => {
                codes::OKT4002
            }
            Self::Resolve { .. } | Self::Reach { .. } => codes::OKT2001,
            Self::Clock { .. } => codes::OKT1015,
            Self::Faults { .. } | Self::SalesforceSchema { .. } => codes::OKT5001,
            Self::Encode { .. } => codes::OKT3006,
            Self::NotAList(_) => codes::OKT2004,
            Self::Runtime(_) => codes::OKT9001,
            Self::Interrupted => codes::OKT3010,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::NotWorking { hint, .. } => Some((*hint).to_owned()),
            Self::NoPassword(_) => Some("write the password as its first line".to_owned()),
            Self::Faults { .. } => Some("write an array as docs/reference/faults.md describes".to_owned()),
            Self::Exists { .. } => Some("choose another folder, or replace what is there with --force".to_owned()),
            Self::InUse { .. } => Some(
                "bind them to another one with `oktant flow bind`, switch them off, or remove it all the same with --force"
                    .to_owned(),
            ),
            Self::NoFlow { .. } => Some("`oktant flow list` shows the flows".to_owned()),
            Self::SalesforceSchema { .. } => Some("docs/guides/sandbox.md shows the form of the file".to_owned()),
            Self::UnknownCode(_) => Some("`oktant explain` lists every code".to_owned()),
            Self::Clock { .. } => {
                Some("set the clock by a time server: tokens are refused when clocks differ".to_owned())
            }
            Self::NotAList(_) => Some("leave --all out to see the answer as it is".to_owned()),
            Self::Encode { .. } => Some("choose another --output, or cast the column to VARCHAR".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_output_may_break_off_in_silence() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let on_the_way = oktant_client::Error::Connect {
            host: "acme.okta.com".to_owned(),
            failure: oktant_client::ConnectFailure::Interrupted,
            source: Box::new(broken()),
        };
        assert!(!Failure::from(on_the_way).is_broken_pipe());
        assert!(!Failure::from(Error::Write { path: "rows.csv".into(), source: broken() }).is_broken_pipe());
        assert!(!Failure::from(Error::Stdout(io::Error::from(io::ErrorKind::StorageFull))).is_broken_pipe());
        assert!(Failure::from(Error::Stdout(broken())).is_broken_pipe());
    }
}
