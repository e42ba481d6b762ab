//! How long things are kept: ended runs, definitions of flows that were removed, and what connectors keep beside them.

use std::collections::HashSet;
use std::time::Duration;

use oktant_store::StoreError;

use crate::engine::{Engine, Shared};
use crate::error::EngineError;

/// Runs that are removed with one commit.
const PRUNE_MAX: i64 = 500;

/// What was kept for less than this may belong to a run that has not written it down yet.
const YOUNG: Duration = Duration::from_hours(1);

impl Engine {
    /// Removes runs whose retention is over, and what connectors keep that no history refers to any more. Gives how many
    /// runs.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn prune(&self) -> Result<u64, EngineError> {
        let removed = self.shared.prune().await?;
        self.shared.forget().await?;
        Ok(removed)
    }
}

impl Shared {
    /// Removes runs whose retention is over; gives how many.
    pub(crate) async fn prune(&self) -> Result<u64, EngineError> {
        let before = self.retention_began();
        let mut removed = 0;
        loop {
            let write = self.journal.database().write(move |connection| {
                Box::pin(async move {
                    let old = "SELECT id FROM flow_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT $2";
                    let rows = connection.fetch(old, &[before.into(), PRUNE_MAX.into()]).await?;
                    for row in &rows {
                        let id = row.text(0)?;
                        for sql in [
                            "DELETE FROM flow_segments WHERE run = $1",
                            "DELETE FROM flow_values WHERE run = $1",
                            "DELETE FROM flow_runs WHERE id = $1",
                        ] {
                            connection.execute(sql, &[id.as_str().into()]).await?;
                        }
                    }
                    Ok::<_, StoreError>(rows.len() as u64)
                })
            });
            let count = write.await?;
            if count > 0 {
                self.journal.note_removal();
            }
            removed += count;
            if count < PRUNE_MAX as u64 {
                break;
            }
        }
        // Definitions of flows that were removed before, once no run is left that may have met them.
        let sql = "DELETE FROM flow_versions WHERE saved_at < $1 AND flow NOT IN (SELECT flow FROM flows) \
                   AND NOT EXISTS (SELECT 1 FROM flow_runs WHERE created_at < $1)";
        self.journal.run(sql, vec![before.into()]).await?;
        Ok(removed)
    }

    /// Lets connectors forget what they have kept for longer than a run is, and what no run refers to.
    pub(crate) async fn forget(&self) -> Result<(), EngineError> {
        let young = i64::try_from(YOUNG.as_millis()).unwrap_or(i64::MAX);
        let before = self.retention_began().min(self.journal.now().saturating_sub(young));
        let Some(before) = chrono::DateTime::from_timestamp_millis(before) else { return Ok(()) };
        let kept = self.actions.kept_before(before).await;
        if kept.is_empty() {
            return Ok(());
        }
        let mut unused: HashSet<String> = kept.into_iter().collect();
        self.journal.take_mentioned(&mut unused).await?;
        let unused: Vec<String> = unused.into_iter().collect();
        self.actions.forget(&unused).await;
        Ok(())
    }

    /// What ended before this instant, milliseconds since 1970, is kept no longer.
    fn retention_began(&self) -> i64 {
        let retention = i64::try_from(self.settings.retention.as_millis()).unwrap_or(i64::MAX);
        self.journal.now().saturating_sub(retention)
    }
}
