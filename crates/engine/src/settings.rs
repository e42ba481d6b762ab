//! How an engine runs.

use std::time::Duration;

use oktant_base::Timestamp;

use crate::journal::Worker;

/// Which runs an engine works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Whatever is due; it starts those of schedules.
    All,
    /// Those that began at an instant or later, and those that are to be cancelled: for a command that runs a flow
    /// where no engine does.
    Since(Timestamp),
    /// None: what it starts and changes is left to the engines of the journal, which may be a locked file.
    None,
}

/// How an engine runs. The defaults are the vendor's limits where it states any.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The worker.
    pub worker: Worker,
    /// What it works on.
    pub work: Work,
    /// Values that one run may hold, in bytes.
    pub run_memory: usize,
    /// Steps that one run may take.
    pub run_steps: u64,
    /// Waits longer than this leave the memory.
    pub park_after: Duration,
    /// Runs in memory at the same time; more wait in the journal.
    pub active_runs: usize,
    /// Names of values that histories do not show, beside the usual ones.
    pub redact: Vec<String>,
    /// How long ended runs are kept.
    pub retention: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            worker: Worker { name: "local".into(), lease: Duration::from_secs(30) },
            work: Work::All,
            run_memory: 100 << 20,
            run_steps: 2_000_000,
            park_after: Duration::from_secs(5),
            active_runs: 2048,
            redact: Vec::new(),
            retention: Duration::from_hours(30 * 24),
        }
    }
}
