//! `SQLite`, embedded: the default.
//!
//! Statements run where they are asked for, without a hop to another thread: most take microseconds, less than the hop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Connection, Row, Store, StoreError, Value};

/// Connections that read at the same time.
const READERS: usize = 4;

/// How long a statement waits for another process to give the file free.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;

/// A database in a `SQLite` file, or in memory.
///
/// WAL mode, so that readers never wait for the writer; `synchronous = FULL`, so that a committed
/// write outlives a power cut. In memory there is one connection for everyone.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Arc<Pool>,
    writer: Arc<Pool>,
}

impl SqliteStore {
    /// Opens `sqlite://path` (made if it does not exist) or `sqlite::memory:`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`] if the file cannot be opened or is no database.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let path = path(url);
        let in_memory = path.contains(":memory:") || path.contains("mode=memory");
        let writer = Pool::of(vec![open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?]);
        let readers = if in_memory { Arc::clone(&writer) } else { readers(path)? };
        Ok(Self { readers, writer })
    }

    /// Opens the file of `sqlite://path` for reading only, if it is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`] if it cannot be read or is no database.
    pub fn connect_to_read(url: &str) -> Result<Option<Self>, StoreError> {
        let path = path(url);
        if !Path::new(path.split('?').next().unwrap_or(path)).exists() {
            return Ok(None);
        }
        let readers = readers(path)?;
        Ok(Some(Self { writer: Arc::clone(&readers), readers }))
    }
}

fn path(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    path.strip_prefix("//").unwrap_or(path)
}

fn readers(path: &str) -> Result<Arc<Pool>, StoreError> {
    let reader = |_| open(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    Ok(Pool::of((0..READERS).map(reader).collect::<Result<_, _>>()?))
}

/// Opens a connection. What stands behind a `?` are parameters of `SQLite`'s URIs.
fn open(path: &str, flags: OpenFlags) -> Result<rusqlite::Connection, StoreError> {
    // A connection is used by one thread at a time.
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(format!("file:{}", path.replace('#', "%23")), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What was deleted may have been a secret.
        connection.pragma_update(None, "secure_delete", "ON")?;
    }
    Ok(connection)
}

#[async_trait]
impl Store for SqliteStore {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.readers.acquire().await
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.writer.acquire().await
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

    fn blocks(&self) -> bool {
        true
    }
}

/// Connections that are lent to one user at a time.
#[derive(Debug)]
struct Pool {
    idle: Mutex<Vec<rusqlite::Connection>>,
    free: Arc<Semaphore>,
}

impl Pool {
    fn of(connections: Vec<rusqlite::Connection>) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(connections.len()));
        Arc::new(Self { idle: Mutex::new(connections), free })
    }

    async fn acquire(self: &Arc<Self>) -> Result<Box<dyn Connection>, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let connection = self.idle.lock().pop().ok_or(StoreError::Closed)?;
        Ok(Box::new(Lent { connection: Some(connection), pool: Arc::clone(self), _permit: permit }))
    }
}

/// A connection out of the pool; it goes back when it is dropped.
struct Lent {
    /// Present until then.
    connection: Option<rusqlite::Connection>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lent {
    /// Runs a statement and gives what `read` makes of each row.
    fn run<T>(
        &self,
        sql: &str,
        values: &[Value],
        read: impl Fn(&rusqlite::Row<'_>) -> Result<T, StoreError>,
    ) -> Result<(Vec<T>, u64), StoreError> {
        let connection = self.connection.as_ref().ok_or(StoreError::Closed)?;
        let mut statement = connection.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok((found, connection.changes()))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.pool.idle.lock().extend(self.connection.take());
    }
}

#[async_trait]
impl Connection for Lent {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        self.run(sql, values, |_| Ok(())).map(|(_, changes)| changes)
    }

    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.run(sql, values, decode).map(|(rows, _)| rows)
    }
}

/// Gives `$1`, `$2`, … their values: to `SQLite` these are names, numbered as they appear.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), StoreError> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(values.len(), index))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(value) => value.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Text(value) => value.as_deref().map_or(ValueRef::Null, ValueRef::from),
        }))
    }
}

fn decode(row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let columns = row.as_ref().column_count();
    let value = |index| {
        Ok(match row.get_ref(index)? {
            ValueRef::Null => Value::Text(None),
            ValueRef::Integer(value) => Value::Int(Some(value)),
            text @ ValueRef::Text(_) => Value::Text(Some(text.as_str().map_err(rusqlite::Error::from)?.to_owned())),
            ValueRef::Real(_) | ValueRef::Blob(_) => {
                let problem = format!("column {} of {columns} is neither a number nor text", index + 1);
                return Err(StoreError::Corrupt(problem));
            }
        })
    };
    Ok(Row((0..columns).map(value).collect::<Result<_, StoreError>>()?))
}
