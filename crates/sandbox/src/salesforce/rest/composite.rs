//! Several calls in one.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Outcome, PREFIX};
use crate::salesforce::change::shown;
use crate::salesforce::error::Refusal;
use crate::salesforce::store::Store;

/// Calls of one request.
const CALLS_MAX: usize = 25;

/// Of those, queries and collections.
const HEAVY_MAX: usize = 5;

const ROLLED_BACK: &str = "The transaction was rolled back since another operation in the same transaction failed.";

/// A part that was answered, by its name.
struct Part {
    reference: String,
    answer: Answer,
}

pub(super) fn composite(call: &Call<'_>, store: &mut Store) -> Outcome {
    let body = call.object_body()?;
    let calls = list(body, "compositeRequest")?;
    let heavy = calls.iter().filter(|part| is_heavy(part["url"].as_str().unwrap_or_default())).count();
    if heavy > HEAVY_MAX {
        let message = format!("No more than {HEAVY_MAX} subrequests may be queries or sObject collections");
        return Err(Refusal::new("PROCESSING_HALTED", message));
    }
    let all_or_none = body.get("allOrNone") == Some(&Value::Bool(true));
    let before = all_or_none.then(|| store.clone());
    let mut parts: Vec<Part> = Vec::with_capacity(calls.len());
    for part in calls {
        let reference = text(part, "referenceId")?.to_owned();
        if parts.iter().any(|known| known.reference == reference) {
            return Err(Refusal::new("JSON_PARSER_ERROR", format!("Duplicate referenceId: {reference}")));
        }
        let answer = filled(part, &parts).and_then(|part| run(call, store, &part)).unwrap_or_else(Answer::from);
        parts.push(Part { reference, answer });
    }
    let failed = parts.iter().position(|part| !part.answer.status.is_success());
    if let (Some(failed), Some(before)) = (failed, before) {
        *store = before;
        for (position, part) in parts.iter_mut().enumerate() {
            if position != failed {
                part.answer = Refusal::new("PROCESSING_HALTED", ROLLED_BACK).into();
            }
        }
    }
    let answers: Vec<_> = parts.iter().map(entry).collect();
    Ok(Answer::ok(json!({ "compositeResponse": answers })))
}

fn entry(part: &Part) -> Value {
    let headers: Map<String, Value> =
        part.answer.headers.iter().map(|(name, value)| (titled(name.as_str()), value.as_str().into())).collect();
    json!({
        "body": part.answer.body, "httpHeaders": headers, "httpStatusCode": part.answer.status.as_u16(),
        "referenceId": part.reference,
    })
}

/// A header's name as people write it.
fn titled(name: &str) -> String {
    let words = name
        .split('-')
        .map(|word| word.get(..1).unwrap_or_default().to_ascii_uppercase() + word.get(1..).unwrap_or_default());
    words.collect::<Vec<_>>().join("-")
}

fn is_heavy(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or_default();
    path.contains("/query") || path.contains("/composite/sobjects")
}

fn list<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b Vec<Value>, Refusal> {
    let calls = body.get(name).and_then(Value::as_array).filter(|calls| !calls.is_empty());
    let calls =
        calls.ok_or_else(|| Refusal::json_parser(format!("{name} must be a list with at least one subrequest")))?;
    if calls.len() > CALLS_MAX {
        return Err(Refusal::new("LIMIT_EXCEEDED", format!("No more than {CALLS_MAX} subrequests fit one request")));
    }
    Ok(calls)
}

fn text<'b>(part: &'b Value, name: &str) -> Result<&'b str, Refusal> {
    part[name].as_str().ok_or_else(|| Refusal::json_parser(format!("A subrequest has no {name}")))
}

/// Runs a part as a call of its own. Composite calls do not contain each other.
fn run(call: &Call<'_>, store: &mut Store, part: &Value) -> Outcome {
    let (url, method) = (text(part, "url")?, text(part, "method")?);
    let target =
        if url.starts_with(PREFIX) { url.to_owned() } else { format!("{PREFIX}/{}", url.trim_start_matches('/')) };
    let inner = Call::new(call.org, call.session, call.schema, method, &target, call.headers);
    let mut inner = inner.ok_or_else(Refusal::not_found)?;
    let nested = inner.segments.first().is_some_and(|first| first == "composite")
        && inner.segments.get(1).is_none_or(|second| second != "sobjects");
    if nested {
        return Err(Refusal::new("INVALID_BATCH_REQUEST", "A composite call contains no other one"));
    }
    inner.body = part.get("body").or_else(|| part.get("richInput")).cloned().unwrap_or_default();
    super::run(&inner, store)
}

/// A part with the references in it replaced by what the parts before were answered.
fn filled(part: &Value, parts: &[Part]) -> Result<Value, Refusal> {
    match part {
        Value::String(text) => replaced(text, parts),
        Value::Array(list) => list.iter().map(|value| filled(value, parts)).collect(),
        Value::Object(object) => {
            let members = object.iter().map(|(name, value)| Ok((name.clone(), filled(value, parts)?)));
            Ok(Value::Object(members.collect::<Result<_, Refusal>>()?))
        }
        other => Ok(other.clone()),
    }
}

fn replaced(text: &str, parts: &[Part]) -> Result<Value, Refusal> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((expression, after)) = after.split_once('}') else { break };
        let value = referenced(expression, parts)?;
        // A text that is nothing but a reference keeps the type of what it stands for.
        if before.is_empty() && after.is_empty() && out.is_empty() {
            return Ok(value.clone());
        }
        out.push_str(before);
        out.push_str(&shown(value));
        rest = after;
    }
    out.push_str(rest);
    Ok(out.into())
}

/// The value of `name.records[0].Id`.
fn referenced<'p>(expression: &str, parts: &'p [Part]) -> Result<&'p Value, Refusal> {
    let unknown = || {
        let message = format!("Invalid reference specified. No value for {expression} found");
        Refusal::new("PROCESSING_HALTED", message)
    };
    let (name, path) = expression.split_once('.').unwrap_or((expression, ""));
    let part = parts.iter().find(|part| part.reference == name).filter(|part| part.answer.status.is_success());
    let mut value = part.and_then(|part| part.answer.body.as_ref()).ok_or_else(unknown)?;
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        value = match step.parse::<usize>() {
            Ok(position) if value.is_array() => value.get(position),
            _ => value.get(step),
        }
        .ok_or_else(unknown)?;
    }
    Ok(value)
}

pub(super) fn batch(call: &Call<'_>, store: &mut Store) -> Outcome {
    let body = call.object_body()?;
    let halt = body.get("haltOnError") == Some(&Value::Bool(true));
    let (mut results, mut failed) = (Vec::new(), false);
    for part in list(body, "batchRequests")? {
        let answer = if halt && failed {
            Refusal::new("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                .status(StatusCode::PRECONDITION_FAILED)
                .into()
        } else {
            run(call, store, part).unwrap_or_else(Answer::from)
        };
        failed |= !answer.status.is_success();
        results.push(json!({ "statusCode": answer.status.as_u16(), "result": answer.body }));
    }
    Ok(Answer::ok(json!({ "hasErrors": failed, "results": results })))
}
