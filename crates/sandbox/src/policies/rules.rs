//! Rules of policies.

use serde_json::{Value, json};

use super::{POLICIES, order, text};
use crate::http::{ApiError, Call, Outcome};
use crate::resources::Document;
use crate::store::Store;

/// The type that the rules of a policy have.
fn type_of_rules(policy: &str) -> &str {
    if policy == "OKTA_SIGN_ON" { "SIGN_ON" } else { policy }
}

/// `createPolicyRule`.
pub(super) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let mut body = prepared(store, call)?;
    order::prepare_new(call, &mut body);
    order::create(store, &call.with_body(&body))
}

/// `replacePolicyRule`.
pub(super) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = prepared(store, call)?;
    order::replace(store, &call.with_body(&body))
}

/// The body of a rule with what the org adds where defaults alone cannot say it.
///
/// # Errors
///
/// 404 if there is no such policy, 400 `E0000001` if its rules have another type (assumed).
fn prepared(store: &Store, call: &Call<'_>) -> Result<Document, ApiError> {
    let id = call.param("policyId");
    let policy = store.resources.item(POLICIES, id).ok_or_else(|| ApiError::not_found(id, "Policy"))?;
    let kind = type_of_rules(text(policy, "type"));
    let mut body = call.object()?;
    match body.get("type").and_then(Value::as_str) {
        Some(given) if given != kind => {
            let reason = format!("The type of a rule of this policy must be {kind}");
            return Err(ApiError::invalid_field("type", &reason));
        }
        Some(_) => {}
        None => drop(body.insert("type".to_owned(), kind.into())),
    }
    complete(kind, &mut body);
    Ok(body)
}

/// # Source
///
/// Recorded.
fn complete(kind: &str, body: &mut Document) {
    if let Some(Value::Object(conditions)) = body.get_mut("conditions") {
        match conditions.get_mut("platform") {
            Some(Value::Object(platform)) if platform.is_empty() => drop(conditions.shift_remove("platform")),
            Some(Value::Object(platform)) => drop(platform.entry("exclude").or_insert_with(|| json!([]))),
            _ => {}
        }
    }
    let Some(actions) = body.get_mut("actions") else { return };
    if kind == "ACCESS_POLICY"
        && let Some(Value::Object(method)) = actions.pointer_mut("/appSignOn/verificationMethod")
        && method.get("type").is_none_or(|kind| kind == "ASSURANCE")
    {
        method.entry("reauthenticateIn").or_insert_with(|| "PT12H".into());
    }
    if let Some(Value::Array(criteria)) = actions.pointer_mut("/idp/matchCriteria") {
        for criterion in criteria.iter_mut().filter_map(Value::as_object_mut) {
            criterion.entry("propertyName").or_insert_with(|| "name".into());
        }
    }
}
