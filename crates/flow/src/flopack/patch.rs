//! What differs between a card as we would write it and as it was found, with its context.
//!
//! A patch is a JSON object laid over another. A plain value is added where there is none; one
//! that was replaced is `{"$was": before, "$now": after}`, one that was missing `{"$was": before}`.
//! Applied to something that was edited meanwhile, a patch gives way: what is no longer as it was
//! stays as it is now.

use serde_json::{Map, Value};

const WAS: &str = "$was";
const NOW: &str = "$now";

/// What turns `base` into `wanted`; nothing if they are equal.
pub(crate) fn diff(base: &Value, wanted: &Value) -> Option<Value> {
    if base == wanted {
        return None;
    }
    let (Value::Object(base), Value::Object(wanted)) = (base, wanted) else {
        return Some(serde_json::json!({ WAS: base, NOW: wanted }));
    };
    let mut patch = Map::new();
    for (key, wanted) in wanted {
        match base.get(key) {
            None => {
                patch.insert(key.clone(), wanted.clone());
            }
            Some(base) => patch.extend(diff(base, wanted).map(|patch| (key.clone(), patch))),
        }
    }
    for (key, base) in base {
        if !wanted.contains_key(key) {
            patch.insert(key.clone(), serde_json::json!({ WAS: base }));
        }
    }
    Some(Value::Object(patch))
}

/// Lays a patch over `base`.
pub(crate) fn apply(base: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return };
    if let Some(was) = patch.get(WAS) {
        if let (true, Some(now)) = (was == base, patch.get(NOW)) {
            *base = now.clone();
        }
        return;
    }
    let Value::Object(base) = base else { return };
    for (key, patch) in patch {
        let removal = patch.as_object().and_then(|patch| patch.get(WAS).filter(|_| !patch.contains_key(NOW)));
        match (base.get_mut(key), removal) {
            (Some(value), Some(was)) if value == was => {
                base.shift_remove(key);
            }
            (Some(value), None) => apply(value, patch),
            (None, None) if !is_replacement(patch) => {
                base.insert(key.clone(), patch.clone());
            }
            _ => {}
        }
    }
}

fn is_replacement(patch: &Value) -> bool {
    patch.as_object().is_some_and(|patch| patch.contains_key(WAS))
}

/// What two patches have in common; nothing if that is nothing.
pub(crate) fn common(a: &Value, b: &Value) -> Option<Value> {
    if a == b {
        return Some(a.clone());
    }
    let (Value::Object(left), Value::Object(right)) = (a, b) else { return None };
    if is_replacement(a) || is_replacement(b) {
        return None;
    }
    let shared: Map<String, Value> =
        left.iter().filter_map(|(key, left)| Some((key.clone(), common(left, right.get(key)?)?))).collect();
    (!shared.is_empty()).then_some(Value::Object(shared))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_leads_from_one_to_the_other() {
        let base = json!({"a": 1, "b": {"c": null, "d": [1]}, "e": "x"});
        let wanted = json!({"a": 1, "b": {"c": 2, "f": {"g": null}}, "e": {"h": 1}});
        let patch = diff(&base, &wanted).unwrap();
        let mut patched = base.clone();
        apply(&mut patched, &patch);
        assert_eq!(patched, wanted);
        assert_eq!(diff(&wanted, &wanted), None);
    }

    #[test]
    fn what_was_edited_stays() {
        let patch = diff(&json!({"data": "", "x": 1}), &json!({"data": "old", "id": {"n": 1}})).unwrap();
        let mut edited = json!({"data": "mine", "id": {"n": 7, "m": 2}, "x": 2});
        apply(&mut edited, &patch);
        assert_eq!(edited, json!({"data": "mine", "id": {"n": 7, "m": 2}, "x": 2}));
    }
}
