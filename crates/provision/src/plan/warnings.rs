//! What is worth knowing about a plan, gathered: one warning for a thousand users with the same problem.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::{Change, World, counted};
use crate::config::{Apply, DriftPolicy};

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is about, stable: `upper_case`, `unpushed_role`, `not_kept`, `drift_alert`, `token_age`, …
    pub kind: &'static str,
    /// The warning itself.
    pub message: String,
}

/// Objects that a warning names.
const EXAMPLES: usize = 3;

pub(super) fn find(world: &World, group_changes: &[Change]) -> Vec<Warning> {
    let mut found: BTreeMap<(&'static str, String), Vec<&str>> = BTreeMap::new();
    snowflake_names(world, &mut found);
    not_kept(world, &mut found);
    unclaimed(world, &mut found);
    let mut warnings: Vec<Warning> = found
        .into_iter()
        .map(|((kind, message), users)| {
            let more = if users.len() > EXAMPLES { ", …" } else { "" };
            let examples = users[..users.len().min(EXAMPLES)].join(", ");
            Warning { kind, message: format!("{message} ({}: {examples}{more})", counted(users.len(), "user")) }
        })
        .collect();
    let pending: usize = group_changes
        .iter()
        .filter_map(|change| match change {
            Change::Members(members) => Some(members),
            _ => None,
        })
        .map(|members| members.add.iter().filter(|user| world.links[**user as usize].is_none()).count())
        .sum();
    if pending > 0 {
        let (waiting, wait) = (counted(pending, "membership"), if pending == 1 { "waits" } else { "wait" });
        let message = format!("{waiting} {wait} until their users are created");
        warnings.push(Warning { kind: "deferred_members", message });
    }
    warnings
}

/// # Source
///
/// Okta support article on the Snowflake integration: default role and warehouse take effect in upper case only;
/// Snowflake documentation: a default role is not granted by being named.
fn snowflake_names<'a>(world: &'a World, found: &mut BTreeMap<(&'static str, String), Vec<&'a str>>) {
    let pushed: HashSet<String> = world.desired.groups.iter().map(|group| group.name.to_uppercase()).collect();
    for (index, mapping) in world.config.mappings.iter().enumerate() {
        let Some(name @ ("defaultRole" | "defaultWarehouse")) = mapping.path.extension_name() else { continue };
        for user in &world.desired.users {
            let Some(value) = user.values[index].as_text() else { continue };
            if value != value.to_uppercase() {
                let message = format!("{name} \"{value}\" takes effect in upper case only");
                found.entry(("upper_case", message)).or_default().push(user.shown());
            }
            if name == "defaultRole" && !pushed.is_empty() && !pushed.contains(&value.to_uppercase()) {
                let message = format!("defaultRole \"{value}\" is no pushed group, so it may not be granted");
                found.entry(("unpushed_role", message)).or_default().push(user.shown());
            }
        }
    }
}

/// Active accounts with the Okta id of someone who is not assigned, and of whom the state knows nothing: they were
/// provisioned before it was lost, or by something else.
fn unclaimed<'a>(world: &'a World, found: &mut BTreeMap<(&'static str, String), Vec<&'a str>>) {
    let Some(index) = world.config.mappings.iter().position(|mapping| mapping.path.is("externalId")) else { return };
    let known: HashSet<&str> = world.applied.users.values().map(|user| &*user.scim_id).collect();
    let linked: HashSet<u32> = world.links.iter().flatten().copied().collect();
    for (position, there) in world.actual.users.iter().enumerate() {
        let is_free = there.active && !linked.contains(&(position as u32)) && !known.contains(&*there.scim_id);
        let Some(id) = there.value(index).as_text().filter(|id| is_free && is_okta_id(id)) else { continue };
        if !world.desired.by_id.contains_key(id) {
            let message =
                "active at the target with the id of an Okta user who is not assigned, and not known from an \
                           earlier run: left as it is; deactivate it there if it came from here"
                    .to_owned();
            found.entry(("unclaimed", message)).or_default().push(there.user_name());
        }
    }
}

/// Okta developer reference, users: ids have 20 letters and digits and begin with `00u`.
fn is_okta_id(id: &str) -> bool {
    id.len() == 20 && id.starts_with("00u") && id.chars().all(|letter| letter.is_ascii_alphanumeric())
}

/// Values that the target was given and does not have, and values that changed there and are to be reported.
fn not_kept<'a>(world: &'a World, found: &mut BTreeMap<(&'static str, String), Vec<&'a str>>) {
    for (position, user) in world.desired.users.iter().enumerate() {
        let Some(applied) = world.applied.users.get(&user.okta_id) else { continue };
        let Some(actual) = world.links[position] else { continue };
        let there = &world.actual.users[actual as usize];
        for (index, mapping) in world.config.mappings.iter().enumerate() {
            let (wanted, has) = (&user.values[index], there.value(index));
            let Some(held) = applied.held(index) else { continue };
            if held != has && wanted != has && mapping.drift == DriftPolicy::Alert {
                let message = format!("{} was changed at the target", mapping.path);
                found.entry(("drift_alert", message)).or_default().push(user.shown());
            } else if wanted != has
                && held == has
                && applied.sent[index].as_ref() == Some(wanted)
                && mapping.apply == Apply::Always
            {
                let message = format!("the target does not keep {}", mapping.path);
                found.entry(("not_kept", message)).or_default().push(user.shown());
            }
        }
    }
}
