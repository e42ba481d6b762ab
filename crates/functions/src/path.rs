//! Reaching into objects and lists by path: `profile.emails.0.value`.
//!
//! # Source
//!
//! lodash, `get` and `set`, which the paths in exported flows agree with: a key that is literally
//! the path comes first, numeric segments index lists, and `set` makes what is missing.

use std::borrow::Cow;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::FunctionError;
use crate::value::{DEPTH_MAX, Value};

/// How far beyond its end a list may be extended by setting an item; holes become nothing.
const GAP_MAX: usize = 10_000;

/// What stands at `path`; `None` if there is nothing of that name.
pub fn get<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(literal) = value.as_object().and_then(|object| object.get(path)) {
        return Some(literal);
    }
    segments(path).try_fold(value, |value, segment| match value {
        Value::Object(object) => object.get(&*segment),
        Value::List(items) => items.get(index(&segment)?),
        _ => None,
    })
}

/// A copy of `value` with `new` at `path`. Objects and lists that are missing, and values that can
/// hold nothing, give way to new ones: to a list where the next segment is a number.
///
/// # Errors
///
/// OKT4203 if the path names a key of a list, OKT4204 if the path is deeper than [`DEPTH_MAX`] or leaves a gap of more than 10,000 items.
pub fn set(value: Value, path: &str, new: Value) -> Result<Value, FunctionError> {
    if value.as_object().is_some_and(|object| object.contains_key(path)) {
        return set_segments(value, &[path.into()], new);
    }
    let path: Vec<_> = segments(path).take(DEPTH_MAX + 1).collect();
    if path.len() > DEPTH_MAX {
        return Err(FunctionError::limit(format!("a path has more than {DEPTH_MAX} segments")));
    }
    set_segments(value, &path, new)
}

fn set_segments(value: Value, path: &[Cow<'_, str>], new: Value) -> Result<Value, FunctionError> {
    let Some((segment, rest)) = path.split_first() else { return Ok(new) };
    match (value, index(segment)) {
        (Value::List(items), Some(at)) => {
            let mut items = items.into_vec();
            if at > items.len() + GAP_MAX {
                return Err(FunctionError::limit(format!("item {at} is more than {GAP_MAX} beyond the end of a list")));
            }
            if at >= items.len() {
                items.resize(at + 1, Value::Null);
            }
            items[at] = set_segments(std::mem::take(&mut items[at]), rest, new)?;
            Ok(items.into())
        }
        (Value::Object(object), _) => {
            let mut map = object.into_map();
            // The entry keeps its place.
            let slot = map.entry(Arc::from(&**segment)).or_default();
            *slot = set_segments(std::mem::take(slot), rest, new)?;
            Ok(map.into())
        }
        (Value::List(_), None) => {
            let message = format!("the path leads to a list, which has no key {segment}");
            Err(FunctionError::invalid(message))
        }
        (_, Some(_)) => set_segments(Vec::new().into(), path, new),
        (_, None) => set_segments(IndexMap::new().into(), path, new),
    }
}

/// A copy of `value` without what stands at `path`; the same value if there is nothing.
pub fn remove(value: Value, path: &str) -> Value {
    if get(&value, path).is_none() {
        return value;
    }
    if value.as_object().is_some_and(|object| object.contains_key(path)) {
        return remove_segments(value, &[path.into()]);
    }
    remove_segments(value, &segments(path).collect::<Vec<_>>())
}

fn remove_segments(value: Value, path: &[Cow<'_, str>]) -> Value {
    let Some((segment, rest)) = path.split_first() else { return value };
    match value {
        Value::Object(object) => {
            let mut map = object.into_map();
            if rest.is_empty() {
                map.shift_remove(&**segment);
            } else if let Some(slot) = map.get_mut(&**segment) {
                *slot = remove_segments(std::mem::take(slot), rest);
            }
            map.into()
        }
        Value::List(items) => {
            let mut items = items.into_vec();
            match index(segment).filter(|at| *at < items.len()) {
                Some(at) if rest.is_empty() => drop(items.remove(at)),
                Some(at) => items[at] = remove_segments(std::mem::take(&mut items[at]), rest),
                None => {}
            }
            items.into()
        }
        other => other,
    }
}

/// The segments of a path: split at dots, `a[0]` being `a.0`.
fn segments(path: &str) -> impl Iterator<Item = Cow<'_, str>> {
    path.split('.').flat_map(|part| {
        let brackets = part.strip_suffix(']').and_then(|part| part.split_once('['));
        let indexes = brackets.map(|(name, indexes)| (name, indexes.split("][").collect::<Vec<_>>()));
        match indexes {
            Some((name, indexes)) if indexes.iter().all(|text| index(text).is_some()) => {
                let name = (!name.is_empty()).then_some(name);
                name.into_iter().chain(indexes).map(Cow::Borrowed).collect()
            }
            _ => vec![Cow::Borrowed(part)],
        }
    })
}

/// The index that a segment is: digits without leading zeros.
fn index(segment: &str) -> Option<usize> {
    let canonical = segment == "0" || !segment.starts_with('0');
    let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && digits).then(|| segment.parse().ok())?
}
