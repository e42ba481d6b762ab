//! A record of every HTTP request that a connection made.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Timestamp, limits};
use parking_lot::Mutex;
use serde::Serialize;

/// Names the statement that a request was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct StatementId(pub u64);

/// Names one entry of the ledger, to add the rows it yielded later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct EntryId(u64);

impl EntryId {
    /// None: of an answer for which no request was made.
    pub(crate) const NONE: Self = Self(0);
}

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number on this connection, from 1.
    pub id: EntryId,
    /// The statement it was made for, if any.
    pub statement: Option<StatementId>,
    /// Method.
    pub method: &'static str,
    /// Path.
    pub path: String,
    /// Query as sent, with the values of secret parameters masked.
    pub query: String,
    /// HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Time until the answer was complete, in milliseconds.
    pub elapsed_ms: u64,
    /// Bytes of the answer's body after decompression.
    pub bytes: u64,
    /// Rows decoded from the answer; filled in by whoever decodes.
    pub rows: u64,
    /// Rate-limit bucket.
    pub bucket: String,
}

/// What the requests of one statement add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Repeats among them.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Rows decoded.
    pub rows: u64,
}

/// State of a rate-limit bucket as the org last reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// Name of the bucket.
    pub bucket: String,
    /// Requests per window.
    pub limit: u32,
    /// Requests left in the window.
    pub remaining: u32,
    /// End of the window by the org's clock.
    pub resets_at: Timestamp,
}

/// The requests of a connection, the newest [`limits::LEDGER_ENTRIES_MAX`] of them, and the sums of
/// as many statements. Clones share one record.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    entries: VecDeque<Entry>,
    written: u64,
    /// Apart from the entries, of which a long statement has more than are kept.
    sums: BTreeMap<StatementId, Summary>,
}

impl Record {
    /// The sum of a statement; the one that began first goes when there are too many.
    fn sum(&mut self, statement: StatementId) -> &mut Summary {
        if self.sums.len() >= limits::LEDGER_ENTRIES_MAX && !self.sums.contains_key(&statement) {
            self.sums.pop_first();
        }
        self.sums.entry(statement).or_default()
    }
}

/// What is known of a request once it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) statement: Option<StatementId>,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) status: Option<u16>,
    pub(crate) attempt: u32,
    pub(crate) sent_at: Timestamp,
    pub(crate) elapsed: Duration,
    pub(crate) bytes: u64,
    pub(crate) bucket: String,
}

impl Ledger {
    pub(crate) fn write(&self, outcome: Outcome) -> EntryId {
        let mut record = self.0.lock();
        record.written += 1;
        let id = EntryId(record.written);
        if let Some(statement) = outcome.statement {
            let sum = record.sum(statement);
            sum.requests += 1;
            sum.retries += u64::from(outcome.attempt > 1);
            sum.bytes += outcome.bytes;
        }
        if record.entries.len() == limits::LEDGER_ENTRIES_MAX {
            record.entries.pop_front();
        }
        record.entries.push_back(Entry {
            id,
            statement: outcome.statement,
            method: outcome.method,
            path: outcome.path,
            query: outcome.query,
            status: outcome.status,
            attempt: outcome.attempt,
            sent_at: outcome.sent_at,
            elapsed_ms: u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
            bytes: outcome.bytes,
            rows: 0,
            bucket: outcome.bucket,
        });
        id
    }

    /// Adds rows that were decoded from the answer to `entry`. An entry already forgotten stays so.
    pub fn add_rows(&self, entry: EntryId, rows: u64) {
        let mut record = self.0.lock();
        let Some(first) = record.entries.front().map(|entry| entry.id.0) else { return };
        let index = entry.0.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        let Some(entry) = index.and_then(|index| record.entries.get_mut(index)) else { return };
        entry.rows += rows;
        if let Some(statement) = entry.statement {
            record.sum(statement).rows += rows;
        }
    }

    /// Every remembered entry, the oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.lock().entries.iter().cloned().collect()
    }

    /// The remembered entries of one statement, the oldest first.
    pub fn entries_of(&self, statement: StatementId) -> Vec<Entry> {
        let record = self.0.lock();
        record.entries.iter().filter(|entry| entry.statement == Some(statement)).cloned().collect()
    }

    /// Sums over all requests of one statement, forgotten entries included.
    pub fn summary_of(&self, statement: StatementId) -> Summary {
        self.0.lock().sums.get(&statement).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(ledger: &Ledger, statement: u64, attempt: u32) -> EntryId {
        ledger.write(Outcome {
            statement: Some(StatementId(statement)),
            method: "GET",
            path: String::new(),
            query: String::new(),
            status: Some(200),
            attempt,
            sent_at: Timestamp::UNIX_EPOCH,
            elapsed: Duration::ZERO,
            bytes: 2,
            bucket: String::new(),
        })
    }

    #[test]
    fn sums_do_not_forget_what_the_entries_do() {
        let ledger = Ledger::default();
        let requests = limits::LEDGER_ENTRIES_MAX as u64 + 5;
        for number in 0..requests {
            let entry = write(&ledger, 1, if number == 0 { 2 } else { 1 });
            ledger.add_rows(entry, 3);
        }
        assert_eq!(ledger.entries().len(), limits::LEDGER_ENTRIES_MAX);
        let expected = Summary { requests, retries: 1, bytes: 2 * requests, rows: 3 * requests };
        assert_eq!(ledger.summary_of(StatementId(1)), expected);
    }

    #[test]
    fn sums_of_many_statements_are_bounded() {
        let ledger = Ledger::default();
        for statement in 0..=limits::LEDGER_ENTRIES_MAX as u64 {
            write(&ledger, statement, 1);
        }
        assert_eq!(ledger.0.lock().sums.len(), limits::LEDGER_ENTRIES_MAX);
        assert_eq!(ledger.summary_of(StatementId(0)), Summary::default());
        assert_eq!(ledger.summary_of(StatementId(1)).requests, 1);
    }
}
