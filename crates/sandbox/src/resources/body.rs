//! Bodies of requests against the schemas of the catalogue.

use oktant_catalog::{Property, TypeRef};
use serde_json::Value;

use super::collection::Document;
use super::recipe::Recipe;
use super::schema;
use super::template;
use crate::http::{ApiError, Call, errors};

/// Whether members that the description requires may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The body is the whole object.
    Whole,
    /// The body holds changes.
    Part,
}

/// The members of a call's body that the org takes.
///
/// # Errors
///
/// 400 `E0000003` if it is no JSON object or a member has the wrong type, 400 `E0000001` with a cause
/// for each member that is missing or not valid.
///
/// # Source
///
/// Recorded for missing members and bodies that are not well-formed; the words for other faults are assumed.
pub(super) fn read(call: &Call<'_>, recipe: &Recipe, extent: Extent) -> Result<Document, ApiError> {
    let Some(request) = &call.operation.request else { return Ok(Document::new()) };
    if !request.media_types.iter().any(|kind| kind.contains("json")) || is_form(call) {
        return Ok(Document::new());
    }
    let mut body = if request.required { call.object()? } else { call.optional_object()? };
    let mut faults = Faults::default();
    faults.object("", request.schema, &body, extent, &recipe.optional)?;
    for name in recipe.required.iter().filter(|name| extent == Extent::Whole && !body.contains_key(*name)) {
        faults.causes.push((name.clone(), format!("errors in the field: {name}")));
    }
    for (path, (least, most)) in &recipe.ranges {
        if let Some(value) = template::at_path(&body, path) {
            faults.number(path, number(value), Some(*least), Some(*most));
        }
    }
    faults.refuse()?;
    keep_known(call, recipe, request.schema, &mut body);
    Ok(body)
}

/// Uploads are taken and not looked at.
fn is_form(call: &Call<'_>) -> bool {
    let kind = call.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/"))
}

/// Drops what callers cannot set: read-only members, and those that the description does not know.
fn keep_known(call: &Call<'_>, recipe: &Recipe, request: TypeRef, body: &mut Document) {
    let members = schema::members(request, Some(body));
    let answers = call.operation.success().and_then(|response| response.schema);
    let shown: Vec<_> = answers.map_or_else(Vec::new, |of| schema::members(of, Some(body)));
    let closed = schema::is_closed(request, body);
    body.retain(|name, _| {
        let accepted = recipe.accept.iter().any(|accepted| accepted == name);
        match members.iter().find(|member| member.name == name) {
            Some(member) => accepted || !member.read_only,
            None => accepted || !(closed || shown.iter().any(|member| member.name == name && member.read_only)),
        }
    });
    body.shift_remove("_links");
    body.shift_remove("_embedded");
}

/// What is wrong with a body.
#[derive(Debug, Default)]
struct Faults {
    causes: Vec<(String, String)>,
}

impl Faults {
    fn add(&mut self, path: &str, text: &str) {
        self.causes.push((path.to_owned(), format!("{path}: {text}")));
    }

    fn refuse(self) -> Result<(), ApiError> {
        let Some((first, _)) = self.causes.first() else { return Ok(()) };
        let error = ApiError::validation(first.split('.').next().unwrap_or_default());
        Err(self.causes.iter().fold(error, |error, (_, cause)| error.cause(cause.clone())))
    }

    fn object(
        &mut self,
        path: &str,
        of: TypeRef,
        body: &Document,
        extent: Extent,
        optional: &[String],
    ) -> Result<(), ApiError> {
        let extent = if schema::is_decided(of, body) { extent } else { Extent::Part };
        for member in schema::members(of, Some(body)).into_iter().filter(|member| !member.read_only) {
            let path = if path.is_empty() { member.name.to_owned() } else { format!("{path}.{}", member.name) };
            match body.get(member.name) {
                None | Some(Value::Null) => {
                    let spared = extent == Extent::Part || optional.contains(&path) || !member.default.is_empty();
                    if member.required && !member.nullable && !spared {
                        self.add(&path, "The field cannot be left blank");
                    }
                }
                Some(value) => self.member(&path, member, value, extent, optional)?,
            }
        }
        Ok(())
    }

    fn member(
        &mut self,
        path: &str,
        member: &Property,
        value: &Value,
        extent: Extent,
        optional: &[String],
    ) -> Result<(), ApiError> {
        if optional.iter().any(|spared| spared == path) {
            // What the org does not require is checked for its form alone.
            return Self::default().content(path, member, value, Extent::Part, optional);
        }
        self.content(path, member, value, extent, optional)
    }

    fn content(
        &mut self,
        path: &str,
        member: &Property,
        value: &Value,
        extent: Extent,
        optional: &[String],
    ) -> Result<(), ApiError> {
        let of = schema::resolved(member.schema);
        if !has_type(of, value) {
            return Err(errors::E0000003.into());
        }
        match value {
            Value::Object(inner) => self.object(path, of, inner, extent, optional)?,
            Value::String(text) => self.text(path, member, text),
            Value::Number(_) => self.number(path, number(value), member.minimum, member.maximum),
            Value::Array(elements) => {
                let TypeRef::Array(element) = of else { return Ok(()) };
                for inner in elements.iter().filter_map(Value::as_object) {
                    self.object(path, *element, inner, extent, optional)?;
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        Ok(())
    }

    fn text(&mut self, path: &str, member: &Property, text: &str) {
        let allowed = schema::allowed(member);
        let length = text.chars().count();
        if member.required && text.is_empty() && member.min_length != Some(0) {
            self.add(path, "The field cannot be left blank");
        } else if !allowed.is_empty() && !allowed.contains(&text) {
            self.add(path, "The field has an invalid value");
        } else if member.max_length.is_some_and(|most| length > most as usize) {
            self.add(path, "The field is too long");
        } else if member.min_length.is_some_and(|least| length < least as usize) {
            self.add(path, "The field is too short");
        } else if !member.pattern.is_empty() && !matches(member.pattern, text) {
            self.add(path, "The field has an invalid value");
        }
    }

    fn number(&mut self, path: &str, number: Option<f64>, least: Option<f64>, most: Option<f64>) {
        let Some(number) = number else { return };
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            self.add(path, "The field is not in the allowed range");
        }
    }
}

/// Whether a text has the form that the description asks for. A form that the engine cannot read is not checked.
fn matches(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).map_or(true, |form| form.is_match(text))
}

fn has_type(of: TypeRef, value: &Value) -> bool {
    match of {
        TypeRef::String(_) | TypeRef::Binary => !value.is_object() && !value.is_array(),
        TypeRef::Integer | TypeRef::Number => number(value).is_some(),
        TypeRef::Boolean => value.is_boolean() || value == "true" || value == "false",
        TypeRef::Array(_) => value.is_array(),
        TypeRef::Map(_) => value.is_object(),
        TypeRef::Any => true,
        TypeRef::Named(_) => match schema::named(of).map(|schema| &schema.kind) {
            Some(oktant_catalog::SchemaKind::Enum(_)) => value.is_string(),
            Some(oktant_catalog::SchemaKind::Object(_)) => value.is_object(),
            _ => true,
        },
    }
}

/// The number that a value is; those in quotes are read as numbers, too.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
