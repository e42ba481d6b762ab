//! In which order policies and rules are evaluated.
//!
//! Priorities of one type count from 1 without gaps; what the system made comes last. Policies that
//! applications choose have no order, and their system rule has the priority 99.

use serde_json::Value;

use super::is_system;
use crate::http::{Call, Outcome, Reply};
use crate::resources::{self, Document};
use crate::store::Store;

/// Types whose policies are chosen, not evaluated in order: all have the priority 1 (recorded).
const UNORDERED: [&str; 2] = ["ACCESS_POLICY", "PROFILE_ENROLLMENT"];

/// Priority of the rule that catches what no other rule matched (recorded).
const CATCH_ALL: i64 = 99;

/// Completes a new policy or rule: `activate` decides on its status, and callers make no system objects.
pub(super) fn prepare_new(call: &Call<'_>, body: &mut Document) {
    let status = if call.flag("activate", true) { "ACTIVE" } else { "INACTIVE" };
    body.insert("status".to_owned(), status.into());
    body.shift_remove("system");
}

/// Makes a policy or rule and puts it in its place: the last one where none is asked for.
pub(super) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let asked = call.object()?.get("priority").and_then(Value::as_i64);
    let (reply, path) = resources::write(store, call)?;
    Ok(settle(store, reply, &path, asked.unwrap_or(i64::MAX)))
}

/// Replaces a policy or rule; it keeps its status, and its place unless another is asked for.
pub(super) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = resources::path(store, call)?;
    let (collection, key) = split(&path);
    let mut body = call.object()?;
    let asked = body.get("priority").and_then(Value::as_i64);
    body.shift_remove("status");
    let known = store.resources.item(collection, key);
    let kept = known.and_then(|known| known.get("priority").and_then(Value::as_i64));
    if let Some(known) = known {
        let own =
            ["system", "priority"].into_iter().filter_map(|name| Some((name.to_owned(), known.get(name)?.clone())));
        body.extend(own.collect::<Vec<_>>());
    }
    let (reply, path) = resources::write(store, &call.with_body(&body))?;
    Ok(settle(store, reply, &path, asked.or(kept).unwrap_or(i64::MAX)))
}

/// Deletes a policy or rule; those behind it move up.
pub(super) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = resources::path(store, call)?;
    let (collection, key) = split(&path);
    let kind = store.resources.item(collection, key).and_then(|own| own.get("type")).cloned();
    let (reply, _) = resources::write(store, call)?;
    number(store, collection, kind.as_ref(), &ranked(store, collection, kind.as_ref()));
    Ok(reply)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((path, ""))
}

/// Puts an item at the place asked for, numbers the others anew and says in the answer where it stands.
fn settle(store: &mut Store, reply: Reply, path: &str, asked: i64) -> Reply {
    let (collection, key) = split(path);
    let Some(own) = store.resources.item(collection, key) else { return reply };
    let kind = own.get("type").cloned();
    let mut order = ranked(store, collection, kind.as_ref());
    if !is_system(own) {
        order.retain(|other| other != key);
        let place = usize::try_from(asked.max(1) - 1).unwrap_or(usize::MAX).min(order.len());
        order.insert(place, key.to_owned());
    }
    number(store, collection, kind.as_ref(), &order);
    let priority = store.resources.item(collection, key).and_then(|own| own.get("priority")).cloned();
    reply.edited(|shown| shown["priority"] = priority.unwrap_or_default())
}

/// Keys of the items of a type that the system did not make, in their order.
fn ranked(store: &Store, collection: &str, kind: Option<&Value>) -> Vec<String> {
    let items = store.resources.collection(collection).into_iter().flat_map(resources::Collection::iter);
    let mut found: Vec<_> = items.filter(|(_, item)| item.get("type") == kind && !is_system(item)).collect();
    found.sort_by_key(|(_, item)| priority(item));
    found.into_iter().map(|(key, _)| key.to_owned()).collect()
}

fn priority(item: &Document) -> i64 {
    item.get("priority").and_then(Value::as_i64).unwrap_or(i64::MAX)
}

/// Numbers the items of a type: those named in their order, then those of the system.
fn number(store: &mut Store, collection: &str, kind: Option<&Value>, order: &[String]) {
    let is_ordered =
        !UNORDERED.iter().any(|unordered| kind.is_some_and(|kind| kind == unordered)) || collection != super::POLICIES;
    let items = store.resources.collection_mut(collection);
    let of_system = |item: &Document| item.get("type") == kind && is_system(item) && priority(item) != CATCH_ALL;
    let last: Vec<_> = items.iter().filter(|(_, item)| of_system(item)).map(|(key, _)| key.to_owned()).collect();
    for (index, key) in order.iter().chain(&last).enumerate() {
        if let Some(item) = items.get_mut(key) {
            let place = if is_ordered { index + 1 } else { 1 };
            item.insert("priority".to_owned(), place.into());
        }
    }
    items.sort_by_key(|item| (is_system(item), priority(item)));
}
