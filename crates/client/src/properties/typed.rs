//! The properties as the rest of the program uses them.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::{Secret, codes};
use percent_encoding::percent_decode_str;
use url::Url;

use super::domain::is_loopback;
use super::{Problem, Reader, shown, shown_name};
use crate::auth::Signer;
use crate::call::RESERVED_HEADERS;

/// How requests are authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthScheme {
    /// OAuth authorization code, with the client secret if there is one.
    OAuth,
    /// OAuth authorization code of a public client.
    OAuthPkce,
    /// OAuth client credentials with a signed assertion.
    OAuthJwt,
    /// An API token.
    ApiToken,
}

/// How far OAuth goes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitiateOAuth {
    /// The given access token is used as it is.
    Off,
    /// A stored sign-in is renewed; the browser is never opened.
    Refresh,
    /// As `Refresh`, and a first sign-in opens the browser.
    GetAndRefresh,
}

/// How to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// How requests are authorised.
    pub scheme: AuthScheme,
    /// `APIToken`.
    pub api_token: Option<Secret>,
    /// `InitiateOAuth`.
    pub initiate: InitiateOAuth,
    /// `OAuthClientId`.
    pub client_id: Option<String>,
    /// `OAuthClientSecret`.
    pub client_secret: Option<Secret>,
    /// `OAuthSettingsLocation`.
    pub settings_location: Option<String>,
    /// `CallbackURL`, to the letter: the app registers it so.
    pub callback: String,
    /// `OAuthVerifier`: an authorization code from elsewhere.
    pub code: Option<Secret>,
    /// `Scope` as given; `None` for the scopes that reading needs.
    pub scope: Option<String>,
    /// `OAuthAccessToken`.
    pub access_token: Option<Secret>,
    /// `OAuthRefreshToken`.
    pub refresh_token: Option<Secret>,
    /// `OAuthExpiresIn`.
    pub expires_in: Option<Duration>,
    /// `OAuthTokenTimestamp`, in epoch milliseconds.
    pub token_timestamp_ms: Option<i64>,
    /// `OAuthJWTCert`.
    pub key: Option<Secret>,
    /// `OAuthJWTCertType`.
    pub key_type: Option<String>,
    /// `OAuthJWTKeyId`.
    pub key_id: Option<String>,
    /// `OAuthJWTAlgorithm`.
    pub algorithm: Option<String>,
    /// `OAuthJWTIssuer`.
    pub issuer: Option<String>,
    /// `OAuthJWTSubject`.
    pub subject: Option<String>,
    /// `DPoP`.
    pub dpop: bool,
    /// `OAuthRenewalOffset`: how long before its end a token is renewed.
    pub renewal_offset: Duration,
    /// Whether a person signs in anew although a sign-in is stored: what `oktant login` asks for.
    /// No property; set on what was read.
    pub anew: bool,
    /// Signs assertions in place of `OAuthJWTCert`.
    pub signer: Option<Arc<dyn Signer>>,
}

/// How to reach the org.
#[derive(Debug, Clone)]
pub struct Network {
    /// `Timeout`: what one request may take; `None` for no bound.
    pub timeout: Option<Duration>,
    /// `ConnectTimeout`: what opening a connection may take; `None` for no bound.
    pub connect_timeout: Option<Duration>,
    /// `RequestTimeout`: what one call may take with its repeats and waits; `None` for no bound.
    pub total_timeout: Option<Duration>,
    /// `Parallelism`: requests in flight.
    pub parallelism: usize,
    /// `RateLimitShare` in percent.
    pub rate_limit_share_percent: u8,
    /// `MaxRetries`.
    pub retries: u32,
    /// `MaxBackoff`: the longest wait before a repeat.
    pub backoff_max: Duration,
    /// `UserAgent`: appended to our own.
    pub user_agent: Option<String>,
    /// `CustomHeaders`: of every request.
    pub headers: HeaderMap,
    /// The proxy to use.
    pub proxy: Proxy,
    /// `SSLServerCert`: PEM text or path of one more CA to trust.
    pub trusted_ca: Option<String>,
    /// `SSLServerCert=*`: trust any certificate. Loopback and tests only.
    pub trust_any: bool,
    /// `SSLClientCert` and `SSLClientKey`.
    pub client_certificate: Option<ClientCertificate>,
    /// `SSLMinVersion`.
    pub tls_min: TlsVersion,
}

/// A client certificate with its key.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, and those that lead to its authority: PEM text or path.
    pub certificate: String,
    /// Its key: PEM text or path.
    pub key: Secret,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// How long answers to `GET` are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheOptions {
    /// Time from its arrival that an answer is used.
    pub time_to_live: Duration,
    /// Time from its last use that an answer is used.
    pub time_to_idle: Duration,
    /// Answers kept; the one unused for longest goes first.
    pub entries_max: usize,
    /// Whether lists are kept as well.
    pub lists: bool,
}

