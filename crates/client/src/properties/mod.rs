//! Connection properties: which org, how to sign in, and how statements behave.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Code, Coded, Secret, codes};
use url::Url;

use crate::auth::Signer;

mod domain;
mod dsn;
mod table;
mod typed;
mod value;

pub(crate) use domain::is_loopback;
pub use table::{Kind, PROPERTIES, Property, Stage, find};
pub use typed::{
    AuthScheme, CacheOptions, ClientCertificate, Comparison, Consistency, InitiateOAuth, Network, Proxy, SignIn,
    SqlOptions, TlsVersion,
};
pub(crate) use value::Value;

/// The properties of one connection, read and checked.
#[derive(Debug, Clone)]
pub struct Properties {
    /// Base URL of the org: scheme, host and port.
    pub org: Url,
    /// How to sign in.
    pub sign_in: SignIn,
    /// How to reach the org.
    pub network: Network,
    /// How long answers are kept; `None` for not at all, which is what connection strings say.
    pub cache: Option<CacheOptions>,
    /// How statements behave.
    pub sql: SqlOptions,
    /// What was corrected or has no effect, worth telling the user.
    pub warnings: Vec<String>,
    given: BTreeMap<&'static str, Secret>,
}

/// One property as `sys_connection_props` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The property.
    pub name: &'static str,
    /// The value in force, masked if secret.
    pub value: String,
    /// Whether the connection string gave it.
    pub given: bool,
    /// What the property means.
    pub doc: &'static str,
}

impl Properties {
    /// Reads a connection string: an `okta://` URL or `Name=value` pairs separated by semicolons.
    ///
    /// # Errors
    ///
    /// Every problem at once, see [`Error`].
    ///
    /// ```
    /// use oktant_client::Properties;
    ///
    /// let properties = Properties::parse("okta:///?Domain=acme-admin.okta.com&API_Token=00abc")?;
    /// assert_eq!(properties.org.as_str(), "https://acme.okta.com/");
    /// assert_eq!(properties.warnings.len(), 1);
    /// # Ok::<(), oktant_client::properties::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_with(text, Vec::new())
    }

    /// Reads a connection string and takes further properties, as keyword arguments come beside one.
    /// A property may stand in both places only with the same value.
    ///
    /// # Errors
    ///
    /// Every problem at once, see [`Error`].
    pub fn parse_with(text: &str, further: Vec<(String, String)>) -> Result<Self, Error> {
        let mut pairs = dsn::pairs(text).map_err(|reason| Error {
            problems: vec![Problem::new("", codes::OKT1003, format!("cannot read the connection string: {reason}"))],
        })?;
        pairs.extend(further);
        Self::from_pairs(pairs)
    }

    /// Takes names and values one by one, as keyword arguments come.
    ///
    /// # Errors
    ///
    /// Every problem at once, see [`Error`].
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Error>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        Self::from_pairs_with(pairs, Liberties::default())
    }

    pub(crate) fn from_pairs_with<N, V>(
        pairs: impl IntoIterator<Item = (N, V)>,
        liberties: Liberties,
    ) -> Result<Self, Error>
    where
        N: AsRef<str>,
        V: Into<String>,
    {
        let mut reader = Reader { liberties, ..Reader::default() };
        for (name, value) in pairs {
            reader.take(name.as_ref(), value.into());
        }
        reader.finish()
    }

    /// Every property with the value in force; secrets are masked, planned ones left out.
    pub fn settings(&self) -> Vec<Setting> {
        let visible = PROPERTIES.iter().filter(|property| property.stage != Stage::Planned);
        visible.map(|property| self.setting(property)).collect()
    }

    fn setting(&self, property: &'static Property) -> Setting {
        let given = self.given.get(property.name);
        let value = match given {
            Some(secret) if property.secret => secret.to_string(),
            Some(value) => without_credentials(value.expose()),
            None => property.default.to_owned(),
        };
        Setting { name: property.name, value, given: given.is_some(), doc: property.doc }
    }
}

/// What is wrong with the properties of a connection: all of it, so that one try mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The problems, in the order of the connection string; never empty.
    pub problems: Vec<Problem>,
}

/// One thing wrong with the properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The property as the user wrote it; empty where the whole string is meant.
    pub property: String,
    /// Its code.
    pub code: Code,
    /// What is wrong; never the value of a secret.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Error {
    /// A single problem that shows only when connecting.
    pub(crate) fn of(property: &str, code: Code, message: &str, hint: &str) -> Self {
        Self { problems: vec![Problem::new(property, code, message).hint(hint)] }
    }
}

impl Problem {
    fn new(property: &str, code: Code, message: impl Into<String>) -> Self {
        Self { property: property.to_owned(), code, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<&str> = self.problems.iter().map(|problem| problem.message.as_str()).collect();
        match messages.as_slice() {
            [one] => f.write_str(one),
            many => write!(f, "{} connection properties are wrong: {}", many.len(), many.join("; ")),
        }
    }
}

impl std::error::Error for Error {}

impl Coded for Error {
    fn code(&self) -> Code {
        self.problems.first().map_or(codes::OKT1004, |problem| problem.code)
    }

    fn hint(&self) -> Option<String> {
        let hints: Vec<&str> =
            self.problems.iter().map(|problem| problem.hint.as_deref().unwrap_or_else(|| problem.code.fix())).collect();
        Some(hints.join("; "))
    }
}

/// What a configuration in code may do and a connection string may not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Liberties {
    /// Plain http and any certificate are taken on any host: for tests.
    pub(crate) any_host: bool,
    /// The admin console's host is refused rather than corrected.
    pub(crate) strict_domain: bool,
    /// Signs in place of a key.
    pub(crate) signer: Option<Arc<dyn Signer>>,
}

