//! Changes of groups and their members.

use std::collections::HashSet;

use super::{Change, World};
use crate::actual::Actual;
use crate::config::Kind;
use crate::source::{Desired, DesiredGroup};
use crate::state::{Applied, AppliedGroup};

/// Members of one group that come and go.
#[derive(Debug, Clone)]
pub(crate) struct MemberChange {
    pub(crate) group: u32,
    /// Positions among the desired users.
    pub(crate) add: Vec<u32>,
    pub(crate) remove: Vec<Removal>,
}

/// A member that goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Removal {
    /// A user at the target, by position.
    User(u32),
    /// Someone who is not among the visible users, by id.
    Foreign(Box<str>),
}

impl MemberChange {
    pub(crate) fn len(&self) -> usize {
        self.add.len() + self.remove.len()
    }
}

/// For each desired group its position at the target, by the id that is remembered.
pub(super) fn link(desired: &Desired, actual: &Actual, applied: &Applied) -> Vec<Option<u32>> {
    let mut taken = HashSet::new();
    let known = |group: &DesiredGroup| {
        let known = applied.groups.get(&group.okta_id)?;
        actual.groups_by_id.get(&known.scim_id).copied().filter(|position| taken.insert(*position))
    };
    desired.groups.iter().map(known).collect()
}

/// All changes of groups: what they are, then who belongs to them, then those that go.
pub(super) fn changes(world: &World) -> Vec<Change> {
    let keys = world.keys_by_actual();
    let mut names = HashSet::new();
    let (mut changes, mut members) = (Vec::new(), Vec::new());
    for (index, group) in world.desired.groups.iter().enumerate() {
        let taken = !names.insert(group.name.to_lowercase());
        let (made, actual) = change(world, index as u32, group, taken);
        let is_blocked = made.iter().any(|change| matches!(change, Change::Blocked { .. }));
        changes.extend(made);
        if !is_blocked {
            let change = member_change(world, index as u32, actual, &keys);
            members.extend((change.len() > 0).then_some(Change::Members(change)));
        }
    }
    changes.extend(members);
    let deletions = ended(world, &changes);
    changes.extend(deletions);
    changes
}

/// What has to happen to the group itself, and its position at the target if it is there.
fn change(world: &World, index: u32, group: &DesiredGroup, name_is_taken: bool) -> (Vec<Change>, Option<u32>) {
    let blocked = |reason: String, hint: &str| {
        let (okta_id, name, hint) = (group.okta_id.clone(), group.name.clone(), hint.to_owned());
        vec![Change::Blocked { okta_id, name, reason, hint }]
    };
    let rename = |actual: u32| {
        let differs = world.actual.groups[actual as usize].name != group.name;
        (world.config.groups.rename && differs).then_some(Change::RenameGroup { group: index, actual })
    };
    if name_is_taken {
        let reason = format!("another pushed group has the name \"{}\" at the target as well", group.name);
        return (blocked(reason, "rename one of them in the org, or change groups.name"), None);
    }
    let link = world.group_links[index as usize];
    if let Some(actual) = link {
        return (rename(actual).into_iter().collect(), link);
    }
    let Some(actual) = world.actual.group_named(&group.name) else {
        return (vec![Change::CreateGroup { group: index }], None);
    };
    let before = world.other_pushed(&world.actual.groups[actual as usize].scim_id, &group.okta_id);
    match before.map(|(okta_id, _)| fate(world, okta_id, &group.name)) {
        // It will have another name, or be gone, when this one is made.
        Some(Fate::MakesRoom) => return (vec![Change::CreateGroup { group: index }], None),
        Some(Fate::Stays) => {
            let reason = format!("the target has a group \"{}\" already, which is pushed from here", group.name);
            return (blocked(reason, "rename one of them in the org, or change groups.name or groups.rename"), None);
        }
        Some(Fate::Left) | None => {}
    }
    if world.config.groups.adopt || before.is_none() && world.was_begun(&group.okta_id) {
        // Found in another letter case, it gets the one that it has in the org.
        let adopt = Change::AdoptGroup { group: index, actual };
        return ([adopt].into_iter().chain(rename(actual)).collect(), Some(actual));
    }
    let reason = format!("the target has a group \"{}\" already", group.name);
    let hint = match world.config.target.kind {
        Kind::Snowflake => {
            "existing roles cannot be taken over unless SCIM made them: rename the group or drop the role; \
             groups.adopt = true takes over a role that an earlier provisioning made"
        }
        Kind::Rfc => "set groups.adopt = true to take it over with its members, or rename the group",
    };
    (blocked(reason, hint), None)
}

