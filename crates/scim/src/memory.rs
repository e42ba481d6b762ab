//! A provider that keeps everything in memory: an example of one, and what this crate is tested with.
//!
//! ```
//! use std::sync::Arc;
//!
//! use oktant_base::{ManualClock, Secret, SeededEntropy};
//! use oktant_scim::memory::Memory;
//! use oktant_scim::{Profile, Settings, router};
//!
//! let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse()?));
//! let memory = Memory::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
//! memory.add_token(Secret::new("token".to_owned()), Profile::Rfc);
//! let service = router(Arc::new(memory), Settings::new(Secret::new([7; 32]), clock));
//! let app: axum::Router = axum::Router::new().nest_service("/scim/v2", service);
//! # let _ = app;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::SubsecRound;
use indexmap::{IndexMap, IndexSet};
use oktant_base::{Clock, Entropy, Secret, Timestamp};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::filter::fold_case;
use crate::patch::{MemberChange, Patch};
use crate::precondition::Precondition;
use crate::profile::Profile;
use crate::projection::Projection;
use crate::provider::{Caller, Event, Provider};
use crate::query::{ListQuery, Listing, Place};
use crate::resource::{Member, Resource, Stored};
use crate::schema::Kind;

/// Events that are remembered; the oldest go first.
const EVENTS_MAX: usize = 10_000;

/// Users and groups in memory.
#[derive(Debug)]
pub struct Memory {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By id, in order of creation.
    entries: IndexMap<String, Entry>,
    /// Ids by kind and folded name, where names are unique.
    names: HashMap<(Kind, String), String>,
    tokens: HashMap<String, (Profile, Option<String>)>,
    events: std::collections::VecDeque<Event>,
    sequence: i64,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Grows with every entry made.
    sequence: i64,
    resource: Resource,
    created: Timestamp,
    last_modified: Timestamp,
    version: u64,
    /// Ids of the members of a group, with what is known of them.
    members: IndexMap<String, Option<Kind>>,
    /// Ids of the groups that this is a member of.
    groups: IndexSet<String>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Session {
    profile: Profile,
    user: Option<String>,
}

impl Memory {
    /// Nobody yet, and no token.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, state: Mutex::default() }
    }

    /// Lets in whoever has the token.
    pub fn add_token(&self, token: Secret, profile: Profile) {
        self.state.lock().tokens.insert(token.into_exposed(), (profile, None));
    }

    /// Lets a user in, who is `/Me` then.
    pub fn add_user_token(&self, token: Secret, profile: Profile, user: String) {
        self.state.lock().tokens.insert(token.into_exposed(), (profile, Some(user)));
    }

