//! Pushed groups: those of the application's mappings and those of the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oktant_base::{Timestamp, limits};
use oktant_client::Org;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::nested::Nesting;
use super::{App, Desired, DesiredGroup, Goal, operation, read};
use crate::config::Config;
use crate::error::Error;
use crate::expression::Scope;
use crate::state::Applied;

/// Groups that are read one by one; of more, the whole list is cheaper.
const READ_SINGLY_MAX: usize = 20;

const GROUPS_PER_PAGE: &str = "1000";
const MEMBERS_PER_PAGE: &str = "1000";
const MAPPINGS_PER_PAGE: &str = "1000";

/// Type of a group that an application has brought, or that was made by pushing one to it.
const APPLICATION_GROUP: &str = "APP_GROUP";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PushMapping {
    source_group_id: Box<str>,
    #[serde(default)]
    status: String,
}

/// A group of the org.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Group {
    pub(super) id: Box<str>,
    #[serde(default)]
    profile: Map<String, Json>,
    #[serde(rename = "lastMembershipUpdated")]
    membership_updated: Option<Timestamp>,
    #[serde(rename = "type", default)]
    kind: Box<str>,
}

/// A membership is remembered once it has rested for so long: the org's times have seconds, and its clock may
/// differ from ours.
const SETTLED: TimeDelta = TimeDelta::minutes(1);

/// Members of groups as they were read, so that a watcher reads those again only that have changed.
#[derive(Debug, Default)]
pub(super) struct Memberships(Mutex<HashMap<Box<str>, Membership>>);

/// Members of one group, and when the org last changed them.
#[derive(Debug, Clone)]
struct Membership {
    updated: Timestamp,
    /// Okta ids, one on each line.
    ids: Arc<str>,
}

impl Memberships {
    /// Forgets everything: the next reading is a whole one.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }

    fn get(&self, group: &Group) -> Option<Arc<str>> {
        let known = self.0.lock().get(&group.id).cloned()?;
        (group.membership_updated == Some(known.updated)).then_some(known.ids)
    }

    fn put(&self, group: &Group, ids: Arc<str>, now: Timestamp) {
        // The built-in groups have members by rule, without a change of their own.
        let changed = group.membership_updated.filter(|_| &*group.kind != "BUILT_IN");
        if let Some(updated) = changed.filter(|updated| now - updated > SETTLED) {
            self.0.lock().insert(group.id.clone(), Membership { updated, ids });
        }
    }
}

impl Group {
    pub(super) fn name(&self) -> &str {
        self.profile.get("name").and_then(Json::as_str).unwrap_or_default()
    }
}

/// The groups that matter, and which of them are pushed.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// Ids of pushed groups in order.
    pushed: BTreeSet<Box<str>>,
    paused: Vec<Box<str>>,
    groups: BTreeMap<Box<str>, Group>,
    nesting: Nesting,
    /// Members of the pushed groups and of those nested in them: Okta ids, one on each line.
    members: HashMap<Box<str>, Arc<str>>,
}

impl Catalogue {
    /// Reads which groups are pushed, and their members, as far as `known` does not have them.
    ///
    /// # Errors
    ///
    /// [`Error::Group`] if one of the file does not exist, groups contain each other, or the org has no push mappings
    /// to show although groups were pushed that the file does not name.
    pub(super) async fn read(
        org: &Org,
        app: &App,
        config: &Config,
        applied: &Applied,
        known: &Memberships,
    ) -> Result<Self, Error> {
        let mut catalogue = Self::default();
        let refusal = if config.groups.mappings { catalogue.read_mappings(org, app).await? } else { None };
        catalogue.read_groups(org, config).await?;
        if let Some(error) = refusal
            && applied.groups.keys().any(|known| !catalogue.pushed.contains(known))
        {
            return Err(Error::Group {
                problem: format!("the org does not say which groups the application pushes, and did before: {error}"),
                hint: "restore the feature, or what the credentials may read; where the application pushes groups no \
                       longer, set groups.mappings = false"
                    .to_owned(),
            });
        }
        catalogue.read_members(org, known).await?;
        Ok(catalogue)
    }

