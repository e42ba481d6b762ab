//! Flows that are changed and started from outside of the engine that runs them, and engines that run some only.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::Clock as _;
use oktant_engine::{
    CardError, Decision, Engine, EngineError, FlowSettings, RunFilter, RunState, Settings, Source, Work,
};
use oktant_flow::model::{Flow, Step, TriggerKind};
use oktant_functions::Value;
use serde_json::json;

use crate::common::*;

fn manual(id: &str, steps: Vec<Step>) -> Flow {
    flow(id, TriggerKind::Manual, &["name"], steps)
}

fn acting(id: &str) -> Flow {
    manual(id, vec![card("act", "test:safe", vec![("what", from("trigger.name"))])])
}

/// An engine on the database of another one.
async fn beside(bench: &Bench, url: &str, work: Work) -> Engine {
    let settings = Settings { work, ..Settings::default() };
    Engine::open(url, edges(&bench.target, &Arc::default(), bench.clock.clone()), settings).await.unwrap()
}

#[tokio::test]
async fn a_desk_starts_switches_and_cancels_what_an_engine_runs() {
    for database in databases().await {
        let bench = Bench::with(&database.url, vec![acting("first")], |_| {}).await;
        let desk = beside(&bench, &database.url, Work::None).await;
        let name = |name: &str| start(&[("name", Value::text(name))]);

        let run = desk.start("first", name("one")).await.unwrap().unwrap();
        assert_eq!(desk.run(&run).await.unwrap().state, RunState::Queued, "{}: a desk runs nothing", database.name);
        assert!(matches!(desk.call("first", name("never")).await, Err(EngineError::Closed)));
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::Succeeded).await;
        assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["one"]);

        // A flow that the engine has never seen.
        desk.save(&acting("second")).await.unwrap();
        assert!(matches!(desk.start("second", name("two")).await, Err(EngineError::Off(_))));
        desk.switch("second", true).await.unwrap();
        let run = desk.start("second", name("two")).await.unwrap().unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::Succeeded).await;
        desk.switch("second", false).await.unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until(|bench| bench.engine.flow("second").is_ok_and(|entry| !entry.active)).await;

        // A run that waits.
        let waiting = vec![card("wait", "control:wait", vec![("delay", 5.into()), ("unit", "hour".into())])];
        desk.save(&manual("wait", waiting)).await.unwrap();
        desk.switch("wait", true).await.unwrap();
        let run = desk.start("wait", start(&[])).await.unwrap().unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::Waiting).await;
        desk.cancel(&run).await.unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::Cancelled).await;

        // A run that no one knows the outcome of, and one that is run again.
        desk.save(&manual("lost", vec![card("act", "test:lost", vec![("what", "x".into())])])).await.unwrap();
        desk.switch("lost", true).await.unwrap();
        let run = desk.start("lost", start(&[])).await.unwrap().unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::UnknownOutcome).await;
        desk.decide(&run, Decision::Fail, None).await.unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::Failed).await;
        let again = desk.retry(&run, true).await.unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&again, RunState::UnknownOutcome).await;
        assert_eq!(bench.target.times()["x"], 2);
    }
}

#[tokio::test]
async fn an_engine_for_one_run_leaves_the_others_alone() {
    let database = sqlite();
    let (target, clock) = (Arc::default(), manual_clock());
    let open = async |work| {
        let settings = Settings { work, ..Settings::default() };
        Engine::open(&database.url, edges(&target, &Arc::default(), clock.clone()), settings).await
    };
    let desk = open(Work::None).await.unwrap();
    desk.save(&acting("act")).await.unwrap();
    desk.switch("act", true).await.unwrap();
    let name = |name: &str| start(&[("name", Value::text(name))]);
    let before = desk.start("act", name("before")).await.unwrap().unwrap();
    let dropped = desk.start("act", name("dropped")).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(1));
    let engine = open(Work::Since(clock.now())).await.unwrap();
    assert!(matches!(open(Work::All).await, Err(EngineError::Locked { .. })), "it has the file");
    let bench = Bench { engine, target: Arc::clone(&target), clock: clock.clone() };
    let run = bench.engine.start("act", name("now")).await.unwrap().unwrap();
    bench.until_run(&run, RunState::Succeeded).await;
    bench.engine.cancel(&dropped).await.unwrap();
    bench.until_run(&dropped, RunState::Cancelled).await;
    assert_eq!(target.times().into_keys().collect::<Vec<_>>(), ["now"]);
    assert_eq!(bench.engine.run(&before).await.unwrap().state, RunState::Queued);
    bench.engine.close().await;
    drop(bench);
    let all = until_open(&database.url, Vec::new()).await;
    all.until_run(&before, RunState::Succeeded).await;
}

#[tokio::test]
async fn what_a_run_returned_is_kept() {
    let bench = Bench::new(vec![manual("give", vec![ret(vec![("x", from("trigger.name"))])])]).await;
    bench.returned("give", &[("name", Value::text("Ada"))]).await;
    let run = bench.engine.history(&RunFilter::default()).await.unwrap().remove(0);
    let returned = bench.engine.returned(&run.id).await.unwrap();
    assert_eq!(returned.get(None, "x"), Some(&Value::text("Ada")));
    assert!(matches!(bench.engine.returned("none").await, Err(EngineError::NoRun(_))));
}

