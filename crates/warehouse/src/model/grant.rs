//! Privileges granted to roles, and roles granted to roles.

use std::collections::BTreeSet;

use oktant_base::Timestamp;
use oktant_store::{Row, StoreError};

use super::{Id, Tx, instant, micros};

/// The kind of an object that privileges are on, with its name in `SHOW GRANTS`.
pub(crate) const ON_ACCOUNT: &str = "ACCOUNT";
pub(crate) const ON_TABLE: &str = "TABLE";
pub(crate) const ON_INTEGRATION: &str = "INTEGRATION";
pub(crate) const ON_DATABASE: &str = "DATABASE";
pub(crate) const ON_SCHEMA: &str = "SCHEMA";

/// A privilege that a role holds.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "the privilege of a privilege is its name; that is what it is called")]
pub(crate) struct Privilege {
    pub(crate) role_id: Id,
    pub(crate) privilege: String,
    pub(crate) object_kind: String,
    pub(crate) object_name: String,
    pub(crate) grant_option: bool,
    pub(crate) granted_by: Option<Id>,
    pub(crate) created_at: Timestamp,
}

impl Privilege {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            role_id: row.int(0)?,
            privilege: row.text(1)?,
            object_kind: row.text(2)?,
            object_name: row.text(3)?,
            grant_option: row.int(4)? != 0,
            granted_by: row.opt_int(5),
            created_at: instant(row.int(6)?)?,
        })
    }
}

/// Keeps a privilege; granting it again only changes the grant option.
pub(crate) async fn insert(tx: Tx<'_>, grant: &Privilege) -> Result<(), StoreError> {
    let sql = "INSERT INTO privileges (role_id, privilege, object_kind, object_name, grant_option, granted_by, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (role_id, privilege, object_kind, object_name) \
               DO UPDATE SET grant_option = CASE WHEN privileges.grant_option = 1 THEN 1 ELSE excluded.grant_option END";
    let values = [
        grant.role_id.into(),
        grant.privilege.as_str().into(),
        grant.object_kind.as_str().into(),
        grant.object_name.as_str().into(),
        grant.grant_option.into(),
        grant.granted_by.into(),
        micros(grant.created_at).into(),
    ];
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Takes a privilege away, held or not.
pub(crate) async fn delete(tx: Tx<'_>, role_id: Id, privilege: &str, kind: &str, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM privileges WHERE role_id = $1 AND privilege = $2 AND object_kind = $3 AND object_name = $4";
    tx.execute(sql, &[role_id.into(), privilege.into(), kind.into(), name.into()]).await?;
    Ok(())
}

/// Takes away that a role may hand a privilege on; the privilege stays.
pub(crate) async fn delete_option(
    tx: Tx<'_>,
    role_id: Id,
    privilege: &str,
    kind: &str,
    name: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE privileges SET grant_option = 0 \
               WHERE role_id = $1 AND privilege = $2 AND object_kind = $3 AND object_name = $4";
    tx.execute(sql, &[role_id.into(), privilege.into(), kind.into(), name.into()]).await?;
    Ok(())
}

/// Makes a role the one who granted the privileges on an object.
pub(crate) async fn attribute(tx: Tx<'_>, kind: &str, name: &str, granted_by: Id) -> Result<(), StoreError> {
    let sql = "UPDATE privileges SET granted_by = $3 WHERE object_kind = $1 AND object_name = $2";
    tx.execute(sql, &[kind.into(), name.into(), granted_by.into()]).await?;
    Ok(())
}

/// Takes away the privileges on an object.
pub(crate) async fn delete_on(tx: Tx<'_>, kind: &str, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM privileges WHERE object_kind = $1 AND object_name = $2";
    tx.execute(sql, &[kind.into(), name.into()]).await?;
    Ok(())
}

const COLUMNS: &str = "role_id, privilege, object_kind, object_name, grant_option, granted_by, created_at";

/// The privileges on an object.
pub(crate) async fn on(tx: Tx<'_>, kind: &str, name: &str) -> Result<Vec<Privilege>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM privileges WHERE object_kind = $1 AND object_name = $2 ORDER BY created_at, role_id"
    );
    tx.fetch(&sql, &[kind.into(), name.into()]).await?.iter().map(Privilege::read).collect()
}

