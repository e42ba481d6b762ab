//! Where durable state is kept: one set of SQL statements over `SQLite` (embedded) and `PostgreSQL` (shared).
//!
//! [`Store`] is what an engine offers: connections for reading and one for writing. [`Database`] is what a
//! component uses. All writes of a [`Database`] go one after another through one task, several to a transaction
//! when several wait (group commit), so that a write may read before it decides. A component that says
//! [`Writers::One`] keeps that true between processes, by an advisory lock of `PostgreSQL`.
//!
//! A write is acknowledged after its transaction is committed: on `SQLite` in WAL mode with `synchronous = FULL`,
//! that is after an fsync of the log; on `PostgreSQL` as its `synchronous_commit` says, which is `on` unless
//! someone turned it off.
//!
//! Statements are written once for both: columns are BIGINT, TEXT or, rarely, what both understand; truth values
//! are 0 and 1, instants are numbers, lists and records are JSON text. U+0000, which `PostgreSQL` refuses in a text,
//! is kept as U+FFFD by both. Several components share one database, each with tables and a [`Schema`] of its own.

mod condition;
mod migrate;
mod pool;
mod postgres;
mod sqlite;
mod writer;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

pub use condition::{Conditions, Test};
pub use migrate::{Schema, Writers};
pub use postgres::PostgresStore;
pub use sqlite::{SqliteStore, file_of};
pub use writer::Database;

