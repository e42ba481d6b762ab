//! What the tests of the account share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use oktant_base::{Clock, ManualClock, Secret, SeededEntropy, SystemClock};
use oktant_scim::{ClientIp, Settings, router};
use oktant_warehouse::{Account, AccountConfig, Login, Session, SnowflakeError, StatementResult};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The statements of the guide as one script.
pub(crate) const GUIDE: &str = "
use role accountadmin;
create role if not exists okta_provisioner;
grant create user on account to role okta_provisioner;
grant create role on account to role okta_provisioner;
grant role okta_provisioner to role accountadmin;
create or replace security integration okta_provisioning type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER';
select system$generate_scim_access_token('OKTA_PROVISIONING');
grant ownership on user some_user to role okta_provisioner;
alter security integration okta_provisioning set network_policy = some_policy;
alter security integration okta_provisioning unset network_policy;
use database demo_db; use schema information_schema;
select * from table(rest_event_history('scim'));
select * from table(rest_event_history('scim', dateadd('minutes',-5,current_timestamp()), current_timestamp(), 200)) order by event_timestamp;
";

pub(crate) const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// An account with an administrator, at a time of its own.
pub(crate) struct TestAccount {
    pub(crate) account: Account,
    pub(crate) clock: Arc<ManualClock>,
}

impl TestAccount {
    pub(crate) async fn new() -> Self {
        Self::at("sqlite::memory:", |config| config).await
    }

    pub(crate) async fn at(url: &str, configure: impl FnOnce(AccountConfig) -> AccountConfig) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-15T12:00:00Z".parse().unwrap()));
        let config = AccountConfig::new("test", Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(7)));
        let account = Account::open(url, configure(config)).await.unwrap();
        let setup = account.system_session().await.unwrap();
        let admin =
            format!("create user if not exists admin password = '{ADMIN_PASSWORD}' default_role = accountadmin");
        run_all(&setup, &[&admin, "grant role accountadmin to user admin"]).await;
        Self { account, clock }
    }

    pub(crate) async fn login(&self, user: &str, password: &str) -> Result<Session, SnowflakeError> {
        self.account.login(Login::new(user, Secret::new(password.to_owned()))).await
    }

    /// A session of the administrator.
    pub(crate) async fn admin(&self) -> Session {
        self.login("admin", ADMIN_PASSWORD).await.unwrap()
    }

    pub(crate) fn advance_days(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
    }

    /// The guide's integration with further properties, and a client that has a token of it.
    pub(crate) async fn provisioning(&self, properties: &str) -> Client {
        let admin = self.admin().await;
        let create = format!(
            "create or replace security integration okta_provisioning type = scim scim_client = 'okta' \
             run_as_role = 'OKTA_PROVISIONER' {properties}"
        );
        run_all(
            &admin,
            &[
                "create role if not exists okta_provisioner",
                "grant create user on account to role okta_provisioner",
                "grant create role on account to role okta_provisioner",
                "grant role okta_provisioner to role accountadmin",
                &create,
            ],
        )
        .await;
        Client::new(&self.account, Arc::clone(&self.clock) as _, token(&admin, "OKTA_PROVISIONING").await)
    }
}

/// A new SCIM access token.
pub(crate) async fn token(session: &Session, integration: &str) -> String {
    let sql = format!("select system$generate_scim_access_token('{integration}')");
    cell(&session.execute(&sql, &[]).await.unwrap(), 0, 0).to_owned()
}

/// A SCIM client.
#[derive(Clone)]
pub(crate) struct Client {
    app: axum::Router,
    pub(crate) token: String,
    pub(crate) ip: IpAddr,
}

impl Client {
    pub(crate) fn new(account: &Account, clock: Arc<dyn Clock>, token: String) -> Self {
        let service = router(Arc::new(account.clone()), Settings::new(Secret::new([7; 32]), clock));
        let app = axum::Router::new().nest_service("/scim/v2", service);
        Self { app, token, ip: "192.0.2.7".parse().unwrap() }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Status and body, null where there is none.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let builder = Request::builder().method(method).uri(format!("/scim/v2{path}")).header("host", "test.example");
        let mut request = builder
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/scim+json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        request.extensions_mut().insert(ClientIp(self.ip));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    /// Makes a user, who must not exist, and returns the id.
    pub(crate) async fn create_user(&self, name: &str) -> String {
        let (status, body) = self.send("POST", "/Users", Some(user(name))).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group and returns the id.
    pub(crate) async fn create_group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let (status, body) = self.send("POST", "/Groups", Some(body)).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> (u16, Value) {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.send("PATCH", path, Some(body)).await
    }

    /// The ids of the members of a group, sorted.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let (status, body) = self.get(&format!("/Groups/{group}")).await;
        assert_eq!(status, 200, "{body}");
        let members = body["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }
}

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A user as Okta sends it.
pub(crate) fn user(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Jane", "familyName": "Doe" },
        "emails": [{ "primary": true, "value": format!("{name}@example.com"), "type": "work" }],
        "displayName": "Jane Doe",
        "externalId": "00u1",
        "active": true,
    })
}

/// Runs statements that have to succeed.
pub(crate) async fn run_all(session: &Session, statements: &[&str]) {
    for sql in statements {
        session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// The answer to a statement that has to succeed.
pub(crate) async fn ask(session: &Session, sql: &str) -> StatementResult {
    session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// A cell that is not null.
pub(crate) fn cell(result: &StatementResult, row: usize, column: usize) -> &str {
    result.rows[row][column].as_deref().unwrap_or_else(|| panic!("null in row {row}, column {column}"))
}

/// The cells of one column; null is empty.
pub(crate) fn column(result: &StatementResult, name: &str) -> Vec<String> {
    let index = result.columns.iter().position(|column| column.name == name);
    let index = index.unwrap_or_else(|| panic!("no column {name}"));
    result.rows.iter().map(|row| row[index].clone().unwrap_or_default()).collect()
}

/// The clock of the machine, for tests that measure.
pub(crate) fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
