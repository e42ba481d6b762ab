//! Every exported pack that is at hand, run with generated values and judged card by card.
//!
//! `OKTANT_PACK_SEEDS` is how often each flow is run, `OKTANT_PACK` a part of the names of the packs that are wanted;
//! with `OKTANT_PACK_UNSEEN` the cards are told that never ran, and why runs failed.

mod chance;
mod judge;
mod values;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Clock as _, ManualClock, OsEntropy};
use oktant_engine::{
    Answer, Edges, Engine, Fields, FlowSettings, RunFilter, RunState, RunSummary, Settings, Start, StepState,
};
use oktant_flow::model::{Flow, FlowId, Kind, Project, TriggerKind};
use oktant_functions::Value;
use parking_lot::Mutex;

use self::chance::{Stub, World};
use self::judge::{Asked, End, Judge, Started, Stop};
use self::values::shown;
use crate::common::{TestEvents, manual_clock};

/// Steps that a run may take: flows that call themselves come to an end.
const STEPS_MAX: u64 = 3000;

/// Runs that start each other, one after another, at most; more are ended.
const CHAIN_MAX: usize = 4;

/// Runs that one run starts beside it, at most; more are ended.
const FAMILY_MAX: usize = 40;

/// How often each flow is run: `OKTANT_PACK_SEEDS` or this.
const SEEDS: usize = 8;

fn packs() -> Vec<(String, Project)> {
    let shared = std::env::var_os("OKTANT_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(shared.join("flopacks")) else {
        eprintln!("skipped: there are no packs in {}", shared.join("flopacks").display());
        return Vec::new();
    };
    let wanted = std::env::var("OKTANT_PACK").unwrap_or_default();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut packs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "flopack"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.contains(&wanted))
        .map(|(name, path)| {
            (name, oktant_flow::flopack::import(&std::fs::read_to_string(path).unwrap()).unwrap().project)
        })
        .collect();
    packs.sort_by(|(a, _), (b, _)| a.cmp(b));
    packs
}

/// What was seen of all runs.
#[derive(Default)]
struct Tally {
    runs: usize,
    ends: BTreeMap<&'static str, usize>,
    racing: usize,
    endless: usize,
    calls: usize,
    walked: BTreeSet<(String, String)>,
    differences: Vec<String>,
    /// Why runs failed.
    failures: BTreeMap<String, usize>,
}

#[tokio::test]
async fn runs_of_packs_go_as_their_cards_say() {
    let packs = packs();
    let seeds = std::env::var("OKTANT_PACK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let (mut tally, mut flows, mut cards, mut walked) = (Tally::default(), 0, 0, 0);
    for (name, mut project) in packs.clone() {
        prepare(&mut project);
        tally.walked.clear();
        // Loops one by one say exactly what comes next; loops at once are what people run.
        for concurrent in [false, true] {
            if !concurrent {
                one_by_one(&mut project);
            } else if let Some((_, original)) = packs.iter().find(|(other, _)| *other == name) {
                project = original.clone();
                prepare(&mut project);
            }
            let bench = Bench::new(&project, concurrent).await;
            for seed in (0..seeds).filter(|seed| (seed % 3 == 2) == concurrent) {
                bench.run_all(&name, seed, &mut tally).await;
            }
            bench.engine.close().await;
        }
        let steps = all_steps(&project);
        flows += project.flows.len();
        cards += steps.len();
        walked += steps.intersection(&tally.walked).count();
        if std::env::var_os("OKTANT_PACK_UNSEEN").is_some() {
            eprintln!("UNSEEN {name}: {:?}", steps.difference(&tally.walked).collect::<Vec<_>>());
        }
    }
    eprintln!(
        "{} packs, {flows} flows, {} runs, {} calls of connectors, {walked} of {cards} cards ran; {:?}, {} racing, {} without end",
        packs.len(),
        tally.runs,
        tally.calls,
        tally.ends,
        tally.racing,
        tally.endless
    );
    if std::env::var_os("OKTANT_PACK_UNSEEN").is_some() {
        let mut failures: Vec<_> = tally.failures.iter().collect();
        failures.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        failures.iter().take(60).for_each(|(message, count)| eprintln!("FAILED {count:4} {message}"));
    }
    let differences = tally.differences;
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences[..differences.len().min(12)].join("\n")
    );
    assert!(
        packs.is_empty() || std::env::var_os("OKTANT_PACK").is_some() || walked * 100 >= cards * 80,
        "{walked} of {cards} cards ran"
    );
}

