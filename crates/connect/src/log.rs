//! The System Log of an org as a source of events, for those who have no public address for hooks.
//!
//! # Source
//!
//! Okta developer reference, System Log API, "Polling requests": a query without `until` always links to what comes
//! after it.

use async_trait::async_trait;
use http::HeaderValue;
use http::header::LINK;
use oktant_base::Timestamp;
use oktant_engine::{CardError, ErrorKind, Source};
use oktant_functions::Value as FlowValue;
use serde_json::Value;
use url::Url;

use crate::connection::Live;
use crate::connectors::Connectors;
use crate::failure::{body, refusal};
use crate::fields::flow_value;
use crate::manifest::expression::text;
use crate::manifest::next_link;
use crate::manifest::run::{Prepared, Target, Transport as _};
use crate::transport::OktaTransport;

/// Events that one request asks for; as many as the org gives.
const PAGE: u32 = 1000;

/// The System Log of the org of one connection.
#[derive(Debug, Clone)]
pub struct EventLog {
    connectors: Connectors,
    connection: String,
    name: String,
}

impl EventLog {
    pub(crate) fn new(connectors: Connectors, connection: &str) -> Self {
        Self { connectors, connection: connection.to_owned(), name: format!("okta-log:{connection}") }
    }

    async fn page(&self, position: &str) -> Result<(Vec<FlowValue>, String), CardError> {
        let connections = self.connectors.connections();
        let live = connections.live(&self.connection).await?;
        let name = live.connection.name.clone();
        self.read(live, position).await.map_err(|error| {
            // Whoever reads the server's log knows the connection by its name.
            let message = format!("the System Log of connection \"{name}\": {}", error.message);
            CardError { message, ..error }
        })
    }

    async fn read(&self, live: Live, position: &str) -> Result<(Vec<FlowValue>, String), CardError> {
        let transport = OktaTransport::new(self.connectors.connections(), self.connectors.orgs(), live);
        let target = Target::Path(below_org(position));
        let (query, headers) = (Vec::new(), Vec::new());
        let request = Prepared { method: "GET".to_owned(), target, query, headers, body: None, repeatable: true };
        let response = transport.send(&request).await?;
        if !response.is_success() {
            let message = body(&response).get("errorSummary").map(text);
            return Err(refusal(&response, message, transport.retry_after(&response), true));
        }
        let Value::Array(events) = body(&response) else {
            return Err(unreadable("the answer is no list of events"));
        };
        // Without it the same events would be read again and again.
        let written = |header: &HeaderValue| String::from_utf8_lossy(header.as_bytes()).into_owned();
        let links: Vec<String> = response.headers.get_all(LINK).iter().map(written).collect();
        let next = next_link(&links.join(", ")).map_err(|wrong| unreadable(&wrong.to_string()))?;
        let next = next.ok_or_else(|| unreadable("the answer does not say where the log goes on"))?;
        Ok((events.into_iter().map(flow_value).collect(), below_org(&next)))
    }
}

fn unreadable(problem: &str) -> CardError {
    CardError::new(ErrorKind::Unavailable, format!("it cannot be read on: {problem}"))
}

/// A position without the org's address, which may change while the log goes on.
fn below_org(position: &str) -> String {
    match Url::parse(position) {
        Ok(url) => url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())),
        Err(_) => position.to_owned(),
    }
}

#[async_trait]
impl Source for EventLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn connection(&self) -> Option<&str> {
        Some(&self.connection)
    }

    async fn poll(&self, position: Option<&str>) -> Result<(Vec<FlowValue>, String), CardError> {
        match position {
            Some(position) => self.page(position).await,
            None => self.begin(self.connectors.connections().edges().clock.now()).await,
        }
    }

    async fn begin(&self, since: Timestamp) -> Result<(Vec<FlowValue>, String), CardError> {
        let since = since.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        Ok((Vec::new(), format!("/api/v1/logs?since={since}&limit={PAGE}&sortOrder=ASCENDING")))
    }
}
