//! From an org to an account that `oktant serve` keeps: the whole way that users and groups go.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{OsEntropy, Secret, SystemClock};
use oktant_server::seed;
use oktant_warehouse::{Account, AccountConfig, Login, SnowflakeError};
use serde_json::{Value, json};

use crate::sandbox::Running;
use crate::support::{Org, shown, shown_reading};

/// Longer than the audit waits before it is written.
const AUDIT_DELAY: Duration = Duration::from_millis(400);

/// An account in a file, its server, and the provisioning file that leads from an org to it.
pub(crate) struct Line<'a> {
    org: &'a Org,
    pub(crate) account: Account,
    token: Secret,
    port: u16,
    pub(crate) server: Option<Running>,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Line<'a> {
    /// Makes the account with the guide's integration, serves it and writes the file for an application.
    pub(crate) fn new(org: &'a Org, app: &str, settings: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let store = format!("sqlite://{}", folder.path().join("account.db").display());
        let config = AccountConfig::new("OKTANT", Arc::new(SystemClock), Arc::new(OsEntropy));
        let account = runtime.block_on(Account::open(&store, config)).expect("an account");
        let token = runtime.block_on(seed::guide(&account)).expect("a token");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let mut line = Self { org, account, token, port, server: None, folder, runtime };
        line.ask("alter security integration okta_provisioning set sync_password = true");
        line.serve();
        let url = format!("http://127.0.0.1:{port}/scim/v2");
        let text = format!(
            "app = \"{app}\"\n[target]\nurl = \"{url}\"\ntoken_env = \"SCIM_TOKEN\"\nkind = \"snowflake\"\n{settings}\n"
        );
        std::fs::write(line.file(), text).expect("writes");
        line
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("provision.toml")
    }

    /// Starts the server at the same address as ever.
    pub(crate) fn serve(&mut self) {
        let store = format!("sqlite://{}", self.folder.path().join("account.db").display());
        let listen = format!("127.0.0.1:{}", self.port);
        let mut server = Running::start(&["serve", "--store", &store, "--listen", &listen]);
        server.announcement();
        self.server = Some(server);
    }

    /// The provisioner, not yet started.
    pub(crate) fn provision(&self, args: &[&str]) -> Command {
        let file = self.file();
        let mut command = self.org.command(&[&["provision"], args, &["--file", file.to_str().expect("text")]].concat());
        command.env("SCIM_TOKEN", self.token.expose());
        command
    }

    /// What the provisioner did.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        shown(&self.provision(args).output().expect("runs"))
    }

    /// The same with text at standard input.
    pub(crate) fn run_reading(&self, args: &[&str], input: &str) -> String {
        shown_reading(&mut self.provision(args), input)
    }

    /// Applies, and expects that nothing is left to do or has drifted.
    #[track_caller]
    pub(crate) fn settle(&self, args: &[&str]) {
        let applied = self.run(&[&["apply", "--yes"], args].concat());
        assert!(applied.starts_with("exit: 0\n"), "{applied}");
        let before = self.writes();
        for again in [&["apply", "--yes"][..], &["plan"], &["drift"]] {
            let shown = self.run(again);
            assert!(shown.starts_with("exit: 0\n"), "{again:?}: {shown}");
        }
        assert_eq!(self.writes(), before, "a second apply writes nothing");
    }

    /// The rows of a statement of the account itself, each by the names of its columns; null is empty.
    #[track_caller]
    pub(crate) fn ask(&self, sql: &str) -> Vec<BTreeMap<String, String>> {
        let answer = self.runtime.block_on(async { self.account.system_session().await?.execute(sql, &[]).await });
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns: Vec<String> = answer.columns.iter().map(|column| column.name.to_lowercase()).collect();
        let named = |row: Vec<Option<String>>| {
            columns.iter().cloned().zip(row.into_iter().map(Option::unwrap_or_default)).collect()
        };
        answer.rows.into_iter().map(named).collect()
    }

    /// The row of a user, by login name.
    #[track_caller]
    pub(crate) fn user(&self, login: &str) -> BTreeMap<String, String> {
        let rows = self.ask("show users");
        let found = rows.into_iter().find(|row| row["login_name"].eq_ignore_ascii_case(login));
        found.unwrap_or_else(|| panic!("{login} is not there"))
    }

    /// Login names of users who came over SCIM and may sign in.
    pub(crate) fn active(&self) -> BTreeSet<String> {
        let rows = self.ask("show users");
        let is_active =
            |row: &&BTreeMap<String, String>| row["owner"] == "OKTA_PROVISIONER" && row["disabled"] == "false";
        rows.iter().filter(is_active).map(|row| row["login_name"].to_lowercase()).collect()
    }

    /// Login names of the members of a role, with repetitions if there were any.
    pub(crate) fn members(&self, role: &str) -> Vec<String> {
        let rows = self.ask(&format!("show grants of role \"{role}\""));
        let mut found: Vec<String> = rows
            .iter()
            .filter(|row| row["granted_to"] == "USER")
            .map(|row| row["grantee_name"].to_lowercase())
            .collect();
        found.sort();
        found
    }

    /// Method and status of the writes that the account has received.
    pub(crate) fn writes(&self) -> Vec<(String, String)> {
        std::thread::sleep(AUDIT_DELAY);
        let history = "select event_id, method, status from table(okta.information_schema.rest_event_history('scim', \
                       result_limit => 10000)) order by event_id";
        let rows = self.ask(history);
        rows.iter()
            .filter(|row| row["method"] != "GET")
            .map(|row| (row["method"].clone(), row["status"].clone()))
            .collect()
    }

    /// Whether a password is the user's.
    pub(crate) fn opens(&self, login: &str, password: &str) -> bool {
        let login = Login::new(login, Secret::new(password.to_owned()));
        match self.runtime.block_on(self.account.login(login)) {
            Ok(_) => true,
            Err(error) if error == SnowflakeError::bad_credentials() => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Makes an application from which groups of the org are provisioned: everyone in them, and themselves. Gives its id.
pub(crate) fn application(org: &Org, label: &str, groups: &[String]) -> String {
    let app =
        json!({ "label": label, "signOnMode": "BOOKMARK", "settings": { "app": { "url": "https://x.example" } } });
    let app = org.api("POST", "/api/v1/apps", &app)["id"].as_str().expect("an id").to_owned();
    for group in groups {
        org.api("PUT", &format!("/api/v1/apps/{app}/groups/{group}"), &json!({}));
        let name = &org.api("GET", &format!("/api/v1/groups/{group}"), &Value::Null)["profile"]["name"];
        let mapping = json!({ "sourceGroupId": group, "targetGroupName": name });
        org.api("POST", &format!("/api/v1/apps/{app}/group-push/mappings"), &mapping);
    }
    app
}
