//! Rows on their way out: seven formats, one writer.
//!
//! Rows are encoded batch by batch and handed on at once, so memory does not grow with the result.
//! A result that breaks off never looks whole: a file appears only when it is complete, JSON stays
//! unclosed, Parquet has no footer, and the line formats end with a line that strict parsers reject.

mod cells;
mod csv;
mod json;
mod markdown;
mod parquet;
mod sink;
mod table;
mod vertical;

use std::fmt;
use std::io::Write as _;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use clap::ValueEnum;
use oktant_base::{Code, codes};
use serde_json::{Map, Value};

use crate::failure::{Error, Result};
use crate::terminal;
use sink::Sink;

pub(crate) use sink::Destination;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people
    Table,
    /// One array of objects
    Json,
    /// One object per line
    Jsonl,
    /// Comma-separated values with a header line
    Csv,
    /// A Markdown table
    Markdown,
    /// One line per value, for rows too wide to read
    Vertical,
    /// Apache Parquet, compressed with Snappy
    Parquet,
}

impl Format {
    /// The format that a file name asks for by its ending, if any.
    pub(crate) fn of_file(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "md" => Some(Self::Markdown),
            "parquet" => Some(Self::Parquet),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }

    /// Whether column names must differ for a reader to tell the values apart.
    fn needs_unique_names(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl | Self::Parquet)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Vertical => "vertical",
            Self::Parquet => "parquet",
        })
    }
}

/// Turns batches into bytes. `out` is emptied by the caller after every call.
trait Encoder {
    /// Adds the rows of a batch.
    fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError>;

    /// Ends a complete document.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError>;

    /// Ends a document that lost rows, so that it cannot be taken for a complete one.
    fn abandon(&mut self, code: Code, out: &mut Vec<u8>);
}

/// One result on its way to one destination. Dropped before its end, as by Ctrl-C, it is abandoned.
pub(crate) struct Writer {
    format: Format,
    schema: SchemaRef,
    encoder: Box<dyn Encoder>,
    /// None once the result has ended.
    sink: Option<Sink>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Opens the destination for rows of `schema`.
    pub(crate) fn create(format: Format, schema: &SchemaRef, destination: &Destination) -> Result<Self> {
        let schema = if format.needs_unique_names() { unique_names(schema) } else { schema.clone() };
        let on_terminal = matches!(destination, Destination::Stdout) && terminal::stdout_is_terminal();
        if format == Format::Parquet && on_terminal {
            return Err(Error::misuse("parquet is not for a terminal", "add --out FILE, or redirect").into());
        }
        let encoder =
            encoder(format, &schema, destination, on_terminal).map_err(|source| Error::Encode { format, source })?;
        Ok(Self { format, schema, encoder, sink: Some(Sink::open(destination)?), buffer: Vec::new() })
    }

    /// Writes the rows of one batch.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = renamed(batch, &self.schema).map_err(|source| self.refused(source))?;
        self.encoder.encode(&batch, &mut self.buffer).map_err(|source| self.refused(source))?;
        self.hand_on()
    }

    /// Ends the document and, for a file, puts it in its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.encoder.finish(&mut self.buffer).map_err(|source| self.refused(source))?;
        self.hand_on()?;
        self.sink.take().map_or(Ok(()), Sink::commit)
    }

    /// Ends the document as an incomplete one; a file does not appear at all.
    pub(crate) fn abandon(mut self, code: Code) {
        self.break_off(code);
    }

    fn break_off(&mut self, code: Code) {
        self.encoder.abandon(code, &mut self.buffer);
        // The failure that brought us here is the one to report.
        let _ = self.hand_on();
        self.sink = None;
    }

    fn hand_on(&mut self) -> Result<()> {
        let written = self.sink.as_mut().map_or(Ok(()), |sink| sink.write(&self.buffer));
        self.buffer.clear();
        written
    }

    fn refused(&self, source: ArrowError) -> Error {
        Error::Encode { format: self.format, source }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.sink.is_some() {
            self.break_off(codes::OKT3010);
        }
    }
}

