//! `SHOW`.

mod grants;

use std::collections::{BTreeMap, BTreeSet};

use oktant_base::Timestamp;

use super::run::Environment;
use super::{Show, Shown, Within, tables};
use crate::error::SnowflakeError;
use crate::model::container::{self, Container, INFORMATION_SCHEMA, Kind};
use crate::model::user::{SecondaryRoles, User};
use crate::model::{Id, Tx, grant, integration, parameter, policy, role, token, user};
use crate::privilege::account::MANAGE_GRANTS;
use crate::result::{Column, ColumnType, Rows};

/// Users that `SHOW USERS` gives at once; further ones with `LIMIT … FROM`.
const USERS_MAX: usize = 10_000;

type Cells = Vec<Option<String>>;

/// Runs `SHOW`.
pub(crate) async fn run(tx: Tx<'_>, environment: &Environment, show: &Show) -> Result<Rows, SnowflakeError> {
    let (mut rows, name_column) = match &show.what {
        Shown::Users => (users(tx, environment).await?, 0),
        Shown::Roles => (roles(tx, environment).await?, 1),
        Shown::Integrations => (integrations(tx, environment).await?, 0),
        Shown::NetworkPolicies => (policies(tx, environment).await?, 1),
        Shown::Databases => (databases(tx, environment).await?, 1),
        Shown::Schemas => (schemas(tx, environment, &show.within).await?, 1),
        Shown::Warehouses => (warehouses(tx).await?, 0),
        Shown::Tables => (tables::shown(&tables::within(tx, environment, &show.within).await?), 1),
        Shown::Parameters => (parameters(tx).await?, 0),
        Shown::AccessTokens { user } => (access_tokens(tx, environment, user.as_deref()).await?, 0),
        what => (grants::run(tx, environment, what).await?, 1),
    };
    restrict(&mut rows, show, name_column);
    if show.what == Shown::Users {
        rows.rows.truncate(USERS_MAX);
    }
    if show.terse {
        keep_terse(&mut rows);
    }
    Ok(rows)
}

/// Applies `LIKE`, `STARTS WITH`, `LIMIT` and `FROM` to the column with the name.
pub(super) fn restrict(rows: &mut Rows, show: &Show, column: usize) {
    let name = |row: &Cells| row.get(column).cloned().flatten().unwrap_or_default();
    if let Some(pattern) = &show.like {
        rows.rows.retain(|row| like(&name(row).to_lowercase(), &pattern.to_lowercase()));
    }
    if let Some(prefix) = &show.starts_with {
        rows.rows.retain(|row| name(row).starts_with(prefix.as_str()));
    }
    if let Some(from) = &show.from {
        rows.rows.retain(|row| name(row) > *from);
    }
    if let Some(limit) = show.limit {
        rows.rows.truncate(usize::try_from(limit).unwrap_or(0));
    }
}

/// `TERSE` leaves the columns that every object has.
fn keep_terse(rows: &mut Rows) {
    let kept: Vec<usize> = ["created_on", "name", "kind", "database_name", "schema_name"]
        .iter()
        .filter_map(|name| rows.columns.iter().position(|column| column.name == *name))
        .collect();
    rows.columns = kept.iter().map(|index| rows.columns[*index].clone()).collect();
    for row in &mut rows.rows {
        *row = kept.iter().map(|index| row[*index].clone()).collect();
    }
}

