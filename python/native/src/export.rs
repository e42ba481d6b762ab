//! The shape in which record batches leave for other Arrow libraries.
//!
//! Inside, text may be dictionaries or views; consumers without those layouts get plain `Utf8`.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

/// Key of the metadata that names an extension type.
const EXTENSION: &str = "ARROW:extension:name";

/// Whether JSON columns leave as the extension type `arrow.json` or as plain text, which every
/// consumer can compare, cast and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonColumns {
    Text,
    Extension,
}

/// The schema as exported: same names, nullability and metadata, widely understood layouts.
pub(crate) fn exported_schema(schema: &Schema, json: JsonColumns) -> SchemaRef {
    let exported = |field: &Field| {
        let mut metadata = field.metadata().clone();
        if json == JsonColumns::Text {
            metadata.remove(EXTENSION);
        }
        field.clone().with_data_type(exported_type(field.data_type())).with_metadata(metadata)
    };
    let fields: Vec<Field> = schema.fields().iter().map(|field| exported(field)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn exported_type(inner: &DataType) -> DataType {
    match inner {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => exported_type(values),
        other => other.clone(),
    }
}

/// A batch in the layouts of `schema`, which [`exported_schema`] made.
pub(crate) fn exported_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(array, field)| as_type(array, field.data_type()))
        .collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

fn as_type(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == data_type {
        return Ok(array.clone());
    }
    cast(array, data_type)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, StringViewArray};

    use super::*;

    #[test]
    fn views_leave_as_plain_text() {
        let inner = Arc::new(Schema::new(vec![Field::new("Status", DataType::Utf8View, true)]));
        let values = StringViewArray::from(vec![Some("ACTIVE"), None]);
        let batch = RecordBatch::try_new(inner.clone(), vec![Arc::new(values)]).unwrap();
        let out = exported_batch(&batch, &exported_schema(&inner, JsonColumns::Text)).unwrap();
        assert_eq!(out.column(0).as_string::<i32>().value(0), "ACTIVE");
        assert!(out.column(0).is_null(1));
    }
}
