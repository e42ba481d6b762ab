//! Writes the table by which the tests call every operation through its typed request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::emit::GENERATED_BY;
use super::super::model::Location;
use super::emit::qualified;
use super::plan::{Answer, Body, BodyKind, Input, InputKind, Plan};

/// The table and one function per operation.
pub(super) fn table(groups: &BTreeMap<&str, Vec<Plan<'_>>>) -> String {
    let mut rows: Vec<_> = groups.values().flatten().map(|plan| (plan.operation.id.as_str(), &plan.method)).collect();
    rows.sort_unstable();
    let rows: Vec<String> = rows.iter().map(|(id, method)| format!("({id:?}, {method}),\n")).collect();
    let rows = rows.concat();
    let functions: String = groups.values().flatten().map(function).collect();
    format!(
        "// {GENERATED_BY}\n\n\
         //! Every operation, called through its typed request with arguments that are known at run time only.\n\n\
         use oktant_sdk::{{Okta, models}};\n\n\
         use crate::arguments::{{Arguments, Outcome, finish}};\n\n\
         /// Calls an operation.\n\
         pub(crate) type Call = fn(&Okta, &mut Arguments) -> Outcome;\n\n\
         /// Every operation by its id.\n\
         pub(crate) static CALLS: &[(&str, Call)] = &[\n{rows}];\n\n{functions}"
    )
}

fn function(plan: &Plan<'_>) -> String {
    let Plan { method, operation, .. } = plan;
    let mut arguments: Vec<String> = plan.arguments.iter().map(argument).collect();
    let mut out = String::new();
    if operation.deprecated {
        out.push_str("#[expect(deprecated, reason = \"every operation is called\")]\n");
    }
    let _ = writeln!(out, "fn {method}(okta: &Okta, arguments: &mut Arguments) -> Outcome {{");
    let is_optional = matches!(&plan.body, Some(Body { required: false, .. }));
    if let Some(Body { required: true, kind }) = &plan.body {
        let (value, borrow) = body(kind);
        let _ = writeln!(out, "let body = {value};");
        arguments.push(format!("{borrow}body"));
    }
    let mutable = if plan.setters.is_empty() && !is_optional { "" } else { "mut " };
    let _ = writeln!(
        out,
        "let {mutable}request = okta.{}().{method}({});",
        super::module(&operation.group),
        arguments.join(", ")
    );
    for input in &plan.setters {
        let _ = writeln!(
            out,
            "if let Some(value) = {} {{ request = request.{}({}); }}",
            optional(input),
            input.name,
            converted(input)
        );
    }
    if let (true, Some(Body { kind, .. })) = (is_optional, &plan.body) {
        let (value, borrow) = body(kind);
        let _ = writeln!(out, "if arguments.has_body() {{ request = request.body({borrow}{value}); }}");
    }
    let read = match plan.answer {
        Answer::List(_) => "page",
        Answer::Model(_) => "model",
        Answer::Nothing | Answer::Text => "reply",
    };
    let _ = writeln!(out, "Outcome::{read}(finish!(arguments, request))\n}}\n");
    out
}

/// A required argument: text, or what is parsed from it.
fn argument(input: &Input<'_>) -> String {
    let value = format!("arguments.required({:?})", input.parameter.name);
    match &input.kind {
        InputKind::Text | InputKind::Texts => value,
        InputKind::Integer | InputKind::Number | InputKind::Boolean => format!("{value}.parse().unwrap()"),
        InputKind::Enum(name) => format!("{}::from({value}.as_str())", qualified(name)),
    }
}

fn optional(input: &Input<'_>) -> String {
    let Input { parameter, kind, .. } = input;
    let take = match (parameter.location, kind) {
        (Location::Header, _) => "header",
        (_, InputKind::Texts) if !parameter.comma_separated => "repeated",
        _ => "query",
    };
    format!("arguments.{take}({:?})", parameter.name)
}

fn converted(input: &Input<'_>) -> String {
    match &input.kind {
        InputKind::Integer | InputKind::Number | InputKind::Boolean => "value.parse().unwrap()".to_owned(),
        InputKind::Enum(name) => format!("{}::from(value.as_str())", qualified(name)),
        InputKind::Texts if input.parameter.comma_separated => "value.split(',')".to_owned(),
        InputKind::Text | InputKind::Texts => "value".to_owned(),
    }
}

/// The body as an expression, and how the method takes it.
fn body(kind: &BodyKind) -> (String, &'static str) {
    match kind {
        BodyKind::Model { type_name, .. } => (format!("arguments.body::<{}>()", qualified(type_name)), "&"),
        BodyKind::Upload { .. } => ("arguments.bytes()".to_owned(), ""),
        BodyKind::Certificate => ("oktant_sdk::Certificate::der(arguments.bytes())".to_owned(), "&"),
        BodyKind::Text { .. } => ("arguments.text()".to_owned(), ""),
    }
}
