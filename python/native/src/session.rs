//! A connection to an org.

use std::sync::Arc;

use oktant_base::codes;
use oktant_catalog::ColumnType;
use oktant_client::{Edges, Properties};
use oktant_sql::{ColumnInfo, TableInfo};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::failure::Failure;
use crate::parameters::params;
use crate::process::Process;
use crate::requests::request_dicts;
use crate::rows::Rows;
use crate::runtime::wait;

/// Environment variable with the connection string for when none is given.
const DSN_VARIABLE: &str = "OKTANT_DSN";

/// The schema whose tables need no qualification.
const DEFAULT_SCHEMA: &str = "okta";

/// An open org. Threads may share it.
#[pyclass(frozen, module = "oktant._native")]
pub(crate) struct Session {
    process: Process,
    session: oktant_sql::Session,
}

#[pymethods]
impl Session {
    /// Opens the org that the connection string and the properties name; waits for a person to sign
    /// in where the properties ask for that.
    #[staticmethod]
    fn connect(py: Python<'_>, dsn: Option<&str>, properties: Vec<(String, String)>) -> PyResult<Self> {
        let edges = Edges::system();
        let properties = read_properties(dsn, properties, &edges)?;
        let variables = Arc::clone(&edges.variables);
        let session = wait(py, oktant_sql::Session::connect(&properties, edges))?;
        let mut session = session.map_err(|error| Failure::from(&error))?;
        // Without a home there is no default database, and nothing else needs one.
        if let Ok(flows) = oktant_flow_tables::attached(properties.sql.flows_store.as_ref(), &variables) {
            session = session.with_attached(flows);
        }
        Ok(Self { process: Process::current(), session })
    }

    /// What was corrected in the properties or has no effect.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.session.org().properties().warnings.clone()
    }

    /// Plans a statement and starts it.
    #[pyo3(signature = (statement, parameters = None))]
    fn query(&self, py: Python<'_>, statement: &str, parameters: Option<&Bound<'_, PyAny>>) -> PyResult<Rows> {
        self.process.expect_same()?;
        let rows = wait(py, self.session.query(statement, params(parameters)?))?;
        let rows = Rows::new(rows.map_err(|error| Failure::from(&error))?, self.session.org().ledger().clone());
        rows.warn(py)?;
        Ok(rows)
    }

    /// The tables and views, with the keys of `TableInfo` in the stubs.
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.process.expect_same()?;
        if let Err(error) = self.look_up_attached(py) {
            // The org's tables are there all the same.
            let text = format!("the tables of flows are not shown: {}", error.value(py));
            py.import("oktant._warnings")?.call_method1("warn", (vec![text],))?;
        }
        let dicts = self.session.tables().iter().map(|table| table_dict(py, table)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, dicts)
    }

    /// The columns of a table, with the keys of `ColumnInfo` in the stubs.
    fn columns<'py>(&self, py: Python<'py>, table: &str) -> PyResult<Bound<'py, PyList>> {
        self.process.expect_same()?;
        let table = unqualified(table);
        if oktant_catalog::table(table).is_none() {
            self.look_up_attached(py)?;
        }
        let columns = wait(py, self.session.columns(table))?.map_err(|error| Failure::from(&error))?;
        let dicts = columns.iter().map(|column| column_dict(py, column)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, dicts)
    }

    /// The requests made so far, as far as they are remembered.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        request_dicts(py, &self.session.org().ledger().entries())
    }
}

impl Session {
    /// Learns which tables of flows there are now.
    fn look_up_attached(&self, py: Python<'_>) -> PyResult<()> {
        Ok(wait(py, self.session.look_up_attached())?.map_err(|error| Failure::from(&error))?)
    }
}

fn read_properties(dsn: Option<&str>, properties: Vec<(String, String)>, edges: &Edges) -> Result<Properties, Failure> {
    let from_environment = || edges.variables.get(DSN_VARIABLE).map(String::as_str).filter(|dsn| !dsn.is_empty());
    let dsn = dsn.or_else(|| from_environment().filter(|_| properties.is_empty()));
    let read = match dsn {
        Some(dsn) => Properties::parse_with(dsn, properties),
        None if properties.is_empty() => {
            return Err(Failure::new(codes::OKT4003, "no connection string was given")
                .hinted(format!("pass one to oktant.connect, or set {DSN_VARIABLE}")));
        }
        None => Properties::from_pairs(properties),
    };
    read.map_err(|error| Failure::of(&error))
}

/// The name without the default schema's in front.
fn unqualified(table: &str) -> &str {
    match table.split_once('.') {
        Some((schema, name)) if schema.eq_ignore_ascii_case(DEFAULT_SCHEMA) => name,
        _ => table,
    }
}

fn table_dict<'py>(py: Python<'py>, table: &TableInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("schema", &table.schema)?;
    dict.set_item("name", &table.name)?;
    dict.set_item("kind", "table")?;
    dict.set_item("comment", comment(table))?;
    dict.set_item("primary_key", &table.key)?;
    dict.set_item("foreign_keys", foreign_keys(&table.name))?;
    Ok(dict)
}

/// What reading the table takes, the only thing about it that its name does not say.
fn comment(table: &TableInfo) -> Option<String> {
    (!table.scopes.is_empty()).then(|| format!("needs {}", table.scopes.join(" ")))
}

/// Columns that hold the key of a table which lists the parents: column, table, its column.
fn foreign_keys(table: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let Some(table) = oktant_catalog::table(table) else { return Vec::new() };
    let mut keys: Vec<_> = table
        .routes
        .iter()
        .flat_map(|route| route.parents)
        .filter(|parent| oktant_catalog::table(parent.table).is_some())
        .map(|parent| (parent.column, parent.table, parent.table_column))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn column_dict<'py>(py: Python<'py>, column: &ColumnInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &column.name)?;
    dict.set_item("type", type_name(column.data_type))?;
    dict.set_item("nullable", column.nullable)?;
    dict.set_item("read_only", column.read_only)?;
    dict.set_item("hidden", column.hidden)?;
    dict.set_item("comment", column.custom.then_some("custom attribute"))?;
    dict.set_item("values", &column.values)?;
    Ok(dict)
}

fn type_name(data_type: ColumnType) -> &'static str {
    match data_type {
        ColumnType::Text => "VARCHAR",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Date => "DATE",
        ColumnType::Integer => "INTEGER",
        ColumnType::BigInt => "BIGINT",
        ColumnType::Double => "DOUBLE",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Json => "JSON",
    }
}
