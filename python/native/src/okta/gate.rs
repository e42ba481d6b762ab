//! Keeps worker threads out of an interpreter that is ending.
//!
//! A thread that holds the interpreter while it ends is stopped in the middle of its work, which ends the
//! process with a fatal error. So the end waits for those inside, and none enters after it.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

/// How long the end of the interpreter waits for those inside.
const PATIENCE: Duration = Duration::from_secs(2);

struct Gate {
    /// The process that counts; the threads of a parent do not exist in its child.
    process: u32,
    inside: usize,
    is_closed: bool,
}

static GATE: Mutex<Gate> = Mutex::new(Gate { process: 0, inside: 0, is_closed: false });
static LEFT: Condvar = Condvar::new();

/// Counts a thread that is inside, however it leaves.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        let mut gate = GATE.lock();
        gate.count_this_process();
        if gate.is_closed {
            return None;
        }
        gate.inside += 1;
        Some(Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut gate = GATE.lock();
        gate.inside = gate.inside.saturating_sub(1);
        LEFT.notify_all();
    }
}

impl Gate {
    fn count_this_process(&mut self) {
        let process = std::process::id();
        if self.process != process {
            *self = Self { process, inside: 0, is_closed: false };
        }
    }
}

/// Does `work` with the interpreter, unless that is ending.
pub(super) fn attach(work: impl FnOnce(Python<'_>)) {
    if let Some(_inside) = Inside::enter() {
        Python::attach(work);
    }
}

/// Has the interpreter wait at its end.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let close = wrap_pyfunction!(close, py)?;
    py.import("atexit")?.call_method1("register", (close,)).map(drop)
}

#[pyfunction]
fn close(py: Python<'_>) {
    py.detach(|| {
        let Some(mut gate) = GATE.try_lock_for(PATIENCE) else { return };
        gate.count_this_process();
        gate.is_closed = true;
        LEFT.wait_while_for(&mut gate, |gate| gate.inside > 0, PATIENCE);
    });
}
