//! Authenticators that users have enrolled: made below their kind, kept together.
//!
//! # Source
//!
//! Documented; prefixes of ids and what is said about another kind of authenticator are assumed.

use serde_json::{Value, json};

use crate::http::{ApiError, Call, Handler, Outcome, Reply, errors};
use crate::resources::{self, Document};
use crate::store::{Stamp, Store};
use crate::users;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createAuthenticatorEnrollment", Handler::Write(phone)),
    ("createTacAuthenticatorEnrollment", Handler::Write(access_code)),
];

const SHAPE: &str = "/api/v1/users/{userId}/authenticator-enrollments";

/// A kind of authenticator.
#[derive(Debug, Clone, Copy)]
struct Kind {
    key: &'static str,
    type_name: &'static str,
    /// Prefix of ids of enrolments.
    prefix: &'static str,
}

const PHONE: Kind = Kind { key: "phone_number", type_name: "phone", prefix: "mbl" };
const ACCESS_CODE: Kind = Kind { key: "tac", type_name: "tac", prefix: "tac" };

/// Minutes that a temporary access code is good for: least, most, and where none are named.
const MINUTES: (i64, i64, i64) = (10, 14_400, 60);

/// `createAuthenticatorEnrollment`: a phone that its user need not confirm.
fn phone(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let number = body.get("profile").and_then(|profile| profile["phoneNumber"].as_str()).unwrap_or_default();
    if number.is_empty() {
        return Err(ApiError::invalid_field("phoneNumber", "The field cannot be left blank"));
    }
    let profile = json!({ "phoneNumber": number });
    Ok(Reply::json(&enrol(store, call, &body, PHONE, &profile)?))
}

/// `createTacAuthenticatorEnrollment`: the code is shown this once, and replaces the user's last one.
fn access_code(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let given = body.get("profile").unwrap_or(&Value::Null);
    let minutes = match given["ttl"].as_str() {
        Some(text) => text.parse().ok().filter(|minutes| (MINUTES.0..=MINUTES.1).contains(minutes)),
        None => Some(MINUTES.2),
    };
    let minutes = minutes.ok_or_else(|| ApiError::invalid_field("ttl", "The value must be from 10 to 14400."))?;
    let expires = Stamp::from_seconds(call.stamp().seconds() + minutes * 60).text();
    let profile = json!({ "expiresAt": expires, "multiUse": given["multiUse"] == true });
    let mut shown = enrol(store, call, &body, ACCESS_CODE, &profile)?;
    shown["profile"]["tac"] = call.org.token(16).into();
    Ok(Reply::json(&shown))
}

/// Keeps an enrolment of an authenticator of this kind, of which a user has one.
///
/// # Errors
///
/// 404 for a user or an authenticator that does not exist, 400 for one of another kind.
fn enrol(store: &mut Store, call: &Call<'_>, body: &Document, kind: Kind, profile: &Value) -> Result<Value, ApiError> {
    let user = users::shared(store, call)?.id;
    let id = body.get("authenticatorId").and_then(Value::as_str).unwrap_or_default();
    let found = store.resources.item("/api/v1/authenticators", id);
    let authenticator = found.ok_or_else(|| ApiError::not_found(id, "Authenticator"))?;
    let member = |name: &str| authenticator.get(name).cloned().unwrap_or_default();
    if member("key") != kind.key {
        return Err(ApiError::invalid_field("authenticatorId", "The field has an invalid value"));
    }
    let now = call.stamp().text();
    let mut enrolment = json!({
        "type": kind.type_name, "id": null, "key": kind.key, "status": "ACTIVE", "name": member("name"),
        "nickname": null, "created": now, "lastUpdated": now, "profile": profile,
        "userId": user.as_str(), "authenticatorId": id,
    });
    let own = store.ids.next(kind.prefix).to_string();
    enrolment["id"] = own.as_str().into();
    let path = format!("/api/v1/users/{user}/authenticator-enrollments");
    let kept = store.resources.collection_mut(&path);
    let last = kept.iter().find(|(_, known)| known.get("key") == Some(&kind.key.into())).map(|(key, _)| key.to_owned());
    last.map(|key| kept.remove(&key));
    if let Value::Object(document) = enrolment {
        kept.put(&own, document);
    }
    resources::item(store, call, SHAPE, &path, &own).ok_or_else(|| errors::E0000009.into())
}
