//! Tables about tables, requests and limits: `information_schema` and `sys`.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::common::Result;
use oktant_catalog::{ColumnType, Table};

use super::{CATALOG, DEFAULT_SCHEMA};
use crate::Error;
use crate::attached::{AttachedTable, Entry};
use crate::context::StatementContext;
use crate::discovery::Relations;
use crate::session::ColumnInfo;

/// A schema whose tables are made when they are asked for.
pub(super) struct Schema {
    views: &'static [View],
    context: Arc<StatementContext>,
    relations: Arc<Relations>,
    attached: Arc<Vec<Entry>>,
}

/// One table of such a schema.
struct View {
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
    rows: Rows,
}

/// Where the rows of a view come from.
#[derive(Clone, Copy)]
enum Rows {
    Schemata,
    Tables,
    Columns,
    Keys,
    ForeignKeys,
    Constraints,
    KeyUsage,
    Properties,
    Calls,
    Limits,
    None,
}

impl Rows {
    /// Whether they show what other users of the engine do.
    fn tell_about_everyone(self) -> bool {
        matches!(self, Self::Properties | Self::Calls | Self::Limits)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Instant,
}

/// A value of a view.
enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
    Flag(bool),
    /// Milliseconds since 1970.
    Instant(i64),
}

use Kind::{Flag, Instant, Number, Text};

