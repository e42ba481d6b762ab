//! What each card of the engine does.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::{Clock as _, Coded as _};
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Decision, Edges, Engine, EngineError, Outcome, RunFilter, RunState, Settings,
};
use oktant_flow::model::*;
use oktant_functions::Value;
use serde_json::json;

use crate::common::*;

fn hook(parameters: &[&str], steps: Vec<Step>) -> Flow {
    flow("hook", TriggerKind::Manual, parameters, steps)
}

fn list(items: &[&str]) -> Value {
    Value::list(items.iter().map(|item| Value::text(*item)))
}

#[tokio::test]
async fn a_webhook_flow_decides_composes_and_returns() {
    let steps = vec![
        either(
            "check",
            condition(from("trigger.n").number(), ">=", 100),
            vec![compose("big", "large: {trigger.n}")],
            vec![compose("small", "small")],
            vec![("label", Some(from("big.output")), Some(from("small.output")))],
        ),
        compose("greeting", "Hello {trigger.name}, {check.label}"),
        ret(vec![("text", from("greeting.output"))]),
    ];
    let bench = Bench::new(vec![hook(&["n:number", "name"], steps)]).await;
    let ask = |n: f64| [("n", Value::Number(n)), ("name", Value::text("Ada"))];
    assert_eq!(bench.returned("hook", &ask(100.0)).await, json!({"text": "Hello Ada, large: 100"}));
    assert_eq!(bench.returned("hook", &ask(99.5)).await, json!({"text": "Hello Ada, small"}));
    assert_eq!(bench.engine.metrics().runs(RunState::Succeeded), 2);
}

#[tokio::test]
async fn if_in_if_joins_and_a_branch_that_feeds_nothing_gives_nothing() {
    let inner = either(
        "inner",
        condition(from("trigger.b"), "==", "1"),
        vec![compose("deep", "both")],
        vec![],
        vec![("x", Some(from("deep.output")), None)],
    );
    let steps = vec![
        either(
            "outer",
            condition(from("trigger.a"), "==", "1"),
            vec![inner],
            vec![compose("none", "neither")],
            vec![("x", Some(from("inner.x")), Some(from("none.output")))],
        ),
        ret(vec![("x", from("outer.x"))]),
    ];
    let bench = Bench::new(vec![hook(&["a", "b"], steps)]).await;
    let ask = |a: &str, b: &str| [("a", Value::text(a)), ("b", Value::text(b))];
    assert_eq!(bench.returned("hook", &ask("1", "1")).await, json!({"x": "both"}));
    assert_eq!(bench.returned("hook", &ask("1", "0")).await, json!({"x": null}));
    assert_eq!(bench.returned("hook", &ask("0", "1")).await, json!({"x": "neither"}));
}

#[tokio::test]
async fn return_and_continue_if_inside_if_end_the_flow() {
    let continue_if = card(
        "only",
        "control:continueIf",
        vec![
            ("left-operand", from("trigger.go")),
            ("operator", "==".into()),
            ("right-operand", "yes".into()),
            ("otherwise/message", "not now".into()),
        ],
    );
    let steps = vec![
        either(
            "check",
            condition(from("trigger.early"), "==", "yes"),
            vec![ret(vec![("x", "early".into())])],
            vec![continue_if],
            vec![],
        ),
        card("after", "test:safe", vec![("what", "after".into())]),
        ret(vec![("x", "late".into())]),
    ];
    let bench = Bench::new(vec![hook(&["early", "go"], steps)]).await;
    let ask = |early: &str, go: &str| [("early", Value::text(early)), ("go", Value::text(go))];
    assert_eq!(bench.returned("hook", &ask("yes", "no")).await, json!({"x": "early"}));
    assert_eq!(bench.returned("hook", &ask("no", "no")).await, json!({"message": "not now"}));
    assert!(bench.target.times().is_empty(), "nothing after the end of the flow");
    assert_eq!(bench.returned("hook", &ask("no", "yes")).await, json!({"x": "late"}));
    assert_eq!(bench.engine.metrics().runs(RunState::Stopped), 1);
}

#[tokio::test]
async fn the_first_condition_that_holds_decides_and_return_ends_its_body_only() {
    let arm = |word: &str| vec![ret(vec![("size", word.into())]), card("never", "test:safe", vec![])];
    let steps = vec![
        switch(
            "size",
            vec![
                (condition(from("trigger.n").number(), "<", 10), arm("small")),
                (condition(from("trigger.n").number(), "<", 100), arm("medium")),
            ],
            vec![compose("tag", "{trigger.n} is"), ret(vec![("size", template("{tag.output} large"))])],
            &["size"],
        ),
        ret(vec![("result", template("<{size.size}>"))]),
    ];
    let bench = Bench::new(vec![hook(&["n:number"], steps)]).await;
    for (n, expected) in [(5.0, "<small>"), (50.0, "<medium>"), (500.0, "<500 is large>")] {
        assert_eq!(bench.returned("hook", &[("n", Value::Number(n))]).await, json!({"result": expected}));
    }
    assert!(bench.target.times().is_empty());
}

