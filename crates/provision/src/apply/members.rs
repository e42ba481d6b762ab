//! Members of groups: one request after the other for a group, each with a bounded number of members.

use std::collections::{HashMap, HashSet};
use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::groups::member_ids;
use super::{Executor, Link, Verdict};
use crate::actual::by_id;
use crate::attribute::PATCH_SCHEMA;
use crate::error::Error;
use crate::plan::{Change, MemberChange, Removal, counted};
use crate::scim::{self, Endpoint, Request};
use crate::state::Write;

/// One member that comes or goes, ready to be sent.
#[derive(Debug, Clone)]
enum Step<'a> {
    Add { user: u32, scim_id: std::sync::Arc<str>, name: &'a str, key: i64 },
    Remove { scim_id: &'a str, name: &'a str, key: Option<i64> },
}

impl Step<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Add { name, .. } | Self::Remove { name, .. } => name,
        }
    }
}

impl<'a> Executor<'a> {
    fn member_changes(&self) -> impl Iterator<Item = &'a MemberChange> {
        self.plan.changes.iter().filter_map(|change| match change {
            Change::Members(members) => Some(members),
            _ => None,
        })
    }

    /// Takes members out of groups, and puts those in by the same requests whose accounts are there and stay.
    pub(super) async fn remove_members(&self) {
        let keys = self.plan.world.keys_by_actual();
        let keys = &keys;
        let changes = self.member_changes().filter(|change| !change.remove.is_empty()).collect();
        self.each(changes, |change| async move {
            let Some(link) = self.group_link(change.group).or_else(|| self.adopted(change.group)) else {
                return Ok(());
            };
            let replaced = self.replaced(change);
            let removals = change.remove.iter().filter(|removal| !replaced.contains_key(removal));
            let removals = removals.map(|removal| self.removal(removal, keys));
            let additions =
                change.add.iter().filter_map(|user| Some(self.addition(*user, self.accounts.lasting(*user)?)));
            let steps: Vec<_> = removals.chain(additions).collect();
            self.work_off(change.group, &link, &steps).await
        })
        .await;
    }

    /// A group that is about to be taken over: it has no key yet, and what is noted of its members comes later.
    fn adopted(&self, group: u32) -> Option<Link> {
        let adopts = |change: &Change| match change {
            Change::AdoptGroup { group: adopted, actual } if *adopted == group => Some(*actual),
            _ => None,
        };
        let actual = self.plan.changes.iter().find_map(adopts)?;
        Some(Link { scim_id: (&*self.plan.world.actual.groups[actual as usize].scim_id).into(), key: 0 })
    }

    /// Puts everyone in who is not in yet, as far as they get an account; the others are deferred.
    pub(super) async fn add_members(&self) {
        let changes = self.member_changes().filter(|change| !change.add.is_empty()).collect();
        self.each(changes, |change| self.fill(change)).await;
    }

    /// The same for one group: whole batches of those whose accounts have come, and in the end whoever is left.
    async fn fill(&self, change: &'a MemberChange) -> Result<(), Error> {
        let done = self.added(change.group);
        let mut left: Vec<u32> = change.add.iter().copied().filter(|user| !done.contains(user)).collect();
        let Some(link) = self.group_link(change.group) else {
            return self.defer(change.group, left.len(), "the group is there").await;
        };
        // A target without PATCH gets the whole group each time.
        let batch = if self.plan.patches { self.plan.batch } else { usize::MAX };
        let replaced = self.replaced(change);
        let mut news = self.accounts.news();
        loop {
            let is_settled = news.borrow_and_update().is_settled;
            let ready = self.accounts.take_ready(&mut left, batch, is_settled);
            let mut steps = if is_settled { self.replacements(&replaced) } else { Vec::new() };
            steps.extend(ready.into_iter().map(|(user, account)| self.addition(user, account)));
            self.work_off(change.group, &link, &steps).await?;
            // Another group may have the place of one that is full. The sender lives as long as this run.
            let is_full = left.is_empty() && replaced.is_empty();
            if is_settled || is_full || self.is_stopped() || news.changed().await.is_err() {
                break;
            }
        }
        self.defer(change.group, left.len(), "their accounts are there").await
    }

    /// Notes that members have to wait for another run, if there are any.
    async fn defer(&self, group: u32, count: usize, until: &str) -> Result<(), Error> {
        if count == 0 || self.is_stopped() {
            return Ok(());
        }
        let reason =
            format!("{} {} until {until}", counted(count, "member"), if count == 1 { "waits" } else { "wait" });
        self.conclude(&self.group_subject("add_members", group), Verdict::Deferred(reason), Vec::new()).await
    }

    /// Takes those out who have another account by now.
    fn replacements(&self, replaced: &HashMap<&'a Removal, u32>) -> Vec<Step<'a>> {
        let has_another = |removal: &Removal, user: u32| {
            let account = self.accounts.get(user);
            account.is_some_and(|account| !matches!(removal, Removal::Foreign(id) if **id == *account.scim_id))
        };
        let replaced = replaced.iter().filter(|(removal, user)| has_another(removal, **user));
        replaced.map(|(removal, _)| self.removal(removal, &HashMap::new())).collect()
    }

    /// Members that are no longer visible while whoever they were is to get an account anew, and with it the
    /// membership. Until then they stay: the account may be there all the same, and belong to another role.
    fn replaced(&self, change: &'a MemberChange) -> HashMap<&'a Removal, u32> {
        let foreign: HashMap<&str, &Removal> = change
            .remove
            .iter()
            .filter_map(|removal| match removal {
                Removal::Foreign(id) => Some((&**id, removal)),
                Removal::User(_) => None,
            })
            .collect();
        let world = &self.plan.world;
        let made_anew = change.add.iter().filter(|user| world.links[**user as usize].is_none() && !foreign.is_empty());
        made_anew
            .filter_map(|user| {
                let known = world.applied.users.get(&world.desired.users[*user as usize].okta_id)?;
                Some((*foreign.get(&*known.scim_id)?, *user))
            })
            .collect()
    }

    fn addition(&self, user: u32, Link { scim_id, key }: Link) -> Step<'a> {
        Step::Add { user, scim_id, name: self.plan.world.desired.users[user as usize].shown(), key }
    }

    fn removal(&self, removal: &'a Removal, keys: &HashMap<u32, i64>) -> Step<'a> {
        match removal {
            Removal::User(position) => {
                let there = &self.plan.world.actual.users[*position as usize];
                Step::Remove { scim_id: &there.scim_id, name: there.user_name(), key: keys.get(position).copied() }
            }
            Removal::Foreign(id) => Step::Remove { scim_id: id, name: id, key: None },
        }
    }

    /// Sends the steps of one group, one request after the other.
    async fn work_off(&self, group: u32, link: &Link, steps: &[Step<'_>]) -> Result<(), Error> {
        // A target without PATCH gets the whole group at once anyway.
        let batch = if self.plan.patches { self.plan.batch } else { steps.len().max(1) };
        for steps in steps.chunks(batch) {
            if self.is_stopped() {
                break;
            }
            self.send_steps(group, link, steps).await?;
        }
        Ok(())
    }

    /// Sends some steps in one request. If the target rejects it for one member, the others get requests of their own.
    fn send_steps<'b>(&'b self, group: u32, link: &'b Link, steps: &'b [Step<'b>]) -> BoxFuture<'b, Result<(), Error>> {
        async move {
            let adds = steps.iter().any(|step| matches!(step, Step::Add { .. }));
            let subject = self.group_subject(if adds { "add_members" } else { "remove_members" }, group);
            let sent = if self.plan.patches {
                let mut request = Request::patch(Endpoint::Groups, &link.scim_id, &patch(steps));
                request.intent = Some(intent(steps));
                self.send(&subject, &request).await?
            } else {
                self.replace(&subject, Endpoint::Groups, &link.scim_id, None, |resource| overlay(resource, steps))
                    .await?
            };
            let mut writes = vec![self.answer(&sent, "")];
            let error = match &sent.result {
                Ok(_) => {
                    self.note_steps(group, link, steps, &mut writes);
                    return self.conclude(&subject, Verdict::Done(summary(steps)), writes).await;
                }
                Err(error) if error.stops_the_run() => return self.give_up(sent).await,
                Err(error) => error,
            };
            let is_rejection = matches!(
                error,
                scim::Error::Rejected { .. } | scim::Error::NotFound { .. } | scim::Error::Conflict { .. }
            );
            if is_rejection && steps.len() > 1 && self.plan.patches && self.group_exists(link).await {
                self.state.write(writes).await?;
                let (first, second) = steps.split_at(steps.len() / 2);
                self.send_steps(group, link, first).await?;
                return self.send_steps(group, link, second).await;
            }
            let verdict = match steps {
                [only] => match self.refusal(error, "group", subject.name) {
                    Verdict::Blocked(reason) => Verdict::Blocked(format!("{}: {reason}", only.name())),
                    Verdict::Failed(reason) => Verdict::Failed(format!("{}: {reason}", only.name())),
                    other => other,
                },
                _ => self.refusal(error, "group", subject.name),
            };
            self.conclude(&subject, verdict, writes).await
        }
        .boxed()
    }

    async fn group_exists(&self, link: &Link) -> bool {
        matches!(by_id(self.target, Endpoint::Groups, &link.scim_id).await, Ok(Some(_)))
    }

    /// Users that this run has put into a group.
    pub(super) fn added(&self, group: u32) -> HashSet<u32> {
        self.added.lock().get(&group).into_iter().flatten().copied().collect()
    }

    /// Remembers members as sent.
    fn note_steps(&self, group: u32, link: &Link, steps: &[Step<'_>], writes: &mut Vec<Write>) {
        let (mut add, mut remove, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Add { user, key, .. } => {
                    add.push(*key);
                    users.push(*user);
                }
                Step::Remove { key, .. } => remove.extend(*key),
            }
        }
        self.added.lock().entry(group).or_default().extend(users);
        if link.key != 0 {
            writes.push(Write::Members { group: link.key, add, remove });
        }
    }
}

/// The body of a PATCH of members. It has a type because members are what a run sends most of.
#[derive(Serialize)]
struct Patch<'a> {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    operations: Vec<Operation<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation<'a> {
    Add { path: &'static str, value: Vec<Member<'a>> },
    Remove { path: String },
}

#[derive(Serialize)]
struct Member<'a> {
    value: &'a str,
    display: &'a str,
}

impl fmt::Display for Patch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// One request: removals by filter, as Okta sends them, then all additions together.
fn patch<'b>(steps: &'b [Step<'_>]) -> Patch<'b> {
    let mut operations = Vec::new();
    let mut additions = Vec::new();
    for step in steps {
        match step {
            Step::Add { scim_id, name, .. } => additions.push(Member { value: scim_id, display: name }),
            Step::Remove { scim_id, .. } => {
                operations.push(Operation::Remove { path: format!("members[value eq {}]", Json::from(*scim_id)) });
            }
        }
    }
    if !additions.is_empty() {
        operations.push(Operation::Add { path: "members", value: additions });
    }
    Patch { schemas: [PATCH_SCHEMA], operations }
}

/// What the journal says of a request: who comes and who goes. Whole bodies would make up most of the file.
fn intent(steps: &[Step<'_>]) -> String {
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Add { scim_id, .. } => add.push(&**scim_id),
            Step::Remove { scim_id, .. } => remove.push(*scim_id),
        }
    }
    json!({ "add": add, "remove": remove }).to_string()
}

fn overlay(resource: &mut Map<String, Json>, steps: &[Step<'_>]) {
    let mut members = member_ids(resource);
    for step in steps {
        match step {
            Step::Add { scim_id, name, .. } => {
                if !members.iter().any(|member| member["value"] == **scim_id) {
                    members.push(json!({ "value": **scim_id, "display": name }));
                }
            }
            Step::Remove { scim_id, .. } => members.retain(|member| member["value"] != *scim_id),
        }
    }
    resource.insert("members".to_owned(), members.into());
}

fn summary(steps: &[Step<'_>]) -> String {
    let added = steps.iter().filter(|step| matches!(step, Step::Add { .. })).count();
    match (added, steps.len() - added) {
        (added, 0) => format!("{} added", counted(added, "member")),
        (0, removed) => format!("{} removed", counted(removed, "member")),
        (added, removed) => format!("{} added, {removed} removed", counted(added, "member")),
    }
}
