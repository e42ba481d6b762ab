//! Databases, schemas and warehouses, as far as sessions need something to use.

use super::create::{Creation, created, creation, kept};
use super::cursor::Property;
use super::run::{Environment, executed};
use super::{CreateMode, ObjectKind};
use crate::engine;
use crate::error::SnowflakeError;
use crate::model::container::{self, Container, INFORMATION_SCHEMA, Kind};
use crate::model::{Tx, role};
use crate::privilege::CREATE_SCHEMA;
use crate::privilege::account::{CREATE_DATABASE, CREATE_WAREHOUSE};
use crate::result::{Context, Rows};

/// The kind of container that a kind of object is.
pub(crate) fn container_kind(kind: ObjectKind) -> Result<Kind, SnowflakeError> {
    match kind {
        ObjectKind::Database => Ok(Kind::Database),
        ObjectKind::Schema => Ok(Kind::Schema),
        ObjectKind::Warehouse => Ok(Kind::Warehouse),
        other => Err(SnowflakeError::unsupported(other.key())),
    }
}

/// The name under which a container is kept: that of a schema has its database in front.
pub(crate) fn full_name(kind: Kind, path: &[String], context: &Context) -> Result<String, SnowflakeError> {
    match (kind, path) {
        (Kind::Database | Kind::Warehouse, [name]) => Ok(name.clone()),
        (Kind::Schema, [database, name]) => Ok(format!("{database}.{name}")),
        (Kind::Schema, [name]) => {
            let database = context.database.as_ref().ok_or_else(SnowflakeError::no_current_database)?;
            Ok(format!("{database}.{name}"))
        }
        _ => Err(SnowflakeError::does_not_exist(kind.title(), &path.join("."))),
    }
}

pub(crate) async fn create(
    tx: Tx<'_>,
    environment: &Environment,
    object: ObjectKind,
    mode: CreateMode,
    path: &[String],
    properties: &[Property],
) -> Result<Rows, SnowflakeError> {
    let kind = container_kind(object)?;
    let name = full_name(kind, path, &environment.context)?;
    let existing = container::by_name(tx, kind, &name).await?;
    let shown = path.last().map(String::as_str).unwrap_or_default();
    // A warehouse has a size and more: properties without an effect here.
    let mut comment = String::new();
    for property in properties.iter().filter(|property| property.name == "COMMENT") {
        comment = property.text()?.unwrap_or_default();
    }
    match creation(mode, existing.is_some(), shown)? {
        Creation::Keep => return Ok(kept(shown)),
        Creation::Alter => return alter(tx, environment, object, path, comment).await,
        Creation::Make => {}
    }
    // Full names have dots between their parts: inside of a part it would name what is another database's.
    if path.iter().any(|part| part.contains('.')) {
        return Err(SnowflakeError::unsupported(&format!("DOT IN THE NAME OF A {}", kind.key())));
    }
    require_creation(tx, environment, kind, &name, shown).await?;
    if existing.is_some() {
        drop(tx, environment, object, path).await?;
    }
    let owner_id = Some(environment.authority.role_id);
    container::create(tx, &Container { kind, name, owner_id, comment, created_at: environment.now }).await?;
    Ok(created(object, shown))
}

/// Refuses unless the session may make the container of that full name.
async fn require_creation(
    tx: Tx<'_>,
    environment: &Environment,
    kind: Kind,
    name: &str,
    shown: &str,
) -> Result<(), SnowflakeError> {
    match kind {
        Kind::Database => environment.require(CREATE_DATABASE)?,
        Kind::Warehouse => environment.require(CREATE_WAREHOUSE)?,
        Kind::Schema => {
            let database = name.split('.').next().unwrap_or_default();
            let parent = container::by_name(tx, Kind::Database, database).await?;
            let parent = parent.ok_or_else(|| SnowflakeError::does_not_exist("Database", database))?;
            let authority = &environment.authority;
            let owns = authority.inherits(parent.owner_id.unwrap_or(role::ACCOUNTADMIN));
            if !owns && !authority.creates(CREATE_SCHEMA, Kind::Database.key(), database) {
                return Err(SnowflakeError::insufficient_privileges("database", database));
            }
            if shown == INFORMATION_SCHEMA {
                return Err(SnowflakeError::already_exists(shown));
            }
        }
    }
    Ok(())
}

/// What `CREATE OR ALTER` does to a container that exists: what the statement leaves out becomes as in a new one.
async fn alter(
    tx: Tx<'_>,
    environment: &Environment,
    object: ObjectKind,
    path: &[String],
    comment: String,
) -> Result<Rows, SnowflakeError> {
    let existing = owned(tx, environment, object, path).await?;
    container::put(tx, &Container { comment, ..existing }).await?;
    Ok(executed())
}

/// The container of that name, if the caller owns it.
async fn owned(
    tx: Tx<'_>,
    environment: &Environment,
    object: ObjectKind,
    path: &[String],
) -> Result<Container, SnowflakeError> {
    let kind = container_kind(object)?;
    let name = full_name(kind, path, &environment.context)?;
    let existing = container::by_name(tx, kind, &name).await?;
    let existing = existing.ok_or_else(|| SnowflakeError::does_not_exist(kind.title(), &name))?;
    environment.authority.require_ownership(existing.owner_id, object.noun(), &name)?;
    Ok(existing)
}

pub(crate) async fn drop(
    tx: Tx<'_>,
    environment: &Environment,
    object: ObjectKind,
    path: &[String],
) -> Result<(), SnowflakeError> {
    let Container { kind, name, .. } = owned(tx, environment, object, path).await?;
    if name == engine::DATABASE || name.starts_with(&format!("{}.", engine::DATABASE)) {
        return Err(SnowflakeError::cannot_be_performed());
    }
    Ok(container::delete(tx, kind, &name).await?)
}
