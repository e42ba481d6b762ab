//! Entries of the request ledger as dictionaries.

use oktant_client::Entry;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// One dictionary per request, with the keys of `RequestInfo` in the stubs.
pub(crate) fn request_dicts<'py>(py: Python<'py>, entries: &[Entry]) -> PyResult<Bound<'py, PyList>> {
    let dicts = entries.iter().map(|entry| request_dict(py, entry)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, dicts)
}

fn request_dict<'py>(py: Python<'py>, entry: &Entry) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("method", entry.method)?;
    dict.set_item("path", &entry.path)?;
    dict.set_item("query", &entry.query)?;
    dict.set_item("status", entry.status)?;
    dict.set_item("attempt", entry.attempt)?;
    dict.set_item("elapsed_ms", entry.elapsed_ms)?;
    dict.set_item("bytes", entry.bytes)?;
    dict.set_item("rows", entry.rows)?;
    dict.set_item("bucket", &entry.bucket)?;
    Ok(dict)
}
