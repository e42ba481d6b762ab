//! Relations between users, such as manager and subordinate.
//!
//! # Source
//!
//! Recorded for definitions, documented for values.

use serde_json::{Value, json};

use crate::http::{ApiError, Call, Handler, Outcome, Reply, errors};
use crate::resources;
use crate::store::Store;
use crate::users;

/// Where definitions are kept, by the name of their primary side.
const DEFINITIONS: &str = "/api/v1/meta/schemas/user/linkedObjects";

/// Operations served here. Reading and listing definitions is left to the generic store.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createLinkedObjectDefinition", Handler::Write(define)),
    ("assignLinkedObjectValueForPrimary", Handler::Write(assign)),
    ("listLinkedObjectsForUser", Handler::Read(list)),
    ("deleteLinkedObjectForUser", Handler::Write(remove)),
];

/// `createLinkedObjectDefinition`: both names are new.
fn define(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    for side in ["primary", "associated"] {
        let name = body.get(side).and_then(|side| side["name"].as_str()).unwrap_or_default();
        if definition(store, name).is_some() {
            return Err(errors::E0000127.into());
        }
    }
    Ok(resources::write(store, call)?.0)
}

/// The primary name of the definition that has this name on either side, and whether it is the primary one.
fn definition(store: &Store, name: &str) -> Option<(String, bool)> {
    let definitions = store.resources.collection(DEFINITIONS)?;
    definitions.iter().find_map(|(primary, definition)| {
        let is_associated = definition.get("associated").is_some_and(|side| side["name"] == name);
        (primary == name || is_associated).then(|| (primary.to_owned(), primary == name))
    })
}

fn defined(store: &Store, name: &str) -> Result<(String, bool), ApiError> {
    definition(store, name).ok_or_else(|| ApiError::not_found(name, "LinkedObjectProperty"))
}

/// Where the values of a definition are kept: the primary user's id by that of the associated user.
fn values(primary: &str) -> String {
    format!("{DEFINITIONS}/{primary}/values")
}

/// `assignLinkedObjectValueForPrimary`.
fn assign(store: &mut Store, call: &Call<'_>) -> Outcome {
    let user = |name: &str| {
        let number = users::named(store, name).ok_or_else(|| ApiError::not_found(name, "User"))?;
        store.users.get(number).map(|user| user.id.to_string()).ok_or_else(|| ApiError::not_found(name, "User"))
    };
    let (associated, primary) = (user(call.param("userIdOrLogin"))?, user(call.param("primaryUserId"))?);
    let (name, _) = defined(store, call.param("primaryRelationshipName"))?;
    let mut value = resources::Document::new();
    value.insert("primary".to_owned(), primary.into());
    store.resources.collection_mut(&values(&name)).put(&associated, value);
    Ok(Reply::no_content())
}

/// `listLinkedObjectsForUser`: asked for the primary side, the one user there; else everyone on the other.
fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::named(store, call.param("userIdOrLogin")).and_then(|number| store.users.get(number));
    let user = user.ok_or_else(|| ApiError::not_found(call.param("userIdOrLogin"), "User"))?.id;
    let (name, wants_primary) = defined(store, call.param("relationshipName"))?;
    let kept = store.resources.collection(&values(&name));
    let pairs = kept.into_iter().flat_map(resources::Collection::iter).filter_map(|(associated, value)| {
        let primary = value.get("primary")?.as_str()?;
        if wants_primary {
            (associated == user.as_str()).then_some(primary)
        } else {
            (primary == user.as_str()).then_some(associated)
        }
    });
    let link = |id: &str| json!({ "_links": { "self": { "href": call.url(&format!("/api/v1/users/{id}")) } } });
    Ok(Reply::json(&pairs.map(link).collect::<Vec<Value>>()))
}

/// `deleteLinkedObjectForUser`.
fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let user = users::named(store, call.param("userIdOrLogin")).and_then(|number| store.users.get(number));
    let user = user.ok_or_else(|| ApiError::not_found(call.param("userIdOrLogin"), "User"))?.id;
    let (name, is_primary) = defined(store, call.param("relationshipName"))?;
    let kept = store.resources.collection_mut(&values(&name));
    let gone: Vec<String> = kept
        .iter()
        .filter(|(associated, value)| {
            let side = if is_primary { Some(*associated) } else { value.get("primary").and_then(Value::as_str) };
            side == Some(user.as_str())
        })
        .map(|(associated, _)| associated.to_owned())
        .collect();
    for associated in gone {
        kept.remove(&associated);
    }
    Ok(Reply::no_content())
}
