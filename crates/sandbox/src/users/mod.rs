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

use crate::http::{Call, Handler, Outcome, Reply};
use crate::store::{Store, User};

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
