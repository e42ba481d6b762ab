//! What can go wrong with connections and connectors.

use oktant_base::{Code, Coded, codes};

use crate::connection::ID;
use crate::guard::Refusal;

/// Why something with a connection or a connector did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The egress guard refuses an address.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No connection has this name.
    #[error("{}", unknown(.0))]
    UnknownConnection(String),
    /// A connection of this name exists already.
    #[error("there is a connection \"{0}\" already")]
    ConnectionExists(String),
    /// The service no longer accepts the credentials.
    #[error("connection \"{name}\" is broken: {reason}")]
    Broken {
        /// Its name.
        name: String,
        /// What the service said.
        reason: String,
    },
    /// Secrets cannot be opened or sealed.
    #[error("{0}")]
    Key(String),
    /// The database failed.
    #[error("the store at {location} failed: {problem}")]
    Store {
        /// Its address, without credentials.
        location: String,
        /// What went wrong.
        problem: String,
    },
    /// A setting of a connection is missing or wrong.
    #[error("{problem}")]
    Setting {
        /// What is wrong.
        problem: String,
        /// How to mend it.
        hint: String,
    },
    /// A manifest cannot be used.
    #[error("the manifest of {connector} cannot be used: {problem}")]
    Manifest {
        /// Which one.
        connector: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No table of flows has this id.
    #[error("there is no table \"{0}\"")]
    UnknownTable(String),
    /// A service was not reached.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// Its host.
        host: String,
        /// The library's words.
        reason: String,
        /// Whether it certainly did not get the request.
        unsent: bool,
    },
    /// A service answered something that is no answer.
    #[error("the answer of {host} cannot be read: {reason}")]
    Unreadable {
        /// Its host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A token endpoint refused.
    #[error("{host} refused with {error}{}", if .description.is_empty() { String::new() } else { format!(": {}", .description) })]
    OAuth {
        /// Host of the endpoint.
        host: String,
        /// OAuth error word.
        error: String,
        /// The service's explanation.
        description: String,
    },
    /// An access token could not be renewed, for a reason that may pass; no request was sent with it.
    #[error("the access token of connection \"{name}\" cannot be renewed now: {cause}")]
    Renewal {
        /// Name of the connection.
        name: String,
        /// What became of the request for the token.
        cause: Box<Error>,
    },
    /// A person's sign-in did not complete.
    #[error("{cause}")]
    SignIn {
        /// What became of it.
        cause: oktant_client::Error,
        /// Where the browser was to come back to.
        redirect_uri: String,
    },
    /// The Okta client failed.
    #[error(transparent)]
    Okta(#[from] oktant_client::Error),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Refused(_) => codes::OKT4501,
            Self::UnknownConnection(_) => codes::OKT4502,
            Self::Broken { .. } => codes::OKT4503,
            Self::Key(_) => codes::OKT4504,
            Self::Store { .. } => codes::OKT4505,
            Self::Setting { .. } | Self::ConnectionExists(_) => codes::OKT4507,
            Self::Manifest { .. } => codes::OKT4508,
            Self::UnknownTable(_) => codes::OKT4509,
            Self::Unreachable { .. } | Self::Unreadable { .. } => codes::OKT4506,
            Self::OAuth { .. } => codes::OKT1015,
            Self::Renewal { cause, .. } => cause.code(),
            Self::SignIn { cause, .. } => cause.code(),
            Self::Okta(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Setting { hint, .. } => Some(hint.clone()),
            Self::ConnectionExists(_) => Some("--replace authorises it anew and keeps its bindings".to_owned()),
            Self::UnknownConnection(id) if id.starts_with(ID) => Some(
                "bind the flow to another one: `oktant flow bind FLOW PLACEHOLDER=CONNECTION`; `oktant connect list` \
                 shows those there are"
                    .to_owned(),
            ),
            Self::Broken { name, .. } => {
                Some(format!("authorise it again: `oktant connect … {name} --replace`; its flows keep their binding"))
            }
            Self::SignIn { redirect_uri, .. } => Some(format!(
                "sign in as someone who may use the app, and allow what it asks for; the app must have {redirect_uri} as a \
                 callback URL (--set redirect_uri=http://localhost:PORT names another one)"
            )),
            Self::Okta(error) => error.hint(),
            _ => None,
        }
    }
}

/// Who reads of it never saw the id of a connection.
fn unknown(id_or_name: &str) -> String {
    match id_or_name.strip_prefix(ID) {
        Some(_) => format!("the connection that the card is bound to was removed (its id was {id_or_name})"),
        None => format!("there is no connection \"{id_or_name}\""),
    }
}

impl Error {
    pub(crate) fn setting(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Setting { problem: problem.into(), hint: hint.into() }
    }
}
