//! From one status to the next.
//!
//! # Source
//!
//! The state machine is documented; statuses and bodies of refusals are recorded or from the
//! published catalogue. The service does activation, deactivation and deletion in the background;
//! here they are done at once.

use oktant_base::Secret;
use serde_json::json;

use super::{end_sessions, find, shown};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::{self, Kind};
use crate::store::{Password, Status, Store, User, UserNumber};

/// Puts the user into `status` and stamps the change.
fn enter(user: &mut User, status: Status, call: &Call<'_>) {
    user.status = status;
    user.status_changed = Some(call.stamp());
    user.last_updated = call.stamp();
}

/// `activateUser`.
pub(crate) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = find::exclusive(store, call)?;
    if !matches!(user.status, Status::Staged | Status::Deprovisioned) {
        return Err(errors::E0000016.into());
    }
    let next = if user.password.is_some() { Status::Active } else { Status::Provisioned };
    enter(user, next, call);
    user.activated = Some(call.stamp());
    logs::record_user(store, call, number, Kind::USER_ACTIVATE);
    Ok(activation_link(call, call.flag("sendEmail", true)))
}

/// `reactivateUser`: a new activation link.
pub(crate) fn reactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = find::exclusive(store, call)?;
    if !matches!(user.status, Status::Provisioned | Status::Recovery) {
        return Err(errors::E0000038.into());
    }
    logs::record_user(store, call, number, Kind::USER_REACTIVATE);
    Ok(activation_link(call, call.flag("sendEmail", false)))
}

/// `{}` when the link goes out by mail, else the link itself.
fn activation_link(call: &Call<'_>, by_mail: bool) -> Reply {
    if by_mail {
        return Reply::empty_object();
    }
    let token = call.org.token(20);
    let url = call.url(&format!("/tokens/{token}/verify"));
    Reply::json(&json!({ "activationUrl": url, "activationToken": token }))
}

/// `deactivateUser`.
pub(crate) fn deactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = find::user(store, call)?;
    deprovision(store, call, number)?;
    Ok(Reply::empty_object())
}

/// Ends a user's access: memberships, assignments, sessions and password go. Nothing happens to one that is deprovisioned.
fn deprovision(store: &mut Store, call: &Call<'_>, number: UserNumber) -> Result<(), ApiError> {
    let user = store.users.get_mut(number).ok_or(errors::E0000009)?;
    if user.status == Status::Deprovisioned {
        return Ok(());
    }
    enter(user, Status::Deprovisioned, call);
    user.password = None;
    user.recovery_question = None;
    let id = user.id;
    let groups: Vec<_> = user.groups.iter().collect();
    for group in groups {
        store.remove_member(group, number, call.stamp());
    }
    store.unassign(number);
    end_sessions(store, call, id);
    logs::record_user(store, call, number, Kind::USER_DEACTIVATE);
    Ok(())
}

/// `deleteUser`: the first call deprovisions, the second one deletes.
pub(crate) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = find::user(store, call)?;
    let deprovisioned = store.users.get(number).is_some_and(|user| user.status == Status::Deprovisioned);
    if deprovisioned {
        logs::record_user(store, call, number, Kind::USER_DELETE_INITIATED);
        logs::record_user(store, call, number, Kind::USER_DELETE_COMPLETED);
        store.remove_user(number);
    } else {
        deprovision(store, call, number)?;
    }
    Ok(Reply::no_content())
}

/// `suspendUser`.
pub(crate) fn suspend(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = find::exclusive(store, call)?;
    if user.status != Status::Active {
        return Err(ApiError::invalid("Cannot suspend a user that is not active"));
    }
    enter(user, Status::Suspended, call);
    let id = user.id;
    end_sessions(store, call, id);
    logs::record_user(store, call, number, Kind::USER_SUSPEND);
    Ok(Reply::empty_object())
}

/// `unsuspendUser`.
pub(crate) fn unsuspend(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = find::exclusive(store, call)?;
    if user.status != Status::Suspended {
        return Err(ApiError::invalid("Cannot unsuspend a user that is not suspended"));
    }
    enter(user, Status::Active, call);
    logs::record_user(store, call, number, Kind::USER_UNSUSPEND);
    Ok(Reply::empty_object())
}

/// `unlockUser`.
pub(crate) fn unlock(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = find::exclusive(store, call)?;
    if user.status != Status::LockedOut {
        return Err(ApiError::new(errors::E0000032).cause("The user is not locked out."));
    }
    enter(user, Status::Active, call);
    logs::record_user(store, call, number, Kind::USER_UNLOCK);
    Ok(Reply::empty_object())
}

/// The user of a call that expires a password.
fn with_password<'a>(store: &'a mut Store, call: &Call<'_>) -> Result<(UserNumber, &'a mut User), ApiError> {
    let (number, user) = find::exclusive(store, call)?;
    let allowed = user.status == Status::Active && user.password.is_some();
    if allowed { Ok((number, user)) } else { Err(errors::E0000038.into()) }
}

/// `expirePassword`. The description has the temporary password at a path of its own; the older query
/// parameter for it, which okta-sdk-python 2.x sends, is served as well.
///
/// # Source
///
/// Documented in earlier versions of the API reference.
pub(crate) fn expire_password(store: &mut Store, call: &Call<'_>) -> Outcome {
    if call.flag("tempPassword", false) {
        return expire_password_with_temporary(store, call);
    }
    let (number, user) = with_password(store, call)?;
    enter(user, Status::PasswordExpired, call);
    let reply = shown(call, user);
    logs::record_user(store, call, number, Kind::USER_EXPIRE_PASSWORD);
    Ok(reply)
}

/// `expirePasswordWithTempPassword`.
pub(crate) fn expire_password_with_temporary(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = with_password(store, call)?;
    enter(user, Status::PasswordExpired, call);
    // The three characters satisfy the default policy whatever the random part is.
    let temporary = format!("Aa1{}", call.org.token(9));
    user.password = Some(Password::Text(Secret::new(temporary.as_str().into())));
    user.password_changed = Some(call.stamp());
    logs::record_user(store, call, number, Kind::USER_EXPIRE_PASSWORD);
    Ok(Reply::json(&json!({ "tempPassword": temporary })))
}

/// `resetPassword`.
pub(crate) fn reset_password(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (number, user) = find::exclusive(store, call)?;
    let allowed = [Status::Active, Status::Provisioned, Status::Recovery, Status::PasswordExpired];
    if !allowed.contains(&user.status) {
        return Err(errors::E0000017.into());
    }
    enter(user, Status::Recovery, call);
    logs::record_user(store, call, number, Kind::USER_RESET_PASSWORD);
    if call.flag("sendEmail", true) {
        return Ok(Reply::empty_object());
    }
    let url = call.url(&format!("/reset_password/{}", call.org.token(20)));
    Ok(Reply::json(&json!({ "resetPasswordUrl": url })))
}
