//! `CREATE`: what all kinds of objects have in common about it.

use super::cursor::Property;
use super::run::{Environment, alter, drop_one};
use super::{Change, CreateMode, ObjectKind, container, integration, policy, role, user};
use crate::error::SnowflakeError;
use crate::model::{self, Tx};
use crate::password::ScramVerifier;
use crate::privilege::account::{CREATE_INTEGRATION, CREATE_NETWORK_POLICY, CREATE_ROLE, CREATE_USER};
use crate::result::Rows;

/// Makes an object, unless one of that name is altered or left as it is.
pub(crate) async fn run(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    mode: CreateMode,
    path: &[String],
    properties: Vec<Property>,
    verifier: Option<ScramVerifier>,
) -> Result<Rows, SnowflakeError> {
    let name = path.last().map(String::as_str).unwrap_or_default();
    let (privilege, exists) = match kind {
        ObjectKind::User => (CREATE_USER, model::user::by_name(tx, name).await?.is_some()),
        ObjectKind::Role => (CREATE_ROLE, model::role::by_name(tx, name).await?.is_some()),
        ObjectKind::Integration => (CREATE_INTEGRATION, model::integration::by_name(tx, name).await?.is_some()),
        ObjectKind::NetworkPolicy => (CREATE_NETWORK_POLICY, model::policy::by_name(tx, name).await?.is_some()),
        // They have parents, and privileges of those.
        _ => return container::create(tx, environment, kind, mode, path, &properties).await,
    };
    match creation(mode, exists, name)? {
        Creation::Keep => return Ok(kept(name)),
        Creation::Alter if kind == ObjectKind::Integration => {
            return Err(SnowflakeError::unsupported("CREATE OR ALTER INTEGRATION"));
        }
        Creation::Alter => return alter(tx, environment, kind, name, Change::Set(properties), verifier).await,
        Creation::Make => environment.require(privilege)?,
    }
    if exists {
        drop_one(tx, environment, kind, path).await?;
    }
    match kind {
        ObjectKind::User => user::create(tx, environment, name, &properties, verifier).await?,
        ObjectKind::Role => role::create(tx, environment, name, &properties).await?,
        ObjectKind::Integration => integration::create(tx, environment, name, &properties).await?,
        _ => policy::create(tx, environment, name, &properties).await?,
    }
    Ok(created(kind, name))
}

/// What `CREATE` has to do, once it is known whether the object exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Creation {
    /// Make it; drop the one that exists before.
    Make,
    /// Change the one that exists.
    Alter,
    /// Leave it as it is.
    Keep,
}

/// Decides what `CREATE` does about an object that exists or not.
pub(crate) fn creation(mode: CreateMode, exists: bool, name: &str) -> Result<Creation, SnowflakeError> {
    match (exists, mode) {
        (false, _) | (true, CreateMode::OrReplace) => Ok(Creation::Make),
        (true, CreateMode::OrAlter) => Ok(Creation::Alter),
        (true, CreateMode::IfNotExists) => Ok(Creation::Keep),
        (true, CreateMode::New) => Err(SnowflakeError::already_exists(name)),
    }
}

/// The status of `CREATE … IF NOT EXISTS` of what exists.
pub(crate) fn kept(name: &str) -> Rows {
    Rows::status(format!("{name} already exists, statement succeeded."))
}

/// The status of `CREATE`.
pub(crate) fn created(kind: ObjectKind, name: &str) -> Rows {
    Rows::status(format!("{} {name} successfully created.", kind.title()))
}
