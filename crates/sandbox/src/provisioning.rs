//! Provisioning of applications: the connection to the app's API, and what it is used for. Nothing is
//! provisioned; most kinds of app cannot be, and say so as the service does.
//!
//! # Source
//!
//! Recorded for connections of `okta_org2org` and of apps without provisioning; documented for features.

use serde_json::{Value, json};

use crate::apps::{self, App};
use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::resources::{Document, merge};
use crate::store::Store;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listFeaturesForApplication", Handler::Read(features)),
    ("getFeatureForApplication", Handler::Read(feature)),
    ("updateFeatureForApplication", Handler::Write(update_feature)),
    ("getDefaultProvisioningConnectionForApplication", Handler::Read(connection)),
    ("updateDefaultProvisioningConnectionForApplication", Handler::Write(update_connection)),
    ("activateDefaultProvisioningConnectionForApplication", Handler::Write(activate)),
    ("deactivateDefaultProvisioningConnectionForApplication", Handler::Write(deactivate)),
];

/// Kinds of app that can be provisioned: recorded, an example of the description, and the one of the account beside.
const PROVISIONED: [&str; 3] = ["okta_org2org", "office365", "snowflake"];

fn is_provisioned(app: &App) -> bool {
    PROVISIONED.contains(&app.name.as_str())
}

fn connection_path(app: &App) -> String {
    format!("/api/v1/apps/{}/connections/default", app.id)
}

/// The connection without its links.
fn known(store: &Store, app: &App) -> Document {
    let kept = store.resources.singleton(&connection_path(app)).cloned();
    kept.unwrap_or_else(|| members(&json!({ "authScheme": "TOKEN", "status": "DISABLED" })))
}

fn members(object: &Value) -> Document {
    object.as_object().cloned().unwrap_or_default()
}

/// `getDefaultProvisioningConnectionForApplication`.
fn connection(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    if !is_provisioned(app) {
        return Ok(Reply::json(&json!({ "status": "UNKNOWN", "profile": { "authScheme": "UNKNOWN" } })));
    }
    let path = connection_path(app);
    let mut shown = Value::from(known(store, app));
    let link = |path: &str, allow: &[&str]| json!({ "href": call.url(path), "hints": { "allow": allow } });
    let action = if shown["status"] == "ENABLED" { "deactivate" } else { "activate" };
    shown["_links"] = json!({
        action: link(&format!("{path}/lifecycle/{action}"), &["POST"]),
        "self": link(&path, &["POST", "GET"]),
    });
    Ok(Reply::json(&shown))
}

/// `updateDefaultProvisioningConnectionForApplication`: credentials are taken and never shown.
fn update_connection(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let app = apps::find(store, call)?;
    if is_provisioned(app) {
        let profile = body.get("profile").and_then(Value::as_object);
        let missing = || ApiError::invalid_field("profile", "The field cannot be left blank");
        let mut profile = profile.cloned().ok_or_else(missing)?;
        profile.retain(|name, _| name != "token");
        let path = connection_path(app);
        let mut connection = known(store, app);
        if call.flag("activate", false) {
            connection.insert("status".to_owned(), "ENABLED".into());
        }
        connection
            .insert("authScheme".to_owned(), profile.get("authScheme").cloned().unwrap_or_else(|| "TOKEN".into()));
        connection.extend(body.into_iter().filter(|(name, _)| name == "baseUrl"));
        connection.insert("profile".to_owned(), profile.into());
        store.resources.set_singleton(&path, connection);
    }
    self::connection(store, call)
}

fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, "ENABLED")
}

fn deactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, "DISABLED")
}

/// Of an app without provisioning this does nothing, and says that it was done (recorded).
fn switch(store: &mut Store, call: &Call<'_>, status: &str) -> Outcome {
    let app = apps::find(store, call)?;
    if is_provisioned(app) {
        let path = connection_path(app);
        let mut connection = known(store, app);
        connection.insert("status".to_owned(), status.into());
        store.resources.set_singleton(&path, connection);
    }
    Ok(Reply::no_content())
}

