//! From what is desired, what is there and what was applied to a list of changes.
//!
//! A plan holds positions, not copies: its entries are laid out when they are shown.

mod drift;
mod entry;
mod groups;
mod safeguards;
mod text;
mod users;
mod warnings;

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::actual::Actual;
use crate::config::{Config, Kind, Update};
use crate::error::Error;
use crate::source::{Desired, DesiredGroup};
use crate::state::{Applied, AppliedGroup, AppliedUser};

pub use drift::{Drift, DriftKind, DriftReport};
pub(crate) use entry::adoption;
pub use entry::{Entry, FieldChange, Members};
pub(crate) use groups::{MemberChange, Removal};
pub(crate) use text::counted;
pub use text::plan_table;
pub use warnings::Warning;

/// # Source
///
/// Snowflake documentation, "Okta SCIM integration": the default of `SYNC_PASSWORD`.
const PASSWORD_SYNC: &str = "Snowflake takes a password only while the integration has SYNC_PASSWORD = TRUE, and \
    answers the same either way: ALTER SECURITY INTEGRATION … SET SYNC_PASSWORD = TRUE turns it on";

/// What would be done, and everything that is needed to do it.
#[derive(Debug)]
pub struct Plan {
    pub(crate) world: World,
    pub(crate) changes: Vec<Change>,
    /// What is worth knowing before it is done.
    pub warnings: Vec<Warning>,
    /// Safeguards that would be broken; a run needs force.
    pub tripped: Vec<String>,
    /// What the target has in place of what was applied.
    pub drift: DriftReport,
    /// Requests that were sent to the target to make the plan.
    pub requests_spent: u64,
    pub(crate) patches: bool,
    pub(crate) batch: usize,
}

/// The three sides, and how the first two belong together.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) desired: Desired,
    pub(crate) actual: Actual,
    pub(crate) applied: Applied,
    /// For each desired user its position at the target.
    pub(crate) links: Vec<Option<u32>>,
    /// For each desired group its position at the target.
    pub(crate) group_links: Vec<Option<u32>>,
    /// Accounts of users who were provisioned and are assigned no longer, by position.
    pub(crate) left_behind: HashSet<u32>,
}

/// One change. Numbers are positions: `user` and `group` among the desired, `actual` at the target.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    CreateUser {
        user: u32,
    },
    /// Known by its name only so far.
    AdoptUser {
        user: u32,
        actual: u32,
        fields: u64,
    },
    UpdateUser {
        user: u32,
        actual: u32,
        fields: u64,
    },
    ReactivateUser {
        user: u32,
        actual: u32,
        fields: u64,
    },
    DeactivateUser {
        okta_id: Box<str>,
        actual: u32,
    },
    DeleteUser {
        okta_id: Box<str>,
        actual: u32,
    },
    SetPassword {
        user: u32,
    },
    CreateGroup {
        group: u32,
    },
    AdoptGroup {
        group: u32,
        actual: u32,
    },
    RenameGroup {
        group: u32,
        actual: u32,
    },
    Members(MemberChange),
    DeleteGroup {
        okta_id: Box<str>,
        actual: u32,
    },
    Blocked {
        okta_id: Box<str>,
        name: Box<str>,
        reason: String,
        hint: String,
    },
}

/// Figures of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Users that are assigned and active in the org.
    pub assigned: usize,
    /// Users at the target, as far as they are visible.
    pub at_target: usize,
    /// Assigned users who are not active in the org yet.
    pub waiting: usize,
    /// Groups that are pushed.
    pub groups: usize,
    /// Entries by kind.
    pub entries: std::collections::BTreeMap<&'static str, usize>,
    /// Requests that applying the plan takes, without repeats.
    pub requests: u64,
}

impl Plan {
    /// Plans from the three sides.
    pub(crate) fn make(config: &Config, mut desired: Desired, actual: Actual, applied: Applied, patches: bool) -> Self {
        let mut warnings = std::mem::take(&mut desired.warnings);
        let world = World::link(config.clone(), desired, actual, applied);
        let drift = drift::find(&world);
        let mut changes = users::changes(&world);
        let group_changes = groups::changes(&world);
        warnings.extend(warnings::find(&world, &group_changes));
        changes.extend(group_changes);
        let tripped = safeguards::broken(&world, &changes);
        Self { batch: config.groups.batch, world, changes, warnings, tripped, drift, requests_spent: 0, patches }
    }

    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The entries, laid out one by one.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.changes.iter().flat_map(|change| entry::lay_out(self, change))
    }

    /// Its figures.
    pub fn summary(&self) -> Summary {
        let world = &self.world;
        let mut summary = Summary {
            assigned: world.desired.users.iter().filter(|user| user.is_active()).count(),
            at_target: world.actual.users.len(),
            waiting: world.desired.waiting,
            groups: world.desired.groups.len(),
            ..Summary::default()
        };
        for change in &self.changes {
            for kind in change.kinds() {
                *summary.entries.entry(kind).or_default() += 1;
            }
            summary.requests += self.cost(change);
        }
        summary
    }

    /// Requests that a change takes.
    pub(crate) fn cost(&self, change: &Change) -> u64 {
        let update = if self.patches { 1 } else { 2 };
        match change {
            Change::AdoptUser { fields: 0, .. } | Change::AdoptGroup { .. } | Change::Blocked { .. } => 0,
            Change::Members(change) if self.patches => change.len().div_ceil(self.batch) as u64,
            Change::AdoptUser { .. }
            | Change::UpdateUser { .. }
            | Change::ReactivateUser { .. }
            | Change::DeactivateUser { .. }
            | Change::SetPassword { .. }
            | Change::RenameGroup { .. }
            | Change::Members(_) => update,
            Change::CreateUser { .. }
            | Change::CreateGroup { .. }
            | Change::DeleteUser { .. }
            | Change::DeleteGroup { .. } => 1,
        }
    }

    /// Adds entries that set the passwords of users, by Okta id, login or user name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`].
    pub fn request_passwords<'a>(&mut self, users: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        for who in users {
            let user = self.find_user(who).ok_or_else(|| Error::UnknownUser(who.to_owned()))?;
            if !self.sets_password(user) {
                self.changes.push(Change::SetPassword { user });
            }
        }
        let sets_any = self.changes.iter().any(|change| matches!(change, Change::SetPassword { .. }));
        if sets_any && self.world.config.target.kind == Kind::Snowflake {
            self.warnings.push(Warning { kind: "password_sync", message: PASSWORD_SYNC.to_owned() });
        }
        Ok(())
    }

    pub(crate) fn sets_password(&self, user: u32) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::SetPassword { user: it } if *it == user))
    }
}

