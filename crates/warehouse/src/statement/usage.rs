//! `USE`.

use super::Use;
use super::container::full_name;
use super::run::{Environment, executed};
use crate::error::SnowflakeError;
use crate::model::container::{self, INFORMATION_SCHEMA, Kind};
use crate::model::user::SecondaryRoles;
use crate::model::{Tx, role};
use crate::result::Rows;
use crate::session::Session;

pub(crate) async fn run(session: &Session, usage: Use) -> Result<Rows, SnowflakeError> {
    let mut connection = session.account().0.db.read().await?;
    let tx = &mut *connection;
    let environment = Environment::new(session, tx).await?;
    let authority = &environment.authority;
    match usage {
        Use::Role(name) => {
            let role = role::by_name(tx, &name).await?.ok_or_else(SnowflakeError::cannot_be_performed)?;
            // The account itself takes on every role.
            if authority.user_id.is_some() && !authority.available.contains(&role.id) {
                return Err(SnowflakeError::role_not_assigned(&name));
            }
            session.update(|state| state.role_id = role.id);
        }
        Use::SecondaryRoles { all: true } if authority.restricted => {
            return Err(SnowflakeError::restricted_to_role(&authority.role_name));
        }
        Use::SecondaryRoles { all } => {
            let secondary = if all { SecondaryRoles::All } else { SecondaryRoles::None };
            session.update(|state| state.secondary = secondary);
        }
        Use::Warehouse(name) => {
            exists(tx, Kind::Warehouse, &name).await?;
            session.update(|state| state.context.warehouse = Some(name));
        }
        Use::Database(name) => use_database(tx, session, name).await?,
        Use::Schema(path) => use_schema(tx, session, &environment, &path).await?,
        Use::Namespace(path) => match <[String; 1]>::try_from(path) {
            Ok([name]) => use_database(tx, session, name).await?,
            Err(path) => use_schema(tx, session, &environment, &path).await?,
        },
    }
    Ok(executed())
}

async fn exists(tx: Tx<'_>, kind: Kind, name: &str) -> Result<(), SnowflakeError> {
    match container::by_name(tx, kind, name).await? {
        Some(_) => Ok(()),
        None => Err(SnowflakeError::cannot_be_performed()),
    }
}

/// A database is used with its schema `PUBLIC`, where that exists.
async fn use_database(tx: Tx<'_>, session: &Session, name: String) -> Result<(), SnowflakeError> {
    exists(tx, Kind::Database, &name).await?;
    let public = container::by_name(tx, Kind::Schema, &format!("{name}.PUBLIC")).await?;
    session.update(|state| {
        state.context.database = Some(name);
        state.context.schema = public.map(|_| "PUBLIC".to_owned());
    });
    Ok(())
}

async fn use_schema(
    tx: Tx<'_>,
    session: &Session,
    environment: &Environment,
    path: &[String],
) -> Result<(), SnowflakeError> {
    let full = full_name(Kind::Schema, path, &environment.context)?;
    let (database, schema) = full.split_once('.').ok_or_else(SnowflakeError::cannot_be_performed)?;
    if schema == INFORMATION_SCHEMA {
        exists(tx, Kind::Database, database).await?;
    } else {
        exists(tx, Kind::Schema, &full).await?;
    }
    session.update(|state| {
        state.context.database = Some(database.to_owned());
        state.context.schema = Some(schema.to_owned());
    });
    Ok(())
}
