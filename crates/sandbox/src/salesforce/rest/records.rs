//! Single records.

use axum::http::{StatusCode, header};
use chrono::{DateTime, TimeDelta};
use oktant_base::{Secret, Timestamp};
use serde_json::{Value, json};

use super::{Answer, Call, Outcome};
use crate::salesforce::change::Change;
use crate::salesforce::error::Refusal;
use crate::salesforce::id::Id;
use crate::salesforce::schema::{Field, Object};
use crate::salesforce::soql;
use crate::salesforce::store::{Store, parse_time, stamp};

/// How long a span of changes may be.
const CHANGES_SPAN: TimeDelta = TimeDelta::days(30);

/// Letters of a password at the least.
const PASSWORD_MIN: usize = 8;

pub(super) fn create(call: &Call<'_>, store: &mut Store, object: &Object) -> Outcome {
    let id = call.change(store).create(object, call.object_body()?)?;
    Ok(created(call, object, id))
}

/// The answer for a new record.
fn created(call: &Call<'_>, object: &Object, id: Id) -> Answer {
    Answer::ok(json!({ "id": id.as_str(), "success": true, "errors": [] }))
        .status(StatusCode::CREATED)
        .header(header::LOCATION, call.record_url(object, id))
}

pub(super) fn by_id(call: &Call<'_>, store: &mut Store, object: &Object, text: &str) -> Outcome {
    let id = Id::parse(text).ok_or_else(|| Refusal::no_record(text))?;
    one(call, store, object, id)
}

/// Reads, changes or deletes one record.
fn one(call: &Call<'_>, store: &mut Store, object: &Object, id: Id) -> Outcome {
    check_unmodified(call, &call.change(store), object, id)?;
    match call.method.as_str() {
        "PATCH" => call.change(store).update(object, id, call.object_body()?).map(|()| Answer::no_content()),
        "DELETE" => call.change(store).delete(object, id).map(|()| Answer::no_content()),
        _ => {
            let fields = selected(object, call.parameter("fields"))?;
            let row = call.change(store).existing(object, id)?;
            Ok(Answer::ok(soql::record(object, &row, &call.base, fields.into_iter())))
        }
    }
}

/// The fields of a list of names, `Id` among them; all of them without a list.
pub(super) fn selected<'o>(object: &'o Object, names: Option<&str>) -> Result<Vec<&'o Field>, Refusal> {
    let Some(names) = names else { return Ok(object.fields.iter().collect()) };
    let field = |name: &str| {
        let unknown =
            || Refusal::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", object.name));
        object.field(name).ok_or_else(unknown)
    };
    let mut fields =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(field).collect::<Result<Vec<_>, _>>()?;
    if !fields.iter().any(|field| field.name == "Id") {
        fields.extend(object.field("Id"));
    }
    Ok(fields)
}

/// Refuses a record that was changed after the time that the caller names.
fn check_unmodified(call: &Call<'_>, change: &Change<'_>, object: &Object, id: Id) -> Result<(), Refusal> {
    let since = call.headers.get(header::IF_UNMODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let Some(since) = since.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) else { return Ok(()) };
    let row = change.existing(object, id)?;
    let modified = parse_time(row.text("LastModifiedDate")).unwrap_or_default();
    if modified.timestamp() > since.timestamp() {
        let message = "The record was modified after the time of If-Unmodified-Since";
        return Err(Refusal::new("PRECONDITION_FAILED", message).status(StatusCode::PRECONDITION_FAILED));
    }
    Ok(())
}

pub(super) fn by_key(call: &Call<'_>, store: &mut Store, object: &Object, key: &str, value: &str) -> Outcome {
    let field = object.field(key).filter(|field| field.is_key());
    let field = field.ok_or_else(|| Refusal::no_record(key))?;
    let found = call.change(store).matches(object, field, &value.into())?;
    if call.method == "PATCH" {
        return upsert(call, store, object, field, value, &found);
    }
    match found.as_slice() {
        [] => Err(Refusal::no_record(value)),
        [id] => one(call, store, object, *id),
        several => Ok(choices(call, object, several)),
    }
}

/// 300: the addresses of the records that a key may mean.
fn choices(call: &Call<'_>, object: &Object, ids: &[Id]) -> Answer {
    let urls: Vec<_> = ids.iter().map(|id| call.record_url(object, *id)).collect();
    Answer::ok(json!(urls)).status(StatusCode::MULTIPLE_CHOICES)
}

