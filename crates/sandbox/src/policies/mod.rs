//! Policies and their rules: their order, what they may hold, which applications follow them, and what
//! a simulation says. The documents themselves are kept by [`crate::resources`].
//!
//! # Source
//!
//! Recorded for orders, defaults, clones and mappings; documented for simulations; the words of
//! refusals are assumed unless stated.

mod order;
mod rules;
mod simulate;

pub(crate) use simulate::includes;

use serde_json::{Value, json};

use crate::apps;
use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::resources::{self, Document};
use crate::store::{Stamp, Store};

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listPolicies", Handler::Read(list)),
    ("getPolicy", Handler::Read(get)),
    ("createPolicy", Handler::Write(create)),
    ("replacePolicy", Handler::Write(replace)),
    ("deletePolicy", Handler::Write(order::delete)),
    ("clonePolicy", Handler::Write(clone)),
    ("createPolicySimulation", Handler::Read(simulate::simulate)),
    ("listPolicyApps", Handler::Read(list_apps)),
    ("listPolicyMappings", Handler::Read(list_mappings)),
    ("createPolicyRule", Handler::Write(rules::create)),
    ("replacePolicyRule", Handler::Write(rules::replace)),
    ("deletePolicyRule", Handler::Write(order::delete)),
    ("createAuthorizationServerPolicy", Handler::Write(order::create)),
    ("replaceAuthorizationServerPolicy", Handler::Write(order::replace)),
    ("deleteAuthorizationServerPolicy", Handler::Write(order::delete)),
    ("createAuthorizationServerPolicyRule", Handler::Write(order::create)),
    ("replaceAuthorizationServerPolicyRule", Handler::Write(order::replace)),
    ("deleteAuthorizationServerPolicyRule", Handler::Write(order::delete)),
];

const POLICIES: &str = "/api/v1/policies";
const RULES: &str = "/api/v1/policies/{policyId}/rules";

/// Types of which an org has one policy, which it was made with.
const SINGLE: [&str; 4] = ["IDP_DISCOVERY", "POST_AUTH_SESSION", "SESSION_VIOLATION_DETECTION", "ENTITY_RISK"];

fn text<'a>(document: &'a Document, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_system(document: &Document) -> bool {
    document.get("system") == Some(&Value::Bool(true))
}

/// Whether the caller wants the rules of policies with them.
fn wants_rules(call: &Call<'_>) -> bool {
    call.query("expand").is_some_and(|expand| expand.split(',').any(|name| name == "rules"))
}

/// Puts the rules into a policy on its way out.
fn embed_rules(store: &Store, call: &Call<'_>, policy: &mut Value) {
    let path = format!("{POLICIES}/{}/rules", policy["id"].as_str().unwrap_or_default());
    let kept = store.resources.collection(&path);
    let keys = kept.into_iter().flat_map(resources::Collection::iter).map(|(key, _)| key);
    let rules: Value = keys.filter_map(|key| resources::item(store, call, RULES, &path, key)).collect();
    policy["_embedded"]["rules"] = rules;
}

/// `listPolicies`: of one type, the one that is evaluated first in front.
///
/// # Errors
///
/// 400 `E0000001` without a type, or with one that does not exist.
fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let Some(kind) = call.query("type") else {
        return Err(ApiError::invalid_field("type", "The field cannot be left blank"));
    };
    let known = call.operation.parameters.iter().find(|parameter| parameter.name == "type");
    if known.is_some_and(|known| !known.values.is_empty() && !known.values.contains(&kind)) {
        return Err(ApiError::invalid_field("type", "The field has an invalid value"));
    }
    let reply = resources::read(store, call)?;
    Ok(if wants_rules(call) {
        reply.edited(|policies| {
            policies.as_array_mut().into_iter().flatten().for_each(|policy| embed_rules(store, call, policy));
        })
    } else {
        reply
    })
}

/// `getPolicy`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let reply = resources::read(store, call)?;
    Ok(if wants_rules(call) { reply.edited(|policy| embed_rules(store, call, policy)) } else { reply })
}

