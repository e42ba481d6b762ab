//! Statements: what they say, how they are read, and one module per family that runs them.

pub(crate) mod account;
pub(crate) mod container;
pub(crate) mod create;
pub(crate) mod cursor;
pub(crate) mod grant;
pub(crate) mod integration;
pub(crate) mod parse;
pub(crate) mod policy;
pub(crate) mod role;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod tables;
pub(crate) mod token;
pub(crate) mod usage;
pub(crate) mod user;

use cursor::Property;

/// A kind of object that statements make, change and drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    User,
    Role,
    Integration,
    NetworkPolicy,
    Database,
    Schema,
    Warehouse,
    Table,
}

impl ObjectKind {
    /// As messages begin with it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Role => "Role",
            Self::Integration => "Integration",
            Self::NetworkPolicy => "Network policy",
            Self::Database => "Database",
            Self::Schema => "Schema",
            Self::Warehouse => "Warehouse",
            Self::Table => "Table",
        }
    }

    /// As messages have it in the middle.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Integration => "integration",
            Self::NetworkPolicy => "network policy",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Warehouse => "warehouse",
            Self::Table => "table",
        }
    }

    /// As `SHOW GRANTS` prints it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Role => "ROLE",
            Self::Integration => "INTEGRATION",
            Self::NetworkPolicy => "NETWORK_POLICY",
            Self::Database => "DATABASE",
            Self::Schema => "SCHEMA",
            Self::Warehouse => "WAREHOUSE",
            Self::Table => "TABLE",
        }
    }
}

/// What `CREATE` does about an object of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreateMode {
    /// It is an error.
    New,
    /// `OR REPLACE`.
    OrReplace,
    /// `OR ALTER`.
    OrAlter,
    /// `IF NOT EXISTS`.
    IfNotExists,
}

/// What `ALTER` does.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Set(Vec<Property>),
    /// Names in upper case.
    Unset(Vec<String>),
    RenameTo(String),
    /// A change that an emulation has nothing to do for: aborting queries of others, and the like.
    Nothing,
}

/// A statement about programmatic access tokens of a user.
#[derive(Debug, Clone)]
pub(crate) enum TokenChange {
    Add { name: String, properties: Vec<Property> },
    Remove { name: String },
}

/// What `SHOW` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    Users,
    Roles,
    Integrations,
    NetworkPolicies,
    Databases,
    Schemas,
    Warehouses,
    Tables,
    /// Columns of tables.
    Columns,
    Parameters,
    AccessTokens {
        user: Option<String>,
    },
    GrantsOnAccount,
    GrantsOn {
        kind: ObjectKind,
        name: Vec<String>,
    },
    GrantsToRole(String),
    GrantsToUser(String),
    GrantsOfRole(String),
    /// `SHOW GRANTS` alone: those of the caller.
    Grants,
}

/// Where `SHOW` looks for objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Within {
    /// Where it looks unless told.
    Default,
    Account,
    /// The current one without a name.
    Database(Option<String>),
    /// The current one without a name.
    Schema(Option<Vec<String>>),
    Table(Vec<String>),
}

/// `SHOW` with its restrictions.
#[derive(Debug, Clone)]
pub(crate) struct Show {
    pub(crate) what: Shown,
    pub(crate) within: Within,
    pub(crate) terse: bool,
    /// A pattern with `%` and `_`, without regard to case.
    pub(crate) like: Option<String>,
    /// A prefix, with regard to case.
    pub(crate) starts_with: Option<String>,
    pub(crate) limit: Option<i64>,
    /// Rows after this name only.
    pub(crate) from: Option<String>,
}

/// Whom something is granted to.
#[derive(Debug, Clone)]
pub(crate) enum Grantee {
    Role(String),
    User(String),
}

/// What privileges are on.
#[derive(Debug, Clone)]
pub(crate) enum GrantObject {
    Account,
    One {
        kind: ObjectKind,
        name: Vec<String>,
    },
    /// `ALL TABLES IN SCHEMA s` or `IN DATABASE d`.
    AllTables {
        container: Vec<String>,
    },
}

/// What becomes of the privileges on an object that gets another owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurrentGrants {
    /// `REVOKE CURRENT GRANTS`.
    Revoke,
    /// `COPY CURRENT GRANTS`: they stay, and the new owner is who granted them.
    Copy,
}

/// `GRANT` or `REVOKE`.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    Privileges {
        privileges: Vec<String>,
        object: GrantObject,
        grantee: Grantee,
        /// `WITH GRANT OPTION`; in `REVOKE` that nothing but the option is meant.
        grant_option: bool,
    },
    Role {
        role: String,
        grantee: Grantee,
        grant_option: bool,
    },
    Ownership {
        kind: ObjectKind,
        name: Vec<String>,
        role: String,
        current_grants: Option<CurrentGrants>,
    },
}

/// `USE`.
#[derive(Debug, Clone)]
pub(crate) enum Use {
    Role(String),
    SecondaryRoles {
        all: bool,
    },
    Database(String),
    Schema(Vec<String>),
    /// `USE a.b` or `USE a`.
    Namespace(Vec<String>),
    Warehouse(String),
}

/// A statement.
#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Query(Box<sqlparser::ast::Query>),
    Use(Use),
    Create {
        kind: ObjectKind,
        mode: CreateMode,
        name: Vec<String>,
        properties: Vec<Property>,
    },
    Alter {
        kind: ObjectKind,
        if_exists: bool,
        name: Vec<String>,
        change: Change,
    },
    AlterAccount(Change),
    /// `ALTER SESSION`, and transactions: there is nothing for them to act on.
    AlterSession,
    Transaction,
    Token {
        user: Option<String>,
        change: TokenChange,
    },
    Drop {
        kind: ObjectKind,
        if_exists: bool,
        name: Vec<String>,
    },
    Describe {
        kind: ObjectKind,
        name: Vec<String>,
    },
    Show(Show),
    Grant(Grant),
    Revoke(Grant),
}
