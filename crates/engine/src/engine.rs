//! The engine: starts runs, takes up those that wait or were left, and answers about them.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oktant_base::{Clock, Entropy, Secret};
use oktant_flow::model::{Flow, TriggerKind};
use oktant_functions::Value;
use oktant_store::Store;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::action::{Actions, CardError, ErrorKind, Events, Fields};
use crate::error::EngineError;
pub(crate) use crate::flows::Version;
use crate::flows::{FlowEntry, FlowSettings, Flows};
use crate::functions::Functions;
use crate::journal::{Append, Appended, Change, Decision, Folded, Journal, NewRun, Record, RunState};
use crate::metrics::Metrics;
use crate::name::Name;
use crate::redact::Redactor;
use crate::run::{Answer, Frame, Halt, Run, RunLog};
use crate::settings::{Settings, Work};

/// What the engine takes from outside.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// What cards do outside.
    pub actions: Arc<dyn Actions>,
    /// What event cards are.
    pub events: Arc<dyn Events>,
}

/// What the runs of an engine share.
pub(crate) struct Shared {
    pub(crate) journal: Journal,
    pub(crate) flows: Flows,
    pub(crate) functions: Functions,
    pub(crate) actions: Arc<dyn Actions>,
    pub(crate) events: Arc<dyn Events>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) metrics: Metrics,
    pub(crate) closing: CancellationToken,
    /// The runs in memory.
    running: Mutex<HashMap<Name, (u64, CancellationToken)>>,
    places: AtomicU64,
    /// The beginning of the last id.
    last_id: AtomicU64,
    /// Whether runs may wait in the journal for a place.
    backlog: AtomicBool,
    /// Tells when a run has left the memory.
    left: Notify,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) wake: Notify,
    /// Tells when flows were changed.
    pub(crate) changed: Notify,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The place of a run in memory; it becomes free when this is dropped.
pub(crate) struct Place {
    pub(crate) run: Name,
    /// Ends the run.
    pub(crate) cancel: CancellationToken,
    pub(crate) shared: Arc<Shared>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.shared.running.lock();
        // A run that was parked may have a new place already.
        if running.get(&self.run).is_some_and(|(number, _)| *number == self.number) {
            running.remove(&self.run);
        }
        drop(running);
        self.shared.left.notify_waiters();
        if self.shared.backlog.load(Ordering::Relaxed) {
            self.shared.wake.notify_one();
        }
    }
}

/// Runs flows durably.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// A run that can begin, with its definition and the values of its trigger.
type Ready = (Arc<Run>, Arc<Version>, Fields);

/// What starts a run.
#[derive(Debug, Clone)]
pub struct Start {
    /// What it is, for the history: `event`, `schedule`, `endpoint`, `delegated`, `manual`, `helper`, `retry`.
    pub kind: &'static str,
    /// What the trigger's outputs are; what is missing takes its default.
    pub given: Fields,
    /// Makes it happen once: a second start with the same key is dropped.
    pub event_key: Option<String>,
    /// The run that started it.
    pub parent: Option<Name>,
}

impl Start {
    /// A start of a kind with values.
    pub fn new(kind: &'static str, given: Fields) -> Self {
        Self { kind, given, event_key: None, parent: None }
    }

    /// The same start, happening once.
    #[must_use]
    pub fn once(mut self, event_key: impl Into<String>) -> Self {
        self.event_key = Some(event_key.into());
        self
    }
}

/// A run that is to begin.
pub(crate) struct Begin {
    id: Name,
    version: Arc<Version>,
    trigger: Fields,
    start: Start,
    known: Folded,
    records: Vec<Record>,
}

impl Engine {
    /// Opens the journal at `url` and takes up what it holds: runs that were left or whose wait is over.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`], or [`EngineError::Locked`] if another engine has the file.
    pub async fn open(url: &str, edges: Edges, settings: Settings) -> Result<Self, EngineError> {
        let lock = if settings.work == Work::None { None } else { crate::journal::lock(url)? };
        Self::open_locked(oktant_store::connect(url).await?, lock, edges, settings).await
    }