/// The app of the call, if it is being provisioned.
fn provisioned_app<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a App, ApiError> {
    let app = apps::find(store, call)?;
    let is_on = is_provisioned(app) && known(store, app)["status"] == "ENABLED";
    if is_on { Ok(app) } else { Err(ApiError::validation("feature").cause("Provisioning is not supported.")) }
}

/// What a feature is until it is changed: description and capabilities.
fn feature_defaults(name: &str) -> Option<Document> {
    let off = || json!({ "status": "DISABLED" });
    let (description, capabilities) = match name {
        "USER_PROVISIONING" => {
            let password = json!({ "status": "DISABLED", "seed": "RANDOM", "change": "KEEP_EXISTING" });
            let update = json!({ "profile": off(), "lifecycleDeactivate": off(), "password": password });
            let text = "User provisioning settings from Okta to a downstream application";
            (text, json!({ "create": { "lifecycleCreate": off() }, "update": update }))
        }
        "INBOUND_PROVISIONING" => {
            let schedule = json!({ "status": "DISABLED", "fullImport": null, "incrementalImport": null });
            let rules = json!({
                "exactMatchCriteria": "EMAIL", "allowPartialMatch": false, "autoConfirmPartialMatch": false,
                "autoConfirmExactMatch": false, "autoConfirmNewUsers": false, "autoActivateNewUsers": false,
            });
            let settings = json!({ "username": { "userNameFormat": "EMAIL" }, "schedule": schedule });
            let text = "In-bound provisioning settings from an application to Okta";
            (text, json!({ "importSettings": settings, "importRules": { "userCreateAndMatch": rules } }))
        }
        _ => return None,
    };
    Some(members(&json!({
        "name": name, "status": "ENABLED", "description": description, "capabilities": capabilities,
    })))
}

fn feature_path(app: &App, name: &str) -> String {
    format!("/api/v1/apps/{}/features/{name}", app.id)
}

/// A feature without its links.
///
/// # Errors
///
/// 404 for a name that is of no feature.
fn known_feature(store: &Store, app: &App, name: &str) -> Result<Document, ApiError> {
    let defaults = feature_defaults(name).ok_or_else(|| ApiError::not_found(name, "ApplicationFeature"))?;
    Ok(store.resources.singleton(&feature_path(app, name)).cloned().unwrap_or(defaults))
}

fn shown_feature(store: &Store, call: &Call<'_>, app: &App, name: &str) -> Result<Value, ApiError> {
    let mut shown = Value::from(known_feature(store, app, name)?);
    let href = call.url(&feature_path(app, name));
    shown["_links"] = json!({ "self": { "href": href, "hints": { "allow": ["GET", "PUT"] } } });
    Ok(shown)
}

/// `listFeaturesForApplication`.
fn features(store: &Store, call: &Call<'_>) -> Outcome {
    let app = provisioned_app(store, call)?;
    let names = ["USER_PROVISIONING", "INBOUND_PROVISIONING"];
    let shown: Result<Vec<_>, _> = names.iter().map(|name| shown_feature(store, call, app, name)).collect();
    Ok(Reply::json(&shown?))
}

/// `getFeatureForApplication`.
fn feature(store: &Store, call: &Call<'_>) -> Outcome {
    let app = provisioned_app(store, call)?;
    Ok(Reply::json(&shown_feature(store, call, app, call.param("featureName"))?))
}

/// `updateFeatureForApplication`: what is not sent stays. The app is looked for first, the body is read
/// before anything is said about the feature (recorded).
fn update_feature(store: &mut Store, call: &Call<'_>) -> Outcome {
    apps::find(store, call)?;
    let changes = members(&json!({ "capabilities": call.object()? }));
    let name = call.param("featureName");
    let app = provisioned_app(store, call)?;
    let path = feature_path(app, name);
    let mut feature = known_feature(store, app, name)?;
    merge(&mut feature, &changes);
    store.resources.set_singleton(&path, feature);
    self::feature(store, call)
}
