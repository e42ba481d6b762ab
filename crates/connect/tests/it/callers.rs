//! Access tokens of an org, checked against its keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::routing::get;
use axum::{Json, Router};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oktant_base::{Clock as _, Secret, SystemClock};
use oktant_connect::OrgCallers;
use oktant_connect::connection::Auth;
use oktant_engine::{Caller, Callers as _};
use serde_json::{Value, json};

use crate::common::{Bench, serve};

struct Key {
    private: EncodingKey,
    public: Value,
}

fn key() -> Key {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = (encoded(&point[1..33]), encoded(&point[33..]));
    let public = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "alg": "ES256", "use": "sig", "x": x, "y": y});
    let private = pair.to_pkcs8v1().unwrap();
    Key { private: EncodingKey::from_ec_der(private.as_ref()), public }
}

fn signed(key: &EncodingKey, kid: &str, claims: &Value) -> Secret {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
    Secret::new(jsonwebtoken::encode(&header, claims, key).unwrap())
}

#[tokio::test]
async fn a_token_counts_if_an_org_that_there_is_a_connection_to_has_signed_it_for_itself() {
    let (own, other) = (key(), key());
    let asked = Arc::new(AtomicU32::new(0));
    let (keys, counter) = (json!({"keys": [own.public]}), Arc::clone(&asked));
    let answer = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Json(keys.clone()))
    };
    let org = serve(Router::new().route("/oauth2/v1/keys", get(answer))).await;
    let bench = Bench::new().await;
    bench.connect("acme", "okta", Auth::OktaToken, &[("domain", &*org)], &[("token", "t")]).await;
    let callers = OrgCallers::new(bench.connectors.connections().clone());

    let now = SystemClock.now().timestamp();
    let claims = json!({
        "iss": org, "aud": org, "exp": now + 300, "cid": "0oa1", "uid": "00u1", "sub": "ann@acme.example",
        "scp": ["okta.workflows.invoke.manage"],
    });
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let caller = Caller { id: "00u1".to_owned(), scopes: vec!["okta.workflows.invoke.manage".to_owned()] };
    assert_eq!(callers.caller(&signed(&own.private, "k1", &claims)).await, Some(caller.clone()));
    let service = with("uid", Value::Null);
    let service = callers.caller(&signed(&own.private, "k1", &service)).await;
    assert_eq!(service, Some(Caller { id: "0oa1".to_owned(), ..caller }));
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("https://other.example")),
        ("aud", json!(["https://other.example"])),
        ("exp", json!(now - 300)),
        ("nbf", json!(now + 300)),
        ("cnf", json!({"jkt": "thumbprint"})),
        ("exp", Value::Null),
    ] {
        let token = signed(&own.private, "k1", &with(name, value.clone()));
        assert_eq!(callers.caller(&token).await, None, "{name} = {value}");
    }
    assert_eq!(callers.caller(&signed(&other.private, "k1", &claims)).await, None, "signed by someone else");
    assert_eq!(callers.caller(&signed(&own.private, "k2", &claims)).await, None, "a key that the org does not have");
    let symmetric = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
    let public = own.public["x"].as_str().unwrap();
    let forged = jsonwebtoken::encode(&symmetric, &claims, &EncodingKey::from_secret(public.as_bytes())).unwrap();
    for text in [forged, String::new(), "a.b.c".to_owned()] {
        assert_eq!(callers.caller(&Secret::new(text)).await, None);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "strange tokens make no requests to the org");
}