#[tokio::test]
async fn if_error_gives_its_handler_the_error_and_whichever_return_ran_counts() {
    let tried = vec![
        card(
            "only",
            "control:continueIf",
            vec![("left-operand", from("trigger.go")), ("operator", "!=".into()), ("right-operand", "stop".into())],
        ),
        card("act", "test:fail", vec![("what", from("trigger.name")), ("times", from("trigger.times").number())]),
        ret(vec![("status", template("done {act.id}"))]),
    ];
    let handler = vec![
        compose(
            "why",
            "{error_try.context/error>message} in {error_try.context/error>method}, code {error_try.context/error>code}",
        ),
        ret(vec![("status", from("why.output"))]),
    ];
    let steps = vec![attempt("try", tried, handler, &["status"]), ret(vec![("status", from("try.status"))])];
    let bench = Bench::new(vec![hook(&["name", "times:number", "go"], steps)]).await;
    let ask = |name: &str, times: f64, go: &str| {
        [("name", Value::text(name)), ("times", Value::Number(times)), ("go", Value::text(go))]
    };
    assert_eq!(bench.returned("hook", &ask("a", 0.0, "")).await, json!({"status": "done id of a"}));
    assert_eq!(bench.returned("hook", &ask("b", 9.0, "")).await, json!({"status": "Bad Request in act, code 400"}));
    // Continue If inside a Try body ends that body; its outputs stay empty.
    assert_eq!(bench.returned("hook", &ask("c", 0.0, "stop")).await, json!({"status": null}));
}

#[tokio::test]
async fn an_error_in_the_handler_fails_the_flow_and_captured_values_are_seen_inside() {
    let handler = vec![card(
        "again",
        "control:throw",
        vec![("statusCode", 418.into()), ("message", template("no {outer.output}"))],
    )];
    let tried = vec![card("first", "control:throw", vec![("message", "first".into())])];
    let steps = vec![compose("outer", "tea"), attempt("try", tried, handler, &["x"])];
    let bench = Bench::new(vec![hook(&[], steps)]).await;
    let answer = bench.answer("hook", &[]).await;
    assert_eq!(answer.status, 418);
    let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(error["error"]["message"], "no tea");
    assert_eq!((&error["error"]["method"], &error["error"]["flo"]), (&json!("again"), &json!("hook")));
}

#[tokio::test]
async fn return_error_if_raises_with_the_authors_fields() {
    let inputs = vec![
        ("left-operand", from("trigger.x")),
        ("operator", "is empty".into()),
        ("right-operand", "".into()),
        ("message", "x is missing".into()),
        ("statusCode", 404.into()),
        ("hint", "give x".into()),
    ];
    let bench = Bench::new(vec![hook(&["x"], vec![card("check", "control:throwIf", inputs)])]).await;
    let error = bench.error("hook", &[]).await;
    assert_eq!(
        (&error["message"], &error["code"], &error["hint"]),
        (&json!("x is missing"), &json!(404), &json!("give x"))
    );
    assert_eq!(bench.returned("hook", &[("x", Value::text("1"))]).await, json!({}));
}

#[tokio::test]
async fn return_raw_answers_as_given_and_close_answers_while_the_flow_goes_on() {
    let raw = vec![
        ("statusCode", 201.into()),
        ("headers", value(json!({"content-type": "text/plain", "x-a": "b"}))),
        ("body", template("made {trigger.x}")),
    ];
    let close = vec![("Response/statusCode", 202.into()), ("Response/body", "later".into())];
    let flows = vec![
        flow("raw", TriggerKind::Manual, &["x"], vec![card("raw", "control:returnRaw", raw)]),
        hook(
            &[],
            vec![
                card("close", "httpfunctions:close", close),
                card("act", "test:slow", vec![("what", "after the answer".into())]),
                ret(vec![("ignored", "x".into())]),
            ],
        ),
    ];
    let bench = Bench::new(flows).await;
    let answer = bench.answer("raw", &[("x", Value::text("it"))]).await;
    assert_eq!((answer.status, answer.body.as_str()), (201, "made it"));
    assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
    let answer = bench.answer("hook", &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, "later"));
    assert!(bench.target.times().is_empty(), "answered before the action");
    bench.until(|bench| bench.target.times().len() == 1).await;
}

#[tokio::test]
async fn call_flow_gives_outputs_by_key_and_its_errors_are_the_cards() {
    let inner = vec![
        card(
            "check",
            "control:throwIf",
            vec![
                ("left-operand", from("trigger.name")),
                ("operator", "==".into()),
                ("right-operand", "bad".into()),
                ("message", "bad name".into()),
            ],
        ),
        ret(vec![("greeting", template("{trigger.greeting} {trigger.name}")), ("extra", "dropped".into())]),
    ];
    let mut helper = helper("greet", &["name", "greeting"], inner);
    helper.trigger.outputs[1].default = json!("Hello");
    let steps = vec![
        call(
            "call",
            "greet",
            true,
            vec![("name", from("trigger.name")), ("unknown", "x".into())],
            &["greeting", "missing"],
        ),
        ret(vec![("greeting", from("call.greeting")), ("missing", from("call.missing"))]),
    ];
    let bench = Bench::new(vec![helper, hook(&["name"], steps)]).await;
    let ask = |name: &str| [("name", Value::text(name))];
    assert_eq!(bench.returned("hook", &ask("Ada")).await, json!({"greeting": "Hello Ada", "missing": null}));
    assert_eq!(bench.error("hook", &ask("bad")).await["message"], "bad name");
    bench.engine.switch("greet", false).await.unwrap();
    let error = bench.error("hook", &ask("Ada")).await;
    assert!(error["message"].as_str().unwrap().contains("switched off"), "{error}");
}

