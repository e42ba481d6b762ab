//! Ids of objects that the sandbox has, by the names of the parameters that take them.

use std::collections::BTreeMap;

use oktant_catalog::Operation;
use oktant_sdk::models::Json;
use oktant_sdk::{Error, Method, Okta};
use serde_json::Value;

/// Where to find an object for parameters of these names. `{…}` takes an id found before.
const SOURCES: &[(&str, &str, &[&str])] = &[
    (
        "/api/v1/users",
        "/id",
        &["userId", "id", "userIdOrLogin", "primaryUserId", "memberId", "ownerId", "contactUserId"],
    ),
    ("/api/v1/groups", "/id", &["groupId", "targetGroupId", "sourceGroupId"]),
    ("/api/v1/apps", "/id", &["appId", "clientId", "client_id", "allowedAppId", "appInstanceId"]),
    ("/api/v1/apps", "/name", &["appName"]),
    ("/api/v1/groups/rules", "/id", &["groupRuleId"]),
    ("/api/v1/policies?type=OKTA_SIGN_ON", "/id", &["policyId"]),
    ("/api/v1/policies/{policyId}/rules", "/id", &["ruleId"]),
    ("/api/v1/authorizationServers", "/id", &["authServerId", "authorizationServerId", "associatedServerId"]),
    ("/api/v1/authorizationServers/{authServerId}/scopes", "/id", &["scopeId"]),
    ("/api/v1/authorizationServers/{authServerId}/claims", "/id", &["claimId"]),
    ("/api/v1/idps", "/id", &["idpId", "targetIdpId"]),
    ("/api/v1/brands", "/id", &["brandId"]),
    ("/api/v1/brands/{brandId}/themes", "/id", &["themeId"]),
    ("/api/v1/zones", "/id", &["zoneId"]),
    ("/api/v1/trustedOrigins", "/id", &["trustedOriginId"]),
    ("/api/v1/authenticators", "/id", &["authenticatorId"]),
    ("/api/v1/meta/types/user", "/id", &["typeId", "schemaId"]),
    ("/api/v1/features", "/id", &["featureId"]),
    ("/api/v1/behaviors", "/id", &["behaviorId"]),
    ("/api/v1/devices", "/id", &["deviceId"]),
    ("/api/v1/realms", "/id", &["realmId"]),
    ("/api/v1/logStreams", "/id", &["logStreamId"]),
    ("/api/v1/eventHooks", "/id", &["eventHookId"]),
    ("/api/v1/inlineHooks", "/id", &["inlineHookId"]),
    ("/api/v1/users/{userId}/factors", "/id", &["factorId"]),
    ("/api/v1/users/{userId}/roles", "/id", &["roleAssignmentId"]),
];

/// Ids by the names of the path parameters that take them.
pub(crate) type Ids = BTreeMap<&'static str, String>;

/// Remembers the id of what an operation created, for the path parameters that follow its path.
pub(crate) fn learn(created: &Operation, value: &[u8], ids: &mut Ids) {
    let value: Value = serde_json::from_slice(value).unwrap();
    let Some(id) = value["id"].as_str() else { return };
    for operation in oktant_catalog::operations() {
        let below = operation.path.strip_prefix(created.path).and_then(|rest| rest.strip_prefix("/{"));
        if let Some((name, _)) = below.and_then(|rest| rest.split_once('}')) {
            ids.entry(name).or_insert_with(|| id.to_owned());
        }
    }
}

/// An id for every parameter name for which the org has an object.
pub(crate) async fn ids(okta: &Okta) -> Ids {
    let mut ids = Ids::new();
    for (path, pointer, names) in SOURCES {
        let found = first(okta, &filled(path, &ids)).await;
        if let Some(id) = found.ok().flatten().as_ref().and_then(|object| object.pointer(pointer)?.as_str()) {
            ids.extend(names.iter().map(|name| (*name, id.to_owned())));
        }
    }
    ids
}

fn filled(path: &str, ids: &Ids) -> String {
    ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
}

async fn first(okta: &Okta, path: &str) -> Result<Option<Value>, Error> {
    let first = okta.request(Method::Get, path)?.list_of::<Json>().first().await?;
    Ok(first.map(|object| object.to_value()))
}
