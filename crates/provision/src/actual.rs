//! What the target has, in rows that are small enough to hold all of them.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value as Json};

use crate::attribute::{Found, get};
use crate::config::{Config, Kind, Mappings, Read};
use crate::error::Error;
use crate::expression::Value;
use crate::scim::{self, Answer, Endpoint, Listing, Request, Target, equals};
use crate::source::Desired;
use crate::state::Applied;

/// Look-ups that are under way at a time; the limiter of the endpoint decides how many are in flight.
const LOOKUPS_TOGETHER: usize = 128;

/// `externalId` of the one user that a Snowflake account lists when it lists none.
///
/// # Source
///
/// Snowflake behaviour change 2276 (bundle `2026_03`), "before the change".
const SYNTHETIC_USER: &str = "synthesis_user_external_id";
/// Name of the one group of such a list.
const SYNTHETIC_GROUP: &str = "synthetic_group";

/// Users and groups at the target.
#[derive(Debug, Default)]
pub(crate) struct Actual {
    pub(crate) users: Vec<ActualUser>,
    pub(crate) by_id: HashMap<Box<str>, u32>,
    /// By `userName` in lower case, which RFC 7643 compares without regard to case.
    by_user_name: HashMap<Box<str>, u32>,
    /// By e-mail in lower case.
    by_email: HashMap<Box<str>, u32>,
    pub(crate) groups: Vec<ActualGroup>,
    pub(crate) groups_by_id: HashMap<Box<str>, u32>,
    groups_by_name: HashMap<Box<str>, u32>,
    /// Whether a list had groups with members; if none has, lists may leave them out.
    lists_members: bool,
}

/// A user at the target.
#[derive(Debug)]
pub(crate) struct ActualUser {
    pub(crate) scim_id: Box<str>,
    pub(crate) active: bool,
    values: Box<[Value]>,
    /// A bit for each mapping whose value stands in an element of its own type.
    typed: u64,
    /// A bit for each mapping whose value stands in the only element of its attribute.
    sole: u64,
}

/// A group at the target.
#[derive(Debug)]
pub(crate) struct ActualGroup {
    pub(crate) scim_id: Box<str>,
    pub(crate) name: Box<str>,
    /// Positions of members that are known users, in order.
    pub(crate) members: Vec<u32>,
    /// Ids of members that are not: groups, and users who are not visible.
    pub(crate) foreign: Vec<Box<str>>,
}

impl ActualUser {
    /// The row of a resource.
    pub(crate) fn read(resource: &Map<String, Json>, mappings: &Mappings) -> Option<Self> {
        let scim_id = resource.get("id")?.as_str()?.into();
        let (mut typed, mut sole) = (0, 0);
        let value = |(index, mapping): (usize, &crate::config::Mapping)| {
            let found = mapping.path.read(resource);
            typed |= u64::from(found.typed) << index;
            sole |= u64::from(found.sole) << index;
            found.value
        };
        let values = mappings.iter().enumerate().map(value).collect();
        // RFC 7643 leaves open what a user without `active` is; no target means "deactivated" by it.
        let active = get(resource, "active").and_then(Json::as_bool).unwrap_or(true);
        Some(Self { scim_id, active, values, typed, sole })
    }

    /// The row of the resource that a request was answered with.
    pub(crate) fn answered(answer: &Answer, mappings: &Mappings) -> Option<Self> {
        let is_wanted = |name: &str| {
            name == "id"
                || name.eq_ignore_ascii_case("active")
                || mappings.iter().any(|mapping| mapping.path.is_in(name))
        };
        Self::read(&answer.attributes(is_wanted)?, mappings)
    }

    pub(crate) fn value(&self, index: usize) -> &Value {
        &self.values[index]
    }

    pub(crate) fn found(&self, index: usize) -> Found {
        let is_set = |bits: u64| bits >> index & 1 == 1;
        Found { value: self.values[index].clone(), typed: is_set(self.typed), sole: is_set(self.sole) }
    }

    pub(crate) fn user_name(&self) -> &str {
        self.value(0).as_text().unwrap_or_default()
    }
}

