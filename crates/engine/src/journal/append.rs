//! Group commit: what runs append while a transaction is under way shares the next one.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use oktant_store::{Connection, Database, StoreError, Value};
use tokio::sync::{mpsc, oneshot};

use super::RunState;
use crate::name::Name;

/// Appends that share one transaction at most.
const BATCH_MAX: usize = 512;

/// Rows of one INSERT at most. Fewer rows go in powers of two, so that few statements stay prepared.
const ROWS_MAX: usize = 32;

/// A run that begins to exist.
#[derive(Debug)]
pub(crate) struct NewRun {
    pub(crate) flow: Name,
    pub(crate) version: Name,
    pub(crate) trigger_kind: &'static str,
    pub(crate) event_key: Option<String>,
    pub(crate) parent: Option<Name>,
    pub(crate) created_at: i64,
}

/// What becomes of the row of a run.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) state: RunState,
    pub(crate) owner: Option<Name>,
    pub(crate) lease_until: i64,
    pub(crate) wake_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) error_code: Option<String>,
    pub(crate) message: Option<String>,
    /// Whether the journal of the run, which has ended, holds what its history must not show.
    pub(crate) scrub: bool,
}

impl Change {
    /// The run is no one's; it is due at once, if it has not ended.
    pub(crate) fn given_back(state: RunState) -> Self {
        let (owner, ended_at, error_code, message) = (None, None, None, None);
        Self { state, owner, lease_until: 0, wake_at: 0, ended_at, error_code, message, scrub: false }
    }
}

/// What one run adds to the journal, all or nothing.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) run: Name,
    /// The row to make, if this is the first append of the run; its state is in `change`.
    pub(crate) new: Option<NewRun>,
    pub(crate) change: Option<Change>,
    /// The number of the segment.
    pub(crate) seq: i64,
    /// Its records: a JSON array.
    pub(crate) records: String,
    /// Large values, by name.
    pub(crate) values: Vec<(i64, String)>,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It is durable.
    Done,
    /// A run of the same event exists already: nothing was written.
    Duplicate,
    /// Another worker has the run now: nothing was written.
    Lost,
}

pub(super) struct Job {
    append: Append,
    tell: oneshot::Sender<Result<Appended, Arc<StoreError>>>,
}

impl super::Journal {
    /// Adds to the journal; returns when it is durable.
    pub(crate) async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let (tell, told) = oneshot::channel();
        self.appends.send(Job { append, tell }).await.map_err(|_| StoreError::Closed)?;
        told.await.map_err(|_| StoreError::Closed)?.map_err(StoreError::Commit)
    }

    /// Adds several to the journal in one transaction, in their order; returns when they are durable.
    pub(crate) async fn append_all(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        self.database.write(move |connection| Box::pin(async move { write(connection, &appends).await })).await
    }
}

/// Writes what the runs append until none is left that could.
pub(super) async fn run(database: Database, mut queue: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (appends, tells): (Vec<_>, Vec<_>) = batch.drain(..).map(|job| (job.append, job.tell)).unzip();
        let work = database.write(move |connection| Box::pin(async move { write(connection, &appends).await }));
        let result: Result<Vec<Appended>, StoreError> = work.await;
        match result {
            // Whoever asked may have gone away.
            Ok(results) => {
                for (tell, result) in tells.into_iter().zip(results) {
                    let _ = tell.send(Ok(result));
                }
            }
            Err(error) => {
                let cause = Arc::new(error);
                for tell in tells {
                    let _ = tell.send(Err(Arc::clone(&cause)));
                }
            }
        }
    }
}

