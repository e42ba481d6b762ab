//! One run at work: the interpreter of flows.
//!
//! The interpreter walks the tree of steps. Its state is what the journal says and the outputs of the steps so far;
//! a restart walks the same way again. A step whose result the journal has is not done again; one that depends on its
//! inputs alone is. What comes from the clock or from chance is journaled like a result, so the second walk takes the
//! same turns as the first.
//!
//! A long wait unwinds the walk ([`Halt::Park`]): a run that waits takes no memory.

mod act;
mod body;
mod call;
mod control;
mod input;
mod log;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use oktant_base::{Code, codes};
use oktant_flow::model::Flow;
use oktant_functions::Value;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use control::has_card;
pub(crate) use control::trigger_values;
pub(crate) use input::{input_error, target};
pub(crate) use log::RunLog;

use crate::action::{CardError, Fields};
use crate::engine::{Place, Shared};
use crate::name::Name;
use crate::redact::Veil;

/// Helper flows that call each other, at most.
const DEPTH_MAX: usize = 64;

/// An HTTP answer of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A JSON answer.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: value.to_json() }
    }
}

/// A run at work.
pub(crate) struct Run {
    pub(crate) id: Name,
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: RunLog,
    pub(crate) cancel: CancellationToken,
    pub(crate) answer: Mutex<Option<oneshot::Sender<Answer>>>,
    steps: AtomicU64,
    bytes: AtomicUsize,
    /// Whether the journal of the run holds values that its history must not show when it is over.
    pub(crate) scrub: AtomicBool,
    /// What may be seen of what the run does.
    pub(crate) veil: Mutex<Veil>,
    _place: Place,
}

/// One call of a flow: the outputs of its steps so far.
pub(crate) struct Frame<'f> {
    pub(crate) flow: &'f Flow,
    /// What stands before the ids of its steps in their paths; empty for the flow that was started.
    pub(crate) prefix: String,
    /// The id of this execution, as the flow's `context / execution_id` shows it.
    pub(crate) execution: Name,
    pub(crate) depth: usize,
    values: HashMap<&'f str, Fields>,
    bytes: usize,
}

impl<'f> Frame<'f> {
    pub(crate) fn new(flow: &'f Flow, prefix: String, execution: Name, depth: usize) -> Self {
        Self { flow, prefix, execution, depth, values: HashMap::new(), bytes: 0 }
    }

    /// The path of a step of this frame.
    pub(crate) fn path(&self, step: &str) -> Name {
        if self.prefix.is_empty() { step.into() } else { format!("{}{step}", self.prefix).into() }
    }
}

/// How a body ended.
#[derive(Debug)]
pub(crate) enum End {
    /// After its last step.
    Done,
    /// By a Return.
    Returned(Fields),
    /// By a Continue If, with what it said.
    Stopped(Option<String>),
    /// By a Return Raw, which ends the whole flow.
    Raw(Answer),
}

impl End {
    /// What a caller gets.
    pub(crate) fn returned(self) -> Fields {
        match self {
            Self::Returned(fields) => fields,
            Self::Stopped(Some(message)) => {
                let mut fields = Fields::new();
                fields.set(None, "message", Value::text(message));
                fields
            }
            Self::Done | Self::Stopped(None) | Self::Raw(_) => Fields::new(),
        }
    }
}

/// Why a walk does not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// A card failed, and nothing has handled it yet.
    Card(Box<Failure>),
    /// The run waits until then, milliseconds since 1970.
    Park(i64),
    /// Someone ended the run.
    Cancelled,
    /// An action may or may not have happened: a person has to decide.
    Unknown {
        /// Which one, for whoever asked.
        message: String,
        /// What the program said if it failed, for the history alone: it may be anything.
        panic: Option<String>,
    },
    /// The run cannot go on: a limit of it was reached, or the program failed.
    Limit(Code, String),
    /// Another worker has the run.
    Lost,
    /// A run of the same event exists.
    Duplicate,
    /// The journal failed; the run goes on after a restart.
    Journal(String),
    /// The engine is being closed; the run goes on after a restart.
    Closing,
}

