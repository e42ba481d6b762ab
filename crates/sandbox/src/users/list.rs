//! The four ways to list users.
//!
//! # Source
//!
//! Documented: the plain list and `q` leave DEPROVISIONED users out; `filter` compares text exactly,
//! `search` ignores case and sorts. Parameters that exclude each other are a 400.

use super::resource::Searchable;
use super::view::View;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::search::{Language, Query, SortKey, sorted_page};
use crate::store::json::write_array;
use crate::store::{Id, Status, Store, User};

/// Users on a page at most, and unless `limit` asks for fewer.
const PAGE: usize = 200;

/// Users that `q` finds unless `limit` asks for more.
const QUICK_PAGE: usize = 10;

/// `listUsers`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    match (call.query("search"), call.query("filter"), call.query("q")) {
        (None, None, None) => plain(store, call),
        (Some(text), None, None) => search(store, call, text),
        (None, Some(text), None) => filter(store, call, text),
        (None, None, Some(text)) => quick(store, call, text),
        _ => Err(errors::E0000033.into()),
    }
}

fn plain(store: &Store, call: &Call<'_>) -> Outcome {
    let limit = call.limit(PAGE, PAGE)?;
    let found = store.users.from(start(store, call)?).map(|(_, user)| user);
    Ok(page(call, found.filter(|user| user.status != Status::Deprovisioned), limit))
}

fn filter(store: &Store, call: &Call<'_>, text: &str) -> Outcome {
    let limit = call.limit(PAGE, PAGE)?;
    let query = language("filter", &|_| false).read(text)?;
    let start = start(store, call)?;
    Ok(page(call, matching(store, &query, start), limit))
}

fn search(store: &Store, call: &Call<'_>, text: &str) -> Outcome {
    let limit = call.limit(PAGE, PAGE)?;
    let custom = |attribute: &str| {
        attribute
            .strip_prefix("profile.")
            .is_some_and(|name| store.all_user_schemas().any(|s| s.attribute(name).is_some()))
    };
    let language = language("search", &custom);
    let query = language.read(text)?;
    let Some(sort_by) = call.query("sortBy") else {
        let start = start(store, call)?;
        return Ok(page(call, matching(store, &query, start), limit));
    };
    if !language.sorts_by(sort_by) {
        return Err(ApiError::new(errors::E0000031).cause("Invalid search query."));
    }
    let descending = call.query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("desc"));
    let key = |user: &&User| SortKey::of(&Searchable(user), sort_by);
    let last = call.query("after").map(read_cursor).transpose()?;
    let is_last = last.map(|last| move |user: &&User| user.id == last);
    let users = sorted_page(matching(store, &query, 0), descending, key, is_last, limit + 1);
    Ok(page(call, users.ok_or_else(ApiError::bad_cursor)?.into_iter(), limit))
}

/// Names and addresses that start with every word; one page.
fn quick(store: &Store, call: &Call<'_>, text: &str) -> Outcome {
    let limit = call.limit(QUICK_PAGE, PAGE)?;
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    let found = store.users.iter().map(|(_, user)| user).filter(|user| {
        let values = ["firstName", "lastName", "email"].map(|name| user.profile.text(name).to_lowercase());
        user.status != Status::Deprovisioned
            && words.iter().all(|word| values.iter().any(|value| value.starts_with(word.as_str())))
    });
    let users: Vec<_> = found.take(limit).collect();
    Ok(links::only_self(shown(call, &users), call, Some(limit)))
}

fn language<'a>(parameter: &'static str, custom: &'a dyn Fn(&str) -> bool) -> Language<'a> {
    Language { table: "Users", parameter, custom, equal: &[] }
}

/// The users from a position on that satisfy a query. Ids and logins are looked up instead of searched.
fn matching<'a>(store: &'a Store, query: &'a Query, start: usize) -> Box<dyn Iterator<Item = &'a User> + 'a> {
    let satisfies = |user: &&User| query.expression.matches(&Searchable(user), query.case);
    match candidates(store, query) {
        Some(candidates) => {
            let behind = move |user: &&User| store.users.position_after(user.id) > start;
            Box::new(candidates.into_iter().filter(behind).filter(satisfies))
        }
        None => Box::new(store.users.from(start).map(|(_, user)| user).filter(satisfies)),
    }
}

/// The only users that can satisfy a query, in order, where it names ids or logins.
fn candidates<'a>(store: &'a Store, query: &Query) -> Option<Vec<&'a User>> {
    let by_id = query.expression.wanted("id").map(|ids| {
        let numbers = ids.into_iter().filter_map(|id| store.users.number(Id::parse(id)?));
        numbers.collect::<Vec<_>>()
    });
    let by_login = || {
        let logins = query.expression.wanted("profile.login")?;
        Some(logins.into_iter().filter_map(|login| store.users.by_login(login)).collect::<Vec<_>>())
    };
    let mut numbers = by_id.or_else(by_login)?;
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers.into_iter().filter_map(|number| store.users.get(number)).collect())
}

/// The position behind the call's cursor.
fn start(store: &Store, call: &Call<'_>) -> Result<usize, ApiError> {
    let cursor = call.query("after").map(read_cursor).transpose()?;
    Ok(cursor.map_or(0, |last| store.users.position_after(last)))
}

/// A page of users with its links.
fn page<'a>(call: &Call<'_>, found: impl Iterator<Item = &'a User>, limit: usize) -> Reply {
    let mut users: Vec<_> = found.take(limit + 1).collect();
    let more = users.len() > limit;
    users.truncate(limit);
    let next = users.last().filter(|_| more).map(|last| write_cursor(last.id));
    links::add(shown(call, &users), call, limit, next.as_deref())
}

fn shown(call: &Call<'_>, users: &[&User]) -> Reply {
    let view = View::of(call);
    let mut out = Vec::with_capacity(users.len() * 1_280 + 2);
    write_array(&mut out, users, |out, user| view.write_listed(out, user));
    Reply::bytes(out)
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
