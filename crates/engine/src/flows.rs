//! The flows that an engine knows: their definitions, and whether they are switched on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oktant_base::{Entropy, Secret};
use oktant_flow::model::{Action, Address, ConnectionId, Event, Flow, Source, TriggerKind};
use oktant_store::{Connection, Row, Store, StoreError};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::error::EngineError;
use crate::journal::{Journal, Record, cancelling};
use crate::name::Name;

/// A definition of a flow. It never changes; a saved change is another version.
#[derive(Debug)]
pub struct Version {
    /// The flow as it runs.
    pub flow: Flow,
    /// The name of this definition: a digest of it.
    pub version: Name,
}

/// What can be set per flow, beside its definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowSettings {
    /// Runs of the flow at the same time; more wait.
    pub concurrency: u32,
    /// Calls of its endpoint per second; more are refused.
    pub calls_per_second: u32,
    /// Whether a schedule starts a run while an earlier one is unfinished.
    pub overlap: bool,
    /// The connections that its cards use in place of those that they name; for cards that name none, by their module.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<String, String>,
    /// Options of the event that starts it, by key, in place of those in its definition: what differs from org to org,
    /// such as the id of an application.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            concurrency: 256,
            calls_per_second: 10,
            overlap: false,
            connections: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }
}

impl FlowSettings {
    /// An event card with what is set for the options that it has.
    pub fn event(&self, card: &Event) -> Event {
        let mut card = card.clone();
        for input in &mut card.options {
            if let Some(value) = self.options.get(input.slot.key.as_str()) {
                input.source = Source::Constant(value.as_str().into());
            }
        }
        card
    }

    /// Forgets what is set for options that `flow` has otherwise than the definition before: that was meant for those.
    pub fn forget_changed_options(&mut self, before: &Flow, flow: &Flow) {
        let given = |flow: &Flow, key: &str| match &flow.trigger.kind {
            TriggerKind::Event(event) => {
                event.options.iter().find(|input| input.slot.key == *key).map(|input| input.source.clone())
            }
            _ => None,
        };
        self.options.retain(|key, _| given(flow, key).is_some_and(|now| given(before, key) == Some(now)));
    }
}

/// A flow and how it stands.
#[derive(Debug, Clone)]
pub struct FlowEntry {
    /// The definition that counts.
    pub version: Arc<Version>,
    /// Whether it is switched on.
    pub active: bool,
    /// When it was switched on last, milliseconds since 1970.
    pub(crate) on_since: i64,
    /// The name in the address of its endpoint.
    pub alias: Name,
    /// What is set.
    pub settings: FlowSettings,
    token_hash: Option<String>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) calls: Arc<Mutex<Bucket>>,
}

impl FlowEntry {
    /// The connection of a card: the one it is bound to, or else the one that it names.
    pub fn connection<'a>(&'a self, address: &Address, named: Option<&'a ConnectionId>) -> Option<&'a str> {
        let name = named.map(ConnectionId::as_str);
        let bound = self.settings.connections.get(name.unwrap_or_else(|| address.module()));
        bound.map(String::as_str).or(name)
    }

    /// The event that starts the flow, with the options that are set for it; `None` if no event does.
    pub fn event(&self) -> Option<Event> {
        let TriggerKind::Event(event) = &self.version.flow.trigger.kind else { return None };
        Some(self.settings.event(event))
    }

    /// Whether `token` is the client token of the flow.
    pub(crate) fn has_token(&self, token: &str) -> bool {
        self.token_hash.as_deref().is_some_and(|hash| {
            aws_lc_rs::constant_time::verify_slices_are_equal(hash.as_bytes(), token_hash(token).as_bytes()).is_ok()
        })
    }
}

/// Calls that are allowed at the moment: as many at once as a second allows, then evenly.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// When the bucket is full again, milliseconds since 1970.
    full_at: f64,
}

