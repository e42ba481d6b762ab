//! Starting, observing and stopping a sandbox.

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use oktant_base::{Clock, Code, Coded, Entropy, Secret, SeededEntropy, SystemClock, Timestamp, codes};
use oktant_catalog::Plan;
use parking_lot::RwLock;
use serde::Serialize;

use crate::auth_servers;
use crate::certificate::OrgCertificate;
use crate::clock::ClockFrom;
use crate::generate::{self, ADMIN_LOGIN, ADMIN_PASSWORD, Size};
use crate::hooks::{Loopback, Outgoing};
use crate::http::{self, ApiToken, Fault, Limits, RateLimits, Traffic};
use crate::listener::{Listener, Server};
use crate::oauth::{AuthorizationServer, BuiltInClients, OrgDirectory};
use crate::org::{self, Org};
use crate::resources;
use crate::salesforce::{Salesforce, SalesforceAnnouncement, SalesforceBuilder};
use crate::store::Stamp;
use crate::truth::Truth;

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on 127.0.0.1 port {port}")]
    Listen {
        /// The port asked for, 0 for any.
        port: u16,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Listen { .. } => codes::OKT5001,
        }
    }
}

/// Settings of a sandbox; [`Builder::start`] runs it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    port: u16,
    users: usize,
    groups: usize,
    seed: u64,
    latency: Duration,
    rate_limits: RateLimits,
    plan: Plan,
    faults: Vec<Fault>,
    clock: Arc<dyn Clock>,
    entropy: Option<Arc<dyn Entropy>>,
    outgoing: Arc<dyn Outgoing>,
    service_app_key: Option<Jwk>,
    salesforce: Option<SalesforceBuilder>,
    snowflake: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            port: 0,
            users: 0,
            groups: 0,
            seed: 1,
            latency: Duration::ZERO,
            rate_limits: RateLimits::Off,
            plan: Plan::Enterprise,
            faults: Vec::new(),
            clock: Arc::new(SystemClock),
            entropy: None,
            outgoing: Arc::new(Loopback::default()),
            service_app_key: None,
            salesforce: None,
            snowflake: false,
        }
    }
}

impl Builder {
    /// Port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Users to generate besides the administrator. 0, the default, gives an org with its built-in objects only.
    pub fn users(mut self, users: usize) -> Self {
        self.users = users;
        self
    }

    /// Groups to generate; each user is put into about ten of them.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Seed of everything generated: the same seed and clock give the same org.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Time that every answer of the API takes longer.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// How callers are limited; not at all by default.
    pub fn rate_limits(mut self, rate_limits: RateLimits) -> Self {
        self.rate_limits = rate_limits;
        self
    }

    /// The plan whose limits [`RateLimits::Okta`] applies; enterprise by default.
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// Faults to begin with; see [the table](crate#faults).
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// Where the org takes its time from.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The time at which the org is made; its clock runs on from there. Arguments that are the same then give
    /// the same org to the last time in it.
    pub fn now(self, now: Timestamp) -> Self {
        self.clock(Arc::new(ClockFrom::new(now)))
    }

    /// Where tokens and request ids come from; a generator started with the seed by default.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// How the org reaches the servers of its hooks; over the loopback interface by default.
    pub fn outgoing(mut self, outgoing: Arc<dyn Outgoing>) -> Self {
        self.outgoing = outgoing;
        self
    }

    /// Registers the public key of the service applications, for `private_key_jwt`.
    pub fn service_app_key(mut self, key: Jwk) -> Self {
        self.service_app_key = Some(key);
        self
    }

    /// Runs a Salesforce org beside the Okta org, with the same clock and seed; none by default.
    pub fn salesforce(mut self, salesforce: SalesforceBuilder) -> Self {
        self.salesforce = Some(salesforce);
        self
    }

    /// Adds an application "Snowflake" to generated people: assigned to two groups, which it pushes. None by default.
    pub fn snowflake(mut self) -> Self {
        self.snowflake = true;
        self
    }

    /// Generates the org and serves it on 127.0.0.1 in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if the port is taken.
    pub async fn start(self) -> Result<Sandbox, Error> {
        let listener = Listener::bind(self.port).await?;
        let salesforce = match self.salesforce.clone() {
            Some(settings) => Some(settings.seed(self.seed).clock(Arc::clone(&self.clock)).start().await?),
            None => None,
        };
        let org = self.build_org(&listener.url());
        let server = listener.serve(http::router(Arc::clone(&org)));
        Ok(Sandbox { org, server, salesforce })
    }

