//! A table of GitHub Flavored Markdown.

use std::fmt::Write as _;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use oktant_base::Code;

use super::{Encoder, cells};

pub(super) struct Markdown {
    head: Option<String>,
}

impl Markdown {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let fields = schema.fields();
        let names = line(fields.iter().map(|field| escaped(field.name())));
        let marks = line(fields.iter().map(|field| alignment(field).to_owned()));
        Self { head: Some(names + &marks) }
    }

    fn push_head(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.take().unwrap_or_default().as_bytes());
    }
}

impl Encoder for Markdown {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.push_head(out);
        for row in cells::rows(batch)? {
            let cells = row.iter().map(|cell| cell.as_deref().map_or_else(|| "NULL".to_owned(), escaped));
            out.extend_from_slice(line(cells).as_bytes());
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.push_head(out);
        Ok(())
    }

    fn abandon(&mut self, code: Code, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("\n**incomplete: {}**\n", code.id()).as_bytes());
    }
}

fn alignment(field: &Field) -> &'static str {
    if field.data_type().is_numeric() { "---:" } else { "---" }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let mut text = cells.fold(String::from("|"), |mut text, cell| {
        // Writing to a String cannot fail.
        let _ = write!(text, " {cell} |");
        text
    });
    text.push('\n');
    text
}

fn escaped(text: &str) -> String {
    cells::harmless(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('\n', "<br>")
}
