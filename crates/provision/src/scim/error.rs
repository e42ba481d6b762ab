//! What can go wrong between a request to the target and its answer.

use std::time::Duration;

use http::StatusCode;
use oktant_base::{Code, Coded, codes};

use super::{Repeat, Request};

/// Why a request to the target was not answered as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client cannot be made.
    #[error("the target cannot be used: {problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },

    /// 401.
    #[error("the target refused the token{}", after_colon(.detail))]
    Unauthorized {
        /// The target's words.
        detail: String,
    },

    /// 403.
    #[error("{method} {path} is forbidden{}", after_colon(.detail))]
    Forbidden {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// The target's words; of a page, its first 200 characters.
        detail: String,
        /// Whether the answer was a web page and no SCIM error.
        html: bool,
    },

    /// 404.
    #[error("{method} {path} finds nothing{}", after_colon(.detail))]
    NotFound {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// The target's words.
        detail: String,
    },

    /// 409, or 400 with the type `uniqueness`.
    #[error("{method} {path} conflicts with what is there{}", after_colon(.detail))]
    Conflict {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// The target's words.
        detail: String,
    },

    /// 412: the resource was changed meanwhile.
    #[error("{method} {path} was changed by someone else meanwhile")]
    Changed {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
    },

    /// Another 4xx.
    #[error("{method} {path} was rejected with {status}{}", after_colon(.detail))]
    Rejected {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// Status.
        status: u16,
        /// The target's words.
        detail: String,
    },

    /// 429, also after waiting.
    #[error("{method} {path} was throttled {} times", .tries.max(&1))]
    Throttled {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// The wait that the target asked for.
        retry_after: Option<Duration>,
        /// Attempts made.
        tries: u32,
    },

    /// 5xx, also after retries.
    #[error("{method} {path} failed at the target with {status}{}{}", after_colon(.detail), times(*.tries))]
    Failed {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// Status.
        status: u16,
        /// The target's words.
        detail: String,
        /// The wait that the target asked for.
        retry_after: Option<Duration>,
        /// Attempts made.
        tries: u32,
    },

    /// The target was not reached, or the connection was lost.
    #[error("{host} cannot be reached for {method} {path}{}", times(*.tries))]
    Transport {
        /// Host of the target.
        host: String,
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// Whether the request certainly never left.
        unsent: bool,
        /// Attempts made.
        tries: u32,
        /// The library's own words.
        #[source]
        source: reqwest::Error,
    },

    /// An answer outside the protocol: a redirect, a page, or JSON of another shape.
    #[error("the answer to {method} {path} cannot be read: {reason}")]
    Unreadable {
        /// Method of the request.
        method: String,
        /// Path below the base URL.
        path: String,
        /// What is wrong with it.
        reason: String,
    },

    /// An answer that is larger than is held in memory.
    #[error("the answer to GET {path} is larger than 64 MiB")]
    TooLarge {
        /// Path below the base URL.
        path: String,
    },
}

impl Error {
    /// `what` was found wrong with a body. The error of the parser quotes it, so that only the place is named.
    pub(super) fn malformed(request: &Request, what: &str, error: &serde_json::Error) -> Self {
        Self::unreadable(request, format!("{what} (line {}, column {})", error.line(), error.column()))
    }

    pub(super) fn unreadable(request: &Request, reason: String) -> Self {
        Self::Unreadable { method: request.method.to_string(), path: request.path(), reason }
    }

    pub(super) fn transport(request: &Request, host: &str, source: reqwest::Error) -> Self {
        Self::Transport {
            host: host.to_owned(),
            method: request.method.to_string(),
            path: request.path(),
            unsent: source.is_connect(),
            tries: 1,
            source: source.without_url(),
        }
    }

    /// Whether sending the request again could help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Transport { .. } => true,
            // 501 says that it never will.
            Self::Failed { status, .. } => *status != StatusCode::NOT_IMPLEMENTED.as_u16(),
            _ => false,
        }
    }

    /// Whether the target may have done what was asked although it did not say so.
    pub(crate) fn is_uncertain(&self) -> bool {
        match self {
            Self::Transport { unsent, .. } => !unsent,
            Self::Failed { .. } | Self::Unreadable { .. } => true,
            _ => false,
        }
    }

    /// Whether the whole run has to stop, because every other request would fail as well.
    pub(crate) fn stops_the_run(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Setup { .. })
    }

    /// Whether it is one of the target's refusals that an administrator there has to lift.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::Conflict { .. })
    }

    /// Whether an attempt after this error may be made under `repeat`.
    pub(super) fn may_repeat(&self, repeat: Repeat) -> bool {
        self.is_transient() && (repeat == Repeat::Safe || !self.is_uncertain())
    }

    /// The same with the number of attempts.
    pub(super) fn after(mut self, made: u32) -> Self {
        if let Self::Throttled { tries, .. } | Self::Failed { tries, .. } | Self::Transport { tries, .. } = &mut self {
            *tries = made;
        }
        self
    }

    /// The HTTP status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { .. } => Some(401),
            Self::Forbidden { .. } => Some(403),
            Self::NotFound { .. } => Some(404),
            Self::Conflict { .. } => Some(409),
            Self::Changed { .. } => Some(412),
            Self::Throttled { .. } => Some(429),
            Self::Rejected { status, .. } | Self::Failed { status, .. } => Some(*status),
            Self::Setup { .. } | Self::Transport { .. } | Self::Unreadable { .. } | Self::TooLarge { .. } => None,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Setup { .. } => codes::OKT6004,
            Self::Unauthorized { .. } => codes::OKT6005,
            Self::Forbidden { .. } => codes::OKT6006,
            Self::Transport { .. } => codes::OKT6007,
            Self::Unreadable { .. } | Self::TooLarge { .. } => codes::OKT6008,
            Self::Throttled { .. } | Self::Failed { .. } => codes::OKT6014,
            Self::NotFound { .. } | Self::Conflict { .. } | Self::Changed { .. } | Self::Rejected { .. } => {
                codes::OKT6015
            }
        }
    }

    /// # Source
    ///
    /// Okta support articles on the Snowflake integration: the texts that administrators see and their causes.
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unauthorized { detail } if detail.to_ascii_lowercase().contains("expired") => {
                "the token has reached its end of life: generate a new one \
                 (Snowflake: SYSTEM$GENERATE_SCIM_ACCESS_TOKEN), put it in place and run again"
            }
            Self::Unauthorized { detail } if detail.to_ascii_lowercase().contains("disabled") => {
                "enable the integration at the target, its tokens stay valid \
                 (Snowflake: ALTER SECURITY INTEGRATION … SET ENABLED = TRUE)"
            }
            Self::Forbidden { html: true, .. } => {
                "the answer is a web page: a network policy does not allow this machine's address, the integration \
                 is disabled, or the host is wrong"
            }
            Self::Forbidden { .. } => {
                "check the network policy of the integration, and that the role it runs as owns the object"
            }
            Self::TooLarge { .. } => "set target.page_size lower",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn after_colon(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

fn times(tries: u32) -> String {
    if tries > 1 { format!(" ({tries} attempts)") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_token_is_told_from_a_disabled_integration() {
        let hint = |detail: &str| Error::Unauthorized { detail: detail.to_owned() }.hint().unwrap_or_default();
        assert!(hint("Access token expired").contains("SYSTEM$GENERATE_SCIM_ACCESS_TOKEN"));
        assert!(hint("The security integration OKTA is disabled").contains("SET ENABLED = TRUE"));
        assert_eq!(hint("who are you"), "");
    }
}
