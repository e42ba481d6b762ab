//! Runs the program and lays out what it did for a snapshot.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use oktant_base::ManualClock;
use oktant_sandbox::{Builder, Sandbox};
use serde_json::Value;
use tokio::runtime::Runtime;

/// What differs from run to run, and what stands for it.
const FILTERS: &[(&str, &str)] = &[
    (r"127\.0\.0\.1:\d+", "[host]"),
    (r"port \d+", "port [port]"),
    (r"request id [0-9a-f]{32}", "request id [id]"),
    (r"\d+ ms", "[time] ms"),
    (r"\d+ of \d+", "[left] of [limit]"),
    (r"/tmp/\.tmp\w+", "[folder]"),
];

/// A sandbox org that lives as long as a test.
pub(crate) struct Org {
    // Before the runtime, which it needs while it is dropped.
    pub(crate) sandbox: Sandbox,
    _runtime: Runtime,
}

impl Org {
    /// A small org that always holds the same.
    pub(crate) fn small() -> Self {
        Self::start(|builder| builder.users(20).groups(3))
    }

    /// An org as `settings` make it, in which time stands still.
    pub(crate) fn start(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let noon = "2026-01-01T12:00:00Z".parse().expect("a time");
        Self::run(settings(Sandbox::builder().seed(7).clock(Arc::new(ManualClock::at(noon)))))
    }

    /// An org whose time is the machine's, for what compares clocks.
    pub(crate) fn live(settings: impl FnOnce(Builder) -> Builder) -> Self {
        Self::run(settings(Sandbox::builder().seed(7)))
    }

    fn run(builder: Builder) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let sandbox = runtime.block_on(builder.start()).expect("a sandbox");
        Self { sandbox, _runtime: runtime }
    }

    /// Runs the program on this org.
    pub(crate) fn oktant(&self, args: &[&str]) -> String {
        shown(&self.command(args).output().expect("runs"))
    }

    /// Runs the program on this org with text at standard input.
    pub(crate) fn oktant_reading(&self, args: &[&str], input: &str) -> String {
        let mut command = self.command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("is read");
        shown(&child.wait_with_output().expect("ends"))
    }

    /// Calls the org's API by the program itself; gives what comes back, null for nothing.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut args = vec!["api", method, path];
        if body != "null" {
            args.extend(["--data", &body]);
        }
        let output = self.command(&args).output().expect("runs");
        assert!(output.status.success(), "{}", shown(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The program, not yet started, with this org's connection string.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.env("OKTANT_DSN", self.sandbox.dsn());
        command
    }

    /// Method and path of the requests that the org received.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.sandbox.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

/// The program without any org.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oktant"));
    command.args(args).stdin(Stdio::null());
    for variable in ["OKTANT_DSN", "OKTANT_LOG", "CLICOLOR_FORCE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command
}

/// Runs the program without any org.
pub(crate) fn oktant(args: &[&str]) -> String {
    shown(&program(args).output().expect("runs"))
}

/// Exit code and both streams.
pub(crate) fn shown(output: &Output) -> String {
    let code = output.status.code().map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
    let mut text = format!("exit: {code}\n");
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            let stream = String::from_utf8_lossy(bytes);
            writeln!(text, "----- {name} -----\n{}", stream.trim_end()).expect("memory");
        }
    }
    text
}

/// Compares what a command did with its snapshot.
#[track_caller]
pub(crate) fn check(name: &str, shown: &str) {
    insta::with_settings!({ filters => FILTERS.to_vec(), omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, shown);
    });
}
