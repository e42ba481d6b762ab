//! What stops a run that would take too much away.
//!
//! Users are counted by account and members by membership. The memberships of an account that is inactive, or ends in
//! the same run, are not counted again: they take nothing away that the account has not lost with itself, and in a
//! small org one user who leaves would otherwise look like an emptied group.

use std::collections::HashSet;

use super::{Change, Removal, World};
use crate::state::{AppliedGroup, AppliedUser};

/// The safeguards that `changes` break, in words.
pub(super) fn broken(world: &World, changes: &[Change]) -> Vec<String> {
    let ended: HashSet<u32> = changes
        .iter()
        .filter_map(|change| match change {
            Change::DeactivateUser { actual, .. } | Change::DeleteUser { actual, .. } => Some(*actual),
            _ => None,
        })
        .collect();
    let keeps_account = |user: &u32| !ended.contains(user) && world.actual.users[*user as usize].active;
    let member_count = |group: u32| {
        let group = &world.actual.groups[group as usize];
        group.members.len() + group.foreign.len()
    };
    let (mut members, mut groups) = (0, 0);
    let mut managed_members: usize = world.group_links.iter().flatten().map(|group| member_count(*group)).sum();
    for change in changes {
        match change {
            Change::Members(change) => {
                let counts = |removal: &&Removal| match removal {
                    Removal::User(user) => keeps_account(user),
                    Removal::Foreign(_) => true,
                };
                members += change.remove.iter().filter(counts).count();
            }
            Change::DeleteGroup { actual, .. } => {
                let there = &world.actual.groups[*actual as usize];
                groups += 1;
                members += there.members.iter().filter(|user| keeps_account(user)).count() + there.foreign.len();
                managed_members += member_count(*actual);
            }
            _ => {}
        }
    }
    let is_active = |user: &&AppliedUser| {
        world.actual.by_id.get(&user.scim_id).is_some_and(|position| world.actual.users[*position as usize].active)
    };
    let managed = world.applied.users.values().filter(is_active).count();
    let is_there = |group: &&AppliedGroup| world.actual.groups_by_id.contains_key(&group.scim_id);
    let managed_groups = world.applied.groups.values().filter(is_there).count();
    let guards = &world.config.safeguards;
    [
        (ended.len(), managed, "users would be deactivated", guards.deactivate_percent),
        (members, managed_members, "members would be removed from groups", guards.remove_members_percent),
        (groups, managed_groups, "groups would be deleted", guards.delete_groups_percent),
    ]
    .into_iter()
    .filter(|(count, total, _, percent)| exceeds(*count, *total, *percent, guards.floor))
    .map(|(count, total, what, percent)| format!("{count} of {total} {what}, more than {percent} %"))
    .collect()
}

fn exceeds(count: usize, total: usize, percent: f64, floor: usize) -> bool {
    count > floor && count as f64 * 100.0 > total as f64 * percent
}

#[cfg(test)]
mod tests {
    use super::exceeds;

    #[test]
    fn the_limit_itself_is_allowed_and_a_few_are_never_too_many() {
        assert!(!exceeds(20, 100, 20.0, 1));
        assert!(exceeds(21, 100, 20.0, 1));
        assert!(!exceeds(1, 1, 20.0, 1));
        assert!(exceeds(2, 2, 20.0, 1));
        assert!(!exceeds(0, 0, 0.0, 0));
        assert!(exceeds(1, 100, 0.0, 0));
    }
}
