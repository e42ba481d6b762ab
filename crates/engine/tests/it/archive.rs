//! The history as someone reads it who takes no part in running flows.

use std::sync::Arc;
use std::time::Duration;

use oktant_engine::{Archive, RunColumn, RunFilter, RunState, StepSummary};
use oktant_flow::model::*;
use oktant_functions::Value;
use oktant_store::{Store, Test};

use crate::common::*;

async fn reader(url: &str) -> Arc<dyn Store> {
    oktant_store::connect_to_read(url).await.unwrap().expect("a database").into()
}

async fn archive(url: &str) -> Archive {
    Archive::open(reader(url).await, &[]).await.unwrap().expect("a history")
}

/// All steps of a run, in their order.
async fn steps(archive: &Archive, run: &str) -> Vec<StepSummary> {
    let wanted = [(RunColumn::Id, Test::OneOf(vec![run.into()]))];
    let runs = archive.runs(&wanted, None, None).await.unwrap();
    let mut pages = archive.steps(&runs[0]).await.unwrap();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        all.extend(page);
    }
    all.sort_by_key(|step| step.number);
    all
}

fn secretive() -> Flow {
    let steps = vec![
        card("let", "control:let", vec![("password", from("trigger.password")), ("pin", "CANARY-PIN".into())]),
        card("act", "test:search", vec![("what", from("let.password"))]),
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
        compose("text", "told {let.password} of {trigger.name}"),
    ];
    flow("hook", TriggerKind::Manual, &["password", "name"], steps)
}

#[tokio::test]
async fn what_runs_is_read_without_its_secrets_while_the_engine_has_the_file() {
    for database in databases().await {
        assert!(Archive::open(reader_or_made(&database).await, &[]).await.unwrap().is_none(), "{}", database.name);
        let bench = Bench::with(&database.url, vec![secretive()], |_| {}).await;
        let given = [("password", Value::text("CANARY-WORD")), ("name", Value::text("Ada"))];
        let run = bench.engine.start("hook", start(&given)).await.unwrap().unwrap();
        bench.until_run(&run, RunState::Waiting).await;
        let redact = ["pin".to_owned()];
        let archive = Archive::open(reader(&database.url).await, &redact).await.unwrap().unwrap();
        let waiting = format!("{:?}", steps(&archive, &run).await);
        assert!(waiting.contains("[redacted]") && !waiting.contains("CANARY"), "{}: {waiting}", database.name);
        bench.advance(Duration::from_hours(1)).await;
        bench.until_run(&run, RunState::Succeeded).await;
        let ended = steps(&archive, &run).await;
        assert!(ended.iter().any(|step| &*step.path == "text"), "{}: {ended:?}", database.name);
        let shown = format!("{ended:?} {:?}", archive.runs(&[], None, None).await.unwrap());
        assert!(shown.contains("Ada") && !shown.contains("CANARY"), "{}: {shown}", database.name);
    }
}

/// A connection to a database that may not be there yet.
async fn reader_or_made(database: &Database) -> Arc<dyn Store> {
    match oktant_store::connect_to_read(&database.url).await.unwrap() {
        Some(store) => store.into(),
        None => oktant_store::connect("sqlite::memory:").await.unwrap().into(),
    }
}

#[tokio::test]
async fn long_runs_are_read_in_pages_and_each_step_comes_once() {
    let database = sqlite();
    let turn = helper("turn", &[], vec![card("act", "test:search", vec![("what", "x".into())])]);
    let hook = flow("hook", TriggerKind::Manual, &[], vec![each("each", LoopMode::Repeat, 300.into(), "turn", vec![])]);
    let bench = Bench::with(&database.url, vec![turn, hook], |_| {}).await;
    bench.answer("hook", &[]).await;
    let run = bench.engine.history(&RunFilter::default()).await.unwrap().remove(0);
    let archive = archive(&database.url).await;
    let wanted = [(RunColumn::Id, Test::OneOf(vec![run.id.as_str().into()]))];
    let row = archive.runs(&wanted, None, None).await.unwrap().remove(0);
    assert_eq!(row, run);
    let mut pages = archive.steps(&row).await.unwrap();
    let (mut all, mut largest) = (Vec::new(), 0);
    while let Some(page) = pages.next().await.unwrap() {
        largest = largest.max(page.len());
        all.extend(page);
    }
    all.sort_by_key(|step| step.number);
    assert_eq!(all.len(), 300 * 2 + 2, "trigger, loop, and in each turn the helper flow and its card");
    assert!(largest < 300, "{largest} steps at once");
    assert_eq!(all, bench.engine.steps(&run.id).await.unwrap());
    assert!(all.iter().all(|step| step.ended_at.is_some()));
}

#[tokio::test]
async fn runs_are_chosen_by_the_database_and_come_page_by_page() {
    for database in databases().await {
        let quiet = flow("quiet", TriggerKind::Manual, &[], vec![ret(vec![])]);
        let loud = flow("loud", TriggerKind::Manual, &[], vec![card("no", "test:fail", vec![("times", 9.into())])]);
        let bench = Bench::with(&database.url, vec![quiet, loud], |_| {}).await;
        for _ in 0..5 {
            bench.answer("quiet", &[]).await;
            bench.error("loud", &[]).await;
            bench.advance(Duration::from_secs(10)).await;
        }
        let archive = archive(&database.url).await;
        let count = async |conditions: &[(RunColumn, Test)]| archive.runs(conditions, None, None).await.unwrap().len();
        let one = |text: &str| Test::OneOf(vec![text.into()]);
        assert_eq!(count(&[]).await, 10, "{}", database.name);
        assert_eq!(count(&[(RunColumn::Flow, one("loud"))]).await, 5);
        assert_eq!(count(&[(RunColumn::Flow, one("quiet")), (RunColumn::State, one("failed"))]).await, 0);
        assert_eq!(count(&[(RunColumn::ErrorCode, one("OKT4314"))]).await, 5);
        let all = archive.runs(&[], None, None).await.unwrap();
        let middle = all[4].created_at.timestamp_millis();
        assert_eq!(count(&[(RunColumn::CreatedAt, Test::Compare(">", middle.into()))]).await, 4);
        assert_eq!(count(&[(RunColumn::EndedOrNever, Test::Compare("<", middle.into()))]).await, 4);
        let first = archive.runs(&[], None, Some(3)).await.unwrap();
        assert_eq!(first, all[..3]);
        assert_eq!(archive.runs(&[], Some(&first[2].id), Some(2)).await.unwrap(), all[3..5]);
        let flows: Vec<_> = archive.flows().await.unwrap().into_iter().map(|flow| (flow.id, flow.active)).collect();
        assert_eq!(flows, [("loud".into(), true), ("quiet".into(), true)]);
    }
}