/// What becomes of a group at the target that was pushed for another group of the org.
enum Fate {
    /// It is renamed or deleted before groups are made.
    MakesRoom,
    /// It keeps its name.
    Stays,
    /// It is pushed no longer, and free to be taken over.
    Left,
}

/// What becomes of the group at the target that was pushed for `okta_id` and has the name `name`.
fn fate(world: &World, okta_id: &str, name: &str) -> Fate {
    let options = &world.config.groups;
    match world.desired_group(okta_id) {
        Some(group) if options.rename && group.name.to_lowercase() != name.to_lowercase() => Fate::MakesRoom,
        Some(_) => Fate::Stays,
        None if is_paused(world, okta_id) => Fate::Stays,
        None if options.delete && !options.adopt => Fate::MakesRoom,
        None => Fate::Left,
    }
}

fn is_paused(world: &World, okta_id: &str) -> bool {
    world.desired.paused.iter().any(|paused| **paused == *okta_id)
}

/// Who has to come and go. `actual` is the group at the target, if it is there.
fn member_change(
    world: &World,
    index: u32,
    actual: Option<u32>,
    keys: &std::collections::HashMap<u32, i64>,
) -> MemberChange {
    let desired = &world.desired.groups[index as usize];
    let there = actual.map(|actual| &world.actual.groups[actual as usize]);
    let has = |position: &u32| there.is_some_and(|there| there.members.binary_search(position).is_ok());
    let mut wanted: Vec<u32> = Vec::with_capacity(desired.members.len());
    let mut add = Vec::new();
    for user in &*desired.members {
        let link = world.links[*user as usize];
        wanted.extend(link);
        // Whoever is blocked has no account to be a member with, and whoever is left alone stays what they are.
        let member = &world.desired.users[*user as usize];
        let can_be = member.is_active() && (link.is_some() || member.problem.is_none());
        if can_be && !link.as_ref().is_some_and(has) {
            add.push(*user);
        }
    }
    wanted.sort_unstable();
    let mut remove = Vec::new();
    if let Some(there) = there {
        let keep_foreign = world.config.groups.keep_foreign_members;
        let applied = world.applied.groups.get(&desired.okta_id).filter(|applied| applied.scim_id == there.scim_id);
        // Of a group that is taken over, those also came from here whom the one before it had.
        let before = || world.other_pushed(&there.scim_id, &desired.okta_id).map(|(_, before)| before);
        let applied = applied.or_else(before).map_or(&[][..], |applied| &applied.members);
        let came_from_here = |position: &u32| keys.get(position).is_some_and(|key| applied.binary_search(key).is_ok());
        let gone = there.members.iter().filter(|position| wanted.binary_search(position).is_err());
        let gone = gone.filter(|position| !keep_foreign || came_from_here(position));
        remove.extend(gone.map(|position| Removal::User(*position)));
        if !keep_foreign {
            remove.extend(there.foreign.iter().cloned().map(Removal::Foreign));
        }
    }
    MemberChange { group: index, add, remove }
}

/// Groups that were pushed and are no longer. Without deletion they stay, with their members. One that has been
/// taken over for another group of the org, or is by `changes`, is that one's.
fn ended(world: &World, changes: &[Change]) -> Vec<Change> {
    if !world.config.groups.delete {
        return Vec::new();
    }
    let desired: HashSet<&str> = world.desired.groups.iter().map(|group| &*group.okta_id).collect();
    let (mut left, paused): (Vec<_>, Vec<_>) = world
        .applied
        .groups
        .iter()
        .filter(|(okta_id, _)| !desired.contains(&***okta_id))
        .partition(|(okta_id, _)| !is_paused(world, okta_id));
    let position = |group: &AppliedGroup| world.actual.groups_by_id.get(&group.scim_id).copied();
    let adopted = changes.iter().filter_map(|change| match change {
        Change::AdoptGroup { actual, .. } => Some(*actual),
        _ => None,
    });
    let linked = world.group_links.iter().flatten().copied();
    let held: HashSet<u32> =
        linked.chain(adopted).chain(paused.into_iter().filter_map(|(_, group)| position(group))).collect();
    left.sort_unstable_by_key(|(_, group)| group.key);
    let deletion = |(okta_id, group): (&_, _)| {
        let actual = position(group).filter(|actual| !held.contains(actual))?;
        Some(Change::DeleteGroup { okta_id: Box::clone(okta_id), actual })
    };
    left.into_iter().filter_map(deletion).collect()
}
