//! Owners of groups.

use serde_json::{Value, json};

use super::find;
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::store::{Group, Id, Store};

/// `assignGroupOwner`.
///
/// # Source
///
/// Recorded, with the two forms of the time.
pub(super) fn assign(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = path(store, call)?;
    let body = call.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (id, kind) = (text("id"), text("type"));
    if !["GROUP", "USER"].contains(&kind) {
        return Err(ApiError::invalid_field("type", "The field has an invalid value"));
    }
    if store.resources.item(&path, id).is_some() {
        return Err(ApiError::validation("owner").cause("Provided owner is already assigned to this group"));
    }
    let name = display_name(store, id, kind).ok_or_else(|| ApiError::not_found(id, "LinkedObject"))?;
    let mut owner = json!({
        "id": id, "type": kind, "resolved": true, "originId": null, "originType": "OKTA_DIRECTORY",
        "displayName": name, "lastUpdated": call.now.format("%Y-%m-%d %H:%M:%S.0").to_string(),
    });
    if let Value::Object(document) = &owner {
        store.resources.collection_mut(&path).put(id, document.clone());
    }
    owner["lastUpdated"] = call.now.format("%a %b %d %H:%M:%S UTC %Y").to_string().into();
    Ok(Reply::json(&owner).status(http::StatusCode::CREATED))
}

fn path(store: &Store, call: &Call<'_>) -> Result<String, ApiError> {
    let group = store.groups.get(find(store, call)?).ok_or(errors::E0000009)?;
    Ok(format!("/api/v1/groups/{}/owners", group.id))
}

fn display_name(store: &Store, id: &str, kind: &str) -> Option<String> {
    let id = Id::parse(id)?;
    if kind == "GROUP" {
        return store.groups.number(id).and_then(|number| store.groups.get(number)).map(Group::name).map(str::to_owned);
    }
    store.users.by_id(id).map(crate::store::User::display_name)
}
