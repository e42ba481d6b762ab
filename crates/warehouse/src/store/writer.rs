//! One task that writes: transactions in a row, several writes to one commit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{Connection, Store, StoreError, migrate};

/// Writes that wait for the writer; more have to wait outside.
const QUEUE_MAX: usize = 1024;

/// Writes that share one commit at most.
const BATCH_MAX: usize = 128;

/// What a write did, and whom to tell once that is final.
struct Done {
    keep: bool,
    tell: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

type Job = Box<dyn for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Done> + Send>;

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
        let (sender, receiver) = oneshot::channel::<Result<T, E>>();
        let job: Job = Box::new(move |connection| {
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
        self.jobs.send(job).await.map_err(|_| E::from(StoreError::Closed))?;
        receiver.await.unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
    }
}

async fn begin(store: &dyn Store, connection: &mut dyn Connection) -> Result<(), StoreError> {
    for statement in store.begin() {
        if let Err(error) = connection.execute(statement, &[]).await {
            roll_back(connection).await;
            return Err(error);
        }
    }
    Ok(())
}

async fn end(connection: &mut dyn Connection) -> Result<(), StoreError> {
    let ended = connection.execute("COMMIT", &[]).await;
    if ended.is_err() {
        roll_back(connection).await;
    }
    ended.map(drop)
}

/// Leaves no transaction open on a connection that others get next. There may be none: then the engine says so, and
/// the error before is the one to tell.
async fn roll_back(connection: &mut dyn Connection) {
    if let Err(error) = connection.execute("ROLLBACK", &[]).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "there was nothing to roll back");
    }
}

async fn run(store: Arc<dyn Store>, mut queue: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        // Dropping the jobs tells their callers that nothing was written.
        if let Err(error) = commit(&*store, std::mem::take(&mut batch)).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a transaction of the account failed");
        }
    }
}

/// Does the jobs in one transaction, each kept or undone by itself, and tells their callers after it.
async fn commit(store: &dyn Store, batch: Vec<Job>) -> Result<(), StoreError> {
    let mut connection = store.writer().await?;
    begin(store, &mut *connection).await?;
    let mut finished = Vec::with_capacity(batch.len());
    let alone = batch.len() == 1;
    let mut failure = None;
    for job in batch {
        match attempt(&mut *connection, job, alone).await {
            Ok(done) => finished.extend(done),
            Err(error) => {
                failure = Some(error);
                break;
            }
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
    let failed = ended.err().map(|error| error.to_string());
    for done in finished {
        (done.tell)(failed.clone().map_or(Ok(()), |reason| Err(StoreError::Commit(reason))));
    }
    Ok(())
}

/// Does one job. `None` if it panicked: its work is undone, its caller sees the channel close.
async fn attempt(connection: &mut dyn Connection, job: Job, alone: bool) -> Result<Option<Done>, StoreError> {
    if !alone {
        connection.execute("SAVEPOINT job", &[]).await?;
    }
    let done = AssertUnwindSafe(job(connection)).catch_unwind().await.ok();
    if !alone {
        if !done.as_ref().is_some_and(|done| done.keep) {
            connection.execute("ROLLBACK TO SAVEPOINT job", &[]).await?;
        }
        connection.execute("RELEASE SAVEPOINT job", &[]).await?;
    }
    Ok(done)
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

        fn begin(&self) -> &'static [&'static str] {
            if self.fails.load(Ordering::Relaxed) {
                &["BEGIN IMMEDIATE", "SELECT 1 FROM nowhere"]
            } else {
                self.store.begin()
            }
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
}