/// What `SQLite` says when a value is there already.
const UNIQUE_VIOLATIONS: [i32; 2] = [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE];

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL names neither `SQLite` nor `PostgreSQL`.
    #[error("\"{0}\" is no address of a store: expected sqlite://path, sqlite::memory: or postgres://…")]
    Address(String),
    /// `PostgreSQL` refused or could not be reached.
    #[error("the database failed")]
    Postgres(#[from] sqlx::Error),
    /// `SQLite` refused, or the file cannot be used.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The database was written by a newer version, or something else lives there.
    #[error("the database is at version {found}, and this program knows up to {known}")]
    Version {
        /// The version of the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A row holds what this program never writes.
    #[error("the database holds an unexpected value: {0}")]
    Corrupt(String),
    /// The transaction that several writes shared could not be committed.
    #[error("the database could not commit")]
    Commit(#[source] Arc<StoreError>),
    /// A write failed that could not be undone without those that shared its transaction.
    #[error("a write of the same transaction failed")]
    Undone,
    /// The thread that writes cannot be started.
    #[error("the thread that writes the database cannot be started")]
    Thread(#[source] std::io::Error),
    /// Nothing was written: the database is being closed, a write panicked, or its transaction could not begin, which
    /// is logged.
    #[error("the database is closed for writing")]
    Closed,
}

impl StoreError {
    /// Whether a uniqueness constraint refused the write.
    pub fn is_unique_violation(&self) -> bool {
        match self {
            Self::Postgres(sqlx::Error::Database(error)) => error.is_unique_violation(),
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => UNIQUE_VIOLATIONS.contains(&error.extended_code),
            _ => false,
        }
    }

    /// Whether the engine refused what a statement held, so that another one may do better. Not whether it is out of
    /// reach.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Postgres(sqlx::Error::Database(_)) | Self::Sqlite(rusqlite::Error::SqliteFailure(..)))
    }

    /// Whether a statement named a table that is not there.
    pub fn is_missing_table(&self) -> bool {
        match self {
            Self::Postgres(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code == "42P01"),
            Self::Sqlite(error) => error.to_string().contains("no such table"),
            _ => false,
        }
    }
}

/// A value that goes into a statement or comes out of a row.
///
/// Absent values keep their type, because `PostgreSQL` wants to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A `BIGINT`.
    Int(Option<i64>),
    /// A `TEXT`.
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}
impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

/// A text as both engines take it: U+0000 becomes the replacement character. `PostgreSQL` would refuse the statement,
/// and with it every write that shares its transaction.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// One row of an answer, its columns in the order of the statement.
#[derive(Debug, Clone)]
pub struct Row(Vec<Value>);

impl Row {
    /// The number in column `index`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if there is none.
    pub fn int(&self, index: usize) -> Result<i64, StoreError> {
        self.opt_int(index).ok_or_else(|| self.unexpected(index))
    }

    /// The number in column `index`, if it is not null.
    pub fn opt_int(&self, index: usize) -> Option<i64> {
        match self.0.get(index) {
            Some(Value::Int(value)) => *value,
            _ => None,
        }
    }

    /// The text in column `index`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if there is none.
    pub fn text(&self, index: usize) -> Result<String, StoreError> {
        self.opt_text(index).ok_or_else(|| self.unexpected(index))
    }

    /// The text in column `index`, if it is not null.
    pub fn opt_text(&self, index: usize) -> Option<String> {
        match self.0.get(index) {
            Some(Value::Text(value)) => value.clone(),
            _ => None,
        }
    }

    // The value itself stays out of the message: it may be a verifier.
    fn unexpected(&self, index: usize) -> StoreError {
        StoreError::Corrupt(format!("column {} of {} is null or of another type", index + 1, self.0.len()))
    }
}

/// A connection to the store. Statements use `$1`, `$2`, … and what both engines understand.
#[async_trait]
pub trait Connection: Send {
    /// Runs a statement; returns the number of rows that it changed.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError>;

    /// Runs a query and returns all of its rows.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Runs a query and returns its first row.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn fetch_one(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// Runs statements that begin and end transactions and parts of them, all in one exchange with the engine.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn control(&mut self, statements: &str) -> Result<(), StoreError>;

    /// Whether `WITH` may hold statements that write: then several are one exchange with the engine.
    fn chains_writes(&self) -> bool {
        false
    }
}

/// A database engine that can hold state.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// A connection for reading, which sees what is committed.
    ///
    /// Where the engine has one connection only, this one waits for the writer: whoever holds it must
    /// not write before giving it back.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError>;

    /// The connection for writing.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError>;

    /// What begins a transaction for writing. Writers of all processes that give a same number wait for one another;
    /// where the engine has one writer only, they do so in any case.
    fn begin(&self, locks: &[i64]) -> String;

    /// The clause by which a query inside a transaction takes rows that no other transaction holds, where there is one.
    fn skip_locked(&self) -> &'static str;

    /// Whether calls return only when the engine is done, the disk included: then the writer has a thread of its own.
    fn blocks(&self) -> bool;

    /// Empties the log that is written ahead of the database's file, so that what was removed is in neither of them.
    /// Gives whether it is empty now: nobody is waited for who still reads an older state. Where there is no such
    /// log, it is.
    ///
    /// # Errors
    ///
    /// What the engine says.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        Ok(true)
    }
}

/// Connects to the engine that `url` names.
///
/// # Errors
///
/// [`StoreError::Address`] or what the engine says.
pub async fn connect(url: &str) -> Result<Box<dyn Store>, StoreError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Box::new(SqliteStore::connect(url)?)),
        Some("postgres" | "postgresql") => Ok(Box::new(PostgresStore::connect(url).await?)),
        _ => Err(StoreError::Address(url.split('@').next_back().unwrap_or_default().to_owned())),
    }
}

/// Connects to the engine that `url` names for reading only; `None` if the file of a `SQLite` database is not there.
/// Nothing is locked or made, and writing fails.
///
/// # Errors
///
/// [`StoreError::Address`] or what the engine says.
pub async fn connect_to_read(url: &str) -> Result<Option<Box<dyn Store>>, StoreError> {
    if !url.starts_with("sqlite:") {
        return connect(url).await.map(Some);
    }
    Ok(SqliteStore::connect_to_read(url)?.map(|store| Box::new(store) as Box<dyn Store>))
}
