//! Roles as groups over SCIM.

use std::sync::Arc;

use oktant_base::Timestamp;
use oktant_scim::{Error, Kind, MemberChange, Patch, Precondition, Projection, Resource, Stored};

use super::resource::{self, group_resource, parse_role_id, parse_user_id};
use super::{Refusal, Result, ScimAccess};
use crate::account::Account;
use crate::model::role::{self, Role};
use crate::model::{Id, Tx};
use crate::privilege::account::{CREATE_ROLE, MONITOR_ROLE};
use crate::statement::role as role_statement;

/// Whether the caller sees a role: one made over SCIM that its role owns, or any with MONITOR ROLE.
pub(super) fn sees(access: &ScimAccess, role: &Role) -> bool {
    is_managed(access, role) || !role.is_system() && access.authority.holds(MONITOR_ROLE)
}

/// Whether the caller may change a role: only those made over SCIM are managed over SCIM.
fn is_managed(access: &ScimAccess, role: &Role) -> bool {
    role.resource.is_some() && access.authority.owns(role.owner_id)
}

async fn find(tx: Tx<'_>, access: &ScimAccess, id: &str) -> Result<Role> {
    let role = match parse_role_id(id) {
        Some(row) => role::by_id(tx, row).await?,
        None => None,
    };
    role.filter(|role| sees(access, role)).ok_or_else(|| Error::not_found(Kind::Group, id).into())
}

async fn find_managed(tx: Tx<'_>, access: &ScimAccess, id: &str) -> Result<Role> {
    let role = find(tx, access, id).await?;
    if is_managed(access, &role) {
        return Ok(role);
    }
    Err(Error::forbidden(format!(
        "The role {} was not created by this integration: existing roles cannot be taken over",
        role.name
    ))
    .into())
}

/// Refuses a name that a role has, as it stands or in upper case.
async fn check_name(tx: Tx<'_>, name: &str, own: Id) -> Result<()> {
    resource::check_name_text(name)?;
    for name in [name, &name.to_uppercase()] {
        let Some(other) = role::by_name(tx, name).await?.filter(|other| other.id != own) else { continue };
        let owner = match other.owner_id {
            Some(id) => role::by_id(tx, id).await?.map(|role| role.name),
            None => None,
        };
        let owner = owner.unwrap_or_else(|| "the system".to_owned());
        return Err(Error::uniqueness(format!(
            "Role {name} exists already, owned by {owner}. Existing roles cannot be taken over: rename the group or drop the role"
        ))
        .into());
    }
    Ok(())
}

pub(super) async fn create(
    account: &Account,
    access: &Arc<ScimAccess>,
    mut resource: Resource,
    projection: &Projection,
) -> Result<Stored> {
    if !access.authority.holds(CREATE_ROLE) {
        let role = &access.authority.role_name;
        return Err(Error::forbidden(format!("GRANT CREATE ROLE ON ACCOUNT TO ROLE {role} allows it")).into());
    }
    let (shared, projection, now) = (Arc::clone(access), projection.clone(), account.now());
    let created = account.0.db.write(move |tx| {
        Box::pin(async move {
            let access = &*shared;
            let members = MemberChange::replacing(resource.members.take().unwrap_or_default());
            let mut role = Role::new(resource.name().to_owned(), Some(access.authority.role_id), now);
            check_name(tx, &role.name, 0).await?;
            role.resource = Some(resource.into_attributes());
            role::insert(tx, &mut role).await?;
            change_members(tx, access, role.id, &members, now).await?;
            resource::group(tx, role, &projection).await
        })
    });
    created.await
}

pub(super) async fn get(tx: Tx<'_>, access: &ScimAccess, id: &str, projection: &Projection) -> Result<Stored> {
    let role = find(tx, access, id).await?;
    resource::group(tx, role, projection).await
}

