//! The engine's tables and their columns: `SHOW TABLES`, `SHOW COLUMNS` and `DESCRIBE TABLE`.

use serde_json::{Map, Value, json};

use super::grant::table_name;
use super::run::{Environment, Mode};
use super::show::{columns, restrict, text};
use super::{Show, Within};
use crate::engine::{self, TableColumn};
use crate::error::SnowflakeError;
use crate::model::Tx;
use crate::model::container::{self, INFORMATION_SCHEMA, Kind};
use crate::result::{Column, ColumnType, Rows, TEXT_LENGTH_MAX};
use crate::session::Session;

/// The role that owns the tables.
pub(crate) const OWNER: &str = "ACCOUNTADMIN";

/// The engine's tables that the session may read in a place that has to exist.
pub(super) async fn within(
    tx: Tx<'_>,
    environment: &Environment,
    within: &Within,
) -> Result<Vec<String>, SnowflakeError> {
    let context = &environment.context;
    let mut tables = environment.authority.readable(&environment.account.engine_tables());
    let (database, schema) = match within {
        Within::Account => return Ok(tables),
        Within::Default if context.database.is_none() => return Ok(tables),
        Within::Default | Within::Database(None) => (context.database.as_deref().unwrap_or(engine::DATABASE), None),
        Within::Database(Some(name)) => (name.as_str(), None),
        Within::Schema(path) => {
            let database = context.database.as_deref().unwrap_or(engine::DATABASE);
            match path.as_deref() {
                Some([database, schema]) => (database.as_str(), Some(schema.as_str())),
                Some([schema]) => (database, Some(schema.as_str())),
                Some(longer) => return Err(SnowflakeError::does_not_exist("Schema", &longer.join("."))),
                None => (database, Some(context.schema.as_deref().unwrap_or(engine::SCHEMA))),
            }
        }
        Within::Table(path) => return Ok(vec![readable(environment, path)?]),
    };
    if container::by_name(tx, Kind::Database, database).await?.is_none() {
        return Err(SnowflakeError::does_not_exist("Database", database));
    }
    if database != engine::DATABASE {
        tables.clear();
    }
    let Some(schema) = schema else { return Ok(tables) };
    tables.retain(|table| engine::parts(table).0 == schema);
    let full = format!("{database}.{schema}");
    if tables.is_empty() && schema != INFORMATION_SCHEMA && container::by_name(tx, Kind::Schema, &full).await?.is_none()
    {
        return Err(SnowflakeError::does_not_exist("Schema", &full));
    }
    Ok(tables)
}

/// The engine's table of a name in a statement, if the session may read it.
fn readable(environment: &Environment, path: &[String]) -> Result<String, SnowflakeError> {
    let readable = environment.authority.readable(&environment.account.engine_tables());
    let table = table_name(path, &environment.context).filter(|table| readable.contains(table));
    table.ok_or_else(|| SnowflakeError::does_not_exist("Table", &path.join(".")))
}

/// Tables as `SHOW TABLES` shows them.
///
/// # Source
///
/// Snowflake documentation, `SHOW TABLES`: names and order of the columns.
pub(super) fn shown(tables: &[String]) -> Rows {
    let mut rows = Rows::of(columns(&[
        "created_on",
        "name",
        "database_name",
        "schema_name",
        "kind",
        "comment",
        "cluster_by",
        "rows",
        "bytes",
        "owner",
        "retention_time",
        "automatic_clustering",
        "change_tracking",
        "is_external",
        "enable_schema_evolution",
        "owner_role_type",
        "is_event",
        "budget",
        "is_hybrid",
        "is_iceberg",
        "is_dynamic",
        "is_immutable",
    ]));
    for table in tables {
        let (schema, name) = engine::parts(table);
        let cells = rows.columns.iter().map(|column| match column.name.as_str() {
            "created_on" | "rows" | "bytes" | "budget" => None,
            "name" => text(name),
            "database_name" => text(engine::DATABASE),
            "schema_name" => text(schema),
            "kind" => text("TABLE"),
            "comment" | "cluster_by" => text(""),
            "owner" => text(OWNER),
            "retention_time" => text("0"),
            "owner_role_type" => text("ROLE"),
            "automatic_clustering" | "change_tracking" => text("OFF"),
            _ => text("N"),
        });
        rows.rows.push(cells.collect());
    }
    rows.rows.sort_by(|a, b| (&a[3], &a[1]).cmp(&(&b[3], &b[1])));
    rows
}

