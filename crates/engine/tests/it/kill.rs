//! Engines that are killed at any moment, under load, by the operating system.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::{Entropy as _, OsEntropy};
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Decision, Edges, Engine, Fields, Idempotency, Outcome, RunFilter, RunState,
    Settings, StepState,
};
use oktant_flow::model::{Flow, LoopMode, TriggerKind, *};
use oktant_functions::Value;
use parking_lot::Mutex;

use crate::common::*;
use crate::victim;

const JOURNAL: &str = "OKTANT_TEST_KILL_JOURNAL";
const TARGET: &str = "OKTANT_TEST_KILL_TARGET";
const ROUND: &str = "OKTANT_TEST_KILL_ROUND";

/// Kills that the test makes; `OKTANT_TEST_CRASH_ROUNDS` says another number.
const ROUNDS: u32 = 12;

/// A target that outlives the process: a line for each thing that was done.
#[derive(Debug)]
struct FileTarget {
    file: Mutex<(File, HashMap<String, String>)>,
}

impl FileTarget {
    fn open(path: &str) -> Self {
        let done = std::fs::read_to_string(path).unwrap_or_default();
        // A line that the kill cut off was not done.
        let lines = done.lines().filter_map(|line| line.strip_suffix(" .")?.split_once('\t'));
        let done = lines.map(|(key, what)| (key.to_owned(), what.to_owned())).collect();
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        Self { file: Mutex::new((file, done)) }
    }

    /// How often each thing was done.
    fn times(path: &str) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            if let Some((_, what)) = line.strip_suffix(" .").and_then(|line| line.split_once('\t')) {
                *times.entry(what.to_owned()).or_default() += 1;
            }
        }
        times
    }

    fn has(&self, key: &str) -> bool {
        self.file.lock().1.contains_key(key)
    }
}

#[async_trait]
impl Actions for FileTarget {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        let idempotency = match address {
            "test:safe" => Idempotency::Safe,
            "test:search" => Idempotency::SearchFirst,
            "test:ask" => Idempotency::Ask,
            _ => return None,
        };
        Some(ActionInfo { idempotency, streaming: false, timeout: Duration::from_secs(30) })
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let what = call.inputs.get(None, "what").map(oktant_functions::to_text).unwrap_or_default();
        {
            let mut guard = self.file.lock();
            let (file, done) = &mut *guard;
            let known = done.insert(call.idempotency_key.to_string(), what.clone()).is_some();
            if !(known && &*call.address == "test:safe") {
                file.write_all(format!("{}\t{what} .\n", call.idempotency_key).as_bytes()).unwrap();
            }
        }
        // The answer takes its time: that is when most kills come.
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(Outcome::Outputs(Fields::new()))
    }

    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError> {
        Ok(self.has(&call.idempotency_key).then(|| Outcome::Outputs(Fields::new())))
    }
}

fn flows() -> Vec<Flow> {
    let act = |id: &str, address: &str, what: &str| card(id, address, vec![("what", template(what))]);
    vec![
        helper("item", &["n", "x"], vec![act("act", "test:search", "{trigger.n} item {trigger.x}")]),
        flow(
            "hook",
            TriggerKind::Manual,
            &["n"],
            vec![
                act("one", "test:search", "{trigger.n} one"),
                compose("text", "{trigger.n} two"),
                act("two", "test:safe", "{text.output}"),
                at_once(
                    each(
                        "loop",
                        LoopMode::ForEach,
                        value(serde_json::json!(["a", "b"])),
                        "item",
                        vec![("n", HelperValue::Same(from("trigger.n").0)), ("x", HelperValue::Item)],
                    ),
                    2,
                ),
                act("three", "test:ask", "{trigger.n} three"),
            ],
        ),
    ]
}

const EFFECTS: [&str; 5] = ["one", "two", "item a", "item b", "three"];

