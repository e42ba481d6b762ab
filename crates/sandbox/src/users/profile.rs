//! What a caller may write into a user's profile.

use serde_json::{Map, Value};

use crate::http::{ApiError, errors};
use crate::schemas::{Schema, looks_like_email};
use crate::store::{Datum, Profile, Store, UserNumber};

/// Attributes that are always shown, null where unset.
const ALWAYS: [&str; 6] = ["firstName", "lastName", "mobilePhone", "secondEmail", "login", "email"];

/// Applies what the caller sent to `profile`. Null removes an attribute.
///
/// # Errors
///
/// 400 with a cause for each attribute that the schema does not know or whose value does not fit.
pub(crate) fn apply(
    schema: &Schema,
    profile: &mut Profile,
    sent: &Map<String, Value>,
    object: &str,
) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    for (name, value) in sent {
        let Some(datum) = Datum::from_json(value) else {
            faults.push(format!("{name}: Does not match required type"));
            continue;
        };
        if datum == Datum::Null {
            profile.remove(name);
            continue;
        }
        match schema.fault(name, &datum) {
            Some(fault) => faults.push(fault),
            None => profile.set(name, datum),
        }
    }
    refuse(object, faults)
}

/// Completes a profile and checks that it can be a user's.
///
/// # Errors
///
/// 400 with a cause for each missing attribute, a login that is no address or belongs to another user.
pub(crate) fn finish(
    store: &Store,
    schema: &Schema,
    profile: &mut Profile,
    own: Option<UserNumber>,
) -> Result<(), ApiError> {
    let missing: Vec<_> = schema.required().filter(|name| profile.text(name).is_empty()).map(str::to_owned).collect();
    if let Some(first) = missing.first() {
        let causes = missing.iter().map(|name| format!("{name}: The field cannot be left blank")).collect();
        return refuse(first, causes);
    }
    let login = profile.text("login");
    if !looks_like_email(login) {
        return Err(ApiError::invalid_field("login", "Username must be in the form of an email address"));
    }
    if store.users.by_login(login).is_some_and(|number| Some(number) != own) {
        let reason = "An object with this field already exists in the current organization";
        return Err(ApiError::invalid_field("login", reason));
    }
    for name in ALWAYS {
        if profile.get(name).is_none() {
            profile.set(name, Datum::Null);
        }
    }
    profile.sort_by_rank(rank);
    Ok(())
}

/// Place of an attribute when a profile is printed: names first, addresses last.
fn rank(name: &str) -> u8 {
    match name {
        "firstName" => 0,
        "lastName" => 1,
        "mobilePhone" => 2,
        "secondEmail" => 4,
        "login" => 5,
        "email" => 6,
        _ => 3,
    }
}

fn refuse(what: &str, causes: Vec<String>) -> Result<(), ApiError> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(causes.into_iter().fold(ApiError::validation(what), ApiError::cause))
}

/// The object under `name`, an empty one if it is absent.
///
/// # Errors
///
/// 400 `E0000003` if there is something else.
pub(crate) fn object_at<'a>(
    body: &'a Map<String, Value>,
    name: &str,
    empty: &'a Map<String, Value>,
) -> Result<&'a Map<String, Value>, ApiError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(empty),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(errors::E0000003.into()),
    }
}
