//! What stops a run that would take too much away.

use super::{Change, World};

/// The safeguards that `changes` break, in words.
pub(super) fn broken(world: &World, changes: &[Change]) -> Vec<String> {
    let (mut users, mut members) = (0, 0);
    for change in changes {
        match change {
            Change::DeactivateUser { .. } | Change::DeleteUser { .. } => users += 1,
            Change::Members(change) => members += change.remove.len(),
            _ => {}
        }
    }
    let active = |user: &crate::state::AppliedUser| {
        world.actual.by_id.get(&user.scim_id).is_some_and(|position| world.actual.users[*position as usize].active)
    };
    let managed = world.applied.users.values().filter(|user| active(user)).count();
    let member_count = |group: &Option<u32>| {
        group.map_or(0, |group| {
            let group = &world.actual.groups[group as usize];
            group.members.len() + group.foreign.len()
        })
    };
    let managed_members: usize = world.group_links.iter().map(member_count).sum();
    let guards = &world.config.safeguards;
    let mut broken = Vec::new();
    if exceeds(users, managed, guards.deactivate_percent, guards.floor) {
        broken.push(format!(
            "{users} of {managed} users would be deactivated, more than {} %",
            guards.deactivate_percent
        ));
    }
    if exceeds(members, managed_members, guards.remove_members_percent, guards.floor) {
        broken.push(format!(
            "{members} of {managed_members} members would be removed from groups, more than {} %",
            guards.remove_members_percent
        ));
    }
    broken
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
