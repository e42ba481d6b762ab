//! Users: reading, writing, and their whole life.

mod create;
mod credentials;
mod find;
mod lifecycle;
mod list;
mod profile;
mod resource;
mod update;
mod view;

use serde_json::Value;

use crate::http::{ApiError, Call, Handler, Outcome, Reply, errors};
use crate::logs::{self, Kind};
use crate::sessions;
use crate::store::{Id, Store, User, UserNumber};

pub(crate) use credentials::is_password;
pub(crate) use find::{named, shared};
pub(crate) use resource::visit_datum;
pub(crate) use view::View;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listUsers", Handler::Read(list::list)),
    ("createUser", Handler::Write(create::create)),
    ("getUser", Handler::Read(get)),
    ("updateUser", Handler::Write(update::partial)),
    ("replaceUser", Handler::Write(update::full)),
    ("deleteUser", Handler::Write(lifecycle::delete)),
    ("listUserBlocks", Handler::Read(blocks)),
    ("revokeUserSessions", Handler::Write(revoke_sessions)),
    ("globalTokenRevocation", Handler::Write(revoke_everything)),
    ("activateUser", Handler::Write(lifecycle::activate)),
    ("reactivateUser", Handler::Write(lifecycle::reactivate)),
    ("deactivateUser", Handler::Write(lifecycle::deactivate)),
    ("suspendUser", Handler::Write(lifecycle::suspend)),
    ("unsuspendUser", Handler::Write(lifecycle::unsuspend)),
    ("unlockUser", Handler::Write(lifecycle::unlock)),
    ("expirePassword", Handler::Write(lifecycle::expire_password)),
    ("expirePasswordWithTempPassword", Handler::Write(lifecycle::expire_password_with_temporary)),
    ("resetPassword", Handler::Write(lifecycle::reset_password)),
    ("forgotPassword", Handler::Write(credentials::forgot_password)),
    ("forgotPasswordSetNewPassword", Handler::Write(credentials::forgot_password_answer)),
    ("changePassword", Handler::Write(credentials::change_password)),
    ("changeRecoveryQuestion", Handler::Write(credentials::change_recovery_question)),
];

/// `getUser`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let user = find::shared(store, call)?;
    Ok(shown(call, user).header(http::header::ETAG, &update::etag(user)))
}

/// 200 with the whole user.
fn shown(call: &Call<'_>, user: &User) -> Reply {
    Reply::bytes(view::single(call, user))
}

/// `listUserBlocks`: a product of its own, which the org does not have (recorded).
fn blocks(store: &Store, call: &Call<'_>) -> Outcome {
    find::user(store, call)?;
    Err(errors::E0000015.into())
}

/// Ends every session of a user, with the API and in the browser.
fn end_sessions(store: &mut Store, call: &Call<'_>, user: Id) {
    call.org.oauth.end_sessions(user.as_str());
    sessions::end_all(store, user);
}

/// `revokeUserSessions`: with `oauthTokens=true` the user's tokens go, too.
fn revoke_sessions(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = find::user(store, call)?;
    revoke(store, call, number, call.flag("oauthTokens", false))
}

/// `globalTokenRevocation`: sessions and tokens of a user whom an identity provider names.
///
/// # Source
///
/// Documented. Which users a provider may name is not checked: its subjects are ids or logins (assumed).
fn revoke_everything(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let subject = body.get("sub_id").unwrap_or(&Value::Null);
    let name = match subject["format"].as_str() {
        Some("opaque") => subject["id"].as_str(),
        Some("iss_sub") => subject["sub"].as_str(),
        _ => None,
    };
    let number = name.and_then(|name| named(store, name));
    let number =
        number.ok_or_else(|| ApiError::invalid("Api validation failed: sub_id").cause("sub_id: No such user."))?;
    revoke(store, call, number, true)
}

fn revoke(store: &mut Store, call: &Call<'_>, number: UserNumber, with_tokens: bool) -> Outcome {
    let Some(user) = store.users.get(number) else { return Err(errors::E0000009.into()) };
    let id = user.id;
    end_sessions(store, call, id);
    if with_tokens {
        call.org.oauth.revoke_tokens(id.as_str());
    }
    logs::record_user(store, call, number, Kind::SESSION_CLEAR);
    Ok(Reply::no_content())
}
