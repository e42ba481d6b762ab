//! `provision.toml`: what is provisioned, from where, to where, and how.

mod file;
mod mapping;
mod target;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oktant_base::{Secret, Timestamp};
use url::Url;

use crate::error::Error;
use crate::expression::Expression;

pub use mapping::{Apply, DriftPolicy, Mapping, Mappings};

/// Where secrets are looked up: environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// A provisioning file, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Connection string of the org, if the file says where to find one.
    pub dsn: Option<Secret>,
    /// Id or label of the application.
    pub app: String,
    /// The file that remembers what was provisioned.
    pub state: PathBuf,
    /// The target.
    pub target: TargetConfig,
    /// Target attributes and their expressions; the first is `userName`.
    pub mappings: Mappings,
    /// What happens to users.
    pub users: UserOptions,
    /// Which groups are pushed, and how.
    pub groups: GroupOptions,
    /// What stops a run.
    pub safeguards: Safeguards,
}

/// The SCIM endpoint.
#[derive(Debug, Clone)]
pub struct TargetConfig {
    /// Base URL without a trailing slash, such as `https://acme.snowflakecomputing.com/scim/v2`.
    pub url: Url,
    /// Bearer token.
    pub token: Secret,
    /// When the token was made.
    pub token_issued: Option<Timestamp>,
    /// How long a token lives.
    pub token_lifetime: Duration,
    /// Whose semantics it has.
    pub kind: Kind,
    /// How profiles are updated.
    pub update: Update,
    /// How the state of the target is read.
    pub read: Read,
    /// Users per page of a list.
    pub page_size: usize,
    /// Requests in flight per endpoint, at most.
    pub concurrency_max: usize,
    /// Time that one request may take.
    pub timeout: Duration,
    /// Certificates in PEM to trust beside those of the system.
    pub ca: Option<Vec<u8>>,
    /// Role that the security integration of a Snowflake account runs as, for hints.
    pub run_as_role: String,
}

/// Semantics of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 7643 and 7644.
    Rfc,
    /// A Snowflake account.
    Snowflake,
}

/// How profiles are updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// By PATCH, unless the target's `ServiceProviderConfig` says that it has none.
    Auto,
    /// By PATCH.
    Patch,
    /// By PUT of the whole resource.
    Put,
}

/// How the state of the target is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// By lists; by look-ups where a list is synthetic.
    Auto,
    /// User by user and group by group, by filters.
    Lookup,
}

/// What happens to users.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file, independent of the others")]
pub struct UserOptions {
    /// Whether users are found at the target by e-mail, too, if no user name fits.
    pub match_email: bool,
    /// Whether suspended users are deactivated. Okta leaves them as they are.
    pub deactivate_suspended: bool,
    /// Whether users who lose the application are deleted instead of deactivated.
    pub delete: bool,
    /// Whether users get a random password when they are created.
    pub random_password: bool,
}

/// Which groups are pushed, and how.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file, independent of the others")]
pub struct GroupOptions {
    /// Whether the push mappings of the application count.
    pub mappings: bool,
    /// Further groups, by name or id.
    pub names: Vec<String>,
    /// Name of a group at the target.
    pub name: Expression,
    /// Whether a renamed group is renamed at the target.
    pub rename: bool,
    /// Whether a group of the same name at the target is taken over.
    pub adopt: bool,
    /// Whether a group that is pushed no longer is deleted at the target.
    pub delete: bool,
    /// Whether members at the target that did not come from here stay.
    pub keep_foreign_members: bool,
    /// Members per request.
    pub batch: usize,
    /// Groups that contain groups: the outer one, and those whose members are its, too.
    pub nested: BTreeMap<String, Vec<String>>,
}

/// What stops a run before its first write. Percentages are of what is managed now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Safeguards {
    /// Users that may be deactivated or deleted, in percent.
    pub deactivate_percent: f64,
    /// Memberships that may end, of accounts that stay active, in percent.
    pub remove_members_percent: f64,
    /// Groups that may be deleted, in percent.
    pub delete_groups_percent: f64,
    /// A number of objects that is never too many.
    pub floor: usize,
}

impl Config {
    /// Reads the file at `path`; secrets come from `variables` or from files beside it.
    ///
    /// # Errors
    ///
    /// [`Error::ReadConfig`], [`Error::Config`], [`Error::Mapping`] or [`Error::Address`]: the first problem.
    pub fn load(path: &Path, variables: &Variables) -> Result<Self, Error> {
        let source = |source| Error::ReadConfig { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(source)?;
        Self::parse(&text, path, variables)
    }

    /// Reads the text of a file that stands at `path`.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path, variables: &Variables) -> Result<Self, Error> {
        file::read(text, path, variables)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rfc => "rfc",
            Self::Snowflake => "snowflake",
        })
    }
}

#[cfg(test)]
mod tests;