const INFORMATION: &[View] = &[
    View { name: "schemata", columns: &[("catalog_name", Text), ("schema_name", Text)], rows: Rows::Schemata },
    View {
        name: "tables",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("table_type", Text),
            ("is_insertable_into", Text),
        ],
        rows: Rows::Tables,
    },
    View {
        name: "views",
        columns: &[("table_catalog", Text), ("table_schema", Text), ("table_name", Text), ("view_definition", Text)],
        rows: Rows::None,
    },
    View {
        name: "columns",
        columns: &[
            ("table_catalog", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("ordinal_position", Number),
            ("is_nullable", Text),
            ("data_type", Text),
            ("is_updatable", Text),
            ("is_key", Flag),
            ("is_hidden", Flag),
        ],
        rows: Rows::Columns,
    },
    View {
        name: "table_constraints",
        columns: &[
            ("constraint_catalog", Text),
            ("constraint_schema", Text),
            ("constraint_name", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("constraint_type", Text),
        ],
        rows: Rows::Constraints,
    },
    View {
        name: "key_column_usage",
        columns: &[
            ("constraint_catalog", Text),
            ("constraint_schema", Text),
            ("constraint_name", Text),
            ("table_schema", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("ordinal_position", Number),
        ],
        rows: Rows::KeyUsage,
    },
    View {
        name: "referential_constraints",
        columns: &[
            ("constraint_catalog", Text),
            ("constraint_schema", Text),
            ("constraint_name", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("referenced_table_name", Text),
            ("referenced_column_name", Text),
        ],
        rows: Rows::ForeignKeys,
    },
];

const SYSTEM: &[View] = &[
    View {
        name: "sys_tables",
        columns: &[
            ("CatalogName", Text),
            ("SchemaName", Text),
            ("TableName", Text),
            ("TableType", Text),
            ("IsUpdateable", Text),
        ],
        rows: Rows::Tables,
    },
    View {
        name: "sys_tablecolumns",
        columns: &[
            ("CatalogName", Text),
            ("SchemaName", Text),
            ("TableName", Text),
            ("ColumnName", Text),
            ("Ordinal", Number),
            ("IsNullable", Text),
            ("DataTypeName", Text),
            ("IsUpdateable", Text),
            ("IsKey", Flag),
            ("IsHidden", Flag),
        ],
        rows: Rows::Columns,
    },
    View {
        name: "sys_primarykeys",
        columns: &[
            ("CatalogName", Text),
            ("SchemaName", Text),
            ("PrimaryKeyName", Text),
            ("TableSchema", Text),
            ("TableName", Text),
            ("ColumnName", Text),
            ("KeySeq", Number),
        ],
        rows: Rows::Keys,
    },
    View {
        name: "sys_foreignkeys",
        columns: &[
            ("CatalogName", Text),
            ("SchemaName", Text),
            ("ForeignKeyName", Text),
            ("TableName", Text),
            ("ColumnName", Text),
            ("ReferencedTableName", Text),
            ("ReferencedColumnName", Text),
        ],
        rows: Rows::ForeignKeys,
    },
    View {
        name: "sys_connection_props",
        columns: &[("Name", Text), ("Value", Text), ("IsGiven", Flag), ("ShortDescription", Text)],
        rows: Rows::Properties,
    },
    View {
        name: "sys_api_calls",
        columns: &[
            ("Statement", Number),
            ("Method", Text),
            ("Path", Text),
            ("Query", Text),
            ("Status", Number),
            ("Attempt", Number),
            ("SentAt", Instant),
            ("Milliseconds", Number),
            ("Bytes", Number),
            ("Rows", Number),
            ("Bucket", Text),
        ],
        rows: Rows::Calls,
    },
    View {
        name: "sys_rate_limits",
        columns: &[("Bucket", Text), ("LimitPerWindow", Number), ("Remaining", Number), ("ResetsAt", Instant)],
        rows: Rows::Limits,
    },
];

const INFORMATION_SCHEMA: &str = "information_schema";
const SYSTEM_SCHEMA: &str = "sys";

/// Every view with its schema.
fn views() -> impl Iterator<Item = (&'static str, &'static View)> {
    let of = |schema, views: &'static [View]| views.iter().map(move |view| (schema, view));
    of(INFORMATION_SCHEMA, INFORMATION).chain(of(SYSTEM_SCHEMA, SYSTEM))
}

impl Kind {
    fn type_name(self) -> &'static str {
        match self {
            Text => "VARCHAR",
            Number => "BIGINT",
            Flag => "BOOLEAN",
            Instant => "TIMESTAMP",
        }
    }
}

/// Column names of `sys`, which are spelled with capitals.
pub(crate) fn column_names() -> impl Iterator<Item = &'static str> {
    SYSTEM.iter().flat_map(|view| view.columns.iter().map(|(name, _)| *name))
}

impl Schema {
    pub(super) fn information(
        context: &Arc<StatementContext>,
        relations: &Arc<Relations>,
        attached: &Arc<Vec<Entry>>,
    ) -> Self {
        Self::of(INFORMATION, context, relations, attached)
    }

    pub(super) fn system(
        context: &Arc<StatementContext>,
        relations: &Arc<Relations>,
        attached: &Arc<Vec<Entry>>,
    ) -> Self {
        Self::of(SYSTEM, context, relations, attached)
    }

    fn of(
        views: &'static [View],
        context: &Arc<StatementContext>,
        relations: &Arc<Relations>,
        attached: &Arc<Vec<Entry>>,
    ) -> Self {
        let (context, relations, attached) = (Arc::clone(context), Arc::clone(relations), Arc::clone(attached));
        Self { views, context, relations, attached }
    }

    /// The attached tables that the session may read.
    fn attached(&self) -> impl Iterator<Item = &AttachedTable> {
        let tables = self.attached.iter().map(|entry| &*entry.table);
        tables.filter(|table| self.context.readable.allows(&table.privilege_name()))
    }

    fn schemata(&self) -> Vec<Vec<Cell>> {
        let mut names = vec![DEFAULT_SCHEMA.to_owned(), INFORMATION_SCHEMA.to_owned(), SYSTEM_SCHEMA.to_owned()];
        for table in self.attached() {
            if !names.iter().any(|known| known == table.schema_name()) {
                names.push(table.schema_name().to_owned());
            }
        }
        names.iter().map(|schema| vec![text(CATALOG), text(schema)]).collect()
    }

    fn view(&self, name: &str) -> Option<&'static View> {
        self.views.iter().find(|view| view.name == name)
    }

    async fn rows(&self, rows: Rows) -> Result<Vec<Vec<Cell>>, Error> {
        let readable = |table: &&'static Table| self.context.readable.allows(table.name);
        let tables: Vec<_> = oktant_catalog::tables().iter().filter(readable).collect();
        Ok(match rows {
            Rows::None => Vec::new(),
            Rows::Schemata => self.schemata(),
            Rows::Tables => {
                let row = |schema: &str, name: &str, kind| {
                    vec![text(CATALOG), text(schema), text(name), text(kind), text("NO")]
                };
                let own = views().map(|(schema, view)| row(schema, view.name, "SYSTEM VIEW"));
                let attached = self.attached().map(|table| row(table.schema_name(), &table.name, "BASE TABLE"));
                let of_org = tables.iter().map(|table| row(DEFAULT_SCHEMA, table.name, "BASE TABLE"));
                of_org.chain(attached).chain(own).collect()
            }
            Rows::Columns => self.columns().await?,
            Rows::Keys | Rows::KeyUsage => tables.into_iter().flat_map(key_columns).collect(),
            Rows::Constraints => tables.into_iter().map(key_constraint).collect(),
            Rows::ForeignKeys => tables.into_iter().flat_map(foreign_keys).collect(),
            Rows::Properties => self.properties(),
            Rows::Calls => self.calls(),
            Rows::Limits => self.limits(),
        })
    }

    async fn columns(&self) -> Result<Vec<Vec<Cell>>, Error> {
        let mut rows = Vec::new();
        for table in oktant_catalog::tables().iter().filter(|table| self.context.readable.allows(table.name)) {
            let (relation, _) = self.relations.whole(table, Some(&self.context)).await?;
            rows.extend(described(DEFAULT_SCHEMA, table.name, &crate::session::column_infos(&relation)));
        }
        rows.extend(
            self.attached().flat_map(|table| {
                described(table.schema_name(), &table.name, &table.column_infos()).collect::<Vec<_>>()
            }),
        );
        let own = views().flat_map(|(schema, view)| {
            view.columns.iter().zip(1..).map(move |((name, kind), ordinal)| {
                vec![
                    text(CATALOG),
                    text(schema),
                    text(view.name),
                    text(name),
                    Cell::Number(Some(ordinal)),
                    text("YES"),
                    text(kind.type_name()),
                    text("NO"),
                    Cell::Flag(false),
                    Cell::Flag(false),
                ]
            })
        });
        rows.extend(own);
        Ok(rows)
    }

    fn properties(&self) -> Vec<Vec<Cell>> {
        let settings = self.context.org.properties().settings();
        let row = |setting: oktant_client::properties::Setting| {
            vec![text(setting.name), text(&setting.value), Cell::Flag(setting.given), text(setting.doc)]
        };
        settings.into_iter().map(row).collect()
    }

    fn calls(&self) -> Vec<Vec<Cell>> {
        let number = |value: u64| Cell::Number(i64::try_from(value).ok());
        let row = |entry: oktant_client::Entry| {
            vec![
                Cell::Number(entry.statement.and_then(|statement| i64::try_from(statement.0).ok())),
                text(entry.method),
                text(&entry.path),
                text(&entry.query),
                Cell::Number(entry.status.map(i64::from)),
                Cell::Number(Some(i64::from(entry.attempt))),
                Cell::Instant(entry.sent_at.timestamp_millis()),
                number(entry.elapsed_ms),
                number(entry.bytes),
                number(entry.rows),
                text(&entry.bucket),
            ]
        };
        self.context.org.ledger().entries().into_iter().map(row).collect()
    }

    fn limits(&self) -> Vec<Vec<Cell>> {
        let row = |limit: oktant_client::RateLimit| {
            vec![
                text(&limit.bucket),
                Cell::Number(Some(i64::from(limit.limit))),
                Cell::Number(Some(i64::from(limit.remaining))),
                Cell::Instant(limit.resets_at.timestamp_millis()),
            ]
        };
        self.context.org.rate_limits().into_iter().map(row).collect()
    }
}

