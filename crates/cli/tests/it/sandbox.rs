//! `oktant sandbox`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::{check, oktant, program};

/// A program that serves, and ends with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) output: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::of(&mut program(args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, output }
    }

    pub(crate) fn announcement(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn one_line_says_all_that_is_needed_to_connect() {
    let mut sandbox = Running::start(&["sandbox", "--users", "3"]);
    let announcement = sandbox.announcement();
    for key in ["url", "api_token", "client_id", "client_secret", "admin_login", "admin_password", "dsn"] {
        assert!(announcement[key].as_str().is_some_and(|value| !value.is_empty()), "{key} in {announcement}");
    }
    let snowflake = &announcement["snowflake"];
    for key in ["account", "host", "user", "password", "scim_url", "scim_token"] {
        assert!(snowflake[key].as_str().is_some_and(|value| !value.is_empty()), "{key} in {announcement}");
    }
    assert!(snowflake["port"].is_u64() && announcement["postgres"]["port"].is_u64(), "{announcement}");
    for key in ["url", "login_url", "client_id", "client_secret", "user", "password", "access_token"] {
        let value = &announcement["salesforce"][key];
        assert!(value.as_str().is_some_and(|value| !value.is_empty()), "salesforce.{key} in {announcement}");
    }
    let shown = oktant(&["api", "--all", "listUsers", "--dsn", announcement["dsn"].as_str().expect("text")]);
    assert!(shown.starts_with("exit: 0\n"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_well() {
    for signal in ["-TERM", "-INT"] {
        let mut sandbox = Running::start(&["sandbox", "--users", "0"]);
        sandbox.announcement();
        let sent = Command::new("kill").args([signal, &sandbox.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(sandbox.child.wait().expect("ends").code(), Some(0), "{signal}");
        let mut rest = String::new();
        sandbox.output.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "");
    }
}

#[test]
fn a_port_that_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    check("sandbox_port_taken", &oktant(&["sandbox", "--port", &port]));
}

#[test]
fn faults_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("faults.json");
    let path = file.to_str().expect("text");
    std::fs::write(&file, r#"[{"path": "/api/v1/groups", "effect": {"type": "status", "status": 404}}]"#)
        .expect("writes");
    let mut sandbox = Running::start(&["sandbox", "--users", "0", "--faults", path]);
    let dsn = sandbox.announcement()["dsn"].as_str().expect("text").to_owned();
    let first = oktant(&["api", "listGroups", "--dsn", &dsn]);
    assert!(first.contains("error[OKT2006]"), "{first}");
    let second = oktant(&["api", "listGroups", "--dsn", &dsn]);
    assert!(second.starts_with("exit: 0\n"), "{second}");

    std::fs::write(&file, r#"[{"path": "/api/v1/groups", "effect": {"type": "none"}}]"#).expect("writes");
    check("sandbox_unreadable_faults", &oktant(&["sandbox", "--faults", path]));
}
