//! What was asked of the sandbox, so that tests assert requests and not only rows.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde::Serialize;

use oktant_base::limits::LEDGER_ENTRIES_MAX;

/// One request that the sandbox received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRequest {
    /// Position since the start, from 1.
    pub sequence: u64,
    /// Method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query as sent, without the question mark; empty if none.
    pub query: String,
    /// Operation of the catalogue, if one was found.
    pub operation: Option<&'static str>,
    /// Status of the answer; 0 if the connection was cut instead.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes: usize,
}

/// Every request, the last [`LEDGER_ENTRIES_MAX`] of them.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    made: u64,
    kept: VecDeque<RecordedRequest>,
}

impl Ledger {
    /// Enters a request; its sequence number is set here.
    pub(crate) fn record(&self, mut request: RecordedRequest) {
        let mut entries = self.0.lock();
        entries.made += 1;
        request.sequence = entries.made;
        if entries.kept.len() == LEDGER_ENTRIES_MAX {
            entries.kept.pop_front();
        }
        entries.kept.push_back(request);
    }

    pub(crate) fn entries(&self) -> Vec<RecordedRequest> {
        self.0.lock().kept.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().kept.clear();
    }
}
