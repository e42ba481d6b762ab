//! `oktant provision` as a whole: file, org, target, exit codes.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Org, check, oktant, shown};

#[path = "../../../provision/tests/it/target.rs"]
#[expect(dead_code, reason = "the target can do more than this program is asked for")]
mod target;

use target::{Effect, FakeTarget, Fault, TOKEN};

/// An org with an application for two people and a pushed group, a target, and the file between them.
struct Bench {
    org: Org,
    target: FakeTarget,
    file: PathBuf,
    app: String,
    users: Vec<String>,
    _folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new() -> Self {
        let org = Org::live(|builder| builder.users(0));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let target = runtime.block_on(FakeTarget::start());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("provision.toml");
        let mut bench =
            Self { org, target, file, app: String::new(), users: Vec::new(), _folder: folder, _runtime: runtime };
        let app = json!({ "label": "Snowflake", "signOnMode": "BOOKMARK", "settings": { "app": { "url": "https://x.example" } } });
        bench.app = bench.api("POST", "/api/v1/apps", &app);
        let group = bench.api("POST", "/api/v1/groups", &json!({ "profile": { "name": "Analysts" } }));
        for name in ["ada", "bob"] {
            let login = format!("{name}@acme.example");
            let profile = json!({ "login": login, "email": login, "firstName": name, "lastName": "Doe" });
            let user = bench.api("POST", "/api/v1/users?activate=true", &json!({ "profile": profile }));
            bench.api("POST", &format!("/api/v1/apps/{}/users", bench.app), &json!({ "id": user, "scope": "USER" }));
            bench.api("PUT", &format!("/api/v1/groups/{group}/users/{user}"), &Value::Null);
            bench.users.push(user);
        }
        let mapping = json!({ "sourceGroupId": group, "targetGroupName": "Analysts" });
        bench.api("POST", &format!("/api/v1/apps/{}/group-push/mappings", bench.app), &mapping);
        bench.configure("");
        bench
    }

    fn configure(&self, more: &str) {
        let url = self.target.url();
        // One request at a time: the target numbers accounts as they come.
        let more = if more.is_empty() { "concurrency_max = 1" } else { more };
        let text = format!("app = \"Snowflake\"\n[target]\nurl = \"{url}\"\ntoken_env = \"SCIM_TOKEN\"\n{more}\n");
        std::fs::write(&self.file, text).expect("writes");
    }

