//! Custom authorization servers as administrators see them: what a new one contains, its keys, and the
//! clients and refresh tokens that it knows. What they hand out is the business of [`crate::oauth`].
//!
//! # Source
//!
//! Recorded for scopes, claims, keys and tokens; the policy of the default server is documented.

mod keys;
mod tokens;

use oktant_base::Entropy;
use serde_json::{Value, json};

use crate::http::{Call, Handler, Outcome};
use crate::oauth::Setup;
use crate::org;
use crate::resources::{self, Collection, Document};
use crate::store::{Stamp, Store};

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createAuthorizationServer", Handler::Write(create)),
    ("listAuthorizationServerKeys", Handler::Read(keys::list)),
    ("getAuthorizationServerKey", Handler::Read(keys::get)),
    ("rotateAuthorizationServerKeys", Handler::Write(keys::rotate)),
    ("listOAuth2ClientsForAuthorizationServer", Handler::Read(tokens::clients)),
    ("listRefreshTokensForAuthorizationServerAndClient", Handler::Read(tokens::list)),
    ("getRefreshTokenForAuthorizationServerAndClient", Handler::Read(tokens::get)),
    ("revokeRefreshTokenForAuthorizationServerAndClient", Handler::Write(tokens::revoke)),
    ("revokeRefreshTokensForAuthorizationServerAndClient", Handler::Write(tokens::revoke_all)),
];

const SERVERS: &str = "/api/v1/authorizationServers";

/// The scopes that every server has, with what they are shown as and whether users are asked.
const SCOPES: [(&str, &str, &str); 7] = [
    ("openid", "openid", "IMPLICIT"),
    ("profile", "View your profile information.", "IMPLICIT"),
    ("email", "View your email address.", "IMPLICIT"),
    ("address", "View your address.", "IMPLICIT"),
    ("phone", "View your phone number.", "IMPLICIT"),
    ("offline_access", "Keep you signed in to the app.", "IMPLICIT"),
    ("device_sso", "Share a session with other apps on the device.", "IMPLICIT"),
];

/// The claims about users that every server has, with the scope that opens them and whether they are
/// in every token.
const CLAIMS: [(&str, &str, bool); 18] = [
    ("middle_name", "profile", false),
    ("zoneinfo", "profile", false),
    ("website", "profile", false),
    ("updated_at", "profile", false),
    ("profile", "profile", false),
    ("preferred_username", "profile", true),
    ("picture", "profile", false),
    ("phone_number", "phone", false),
    ("nickname", "profile", false),
    ("name", "profile", true),
    ("locale", "profile", false),
    ("given_name", "profile", false),
    ("gender", "profile", false),
    ("family_name", "profile", false),
    ("email_verified", "email", false),
    ("email", "email", true),
    ("birthdate", "profile", false),
    ("address", "address", false),
];

/// `createAuthorizationServer`.
fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (reply, path) = resources::write(store, call)?;
    furnish(store, &path);
    keys::add_next(store, &path, call.org.entropy.as_ref());
    Ok(reply)
}

fn put(store: &mut Store, collection: &str, prefix: &str, mut document: Value) -> String {
    let id = store.ids.next(prefix).to_string();
    let mut own = Document::new();
    own.insert("id".to_owned(), id.clone().into());
    own.extend(document.as_object_mut().map(std::mem::take).unwrap_or_default());
    store.resources.collection_mut(collection).put(&id, own);
    id
}

/// Puts the scopes and claims into a server that every server has.
fn furnish(store: &mut Store, path: &str) {
    for (name, display, consent) in SCOPES {
        let scope = json!({
            "name": name, "displayName": display, "description": display, "system": true, "metadataPublish": "ALL_CLIENTS",
            "consent": consent, "default": false, "optional": false, "apiResourceId": null,
        });
        put(store, &format!("{path}/scopes"), "scp", scope);
    }
    let sub = json!({
        "name": "sub", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
        "value": "(appuser != null) ? appuser.userName : app.clientId", "conditions": { "scopes": [] },
        "system": true, "alwaysIncludeInToken": true, "apiResourceId": null,
    });
    put(store, &format!("{path}/claims"), "ocl", sub);
    for (name, scope, always) in CLAIMS {
        let claim = json!({
            "name": name, "status": "ACTIVE", "claimType": "IDENTITY", "valueType": "SYSTEM",
            "conditions": { "scopes": [scope] }, "system": true, "alwaysIncludeInToken": always, "apiResourceId": null,
        });
        put(store, &format!("{path}/claims"), "ocl", claim);
    }
}

/// Completes the server `default`, which has a policy from the start: every client gets what it asks for.
pub(crate) fn furnish_default(store: &mut Store, now: Stamp, entropy: &dyn Entropy) {
    let path = format!("{SERVERS}/default");
    furnish(store, &path);
    keys::add_next(store, &path, entropy);
    let now = now.text();
    let policy = json!({
        "type": "OAUTH_AUTHORIZATION_POLICY", "status": "ACTIVE", "name": "Default Policy",
        "description": "Default policy for all clients", "priority": 1, "system": false,
        "conditions": { "clients": { "include": ["ALL_CLIENTS"] } }, "created": now, "lastUpdated": now,
    });
    let policy = put(store, &format!("{path}/policies"), "00p", policy);
    let grants = ["authorization_code", "implicit", "password", "client_credentials"];
    let rule = json!({
        "type": "RESOURCE_ACCESS", "status": "ACTIVE", "name": "Default Policy Rule", "priority": 1, "system": false,
        "conditions": {
            "people": { "users": { "include": [], "exclude": [] }, "groups": { "include": ["EVERYONE"], "exclude": [] } },
            "grantTypes": { "include": grants }, "scopes": { "include": ["*"] },
        },
        "actions": { "token": {
            "accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10080,
        } },
        "created": now, "lastUpdated": now,
    });
    put(store, &format!("{path}/policies/{policy}/rules"), "0pr", rule);
}

fn documents(store: &Store, path: &str) -> Vec<Value> {
    let kept = store.resources.collection(path).into_iter().flat_map(Collection::iter);
    kept.map(|(_, document)| Value::Object(document.clone())).collect()
}

/// What an active server is set up to do; `None` for one that is not active or not there.
pub(crate) fn setup(store: &Store, id: &str) -> Option<Setup> {
    let server = store.resources.item(SERVERS, id)?;
    if server.get("status").is_none_or(|status| status != "ACTIVE") {
        return None;
    }
    let path = format!("{SERVERS}/{id}");
    let audience = server.get("audiences").and_then(|all| all.get(0)).and_then(Value::as_str).unwrap_or_default();
    let policies = documents(store, &format!("{path}/policies")).into_iter().map(|policy| {
        let own = format!("{path}/policies/{}/rules", policy["id"].as_str().unwrap_or_default());
        (policy, documents(store, &own))
    });
    Some(Setup {
        audience: audience.to_owned(),
        kid: keys::active(server),
        published_kids: keys::published(store, id),
        scopes: documents(store, &format!("{path}/scopes")),
        claims: documents(store, &format!("{path}/claims")),
        policies: policies.collect(),
    })
}

/// A new id of a key.
fn new_kid(entropy: &dyn Entropy) -> String {
    org::token(entropy, 43)
}
