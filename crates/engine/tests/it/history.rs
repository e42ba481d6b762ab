//! What is kept of runs, what is shown of it, and running them again.

use std::time::Duration;

use oktant_engine::{Decision, FlowSettings, RunFilter, RunState, StepState};
use oktant_flow::model::*;
use oktant_functions::Value;
use serde_json::json;

use crate::common::*;

fn hook(parameters: &[&str], steps: Vec<Step>) -> Flow {
    flow("hook", TriggerKind::Manual, parameters, steps)
}

async fn only_run(bench: &Bench) -> oktant_engine::RunSummary {
    let mut runs = bench.engine.history(&RunFilter::default()).await.unwrap();
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

/// Everything that the database holds of runs, as text.
async fn dump(url: &str) -> String {
    use oktant_store::Store as _;
    let store = oktant_store::SqliteStore::connect(url).unwrap();
    let mut text = String::new();
    for query in [
        "SELECT records FROM flow_segments",
        "SELECT content FROM flow_values",
        "SELECT coalesce(message, '') FROM flow_runs",
    ] {
        for row in store.reader().await.unwrap().fetch(query, &[]).await.unwrap() {
            text += &row.text(0).unwrap();
        }
    }
    text
}

/// Waits until a text is gone from the database: the removal comes right behind the end of a run.
async fn until_gone(url: &str, text: &str) {
    for _ in 0..200 {
        if !dump(url).await.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{text} is still in the database");
}

#[tokio::test]
async fn each_step_is_shown_with_what_it_was_given_and_gave() {
    let steps = vec![
        compose("text", "Hello {trigger.name}"),
        card("act", "test:search", vec![("what", from("text.output"))]),
        call("call", "inner", true, vec![("x", from("act.id"))], &["y"]),
        card("fail", "test:fail", vec![("what", "f".into()), ("times", 9.into())]),
    ];
    let inner = helper("inner", &["x"], vec![ret(vec![("y", from("trigger.x"))])]);
    let bench = Bench::new(vec![inner, hook(&["name"], steps)]).await;
    bench.error("hook", &[("name", Value::text("Ada"))]).await;
    let run = only_run(&bench).await;
    assert_eq!(
        (run.state, run.message.as_deref(), run.error_code.as_deref()),
        (RunState::Failed, Some("Bad Request"), Some("OKT4314"))
    );
    assert_eq!((&*run.flow, run.trigger_kind.as_str()), ("hook", "manual"));
    let steps = bench.engine.steps(&run.id).await.unwrap();
    let seen: Vec<(String, &str)> =
        steps.iter().map(|step| (step.path.split("return_").next().unwrap().to_owned(), step.state.name())).collect();
    let expected = [
        ("trigger", "succeeded"),
        ("text", "succeeded"),
        ("act", "succeeded"),
        ("call", "succeeded"),
        ("call/", "succeeded"),
        ("fail", "failed"),
    ];
    assert_eq!(seen, expected.map(|(path, state)| (path.to_owned(), state)));
    let step = |path: &str| steps.iter().find(|step| &*step.path == path).unwrap();
    let shown = |fields: &Option<oktant_engine::Fields>| fields.as_ref().unwrap().to_object().to_json();
    assert_eq!(shown(&step("act").inputs), r#"{"what":"Hello Ada"}"#);
    assert_eq!(shown(&step("act").outputs), r#"{"id":"id of Hello Ada"}"#);
    assert_eq!(step("call").flow.as_deref(), Some("inner"));
    let cards: Vec<_> = steps.iter().map(|step| step.address.as_deref().unwrap_or("-")).collect();
    assert_eq!(cards, ["-", "string:compose", "test:search", "-", "control:return", "test:fail"]);
    assert_eq!(step("fail").error.as_ref().unwrap().status, Some(400));
    assert_eq!(step("fail").state, StepState::Failed);
}

#[tokio::test]
async fn secrets_are_in_no_history_and_gone_from_the_database_when_a_run_is_over() {
    let database = sqlite();
    let steps = vec![
        card("random", "string:random", vec![("length", 30.into())]),
        card("let", "control:let", vec![("password", from("trigger.password")), ("plain", "visible".into())]),
        card("act", "test:read", vec![("newPassword", from("let.password")), ("plain", from("let.plain"))]),
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
        card(
            "check",
            "control:throwIf",
            vec![
                ("left-operand", from("act.newPassword")),
                ("operator", "!=".into()),
                ("right-operand", "CANARY-1".into()),
                ("message", "the value is needed after a wait".into()),
            ],
        ),
        ret(vec![("token", from("let.password"))]),
    ];
    let bench = Bench::with(&database.url, vec![hook(&["password"], steps)], |_| {}).await;
    bench.answer("hook", &[("password", Value::text("CANARY-1"))]).await;
    let run = only_run(&bench).await;
    assert!(!format!("{:?}", bench.engine.steps(&run.id).await.unwrap()).contains("CANARY"), "not while it waits");
    bench.advance(Duration::from_hours(1)).await;
    bench.until_run(&run.id, RunState::Succeeded).await;
    let steps = format!("{:?}", bench.engine.steps(&run.id).await.unwrap());
    assert!(steps.contains("visible") && steps.contains("[redacted]") && !steps.contains("CANARY"), "{steps}");
    until_gone(&database.url, "CANARY").await;
}

#[tokio::test]
async fn a_step_that_waits_began_when_its_wait_did_and_has_not_ended() {
    let steps = vec![
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "day".into())]),
        retrying(card("flaky", "test:fail", vec![("what", "f".into()), ("times", 1.into())]), 1, 86_400_000),
    ];
    let bench = Bench::new(vec![hook(&[], steps)]).await;
    let day = chrono::TimeDelta::days(1);
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    let step = async |path: &str| {
        let steps = bench.engine.steps(&run).await.unwrap();
        steps.into_iter().find(|step| &*step.path == path).unwrap()
    };
    bench.until_run(&run, RunState::Waiting).await;
    let begun = bench.engine.run(&run).await.unwrap();
    assert!(begun.ended_at.is_none() && begun.wake_at.unwrap() >= begun.created_at + day, "{begun:?}");
    let waiting = step("wait").await;
    assert_eq!((waiting.state, waiting.ended_at), (StepState::Waiting, None));
    assert!(waiting.started_at < begun.created_at + day, "{waiting:?}");

    bench.advance(Duration::from_hours(24)).await;
    let first = async || bench.engine.steps(&run).await.unwrap().iter().any(|step| &*step.path == "flaky#2");
    for turn in 1..2000 {
        if first().await {
            break;
        }
        tick(&bench.clock, turn).await;
    }
    let waited = step("wait").await;
    assert!(waited.ended_at.unwrap() >= waited.started_at + day, "{waited:?}");
    let again = step("flaky#2").await;
    assert_eq!(again.state, StepState::Waiting);
    assert!(again.started_at < waited.ended_at.unwrap() + day, "{again:?}");
    bench.advance(Duration::from_hours(24)).await;
    bench.until_run(&run, RunState::Succeeded).await;
    let again = step("flaky#2").await;
    assert!(again.started_at >= waited.ended_at.unwrap() + day, "an attempt begins when it is made: {again:?}");
}

#[tokio::test]
async fn a_flow_that_keeps_no_data_leaves_none() {
    let database = sqlite();
    let mut quiet = hook(
        &["name"],
        vec![
            compose("text", "text {trigger.name}"),
            card("act", "test:read", vec![("x", from("text.output"))]),
            card("fail", "test:fail", vec![("what", from("trigger.name")), ("times", from("act.missing").number())]),
            ret(vec![("x", from("act.x"))]),
        ],
    );
    quiet.log = false;
    let bench = Bench::with(&database.url, vec![quiet], |_| {}).await;
    assert_eq!(bench.returned("hook", &[("name", Value::text("CANARY"))]).await, json!({"x": "text CANARY"}));
    let run = only_run(&bench).await;
    let steps = bench.engine.steps(&run.id).await.unwrap();
    assert!(steps.len() >= 4, "that the steps ran is kept: {steps:?}");
    assert!(steps.iter().all(|step| step.inputs.is_none() && step.outputs.is_none()));
    until_gone(&database.url, "CANARY").await;
}

#[tokio::test]
async fn the_history_is_searched_paged_and_removed() {
    let bench = Bench::new(vec![
        hook(&["name"], vec![compose("text", "100% of {trigger.name}")]),
        flow("other", TriggerKind::Manual, &["name"], vec![]),
    ])
    .await;
    for name in ["ann", "bob", "quo\"te"] {
        bench.returned("hook", &[("name", Value::text(name))]).await;
        bench.returned("other", &[("name", Value::text(name))]).await;
        bench.clock.advance(Duration::from_mins(1));
    }
    let find = async |filter: RunFilter| bench.engine.history(&filter).await.unwrap().len();
    let text = |text: &str| RunFilter { text: Some(text.to_owned()), ..RunFilter::default() };
    assert_eq!(find(RunFilter::default()).await, 6);
    assert_eq!(find(text("bob")).await, 2);
    assert_eq!(find(text("100% of b")).await, 1);
    assert_eq!(find(text("1_0%")).await, 0, "no pattern");
    assert_eq!(find(text("quo\"te")).await, 2);
    assert_eq!(find(RunFilter { flow: Some("hook".into()), ..text("bob") }).await, 1);
    assert_eq!(find(RunFilter { state: Some(RunState::Failed), ..RunFilter::default() }).await, 0);
    let mut seen = Vec::new();
    let mut filter = RunFilter { limit: 4, ..RunFilter::default() };
    loop {
        let page = bench.engine.history(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.id.clone());
        seen.extend(page.into_iter().map(|run| run.id));
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted_by(|a, b| a > b));
    bench.clock.advance(Duration::from_hours(30 * 24) - Duration::from_secs(90));
    assert_eq!(bench.engine.prune().await.unwrap(), 4);
    assert_eq!(find(RunFilter::default()).await, 2);
}

#[tokio::test]
async fn a_failed_run_goes_on_from_the_failed_card_with_what_was_recorded() {
    let inner = vec![
        card("act", "test:search", vec![("what", template("item {trigger.x}"))]),
        card("flaky", "test:fail", vec![("what", template("flaky {trigger.x}")), ("times", 1.into())]),
    ];
    let steps = vec![
        card("random", "string:random", vec![("length", 12.into())]),
        card("before", "test:search", vec![("what", template("before {random.output}"))]),
        each("loop", LoopMode::ForEach, value(json!(["a", "b"])), "item", vec![("x", HelperValue::Item)]),
        card("after", "test:search", vec![("what", template("after {random.output}"))]),
    ];
    let bench = Bench::new(vec![helper("item", &["x"], inner), hook(&[], steps)]).await;
    assert_eq!(bench.error("hook", &[]).await["message"], "Bad Request");
    let first = only_run(&bench).await;
    assert!(bench.engine.retry("nothing", true).await.is_err());
    let second = bench.engine.retry(&first.id, true).await.unwrap();
    bench.until_run(&second, RunState::Failed).await;
    assert!(bench.engine.retry(&first.id, true).await.is_ok(), "b fails for good only once more");
    bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 1).await;
    let times = bench.target.times();
    let before: Vec<&String> = times.keys().filter(|what| what.starts_with("before")).collect();
    assert_eq!(before.len(), 1, "not done again: {times:?}");
    assert_eq!(times[before[0]], 1);
    assert!(times.contains_key(&before[0].replace("before", "after")), "with the same chance: {times:?}");
    assert_eq!(times["item a"], 1, "the helper went on inside: {times:?}");

    let third = bench.engine.retry(&first.id, false).await.unwrap();
    bench.until_run(&third, RunState::Succeeded).await;
    assert_eq!(bench.target.times().keys().filter(|what| what.starts_with("before")).count(), 2, "from the start");
    let again = RunFilter { parent: Some(first.id.clone()), ..RunFilter::default() };
    assert_eq!(bench.engine.history(&again).await.unwrap().len(), 3);
}

