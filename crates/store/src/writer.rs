//! One task that writes: transactions in a row, several writes to one commit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::executor::block_on;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{Connection, Schema, Store, StoreError, Writers};

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
        let exclude = store.exclude(schema.lock());
        let begin: Vec<String> = std::iter::once(store.begin().to_owned()).chain(exclude).collect();
        let mut connection = store.writer().await?;
        for statement in &begin {
            connection.execute(statement, &[]).await?;
        }
        match schema.migrate(&mut *connection).await {
            Ok(()) => connection.execute("COMMIT", &[]).await?,
            Err(error) => {
                connection.execute("ROLLBACK", &[]).await?;
                return Err(error);
            }
        };
        drop(connection);
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let begin = if schema.writers == Writers::One { begin } else { begin[..1].to_vec() };
        let writer = Writer { store: Arc::clone(&store), begin, component: schema.component };
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

/// The task that writes.
struct Writer {
    store: Arc<dyn Store>,
    begin: Vec<String>,
    component: &'static str,
}

impl Writer {
    async fn run(self, mut queue: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
            // Dropping the jobs tells their callers that nothing was written.
            if let Err(error) = self.commit(std::mem::take(&mut batch)).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, component = self.component, "a transaction failed");
            }
        }
    }

    /// Does the jobs in one transaction, each kept or undone by itself, and tells their callers after it.
    async fn commit(&self, batch: Vec<Job>) -> Result<(), StoreError> {
        let mut connection = self.store.writer().await?;
        for (index, statement) in self.begin.iter().enumerate() {
            if let Err(error) = connection.execute(statement, &[]).await {
                // The transaction has begun: whoever has the connection next must not find it.
                if index > 0 {
                    let _ = connection.execute("ROLLBACK", &[]).await;
                }
                return Err(error);
            }
        }
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
            None if alone && finished.iter().all(|done| !done.keep) => connection.execute("ROLLBACK", &[]).await,
            None => connection.execute("COMMIT", &[]).await,
            Some(error) => {
                // The transaction may be gone with the connection; the first error is the one to tell.
                let _ = connection.execute("ROLLBACK", &[]).await;
                Err(error)
            }
        };
        let failed = ended.err().map(Arc::new);
        if let Some(error) = &failed {
            tracing::error!(error = &**error as &dyn std::error::Error, component = self.component, "a commit failed");
        }
        for done in finished {
            (done.tell)(failed.clone().map_or(Ok(()), |cause| Err(StoreError::Commit(cause))));
        }
        Ok(())
    }
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
