//! Groups and the collection of them.

use super::{Id, NumberSet, Profile, Stamp, UserNumber};

/// A group's slot: its position in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupNumber(u32);

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum GroupKind {
    /// Made by an administrator.
    Okta,
    /// `Everyone`: its members are all users that are not deprovisioned, and are not stored.
    Everyone,
    /// Kept by the org itself.
    BuiltIn,
    /// Imported from an app.
    App(Id),
}

impl GroupKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Okta => "OKTA_GROUP",
            Self::Everyone | Self::BuiltIn => "BUILT_IN",
            Self::App(_) => "APP_GROUP",
        }
    }
}

/// One group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: Id,
    pub(crate) kind: GroupKind,
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    pub(crate) last_membership_updated: Stamp,
    pub(crate) profile: Profile,
    pub(crate) members: NumberSet<UserNumber>,
}

impl Group {
    pub(crate) fn name(&self) -> &str {
        self.profile.text("name")
    }
}

/// All groups, in order of creation.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    ids: Vec<Id>,
    slots: Vec<Option<Group>>,
}

impl Groups {
    /// Adds a group whose id is greater than all before.
    pub(crate) fn add(&mut self, group: Group) -> GroupNumber {
        let number = GroupNumber(self.slots.len() as u32);
        self.ids.push(group.id);
        self.slots.push(Some(group));
        number
    }

    pub(crate) fn remove(&mut self, number: GroupNumber) -> Option<Group> {
        self.slots.get_mut(number.0 as usize)?.take()
    }

    pub(crate) fn get(&self, number: GroupNumber) -> Option<&Group> {
        self.slots.get(number.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: GroupNumber) -> Option<&mut Group> {
        self.slots.get_mut(number.0 as usize)?.as_mut()
    }

    /// The slot of the group with this id.
    pub(crate) fn number(&self, id: Id) -> Option<GroupNumber> {
        let number = GroupNumber(self.ids.binary_search(&id).ok()? as u32);
        self.get(number).map(|_| number)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (GroupNumber, &Group)> {
        let numbered = self.slots.iter().enumerate();
        numbered.filter_map(|(index, slot)| Some((GroupNumber(index as u32), slot.as_ref()?)))
    }

    /// The group made by an administrator with this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Group> {
        self.iter().map(|(_, group)| group).find(|group| group.kind == GroupKind::Okta && group.name() == name)
    }

    /// The slot of `Everyone`.
    pub(crate) fn everyone(&self) -> Option<GroupNumber> {
        self.iter().find(|(_, group)| group.kind == GroupKind::Everyone).map(|(number, _)| number)
    }
}