async fn write(connection: &mut dyn Connection, appends: &[Append]) -> Result<Vec<Appended>, StoreError> {
    let mut results = vec![Appended::Done; appends.len()];
    let new: Vec<&Append> = appends.iter().filter(|append| append.new.is_some()).collect();
    let made = insert(connection, &RUNS, new.iter().map(|append| run_row(append)).collect()).await?;
    for (append, result) in appends.iter().zip(&mut results) {
        if append.new.is_some() && !made.contains(&*append.run) {
            *result = Appended::Duplicate;
        }
    }
    let fresh = |results: &[Appended]| -> Vec<usize> {
        results.iter().enumerate().filter(|(_, result)| **result == Appended::Done).map(|(index, _)| index).collect()
    };
    let rows = fresh(&results).into_iter().map(|index| {
        let append = &appends[index];
        vec![(&*append.run).into(), append.seq.into(), append.records.as_str().into()]
    });
    let kept = insert(connection, &SEGMENTS, rows.collect()).await?;
    for index in fresh(&results) {
        if !kept.contains(&format!("{} {}", appends[index].run, appends[index].seq)) {
            results[index] = Appended::Lost;
        }
    }
    let mut values = Vec::new();
    for index in fresh(&results) {
        let append = &appends[index];
        let row =
            |(name, content): &(i64, String)| vec![(&*append.run).into(), (*name).into(), content.as_str().into()];
        values.extend(append.values.iter().map(row));
        if let (None, Some(change)) = (&append.new, &append.change) {
            connection.execute(CHANGE, &change_values(&append.run, change)).await?;
        }
    }
    insert(connection, &VALUES, values).await?;
    Ok(results)
}

const CHANGE: &str = "UPDATE flow_runs SET state = $2, owner = $3, lease_until = $4, \
                      wake_at = CASE WHEN cancel = 1 THEN 0 ELSE $5 END, ended_at = $6, \
                      error_code = $7, message = $8, scrub = $9 WHERE id = $1";

fn change_values(run: &str, change: &Change) -> Vec<Value> {
    vec![
        run.into(),
        change.state.name().into(),
        change.owner.as_deref().map(str::to_owned).into(),
        change.lease_until.into(),
        change.wake_at.into(),
        change.ended_at.into(),
        change.error_code.clone().into(),
        change.message.clone().into(),
        change.scrub.into(),
    ]
}

fn run_row(append: &Append) -> Vec<Value> {
    let (Some(new), Some(change)) = (&append.new, &append.change) else { return Vec::new() };
    let mut row = change_values(&append.run, change);
    row.extend([
        (&*new.flow).into(),
        (&*new.version).into(),
        new.trigger_kind.into(),
        new.event_key.clone().into(),
        new.parent.as_deref().map(str::to_owned).into(),
        new.created_at.into(),
    ]);
    row
}

/// A table to insert into, and what an insert tells of the rows that went in.
struct Table {
    into: &'static str,
    columns: usize,
    /// Columns that stand after those of each row.
    constant: &'static str,
    returning: &'static str,
}

const RUNS: Table = Table {
    into: "flow_runs (id, state, owner, lease_until, wake_at, ended_at, error_code, message, scrub, \
           flow, version, trigger_kind, event_key, parent, created_at, cancel)",
    columns: 15,
    constant: ", 0",
    returning: "id",
};
const SEGMENTS: Table =
    Table { into: "flow_segments (run, seq, records)", columns: 3, constant: "", returning: "run || ' ' || seq" };
const VALUES: Table =
    Table { into: "flow_values (run, name, content)", columns: 3, constant: "", returning: "run || ' ' || name" };

/// Inserts rows, except those whose key is taken; gives the names of those that went in.
async fn insert(
    connection: &mut dyn Connection,
    table: &Table,
    rows: Vec<Vec<Value>>,
) -> Result<HashSet<String>, StoreError> {
    let mut names = HashSet::with_capacity(rows.len());
    let mut rows = rows.as_slice();
    while !rows.is_empty() {
        let (now, later) = rows.split_at(ROWS_MAX.min(1 << rows.len().ilog2()));
        let answer = connection.fetch(&table.statement(now.len()), &now.concat()).await?;
        for row in &answer {
            names.insert(row.text(0)?);
        }
        rows = later;
    }
    Ok(names)
}

impl Table {
    fn statement(&self, rows: usize) -> String {
        let mut sql = format!("INSERT INTO {} VALUES ", self.into);
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=self.columns {
                let separator = if column == 1 { "" } else { ", " };
                let _ = write!(sql, "{separator}${}", row * self.columns + column);
            }
            sql.push_str(self.constant);
            sql.push(')');
        }
        sql.push_str(" ON CONFLICT DO NOTHING RETURNING ");
        sql.push_str(self.returning);
        sql
    }
}
