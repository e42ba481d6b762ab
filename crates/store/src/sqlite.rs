//! `SQLite`, embedded: the default.
//!
//! Statements run where they are asked for, without a hop to another thread: most take microseconds, less than the hop.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, Statement};

use super::pool::{Lent, Pool};
use super::{Connection, Row, Store, StoreError, Value, storable};

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
        let path = path(url);
        let in_memory = is_in_memory(path);
        if !in_memory {
            create_private(path);
        }
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
        if !file(path).exists() {
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

fn is_in_memory(path: &str) -> bool {
    path.contains(":memory:") || path.contains("mode=memory")
}

/// The file that an address of a store names, if it names one.
pub fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.starts_with("sqlite:").then(|| path(url))?;
    let file = file(path);
    (!is_in_memory(path) && !file.as_os_str().is_empty()).then_some(file)
}

/// The file that a path means, as `SQLite` reads it.
fn file(path: &str) -> PathBuf {
    let file = path.split('?').next().unwrap_or(path);
    PathBuf::from(&*percent_decode_str(file).decode_utf8_lossy())
}

/// Makes the file that is not there yet so that only its owner can read it: it holds verifiers of passwords, hashes of
/// tokens and what flows have seen. `SQLite` gives the log beside it the same mode.
fn create_private(path: &str) {
    let parameters = path.split_once('?').map_or("", |(_, parameters)| parameters);
    // Whoever opens a file for reading alone, or one that is there, does not make it.
    if parameters.contains("mode=ro") || parameters.split('&').any(|parameter| parameter == "mode=rw") {
        return;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // It is there, or cannot be made: then `SQLite` says why.
    let _ = options.open(file(path));
}

fn readers(path: &str) -> Result<Arc<Pool<rusqlite::Connection>>, StoreError> {
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
        Ok(Box::new(self.readers.acquire().await?))
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(self.writer.acquire().await?))
    }

    fn begin(&self, _locks: &[i64]) -> String {
        // The file is taken at once: a transaction that begins as a reader may fail to become a writer.
        "BEGIN IMMEDIATE".to_owned()
    }

    fn skip_locked(&self) -> &'static str {
        ""
    }

    fn blocks(&self) -> bool {
        true
    }

    /// # Source
    ///
    /// The manual of `SQLite` on `PRAGMA wal_checkpoint`: the first column of the answer is 1 if it was kept from it.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        let writer = self.writer.acquire().await?;
        let connection = writer.connection.as_ref().ok_or(StoreError::Closed)?;
        // Whoever waits here keeps all others from writing.
        connection.busy_timeout(Duration::ZERO)?;
        let kept = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(kept? == 0)
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

    async fn control(&mut self, statements: &str) -> Result<(), StoreError> {
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
        Ok(match self {
            Self::Int(value) => ToSqlOutput::Borrowed(value.map_or(ValueRef::Null, ValueRef::Integer)),
            Self::Text(None) => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Text(Some(text)) => match storable(text) {
                Cow::Borrowed(text) => text.into(),
                Cow::Owned(text) => text.into(),
            },
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a database.db");
        let url = format!("sqlite://{}?cache=private", path.display().to_string().replace(' ', "%20"));
        let store = SqliteStore::connect(&url).unwrap();
        store.writer().await.unwrap().execute("CREATE TABLE t (id BIGINT)", &[]).await.unwrap();
        let names = ["a database.db", "a database.db-wal", "a database.db-shm"];
        for name in names {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), names.len());
    }

    #[tokio::test]
    async fn who_reads_alone_makes_no_file_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a%20database.db").display());
        assert!(SqliteStore::connect_to_read(&url).unwrap().is_none());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let store = SqliteStore::connect(&url).unwrap();
        store.writer().await.unwrap().execute("CREATE TABLE t (id BIGINT)", &[]).await.unwrap();
        let reading = SqliteStore::connect_to_read(&url).unwrap().expect("the file is there");
        assert!(reading.reader().await.unwrap().fetch("SELECT id FROM t", &[]).await.unwrap().is_empty());
        reading.writer().await.unwrap().execute("INSERT INTO t VALUES (1)", &[]).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_was_deleted_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let store = SqliteStore::connect(&format!("sqlite://{}", path.display())).unwrap();
        let mut writer = store.writer().await.unwrap();
        let holds_it = || std::fs::read(&path).unwrap().windows(6).any(|window| window == b"canary");
        for (statement, stays) in
            [("CREATE TABLE t (text TEXT)", false), ("INSERT INTO t VALUES ('canary')", true), ("DELETE FROM t", false)]
        {
            writer.execute(statement, &[]).await.unwrap();
            writer.fetch("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await.unwrap();
            assert_eq!(holds_it(), stays, "{statement}");
        }
    }
}