#[tokio::test]
async fn call_flow_async_starts_a_run_of_its_own_whose_failure_stays_its_own() {
    let inner = vec![card("act", "test:fail", vec![("what", from("trigger.x")), ("times", 1.into())])];
    let steps =
        vec![call("start", "beside", false, vec![("x", "beside".into())], &[]), ret(vec![("ok", "yes".into())])];
    let bench = Bench::new(vec![helper("beside", &["x"], inner), hook(&[], steps)]).await;
    assert_eq!(bench.returned("hook", &[]).await, json!({"ok": "yes"}));
    bench.until(|bench| bench.engine.metrics().runs(RunState::Failed) == 1).await;
    assert_eq!(bench.engine.metrics().runs(RunState::Succeeded), 1);
}

fn describe(fields: Vec<(&str, HelperValue)>, mode: LoopMode, over: Take) -> Step {
    each("loop", mode, over, "item", fields)
}

#[tokio::test]
async fn map_keeps_order_with_item_and_path_and_constant() {
    let inner =
        vec![ret(vec![("text", template("{trigger.id}-{trigger.where}-{trigger.object>n}-{trigger.context/index}"))])];
    let item = helper("item", &["id", "where", "object:object", "context/index:number"], inner);
    let fields = vec![
        ("id", HelperValue::Field("Row ID".into())),
        ("where", HelperValue::Same(from("trigger.place").0)),
        ("object", HelperValue::Item),
    ];
    let over = value(json!([{"Row ID": "r1", "n": 1}, {"Row ID": "r2", "n": 2}, {"Row ID": "r3", "n": 3}]));
    let steps = vec![
        at_once(describe(fields, LoopMode::Map, over), 2),
        ret(vec![("list", from("loop.new list").list(Base::Text))]),
    ];
    let bench = Bench::new(vec![item, hook(&["place"], steps)]).await;
    let returned = bench.returned("hook", &[("place", Value::text("here"))]).await;
    assert_eq!(returned, json!({"list": ["r1-here-1-0", "r2-here-2-1", "r3-here-3-2"]}));
}

#[tokio::test]
async fn map_gives_objects_of_all_fields_and_map_to_list_goes_by_keys() {
    let pair =
        helper("item", &["key", "value"], vec![ret(vec![("k", from("trigger.key")), ("v", from("trigger.value"))])]);
    let over = from("trigger.object").object();
    let steps = vec![
        describe(vec![], LoopMode::MapObject, over),
        ret(vec![("list", from("loop.new list").list(Base::Object))]),
    ];
    let bench = Bench::new(vec![pair, hook(&["object:object"], steps)]).await;
    let object = Value::from_json(r#"{"b": "2", "a": "1"}"#).unwrap();
    let returned = bench.returned("hook", &[("object", object)]).await;
    assert_eq!(returned, json!({"list": [{"k": "b", "v": "2"}, {"k": "a", "v": "1"}]}));
}

#[tokio::test]
async fn filter_custom_keeps_what_the_helper_says_and_reduce_of_nothing_is_the_start() {
    let keep = helper("item", &["x"], vec![ret(vec![("keep", from("trigger.keep"))])]);
    let mut keep = keep;
    keep.body.steps.insert(
        0,
        either(
            "is",
            condition(from("trigger.x"), "in", "a,c"),
            vec![],
            vec![],
            vec![("keep", Some("true".into()), Some("false".into()))],
        ),
    );
    keep.body.steps[1] = ret(vec![("keep", from("is.keep"))]);
    let join = helper("join", &["memo", "x"], vec![ret(vec![("memo", template("{trigger.memo}+{trigger.x}"))])]);
    let mut reduce =
        each("reduce", LoopMode::Reduce, from("loop.list").list(Base::Text), "join", vec![("x", HelperValue::Item)]);
    if let Kind::Loop(kind) = &mut reduce.kind {
        kind.start = Some(input("memo", "start".into()));
    }
    let steps = vec![
        describe(vec![("x", HelperValue::Item)], LoopMode::Filter, from("trigger.list").list(Base::Text)),
        reduce,
        ret(vec![("list", from("loop.list").list(Base::Text)), ("sum", from("reduce.item"))]),
    ];
    let bench = Bench::new(vec![keep, join, hook(&["list:list"], steps)]).await;
    let returned = bench.returned("hook", &[("list", list(&["a", "b", "c"]))]).await;
    assert_eq!(returned, json!({"list": ["a", "c"], "sum": "start+a+c"}));
    assert_eq!(bench.returned("hook", &[("list", list(&[]))]).await, json!({"list": [], "sum": "start"}));
}

#[tokio::test]
async fn for_each_stops_at_the_first_failure_and_ignore_errors_does_not() {
    let act = |id: &str| {
        let check = vec![
            ("left-operand", from("trigger.x")),
            ("operator", "==".into()),
            ("right-operand", "b".into()),
            ("message", "b is bad".into()),
        ];
        helper(
            id,
            &["x"],
            vec![card("check", "control:throwIf", check), card("act", "test:safe", vec![("what", from("trigger.x"))])],
        )
    };
    let over = || from("trigger.list").list(Base::Text);
    let loops = |mode| vec![describe(vec![("x", HelperValue::Item)], mode, over()), ret(vec![("ok", "yes".into())])];
    let flows = vec![
        act("item"),
        flow("strict", TriggerKind::Manual, &["list:list"], loops(LoopMode::ForEach)),
        flow("lenient", TriggerKind::Manual, &["list:list"], loops(LoopMode::ForEachIgnoringErrors)),
    ];
    let bench = Bench::new(flows).await;
    let items = || [("list", list(&["a", "b", "c"]))];
    let error = bench.error("strict", &items()).await;
    assert_eq!((&error["message"], &error["method"]), (&json!("b is bad"), &json!("loop")));
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(bench.returned("lenient", &items()).await, json!({"ok": "yes"}));
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["a", "c"]);
}