/// Collects values and problems.
#[derive(Default)]
struct Reader {
    liberties: Liberties,
    values: BTreeMap<&'static str, Value>,
    given: BTreeMap<&'static str, Secret>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Reader {
    fn take(&mut self, name: &str, mut text: String) {
        // Left over by `$(cat token)` and its like; never meant.
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        let Some(property) = find(name) else {
            return self.problems.push(unknown(name));
        };
        if text.is_empty() {
            return;
        }
        let value = match Value::read(property.kind, &text) {
            Ok(value) => value,
            Err(expected) => return self.problems.push(unreadable(property, &text, &expected)),
        };
        match property.stage {
            Stage::Planned if Value::read(property.kind, property.default).as_ref() != Ok(&value) => {
                return self.problems.push(
                    Problem::new(name, codes::OKT1002, format!("{} is not supported yet", property.name))
                        .hint(format!("leave {} out", property.name)),
                );
            }
            Stage::Accepted => self.warnings.push(format!("{}: {}", property.name, property.doc)),
            Stage::Planned | Stage::Honoured => {}
        }
        if self.given.get(property.name).is_some_and(|earlier| *earlier.expose() != text) {
            self.problems.push(Problem::new(
                name,
                codes::OKT1004,
                format!("{} is given twice with different values", property.name),
            ));
        }
        self.values.insert(property.name, value);
        self.given.insert(property.name, Secret::new(text));
    }

    fn text(&self, name: &'static str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Choice(choice)) => Some(choice),
            _ => None,
        }
    }

    fn owned(&self, name: &'static str) -> Option<String> {
        self.text(name).map(ToOwned::to_owned)
    }

    fn secret(&self, name: &'static str) -> Option<Secret> {
        self.owned(name).map(Secret::new)
    }

    fn in_force(&self, name: &'static str) -> Option<Value> {
        self.values.get(name).cloned().or_else(|| {
            let property = find(name)?;
            Value::read(property.kind, property.default).ok()
        })
    }

    fn flag(&self, name: &'static str) -> bool {
        matches!(self.in_force(name), Some(Value::Boolean(true)))
    }

    fn number(&self, name: &'static str) -> Option<i64> {
        match self.in_force(name) {
            Some(Value::Integer(number)) => Some(number),
            _ => None,
        }
    }

    /// A number in which 0 or less stands for "no bound".
    fn bound(&self, name: &'static str) -> Option<u64> {
        self.number(name).and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0)
    }

    fn duration(&self, name: &'static str) -> Option<Duration> {
        self.bound(name).map(Duration::from_secs)
    }

    fn given_has_scheme(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(|text| text.expose().contains("://"))
    }

    fn finish(mut self) -> Result<Properties, Error> {
        let base = match domain::base(self.text("BaseURL"), self.text("Domain"), &self.liberties) {
            Ok(base) => Some(base),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        };
        let sign_in = typed::sign_in(&mut self);
        let network = typed::network(&mut self, base.as_ref().map(|base| &base.url));
        let sql = typed::sql_options(&self);
        match base {
            Some(base) if self.problems.is_empty() => {
                self.warnings.extend(base.warnings);
                Ok(Properties {
                    org: base.url,
                    sign_in,
                    network,
                    cache: None,
                    sql,
                    warnings: self.warnings,
                    given: self.given,
                })
            }
            _ => Err(Error { problems: self.problems }),
        }
    }
}

fn unknown(name: &str) -> Problem {
    let shown = shown_name(name);
    let problem = Problem::new(shown, codes::OKT1001, format!("unknown connection property \"{shown}\""));
    problem.hint(match table::nearest(name) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "`SELECT * FROM sys.sys_connection_props` lists every connection property".to_owned(),
    })
}

/// The longest name that a message repeats. A secret put in the place of a name is longer.
const NAME_CHARS_MAX: usize = 24;

/// `name` where it can only be one: a mistake in a connection string may put a secret in its place.
fn shown_name(name: &str) -> &str {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    if name.chars().count() <= NAME_CHARS_MAX && name.chars().all(is_name) { name } else { "…" }
}

/// `text` up to where a mistake in a connection string may have added a secret to it; nothing of
/// an address with credentials.
fn shown(text: &str) -> String {
    if text.contains('@') {
        return "…".to_owned();
    }
    let host = text.find("://").map_or(0, |scheme| scheme + 3);
    let end = text[host..].find(|c: char| c.is_whitespace() || matches!(c, '/' | '&' | '?' | '#' | ';' | ',' | '='));
    match end {
        Some(end) => format!("{}…", &text[..host + end]),
        None => text.to_owned(),
    }
}

/// `text`, but if it is an address with user name and password, without them.
pub(crate) fn without_credentials(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if !scheme.is_empty() => format!("{scheme}://***@{host}"),
        Some((user, host)) if user.contains(':') => format!("***@{host}"),
        _ => text.to_owned(),
    }
}

fn unreadable(property: &Property, text: &str, expected: &str) -> Problem {
    let shown = if property.secret { String::new() } else { format!(" \"{}\"", shown(text)) };
    Problem::new(property.name, codes::OKT1002, format!("{} has the bad value{shown}", property.name))
        .hint(format!("{} takes {expected}", property.name))
}

#[cfg(test)]
mod tests;
