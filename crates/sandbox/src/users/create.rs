//! Creating a user.

use serde_json::{Map, Value};

use super::credentials::Sent;
use super::{profile, shown};
use crate::http::{ApiError, Call, Outcome, errors};
use crate::logs::{self, Kind, Target};
use crate::rules;
use crate::store::{GroupNumber, Id, NumberSet, Password, Profile, Status, Store, User};

/// Most groups that one request may put a new user into.
const GROUPS_MAX: usize = 20;

/// `createUser`.
pub(crate) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let empty = Map::new();
    let sent = profile::object_at(&body, "profile", &empty)?;
    let type_id = user_type(store, &body)?;
    let schema = store.user_schema(type_id);
    let mut new_profile = Profile::default();
    profile::apply(schema, &mut new_profile, sent, "newUser")?;
    profile::finish(store, schema, &mut new_profile, None)?;
    let credentials = Sent::read(body.get("credentials"), new_profile.text("login"))?;
    let groups = groups(store, &body)?;
    let status = first_status(call, &credentials)?;

    let id = store.ids.next("00u");
    let now = call.stamp();
    let active = status != Status::Staged;
    let has_password = credentials.password.is_some();
    let mut user = User {
        id,
        status,
        created: now,
        activated: active.then_some(now),
        status_changed: (active || has_password).then_some(now),
        last_login: None,
        last_updated: now,
        password_changed: None,
        type_id,
        profile: new_profile,
        password: None,
        recovery_question: None,
        provider: None,
        groups: NumberSet::default(),
    };
    credentials.apply(&mut user, call);
    let number = store.users.add(user);
    for group in groups {
        store.add_member(group, number, now);
    }
    let user = store.users.get(number).ok_or(errors::E0000009)?;
    let (reply, target) = (shown(call, user), Target::user(user));
    logs::record(store, call, Kind::USER_CREATE, std::slice::from_ref(&target));
    if active {
        logs::record(store, call, Kind::USER_ACTIVATE, &[target]);
    }
    rules::evaluate_user(store, call, number);
    Ok(reply)
}

/// The status of a new user.
///
/// # Source
///
/// Documented table of `activate`, `nextLogin` and credentials; 400 as published.
fn first_status(call: &Call<'_>, credentials: &Sent) -> Result<Status, ApiError> {
    let activate = call.flag("activate", true);
    let expire = call.query("nextLogin") == Some("changePassword");
    let has_password = credentials.password.is_some();
    if expire && !has_password {
        return Err(errors::E0000124.into());
    }
    if expire && !activate {
        return Err(errors::E0000125.into());
    }
    let foreign = credentials.provider.as_ref().is_some_and(|provider| provider.kind.as_ref() != "OKTA");
    Ok(match (activate, has_password || foreign) {
        (false, _) => Status::Staged,
        (true, false) => Status::Provisioned,
        (true, true) if expire && matches!(credentials.password, Some(Password::Text(_))) => Status::PasswordExpired,
        (true, true) => Status::Active,
    })
}

/// The user type that the body names, or the default one.
pub(super) fn user_type(store: &Store, body: &Map<String, Value>) -> Result<Id, ApiError> {
    let Some(id) = body.get("type").and_then(|value| value["id"].as_str()) else { return Ok(store.default_type) };
    let known = Id::parse(id).filter(|id| store.has_user_type(*id));
    known.ok_or_else(|| ApiError::not_found(id, "CVDType"))
}

fn groups(store: &Store, body: &Map<String, Value>) -> Result<Vec<GroupNumber>, ApiError> {
    let Some(ids) = body.get("groupIds").and_then(Value::as_array) else { return Ok(Vec::new()) };
    if ids.len() > GROUPS_MAX {
        return Err(errors::E0000093.into());
    }
    ids.iter()
        .map(|id| {
            let id = id.as_str().unwrap_or_default();
            let number = Id::parse(id).and_then(|id| store.groups.number(id));
            number.ok_or_else(|| ApiError::not_found(id, "UserGroup"))
        })
        .collect()
}