    /// What was asked so far, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.state.lock().events.iter().cloned().collect()
    }

    /// The password of a user, as last set.
    pub fn password(&self, id: &str) -> Option<Secret> {
        self.state.lock().entries.get(id)?.resource.password().cloned()
    }

    /// To the millisecond, which is what answers show.
    fn now(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(3)
    }

    /// 32 hexadecimal digits.
    fn new_id(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().simple().to_string()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens are secret.
        f.debug_struct("State").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl State {
    fn find(&self, kind: Kind, id: &str) -> Result<&Entry, Error> {
        let entry = self.entries.get(id).filter(|entry| entry.resource.kind() == kind);
        entry.ok_or_else(|| Error::not_found(kind, id))
    }

    fn show(&self, id: &str, projection: &Projection) -> Result<Stored, Error> {
        let entry = self.entries.get(id).ok_or_else(Error::internal)?;
        let mut resource = entry.resource.clone();
        resource.set_password(None);
        let few = projection.members_max().is_none_or(|most| entry.members.len() <= most);
        if resource.kind() == Kind::Group && projection.wants("members") && few {
            resource.members = Some(self.members(entry));
        }
        if resource.kind() == Kind::User && projection.wants("groups") {
            resource.groups = Some(entry.groups.iter().map(|id| self.member(id, None)).collect());
        }
        Ok(Stored {
            id: id.to_owned(),
            created: entry.created,
            last_modified: entry.last_modified,
            version: entry.version.to_string(),
            resource,
        })
    }

    fn members(&self, group: &Entry) -> Vec<Member> {
        group.members.iter().map(|(id, kind)| self.member(id, *kind)).collect()
    }

    fn member(&self, id: &str, kind: Option<Kind>) -> Member {
        let known = self.entries.get(id).map(|entry| &entry.resource);
        Member {
            value: id.to_owned(),
            kind: known.map(Resource::kind).or(kind),
            display: known.map(|resource| resource.text("displayName").unwrap_or_else(|| resource.name()).to_owned()),
        }
    }

    /// The key under which a name is unique: every user's, and a role's.
    fn name_key(resource: &Resource, profile: Profile) -> Option<(Kind, String)> {
        match resource.kind() {
            Kind::User => Some((Kind::User, fold_case(resource.name()))),
            Kind::Group if profile.is_snowflake() => Some((Kind::Group, resource.name().to_owned())),
            Kind::Group => None,
        }
    }

    /// Reserves the name of a resource, and frees the one it had.
    fn rename(&mut self, id: &str, resource: &Resource, profile: Profile) -> Result<(), Error> {
        if let Some(key) = Self::name_key(resource, profile) {
            if self.names.get(&key).is_some_and(|owner| owner != id) {
                let detail = match resource.kind() {
                    Kind::User => "User exists with given userName and/or enterprise:user.snowflakeUserName".to_owned(),
                    Kind::Group => format!("a group named {:?} exists already", resource.name()),
                };
                return Err(Error::uniqueness(detail));
            }
            self.free_name(id, profile);
            self.names.insert(key, id.to_owned());
        }
        Ok(())
    }

    fn free_name(&mut self, id: &str, profile: Profile) {
        if let Some(key) = self.entries.get(id).and_then(|entry| Self::name_key(&entry.resource, profile)) {
            self.names.remove(&key);
        }
    }

    /// A role cannot be granted to a user that is not there; the standard does not mind.
    fn check_members(&self, change: &MemberChange, profile: Profile) -> Result<(), Error> {
        let unknown =
            |member: &&Member| self.entries.get(&member.value).is_none_or(|entry| entry.resource.kind() != Kind::User);
        match change.add().find(unknown).filter(|_| profile.is_snowflake()) {
            Some(member) => Err(Error::invalid_value(format!("there is no user {:?}", member.value))),
            None => Ok(()),
        }
    }

    /// Changes a membership one member at a time; true if any did come or go.
    fn change_members(&mut self, id: &str, change: &MemberChange) -> bool {
        let Some(group) = self.entries.get_mut(id) else { return false };
        let gone: Vec<String> = if change.replaces() {
            let kept: std::collections::HashSet<&str> = change.add().map(|member| member.value.as_str()).collect();
            group.members.keys().filter(|id| !kept.contains(id.as_str())).cloned().collect()
        } else {
            change.remove().filter(|id| group.members.contains_key(*id)).map(str::to_owned).collect()
        };
        let come: Vec<&Member> = change.add().filter(|member| !group.members.contains_key(&member.value)).collect();
        let changed = !gone.is_empty() || !come.is_empty();
        for member in &gone {
            group.members.shift_remove(member);
        }
        group.members.extend(come.iter().map(|member| (member.value.clone(), member.kind)));
        for member in &gone {
            if let Some(entry) = self.entries.get_mut(member) {
                entry.groups.shift_remove(id);
            }
        }
        for member in come {
            if let Some(entry) = self.entries.get_mut(&member.value) {
                entry.groups.insert(id.to_owned());
            }
        }
        changed
    }

    /// What is left to do when a resource has changed.
    fn touch(&mut self, id: &str, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.version += 1;
            entry.last_modified = now;
        }
    }

    /// The resources that a query asks for, as far as the caller sees them, in order: places and ids.
    fn select(&self, query: &ListQuery, profile: Profile) -> (Vec<Place>, Vec<&str>) {
        let of_kind = self.entries.iter().filter(|(_, entry)| entry.resource.kind() == query.kind);
        if query.filter.is_none() && query.sort.is_none() {
            return of_kind.map(|(id, entry)| (Place::unsorted(entry.sequence), id.as_str())).unzip();
        }
        let whole = |id: &str| -> Map<String, Value> {
            self.show(id, &Projection::default()).map(|stored| stored.to_json(profile, "")).unwrap_or_default()
        };
        let mut found: Vec<(Place, &str)> = of_kind
            .map(|(id, entry)| (id, entry, whole(id)))
            .filter(|(_, _, resource)| query.filter.as_ref().is_none_or(|filter| filter.matches(resource)))
            .map(|(id, entry, resource)| (query.place(entry.sequence, &resource), id.as_str()))
            .collect();
        found.sort_by(|(a, _), (b, _)| query.order(a, b));
        found.into_iter().unzip()
    }
}

#[async_trait]
impl Provider for Memory {
    type Context = Session;

    async fn authenticate(&self, caller: &Caller<'_>) -> Result<Session, Error> {
        let token = caller.bearer().ok_or_else(|| Error::unauthorized("a bearer token is needed"))?;
        match self.state.lock().tokens.get(token.expose()) {
            Some((profile, user)) => Ok(Session { profile: *profile, user: user.clone() }),
            None => Err(Error::unauthorized("the token is not known")),
        }
    }

