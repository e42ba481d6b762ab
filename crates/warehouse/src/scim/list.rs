//! Lists: in the store where the filter translates, else over everything that the caller sees.

use std::collections::HashMap;
use std::sync::Arc;

use oktant_scim::{
    Error, Filter, Kind, ListQuery, Listing, Literal, Operator, Page, Place, Profile, Projection, Resource, Stored,
    fold_case,
};
use oktant_store::Value;

use super::resource::{self, parse_role_id, parse_user_id};
use super::{Result, ScimAccess};
use crate::account::Account;
use crate::model::role::{self, Role};
use crate::model::user::{self, User};
use crate::model::{Id, Tx};
use crate::privilege::account::{MONITOR_ROLE, MONITOR_USER};

/// Reads a page.
pub(super) async fn list(account: &Account, access: &Arc<ScimAccess>, query: &ListQuery) -> Result<Listing> {
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
                [a, _] if a.contains('\0') => Some(Condition::Never),
                [a, b] => Some(Condition::Sql("AND name IN ($1, $2)".to_owned(), vec![(*a).into(), (*b).into()])),
                _ => None,
            }
        }
        _ => None,
    }
}

fn text_condition(column: &str, operator: Operator, text: String) -> Option<Condition> {
    match operator {
        // No name holds it, and not every engine takes it.
        Operator::Eq | Operator::Sw if text.contains('\0') => Some(Condition::Never),
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
            let after = position.as_deref().and_then(Place::parse).map_or(0, |place| place.number);
            values.extend([limit.into(), after.into()]);
            format!("{selected} AND id > ${} ORDER BY id LIMIT ${next}", next + 1)
        }
    };
    let rows = Rows::select(tx, query.kind, &page, &values).await?;
    let (mut resources, cut) = rows.show(tx, access, &query.projection).await?;
    let more = cut || resources.len() > count;
    resources.truncate(count);
    let last = resources.last().and_then(|stored| row_of(&stored.id)).map(Place::unsorted);
    Ok(Listing { resources, total, more, position: query.position(last.as_ref()) })
}

/// Members that the groups of one page have together; further groups come on the next page. A group that has more by
/// itself comes alone.
const MEMBERS_MAX: usize = 20_000;

/// Rows that are looked at together where the store cannot evaluate the condition.
const CHUNK: i64 = 500;

/// Objects without what other tables know of them.
enum Rows {
    Users(Vec<User>),
    Groups(Vec<Role>),
}

impl Rows {
    async fn select(tx: Tx<'_>, kind: Kind, condition: &str, values: &[Value]) -> Result<Self> {
        Ok(match kind {
            Kind::User => Self::Users(user::select(tx, condition, values).await?),
            Kind::Group => Self::Groups(role::select(tx, condition, values).await?),
        })
    }

    fn sort_by_place(&mut self, ids: &[Id]) {
        let places: HashMap<Id, usize> = ids.iter().copied().zip(0..).collect();
        match self {
            Self::Users(users) => users.sort_by_key(|user| places.get(&user.id).copied()),
            Self::Groups(roles) => roles.sort_by_key(|role| places.get(&role.id).copied()),
        }
    }

    /// The resources in the same order, with what a projection wants; as many as [`MEMBERS_MAX`] lets, and whether some
    /// were left out for that. Never none of some.
    async fn show(self, tx: Tx<'_>, access: &ScimAccess, projection: &Projection) -> Result<(Vec<Stored>, bool)> {
        let roles = match self {
            Self::Users(users) => return Ok((resource::users(tx, access, users, projection).await?, false)),
            Self::Groups(roles) => roles,
        };
        let (mut groups, mut left) = (Vec::new(), MEMBERS_MAX);
        for role in roles {
            if projection.wants("members") {
                let count = role::member_count(tx, role.id, left.saturating_add(1)).await?;
                if count > left && !groups.is_empty() {
                    return Ok((groups, true));
                }
                left = left.saturating_sub(count);
            }
            groups.push(resource::group(tx, role, projection).await?);
        }
        Ok((groups, false))
    }