#[tokio::test]
async fn if_error_inside_a_helper_keeps_the_loop_going() {
    let tried = vec![
        card("act", "test:fail", vec![("what", from("trigger.x")), ("times", 1.into())]),
        ret(vec![("r", "fine".into())]),
    ];
    let handled = attempt("try", tried, vec![ret(vec![("r", "handled".into())])], &["r"]);
    let item = helper("item", &["x"], vec![handled, ret(vec![("r", from("try.r"))])]);
    let over = from("trigger.list").list(Base::Text);
    let steps = vec![
        describe(vec![("x", HelperValue::Item)], LoopMode::Map, over),
        ret(vec![("list", from("loop.new list").list(Base::Text))]),
    ];
    let bench = Bench::new(vec![item, hook(&["list:list"], steps)]).await;
    let returned = bench.returned("hook", &[("list", list(&["a", "b", "a"]))]).await;
    assert_eq!(returned, json!({"list": ["handled", "handled", "fine"]}));
}

#[tokio::test]
async fn loops_run_as_many_at_once_as_they_say() {
    let item = helper("item", &[], vec![card("act", "test:slow", vec![("what", "x".into())])]);
    let over = || each("loop", LoopMode::Repeat, from("trigger.n").number(), "item", vec![]);
    let flows = vec![
        item,
        flow("one", TriggerKind::Manual, &["n:number"], vec![over()]),
        flow("five", TriggerKind::Manual, &["n:number"], vec![at_once(over(), 5)]),
        flow("many", TriggerKind::Manual, &["n:number"], vec![at_once(over(), 1000)]),
    ];
    let bench = Bench::new(flows).await;
    for (flow, times, most) in
        [("one", 4.0, 1), ("five", 20.0, 5), ("many", 400.0, 200), ("one", 0.0, 0), ("one", -3.0, 0)]
    {
        bench.target.most_under_way.store(0, Ordering::SeqCst);
        bench.target.done.lock().clear();
        bench.returned(flow, &[("n", Value::Number(times))]).await;
        assert_eq!(bench.target.most_under_way.load(Ordering::SeqCst), most, "{flow}");
        assert_eq!(bench.target.done.lock().len(), times.max(0.0) as usize, "{flow}");
    }
}

#[tokio::test]
async fn waits_are_timers_that_leave_the_memory() {
    let wait =
        card("wait", "control:wait", vec![("delay", from("trigger.n").number()), ("unit", from("trigger.unit"))]);
    let steps = vec![
        card("before", "test:safe", vec![("what", "before".into())]),
        wait,
        card("until", "control:until", vec![("date", "2026-01-15T15:00:00Z".into())]),
        card("after", "test:safe", vec![("what", "after".into())]),
    ];
    let bench = Bench::new(vec![hook(&["n:number", "unit"], steps)]).await;
    let answer = bench.answer("hook", &[("n", Value::Number(2.0)), ("unit", Value::text("hours"))]).await;
    assert_eq!(answer.status, 202, "a caller does not wait for hours: {}", answer.body);
    assert_eq!(bench.engine.metrics().runs(RunState::Waiting), 1);
    bench.advance(Duration::from_mins(119)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(bench.engine.metrics().resumed(), 0, "not before its time");
    bench.advance(Duration::from_mins(1)).await;
    bench.until(|bench| bench.engine.metrics().runs(RunState::Waiting) == 2).await;
    bench.advance(Duration::from_hours(1)).await;
    bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 1).await;
    assert_eq!(bench.target.times().into_iter().collect::<Vec<_>>(), [("after".into(), 1), ("before".into(), 1)]);

    let error = bench.error("hook", &[("n", Value::Number(31.0)), ("unit", Value::text("day"))]).await;
    assert!(error["message"].as_str().unwrap().contains("30 days"), "{error}");
    let error = bench.error("hook", &[("n", Value::Number(1.0)), ("unit", Value::text("fortnight"))]).await;
    assert!(error["message"].as_str().unwrap().contains("fortnight"), "{error}");
}

#[tokio::test]
async fn waits_inside_loops_keep_their_place() {
    let inner = vec![
        card("wait", "control:wait", vec![("delay", 1.into()), ("unit", "hour".into())]),
        card("act", "test:safe", vec![("what", from("trigger.x"))]),
    ];
    let over = from("trigger.list").list(Base::Text);
    let steps = vec![at_once(describe(vec![("x", HelperValue::Item)], LoopMode::ForEach, over), 2)];
    let bench = Bench::new(vec![helper("item", &["x"], inner), hook(&["list:list"], steps)]).await;
    bench.answer("hook", &[("list", list(&["a", "b", "c"]))]).await;
    bench.advance(Duration::from_hours(1)).await;
    bench.until(|bench| bench.target.times().len() == 2).await;
    bench.until(|bench| bench.engine.metrics().runs(RunState::Waiting) == 2).await;
    assert_eq!(bench.engine.metrics().runs(RunState::Succeeded), 0, "the third waits after the others, two at a time");
    bench.advance(Duration::from_hours(1)).await;
    bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 1).await;
    assert!(bench.target.times().values().all(|times| *times == 1), "{:?}", bench.target.times());
}

