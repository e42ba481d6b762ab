//! The audit as it is written: in batches behind the requests, so that reading costs no write.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::Clock;
use oktant_store::{Database, StoreError};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::event::{self, Event};

/// How long events wait for others before they are written.
const DELAY: Duration = Duration::from_millis(200);

/// Events that wait at most; a request that adds one more waits until they are written.
const WAITING_MAX: usize = 4096;

/// Collects events and writes them together. They are read back through [`AuditLog::flush`].
///
/// Unlike the changes that requests make, an event may be lost if the program is killed within
/// the delay after it.
#[derive(Debug)]
pub(crate) struct AuditLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    db: Database,
    waiting: Mutex<Vec<Event>>,
    arrived: Notify,
    /// Held while a batch is written, so that a flush waits for the one before it.
    writing: tokio::sync::Mutex<()>,
}

impl AuditLog {
    /// Starts the task that writes; it ends with the log.
    pub(crate) fn start(db: Database, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared {
            db,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Some(shared) = weak.upgrade() {
                let arrived = tokio::time::timeout(Duration::from_secs(5), shared.arrived.notified()).await.is_ok();
                if arrived {
                    clock.sleep(DELAY).await;
                    shared.flush().await;
                }
            }
        });
        Self(shared)
    }

    /// Notes an event.
    pub(crate) async fn add(&self, event: Event) {
        let full = {
            let mut waiting = self.0.waiting.lock();
            waiting.push(event);
            waiting.len() >= WAITING_MAX
        };
        self.0.arrived.notify_one();
        if full {
            self.0.flush().await;
        }
    }

    /// Writes what waits; afterwards the store has every event that was added before.
    pub(crate) async fn flush(&self) {
        self.0.flush().await;
    }
}

impl Shared {
    async fn flush(&self) {
        let _alone = self.writing.lock().await;
        let events = std::mem::take(&mut *self.waiting.lock());
        if events.is_empty() {
            return;
        }
        let events = Arc::new(events);
        let all = 0..events.len();
        let Err(error) = self.write(&events, all.clone()).await else { return };
        // Another write of the same transaction may have been at fault.
        if !(error.is_refusal() || matches!(error, StoreError::Commit(_))) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                count = all.len(),
                "events of the audit were lost"
            );
            return;
        }
        // One event that the store refuses does not take the others with it.
        for index in all {
            if let Err(error) = self.write(&events, index..index + 1).await {
                tracing::error!(error = &error as &dyn std::error::Error, "an event of the audit was lost");
            }
        }
    }

    /// Writes some of the events, all of them or none.
    async fn write(&self, events: &Arc<Vec<Event>>, range: Range<usize>) -> Result<(), StoreError> {
        let events = Arc::clone(events);
        self.db.write(move |tx| Box::pin(async move { event::insert_all(tx, &events[range]).await })).await
    }
}

#[cfg(test)]
mod tests {
    use oktant_base::ManualClock;
    use oktant_store::connect;

    use super::*;
    use crate::model::TABLES;
    use crate::model::event::between;

    #[tokio::test]
    async fn an_event_that_the_store_refuses_takes_no_other_with_it() {
        let db = Database::open(connect("sqlite::memory:").await.unwrap(), TABLES).await.unwrap();
        let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.method = 'BAD' \
                      BEGIN SELECT RAISE(ABORT, 'refused'); END";
        db.write(move |tx| Box::pin(async move { tx.execute(refuse, &[]).await })).await.unwrap();
        let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
        let log = AuditLog::start(db.clone(), clock.clone());
        let at = clock.now();
        for method in ["GET", "BAD", "PUT"] {
            let event = Event {
                id: 0,
                at,
                endpoint: "scim/v2/Users".to_owned(),
                method: method.to_owned(),
                status: "200".to_owned(),
                error_code: None,
                details: "{}".to_owned(),
                client_ip: None,
                actor_name: None,
                actor_domain: None,
                resource_name: None,
                resource_domain: None,
            };
            log.add(event).await;
        }
        log.flush().await;
        let kept = between(&mut *db.read().await.unwrap(), at, at, 10).await.unwrap();
        let methods: Vec<&str> = kept.iter().map(|event| event.method.as_str()).collect();
        assert_eq!(methods, ["GET", "PUT"]);
    }
}
