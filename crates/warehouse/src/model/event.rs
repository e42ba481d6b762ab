//! The audit: what the REST interface was asked and what came of it.

use chrono::TimeDelta;
use oktant_base::Timestamp;
use oktant_store::{StoreError, Value};

use super::{Id, Tx, instant, last_of_next_ids, micros};

/// How long events are kept.
///
/// # Source
///
/// Snowflake documentation, `REST_EVENT_HISTORY`: seven days.
pub(crate) const RETENTION: TimeDelta = TimeDelta::days(7);

/// Every how many events the old ones are removed.
const CLEAN_UP_INTERVAL: Id = 1000;

/// A request to the REST interface. It holds no secret.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Id,
    pub(crate) at: Timestamp,
    pub(crate) endpoint: String,
    pub(crate) method: String,
    pub(crate) status: String,
    pub(crate) error_code: Option<String>,
    /// JSON text.
    pub(crate) details: String,
    pub(crate) client_ip: Option<String>,
    pub(crate) actor_name: Option<String>,
    pub(crate) actor_domain: Option<String>,
    pub(crate) resource_name: Option<String>,
    pub(crate) resource_domain: Option<String>,
}

/// Events that one statement keeps: a round trip for each would be most of their cost. Few numbers of them, so that the
/// statements stay prepared.
const TOGETHER: [usize; 2] = [50, 10];

const COLUMNS: [&str; 12] = [
    "id",
    "at",
    "endpoint",
    "method",
    "status",
    "error_code",
    "details",
    "client_ip",
    "actor_name",
    "actor_domain",
    "resource_name",
    "resource_domain",
];

impl Event {
    /// As [`COLUMNS`] have it.
    fn values(&self, id: Id) -> [Value; COLUMNS.len()] {
        [
            id.into(),
            micros(self.at).into(),
            self.endpoint.as_str().into(),
            self.method.as_str().into(),
            self.status.as_str().into(),
            self.error_code.clone().into(),
            self.details.as_str().into(),
            self.client_ip.clone().into(),
            self.actor_name.clone().into(),
            self.actor_domain.clone().into(),
            self.resource_name.clone().into(),
            self.resource_domain.clone().into(),
        ]
    }
}

/// Keeps events under new ids, and forgets those past their time now and then.
pub(crate) async fn insert_all(tx: Tx<'_>, events: &[Event]) -> Result<(), StoreError> {
    let count = i64::try_from(events.len()).unwrap_or(0);
    let last = last_of_next_ids(tx, "event", count).await?;
    let mut ids = last - count + 1..;
    let mut left = events;
    while !left.is_empty() {
        let count = TOGETHER.into_iter().find(|count| *count <= left.len()).unwrap_or(left.len());
        let (chunk, rest) = left.split_at(count);
        left = rest;
        let values: Vec<Value> = chunk.iter().zip(&mut ids).flat_map(|(event, id)| event.values(id)).collect();
        tx.execute(&insertion(chunk.len()), &values).await?;
    }
    let newest = events.last().filter(|_| last / CLEAN_UP_INTERVAL != (last - count) / CLEAN_UP_INTERVAL);
    if let Some(newest) = newest {
        tx.execute("DELETE FROM events WHERE at < $1", &[micros(newest.at - RETENTION).into()]).await?;
    }
    Ok(())
}

/// The statement that keeps so many events.
fn insertion(rows: usize) -> String {
    let row = |row: usize| {
        let numbers = (1..=COLUMNS.len()).map(|column| format!("${}", row * COLUMNS.len() + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
    format!("INSERT INTO events ({}) VALUES {rows}", COLUMNS.join(", "))
}

/// The newest `limit` events from `start` to `end`, both included, oldest first.
pub(crate) async fn between(
    tx: Tx<'_>,
    start: Timestamp,
    end: Timestamp,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let columns = COLUMNS.join(", ");
    let sql = format!("SELECT {columns} FROM events WHERE at >= $1 AND at <= $2 ORDER BY at DESC, id DESC LIMIT $3");
    let rows = tx.fetch(&sql, &[micros(start).into(), micros(end).into(), limit.into()]).await?;
    rows.iter()
        .rev()
        .map(|row| {
            Ok(Event {
                id: row.int(0)?,
                at: instant(row.int(1)?)?,
                endpoint: row.text(2)?,
                method: row.text(3)?,
                status: row.text(4)?,
                error_code: row.opt_text(5),
                details: row.text(6)?,
                client_ip: row.opt_text(7),
                actor_name: row.opt_text(8),
                actor_domain: row.opt_text(9),
                resource_name: row.opt_text(10),
                resource_domain: row.opt_text(11),
            })
        })
        .collect()
}
