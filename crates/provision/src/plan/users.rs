//! Changes of users.

use std::collections::HashSet;

use super::{Change, World};
use crate::actual::Actual;
use crate::config::{Apply, Config, DriftPolicy};
use crate::source::{Desired, DesiredUser};
use crate::state::{Applied, AppliedUser};

/// For each desired user its position at the target. What is remembered comes first, so that nobody else is
/// found by a name that is about to change.
pub(super) fn link(config: &Config, desired: &Desired, actual: &Actual, applied: &Applied) -> Vec<Option<u32>> {
    let mut links: Vec<Option<u32>> = vec![None; desired.users.len()];
    let mut taken = HashSet::new();
    for (link, user) in links.iter_mut().zip(&desired.users) {
        let known = applied.users.get(&user.okta_id).and_then(|known| actual.by_id.get(&known.scim_id));
        *link = known.copied().filter(|position| taken.insert(*position));
    }
    // Whoever was applied for someone else is not found by name.
    taken.extend(applied.users.values().filter_map(|known| actual.by_id.get(&known.scim_id)));
    let email = config.mappings.iter().position(|mapping| mapping.path.is_email());
    for (link, user) in links.iter_mut().zip(&desired.users).filter(|(link, _)| link.is_none()) {
        let by_name = actual.user_named(user.user_name()).filter(|_| !user.user_name().is_empty());
        let by_email = || {
            let email = user.values[email.filter(|_| config.users.match_email)?].as_text()?;
            actual.user_with_email(email)
        };
        *link = by_name.or_else(by_email).filter(|position| taken.insert(*position));
    }
    links
}

/// All changes of users, those of the org's list first.
pub(super) fn changes(world: &World) -> Vec<Change> {
    let mut names = HashSet::new();
    let mut changes = Vec::new();
    for (index, user) in world.desired.users.iter().enumerate() {
        let taken = !user.user_name().is_empty() && !names.insert(user.user_name().to_lowercase());
        changes.extend(change(world, index as u32, user, taken));
    }
    let mut left: Vec<_> = world.applied.users.iter().collect();
    left.retain(|(okta_id, _)| !world.desired.by_id.contains_key(*okta_id));
    // By id: keys are in the order in which the target happened to answer.
    left.sort_unstable_by_key(|(okta_id, _)| *okta_id);
    changes.extend(left.into_iter().filter_map(|(okta_id, user)| ended(world, okta_id, user)));
    changes
}

fn change(world: &World, index: u32, user: &DesiredUser, name_is_taken: bool) -> Option<Change> {
    let blocked = |reason: String, hint: &str| {
        let (okta_id, name, hint) = (user.okta_id.clone(), user.shown().into(), hint.to_owned());
        Some(Change::Blocked { okta_id, name, reason, hint })
    };
    if let Some(problem) = &user.problem {
        return blocked(problem.to_string(), "correct the mapping, or the user's attributes in the org");
    }
    if name_is_taken {
        let reason = format!("another assigned user has the userName \"{}\" as well", user.user_name());
        return blocked(reason, "give each user a userName of its own in the application");
    }
    let applied = world.applied.users.get(&user.okta_id);
    let Some(actual) = world.links[index as usize] else {
        return user.active.then_some(Change::CreateUser { user: index });
    };
    let there = &world.actual.users[actual as usize];
    let applied = applied.filter(|applied| applied.scim_id == there.scim_id);
    if !user.active {
        let okta_id = user.okta_id.clone();
        return (there.active && applied.is_some()).then_some(Change::DeactivateUser { okta_id, actual });
    }
    let fields = differing(world, user, actual, applied);
    match applied {
        _ if !there.active => Some(Change::ReactivateUser { user: index, actual, fields }),
        None => Some(Change::AdoptUser { user: index, actual, fields }),
        Some(_) if fields != 0 => Some(Change::UpdateUser { user: index, actual, fields }),
        Some(_) => None,
    }
}

/// The attributes that have to be sent, a bit for each mapping.
fn differing(world: &World, user: &DesiredUser, actual: u32, applied: Option<&AppliedUser>) -> u64 {
    let there = &world.actual.users[actual as usize];
    let mut fields = 0;
    for (index, mapping) in world.config.mappings.iter().enumerate() {
        let (wanted, found) = (&user.values[index], there.value(index));
        if wanted == found || mapping.apply == Apply::Create {
            continue;
        }
        let held = applied.and_then(|applied| applied.held(index));
        let drifted = held.is_some_and(|held| held != found);
        let sent_already = applied.is_some_and(|applied| applied.sent[index].as_ref() == Some(wanted));
        // The target was given this very value and has something else ever since: it does not keep it.
        let not_kept = sent_already && held == Some(found);
        if not_kept || drifted && mapping.drift != DriftPolicy::Overwrite {
            continue;
        }
        fields |= 1 << index;
    }
    fields
}

/// The change for a user who was provisioned and is assigned no longer.
fn ended(world: &World, okta_id: &str, user: &AppliedUser) -> Option<Change> {
    let actual = *world.actual.by_id.get(&user.scim_id)?;
    let okta_id = okta_id.into();
    if world.config.users.delete {
        return Some(Change::DeleteUser { okta_id, actual });
    }
    world.actual.users[actual as usize].active.then_some(Change::DeactivateUser { okta_id, actual })
}
