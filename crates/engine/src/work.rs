//! What happens by itself: runs whose time has come, runs that others left, leases.

use std::sync::Arc;
use std::time::Duration;

use oktant_base::Clock;

use crate::engine::Shared;
use crate::error::EngineError;

/// Takes up runs that are due, until the engine is closed.
pub(crate) async fn keep_working(shared: Arc<Shared>) {
    while !shared.closing.is_cancelled() {
        // Whoever leaves the memory tells, as long as there may be more than it has places for.
        shared.set_backlog(true);
        let free = shared.free_places();
        let claimed = if free > 0 { shared.journal.claim(free, shared.since()).await } else { Ok(Vec::new()) };
        match claimed {
            Ok(rows) if !rows.is_empty() => {
                for row in rows {
                    let (place, shared) = (shared.enroll(&row.id), Arc::clone(&shared));
                    tokio::spawn(async move { shared.resume(row, place).await });
                }
                continue;
            }
            Ok(_) => shared.set_backlog(free == 0),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "no runs could be taken up"),
        }
        let due = next_due(&shared).await;
        tokio::select! {
            () = sleep_until(&*shared.clock, due) => {}
            () = shared.woken() => {}
            () = shared.closing.cancelled() => {}
        }
    }
}

/// When something is due, as far as is known, milliseconds since 1970; other workers may leave something at any time.
async fn next_due(shared: &Shared) -> i64 {
    let now = shared.journal.now();
    let most = now.saturating_add(shared.journal.lease().as_millis() as i64 / 3);
    match shared.journal.next_due(shared.since()).await {
        // Never at once: what is due and was not taken has no place in memory at the moment.
        Ok(Some(due)) => due.clamp(now + 10, most),
        _ => most,
    }
}

/// Finishes what the end of a process left undone: the removal of what histories must not show.
pub(crate) async fn tidy(shared: Arc<Shared>, before: i64) {
    if let Err(error) = shared.scrub_ended(before).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "values of ended runs were not removed from the journal"
        );
    }
}

/// Leases that are renewed between two removals of runs whose retention is over.
const PRUNE_EVERY: u32 = 60;

/// Renews leases, ends what was asked to end, learns what other workers changed, and removes what is too old.
pub(crate) async fn keep_alive(shared: Arc<Shared>) {
    for turn_number in 1_u32.. {
        tokio::select! {
            () = shared.clock.sleep(shared.journal.lease() / 3) => {}
            () = shared.closing.cancelled() => return,
        }
        let turn = async {
            shared.journal.renew().await?;
            shared.cancel_asked().await?;
            shared.flows.refresh().await?;
            if turn_number.is_multiple_of(PRUNE_EVERY) {
                shared.prune().await?;
                // Reading all histories may take longer than a lease.
                tokio::spawn(forget(Arc::clone(&shared)));
                shared.scrub_ended(shared.journal.a_lease_ago()).await?;
            }
            shared.journal.empty_log().await?;
            Ok::<_, EngineError>(())
        };
        if let Err(error) = turn.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the leases of this worker were not renewed");
        }
    }
}

/// Lets connectors forget what no history refers to.
async fn forget(shared: Arc<Shared>) {
    if let Err(error) = shared.forget().await {
        tracing::error!(error = &error as &dyn std::error::Error, "what no history refers to was not removed");
    }
}

/// How often a worker looks whether something was changed from outside.
const LISTEN_EVERY: Duration = Duration::from_millis(200);

/// Takes up what commands and other workers changed, until the engine is closed: one row tells that there is something.
pub(crate) async fn keep_listening(shared: Arc<Shared>) {
    let mut heard = None;
    while !shared.closing.is_cancelled() {
        let looked = async {
            let notices = shared.journal.notices().await?;
            if heard != Some(notices) {
                // The runs of flows that were removed end before what they act with is forgotten.
                shared.cancel_asked().await?;
                shared.flows.read_again().await?;
                heard = Some(notices);
                shared.wake.notify_one();
                shared.changed.notify_waiters();
            }
            Ok::<_, EngineError>(())
        };
        if let Err(error) = looked.await {
            tracing::error!(error = &error as &dyn std::error::Error, "changes from outside could not be read");
        }
        tokio::select! {
            () = shared.clock.sleep(LISTEN_EVERY) => {}
            () = shared.closing.cancelled() => {}
        }
    }
}

/// Waits until an instant, milliseconds since 1970, on a clock that may jump: a machine that slept, a test.
pub(crate) async fn sleep_until(clock: &dyn Clock, until: i64) {
    const JUMP: i64 = 1000;
    loop {
        let now = clock.now().timestamp_millis();
        let Ok(rest) = u64::try_from(until.saturating_sub(now)) else { return };
        if rest == 0 {
            return;
        }
        let sleep = clock.sleep(Duration::from_millis(rest));
        // Had the clock jumped in between, the sleep would be too long.
        if clock.now().timestamp_millis() < now + JUMP {
            sleep.await;
        }
    }
}
