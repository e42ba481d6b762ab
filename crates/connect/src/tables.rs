//! `stash`: the tables of flows, with typed columns, as tables of the database.
//!
//! A column of numbers holds them as integers of the same order, since the store's columns are
//! integers and text.

use std::sync::Arc;

use oktant_base::{Clock, Entropy, Timestamp};
use oktant_engine::{CardError, ErrorKind, Outcome};
use oktant_store::{Connection as Statements, Row, StoreError, Value as Cell};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

mod cell;
mod reader;

pub use cell::ColumnType;
pub use reader::{Choice, OWN_COLUMNS, Selection, Stored, TableReader};

use self::cell::{cell, from_ordered, instant_text};
use crate::Error;
use crate::connection::ConnectStore;
use crate::fields::Fields;
use crate::manifest::Repeat;
use crate::manifest::expression::{is_empty, text};

/// Rows of a table at most.
const ROWS_MAX: i64 = 100_000;

/// Every table, by name.
const LIST: &str = "SELECT id, name, columns, physical FROM connect_tables ORDER BY name, id";

/// Cards.
pub(crate) const OPERATIONS: &[(&str, Repeat)] = &[
    ("searchRows2", Repeat::Safe),
    ("createRow", Repeat::Safe),
    ("updateRow", Repeat::Safe),
    ("clearTable", Repeat::Safe),
    ("deleteRow", Repeat::Search),
    ("exportToCSV", Repeat::Safe),
    ("readRow", Repeat::Safe),
    ("readTable", Repeat::Safe),
];

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// The value of new rows that give none.
    #[serde(default)]
    pub default: Option<String>,
}

/// A table of flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its id, by which cards name it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its name in the database.
    physical: String,
}

/// A column by its name, or one of those that every table has.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    sql: &'a str,
    kind: ColumnType,
}

/// The tables of a store.
#[derive(Debug, Clone)]
pub struct Tables {
    store: ConnectStore,
    /// Millisecond and number of the newest row of this process.
    newest: Arc<Mutex<(i64, u32)>>,
}

impl Tables {
    /// The tables of `store`.
    pub fn new(store: ConnectStore) -> Self {
        Self { store, newest: Arc::default() }
    }