#[tokio::test]
async fn runs_keep_the_definition_they_began_with() {
    let waiting = |word: &str| {
        hook(
            &[],
            vec![
                card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
                call("call", "inner", true, vec![], &[]),
                card("act", "test:safe", vec![("what", value(json!(word)))]),
            ],
        )
    };
    let bench = Bench::new(vec![helper("inner", &[], vec![]), waiting("old")]).await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::Waiting).await;
    bench.engine.save(&waiting("new")).await.unwrap();
    let newer = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&newer, RunState::Waiting).await;
    bench.advance(Duration::from_hours(1)).await;
    bench.until_run(&run, RunState::Succeeded).await;
    bench.until_run(&newer, RunState::Succeeded).await;
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["new", "old"]);
    assert_ne!(bench.engine.run(&run).await.unwrap().version, bench.engine.run(&newer).await.unwrap().version);
    assert!(bench.engine.set("nothing", &FlowSettings::default()).await.is_err());
}

#[tokio::test]
async fn large_values_are_kept_apart_and_come_back() {
    let database = sqlite();
    let long = "x".repeat(200_000);
    let steps = vec![
        card("read", "test:read", vec![("x", from("trigger.x"))]),
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
        card("length", "string:length", vec![("string", from("read.x"))]),
        card("act", "test:safe", vec![("what", from("length.length"))]),
    ];
    let bench = Bench::with(&database.url, vec![hook(&["x"], steps)], |_| {}).await;
    bench.answer("hook", &[("x", Value::text(long.as_str()))]).await;
    let run = only_run(&bench).await;
    bench.advance(Duration::from_hours(1)).await;
    bench.until_run(&run.id, RunState::Succeeded).await;
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["200000"]);
    let steps = bench.engine.steps(&run.id).await.unwrap();
    let read = steps.iter().find(|step| &*step.path == "read").unwrap();
    assert_eq!(read.outputs.as_ref().unwrap().get(None, "x").unwrap().as_text().unwrap().len(), 200_000);
}

