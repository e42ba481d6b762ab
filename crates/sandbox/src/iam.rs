//! Resource sets and who has which custom role on them.
//!
//! # Source
//!
//! Recorded for sets and their resources; documented for bindings and their members.

use serde_json::{Value, json};

use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::resources::{self, Document};
use crate::store::Store;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createResourceSet", Handler::Write(create_set)),
    ("addResourceSetResources", Handler::Write(add_resources)),
    ("addResourceSetResource", Handler::Write(add_resource)),
    ("createResourceSetBinding", Handler::Write(bind)),
    ("addMembersToBinding", Handler::Write(add_members)),
    ("createRole", Handler::Write(create_role)),
];

/// `createRole`: the permissions become documents of their own.
fn create_role(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let label = body.get("label").unwrap_or(&Value::Null);
    let roles = store.resources.collection("/api/v1/iam/roles");
    if roles.is_some_and(|roles| roles.iter().any(|(_, role)| role.get("label") == Some(label))) {
        return Err(ApiError::invalid_field("label", "There is already an admin role with this name."));
    }
    let (reply, path) = resources::write(store, call)?;
    let now = call.stamp().text();
    for label in texts(&body, "permissions") {
        let permission = json!({ "label": label, "created": now, "lastUpdated": now, "conditions": null });
        put(store, &format!("{path}/permissions"), &label, permission);
    }
    Ok(reply)
}

/// `createResourceSet`.
fn create_set(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    if body.get("label").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(ApiError::validation("label").cause("label: Label must be specified"));
    }
    let (reply, path) = resources::write(store, call)?;
    for resource in texts(&body, "resources") {
        put_resource(store, call, &format!("{path}/resources"), &resource, Value::Null);
    }
    Ok(reply)
}

/// `addResourceSetResources`: answers with the set.
fn add_resources(store: &mut Store, call: &Call<'_>) -> Outcome {
    let added = texts(&call.object()?, "additions");
    let (reply, path) = resources::write(store, call)?;
    for resource in added {
        put_resource(store, call, &format!("{path}/resources"), &resource, Value::Null);
    }
    Ok(reply)
}

/// `addResourceSetResource`: one resource, with conditions.
fn add_resource(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let resource = body.get("resourceOrnOrUrl").and_then(Value::as_str).unwrap_or_default().to_owned();
    if resource.is_empty() {
        return Err(ApiError::invalid_field("resourceOrnOrUrl", "The field cannot be left blank"));
    }
    let path = resources::path(store, call)?;
    let conditions = body.get("conditions").cloned().unwrap_or_default();
    let document = put_resource(store, call, &path, &resource, conditions);
    Ok(Reply::json(&document))
}

fn put_resource(store: &mut Store, call: &Call<'_>, path: &str, resource: &str, conditions: Value) -> Value {
    let (id, now) = (store.ids.next("ire").to_string(), call.stamp().text());
    let mut document = json!({ "id": id, "orn": orn(store, resource), "created": now, "lastUpdated": now });
    document["target"] = target(call, resource).into();
    if !conditions.is_null() {
        document["conditions"] = conditions;
    }
    put(store, path, &id, document.clone());
    document
}

/// The name of a resource that was given as a name or as a URL: `orn:okta:directory:00o…:groups:00g…`.
fn orn(store: &Store, resource: &str) -> String {
    let Some((_, path)) = resource.split_once("/api/v1/") else { return resource.to_owned() };
    let service = if path.starts_with("apps") { "idp" } else { "directory" };
    format!("orn:okta:{service}:{}:{}", store.org_id, path.replace('/', ":"))
}

/// The address of a resource that was given as a name or as a URL.
fn target(call: &Call<'_>, resource: &str) -> String {
    if resource.contains("://") {
        return resource.to_owned();
    }
    let mut parts = resource.split(':').skip(4);
    let kind = parts.next().unwrap_or_default();
    match parts.last() {
        Some(id) => call.url(&format!("/api/v1/{kind}/{id}")),
        None => call.url(&format!("/api/v1/{kind}")),
    }
}

/// `createResourceSetBinding`.
fn bind(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let bindings = resources::path(store, call)?;
    let named = body.get("role").and_then(Value::as_str).unwrap_or_default();
    let roles = store.resources.collection("/api/v1/iam/roles");
    let found = roles.and_then(|roles| {
        roles.iter().find(|(id, role)| *id == named || role.get("label") == Some(&named.into())).map(|(id, _)| id)
    });
    let role = found.ok_or_else(|| ApiError::not_found(named, "CustomRole"))?.to_owned();
    if store.resources.item(&bindings, &role).is_none() {
        put(store, &bindings, &role, json!({ "id": role }));
    }
    let path = format!("{bindings}/{role}");
    put_members(store, call, &path, &texts(&body, "members"));
    Ok(Reply::json(&edited(call, &path)))
}

/// `addMembersToBinding`.
fn add_members(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = resources::path(store, call)?;
    let added = texts(&call.object()?, "additions");
    put_members(store, call, &path, &added);
    Ok(Reply::json(&edited(call, &path)))
}

fn put_members(store: &mut Store, call: &Call<'_>, binding: &str, members: &[String]) {
    let now = call.stamp().text();
    for member in members {
        let id = store.ids.next("irb").to_string();
        let document = json!({ "id": id, "created": now, "lastUpdated": now, "target": target(call, member) });
        put(store, &format!("{binding}/members"), &id, document);
    }
}

/// What editing a binding answers: its links.
fn edited(call: &Call<'_>, path: &str) -> Value {
    let set = path.rsplitn(3, '/').nth(2).unwrap_or_default();
    let link = |path: String| json!({ "href": call.url(&path) });
    json!({ "_links": {
        "self": link(path.to_owned()),
        "bindings": link(format!("{set}/bindings")),
        "resource-set": link(set.to_owned()),
    } })
}

fn put(store: &mut Store, path: &str, key: &str, document: Value) {
    let Value::Object(document) = document else { return };
    store.resources.collection_mut(path).put(key, document);
}

fn texts(body: &Document, name: &str) -> Vec<String> {
    let elements = body.get(name).and_then(Value::as_array).into_iter().flatten();
    elements.filter_map(Value::as_str).map(str::to_owned).collect()
}