    /// Every table, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<Table>, Error> {
        let rows = self.store.fetch(LIST, &[]).await?;
        rows.iter().map(|row| self.table(row)).collect()
    }

    /// The table with this id or name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownTable`] or [`Error::Store`].
    pub async fn get(&self, id_or_name: &str) -> Result<Table, Error> {
        let sql = "SELECT id, name, columns, physical FROM connect_tables WHERE id = $1 OR name = $1 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END";
        let rows = self.store.fetch(sql, &[id_or_name.into()]).await?;
        let unknown = || Error::UnknownTable(id_or_name.to_owned());
        self.table(rows.first().ok_or_else(unknown)?)
    }

    /// Makes a table, or adds to a known one the columns that it lacks.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a known column holds something else; [`Error::Store`].
    pub async fn define(&self, id: &str, name: &str, columns: &[Column]) -> Result<Table, Error> {
        let known = match self.get(id).await {
            Ok(table) if table.id == id => Some(table),
            Ok(_) | Err(Error::UnknownTable(_)) => None,
            Err(error) => return Err(error),
        };
        let mut merged = known.as_ref().map(|table| table.columns.clone()).unwrap_or_default();
        let mut statements = Vec::new();
        let physical = known.map_or_else(|| physical_name(id), |table| table.physical);
        if merged.is_empty() {
            statements.push(format!("CREATE TABLE IF NOT EXISTS {physical} (row_id TEXT NOT NULL PRIMARY KEY, created BIGINT NOT NULL, updated BIGINT NOT NULL)"));
        }
        for column in columns {
            match merged.iter().find(|known| known.name == column.name) {
                Some(known) if known.kind == column.kind => {}
                Some(_) => {
                    let problem =
                        format!("column \"{}\" of table \"{name}\" holds something else already", column.name);
                    return Err(Error::setting(problem, "give the column another name"));
                }
                None => {
                    let kind = if column.kind == ColumnType::Text { "TEXT" } else { "BIGINT" };
                    statements.push(format!("ALTER TABLE {physical} ADD COLUMN c{} {kind}", merged.len()));
                    merged.push(column.clone());
                }
            }
        }
        let described = serde_json::to_string(&merged).expect("columns are JSON");
        let values: Vec<Cell> = vec![id.into(), name.into(), described.into(), physical.as_str().into()];
        let done = self.store.database().write(move |tx: &mut dyn Statements| {
            Box::pin(async move {
                for statement in &statements {
                    tx.execute(statement, &[]).await?;
                }
                let sql = "INSERT INTO connect_tables (id, name, columns, physical) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (id) DO UPDATE SET name = $2, columns = $3";
                tx.execute(sql, &values).await
            })
        });
        done.await.map_err(|error: StoreError| self.store.failed(&error))?;
        Ok(Table { id: id.to_owned(), name: name.to_owned(), columns: merged, physical })
    }

    fn table(&self, row: &Row) -> Result<Table, Error> {
        read_table(row).map_err(|error| self.store.failed(&error))
    }

    /// Adds rows, each with values by the name of the column; their ids.
    ///
    /// # Errors
    ///
    /// A value that does not fit its column, a full table, or what the store says.
    pub async fn insert(
        &self,
        table: &Table,
        rows: &[Map<String, Value>],
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Vec<String>, CardError> {
        let mark = || {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes);
            crate::hex(&bytes)
        };
        let marks: Vec<String> = rows.iter().map(|_| mark()).collect();
        self.insert_marked(table, rows, &marks, clock.now()).await
    }

    /// Adds one row, unless `key` added one before: a call that is repeated adds nothing.
    async fn insert_once(
        &self,
        table: &Table,
        row: Map<String, Value>,
        key: &str,
        now: Timestamp,
    ) -> Result<String, CardError> {
        let mark = crate::hex(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes()).as_ref()[..16]);
        let known = format!("SELECT row_id FROM {} WHERE row_id LIKE $1", table.physical);
        let known = self.store.fetch(&known, &[format!("%-{mark}").into()]).await?;
        match known.first().and_then(|row| row.opt_text(0)) {
            Some(id) => Ok(id),
            None => Ok(self.insert_marked(table, &[row], &[mark], now).await?.remove(0)),
        }
    }

    /// Adds rows whose ids end in these marks.
    async fn insert_marked(
        &self,
        table: &Table,
        rows: &[Map<String, Value>],
        marks: &[String],
        now: Timestamp,
    ) -> Result<Vec<String>, CardError> {
        let mut statements = Vec::new();
        let mut ids = Vec::new();
        for (row, mark) in rows.iter().zip(marks) {
            let id = self.row_id(now, mark);
            let mut names = vec!["row_id".to_owned(), "created".to_owned(), "updated".to_owned()];
            let mut cells: Vec<Cell> =
                vec![id.as_str().into(), now.timestamp_millis().into(), now.timestamp_millis().into()];
            for (index, column) in table.columns.iter().enumerate() {
                let given = row.get(&column.name).filter(|value| !is_empty(value)).cloned();
                let value = given.or_else(|| column.default.clone().map(Value::String)).unwrap_or_default();
                names.push(format!("c{index}"));
                cells.push(cell(column.kind, &value).map_err(|problem| wrong(&column.name, &problem))?);
            }
            let places: Vec<String> = (1..=cells.len()).map(|place| format!("${place}")).collect();
            statements.push((
                format!("INSERT INTO {} ({}) VALUES ({})", table.physical, names.join(", "), places.join(", ")),
                cells,
            ));
            ids.push(id);
        }
        let count = format!("SELECT count(*) FROM {}", table.physical);
        let name = table.name.clone();
        let added = statements.len() as i64;
        let done = self.store.database().write(move |tx: &mut dyn Statements| {
            Box::pin(async move {
                let known = tx.fetch_one(&count, &[]).await?.and_then(|row| row.opt_int(0)).unwrap_or(0);
                if known + added > ROWS_MAX {
                    return Ok(Some(format!("table \"{name}\" would have more than {ROWS_MAX} rows")));
                }
                for (sql, cells) in &statements {
                    tx.execute(sql, cells).await?;
                }
                Ok(None)
            })
        });
        match done.await.map_err(|error: StoreError| self.store.failed(&error))? {
            Some(problem) => Err(CardError::new(ErrorKind::Refused, problem)),
            None => Ok(ids),
        }
    }

    /// A new id. Later rows of this process have greater ones, also within a millisecond.
    fn row_id(&self, now: Timestamp, mark: &str) -> String {
        let mut newest = self.newest.lock();
        let millisecond = now.timestamp_millis();
        *newest = if millisecond > newest.0 { (millisecond, 0) } else { (newest.0, newest.1 + 1) };
        format!("{:012x}-{:06x}-{mark}", newest.0, newest.1)
    }

    /// The rows that a condition and an order choose, as objects with `Row ID`, `Created`, `Updated` and the columns.
    async fn select(&self, table: &Table, query: &Query) -> Result<Vec<Map<String, Value>>, CardError> {
        let names: Vec<String> = (0..table.columns.len()).map(|index| format!(", c{index}")).collect();
        let sql = format!("SELECT row_id, created, updated{} FROM {}{}", names.concat(), table.physical, query.clauses);
        let rows = self.store.fetch(&sql, &query.values).await?;
        Ok(rows.iter().map(|row| object(table, row)).collect())
    }

    async fn change(&self, sql: String, values: Vec<Cell>) -> Result<u64, CardError> {
        let done = self
            .store
            .database()
            .write(move |tx: &mut dyn Statements| Box::pin(async move { tx.execute(&sql, &values).await }));
        Ok(done.await.map_err(|error: StoreError| self.store.failed(&error))?)
    }

    /// The rows of a table, in their order, as objects with `Row ID`, `Created`, `Updated` and the columns.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn rows(&self, table: &Table) -> Result<Vec<Map<String, Value>>, CardError> {
        self.select(table, &Query::whole()).await
    }

    /// The rows of a table as CSV with a header line.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn export(&self, table: &Table) -> Result<Vec<u8>, CardError> {
        let rows = self.rows(table).await?;
        let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        csv_text(&columns, &rows, b',')
    }

    /// Adds the rows of a CSV text whose header line names columns; how many.
    ///
    /// # Errors
    ///
    /// A line that cannot be read, a name that is no column, or a value that does not fit; nothing is added then.
    pub async fn import(
        &self,
        table: &Table,
        text: &[u8],
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<usize, CardError> {
        let mut reader = csv::Reader::from_reader(text);
        let input = |problem: String| CardError::new(ErrorKind::Input, problem);
        let headers = reader.headers().map_err(|error| input(error.to_string()))?.clone();
        if let Some(unknown) = headers.iter().find(|name| !table.columns.iter().any(|column| column.name == **name)) {
            return Err(input(format!("table \"{}\" has no column \"{unknown}\"", table.name)));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| input(error.to_string()))?;
            let row: Map<String, Value> =
                headers.iter().zip(&record).map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            for column in &table.columns {
                let line = record.position().map_or(0, csv::Position::line);
                let fits = cell(column.kind, row.get(&column.name).unwrap_or(&Value::Null));
                fits.map_err(|problem| input(format!("line {line}, {}: {problem}", column.name)))?;
            }
            rows.push(row);
        }
        Ok(self.insert(table, &rows, clock, entropy).await?.len())
    }
}

