//! The audit as it is written: in batches behind the requests, so that reading costs no write.

use std::sync::Arc;
use std::time::Duration;

use oktant_base::Clock;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::Tx;
use crate::model::event::{self, Event};
use crate::store::{Database, StoreError};

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
        let written = self.db.write(move |tx| Box::pin(insert_all(tx, events))).await;
        if let Err(error) = written {
            tracing::error!(error = &error as &dyn std::error::Error, "events of the audit were lost");
        }
    }
}

async fn insert_all(tx: Tx<'_>, events: Vec<Event>) -> Result<(), StoreError> {
    for event in &events {
        event::insert(tx, event).await?;
    }
    Ok(())
}