fn text(value: &str) -> Cell {
    Cell::Text(Some(value.to_owned()))
}

/// Rows of the view of columns.
fn described(schema: &str, table: &str, columns: &[ColumnInfo]) -> impl Iterator<Item = Vec<Cell>> {
    columns.iter().zip(1..).map(move |(column, ordinal)| {
        vec![
            text(CATALOG),
            text(schema),
            text(table),
            text(&column.name),
            Cell::Number(Some(ordinal)),
            text(if column.nullable { "YES" } else { "NO" }),
            text(type_name(column.data_type)),
            text("NO"),
            Cell::Flag(column.key),
            Cell::Flag(column.hidden),
        ]
    })
}

fn key_name(table: &Table) -> String {
    format!("pk_{}", table.name)
}

fn key_columns(table: &'static Table) -> Vec<Vec<Cell>> {
    let row = |(column, position): (&&'static str, i64)| {
        vec![
            text(CATALOG),
            text(DEFAULT_SCHEMA),
            text(&key_name(table)),
            text(DEFAULT_SCHEMA),
            text(table.name),
            text(column),
            Cell::Number(Some(position)),
        ]
    };
    table.key.iter().zip(1..).map(row).collect()
}

fn key_constraint(table: &'static Table) -> Vec<Cell> {
    vec![
        text(CATALOG),
        text(DEFAULT_SCHEMA),
        text(&key_name(table)),
        text(DEFAULT_SCHEMA),
        text(table.name),
        text("PRIMARY KEY"),
    ]
}