#[tokio::test]
async fn large_values_outlive_the_removal_of_secrets() {
    let database = sqlite();
    let inputs = vec![("large", from("trigger.large")), ("copy", template("{trigger.large} {trigger.password}"))];
    let steps = vec![
        card("read", "test:read", inputs),
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
    ];
    let bench = Bench::with(&database.url, vec![hook(&["large", "password"], steps)], |_| {}).await;
    let large = "x".repeat(200_000);
    bench.answer("hook", &[("large", Value::text(large)), ("password", Value::text("CANARY-2"))]).await;
    let run = only_run(&bench).await;
    bench.advance(Duration::from_hours(1)).await;
    bench.until_run(&run.id, RunState::Succeeded).await;
    until_gone(&database.url, "CANARY").await;
    let steps = bench.engine.steps(&run.id).await.unwrap();
    let read = steps.iter().find(|step| &*step.path == "read").unwrap().outputs.as_ref().unwrap();
    let length = |key| read.get(None, key).unwrap().as_text().unwrap().len();
    assert_eq!((length("large"), length("copy")), (200_000, 200_001 + "[redacted]".len()));
}

#[tokio::test]
async fn what_a_killed_process_did_not_remove_is_removed_by_the_next_one() {
    use oktant_store::Store as _;
    let database = sqlite();
    let steps = vec![
        card("read", "test:read", vec![("copy", template("it is {trigger.password}"))]),
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
    ];
    let flows = || vec![hook(&["password"], steps.clone())];
    let bench = Bench::with(&database.url, flows(), |_| {}).await;
    bench.answer("hook", &[("password", Value::text("CANARY-3"))]).await;
    bench.engine.close().await;
    drop(bench);
    assert!(dump(&database.url).await.contains("it is CANARY"), "as it is, for as long as the run needs it");
    let store = oktant_store::SqliteStore::connect(&database.url).unwrap();
    let end = "UPDATE flow_runs SET state = 'succeeded', ended_at = 1, owner = NULL, scrub = 1";
    store.writer().await.unwrap().execute(end, &[]).await.unwrap();
    let next = until_open(&database.url, flows()).await;
    until_gone(&database.url, "CANARY").await;
    drop(next);
}

