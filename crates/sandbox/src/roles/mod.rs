//! Administrator roles of users, groups and service applications.

mod apps;
mod model;
mod targets;

use serde_json::{Value, json};

use crate::groups;
use crate::http::{ApiError, Call, Handler, Outcome, Reply, errors};
use crate::logs::{self, Kind, Target};
use crate::store::{Id, Store};
use crate::users;

pub(crate) use model::{Assignment, Holder, assignment};

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listAssignedRolesForUser", Handler::Read(list)),
    ("assignRoleToUser", Handler::Write(assign)),
    ("getUserAssignedRole", Handler::Read(get)),
    ("unassignRoleFromUser", Handler::Write(remove)),
    ("listGroupAssignedRoles", Handler::Read(list)),
    ("assignRoleToGroup", Handler::Write(assign)),
    ("getGroupAssignedRole", Handler::Read(get)),
    ("unassignRoleFromGroup", Handler::Write(remove)),
    ("listUsersWithRoleAssignments", Handler::Read(assignees)),
    ("listRolesForClient", Handler::Read(list)),
    ("assignRoleToClient", Handler::Write(assign)),
    ("retrieveClientRole", Handler::Read(get)),
    ("deleteRoleFromClient", Handler::Write(remove)),
    ("listGroupTargetRoleForClient", Handler::Read(targets::list)),
    ("assignGroupTargetRoleForClient", Handler::Write(targets::add)),
    ("removeGroupTargetRoleFromClient", Handler::Write(targets::remove)),
    ("listApplicationTargetsForApplicationAdministratorRoleForUser", Handler::Read(apps::list)),
    ("assignAllAppsAsTargetToRoleForUser", Handler::Write(apps::all)),
    ("assignAppTargetToAdminRoleForUser", Handler::Write(apps::add)),
    ("unassignAppTargetFromAppAdminRoleForUser", Handler::Write(apps::remove)),
    ("assignAppInstanceTargetToAppAdminRoleForUser", Handler::Write(apps::add)),
    ("unassignAppInstanceTargetFromAdminRoleForUser", Handler::Write(apps::remove)),
    ("listApplicationTargetsForApplicationAdministratorRoleForGroup", Handler::Read(apps::list)),
    ("assignAppTargetToAdminRoleForGroup", Handler::Write(apps::add)),
    ("unassignAppTargetToAdminRoleForGroup", Handler::Write(apps::remove)),
    ("assignAppInstanceTargetToAppAdminRoleForGroup", Handler::Write(apps::add)),
    ("unassignAppInstanceTargetToAppAdminRoleForGroup", Handler::Write(apps::remove)),
    ("listAppTargetRoleToClient", Handler::Read(apps::list)),
    ("assignAppTargetRoleToClient", Handler::Write(apps::add)),
    ("removeAppTargetRoleFromClient", Handler::Write(apps::remove)),
    ("assignAppTargetInstanceRoleForClient", Handler::Write(apps::add)),
    ("removeAppTargetInstanceRoleForClient", Handler::Write(apps::remove)),
    ("listGroupTargetsForRole", Handler::Read(targets::list)),
    ("assignGroupTargetToUserRole", Handler::Write(targets::add)),
    ("unassignGroupTargetFromUserAdminRole", Handler::Write(targets::remove)),
    ("listGroupTargetsForGroupRole", Handler::Read(targets::list)),
    ("assignGroupTargetToGroupAdminRole", Handler::Write(targets::add)),
    ("unassignGroupTargetFromGroupAdminRole", Handler::Write(targets::remove)),
];

/// Whether a group makes its members administrators.
pub(crate) fn group_has_roles(store: &Store, group: Id) -> bool {
    store.roles.iter().any(|role| role.holder == Holder::Group(group))
}

/// Whose roles the path asks for: the user's, the group's or the client's.
fn holder(store: &Store, call: &Call<'_>) -> Result<Holder, ApiError> {
    if call.operation.path.starts_with("/api/v1/groups/") {
        return Ok(Holder::Group(groups::shared(store, call)?.id));
    }
    if call.operation.path.starts_with("/oauth2/v1/clients/") {
        let name = call.param("clientId");
        let client = Id::parse(name).filter(|id| store.apps.contains_key(id));
        return client.map(Holder::Client).ok_or_else(|| ApiError::not_found(name, "PublicClientApp"));
    }
    Ok(Holder::User(users::shared(store, call)?.id))
}

