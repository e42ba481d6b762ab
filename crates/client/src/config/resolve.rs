//! From the values in force to connection properties.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Code, codes};

use super::error::{Error, Problem, Source};
use super::keys::{self, KEYS, Key, Shape};
use super::layers::{Entry, Layers};
use super::pem;
use super::surroundings::Surroundings;
use super::tree::{self, Node, Value};
use super::{Config, Setting};
use crate::Properties;
use crate::auth::{Signer, check_key};
use crate::properties::{self, CacheOptions, Liberties, Value as Typed, without_credentials};

/// Bytes of a key or certificate file.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// Defaults that differ from those of connection strings.
///
/// # Source
///
/// Those of Okta's own clients; the reserve and the requests in flight are ours.
const DEFAULTS: &[(&str, &str)] = &[("MaxRetries", "4"), ("RateLimitShare", "95"), ("Parallelism", "32")];

pub(super) fn resolve(layers: Layers, around: &Surroundings, signer: Option<Arc<dyn Signer>>) -> Result<Config, Error> {
    let mut resolver = Resolver {
        around,
        values: BTreeMap::new(),
        sources: BTreeMap::new(),
        problems: layers.problems,
        warnings: layers.warnings,
    };
    let mut settings = Vec::new();
    for key in KEYS {
        if let Some(entry) = layers.entries.get(key.path) {
            settings.extend(resolver.read(key, entry));
        }
    }
    let properties = resolver.properties(signer);
    match properties {
        Some(mut properties) if resolver.problems.is_empty() => {
            properties.warnings.extend(resolver.warnings.iter().map(ToString::to_string));
            Ok(Config { properties, warnings: resolver.warnings, settings })
        }
        _ => Err(Error { problems: resolver.problems }),
    }
}

/// How requests are authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ssws,
    Bearer,
    PrivateKey,
}

