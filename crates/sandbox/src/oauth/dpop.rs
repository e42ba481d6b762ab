//! DPoP proofs (RFC 9449): the caller shows that it holds the key a token is bound to.

use aws_lc_rs::digest;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::ThumbprintHash;
use serde::Deserialize;

use super::AuthorizationServer;
use super::client_auth::ALGORITHMS;
use super::directory::Client;
use super::error::OAuthError;
use super::key::signature_only;

/// A proof may be this old, and this far ahead of our clock.
const AGE_MAX: TimeDelta = TimeDelta::minutes(5);

#[derive(Debug, Deserialize)]
struct Claims {
    htm: Option<String>,
    htu: Option<String>,
    iat: Option<i64>,
    jti: Option<String>,
    nonce: Option<String>,
    ath: Option<String>,
}

/// The request that a proof must have been made for.
pub(super) struct Target<'a> {
    pub(super) method: &'a str,
    /// Absolute, without query; several spellings where the org has several names.
    pub(super) urls: &'a [String],
    /// The token presented with the proof, on calls of an API.
    pub(super) access_token: Option<&'a str>,
}

impl AuthorizationServer {
    /// The thumbprint that new tokens are bound to, if the client's tokens are bound at all.
    ///
    /// # Errors
    ///
    /// `invalid_dpop_proof` without a good proof, `use_dpop_nonce` without a nonce of ours.
    pub(super) fn token_binding(&self, client: &Client, headers: &HeaderMap) -> Result<Option<String>, OAuthError> {
        if !client.dpop_bound {
            return Ok(None);
        }
        let proof = headers.get("dpop").and_then(|value| value.to_str().ok());
        let proof = proof.ok_or_else(|| OAuthError::invalid_proof("The DPoP proof JWT header is missing."))?;
        let mut urls = vec![self.endpoint("token")];
        if let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
            urls.push(format!("http://{host}{}/token", self.prefix));
        }
        let target = Target { method: "POST", urls: &urls, access_token: None };
        self.check_proof(proof, &target).map(Some)
    }

    /// The nonce that the next proof should carry.
    pub(super) fn nonce(&self) -> String {
        let now = self.now();
        self.store.lock().nonce(now, || self.random_token())
    }

    /// Checks a proof and returns the thumbprint of its key. Only the token endpoint asks for a nonce.
    pub(super) fn check_proof(&self, proof: &str, target: &Target<'_>) -> Result<String, OAuthError> {
        let (claims, thumbprint) = verify(proof)?;
        if claims.htm.as_deref() != Some(target.method) {
            return Err(claim_invalid("htm"));
        }
        let named = claims.htu.as_deref().unwrap_or_default().trim_end_matches('/');
        if !target.urls.iter().any(|url| url.trim_end_matches('/') == named) {
            return Err(claim_invalid("htu"));
        }
        self.check_age(&claims)?;
        match target.access_token {
            Some(token) => check_token_hash(&claims, token)?,
            None => self.check_nonce(&claims)?,
        }
        self.spend(&claims, &thumbprint)?;
        Ok(thumbprint)
    }

    fn check_age(&self, claims: &Claims) -> Result<(), OAuthError> {
        let now = self.now().timestamp();
        let issued_at = claims.iat.ok_or_else(|| claim_invalid("iat"))?;
        if issued_at < now - AGE_MAX.num_seconds() {
            return Err(OAuthError::invalid_proof("The DPoP proof JWT is issued more than five minutes in the past."));
        }
        if issued_at > now + AGE_MAX.num_seconds() { Err(claim_invalid("iat")) } else { Ok(()) }
    }

    fn check_nonce(&self, claims: &Claims) -> Result<(), OAuthError> {
        let now = self.now();
        let known = claims.nonce.as_deref().is_some_and(|nonce| self.store.lock().knows_nonce(nonce, now));
        if known { Ok(()) } else { Err(OAuthError::use_dpop_nonce(self.nonce())) }
    }

    fn spend(&self, claims: &Claims, thumbprint: &str) -> Result<(), OAuthError> {
        let jti = claims.jti.as_deref().filter(|jti| !jti.is_empty()).ok_or_else(|| claim_invalid("jti"))?;
        let now = self.now();
        // Beyond twice the allowed age the proof is refused for its age, whatever its `iat` was.
        if self.store.lock().use_id(format!("proof {thumbprint} {jti}"), now + AGE_MAX * 2, now) {
            Ok(())
        } else {
            Err(OAuthError::invalid_proof("The DPoP proof JWT has already been used."))
        }
    }
}

/// The claims of a proof that its own key signed, and the thumbprint of that key.
fn verify(proof: &str) -> Result<(Claims, String), OAuthError> {
    let bad_signature = || OAuthError::invalid_proof("The DPoP proof JWT signature is invalid.");
    let header = jsonwebtoken::decode_header(proof).map_err(|_| bad_signature())?;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(OAuthError::invalid_proof("'typ' must be 'dpop+jwt' in the DPoP proof JWT."));
    }
    let jwk = header.jwk.filter(|_| ALGORITHMS.contains(&header.alg)).ok_or_else(bad_signature)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| bad_signature())?;
    let claims = jsonwebtoken::decode(proof, &key, &signature_only(header.alg)).map_err(|_| bad_signature())?.claims;
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| bad_signature())?;
    Ok((claims, thumbprint))
}

fn check_token_hash(claims: &Claims, token: &str) -> Result<(), OAuthError> {
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
    if claims.ath.as_deref() == Some(hash.as_str()) {
        return Ok(());
    }
    Err(OAuthError::invalid_proof("'ath' claim in the DPoP proof does not match the presented access_token."))
}

fn claim_invalid(claim: &str) -> OAuthError {
    OAuthError::invalid_proof(format!("'{claim}' claim in the DPoP proof JWT is invalid."))
}
