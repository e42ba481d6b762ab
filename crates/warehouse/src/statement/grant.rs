//! `GRANT` and `REVOKE`.

use super::container::{container_kind, full_name};
use super::run::{Environment, executed};
use super::{CurrentGrants, Grant, GrantObject, Grantee, ObjectKind, role as role_statement, user as user_statement};
use crate::engine;
use crate::error::SnowflakeError;
use crate::model::container::{self, Container};
use crate::model::grant::{self as grants, ON_ACCOUNT, Privilege, RoleGrant, Side};
use crate::model::role::{self, Role};
use crate::model::{Id, Tx, integration, policy, user};
use crate::privilege::account::MANAGE_GRANTS;
use crate::result::{Context, Rows};

/// Privileges on the account that can be granted.
///
/// # Source
///
/// Snowflake documentation, "Access control privileges", global privileges.
const ON_ACCOUNT_KNOWN: [&str; 32] = [
    "CREATE USER",
    "CREATE ROLE",
    "CREATE DATABASE",
    "CREATE WAREHOUSE",
    "CREATE INTEGRATION",
    "CREATE NETWORK POLICY",
    "CREATE SHARE",
    "CREATE ACCOUNT",
    "CREATE API INTEGRATION",
    "CREATE COMPUTE POOL",
    "CREATE DATA EXCHANGE LISTING",
    "CREATE EXTERNAL VOLUME",
    "CREATE FAILOVER GROUP",
    "CREATE REPLICATION GROUP",
    "MANAGE GRANTS",
    "MANAGE WAREHOUSES",
    "MANAGE ACCOUNT SUPPORT CASES",
    "MANAGE USER SUPPORT CASES",
    "MONITOR",
    "MONITOR USER",
    "MONITOR ROLE",
    "MONITOR USAGE",
    "MONITOR EXECUTION",
    "MONITOR SECURITY",
    "AUDIT",
    "APPLY TAG",
    "APPLY MASKING POLICY",
    "APPLY ROW ACCESS POLICY",
    "ATTACH POLICY",
    "EXECUTE TASK",
    "IMPORT SHARE",
    "RESOLVE ALL",
];

pub(crate) async fn grant(tx: Tx<'_>, environment: &Environment, grant: Grant) -> Result<Rows, SnowflakeError> {
    match grant {
        Grant::Privileges { privileges, object, grantee, grant_option } => {
            let to = grantee_role(tx, &grantee).await?;
            for Target { kind, name, owner } in objects(tx, environment, &object).await? {
                for privilege in expanded(&privileges, kind)? {
                    permitted(environment, privilege, kind, &name, owner)?;
                    let row = Privilege {
                        role_id: to.id,
                        privilege: privilege.to_owned(),
                        object_kind: kind.to_owned(),
                        object_name: name.clone(),
                        grant_option,
                        granted_by: Some(environment.authority.role_id),
                        created_at: environment.now,
                    };
                    grants::insert(tx, &row).await?;
                }
            }
        }
        Grant::Role { role, grantee, grant_option } => {
            grant_role(tx, environment, &role, &grantee, grant_option).await?;
        }
        Grant::Ownership { kind, name, role, current_grants } => {
            ownership(tx, environment, kind, &name, &role, current_grants).await?;
        }
    }
    Ok(executed())
}