#[tokio::test]
async fn a_retry_policy_waits_between_attempts_and_then_gives_up() {
    let act = retrying(
        card("act", "test:fail", vec![("what", "x".into()), ("times", from("trigger.times").number())]),
        2,
        120_000,
    );
    let bench = Bench::new(vec![hook(&["times:number"], vec![act, ret(vec![("id", from("act.id"))])])]).await;
    bench.answer("hook", &[("times", Value::Number(2.0))]).await;
    for waits in 1..=2 {
        bench.until(|bench| bench.engine.metrics().runs(RunState::Waiting) == waits).await;
        bench.advance(Duration::from_mins(2)).await;
    }
    bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 1).await;
    let attempts: Vec<u32> = bench.target.seen.lock().iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    let keys: HashSet<String> = bench.target.seen.lock().iter().map(|call| call.key.clone()).collect();
    assert_eq!(keys.len(), 1, "a target that knows the key of one attempt knows the next one: {keys:?}");
    bench.answer("hook", &[("times", Value::Number(9.0))]).await;
    for waits in 3..=4 {
        bench.until(|bench| bench.engine.metrics().runs(RunState::Waiting) == waits).await;
        bench.advance(Duration::from_mins(2)).await;
    }
    bench.until(|bench| bench.engine.metrics().runs(RunState::Failed) == 1).await;
    assert_eq!(bench.target.seen.lock().len(), 6);
}

#[tokio::test]
async fn the_end_of_a_failed_card_is_stop_or_return_or_a_flow() {
    let failing = |id: &str, then: Failure| {
        let mut step = card("act", "test:fail", vec![("what", "x".into()), ("times", 99.into())]);
        step.on_error.then = then;
        flow(id, TriggerKind::Manual, &[], vec![step, card("after", "test:safe", vec![("what", "after".into())])])
    };
    let report = helper(
        "report",
        &["context/error:object"],
        vec![card("act", "test:safe", vec![("what", template("{trigger.context/error>message}"))])],
    );
    let flows = vec![
        report,
        failing("stop", Failure::Stop),
        failing("return", Failure::Return),
        failing("flow", Failure::Flow("report".into())),
    ];
    let bench = Bench::new(flows).await;
    assert_eq!(bench.error("stop", &[]).await["message"], "Bad Request");
    assert_eq!(bench.returned("return", &[]).await, json!({}));
    assert!(bench.target.times().is_empty());
    assert_eq!(bench.error("flow", &[]).await["message"], "Bad Request");
    assert_eq!(bench.target.times().into_keys().collect::<Vec<_>>(), ["Bad Request"]);
}

#[tokio::test]
async fn an_unknown_outcome_waits_for_a_decision() {
    let steps = || vec![card("act", "test:lost", vec![("what", "x".into())]), ret(vec![("id", from("act.id"))])];
    for (decision, state, times) in [(Decision::Skip, RunState::Succeeded, 1), (Decision::Fail, RunState::Failed, 1)] {
        let bench = Bench::new(vec![hook(&[], steps())]).await;
        let error = bench.error("hook", &[]).await;
        assert!(error["message"].as_str().unwrap().contains("test:lost was sent in step act"), "{error}");
        let run = bench.engine.history(&RunFilter::default()).await.unwrap().remove(0);
        assert_eq!((run.state, run.error_code.as_deref()), (RunState::UnknownOutcome, Some("OKT4310")));
        bench.engine.decide(&run.id, decision, None).await.unwrap();
        bench.until(|bench| bench.engine.metrics().runs(state) == 1).await;
        assert_eq!(bench.target.times()["x"], times, "{decision:?}");
        assert!(bench.engine.decide(&run.id, decision, None).await.is_err(), "decided once");
    }
}

#[tokio::test]
async fn a_search_that_fails_does_not_make_an_action_happen_twice() {
    let steps = || vec![card("act", "test:unsure", vec![("what", "x".into())]), ret(vec![("id", from("act.id"))])];
    for (failures, states) in
        [(2, [RunState::Succeeded].as_slice()), (9, &[RunState::UnknownOutcome, RunState::Succeeded])]
    {
        let bench = Bench::new(vec![hook(&[], steps())]).await;
        bench.target.blind.store(failures, std::sync::atomic::Ordering::SeqCst);
        let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
        for state in states {
            // The search is repeated after a while, or given up.
            for _ in 0..400 {
                if bench.engine.run(&run).await.unwrap().state == *state {
                    break;
                }
                bench.advance(Duration::from_secs(1)).await;
            }
            bench.until_run(&run, *state).await;
            if *state == RunState::UnknownOutcome {
                let message = bench.engine.run(&run).await.unwrap().message.unwrap();
                assert!(message.ends_with("failed: 503 Service Unavailable"), "{message}");
                bench.engine.decide(&run, Decision::Skip, None).await.unwrap();
            }
        }
        assert_eq!(bench.target.times()["x"], 1, "{failures} searches failed");
    }
}