impl Halt {
    /// The journal failed, for a reason that is told with its causes.
    pub(crate) fn journal(error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        Self::Journal(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    /// The program failed.
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        Self::Limit(codes::OKT4318, panic_text(panic))
    }

    /// Which of two reasons the walk ends for, where parts of it end at the same time. One that leaves open what
    /// happened outside is never hidden by one that the run could end with.
    pub(crate) fn and(first: Option<Self>, other: Self) -> Self {
        match first {
            Some(first) if first.rank() >= other.rank() => first,
            _ => other,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Park(_) => 0,
            Self::Card(_) => 1,
            Self::Limit(..) => 2,
            Self::Unknown { .. } => 3,
            Self::Cancelled => 4,
            Self::Closing => 5,
            Self::Journal(_) => 6,
            Self::Lost | Self::Duplicate => 7,
        }
    }
}

/// What a panic says.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the program failed: {}", text.as_deref().unwrap_or("it does not say why"))
}

/// The failure of a card.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error: CardError,
    /// The place of the step.
    pub(crate) path: Name,
    /// The step.
    pub(crate) step: String,
    /// The flow that the step is in.
    pub(crate) flow: String,
    /// The execution of that flow.
    pub(crate) execution: Name,
}

impl Failure {
    /// The error object that handlers see.
    pub(crate) fn object(&self) -> Value {
        let mut entries: Vec<(Arc<str>, Value)> = vec![
            ("message".into(), Value::text(self.error.message.as_str())),
            ("code".into(), self.code()),
            ("method".into(), Value::text(self.step.as_str())),
            ("flo".into(), Value::text(self.flow.as_str())),
            ("execution".into(), Value::text(self.execution.shared())),
        ];
        entries.extend(self.error.extra.iter().map(|field| (Arc::clone(&field.key), field.value.clone())));
        Value::object(entries)
    }

    fn code(&self) -> Value {
        let status = || self.error.status.map(|status| Value::Number(f64::from(status)));
        self.error.code.clone().or_else(status).unwrap_or_default()
    }
}

impl Run {
    pub(crate) fn new(place: Place, log: RunLog, answer: Option<oneshot::Sender<Answer>>) -> Self {
        Self {
            id: place.run.clone(),
            shared: Arc::clone(&place.shared),
            log,
            cancel: place.cancel.clone(),
            answer: Mutex::new(answer),
            steps: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            scrub: AtomicBool::new(false),
            veil: Mutex::new(Veil::new(Arc::clone(&place.shared.redactor))),
            _place: place,
        }
    }

    /// Keeps the outputs of a step for those that follow.
    pub(crate) fn keep<'f>(&self, frame: &mut Frame<'f>, step: &'f str, outputs: Fields) -> Result<(), Halt> {
        let added = outputs.bytes();
        let removed = frame.values.insert(step, outputs).map_or(0, |old| old.bytes());
        frame.bytes = frame.bytes + added - removed;
        self.bytes.fetch_sub(removed, Ordering::Relaxed);
        self.take(added)
    }

    /// Counts memory that the run holds.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Halt> {
        let now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let limit = self.shared.settings.run_memory;
        if now <= limit {
            return Ok(());
        }
        let message = format!("the run holds {now} bytes of values; the limit is {limit}");
        Err(Halt::Limit(codes::OKT4311, message))
    }

    /// Counts memory that the run no longer holds.
    pub(crate) fn free(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Lets the values of a frame go.
    pub(crate) fn drop_frame(&self, frame: &Frame<'_>) {
        self.free(frame.bytes);
    }

    /// Learns the secrets among values that the journal holds as they are, and remembers that it does.
    pub(crate) fn note_raw(&self, fields: &Fields, logs: bool) {
        let found = self.veil.lock().learn(fields);
        if found || !logs {
            self.scrub.store(true, Ordering::Relaxed);
        }
    }

    /// What may be seen of `fields` in the history of a flow; nothing if it keeps no data.
    pub(crate) fn shown(&self, flow: &Flow, fields: &Fields) -> Option<Fields> {
        flow.log.then(|| self.veil.lock().fields(fields))
    }

    /// Before each step: whether the run may go on.
    pub(crate) fn check(&self) -> Result<(), Halt> {
        if self.cancel.is_cancelled() {
            return Err(self.halted());
        }
        let limit = self.shared.settings.run_steps;
        if self.steps.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(Halt::Limit(codes::OKT4312, format!("the run took more than {limit} steps")));
        }
        Ok(())
    }

    /// Why the run was told to end.
    pub(crate) fn halted(&self) -> Halt {
        if self.shared.closing.is_cancelled() { Halt::Closing } else { Halt::Cancelled }
    }

    /// Tells whoever started the run, if no one did yet and someone waits.
    pub(crate) fn tell(&self, answer: Answer) {
        if let Some(sender) = self.answer.lock().take() {
            // Whoever asked may have gone away.
            let _ = sender.send(answer);
        }
    }
}
