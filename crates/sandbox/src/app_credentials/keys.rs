//! Public keys of clients, kept in `settings.oauthClient.jwks.keys`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::apps::{self, App};
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::store::{Id, Store};

/// Keys that an application may have.
const KEYS_MAX: usize = 50;
/// Bytes of the modulus of the weakest RSA key that is accepted.
const MODULUS_BYTES_MIN: usize = 256;

/// `listJwk`: a list, as the schema says; the description's example has it in an object.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let keys: Vec<Value> = of(app).iter().map(|key| shown(call, app.id, key)).collect();
    Ok(Reply::json(&keys))
}

/// `getJwk`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    Ok(Reply::json(&shown(call, app.id, &of(app)[position(app, call)?])))
}

/// `addJwk`.
pub(super) fn add(store: &mut Store, call: &Call<'_>) -> Outcome {
    let mut key = call.object()?;
    apps::find(store, call)?;
    check(&key)?;
    key.insert("id".to_owned(), json!(store.ids.next("pks").as_str()));
    key.entry("status").or_insert_with(|| json!("ACTIVE"));
    key.insert("created".to_owned(), json!(call.stamp().text()));
    key.insert("lastUpdated".to_owned(), json!(call.stamp().text()));
    let key = Value::Object(key);
    let app = exclusive(store, call)?;
    if of(app).len() >= KEYS_MAX {
        return Err(ApiError::validation("JsonWebKey").cause("You have reached the maximum number of keys."));
    }
    let shown = shown(call, app.id, &key);
    let mut keys = of(app).to_vec();
    keys.push(key);
    keep(app, &keys);
    Ok(Reply::json(&shown).status(StatusCode::CREATED))
}

/// `activateOAuth2ClientJsonWebKey`.
pub(super) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, "ACTIVE")
}

/// `deactivateOAuth2ClientJsonWebKey`.
pub(super) fn deactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, "INACTIVE")
}

fn switch(store: &mut Store, call: &Call<'_>, status: &str) -> Outcome {
    let app = exclusive(store, call)?;
    let position = position(app, call)?;
    let mut keys = of(app).to_vec();
    keys[position]["status"] = json!(status);
    keys[position]["lastUpdated"] = json!(call.stamp().text());
    let shown = shown(call, app.id, &keys[position]);
    keep(app, &keys);
    Ok(Reply::json(&shown))
}

/// `deleteJwk`: only an inactive one.
pub(super) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let app = exclusive(store, call)?;
    let position = position(app, call)?;
    if of(app)[position]["status"] != "INACTIVE" {
        return Err(ApiError::validation("JsonWebKey").cause("You cannot delete an active key."));
    }
    let mut keys = of(app).to_vec();
    keys.remove(position);
    keep(app, &keys);
    Ok(Reply::no_content())
}

fn check(key: &Map<String, Value>) -> Result<(), ApiError> {
    let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("kty") {
        "RSA" => {
            let modulus = URL_SAFE_NO_PAD.decode(text("n").trim_end_matches('=')).unwrap_or_default();
            if modulus.len() >= MODULUS_BYTES_MIN {
                return Ok(());
            }
            let text = "RSA key length in the 'jwks' is less than '2,048' bits for the given key.";
            Err(ApiError::validation("JsonWebKey").cause(text))
        }
        "EC" if !text("x").is_empty() && !text("y").is_empty() => Ok(()),
        _ => Err(ApiError::invalid_field("kty", "The field has an invalid value")),
    }
}

fn exclusive<'a>(store: &'a mut Store, call: &Call<'_>) -> Result<&'a mut App, ApiError> {
    let id = apps::find(store, call)?.id;
    store.apps.get_mut(&id).ok_or_else(|| ApiError::not_found(id.as_str(), "AppInstance"))
}

fn of(app: &App) -> &[Value] {
    let settings = app.body.get("settings").unwrap_or(&Value::Null);
    settings.pointer("/oauthClient/jwks/keys").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Puts changed keys in place of an application's.
fn keep(app: &mut App, keys: &[Value]) {
    let settings = app.body.entry("settings").or_insert_with(|| json!({}));
    let client = settings.as_object_mut().map(|settings| settings.entry("oauthClient").or_insert_with(|| json!({})));
    if let Some(client) = client.and_then(Value::as_object_mut) {
        client.insert("jwks".to_owned(), json!({ "keys": keys }));
    }
}

fn position(app: &App, call: &Call<'_>) -> Result<usize, ApiError> {
    let name = call.param("keyId");
    let found = of(app).iter().position(|key| key["id"] == name || key["kid"] == name);
    found.ok_or_else(|| ApiError::not_found(name, "OAuth2ClientJsonWebKey"))
}

fn shown(call: &Call<'_>, app: Id, key: &Value) -> Value {
    let own = format!("/api/v1/apps/{app}/credentials/jwks/{}", key["id"].as_str().unwrap_or_default());
    let link = |path: &str, allow: &str| json!({ "href": call.url(path), "hints": { "allow": [allow] } });
    let mut shown = key.clone();
    shown["_links"] = if key["status"] == "INACTIVE" {
        json!({ "activate": link(&format!("{own}/lifecycle/activate"), "POST"), "delete": link(&own, "DELETE") })
    } else {
        json!({ "deactivate": link(&format!("{own}/lifecycle/deactivate"), "POST") })
    };
    shown
}
