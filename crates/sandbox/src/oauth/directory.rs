//! What the authorization server asks the org about.

use jsonwebtoken::jwk::Jwk;
use oktant_base::Secret;
use serde_json::{Map, Value};

use super::custom::Setup;

/// The org behind the authorization server: its users, clients, API tokens and System Log.
pub(crate) trait Directory: Send + Sync {
    /// The organisation's id, such as `00o…`.
    fn org_id(&self) -> String;

    /// The OIDC application of this client id, active or not.
    fn client(&self, client_id: &str) -> Option<Client>;

    /// Checks a user name and password, with the lockout of the password policy and its System Log event.
    fn sign_in(&self, login: &str, password: &str) -> Result<EndUser, SignInError>;

    /// The user whom a session token of a sign-in stands for; it works once.
    fn redeem(&self, _session_token: &str) -> Option<EndUser> {
        None
    }

    /// The user of this id, if the user may hold a session.
    fn user(&self, user_id: &str) -> Option<EndUser>;

    /// Whether the user is assigned to the client's application, directly or through a group.
    fn is_assigned(&self, client_id: &str, user_id: &str) -> bool;

    /// Whether the user's administrator roles cover an `okta.*` scope.
    fn may_use(&self, user_id: &str, scope: &str) -> bool;

    /// What an active custom authorization server is set up to do.
    fn custom_server(&self, _id: &str) -> Option<Setup> {
        None
    }

    /// Ids and names of a user's groups.
    fn groups(&self, _user_id: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Writes an event to the System Log.
    fn record(&self, event: Event);
}

/// A user as the authorization server sees one.
#[derive(Debug, Clone)]
pub(crate) struct EndUser {
    /// Okta id, such as `00u…`.
    pub(crate) id: String,
    /// The login, which is the subject of access tokens.
    pub(crate) login: String,
    /// The profile, which feeds the claims.
    pub(crate) profile: Map<String, Value>,
    /// When the profile last changed, in seconds since 1970.
    pub(crate) updated_at: i64,
}

impl EndUser {
    /// A text attribute of the profile that is set and not empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.profile.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// First and last name, or the login where there is none.
    pub(super) fn name(&self) -> String {
        let parts: Vec<&str> = ["firstName", "lastName"].iter().filter_map(|name| self.attribute(name)).collect();
        if parts.is_empty() { self.login.clone() } else { parts.join(" ") }
    }
}

/// Why a user name and password did not open a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInError {
    /// No such user, or the wrong password; which one is not told.
    InvalidCredentials,
    /// Too many wrong passwords.
    LockedOut,
    /// The password has to be changed first.
    PasswordExpired,
}

/// What an event of the System Log needs from here; the org adds the rest.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Type of the catalogue, such as `app.oauth2.token.grant`.
    pub(crate) name: &'static str,
    /// What happened, as the System Log displays it.
    pub(crate) display_message: &'static str,
    /// The client concerned.
    pub(crate) client_id: String,
    /// The user concerned, where there is one.
    pub(crate) user_id: Option<String>,
    /// `Err` holds the reason of a failure.
    pub(crate) outcome: Result<(), String>,
}

/// Kind of an OIDC application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApplicationType {
    Web,
    Native,
    Browser,
    Service,
}

/// How a client proves who it is at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthMethod {
    /// By its secret, in the header or in the form.
    Secret,
    /// By an assertion signed with a registered key.
    PrivateKeyJwt,
    /// Not at all; PKCE takes its place.
    None,
}

/// Whether users are asked before a client gets what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Trusted,
    Required,
}

/// Which redirect addresses a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redirects {
    /// The registered ones, byte for byte.
    Exact,
    /// The registered ones, of which one label may be `*`.
    Subdomain,
    /// The registered ones and every loopback http address. Okta has no such setting: the sandbox
    /// allows it to the client that it creates itself, so that any local port works at once.
    AnyLoopback,
}

/// What happens to a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It stays good.
    Static,
    /// It is replaced; the old one works for `leeway_seconds` more.
    Rotate {
        /// 0 to 60 seconds.
        leeway_seconds: i64,
    },
}