fn read_table(row: &Row) -> Result<Table, StoreError> {
    let columns = serde_json::from_str(&row.text(2)?).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Table { id: row.text(0)?, name: row.text(1)?, columns, physical: row.text(3)? })
}

/// Clauses behind `FROM`, and the values in them.
#[derive(Debug, Default)]
struct Query {
    clauses: String,
    values: Vec<Cell>,
}

impl Query {
    fn push(&mut self, clause: &str) {
        self.clauses.push_str(clause);
    }

    fn whole() -> Self {
        Self { clauses: " ORDER BY created, row_id".to_owned(), values: Vec::new() }
    }

    fn by_id(id: &str) -> Self {
        Self { clauses: " WHERE row_id = $1".to_owned(), values: vec![id.into()] }
    }
}

/// The calls of table cards.
pub(crate) struct TableCall<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) files: &'a dyn crate::files::Files,
    pub(crate) clock: &'a dyn Clock,
    /// The same for a call that is repeated.
    pub(crate) key: &'a str,
    pub(crate) options: &'a Fields,
    pub(crate) inputs: &'a Fields,
}

impl TableCall<'_> {
    pub(crate) async fn call(&self, operation: &str) -> Result<Outcome, CardError> {
        let table = self.tables.get(&self.option("stash")).await?;
        let mut outputs = Fields::new();
        match operation {
            "createRow" => {
                let row =
                    self.inputs.group(Some("Fields")).map(|(key, value)| (key.to_owned(), value.clone())).collect();
                let id = self.tables.insert_once(&table, row, self.key, self.clock.now()).await?;
                outputs.set(Some("Output"), "Row ID", id.into());
            }
            "updateRow" => self.update(&table).await?,
            "deleteRow" => {
                let id = self.inputs.text(Some("Delete By"), "Row ID");
                let sql = format!("DELETE FROM {} WHERE row_id = $1", table.physical);
                if self.tables.change(sql, vec![id.as_str().into()]).await? == 0 {
                    return Err(no_row(&table, &id));
                }
            }
            "clearTable" => {
                let cleared = self.tables.change(format!("DELETE FROM {}", table.physical), Vec::new()).await?;
                outputs.set(Some("Table"), "Cleared Rows", cleared.into());
            }
            "readRow" => {
                let id = self.inputs.text(Some("Read By"), "Row ID");
                let rows = self.tables.select(&table, &Query::by_id(&id)).await?;
                row_outputs(&table, &rows.into_iter().next().ok_or_else(|| no_row(&table, &id))?, &mut outputs);
            }
            "readTable" => {
                let schema: Vec<Value> = table
                    .columns
                    .iter()
                    .map(|column| json!({"name": column.name, "type": column.kind, "default": column.default}))
                    .collect();
                outputs.set(Some("Output"), "Column Schema", schema.into());
            }
            "exportToCSV" => return self.export(&table).await,
            _ => self.search(&table, &mut outputs).await?,
        }
        Ok(Outcome::Outputs(outputs.write()))
    }

    /// Whether a deletion that was begun before was done.
    pub(crate) async fn is_deleted(&self) -> Result<bool, CardError> {
        let table = self.tables.get(&self.option("stash")).await?;
        let id = self.inputs.text(Some("Delete By"), "Row ID");
        Ok(self.tables.select(&table, &Query::by_id(&id)).await?.is_empty())
    }

    fn option(&self, key: &str) -> String {
        let text = self.options.text(Some("parameters"), key);
        if text.is_empty() { self.options.text(None, key) } else { text }
    }

    async fn update(&self, table: &Table) -> Result<(), CardError> {
        let id = self.inputs.text(Some("Update By"), "Row ID");
        let empties = self.option("updateEmptyInputs") == "Yes";
        let mut sets = vec!["updated = $1".to_owned()];
        let mut values: Vec<Cell> = vec![self.clock.now().timestamp_millis().into()];
        for (key, value) in self.inputs.group(Some("Fields")).filter(|(_, value)| empties || !is_empty(value)) {
            let index = table.columns.iter().position(|column| column.name == key);
            let index = index.ok_or_else(|| wrong(key, "the table has no such column"))?;
            values.push(cell(table.columns[index].kind, value).map_err(|problem| wrong(key, &problem))?);
            sets.push(format!("c{index} = ${}", values.len()));
        }
        values.push(id.as_str().into());
        let sql = format!("UPDATE {} SET {} WHERE row_id = ${}", table.physical, sets.join(", "), values.len());
        match self.tables.change(sql, values).await? {
            0 => Err(no_row(table, &id)),
            _ => Ok(()),
        }
    }

    /// Condition, order, limit and offset of a card.
    fn query(&self, table: &Table, group: &str) -> Result<Query, CardError> {
        let mut query = Query::default();
        if let Some(condition) = self.inputs.get(Some("Filter"), "Where Expression") {
            self.condition(table, condition, &mut query)?;
        }
        let column = self.inputs.text(Some("Sort"), "Column");
        let direction =
            if self.inputs.text(Some("Sort"), "Direction").eq_ignore_ascii_case("desc") { "DESC" } else { "ASC" };
        if column.is_empty() {
            query.push(&format!(" ORDER BY created {direction}, row_id {direction}"));
        } else {
            let mut name = String::new();
            let place = place(table, &column, &mut name)?;
            // Rows without a value stand first, in both orders and both databases.
            query.push(&format!(
                " ORDER BY CASE WHEN {0} IS NULL THEN 0 ELSE 1 END, {0} {direction}, created, row_id",
                place.sql
            ));
        }
        let number = |key: &str| -> Result<Option<i64>, CardError> {
            let text = self.inputs.text(Some(group), key);
            let number = if text.is_empty() {
                None
            } else {
                Some(text.parse::<f64>().map_err(|_| wrong(key, "it is no number"))? as i64)
            };
            match number {
                Some(negative) if negative < 0 => Err(wrong(key, "it is negative")),
                other => Ok(other.filter(|number| *number > 0)),
            }
        };
        let (limit, offset) = (number("Limit")?, number("Offset")?);
        if limit.is_some() || offset.is_some() {
            query.values.push(limit.unwrap_or(ROWS_MAX).into());
            query.values.push(offset.unwrap_or(0).into());
            let count = query.values.len();
            query.push(&format!(" LIMIT ${} OFFSET ${count}", count - 1));
        }
        Ok(query)
    }

    /// `{expr: [{lhs, op, rhs | rhd, join}]}` as a `WHERE` clause; AND binds closer than OR.
    fn condition(&self, table: &Table, condition: &Value, query: &mut Query) -> Result<(), CardError> {
        let terms = condition.get("expr").and_then(Value::as_array).filter(|terms| !terms.is_empty());
        let Some(terms) = terms else { return Ok(()) };
        query.clauses.push_str(" WHERE ");
        for (index, term) in terms.iter().enumerate() {
            let column = term.get("lhs").map(text).unwrap_or_default();
            let operator = match term.get("op").and_then(Value::as_str) {
                Some(known @ ("=" | "<" | "<=" | ">" | ">=")) => known,
                Some("!=") => "<>",
                other => return Err(wrong(&column, &format!("\"{}\" is no comparison", other.unwrap_or_default()))),
            };
            let value = match term.get("rhd") {
                // A value from another card comes as a hidden input under the id of its output.
                Some(output) => self
                    .inputs
                    .get(Some("_expr"), &output.get("outputId").map(text).unwrap_or_default())
                    .cloned()
                    .unwrap_or_default(),
                None => term.get("rhs").cloned().unwrap_or_default(),
            };
            let mut name = String::new();
            let place = place(table, &column, &mut name)?;
            let value = cell(place.kind, &value).map_err(|problem| wrong(&column, &problem))?;
            let is_null = matches!(value, Cell::Int(None) | Cell::Text(None));
            let clause = match (operator, is_null) {
                // Tables of before hold empty text where nothing stands now.
                ("=", true) if place.kind == ColumnType::Text => format!("({0} IS NULL OR {0} = '')", place.sql),
                ("<>", true) if place.kind == ColumnType::Text => format!("{} <> ''", place.sql),
                ("=", true) => format!("{} IS NULL", place.sql),
                ("<>", true) => format!("{} IS NOT NULL", place.sql),
                (_, true) => "1 = 0".to_owned(),
                (_, false) => {
                    query.values.push(value);
                    let parameter = query.values.len();
                    // A row without a value is different from every value.
                    let or_null = if operator == "<>" { format!(" OR {} IS NULL", place.sql) } else { String::new() };
                    format!("({} {operator} ${parameter}{or_null})", place.sql)
                }
            };
            query.push(&clause);
            if index + 1 < terms.len() {
                let or = term.get("join").and_then(Value::as_str).is_some_and(|join| join.eq_ignore_ascii_case("or"));
                query.clauses.push_str(if or { " OR " } else { " AND " });
            }
        }
        Ok(())
    }

    async fn search(&self, table: &Table, outputs: &mut Fields) -> Result<(), CardError> {
        let rows = self.tables.select(table, &self.query(table, "Sort")?).await?;
        match self.option("resultSet").as_str() {
            "one" => row_outputs(table, &rows.into_iter().next().unwrap_or_default(), outputs),
            // Old folders read the columns below one name.
            "all" => {
                let nested = |mut row: Map<String, Value>| {
                    let own: Map<String, Value> = ["Row ID", "Created", "Updated"]
                        .into_iter()
                        .map(|key| (key.to_owned(), row.shift_remove(key).unwrap_or_default()))
                        .collect();
                    let mut record = own;
                    record.insert("Attributes".to_owned(), Value::Object(row));
                    Value::Object(record)
                };
                outputs.set(Some("Result"), "Rows", rows.into_iter().map(nested).collect());
            }
            _ => outputs.set(Some("Result"), "Rows", rows.into_iter().map(Value::Object).collect()),
        }
        Ok(())
    }

    async fn export(&self, table: &Table) -> Result<Outcome, CardError> {
        let rows = self.tables.select(table, &self.query(table, "Options")?).await?;
        let chosen =
            self.inputs.get(Some("Options"), "Columns").and_then(Value::as_array).filter(|columns| !columns.is_empty());
        let columns: Vec<String> = match chosen {
            Some(columns) => columns.iter().map(text).collect(),
            None => table.columns.iter().map(|column| column.name.clone()).collect(),
        };
        let delimiter = self.inputs.text(Some("Options"), "Delimiter");
        let delimiter = delimiter.bytes().next().unwrap_or(b',');
        let content = csv_text(&columns, &rows, delimiter)?;
        let name = self.inputs.text(Some("File"), "Filename");
        let file = crate::files::keep(self.files, &name, Some("text/csv".to_owned()), content.into()).await?;
        let mut outputs = oktant_engine::Fields::new();
        outputs.set(Some("CSV"), "File Content", file);
        Ok(Outcome::Outputs(outputs))
    }
}