#[tokio::test]
async fn a_card_without_implementation_fails_by_its_address() {
    let bench = Bench::new(vec![hook(&[], vec![card("x", "pendo:createPersonSegment", vec![])])]).await;
    let error = bench.error("hook", &[]).await;
    assert!(error["message"].as_str().unwrap().contains("pendo:createPersonSegment"), "{error}");
    let run = bench.engine.history(&RunFilter::default()).await.unwrap().remove(0);
    assert_eq!(run.error_code.as_deref(), Some("OKT4313"));
}

#[tokio::test]
async fn limits_of_a_run_are_errors_that_no_handler_swallows() {
    let double = each("loop", LoopMode::Map, from("trigger.list").list(Base::Text), "big", vec![]);
    let big = helper("big", &[], vec![ret(vec![("x", value(json!("x".repeat(100_000))))])]);
    let small = helper("small", &[], vec![ret(vec![("x", "x".into())])]);
    let caught = attempt("try", vec![double], vec![ret(vec![("x", "caught".into())])], &["x"]);
    let endless = helper("endless", &[], vec![call("again", "endless", true, vec![], &[])]);
    let flows = vec![
        big,
        small,
        endless,
        hook(&["list:list"], vec![caught]),
        flow("deep", TriggerKind::Manual, &[], vec![call("go", "endless", true, vec![], &[])]),
        flow("long", TriggerKind::Manual, &[], vec![each("loop", LoopMode::Repeat, 1_000.into(), "small", vec![])]),
    ];
    let bench = Bench::with("sqlite::memory:", flows, |settings| {
        settings.run_memory = 1_000_000;
        settings.run_steps = 500;
    })
    .await;
    let items = Value::list((0..20).map(|_| Value::text("x")));
    let error = bench.error("hook", &[("list", items)]).await;
    assert!(error["message"].as_str().unwrap().contains("the limit is 1000000"), "{error}");
    let error = bench.error("deep", &[]).await;
    assert!(error["message"].as_str().unwrap().contains("more than 64 deep"), "{error}");
    let error = bench.error("long", &[]).await;
    assert!(error["message"].as_str().unwrap().contains("more than 500 steps"), "{error}");
}

#[tokio::test]
async fn a_run_can_be_cancelled_at_work_and_while_it_waits() {
    let wait = |id: &str, n: i64| {
        flow(
            id,
            TriggerKind::Manual,
            &[],
            vec![
                card("wait", "control:wait", vec![("delay", n.into()), ("unit", "second".into())]),
                card("act", "test:safe", vec![("what", "x".into())]),
            ],
        )
    };
    let bench = Bench::new(vec![wait("short", 3), wait("long", 3000)]).await;
    for flow in ["short", "long"] {
        let run = bench.engine.start(flow, start(&[])).await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.engine.cancel(&run).await.unwrap();
        bench.until_run(&run, RunState::Cancelled).await;
        let ended = bench.engine.cancel(&run).await.unwrap_err();
        assert_eq!((ended.code().id(), ended.to_string().contains("is cancelled")), ("OKT4305", true), "{ended}");
    }
    assert_eq!(bench.engine.cancel("nothing").await.unwrap_err().code().id(), "OKT4303");
    assert!(bench.target.times().is_empty());
}

#[tokio::test]
async fn a_flow_has_no_more_runs_at_once_than_it_is_set_to() {
    let bench = Bench::new(vec![hook(&[], vec![card("act", "test:slow", vec![("what", "x".into())])])]).await;
    let settings = oktant_engine::FlowSettings { concurrency: 3, ..Default::default() };
    bench.engine.set("hook", &settings).await.unwrap();
    let starts = (0..12).map(|_| bench.engine.start("hook", start(&[])));
    futures::future::try_join_all(starts).await.unwrap();
    bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 12).await;
    assert_eq!(bench.target.most_under_way.load(Ordering::SeqCst), 3);
}

/// A stream of seven records, three to a page, each of which its helper acts on before it fails, if it is the last one;
/// at first a page fails, if it is to.
fn stream(fails_at: i64, last: &str) -> (Flow, Step) {
    let refuse = vec![
        ("left-operand", from("trigger.Record>id")),
        ("operator", "==".into()),
        ("right-operand", last.into()),
        ("message", "no more".into()),
    ];
    let inner = vec![
        card("act", "test:safe", vec![("what", template("{trigger.Record>id} {trigger.State>tag}"))]),
        card("refuse", "control:throwIf", refuse),
    ];
    let item = helper("item", &["Record:object", "State:object"], inner);
    let inputs = vec![
        ("count", 7.into()),
        ("page", 3.into()),
        ("fails at", fails_at.into()),
        ("Streaming/Flow", Take(Source::Flow("item".into()), Type::one(Base::Flow))),
        ("Streaming/tag", "t".into()),
    ];
    let mut stream = card("stream", "test:stream", inputs);
    stream.outputs = step("", Kind::Note(Note::default()), &["Records Streamed"]).outputs;
    (item, stream)
}

/// That the first records were given to the helper, each once.
fn given_once(bench: &Bench, count: usize) {
    let expected = (0..count).map(|n| (format!("{n} t"), 1));
    assert_eq!(bench.target.times(), expected.collect());
}

