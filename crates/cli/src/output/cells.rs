//! Values as text, for the formats that people read.

use std::borrow::Cow;

use arrow::array::{Array, RecordBatch};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, DurationFormat, FormatOptions};

/// The rows of a batch as text; `None` is NULL.
pub(super) fn rows(batch: &RecordBatch) -> Result<impl Iterator<Item = Vec<Option<String>>>, ArrowError> {
    const OPTIONS: FormatOptions<'static> =
        FormatOptions::new().with_null("NULL").with_duration_format(DurationFormat::Pretty);
    let columns = batch
        .columns()
        .iter()
        .map(|array| Ok((array.as_ref(), ArrayFormatter::try_new(array.as_ref(), &OPTIONS)?)))
        .collect::<Result<Vec<_>, ArrowError>>()?;
    Ok((0..batch.num_rows()).map(move |row| {
        let cell = |(array, formatter): &(&dyn Array, ArrayFormatter<'_>)| {
            array.is_valid(row).then(|| formatter.value(row).to_string())
        };
        columns.iter().map(cell).collect()
    }))
}

/// `text` without control characters other than the line feed: what an org stores must not
/// steer the terminal that shows it.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => clean.push_str("    "),
            '\r' => {}
            c if is_harmful(c) => clean.extend(c.escape_default()),
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}
