//! Activating and verifying factors.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::enroll::send_code;
use super::model::{Factor, Kind, Standing};
use super::{code, exclusive, push, record, view};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::Kind as Event;
use crate::store::Store;

/// Steps by which a user's clock may be off.
const STEPS_OFF: i64 = 1;
/// Codes that a token may have counted without being asked.
const LOOK_AHEAD: i64 = 10;

/// `activateFactor`. A push stays pending until its phone is approved.
pub(super) fn activate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.optional_object()?;
    let (user, factor) = exclusive(store, call)?;
    if factor.kind == Kind::Push {
        let factor = factor.clone();
        if let Some(waiting) = push::activate(store, call, user, &factor) {
            return Ok(waiting);
        }
    }
    let (_, factor) = exclusive(store, call)?;
    // A key of FIDO is taken as it comes: attestation is not checked.
    if !matches!(factor.kind, Kind::WebAuthn | Kind::Push) {
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
        if factor.standing == Standing::Pending {
            return Err(errors::E0000068.into());
        }
        let id = factor.id;
        return Ok(push::challenge(store, call, user, id));
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

/// `resendEnrollFactor`: a new code, but not too soon after the last, or a new push.
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
    let pending_push = (factor.kind == Kind::Push && factor.standing == Standing::Pending).then_some(factor.id);
    if let Some(message) = message {
        store.factors.post(message);
    }
    if let Some(id) = pending_push {
        push::resend(store, call, user, id);
    }
    Ok(Reply::json(&shown))
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
        Kind::Token => check_counted(factor, given("passCode")),
        Kind::Push | Kind::WebAuthn | Kind::SignedNonce => Err(errors::E0000068.into()),
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

/// Codes that count up (RFC 4226): one of the next few, and never one of those before it.
fn check_counted(factor: &mut Factor, given: &str) -> Result<(), ApiError> {
    let key = factor.secret.as_ref().ok_or(errors::E0000068)?;
    let next = factor.used_step.map_or(0, |used| used + 1);
    let counter = (next..next + LOOK_AHEAD).find(|counter| code::totp(key.expose(), *counter) == given);
    factor.used_step = Some(counter.ok_or(errors::E0000068)?);
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
