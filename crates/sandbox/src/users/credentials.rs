//! Passwords, recovery questions and who vouches for a user.

use http::StatusCode;
use oktant_base::Secret;
use serde_json::{Map, Value, json};

use super::{find, view};
use crate::generate::SHARED_PASSWORD;
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::logs::{self, Kind};
use crate::store::{Password, Provider, RecoveryQuestion, Status, Store, User};

/// What the default password policy wants.
///
/// # Source
///
/// Observed: cause of a refused password in new orgs.
const REQUIREMENTS: &str = "Password requirements were not met. Password requirements: at least 8 characters, a \
                            lowercase letter, an uppercase letter, a number, no parts of your username.";

/// Credentials that a caller sent, checked.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) password: Option<Password>,
    pub(crate) recovery_question: Option<RecoveryQuestion>,
    pub(crate) provider: Option<Provider>,
}

impl Sent {
    /// Reads the `credentials` object of a create or update.
    ///
    /// # Errors
    ///
    /// 400 for a password that breaks the policy, a short answer, or a password beside a foreign provider.
    pub(crate) fn read(credentials: Option<&Value>, login: &str) -> Result<Self, ApiError> {
        let Some(credentials) = credentials.filter(|value| !value.is_null()) else { return Ok(Self::default()) };
        let sent = Self {
            password: read_password(&credentials["password"], login)?,
            recovery_question: read_question(&credentials["recovery_question"])?,
            provider: read_provider(&credentials["provider"]),
        };
        let foreign =
            sent.provider.as_ref().is_some_and(|provider| matches!(provider.kind.as_ref(), "FEDERATION" | "SOCIAL"));
        if foreign && sent.password.is_some() {
            return Err(ApiError::invalid_field("password", "A password cannot be set for this provider"));
        }
        Ok(sent)
    }

    /// Puts what was sent into the user. `true` if the password was among it.
    pub(crate) fn apply(self, user: &mut User, call: &Call<'_>) -> bool {
        let has_password = self.password.is_some();
        if let Some(password) = self.password {
            if matches!(password, Password::Imported) {
                user.provider = Some(Box::new(Provider::new("IMPORT", "IMPORT")));
            }
            user.password = Some(password);
            user.password_changed = Some(call.stamp());
        }
        if let Some(question) = self.recovery_question {
            user.recovery_question = Some(Box::new(question));
        }
        if let Some(provider) = self.provider {
            user.provider = (provider.kind.as_ref() != "OKTA").then(|| Box::new(provider));
        }
        has_password
    }
}

fn read_password(sent: &Value, login: &str) -> Result<Option<Password>, ApiError> {
    // The older form gives the password as text, the newer one as an object.
    let value = if sent.is_string() { sent } else { &sent["value"] };
    if let Some(text) = value.as_str() {
        check_policy(text, login)?;
        return Ok(Some(Password::Text(Secret::new(text.into()))));
    }
    let imported = ["hash", "hook"].iter().any(|name| sent[*name].is_object());
    Ok(imported.then_some(Password::Imported))
}

fn read_question(sent: &Value) -> Result<Option<RecoveryQuestion>, ApiError> {
    let Some(question) = sent["question"].as_str() else { return Ok(None) };
    let answer = sent["answer"].as_str().unwrap_or_default();
    if answer.chars().count() < 4 {
        let reason = "The security question answer must be at least 4 characters in length";
        return Err(ApiError::invalid_field("answer", reason));
    }
    Ok(Some(RecoveryQuestion { question: question.into(), answer: Secret::new(answer.into()) }))
}

fn read_provider(sent: &Value) -> Option<Provider> {
    let kind = sent["type"].as_str()?;
    Some(Provider::new(kind, sent["name"].as_str().unwrap_or(kind)))
}

/// Checks a password against the default policy.
///
/// # Errors
///
/// 400 `Api validation failed: password`.
pub(crate) fn check_policy(password: &str, login: &str) -> Result<(), ApiError> {
    let lower = password.to_lowercase();
    let parts = login.split(['@', '.', '-', '_', ',', '#']).filter(|part| part.chars().count() >= 4);
    let strong = password.chars().count() >= 8
        && password.chars().any(char::is_lowercase)
        && password.chars().any(char::is_uppercase)
        && password.chars().any(|character| character.is_ascii_digit())
        && !parts.map(str::to_lowercase).any(|part| lower.contains(&part));
    if strong { Ok(()) } else { Err(ApiError::validation("password").cause(REQUIREMENTS)) }
}

