//! What runs did: for people, for `oktant sql`, for as long as the retention says.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use chrono::DateTime;
use indexmap::IndexMap;
use oktant_base::Timestamp;
use oktant_flow::model::{Flow, TriggerKind};
use oktant_store::{Row, Store, StoreError, Value as Column};
use parking_lot::Mutex;

use crate::action::{CardError, Fields};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::journal::{Record, RunState, read};
use crate::name::Name;
use crate::redact::{Redactor, Veil};

/// Runs that one page of the history has at most.
const PAGE_MAX: usize = 1000;

/// Which runs are wanted; by default the last hundred.
#[derive(Debug, Clone)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<Name>,
    /// In this state.
    pub state: Option<RunState>,
    /// Begun then or later.
    pub since: Option<Timestamp>,
    /// Begun before.
    pub until: Option<Timestamp>,
    /// Started by this run.
    pub parent: Option<Name>,
    /// Whose history has this text in an input, output or message, by letter case.
    pub text: Option<String>,
    /// Older than this run: the last one of the page before.
    pub before: Option<Name>,
    /// How many, at most 1000.
    pub limit: usize,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self { flow: None, state: None, since: None, until: None, parent: None, text: None, before: None, limit: 100 }
    }
}

/// A run in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Its id; ids sort by the time at which runs began.
    pub id: Name,
    /// The flow.
    pub flow: Name,
    /// The definition that it runs.
    pub version: Name,
    /// What started it.
    pub trigger_kind: String,
    /// What makes it happen once.
    pub event_key: Option<String>,
    /// The run that started it, or that it repeats.
    pub parent: Option<Name>,
    /// Where it stands.
    pub state: RunState,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Until when it waits.
    pub wake_at: Option<Timestamp>,
    /// The code of its error.
    pub error_code: Option<String>,
    /// The message of its error, or what Continue If said.
    pub message: Option<String>,
}

impl RunSummary {
    pub(crate) const COLUMNS: &'static str = "id, flow, version, trigger_kind, event_key, parent, state, created_at, ended_at, \
                                   wake_at, error_code, message";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let state = row.text(6)?;
        let state = RunState::named(&state).ok_or(StoreError::Corrupt(format!("run state {state}")))?;
        let instant = |index| row.opt_int(index).and_then(DateTime::from_timestamp_millis);
        Ok(Self {
            id: row.text(0)?.into(),
            flow: row.text(1)?.into(),
            version: row.text(2)?.into(),
            trigger_kind: row.text(3)?,
            event_key: row.opt_text(4),
            parent: row.opt_text(5).map(Into::into),
            state,
            created_at: instant(7).ok_or_else(|| StoreError::Corrupt("a run without a time".to_owned()))?,
            ended_at: instant(8),
            wake_at: instant(9).filter(|_| state == RunState::Waiting),
            error_code: row.opt_text(10),
            message: row.opt_text(11),
        })
    }
}

/// How a step of a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Begun; nothing tells how it ended.
    Open,
    /// Waiting for a time.
    Waiting,
    /// Ended well.
    Succeeded,
    /// Ended early, by Continue If: of helper flows.
    Stopped,
    /// Failed.
    Failed,
}

impl StepState {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// A step of a run in the history, or a helper flow inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSummary {
    /// Its place: `each[17]/create_user`, `each[17]` for the helper flow itself; `create_user#2` for a second attempt.
    pub path: Name,
    /// Its place in the order in which the steps of the run began to be written, from 0.
    pub number: u64,
    /// The helper flow that it is, if it is one.
    pub flow: Option<Name>,
    /// The card; nothing for helper flows, and for steps that the definition does not have.
    pub address: Option<Name>,
    /// How it stands.
    pub state: StepState,
    /// When it began, as far as that was written; else when it ended.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it was given, without secrets; nothing if the flow keeps no data.
    pub inputs: Option<Fields>,
    /// What it gave, likewise.
    pub outputs: Option<Fields>,
    /// Whether that came from the clock or from chance.
    pub drawn: bool,
    /// Why it failed.
    pub error: Option<CardError>,
}