    /// The resources without members and groups.
    fn bare(&self, access: &ScimAccess) -> Vec<Stored> {
        match self {
            Self::Users(users) => users.iter().map(|user| resource::bare_user(access, user)).collect(),
            Self::Groups(roles) => roles.iter().map(resource::bare_group).collect(),
        }
    }
}

/// The row of a resource's id.
fn row_of(id: &str) -> Option<Id> {
    parse_user_id(id).or_else(|| parse_role_id(id))
}

/// Evaluates the filter and sorts over everything that the caller sees, of which no more than the places is kept.
async fn in_memory(tx: Tx<'_>, access: &Arc<ScimAccess>, query: &ListQuery) -> Result<Listing> {
    let places = places(tx, access, query).await?;
    let skip = query.skipped(&places);
    let page: Vec<Id> = places.iter().skip(skip).take(query.page.count()).map(|place| place.number).collect();
    if page.is_empty() {
        let more = places.len() > skip;
        return Ok(Listing {
            total: Some(places.len() as u64),
            more,
            position: query.position(None),
            ..Listing::default()
        });
    }
    let mut rows = Rows::select(tx, query.kind, &format!("WHERE id IN ({})", role::list(&page)), &[]).await?;
    rows.sort_by_place(&page);
    let (resources, cut) = rows.show(tx, access, &query.projection).await?;
    let last = resources.last().and_then(|stored| row_of(&stored.id));
    let end = last.and_then(|last| page.iter().position(|id| *id == last)).map_or(0, |index| index + 1);
    // Of what went away meanwhile the next page begins behind the place.
    let last = if cut { end } else { page.len() }.checked_sub(1).and_then(|index| places.get(skip + index));
    let more = cut || places.len() > skip.saturating_add(page.len());
    Ok(Listing { resources, total: Some(places.len() as u64), more, position: query.position(last) })
}

/// The places of everything that the caller sees and the filter admits, in order.
async fn places(tx: Tx<'_>, access: &Arc<ScimAccess>, query: &ListQuery) -> Result<Vec<Place>> {
    // Members and groups cost a query each: read where the condition may look at them.
    let looks_at = |name: &str| {
        let filter = query.filter.as_ref().is_some_and(|filter| filter.to_string().contains(name));
        filter || query.sort.is_some_and(|sort| sort.path.to_string().contains(name))
    };
    let whole = looks_at("members") || looks_at("groups");
    let condition = format!("{} AND id > $1 ORDER BY id LIMIT $2", visible(query.kind, access));
    let shared = Arc::new(query.clone());
    let (mut places, mut after) = (Vec::new(), 0);
    loop {
        let rows = Rows::select(tx, query.kind, &condition, &[after.into(), CHUNK.into()]).await?;
        let resources = if whole { rows.show(tx, access, &Projection::default()).await?.0 } else { rows.bare(access) };
        let Some(last) = resources.last().and_then(|stored| row_of(&stored.id)) else { break };
        after = last;
        let (access, query) = (Arc::clone(access), Arc::clone(&shared));
        let evaluating = tokio::task::spawn_blocking(move || evaluate(&resources, access.profile, &query));
        places.extend(evaluating.await.map_err(|_| Error::internal())?);
    }
    let sorting = tokio::task::spawn_blocking(move || {
        places.sort_by(|a, b| shared.order(a, b));
        places
    });
    Ok(sorting.await.map_err(|_| Error::internal())?)
}

/// The places of the resources that the filter admits.
fn evaluate(resources: &[Stored], profile: Profile, query: &ListQuery) -> Vec<Place> {
    let place = |stored: &Stored| {
        let json = stored.to_json(profile, "");
        let admitted = query.filter.as_ref().is_none_or(|filter| filter.matches(&json));
        admitted.then(|| query.place(row_of(&stored.id).unwrap_or(0), &json))
    };
    resources.iter().filter_map(place).collect()
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