impl Change {
    /// The user who gets an account or other values by it.
    pub(crate) fn granted(&self) -> Option<u32> {
        match self {
            Self::CreateUser { user }
            | Self::AdoptUser { user, .. }
            | Self::UpdateUser { user, .. }
            | Self::ReactivateUser { user, .. } => Some(*user),
            _ => None,
        }
    }

    /// Stable words for its entries: one, or two where members come and go.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let kind = match self {
            Self::CreateUser { .. } => "create_user",
            Self::AdoptUser { .. } => "adopt_user",
            Self::UpdateUser { .. } => "update_user",
            Self::ReactivateUser { .. } => "reactivate_user",
            Self::DeactivateUser { .. } => "deactivate_user",
            Self::DeleteUser { .. } => "delete_user",
            Self::SetPassword { .. } => "set_password",
            Self::CreateGroup { .. } => "create_group",
            Self::AdoptGroup { .. } => "adopt_group",
            Self::RenameGroup { .. } => "rename_group",
            Self::DeleteGroup { .. } => "delete_group",
            Self::Blocked { .. } => "blocked",
            Self::Members(change) => {
                let add = (!change.add.is_empty()).then_some("add_members");
                let remove = (!change.remove.is_empty()).then_some("remove_members");
                return add.into_iter().chain(remove).collect();
            }
        };
        vec![kind]
    }
}

impl World {
    /// Finds for each desired user and group what it is at the target: by the id that is remembered, else by name.
    fn link(config: Config, desired: Desired, actual: Actual, applied: Applied) -> Self {
        let links = users::link(&config, &desired, &actual, &applied);
        let group_links = groups::link(&desired, &actual, &applied);
        let left_behind = users::left_behind(&desired, &actual, &applied);
        Self { config, desired, actual, applied, links, group_links, left_behind }
    }

    /// What was applied to the account that a desired user is linked to, if it was for that user.
    pub(crate) fn applied_at(&self, user: u32) -> Option<&AppliedUser> {
        let there = &self.actual.users[self.links[user as usize]? as usize];
        let applied = self.applied.users.get(&self.desired.users[user as usize].okta_id)?;
        (applied.scim_id == there.scim_id).then_some(applied)
    }

    /// Whom an account was provisioned for, if for someone else than `okta_id`.
    pub(crate) fn other_owner(&self, scim_id: &str, okta_id: &str) -> Option<&str> {
        let mut others = self.applied.users.iter().filter(|(owner, _)| ***owner != *okta_id);
        others.find(|(_, user)| *user.scim_id == *scim_id).map(|(owner, _)| &**owner)
    }

    /// Which group a group at the target was pushed for, if for another one than `okta_id`.
    pub(crate) fn other_pushed(&self, scim_id: &str, okta_id: &str) -> Option<(&str, &AppliedGroup)> {
        let mut others = self.applied.groups.iter().filter(|(owner, _)| ***owner != *okta_id);
        others.find(|(_, group)| *group.scim_id == *scim_id).map(|(owner, group)| (&**owner, group))
    }

    /// A desired group by its Okta id.
    pub(crate) fn desired_group(&self, okta_id: &str) -> Option<&DesiredGroup> {
        self.desired.groups.iter().find(|group| *group.okta_id == *okta_id)
    }

    /// Keys of users at the target, by their position there.
    pub(crate) fn keys_by_actual(&self) -> HashMap<u32, i64> {
        let key = |user: &AppliedUser| Some((*self.actual.by_id.get(&user.scim_id)?, user.key));
        self.applied.users.values().filter_map(key).collect()
    }

    /// Whether an earlier run was about to create the object, and does not know what came of it.
    pub(crate) fn was_begun(&self, okta_id: &str) -> bool {
        self.applied.unanswered.iter().any(|open| open.method == "POST" && open.object == okta_id)
    }
}

/// Whether profiles are updated by PATCH, as far as the configuration says.
pub(crate) fn patches(update: Update, supported: Option<bool>) -> bool {
    match update {
        Update::Patch => true,
        Update::Put => false,
        Update::Auto => supported.unwrap_or(true),
    }
}
