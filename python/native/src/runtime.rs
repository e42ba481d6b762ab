//! The runtime of the process and the one way to wait for it from Python.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// How long an interrupt from the keyboard may go unnoticed.
const SIGNAL_POLL: Duration = Duration::from_millis(50);

struct Owned {
    process: u32,
    runtime: Arc<Runtime>,
}

static RUNTIME: Mutex<Option<Owned>> = Mutex::new(None);

/// The runtime of this process, started on first use.
///
/// A fork leaves its child without the parent's worker threads, so the child gets a runtime of
/// its own. The parent's is leaked there: shutting it down would wait for threads that do not exist.
pub(crate) fn runtime() -> Result<Arc<Runtime>, Failure> {
    let process = std::process::id();
    let mut slot = RUNTIME.lock();
    if let Some(owned) = slot.as_ref().filter(|owned| owned.process == process) {
        return Ok(owned.runtime.clone());
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("oktant")
        .build()
        .map_err(|error| Failure::internal("the runtime cannot be started").caused_by(&error))?;
    let runtime = Arc::new(runtime);
    if let Some(parent) = slot.replace(Owned { process, runtime: runtime.clone() }) {
        std::mem::forget(parent);
    }
    Ok(runtime)
}

/// Drives `work` to its end with the interpreter released, looking for interrupts meanwhile.
///
/// # Errors
///
/// Whatever a signal handler raised, `KeyboardInterrupt` above all; `work` is dropped then,
/// which cancels it.
pub(crate) fn wait<F>(py: Python<'_>, work: F) -> PyResult<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let runtime = runtime()?;
    py.detach(|| {
        runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                match tokio::time::timeout(SIGNAL_POLL, work.as_mut()).await {
                    Ok(output) => return Ok(output),
                    Err(_) => Python::attach(check_signals)?,
                }
            }
        })
    })
}

/// What a signal handler raised where nobody could pass it on.
static MISSED: Mutex<Option<PyErr>> = Mutex::new(None);

/// Keeps what a signal handler raised in the middle of something else, for the next wait to raise.
pub(crate) fn interrupt(error: PyErr) {
    *MISSED.lock() = Some(error);
}

/// Runs the handlers of signals that have arrived.
fn check_signals(py: Python<'_>) -> PyResult<()> {
    let missed = MISSED.lock().take();
    missed.map_or_else(|| py.check_signals(), Err)
}
