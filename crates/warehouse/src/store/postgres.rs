//! `PostgreSQL`, for those who run one anyway.

use async_trait::async_trait;
use sqlx::Postgres;
use sqlx::postgres::{PgPool, PgPoolOptions};

use super::{Connection, Store, StoreError, pooled_connection};

/// Connections of one account, the writer's included.
const CONNECTIONS: u32 = 10;

/// An account in a `PostgreSQL` database.
///
/// Every table is made in the first schema of the connection's `search_path`.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Engine`] if the server cannot be reached or refuses.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self { pool: PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await? })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(PostgresConnection(self.pool.acquire().await?)))
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(Box::new(PostgresConnection(self.pool.acquire().await?)))
    }

    fn begin(&self) -> &'static [&'static str] {
        // The number has no meaning: every writer of an account takes the same one.
        &["BEGIN", "SELECT pg_advisory_xact_lock(7001482)"]
    }
}

pooled_connection!(PostgresConnection, Postgres, "INT8" | "INT4");