impl CacheOptions {
    /// Answers kept unless told otherwise.
    pub const ENTRIES_MAX: usize = 10_000;
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_mins(5),
            time_to_idle: Duration::from_mins(5),
            entries_max: Self::ENTRIES_MAX,
            lists: false,
        }
    }
}

/// Which proxy to use.
#[derive(Debug, Clone)]
pub enum Proxy {
    /// None.
    Direct,
    /// What the environment variables say.
    Environment,
    /// This one.
    Server {
        /// Its URL, without credentials.
        url: Url,
        /// User name and password.
        credentials: Option<(String, Secret)>,
        /// Hosts reached without it.
        exceptions: Vec<String>,
    },
}

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// By code point.
    Exact,
    /// As the org does, ignoring case.
    Okta,
}

/// Whether lists may come from the search index, which lags behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// The cheaper way that is correct for reading.
    Auto,
    /// Never from the search index.
    Strong,
    /// Preferably from the search index.
    Search,
}

/// How statements behave.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a connection property of its own")]
pub struct SqlOptions {
    /// `MaxApiRequests`: requests of one statement; `None` for no bound.
    pub max_api_requests: Option<u64>,
    /// `MaxRows`: rows of a query without aggregation; `None` for no bound.
    pub max_rows: Option<u64>,
    /// `Pagesize`: upper bound of the page size.
    pub page_size: Option<u32>,
    /// `StatementTimeout`; `None` for no bound.
    pub statement_timeout: Option<Duration>,
    /// `Readonly`.
    pub read_only: bool,
    /// `Consistency`.
    pub consistency: Consistency,
    /// `IncludeDeprovisioned`.
    pub include_deprovisioned: bool,
    /// `StringComparison`.
    pub comparison: Comparison,
    /// `EmptyStringAsNull`.
    pub empty_string_as_null: bool,
    /// `UseStats`.
    pub use_stats: bool,
    /// `ExposeSecrets`.
    pub expose_secrets: bool,
    /// `FlowsStore`: address of the database of flows.
    pub flows_store: Option<Secret>,
}

pub(super) fn sign_in(reader: &mut Reader) -> SignIn {
    let scheme = scheme(reader);
    let sign_in = SignIn {
        scheme,
        api_token: reader.secret("APIToken"),
        initiate: match reader.text("InitiateOAuth") {
            Some("REFRESH") => InitiateOAuth::Refresh,
            Some("GETANDREFRESH") => InitiateOAuth::GetAndRefresh,
            _ => InitiateOAuth::Off,
        },
        client_id: reader.owned("OAuthClientId"),
        client_secret: reader.secret("OAuthClientSecret"),
        settings_location: reader.owned("OAuthSettingsLocation"),
        callback: callback(reader),
        code: reader.secret("OAuthVerifier"),
        scope: reader.owned("Scope"),
        access_token: reader.secret("OAuthAccessToken"),
        refresh_token: reader.secret("OAuthRefreshToken"),
        expires_in: reader.duration("OAuthExpiresIn"),
        token_timestamp_ms: reader.number("OAuthTokenTimestamp"),
        key: reader.secret("OAuthJWTCert"),
        key_type: reader.owned("OAuthJWTCertType"),
        key_id: reader.owned("OAuthJWTKeyId"),
        algorithm: reader.owned("OAuthJWTAlgorithm"),
        issuer: reader.owned("OAuthJWTIssuer"),
        subject: reader.owned("OAuthJWTSubject"),
        dpop: reader.flag("DPoP"),
        renewal_offset: reader.duration("OAuthRenewalOffset").unwrap_or_default(),
        anew: false,
        signer: reader.liberties.signer.clone(),
    };
    check_sign_in(reader, &sign_in);
    sign_in
}

/// The scheme named, else the one that the given credential implies.
fn scheme(reader: &Reader) -> AuthScheme {
    match reader.text("AuthScheme") {
        Some("APIToken") => AuthScheme::ApiToken,
        Some("OAuthJWT") => AuthScheme::OAuthJwt,
        Some("OAuthPKCE") => AuthScheme::OAuthPkce,
        None if reader.text("APIToken").is_some() => AuthScheme::ApiToken,
        None if reader.text("OAuthJWTCert").is_some() => AuthScheme::OAuthJwt,
        Some(_) | None => AuthScheme::OAuth,
    }
}

