//! JSON as one array with a row per line, or as one object per line.
//!
//! NULL is `null` and never left out. Columns that hold JSON text are written as the values they hold.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayAccessor, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonFormat, LineDelimited, NullableEncoder};
use arrow::json::{Encoder as ValueEncoder, EncoderFactory, EncoderOptions, Writer, WriterBuilder};
use oktant_base::Code;
use serde_json::value::RawValue;

use super::Encoder;

/// Arrow's mark of a text column that holds JSON.
const EXTENSION_KEY: &str = "ARROW:extension:name";
const EXTENSION_JSON: &str = "arrow.json";

pub(super) struct Json<F: JsonFormat> {
    writer: Writer<Vec<u8>, F>,
    /// What follows the rows of a result that breaks off.
    ending: fn(Code) -> String,
}

impl Json<Document> {
    /// One array. An incomplete one stays unclosed.
    pub(super) fn document() -> Self {
        Self { writer: writer(), ending: |_| "\n".to_owned() }
    }
}

impl Json<LineDelimited> {
    /// One object per line. An incomplete result ends with a line that is not JSON.
    pub(super) fn lines() -> Self {
        Self { writer: writer(), ending: |code| format!("incomplete: {}\n", code.id()) }
    }
}

fn writer<F: JsonFormat>() -> Writer<Vec<u8>, F> {
    WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Embedded)).build(Vec::new())
}

impl<F: JsonFormat> Encoder for Json<F> {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.writer.write(batch)?;
        out.append(self.writer.get_mut());
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.writer.finish()?;
        out.append(self.writer.get_mut());
        Ok(())
    }

    fn abandon(&mut self, code: Code, out: &mut Vec<u8>) {
        out.append(self.writer.get_mut());
        out.extend_from_slice((self.ending)(code).as_bytes());
    }
}

/// An array with one row per line.
#[derive(Debug, Default)]
pub(super) struct Document;

impl JsonFormat for Document {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(writer.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"\n]\n")?)
    }
}

/// Writes JSON text as JSON.
#[derive(Debug)]
struct Embedded;

impl EncoderFactory for Embedded {
    fn make_default_encoder<'a>(
        &self,
        field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if field.metadata().get(EXTENSION_KEY).is_none_or(|name| name != EXTENSION_JSON) {
            return Ok(None);
        }
        let encoder: Box<dyn ValueEncoder> = match array.data_type() {
            DataType::Utf8 => Box::new(JsonText(array.as_string::<i32>())),
            DataType::LargeUtf8 => Box::new(JsonText(array.as_string::<i64>())),
            DataType::Utf8View => Box::new(JsonText(array.as_string_view())),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct JsonText<A>(A);

impl<'a, A: ArrayAccessor<Item = &'a str>> ValueEncoder for JsonText<A> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        let text = self.0.value(index);
        match serde_json::from_str::<&RawValue>(text) {
            // One row is one line.
            Ok(_) if text.contains(['\n', '\r']) => match serde_json::from_str::<serde_json::Value>(text) {
                Ok(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Err(_) => push_string(text, out),
            },
            Ok(raw) => out.extend_from_slice(raw.get().as_bytes()),
            Err(_) => push_string(text, out),
        }
    }
}

fn push_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}
