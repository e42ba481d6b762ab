//! Views of `INFORMATION_SCHEMA`: the engine's tables and columns that the session may read.

use crate::engine::{self, TableColumn};
use crate::error::SnowflakeError;
use crate::model::container::{self, INFORMATION_SCHEMA};
use crate::result::{Column, ColumnType, Context, Rows};
use crate::session::Session;
use crate::statement::run::{Environment, Mode};
use crate::statement::tables::{OWNER, columns_of, octets, sql_name};

/// Columns of `TABLES`.
///
/// # Source
///
/// Snowflake documentation, the Information Schema's view `TABLES`.
const TABLES: [&str; 28] = [
    "TABLE_CATALOG",
    "TABLE_SCHEMA",
    "TABLE_NAME",
    "TABLE_OWNER",
    "TABLE_TYPE",
    "IS_TRANSIENT",
    "CLUSTERING_KEY",
    "ROW_COUNT",
    "BYTES",
    "RETENTION_TIME",
    "SELF_REFERENCING_COLUMN_NAME",
    "REFERENCE_GENERATION",
    "USER_DEFINED_TYPE_CATALOG",
    "USER_DEFINED_TYPE_SCHEMA",
    "USER_DEFINED_TYPE_NAME",
    "IS_INSERTABLE_INTO",
    "IS_TYPED",
    "COMMIT_ACTION",
    "CREATED",
    "LAST_ALTERED",
    "LAST_DDL",
    "LAST_DDL_BY",
    "AUTO_CLUSTERING_ON",
    "COMMENT",
    "IS_TEMPORARY",
    "IS_ICEBERG",
    "IS_DYNAMIC",
    "IS_HYBRID",
];

/// Columns of `COLUMNS`.
///
/// # Source
///
/// Snowflake documentation, the Information Schema's view `COLUMNS`.
const COLUMNS: [&str; 45] = [
    "TABLE_CATALOG",
    "TABLE_SCHEMA",
    "TABLE_NAME",
    "COLUMN_NAME",
    "ORDINAL_POSITION",
    "COLUMN_DEFAULT",
    "IS_NULLABLE",
    "DATA_TYPE",
    "CHARACTER_MAXIMUM_LENGTH",
    "CHARACTER_OCTET_LENGTH",
    "NUMERIC_PRECISION",
    "NUMERIC_PRECISION_RADIX",
    "NUMERIC_SCALE",
    "DATETIME_PRECISION",
    "INTERVAL_TYPE",
    "INTERVAL_PRECISION",
    "CHARACTER_SET_CATALOG",
    "CHARACTER_SET_SCHEMA",
    "CHARACTER_SET_NAME",
    "COLLATION_CATALOG",
    "COLLATION_SCHEMA",
    "COLLATION_NAME",
    "DOMAIN_CATALOG",
    "DOMAIN_SCHEMA",
    "DOMAIN_NAME",
    "UDT_CATALOG",
    "UDT_SCHEMA",
    "UDT_NAME",
    "SCOPE_CATALOG",
    "SCOPE_SCHEMA",
    "SCOPE_NAME",
    "MAXIMUM_CARDINALITY",
    "DTD_IDENTIFIER",
    "IS_SELF_REFERENCING",
    "IS_IDENTITY",
    "IDENTITY_GENERATION",
    "IDENTITY_START",
    "IDENTITY_INCREMENT",
    "IDENTITY_MAXIMUM",
    "IDENTITY_MINIMUM",
    "IDENTITY_CYCLE",
    "IDENTITY_ORDERED",
    "SCHEMA_EVOLUTION_RECORD",
    "COMMENT",
    "DATA_TYPE_ALIAS",
];

/// One of the views, of a database.
pub(super) struct View {
    kind: Kind,
    database: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tables,
    Columns,
}

/// Fails unless there is such a database.
pub(super) async fn must_exist(session: &Session, database: &str) -> Result<(), SnowflakeError> {
    let mut connection = session.account().0.db.read().await?;
    let known = database == "SNOWFLAKE"
        || container::by_name(&mut *connection, container::Kind::Database, database).await?.is_some();
    if known { Ok(()) } else { Err(SnowflakeError::does_not_exist("Database", database)) }
}

impl View {
    /// The view that a name in a statement means, if it means one. A name without a database means the current one;
    /// the engine's where the session has none.
    pub(super) fn named(path: &[String], context: &Context) -> Option<Self> {
        let mut parts = path.iter().rev();
        let kind = match parts.next()?.as_str() {
            "TABLES" => Kind::Tables,
            "COLUMNS" => Kind::Columns,
            _ => return None,
        };
        let schema = parts.next().or(context.schema.as_ref())?;
        let database = parts.next().or(context.database.as_ref()).map_or(engine::DATABASE, String::as_str);
        (schema == INFORMATION_SCHEMA).then(|| Self { kind, database: database.to_owned() })
    }

