//! What the target has in place of what was applied: changes that someone else made there.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::World;
use crate::config::DriftPolicy;
use crate::state::{AppliedGroup, AppliedUser};

/// All drift of a provisioning.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DriftReport {
    /// One entry for each difference.
    pub drift: Vec<Drift>,
    /// Users and groups that were looked at.
    pub examined: usize,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Stable from run to run: what, which and where.
    pub id: String,
    /// What kind of difference.
    pub kind: DriftKind,
    /// Okta id of the user or group.
    pub okta_id: String,
    /// Its id at the target.
    pub target_id: String,
    /// What people know it by.
    pub name: String,
    /// The attribute, for one of a user or the name of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// What was applied.
    pub applied: Json,
    /// What is there.
    pub found: Json,
    /// What an apply does about it.
    pub policy: &'static str,
}

/// Kinds of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// An attribute of a user, or the name of a group, has another value.
    Changed,
    /// The object is gone.
    Missing,
    /// Members that were not put there.
    MembersAdded,
    /// Members that were put there are gone.
    MembersRemoved,
}

impl fmt::Display for DriftKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::MembersAdded => "members_added",
            Self::MembersRemoved => "members_removed",
        })
    }
}

pub(super) fn find(world: &World) -> DriftReport {
    let mut drift = Vec::new();
    let mut users: Vec<_> = world.applied.users.iter().collect();
    users.sort_unstable_by_key(|(_, user)| user.key);
    for (okta_id, user) in users {
        of_user(world, okta_id, user, &mut drift);
    }
    let names: HashMap<i64, &str> = names_by_key(world);
    let keys = world.keys_by_actual();
    let mut groups: Vec<_> = world.applied.groups.iter().collect();
    groups.sort_unstable_by_key(|(_, group)| group.key);
    for (okta_id, group) in groups {
        of_group(world, okta_id, group, (&names, &keys), &mut drift);
    }
    DriftReport { drift, examined: world.applied.users.len() + world.applied.groups.len() }
}

fn names_by_key(world: &World) -> HashMap<i64, &str> {
    let name = |user: &AppliedUser| {
        let there = world.actual.by_id.get(&user.scim_id)?;
        Some((user.key, world.actual.users[*there as usize].user_name()))
    };
    world.applied.users.values().filter_map(name).collect()
}

fn of_user(world: &World, okta_id: &str, user: &AppliedUser, drift: &mut Vec<Drift>) {
    let applied_name = user.sent.first().and_then(Option::as_ref).and_then(|name| name.as_text()).unwrap_or_default();
    let base = |kind: DriftKind, attribute: Option<String>, applied: Json, found: Json| Drift {
        id: format!("{kind}:{okta_id}{}", attribute.as_ref().map_or_else(String::new, |name| format!(":{name}"))),
        kind,
        okta_id: okta_id.to_owned(),
        target_id: user.scim_id.to_string(),
        name: applied_name.to_owned(),
        attribute,
        applied,
        found,
        policy: "overwrite",
    };
    let Some(actual) = world.actual.by_id.get(&user.scim_id) else {
        drift.push(base(DriftKind::Missing, None, json!(user.scim_id), Json::Null));
        return;
    };
    let there = &world.actual.users[*actual as usize];
    if there.active != user.active {
        drift.push(base(DriftKind::Changed, Some("active".to_owned()), json!(user.active), json!(there.active)));
    }
    for (index, mapping) in world.config.mappings.iter().enumerate() {
        if let Some(held) = user.held(index).filter(|held| *held != there.value(index)) {
            let (applied, found) = (held.to_json(), there.value(index).to_json());
            let entry = base(DriftKind::Changed, Some(mapping.path.to_string()), applied, found);
            drift.push(Drift { policy: policy(mapping.drift), ..entry });
        }
    }
}

fn of_group(
    world: &World,
    okta_id: &str,
    group: &AppliedGroup,
    (names, keys): (&HashMap<i64, &str>, &HashMap<u32, i64>),
    drift: &mut Vec<Drift>,
) {
    let base = |kind: DriftKind, attribute: Option<&str>, applied: Json, found: Json| Drift {
        id: format!("{kind}:{okta_id}"),
        kind,
        okta_id: okta_id.to_owned(),
        target_id: group.scim_id.to_string(),
        name: group.name.to_string(),
        attribute: attribute.map(str::to_owned),
        applied,
        found,
        policy: "overwrite",
    };
    let Some(actual) = world.actual.groups_by_id.get(&group.scim_id) else {
        drift.push(base(DriftKind::Missing, None, json!(group.scim_id), Json::Null));
        return;
    };
    let there = &world.actual.groups[*actual as usize];
    if there.name != group.name {
        drift.push(base(DriftKind::Changed, Some("displayName"), json!(group.name), json!(there.name)));
    }
    let shown = |position: &u32| world.actual.users[*position as usize].user_name();
    let is_applied = |position: &u32| keys.get(position).is_some_and(|key| group.members.binary_search(key).is_ok());
    let mut added: Vec<&str> = there.members.iter().filter(|position| !is_applied(position)).map(shown).collect();
    added.extend(there.foreign.iter().map(|id| &**id));
    if !added.is_empty() {
        let policy = if world.config.groups.keep_foreign_members { "keep" } else { "overwrite" };
        let entry = base(DriftKind::MembersAdded, None, Json::Null, json!(added));
        drift.push(Drift { policy, ..entry });
    }
    let held: std::collections::HashSet<i64> =
        there.members.iter().filter_map(|position| keys.get(position).copied()).collect();
    let removed: Vec<&str> =
        group.members.iter().filter(|key| !held.contains(key)).filter_map(|key| names.get(key).copied()).collect();
    if !removed.is_empty() {
        drift.push(base(DriftKind::MembersRemoved, None, json!(removed), Json::Null));
    }
}

const fn policy(policy: DriftPolicy) -> &'static str {
    match policy {
        DriftPolicy::Overwrite => "overwrite",
        DriftPolicy::Keep => "keep",
        DriftPolicy::Alert => "alert",
    }
}

impl DriftReport {
    /// Whether the target has everything as it was applied.
    pub fn is_empty(&self) -> bool {
        self.drift.is_empty()
    }
}
