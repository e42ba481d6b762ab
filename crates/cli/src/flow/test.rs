//! `oktant flow test`: runs flows with connectors that answer as a file says, and compares what was asked of them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::{Code, Coded, ManualClock, OsEntropy, Timestamp, codes};
use oktant_connect::Connectors;
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Delivered, Edges, Engine, ErrorKind, Events, Fields, Idempotency, Outcome,
    RunState, Settings, Start, StepSummary, has_card,
};
use oktant_flow::model::{Event, Flow, Project};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::desk::Desk;
use super::runs::{fields, plain};
use super::switch::of_path;
use crate::args::StoreArgs;
use crate::failure::{Error, Result};
use crate::output;

/// How the file of a flow's tests ends.
const SUFFIX: &str = ".test.yaml";

/// Time that a run may take without waiting for anything.
const PATIENCE: u32 = 2000;

/// The tests of one flow.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tests {
    /// Its id.
    flow: String,
    cases: Vec<Case>,
}

/// One run of a flow.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The time at which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
    /// What the flow starts with.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    given: Map<String, Value>,
    /// What the flow asks of connectors, and what they answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calls: Vec<Expected>,
    /// How it ends.
    #[serde(default = "succeeded")]
    ends: String,
    /// What it returns, as far as the test cares.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    returns: Map<String, Value>,
}

fn succeeded() -> String {
    RunState::Succeeded.name().to_owned()
}

/// A call of a connector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The place of the step, as the history tells it: `read`, or `each[0]/read` in a helper flow.
    step: String,
    card: String,
    /// What it is given, as far as the test cares.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    with: Map<String, Value>,
    /// What it gives.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    gives: Map<String, Value>,
    /// The records that it streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Vec<Value>>,
    /// Why it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fails: Option<Failing>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failing {
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

/// A file of tests that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{} holds no tests of a flow: {problem}", path.display())]
struct Unreadable {
    path: PathBuf,
    problem: String,
}

impl Coded for Unreadable {
    fn code(&self) -> Code {
        codes::OKT4103
    }

    fn hint(&self) -> Option<String> {
        Some("`oktant flow history RUN --record FILE` writes one; docs/guides/flows.md describes it".to_owned())
    }
}

/// Connectors that answer as a case says.
#[derive(Debug)]
struct Scripted {
    calls: Vec<Expected>,
    made: parking_lot::Mutex<Vec<(String, Call)>>,
}

#[async_trait]
impl Actions for Scripted {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        let streaming = self.calls.iter().any(|call| call.card == address && call.records.is_some());
        Some(ActionInfo { idempotency: Idempotency::Safe, streaming, timeout: Duration::from_secs(30) })
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let step = call.idempotency_key.split_once(':').map_or("", |(_, step)| step).to_owned();
        let expected = self.calls.iter().find(|expected| expected.step == step && *expected.card == *call.address);
        self.made.lock().push((step.clone(), call));
        let Some(expected) = expected else {
            return Err(CardError::new(ErrorKind::Refused, format!("the test does not say what {step} gives")));
        };
        if let Some(failing) = &expected.fails {
            let error = CardError::new(ErrorKind::Refused, failing.message.clone());
            return Err(CardError { status: failing.status, ..error });
        }
        if let Some(records) = &expected.records {
            return Ok(Outcome::Page { records: records.iter().map(value).collect(), cursor: None });
        }
        Ok(Outcome::Outputs(unflattened(&expected.gives)))
    }

    async fn search_first(&self, _call: Call) -> Result<Option<Outcome>, CardError> {
        Ok(None)
    }
}

/// Tests start flows by themselves.
#[derive(Debug)]
struct NoEvents;

impl Events for NoEvents {
    fn event_types(&self, _card: &Event) -> Option<Vec<String>> {
        None
    }

    fn outputs(&self, _card: &Event, _delivered: &Delivered) -> Option<Fields> {
        None
    }
}

fn value(json: &Value) -> oktant_functions::Value {
    oktant_functions::Value::from_json(&json.to_string()).unwrap_or_default()
}

/// Fields by their full names: `Group/Key`, and `Key` or `/Key` for those without a group.
fn flattened(fields: &Fields) -> Map<String, Value> {
    let name = |field: &oktant_engine::Field| match &field.group {
        Some(group) => format!("{group}/{}", field.key),
        None if field.key.contains('/') => format!("/{}", field.key),
        None => field.key.to_string(),
    };
    fields.iter().map(|field| (name(field), serde_json::to_value(&field.value).unwrap_or_default())).collect()
}

