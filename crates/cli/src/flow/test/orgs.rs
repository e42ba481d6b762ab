//! The orgs that a test acts on: fresh ones, of the sandbox, in this process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use oktant_base::{Clock, Entropy, Secret, Timestamp};
use oktant_client::Edges;
use oktant_connect::Connectors;
use oktant_connect::connection::{Auth, ConnectStore, Connection, Connections, SealingKey, Secrets};
use oktant_connect::files::FolderFiles;
use oktant_connect::guard::{Guard, SystemLookup};
use oktant_connect::http::Http;
use oktant_connect::manifest::Manifest;
use oktant_connect::query::WithSql;
use oktant_engine::{Actions, CardError, Source};
use oktant_flow::model::Project;
use oktant_functions::Value as FlowValue;
use oktant_sandbox::{Fault, Salesforce, Sandbox};
use serde_json::{Map, Value};

use super::super::queries::CardQueries;
use super::super::switch;
use super::case::{Expected, Request};
use super::cast::holds;
use crate::args::{ConnectionArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::sandbox::by_org;

/// Seeds of the two orgs: different ones, so that no two secrets are alike.
const SEEDS: (u64, u64) = (1, 2);

/// An Okta org and a Salesforce org, connections to both, and a folder for what belongs to the test.
pub(super) struct Orgs {
    okta: Sandbox,
    salesforce: Salesforce,
    pub(super) connectors: Connectors,
    /// The address of the database.
    pub(super) url: String,
    /// What the requests answered that have names.
    answers: Map<String, Value>,
    _folder: tempfile::TempDir,
}

impl Orgs {
    /// Orgs with nothing in them but what every org has, and the tables of `project`.
    pub(super) async fn start(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, project: &Project) -> Result<Self> {
        let (of_okta, of_salesforce) = SEEDS;
        let okta = Sandbox::builder().seed(of_okta).clock(Arc::clone(&clock)).start().await?;
        let salesforce = Salesforce::builder().seed(of_salesforce).clock(Arc::clone(&clock)).start().await?;
        let folder = tempfile::tempdir().map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
        let url = format!("sqlite://{}", folder.path().join("flows.db").display());
        let hosts: Vec<String> =
            [okta.url(), salesforce.url()].iter().map(|url| url.trim_start_matches("http://").to_owned()).collect();
        let guard = Guard::allowing(&hosts.join(","));
        let guard = guard.map_err(|problem| Error::misuse(problem, "this is a mistake of the program"))?;
        let http = Http::new(guard, Arc::new(SystemLookup))?;
        let key = SealingKey::from_text(&SealingKey::generate(&*entropy))?;
        let files = FolderFiles::new(folder.path().join("files"), Arc::clone(&entropy));
        let edges = Edges { clock, entropy, ..Edges::system() };
        let connections = Connections::new(ConnectStore::open(&url).await?, key, http, edges);
        connect(&connections, &okta, &salesforce).await?;
        let connectors = Connectors::new(connections, Arc::new(files));
        for table in project.tables.values() {
            switch::define(connectors.tables(), table).await?;
        }
        Ok(Self { okta, salesforce, connectors, url, answers: Map::new(), _folder: folder })
    }

    /// What acts on the orgs.
    pub(super) fn actions(&self) -> Arc<dyn Actions> {
        let org = ConnectionArgs { dsn: Some(Secret::new(self.okta.dsn())) };
        let flows = StoreArgs { store: Some(Secret::new(self.url.clone())) };
        let queries = CardQueries::new(org, flows, self.connectors.clone(), "the test");
        Arc::new(WithSql::new(Arc::new(self.connectors.clone()), Arc::new(queries)))
    }

    /// From now on the orgs have these faults.
    pub(super) fn break_by(&self, faults: &[Fault]) {
        let (there, here) = by_org(faults.to_vec());
        for fault in here {
            self.okta.add_fault(fault);
        }
        for fault in there {
            self.salesforce.add_fault(fault);
        }
    }

    /// Asks the orgs one after another, and keeps what they answer; what did not go as the test says.
    pub(super) async fn ask(&mut self, requests: &[Request], problems: &mut Vec<String>) {
        for request in requests {
            if let Err(problem) = self.ask_one(request).await {
                problems.push(problem);
                return;
            }
        }
    }

    async fn ask_one(&mut self, request: &Request) -> Result<(), String> {
        let (service, method, path) = request.parts().unwrap_or_default();
        let path = self.filled_text(path)?;
        let body = Some(self.filled(&request.body)?).filter(|body| !body.is_null());
        let answer = self.connectors.request(service, method, &path, body.as_ref()).await;
        let answer = answer.map_err(|error| format!("{service}: {method} {path}: {}", error.message))?;
        let wanted = self.filled(&request.answers)?;
        if !wanted.is_null() && !holds(&answer, &wanted) {
            return Err(format!("{service}: {method} {path} answered {answer}, not {wanted}"));
        }
        if let Some(name) = &request.name {
            self.answers.insert(name.clone(), answer);
        }
        Ok(())
    }

    /// A value with what the orgs have answered in the place of `${name.member}`.
    fn filled(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match whole(text) {
                Some(name) => self.answer(name)?.clone(),
                None => Value::String(self.filled_text(text)?),
            },
            Value::Array(items) => Value::Array(items.iter().map(|item| self.filled(item)).collect::<Result<_, _>>()?),
            Value::Object(members) => Value::Object(self.filled_map(members)?),
            other => other.clone(),
        })
    }

    /// The same of named values.
    pub(super) fn filled_map(&self, map: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        map.iter().map(|(key, value)| Ok((key.clone(), self.filled(value)?))).collect()
    }

    /// The same of an expected call.
    pub(super) fn filled_call(&self, call: &Expected) -> Result<Expected, String> {
        let (with, gives) = (self.filled_map(&call.with)?, self.filled_map(&call.gives)?);
        let records = call.records.as_ref().map(|records| records.iter().map(|record| self.filled(record)).collect());
        Ok(Expected { with, gives, records: records.transpose()?, ..call.clone() })
    }

    fn filled_text(&self, text: &str) -> Result<String, String> {
        let mut pieces = text.split("${");
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').ok_or_else(|| format!("\"{text}\" has a ${{ without a }}"))?;
            match self.answer(name)? {
                Value::String(text) => filled.push_str(text),
                other => {
                    let _ = write!(filled, "{other}");
                }
            }
            filled.push_str(rest);
        }
        Ok(filled)
    }

    /// What `name.member.0` means.
    fn answer(&self, name: &str) -> Result<&Value, String> {
        let mut parts = name.split('.');
        let first = parts.next().and_then(|first| self.answers.get(first));
        let found = parts.try_fold(first, |value, part| match value {
            Some(Value::Array(items)) => Some(part.parse().ok().and_then(|index: usize| items.get(index))),
            Some(value) => Some(value.get(part)),
            None => None,
        });
        let missing = || format!("${{{name}}} is nothing that an earlier request with `as` has answered");
        found.flatten().ok_or_else(missing)
    }
}

