//! Keeps secrets out of ledger, logs and recordings.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

const MASK: &str = "***";

/// Query and form parameters whose values are never shown.
const PARAMETERS: &[&str] = &[
    "access_token",
    "activationToken",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "device_secret",
    "id_token",
    "id_token_hint",
    "mfa_token",
    "otp",
    "password",
    "recoveryToken",
    "refresh_token",
    "sessionToken",
    "stateToken",
    "subject_token",
    "token",
];

/// Members of JSON objects whose values are never shown, without regard to letter case and underscores.
const MEMBERS: &[&str] = &[
    "accesstoken",
    "activationcode",
    "activationlink",
    "activationtoken",
    "activationurl",
    "actortoken",
    "adminpassword",
    "answer",
    "apikey",
    "authorizationheader",
    "authtoken",
    "clientassertion",
    "clientsecret",
    "cookietoken",
    "cookietokenurl",
    "devicecode",
    "devicesecret",
    "devicetoken",
    "idtoken",
    "mfatoken",
    "newpassword",
    "nextpasscode",
    "oldpassword",
    "otp",
    "otpcode",
    "passcode",
    "password",
    "privatekey",
    "providerauthtoken",
    "recoveryquestion",
    "recoverytoken",
    "refreshtoken",
    "resetpasswordurl",
    "secret",
    "secretkey",
    "sessiontoken",
    "sharedsecret",
    "statetoken",
    "subjecttoken",
    "temppassword",
    "token",
    "tokenencrypted",
    "tokensigningkey",
    "tokenvalue",
];

/// Members below which the values of headers stand that the org sends to others, as its hooks do.
const HEADER_HOLDERS: &[&str] = &["authScheme", "headers"];

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
                let has_values = HEADER_HOLDERS.contains(&name.as_str()) && mask_values(member);
                mask(member) | has_values | found
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
    matches!(name, "password" | "newPassword" | "oldPassword" | "recovery_question" | "hash" | "serviceAccountJson")
}

/// Masks the values of named things; `true` if there was any.
fn mask_values(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |found, item| mask_values(item) | found),
        Value::Object(members) => members.get_mut("value").is_some_and(mask_all),
        _ => false,
    }
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
    use oktant_catalog::TypeRef;

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
    fn secrets_of_hooks_are_masked() {
        let hook = r#"{"name":"h","channel":{"type":"HTTP","config":{"uri":"https://h.example",
            "authScheme":{"type":"HEADER","key":"authorization","value":"s3cret"},
            "headers":[{"key":"X-Api-Key","value":"s3cret"}]}}}"#;
        let shown = body(&headers("application/json"), hook);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("https://h.example") && shown.contains("X-Api-Key"), "{shown}");
    }

    /// Requests hold them only, but nobody could do anything with them.
    const NO_SECRETS: &[&str] = &["format", "id", "iss", "sub", "ttl"];

    /// What names of secrets end in.
    const ENDINGS: &[&str] =
        &["password", "passcode", "secret", "token", "privatekey", "apikey", "secretkey", "signingkey", "otpcode"];

    #[test]
    fn every_secret_of_the_description_is_masked() {
        let schemas = oktant_catalog::schemas();
        let all = || schemas.iter().flat_map(|schema| schema.properties());
        let (mut count, mut shown_members) = (0, Vec::new());
        for (schema, property) in schemas.iter().flat_map(|schema| schema.properties().iter().map(move |p| (schema, p)))
        {
            let TypeRef::String(format) = property.schema else { continue };
            let folded = property.name.replace('_', "").to_lowercase();
            let is_named = ENDINGS.iter().any(|ending| folded.ends_with(ending));
            let is_declared = property.write_only && !NO_SECRETS.contains(&property.name);
            if !is_named && !is_declared && format != "password" {
                continue;
            }
            // Some are told by the member that they stand below.
            let holders = all().filter(|holder| matches!(holder.schema, TypeRef::Named(name) if name == schema.name));
            let object = serde_json::json!({ property.name: "s3cret" });
            let mut bodies: Vec<Value> = holders.map(|holder| serde_json::json!({ holder.name: object })).collect();
            if bodies.is_empty() {
                bodies.push(object);
            }
            for written in bodies {
                let shown = body(&headers("application/json"), &written.to_string());
                count += 1;
                if shown.contains("s3cret") {
                    shown_members.push(format!("{}: {shown}", schema.name));
                }
            }
        }
        assert!(shown_members.is_empty() && count > 30, "{count} members, of which are shown: {shown_members:#?}");
    }

    #[test]
    fn logs_show_only_what_can_be_masked() {
        assert_eq!(logged(&headers("text/html"), b"<p>s3cret</p>", 100), "13 bytes");
        assert_eq!(logged(&headers("application/json"), b"[1,2,3]", 3), "[1,");
    }
}
