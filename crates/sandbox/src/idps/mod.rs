//! Identity providers: what the org adds to each type, their links, keys and linked users.
//!
//! # Source
//!
//! Recorded for the objects and keys, documented for certificate requests and linked users.

mod keys;
mod users;

use serde_json::{Value, json};

use crate::http::{Call, Handler, Outcome, Reply};
use crate::resources::{self, Document};
use crate::store::Store;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listIdentityProviders", Handler::Read(read)),
    ("getIdentityProvider", Handler::Read(read)),
    ("createIdentityProvider", Handler::Write(create)),
    ("replaceIdentityProvider", Handler::Write(replace)),
    ("activateIdentityProvider", Handler::Write(switch)),
    ("deactivateIdentityProvider", Handler::Write(switch)),
    ("createIdentityProviderKey", Handler::Write(keys::upload)),
    ("generateIdentityProviderSigningKey", Handler::Write(keys::generate)),
    ("cloneIdentityProviderKey", Handler::Write(keys::clone)),
    ("listActiveIdentityProviderSigningKey", Handler::Read(keys::active)),
    ("generateCsrForIdentityProvider", Handler::Write(keys::request)),
    ("publishCsrForIdentityProvider", Handler::Write(keys::publish)),
    ("linkUserToIdentityProvider", Handler::Write(users::link)),
    ("listIdentityProviderApplicationUsers", Handler::Read(users::list)),
    ("getIdentityProviderApplicationUser", Handler::Read(users::get)),
    ("unlinkUserFromIdentityProvider", Handler::Write(users::unlink)),
    ("listSocialAuthTokens", Handler::Read(users::tokens)),
    ("listUserIdentityProviders", Handler::Read(users::providers)),
];

const IDPS: &str = "/api/v1/idps";

/// Where the well-known providers let users sign in and hand out tokens.
const SOCIAL: [(&str, &str, &str); 6] = [
    ("APPLE", "https://appleid.apple.com/auth/authorize", "https://appleid.apple.com/auth/token"),
    ("FACEBOOK", "https://www.facebook.com/dialog/oauth", "https://graph.facebook.com/v2.8/oauth/access_token"),
    ("GITHUB", "https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token"),
    ("GOOGLE", "https://accounts.google.com/o/oauth2/auth", "https://www.googleapis.com/oauth2/v3/token"),
    (
        "LINKEDIN",
        "https://www.linkedin.com/uas/oauth2/authorization",
        "https://www.linkedin.com/uas/oauth2/accessToken",
    ),
    (
        "MICROSOFT",
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    ),
];

/// `listIdentityProviders` and `getIdentityProvider`.
fn read(store: &Store, call: &Call<'_>) -> Outcome {
    Ok(linked(resources::read(store, call)?, call))
}

/// `createIdentityProvider`.
fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let mut body = call.object()?;
    complete(call, &mut body);
    let (reply, path) = resources::write(store, &call.with_body(&body))?;
    let signing = body.get("protocol").and_then(|protocol| protocol.pointer("/credentials/signing/kid"));
    if let Some(kid) = signing.and_then(Value::as_str) {
        keys::keep_signing_key(store, call, &path, kid);
    }
    Ok(linked(reply, call))
}

/// `replaceIdentityProvider`: the answer does not say when it was made (recorded).
fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let mut body = call.object()?;
    let known = store.resources.item(IDPS, call.param("idpId"));
    let signing = known.and_then(|known| known.get("protocol")?.pointer("/credentials/signing").cloned());
    complete(call, &mut body);
    if let (Some(signing), Some(own)) =
        (signing, body.get_mut("protocol").and_then(|own| own.pointer_mut("/credentials/signing")))
    {
        *own = signing;
    }
    let (reply, _) = resources::write(store, &call.with_body(&body))?;
    Ok(linked(reply, call).edited(|idp| idp["created"] = Value::Null))
}

/// `activateIdentityProvider` and `deactivateIdentityProvider`.
fn switch(store: &mut Store, call: &Call<'_>) -> Outcome {
    Ok(linked(resources::write(store, call)?.0, call))
}

