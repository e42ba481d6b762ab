//! Records with records below them: `/composite/tree`.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Outcome};
use crate::salesforce::error::Refusal;
use crate::salesforce::id::Id;
use crate::salesforce::schema::Object;
use crate::salesforce::store::Store;

/// Records of one call, on all levels.
const RECORDS_MAX: usize = 200;

/// Levels of records.
const LEVELS_MAX: usize = 5;

/// Makes all of the records, or none of them.
pub(super) fn create(call: &Call<'_>, store: &mut Store, object: &Object) -> Outcome {
    let records = call.object_body()?.get("records").and_then(Value::as_array);
    let records = records.ok_or_else(|| Refusal::json_parser("records must be a list"))?;
    let before = store.clone();
    let mut tree = Tree { call, store, made: Vec::new(), failed: Vec::new() };
    let done = tree.level(object, records, None, 1);
    let (made, failed) = (tree.made, tree.failed);
    if let Err(refusal) = done {
        *store = before;
        return Err(refusal);
    }
    if failed.is_empty() {
        let results: Vec<_> =
            made.iter().map(|(reference, id)| json!({ "referenceId": reference, "id": id.as_str() })).collect();
        return Ok(Answer::ok(json!({ "hasErrors": false, "results": results })).status(StatusCode::CREATED));
    }
    *store = before;
    let results: Vec<_> = failed
        .iter()
        .map(|(reference, refusal)| json!({ "referenceId": reference, "errors": [refusal.collection_entry()] }))
        .collect();
    Ok(Answer::ok(json!({ "hasErrors": true, "results": results })).status(StatusCode::BAD_REQUEST))
}

struct Tree<'a, 'c> {
    call: &'a Call<'c>,
    store: &'a mut Store,
    made: Vec<(String, Id)>,
    failed: Vec<(String, Refusal)>,
}

impl Tree<'_, '_> {
    /// Makes the records of one level, below the record that a field of them leads to.
    fn level(
        &mut self,
        object: &Object,
        records: &[Value],
        parent: Option<(&str, Id)>,
        level: usize,
    ) -> Result<(), Refusal> {
        if level > LEVELS_MAX {
            return Err(Refusal::new("INVALID_INPUT", format!("A tree has at most {LEVELS_MAX} levels")));
        }
        for record in records {
            self.record(object, record, parent, level)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        object: &Object,
        record: &Value,
        parent: Option<(&str, Id)>,
        level: usize,
    ) -> Result<(), Refusal> {
        let reference = record["attributes"]["referenceId"].as_str();
        let reference = reference
            .ok_or_else(|| Refusal::new("INVALID_INPUT", "Include a reference ID for each record in the request."))?;
        let known = self.made.iter().map(|(known, _)| known).chain(self.failed.iter().map(|(known, _)| known));
        if known.into_iter().any(|known| known == reference) {
            return Err(Refusal::new(
                "INVALID_INPUT",
                format!("Duplicate ReferenceId provided in the request: {reference}"),
            ));
        }
        if self.made.len() + self.failed.len() == RECORDS_MAX {
            return Err(Refusal::new("INVALID_INPUT", format!("A tree has at most {RECORDS_MAX} records")));
        }
        let schema = self.call.schema;
        let (mut body, mut below) = (Map::new(), Vec::new());
        for (name, value) in record.as_object().into_iter().flatten() {
            let is_child = |child: &crate::salesforce::schema::Child<'_>| {
                child.name.is_some_and(|known| known.eq_ignore_ascii_case(name))
            };
            match (value["records"].as_array(), schema.children(object).find(is_child)) {
                (Some(records), Some(child)) => below.push((child.object, child.field.name.as_str(), records)),
                _ => drop(body.insert(name.clone(), value.clone())),
            }
        }
        if let Some((field, id)) = parent {
            body.insert(field.to_owned(), id.as_str().into());
        }
        match self.call.change(self.store).create(object, &body) {
            Ok(id) => {
                self.made.push((reference.to_owned(), id));
                below
                    .into_iter()
                    .try_for_each(|(object, field, records)| self.level(object, records, Some((field, id)), level + 1))
            }
            Err(refusal) => {
                self.failed.push((reference.to_owned(), refusal));
                Ok(())
            }
        }
    }
}
