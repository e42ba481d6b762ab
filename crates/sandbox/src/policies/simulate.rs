//! What policies say about a user and an application, without anyone signing in.

use serde_json::{Value, json};

use super::{POLICIES, RULES, text};
use crate::apps;
use crate::groups;
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::resources::{Collection, Document};
use crate::store::{Id, Store};

/// Types that are simulated where none is named.
const TYPES: [&str; 4] = ["OKTA_SIGN_ON", "PASSWORD", "MFA_ENROLL", "ACCESS_POLICY"];

/// Whom a simulation is about.
struct Subject {
    user: String,
    groups: Vec<String>,
}

/// `createPolicySimulation`: people and groups decide; other conditions count as met (documented for
/// conditions whose context is not given). The schema of the body is a list of simulations, the
/// description's example is one of them; both are taken.
///
/// # Errors
///
/// 404 if an application does not exist.
pub(super) fn simulate(store: &Store, call: &Call<'_>) -> Outcome {
    let bodies = match serde_json::from_slice::<Vec<Document>>(&call.body) {
        Ok(bodies) => bodies,
        Err(_) => vec![call.object()?],
    };
    let shown: Result<Vec<_>, _> = bodies.iter().map(|body| evaluations(store, call, body)).collect();
    Ok(Reply::json(&shown?.concat()))
}

fn evaluations(store: &Store, call: &Call<'_>, body: &Document) -> Result<Vec<Value>, ApiError> {
    let app = text(body, "appInstance");
    let found = Id::parse(app).filter(|id| store.apps.contains_key(id));
    let app = found.ok_or_else(|| ApiError::not_found(app, "AppInstance"))?;
    let subject = subject(store, body);
    let named: Vec<_> = body.get("policyTypes").and_then(Value::as_array).into_iter().flatten().collect();
    let mut kinds: Vec<&str> = named.iter().filter_map(|kind| kind.as_str()).collect();
    if kinds.is_empty() {
        kinds.extend(TYPES);
    }
    let wanted = call.query("expand").unwrap_or_default();
    Ok(kinds.iter().map(|kind| evaluation(store, app, kind, &subject, wanted)).collect())
}

fn subject(store: &Store, body: &Document) -> Subject {
    let context = body.get("policyContext").unwrap_or(&Value::Null);
    let user = context["user"]["id"].as_str().unwrap_or_default().to_owned();
    let given = context["groups"]["ids"].as_array().into_iter().flatten();
    let mut groups: Vec<_> = given.filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(user) = Id::parse(&user).and_then(|id| store.users.by_id(id)) {
        let own = groups::groups_of(store, user).into_iter().filter_map(|number| store.groups.get(number));
        groups.extend(own.map(|group| group.id.to_string()));
    }
    Subject { user, groups }
}

/// The policy of a type that applies, and the first of its rules that matches.
fn evaluation(store: &Store, app: Id, kind: &str, subject: &Subject, expand: &str) -> Value {
    let all = store.resources.collection(POLICIES).into_iter().flat_map(Collection::iter);
    let chosen = apps::policy_of(store, app, kind);
    let is_chosen = |id: &str| kind != "ACCESS_POLICY" && kind != "PROFILE_ENROLLMENT" || chosen == Some(id);
    let candidates: Vec<_> = all.filter(|(id, policy)| text(policy, "type") == kind && is_chosen(id)).collect();
    let matched = candidates.iter().find(|(_, policy)| applies(policy, subject));
    let mut shown = json!({ "policyType": [kind] });
    shown["status"] = status(matched.is_some());
    let result: Vec<_> = matched.into_iter().map(|(id, policy)| shown_policy(store, id, policy, subject)).collect();
    shown["result"] = json!({ "policies": result });
    if expand.contains("EVALUATED") {
        let evaluated = candidates.iter().map(|(id, policy)| shown_policy(store, id, policy, subject));
        shown["evaluated"] = json!({ "policies": evaluated.collect::<Vec<_>>() });
        shown["undefined"] = json!({ "policies": [] });
    }
    shown
}

fn shown_policy(store: &Store, id: &str, policy: &Document, subject: &Subject) -> Value {
    let path = RULES.replace("{policyId}", id);
    let rules = store.resources.collection(&path).into_iter().flat_map(Collection::iter);
    let rule = rules.into_iter().find(|(_, rule)| applies(rule, subject));
    let rules: Vec<_> = rule.into_iter().map(|(id, rule)| shown(id, rule, subject)).collect();
    let mut shown = shown(id, policy, subject);
    shown["rules"] = rules.into();
    shown
}

fn shown(id: &str, item: &Document, subject: &Subject) -> Value {
    let matches = applies(item, subject);
    let people = item.get("conditions").and_then(|conditions| conditions.get("people"));
    let conditions: Vec<_> = people.iter().map(|_| json!({ "type": "people", "status": status(matches) })).collect();
    json!({ "id": id, "name": text(item, "name"), "status": status(matches), "conditions": conditions })
}

fn status(matches: bool) -> Value {
    if matches { "MATCH".into() } else { "NOT_MATCH".into() }
}

/// Whether a policy or rule is active and its people condition lets the subject in.
fn applies(item: &Document, subject: &Subject) -> bool {
    let people = item.get("conditions").map_or(&Value::Null, |conditions| &conditions["people"]);
    item.get("status").is_none_or(|status| status == "ACTIVE") && includes(people, &subject.user, &subject.groups)
}

/// Whether a people condition lets in a user who is in these groups. Without inclusions everyone is in.
pub(crate) fn includes(people: &Value, user: &str, groups: &[String]) -> bool {
    let names = |kind: &str, list: &str| {
        let found = people[kind][list].as_array().into_iter().flatten();
        found.filter_map(Value::as_str).collect::<Vec<_>>()
    };
    let in_groups = |list: &[&str]| list.iter().any(|id| groups.iter().any(|own| own == id));
    let (users, wanted) = (names("users", "include"), names("groups", "include"));
    let excluded = names("users", "exclude").contains(&user) || in_groups(&names("groups", "exclude"));
    let unconditional = users.is_empty() && wanted.is_empty();
    !excluded && (unconditional || users.contains(&user) || in_groups(&wanted))
}
