//! Security integrations: who may provision, as which role, from where.

use oktant_base::Timestamp;
use oktant_store::{Row, StoreError, Value};
use uuid::Uuid;

use super::{Id, Tx, grant, instant, micros, next_id, token};

/// The identity provider that an integration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScimClient {
    Okta,
    Azure,
    Generic,
}

impl ScimClient {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Okta => "OKTA",
            Self::Azure => "AZURE",
            Self::Generic => "GENERIC",
        }
    }

    /// By its name in any letter case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Okta, Self::Azure, Self::Generic].into_iter().find(|client| client.name().eq_ignore_ascii_case(name))
    }
}

/// A SCIM security integration.
#[derive(Debug, Clone)]
pub(crate) struct Integration {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) client: ScimClient,
    pub(crate) run_as_role: String,
    pub(crate) endpoint_id: Uuid,
    pub(crate) enabled: bool,
    pub(crate) network_policy: Option<String>,
    pub(crate) sync_password: bool,
    /// Tokens issued before this are refused.
    pub(crate) reject_before: Option<Timestamp>,
    pub(crate) comment: String,
    pub(crate) owner_id: Option<Id>,
    pub(crate) created_at: Timestamp,
}

const COLUMNS: &str = "id, name, client, run_as_role, endpoint_id, enabled, network_policy, sync_password, \
                       reject_before, comment, owner_id, created_at";

impl Integration {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(what.to_owned());
        Ok(Self {
            id: row.int(0)?,
            name: row.text(1)?,
            client: ScimClient::parse(&row.text(2)?).ok_or_else(|| corrupt("SCIM client"))?,
            run_as_role: row.text(3)?,
            endpoint_id: row.text(4)?.parse().map_err(|_| corrupt("endpoint id"))?,
            enabled: row.int(5)? != 0,
            network_policy: row.opt_text(6),
            sync_password: row.int(7)? != 0,
            reject_before: row.opt_int(8).map(instant).transpose()?,
            comment: row.text(9)?,
            owner_id: row.opt_int(10),
            created_at: instant(row.int(11)?)?,
        })
    }

    fn values(&self) -> [Value; 12] {
        [
            self.id.into(),
            self.name.as_str().into(),
            self.client.name().into(),
            self.run_as_role.as_str().into(),
            self.endpoint_id.to_string().into(),
            self.enabled.into(),
            self.network_policy.clone().into(),
            self.sync_password.into(),
            self.reject_before.map(micros).into(),
            self.comment.as_str().into(),
            self.owner_id.into(),
            micros(self.created_at).into(),
        ]
    }
}

async fn select(tx: Tx<'_>, condition: &str, values: &[Value]) -> Result<Vec<Integration>, StoreError> {
    let rows = tx.fetch(&format!("SELECT {COLUMNS} FROM integrations {condition}"), values).await?;
    rows.iter().map(Integration::read).collect()
}

/// All integrations, in order of their ids.
pub(crate) async fn all(tx: Tx<'_>) -> Result<Vec<Integration>, StoreError> {
    select(tx, "ORDER BY id", &[]).await
}

/// By the exact name.
pub(crate) async fn by_name(tx: Tx<'_>, name: &str) -> Result<Option<Integration>, StoreError> {
    Ok(select(tx, "WHERE name = $1", &[name.into()]).await?.pop())
}

pub(crate) async fn by_id(tx: Tx<'_>, id: Id) -> Result<Option<Integration>, StoreError> {
    Ok(select(tx, "WHERE id = $1", &[id.into()]).await?.pop())
}

pub(crate) async fn insert(tx: Tx<'_>, integration: &mut Integration) -> Result<(), StoreError> {
    integration.id = next_id(tx, "integration").await?;
    let sql =
        format!("INSERT INTO integrations ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    tx.execute(&sql, &integration.values()).await?;
    Ok(())
}

pub(crate) async fn update(tx: Tx<'_>, integration: &Integration) -> Result<(), StoreError> {
    let sql = "UPDATE integrations SET name = $2, client = $3, run_as_role = $4, endpoint_id = $5, enabled = $6, \
               network_policy = $7, sync_password = $8, reject_before = $9, comment = $10, owner_id = $11, \
               created_at = $12 WHERE id = $1";
    tx.execute(sql, &integration.values()).await?;
    Ok(())
}

/// Removes an integration; its tokens die with it.
pub(crate) async fn delete(tx: Tx<'_>, integration: &Integration) -> Result<(), StoreError> {
    token::delete_of(tx, integration.id).await?;
    grant::delete_on(tx, grant::ON_INTEGRATION, &integration.name).await?;
    tx.execute("DELETE FROM integrations WHERE id = $1", &[integration.id.into()]).await?;
    Ok(())
}
