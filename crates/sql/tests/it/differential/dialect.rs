//! What the two engines spell or return differently.
//!
//! Statements stay within what DataFusion and SQLite mean alike. Left out, and why:
//! `ILIKE`, `lower` and `upper` of text beyond ASCII (SQLite folds ASCII only); `LIKE` and order on
//! enumerations (here they ignore case); `NOT IN` over a subquery that may yield NULL, `||` and
//! arithmetic with NULL-able mixed types (typing differs); `SUM` and `AVG` of fractions (the order
//! of addition shows); implicit casts between text and numbers; regular expressions, dates beyond
//! comparison, window functions and lateral joins. Order always says where NULL goes and ends in a
//! unique key, since neither engine promises anything else.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType};
use chrono::{DateTime, SecondsFormat};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// One row, every value as text that is the same for both engines.
pub(crate) type Row = Vec<String>;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Okta,
    Sqlite,
}

const OPEN: char = '\u{1}';
const MIDDLE: char = '\u{2}';
const CLOSE: char = '\u{3}';

/// A piece of a statement that each engine spells its own way.
pub(crate) fn either(okta: &str, sqlite: &str) -> String {
    format!("{OPEN}{okta}{MIDDLE}{sqlite}{CLOSE}")
}

/// A statement with pieces of [`either`] as one engine reads it.
pub(crate) fn spelled(text: &str, dialect: Dialect) -> String {
    let mut spelled = String::with_capacity(text.len());
    let mut skipping = false;
    for c in text.chars() {
        match c {
            OPEN => skipping = dialect != Dialect::Okta,
            MIDDLE => skipping = dialect != Dialect::Sqlite,
            CLOSE => skipping = false,
            _ if skipping => {}
            c => spelled.push(c),
        }
    }
    spelled
}

const NULL: &str = "NULL";

fn real(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.9}") }
}

/// The rows of a batch.
pub(crate) fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect()).collect()
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return NULL.to_owned();
    }
    match column.data_type() {
        DataType::Null => NULL.to_owned(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => i32::from(column.as_boolean().value(row)).to_string(),
        DataType::Float64 => real(column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let millis = column.as_primitive::<TimestampMillisecondType>().value(row);
            DateTime::from_timestamp_millis(millis).unwrap().to_rfc3339_opts(SecondsFormat::Millis, true)
        }
        DataType::Date32 => arrow::util::display::array_value_to_string(column, row).unwrap(),
        number if number.is_integer() => {
            let wide = arrow::compute::cast(&column.slice(row, 1), &DataType::Int64).unwrap();
            wide.as_primitive::<Int64Type>().value(0).to_string()
        }
        other => panic!("no statement here returns {other}"),
    }
}

/// A database in memory.
#[derive(Debug)]
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("PRAGMA case_sensitive_like = ON").unwrap();
        Self(connection)
    }

    pub(crate) fn create(&self, table: &str, columns: &[String], rows: &[Vec<rusqlite::types::Value>]) {
        self.0.execute_batch(&format!("CREATE TABLE {table} ({})", columns.join(", "))).unwrap();
        let places = vec!["?"; columns.len()].join(", ");
        let mut insert = self.0.prepare(&format!("INSERT INTO {table} VALUES ({places})")).unwrap();
        for row in rows {
            insert.execute(rusqlite::params_from_iter(row)).unwrap();
        }
    }

    pub(crate) fn rows(&self, sql: &str, context: &str) -> Vec<Row> {
        let mut statement = self.0.prepare(sql).unwrap_or_else(|error| panic!("{context}: {sql}\n{error}"));
        let width = statement.column_count();
        let mut found = statement.query([]).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = found.next().unwrap() {
            rows.push((0..width).map(|column| text(row.get_ref(column).unwrap())).collect());
        }
        rows
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => NULL.to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => real(number),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
        ValueRef::Blob(_) => panic!("no statement here returns bytes"),
    }
}