#[tokio::test]
async fn a_card_uses_the_connection_that_its_flow_is_bound_to() {
    let mut steps = vec![
        card("named", "test:safe", vec![("what", "a".into())]),
        card("unnamed", "test:safe", vec![("what", "b".into())]),
    ];
    if let oktant_flow::model::Kind::Action(action) = &mut steps[0].kind {
        action.connection = Some("crm".into());
    }
    let bench = Bench::new(vec![manual("bound", steps)]).await;
    let used = |bench: &Bench| {
        let mut seen = std::mem::take(&mut *bench.target.seen.lock());
        seen.iter_mut().map(|seen| seen.connection.take()).collect::<Vec<_>>()
    };
    bench.answer("bound", &[]).await;
    assert_eq!(used(&bench), [Some("crm".to_owned()), None]);
    let connections = [("crm", "id of crm"), ("test", "id of test")];
    let connections = connections.map(|(name, id)| (name.to_owned(), id.to_owned())).into();
    bench.engine.set("bound", &FlowSettings { connections, ..FlowSettings::default() }).await.unwrap();
    bench.answer("bound", &[]).await;
    assert_eq!(used(&bench), [Some("id of crm".to_owned()), Some("id of test".to_owned())]);
}

/// The log of one org.
#[derive(Debug)]
struct OrgLog(parking_lot::Mutex<Vec<Value>>);

#[async_trait]
impl Source for OrgLog {
    fn name(&self) -> &'static str {
        "log of acme"
    }

    fn connection(&self) -> Option<&str> {
        Some("acme")
    }

    async fn poll(&self, _position: Option<&str>) -> Result<(Vec<Value>, String), CardError> {
        Ok((std::mem::take(&mut *self.0.lock()), "somewhere".to_owned()))
    }
}

#[tokio::test]
async fn the_log_of_an_org_starts_the_flows_of_this_org_with_what_happened_since_they_are_on() {
    let of = |id: &str, connection: &str| {
        let event = oktant_flow::model::Event {
            address: "test:user_lifecycle_create".parse().unwrap(),
            connection: Some(connection.into()),
            options: Vec::new(),
            delivery: oktant_flow::model::Delivery::Batch,
        };
        let steps = vec![card("act", "test:safe", vec![("what", template(&format!("{id} {{trigger.Output/name}}")))])];
        flow(id, TriggerKind::Event(event), &["Output/name"], steps)
    };
    let bench = Bench::new(vec![of("ours", "acme"), of("theirs", "other")]).await;
    let event = |name: &str, published: &str| {
        let event = json!({"uuid": name, "eventType": "user.lifecycle.create", "name": name, "published": published});
        Value::from_json(&event.to_string()).unwrap()
    };
    let events = vec![event("early", "2026-01-15T11:59:59.000Z"), event("late", "2026-01-15T12:00:00.000Z")];
    let reading = bench.engine.follow(Arc::new(OrgLog(parking_lot::Mutex::new(events))), Duration::from_mins(1));
    bench.until(|bench| !bench.target.times().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["ours late"]);
    reading.cancel();
}

#[tokio::test]
async fn a_flow_is_removed_when_it_is_off_and_over_or_by_force_and_its_history_stays() {
    for database in databases().await {
        let waiting = vec![card("wait", "control:wait", vec![("delay", 5.into()), ("unit", "hour".into())])];
        let flows = vec![acting("first"), manual("waits", waiting)];
        let retention = Duration::from_hours(24);
        let bench = Bench::with(&database.url, flows, |settings| settings.retention = retention).await;
        let desk = beside(&bench, &database.url, Work::None).await;
        let done = desk.start("first", start(&[("name", Value::text("one"))])).await.unwrap().unwrap();
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&done, RunState::Succeeded).await;
        let open = bench.engine.start("waits", start(&[])).await.unwrap().unwrap();
        bench.until_run(&open, RunState::Waiting).await;

        let refused = desk.remove(&["first"], false).await.unwrap_err();
        assert_eq!(refused.to_string(), "flow \"first\" cannot be removed: it is switched on", "{}", database.name);
        desk.switch("first", false).await.unwrap();
        assert!(desk.remove(&["first", "waits"], false).await.is_err(), "all or none");
        assert_eq!(desk.remove(&["first"], false).await.unwrap(), [1]);
        assert!(matches!(desk.remove(&["first"], false).await, Err(EngineError::NoFlow(_))));
        desk.switch("waits", false).await.unwrap();
        let refused = desk.remove(&["waits"], false).await.unwrap_err();
        assert_eq!(refused.to_string(), "flow \"waits\" cannot be removed: a run of it is not over");
        assert_eq!(desk.remove(&["waits"], true).await.unwrap(), [1]);
        assert_eq!(desk.cancelling().await.unwrap(), 1);
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&open, RunState::Cancelled).await;

        // The engine beside has noticed, and the history is there.
        bench.until(|bench| bench.engine.flows().is_empty()).await;
        assert_eq!(bench.engine.steps(&done).await.unwrap()[1].address.as_deref(), Some("test:safe"));
        let retried = bench.engine.retry(&done, false).await;
        assert!(matches!(retried, Err(EngineError::NoFlow(_))), "{retried:?}");
        bench.engine.prune().await.unwrap();
        assert_eq!(definitions(&database.url).await, 2, "runs may need them");
        bench.clock.advance(retention + Duration::from_hours(1));
        bench.engine.prune().await.unwrap();
        assert_eq!(bench.engine.history(&RunFilter::default()).await.unwrap(), []);
        assert_eq!(definitions(&database.url).await, 0);
    }
}