/// All flows keep their data; those of a schedule are started by hand.
fn prepare(project: &mut Project) {
    for flow in project.flows.values_mut() {
        flow.log = true;
        if let TriggerKind::Schedule(_) = flow.trigger.kind {
            flow.trigger.kind = TriggerKind::Manual;
        }
    }
}

fn one_by_one(project: &mut Project) {
    fn inside(body: &mut oktant_flow::model::Body) {
        for step in &mut body.steps {
            match &mut step.kind {
                Kind::Loop(repeat) => repeat.concurrency = None,
                Kind::If(branches) => [&mut branches.then, &mut branches.otherwise].into_iter().for_each(inside),
                Kind::Try(attempt) => [&mut attempt.body, &mut attempt.handler].into_iter().for_each(inside),
                Kind::Switch(switch) => {
                    switch.arms.iter_mut().for_each(|arm| inside(&mut arm.body));
                    inside(&mut switch.otherwise);
                }
                Kind::Action(_) | Kind::Call(_) | Kind::Note(_) => {}
            }
        }
    }
    project.flows.values_mut().for_each(|flow| inside(&mut flow.body));
}

/// Triggers and steps, notes left out.
fn all_steps(project: &Project) -> BTreeSet<(String, String)> {
    let mut steps = BTreeSet::new();
    for flow in project.flows.values() {
        steps.insert((flow.id.to_string(), flow.trigger.id.to_string()));
        flow.body.walk(&mut |step, _| {
            if !matches!(step.kind, Kind::Note(_)) {
                steps.insert((flow.id.to_string(), step.id.to_string()));
            }
        });
    }
    steps
}

/// An engine with the flows of a pack.
struct Bench<'a> {
    project: &'a Project,
    engine: Engine,
    clock: Arc<ManualClock>,
    stub: Arc<Stub>,
    addresses: Vec<String>,
    /// Whether the turns of loops overtake each other.
    concurrent: bool,
}

impl<'a> Bench<'a> {
    async fn new(project: &'a Project, concurrent: bool) -> Self {
        let stub = Arc::new(Stub { world: Mutex::new(Arc::new(World::new(project))), calls: Mutex::default() });
        let clock = manual_clock();
        let edges = Edges {
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            actions: stub.clone(),
            events: Arc::new(TestEvents),
        };
        let settings = Settings {
            run_steps: STEPS_MAX,
            park_after: Duration::ZERO,
            retention: Duration::from_hours(24 * 365 * 100),
            ..Settings::default()
        };
        let engine = Engine::open("sqlite::memory:", edges, settings).await.unwrap();
        let mut addresses = BTreeSet::new();
        for flow in project.flows.values() {
            engine.save(flow).await.unwrap();
            engine
                .set(flow.id.as_str(), &FlowSettings { calls_per_second: 1_000_000, ..FlowSettings::default() })
                .await
                .unwrap();
            engine.switch(flow.id.as_str(), true).await.unwrap();
            flow.body.walk(&mut |step, _| {
                let address = step.kind.address();
                if matches!(step.kind, Kind::Action(_)) && !oktant_engine::has_card(address.as_str()) {
                    addresses.insert(address.as_str().to_owned());
                }
            });
        }
        Self { project, engine, clock, stub, addresses: addresses.into_iter().collect(), concurrent }
    }

    async fn run_all(&self, pack: &str, seed: usize, tally: &mut Tally) {
        let world = Arc::new(self.stub.world.lock().seeded(seed, &self.addresses));
        *self.stub.world.lock() = Arc::clone(&world);
        for flow in self.project.flows.values() {
            let given = world.trigger(flow);
            let key = format!("{seed} of {}", flow.id);
            let start = Start::new("event", given.clone()).once(key.clone());
            let call = tokio::time::timeout(Duration::from_mins(1), self.engine.call(flow.id.as_str(), start));
            let place = format!("{pack}, {}, seed {seed}", flow.id);
            let answer = match call.await.unwrap_or_else(|_| panic!("{place}: it hangs")) {
                Ok(answer) => answer,
                Err(error) => panic!("{place}: {error}"),
            };
            let filter = RunFilter { flow: Some(flow.id.as_str().into()), ..RunFilter::default() };
            let run = self.engine.history(&filter).await.unwrap();
            let run = run.into_iter().find(|run| run.event_key.as_ref() == Some(&key)).unwrap();
            self.judge_family(&place, &world, run, flow, given, answer, tally).await;
        }
    }

