//! `CREATE`, `ALTER`, `DROP` and `DESCRIBE NETWORK POLICY`.

use super::cursor::Property;
use super::run::{Environment, executed};
use super::{Change, ObjectKind};
use crate::error::SnowflakeError;
use crate::model::policy::{self, NetworkPolicy, parse_range};
use crate::model::{Tx, integration, json, parameter};
use crate::result::Rows;

/// Characters of an address list.
///
/// # Source
///
/// Snowflake documentation, CREATE NETWORK POLICY.
const LIST_LENGTH_MAX: usize = 100_000;

pub(crate) async fn create(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    properties: &[Property],
) -> Result<(), SnowflakeError> {
    let mut policy = NetworkPolicy {
        id: 0,
        name: name.to_owned(),
        allowed: Vec::new(),
        blocked: Vec::new(),
        allowed_rules: Vec::new(),
        blocked_rules: Vec::new(),
        comment: String::new(),
        owner_id: Some(environment.authority.role_id),
        created_at: environment.now,
    };
    apply(&mut policy, properties)?;
    Ok(policy::insert(tx, &mut policy).await?)
}

pub(crate) async fn alter(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    change: Change,
) -> Result<Rows, SnowflakeError> {
    let mut policy = find(tx, name).await?;
    environment.authority.require_ownership(policy.owner_id, ObjectKind::NetworkPolicy.noun(), name)?;
    match change {
        Change::RenameTo(new) => {
            refuse_if_attached(tx, name).await?;
            if new != name && policy::by_name(tx, &new).await?.is_some() {
                return Err(SnowflakeError::already_exists(&new));
            }
            policy.name = new;
        }
        Change::Set(properties) => apply(&mut policy, &properties)?,
        Change::Unset(names) => {
            for name in names {
                match name.as_str() {
                    "COMMENT" => policy.comment.clear(),
                    "ALLOWED_IP_LIST" => policy.allowed.clear(),
                    "BLOCKED_IP_LIST" => policy.blocked.clear(),
                    "ALLOWED_NETWORK_RULE_LIST" => policy.allowed_rules.clear(),
                    "BLOCKED_NETWORK_RULE_LIST" => policy.blocked_rules.clear(),
                    other => return Err(SnowflakeError::invalid_property(other, "NETWORK POLICY")),
                }
            }
        }
        Change::Nothing => return Err(SnowflakeError::cannot_be_performed()),
    }
    if policy.is_empty() && attachment(tx, name).await?.is_some() {
        return Err(SnowflakeError::policy_empty(name));
    }
    policy::update(tx, &policy).await?;
    Ok(executed())
}

pub(crate) async fn drop(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<(), SnowflakeError> {
    let policy = find(tx, name).await?;
    environment.authority.require_ownership(policy.owner_id, ObjectKind::NetworkPolicy.noun(), name)?;
    refuse_if_attached(tx, name).await?;
    Ok(policy::delete(tx, policy.id).await?)
}

async fn find(tx: Tx<'_>, name: &str) -> Result<NetworkPolicy, SnowflakeError> {
    let title = ObjectKind::NetworkPolicy.title();
    policy::by_name(tx, name).await?.ok_or_else(|| SnowflakeError::does_not_exist(title, name))
}

/// The policy of that name, if it may be set on something.
pub(crate) async fn activatable(tx: Tx<'_>, name: &str) -> Result<NetworkPolicy, SnowflakeError> {
    let policy = find(tx, name).await?;
    if policy.is_empty() { Err(SnowflakeError::policy_empty(name)) } else { Ok(policy) }
}

async fn refuse_if_attached(tx: Tx<'_>, name: &str) -> Result<(), SnowflakeError> {
    match attachment(tx, name).await? {
        Some((kind, object)) => Err(SnowflakeError::policy_attached(name, kind, &object)),
        None => Ok(()),
    }
}

/// Something that the policy is set on: kind and name.
async fn attachment(tx: Tx<'_>, name: &str) -> Result<Option<(&'static str, String)>, SnowflakeError> {
    if parameter::get(tx, parameter::NETWORK_POLICY).await?.as_deref() == Some(name) {
        return Ok(Some(("ACCOUNT", String::new())));
    }
    let integrations = integration::all(tx).await?;
    if let Some(found) =
        integrations.into_iter().find(|integration| integration.network_policy.as_deref() == Some(name))
    {
        return Ok(Some(("INTEGRATION", found.name)));
    }
    // Compared as it is kept: most users have no policy of their own and are not read.
    let part = format!("\"network_policy\":{}", json(&name));
    let sql = "SELECT name, properties FROM users WHERE properties LIKE '%\"network_policy\":\"%'";
    for row in tx.fetch(sql, &[]).await? {
        if row.text(1)?.contains(&part) {
            return Ok(Some(("USER", row.text(0)?)));
        }
    }
    Ok(None)
}

fn apply(policy: &mut NetworkPolicy, properties: &[Property]) -> Result<(), SnowflakeError> {
    for property in properties {
        match property.name.as_str() {
            "ALLOWED_IP_LIST" => policy.allowed = addresses(property)?,
            "BLOCKED_IP_LIST" => policy.blocked = addresses(property)?,
            "ALLOWED_NETWORK_RULE_LIST" => policy.allowed_rules = no_rules(property)?,
            "BLOCKED_NETWORK_RULE_LIST" => policy.blocked_rules = no_rules(property)?,
            "COMMENT" => policy.comment = property.text()?.unwrap_or_default(),
            other => return Err(SnowflakeError::invalid_property(other, "NETWORK POLICY")),
        }
    }
    Ok(())
}

/// There are no network rules: a list of them would promise what no one checks.
fn no_rules(property: &Property) -> Result<Vec<String>, SnowflakeError> {
    let list = property.list()?;
    if list.is_empty() { Ok(list) } else { Err(SnowflakeError::unsupported(&property.name)) }
}

fn addresses(property: &Property) -> Result<Vec<String>, SnowflakeError> {
    let list = property.list()?;
    if list.iter().map(String::len).sum::<usize>() > LIST_LENGTH_MAX {
        return Err(SnowflakeError::invalid_property_value("…", &property.name));
    }
    match list.iter().find(|range| parse_range(range).is_none()) {
        Some(wrong) => Err(SnowflakeError::invalid_property_value(wrong, &property.name)),
        None => Ok(list),
    }
}

pub(crate) async fn describe(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<Rows, SnowflakeError> {
    let policy = find(tx, name).await?;
    environment.authority.require_ownership(policy.owner_id, ObjectKind::NetworkPolicy.noun(), name)?;
    let mut rows = Rows::of_text(&["name", "value"]);
    for (label, list) in [
        ("ALLOWED_NETWORK_RULE_LIST", &policy.allowed_rules),
        ("BLOCKED_NETWORK_RULE_LIST", &policy.blocked_rules),
        ("ALLOWED_IP_LIST", &policy.allowed),
        ("BLOCKED_IP_LIST", &policy.blocked),
    ] {
        if !list.is_empty() {
            rows.rows.push(vec![Some(label.to_owned()), Some(list.join(","))]);
        }
    }
    Ok(rows)
}
