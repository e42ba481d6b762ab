//! A local Salesforce org that behaves like a real one: OAuth, REST, SOQL, users and licences.
//!
//! # Source
//!
//! Behaviour follows the vendor's public documentation. Where that is silent the code says that it is assumed.

mod change;
mod check;
mod error;
mod id;
mod oauth;
mod org;
mod rest;
mod rules;
mod schema;
mod seed;
mod server;
mod soql;
mod sosl;
mod store;

use std::ops::Deref;
use std::sync::Arc;

use oktant_base::{Clock, Entropy, Secret, SeededEntropy, SystemClock, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use crate::http::{Fault, Traffic};
use crate::listener::{Listener, Server};
use crate::oauth::KeyRing;
use crate::sandbox::Error;
use oauth::ConnectedApp;
use org::{Org, Settings};
use schema::Schema;
pub use schema::SchemaError;
use store::Store;

/// The objects and fields of an org.
#[derive(Debug, Clone)]
pub struct SalesforceSchema(Arc<Schema>);

impl SalesforceSchema {
    /// The standard objects with those of a schema file; `docs/guides/sandbox.md` explains its form.
    ///
    /// # Errors
    ///
    /// What in it cannot be read, with the place.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        Schema::new(Some(text)).map(|schema| Self(Arc::new(schema)))
    }
}

impl Default for SalesforceSchema {
    fn default() -> Self {
        Self(Arc::new(Schema::new(None).expect("the standard objects are well formed")))
    }
}

/// Settings of a Salesforce org; [`SalesforceBuilder::start`] runs it.
#[derive(Debug, Clone)]
#[must_use]
pub struct SalesforceBuilder {
    port: u16,
    seed: u64,
    clock: Arc<dyn Clock>,
    schema: SalesforceSchema,
    settings: Settings,
    faults: Vec<Fault>,
}

impl Default for SalesforceBuilder {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            clock: Arc::new(SystemClock),
            schema: SalesforceSchema::default(),
            settings: Settings::default(),
            faults: Vec::new(),
        }
    }
}

impl SalesforceBuilder {
    /// Port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Seed of secrets and tokens.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where the org takes its time from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Objects and fields; the standard ones by default.
    pub fn schema(mut self, schema: SalesforceSchema) -> Self {
        self.schema = schema;
        self
    }

    /// Faults to begin with; see [the table](crate#faults).
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// How long an access token lives that is not used, in seconds; two hours by default.
    pub fn token_lifetime_seconds(mut self, seconds: u32) -> Self {
        self.settings.token_lifetime_seconds = seconds;
        self
    }

    /// Whether every use of a refresh token gives a new one and ends the old one.
    pub fn rotate_refresh_tokens(mut self, rotate: bool) -> Self {
        self.settings.rotate_refresh_tokens = rotate;
        self
    }

    /// Requests of a day; 15,000 by default.
    pub fn daily_api_requests(mut self, requests: u64) -> Self {
        self.settings.daily_api_requests = requests;
        self
    }

    /// Makes the org and serves it on 127.0.0.1 in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the port is taken.
    pub async fn start(self) -> Result<Salesforce, Error> {
        let listener = Listener::bind(self.port).await?;
        let (org, announcement) = self.build(listener.url());
        let org = Arc::new(org);
        let server = listener.serve(server::router(Arc::clone(&org)));
        Ok(Salesforce { org, server, announcement })
    }

    fn build(self, url: String) -> (Org, SalesforceAnnouncement) {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(self.seed));
        let now = self.clock.now();
        let mut store = Store::new(Arc::clone(&self.schema.0));
        let (id, admin) = seed::fill(&mut store, now);
        let org = Org {
            id,
            schema: self.schema.0,
            store: Mutex::new(store),
            grants: Mutex::default(),
            cursors: Mutex::default(),
            settings: Mutex::new(self.settings),
            usage: Mutex::default(),
            traffic: Traffic::new(self.faults),
            keys: KeyRing::default(),
            clock: self.clock,
            entropy,
            started: now,
            url,
        };
        let client_id = format!("3MVG9{}", org.token(80).replace('-', "."));
        let secret = org.token(64);
        let app = ConnectedApp::seeded(client_id.clone(), Secret::new(secret.clone()), seed::ADMIN_USERNAME);
        org.grants.lock().add_app(app);
        let access_token = oauth::new_session(&org, admin, &client_id, &["full".to_owned()], None);
        let announcement = SalesforceAnnouncement {
            url: org.url.clone(),
            login_url: org.url.clone(),
            client_id,
            client_secret: secret,
            user: seed::ADMIN_USERNAME.to_owned(),
            password: seed::ADMIN_PASSWORD.to_owned(),
            access_token,
        };
        (org, announcement)
    }
}

/// What a Salesforce org says once it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SalesforceAnnouncement {
    /// Base of every call of the API, `instance_url` of the tokens.
    pub url: String,
    /// Where people log in and tokens are given out; the same server.
    pub login_url: String,
    /// Consumer key of a connected app that may do every flow.
    pub client_id: String,
    /// Consumer secret of that app.
    pub client_secret: String,
    /// User name of the administrator.
    pub user: String,
    /// Password of the administrator.
    pub password: String,
    /// An access token of the administrator.
    pub access_token: String,
}

/// A running Salesforce org; dropping it stops it.
#[derive(Debug)]
pub struct Salesforce {
    org: Arc<Org>,
    server: Server,
    announcement: SalesforceAnnouncement,
}

/// What it received, and its faults.
impl Deref for Salesforce {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        &self.org.traffic
    }
}

impl Salesforce {
    /// Settings to start from: a new org on a free port.
    pub fn builder() -> SalesforceBuilder {
        SalesforceBuilder::default()
    }

    /// Where it listens, such as `http://127.0.0.1:4096`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What to print once it is ready.
    pub fn announcement(&self) -> &SalesforceAnnouncement {
        &self.announcement
    }

    /// The records of an object, deleted ones left out, each with its `Id` and every field that is not null.
    pub fn records(&self, object: &str) -> Vec<Value> {
        let store = self.org.store.lock();
        let record = |row: &Arc<store::Row>| {
            let mut values = row.values.clone();
            values.insert("Id".to_owned(), row.id.as_str().into());
            values.retain(|_, value| !value.is_null());
            Value::Object(values)
        };
        store.rows(object).map(record).collect()
    }

    /// Ends every session; refresh tokens stay good.
    pub fn expire_tokens(&self) {
        self.org.grants.lock().expire_sessions();
    }

    /// Ends every refresh token, and the sessions made from them.
    pub fn revoke_grants(&self) {
        self.org.grants.lock().revoke_all();
    }

    /// Stops listening and waits until the answers under way are sent.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

/// Feeds any bytes to the reader of SOQL, and runs what it accepts over a new org: a target for fuzzing.
pub(crate) fn fuzz_soql(bytes: &[u8]) {
    static STORE: std::sync::LazyLock<Store> = std::sync::LazyLock::new(|| {
        let mut store = Store::new(SalesforceSchema::default().0);
        seed::fill(&mut store, Timestamp::UNIX_EPOCH);
        store
    });
    soql::fuzz(&STORE, bytes, Timestamp::UNIX_EPOCH);
    // What is found of a search is no matter here.
    let _ = sosl::Search::parse(&String::from_utf8_lossy(bytes));
}
