//! Cards that give work to helper flows: which ones stream, and whose failure it is.

use oktant_engine::{RunFilter, RunState, StepState};
use oktant_flow::model::{HelperValue, LoopMode, Source, Type};
use serde_json::json;

use crate::common::*;

/// A card that can stream, with the input that names its helper flow, if there is one.
fn stream(helper: Option<&str>) -> Vec<oktant_flow::model::Step> {
    let mut inputs = vec![("count", from_number(3)), ("page", from_number(10))];
    if let Some(key) = helper {
        inputs.push((key, Take(Source::Flow("each_record".into()), Type::TEXT)));
        inputs.push(("Streaming/who", "ada".into()));
    }
    vec![card("list", "test:stream", inputs), ret(vec![("done", "yes".into())])]
}

fn from_number(number: i64) -> Take {
    number.into()
}

fn each_record() -> oktant_flow::model::Flow {
    let what = template("{trigger.Record>id} {trigger.State>who} {trigger.State>processing_flow}");
    helper("each_record", &["Record:object", "State:object"], vec![card("do", "test:safe", vec![("what", what)])])
}

#[tokio::test]
async fn the_helper_of_a_stream_is_named_by_an_input_of_any_key() {
    for key in ["Streaming/Flow", "Streaming/processing_flow"] {
        let flows = vec![helper("main", &[], stream(Some(key))), each_record()];
        let bench = Bench::new(flows).await;
        bench.returned("main", &[]).await;
        let done: Vec<String> = bench.target.done.lock().iter().map(|(_, what)| what.trim().to_owned()).collect();
        assert_eq!(done, ["0 ada", "1 ada", "2 ada"], "{key}");
    }
}

#[tokio::test]
async fn a_card_that_could_stream_is_asked_like_any_other_where_no_helper_flow_is_named() {
    let bench = Bench::new(vec![helper("main", &[], stream(None)), each_record()]).await;
    let error = bench.error("main", &[]).await;
    // The connector was asked, and it is the connector that answers with a page nobody wants.
    assert_eq!(bench.target.seen.lock().len(), 1);
    assert_eq!(error["message"], "no helper flow is chosen for the records");
}

#[tokio::test]
async fn what_fails_inside_a_helper_flow_is_a_failure_of_the_card_that_called_it() {
    let failing = || {
        helper("failing", &[], vec![card("do", "test:fail", vec![("what", "a".into()), ("times", from_number(99))])])
    };
    let error = "error_safe.context/error";
    let caught = |step| {
        let handler =
            vec![ret(vec![("method", from(&format!("{error}>method"))), ("flow", from(&format!("{error}>flo")))])];
        let steps = vec![attempt("safe", vec![step], handler, &["method", "flow"])];
        let returned = ret(vec![("method", from("safe.method")), ("flow", from("safe.flow"))]);
        helper("main", &[], steps.into_iter().chain([returned]).collect())
    };
    let list = || value(json!(["x"]));
    let each = each("work", LoopMode::ForEach, list(), "failing", vec![("item", HelperValue::Item)]);
    let reduce = self::each("work", LoopMode::Reduce, list(), "failing", vec![("item", HelperValue::Item)]);
    for step in [call("work", "failing", true, vec![], &[]), each, reduce] {
        let bench = Bench::new(vec![caught(step), failing()]).await;
        let returned = bench.returned("main", &[]).await;
        assert_eq!(returned, json!({"method": "work", "flow": "main"}));
        let run = bench.engine.history(&RunFilter::default()).await.unwrap().remove(0);
        assert_eq!(run.state, RunState::Succeeded);
        let steps = bench.engine.steps(&run.id).await.unwrap();
        let work = steps.iter().find(|step| step.path.as_str() == "work").unwrap();
        assert_eq!(work.state, StepState::Failed, "the history tells that the card failed");
    }
}
