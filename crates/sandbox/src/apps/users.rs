//! Users of applications: assigned directly, or through a group.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::model::{App, AppUser};
use super::template::OIDC_CLAIMS;
use super::{exclusive, find};
use crate::groups::members;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::logs::{self, Kind, Target};
use crate::store::json::write_array;
use crate::store::{GroupKind, Id, Status, Store, User, UserNumber};
use crate::users::{self as people, View};

const PAGE: usize = 50;
const PAGE_MAX: usize = 500;

/// A user's assignment to an app, if there is one; for one through a group also the group.
pub(crate) fn assigned<'a>(store: &Store, app: &'a App, number: UserNumber) -> Option<(Cow<'a, AppUser>, Option<Id>)> {
    let user = store.users.get(number)?;
    let stored = app.users.get(&number);
    if let Some(direct) = stored.filter(|stored| !stored.by_group) {
        return Some((Cow::Borrowed(direct), None));
    }
    let (group, assignment) = app.groups.iter().find(|(group, _)| is_member(store, **group, user, number))?;
    let by_group = stored.map_or_else(
        || {
            Cow::Owned(AppUser {
                by_group: true,
                created: assignment.created,
                last_updated: assignment.last_updated,
                user_name: None,
                has_password: false,
                profile: assignment.profile.clone(),
            })
        },
        Cow::Borrowed,
    );
    Some((by_group, Some(*group)))
}

fn is_member(store: &Store, group: Id, user: &User, number: UserNumber) -> bool {
    let Some(group) = store.groups.number(group).and_then(|group| store.groups.get(group)) else { return false };
    match group.kind {
        GroupKind::Everyone => user.status != Status::Deprovisioned,
        GroupKind::Okta | GroupKind::BuiltIn | GroupKind::App(_) => group.members.contains(number),
    }
}

/// The assignment as JSON; `None` if the user is not assigned.
pub(super) fn shown_user(store: &Store, call: &Call<'_>, app: &App, number: UserNumber) -> Option<Value> {
    let user = store.users.get(number)?;
    let (assignment, group) = assigned(store, app, number)?;
    let name = assignment.user_name.as_deref().unwrap_or_else(|| user.login());
    let mut credentials = json!({ "userName": name });
    if assignment.has_password {
        credentials["password"] = json!({});
    }
    let mut shown = json!({
        "id": user.id.as_str(),
        "externalId": null,
        "created": assignment.created.text(),
        "lastUpdated": assignment.last_updated.text(),
        "scope": if assignment.by_group { "GROUP" } else { "USER" },
        "status": "ACTIVE",
        "statusChanged": assignment.created.text(),
        "passwordChanged": null,
        "syncState": "DISABLED",
        "credentials": credentials,
        "profile": profile(app, user, &assignment),
        "_links": {
            "app": { "href": call.url(&format!("/api/v1/apps/{}", app.id)) },
            "user": { "href": call.url(&format!("/api/v1/users/{}", user.id)) },
        },
    });
    if let Some(group) = group.filter(|_| assignment.by_group) {
        shown["_links"]["group"] = json!({ "href": call.url(&format!("/api/v1/groups/{group}")), "name": "group" });
    }
    Some(shown)
}

/// What the app knows of the user: mapped claims for OIDC, else what was set.
fn profile(app: &App, user: &User, assignment: &AppUser) -> Map<String, Value> {
    let mut profile = Map::new();
    if app.sign_on_mode() == "OPENID_CONNECT" {
        for claim in OIDC_CLAIMS {
            profile.insert(claim.to_owned(), claim_of(user, claim));
        }
        profile.shift_remove("userName");
    }
    profile.extend(assignment.profile.clone());
    profile
}

fn claim_of(user: &User, claim: &str) -> Value {
    let attribute = match claim {
        "name" => return json!(user.display_name()),
        "nickname" => "nickName",
        "given_name" => "firstName",
        "middle_name" => "middleName",
        "family_name" => "lastName",
        "email" => "email",
        "profile" => "profileUrl",
        "zoneinfo" => "timezone",
        "locale" => "locale",
        "phone_number" => "mobilePhone",
        "street_address" => "streetAddress",
        "locality" => "city",
        "region" => "state",
        "postal_code" => "zipCode",
        "country" => "countryCode",
        "formatted" => "postalAddress",
        _ => return Value::Null,
    };
    user.profile.get(attribute).map_or(Value::Null, crate::store::Datum::to_json)
}

/// `listApplicationUsers`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    let limit = call.limit(PAGE, PAGE_MAX)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()?;
    let mut found = numbers(store, app, after, limit + 1, call.query("q"));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).and_then(|last| store.users.get(*last)).map(|last| last.id.to_string());
    let expand = call.query("expand") == Some("user");
    let view = View::of(call);
    let mut out = Vec::with_capacity(found.len() * 1_024 + 2);
    let shown = found.into_iter().filter_map(|number| Some((number, shown_user(store, call, app, number)?)));
    write_array(&mut out, shown, |out, (number, shown)| {
        let mut text = shown.to_string();
        let user = store.users.get(number).filter(|_| expand);
        if let Some(user) = user {
            text.pop();
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(b",\"_embedded\":{\"user\":");
            view.write_listed(out, user);
            out.extend_from_slice(b"}}");
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    });
    Ok(links::add(Reply::bytes(out), call, limit, next.as_deref()))
}

