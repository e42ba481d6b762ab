//! The errors that an account answers with: Snowflake's numbers, SQLSTATEs and texts.

use std::fmt;

use oktant_base::{Code, Coded, codes};
use oktant_store::StoreError;

use crate::statement::cursor::NAME_LENGTH_MAX;

/// An error as a Snowflake account gives it to its clients.
///
/// # Source
///
/// Numbers and texts: Snowflake's documentation and the answers its drivers' tests record. Where a
/// function says "assumed", the number is the nearest documented one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnowflakeError {
    /// The number, such as 1003; printed with six digits.
    pub code: u32,
    /// The SQLSTATE, five characters.
    pub sqlstate: &'static str,
    /// The whole message, its prefix included.
    pub message: String,
    /// Line in the statement, from 1; absent where the error has no place.
    pub line: Option<u64>,
    /// Column in the line, from 0.
    pub pos: Option<u64>,
}

const COMPILATION: &str = "SQL compilation error:\n";
const ACCESS: &str = "SQL access control error:\n";

impl SnowflakeError {
    fn new(code: u32, sqlstate: &'static str, message: String) -> Self {
        Self { code, sqlstate, message, line: None, pos: None }
    }

    /// The number as clients see it: six digits.
    pub fn code_text(&self) -> String {
        format!("{:06}", self.code)
    }

    /// The statement does not parse: `token` stands where it must not.
    pub fn syntax(line: u64, pos: u64, token: &str) -> Self {
        let message = format!("{COMPILATION}syntax error line {line} at position {pos} unexpected '{token}'.");
        Self { line: Some(line), pos: Some(pos), ..Self::new(1003, "42000", message) }
    }

    /// A column or variable that does not exist.
    pub fn invalid_identifier(line: u64, pos: u64, name: &str) -> Self {
        let message = format!("{COMPILATION}error line {line} at position {pos}\ninvalid identifier '{name}'");
        Self { line: Some(line), pos: Some(pos), ..Self::new(904, "42000", message) }
    }

    /// A function that does not exist.
    pub fn unknown_function(name: &str) -> Self {
        Self::new(2140, "42601", format!("{COMPILATION}Unknown function {name}"))
    }

    /// A function was called with arguments that it does not take.
    pub fn invalid_argument(value: &str, parameter: &str) -> Self {
        Self::new(1008, "22023", format!("{COMPILATION}invalid value [{value}] for parameter '{parameter}'"))
    }

    /// A function or operator was given a value of a type that it does not take.
    pub fn invalid_type(value: &str, parameter: &str) -> Self {
        Self::new(1007, "22023", format!("{COMPILATION}invalid type [{value}] for parameter '{parameter}'"))
    }

    /// A property was given a value that it does not take.
    pub fn invalid_property_value(value: &str, property: &str) -> Self {
        Self::new(1422, "22023", format!("{COMPILATION}invalid value '{value}' for property '{property}'"))
    }

    /// A property that the statement does not have. The number is assumed.
    pub fn invalid_property(property: &str, object: &str) -> Self {
        Self::new(1420, "22023", format!("{COMPILATION}invalid property '{property}' for '{object}'"))
    }

    /// Options that the statement must have.
    pub fn missing_option(option: &str) -> Self {
        Self::new(2029, "42601", format!("{COMPILATION}Missing option(s): [{option}]"))
    }

    /// Two options that exclude each other. The number is assumed.
    pub fn conflicting_options(first: &str, second: &str) -> Self {
        Self::new(2021, "42601", format!("{COMPILATION}options {first} and {second} are incompatible"))
    }

    /// A name with more characters than names may have. The number is assumed.
    pub fn name_too_long() -> Self {
        let message = format!("{COMPILATION}A name has at most {NAME_LENGTH_MAX} characters.");
        Self::new(904, "42000", message)
    }

    /// An object of that name exists.
    pub fn already_exists(name: &str) -> Self {
        Self::new(2002, "42710", format!("{COMPILATION}Object '{name}' already exists."))
    }

    /// An object that does not exist, or that the caller may not know about.
    pub fn does_not_exist(kind: &str, name: &str) -> Self {
        Self::new(2003, "02000", format!("{COMPILATION}{kind} '{name}' does not exist or not authorized."))
    }

    /// Something that does not exist or that cannot be done to it.
    pub fn cannot_be_performed() -> Self {
        Self::new(2043, "02000", format!("{COMPILATION}Object does not exist, or operation cannot be performed."))
    }

    /// The caller's roles do not allow it.
    pub fn insufficient_privileges(kind: &str, name: &str) -> Self {
        Self::new(3001, "42501", format!("{ACCESS}Insufficient privileges to operate on {kind} '{name}'"))
    }

    /// The user is the last one who has the role `ACCOUNTADMIN`. The number is assumed.
    pub fn last_administrator(user: &str) -> Self {
        let message = format!("{ACCESS}User '{user}' cannot be dropped: no other user has the role ACCOUNTADMIN.");
        Self::new(3001, "42501", message)
    }

    /// The caller's primary role lacks a privilege on the account.
    pub fn needs_account_privilege(account: &str, role: &str, privilege: &str) -> Self {
        let message = format!(
            "{ACCESS}Insufficient privileges to operate on account '{account}'. \
             Your primary role {role} must have {privilege} granted on ACCOUNT"
        );
        Self::new(3001, "42501", message)
    }

    /// `USE ROLE` of a role that the user does not have.
    pub fn role_not_assigned(role: &str) -> Self {
        // Two blanks, as the original has them.
        let message = format!(
            "{ACCESS}Requested role '{role}' is not assigned to the executing user.  Specify another role to activate."
        );
        Self::new(3013, "42501", message)
    }