/// The privileges of the given roles, on anything.
pub(crate) async fn of_roles(tx: Tx<'_>, roles: &BTreeSet<Id>) -> Result<Vec<Privilege>, StoreError> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    // Numbers of ours, and few: the roles of one session.
    let list = roles.iter().map(Id::to_string).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {COLUMNS} FROM privileges WHERE role_id IN ({list}) ORDER BY created_at, role_id");
    tx.fetch(&sql, &[]).await?.iter().map(Privilege::read).collect()
}

/// A role granted to another role, which may then do what the first one may.
#[derive(Debug, Clone)]
pub(crate) struct RoleGrant {
    pub(crate) role_id: Id,
    pub(crate) parent_id: Id,
    pub(crate) grant_option: bool,
    pub(crate) granted_by: Option<Id>,
    pub(crate) created_at: Timestamp,
}

/// Grants a role to a role; granting it again only adds the grant option.
pub(crate) async fn insert_role(tx: Tx<'_>, grant: &RoleGrant) -> Result<(), StoreError> {
    let sql = "INSERT INTO role_grants (role_id, parent_id, grant_option, granted_by, created_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (parent_id, role_id) DO UPDATE SET grant_option = \
               CASE WHEN role_grants.grant_option = 1 THEN 1 ELSE excluded.grant_option END";
    let values = [
        grant.role_id.into(),
        grant.parent_id.into(),
        grant.grant_option.into(),
        grant.granted_by.into(),
        micros(grant.created_at).into(),
    ];
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Takes a role from a role.
pub(crate) async fn delete_role(tx: Tx<'_>, role_id: Id, parent_id: Id) -> Result<(), StoreError> {
    let sql = "DELETE FROM role_grants WHERE role_id = $1 AND parent_id = $2";
    tx.execute(sql, &[role_id.into(), parent_id.into()]).await?;
    Ok(())
}

/// Which side of a grant between roles is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    /// To whom the role was granted.
    Parents,
    /// What the role was granted.
    Children,
}

/// The grants between a role and others.
pub(crate) async fn roles(tx: Tx<'_>, id: Id, side: Side) -> Result<Vec<RoleGrant>, StoreError> {
    let column = match side {
        Side::Parents => "role_id",
        Side::Children => "parent_id",
    };
    let sql = format!(
        "SELECT role_id, parent_id, grant_option, granted_by, created_at FROM role_grants WHERE {column} = $1 \
         ORDER BY created_at, role_id, parent_id"
    );
    let rows = tx.fetch(&sql, &[id.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(RoleGrant {
                role_id: row.int(0)?,
                parent_id: row.int(1)?,
                grant_option: row.int(2)? != 0,
                granted_by: row.opt_int(3),
                created_at: instant(row.int(4)?)?,
            })
        })
        .collect()
}

/// The given roles and all that they inherit.
pub(crate) async fn closure(tx: Tx<'_>, roots: &BTreeSet<Id>) -> Result<BTreeSet<Id>, StoreError> {
    let mut found = roots.clone();
    let mut open: Vec<Id> = roots.iter().copied().collect();
    // Level by level: hierarchies are shallow, and the set keeps a circle from turning twice.
    while !open.is_empty() {
        let list = open.iter().map(Id::to_string).collect::<Vec<_>>().join(", ");
        let rows = tx.fetch(&format!("SELECT role_id FROM role_grants WHERE parent_id IN ({list})"), &[]).await?;
        open = rows.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
        open.retain(|id| found.insert(*id));
    }
    Ok(found)
}