fn unflattened(map: &Map<String, Value>) -> Fields {
    let mut fields = Fields::new();
    for (name, json) in map {
        match name.split_once('/') {
            Some((group, key)) => fields.set(Some(group).filter(|group| !group.is_empty()), key, value(json)),
            None => fields.set(None, name, value(json)),
        }
    }
    fields
}

/// Runs the tests of files, and of all files in folders.
pub(super) async fn run(paths: &[PathBuf]) -> Result<ExitCode> {
    let (mut told, mut failed) = (String::new(), false);
    for path in test_files(paths)? {
        let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let unreadable = |problem: String| Unreadable { path: path.clone(), problem };
        let tests: Tests = serde_saphyr::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let flow_file =
            path.with_file_name(path.file_name().unwrap_or_default().to_string_lossy().replace(SUFFIX, ".flow.yaml"));
        let project = of_path(&flow_file)?;
        for case in &tests.cases {
            let problems = check(&tests.flow, case, &project).await?;
            failed |= !problems.is_empty();
            let verdict = if problems.is_empty() { "ok" } else { "FAILED" };
            let _ = writeln!(told, "{verdict}\t{}\t{}", tests.flow, case.name);
            for problem in &problems {
                let _ = writeln!(told, "  {problem}");
            }
        }
    }
    output::print(&told)?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn test_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        for folder in [path.clone(), path.join("flows")].iter().filter(|folder| folder.is_dir()) {
            let failed = |source| Error::Read { path: folder.clone(), source };
            for entry in fs::read_dir(folder).map_err(failed)? {
                let file = entry.map_err(failed)?.path();
                if file.to_string_lossy().ends_with(SUFFIX) {
                    found.push(file);
                }
            }
        }
    }
    found.sort();
    if found.is_empty() {
        let hint = "tests of flows/NAME.flow.yaml stand in flows/NAME.test.yaml";
        return Err(Error::misuse("there are no tests", hint).into());
    }
    Ok(found)
}

/// Runs a case; what is not as it says.
async fn check(flow: &str, case: &Case, project: &Project) -> Result<Vec<String>> {
    let begin = case.now.unwrap_or_else(|| oktant_base::Clock::now(&oktant_base::SystemClock));
    let clock = Arc::new(ManualClock::at(begin));
    let scripted = Arc::new(Scripted { calls: case.calls.clone(), made: parking_lot::Mutex::default() });
    let edges = Edges {
        clock: Arc::clone(&clock) as _,
        entropy: Arc::new(OsEntropy),
        actions: Arc::clone(&scripted) as _,
        events: Arc::new(NoEvents),
    };
    let engine = Engine::open("sqlite::memory:", edges, Settings::default()).await?;
    for flow in project.flows.values() {
        engine.save(flow).await?;
        engine.switch(flow.id.as_str(), true).await?;
    }
    let entry = engine.flow(flow)?;
    let given = fields(&entry.version.flow, &case.given)?;
    let Some(id) = engine.start(flow, Start::new("manual", given)).await? else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    for turn in 0..=PATIENCE {
        let run = engine.run(&id).await?;
        if run.state.is_end() {
            break;
        }
        if turn == PATIENCE {
            problems.push(format!("the run does not end; it is {}", run.state.name()));
        }
        // Waits are over at once; short ones are not told by the journal.
        let step = run.wake_at.and_then(|until| (until - oktant_base::Clock::now(&*clock)).to_std().ok());
        tokio::time::sleep(Duration::from_millis(5)).await;
        match step {
            Some(step) => clock.advance(step),
            None if turn % 20 == 19 => clock.advance(Duration::from_secs(1)),
            None => {}
        }
    }
    let (run, returned) = (engine.run(&id).await?, engine.returned(&id).await?);
    engine.close().await;
    if run.state.name() != case.ends {
        let why = run.message.map(|message| format!(": {message}")).unwrap_or_default();
        problems.push(format!("it ended {} and not {}{why}", run.state.name(), case.ends));
    }
    differences("returned", &case.returns, &flattened(&returned), &mut problems);
    compare(case, &scripted.made.lock(), &mut problems);
    Ok(problems)
}