    /// Opens the journal in a store that is connected already; that no one else uses it is the caller's care.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn open_in(store: Box<dyn Store>, edges: Edges, settings: Settings) -> Result<Self, EngineError> {
        Self::open_locked(store, None, edges, settings).await
    }

    async fn open_locked(
        store: Box<dyn Store>,
        lock: Option<File>,
        edges: Edges,
        settings: Settings,
    ) -> Result<Self, EngineError> {
        let journal = Journal::open(store, lock, settings.worker.clone(), Arc::clone(&edges.clock)).await?;
        if settings.work != Work::None {
            journal.give_back().await?;
            // What was removed before may be in the log still: who removed it may have been killed.
            journal.note_removal();
        }
        let shared = Arc::new(Shared {
            flows: Flows::open(journal.clone(), Arc::clone(&edges.entropy)).await?,
            journal,
            functions: Functions::new(Arc::clone(&edges.clock), Arc::clone(&edges.entropy)),
            actions: edges.actions,
            events: edges.events,
            clock: edges.clock,
            entropy: edges.entropy,
            redactor: Arc::new(Redactor::new(&settings.redact)),
            metrics: Metrics::default(),
            closing: CancellationToken::new(),
            running: Mutex::default(),
            places: AtomicU64::new(0),
            last_id: AtomicU64::new(0),
            backlog: AtomicBool::new(false),
            left: Notify::new(),
            permits: Arc::new(Semaphore::new(settings.active_runs)),
            wake: Notify::new(),
            changed: Notify::new(),
            settings,
        });
        if shared.settings.work != Work::None {
            let before = shared.journal.before_me();
            tokio::spawn(crate::work::tidy(Arc::clone(&shared), before));
            tokio::spawn(crate::work::keep_working(Arc::clone(&shared)));
            tokio::spawn(crate::work::keep_alive(Arc::clone(&shared)));
            tokio::spawn(crate::work::keep_listening(Arc::clone(&shared)));
        }
        if shared.settings.work == Work::All {
            tokio::spawn(crate::schedule::keep_time(Arc::clone(&shared)));
        }
        Ok(Self { shared })
    }

    /// Saves a flow; a new one is switched off. Gives the name of the version.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn save(&self, flow: &Flow) -> Result<Name, EngineError> {
        let version = self.shared.flows.save(flow).await?;
        self.shared.tell().await?;
        Ok(version)
    }

    /// Switches a flow on or off.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoFlow`], [`EngineError::Journal`]; [`EngineError::Schedule`] if it is to be on and its schedule
    /// means no time.
    pub async fn switch(&self, flow: &str, on: bool) -> Result<(), EngineError> {
        if on && let Ok(entry) = self.shared.flows.find(flow) {
            Self::check_times(&entry.version.flow)?;
        }
        self.shared.flows.switch(flow, on).await?;
        self.shared.tell().await
    }

    /// Looks whether a flow that starts at points in time has such points.
    ///
    /// # Errors
    ///
    /// [`EngineError::Schedule`].
    pub fn check_times(flow: &Flow) -> Result<(), EngineError> {
        match &flow.trigger.kind {
            TriggerKind::Schedule(schedule) => crate::schedule::times(schedule).map(drop),
            _ => Ok(()),
        }
    }

    /// Removes flows that are off and that no unfinished run belongs to or has called; with `force` any flows, and such
    /// runs are cancelled. Histories are kept until their retention is over. Gives how many runs that of each flow has.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoFlow`], [`EngineError::InUse`], [`EngineError::Journal`]; then none was removed.
    pub async fn remove(&self, flows: &[&str], force: bool) -> Result<Vec<u64>, EngineError> {
        let kept = self.shared.flows.remove(flows, force).await?;
        self.shared.cancel_asked().await?;
        self.shared.flows.read_again().await?;
        self.shared.tell().await?;
        Ok(kept)
    }

    /// How many runs are to be cancelled and have not ended yet.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn cancelling(&self) -> Result<u64, EngineError> {
        Ok(self.shared.journal.cancelling().await?)
    }

    /// Sets what can be set for a flow.
    ///
    /// # Errors
    ///
    /// As [`Engine::switch`].
    pub async fn set(&self, flow: &str, settings: &FlowSettings) -> Result<(), EngineError> {
        self.shared.flows.set(flow, settings).await?;
        self.shared.tell().await
    }

    /// Gives a flow a new client token, and the old one no longer counts.
    ///
    /// # Errors
    ///
    /// As [`Engine::switch`].
    pub async fn new_token(&self, flow: &str) -> Result<Secret, EngineError> {
        let token = self.shared.flows.new_token(flow).await?;
        self.shared.tell().await?;
        Ok(token)
    }

    /// The flows, by id.
    pub fn flows(&self) -> Vec<FlowEntry> {
        self.shared.flows.all()
    }

    /// The flow of an id or alias.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoFlow`].
    pub fn flow(&self, name: &str) -> Result<FlowEntry, EngineError> {
        self.shared.flows.find(name)
    }

    /// Starts a run: it is durable when this returns. `None` if one of the same event key was started before.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoFlow`], [`EngineError::Off`], [`EngineError::Input`], [`EngineError::Journal`].
    pub async fn start(&self, flow: &str, start: Start) -> Result<Option<Name>, EngineError> {
        self.shared.start(self.shared.flows.active(flow)?, start).await
    }

    /// Starts several runs with one commit; they are durable when this returns. Runs of one flow come one after
    /// another, in their order.
    ///
    /// # Errors
    ///
    /// As [`Engine::start`]; then none was started.
    pub async fn start_all(&self, starts: Vec<(Name, Start)>) -> Result<Vec<Option<Name>>, EngineError> {
        let begin = |(flow, start): (Name, Start)| self.shared.begin(self.shared.flows.active(&flow)?, start);
        let begins = starts.into_iter().map(begin).collect::<Result<Vec<_>, EngineError>>()?;
        self.shared.accept(begins, true).await
    }

    /// Runs a flow and waits for its answer. What it does is durable before the answer comes.
    ///
    /// # Errors
    ///
    /// As [`Engine::start`]; [`EngineError::Closed`] if the engine is closed meanwhile, or works on nothing.
    pub async fn call(&self, flow: &str, start: Start) -> Result<Answer, EngineError> {
        if self.shared.settings.work == Work::None {
            return Err(EngineError::Closed);
        }
        let version = self.shared.flows.active(flow)?;
        let begin = self.shared.begin(version, start)?;
        let (sender, receiver) = oneshot::channel();
        self.shared.spawn_new(begin, Some(sender));
        receiver.await.map_err(|_| EngineError::Closed)
    }

    /// Ends a run. What it is doing at the moment is let to its end.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRun`]; [`EngineError::WrongState`] if it has ended.
    pub async fn cancel(&self, run: &str) -> Result<(), EngineError> {
        if !self.shared.journal.ask_to_cancel(run.into()).await? {
            let state = self.shared.journal.row(run).await?.state;
            let wanted = "there is nothing of it left to cancel";
            return Err(EngineError::WrongState { run: run.to_owned(), state, wanted });
        }
        self.shared.cancel_running(run);
        self.shared.tell().await
    }

    /// Decides about a step at which a run waits because no one knows what became of it: the one at the place `step`,
    /// or the only one.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRun`], [`EngineError::WrongState`]; [`EngineError::WhichStep`] if there are several, or none at
    /// the place.
    pub async fn decide(&self, run: &str, decision: Decision, step: Option<&str>) -> Result<(), EngineError> {
        let journal = &self.shared.journal;
        let row = journal.row(run).await?;
        let wrong = |state| EngineError::WrongState {
            run: run.to_owned(),
            state,
            wanted: "no step of it waits for a decision",
        };
        if row.state != RunState::UnknownOutcome {
            return Err(wrong(row.state));
        }
        let (folded, seq) = journal.fold(run).await?;
        let mut open: Vec<Name> = folded.open_intents().cloned().collect();
        let path = match (step, open.as_slice()) {
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
            (Some(step), open) => open.iter().find(|path| &***path == step).cloned(),
        };
        let Some(path) = path else {
            open.sort();
            let (run, step) = (run.to_owned(), step.map(str::to_owned));
            return Err(EngineError::WhichStep { run, step, open });
        };
        let records = serde_json::to_string(&[Record::Decided { path, decision }]).unwrap_or_default();
        let change = Change { wake_at: 0, ..Change::given_back(RunState::Queued) };
        let append = Append { run: run.into(), new: None, change: Some(change), seq, records, values: Vec::new() };
        if journal.append(append).await? != Appended::Done {
            return Err(wrong(RunState::Running));
        }
        self.shared.tell().await
    }

    /// Runs an ended run again as a new one: from its start in the definition that counts now, or from where it failed
    /// in the definition that it had, with the results of the steps before.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRun`]; [`EngineError::WrongState`] if it has not ended, or did not fail.
    pub async fn retry(&self, run: &str, from_failure: bool) -> Result<Name, EngineError> {
        let shared = &self.shared;
        let row = shared.journal.row(run).await?;
        let wrong = |wanted| EngineError::WrongState { run: run.to_owned(), state: row.state, wanted };
        if !row.state.is_end() {
            return Err(wrong("only a run that has ended can be run again"));
        }
        let (folded, _) = shared.journal.fold(run).await?;
        if from_failure && (row.state != RunState::Failed || folded.scrubbed) {
            return Err(wrong("it cannot go on where it failed: it did not fail, or its data was not kept"));
        }
        if from_failure && folded.open_intents().next().is_some() {
            return Err(wrong("it cannot go on where it failed: no one knows whether a step of it happened"));
        }
        // One that was removed has no connections any more, and its definition goes.
        shared.flows.find(&row.flow)?;
        if from_failure && !folded.helpers().all(|helper| shared.flows.has(helper)) {
            return Err(wrong("it cannot go on where it failed: a flow that it called was removed"));
        }
        let version = if from_failure {
            shared.flows.version(&row.flow, &row.version).await?
        } else {
            shared.flows.active(&row.flow)?
        };
        if folded.scrubbed && crate::redact::is_covered(&folded.trigger, &version.flow.trigger.outputs) {
            return Err(wrong("it cannot be run again: what it started with has secrets, which were not kept"));
        }
        let start = Start { parent: Some(run.into()), ..Start::new("retry", folded.trigger.clone()) };
        let mut begin = shared.begin_anyway(version, start);
        if from_failure {
            begin.records = folded.kept_for_retry(shared.journal.now());
        }
        for record in begin.records.clone() {
            begin.known.fold(record);
        }
        let id = begin.id.clone();
        shared.accept(vec![begin], false).await?;
        Ok(id)
    }

    /// What has been counted since the engine was opened.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Stops: runs give themselves back to the journal at their next step, and go on after the next start.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        loop {
            let left = self.shared.left.notified();
            if self.shared.running.lock().is_empty() {
                break;
            }
            left.await;
        }
        if let Err(error) = self.shared.journal.empty_log().await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "values that were removed may still be in the log of the database");
        }
    }
}

