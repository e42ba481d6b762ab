//! Changes of groups: made, taken over, renamed, deleted.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::journal::Subject;
use super::users::{CREATE_TRIES_MAX, ID_UNREADABLE};
use super::{Executor, Link, Verdict};
use crate::attribute::{GROUP_SCHEMA, PATCH_SCHEMA};
use crate::error::Error;
use crate::plan::Change;
use crate::scim::{self, Endpoint, Request, equals};
use crate::source::DesiredGroup;
use crate::state::Write;

/// A group on its way to another name.
struct Rename<'a> {
    group: u32,
    desired: &'a DesiredGroup,
    scim_id: &'a str,
    /// What it is called now, in lower case.
    current: String,
}

impl<'a> Executor<'a> {
    pub(super) async fn group_change(&self, change: &Change) -> Result<(), Error> {
        match change {
            Change::CreateGroup { group } => self.create_group(*group).await,
            Change::AdoptGroup { group, actual } => {
                let subject = self.group_subject("adopt_group", *group);
                let there = &self.plan.world.actual.groups[*actual as usize];
                // It has a key already if it was renamed a moment ago.
                let name = if self.group_link(*group).is_some() { subject.name } else { &there.name };
                let mut writes = Vec::new();
                self.keep_group(*group, &there.scim_id, name, &mut writes);
                self.conclude(&subject, Verdict::Done("taken over".to_owned()), writes).await
            }
            Change::DeleteGroup { okta_id, actual } => self.delete_group(okta_id, *actual).await,
            _ => Ok(()),
        }
    }

