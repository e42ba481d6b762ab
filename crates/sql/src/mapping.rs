//! DataFusion's errors in our words.

use std::collections::HashMap;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};

use crate::catalogs::{CATALOG, DEFAULT_SCHEMA};
use crate::error::own;
use crate::statement::{Statement, lower_first};
use crate::{Error, nearest};

/// What a statement's errors may name.
pub(crate) struct Names<'a> {
    pub(crate) statement: &'a Statement,
    /// Columns and tables of the statement's tables: lower case to the model's spelling.
    pub(crate) model: &'a HashMap<String, String>,
    /// Every table.
    pub(crate) tables: &'a [&'a str],
}

/// An error of DataFusion where nothing is known of the statement.
pub(crate) fn plain(error: &DataFusionError) -> Error {
    match own(error) {
        Some(own) => own.clone(),
        None => by_kind(error.find_root()),
    }
}

/// An error of DataFusion with names in their own spelling and the nearest known one.
pub(crate) fn explained(error: &DataFusionError, names: &Names<'_>) -> Error {
    if let Some(own) = own(error) {
        return own.clone();
    }
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => of_schema(schema, names),
        DataFusionError::Plan(message) => of_plan(message, names),
        other => by_kind(other),
    }
}

fn of_schema(error: &SchemaError, names: &Names<'_>) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let candidates: Vec<String> = if valid_fields.is_empty() {
                names.model.values().cloned().collect()
            } else {
                valid_fields.iter().map(|valid| names.statement.display(valid.name(), names.model)).collect()
            };
            let name = names.statement.display(&field.flat_name(), names.model);
            // Behind a qualifier that the statement does not have, the column itself may be right.
            let elsewhere = field.relation.as_ref().and_then(|_| {
                let same = valid_fields.iter().find(|valid| valid.name() == field.name())?;
                Some(names.statement.display(&same.flat_name(), names.model))
            });
            let nearest = elsewhere.or_else(|| nearest::nearest(field.name(), candidates.iter().map(String::as_str)));
            let mut tables = valid_fields
                .iter()
                .filter_map(|valid| valid.relation.as_ref())
                .map(datafusion::common::TableReference::table);
            let table = tables.next().filter(|first| tables.all(|other| other == *first));
            let table = table.map(|table| names.statement.display(table, names.model));
            Error::UnknownColumn { nearest, name, table, quoted: names.statement.is_quoted(&field.name) }
        }
        SchemaError::AmbiguousReference { field } => {
            Error::Ambiguous { name: names.statement.display(field.name(), names.model) }
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Error::Ambiguous { name: names.statement.display(name, names.model) }
        }
    }
}

fn of_plan(message: &str, names: &Names<'_>) -> Error {
    if let Some(name) = between(message, "table '", "' not found") {
        let bare = name.rsplit('.').next().unwrap_or(name);
        // What the statement left out is what the engine has filled in.
        let filled_in = format!("{CATALOG}.{DEFAULT_SCHEMA}.");
        let given = name.strip_prefix(&filled_in).or_else(|| name.strip_prefix(CATALOG)?.strip_prefix('.'));
        let written = names.statement.display(given.unwrap_or(name), names.model);
        return Error::UnknownTable { nearest: nearest::nearest(bare, names.tables.iter().copied()), name: written };
    }
    if let Some(function) = between(message, "Invalid function '", "'") {
        let advice = between(message, "Did you mean '", "'").map(|name| format!("; did you mean {name}?"));
        let function = names.statement.display(function, names.model);
        let message = format!("unknown function \"{function}\"{}", advice.unwrap_or_default());
        return Error::Syntax { message };
    }
    Error::Syntax { message: lower_first(&names.statement.display(first_line(message), names.model)) }
}

fn by_kind(error: &DataFusionError) -> Error {
    match error {
        DataFusionError::ArrowError(arrow, _) => of_arrow(arrow),
        DataFusionError::SQL(parser, _) => Error::Syntax { message: parser.to_string() },
        DataFusionError::NotImplemented(what) => {
            Error::Unsupported { what: feature(first_line(what)).to_owned(), instead: None }
        }
        DataFusionError::Plan(message) => Error::Syntax { message: lower_first(first_line(message)) },
        DataFusionError::SchemaError(schema, _) => Error::Syntax { message: schema.to_string() },
        DataFusionError::Execution(message) => Error::Value { message: lower_first(first_line(message)) },
        DataFusionError::ResourcesExhausted(message) => Error::Memory { message: first_line(message).to_owned() },
        other => Error::Internal { message: other.to_string() },
    }
}

fn of_arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::CastError(message)
        | ArrowError::ParseError(message)
        | ArrowError::ComputeError(message)
        | ArrowError::ArithmeticOverflow(message)
        | ArrowError::InvalidArgumentError(message) => Error::Value { message: lower_first(first_line(message)) },
        ArrowError::DivideByZero => Error::Value { message: "division by zero".to_owned() },
        other => Error::Internal { message: other.to_string() },
    }
}

/// What is not supported, without the engine's own words for that.
fn feature(message: &str) -> &str {
    let ends = [" is not yet supported", " are not yet supported", " is not supported", " not supported", " yet"];
    let message = message.trim_end_matches('.');
    ends.iter().find_map(|end| message.strip_suffix(end)).unwrap_or(message)
}

/// The first line: further ones are the engine's advice to its own developers.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or(message)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}
