//! Pushing groups into applications.
//!
//! # Source
//!
//! Recorded; that each change of a mapping is an event, with group and application as its targets, is Okta's
//! catalogue of event types.

use http::StatusCode;
use serde_json::Value;

use crate::apps;
use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::logs::{self, Kind, Target};
use crate::resources;
use crate::store::{Datum, Group, GroupKind, Id, NumberSet, Profile, Store};

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createGroupPushMapping", Handler::Write(create)),
    ("updateGroupPushMapping", Handler::Write(update)),
    ("deleteGroupPushMapping", Handler::Write(delete)),
];

/// `createGroupPushMapping`: a target that is only named is made, as a group of the application.
fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?.id;
    let body = call.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (source, target, name) = (text("sourceGroupId"), text("targetGroupId"), text("targetGroupName"));
    let exists = |id: &str| Id::parse(id).is_some_and(|id| store.groups.number(id).is_some());
    for id in [source, target].into_iter().filter(|id| !id.is_empty()) {
        if !exists(id) {
            return Err(ApiError::not_found(id, "UserGroup"));
        }
    }
    if target.is_empty() && name.is_empty() {
        return Err(ApiError::invalid_field("targetGroupName", "The field cannot be left blank"));
    }
    let (_, path) = resources::write(store, call)?;
    if target.is_empty() {
        let made = make_group(store, call, app, name);
        if let Some((collection, key)) = path.rsplit_once('/')
            && let Some(mapping) = store.resources.collection_mut(collection).get_mut(key)
        {
            mapping.insert("targetGroupId".to_owned(), made.to_string().into());
        }
    }
    record(store, call, source, Kind::PUSH_MAPPING_CREATED)?;
    Ok(resources::show(store, call, &path)?.status(StatusCode::OK))
}

/// Writes what happened to the mapping of the group with the id `source`.
fn record(store: &mut Store, call: &Call<'_>, source: &str, kind: Kind) -> Result<(), ApiError> {
    let app = apps::find(store, call)?;
    let app = Target::named("AppInstance", app.id.as_str(), &app.label);
    let group = Id::parse(source).and_then(|id| store.groups.number(id)).and_then(|number| store.groups.get(number));
    let targets: Vec<_> = group.map(Target::group).into_iter().chain([app]).collect();
    logs::record(store, call, kind, &targets);
    Ok(())
}

/// Id of the group that the mapping at `path` pushes.
fn source_of(store: &Store, path: &str) -> String {
    let (collection, key) = path.rsplit_once('/').unwrap_or_default();
    let mapping = store.resources.item(collection, key);
    mapping.and_then(|mapping| mapping.get("sourceGroupId")?.as_str()).unwrap_or_default().to_owned()
}

fn make_group(store: &mut Store, call: &Call<'_>, app: Id, name: &str) -> Id {
    let mut profile = Profile::with_capacity(2);
    profile.set("name", Datum::Text(name.into()));
    profile.set("description", Datum::Null);
    let (id, now) = (store.ids.next("00g"), call.stamp());
    store.groups.add(Group {
        id,
        kind: GroupKind::App(app),
        created: now,
        last_updated: now,
        last_membership_updated: now,
        profile,
        members: NumberSet::default(),
    });
    id
}

/// `updateGroupPushMapping`: a mapping is switched on and off, nothing else.
fn update(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let status = body.get("status").and_then(Value::as_str).unwrap_or_default();
    if !matches!(status, "ACTIVE" | "INACTIVE") {
        return Err(ApiError::invalid_field("status", "The field has an invalid value"));
    }
    let (reply, path) = resources::write(store, call)?;
    let kind = if status == "ACTIVE" { Kind::PUSH_MAPPING_ACTIVATE } else { Kind::PUSH_MAPPING_DEACTIVATE };
    let source = source_of(store, &path);
    record(store, call, &source, kind)?;
    Ok(reply)
}

/// `deleteGroupPushMapping`: only while it is off; the group it made goes too, unless it is to stay.
fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = resources::path(store, call)?;
    let (collection, key) = path.rsplit_once('/').unwrap_or_default();
    let mapping = store.resources.item(collection, key).cloned().unwrap_or_default();
    if mapping.get("status").is_some_and(|status| status == "ACTIVE") {
        let cause = "A group push mapping must be inactive before it is deleted.";
        return Err(ApiError::validation("status").cause(cause));
    }
    let source = source_of(store, &path);
    resources::write(store, call)?;
    record(store, call, &source, Kind::PUSH_MAPPING_REMOVED)?;
    let target = mapping.get("targetGroupId").and_then(Value::as_str).and_then(Id::parse);
    if call.flag("deleteTargetGroup", false)
        && let Some(number) = target.and_then(|target| store.groups.number(target))
    {
        store.remove_group(number);
    }
    Ok(Reply::empty())
}
