//! Parameters of the account.

use oktant_store::StoreError;

use super::Tx;

/// Whether `userName` is the login name only, and `snowflakeUserName` the object's name.
pub(crate) const MAP_USERNAME: &str = "MAP_SCIM_USERNAME_TO_ENTERPRISE_ATTR";
/// The network policy of the account.
pub(crate) const NETWORK_POLICY: &str = "NETWORK_POLICY";

pub(crate) async fn get(tx: Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    let row = tx.fetch_one("SELECT value FROM parameters WHERE name = $1", &[name.into()]).await?;
    row.map(|row| row.text(0)).transpose()
}

pub(crate) async fn set(tx: Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO parameters (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute(sql, &[name.into(), value.into()]).await?;
    Ok(())
}

pub(crate) async fn unset(tx: Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM parameters WHERE name = $1", &[name.into()]).await?;
    Ok(())
}

/// Every parameter that is set, by name.
pub(crate) async fn all(tx: Tx<'_>) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx.fetch("SELECT name, value FROM parameters ORDER BY name", &[]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}
