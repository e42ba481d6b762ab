//! The seam for queries over tables that the account does not hold itself.

use std::fmt;

use async_trait::async_trait;

use crate::error::SnowflakeError;
use crate::result::{Column, Rows};

/// The database that the engine's tables are in.
pub const DATABASE: &str = "OKTA";
/// The schema that the engine's tables are in.
pub const SCHEMA: &str = "PUBLIC";

/// Schema and name of one of the engine's tables.
pub(crate) fn parts(table: &str) -> (&str, &str) {
    table.split_once('.').unwrap_or((SCHEMA, table))
}

/// The full name of one of the engine's tables, `OKTA.PUBLIC.USERS`.
pub(crate) fn full_name(table: &str) -> String {
    let (schema, name) = parts(table);
    format!("{DATABASE}.{schema}.{name}")
}

/// A value for a placeholder, as clients send it: a type by its name on the wire, and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The type's name, such as `TEXT`, `FIXED`, `TIMESTAMP_NTZ`.
    pub type_name: String,
    /// The value, or null.
    pub value: Option<String>,
}

/// A query for the engine. Its privileges are checked: every table in it may be read.
#[derive(Debug, Clone)]
pub struct EngineQuery<'a> {
    /// The statement as the client sent it.
    pub sql: &'a str,
    /// One value per placeholder.
    pub bindings: &'a [Binding],
    /// The tables that the session's roles may read, in upper case; the engine refuses all others.
    pub readable: &'a [String],
    /// Who asks: the user's name.
    pub user: &'a str,
    /// The session's primary role.
    pub role: &'a str,
    /// Only the columns are wanted.
    pub describe_only: bool,
}

/// A column of one of the engine's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name and type, as a query for it answers with.
    pub column: Column,
    /// Whether it belongs to the primary key.
    pub key: bool,
}

/// Answers queries over tables, those of an Okta org above all.
#[async_trait]
pub trait QueryEngine: fmt::Debug + Send + Sync {
    /// The names of the tables, in upper case. They are `OKTA.PUBLIC.<name>` to the account, or `OKTA.<name>` if the
    /// name begins with a schema and a dot.
    fn tables(&self) -> Vec<String>;

    /// Sees to it that [`Self::tables`] tells what there is now; called before each statement.
    async fn look_up(&self) {}

    /// The columns of one of [`Self::tables`], as a query for all of them answers with.
    ///
    /// # Errors
    ///
    /// [`SnowflakeError::engine`] if they cannot be told.
    async fn columns(&self, table: &str) -> Result<Vec<TableColumn>, SnowflakeError>;

    /// Answers a query.
    ///
    /// # Errors
    ///
    /// What is wrong with the query, or [`SnowflakeError::engine`] with the engine's own words.
    async fn query(&self, query: EngineQuery<'_>) -> Result<Rows, SnowflakeError>;
}
