//! Runs flows durably: journal, interpreter, triggers, history.
//!
//! ```text
//! http ┐                       ┌─ journal ─ store (SQLite, PostgreSQL)
//! events ├─► engine ─► run ────┤
//! schedule ┘     ▲             └─ functions, Actions (connectors)
//!              work (what is due, what others left)
//! ```
//!
//! [`Engine`] starts runs and answers about them. A run walks the steps of its flow; what it did and what came from
//! outside is in its journal, and a walk that was interrupted is walked again, past what is there already. What acts
//! outside is a parameter: [`Actions`], [`Events`] and [`Source`] are implemented by connectors.

mod action;
mod archive;
mod engine;
mod error;
mod events;
mod execute;
mod flows;
mod functions;
mod hidden;
mod history;
mod http;
mod journal;
mod metrics;
mod name;
mod redact;
mod retention;
mod run;
mod schedule;
mod settings;
mod work;

pub use action::{
    ActionInfo, Actions, Call, CardError, Delivered, ErrorKind, Events, Field, Fields, Idempotency, Outcome, Source,
};
pub use archive::{Archive, ArchivedSteps, FlowSummary, RUN_STATES, RunColumn};
pub use engine::{Edges, Engine, Start};
pub use error::EngineError;
pub use events::Received;
pub use flows::{FlowEntry, FlowSettings, Version};
pub use hidden::Hidden;
pub use history::{RunFilter, RunSummary, StepState, StepSummary};
pub use http::{Caller, Callers, HttpSettings, INVOKE_SCOPE, NoCallers, router};
pub use journal::{Decision, RunState, Worker};
pub use metrics::Metrics;
pub use name::Name;
pub use run::{Answer, has_card};
pub use settings::{Settings, Work};
