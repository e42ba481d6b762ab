//! SCIM access tokens and programmatic access tokens, kept as hashes.

use chrono::Months;
use oktant_base::Timestamp;
use oktant_store::{Row, StoreError};

use super::{Id, Tx, instant, micros};

/// How long a SCIM access token is valid.
///
/// # Source
///
/// Snowflake documentation, `SYSTEM$GENERATE_SCIM_ACCESS_TOKEN`: six months.
pub(crate) const VALIDITY: Months = Months::new(6);

/// A SCIM access token.
#[derive(Debug, Clone)]
pub(crate) struct ScimToken {
    pub(crate) integration_id: Id,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(crate) async fn insert(tx: Tx<'_>, hash: &str, token: &ScimToken) -> Result<(), StoreError> {
    let sql = "INSERT INTO tokens (hash, integration_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)";
    let values =
        [hash.into(), token.integration_id.into(), micros(token.issued_at).into(), micros(token.expires_at).into()];
    tx.execute(sql, &values).await?;
    Ok(())
}

pub(crate) async fn by_hash(tx: Tx<'_>, hash: &str) -> Result<Option<ScimToken>, StoreError> {
    let sql = "SELECT integration_id, issued_at, expires_at FROM tokens WHERE hash = $1";
    let row = tx.fetch_one(sql, &[hash.into()]).await?;
    row.map(|row| {
        Ok(ScimToken {
            integration_id: row.int(0)?,
            issued_at: instant(row.int(1)?)?,
            expires_at: instant(row.int(2)?)?,
        })
    })
    .transpose()
}

pub(crate) async fn delete_of(tx: Tx<'_>, integration_id: Id) -> Result<(), StoreError> {
    tx.execute("DELETE FROM tokens WHERE integration_id = $1", &[integration_id.into()]).await?;
    Ok(())
}

/// A programmatic access token of a user.
#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub(crate) user_id: Id,
    pub(crate) name: String,
    /// The one role that the token may use.
    pub(crate) role_restriction: Option<String>,
    pub(crate) disabled: bool,
    pub(crate) comment: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

const ACCESS_COLUMNS: &str = "user_id, name, role_restriction, disabled, comment, issued_at, expires_at";

impl AccessToken {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: row.int(0)?,
            name: row.text(1)?,
            role_restriction: row.opt_text(2),
            disabled: row.int(3)? != 0,
            comment: row.text(4)?,
            issued_at: instant(row.int(5)?)?,
            expires_at: instant(row.int(6)?)?,
        })
    }
}

pub(crate) async fn insert_access(tx: Tx<'_>, hash: &str, token: &AccessToken) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO access_tokens (hash, {ACCESS_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let values = [
        hash.into(),
        token.user_id.into(),
        token.name.as_str().into(),
        token.role_restriction.clone().into(),
        token.disabled.into(),
        token.comment.as_str().into(),
        micros(token.issued_at).into(),
        micros(token.expires_at).into(),
    ];
    tx.execute(&sql, &values).await?;
    Ok(())
}

pub(crate) async fn access_by_hash(tx: Tx<'_>, hash: &str) -> Result<Option<AccessToken>, StoreError> {
    let sql = format!("SELECT {ACCESS_COLUMNS} FROM access_tokens WHERE hash = $1");
    tx.fetch_one(&sql, &[hash.into()]).await?.as_ref().map(AccessToken::read).transpose()
}

/// The access tokens of a user, by name.
pub(crate) async fn access_of(tx: Tx<'_>, user_id: Id) -> Result<Vec<AccessToken>, StoreError> {
    let sql = format!("SELECT {ACCESS_COLUMNS} FROM access_tokens WHERE user_id = $1 ORDER BY name");
    tx.fetch(&sql, &[user_id.into()]).await?.iter().map(AccessToken::read).collect()
}

/// Gives the role that access tokens are restricted to its new name.
pub(crate) async fn rename_restrictions(tx: Tx<'_>, from: &str, to: &str) -> Result<(), StoreError> {
    let sql = "UPDATE access_tokens SET role_restriction = $2 WHERE role_restriction = $1";
    tx.execute(sql, &[from.into(), to.into()]).await?;
    Ok(())
}

/// Removes an access token. Returns whether there was one.
pub(crate) async fn delete_access(tx: Tx<'_>, user_id: Id, name: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM access_tokens WHERE user_id = $1 AND name = $2";
    Ok(tx.execute(sql, &[user_id.into(), name.into()]).await? > 0)
}
