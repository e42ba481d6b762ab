//! Private keys: reading them in every form that is in use, and signing JWTs.

use std::fmt;
use std::path::Path;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::http::read_file;
use crate::properties::SignIn;

/// A curve, by its names in JWKs and in JWT headers.
struct Curve {
    name: &'static str,
    algorithm: &'static str,
    signing: &'static EcdsaSigningAlgorithm,
    field_bytes: usize,
}

static CURVES: [Curve; 3] = [
    Curve { name: "P-256", algorithm: "ES256", signing: &ECDSA_P256_SHA256_FIXED_SIGNING, field_bytes: 32 },
    Curve { name: "P-384", algorithm: "ES384", signing: &ECDSA_P384_SHA384_FIXED_SIGNING, field_bytes: 48 },
    Curve { name: "P-521", algorithm: "ES512", signing: &ECDSA_P521_SHA512_FIXED_SIGNING, field_bytes: 66 },
];

/// A hash that RSA keys sign by, under its name in JWT headers.
struct RsaAlgorithm {
    name: &'static str,
    encoding: &'static dyn RsaEncoding,
}

static RSA_ALGORITHMS: [RsaAlgorithm; 3] = [
    RsaAlgorithm { name: "RS256", encoding: &RSA_PKCS1_SHA256 },
    RsaAlgorithm { name: "RS384", encoding: &RSA_PKCS1_SHA384 },
    RsaAlgorithm { name: "RS512", encoding: &RSA_PKCS1_SHA512 },
];

/// A private key with the algorithm it signs by.
pub(super) struct SigningKey {
    pair: Pair,
    id: Option<String>,
}

enum Pair {
    Rsa(RsaKeyPair, &'static RsaAlgorithm),
    Ec(EcdsaKeyPair, &'static Curve),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

/// The members of a private JWK that matter here (RFC 7518, 6).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Jwk {
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
        Ok(Self { pair: key.pair, id: key_id.map(ToOwned::to_owned).or(key.id) })
    }

    /// One JWK, or the right one of a set.
    fn from_jwk_text(text: &str, key_id: Option<&str>) -> Result<Self, Error> {
        let value: Value = serde_json::from_str(text).map_err(|error| bad(format!("the JWK is not JSON: {error}")))?;
        let Some(keys) = value.get("keys").and_then(Value::as_array) else {
            return Self::from_jwk(value);
        };
        let wanted = |key: &&Value| key_id.is_none() || key.get("kid").and_then(Value::as_str) == key_id;
        let key = keys.iter().find(wanted).ok_or_else(|| bad("the JWK set has no key of this id"))?;
        Self::from_jwk(key.clone())
    }

    pub(super) fn from_jwk(value: Value) -> Result<Self, Error> {
        let jwk: Jwk = serde_json::from_value(value).map_err(|error| bad(error.to_string()))?;
        let pair = match jwk.kty.as_str() {
            "RSA" => Pair::Rsa(rsa_from_jwk(&jwk)?, &RSA_ALGORITHMS[0]),
            "EC" => ec_from_jwk(&jwk)?,
            kty => return Err(bad(format!("kty \"{kty}\" is neither RSA nor EC"))),
        };
        let key = Self { pair, id: jwk.kid };
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
        let pair = match &der {
            PrivateKeyDer::Pkcs8(der) => from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(|pair| Pair::Rsa(pair, &RSA_ALGORITHMS[0]))
            }
            PrivateKeyDer::Sec1(der) => CURVES.iter().find_map(|curve| {
                let pair = EcdsaKeyPair::from_private_key_der(curve.signing, der.secret_sec1_der()).ok()?;
                Some(Pair::Ec(pair, curve))
            }),
            _ => None,
        };
        let pair = pair.ok_or_else(|| bad("it is neither an RSA key nor one on P-256, P-384 or P-521"))?;
        Ok(Self { pair, id: None })
    }

    /// A new key on P-256.
    pub(super) fn generate() -> Result<Self, Error> {
        let curve = &CURVES[0];
        let pair = EcdsaKeyPair::generate(curve.signing).map_err(|_| bad("a new key could not be made"))?;
        Ok(Self { pair: Pair::Ec(pair, curve), id: None })
    }

    fn with_algorithm(self, name: &str) -> Result<Self, Error> {
        let pair = match self.pair {
            Pair::Rsa(pair, _) => {
                RSA_ALGORITHMS.iter().find(|algorithm| algorithm.name == name).map(|found| Pair::Rsa(pair, found))
            }
            Pair::Ec(pair, curve) => (curve.algorithm == name).then_some(Pair::Ec(pair, curve)),
        };
        let pair = pair.ok_or_else(|| bad(format!("the key does not fit algorithm {name}")))?;
        Ok(Self { pair, id: self.id })
    }

    /// Name of the signature algorithm, such as `RS256`.
    pub(super) fn algorithm(&self) -> &'static str {
        match &self.pair {
            Pair::Rsa(_, algorithm) => algorithm.name,
            Pair::Ec(_, curve) => curve.algorithm,
        }
    }

    /// Key id for the header, if known.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// A signed JWT in compact form (RFC 7515, 7.1).
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> Result<String, Error> {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.signature(message.as_bytes()).ok_or_else(|| bad("signing failed"))?;
        Ok(format!("{message}.{}", encoded(signature)))
    }

    #[expect(clippy::disallowed_methods, reason = "the library signs with its own generator, whatever it is given")]
    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair, algorithm) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(algorithm.encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Ec(pair, _) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
        }
    }

    /// The public half of an EC key as a JWK.
    pub(super) fn public_jwk(&self) -> Option<Value> {
        let Pair::Ec(pair, curve) = &self.pair else { return None };
        // An uncompressed point (SEC 1, 2.3.3): one byte of form, then both coordinates.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(curve.field_bytes);
        Some(json!({"kty": "EC", "crv": curve.name, "x": encoded(x), "y": encoded(y)}))
    }

    /// An EC key with its private half as a JWK, to be stored.
    pub(super) fn private_jwk(&self) -> Option<Value> {
        let Pair::Ec(pair, _) = &self.pair else { return None };
        let mut jwk = self.public_jwk()?;
        let secret = pair.private_key().as_be_bytes().ok()?;
        jwk["d"] = Value::String(encoded(secret.as_ref()));
        Some(jwk)
    }
}

const PROPERTY: &str = "OAuthJWTCert";

fn from_pkcs8(der: &[u8]) -> Option<Pair> {
    if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
        return Some(Pair::Rsa(pair, &RSA_ALGORITHMS[0]));
    }
    CURVES.iter().find_map(|curve| Some(Pair::Ec(EcdsaKeyPair::from_pkcs8(curve.signing, der).ok()?, curve)))
}

fn rsa_from_jwk(jwk: &Jwk) -> Result<RsaKeyPair, Error> {
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

fn ec_from_jwk(jwk: &Jwk) -> Result<Pair, Error> {
    let curve = CURVES.iter().find(|curve| curve.name == jwk.crv);
    let curve = curve.ok_or_else(|| bad(format!("curve \"{}\" is none of P-256, P-384, P-521", jwk.crv)))?;
    let coordinate = |text: &str| decoded(text).map(|bytes| padded(&bytes, curve.field_bytes));
    let point = [vec![4], coordinate(&jwk.x)?, coordinate(&jwk.y)?].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve.signing, &coordinate(&jwk.d)?, &point);
    pair.map(|pair| Pair::Ec(pair, curve)).map_err(|error| bad(format!("the EC key is refused: {error}")))
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
