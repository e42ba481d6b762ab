//! The keys of a configuration as data.
//!
//! # Source
//!
//! Names, types and defaults are those of Okta's own clients for Python, Node and Go; `readTimeout`,
//! `rateLimit.share`, `rateLimit.parallelism`, `cache.maxEntries`, `cache.lists` and `tls.*` are ours.

use crate::properties::Kind;

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// Dotted path below `okta`.
    pub(super) path: &'static str,
    /// Other dotted paths that clients in other languages use for it.
    pub(super) aliases: &'static [&'static str],
    pub(super) shape: Shape,
    /// Whether its value is never shown.
    pub(super) secret: bool,
    /// The connection property that it sets by itself; empty where more is needed.
    pub(super) property: &'static str,
}

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value.
    One(Kind),
    /// Several words: a list, or one text with commas or blanks between them.
    Words,
    /// Names with values.
    Map,
    /// A key: a JWK as a map, or the text or path of one.
    PrivateKey,
    /// An object that only code can pass.
    Object,
}

const TEXT: Shape = Shape::One(Kind::Text);
const FLAG: Shape = Shape::One(Kind::Boolean);

const fn integer(min: i64, max: i64) -> Shape {
    Shape::One(Kind::Integer { min, max })
}

const SECONDS: Shape = integer(0, 86_400);

const fn key(path: &'static str, shape: Shape, property: &'static str) -> Key {
    Key { path, aliases: &[], shape, secret: false, property }
}

const fn alias(key: Key, aliases: &'static [&'static str]) -> Key {
    Key { aliases, ..key }
}

const fn secret(key: Key) -> Key {
    Key { secret: true, ..key }
}

/// Every key, by its subject.
pub(super) static KEYS: &[Key] = &[
    key("client.orgUrl", TEXT, "BaseURL"),
    key("client.authorizationMode", Shape::One(Kind::Choice(&["SSWS", "Bearer", "PrivateKey", "JWK"])), ""),
    secret(key("client.token", TEXT, "")),
    key("client.clientId", TEXT, "OAuthClientId"),
    secret(key("client.clientSecret", TEXT, "OAuthClientSecret")),
    key("client.scopes", Shape::Words, "Scope"),
    secret(key("client.privateKey", Shape::PrivateKey, "OAuthJWTCert")),
    alias(key("client.kid", TEXT, "OAuthJWTKeyId"), &["client.keyId", "client.privateKeyId"]),
    key("client.oauthTokenRenewalOffset", integer(0, 1_440), ""),
    key("client.dpopEnabled", FLAG, "DPoP"),
    key("client.dpopKeyRotationInterval", integer(3_600, 7_776_000), ""),
    alias(key("client.userAgent", TEXT, "UserAgent"), &["client.userAgentExtra"]),
    secret(alias(key("client.headers", Shape::Map, "CustomHeaders"), &["client.customHeaders"])),
    key("client.connectionTimeout", SECONDS, "ConnectTimeout"),
    key("client.readTimeout", SECONDS, "Timeout"),
    key("client.requestTimeout", SECONDS, "RequestTimeout"),
    key("client.rateLimit.maxRetries", integer(0, 100), "MaxRetries"),
    key("client.rateLimit.maxBackoff", SECONDS, "MaxBackoff"),
    key("client.rateLimit.enable", FLAG, ""),
    key("client.rateLimit.share", integer(1, 100), "RateLimitShare"),
    key("client.rateLimit.parallelism", integer(1, 75), "Parallelism"),
    key("client.cache.enabled", FLAG, ""),
    key("client.cache.defaultTtl", integer(0, i64::MAX), ""),
    key("client.cache.defaultTti", integer(0, i64::MAX), ""),
    key("client.cache.maxEntries", integer(1, 10_000_000), ""),
    key("client.cache.lists", FLAG, ""),
    key("client.logging.enabled", FLAG, ""),
    key("client.logging.logLevel", TEXT, ""),
    key("client.proxy.host", TEXT, "ProxyServer"),
    key("client.proxy.port", integer(1, 65_535), "ProxyPort"),
    key("client.proxy.username", TEXT, "ProxyUser"),
    secret(key("client.proxy.password", TEXT, "ProxyPassword")),
    alias(key("client.proxy.exceptions", Shape::Words, ""), &["client.proxy.noProxy"]),
    key("client.tls.caFile", TEXT, ""),
    key("client.tls.caPem", TEXT, ""),
    key("client.tls.clientCert", TEXT, "SSLClientCert"),
    secret(key("client.tls.clientKey", TEXT, "SSLClientKey")),
    key("client.tls.minVersion", Shape::One(Kind::Choice(&["1.2", "1.3"])), "SSLMinVersion"),
    key("client.tls.dangerAcceptInvalidCerts", FLAG, ""),
    key("client.raiseException", FLAG, ""),
    key("client.sslContext", Shape::Object, ""),
    key("client.requestExecutor", Shape::Object, ""),
    key("client.httpClient", Shape::Object, ""),
    key("client.cacheManager", Shape::Object, ""),
    alias(key("testing.testingDisableHttpsCheck", FLAG, ""), &["testing.disableHttpsCheck"]),
];

