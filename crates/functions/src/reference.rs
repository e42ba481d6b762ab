//! The reference page of the functions, written from their table.

use std::fmt::Write as _;

use crate::registry::{Field, Function, Kind, all};

/// Channels in the order of the page, with the names that users see.
const CHANNELS: &[(&str, &str)] = &[
    ("control", "Flow control"),
    ("http", "Triggers over HTTP"),
    ("string", "Text"),
    ("math", "Number"),
    ("boolean", "True/False"),
    ("date", "Date & Time"),
    ("object", "Object"),
    ("list", "List"),
    ("json", "JSON"),
    ("xml", "XML"),
    ("url", "URL"),
    ("crypto", "Encryption"),
    ("jwt", "JWT"),
    ("utility", "Flows"),
];

/// `docs/reference/functions.md`: every function with its inputs, outputs and examples.
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    for (channel, title) in CHANNELS {
        let _ = writeln!(page, "\n## {title}");
        for function in all().filter(|function| function.key.split(':').next() == Some(channel)) {
            section(&mut page, function);
        }
    }
    page
}

const INTRODUCTION: &str = "\
The functions that cards of flows run. Their address in a pack is `root:kernel:CHANNEL:0.0.1:OPERATION` for the key
`CHANNEL:OPERATION`.

An input marked * is required. A value reaches an input converted to its type: numbers in text count as numbers, JSON
text as an object, ISO 8601 and other common dates as dates; what cannot be converted fails the card with OKT4201, a
missing value with OKT4202, a value that the function has no result for with OKT4203. Where a name stands as `…`, users
add fields of their own; `group/name` is a field in a section of the card. Positions count from 0, in characters.
Functions marked ° occur in no published template: their keys are ours.
";

fn section(page: &mut String, function: &Function) {
    let mark = if function.in_templates { "" } else { " °" };
    let engine = if matches!(function.kind, Kind::Engine) { ", run by the engine" } else { "" };
    let _ = writeln!(page, "\n### {}{mark}\n\n`{}`{engine}", function.title, function.key);
    if !function.note.is_empty() {
        let _ = writeln!(page, "\n{}", function.note.replace('*', "\\*"));
    }
    if !function.inputs.is_empty() || !function.outputs.is_empty() {
        page.push('\n');
    }
    for (label, fields) in [("Inputs", &function.inputs), ("Outputs", &function.outputs)] {
        if !fields.is_empty() {
            let fields: Vec<_> = fields.iter().map(field).collect();
            let _ = writeln!(page, "- {label}: {}", fields.join(", "));
        }
    }
    for (inputs, outputs) in function.examples {
        let _ = writeln!(page, "- {} → {}", code(inputs), code(outputs));
    }
}

fn field(field: &Field) -> String {
    let key = if &*field.name.key == "*" { "…" } else { &field.name.key };
    let name = field.name.group.as_ref().map_or_else(|| key.to_owned(), |group| format!("{group}/{key}"));
    let required = if field.required { "\\*" } else { "" };
    let default = if field.default.is_null() { String::new() } else { format!(" = `{}`", field.default.to_json()) };
    format!("`{name}`{required} {}{default}", field.kind)
}

/// A text as code, whatever backticks it has.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
