//! What goes wrong outside the cards of a flow.

use std::path::PathBuf;

use oktant_base::{Code, Coded, codes};
use oktant_store::StoreError;

use crate::journal::RunState;
use crate::name::Name;

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The journal's database failed.
    #[error("the journal of the engine cannot be used")]
    Journal(#[source] Box<StoreError>),
    /// The file that keeps other engines away cannot be made.
    #[error("the journal cannot be locked by {}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another engine runs from the same file.
    #[error("another engine runs from this journal: it holds {}", path.display())]
    Locked {
        /// The file it holds.
        path: PathBuf,
    },
    /// No flow has this id or alias.
    #[error("there is no flow {0:?}")]
    NoFlow(String),
    /// The flow is switched off.
    #[error("flow {0:?} is switched off")]
    Off(String),
    /// No run has this id.
    #[error("there is no run {0:?}")]
    NoRun(String),
    /// The run is in a state that does not allow it.
    #[error("run {run} is {}: {wanted}", state.name())]
    WrongState {
        /// The run.
        run: String,
        /// Its state.
        state: RunState,
        /// What cannot be done, and why.
        wanted: &'static str,
    },
    /// What is to be decided about is not one step.
    #[error(
        "{} of run {run} waits for a decision; open are: {}",
        step.as_ref().map_or_else(|| "not exactly one step".to_owned(), |step| format!("no step {step:?}")),
        if open.is_empty() { "none".to_owned() } else { open.iter().map(|path| &**path).collect::<Vec<_>>().join(", ") }
    )]
    WhichStep {
        /// The run.
        run: String,
        /// The place that was named.
        step: Option<String>,
        /// The places of the steps that are open.
        open: Vec<Name>,
    },
    /// The flow is in use.
    #[error("flow {flow:?} cannot be removed: {why}")]
    InUse {
        /// The flow.
        flow: String,
        /// What stands against it.
        why: String,
    },
    /// Events came to an address that takes none.
    #[error("this server takes no events of hooks: it has no secret to know their sender by")]
    HookClosed,
    /// Whoever brought events did not show the secret of the hook.
    #[error("the sender of the events did not show the secret of the event hook")]
    HookRefused,
    /// A definition in the journal cannot be read.
    #[error("the definition of flow {flow} cannot be read")]
    Definition {
        /// The flow.
        flow: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A schedule that means no time.
    #[error("the schedule {pattern:?} in time zone {time_zone:?} cannot be used: {reason}")]
    Schedule {
        /// The six fields.
        pattern: String,
        /// The time zone.
        time_zone: String,
        /// What is wrong.
        reason: String,
    },
    /// The caller did not show that it may start the flow.
    #[error("the caller of flow {0:?} is not allowed to")]
    Refused(String),
    /// The flow is called more often than its limit allows.
    #[error("flow {flow:?} is called more than {limit} times a second")]
    TooOften {
        /// The flow.
        flow: String,
        /// Calls per second.
        limit: u32,
    },
    /// A value that a flow was started with does not fit.
    #[error("the flow cannot start with these values: {0}")]
    Input(String),
    /// The engine is being closed.
    #[error("the engine is being closed")]
    Closed,
}

impl EngineError {
    pub(crate) fn journal(error: StoreError) -> Self {
        Self::Journal(Box::new(error))
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::journal(error)
    }
}

impl Coded for EngineError {
    fn code(&self) -> Code {
        match self {
            Self::Journal(_) | Self::Lock { .. } | Self::Definition { .. } => codes::OKT4301,
            Self::Locked { .. } => codes::OKT4302,
            Self::NoFlow(_) | Self::NoRun(_) => codes::OKT4303,
            Self::Off(_) => codes::OKT4304,
            Self::WrongState { .. } | Self::WhichStep { .. } => codes::OKT4305,
            Self::InUse { .. } => codes::OKT4317,
            Self::Schedule { .. } => codes::OKT4306,
            Self::Refused(_) | Self::HookClosed | Self::HookRefused => codes::OKT4307,
            Self::TooOften { .. } => codes::OKT4308,
            Self::Input(_) => codes::OKT4201,
            Self::Closed => codes::OKT4309,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::WhichStep { run, .. } => {
                Some(format!("name one: `oktant flow decide {run} DECISION --step PLACE`"))
            }
            Self::HookClosed => Some(
                "start `oktant serve` with --event-hook-secret-file, or with --event-hook-open to take events of anyone"
                    .to_owned(),
            ),
            Self::HookRefused => Some(
                "let the hook of the org send, as its header `Authorization`, the text in the file of \
                 --event-hook-secret-file"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
