//! Enrolling a factor.

use chrono::TimeDelta;
use oktant_base::Secret;
use serde_json::{Map, Value};

use super::model::{Factor, Kind, Message, Sent, Standing};
use super::{catalog, code, record, settled, view};
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::Kind as Event;
use crate::store::{Id, Status, Store};
use crate::users;

/// Bytes of the key of one-time passwords: sixteen characters of base32.
const KEY_BYTES: usize = 10;
/// Life of a code unless `tokenLifetimeSeconds` says otherwise.
const CODE_SECONDS: i64 = 300;

/// `enrollFactor`.
pub(super) fn enroll(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let user = users::shared(store, call)?;
    let (user_id, status, login) = (user.id, user.status, user.login().to_owned());
    if status == Status::Deprovisioned || status == Status::Suspended {
        return Err(errors::E0000038.into());
    }
    let factor_type = text(&body, "factorType")?;
    let provider = match (body.get("provider"), only_provider(factor_type)) {
        (None, Some(only)) => only,
        _ => text(&body, "provider")?,
    };
    let kind = Kind::of(factor_type, provider)
        .ok_or_else(|| ApiError::invalid_field("factorType", "The field has an invalid value"))?;
    if store.factors.of(user).iter().any(|factor| factor.kind == kind && factor.standing == Standing::Active) {
        return Err(ApiError::invalid_field("factorType", "A factor of this type is already set up."));
    }
    let (profile, secret) = read_profile(kind, &body, &login, call)?;
    let at_once = matches!(kind, Kind::Question | Kind::Token) || call.flag("activate", false);
    let mut factor = Factor {
        id: store.ids.next(kind.prefix()),
        kind,
        type_name: factor_type.to_owned(),
        provider: provider.to_owned(),
        standing: if at_once { Standing::Active } else { Standing::Pending },
        created: call.stamp(),
        last_updated: call.stamp(),
        profile,
        secret,
        sent: None,
        used_step: None,
    };
    if !at_once && let Some(message) = send_code(&mut factor, call) {
        store.factors.post(message);
    }
    let shown = view::factor(call, user_id, &factor);
    settled(store, call)?;
    replace_pending(store, user_id, kind);
    store.factors.add(user_id, factor);
    if at_once {
        record(store, call, user_id, Event::FACTOR_ACTIVATE);
    }
    Ok(Reply::json(&shown))
}

/// The provider of a type that has one only: callers may leave it out.
///
/// # Source
///
/// The description: the schemas of these types fix the member, and do not require it.
fn only_provider(factor_type: &str) -> Option<&'static str> {
    match factor_type {
        "question" | "sms" | "call" | "email" | "push" => Some("OKTA"),
        "webauthn" | "u2f" => Some("FIDO"),
        _ => None,
    }
}

/// A new enrolment takes the place of one that was never finished.
fn replace_pending(store: &mut Store, user: Id, kind: Kind) {
    store.factors.remove_kind(user, kind);
}

type Read = (Map<String, Value>, Option<Secret<Vec<u8>>>);

/// The profile to keep and show, and what is kept secret.
fn read_profile(kind: Kind, body: &Map<String, Value>, login: &str, call: &Call<'_>) -> Result<Read, ApiError> {
    let mut profile = body.get("profile").and_then(Value::as_object).cloned().unwrap_or_default();
    let secret = match kind {
        Kind::Question => Some(read_question(&mut profile)?),
        Kind::Sms | Kind::Call => {
            check_phone(&profile)?;
            None
        }
        Kind::Email => {
            text(&profile, "email")?;
            None
        }
        Kind::OktaTotp | Kind::GoogleTotp => {
            profile.insert("credentialId".to_owned(), login.into());
            Some(Secret::new(code::random_key(call.org.entropy.as_ref(), KEY_BYTES)))
        }
        Kind::Push => {
            profile.insert("credentialId".to_owned(), login.into());
            None
        }
        Kind::WebAuthn | Kind::SignedNonce => None,
        // Tokens of other makers keep their keys to themselves; a custom one brings its own.
        Kind::Token => {
            profile.remove("sharedSecret").and_then(|key| Some(Secret::new(key.as_str()?.as_bytes().to_vec())))
        }
    };
    Ok((profile, secret))
}

fn read_question(profile: &mut Map<String, Value>) -> Result<Secret<Vec<u8>>, ApiError> {
    let key = text(profile, "question")?;
    let question = catalog::question_text(key)
        .ok_or_else(|| ApiError::invalid_field("question", "The field has an invalid value"))?;
    let answer = text(profile, "answer")?.to_lowercase().into_bytes();
    if answer.len() < 4 {
        let reason = "The security question answer must be at least 4 characters in length";
        return Err(ApiError::invalid_field("answer", reason));
    }
    profile.remove("answer");
    profile.insert("questionText".to_owned(), question.into());
    Ok(Secret::new(answer))
}

/// A phone number in international form, loosely: people write blanks and hyphens.
fn check_phone(profile: &Map<String, Value>) -> Result<(), ApiError> {
    let number = text(profile, "phoneNumber")?;
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let plain = number.chars().all(|character| character.is_ascii_digit() || "+-() .".contains(character));
    if plain && (7..=15).contains(&digits) { Ok(()) } else { Err(errors::E0000098.into()) }
}

/// Makes a code for a factor whose codes are sent, and the message that carries it.
pub(super) fn send_code(factor: &mut Factor, call: &Call<'_>) -> Option<Message> {
    let channel = factor.kind.channel()?;
    let code = code::random(call.org.entropy.as_ref());
    let asked = call.query("tokenLifetimeSeconds").and_then(|seconds| seconds.parse().ok());
    let life = TimeDelta::seconds(asked.unwrap_or(CODE_SECONDS).clamp(1, 86_400));
    factor.sent = Some(Sent { code: Secret::new(code.clone()), at: call.now, expires_at: call.now + life });
    tracing::info!(channel, to = factor.address(), "a code was sent to the outbox");
    Some(Message { channel, to: factor.address(), code })
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, ApiError> {
    let value = object.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| ApiError::invalid_field(name, "The field cannot be left blank"))
}
