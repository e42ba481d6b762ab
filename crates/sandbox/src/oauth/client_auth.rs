//! Client authentication: by secret, by signed assertion, or by name alone.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::AuthorizationServer;
use super::directory::{AuthMethod, Client};
use super::error::OAuthError;
use super::key::signature_only;
use super::params::Params;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FAILED: &str = "Client authentication failed. Either the client or the client credentials are invalid.";
const UNKNOWN: &str = "Invalid value for 'client_id' parameter.";
/// An assertion may expire at most this far ahead.
const ASSERTION_LIFE_MAX: TimeDelta = TimeDelta::minutes(60);

/// Algorithms of assertions and proofs. Okta lists ES512 too; the JWT library does not have it.
pub(super) const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::ES256, Algorithm::ES384];

#[derive(Debug, Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: Option<i64>,
    jti: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, accepted: &[String]) -> bool {
        match self {
            Self::One(audience) => accepted.contains(audience),
            Self::Many(audiences) => audiences.iter().any(|audience| accepted.contains(audience)),
        }
    }
}

impl AuthorizationServer {
    /// The client behind a request to one of the token endpoints (`endpoint` is its last segment).
    ///
    /// # Errors
    ///
    /// `invalid_client` with the text that Okta gives for each way to fail.
    pub(super) fn client(&self, endpoint: &str, headers: &HeaderMap, params: &Params) -> Result<Client, OAuthError> {
        let basic = basic_credentials(headers)?;
        let assertion = params.get("client_assertion");
        let secret = params.get("client_secret");
        if [basic.is_some(), assertion.is_some(), secret.is_some()].iter().filter(|given| **given).count() > 1 {
            return Err(OAuthError::invalid_client(
                "Cannot supply multiple client credentials. Use one of the following: credentials in the \
                 Authorization header, credentials in the post body, or a client_assertion in the post body.",
            ));
        }
        if let Some(assertion) = assertion {
            return self.client_by_assertion(endpoint, headers, params, assertion);
        }
        if let Some((id, secret)) = basic {
            return self.client_by_secret(&id, &secret);
        }
        let id = params.get("client_id").ok_or_else(|| OAuthError::invalid_client("No client credentials found."))?;
        match secret {
            Some(secret) => self.client_by_secret(id, secret),
            None => self.public_client(id),
        }
    }

    fn active_client(&self, id: &str) -> Result<Client, OAuthError> {
        self.directory.client(id).filter(|client| client.active).ok_or_else(|| OAuthError::invalid_client(UNKNOWN))
    }

    fn public_client(&self, id: &str) -> Result<Client, OAuthError> {
        let client = self.active_client(id)?;
        match client.auth_method {
            AuthMethod::None => Ok(client),
            AuthMethod::Secret | AuthMethod::PrivateKeyJwt => {
                Err(OAuthError::invalid_client("No client credentials found."))
            }
        }
    }

    fn client_by_secret(&self, id: &str, secret: &str) -> Result<Client, OAuthError> {
        let client = self.active_client(id)?;
        if client.auth_method != AuthMethod::Secret {
            return Err(OAuthError::invalid_client(FAILED));
        }
        let equal = |known: &str| verify_slices_are_equal(known.as_bytes(), secret.as_bytes()).is_ok();
        if !client.secrets.iter().any(|known| equal(known.expose())) {
            return Err(OAuthError::invalid_client("The client secret supplied for a confidential client is invalid."));
        }
        Ok(client)
    }