fn encoder(
    format: Format,
    schema: &SchemaRef,
    destination: &Destination,
    on_terminal: bool,
) -> Result<Box<dyn Encoder>, ArrowError> {
    Ok(match format {
        Format::Table => {
            let colour = matches!(destination, Destination::Stdout) && terminal::stdout_has_colour();
            Box::new(table::Table::new(schema, on_terminal.then(terminal::width), colour))
        }
        Format::Json => Box::new(json::Json::document()),
        Format::Jsonl => Box::new(json::Json::lines()),
        Format::Csv => Box::new(csv::Csv::new(schema.clone())),
        Format::Markdown => Box::new(markdown::Markdown::new(schema)),
        Format::Vertical => Box::new(vertical::Vertical::new(schema)),
        Format::Parquet => Box::new(parquet::Parquet::new(schema.clone())?),
    })
}

/// The schema with repeated column names numbered: `Id`, `Id_2`.
fn unique_names(schema: &SchemaRef) -> SchemaRef {
    let mut taken = std::collections::HashSet::new();
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| {
            let (mut name, mut number) = (field.name().clone(), 1);
            while !taken.insert(name.clone()) {
                number += 1;
                name = format!("{}_{number}", field.name());
            }
            field.as_ref().clone().with_name(name)
        })
        .collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

/// The batch with the column names of `schema`.
fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), batch.columns().to_vec(), &options)
}

/// Writes text for people to standard output, with its styles where they are wanted.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|source| Error::Stdout(source).into())
}

/// Writes bytes to standard output as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|source| Error::Stdout(source).into())
}

