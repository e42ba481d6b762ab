//! What was provisioned, in a SQLite file: ids, values as last sent, and a journal of every write.
//!
//! The journal is written ahead (`journal_mode = WAL`, `synchronous = NORMAL`): whatever was committed survives
//! the end of the process by any means. After a power failure the commits of the run that was under way may be
//! missing; the next plan reads the target and finds what they said there.

mod load;
mod write;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oktant_base::Clock;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::error::Error;

pub(crate) use load::{Applied, AppliedGroup, AppliedUser};
pub use load::{OutcomeRow, RunRow};
pub(crate) use write::{Outcome, Write};

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 3;

/// What brings a file of each earlier version to the next one.
const UPGRADES: [&str; SCHEMA_VERSION as usize - 1] = [include_str!("upgrade_1.sql"), include_str!("upgrade_2.sql")];

/// A query of requests whose answer is not known.
const UNANSWERED: &str = include_str!("unanswered.sql");

/// Writes that wait for the writer.
const WRITES_WAITING: usize = 1_024;

/// Pages of the write-ahead log, of 4 KiB, after which it is written into the file. The usual 1,000 would have a run
/// wait for the disk a dozen times; whoever opens the file after a crash reads so much once.
const CHECKPOINT_PAGES: i64 = 16_000;

/// How long a statement waits for another process that has the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The state of one provisioning, held by one run at a time.
#[derive(Debug)]
pub(crate) struct State {
    path: PathBuf,
    sender: Option<mpsc::Sender<write::Job>>,
    writer: Option<JoinHandle<rusqlite::Result<()>>>,
    next_key: AtomicI64,
    next_entry: AtomicI64,
    clock: Arc<dyn Clock>,
    /// Released by the operating system when the process ends, however it ends. Whoever only reads has none.
    _lock: Option<File>,
}

impl State {
    /// Opens the state at `path`, or makes it, for the application and target that `binding` names.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if another run has it, [`Error::State`] if it belongs to something else or is of a later version.
    pub(crate) fn open(path: &Path, binding: &[(&str, &str)], clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let lock = lock(path)?;
        let wrong = |problem: String| Error::State { path: path.to_owned(), problem };
        let mut connection = connect(path, true).map_err(|error| wrong(error.to_string()))?;
        if let Some(problem) = prepare(&mut connection)? {
            return Err(wrong(problem));
        }
        bind(&connection, binding)?.map_or(Ok(()), |problem| Err(wrong(problem)))?;
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let key = number(
            "SELECT max(coalesce((SELECT max(key) FROM users), 0), coalesce((SELECT max(key) FROM groups), 0))",
        )?;
        let entry = number(
            "SELECT max(coalesce((SELECT max(id) FROM journal), 0), coalesce((SELECT entry FROM outcomes ORDER BY run DESC, entry DESC LIMIT 1), 0))",
        )?;
        let (sender, receiver) = mpsc::channel(WRITES_WAITING);
        let writer = tokio::task::spawn_blocking(move || write::run(connection, receiver));
        Ok(Self {
            path: path.to_owned(),
            sender: Some(sender),
            writer: Some(writer),
            next_key: AtomicI64::new(key + 1),
            next_entry: AtomicI64::new(entry + 1),
            clock,
            _lock: Some(lock),
        })
    }

    /// Opens the state for reading only, whoever holds it. One that does not exist yet is empty.
    ///
    /// # Errors
    ///
    /// [`Error::State`] if it belongs to something else or cannot be read.
    pub(crate) fn peek(path: &Path, binding: &[(&str, &str)], clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let wrong = |problem: String| Error::State { path: path.to_owned(), problem };
        if path.exists() {
            let connection = read_only(path)?;
            if let Some(problem) = mismatch(&connection, binding)? {
                return Err(wrong(problem));
            }
        }
        let (next_key, next_entry) = (AtomicI64::new(1), AtomicI64::new(1));
        Ok(Self { path: path.to_owned(), sender: None, writer: None, next_key, next_entry, clock, _lock: None })
    }

    /// A key for a user or group that is not known yet.
    pub(crate) fn new_key(&self) -> i64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    /// An id for a request that is about to be sent.
    pub(crate) fn new_entry(&self) -> i64 {
        self.next_entry.fetch_add(1, Ordering::Relaxed)
    }

