//! Memberships, seen from both sides.

use super::write::refuse_system;
use super::{find, view};
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::logs::{self, Kind, Target};
use crate::rules;
use crate::store::json::write_array;
use crate::store::{Group, GroupKind, GroupNumber, Id, Status, Store, User, UserNumber};
use crate::users::{self, View};

/// Members on a page at most, and unless `limit` asks for fewer.
const PAGE: usize = 1_000;

/// `listGroupUsers`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let number = find(store, call)?;
    let limit = call.limit(PAGE, PAGE)?;
    let group = store.groups.get(number).ok_or(errors::E0000009)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()?;
    let mut users: Vec<&User> = members(store, group, after).take(limit + 1).collect();
    let more = users.len() > limit;
    users.truncate(limit);
    let next = users.last().filter(|_| more).map(|last| last.id.to_string());
    let view = View::of(call);
    let mut out = Vec::with_capacity(users.len() * 1_024 + 2);
    write_array(&mut out, users, |out, user| view.write_listed(out, user));
    Ok(links::add(Reply::bytes(out), call, limit, next.as_deref()))
}

/// The members of a group behind a cursor, in order of their ids.
pub(crate) fn members<'a>(
    store: &'a Store,
    group: &'a Group,
    after: Option<Id>,
) -> Box<dyn Iterator<Item = &'a User> + 'a> {
    if group.kind == GroupKind::Everyone {
        let start = after.map_or(0, |after| store.users.position_after(after));
        return Box::new(
            store.users.from(start).map(|(_, user)| user).filter(|user| user.status != Status::Deprovisioned),
        );
    }
    let bound = after.and_then(|after| store.users.number_before(after));
    Box::new(group.members.after(bound).filter_map(|number| store.users.get(number)))
}

/// The groups of a user, `Everyone` first.
pub(crate) fn groups_of(store: &Store, user: &User) -> Vec<GroupNumber> {
    let everyone = store.groups.everyone().filter(|_| user.status != Status::Deprovisioned);
    everyone.into_iter().chain(user.groups.iter()).collect()
}

/// `listUserGroups`: all of them on one page.
pub(crate) fn groups_of_user(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?;
    let groups = groups_of(store, user).into_iter().filter_map(|number| store.groups.get(number));
    let mut out = Vec::with_capacity(8_192);
    write_array(&mut out, groups, |out, group| view::write_group(out, call.base, group));
    Ok(links::only_self(Reply::bytes(out), call, None))
}

/// Both ends of the membership that the path names.
fn ends(store: &Store, call: &Call<'_>) -> Result<(GroupNumber, UserNumber), ApiError> {
    let group = find(store, call)?;
    refuse_system(store.groups.get(group).ok_or(errors::E0000009)?)?;
    let name = call.param("userId");
    let user = users::named(store, name).ok_or_else(|| ApiError::not_found(name, "User"))?;
    Ok((group, user))
}

/// Both ends as the log names them.
pub(crate) fn targets(store: &Store, group: GroupNumber, user: UserNumber) -> Vec<Target> {
    let user = store.users.get(user).map(Target::user);
    user.into_iter().chain(store.groups.get(group).map(Target::group)).collect()
}

/// `assignUserToGroup`; doing it twice changes nothing.
pub(crate) fn add(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (group, user) = ends(store, call)?;
    rules::claim(store, group, user);
    if store.add_member(group, user, call.stamp()) {
        let targets = targets(store, group, user);
        logs::record(store, call, Kind::MEMBER_ADD, &targets);
    }
    Ok(Reply::no_content())
}

/// `unassignUserFromGroup`; doing it twice changes nothing.
pub(crate) fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (group, user) = ends(store, call)?;
    if store.remove_member(group, user, call.stamp()) {
        let targets = targets(store, group, user);
        logs::record(store, call, Kind::MEMBER_REMOVE, &targets);
    }
    Ok(Reply::no_content())
}