/// An OIDC application, as a client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The client id.
    pub(crate) id: String,
    /// The application's label, which pages show.
    pub(crate) label: String,
    /// Whether the application is active.
    pub(crate) active: bool,
    /// Its kind.
    pub(crate) application_type: ApplicationType,
    /// How it authenticates.
    pub(crate) auth_method: AuthMethod,
    /// Its active secrets, at most two.
    pub(crate) secrets: Vec<Secret>,
    /// Its registered public keys.
    pub(crate) keys: Vec<Jwk>,
    /// Registered redirect addresses.
    pub(crate) redirect_uris: Vec<String>,
    /// How they are compared.
    pub(crate) redirects: Redirects,
    /// Where a browser may go after signing out.
    pub(crate) post_logout_redirect_uris: Vec<String>,
    /// Grant types that it may use.
    pub(crate) grant_types: Vec<String>,
    /// Whether a code without PKCE is refused.
    pub(crate) pkce_required: bool,
    /// Whether users are asked.
    pub(crate) consent: Consent,
    /// Whether its tokens are bound to a key.
    pub(crate) dpop_bound: bool,
    /// Refresh tokens.
    pub(crate) rotation: Rotation,
    /// The `okta.*` scopes granted to it.
    pub(crate) granted_scopes: Vec<String>,
}

impl Client {
    /// Reads the client part of an `OPENID_CONNECT` application as `GET /apps/{id}` shows it.
    ///
    /// Secrets, keys in other places and scope grants are kept elsewhere; the caller adds them.
    /// `None` where the application has no `credentials.oauthClient`.
    pub(crate) fn from_app(app: &Value) -> Option<Self> {
        let credentials = app.pointer("/credentials/oauthClient")?;
        let settings = app.pointer("/settings/oauthClient").unwrap_or(&Value::Null);
        let text = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let application_type = match settings["application_type"].as_str() {
            Some("native") => ApplicationType::Native,
            Some("browser") => ApplicationType::Browser,
            Some("service") => ApplicationType::Service,
            _ => ApplicationType::Web,
        };
        Some(Self {
            id: text(credentials, "client_id"),
            label: text(app, "label"),
            active: app["status"] == "ACTIVE",
            application_type,
            auth_method: match credentials["token_endpoint_auth_method"].as_str() {
                Some("private_key_jwt") => AuthMethod::PrivateKeyJwt,
                Some("none") => AuthMethod::None,
                _ => AuthMethod::Secret,
            },
            secrets: Vec::new(),
            keys: keys(&settings["jwks"]["keys"]),
            redirect_uris: texts(&settings["redirect_uris"]),
            redirects: if settings["wildcard_redirect"] == "SUBDOMAIN" {
                Redirects::Subdomain
            } else {
                Redirects::Exact
            },
            post_logout_redirect_uris: texts(&settings["post_logout_redirect_uris"]),
            grant_types: texts(&settings["grant_types"]),
            pkce_required: credentials["pkce_required"].as_bool().unwrap_or(false),
            consent: if settings["consent_method"] == "REQUIRED" { Consent::Required } else { Consent::Trusted },
            dpop_bound: settings["dpop_bound_access_tokens"].as_bool().unwrap_or(false),
            rotation: rotation(&settings["refresh_token"]),
            granted_scopes: Vec::new(),
        })
    }
}

fn texts(array: &Value) -> Vec<String> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Registered keys that are active and usable for signatures; others cannot verify anything.
fn keys(array: &Value) -> Vec<Jwk> {
    let usable = |key: &&Value| key["status"] != "INACTIVE" && key["use"] != "enc";
    let without_nulls = |key: &Value| {
        let members = key.as_object().into_iter().flatten();
        Value::Object(members.filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect())
    };
    let parse = |key: &Value| serde_json::from_value(without_nulls(key)).ok();
    array.as_array().into_iter().flatten().filter(usable).filter_map(parse).collect()
}

/// Longest time that a replaced refresh token goes on working.
const LEEWAY_SECONDS_MAX: i64 = 60;

/// # Source
///
/// Okta's default is `STATIC` for web applications; a rotating token has 30 seconds of leeway unless set.
fn rotation(settings: &Value) -> Rotation {
    if settings["rotation_type"] == "ROTATE" {
        Rotation::Rotate { leeway_seconds: settings["leeway"].as_i64().unwrap_or(30).clamp(0, LEEWAY_SECONDS_MAX) }
    } else {
        Rotation::Static
    }
}
