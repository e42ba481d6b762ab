//! Reading a journal, by its engine or by someone who takes no part in it.

use std::collections::HashSet;
use std::fmt;

use oktant_functions::{Tagged, Value};
use oktant_store::{Store, StoreError};

use super::Record;
use crate::action::{Field, Fields};

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

/// Takes out of `names`, which are words of letters and digits, those that some run has in what it did.
pub(crate) async fn take_mentioned(store: &dyn Store, names: &mut HashSet<String>) -> Result<(), StoreError> {
    for (table, number, text) in [("flow_segments", "seq", "records"), ("flow_values", "name", "content")] {
        let query = format!(
            "SELECT run, {number}, {text} FROM {table} WHERE run > $1 OR (run = $1 AND {number} > $2) \
             ORDER BY run, {number} LIMIT 64"
        );
        let (mut run, mut last) = (String::new(), i64::MIN);
        while !names.is_empty() {
            let rows = store.reader().await?.fetch(&query, &[run.as_str().into(), last.into()]).await?;
            let Some(end) = rows.last() else { break };
            (run, last) = (end.text(0)?, end.int(1)?);
            for row in &rows {
                for word in row.text(2)?.split(|c: char| !c.is_ascii_alphanumeric()) {
                    names.remove(word);
                }
            }
            // A large journal must not keep others from running.
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// The records of a segment, large values put back in.
async fn segment(store: &dyn Store, run: &str, text: &str) -> Result<Vec<Record>, StoreError> {
    let mut records = records(run, text)?;
    put_back(store, run, &mut records).await?;
    // Written again, they are kept apart under another name, or not at all.
    fields_of(&mut records).for_each(|field| field.large = None);
    Ok(records)
}

/// The records of a segment as they are written: large values have names only.
pub(super) fn records(run: &str, text: &str) -> Result<Vec<Record>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("run {run}: {error}")))
}

/// Puts large values back into the fields that name them; the names stay.
pub(super) async fn put_back(store: &dyn Store, run: &str, records: &mut [Record]) -> Result<(), StoreError> {
    for field in fields_of(records) {
        if let Some(name) = field.large {
            field.value = large_value(store, run, name).await?;
        }
    }
    Ok(())
}

/// All fields of records.
pub(super) fn fields_of(records: &mut [Record]) -> impl Iterator<Item = &mut Field> {
    records.iter_mut().flat_map(Record::fields_mut).flat_map(Fields::iter_mut)
}

async fn large_value(store: &dyn Store, run: &str, name: i64) -> Result<Value, StoreError> {
    let query = "SELECT content FROM flow_values WHERE run = $1 AND name = $2";
    let row = store.reader().await?.fetch_one(query, &[run.into(), name.into()]).await?;
    let corrupt = |what: &dyn fmt::Display| StoreError::Corrupt(format!("value {name} of run {run}: {what}"));
    let text = row.ok_or_else(|| corrupt(&"missing"))?.text(0)?;
    serde_json::from_str::<Tagged<Value>>(&text).map(|tagged| tagged.0).map_err(|error| corrupt(&error))
}
