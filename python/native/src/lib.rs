//! Native module of the Python package: sessions, results and Arrow streams over the SQL engine, and the org
//! behind `oktant.okta`.
//!
//! It is thin on purpose: what DB-API and SQLAlchemy ask for is written in Python on top of it.
//! Waiting releases the interpreter and notices interrupts ([`runtime::wait`]); errors become the
//! exceptions of `oktant.errors` ([`failure::Failure`]).

use oktant_base::codes;
use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

mod cells;
mod export;
mod failure;
mod json_text;
mod okta;
mod parameters;
mod process;
mod requests;
mod rows;
mod runtime;
mod session;

#[pymodule]
mod _native {
    use super::{
        Bound, PyDict, PyDictMethods, PyLookupError, PyModule, PyModuleMethods, PyResult, Python, codes, pyfunction,
    };

    #[pymodule_export]
    use super::okta::log::log_to;
    #[pymodule_export]
    use super::okta::{Org, is_repeatable, links};
    #[pymodule_export]
    use super::rows::Rows;
    #[pymodule_export]
    use super::session::Session;

    /// The entry of the table of codes for `code`, in any letter case.
    #[pyfunction]
    fn explain<'py>(py: Python<'py>, code: &str) -> PyResult<Bound<'py, PyDict>> {
        let entry = codes::find(code).ok_or_else(|| PyLookupError::new_err(format!("there is no code {code}")))?;
        let dict = PyDict::new(py);
        dict.set_item("code", entry.id())?;
        dict.set_item("title", entry.title())?;
        dict.set_item("sqlstate", entry.sqlstate())?;
        dict.set_item("exception", super::failure::class_of(entry))?;
        dict.set_item("cause", entry.cause())?;
        dict.set_item("fix", entry.fix())?;
        Ok(dict)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::okta::gate::watch(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
