//! `SQLite`, embedded: the default.
//!
//! Statements run where they are asked for, without a hop to another thread: most take microseconds, less than the hop.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, Statement};

use super::pool::{Lent, Pool};
use super::{Connection, Row, Store, StoreError, Value};

/// Connections that read at the same time.
const READERS: usize = 4;

/// How long a statement waits for another process to give the file free.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;

/// An account in a `SQLite` file, or in memory.
///
/// WAL mode, so that readers never wait for the writer; `synchronous = FULL`, so that a committed
/// write outlives a power cut. In memory there is one connection for everyone.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Arc<Pool<rusqlite::Connection>>,
    writer: Arc<Pool<rusqlite::Connection>>,
}

impl SqliteStore {
    /// Opens `sqlite://path` (made if it does not exist) or `sqlite::memory:`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`] if the file cannot be opened or is no database.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let path = path.strip_prefix("//").unwrap_or(path);
        let in_memory = path.contains(":memory:") || path.contains("mode=memory");
        if !in_memory {
            create_private(path);
        }
        let writer = Pool::of(vec![open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?]);
        let readers = if in_memory {
            Arc::clone(&writer)
        } else {
            let reader = |_| open(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
            Pool::of((0..READERS).map(reader).collect::<Result<_, _>>()?)
        };
        Ok(Self { readers, writer })
    }
}

/// Makes the file that is not there yet so that only its owner can read it: it holds verifiers of passwords and hashes
/// of tokens. `SQLite` gives the log beside it the same mode.
fn create_private(path: &str) {
    let (file, parameters) = path.split_once('?').unwrap_or((path, ""));
    // Whoever opens a file for reading alone, or one that is there, does not make it.
    if parameters.contains("mode=ro") || parameters.split('&').any(|parameter| parameter == "mode=rw") {
        return;
    }
    let file = percent_decode_str(file).decode_utf8_lossy();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // It is there, or cannot be made: then `SQLite` says why.
    let _ = options.open(&*file);
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
    }
    Ok(connection)
}

#[async_trait]
impl Store for SqliteStore {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(self.readers.acquire().await?))
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(self.writer.acquire().await?))
    }

    fn begin(&self) -> &'static str {
        // Taken at once: a transaction that begins as a reader may fail to become a writer.
        "BEGIN IMMEDIATE"
    }

    fn blocks(&self) -> bool {
        true
    }
}

impl Lent<rusqlite::Connection> {
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

#[async_trait]
impl Connection for Lent<rusqlite::Connection> {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        self.run(sql, values, |_| Ok(())).map(|(_, changes)| changes)
    }

    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.run(sql, values, decode).map(|(rows, _)| rows)
    }

    async fn control(&mut self, statements: &'static str) -> Result<(), StoreError> {
        Ok(self.connection.as_ref().ok_or(StoreError::Closed)?.execute_batch(statements)?)
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
                return Err(StoreError::Corrupt(format!(
                    "column {} of {columns} is neither a number nor text",
                    index + 1
                )));
            }
        })
    };
    Ok(Row((0..columns).map(value).collect::<Result<_, StoreError>>()?))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn files_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("an account.db");
        let url = format!("sqlite://{}?cache=private", path.display().to_string().replace(' ', "%20"));
        let store = SqliteStore::connect(&url).unwrap();
        store.writer().await.unwrap().execute("CREATE TABLE t (id BIGINT)", &[]).await.unwrap();
        let names = ["an account.db", "an account.db-wal", "an account.db-shm"];
        for name in names {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), names.len());
    }
}
