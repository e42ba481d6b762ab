//! Connected apps.

use oktant_base::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::SCOPES;
use crate::oauth::is_loopback_http;

/// Where the generic connection of Okta Workflows has the browser come back to.
const WORKFLOWS_CALLBACK: &str = "https://oauth.workflows.okta.com/oauth/httpfunctions/cb";

/// Where `oktant login` and `oktant connect` have the browser come back to.
const LOCAL_CALLBACK: &str = "http://localhost:33333/";

/// A program that people let act for them.
#[derive(Debug, Clone)]
pub(in super::super) struct ConnectedApp {
    pub(super) client_id: String,
    pub(super) secret: Secret,
    /// Any port of this machine is a callback too.
    pub(super) any_loopback: bool,
    pub(super) given: AppRequest,
}

/// What an app is registered with: the body of `POST /sandbox/apps`, or the form of the page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are the checkboxes of the service's own form")]
pub(in super::super) struct AppRequest {
    pub(super) name: String,
    pub(super) callback_urls: Vec<String>,
    #[serde(default = "default_scopes")]
    pub(super) scopes: Vec<String>,
    /// Whether the secret must come with each code and refresh token.
    #[serde(default = "yes")]
    pub(super) require_secret: bool,
    #[serde(default)]
    pub(super) require_pkce: bool,
    #[serde(default)]
    pub(super) rotate_refresh_tokens: bool,
    /// Whether an administrator has approved it for everyone.
    #[serde(default)]
    pub(super) admin_approved: bool,
    /// Login of the user whom client credentials stand for.
    #[serde(default)]
    pub(super) run_as: Option<String>,
    /// Public RSA key in PEM, for JWT bearer.
    #[serde(default)]
    pub(super) public_key: Option<String>,
}

fn default_scopes() -> Vec<String> {
    ["full", "refresh_token", "offline_access"].map(str::to_owned).to_vec()
}

const fn yes() -> bool {
    true
}

impl ConnectedApp {
    /// The app that every org begins with.
    pub(in super::super) fn seeded(client_id: String, secret: Secret, run_as: &str) -> Self {
        let given = AppRequest {
            name: "Okta Workflows".to_owned(),
            callback_urls: vec![WORKFLOWS_CALLBACK.to_owned(), LOCAL_CALLBACK.to_owned()],
            scopes: ["full", "api", "web", "refresh_token", "offline_access", "openid", "id", "profile", "email"]
                .map(str::to_owned)
                .to_vec(),
            require_secret: true,
            require_pkce: false,
            rotate_refresh_tokens: false,
            admin_approved: false,
            run_as: Some(run_as.to_owned()),
            public_key: None,
        };
        Self { client_id, secret, any_loopback: true, given }
    }

    /// An app as it was asked for.
    ///
    /// # Errors
    ///
    /// What the service's own form would not take.
    pub(in super::super) fn new(client_id: String, secret: Secret, given: AppRequest) -> Result<Self, String> {
        if given.name.trim().is_empty() {
            return Err("an app has a name".to_owned());
        }
        if given.callback_urls.is_empty() {
            return Err("an app has at least one callback URL".to_owned());
        }
        for callback in &given.callback_urls {
            let url = Url::parse(callback).map_err(|error| format!("`{callback}` is no URL: {error}"))?;
            if url.scheme() == "http" && !is_loopback_http(&url) {
                return Err(format!("`{callback}`: https, except on this machine"));
            }
        }
        if let Some(unknown) = given.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(format!("there is no scope `{unknown}`"));
        }
        if let Some(pem) = &given.public_key {
            jsonwebtoken::DecodingKey::from_rsa_pem(pem.as_bytes())
                .map_err(|error| format!("the public key: {error}"))?;
        }
        Ok(Self { client_id, secret, any_loopback: false, given })
    }

    pub(super) fn has_callback(&self, uri: &str) -> bool {
        let loopback = || self.any_loopback && Url::parse(uri).is_ok_and(|url| is_loopback_http(&url));
        self.given.callback_urls.iter().any(|known| known == uri) || loopback()
    }

    /// As the sandbox's own endpoints show it.
    pub(in super::super) fn shown(&self) -> Value {
        json!({
            "name": self.given.name, "client_id": self.client_id, "client_secret": self.secret.expose(),
            "callback_urls": self.given.callback_urls, "scopes": self.given.scopes,
        })
    }
}

pub(super) fn is_scope(scope: &str) -> bool {
    SCOPES.iter().any(|(known, _)| *known == scope)
}
