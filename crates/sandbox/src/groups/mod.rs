//! Groups and who is in them.

mod members;
mod view;
mod write;

use crate::http::{ApiError, Call, Handler, Outcome, Reply, links};
use crate::store::json::write_array;
use crate::store::{Group, GroupNumber, Id, Store};

pub(crate) use view::write_group;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listGroups", Handler::Read(list)),
    ("addGroup", Handler::Write(write::create)),
    ("getGroup", Handler::Read(get)),
    ("replaceGroup", Handler::Write(write::replace)),
    ("deleteGroup", Handler::Write(write::delete)),
    ("listGroupUsers", Handler::Read(members::list)),
    ("assignUserToGroup", Handler::Write(members::add)),
    ("unassignUserFromGroup", Handler::Write(members::remove)),
    ("listUserGroups", Handler::Read(members::groups_of_user)),
];

/// Groups on a page at most, and unless `limit` asks for fewer.
const PAGE: usize = 10_000;

/// The group that the call's path names.
///
/// # Errors
///
/// 404 `E0000007` if there is none.
fn find(store: &Store, call: &Call<'_>) -> Result<GroupNumber, ApiError> {
    let name = call.param("groupId");
    let number = Id::parse(name).and_then(|id| store.groups.number(id));
    number.ok_or_else(|| ApiError::not_found(name, "UserGroup"))
}

/// As [`find`], but the group itself.
fn shared<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a Group, ApiError> {
    let number = find(store, call)?;
    store.groups.get(number).ok_or_else(|| ApiError::not_found(call.param("groupId"), "UserGroup"))
}

/// `getGroup`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(shown(call, shared(store, call)?))
}

/// 200 with one group.
fn shown(call: &Call<'_>, group: &Group) -> Reply {
    let mut out = Vec::with_capacity(1_024);
    write_group(&mut out, call.base, group);
    Reply::bytes(out)
}

/// `listGroups`.
fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let limit = call.limit(PAGE, PAGE)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()?;
    let start = store.groups.position_after(after);
    let mut groups: Vec<_> = store.groups.from(start).map(|(_, group)| group).take(limit + 1).collect();
    let more = groups.len() > limit;
    groups.truncate(limit);
    let next = groups.last().filter(|_| more).map(|last| last.id.to_string());
    let mut out = Vec::with_capacity(groups.len() * 1_024 + 2);
    write_array(&mut out, groups, |out, group| write_group(out, call.base, group));
    Ok(links::add(Reply::bytes(out), call, limit, next.as_deref()))
}
