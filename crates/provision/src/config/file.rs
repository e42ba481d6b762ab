//! The keys of `provision.toml`, and how they become a [`Config`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oktant_base::{Secret, Timestamp};
use serde::Deserialize;

use super::mapping::{Apply, DriftPolicy, Mappings, Rule};
use super::{Config, GroupOptions, Kind, Read, Safeguards, TargetConfig, Update, UserOptions, Variables, target};
use crate::attribute::{AttributePath, ENTERPRISE_SCHEMA};
use crate::error::Error;
use crate::expression::Expression;

/// Members that one request may carry, whatever the file says.
const BATCH_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    app: String,
    state: Option<PathBuf>,
    #[serde(default)]
    org: OrgSection,
    target: TargetSection,
    #[serde(default)]
    users: UsersSection,
    #[serde(default)]
    mappings: BTreeMap<String, MappingEntry>,
    #[serde(default)]
    groups: GroupsSection,
    #[serde(default)]
    safeguards: SafeguardsSection,
    #[serde(default)]
    snowflake: SnowflakeSection,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct OrgSection {
    dsn_env: Option<String>,
    dsn_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetSection {
    url: String,
    token_env: Option<String>,
    token_file: Option<PathBuf>,
    token_issued: Option<toml::value::Datetime>,
    #[serde(default = "six_months")]
    token_lifetime_days: u32,
    #[serde(default)]
    kind: KindWord,
    #[serde(default)]
    update: UpdateWord,
    #[serde(default)]
    read: ReadWord,
    page_size: Option<usize>,
    concurrency_max: Option<usize>,
    timeout_seconds: Option<u64>,
    ca_file: Option<PathBuf>,
}

/// # Source
///
/// Snowflake documentation: a SCIM access token is valid for six months.
const fn six_months() -> u32 {
    182
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    #[default]
    Rfc,
    Snowflake,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum UpdateWord {
    #[default]
    Auto,
    Patch,
    Put,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum ReadWord {
    #[default]
    Auto,
    Lookup,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct UsersSection {
    user_name: Option<String>,
    r#match: Option<Vec<MatchWord>>,
    suspended: SuspendedWord,
    on_unassign: UnassignWord,
    password: PasswordWord,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
enum MatchWord {
    #[serde(rename = "userName")]
    UserName,
    #[serde(rename = "email")]
    Email,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum SuspendedWord {
    #[default]
    Keep,
    Deactivate,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum UnassignWord {
    #[default]
    Deactivate,
    Delete,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum PasswordWord {
    #[default]
    None,
    Random,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MappingEntry {
    Expression(String),
    Rule(MappingRule),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingRule {
    expression: String,
    #[serde(default)]
    apply: Apply,
    #[serde(default)]
    drift: DriftPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GroupsSection {
    mappings: bool,
    names: Vec<String>,
    name: String,
    rename: bool,
    adopt: bool,
    on_unlink: UnlinkWord,
    foreign_members: ForeignWord,
    batch: usize,
    nested: BTreeMap<String, Vec<String>>,
}

impl Default for GroupsSection {
    fn default() -> Self {
        Self {
            mappings: true,
            names: Vec::new(),
            name: "group.name".to_owned(),
            rename: true,
            adopt: false,
            on_unlink: UnlinkWord::default(),
            foreign_members: ForeignWord::default(),
            batch: 200,
            nested: BTreeMap::new(),
        }
    }
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum UnlinkWord {
    #[default]
    Keep,
    Delete,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum ForeignWord {
    #[default]
    Remove,
    Keep,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SafeguardsSection {
    deactivate_percent: f64,
    remove_members_percent: f64,
    delete_groups_percent: f64,
    floor: usize,
}

impl Default for SafeguardsSection {
    /// # Source
    ///
    /// Okta's import safeguard: 20 %.
    fn default() -> Self {
        Self { deactivate_percent: 20.0, remove_members_percent: 20.0, delete_groups_percent: 20.0, floor: 1 }
    }
}

/// Attributes of Snowflake users: each key is an expression.
///
/// # Source
///
/// Snowflake documentation, SCIM user attributes: custom attributes stand in the enterprise extension for Okta.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SnowflakeSection {
    namespace: Option<String>,
    run_as_role: Option<String>,
    user_name: Option<String>,
    default_role: Option<String>,
    default_warehouse: Option<String>,
    default_secondary_roles: Option<String>,
    r#type: Option<String>,
    allowed_interfaces: Option<String>,
    tags: Option<String>,
}

impl SnowflakeSection {
    fn attributes(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let named = [
            ("snowflakeUserName", &self.user_name),
            ("defaultRole", &self.default_role),
            ("defaultWarehouse", &self.default_warehouse),
            ("defaultSecondaryRoles", &self.default_secondary_roles),
            ("type", &self.r#type),
            ("allowedInterfaces", &self.allowed_interfaces),
            ("snowflakeTags", &self.tags),
        ];
        named.into_iter().filter_map(|(name, expression)| Some((name, expression.as_ref()?)))
    }
}

pub(super) fn read(text: &str, path: &Path, variables: &Variables) -> Result<Config, Error> {
    let file: File = toml::from_str(text).map_err(|error| Error::Config {
        path: path.to_owned(),
        problem: error.to_string().trim_end().to_owned(),
        hint: None,
    })?;
    let reader = Reader { path, folder: path.parent().unwrap_or_else(|| Path::new("")), variables };
    let own = own_mappings(&file)?;
    let default_state = path.with_extension("db");
    let state = file.state.map_or(default_state, |state| reader.folder.join(state));
    Ok(Config {
        dsn: reader.secret("org.dsn", file.org.dsn_env.as_deref(), file.org.dsn_file.as_deref())?,
        app: file.app,
        state,
        target: reader.target(file.target, file.snowflake.run_as_role)?,
        mappings: Mappings::build(own)?,
        users: users(&file.users),
        groups: reader.groups(file.groups)?,
        safeguards: reader.safeguards(&file.safeguards)?,
    })
}

fn own_mappings(file: &File) -> Result<Vec<(AttributePath, Rule)>, Error> {
    let mut own = Vec::new();
    for (attribute, entry) in &file.mappings {
        let wrong = |problem: &str| Error::Mapping { attribute: attribute.clone(), problem: problem.to_owned() };
        let path = AttributePath::parse(attribute).map_err(|problem| wrong(&problem))?;
        if ["active", "password", "id", "schemas", "meta", "groups"].iter().any(|name| path.is(name)) {
            return Err(wrong("it is not mapped: it follows from the assignment"));
        }
        let rule = match entry {
            MappingEntry::Expression(expression) => Rule::of(expression),
            MappingEntry::Rule(rule) => {
                Rule { expression: rule.expression.clone(), apply: rule.apply, drift: rule.drift }
            }
        };
        own.push((path, rule));
    }
    if let Some(expression) = &file.users.user_name {
        own.push((AttributePath::parse("userName").expect("it is one"), Rule::of(expression)));
    }
    let namespace = file.snowflake.namespace.as_deref().unwrap_or(ENTERPRISE_SCHEMA);
    for (name, expression) in file.snowflake.attributes() {
        own.push((AttributePath::of_extension(namespace, name), Rule::of(expression)));
    }
    Ok(own)
}

fn users(section: &UsersSection) -> UserOptions {
    UserOptions {
        match_email: section.r#match.as_ref().is_some_and(|words| words.contains(&MatchWord::Email)),
        deactivate_suspended: section.suspended == SuspendedWord::Deactivate,
        delete: section.on_unassign == UnassignWord::Delete,
        random_password: section.password == PasswordWord::Random,
    }
}

/// Reads what refers to other places: files beside this one, and the environment.
struct Reader<'a> {
    path: &'a Path,
    folder: &'a Path,
    variables: &'a Variables,
}

impl Reader<'_> {
    fn wrong(&self, problem: String, hint: Option<String>) -> Error {
        Error::Config { path: self.path.to_owned(), problem, hint }
    }

    fn target(&self, section: TargetSection, run_as_role: Option<String>) -> Result<TargetConfig, Error> {
        let token = self.secret("target.token", section.token_env.as_deref(), section.token_file.as_deref())?;
        let token = token.ok_or_else(|| {
            let hint = "name an environment variable in target.token_env, or a file in target.token_file";
            self.wrong("target has no token".to_owned(), Some(hint.to_owned()))
        })?;
        let kind = if section.kind == KindWord::Snowflake { Kind::Snowflake } else { Kind::Rfc };
        let bounded = |name: &str, value: Option<usize>, default: usize, most: usize| match value.unwrap_or(default) {
            value if (1..=most).contains(&value) => Ok(value),
            value => Err(self.wrong(format!("target.{name} = {value} is not in 1 to {most}"), None)),
        };
        let ca = section.ca_file.map(|file| self.bytes(&file)).transpose()?;
        Ok(TargetConfig {
            url: target::base(&section.url)?,
            token,
            token_issued: section.token_issued.map(|issued| self.instant(issued)).transpose()?,
            token_lifetime: Duration::from_hours(24 * u64::from(section.token_lifetime_days)),
            kind,
            update: match section.update {
                UpdateWord::Auto => Update::Auto,
                UpdateWord::Patch => Update::Patch,
                UpdateWord::Put => Update::Put,
            },
            read: match section.read {
                ReadWord::Auto => Read::Auto,
                ReadWord::Lookup => Read::Lookup,
            },
            page_size: bounded("page_size", section.page_size, 500, 10_000)?,
            // 500 in flight is the documented limit of an account; the rest is left to other clients.
            concurrency_max: bounded("concurrency_max", section.concurrency_max, 400, 10_000)?,
            timeout: Duration::from_secs(section.timeout_seconds.unwrap_or(60)),
            ca,
            run_as_role: run_as_role.unwrap_or_else(|| "OKTA_PROVISIONER".to_owned()),
        })
    }

    fn groups(&self, section: GroupsSection) -> Result<GroupOptions, Error> {
        if !(1..=BATCH_MAX).contains(&section.batch) {
            return Err(self.wrong(format!("groups.batch = {} is not in 1 to {BATCH_MAX}", section.batch), None));
        }
        let wrong = |error: crate::expression::ParseError| Error::Mapping {
            attribute: "groups.name".to_owned(),
            problem: error.to_string(),
        };
        Ok(GroupOptions {
            mappings: section.mappings,
            names: section.names,
            name: Expression::parse(&section.name).map_err(wrong)?,
            rename: section.rename,
            adopt: section.adopt,
            delete: section.on_unlink == UnlinkWord::Delete,
            keep_foreign_members: section.foreign_members == ForeignWord::Keep,
            batch: section.batch,
            nested: section.nested,
        })
    }

    fn safeguards(&self, section: &SafeguardsSection) -> Result<Safeguards, Error> {
        let SafeguardsSection { deactivate_percent, remove_members_percent, delete_groups_percent, floor } = *section;
        for (name, percent) in [
            ("deactivate_percent", deactivate_percent),
            ("remove_members_percent", remove_members_percent),
            ("delete_groups_percent", delete_groups_percent),
        ] {
            if !(0.0..=100.0).contains(&percent) {
                return Err(self.wrong(format!("safeguards.{name} = {percent} is not in 0 to 100"), None));
            }
        }
        Ok(Safeguards { deactivate_percent, remove_members_percent, delete_groups_percent, floor })
    }

    /// A secret of an environment variable or of a file, without the line end that editors add.
    fn secret(&self, key: &str, variable: Option<&str>, file: Option<&Path>) -> Result<Option<Secret>, Error> {
        let text = match (variable, file) {
            (Some(_), Some(_)) => {
                return Err(self.wrong(format!("{key}_env and {key}_file exclude each other"), None));
            }
            (Some(name), None) => self.variables.get(name).cloned().ok_or_else(|| {
                let hint = format!("export {name}=…, or use {key}_file");
                self.wrong(format!("{key}_env names {name}, which is not set"), Some(hint))
            })?,
            (None, Some(file)) => {
                String::from_utf8(self.bytes(file)?).map_err(|_| self.wrong(format!("{key}_file is no text"), None))?
            }
            (None, None) => return Ok(None),
        };
        let text = text.trim().to_owned();
        if text.is_empty() {
            let problem = match (variable, file) {
                (Some(name), _) => format!("{key}_env names {name}, which is empty"),
                (None, Some(file)) => format!("{key}_file names {}, which is empty", file.display()),
                (None, None) => format!("{key} is empty"),
            };
            return Err(self.wrong(problem, None));
        }
        Ok(Some(Secret::new(text)))
    }

    fn bytes(&self, file: &Path) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(file);
        std::fs::read(&path).map_err(|source| Error::ReadConfig { path, source })
    }

    /// A date of TOML; one without a time is its first moment in UTC.
    fn instant(&self, date: toml::value::Datetime) -> Result<Timestamp, Error> {
        let text = date.to_string();
        let whole = match (date.time, date.offset) {
            (None, _) => format!("{text}T00:00:00Z"),
            (Some(_), None) => format!("{text}Z"),
            (Some(_), Some(_)) => text.clone(),
        };
        whole.parse().map_err(|_| self.wrong(format!("target.token_issued = {text} is no date"), None))
    }
}
