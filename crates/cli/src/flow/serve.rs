//! The flows of `oktant serve`: the engine, its endpoints, and the logs that start flows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oktant_connect::{Connectors, Needs, OrgCallers};
use oktant_engine::{Engine, HttpSettings, Source, Work, router};
use oktant_server::Beside;
use tokio::task::JoinHandle;

use super::desk;
use crate::args::{ConnectionArgs, FlowServeArgs, StoreArgs};
use crate::failure::Result;
use crate::{connect, serve};

/// Between two looks at which logs are to be read.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Flows that are run.
pub(crate) struct Serving {
    engine: Engine,
    logs: JoinHandle<()>,
    /// What the server adds to its own routes.
    pub(crate) beside: Beside,
}

/// Runs the flows of the database that the arguments name; of the default one if it is there, or if `alone`. `None` if
/// there is nothing to run. Cards that run SQL and name no connection ask `org`.
pub(crate) async fn start(args: &FlowServeArgs, org: &ConnectionArgs, alone: bool) -> Result<Option<Serving>> {
    if args.no_flows || (args.flows.is_none() && !alone && !connect::default_file()?.exists()) {
        return Ok(None);
    }
    let url = connect::database(&StoreArgs { store: args.flows.clone() })?;
    let hook_secret = args.event_hook_secret_file.as_deref().map(serve::password).transpose()?;
    let connectors = connect::connectors(&url).await?;
    let keep = Duration::from_hours(24 * u64::from(args.keep_days));
    let engine = desk::engine(&url, &connectors, org, Work::All, |settings| settings.retention = keep).await?;
    let callers = Arc::new(OrgCallers::new(connectors.connections().clone()));
    let routes = router(
        engine.clone(),
        HttpSettings { hook_secret, hook_open: args.event_hook_open, callers, ..HttpSettings::default() },
    );
    let figures = {
        let engine = engine.clone();
        Arc::new(move || engine.metrics().prometheus())
    };
    let [logs, records] = [args.poll_interval, args.records_interval].map(Duration::from_secs);
    let interval = move |kind| if kind == Listened::Records { records } else { logs };
    let logs = tokio::spawn(read_logs(engine.clone(), connectors, interval));
    Ok(Some(Serving { engine, logs, beside: Beside { routes, figures } }))
}

impl Serving {
    /// Lets the runs come to a stop; they go on after the next start.
    pub(crate) async fn close(self) {
        self.logs.abort();
        self.engine.close().await;
    }
}

/// Reads what starts the flows that are on: the records of Salesforce, and the System Log of each org. That also where
/// a hook brings its events, since one that comes both ways starts a flow once.
async fn read_logs(engine: Engine, connectors: Connectors, interval: impl Fn(Listened) -> Duration) {
    let clock = Arc::clone(&connectors.connections().edges().clock);
    let mut followed = HashMap::new();
    loop {
        let mut wanted = sources(&engine, &connectors);
        wanted.retain(|_, (kind, _)| !interval(*kind).is_zero());
        for (name, (kind, source)) in &wanted {
            let begin = || engine.follow(Arc::clone(source), interval(*kind));
            followed.entry(name.clone()).or_insert_with(begin);
        }
        for (_, reading) in followed.extract_if(|name, _| !wanted.contains_key(name)) {
            reading.cancel();
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

/// What a flow listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listened {
    /// The System Log of an Okta org.
    Log,
    /// Records of a Salesforce org.
    Records,
}

/// What the flows that are on listen to, by name.
pub(super) fn sources(engine: &Engine, connectors: &Connectors) -> HashMap<String, (Listened, Arc<dyn Source>)> {
    let flows = engine.flows();
    let active = flows.iter().filter(|entry| entry.active);
    let of = active.filter_map(|entry| {
        let event = entry.event()?;
        let connection = entry.connection(&event.address, event.connection.as_ref())?;
        let kind = match Needs::of(&event.address).service() {
            Some("salesforce") => Listened::Records,
            _ => Listened::Log,
        };
        Some((kind, connectors.source(&event, connection)?))
    });
    of.map(|(kind, source)| (source.name().to_owned(), (kind, source))).collect()
}
