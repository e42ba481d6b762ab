//! Entries of a plan as they are shown: every name and value in full, secrets as `***`.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Change, MemberChange, Plan, Removal, World};
use crate::config::Apply;

/// One entry of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Stable from plan to plan: kind and Okta id.
    pub id: String,
    /// `create_user`, `update_user`, `add_members`, …
    pub kind: &'static str,
    /// Okta id of the user or group.
    pub okta_id: String,
    /// Its id at the target, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// What people know it by.
    pub name: String,
    /// Attributes that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Members that come or go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
    /// Why.
    pub reason: String,
    /// What to do about it, for what is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Requests that it takes.
    pub requests: u64,
}

/// One attribute before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Path at the target.
    pub attribute: String,
    /// What is there; `null` for nothing.
    pub before: Json,
    /// What is to be there.
    pub after: Json,
}

/// Members of an entry, by user name where it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Members {
    /// How many.
    pub count: usize,
    /// All of them.
    pub users: Vec<String>,
}

/// The entries of one change.
pub(super) fn lay_out(plan: &Plan, change: &Change) -> Vec<Entry> {
    let world = &plan.world;
    if let Change::Members(members) = change {
        return of_members(plan, members);
    }
    let kind = change.kinds()[0];
    let mut entry = match change {
        Change::CreateUser { user } => {
            let active = field("active", Json::Null, json!(true));
            let fields = fields(world, *user, None, u64::MAX).chain([active]).collect();
            Entry { fields, ..of_user(world, *user, None, "assigned in the org, and not at the target") }
        }
        Change::AdoptUser { user, actual, fields: changed } => {
            let reason = adoption(world, *user, *actual);
            let fields = fields(world, *user, Some(*actual), *changed).collect();
            Entry { fields, ..of_user(world, *user, Some(*actual), reason) }
        }
        Change::UpdateUser { user, actual, fields: changed } => {
            let fields = fields(world, *user, Some(*actual), *changed).collect();
            Entry { fields, ..of_user(world, *user, Some(*actual), "values differ") }
        }
        Change::ReactivateUser { user, actual, fields: changed } => {
            let active = field("active", json!(false), json!(true));
            let fields = fields(world, *user, Some(*actual), *changed).chain([active]).collect();
            Entry {
                fields,
                ..of_user(world, *user, Some(*actual), "assigned in the org, and not active at the target")
            }
        }
        Change::SetPassword { user } => {
            let fields = vec![field("password", json!("***"), json!("***"))];
            Entry { fields, ..of_user(world, *user, world.links[*user as usize], "asked for") }
        }
        Change::DeactivateUser { okta_id, actual } => {
            let fields = vec![field("active", json!(true), json!(false))];
            let suspended = world.desired.by_id.contains_key(okta_id);
            let reason = if suspended { "suspended in the org" } else { "no longer assigned" };
            Entry { fields, ..of_ended(world, okta_id, *actual, reason) }
        }
        Change::DeleteUser { okta_id, actual } => of_ended(world, okta_id, *actual, "no longer assigned"),
        Change::CreateGroup { group } => of_group(world, *group, None, "pushed by the org, and not at the target"),
        Change::AdoptGroup { group, actual } => {
            let begun = world.was_begun(&world.desired.groups[*group as usize].okta_id);
            let reason =
                if begun { "made by an earlier run that did not end" } else { "has the name of a pushed group" };
            of_group(world, *group, Some(*actual), reason)
        }
        Change::RenameGroup { group, actual } => {
            let before = &world.actual.groups[*actual as usize].name;
            let after = &world.desired.groups[*group as usize].name;
            let fields = vec![field("displayName", json!(before), json!(after))];
            Entry { fields, ..of_group(world, *group, Some(*actual), "renamed in the org, or at the target") }
        }
        Change::DeleteGroup { okta_id, actual } => {
            let there = &world.actual.groups[*actual as usize];
            bare(okta_id, Some(&there.scim_id), &there.name, "no longer pushed")
        }
        Change::Blocked { okta_id, name, reason, hint } => {
            Entry { hint: Some(hint.clone()), ..bare(okta_id, None, name, reason) }
        }
        Change::Members(_) => return Vec::new(),
    };
    entry.kind = kind;
    entry.id = format!("{kind}:{}", entry.okta_id);
    entry.requests = plan.cost(change);
    vec![entry]
}

