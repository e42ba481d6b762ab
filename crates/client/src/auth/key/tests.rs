use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::engine::general_purpose::STANDARD;

use super::*;

fn pem(label: &str, der: &[u8]) -> String {
    format!("  -----BEGIN {label}-----\n  {}\n  -----END {label}-----\n", STANDARD.encode(der))
}

#[track_caller]
fn verifies(key: &SigningKey, algorithm: &'static dyn VerificationAlgorithm) {
    let public = match &key.pair {
        Pair::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
        Pair::Ec(pair, _) => pair.public_key().as_ref().to_vec(),
    };
    let jwt = key.sign(&json!({"alg": key.algorithm()}), &json!({"sub": "x"})).unwrap();
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(algorithm, public).verify(message.as_bytes(), &signature).expect("a valid signature");
}

#[test]
fn ec_keys_of_every_form_sign() {
    let verification: [&'static dyn VerificationAlgorithm; 3] =
        [&ECDSA_P256_SHA256_FIXED, &ECDSA_P384_SHA384_FIXED, &ECDSA_P521_SHA512_FIXED];
    for (curve, verification) in CURVES.iter().zip(verification) {
        let pair = EcdsaKeyPair::generate(curve.signing).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
        let from_pkcs8 = SigningKey::read(&pem("PRIVATE KEY", pkcs8.as_ref()), Some("k1")).unwrap();
        assert_eq!((from_pkcs8.algorithm(), from_pkcs8.id()), (curve.algorithm, Some("k1")));
        verifies(&from_pkcs8, verification);
        verifies(&SigningKey::read(&pem("EC PRIVATE KEY", sec1.as_ref()), None).unwrap(), verification);
        let jwk = from_pkcs8.private_jwk().unwrap();
        assert_eq!(SigningKey::from_jwk(jwk.clone()).unwrap().public_jwk(), from_pkcs8.public_jwk());
        verifies(&SigningKey::read(&jwk.to_string(), None).unwrap(), verification);
    }
}

#[test]
fn rsa_keys_sign_by_every_hash() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = pem("PRIVATE KEY", pkcs8.as_ref());
    let key = |algorithm: &str| SigningKey::read(&text, None).unwrap().with_algorithm(algorithm).unwrap();
    verifies(&key("RS256"), &RSA_PKCS1_2048_8192_SHA256);
    verifies(&key("RS384"), &RSA_PKCS1_2048_8192_SHA384);
    verifies(&key("RS512"), &RSA_PKCS1_2048_8192_SHA512);
    // PKCS#1 is what PKCS#8 wraps: the octet string that ends it.
    let pkcs1 = &pkcs8.as_ref()[26..];
    verifies(&SigningKey::read(&pem("RSA PRIVATE KEY", pkcs1), None).unwrap(), &RSA_PKCS1_2048_8192_SHA256);
}

#[test]
fn an_rsa_jwk_signs() {
    // Made for this test by openssl; its factors cannot be read from a key pair of the library.
    let jwk = include_str!("rsa_2048.json");
    let key = SigningKey::read(jwk, None).unwrap();
    assert_eq!(key.algorithm(), "RS256");
    verifies(&key, &RSA_PKCS1_2048_8192_SHA256);
    let set = format!("{{\"keys\":[{jwk}]}}");
    assert!(SigningKey::read(&set, None).is_ok());
    assert!(SigningKey::read(&set, Some("other")).is_err());
}

#[test]
fn unusable_keys_are_explained() {
    let reason = |text: &str| SigningKey::read(text, None).unwrap_err().to_string();
    assert!(reason("hello").contains("not PEM"));
    assert!(reason("-----BEGIN ENCRYPTED PRIVATE KEY-----").contains("encrypted"));
    assert!(reason("{\"kty\":\"oct\"}").contains("neither RSA nor EC"));
    assert!(reason("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}").contains("lacks private"));
    assert!(SigningKey::generate().unwrap().with_algorithm("RS256").is_err());
}
