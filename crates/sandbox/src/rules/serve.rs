//! The endpoints of group rules.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Expression, Rule, RuleStatus, apply};
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::logs::{self, Kind, Target};
use crate::store::{Id, Store};

const PAGE: usize = 50;
const PAGE_MAX: usize = 200;
const NAME_CHARACTERS_MAX: usize = 50;

fn shown(store: &Store, rule: &Rule) -> Value {
    let status = match rule.status {
        RuleStatus::Inactive => "INACTIVE",
        RuleStatus::Active => "ACTIVE",
        RuleStatus::Invalid => "INVALID",
    };
    let groups: Vec<_> = rule.group_ids.iter().map(Id::as_str).collect();
    json!({
        "type": "group_rule",
        "id": rule.id.as_str(),
        "status": status,
        "name": rule.name,
        "created": rule.created.text(),
        "lastUpdated": rule.last_updated.text(),
        "conditions": {
            "people": { "users": { "exclude": rule.excluded_users }, "groups": { "exclude": [] } },
            "expression": { "value": rule.text, "type": "urn:okta:expression:1.0" },
        },
        "actions": { "assignUserToGroups": { "groupIds": groups } },
        "allGroupsValid": rule.group_ids.iter().all(|group| store.groups.number(*group).is_some()),
    })
}

fn find(store: &Store, call: &Call<'_>) -> Result<Id, ApiError> {
    let name = call.param("groupRuleId");
    let id = Id::parse(name).filter(|id| store.rules.contains_key(id));
    id.ok_or_else(|| ApiError::not_found(name, "PolicyRule"))
}

fn rule<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a Rule, ApiError> {
    let id = find(store, call)?;
    store.rules.get(&id).ok_or_else(|| errors::E0000009.into())
}

/// `listGroupRules`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let limit = call.limit(PAGE, PAGE_MAX)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()?;
    let keyword = call.query("search").map(str::to_lowercase);
    let wanted = |rule: &&Rule| {
        let found = |text: &str, keyword: &str| text.to_lowercase().contains(keyword);
        keyword.as_ref().is_none_or(|keyword| found(&rule.name, keyword) || found(&rule.text, keyword))
            && after.is_none_or(|after| rule.id > after)
    };
    let mut rules: Vec<_> = store.rules.values().filter(wanted).take(limit + 1).collect();
    let more = rules.len() > limit;
    rules.truncate(limit);
    let next = rules.last().filter(|_| more).map(|last| last.id.to_string());
    let expand = call.query("expand") == Some("groupIdToGroupNameMap");
    let rows: Vec<_> = rules
        .into_iter()
        .map(|rule| {
            let mut row = shown(store, rule);
            if expand {
                row["_embedded"] = json!({ "groupIdToGroupNameMap": names(store, rule) });
            }
            row
        })
        .collect();
    Ok(links::add(Reply::json(&rows), call, limit, next.as_deref()))
}

fn names(store: &Store, rule: &Rule) -> Map<String, Value> {
    let group = |id: &Id| Some((id.to_string(), json!(store.groups.get(store.groups.number(*id)?)?.name())));
    rule.group_ids.iter().filter_map(group).collect()
}

/// `getGroupRule`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&shown(store, rule(store, call)?)))
}

/// What a caller sends of a rule.
struct Sent {
    name: String,
    text: String,
    expression: Expression,
    excluded_users: Vec<String>,
    group_ids: Vec<Id>,
}

