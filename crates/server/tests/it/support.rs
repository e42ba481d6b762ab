//! A server over an account in memory, and the little that a client needs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use oktant_base::{Clock, ManualClock, Secret, SeededEntropy, SystemClock};
use oktant_client::{Edges, Properties};
use oktant_sandbox::Sandbox;
use oktant_server::{Config, OktaTables, Server, TlsFiles, seed};
use oktant_warehouse::{Account, AccountConfig};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "Compil3r's \\ 1952";

/// A server, the org behind it, and its account.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) account: Account,
    pub(crate) http: reqwest::Client,
    _sandbox: Sandbox,
}

impl Running {
    /// A server by the machine's clock.
    pub(crate) async fn start() -> Self {
        Self::with(Arc::new(SystemClock), None).await
    }

    /// The same with the account in a store that lasts.
    pub(crate) async fn kept_in(store: &str) -> Self {
        Self::over(store, Arc::new(SystemClock), None).await
    }

    /// A server whose time stands still.
    pub(crate) async fn at_noon() -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at("2026-01-01T12:00:00Z".parse().expect("a time")));
        (Self::with(Arc::clone(&clock) as Arc<dyn Clock>, None).await, clock)
    }

    pub(crate) async fn with(clock: Arc<dyn Clock>, tls: Option<TlsFiles>) -> Self {
        Self::over("sqlite::memory:", clock, tls).await
    }

    async fn over(store: &str, clock: Arc<dyn Clock>, tls: Option<TlsFiles>) -> Self {
        let sandbox = Sandbox::builder().users(12).groups(2).seed(7).clock(Arc::clone(&clock)).start().await;
        let sandbox = sandbox.expect("a sandbox");
        let properties = Properties::parse(&sandbox.dsn()).expect("properties");
        let edges = Edges { clock: Arc::clone(&clock), ..Edges::system() };
        let tables = OktaTables::new(oktant_sql::Session::connect(&properties, edges).await.expect("an engine"));
        let entropy = Arc::new(SeededEntropy::new(1));
        let config = AccountConfig::new("acme", Arc::clone(&clock), Arc::clone(&entropy) as _);
        let config = config.engine(Arc::new(tables.clone()));
        let account = Account::open(store, config).await.expect("an account");
        seed::administrator(&account, "ADMIN", &Secret::new(PASSWORD.to_owned())).await.expect("an administrator");
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config {
            listen,
            pg_listen: Some(listen),
            tls,
            account: Some(account.clone()),
            tables: Some(tables),
            beside: None,
            clock,
            entropy,
        };
        let server = config.start().await.expect("a server");
        let http = reqwest::Client::builder().danger_accept_invalid_certs(true).build().expect("a client");
        Self { server, account, http, _sandbox: sandbox }
    }

    /// Runs statements as the account itself.
    pub(crate) async fn prepare(&self, statements: &[&str]) {
        let session = self.account.system_session().await.expect("a session");
        for statement in statements {
            session.execute(statement, &[]).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// An answer to a request of the client protocol.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let request = with_json(self.http.post(format!("{}{path}", self.server.url())), body);
        let answer = request.header("Authorization", format!("Snowflake Token=\"{token}\"")).send().await;
        json_of(answer).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.server.url()));
        let answer = request.header("Authorization", format!("Snowflake Token=\"{token}\"")).send().await;
        json_of(answer).await
    }

    pub(crate) async fn log_in(&self, user: &str, password: &str) -> Value {
        let data = json!({"ACCOUNT_NAME": "acme", "LOGIN_NAME": user, "PASSWORD": password});
        let path = "/session/v1/login-request?databaseName=&schemaName=&warehouse=&roleName=";
        self.post(path, "None", &json!({"data": data})).await
    }

    /// Tokens of a session of the administrator.
    pub(crate) async fn session(&self) -> (String, String) {
        let answer = self.log_in("admin", PASSWORD).await;
        let text = |key: &str| answer["data"][key].as_str().expect("a token").to_owned();
        (text("token"), text("masterToken"))
    }

    pub(crate) async fn query(&self, token: &str, request_id: &str, sql: &str) -> Value {
        let path = format!("/queries/v1/query-request?requestId={request_id}");
        self.post(&path, token, &json!({"sqlText": sql, "asyncExec": false, "sequenceId": 1})).await
    }
}

/// A request that carries JSON.
pub(crate) fn with_json(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("Content-Type", "application/json").body(body.to_string())
}

/// The JSON of an answer.
pub(crate) async fn json_of(answer: reqwest::Result<reqwest::Response>) -> Value {
    let bytes = answer.expect("an answer").bytes().await.expect("a body");
    serde_json::from_slice(&bytes).expect("JSON")
}
