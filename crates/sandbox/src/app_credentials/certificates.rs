//! Signing keys of applications, and the SAML metadata that shows them.
//!
//! # Source
//!
//! Recorded, but for one assumption: an application that was given no key of its own shares the org's.

use http::{StatusCode, header};
use serde_json::Value;

use crate::apps::{self, App};
use crate::certificate::{Certificate, YEARS};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::org;
use crate::store::Store;

/// Years that a key may be valid.
const YEARS_ALLOWED: std::ops::RangeInclusive<i64> = 2..=10;

fn path(app: &App) -> String {
    format!("/api/v1/apps/{}/credentials/keys", app.id)
}

/// The id of the key that an application signs with; empty for one that signs nothing.
fn signing_kid(app: &App) -> &str {
    let credentials = app.body.get("credentials").unwrap_or(&Value::Null);
    credentials.pointer("/signing/kid").and_then(Value::as_str).unwrap_or_default()
}

fn host<'a>(call: &'a Call<'_>) -> &'a str {
    call.base.split("://").nth(1).unwrap_or_default()
}

/// The key that an application begins with.
fn own_key(call: &Call<'_>, app: &App) -> Result<Value, ApiError> {
    let certificate = call.org.certificate.get(host(call), call.now).ok_or(errors::E0000009)?;
    Ok(certificate.jwk(signing_kid(app)))
}

/// Every key of an application.
fn keys(store: &Store, call: &Call<'_>, app: &App) -> Result<Vec<Value>, ApiError> {
    let mut keys = vec![own_key(call, app)?];
    let made = store.resources.collection(&path(app));
    keys.extend(
        made.into_iter().flat_map(crate::resources::Collection::iter).map(|(_, key)| Value::Object(key.clone())),
    );
    Ok(keys)
}

fn find(store: &Store, call: &Call<'_>, app: &App) -> Result<Value, ApiError> {
    let kid = call.param("keyId");
    let found = keys(store, call, app)?.into_iter().find(|key| key["kid"] == kid);
    found.ok_or_else(|| ApiError::not_found(kid, "JsonWebKey"))
}

/// `listApplicationKeys`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&keys(store, call, apps::find(store, call)?)?))
}

/// `getApplicationKey`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(Reply::json(&find(store, call, apps::find(store, call)?)?))
}

/// `generateApplicationKey`.
pub(super) fn generate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let years = call.query("validityYears").map_or(Ok(YEARS), str::parse).unwrap_or_default();
    if !YEARS_ALLOWED.contains(&years) {
        return Err(ApiError::invalid_field("validityYears", "The field has an invalid value"));
    }
    let path = path(apps::find(store, call)?);
    let certificate = Certificate::generate(host(call), call.now, years).ok_or(errors::E0000009)?;
    let key = certificate.jwk(&org::token(call.org.entropy.as_ref(), 43));
    Ok(keep(store, call, &path, &key))
}

/// `cloneApplicationKey`: the same key for another application.
pub(super) fn clone(store: &mut Store, call: &Call<'_>) -> Outcome {
    let key = find(store, call, apps::find(store, call)?)?;
    let target = call.query("targetAid").unwrap_or_default();
    let app = crate::store::Id::parse(target).and_then(|id| store.apps.get(&id));
    let path = path(app.ok_or_else(|| ApiError::not_found(target, "AppInstance"))?);
    Ok(keep(store, call, &path, &key))
}

fn keep(store: &mut Store, call: &Call<'_>, path: &str, key: &Value) -> Reply {
    let kid = key["kid"].as_str().unwrap_or_default();
    if let Value::Object(document) = key {
        store.resources.collection_mut(path).put(kid, document.clone());
    }
    let location = call.url(&format!("{path}/{kid}"));
    Reply::json(key).status(StatusCode::CREATED).header(header::LOCATION, &location)
}

/// `previewSAMLmetadataForApplication`: the metadata of the org as this application's identity provider.
pub(super) fn metadata(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let accepts = call.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    if !accepts.contains("xml") && !accepts.contains("*/*") {
        return Err(errors::E0000019.into());
    }
    let kid = call.query("kid").unwrap_or_else(|| signing_kid(app));
    let keys = keys(store, call, app)?;
    let key = keys.iter().find(|key| key["kid"] == kid).ok_or_else(|| ApiError::not_found(kid, "JsonWebKey"))?;
    let certificate = key["x5c"][0].as_str().unwrap_or_default();
    let location = call.url(&format!("/app/{}/{}/sso/saml", app.name, app.id));
    let services: String = ["HTTP-POST", "HTTP-Redirect"]
        .map(|binding| {
            let binding = format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}");
            format!("<md:SingleSignOnService Binding=\"{binding}\" Location=\"{location}\"/>")
        })
        .concat();
    let formats: String = ["emailAddress", "unspecified"]
        .map(|form| format!("<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:{form}</md:NameIDFormat>"))
        .concat();
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <md:EntityDescriptor entityID=\"http://www.okta.com/{}\" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">\
         <md:IDPSSODescriptor WantAuthnRequestsSigned=\"false\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
         <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </md:KeyDescriptor>{formats}{services}</md:IDPSSODescriptor></md:EntityDescriptor>",
        app.link_id,
    );
    let mut reply = Reply::bytes(xml.into_bytes());
    reply.headers.clear();
    Ok(reply.header(header::CONTENT_TYPE, "application/xml"))
}
