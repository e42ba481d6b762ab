//! Certificates of identity providers, and the keys with which the org signs what it sends to them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::IDPS;
use crate::certificate::{self, Certificate};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::org;
use crate::resources;
use crate::store::Store;

/// Years for which a generated key is valid.
const VALIDITY_YEARS: std::ops::RangeInclusive<i64> = 2..=10;

fn host<'a>(call: &'a Call<'_>) -> &'a str {
    call.base.rsplit('/').next().unwrap_or_default()
}

fn put(store: &mut Store, collection: &str, key: &str, document: &Value) {
    if let Value::Object(document) = document {
        store.resources.collection_mut(collection).put(key, document.clone());
    }
}

/// The path of the provider that a call names.
fn provider(store: &Store, id: &str) -> Result<String, ApiError> {
    store.resources.item(IDPS, id).map(|_| format!("{IDPS}/{id}")).ok_or_else(|| ApiError::not_found(id, "IdpTrust"))
}

/// The certificate in a text: base64 with or without the lines of PEM.
fn parse(text: &str, call: &Call<'_>) -> Option<Certificate> {
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let base64: String = lines.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect();
    Certificate::parse(&STANDARD.decode(base64).ok()?, call.now)
}

/// `createIdentityProviderKey`: the certificate of a provider, in `x5c`.
///
/// # Errors
///
/// 400 `E0000001` if it is no certificate of an RSA key, 409 `E0000096` if it is there already.
pub(super) fn upload(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let given = body.get("x5c").and_then(|chain| chain.get(0)).and_then(Value::as_str);
    let given = given.ok_or_else(|| ApiError::invalid_field("x5c", "The field cannot be left blank"))?;
    let certificate = parse(given, call).ok_or_else(|| ApiError::invalid_field("x5c", "Invalid certificate."))?;
    let collection = format!("{IDPS}/credentials/keys");
    let kid = org::uuid(call.org.entropy.as_ref());
    let mut key = certificate.jwk(&kid);
    let kept = store.resources.collection(&collection).into_iter().flat_map(resources::Collection::iter);
    if let Some((known, _)) = kept.into_iter().find(|(_, kept)| kept.get("x5t#S256") == key.get("x5t#S256")) {
        let summary = format!("This certificate has already been uploaded with kid={known}.");
        return Err(ApiError::known(409, "E0000096", "").summary(summary));
    }
    key["alg"] = "RSA".into();
    key["x5c"] = json!([given]);
    put(store, &collection, &kid, &key);
    Ok(Reply::json(&key))
}

/// Keeps the org's certificate as the one with which it signs for a provider.
pub(super) fn keep_signing_key(store: &mut Store, call: &Call<'_>, path: &str, kid: &str) {
    if let Some(certificate) = call.org.certificate.get(host(call), call.now) {
        put(store, &format!("{path}/credentials/keys"), kid, &certificate.jwk(kid));
    }
}

/// `generateIdentityProviderSigningKey`.
///
/// # Errors
///
/// 400 `E0000001` unless it is to be valid for 2 to 10 years.
pub(super) fn generate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = provider(store, call.param("idpId"))?;
    let years = call.query("validityYears").map_or(Ok(*VALIDITY_YEARS.start()), str::parse);
    let years = years.ok().filter(|years| VALIDITY_YEARS.contains(years));
    let years = years.ok_or_else(|| ApiError::invalid_field("validityYears", "The value must be from 2 to 10."))?;
    let kid = call.org.token(43);
    let made = Certificate::generate(host(call), call.now, years).ok_or(errors::E0000009)?;
    let key = made.jwk(&kid);
    put(store, &format!("{path}/credentials/keys"), &kid, &key);
    Ok(Reply::json(&key).status(StatusCode::CREATED))
}

/// `cloneIdentityProviderKey`: the same key for another provider.
pub(super) fn clone(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = provider(store, call.param("idpId"))?;
    let kid = call.param("kid");
    let key = store.resources.item(&format!("{path}/credentials/keys"), kid).cloned();
    let key = key.ok_or_else(|| ApiError::not_found(kid, "IdpTrust"))?;
    let target = call.query("targetIdpId").unwrap_or_default();
    let target = format!("{}/credentials/keys", provider(store, target)?);
    store.resources.collection_mut(&target).put(kid, key.clone());
    let location = call.url(&format!("{target}/{kid}"));
    Ok(Reply::json(&key).status(StatusCode::CREATED).header(header::LOCATION, &location))
}

/// `listActiveIdentityProviderSigningKey`: 204 for a provider that nothing is signed for.
pub(super) fn active(store: &Store, call: &Call<'_>) -> Outcome {
    let path = provider(store, call.param("idpId"))?;
    let idp = store.resources.item(IDPS, call.param("idpId"));
    let kid = idp.and_then(|idp| idp.get("protocol")?.pointer("/credentials/signing/kid")?.as_str());
    let key = kid.and_then(|kid| store.resources.item(&format!("{path}/credentials/keys"), kid));
    Ok(key.map_or_else(Reply::no_content, Reply::json))
}

/// `generateCsrForIdentityProvider`.
pub(super) fn request(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = format!("{}/credentials/csrs", provider(store, call.param("idpId"))?);
    let body = Value::Object(call.object()?);
    let names = body.pointer("/subjectAltNames/dnsNames").and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(Value::as_str).map(str::to_owned).collect();
    let csr = certificate::signing_request(&body["subject"], names).ok_or(errors::E0000003)?;
    let id = call.org.token(43);
    let own = call.url(&format!("{path}/{id}"));
    let document = json!({ "id": id, "created": call.stamp().text(), "csr": csr, "kty": "RSA" });
    put(store, &path, &id, &document);
    let mut shown = document;
    shown["_links"] = json!({
        "self": { "href": own, "hints": { "allow": ["GET", "DELETE"] } },
        "publish": { "href": format!("{own}/lifecycle/publish"), "hints": { "allow": ["POST"] } },
    });
    Ok(Reply::json(&shown).status(StatusCode::CREATED).header(header::LOCATION, &own))
}

/// `publishCsrForIdentityProvider`: the signed certificate, in DER, PEM or base64, becomes a signing key.
///
/// # Errors
///
/// 400 `E0000001` if it is no certificate of an RSA key.
pub(super) fn publish(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = provider(store, call.param("idpId"))?;
    let (csrs, id) = (format!("{path}/credentials/csrs"), call.param("idpCsrId"));
    store.resources.item(&csrs, id).ok_or_else(|| ApiError::not_found(id, "CertificateSigningRequest"))?;
    let text = std::str::from_utf8(&call.body).ok().and_then(|text| parse(text, call));
    let signed = text.or_else(|| Certificate::parse(&call.body, call.now));
    let signed = signed.ok_or_else(|| ApiError::invalid_field("certificate", "The certificate is not valid."))?;
    let kid = call.org.token(43);
    let key = signed.jwk(&kid);
    put(store, &format!("{path}/credentials/keys"), &kid, &key);
    store.resources.remove_item(&csrs, id);
    let location = call.url(&format!("{path}/credentials/keys/{kid}"));
    Ok(Reply::json(&key).status(StatusCode::CREATED).header(header::LOCATION, &location))
}
