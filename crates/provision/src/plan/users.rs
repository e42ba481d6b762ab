//! Changes of users.

use std::collections::HashSet;

use super::{Change, World};
use crate::actual::Actual;
use crate::config::{Apply, Config, DriftPolicy};
use crate::source::{Desired, DesiredUser, Goal};
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
    let email = config.mappings.iter().position(|mapping| mapping.path.is_email());
    let found = |user: &DesiredUser| {
        let by_name = actual.user_named(user.user_name()).filter(|_| !user.user_name().is_empty());
        let by_email = || {
            let email = user.values[email.filter(|_| config.users.match_email)?].as_text()?;
            actual.user_with_email(email)
        };
        by_name.or_else(by_email)
    };
    // An account that was applied for someone who is assigned no longer passes to the next active user whom it
    // fits. Whoever is not to be active finds those only that were applied for nobody.
    for is_active in [true, false] {
        let open = links.iter_mut().zip(&desired.users).filter(|(link, _)| link.is_none());
        for (link, user) in open.filter(|(_, user)| user.is_active() == is_active) {
            *link = found(user).filter(|position| taken.insert(*position));
        }
        taken.extend(applied.users.values().filter_map(|known| actual.by_id.get(&known.scim_id)));
    }
    links
}

/// Accounts of users who were provisioned and are assigned no longer, by position.
pub(super) fn left_behind(desired: &Desired, actual: &Actual, applied: &Applied) -> HashSet<u32> {
    let left = applied.users.iter().filter(|(okta_id, _)| !desired.by_id.contains_key(*okta_id));
    left.filter_map(|(_, user)| actual.by_id.get(&user.scim_id).copied()).collect()
}

/// All changes of users, those of the org's list first.
pub(super) fn changes(world: &World) -> Vec<Change> {
    let mut names = HashSet::new();
    let mut changes = Vec::new();
    // Accounts of those who are gone that have another user now.
    let mut passed_on = HashSet::new();
    for (index, user) in world.desired.users.iter().enumerate() {
        let index = index as u32;
        let taken = user.is_active() && !user.user_name().is_empty() && !names.insert(user.user_name().to_lowercase());
        let change = change(world, index, user, taken);
        let takes_over = matches!(change, Some(Change::AdoptUser { .. } | Change::ReactivateUser { .. }));
        if takes_over || world.applied_at(index).is_some() {
            passed_on.extend(world.links[index as usize].filter(|actual| world.left_behind.contains(actual)));
        }
        changes.extend(change);
    }
    let mut left: Vec<_> = world.applied.users.iter().collect();
    left.retain(|(okta_id, _)| !world.desired.by_id.contains_key(*okta_id));
    // By id: keys are in the order in which the target happened to answer.
    left.sort_unstable_by_key(|(okta_id, _)| *okta_id);
    changes.extend(left.into_iter().filter_map(|(okta_id, user)| ended(world, okta_id, user, &passed_on)));
    changes
}

fn change(world: &World, index: u32, user: &DesiredUser, name_is_taken: bool) -> Option<Change> {
    let link = world.links[index as usize];
    let applied = world.applied_at(index);
    match user.goal {
        Goal::Active => {}
        Goal::Inactive => {
            let actual = link.filter(|actual| applied.is_some() && world.actual.users[*actual as usize].active)?;
            return Some(Change::DeactivateUser { okta_id: user.okta_id.clone(), actual });
        }
        Goal::Untouched => return None,
    }
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
    let Some(actual) = link else { return Some(Change::CreateUser { user: index }) };
    let fields = differing(world, user, actual, applied);
    match applied {
        _ if !world.actual.users[actual as usize].active => {
            Some(Change::ReactivateUser { user: index, actual, fields })
        }
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
fn ended(world: &World, okta_id: &str, user: &AppliedUser, passed_on: &HashSet<u32>) -> Option<Change> {
    let actual = *world.actual.by_id.get(&user.scim_id).filter(|actual| !passed_on.contains(actual))?;
    let okta_id = okta_id.into();
    if world.config.users.delete {
        return Some(Change::DeleteUser { okta_id, actual });
    }
    world.actual.users[actual as usize].active.then_some(Change::DeactivateUser { okta_id, actual })
}
