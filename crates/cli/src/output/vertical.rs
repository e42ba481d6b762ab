//! One line per value, each row under a line with its number.

use std::io::Write as _;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use oktant_base::Code;
use unicode_width::UnicodeWidthStr as _;

use super::{Encoder, cells};

pub(super) struct Vertical {
    /// Names, filled up to one width.
    names: Vec<String>,
    rows: usize,
}

impl Vertical {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let names: Vec<_> = schema.fields().iter().map(|field| cells::harmless(field.name()).into_owned()).collect();
        let width = names.iter().map(|name| name.width()).max().unwrap_or_default();
        let filled = names.into_iter().map(|name| {
            let gap = " ".repeat(width - name.width());
            name + &gap
        });
        Self { names: filled.collect(), rows: 0 }
    }
}

impl Encoder for Vertical {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        for row in cells::rows(batch)? {
            self.rows += 1;
            writeln!(out, "-- row {}", self.rows)?;
            for (name, cell) in self.names.iter().zip(row) {
                let value = cell.as_deref().map_or_else(|| "NULL".into(), cells::harmless);
                // A value of several lines stays below its beginning.
                let value = value.replace('\n', &format!("\n{}  ", " ".repeat(name.width())));
                writeln!(out, "{name}  {value}")?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), ArrowError> {
        Ok(())
    }

    fn abandon(&mut self, code: Code, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("-- incomplete: {}\n", code.id()).as_bytes());
    }
}
