//! The journal: what runs have done, durable before it counts.
//!
//! A run's journal is a sequence of segments; the records of a segment were committed together. The engine commits
//! before anything that cannot be taken back or that someone can see: before an action's call, before a wait, before
//! the answer. What is computed in between is written along, and computed again after a crash.
//!
//! The key of a segment is its run and its number. A worker that lost a run to another one finds its next number
//! taken, and stops before it does anything: no lock is held while a run is at work.

mod append;
mod lease;
pub(crate) mod read;
pub(crate) mod record;

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oktant_base::Clock;
use oktant_store::{Database, Row, Schema, Store, StoreError, Writers};
use tokio::sync::mpsc;

pub(crate) use append::{Append, Appended, Change, NewRun};
pub(crate) use lease::cancelling;
pub(crate) use record::Record;
pub use record::{Decision, RunState};
pub(crate) use record::{Folded, Known};

use crate::error::EngineError;
use crate::name::Name;
use crate::redact::Veil;

pub(crate) const SCHEMA: Schema = Schema {
    component: "engine",
    migrations: &[
        (1, include_str!("../../migrations/0001_engine.sql")),
        (2, include_str!("../../migrations/0002_operation.sql")),
        (3, include_str!("../../migrations/0003_scrub.sql")),
    ],
    writers: Writers::Many,
    earlier: None,
};

/// Appends that wait; more have to wait outside.
const QUEUE_MAX: usize = 4096;

/// How a worker takes part in a journal.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its name, which no other worker of the journal has.
    pub name: Name,
    /// How long its runs stay its own if it does not say that it is alive.
    pub lease: Duration,
}

/// The journal of an engine, on `SQLite` (one worker) or `PostgreSQL` (several).
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    database: Database,
    appends: mpsc::Sender<append::Job>,
    clock: Arc<dyn Clock>,
    worker: Worker,
    shared: bool,
    /// Whether something was removed that a log of `SQLite` may still hold.
    removed: Arc<AtomicBool>,
    /// Held for as long as the journal of a file is open.
    _lock: Option<Arc<File>>,
}

/// The row of a run.
#[derive(Debug, Clone)]
pub(crate) struct RunRow {
    pub(crate) id: Name,
    pub(crate) flow: Name,
    pub(crate) version: Name,
    pub(crate) state: RunState,
    pub(crate) cancel: bool,
}

impl RunRow {
    const COLUMNS: &'static str = "id, flow, version, state, cancel";

    fn read(row: &Row) -> Result<Self, StoreError> {
        let state = row.text(3)?;
        Ok(Self {
            id: row.text(0)?.into(),
            flow: row.text(1)?.into(),
            version: row.text(2)?.into(),
            state: RunState::named(&state).ok_or(StoreError::Corrupt(format!("run state {state}")))?,
            cancel: row.int(4)? != 0,
        })
    }
}

