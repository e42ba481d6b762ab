//! Flows that start with events: of an event hook, or read from a log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use oktant_base::Timestamp;
use oktant_flow::model::TriggerKind;
use oktant_functions::Value;
use tokio_util::sync::CancellationToken;

use crate::action::{Delivered, Source};
use crate::engine::{Begin, Engine, Shared, Start};
use crate::error::EngineError;
use crate::flows::FlowEntry;

/// The longest pause after a log could not be read several times in turn; one that is mended is read soon.
const BACK_OFF_MAX: Duration = Duration::from_mins(1);

/// What became of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Runs that it started.
    pub started: usize,
    /// Runs that earlier deliveries of the same events had started.
    pub duplicates: usize,
}

impl Engine {
    /// Starts flows with the events of a hook's request: its body and its headers (an object, names in lower case).
    /// The runs are durable when this returns; those of one flow come in the order of the events.
    ///
    /// # Errors
    ///
    /// [`EngineError::Input`] if the body is no delivery of events; [`EngineError::Journal`].
    pub async fn deliver(&self, envelope: &Value, headers: &Value) -> Result<Received, EngineError> {
        let events =
            envelope.as_object().and_then(|envelope| envelope.get("data")?.as_object()?.get("events")?.as_list());
        let events = events.ok_or_else(|| EngineError::Input("the body has no list data.events".to_owned()))?;
        // Cards see the envelope without the events of others.
        let outer = envelope.as_object().into_iter().flat_map(|envelope| envelope.iter());
        let outer =
            Value::object(outer.filter(|(key, _)| &***key != "data").map(|(key, value)| (key.clone(), value.clone())));
        self.shared.receive(events, &outer, headers, None).await
    }

    /// Starts flows with the events of a log, from where it was read last, until the engine is closed or what is given
    /// back is cancelled.
    ///
    /// The position is kept after the runs are durable: an event that is read twice starts nothing twice. What
    /// happened before a flow was switched on does not start it. A log that cannot be read is tried at growing intervals.
    pub fn follow(&self, source: Arc<dyn Source>, interval: Duration) -> CancellationToken {
        let shared = Arc::clone(&self.shared);
        let enough = shared.closing.child_token();
        let until = enough.clone();
        tokio::spawn(async move {
            let mut failures = 0;
            while !until.is_cancelled() {
                let outcome = shared.read_on(&*source).await;
                failures = if outcome.is_ok() { 0 } else { failures + 1 };
                let pause = match outcome {
                    // A full page: there may be more.
                    Ok(count) if count > 0 => Duration::ZERO,
                    Ok(_) => interval,
                    Err(error) => {
                        tracing::error!(
                            error,
                            source = source.name(),
                            failures,
                            "a source of events could not be read"
                        );
                        interval.saturating_mul(1 << (failures - 1).min(16)).min(interval.max(BACK_OFF_MAX))
                    }
                };
                tokio::select! {
                    () = shared.clock.sleep(pause) => {}
                    () = until.cancelled() => {}
                }
            }
        });
        enough
    }
}

impl Shared {
    /// Reads a page of a source; gives how many events it had.
    async fn read_on(self: &Arc<Self>, source: &dyn Source) -> Result<usize, String> {
        let position = self.journal.position(source.name()).await.map_err(|error| error.to_string())?;
        let looked = match &position {
            Some(position) => source.poll(Some(position)).await,
            None => source.begin(self.waited_since(source)).await,
        };
        let (events, next) = looked.map_err(|error| error.message)?;
        let nothing = Value::object::<&str>([]);
        self.receive(&events, &nothing, &nothing, Some(source)).await.map_err(|error| error.to_string())?;
        if position.as_deref() != Some(&next) {
            self.journal.keep_position(source.name(), &next).await.map_err(|error| error.to_string())?;
        }
        Ok(events.len())
    }

    /// When the first flow that waits for a source was switched on.
    fn waited_since(&self, source: &dyn Source) -> Timestamp {
        let flows = self.flows.all().into_iter();
        let waiting = flows.filter(|entry| entry.active && listens(entry, source));
        let since = waiting.map(|entry| entry.on_since).min();
        since.and_then(DateTime::from_timestamp_millis).unwrap_or_else(|| self.clock.now())
    }

    async fn receive(
        self: &Arc<Self>,
        events: &[Value],
        envelope: &Value,
        headers: &Value,
        source: Option<&dyn Source>,
    ) -> Result<Received, EngineError> {
        let mut cards: HashMap<String, Vec<_>> = HashMap::new();
        for entry in self.flows.all().into_iter().filter(|entry| entry.active) {
            let Some(card) = entry.event().map(Arc::new) else { continue };
            if source.is_some_and(|source| !listens(&entry, source)) {
                continue;
            }
            for event_type in self.events.event_types(&card).unwrap_or_default() {
                let on_since = source.map_or(i64::MIN, |_| entry.on_since);
                cards.entry(event_type).or_default().push((Arc::clone(&entry.version), Arc::clone(&card), on_since));
            }
        }
        let mut begins: Vec<Begin> = Vec::new();
        for event in events {
            let text = |key: &str| event.as_object().and_then(|event| event.get(key)).and_then(Value::as_text);
            let published = text("published").and_then(|at| at.parse::<Timestamp>().ok());
            for (version, card, on_since) in text("eventType").and_then(|kind| cards.get(kind)).into_iter().flatten() {
                if published.is_some_and(|at| at.timestamp_millis() < *on_since) {
                    continue;
                }
                let delivered =
                    Delivered { event: event.clone(), envelope: envelope.clone(), headers: headers.clone() };
                let Some(outputs) = self.events.outputs(card, &delivered) else {
                    let (flow, event) = (version.flow.id.as_str(), text("uuid"));
                    tracing::info!(flow, event, "an event starts no run: the options of the trigger leave it out");
                    continue;
                };
                let start = Start::new("event", outputs);
                let start = match text("uuid") {
                    Some(uuid) => start.once(format!("event:{}:{uuid}", version.flow.id)),
                    None => start,
                };
                begins.push(self.begin_anyway(Arc::clone(version), start));
            }
        }
        if begins.is_empty() {
            return Ok(Received::default());
        }
        let ids = self.accept(begins, true).await?;
        let started = ids.iter().flatten().count();
        Ok(Received { started, duplicates: ids.len() - started })
    }
}

/// Whether events of a source may start a flow: its trigger is bound to the connection of the source.
fn listens(entry: &FlowEntry, source: &dyn Source) -> bool {
    let TriggerKind::Event(card) = &entry.version.flow.trigger.kind else { return false };
    let of = source.connection();
    of.is_none() || of == entry.connection(&card.address, card.connection.as_ref())
}
