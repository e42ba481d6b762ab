//! The audit: what the REST interface was asked and what came of it.

use chrono::TimeDelta;
use oktant_base::Timestamp;

use super::{Id, Tx, instant, micros, next_id};
use crate::store::StoreError;

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

/// Keeps an event under a new id, and forgets those past their time now and then.
pub(crate) async fn insert(tx: Tx<'_>, event: &Event) -> Result<(), StoreError> {
    let id = next_id(tx, "event").await?;
    let sql = "INSERT INTO events (id, at, endpoint, method, status, error_code, details, client_ip, actor_name, \
               actor_domain, resource_name, resource_domain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let values = [
        id.into(),
        micros(event.at).into(),
        event.endpoint.as_str().into(),
        event.method.as_str().into(),
        event.status.as_str().into(),
        event.error_code.clone().into(),
        event.details.as_str().into(),
        event.client_ip.clone().into(),
        event.actor_name.clone().into(),
        event.actor_domain.clone().into(),
        event.resource_name.clone().into(),
        event.resource_domain.clone().into(),
    ];
    tx.execute(sql, &values).await?;
    if id % CLEAN_UP_INTERVAL == 0 {
        tx.execute("DELETE FROM events WHERE at < $1", &[micros(event.at - RETENTION).into()]).await?;
    }
    Ok(())
}

/// The newest `limit` events from `start` on and before `end`, oldest first.
pub(crate) async fn between(
    tx: Tx<'_>,
    start: Timestamp,
    end: Timestamp,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT id, at, endpoint, method, status, error_code, details, client_ip, actor_name, actor_domain, \
               resource_name, resource_domain FROM events WHERE at >= $1 AND at <= $2 ORDER BY at DESC, id DESC LIMIT $3";
    let rows = tx.fetch(sql, &[micros(start).into(), micros(end).into(), limit.into()]).await?;
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
