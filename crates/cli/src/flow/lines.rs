//! Lists of what a database of flows has, in every format of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use serde_json::{Map, Value};

use crate::failure::{Error, Result};
use crate::output::{self, Destination, Format};

/// Writes rows in a format. Values that are objects stay objects in JSON, and are JSON text elsewhere.
pub(super) fn write(format: Format, columns: &[&str], rows: &[Vec<Value>]) -> Result<()> {
    let object = |row: &Vec<Value>| {
        let pairs = columns.iter().zip(row).map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(pairs.collect::<Map<_, _>>()).to_string()
    };
    match format {
        Format::Json => {
            let objects: Vec<_> = rows.iter().map(object).collect();
            output::print_bytes(format!("[\n{}\n]\n", objects.join(",\n")).as_bytes())
        }
        Format::Jsonl => output::print_bytes(rows.iter().map(|row| object(row) + "\n").collect::<String>().as_bytes()),
        format => {
            let columns = columns.iter().enumerate().map(|(index, name)| {
                let cells = rows.iter().map(|row| row.get(index).and_then(cell));
                (*name, Arc::new(cells.collect::<StringArray>()) as ArrayRef, true)
            });
            let batch =
                RecordBatch::try_from_iter_with_nullable(columns).map_err(|source| Error::Encode { format, source })?;
            output::write_batch(format, &batch, &Destination::Stdout)
        }
    }
}

fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