/// Whether `given` is the user's password.
pub(crate) fn is_password(user: &User, given: &str) -> bool {
    match &user.password {
        Some(Password::Text(password)) => password.expose().as_ref() == given,
        Some(Password::Shared) => given == SHARED_PASSWORD,
        Some(Password::Imported) | None => false,
    }
}

fn text_at<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name)
        .map(|value| value.as_str().or_else(|| value["value"].as_str()).unwrap_or_default())
        .unwrap_or_default()
}

fn shown(user: &User) -> Reply {
    let mut out = Vec::with_capacity(128);
    view::write_credentials(&mut out, user);
    Reply::bytes(out)
}

/// `changePassword`.
pub(crate) fn change_password(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let (number, user) = find::exclusive(store, call)?;
    let allowed = [Status::Active, Status::Staged, Status::PasswordExpired, Status::Recovery];
    if !allowed.contains(&user.status) {
        return Err(errors::E0000038.into());
    }
    if !is_password(user, text_at(&body, "oldPassword")) {
        return Err(ApiError::new(errors::E0000014).cause("Old Password is not correct"));
    }
    let new = text_at(&body, "newPassword");
    check_policy(new, user.login()).map_err(|_| ApiError::new(errors::E0000014).cause(REQUIREMENTS))?;
    user.password = Some(Password::Text(Secret::new(new.into())));
    user.password_changed = Some(call.stamp());
    if matches!(user.status, Status::PasswordExpired | Status::Recovery) {
        user.status = Status::Active;
        user.status_changed = Some(call.stamp());
    }
    let reply = shown(user);
    logs::record_user(store, call, number, Kind::USER_UPDATE_PASSWORD);
    Ok(reply)
}

/// `changeRecoveryQuestion`.
pub(crate) fn change_recovery_question(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let (_, user) = find::exclusive(store, call)?;
    if !matches!(user.status, Status::Active | Status::Staged | Status::Recovery) {
        return Err(errors::E0000038.into());
    }
    if !is_password(user, text_at(&body, "password")) {
        return Err(ApiError::new(errors::E0000014).cause("Password is not correct"));
    }
    let question = body.get("recovery_question").unwrap_or(&Value::Null);
    match read_question(question)? {
        Some(question) => user.recovery_question = Some(Box::new(question)),
        None => return Err(ApiError::invalid_field("recovery_question", "The field cannot be left blank")),
    }
    Ok(shown(user))
}

/// `forgotPassword`: a reset link that leaves the status alone.
pub(crate) fn forgot_password(store: &mut Store, call: &Call<'_>) -> Outcome {
    let number = find::user(store, call)?;
    if find::shared(store, call)?.status != Status::Active {
        return Err(errors::E0000034.into());
    }
    logs::record_user(store, call, number, Kind::USER_RESET_PASSWORD);
    if call.flag("sendEmail", true) {
        return Ok(Reply::empty_object());
    }
    let url = call.url(&format!("/signin/reset-password/{}", call.org.token(20)));
    Ok(Reply::json(&json!({ "resetPasswordUrl": url })))
}

/// `forgotPasswordSetNewPassword`: a new password against the right answer.
pub(crate) fn forgot_password_answer(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let (number, user) = find::exclusive(store, call)?;
    let given = body.get("recovery_question").and_then(|value| value["answer"].as_str()).unwrap_or_default();
    let known = user.recovery_question.as_ref().map(|question| question.answer.expose().as_ref());
    if user.status != Status::Active || known.is_none_or(|known: &str| !known.eq_ignore_ascii_case(given)) {
        return Err(errors::E0000087.into());
    }
    let new = text_at(&body, "password");
    check_policy(new, user.login()).map_err(|mut error| {
        error.status = StatusCode::FORBIDDEN;
        error
    })?;
    user.password = Some(Password::Text(Secret::new(new.into())));
    user.password_changed = Some(call.stamp());
    let reply = shown(user);
    logs::record_user(store, call, number, Kind::USER_UPDATE_PASSWORD);
    Ok(reply)
}
