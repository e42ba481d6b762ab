//! The tables of flows for someone who only reads: without a lock, page by page.

use std::sync::Arc;

use oktant_base::Timestamp;
use oktant_store::{Conditions, Row, Store, StoreError, Test, Value as Cell};

use super::cell::{from_ordered, to_ordered};
use super::{ColumnType, LIST, Table, read_table};
use crate::Error;
use crate::connection::{SCHEMA, told};

/// Rows that are read at once.
const PAGE: usize = 1000;

/// Columns that every table has before its own: `Row ID`, `Created`, `Updated`.
pub const OWN_COLUMNS: [(&str, ColumnType); 3] =
    [("Row ID", ColumnType::Text), ("Created", ColumnType::Date), ("Updated", ColumnType::Date)];

/// Reads the tables that a database of flows holds.
#[derive(Debug, Clone)]
pub struct TableReader {
    store: Arc<dyn Store>,
}

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// No value.
    Nothing,
    /// Of a column of text.
    Text(String),
    /// Of a column of numbers.
    Number(f64),
    /// Of a column of truth values.
    Boolean(bool),
    /// Of a column of dates.
    Date(Timestamp),
}

impl Stored {
    /// The value as the database holds it.
    fn cell(&self) -> Cell {
        match self {
            Self::Nothing => Cell::Int(None),
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => to_ordered(*number).into(),
            Self::Boolean(truth) => (*truth).into(),
            Self::Date(instant) => instant.timestamp_millis().into(),
        }
    }

    fn read(row: &Row, index: usize, kind: ColumnType) -> Self {
        let read = match kind {
            ColumnType::Text => row.opt_text(index).map(Self::Text),
            ColumnType::Number => row.opt_int(index).map(|bits| Self::Number(from_ordered(bits))),
            ColumnType::Boolean => row.opt_int(index).map(|bit| Self::Boolean(bit != 0)),
            ColumnType::Date => row.opt_int(index).and_then(Timestamp::from_timestamp_millis).map(Self::Date),
        };
        read.unwrap_or(Self::Nothing)
    }
}

/// What holds of a column; never of one without a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// It is one of these.
    OneOf(Vec<Stored>),
    /// It compares with a value by `<`, `<=`, `>` or `>=`.
    Compare(&'static str, Stored),
}

/// Which rows and columns of a table are wanted. Columns are named by position, those of [`OWN_COLUMNS`] first.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Columns.
    pub columns: Vec<usize>,
    /// What holds of every row.
    pub choices: Vec<(usize, Choice)>,
    /// Rows behind this one, by its id.
    pub after: Option<String>,
    /// Rows that suffice.
    pub limit: Option<usize>,
}

impl TableReader {
    /// The tables in a database; `None` if it has none and knows none.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn open(store: Arc<dyn Store>) -> Result<Option<Self>, Error> {
        let is_in = SCHEMA.is_in(&*store).await.map_err(|error| failed(&error))?;
        Ok(is_in.then_some(Self { store }))
    }

    /// Every table, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<Table>, Error> {
        let rows = async {
            self.store.reader().await?.fetch(LIST, &[]).await?.iter().map(read_table).collect::<Result<_, _>>()
        };
        rows.await.map_err(|error: StoreError| failed(&error))
    }

    /// A page of rows by their ids, each its id and the columns wanted. Empty behind the last one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn page(&self, table: &Table, selection: &Selection) -> Result<Vec<(String, Vec<Stored>)>, Error> {
        let names: Vec<String> =
            selection.columns.iter().map(|position| format!(", {}", sql_name(*position))).collect();
        let mut wanted = Conditions::default();
        for (position, choice) in &selection.choices {
            let test = match choice {
                Choice::OneOf(values) => Test::OneOf(values.iter().map(Stored::cell).collect()),
                Choice::Compare(operator, value) => Test::Compare(operator, value.cell()),
            };
            wanted.add(&sql_name(*position), &test);
        }
        if let Some(after) = &selection.after {
            wanted.add("row_id", &Test::Compare(">", after.as_str().into()));
        }
        let sql = format!(
            "SELECT row_id{} FROM {}{} ORDER BY row_id LIMIT {}",
            names.concat(),
            table.physical,
            wanted.clause(),
            selection.limit.map_or(PAGE, |limit| limit.min(PAGE))
        );
        let read = |row: &Row| {
            let kinds = selection.columns.iter().map(|position| kind(table, *position));
            let values = kinds.enumerate().map(|(index, kind)| Stored::read(row, index + 1, kind)).collect();
            Ok((row.text(0)?, values))
        };
        let rows = async {
            self.store.reader().await?.fetch(&sql, wanted.values()).await?.iter().map(read).collect::<Result<_, _>>()
        };
        rows.await.map_err(|error: StoreError| failed(&error))
    }
}

fn sql_name(position: usize) -> String {
    match position {
        0 => "row_id".to_owned(),
        1 => "created".to_owned(),
        2 => "updated".to_owned(),
        own => format!("c{}", own - OWN_COLUMNS.len()),
    }
}

fn kind(table: &Table, position: usize) -> ColumnType {
    OWN_COLUMNS.get(position).map_or_else(|| table.columns[position - OWN_COLUMNS.len()].kind, |(_, kind)| *kind)
}

fn failed(error: &StoreError) -> Error {
    Error::Store { location: "the flows' database".to_owned(), problem: told(error) }
}
