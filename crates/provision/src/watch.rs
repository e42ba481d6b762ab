//! Following the org: whenever its System Log tells of something that matters, plan and apply.

use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt as _;
use oktant_base::Timestamp;
use oktant_client::{Call, Pages};
use serde::Deserialize;

use crate::apply::Report;
use crate::error::Error;
use crate::provisioner::{ApplyOptions, Provisioner};
use crate::{DriftReport, Summary};

/// How the org is followed.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// Time between two looks at the System Log.
    pub interval: Duration,
    /// Time after which target and org are compared although the log is silent: drift leaves no trace there.
    pub full_every: Duration,
    /// Rounds after which to stop; `None` for never.
    pub rounds: Option<u32>,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), full_every: Duration::from_hours(1), rounds: None }
    }
}

/// One round of a watch.
#[derive(Debug)]
pub struct Round {
    /// Why it was made.
    pub cause: String,
    /// What was planned.
    pub summary: Summary,
    /// What was found changed at the target.
    pub drift: DriftReport,
    /// What was done; an error stops this round only.
    pub outcome: Result<Report, Error>,
}

/// Beginnings of the types of events after which something may have to be provisioned.
///
/// # Source
///
/// Okta developer reference, event types.
const EVENT_TYPES: &[&str] = &[
    "application.user_membership.",
    "application.lifecycle.",
    "application.provision.group_push.activate_mapping",
    "application.provision.group_push.deactivate_mapping",
    "application.provision.group_push.mapping.created",
    "application.provision.group_push.removed",
    "group.user_membership.",
    "group.application_assignment.",
    "group.profile.update",
    "group.lifecycle.",
    "user.account.update_profile",
    "user.lifecycle.",
];

/// Time after which a round that did not finish is followed by another one.
const RETRY_AFTER: Duration = Duration::from_mins(5);

/// How far back the log is read at first: the round that came before has seen everything older.
const LOOK_BACK: TimeDelta = TimeDelta::minutes(1);

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "eventType")]
    event_type: String,
}

impl Provisioner {
    /// Applies now, and again whenever the org tells of a change; gives each round to `on_round`.
    ///
    /// Safeguards are never overridden here: a round that breaks one changes nothing, and the next may be different.
    ///
    /// # Errors
    ///
    /// A token that the target refuses, and a state that cannot be written. Anything else ends one round only.
    pub async fn watch(&self, options: &WatchOptions, mut on_round: impl FnMut(&Round)) -> Result<(), Error> {
        let mut log = self.log(self.clock.now() - LOOK_BACK)?;
        let mut cause = "the watch begins".to_owned();
        let mut rounds = 0;
        loop {
            let began = self.clock.now();
            let round = self.round(cause).await;
            on_round(&round);
            let finished = match round.outcome {
                Err(error) if stops_watching(&error) => return Err(error),
                outcome => outcome.is_ok_and(|report| report.complete().is_ok()),
            };
            rounds += 1;
            if options.rounds.is_some_and(|most| rounds >= most) {
                return Ok(());
            }
            let patience = if finished { options.full_every } else { options.full_every.min(RETRY_AFTER) };
            cause = self.wait(&mut log, began, options.interval, patience).await?;
        }
    }

    async fn round(&self, cause: String) -> Round {
        let plan = match self.plan().await {
            Ok(plan) => plan,
            Err(error) => {
                let (summary, drift) = (Summary::default(), DriftReport::default());
                return Round { cause, summary, drift, outcome: Err(error) };
            }
        };
        let outcome = if plan.is_empty() {
            self.settle(&plan).await.map(|()| Report::default())
        } else {
            self.apply(&plan, ApplyOptions { watched: true, ..ApplyOptions::default() }).await
        };
        Round { cause, summary: plan.summary(), drift: plan.drift, outcome }
    }

    fn log(&self, since: Timestamp) -> Result<Pages, Error> {
        let since = since.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let call = Call::operation("listLogEvents")?.arg("since", since)?.arg("limit", "1000")?;
        // A page without anything new comes at once; the wait between two is ours, so that a round can come sooner.
        Ok(self.org.poll(call, Duration::ZERO))
    }

    /// Waits until there is a reason for another round, and says it.
    async fn wait(
        &self,
        log: &mut Pages,
        began: Timestamp,
        interval: Duration,
        patience: Duration,
    ) -> Result<String, Error> {
        loop {
            self.clock.sleep(interval).await;
            let mut seen = 0;
            let mut first = None;
            // Pages come until one is empty: whatever happened meanwhile is one round.
            while let Some(page) = log.next().await {
                let events = match page.map_err(Error::from).and_then(|page| events(&page.body)) {
                    Ok(events) => events,
                    Err(error) => {
                        tracing::warn!(%error, "the System Log cannot be read; everything is compared instead");
                        *log = self.log(began - LOOK_BACK)?;
                        self.forget();
                        return Ok("the System Log cannot be read".to_owned());
                    }
                };
                if events.is_empty() {
                    break;
                }
                let matters = |event: &&Event| EVENT_TYPES.iter().any(|start| event.event_type.starts_with(start));
                let mut relevant = events.iter().filter(matters);
                first = first.or_else(|| relevant.next().map(|event| event.event_type.clone()));
                seen += events.iter().filter(matters).count();
            }
            if let Some(first) = first {
                return Ok(match seen {
                    1 => format!("the event {first}"),
                    _ => format!("{seen} events, the first {first}"),
                });
            }
            let waited = (self.clock.now() - began).to_std().unwrap_or_default();
            if waited >= patience {
                self.forget();
                return Ok("it is time to compare everything".to_owned());
            }
        }
    }
}

fn events(body: &[u8]) -> Result<Vec<Event>, Error> {
    serde_json::from_slice(body).map_err(|source| Error::OrgAnswer { operation: "listLogEvents", source })
}

/// Whether no later round can be better than this one.
fn stops_watching(error: &Error) -> bool {
    match error {
        Error::Target(error) => error.stops_the_run(),
        Error::State { .. } | Error::Database(_) => true,
        _ => false,
    }
}
