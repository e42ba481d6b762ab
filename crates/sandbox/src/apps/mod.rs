//! Applications and who may use them.

mod create;
mod grants;
mod groups;
mod list;
mod model;
mod policies;
mod template;
mod update;
mod users;
mod view;

use serde_json::Value;

use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::store::{Id, Store};

pub(crate) use create::from_body;
pub(crate) use model::{App, AppGroup, AppUser};
pub(crate) use policies::of_app as policy_of;
pub(crate) use users::assigned;
pub(crate) use view::shown;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listApplications", Handler::Read(list::list)),
    ("createApplication", Handler::Write(create::create)),
    ("getApplication", Handler::Read(get)),
    ("replaceApplication", Handler::Write(update::replace)),
    ("deleteApplication", Handler::Write(update::delete)),
    ("activateApplication", Handler::Write(update::activate)),
    ("deactivateApplication", Handler::Write(update::deactivate)),
    ("listApplicationUsers", Handler::Read(users::list)),
    ("assignUserToApplication", Handler::Write(users::assign)),
    ("getApplicationUser", Handler::Read(users::get)),
    ("updateApplicationUser", Handler::Write(users::update)),
    ("unassignUserFromApplication", Handler::Write(users::remove)),
    ("listApplicationGroupAssignments", Handler::Read(groups::list)),
    ("getApplicationGroupAssignment", Handler::Read(groups::get)),
    ("assignGroupToApplication", Handler::Write(groups::assign)),
    ("updateGroupAssignmentToApplication", Handler::Write(groups::update)),
    ("unassignApplicationFromGroup", Handler::Write(groups::remove)),
    ("listAssignedApplicationsForGroup", Handler::Read(list::of_group)),
    ("listAppLinks", Handler::Read(list::links_of_user)),
    ("listScopeConsentGrants", Handler::Read(grants::list)),
    ("grantConsentToScope", Handler::Write(grants::create)),
    ("getScopeConsentGrant", Handler::Read(grants::get)),
    ("assignApplicationPolicy", Handler::Write(policies::assign)),
    ("revokeScopeConsentGrant", Handler::Write(grants::revoke)),
];

/// The app that the call's path names.
///
/// # Errors
///
/// 404 `E0000007` if there is none.
pub(crate) fn find<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a App, ApiError> {
    let name = call.param("appId");
    let app = Id::parse(name).and_then(|id| store.apps.get(&id));
    app.ok_or_else(|| ApiError::not_found(name, "AppInstance"))
}

/// As [`find`], to be changed.
pub(crate) fn exclusive<'a>(store: &'a mut Store, call: &Call<'_>) -> Result<&'a mut App, ApiError> {
    let name = call.param("appId");
    let app = Id::parse(name).and_then(|id| store.apps.get_mut(&id));
    app.ok_or_else(|| ApiError::not_found(name, "AppInstance"))
}

/// `getApplication`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&view::shown(find(store, call)?, store, call.base)))
}

/// The app as other objects embed it.
pub(crate) fn embedded(store: &Store, base: &str, id: Id) -> Option<Value> {
    store.apps.get(&id).map(|app| view::shown(app, store, base))
}

/// How many apps a group is assigned to.
pub(crate) fn count_of_group(store: &Store, group: Id) -> usize {
    store.apps.values().filter(|app| app.groups.contains_key(&group)).count()
}
