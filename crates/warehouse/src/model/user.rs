//! Users.

use oktant_base::Timestamp;
use oktant_store::{Row, StoreError, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Id, Tx, instant, json, micros, next_id, record};
use crate::password::ScramVerifier;

/// What kind of user it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum UserType {
    #[default]
    Person,
    Service,
    ServiceAgent,
    LegacyService,
}

impl UserType {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::Service => "SERVICE",
            Self::ServiceAgent => "SERVICE_AGENT",
            Self::LegacyService => "LEGACY_SERVICE",
        }
    }

    /// By its name in any letter case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Person, Self::Service, Self::ServiceAgent, Self::LegacyService]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Whether such a user has neither a person's name nor a password.
    pub(crate) const fn is_service(self) -> bool {
        matches!(self, Self::Service | Self::ServiceAgent)
    }
}

/// Whether all roles of a user are active next to the primary one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SecondaryRoles {
    #[default]
    All,
    None,
}

/// The properties of a user that no lookup needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Properties {
    pub(crate) display_name: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) middle_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) must_change_password: bool,
    pub(crate) default_warehouse: Option<String>,
    pub(crate) default_namespace: Option<String>,
    pub(crate) default_role: Option<String>,
    pub(crate) secondary_roles: SecondaryRoles,
    pub(crate) user_type: UserType,
    pub(crate) allowed_interfaces: Vec<String>,
    pub(crate) network_policy: Option<String>,
    pub(crate) rsa_public_key: Option<String>,
    pub(crate) rsa_public_key_2: Option<String>,
    pub(crate) days_to_expiry: Option<i64>,
    pub(crate) mins_to_unlock: Option<i64>,
    pub(crate) mins_to_bypass_mfa: Option<i64>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) password_set_at: Option<Timestamp>,
    pub(crate) last_login: Option<Timestamp>,
}

/// A user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Id,
    /// The object's name.
    pub(crate) name: String,
    /// What the user signs in with, as it was written; compared without regard to case.
    pub(crate) login_name: String,
    pub(crate) owner_id: Option<Id>,
    pub(crate) disabled: bool,
    /// Goes up whenever the user's sessions have to end.
    pub(crate) epoch: i64,
    /// Goes up with every change.
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) verifier: Option<String>,
    pub(crate) properties: Properties,
    /// What SCIM clients sent beyond the properties.
    pub(crate) resource: Map<String, Json>,
}

impl User {
    /// A user who is not kept yet.
    pub(crate) fn new(name: String, login_name: String, owner_id: Option<Id>, now: Timestamp) -> Self {
        Self {
            id: 0,
            name,
            login_name,
            owner_id,
            disabled: false,
            epoch: 1,
            version: 1,
            created_at: now,
            updated_at: now,
            verifier: None,
            properties: Properties::default(),
            resource: Map::new(),
        }
    }

    /// What a password is checked with.
    pub(crate) fn scram(&self) -> Option<ScramVerifier> {
        self.verifier.as_deref().and_then(ScramVerifier::decode)
    }

    /// Gives the user a password.
    pub(crate) fn set_password(&mut self, verifier: &ScramVerifier, now: Timestamp) {
        self.verifier = Some(verifier.encode());
        self.properties.password_set_at = Some(now);
    }

    /// Disables or enables the user; disabling ends the user's sessions.
    pub(crate) fn set_disabled(&mut self, disabled: bool) {
        if disabled && !self.disabled {
            self.epoch += 1;
        }
        self.disabled = disabled;
    }