impl Shared {
    /// Starts a run of a definition.
    pub(crate) async fn start(
        self: &Arc<Self>,
        version: Arc<Version>,
        start: Start,
    ) -> Result<Option<Name>, EngineError> {
        let begin = self.begin(version, start)?;
        Ok(self.accept(vec![begin], false).await?.pop().flatten())
    }

    /// A run that is to begin; values that do not fit their type are an error.
    fn begin(&self, version: Arc<Version>, start: Start) -> Result<Begin, EngineError> {
        let id = self.new_id();
        let trigger = self.trigger(&id, &version, &start).map_err(|error| EngineError::Input(error.message))?;
        Ok(Begin { id, version, trigger, start, known: Folded::default(), records: Vec::new() })
    }

    /// A run that is to begin, whatever its values are: an event is never dropped. Those that do not fit their type
    /// stay as they came.
    pub(crate) fn begin_anyway(&self, version: Arc<Version>, start: Start) -> Begin {
        let id = self.new_id();
        let trigger = self.trigger(&id, &version, &start).unwrap_or_else(|_| start.given.clone());
        Begin { id, version, trigger, start, known: Folded::default(), records: Vec::new() }
    }

    /// The values of a trigger.
    fn trigger(&self, id: &Name, version: &Version, start: &Start) -> Result<Fields, CardError> {
        let now = self.clock.now();
        crate::run::trigger_values(&version.flow, |group, key| match (group, key) {
            (Some("context"), "execution_id") => Some(Value::text(id.shared())),
            (Some("context"), "execution_time") => {
                Some(start.given.get(group, key).cloned().unwrap_or_else(|| Value::date(now)))
            }
            _ => start.given.get(group, key).cloned(),
        })
    }