/// Compares the calls that were made with those of the case.
fn compare(case: &Case, made: &[(String, Call)], problems: &mut Vec<String>) {
    for expected in &case.calls {
        let found = made.iter().find(|(step, call)| *step == expected.step && *call.address == *expected.card);
        match found {
            None => problems.push(format!("{} ({}) was not called", expected.step, expected.card)),
            Some((_, call)) => {
                let what = format!("{} was given", expected.step);
                differences(&what, &expected.with, &flattened(&call.inputs), problems);
            }
        }
    }
    for (step, call) in made {
        if !case.calls.iter().any(|expected| expected.step == *step && *expected.card == *call.address) {
            problems.push(format!("{step} ({}) was called", call.address));
        }
    }
}

/// What of `wanted` is not in `found`.
fn differences(what: &str, wanted: &Map<String, Value>, found: &Map<String, Value>, problems: &mut Vec<String>) {
    for (name, wanted) in wanted {
        let found = found.get(name).unwrap_or(&Value::Null);
        if found != wanted {
            problems.push(format!("{what} {name} {found}, not {wanted}"));
        }
    }
}

/// Writes a run as a case.
pub(super) async fn record(run: &str, file: &Path, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let summary = desk.engine.run(run).await?;
    let steps = desk.engine.steps(run).await?;
    let entry = desk.engine.flow(&summary.flow)?;
    let flow = &entry.version.flow;
    let trigger = steps.iter().find(|step| *step.path == *flow.trigger.id.as_str());
    let given = trigger.and_then(|step| step.outputs.as_ref()).map(|outputs| started_with(flow, outputs));
    let case = Case {
        name: format!("as in run {run}"),
        now: Some(summary.created_at),
        given: given.unwrap_or_default(),
        calls: expected_calls(run, &steps)?,
        ends: summary.state.name().to_owned(),
        returns: flattened(&desk.engine.returned(run).await?),
    };
    let tests = Tests { flow: flow.id.to_string(), cases: vec![case] };
    let failed = |problem: String| Unreadable { path: file.into(), problem };
    let text = serde_saphyr::to_string(&tests).map_err(|error| failed(error.to_string()))?;
    fs::write(file, text).map_err(|source| Error::Write { path: file.into(), source })?;
    output::print(&format!("run {run} is a test in {}\n", file.display()))
}

/// What a run began with, but for what every run is given.
fn started_with(flow: &Flow, outputs: &Fields) -> Map<String, Value> {
    let mut given = flattened(outputs);
    given.retain(|name, value| !name.starts_with("context/") && !value.is_null());
    let known: Vec<String> = flow.trigger.outputs.iter().map(|output| plain(&output.slot)).collect();
    given.retain(|name, _| known.iter().any(|known| known == name.trim_start_matches('/')));
    given
}

/// The calls of the steps of a run. Of several attempts the last one stands for all: a test makes one where the run
/// needed more, and fails as the last one did.
fn expected_calls(run: &str, steps: &[StepSummary]) -> Result<Vec<Expected>> {
    let mut calls: Vec<Expected> = Vec::new();
    for call in steps.iter().filter_map(expected) {
        if call.step.contains('@') {
            let hint = "write the test by hand, with `records` for the step; docs/guides/flows.md describes it";
            let what = format!(
                "run {run} cannot be recorded: the history does not keep the records that {} streamed",
                call.step
            );
            return Err(Error::misuse(what, hint).into());
        }
        let attempt_of = |place: &str| place.split_once('#').map_or(place, |(step, _)| step).to_owned();
        let call = Expected { step: attempt_of(&call.step), ..call };
        match calls.iter_mut().find(|earlier| earlier.step == call.step) {
            Some(earlier) => *earlier = call,
            None => calls.push(call),
        }
    }
    Ok(calls)
}

/// The call of a step that acted outside.
fn expected(step: &StepSummary) -> Option<Expected> {
    let address = step.address.as_deref().filter(|address| !has_card(address) && Connectors::is_executable(address))?;
    // The trigger is no call.
    if step.inputs.is_none() && step.error.is_none() {
        return None;
    }
    let shown = |fields: &Option<Fields>| fields.as_ref().map(flattened).unwrap_or_default();
    let fails = step.error.as_ref().map(|error| Failing { message: error.message.clone(), status: error.status });
    Some(Expected {
        step: step.path.to_string(),
        card: address.to_owned(),
        with: shown(&step.inputs),
        gives: shown(&step.outputs),
        records: None,
        fails,
    })
}