    fn profile(&self, context: &Session) -> Profile {
        context.profile
    }

    async fn me(&self, context: &Session) -> Result<Option<String>, Error> {
        Ok(context.user.clone())
    }

    async fn create(
        &self,
        context: &Session,
        mut resource: Resource,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let (id, now) = (self.new_id(), self.now());
        let mut state = self.state.lock();
        let members = MemberChange::replacing(resource.members.take().unwrap_or_default());
        state.check_members(&members, context.profile)?;
        state.rename(&id, &resource, context.profile)?;
        state.sequence += 1;
        let entry = Entry {
            sequence: state.sequence,
            resource,
            created: now,
            last_modified: now,
            version: 1,
            members: IndexMap::new(),
            groups: IndexSet::new(),
        };
        state.entries.insert(id.clone(), entry);
        state.change_members(&id, &members);
        state.show(&id, projection)
    }

    async fn get(&self, _: &Session, kind: Kind, id: &str, projection: &Projection) -> Result<Stored, Error> {
        let state = self.state.lock();
        state.find(kind, id)?;
        state.show(id, projection)
    }

    async fn list(&self, context: &Session, query: &ListQuery) -> Result<Listing, Error> {
        let state = self.state.lock();
        let (places, ids) = state.select(query, context.profile);
        let start = query.skipped(&places);
        let page: Vec<&str> = ids.iter().copied().skip(start).take(query.page.count()).collect();
        let last = start.checked_add(page.len()).and_then(|end| places.get(end.checked_sub(1)?));
        Ok(Listing {
            resources: page.iter().map(|id| state.show(id, &query.projection)).collect::<Result<_, _>>()?,
            total: Some(ids.len() as u64),
            more: ids.len() > start.saturating_add(page.len()),
            position: query.position(last.filter(|_| !page.is_empty())),
        })
    }

    async fn replace(
        &self,
        context: &Session,
        id: &str,
        mut resource: Resource,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let now = self.now();
        let mut state = self.state.lock();
        let entry = state.find(resource.kind(), id)?;
        precondition.check(&entry.version.to_string())?;
        let members = resource.members.take().map(MemberChange::replacing).unwrap_or_default();
        let set_password = resource.password().is_some();
        if !set_password {
            resource.set_password(entry.resource.password().cloned());
        }
        let mut changed = set_password || entry.resource.attributes() != resource.attributes();
        state.check_members(&members, context.profile)?;
        state.rename(id, &resource, context.profile)?;
        if let Some(entry) = state.entries.get_mut(id) {
            entry.resource = resource;
        }
        changed |= state.change_members(id, &members);
        if changed {
            state.touch(id, now);
        }
        state.show(id, projection)
    }

    async fn patch(
        &self,
        context: &Session,
        id: &str,
        patch: &Patch,
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Stored, Error> {
        let now = self.now();
        let mut state = self.state.lock();
        let entry = state.find(patch.kind(), id)?;
        precondition.check(&entry.version.to_string())?;
        let mut resource = entry.resource.clone();
        if patch.needs_members() {
            resource.members = Some(state.members(entry));
        }
        let applied = patch.apply(&mut resource)?;
        state.check_members(&applied.members, context.profile)?;
        state.rename(id, &resource, context.profile)?;
        if let Some(entry) = state.entries.get_mut(id) {
            resource.members = None;
            entry.resource = resource;
        }
        if state.change_members(id, &applied.members) | applied.changed {
            state.touch(id, now);
        }
        state.show(id, projection)
    }

    async fn delete(&self, context: &Session, kind: Kind, id: &str, precondition: &Precondition) -> Result<(), Error> {
        let now = self.now();
        let mut state = self.state.lock();
        precondition.check(&state.find(kind, id)?.version.to_string())?;
        state.free_name(id, context.profile);
        let Some(gone) = state.entries.shift_remove(id) else { return Ok(()) };
        for group in &gone.groups {
            if let Some(entry) = state.entries.get_mut(group) {
                entry.members.shift_remove(id);
            }
            state.touch(group, now);
        }
        for member in gone.members.keys() {
            if let Some(entry) = state.entries.get_mut(member) {
                entry.groups.shift_remove(id);
            }
        }
        Ok(())
    }

    async fn audit(&self, _: Option<&Session>, event: &Event) {
        let mut state = self.state.lock();
        if state.events.len() == EVENTS_MAX {
            state.events.pop_front();
        }
        state.events.push_back(event.clone());
    }
}
