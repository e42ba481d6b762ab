//! One task that writes: transactions in a row, several writes to one commit.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::migrate::MIGRATIONS_LOCK;
use super::{Connection, Row, Schema, Store, StoreError, Value};

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

/// The database of a component: concurrent reads, writes one after another.
#[derive(Debug, Clone)]
pub struct Database {
    store: Arc<dyn Store>,
    jobs: mpsc::Sender<Job>,
}

impl Database {
    /// Brings the tables up to date and starts the task that writes. It ends with the last clone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Version`] if the database is newer than this program; else what the engine says.
    pub async fn open(store: Box<dyn Store>, schema: Schema) -> Result<Self, StoreError> {
        let store: Arc<dyn Store> = store.into();
        let lock = schema.lock();
        let mut connection = store.writer().await?;
        let locks: Vec<i64> = [MIGRATIONS_LOCK].into_iter().chain(lock).collect();
        begin(&mut *connection, &store.begin(&locks)).await?;
        match schema.migrate(&mut *connection).await {
            Ok(()) => end(&mut *connection).await?,
            Err(error) => {
                roll_back(&mut *connection).await;
                return Err(error);
            }
        }
        drop(connection);
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let writer = Writer { store: Arc::clone(&store), lock, component: schema.component };
        if store.blocks() {
            let thread = std::thread::Builder::new().name(schema.component.to_owned());
            thread.spawn(|| block_on(writer.run(queue))).map_err(StoreError::Thread)?;
        } else {
            tokio::spawn(writer.run(queue));
        }
        Ok(Self { store, jobs })
    }

    /// The engine underneath.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// A connection for reading; give it back before writing.
    pub async fn read(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.store.reader().await
    }

    /// Runs `work` as one transaction. What it wrote is kept if it returns `Ok`, and is durable when
    /// this returns.
    ///
    /// The work is done even if the caller stops waiting for it.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.submit(work, true).await
    }

    /// Runs `work` as [`Self::write`] does, cheaper, for work that decides first and then writes with a statement that
    /// nothing it was given can make fail. Should it fail all the same, the writes that shared its commit fail with it.
    pub async fn write_decided<T, E, F>(&self, work: F) -> Result<T, E>
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

async fn begin(connection: &mut dyn Connection, statements: &str) -> Result<(), StoreError> {
    let begun = connection.control(statements).await;
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

/// The task that writes.
struct Writer {
    store: Arc<dyn Store>,
    /// The number by which writers of other processes wait, if they have to.
    lock: Option<i64>,
    component: &'static str,
}

impl Writer {
    async fn run(self, mut queue: mpsc::Receiver<Job>) {
        let mut received = Vec::with_capacity(BATCH_MAX);
        while queue.recv_many(&mut received, BATCH_MAX).await > 0 {
            let mut batch: VecDeque<Job> = received.drain(..).collect();
            while !batch.is_empty() {
                if let Err(error) = self.commit(&mut batch).await {
                    self.log(&error, "a transaction failed");
                    // Dropping the jobs tells their callers that nothing was written.
                    batch.clear();
                }
            }
        }
    }

    fn log(&self, error: &StoreError, what: &str) {
        tracing::error!(error = error as &dyn std::error::Error, component = self.component, "{what}");
    }

    /// Does the jobs in one transaction, each kept or undone by itself, and tells their callers after it. Jobs that come
    /// after one that broke the transaction are left for another one.
    async fn commit(&self, batch: &mut VecDeque<Job>) -> Result<(), StoreError> {
        let mut connection = self.store.writer().await?;
        begin(&mut *connection, &self.store.begin(self.lock.as_slice())).await?;
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
        let failed = ended.err().map(Arc::new);
        if let Some(error) = &failed {
            self.log(error, "a commit failed");
        }
        for done in finished {
            (done.tell)(failed.clone().map_or(Ok(()), |cause| Err(StoreError::Commit(cause))));
        }
        Ok(())
    }
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
        return (done, Some(StoreError::Undone));
    }
    if keep || alone || !touched {
        return (done, None);
    }
    if guard == Guard::Taken {
        return (done, connection.control("ROLLBACK TO SAVEPOINT job").await.err());
    }
    (done, Some(StoreError::Undone))
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
            if let Err(error) = self.connection.control(take).await {
                // Some engines have undone the transaction by then.
                (self.failed, self.touched) = (true, true);
                return Err(error);
            }
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
        self.touched |= !matches!(changed, Ok(0)) || !only_changes_rows(sql);
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

    async fn control(&mut self, statements: &str) -> Result<(), StoreError> {
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

/// Whether the number of rows that a statement changed tells whether it did anything.
fn only_changes_rows(sql: &str) -> bool {
    ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb))
}
