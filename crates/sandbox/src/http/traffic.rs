//! What an org receives, and what goes wrong with it on purpose.

use super::faults::{Fault, Faults};
use super::ledger::{Ledger, RecordedRequest};

/// The requests of an org and its faults.
#[derive(Debug, Default)]
pub struct Traffic {
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
}

impl Traffic {
    /// No request yet, and these faults.
    pub(crate) fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        let traffic = Self::default();
        faults.into_iter().for_each(|fault| traffic.add_fault(fault));
        traffic
    }

    /// The requests received, oldest first; the last 10,000 are kept.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.ledger.entries()
    }

    /// Forgets the requests received so far.
    pub fn clear_requests(&self) {
        self.ledger.clear();
    }

    /// Adds a fault; see [the table](crate#faults).
    pub fn add_fault(&self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }
}