impl Journal {
    /// Opens the journal in `store`, making its tables where they are missing. `lock` is kept for as long as it is open.
    pub(crate) async fn open(
        store: Box<dyn Store>,
        lock: Option<File>,
        worker: Worker,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EngineError> {
        let shared = !store.skip_locked().is_empty();
        let database = Database::open(store, SCHEMA).await?;
        let (appends, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(append::run(database.clone(), queue));
        let (removed, lock) = (Arc::default(), lock.map(Arc::new));
        Ok(Self { database, appends, clock, worker, shared, removed, _lock: lock })
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    pub(crate) fn worker(&self) -> &Name {
        &self.worker.name
    }

    /// How long the worker's runs stay its own.
    pub(crate) fn lease(&self) -> Duration {
        self.worker.lease
    }

    /// The row of a run.
    pub(crate) async fn row(&self, run: &str) -> Result<RunRow, EngineError> {
        let query = format!("SELECT {} FROM flow_runs WHERE id = $1", RunRow::COLUMNS);
        let row = self.database.read().await?.fetch_one(&query, &[run.into()]).await?;
        Ok(RunRow::read(&row.ok_or_else(|| EngineError::NoRun(run.to_owned()))?)?)
    }

    /// The run that an event started.
    pub(crate) async fn run_of_event(&self, key: &str) -> Result<Name, EngineError> {
        let query = "SELECT id FROM flow_runs WHERE event_key = $1";
        let row = self.database.read().await?.fetch_one(query, &[key.into()]).await?;
        Ok(row.ok_or_else(|| EngineError::NoRun(key.to_owned()))?.text(0)?.into())
    }

    /// Takes out of the journal of an ended run what its history must not show.
    ///
    /// The last segments come first: what an interrupted removal left still has the secrets to look for, since they
    /// stand before their copies.
    pub(crate) async fn scrub(&self, run: &str, veil: &Veil, keeps: bool) -> Result<(), EngineError> {
        let mut before = i64::MAX;
        loop {
            let query = "SELECT seq, records FROM flow_segments WHERE run = $1 AND seq < $2 ORDER BY seq DESC LIMIT 64";
            let rows = self.database.read().await?.fetch(query, &[run.into(), before.into()]).await?;
            let Some(last) = rows.last() else { break };
            before = last.int(0)?;
            let mut statements = Vec::with_capacity(rows.len());
            for row in &rows {
                let mut records = read::records(run, &row.text(1)?)?;
                read::put_back(self.database.store(), run, &mut records).await?;
                let names: Vec<i64> = large_names(&mut records).collect();
                for record in &mut records {
                    veil.cover(record, keeps);
                }
                let kept = take_apart(&mut records);
                let kept_names: HashSet<i64> = kept.iter().map(|(name, _)| *name).collect();
                for name in names.into_iter().filter(|name| !kept_names.contains(name)) {
                    let sql = "DELETE FROM flow_values WHERE run = $1 AND name = $2";
                    statements.push((sql, vec![run.into(), name.into()]));
                }
                for (name, content) in kept {
                    let sql = "UPDATE flow_values SET content = $3 WHERE run = $1 AND name = $2";
                    statements.push((sql, vec![run.into(), name.into(), content.into()]));
                }
                let text = serde_json::to_string(&records).expect("every record has a JSON text");
                let sql = "UPDATE flow_segments SET records = $3 WHERE run = $1 AND seq = $2";
                statements.push((sql, vec![run.into(), row.int(0)?.into(), text.into()]));
            }
            let write = self.database.write(move |connection| {
                Box::pin(async move {
                    for (sql, values) in statements {
                        connection.execute(sql, &values).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            });
            write.await?;
        }
        self.run("UPDATE flow_runs SET scrub = 0 WHERE id = $1", vec![run.into()]).await?;
        self.note_removal();
        Ok(())
    }

    /// Notes that something was removed.
    pub(crate) fn note_removal(&self) {
        self.removed.store(true, Ordering::Relaxed);
    }

    /// Empties the write-ahead log of a `SQLite` file if it may hold what was removed: the file itself overwrites that.
    /// As long as somebody reads an older state, it is tried again the next time.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        if self.shared || !self.removed.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let emptied = self.database.store().empty_log().await;
        if !matches!(emptied, Ok(true)) {
            self.note_removal();
        }
        emptied.map(drop)
    }

    /// Runs that ended before an instant, milliseconds since 1970, and whose journal still holds what their histories
    /// must not show.
    pub(crate) async fn to_scrub(&self, ended_before: i64) -> Result<Vec<RunRow>, EngineError> {
        let query = format!("SELECT {} FROM flow_runs WHERE scrub = 1 AND ended_at < $1", RunRow::COLUMNS);
        let rows = self.database.read().await?.fetch(&query, &[ended_before.into()]).await?;
        Ok(rows.iter().map(RunRow::read).collect::<Result<_, _>>()?)
    }

    /// Whoever ended a run before this instant, milliseconds since 1970, is no more at it.
    pub(crate) fn a_lease_ago(&self) -> i64 {
        self.now().saturating_sub(i64::try_from(self.worker.lease.as_millis()).unwrap_or(i64::MAX))
    }

    /// The same, for a worker that begins now: alone in a file, it is the only one.
    pub(crate) fn before_me(&self) -> i64 {
        if self.shared { self.a_lease_ago() } else { self.now() }
    }

    /// A page of the segments of a run from a number on: their numbers and records. Empty behind the last one.
    pub(crate) async fn page(&self, run: &str, from: i64) -> Result<Vec<(i64, Vec<Record>)>, EngineError> {
        Ok(read::page(self.database.store(), run, from).await?)
    }

    /// Takes out of `names` those that some run has in what it did.
    pub(crate) async fn take_mentioned(&self, names: &mut HashSet<String>) -> Result<(), EngineError> {
        Ok(read::take_mentioned(self.database.store(), names).await?)
    }

    /// Folds the journal of a run; gives its state and the number of its next segment.
    pub(crate) async fn fold(&self, run: &str) -> Result<(Folded, i64), EngineError> {
        let (mut folded, mut next) = (Folded::default(), 0);
        loop {
            let page = self.page(run, next).await?;
            let Some((last, _)) = page.last() else { return Ok((folded, next)) };
            next = last + 1;
            page.into_iter().flat_map(|(_, records)| records).for_each(|record| folded.fold(record));
        }
    }
}

fn large_names(records: &mut [Record]) -> impl Iterator<Item = i64> {
    read::fields_of(records).filter_map(|field| field.large)
}

/// Takes the values out of the fields that have a name for them and are still large; the others lose theirs.
fn take_apart(records: &mut [Record]) -> Vec<(i64, String)> {
    let mut values = Vec::new();
    for field in read::fields_of(records) {
        match field.large {
            Some(name) if field.is_large() => values.push((name, field.take_apart(name))),
            _ => field.large = None,
        }
    }
    values
}

/// Locks the file of a `SQLite` journal, so that two engines never run the same flows from it.
pub(crate) fn lock(url: &str) -> Result<Option<File>, EngineError> {
    let Some(mut path) = oktant_store::file_of(url).map(PathBuf::into_os_string) else { return Ok(None) };
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = File::create(&path).map_err(|error| EngineError::Lock { path: path.clone(), source: error })?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(EngineError::Locked { path }),
        Err(std::fs::TryLockError::Error(source)) => Err(EngineError::Lock { path, source }),
    }
}