fn check_sign_in(reader: &mut Reader, sign_in: &SignIn) {
    let mut missing = |property: &str, message: &str, hint: &str| {
        reader.problems.push(Problem::new(property, codes::OKT1004, message).hint(hint));
    };
    match sign_in.scheme {
        AuthScheme::ApiToken if sign_in.api_token.is_none() => {
            missing("APIToken", "APIToken is missing", "add APIToken, or choose another AuthScheme");
        }
        AuthScheme::OAuthJwt => {
            if sign_in.key.is_none() && sign_in.signer.is_none() {
                missing("OAuthJWTCert", "OAuthJWTCert is missing", "add the private key of the service app");
            }
            if sign_in.client_id.is_none() {
                missing("OAuthClientId", "OAuthClientId is missing", "add the client id of the service app");
            }
        }
        AuthScheme::OAuth | AuthScheme::OAuthPkce
            if sign_in.initiate == InitiateOAuth::Off && sign_in.access_token.is_none() =>
        {
            missing(
                "APIToken",
                "no credentials are given",
                "add APIToken, or OAuthJWTCert with OAuthClientId for a service app, or \
                 InitiateOAuth=GETANDREFRESH to sign in with the browser",
            );
        }
        AuthScheme::ApiToken | AuthScheme::OAuth | AuthScheme::OAuthPkce => {}
    }
    let token = sign_in.api_token.as_ref().map(Secret::expose);
    if token.is_some_and(|token| token.contains(['{', '}', '<', '>'])) {
        let problem = Problem::new("APIToken", codes::OKT1002, "APIToken still holds the placeholder of an example");
        reader.problems.push(problem.hint("give the token as the Admin Console showed it"));
    } else if token.is_some_and(|token| !token.chars().all(|c| c.is_ascii_graphic())) {
        let message = "APIToken holds a blank, a line end or another character that tokens do not have";
        let problem = Problem::new("APIToken", codes::OKT1002, message);
        reader.problems.push(problem.hint("give the token alone, without what stood around it"));
    }
    if sign_in.key_type.as_deref() == Some("PFXFILE") {
        let problem = Problem::new("OAuthJWTCertType", codes::OKT1002, "OAuthJWTCertType=PFXFILE is not supported yet");
        reader.problems.push(problem.hint("export the key as PEM and use PEMKEY_FILE"));
    }
}

fn callback(reader: &mut Reader) -> String {
    let text = reader.owned("CallbackURL").unwrap_or_else(|| "http://localhost:33333".to_owned());
    let usable = Url::parse(&text).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url));
    if !usable {
        let message = format!("CallbackURL={} is not a loopback http address", shown(&text));
        let problem = Problem::new("CallbackURL", codes::OKT1019, message);
        reader.problems.push(problem.hint("use http://localhost:PORT with a free port that is registered in the app"));
    }
    text
}

pub(super) fn network(reader: &mut Reader, org: Option<&Url>) -> Network {
    let certificate = reader.owned("SSLServerCert");
    let trust_any = certificate.as_deref() == Some("*");
    if trust_any && !reader.liberties.any_host && org.is_some_and(|org| !is_loopback(org)) {
        reader.problems.push(
            Problem::new("SSLServerCert", codes::OKT1002, "SSLServerCert=* would trust anyone on the network")
                .hint("name the PEM file of the CA to trust"),
        );
    }
    Network {
        timeout: reader.duration("Timeout"),
        connect_timeout: reader.duration("ConnectTimeout"),
        total_timeout: reader.duration("RequestTimeout"),
        parallelism: reader.bound("Parallelism").map_or(oktant_base::limits::PARALLELISM, |number| number as usize),
        rate_limit_share_percent: reader.bound("RateLimitShare").map_or(100, |number| number as u8),
        retries: reader.bound("MaxRetries").map_or(0, |number| number as u32),
        backoff_max: reader.duration("MaxBackoff").unwrap_or_default(),
        user_agent: user_agent(reader),
        headers: headers(reader),
        proxy: proxy(reader),
        trusted_ca: certificate.filter(|_| !trust_any),
        trust_any,
        client_certificate: client_certificate(reader),
        tls_min: if reader.text("SSLMinVersion") == Some("1.3") { TlsVersion::V1_3 } else { TlsVersion::V1_2 },
    }
}

fn user_agent(reader: &mut Reader) -> Option<String> {
    let text = reader.owned("UserAgent")?;
    if HeaderValue::from_str(&text).is_err() {
        let message = "UserAgent holds characters that a header cannot hold";
        reader.problems.push(Problem::new("UserAgent", codes::OKT1002, message));
    }
    Some(text)
}