/// The first users of an app behind a cursor, in order of ids.
fn numbers(store: &Store, app: &App, after: Option<Id>, count: usize, q: Option<&str>) -> Vec<UserNumber> {
    let bound = after.and_then(|after| store.users.number_before(after));
    let wanted =
        |number: &UserNumber| bound.is_none_or(|bound| *number > bound) && matches_prefix(store, app, *number, q);
    let direct = app.users.iter().filter(|(_, user)| !user.by_group).map(|(number, _)| *number).filter(wanted);
    let mut found: Vec<_> = direct.take(count).collect();
    for group in app.groups.keys() {
        let Some(group) = store.groups.number(*group).and_then(|number| store.groups.get(number)) else { continue };
        let users = members(store, group, after).filter_map(|user| store.users.number(user.id));
        found.extend(users.filter(wanted).take(count));
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(count);
    found
}

/// Whether user name, first name, last name or email start with the text.
fn matches_prefix(store: &Store, app: &App, number: UserNumber, q: Option<&str>) -> bool {
    let Some(q) = q.map(str::to_lowercase) else { return true };
    let Some(user) = store.users.get(number) else { return false };
    let name = app.users.get(&number).and_then(|assignment| assignment.user_name.as_deref());
    let values = [
        name.unwrap_or_else(|| user.login()),
        user.profile.text("firstName"),
        user.profile.text("lastName"),
        user.profile.text("email"),
    ];
    values.into_iter().any(|value| value.to_lowercase().starts_with(&q))
}

/// The user that the path names.
fn user_of(store: &Store, call: &Call<'_>) -> Result<UserNumber, ApiError> {
    let name = call.param("userId");
    people::named(store, name).ok_or_else(|| ApiError::not_found(name, "User"))
}

/// `getApplicationUser`.
pub(crate) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    let number = user_of(store, call)?;
    let shown = shown_user(store, call, app, number);
    Ok(Reply::json(&shown.ok_or_else(|| ApiError::not_found(call.param("userId"), "AppUser"))?))
}

/// `assignUserToApplication`.
pub(crate) fn assign(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    find(store, call)?;
    let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
    let number = people::named(store, id).ok_or_else(|| ApiError::not_found(id, "User"))?;
    write(store, call, number, &body, Kind::APP_USER_ADD)
}

/// `updateApplicationUser`; assigns a user who is not.
pub(crate) fn update(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let number = user_of(store, call)?;
    let known = assigned(store, find(store, call)?, number).is_some();
    write(store, call, number, &body, if known { Kind::APP_USER_UPDATE } else { Kind::APP_USER_ADD })
}

fn write(store: &mut Store, call: &Call<'_>, number: UserNumber, body: &Map<String, Value>, kind: Kind) -> Outcome {
    let user = store.users.get(number).ok_or(errors::E0000009)?;
    if user.status == Status::Deprovisioned || user.status == Status::Suspended {
        return Err(errors::E0000117.into());
    }
    let app = find(store, call)?;
    let credentials = body.get("credentials").unwrap_or(&Value::Null);
    check_scheme(app, credentials)?;
    let now = call.stamp();
    let before = assigned(store, app, number).map(|(assignment, _)| assignment.into_owned());
    let direct =
        body.get("scope").is_none_or(|scope| scope != "GROUP") && kind.event_type == Kind::APP_USER_ADD.event_type;
    let mut assignment = before.unwrap_or_else(|| AppUser {
        by_group: false,
        created: now,
        last_updated: now,
        user_name: None,
        has_password: false,
        profile: Map::new(),
    });
    assignment.by_group = assignment.by_group && !direct;
    assignment.last_updated = now;
    if let Some(name) = credentials["userName"].as_str() {
        assignment.user_name = Some(name.into());
    }
    assignment.has_password |= credentials["password"].is_object();
    if let Some(profile) = body.get("profile").and_then(Value::as_object) {
        assignment.profile.extend(profile.clone());
    }
    let target = targets(app, user, &assignment);
    exclusive(store, call)?.users.insert(number, assignment);
    logs::record(store, call, kind, &target);
    let shown = shown_user(store, call, find(store, call)?, number);
    Ok(Reply::json(&shown.ok_or(errors::E0000009)?))
}

/// Only apps with passwords of their own take one.
fn check_scheme(app: &App, credentials: &Value) -> Result<(), ApiError> {
    let scheme = app.body.get("credentials").and_then(|value| value["scheme"].as_str());
    let takes = matches!(scheme, Some("EDIT_USERNAME_AND_PASSWORD" | "EDIT_PASSWORD_ONLY" | "ADMIN_SETS_CREDENTIALS"));
    if credentials["password"].is_object() && !takes {
        return Err(errors::E0000041.into());
    }
    Ok(())
}

/// The account is known by its own user name, which need not be the login of the person.
fn targets(app: &App, user: &User, assignment: &AppUser) -> Vec<Target> {
    let app_user = user.id.with_prefix("0ua");
    let name = assignment.user_name.as_deref().unwrap_or_else(|| user.login());
    vec![
        Target { alternate_id: name.to_owned(), ..Target::named("AppUser", app_user.as_str(), &user.display_name()) },
        Target::named("AppInstance", app.id.as_str(), &app.label),
        Target::user(user),
    ]
}

/// `unassignUserFromApplication`; an assignment through a group stays until the group's ends.
pub(crate) fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = user_of(store, call)?;
    let app = find(store, call)?;
    let Some((assignment, _)) = assigned(store, app, number) else {
        return Err(ApiError::not_found(call.param("userId"), "AppUser"));
    };
    if assignment.by_group {
        return Err(errors::E0000046.into());
    }
    let target = store.users.get(number).map(|user| targets(app, user, &assignment)).unwrap_or_default();
    exclusive(store, call)?.users.remove(&number);
    logs::record(store, call, Kind::APP_USER_REMOVE, &target);
    Ok(Reply::no_content())
}
