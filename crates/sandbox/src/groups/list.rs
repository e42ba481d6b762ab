//! The ways to list groups.
//!
//! # Source
//!
//! Documented: `search` ignores case and sorts, `filter` compares exactly, `q` finds names by prefix on
//! one page. The order without `sortBy` is assumed to be that of ids.

use oktant_filter::{Resource, Value};

use super::view;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::search::{Language, SortKey, sorted_page};
use crate::store::json::write_array;
use crate::store::{Group, GroupKind, Id, Store};
use crate::users::visit_datum;

/// Groups on a page at most, and unless `limit` asks for fewer.
const PAGE: usize = 10_000;

/// Groups that `q` finds unless `limit` asks for more.
const QUICK_PAGE: usize = 300;

/// What `expand` asks to be embedded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Expand {
    pub(crate) stats: bool,
    pub(crate) app: bool,
}

impl Expand {
    /// # Errors
    ///
    /// 400 for anything but `stats` and `app`.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let mut expand = Self::default();
        for part in call.query("expand").unwrap_or_default().split(',').filter(|part| !part.is_empty()) {
            match part.trim() {
                "stats" => expand.stats = true,
                "app" => expand.app = true,
                _ => return Err(ApiError::validation("RequestParams").cause("Expand query is malformed.")),
            }
        }
        Ok(expand)
    }
}

/// A group whose attributes can be asked for by path.
struct Searchable<'a>(&'a Group);

impl Resource for Searchable<'_> {
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Value<'a>)) {
        let group = self.0;
        if let Some(name) = path.strip_prefix("profile.") {
            if let Some(datum) = group.profile.get(name) {
                visit_datum(datum, visit);
            }
            return;
        }
        match path {
            "id" => visit(Value::Text(group.id.as_str().into())),
            "type" => visit(Value::Text(group.kind.as_str().into())),
            "source.id" => {
                if let GroupKind::App(source) = &group.kind {
                    visit(Value::Text(source.as_str().into()));
                }
            }
            "created" => visit(Value::Time(group.created.time())),
            "lastUpdated" => visit(Value::Time(group.last_updated.time())),
            "lastMembershipUpdated" => visit(Value::Time(group.last_membership_updated.time())),
            _ => {}
        }
    }
}

/// `listGroups`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let expand = Expand::of(call)?;
    let all = || store.groups.iter().map(|(_, group)| group);
    match (call.query("search"), call.query("filter"), call.query("q")) {
        (None, None, None) => page(store, call, expand, all()),
        (Some(text), None, None) => search(store, call, expand, text),
        (None, Some(text), None) => {
            let language = Language { table: "Groups", parameter: "filter", custom: &|_| false, equal: &[] };
            let query = language.read(text)?;
            page(store, call, expand, all().filter(|group| query.expression.matches(&Searchable(group), query.case)))
        }
        (None, None, Some(text)) => quick(store, call, expand, text),
        _ => Err(errors::E0000033.into()),
    }
}

fn search(store: &Store, call: &Call<'_>, expand: Expand, text: &str) -> Outcome {
    let known = |name: &str| store.group_schema.attribute(name).is_some();
    let custom = |attribute: &str| attribute.strip_prefix("profile.").is_some_and(known);
    let language = Language { table: "Groups", parameter: "search", custom: &custom, equal: &[] };
    let query = language.read(text)?;
    let found = store.groups.iter().map(|(_, group)| group);
    let found = found.filter(|group| query.expression.matches(&Searchable(group), query.case));
    let Some(sort_by) = call.query("sortBy") else { return page(store, call, expand, found) };
    if !language.sorts_by(sort_by) {
        return Err(ApiError::new(errors::E0000031).cause("Invalid search query."));
    }
    let descending = call.query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("desc"));
    let key = |group: &&Group| SortKey::of(&Searchable(group), sort_by);
    let is_last = cursor(call)?.map(|last| move |group: &&Group| group.id == last);
    let limit = call.limit(PAGE, PAGE)?;
    let groups = sorted_page(found, descending, key, is_last, limit + 1);
    Ok(cut(store, call, expand, groups.ok_or_else(ApiError::bad_cursor)?.into_iter(), limit))
}

/// Names that start with the text, those that equal it first; one page.
fn quick(store: &Store, call: &Call<'_>, expand: Expand, text: &str) -> Outcome {
    let limit = call.limit(QUICK_PAGE, PAGE)?;
    let text = text.to_lowercase();
    let found = store.groups.iter().map(|(_, group)| group);
    let mut groups: Vec<_> = found.filter(|group| group.name().to_lowercase().starts_with(&text)).collect();
    groups.sort_by_key(|group| group.name().chars().count() != text.chars().count());
    groups.truncate(limit);
    Ok(links::only_self(shown(store, call, expand, &groups), call, Some(limit)))
}

fn cursor(call: &Call<'_>) -> Result<Option<Id>, ApiError> {
    call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(ApiError::bad_cursor)).transpose()
}

/// The page behind the call's cursor, of groups in order of ids.
fn page<'a>(store: &'a Store, call: &Call<'_>, expand: Expand, groups: impl Iterator<Item = &'a Group>) -> Outcome {
    let limit = call.limit(PAGE, PAGE)?;
    let after = cursor(call)?;
    let behind = groups.filter(|group| after.is_none_or(|after| group.id > after));
    Ok(cut(store, call, expand, behind, limit))
}

fn cut<'a>(
    store: &'a Store,
    call: &Call<'_>,
    expand: Expand,
    groups: impl Iterator<Item = &'a Group>,
    limit: usize,
) -> Reply {
    let mut groups: Vec<_> = groups.take(limit + 1).collect();
    let more = groups.len() > limit;
    groups.truncate(limit);
    let next = groups.last().filter(|_| more).map(|last| last.id.to_string());
    links::add(shown(store, call, expand, &groups), call, limit, next.as_deref())
}

fn shown(store: &Store, call: &Call<'_>, expand: Expand, groups: &[&Group]) -> Reply {
    let mut out = Vec::with_capacity(groups.len() * 1_024 + 2);
    write_array(&mut out, groups, |out, group| view::write_expanded(out, store, call.base, group, expand));
    Reply::bytes(out)
}