    pub(super) fn desired_group(&self, group: u32) -> &'a DesiredGroup {
        &self.plan.world.desired.groups[group as usize]
    }

    pub(super) fn group_subject(&self, kind: &'static str, group: u32) -> Subject<'a> {
        let desired = self.desired_group(group);
        Subject { kind, okta_id: &desired.okta_id, name: &desired.name }
    }

    async fn create_group(&self, group: u32) -> Result<(), Error> {
        let subject = self.group_subject("create_group", group);
        let name = subject.name;
        // Members follow in requests of their own, as Okta sends them.
        let body = json!({ "schemas": [GROUP_SCHEMA], "displayName": name, "members": [] });
        let request = Request::post(Endpoint::Groups, &body);
        for tries in 1.. {
            let sent = self.send(&subject, &request).await?;
            let made = sent.result.as_ref().ok().and_then(|answer| answer.resource(&request).ok().flatten());
            let id = made.as_ref().and_then(|made| made.get("id"));
            if id.is_some_and(|id| !id.is_string()) {
                let verdict = Verdict::Failed(ID_UNREADABLE.to_owned());
                return self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await;
            }
            if let Some(id) = id.and_then(Json::as_str) {
                let mut writes = vec![self.answer(&sent, "")];
                self.keep_group(group, id, name, &mut writes);
                return self.conclude(&subject, Verdict::Done("created".to_owned()), writes).await;
            }
            let error = match &sent.result {
                Err(error) if error.stops_the_run() => return self.give_up(sent).await,
                Err(error) => Some(error),
                Ok(_) => None,
            };
            let is_conflict = matches!(error, Some(scim::Error::Conflict { .. }));
            if let Some(error) = error.filter(|error| !is_conflict && !error.is_uncertain()) {
                let verdict = self.refusal(error, "group", name);
                return self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await;
            }
            if is_conflict {
                // Known before the look, which may end the run: the next one must not take the group for its own.
                self.state.write(vec![self.answer(&sent, "")]).await?;
            } else {
                self.clock.sleep(scim::backoff(tries, self.entropy)).await;
            }
            let found = match self.target.find(Endpoint::Groups, equals("displayName", name)).await {
                Ok(found) => found,
                Err(error) => {
                    let verdict = Verdict::Failed(super::halting(error)?.to_string());
                    // What came of a lost answer the next run finds out.
                    self.tally.lock().is_open |= !is_conflict;
                    return self.conclude(&subject, verdict, Vec::new()).await;
                }
            };
            let found = found.as_ref().and_then(|found| found.get("id")?.as_str());
            if let Some((owner, before)) = found.and_then(|id| self.plan.world.other_pushed(id, subject.okta_id)) {
                let known = self.plan.world.desired_group(owner).map_or(&before.name, |group| &group.name);
                let reason = format!("the name belongs to {known} ({owner}) at the target until that one is renamed");
                return self.conclude(&subject, Verdict::Blocked(reason), vec![self.answer(&sent, "")]).await;
            }
            // After a lost answer a group of this name is the one that was asked for. After a conflict it is
            // someone else's, unless an earlier run was interrupted while it made it.
            let was_begun = self.plan.world.was_begun(subject.okta_id);
            let reason = match (is_conflict, was_begun) {
                (false, _) => "the answer was lost: found at the target",
                (true, true) => "made by an earlier run that did not end",
                (true, false) => "the name was taken: taken over",
            };
            let ours = !is_conflict || self.plan.world.config.groups.adopt || was_begun;
            if let Some(id) = found.filter(|_| ours) {
                let mut writes = vec![self.answer(&sent, reason)];
                self.keep_group(group, id, name, &mut writes);
                return self.conclude(&subject, Verdict::Done(reason.to_owned()), writes).await;
            }
            let verdict = match error {
                Some(error) if is_conflict => self.refusal(error, "group", name),
                _ if tries < CREATE_TRIES_MAX => {
                    self.state.write(vec![self.answer(&sent, "not found at the target: sent again")]).await?;
                    continue;
                }
                Some(error) => Verdict::Failed(error.to_string()),
                None => Verdict::Failed("the target answered without the group".to_owned()),
            };
            return self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await;
        }
        Ok(())
    }

    /// Renames groups, each when its new name is free. Names that go round in a circle pass through another one.
    pub(super) async fn rename_groups(&self) {
        let world = &self.plan.world;
        let mut waiting: Vec<Rename<'_>> = Vec::new();
        for change in &self.plan.changes {
            if let Change::RenameGroup { group, actual } = change {
                let there = &world.actual.groups[*actual as usize];
                let desired = self.desired_group(*group);
                let current = there.name.to_lowercase();
                waiting.push(Rename { group: *group, desired, scim_id: &there.scim_id, current });
            }
        }
        while !waiting.is_empty() && !self.is_stopped() {
            let held: HashSet<String> = waiting.iter().map(|rename| rename.current.clone()).collect();
            let is_free = |rename: &Rename<'_>| {
                let name = rename.desired.name.to_lowercase();
                name == rename.current || !held.contains(&name)
            };
            let (free, mut bound): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_free);
            if free.is_empty() {
                // Only circles are left: one steps aside.
                let first = &mut bound[0];
                let aside = format!("{}-oktant-{}", first.desired.name, first.desired.okta_id);
                match self.rename(first, &aside).await {
                    Ok(true) => first.current = aside.to_lowercase(),
                    Ok(false) => drop(bound.remove(0)),
                    Err(error) => self.stop(error),
                }
            } else {
                self.each(free, |rename| async move { self.rename(&rename, &rename.desired.name).await.map(|_| ()) })
                    .await;
            }
            waiting = bound;
        }
    }

    /// Gives a group a name: its own, or one to step aside with. Says whether it has it now.
    async fn rename(&self, rename: &Rename<'_>, name: &str) -> Result<bool, Error> {
        let subject = self.group_subject("rename_group", rename.group);
        let sent = if self.plan.patches {
            let operations = json!([{ "op": "replace", "path": "displayName", "value": name }]);
            let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": operations });
            self.send(&subject, &Request::patch(Endpoint::Groups, rename.scim_id, &body)).await?
        } else {
            let set = |resource: &mut Map<String, Json>| {
                resource.insert("displayName".to_owned(), name.into());
            };
            self.replace(&subject, Endpoint::Groups, rename.scim_id, None, set).await?
        };
        let mut writes = vec![self.answer(&sent, "")];
        match &sent.result {
            Ok(_) => {
                self.keep_group(rename.group, rename.scim_id, name, &mut writes);
                if *name == *rename.desired.name {
                    self.conclude(&subject, Verdict::Done("renamed".to_owned()), writes).await?;
                } else {
                    self.state.write(writes).await?;
                }
                Ok(true)
            }
            Err(error) if error.stops_the_run() => self.give_up(sent).await.map(|()| false),
            Err(error) => {
                let verdict = self.refusal(error, "group", subject.name);
                self.conclude(&subject, verdict, writes).await.map(|()| false)
            }
        }
    }

    async fn delete_group(&self, okta_id: &str, actual: u32) -> Result<(), Error> {
        let there = &self.plan.world.actual.groups[actual as usize];
        let Some(known) = self.plan.world.applied.groups.get(okta_id) else { return Ok(()) };
        let subject = Subject { kind: "delete_group", okta_id, name: &there.name };
        let sent = self.send(&subject, &Request::delete(Endpoint::Groups, &there.scim_id)).await?;
        let mut writes = vec![self.answer(&sent, "")];
        let verdict = match &sent.result {
            Err(error) if error.stops_the_run() => return self.give_up(sent).await,
            Ok(_) | Err(scim::Error::NotFound { .. }) => {
                writes.push(Write::ForgetGroup { key: known.key });
                Verdict::Done("deleted".to_owned())
            }
            Err(error) => self.refusal(error, "group", subject.name),
        };
        self.conclude(&subject, verdict, writes).await
    }

    /// Remembers a group at the target.
    fn keep_group(&self, group: u32, scim_id: &str, name: &str, writes: &mut Vec<Write>) {
        let desired = self.desired_group(group);
        let known = self.plan.world.applied.groups.get(&desired.okta_id);
        let key = self.group_link(group).map(|link| link.key).or_else(|| known.map(|known| known.key));
        let key = key.unwrap_or_else(|| self.state.new_key());
        if known.is_some_and(|known| *known.scim_id != *scim_id) {
            // Another group in place of one that is gone.
            writes.push(Write::ForgetGroup { key });
        }
        let (okta_id, name) = (desired.okta_id.to_string(), name.to_owned());
        writes.push(Write::Group { key, okta_id, scim_id: scim_id.to_owned(), name });
        self.group_links.lock()[group as usize] = Some(Link { scim_id: scim_id.into(), key });
    }
}

/// Ids of the members that a group resource has.
pub(super) fn member_ids(group: &Map<String, Json>) -> Vec<Json> {
    group.get("members").and_then(Json::as_array).cloned().unwrap_or_default()
}
