//! `oktant flow run`, `retry`, `cancel` and `decide`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use oktant_base::{Code, Coded, codes};
use oktant_engine::{Fields, Name, RunState, RunSummary, Start};
use oktant_flow::model::{Flow, Slot};
use oktant_functions::Value;
use serde_json::{Map, json};

use super::bindings::asking_own_org;
use super::desk::Desk;
use super::history::nested;
use super::switch::{add_called, alone};
use crate::args::{self, ConnectionArgs, FlowRunArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::runtime::StopSignals;
use crate::{output, terminal};

/// Between two looks at a run that is waited for.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks after which it is asked whether whoever runs the flow is still there.
pub(super) const LOOKS_PER_TURN: u32 = 40;

/// A run that was waited for, and that ended otherwise than well.
#[derive(Debug, thiserror::Error)]
#[error("run {} of flow {}: {}{}", .0.id, .0.flow, .0.state.name(), said(.0))]
struct Ended(Box<RunSummary>);

fn said(run: &RunSummary) -> String {
    let code = run.error_code.iter().map(|code| format!(" [{code}]"));
    run.message.iter().map(|message| format!(": {message}")).chain(code).collect()
}

impl Coded for Ended {
    fn code(&self) -> Code {
        codes::OKT4316
    }

    fn hint(&self) -> Option<String> {
        let id = &self.0.id;
        Some(match self.0.state {
            RunState::UnknownOutcome => {
                format!("look in the target system, then `oktant flow decide {id} repeat`, `skip` or `fail`")
            }
            _ => format!("`oktant flow history {id}` shows its steps"),
        })
    }
}

/// A run that was waited for until a person stopped to.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: run {} is not over; it goes on {}", run.id, if *here { "with the next `oktant serve`" } else { "in the server that runs it" })]
struct Left {
    run: Box<RunSummary>,
    /// Whether this process ran it.
    here: bool,
}

impl Coded for Left {
    fn code(&self) -> Code {
        codes::OKT3010
    }

    fn hint(&self) -> Option<String> {
        let id = &self.run.id;
        Some(format!(
            "do not start the flow again, which would do everything twice: `oktant flow history {id}` shows the steps of \
             the run, `oktant flow cancel {id}` ends it"
        ))
    }
}

/// Runs a flow.
pub(super) async fn run(args: &FlowRunArgs) -> Result<ExitCode> {
    let mut stop = StopSignals::listen()?;
    let desk = Desk::at_work(&args.store, &args.connection).await?;
    let entry = desk.flow(&args.flow)?;
    let flow = &entry.version.flow;
    tell_of_org(&desk, &args.connection, flow);
    let start = Start::new("manual", given(flow, &args.input, args.json.as_deref())?);
    let id = desk.engine.start(flow.id.as_str(), start).await?;
    let Some(id) = id else { return Ok(ExitCode::SUCCESS) };
    follow(desk, &id, args.wait, &mut stop).await
}

/// Says so where the org of the command does not count, since a server runs the flow.
fn tell_of_org(desk: &Desk, org: &ConnectionArgs, flow: &Flow) {
    if desk.runs_here() || org.dsn.is_none() {
        return;
    }
    let mut project = alone(flow.clone());
    add_called(desk, &mut project);
    if project.flows.values().any(|flow| !asking_own_org(flow).is_empty()) {
        terminal::note(
            "note: a server runs the flow: its SQL asks the org that `oktant serve` was started with, not that of --dsn \
             or OKTANT_DSN of this command",
        );
    }
}

/// Runs an ended run again.
pub(super) async fn retry(
    run: &str,
    from_failure: bool,
    wait: bool,
    org: &ConnectionArgs,
    store: &StoreArgs,
) -> Result<ExitCode> {
    let mut stop = StopSignals::listen()?;
    let desk = Desk::at_work(store, org).await?;
    let id = desk.engine.retry(run, from_failure).await?;
    if let Ok(entry) = desk.engine.flow(&desk.engine.run(&id).await?.flow) {
        tell_of_org(&desk, org, &entry.version.flow);
    }
    follow(desk, &id, wait, &mut stop).await
}

/// Ends a run.
pub(super) async fn cancel(run: &str, store: &StoreArgs) -> Result<()> {
    // Where no server runs, the run is taken up to be ended.
    let desk = Desk::at_work(store, &ConnectionArgs::default()).await?;
    desk.engine.cancel(run).await?;
    for _ in 0..LOOKS_PER_TURN {
        if desk.engine.run(run).await?.state.is_end() {
            break;
        }
        desk.pause(LOOK_EVERY).await;
    }
    let state = desk.engine.run(run).await?.state;
    desk.close().await;
    let what =
        if state.is_end() { state.name() } else { "to be cancelled; what it is doing at the moment is let to its end" };
    output::print(&format!("{run} is {what}\n"))
}

/// Decides about a step of unknown outcome.
pub(super) async fn decide(run: &str, decision: args::Decision, step: Option<&str>, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let decision = match decision {
        args::Decision::Repeat => oktant_engine::Decision::Repeat,
        args::Decision::Skip => oktant_engine::Decision::Skip,
        args::Decision::Fail => oktant_engine::Decision::Fail,
    };
    desk.engine.decide(run, decision, step).await?;
    output::print(&format!("{run} goes on where `oktant serve` runs flows\n"))
}

/// Tells of a run that was started, and waits for its end if asked to, or if there is no one else to run it.
async fn follow(mut desk: Desk, id: &Name, wait: bool, stop: &mut StopSignals) -> Result<ExitCode> {
    if !wait {
        output::print(&format!("{id}\n"))?;
        if !desk.runs_here() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let ended = tokio::select! {
        ended = end(&mut desk, id) => ended?,
        () = stop.next() => {
            // A step that is under way may leave the run to a person, or end it.
            desk.close().await;
            let run = desk.engine.run(id).await?;
            if !is_settled(&run) {
                return Err(Left { run: Box::new(run), here: desk.runs_here() }.into());
            }
            run
        }
    };
    let returned = desk.engine.returned(id).await?;
    desk.close().await;
    if wait {
        let line = json!({"run": id.as_str(), "state": ended.state.name(), "outputs": nested(&returned), "message": ended.message});
        output::print_bytes(format!("{line}\n").as_bytes())?;
    }
    match ended.state {
        RunState::Succeeded | RunState::Stopped => Ok(ExitCode::SUCCESS),
        _ => Err(Ended(Box::new(ended)).into()),
    }
}

/// Whether a run has ended, or cannot go on by itself.
fn is_settled(run: &RunSummary) -> bool {
    run.state.is_end() || run.state == RunState::UnknownOutcome
}

/// Waits until a run has ended, or cannot go on by itself.
async fn end(desk: &mut Desk, id: &Name) -> Result<RunSummary> {
    let mut told = false;
    loop {
        for _ in 0..LOOKS_PER_TURN {
            let run = desk.engine.run(id).await?;
            if is_settled(&run) {
                return Ok(run);
            }
            desk.pause(LOOK_EVERY).await;
        }
        let run = desk.engine.run(id).await?;
        if let (Some(until), false) = (run.wake_at, told) {
            told = true;
            terminal::note(format_args!("run {id} waits until {}", until.to_rfc3339()));
        }
        desk.take_over(run.created_at).await?;
    }
}

/// The values that a flow is to start with.
fn given(flow: &Flow, inputs: &[String], json: Option<&Path>) -> Result<Fields> {
    let mut given = Fields::new();
    if let Some(path) = json {
        let text = if path == Path::new("-") {
            std::io::read_to_string(std::io::stdin()).map_err(Error::Stdin)?
        } else {
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.into(), source })?
        };
        let wrong = |problem: String| {
            Error::misuse(
                format!("{} holds no values: {problem}", path.display()),
                "write a JSON object: {\"name\": \"Ann\"}",
            )
        };
        let object = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        given = fields(flow, &object)?;
    }
    for pair in inputs {
        let wrong = || Error::misuse(format!("\"{pair}\" is no NAME=VALUE"), "write --input name=value");
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let slot = slot(flow, name)?;
        given.set(slot.group.as_deref(), &slot.key, Value::text(value));
    }
    Ok(given)
}

