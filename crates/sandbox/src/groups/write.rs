//! Creating, changing and deleting groups.

use serde_json::{Map, Value};

use super::{find, shown};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::{self, Kind, Target};
use crate::rules;
use crate::store::{Datum, Group, GroupKind, NumberSet, Profile, Store};

/// `addGroup`.
pub(crate) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let profile = read_profile(store, call)?;
    check_name(store, &profile, None)?;
    let id = store.ids.next("00g");
    let now = call.stamp();
    let number = store.groups.add(Group {
        id,
        kind: GroupKind::Okta,
        created: now,
        last_updated: now,
        last_membership_updated: now,
        profile,
        members: NumberSet::default(),
    });
    let group = store.groups.get(number).ok_or(errors::E0000009)?;
    let (reply, target) = (shown(call, group), Target::group(group));
    logs::record(store, call, Kind::GROUP_CREATE, &[target]);
    Ok(reply)
}

/// `replaceGroup`: attributes that are not sent are removed.
pub(crate) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = find(store, call)?;
    let profile = read_profile(store, call)?;
    let group = store.groups.get(number).ok_or(errors::E0000009)?;
    refuse_system(group)?;
    check_name(store, &profile, Some(group))?;
    let group = store.groups.get_mut(number).ok_or(errors::E0000009)?;
    group.profile = profile;
    group.last_updated = call.stamp();
    let (reply, target) = (shown(call, group), Target::group(group));
    logs::record(store, call, Kind::GROUP_UPDATE, &[target]);
    Ok(reply)
}

/// `deleteGroup`.
pub(crate) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = find(store, call)?;
    let group = store.groups.get(number).ok_or(errors::E0000009)?;
    refuse_system(group)?;
    let target = Target::group(group);
    let id = group.id;
    store.remove_group(number);
    rules::invalidate(store, call, id);
    logs::record(store, call, Kind::GROUP_DELETE, &[target]);
    Ok(Reply::no_content())
}

/// Refuses changes to groups that the org or an app keeps.
///
/// # Errors
///
/// 403 `E0000006`; assumed, since no recording shows it.
pub(crate) fn refuse_system(group: &Group) -> Result<(), ApiError> {
    if group.kind == GroupKind::Okta { Ok(()) } else { Err(errors::E0000006.into()) }
}

/// The profile that was sent, checked against the schema; `description` is null unless given.
fn read_profile(store: &Store, call: &Call<'_>) -> Result<Profile, ApiError> {
    let body = call.object()?;
    let empty = Map::new();
    let sent = body.get("profile").and_then(Value::as_object).unwrap_or(&empty);
    let mut profile = Profile::with_capacity(sent.len().max(2));
    profile.set("name", Datum::Text("".into()));
    profile.set("description", Datum::Null);
    for (name, value) in sent {
        let datum = Datum::from_json(value).ok_or(errors::E0000003)?;
        if let Some(fault) = store.group_schema.fault(name, &datum) {
            return Err(ApiError::validation("profile").cause(fault));
        }
        profile.set(name, datum);
    }
    if profile.text("name").is_empty() {
        return Err(ApiError::invalid_field("name", "The field cannot be left blank"));
    }
    Ok(profile)
}

/// Names are unique among the groups that administrators make.
fn check_name(store: &Store, profile: &Profile, own: Option<&Group>) -> Result<(), ApiError> {
    let other = store.groups.by_name(profile.text("name"));
    if other.is_none_or(|other| own.is_some_and(|own| own.id == other.id)) {
        return Ok(());
    }
    let reason = "An object with this field already exists in the current organization";
    Err(ApiError::invalid_field("name", reason))
}
