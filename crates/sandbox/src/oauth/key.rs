//! The key that signs tokens.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An RSA key of 2,048 bits, made at its first use: most sandboxes are called with an API token
/// only and never need it. It comes from the crypto library's own generator, so it differs from
/// run to run, and tokens of an earlier sandbox are refused.
pub(crate) struct SigningKey {
    /// Its id; the thumbprint where there is none.
    kid: String,
    pair: OnceLock<Pair>,
}

/// The keys of a server by their ids, each made at its first use.
#[derive(Default)]
pub(crate) struct KeyRing(Mutex<Vec<Arc<SigningKey>>>);

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    /// The key of an id; without an id, one that chooses its own.
    pub(crate) fn get(&self, kid: &str) -> Arc<SigningKey> {
        let mut keys = self.0.lock();
        if let Some(known) = keys.iter().find(|key| key.kid == kid) {
            return Arc::clone(known);
        }
        let key = Arc::new(SigningKey { kid: kid.to_owned(), pair: OnceLock::new() });
        keys.push(Arc::clone(&key));
        key
    }

    /// The claims of a token that one of the keys signed. Times are for the caller to judge, by its own clock.
    pub(crate) fn verify<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let keys = self.0.lock().clone();
        keys.iter().find_map(|key| key.verify(token))
    }
}

struct Pair {
    private: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
    kid: String,
}

impl SigningKey {
    /// The public key as `/oauth2/v1/keys` lists it.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.pair().jwk
    }

    /// Signs claims; `typ` is the header's type, absent for id tokens.
    pub(crate) fn sign(&self, typ: Option<&str>, claims: &impl Serialize) -> String {
        let pair = self.pair();
        let mut header = Header::new(Algorithm::RS256);
        header.typ = typ.map(str::to_owned);
        header.kid = Some(pair.kid.clone());
        jsonwebtoken::encode(&header, claims, &pair.private)
            .expect("claims of our own serialise and the key fits RS256")
    }

    fn verify<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        Some(jsonwebtoken::decode(token, &self.pair().public, &signature_only(Algorithm::RS256)).ok()?.claims)
    }

    fn pair(&self) -> &Pair {
        self.pair.get_or_init(|| generate(&self.kid).expect("a fresh RSA key is well formed"))
    }
}

/// A validation of the signature alone: the library would take the time from the system.
pub(crate) fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn generate(kid: &str) -> Option<Pair> {
    let key = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: Pkcs8V1Der<'_> = key.as_der().ok()?;
    // The JWT library wants the inner PKCS#1 key and unwraps PKCS#8 from PEM only.
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
    let private = EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
    let mut jwk = Jwk::from_encoding_key(&private, Algorithm::RS256).ok()?;
    let kid = if kid.is_empty() { jwk.thumbprint(ThumbprintHash::SHA256).ok()? } else { kid.to_owned() };
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Pair { private, public, jwk, kid })
}
