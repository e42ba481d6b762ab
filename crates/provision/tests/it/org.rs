//! A sandbox org with one application, worked by a bare client, and the provisioner between it and a target.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Clock, SystemClock, Timestamp};
use oktant_client::{Edges, Org as Connection, Properties};
use oktant_provision::{ApplyOptions, Config, Error, Plan, Provisioner, Report};
use oktant_sandbox::{Builder, Sandbox};
use serde_json::{Value, json};

use crate::target::{FakeTarget, TOKEN};

/// The machine's clock, on which waiting takes a hundredth of the time.
#[derive(Debug)]
pub(crate) struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep(duration / 100)
    }
}

/// An org, a target, and a folder for file and state.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) target: FakeTarget,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) app: String,
    client: reqwest::Client,
    /// What the file says beside application and target.
    pub(crate) settings: String,
    /// Further keys of `[target]`.
    pub(crate) target_settings: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(FakeTarget::start().await).await
    }

    pub(crate) async fn with(target: FakeTarget) -> Self {
        Self::of(Sandbox::builder(), target).await
    }

    pub(crate) async fn of(org: Builder, target: FakeTarget) -> Self {
        let sandbox = org.start().await.expect("a sandbox");
        let client = reqwest::Client::builder().build().expect("a client");
        let folder = tempfile::tempdir().expect("a folder");
        let (settings, target_settings) = (String::new(), String::new());
        let mut bench = Self { sandbox, target, folder, app: String::new(), client, settings, target_settings };
        let app = json!({ "label": "Snowflake", "signOnMode": "BOOKMARK", "settings": { "app": { "url": "https://x.example" } } });
        bench.app = text(&bench.call("POST", "/api/v1/apps", app).await["id"]);
        bench
    }

    /// Calls the org's API; panics on what is no success.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method.clone(), format!("{}{path}", self.sandbox.url()));
        let request = request.header("authorization", format!("SSWS {}", self.sandbox.api_token()));
        let request = request.header("content-type", "application/json").body(if body.is_null() {
            String::new()
        } else {
            body.to_string()
        });
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let bytes = response.bytes().await.expect("a body");
        assert!(status.is_success(), "{method} {path}: {status} {}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Makes an active user `name@acme.example`; gives the id.
    pub(crate) async fn user(&self, name: &str) -> String {
        let login = format!("{name}@acme.example");
        let profile = json!({ "login": login, "email": login, "firstName": name, "lastName": "Doe" });
        let body = json!({ "profile": profile, "credentials": { "password": { "value": "Correct-horse-7" } } });
        text(&self.call("POST", "/api/v1/users?activate=true", body).await["id"])
    }

    pub(crate) async fn assign(&self, user: &str) {
        let path = format!("/api/v1/apps/{}/users", self.app);
        self.call("POST", &path, json!({ "id": user, "scope": "USER" })).await;
    }

    pub(crate) async fn unassign(&self, user: &str) {
        self.call("DELETE", &format!("/api/v1/apps/{}/users/{user}", self.app), Value::Null).await;
    }

    /// A user who is assigned.
    pub(crate) async fn assigned(&self, name: &str) -> String {
        let id = self.user(name).await;
        self.assign(&id).await;
        id
    }

    pub(crate) async fn update(&self, user: &str, profile: Value) {
        self.call("POST", &format!("/api/v1/users/{user}"), json!({ "profile": profile })).await;
    }

    /// Makes a group with members; gives the id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let id = text(&self.call("POST", "/api/v1/groups", json!({ "profile": { "name": name } })).await["id"]);
        for member in members {
            self.join(&id, member).await;
        }
        id
    }

    pub(crate) async fn join(&self, group: &str, user: &str) {
        self.call("PUT", &format!("/api/v1/groups/{group}/users/{user}"), Value::Null).await;
    }

    pub(crate) async fn leave(&self, group: &str, user: &str) {
        self.call("DELETE", &format!("/api/v1/groups/{group}/users/{user}"), Value::Null).await;
    }

    pub(crate) async fn rename_group(&self, group: &str, name: &str) {
        self.call("PUT", &format!("/api/v1/groups/{group}"), json!({ "profile": { "name": name } })).await;
    }

    /// Pushes a group; gives the id of the mapping.
    pub(crate) async fn push(&self, group: &str, name: &str) -> String {
        let body = json!({ "sourceGroupId": group, "targetGroupName": name });
        text(&self.call("POST", &format!("/api/v1/apps/{}/group-push/mappings", self.app), body).await["id"])
    }

    /// Ends a push; the group at the target stays.
    pub(crate) async fn unpush(&self, mapping: &str) {
        let path = format!("/api/v1/apps/{}/group-push/mappings/{mapping}", self.app);
        self.call("PATCH", &path, json!({ "status": "INACTIVE" })).await;
        self.call("DELETE", &format!("{path}?deleteTargetGroup=false"), Value::Null).await;
    }

    /// Pushes a new group with members; gives its id.
    pub(crate) async fn pushed(&self, name: &str, members: &[&str]) -> String {
        let id = self.group(name, members).await;
        self.push(&id, name).await;
        id
    }

    pub(crate) fn file(&self) -> String {
        format!(
            "app = \"{}\"\n[target]\nurl = \"{}\"\ntoken_env = \"SCIM_TOKEN\"\n{}\n{}\n",
            self.app,
            self.target.url(),
            self.target_settings,
            self.settings
        )
    }

    pub(crate) async fn open(&self) -> Provisioner {
        open(&self.file(), &self.folder.path().join("provision.toml"), &self.sandbox.dsn()).await.expect("opens")
    }

    pub(crate) async fn plan(&self) -> Plan {
        let provisioner = self.open().await;
        let plan = provisioner.plan().await.expect("a plan");
        provisioner.close().await.expect("closes");
        plan
    }

    /// Plans and applies.
    pub(crate) async fn try_apply(&self, options: ApplyOptions) -> Result<Report, Error> {
        let mut provisioner = self.open().await;
        let outcome = async {
            provisioner.preflight().await?;
            let mut plan = provisioner.plan().await?;
            plan.request_passwords(options.passwords.iter().map(|(user, _)| user.as_str()))?;
            provisioner.apply(&plan, options).await
        }
        .await;
        provisioner.close().await.expect("closes");
        outcome
    }

    pub(crate) async fn apply(&self) -> Report {
        self.try_apply(ApplyOptions { force: true, ..ApplyOptions::default() }).await.expect("applies")
    }

    /// Applies, expects success, and that a second plan is empty.
    pub(crate) async fn apply_all(&self) -> Report {
        let report = self.apply().await;
        assert_eq!(report.reasons, Vec::<String>::new());
        let plan = self.plan().await;
        assert!(plan.is_empty(), "{}", oktant_provision::plan_table(&plan));
        assert!(plan.drift.is_empty(), "{}", plan.drift.table());
        report
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("provision.db")
    }
}

/// Opens a provisioning whose waits are short.
pub(crate) async fn open(file: &str, path: &Path, dsn: &str) -> Result<Provisioner, Error> {
    let edges = Edges { clock: Arc::new(Hasty), ..Edges::system() };
    let variables = [("SCIM_TOKEN".to_owned(), TOKEN.to_owned())].into();
    let config = Config::parse(file, path, &variables)?;
    let properties = Properties::parse(dsn).expect("a connection string");
    // The org is read by a patient client: only the target's waits are shortened.
    let org = Connection::connect(&properties, Edges::system()).await?;
    Provisioner::open(config, org, &edges).await
}

/// The ids of a plan's entries.
pub(crate) fn ids(plan: &Plan) -> Vec<String> {
    plan.entries().map(|entry| entry.id).collect()
}

/// The kinds of a plan's entries.
pub(crate) fn kinds(plan: &Plan) -> Vec<&'static str> {
    plan.entries().map(|entry| entry.kind).collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
