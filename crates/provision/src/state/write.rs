//! One task writes; what arrives while it commits goes into its next transaction together.

use serde_json::Value as Json;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

/// Jobs that one transaction holds at most.
const JOBS_TOGETHER: usize = 512;

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
    },
    RunFinished {
        id: i64,
        outcome: String,
        at: String,
    },
    /// A request is about to be sent.
    Intent {
        entry: i64,
        run: i64,
        change: String,
        object: String,
        method: String,
        path: String,
        intent: Json,
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
        sent: Json,
        answered: Json,
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
    pub(crate) change: String,
    pub(crate) kind: &'static str,
    pub(crate) object: String,
    pub(crate) result: &'static str,
    pub(crate) reason: String,
    pub(crate) at: String,
}

/// Writes until no one can send any more. A failure ends it, and with it every job that waits.
pub(super) async fn run(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) -> Result<(), sqlx::Error> {
    let mut together = Vec::with_capacity(JOBS_TOGETHER);
    while jobs.recv_many(&mut together, JOBS_TOGETHER).await > 0 {
        let mut transaction = connection.begin().await?;
        for write in together.iter().flat_map(|job| &job.writes) {
            write.execute(&mut transaction).await?;
        }
        transaction.commit().await?;
        for job in together.drain(..) {
            // Whoever waited may be gone; the write stays.
            let _ = job.done.send(());
        }
    }
    connection.close().await
}

impl Write {
    async fn execute(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let query = match self {
            Self::RunStarted { id, command, at } => {
                prune(connection, *id - RUNS_KEPT).await?;
                sqlx::query("INSERT INTO runs (id, command, started_at) VALUES (?1, ?2, ?3)")
                    .bind(*id)
                    .bind(*command)
                    .bind(at.as_str())
            }
            Self::RunFinished { id, outcome, at } => {
                sqlx::query("UPDATE runs SET outcome = ?2, finished_at = ?3 WHERE id = ?1")
                    .bind(*id)
                    .bind(outcome.as_str())
                    .bind(at.as_str())
            }
            Self::Intent { entry, run, change, object, method, path, intent, at } => sqlx::query(
                "INSERT INTO journal (id, run, change, object, method, path, intent, sent_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .bind(*entry)
            .bind(*run)
            .bind(change.as_str())
            .bind(object.as_str())
            .bind(method.as_str())
            .bind(path.as_str())
            .bind(intent.to_string())
            .bind(at.as_str()),
            Self::Answer { entry, status, result, at } => {
                sqlx::query("UPDATE journal SET status = ?2, result = ?3, answered_at = ?4 WHERE id = ?1")
                    .bind(*entry)
                    .bind(status.map(i64::from))
                    .bind(result.as_str())
                    .bind(at.as_str())
            }
            Self::Outcome(Outcome { run, change, kind, object, result, reason, at }) => sqlx::query(
                "INSERT INTO outcomes (run, change, kind, object, result, reason, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .bind(*run)
            .bind(change.as_str())
            .bind(*kind)
            .bind(object.as_str())
            .bind(*result)
            .bind(reason.as_str())
            .bind(at.as_str()),
            Self::User { key, okta_id, scim_id, active, sent, answered } => sqlx::query(
                "INSERT INTO users (key, okta_id, scim_id, active, sent, answered) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (key) DO UPDATE SET scim_id = ?3, active = ?4, sent = ?5, answered = ?6",
            )
            .bind(*key)
            .bind(okta_id.as_str())
            .bind(scim_id.as_str())
            .bind(*active)
            .bind(sent.to_string())
            .bind(answered.to_string()),
            Self::UserActive { key, active } => {
                sqlx::query("UPDATE users SET active = ?2 WHERE key = ?1").bind(*key).bind(*active)
            }
            Self::ForgetUser { key } => {
                sqlx::query("DELETE FROM members WHERE user_key = ?1").bind(*key).execute(&mut *connection).await?;
                sqlx::query("DELETE FROM users WHERE key = ?1").bind(*key)
            }
            Self::Group { key, okta_id, scim_id, name } => sqlx::query(
                "INSERT INTO groups (key, okta_id, scim_id, name) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (key) DO UPDATE SET scim_id = ?3, name = ?4",
            )
            .bind(*key)
            .bind(okta_id.as_str())
            .bind(scim_id.as_str())
            .bind(name.as_str()),
            Self::ForgetGroup { key } => {
                sqlx::query("DELETE FROM members WHERE group_key = ?1").bind(*key).execute(&mut *connection).await?;
                sqlx::query("DELETE FROM groups WHERE key = ?1").bind(*key)
            }
            Self::Members { group, add, remove } => return members(connection, *group, add, remove).await,
        };
        query.execute(connection).await.map(|_| ())
    }
}

/// Forgets the log of old runs, but no request whose answer is still open.
async fn prune(connection: &mut SqliteConnection, last: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM outcomes WHERE run <= ?1").bind(last).execute(&mut *connection).await?;
    let journal = sqlx::query("DELETE FROM journal WHERE run <= ?1 AND result IS NOT NULL");
    journal.bind(last).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM runs WHERE id <= ?1").bind(last).execute(connection).await?;
    Ok(())
}

async fn members(
    connection: &mut SqliteConnection,
    group: i64,
    add: &[i64],
    remove: &[i64],
) -> Result<(), sqlx::Error> {
    for user in remove {
        let query = sqlx::query("DELETE FROM members WHERE group_key = ?1 AND user_key = ?2");
        query.bind(group).bind(*user).execute(&mut *connection).await?;
    }
    for user in add {
        let query = sqlx::query("INSERT OR IGNORE INTO members (group_key, user_key) VALUES (?1, ?2)");
        query.bind(group).bind(*user).execute(&mut *connection).await?;
    }
    Ok(())
}
