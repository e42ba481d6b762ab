//! User types.

use serde_json::{Map, Value, json};

use super::Schema;
use super::serve::{check_room, org_created};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::{self, Kind, Target};
use crate::store::{Id, Stamp, Store, UserType};

/// `listUserTypes`.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every handler")]
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let default = shown(store, call, store.default_type);
    let others = store.user_types.keys().map(|id| shown(store, call, *id));
    Ok(Reply::json(&std::iter::once(default).chain(others).collect::<Vec<_>>()))
}

/// `getUserType`.
pub(crate) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&shown(store, call, named(store, call)?)))
}

/// `createUserType`: the new type has a schema of its own.
pub(crate) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let name = required_text(&body, "name")?;
    let display_name = required_text(&body, "displayName")?;
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if !name.chars().all(is_word) {
        return Err(ApiError::invalid_field("name", "The field has an invalid value"));
    }
    if name == "user" || store.user_types.values().any(|kind| kind.name == name) {
        return Err(ApiError::invalid_field(
            "name",
            "An object with this field already exists in the current organization",
        ));
    }
    check_room(store)?;
    let id = store.ids.next("oty");
    let by = call.principal.user().unwrap_or(store.admin);
    let kind = UserType {
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        description: text(&body, "description"),
        created: call.stamp(),
        last_updated: call.stamp(),
        created_by: by,
        last_updated_by: by,
    };
    store.user_types.insert(id, kind);
    store.user_schemas.insert(id, Schema::user());
    logs::record(store, call, Kind::TYPE_CREATE, &[Target::named("UserType", id.as_str(), name)]);
    Ok(Reply::json(&shown(store, call, id)))
}

/// `updateUserType`: only the members sent.
pub(crate) fn update(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    change(store, call, &body)
}

/// `replaceUserType`: all members; the name must stay.
pub(crate) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    required_text(&body, "displayName")?;
    let id = named(store, call)?;
    let name = store.user_types.get(&id).map_or("user", |kind| kind.name.as_str());
    if text(&body, "name").is_some_and(|sent| sent != name) {
        return Err(ApiError::invalid_field("name", "The field cannot be modified"));
    }
    let mut whole = body.clone();
    whole.entry("description").or_insert(Value::Null);
    change(store, call, &whole)
}

fn change(store: &mut Store, call: &Call<'_>, body: &Map<String, Value>) -> Outcome {
    let id = named(store, call)?;
    let by = call.principal.user().unwrap_or(store.admin);
    // The default type keeps its names: the service lets no one change them.
    if let Some(kind) = store.user_types.get_mut(&id) {
        if let Some(display_name) = text(body, "displayName") {
            kind.display_name = display_name;
        }
        if body.contains_key("description") {
            kind.description = text(body, "description");
        }
        kind.last_updated = call.stamp();
        kind.last_updated_by = by;
    }
    Ok(Reply::json(&shown(store, call, id)))
}

/// `deleteUserType`: not the default one, and none that a user has.
pub(crate) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = named(store, call)?;
    if id == store.default_type || store.users.iter().any(|(_, user)| user.type_id == id) {
        return Err(errors::E0000142.into());
    }
    store.user_types.shift_remove(&id);
    store.user_schemas.shift_remove(&id);
    Ok(Reply::no_content())
}

fn named(store: &Store, call: &Call<'_>) -> Result<Id, ApiError> {
    let name = call.param("typeId");
    if name == "default" {
        return Ok(store.default_type);
    }
    Id::parse(name).filter(|id| store.has_user_type(*id)).ok_or_else(|| ApiError::not_found(name, "CVDType"))
}

fn shown(store: &Store, call: &Call<'_>, id: Id) -> Value {
    let default = default_type(org_created(store, call), store.admin);
    let kind = store.user_types.get(&id).unwrap_or(&default);
    let link = |relation: &str, path: String| json!({ "rel": relation, "href": call.url(&path), "method": "GET" });
    json!({
        "id": id.as_str(),
        "displayName": kind.display_name,
        "name": kind.name,
        "description": kind.description,
        "createdBy": kind.created_by.as_str(),
        "lastUpdatedBy": kind.last_updated_by.as_str(),
        "created": kind.created.text(),
        "lastUpdated": kind.last_updated.text(),
        "default": id == store.default_type,
        "_links": {
            "schema": link("schema", format!("/api/v1/meta/schemas/user/{}", id.with_prefix("osc"))),
            "self": link("self", format!("/api/v1/meta/types/user/{id}")),
        },
    })
}

fn default_type(created: Stamp, admin: Id) -> UserType {
    UserType {
        name: "user".to_owned(),
        display_name: "User".to_owned(),
        description: None,
        created,
        last_updated: created,
        created_by: admin,
        last_updated_by: admin,
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    body.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn required_text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    let value = body.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| ApiError::invalid_field(name, "The field cannot be left blank"))
}
