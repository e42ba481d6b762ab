//! What flows did, and the tables that they keep, as tables of SQL.
//!
//! [`attached`] gives them to a session: `flow_runs`, `flow_steps` and `flows` beside the tables of the org, and those
//! that flows keep in the schema `flow_tables`.

mod columns;
mod runs;
mod stash;
mod steps;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use etcetera::BaseStrategy as _;
use futures::{StreamExt as _, stream};
use oktant_base::{Coded, Secret};
use oktant_connect::tables::{Table, TableReader};
use oktant_engine::Archive;
use oktant_sql::{Attached, AttachedTable, Cause, Cell, Comparison, Condition, Error, Pages, Read, Test};
use parking_lot::Mutex;

/// Environment variable with the database of flows for when none is named.
pub const STORE: &str = "OKTANT_FLOWS_STORE";

/// Environment variable with names of values that nobody is shown, separated by commas, beside the usual ones.
pub const REDACT: &str = "OKTANT_FLOWS_REDACT";

/// The schema of the tables that flows keep.
const SCHEMA: &str = "flow_tables";

/// The names of the tables that tell about flows.
const HISTORY: [&str; 3] = ["flow_runs", "flow_steps", "flows"];

/// The database of flows as a place of tables. It is looked for anew while it is not there.
#[derive(Debug)]
struct FlowTables {
    url: Secret,
    redact: Vec<String>,
    found: tokio::sync::Mutex<Option<Found>>,
    /// The tables of flows by the name that they have in SQL, as they were looked up last.
    stashes: Mutex<BTreeMap<String, (TableReader, Table)>>,
}

/// What a database holds.
#[derive(Debug, Clone)]
struct Found {
    archive: Option<Archive>,
    tables: Option<TableReader>,
}

/// The tables of a database of flows: the one at `named`, else at what the variable [`STORE`] names, else the file of
/// the user. Nothing is opened before a statement names one of them.
///
/// # Errors
///
/// See [`default_file`].
pub fn attached(named: Option<&Secret>, variables: &BTreeMap<String, String>) -> io::Result<Vec<Arc<dyn Attached>>> {
    let url = match (named, variables.get(STORE).filter(|url| !url.is_empty())) {
        (Some(url), _) => url.clone(),
        (None, Some(url)) => Secret::new(url.clone()),
        (None, None) => Secret::new(format!("sqlite://{}", default_file()?.display())),
    };
    let redact = variables.get(REDACT).map(String::as_str).unwrap_or_default();
    let redact = redact.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let tables = FlowTables { url, redact, found: tokio::sync::Mutex::default(), stashes: Mutex::default() };
    Ok(vec![Arc::new(tables)])
}

/// The file of flows where no database is named.
///
/// # Errors
///
/// See [`data_folder`].
pub fn default_file() -> io::Result<PathBuf> {
    Ok(data_folder()?.join("flows.db"))
}

/// Where what Oktant keeps for the user lies.
///
/// # Errors
///
/// If the user has no home.
pub fn data_folder() -> io::Result<PathBuf> {
    Ok(etcetera::choose_base_strategy().map_err(io::Error::other)?.data_dir().join("oktant"))
}

impl FlowTables {
    /// Opens the database, if it is there.
    async fn found(&self) -> Result<Option<Found>, Error> {
        let mut found = self.found.lock().await;
        if let Some(Found { archive: Some(_), tables: Some(_) }) = &*found {
            return Ok(found.clone());
        }
        let opened = oktant_store::connect_to_read(self.url.expose()).await;
        let Some(store) = opened.map_err(|error| failed(oktant_engine::EngineError::from(error)))? else {
            return Ok(None);
        };
        let store: Arc<dyn oktant_store::Store> = store.into();
        let archive = Archive::open(Arc::clone(&store), &self.redact).await.map_err(failed)?;
        let tables = TableReader::open(store).await.map_err(failed)?;
        *found = Some(Found { archive, tables });
        Ok(found.clone())
    }
}

#[async_trait]
impl Attached for FlowTables {
    async fn tables(&self) -> Result<Vec<AttachedTable>, Error> {
        let Some(found) = self.found().await? else { return Ok(Vec::new()) };
        let mut tables = Vec::new();
        if found.archive.is_some() {
            tables.extend([columns::runs(), columns::steps(), columns::flows()]);
        }
        if let Some(reader) = found.tables {
            let mut stashes = BTreeMap::new();
            for table in reader.list().await.map_err(failed)? {
                let shown = columns::stash(SCHEMA, &table, |name| stashes.contains_key(&name.to_lowercase()));
                stashes.insert(shown.name.to_lowercase(), (reader.clone(), table));
                tables.push(shown);
            }
            *self.stashes.lock() = stashes;
        }
        Ok(tables)
    }

