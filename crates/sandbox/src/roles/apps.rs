//! Applications that a role is limited to.

use serde_json::{Value, json};

use super::model::AppTarget;
use super::position;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::store::{Id, Stamp, Store};

/// Targets on a page, at most and unless `limit` asks for fewer.
const PAGE: (usize, usize) = (20, 200);

/// The assignment that the path names, if its role takes applications.
fn targetable(store: &Store, call: &Call<'_>) -> Result<usize, ApiError> {
    let position = position(store, call)?;
    if store.roles[position].kind == "APP_ADMIN" { Ok(position) } else { Err(errors::E0000091.into()) }
}

/// The target that the path names: a kind of application, or one instance of it.
fn target(store: &Store, call: &Call<'_>) -> Result<AppTarget, ApiError> {
    let (name, instance) = (call.param("appName").to_owned(), call.param("appId"));
    if instance.is_empty() {
        return Ok(AppTarget { name, instance: None });
    }
    let id = Id::parse(instance).filter(|id| store.apps.contains_key(id));
    let id = id.ok_or_else(|| ApiError::not_found(instance, "AppInstance"))?;
    Ok(AppTarget { name, instance: Some(id) })
}

/// Application targets of a role; targets that are gone are left out.
///
/// # Source
///
/// Recorded for instances; documented for kinds.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let role = &store.roles[targetable(store, call)?];
    let limit = call.limit(PAGE.0, PAGE.1)?.max(1);
    let known = role.apps.iter().filter_map(|target| Some((target, shown(store, call, target, role.created)?)));
    let (page, next) = links::page(known, call, limit, |(target, _)| key(target).to_owned())?;
    let shown: Vec<Value> = page.into_iter().map(|(_, shown)| shown).collect();
    Ok(links::add(Reply::json(&shown), call, limit, next.as_deref()))
}

/// What tells a target from the others of its role.
fn key(target: &AppTarget) -> &str {
    target.instance.as_ref().map_or(target.name.as_str(), Id::as_str)
}

fn shown(store: &Store, call: &Call<'_>, target: &AppTarget, since: Stamp) -> Option<Value> {
    let Some(id) = target.instance else {
        let own = call.url(&format!("/api/v1/catalog/apps/{}", target.name));
        return Some(json!({
            "name": target.name, "displayName": target.name, "status": "ACTIVE", "lastUpdated": since.text(),
            "_links": { "self": { "href": own } },
        }));
    };
    let app = store.apps.get(&id)?;
    let own = call.url(&format!("/api/v1/apps/{id}"));
    Some(json!({
        "name": app.label, "status": if app.active { "ACTIVE" } else { "INACTIVE" }, "id": id.as_str(),
        "_links": { "self": { "href": own } },
    }))
}

/// Adds a target; doing it twice changes nothing.
pub(super) fn add(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (position, target) = (targetable(store, call)?, target(store, call)?);
    let targets = &mut store.roles[position].apps;
    if !targets.contains(&target) {
        targets.push(target);
    }
    Ok(Reply::no_content())
}

/// Removes a target, unless it is the last one: that would widen the role to all applications.
pub(super) fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (position, target) = (targetable(store, call)?, target(store, call)?);
    let targets = &mut store.roles[position].apps;
    if targets.as_slice() == std::slice::from_ref(&target) {
        return Err(ApiError::validation("targets").cause("The last target of a role cannot be removed."));
    }
    targets.retain(|known| *known != target);
    Ok(Reply::no_content())
}

/// `assignAllAppsAsTargetToRoleForUser`: takes every limit away.
pub(super) fn all(store: &mut Store, call: &Call<'_>) -> Outcome {
    let position = targetable(store, call)?;
    store.roles[position].apps.clear();
    Ok(Reply::empty())
}
