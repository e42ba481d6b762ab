//! Reading a journal, by its engine or by someone who takes no part in it.

use std::fmt;

use oktant_functions::{Tagged, Value};
use oktant_store::{Store, StoreError};

use super::Record;
use crate::action::Fields;

/// A page of the segments of a run from a number on: their numbers and records. Empty behind the last one.
///
/// Whoever reads page by page takes no more memory for a long run.
pub(crate) async fn page(store: &dyn Store, run: &str, from: i64) -> Result<Vec<(i64, Vec<Record>)>, StoreError> {
    let query = "SELECT seq, records FROM flow_segments WHERE run = $1 AND seq >= $2 ORDER BY seq LIMIT 64";
    let rows = store.reader().await?.fetch(query, &[run.into(), from.into()]).await?;
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        page.push((row.int(0)?, segment(store, run, &row.text(1)?).await?));
    }
    Ok(page)
}

/// The records of a segment, large values put back in.
async fn segment(store: &dyn Store, run: &str, text: &str) -> Result<Vec<Record>, StoreError> {
    let mut records: Vec<Record> =
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("run {run}: {error}")))?;
    for field in records.iter_mut().flat_map(Record::fields_mut).flat_map(Fields::iter_mut) {
        if let Some(name) = field.large {
            field.value = large_value(store, run, name).await?;
        }
    }
    Ok(records)
}

async fn large_value(store: &dyn Store, run: &str, name: i64) -> Result<Value, StoreError> {
    let query = "SELECT content FROM flow_values WHERE run = $1 AND name = $2";
    let row = store.reader().await?.fetch_one(query, &[run.into(), name.into()]).await?;
    let corrupt = |what: &dyn fmt::Display| StoreError::Corrupt(format!("value {name} of run {run}: {what}"));
    let text = row.ok_or_else(|| corrupt(&"missing"))?.text(0)?;
    serde_json::from_str::<Tagged<Value>>(&text).map(|tagged| tagged.0).map_err(|error| corrupt(&error))
}
