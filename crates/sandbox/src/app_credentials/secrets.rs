//! Client secrets: at most two, one of them always active.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use oktant_base::Secret;
use serde_json::{Map, Value, json};

use crate::apps::{self, App};
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::store::{Id, Stamp, Store};

/// Secrets that an application may have.
const SECRETS_MAX: usize = 2;

/// One secret of a client.
#[derive(Debug, Clone)]
pub(crate) struct ClientSecret {
    id: Id,
    value: Secret,
    active: bool,
    created: Stamp,
    last_updated: Stamp,
}

/// The secrets that open an application's tokens now.
pub(crate) fn active(store: &Store, app: &App) -> Vec<Secret> {
    of(store, app).into_iter().filter(|secret| secret.active).map(|secret| secret.value).collect()
}

/// An application's secrets: those kept, or before any was changed the one it was made with.
fn of(store: &Store, app: &App) -> Vec<ClientSecret> {
    store.client_secrets.get(&app.id).cloned().unwrap_or_else(|| first(app).into_iter().collect())
}

fn first(app: &App) -> Option<ClientSecret> {
    let value = app.client_secret.clone()?;
    let id = app.id.with_prefix("ocs");
    Some(ClientSecret { id, value, active: true, created: app.created, last_updated: app.created })
}

/// `listOAuth2ClientSecrets`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let secrets: Vec<Value> = of(store, app).iter().map(|secret| shown(call, app.id, secret)).collect();
    Ok(Reply::json(&secrets))
}

/// `getOAuth2ClientSecret`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let secrets = of(store, app);
    Ok(Reply::json(&shown(call, app.id, &secrets[position(&secrets, call)?])))
}

/// `createOAuth2ClientSecret`: 201, with a value of the caller's or a fresh one.
pub(super) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let value = read_value(&call.optional_object()?, call)?;
    let app = apps::find(store, call)?;
    let (app_id, mut secrets) = (app.id, of(store, app));
    if secrets.len() >= SECRETS_MAX {
        return Err(
            ApiError::validation("client_secret").cause("You have reached the maximum number of client secrets.")
        );
    }
    let id = store.ids.next("ocs");
    let secret = ClientSecret { id, value, active: true, created: call.stamp(), last_updated: call.stamp() };
    let shown = shown(call, app_id, &secret);
    secrets.push(secret);
    store.client_secrets.insert(app_id, secrets);
    Ok(Reply::json(&shown).status(StatusCode::CREATED))
}

fn read_value(body: &Map<String, Value>, call: &Call<'_>) -> Result<Secret, ApiError> {
    let Some(value) = body.get("client_secret").and_then(Value::as_str) else {
        return Ok(Secret::new(call.org.token(64)));
    };
    if (14..=100).contains(&value.len()) {
        return Ok(Secret::new(value.to_owned()));
    }
    Err(ApiError::invalid_field("client_secret", "The field must have 14 to 100 characters"))
}

/// `activateOAuth2ClientSecret`.
pub(super) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, true)
}

/// `deactivateOAuth2ClientSecret`: not the only active one.
pub(super) fn deactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, false)
}

fn switch(store: &mut Store, call: &Call<'_>, active: bool) -> Outcome {
    let app = apps::find(store, call)?;
    let (app_id, mut secrets) = (app.id, of(store, app));
    let position = position(&secrets, call)?;
    let others = secrets.iter().enumerate().any(|(index, secret)| index != position && secret.active);
    if !active && !others {
        return Err(ApiError::validation("client_secret").cause("You cannot deactivate the only active client secret."));
    }
    secrets[position].active = active;
    secrets[position].last_updated = call.stamp();
    let shown = shown(call, app_id, &secrets[position]);
    store.client_secrets.insert(app_id, secrets);
    Ok(Reply::json(&shown))
}

/// `deleteOAuth2ClientSecret`: only an inactive one.
pub(super) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let (app_id, mut secrets) = (app.id, of(store, app));
    let position = position(&secrets, call)?;
    if secrets[position].active {
        return Err(ApiError::validation("client_secret").cause("You cannot delete an active client secret."));
    }
    secrets.remove(position);
    store.client_secrets.insert(app_id, secrets);
    Ok(Reply::no_content())
}

fn position(secrets: &[ClientSecret], call: &Call<'_>) -> Result<usize, ApiError> {
    let name = call.param("secretId");
    secrets
        .iter()
        .position(|secret| secret.id.as_str() == name)
        .ok_or_else(|| ApiError::not_found(name, "OAuth2ClientSecret"))
}

/// A secret, in clear: the service shows it in every answer (recorded).
fn shown(call: &Call<'_>, app: Id, secret: &ClientSecret) -> Value {
    let own = format!("/api/v1/apps/{app}/credentials/secrets/{}", secret.id);
    let link = |path: &str, allow: &str| json!({ "href": call.url(path), "hints": { "allow": [allow] } });
    let links = if secret.active {
        json!({ "deactivate": link(&format!("{own}/lifecycle/deactivate"), "POST") })
    } else {
        json!({ "activate": link(&format!("{own}/lifecycle/activate"), "POST"), "delete": link(&own, "DELETE") })
    };
    json!({
        "id": secret.id.as_str(),
        "created": secret.created.text(),
        "lastUpdated": secret.last_updated.text(),
        "status": if secret.active { "ACTIVE" } else { "INACTIVE" },
        "client_secret": secret.value.expose(),
        "secret_hash": hash(secret.value.expose()),
        "_links": links,
    })
}

/// 22 characters, as the service's hash has; how it makes them is not known.
fn hash(value: &str) -> String {
    let digest = digest::digest(&digest::SHA256, value.as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16])
}