/// The name that a text consists of, if it is one.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains(['{', '}']))
}

/// Makes the connections `okta` and `salesforce`.
async fn connect(connections: &Connections, okta: &Sandbox, salesforce: &Salesforce) -> Result<()> {
    let secret = |name: &str, value: &str| Secrets::of([(name.to_owned(), Secret::new(value.to_owned()))]);
    let settings = [("domain".to_owned(), okta.url())].into();
    let draft = Connection { settings, ..connections.draft("okta", "okta", Auth::OktaToken) };
    connections.put(draft, &secret("token", okta.api_token()), false).await?;
    let known = salesforce.announcement();
    let mut settings = BTreeMap::from([
        ("domain".to_owned(), known.login_url.clone()),
        ("client_id".to_owned(), known.client_id.clone()),
    ]);
    if let Some(manifest) = Manifest::own().get("salesforce") {
        manifest.derive(&mut settings)?;
    }
    let draft = Connection { settings, ..connections.draft("salesforce", "salesforce", Auth::OauthClient) };
    connections.put(draft, &secret("client_secret", &known.client_secret), false).await?;
    Ok(())
}

/// A source of events that tells how often it has been looked at.
#[derive(Debug)]
pub(super) struct Watched {
    source: Arc<dyn Source>,
    looks: AtomicU64,
}

impl Watched {
    pub(super) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, looks: AtomicU64::new(0) }
    }

    pub(super) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Acquire)
    }

    fn noted<T>(&self, looked: Result<T, CardError>) -> Result<T, CardError> {
        self.looks.fetch_add(u64::from(looked.is_ok()), Ordering::AcqRel);
        looked
    }
}

#[async_trait]
impl Source for Watched {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn connection(&self) -> Option<&str> {
        self.source.connection()
    }

    async fn poll(&self, position: Option<&str>) -> Result<(Vec<FlowValue>, String), CardError> {
        self.noted(self.source.poll(position).await)
    }

    async fn begin(&self, since: Timestamp) -> Result<(Vec<FlowValue>, String), CardError> {
        self.noted(self.source.begin(since).await)
    }
}