fn upsert(call: &Call<'_>, store: &mut Store, object: &Object, field: &Field, value: &str, found: &[Id]) -> Outcome {
    let body = call.object_body()?;
    if body.keys().any(|name| name.eq_ignore_ascii_case(&field.name)) {
        let message = format!("The {} field should not be specified in the sobject data.", field.name);
        return Err(Refusal::field("INVALID_FIELD", message, &field.name));
    }
    let done = |id: Id, created: bool| json!({ "id": id.as_str(), "success": true, "errors": [], "created": created });
    match found {
        [] if call.is_true("updateOnly") => Err(Refusal::no_record(value)),
        // A new record cannot have an id that the caller has chosen.
        [] if field.name == "Id" => Err(Refusal::no_record(value)),
        [] => {
            let mut body = body.clone();
            body.insert(field.name.clone(), value.into());
            let id = call.change(store).create(object, &body)?;
            let answer = Answer::ok(done(id, true)).status(StatusCode::CREATED);
            Ok(answer.header(header::LOCATION, call.record_url(object, id)))
        }
        [id] => {
            call.change(store).update(object, *id, body)?;
            Ok(Answer::ok(done(*id, false)))
        }
        several => Ok(choices(call, object, several)),
    }
}

/// The span of time that a caller asks the changes of.
fn span(call: &Call<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
    let time = |name| {
        let text = call.required(name)?;
        // A plus that was not encoded has become a blank.
        parse_time(text)
            .or_else(|| parse_time(&text.replace(' ', "+")))
            .ok_or_else(|| Refusal::new("INVALID_FIELD", format!("{text} is no date and time")))
    };
    let (start, end) = (time("start")?, time("end")?);
    if start >= end {
        return Err(Refusal::new("INVALID_REPLICATION_DATE", "startDate cannot be the same as or after endDate"));
    }
    if call.org.now() - start > CHANGES_SPAN {
        return Err(Refusal::new("INVALID_REPLICATION_DATE", "startDate before org replication enabled date"));
    }
    Ok((start, end))
}

pub(super) fn updated(call: &Call<'_>, store: &Store, object: &Object) -> Outcome {
    let (start, end) = span(call)?;
    let inside = |row: &&std::sync::Arc<crate::salesforce::store::Row>| {
        parse_time(row.text("SystemModstamp")).is_some_and(|time| time >= start && time < end)
    };
    let ids: Vec<_> = store.rows(&object.name).filter(inside).map(|row| row.id.as_str().to_owned()).collect();
    Ok(Answer::ok(json!({ "ids": ids, "latestDateCovered": stamp(end.min(call.org.now())) })))
}

pub(super) fn deleted(call: &Call<'_>, store: &Store, object: &Object) -> Outcome {
    let (start, end) = span(call)?;
    let gone = store.all(&object.name).filter(|row| row.deleted);
    let inside =
        gone.filter(|row| parse_time(row.text("SystemModstamp")).is_some_and(|time| time >= start && time < end));
    let records: Vec<_> =
        inside.map(|row| json!({ "id": row.id.as_str(), "deletedDate": row.get("SystemModstamp") })).collect();
    Ok(Answer::ok(json!({
        "deletedRecords": records, "earliestDateAvailable": stamp(call.org.started()),
        "latestDateCovered": stamp(end.min(call.org.now())),
    })))
}

pub(super) fn password(call: &Call<'_>, store: &mut Store, id: &str) -> Outcome {
    let user = Id::parse(id).ok_or_else(|| Refusal::no_record(id))?;
    let change = call.change(store);
    change.existing(call.object("User")?, user)?;
    let may = user == call.session.user || change.user_may("PermissionsManageUsers");
    let now = stamp(call.org.now());
    match call.method.as_str() {
        "GET" | "HEAD" => return Ok(Answer::ok(json!({ "isExpired": false }))),
        _ if !may => {
            let message = "insufficient access rights on object id";
            return Err(Refusal::new("INSUFFICIENT_ACCESS_OR_READONLY", message).of_record());
        }
        _ => {}
    }
    let new = match call.method.as_str() {
        "POST" => {
            let new = call.object_body()?.get("NewPassword").and_then(Value::as_str);
            let new =
                new.ok_or_else(|| Refusal::field("REQUIRED_FIELD_MISSING", "NewPassword is required", "NewPassword"))?;
            if new.chars().count() < PASSWORD_MIN {
                let message = format!("Your password must be at least {PASSWORD_MIN} characters long.");
                return Err(Refusal::new("INVALID_NEW_PASSWORD", message));
            }
            new.to_owned()
        }
        _ => call.org.token(12),
    };
    store.set_password(user, Secret::new(new.clone()));
    store.edit("User", user, |row| drop(row.values.insert("LastPasswordChangeDate".to_owned(), now.into())));
    Ok(if call.method == "POST" { Answer::no_content() } else { Answer::ok(json!({ "NewPassword": new })) })
}
