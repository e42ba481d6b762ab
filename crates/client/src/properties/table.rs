//! The connection properties as data: parsing, listing, documentation and suggestions read this table.

/// One connection property.
#[derive(Debug)]
pub struct Property {
    /// Its name as documented. Letter case, underscores and blanks do not matter in use.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value in force when none is given; empty for none.
    pub default: &'static str,
    /// Whether the value is masked wherever it is shown.
    pub secret: bool,
    /// What this version does with it.
    pub stage: Stage,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// What values a property takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number within bounds.
    Integer {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// `true`, `false`, `1`, `0`, `yes` or `no`.
    Boolean,
    /// One of a list, in any letter case.
    Choice(&'static [&'static str]),
}

/// What this version does with a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It works as documented.
    Honoured,
    /// It is taken for compatibility and changes nothing.
    Accepted,
    /// It is planned: any value but the default is refused.
    Planned,
}

const TEXT: Kind = Kind::Text;
const BOOLEAN: Kind = Kind::Boolean;
const SECONDS: Kind = Kind::Integer { min: 0, max: 86_400 };
const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };
const PORT: Kind = Kind::Integer { min: 0, max: 65_535 };

const fn honoured(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Property {
    Property { name, kind, default, secret: false, stage: Stage::Honoured, doc }
}

const fn secret(name: &'static str, doc: &'static str) -> Property {
    Property { name, kind: TEXT, default: "", secret: true, stage: Stage::Honoured, doc }
}

const fn accepted(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Property {
    Property { name, kind, default, secret: false, stage: Stage::Accepted, doc }
}

const fn planned(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Property {
    Property { name, kind, default, secret: false, stage: Stage::Planned, doc }
}

/// Every connection property, grouped by subject.
pub static PROPERTIES: &[Property] = &[
    honoured("Domain", TEXT, "", "host name of the org, such as acme.okta.com"),
    honoured("BaseURL", TEXT, "", "whole base URL of the org instead of Domain; plain http for loopback only"),
    honoured(
        "AuthScheme",
        Kind::Choice(&["OAuth", "OAuthJWT", "OAuthPKCE", "APIToken"]),
        "OAuth",
        "how to sign in; follows from APIToken or OAuthJWTCert when one of them is given",
    ),
    secret("APIToken", "API token of an administrator"),
    honoured(
        "InitiateOAuth",
        Kind::Choice(&["OFF", "REFRESH", "GETANDREFRESH"]),
        "OFF",
        "OFF uses the given token, REFRESH renews a stored sign-in, GETANDREFRESH also opens the browser for a first one",
    ),
    honoured(
        "OAuthClientId",
        TEXT,
        "",
        "client id of the app; else that of the settings store or OKTA_CLIENT_CLIENTID",
    ),
    secret("OAuthClientSecret", "client secret of the app; apps with PKCE need none"),
    honoured(
        "OAuthSettingsLocation",
        TEXT,
        "",
        "file that keeps the sign-in, or memory://NAME for this process; by default one file per org in the user's configuration folder",
    ),
    honoured("CallbackURL", TEXT, "http://localhost:33333", "loopback address that the browser returns to"),
    secret("OAuthVerifier", "code obtained by a browser on another machine"),
    honoured("Scope", TEXT, "", "scopes to ask for, separated by blanks; ReadWrite asks for reading and managing"),
    secret("OAuthAccessToken", "access token to use"),
    secret("OAuthRefreshToken", "refresh token to start from"),
    honoured("OAuthExpiresIn", COUNT, "", "life of the given access token in seconds"),
    honoured("OAuthTokenTimestamp", COUNT, "", "when the given access token was issued, in epoch milliseconds"),
    secret("OAuthJWTCert", "private key of the service app: text or path, as OAuthJWTCertType says"),
    honoured(
        "OAuthJWTCertType",
        Kind::Choice(&["PEMKEY_FILE", "PEMKEY_BLOB", "JWK_FILE", "JWK_BLOB", "PFXFILE"]),
        "",
        "form of OAuthJWTCert; told from its content when not given",
    ),
    Property { stage: Stage::Planned, ..secret("OAuthJWTCertPassword", "password of an encrypted key") },
    planned("OAuthJWTCertSubject", TEXT, "", "which certificate of a store to use"),
    honoured("OAuthJWTIssuer", TEXT, "", "issuer of the assertion; OAuthClientId by default"),
    honoured("OAuthJWTSubject", TEXT, "", "subject of the assertion; OAuthClientId by default"),
    honoured("OAuthJWTKeyId", TEXT, "", "key id in the assertion's header; that of the JWK by default"),
    honoured(
        "OAuthJWTAlgorithm",
        Kind::Choice(&["RS256", "RS384", "RS512", "ES256", "ES384"]),
        "",
        "signature algorithm of the assertion; what fits the key by default",
    ),
    honoured(
        "OAuthRenewalOffset",
        SECONDS,
        "300",
        "seconds before its end that a token is renewed; at the latest when 80 % of its life are over",
    ),
    honoured("DPoP", BOOLEAN, "false", "send proofs of possession, for apps that require them"),
    honoured("SSLServerCert", TEXT, "", "PEM text or file of a CA to trust besides the system's; * on loopback only"),
    honoured("SSLClientCert", TEXT, "", "client certificate: PEM text or file"),
    secret("SSLClientKey", "key of the client certificate: PEM text or file"),
    honoured("SSLMinVersion", Kind::Choice(&["1.2", "1.3"]), "1.2", "lowest version of TLS"),
    honoured("UserAgent", TEXT, "", "text appended to the User-Agent header"),
    secret("CustomHeaders", "headers of every request: Name: value, one a line"),
    honoured("ProxyAutoDetect", BOOLEAN, "false", "take the proxy from the environment variables"),
    honoured("ProxyServer", TEXT, "", "host of an HTTP proxy"),
    honoured("ProxyPort", PORT, "80", "port of the proxy"),
    honoured("ProxyAuthScheme", Kind::Choice(&["BASIC", "NONE"]), "BASIC", "how to sign in at the proxy"),
    honoured("ProxyUser", TEXT, "", "user name at the proxy"),
    secret("ProxyPassword", "password at the proxy"),
    honoured(
        "ProxySSLType",
        Kind::Choice(&["AUTO", "ALWAYS", "NEVER", "TUNNEL"]),
        "AUTO",
        "ALWAYS speaks TLS to the proxy itself",
    ),
    honoured("ProxyExceptions", TEXT, "", "hosts reached without the proxy, separated by semicolons"),
    planned("FirewallType", Kind::Choice(&["NONE", "TUNNEL", "SOCKS4", "SOCKS5"]), "NONE", "kind of firewall to pass"),
    planned("FirewallServer", TEXT, "", "host of the firewall"),
    planned("FirewallPort", PORT, "0", "port of the firewall"),
    planned("FirewallUser", TEXT, "", "user name at the firewall"),
    Property { stage: Stage::Planned, ..secret("FirewallPassword", "password at the firewall") },
    planned("Logfile", TEXT, "", "file to log to"),
    planned("Verbosity", Kind::Integer { min: 1, max: 5 }, "1", "how much to log"),
    planned("LogModules", TEXT, "", "which parts to log"),
    planned("MaxLogFileSize", TEXT, "100MB", "size at which a new log file begins"),
    planned("MaxLogFileCount", Kind::Integer { min: -1, max: i64::MAX }, "-1", "log files to keep"),
    planned("BrowsableSchemas", TEXT, "", "schemas that reflection shows"),
    planned("Tables", TEXT, "", "tables that reflection shows"),
    planned("Views", TEXT, "", "views that reflection shows"),
    planned("UserDefinedViews", TEXT, "", "file with views of your own"),
    planned("PseudoColumns", TEXT, "", "input-only columns to show"),
    honoured(
        "MaxRows",
        Kind::Integer { min: -1, max: i64::MAX },
        "-1",
        "most rows of a query without aggregation; -1 for no bound",
    ),
    honoured(
        "Pagesize",
        Kind::Integer { min: 1, max: 10_000 },
        "",
        "upper bound of the page size; the endpoint's maximum by default",
    ),
    honoured("Timeout", SECONDS, "60", "seconds that one request may take; 0 for no bound"),
    honoured("ConnectTimeout", SECONDS, "30", "seconds that opening a connection may take; 0 for no bound"),
    honoured(
        "RequestTimeout",
        SECONDS,
        "0",
        "seconds that one call may take with its repeats and waits; 0 for no bound",
    ),
    honoured("StatementTimeout", SECONDS, "0", "seconds that one statement may take; 0 for no bound"),
    honoured("Readonly", BOOLEAN, "true", "refuse statements that write"),
    accepted("BatchSize", COUNT, "0", "has no effect"),
    accepted("ConnectionLifeTime", COUNT, "0", "has no effect"),
    accepted("UseConnectionPooling", BOOLEAN, "false", "has no effect: SQLAlchemy pools"),
    accepted("PoolMaxSize", COUNT, "100", "has no effect"),
    accepted("PoolMinSize", COUNT, "1", "has no effect"),
    accepted("PoolIdleTimeout", COUNT, "60", "has no effect"),
    accepted("PoolWaitTime", COUNT, "60", "has no effect"),
    planned("AutoCache", BOOLEAN, "false", "keep a local copy of the tables that are read"),
    planned("CacheConnection", TEXT, "", "database of the local copy"),
    planned("CacheProvider", TEXT, "", "kind of the local copy"),
    planned("CacheLocation", TEXT, "", "place of the local copy"),
    planned("CacheTolerance", COUNT, "600", "seconds that a copy may be old"),
    planned("Offline", BOOLEAN, "false", "read the local copy only"),
    accepted("CacheMetadata", BOOLEAN, "true", "schemas are kept for the life of the connection"),
    honoured(
        "Consistency",
        Kind::Choice(&["Auto", "Strong", "Search"]),
        "Auto",
        "whether lists may come from the search index",
    ),
    honoured("IncludeDeprovisioned", BOOLEAN, "true", "whether Users holds deprovisioned users"),
    honoured(
        "StringComparison",
        Kind::Choice(&["Exact", "Okta"]),
        "Exact",
        "Okta compares text as the org does, ignoring case",
    ),
    honoured("EmptyStringAsNull", BOOLEAN, "false", "whether empty text reads as NULL"),
    honoured("UseStats", BOOLEAN, "true", "whether counts may come from the org's statistics"),
    secret(
        "FlowsStore",
        "database of flows, whose runs and tables are tables here: sqlite://PATH or postgres://...; else OKTANT_FLOWS_STORE, or a file in the user's data folder",
    ),
    honoured("MaxApiRequests", COUNT, "2000", "requests that one statement may make; 0 for no bound"),
    honoured("Parallelism", Kind::Integer { min: 1, max: 75 }, "8", "requests in flight"),
    honoured(
        "RateLimitShare",
        Kind::Integer { min: 1, max: 100 },
        "80",
        "percent of what a rate limit still holds that may be used",
    ),
    honoured("MaxRetries", Kind::Integer { min: 0, max: 100 }, "8", "repeats of a failed request"),
    honoured("MaxBackoff", SECONDS, "90", "longest wait in seconds before a repeat; a longer one is an error"),
    planned("DeleteMode", Kind::Choice(&["Deactivate", "Delete"]), "Deactivate", "what DELETE does to a user"),
    planned("AllowBulkWrites", BOOLEAN, "false", "allow writes without a key"),
    planned("DryRun", BOOLEAN, "false", "show writes instead of making them"),
    planned("OptimisticLocking", BOOLEAN, "false", "refuse to overwrite a changed object"),
    planned("AllowRawApi", BOOLEAN, "false", "offer any operation as a procedure"),
    honoured("ExposeSecrets", BOOLEAN, "false", "show secret columns instead of masking them"),
    accepted("Other", TEXT, "", "experimental settings; this version has none"),
];

/// The property of this name, in any spelling.
pub fn find(name: &str) -> Option<&'static Property> {
    let wanted = folded(name);
    PROPERTIES.iter().find(|property| folded(property.name) == wanted)
}

/// A name without what does not matter in it: letter case, underscores and blanks.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// The known name nearest to `name`, if one is near enough to be meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    crate::nearest::nearest(name, PROPERTIES.iter().map(|property| property.name), 1).pop()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::value::Value;

    #[test]
    fn names_are_unique_and_defaults_valid() {
        let mut seen = std::collections::BTreeSet::new();
        for property in PROPERTIES {
            assert!(seen.insert(folded(property.name)), "{} stands twice", property.name);
            if !property.default.is_empty() {
                assert!(Value::read(property.kind, property.default).is_ok(), "{}", property.name);
            }
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        assert_eq!(find("oauth_client id").map(|property| property.name), Some("OAuthClientId"));
        assert_eq!(nearest("ApiTokn"), Some("APIToken"));
        assert_eq!(nearest("zzzzzzzz"), None);
    }
}
