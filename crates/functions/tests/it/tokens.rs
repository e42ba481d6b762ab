//! Tokens signed with keys: what one card signs another verifies, and no one else's.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use oktant_functions::Value;

use crate::support::run;

/// A private key and its public one, in PEM.
type Keys = (String, String);

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

fn rsa() -> Keys {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let private: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS 8");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key");
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

fn ec(algorithm: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Keys {
    let pair = EcdsaKeyPair::generate(algorithm).expect("a key");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key");
    (pem("PRIVATE KEY", pair.to_pkcs8v1().expect("PKCS 8").as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

fn sign(algorithm: &str, key: &str) -> Value {
    let inputs = Value::object([
        ("key", key.into()),
        ("options/algorithm", algorithm.into()),
        ("options/expiresIn", "10 minutes".into()),
        ("payload/scope", "read".into()),
    ]);
    let outputs = run("jwt:sign", &inputs, &[]).expect(algorithm);
    outputs.as_object().expect("outputs")["token"].clone()
}

fn claims(algorithm: &str, token: &Value, key: &str) -> String {
    let inputs =
        Value::object([("token", token.clone()), ("key", key.into()), ("options/algorithm", algorithm.into())]);
    run("jwt:verify", &inputs, &[]).expect(algorithm).to_json()
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    let (rsa, p256, p384) = (rsa(), ec(&ECDSA_P256_SHA256_FIXED_SIGNING), ec(&ECDSA_P384_SHA384_FIXED_SIGNING));
    let secret = ("secret".to_owned(), "secret".to_owned());
    for (algorithms, (private, public)) in [
        (&["HS256", "HS384", "HS512"][..], &secret),
        (&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], &rsa),
        (&["ES256"], &p256),
        (&["ES384"], &p384),
    ] {
        for algorithm in algorithms {
            // Keys in settings often have the two characters \\n where lines end.
            for key in [private.clone(), private.replace('\n', "\\n")] {
                let token = sign(algorithm, &key);
                let valid = r#"{"valid":true,"claims":{"scope":"read","iat":1795644930,"exp":1795645530}}"#;
                assert_eq!(claims(algorithm, &token, public), valid, "{algorithm}");
                let forged = Value::from(token.as_text().expect("text").replacen('.', ".e", 1));
                assert_eq!(claims(algorithm, &forged, public), r#"{"valid":false,"claims":null}"#, "{algorithm}");
            }
        }
    }
    // A public key is no secret, and a token says which algorithm it wants only to those who ask.
    let forged = sign("HS256", &rsa.1);
    assert_eq!(claims("RS256", &forged, &rsa.1), r#"{"valid":false,"claims":null}"#);
}
