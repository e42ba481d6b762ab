//! Keys that sign elsewhere: in a hardware module or a key service.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::key::{SigningKey, encoded};
use crate::Error;

/// Signs the assertions of a service app with a key that never leaves its place.
#[async_trait]
pub trait Signer: Send + Sync + fmt::Debug {
    /// JWS name of the algorithm, such as `RS256` or `ES256`.
    fn algorithm(&self) -> &str;

    /// The key's id at the org; needed where the app has several keys.
    fn key_id(&self) -> Option<&str>;

    /// The signature of `message`, in the form of RFC 7518, 3: PKCS#1 v1.5 for RSA, both halves
    /// one after the other for EC.
    ///
    /// # Errors
    ///
    /// Whatever keeps the key from signing; the call fails with it.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// What signs assertions.
#[derive(Debug)]
pub(super) enum AssertionKey {
    Own(SigningKey),
    Elsewhere(Arc<dyn Signer>),
}

impl AssertionKey {
    /// A signed JWT of these claims.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if signing fails.
    pub(super) async fn sign(&self, claims: &Value) -> Result<String, Error> {
        let signer = match self {
            Self::Own(key) => return key.sign("JWT", None, claims),
            Self::Elsewhere(signer) => signer,
        };
        let mut header = json!({"alg": signer.algorithm(), "typ": "JWT"});
        if let Some(id) = signer.key_id() {
            header["kid"] = id.into();
        }
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = signer.sign(message.as_bytes()).await;
        let signature = signature.map_err(|error| Error::Key {
            property: "OAuthJWTCert",
            reason: format!("the external signer failed: {error}"),
        })?;
        Ok(format!("{message}.{}", encoded(signature)))
    }
}
