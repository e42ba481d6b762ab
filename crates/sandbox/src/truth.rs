//! What the org holds, read without HTTP: what tests compare rows with.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::groups::{groups_of, write_group};
use crate::store::{Id, Status, Store};
use crate::users::View;

/// Everything an org holds, as the API shows it in lists.
#[derive(Debug, Clone)]
pub struct Truth {
    /// All users, of every status, in order of their ids.
    pub users: Vec<Value>,
    /// All groups, in order of their ids.
    pub groups: Vec<Value>,
    /// All memberships, those in `Everyone` included, ordered by group and user.
    pub memberships: Vec<Membership>,
    /// All applications, in order of their ids.
    pub applications: Vec<Value>,
}

/// A user in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// Id of the group.
    pub group: String,
    /// Id of the user.
    pub user: String,
}

impl Truth {
    pub(crate) fn read(store: &Store, base: &str) -> Self {
        let view = View::plain(base);
        let users = store.users.iter().map(|(_, user)| written(|out| view.write_listed(out, user)));
        let groups = store.groups.iter().map(|(_, group)| written(|out| write_group(out, base, group)));
        Self {
            users: users.collect(),
            groups: groups.collect(),
            memberships: memberships(store),
            applications: store.apps.values().map(|app| crate::apps::shown(app, store, base)).collect(),
        }
    }

    /// How many users have each status.
    pub fn statuses(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for status in self.users.iter().filter_map(|user| user["status"].as_str()) {
            *counts.entry(status).or_default() += 1;
        }
        counts
    }
}

/// From the users' side, so that tests of the groups' side do not read what they check.
fn memberships(store: &Store) -> Vec<Membership> {
    let mut all: Vec<_> = store
        .users
        .iter()
        .filter(|(_, user)| user.status != Status::Deprovisioned)
        .flat_map(|(_, user)| groups_of(store, user).into_iter().map(|group| (group, user.id)))
        .filter_map(|(group, user)| Some(membership(store.groups.get(group)?.id, user)))
        .collect();
    all.sort_unstable();
    all
}

fn membership(group: Id, user: Id) -> Membership {
    Membership { group: group.to_string(), user: user.to_string() }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::with_capacity(1_024);
    write(&mut out);
    serde_json::from_slice(&out).unwrap_or_default()
}
