//! Activating and verifying factors.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::enroll::send_code;
use super::model::{Factor, Kind, Standing};
use super::{code, exclusive, not_found, record, view};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::Kind as Event;
use crate::store::{Store, with_millis};
use crate::users;

/// Steps by which a user's clock may be off.
const STEPS_OFF: i64 = 1;
/// How long a push waits for its answer.
const PUSH_WAIT: TimeDelta = TimeDelta::minutes(5);

/// `activateFactor`. A push stays pending: nobody holds the phone.
pub(super) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.optional_object()?;
    let (user, factor) = exclusive(store, call)?;
    if factor.kind == Kind::Push {
        let answer = json!({ "expiresAt": with_millis(call.now + PUSH_WAIT), "factorResult": "WAITING" });
        return Ok(Reply::json(&answer));
    }
    // A key of FIDO is taken as it comes: attestation is not checked.
    if factor.kind != Kind::WebAuthn {
        check(factor, &body, call)?;
    }
    factor.standing = Standing::Active;
    factor.last_updated = call.stamp();
    let shown = view::factor(call, user, factor);
    record(store, call, user, Event::FACTOR_ACTIVATE);
    Ok(Reply::json(&shown))
}

/// `verifyFactor`: checks a code or an answer, or sends a code if none was given.
pub(super) fn verify(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.optional_object()?;
    let (user, factor) = exclusive(store, call)?;
    if factor.kind == Kind::Push {
        return Ok(push_challenge(call, user.as_str(), factor));
    }
    if factor.kind.channel().is_some() && !body.contains_key("passCode") {
        let answer = json!({
            "factorResult": "CHALLENGE",
            "profile": factor.profile,
            "_links": view::challenge_links(call, user, factor),
        });
        if let Some(message) = send_code(factor, call) {
            store.factors.post(message);
        }
        return Ok(Reply::json(&answer));
    }
    check(factor, &body, call)?;
    Ok(Reply::json(&json!({ "factorResult": "SUCCESS" })))
}

/// `resendEnrollFactor`: a new code, but not too soon after the last.
pub(super) fn resend(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (user, factor) = exclusive(store, call)?;
    let (pause, too_soon) = match factor.kind {
        Kind::Call => (30, errors::E0000133),
        Kind::Email => (5, errors::E0000118),
        _ => (30, errors::E0000109),
    };
    if factor.sent.as_ref().is_some_and(|sent| sent.at + TimeDelta::seconds(pause) > call.now) {
        return Err(too_soon.into());
    }
    let message = send_code(factor, call);
    let shown = view::factor(call, user, factor);
    if let Some(message) = message {
        store.factors.post(message);
    }
    Ok(Reply::json(&shown))
}

/// `getFactorTransactionStatus`: nobody answers a push here, so it waits.
pub(super) fn transaction(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?.id;
    let factor = store.factors.find(user, call.param("factorId")).ok_or_else(|| not_found(call))?;
    Ok(Reply::json(&json!({
        "factorResult": "WAITING",
        "profile": factor.profile,
        "_links": view::challenge_links(call, user, factor),
    })))
}

fn push_challenge(call: &Call<'_>, user: &str, factor: &Factor) -> Reply {
    let transaction = format!("mst{}", call.org.hex(8));
    let poll = call.url(&format!("/api/v1/users/{user}/factors/{}/transactions/{transaction}", factor.id));
    let link = |allow: &str| json!({ "href": poll, "hints": { "allow": [allow] } });
    let answer = json!({
        "expiresAt": with_millis(call.now + PUSH_WAIT),
        "factorResult": "WAITING",
        "_links": { "poll": link("GET"), "cancel": link("DELETE") },
    });
    Reply::json(&answer).status(StatusCode::CREATED)
}

/// Checks a code or answer.
///
/// # Errors
///
/// 403 `E0000068` for a wrong one, `E0000082` for one that was used, `E0000083` for one that came late.
fn check(factor: &mut Factor, body: &Map<String, Value>, call: &Call<'_>) -> Result<(), ApiError> {
    let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    match factor.kind {
        Kind::Question => check_answer(factor, given("answer")),
        Kind::OktaTotp | Kind::GoogleTotp => check_totp(factor, given("passCode"), call),
        Kind::Sms | Kind::Call | Kind::Email => check_sent(factor, given("passCode"), call),
        Kind::Push | Kind::WebAuthn | Kind::Token => Err(errors::E0000068.into()),
    }
}

fn check_answer(factor: &Factor, given: &str) -> Result<(), ApiError> {
    let right = factor.secret.as_ref().is_some_and(|answer| *answer.expose() == given.to_lowercase().into_bytes());
    if right { Ok(()) } else { Err(errors::E0000068.into()) }
}

fn check_totp(factor: &mut Factor, given: &str, call: &Call<'_>) -> Result<(), ApiError> {
    let key = factor.secret.as_ref().ok_or(errors::E0000068)?;
    let now = code::step(call.now);
    let mut steps = now - STEPS_OFF..=now + STEPS_OFF;
    let step = steps.find(|step| code::totp(key.expose(), *step) == given).ok_or(errors::E0000068)?;
    if factor.used_step.is_some_and(|used| step <= used) {
        return Err(errors::E0000082.into());
    }
    factor.used_step = Some(step);
    Ok(())
}

fn check_sent(factor: &mut Factor, given: &str, call: &Call<'_>) -> Result<(), ApiError> {
    let sent = factor.sent.as_ref().filter(|sent| sent.code.expose() == given).ok_or(errors::E0000068)?;
    if sent.expires_at <= call.now {
        return Err(errors::E0000083.into());
    }
    factor.sent = None;
    Ok(())
}