#[tokio::test]
async fn a_stream_gives_each_record_to_its_helper() {
    let (item, stream) = stream(0, "none");
    let steps = vec![stream, ret(vec![("n", from("stream.Records Streamed").number())])];
    let bench = Bench::new(vec![item, hook(&[], steps)]).await;
    assert_eq!(bench.returned("hook", &[]).await, json!({"n": 7}));
    given_once(&bench, 7);
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again_without_the_records_before_it() {
    let (item, stream) = stream(3, "none");
    let bench = Bench::new(vec![item, hook(&[], vec![retrying(stream, 1, 60_000)])]).await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::Waiting).await;
    given_once(&bench, 3);
    bench.advance(Duration::from_mins(1)).await;
    bench.until_run(&run, RunState::Succeeded).await;
    given_once(&bench, 7);
}

#[tokio::test]
async fn a_stream_whose_helper_fails_is_not_begun_anew() {
    let (item, stream) = stream(0, "4");
    let bench = Bench::new(vec![item, hook(&[], vec![retrying(stream, 3, 0)])]).await;
    assert_eq!(bench.error("hook", &[]).await["message"], "no more");
    given_once(&bench, 5);
}

/// A target whose cards stream, which they did not before.
#[derive(Debug)]
struct Streaming(Remote);

#[async_trait]
impl Actions for Streaming {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        self.0.describe(address).map(|info| ActionInfo { streaming: true, ..info })
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        self.0.call(call).await
    }

    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError> {
        self.0.search_first(call).await
    }
}

#[tokio::test]
async fn what_was_sent_before_its_card_could_stream_is_not_sent_again() {
    let database = sqlite();
    let to_helper = ("Streaming/Flow", Take(Source::Flow("item".into()), Type::one(Base::Flow)));
    let steps = vec![card("post", "test:lost", vec![("what", "x".into()), to_helper]), ret(vec![("y", "z".into())])];
    let bench = Bench::with(&database.url, vec![helper("item", &["Record:object"], vec![]), hook(&[], steps)], |_| {});
    let bench = bench.await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::UnknownOutcome).await;
    let Bench { engine, target, clock } = bench;
    engine.close().await;
    drop(engine);

    let edges = || {
        let edges = edges(&target, &Arc::default(), clock.clone());
        let actions = Streaming(Remote { target: Arc::clone(&target), boundary: Arc::default() });
        Edges { actions: Arc::new(actions), ..edges }
    };
    let engine = loop {
        match Engine::open(&database.url, edges(), Settings::default()).await {
            Err(EngineError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => break opened.unwrap(),
        }
    };
    engine.decide(&run, Decision::Skip, None).await.unwrap();
    let bench = Bench { engine, target: Arc::clone(&target), clock: clock.clone() };
    bench.until_run(&run, RunState::Succeeded).await;
    assert_eq!(target.times()["x"], 1);
}

#[tokio::test]
async fn wrong_types_are_errors_that_name_card_and_field() {
    let steps = vec![each("loop", LoopMode::Repeat, from("trigger.n").number(), "item", vec![])];
    let bench = Bench::new(vec![helper("item", &[], vec![]), hook(&["n"], steps)]).await;
    let error = bench.error("hook", &[("n", Value::text("many"))]).await;
    assert_eq!(error["method"], "loop");
    assert!(error["message"].as_str().unwrap().starts_with("count: expected a number"), "{error}");
    let error = bench.error("hook", &[]).await;
    assert_eq!(error["message"], "Missing required input: count");
}

#[tokio::test]
async fn time_and_chance_are_parameters() {
    let steps = vec![card("now", "date:now", vec![]), ret(vec![("now", from("now.date"))])];
    let bench = Bench::new(vec![hook(&[], steps)]).await;
    let returned = bench.returned("hook", &[]).await;
    assert_eq!(returned, json!({"now": "2026-01-15T12:00:00.000Z"}));
    assert_eq!(bench.clock.now().to_rfc3339(), "2026-01-15T12:00:00+00:00");
    drop(Arc::clone(&bench.clock));
}

/// A helper flow that does one thing with "a" and another with anything else.
fn unlike(id: &str, with_a: Step, otherwise: Step) -> Flow {
    let is_a = condition(from("trigger.x"), "==", "a");
    helper(id, &["x"], vec![either("which", is_a, vec![with_a], vec![otherwise], vec![])])
}

fn over_a_and_b(mode: LoopMode, helper: &str) -> Step {
    at_once(each("loop", mode, value(json!(["a", "b"])), helper, vec![("x", HelperValue::Item)]), 2)
}

#[tokio::test]
async fn a_failure_beside_it_does_not_hide_an_unknown_outcome() {
    let fails = card("fail", "test:fail", vec![("what", "f".into()), ("times", 9.into())]);
    let lost = card("lost", "test:lost", vec![("what", "x".into())]);
    let steps = vec![over_a_and_b(LoopMode::ForEach, "item")];
    let bench = Bench::new(vec![unlike("item", fails, lost), hook(&[], steps)]).await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::UnknownOutcome).await;
    bench.engine.decide(&run, Decision::Skip, None).await.unwrap();
    bench.until_run(&run, RunState::Failed).await;
    assert_eq!(bench.target.times()["x"], 1);
}

