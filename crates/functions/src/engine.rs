//! What the engine runs itself: it starts, ends, repeats or delays flows. And the cards beside
//! them that only compute.

use crate::compare::{Operator, compare, equal};
use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, Kind, output, pure};
use crate::value::Value;

pub(crate) fn table() -> Vec<Function> {
    let engine = |key, title| Function { kind: Kind::Engine, ..pure(key, title, assign) };
    let condition = "left-operand: any, operator: text = \"==\", right-operand: any";
    vec![
        engine("control:comment", "Comment").note("Does nothing."),
        engine("control:callable", "Helper Flow, Scheduled Flow").takes("*: any").gives("*: any, context/*: any"),
        engine("control:noop", "Noop").note("Head of a branch, or of a flow without trigger."),
        engine("control:return", "Return").takes("*: any").gives("*: any"),
        engine("control:continueIf", "Continue If")
            .takes(&format!("{condition}, otherwise/message: text"))
            .gives("message: text"),
        engine("control:if", "If/Else").takes(condition).gives("result: true/false"),
        engine("control:join", "Join").takes("*: any").gives("*: any").note("The end of an If/Else."),
        pure("control:let", "Assign", assign).takes("*: any").gives("*: any").examples(&[(r#"{"a":1,"b":"x"}"#, r#"{"a":1,"b":"x"}"#)]),
        engine("control:spawn", "Call Flow").takes("flo*: any, *: any").gives("*: any"),
        engine("http:accept", "API Endpoint").gives(
            "raw/headers: object, raw/body: text, raw/query: text, headers/*: any, query/*: any, body/*: any, context/*: any",
        ),
        engine("control:tryCatch", "If Error").takes("flo*: any").gives("*: any"),
        engine("control:branch", "If/ElseIf").takes("if/*: any, else/*: any").gives("*: any"),
        pure("control:assignIf", "Assign If", assign_if)
            .takes(&format!("{condition}, valueIfTrue: any, valueIfFalse: any"))
            .gives("output: any")
            .examples(&[
                (r#"{"left-operand":80,"operator":">","right-operand":9,"valueIfTrue":"more","valueIfFalse":"less"}"#, r#"{"output":"more"}"#),
                (r#"{"left-operand":"","operator":"is not empty","valueIfTrue":"x"}"#, r#"{"output":null}"#),
            ]),
        engine("control:run", "Call Flow Async").takes("flo*: any, *: any"),
        engine("control:throwIf", "Return Error If")
            .takes(&format!("{condition}, message: text, statusCode: number, *: any")),
        engine("http:delegated", "Delegated Flow").gives("user context/okta-user-id: text, inputs/*: any, context/*: any"),
        engine("control:returnRaw", "Return Raw")
            .takes("statusCode*: number, headers*: object, body: text")
            .gives("statusCode: number, headers: object, body: text"),
        engine("control:times", "Repeat").takes("count*: number, flo*: any, concurrency: number = 1, *: any"),
        engine("control:wait", "Wait For").takes("delay*: number, unit*: text"),
        engine("control:throw", "Return Error")
            .takes("statusCode: number = 500, message*: text, *: any")
            .gives("statusCode: number, message: text"),
        pure("control:lookup", "Lookup", lookup)
            .takes("key*: text, options/*: any, else: any")
            .gives("result: any")
            .note("Compares by text, case included.")
            .examples(&[
                (r#"{"key":"LI","options/LI":"List","options/FC":"Create","else":"?"}"#, r#"{"result":"List"}"#),
                (r#"{"key":"li","options/LI":"List","else":"?"}"#, r#"{"result":"?"}"#),
            ]),
        engine("control:until", "Wait Until").takes("date*: date"),
        engine("object:expand", "Expand")
            .takes("object*: object")
            .gives("*: any")
            .note("Hidden; reading a flow turns it into paths."),
        engine("object:map", "Map to List")
            .takes("object*: object, flo*: any, concurrency: number = 1, *: any")
            .gives("new list: list"),
        loops("list:asyncEach", "For Each - Ignore Errors"),
        loops("list:each", "For Each"),
        loops("list:map", "Map").gives("new list: list"),
        loops("list:filter", "Filter Custom").gives("list: list"),
        engine("list:reduce", "Reduce").takes("list*: list, memo*: any, flo*: any, *: any").gives("item: any"),
        engine("utility:exportFlo", "Export Flow")
            .takes("flo*: any, pretty: true/false = false, indent: number")
            .gives("output: file"),
    ]
}

fn loops(key: &'static str, title: &'static str) -> Function {
    let function = Function { kind: Kind::Engine, ..pure(key, title, assign) };
    function.takes("list*: list, flo*: any, concurrency: number = 1, *: any")
}

fn assign(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok(call.added(None).map(|(key, value)| (key.into(), value.clone())).collect())
}

/// Whether the comparison of a card's three condition inputs holds.
pub(crate) fn condition(call: &Call<'_>) -> Result<bool, FunctionError> {
    let operator: Operator = call.text("operator").parse()?;
    compare(operator, call.value("left-operand"), call.value("right-operand"))
}

fn assign_if(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.value(if condition(call)? { "valueIfTrue" } else { "valueIfFalse" }).clone())
}

fn lookup(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let wanted = Value::from(call.text("key"));
    let mut options = call.added(Some("options"));
    let found = options.find(|(key, _)| equal(&Value::from(*key), &wanted));
    let result = found.map_or_else(|| call.value("else"), |(_, value)| value);
    Ok([("result", result.clone())].into())
}
