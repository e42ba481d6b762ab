//! `ALTER ACCOUNT`.

use super::Change;
use super::cursor::Property;
use super::policy;
use super::run::{Environment, executed};
use crate::error::SnowflakeError;
use crate::model::{Tx, parameter};
use crate::privilege::account::CREATE_NETWORK_POLICY;
use crate::result::Rows;

pub(crate) async fn alter(tx: Tx<'_>, environment: &Environment, change: Change) -> Result<Rows, SnowflakeError> {
    match change {
        Change::Set(properties) => {
            for property in &properties {
                require(environment, &property.name)?;
                set(tx, environment, property).await?;
            }
        }
        Change::Unset(names) => {
            for name in &names {
                require(environment, name)?;
                parameter::unset(tx, name).await?;
            }
        }
        Change::RenameTo(_) | Change::Nothing => return Err(SnowflakeError::unsupported("ALTER ACCOUNT RENAME")),
    }
    Ok(executed())
}

/// `ACCOUNTADMIN` may set everything; who may make network policies may set that of the account.
fn require(environment: &Environment, name: &str) -> Result<(), SnowflakeError> {
    let authority = &environment.authority;
    if authority.is_account_admin() || name == parameter::NETWORK_POLICY && authority.holds(CREATE_NETWORK_POLICY) {
        return Ok(());
    }
    Err(SnowflakeError::insufficient_privileges("account", environment.account.name()))
}

async fn set(tx: Tx<'_>, environment: &Environment, property: &Property) -> Result<(), SnowflakeError> {
    let value = match property.name.as_str() {
        parameter::NETWORK_POLICY => match property.object()? {
            Some(name) => {
                let policy = policy::activatable(tx, &name).await?;
                if let Some(ip) = environment.client_ip.filter(|ip| !policy.admits(*ip)) {
                    return Err(SnowflakeError::policy_locks_out(&name, &ip.to_string()));
                }
                Some(name)
            }
            None => None,
        },
        parameter::MAP_USERNAME => Some(property.boolean()?.to_string()),
        _ => property.text()?,
    };
    match value {
        Some(value) => parameter::set(tx, &property.name, &value).await?,
        None => parameter::unset(tx, &property.name).await?,
    }
    Ok(())
}
