//! Changes of a membership, without the membership.

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};

use super::MemberStep;
use crate::resource::Member;

/// How the membership of a group changes.
///
/// Ids in [`Self::add`] and [`Self::remove`] are distinct, and none is in both. Adding a member that is one and removing
/// a member that is none are no errors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemberChange {
    replaces: bool,
    add: IndexMap<String, Member>,
    remove: IndexSet<String>,
}

impl MemberChange {
    /// The change that makes `members` the whole membership.
    pub fn replacing(members: impl IntoIterator<Item = Member>) -> Self {
        let mut change = Self::default();
        change.replace_with(members);
        change
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        !self.replaces && self.add.is_empty() && self.remove.is_empty()
    }

    /// Whether whoever is not in [`Self::add`] ceases to be a member.
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// Who becomes a member; the whole membership where [`Self::replaces`].
    pub fn add(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.add.values()
    }

    /// Who ceases to be one; nobody where [`Self::replaces`].
    pub fn remove(&self) -> impl ExactSizeIterator<Item = &str> {
        self.remove.iter().map(String::as_str)
    }

    /// The members after the change, in their order, new ones last. For providers that keep them in memory.
    pub fn apply(&self, members: &mut Vec<Member>) {
        members.retain(|member| {
            if self.replaces { self.add.contains_key(&member.value) } else { !self.remove.contains(&member.value) }
        });
        let known: HashSet<String> = members.iter().map(|member| member.value.clone()).collect();
        members.extend(self.add.values().filter(|member| !known.contains(&member.value)).cloned());
    }

    /// The change that makes `after` of `before`.
    pub(super) fn between(before: &[Member], after: &[Member]) -> Self {
        let ids = |members: &[Member]| members.iter().map(|member| member.value.clone()).collect::<HashSet<_>>();
        let (old, new) = (ids(before), ids(after));
        let mut change = Self::default();
        change.add_all(after.iter().filter(|member| !old.contains(&member.value)).cloned());
        change.remove_all(before.iter().map(|member| member.value.clone()).filter(|id| !new.contains(id)));
        change
    }

    /// Goes on with a step that does not depend on who is a member.
    pub(super) fn run(&mut self, step: &MemberStep) {
        match step {
            MemberStep::Add(members) => self.add_all(members.iter().cloned()),
            MemberStep::Remove(ids) => self.remove_all(ids.iter().cloned()),
            MemberStep::Replace(members) => self.replace_with(members.iter().cloned()),
            MemberStep::RemoveWhere(_) | MemberStep::ReplaceWhere(..) => {}
        }
    }

    pub(super) fn add_all(&mut self, members: impl IntoIterator<Item = Member>) {
        for member in members {
            self.remove.swap_remove(&member.value);
            self.add.entry(member.value.clone()).or_insert(member);
        }
    }

    fn remove_all(&mut self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            self.add.swap_remove(&id);
            if !self.replaces {
                self.remove.insert(id);
            }
        }
    }

    fn replace_with(&mut self, members: impl IntoIterator<Item = Member>) {
        *self = Self { replaces: true, ..Self::default() };
        self.add_all(members);
    }
}
