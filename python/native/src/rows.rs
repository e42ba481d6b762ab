//! A running statement: its rows as tuples or as an Arrow stream.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use futures::StreamExt;
use oktant_base::codes;
use oktant_client::{Ledger, StatementId};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};
use tokio::sync::watch;

use crate::cells::{Cells, type_names};
use crate::export::{JsonColumns, exported_batch, exported_schema};
use crate::failure::Failure;
use crate::process::Process;
use crate::requests::request_dicts;
use crate::runtime::wait;

/// A running statement. Rows arrive as they are read.
#[pyclass(frozen, module = "oktant._native")]
pub(crate) struct Rows {
    process: Process,
    ledger: Ledger,
    statement: StatementId,
    schema: SchemaRef,
    /// Whether JSON columns leave as an extension type.
    json_extension: AtomicBool,
    reader: Arc<Reader>,
}

/// What a cursor and the Arrow stream made of it read from in turn.
struct Reader {
    state: Mutex<State>,
    /// Warnings that Python was told of.
    told: Mutex<HashSet<String>>,
    cancelled: watch::Sender<bool>,
}

enum State {
    Reading {
        rows: oktant_sql::Rows,
        /// Whether some were handed out: what is left is not the result.
        touched: bool,
        pending: Option<Pending>,
    },
    Finished {
        warnings: Vec<String>,
    },
    /// Raised again by every later read: what was read so far must not look whole.
    Failed(Failure),
    Closed,
}

/// A batch of which `next` rows were handed out.
struct Pending {
    cells: Cells,
    next: usize,
}

impl Rows {
    /// The result of a statement whose requests stand in `ledger`.
    pub(crate) fn new(rows: oktant_sql::Rows, ledger: Ledger) -> Self {
        let (statement, schema) = (rows.statement(), rows.schema());
        let state = State::Reading { rows, touched: false, pending: None };
        let reader = Reader { state: Mutex::new(state), told: Mutex::default(), cancelled: watch::Sender::new(false) };
        Self {
            process: Process::current(),
            ledger,
            statement,
            schema,
            json_extension: AtomicBool::new(false),
            reader: Arc::new(reader),
        }
    }

    /// Makes Python warnings of what planning found; reading tells of the rest at its end.
    pub(crate) fn warn(&self, py: Python<'_>) -> PyResult<()> {
        self.reader.warn(py, self.warnings())
    }

    fn json_columns(&self) -> JsonColumns {
        if self.json_extension.load(Ordering::Relaxed) { JsonColumns::Extension } else { JsonColumns::Text }
    }
}

#[pymethods]
impl Rows {
    /// Name, SQL type and nullability of each column.
    #[getter]
    fn columns(&self) -> Vec<(String, &'static str, bool)> {
        let fields = self.schema.fields().iter().zip(type_names(&self.schema));
        fields.map(|(field, type_name)| (field.name().clone(), type_name, field.is_nullable())).collect()
    }

    /// Exports JSON columns as the extension type `arrow.json` instead of plain text.
    fn keep_json_extension(&self) {
        self.json_extension.store(true, Ordering::Relaxed);
    }

    /// The number of the statement in the ledger.
    #[getter]
    fn statement_id(&self) -> u64 {
        self.statement.0
    }

    /// Up to `limit` rows, all that are left without one; fewer only at the end.
    #[pyo3(signature = (limit = None))]
    fn fetch<'py>(&self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        self.process.expect_same()?;
        let limit = limit.unwrap_or(usize::MAX);
        let rows = PyList::empty(py);
        while rows.len() < limit {
            match self.reader.take_cells(py)? {
                Some(mut pending) => {
                    let end = pending.cells.rows().min(pending.next.saturating_add(limit - rows.len()));
                    pending.cells.append(&rows, pending.next, end).map_err(|failure| self.reader.fail(failure))?;
                    pending.next = end;
                    self.reader.put_back(pending);
                }
                None => break,
            }
        }
        Ok(rows)
    }

    /// The HTTP requests made for this statement so far.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        request_dicts(py, &self.ledger.entries_of(self.statement))
    }

    /// Interrupts the statement; may be called from any thread.
    fn cancel(&self) {
        self.reader.cancelled.send_replace(true);
    }

    /// Ends the statement and frees what it holds.
    fn close(&self) {
        self.cancel();
        if let Some(mut state) = self.reader.state.try_lock() {
            *state = State::Closed;
        }
    }

    /// What the rows are not to be read without, complete once they are.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        match self.reader.state.try_lock().as_deref() {
            Some(State::Finished { warnings }) => warnings.clone(),
            Some(State::Reading { rows, .. }) => rows.warnings(),
            _ => Vec::new(),
        }
    }

    /// Raises what made the statement fail, if it did.
    fn raise_failure(&self) -> PyResult<()> {
        match self.reader.state.try_lock().as_deref() {
            Some(State::Failed(failure)) => Err(failure.clone().into()),
            _ => Ok(()),
        }
    }

    /// The rows that are left as a capsule of the Arrow C stream interface.
    ///
    /// The stream has the schema of the statement: a requested one is a wish that the interface
    /// allows to leave open, and the consumer casts.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        self.process.expect_same()?;
        self.reader.expect_untouched()?;
        let schema = exported_schema(&self.schema, self.json_columns());
        let stream = FFI_ArrowArrayStream::new(Box::new(Stream { schema, reader: self.reader.clone(), begun: false }));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// The schema as a capsule of the Arrow C data interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let exported = exported_schema(&self.schema, self.json_columns());
        let schema = FFI_ArrowSchema::try_from(Schema::clone(&exported))
            .map_err(|error| Failure::internal("the schema cannot be exported").caused_by(&error))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // An Arrow stream made of these rows outlives them and goes on reading.
        if Arc::strong_count(&self.reader) == 1 {
            self.cancel();
        }
    }
}

