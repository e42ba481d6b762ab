//! Turns list operations into SQL tables: columns derived from the rows' schema, then corrected.

mod derive;
pub(crate) mod emit;
mod patches;
pub(crate) mod reference;
mod routes;

use toml::Spanned;

use super::Error;
use super::model::{Operation, Schemas};
use super::overlay::{self, ColumnType, Overlay};
use super::patch::unknown_operation;

/// One table, ready to be written down.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    pub entry: &'a overlay::Table,
    pub routes: Vec<Route<'a>>,
    pub scopes: Vec<String>,
    pub columns: Vec<Column>,
}

/// One access path of a table.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub entry: &'a overlay::Route,
    pub operation: &'a Operation,
    pub parents: Vec<ParentKey<'a>>,
    pub page: u32,
}

/// A path parameter fed by a column.
#[derive(Debug)]
pub(crate) struct ParentKey<'a> {
    pub parameter: String,
    pub column: String,
    pub entry: &'a overlay::Parent,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub name: String,
    pub aliases: Vec<String>,
    pub data_type: ColumnType,
    pub nullable: bool,
    pub read_only: bool,
    pub sources: Vec<Source>,
    pub attribute: String,
    pub filter: Vec<Operator>,
    pub search: Vec<Operator>,
    pub expand: Option<String>,
    pub values: Vec<String>,
    pub hidden: bool,
}

/// An operator of the expression language, as it is written there.
pub(crate) type Operator = &'static str;

/// The operators of the expression language.
pub(crate) const OPERATORS: [Operator; 10] = ["eq", "ne", "sw", "co", "ew", "gt", "ge", "lt", "le", "pr"];

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Path(Vec<String>),
    FirstOf(Vec<Vec<String>>),
    Parent(String),
    UrlTail(Vec<String>),
    OfParent(String),
    Absent,
    Input(String),
}

/// Builds every table of the overlay, by name.
pub(crate) fn build<'a>(
    overlay: &'a Overlay,
    operations: &'a [Operation],
    schemas: &Schemas,
) -> Result<Vec<Table<'a>>, Error> {
    let mut tables = Vec::new();
    for entry in &overlay.table {
        if entry.reason.trim().is_empty() {
            return Err(overlay.error(&entry.name, "the entry gives no reason"));
        }
        tables.push(Builder { overlay, operations, schemas, entry }.table()?);
    }
    tables.sort_by(|a, b| a.entry.name.get_ref().cmp(b.entry.name.get_ref()));
    check_names(overlay, &tables)?;
    check_references(overlay, &tables)?;
    Ok(tables)
}

struct Builder<'a, 's> {
    overlay: &'a Overlay,
    operations: &'a [Operation],
    schemas: &'s Schemas,
    entry: &'a overlay::Table,
}

