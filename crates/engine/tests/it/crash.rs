//! Engines that end in the middle: at every boundary of the journal, at any moment, and many at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use oktant_engine::{Decision, Engine, RunFilter, RunState, Settings};
use oktant_flow::model::*;
use oktant_functions::Value;
use oktant_store::{Connection, Row, SqliteStore, Store, StoreError};

use crate::common::*;

/// A store behind a boundary: before each commit, and after it.
#[derive(Debug)]
struct Fragile {
    store: SqliteStore,
    boundary: Arc<Boundary>,
}

struct FragileConnection {
    connection: Box<dyn Connection>,
    boundary: Arc<Boundary>,
}

#[async_trait]
impl Store for Fragile {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.store.reader().await
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        let connection = self.store.writer().await?;
        Ok(Box::new(FragileConnection { connection, boundary: Arc::clone(&self.boundary) }))
    }

    fn begin(&self, locks: &[i64]) -> String {
        self.store.begin(locks)
    }

    fn skip_locked(&self) -> &'static str {
        self.store.skip_locked()
    }

    fn blocks(&self) -> bool {
        // A task can be stopped at a boundary and leave with its connection; a thread cannot.
        false
    }
}

#[async_trait]
impl Connection for FragileConnection {
    async fn execute(&mut self, sql: &str, values: &[oktant_store::Value]) -> Result<u64, StoreError> {
        self.connection.execute(sql, values).await
    }

    async fn fetch(&mut self, sql: &str, values: &[oktant_store::Value]) -> Result<Vec<Row>, StoreError> {
        self.connection.fetch(sql, values).await
    }

    async fn control(&mut self, statements: &str) -> Result<(), StoreError> {
        let commits = statements == "COMMIT";
        if commits {
            self.boundary.pass().await;
        }
        let result = self.connection.control(statements).await;
        if commits {
            self.boundary.pass().await;
        }
        result
    }
}

const EFFECTS: [&str; 3] = ["test:safe", "test:search", "test:ask"];

fn act(id: &str, kind: usize, what: &str) -> Step {
    card(id, EFFECTS[kind % 3], vec![("what", template(what))])
}

/// Five flows, and what each must have done when it is over.
fn flows() -> Vec<(Vec<Flow>, Vec<&'static str>)> {
    let hook = |steps| flow("hook", TriggerKind::Manual, &["name"], steps);
    let items = || value(serde_json::json!(["a", "b", "c"]));
    let item =
        |kind| helper("item", &["x"], vec![act("act", kind, "item {trigger.x}"), ret(vec![("x", from("act.id"))])]);
    let each_of = |mode| each("loop", mode, items(), "item", vec![("x", HelperValue::Item)]);
    vec![
        (
            vec![hook(vec![
                act("one", 0, "1"),
                compose("text", "{one.id}!"),
                act("two", 1, "2 {text.output}"),
                act("three", 2, "3"),
            ])],
            vec!["1", "2 id of 1!", "3"],
        ),
        (
            vec![hook(vec![
                act("before", 1, "before"),
                card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
                act("after", 2, "after"),
            ])],
            vec!["after", "before"],
        ),
        (
            vec![item(1), hook(vec![at_once(each_of(LoopMode::ForEach), 2), act("end", 0, "end")])],
            vec!["end", "item a", "item b", "item c"],
        ),
        (
            vec![
                item(2),
                hook(vec![
                    attempt(
                        "try",
                        vec![
                            act("one", 1, "1"),
                            retrying(
                                card("fails", "test:fail", vec![("what", "never".into()), ("times", 99.into())]),
                                1,
                                60_000,
                            ),
                        ],
                        vec![act("handle", 2, "handled {error_try.context/error>message}"), ret(vec![])],
                        &[],
                    ),
                    each_of(LoopMode::Map),
                ]),
            ],
            vec!["1", "handled Bad Request", "item a", "item b", "item c"],
        ),
        (
            vec![
                item(1),
                helper("beside", &["x"], vec![act("act", 1, "beside {trigger.x}")]),
                hook(vec![
                    call("start", "beside", false, vec![("x", from("trigger.name"))], &[]),
                    card("random", "string:random", vec![("length", 8.into())]),
                    act("one", 1, "one"),
                    call("call", "item", true, vec![("x", from("random.output"))], &["x"]),
                    compose("same", "id of item {random.output}"),
                    card(
                        "check",
                        "control:throwIf",
                        vec![
                            ("left-operand", from("same.output")),
                            ("operator", "!=".into()),
                            ("right-operand", from("call.x")),
                            ("message", "chance gave something else the second time".into()),
                        ],
                    ),
                    act("end", 2, "end"),
                ]),
            ],
            vec!["beside Ada", "end", "item *", "one"],
        ),
    ]
}

