//! The tables of an Okta org, for both protocols: who may read which, and answers to the account's
//! queries.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::ScalarValue;
use futures::TryStreamExt as _;
use oktant_base::{Coded, Report};
use oktant_sql::{Error, Param, Params, Readable, Session};
use oktant_warehouse::{Binding, EngineQuery, QueryEngine, Rows, SnowflakeError, TableColumn};

use crate::cells;

/// Rows of one answer to a client of Snowflake, which gets them in one piece.
const ROWS_MAX: usize = 1_000_000;

/// Nanoseconds in a millisecond.
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Milliseconds in a day.
const MILLIS_PER_DAY: i64 = 86_400_000;

/// An org behind the SQL engine. Clones share it.
#[derive(Debug, Clone)]
pub struct OktaTables {
    session: Session,
}

impl OktaTables {
    /// The tables that a session reads.
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// The names of the tables as SQL spells them, by the names in upper case; with the schema, unless it is the
    /// default one.
    fn names(&self) -> HashMap<String, String> {
        let names = self.session.tables().into_iter().map(|table| table.full_name());
        names.map(|name| (name.to_uppercase(), name)).collect()
    }

    /// The session of someone who may read these tables, named in upper case.
    pub(crate) fn session_for(&self, readable: &[String]) -> Session {
        let mut known = self.names();
        let count = known.len();
        let names: BTreeSet<String> = readable.iter().filter_map(|name| known.remove(name)).collect();
        let readable = if names.len() == count { Readable::All } else { Readable::Only(Arc::new(names)) };
        self.session.with_readable(readable)
    }
}

#[async_trait]
impl QueryEngine for OktaTables {
    fn tables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.names().into_keys().collect();
        names.sort();
        names
    }

    async fn look_up(&self) {
        // A statement that needs the tables looks for itself, and tells what is wrong.
        if let Err(error) = self.session.look_up_attached().await {
            tracing::debug!(%error, "attached tables are not known");
        }
    }

    async fn columns(&self, table: &str) -> Result<Vec<TableColumn>, SnowflakeError> {
        let name = self.names().remove(table).unwrap_or_else(|| table.to_owned());
        let columns = self.session.columns(&name).await.map_err(|error| told(&error))?;
        let shown = columns.iter().filter(|column| !column.hidden);
        Ok(shown.map(|info| TableColumn { column: cells::table_column(info), key: info.key }).collect())
    }

    async fn query(&self, query: EngineQuery<'_>) -> Result<Rows, SnowflakeError> {
        let params = parameters(query.bindings)?;
        let session = self.session_for(query.readable);
        let prepared = session.prepare(query.sql, params).await.map_err(|error| refused(&error, query.sql))?;
        let mut answer = Rows { columns: cells::columns(&prepared.schema()), rows: Vec::new() };
        if query.describe_only {
            return Ok(answer);
        }
        let mut rows = prepared.run().map_err(|error| told(&error))?;
        while let Some(batch) = rows.try_next().await.map_err(|error| told(&error))? {
            let shown = cells::append(&batch, &mut answer.rows);
            shown.map_err(|error| SnowflakeError::engine("XX000", format!("a column cannot be shown: {error}")))?;
            if answer.rows.len() > ROWS_MAX {
                let message = format!("the answer has more than {ROWS_MAX} rows; narrow the statement, or add a LIMIT");
                return Err(SnowflakeError::engine("54000", message));
            }
        }
        Ok(answer)
    }
}

/// Why a statement is not run: a column that is not there has a number of its own, and its place.
fn refused(error: &Error, sql: &str) -> SnowflakeError {
    let Error::UnknownColumn { name, .. } = error else { return told(error) };
    let place = sql.to_ascii_lowercase().find(&name.to_ascii_lowercase()).unwrap_or_default();
    let before = &sql[..place];
    let line = 1 + before.matches('\n').count() as u64;
    let position = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64;
    let mut refused = SnowflakeError::invalid_identifier(line, position, &name.to_uppercase());
    if let Some(hint) = error.hint() {
        refused.message = format!("{}\n{hint}", refused.message);
    }
    refused
}

/// An error of the engine, with code, cause and hint.
fn told(error: &Error) -> SnowflakeError {
    SnowflakeError::engine(error.code().sqlstate(), Report(error).to_string())
}

fn parameters(bindings: &[Binding]) -> Result<Params, SnowflakeError> {
    if bindings.is_empty() {
        return Ok(Params::None);
    }
    let values = bindings.iter().map(|binding| {
        let text = binding.value.as_deref();
        let value = value(&binding.type_name, text).ok_or_else(|| {
            let message = format!("a value of type {} cannot be read: {}", binding.type_name, text.unwrap_or_default());
            SnowflakeError::engine("22000", message)
        });
        value.map(Param::Value)
    });
    Ok(Params::Positional(values.collect::<Result<_, _>>()?))
}

/// A bound value; `None` if the text does not fit its type.
///
/// # Source
///
/// What the Python connectors 4 and 5 send: days as milliseconds, times and instants as nanoseconds,
/// instants with an offset as nanoseconds, blank, minutes of offset plus 1440.
fn value(type_name: &str, text: Option<&str>) -> Option<ScalarValue> {
    let Some(text) = text else { return Some(ScalarValue::Null) };
    Some(match type_name {
        "FIXED" => match text.parse() {
            Ok(number) => ScalarValue::Int64(Some(number)),
            Err(_) => ScalarValue::Float64(Some(text.parse().ok()?)),
        },
        "REAL" => ScalarValue::Float64(Some(text.parse().ok()?)),
        "BOOLEAN" => ScalarValue::Boolean(Some(truth(text)?)),
        "DATE" => ScalarValue::Date32(Some(i32::try_from(text.parse::<i64>().ok()? / MILLIS_PER_DAY).ok()?)),
        "TIME" => ScalarValue::Time64Nanosecond(Some(text.parse().ok()?)),
        "TIMESTAMP_NTZ" => ScalarValue::TimestampMillisecond(Some(millis(text)?), None),
        "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => ScalarValue::TimestampMillisecond(Some(millis(text)?), Some("UTC".into())),
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    })
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn millis(text: &str) -> Option<i64> {
    let nanos: i64 = text.split(' ').next()?.parse().ok()?;
    Some(nanos.div_euclid(NANOS_PER_MILLI))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_values_have_the_types_that_clients_name() {
        for (type_name, text, expected) in [
            ("FIXED", "7", ScalarValue::Int64(Some(7))),
            ("FIXED", "7.5", ScalarValue::Float64(Some(7.5))),
            ("BOOLEAN", "true", ScalarValue::Boolean(Some(true))),
            ("DATE", "1577923200000", ScalarValue::Date32(Some(18_263))),
            ("TIMESTAMP_NTZ", "1577934245000000000", ScalarValue::TimestampMillisecond(Some(1_577_934_245_000), None)),
            ("TEXT", "a", ScalarValue::Utf8(Some("a".to_owned()))),
        ] {
            assert_eq!(value(type_name, Some(text)), Some(expected), "{type_name} {text}");
        }
        assert_eq!(value("ANY", None), Some(ScalarValue::Null));
        assert_eq!(value("BOOLEAN", Some("maybe")), None);
    }
}