/// Rows as CSV, with a line of names.
pub(crate) fn csv_text(columns: &[String], rows: &[Map<String, Value>], delimiter: u8) -> Result<Vec<u8>, CardError> {
    let failed = |error: csv::Error| CardError::new(ErrorKind::Input, error.to_string());
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    writer.write_record(columns).map_err(failed)?;
    for row in rows {
        writer.write_record(columns.iter().map(|name| row.get(name).map(text).unwrap_or_default())).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| CardError::new(ErrorKind::Input, error.to_string()))
}

/// A number as flows write it: whole ones without a fraction.
fn number(number: f64) -> Value {
    serde_json::to_value(oktant_functions::Value::Number(number)).unwrap_or_default()
}

/// The name of a table in the database. Ids come from files of others.
fn physical_name(id: &str) -> String {
    let hex = crate::hex(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_bytes()).as_ref()[..8]);
    format!("flow_table_{hex}")
}

fn place<'a>(table: &Table, column: &str, name: &'a mut String) -> Result<Place<'a>, CardError> {
    let (sql, kind) = match table.columns.iter().position(|known| known.name == column) {
        Some(index) => (format!("c{index}"), table.columns[index].kind),
        None => match column {
            "Row ID" => ("row_id".to_owned(), ColumnType::Text),
            "Created" => ("created".to_owned(), ColumnType::Date),
            "Updated" => ("updated".to_owned(), ColumnType::Date),
            _ => return Err(wrong(column, "the table has no such column")),
        },
    };
    *name = sql;
    Ok(Place { sql: name, kind })
}