/// The assignment that the path names, by position.
fn position(store: &Store, call: &Call<'_>) -> Result<usize, ApiError> {
    let holder = holder(store, call)?;
    let id = call.param("roleAssignmentId");
    let found = store.roles.iter().position(|role| role.holder == holder && role.id == id);
    found.ok_or_else(|| ApiError::not_found(id, "RoleAssignment"))
}

fn shown(call: &Call<'_>, role: &Assignment) -> Value {
    let (kind, assignee) = match role.holder {
        Holder::User(id) => ("USER", call.url(&format!("/api/v1/users/{id}"))),
        Holder::Group(id) => ("GROUP", call.url(&format!("/api/v1/groups/{id}"))),
        Holder::Client(id) => ("CLIENT", call.url(&format!("/oauth2/v1/clients/{id}"))),
    };
    let mut shown = json!({
        "id": role.id,
        "label": role.label,
        "type": role.kind,
        "status": "ACTIVE",
        "created": role.created.text(),
        "lastUpdated": role.created.text(),
        "assignmentType": kind,
    });
    if let Some((custom, resources)) = &role.custom {
        shown["resource-set"] = json!(resources);
        shown["role"] = json!(custom);
    }
    shown["_links"] = json!({ "assignee": { "href": assignee } });
    shown
}

fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let holder = holder(store, call)?;
    let roles: Vec<_> = store.roles.iter().filter(|role| role.holder == holder).map(|role| shown(call, role)).collect();
    Ok(Reply::json(&roles))
}

fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&shown(call, &store.roles[position(store, call)?])))
}

fn assign(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let holder = holder(store, call)?;
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "CUSTOM" && store.roles.iter().any(|role| role.holder == holder && role.kind == kind) {
        return Err(errors::E0000090.into());
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let role = assignment(store, holder, kind, call.stamp(), (text("role"), text("resource-set")))?;
    let reply = Reply::json(&shown(call, &role)).status(http::StatusCode::CREATED);
    record(store, call, &role, true);
    store.roles.push(role);
    Ok(reply)
}

fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let position = position(store, call)?;
    let role = store.roles.remove(position);
    record(store, call, &role, false);
    Ok(Reply::no_content())
}

fn record(store: &mut Store, call: &Call<'_>, role: &Assignment, granted: bool) {
    let (kind, holder) = match role.holder {
        Holder::User(id) => {
            let kind = if granted { Kind::USER_ROLE_GRANT } else { Kind::USER_ROLE_REVOKE };
            (kind, store.users.by_id(id).map(Target::user))
        }
        Holder::Group(id) => {
            let kind = if granted { Kind::GROUP_ROLE_GRANT } else { Kind::GROUP_ROLE_REVOKE };
            (kind, store.groups.number(id).and_then(|number| store.groups.get(number)).map(Target::group))
        }
        Holder::Client(id) => {
            let kind = if granted { Kind::CLIENT_ROLE_GRANT } else { Kind::CLIENT_ROLE_REVOKE };
            (kind, store.apps.get(&id).map(|app| Target::named("PublicClientApp", id.as_str(), &app.label)))
        }
    };
    let role = Target::named("ROLE", &role.id, &role.label);
    let targets: Vec<_> = holder.into_iter().chain([role]).collect();
    logs::record(store, call, kind, &targets);
}

/// `listUsersWithRoleAssignments`: every user with a role, directly or through a group.
fn assignees(store: &Store, call: &Call<'_>) -> Outcome {
    let mut found: Vec<Id> = Vec::new();
    for role in &store.roles {
        match role.holder {
            Holder::User(user) => found.push(user),
            Holder::Client(_) => {}
            Holder::Group(group) => {
                let group = store.groups.number(group).and_then(|number| store.groups.get(number));
                found.extend(
                    group.into_iter().flat_map(|group| groups::members(store, group, None)).map(|user| user.id),
                );
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    let limit = call.limit(100, 200)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()?;
    let mut page: Vec<_> =
        found.into_iter().filter(|id| after.is_none_or(|after| *id > after)).take(limit + 1).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let value: Vec<_> = page
        .iter()
        .map(|id| {
            let own = call.url(&format!("/api/v1/users/{id}"));
            json!({
                "id": id.as_str(),
                "orn": format!("orn:okta:directory:{}:users:{id}", store.org_id),
                "_links": { "self": { "href": own }, "roles": { "href": format!("{own}/roles") } },
            })
        })
        .collect();
    let mut links = json!({ "self": { "href": call.url(call.path) } });
    if let Some(last) = page.last().filter(|_| more) {
        let next = crate::http::links::page_url(call, Some(last.as_str()), Some(limit));
        links["next"] = json!({ "href": next });
    }
    Ok(Reply::json(&json!({ "value": value, "_links": links })))
}
