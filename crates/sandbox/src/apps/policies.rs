//! Which policies an app follows.

use serde_json::Value;

use super::find;
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::resources::Document;
use crate::store::{Id, Store};

const POLICIES: &str = "/api/v1/policies";

/// Where the choice of an app is kept, by type of policy.
fn chosen(app: Id) -> String {
    format!("/api/v1/apps/{app}/policies")
}

/// The policy of a type that an app follows: the one that was chosen, else the org's own.
pub(crate) fn of_app<'a>(store: &'a Store, app: Id, kind: &str) -> Option<&'a str> {
    let policies = store.resources.collection(POLICIES)?;
    let choice = store.resources.singleton(&chosen(app)).and_then(|choice| choice.get(kind)?.as_str());
    if let Some(choice) = choice.filter(|id| policies.get(id).is_some()) {
        return Some(choice);
    }
    let is_own = |policy: &Document| policy.get("type").is_some_and(|own| own == kind);
    let is_system = |policy: &Document| policy.get("system") == Some(&Value::Bool(true));
    policies.iter().find(|(_, policy)| is_own(policy) && is_system(policy)).map(|(id, _)| id)
}

/// `assignApplicationPolicy`.
///
/// # Source
///
/// Recorded.
pub(super) fn assign(store: &mut Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?.id;
    let id = call.param("policyId");
    let policy = store.resources.item(POLICIES, id).ok_or_else(|| ApiError::not_found(id, "Policy"))?;
    let kind = policy.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut choice = store.resources.singleton(&chosen(app)).cloned().unwrap_or_default();
    choice.insert(kind, id.into());
    store.resources.set_singleton(&chosen(app), choice);
    Ok(Reply::no_content())
}
