//! The journal on every database, with one worker and with several; streams in constant memory; any program of steps.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use oktant_engine::{Engine, EngineError, RunFilter, RunState, Settings, Worker};
use oktant_flow::model::*;
use oktant_functions::Value;
use proptest::prelude::*;
use serde_json::json;

use crate::common::*;

fn hook(parameters: &[&str], steps: Vec<Step>) -> Flow {
    flow("hook", TriggerKind::Manual, parameters, steps)
}

fn work() -> Vec<Flow> {
    let inner = vec![card("act", "test:search", vec![("what", template("{trigger.n} item {trigger.x}"))])];
    let over = value(json!(["a", "b", "c"]));
    let steps = vec![
        card("one", "test:search", vec![("what", template("{trigger.n} one"))]),
        card("wait", "control:wait", vec![("delay", 10.into()), ("unit", "second".into())]),
        at_once(
            each(
                "loop",
                LoopMode::ForEach,
                over,
                "item",
                vec![("n", HelperValue::Same(from("trigger.n").0)), ("x", HelperValue::Item)],
            ),
            3,
        ),
        ret(vec![("n", from("trigger.n"))]),
    ];
    vec![helper("item", &["n", "x"], inner), hook(&["n"], steps)]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_every_database() {
    for database in databases().await {
        let bench = Bench::with(&database.url, work(), |settings| settings.worker.lease = Duration::from_secs(5)).await;
        let starts = (0..50)
            .map(|n| ("hook".into(), start(&[("n", Value::text(n.to_string()))]).once(format!("event {}", n / 2))));
        let ids = bench.engine.start_all(starts.collect()).await.unwrap();
        assert_eq!(ids.iter().flatten().count(), 25, "{}: once per event", database.name);
        bench.until(|bench| bench.engine.metrics().runs(RunState::Waiting) == 25).await;
        let waiting = RunFilter { state: Some(RunState::Waiting), ..RunFilter::default() };
        assert_eq!(bench.engine.history(&waiting).await.unwrap().len(), 25, "{}", database.name);
        for _ in 0..20 {
            bench.advance(Duration::from_secs(1)).await;
        }
        bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 25).await;
        assert_eq!(bench.target.times().len(), 100, "{}", database.name);
        assert!(bench.target.times().values().all(|times| *times == 1), "{}", database.name);
        let found = RunFilter { text: Some("24 item c".to_owned()), ..RunFilter::default() };
        assert_eq!(bench.engine.history(&found).await.unwrap().len(), 1, "{}", database.name);
        let run = ids.into_iter().flatten().next().unwrap();
        assert!(bench.engine.steps(&run).await.unwrap().len() > 8, "{}", database.name);
        assert_eq!(bench.engine.retry(&run, false).await.unwrap().len(), run.len(), "{}", database.name);
        bench.clock.advance(Duration::from_hours(24 * 31));
        assert_eq!(bench.engine.prune().await.unwrap(), 25, "{}", database.name);
        bench.engine.close().await;
    }
}

#[tokio::test]
async fn a_file_serves_one_engine_at_a_time() {
    let database = sqlite();
    let first = Bench::with(&database.url, vec![], |_| {}).await;
    let target = Arc::default();
    let second =
        Engine::open(&database.url, edges(&target, &Arc::default(), manual_clock()), Settings::default()).await;
    assert!(matches!(second, Err(EngineError::Locked { .. })), "{second:?}");
    drop(first);
}