    fn client_by_assertion(
        &self,
        endpoint: &str,
        headers: &HeaderMap,
        params: &Params,
        jwt: &str,
    ) -> Result<Client, OAuthError> {
        if params.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(OAuthError::invalid_request("The client_assertion_type is invalid."));
        }
        let unreadable = |_| OAuthError::invalid_client("The parsing of the client_assertion failed.");
        let claims: Assertion = jsonwebtoken::dangerous::insecure_decode_claims(jwt).map_err(unreadable)?;
        let client = self
            .directory
            .client(&claims.iss)
            .filter(|client| client.active)
            .ok_or_else(|| refused("The issuer claim for client_assertion is not a valid client_id."))?;
        if claims.sub != client.id || params.get("client_id").is_some_and(|id| id != client.id) {
            return Err(refused("The subject claim for client_assertion is not a valid client_id."));
        }
        if client.auth_method != AuthMethod::PrivateKeyJwt {
            return Err(refused(FAILED));
        }
        verify_signature(&client, jwt)?;
        let accepted = self.audiences(endpoint, headers);
        self.check_claims(&claims, &accepted)?;
        Ok(client)
    }

    /// The endpoint as the issuer spells it and as the caller reached it, and the issuer itself.
    fn audiences(&self, endpoint: &str, headers: &HeaderMap) -> Vec<String> {
        let mut accepted = vec![self.endpoint(endpoint), self.issuer.clone()];
        if let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
            accepted.push(format!("http://{host}{}/{endpoint}", self.prefix));
        }
        accepted
    }

    fn check_claims(&self, claims: &Assertion, audiences: &[String]) -> Result<(), OAuthError> {
        if !claims.aud.names(audiences) {
            return Err(refused(
                "The audience claim for client_assertion must be the endpoint invoked for the request.",
            ));
        }
        let now = self.now();
        let expires_at = DateTime::from_timestamp(claims.exp, 0).unwrap_or_default();
        if expires_at <= now {
            return Err(refused("The client_assertion token is expired."));
        }
        if expires_at > now + ASSERTION_LIFE_MAX {
            return Err(refused("The client_assertion token has an expiration too far into the future."));
        }
        if claims.iat.is_some_and(|issued_at| issued_at > now.timestamp()) {
            return Err(refused("The client_assertion token must be issued before the current time."));
        }
        // Spent even if the request fails later, for example for want of a DPoP nonce (recorded).
        let fresh = match &claims.jti {
            Some(jti) => self.store.lock().use_id(format!("assertion {} {jti}", claims.iss), expires_at, now),
            None => true,
        };
        if fresh { Ok(()) } else { Err(refused("The client_assertion token has already been used.")) }
    }
}

fn refused(description: &str) -> OAuthError {
    OAuthError::invalid_client(description)
}

/// Checks an assertion with the client's registered key: the one it names, or the only one.
fn verify_signature(client: &Client, jwt: &str) -> Result<(), OAuthError> {
    if client.keys.is_empty() {
        return Err(refused("The client does not have a JWKSet configured, but the client_assertion requires one."));
    }
    let bad_algorithm = |_| refused("The client_assertion JWT signature algorithm is invalid.");
    let header = jsonwebtoken::decode_header(jwt).map_err(bad_algorithm)?;
    let key = registered_key(&client.keys, header.kid.as_deref())
        .ok_or_else(|| refused("The client_assertion JWT kid is invalid."))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refused("The client_assertion JWT signature algorithm is invalid."));
    }
    let bad_signature = |_| refused("The client_assertion signature is invalid.");
    let key = DecodingKey::from_jwk(key).map_err(bad_signature)?;
    jsonwebtoken::decode::<Assertion>(jwt, &key, &signature_only(header.alg)).map_err(bad_signature)?;
    Ok(())
}

fn registered_key<'a>(keys: &'a [Jwk], kid: Option<&str>) -> Option<&'a Jwk> {
    match (kid, keys) {
        (None, [only]) => Some(only),
        // A key registered without an id answers to any, as long as it is the only one (assumed).
        (Some(_), [only]) if only.common.key_id.is_none() => Some(only),
        (Some(kid), _) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)),
        (None, _) => None,
    }
}

/// Client id and secret of the `Authorization` header, each percent-encoded (RFC 6749, 2.3.1).
pub(crate) fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let malformed = || OAuthError::invalid_client(FAILED);
    let value = value.to_str().map_err(|_| malformed())?;
    let Some(encoded) = value.strip_prefix("Basic ") else { return Ok(None) };
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(malformed)?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Ok(Some((plain(id), plain(secret))))
}