pub(super) async fn replace(
    account: &Account,
    access: &Arc<ScimAccess>,
    id: &str,
    mut resource: Resource,
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Stored> {
    let (shared, id) = (Arc::clone(access), id.to_owned());
    let (precondition, projection, now) = (precondition.clone(), projection.clone(), account.now());
    let stored = account.0.db.write(move |tx| {
        Box::pin(async move {
            let access = &*shared;
            let role = find_managed(tx, access, &id).await?;
            precondition.check(&role.version.to_string())?;
            let members = resource.members.take().map(MemberChange::replacing).unwrap_or_default();
            save(tx, access, role, resource, &members, &projection, now).await
        })
    });
    let (stored, renamed) = stored.await?;
    if renamed {
        account.security_changed();
    }
    Ok(stored)
}

pub(super) async fn patch(
    account: &Account,
    access: &Arc<ScimAccess>,
    id: &str,
    patch: &Patch,
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Stored> {
    let (shared, id, patch) = (Arc::clone(access), id.to_owned(), patch.clone());
    let (precondition, projection, now) = (precondition.clone(), projection.clone(), account.now());
    let stored = account.0.db.write(move |tx| {
        Box::pin(async move {
            let access = &*shared;
            let role = find_managed(tx, access, &id).await?;
            precondition.check(&role.version.to_string())?;
            let mut resource = group_resource(&role);
            if patch.needs_members() {
                resource.members = resource::members(tx, &role, None).await?;
            }
            let applied = patch.apply(&mut resource)?;
            save(tx, access, role, resource, &applied.members, &projection, now).await
        })
    });
    let (stored, renamed) = stored.await?;
    if renamed {
        account.security_changed();
    }
    Ok(stored)
}

/// Writes attributes and membership of a role, as a new version if that changes anything. Says whether the name did.
async fn save(
    tx: Tx<'_>,
    access: &ScimAccess,
    mut role: Role,
    resource: Resource,
    members: &MemberChange,
    projection: &Projection,
    now: Timestamp,
) -> Result<(Stored, bool)> {
    let id = role.id;
    let renamed = resource.name() != role.name;
    let changed = group_resource(&role).attributes() != resource.attributes();
    let moved = change_members(tx, access, id, members, now).await?;
    if changed {
        if renamed {
            let name = resource.name().to_owned();
            check_name(tx, &name, id).await?;
            let done = role_statement::rename(tx, &mut role, &name, now).await;
            done.map_err(|error| Error::invalid_value(error.message))?;
        }
        role.resource = Some(resource.into_attributes());
        role::update(tx, &mut role, now).await?;
    } else if moved {
        role::touch(tx, id, now).await?;
        role.version += 1;
        role.updated_at = now;
    }
    Ok((resource::group(tx, role, projection).await?, renamed))
}

/// Changes a membership by its difference: one row per member who comes or goes. Returns whether any did.
async fn change_members(
    tx: Tx<'_>,
    access: &ScimAccess,
    role_id: Id,
    change: &MemberChange,
    now: Timestamp,
) -> Result<bool> {
    let wanted: Vec<&str> = change.add().map(|member| member.value.as_str()).collect();
    let ids: Vec<Id> = wanted.iter().filter_map(|value| parse_user_id(value)).collect();
    let known = role::existing_users(tx, &ids).await?;
    let is_user = |value: &str| parse_user_id(value).is_some_and(|id| known.contains(&id));
    let foreign: Vec<&str> = wanted.iter().copied().filter(|value| !is_user(value)).collect();
    if let Some(value) = foreign.first().filter(|_| access.profile.is_snowflake()) {
        let detail = format!("There is no user {value:?} that the role could be granted to");
        return Err(Error::invalid_value(detail).into());
    }
    let (mut gone, mut gone_foreign) = (Vec::new(), Vec::new());
    if change.replaces() {
        gone = role::member_ids(tx, role_id).await?;
        gone.retain(|id| !known.contains(id));
        gone_foreign = role::foreign_members(tx, role_id).await?;
        gone_foreign.retain(|value| !foreign.contains(&value.as_str()));
    } else {
        for value in change.remove() {
            gone.extend(parse_user_id(value));
            // Only there can be others than users.
            if !access.profile.is_snowflake() {
                gone_foreign.push(value.to_owned());
            }
        }
    }
    let mut moved = role::remove_members(tx, role_id, &gone).await?;
    for value in gone_foreign {
        moved += u64::from(role::remove_foreign_member(tx, role_id, &value).await?);
    }
    let users: Vec<Id> = known.into_iter().collect();
    moved += role::add_members(tx, role_id, &users, Some(access.authority.role_id), now).await?;
    for value in foreign {
        moved += u64::from(role::add_foreign_member(tx, role_id, value).await?);
    }
    Ok(moved > 0)
}

pub(super) async fn delete(
    account: &Account,
    access: &Arc<ScimAccess>,
    id: &str,
    precondition: &Precondition,
) -> Result<()> {
    let (access, id, precondition, now) = (Arc::clone(access), id.to_owned(), precondition.clone(), account.now());
    let deleted = account.0.db.write(move |tx| {
        Box::pin(async move {
            let role = find_managed(tx, &access, &id).await?;
            precondition.check(&role.version.to_string())?;
            role::transfer_owned(tx, role.id, access.authority.role_id).await?;
            role::delete(tx, &role, now).await?;
            Ok::<_, Refusal>(())
        })
    });
    deleted.await?;
    account.security_changed();
    Ok(())
}
