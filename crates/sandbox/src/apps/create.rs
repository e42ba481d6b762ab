//! Making an application out of what a caller sends.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use oktant_base::{Entropy, Secret};
use serde_json::{Map, Value, json};

use super::model::App;
use super::{template, view};
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::logs::{self, Kind, Target};
use crate::org;
use crate::schemas::Schema;
use crate::store::{Stamp, Store};

/// `createApplication`.
pub(crate) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let mut app = from_body(store, &body, call.stamp(), call.org.entropy.as_ref())?;
    app.active = call.flag("activate", true);
    let reply = with_secret(&app, store, call);
    let target = Target::named("AppInstance", app.id.as_str(), &app.label);
    store.apps.insert(app.id, app);
    logs::record(store, call, Kind::APP_CREATE, &[target]);
    Ok(reply)
}

/// 200 with the app and, as writes do, its client secret.
pub(super) fn with_secret(app: &App, store: &Store, call: &Call<'_>) -> Reply {
    let mut shown = view::shown(app, store, call.base);
    if let Some(secret) = &app.client_secret
        && let Some(client) = shown.pointer_mut("/credentials/oauthClient").and_then(Value::as_object_mut)
    {
        // The secret is shown behind the client id.
        let position = client.keys().position(|key| key == "client_id").map_or(client.len(), |position| position + 1);
        client.shift_insert(position, "client_secret".to_owned(), json!(secret.expose()));
    }
    Reply::json(&shown)
}

/// An app as a request describes it.
///
/// # Errors
///
/// 400 if there is no label, or the app is of no known kind.
pub(crate) fn from_body(
    store: &mut Store,
    sent: &Map<String, Value>,
    now: Stamp,
    entropy: &dyn Entropy,
) -> Result<App, ApiError> {
    let text = |name: &str| sent.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let label = text("label").ok_or_else(|| ApiError::invalid_field("label", "The field cannot be left blank"))?;
    let mode = text("signOnMode").or_else(|| template::mode(text("name")?)).unwrap_or_default();
    let known_name = template::name(text("name"), mode)?;
    let id = store.ids.next("0oa");
    let name = known_name.unwrap_or_else(|| generated_name(store, label));
    let credentials = credentials(sent, mode, id.as_str(), entropy);
    let secret = client_secret(&credentials, sent, entropy);
    let body = configured(sent, &name, mode, credentials, store);
    let suffix = org::token(entropy, 7).to_lowercase().replace(['-', '_'], "0");
    Ok(App {
        id,
        schema_name: format!("{name}_{suffix}"),
        name,
        label: label.to_owned(),
        active: true,
        created: now,
        last_updated: now,
        body,
        client_secret: secret,
        link_id: store.ids.next("aln"),
        users: BTreeMap::new(),
        groups: IndexMap::new(),
        grants: Vec::new(),
        schema: Schema::app(mode),
    })
}

/// A name out of the org's, the label's letters and digits, and a count.
fn generated_name(store: &Store, label: &str) -> String {
    let letters: String = label.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let prefix = format!("oktant_{letters}_");
    let taken = store.apps.values().filter(|app| app.name.starts_with(&prefix)).count();
    format!("{prefix}{}", taken + 1)
}

