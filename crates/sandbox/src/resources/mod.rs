//! The long tail of the API: operations that are served by what the description says about them.
//!
//! Paths and methods say what an operation does ([`plan`]), schemas what it takes and gives
//! ([`body`], [`schema`]), and recipes what neither can know ([`recipe`]). Everything is kept as JSON
//! by its path ([`collection`]); areas with behaviour of their own use the same documents.

mod answer;
mod body;
mod collection;
mod event;
mod fill;
mod filter;
mod place;
mod plan;
mod recipe;
mod refuse;
mod schema;
mod serve;
mod template;
mod view;

use oktant_base::Entropy;
use oktant_catalog::{Operation, TypeRef};
use serde_json::{Value, json};

use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::store::{Stamp, Store};

pub(crate) use collection::{Collection, Document, Resources, merge};

/// Whether an operation is served here.
pub(crate) fn serves(operation: &Operation) -> bool {
    plan::plan(operation).is_some()
}

/// Serves an operation of the catalogue that no area serves itself.
pub(crate) fn run(call: &Call<'_>) -> Outcome {
    let plan = planned(call)?;
    if plan.reads() {
        serve::read(&call.org.store.read(), call, plan)
    } else {
        Ok(serve::write(&mut call.org.store.write(), call, plan)?.0)
    }
}

/// Serves an operation that changes something, for an area that adds to it; also gives the path of
/// what was changed, such as `/api/v1/iam/resource-sets/iam…`.
pub(crate) fn write(store: &mut Store, call: &Call<'_>) -> Result<(Reply, String), ApiError> {
    serve::write(store, call, planned(call)?)
}

/// Serves an operation that only looks, for an area that adds to it.
pub(crate) fn read(store: &Store, call: &Call<'_>) -> Outcome {
    serve::read(store, call, planned(call)?)
}

/// An item as reading it shows it, for areas that make documents by themselves. `shape` is its
/// collection's path as the description has it; `None` if there is no such item.
pub(crate) fn item(store: &Store, call: &Call<'_>, shape: &str, collection: &str, key: &str) -> Option<Value> {
    let document = store.resources.item(collection, key)?;
    let shape = plan::shape_of(shape);
    let of = place::item_schema(&shape).unwrap_or(TypeRef::Any);
    let path = format!("{collection}/{key}");
    let shown = view::Shown { store, call, recipe: recipe::recipe(&shape), shape: format!("{shape}/{{}}"), path, of };
    Some(shown.whole(document))
}

/// The path of what a call is about, with the ids that things are kept by; it may not exist.
pub(crate) fn path(store: &Store, call: &Call<'_>) -> Result<String, ApiError> {
    Ok(place::find(store, call, planned(call)?)?.full())
}

/// Enters the token that the org begins with, and its share of the rate limits.
pub(crate) fn register_api_token(store: &mut Store, id: &str, now: Stamp) {
    let expires = Stamp::from_seconds(now.seconds() + 30 * 86_400).text();
    let now = now.text();
    let (user, org) = (store.admin.as_str(), store.org_id.as_str());
    let token = json!({
        "id": id, "name": "Sandbox", "userId": user, "clientName": "Okta API", "tokenWindow": "P30D",
        "network": { "connection": "ANYWHERE" }, "expiresAt": expires, "created": now, "lastUpdated": now,
    });
    let time = now.replace(".000Z", "Z");
    let limit_id = store.ids.next("prl").to_string();
    let limit = json!({
        "id": limit_id, "orgId": org, "principalId": id, "principalType": "SSWS_TOKEN", "defaultPercentage": 50,
        "defaultConcurrencyPercentage": 50, "lastUpdate": time, "lastUpdatedBy": user, "createdDate": time,
        "createdBy": user,
    });
    for (path, key, document) in
        [("/api/v1/api-tokens", id, token), ("/api/v1/principal-rate-limits", limit_id.as_str(), limit)]
    {
        if let Value::Object(document) = document {
            store.resources.collection_mut(path).put(key, document);
        }
    }
}

/// Answers a call with the item at a path, as the call's operation shows it.
pub(crate) fn show(store: &Store, call: &Call<'_>, path: &str) -> Outcome {
    serve::show(store, call, planned(call)?, path)
}

fn planned(call: &Call<'_>) -> Result<&'static plan::Plan, ApiError> {
    plan::plan(call.operation).ok_or_else(|| errors::E0000015.into())
}

/// Adds what a new org contains.
pub(crate) fn populate(store: &mut Store, base: &str, now: Stamp, entropy: &dyn Entropy) {
    let moment = fill::Moment { base, now, user: store.admin.to_string(), entropy };
    fill::populate(store, &moment, "", "");
}
