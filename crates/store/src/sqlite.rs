//! `SQLite`, embedded: the default.

use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::{Connection, Store, StoreError, pooled_connection};

/// Connections that read at the same time.
const READERS: u32 = 4;

/// How long a statement waits for another process to give the file free.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A database in a `SQLite` file, or in memory.
///
/// WAL mode, so that readers never wait for the writer; `synchronous = FULL`, so that a committed
/// write outlives a power cut. In memory there is one connection for everyone.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteStore {
    /// Opens `sqlite://path` (made if it does not exist) or `sqlite::memory:`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] if the file cannot be opened or is no database.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = options(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers =
            if in_memory { writer.clone() } else { pool(READERS).connect_with(options.read_only(true)).await? };
        Ok(Self { readers, writer })
    }

    /// Opens the file of `sqlite://path` for reading only, if it is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] if it cannot be read or is no database.
    pub async fn connect_to_read(url: &str) -> Result<Option<Self>, StoreError> {
        let options = options(url)?.create_if_missing(false).read_only(true);
        if !options.get_filename().exists() {
            return Ok(None);
        }
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Some(Self { writer: readers.clone(), readers }))
    }
}

fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    Ok(SqliteConnectOptions::from_str(url)?.busy_timeout(BUSY_TIMEOUT).statement_cache_capacity(256))
}

fn pool(connections: u32) -> SqlitePoolOptions {
    // A connection in memory is the database: it must not be closed for being old or idle. None of them can be lost on
    // the way, so none is asked whether it is still there.
    let options = SqlitePoolOptions::new().max_connections(connections).min_connections(1);
    options.idle_timeout(None).max_lifetime(None).test_before_acquire(false)
}

#[async_trait]
impl Store for SqliteStore {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(SqliteConnection(self.readers.acquire().await?)))
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(SqliteConnection(self.writer.acquire().await?)))
    }

    fn begin(&self) -> &'static str {
        // Taken at once: a transaction that begins as a reader may fail to become a writer.
        "BEGIN IMMEDIATE"
    }

    fn exclude(&self, _lock: i64) -> Option<String> {
        None
    }

    fn skip_locked(&self) -> &'static str {
        ""
    }
}

pooled_connection!(SqliteConnection, Sqlite, "INTEGER" | "BIGINT");