    /// Judges a run and those that it started.
    #[expect(clippy::too_many_arguments, reason = "the parts of one run")]
    async fn judge_family(
        &self,
        place: &str,
        world: &World,
        run: RunSummary,
        flow: &Flow,
        given: Fields,
        answer: Answer,
        tally: &mut Tally,
    ) {
        let mut open = vec![(0, run, flow.id.to_string(), given, Some(answer))];
        let mut seen = 0;
        while let Some((depth, run, flow, given, answer)) = open.pop() {
            seen += 1;
            if depth > CHAIN_MAX || seen > FAMILY_MAX {
                tally.endless += 1;
                self.end_all().await;
                break;
            }
            let run = self.ended(place, &run.id).await;
            let started = self.judge(place, world, &run, &flow, &given, answer, tally).await;
            let filter = RunFilter { parent: Some(run.id.clone()), limit: 1000, ..RunFilter::default() };
            let mut children: HashMap<String, RunSummary> = HashMap::new();
            for child in self.engine.history(&filter).await.unwrap() {
                let key = child.event_key.clone().unwrap();
                children.insert(key[format!("child:{}:", run.id).len()..].to_owned(), child);
            }
            let Some(started) = started else { continue };
            let expected: BTreeSet<&String> = started.iter().map(|started| &started.path).collect();
            if expected != children.keys().collect() {
                tally.differences.push(format!("{place}: started beside {:?}, expected {expected:?}", children.keys()));
            }
            for Started { path, flow, given } in &started {
                if let Some(child) = children.remove(path) {
                    open.push((depth + 1, child, flow.clone(), given.clone(), None));
                }
            }
        }
        self.stub.calls.lock().clear();
    }