/// The rows of a batch, each as an object by the names of the columns.
pub(crate) fn objects(batch: &RecordBatch) -> std::result::Result<Vec<Map<String, Value>>, ArrowError> {
    let mut text = Vec::new();
    let mut encoder = json::Json::lines();
    encoder.encode(batch, &mut text)?;
    encoder.finish(&mut text)?;
    let lines = serde_json::Deserializer::from_slice(&text).into_iter();
    lines.collect::<std::result::Result<_, _>>().map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// Writes a result that is already in memory.
pub(crate) fn write_batch(format: Format, batch: &RecordBatch, destination: &Destination) -> Result<()> {
    let mut writer = Writer::create(format, &batch.schema(), destination)?;
    writer.write(batch)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::TimestampMillisecondArray;
    use arrow::array::{
        Array as _, ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder,
    };
    use arrow::datatypes::{DataType, Field, TimeUnit};

    fn batch() -> RecordBatch {
        let json = Field::new("Profile", DataType::Utf8, true)
            .with_metadata([("ARROW:extension:name".to_owned(), "arrow.json".to_owned())].into());
        let mut tags = ListBuilder::new(StringBuilder::new());
        tags.append_value([Some("a"), None]);
        tags.append_null();
        tags.append_value([Some("b")]);
        let tags = tags.finish();
        let schema = Schema::new(vec![
            Field::new("Id", DataType::Utf8, false),
            Field::new("Id", DataType::Utf8, true),
            Field::new("Logins", DataType::Int64, true),
            Field::new("Share", DataType::Float64, true),
            Field::new("Admin", DataType::Boolean, true),
            Field::new("Created", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), true),
            json,
            Field::new("Tags", tags.data_type().clone(), true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["00u1", "00u2", "00u3"])),
            Arc::new(StringArray::from(vec![Some("Zoë, \"Z\""), None, Some("two\nlines | \u{1b}[31m")])),
            Arc::new(Int64Array::from(vec![Some(7), None, Some(-12345)])),
            Arc::new(Float64Array::from(vec![Some(0.5), None, Some(2.0)])),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(
                TimestampMillisecondArray::from(vec![Some(1_767_225_600_123), None, Some(0)]).with_timezone("UTC"),
            ),
            Arc::new(StringArray::from(vec![Some("{\"a\":[1,\n2]}"), None, Some("not json")])),
            Arc::new(tags),
        ];
        RecordBatch::try_new(schema.into(), columns).expect("columns fit the schema")
    }

    /// What `format` makes of the rows, handed over in two batches.
    fn encoded(format: Format, width: Option<usize>) -> String {
        let batch = batch();
        let schema = if format.needs_unique_names() { unique_names(&batch.schema()) } else { batch.schema() };
        let batch = renamed(&batch, &schema).expect("only names differ");
        let mut encoder: Box<dyn Encoder> = match format {
            Format::Table => Box::new(table::Table::new(&schema, width, false)),
            _ => encoder(format, &schema, &Destination::File("rows".into()), false).expect("an encoder"),
        };
        let mut out = Vec::new();
        encoder.encode(&batch.slice(0, 2), &mut out).expect("encodes");
        encoder.encode(&batch.slice(2, 1), &mut out).expect("encodes");
        encoder.finish(&mut out).expect("finishes");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_text_format() {
        insta::assert_snapshot!("table", encoded(Format::Table, None));
        insta::assert_snapshot!("table_too_wide_for_the_terminal", encoded(Format::Table, Some(60)));
        insta::assert_snapshot!("json", encoded(Format::Json, None));
        insta::assert_snapshot!("jsonl", encoded(Format::Jsonl, None));
        insta::assert_snapshot!("csv", encoded(Format::Csv, None));
        insta::assert_snapshot!("markdown", encoded(Format::Markdown, None));
        insta::assert_snapshot!("vertical", encoded(Format::Vertical, None));
    }

    #[test]
    fn json_is_json() {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&encoded(Format::Json, None)).expect("one document");
        let lines: Vec<serde_json::Value> = encoded(Format::Jsonl, None)
            .lines()
            .map(|line| serde_json::from_str(line).expect("one document per line"))
            .collect();
        assert_eq!(rows, lines);
        assert_eq!(rows[0]["Profile"], serde_json::json!({"a": [1, 2]}));
        assert_eq!(rows[2]["Profile"], "not json");
        assert_eq!(rows[1]["Id_2"], serde_json::Value::Null);
    }

    #[test]
    fn parquet_reads_back() {
        let batch = batch();
        let schema = unique_names(&batch.schema());
        let batch = renamed(&batch, &schema).expect("only names differ");
        let mut encoder = parquet::Parquet::new(schema).expect("an encoder");
        let mut file = tempfile::tempfile().expect("a file");
        let mut out = Vec::new();
        for part in [batch.slice(0, 2), batch.slice(2, 1)] {
            encoder.encode(&part, &mut out).expect("encodes");
            file.write_all(&out).expect("writes");
            out.clear();
        }
        encoder.finish(&mut out).expect("finishes");
        file.write_all(&out).expect("writes");
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 100);
        let read: Vec<RecordBatch> = reader.expect("a parquet file").map(|batch| batch.expect("a batch")).collect();
        assert_eq!(read, [batch]);
    }

    #[test]
    fn an_incomplete_result_is_rejected_by_parsers() {
        let batch = batch();
        let schema = unique_names(&batch.schema());
        let batch = renamed(&batch, &schema).expect("only names differ");
        for format in [Format::Json, Format::Jsonl, Format::Csv, Format::Parquet] {
            let mut encoder = encoder(format, &schema, &Destination::Stdout, false).expect("an encoder");
            let mut out = Vec::new();
            encoder.encode(&batch, &mut out).expect("encodes");
            encoder.abandon(codes::OKT2014, &mut out);
            let text = String::from_utf8_lossy(&out);
            let is_whole = match format {
                Format::Json => serde_json::from_str::<serde_json::Value>(&text).is_ok(),
                Format::Jsonl => text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
                // A quote left open, which strict readers refuse.
                Format::Csv => text.matches('"').count().is_multiple_of(2),
                _ => text.ends_with("PAR1"),
            };
            assert!(!is_whole, "{format}: {text}");
        }
    }

    #[test]
    fn a_file_appears_only_when_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.csv");
        let batch = batch();
        let open = || Writer::create(Format::Csv, &batch.schema(), &Destination::File(path.clone())).expect("a writer");

        let mut writer = open();
        writer.write(&batch).expect("writes");
        writer.abandon(codes::OKT2014);
        assert_eq!(folder.path().read_dir().expect("readable").count(), 0);

        let mut writer = open();
        writer.write(&batch).expect("writes");
        assert!(!path.exists());
        writer.finish().expect("finishes");
        assert!(std::fs::read_to_string(&path).expect("a file").starts_with("Id,Id,Logins"));
    }
}