/// Parent keys are the foreign keys that the catalogue knows.
fn foreign_keys(table: &'static Table) -> Vec<Vec<Cell>> {
    let parents = table.routes.iter().flat_map(|route| route.parents);
    let row = |parent: &oktant_catalog::ParentKey| {
        vec![
            text(CATALOG),
            text(DEFAULT_SCHEMA),
            text(&format!("fk_{}_{}", table.name, parent.column)),
            text(table.name),
            text(parent.column),
            text(parent.table),
            text(parent.table_column),
        ]
    };
    parents.map(row).collect()
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

impl View {
    fn table(&self, rows: &[Vec<Cell>]) -> Result<MemTable> {
        let fields = self.columns.iter().map(|(name, kind)| {
            let data_type = match kind {
                Text => DataType::Utf8,
                Number => DataType::Int64,
                Flag => DataType::Boolean,
                Instant => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            };
            Field::new(name.to_lowercase(), data_type, true)
        });
        let schema = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        let arrays = self.columns.iter().enumerate().map(|(index, (_, kind))| array(rows, index, *kind)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        MemTable::try_new(schema, vec![vec![batch]])
    }
}

fn array(rows: &[Vec<Cell>], index: usize, kind: Kind) -> ArrayRef {
    let cells = rows.iter().map(|row| &row[index]);
    match kind {
        Text => Arc::new(
            cells.map(|cell| if let Cell::Text(text) = cell { text.as_deref() } else { None }).collect::<StringArray>(),
        ),
        Number => Arc::new(
            cells.map(|cell| if let Cell::Number(number) = cell { *number } else { None }).collect::<Int64Array>(),
        ),
        Flag => Arc::new(
            cells.map(|cell| if let Cell::Flag(flag) = cell { Some(*flag) } else { None }).collect::<BooleanArray>(),
        ),
        Instant => Arc::new(
            cells
                .map(|cell| if let Cell::Instant(instant) = cell { Some(*instant) } else { None })
                .collect::<TimestampMillisecondArray>()
                .with_timezone("UTC"),
        ),
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.views.iter().map(|view| view.name)).finish()
    }
}

#[async_trait]
impl SchemaProvider for Schema {
    fn table_names(&self) -> Vec<String> {
        self.views.iter().map(|view| view.name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(view) = self.view(name) else { return Ok(None) };
        if view.rows.tell_about_everyone() && !self.context.readable.is_all() {
            return Err(Error::NotGranted { table: format!("{SYSTEM_SCHEMA}.{name}") }.into());
        }
        let rows = self.rows(view.rows).await?;
        Ok(Some(Arc::new(view.table(&rows)?)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.view(name).is_some()
    }
}
