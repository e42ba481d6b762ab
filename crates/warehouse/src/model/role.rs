//! Roles and their members.

use std::collections::{BTreeMap, BTreeSet};

use oktant_base::Timestamp;
use oktant_store::{Row, StoreError, Value};
use serde_json::{Map, Value as Json};

use super::{Id, Tx, instant, json, micros, next_id, record};

/// The roles that every account has, with fixed ids.
pub(crate) const ACCOUNTADMIN: Id = 1;
pub(crate) const SECURITYADMIN: Id = 2;
pub(crate) const USERADMIN: Id = 3;
pub(crate) const SYSADMIN: Id = 4;
pub(crate) const PUBLIC: Id = 5;

/// The system roles: id, name, comment.
pub(crate) const SYSTEM: [(Id, &str, &str); 5] = [
    (ACCOUNTADMIN, "ACCOUNTADMIN", "Account administrator can manage all aspects of the account."),
    (SECURITYADMIN, "SECURITYADMIN", "Security administrator can manage security aspects of the account."),
    (USERADMIN, "USERADMIN", "User administrator can create and manage users and roles"),
    (SYSADMIN, "SYSADMIN", "System administrator can create and manage databases and warehouses."),
    (PUBLIC, "PUBLIC", "Public role is automatically available to every user in the account."),
];

/// Ids below this are kept for roles that the system makes.
pub(crate) const FIRST_FREE_ID: Id = 32;

/// A role; to SCIM clients, a group.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) id: Id,
    pub(crate) name: String,
    /// The owning role; none for system roles.
    pub(crate) owner_id: Option<Id>,
    pub(crate) comment: String,
    /// Goes up with every change, of members too.
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Present if the role was made over SCIM: what was sent beyond name and members.
    pub(crate) resource: Option<Map<String, Json>>,
}

impl Role {
    /// A role that is not kept yet.
    pub(crate) fn new(name: String, owner_id: Option<Id>, now: Timestamp) -> Self {
        let comment = String::new();
        Self { id: 0, name, owner_id, comment, version: 1, created_at: now, updated_at: now, resource: None }
    }

    /// Whether the account itself made it.
    pub(crate) fn is_system(&self) -> bool {
        self.id < FIRST_FREE_ID
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int(0)?,
            name: row.text(1)?,
            owner_id: row.opt_int(2),
            comment: row.text(3)?,
            version: row.int(4)?,
            created_at: instant(row.int(5)?)?,
            updated_at: instant(row.int(6)?)?,
            resource: row.opt_text(7).is_some().then(|| record(row, 7)).transpose()?,
        })
    }
}

const COLUMNS: &str = "id, name, owner_id, comment, version, created_at, updated_at, resource";

/// The roles that `condition` selects; it may hold an order and a limit.
pub(crate) async fn select(tx: Tx<'_>, condition: &str, values: &[Value]) -> Result<Vec<Role>, StoreError> {
    let rows = tx.fetch(&format!("SELECT {COLUMNS} FROM roles {condition}"), values).await?;
    rows.iter().map(Role::read).collect()
}

pub(crate) async fn by_id(tx: Tx<'_>, id: Id) -> Result<Option<Role>, StoreError> {
    Ok(select(tx, "WHERE id = $1", &[id.into()]).await?.pop())
}

/// By the exact name.
pub(crate) async fn by_name(tx: Tx<'_>, name: &str) -> Result<Option<Role>, StoreError> {
    Ok(select(tx, "WHERE name = $1", &[name.into()]).await?.pop())
}

/// The names of the roles with these ids, as far as they exist.
pub(crate) async fn names(tx: Tx<'_>, ids: impl IntoIterator<Item = Id>) -> Result<BTreeMap<Id, String>, StoreError> {
    let ids: BTreeSet<Id> = ids.into_iter().collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let mut names = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let sql = format!("SELECT id, name FROM roles WHERE id IN ({})", list(chunk));
        for row in tx.fetch(&sql, &[]).await? {
            names.insert(row.int(0)?, row.text(1)?);
        }
    }
    Ok(names)
}

