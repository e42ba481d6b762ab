//! Lists: in the store where the filter translates, else over everything that the caller sees.

use oktant_scim::{
    Filter, Kind, ListQuery, Listing, Literal, Operator, Page, Profile, Projection, Resource, Stored, fold_case,
};
use serde_json::{Map, Value as Json};

use super::resource::{self, parse_role_id, parse_user_id};
use super::{Result, ScimAccess};
use crate::account::Account;
use crate::model::user;
use crate::model::{Id, Tx, role};
use crate::privilege::account::{MONITOR_ROLE, MONITOR_USER};
use crate::store::Value;

/// Reads a page.
pub(super) async fn list(account: &Account, access: &ScimAccess, query: &ListQuery) -> Result<Listing> {
    if account.0.config.synthetic_lists && access.profile.is_snowflake() && query.filter.is_none() {
        return Ok(synthetic(query.kind));
    }
    let mut connection = account.0.db.read().await?;
    let tx = &mut *connection;
    match (&query.sort, condition(query.kind, access.profile, query.filter.as_ref())) {
        (_, Some(Condition::Never)) => Ok(Listing { total: Some(0), ..Listing::default() }),
        (None, Some(Condition::Sql(condition, values))) => in_store(tx, access, query, &condition, values).await,
        _ => in_memory(tx, access, query).await,
    }
}

/// A filter as the store has it.
enum Condition {
    Never,
    /// `AND …` with its values, numbered from `$1`.
    Sql(String, Vec<Value>),
}

/// Translates the filters that clients ask all the time; none of the others.
fn condition(kind: Kind, profile: Profile, filter: Option<&Filter>) -> Option<Condition> {
    let Some(filter) = filter else { return Some(Condition::Sql(String::new(), Vec::new())) };
    match (kind, filter) {
        (_, Filter::Nothing) => Some(Condition::Never),
        (Kind::User, Filter::Compare { path, operator, literal: Literal::Text(text) }) if path.is("userName") => {
            text_condition("login_key", *operator, fold_case(text))
        }
        // By the standard a group's name is compared without regard to case, which no index helps with.
        (Kind::Group, Filter::Compare { path, operator, literal: Literal::Text(text) })
            if profile.is_snowflake() && path.is("displayName") =>
        {
            text_condition("name", *operator, text.to_string())
        }
        (Kind::Group, Filter::Or(parts)) if profile.is_snowflake() => {
            let names: Option<Vec<&str>> = parts.iter().map(|part| part.as_equality("displayName")).collect();
            match names?.as_slice() {
                [a, b] => Some(Condition::Sql("AND name IN ($1, $2)".to_owned(), vec![(*a).into(), (*b).into()])),
                _ => None,
            }
        }
        _ => None,
    }
}

fn text_condition(column: &str, operator: Operator, text: String) -> Option<Condition> {
    match operator {
        Operator::Eq => Some(Condition::Sql(format!("AND {column} = $1"), vec![text.into()])),
        Operator::Sw => {
            let length = i64::try_from(text.chars().count()).ok()?;
            Some(Condition::Sql(
                format!("AND substr({column}, 1, CAST($2 AS INTEGER)) = $1"),
                vec![text.into(), length.into()],
            ))
        }
        _ => None,
    }
}

/// `WHERE` of what the caller sees.
fn visible(kind: Kind, access: &ScimAccess) -> String {
    let owners: Vec<Id> = access.authority.active.iter().copied().collect();
    let mut owned = format!("owner_id IN ({})", role::list(&owners));
    if access.authority.is_account_admin() {
        owned = format!("({owned} OR owner_id IS NULL)");
    }
    match kind {
        Kind::User if access.authority.holds(MONITOR_USER) => "WHERE 1 = 1".to_owned(),
        Kind::User => format!("WHERE {owned}"),
        Kind::Group if access.authority.holds(MONITOR_ROLE) => format!("WHERE id >= {}", role::FIRST_FREE_ID),
        Kind::Group => format!("WHERE resource IS NOT NULL AND {owned}"),
    }
}

async fn in_store(
    tx: Tx<'_>,
    access: &ScimAccess,
    query: &ListQuery,
    condition: &str,
    values: Vec<Value>,
) -> Result<Listing> {
    let selected = format!("{} {condition}", visible(query.kind, access));
    let table = match query.kind {
        Kind::User => "users",
        Kind::Group => "roles",
    };
    let total = if query.wants_total {
        let row = tx.fetch_one(&format!("SELECT count(*) FROM {table} {selected}"), &values).await?;
        row.and_then(|row| row.opt_int(0)).and_then(|count| u64::try_from(count).ok())
    } else {
        None
    };
    let count = query.page.count();
    // One more than asked for tells whether there are more.
    let limit = i64::try_from(count).unwrap_or(i64::MAX - 1).saturating_add(1);
    let mut values = values;
    let next = values.len() + 1;
    let page = match &query.page {
        Page::Index { start, .. } => {
            let skip = i64::try_from(start.saturating_sub(1)).unwrap_or(i64::MAX);
            values.extend([limit.into(), skip.into()]);
            // What is skipped is skipped in an index.
            format!(
                "WHERE id IN (SELECT id FROM {table} {selected} ORDER BY id LIMIT ${next} OFFSET ${}) ORDER BY id",
                next + 1
            )
        }
        Page::After { position, .. } => {
            let after = position.as_deref().and_then(parse_position).unwrap_or(0);
            values.extend([limit.into(), after.into()]);
            format!("{selected} AND id > ${} ORDER BY id LIMIT ${next}", next + 1)
        }
    };
    let mut resources = read(tx, access, query.kind, &page, &values, &query.projection).await?;
    let more = resources.len() > count;
    resources.truncate(count);
    let position = position_after(query, resources.last());
    Ok(Listing { resources, total, more, position })
}

