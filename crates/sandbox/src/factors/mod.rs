//! Factors: enrolling, activating and verifying them, with real one-time passwords.

mod catalog;
mod code;
mod enroll;
mod model;
mod push;
mod seed;
mod verify;
mod view;

use crate::http::{ApiError, Call, Handler, Outcome, Reply, errors};
use crate::logs::{self, Kind};
use crate::store::{Id, Status, Store};
use crate::users;

pub(crate) use model::{Factor, Factors};
pub(crate) use push::{Answer, Unanswerable};
pub(crate) use seed::seed;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listFactors", Handler::Read(list)),
    ("getFactor", Handler::Read(get)),
    ("enrollFactor", Handler::Write(enroll::enroll)),
    ("activateFactor", Handler::Write(verify::activate)),
    ("verifyFactor", Handler::Write(verify::verify)),
    ("resendEnrollFactor", Handler::Write(verify::resend)),
    ("getFactorTransactionStatus", Handler::Read(push::transaction)),
    ("unenrollFactor", Handler::Write(unenroll)),
    ("resetFactors", Handler::Write(reset)),
    ("listSupportedFactors", Handler::Read(catalog::supported)),
    ("listSupportedSecurityQuestions", Handler::Read(catalog::questions)),
];

fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?;
    let factors: Vec<_> = store.factors.of(user).iter().map(|factor| view::factor(call, user.id, factor)).collect();
    Ok(Reply::json(&factors))
}

fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?;
    Ok(Reply::json(&view::factor(call, user.id, &find(store, call)?)))
}

/// The factor that the path names.
fn find(store: &Store, call: &Call<'_>) -> Result<Factor, ApiError> {
    let factors = store.factors.of(users::shared(store, call)?);
    let found = factors.iter().find(|factor| factor.id.as_str() == call.param("factorId"));
    found.cloned().ok_or_else(|| not_found(call))
}

/// The user that the path names, with factors that can be changed.
fn settled(store: &mut Store, call: &Call<'_>) -> Result<Id, ApiError> {
    let number =
        users::named(store, call.param("userId")).ok_or_else(|| ApiError::not_found(call.param("userId"), "User"))?;
    let user = store.users.get(number).ok_or(errors::E0000009)?;
    store.factors.settle(user);
    Ok(user.id)
}

fn unenroll(store: &mut Store, call: &Call<'_>) -> Outcome {
    let user = settled(store, call)?;
    if !store.factors.remove(user, call.param("factorId")) {
        return Err(not_found(call));
    }
    record(store, call, user, Kind::FACTOR_DEACTIVATE);
    Ok(Reply::no_content())
}

/// `resetFactors`: every enrolment of the user goes.
fn reset(store: &mut Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?;
    if user.status != Status::Active {
        return Err(errors::E0000038.into());
    }
    let id = user.id;
    store.factors.forget(id);
    record(store, call, id, Kind::USER_RESET_FACTORS);
    Ok(Reply::empty_object())
}

/// Writes to the System Log what happened to a user's factors.
fn record(store: &mut Store, call: &Call<'_>, user: Id, kind: Kind) {
    if let Some(number) = store.users.number(user) {
        logs::record_user(store, call, number, kind);
    }
}

/// The user and the factor that the path names, the factor to be changed.
fn exclusive<'a>(store: &'a mut Store, call: &Call<'_>) -> Result<(Id, &'a mut Factor), ApiError> {
    let user = settled(store, call)?;
    let factor = store.factors.find_mut(user, call.param("factorId")).ok_or_else(|| not_found(call))?;
    Ok((user, factor))
}

fn not_found(call: &Call<'_>) -> ApiError {
    ApiError::not_found(call.param("factorId"), "UserFactor")
}