impl Sent {
    fn read(store: &Store, body: &Map<String, Value>, own: Option<Id>) -> Result<Self, ApiError> {
        let at = |name: &str| body.get(name).unwrap_or(&Value::Null);
        let name = at("name").as_str().unwrap_or_default();
        if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX {
            return Err(ApiError::invalid_field("name", "String length must be between 1 and 50"));
        }
        if store.rules.values().any(|rule| rule.name == name && Some(rule.id) != own) {
            let reason = "An object with this field already exists in the current organization";
            return Err(ApiError::invalid_field("name", reason));
        }
        let text = at("conditions").pointer("/expression/value").and_then(Value::as_str).unwrap_or_default();
        let expression = Expression::parse(text).map_err(|error| {
            let cause = format!("expression: The expression is not valid at position {}", error.0);
            ApiError::validation("expression").cause(cause)
        })?;
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            expression,
            excluded_users: texts(at("conditions").pointer("/people/users/exclude")),
            group_ids: group_ids(store, at("actions"))?,
        })
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn group_ids(store: &Store, actions: &Value) -> Result<Vec<Id>, ApiError> {
    let ids = texts(actions.pointer("/assignUserToGroups/groupIds"));
    if ids.is_empty() {
        return Err(ApiError::invalid_field("groupIds", "The field cannot be left blank"));
    }
    let known = |id: String| {
        let group = Id::parse(&id).filter(|id| store.groups.number(*id).is_some());
        group.ok_or_else(|| ApiError::invalid_field("groupIds", &format!("{id} is not a group")))
    };
    ids.into_iter().map(known).collect()
}

/// `createGroupRule`: new rules do nothing until they are activated.
pub(super) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let sent = Sent::read(store, &call.object()?, None)?;
    let id = store.ids.next("0pr");
    let now = call.stamp();
    let rule = Rule {
        id,
        name: sent.name,
        status: RuleStatus::Inactive,
        created: now,
        last_updated: now,
        text: sent.text,
        expression: sent.expression,
        excluded_users: sent.excluded_users,
        group_ids: sent.group_ids,
        made: BTreeSet::new(),
    };
    let reply = Reply::json(&shown(store, &rule));
    store.rules.insert(id, rule);
    record(store, call, Kind::RULE_ADD, id);
    Ok(reply)
}

/// `replaceGroupRule`: only while it is inactive, and never its actions.
pub(super) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = find(store, call)?;
    let sent = Sent::read(store, &call.object()?, Some(id))?;
    let now = call.stamp();
    let rule = store.rules.get_mut(&id).ok_or(errors::E0000009)?;
    if rule.status == RuleStatus::Active {
        return Err(ApiError::invalid_field("status", "An active rule cannot be changed"));
    }
    if rule.group_ids != sent.group_ids {
        return Err(ApiError::invalid_field("actions", "The actions of a rule cannot be changed"));
    }
    (rule.name, rule.text, rule.expression) = (sent.name, sent.text, sent.expression);
    rule.excluded_users = sent.excluded_users;
    rule.last_updated = now;
    record(store, call, Kind::RULE_UPDATE, id);
    get(store, call)
}

/// `activateGroupRule`: every user is looked at.
pub(super) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = find(store, call)?;
    let whole = rule(store, call)?.group_ids.iter().all(|group| store.groups.number(*group).is_some());
    if !whole {
        return Err(ApiError::invalid_field("groupIds", "A group of the rule no longer exists"));
    }
    switch(store, call, id, RuleStatus::Active)?;
    record(store, call, Kind::RULE_ACTIVATE, id);
    apply::evaluate_all(store, call, id);
    Ok(Reply::no_content())
}

/// `deactivateGroupRule`: memberships that it made stay.
pub(super) fn deactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = find(store, call)?;
    switch(store, call, id, RuleStatus::Inactive)?;
    record(store, call, Kind::RULE_DEACTIVATE, id);
    Ok(Reply::no_content())
}

fn switch(store: &mut Store, call: &Call<'_>, id: Id, status: RuleStatus) -> Result<(), ApiError> {
    let rule = store.rules.get_mut(&id).ok_or(errors::E0000009)?;
    rule.status = status;
    rule.last_updated = call.stamp();
    Ok(())
}

/// `deleteGroupRule`: 202, with or without the users that it put into its groups.
pub(super) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = find(store, call)?;
    if call.flag("removeUsers", false) {
        apply::take_all_back(store, call, id);
    }
    record(store, call, Kind::RULE_DELETE, id);
    store.rules.shift_remove(&id);
    Ok(Reply::empty_object().status(StatusCode::ACCEPTED))
}

fn record(store: &mut Store, call: &Call<'_>, kind: Kind, id: Id) {
    let target = store.rules.get(&id).map(|rule| Target::named("PolicyRule", rule.id.as_str(), &rule.name));
    logs::record(store, call, kind, target.as_slice());
}
