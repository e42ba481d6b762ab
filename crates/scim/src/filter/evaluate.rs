//! Whether a resource satisfies a filter.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Filter, Literal, Operator, parse_time};
use crate::schema::Path;

/// Text without letter case, for comparison: accents stay.
///
/// By way of upper case, which joins letters with two lower-case forms (`σ`, `ς`) and `ß` with `ss`.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

impl Filter {
    /// Whether a resource, as [`Stored::to_json`](crate::Stored::to_json) gives it, satisfies the filter.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(resource)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(resource)),
            Self::Not(inner) => !inner.matches(resource),
            Self::Present(path) => any(resource, path, false, &mut |value| !is_empty(value)),
            Self::Any { path, filter } => {
                any(resource, path, false, &mut |value| value.as_object().is_some_and(|parts| filter.matches(parts)))
            }
            Self::Compare { path, operator, literal: Literal::Null } => {
                let present = any(resource, path, false, &mut |value| !is_empty(value));
                present == (*operator == Operator::Ne)
            }
            Self::Compare { path, operator: Operator::Ne, literal } => {
                !any(resource, path, true, &mut |value| holds(value, path, Operator::Eq, literal))
            }
            Self::Compare { path, operator, literal } => {
                any(resource, path, true, &mut |value| holds(value, path, *operator, literal))
            }
            Self::Nothing => false,
        }
    }
}

/// Whether any of the values at a path passes the test; `compared` goes on to the `value` of complex lists.
fn any(resource: &Map<String, Value>, path: &Path, compared: bool, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    let mut found = false;
    each(resource, path, compared, &mut |value| found = found || test(value));
    found
}

/// Calls `visit` with each value at a path.
pub(crate) fn each<'a>(
    resource: &'a Map<String, Value>,
    path: &Path,
    compared: bool,
    visit: &mut dyn FnMut(&'a Value),
) {
    let attributes = match path.extension {
        Some(urn) => resource.get(urn).and_then(Value::as_object),
        None => Some(resource),
    };
    let Some(value) = attributes.and_then(|attributes| attributes.get(path.attribute.name)) else { return };
    let part = match path.sub_attribute {
        Some(sub_attribute) => Some(sub_attribute),
        None if compared && path.attribute != path.compared() => Some(path.compared()),
        None => None,
    };
    let mut at = |value: &'a Value| match part {
        Some(part) => value.get(part.name).into_iter().for_each(&mut *visit),
        None => visit(value),
    };
    match value {
        Value::Array(values) => values.iter().for_each(at),
        single => at(single),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(parts) => parts.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn holds(value: &Value, path: &Path, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::String(value), Literal::Text(literal)) if path.compared().case_exact => {
            text_holds(value, operator, literal)
        }
        (Value::String(value), Literal::Text(literal)) => text_holds(&fold(value), operator, &fold(literal)),
        (Value::String(value), Literal::Time(literal)) => {
            parse_time(value).is_some_and(|value| ordering_holds(value.cmp(literal), operator))
        }
        (Value::Bool(value), Literal::Boolean(literal)) => operator == Operator::Eq && value == literal,
        _ => false,
    }
}

fn text_holds(value: &str, operator: Operator, literal: &str) -> bool {
    match operator {
        Operator::Sw => value.starts_with(literal),
        Operator::Co => value.contains(literal),
        Operator::Ew => value.ends_with(literal),
        _ => ordering_holds(value.cmp(literal), operator),
    }
}

fn ordering_holds(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Sw | Operator::Co | Operator::Ew => false,
    }
}