impl Actual {
    /// Reads the lists of the target; `None` if they are synthetic.
    pub(crate) async fn list(target: &Target, config: &Config) -> Result<Option<Self>, Error> {
        if config.target.read == Read::Lookup {
            return Ok(None);
        }
        let mut actual = Self::default();
        let mut users = target.users();
        while let Some(page) = users.next().await? {
            for resource in &page {
                if get(resource, "externalId").is_some_and(|id| id == SYNTHETIC_USER) {
                    return Ok(None);
                }
                actual.add_user(resource, config);
            }
        }
        if !actual.read_groups(target.groups(), config.target.kind).await? {
            return Ok(None);
        }
        Ok(Some(actual))
    }

    async fn read_groups(&mut self, mut groups: Listing, kind: Kind) -> Result<bool, Error> {
        while let Some(page) = groups.next().await? {
            for resource in &page {
                if kind == Kind::Snowflake && get(resource, "displayName").is_some_and(|name| name == SYNTHETIC_GROUP) {
                    return Ok(false);
                }
                self.add_group(resource);
            }
        }
        Ok(true)
    }

    /// Looks up every user and group that matters, one by one.
    pub(crate) async fn look_up(
        target: &Target,
        config: &Config,
        desired: &Desired,
        applied: &Applied,
    ) -> Result<Self, Error> {
        let mut actual = Self { lists_members: true, ..Self::default() };
        let users = lookups(
            desired.users.iter().map(|user| (&user.okta_id, user.user_name())),
            applied.users.iter().map(|(okta_id, user)| (okta_id, &user.scim_id)),
        );
        let found = look_up_all(target, Endpoint::Users, "userName", users).await?;
        for resource in &found {
            actual.add_user(resource, config);
        }
        let groups = lookups(
            desired.groups.iter().map(|group| (&group.okta_id, &*group.name)),
            applied.groups.iter().map(|(okta_id, group)| (okta_id, &group.scim_id)),
        );
        let found = look_up_all(target, Endpoint::Groups, "displayName", groups).await?;
        // A filter may answer without members, so each is read by its id.
        let ids = found.iter().filter_map(|group| Some(Lookup::Id(group.get("id")?.as_str()?.to_owned())));
        for resource in look_up_all(target, Endpoint::Groups, "displayName", ids.collect()).await? {
            actual.add_group(&resource);
        }
        Ok(actual)
    }

    /// Reads the members of the groups that matter, where the list had none at all.
    pub(crate) async fn complete_groups(
        &mut self,
        target: &Target,
        desired: &Desired,
        applied: &Applied,
    ) -> Result<(), Error> {
        if self.lists_members || self.groups.is_empty() {
            return Ok(());
        }
        let by_name = desired.groups.iter().filter_map(|group| self.group_named(&group.name));
        let by_id = applied.groups.values().filter_map(|group| self.groups_by_id.get(&group.scim_id).copied());
        let ids: HashSet<u32> = by_name.chain(by_id).collect();
        let ids = ids.into_iter().map(|index| Lookup::Id(self.groups[index as usize].scim_id.to_string())).collect();
        for resource in look_up_all(target, Endpoint::Groups, "displayName", ids).await? {
            let position = resource.get("id").and_then(Json::as_str).and_then(|id| self.groups_by_id.get(id).copied());
            let (members, foreign) = self.members(&resource);
            if let Some(position) = position {
                let group = &mut self.groups[position as usize];
                (group.members, group.foreign) = (members, foreign);
            }
        }
        Ok(())
    }

    fn add_user(&mut self, resource: &Map<String, Json>, config: &Config) {
        let Some(user) = ActualUser::read(resource, &config.mappings) else { return };
        let position = self.users.len() as u32;
        if self.by_id.insert(user.scim_id.clone(), position).is_some() {
            return;
        }
        self.by_user_name.insert(user.user_name().to_lowercase().into(), position);
        if config.users.match_email
            && let Some(index) = config.mappings.iter().position(|mapping| mapping.path.is_email())
            && let Some(email) = user.value(index).as_text()
        {
            self.by_email.entry(email.to_lowercase().into()).or_insert(position);
        }
        self.users.push(user);
    }