    /// Whether the user may be signed in at `now`.
    pub(crate) fn may_sign_in(&self, now: Timestamp) -> bool {
        !self.disabled && self.properties.expires_at.is_none_or(|expiry| now < expiry)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.int(0)?,
            name: row.text(1)?,
            login_name: row.text(2)?,
            owner_id: row.opt_int(3),
            disabled: row.int(4)? != 0,
            epoch: row.int(5)?,
            version: row.int(6)?,
            created_at: instant(row.int(7)?)?,
            updated_at: instant(row.int(8)?)?,
            verifier: row.opt_text(9),
            properties: record(row, 10)?,
            resource: record(row, 11)?,
        })
    }

    fn changing_values(&self) -> [Value; 10] {
        [
            self.name.as_str().into(),
            self.login_name.as_str().into(),
            login_key(&self.login_name).into(),
            self.owner_id.into(),
            self.disabled.into(),
            self.epoch.into(),
            micros(self.updated_at).into(),
            self.verifier.clone().into(),
            json(&self.properties).into(),
            json(&self.resource).into(),
        ]
    }
}

/// What login names are compared by.
pub(crate) fn login_key(login_name: &str) -> String {
    // As SCIM compares them, so that both sides agree on who is who.
    oktant_scim::fold_case(login_name)
}

const COLUMNS: &str = "id, name, login_name, owner_id, disabled, epoch, version, created_at, updated_at, verifier, \
                       properties, resource";

/// The users that `condition` selects; it may hold an order and a limit.
pub(crate) async fn select(tx: Tx<'_>, condition: &str, values: &[Value]) -> Result<Vec<User>, StoreError> {
    let rows = tx.fetch(&format!("SELECT {COLUMNS} FROM users {condition}"), values).await?;
    rows.iter().map(User::read).collect()
}

async fn one(tx: Tx<'_>, condition: &str, value: Value) -> Result<Option<User>, StoreError> {
    Ok(select(tx, condition, &[value]).await?.pop())
}

pub(crate) async fn by_id(tx: Tx<'_>, id: Id) -> Result<Option<User>, StoreError> {
    one(tx, "WHERE id = $1", id.into()).await
}

/// By the object's exact name.
pub(crate) async fn by_name(tx: Tx<'_>, name: &str) -> Result<Option<User>, StoreError> {
    one(tx, "WHERE name = $1", name.into()).await
}

/// The users whose sessions begin with the role of that name.
pub(crate) async fn with_default_role(tx: Tx<'_>, role: &str) -> Result<Vec<User>, StoreError> {
    // Compared as it is kept; in a pattern a few signs have to be taken as they are. SQLite looks past letter case.
    let kept = format!("\"default_role\":{}", json(&role));
    let pattern: String =
        kept.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    let mut users = select(tx, "WHERE properties LIKE $1 ESCAPE '!'", &[format!("%{pattern}%").into()]).await?;
    users.retain(|user| user.properties.default_role.as_deref() == Some(role));
    Ok(users)
}

/// Another user who has the name or the login name of this one.
pub(crate) async fn holding_names_of(tx: Tx<'_>, user: &User) -> Result<Option<User>, StoreError> {
    let values = [user.name.as_str().into(), login_key(&user.login_name).into(), user.id.into()];
    // No OR: `PostgreSQL` plans it on the empty table as a scan of all users, and keeps the plan while the table grows.
    let condition = "WHERE id IN (SELECT id FROM users WHERE name = $1 UNION SELECT id FROM users WHERE login_key = $2) \
                     AND id <> $3 ORDER BY id LIMIT 1";
    Ok(select(tx, condition, &values).await?.pop())
}

/// By what the user signs in with, in any letter case.
pub(crate) async fn by_login(tx: Tx<'_>, login_name: &str) -> Result<Option<User>, StoreError> {
    one(tx, "WHERE login_key = $1", login_key(login_name).into()).await
}

/// A user with the roles that were granted to it, as [`super::role::of_user`] has them, in one exchange with the store.
pub(crate) async fn by_id_with_roles(tx: Tx<'_>, id: Id) -> Result<Option<(User, Vec<(Id, String)>)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, CAST(0 AS BIGINT) AS part FROM users WHERE id = $1 UNION ALL \
         SELECT r.id, r.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1 \
         FROM memberships m JOIN roles r ON r.id = m.role_id WHERE m.user_id = $1 ORDER BY part, id"
    );
    let rows = tx.fetch(&sql, &[id.into()]).await?;
    let Some((user, roles)) = rows.split_first() else { return Ok(None) };
    let roles = roles.iter().map(|row| Ok((row.int(0)?, row.text(1)?))).collect::<Result<_, StoreError>>()?;
    Ok(Some((User::read(user)?, roles)))
}

