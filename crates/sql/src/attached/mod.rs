//! Tables of another origin, which a session has beside those of its org.
//!
//! A program attaches them by [`Session::with_attached`](crate::Session::with_attached): what they hold, and how rows
//! are read, is its own affair. The engine tells a reader which columns, rows and how many of them a statement needs,
//! as far as the table says that it can tell rows apart by itself.

mod condition;
mod scan;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::stream::BoxStream;
use oktant_catalog::ColumnType;
use parking_lot::RwLock;

use crate::Error;
use crate::catalogs::DEFAULT_SCHEMA;
use crate::relation::{arrow_type, metadata_of};
use crate::session::{ColumnInfo, TableInfo};

pub(crate) use scan::{AttachedProvider, AttachedScanExec};

/// Where attached tables come from.
#[async_trait]
pub trait Attached: fmt::Debug + Send + Sync {
    /// The tables that there are at the moment; none where what holds them is not there.
    ///
    /// # Errors
    ///
    /// What looking them up met.
    async fn tables(&self) -> Result<Vec<AttachedTable>, Error>;

    /// The rows of one of them, page by page; the stream stops reading when it is dropped.
    fn read(&self, read: Read) -> Pages;

    /// What to do for a table that is not there, if it is one that there could be: of `schema` and with the name
    /// given, both in lower case.
    fn missing(&self, schema: &str, table: &str) -> Option<String>;
}

/// Rows of a table, each with the columns that were asked for, in that order.
pub type Pages = BoxStream<'static, Result<Vec<Vec<Cell>>, Error>>;

/// A table of another origin.
#[derive(Debug, Clone, PartialEq)]
pub struct AttachedTable {
    /// Its schema; `None` for the default one, where the org's tables go first.
    pub schema: Option<String>,
    /// Its name, which ignores case.
    pub name: String,
    /// Its columns.
    pub columns: Vec<AttachedColumn>,
    /// Columns by each of which its rows come in descending order, by position.
    pub descending: Vec<usize>,
}

/// One column of an [`AttachedTable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedColumn {
    /// Its name, which ignores case.
    pub name: String,
    /// Its type.
    pub data_type: ColumnType,
    /// Whether it belongs to the primary key.
    pub key: bool,
    /// Members of the enumeration, empty for other columns.
    pub values: &'static [&'static str],
    /// What the reader tells rows apart by, exactly as SQL would.
    pub accepts: Accepts,
}

impl AttachedColumn {
    /// A column that is read and not looked up by.
    pub fn new(name: impl Into<String>, data_type: ColumnType) -> Self {
        Self { name: name.into(), data_type, key: false, values: &[], accepts: Accepts::Nothing }
    }

    /// The same column, whose reader takes conditions.
    #[must_use]
    pub fn accepting(self, accepts: Accepts) -> Self {
        Self { accepts, ..self }
    }

    /// The same column as one of the primary key.
    #[must_use]
    pub fn key(self) -> Self {
        Self { key: true, ..self }
    }

    /// The same column, which has these values only; comparison ignores case.
    #[must_use]
    pub fn one_of(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }

    fn field(&self) -> Field {
        let metadata = metadata_of(&self.name, self.values, self.data_type);
        Field::new(self.name.to_lowercase(), arrow_type(self.data_type), true).with_metadata(metadata)
    }
}

/// Conditions that the reader of a column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// None.
    Nothing,
    /// [`Test::OneOf`].
    Values,
    /// [`Test::OneOf`] and [`Test::Compare`].
    Order,
}

/// What a statement needs of a table.
#[derive(Debug, Clone)]
pub struct Read {
    /// The table.
    pub table: Arc<AttachedTable>,
    /// Positions of the columns to return.
    pub columns: Vec<usize>,
    /// What holds of every row that is returned.
    pub conditions: Vec<Condition>,
    /// Rows that suffice.
    pub limit: Option<usize>,
}