/// `createPolicy`.
fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let mut body = call.object()?;
    if SINGLE.contains(&text(&body, "type")) {
        return Err(ApiError::invalid_field("type", "Only one policy of this type can exist."));
    }
    order::prepare_new(call, &mut body);
    order::create(store, &call.with_body(&body))
}

/// `replacePolicy`: the status stays, lifecycle operations change it (recorded).
fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let known = store.resources.item(POLICIES, call.param("policyId")).cloned();
    let mut body = call.object()?;
    if let Some(known) = known.filter(is_system) {
        // The default policy applies to whom no other does; that cannot be changed.
        body.extend(known.get("conditions").map(|own| ("conditions".to_owned(), own.clone())));
    }
    order::replace(store, &call.with_body(&body))
}

/// `clonePolicy`: with its rules; the copy says nothing about when it was made (recorded).
fn clone(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = call.param("policyId");
    let source = store.resources.item(POLICIES, id).ok_or_else(|| ApiError::not_found(id, "Policy"))?;
    let kind = text(source, "type").to_owned();
    if kind != "ACCESS_POLICY" && kind != "PROFILE_ENROLLMENT" {
        return Err(ApiError::invalid_field("type", "Policies of this type cannot be cloned."));
    }
    let name = format!("[cloned] {}", text(source, "name"));
    let mut copy = source.clone();
    let key = store.ids.next("rst").to_string();
    let now = call.stamp();
    renew(&mut copy, &key, now);
    copy.insert("name".to_owned(), name.into());
    copy.insert("system".to_owned(), false.into());
    let rules = store.resources.collection(&format!("{POLICIES}/{id}/rules"));
    let rules: Vec<_> = rules.into_iter().flat_map(resources::Collection::iter).map(|(_, rule)| rule.clone()).collect();
    store.resources.collection_mut(POLICIES).put(&key, copy);
    for mut rule in rules {
        let rule_key = store.ids.next("rul").to_string();
        renew(&mut rule, &rule_key, now);
        store.resources.collection_mut(&format!("{POLICIES}/{key}/rules")).put(&rule_key, rule);
    }
    let shown = resources::item(store, call, POLICIES, POLICIES, &key).unwrap_or_default();
    Ok(Reply::json(&shown).edited(|policy| {
        policy["created"] = Value::Null;
        policy["lastUpdated"] = Value::Null;
    }))
}

fn renew(document: &mut Document, key: &str, now: Stamp) {
    for (name, value) in [("id", key.to_owned()), ("created", now.text()), ("lastUpdated", now.text())] {
        document.insert(name.to_owned(), value.into());
    }
}

/// The applications that follow the policy of the call.
fn followers<'a>(store: &'a Store, call: &Call<'_>) -> Result<Vec<&'a apps::App>, ApiError> {
    let id = call.param("policyId");
    let policy = store.resources.item(POLICIES, id).ok_or_else(|| ApiError::not_found(id, "Policy"))?;
    let kind = text(policy, "type");
    let follows = |app: &&apps::App| apps::policy_of(store, app.id, kind) == Some(id);
    let may = kind == "ACCESS_POLICY" || kind == "PROFILE_ENROLLMENT";
    Ok(if may { store.apps.values().filter(follows).collect() } else { Vec::new() })
}

/// `listPolicyApps`.
fn list_apps(store: &Store, call: &Call<'_>) -> Outcome {
    let shown: Vec<_> = followers(store, call)?.into_iter().map(|app| apps::shown(app, store, call.base)).collect();
    Ok(Reply::json(&shown))
}

/// `listPolicyMappings`: one for each application that follows the policy.
fn list_mappings(store: &Store, call: &Call<'_>) -> Outcome {
    let own = format!("{POLICIES}/{}", call.param("policyId"));
    let mapping = |app: &apps::App| {
        let link = |path: &str| json!({ "href": call.url(path), "hints": { "allow": ["GET"] } });
        json!({ "id": app.id.as_str(), "_links": {
            "self": link(&format!("{own}/mappings/{}", app.id)),
            "application": link(&format!("/api/v1/apps/{}", app.id)),
            "policy": link(&own),
        } })
    };
    let shown: Vec<_> = followers(store, call)?.into_iter().map(mapping).collect();
    Ok(Reply::json(&shown))
}
