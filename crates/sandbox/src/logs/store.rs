//! The events themselves.

use std::collections::VecDeque;

use oktant_base::Timestamp;
use serde_json::Value;

/// Events that the log keeps; older ones go first.
const EVENTS_MAX: usize = 200_000;

/// One event, already written.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Position since the org began.
    pub(crate) sequence: u64,
    pub(crate) published: Timestamp,
    /// The event as JSON text.
    pub(crate) json: Box<str>,
}

/// All events in order of publication.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    made: u64,
}

impl Log {
    /// Adds an event. Its time must not lie before the last one's.
    pub(crate) fn push(&mut self, published: Timestamp, event: &Value) {
        if self.entries.len() == EVENTS_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { sequence: self.made, published, json: event.to_string().into() });
        self.made += 1;
    }

    /// The events published from `since` on, oldest first.
    pub(crate) fn since(&self, since: Timestamp) -> impl DoubleEndedIterator<Item = &Entry> {
        let start = self.entries.partition_point(|entry| entry.published < since);
        self.entries.range(start..)
    }

    /// Position that the next event will have.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.made
    }
}