impl Bucket {
    /// Takes a call; false if there is none left.
    pub(crate) fn take(&mut self, now: i64, per_second: u32) -> bool {
        let (now, cost) = (now as f64, 1000.0 / f64::from(per_second.max(1)));
        let full_at = self.full_at.max(now) + cost;
        let allowed = full_at - now <= 1000.0 + 1e-6;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }
}

/// The flows of an engine.
#[derive(Debug)]
pub(crate) struct Flows {
    journal: Journal,
    entropy: Arc<dyn Entropy>,
    entries: RwLock<HashMap<Name, FlowEntry>>,
    versions: Mutex<HashMap<(Name, Name), Arc<Version>>>,
    /// When the newest change that was read was made; held while changes are read.
    seen: tokio::sync::Mutex<i64>,
}

impl Flows {
    /// Reads the flows of a journal.
    pub(crate) async fn open(journal: Journal, entropy: Arc<dyn Entropy>) -> Result<Self, EngineError> {
        let flows = Self {
            journal,
            entropy,
            entries: RwLock::default(),
            versions: Mutex::default(),
            seen: tokio::sync::Mutex::new(i64::MIN),
        };
        flows.refresh().await?;
        Ok(flows)
    }

    /// Reads all flows again, whatever the clock of who changed them says, and forgets those that were removed.
    pub(crate) async fn read_again(&self) -> Result<(), EngineError> {
        let mut seen = self.seen.lock().await;
        // One that is saved meanwhile is none of those that may be gone.
        let mut gone: HashSet<Name> = self.entries.read().keys().cloned().collect();
        for flow in self.read_changes(i64::MIN, &mut seen).await? {
            gone.remove(&flow);
        }
        self.entries.write().retain(|flow, _| !gone.contains(flow));
        Ok(())
    }

    /// Reads what other workers have changed.
    pub(crate) async fn refresh(&self) -> Result<(), EngineError> {
        let mut seen = self.seen.lock().await;
        let since = *seen;
        self.read_changes(since, &mut seen).await.map(drop)
    }

    /// Reads the flows that were changed at an instant or later, milliseconds since 1970; gives their ids.
    async fn read_changes(&self, since: i64, seen: &mut i64) -> Result<Vec<Name>, EngineError> {
        let query = "SELECT flow, version, active, alias, token_hash, settings, updated_at, on_since \
             FROM flows WHERE updated_at >= $1";
        let rows = self.journal.database().read().await?.fetch(query, &[since.into()]).await?;
        let mut read = Vec::with_capacity(rows.len());
        for row in rows {
            let updated_at = row.int(6)?;
            self.enter(&row).await?;
            read.push(row.text(0)?.into());
            *seen = updated_at.max(*seen);
        }
        Ok(read)
    }

    async fn enter(&self, row: &Row) -> Result<(), EngineError> {
        let (id, version): (Name, Name) = (row.text(0)?.into(), row.text(1)?.into());
        let text = row.text(5)?;
        let settings: FlowSettings = serde_json::from_str(&text)
            .map_err(|error| StoreError::Corrupt(format!("settings of flow {id}: {error}")))?;
        let version = self.version(&id, &version).await?;
        let mut entries = self.entries.write();
        let same = entries.get(&id).filter(|entry| entry.settings.concurrency == settings.concurrency);
        let slots = || Arc::new(Semaphore::new(settings.concurrency.max(1) as usize));
        let entry = FlowEntry {
            version,
            active: row.int(2)? != 0,
            on_since: row.int(7)?,
            alias: row.text(3)?.into(),
            token_hash: row.opt_text(4),
            slots: same.map_or_else(slots, |entry| Arc::clone(&entry.slots)),
            calls: same.map(|entry| Arc::clone(&entry.calls)).unwrap_or_default(),
            settings,
        };
        entries.insert(id, entry);
        Ok(())
    }

