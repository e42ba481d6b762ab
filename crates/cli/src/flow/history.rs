//! `oktant flow history` and the list of the flows that a database has.

use oktant_base::Timestamp;
use oktant_engine::{Fields, FlowEntry, RunFilter, RunState, RunSummary, StepSummary};
use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::lines;
use crate::args::{FlowHistoryArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::output::Format;
use crate::terminal;

/// Shows runs, or the steps of one.
pub(super) async fn show(args: &FlowHistoryArgs) -> Result<()> {
    let desk = Desk::open(&args.store).await?;
    let format = args.output.unwrap_or(Format::Table);
    if let Some(run) = &args.run {
        let steps = desk.engine.steps(run).await?;
        return lines::write(format, &STEP_COLUMNS, &steps.iter().map(step_row).collect::<Vec<_>>());
    }
    let state = args.state.as_deref().map(state).transpose()?;
    let since = args.since.as_deref().map(|text| instant(text, desk.edges().clock.now())).transpose()?;
    let flow = args.flow.as_deref().map(|flow| desk.flow(flow)).transpose()?;
    let flow = flow.map(|entry| entry.version.flow.id.as_str().into());
    let filter = RunFilter { flow, state, since, text: args.text.clone(), limit: args.limit, ..RunFilter::default() };
    let runs = desk.engine.history(&filter).await?;
    if runs.is_empty() && format == Format::Table {
        terminal::note("there are no such runs");
    }
    let name = |run: &RunSummary| desk.engine.flow(&run.flow).map(|entry| entry.version.flow.name.clone()).ok();
    lines::write(format, &RUN_COLUMNS, &runs.iter().map(|run| run_row(run, name(run))).collect::<Vec<_>>())
}

/// Lists the flows of the database.
pub(super) async fn flows(format: Option<Format>, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let flows = desk.engine.flows();
    if flows.is_empty() {
        terminal::note("the database has no flows yet; `oktant flow on PATH` puts some there");
    }
    let rows: Vec<_> = flows.iter().map(flow_row).collect();
    lines::write(format.unwrap_or(Format::Table), &FLOW_COLUMNS, &rows)
}

const FLOW_COLUMNS: [&str; 6] = ["Flow", "Name", "State", "Starts", "Endpoint", "Version"];

fn flow_row(entry: &FlowEntry) -> Vec<Value> {
    use oktant_flow::model::{Project, TriggerKind};
    let flow = &entry.version.flow;
    let project = Project { flows: [(flow.id.clone(), flow.clone())].into_iter().collect(), ..Project::default() };
    let starts = oktant_flow::summary::project(&project).pop().map(|summary| summary.starts);
    let path = match flow.trigger.kind {
        TriggerKind::Endpoint(_) => json!(format!("/api/flo/{}/invoke", entry.alias)),
        TriggerKind::Delegated => json!(format!("/api/flo/{}/delegate", entry.alias)),
        _ => Value::Null,
    };
    vec![
        flow.id.as_str().into(),
        flow.name.as_str().into(),
        if entry.active { "on" } else { "off" }.into(),
        starts.into(),
        path,
        entry.version.version.as_str().into(),
    ]
}

const RUN_COLUMNS: [&str; 9] =
    ["Run", "Flow", "Started by", "State", "Began", "Ended", "Waits until", "Error", "Message"];

fn run_row(run: &RunSummary, name: Option<String>) -> Vec<Value> {
    vec![
        run.id.as_str().into(),
        name.unwrap_or_else(|| run.flow.to_string()).into(),
        run.trigger_kind.as_str().into(),
        run.state.name().into(),
        text(run.created_at),
        run.ended_at.map_or(Value::Null, text),
        run.wake_at.map_or(Value::Null, text),
        run.error_code.clone().into(),
        run.message.clone().into(),
    ]
}

const STEP_COLUMNS: [&str; 10] =
    ["Step", "Card", "State", "Began", "Ended", "Inputs", "Outputs", "Code", "Error", "Answer"];

fn step_row(step: &StepSummary) -> Vec<Value> {
    let fields = |fields: &Option<Fields>| fields.as_ref().map_or(Value::Null, nested);
    let what = step.address.as_ref().or(step.flow.as_ref());
    let error = step.error.as_ref().map_or(Value::Null, |error| error.message.as_str().into());
    let code = step.error.as_ref().and_then(|error| error.service_code.as_ref()).map(ToString::to_string);
    let answer = step.error.as_ref().and_then(|error| error.body.as_deref());
    vec![
        step.path.as_str().into(),
        what.map_or(Value::Null, |what| what.as_str().into()),
        step.state.name().into(),
        text(step.started_at),
        step.ended_at.map_or(Value::Null, text),
        fields(&step.inputs),
        fields(&step.outputs),
        code.into(),
        error,
        answer.map(|answer| serde_json::to_value(answer).unwrap_or_default()).into(),
    ]
}

fn text(instant: Timestamp) -> Value {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into()
}

/// Fields as an object, those of a group in an object of its name.
pub(super) fn nested(fields: &Fields) -> Value {
    let mut object = Map::new();
    for field in fields.iter() {
        let value = serde_json::to_value(&field.value).unwrap_or_default();
        let inside = match &field.group {
            None => &mut object,
            Some(group) => match object.entry(&**group).or_insert_with(|| json!({})) {
                Value::Object(inside) => inside,
                // A plain field has the name of the group.
                _ => continue,
            },
        };
        inside.insert(field.key.to_string(), value);
    }
    Value::Object(object)
}

fn state(text: &str) -> Result<RunState> {
    let known = || RunState::ALL.map(RunState::name).join(", ");
    let found = RunState::ALL.into_iter().find(|state| state.name() == text);
    Ok(found.ok_or_else(|| Error::misuse(format!("there is no state \"{text}\""), &format!("one of {}", known())))?)
}

/// An instant, a day, or how long ago.
fn instant(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    if let Some(midnight) = text.parse::<chrono::NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)) {
        return Ok(midnight.and_utc());
    }
    let unit = text.chars().last().and_then(|unit| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    });
    let ago =
        unit.and_then(|unit| Some(text[..text.len() - 1].parse::<u32>().ok()?).map(|many| i64::from(many) * unit));
    let hint = "write an instant such as 2026-01-31T08:00:00Z, a day, or how long ago, such as 30m, 12h or 7d";
    let wrong = || Error::misuse(format!("\"{text}\" is no point in time"), hint);
    let instant = ago.and_then(|seconds| now.checked_sub_signed(chrono::TimeDelta::seconds(seconds)));
    Ok(instant.ok_or_else(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_are_instants_days_and_how_long_ago() {
        let now: Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-30", "2026-01-30T00:00:00Z"),
            ("30m", "2026-01-31T07:30:00Z"),
            ("7d", "2026-01-24T08:00:00Z"),
        ] {
            assert_eq!(instant(text, now).unwrap(), expected.parse::<Timestamp>().unwrap(), "{text}");
        }
        for wrong in ["", "m", "yesterday", "-1d", "5x", "é"] {
            assert!(instant(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_of_a_group_stand_in_an_object() {
        let mut fields = Fields::new();
        fields.set(Some("User"), "Login", oktant_functions::Value::text("ann"));
        fields.set(None, "count", oktant_functions::Value::Number(2.0));
        assert_eq!(nested(&fields), json!({"User": {"Login": "ann"}, "count": 2}));
    }
}
