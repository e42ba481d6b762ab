//! Groups and who is in them.

mod list;
mod members;
mod owners;
mod view;
mod write;

use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::store::{Group, GroupNumber, Id, Store};

pub(crate) use members::{groups_of, members, targets};
pub(crate) use view::write_group;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listGroups", Handler::Read(list::list)),
    ("addGroup", Handler::Write(write::create)),
    ("getGroup", Handler::Read(get)),
    ("replaceGroup", Handler::Write(write::replace)),
    ("deleteGroup", Handler::Write(write::delete)),
    ("listGroupUsers", Handler::Read(members::list)),
    ("assignUserToGroup", Handler::Write(members::add)),
    ("unassignUserFromGroup", Handler::Write(members::remove)),
    ("assignGroupOwner", Handler::Write(owners::assign)),
    ("listUserGroups", Handler::Read(members::groups_of_user)),
];

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
pub(crate) fn shared<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a Group, ApiError> {
    let number = find(store, call)?;
    store.groups.get(number).ok_or_else(|| ApiError::not_found(call.param("groupId"), "UserGroup"))
}

/// `getGroup`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let expand = list::Expand::of(call)?;
    let mut out = Vec::with_capacity(1_024);
    view::write_expanded(&mut out, store, call.base, shared(store, call)?, expand);
    Ok(Reply::bytes(out))
}

/// 200 with one group.
fn shown(call: &Call<'_>, group: &Group) -> Reply {
    let mut out = Vec::with_capacity(1_024);
    write_group(&mut out, call.base, group);
    Reply::bytes(out)
}