#[tokio::test]
async fn what_was_not_kept_is_not_made_up_when_a_run_is_run_again() {
    let quiet = Flow { log: false, ..flow("quiet", TriggerKind::Manual, &["name"], vec![]) };
    let bench = Bench::new(vec![
        quiet,
        hook(&["password"], vec![card("act", "test:read", vec![("x", from("trigger.password"))])]),
        flow("token", TriggerKind::Manual, &["name"], vec![ret(vec![("token", "a token".into())])]),
    ])
    .await;
    bench.returned("quiet", &[("name", Value::text("ann"))]).await;
    bench.answer("hook", &[("password", Value::text("hunter22"))]).await;
    bench.returned("token", &[("name", Value::text("ann"))]).await;
    for run in bench.engine.history(&RunFilter::default()).await.unwrap() {
        let again = bench.engine.retry(&run.id, false).await;
        if &*run.flow == "token" {
            bench.until_run(&again.unwrap(), RunState::Succeeded).await;
        } else {
            let error = again.unwrap_err().to_string();
            assert!(error.ends_with("what it started with has secrets, which were not kept"), "{error}");
        }
    }
}

fn panicking(id: &str) -> Step {
    card(id, "test:safe", vec![("what", "panic".into())])
}

#[tokio::test]
async fn a_run_whose_action_panics_ends_with_an_error_of_its_own_and_keeps_no_place() {
    let database = sqlite();
    let run_flow = hook(&[], vec![panicking("one"), compose("two", "never")]);
    let in_loop = Flow {
        id: "loop".into(),
        ..hook(&[], vec![each("each", LoopMode::ForEach, value(json!(["a", "b"])), "inner", vec![])])
    };
    let inner = helper("inner", &["x"], vec![panicking("one")]);
    let bench = Bench::with(&database.url, vec![inner, run_flow, in_loop], |settings| settings.active_runs = 2).await;
    for flow in ["hook", "hook", "hook", "loop"] {
        // What a panic says is for those who see the history.
        let error = bench.error(flow, &[]).await;
        assert_eq!(error, json!({"message": "the program failed in a run", "code": "OKT4318"}));
    }
    for run in bench.engine.history(&RunFilter::default()).await.unwrap() {
        assert_eq!((run.state, run.error_code.as_deref()), (RunState::Failed, Some("OKT4318")), "{run:?}");
        let message = run.message.as_deref().unwrap();
        assert!(message.starts_with("the program failed: ") && message.contains("out of cheese"), "{message}");
        assert!(bench.engine.retry(&run.id, true).await.is_ok(), "nothing is open in it");
    }
    bench.until(|bench| bench.engine.metrics().runs(RunState::Failed) == 8).await;
    let store = oktant_store::connect(&database.url).await.unwrap();
    let owned = "SELECT count(*) FROM flow_runs WHERE owner IS NOT NULL OR ended_at IS NULL";
    let row = store.reader().await.unwrap().fetch_one(owned, &[]).await.unwrap().unwrap();
    assert_eq!(row.int(0).unwrap(), 0);
}

