//! Which items of a collection a caller asks for.

use std::borrow::Cow;

use oktant_catalog::ParameterIn;
use oktant_filter::{Case, Expression, Resource, Value as Attribute};
use serde_json::Value;

use super::collection::Document;
use crate::http::{ApiError, Call, errors};

/// Parameters that say how a list is shown, not what is in it.
const PRESENTATION: [&str; 8] = ["after", "limit", "expand", "sortBy", "sortOrder", "q", "filter", "search"];

/// What a call asks of items.
pub(super) struct Wanted {
    expression: Option<Expression>,
    /// Beginning of a name, in lower case.
    name: Option<String>,
    /// Members and the values they must have.
    equal: Vec<(&'static str, String)>,
}

impl Wanted {
    /// Reads `filter` or `search`, `q`, and parameters that are called like a member.
    ///
    /// # Errors
    ///
    /// 400 `E0000031` if an expression does not parse.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, ApiError> {
        let expression = call.query("filter").or_else(|| call.query("search"));
        let expression = expression.map(oktant_filter::parse).transpose().map_err(|_| errors::E0000031)?;
        let declared = call.operation.parameters_in(ParameterIn::Query).map(|parameter| parameter.name);
        let equal = declared.filter(|name| !PRESENTATION.contains(name));
        let equal = equal.filter_map(|name| Some((name, call.query(name)?.to_owned()))).collect();
        Ok(Self { expression, name: call.query("q").map(str::to_lowercase), equal })
    }

    /// Whether a document is what is asked for. A parameter says nothing about documents without its member.
    pub(super) fn holds(&self, document: &Document) -> bool {
        let named = |wanted: &String| {
            let names = ["name", "label", "displayName", "subject", "key"].iter();
            names.filter_map(|name| document.get(*name)?.as_str()).any(|name| name.to_lowercase().starts_with(wanted))
        };
        let equal = |(name, wanted): &(&str, String)| match document.get(*name) {
            Some(Value::String(value)) => value == wanted,
            Some(Value::Bool(value)) => value.to_string() == *wanted,
            _ => true,
        };
        self.name.as_ref().is_none_or(named)
            && self.equal.iter().all(equal)
            && self.expression.as_ref().is_none_or(|expression| expression.matches(&Attributes(document), Case::Exact))
    }
}

/// A document with its members as attributes.
struct Attributes<'a>(&'a Document);

impl Resource for Attributes<'_> {
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Attribute<'a>)) {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        if let Some(value) = self.0.get(first) {
            walk(value, rest, visit);
        }
    }
}

fn walk<'a>(value: &'a Value, path: &str, visit: &mut dyn FnMut(Attribute<'a>)) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| walk(element, path, visit)),
        Value::Object(members) => {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(inner) = members.get(first) {
                walk(inner, rest, visit);
            }
        }
        _ if !path.is_empty() => {}
        Value::String(text) => match oktant_filter::parse_time(text) {
            Some(time) => visit(Attribute::Time(time)),
            None => visit(Attribute::Text(Cow::Borrowed(text))),
        },
        Value::Number(number) => visit(Attribute::Number(number.as_f64().unwrap_or_default())),
        Value::Bool(value) => visit(Attribute::Boolean(*value)),
        Value::Null => {}
    }
}
