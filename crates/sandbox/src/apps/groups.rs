//! Groups of applications.

use serde_json::{Value, json};

use super::model::{App, AppGroup};
use super::{exclusive, find};
use crate::groups::write_group;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::logs::{self, Kind, Target};
use crate::store::{Id, Store};

const PAGE: usize = 20;
const PAGE_MAX: usize = 200;

/// The group that the path names.
fn group_of(store: &Store, call: &Call<'_>) -> Result<Id, ApiError> {
    let name = call.param("groupId");
    let id = Id::parse(name).filter(|id| store.groups.number(*id).is_some());
    id.ok_or_else(|| ApiError::not_found(name, "UserGroup"))
}

fn shown(call: &Call<'_>, app: &App, group: Id, assignment: &AppGroup) -> Value {
    let own = format!("/api/v1/apps/{}", app.id);
    json!({
        "id": group.as_str(),
        "lastUpdated": assignment.last_updated.text(),
        "priority": assignment.priority,
        "profile": assignment.profile,
        "_links": {
            "app": { "href": call.url(&own) },
            "self": { "href": call.url(&format!("{own}/groups/{group}")) },
            "group": { "href": call.url(&format!("/api/v1/groups/{group}")) },
        },
    })
}

/// `listApplicationGroupAssignments`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    let limit = call.limit(PAGE, PAGE_MAX)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()?;
    let start = match after {
        None => 0,
        Some(after) => 1 + app.groups.get_index_of(&after).ok_or_else(ApiError::bad_cursor)?,
    };
    let prefix = call.query("q").map(str::to_lowercase);
    let name_of = |id: Id| store.groups.number(id).and_then(|number| store.groups.get(number));
    let wanted = |id: &Id| {
        let name = name_of(*id).map(|group| group.name().to_lowercase()).unwrap_or_default();
        prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
    };
    let found: Vec<_> = app.groups.iter().skip(start).filter(|(id, _)| wanted(id)).take(limit + 1).collect();
    let more = found.len() > limit;
    let found = &found[..found.len().min(limit)];
    let next = found.last().filter(|_| more).map(|(last, _)| last.to_string());
    let expand = call.query("expand") == Some("group");
    let rows: Vec<_> = found
        .iter()
        .map(|(id, assignment)| {
            let mut row = shown(call, app, **id, assignment);
            if let Some(group) = name_of(**id).filter(|_| expand) {
                let mut out = Vec::new();
                write_group(&mut out, call.base, group);
                row["_embedded"] = json!({ "group": serde_json::from_slice::<Value>(&out).unwrap_or_default() });
            }
            row
        })
        .collect();
    Ok(links::add(Reply::json(&rows), call, limit, next.as_deref()))
}

/// `getApplicationGroupAssignment`.
pub(crate) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    let group = group_of(store, call)?;
    let assignment =
        app.groups.get(&group).ok_or_else(|| ApiError::not_found(group.as_str(), "ApplicationGroupAssignment"))?;
    Ok(Reply::json(&shown(call, app, group, assignment)))
}

/// `assignGroupToApplication`.
pub(crate) fn assign(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.optional_object()?;
    let group = group_of(store, call)?;
    let now = call.stamp();
    let app = exclusive(store, call)?;
    let priority = app.groups.len() as i64;
    let known = app.groups.contains_key(&group);
    let assignment = app.groups.entry(group).or_insert_with(|| AppGroup {
        created: now,
        last_updated: now,
        priority,
        profile: serde_json::Map::new(),
    });
    change(assignment, &body, call);
    let reply = finish(store, call, group)?;
    record(store, call, group, if known { Kind::APP_GROUP_UPDATE } else { Kind::APP_GROUP_ADD })?;
    Ok(reply)
}

/// `updateGroupAssignmentToApplication`: a JSON patch of priority and profile.
pub(crate) fn update(store: &mut Store, call: &Call<'_>) -> Outcome {
    let operations: Vec<Value> = serde_json::from_slice(&call.body).map_err(|_| errors::E0000003)?;
    let group = group_of(store, call)?;
    let app = exclusive(store, call)?;
    let assignment = app.groups.get_mut(&group);
    let assignment = assignment.ok_or_else(|| ApiError::not_found(group.as_str(), "ApplicationGroupAssignment"))?;
    for operation in operations {
        let (path, value) = (operation["path"].as_str().unwrap_or_default(), &operation["value"]);
        if let Some(name) = path.strip_prefix("/profile/") {
            assignment.profile.insert(name.to_owned(), value.clone());
        } else if path == "/priority" {
            assignment.priority = value.as_i64().unwrap_or(assignment.priority);
        } else {
            return Err(ApiError::validation("path").cause(format!("path: {path} cannot be changed")));
        }
    }
    assignment.last_updated = call.stamp();
    let reply = finish(store, call, group)?;
    record(store, call, group, Kind::APP_GROUP_UPDATE)?;
    Ok(reply)
}

/// `unassignApplicationFromGroup`.
pub(crate) fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let group = group_of(store, call)?;
    if exclusive(store, call)?.groups.shift_remove(&group).is_none() {
        return Err(ApiError::not_found(group.as_str(), "ApplicationGroupAssignment"));
    }
    record(store, call, group, Kind::APP_GROUP_REMOVE)?;
    Ok(Reply::no_content())
}

fn change(assignment: &mut AppGroup, body: &serde_json::Map<String, Value>, call: &Call<'_>) {
    if let Some(priority) = body.get("priority").and_then(Value::as_i64) {
        assignment.priority = priority;
    }
    if let Some(profile) = body.get("profile").and_then(Value::as_object) {
        assignment.profile.clone_from(profile);
    }
    assignment.last_updated = call.stamp();
}

fn finish(store: &Store, call: &Call<'_>, group: Id) -> Outcome {
    let app = find(store, call)?;
    let assignment = app.groups.get(&group).ok_or(errors::E0000009)?;
    Ok(Reply::json(&shown(call, app, group, assignment)))
}

fn record(store: &mut Store, call: &Call<'_>, group: Id, kind: Kind) -> Result<(), ApiError> {
    let app = find(store, call)?;
    let app = Target::named("AppInstance", app.id.as_str(), &app.label);
    let group = store.groups.number(group).and_then(|number| store.groups.get(number)).map(Target::group);
    let targets: Vec<_> = group.into_iter().chain([app]).collect();
    logs::record(store, call, kind, &targets);
    Ok(())
}