/// Runs the flows on a database until the boundary breaks or everything is over; gives whether it broke.
fn live(
    url: &str,
    flows: &[Flow],
    target: &Arc<Target>,
    boundary: &Arc<Boundary>,
    clock: &Arc<oktant_base::ManualClock>,
) -> bool {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let broke = runtime.block_on(async {
        let work = async {
            let store = SqliteStore::connect(url).unwrap();
            let store = Fragile { store, boundary: Arc::clone(boundary) };
            let edges = edges(target, boundary, clock.clone());
            let settings = Settings { park_after: Duration::ZERO, ..Settings::default() };
            let engine = Engine::open_in(Box::new(store), edges, settings).await.unwrap();
            for flow in flows {
                engine.save(flow).await.unwrap();
                engine.switch(flow.id.as_str(), true).await.unwrap();
            }
            // The org sends an event again until it has the answer.
            let again = start(&[("name", Value::text("Ada"))]).once("event 1");
            engine.start("hook", again).await.unwrap();
            settle(&engine, target, clock).await;
        };
        tokio::select! {
            () = work => false,
            () = boundary.reached() => true,
        }
    });
    // Without a time limit: on a busy machine a task of the dead engine could act beside the next one.
    drop(runtime);
    broke
}

/// Lets time pass and decides what has to be decided, until all runs have ended.
async fn settle(engine: &Engine, target: &Target, clock: &Arc<oktant_base::ManualClock>) {
    for turn in 1..4000 {
        let runs = engine.history(&RunFilter::default()).await.unwrap();
        if runs.iter().all(|run| run.state.is_end()) {
            return;
        }
        for run in runs.iter().filter(|run| run.state == RunState::UnknownOutcome) {
            // A person looks into the target for each step that is open.
            let steps = engine.steps(&run.id).await.unwrap();
            let open: Vec<_> = steps
                .iter()
                .filter(|step| step.state == oktant_engine::StepState::Open && step.address.is_some())
                .collect();
            for step in open {
                let key = format!("{}:{}", run.id, step.path);
                let happened = target.done.lock().iter().any(|(done, _)| *done == key);
                let decision = if happened { Decision::Skip } else { Decision::Repeat };
                let _ = engine.decide(&run.id, decision, Some(&step.path)).await;
            }
        }
        if runs.iter().any(|run| run.state == RunState::Waiting) {
            clock.advance(Duration::from_mins(61));
        }
        tick(clock, turn).await;
    }
    panic!("not all runs came to an end: {:#?}", engine.history(&RunFilter::default()).await);
}

fn check(target: &Target, expected: &[&str], at: u64) {
    let done = target.times();
    let named: BTreeMap<String, usize> = done
        .into_iter()
        .map(|(what, times)| {
            if expected.contains(&"item *") && what.starts_with("item ") {
                ("item *".to_owned(), times)
            } else {
                (what, times)
            }
        })
        .collect();
    let wanted: BTreeMap<String, usize> = expected.iter().map(|what| ((*what).to_owned(), 1)).collect();
    assert_eq!(named, wanted, "each once, after an end at boundary {at}");
}

/// Ends the engine at every boundary of a flow in turn, and once more while it takes the run up again.
fn at_every_boundary(index: usize) {
    let (flows, expected) = flows().swap_remove(index);
    let mut boundaries = 0;
    for at in 1.. {
        let database = sqlite();
        let (target, clock) = (Arc::default(), manual_clock());
        let broke = live(&database.url, &flows, &target, &Boundary::at(at), &clock);
        if broke {
            boundaries += 1;
            // The next engine ends, too, at a place that differs from round to round.
            live(&database.url, &flows, &target, &Boundary::at(8 + at % 7), &clock);
            assert!(!live(&database.url, &flows, &target, &Boundary::at(0), &clock));
        }
        check(&target, &expected, at);
        if !broke {
            break;
        }
    }
    eprintln!("flow {index}: {boundaries} boundaries, nothing lost, nothing twice");
    assert!(boundaries > 10, "{boundaries}");
}