/// Three workers share a journal; one of them dies, and the others take over what it had.
#[test]
fn workers_take_over_from_one_that_died() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let all = runtime();
    let Some(database) = all.block_on(async { databases().await.into_iter().nth(1) }) else { return };
    let target: Arc<Target> = Arc::default();
    let open = |name: &str, boundary: &Arc<Boundary>| {
        let lease = Duration::from_millis(1500);
        let worker = Worker { name: name.into(), lease };
        let settings = Settings { worker, park_after: Duration::ZERO, active_runs: 40, ..Settings::default() };
        Engine::open(&database.url, edges(&target, boundary, system_clock()), settings)
    };
    let dying = runtime();
    // The worker that dies stops at its 60th step into the target or out of it.
    let boundary = Boundary::at(60);
    let mut flows = work();
    if let Kind::Action(wait) = &mut flows[1].body.steps[1].kind {
        wait.inputs[0] = input("delay", value(json!(0.3)));
    }
    dying.block_on(async {
        let engine = open("dying", &boundary).await.unwrap();
        for flow in &flows {
            engine.save(flow).await.unwrap();
            engine.switch(flow.id.as_str(), true).await.unwrap();
        }
        let starts = (0..100).map(|n| ("hook".into(), start(&[("n", Value::text(n.to_string()))])));
        for start in starts {
            engine.start_all(vec![start]).await.unwrap();
        }
        tokio::time::timeout(Duration::from_mins(1), boundary.reached()).await.expect("it gets that far");
    });
    dying.shutdown_timeout(Duration::from_secs(1));
    all.block_on(async {
        let others = [open("second", &Arc::default()).await.unwrap(), open("third", &Arc::default()).await.unwrap()];
        let ended = || others.iter().map(|engine| engine.metrics().runs(RunState::Succeeded)).sum::<u64>();
        let begin = std::time::Instant::now();
        loop {
            let left = RunFilter { limit: 1000, ..RunFilter::default() };
            let runs = others[0].history(&left).await.unwrap();
            if runs.iter().all(|run| run.state == RunState::Succeeded) {
                break;
            }
            assert!(begin.elapsed() < Duration::from_mins(1), "{runs:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(ended() > 0, "the others did it");
        assert!(others.iter().all(|engine| engine.metrics().resumed() > 0), "each of them some");
    });
    let times = target.times();
    assert_eq!(times.len(), 400);
    assert!(
        times.values().all(|times| *times == 1),
        "{:?}",
        times.iter().filter(|(_, times)| **times > 1).collect::<Vec<_>>()
    );
}

/// What the process holds at most, in bytes, where the system tells; counted from now.
fn peak_since(reset: bool) -> Option<u64> {
    if reset {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_fifty_thousand_records_takes_no_memory() {
    const RECORDS: i64 = 50_000;
    let database = sqlite();
    let inner =
        vec![compose("text", "{trigger.Record>id}: {trigger.Record>filler}"), ret(vec![("x", from("text.output"))])];
    let item = helper("item", &["Record:object", "State:object"], inner);
    let inputs = vec![
        ("count", RECORDS.into()),
        ("page", 200.into()),
        ("Streaming/Flow", Take(Source::Flow("item".into()), Type::one(Base::Flow))),
    ];
    let mut stream = card("stream", "test:stream", inputs);
    stream.outputs = step("", Kind::Note(Note::default()), &["Records Streamed"]).outputs;
    let steps = vec![stream, ret(vec![("n", from("stream.Records Streamed").number())])];
    let bench =
        Bench::with(&database.url, vec![item, hook(&[], steps)], |settings| settings.run_memory = 8 << 20).await;
    let before = peak_since(true);
    let answer = bench.engine.call("hook", start(&[])).await.unwrap();
    assert_eq!(answer.body, format!("{{\"n\":{RECORDS}}}"));
    let (Some(before), Some(after)) = (before, peak_since(false)) else { return };
    eprintln!("{RECORDS} records of 1 KB: from {} to {} MiB", before >> 20, after >> 20);
    assert!(after < 150 << 20, "{} MiB", after >> 20);
}

/// A step of a generated flow.
#[derive(Debug, Clone)]
enum Shape {
    Act(u8),
    If(bool, Vec<Shape>, Vec<Shape>),
    Try(Vec<Shape>),
    Fail,
    Wait,
    Each(u8, Vec<Shape>),
    Return,
    Draw,
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let leaf = prop_oneof![
        4 => (0_u8..3).prop_map(Shape::Act),
        1 => Just(Shape::Fail),
        1 => Just(Shape::Wait),
        1 => Just(Shape::Return),
        1 => Just(Shape::Draw),
    ];
    let tree = leaf.prop_recursive(3, 20, 4, |inner| {
        let body = || proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (any::<bool>(), body(), body()).prop_map(|(holds, then, otherwise)| Shape::If(holds, then, otherwise)),
            body().prop_map(Shape::Try),
            (0_u8..4, body()).prop_map(|(concurrency, body)| Shape::Each(concurrency, body)),
        ]
    });
    proptest::collection::vec(tree, 1..6)
}

/// The flow of some shapes; loops get helper flows of their own.
struct Builder {
    flows: Vec<Flow>,
    next: usize,
}

impl Builder {
    fn body(&mut self, shapes: &[Shape]) -> Vec<Step> {
        shapes.iter().map(|shape| self.step(shape)).collect()
    }

    fn step(&mut self, shape: &Shape) -> Step {
        self.next += 1;
        let id = format!("s{}", self.next);
        match shape {
            Shape::Act(kind) => {
                let what = format!("{id} {{trigger.context/execution_id}}");
                let address = ["test:safe", "test:search", "test:read"][usize::from(*kind)];
                card(&id, address, vec![("what", template(&what))])
            }
            Shape::Fail => card(&id, "control:throw", vec![("message", "thrown".into())]),
            Shape::Wait => card(&id, "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
            Shape::Return => ret(vec![("x", "y".into())]),
            Shape::Draw => card(&id, "string:random", vec![("length", 5.into())]),
            Shape::If(holds, then, otherwise) => {
                let (then, otherwise) = (self.body(then), self.body(otherwise));
                either(&id, condition(1, "==", i64::from(*holds)), then, otherwise, vec![])
            }
            Shape::Try(body) => {
                let body = self.body(body);
                attempt(&id, body, vec![ret(vec![])], &[])
            }
            Shape::Each(concurrency, body) => {
                let helper_id = format!("helper_{id}");
                let steps = self.body(body);
                self.flows.push(helper(&helper_id, &["context/execution_id"], steps));
                let each = each(&id, LoopMode::ForEachIgnoringErrors, value(json!(["a", "b"])), &helper_id, vec![]);
                at_once(each, i64::from(*concurrency))
            }
        }
    }
}

/// What a flow did and how it ended, in a run of its own; with `boundary` the engine ends there and another goes on.
fn outcome(flows: &[Flow], boundary: u64) -> (BTreeSet<String>, String, u64) {
    let database = sqlite();
    let (target, clock): (Arc<Target>, _) = (Arc::default(), manual_clock());
    let mut passed = 0;
    for at in [boundary, 0] {
        let boundary = Boundary::at(at);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let ended = runtime.block_on(async {
            let work = async {
                let settings = Settings { park_after: Duration::ZERO, ..Settings::default() };
                let engine =
                    Engine::open(&database.url, edges(&target, &boundary, clock.clone()), settings).await.unwrap();
                for flow in flows {
                    engine.save(flow).await.unwrap();
                    engine.switch(flow.id.as_str(), true).await.unwrap();
                }
                engine.start("hook", start(&[]).once("once")).await.unwrap();
                loop {
                    let run = engine.history(&RunFilter::default()).await.unwrap().remove(0);
                    if run.state.is_end() {
                        return format!("{:?} {:?}", run.state, run.message);
                    }
                    if run.state == RunState::Waiting {
                        clock.advance(Duration::from_mins(61));
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            tokio::select! {
                ended = work => Some(ended),
                () = boundary.reached() => None,
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
        passed += boundary.passed();
        if let Some(ended) = ended {
            let done = target.times();
            assert!(done.values().all(|times| *times == 1), "{done:?}");
            // What was done, by the step that did it; ids of runs differ.
            let steps = done.keys().map(|what| {
                let (step, execution) = what.split_once(' ').unwrap();
                format!("{step} {}", execution.split_once(':').map_or("", |(_, path)| path))
            });
            return (steps.collect(), ended, passed);
        }
    }
    unreachable!("the second engine has no boundary")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// An engine that ends anywhere in any flow changes nothing about what the flow does.
    #[test]
    fn an_end_in_the_middle_changes_nothing(shapes in shapes(), at in 1_u64..30) {
        let mut builder = Builder { flows: Vec::new(), next: 0 };
        let steps = builder.body(&shapes);
        let mut flows = builder.flows;
        flows.push(hook(&["context/execution_id"], steps));
        let (done, ended, passed) = outcome(&flows, 0);
        let interrupted = outcome(&flows, 1 + at % (passed + 1));
        prop_assert_eq!((done, ended), (interrupted.0, interrupted.1));
    }
}

#[tokio::test]
async fn closing_gives_runs_back_and_the_next_engine_goes_on() {
    let database = sqlite();
    let steps = vec![
        card("one", "test:slow", vec![("what", "one".into())]),
        card("wait", "control:wait", vec![("delay", 3.into()), ("unit", "second".into())]),
        card("two", "test:safe", vec![("what", "two".into())]),
    ];
    let flows = || vec![hook(&[], steps.clone())];
    let first = Bench::with(&database.url, flows(), |_| {}).await;
    let run = first.engine.start("hook", start(&[])).await.unwrap().unwrap();
    first.until(|bench| bench.target.times().len() == 1).await;
    first.engine.close().await;
    drop(first);
    let second = until_open(&database.url, flows()).await;
    second.advance(Duration::from_secs(4)).await;
    second.until_run(&run, RunState::Succeeded).await;
    assert_eq!(second.target.times().into_keys().collect::<Vec<_>>(), ["two"]);
}

#[tokio::test]
async fn what_the_memory_has_no_place_for_waits_in_the_journal() {
    let steps = vec![card("act", "test:slow", vec![("what", from("trigger.n"))])];
    let bench = Bench::with("sqlite::memory:", vec![hook(&["n"], steps)], |settings| settings.active_runs = 4).await;
    let starts = (0..60).map(|n| ("hook".into(), start(&[("n", Value::text(n.to_string()))])));
    bench.engine.start_all(starts.collect()).await.unwrap();
    bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 60).await;
    assert!(bench.target.most_under_way.load(std::sync::atomic::Ordering::SeqCst) <= 4);
    assert_eq!(bench.target.times().len(), 60);
}

#[tokio::test]
async fn a_worker_that_is_late_keeps_its_own_runs() {
    for database in databases().await {
        let steps = vec![
            card("wait", "control:wait", vec![("delay", 3.into()), ("unit", "second".into())]),
            card("act", "test:slow", vec![("what", "x".into())]),
        ];
        let bench = Bench::with(&database.url, vec![hook(&[], steps)], |_| {}).await;
        let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        // As if it had not come to say that it is alive.
        let store = oktant_store::connect(&database.url).await.unwrap();
        store.writer().await.unwrap().execute("UPDATE flow_runs SET lease_until = 0", &[]).await.unwrap();
        bench.engine.switch("hook", true).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.advance(Duration::from_secs(4)).await;
        bench.until_run(&run, RunState::Succeeded).await;
        assert_eq!(bench.engine.metrics().resumed(), 0, "{}", database.name);
    }
}
