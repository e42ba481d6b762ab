//! The columns of the tables, and rows of the small one.

use oktant_catalog::ColumnType::{BigInt, Boolean, Double, Integer, Json, Text, Timestamp};
use oktant_connect::tables::{ColumnType as StashType, OWN_COLUMNS, Table};
use oktant_engine::{FlowSummary, RUN_STATES};
use oktant_sql::{Accepts, AttachedColumn, AttachedTable, Cell};

/// Names of the states of steps.
const STEP_STATES: &[&str] = &["open", "waiting", "succeeded", "stopped", "failed"];

fn table(name: &str, columns: Vec<AttachedColumn>, descending: Vec<usize>) -> AttachedTable {
    AttachedTable { schema: None, name: name.to_owned(), columns, descending }
}

/// Runs, the newest first.
pub(super) fn runs() -> AttachedTable {
    let column = AttachedColumn::new;
    let columns = vec![
        column("run", Text).key().accepting(Accepts::Values),
        column("flow", Text).accepting(Accepts::Values),
        column("version", Text),
        column("trigger_kind", Text).accepting(Accepts::Values),
        column("event_key", Text).accepting(Accepts::Values),
        column("parent", Text).accepting(Accepts::Values),
        column("state", Text).one_of(&RUN_STATES).accepting(Accepts::Values),
        column("started_at", Timestamp).accepting(Accepts::Order),
        column("ended_at", Timestamp).accepting(Accepts::Order),
        column("wakes_at", Timestamp),
        column("duration_ms", BigInt),
        column("error_code", Text).accepting(Accepts::Values),
        column("error_message", Text),
    ];
    table("flow_runs", columns, vec![0])
}

/// Steps of runs, run by run.
pub(super) fn steps() -> AttachedTable {
    let column = AttachedColumn::new;
    let columns = vec![
        column("run", Text).key().accepting(Accepts::Values),
        column("path", Text).key().accepting(Accepts::Values),
        column("number", BigInt),
        column("flow", Text).accepting(Accepts::Values),
        column("helper_flow", Text).accepting(Accepts::Values),
        column("card", Text).accepting(Accepts::Values),
        column("state", Text).one_of(STEP_STATES).accepting(Accepts::Values),
        column("started_at", Timestamp).accepting(Accepts::Order),
        column("ended_at", Timestamp).accepting(Accepts::Order),
        column("duration_ms", BigInt),
        column("error_kind", Text).accepting(Accepts::Values),
        column("error_code", Text).accepting(Accepts::Values),
        column("error_status", Integer).accepting(Accepts::Values),
        column("error_message", Text),
        column("error_answer", Json),
        column("inputs", Json),
        column("outputs", Json),
    ];
    table("flow_steps", columns, vec![0])
}

/// Flows.
pub(super) fn flows() -> AttachedTable {
    let column = AttachedColumn::new;
    let columns = vec![
        column("flow", Text).key().accepting(Accepts::Values),
        column("name", Text).accepting(Accepts::Values),
        column("version", Text),
        column("active", Boolean).accepting(Accepts::Values),
        column("keeps_data", Boolean).accepting(Accepts::Values),
        column("updated_at", Timestamp).accepting(Accepts::Order),
    ];
    table("flows", columns, Vec::new())
}

/// A flow as a row of [`flows`].
pub(super) fn flow(flow: &FlowSummary) -> Vec<Cell> {
    vec![
        Cell::Text(flow.id.as_str().to_owned()),
        Cell::Text(flow.name.clone()),
        Cell::Text(flow.version.as_str().to_owned()),
        Cell::Boolean(flow.active),
        Cell::Boolean(flow.keeps_data),
        Cell::Instant(flow.updated_at.timestamp_millis()),
    ]
}

/// A table that flows keep. Names ignore case in SQL: one that is taken gets a number.
pub(super) fn stash(schema: &str, table: &Table, is_taken: impl Fn(&str) -> bool) -> AttachedTable {
    let own = OWN_COLUMNS.iter().map(|(name, kind)| (*name, *kind));
    let all = own.chain(table.columns.iter().map(|column| (column.name.as_str(), column.kind)));
    let mut columns: Vec<AttachedColumn> = Vec::new();
    for (index, (name, kind)) in all.enumerate() {
        let known: Vec<String> = columns.iter().map(|column| column.name.to_lowercase()).collect();
        let name = free(name, |name| known.contains(&name.to_lowercase()));
        let (data_type, accepts) = match kind {
            StashType::Text => (Text, Accepts::Values),
            StashType::Number => (Double, Accepts::Order),
            StashType::Boolean => (Boolean, Accepts::Values),
            StashType::Date => (Timestamp, Accepts::Order),
        };
        let column = AttachedColumn::new(name, data_type).accepting(accepts);
        columns.push(if index == 0 { column.key() } else { column });
    }
    AttachedTable {
        schema: Some(schema.to_owned()),
        name: free(&table.name, is_taken),
        columns,
        descending: Vec::new(),
    }
}

/// The name, with a number if it is taken.
fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number: u32| format!("{name}_{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_default()
}
