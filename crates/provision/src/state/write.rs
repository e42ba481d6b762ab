//! One thread writes; what arrives while it commits goes into its next transaction together.
//!
//! Statements run in the thread itself: a run makes three for each object, and a hand-over between threads for
//! each would cost more than the writing.

use std::time::Duration;

use rusqlite::{Connection, Result, Transaction, params};
use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::UNANSWERED;

/// Jobs that one transaction holds at most.
const JOBS_TOGETHER: usize = 512;

/// After a transaction of so many jobs the next one waits for more: each costs the same however much it holds.
const BURST: usize = 8;

/// How long it waits. A change waits twice, which is little beside its request.
const GATHERING: Duration = Duration::from_millis(1);

/// Runs whose log is kept.
const RUNS_KEPT: i64 = 100;

/// What is written together.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) writes: Vec<Write>,
    pub(super) done: oneshot::Sender<()>,
}

/// One write.
#[derive(Debug)]
pub(crate) enum Write {
    RunStarted {
        id: i64,
        command: &'static str,
        at: String,
        /// None of its entries comes before.
        first_entry: i64,
    },
    RunFinished {
        id: i64,
        outcome: String,
        at: String,
        /// Whether requests may be without an answer.
        is_open: bool,
    },
    /// Runs that were started and are not under way any more have ended without a word.
    RunsInterrupted,
    /// A request is about to be sent.
    Intent {
        entry: i64,
        run: i64,
        change: String,
        object: String,
        method: String,
        path: String,
        intent: String,
        at: String,
    },
    /// Its answer, or that there was none.
    Answer {
        entry: i64,
        status: Option<u16>,
        result: String,
        at: String,
    },
    Outcome(Outcome),
    User {
        key: i64,
        okta_id: String,
        scim_id: String,
        active: bool,
        /// JSON objects.
        sent: String,
        answered: String,
    },
    UserActive {
        key: i64,
        active: bool,
    },
    ForgetUser {
        key: i64,
    },
    Group {
        key: i64,
        okta_id: String,
        scim_id: String,
        name: String,
    },
    ForgetGroup {
        key: i64,
    },
    Members {
        group: i64,
        add: Vec<i64>,
        remove: Vec<i64>,
    },
}

/// What became of a change.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) run: i64,
    /// The request that ended the change with plain success, or a number of its own.
    pub(crate) entry: i64,
    pub(crate) change: String,
    pub(crate) kind: &'static str,
    pub(crate) object: String,
    pub(crate) result: &'static str,
    pub(crate) reason: String,
    pub(crate) at: String,
    /// Status of that request's answer.
    pub(crate) status: Option<u16>,
}

/// Writes until no one can send any more. A failure ends it, and with it every job that waits.
pub(super) fn run(mut connection: Connection, mut jobs: mpsc::Receiver<Job>) -> Result<()> {
    let mut together = Vec::with_capacity(JOBS_TOGETHER);
    let mut is_burst = false;
    while jobs.blocking_recv_many(&mut together, JOBS_TOGETHER) > 0 {
        if is_burst {
            std::thread::sleep(GATHERING);
            while together.len() < JOBS_TOGETHER
                && let Ok(job) = jobs.try_recv()
            {
                together.push(job);
            }
        }
        is_burst = together.len() >= BURST;
        let transaction = connection.transaction()?;
        for write in together.iter().flat_map(|job| &job.writes) {
            write.execute(&transaction)?;
        }
        transaction.commit()?;
        let ends = |write: &Write| matches!(write, Write::RunFinished { .. });
        if together.iter().flat_map(|job| &job.writes).any(ends) {
            // The log is written into the file and both to the disk: a run that ended outlives a power failure.
            connection.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))?;
        }
        for job in together.drain(..) {
            // Whoever waited may be gone; the write stays.
            let _ = job.done.send(());
        }
    }
    connection.close().map_err(|(_, error)| error)
}

