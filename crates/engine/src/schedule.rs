//! Flows that start at points in time.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::DateTime;
use oktant_base::Timestamp;
use oktant_flow::model::{Schedule, TriggerKind};
use oktant_flow::schedule::Times;
use oktant_functions::Value;

use crate::action::Fields;
use crate::engine::{Shared, Start};
use crate::error::EngineError;
use crate::flows::FlowEntry;
use crate::name::Name;

/// The times of a schedule.
///
/// # Errors
///
/// [`EngineError::Schedule`] if it means no time.
pub(crate) fn times(schedule: &Schedule) -> Result<Times, EngineError> {
    Times::new(schedule).map_err(|problem| {
        let Schedule { seconds, minutes, hours, day_of_month, month, day_of_week, time_zone } = schedule;
        EngineError::Schedule {
            pattern: format!("{seconds} {minutes} {hours} {day_of_month} {month} {day_of_week}"),
            time_zone: time_zone.clone(),
            reason: problem.to_string(),
        }
    })
}

/// Starts flows at their times, until the engine is closed. What fell into a time when no engine ran is not made up.
pub(crate) async fn keep_time(shared: Arc<Shared>) {
    let mut from = shared.clock.now();
    let mut known: HashMap<Name, (Schedule, Option<Times>)> = HashMap::new();
    while !shared.closing.is_cancelled() {
        let now = shared.clock.now();
        let mut next: Option<Timestamp> = None;
        for (entry, schedule) in scheduled(&shared) {
            let id = Name::from(entry.version.flow.id.as_str());
            if known.get(&id).is_none_or(|(of, _)| *of != schedule) {
                let times = times(&schedule).inspect_err(|error| {
                    tracing::error!(error = error as &dyn std::error::Error, flow = %id, "a flow is never started");
                });
                known.insert(id.clone(), (schedule, times.ok()));
            }
            let Some((_, Some(times))) = known.get(&id) else { continue };
            // A flow does not make up for the time when it was off.
            let on_since = DateTime::from_timestamp_millis(entry.on_since).unwrap_or_default();
            let mut at = times.after(from.max(on_since));
            // All but the last of those that have passed are late by more than an interval.
            let due = std::iter::from_fn(|| {
                let due = at.filter(|at| *at <= now)?;
                at = times.after(due);
                Some(due)
            });
            if let Some(due) = due.last() {
                start(&shared, &entry, due).await;
            }
            next = next.into_iter().chain(at).min();
        }
        from = now;
        // Flows are changed at any time, also by other workers.
        let most = now.timestamp_millis() + shared.journal.lease().as_millis() as i64 / 3;
        let until = next.map_or(most, |next| next.timestamp_millis().min(most));
        tokio::select! {
            () = crate::work::sleep_until(&*shared.clock, until) => {}
            () = shared.changed.notified() => {}
            () = shared.closing.cancelled() => {}
        }
    }
}

fn scheduled(shared: &Shared) -> Vec<(FlowEntry, Schedule)> {
    let scheduled = shared.flows.all().into_iter().filter(|entry| entry.active).filter_map(|entry| {
        let TriggerKind::Schedule(schedule) = &entry.version.flow.trigger.kind else { return None };
        let schedule = schedule.clone();
        Some((entry, schedule))
    });
    scheduled.collect()
}

async fn start(shared: &Arc<Shared>, entry: &FlowEntry, at: Timestamp) {
    let flow = entry.version.flow.id.as_str();
    let started = async {
        if !entry.settings.overlap && shared.journal.is_at_work(flow, "schedule").await? {
            tracing::warn!(flow, %at, "a scheduled run is left out: the one before is unfinished");
            return Ok(None);
        }
        let mut given = Fields::new();
        given.set(Some("context"), "execution_time", Value::date(at));
        // Whichever worker is first starts it.
        let start = Start::new("schedule", given).once(format!("schedule:{flow}:{}", at.timestamp()));
        shared.start(Arc::clone(&entry.version), start).await
    };
    if let Err(error) = started.await {
        tracing::error!(error = &error as &dyn std::error::Error, flow, "a scheduled run was not started");
    }
}
