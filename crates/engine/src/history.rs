//! What runs did: for people, for `oktant sql`, for as long as the retention says.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::DateTime;
use oktant_base::Timestamp;
use oktant_flow::model::TriggerKind;
use oktant_store::{Row, StoreError, Value as Column};

use crate::action::{CardError, Fields};
use crate::engine::{Engine, Shared, Version};
use crate::error::EngineError;
use crate::journal::{Record, RunState};
use crate::name::Name;
use crate::redact::Veil;

/// Runs that one page of the history has at most.
const PAGE_MAX: usize = 1000;

/// Runs that are removed with one commit.
const PRUNE_MAX: i64 = 500;

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
    const COLUMNS: &'static str = "id, flow, version, trigger_kind, event_key, parent, state, created_at, ended_at, \
                                   wake_at, error_code, message";

    fn read(row: &Row) -> Result<Self, StoreError> {
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
        let trigger = version.flow.trigger.id.as_str();
        let mut steps = Steps::new(Veil::new(Arc::clone(&self.shared.redactor)), version.flow.log);
        let mut next = 0;
        loop {
            let page = self.shared.journal.page(run, next).await?;
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            page.into_iter().flat_map(|(_, records)| records).for_each(|record| steps.add(record, trigger));
        }
        let own = (row.flow, row.version);
        let mut definitions = HashMap::from([(own.clone(), Addresses::of(&version))]);
        for definition in steps.entered.values() {
            // A run that goes on where another one failed does not say which flows it had entered.
            if !definitions.contains_key(definition)
                && let Ok(version) = self.shared.flows.version(&definition.0, &definition.1).await
            {
                definitions.insert(definition.clone(), Addresses::of(&version));
            }
        }
        for step in steps.all.iter_mut().filter(|step| step.address.is_none() && step.flow.is_none()) {
            let definition = match step.path.rsplit_once('/') {
                Some((place, _)) => steps.entered.get(place),
                None => Some(&own),
            };
            step.address = definition.and_then(|definition| definitions.get(definition)?.get(&step.path));
        }
        Ok(steps.all)
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

    /// Removes runs whose retention is over. Gives how many.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn prune(&self) -> Result<u64, EngineError> {
        self.shared.prune().await
    }
}

impl Shared {
    /// Removes runs whose retention is over; gives how many.
    pub(crate) async fn prune(&self) -> Result<u64, EngineError> {
        let retention = i64::try_from(self.settings.retention.as_millis()).unwrap_or(i64::MAX);
        let before = self.journal.now().saturating_sub(retention);
        let mut removed = 0;
        loop {
            let write = self.journal.database().write(move |connection| {
                Box::pin(async move {
                    let old = "SELECT id FROM flow_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2";
                    let rows = connection.fetch(old, &[before.into(), PRUNE_MAX.into()]).await?;
                    for row in &rows {
                        let id = row.text(0)?;
                        for sql in [
                            "DELETE FROM flow_segments WHERE run = $1",
                            "DELETE FROM flow_values WHERE run = $1",
                            "DELETE FROM flow_runs WHERE id = $1",
                        ] {
                            connection.execute(sql, &[id.as_str().into()]).await?;
                        }
                    }
                    Ok::<_, StoreError>(rows.len() as u64)
                })
            });
            let count = write.await?;
            removed += count;
            if count < PRUNE_MAX as u64 {
                return Ok(removed);
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

/// The cards of a flow by the ids of its steps.
struct Addresses(HashMap<String, Name>);

impl Addresses {
    fn of(version: &Version) -> Self {
        let mut addresses = HashMap::new();
        version.flow.body.walk(&mut |step, _| {
            addresses.insert(step.id.to_string(), step.kind.address().as_str().into());
        });
        if let TriggerKind::Event(event) = &version.flow.trigger.kind {
            addresses.insert(version.flow.trigger.id.to_string(), event.address.as_str().into());
        }
        Self(addresses)
    }

    /// The card at a place: its last part is the id of a step, and what tells turns and attempts apart.
    fn get(&self, path: &str) -> Option<Name> {
        let id = path.rsplit('/').next().unwrap_or(path);
        self.0.get(id.split(['[', '#', '@', '!']).next().unwrap_or(id)).cloned()
    }
}

/// The steps of a run, made of its records.
struct Steps {
    all: Vec<StepSummary>,
    /// The helper flows at their places, and their versions.
    entered: HashMap<Name, (Name, Name)>,
    places: HashMap<Name, usize>,
    veil: Veil,
    /// Whether the flow keeps data.
    keeps: bool,
}

impl Steps {
    fn new(veil: Veil, keeps: bool) -> Self {
        Self { all: Vec::new(), entered: HashMap::new(), places: HashMap::new(), veil, keeps }
    }

    fn add(&mut self, mut record: Record, trigger: &str) {
        for fields in record.fields_mut() {
            self.veil.learn(fields);
        }
        self.veil.cover(&mut record, self.keeps);
        let shown = |fields: Fields| self.keeps.then_some(fields);
        match record {
            Record::Accepted { at, trigger: values, .. } => {
                let outputs = shown(values);
                let step = self.step(trigger.into(), at);
                (step.outputs, step.state, step.ended_at) = (outputs, StepState::Succeeded, instant(at));
            }
            Record::Intent { path, at, address, inputs, .. } => {
                let step = self.step(path, at);
                (step.address, step.inputs, step.state) = (Some(address), inputs, StepState::Open);
            }
            Record::Result { path, at, outputs, private } | Record::Drawn { path, at, outputs, private } => {
                let outputs = shown(outputs).filter(|_| !private);
                self.end(path, at, StepState::Succeeded).outputs = outputs;
            }
            Record::Step { path, at, inputs, outputs } => {
                let step = self.end(path, at, StepState::Succeeded);
                step.inputs = inputs;
                step.outputs = outputs;
            }
            Record::Failed { path, at, error, inputs } => {
                let step = self.end(path, at, StepState::Failed);
                step.error = Some(*error);
                step.inputs = step.inputs.take().or(inputs);
            }
            Record::Enter { path, at, flow, version } => {
                self.entered.insert(path.clone(), (flow.clone(), version));
                let step = self.step(path, at);
                step.flow = Some(flow);
            }
            Record::Leave { path, at, state } => {
                let state = match state {
                    RunState::Failed => StepState::Failed,
                    RunState::Stopped => StepState::Stopped,
                    _ => StepState::Succeeded,
                };
                self.end(path, at, state);
            }
            Record::Timer { path, until, .. } => {
                let step = self.step(path, until);
                step.state = StepState::Waiting;
            }
            Record::Progress { .. }
            | Record::Child { .. }
            | Record::Resumed { .. }
            | Record::Answered { .. }
            | Record::Decided { .. }
            | Record::Ended { .. } => {}
        }
    }

    /// The step at a place, made if it is new.
    fn step(&mut self, path: Name, at: i64) -> &mut StepSummary {
        let place = *self.places.entry(path.clone()).or_insert_with(|| {
            self.all.push(StepSummary {
                path,
                flow: None,
                address: None,
                state: StepState::Open,
                started_at: instant(at).unwrap_or_default(),
                ended_at: None,
                inputs: None,
                outputs: None,
                error: None,
            });
            self.all.len() - 1
        });
        &mut self.all[place]
    }

    fn end(&mut self, path: Name, at: i64, state: StepState) -> &mut StepSummary {
        let step = self.step(path, at);
        (step.state, step.ended_at) = (state, instant(at));
        step
    }
}

fn instant(at: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_millis(at)
}