    fn read(&self, read: Read) -> Pages {
        if read.table.schema.is_some() {
            let stash = self.stashes.lock().get(&read.table.name.to_lowercase()).cloned();
            return match stash {
                Some((reader, table)) => stash::rows(reader, table, &read),
                None => stream::once(std::future::ready(Err(gone(&read.table.name)))).boxed(),
            };
        }
        // Opened when the tables were looked up, if there are any.
        let archive = self.found.try_lock().ok().and_then(|found| found.as_ref()?.archive.clone());
        match (archive, read.table.name.as_str()) {
            (None, name) => stream::once(std::future::ready(Err(gone(name)))).boxed(),
            (Some(archive), "flow_runs") => runs::rows(archive, &read),
            (Some(archive), "flow_steps") => steps::rows(archive, &read),
            (Some(archive), _) => flows(archive, read),
        }
    }

    fn missing(&self, schema: &str, table: &str) -> Option<String> {
        if schema == SCHEMA {
            return Some(
                "SHOW TABLES lists the tables of flows that are there; FlowsStore of the connection string, or \
                 OKTANT_FLOWS_STORE, names their database"
                    .to_owned(),
            );
        }
        HISTORY.contains(&table).then(|| {
            "it is there once a flow is saved to run; FlowsStore of the connection string, or OKTANT_FLOWS_STORE, names \
             the database of flows"
                .to_owned()
        })
    }
}

/// The flows, of which there are few.
fn flows(archive: Archive, read: Read) -> Pages {
    let rows = async move {
        let flows = archive.flows().await.map_err(failed)?;
        let rows = flows.iter().map(columns::flow).filter(|row| holds(row, &read.conditions));
        Ok(rows.take(read.limit.unwrap_or(usize::MAX)).map(|row| projected(row, &read.columns)).collect())
    };
    stream::once(rows).boxed()
}

/// A page reader whose state is `S`, as a stream that ends with the rows that suffice.
fn pages<S, F>(read: &Read, state: S, next: impl Fn(S) -> F + Send + Sync + 'static) -> Pages
where
    S: Send + 'static,
    F: Future<Output = Result<Option<(Vec<Vec<Cell>>, S)>, Error>> + Send + 'static,
{
    let left = read.limit.unwrap_or(usize::MAX);
    let next = Arc::new(next);
    let pages = stream::try_unfold((state, left), move |(state, left)| {
        let next = Arc::clone(&next);
        async move {
            if left == 0 {
                return Ok(None);
            }
            let Some((mut rows, state)) = next(state).await? else { return Ok(None) };
            rows.truncate(left);
            let left = left - rows.len();
            Ok(Some((rows, (state, left))))
        }
    });
    pages.boxed()
}

/// The columns that are wanted of a row.
fn projected(mut row: Vec<Cell>, columns: &[usize]) -> Vec<Cell> {
    // A column is wanted once.
    columns.iter().map(|position| std::mem::replace(&mut row[*position], Cell::Null)).collect()
}

/// Whether all conditions hold of a row.
fn holds(row: &[Cell], conditions: &[Condition]) -> bool {
    conditions.iter().all(|condition| {
        let cell = &row[condition.column];
        match &condition.test {
            Test::OneOf(values) => *cell != Cell::Null && values.contains(cell),
            Test::Compare(comparison, value) => compared(cell, value).is_some_and(|order| match comparison {
                Comparison::Less => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::More => order.is_gt(),
                Comparison::AtLeast => order.is_ge(),
            }),
        }
    })
}

fn compared(left: &Cell, right: &Cell) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Cell::Instant(left), Cell::Instant(right)) | (Cell::Integer(left), Cell::Integer(right)) => {
            Some(left.cmp(right))
        }
        (Cell::Text(left), Cell::Text(right)) => Some(left.cmp(right)),
        (Cell::Double(left), Cell::Double(right)) => left.partial_cmp(right),
        _ => None,
    }
}

fn failed(error: impl Coded + Send + Sync + 'static) -> Error {
    Error::Org { attempt: "the database of flows could not be read".to_owned(), source: Cause::new(error) }
}

/// A table that was there when the statement was planned.
fn gone(name: &str) -> Error {
    Error::UnknownTable { name: name.to_owned(), nearest: None }
}
