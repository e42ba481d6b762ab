//! The tables of an account, brought up to date when it is opened.

use super::{Connection, StoreError};

/// Every version of the tables, in order. A migration is never changed after a release.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_account.sql")),
    (2, include_str!("../../migrations/0002_owners.sql")),
    (3, include_str!("../../migrations/0003_secrets.sql")),
];

/// Applies the migrations that the database lacks, inside the transaction that the caller began.
///
/// # Errors
///
/// [`StoreError::Version`] if the database is newer than this program; else what the engine says.
pub(super) async fn migrate(tx: &mut dyn Connection) -> Result<(), StoreError> {
    tx.execute("CREATE TABLE IF NOT EXISTS oktant_schema (version BIGINT PRIMARY KEY)", &[]).await?;
    let row = tx.fetch_one("SELECT max(version) FROM oktant_schema", &[]).await?;
    let found = row.and_then(|row| row.opt_int(0)).unwrap_or(0);
    let known = MIGRATIONS.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(StoreError::Version { found, known });
    }
    for (version, script) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        for statement in statements(script) {
            tx.execute(statement, &[]).await?;
        }
        tx.execute("INSERT INTO oktant_schema (version) VALUES ($1)", &[(*version).into()]).await?;
    }
    Ok(())
}

/// The statements of a script; a semicolon at the end of a line ends one.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
}