/// Keeps a new user and gives it its id, unless another has one of its names. Returns whether it did.
pub(crate) async fn insert_unless_taken(tx: Tx<'_>, user: &mut User) -> Result<bool, StoreError> {
    if !tx.chains_writes() {
        let free = holding_names_of(tx, user).await?.is_none();
        if free {
            insert(tx, user).await?;
        }
        return Ok(free);
    }
    // The three statements of the other way in one; without OR, as in `holding_names_of`.
    let sql = "WITH next AS (INSERT INTO counters (name, value) SELECT 'user', 1 \
               WHERE NOT EXISTS (SELECT 1 FROM users WHERE name = $1) \
               AND NOT EXISTS (SELECT 1 FROM users WHERE login_key = $3) \
               ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value) \
               INSERT INTO users (name, login_name, login_key, owner_id, disabled, epoch, updated_at, verifier, \
               properties, resource, id, created_at, version) \
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, value, $11, $12 FROM next RETURNING id";
    let mut values = user.changing_values().to_vec();
    values.extend([micros(user.created_at).into(), user.version.into()]);
    let Some(row) = tx.fetch_one(sql, &values).await? else { return Ok(false) };
    user.id = row.int(0)?;
    Ok(true)
}

/// Keeps a new user and gives it its id.
pub(crate) async fn insert(tx: Tx<'_>, user: &mut User) -> Result<(), StoreError> {
    user.id = next_id(tx, "user").await?;
    let mut values = user.changing_values().to_vec();
    values.extend([user.id.into(), micros(user.created_at).into(), user.version.into()]);
    let sql = "INSERT INTO users (name, login_name, login_key, owner_id, disabled, epoch, updated_at, verifier, \
               properties, resource, id, created_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Keeps a changed user as a new version of `now`.
pub(crate) async fn update(tx: Tx<'_>, user: &mut User, now: Timestamp) -> Result<(), StoreError> {
    user.version += 1;
    user.updated_at = now;
    let mut values = user.changing_values().to_vec();
    values.extend([user.id.into(), user.version.into()]);
    let sql = "UPDATE users SET name = $1, login_name = $2, login_key = $3, owner_id = $4, disabled = $5, epoch = $6, \
               updated_at = $7, verifier = $8, properties = $9, resource = $10, version = $12 WHERE id = $11";
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Notes that the user signed in; no new version.
pub(crate) async fn signed_in(tx: Tx<'_>, id: Id, now: Timestamp) -> Result<(), StoreError> {
    if let Some(mut user) = by_id(tx, id).await? {
        user.properties.last_login = Some(now);
        let values = [json(&user.properties).into(), id.into()];
        tx.execute("UPDATE users SET properties = $1 WHERE id = $2", &values).await?;
    }
    Ok(())
}

/// Removes a user with memberships and tokens. Groups that lose a member are new versions of `now`.
pub(crate) async fn delete(tx: Tx<'_>, id: Id, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE roles SET version = version + 1, updated_at = $2 \
         WHERE id IN (SELECT role_id FROM memberships WHERE user_id = $1)",
        &[id.into(), micros(now).into()],
    )
    .await?;
    tx.execute("DELETE FROM memberships WHERE user_id = $1", &[id.into()]).await?;
    tx.execute("DELETE FROM access_tokens WHERE user_id = $1", &[id.into()]).await?;
    tx.execute("DELETE FROM users WHERE id = $1", &[id.into()]).await?;
    Ok(())
}

/// The epoch that a user's sessions must have, if the user exists and is not disabled.
pub(crate) async fn live_epoch(tx: Tx<'_>, id: Id) -> Result<Option<i64>, StoreError> {
    let row = tx.fetch_one("SELECT epoch FROM users WHERE id = $1 AND disabled = 0", &[id.into()]).await?;
    Ok(row.and_then(|row| row.opt_int(0)))
}