    /// Reads the groups that matter, and what the file says of them.
    async fn read_groups(&mut self, org: &Org, config: &Config) -> Result<(), Error> {
        let options = &config.groups;
        let named: BTreeSet<&String> = options
            .names
            .iter()
            .chain(options.nested.iter().flat_map(|(outer, inner)| [outer].into_iter().chain(inner)))
            .collect();
        if named.is_empty() && self.pushed.is_empty() {
            return Ok(());
        }
        if named.is_empty() && self.pushed.len() <= READ_SINGLY_MAX {
            for id in self.pushed.clone() {
                let reply = org.send(operation("getGroup", &[("groupId", &id)])?).await?;
                let group: Group = read("getGroup", &reply.body)?;
                self.groups.insert(group.id.clone(), group);
            }
        } else {
            self.read_list(org).await?;
        }
        for name in &options.names {
            let id = self.resolve(name)?;
            self.pushed.insert(id);
        }
        for (outer, inner) in &options.nested {
            let outer = self.resolve(outer)?;
            let inner = inner.iter().map(|name| self.resolve(name)).collect::<Result<Vec<_>, _>>()?;
            self.nesting.declare(outer, inner);
        }
        self.nesting.check(|id| self.name_of(id))
    }

    /// Reads the push mappings of the application. Gives the error of an org that has none to show: an application
    /// without provisioning pushes no group.
    async fn read_mappings(&mut self, org: &Org, app: &App) -> Result<Option<oktant_client::Error>, Error> {
        let call = operation("listGroupPushMappings", &[("appId", &app.id), ("limit", MAPPINGS_PER_PAGE)])?;
        let mut pages = org.pages(call);
        let mut is_first = true;
        while let Some(page) = pages.next().await {
            let mappings: Vec<PushMapping> = match page {
                Ok(page) => read("listGroupPushMappings", &page.body)?,
                Err(error) if is_first && error.is_feature_missing() => return Ok(Some(error)),
                Err(error) => return Err(error.into()),
            };
            is_first = false;
            for PushMapping { source_group_id, status } in mappings {
                if status == "INACTIVE" {
                    self.paused.push(source_group_id);
                } else {
                    self.pushed.insert(source_group_id);
                }
            }
        }
        Ok(None)
    }

    async fn read_list(&mut self, org: &Org) -> Result<(), Error> {
        let mut pages = org.pages(operation("listGroups", &[("limit", GROUPS_PER_PAGE)])?);
        while let Some(page) = pages.next().await {
            let groups: Vec<Group> = read("listGroups", &page?.body)?;
            self.groups.extend(groups.into_iter().map(|group| (group.id.clone(), group)));
        }
        Ok(())
    }

    /// The id of the group that `name` names: an id, or a name that is unique. A group of the org goes before those of
    /// applications: each application that it is pushed to has one of the same name.
    fn resolve(&self, name: &str) -> Result<Box<str>, Error> {
        if self.groups.contains_key(name) {
            return Ok(name.into());
        }
        let mut named: Vec<_> = self.groups.values().filter(|group| group.name() == name).collect();
        if named.iter().any(|group| &*group.kind != APPLICATION_GROUP) {
            named.retain(|group| &*group.kind != APPLICATION_GROUP);
        }
        match named.as_slice() {
            [group] => Ok(group.id.clone()),
            [] => Err(Error::Group {
                problem: format!("no group of the org has the name or id \"{name}\""),
                hint: "correct [groups]; names are those of the org, in their own letter case".to_owned(),
            }),
            several => {
                let ids: Vec<&str> = several.iter().map(|group| &*group.id).collect();
                Err(Error::Group {
                    problem: format!("{} groups of the org have the name \"{name}\"", several.len()),
                    hint: format!("give the id: {}", ids.join(" or ")),
                })
            }
        }
    }

