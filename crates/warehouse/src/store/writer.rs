//! One task that writes: transactions in a row, several writes to one commit.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{Connection, Row, Store, StoreError, Value, migrate};

/// Writes that wait for the writer; more have to wait outside.
const QUEUE_MAX: usize = 1024;

/// Writes that share one commit at most.
const BATCH_MAX: usize = 128;

/// What a write did, and whom to tell once that is final.
struct Done {
    keep: bool,
    tell: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

type Work = Box<dyn for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Done> + Send>;

/// A write.
struct Job {
    /// Whether it may fail after it has written something, and is undone by itself then.
    guarded: bool,
    work: Work,
}

/// The store of an account: concurrent reads, writes one after another.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    store: Arc<dyn Store>,
    jobs: mpsc::Sender<Job>,
}

impl Database {
    /// Brings the tables up to date and starts the task that writes. It ends with the last clone.
    pub(crate) async fn open(store: Box<dyn Store>) -> Result<Self, StoreError> {
        let store: Arc<dyn Store> = store.into();
        let mut connection = store.writer().await?;
        begin(&*store, &mut *connection).await?;
        match migrate::migrate(&mut *connection).await {
            Ok(()) => end(&mut *connection).await?,
            Err(error) => {
                roll_back(&mut *connection).await;
                return Err(error);
            }
        }
        drop(connection);
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let writing = run(Arc::clone(&store), queue);
        if store.blocks() {
            std::thread::Builder::new()
                .name("account".to_owned())
                .spawn(|| block_on(writing))
                .map_err(StoreError::Thread)?;
        } else {
            tokio::spawn(writing);
        }
        Ok(Self { store, jobs })
    }

    /// A connection for reading; give it back before writing.
    pub(crate) async fn read(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.store.reader().await
    }

    /// Runs `work` as one transaction. What it wrote is kept if it returns `Ok`, and is durable when
    /// this returns.
    ///
    /// The work is done even if the caller stops waiting for it.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.submit(work, true).await
    }

    /// Runs `work` as [`Self::write`] does, cheaper, for work that decides first and then writes with a statement that
    /// nothing it was given can make fail. Should it fail all the same, the writes that shared its commit fail with it.
    pub(crate) async fn write_decided<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.submit(work, false).await
    }

    async fn submit<T, E, F>(&self, work: F, guarded: bool) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel::<Result<T, E>>();
        let work: Work = Box::new(move |connection| {
            Box::pin(async move {
                let result = work(connection).await;
                Done {
                    keep: result.is_ok(),
                    // Whoever asked may have gone away.
                    tell: Box::new(move |committed| {
                        let _ = sender.send(result.and_then(|value| committed.map(|()| value).map_err(E::from)));
                    }),
                }
            })
        });
        self.jobs.send(Job { guarded, work }).await.map_err(|_| E::from(StoreError::Closed))?;
        receiver.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }
}

async fn begin(store: &dyn Store, connection: &mut dyn Connection) -> Result<(), StoreError> {
    let begun = connection.control(store.begin()).await;
    if begun.is_err() {
        roll_back(connection).await;
    }
    begun
}

async fn end(connection: &mut dyn Connection) -> Result<(), StoreError> {
    let ended = connection.control("COMMIT").await;
    if ended.is_err() {
        roll_back(connection).await;
    }
    ended
}

/// Leaves no transaction open on a connection that others get next. There may be none: then the engine says so, and
/// the error before is the one to tell.
async fn roll_back(connection: &mut dyn Connection) {
    if let Err(error) = connection.control("ROLLBACK").await {
        tracing::debug!(error = &error as &dyn std::error::Error, "there was nothing to roll back");
    }
}

async fn run(store: Arc<dyn Store>, mut queue: mpsc::Receiver<Job>) {
    let mut received = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut received, BATCH_MAX).await > 0 {
        let mut batch: VecDeque<Job> = received.drain(..).collect();
        while !batch.is_empty() {
            if let Err(error) = commit(&*store, &mut batch).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a transaction of the account failed");
                // Dropping the jobs tells their callers that nothing was written.
                batch.clear();
            }
        }
    }
}

