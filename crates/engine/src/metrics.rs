//! What an engine counts.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::journal::RunState;

/// Counters since the engine was opened.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) accepted: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) resumed: AtomicU64,
    ended: [AtomicU64; RunState::ALL.len()],
}

impl Metrics {
    pub(crate) fn count(&self, state: RunState) {
        self.ended[state as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Runs that came to `state`; for the states in which runs wait, how often.
    pub fn runs(&self, state: RunState) -> u64 {
        self.ended[state as usize].load(Ordering::Relaxed)
    }

    /// Runs that began.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Starts that were dropped because their event had started a run before.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Runs that were taken up again after a wait, a crash or from another worker.
    pub fn resumed(&self) -> u64 {
        self.resumed.load(Ordering::Relaxed)
    }

    /// The counters in the text format of Prometheus.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let single = [
            ("oktant_flow_runs_accepted_total", self.accepted()),
            ("oktant_flow_events_duplicate_total", self.duplicates()),
            ("oktant_flow_runs_resumed_total", self.resumed()),
        ];
        for (name, value) in single {
            let _ = writeln!(text, "# TYPE {name} counter\n{name} {value}");
        }
        text.push_str("# TYPE oktant_flow_runs_total counter\n");
        for state in RunState::ALL {
            let _ = writeln!(text, "oktant_flow_runs_total{{state=\"{}\"}} {}", state.name(), self.runs(state));
        }
        text
    }
}
