//! A run of the real flow as a case.

use std::path::Path;
use std::{fs, io};

use oktant_connect::Connectors;
use oktant_connect::query::SQL_CARD;
use oktant_engine::{Fields, StepSummary, has_card};
use oktant_flow::model::Flow;
use serde_json::{Map, Value};

use super::super::desk::Desk;
use super::super::runs::plain;
use super::append::appended;
use super::case::{Case, Expected, Failing, Tests, Unreadable, flattened, json};
use crate::args::StoreArgs;
use crate::failure::{Error, Result};
use crate::output;

/// Writes a run as a case: into a new file, or behind the cases of a file that tests the same flow.
pub(in super::super) async fn record(run: &str, file: &Path, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let summary = desk.engine.run(run).await?;
    let steps = desk.engine.steps(run).await?;
    let entry = desk.engine.flow(&summary.flow)?;
    let flow = &entry.version.flow;
    let trigger = steps.iter().find(|step| *step.path == *flow.trigger.id.as_str());
    let given = trigger.and_then(|step| step.outputs.as_ref()).map(|outputs| started_with(flow, outputs));
    let mut case = Case {
        name: format!("as in run {run}"),
        now: Some(summary.created_at),
        given: given.unwrap_or_default(),
        calls: expected_calls(run, &steps)?,
        ends: summary.state.name().to_owned(),
        returns: flattened(&desk.engine.returned(run).await?),
        ..Case::default()
    };
    let drawn = drawn(&steps);
    let compared = case.calls.iter_mut().map(|call| &mut call.with).chain([&mut case.returns]);
    compared.for_each(|values| values.retain(|_, value| !drawn.iter().any(|drawn| holds(value, drawn))));
    let tests = Tests { flow: flow.id.to_string(), cases: vec![case] };
    let text = match fs::read_to_string(file) {
        Ok(text) => appended(&text, &tests).map_err(|problem| {
            let hint = "it was left as it is: name another file";
            Error::misuse(format!("{} {problem}", file.display()), hint)
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tests.text().map_err(|problem| Unreadable { path: file.into(), problem })?
        }
        Err(source) => return Err(Error::Read { path: file.into(), source }.into()),
    };
    fs::write(file, text).map_err(|source| Error::Write { path: file.into(), source })?;
    output::print(&format!("run {run} is a test in {}\n", file.display()))
}

/// What came from the clock or from chance in a run: a test draws something else.
fn drawn(steps: &[StepSummary]) -> Vec<Value> {
    let outputs = steps.iter().filter(|step| step.drawn).filter_map(|step| step.outputs.as_ref());
    outputs.flat_map(|outputs| flattened(outputs).into_values()).collect()
}

/// Whether a value is what was drawn, or has it inside.
fn holds(value: &Value, drawn: &Value) -> bool {
    match (value, drawn) {
        (Value::String(text), Value::String(drawn)) => !drawn.is_empty() && text.contains(drawn.as_str()),
        (Value::Array(items), _) => items.iter().any(|item| holds(item, drawn)),
        (Value::Object(members), _) => members.values().any(|member| holds(member, drawn)),
        _ => value == drawn,
    }
}

/// What a run began with, but for what every run is given.
fn started_with(flow: &Flow, outputs: &Fields) -> Map<String, Value> {
    let mut given = flattened(outputs);
    given.retain(|name, value| !name.starts_with("context/") && !value.is_null());
    let known: Vec<String> = flow.trigger.outputs.iter().map(|output| plain(&output.slot)).collect();
    given.retain(|name, _| known.iter().any(|known| known == name.trim_start_matches('/')));
    given
}

/// The calls of the steps of a run. Of several attempts the last one stands for all: a test makes one where the run
/// needed more, and fails as the last one did. The pages of a stream are one call that gives all their records.
fn expected_calls(run: &str, steps: &[StepSummary]) -> Result<Vec<Expected>> {
    let mut calls: Vec<Expected> = Vec::new();
    for call in steps.iter().filter_map(expected) {
        let page = page(&call.step);
        let call = Expected { step: whole_step(&call.step), ..call };
        match calls.iter_mut().find(|earlier| earlier.step == call.step) {
            Some(earlier) if page.is_some() => earlier.fails = call.fails,
            Some(earlier) => *earlier = call,
            None => {
                let records = page.map(|first| streamed(run, steps, &call.step, first)).transpose()?;
                calls.push(Expected { records, ..call });
            }
        }
    }
    Ok(calls)
}

/// The records that a step gave to its helper flow, in their order. `first` is the number of the first one of its first
/// page: not 0 in a run that goes on where another one failed.
fn streamed(run: &str, steps: &[StepSummary], step: &str, first: u64) -> Result<Vec<Value>> {
    let turn = |place: &str| place.strip_prefix(step)?.strip_prefix('[')?.strip_suffix(']')?.parse::<u64>().ok();
    let mut turns: Vec<_> = steps.iter().filter_map(|step| Some((turn(&step.path)?, step))).collect();
    turns.sort_by_key(|(number, _)| *number);
    let record = |step: &StepSummary| step.inputs.as_ref()?.get(None, "Record").map(json);
    let in_order = |(place, (number, step)): (u64, (u64, &StepSummary))| record(step).filter(|_| place == number);
    let records = (0..).zip(turns).map(in_order).collect::<Option<_>>().filter(|_| first == 0);
    let refused = || {
        let hint = "write the test by hand, with `records` for the step; docs/guides/flows.md describes it";
        let what = format!("run {run} cannot be recorded: its history does not keep the records that {step} streamed");
        Error::misuse(what, hint)
    };
    Ok(records.ok_or_else(refused)?)
}

/// The last part of a place, with what tells attempts and pages apart.
fn last(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}

/// The number of the first record of a page, if the place is one of a stream.
fn page(place: &str) -> Option<u64> {
    last(place).split_once('@')?.1.split('#').next()?.parse().ok()
}

/// The place without what tells attempts and pages apart.
fn whole_step(place: &str) -> String {
    let marked = last(place);
    let plain = marked.split(['@', '#']).next().unwrap_or(marked);
    format!("{}{plain}", &place[..place.len() - marked.len()])
}

/// Whether the card of an address acts outside.
fn is_outside(address: &str) -> bool {
    !has_card(address) && (Connectors::is_executable(address) || address == SQL_CARD)
}

/// The call of a step that acted outside.
fn expected(step: &StepSummary) -> Option<Expected> {
    let address = step.address.as_deref().filter(|address| is_outside(address))?;
    // The trigger is no call.
    if step.inputs.is_none() && step.error.is_none() {
        return None;
    }
    let shown = |fields: &Option<Fields>| fields.as_ref().map(flattened).unwrap_or_default();
    let fails = step.error.as_ref().map(|error| Failing {
        message: error.message.clone(),
        status: error.status,
        code: error.service_code.as_ref().map(ToString::to_string),
    });
    Some(Expected {
        step: step.path.to_string(),
        card: address.to_owned(),
        with: shown(&step.inputs),
        gives: shown(&step.outputs),
        records: None,
        fails,
    })
}
