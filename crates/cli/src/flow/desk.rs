//! The database of flows, and whoever runs flows from it.

use std::sync::Arc;
use std::time::Duration;

use oktant_base::Secret;
use oktant_client::Edges;
use oktant_connect::Connectors;
use oktant_connect::connection::Connection;
use oktant_connect::query::WithSql;
use oktant_engine::{Engine, EngineError, FlowEntry, Settings, Work, Worker};
use oktant_flow_tables::REDACT;

use super::bindings::placeholders;
use super::queries::CardQueries;
use crate::args::{ConnectionArgs, StoreArgs};
use crate::connect;
use crate::failure::{Error, Result};

/// Flows, connections and tables of one database.
pub(crate) struct Desk {
    pub(crate) connectors: Connectors,
    pub(crate) engine: Engine,
    url: String,
    /// The org of cards that name no connection.
    org: ConnectionArgs,
    work: Work,
}

impl Desk {
    /// A desk that runs nothing: what it changes is left to a server.
    pub(crate) async fn open(args: &StoreArgs) -> Result<Self> {
        Self::of(args, &ConnectionArgs::default()).await
    }

    async fn of(args: &StoreArgs, org: &ConnectionArgs) -> Result<Self> {
        let url = connect::database(args)?;
        let connectors = connect::connectors(&url).await?;
        let engine = engine(&url, &connectors, org, Work::None, |_| {}).await?;
        Ok(Self { connectors, engine, url, org: org.clone(), work: Work::None })
    }

    /// A desk that runs what begins from now on, unless a server has the database.
    pub(crate) async fn at_work(args: &StoreArgs, org: &ConnectionArgs) -> Result<Self> {
        let desk = Self::of(args, org).await?;
        let now = desk.edges().clock.now();
        desk.or_at_work(now).await
    }

    /// The same desk, or one that runs what began at `since` or later if no server has the database.
    async fn or_at_work(self, since: oktant_base::Timestamp) -> Result<Self> {
        let work = Work::Since(since);
        match engine(&self.url, &self.connectors, &self.org, work, |_| {}).await {
            Ok(engine) => Ok(Self { engine, work, ..self }),
            Err(EngineError::Locked { .. }) => Ok(self),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this process runs what it starts.
    pub(crate) fn runs_here(&self) -> bool {
        self.work != Work::None
    }

    /// Runs what began at `since`, if whoever had the database has left it.
    pub(crate) async fn take_over(&mut self, since: oktant_base::Timestamp) -> Result<()> {
        if self.runs_here() {
            return Ok(());
        }
        let desk = Self {
            connectors: self.connectors.clone(),
            engine: self.engine.clone(),
            url: self.url.clone(),
            org: self.org.clone(),
            work: self.work,
        };
        *self = desk.or_at_work(since).await?;
        Ok(())
    }

    pub(crate) fn edges(&self) -> &Edges {
        self.connectors.connections().edges()
    }

    /// The flow of this id or name, in any letter case, if it is the only one.
    pub(crate) fn flow(&self, wanted: &str) -> Result<FlowEntry> {
        if let Ok(entry) = self.engine.flow(wanted) {
            return Ok(entry);
        }
        let named = |entry: &FlowEntry| entry.version.flow.name.to_lowercase() == wanted.to_lowercase();
        let mut found: Vec<_> = self.engine.flows().into_iter().filter(named).collect();
        match (found.pop(), found.len()) {
            (Some(entry), 0) => Ok(entry),
            (Some(last), _) => {
                let ids: Vec<_> = found.iter().chain([&last]).map(|entry| entry.version.flow.id.as_str()).collect();
                let hint = format!("name one of them by its id: {}", ids.join(", "));
                Err(Error::misuse(format!("several flows have the name \"{wanted}\""), &hint).into())
            }
            (None, _) => Err(EngineError::NoFlow(wanted.to_owned()).into()),
        }
    }

    /// The connections there are.
    pub(crate) async fn connections(&self) -> Result<Vec<Connection>> {
        Ok(self.connectors.connections().list().await?)
    }

    /// The flows whose cards sign in with a connection.
    pub(crate) fn users(&self, connection: &Connection) -> Vec<FlowEntry> {
        let uses = |entry: &FlowEntry| {
            placeholders(&entry.version.flow).into_keys().any(|placeholder| {
                let bound = entry.settings.connections.get(&placeholder).unwrap_or(&placeholder);
                *bound == connection.id || *bound == connection.name
            })
        };
        self.engine.flows().into_iter().filter(uses).collect()
    }

    /// Waits for a moment.
    pub(crate) async fn pause(&self, time: Duration) {
        self.edges().clock.sleep(time).await;
    }

    /// Lets what it runs come to a stop.
    pub(crate) async fn close(&self) {
        self.engine.close().await;
    }
}

/// An engine over the database at `url`, whose cards are those of `connectors`, and SQL over `org`.
pub(crate) async fn engine(
    url: &str,
    connectors: &Connectors,
    org: &ConnectionArgs,
    work: Work,
    set: impl FnOnce(&mut Settings),
) -> std::result::Result<Engine, EngineError> {
    let edges = connectors.connections().edges();
    let mut settings = Settings { work, ..Settings::default() };
    if !url.starts_with("sqlite:") {
        // Among others, each has a name of its own.
        let mut number = [0; 8];
        edges.entropy.fill(&mut number);
        settings.worker =
            Worker { name: format!("worker-{:016x}", u64::from_be_bytes(number)).into(), ..settings.worker };
    }
    let redact = edges.variables.get(REDACT).map(String::as_str).unwrap_or_default();
    settings.redact = redact.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    set(&mut settings);
    let flows = StoreArgs { store: Some(Secret::new(url.to_owned())) };
    let runner = if work == Work::All { "`oktant serve`" } else { "the command" };
    let queries = CardQueries::new(org.clone(), flows, connectors.clone(), runner);
    let edges = oktant_engine::Edges {
        clock: Arc::clone(&edges.clock),
        entropy: Arc::clone(&edges.entropy),
        actions: Arc::new(WithSql::new(Arc::new(connectors.clone()), Arc::new(queries))),
        events: Arc::new(connectors.clone()),
    };
    Engine::open(url, edges, settings).await
}
