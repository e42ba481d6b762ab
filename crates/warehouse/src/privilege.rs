//! What a session may do: its roles, what they inherit, what they own and hold.

use std::collections::BTreeSet;

use oktant_store::StoreError;

use crate::error::SnowflakeError;
use crate::model::user::SecondaryRoles;
use crate::model::{Id, Tx, grant, role};

/// The roles of a session at one moment and what they allow.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    /// The user; none for the account itself.
    pub(crate) user_id: Option<Id>,
    pub(crate) user_name: String,
    /// The primary role: it owns what the session makes.
    pub(crate) role_id: Id,
    pub(crate) role_name: String,
    /// The primary role with what it inherits: only these let a session make something.
    primary: BTreeSet<Id>,
    /// Roles that are active: primary, secondary, and what they inherit.
    pub(crate) active: BTreeSet<Id>,
    /// Roles that the session may take on as primary ones.
    pub(crate) available: BTreeSet<Id>,
    /// Whether the credential holds the session to one role.
    pub(crate) restricted: bool,
    privileges: Vec<grant::Privilege>,
}

/// A privilege on a database that the account itself checks.
pub(crate) const CREATE_SCHEMA: &str = "CREATE SCHEMA";

/// A privilege on the account that the account itself checks.
pub(crate) mod account {
    pub(crate) const CREATE_USER: &str = "CREATE USER";
    pub(crate) const CREATE_ROLE: &str = "CREATE ROLE";
    pub(crate) const CREATE_DATABASE: &str = "CREATE DATABASE";
    pub(crate) const CREATE_WAREHOUSE: &str = "CREATE WAREHOUSE";
    pub(crate) const CREATE_INTEGRATION: &str = "CREATE INTEGRATION";
    pub(crate) const CREATE_NETWORK_POLICY: &str = "CREATE NETWORK POLICY";
    pub(crate) const MANAGE_GRANTS: &str = "MANAGE GRANTS";
    pub(crate) const MONITOR_USER: &str = "MONITOR USER";
    pub(crate) const MONITOR_ROLE: &str = "MONITOR ROLE";
}

/// Who holds what from the beginning: role, privilege on the account.
///
/// # Source
///
/// Snowflake documentation, "Overview of access control", system-defined roles.
pub(crate) const INITIAL: [(Id, &str); 7] = [
    (role::USERADMIN, account::CREATE_USER),
    (role::USERADMIN, account::CREATE_ROLE),
    (role::SECURITYADMIN, account::MANAGE_GRANTS),
    (role::SECURITYADMIN, account::CREATE_NETWORK_POLICY),
    (role::SYSADMIN, account::CREATE_DATABASE),
    (role::SYSADMIN, account::CREATE_WAREHOUSE),
    (role::ACCOUNTADMIN, account::CREATE_INTEGRATION),
];

/// Which role inherits which from the beginning: role, parent.
pub(crate) const HIERARCHY: [(Id, Id); 3] = [
    (role::USERADMIN, role::SECURITYADMIN),
    (role::SECURITYADMIN, role::ACCOUNTADMIN),
    (role::SYSADMIN, role::ACCOUNTADMIN),
];

impl Authority {
    /// The authority of a user with `primary` as the primary role; of `PUBLIC` alone where the user no
    /// longer has that role. Under a restriction that one role is all there is, whatever else was granted.
    pub(crate) async fn of_user(
        tx: Tx<'_>,
        (user_id, user_name): (Id, &str),
        primary: Id,
        secondary: SecondaryRoles,
        restriction: Option<Id>,
    ) -> Result<Self, StoreError> {
        let granted = role::of_user(tx, user_id).await?.into_iter().map(|(id, _)| id).chain([role::PUBLIC]).collect();
        let mut available = grant::closure(tx, &granted).await?;
        if let Some(only) = restriction {
            available.retain(|id| *id == only);
        }
        let primary = if available.contains(&primary) { primary } else { role::PUBLIC };
        let secondary = match (secondary, restriction) {
            (SecondaryRoles::All, None) => available.clone(),
            _ => BTreeSet::new(),
        };
        let authority = Self::build(tx, user_name, primary, secondary).await?;
        Ok(Self { user_id: Some(user_id), available, restricted: restriction.is_some(), ..authority })
    }

    /// The authority of a role by itself: of the account's own work, or of a provisioner.
    pub(crate) async fn of_role(tx: Tx<'_>, name: &str, role_id: Id) -> Result<Self, StoreError> {
        Self::build(tx, name, role_id, BTreeSet::new()).await
    }

