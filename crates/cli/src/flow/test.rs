//! `oktant flow test`: runs flows with connectors that answer as a file says, or against orgs of the sandbox, and
//! compares what was asked of them.

mod append;
mod case;
mod cast;
mod orgs;
mod record;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Clock, Entropy, ManualClock, OsEntropy, SystemClock};
use oktant_connect::connection::Connection;
use oktant_engine::{Edges, Engine, Events, FlowSettings, Name, RunFilter, RunState, Settings, Start};
use oktant_flow::model::{ConnectionId, Flow, Project, TriggerKind};
use serde_json::{Map, Value};

pub(super) use record::record;

use self::case::{Against, Case, Expected, SUFFIX, Tests, Unreadable, flattened};
use self::cast::{Cast, NoEvents, differences};
use self::orgs::{Orgs, Watched};
use super::bindings::placeholders;
use super::runs::fields;
use super::serve::sources;
use super::switch::of_path;
use crate::failure::{Error, Result};
use crate::output;

/// Looks at a run that is waited for, a moment apart: the time that it may take without waiting for anything.
const PATIENCE: u32 = 6000;

/// Between two looks.
const MOMENT: Duration = Duration::from_millis(5);

/// Looks after which a second has passed on the clock of a test, for waits that no journal tells of.
const LOOKS_PER_SECOND: u32 = 20;

