//! The journal of one run while it is at work: what it knows from before, and what it adds.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use super::Halt;
use crate::action::Fields;
use crate::journal::{Append, Appended, Change, Folded, Journal, Known, NewRun, Record};
use crate::name::Name;

/// Records that wait for a reason to be committed, in bytes; more are a reason.
const BUFFER_MAX: usize = 256 * 1024;

/// The journal of one run.
///
/// Several turns of a loop may write and commit at the same time: who finds its records committed by another one is
/// done.
pub(crate) struct RunLog {
    run: Name,
    journal: Journal,
    known: Mutex<Folded>,
    buffer: Mutex<Buffer>,
    commit: AsyncMutex<()>,
    lost: AtomicBool,
}

#[derive(Default)]
struct Buffer {
    new: Option<NewRun>,
    change: Option<Change>,
    next: i64,
    records: Vec<Record>,
    bytes: usize,
    next_value: i64,
}

impl RunLog {
    /// The journal of a run of which nothing is written yet; its row is made with the first commit.
    pub(crate) fn new(run: Name, journal: Journal, new: NewRun, change: Change) -> Self {
        let buffer = Buffer { new: Some(new), change: Some(change), ..Buffer::default() };
        Self::with(run, journal, Folded::default(), buffer)
    }

    /// The journal of a run that has `known` behind it, and whose next segment is `next`.
    pub(crate) fn resumed(run: Name, journal: Journal, known: Folded, next: i64) -> Self {
        // Names of large values only have to be new.
        let buffer = Buffer { next, next_value: next << 20, ..Buffer::default() };
        Self::with(run, journal, known, buffer)
    }

    fn with(run: Name, journal: Journal, known: Folded, buffer: Buffer) -> Self {
        let (known, buffer) = (Mutex::new(known), Mutex::new(buffer));
        Self { run, journal, known, buffer, commit: AsyncMutex::default(), lost: AtomicBool::new(false) }
    }

    /// What is known of the step at `path` from before.
    pub(crate) fn known(&self, path: &str) -> Option<Known> {
        self.known.lock().step(path).cloned()
    }

    /// Forgets what is known of steps below `prefix`, for good.
    pub(crate) fn forget_below(&self, prefix: &str) {
        self.known.lock().forget_below(prefix);
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.journal.now()
    }

    /// Adds a record; it is durable after the next commit.
    pub(crate) fn push(&self, mut record: Record) {
        let bytes = size_of::<Record>() + record.fields_mut().map(|fields| fields.bytes()).sum::<usize>();
        let mut buffer = self.buffer.lock();
        buffer.records.push(record);
        buffer.bytes += bytes;
    }

    /// Whether so much waits that it should be committed for its size alone.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.lock().bytes > BUFFER_MAX
    }

    /// Changes the records of a run of which nothing is written yet; false if something is.
    pub(crate) fn change_unwritten(&self, change: impl FnMut(&mut Record)) -> bool {
        let mut buffer = self.buffer.lock();
        let unwritten = buffer.next == 0;
        if unwritten {
            buffer.records.iter_mut().for_each(change);
        }
        unwritten
    }

    /// The first append of a run, without its journal.
    pub(crate) fn into_append(self) -> Append {
        self.take(None).expect("a new run has a row to write")
    }

    /// Makes durable what was added.
    pub(crate) async fn commit(&self) -> Result<(), Halt> {
        self.commit_change(None).await
    }

    /// Makes durable what was added, and what becomes of the run's row.
    pub(crate) async fn commit_change(&self, change: Option<Change>) -> Result<(), Halt> {
        let _one = self.commit.lock().await;
        if self.lost.load(Ordering::Relaxed) {
            return Err(Halt::Lost);
        }
        let Some(append) = self.take(change) else { return Ok(()) };
        let result = self.journal.append(append).await;
        if !matches!(result, Ok(Appended::Done)) {
            self.lost.store(true, Ordering::Relaxed);
        }
        match result {
            Ok(Appended::Done) => Ok(()),
            Ok(Appended::Duplicate) => Err(Halt::Duplicate),
            Ok(Appended::Lost) => Err(Halt::Lost),
            Err(error) => Err(Halt::journal(&error)),
        }
    }

    fn take(&self, change: Option<Change>) -> Option<Append> {
        let mut buffer = self.buffer.lock();
        let pending = buffer.change.take();
        let change = change.or(pending);
        if buffer.records.is_empty() && change.is_none() {
            return None;
        }
        let mut records = std::mem::take(&mut buffer.records);
        buffer.bytes = 0;
        let seq = buffer.next;
        buffer.next += 1;
        let mut values = Vec::new();
        for fields in records.iter_mut().flat_map(Record::fields_mut) {
            buffer.keep_apart(fields, &mut values);
        }
        let new = buffer.new.take();
        drop(buffer);
        let records = serde_json::to_string(&records).expect("every record has a JSON text");
        Some(Append { run: self.run.clone(), new, change, seq, records, values })
    }
}

impl Buffer {
    /// Moves large values out of `fields`.
    fn keep_apart(&mut self, fields: &mut Fields, values: &mut Vec<(i64, String)>) {
        for field in fields.iter_mut().filter(|field| field.is_large()) {
            values.push((self.next_value, field.take_apart(self.next_value)));
            self.next_value += 1;
        }
    }
}