    /// `secondary` holds what its roles inherit.
    async fn build(tx: Tx<'_>, user_name: &str, role_id: Id, secondary: BTreeSet<Id>) -> Result<Self, StoreError> {
        let primary = grant::closure(tx, &BTreeSet::from([role_id, role::PUBLIC])).await?;
        let active = &primary | &secondary;
        let privileges = grant::of_roles(tx, &active).await?;
        let role_name = role::by_id(tx, role_id).await?.map_or_else(|| "PUBLIC".to_owned(), |role| role.name);
        Ok(Self {
            user_id: None,
            user_name: user_name.to_owned(),
            role_id,
            role_name,
            primary,
            available: active.clone(),
            active,
            restricted: false,
            privileges,
        })
    }

    /// Whether the primary role is `role_id` or inherits it.
    pub(crate) fn inherits(&self, role_id: Id) -> bool {
        self.primary.contains(&role_id)
    }

    /// Whether the session may make what `privilege` on an object allows to make. Secondary roles do not count.
    ///
    /// # Source
    ///
    /// Snowflake documentation, "Overview of access control", primary and secondary roles: CREATE is authorised by
    /// the primary role.
    pub(crate) fn creates(&self, privilege: &str, kind: &str, name: &str) -> bool {
        let on_account = kind == grant::ON_ACCOUNT && self.inherits(role::ACCOUNTADMIN);
        on_account || self.find(privilege, kind, name).any(|grant| self.inherits(grant.role_id))
    }

    /// Whether `ACCOUNTADMIN` is active.
    pub(crate) fn is_account_admin(&self) -> bool {
        self.active.contains(&role::ACCOUNTADMIN)
    }

    /// Whether an active role owns what `owner` owns. What the system owns is `ACCOUNTADMIN`'s.
    pub(crate) fn owns(&self, owner: Option<Id>) -> bool {
        self.active.contains(&owner.unwrap_or(role::ACCOUNTADMIN))
    }

    /// Whether an active role holds `privilege` on the account.
    pub(crate) fn holds(&self, privilege: &str) -> bool {
        self.holds_on(privilege, grant::ON_ACCOUNT, "")
    }

    /// Whether an active role holds `privilege` on an object. `ACCOUNTADMIN` holds all on the account.
    pub(crate) fn holds_on(&self, privilege: &str, kind: &str, name: &str) -> bool {
        let on_account = kind == grant::ON_ACCOUNT && self.is_account_admin();
        on_account || self.find(privilege, kind, name).next().is_some()
    }

    /// Whether an active role may hand `privilege` on an object to others.
    pub(crate) fn may_grant(&self, privilege: &str, kind: &str, name: &str) -> bool {
        self.holds(account::MANAGE_GRANTS) || self.find(privilege, kind, name).any(|grant| grant.grant_option)
    }

    fn find<'a>(
        &'a self,
        privilege: &'a str,
        kind: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a grant::Privilege> {
        self.privileges
            .iter()
            .filter(move |grant| grant.object_kind == kind && grant.object_name == name && grant.privilege == privilege)
    }

    /// Refuses unless the session may make what `privilege` on the account allows to make.
    pub(crate) fn require(&self, privilege: &str, account: &str) -> Result<(), SnowflakeError> {
        if self.creates(privilege, grant::ON_ACCOUNT, "") {
            return Ok(());
        }
        Err(SnowflakeError::needs_account_privilege(account, &self.role_name, privilege))
    }

    /// Refuses unless an active role owns the object.
    pub(crate) fn require_ownership(&self, owner: Option<Id>, kind: &str, name: &str) -> Result<(), SnowflakeError> {
        if self.owns(owner) { Ok(()) } else { Err(SnowflakeError::insufficient_privileges(kind, name)) }
    }

    /// Which of the engine's tables may be read.
    ///
    /// Reading takes USAGE on database and schema and SELECT on the table; `ACCOUNTADMIN`, whose the tables are,
    /// needs none of them.
    /// USAGE on `PUBLIC` counts for the engine's other schemas, which come and go.
    pub(crate) fn readable(&self, tables: &[String]) -> Vec<String> {
        use crate::engine::{DATABASE, SCHEMA, full_name};
        let schema = format!("{DATABASE}.{SCHEMA}");
        let owns = self.is_account_admin();
        let enters =
            self.holds_on("USAGE", grant::ON_DATABASE, DATABASE) && self.holds_on("USAGE", grant::ON_SCHEMA, &schema);
        let reads = |table: &&String| owns || enters && self.holds_on("SELECT", grant::ON_TABLE, &full_name(table));
        tables.iter().filter(reads).cloned().collect()
    }
}
