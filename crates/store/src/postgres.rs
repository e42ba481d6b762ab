//! `PostgreSQL`, for those who run one anyway.

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgPoolOptions, PgRow};
use sqlx::{Postgres, Row as _, TypeInfo as _, ValueRef as _};

use super::{Connection, Row, Store, StoreError, Value};

/// Connections that read at the same time.
const READERS: u32 = 8;

/// A `PostgreSQL` database.
///
/// Every table is made in the first schema of the connection's `search_path`.
#[derive(Debug)]
pub struct PostgresStore {
    readers: PgPool,
    /// One connection, which keeps its prepared statements.
    writer: PgPool,
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Postgres`] if the server cannot be reached or refuses.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let writer = PgPoolOptions::new().max_connections(1).connect(url).await?;
        Ok(Self { readers: PgPoolOptions::new().max_connections(READERS).connect(url).await?, writer })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(PostgresConnection(self.readers.acquire().await?)))
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(PostgresConnection(self.writer.acquire().await?)))
    }

    fn begin(&self) -> &'static str {
        "BEGIN"
    }

    fn exclude(&self, lock: i64) -> Option<String> {
        Some(format!("SELECT pg_advisory_xact_lock({lock})"))
    }

    fn skip_locked(&self) -> &'static str {
        "FOR UPDATE SKIP LOCKED"
    }

    fn blocks(&self) -> bool {
        false
    }
}

/// A connection out of the pool.
struct PostgresConnection(PoolConnection<Postgres>);

#[async_trait]
impl Connection for PostgresConnection {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        Ok(bind(sql, values).execute(&mut *self.0).await?.rows_affected())
    }

    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        bind(sql, values).fetch_all(&mut *self.0).await?.iter().map(decode).collect()
    }
}

// The statements are ours: what others sent goes in as values.
fn bind(sql: &str, values: &[Value]) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let query = sqlx::query::<Postgres>(sqlx::AssertSqlSafe(sql.to_owned()));
    values.iter().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.clone()),
    })
}

fn decode(row: &PgRow) -> Result<Row, StoreError> {
    let values = (0..row.len()).map(|index| {
        let raw = row.try_get_raw(index)?;
        Ok(match raw.type_info().name() {
            "INT8" | "INT4" => Value::Int(row.try_get_unchecked(index)?),
            _ => Value::Text(row.try_get_unchecked(index)?),
        })
    });
    Ok(Row(values.collect::<Result<_, sqlx::Error>>()?))
}