impl Reader {
    /// The batch that was begun, or the next one; `None` at the end.
    fn take_cells(&self, py: Python<'_>) -> PyResult<Option<Pending>> {
        if let State::Reading { pending, .. } = &mut *self.lock()?
            && let Some(pending) = pending.take()
        {
            return Ok(Some(pending));
        }
        let Some(batch) = self.next_batch(py)? else { return Ok(None) };
        let cells = py.detach(|| Cells::new(&batch)).map_err(|failure| self.fail(failure))?;
        Ok(Some(Pending { cells, next: 0 }))
    }

    /// Ends the result with a batch that was read and lost.
    fn fail(&self, failure: Failure) -> Failure {
        if let Some(mut state) = self.state.try_lock() {
            *state = State::Failed(failure.clone());
        }
        failure
    }

    /// Makes Python warnings of those texts that it was not told of before.
    fn warn(&self, py: Python<'_>, mut texts: Vec<String>) -> PyResult<()> {
        texts.retain(|text| self.told.lock().insert(text.clone()));
        if texts.is_empty() {
            return Ok(());
        }
        py.import("oktant._warnings")?.call_method1("warn", (texts,)).map(drop)
    }

    fn put_back(&self, rest: Pending) {
        if rest.next < rest.cells.rows()
            && let Some(State::Reading { pending, .. }) = self.state.try_lock().as_deref_mut()
        {
            *pending = Some(rest);
        }
    }

    /// Waits for the next batch that has rows.
    fn next_batch(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        let mut state = self.lock()?;
        let rows = match &mut *state {
            State::Reading { rows, touched, .. } => {
                *touched = true;
                rows
            }
            State::Finished { .. } => return Ok(None),
            State::Failed(failure) => return Err(failure.clone().into()),
            State::Closed => return Err(closed().into()),
        };
        let outcome = wait(py, next_or_cancelled(rows, self.cancelled.subscribe()));
        match outcome {
            Ok(Ok(Some(batch))) => Ok(Some(batch)),
            Ok(Ok(None)) => {
                let warnings = rows.warnings();
                *state = State::Finished { warnings: warnings.clone() };
                drop(state);
                self.warn(py, warnings)?;
                Ok(None)
            }
            Ok(Err(failure)) => {
                *state = State::Failed(failure.clone());
                Err(failure.into())
            }
            Err(interrupt) => {
                *state = State::Failed(Failure::cancelled());
                Err(interrupt)
            }
        }
    }

    fn expect_untouched(&self) -> Result<(), Failure> {
        match &*self.lock()? {
            State::Reading { touched: false, .. } => Ok(()),
            State::Failed(failure) => Err(failure.clone()),
            _ => Err(Failure::new(codes::OKT3012, "the rows of this result were already read, at least in part")
                .hinted("a result is read once: run the statement again for another")),
        }
    }

    /// Never waits: the holder may be waiting for the interpreter that the caller has.
    fn lock(&self) -> Result<parking_lot::MutexGuard<'_, State>, Failure> {
        self.state.try_lock().ok_or_else(|| Failure::new(codes::OKT3012, "the cursor is being read by another thread"))
    }
}

fn closed() -> Failure {
    Failure::new(codes::OKT3012, "the result is closed").hinted("run the statement again, and close it after reading")
}

async fn next_or_cancelled(
    rows: &mut oktant_sql::Rows,
    mut cancelled: watch::Receiver<bool>,
) -> Result<Option<RecordBatch>, Failure> {
    loop {
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => return Err(Failure::cancelled()),
            batch = rows.next() => match batch.transpose().map_err(|error| Failure::from(&error))? {
                Some(batch) if batch.num_rows() == 0 => {}
                other => return Ok(other),
            },
        }
    }
}

/// The rows as other Arrow libraries read them.
struct Stream {
    schema: SchemaRef,
    reader: Arc<Reader>,
    begun: bool,
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Of several streams of one result, the first that is read has all rows.
        if !std::mem::replace(&mut self.begun, true)
            && let Err(failure) = self.reader.expect_untouched()
        {
            return Some(Err(ArrowError::CDataInterface(failure.text())));
        }
        // The consumer may call with or without the interpreter, from any thread.
        let batch = Python::try_attach(|py| self.reader.next_batch(py))
            .unwrap_or_else(|| Err(Failure::cancelled().into()))
            .transpose()?;
        Some(batch.map_err(|error| self.as_arrow_error(&error)).and_then(|batch| exported_batch(&batch, &self.schema)))
    }
}

impl Stream {
    /// The stream carries text only; the exception stays with the reader.
    fn as_arrow_error(&self, error: &PyErr) -> ArrowError {
        let text = match self.reader.state.try_lock().as_deref() {
            Some(State::Failed(failure)) => failure.text(),
            _ => error.to_string().replace('\0', " "),
        };
        ArrowError::CDataInterface(text)
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
