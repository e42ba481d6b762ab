//! Users over SCIM.

use oktant_base::{Secret, Timestamp};
use oktant_scim::{Error, Kind, Patch, Precondition, Projection, Resource, Stored};

use std::sync::Arc;

use super::resource::{self, Write, parse_user_id, user_resource, write_user};
use super::{Refusal, Result, ScimAccess};
use crate::account::Account;
use crate::model::user::{self, User};
use crate::model::{Id, Tx, role};
use crate::password::ScramVerifier;
use crate::privilege::account::{CREATE_USER, MONITOR_USER};
use crate::statement::cursor::quoted;

/// Whether the caller sees a user: one its role owns, or any with MONITOR USER.
pub(super) fn sees(access: &ScimAccess, user: &User) -> bool {
    access.authority.owns(user.owner_id) || access.authority.holds(MONITOR_USER)
}

/// The roles of a user: ids and names. None where nobody wants them.
type Roles = Option<Vec<(Id, String)>>;

/// The user of an id, if the caller sees it, with the roles where they are wanted.
async fn find(tx: Tx<'_>, access: &ScimAccess, id: &str, wants_roles: bool) -> Result<(User, Roles)> {
    let found = match parse_user_id(id) {
        Some(row) if wants_roles => user::by_id_with_roles(tx, row).await?.map(|(user, roles)| (user, Some(roles))),
        Some(row) => user::by_id(tx, row).await?.map(|user| (user, None)),
        None => None,
    };
    found.filter(|(user, _)| sees(access, user)).ok_or_else(|| Error::not_found(Kind::User, id).into())
}

/// The user of an id, if the caller may change it, with the roles where they are wanted.
async fn find_owned(tx: Tx<'_>, access: &ScimAccess, id: &str, wants_roles: bool) -> Result<(User, Roles)> {
    let (user, roles) = find(tx, access, id, wants_roles).await?;
    if access.authority.owns(user.owner_id) {
        return Ok((user, roles));
    }
    Err(Error::forbidden(format!("The user is owned by another role. {}", take_over(access, &user))).into())
}

/// What lets the integration manage a user of another role.
fn take_over(access: &ScimAccess, user: &User) -> String {
    let role = &access.authority.role_name;
    format!("GRANT OWNERSHIP ON USER {} TO ROLE {} hands it over", quoted(&user.name), quoted(role))
}

/// The verifier of the password in a request; none where passwords are not synchronised.
async fn verifier(
    account: &Account,
    access: &ScimAccess,
    password: Option<&Secret>,
) -> Result<Option<ScramVerifier>, Error> {
    match password.filter(|_| access.integration.sync_password) {
        Some(password) => {
            let (account, password) = (account.clone(), password.clone());
            // Off the async threads: it takes milliseconds on purpose.
            let derived = tokio::task::spawn_blocking(move || ScramVerifier::new(&password, account.entropy()));
            derived.await.map(Some).map_err(|_| Error::internal())
        }
        None => Ok(None),
    }
}

/// Refuses a name or login name that another user has.
async fn check_names(tx: Tx<'_>, access: &ScimAccess, user: &User) -> Result<()> {
    let Some(other) = user::holding_names_of(tx, user).await? else { return Ok(()) };
    // # Source: the first sentence is Snowflake's, as Okta's administrators see it.
    let mut detail = "User exists with given userName and/or enterprise:user.snowflakeUserName".to_owned();
    if !access.authority.owns(other.owner_id) {
        let owner = match other.owner_id {
            Some(id) => role::by_id(tx, id).await?.map(|role| role.name),
            None => None,
        };
        let owner = owner.unwrap_or_else(|| "the system".to_owned());
        detail = format!("{detail}. It is owned by {owner}: {}", take_over(access, &other));
    }
    Err(Error::uniqueness(detail).into())
}

pub(super) async fn create(account: &Account, access: &Arc<ScimAccess>, resource: Resource) -> Result<Stored> {
    if !access.authority.holds(CREATE_USER) {
        let role = &access.authority.role_name;
        return Err(Error::forbidden(format!("GRANT CREATE USER ON ACCOUNT TO ROLE {role} allows it")).into());
    }
    let verifier = verifier(account, access, resource.password()).await?;
    let (access, now) = (Arc::clone(access), account.now());
    account
        .0
        .db
        .write_decided(move |tx| {
            Box::pin(async move {
                let mut user = User::new(String::new(), String::new(), Some(access.authority.role_id), now);
                set_password(&mut user, verifier.as_ref(), now);
                write_user(&access, &mut user, &resource, Write::Create)?;
                if !user::insert_unless_taken(tx, &mut user).await? {
                    check_names(tx, &access, &user).await?;
                    return Err(Error::internal().into());
                }
                // Nobody can have granted anything to someone who is new.
                Ok(resource::bare_user(&access, &user))
            })
        })
        .await
}

