//! Proofs of possession (RFC 9449).

use aws_lc_rs::digest;
use jsonwebtoken::jwk::Jwk;
use oktant_base::{Entropy, Secret, Timestamp};
use parking_lot::Mutex;
use serde_json::json;
use url::Url;

use super::key::{SigningKey, encoded};
use crate::Error;
use crate::http::Answer;

/// A key that tokens are bound to, with the nonces that the org asked for.
#[derive(Debug)]
pub(super) struct Dpop {
    key: SigningKey,
    public_jwk: Jwk,
    /// The token endpoint and the API keep nonces of their own.
    token_nonce: Mutex<Option<String>>,
    api_nonce: Mutex<Option<String>>,
}

/// Which server a proof is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    TokenEndpoint,
    Api,
}

impl Dpop {
    /// # Errors
    ///
    /// [`Error::Key`] if the key has no public half to show.
    pub(super) fn new(key: SigningKey) -> Result<Self, Error> {
        let public_jwk = key.public_jwk()?;
        Ok(Self { key, public_jwk, token_nonce: Mutex::default(), api_nonce: Mutex::default() })
    }

    /// The public half of the key.
    pub(super) fn public_jwk(&self) -> &Jwk {
        &self.public_jwk
    }

    fn nonce(&self, audience: Audience) -> &Mutex<Option<String>> {
        match audience {
            Audience::TokenEndpoint => &self.token_nonce,
            Audience::Api => &self.api_nonce,
        }
    }

    /// A proof for one request; `token` is the access token sent along with it.
    pub(super) fn proof(
        &self,
        audience: Audience,
        method: &str,
        url: &Url,
        token: Option<&Secret>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, Error> {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut claims = json!({
            "jti": random_id(entropy),
            "htm": method,
            "htu": target.as_str(),
            "iat": now.timestamp(),
        });
        if let Some(nonce) = &*self.nonce(audience).lock() {
            claims["nonce"] = nonce.as_str().into();
        }
        if let Some(token) = token {
            claims["ath"] = encoded(digest::digest(&digest::SHA256, token.expose().as_bytes())).into();
        }
        self.key.sign("dpop+jwt", Some(self.public_jwk.clone()), &claims)
    }

    /// Takes up a nonce, if the answer brings one.
    pub(super) fn learn(&self, audience: Audience, answer: &Answer) {
        if let Some(nonce) = answer.headers.get("dpop-nonce").and_then(|value| value.to_str().ok()) {
            *self.nonce(audience).lock() = Some(nonce.to_owned());
        }
    }
}

/// Whether the answer refuses a request for the lack of a nonce only.
pub(super) fn wants_nonce(answer: &Answer) -> bool {
    if !matches!(answer.status, 400 | 401) || !answer.headers.contains_key("dpop-nonce") {
        return false;
    }
    let mut challenges = answer.headers.get_all(http::header::WWW_AUTHENTICATE).iter();
    let in_header = challenges.any(|value| value.to_str().is_ok_and(|value| value.contains(USE_NONCE)));
    in_header || String::from_utf8_lossy(&answer.body).contains(USE_NONCE)
}

const USE_NONCE: &str = "use_dpop_nonce";

/// An identifier that no one else draws: 128 random bits.
pub(super) fn random_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    encoded(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use oktant_base::SeededEntropy;
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_proof_says_what_the_request_is() {
        let dpop = Dpop::new(SigningKey::generate().unwrap().0).unwrap();
        let url = Url::parse("https://acme.okta.com/api/v1/users?limit=5").unwrap();
        let token = Secret::new("abc".to_owned());
        let now = Timestamp::from_timestamp(1_700_000_000, 0).unwrap();
        let proof = dpop.proof(Audience::Api, "GET", &url, Some(&token), now, &SeededEntropy::new(1)).unwrap();
        let parts: Vec<Value> = proof
            .split('.')
            .take(2)
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0]["typ"], "dpop+jwt");
        assert_eq!(parts[0]["jwk"]["crv"], "P-256");
        assert!(parts[0]["jwk"].get("d").is_none());
        assert_eq!(parts[1]["htu"], "https://acme.okta.com/api/v1/users");
        assert_eq!(parts[1]["htm"], "GET");
        assert_eq!(parts[1]["iat"], 1_700_000_000);
        // BASE64URL(SHA-256("abc")), FIPS 180-2 B.1.
        assert_eq!(parts[1]["ath"], "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }
}