    /// Saves a definition; from now on it is the one that counts. A new flow is switched off.
    pub(crate) async fn save(&self, flow: &Flow) -> Result<Name, EngineError> {
        let id = flow.id.as_str().to_owned();
        let definition =
            serde_json::to_string(flow).map_err(|source| EngineError::Definition { flow: id.clone(), source })?;
        let version = hex(&digest(&SHA256, definition.as_bytes()).as_ref()[..12]);
        let mut alias = [0; 16];
        self.entropy.fill(&mut alias);
        let (name, now, alias) = (version.clone(), self.journal.now(), hex(&alias));
        let settings = serde_json::to_string(&FlowSettings::default()).unwrap_or_default();
        let write = self.journal.database().write(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO flow_versions (flow, version, definition, saved_at) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT DO NOTHING";
                let values = [id.as_str().into(), name.as_str().into(), definition.into(), now.into()];
                connection.execute(sql, &values).await?;
                let sql = "INSERT INTO flows (flow, version, active, alias, settings, updated_at) \
                           VALUES ($1, $2, 0, $3, $4, $5) \
                           ON CONFLICT (flow) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at";
                let values = [id.into(), name.into(), alias.into(), settings.into(), now.into()];
                connection.execute(sql, &values).await
            })
        });
        let written: Result<u64, StoreError> = write.await;
        written?;
        self.refresh().await?;
        Ok(version.into())
    }

    /// Switches a flow on or off.
    pub(crate) async fn switch(&self, flow: &str, active: bool) -> Result<(), EngineError> {
        self.update(
            flow,
            "UPDATE flows SET updated_at = $2, active = $3, on_since = CASE WHEN active = 1 THEN on_since ELSE $2 END \
             WHERE flow = $1",
            active.into(),
        )
        .await
    }

    /// Takes flows out of the database, all of them or none; if `force`, also those that are on or that unfinished runs
    /// need, and the runs are to be cancelled. Gives how many runs the history of each has. Until changes are read, they
    /// are known here.
    pub(crate) async fn remove(&self, flows: &[&str], force: bool) -> Result<Vec<u64>, EngineError> {
        let ids: Vec<String> = flows.iter().map(|flow| (*flow).to_owned()).collect();
        let now = self.journal.now();
        let write = self.journal.database().write(move |connection| {
            Box::pin(async move {
                let mut kept = Vec::with_capacity(ids.len());
                for id in &ids {
                    kept.push(remove(connection, id, force, now).await?);
                }
                Ok(kept)
            })
        });
        write.await
    }

    /// Sets what can be set.
    pub(crate) async fn set(&self, flow: &str, settings: &FlowSettings) -> Result<(), EngineError> {
        let text = serde_json::to_string(settings).unwrap_or_default();
        self.update(flow, "UPDATE flows SET updated_at = $2, settings = $3 WHERE flow = $1", text.into()).await
    }

    /// Gives a flow a new client token; the old one no longer counts.
    pub(crate) async fn new_token(&self, flow: &str) -> Result<Secret, EngineError> {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let hash = token_hash(&token);
        self.update(flow, "UPDATE flows SET updated_at = $2, token_hash = $3 WHERE flow = $1", hash.into()).await?;
        Ok(Secret::new(token))
    }

    async fn update(&self, flow: &str, sql: &'static str, value: oktant_store::Value) -> Result<(), EngineError> {
        let changed = self.journal.run(sql, vec![flow.into(), self.journal.now().into(), value]).await?;
        if changed == 0 {
            return Err(EngineError::NoFlow(flow.to_owned()));
        }
        self.refresh().await
    }

    /// All flows, by id.
    pub(crate) fn all(&self) -> Vec<FlowEntry> {
        let mut all: Vec<_> = self.entries.read().values().cloned().collect();
        all.sort_by(|a, b| a.version.flow.id.cmp(&b.version.flow.id));
        all
    }

    /// The connection that a card of a flow uses.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoFlow`] if the flow was removed, and with it what its cards are bound to: what they name may be
    /// the name of another connection. [`EngineError::Journal`].
    pub(crate) async fn connection(&self, flow: &str, action: &Action) -> Result<Option<Arc<str>>, EngineError> {
        let bound = || {
            let entries = self.entries.read();
            let connection =
                |entry: &FlowEntry| entry.connection(&action.address, action.connection.as_ref()).map(Arc::from);
            entries.get(flow).map(connection)
        };
        if let Some(connection) = bound() {
            return Ok(connection);
        }
        // Another worker may have saved it just now.
        self.read_again().await?;
        bound().ok_or_else(|| EngineError::NoFlow(flow.to_owned()))
    }

    /// Whether there is a flow of this id.
    pub(crate) fn has(&self, flow: &str) -> bool {
        self.entries.read().contains_key(flow)
    }

    /// The flow of this id, or else of this alias.
    pub(crate) fn find(&self, name: &str) -> Result<FlowEntry, EngineError> {
        let entries = self.entries.read();
        let found = entries.get(name).or_else(|| entries.values().find(|entry| &*entry.alias == name));
        found.cloned().ok_or_else(|| EngineError::NoFlow(name.to_owned()))
    }

    /// The flow at this address, if it is switched on. Its id is no address: an alias cannot be guessed.
    pub(crate) fn at(&self, alias: &str) -> Result<FlowEntry, EngineError> {
        let entries = self.entries.read();
        let found = entries.values().find(|entry| &*entry.alias == alias && entry.active);
        found.cloned().ok_or_else(|| EngineError::NoFlow(alias.to_owned()))
    }

    /// The definition that counts, of a flow that is switched on.
    pub(crate) fn active(&self, flow: &str) -> Result<Arc<Version>, EngineError> {
        let entry = self.find(flow)?;
        if entry.active { Ok(entry.version) } else { Err(EngineError::Off(entry.version.flow.name.clone())) }
    }

    /// A definition that counts or counted.
    pub(crate) async fn version(&self, flow: &str, version: &str) -> Result<Arc<Version>, EngineError> {
        let key = (Name::from(flow), Name::from(version));
        if let Some(known) = self.versions.lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let definition = definition(self.journal.database().store(), flow, version).await?;
        let version = Arc::new(Version { flow: definition, version: key.1.clone() });
        self.versions.lock().insert(key, Arc::clone(&version));
        Ok(version)
    }
}