fn set_password(user: &mut User, verifier: Option<&ScramVerifier>, now: Timestamp) {
    if let Some(verifier) = verifier {
        user.set_password(verifier, now);
    }
}

pub(super) async fn get(tx: Tx<'_>, access: &ScimAccess, id: &str, projection: &Projection) -> Result<Stored> {
    let (user, roles) = find(tx, access, id, projection.wants("groups")).await?;
    Ok(resource::user(access, &user, roles))
}

pub(super) async fn replace(
    account: &Account,
    access: &Arc<ScimAccess>,
    id: &str,
    resource: Resource,
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Stored> {
    let verifier = verifier(account, access, resource.password()).await?;
    let (shared, id, precondition, projection) =
        (Arc::clone(access), id.to_owned(), precondition.clone(), projection.clone());
    let now = account.now();
    let stored = account.0.db.write_decided(move |tx| {
        Box::pin(async move {
            let access = &*shared;
            let (user, roles) = find_owned(tx, access, &id, projection.wants("groups")).await?;
            precondition.check(&user.version.to_string())?;
            let user = save(tx, access, user, &resource, Write::Replace, verifier.as_ref(), now).await?;
            Ok::<_, Refusal>(resource::user(access, &user, roles))
        })
    });
    let stored = stored.await?;
    note_deactivation(account, &stored);
    Ok(stored)
}

/// A user who is disabled may be behind a token that callers are remembered by.
fn note_deactivation(account: &Account, stored: &Stored) {
    if !stored.resource.active() {
        account.user_barred();
    }
}

/// Writes a resource over a user, as a new version if that changes anything.
async fn save(
    tx: Tx<'_>,
    access: &ScimAccess,
    mut user: User,
    resource: &Resource,
    write: Write,
    verifier: Option<&ScramVerifier>,
    now: Timestamp,
) -> Result<User> {
    let before = (user_resource(access, &user), user.name.clone());
    let login_name = user.login_name.clone();
    set_password(&mut user, verifier, now);
    write_user(access, &mut user, resource, write)?;
    let changed = verifier.is_some() || before != (user_resource(access, &user), user.name.clone());
    if changed {
        // Names that stay are nobody else's.
        if (&before.1, &login_name) != (&user.name, &user.login_name) {
            check_names(tx, access, &user).await?;
        }
        user::update(tx, &mut user, now).await?;
    }
    Ok(user)
}

pub(super) async fn patch(
    account: &Account,
    access: &Arc<ScimAccess>,
    id: &str,
    patch: &Patch,
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Stored> {
    let verifier = patched_password(account, access, id, patch).await?;
    let (shared, id, patch) = (Arc::clone(access), id.to_owned(), patch.clone());
    let (precondition, projection, now) = (precondition.clone(), projection.clone(), account.now());
    let stored = account.0.db.write_decided(move |tx| {
        Box::pin(async move {
            let access = &*shared;
            let (user, roles) = find_owned(tx, access, &id, projection.wants("groups")).await?;
            precondition.check(&user.version.to_string())?;
            let mut resource = user_resource(access, &user);
            let applied = patch.apply(&mut resource)?;
            let user = if applied.changed {
                save(tx, access, user, &resource, Write::Patch, verifier.as_ref(), now).await?
            } else {
                user
            };
            Ok::<_, Refusal>(resource::user(access, &user, roles))
        })
    });
    let stored = stored.await?;
    note_deactivation(account, &stored);
    Ok(stored)
}

/// The verifier of the password that a PATCH sets. Its key is derived before the transaction, so the PATCH is tried
/// on the user as it is now: what it sets the password to does not depend on the other attributes.
async fn patched_password(
    account: &Account,
    access: &Arc<ScimAccess>,
    id: &str,
    patch: &Patch,
) -> Result<Option<ScramVerifier>> {
    if !access.integration.sync_password {
        return Ok(None);
    }
    let mut resource = {
        let mut connection = account.0.db.read().await?;
        user_resource(access, &find_owned(&mut *connection, access, id, false).await?.0)
    };
    patch.apply(&mut resource)?;
    Ok(verifier(account, access, resource.password()).await?)
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
            let (user, _) = find_owned(tx, &access, &id, false).await?;
            precondition.check(&user.version.to_string())?;
            user::delete(tx, user.id, now).await?;
            Ok::<_, Refusal>(())
        })
    });
    deleted.await?;
    account.user_barred();
    Ok(())
}
