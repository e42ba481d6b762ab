//! The token endpoint.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::AuthorizationServer;
use super::device;
use super::directory::{ApplicationType, AuthMethod, Client, EndUser, Event, Rotation, SignInError};
use super::error::{OAuthError, add_nonce, no_store};
use super::issue::Extras;
use super::params::Params;
use super::store::{Code, Grant, Refresh, Subject};

/// Grant types that this server serves.
pub(super) const GRANT_TYPES: [&str; 5] =
    ["authorization_code", "refresh_token", "client_credentials", "password", device::GRANT_TYPE];

const INVALID_CODE: &str = "The authorization code is invalid or has expired.";
const INVALID_REFRESH_TOKEN: &str = "The refresh token is invalid or expired.";

/// `POST /oauth2/v1/token`.
pub(super) async fn token(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let params = Params::parse(query.as_deref(), &body);
    let body = match server.grant(&headers, &params) {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    let mut response = no_store(StatusCode::OK, &body);
    if body["token_type"] == "DPoP" {
        add_nonce(&mut response, Some(&server.nonce()));
    }
    response
}

impl AuthorizationServer {
    fn grant(&self, headers: &HeaderMap, params: &Params) -> Result<Value, OAuthError> {
        let grant_type = params.get("grant_type").ok_or_else(|| {
            OAuthError::invalid_request(format!(
                "The token request must specify a 'grant_type'. Valid values: [{}]",
                GRANT_TYPES.join(", ")
            ))
        })?;
        let client = self.client("token", headers, params)?;
        check_grant_type(&client, grant_type, self.parent.is_none())?;
        let jkt = self.token_binding(&client, headers)?;
        match grant_type {
            "authorization_code" => self.redeem_code(&client, params, jkt),
            "refresh_token" => self.refresh(&client, params, jkt),
            "client_credentials" => self.client_credentials(client, params, jkt),
            device::GRANT_TYPE => self.device_code(&client, params, jkt),
            _ => self.password(&client, params, jkt),
        }
    }

    fn redeem_code(&self, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, OAuthError> {
        let now = self.now();
        let code = params.get("code").and_then(|value| self.store.lock().take_code(value, now));
        let code = code.ok_or_else(|| OAuthError::invalid_grant(INVALID_CODE))?;
        if code.grant.client_id != client.id {
            return Err(OAuthError::invalid_grant("The grant was issued to another client."));
        }
        if params.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
            return Err(OAuthError::invalid_grant(
                "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
            ));
        }
        check_verifier(&code, params.get("code_verifier"))?;
        let grant = Grant { jkt, ..code.grant };
        let user = self.user_of(&grant).ok_or_else(|| OAuthError::invalid_grant(INVALID_CODE))?;
        Ok(self.issue_with_refresh(&grant, &user, code.nonce.as_deref()))
    }

    fn password(&self, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, OAuthError> {
        let (login, password) = (params.get("username").unwrap_or(""), params.get("password").unwrap_or(""));
        let refused = |_: SignInError| OAuthError::invalid_grant("The credentials provided were invalid.");
        let user = self.directory.sign_in(login, password).map_err(refused)?;
        if !self.directory.is_assigned(&client.id, &user.id) {
            return Err(OAuthError::new("access_denied", super::authorize::NOT_ASSIGNED));
        }
        let scopes = self.user_scopes(client, &user.id, &self.or_default_scopes(params.words("scope"))?)?;
        let terms = self.terms(client, Some(&user.id), &scopes, "password")?;
        let subject = Some(Subject { user_id: user.id.clone(), auth_time: self.now() });
        let grant = Grant { client_id: client.id.clone(), subject, scopes, jkt, terms };
        Ok(self.issue_with_refresh(&grant, &user, None))
    }

    fn client_credentials(&self, client: Client, params: &Params, jkt: Option<String>) -> Result<Value, OAuthError> {
        let is_org = self.parent.is_none();
        if is_org && client.auth_method != AuthMethod::PrivateKeyJwt {
            return Err(OAuthError::invalid_client(
                "Client Credentials requests to the Org Authorization Server must use the private_key_jwt \
                 token_endpoint_auth_method.",
            ));
        }
        if is_org && client.application_type != ApplicationType::Service {
            return Err(OAuthError::invalid_client(
                "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' \
                 with the Org Authorization Server.",
            ));
        }
        let scopes = self.service_scopes(&client, &params.words("scope"))?;
        let terms = self.terms(&client, None, &scopes, "client_credentials")?;
        let grant = Grant { client_id: client.id, subject: None, scopes, jkt, terms };
        Ok(self.issue(&grant, None, Extras::default()))
    }

    fn refresh(&self, client: &Client, params: &Params, jkt: Option<String>) -> Result<Value, OAuthError> {
        let invalid = || OAuthError::invalid_grant(INVALID_REFRESH_TOKEN);
        let token = params.get("refresh_token").ok_or_else(invalid)?;
        let now = self.now();
        let outcome = self.store.lock().use_refresh_token(token, &client.id, client.rotation, now);
        let (grant, family) = match outcome {
            Refresh::Good { grant, family } => (grant, family),
            Refresh::Reused { client_id } => {
                self.record_reuse(client_id);
                return Err(invalid());
            }
            Refresh::Invalid => return Err(invalid()),
        };
        // A bound refresh token works with its own key only (RFC 9449, 5).
        if grant.jkt.is_some() && grant.jkt != jkt {
            return Err(invalid());
        }
        let user = self.user_of(&grant).ok_or_else(invalid)?;
        let scopes = self.user_scopes(client, &user.id, &narrowed(&grant.scopes, params.words("scope"))?)?;
        let refresh_token = match client.rotation {
            Rotation::Static => token.to_owned(),
            Rotation::Rotate { .. } => {
                let next = self.random_token();
                self.store.lock().rotate(&family, token, next.clone(), now);
                next
            }
        };
        let grant = Grant { scopes, jkt, ..grant };
        let extras = Extras { family: Some(family), refresh_token: Some(refresh_token), nonce: None };
        Ok(self.issue(&grant, Some(&user), extras))
    }

    /// Issues tokens for a user who just signed in, with a refresh token if `offline_access` was allowed.
    pub(super) fn issue_with_refresh(&self, grant: &Grant, user: &EndUser, nonce: Option<&str>) -> Value {
        if !grant.scopes.iter().any(|scope| scope == "offline_access") {
            return self.issue(grant, Some(user), Extras { nonce, ..Extras::default() });
        }
        let (family, token) = (self.family_id(), self.random_token());
        self.store.lock().add_family(family.clone(), token.clone(), grant.clone(), self.now());
        self.issue(grant, Some(user), Extras { family: Some(family), refresh_token: Some(token), nonce })
    }

    /// An id of the shape of Okta's refresh tokens: `oar` and 17 letters or digits.
    fn family_id(&self) -> String {
        let letters = self.random_token().replace(['-', '_'], "0");
        format!("oar{}", &letters[..17])
    }

    pub(super) fn user_of(&self, grant: &Grant) -> Option<EndUser> {
        self.directory.user(&grant.subject.as_ref()?.user_id)
    }

    fn record_reuse(&self, client_id: String) {
        self.directory.record(Event {
            name: "app.oauth2.token.detect_reuse",
            display_message: "Detect one-time refresh token reuse",
            client_id,
            user_id: None,
            outcome: Err("refresh token reuse".to_owned()),
        });
    }
}

/// Refuses a grant type that the server does not serve, or that the client is not set up for.
///
/// # Errors
///
/// `unsupported_grant_type`, `unauthorized_client`.
pub(super) fn check_grant_type(client: &Client, grant_type: &str, is_org: bool) -> Result<(), OAuthError> {
    let configured = client.grant_types.join(", ");
    if !GRANT_TYPES.contains(&grant_type) {
        return Err(OAuthError::new(
            "unsupported_grant_type",
            format!(
                "The authorization grant type is not supported by the authorization server. \
                 Configured grant types: [{}].",
                GRANT_TYPES.join(", ")
            ),
        ));
    }
    // Whether client credentials may be used at the org's server has texts of its own, which say more.
    if (is_org && grant_type == "client_credentials") || client.grant_types.iter().any(|grant| grant == grant_type) {
        return Ok(());
    }
    Err(OAuthError::new(
        "unauthorized_client",
        format!("The client is not authorized to use the provided grant type. Configured grant types: [{configured}]."),
    ))
}

/// Compares a code verifier with the challenge of the authorization request (RFC 7636, 4.6).
fn check_verifier(code: &Code, verifier: Option<&str>) -> Result<(), OAuthError> {
    match (&code.challenge, verifier) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(OAuthError::invalid_request("PKCE code verifier is required by the application.")),
        (challenge, Some(verifier)) => {
            if challenge.as_deref() == Some(challenge_of(verifier).as_str()) {
                return Ok(());
            }
            Err(OAuthError::invalid_grant("PKCE verification failed."))
        }
    }
}

/// The challenge that belongs to a code verifier (RFC 7636, 4.2).
pub(crate) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// The scopes of a refresh: all of the grant, or the subset that was asked for.
fn narrowed(granted: &[String], requested: Vec<String>) -> Result<Vec<String>, OAuthError> {
    if requested.is_empty() {
        return Ok(granted.to_vec());
    }
    if requested.iter().all(|scope| granted.contains(scope)) {
        return Ok(requested);
    }
    Err(OAuthError::new("invalid_scope", "The requested scopes exceed those of the refresh token."))
}
