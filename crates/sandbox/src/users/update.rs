//! Changing a user, in part or in full.

use aws_lc_rs::digest;
use http::header;
use serde_json::Map;

use super::credentials::Sent;
use super::{create, find, profile, shown, view};
use crate::http::{ApiError, Call, Outcome, errors};
use crate::logs::{self, Kind, Target};
use crate::org::hex;
use crate::rules;
use crate::store::{Profile, Status, Store, User};

/// Whether attributes that are not sent stay or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Partial,
    Full,
}

/// `updateUser`: only what is sent changes.
pub(crate) fn partial(store: &mut Store, call: &Call<'_>) -> Outcome {
    update(store, call, Extent::Partial)
}

/// `replaceUser`: attributes that are not sent are removed; credentials that are not sent stay.
pub(crate) fn full(store: &mut Store, call: &Call<'_>) -> Outcome {
    update(store, call, Extent::Full)
}

fn update(store: &mut Store, call: &Call<'_>, extent: Extent) -> Outcome {
    let body = call.object()?;
    let empty = Map::new();
    let sent = profile::object_at(&body, "profile", &empty)?;
    let number = find::user(store, call)?;
    let user = find::shared(store, call)?;
    check_etag(call, user)?;
    let type_id = if extent == Extent::Full && body.contains_key("type") {
        create::user_type(store, &body)?
    } else {
        user.type_id
    };
    let schema = store.user_schema(type_id);
    let keeps = extent == Extent::Partial || !body.contains_key("profile");
    let mut changed = if keeps { user.profile.clone() } else { Profile::default() };
    profile::apply(schema, &mut changed, sent, "profile")?;
    profile::finish(store, schema, &mut changed, Some(number))?;
    let credentials = Sent::read(body.get("credentials"), changed.text("login"))?;

    let (old_login, new_login) = (user.login().to_owned(), changed.text("login").to_owned());
    let other_type = user.type_id != type_id;
    let user = store.users.get_mut(number).ok_or(errors::E0000009)?;
    let mut kinds = Vec::new();
    // Assumed default of the org: profiles of deprovisioned users do not change.
    if user.status != Status::Deprovisioned {
        user.profile = changed;
        user.type_id = type_id;
        user.last_updated = call.stamp();
        let password_set = credentials.apply(user, call);
        kinds.push(Kind::USER_UPDATE_PROFILE);
        kinds.extend(other_type.then_some(Kind::USER_UPDATE_TYPE));
        kinds.extend(password_set.then_some(Kind::USER_UPDATE_PASSWORD));
        if password_set && user.status == Status::Provisioned {
            user.status = Status::Active;
            user.status_changed = Some(call.stamp());
        }
        store.users.rename(number, &old_login, &new_login);
    }
    let user = store.users.get(number).ok_or(errors::E0000009)?;
    let (reply, target) = (shown(call, user), Target::user(user));
    for kind in kinds {
        logs::record(store, call, kind, std::slice::from_ref(&target));
    }
    rules::evaluate_user(store, call, number);
    Ok(reply)
}

/// The weak validator of a user: `W/"` and 64 hex digits.
pub(crate) fn etag(user: &User) -> String {
    let mut bytes = Vec::with_capacity(1_024);
    view::View::plain("").write_single(&mut bytes, user);
    let digest = digest::digest(&digest::SHA256, &bytes);
    format!("W/\"{}\"", hex(digest.as_ref()))
}

/// Honours `If-Match`.
///
/// # Errors
///
/// 412 `E0000231` if the user has changed, 400 `E0000242` if the value is no validator.
fn check_etag(call: &Call<'_>, user: &User) -> Result<(), ApiError> {
    let Some(wanted) = call.headers.get(header::IF_MATCH) else { return Ok(()) };
    let wanted = wanted.to_str().unwrap_or_default().trim();
    let opaque = wanted.strip_prefix("W/").unwrap_or(wanted);
    if wanted == "*" {
        return Ok(());
    }
    if opaque.len() < 2 || !opaque.starts_with('"') || !opaque.ends_with('"') {
        return Err(errors::E0000242.into());
    }
    let current = etag(user);
    if current.strip_prefix("W/") == Some(opaque) { Ok(()) } else { Err(errors::E0000231.into()) }
}