/// `CustomHeaders`: `Name: value`, one a line. Values may be secret and are not repeated.
fn headers(reader: &mut Reader) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let lines = reader.owned("CustomHeaders").unwrap_or_default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let mut refuse = |problem: &str| {
            let message = format!("CustomHeaders: {} {problem}", shown_name(name.trim()));
            reader.problems.push(Problem::new("CustomHeaders", codes::OKT1002, message).hint(HEADERS_HINT));
        };
        if !line.contains(':') {
            let number = headers.len() + 1;
            let message = format!("CustomHeaders: number {number} has no colon after its name");
            reader.problems.push(Problem::new("CustomHeaders", codes::OKT1002, message).hint(HEADERS_HINT));
            continue;
        }
        match (HeaderName::try_from(name.trim()), HeaderValue::try_from(value.trim())) {
            (Ok(name), Ok(_)) if RESERVED_HEADERS.contains(&name.as_str()) => refuse("cannot be replaced"),
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            _ => refuse("holds characters that a header cannot hold"),
        }
    }
    headers
}

const HEADERS_HINT: &str = "write Name: value, one a line; headers of authorization and framing cannot be set";

fn client_certificate(reader: &mut Reader) -> Option<ClientCertificate> {
    match (reader.owned("SSLClientCert"), reader.secret("SSLClientKey")) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (None, None) => None,
        _ => {
            let message = "SSLClientCert and SSLClientKey go together";
            reader.problems.push(Problem::new("SSLClientCert", codes::OKT1004, message));
            None
        }
    }
}

fn proxy(reader: &mut Reader) -> Proxy {
    let Some(server) = reader.owned("ProxyServer") else {
        return if reader.flag("ProxyAutoDetect") { Proxy::Environment } else { Proxy::Direct };
    };
    let scheme = if reader.text("ProxySSLType") == Some("ALWAYS") { "https" } else { "http" };
    let text = if server.contains("://") { server } else { format!("{scheme}://{server}") };
    let Some(mut url) = Url::parse(&text).ok().filter(|url| url.has_host() && url.path().len() <= 1) else {
        // It may hold a password, and is not repeated.
        let problem = Problem::new("ProxyServer", codes::OKT1002, "ProxyServer is not a host");
        reader.problems.push(problem.hint("write a host name, or scheme://host:port"));
        return Proxy::Direct;
    };
    if url.port().is_none() && (reader.given.contains_key("ProxyPort") || !reader.given_has_scheme("ProxyServer")) {
        let port = reader.number("ProxyPort").and_then(|port| u16::try_from(port).ok());
        // Refused for URLs without a host only, and this one has one.
        let _ = url.set_port(port);
    }
    let credentials = proxy_credentials(reader, &mut url).filter(|_| reader.text("ProxyAuthScheme") != Some("NONE"));
    let exceptions = reader.text("ProxyExceptions").unwrap_or_default();
    let exceptions = exceptions.split(';').map(str::trim).filter(|host| !host.is_empty()).map(ToOwned::to_owned);
    Proxy::Server { url, credentials, exceptions: exceptions.collect() }
}

/// User name and password of their own properties, else those of the URL, which loses them.
fn proxy_credentials(reader: &Reader, url: &mut Url) -> Option<(String, Secret)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let of_url = (decoded(url.username()), Secret::new(decoded(url.password().unwrap_or_default())));
    let _ = (url.set_username(""), url.set_password(None));
    match reader.owned("ProxyUser") {
        Some(user) => Some((user, reader.secret("ProxyPassword").unwrap_or_default())),
        None => Some(of_url).filter(|(user, _)| !user.is_empty()),
    }
}

pub(super) fn sql_options(reader: &Reader) -> SqlOptions {
    SqlOptions {
        max_api_requests: reader.bound("MaxApiRequests"),
        max_rows: reader.number("MaxRows").and_then(|number| u64::try_from(number).ok()),
        page_size: reader.bound("Pagesize").and_then(|number| u32::try_from(number).ok()),
        statement_timeout: reader.duration("StatementTimeout"),
        read_only: reader.flag("Readonly"),
        consistency: match reader.text("Consistency") {
            Some("Strong") => Consistency::Strong,
            Some("Search") => Consistency::Search,
            _ => Consistency::Auto,
        },
        include_deprovisioned: reader.flag("IncludeDeprovisioned"),
        comparison: match reader.text("StringComparison") {
            Some("Okta") => Comparison::Okta,
            _ => Comparison::Exact,
        },
        empty_string_as_null: reader.flag("EmptyStringAsNull"),
        use_stats: reader.flag("UseStats"),
        expose_secrets: reader.flag("ExposeSecrets"),
        flows_store: reader.secret("FlowsStore"),
    }
}