impl Engine {
    /// Runs, the newest first.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn history(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, EngineError> {
        let (mut wanted, mut values) = (Vec::new(), Vec::<Column>::new());
        let mut add = |condition: &str, value: Column| {
            values.push(value);
            wanted.push(condition.replace('?', &format!("${}", values.len())));
        };
        let name = |name: &Name| Column::from(name.as_str());
        filter.flow.iter().for_each(|flow| add("flow = ?", name(flow)));
        filter.state.iter().for_each(|state| add("state = ?", state.name().into()));
        filter.since.iter().for_each(|since| add("created_at >= ?", since.timestamp_millis().into()));
        filter.until.iter().for_each(|until| add("created_at < ?", until.timestamp_millis().into()));
        filter.parent.iter().for_each(|parent| add("parent = ?", name(parent)));
        filter.before.iter().for_each(|before| add("id < ?", name(before)));
        if let Some(text) = &filter.text {
            let pattern = like(text);
            add(
                r"(EXISTS (SELECT 1 FROM flow_segments WHERE run = id AND records LIKE ? ESCAPE '!') OR message LIKE ? ESCAPE '!')",
                pattern.into(),
            );
        }
        let wanted = if wanted.is_empty() { "1 = 1".to_owned() } else { wanted.join(" AND ") };
        let limit = filter.limit.min(PAGE_MAX);
        let query =
            format!("SELECT {} FROM flow_runs WHERE {wanted} ORDER BY id DESC LIMIT {limit}", RunSummary::COLUMNS);
        let rows = self.shared.journal.database().read().await?.fetch(&query, &values).await?;
        Ok(rows.iter().map(RunSummary::read).collect::<Result<_, _>>()?)
    }

    /// One run.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRun`], [`EngineError::Journal`].
    pub async fn run(&self, run: &str) -> Result<RunSummary, EngineError> {
        let query = format!("SELECT {} FROM flow_runs WHERE id = $1", RunSummary::COLUMNS);
        let row = self.shared.journal.database().read().await?.fetch_one(&query, &[run.into()]).await?;
        Ok(RunSummary::read(&row.ok_or_else(|| EngineError::NoRun(run.to_owned()))?)?)
    }

    /// The steps of a run, in the order in which they began to be written; the first one is its trigger.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`].
    pub async fn steps(&self, run: &str) -> Result<Vec<StepSummary>, EngineError> {
        let row = self.shared.journal.row(run).await?;
        let version = self.shared.flows.version(&row.flow, &row.version).await?;
        let own = (row.flow, row.version);
        let redactor = Arc::clone(&self.shared.redactor);
        let mut pages = StepPages::new(run.into(), own, &version.flow, redactor, Arc::default());
        let mut all = Vec::new();
        while let Some(page) = pages.next(self.shared.journal.database().store()).await? {
            all.extend(page);
        }
        all.sort_by_key(|step| step.number);
        Ok(all)
    }

    /// What an ended run returned, without secrets; empty if it has not ended, or its flow keeps no data.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`].
    pub async fn returned(&self, run: &str) -> Result<Fields, EngineError> {
        self.shared.journal.row(run).await?;
        let (mut next, mut found) = (0, Fields::new());
        loop {
            let page = self.shared.journal.page(run, next).await?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            next = last + 1;
            for record in page.into_iter().flat_map(|(_, records)| records) {
                if let Record::Ended { returned, .. } = record {
                    found = returned;
                }
            }
        }
    }
}