#[tokio::test]
async fn where_a_panic_leaves_open_what_happened_a_person_decides() {
    // In the call, or in the search for what became of it.
    for (address, what) in [("test:unsafe", "x"), ("test:unsure", "panic later")] {
        let steps = vec![card("act", address, vec![("what", what.into())]), ret(vec![("y", "done".into())])];
        let bench = Bench::new(vec![hook(&[], steps)]).await;
        let error = bench.error("hook", &[]).await;
        assert!(error["message"].as_str().unwrap().contains(&format!("{address} was sent in step act")), "{error}");
        assert!(!error.to_string().contains("cheese"), "{error}");
        let run = only_run(&bench).await;
        assert_eq!(run.state, RunState::UnknownOutcome, "{run:?}");
        assert!(run.message.unwrap().contains("out of cheese"));
        bench.engine.decide(&run.id, Decision::Skip, None).await.unwrap();
        bench.until_run(&run.id, RunState::Succeeded).await;
        assert_eq!(bench.target.times()[what], 1);
    }
}

#[tokio::test]
async fn a_panic_in_one_turn_lets_the_others_come_to_their_end() {
    let inner = helper("inner", &["x"], vec![card("slow", "test:slow", vec![("what", from("trigger.x"))])]);
    let over = value(json!(["a", "panic", "b"]));
    let repeat = each("each", LoopMode::ForEach, over, "inner", vec![("x", HelperValue::Item)]);
    let bench = Bench::new(vec![inner, hook(&[], vec![at_once(repeat, 3)])]).await;
    assert_eq!(bench.error("hook", &[]).await["code"], "OKT4318");
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["a", "b"]);
    let steps = bench.engine.steps(&only_run(&bench).await.id).await.unwrap();
    let state = |path: &str| steps.iter().find(|step| &*step.path == path).map(|step| step.state);
    assert_eq!(state("each[2]/slow"), Some(StepState::Succeeded), "{steps:?}");
    assert_eq!(state("each[1]/slow"), Some(StepState::Failed), "{steps:?}");
}

