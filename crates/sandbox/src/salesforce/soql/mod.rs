//! SOQL: the text of a query, its parts, and its rows.
//!
//! # Source
//!
//! The public reference of the language; messages as public reports show them. Where both are silent (`!=` and
//! `NOT IN` match null, null sorts first), the behaviour is assumed.

mod ast;
mod error;
mod lexer;
mod parser;
mod period;
mod run;
mod shape;
mod test;
mod value;

#[cfg(test)]
mod model;

use chrono_tz::Tz;
use oktant_base::Timestamp;
use serde_json::Value;

use super::error::Refusal;
use super::schema::{Object, Schema};
use super::store::Store;
use parser::{parse, parse_tail};
pub(super) use shape::record;
pub(super) use test::Pattern;

/// What a query is run against.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) store: &'a Store,
    pub(super) schema: &'a Schema,
    /// The address of the API below the host, such as `/services/data/v62.0`.
    pub(super) base: &'a str,
    pub(super) now: Timestamp,
    /// The time zone of the user.
    pub(super) zone: Tz,
    /// Whether the recycle bin is read too.
    pub(super) deleted: bool,
}

/// All rows of a query, before they are cut into pages.
#[derive(Debug)]
pub(super) struct Rows {
    /// Rows that match; more than `records` has for `COUNT()`.
    pub(super) total: usize,
    pub(super) records: Vec<Value>,
}

/// Runs a query.
///
/// # Errors
///
/// What is wrong with it, shown with the place.
pub(super) fn query(scene: Scene<'_>, text: &str) -> Result<Rows, Refusal> {
    parse(text).and_then(|query| run::rows(scene, &query)).map_err(|error| error.shown(text))
}

/// Runs the part of a search that concerns one object: `fields` and what may follow `FROM`; `matches` decides first.
///
/// # Errors
///
/// As [`query`].
pub(super) fn search(
    scene: Scene<'_>,
    object: &Object,
    fields: &str,
    tail: &str,
    matches: &dyn Fn(&super::store::Row) -> bool,
) -> Result<Vec<Value>, Refusal> {
    let (text, query) =
        parse_tail(&object.name, fields, tail).map_err(|error| error.shown(&format!("{fields} {tail}")))?;
    run::rows_where(scene, &query, matches).map(|rows| rows.records).map_err(|error| error.shown(&text))
}

/// Feeds any bytes to the reader of queries and runs what it accepts: a target for fuzzing.
pub(super) fn fuzz(store: &Store, bytes: &[u8], now: Timestamp) {
    let text = String::from_utf8_lossy(bytes);
    let schema = store.schema();
    let scene = Scene { store, schema: &schema, base: "/services/data/v62.0", now, zone: Tz::GMT, deleted: false };
    match query(scene, &text) {
        Ok(rows) => assert!(rows.total >= rows.records.len(), "no more rows are given than were found"),
        Err(error) => assert!(!error.message.is_empty(), "an error says what is wrong"),
    }
}
