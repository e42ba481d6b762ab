//! Keeps secrets out of ledger, logs and recordings.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

const MASK: &str = "***";

/// Query and form parameters whose values are never shown.
const PARAMETERS: &[&str] = &[
    "access_token",
    "activationToken",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "id_token",
    "password",
    "recoveryToken",
    "refresh_token",
    "sessionToken",
    "stateToken",
    "token",
];

/// Members of JSON objects whose values are never shown, without regard to letter case and underscores.
const MEMBERS: &[&str] = &[
    "accesstoken",
    "activationcode",
    "activationlink",
    "activationtoken",
    "activationurl",
    "answer",
    "apikey",
    "authorizationheader",
    "authtoken",
    "clientassertion",
    "clientsecret",
    "cookietoken",
    "cookietokenurl",
    "idtoken",
    "newpassword",
    "oldpassword",
    "otp",
    "passcode",
    "password",
    "privatekey",
    "recoveryquestion",
    "recoverytoken",
    "refreshtoken",
    "resetpasswordurl",
    "secret",
    "secretkey",
    "sessiontoken",
    "sharedsecret",
    "statetoken",
    "temppassword",
    "token",
    "tokenvalue",
];

/// Members of private JWKs (RFC 7518, 6), where the object has `kty`.
const KEY_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

/// A query with the values of secret parameters masked.
pub(crate) fn query(query: &str) -> String {
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if PARAMETERS.contains(&name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&")
}

/// A body with its secrets masked: members of JSON, parameters of a form. Text of another form is
/// kept as it is.
pub(crate) fn body(headers: &HeaderMap, text: &str) -> String {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.starts_with("application/x-www-form-urlencoded") {
        return query(text);
    }
    let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    if mask(&mut value) { value.to_string() } else { text.to_owned() }
}

/// A body for a log: as [`body`], at most `chars_max` characters; only its size if it is neither JSON nor a form.
pub(crate) fn logged(headers: &HeaderMap, bytes: &[u8], chars_max: usize) -> String {
    let known = |text: &&str| {
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form"))
            || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    };
    match std::str::from_utf8(bytes).ok().filter(known) {
        Some(text) => body(headers, text).chars().take(chars_max).collect(),
        None => format!("{} bytes", bytes.len()),
    }
}

/// Masks secret members; `true` if there were any.
fn mask(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |found, item| mask(item) | found),
        Value::Object(members) => {
            let is_key = members.contains_key("kty");
            members.iter_mut().fold(false, |found, (name, member)| {
                // Only what can hold a secret: `"password": {}` and `"token": null` say nothing.
                let holds = match &*member {
                    Value::String(text) => !text.is_empty(),
                    Value::Number(_) => true,
                    Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) => false,
                };
                if holds && (is_secret(name) || is_key && KEY_MEMBERS.contains(&name.as_str())) {
                    *member = Value::String(MASK.to_owned());
                    return true;
                }
                // `"password": {"value": "…"}` and `{"hash": {"value": "…", "salt": "…"}}`.
                if is_credential(name) && mask_all(member) {
                    return true;
                }
                mask(member) | found
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_secret(name: &str) -> bool {
    let folded: String = name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
    MEMBERS.contains(&folded.as_str())
}

fn is_credential(name: &str) -> bool {
    matches!(name, "password" | "newPassword" | "oldPassword" | "recovery_question" | "hash")
}

/// Masks every text below a credential; `true` if there was any.
fn mask_all(value: &mut Value) -> bool {
    match value {
        Value::String(text) if !text.is_empty() => {
            *value = Value::String(MASK.to_owned());
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, |found, item| mask_all(item) | found),
        Value::Object(members) => members.values_mut().fold(false, |found, member| mask_all(member) | found),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(media_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, media_type.parse().unwrap())])
    }

    #[test]
    fn secrets_in_queries_are_masked() {
        assert_eq!(query("limit=5&token=abc&q=x"), "limit=5&token=***&q=x");
        assert_eq!(query(""), "");
    }

    #[test]
    fn secrets_in_bodies_are_masked() {
        let json = headers("application/json");
        let user = r#"{"profile":{"login":"a"},"credentials":{"password":{"value":"s3cret","hash":{"salt":"s3cret"}},"recovery_question":{"question":"q","answer":"s3cret"}}}"#;
        let shown = body(&json, user);
        assert!(!shown.contains("s3cret") && shown.contains("\"login\":\"a\""), "{shown}");
        let shown =
            body(&json, r#"[{"access_token":"s3cret","expires_in":3600},{"kty":"RSA","n":"public","d":"s3cret"}]"#);
        assert!(!shown.contains("s3cret") && shown.contains("3600") && shown.contains("public"), "{shown}");
        let form = headers("application/x-www-form-urlencoded");
        assert_eq!(body(&form, "grant_type=x&client_assertion=s3cret"), "grant_type=x&client_assertion=***");
        assert_eq!(body(&json, "{\"a\" : 1}"), "{\"a\" : 1}", "what holds no secret stays to the letter");
    }

    #[test]
    fn logs_show_only_what_can_be_masked() {
        assert_eq!(logged(&headers("text/html"), b"<p>s3cret</p>", 100), "13 bytes");
        assert_eq!(logged(&headers("application/json"), b"[1,2,3]", 3), "[1,");
    }
}