/// Does the jobs in one transaction, each kept or undone by itself, and tells their callers after it. Jobs that come
/// after one that broke the transaction are left for another one.
async fn commit(store: &dyn Store, batch: &mut VecDeque<Job>) -> Result<(), StoreError> {
    let mut connection = store.writer().await?;
    begin(store, &mut *connection).await?;
    let mut finished = Vec::with_capacity(batch.len());
    let alone = batch.len() == 1;
    let mut savepoint = false;
    let mut failure = None;
    while let Some(job) = batch.pop_front() {
        let (done, failed) = attempt(&mut *connection, job, alone, &mut savepoint).await;
        finished.extend(done);
        failure = failed;
        if failure.is_some() {
            break;
        }
    }
    let ended = match failure {
        None if alone && finished.iter().all(|done| !done.keep) => {
            roll_back(&mut *connection).await;
            Ok(())
        }
        None => end(&mut *connection).await,
        Some(error) => {
            roll_back(&mut *connection).await;
            Err(error)
        }
    };
    drop(connection);
    let failed = ended.err().map(|error| error.to_string());
    for done in finished {
        (done.tell)(failed.clone().map_or(Ok(()), |reason| Err(StoreError::Commit(reason))));
    }
    Ok(())
}

/// Does one job, and says what broke the transaction, if anything did. No `Done` if the job panicked: its work is undone,
/// its caller sees the channel close.
async fn attempt(
    connection: &mut dyn Connection,
    job: Job,
    alone: bool,
    savepoint: &mut bool,
) -> (Option<Done>, Option<StoreError>) {
    let guard = if job.guarded && !alone { Guard::Wanted } else { Guard::Unneeded };
    let mut unit = Unit { connection: &mut *connection, guard, savepoint, touched: false, failed: false };
    let done = AssertUnwindSafe((job.work)(&mut unit)).catch_unwind().await.ok();
    let Unit { guard, touched, failed, .. } = unit;
    let keep = done.as_ref().is_some_and(|done| done.keep);
    if keep && failed {
        // Some engines have undone the transaction by then and would not say so when it is committed.
        return (done, Some(StoreError::Commit("a statement of it failed".to_owned())));
    }
    if keep || alone || !touched {
        return (done, None);
    }
    if guard == Guard::Taken {
        return (done, connection.control("ROLLBACK TO SAVEPOINT job").await.err());
    }
    (done, Some(StoreError::Commit("another write of the same transaction failed".to_owned())))
}

/// The savepoint of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    Unneeded,
    /// Before the first write.
    Wanted,
    Taken,
}

/// What a job writes on. A savepoint is taken where there is something to undo: before the first write of a job that
/// may fail.
struct Unit<'c> {
    connection: &'c mut dyn Connection,
    guard: Guard,
    /// Whether the transaction has a savepoint, of this job or of one before.
    savepoint: &'c mut bool,
    /// Whether the job wrote something, or a statement failed, which leaves some engines without a transaction to go on with.
    touched: bool,
    /// Whether a statement failed.
    failed: bool,
}

impl Unit<'_> {
    async fn before_write(&mut self) -> Result<(), StoreError> {
        if self.guard == Guard::Wanted {
            let take = if *self.savepoint { "RELEASE SAVEPOINT job; SAVEPOINT job" } else { "SAVEPOINT job" };
            self.connection.control(take).await?;
            (*self.savepoint, self.guard) = (true, Guard::Taken);
        }
        Ok(())
    }
}