/// The values of an object by the names of what the flow starts with; those of a group may stand in an object of its own.
pub(super) fn fields(flow: &Flow, object: &Map<String, serde_json::Value>) -> Result<Fields> {
    let mut given = Fields::new();
    let mut set = |name: &str, value: &serde_json::Value| -> Result<()> {
        let slot = slot(flow, name)?;
        // Every JSON value is one of flows.
        let value = Value::from_json(&value.to_string()).unwrap_or_default();
        given.set(slot.group.as_deref(), &slot.key, value);
        Ok(())
    };
    for (key, value) in object {
        let is_group = flow.trigger.outputs.iter().any(|output| output.slot.group.as_deref() == Some(key.as_str()));
        match value.as_object().filter(|_| is_group) {
            Some(inside) => {
                for (inner, value) in inside {
                    set(&format!("{key}/{inner}"), value)?;
                }
            }
            None => set(key, value)?,
        }
    }
    Ok(given)
}

/// The full name of a value: `group/key`, or the key alone.
pub(super) fn plain(slot: &Slot) -> String {
    match &slot.group {
        Some(group) => format!("{group}/{}", slot.key),
        None => slot.key.clone(),
    }
}

/// The value of the trigger with this name: `key`, or `group/key` where several groups have it.
fn slot<'a>(flow: &'a Flow, name: &str) -> Result<&'a Slot> {
    let slots: Vec<&Slot> = flow.trigger.outputs.iter().map(|output| &output.slot).collect();
    if let Some(slot) = slots.iter().copied().find(|slot| plain(slot) == name) {
        return Ok(slot);
    }
    let found: Vec<&Slot> = slots.iter().copied().filter(|slot| slot.key == name).collect();
    if let [slot] = found[..] {
        return Ok(slot);
    }
    let known: Vec<String> = slots.iter().map(|slot| plain(slot)).collect();
    let hint =
        if known.is_empty() { "it takes no values".to_owned() } else { format!("it starts with {}", known.join(", ")) };
    Err(Error::misuse(format!("flow {} starts with no value \"{name}\"", flow.name), &hint).into())
}