#[test]
fn effects_in_a_row() {
    at_every_boundary(0);
}
#[test]
fn a_wait() {
    at_every_boundary(1);
}
#[test]
fn a_loop_two_at_a_time() {
    at_every_boundary(2);
}
#[test]
fn a_handler_and_a_retry() {
    at_every_boundary(3);
}
#[test]
fn a_run_beside_and_chance() {
    at_every_boundary(4);
}

/// A thousand runs that were left in the middle go on within seconds.
#[test]
fn a_thousand_half_done_runs_resume() {
    const RUNS: usize = 1000;
    let database = sqlite();
    let (target, clock) = (Arc::default(), manual_clock());
    let flows = [flow(
        "hook",
        TriggerKind::Manual,
        &["name"],
        vec![
            act("one", 1, "one {trigger.name}"),
            card("hang", "test:hang", vec![]),
            act("two", 1, "two {trigger.name}"),
        ],
    )];
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let first = runtime();
    let (engine, hanging) = first.block_on(async {
        let hanging = Arc::new(Hanging::new(&target, true));
        let edges = oktant_engine::Edges { actions: hanging.clone(), ..edges(&target, &Arc::default(), clock.clone()) };
        let engine = Engine::open(&database.url, edges, Settings::default()).await.unwrap();
        engine.save(&flows[0]).await.unwrap();
        engine.set("hook", &oktant_engine::FlowSettings { concurrency: 2000, ..Default::default() }).await.unwrap();
        engine.switch("hook", true).await.unwrap();
        let starts = (0..RUNS).map(|run| ("hook".into(), start(&[("name", Value::text(run.to_string()))])));
        for start in starts {
            engine.start_all(vec![start]).await.unwrap();
        }
        while hanging.count() < RUNS {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        (engine, hanging)
    });
    drop((engine, hanging));
    first.shutdown_timeout(Duration::from_secs(5));

    let second = runtime();
    second.block_on(async {
        let begin = Instant::now();
        let actions = Arc::new(Hanging::new(&target, false));
        let edges = oktant_engine::Edges { actions, ..edges(&target, &Arc::default(), clock.clone()) };
        let engine = Engine::open(&database.url, edges, Settings::default()).await.unwrap();
        while engine.metrics().runs(RunState::Succeeded) < RUNS as u64 {
            assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", engine.metrics());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let seconds = begin.elapsed().as_secs_f64();
        eprintln!("{RUNS} half-done runs came to their end in {seconds:.2} s");
        assert!(seconds < 30.0, "{seconds} s, in a debug build on a busy machine");
    });
    assert_eq!(target.times().len(), 2 * RUNS);
    assert!(target.times().values().all(|times| *times == 1));
}

/// A target one of whose actions never answers, if it is told so.
#[derive(Debug)]
struct Hanging {
    remote: Remote,
    hangs: bool,
    count: std::sync::atomic::AtomicUsize,
}

impl Hanging {
    fn new(target: &Arc<Target>, hangs: bool) -> Self {
        let remote = Remote { target: Arc::clone(target), boundary: Arc::default() };
        Self { remote, hangs, count: std::sync::atomic::AtomicUsize::new(0) }
    }

    fn count(&self) -> usize {
        self.count.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[async_trait]
impl oktant_engine::Actions for Hanging {
    fn describe(&self, address: &str) -> Option<oktant_engine::ActionInfo> {
        self.remote.describe(if address == "test:hang" { "test:safe" } else { address })
    }

    async fn call(&self, call: oktant_engine::Call) -> Result<oktant_engine::Outcome, oktant_engine::CardError> {
        if &*call.address != "test:hang" {
            return self.remote.call(call).await;
        }
        if self.hangs {
            self.count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        Ok(oktant_engine::Outcome::Outputs(oktant_engine::Fields::new()))
    }

    async fn search_first(
        &self,
        call: oktant_engine::Call,
    ) -> Result<Option<oktant_engine::Outcome>, oktant_engine::CardError> {
        self.remote.search_first(call).await
    }
}
