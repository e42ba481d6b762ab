//! `CREATE`, `ALTER` and `DROP ROLE`.

use oktant_base::Timestamp;

use super::cursor::Property;
use super::run::{Environment, executed};
use super::{Change, ObjectKind};
use crate::error::SnowflakeError;
use crate::model::role::{self, Role};
use crate::model::{Tx, integration, token, user};
use crate::privilege::account::CREATE_ROLE;
use crate::result::Rows;

pub(crate) async fn create(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    properties: &[Property],
) -> Result<(), SnowflakeError> {
    let mut role = Role::new(name.to_owned(), Some(environment.authority.role_id), environment.now);
    apply(&mut role, properties)?;
    Ok(role::insert(tx, &mut role).await?)
}

pub(crate) async fn alter(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    change: Change,
) -> Result<Rows, SnowflakeError> {
    let mut role = find(tx, name).await?;
    environment.authority.require_ownership(role.owner_id, ObjectKind::Role.noun(), name)?;
    match change {
        Change::RenameTo(new) => {
            environment.require(CREATE_ROLE)?;
            rename(tx, &mut role, &new, environment.now).await?;
        }
        Change::Set(properties) => apply(&mut role, &properties)?,
        Change::Unset(names) => {
            if names.iter().any(|name| name == "COMMENT") {
                role.comment.clear();
            }
        }
        Change::Nothing => {}
    }
    role::update(tx, &mut role, environment.now).await?;
    Ok(executed())
}

/// Gives a role another name, wherever that name stands; the caller keeps the role.
pub(crate) async fn rename(tx: Tx<'_>, role: &mut Role, new: &str, now: Timestamp) -> Result<(), SnowflakeError> {
    if role.is_system() {
        return Err(SnowflakeError::cannot_be_performed());
    }
    if new == role.name {
        return Ok(());
    }
    if role::by_name(tx, new).await?.is_some() {
        return Err(SnowflakeError::already_exists(new));
    }
    for mut integration in integration::all(tx).await?.into_iter().filter(|found| found.run_as_role == role.name) {
        new.clone_into(&mut integration.run_as_role);
        integration::update(tx, &integration).await?;
    }
    token::rename_restrictions(tx, &role.name, new).await?;
    for mut user in user::with_default_role(tx, &role.name).await? {
        user.properties.default_role = Some(new.to_owned());
        user::update(tx, &mut user, now).await?;
    }
    new.clone_into(&mut role.name);
    Ok(())
}

/// Drops a role; what it owned goes to the role that drops it.
pub(crate) async fn drop(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<(), SnowflakeError> {
    let role = find(tx, name).await?;
    environment.authority.require_ownership(role.owner_id, ObjectKind::Role.noun(), name)?;
    if role.is_system() {
        return Err(SnowflakeError::cannot_be_performed());
    }
    let heir =
        if environment.authority.role_id == role.id { role::ACCOUNTADMIN } else { environment.authority.role_id };
    role::transfer_owned(tx, role.id, heir).await?;
    Ok(role::delete(tx, &role, environment.now).await?)
}

/// The role of that name.
pub(crate) async fn find(tx: Tx<'_>, name: &str) -> Result<Role, SnowflakeError> {
    role::by_name(tx, name).await?.ok_or_else(|| SnowflakeError::does_not_exist(ObjectKind::Role.title(), name))
}

fn apply(role: &mut Role, properties: &[Property]) -> Result<(), SnowflakeError> {
    for property in properties {
        match property.name.as_str() {
            "COMMENT" => role.comment = property.text()?.unwrap_or_default(),
            "TAG" => {}
            other => return Err(SnowflakeError::invalid_property(other, "ROLE")),
        }
    }
    Ok(())
}
