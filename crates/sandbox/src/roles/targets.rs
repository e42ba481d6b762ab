//! Groups that a role is limited to.

use super::position;
use crate::groups::write_group;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::store::json::write_array;
use crate::store::{Id, Store};

/// The group that the path names as a target.
fn target(store: &Store, call: &Call<'_>) -> Result<Id, ApiError> {
    let named = call.param("targetGroupId");
    let name = if named.is_empty() { call.param("groupId") } else { named };
    let id = Id::parse(name).filter(|id| store.groups.number(*id).is_some());
    id.ok_or_else(|| ApiError::not_found(name, "UserGroup"))
}

/// The assignment that the path names, if its role takes groups.
fn targetable(store: &Store, call: &Call<'_>) -> Result<usize, ApiError> {
    let position = position(store, call)?;
    if store.roles[position].takes_group_targets() { Ok(position) } else { Err(errors::E0000091.into()) }
}

/// Group targets of a role.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let role = &store.roles[targetable(store, call)?];
    let groups = role.groups.iter().filter_map(|id| store.groups.get(store.groups.number(*id)?));
    let mut out = Vec::new();
    write_array(&mut out, groups, |out, group| write_group(out, call.base, group));
    Ok(links::only_self(Reply::bytes(out), call, Some(call.limit(20, 200)?)))
}

/// Adds a group target; doing it twice changes nothing.
pub(super) fn add(store: &mut Store, call: &Call<'_>) -> Outcome {
    let position = targetable(store, call)?;
    let group = target(store, call)?;
    let groups = &mut store.roles[position].groups;
    if !groups.contains(&group) {
        groups.push(group);
    }
    Ok(Reply::no_content())
}

/// Removes a group target, unless it is the last one: that would widen the role to all groups.
pub(super) fn remove(store: &mut Store, call: &Call<'_>) -> Outcome {
    let position = targetable(store, call)?;
    let group = target(store, call)?;
    let groups = &mut store.roles[position].groups;
    if groups.as_slice() == [group] {
        return Err(ApiError::validation("targets").cause("The last target of a role cannot be removed."));
    }
    groups.retain(|known| *known != group);
    Ok(Reply::no_content())
}
