//! Queries and searches, and the pages of long answers.

use std::sync::Arc;

use chrono::TimeDelta;
use indexmap::IndexMap;
use oktant_base::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Call, Outcome};
use crate::salesforce::error::Refusal;
use crate::salesforce::id::Id;
use crate::salesforce::schema::Schema;
use crate::salesforce::soql::{self, Scene};
use crate::salesforce::sosl::{Returning, Search};
use crate::salesforce::store::Store;

/// Records of a page, at the most and unless the caller asks for fewer.
const PAGE_MAX: usize = 2_000;

/// Records of a page at the least.
const PAGE_MIN: usize = 200;

/// How long the rest of an answer is kept.
const CURSOR_LIFE: TimeDelta = TimeDelta::days(2);

/// Answers whose rest is kept; the oldest goes first.
const CURSORS_MAX: usize = 100;

/// Answers that have more than one page.
#[derive(Debug, Default)]
pub(in super::super) struct Cursors {
    made: u64,
    open: IndexMap<Id, Cursor>,
}

#[derive(Debug, Clone)]
struct Cursor {
    user: Id,
    records: Arc<Vec<Value>>,
    size: usize,
    made: Timestamp,
}

impl Cursors {
    fn open(&mut self, cursor: Cursor) -> Id {
        if self.open.len() == CURSORS_MAX {
            self.open.shift_remove_index(0);
        }
        self.made += 1;
        let id = Id::numbered("01g", self.made);
        self.open.insert(id, cursor);
        id
    }
}

pub(super) fn query(call: &Call<'_>, store: &Store, deleted: bool) -> Outcome {
    let text = call.required("q")?;
    let scene = Scene { deleted, ..call.scene(store) };
    let rows = soql::query(scene, text)?;
    let size = page_size(call);
    if rows.records.len() <= size {
        return Ok(Answer::ok(json!({ "totalSize": rows.total, "done": true, "records": rows.records })));
    }
    let cursor = Cursor { user: call.session.user, records: Arc::new(rows.records), size, made: call.org.now() };
    let id = call.org.cursors.lock().open(cursor.clone());
    Ok(page(call, id, &cursor, 0))
}

/// The size of a page that the caller asked for.
fn page_size(call: &Call<'_>) -> usize {
    let options = call.headers.get("sforce-query-options").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let size =
        options.split([',', ';']).find_map(|option| option.trim().strip_prefix("batchSize=")?.trim().parse().ok());
    size.unwrap_or(PAGE_MAX).clamp(PAGE_MIN, PAGE_MAX)
}

pub(super) fn next(call: &Call<'_>, locator: &str) -> Outcome {
    let invalid = || Refusal::new("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, from) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let (id, from) = (Id::parse(id).ok_or_else(invalid)?, from.parse::<usize>().map_err(|_| invalid())?);
    let cursor = call.org.cursors.lock().open.get(&id).cloned().ok_or_else(invalid)?;
    let expired = call.org.now() - cursor.made > CURSOR_LIFE;
    if expired || cursor.user != call.session.user || from >= cursor.records.len() {
        return Err(invalid());
    }
    Ok(page(call, id, &cursor, from))
}

fn page(call: &Call<'_>, id: Id, cursor: &Cursor, from: usize) -> Answer {
    let until = (from + cursor.size).min(cursor.records.len());
    let done = until == cursor.records.len();
    let mut body = json!({ "totalSize": cursor.records.len(), "done": done });
    if !done {
        body["nextRecordsUrl"] = format!("{}/query/{id}-{until}", call.base).into();
    }
    body["records"] = cursor.records[from..until].to_vec().into();
    Answer::ok(body)
}

pub(super) fn search(call: &Call<'_>, store: &Store) -> Outcome {
    Ok(found(&Search::parse(call.required("q")?)?.run(call.scene(store))?))
}

fn found(records: &[Value]) -> Answer {
    Answer::ok(json!({ "searchRecords": records }))
}

/// A search whose parts are parameters (GET) or members of a body (POST).
pub(super) fn parameterized(call: &Call<'_>, store: &Store) -> Outcome {
    let (term, returning, limit) = if call.method == "POST" { by_body(call)? } else { by_parameters(call)? };
    for one in &returning {
        check_name(call.schema, one)?;
    }
    Ok(found(&Search::new(&term, returning, limit)?.run(call.scene(store))?))
}

/// Names come apart from conditions here, so nothing but names may stand there.
fn check_name(schema: &Schema, one: &Returning) -> Result<(), Refusal> {
    let plain = one.fields.chars().all(|letter| letter.is_ascii_alphanumeric() || "_., ".contains(letter));
    if plain && schema.object(&one.object).is_some() {
        return Ok(());
    }
    Err(Refusal::new("INVALID_FIELD", format!("{}({}) is no list of fields", one.object, one.fields)))
}

type Parts = (String, Vec<Returning>, usize);

fn by_parameters(call: &Call<'_>) -> Result<Parts, Refusal> {
    let common = call.parameter("fields").unwrap_or("Id");
    let named = call.query.iter().filter(|(name, _)| name == "sobject").flat_map(|(_, value)| value.split(','));
    let returning = named.map(|object| {
        let object = object.trim();
        let of_object = |what: &str| call.parameter(&format!("{object}.{what}"));
        Returning {
            object: object.to_owned(),
            fields: of_object("fields").unwrap_or(common).to_owned(),
            tail: limit_of(of_object("limit").and_then(|limit| limit.parse().ok())),
        }
    });
    Ok((
        call.required("q")?.to_owned(),
        returning.collect(),
        overall(call.parameter("overallLimit").and_then(|limit| limit.parse().ok())),
    ))
}

fn by_body(call: &Call<'_>) -> Result<Parts, Refusal> {
    let body = call.object_body()?;
    let texts = |value: &Value| {
        let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        list.collect::<Vec<_>>().join(",")
    };
    let or_common = |own: String| {
        let common = if own.is_empty() { texts(&call.body["fields"]) } else { own };
        if common.is_empty() { "Id".to_owned() } else { common }
    };
    let objects = call.body["sobjects"].as_array().into_iter().flatten();
    let returning = objects.map(|object| Returning {
        object: object["name"].as_str().unwrap_or_default().to_owned(),
        fields: or_common(texts(&object["fields"])),
        tail: limit_of(object["limit"].as_u64()),
    });
    let term = body.get("q").and_then(Value::as_str);
    let term = term.ok_or_else(|| Refusal::new("MISSING_ARGUMENT", "q is required"))?;
    Ok((term.to_owned(), returning.collect(), overall(call.body["overallLimit"].as_u64())))
}

fn limit_of(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| format!("LIMIT {limit}"))
}

fn overall(limit: Option<u64>) -> usize {
    limit.map_or(usize::MAX, |limit| limit as usize)
}
