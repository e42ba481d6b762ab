//! Connections: how flows sign in to a service.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) mod oauth;
mod opened;
mod seal;
mod session;
mod settings;
mod sign_in;
mod store;

pub use seal::SealingKey;
pub use session::Connections;
pub(crate) use settings::one_of;
pub use settings::settled;
pub use sign_in::SignIn;
pub use store::ConnectStore;
pub(crate) use store::{SCHEMA, told};

use crate::Error;

/// What the id of every connection begins with.
pub(crate) const ID: &str = "con_";

/// How a connection proves who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Not at all.
    None,
    /// User name and password in the `Authorization` header.
    Basic,
    /// A fixed token, in `Authorization: Bearer` or the header of setting `header`.
    Bearer,
    /// Headers of its own.
    Headers,
    /// OAuth 2.0, authorization code with PKCE: a person consented.
    OauthCode,
    /// OAuth 2.0, client credentials.
    OauthClient,
    /// OAuth 2.0, JWT bearer (RFC 7523): the connected app signs with its private key for a user.
    OauthJwt,
    /// An Okta service app, which signs with its private key.
    OktaService,
    /// An Okta API token.
    OktaToken,
    /// AWS, which wants each request signed with an access key.
    AwsKeys,
    /// A mail server.
    Smtp,
}

impl Auth {
    /// Its name, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Headers => "headers",
            Self::OauthCode => "oauth_code",
            Self::OauthClient => "oauth_client",
            Self::OauthJwt => "oauth_jwt",
            Self::OktaService => "okta_service",
            Self::OktaToken => "okta_token",
            Self::AwsKeys => "aws_keys",
            Self::Smtp => "smtp",
        }
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::None,
            Self::Basic,
            Self::Bearer,
            Self::Headers,
            Self::OauthCode,
            Self::OauthClient,
            Self::OauthJwt,
            Self::OktaService,
            Self::OktaToken,
            Self::AwsKeys,
            Self::Smtp,
        ];
        all.into_iter().find(|auth| auth.as_str() == text)
    }

    /// Whether it lives on access tokens, which are renewed here.
    pub(crate) const fn has_tokens(self) -> bool {
        matches!(self, Self::OauthCode | Self::OauthClient | Self::OauthJwt)
    }
}

/// A connection, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// What cards are bound to; the same after it was authorised anew.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The connector that it is for, such as `salesforce`.
    pub connector: String,
    /// How it signs in.
    pub auth: Auth,
    /// What is no secret: addresses, client id, user name, scopes.
    pub settings: BTreeMap<String, String>,
    /// Who it signed in as, if the service told.
    pub account: Option<String>,
    /// Why it no longer works, if it does not.
    pub broken: Option<String>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its secrets changed last.
    pub updated_at: Timestamp,
}

impl Connection {
    /// A setting, if it is there and not empty.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The hosts that its secrets may go to, by its setting `hosts` or by the addresses that it leads to itself; `*` is
    /// any host.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if there are none, so that its cards would fail, or if they are none.
    pub fn reach(&self) -> Result<Vec<String>, Error> {
        crate::transport::reach(self)
    }

    /// A setting that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`].
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.setting(name).ok_or_else(|| {
            let problem = format!("connection \"{}\" has no {name}", self.name);
            let hint = format!("give --set {name}=VALUE (and --replace for one that is there)");
            Error::setting(problem, hint)
        })
    }
}

/// The secrets of a connection, by name. They cannot be printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Secrets(BTreeMap<String, Secret>);

/// Prefix of the names of secrets that are headers.
const HEADER: &str = "header:";

impl Secrets {
    /// Secrets by name.
    pub fn of(secrets: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// One of them, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name).filter(|secret| !secret.expose().is_empty())
    }

    /// What they are called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether some of them are headers.
    pub fn has_headers(&self) -> bool {
        self.0.keys().any(|name| name.starts_with(HEADER))
    }

    /// Sets one of them.
    pub fn set(&mut self, name: &str, secret: Secret) {
        self.0.insert(name.to_owned(), secret);
    }

    fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    fn to_json(&self) -> Secret<Vec<u8>> {
        let plain: BTreeMap<&str, &str> =
            self.0.iter().map(|(name, secret)| (name.as_str(), secret.expose().as_str())).collect();
        Secret::new(serde_json::to_vec(&plain).expect("a map of text is JSON"))
    }

    fn from_json(json: &Secret<Vec<u8>>) -> Option<Self> {
        let plain: BTreeMap<String, String> = serde_json::from_slice(json.expose()).ok()?;
        Some(Self::of(plain.into_iter().map(|(name, secret)| (name, Secret::new(secret)))))
    }
}

/// A connection with its secrets, ready for use.
#[derive(Debug, Clone)]
pub struct Live {
    /// The connection.
    pub connection: Connection,
    /// Its secrets.
    pub secrets: Secrets,
}

impl Live {
    /// The headers that let a request in.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a secret is missing or no header can hold it.
    pub fn credentials(&self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        match self.connection.auth {
            // Each request of AWS has a signature of its own.
            Auth::None | Auth::AwsKeys | Auth::Smtp => {}
            Auth::Basic => {
                let user = self.connection.setting("username").unwrap_or_default();
                let pair = format!("{user}:{}", self.secret("password")?.expose());
                headers.insert(AUTHORIZATION, self.value(&format!("Basic {}", STANDARD.encode(pair)))?);
            }
            Auth::Bearer => {
                let name = self.connection.setting("header").unwrap_or("authorization");
                let prefix = match self.connection.settings.get("prefix") {
                    Some(prefix) => prefix.as_str(),
                    None if name.eq_ignore_ascii_case("authorization") => "Bearer ",
                    None => "",
                };
                let value = self.value(&format!("{prefix}{}", self.secret("token")?.expose()))?;
                headers.insert(self.name(name)?, value);
            }
            Auth::OktaToken => {
                headers.insert(AUTHORIZATION, self.value(&format!("SSWS {}", self.secret("token")?.expose()))?);
            }
            Auth::OauthCode | Auth::OauthClient | Auth::OauthJwt | Auth::OktaService => {
                headers
                    .insert(AUTHORIZATION, self.value(&format!("Bearer {}", self.secret("access_token")?.expose()))?);
            }
            Auth::Headers => {
                for (name, secret) in &self.secrets.0 {
                    if let Some(name) = name.strip_prefix(HEADER) {
                        headers.insert(self.name(name)?, self.value(secret.expose())?);
                    }
                }
            }
        }
        Ok(headers)
    }

    /// A secret that must be there.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`].
    pub fn secret(&self, name: &str) -> Result<&Secret, Error> {
        self.secrets.get(name).ok_or_else(|| Error::Broken {
            name: self.connection.name.clone(),
            reason: format!("it holds no {}", name.replace('_', " ")),
        })
    }

    fn name(&self, name: &str) -> Result<HeaderName, Error> {
        let problem = || format!("connection \"{}\": \"{name}\" is no name of a header", self.connection.name);
        name.parse().map_err(|_| Error::setting(problem(), "letters, digits and hyphens make a name"))
    }

    fn value(&self, text: &str) -> Result<HeaderValue, Error> {
        let problem = || format!("connection \"{}\" holds a secret that no header can hold", self.connection.name);
        let mut value =
            HeaderValue::from_str(text).map_err(|_| Error::setting(problem(), "check it for line breaks"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}