impl<'a> Builder<'a, '_> {
    fn table(&self) -> Result<Table<'a>, Error> {
        let entry = self.entry;
        let routes = entry.routes.iter().map(|route| self.route(route)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = routes.first() else {
            return Err(self.overlay.error(&entry.name, "the table has no route"));
        };
        let scopes = first.operation.scopes.clone();
        let mut columns = derive::parents(&routes);
        if entry.derive {
            derive::from_rows(self.overlay, entry, first, routes.len(), self.schemas, &mut columns)?;
        }
        patches::apply(self.overlay, entry, &routes, &mut columns)?;
        columns.push(raw_json(routes.len()));
        self.check_columns(&columns)?;
        let table = Table { entry, routes, scopes, columns };
        self.check_get()?;
        routes::check(self.overlay, &table)?;
        Ok(table)
    }

    fn operation(&self, id: &Spanned<String>) -> Result<&'a Operation, Error> {
        let found = self.operations.iter().find(|operation| operation.id == *id.get_ref());
        found.ok_or_else(|| unknown_operation(self.overlay, id))
    }

    fn route(&self, entry: &'a overlay::Route) -> Result<Route<'a>, Error> {
        let operation = self.operation(&entry.operation)?;
        routes::route(self.overlay, entry, operation)
    }

    /// The operation that reads one row takes one path parameter per column of the key.
    fn check_get(&self) -> Result<(), Error> {
        let Some(get) = &self.entry.get else { return Ok(()) };
        let parameters = routes::path_parameters(&self.operation(get)?.path).len();
        if parameters == self.entry.key.len() {
            return Ok(());
        }
        let problem = format!("{} has {parameters} path parameters, the key {}", get.get_ref(), self.entry.key.len());
        Err(self.overlay.error(get, problem))
    }

    fn check_columns(&self, columns: &[Column]) -> Result<(), Error> {
        for (index, column) in columns.iter().enumerate() {
            let names = |column: &Column| -> Vec<String> {
                column.aliases.iter().chain([&column.name]).map(|name| name.to_ascii_lowercase()).collect()
            };
            let ours = names(column);
            if let Some(other) = columns[..index].iter().find(|other| names(other).iter().any(|n| ours.contains(n))) {
                let problem = format!("columns {} and {} of {} share a name", other.name, column.name, self.name());
                return Err(self.overlay.error(&self.entry.name, problem));
            }
        }
        Ok(())
    }

    fn name(&self) -> &str {
        self.entry.name.get_ref()
    }
}

/// The hidden column that holds the whole object, on every table. Another route returns another
/// object, so only the first has it.
fn raw_json(routes: usize) -> Column {
    let mut sources = vec![Source::Absent; routes];
    sources[0] = Source::Path(Vec::new());
    Column { hidden: true, read_only: true, nullable: false, ..Column::new("RawJson", ColumnType::Json, sources) }
}

impl Column {
    /// A column that may be NULL and written, and cannot be pushed.
    fn new(name: impl Into<String>, data_type: ColumnType, sources: Vec<Source>) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            data_type,
            nullable: true,
            read_only: false,
            sources,
            attribute: String::new(),
            filter: Vec::new(),
            search: Vec::new(),
            expand: None,
            values: Vec::new(),
            hidden: false,
        }
    }
}

fn check_names(overlay: &Overlay, tables: &[Table<'_>]) -> Result<(), Error> {
    let mut taken = std::collections::BTreeSet::new();
    for table in tables {
        for name in table.entry.aliases.iter().chain([table.entry.name.get_ref()]) {
            if !taken.insert(name.to_ascii_lowercase()) {
                return Err(overlay.error(&table.entry.name, format!("two tables answer to {name}")));
            }
        }
    }
    Ok(())
}

/// Parents and covered tables exist, with the columns that entries name.
fn check_references(overlay: &Overlay, tables: &[Table<'_>]) -> Result<(), Error> {
    let find = |name: &Spanned<String>| {
        let found = tables.iter().find(|table| table.entry.name.get_ref() == name.get_ref());
        found.ok_or_else(|| overlay.error(name, format!("no table {}", name.get_ref())))
    };
    for table in tables {
        for cover in &table.entry.covers {
            find(&cover.table)?;
            table.column(overlay, &cover.column)?;
        }
        for parent in table.routes.iter().flat_map(|route| &route.parents) {
            let listed = find(&parent.entry.table)?;
            if !listed.columns.iter().any(|column| column.name == parent.entry.table_column) {
                let problem = format!("{} has no column {}", listed.entry.name.get_ref(), parent.entry.table_column);
                return Err(overlay.error(&parent.entry.table, problem));
            }
        }
    }
    Ok(())
}

impl Table<'_> {
    /// The column that an entry names.
    fn column(&self, overlay: &Overlay, name: &Spanned<String>) -> Result<&Column, Error> {
        let found = self.columns.iter().find(|column| column.name == *name.get_ref());
        found.ok_or_else(|| {
            overlay.error(name, format!("{} has no column {}", self.entry.name.get_ref(), name.get_ref()))
        })
    }
}