    /// An id that no run has. They sort as they were given: the milliseconds first, then 16 bits that count within
    /// each.
    fn new_id(&self) -> Name {
        let now = (self.journal.now() as u64) << 16;
        let after = |last: u64| now.max(last + 1);
        let last = self.last_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&last.map_or(now, after).to_be_bytes());
        self.entropy.fill(&mut bytes[8..]);
        crate::flows::hex(&bytes).into()
    }

    fn new_row(&self, begin: &Begin) -> NewRun {
        NewRun {
            flow: begin.version.flow.id.as_str().into(),
            version: begin.version.version.clone(),
            trigger_kind: begin.start.kind,
            event_key: begin.start.event_key.clone(),
            parent: begin.start.parent.clone(),
            created_at: self.journal.now(),
        }
    }

    fn owned(&self, state: RunState) -> Change {
        Change {
            owner: Some(self.journal.worker().clone()),
            lease_until: self.journal.lease_end(),
            ..Change::given_back(state)
        }
    }

    /// Writes runs to the journal as queued and begins with them; those of one flow in their order, if `ordered`.
    ///
    /// If the memory has no place for them, they wait in the journal, and begin one by one as places become free.
    /// Runs that are written begin even if the caller stops waiting: one who hangs up must not leave them to no one.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        begins: Vec<Begin>,
        ordered: bool,
    ) -> Result<Vec<Option<Name>>, EngineError> {
        let shared = Arc::clone(self);
        let accepted = tokio::spawn(async move { shared.accept_here(begins, ordered).await });
        accepted.await.unwrap_or(Err(EngineError::Closed))
    }

    async fn accept_here(
        self: &Arc<Self>,
        begins: Vec<Begin>,
        ordered: bool,
    ) -> Result<Vec<Option<Name>>, EngineError> {
        let at_once = begins.len() <= self.free_places();
        let queued = || if at_once { self.owned(RunState::Queued) } else { Change::given_back(RunState::Queued) };
        let appends = begins.iter().map(|begin| {
            let log = RunLog::new(begin.id.clone(), self.journal.clone(), self.new_row(begin), queued());
            log.push(self.accepted(begin));
            begin.records.iter().cloned().for_each(|record| log.push(record));
            log.into_append()
        });
        let results = self.journal.append_all(appends.collect()).await?;
        let mut ids = Vec::with_capacity(begins.len());
        let mut lines: HashMap<Name, Vec<Ready>> = HashMap::new();
        for (begin, result) in begins.into_iter().zip(results) {
            if result != Appended::Done {
                self.metrics.duplicates.fetch_add(1, Ordering::Relaxed);
                ids.push(None);
                continue;
            }
            self.metrics.accepted.fetch_add(1, Ordering::Relaxed);
            ids.push(Some(begin.id.clone()));
            if !at_once {
                continue;
            }
            let log = RunLog::resumed(begin.id.clone(), self.journal.clone(), begin.known, 1);
            let run = Arc::new(Run::new(self.enroll(&begin.id), log, None));
            let line = if ordered { begin.version.flow.id.as_str().into() } else { begin.id };
            lines.entry(line).or_default().push((run, begin.version, begin.trigger));
        }
        if !at_once {
            self.wake.notify_one();
        }
        if self.settings.work == Work::None {
            self.tell().await?;
        }
        for line in lines.into_values() {
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                for (run, version, trigger) in line {
                    shared.execute(run, version, trigger).await;
                }
            });
        }
        Ok(ids)
    }

    fn accepted(&self, begin: &Begin) -> Record {
        let retry_of = (begin.start.kind == "retry").then(|| begin.start.parent.clone()).flatten();
        Record::Accepted { at: self.journal.now(), trigger: begin.trigger.clone(), retry_of }
    }

    /// Begins with a run that the journal does not know yet: it is written with what it does first.
    fn spawn_new(self: &Arc<Self>, begin: Begin, answer: Option<oneshot::Sender<Answer>>) {
        self.metrics.accepted.fetch_add(1, Ordering::Relaxed);
        let log =
            RunLog::new(begin.id.clone(), self.journal.clone(), self.new_row(&begin), self.owned(RunState::Running));
        log.push(self.accepted(&begin));
        let run = Arc::new(Run::new(self.enroll(&begin.id), log, answer));
        let shared = Arc::clone(self);
        tokio::spawn(async move { shared.execute(run, begin.version, begin.trigger).await });
    }

    /// Starts a helper flow as a run of its own, once for the place it is started from. The inner error is the card's.
    pub(crate) async fn start_child(
        self: &Arc<Self>,
        parent: &Run,
        frame: &Frame<'_>,
        path: &Name,
        helper: &str,
        inputs: &Fields,
    ) -> Result<Result<Name, CardError>, Halt> {
        let key = format!("child:{}:{path}", parent.id);
        let mut start =
            Start { parent: Some(parent.id.clone()), ..Start::new("helper", inputs.clone()) }.once(key.clone());
        start.given.set(Some("context"), "parent", parent.parent(frame, path));
        let version = self.flows.active(helper);
        let begin = match version.and_then(|version| self.begin(version, start)) {
            Ok(begin) => begin,
            Err(error) => return Ok(Err(CardError::new(ErrorKind::Refused, error.to_string()))),
        };
        let failed = |error: EngineError| Halt::journal(&error);
        let started = Box::pin(self.accept(vec![begin], false)).await.map_err(failed)?;
        match started.into_iter().next().flatten() {
            Some(id) => Ok(Ok(id)),
            None => Ok(Ok(self.journal.run_of_event(&key).await.map_err(failed)?)),
        }
    }

    /// Takes a place in memory for a run.
    pub(crate) fn enroll(self: &Arc<Self>, run: &Name) -> Place {
        let cancel = self.closing.child_token();
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        self.running.lock().insert(run.clone(), (number, cancel.clone()));
        Place { run: run.clone(), cancel, shared: Arc::clone(self), number }
    }

    /// Tells whoever works on the runs of the journal that something was changed.
    async fn tell(&self) -> Result<(), EngineError> {
        self.wake.notify_one();
        self.changed.notify_waiters();
        Ok(self.journal.notify().await?)
    }

    /// The runs that it works on began then or later, milliseconds since 1970.
    pub(crate) fn since(&self) -> i64 {
        match self.settings.work {
            Work::Since(instant) => instant.timestamp_millis(),
            Work::All | Work::None => i64::MIN,
        }
    }

    /// Runs that the memory has a place for.
    pub(crate) fn free_places(&self) -> usize {
        if self.settings.work == Work::None {
            return 0;
        }
        self.settings.active_runs.saturating_sub(self.running.lock().len())
    }

    pub(crate) fn set_backlog(&self, backlog: bool) {
        self.backlog.store(backlog, Ordering::Relaxed);
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Ends the runs in memory whose end was asked for.
    pub(crate) async fn cancel_asked(&self) -> Result<(), EngineError> {
        self.journal.to_cancel().await?.iter().for_each(|run| self.cancel_running(run));
        Ok(())
    }

    fn cancel_running(&self, run: &str) {
        if let Some((_, cancel)) = self.running.lock().get(run) {
            cancel.cancel();
        }
    }
}
