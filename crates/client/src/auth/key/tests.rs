use aws_lc_rs::encoding::EcPrivateKeyRfc5915Der;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::ECDSA_P521_SHA512_FIXED_SIGNING;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::json;

use super::*;

fn pem(label: &str, der: &[u8]) -> String {
    format!("  -----BEGIN {label}-----\n  {}\n  -----END {label}-----\n", STANDARD.encode(der))
}

/// What `key` signs holds under `public`, which comes from elsewhere.
#[track_caller]
fn verifies(key: &SigningKey, public: &DecodingKey, algorithm: Algorithm) {
    let jwt = key.sign("JWT", None, &json!({"sub": "x"})).unwrap();
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    let token = jsonwebtoken::decode::<Value>(&jwt, public, &validation).expect("a valid signature");
    assert_eq!((token.claims["sub"].as_str(), token.header.kid), (Some("x"), key.id.clone()));
}

#[test]
fn ec_keys_of_every_form_sign() {
    use aws_lc_rs::signature::KeyPair;
    for curve in &CURVES {
        let pair = EcdsaKeyPair::generate(curve.signing).unwrap();
        let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
        let check = |key: &SigningKey| verifies(key, &public, curve.algorithm);
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let from_pkcs8 = SigningKey::read(&pem("PRIVATE KEY", pkcs8.as_ref()), Some("k1")).unwrap();
        assert_eq!(from_pkcs8.id.as_deref(), Some("k1"));
        check(&from_pkcs8);
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        check(&SigningKey::read(&pem("EC PRIVATE KEY", sec1.as_ref()), None).unwrap());
        let mut jwk = serde_json::to_value(from_pkcs8.public_jwk().unwrap()).unwrap();
        assert_eq!(jwk["crv"], curve.name);
        jwk["d"] = encoded(pair.private_key().as_be_bytes().unwrap().as_ref()).into();
        check(&SigningKey::read(&jwk.to_string(), None).unwrap());
    }
}

#[test]
fn a_new_key_survives_being_stored() {
    let (key, jwk) = SigningKey::generate().unwrap();
    let again = SigningKey::from_jwk(jwk).unwrap();
    let public = DecodingKey::from_jwk(&key.public_jwk().unwrap()).unwrap();
    verifies(&again, &public, Algorithm::ES256);
}

#[test]
fn rsa_keys_sign_by_every_hash() {
    use aws_lc_rs::signature::KeyPair;
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = DecodingKey::from_rsa_der(pair.public_key().as_ref());
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = pem("PRIVATE KEY", pkcs8.as_ref());
    for algorithm in RSA_ALGORITHMS {
        let key = SigningKey::read(&text, None).unwrap().with_algorithm(&format!("{algorithm:?}")).unwrap();
        verifies(&key, &public, algorithm);
    }
    // PKCS#1 is what PKCS#8 wraps: the octet string that ends it.
    let pkcs1 = &pkcs8.as_ref()[26..];
    verifies(&SigningKey::read(&pem("RSA PRIVATE KEY", pkcs1), None).unwrap(), &public, Algorithm::RS256);
}

#[test]
fn an_rsa_jwk_signs() {
    // Made for this test by openssl; its factors cannot be read from a key pair of the library.
    let jwk = include_str!("rsa_2048.json");
    let members: Value = serde_json::from_str(jwk).unwrap();
    let member = |name: &str| members[name].as_str().unwrap();
    let public = DecodingKey::from_rsa_components(member("n"), member("e")).unwrap();
    verifies(&SigningKey::read(jwk, None).unwrap(), &public, Algorithm::RS256);
    let set = format!("{{\"keys\":[{jwk}]}}");
    assert!(SigningKey::read(&set, None).is_ok());
    assert!(SigningKey::read(&set, Some("other")).is_err());
}

#[test]
fn unusable_keys_are_explained() {
    let reason = |text: &str| SigningKey::read(text, None).unwrap_err().to_string();
    assert!(reason("hello").contains("not PEM"));
    assert!(reason("-----BEGIN ENCRYPTED PRIVATE KEY-----").contains("encrypted"));
    assert!(reason("{\"kty\":\"oct\"}").contains(SUPPORTED));
    assert!(reason("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}").contains("lacks private"));
    assert!(SigningKey::generate().unwrap().0.with_algorithm("RS256").is_err());
}

#[test]
fn keys_on_p_521_are_refused_with_what_is_supported() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let refusal = |text: &str| SigningKey::read(text, None).unwrap_err().to_string();
    let refused = refusal(&pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()));
    assert!(refused.contains(SUPPORTED), "{refused}");
    let refused = refusal("{\"kty\":\"EC\",\"crv\":\"P-521\",\"alg\":\"ES512\"}");
    assert!(refused.contains("\"P-521\"") && refused.contains(SUPPORTED), "{refused}");
}
