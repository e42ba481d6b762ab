//! Listing users.

use super::view::View;
use crate::http::{ApiError, Call, Outcome, Reply, links};
use crate::store::json::write_array;
use crate::store::{Id, Status, Store, User};

/// Users on a page unless `limit` asks for fewer.
const PAGE: usize = 200;

/// `listUsers`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let limit = call.limit(PAGE, PAGE)?;
    let start = match call.query("after") {
        None => 0,
        Some(cursor) => store.users.position_after(read_cursor(cursor)?),
    };
    let found = store.users.from(start).map(|(_, user)| user).filter(|user| user.status != Status::Deprovisioned);
    Ok(page(call, found, limit))
}

/// A page of users with its links.
fn page<'a>(call: &Call<'_>, found: impl Iterator<Item = &'a User>, limit: usize) -> Reply {
    let mut users: Vec<_> = found.take(limit + 1).collect();
    let more = users.len() > limit;
    users.truncate(limit);
    let next = users.last().filter(|_| more).map(|last| write_cursor(last.id));
    let view = View::of(call);
    let mut out = Vec::with_capacity(users.len() * 1_024 + 2);
    write_array(&mut out, users, |out, user| view.write_listed(out, user));
    links::add(Reply::bytes(out), call, limit, next.as_deref())
}

/// The cursor behind a user: `200` and the last 17 characters of its id.
fn write_cursor(id: Id) -> String {
    format!("200{}", &id.as_str()[3..])
}

/// Reads a cursor; a whole user id is taken, too.
///
/// # Errors
///
/// 400 if it is not one of ours.
fn read_cursor(cursor: &str) -> Result<Id, ApiError> {
    let id = Id::parse(cursor).map(|id| id.with_prefix("00u"));
    id.ok_or_else(ApiError::bad_cursor)
}