/// Reads a definition that counts or counted.
pub(crate) async fn definition(store: &dyn Store, flow: &str, version: &str) -> Result<Flow, EngineError> {
    let query = "SELECT definition FROM flow_versions WHERE flow = $1 AND version = $2";
    let row = store.reader().await?.fetch_one(query, &[flow.into(), version.into()]).await?;
    let text = row.ok_or_else(|| EngineError::NoFlow(format!("{flow} in version {version}")))?.text(0)?;
    serde_json::from_str(&text).map_err(|source| EngineError::Definition { flow: flow.to_owned(), source })
}

/// The unfinished runs that called the flow of which `$1` is what journals say of a call.
const CALLERS: &str = "ended_at IS NULL AND EXISTS (SELECT 1 FROM flow_segments \
     WHERE run = flow_runs.id AND replace(records, $1, '') <> records)";

/// Takes a flow out of the database, inside the transaction of the caller; gives how many runs its history has.
async fn remove(connection: &mut dyn Connection, id: &str, force: bool, now: i64) -> Result<u64, EngineError> {
    let flow = [oktant_store::Value::from(id)];
    let row = connection.fetch_one("SELECT active FROM flows WHERE flow = $1", &flow).await?;
    let is_on = row.ok_or_else(|| EngineError::NoFlow(id.to_owned()))?.int(0)? != 0;
    let count = "SELECT count(*), count(*) - count(ended_at) FROM flow_runs WHERE flow = $1";
    let row = connection.fetch_one(count, &flow).await?;
    let (runs, open) = row.map_or(Ok((0, 0)), |row| Ok::<_, StoreError>((row.int(0)?, row.int(1)?)))?;
    // They go on in the definition that they called first, which needs what the flow is bound to.
    let called = [Record::enter_text(id).into()];
    let row = connection.fetch_one(&format!("SELECT count(*) FROM flow_runs WHERE {CALLERS}"), &called).await?;
    let callers = row.map_or(Ok(0), |row| row.int(0))?;
    let why = match (is_on, open, callers) {
        _ if force => None,
        (true, ..) => Some("it is switched on".to_owned()),
        (false, 0, 0) => None,
        (false, 0, 1) => Some("a run that calls it is not over".to_owned()),
        (false, 0, callers) => Some(format!("{callers} runs that call it are not over")),
        (false, 1, _) => Some("a run of it is not over".to_owned()),
        (false, open, _) => Some(format!("{open} runs of it are not over")),
    };
    if let Some(why) = why {
        return Err(EngineError::InUse { flow: id.to_owned(), why });
    }
    connection.execute(&cancelling("flow = $1"), &flow).await?;
    connection.execute(&cancelling(CALLERS), &called).await?;
    connection.execute("DELETE FROM flows WHERE flow = $1", &flow).await?;
    // Runs may need them still; how long they are kept counts from here.
    let sql = "UPDATE flow_versions SET saved_at = $2 WHERE flow = $1";
    connection.execute(sql, &[id.into(), now.into()]).await?;
    Ok(u64::try_from(runs).unwrap_or(0))
}

