//! Many records in one call: `/composite/sobjects`.

use serde_json::{Map, Value, json};

use super::records::selected;
use super::{Answer, Call, Outcome};
use crate::salesforce::error::Refusal;
use crate::salesforce::id::Id;
use crate::salesforce::schema::Object;
use crate::salesforce::soql;
use crate::salesforce::store::Store;

/// Records of one call.
const RECORDS_MAX: usize = 200;

/// Records that one call reads.
const READ_MAX: usize = 2_000;

/// What became of one record.
type Done = Result<(Id, Option<bool>), Refusal>;

pub(super) fn change(call: &Call<'_>, store: &mut Store) -> Outcome {
    if call.method == "DELETE" {
        let ids: Vec<&str> = call.required("ids")?.split(',').map(str::trim).collect();
        check_count(ids.len(), RECORDS_MAX)?;
        return Ok(together(store, call.is_true("allOrNone"), ids, |store, id| delete(call, store, id)));
    }
    let (records, all_or_none) = records(call)?;
    Ok(together(store, all_or_none, records, |store, record| {
        let (object, mut body) = typed(call, record)?;
        if call.method == "POST" {
            return call.change(store).create(object, &body).map(|id| (id, None));
        }
        let name = body.keys().find(|name| name.eq_ignore_ascii_case("id")).cloned();
        let id = name.and_then(|name| body.shift_remove(&name));
        let id = id.as_ref().and_then(Value::as_str).unwrap_or_default();
        let id = Id::parse(id)
            .ok_or_else(|| Refusal::field("MALFORMED_ID", format!("id value of incorrect type: {id}"), "Id"))?;
        call.change(store).update(object, id, &body).map(|()| (id, None))
    }))
}

fn delete(call: &Call<'_>, store: &mut Store, id: &str) -> Done {
    let malformed = || Refusal::new("MALFORMED_ID", format!("malformed id {id}"));
    let id = Id::parse(id).ok_or_else(malformed)?;
    let object = call.schema.by_prefix(id.prefix()).ok_or_else(malformed)?;
    call.change(store).delete(object, id).map(|()| (id, None))
}

pub(super) fn upsert(call: &Call<'_>, store: &mut Store, object: &Object, key: &str) -> Outcome {
    let field = object.field(key).filter(|field| field.is_key()).ok_or_else(|| Refusal::no_record(key))?;
    let (records, all_or_none) = records(call)?;
    Ok(together(store, all_or_none, records, |store, record| {
        let (_, mut body) = typed(call, record)?;
        let value = body.get(&field.name).cloned().unwrap_or_default();
        if value.is_null() {
            return Err(Refusal::field("MISSING_ARGUMENT", format!("{} not specified", field.name), &field.name));
        }
        let mut change = call.change(store);
        match change.matches(object, field, &value)?.as_slice() {
            [] => change.create(object, &body).map(|id| (id, Some(true))),
            [id] => {
                body.shift_remove(&field.name);
                change.update(object, *id, &body).map(|()| (*id, Some(false)))
            }
            _ => Err(Refusal::new(
                "DUPLICATE_EXTERNAL_ID",
                format!("{}: more than one record found for external id field", field.name),
            )),
        }
    }))
}

pub(super) fn read(call: &Call<'_>, store: &Store, object: &Object) -> Outcome {
    let join =
        |list: &Value| list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    let (ids, fields) = match call.method.as_str() {
        "POST" => (join(&call.body["ids"]), join(&call.body["fields"])),
        _ => (call.required("ids")?.to_owned(), call.required("fields")?.to_owned()),
    };
    let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
    check_count(ids.len(), READ_MAX)?;
    let fields = selected(object, Some(&fields))?;
    let rows = ids.iter().map(|id| Id::parse(id).and_then(|id| store.get(&object.name, id)));
    let record = |row: &std::sync::Arc<crate::salesforce::store::Row>| {
        soql::record(object, row, &call.base, fields.iter().copied())
    };
    let records = rows.map(|row| row.map_or(Value::Null, record));
    Ok(Answer::ok(records.collect()))
}

fn check_count(count: usize, max: usize) -> Result<(), Refusal> {
    if count > max {
        return Err(Refusal::new(
            "EXCEEDED_ID_LIMIT",
            format!("record limit reached. cannot submit more than {max} records into this call"),
        ));
    }
    Ok(())
}

fn records<'c>(call: &'c Call<'_>) -> Result<(Vec<&'c Value>, bool), Refusal> {
    let body = call.object_body()?;
    let records = body.get("records").and_then(Value::as_array);
    let records: Vec<_> = records.ok_or_else(|| Refusal::json_parser("records must be a list"))?.iter().collect();
    check_count(records.len(), RECORDS_MAX)?;
    Ok((records, body.get("allOrNone") == Some(&Value::Bool(true))))
}

/// A record's object and its fields.
fn typed<'c>(call: &Call<'c>, record: &Value) -> Result<(&'c Object, Map<String, Value>), Refusal> {
    let kind = record["attributes"]["type"].as_str().unwrap_or_default();
    let object = call.schema.object(kind);
    let object =
        object.ok_or_else(|| Refusal::new("INVALID_TYPE", format!("sObject type '{kind}' is not supported.")))?;
    Ok((object, record.as_object().cloned().unwrap_or_default()))
}

/// Does the same with each record; with `all_or_none` nothing stays if one fails.
fn together<T>(
    store: &mut Store,
    all_or_none: bool,
    records: Vec<T>,
    mut each: impl FnMut(&mut Store, T) -> Done,
) -> Answer {
    let before = all_or_none.then(|| store.clone());
    let mut done: Vec<Done> = records.into_iter().map(|record| each(store, record)).collect();
    if let (true, Some(before)) = (done.iter().any(Result::is_err), before) {
        *store = before;
        for one in done.iter_mut().filter(|one| one.is_ok()) {
            let message =
                "Record rolled back because not all records were valid and the request was using AllOrNone header";
            *one = Err(Refusal::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", message));
        }
    }
    let entries = done.into_iter().map(|one| match one {
        Ok((id, None)) => json!({ "id": id.as_str(), "success": true, "errors": [] }),
        Ok((id, Some(created))) => json!({ "id": id.as_str(), "success": true, "errors": [], "created": created }),
        Err(refusal) => json!({ "success": false, "errors": [refusal.collection_entry()] }),
    });
    Answer::ok(entries.collect())
}