    fn add_group(&mut self, resource: &Map<String, Json>) {
        let Some(scim_id) = resource.get("id").and_then(Json::as_str) else { return };
        let position = self.groups.len() as u32;
        if self.groups_by_id.insert(scim_id.into(), position).is_some() {
            return;
        }
        self.lists_members |= get(resource, "members").is_some();
        let name: Box<str> = get(resource, "displayName").and_then(Json::as_str).unwrap_or_default().into();
        self.groups_by_name.entry(name.to_lowercase().into()).or_insert(position);
        let (members, foreign) = self.members(resource);
        self.groups.push(ActualGroup { scim_id: scim_id.into(), name, members, foreign });
    }

    fn members(&self, group: &Map<String, Json>) -> (Vec<u32>, Vec<Box<str>>) {
        let (mut known, mut foreign) = (Vec::new(), Vec::new());
        for member in get(group, "members").and_then(Json::as_array).into_iter().flatten() {
            let Some(id) = member["value"].as_str() else { continue };
            match self.by_id.get(id) {
                Some(position) => known.push(*position),
                None => foreign.push(id.into()),
            }
        }
        known.sort_unstable();
        known.dedup();
        (known, foreign)
    }

    pub(crate) fn user_named(&self, user_name: &str) -> Option<u32> {
        self.by_user_name.get(user_name.to_lowercase().as_str()).copied()
    }

    pub(crate) fn user_with_email(&self, email: &str) -> Option<u32> {
        self.by_email.get(email.to_lowercase().as_str()).copied()
    }

    pub(crate) fn group_named(&self, name: &str) -> Option<u32> {
        self.groups_by_name.get(name.to_lowercase().as_str()).copied()
    }
}

/// How one object is looked up.
enum Lookup {
    Id(String),
    Name(String),
    /// By the id that is remembered, then by the name.
    Either(String, String),
}

/// What to look up: everything desired, by the id that is remembered or by name, and all that was applied besides.
fn lookups<'a>(
    desired: impl Iterator<Item = (&'a Box<str>, &'a str)>,
    applied: impl Iterator<Item = (&'a Box<str>, &'a Box<str>)>,
) -> Vec<Lookup> {
    let mut remembered: HashMap<&str, &str> = applied.map(|(okta_id, scim_id)| (&**okta_id, &**scim_id)).collect();
    let mut wanted: Vec<Lookup> = desired
        .filter(|(_, name)| !name.is_empty())
        .map(|(okta_id, name)| match remembered.remove(&**okta_id) {
            Some(scim_id) => Lookup::Either(scim_id.to_owned(), name.to_owned()),
            None => Lookup::Name(name.to_owned()),
        })
        .collect();
    wanted.extend(remembered.into_values().map(|scim_id| Lookup::Id(scim_id.to_owned())));
    wanted
}

async fn look_up_all(
    target: &Target,
    endpoint: Endpoint,
    attribute: &'static str,
    wanted: Vec<Lookup>,
) -> Result<Vec<Map<String, Json>>, Error> {
    let one = |lookup: Lookup| async move {
        let (id, name) = match lookup {
            Lookup::Id(id) => (Some(id), None),
            Lookup::Name(name) => (None, Some(name)),
            Lookup::Either(id, name) => (Some(id), Some(name)),
        };
        if let Some(id) = id
            && let Some(resource) = by_id(target, endpoint, &id).await?
        {
            return Ok::<_, Error>(Some(resource));
        }
        match name {
            Some(name) => Ok(target.find(endpoint, equals(attribute, &name)).await?),
            None => Ok(None),
        }
    };
    let found: Vec<Option<Map<String, Json>>> =
        stream::iter(wanted).map(one).buffer_unordered(LOOKUPS_TOGETHER).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The resource with an id; `None` if there is none.
pub(crate) async fn by_id(
    target: &Target,
    endpoint: Endpoint,
    id: &str,
) -> Result<Option<Map<String, Json>>, scim::Error> {
    let request = Request::get(endpoint).id(id);
    match target.send(&request).await {
        Ok(answer) => answer.resource(&request),
        Err(scim::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
