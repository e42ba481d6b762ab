//! Work of the runtime as futures of an event loop.
//!
//! Written here rather than taken from `pyo3-async-runtimes`: that crate keeps a runtime of its own for the
//! process, which a child made by `fork` would wait on for ever.

use std::future::Future;

use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::failure::Failure;
use crate::okta::{Answer, gate};
use crate::runtime::runtime;

/// Starts `work` and gives a future of `event_loop` for its outcome. Cancelling the future ends the work.
pub(super) fn spawn(
    event_loop: Bound<'_, PyAny>,
    work: impl Future<Output = Result<Answer, Failure>> + Send + 'static,
) -> PyResult<Bound<'_, PyAny>> {
    let future = event_loop.call_method0("create_future")?;
    let (event_loop, settled) = (event_loop.unbind(), future.clone().unbind());
    let task = runtime()?.spawn(async move {
        let outcome = work.await;
        gate::attach(|py| {
            let delivery = Delivery { future: settled, outcome: Some(outcome) };
            // A loop that has been closed meanwhile takes nothing, and nobody waits for it.
            let _ = event_loop.call_method1(py, "call_soon_threadsafe", (delivery,));
        });
    });
    future.call_method1("add_done_callback", (Ending(task.abort_handle()),))?;
    Ok(future)
}

/// Sets the outcome of a future; called on the loop's own thread.
#[pyclass]
struct Delivery {
    future: Py<PyAny>,
    outcome: Option<Result<Answer, Failure>>,
}

#[pymethods]
impl Delivery {
    fn __call__(&mut self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        let Some(outcome) = self.outcome.take() else { return Ok(()) };
        if future.call_method0("done")?.is_truthy()? {
            return Ok(());
        }
        match outcome {
            Ok(answer) => future.call_method1("set_result", (answer,))?,
            Err(failure) => future.call_method1("set_exception", (PyErr::from(failure),))?,
        };
        Ok(())
    }
}

/// Ends the work of a future that was cancelled.
#[pyclass(frozen)]
struct Ending(AbortHandle);

#[pymethods]
impl Ending {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        self.0.abort();
    }
}