fn wrong(name: &str, problem: &str) -> CardError {
    CardError::new(ErrorKind::Input, format!("{name}: {problem}"))
}

fn no_row(table: &Table, id: &str) -> CardError {
    CardError::new(ErrorKind::Refused, format!("table \"{}\" has no row \"{id}\"", table.name))
}

fn row_outputs(table: &Table, row: &Map<String, Value>, outputs: &mut Fields) {
    for key in ["Row ID", "Created", "Updated"] {
        outputs.set(Some("Row"), key, row.get(key).cloned().unwrap_or_default());
    }
    for column in &table.columns {
        outputs.set(Some("Fields"), &column.name, row.get(&column.name).cloned().unwrap_or_default());
    }
}

fn object(table: &Table, row: &Row) -> Map<String, Value> {
    let date = |index: usize| row.opt_int(index).and_then(Timestamp::from_timestamp_millis).map(instant_text);
    let mut object = Map::new();
    object.insert("Row ID".to_owned(), row.opt_text(0).into());
    object.insert("Created".to_owned(), date(1).into());
    object.insert("Updated".to_owned(), date(2).into());
    for (index, column) in table.columns.iter().enumerate() {
        let place = index + 3;
        let value = match column.kind {
            ColumnType::Text => row.opt_text(place).into(),
            ColumnType::Number => row.opt_int(place).map(|bits| number(from_ordered(bits))).unwrap_or_default(),
            ColumnType::Boolean => row.opt_int(place).map(|bit| bit != 0).into(),
            ColumnType::Date => date(place).into(),
        };
        object.insert(column.name.clone(), value);
    }
    object
}