/// How many definitions a database holds.
async fn definitions(url: &str) -> i64 {
    let store = oktant_store::connect(url).await.unwrap();
    let row = store.reader().await.unwrap().fetch_one("SELECT count(*) FROM flow_versions", &[]).await.unwrap();
    row.unwrap().int(0).unwrap()
}

/// A flow that calls a helper flow, and the helper flow, which waits for hours and then acts with a connection.
fn caller_and_helper() -> Vec<Flow> {
    let mut act = card("act", "test:safe", vec![("what", "late".into())]);
    if let oktant_flow::model::Kind::Action(action) = &mut act.kind {
        action.connection = Some("crm".into());
    }
    let wait = card("wait", "control:wait", vec![("delay", 5.into()), ("unit", "hour".into())]);
    let calls =
        vec![call("call", "inner", true, vec![], &[]), card("next", "test:safe", vec![("what", "next".into())])];
    vec![helper("inner", &[], vec![wait, act]), manual("outer", calls)]
}

#[tokio::test]
async fn a_flow_that_an_unfinished_run_has_called_is_removed_by_force_only_and_the_run_ends() {
    for database in databases().await {
        let bench = Bench::with(&database.url, caller_and_helper(), |_| {}).await;
        let desk = beside(&bench, &database.url, Work::None).await;
        let run = bench.engine.start("outer", start(&[])).await.unwrap().unwrap();
        bench.until_run(&run, RunState::Waiting).await;
        // The definition that counts calls it no more; the run goes on in the one that it has.
        desk.save(&manual("outer", vec![])).await.unwrap();
        desk.switch("inner", false).await.unwrap();
        let refused = desk.remove(&["inner"], false).await.unwrap_err();
        let why = "flow \"inner\" cannot be removed: a run that calls it is not over";
        assert_eq!(refused.to_string(), why, "{}", database.name);
        assert_eq!(desk.remove(&["inner"], true).await.unwrap(), [0]);
        bench.advance(Duration::from_secs(1)).await;
        bench.until_run(&run, RunState::Cancelled).await;
        assert!(bench.target.times().is_empty());
    }
}

#[tokio::test]
async fn cards_of_a_flow_that_is_gone_act_with_no_connection() {
    let database = sqlite();
    let bench = Bench::with(&database.url, caller_and_helper(), |_| {}).await;
    let run = bench.engine.start("outer", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::Waiting).await;
    let store = oktant_store::connect(&database.url).await.unwrap();
    store.writer().await.unwrap().execute("DELETE FROM flows WHERE flow = 'inner'", &[]).await.unwrap();
    let desk = beside(&bench, &database.url, Work::None).await;
    desk.switch("outer", false).await.unwrap();
    bench.advance(Duration::from_secs(1)).await;
    bench.until(|bench| bench.engine.flows().len() == 1).await;
    bench.advance(Duration::from_hours(5)).await;
    bench.until_run(&run, RunState::Failed).await;
    let message = bench.engine.run(&run).await.unwrap().message.unwrap();
    assert!(message.contains("flow \"inner\" was removed"), "{message}");
    assert!(bench.target.seen.lock().is_empty(), "not with the connection that its card names");
}

#[tokio::test]
async fn a_run_does_not_go_on_where_it_failed_without_a_flow_that_it_called() {
    let inner = helper("inner", &[], vec![card("act", "test:safe", vec![("what", "once".into())])]);
    let fail = card("fail", "test:fail", vec![("what", "f".into()), ("times", 9.into())]);
    let bench = Bench::new(vec![inner, manual("outer", vec![call("call", "inner", true, vec![], &[]), fail])]).await;
    bench.error("outer", &[]).await;
    let failed = bench.engine.history(&RunFilter::default()).await.unwrap().remove(0).id;
    let again = bench.engine.retry(&failed, true).await.unwrap();
    bench.until_run(&again, RunState::Failed).await;
    bench.engine.switch("inner", false).await.unwrap();
    bench.engine.remove(&["inner"], false).await.unwrap();
    // That of a run that itself went on has the flow as well.
    for run in [failed, again] {
        let refused = bench.engine.retry(&run, true).await.unwrap_err().to_string();
        assert!(refused.ends_with("a flow that it called was removed"), "{refused}");
    }
    assert_eq!(bench.target.times()["once"], 1);
}
