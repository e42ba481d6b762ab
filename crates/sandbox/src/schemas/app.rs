//! Schemas of the users of an app over HTTP.

use serde_json::Value;

use super::document::{Head, apply, document};
use crate::apps;
use crate::http::{Call, Outcome, Reply};
use crate::logs::{self, Kind, Target};
use crate::store::Store;

/// `getApplicationUserSchema`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let head = Head {
        id: call.url(&format!("/meta/schemas/apps/{}/default", app.id)),
        name: &app.schema_name,
        title: &format!("{} User", app.label),
        description: "",
        created: app.created,
        links: Value::Null,
    };
    let mut shown = document(&head, &app.schema);
    // Observed: schemas of apps have no description and no links, and `required` only of custom attributes
    // that there are.
    if let Some(members) = shown.as_object_mut() {
        members.shift_remove("description");
        members.shift_remove("_links");
    }
    let custom = shown.pointer_mut("/definitions/custom").and_then(Value::as_object_mut);
    if let Some(custom) = custom.filter(|_| app.schema.custom.is_empty()) {
        custom.shift_remove("required");
    }
    Ok(Reply::json(&shown))
}

/// `updateApplicationUserProfile`: values of removed attributes go with them.
pub(super) fn update(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let app = apps::exclusive(store, call)?;
    let removed = apply(&mut app.schema, &body, call.stamp())?;
    for user in app.users.values_mut() {
        user.profile.retain(|name, _| !removed.contains(name));
    }
    let target = Target::named("AppInstance", app.id.as_str(), &app.label);
    logs::record(store, call, Kind::APP_SCHEMA_UPDATE, &[target]);
    get(store, call)
}