    fn build_org(self, url: &str) -> Arc<Org> {
        let entropy = self.entropy.unwrap_or_else(|| Arc::new(SeededEntropy::new(self.seed)));
        let size = Size { users: self.users, groups: self.groups };
        // Looked at once: what a big org is made of must not depend on how long that takes.
        let now = self.clock.now();
        let mut store = generate::org(self.seed, size, now);
        // Drawn from a generator of its own, so that tokens do not depend on what an org contains.
        let built_in = SeededEntropy::new(self.seed);
        resources::populate(&mut store, url, Stamp::of(now), &built_in);
        auth_servers::furnish_default(&mut store, Stamp::of(now), &built_in);
        let admin = store.admin;
        let api_token = ApiToken {
            value: Secret::new(format!("00{}", org::token(entropy.as_ref(), 40))),
            id: store.ids.next("00T"),
            user: admin,
        };
        let secret = Secret::new(org::token(entropy.as_ref(), 64));
        resources::register_api_token(&mut store, api_token.id.as_str(), Stamp::of(now));
        let clients = BuiltInClients::new(&mut store, secret, self.service_app_key.as_ref());
        if self.snowflake && self.users > 0 {
            generate::snowflake::add(&mut store, &SeededEntropy::new(self.seed), Stamp::of(now));
        }
        Arc::new_cyclic(|org| Org {
            store: RwLock::new(store),
            traffic: Traffic::new(self.faults),
            limits: Limits::new(self.rate_limits, self.plan),
            latency: self.latency,
            api_token,
            clients,
            outgoing: self.outgoing,
            certificate: OrgCertificate::default(),
            oauth: AuthorizationServer::new(
                url,
                Arc::new(OrgDirectory::new(Weak::clone(org))),
                Arc::clone(&self.clock),
                Arc::clone(&entropy),
            ),
            clock: self.clock,
            entropy,
        })
    }
}

/// A running sandbox; dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    org: Arc<Org>,
    server: Server,
    salesforce: Option<Salesforce>,
}

/// What it received, and its faults.
impl Deref for Sandbox {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        &self.org.traffic
    }
}

/// What a sandbox says once it is ready, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announcement {
    /// Where it listens, such as `http://127.0.0.1:4096`.
    pub url: String,
    /// A token of the administrator, for `Authorization: SSWS …`.
    pub api_token: String,
    /// An OAuth client that may do the code flow and has every scope.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Login of the administrator.
    pub admin_login: String,
    /// Password of the administrator.
    pub admin_password: String,
    /// A connection string that works as it is.
    pub dsn: String,
    /// The Salesforce org beside it, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salesforce: Option<SalesforceAnnouncement>,
}

impl Sandbox {
    /// Settings to start from: an empty org on a free port, without limits.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens, such as `http://127.0.0.1:4096`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The clock that the org goes by.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.org.clock)
    }

    /// A token of the administrator, for `Authorization: SSWS …`.
    pub fn api_token(&self) -> &str {
        self.org.api_token.value.expose()
    }

    /// Id of an OAuth client that may do the code flow and has every scope.
    pub fn client_id(&self) -> &str {
        &self.org.clients.web.id
    }

    /// Secret of that client.
    pub fn client_secret(&self) -> &str {
        self.org.clients.web.secrets.first().map_or("", |secret| secret.expose())
    }

    /// Id of a public OAuth client: the code flow with PKCE and without a secret. It is
    /// [`SANDBOX_CLIENT_ID`](oktant_base::SANDBOX_CLIENT_ID) in every sandbox.
    pub fn native_client_id(&self) -> &str {
        &self.org.clients.native.id
    }

    /// Id of the service application; see [`Builder::service_app_key`].
    pub fn service_client_id(&self) -> &str {
        &self.org.clients.service.id
    }

    /// Id of the service application whose tokens are bound by `DPoP`; it has the same key.
    pub fn bound_service_client_id(&self) -> &str {
        &self.org.clients.bound_service.id
    }

    /// Makes every access token issued so far count as expired; refresh tokens stay good.
    pub fn expire_tokens(&self) {
        self.org.oauth.expire_tokens();
    }

    /// Login of the administrator.
    pub fn admin_login(&self) -> &str {
        ADMIN_LOGIN
    }

    /// Password of the administrator.
    pub fn admin_password(&self) -> &str {
        ADMIN_PASSWORD
    }

    /// A connection string that works as it is.
    pub fn dsn(&self) -> String {
        format!("okta:///?BaseURL={}&AuthScheme=APIToken&APIToken={}", self.url(), self.api_token())
    }

    /// What to print once it is ready.
    pub fn announcement(&self) -> Announcement {
        Announcement {
            url: self.url(),
            api_token: self.api_token().to_owned(),
            client_id: self.client_id().to_owned(),
            client_secret: self.client_secret().to_owned(),
            admin_login: self.admin_login().to_owned(),
            admin_password: self.admin_password().to_owned(),
            dsn: self.dsn(),
            salesforce: self.salesforce.as_ref().map(|salesforce| salesforce.announcement().clone()),
        }
    }

    /// What the org holds, read without HTTP.
    pub fn truth(&self) -> Truth {
        Truth::read(&self.org.store.read(), &self.url())
    }

    /// The Salesforce org beside it, if there is one.
    pub fn salesforce(&self) -> Option<&Salesforce> {
        self.salesforce.as_ref()
    }

    /// Stops listening and waits until the answers under way are sent.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
        if let Some(salesforce) = self.salesforce {
            salesforce.shutdown().await;
        }
    }
}
