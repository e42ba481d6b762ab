//! The objects of an account and how they are kept: one module per aggregate, each with its rows.

pub(crate) mod container;
pub(crate) mod event;
pub(crate) mod grant;
pub(crate) mod integration;
pub(crate) mod parameter;
pub(crate) mod policy;
pub(crate) mod role;
pub(crate) mod secret;
pub(crate) mod token;
pub(crate) mod user;

use chrono::DateTime;
use oktant_base::Timestamp;
use oktant_store::{Connection, Row, Schema, StoreError, Writers};

/// The tables of an account.
pub(crate) const TABLES: Schema = Schema {
    component: "account",
    migrations: &[
        (1, include_str!("../../migrations/0001_account.sql")),
        (2, include_str!("../../migrations/0002_owners.sql")),
        (3, include_str!("../../migrations/0003_secrets.sql")),
    ],
    writers: Writers::One(7_001_482),
    earlier: Some("oktant_schema"),
};

/// The id of a row.
pub(crate) type Id = i64;

/// A connection that the functions of this module read or write on.
pub(crate) type Tx<'a> = &'a mut dyn Connection;

/// An instant as it is kept.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// An instant as it was kept.
pub(crate) fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| StoreError::Corrupt(format!("instant {micros}")))
}

/// Reads a record that is kept as JSON.
pub(crate) fn record<T: serde::de::DeserializeOwned>(row: &Row, index: usize) -> Result<T, StoreError> {
    serde_json::from_str(&row.text(index)?).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Writes a record as JSON.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records of the account have text keys only")
}

/// An id that was never given out before.
pub(crate) async fn next_id(tx: Tx<'_>, kind: &str) -> Result<Id, StoreError> {
    last_of_next_ids(tx, kind, 1).await
}

/// The last of `count` ids in a row that were never given out before.
pub(crate) async fn last_of_next_ids(tx: Tx<'_>, kind: &str, count: i64) -> Result<Id, StoreError> {
    let sql = "INSERT INTO counters (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = counters.value + $2 RETURNING value";
    let row = tx.fetch_one(sql, &[kind.into(), count.into()]).await?;
    row.ok_or_else(|| StoreError::Corrupt("no counter".to_owned()))?.int(0)
}