/// Variables of other programs, with a lower rank than `OKTA_CLIENT_*`.
///
/// # Source
///
/// Okta's Terraform provider: its argument reference.
pub(super) static FOREIGN_VARIABLES: &[(&str, &str)] = &[
    ("OKTA_API_TOKEN", "client.token"),
    ("OKTA_API_CLIENT_ID", "client.clientId"),
    ("OKTA_API_SCOPES", "client.scopes"),
    ("OKTA_API_PRIVATE_KEY", "client.privateKey"),
    ("OKTA_API_PRIVATE_KEY_ID", "client.kid"),
];

/// The key of this dotted path. Letter case and underscores do not matter.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    let wanted = folded(path);
    KEYS.iter().find(|key| names(key).any(|name| folded(name) == wanted))
}

/// The key that a variable of this name, without `OKTA_`, sets: dots and capitals are both lost in it.
pub(super) fn find_variable(name: &str) -> Option<&'static Key> {
    let wanted = without_dots(name);
    KEYS.iter().find(|key| names(key).any(|known| without_dots(known) == wanted))
}

/// Whether `path` is a group of keys, such as `client.proxy`.
pub(super) fn is_group(path: &str) -> bool {
    let prefix = folded(path) + ".";
    KEYS.iter().any(|key| names(key).any(|name| folded(name).starts_with(&prefix)))
}

/// The dotted path nearest to an unknown one.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    crate::nearest::nearest(path, KEYS.iter().map(|key| key.path), 1).pop()
}

/// The variable's name for a key, in the spelling of Okta's own clients.
pub(super) fn variable(key: &Key) -> String {
    format!("OKTA_{}", key.path.replace('.', "_").to_uppercase())
}

/// The dotted key as messages name it.
pub(super) fn dotted(path: &str) -> String {
    format!("okta.{path}")
}

fn names(key: &Key) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::once(key.path).chain(key.aliases.iter().copied())
}

fn folded(path: &str) -> String {
    path.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

fn without_dots(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '.')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties;

    #[test]
    fn keys_are_told_apart_in_every_spelling() {
        let mut seen = std::collections::BTreeSet::new();
        for key in KEYS {
            for name in names(key) {
                assert!(seen.insert(without_dots(name)), "{name} stands twice");
            }
            assert!(key.property.is_empty() || properties::find(key.property).is_some(), "{}", key.property);
        }
    }

    #[test]
    fn both_spellings_of_variables_are_known() {
        let path = |name: &str| find_variable(name).map(|key| key.path);
        assert_eq!(path("CLIENT_RATELIMIT_MAXRETRIES"), Some("client.rateLimit.maxRetries"));
        assert_eq!(path("CLIENT_RATE_LIMIT_MAX_RETRIES"), Some("client.rateLimit.maxRetries"));
        assert_eq!(path("TESTING_DISABLE_HTTPS_CHECK"), Some("testing.testingDisableHttpsCheck"));
        assert_eq!(path("CLIENT_PRIVATE_KEY_ID"), Some("client.kid"));
        assert_eq!(path("CLIENT_NONSENSE"), None);
        assert_eq!(nearest("client.ogrUrl"), Some("client.orgUrl"));
    }
}