#[async_trait]
impl Connection for Unit<'_> {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        self.before_write().await?;
        let changed = self.connection.execute(sql, values).await;
        self.failed |= changed.is_err();
        self.touched |= !matches!(changed, Ok(0));
        changed
    }

    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        // Some writes return what they wrote.
        let writes = !sql.starts_with("SELECT");
        if writes {
            self.before_write().await?;
        }
        let rows = self.connection.fetch(sql, values).await;
        self.failed |= rows.is_err();
        self.touched |= rows.as_ref().map_or(true, |rows| writes && !rows.is_empty());
        rows
    }

    async fn control(&mut self, statements: &'static str) -> Result<(), StoreError> {
        self.before_write().await?;
        self.touched = true;
        let done = self.connection.control(statements).await;
        self.failed |= done.is_err();
        done
    }

    fn chains_writes(&self) -> bool {
        self.connection.chains_writes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::store::SqliteStore;

    /// A store whose transactions cannot begin while told so.
    #[derive(Debug)]
    struct Failing {
        store: SqliteStore,
        fails: Arc<AtomicBool>,
    }

    #[async_trait]
    impl Store for Failing {
        async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
            self.store.reader().await
        }

        async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
            self.store.writer().await
        }

        fn begin(&self) -> &'static str {
            let fails = self.fails.load(Ordering::Relaxed);
            if fails { "BEGIN IMMEDIATE; SELECT 1 FROM nowhere" } else { self.store.begin() }
        }

        fn blocks(&self) -> bool {
            self.store.blocks()
        }
    }

    async fn write(db: &Database, sql: &'static str) -> Result<u64, StoreError> {
        db.write(move |tx| Box::pin(async move { tx.execute(sql, &[]).await })).await
    }

    #[tokio::test]
    async fn a_transaction_that_fails_to_begin_or_to_end_leaves_the_connection_usable() {
        let store = SqliteStore::connect("sqlite::memory:").unwrap();
        store.writer().await.unwrap().execute("PRAGMA foreign_keys = ON", &[]).await.unwrap();
        let fails = Arc::new(AtomicBool::new(false));
        let db = Database::open(Box::new(Failing { store, fails: Arc::clone(&fails) })).await.unwrap();
        write(&db, "CREATE TABLE parents (id BIGINT PRIMARY KEY)").await.unwrap();
        let children = "CREATE TABLE children (parent BIGINT REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)";
        write(&db, children).await.unwrap();
        fails.store(true, Ordering::Relaxed);
        assert!(matches!(write(&db, "INSERT INTO parents VALUES (1)").await, Err(StoreError::Closed)));
        fails.store(false, Ordering::Relaxed);
        assert!(matches!(write(&db, "INSERT INTO children VALUES (7)").await, Err(StoreError::Commit(_))));
        write(&db, "INSERT INTO parents VALUES (2)").await.unwrap();
        let mut connection = db.read().await.unwrap();
        let row = connection.fetch_one("SELECT sum(id) FROM parents", &[]).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), 2, "what was not acknowledged is not there");
        assert!(connection.fetch("SELECT * FROM children", &[]).await.unwrap().is_empty());
    }

    /// Does these writes in one transaction, and says which of them succeeded.
    async fn together(db: &Database, writes: &[(&'static str, bool)]) -> Vec<bool> {
        // The writer waits in the first one until all others wait for it.
        let (started, begun) = oneshot::channel::<()>();
        let (go, wait) = oneshot::channel::<()>();
        let first = db.write(move |_| {
            Box::pin(async move {
                started.send(()).map_err(|()| StoreError::Closed)?;
                wait.await.map_err(|_| StoreError::Closed)
            })
        });
        let rest = async {
            begun.await.unwrap();
            let others = writes.iter().map(|(sql, guarded)| {
                let (sql, guarded) = (*sql, *guarded);
                db.submit(move |tx| Box::pin(async move { tx.execute(sql, &[]).await }), guarded)
            });
            let others = futures::future::join_all(others);
            // Each of the others is sent when it is polled first, which is before this.
            let release = async { go.send(()).unwrap() };
            futures::join!(others, release).0
        };
        let (first, others) = futures::join!(first, rest);
        first.unwrap();
        others.iter().map(Result::is_ok).collect()
    }

    #[tokio::test]
    async fn a_write_that_fails_is_undone_by_itself_or_with_those_before_it() {
        let db = Database::open(Box::new(SqliteStore::connect("sqlite::memory:").unwrap())).await.unwrap();
        write(&db, "CREATE TABLE t (id BIGINT PRIMARY KEY)").await.unwrap();
        let bad = "INSERT INTO nowhere VALUES (1)";
        let guarded = [("INSERT INTO t VALUES (1)", true), (bad, true), ("INSERT INTO t VALUES (2)", false)];
        assert_eq!(together(&db, &guarded).await, [true, false, true]);
        let decided = [("INSERT INTO t VALUES (3)", true), (bad, false), ("INSERT INTO t VALUES (4)", true)];
        assert_eq!(together(&db, &decided).await, [false, false, true], "nobody is told of what was not kept");
        let rows = db.read().await.unwrap().fetch("SELECT id FROM t ORDER BY id", &[]).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.int(0).unwrap()).collect();
        assert_eq!(ids, [1, 2, 4]);
    }
}
