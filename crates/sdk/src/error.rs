//! What can go wrong with a typed call.

use std::fmt;

use oktant_base::{Code, Coded, codes};

/// Why a call gave no answer, or none that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call failed: see the inner error for how.
    #[error(transparent)]
    Client(#[from] oktant_client::Error),

    /// The org answered, but not what the operation promises.
    #[error(transparent)]
    Decode(#[from] Box<DecodeError>),
}

impl From<oktant_client::properties::Error> for Error {
    fn from(error: oktant_client::properties::Error) -> Self {
        Self::Client(error.into())
    }
}

impl From<oktant_client::config::Error> for Error {
    fn from(error: oktant_client::config::Error) -> Self {
        Self::Client(error.into())
    }
}

/// An answer that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Method of the request.
    pub method: &'static str,
    /// Path of the request, without its query.
    pub path: String,
    /// Place in the answer as a JSON path such as `$[3].profile.login`; `$` for the whole.
    pub at: String,
    /// What is wrong there.
    pub reason: String,
    /// The org's request id, if it gave one.
    pub request_id: Option<String>,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, at, reason, .. } = self;
        write!(f, "the answer to {method} {path} cannot be read")?;
        if at != "$" {
            write!(f, " at {at}")?;
        }
        write!(f, ": {reason}")
    }
}

impl std::error::Error for DecodeError {}

impl Error {
    /// The HTTP status that the org answered with, if it refused.
    pub fn status(&self) -> Option<u16> {
        self.client()?.status()
    }

    /// Okta's error code such as `E0000007`, if the org gave one.
    pub fn api_code(&self) -> Option<&str> {
        self.client()?.api_code()
    }

    /// The org's error object, if it sent one.
    pub fn api(&self) -> Option<&oktant_client::ApiError> {
        match self {
            Self::Client(oktant_client::Error::Api(error)) => Some(error),
            _ => None,
        }
    }

    /// The org's id of the answer that failed.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Client(oktant_client::Error::Api(error)) => error.request_id.as_deref(),
            Self::Client(oktant_client::Error::Decode { request_id, .. }) => request_id.as_deref(),
            Self::Client(_) => None,
            Self::Decode(error) => error.request_id.as_deref(),
        }
    }

    /// Whether the org says that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the org says that there is such an object already, or that two changes met.
    pub fn is_conflict(&self) -> bool {
        matches!(self.status(), Some(409 | 412)) || self.code().id() == codes::OKT2008.id()
    }

    /// Whether a limit of the org was the reason.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(429)
    }

    /// Whether the same call may succeed later: limits, time, the network and failures of the org.
    ///
    /// What is safe to repeat at once has been repeated before the error was handed out.
    pub fn is_retryable(&self) -> bool {
        let passing = |error: &oktant_client::Error| {
            use oktant_client::Error as E;
            matches!(error, E::RateLimited { .. } | E::Timeout { .. } | E::Connect { .. })
                || matches!(error.status(), Some(429 | 502..=504))
        };
        self.client().is_some_and(passing)
    }

    fn client(&self) -> Option<&oktant_client::Error> {
        match self {
            Self::Client(error) => Some(error),
            Self::Decode(_) => None,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Client(error) => error.code(),
            Self::Decode(_) => codes::OKT2004,
        }
    }

    fn hint(&self) -> Option<String> {
        self.client()?.hint()
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Client(error) => error.detail(),
            Self::Decode(error) => error.request_id.as_ref().map(|id| format!("request id {id}")),
        }
    }
}