/// Why a user at the target is taken for the one in the org.
pub(crate) fn adoption(world: &World, user: u32, actual: u32) -> &'static str {
    let (desired, there) = (&world.desired.users[user as usize], &world.actual.users[actual as usize]);
    let external = world.config.mappings.iter().position(|mapping| mapping.path.is("externalId"));
    if world.was_begun(&desired.okta_id) {
        "made by an earlier run that did not end"
    } else if world.left_behind.contains(&actual) {
        "was the account of a user who is no longer assigned"
    } else if external.is_some_and(|index| there.value(index).as_text() == Some(&desired.okta_id)) {
        "carries the Okta id"
    } else if there.user_name().eq_ignore_ascii_case(desired.user_name()) {
        "has the same userName"
    } else {
        "has the same e-mail address"
    }
}

/// Attributes that are sent: all with a value for one who is created, else those of the word `changed`.
fn fields(world: &World, user: u32, actual: Option<u32>, changed: u64) -> impl Iterator<Item = FieldChange> + '_ {
    let desired = &world.desired.users[user as usize];
    let there = actual.map(|actual| &world.actual.users[actual as usize]);
    world.config.mappings.iter().enumerate().filter_map(move |(index, mapping)| {
        let before = there.map_or(Json::Null, |there| there.value(index).to_json());
        let after = desired.values[index].to_json();
        let is_sent = changed >> index & 1 == 1 && before != after;
        // Create-only attributes are never part of an update; see `differing`.
        debug_assert!(there.is_none() || !is_sent || mapping.apply == Apply::Always);
        is_sent.then(|| FieldChange { attribute: mapping.path.to_string(), before, after })
    })
}

fn field(attribute: &str, before: Json, after: Json) -> FieldChange {
    FieldChange { attribute: attribute.to_owned(), before, after }
}

fn bare(okta_id: &str, target_id: Option<&str>, name: &str, reason: &str) -> Entry {
    Entry {
        id: String::new(),
        kind: "",
        okta_id: okta_id.to_owned(),
        target_id: target_id.map(str::to_owned),
        name: name.to_owned(),
        fields: Vec::new(),
        members: None,
        reason: reason.to_owned(),
        hint: None,
        requests: 0,
    }
}

fn of_user(world: &World, user: u32, actual: Option<u32>, reason: &str) -> Entry {
    let desired = &world.desired.users[user as usize];
    let target_id = actual.map(|actual| &*world.actual.users[actual as usize].scim_id);
    bare(&desired.okta_id, target_id, desired.shown(), reason)
}

fn of_ended(world: &World, okta_id: &str, actual: u32, reason: &str) -> Entry {
    let there = &world.actual.users[actual as usize];
    bare(okta_id, Some(&there.scim_id), there.user_name(), reason)
}

fn of_group(world: &World, group: u32, actual: Option<u32>, reason: &str) -> Entry {
    let desired = &world.desired.groups[group as usize];
    let target_id = actual.map(|actual| &*world.actual.groups[actual as usize].scim_id);
    bare(&desired.okta_id, target_id, &desired.name, reason)
}

/// Two entries: who comes, and who goes. The requests are those of both, booked on the first.
fn of_members(plan: &Plan, change: &MemberChange) -> Vec<Entry> {
    let world = &plan.world;
    let mut requests = plan.cost(&Change::Members(change.clone()));
    let actual = world.group_links[change.group as usize];
    let mut entry = |kind: &'static str, users: Vec<String>, reason: &str| {
        let entry = of_group(world, change.group, actual, reason);
        let members = Some(Members { count: users.len(), users });
        let id = format!("{kind}:{}", entry.okta_id);
        (Entry { id, kind, members, requests: std::mem::take(&mut requests), ..entry }).into()
    };
    let add: Vec<String> =
        change.add.iter().map(|user| world.desired.users[*user as usize].shown().to_owned()).collect();
    let mut remove: Vec<String> = change.remove.iter().map(|removal| removed(world, removal)).collect();
    // The target has them in the order of its own ids, which says nothing to anyone.
    remove.sort_unstable();
    let add: Option<Entry> = if add.is_empty() { None } else { entry("add_members", add, "members in the org") };
    let remove: Option<Entry> =
        if remove.is_empty() { None } else { entry("remove_members", remove, "not members in the org") };
    add.into_iter().chain(remove).collect()
}

fn removed(world: &World, removal: &Removal) -> String {
    match removal {
        Removal::User(actual) => world.actual.users[*actual as usize].user_name().to_owned(),
        Removal::Foreign(id) => id.to_string(),
    }
}