async fn read(
    tx: Tx<'_>,
    access: &ScimAccess,
    kind: Kind,
    condition: &str,
    values: &[Value],
    projection: &Projection,
) -> Result<Vec<Stored>> {
    match kind {
        Kind::User => {
            let users = user::select(tx, condition, values).await?;
            resource::users(tx, access, users, projection).await
        }
        Kind::Group => {
            let mut groups = Vec::new();
            for role in role::select(tx, condition, values).await? {
                groups.push(resource::group(tx, role, projection).await?);
            }
            Ok(groups)
        }
    }
}

/// The row that a position stands for: pages go on behind the id of the last resource.
fn parse_position(position: &str) -> Option<Id> {
    parse_user_id(position).or_else(|| parse_role_id(position))
}

fn position_after(query: &ListQuery, last: Option<&Stored>) -> Option<String> {
    match &query.page {
        Page::Index { .. } => None,
        Page::After { position, .. } => last.map(|stored| stored.id.clone()).or_else(|| position.clone()),
    }
}

/// Evaluates the filter and sorts over everything that the caller sees.
async fn in_memory(tx: Tx<'_>, access: &ScimAccess, query: &ListQuery) -> Result<Listing> {
    let all = format!("{} ORDER BY id", visible(query.kind, access));
    // Members and groups cost a query each: read where the condition may look at them, and for the page.
    let looks_at = |name: &str| {
        let filter = query.filter.as_ref().is_some_and(|filter| filter.to_string().contains(name));
        filter || query.sort.is_some_and(|sort| sort.path.to_string().contains(name))
    };
    let whole = looks_at("members") || looks_at("groups");
    let stored: Vec<Stored> = match query.kind {
        kind if whole => read(tx, access, kind, &all, &[], &Projection::default()).await?,
        Kind::User => user::select(tx, &all, &[]).await?.iter().map(|user| resource::bare_user(access, user)).collect(),
        Kind::Group => role::select(tx, &all, &[]).await?.iter().map(resource::bare_group).collect(),
    };
    let json = |stored: &Stored| (parse_position(&stored.id).unwrap_or(0), stored.to_json(access.profile, ""));
    let mut found: Vec<(Id, Map<String, Json>)> = stored.iter().map(json).collect();
    found.retain(|(_, json)| query.filter.as_ref().is_none_or(|filter| filter.matches(json)));
    if let Some(sort) = query.sort {
        found.sort_by(|(_, a), (_, b)| sort.compare(a, b));
    }
    let ids: Vec<Id> = found.into_iter().map(|(id, _)| id).collect();
    let skip = match &query.page {
        Page::Index { start, .. } => usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX),
        Page::After { position, .. } => position.as_deref().map_or(0, |position| place_after(&ids, position)),
    };
    let page: Vec<Id> = ids.iter().copied().skip(skip).take(query.page.count()).collect();
    let mut resources = if page.is_empty() {
        Vec::new()
    } else {
        let these = format!("WHERE id IN ({})", role::list(&page));
        read(tx, access, query.kind, &these, &[], &query.projection).await?
    };
    let place = |stored: &Stored| page.iter().position(|id| Some(*id) == parse_position(&stored.id));
    resources.sort_by_key(place);
    let position = position_after(query, resources.last());
    let more = ids.len() > skip.saturating_add(page.len());
    Ok(Listing { resources, total: Some(ids.len() as u64), more, position })
}

/// Where a page begins that goes on behind a position; behind what was made before it, should it be gone.
fn place_after(ids: &[Id], position: &str) -> usize {
    let last = parse_position(position).unwrap_or(0);
    match ids.iter().position(|id| *id == last) {
        Some(index) => index + 1,
        None => ids.iter().take_while(|id| **id <= last).count(),
    }
}

/// The one object that a list without a filter showed before behaviour change 2276.
///
/// # Source
///
/// Snowflake behaviour change 2276, "before".
fn synthetic(kind: Kind) -> Listing {
    let attributes = match kind {
        Kind::User => serde_json::json!({
            "externalId": "synthesis_user_external_id",
            "userName": "synthesis_user",
            "displayName": "synthesis_user_display_name",
            "active": false,
        }),
        Kind::Group => serde_json::json!({ "displayName": "synthetic_group" }),
    };
    let attributes = attributes.as_object().cloned().unwrap_or_default();
    let at = oktant_base::Timestamp::UNIX_EPOCH;
    let resource = Resource::new(kind, attributes);
    let stored = Stored { id: "1".to_owned(), created: at, last_modified: at, version: "1".to_owned(), resource };
    Listing { resources: vec![stored], total: Some(1), more: false, position: None }
}