fn token_hash(token: &str) -> String {
    hex(digest(&SHA256, token.as_bytes()).as_ref())
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_for_an_option_goes_with_it() {
        let flow = |options: &[(&str, &str)]| {
            let options = options.iter().map(|(key, value)| oktant_flow::model::Input {
                slot: oktant_flow::model::Slot::grouped("parameters", *key),
                ty: oktant_flow::model::Type::TEXT,
                required: false,
                source: Source::Constant((*value).into()),
            });
            let mut flow = oktant_flow::text::read("flow: Any\ntrigger: {type: helper}\nsteps: []\n").unwrap();
            flow.trigger.kind = TriggerKind::Event(Event {
                address: "okta:userCreated".parse().unwrap(),
                connection: None,
                options: options.collect(),
                delivery: oktant_flow::model::Delivery::Batch,
            });
            flow
        };
        let event = |flow: &Flow, settings: &FlowSettings| match &flow.trigger.kind {
            TriggerKind::Event(event) => settings.event(event).options.into_iter().map(|input| input.source).collect(),
            _ => Vec::new(),
        };
        let (before, changed, without) = (flow(&[("instance", "a")]), flow(&[("instance", "b")]), flow(&[]));
        let set = FlowSettings { options: [("instance".to_owned(), "x".to_owned())].into(), ..FlowSettings::default() };
        assert_eq!(event(&before, &set), [Source::Constant("x".into())]);
        assert_eq!(event(&without, &set), []);
        for (now, stays) in [(&before, true), (&changed, false), (&without, false)] {
            let mut settings = set.clone();
            settings.forget_changed_options(&before, now);
            assert_eq!(settings.options.is_empty(), !stays);
        }
    }

    #[test]
    fn a_bucket_gives_a_second_at_once_and_then_evenly() {
        let mut bucket = Bucket::default();
        let taken = |bucket: &mut Bucket, now| (0..20).filter(|_| bucket.take(now, 10)).count();
        assert_eq!(taken(&mut bucket, 1_000_000), 10);
        assert_eq!(taken(&mut bucket, 1_000_099), 0);
        assert_eq!(taken(&mut bucket, 1_000_200), 2);
        assert_eq!(taken(&mut bucket, 1_009_000), 10);
    }
}