/// How often the logs that start flows are looked at, on the clock of a test.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Runs the tests of files, and of all files in folders.
pub(super) async fn run(paths: &[PathBuf]) -> Result<ExitCode> {
    let (mut told, mut failed) = (String::new(), false);
    for path in test_files(paths)? {
        let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let unreadable = |problem: String| Unreadable { path: path.clone(), problem };
        let tests: Tests = serde_saphyr::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if let Some(problem) = tests.cases.iter().find_map(Case::problem) {
            return Err(unreadable(problem).into());
        }
        let flow_file =
            path.with_file_name(path.file_name().unwrap_or_default().to_string_lossy().replace(SUFFIX, ".flow.yaml"));
        let project = of_path(&flow_file)?;
        for case in &tests.cases {
            let problems = Stage::new(&tests.flow, case, &project).check().await?;
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

/// Where a case is played: on a clock of its own, which moves while something is waited for.
struct Stage<'a> {
    flow: &'a str,
    case: &'a Case,
    project: &'a Project,
    clock: Arc<ManualClock>,
    entropy: Arc<dyn Entropy>,
}

/// A run that is to be judged, and the logs whose events may have started it.
struct Begun {
    run: Name,
    logs: Vec<Arc<Watched>>,
}

impl<'a> Stage<'a> {
    fn new(flow: &'a str, case: &'a Case, project: &'a Project) -> Self {
        let begin = case.now.unwrap_or_else(|| SystemClock.now());
        Self { flow, case, project, clock: Arc::new(ManualClock::at(begin)), entropy: Arc::new(OsEntropy) }
    }

    /// Plays the case; what is not as it says.
    async fn check(&self) -> Result<Vec<String>> {
        match self.case.against {
            Against::Script => self.by_script().await,
            Against::Sandbox => self.in_sandbox().await,
        }
    }

    async fn by_script(&self) -> Result<Vec<String>> {
        let cast = Arc::new(Cast::new(self.case.calls.clone(), None));
        let engine = self.engine("sqlite::memory:", Arc::clone(&cast), Arc::new(NoEvents)).await?;
        self.switch_on(&engine, |_| FlowSettings::default()).await?;
        let mut problems = Vec::new();
        if let Some(run) = self.started_by(&engine, &self.case.given).await? {
            self.compare_end(&engine, &run, &self.case.returns, &mut problems).await?;
            cast.compare(&self.case.calls, &[], &mut problems);
        }
        engine.close().await;
        Ok(problems)
    }

    async fn in_sandbox(&self) -> Result<Vec<String>> {
        let mut orgs = Orgs::start(Arc::clone(&self.clock) as _, Arc::clone(&self.entropy), self.project).await?;
        let mut problems = Vec::new();
        self.passing(orgs.ask(&self.case.before, &mut problems)).await;
        if !problems.is_empty() {
            return Ok(problems);
        }
        orgs.break_by(&self.case.faults);
        // What happened before starts nothing.
        self.clock.advance(POLL_EVERY);
        // What is expected may name what happens later; what is given for other services cannot.
        let given = |call: &Expected| orgs.filled_call(call).unwrap_or_else(|_| call.clone());
        let calls = self.case.calls.iter().map(given).collect();
        let cast = Arc::new(Cast::new(calls, Some(orgs.actions())));
        let engine = self.engine(&orgs.url, Arc::clone(&cast), Arc::new(orgs.connectors.clone())).await?;
        let known = orgs.connectors.connections().list().await?;
        self.switch_on(&engine, |flow| self.bound(flow, &known)).await?;
        if let Some(begun) = self.started(&engine, &mut orgs, &mut problems).await? {
            self.judge(&engine, &begun, &mut orgs, &cast, &mut problems).await?;
        }
        engine.close().await;
        Ok(problems)
    }

    /// The settings of a flow whose cards of the orgs use the connections of their service's name.
    fn bound(&self, flow: &Flow, known: &[Connection]) -> FlowSettings {
        let mut settings = FlowSettings::default();
        for (placeholder, service) in placeholders(flow) {
            let named = self.project.connections.get(&ConnectionId::new(&*placeholder));
            let service = if service.is_empty() { named.map_or(&*placeholder, |named| &named.module) } else { service };
            if let Some(connection) = known.iter().find(|known| known.name == service) {
                settings.connections.insert(placeholder.clone(), connection.id.clone());
            }
        }
        settings
    }

    /// Compares what a run did in the sandbox with what the case says.
    async fn judge(
        &self,
        engine: &Engine,
        begun: &Begun,
        orgs: &mut Orgs,
        cast: &Cast,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        let wanted = orgs.filled_map(&self.case.returns);
        let calls = self.case.calls.iter().map(|call| orgs.filled_call(call)).collect::<Result<Vec<_>, _>>();
        let filled = wanted.and_then(|returns| Ok((returns, calls?)));
        match filled {
            Ok((returns, calls)) => {
                self.compare_end(engine, &begun.run, &returns, problems).await?;
                let others = self.others(engine, begun).await?;
                if !others.is_empty() {
                    let times = others.len() + 1;
                    problems.push(format!("it was started {times} times; `when` is to start it once"));
                }
                cast.compare(&calls, &others, problems);
            }
            Err(problem) => problems.push(problem),
        }
        self.passing(orgs.ask(&self.case.after, problems)).await;
        Ok(())
    }

    async fn engine(&self, url: &str, cast: Arc<Cast>, events: Arc<dyn Events>) -> Result<Engine> {
        let edges =
            Edges { clock: Arc::clone(&self.clock) as _, entropy: Arc::clone(&self.entropy), actions: cast, events };
        Ok(Engine::open(url, edges, Settings::default()).await?)
    }

    async fn switch_on(&self, engine: &Engine, settings: impl Fn(&Flow) -> FlowSettings) -> Result<()> {
        for flow in self.project.flows.values() {
            engine.save(flow).await?;
            engine.set(flow.id.as_str(), &settings(flow)).await?;
            engine.switch(flow.id.as_str(), true).await?;
        }
        Ok(())
    }

    /// Starts the flow with values.
    async fn started_by(&self, engine: &Engine, given: &Map<String, Value>) -> Result<Option<Name>> {
        let entry = engine.flow(self.flow)?;
        let given = fields(&entry.version.flow, given)?;
        Ok(engine.start(self.flow, Start::new("manual", given)).await?)
    }

    /// Lets the flow be started as the case says; its run, or `None` if nothing started it.
    async fn started(&self, engine: &Engine, orgs: &mut Orgs, problems: &mut Vec<String>) -> Result<Option<Begun>> {
        if self.case.when.is_empty() {
            return match orgs.filled_map(&self.case.given) {
                Ok(given) => {
                    let run = self.started_by(engine, &given).await?;
                    Ok(run.map(|run| Begun { run, logs: Vec::new() }))
                }
                Err(problem) => {
                    problems.push(problem);
                    Ok(None)
                }
            };
        }
        if !matches!(engine.flow(self.flow)?.version.flow.trigger.kind, TriggerKind::Event(_)) {
            problems.push("no event starts the flow: start it by `given`".to_owned());
            return Ok(None);
        }
        let logs = self.listen(engine, orgs).await;
        self.passing(orgs.ask(&self.case.when, problems)).await;
        if !problems.is_empty() {
            return Ok(None);
        }
        for turn in 0..PATIENCE {
            // The last one is the first that was started.
            if let Some(run) = self.runs(engine).await?.pop() {
                return Ok(Some(Begun { run, logs }));
            }
            self.wait(turn, None).await;
        }
        problems.push("nothing started it".to_owned());
        Ok(None)
    }

    /// The runs of the flow, the last one first.
    async fn runs(&self, engine: &Engine) -> Result<Vec<Name>> {
        let filter = RunFilter { flow: Some(self.flow.into()), ..RunFilter::default() };
        Ok(engine.history(&filter).await?.into_iter().map(|run| run.id).collect())
    }

    /// The runs that `when` started beside the one that is judged.
    async fn others(&self, engine: &Engine, begun: &Begun) -> Result<Vec<Name>> {
        if begun.logs.is_empty() {
            return Ok(Vec::new());
        }
        // A look that is under way may have begun before the last event.
        self.until_looks(&begun.logs, 2).await;
        let runs = self.runs(engine).await?.into_iter();
        Ok(runs.filter(|run| *run != begun.run).collect())
    }

    /// Reads the logs of the orgs from now on.
    async fn listen(&self, engine: &Engine, orgs: &Orgs) -> Vec<Arc<Watched>> {
        let sources = sources(engine, &orgs.connectors).into_values();
        let watched: Vec<_> = sources.map(|(_, source)| Arc::new(Watched::new(source))).collect();
        for source in &watched {
            engine.follow(Arc::clone(source) as _, POLL_EVERY);
        }
        self.until_looks(&watched, 1).await;
        watched
    }

    /// Waits until each log has been read some times more.
    async fn until_looks(&self, logs: &[Arc<Watched>], more: u64) {
        let wanted: Vec<u64> = logs.iter().map(|log| log.looks() + more).collect();
        for turn in 0..PATIENCE {
            if logs.iter().zip(&wanted).all(|(log, wanted)| log.looks() >= *wanted) {
                return;
            }
            self.wait(turn, None).await;
        }
    }

    /// Waits for the end of a run, and compares it with what is wanted.
    async fn compare_end(
        &self,
        engine: &Engine,
        id: &Name,
        returns: &Map<String, Value>,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        for turn in 0..=PATIENCE {
            let run = engine.run(id).await?;
            if run.state.is_end() || run.state == RunState::UnknownOutcome {
                break;
            }
            if turn == PATIENCE {
                problems.push(format!("the run does not end; it is {}", run.state.name()));
            }
            // Waits are over at once; short ones are not told by the journal.
            self.wait(turn, run.wake_at.and_then(|until| (until - self.clock.now()).to_std().ok())).await;
        }
        let (run, returned) = (engine.run(id).await?, engine.returned(id).await?);
        if run.state.name() != self.case.ends {
            let why = run.message.map(|message| format!(": {message}")).unwrap_or_default();
            problems.push(format!("it ended {} and not {}{why}", run.state.name(), self.case.ends));
        }
        differences("returned", returns, &flattened(&returned), problems);
        Ok(())
    }

    /// Waits for a moment, after which `step` has passed on the clock; a second from time to time, if none is known.
    async fn wait(&self, turn: u32, step: Option<Duration>) {
        tokio::time::sleep(MOMENT).await;
        match step {
            Some(step) => self.clock.advance(step),
            None if turn % LOOKS_PER_SECOND == LOOKS_PER_SECOND - 1 => self.clock.advance(POLL_EVERY),
            None => {}
        }
    }

    /// Does something while time passes.
    async fn passing<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut turn = 0;
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.wait(turn, None) => turn = turn.wrapping_add(1),
            }
        }
    }
}