    async fn read_members(&mut self, org: &Org, known: &Memberships) -> Result<(), Error> {
        let needed: BTreeSet<Box<str>> =
            self.pushed.iter().flat_map(|id| self.nesting.parts(id)).map(|part| part.id).collect();
        let groups = &self.groups;
        let members = |id: Box<str>| async move {
            let group = groups.get(&id);
            let ids = match group.and_then(|group| known.get(group)) {
                Some(ids) => ids,
                None => member_ids(org, &id).await?,
            };
            if let Some(group) = group {
                known.put(group, Arc::clone(&ids), org.clock().now());
            }
            Ok::<_, Error>((id, ids))
        };
        let reads = stream::iter(needed).map(members);
        self.members = reads.buffer_unordered(limits::PARALLELISM).try_collect().await?;
        Ok(())
    }

    /// Adds the pushed groups to what is desired.
    pub(super) fn push(mut self, config: &Config, desired: &mut Desired) -> Result<(), Error> {
        let by_id = &desired.by_id;
        let users = &desired.users;
        let position =
            |user: &str| by_id.get(user).copied().filter(|index| users[*index as usize].goal != Goal::Inactive);
        let positions = |(id, ids): (Box<str>, Arc<str>)| {
            let mut positions: Vec<u32> = ids.lines().filter_map(position).collect();
            positions.sort_unstable();
            positions.dedup();
            (id, positions.into())
        };
        let direct: HashMap<Box<str>, Arc<[u32]>> =
            std::mem::take(&mut self.members).into_iter().map(positions).collect();
        let mut groups = Vec::with_capacity(self.pushed.len());
        for id in &self.pushed {
            let parts = self.nesting.parts(id);
            let members = match parts.as_slice() {
                [only] => direct[&only.id].clone(),
                several => {
                    let mut all: Vec<u32> = several.iter().flat_map(|part| direct[&part.id].iter().copied()).collect();
                    all.sort_unstable();
                    all.dedup();
                    all.into()
                }
            };
            let name = self.target_name(id, config)?;
            let with_members = |part: super::nested::Part| part.of(&direct, |id| self.name_of(id));
            let sources = parts.into_iter().map(with_members).collect();
            groups.push(DesiredGroup { okta_id: id.clone(), name, members, sources });
        }
        desired.groups = groups;
        desired.paused = self.paused;
        Ok(())
    }

    fn name_of(&self, id: &str) -> String {
        self.groups.get(id).map_or(id, Group::name).to_owned()
    }

    fn target_name(&self, id: &str, config: &Config) -> Result<Box<str>, Error> {
        let mut profile = self.groups.get(id).map(|group| group.profile.clone()).unwrap_or_default();
        profile.insert("id".to_owned(), id.into());
        let scope = Scope { group: Some(&profile), ..Scope::default() };
        let value = config.groups.name.evaluate(&scope);
        match value.as_ref().map(|value| value.as_text().unwrap_or_default()) {
            Ok(name) if !name.is_empty() => Ok(name.into()),
            outcome => Err(Error::Group {
                problem: match outcome {
                    Err(error) => format!("the name of group {} at the target: {error}", self.name_of(id)),
                    Ok(_) => format!("the name of group {} at the target is empty", self.name_of(id)),
                },
                hint: "correct groups.name".to_owned(),
            }),
        }
    }
}

/// Okta ids of a group's members, one on each line.
async fn member_ids(org: &Org, id: &str) -> Result<Arc<str>, Error> {
    #[derive(Deserialize)]
    struct Member<'a> {
        id: &'a str,
    }
    let mut ids = String::new();
    let mut pages = org.pages(operation("listGroupUsers", &[("groupId", id), ("limit", MEMBERS_PER_PAGE)])?);
    while let Some(page) = pages.next().await {
        let page = page?;
        let members: Vec<Member<'_>> = read("listGroupUsers", &page.body)?;
        for member in members {
            ids.push_str(member.id);
            ids.push('\n');
        }
    }
    Ok(ids.into())
}
