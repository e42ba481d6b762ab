//! `SHOW GRANTS`.

use std::collections::BTreeSet;

use super::{Cells, Environment, columns, owner_name, text, timestamp_cell};
use crate::error::SnowflakeError;
use crate::model::grant::{self, Privilege, Side};
use crate::model::{Id, Tx, role};
use crate::result::Rows;
use crate::statement::grant::existing;
use crate::statement::{Shown, role as role_statement, user as user_statement};

pub(super) async fn run(tx: Tx<'_>, environment: &Environment, what: &Shown) -> Result<Rows, SnowflakeError> {
    match what {
        Shown::GrantsOnAccount => on(tx, environment, grant::ON_ACCOUNT, "").await,
        Shown::GrantsOn { kind, name } => {
            let (name, owner) = existing(tx, environment, *kind, name).await?;
            let mut rows = on(tx, environment, kind.key(), &name).await?;
            let owners = role::names(tx, owner).await?;
            let owner = owner_name(&owners, owner);
            if !owner.is_empty() {
                // Who owns an object got that from the system or from the one who granted it: not kept.
                rows.rows.insert(0, privilege_cells(None, "OWNERSHIP", kind.key(), &name, &owner, true, ""));
            }
            Ok(rows)
        }
        Shown::GrantsToRole(name) => {
            let role = role_statement::find(tx, name).await?;
            to_role(tx, environment, &role).await
        }
        Shown::GrantsToUser(name) => {
            let user = user_statement::find(tx, name).await?;
            to_user(tx, user.id, &user.name).await
        }
        Shown::Grants => match environment.authority.user_id {
            Some(id) => to_user(tx, id, &environment.authority.user_name).await,
            None => Ok(Rows::of(of_columns())),
        },
        Shown::GrantsOfRole(name) => of_role(tx, name).await,
        _ => Err(SnowflakeError::unsupported("SHOW GRANTS")),
    }
}

const PRIVILEGE_COLUMNS: [&str; 8] =
    ["created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by"];

fn privilege_cells(
    at: Option<String>,
    privilege: &str,
    kind: &str,
    name: &str,
    grantee: &str,
    option: bool,
    by: &str,
) -> Cells {
    let cells = [privilege, kind, name, "ROLE", grantee, if option { "true" } else { "false" }, by];
    std::iter::once(at).chain(cells.into_iter().map(text)).collect()
}

/// The object's name as it is shown: an account's privileges are on the account by its name.
fn shown_name<'a>(environment: &'a Environment, privilege: &'a Privilege) -> &'a str {
    if privilege.object_kind == grant::ON_ACCOUNT { environment.account.name() } else { &privilege.object_name }
}

async fn on(tx: Tx<'_>, environment: &Environment, kind: &str, name: &str) -> Result<Rows, SnowflakeError> {
    let found = grant::on(tx, kind, name).await?;
    privileges(tx, environment, &found).await
}

async fn privileges(tx: Tx<'_>, environment: &Environment, found: &[Privilege]) -> Result<Rows, SnowflakeError> {
    let ids = found.iter().flat_map(|privilege| [Some(privilege.role_id), privilege.granted_by]).flatten();
    let names = role::names(tx, ids).await?;
    let name = |id: Option<Id>| owner_name(&names, id);
    let mut rows = Rows::of(columns(&PRIVILEGE_COLUMNS));
    for privilege in found {
        rows.rows.push(privilege_cells(
            text(timestamp_cell(privilege.created_at)),
            &privilege.privilege,
            &privilege.object_kind,
            shown_name(environment, privilege),
            &name(Some(privilege.role_id)),
            privilege.grant_option,
            &name(privilege.granted_by),
        ));
    }
    Ok(rows)
}

async fn to_role(tx: Tx<'_>, environment: &Environment, role: &role::Role) -> Result<Rows, SnowflakeError> {
    let held = grant::of_roles(tx, &BTreeSet::from([role.id])).await?;
    let mut rows = privileges(tx, environment, &held).await?;
    let children = grant::roles(tx, role.id, Side::Children).await?;
    let names =
        role::names(tx, children.iter().flat_map(|child| [Some(child.role_id), child.granted_by]).flatten()).await?;
    for child in children {
        let name = owner_name(&names, Some(child.role_id));
        let by = owner_name(&names, child.granted_by);
        let at = text(timestamp_cell(child.created_at));
        rows.rows.push(privilege_cells(at, "USAGE", "ROLE", &name, &role.name, child.grant_option, &by));
    }
    for (kind, table) in
        [("USER", "users"), ("ROLE", "roles"), ("INTEGRATION", "integrations"), ("NETWORK_POLICY", "network_policies")]
    {
        let sql = format!("SELECT name FROM {table} WHERE owner_id = $1 ORDER BY id");
        for row in tx.fetch(&sql, &[role.id.into()]).await? {
            rows.rows.push(privilege_cells(None, "OWNERSHIP", kind, &row.text(0)?, &role.name, true, ""));
        }
    }
    Ok(rows)
}

fn of_columns() -> Vec<crate::result::Column> {
    columns(&["created_on", "role", "granted_to", "grantee_name", "granted_by"])
}

async fn to_user(tx: Tx<'_>, user_id: Id, user_name: &str) -> Result<Rows, SnowflakeError> {
    let sql = "SELECT m.created_at, r.name, b.name FROM memberships m JOIN roles r ON r.id = m.role_id \
               LEFT JOIN roles b ON b.id = m.granted_by WHERE m.user_id = $1 ORDER BY r.id";
    let mut rows = Rows::of(of_columns());
    for row in tx.fetch(sql, &[user_id.into()]).await? {
        rows.rows.push(vec![
            text(timestamp_cell(crate::model::instant(row.int(0)?)?)),
            text(row.text(1)?),
            text("USER"),
            text(user_name),
            Some(row.opt_text(2).unwrap_or_default()),
        ]);
    }
    Ok(rows)
}

async fn of_role(tx: Tx<'_>, name: &str) -> Result<Rows, SnowflakeError> {
    let role = role_statement::find(tx, name).await?;
    let mut rows = Rows::of(of_columns());
    for (kind, sql) in [
        (
            "ROLE",
            "SELECT g.created_at, p.name, b.name FROM role_grants g JOIN roles p ON p.id = g.parent_id \
             LEFT JOIN roles b ON b.id = g.granted_by WHERE g.role_id = $1 ORDER BY g.created_at, p.id",
        ),
        (
            "USER",
            "SELECT m.created_at, u.name, b.name FROM memberships m JOIN users u ON u.id = m.user_id \
             LEFT JOIN roles b ON b.id = m.granted_by WHERE m.role_id = $1 ORDER BY m.created_at, u.id",
        ),
    ] {
        for row in tx.fetch(sql, &[role.id.into()]).await? {
            rows.rows.push(vec![
                text(timestamp_cell(crate::model::instant(row.int(0)?)?)),
                text(&role.name),
                text(kind),
                text(row.text(1)?),
                Some(row.opt_text(2).unwrap_or_default()),
            ]);
        }
    }
    Ok(rows)
}