struct Resolver<'a> {
    around: &'a Surroundings,
    /// Values as text of the right form, by the path of their key.
    values: BTreeMap<&'static str, String>,
    sources: BTreeMap<&'static str, Source>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Resolver<'_> {
    /// Takes one value if it has the form that its key asks for.
    fn read(&mut self, key: &'static Key, entry: &Entry) -> Option<Setting> {
        let text = match text(key, &entry.node) {
            Ok(text) if text.is_empty() => return None,
            Ok(text) => text,
            Err(expected) => {
                let shown = match &entry.node.value {
                    Value::Scalar(text) if !key.secret => format!(" \"{}\"", without_credentials(text)),
                    _ => String::new(),
                };
                let dotted = keys::dotted(key.path);
                let message = format!("{dotted} has the bad value{shown}");
                let problem = Problem::new(&dotted, Some(entry.source.clone()), codes::OKT1002, message);
                self.problems.push(problem.hint(format!("{dotted} takes {expected}")));
                return None;
            }
        };
        let value = if key.secret { "***".to_owned() } else { without_credentials(&text) };
        self.values.insert(key.path, text);
        self.sources.insert(key.path, entry.source.clone());
        Some(Setting { key: keys::dotted(key.path), value, source: entry.source.clone() })
    }

    fn get(&self, path: &str) -> Option<&str> {
        self.values.get(path).map(String::as_str)
    }

    fn is_on(&self, path: &str) -> bool {
        self.get(path) == Some("true")
    }

    fn number(&self, path: &str) -> Option<i64> {
        self.get(path)?.parse().ok()
    }

    fn problem(&self, path: &str, code: Code, message: String) -> Problem {
        Problem::new(&keys::dotted(path), self.sources.get(path).cloned(), code, message)
    }

    fn refuse(&mut self, path: &str, code: Code, message: impl Into<String>, hint: &str) {
        let problem = self.problem(path, code, message.into()).hint(hint);
        self.problems.push(problem);
    }

    fn warn(&mut self, path: &str, message: impl Into<String>) {
        let problem = self.problem(path, codes::OKT1002, message.into());
        self.warnings.push(problem);
    }

    fn properties(&mut self, signer: Option<Arc<dyn Signer>>) -> Option<Properties> {
        let testing = self.is_on("testing.testingDisableHttpsCheck");
        let mode = self.mode(signer.is_some());
        let mut pairs: Vec<(&str, String)> = Vec::new();
        let defaults = DEFAULTS.iter().map(|(property, value)| (*property, (*value).to_owned()));
        pairs.extend(defaults.filter(|(property, _)| !self.gives(property)));
        for key in KEYS.iter().filter(|key| !key.property.is_empty()) {
            pairs.extend(self.get(key.path).map(|value| (key.property, value.to_owned())));
        }
        if self.get("client.rateLimit.enable") == Some("false") {
            let message = "okta.client.rateLimit.enable=false has no effect: requests always keep to the org's limits";
            self.warn("client.rateLimit.enable", message);
        }
        self.sign_in(mode, signer.is_some(), &mut pairs);
        self.proxy(&mut pairs);
        self.tls(testing, &mut pairs);
        let liberties = Liberties { any_host: testing, strict_domain: true, signer };
        match Properties::from_pairs_with(pairs, liberties) {
            Ok(mut properties) => {
                properties.cache = self.cache();
                Some(properties)
            }
            Err(error) => {
                let problems: Vec<Problem> = error.problems.iter().map(|problem| self.translated(problem)).collect();
                self.problems.extend(problems);
                None
            }
        }
    }

    fn gives(&self, property: &str) -> bool {
        KEYS.iter().any(|key| key.property == property && self.values.contains_key(key.path))
    }

    fn mode(&self, has_signer: bool) -> Mode {
        match self.get("client.authorizationMode") {
            Some("Bearer") => Mode::Bearer,
            Some("PrivateKey" | "JWK") => Mode::PrivateKey,
            None if self.get("client.token").is_none() && (has_signer || self.get("client.privateKey").is_some()) => {
                Mode::PrivateKey
            }
            _ => Mode::Ssws,
        }
    }

    fn sign_in(&mut self, mode: Mode, has_signer: bool, pairs: &mut Vec<(&'static str, String)>) {
        pairs.retain(|(property, _)| !matches!(*property, "OAuthJWTCert" | "DPoP"));
        let token = self.get("client.token").map(ToOwned::to_owned);
        match mode {
            Mode::Ssws | Mode::Bearer if token.is_none() => {
                let hint = "give an API token, or the access token with authorizationMode Bearer";
                self.refuse("client.token", codes::OKT1004, "okta.client.token is missing", hint);
                // So that nothing else is said to be missing.
                pairs.extend([("AuthScheme", "APIToken".to_owned()), ("APIToken", "missing".to_owned())]);
            }
            Mode::Ssws => {
                pairs.extend([("AuthScheme", "APIToken".to_owned()), ("APIToken", token.unwrap_or_default())]);
            }
            Mode::Bearer => pairs.extend([
                ("AuthScheme", "OAuth".to_owned()),
                ("InitiateOAuth", "OFF".to_owned()),
                ("OAuthAccessToken", token.unwrap_or_default()),
            ]),
            Mode::PrivateKey => self.private_key(has_signer, pairs),
        }
        let unasked = self.get("client.authorizationMode").is_none() && self.get("client.privateKey").is_some();
        if mode != Mode::PrivateKey && unasked {
            let message = "okta.client.privateKey has no effect beside okta.client.token; \
                           choose with okta.client.authorizationMode";
            self.warn("client.privateKey", message);
        }
        if mode != Mode::PrivateKey && self.is_on("client.dpopEnabled") {
            self.warn(
                "client.dpopEnabled",
                "okta.client.dpopEnabled has an effect with authorizationMode PrivateKey only",
            );
        }
    }

    fn private_key(&mut self, has_signer: bool, pairs: &mut Vec<(&'static str, String)>) {
        pairs.push(("AuthScheme", "OAuthJWT".to_owned()));
        pairs.extend(self.get("client.dpopEnabled").map(|value| ("DPoP", value.to_owned())));
        if self.get("client.clientId").is_some_and(|id| id.contains(['{', '}'])) {
            let message = "okta.client.clientId still holds the placeholder of an example";
            self.refuse("client.clientId", codes::OKT1002, message, "use the client id of the service app");
        }
        if let Some(offset) = self.number("client.oauthTokenRenewalOffset") {
            pairs.push(("OAuthRenewalOffset", (offset * 60).to_string()));
        }
        if self.get("client.dpopKeyRotationInterval").is_some() {
            let message = "okta.client.dpopKeyRotationInterval has no effect: the key lives as long as the client";
            self.warn("client.dpopKeyRotationInterval", message);
        }
        let scopes = self.get("client.scopes").unwrap_or_default();
        let odd: Vec<&str> = scopes.split(' ').filter(|scope| !scope.is_empty() && !is_api_scope(scope)).collect();
        if !odd.is_empty() {
            let message = format!("okta.client.scopes holds {}, which a service app is not granted", odd.join(" "));
            self.warn("client.scopes", message);
        }
        if has_signer {
            return;
        }
        let Some(given) = self.get("client.privateKey").map(ToOwned::to_owned) else { return };
        let is_text = given.trim_start().starts_with('{') || given.contains("-----BEGIN");
        let key = if is_text { Some(given) } else { self.file("client.privateKey", &given) };
        // So that a file that cannot be read is not also said to be missing.
        let Some(key) = key else { return pairs.push(("OAuthJWTCert", "unreadable".to_owned())) };
        if let Err(reason) = check_key(&key, self.get("client.kid")) {
            let message = format!("okta.client.privateKey cannot be used: {reason}");
            self.refuse("client.privateKey", codes::OKT1018, message, codes::OKT1018.fix());
        }
        pairs.push(("OAuthJWTCert", key));
    }

    fn proxy(&mut self, pairs: &mut Vec<(&'static str, String)>) {
        let given: Vec<&'static str> =
            KEYS.iter().map(|key| key.path).filter(|path| path.starts_with("client.proxy.")).collect();
        let first = given.iter().find(|path| self.values.contains_key(*path));
        let Some(first) = first else { return pairs.push(("ProxyAutoDetect", "true".to_owned())) };
        if self.get("client.proxy.host").is_none() {
            self.refuse(first, codes::OKT1004, "okta.client.proxy.host is missing", "add the host of the proxy");
        }
        let user = self.values.contains_key("client.proxy.username");
        if user != self.values.contains_key("client.proxy.password") {
            let path = if user { "client.proxy.username" } else { "client.proxy.password" };
            let message = "okta.client.proxy.username and okta.client.proxy.password go together";
            self.refuse(path, codes::OKT1004, message, "give both or none");
        }
        if let Some(exceptions) = self.get("client.proxy.exceptions") {
            pairs.push(("ProxyExceptions", exceptions.replace(' ', ";")));
        }
    }

    fn tls(&mut self, testing: bool, pairs: &mut Vec<(&'static str, String)>) {
        pairs.retain(|(property, _)| !matches!(*property, "SSLClientCert" | "SSLClientKey"));
        self.authorities(testing, pairs);
        let (certificate, key) = ("client.tls.clientCert", "client.tls.clientKey");
        if self.values.contains_key(certificate) != self.values.contains_key(key) {
            let given = if self.values.contains_key(key) { key } else { certificate };
            let message = "okta.client.tls.clientCert and okta.client.tls.clientKey go together";
            return self.refuse(given, codes::OKT1004, message, "give both or none");
        }
        // Both, or else one of them would be said to be missing.
        let given = (self.pem(certificate, pem::certificates), self.pem(key, pem::private_key));
        if let (Some(certificate), Some(key)) = given {
            pairs.extend([("SSLClientCert", certificate), ("SSLClientKey", key)]);
        }
    }

    /// Whom to trust besides the machine's own authorities.
    fn authorities(&mut self, testing: bool, pairs: &mut Vec<(&'static str, String)>) {
        if self.is_on("client.tls.dangerAcceptInvalidCerts") {
            if testing {
                return pairs.push(("SSLServerCert", "*".to_owned()));
            }
            let message = "okta.client.tls.dangerAcceptInvalidCerts would trust anyone on the network";
            let hint = "name the CA in okta.client.tls.caFile; for tests set okta.testing.testingDisableHttpsCheck";
            self.refuse("client.tls.dangerAcceptInvalidCerts", codes::OKT1002, message, hint);
        }
        let given = ["client.tls.caPem", "client.tls.caFile"].map(|path| self.pem(path, pem::certificates));
        let authorities: Vec<String> = given.into_iter().flatten().collect();
        if !authorities.is_empty() {
            pairs.push(("SSLServerCert", authorities.join("\n")));
        }
    }

    /// The PEM text that a setting holds or names by its path, if `check` finds nothing wrong with it.
    fn pem(&mut self, path: &'static str, check: fn(&str) -> Result<(), String>) -> Option<String> {
        let given = self.get(path)?.to_owned();
        let is_text = path == "client.tls.caPem" || given.contains("-----BEGIN");
        let text = if is_text { given } else { self.file(path, &given)? };
        let Err(reason) = check(&text) else { return Some(text) };
        let message = format!("{} cannot be used: {reason}", keys::dotted(path));
        self.refuse(
            path,
            codes::OKT1018,
            message,
            "give PEM text with its BEGIN and END lines, or the path of such a file",
        );
        None
    }

    fn cache(&self) -> Option<CacheOptions> {
        let seconds = |path: &str, default: u64| {
            Duration::from_secs(self.number(path).and_then(|number| u64::try_from(number).ok()).unwrap_or(default))
        };
        self.is_on("client.cache.enabled").then(|| CacheOptions {
            time_to_live: seconds("client.cache.defaultTtl", 300),
            time_to_idle: seconds("client.cache.defaultTti", 300),
            entries_max: self
                .number("client.cache.maxEntries")
                .map_or(CacheOptions::ENTRIES_MAX, |number| number as usize),
            lists: self.is_on("client.cache.lists"),
        })
    }

    /// The text of a file that a setting names, from the working folder on.
    fn file(&mut self, path: &str, named: &str) -> Option<String> {
        let dotted = keys::dotted(path);
        let home = self.around.home.as_deref();
        let file = match (named.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.around.directory.join(Path::new(named)),
        };
        let read = self.around.files.read(&file, PEM_BYTES_MAX + 1).map_err(|error| error.to_string());
        let read = read.and_then(|bytes| {
            if bytes.len() as u64 > PEM_BYTES_MAX {
                // Part of a bundle would be taken for the whole of it.
                return Err("it is larger than 1 MiB".to_owned());
            }
            String::from_utf8(bytes).map_err(|_| "it is not text".to_owned())
        });
        match read {
            Ok(text) => Some(text),
            // What was meant to be a key but lacks its first line may stand here, so it is not repeated.
            Err(reason) => {
                let secret = keys::find(path).is_some_and(|key| key.secret);
                let shown = if secret { "the file".to_owned() } else { file.display().to_string() };
                let hint = "give the path of a PEM or JWK file, or its text";
                self.refuse(path, codes::OKT1018, format!("{dotted}: {shown} cannot be read: {reason}"), hint);
                None
            }
        }
    }

    /// A problem of the connection properties in the words of the configuration.
    fn translated(&self, problem: &properties::Problem) -> Problem {
        let key = path_of(&problem.property);
        let hint = problem.hint.as_deref().map(translated);
        Problem {
            key: key.map_or_else(String::new, keys::dotted),
            source: key.and_then(|path| self.sources.get(path).cloned()),
            code: problem.code,
            message: translated(&problem.message),
            hint,
        }
    }
}

/// The value as text of the form that the key asks for; an error says what that is.
fn text(key: &Key, node: &Node) -> Result<String, String> {
    match (key.shape, &node.value) {
        (Shape::One(kind), Value::Scalar(text)) => match Typed::read(kind, text.trim()) {
            _ if text.trim().is_empty() => Ok(String::new()),
            Ok(Typed::Boolean(flag)) => Ok(flag.to_string()),
            Ok(Typed::Choice(choice)) => Ok(choice.to_owned()),
            Ok(Typed::Text(_) | Typed::Integer(_)) => Ok(text.trim().to_owned()),
            Err(expected) => Err(expected),
        },
        (Shape::Words, Value::Scalar(text)) => Ok(words(text)),
        (Shape::Words, Value::List(items)) => {
            let texts = items.iter().map(|item| match &item.value {
                Value::Scalar(text) => Some(words(text)),
                _ => None,
            });
            let texts: Option<Vec<String>> = texts.collect();
            texts.map(|texts| texts.join(" ")).ok_or_else(|| "a list of words".to_owned())
        }
        (Shape::Map, Value::Scalar(lines)) => Ok(lines.clone()),
        (Shape::Map, Value::Map(members)) => {
            let lines = members.iter().map(|(name, value)| match &value.value {
                Value::Scalar(text) => Some(format!("{name}: {text}")),
                _ => None,
            });
            let lines: Option<Vec<String>> = lines.collect();
            lines.map(|lines| lines.join("\n")).ok_or_else(|| "names with one text each".to_owned())
        }
        (Shape::PrivateKey, Value::Scalar(text)) => Ok(text.trim().to_owned()),
        (Shape::PrivateKey, Value::Map(_)) => Ok(tree::to_json(node).to_string()),
        (Shape::One(_), _) => Err("one value".to_owned()),
        (Shape::Words, _) => Err("a list of words, or one text with commas or blanks between them".to_owned()),
        (Shape::Map, _) => Err("names with values".to_owned()),
        (Shape::PrivateKey, _) => Err("a JWK, or the text or path of a PEM file".to_owned()),
        (Shape::Object, _) => Err("an object, which only code can pass".to_owned()),
    }
}

fn words(text: &str) -> String {
    text.split([',', ' ', '\n', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What a scope of the management API looks like: `okta.users.read`.
fn is_api_scope(scope: &str) -> bool {
    let words: Vec<&str> = scope.split('.').collect();
    words.len() >= 3 && words[0] == "okta" && words.last().is_some_and(|last| matches!(*last, "read" | "manage"))
}

/// The key that a connection property is set by.
fn path_of(property: &str) -> Option<&'static str> {
    match property {
        "Domain" | "BaseURL" => Some("client.orgUrl"),
        "AuthScheme" | "InitiateOAuth" => Some("client.authorizationMode"),
        "APIToken" | "OAuthAccessToken" => Some("client.token"),
        "OAuthRenewalOffset" => Some("client.oauthTokenRenewalOffset"),
        "ProxyExceptions" => Some("client.proxy.exceptions"),
        "SSLServerCert" => Some("client.tls.caPem"),
        _ => KEYS.iter().find(|key| key.property == property).map(|key| key.path),
    }
}

/// `text` with the names of connection properties replaced by those of keys.
fn translated(text: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric();
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_name) {
        let word = &rest[start..];
        let end = word.find(|c| !is_name(c)).unwrap_or(word.len());
        result.push_str(&rest[..start]);
        match path_of(&word[..end]) {
            Some(path) => result.push_str(&keys::dotted(path)),
            None => result.push_str(&word[..end]),
        }
        rest = &word[end..];
    }
    result + rest
}
