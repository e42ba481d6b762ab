//! Secrets inside JSON columns.

use std::borrow::Cow;

use serde_json::Value;

/// Members whose values are never shown.
///
/// # Source
///
/// SQL model, rule D12.
const SECRET_MEMBERS: [&str; 9] = [
    "client_secret",
    "secret_hash",
    "secretKey",
    "password",
    "answer",
    "sharedSecret",
    "privateKey",
    "apiKey",
    "token",
];

/// JSON text with `***` in place of secrets.
pub(super) fn masked(json: &str) -> Cow<'_, str> {
    if !names_a_secret(json) {
        return Cow::Borrowed(json);
    }
    let Ok(mut value) = serde_json::from_str(json) else { return Cow::Borrowed("\"***\"") };
    mask(&mut value);
    Cow::Owned(value.to_string())
}

/// Whether some member's name is a secret's. One pass without building anything, since nearly no
/// object has one.
fn names_a_secret(json: &str) -> bool {
    // An escape could spell a secret's name in another way.
    let escaped_name = json.contains("\\u");
    let bytes = json.as_bytes();
    let colons = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b':');
    escaped_name
        || colons.map(|(at, _)| bytes[..at].trim_ascii_end()).any(|before| {
            let Some(name) = before.strip_suffix(b"\"") else { return false };
            SECRET_MEMBERS
                .iter()
                .any(|secret| name.strip_suffix(secret.as_bytes()).is_some_and(|rest| rest.last() == Some(&b'"')))
        })
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if SECRET_MEMBERS.contains(&name.as_str()) && holds_something(member) {
                    *member = Value::from("***");
                } else {
                    mask(member);
                }
            }
        }
        _ => {}
    }
}

/// An empty object, as in `"password": {}`, says only that there is a secret: nothing to hide.
fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let json =
            r#"{"id":"1","credentials":{"oauthClient":{"client_id":"a","client_secret":"b"},"list":[{"token" : 5}]}}"#;
        let masked = masked(json);
        assert!(!masked.contains("\"b\"") && !masked.contains('5'), "{masked}");
        assert!(masked.contains(r#""client_id":"a""#), "{masked}");
    }

    #[test]
    fn an_escaped_name_does_not_hide_a_secret() {
        assert_eq!(masked(r#"{"pass\u0077ord":"x"}"#), r#"{"password":"***"}"#);
    }

    #[test]
    fn other_text_is_left_as_it_is() {
        for json in [r#"{ "a" : "password" }"#, r#"{"tokens":1}"#, "[]"] {
            assert!(matches!(masked(json), Cow::Borrowed(same) if same == json), "{json}");
        }
        assert_eq!(masked(r#"{"password":{}}"#), r#"{"password":{}}"#);
    }
}