    /// Calls the org's API; gives the `id` of what comes back.
    fn api(&self, method: &str, path: &str, body: &Value) -> String {
        self.org.api(method, path, body)["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Runs `oktant provision`, names in place of ids.
    fn run(&self, args: &[&str]) -> String {
        let mut command =
            self.org.command(&[&["provision"], args, &["--file", self.file.to_str().expect("text")]].concat());
        let mut text = shown(&command.env("SCIM_TOKEN", TOKEN).output().expect("runs"));
        for (number, user) in self.users.iter().enumerate() {
            text = text.replace(user.as_str(), &format!("[user {number}]"));
        }
        text
    }
}

#[test]
fn from_plan_to_log() {
    let bench = Bench::new();
    check("provision_check", &bench.run(&["check"]));
    check("provision_plan", &bench.run(&["plan"]));
    check("provision_apply_unasked", &bench.run(&["apply"]));
    check("provision_apply", &bench.run(&["apply", "--yes"]));
    check("provision_nothing", &bench.run(&["plan"]));
    assert!(bench.run(&["apply"]).starts_with("exit: 0\n"));
    check("provision_explain", &bench.run(&["explain", "ada@acme.example"]));
    check("provision_explain_unknown", &bench.run(&["explain", "eve@acme.example"]));
    let log = bench.run(&["log"]);
    assert!(log.contains("done     create_user     ada@acme.example: created"), "{log}");
    assert!(log.contains("done     add_members     Analysts: 2 members added"), "{log}");
    assert!(bench.run(&["log", "--run", "0"]).contains("run 1 (apply) at "));
    bench
        .target
        .model(|model| drop(model.user_mut("bob@acme.example").insert("displayName".to_owned(), json!("Bobby"))));
    check("provision_drift", &bench.run(&["drift"]));
}

#[test]
fn plans_are_json_with_stable_ids() {
    let bench = Bench::new();
    let json = |text: &str| -> Value {
        let (_, text) = text.split_once("----- stdout -----\n").expect("output");
        serde_json::from_str(text).expect(text)
    };
    let first = bench.run(&["plan", "--output", "json"]);
    assert!(first.starts_with("exit: 2\n"));
    let plan = json(&first);
    assert_eq!(plan["entries"][0]["id"], "create_user:[user 0]");
    assert_eq!(plan["summary"]["requests"], 4);
    assert_eq!(json(&bench.run(&["plan", "--output", "json"])), plan);
    let report = json(&bench.run(&["apply", "--yes", "--output", "json"]));
    assert_eq!(report["report"]["done"], 4);
    assert_eq!(json(&bench.run(&["plan", "-o", "json"]))["entries"], json!([]));
}

#[test]
fn mistakes_and_refusals_have_their_codes() {
    let bench = Bench::new();
    check("provision_no_file", &oktant(&["provision", "plan"]));
    bench.configure("[usres]");
    check("provision_unknown_key", &bench.run(&["plan"]));
    bench.configure("[mappings]\ntitle = \"String.upper(user.title)\"");
    check("provision_bad_expression", &bench.run(&["plan"]));
    bench.configure("");
    let text = std::fs::read_to_string(&bench.file).expect("reads");
    std::fs::write(&bench.file, text.replace("\"Snowflake\"", "\"Snowfall\"")).expect("writes");
    check("provision_unknown_app", &bench.run(&["plan"]));
    std::fs::write(&bench.file, text.replace("http://127.0.0.1", "https://my_account.snowflakecomputing.com"))
        .expect("writes");
    let refused = bench.run(&["plan"]);
    assert!(
        refused.contains("error[OKT6004]") && refused.contains("https://my-account.snowflakecomputing.com"),
        "{refused}"
    );
    bench.configure("");
    let expired = Effect::Answer(401, "{\"detail\":\"Access token expired\"}");
    bench.target.model(|model| model.faults = vec![Fault::new("GET", "/Users", expired)]);
    check("provision_expired_token", &bench.run(&["apply", "--yes"]));
    let page = Effect::Answer(403, "<html><body>Forbidden by network policy</body></html>");
    bench.target.model(|model| model.faults = vec![Fault::new("GET", "/Users", page)]);
    check("provision_network_policy", &bench.run(&["apply", "--yes"]));
    bench.run(&["apply", "--yes"]);
    for user in &bench.users {
        bench.api("DELETE", &format!("/api/v1/apps/{}/users/{user}", bench.app), &Value::Null);
    }
    check("provision_safeguard", &bench.run(&["apply", "--yes"]));
    assert!(bench.run(&["apply", "--yes", "--force"]).starts_with("exit: 0\n"));
    assert!(bench.target.model(|model| model.active().is_empty()));
}

#[test]
fn a_watch_ends_after_its_rounds() {
    let bench = Bench::new();
    let watched = bench.run(&["watch", "--rounds", "1"]);
    assert!(watched.contains("the watch begins: run 1: 4 done, 0 failed"), "{watched}");
    assert_eq!(bench.target.model(|model| model.active().len()), 2);
}

#[cfg(unix)]
#[test]
fn ctrl_c_amid_an_apply_tells_what_was_done() {
    let bench = Bench::new();
    bench.target.model(|model| {
        // The first user is made, and the group beside it; the second user waits.
        let busy = Fault::new("POST", "/Users", Effect::Throttle("60")).times(100);
        model.faults = vec![Fault { skip: 1, ..busy }];
    });
    let file = bench.file.to_str().expect("text");
    let mut command = bench.org.command(&["provision", "apply", "--yes", "--file", file]);
    command.env("SCIM_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("runs");
    while bench.target.model(|model| model.users.is_empty() || model.groups.is_empty()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    let shown = shown(&child.wait_with_output().expect("ends"));
    assert!(shown.starts_with("exit: 130\n"), "{shown}");
    assert!(shown.contains("interrupted: 2 done, 0 failed, 0 blocked, 0 deferred; the next apply goes on"), "{shown}");
    assert!(bench.run(&["log"]).contains(": interrupted: 2 done"), "{}", bench.run(&["log"]));
    bench.target.model(|model| model.faults.clear());
    assert!(bench.run(&["apply", "--yes"]).starts_with("exit: 0\n"));
}

#[test]
fn only_changes_that_wait_give_the_exit_code_2() {
    let bench = Bench::new();
    let exit = |shown: &str| shown.lines().next().unwrap_or_default().to_owned();
    assert_eq!(exit(&bench.run(&["plan"])), "exit: 2");
    assert_eq!(exit(&bench.run(&["plan", "--bogus"])), "exit: 1");
    assert_eq!(exit(&oktant(&["provision"])), "exit: 1");
    assert_eq!(exit(&oktant(&["-v", "provision", "drift", "--output", "xml"])), "exit: 1");
    bench.configure("[usres]");
    assert_eq!(exit(&bench.run(&["plan"])), "exit: 1");
    assert_eq!(exit(&oktant(&["sql", "--bogus"])), "exit: 2");
}