/// Keeps a new role and gives it its id, unless it has one already.
pub(crate) async fn insert(tx: Tx<'_>, role: &mut Role) -> Result<(), StoreError> {
    if role.id == 0 {
        role.id = FIRST_FREE_ID + next_id(tx, "role").await?;
    }
    let values = [
        role.id.into(),
        role.name.as_str().into(),
        role.owner_id.into(),
        role.comment.as_str().into(),
        role.version.into(),
        micros(role.created_at).into(),
        micros(role.updated_at).into(),
        role.resource.as_ref().map(json).into(),
    ];
    let sql = "INSERT INTO roles (id, name, owner_id, comment, version, created_at, updated_at, resource) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Keeps a changed role as a new version of `now`.
pub(crate) async fn update(tx: Tx<'_>, role: &mut Role, now: Timestamp) -> Result<(), StoreError> {
    role.version += 1;
    role.updated_at = now;
    let values = [
        role.id.into(),
        role.name.as_str().into(),
        role.owner_id.into(),
        role.comment.as_str().into(),
        role.version.into(),
        micros(now).into(),
        role.resource.as_ref().map(json).into(),
    ];
    let sql = "UPDATE roles SET name = $2, owner_id = $3, comment = $4, version = $5, updated_at = $6, resource = $7 \
               WHERE id = $1";
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Removes a role with everything that was granted to it or of it. Groups that it was a member of are new versions of
/// `now`.
pub(crate) async fn delete(tx: Tx<'_>, role: &Role, now: Timestamp) -> Result<(), StoreError> {
    let id: &[Value] = &[role.id.into()];
    for sql in [
        "DELETE FROM memberships WHERE role_id = $1",
        "DELETE FROM foreign_members WHERE role_id = $1",
        "DELETE FROM role_grants WHERE role_id = $1 OR parent_id = $1",
        "DELETE FROM privileges WHERE role_id = $1",
        "DELETE FROM roles WHERE id = $1",
    ] {
        tx.execute(sql, id).await?;
    }
    let as_member = format!("{}_2", role.id);
    tx.execute(
        "UPDATE roles SET version = version + 1, updated_at = $2 \
         WHERE id IN (SELECT role_id FROM foreign_members WHERE value = $1)",
        &[as_member.as_str().into(), micros(now).into()],
    )
    .await?;
    tx.execute("DELETE FROM foreign_members WHERE value = $1", &[as_member.into()]).await?;
    Ok(())
}

/// Hands what a role owned to another role, as dropping the owner does.
pub(crate) async fn transfer_owned(tx: Tx<'_>, from: Id, to: Id) -> Result<(), StoreError> {
    for table in ["users", "roles", "integrations", "network_policies", "containers"] {
        let sql = format!("UPDATE {table} SET owner_id = $2 WHERE owner_id = $1");
        tx.execute(&sql, &[from.into(), to.into()]).await?;
    }
    Ok(())
}

/// Makes a user a member. Returns whether the user was none before.
pub(crate) async fn add_member(
    tx: Tx<'_>,
    role_id: Id,
    user_id: Id,
    granted_by: Option<Id>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO memberships (role_id, user_id, granted_by, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT DO NOTHING";
    let values = [role_id.into(), user_id.into(), granted_by.into(), micros(now).into()];
    Ok(tx.execute(sql, &values).await? > 0)
}

/// Ends a membership. Returns whether there was one.
pub(crate) async fn remove_member(tx: Tx<'_>, role_id: Id, user_id: Id) -> Result<bool, StoreError> {
    let sql = "DELETE FROM memberships WHERE role_id = $1 AND user_id = $2";
    Ok(tx.execute(sql, &[role_id.into(), user_id.into()]).await? > 0)
}

/// Notes that members changed, without reading or writing anything else.
pub(crate) async fn touch(tx: Tx<'_>, role_id: Id, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE roles SET version = version + 1, updated_at = $2 WHERE id = $1";
    tx.execute(sql, &[role_id.into(), micros(now).into()]).await?;
    Ok(())
}

/// How many members a role has, users and others, counted up to `most` each: by an index alone, so that of too many none
/// is looked at.
pub(crate) async fn member_count(tx: Tx<'_>, role_id: Id, most: usize) -> Result<usize, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let sql = "SELECT (SELECT count(*) FROM (SELECT 1 FROM memberships WHERE role_id = $1 LIMIT $2) AS users) + \
               (SELECT count(*) FROM (SELECT 1 FROM foreign_members WHERE role_id = $1 LIMIT $2) AS others)";
    let row = tx.fetch_one(sql, &[role_id.into(), most.into()]).await?;
    Ok(row.and_then(|row| usize::try_from(row.opt_int(0)?).ok()).unwrap_or(0))
}

/// The users that are members of a role: id and login name, in order of their ids. None if there are more than `most`.
pub(crate) async fn members(
    tx: Tx<'_>,
    role_id: Id,
    most: Option<usize>,
) -> Result<Option<Vec<(Id, String)>>, StoreError> {
    if let Some(most) = most
        && member_count(tx, role_id, most.saturating_add(1)).await? > most
    {
        return Ok(None);
    }
    let sql = "SELECT u.id, u.login_name FROM memberships m JOIN users u ON u.id = m.user_id \
               WHERE m.role_id = $1 ORDER BY m.user_id";
    let rows = tx.fetch(sql, &[role_id.into()]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect::<Result<_, _>>().map(Some)
}

/// The ids of the users that are members of a role.
pub(crate) async fn member_ids(tx: Tx<'_>, role_id: Id) -> Result<Vec<Id>, StoreError> {
    let rows =
        tx.fetch("SELECT user_id FROM memberships WHERE role_id = $1 ORDER BY user_id", &[role_id.into()]).await?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Rows that one statement adds or removes.
const CHUNK: usize = 500;

/// Makes users members, those that exist. Returns how many were none before.
pub(crate) async fn add_members(
    tx: Tx<'_>,
    role_id: Id,
    user_ids: &[Id],
    granted_by: Option<Id>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    // One statement for every single member, so that it is prepared once.
    if let [user_id] = user_ids {
        return add_member(tx, role_id, *user_id, granted_by, now).await.map(u64::from);
    }
    let mut added = 0;
    for chunk in user_ids.chunks(CHUNK) {
        let sql = format!(
            "INSERT INTO memberships (role_id, user_id, granted_by, created_at) SELECT $1, u.id, $2, $3 FROM users u \
             WHERE u.id IN ({}) ON CONFLICT DO NOTHING",
            list(chunk)
        );
        added += tx.execute(&sql, &[role_id.into(), granted_by.into(), micros(now).into()]).await?;
    }
    Ok(added)
}

/// Ends memberships. Returns how many there were.
pub(crate) async fn remove_members(tx: Tx<'_>, role_id: Id, user_ids: &[Id]) -> Result<u64, StoreError> {
    if let [user_id] = user_ids {
        return remove_member(tx, role_id, *user_id).await.map(u64::from);
    }
    let mut removed = 0;
    for chunk in user_ids.chunks(CHUNK) {
        let sql = format!("DELETE FROM memberships WHERE role_id = $1 AND user_id IN ({})", list(chunk));
        removed += tx.execute(&sql, &[role_id.into()]).await?;
    }
    Ok(removed)
}

/// Which of these users exist.
pub(crate) async fn existing_users(tx: Tx<'_>, user_ids: &[Id]) -> Result<BTreeSet<Id>, StoreError> {
    let mut found = BTreeSet::new();
    if let [user_id] = user_ids {
        let row = tx.fetch_one("SELECT id FROM users WHERE id = $1", &[(*user_id).into()]).await?;
        found.extend(row.and_then(|row| row.opt_int(0)));
        return Ok(found);
    }
    for chunk in user_ids.chunks(CHUNK) {
        let rows = tx.fetch(&format!("SELECT id FROM users WHERE id IN ({})", list(chunk)), &[]).await?;
        found.extend(rows.iter().filter_map(|row| row.opt_int(0)));
    }
    Ok(found)
}

/// Ids for `IN`: numbers of ours, so that nothing has to be bound.
pub(crate) fn list(ids: &[Id]) -> String {
    ids.iter().map(Id::to_string).collect::<Vec<_>>().join(", ")
}

/// The roles that a user was granted: id and name, in order of their ids.
pub(crate) async fn of_user(tx: Tx<'_>, user_id: Id) -> Result<Vec<(Id, String)>, StoreError> {
    let sql = "SELECT r.id, r.name FROM memberships m JOIN roles r ON r.id = m.role_id \
               WHERE m.user_id = $1 ORDER BY r.id";
    let rows = tx.fetch(sql, &[user_id.into()]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect()
}

/// The roles that each of these users was granted, as [`of_user`] has them.
pub(crate) async fn of_users(tx: Tx<'_>, user_ids: &[Id]) -> Result<BTreeMap<Id, Vec<(Id, String)>>, StoreError> {
    let mut roles: BTreeMap<Id, Vec<(Id, String)>> = BTreeMap::new();
    for chunk in user_ids.chunks(CHUNK) {
        let sql = format!(
            "SELECT m.user_id, r.id, r.name FROM memberships m JOIN roles r ON r.id = m.role_id \
             WHERE m.user_id IN ({}) ORDER BY r.id",
            list(chunk)
        );
        for row in tx.fetch(&sql, &[]).await? {
            roles.entry(row.int(0)?).or_default().push((row.int(1)?, row.text(2)?));
        }
    }
    Ok(roles)
}

/// Members that are no users: ids as they were sent, in order.
pub(crate) async fn foreign_members(tx: Tx<'_>, role_id: Id) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT value FROM foreign_members WHERE role_id = $1 ORDER BY value";
    let rows = tx.fetch(sql, &[role_id.into()]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Adds a member that is no user. Returns whether it was none before.
pub(crate) async fn add_foreign_member(tx: Tx<'_>, role_id: Id, value: &str) -> Result<bool, StoreError> {
    let sql = "INSERT INTO foreign_members (role_id, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, &[role_id.into(), value.into()]).await? > 0)
}

/// Removes a member that is no user. Returns whether there was one.
pub(crate) async fn remove_foreign_member(tx: Tx<'_>, role_id: Id, value: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM foreign_members WHERE role_id = $1 AND value = $2";
    Ok(tx.execute(sql, &[role_id.into(), value.into()]).await? > 0)
}