/// What holds of a column; never of NULL.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Position of the column.
    pub column: usize,
    /// What holds.
    pub test: Test,
}

/// What holds of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is one of these, which are not NULL.
    OneOf(Vec<Cell>),
    /// It compares like this with one that is not NULL.
    Compare(Comparison, Cell),
}

/// An order between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    More,
    /// Greater or equal.
    AtLeast,
}

impl Comparison {
    /// The operator in SQL.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// A value of an attached table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// Text, JSON text too.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// Milliseconds since 1970 UTC.
    Instant(i64),
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

impl AttachedTable {
    /// Arrow schema; names of fields are in lower case, the one spelling that the engine uses inside.
    pub(crate) fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(AttachedColumn::field).collect::<Vec<_>>()))
    }

    /// The schema's name.
    pub(crate) fn schema_name(&self) -> &str {
        self.schema.as_deref().unwrap_or(DEFAULT_SCHEMA)
    }

    /// The name under which privileges on it are kept: with the schema, unless that is the default one.
    pub(crate) fn privilege_name(&self) -> String {
        self.schema.as_ref().map_or_else(|| self.name.clone(), |schema| format!("{schema}.{}", self.name))
    }

    pub(crate) fn info(&self) -> TableInfo {
        TableInfo {
            schema: self.schema_name().to_owned(),
            name: self.name.clone(),
            key: self.columns.iter().filter(|column| column.key).map(|column| column.name.clone()).collect(),
            scopes: Vec::new(),
        }
    }

    pub(crate) fn column_infos(&self) -> Vec<ColumnInfo> {
        let info = |column: &AttachedColumn| ColumnInfo {
            name: column.name.clone(),
            data_type: column.data_type,
            nullable: !column.key,
            read_only: true,
            key: column.key,
            values: column.values.iter().map(|value| (*value).to_owned()).collect(),
            hidden: false,
            custom: false,
        };
        self.columns.iter().map(info).collect()
    }
}

/// A table and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) origin: Arc<dyn Attached>,
    pub(crate) table: Arc<AttachedTable>,
}

/// Everything that is attached to a session.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    origins: Vec<Arc<dyn Attached>>,
    /// What was there when someone looked last.
    last: RwLock<Arc<Vec<Entry>>>,
}

impl Origins {
    pub(crate) fn new(origins: Vec<Arc<dyn Attached>>) -> Self {
        Self { origins, last: RwLock::default() }
    }

    /// The tables as they are now, names unique within their schemas. The org's tables go before those of the same
    /// name, which cannot be reached then.
    pub(crate) async fn look(&self) -> Result<Arc<Vec<Entry>>, Error> {
        let mut taken: HashSet<(String, String)> = HashSet::new();
        let mut entries = Vec::new();
        for origin in &self.origins {
            for table in origin.tables().await? {
                let is_shadowed = table.schema.is_none() && oktant_catalog::table(&table.name).is_some();
                if !is_shadowed && taken.insert((table.schema_name().to_lowercase(), table.name.to_lowercase())) {
                    entries.push(Entry { origin: Arc::clone(origin), table: Arc::new(table) });
                }
            }
        }
        let entries = Arc::new(entries);
        *self.last.write() = Arc::clone(&entries);
        Ok(entries)
    }

    /// The tables as they were when someone looked last.
    pub(crate) fn last(&self) -> Arc<Vec<Entry>> {
        Arc::clone(&self.last.read())
    }

    /// What to do for a table that is not there.
    pub(crate) fn missing(&self, schema: &str, table: &str) -> Option<String> {
        self.origins.iter().find_map(|origin| origin.missing(schema, table))
    }
}

/// The entry of a table, by schema and name in lower case.
pub(crate) fn find<'a>(entries: &'a [Entry], schema: &str, name: &str) -> Option<&'a Entry> {
    let is = |entry: &&Entry| {
        entry.table.schema_name().eq_ignore_ascii_case(schema) && entry.table.name.to_lowercase() == name
    };
    entries.iter().find(is)
}
