//! Users and the collection of them.

use std::collections::HashMap;

use oktant_base::Secret;

use super::{GroupNumber, Id, NumberSet, Profile, Stamp};

/// A user's slot: its position in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserNumber(u32);

/// Where a user stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    Staged,
    Provisioned,
    Active,
    Recovery,
    PasswordExpired,
    LockedOut,
    Suspended,
    Deprovisioned,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Provisioned => "PROVISIONED",
            Self::Active => "ACTIVE",
            Self::Recovery => "RECOVERY",
            Self::PasswordExpired => "PASSWORD_EXPIRED",
            Self::LockedOut => "LOCKED_OUT",
            Self::Suspended => "SUSPENDED",
            Self::Deprovisioned => "DEPROVISIONED",
        }
    }
}

/// A user's password. Plain, since this org is a sandbox: nothing in it is worth protecting.
#[derive(Debug, Clone)]
pub(crate) enum Password {
    /// Set by someone.
    Text(Secret<Box<str>>),
    /// The one that all generated users share.
    Shared,
    /// Imported as a hash, or to be asked for with an inline hook: the sandbox cannot check it.
    Imported,
}

/// Who vouches for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(crate) kind: Box<str>,
    pub(crate) name: Box<str>,
}

impl Provider {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }
}

/// A question that proves who one is, with its answer.
#[derive(Debug, Clone)]
pub(crate) struct RecoveryQuestion {
    pub(crate) question: Box<str>,
    pub(crate) answer: Secret<Box<str>>,
}

/// One user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) status: Status,
    pub(crate) created: Stamp,
    pub(crate) activated: Option<Stamp>,
    pub(crate) status_changed: Option<Stamp>,
    pub(crate) last_login: Option<Stamp>,
    pub(crate) last_updated: Stamp,
    pub(crate) password_changed: Option<Stamp>,
    pub(crate) type_id: Id,
    pub(crate) profile: Profile,
    pub(crate) password: Option<Password>,
    pub(crate) recovery_question: Option<Box<RecoveryQuestion>>,
    /// `None` stands for Okta itself, as nearly every user has.
    pub(crate) provider: Option<Box<Provider>>,
    pub(crate) groups: NumberSet<GroupNumber>,
}

impl User {
    /// The sign-in name.
    pub(crate) fn login(&self) -> &str {
        self.profile.text("login")
    }

    /// First and last name, as the log shows a user.
    pub(crate) fn display_name(&self) -> String {
        format!("{} {}", self.profile.text("firstName"), self.profile.text("lastName"))
    }
}

/// All users, in order of creation, which is the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// Ids of all slots, also of those whose user is gone: cursors stay good.
    ids: Vec<Id>,
    slots: Vec<Option<User>>,
    by_login: HashMap<String, UserNumber>,
}

impl Users {
    pub(crate) fn reserve(&mut self, additional: usize) {
        self.ids.reserve(additional);
        self.slots.reserve(additional);
        self.by_login.reserve(additional);
    }

    /// Adds a user whose id is greater than all before. The login must be free.
    pub(crate) fn add(&mut self, user: User) -> UserNumber {
        let number = UserNumber(self.slots.len() as u32);
        self.by_login.insert(folded(user.login()), number);
        self.ids.push(user.id);
        self.slots.push(Some(user));
        number
    }

    /// Takes a user out for good.
    pub(crate) fn remove(&mut self, number: UserNumber) -> Option<User> {
        let user = self.slots.get_mut(number.0 as usize)?.take()?;
        self.by_login.remove(&folded(user.login()));
        Some(user)
    }

    pub(crate) fn get(&self, number: UserNumber) -> Option<&User> {
        self.slots.get(number.0 as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: UserNumber) -> Option<&mut User> {
        self.slots.get_mut(number.0 as usize)?.as_mut()
    }

    /// The slot of the user with this id.
    pub(crate) fn number(&self, id: Id) -> Option<UserNumber> {
        let number = UserNumber(self.ids.binary_search(&id).ok()? as u32);
        self.get(number).map(|_| number)
    }

    pub(crate) fn by_id(&self, id: Id) -> Option<&User> {
        self.get(self.number(id)?)
    }

    /// The slot of the user with this login, ignoring case.
    pub(crate) fn by_login(&self, login: &str) -> Option<UserNumber> {
        self.by_login.get(&folded(login)).copied()
    }

    /// The slots of users whose login is `short` up to the `@`.
    pub(crate) fn by_short_login(&self, short: &str) -> Vec<UserNumber> {
        let short = folded(short);
        let starts = |login: &str| login.strip_prefix(short.as_str()).is_some_and(|rest| rest.starts_with('@'));
        self.by_login.iter().filter(|(login, _)| starts(login)).map(|(_, number)| *number).collect()
    }

    /// Changes a user's login. The new one must be free.
    pub(crate) fn rename(&mut self, number: UserNumber, old_login: &str, new_login: &str) {
        self.by_login.remove(&folded(old_login));
        self.by_login.insert(folded(new_login), number);
    }

    /// The first slot whose id is greater than `id`, as a bound for [`Self::from`].
    pub(crate) fn position_after(&self, id: Id) -> usize {
        self.ids.partition_point(|known| *known <= id)
    }

    /// The last slot whose id is not greater than `id`, also if its user is gone.
    pub(crate) fn number_before(&self, id: Id) -> Option<UserNumber> {
        self.position_after(id).checked_sub(1).map(|position| UserNumber(position as u32))
    }

    /// The users from a position on, in order.
    pub(crate) fn from(&self, position: usize) -> impl Iterator<Item = (UserNumber, &User)> {
        let slots = self.slots.get(position..).unwrap_or_default();
        slots
            .iter()
            .enumerate()
            .filter_map(move |(index, slot)| Some((UserNumber((position + index) as u32), slot.as_ref()?)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (UserNumber, &User)> {
        self.from(0)
    }
}

/// Logins are unique without regard to case.
fn folded(login: &str) -> String {
    login.to_lowercase()
}