pub(crate) async fn revoke(tx: Tx<'_>, environment: &Environment, grant: Grant) -> Result<Rows, SnowflakeError> {
    match grant {
        Grant::Privileges { privileges, object, grantee, grant_option } => {
            let from = grantee_role(tx, &grantee).await?;
            for Target { kind, name, owner } in objects(tx, environment, &object).await? {
                for privilege in expanded(&privileges, kind)? {
                    permitted(environment, privilege, kind, &name, owner)?;
                    if grant_option {
                        grants::delete_option(tx, from.id, privilege, kind, &name).await?;
                    } else {
                        grants::delete(tx, from.id, privilege, kind, &name).await?;
                    }
                }
            }
        }
        Grant::Role { role, grantee, .. } => {
            let role = role_statement::find(tx, &role).await?;
            may_grant_role(tx, environment, &role, matches!(grantee, Grantee::Role(_))).await?;
            match grantee {
                Grantee::Role(parent) => {
                    let parent = role_statement::find(tx, &parent).await?;
                    grants::delete_role(tx, role.id, parent.id).await?;
                }
                Grantee::User(name) => {
                    let user = user_statement::find(tx, &name).await?;
                    if role::remove_member(tx, role.id, user.id).await? {
                        role::touch(tx, role.id, environment.now).await?;
                    }
                }
            }
        }
        Grant::Ownership { .. } => return Err(SnowflakeError::unsupported("REVOKE OWNERSHIP")),
    }
    Ok(executed())
}

async fn grantee_role(tx: Tx<'_>, grantee: &Grantee) -> Result<Role, SnowflakeError> {
    match grantee {
        Grantee::Role(name) => role_statement::find(tx, name).await,
        Grantee::User(_) => Err(SnowflakeError::unsupported("GRANT PRIVILEGE TO USER")),
    }
}

/// A privilege is granted by the owner of the object, who may manage grants, or who has it with the grant option.
fn permitted(
    environment: &Environment,
    privilege: &str,
    kind: &str,
    name: &str,
    owner: Option<Id>,
) -> Result<(), SnowflakeError> {
    let authority = &environment.authority;
    if authority.owns(owner) || authority.may_grant(privilege, kind, name) {
        return Ok(());
    }
    Err(match kind {
        ON_ACCOUNT => SnowflakeError::grant_not_executed(privilege),
        _ => SnowflakeError::insufficient_privileges(&kind.to_lowercase().replace('_', " "), name),
    })
}

/// The privileges one by one, as they apply to a kind of object.
fn expanded<'a>(privileges: &'a [String], kind: &str) -> Result<Vec<&'a str>, SnowflakeError> {
    let known: &[&str] = match kind {
        ON_ACCOUNT => &ON_ACCOUNT_KNOWN,
        grants::ON_TABLE => &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"],
        grants::ON_DATABASE => &["USAGE", "MODIFY", "MONITOR", "CREATE SCHEMA", "IMPORTED PRIVILEGES"],
        grants::ON_SCHEMA => &["USAGE", "MODIFY", "MONITOR", "CREATE TABLE", "CREATE VIEW", "CREATE TAG"],
        "WAREHOUSE" => &["USAGE", "MODIFY", "MONITOR", "OPERATE"],
        "USER" => &["MONITOR"],
        _ => &["USAGE", "USE_ANY_ROLE"],
    };
    if privileges == ["ALL"] {
        return Ok(known.to_vec());
    }
    match privileges.iter().find(|privilege| !known.contains(&privilege.as_str())) {
        Some(unknown) => Err(SnowflakeError::unsupported(&format!("GRANT {unknown} ON {kind}"))),
        None => Ok(privileges.iter().map(String::as_str).collect()),
    }
}

/// An object that a grant is on. What the account itself has is `ACCOUNTADMIN`'s: no owner.
struct Target {
    kind: &'static str,
    name: String,
    owner: Option<Id>,
}