async fn open(journal: &str, target: &str) -> (Engine, Arc<FileTarget>) {
    let file = Arc::new(FileTarget::open(target));
    let edges = Edges {
        clock: system_clock(),
        entropy: Arc::new(OsEntropy),
        actions: file.clone(),
        events: Arc::new(TestEvents),
    };
    (Engine::open(journal, edges, Settings::default()).await.unwrap(), file)
}

/// The engine that is killed: does nothing unless the test below starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let (Ok(journal), Ok(target), Ok(round)) = (std::env::var(JOURNAL), std::env::var(TARGET), std::env::var(ROUND))
    else {
        return;
    };
    let (engine, _) = open(&journal, &target).await;
    for flow in flows() {
        engine.save(&flow).await.unwrap();
        engine.switch(flow.id.as_str(), true).await.unwrap();
    }
    for n in 0.. {
        let name = format!("{round}-{n}");
        let start = start(&[("n", Value::text(name.as_str()))]).once(name.as_str());
        assert!(engine.start("hook", start).await.unwrap().is_some());
        println!("accepted {name}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn every_accepted_event_finishes_and_nothing_is_done_twice() {
    let rounds = victim::rounds(ROUNDS);
    let database = sqlite();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target").display().to_string();
    let mut accepted = Vec::new();
    for round in 0..rounds {
        accepted.extend(run_until_killed(&database.url, &target, round));
    }
    assert!(accepted.len() > rounds as usize, "the engine got to work");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (engine, file) = open(&database.url, &target).await;
        tokio::time::timeout(Duration::from_mins(2), settle(&engine, &file)).await.expect("everything ends");
    });
    let times = FileTarget::times(&target);
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "done twice: {twice:?}");
    for name in &accepted {
        for effect in EFFECTS {
            assert!(
                times.contains_key(&format!("{name} {effect}")),
                "event {name} was accepted, but {effect} was not done"
            );
        }
    }
    eprintln!("{rounds} kills: {} accepted events, {} effects, none lost, none twice", accepted.len(), times.len());
}

/// Decides as a person would who looks into the target, until nothing is left to do.
async fn settle(engine: &Engine, target: &FileTarget) {
    loop {
        let unknown = RunFilter { state: Some(RunState::UnknownOutcome), ..RunFilter::default() };
        for run in engine.history(&unknown).await.unwrap() {
            let steps = engine.steps(&run.id).await.unwrap();
            let open = steps.iter().find(|step| step.state == StepState::Open && step.address.is_some()).unwrap();
            let happened = target.has(&format!("{}:{}", run.id, open.path));
            let decision = if happened { Decision::Skip } else { Decision::Repeat };
            engine.decide(&run.id, decision, Some(&open.path)).await.unwrap();
        }
        let mut unfinished = 0;
        for state in [RunState::Queued, RunState::Running, RunState::Waiting, RunState::UnknownOutcome] {
            let filter = RunFilter { state: Some(state), ..RunFilter::default() };
            unfinished += engine.history(&filter).await.unwrap().len();
        }
        if unfinished == 0 {
            let failed = RunFilter { state: Some(RunState::Failed), ..RunFilter::default() };
            assert_eq!(engine.history(&failed).await.unwrap(), []);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Starts an engine in a process of its own, kills it at a random moment, and returns what it had accepted.
fn run_until_killed(journal: &str, target: &str, round: u32) -> Vec<String> {
    let round = round.to_string();
    let (mut child, lines) = victim::start("kill::victim", &[(JOURNAL, journal), (TARGET, target), (ROUND, &round)]);
    let (accepted, names) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let names = lines.filter_map(|line| Some(line.split_once("accepted ")?.1.to_owned()));
        names.for_each(|name| drop(accepted.send(name)));
    });
    // From before it has opened its journal to well into its work.
    let wanted = (OsEntropy.unit() * 60.0) as usize;
    let mut known: Vec<String> = names.iter().take(wanted).collect();
    std::thread::sleep(Duration::from_millis((OsEntropy.unit() * if wanted == 0 { 300.0 } else { 15.0 }) as u64));
    child.kill().unwrap();
    child.wait().unwrap();
    known.extend(names);
    known
}