/// The pattern of LIKE for text inside JSON.
fn like(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    let inside = json.trim_matches('"');
    let escaped: String =
        inside.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

/// A flow and its version.
pub(crate) type Definition = (Name, Name);

/// The cards of flows by the ids of their steps.
#[derive(Debug, Default)]
pub(crate) struct Cards(Mutex<HashMap<Definition, Arc<Addresses>>>);

impl Cards {
    /// Those of a definition, read if it is a new one. A definition that there is no more has none.
    async fn of(&self, store: &dyn Store, definition: &Definition) -> Result<Arc<Addresses>, StoreError> {
        if let Some(known) = self.0.lock().get(definition) {
            return Ok(Arc::clone(known));
        }
        let addresses = match crate::flows::definition(store, &definition.0, &definition.1).await {
            Ok(flow) => Addresses::of(&flow),
            Err(EngineError::Journal(error)) => return Err(*error),
            Err(_) => Addresses::default(),
        };
        Ok(self.enter(definition.clone(), || addresses))
    }

    fn enter(&self, definition: Definition, addresses: impl FnOnce() -> Addresses) -> Arc<Addresses> {
        Arc::clone(self.0.lock().entry(definition).or_insert_with(|| Arc::new(addresses())))
    }
}

/// The cards of a flow by the ids of its steps.
#[derive(Debug, Default)]
struct Addresses(HashMap<String, Name>);

impl Addresses {
    fn of(flow: &Flow) -> Self {
        let mut addresses = HashMap::new();
        flow.body.walk(&mut |step, _| {
            addresses.insert(step.id.to_string(), step.kind.address().as_str().into());
        });
        if let TriggerKind::Event(event) = &flow.trigger.kind {
            addresses.insert(flow.trigger.id.to_string(), event.address.as_str().into());
        }
        Self(addresses)
    }

    /// The card at a place: its last part is the id of a step, and what tells turns and attempts apart.
    fn get(&self, path: &str) -> Option<Name> {
        let id = path.rsplit('/').next().unwrap_or(path);
        self.0.get(id.split(['[', '#', '@', '!']).next().unwrap_or(id)).cloned()
    }
}

/// The steps of a run, page by page: those that have ended as soon as their records are read.
#[derive(Debug)]
pub(crate) struct StepPages {
    run: Name,
    own: Definition,
    trigger: String,
    /// The number of the next segment; nothing behind the last page.
    next: Option<i64>,
    steps: Steps,
    cards: Arc<Cards>,
}

impl StepPages {
    /// Those of a run of the definition `own`, which is `flow`.
    pub(crate) fn new(run: Name, own: Definition, flow: &Flow, redactor: Arc<Redactor>, cards: Arc<Cards>) -> Self {
        cards.enter(own.clone(), || Addresses::of(flow));
        let steps = Steps::new(Veil::new(redactor), flow.log);
        Self { run, own, trigger: flow.trigger.id.as_str().to_owned(), next: Some(0), steps, cards }
    }

    /// The next steps; `None` behind the last ones.
    pub(crate) async fn next(&mut self, store: &dyn Store) -> Result<Option<Vec<StepSummary>>, StoreError> {
        let Some(next) = self.next else { return Ok(None) };
        let page = read::page(store, &self.run, next).await?;
        self.next = page.last().map(|(last, _)| last + 1);
        page.into_iter().flat_map(|(_, records)| records).for_each(|record| self.steps.add(record, &self.trigger));
        let over = if self.next.is_some() { self.steps.over() } else { self.steps.rest() };
        let mut named = Vec::with_capacity(over.len());
        for OpenStep { mut step, inside, .. } in over {
            if step.address.is_none() && step.flow.is_none() {
                step.address = self.card(store, &step.path, inside).await?;
            }
            named.push(step);
        }
        Ok(Some(named))
    }

    /// The card at a place that is `inside` a helper flow, or in none.
    async fn card(
        &self,
        store: &dyn Store,
        path: &str,
        inside: Option<Definition>,
    ) -> Result<Option<Name>, StoreError> {
        let definition = match inside {
            None if path.contains('/') => return Ok(None),
            None => &self.own,
            Some(ref helper) => helper,
        };
        Ok(self.cards.of(store, definition).await?.get(path))
    }
}

/// A step that records may still tell of.
#[derive(Debug)]
struct OpenStep {
    step: StepSummary,
    /// The page in which it ended.
    ended: Option<u64>,
    /// The helper flow that it is a step of. A run that goes on where another one failed does not say which flows it
    /// had entered.
    inside: Option<Definition>,
}

/// The steps of a run, made of its records.
#[derive(Debug)]
struct Steps {
    open: IndexMap<Name, OpenStep>,
    /// The helper flows at their places, until they are left.
    entered: HashMap<Name, Definition>,
    /// Hashes of the places of those that were given away. What is computed again after a crash is written again.
    given: HashSet<u64>,
    number: u64,
    page: u64,
    veil: Veil,
    /// Whether the flow keeps data.
    keeps: bool,
}

impl Steps {
    fn new(veil: Veil, keeps: bool) -> Self {
        Self { open: IndexMap::new(), entered: HashMap::new(), given: HashSet::new(), number: 0, page: 0, veil, keeps }
    }

    /// Gives away the steps that ended before this page: what belongs to the end of one is written close to it.
    fn over(&mut self) -> Vec<OpenStep> {
        let page = self.page;
        self.page += 1;
        let over = |_: &Name, open: &mut OpenStep| open.ended.is_some_and(|ended| ended < page);
        let steps: Vec<OpenStep> = self.open.extract_if(.., over).map(|(_, open)| open).collect();
        for OpenStep { step, .. } in &steps {
            self.entered.remove(&step.path);
            self.given.insert(hash(&step.path));
        }
        steps
    }

    /// Gives away all others.
    fn rest(&mut self) -> Vec<OpenStep> {
        std::mem::take(&mut self.open).into_values().collect()
    }

    fn add(&mut self, mut record: Record, trigger: &str) {
        for fields in record.fields_mut() {
            self.veil.learn(fields);
        }
        self.veil.cover(&mut record, self.keeps);
        let keeps = self.keeps;
        let shown = |fields: Fields| keeps.then_some(fields);
        match record {
            Record::Accepted { at, trigger: values, .. } => {
                self.end(&trigger.into(), at, StepState::Succeeded, |step| step.outputs = shown(values));
            }
            Record::Intent { path, at, address, inputs, .. } => {
                self.step(path, at, |step| {
                    // An attempt that was waited for begins when it is made.
                    if step.state == StepState::Waiting {
                        step.started_at = instant(at).unwrap_or(step.started_at);
                    }
                    (step.address, step.inputs, step.state) = (Some(address), inputs, StepState::Open);
                });
            }
            Record::Result { path, at, outputs, private } => {
                let outputs = shown(outputs).filter(|_| !private);
                self.end(&path, at, StepState::Succeeded, |step| step.outputs = outputs);
            }
            Record::Drawn { path, at, outputs, private } => {
                let outputs = shown(outputs).filter(|_| !private);
                self.end(&path, at, StepState::Succeeded, |step| (step.outputs, step.drawn) = (outputs, true));
            }
            Record::Step { path, at, inputs, outputs } => {
                self.end(&path, at, StepState::Succeeded, |step| (step.inputs, step.outputs) = (inputs, outputs));
            }
            Record::Failed { path, at, error, inputs } => {
                self.end(&path, at, StepState::Failed, |step| {
                    step.error = Some(*error);
                    step.inputs = step.inputs.take().or(inputs);
                });
            }
            Record::Enter { path, at, flow, version, inputs } => {
                self.enter(&path, &flow, version);
                let inputs = inputs.and_then(shown);
                self.step(path, at, |step| (step.flow, step.inputs) = (Some(flow), inputs));
            }
            Record::Leave { path, at, state } => {
                let state = match state {
                    RunState::Failed => StepState::Failed,
                    RunState::Stopped => StepState::Stopped,
                    _ => StepState::Succeeded,
                };
                self.end(&path, at, state, |_| ());
            }
            Record::Timer { path, at, until, .. } => {
                self.step(path, if at == 0 { until } else { at }, |step| step.state = StepState::Waiting);
            }
            Record::Progress { .. }
            | Record::Child { .. }
            | Record::Resumed { .. }
            | Record::Answered { .. }
            | Record::Decided { .. } => {}
            Record::Ended { at, .. } => {
                // What waited for a later time did not come to it.
                let end = instant(at).unwrap_or_default();
                for OpenStep { step, .. } in self.open.values_mut() {
                    step.started_at = step.started_at.min(end);
                }
            }
        }
    }

    /// Notes which definition the steps at a place are of.
    fn enter(&mut self, place: &Name, flow: &Name, version: Name) {
        if !self.given.contains(&hash(place)) {
            self.entered.insert(place.clone(), (flow.clone(), version));
        }
    }

    /// Changes the step at a place, made if it is new; it is not over.
    fn step(&mut self, path: Name, at: i64, change: impl FnOnce(&mut StepSummary)) {
        if self.given.contains(&hash(&path)) {
            return;
        }
        let (number, entered) = (self.number, &self.entered);
        let open = self.open.entry(path).or_insert_with_key(|path| {
            let step = StepSummary {
                path: path.clone(),
                number,
                flow: None,
                address: None,
                state: StepState::Open,
                started_at: instant(at).unwrap_or_default(),
                ended_at: None,
                inputs: None,
                outputs: None,
                drawn: false,
                error: None,
            };
            let inside = path.rsplit_once('/').and_then(|(place, _)| entered.get(place)).cloned();
            OpenStep { step, ended: None, inside }
        });
        self.number = self.number.max(open.step.number + 1);
        open.ended = None;
        change(&mut open.step);
    }

    /// Changes the step at a place, which is over then.
    fn end(&mut self, path: &Name, at: i64, state: StepState, change: impl FnOnce(&mut StepSummary)) {
        self.step(path.clone(), at, |step| {
            (step.state, step.ended_at) = (state, instant(at));
            change(step);
        });
        if let Some(open) = self.open.get_mut(path) {
            open.ended = Some(self.page);
        }
    }
}

fn hash(path: &Name) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn instant(at: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(at)
}
