//! RFC 4180 with a header line; NULL is an empty field, as empty text is.

use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use oktant_base::Code;

use super::Encoder;

pub(super) struct Csv {
    schema: SchemaRef,
    has_header: bool,
}

impl Csv {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, has_header: false }
    }
}

impl Encoder for Csv {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let header = !std::mem::replace(&mut self.has_header, true);
        WriterBuilder::new().with_header(header).build(out).write(&flat(batch)?)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.has_header {
            return Ok(());
        }
        self.encode(&RecordBatch::new_empty(self.schema.clone()), out)
    }

    fn abandon(&mut self, code: Code, out: &mut Vec<u8>) {
        // The quote stays open on purpose: a reader reports the end of the file inside a field. There is
        // nothing that Python's csv.reader would not take for a row unless it is told to be strict.
        // Writing to memory cannot fail.
        let _ = writeln!(out, "\"incomplete: {}", code.id());
    }
}

/// Nested columns as text, which CSV has no other form for.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if !batch.columns().iter().any(|array| array.data_type().is_nested()) {
        return Ok(batch.clone());
    }
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let column = if array.data_type().is_nested() { as_text(array)? } else { array.clone() };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Schema::new(fields).into(), columns)
}

fn as_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_null("NULL");
    let formatter = ArrayFormatter::try_new(array, &OPTIONS)?;
    let text = |row| array.is_valid(row).then(|| formatter.value(row).to_string());
    Ok(Arc::new((0..array.len()).map(text).collect::<StringArray>()))
}
