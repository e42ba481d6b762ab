//! Bodies without their empty parts.

use bytes::Bytes;
use serde_json::Value;

/// `body` without empty text, lists, objects and nulls, wherever they stand. What is not JSON stays as it is.
///
/// # Source
///
/// Observed of okta-sdk-python 2.9.13: a part is empty once its own empty parts are gone; 0 and false stay.
pub(crate) fn dropped(body: &Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    clean(&mut value);
    value.to_string().into()
}

fn clean(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(clean);
            members.retain(|_, value| !is_empty(value));
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(clean);
            elements.retain(|value| !is_empty(value));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::dropped;

    #[test]
    fn what_is_empty_goes_at_every_depth() {
        for (body, expected) in [
            (
                r#"{"phoneNumber":"1","badgeNumber":"","n":null,"z":0,"f":false,"l":[],"d":{}}"#,
                r#"{"phoneNumber":"1","z":0,"f":false}"#,
            ),
            (r#"{"a":{"b":{"c":""}},"l":["",{"x":null},1]}"#, r#"{"l":[1]}"#),
            (r#"{"a":""}"#, "{}"),
            ("no JSON", "no JSON"),
        ] {
            assert_eq!(dropped(&body.into()), expected);
        }
    }
}