/// Adds what the org knows about a type of provider. What has another form than it should is left to
/// [`resources::write`] to refuse.
fn complete(call: &Call<'_>, body: &mut Document) {
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(Value::Object(protocol)) = body.get_mut("protocol") else { return };
    let addresses = SOCIAL.iter().find(|(known, ..)| *known == kind);
    if let Some((_, authorization, token)) = addresses {
        let Value::Object(endpoints) = protocol.entry("endpoints").or_insert_with(|| json!({})) else { return };
        endpoints.insert("authorization".to_owned(), json!({ "url": authorization, "binding": "HTTP-REDIRECT" }));
        endpoints.insert("token".to_owned(), json!({ "url": token, "binding": "HTTP-POST" }));
    }
    match kind.as_str() {
        "SAML2" => complete_saml(call, body),
        "OIDC" => complete_oidc(protocol),
        _ => {}
    }
}

fn complete_oidc(protocol: &mut Document) {
    if let Value::Object(settings) = protocol.entry("settings").or_insert_with(|| json!({})) {
        settings.entry("nameFormat").or_insert(Value::Null);
    }
    if let Some(Value::Object(logout)) = protocol.get_mut("endpoints").and_then(|all| all.get_mut("slo")) {
        logout.entry("binding").or_insert_with(|| "HTTP-REDIRECT".into());
    }
}

fn complete_saml(call: &Call<'_>, body: &mut Document) {
    let audience = format!("{}/saml2/service-provider/sp{}", call.base, call.org.hex(9));
    let kid = call.org.token(43);
    if let Some(Value::Object(policy)) = body.get_mut("policy") {
        policy.entry("trustClaims").or_insert(false.into());
    }
    let Some(Value::Object(protocol)) = body.get_mut("protocol") else { return };
    let Value::Object(credentials) = protocol.entry("credentials").or_insert_with(|| json!({})) else { return };
    credentials.insert("signing".to_owned(), json!({ "kid": kid }));
    if let Some(Value::Object(trust)) = credentials.get_mut("trust") {
        trust.entry("audience").or_insert_with(|| audience.into());
        trust.entry("revocation").or_insert(Value::Null);
        trust.entry("revocationCacheLifetime").or_insert_with(|| 0.into());
    }
    if let Some(Value::Object(request)) = protocol.get_mut("algorithms").and_then(|all| all.get_mut("request")) {
        request.entry("digest").or_insert_with(|| "SHA-1".into());
    }
}

/// Puts the links into one provider or a list of them.
fn linked(reply: Reply, call: &Call<'_>) -> Reply {
    reply.edited(|shown| match shown {
        Value::Array(all) => all.iter_mut().for_each(|idp| idp["_links"] = links(call, idp)),
        idp => idp["_links"] = links(call, idp),
    })
}

fn links(call: &Call<'_>, idp: &Value) -> Value {
    let id = idp["id"].as_str().unwrap_or_default();
    let own = |path: &str, method: &str| json!({ "href": call.url(&format!("{IDPS}/{id}/{path}")), "hints": { "allow": [method] } });
    let mut links = match idp["type"].as_str() {
        Some("SAML2") => {
            let mut metadata = own("metadata.xml", "GET");
            metadata["type"] = "application/xml".into();
            let acs = call.url(&format!("/sso/saml2/{id}"));
            let acs = json!({ "href": acs, "type": "application/xml", "hints": { "allow": ["POST"] } });
            json!({ "metadata": metadata, "acs": acs, "users": own("users", "GET") })
        }
        Some("X509") => json!({ "users": own("users", "GET") }),
        _ => {
            let query = "client_id={clientId}&response_type={responseType}&response_mode={responseMode}\
                         &scope={scopes}&redirect_uri={redirectUri}&state={state}&nonce={nonce}";
            let authorize = format!("{}?idp={id}&{query}", call.url("/oauth2/v1/authorize"));
            let callback = call.url("/oauth2/v1/authorize/callback");
            return json!({
                "authorize": { "href": authorize, "templated": true, "hints": { "allow": ["GET"] } },
                "clientRedirectUri": { "href": callback, "hints": { "allow": ["POST"] } },
            });
        }
    };
    let next = if idp["status"] == "ACTIVE" { "deactivate" } else { "activate" };
    links[next] = own(&format!("lifecycle/{next}"), "POST");
    links
}