/// Everything that is configured, in the service's order of keys.
pub(super) fn configured(
    sent: &Map<String, Value>,
    name: &str,
    mode: &str,
    credentials: Value,
    store: &mut Store,
) -> Map<String, Value> {
    let at = |key: &str| sent.get(key).unwrap_or(&Value::Null);
    let hidden = mode == "OPENID_CONNECT";
    let link = link_name(name, mode);
    let accessibility = json!({ "selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null });
    let visibility = json!({
        "autoLaunch": false,
        "autoSubmitToolbar": false,
        "hide": { "iOS": hidden, "web": hidden },
        "appLinks": { link: true },
    });
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("accessibility", template::overlay(accessibility, at("accessibility")));
    put("visibility", template::overlay(visibility, at("visibility")));
    put("features", sent.get("features").filter(|value| value.is_array()).cloned().unwrap_or_else(|| json!([])));
    put("signOnMode", if mode.is_empty() { Value::Null } else { json!(mode) });
    put("credentials", credentials);
    put("universalLogout", universal_logout(mode));
    put("settings", settings(at("settings"), name, mode, store));
    if let Some(profile) = sent.get("profile").filter(|value| value.is_object()) {
        put("profile", profile.clone());
    }
    body
}

fn universal_logout(mode: &str) -> Value {
    if !matches!(mode, "OPENID_CONNECT" | "SAML_2_0") {
        return Value::Null;
    }
    json!({
        "status": "DISABLED", "supportType": "FULL", "identityStack": "NOT_SHARED",
        "protocol": "GLOBAL_TOKEN_REVOCATION",
    })
}

/// Name of the tile.
pub(super) fn link_name(name: &str, mode: &str) -> String {
    let generated = matches!(mode, "SAML_2_0" | "SAML_1_1" | "AUTO_LOGIN" | "OPENID_CONNECT");
    if generated { format!("{name}_link") } else { "login".to_owned() }
}

fn settings(sent: &Value, name: &str, mode: &str, store: &mut Store) -> Value {
    let empty = Map::new();
    let app = sent["app"].as_object().unwrap_or(&empty);
    let notifications = json!({
        "vpn": { "network": { "connection": "DISABLED" }, "message": null, "helpUrl": null },
    });
    let mut settings = json!({
        "app": template::app_settings(name, app),
        "notifications": template::overlay(notifications, &sent["notifications"]),
        "manualProvisioning": false,
        "emOptInStatus": "NONE",
        "implicitAssignment": sent["implicitAssignment"].as_bool().unwrap_or(false),
        "notes": template::overlay(json!({ "admin": null, "enduser": null }), &sent["notes"]),
    });
    let catalogue_app = !name.starts_with("oktant_");
    if let Some(sign_on) = template::sign_on(mode, catalogue_app, &sent["signOn"]) {
        settings["signOn"] = sign_on;
    }
    if mode == "OPENID_CONNECT" {
        settings["oauthClient"] = template::oauth_settings(&sent["oauthClient"]);
        match settings.pointer_mut("/oauthClient/jwks/keys").filter(|keys| !keys.is_null()) {
            Some(keys) => name_keys(keys, store),
            None => drop(settings["oauthClient"].as_object_mut().map(|client| client.shift_remove("jwks"))),
        }
    }
    settings
}

/// Gives registered keys their ids and status.
fn name_keys(keys: &mut Value, store: &mut Store) {
    for key in keys.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        key.entry("id").or_insert_with(|| json!(store.ids.next("pks").as_str()));
        key.entry("status").or_insert_with(|| json!("ACTIVE"));
        key.entry("use").or_insert(Value::Null);
    }
}

fn credentials(sent: &Map<String, Value>, mode: &str, id: &str, entropy: &dyn Entropy) -> Value {
    let sent = sent.get("credentials").unwrap_or(&Value::Null);
    let name_template = json!({ "template": "${source.login}", "type": "BUILT_IN" });
    let signed = matches!(mode, "SAML_2_0" | "SAML_1_1" | "WS_FEDERATION" | "OPENID_CONNECT");
    let signing = if signed { json!({ "kid": org::token(entropy, 43) }) } else { json!({}) };
    let mut credentials = Map::new();
    if template::has_scheme(mode) {
        credentials.insert(
            "scheme".into(),
            sent.get("scheme").cloned().unwrap_or_else(|| json!("EDIT_USERNAME_AND_PASSWORD")),
        );
    }
    credentials.insert("userNameTemplate".into(), template::overlay(name_template, &sent["userNameTemplate"]));
    if template::has_scheme(mode) {
        let reveal = sent["revealPassword"].as_bool().unwrap_or(false);
        credentials.insert("revealPassword".into(), json!(reveal));
        if let Some(user_name) = sent.get("userName").filter(|value| !value.is_null()) {
            credentials.insert("userName".into(), user_name.clone());
            credentials.insert("password".into(), json!({}));
        }
    }
    credentials.insert("signing".into(), signing);
    if mode == "OPENID_CONNECT" {
        credentials.insert("oauthClient".into(), oauth_credentials(&sent["oauthClient"], id));
    }
    Value::Object(credentials)
}

fn oauth_credentials(sent: &Value, id: &str) -> Value {
    let text = |name: &str| sent[name].as_str().filter(|text| !text.is_empty());
    let method = text("token_endpoint_auth_method").unwrap_or("client_secret_basic");
    json!({
        "autoKeyRotation": sent["autoKeyRotation"].as_bool().unwrap_or(true),
        "client_id": text("client_id").unwrap_or(id),
        "token_endpoint_auth_method": method,
        "pkce_required": sent["pkce_required"].as_bool().unwrap_or(method == "none"),
    })
}

/// The secret that was sent, or a new one where the client authenticates with one.
pub(super) fn client_secret(credentials: &Value, sent: &Map<String, Value>, entropy: &dyn Entropy) -> Option<Secret> {
    let method = credentials.pointer("/oauthClient/token_endpoint_auth_method")?.as_str()?;
    if matches!(method, "none" | "private_key_jwt") {
        return None;
    }
    let given = sent.get("credentials").and_then(|value| value.pointer("/oauthClient/client_secret"));
    let given = given.and_then(Value::as_str).map(str::to_owned);
    Some(Secret::new(given.unwrap_or_else(|| org::token(entropy, 64))))
}

/// The credentials of a replaced app: those sent, with the client id and key of the old one.
pub(super) fn replaced_credentials(app: &App, sent: &Map<String, Value>, mode: &str, entropy: &dyn Entropy) -> Value {
    let mut new = credentials(sent, mode, app.id.as_str(), entropy);
    let old = app.body.get("credentials").unwrap_or(&Value::Null);
    for pointer in ["/signing/kid", "/oauthClient/client_id"] {
        if let (Some(slot), Some(kept)) = (new.pointer_mut(pointer), old.pointer(pointer)) {
            *slot = kept.clone();
        }
    }
    new
}
