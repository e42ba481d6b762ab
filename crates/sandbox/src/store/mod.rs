//! Everything the org holds. Typed where there is much of it, JSON documents elsewhere.

mod fixed;
mod groups;
mod id;
pub(crate) mod json;
mod numbers;
mod profile;
mod stamp;
mod user_types;
mod users;

pub(crate) use fixed::FixedText;
pub(crate) use groups::{Group, GroupKind, GroupNumber, Groups};
pub(crate) use id::{Id, IdSource, write_base62};
pub(crate) use numbers::NumberSet;
pub(crate) use profile::{Datum, Name, Profile};
pub(crate) use stamp::{Stamp, with_millis};
pub(crate) use user_types::UserType;
pub(crate) use users::{Password, Provider, RecoveryQuestion, Status, User, UserNumber, Users};

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::app_credentials::ClientSecret;
use crate::apps::App;
use crate::factors::Factors;
use crate::logs::Log;
use crate::resources::Resources;
use crate::roles::{Assignment, Holder};
use crate::rules::Rule;
use crate::schemas::Schema;

/// The state of one org.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) ids: IdSource,
    /// Identity of the org itself.
    pub(crate) org_id: Id,
    pub(crate) users: Users,
    pub(crate) groups: Groups,
    /// In order of creation, which is that of their ids.
    pub(crate) apps: IndexMap<Id, App>,
    pub(crate) roles: Vec<Assignment>,
    /// Group rules, in order of creation.
    pub(crate) rules: IndexMap<Id, Rule>,
    /// The System Log.
    pub(crate) log: Log,
    /// The user type that every user has unless told otherwise.
    pub(crate) default_type: Id,
    /// Schema of the default user type.
    pub(crate) default_schema: Schema,
    /// Schemas of the other user types.
    pub(crate) user_schemas: IndexMap<Id, Schema>,
    /// Secrets of OIDC applications that have changed since they were made.
    pub(crate) client_secrets: HashMap<Id, Vec<ClientSecret>>,
    /// Enrolments of factors.
    pub(crate) factors: Factors,
    /// Everything that no typed part holds.
    pub(crate) resources: Resources,
    /// User types beside the default one.
    pub(crate) user_types: IndexMap<Id, UserType>,
    pub(crate) group_schema: Schema,
    /// The administrator behind the API token.
    pub(crate) admin: Id,
}

impl Store {
    /// An org with nothing in it.
    pub(crate) fn new(seed: u64) -> Self {
        let mut ids = IdSource::new(seed);
        let (org_id, default_type, admin) = (ids.next("00o"), ids.next("oty"), ids.next("00u"));
        Self {
            ids,
            org_id,
            users: Users::default(),
            groups: Groups::default(),
            apps: IndexMap::new(),
            roles: Vec::new(),
            rules: IndexMap::new(),
            log: Log::default(),
            default_type,
            default_schema: Schema::user(),
            user_schemas: IndexMap::new(),
            user_types: IndexMap::new(),
            client_secrets: HashMap::new(),
            factors: Factors::default(),
            resources: Resources::default(),
            group_schema: Schema::group(),
            admin,
        }
    }

    /// Takes a user out for good, with everything that hangs on it.
    pub(crate) fn remove_user(&mut self, number: UserNumber) {
        let Some(user) = self.users.remove(number) else { return };
        for group in user.groups.iter() {
            if let Some(group) = self.groups.get_mut(group) {
                group.members.remove(number);
            }
        }
        self.unassign(number);
        self.factors.forget(user.id);
        self.roles.retain(|role| role.holder != Holder::User(user.id));
        self.resources.remove_below(&format!("/api/v1/users/{}", user.id));
        self.resources.forget(user.id.as_str());
    }

    /// Ends a user's direct assignments to apps.
    pub(crate) fn unassign(&mut self, user: UserNumber) {
        for app in self.apps.values_mut() {
            app.users.remove(&user);
        }
    }

    /// Takes a group out for good, with everything that hangs on it.
    pub(crate) fn remove_group(&mut self, number: GroupNumber) {
        let Some(group) = self.groups.remove(number) else { return };
        for member in group.members.iter() {
            if let Some(member) = self.users.get_mut(member) {
                member.groups.remove(number);
            }
        }
        for app in self.apps.values_mut() {
            app.groups.shift_remove(&group.id);
        }
        self.roles.retain(|role| role.holder != Holder::Group(group.id));
        self.resources.remove_below(&format!("/api/v1/groups/{}", group.id));
        self.resources.forget(group.id.as_str());
    }

    /// The schema of a user type's profiles.
    pub(crate) fn user_schema(&self, type_id: Id) -> &Schema {
        self.user_schemas.get(&type_id).unwrap_or(&self.default_schema)
    }

    /// The schemas of every user type.
    pub(crate) fn all_user_schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.default_schema).chain(self.user_schemas.values())
    }

    /// Whether there is such a user type.
    pub(crate) fn has_user_type(&self, type_id: Id) -> bool {
        type_id == self.default_type || self.user_schemas.contains_key(&type_id)
    }

    /// Makes a user a member of a group. `false` if it was one already or either is gone.
    pub(crate) fn add_member(&mut self, group: GroupNumber, user: UserNumber, now: Stamp) -> bool {
        let (Some(found), Some(member)) = (self.groups.get_mut(group), self.users.get_mut(user)) else { return false };
        let added = found.members.insert(user);
        if added {
            member.groups.insert(group);
            found.last_membership_updated = now;
        }
        added
    }

    /// Ends a membership. `false` if there was none.
    pub(crate) fn remove_member(&mut self, group: GroupNumber, user: UserNumber, now: Stamp) -> bool {
        let Some(found) = self.groups.get_mut(group) else { return false };
        let removed = found.members.remove(user);
        if removed {
            found.last_membership_updated = now;
            if let Some(member) = self.users.get_mut(user) {
                member.groups.remove(group);
            }
        }
        removed
    }
}
