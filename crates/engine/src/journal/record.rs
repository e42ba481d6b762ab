//! What a journal says: the records of a run, and what is left of them when they are folded.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::action::{CardError, Fields};
use crate::name::Name;

/// One thing that happened in a run, at a place of it.
///
/// A place is the path of a step: the ids of the steps whose helper flows enclose it, each with the number of its
/// turn, and its own: `each[17]/create_user`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The run exists; what it starts with. The first record of each run.
    Accepted {
        /// Milliseconds since 1970.
        at: i64,
        /// The outputs of the trigger.
        trigger: Fields,
        /// The run whose results it starts with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_of: Option<Name>,
    },
    /// A worker took the run over; those before it lost it.
    Resumed {
        /// Milliseconds since 1970.
        at: i64,
        /// The worker.
        worker: Name,
    },
    /// A step that acts outside is about to.
    Intent {
        /// The place.
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// The card.
        address: Name,
        /// Which attempt this is, from 1.
        attempt: u32,
        /// What the card is given, for the history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Fields>,
    },
    /// A step has ended well.
    Result {
        /// The place.
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// What it gave.
        outputs: Fields,
        /// Whether the flow keeps no data: for no history.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        private: bool,
    },
    /// A step has failed for good.
    Failed {
        /// The place.
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// Why.
        error: Box<CardError>,
        /// What the card was given, where no intent says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Fields>,
    },
    /// A step that depends on nothing outside has run: for the history; it is computed again on restart.
    Step {
        /// The place.
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// What it was given, if the flow logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Fields>,
        /// What it gave, if the flow logs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outputs: Option<Fields>,
    },
    /// What the clock or chance gave to a step, so that a restart gives the same.
    Drawn {
        /// The place.
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// What came of it.
        outputs: Fields,
        /// Whether the flow keeps no data: for no history.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        private: bool,
    },
    /// A wait, or the wait before attempt `attempt` of a step.
    Timer {
        /// The place.
        path: Name,
        /// When it begins, milliseconds since 1970; 0 in journals that do not say.
        #[serde(default)]
        at: i64,
        /// When it ends, milliseconds since 1970.
        until: i64,
        /// 0 for a wait of the flow, else the attempt that follows.
        attempt: u32,
    },
    /// A helper flow begins inside this run.
    Enter {
        /// The place of the step that calls, with the number of the turn.
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// The helper flow.
        flow: Name,
        /// Its definition, which stays the same for the whole run.
        version: Name,
        /// The record of a stream that it is for, for the history: no other record has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Fields>,
    },
    /// The helper flow has ended.
    Leave {
        /// As of [`Record::Enter`].
        path: Name,
        /// Milliseconds since 1970.
        at: i64,
        /// How.
        state: RunState,
    },
    /// All turns of a loop below `done` are over: nothing inside them is needed again.
    Progress {
        /// The place of the loop.
        path: Name,
        /// How many turns.
        done: u64,
        /// The page that the next turn belongs to, and its first turn; of streaming steps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<Page>,
    },
    /// Another run was started from here.
    Child {
        /// The place.
        path: Name,
        /// The run.
        run: Name,
    },
    /// Whoever started the run has been answered.
    Answered {
        /// Milliseconds since 1970.
        at: i64,
        /// The HTTP status.
        status: u16,
    },
    /// A person decided about a step of unknown outcome.
    Decided {
        /// The place.
        path: Name,
        /// What is to be done.
        decision: Decision,
    },
    /// The run is over. The last record.
    Ended {
        /// Milliseconds since 1970.
        at: i64,
        /// How.
        state: RunState,
        /// What it returned.
        #[serde(default, skip_serializing_if = "Fields::is_empty")]
        returned: Fields,
        /// Whether values that a retry would need were taken out of the journal.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        scrubbed: bool,
        /// The step at which it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_step: Option<Name>,
    },
}

impl Record {
    /// What stands in the text of every [`Record::Enter`] of a helper flow: an object of a value that looks the same
    /// has its keys in this order by chance only.
    pub(crate) fn enter_text(flow: &str) -> String {
        format!(r#""flow":{},"version":""#, serde_json::Value::from(flow))
    }

    /// Whether it belongs to a flow that keeps no data.
    pub(crate) fn is_private(&self) -> bool {
        matches!(self, Self::Result { private: true, .. } | Self::Drawn { private: true, .. })
    }

    /// Every set of fields in it.
    pub(crate) fn fields_mut(&mut self) -> impl Iterator<Item = &mut Fields> {
        let (first, second) = match self {
            Self::Accepted { trigger, .. } => (Some(trigger), None),
            Self::Intent { inputs, .. } | Self::Failed { inputs, .. } | Self::Enter { inputs, .. } => {
                (inputs.as_mut(), None)
            }
            Self::Result { outputs, .. } | Self::Drawn { outputs, .. } => (Some(outputs), None),
            Self::Step { inputs, outputs, .. } => (inputs.as_mut(), outputs.as_mut()),
            Self::Ended { returned, .. } => (Some(returned), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// What is to be done with a step of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Do it again: it did not happen, or twice does no harm.
    Repeat,
    /// Go on as if it had happened; its outputs are empty.
    Skip,
    /// Let the step fail.
    Fail,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Accepted, not begun.
    Queued,
    /// At work.
    Running,
    /// Waiting for a time.
    Waiting,
    /// Waiting for a person: an action may or may not have happened.
    UnknownOutcome,
    /// Ended well.
    Succeeded,
    /// Ended early and well, by Continue If.
    Stopped,
    /// Ended by an error.
    Failed,
    /// Ended by a person.
    Cancelled,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::UnknownOutcome,
        Self::Succeeded,
        Self::Stopped,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Succeeded => "succeeded",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more will happen.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Stopped | Self::Failed | Self::Cancelled)
    }
}

/// A page of a stream: the cursor that asks for it, and the number of its first record.
pub(crate) type Page = (Option<Name>, u64);

/// What is known of a step from the journal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The last attempt whose intent was written; 0 if none was.
    pub(crate) intent: u32,
    /// How it ended, if it did.
    pub(crate) end: Option<Result<Fields, CardError>>,
    /// The end of its wait, and the attempt that follows it.
    pub(crate) timer: Option<(i64, u32)>,
    /// Its helper flow, and the definition of it.
    pub(crate) helper: Option<(Name, Name)>,
    /// Turns that are over, and where the next page begins.
    pub(crate) progress: Option<(u64, Option<Page>)>,
    /// The run that it started.
    pub(crate) child: Option<Name>,
    /// What a person decided.
    pub(crate) decision: Option<Decision>,
}

/// The state of a run, as its journal leaves it.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// What the run started with.
    pub(crate) trigger: Fields,
    /// When it was accepted, milliseconds since 1970.
    pub(crate) accepted_at: i64,
    /// The run whose results it starts with.
    pub(crate) retry_of: Option<Name>,
    /// Whether values that a retry would need were taken out of the journal.
    pub(crate) scrubbed: bool,
    /// The step at which it failed.
    failed_at: Option<Name>,
    steps: HashMap<Name, Known>,
}

