//! Bringing the state up to date with what needed no request: what is gone, and what came about by other means.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Executor, Link};
use crate::error::Error;
use crate::state::Write;

/// Writes that one transaction gets.
const WRITES_TOGETHER: usize = 1_000;

impl Executor<'_> {
    /// Writes what the run has learned beside its changes.
    pub(crate) async fn upkeep(&self) -> Result<(), Error> {
        let mut writes = Vec::new();
        self.forget(&mut writes);
        self.refresh_users(&mut writes);
        self.refresh_members(&mut writes);
        self.close_unanswered(&mut writes);
        let mut writes = writes.into_iter().peekable();
        while writes.peek().is_some() {
            self.state.write(writes.by_ref().take(WRITES_TOGETHER).collect()).await?;
        }
        Ok(())
    }

    /// What is neither desired nor at the target is remembered no longer, nor are groups that are pushed no longer, nor
    /// anything that another user or group has now.
    fn forget(&self, writes: &mut Vec<Write>) {
        let world = &self.plan.world;
        let held = |links: Vec<Link>| -> HashSet<Arc<str>> { links.into_iter().map(|link| link.scim_id).collect() };
        let users = held(self.accounts.all());
        let groups = held(self.group_links.lock().iter().flatten().cloned().collect());
        for (okta_id, user) in &world.applied.users {
            let passed_on = users.contains(&*user.scim_id);
            if world.desired.by_id.contains_key(okta_id) {
                continue;
            }
            let there = world.actual.by_id.get(&user.scim_id).map(|position| &world.actual.users[*position as usize]);
            if there.is_none() || passed_on {
                writes.push(Write::ForgetUser { key: user.key });
            } else if user.active && there.is_some_and(|there| !there.active) {
                // Someone else has ended the account of a user who is gone: as it is to be.
                writes.push(Write::UserActive { key: user.key, active: false });
            }
        }
        let is_wanted = |okta_id: &str| {
            world.desired.groups.iter().any(|group| *group.okta_id == *okta_id)
                || world.desired.paused.iter().any(|paused| **paused == *okta_id)
        };
        for (okta_id, group) in &world.applied.groups {
            let is_there = world.actual.groups_by_id.contains_key(&group.scim_id);
            let passed_on = groups.contains(&*group.scim_id);
            let waits_for_deletion = is_there && world.config.groups.delete && !passed_on;
            if !(is_wanted(okta_id) || waits_for_deletion) {
                writes.push(Write::ForgetGroup { key: group.key });
            }
        }
    }

    /// Values that became the desired ones without being sent.
    fn refresh_users(&self, writes: &mut Vec<Write>) {
        let world = &self.plan.world;
        let changed: HashSet<&str> = self.plan.changes.iter().filter_map(|change| self.user_of(change)).collect();
        for (index, user) in world.desired.users.iter().enumerate() {
            let (Some(known), Some(actual)) = (world.applied.users.get(&user.okta_id), world.links[index]) else {
                continue;
            };
            let there = &world.actual.users[actual as usize];
            let is_stale = |index: usize| {
                there.value(index) == &user.values[index]
                    && (known.held(index) != Some(there.value(index)) || known.answered[index].is_some())
            };
            let stale = (0..user.values.len()).any(is_stale) || known.active != there.active;
            if !stale || known.scim_id != there.scim_id || changed.contains(&*user.okta_id) {
                continue;
            }
            let (sent, answered, _) = self.remembered(user, Some(known), there, 0);
            writes.push(Write::User {
                key: known.key,
                okta_id: user.okta_id.to_string(),
                scim_id: there.scim_id.to_string(),
                active: there.active,
                sent,
                answered,
            });
        }
    }

    fn user_of<'b>(&'b self, change: &'b crate::plan::Change) -> Option<&'b str> {
        use crate::plan::Change;
        match change {
            Change::DeactivateUser { okta_id, .. } | Change::DeleteUser { okta_id, .. } => Some(okta_id),
            change => change.granted().map(|user| &*self.plan.world.desired.users[user as usize].okta_id),
        }
    }

    /// Members that are desired and were there before, and members that someone else took away.
    fn refresh_members(&self, writes: &mut Vec<Write>) {
        let world = &self.plan.world;
        let positions: HashMap<i64, u32> =
            world.keys_by_actual().into_iter().map(|(position, key)| (key, position)).collect();
        for (index, desired) in world.desired.groups.iter().enumerate() {
            let Some(link) = self.group_link(index as u32) else { continue };
            // What a group has that this run has made was written down as it was sent.
            let Some(there) = world.actual.groups_by_id.get(&*link.scim_id) else { continue };
            let is_there =
                |position: u32| world.actual.groups[*there as usize].members.binary_search(&position).is_ok();
            let known = world.applied.groups.get(&desired.okta_id).filter(|known| *known.scim_id == *link.scim_id);
            let known = known.map_or(&[][..], |known| &known.members);
            let added = self.added(index as u32);
            let is_member = |user: u32| world.links[user as usize].is_some_and(is_there) || added.contains(&user);
            let mut present: Vec<i64> = Vec::with_capacity(desired.members.len());
            present.extend(
                desired
                    .members
                    .iter()
                    .filter(|user| is_member(**user))
                    .filter_map(|user| self.accounts.get(*user))
                    .map(|link| link.key),
            );
            present.sort_unstable();
            let add: Vec<i64> = present.iter().copied().filter(|key| known.binary_search(key).is_err()).collect();
            // A member whose removal failed stays known, so that it is not taken for someone else's.
            let still_there = |key: &&i64| positions.get(*key).is_some_and(|position| is_there(*position));
            let gone = known.iter().filter(|key| present.binary_search(key).is_err());
            let remove: Vec<i64> = gone.filter(|key| !still_there(key)).copied().collect();
            if !add.is_empty() || !remove.is_empty() {
                writes.push(Write::Members { group: link.key, add, remove });
            }
        }
    }

    /// Unanswered requests of earlier runs whose objects are settled now.
    fn close_unanswered(&self, writes: &mut Vec<Write>) {
        let tally = self.tally.lock();
        for open in &self.plan.world.applied.unanswered {
            if !tally.unfinished.contains(open.object.as_str()) {
                let result = format!("not known; settled by run {}", self.run);
                writes.push(Write::Answer { entry: open.entry, status: None, result, at: self.state.now() });
            }
        }
    }
}
