//! Private keys: reading them in every form that is in use, and signing JWTs.

use std::path::Path;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oktant_base::Secret;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::http::read_file;
use crate::properties::SignIn;

/// A curve, by its name in JWKs, with the one algorithm that its keys sign by.
struct Curve {
    name: &'static str,
    algorithm: Algorithm,
    signing: &'static EcdsaSigningAlgorithm,
    field_bytes: usize,
}

static CURVES: [Curve; 2] = [
    Curve { name: "P-256", algorithm: Algorithm::ES256, signing: &ECDSA_P256_SHA256_FIXED_SIGNING, field_bytes: 32 },
    Curve { name: "P-384", algorithm: Algorithm::ES384, signing: &ECDSA_P384_SHA384_FIXED_SIGNING, field_bytes: 48 },
];

/// What an RSA key may sign by; the first one unless told otherwise.
const RSA_ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

const SUPPORTED: &str = "supported are RSA keys and EC keys on P-256 or P-384";

/// A private key with the algorithm it signs by.
#[derive(Debug)]
pub(super) struct SigningKey {
    key: EncodingKey,
    algorithm: Algorithm,
    id: Option<String>,
}

/// The members of a private JWK that matter here (RFC 7518, 6).
#[derive(Deserialize, Default)]
#[serde(default)]
struct PrivateJwk {
    kty: String,
    alg: Option<String>,
    kid: Option<String>,
    crv: String,
    x: String,
    y: String,
    d: String,
    n: String,
    e: String,
    p: String,
    q: String,
    dp: String,
    dq: String,
    qi: String,
}

impl SigningKey {
    /// The key that the properties name.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if it cannot be read or does not fit `OAuthJWTAlgorithm`.
    pub(super) fn of(sign_in: &SignIn) -> Result<Self, Error> {
        let given = sign_in.key.as_ref().map(|key| key.expose().trim()).unwrap_or_default();
        let is_path = match sign_in.key_type.as_deref() {
            Some(kind) => kind.ends_with("_FILE"),
            None => !given.starts_with('{') && !given.contains("-----BEGIN"),
        };
        let text = if is_path {
            String::from_utf8(read_file(PROPERTY, Path::new(given))?).map_err(|_| bad("the file is not text"))?
        } else {
            given.to_owned()
        };
        let key = Self::read(text.trim(), sign_in.key_id.as_deref())?;
        match sign_in.algorithm.as_deref() {
            Some(algorithm) => key.with_algorithm(algorithm),
            None => Ok(key),
        }
    }

    fn read(text: &str, key_id: Option<&str>) -> Result<Self, Error> {
        let key = if text.starts_with('{') { Self::from_jwk_text(text, key_id)? } else { Self::from_pem(text)? };
        Ok(Self { id: key_id.map(ToOwned::to_owned).or(key.id), ..key })
    }

    /// One JWK, or the right one of a set.
    fn from_jwk_text(text: &str, key_id: Option<&str>) -> Result<Self, Error> {
        let value: Value = serde_json::from_str(text).map_err(|error| bad(format!("the JWK is not JSON: {error}")))?;
        let Some(keys) = value.get("keys").and_then(Value::as_array) else {
            return Self::from_jwk(value);
        };
        let text_of = |key: &Value, name: &str| key.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let signing: Vec<&Value> =
            keys.iter().filter(|key| text_of(key, "use").is_none_or(|use_| use_ == "sig")).collect();
        let ids = || signing.iter().filter_map(|key| text_of(key, "kid")).collect::<Vec<_>>().join(", ");
        let key = match key_id {
            Some(id) => signing.iter().find(|key| text_of(key, "kid").as_deref() == Some(id)),
            None if signing.len() > 1 => {
                return Err(bad(format!("the JWK set has several keys and the key id says none of them: {}", ids())));
            }
            None => signing.first(),
        };
        let key = key.ok_or_else(|| bad(format!("the JWK set has no key of this id; it has {}", ids())))?;
        Self::from_jwk((*key).clone())
    }

    pub(super) fn from_jwk(value: Value) -> Result<Self, Error> {
        let jwk: PrivateJwk = serde_json::from_value(value).map_err(|_| bad("a member of the JWK is not text"))?;
        let key = match jwk.kty.as_str() {
            "RSA" => Self::rsa(&rsa_from_jwk(&jwk)?)?,
            "EC" => ec_from_jwk(&jwk)?,
            kty => return Err(bad(format!("kty \"{kty}\" is not supported; {SUPPORTED}"))),
        };
        let key = Self { id: jwk.kid, ..key };
        match jwk.alg {
            Some(algorithm) => key.with_algorithm(&algorithm),
            None => Ok(key),
        }
    }

