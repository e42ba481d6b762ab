//! Replacing, switching and deleting applications.

use serde_json::Value;

use super::create::{client_secret, configured, replaced_credentials, with_secret};
use super::model::App;
use super::{exclusive, find};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::{self, Kind, Target};
use crate::roles::Holder;
use crate::store::Store;

fn record(store: &mut Store, call: &Call<'_>, kind: Kind, app: &App) {
    logs::record(store, call, kind, &[Target::named("AppInstance", app.id.as_str(), &app.label)]);
}

/// `replaceApplication`: what is not sent falls back to the defaults of its kind.
pub(crate) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let sent = call.object()?;
    let mut app = find(store, call)?.clone();
    let label = sent.get("label").and_then(Value::as_str).filter(|label| !label.is_empty());
    label.ok_or_else(|| ApiError::invalid_field("label", "The field cannot be left blank"))?.clone_into(&mut app.label);
    let mode = sent.get("signOnMode").and_then(Value::as_str).unwrap_or_else(|| app.sign_on_mode()).to_owned();
    let entropy = call.org.entropy.as_ref();
    let credentials = replaced_credentials(&app, &sent, &mode, entropy);
    let given = sent.get("credentials").is_some_and(|value| value.pointer("/oauthClient/client_secret").is_some());
    let new_secret = client_secret(&credentials, &sent, entropy);
    app.client_secret = match (new_secret, app.client_secret.take()) {
        (Some(_), Some(old)) if !given => Some(old),
        (new, _) => new,
    };
    app.body = configured(&sent, &app.name, &mode, credentials, store);
    app.last_updated = call.stamp();
    let reply = with_secret(&app, store, call);
    record(store, call, Kind::APP_UPDATE, &app);
    store.apps.insert(app.id, app);
    Ok(reply)
}

/// `activateApplication`.
pub(crate) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, true, Kind::APP_ACTIVATE)
}

/// `deactivateApplication`.
pub(crate) fn deactivate(store: &mut Store, call: &Call<'_>) -> Outcome {
    switch(store, call, false, Kind::APP_DEACTIVATE)
}

fn switch(store: &mut Store, call: &Call<'_>, active: bool, kind: Kind) -> Outcome {
    let app = exclusive(store, call)?;
    if app.active != active {
        app.active = active;
        app.last_updated = call.stamp();
        let app = app.clone();
        record(store, call, kind, &app);
    }
    Ok(Reply::empty_object())
}

/// `deleteApplication`: only while it is inactive.
pub(crate) fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let app = find(store, call)?;
    if app.active {
        return Err(ApiError::new(errors::E0000056).cause("The application must be deactivated before deletion."));
    }
    let id = app.id;
    if let Some(app) = store.apps.shift_remove(&id) {
        store.roles.retain(|role| role.holder != Holder::Client(id));
        store.resources.remove_below(&format!("/api/v1/apps/{id}"));
        record(store, call, Kind::APP_DELETE, &app);
    }
    Ok(Reply::no_content())
}