/// The columns of each of these tables.
pub(crate) async fn columns_of(
    session: &Session,
    tables: &[String],
) -> Result<Vec<(String, Vec<TableColumn>)>, SnowflakeError> {
    let Some(engine) = &session.account().0.config.engine else { return Ok(Vec::new()) };
    let told = async {
        let mut told = Vec::with_capacity(tables.len());
        for table in tables {
            told.push((table.clone(), engine.columns(table).await?));
        }
        Ok(told)
    };
    tokio::select! {
        told = told => told,
        () = session.revoked() => Err(SnowflakeError::session_gone()),
    }
}

/// Answers `DESCRIBE TABLE`.
///
/// # Source
///
/// Snowflake documentation, `DESCRIBE TABLE`: names and order of the columns.
pub(super) async fn describe(session: &Session, path: &[String], mode: Mode) -> Result<Rows, SnowflakeError> {
    let table = readable(&Environment::of(session).await?, path)?;
    let mut rows = Rows::of(columns(&[
        "name",
        "type",
        "kind",
        "null?",
        "default",
        "primary key",
        "unique key",
        "check",
        "expression",
        "comment",
        "policy name",
        "privacy domain",
    ]));
    if mode == Mode::Describe {
        return Ok(rows);
    }
    let flag = |set: bool| text(if set { "Y" } else { "N" });
    for (_, columns) in columns_of(session, &[table]).await? {
        rows.rows.extend(columns.into_iter().map(|TableColumn { column, key }| {
            let mut cells = vec![
                text(&column.name),
                text(declared(&column)),
                text("COLUMN"),
                flag(column.nullable),
                None,
                flag(key),
                flag(false),
            ];
            cells.resize(rows.columns.len(), None);
            cells
        }));
    }
    Ok(rows)
}

/// Answers `SHOW COLUMNS`.
///
/// # Source
///
/// Snowflake documentation, `SHOW COLUMNS`: names and order of the columns.
pub(super) async fn show_columns(session: &Session, show: &Show, mode: Mode) -> Result<Rows, SnowflakeError> {
    let tables = {
        let mut connection = session.account().0.db.read().await?;
        let environment = Environment::new(session, &mut *connection).await?;
        within(&mut *connection, &environment, &show.within).await?
    };
    let mut rows = Rows::of(columns(&[
        "table_name",
        "schema_name",
        "column_name",
        "data_type",
        "null?",
        "default",
        "kind",
        "expression",
        "comment",
        "database_name",
        "autoincrement",
        "schema_evolution_record",
    ]));
    if mode == Mode::Describe {
        return Ok(rows);
    }
    for (table, columns) in columns_of(session, &tables).await? {
        let (schema, name) = engine::parts(&table);
        rows.rows.extend(columns.into_iter().map(|TableColumn { column, .. }| {
            vec![
                text(name),
                text(schema),
                text(&column.name),
                text(data_type(&column).to_string()),
                text(if column.nullable { "true" } else { "NOT_NULL" }),
                text(""),
                text("COLUMN"),
                text(""),
                text(""),
                text(engine::DATABASE),
                text(""),
                None,
            ]
        }));
    }
    restrict(&mut rows, show, 2);
    Ok(rows)
}

/// The name of a column's type in SQL.
pub(crate) fn sql_name(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Fixed => "NUMBER".to_owned(),
        ColumnType::Real => "FLOAT".to_owned(),
        ColumnType::Text => "VARCHAR".to_owned(),
        other => other.name().to_uppercase(),
    }
}

/// A column's type with its measures, as `CREATE TABLE` has it.
fn declared(column: &Column) -> String {
    let name = sql_name(column.column_type);
    match (column.column_type, column.length, column.precision, column.scale) {
        (ColumnType::Fixed, _, Some(precision), Some(scale)) => format!("{name}({precision},{scale})"),
        (_, Some(length), ..) => format!("{name}({length})"),
        (_, _, _, Some(scale)) => format!("{name}({scale})"),
        _ => name,
    }
}

/// A column's type as the JSON object that `SHOW COLUMNS` has.
fn data_type(column: &Column) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), column.column_type.name().to_uppercase().into());
    if let Some(length) = column.length {
        object.insert("length".to_owned(), length.into());
        object.insert("byteLength".to_owned(), octets(column.column_type, length).into());
    }
    if let (Some(precision), Some(scale)) = (column.precision, column.scale) {
        object.insert("precision".to_owned(), precision.into());
        object.insert("scale".to_owned(), scale.into());
    }
    object.insert("nullable".to_owned(), column.nullable.into());
    if column.length.is_some() {
        object.insert("fixed".to_owned(), json!(column.column_type == ColumnType::Binary));
    }
    Value::Object(object)
}

/// Bytes that so many characters, or bytes, may take.
pub(crate) fn octets(column_type: ColumnType, length: u32) -> u32 {
    if column_type == ColumnType::Text { length.saturating_mul(4).min(TEXT_LENGTH_MAX) } else { length }
}
