//! Nested values as JSON text, which is how DB-API and Snowflake's clients show arrays and objects.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};

/// Each value of a list, struct or map column as JSON; null stays null.
///
/// # Errors
///
/// If the column has a type that JSON cannot show.
pub fn json_text(array: &ArrayRef) -> Result<StringArray, ArrowError> {
    let field = Arc::new(Field::new("value", array.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, array, &options)?;
    (0..array.len())
        .map(|row| {
            if array.is_null(row) {
                return Ok(None);
            }
            let mut text = Vec::new();
            encoder.encode(row, &mut text);
            String::from_utf8(text).map(Some).map_err(|error| ArrowError::ExternalError(Box::new(error)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, ArrayRef, ListArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn lists_become_json_and_null_stays_null() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
        let text = json_text(&(Arc::new(lists) as ArrayRef)).unwrap();
        assert_eq!(text.value(0), "[1,null]");
        assert!(text.is_null(1));
    }
}