    /// Its rows.
    pub(super) async fn rows(
        &self,
        session: &Session,
        environment: &Environment,
        mode: Mode,
    ) -> Result<Rows, SnowflakeError> {
        must_exist(session, &self.database).await?;
        let mut rows = Rows::of(match self.kind {
            Kind::Tables => columns(&TABLES),
            Kind::Columns => columns(&COLUMNS),
        });
        if mode == Mode::Describe || self.database != engine::DATABASE {
            return Ok(rows);
        }
        let tables = environment.authority.readable(&environment.account.engine_tables());
        if self.kind == Kind::Tables {
            rows.rows = tables.iter().map(|table| row(&TABLES, |name| of_table(table, name))).collect();
            return Ok(rows);
        }
        for (table, columns) in columns_of(session, &tables).await? {
            let numbered = (1_u32..).zip(&columns);
            rows.rows.extend(
                numbered.map(|(position, column)| row(&COLUMNS, |name| of_column(&table, position, column, name))),
            );
        }
        Ok(rows)
    }
}

fn row(names: &[&str], cell: impl Fn(&str) -> Option<String>) -> Vec<Option<String>> {
    names.iter().map(|name| cell(name)).collect()
}

/// Columns of text, but for those that hold an instant or a number.
fn columns(names: &[&str]) -> Vec<Column> {
    let of = |name: &&str| match *name {
        "CREATED" | "LAST_ALTERED" | "LAST_DDL" => Column::new(*name, ColumnType::TimestampLtz),
        "ROW_COUNT"
        | "BYTES"
        | "RETENTION_TIME"
        | "ORDINAL_POSITION"
        | "MAXIMUM_CARDINALITY"
        | "CHARACTER_MAXIMUM_LENGTH"
        | "CHARACTER_OCTET_LENGTH"
        | "NUMERIC_PRECISION"
        | "NUMERIC_PRECISION_RADIX"
        | "NUMERIC_SCALE"
        | "DATETIME_PRECISION"
        | "INTERVAL_PRECISION" => Column::new(*name, ColumnType::Fixed),
        _ => Column::text(*name),
    };
    names.iter().map(of).collect()
}

/// What both views tell of a table.
fn place(table: &str, name: &str) -> Option<String> {
    let (schema, table) = engine::parts(table);
    Some(match name {
        "TABLE_CATALOG" => engine::DATABASE.to_owned(),
        "TABLE_SCHEMA" => schema.to_owned(),
        "TABLE_NAME" => table.to_owned(),
        _ => return None,
    })
}

fn of_table(table: &str, name: &str) -> Option<String> {
    let text = match name {
        "TABLE_OWNER" => OWNER,
        "TABLE_TYPE" => "BASE TABLE",
        "RETENTION_TIME" => "0",
        "IS_TRANSIENT" | "IS_INSERTABLE_INTO" | "IS_TYPED" | "AUTO_CLUSTERING_ON" | "IS_TEMPORARY" | "IS_ICEBERG"
        | "IS_DYNAMIC" | "IS_HYBRID" => "NO",
        _ => return place(table, name),
    };
    Some(text.to_owned())
}

fn of_column(table: &str, position: u32, TableColumn { column, .. }: &TableColumn, name: &str) -> Option<String> {
    let is_number = column.column_type == ColumnType::Fixed;
    Some(match name {
        "COLUMN_NAME" => column.name.clone(),
        "ORDINAL_POSITION" => position.to_string(),
        "IS_NULLABLE" => if column.nullable { "YES" } else { "NO" }.to_owned(),
        "DATA_TYPE" if column.column_type == ColumnType::Text => "TEXT".to_owned(),
        "DATA_TYPE" | "DATA_TYPE_ALIAS" => sql_name(column.column_type),
        "CHARACTER_MAXIMUM_LENGTH" => column.length?.to_string(),
        "CHARACTER_OCTET_LENGTH" => octets(column.column_type, column.length?).to_string(),
        "NUMERIC_PRECISION" if is_number => column.precision?.to_string(),
        "NUMERIC_PRECISION_RADIX" if is_number => "10".to_owned(),
        "NUMERIC_SCALE" if is_number => column.scale?.to_string(),
        "DATETIME_PRECISION" if !is_number => column.scale?.to_string(),
        "IS_SELF_REFERENCING" | "IS_IDENTITY" => "NO".to_owned(),
        _ => return place(table, name),
    })
}