    /// Waits for the end of a run; the clock jumps over its waits.
    async fn ended(&self, place: &str, run: &str) -> RunSummary {
        for turn in 0..20_000_u32 {
            let summary = self.engine.run(run).await.unwrap();
            if summary.state.is_end() {
                return summary;
            }
            let now = self.clock.now();
            match summary.wake_at.map(|wake_at| (wake_at - now).to_std()) {
                Some(Ok(wait)) if !wait.is_zero() => self.clock.advance(wait),
                _ if turn % 64 == 63 => self.clock.advance(Duration::from_secs(1)),
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{place}: run {run} does not end, at {}: {:?}", self.clock.now(), self.engine.run(run).await);
    }

    /// Ends runs that start each other without end.
    async fn end_all(&self) {
        for flow in self.project.flows.keys() {
            self.engine.switch(flow.as_str(), false).await.unwrap();
        }
        for state in [RunState::Waiting, RunState::Queued, RunState::Running] {
            let filter = RunFilter { state: Some(state), limit: 1000, ..RunFilter::default() };
            for run in self.engine.history(&filter).await.unwrap() {
                // It may have ended meanwhile.
                let _ = self.engine.cancel(&run.id).await;
                self.ended("the end of all", &run.id).await;
            }
        }
        for flow in self.project.flows.keys() {
            self.engine.switch(flow.as_str(), true).await.unwrap();
        }
    }

    /// Compares a run with what has to happen; gives what it has to start, if that is certain.
    #[expect(clippy::too_many_arguments, reason = "the parts of one run")]
    async fn judge(
        &self,
        place: &str,
        world: &World,
        run: &RunSummary,
        flow: &str,
        given: &Fields,
        answer: Option<Answer>,
        tally: &mut Tally,
    ) -> Option<Vec<Started>> {
        let steps = self.engine.steps(&run.id).await.unwrap();
        let flow = &self.project.flows[&FlowId::from(flow)];
        let mut judge = Judge::new(&self.project.flows, world, &run.id, &steps, STEPS_MAX);
        let end = judge.flow(flow, given);
        tally.runs += 1;
        *tally.ends.entry(run.state.name()).or_default() += 1;
        if let Err(Stop::Failed(failure)) = &end {
            let at = format!("{} at {} of {}", failure.error.message, failure.step, failure.flow);
            *tally.failures.entry(at).or_default() += 1;
        }
        tally.walked.append(&mut judge.walked);
        if judge.racing {
            tally.racing += 1;
            return None;
        }
        let mut differences = Vec::new();
        let mut differs = |what: &str, seen: String, expected: String| {
            if seen != expected {
                differences.push(format!("{what}:\n    seen     {seen}\n    expected {expected}"));
            }
        };
        let (state, code) = match &end {
            Ok(End::Stopped(_)) => (RunState::Stopped, None),
            Ok(_) => (RunState::Succeeded, None),
            Err(Stop::TooLong) => (RunState::Failed, Some("OKT4312")),
            Err(Stop::Failed(failure)) if failure.error.kind == oktant_engine::ErrorKind::Unsupported => {
                (RunState::Failed, Some("OKT4313"))
            }
            Err(Stop::Failed(_)) => (RunState::Failed, Some("OKT4314")),
        };
        differs(
            "state",
            format!("{:?} {:?} {:?}", run.state, run.error_code, run.message),
            format!("{state:?} {:?} {:?}", code.map(str::to_owned), message(&end, run)),
        );
        let too_long = matches!(end, Err(Stop::TooLong));
        if !too_long {
            let seen: BTreeMap<String, StepState> = steps
                .iter()
                // Pages of a stream, and cards that hold others, have no end of their own.
                .filter(|step| !step.path.contains('@') && !step.path.is_empty())
                .map(|step| (step.path.to_string(), step.state))
                .collect();
            for path in seen.keys().chain(judge.ends.keys()).collect::<BTreeSet<_>>() {
                differs(
                    &format!("card {path}"),
                    format!("{:?}", seen.get(path)),
                    format!("{:?}", judge.ends.get(path)),
                );
            }
            let order = |asked: &Asked| (asked.path.clone(), asked.cursor.clone(), asked.attempt);
            let mut calls: Vec<Asked> =
                self.stub.calls.lock().iter().filter(|call| *call.run == *run.id).map(asked).collect();
            // A run that waits in the middle of a page asks for the page again.
            let mut pages = BTreeSet::new();
            calls.retain(|call| !self.stub.streams(&call.address) || pages.insert(order(call)));
            tally.calls += calls.len();
            if self.concurrent {
                calls.sort_by_key(order);
                judge.asked.sort_by_key(order);
            }
            differs(
                "number of calls",
                format!("{:?}", calls.iter().map(order).collect::<Vec<_>>()),
                format!("{:?}", judge.asked.iter().map(order).collect::<Vec<_>>()),
            );
            for (seen, expected) in calls.iter().zip(&judge.asked) {
                differs(&format!("call {}", expected.path), format!("{seen:#?}"), format!("{expected:#?}"));
            }
        }
        let parked = steps.iter().any(|step| step.path.contains('#'));
        if let Some(answer) = answer.filter(|answer| answer.status != 202 && !parked && !too_long) {
            let expected = judge.answered.clone().unwrap_or_else(|| told(&end));
            differs("answer", format!("{} {}", answer.status, answer.body), format!("{} {}", expected.0, expected.1));
        }
        if !differences.is_empty() {
            let count = differences.len();
            differences.truncate(3);
            tally.differences.push(format!(
                "{place}, run of {}: {count} differences\n  {}",
                flow.id,
                differences.join("\n  ")
            ));
        }
        (!too_long).then_some(judge.started)
    }
}

/// What the run has to say about its end; of limits and secrets what it says.
fn message(end: &Result<End, Stop>, run: &RunSummary) -> Option<String> {
    let redacted =
        |text: &str| run.message.as_deref().is_some_and(|seen| seen.contains("[redacted]")) && !text.is_empty();
    let said = match end {
        Ok(End::Stopped(message)) => message.clone(),
        Ok(_) => None,
        Err(Stop::Failed(failure)) => Some(failure.error.message.clone()),
        Err(Stop::TooLong) => run.message.clone(),
    };
    if said.as_deref().is_some_and(redacted) { run.message.clone() } else { said }
}

/// What the caller is told about an end.
fn told(end: &Result<End, Stop>) -> (u16, String) {
    match end {
        Ok(End::Raw(status, body)) => (*status, body.clone()),
        Ok(end) => (200, values::returned(end.clone()).to_object().to_json()),
        Err(Stop::Failed(failure)) => {
            let thrown = failure.error.kind == oktant_engine::ErrorKind::Thrown;
            let status = failure.error.status.filter(|_| thrown).unwrap_or(500);
            (status, Value::object([("error", failure.object())]).to_json())
        }
        Err(Stop::TooLong) => (500, String::new()),
    }
}

fn asked(call: &oktant_engine::Call) -> Asked {
    Asked {
        path: call.idempotency_key.split_once(':').map_or("", |(_, path)| path).to_owned(),
        attempt: call.attempt,
        cursor: call.cursor.as_deref().map(str::to_owned),
        address: call.address.to_string(),
        connection: call.connection.as_deref().map(str::to_owned),
        options: shown(&call.options),
        inputs: shown(&call.inputs),
    }
}