    /// What an access token with a role restriction keeps its session from. The number is assumed.
    pub fn restricted_to_role(role: &str) -> Self {
        let message = format!("{ACCESS}The access token of this session is restricted to the role '{role}'.");
        Self::new(3001, "42501", message)
    }

    /// Ownership of an object that has grants, moved without saying what becomes of them. The number is assumed.
    pub fn dependent_grants() -> Self {
        let message = "Dependent grant of privilege exists. It must be revoked first. More than one dependent grant may \
                       exist: use REVOKE CURRENT GRANTS or COPY CURRENT GRANTS.";
        Self::new(3001, "42501", format!("{ACCESS}{message}"))
    }

    /// Some privileges of a grant could not be granted.
    pub fn grant_not_executed(privileges: &str) -> Self {
        Self::new(3011, "42501", format!("{ACCESS}Grant partially executed: privileges [{privileges}] not granted."))
    }

    /// A network policy that is in use.
    pub fn policy_attached(policy: &str, kind: &str, name: &str) -> Self {
        let message = format!(
            "{COMPILATION}Cannot perform Drop operation on network policy {policy}. The policy is attached to {kind} \
             with name {name}. Unset the network policy from {kind} and try the Drop operation again."
        );
        Self::new(1492, "42601", message)
    }

    /// A network policy without a single address.
    pub fn policy_empty(policy: &str) -> Self {
        Self::new(98_519, "22023", format!("Network policy {policy} cannot be activated because it is empty."))
    }

    /// A policy on the account that would lock its setter out. The number is assumed.
    pub fn policy_locks_out(policy: &str, ip: &str) -> Self {
        let message = format!(
            "Network policy {policy} cannot be activated. Requestor IP address, {ip}, must be included in the \
             allowed network policy."
        );
        Self::new(1493, "42601", message)
    }

    /// A name without a database, in a session that has none.
    pub fn no_current_database() -> Self {
        let message = "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', \
                       or use a qualified name.";
        Self::new(90_105, "22000", message.to_owned())
    }

    /// Something that this account does not offer.
    pub fn unsupported(feature: &str) -> Self {
        Self::new(2, "0A000", format!("Unsupported feature '{feature}'."))
    }

    /// A number divided by nothing.
    pub fn division_by_zero() -> Self {
        Self::new(100_051, "22012", "Division by zero".to_owned())
    }

    /// A statement with more or fewer values than placeholders.
    pub fn bind_missing(position: usize) -> Self {
        Self::new(2049, "42601", format!("{COMPILATION}Bind variable :{position} not set."))
    }

    /// A statement that was interrupted.
    pub fn cancelled() -> Self {
        Self::new(604, "57014", "SQL execution canceled".to_owned())
    }

    /// A name or password that is not right; which of them stays unsaid.
    pub fn bad_credentials() -> Self {
        Self::new(390_100, "28000", "Incorrect username or password was specified.".to_owned())
    }

    /// The client asked for another account than this one. The number is assumed to be that of wrong credentials.
    pub fn other_account(asked: &str, name: &str) -> Self {
        Self::new(390_100, "28000", format!("The account '{asked}' is not served here, which is '{name}'."))
    }

    /// The user is disabled. The number is assumed to be that of wrong credentials.
    pub fn user_disabled() -> Self {
        let message = "User access disabled. Contact your local system administrator.";
        Self::new(390_100, "28000", message.to_owned())
    }

    /// The session has ended: its user was disabled or dropped, or it was closed.
    pub fn session_gone() -> Self {
        Self::new(390_111, "08003", "Session no longer exists.  New login required to access the service.".to_owned())
    }

    /// A role in the login that the user does not have.
    pub fn login_role(role: &str) -> Self {
        let message = format!("Role '{role}' specified in the connect string does not exist or not authorized.");
        Self::new(390_189, "08001", message)
    }

    /// A database, schema or warehouse in the login that does not exist.
    pub fn login_object(kind: &str) -> Self {
        Self::new(390_201, "08004", format!("The requested {kind} does not exist or not authorized."))
    }

    /// The caller's address is not allowed by a network policy.
    pub fn address_denied(ip: &str) -> Self {
        let message = format!("Incoming request with IP/Token {ip} is not allowed to access Snowflake.");
        Self::new(390_422, "08004", message)
    }

    /// A mistake of ours or of the database below; what it was goes to the log, not to the client.
    pub fn internal() -> Self {
        Self::new(300_002, "XX000", "Processing aborted by an internal error; see the server's log.".to_owned())
    }

    /// An error of the engine that reads Okta's tables.
    pub fn engine(sqlstate: &'static str, message: String) -> Self {
        Self::new(100_183, sqlstate, message)
    }

    /// At a place in the statement.
    #[must_use]
    pub fn at(mut self, line: u64, pos: u64) -> Self {
        (self.line, self.pos) = (Some(line), Some(pos));
        self
    }
}

impl fmt::Display for SnowflakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code_text(), self.sqlstate, self.message)
    }
}

impl std::error::Error for SnowflakeError {}

impl From<StoreError> for SnowflakeError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the account's database failed");
        Self::internal()
    }
}

impl Coded for SnowflakeError {
    fn code(&self) -> Code {
        match self.code {
            300_002 => codes::OKT9001,
            390_000..=390_999 => codes::OKT7002,
            _ => codes::OKT7003,
        }
    }
}

/// Why an account could not be opened or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database below.
    #[error("the store of account \"{account}\" failed")]
    Store {
        /// The account's name.
        account: String,
        /// What the store says.
        #[source]
        source: StoreError,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        codes::OKT7001
    }
}
