//! `PostgreSQL`, for those who run one anyway.
//!
//! What takes time here is the exchange of messages, not the statements: connections are not asked how they are before
//! and after each use, and statements that go together are sent together.

use std::iter;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgDatabaseError, PgRow, PgSeverity};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres, Row as _, TypeInfo as _, ValueRef as _};

use super::pool::{Lent, Pool};
use super::{Connection, Row, Store, StoreError, Value, storable};

/// Connections that read at the same time.
const READERS: usize = 8;

/// Statements that a connection keeps prepared.
const STATEMENTS_KEPT: usize = 256;

/// How long to wait for a connection.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// For how long a connection is taken to work without asking: the server may have been restarted meanwhile.
const FRESH: Duration = Duration::from_secs(1);

/// Time in which the server has to answer a first time.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// A `PostgreSQL` database.
///
/// Every table is made in the first schema of the connection's `search_path`.
#[derive(Debug)]
pub struct PostgresStore {
    options: PgConnectOptions,
    readers: Arc<Pool<Session>>,
    /// One connection, which keeps its prepared statements.
    writer: Arc<Pool<Session>>,
}

/// A connection to the server.
#[derive(Debug)]
struct Session {
    connection: PgConnection,
    used: Instant,
}

impl PostgresStore {
    /// Connects to `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Postgres`] if the server cannot be reached or refuses.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(STATEMENTS_KEPT);
        let store = Self { options, readers: Pool::empty(READERS), writer: Pool::empty(1) };
        let first = tokio::time::timeout(REACHED_WITHIN, store.lend(&store.writer)).await;
        drop(first.map_err(|_| sqlx::Error::PoolTimedOut)??);
        Ok(store)
    }

    async fn lend(&self, pool: &Arc<Pool<Session>>) -> Result<Box<dyn Connection>, StoreError> {
        let lending = async {
            let mut lent = pool.acquire().await?;
            if let Some(session) = &mut lent.connection
                && session.used.elapsed() > FRESH
                && session.connection.ping().await.is_err()
            {
                lent.abandon();
            }
            if lent.connection.is_none() {
                lent.connection = Some(Session { connection: self.options.connect().await?, used: Instant::now() });
            }
            Ok::<_, StoreError>(lent)
        };
        let lent = tokio::time::timeout(WAIT_MAX, lending).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(Box::new(lent))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.lend(&self.readers).await
    }

    async fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        self.lend(&self.writer).await
    }

    fn begin(&self, locks: &[i64]) -> String {
        let take = |lock: &i64| format!("; SELECT pg_advisory_xact_lock({lock})");
        iter::once("BEGIN".to_owned()).chain(locks.iter().map(take)).collect()
    }

    fn skip_locked(&self) -> &'static str {
        "FOR UPDATE SKIP LOCKED"
    }

    fn blocks(&self) -> bool {
        false
    }
}

impl Lent<Session> {
    fn session(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.connection.as_mut().map(|session| &mut session.connection).ok_or(StoreError::Closed)
    }

    /// Nobody gets a connection again that broke.
    fn checked<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        let usable = match &result {
            Ok(_) => true,
            Err(sqlx::Error::Database(error)) => {
                let error = error.try_downcast_ref::<PgDatabaseError>();
                error.is_some_and(|error| !matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
            }
            Err(_) => false,
        };
        match &mut self.connection {
            Some(session) if usable => session.used = Instant::now(),
            _ => self.abandon(),
        }
        Ok(result?)
    }
}

#[async_trait]
impl Connection for Lent<Session> {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let result = bind(sql, values).execute(self.session()?).await;
        Ok(self.checked(result)?.rows_affected())
    }

    async fn fetch(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let result = bind(sql, values).fetch_all(self.session()?).await;
        self.checked(result)?.iter().map(decode).collect()
    }

    async fn control(&mut self, statements: &str) -> Result<(), StoreError> {
        let result = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(self.session()?).await;
        self.checked(result).map(drop)
    }

    fn chains_writes(&self) -> bool {
        true
    }
}

// The statements are ours: what others sent goes in as values.
fn bind(sql: &str, values: &[Value]) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let query = sqlx::query::<Postgres>(AssertSqlSafe(sql.to_owned()));
    values.iter().fold(query, |query, value| match value {
        Value::Int(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.as_deref().map(|text| storable(text).into_owned())),
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