async fn objects(tx: Tx<'_>, environment: &Environment, object: &GrantObject) -> Result<Vec<Target>, SnowflakeError> {
    match object {
        GrantObject::Account => Ok(vec![Target { kind: ON_ACCOUNT, name: String::new(), owner: None }]),
        GrantObject::One { kind, name } => {
            let (name, owner) = existing(tx, environment, *kind, name).await?;
            Ok(vec![Target { kind: kind.key(), name, owner }])
        }
        GrantObject::AllTables { container } => {
            let tables = environment.account.engine_tables();
            let is_known =
                |schema: &str| schema == engine::SCHEMA || tables.iter().any(|table| engine::parts(table).0 == schema);
            let database = environment.context.database.as_deref().unwrap_or(engine::DATABASE);
            // All of them, or those of one schema.
            let schema = match container.as_slice() {
                [name] if name == engine::DATABASE => None,
                [schema] if database == engine::DATABASE && is_known(schema) => Some(schema),
                [database, schema] if database == engine::DATABASE && is_known(schema) => Some(schema),
                _ => return Err(SnowflakeError::does_not_exist("Schema", &container.join("."))),
            };
            let inside = tables.iter().filter(|table| schema.is_none_or(|schema| engine::parts(table).0 == schema));
            let target =
                |table: &String| Target { kind: grants::ON_TABLE, name: engine::full_name(table), owner: None };
            Ok(inside.map(target).collect())
        }
    }
}

/// The full name of one of the engine's tables, `OKTA.PUBLIC.USERS`.
fn resolve_table(environment: &Environment, path: &[String]) -> Result<String, SnowflakeError> {
    let missing = || SnowflakeError::does_not_exist("Table", &path.join("."));
    let table = table_name(path, &environment.context).ok_or_else(missing)?;
    let known = environment.account.engine_tables().contains(&table);
    known.then(|| engine::full_name(&table)).ok_or_else(missing)
}

/// The engine's table that a name in a statement means, in upper case, if it can mean one. A name without a
/// database means the current one; the engine's where the session has none.
pub(crate) fn table_name(path: &[String], context: &Context) -> Option<String> {
    let database = context.database.as_deref().unwrap_or(engine::DATABASE);
    let schema = context.schema.as_deref().unwrap_or(engine::SCHEMA);
    let (database, schema, table) = match path {
        [table] => (database, schema, table),
        [schema, table] => (database, schema.as_str(), table),
        [database, schema, table] => (database.as_str(), schema.as_str(), table),
        _ => return None,
    };
    match (database, schema) {
        (engine::DATABASE, engine::SCHEMA) => Some(table.clone()),
        // Their names are given by people who do not know how names are folded here.
        (engine::DATABASE, schema) => Some(format!("{schema}.{table}").to_uppercase()),
        _ => None,
    }
}

/// The name under which an object's privileges are kept, and its owner.
pub(crate) async fn existing(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    path: &[String],
) -> Result<(String, Option<Id>), SnowflakeError> {
    let name = path.last().cloned().unwrap_or_default();
    let missing = |name: &str| SnowflakeError::does_not_exist(kind.title(), name);
    match kind {
        ObjectKind::User => user_statement::find(tx, &name).await.map(|user| (user.name, user.owner_id)),
        ObjectKind::Role => role_statement::find(tx, &name).await.map(|role| (role.name, role.owner_id)),
        ObjectKind::Integration => {
            let found = integration::by_name(tx, &name).await?.ok_or_else(|| missing(&name))?;
            Ok((name, found.owner_id))
        }
        ObjectKind::NetworkPolicy => {
            let found = policy::by_name(tx, &name).await?.ok_or_else(|| missing(&name))?;
            Ok((name, found.owner_id))
        }
        ObjectKind::Table => Ok((resolve_table(environment, path)?, Some(role::ACCOUNTADMIN))),
        ObjectKind::Database | ObjectKind::Schema | ObjectKind::Warehouse => {
            let found = find_container(tx, environment, kind, path).await?;
            Ok((found.name, found.owner_id))
        }
    }
}

async fn find_container(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    path: &[String],
) -> Result<Container, SnowflakeError> {
    let name = full_name(container_kind(kind)?, path, &environment.context)?;
    let found = container::by_name(tx, container_kind(kind)?, &name).await?;
    found.ok_or_else(|| SnowflakeError::does_not_exist(kind.title(), &name))
}

