//! Runs flows durably: journal, interpreter, triggers, history.

mod action;
mod engine;
mod error;
mod events;
mod flows;
mod functions;
mod history;
mod http;
mod journal;
mod metrics;
mod name;
mod redact;
mod run;
mod schedule;
mod work;

pub use action::{
    ActionInfo, Actions, Call, CardError, Delivered, ErrorKind, Events, Field, Fields, Idempotency, Outcome, Source,
};
pub use engine::{Edges, Engine, Settings, Start};
pub use error::EngineError;
pub use events::Received;
pub use flows::{FlowEntry, FlowSettings, Version};
pub use history::{RunFilter, RunSummary, StepState, StepSummary};
pub use http::{Caller, Callers, HttpSettings, INVOKE_SCOPE, NoCallers, router};
pub use journal::{Decision, RunState, Worker};
pub use metrics::Metrics;
pub use name::Name;
pub use run::Answer;
pub use schedule::Times;
