//! `okta.*` scopes that an administrator grants to an app.

use serde_json::{Value, json};

use super::model::{App, Grant};
use super::{exclusive, find};
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::store::Store;

fn shown(call: &Call<'_>, app: &App, grant: &Grant, with_scope: bool) -> Value {
    let own = format!("/api/v1/apps/{}", app.id);
    let client = app.body.get("credentials").and_then(|value| value.pointer("/oauthClient/client_id"));
    let mut shown = json!({
        "id": grant.id.as_str(),
        "status": "ACTIVE",
        "created": grant.created.text(),
        "createdBy": { "id": grant.created_by.as_str(), "type": "User" },
        "lastUpdated": grant.created.text(),
        "issuer": call.base,
        "clientId": client,
        "scopeId": grant.scope,
        "source": "ADMIN",
        "_links": {
            "app": { "href": call.url(&own), "title": app.label },
            "self": { "href": call.url(&format!("{own}/grants/{}", grant.id)) },
            "client": { "href": call.url(&format!("/oauth2/v1/clients/{}", app.id)), "title": app.label },
        },
    });
    if with_scope {
        shown["_embedded"] = json!({ "scope": { "id": grant.scope } });
    }
    shown
}

/// `listScopeConsentGrants`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    let expand = call.query("expand") == Some("scope");
    let grants: Vec<_> = app.grants.iter().map(|grant| shown(call, app, grant, expand)).collect();
    Ok(Reply::json(&grants))
}

/// `getScopeConsentGrant`.
pub(crate) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    let wanted = call.param("grantId");
    let grant = app.grants.iter().find(|grant| grant.id.as_str() == wanted);
    let grant = grant.ok_or_else(|| ApiError::not_found(wanted, "OAuth2AppInstance"))?;
    Ok(Reply::json(&shown(call, app, grant, call.query("expand") == Some("scope"))))
}

/// `grantConsentToScope`: 200, as recorded, where the description says 201.
pub(crate) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let scope = body.get("scopeId").and_then(Value::as_str).filter(|scope| !scope.is_empty());
    let scope = scope.ok_or_else(|| ApiError::invalid_field("scopeId", "The field cannot be left blank"))?.to_owned();
    find(store, call)?;
    let id = store.ids.next("oag");
    let created_by = call.principal.user().unwrap_or(store.admin);
    let app = exclusive(store, call)?;
    app.grants.retain(|grant| grant.scope != scope);
    let grant = Grant { id, scope, created: call.stamp(), created_by };
    app.grants.push(grant.clone());
    Ok(Reply::json(&shown(call, app, &grant, true)))
}

/// `revokeScopeConsentGrant`.
pub(crate) fn revoke(store: &mut Store, call: &Call<'_>) -> Outcome {
    let wanted = call.param("grantId");
    let app = exclusive(store, call)?;
    let before = app.grants.len();
    app.grants.retain(|grant| grant.id.as_str() != wanted);
    if app.grants.len() == before {
        return Err(ApiError::not_found(wanted, "OAuth2AppInstance"));
    }
    Ok(Reply::no_content())
}