async fn grant_role(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    grantee: &Grantee,
    grant_option: bool,
) -> Result<(), SnowflakeError> {
    let role = role_statement::find(tx, name).await?;
    may_grant_role(tx, environment, &role, matches!(grantee, Grantee::Role(_))).await?;
    let by = environment.authority.role_id;
    match grantee {
        Grantee::User(name) => {
            let user = user_statement::find(tx, name).await?;
            if role::add_member(tx, role.id, user.id, Some(by), environment.now).await? {
                role::touch(tx, role.id, environment.now).await?;
            }
        }
        Grantee::Role(parent) => {
            let parent = role_statement::find(tx, parent).await?;
            // A circle would make each of the roles as mighty as all of them.
            if grants::closure(tx, &[role.id].into()).await?.contains(&parent.id) {
                return Err(SnowflakeError::cannot_be_performed());
            }
            let row = RoleGrant {
                role_id: role.id,
                parent_id: parent.id,
                grant_option,
                granted_by: Some(by),
                created_at: environment.now,
            };
            grants::insert_role(tx, &row).await?;
        }
    }
    Ok(())
}

/// A role is granted by who owns it, may manage grants, or has it with the grant option (to roles only).
async fn may_grant_role(
    tx: Tx<'_>,
    environment: &Environment,
    role: &Role,
    to_role: bool,
) -> Result<(), SnowflakeError> {
    let authority = &environment.authority;
    if authority.owns(role.owner_id) || authority.holds(MANAGE_GRANTS) {
        return Ok(());
    }
    let optional = |grant: &RoleGrant| grant.grant_option && authority.active.contains(&grant.parent_id);
    if to_role && grants::roles(tx, role.id, Side::Parents).await?.iter().any(optional) {
        return Ok(());
    }
    Err(SnowflakeError::insufficient_privileges(ObjectKind::Role.noun(), &role.name))
}

async fn ownership(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    path: &[String],
    new_owner: &str,
    current_grants: Option<CurrentGrants>,
) -> Result<(), SnowflakeError> {
    let new_owner = role_statement::find(tx, new_owner).await?;
    let (name, owner) = existing(tx, environment, kind, path).await?;
    let authority = &environment.authority;
    if !authority.owns(owner) && !authority.holds(MANAGE_GRANTS) {
        return Err(SnowflakeError::insufficient_privileges(kind.noun(), &name));
    }
    match current_grants {
        Some(CurrentGrants::Revoke) => grants::delete_on(tx, kind.key(), &name).await?,
        Some(CurrentGrants::Copy) => grants::attribute(tx, kind.key(), &name, new_owner.id).await?,
        None if matches!(kind, ObjectKind::User | ObjectKind::Role) => {}
        None if grants::on(tx, kind.key(), &name).await?.is_empty() => {}
        None => return Err(SnowflakeError::dependent_grants()),
    }
    let owner_id = Some(new_owner.id);
    match kind {
        ObjectKind::User => {
            let mut user = user_statement::find(tx, &name).await?;
            user.owner_id = owner_id;
            user::update(tx, &mut user, environment.now).await?;
        }
        ObjectKind::Role => {
            let mut role = role_statement::find(tx, &name).await?;
            if role.is_system() {
                return Err(SnowflakeError::cannot_be_performed());
            }
            role.owner_id = owner_id;
            role::update(tx, &mut role, environment.now).await?;
        }
        ObjectKind::Integration => {
            if let Some(mut integration) = integration::by_name(tx, &name).await? {
                integration.owner_id = owner_id;
                integration::update(tx, &integration).await?;
            }
        }
        ObjectKind::NetworkPolicy => {
            if let Some(mut policy) = policy::by_name(tx, &name).await? {
                policy.owner_id = owner_id;
                policy::update(tx, &policy).await?;
            }
        }
        ObjectKind::Database | ObjectKind::Schema | ObjectKind::Warehouse => {
            let container = find_container(tx, environment, kind, path).await?;
            container::put(tx, &Container { owner_id, ..container }).await?;
        }
        ObjectKind::Table => return Err(SnowflakeError::unsupported("GRANT OWNERSHIP ON TABLE")),
    }
    Ok(())
}