/// Whether a text is in the file of a database, or in its log.
fn is_in_files(url: &str, text: &str) -> bool {
    let path = url.trim_start_matches("sqlite://");
    let files = [path.to_owned(), format!("{path}-wal")];
    let bytes = files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect::<Vec<u8>>();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn what_was_removed_is_in_no_file_of_the_database() {
    const CANARY: &str = "canary-7d1f";
    let database = sqlite();
    let wait = card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]);
    let steps = vec![wait, card("act", "test:read", vec![("what", from("trigger.password"))])];
    let retention = Duration::from_hours(10);
    let bench =
        Bench::with(&database.url, vec![hook(&["password", "name"], steps)], |settings| settings.retention = retention)
            .await;
    let given = start(&[("password", Value::text(CANARY)), ("name", Value::text("canary-name"))]);
    let run = bench.engine.start("hook", given).await.unwrap().unwrap();
    bench.until_run(&run, RunState::Waiting).await;
    assert!(is_in_files(&database.url, CANARY), "it is needed until the run is over");
    bench.advance(Duration::from_hours(1)).await;
    bench.until_run(&run, RunState::Succeeded).await;
    until_gone(&database.url, CANARY).await;
    bench.advance(Duration::from_secs(30)).await;
    until_not_in_files(&database.url, CANARY).await;
    assert!(is_in_files(&database.url, "canary-name"));

    bench.advance(retention + Duration::from_hours(1)).await;
    assert_eq!(bench.engine.prune().await.unwrap(), 1);
    bench.engine.close().await;
    until_not_in_files(&database.url, "canary-name").await;
}

async fn until_not_in_files(url: &str, text: &str) {
    for _ in 0..200 {
        if !is_in_files(url, text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{text} is still in a file of the database");
}

#[tokio::test]
async fn what_an_earlier_process_left_in_the_log_goes_soon_after_the_start() {
    use oktant_store::Store as _;
    const CANARY: &str = "canary-9e02";
    let database = sqlite();
    // As long as it is open, the log stays.
    let store = oktant_store::SqliteStore::connect(&database.url).unwrap();
    for sql in ["CREATE TABLE left_over (text TEXT)", "DELETE FROM left_over"] {
        store.writer().await.unwrap().execute(sql, &[]).await.unwrap();
        let insert = "INSERT INTO left_over (text) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM left_over)";
        store.writer().await.unwrap().execute(insert, &[CANARY.into()]).await.unwrap();
    }
    store.writer().await.unwrap().execute("DELETE FROM left_over", &[]).await.unwrap();
    assert!(is_in_files(&database.url, CANARY));
    let bench = Bench::with(&database.url, Vec::new(), |_| {}).await;
    bench.advance(Duration::from_secs(30)).await;
    until_not_in_files(&database.url, CANARY).await;
}

#[tokio::test]
async fn runs_of_one_instant_are_shown_as_they_were_started() {
    let bench = Bench::with("sqlite::memory:", vec![hook(&[], vec![compose("text", "told")])], |_| {}).await;
    let mut started = Vec::new();
    for _ in 0..20 {
        started.push(bench.engine.start("hook", start(&[])).await.unwrap().unwrap());
    }
    let shown = bench.engine.history(&RunFilter::default()).await.unwrap();
    started.reverse();
    assert_eq!(shown.into_iter().map(|run| run.id).collect::<Vec<_>>(), started);
}
