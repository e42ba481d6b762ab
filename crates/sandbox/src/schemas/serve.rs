//! Schemas of users and groups over HTTP.

use serde_json::json;

use super::Schema;
use super::document::{Head, apply, document};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::{self, Kind, Target};
use crate::store::{Id, Stamp, Store, UserNumber};

/// When the org was made, which is when its schemas were.
pub(super) fn org_created(store: &Store, call: &Call<'_>) -> Stamp {
    store.users.by_id(store.admin).map_or_else(|| call.stamp(), |admin| admin.created)
}

/// `getUserSchema`.
pub(crate) fn user(store: &Store, call: &Call<'_>) -> Outcome {
    let type_id = user_type_of(store, call)?;
    Ok(shown_user(store, call, type_id))
}

/// `updateUserProfile`: adds, changes and removes attributes; values of removed ones go with them.
pub(crate) fn update_user(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let type_id = user_type_of(store, call)?;
    let removed = apply(user_schema_mut(store, type_id), &body, call.stamp())?;
    if !removed.is_empty() {
        forget_values(store, type_id, &removed);
    }
    let target = Target::named("UserSchema", type_id.with_prefix("osc").as_str(), "user");
    logs::record(store, call, Kind::SCHEMA_UPDATE, &[target]);
    Ok(shown_user(store, call, type_id))
}

/// `getGroupSchema`.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every handler")]
pub(crate) fn group(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(shown_group(store, call))
}

/// `updateGroupSchema`.
pub(crate) fn update_group(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let removed = apply(&mut store.group_schema, &body, call.stamp())?;
    let groups: Vec<_> = store.groups.iter().map(|(number, _)| number).collect();
    for number in groups.into_iter().filter(|_| !removed.is_empty()) {
        if let Some(group) = store.groups.get_mut(number) {
            for name in &removed {
                group.profile.remove(name);
            }
        }
    }
    Ok(shown_group(store, call))
}

/// The user type whose schema the path names: `default`, or a schema's id.
fn user_type_of(store: &Store, call: &Call<'_>) -> Result<Id, ApiError> {
    let name = call.param("schemaId");
    if name == "default" {
        return Ok(store.default_type);
    }
    let type_id = Id::parse(name).map(|id| id.with_prefix("oty")).filter(|_| name.starts_with("osc"));
    type_id.filter(|id| store.has_user_type(*id)).ok_or_else(|| ApiError::not_found(name, "CVDType"))
}

fn user_schema_mut(store: &mut Store, type_id: Id) -> &mut Schema {
    store.user_schemas.get_mut(&type_id).unwrap_or(&mut store.default_schema)
}

fn forget_values(store: &mut Store, type_id: Id, removed: &[String]) {
    let numbers: Vec<UserNumber> =
        store.users.iter().filter(|(_, user)| user.type_id == type_id).map(|(number, _)| number).collect();
    for number in numbers {
        if let Some(user) = store.users.get_mut(number) {
            for name in removed {
                user.profile.remove(name);
            }
        }
    }
}

fn shown_user(store: &Store, call: &Call<'_>, type_id: Id) -> Reply {
    let schema_id = type_id.with_prefix("osc");
    let name = if type_id == store.default_type { "default".to_owned() } else { schema_id.to_string() };
    let link = |relation: &str, path: String| json!({ "rel": relation, "href": call.url(&path), "method": "GET" });
    let head = Head {
        // Without `/api/v1`, as the service prints it.
        id: call.url(&format!("/meta/schemas/user/{name}")),
        name: "user",
        title: "User",
        description: "Okta user profile template with default permission settings",
        created: store.user_types.get(&type_id).map_or_else(|| org_created(store, call), |kind| kind.created),
        links: json!({
            "self": link("self", format!("/api/v1/meta/schemas/user/{schema_id}")),
            "type": link("type", format!("/api/v1/meta/types/user/{type_id}")),
        }),
    };
    Reply::json(&document(&head, store.user_schema(type_id)))
}

fn shown_group(store: &Store, call: &Call<'_>) -> Reply {
    let href = call.url("/api/v1/meta/schemas/group/default");
    let head = Head {
        id: call.url("/meta/schemas/group/default"),
        name: "group",
        title: "Okta group",
        description: "Okta group profile template",
        created: org_created(store, call),
        links: json!({ "self": { "rel": "self", "href": href, "method": "GET" } }),
    };
    Reply::json(&document(&head, &store.group_schema))
}

/// Types of users beside the default one that an org may have.
///
/// # Source
///
/// Product limits as documented: ten in all.
const TYPES_MAX: usize = 9;

/// Refuses a type too many.
pub(super) fn check_room(store: &Store) -> Result<(), ApiError> {
    if store.user_types.len() < TYPES_MAX {
        return Ok(());
    }
    Err(ApiError::new(errors::E0000093))
}