impl Folded {
    /// What is known of the step at `path`.
    pub(crate) fn step(&self, path: &str) -> Option<&Known> {
        self.steps.get(path)
    }

    /// Forgets everything below `prefix`, when it is over and its result is known.
    pub(crate) fn forget_below(&mut self, prefix: &str) {
        if !self.steps.is_empty() {
            self.steps.retain(|path, _| !path.starts_with(prefix));
        }
    }

    /// Adds what `record` says.
    pub(crate) fn fold(&mut self, record: Record) {
        match record {
            Record::Accepted { at, trigger, retry_of } => {
                (self.accepted_at, self.trigger, self.retry_of) = (at, trigger, retry_of);
            }
            Record::Intent { path, attempt, .. } => {
                let known = self.known(path);
                known.intent = attempt;
                known.decision = None;
            }
            Record::Result { path, outputs, .. } | Record::Drawn { path, outputs, .. } => {
                self.known(path).end = Some(Ok(outputs));
            }
            Record::Failed { path, error, .. } => self.known(path).end = Some(Err(*error)),
            Record::Timer { path, until, attempt, .. } => self.known(path).timer = Some((until, attempt)),
            Record::Enter { path, flow, version, .. } => self.known(path).helper = Some((flow, version)),
            Record::Progress { path, done, page } => {
                let below = format!("{path}[");
                self.steps.retain(|inner, _| turn_of(inner, &below).is_none_or(|turn| turn >= done));
                self.known(path).progress = Some((done, page));
            }
            Record::Child { path, run } => self.known(path).child = Some(run),
            Record::Decided { path, decision } => self.known(path).decision = Some(decision),
            Record::Ended { scrubbed, at_step, .. } => (self.scrubbed, self.failed_at) = (scrubbed, at_step),
            Record::Resumed { .. } | Record::Step { .. } | Record::Leave { .. } | Record::Answered { .. } => {}
        }
    }

    /// What a run starts with that goes on where this one failed: everything that is known, but of the failed step of
    /// the flow only what ended well.
    pub(crate) fn kept_for_retry(self, at: i64) -> Vec<Record> {
        // The step of the flow itself, whatever failed inside it.
        let failed = self.failed_at.as_deref().map(|path| path.split(['[', '/', '#', '@']).next().unwrap_or(path));
        let inside = |path: &str| {
            let rest = failed.and_then(|failed| path.strip_prefix(failed));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/', '#', '@', '!']))
        };
        let mut records = Vec::new();
        for (path, known) in self.steps {
            let again = inside(&path);
            if let Some((flow, version)) = known.helper {
                records.push(Record::Enter { path: path.clone(), at, flow, version, inputs: None });
            }
            if let Some((until, attempt)) = known.timer.filter(|_| !again || known.end.is_some()) {
                records.push(Record::Timer { path: path.clone(), at, until, attempt });
            }
            if let Some((done, page)) = known.progress {
                records.push(Record::Progress { path: path.clone(), done, page });
            }
            if let Some(run) = known.child {
                records.push(Record::Child { path: path.clone(), run });
            }
            match known.end {
                Some(Ok(outputs)) => records.push(Record::Result { path, at, outputs, private: false }),
                Some(Err(error)) if !again => {
                    records.push(Record::Failed { path, at, error: Box::new(error), inputs: None });
                }
                _ => {}
            }
        }
        records
    }

    /// The helper flows that it called, as far as that is known.
    pub(crate) fn helpers(&self) -> impl Iterator<Item = &Name> {
        let flows = self.steps.values().filter_map(|known| known.helper.as_ref().map(|(flow, _)| flow));
        // Older journals lack the names where a run was run again.
        flows.filter(|flow| !flow.is_empty())
    }

    /// The paths of steps that may have acted, whose result is missing, and about which no one has decided.
    pub(crate) fn open_intents(&self) -> impl Iterator<Item = &Name> {
        let is_open = |known: &Known| known.intent > 0 && known.end.is_none() && known.decision.is_none();
        self.steps.iter().filter(move |(_, known)| is_open(known)).map(|(path, _)| path)
    }

    fn known(&mut self, path: Name) -> &mut Known {
        self.steps.entry(path).or_default()
    }
}

/// The turn that `path` belongs to, of the loop whose turns begin with `below`.
fn turn_of(path: &str, below: &str) -> Option<u64> {
    path.strip_prefix(below)?.split_once(']')?.0.parse().ok()
}
