//! What the request of an operation looks like in Rust.

use super::super::Error;
use super::super::lookup;
use super::super::model::{ListShape, Location, Operation, Parameter, Schema, SchemaKind, Schemas, TypeRef};
use super::super::models::Types;
use super::names;

const JSON: &str = "application/json";

/// Methods that every request has by itself, so that no parameter may be called so.
const OWN_METHODS: [&str; 17] = [
    "body",
    "call",
    "collect",
    "deadline",
    "drop_empty",
    "first",
    "header",
    "into_future",
    "into_request",
    "iter",
    "pages",
    "poll",
    "query",
    "raw",
    "resume",
    "send",
    "stream",
];

/// One operation of the SDK.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) operation: &'a Operation,
    /// Name of the method.
    pub(super) method: String,
    /// Name of the request.
    pub(super) request: String,
    /// What the operation must have: path parameters in the order of the path, then others.
    pub(super) arguments: Vec<Input<'a>>,
    /// Everything else.
    pub(super) setters: Vec<Input<'a>>,
    pub(super) body: Option<Body>,
    pub(super) answer: Answer,
    /// Media types besides JSON that the answer can be asked for in.
    pub(super) other_forms: Vec<&'a str>,
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) parameter: &'a Parameter,
    /// Its name in Rust.
    pub(super) name: String,
    pub(super) kind: InputKind,
}

/// What a parameter takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputKind {
    Text,
    Integer,
    Number,
    Boolean,
    /// An enumeration of the models.
    Enum(String),
    /// Several texts.
    Texts,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) kind: BodyKind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// A model, sent as this media type.
    Model { type_name: String, media_type: String },
    /// A file in this field of a form.
    Upload { field: String },
    /// A certificate in one of several forms.
    Certificate,
    /// Text of this media type.
    Text { media_type: String },
}

/// What the answer is read as.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Nothing,
    Text,
    Model(String),
    /// A list of these.
    List(String),
}

impl<'a> Plan<'a> {
    pub(super) fn new(operation: &'a Operation, schemas: &'a Schemas, types: &Types<'_>) -> Result<Self, Error> {
        let wrong = |problem: String| Error::description(&operation.id, problem);
        let input = |parameter: &'a Parameter| Input {
            parameter,
            name: names::parameter(&parameter.name),
            kind: input_kind(parameter, schemas, types),
        };
        let path_parameter = |name| operation.parameters_in(Location::Path).find(|parameter| parameter.name == name);
        let segments = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut arguments: Vec<_> = segments.filter_map(path_parameter).map(input).collect();
        if arguments.len() != operation.parameters_in(Location::Path).count() {
            return Err(wrong("a path parameter is not a segment of its own".to_owned()));
        }
        let others = operation.parameters.iter().filter(|parameter| parameter.location != Location::Path);
        let (required, setters): (Vec<_>, Vec<_>) = others.map(input).partition(|input| input.parameter.required);
        arguments.extend(required);
        if let Some(taken) = setters.iter().find(|setter| OWN_METHODS.contains(&setter.name.as_str())) {
            return Err(wrong(format!("parameter {} is called as a method of every request", taken.parameter.name)));
        }
        Ok(Self {
            operation,
            method: names::method(&operation.id),
            request: names::request(&operation.id),
            arguments,
            setters,
            body: body(operation, schemas, types).map_err(wrong)?,
            answer: answer(operation, schemas, types).map_err(wrong)?,
            other_forms: other_forms(operation),
        })
    }
}

fn input_kind(parameter: &Parameter, schemas: &Schemas, types: &Types<'_>) -> InputKind {
    match lookup::resolve(schemas, &parameter.schema) {
        TypeRef::Integer => InputKind::Integer,
        TypeRef::Number => InputKind::Number,
        TypeRef::Boolean => InputKind::Boolean,
        TypeRef::Array(_) => InputKind::Texts,
        named @ TypeRef::Named(name) => match schemas.get(name) {
            Some(Schema { kind: SchemaKind::Enum(_), .. }) => InputKind::Enum(types.type_of(named)),
            _ => InputKind::Text,
        },
        _ => InputKind::Text,
    }
}

fn body(operation: &Operation, schemas: &Schemas, types: &Types<'_>) -> Result<Option<Body>, String> {
    let Some(request) = &operation.request else { return Ok(None) };
    let media_type = request.media_types.first().map_or(JSON, String::as_str);
    let kind = match media_type {
        "multipart/form-data" => BodyKind::Upload { field: file_field(&request.schema, schemas)? },
        _ if media_type.ends_with("json") => {
            BodyKind::Model { type_name: types.type_of(&request.schema), media_type: media_type.to_owned() }
        }
        _ if request.media_types.iter().any(|known| known == "application/x-pem-file") => BodyKind::Certificate,
        _ if matches!(request.schema, TypeRef::String(_)) => BodyKind::Text { media_type: media_type.to_owned() },
        other => return Err(format!("no body is known for {other}")),
    };
    // A form without its file says nothing, whatever the description requires.
    let required = request.required || matches!(kind, BodyKind::Upload { .. });
    Ok(Some(Body { required, kind }))
}

/// The member of a form that holds the file.
fn file_field(form: &TypeRef, schemas: &Schemas) -> Result<String, String> {
    let TypeRef::Named(name) = lookup::resolve(schemas, form) else { return Err("a form is not an object".to_owned()) };
    match schemas.get(name).map(|schema| &schema.kind) {
        Some(SchemaKind::Object(object)) if object.properties.len() == 1 => Ok(object.properties[0].name.clone()),
        _ => Err("a form has other members than one file".to_owned()),
    }
}

fn answer(operation: &Operation, schemas: &Schemas, types: &Types<'_>) -> Result<Answer, String> {
    let Some(result) = operation.result() else { return Ok(Answer::Nothing) };
    match &operation.list {
        ListShape::Array => match lookup::resolve(schemas, result) {
            TypeRef::Array(item) => Ok(Answer::List(types.type_of(item))),
            _ => Err("a list is not an array".to_owned()),
        },
        ListShape::Wrapped { items, .. } => wrapped_item(result, items, schemas, types)
            .map(Answer::List)
            .ok_or_else(|| format!("the answer has no array {items}")),
        ListShape::None if has_json(operation) => Ok(Answer::Model(types.type_of(result))),
        ListShape::None => Ok(Answer::Text),
    }
}

fn wrapped_item(result: &TypeRef, items: &str, schemas: &Schemas, types: &Types<'_>) -> Option<String> {
    let TypeRef::Named(name) = lookup::resolve(schemas, result) else { return None };
    let SchemaKind::Object(object) = &schemas.get(name)?.kind else { return None };
    let member = object.properties.iter().find(|property| property.name == items)?;
    match lookup::resolve(schemas, &member.schema) {
        TypeRef::Array(item) => Some(types.type_of(item)),
        _ => None,
    }
}

fn media_types(operation: &Operation) -> impl Iterator<Item = &str> {
    let success = operation.responses.iter().filter(|response| (200..300).contains(&response.status));
    success.flat_map(|response| &response.media_types).map(String::as_str)
}

fn has_json(operation: &Operation) -> bool {
    media_types(operation).any(|media_type| media_type == JSON)
}

fn other_forms(operation: &Operation) -> Vec<&str> {
    if has_json(operation) { media_types(operation).filter(|media_type| *media_type != JSON).collect() } else { vec![] }
}
