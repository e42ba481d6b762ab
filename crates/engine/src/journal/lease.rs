//! Who works on which run: claims, leases and what is due.

use oktant_store::{StoreError, Value};

use super::{Journal, RunRow};
use crate::name::Name;

/// The statement that asks for the end of unfinished runs.
pub(crate) fn cancelling(which: &str) -> String {
    format!(
        "UPDATE flow_runs SET cancel = 1, wake_at = 0, state = CASE WHEN state = 'unknown_outcome' THEN 'waiting' \
         ELSE state END WHERE {which} AND ended_at IS NULL"
    )
}

/// Runs that one claim takes at most.
const CLAIM_MAX: i64 = 256;

impl Journal {
    /// When a lease that is taken now ends, milliseconds since 1970.
    pub(crate) fn lease_end(&self) -> i64 {
        self.now().saturating_add(i64::try_from(self.lease().as_millis()).unwrap_or(i64::MAX))
    }

    /// Takes runs that are due and that no living worker has, and that began at `since` or later; one that is to be
    /// cancelled in any case, since it does nothing any more. Call again while it gives any.
    pub(crate) async fn claim(&self, most: usize, since: i64) -> Result<Vec<RunRow>, StoreError> {
        // With one worker there is no one else who could be at it: only what was given back is due.
        // Among several, a worker never takes what is its own: it is at it, however late it says so.
        let free = if self.shared { "(owner IS NULL OR lease_until < $3 AND owner <> $1)" } else { "owner IS NULL" };
        let sql = format!(
            "UPDATE flow_runs SET owner = $1, lease_until = $2, state = 'running' WHERE id IN (SELECT id FROM flow_runs \
             WHERE ended_at IS NULL AND wake_at <= $3 AND state <> 'unknown_outcome' AND {free} \
             AND (created_at >= $5 OR cancel = 1) \
             ORDER BY wake_at, id LIMIT $4 {}) RETURNING {}",
            self.database.store().skip_locked(),
            RunRow::COLUMNS,
        );
        let values: Vec<Value> = vec![
            (&**self.worker()).into(),
            self.lease_end().into(),
            self.now().into(),
            CLAIM_MAX.min(most as i64).into(),
            since.into(),
        ];
        let rows =
            self.database.write(move |connection| Box::pin(async move { connection.fetch(&sql, &values).await }));
        let mut rows = rows.await?.iter().map(RunRow::read).collect::<Result<Vec<_>, _>>()?;
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(rows)
    }

    /// Says that this worker is alive: its runs stay its own.
    pub(crate) async fn renew(&self) -> Result<(), StoreError> {
        let sql = "UPDATE flow_runs SET lease_until = $1 WHERE owner = $2 AND ended_at IS NULL";
        self.run(sql, vec![self.lease_end().into(), (&**self.worker()).into()]).await.map(drop)
    }

    /// Gives back every run of this worker: what a process of its name left when it was killed.
    pub(crate) async fn give_back(&self) -> Result<(), StoreError> {
        let sql = "UPDATE flow_runs SET owner = NULL, lease_until = 0 WHERE owner = $1 AND ended_at IS NULL";
        self.run(sql, vec![(&**self.worker()).into()]).await.map(drop)
    }

    /// Gives a run of this worker back.
    pub(crate) async fn let_go(&self, run: &str) -> Result<(), StoreError> {
        let sql =
            "UPDATE flow_runs SET owner = NULL, lease_until = 0 WHERE id = $1 AND owner = $2 AND ended_at IS NULL";
        self.run(sql, vec![run.into(), (&**self.worker()).into()]).await.map(drop)
    }

    /// Ends a run of this worker that cannot be worked on.
    pub(crate) async fn fail(&self, run: &str, code: &str, message: &str) -> Result<(), StoreError> {
        let sql = "UPDATE flow_runs SET state = 'failed', owner = NULL, lease_until = 0, ended_at = $3, error_code = $4, \
                   message = $5 WHERE id = $1 AND owner = $2";
        let values = vec![run.into(), (&**self.worker()).into(), self.now().into(), code.into(), message.into()];
        self.run(sql, values).await.map(drop)
    }

    /// When the next run that waits is due, if any of those that began at `since` or later does; milliseconds since 1970.
    pub(crate) async fn next_due(&self, since: i64) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT min(wake_at) FROM flow_runs WHERE ended_at IS NULL AND owner IS NULL AND state <> 'unknown_outcome' \
                   AND created_at >= $1";
        let row = self.database.read().await?.fetch_one(sql, &[since.into()]).await?;
        Ok(row.and_then(|row| row.opt_int(0)))
    }

    /// Asks for the end of a run, whoever works on it. Gives whether it was unfinished.
    pub(crate) async fn ask_to_cancel(&self, run: Name) -> Result<bool, StoreError> {
        let (sql, values) = (cancelling("id = $1"), vec![(&*run).into()]);
        let write =
            self.database.write(move |connection| Box::pin(async move { connection.execute(&sql, &values).await }));
        let asked: Result<u64, StoreError> = write.await;
        Ok(asked? > 0)
    }

    /// The runs of this worker whose end was asked for.
    pub(crate) async fn to_cancel(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id FROM flow_runs WHERE ended_at IS NULL AND owner = $1 AND cancel = 1";
        let rows = self.database.read().await?.fetch(sql, &[(&**self.worker()).into()]).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// How many unfinished runs are to be cancelled.
    pub(crate) async fn cancelling(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM flow_runs WHERE ended_at IS NULL AND cancel = 1";
        let row = self.database.read().await?.fetch_one(sql, &[]).await?;
        Ok(row.and_then(|row| row.opt_int(0)).and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// Tells every engine of the journal that something was changed from outside of it.
    pub(crate) async fn notify(&self) -> Result<(), StoreError> {
        let sql = "INSERT INTO flow_notices (name, number) VALUES ('change', 1) \
                   ON CONFLICT (name) DO UPDATE SET number = flow_notices.number + 1";
        self.run(sql, Vec::new()).await.map(drop)
    }

    /// How often something was changed from outside.
    pub(crate) async fn notices(&self) -> Result<i64, StoreError> {
        let sql = "SELECT number FROM flow_notices WHERE name = 'change'";
        let row = self.database.read().await?.fetch_one(sql, &[]).await?;
        Ok(row.and_then(|row| row.opt_int(0)).unwrap_or(0))
    }

    /// Runs one statement as a write; gives how many rows it changed.
    pub(crate) async fn run(&self, sql: &'static str, values: Vec<Value>) -> Result<u64, StoreError> {
        self.database.write(move |connection| Box::pin(async move { connection.execute(sql, &values).await })).await
    }

    /// Whether an unfinished run of a flow was started by `kind`.
    pub(crate) async fn is_at_work(&self, flow: &str, kind: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM flow_runs WHERE ended_at IS NULL AND flow = $1 AND trigger_kind = $2 LIMIT 1";
        Ok(self.database.read().await?.fetch_one(sql, &[flow.into(), kind.into()]).await?.is_some())
    }

    /// How far a source of events has been read.
    pub(crate) async fn position(&self, source: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT position FROM flow_cursors WHERE source = $1";
        let row = self.database.read().await?.fetch_one(sql, &[source.into()]).await?;
        Ok(row.and_then(|row| row.opt_text(0)))
    }

    /// Keeps how far a source of events has been read.
    pub(crate) async fn keep_position(&self, source: &str, position: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO flow_cursors (source, position) VALUES ($1, $2) \
                   ON CONFLICT (source) DO UPDATE SET position = excluded.position";
        self.run(sql, vec![source.into(), position.into()]).await.map(drop)
    }
}