/// Whether a text matches a pattern with `%` and `_`; a backslash takes their meaning away.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    // The place to go on from after a `%`, should what follows not fit: no recursion, no explosion.
    let (mut t, mut p, mut retry) = (0, 0, None);
    while t < text.len() {
        let escaped = pattern.get(p) == Some(&'\\') && p + 1 < pattern.len();
        let wanted = if escaped { pattern.get(p + 1) } else { pattern.get(p) };
        match wanted {
            Some('%') if !escaped => {
                retry = Some((t, p));
                p += 1;
            }
            Some(c) if !escaped && *c == '_' || *c == text[t] => {
                t += 1;
                p += 1 + usize::from(escaped);
            }
            _ => {
                let Some((start, at)) = retry else { return false };
                retry = Some((start + 1, at));
                (t, p) = (start + 1, at + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}

/// An instant as a cell.
pub(crate) fn timestamp_cell(at: Timestamp) -> String {
    format!("{}.{:09}", at.timestamp(), at.timestamp_subsec_nanos())
}

fn timestamp_column(name: &str) -> Column {
    Column::new(name, ColumnType::TimestampLtz)
}

/// Columns of text, but for those that hold an instant or a number.
pub(super) fn columns(names: &[&str]) -> Vec<Column> {
    const INSTANTS: [&str; 5] =
        ["created_on", "last_success_login", "expires_at_time", "locked_until_time", "expires_at"];
    const NUMBERS: [&str; 9] = [
        "assigned_to_users",
        "granted_to_roles",
        "granted_roles",
        "rows",
        "bytes",
        "entries_in_allowed_ip_list",
        "entries_in_blocked_ip_list",
        "entries_in_allowed_network_rules",
        "entries_in_blocked_network_rules",
    ];
    let column = |name: &&str| {
        if INSTANTS.contains(name) {
            timestamp_column(name)
        } else if NUMBERS.contains(name) {
            Column::new(*name, ColumnType::Fixed)
        } else {
            Column::text(*name)
        }
    };
    names.iter().map(column).collect()
}

/// A text as a cell.
#[expect(clippy::unnecessary_wraps, reason = "cells are optional, and most of them are texts")]
pub(super) fn text(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

/// The name of an owner; what no role owns shows an empty owner.
fn owner_name(names: &BTreeMap<Id, String>, owner: Option<Id>) -> String {
    owner.and_then(|id| names.get(&id).cloned()).unwrap_or_default()
}

async fn users(tx: Tx<'_>, environment: &Environment) -> Result<Rows, SnowflakeError> {
    let users = user::select(tx, "ORDER BY id", &[]).await?;
    let owners = role::names(tx, users.iter().filter_map(|user| user.owner_id)).await?;
    let with_token: BTreeSet<Id> = tx
        .fetch("SELECT DISTINCT user_id FROM access_tokens", &[])
        .await?
        .iter()
        .filter_map(|row| row.opt_int(0))
        .collect();
    let manages = environment.authority.holds(MANAGE_GRANTS);
    let mut rows = Rows::of(columns(&[
        "name",
        "created_on",
        "login_name",
        "display_name",
        "first_name",
        "last_name",
        "email",
        "mins_to_unlock",
        "days_to_expiry",
        "comment",
        "disabled",
        "must_change_password",
        "snowflake_lock",
        "default_warehouse",
        "default_namespace",
        "default_role",
        "default_secondary_roles",
        "ext_authn_duo",
        "ext_authn_uid",
        "mins_to_bypass_mfa",
        "owner",
        "last_success_login",
        "expires_at_time",
        "locked_until_time",
        "has_password",
        "has_rsa_public_key",
        "type",
        "has_mfa",
        "has_pat",
        "has_workload_identity",
        "is_from_organization_user",
    ]));
    for user in users {
        let all = manages || environment.authority.owns(user.owner_id);
        let mut cells = user_cells(&user, text(owner_name(&owners, user.owner_id)), with_token.contains(&user.id));
        if !all {
            cells.iter_mut().skip(1).for_each(|cell| *cell = None);
        }
        rows.rows.push(cells);
    }
    rows.rows.sort_by(|a, b| a[0].cmp(&b[0]));
    Ok(rows)
}

fn user_cells(user: &User, owner: Option<String>, has_token: bool) -> Cells {
    let properties = &user.properties;
    let truth = |value: bool| text(value.to_string());
    let maybe = |value: &Option<String>| Some(value.clone().unwrap_or_default());
    let number = |value: Option<i64>| Some(value.map(|value| value.to_string()).unwrap_or_default());
    let secondary = match properties.secondary_roles {
        SecondaryRoles::All => "[\"ALL\"]",
        SecondaryRoles::None => "[]",
    };
    vec![
        text(&user.name),
        text(timestamp_cell(user.created_at)),
        text(user.login_name.to_uppercase()),
        text(properties.display_name.as_ref().unwrap_or(&user.name)),
        maybe(&properties.first_name),
        maybe(&properties.last_name),
        maybe(&properties.email),
        number(properties.mins_to_unlock),
        number(properties.days_to_expiry),
        maybe(&properties.comment),
        truth(user.disabled),
        truth(properties.must_change_password),
        truth(false),
        maybe(&properties.default_warehouse),
        maybe(&properties.default_namespace),
        maybe(&properties.default_role),
        text(secondary),
        truth(false),
        text(""),
        number(properties.mins_to_bypass_mfa),
        owner,
        properties.last_login.map(timestamp_cell),
        properties.expires_at.map(timestamp_cell),
        None,
        truth(user.verifier.is_some()),
        truth(properties.rsa_public_key.is_some() || properties.rsa_public_key_2.is_some()),
        text(properties.user_type.name()),
        truth(false),
        truth(has_token),
        truth(false),
        truth(false),
    ]
}

/// Counts by an id, from a grouped query.
async fn counts(tx: Tx<'_>, sql: &str) -> Result<BTreeMap<Id, i64>, SnowflakeError> {
    let rows = tx.fetch(sql, &[]).await?;
    Ok(rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect::<Result<_, oktant_store::StoreError>>()?)
}

async fn roles(tx: Tx<'_>, environment: &Environment) -> Result<Rows, SnowflakeError> {
    let roles = role::select(tx, "ORDER BY id", &[]).await?;
    let names: BTreeMap<Id, String> = roles.iter().map(|role| (role.id, role.name.clone())).collect();
    let members = counts(tx, "SELECT role_id, count(*) FROM memberships GROUP BY role_id").await?;
    let parents = counts(tx, "SELECT role_id, count(*) FROM role_grants GROUP BY role_id").await?;
    let children = counts(tx, "SELECT parent_id, count(*) FROM role_grants GROUP BY parent_id").await?;
    let default = match environment.authority.user_id {
        Some(id) => user::by_id(tx, id).await?.and_then(|user| user.properties.default_role),
        None => None,
    };
    let current = environment.authority.role_id;
    let inherited = grant::closure(tx, &[current].into()).await?;
    let flag = |set: bool| text(if set { "Y" } else { "N" });
    let count = |counts: &BTreeMap<Id, i64>, id: Id| text(counts.get(&id).copied().unwrap_or(0).to_string());
    let mut rows = Rows::of(columns(&[
        "created_on",
        "name",
        "is_default",
        "is_current",
        "is_inherited",
        "assigned_to_users",
        "granted_to_roles",
        "granted_roles",
        "owner",
        "comment",
    ]));
    for role in roles {
        rows.rows.push(vec![
            text(timestamp_cell(role.created_at)),
            text(&role.name),
            flag(default.as_deref() == Some(role.name.as_str())),
            flag(role.id == current),
            flag(role.id != current && inherited.contains(&role.id)),
            count(&members, role.id),
            count(&parents, role.id),
            count(&children, role.id),
            text(owner_name(&names, role.owner_id)),
            text(&role.comment),
        ]);
    }
    rows.rows.sort_by(|a, b| a[1].cmp(&b[1]));
    Ok(rows)
}

async fn integrations(tx: Tx<'_>, environment: &Environment) -> Result<Rows, SnowflakeError> {
    let mut rows = Rows::of(columns(&["name", "type", "category", "enabled", "comment", "created_on"]));
    for integration in integration::all(tx).await? {
        let authority = &environment.authority;
        let visible = authority.owns(integration.owner_id)
            || authority.holds_on("USAGE", grant::ON_INTEGRATION, &integration.name);
        if visible {
            rows.rows.push(vec![
                text(&integration.name),
                text(format!("SCIM - {}", integration.client.name())),
                text("SECURITY"),
                text(integration.enabled.to_string()),
                text(&integration.comment),
                text(timestamp_cell(integration.created_at)),
            ]);
        }
    }
    rows.rows.sort_by(|a, b| a[0].cmp(&b[0]));
    Ok(rows)
}

async fn policies(tx: Tx<'_>, environment: &Environment) -> Result<Rows, SnowflakeError> {
    let mut rows = Rows::of(columns(&[
        "created_on",
        "name",
        "comment",
        "entries_in_allowed_ip_list",
        "entries_in_blocked_ip_list",
        "entries_in_allowed_network_rules",
        "entries_in_blocked_network_rules",
    ]));
    for policy in policy::all(tx).await?.into_iter().filter(|policy| environment.authority.owns(policy.owner_id)) {
        let count = |list: &[String]| text(list.len().to_string());
        rows.rows.push(vec![
            text(timestamp_cell(policy.created_at)),
            text(&policy.name),
            text(&policy.comment),
            count(&policy.allowed),
            count(&policy.blocked),
            count(&policy.allowed_rules),
            count(&policy.blocked_rules),
        ]);
    }
    rows.rows.sort_by(|a, b| a[1].cmp(&b[1]));
    Ok(rows)
}

async fn databases(tx: Tx<'_>, environment: &Environment) -> Result<Rows, SnowflakeError> {
    let found = container::all(tx, Kind::Database).await?;
    let owners = role::names(tx, found.iter().filter_map(|database| database.owner_id)).await?;
    let current = environment.context.database.as_deref();
    let mut rows = Rows::of(columns(&[
        "created_on",
        "name",
        "is_default",
        "is_current",
        "origin",
        "owner",
        "comment",
        "options",
        "retention_time",
        "kind",
    ]));
    for database in found {
        let flag = |set: bool| text(if set { "Y" } else { "N" });
        rows.rows.push(vec![
            text(timestamp_cell(database.created_at)),
            text(&database.name),
            flag(false),
            flag(current == Some(database.name.as_str())),
            text(""),
            text(owner_name(&owners, database.owner_id)),
            text(&database.comment),
            text(""),
            text("1"),
            text("STANDARD"),
        ]);
    }
    Ok(rows)
}

async fn schemas(tx: Tx<'_>, environment: &Environment, within: &Within) -> Result<Rows, SnowflakeError> {
    let wanted = match within {
        Within::Account => None,
        Within::Database(Some(name)) => Some(name.clone()),
        _ => environment.context.database.clone(),
    };
    let databases = container::all(tx, Kind::Database).await?;
    let mut found = container::all(tx, Kind::Schema).await?;
    found.extend(databases.into_iter().map(|database| Container {
        kind: Kind::Schema,
        name: format!("{}.{INFORMATION_SCHEMA}", database.name),
        owner_id: None,
        ..database
    }));
    let owners = role::names(tx, found.iter().filter_map(|schema| schema.owner_id)).await?;
    let mut rows = Rows::of(columns(&[
        "created_on",
        "name",
        "is_default",
        "is_current",
        "database_name",
        "owner",
        "comment",
        "options",
        "retention_time",
    ]));
    for schema in found {
        let (database, name) = schema.name.split_once('.').unwrap_or((&schema.name, ""));
        if wanted.as_deref().is_some_and(|wanted| wanted != database) {
            continue;
        }
        let current = environment.context.database.as_deref() == Some(database)
            && environment.context.schema.as_deref() == Some(name);
        rows.rows.push(vec![
            text(timestamp_cell(schema.created_at)),
            text(name),
            text("N"),
            text(if current { "Y" } else { "N" }),
            text(database),
            text(owner_name(&owners, schema.owner_id)),
            text(&schema.comment),
            text(""),
            text("1"),
        ]);
    }
    rows.rows.sort_by(|a, b| (&a[4], &a[1]).cmp(&(&b[4], &b[1])));
    Ok(rows)
}

async fn warehouses(tx: Tx<'_>) -> Result<Rows, SnowflakeError> {
    let found = container::all(tx, Kind::Warehouse).await?;
    let owners = role::names(tx, found.iter().filter_map(|warehouse| warehouse.owner_id)).await?;
    let mut rows = Rows::of(columns(&["name", "state", "type", "size", "created_on", "owner", "comment"]));
    for warehouse in found {
        rows.rows.push(vec![
            text(&warehouse.name),
            text("STARTED"),
            text("STANDARD"),
            text("X-Small"),
            text(timestamp_cell(warehouse.created_at)),
            text(owner_name(&owners, warehouse.owner_id)),
            text(&warehouse.comment),
        ]);
    }
    Ok(rows)
}

async fn parameters(tx: Tx<'_>) -> Result<Rows, SnowflakeError> {
    let mut rows = Rows::of(columns(&["key", "value", "default", "level", "description", "type"]));
    let mut set: BTreeMap<String, String> = parameter::all(tx).await?.into_iter().collect();
    for (name, default, kind) in
        [(parameter::MAP_USERNAME, "false", "BOOLEAN"), (parameter::NETWORK_POLICY, "", "STRING")]
    {
        let value = set.remove(name);
        let level = if value.is_some() { "ACCOUNT" } else { "" };
        let value = value.unwrap_or_else(|| default.to_owned());
        rows.rows.push(vec![text(name), Some(value), text(default), text(level), text(""), text(kind)]);
    }
    for (name, value) in set {
        rows.rows.push(vec![Some(name), Some(value), text(""), text("ACCOUNT"), text(""), text("STRING")]);
    }
    Ok(rows)
}

async fn access_tokens(tx: Tx<'_>, environment: &Environment, name: Option<&str>) -> Result<Rows, SnowflakeError> {
    let name = name.unwrap_or(&environment.authority.user_name);
    let owner = super::user::find(tx, name).await?;
    if environment.authority.user_id != Some(owner.id) {
        environment.authority.require_ownership(owner.owner_id, "user", name)?;
    }
    let mut rows =
        Rows::of(columns(&["name", "user_name", "role_restriction", "expires_at", "status", "comment", "created_on"]));
    for token in token::access_of(tx, owner.id).await? {
        let status = match (token.disabled, environment.now < token.expires_at) {
            (true, _) => "DISABLED",
            (false, true) => "ACTIVE",
            (false, false) => "EXPIRED",
        };
        rows.rows.push(vec![
            text(&token.name),
            text(&owner.name),
            token.role_restriction.clone(),
            text(timestamp_cell(token.expires_at)),
            text(status),
            text(&token.comment),
            text(timestamp_cell(token.issued_at)),
        ]);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_match_as_sql_has_it() {
        for (text, pattern, expected) in [
            ("", "%%", true),
            ("abc", "%%", true),
            ("abc", "a_c", true),
            ("abc", "a_", false),
            ("a_c", "a\\_c", true),
            ("abc", "a\\_c", false),
            ("okta_provisioner", "okta%er", true),
            ("xaxbxc", "%a%c", true),
            ("abc", "", false),
        ] {
            assert_eq!(like(text, pattern), expected, "{text:?} like {pattern:?}");
        }
    }
}
