//! `PostgreSQL`, for those who run one anyway.

use async_trait::async_trait;
use sqlx::Postgres;
use sqlx::postgres::{PgPool, PgPoolOptions};

use super::{Connection, Store, StoreError, pooled_connection};

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
    /// [`StoreError::Engine`] if the server cannot be reached or refuses.
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
}

pooled_connection!(PostgresConnection, Postgres, "INT8" | "INT4");
