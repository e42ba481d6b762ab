//! `oktant flow on`, `off`, `bind`, `set` and `token`: which flows run, with which connections and limits.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use oktant_connect::tables::{Column, ColumnType, Tables};
use oktant_engine::{Engine, EngineError, FlowEntry, FlowSettings};
use oktant_flow::model::{Base, Flow, FlowId, Kept, Project, Security, Table, TriggerKind};

use super::applications;
use super::bindings::{Bindings, asking_own_org, calls, placeholders};
use super::desk::Desk;
use super::runs;
use super::{is_text, load, load_folder, surrounding_folder};
use crate::args::{ConnectionArgs, FlowLimitArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::{output, terminal};

/// Saves flows with their bindings and tables, and switches them on.
pub(super) async fn on(
    targets: &[String],
    binds: &[String],
    app: Option<&str>,
    force: bool,
    store: &StoreArgs,
) -> Result<()> {
    let desk = Desk::open(store).await?;
    let Targeted { project, saved } = targeted(&desk, targets)?;
    let mut bindings = Bindings::new(&desk, &project, binds).await?;
    let mut ready = Vec::new();
    for flow in project.flows.values() {
        let settings = bindings.settings(&desk, flow);
        bindings.validate(flow, saved.contains(&flow.id));
        bindings.look_at(&desk, flow, &settings);
        ready.push((flow, settings));
    }
    bindings.all_used()?;
    bindings.problems.extend(applications::settle(&desk, &mut ready, app).await?);
    bindings.ready(force)?;
    for (flow, _) in &ready {
        // That no --force helps with is told before anything is saved.
        Engine::check_times(flow)?;
    }
    for table in project.tables.values() {
        define(desk.connectors.tables(), table).await?;
    }
    for (flow, settings) in &ready {
        // What only an editor needs is no part of what runs.
        desk.engine.save(&Flow { kept: Kept::default(), ..(*flow).clone() }).await?;
        desk.engine.set(flow.id.as_str(), settings).await?;
    }
    // Helper flows first: no flow that calls them is on without them.
    ready.sort_by_key(|(flow, _)| flow.trigger.kind != TriggerKind::Helper);
    let mut told = String::new();
    for (flow, _) in &ready {
        desk.engine.switch(flow.id.as_str(), true).await?;
        for card in asking_own_org(flow) {
            terminal::note(format_args!(
                "note: flow {}, card {card}: it runs SQL over the org of whoever runs the flow: start `oktant serve` with \
                 --dsn or OKTANT_DSN, or give the card a connection to Okta",
                flow.name
            ));
        }
        let _ = writeln!(told, "{} is on{}", flow.name, how_to_start(&desk, flow)?);
    }
    output::print(&told)
}

/// What starts a flow, as the end of a sentence.
fn how_to_start(desk: &Desk, flow: &Flow) -> Result<String> {
    let alias = desk.engine.flow(flow.id.as_str())?.alias;
    Ok(match &flow.trigger.kind {
        TriggerKind::Endpoint(Security::Token) => {
            format!(": /api/flo/{alias}/invoke, with the token that `oktant flow token {}` makes", flow.id)
        }
        TriggerKind::Endpoint(_) => format!(": /api/flo/{alias}/invoke"),
        TriggerKind::Delegated => format!(": /api/flo/{alias}/delegate"),
        TriggerKind::Event(event) => format!(": {} starts it", event.address),
        TriggerKind::Schedule(_) => ": its schedule starts it".to_owned(),
        TriggerKind::Helper => ": other flows call it".to_owned(),
        TriggerKind::Manual => format!(": `oktant flow run {}` starts it", flow.id),
    })
}

/// Switches flows off.
pub(super) async fn off(targets: &[String], store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let mut told = String::new();
    for target in targets {
        let path = Path::new(target);
        let ids: Vec<FlowId> = if path.exists() {
            load(path)?.flows.into_keys().collect()
        } else {
            vec![desk.flow(target)?.version.flow.id.clone()]
        };
        for id in ids {
            let entry = desk.engine.flow(id.as_str())?;
            desk.engine.switch(id.as_str(), false).await?;
            let _ = writeln!(told, "{} is off", entry.version.flow.name);
        }
    }
    output::print(&told)
}

/// Removes flows from the database.
pub(super) async fn remove(targets: &[String], force: bool, store: &StoreArgs) -> Result<()> {
    // Where no server runs, cancelled runs are taken up to be ended.
    let desk = if force { Desk::at_work(store, &ConnectionArgs::default()).await? } else { Desk::open(store).await? };
    let done = remove_at(&desk, targets, force).await;
    desk.close().await;
    done
}

/// Removes all of the flows, or none.
async fn remove_at(desk: &Desk, targets: &[String], force: bool) -> Result<()> {
    let mut removed: Vec<FlowEntry> = Vec::with_capacity(targets.len());
    for target in targets {
        let entry = desk.flow(target)?;
        if removed.iter().all(|other| other.version.flow.id != entry.version.flow.id) {
            removed.push(entry);
        }
    }
    let is_removed = |id: &FlowId| removed.iter().any(|entry| entry.version.flow.id == *id);
    for entry in desk.engine.flows().iter().filter(|entry| !force && !is_removed(&entry.version.flow.id)) {
        let caller = &entry.version.flow;
        if let Some(flow) = calls(caller).iter().find(|called| is_removed(called)) {
            let why = format!("flow \"{}\" calls it", caller.name);
            return Err(EngineError::InUse { flow: flow.to_string(), why }.into());
        }
    }
    let ids: Vec<&str> = removed.iter().map(|entry| entry.version.flow.id.as_str()).collect();
    let mut told = String::new();
    for (entry, runs) in removed.iter().zip(desk.engine.remove(&ids, force).await?) {
        let history = match runs {
            0 => String::new(),
            1 => "; the history of its run is kept until its retention is over".to_owned(),
            runs => format!("; the history of its {runs} runs is kept until its retention is over"),
        };
        let _ = writeln!(told, "{} is removed{history}", entry.version.flow.name);
    }
    output::print(&told)?;
    if force { wait_for_ends(desk).await } else { Ok(()) }
}

/// Waits for a while until the runs that were cancelled are over.
async fn wait_for_ends(desk: &Desk) -> Result<()> {
    for _ in 0..runs::LOOKS_PER_TURN {
        if desk.engine.cancelling().await? == 0 {
            return Ok(());
        }
        desk.pause(runs::LOOK_EVERY).await;
    }
    terminal::note("note: some runs are to be cancelled; what they are doing at the moment is let to its end");
    Ok(())
}

/// Binds a flow of the database; shows what it is bound to.
pub(super) async fn bind(flow: &str, binds: &[String], app: Option<&str>, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let flow = desk.flow(flow)?.version.flow.clone();
    let project = alone(flow.clone());
    let mut bindings = Bindings::new(&desk, &project, binds).await?;
    let mut ready = [(&flow, bindings.settings(&desk, &flow))];
    bindings.all_used()?;
    if !binds.is_empty() || app.is_some() {
        bindings.problems.extend(applications::settle(&desk, &mut ready, app).await?);
    }
    let connections = bindings.connections.clone();
    bindings.ready(false)?;
    let [(_, settings)] = ready;
    if !binds.is_empty() || app.is_some() {
        desk.engine.set(flow.id.as_str(), &settings).await?;
    }
    let mut told = String::new();
    for (placeholder, service) in placeholders(&flow) {
        let bound = settings.connections.get(&placeholder);
        let bound = bound.and_then(|id| connections.iter().find(|connection| connection.id == *id));
        let name = bound.map_or("-", |connection| &connection.name);
        let _ = writeln!(told, "{placeholder}\t{}\t{name}", if service.is_empty() { "any" } else { service });
    }
    if let Some((option, id)) = applications::waited_for(&flow, &settings) {
        let _ = writeln!(told, "{option}\tapplication\t{id}");
    }
    output::print(&told)
}

/// Sets the limits of a flow of the database; shows how they stand.
pub(super) async fn set(limits: &FlowLimitArgs) -> Result<()> {
    let desk = Desk::open(&limits.store).await?;
    let entry = desk.flow(&limits.flow)?;
    let known = &entry.settings;
    let settings = FlowSettings {
        concurrency: limits.concurrency.unwrap_or(known.concurrency),
        calls_per_second: limits.calls_per_second.unwrap_or(known.calls_per_second),
        overlap: limits.overlap.unwrap_or(known.overlap),
        ..known.clone()
    };
    if settings != *known {
        desk.engine.set(entry.version.flow.id.as_str(), &settings).await?;
    }
    let FlowSettings { concurrency, calls_per_second, overlap, .. } = settings;
    output::print(&format!("concurrency\t{concurrency}\ncalls_per_second\t{calls_per_second}\noverlap\t{overlap}\n"))
}

/// Gives an endpoint a new client token.
pub(super) async fn token(flow: &str, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let entry = desk.flow(flow)?;
    let flow = &entry.version.flow;
    if flow.trigger.kind != TriggerKind::Endpoint(Security::Token) {
        let problem = format!("flow \"{}\" is not called with a client token", flow.name);
        return Err(Error::misuse(problem, "its trigger must be an endpoint with `security: token`").into());
    }
    let token = desk.engine.new_token(flow.id.as_str()).await?;
    output::print(&format!("{}\n", token.expose()))
}

/// A project of one flow.
pub(super) fn alone(flow: Flow) -> Project {
    Project { flows: [(flow.id.clone(), flow)].into_iter().collect(), ..Project::default() }
}

/// What is to be switched on.
struct Targeted {
    project: Project,
    /// Flows that come from the database.
    saved: BTreeSet<FlowId>,
}

/// The flows that the targets mean, with the flows that they call and the tables of their projects.
fn targeted(desk: &Desk, targets: &[String]) -> Result<Targeted> {
    let mut all = Project::default();
    let mut saved = BTreeSet::new();
    for target in targets {
        let path = Path::new(target);
        let found = if path.exists() {
            of_path(path)?
        } else {
            let is_file = path.extension().is_some_and(|ending| ending == "yaml" || ending == "flopack");
            let missing = || Error::Read { path: path.into(), source: std::io::ErrorKind::NotFound.into() };
            let known = desk.flow(target);
            let known = known.map_err(|error| if is_file { missing().into() } else { error })?;
            saved.insert(known.version.flow.id.clone());
            alone(known.version.flow.clone())
        };
        all.flows.extend(found.flows);
        all.tables.extend(found.tables);
        all.connections.extend(found.connections);
    }
    let given: BTreeSet<FlowId> = all.flows.keys().cloned().collect();
    add_called(desk, &mut all);
    saved.extend(all.flows.keys().filter(|id| !given.contains(*id)).cloned());
    Ok(Targeted { project: all, saved })
}

/// Adds the flows of the database that the flows of a project call.
pub(super) fn add_called(desk: &Desk, project: &mut Project) {
    let mut open: Vec<FlowId> = project.flows.values().flat_map(calls).collect();
    while let Some(id) = open.pop() {
        if let (false, Ok(entry)) = (project.flows.contains_key(&id), desk.engine.flow(id.as_str())) {
            let flow = entry.version.flow.clone();
            open.extend(calls(&flow));
            project.flows.insert(id, flow);
        }
    }
}

/// The flows of a path; the file of one flow brings those that it calls, and the tables of its project.
pub(super) fn of_path(path: &Path) -> Result<Project> {
    let own = load(path)?;
    let folder = if path.is_file() && is_text(path) { surrounding_folder(path) } else { None };
    let Some(folder) = folder else { return Ok(own) };
    let mut project = load_folder(&folder)?;
    let mut wanted: BTreeSet<FlowId> = own.flows.keys().cloned().collect();
    let mut open: Vec<FlowId> = wanted.iter().cloned().collect();
    while let Some(id) = open.pop() {
        let called = project.flows.get(&id).map(calls).unwrap_or_default();
        open.extend(called.into_iter().filter(|called| wanted.insert(called.clone())));
    }
    project.flows.retain(|id, _| wanted.contains(id));
    Ok(project)
}

/// Makes a table of a project, or adds the columns that it lacks.
pub(super) async fn define(tables: &Tables, table: &Table) -> Result<()> {
    let column = |column: &oktant_flow::model::Column| Column {
        name: column.name.clone(),
        kind: match column.ty {
            Base::Number => ColumnType::Number,
            Base::Boolean => ColumnType::Boolean,
            Base::Date => ColumnType::Date,
            _ => ColumnType::Text,
        },
        default: column.default.clone(),
    };
    let columns: Vec<Column> = table.columns.iter().map(column).collect();
    tables.define(table.id.as_str(), &table.name, &columns).await?;
    Ok(())
}