#[tokio::test]
async fn a_decision_is_about_one_step() {
    let item = helper("item", &["x"], vec![card("lost", "test:lost", vec![("what", from("trigger.x"))])]);
    let bench = Bench::new(vec![item, hook(&[], vec![over_a_and_b(LoopMode::ForEach, "item")])]).await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::UnknownOutcome).await;
    for step in [None, Some("loop[2]/lost")] {
        let error = bench.engine.decide(&run, Decision::Skip, step).await.unwrap_err();
        assert!(error.to_string().ends_with("open are: loop[0]/lost, loop[1]/lost"), "{error}");
    }
    bench.engine.decide(&run, Decision::Repeat, Some("loop[0]/lost")).await.unwrap();
    bench.until(|bench| bench.target.times()["a"] == 2).await;
    bench.until_run(&run, RunState::UnknownOutcome).await;
    assert_eq!(bench.target.times()["b"], 1, "about which no one decided");
    bench.engine.decide(&run, Decision::Skip, Some("loop[1]/lost")).await.unwrap();
    bench.until_run(&run, RunState::UnknownOutcome).await;
    bench.engine.decide(&run, Decision::Skip, None).await.unwrap();
    bench.until_run(&run, RunState::Succeeded).await;
    assert_eq!(bench.target.times().into_values().collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn what_was_decided_to_have_failed_is_not_tried_again() {
    let steps = vec![retrying(card("lost", "test:lost", vec![("what", "x".into())]), 3, 0)];
    let bench = Bench::new(vec![hook(&[], steps)]).await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    bench.until_run(&run, RunState::UnknownOutcome).await;
    bench.engine.decide(&run, Decision::Fail, None).await.unwrap();
    bench.until_run(&run, RunState::Failed).await;
    assert_eq!(bench.target.times()["x"], 1);
}

#[tokio::test]
async fn turns_without_steps_count_and_a_failed_loop_holds_no_memory() {
    let big = ret(vec![("x", value(json!("x".repeat(100_000))))]);
    let part = unlike("part", big, card("throw", "control:throw", vec![("message", "no".into())]));
    let caught = attempt("try", vec![over_a_and_b(LoopMode::Map, "part")], vec![], &[]);
    let many = each("many", LoopMode::Repeat, 20.into(), "caught", vec![]);
    let flows = vec![
        part,
        helper("none", &[], vec![]),
        helper("caught", &[], vec![caught]),
        flow("many", TriggerKind::Manual, &[], vec![many]),
        hook(&[], vec![each("loop", LoopMode::Repeat, 1_000_000.into(), "none", vec![])]),
    ];
    let bench = Bench::with("sqlite::memory:", flows, |settings| {
        settings.run_memory = 1_000_000;
        settings.run_steps = 500;
    })
    .await;
    let error = bench.error("hook", &[]).await;
    assert!(error["message"].as_str().unwrap().contains("more than 500 steps"), "{error}");
    assert_eq!(bench.returned("many", &[]).await, json!({}));
}

#[tokio::test]
async fn what_cannot_be_done_is_an_error_and_not_done_in_part() {
    let flows = vec![
        hook(&[], vec![card("wait", "control:until", vec![("date", "2026-03-01T00:00:00Z".into())])]),
        flow("odd", TriggerKind::Manual, &["n:number"], {
            vec![card(
                "throw",
                "control:throw",
                vec![("message", "x".into()), ("statusCode", from("trigger.n").number())],
            )]
        }),
    ];
    let bench = Bench::new(flows).await;
    let error = bench.error("hook", &[]).await;
    assert!(error["message"].as_str().unwrap().contains("30 days"), "{error}");
    for (given, status) in [(0.0, 500), (42.0, 500), (418.0, 418), (1e9, 500)] {
        assert_eq!(bench.answer("odd", &[("n", Value::Number(given))]).await.status, status, "{given}");
    }
}

#[tokio::test]
async fn a_retry_policy_counts_for_helper_flows_too() {
    let flaky = |id: &str, times: i64| {
        let steps =
            vec![card("act", "test:fail", vec![("what", id.to_owned().as_str().into()), ("times", times.into())])];
        helper(id, &[], steps)
    };
    let once = retrying(call("call", "called", true, vec![], &[]), 2, 10_000);
    let looped = retrying(each("loop", LoopMode::Repeat, 2.into(), "looped", vec![]), 1, 0);
    let never = retrying(each("never", LoopMode::Repeat, 1.into(), "never", vec![]), 2, 0);
    let flows = vec![
        flaky("called", 2),
        flaky("looped", 1),
        flaky("never", 9),
        hook(&[], vec![once, looped]),
        flow("fails", TriggerKind::Manual, &[], vec![never]),
    ];
    let bench = Bench::new(flows).await;
    let run = bench.engine.start("hook", start(&[])).await.unwrap().unwrap();
    for _ in 0..2 {
        bench.until_run(&run, RunState::Waiting).await;
        bench.advance(Duration::from_secs(11)).await;
    }
    bench.until_run(&run, RunState::Succeeded).await;
    assert_eq!(bench.target.times().into_values().collect::<Vec<_>>(), [1, 2]);
    bench.target.seen.lock().clear();
    assert_eq!(bench.error("fails", &[]).await["message"], "Bad Request");
    assert_eq!(bench.target.seen.lock().len(), 3);
}
