//! Flows that come with the program, for usual tasks.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use oktant_flow::folder::Files;
use oktant_flow::model::Project;
use oktant_flow::templates::{self, Template};
use serde_json::json;

use crate::failure::{Error, Result};
use crate::output::{self, Destination, Format};

/// What stands before the name of a template where a path is asked for.
const PREFIX: &str = "template:";

/// The project of a template, if `path` names one (`template:NAME`).
pub(crate) fn named(path: &Path) -> Result<Option<Project>> {
    Ok(find(path)?.map(|template| template.project()))
}

/// The files of tests that come with a template, if `path` names one.
pub(crate) fn tests(path: &Path) -> Result<Files> {
    Ok(find(path)?.map(|template| template.tests()).unwrap_or_default())
}

fn find(path: &Path) -> Result<Option<Template>> {
    let Some(name) = path.to_str().and_then(|path| path.strip_prefix(PREFIX)) else { return Ok(None) };
    let template = templates::find(name).ok_or_else(|| {
        let hint = "`oktant flow templates` lists them";
        Error::misuse(format!("there is no template \"{name}\""), hint)
    })?;
    Ok(Some(template))
}

/// Lists the templates.
pub(crate) fn list(format: Option<Format>) -> Result<()> {
    let line = |template: &Template| {
        let (name, description, connections) = (template.name, template.description(), template.connections());
        json!({"name": name, "description": description, "connections": connections}).to_string()
    };
    let lines = templates::all().iter().map(line);
    match format.unwrap_or(Format::Table) {
        Format::Json => output::print_bytes(format!("[\n{}\n]\n", lines.collect::<Vec<_>>().join(",\n")).as_bytes()),
        Format::Jsonl => output::print_bytes(lines.map(|line| line + "\n").collect::<String>().as_bytes()),
        format => output::write_batch(format, &rows()?, &Destination::Stdout),
    }
}

fn rows() -> Result<RecordBatch> {
    let column = |value: fn(&Template) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(templates::all().iter().map(value)))
    };
    RecordBatch::try_from_iter([
        ("Template", column(|template| template.name.to_owned())),
        ("Connections", column(|template| template.connections().join(", "))),
        ("Does", column(Template::description)),
    ])
    .map_err(|source| Error::Encode { format: Format::Table, source }.into())
}
