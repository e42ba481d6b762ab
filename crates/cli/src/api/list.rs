//! `--list`: the operations of the catalogue.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use oktant_catalog::{Api, ListShape, Operation, Parameter, ParameterIn, Security, TypeRef};
use serde_json::{Value, json};

use crate::args::CallOptions;
use crate::failure::{Error, Result};
use crate::output::{self, Destination, Format};
use crate::terminal;

/// Writes the operations whose id, path or tag contains every word given.
pub(super) fn run(words: &[String], options: &CallOptions) -> Result<()> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let found = || oktant_catalog::operations().iter().filter(|operation| matches(operation, &words));
    if found().next().is_none() {
        terminal::note(format_args!("note: no operation contains {}", words.join(" and ")));
    }
    match options.output.unwrap_or(Format::Table) {
        Format::Json => {
            let lines: Vec<String> = found().map(|operation| facts(operation).to_string()).collect();
            output::print_bytes(format!("[\n{}\n]\n", lines.join(",\n")).as_bytes())
        }
        Format::Jsonl => {
            let lines: Vec<String> = found().map(|operation| format!("{}\n", facts(operation))).collect();
            output::print_bytes(lines.concat().as_bytes())
        }
        format => output::write_batch(format, &rows(&found().collect::<Vec<_>>())?, &Destination::Stdout),
    }
}

/// Operations of the Management API only: those of OAuth sign people in and need no calling by hand.
fn matches(operation: &Operation, words: &[String]) -> bool {
    if operation.api != Api::Management {
        return false;
    }
    let text = format!("{} {} {} {}", operation.id, operation.method.as_str(), operation.path, operation.tag);
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn rows(operations: &[&Operation]) -> Result<RecordBatch> {
    let column = |value: fn(&Operation) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(operations.iter().map(|operation| value(operation))))
    };
    RecordBatch::try_from_iter([
        ("Operation", column(|operation| operation.id.to_owned())),
        ("Method", column(|operation| operation.method.as_str().to_owned())),
        ("Path", column(|operation| operation.path.to_owned())),
        ("Parameters", column(|operation| operation.parameters.iter().map(brief).collect::<Vec<_>>().join(" "))),
    ])
    .map_err(|source| Error::Encode { format: Format::Table, source }.into())
}

/// `--name` if it must be given, `[--name]` otherwise.
fn brief(parameter: &Parameter) -> String {
    if parameter.required { format!("--{}", parameter.name) } else { format!("[--{}]", parameter.name) }
}

/// Everything the catalogue knows of an operation, for programs.
fn facts(operation: &Operation) -> Value {
    let list = match operation.list {
        ListShape::None => Value::Null,
        ListShape::Array => json!({"items": null}),
        ListShape::Wrapped { items, .. } => json!({"items": items}),
    };
    json!({
        "operation": operation.id,
        "method": operation.method.as_str(),
        "path": operation.path,
        "group": operation.group,
        "tag": operation.tag,
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "body": operation.request.as_ref().map(|request| json!({
            "required": request.required,
            "media_types": request.media_types,
            "type": type_name(request.schema),
        })),
        "scopes": operation.scopes,
        "api_token": matches!(operation.security, Security::TokenOrOAuth | Security::TokenOnly),
        "deprecated": operation.deprecated,
        "list": list,
        "page_size_max": operation.limit.and_then(|limit| limit.max),
        "bucket": operation.bucket,
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": match parameter.location {
            ParameterIn::Path => "path",
            ParameterIn::Query => "query",
            ParameterIn::Header => "header",
        },
        "required": parameter.required,
        "type": type_name(parameter.schema),
        "values": parameter.values,
    })
}

fn type_name(schema: TypeRef) -> String {
    match schema {
        TypeRef::Named(name) => name.to_owned(),
        TypeRef::Array(item) => format!("{}[]", type_name(*item)),
        TypeRef::Map(item) => format!("map of {}", type_name(*item)),
        TypeRef::String("") => "string".to_owned(),
        TypeRef::String(format) => format!("string ({format})"),
        TypeRef::Integer => "integer".to_owned(),
        TypeRef::Number => "number".to_owned(),
        TypeRef::Boolean => "boolean".to_owned(),
        TypeRef::Binary => "binary".to_owned(),
        TypeRef::Any => "any".to_owned(),
    }
}