    /// PKCS#8, PKCS#1 or SEC1.
    fn from_pem(text: &str) -> Result<Self, Error> {
        if text.contains("ENCRYPTED") {
            return Err(bad("it is encrypted; export it without a password"));
        }
        // Keys pasted into configuration files often keep their indentation.
        let unindented: String = text.lines().flat_map(|line| [line.trim(), "\n"]).collect();
        let der = PrivateKeyDer::from_pem_slice(unindented.as_bytes())
            .map_err(|error| bad(format!("it is not PEM: {error}")))?;
        let rsa = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
            der => RsaKeyPair::from_pkcs8(der.secret_der()).ok(),
        };
        if let Some(pair) = rsa {
            return Self::rsa(&pair);
        }
        let ec = CURVES.iter().find_map(|curve| {
            let pair = EcdsaKeyPair::from_private_key_der(curve.signing, der.secret_der()).ok()?;
            Some((pair, curve))
        });
        let (pair, curve) = ec.ok_or_else(|| bad(format!("it is of another kind; {SUPPORTED}")))?;
        Self::ec(&pair, curve)
    }

    fn rsa(pair: &RsaKeyPair) -> Result<Self, Error> {
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| bad("the RSA key cannot be written"))?;
        // PEM is the one form of PKCS#8 that the JWT library takes RSA keys in.
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(pkcs8.as_ref()));
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| bad(error.to_string()))?;
        Ok(Self { key, algorithm: RSA_ALGORITHMS[0], id: None })
    }

    fn ec(pair: &EcdsaKeyPair, curve: &Curve) -> Result<Self, Error> {
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| bad("the EC key cannot be written"))?;
        Ok(Self { key: EncodingKey::from_ec_der(pkcs8.as_ref()), algorithm: curve.algorithm, id: None })
    }

    /// A new key on P-256, and its JWK with the private half, to be stored.
    pub(super) fn generate() -> Result<(Self, Value), Error> {
        let failed = || bad("a new key could not be made");
        let curve = &CURVES[0];
        let pair = EcdsaKeyPair::generate(curve.signing).map_err(|_| failed())?;
        let key = Self::ec(&pair, curve)?;
        let secret = pair.private_key().as_be_bytes().map_err(|_| failed())?;
        let mut jwk = serde_json::to_value(key.public_jwk()?).map_err(|_| failed())?;
        jwk["d"] = Value::String(encoded(secret.as_ref()));
        Ok((key, jwk))
    }

    fn with_algorithm(self, name: &str) -> Result<Self, Error> {
        let own = std::slice::from_ref(&self.algorithm);
        let fitting = if RSA_ALGORITHMS.contains(&self.algorithm) { &RSA_ALGORITHMS } else { own };
        let named = name.parse().ok().filter(|algorithm| fitting.contains(algorithm));
        let algorithm = named.ok_or_else(|| bad(format!("the key does not fit algorithm {name}; {SUPPORTED}")))?;
        Ok(Self { algorithm, ..self })
    }

    /// A signed JWT of this type; `jwk` goes into its header.
    pub(super) fn sign(&self, kind: &str, jwk: Option<Jwk>, claims: &impl Serialize) -> Result<String, Error> {
        let header = Header { typ: Some(kind.to_owned()), kid: self.id.clone(), jwk, ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|error| bad(format!("signing failed: {error}")))
    }

    /// The public half.
    pub(super) fn public_jwk(&self) -> Result<Jwk, Error> {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm);
        let mut jwk = jwk.map_err(|error| bad(format!("it has no public half: {error}")))?;
        // The header of a proof names the algorithm already.
        jwk.common.key_algorithm = None;
        Ok(jwk)
    }
}

const PROPERTY: &str = "OAuthJWTCert";

/// Whether `text` is a private key that assertions can be signed with; an error says why not.
pub(crate) fn check_key(text: &str, key_id: Option<&str>) -> Result<(), String> {
    match SigningKey::read(text.trim(), key_id) {
        Ok(_) => Ok(()),
        Err(Error::Key { reason, .. }) => Err(reason),
        Err(other) => Err(other.to_string()),
    }
}

/// A JWT of `claims`, signed with a private key in any form that a configuration takes: PEM, or a JWK.
///
/// # Errors
///
/// Why `key` cannot sign; the key itself is not in it.
pub fn sign_jwt(key: &Secret, key_id: Option<&str>, claims: &Value) -> Result<Secret, String> {
    let signed = SigningKey::read(key.expose().trim(), key_id).and_then(|key| key.sign("JWT", None, claims));
    match signed {
        Ok(jwt) => Ok(Secret::new(jwt)),
        Err(Error::Key { reason, .. }) => Err(reason),
        Err(other) => Err(other.to_string()),
    }
}

fn rsa_from_jwk(jwk: &PrivateJwk) -> Result<RsaKeyPair, Error> {
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: decoded(&jwk.n)?, e: decoded(&jwk.e)? },
        d: decoded(&jwk.d)?,
        p: decoded(&jwk.p)?,
        q: decoded(&jwk.q)?,
        dP: decoded(&jwk.dp)?,
        dQ: decoded(&jwk.dq)?,
        qInv: decoded(&jwk.qi)?,
    };
    RsaKeyPair::from_components(&components).map_err(|error| bad(format!("the RSA key is refused: {error}")))
}

fn ec_from_jwk(jwk: &PrivateJwk) -> Result<SigningKey, Error> {
    let curve = CURVES.iter().find(|curve| curve.name == jwk.crv);
    let curve = curve.ok_or_else(|| bad(format!("curve \"{}\" is not supported; {SUPPORTED}", jwk.crv)))?;
    let coordinate = |text: &str| decoded(text).map(|bytes| padded(&bytes, curve.field_bytes));
    // An uncompressed point (SEC 1, 2.3.3): one byte of form, then both coordinates.
    let point = [vec![4], coordinate(&jwk.x)?, coordinate(&jwk.y)?].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &coordinate(&jwk.d)?, &point);
    SigningKey::ec(&pair.map_err(|error| bad(format!("the EC key is refused: {error}")))?, curve)
}

/// Some writers drop leading zeros of coordinates.
fn padded(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut padded = vec![0; length.saturating_sub(bytes.len())];
    padded.extend(bytes);
    padded
}

pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> Result<Vec<u8>, Error> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
    if text.is_empty() {
        return Err(bad("the JWK lacks private members"));
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|error| bad(format!("the JWK is not base64url: {error}")))
}

fn bad(reason: impl Into<String>) -> Error {
    Error::Key { property: PROPERTY, reason: reason.into() }
}

#[cfg(test)]
mod tests;