impl Write {
    fn execute(&self, transaction: &Transaction<'_>) -> Result<()> {
        let run =
            |sql: &str, values: &[&dyn rusqlite::ToSql]| transaction.prepare_cached(sql)?.execute(values).map(|_| ());
        match self {
            Self::RunStarted { id, command, at, first_entry } => {
                prune(transaction, *id - RUNS_KEPT)?;
                run(
                    "INSERT INTO runs (id, command, started_at, first_entry, is_open) VALUES (?1, ?2, ?3, ?4, TRUE)",
                    params![id, command, at, first_entry],
                )
            }
            Self::RunFinished { id, outcome, at, is_open } => run(
                "UPDATE runs SET outcome = ?2, finished_at = ?3, is_open = ?4 WHERE id = ?1",
                params![id, outcome, at, is_open],
            ),
            Self::RunsInterrupted => run(INTERRUPTED, params![]),
            Self::Intent { entry, run: of, change, object, method, path, intent, at } => run(
                "INSERT INTO journal (id, run, change, object, method, path, intent, sent_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![entry, of, change, object, method, path, intent, at],
            ),
            Self::Answer { entry, status, result, at } => run(
                "INSERT OR REPLACE INTO answers (entry, status, result, at) VALUES (?1, ?2, ?3, ?4)",
                params![entry, status, result, at],
            ),
            Self::Outcome(Outcome { run: of, entry, change, kind, object, result, reason, at, status }) => run(
                "INSERT INTO outcomes (run, entry, change, kind, object, result, reason, at, status) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![of, entry, change, kind, object, result, reason, at, status],
            ),
            Self::User { key, okta_id, scim_id, active, sent, answered } => run(
                "INSERT INTO users (key, okta_id, scim_id, active, sent, answered) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (key) DO UPDATE SET scim_id = ?3, active = ?4, sent = ?5, answered = ?6",
                params![key, okta_id, scim_id, active, sent, answered],
            ),
            Self::UserActive { key, active } => {
                run("UPDATE users SET active = ?2 WHERE key = ?1", params![key, active])
            }
            Self::ForgetUser { key } => {
                run("DELETE FROM members WHERE user_key = ?1", params![key])?;
                run("DELETE FROM users WHERE key = ?1", params![key])
            }
            Self::Group { key, okta_id, scim_id, name } => run(
                "INSERT INTO groups (key, okta_id, scim_id, name) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (key) DO UPDATE SET scim_id = ?3, name = ?4",
                params![key, okta_id, scim_id, name],
            ),
            Self::ForgetGroup { key } => {
                run("DELETE FROM members WHERE group_key = ?1", params![key])?;
                run("DELETE FROM groups WHERE key = ?1", params![key])
            }
            Self::Members { group, add, remove } => {
                // One statement for all of them: a group may have a hundred thousand.
                let list = |keys: &[i64]| Json::from(keys).to_string();
                if !remove.is_empty() {
                    run(
                        "DELETE FROM members WHERE group_key = ?1 AND user_key IN (SELECT value FROM json_each(?2))",
                        params![group, list(remove)],
                    )?;
                }
                if add.is_empty() {
                    return Ok(());
                }
                run(
                    "INSERT OR IGNORE INTO members (group_key, user_key) SELECT ?1, value FROM json_each(?2)",
                    params![group, list(add)],
                )
            }
        }
    }
}

/// What an interrupted run came to, counted from its outcomes.
const INTERRUPTED: &str = "UPDATE runs SET outcome = ( \
    SELECT format('interrupted: %d done, %d failed, %d blocked, %d deferred', \
        count(*) FILTER (WHERE result = 'done'), count(*) FILTER (WHERE result = 'failed'), \
        count(*) FILTER (WHERE result = 'blocked'), count(*) FILTER (WHERE result = 'deferred')) \
    FROM outcomes WHERE run = runs.id) \
    WHERE outcome IS NULL";

/// Forgets the log of old runs, but no request whose answer is still open. Runs without any are open no longer.
fn prune(transaction: &Transaction<'_>, last: i64) -> Result<()> {
    let closed =
        format!("UPDATE runs SET is_open = FALSE WHERE is_open AND id NOT IN (SELECT run FROM ({UNANSWERED}))");
    transaction.execute(&closed, [])?;
    let answered = format!("DELETE FROM journal WHERE run <= ?1 AND id NOT IN (SELECT entry FROM ({UNANSWERED}))");
    if transaction.execute(&answered, [last])? > 0 {
        transaction.execute("DELETE FROM answers WHERE entry NOT IN (SELECT id FROM journal)", [])?;
    }
    transaction.execute("DELETE FROM outcomes WHERE run <= ?1", [last])?;
    transaction.execute("DELETE FROM runs WHERE id <= ?1 AND NOT is_open", [last])?;
    Ok(())
}
