//! What OIDC applications prove themselves with: secrets and public keys; and the tokens they hold.

mod certificates;
mod keys;
mod secrets;
mod tokens;

use serde_json::Value;

use crate::apps::App;
use crate::http::Handler;

pub(crate) use secrets::{ClientSecret, active as active_secrets};
pub(crate) use tokens::with_links;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listOAuth2ClientSecrets", Handler::Read(secrets::list)),
    ("createOAuth2ClientSecret", Handler::Write(secrets::create)),
    ("getOAuth2ClientSecret", Handler::Read(secrets::get)),
    ("deleteOAuth2ClientSecret", Handler::Write(secrets::delete)),
    ("activateOAuth2ClientSecret", Handler::Write(secrets::activate)),
    ("deactivateOAuth2ClientSecret", Handler::Write(secrets::deactivate)),
    ("listJwk", Handler::Read(keys::list)),
    ("addJwk", Handler::Write(keys::add)),
    ("getJwk", Handler::Read(keys::get)),
    ("deleteJwk", Handler::Write(keys::delete)),
    ("activateOAuth2ClientJsonWebKey", Handler::Write(keys::activate)),
    ("deactivateOAuth2ClientJsonWebKey", Handler::Write(keys::deactivate)),
    ("listApplicationKeys", Handler::Read(certificates::list)),
    ("getApplicationKey", Handler::Read(certificates::get)),
    ("generateApplicationKey", Handler::Write(certificates::generate)),
    ("cloneApplicationKey", Handler::Write(certificates::clone)),
    ("previewSAMLmetadataForApplication", Handler::Read(certificates::metadata)),
    ("listOAuth2TokensForApplication", Handler::Read(tokens::list)),
    ("getOAuth2TokenForApplication", Handler::Read(tokens::get)),
    ("revokeOAuth2TokenForApplication", Handler::Read(tokens::revoke)),
    ("revokeOAuth2TokensForApplication", Handler::Read(tokens::revoke_all)),
];

/// The client id of an application; empty for one that is no OIDC client.
pub(crate) fn client_id(app: &App) -> &str {
    let credentials = app.body.get("credentials").unwrap_or(&Value::Null);
    credentials.pointer("/oauthClient/client_id").and_then(Value::as_str).unwrap_or_default()
}
