//! `GET /api/v1/logs`.
//!
//! # Source
//!
//! Documented: without `until` and ascending the caller polls, and `next` is there on every page;
//! with both bounds the last page has none. Dates that cannot be read, `until` before `since` and a
//! `q` over its limits are 400 `E0000001`; filters that do not parse and `since` over 180 days ago
//! are `E0000053`; attributes or operators that are not offered are `E0000031`.

use chrono::TimeDelta;
use oktant_base::Timestamp;
use oktant_filter::{Case, Expression, Operator, parse_time};
use serde_json::Value;

use super::store::Entry;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::store::Store;
use crate::store::json::write_array;

const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;
const KEYWORDS_MAX: usize = 10;
const KEYWORD_CHARACTERS_MAX: usize = 40;

/// How far back a query reaches that does not say.
const DEFAULT_DAYS: i64 = 7;

/// How far back `since` may lie.
const OLDEST_DAYS: i64 = 180;

/// How long the org keeps events.
const RETENTION_DAYS: i64 = 90;

/// What the caller asked for.
struct Request {
    since: Timestamp,
    until: Option<Timestamp>,
    descending: bool,
    filter: Option<Expression>,
    keywords: Vec<String>,
    /// Position of the last event of the page before.
    after: Option<u64>,
}

/// `listLogEvents`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let limit = call.limit(PAGE, PAGE_MAX)?;
    let request = Request::read(call)?;
    let events = store.log.since(request.since).filter(|entry| request.wants(entry));
    let mut page: Vec<&Entry> =
        if request.descending { events.rev().take(limit + 1).collect() } else { events.take(limit + 1).collect() };
    let more = page.len() > limit;
    page.truncate(limit);
    let polling = request.until.is_none() && !request.descending;
    let next = match page.last() {
        Some(last) if more || polling => Some(last.sequence),
        None if polling => Some(request.after.unwrap_or_else(|| store.log.next_sequence().saturating_sub(1))),
        _ => None,
    };
    let mut out = Vec::with_capacity(page.len() * 2_048 + 2);
    write_array(&mut out, &page, |out, entry| out.extend_from_slice(entry.json.as_bytes()));
    let reply = links::push(Reply::bytes(out), &self_url(call), "self");
    let cursor = next.map(|sequence| format!("{}_{sequence}", call.now.timestamp_millis()));
    Ok(match cursor {
        Some(cursor) => links::push(reply, &links::page_url(call, Some(&cursor), Some(limit)), "next"),
        None => reply,
    })
}

/// The URL as it was called.
fn self_url(call: &Call<'_>) -> String {
    let limit = call.query("limit").and_then(|limit| limit.parse().ok());
    links::page_url(call, call.query("after"), limit)
}

impl Request {
    fn read(call: &Call<'_>) -> Result<Self, ApiError> {
        let until = time(call, "until")?;
        let end = until.unwrap_or(call.now);
        let after = call.query("after").map(read_cursor).transpose()?;
        let oldest = call.now - TimeDelta::days(RETENTION_DAYS);
        let since = match time(call, "since")? {
            Some(since) => since,
            // A page further on goes on where the one before ended, however long ago it began.
            None if after.is_some() => oldest,
            None => end - TimeDelta::days(DEFAULT_DAYS),
        };
        if since < call.now - TimeDelta::days(OLDEST_DAYS) {
            return Err(errors::E0000053.into());
        }
        if until.is_some_and(|until| until < since) {
            return Err(ApiError::invalid_field("until", "must be after since"));
        }
        Ok(Self {
            since: since.max(oldest),
            until,
            descending: call.query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending")),
            filter: call.query("filter").map(filter).transpose()?,
            keywords: call.query("q").map(keywords).transpose()?.unwrap_or_default(),
            after,
        })
    }

    fn wants(&self, entry: &Entry) -> bool {
        let behind = match self.after {
            None => true,
            Some(last) if self.descending => entry.sequence < last,
            Some(last) => entry.sequence > last,
        };
        behind && self.until.is_none_or(|until| entry.published <= until) && self.wants_content(entry)
    }

    fn wants_content(&self, entry: &Entry) -> bool {
        if self.filter.is_none() && self.keywords.is_empty() {
            return true;
        }
        let Ok(event) = serde_json::from_str::<Value>(&entry.json) else { return false };
        let filtered = self.filter.as_ref().is_none_or(|filter| filter.matches(&event, Case::Folded));
        filtered && (self.keywords.is_empty() || has_keywords(&event, &self.keywords))
    }
}

fn time(call: &Call<'_>, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = call.query(name) else { return Ok(None) };
    let time = parse_time(text).map(Some);
    time.ok_or_else(|| ApiError::invalid_field(name, "The date format in your query is not recognized."))
}

fn read_cursor(cursor: &str) -> Result<u64, ApiError> {
    let sequence = cursor.rsplit_once('_').and_then(|(_, sequence)| sequence.parse().ok());
    sequence.ok_or_else(ApiError::bad_cursor)
}

fn filter(text: &str) -> Result<Expression, ApiError> {
    let expression = oktant_filter::parse(text).map_err(|_| errors::E0000053)?;
    let allowed = |attribute: &str, operator: Option<Operator>| {
        let bare = matches!(attribute, "debugContext.debugData.url" | "debugContext.debugData.requestUri");
        Some(attribute != "published" && !(bare && operator == Some(Operator::Co)))
    };
    expression.check(&allowed).map_err(|_| ApiError::new(errors::E0000031))?;
    Ok(expression)
}

fn keywords(text: &str) -> Result<Vec<String>, ApiError> {
    let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
    let too_long = words.iter().any(|word| word.chars().count() > KEYWORD_CHARACTERS_MAX);
    if words.len() > KEYWORDS_MAX || too_long {
        return Err(ApiError::invalid_field("q", "The query exceeds the limit of 10 keywords of 40 characters."));
    }
    Ok(words)
}

/// Whether every keyword is a whole word of some text of the event.
fn has_keywords(event: &Value, keywords: &[String]) -> bool {
    keywords.iter().all(|keyword| has_word(event, keyword))
}

fn has_word(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => {
            let text = text.to_lowercase();
            text.split_whitespace().any(|part| part == word)
                || text.split(|character: char| !character.is_alphanumeric()).any(|part| part == word)
        }
        Value::Array(items) => items.iter().any(|item| has_word(item, word)),
        Value::Object(members) => members.values().any(|member| has_word(member, word)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
