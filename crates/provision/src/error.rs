//! What can go wrong with a whole run. What goes wrong with one object is an outcome in its log.

use std::path::PathBuf;

use oktant_base::{Code, Coded, codes};

use crate::scim;

/// Why a run could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provisioning file cannot be read.
    #[error("cannot read {}", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },

    /// The provisioning file is not what it should be.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// How to mend it, if that can be said.
        hint: Option<String>,
    },

    /// An expression or a target attribute is wrong.
    #[error("mapping of {attribute}: {problem}")]
    Mapping {
        /// The target attribute as written.
        attribute: String,
        /// What is wrong.
        problem: String,
    },

    /// The base URL of the target cannot be used.
    #[error("target.url {url} cannot be used: {problem}")]
    Address {
        /// The URL.
        url: String,
        /// What is wrong.
        problem: String,
        /// The URL that would do.
        hint: Option<String>,
    },

    /// The application cannot be provisioned from.
    #[error("{problem}")]
    Application {
        /// What is wrong.
        problem: String,
        /// How to mend it, if that can be said.
        hint: Option<String>,
    },

    /// A group of the file cannot be pushed.
    #[error("{problem}")]
    Group {
        /// What is wrong.
        problem: String,
        /// How to mend it.
        hint: String,
    },

    /// The org did not answer.
    #[error(transparent)]
    Org(#[from] oktant_client::Error),

    /// The org's answer has not the shape that was expected.
    #[error("the org's answer to {operation} cannot be read")]
    OrgAnswer {
        /// The operation.
        operation: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },

    /// The target did not answer as it should.
    #[error(transparent)]
    Target(#[from] scim::Error),

    /// A list of the target is not whole.
    #[error("the list {path} of the target is incomplete: {problem}")]
    Incomplete {
        /// Path of the list.
        path: String,
        /// What gives it away.
        problem: String,
    },

    /// A safeguard stopped the run before its first write.
    #[error("{}", .0.join("; "))]
    Safeguard(Vec<String>),

    /// The state file cannot be used.
    #[error("state {}: {problem}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },

    /// The database of the state failed.
    #[error("the state cannot be read or written")]
    Database(#[from] rusqlite::Error),

    /// Another run holds the state.
    #[error("another run uses {}", .0.display())]
    Busy(PathBuf),

    /// Some objects were not provisioned.
    #[error("{failed} of {total} changes failed or are blocked")]
    Unfinished {
        /// Changes that failed or are blocked.
        failed: usize,
        /// All changes of the plan.
        total: usize,
        /// The first reasons.
        reasons: Vec<String>,
    },

    /// An object that a command names does not exist.
    #[error("{0} is neither assigned to the application nor known from an earlier run")]
    UnknownUser(String),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::ReadConfig { .. } | Self::Config { .. } => codes::OKT6001,
            Self::Mapping { .. } => codes::OKT6002,
            Self::Address { .. } => codes::OKT6004,
            Self::Application { .. } => codes::OKT6003,
            Self::Group { .. } => codes::OKT6016,
            Self::Org(error) => error.code(),
            Self::OrgAnswer { .. } => codes::OKT2004,
            Self::Target(error) => error.code(),
            Self::Incomplete { .. } => codes::OKT6009,
            Self::Safeguard(_) => codes::OKT6010,
            Self::State { .. } | Self::Database(_) => codes::OKT6011,
            Self::Busy(_) => codes::OKT6012,
            Self::Unfinished { .. } => codes::OKT6013,
            Self::UnknownUser(_) => codes::OKT2006,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config { hint, .. } | Self::Address { hint, .. } | Self::Application { hint, .. } => hint.clone(),
            Self::Group { hint, .. } => Some(hint.clone()),
            Self::Org(error) => error.hint(),
            Self::Target(error) => error.hint(),
            Self::UnknownUser(_) => Some("give the login, the user name at the target or the Okta id".to_owned()),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Org(error) => error.detail(),
            Self::Target(error) => error.detail(),
            Self::Unfinished { reasons, .. } if !reasons.is_empty() => Some(reasons.join("; ")),
            _ => None,
        }
    }
}