    /// The id that comes next.
    pub(crate) fn next_entry(&self) -> i64 {
        self.next_entry.load(Ordering::Relaxed)
    }

    /// The current instant as it is written.
    pub(crate) fn now(&self) -> String {
        self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    /// Writes all of `writes` or none, and waits until they are committed.
    pub(crate) async fn write(&self, writes: Vec<Write>) -> Result<(), Error> {
        let (done, committed) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or_else(|| self.closed())?;
        sender.send(write::Job { writes, done }).await.map_err(|_| self.closed())?;
        committed.await.map_err(|_| self.closed())
    }

    fn closed(&self) -> Error {
        let problem = "it can no longer be written; is the disk full?".to_owned();
        Error::State { path: self.path.clone(), problem }
    }

    /// Whether there is a file: whoever only reads makes none.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// A connection to read with.
    pub(crate) fn reader(&self) -> Result<Connection, Error> {
        Ok(connect(&self.path, false)?)
    }

    /// Waits until everything is written, and lets go of the file.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        drop(self.sender.take());
        match self.writer.take() {
            Some(writer) => Ok(writer.await.map_err(|_| self.closed())??),
            None => Ok(()),
        }
    }
}

/// Takes the state for this process.
fn lock(path: &Path) -> Result<File, Error> {
    let wrong = |problem: String| Error::State { path: path.to_owned(), problem };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let file = File::create(path.with_file_name(name)).map_err(|error| wrong(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(wrong(error.to_string())),
    }
}

/// Makes the tables of a new file and brings those of an older one up to date. Says why it cannot.
fn prepare(connection: &mut Connection) -> rusqlite::Result<Option<String>> {
    let transaction = connection.transaction()?;
    match version(&transaction)? {
        0 => transaction.execute_batch(SCHEMA)?,
        earlier @ 1..SCHEMA_VERSION => {
            for upgrade in &UPGRADES[earlier as usize - 1..] {
                transaction.execute_batch(upgrade)?;
            }
        }
        SCHEMA_VERSION => return Ok(None),
        later => return Ok(Some(format!("it has version {later}, which this program does not know"))),
    }
    transaction.commit()?;
    Ok(None)
}

/// A connection that only reads. A file of an earlier version is brought up to date first, unless a run holds it.
fn read_only(path: &Path) -> Result<Connection, Error> {
    let wrong = |problem: String| Error::State { path: path.to_owned(), problem };
    let connection = connect(path, false).map_err(|error| wrong(error.to_string()))?;
    if version(&connection)? != SCHEMA_VERSION {
        let _lock = lock(path)?;
        let mut writer = connect(path, true).map_err(|error| wrong(error.to_string()))?;
        prepare(&mut writer)?.map_or(Ok(()), |problem| Err(wrong(problem)))?;
    }
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn connect(path: &Path, writes: bool) -> rusqlite::Result<Connection> {
    // A connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !writes {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        return Ok(connection);
    }
    let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

/// Notes what the state belongs to, or says that it belongs to something else.
fn bind(connection: &Connection, binding: &[(&str, &str)]) -> rusqlite::Result<Option<String>> {
    let problem = mismatch(connection, binding)?;
    if problem.is_none() {
        for (name, value) in binding {
            connection.execute("INSERT OR IGNORE INTO binding (name, value) VALUES (?1, ?2)", [name, value])?;
        }
    }
    Ok(problem)
}

/// What the state belongs to, if that is something else than `binding` says.
fn mismatch(connection: &Connection, binding: &[(&str, &str)]) -> rusqlite::Result<Option<String>> {
    for (name, value) in binding {
        let query = "SELECT value FROM binding WHERE name = ?1";
        let known: Option<String> = connection.query_row(query, [name], |row| row.get(0)).optional()?;
        if let Some(known) = known.filter(|known| known != value) {
            return Ok(Some(format!("it belongs to {name} {known}, not {value}")));
        }
    }
    Ok(None)
}

/// Reads the log of earlier runs without taking the state from a run that is under way.
///
/// # Errors
///
/// [`Error::State`] if there is no state at `path`.
pub fn history(path: &Path) -> Result<History, Error> {
    Ok(History { connection: read_only(path)? })
}

/// The log of earlier runs.
#[derive(Debug)]
pub struct History {
    connection: Connection,
}

#[cfg(test)]
mod tests;
