//! Connections, made and looked at from the command line.

use std::path::Path;
use std::process::Command;

use crate::support::{Org, program};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The program with a store of flows in `folder`.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = program(args);
    for variable in ["OKTANT_KEY_COMMAND", "OKTANT_KEY_FILE", "OKTANT_EGRESS_ALLOW"] {
        command.env_remove(variable);
    }
    let store = format!("sqlite://{}", folder.join("flows.db").display());
    command.env("OKTANT_FLOWS_STORE", store).env("OKTANT_KEY", KEY).env("XDG_DATA_HOME", folder);
    command
}

/// What it wrote, and whether it succeeded.
pub(crate) fn run(command: &mut Command) -> (String, bool) {
    let output = command.output().expect("runs");
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).expect("text"), output.status.success())
}

#[test]
fn a_connection_is_made_shown_tested_and_removed_and_its_secret_never_appears() {
    let org = Org::live(|builder| builder.users(3));
    let folder = tempfile::tempdir().expect("a folder");
    let url = org.sandbox.url();
    let make = ["connect", "okta", "acme", "--domain", &*url, "--secret", "token=env:API_TOKEN"];
    let token = org.sandbox.api_token();
    let allowed = url.trim_start_matches("http://");
    let (text, done) = run(command(folder.path(), &make).env("API_TOKEN", token).env("OKTANT_EGRESS_ALLOW", allowed));
    assert!(done && text.contains("acme is connected to okta"), "{text}");
    let (list, _) = run(&mut command(folder.path(), &["connect", "list"]));
    assert!(list.starts_with("acme\tokta\tokta_token\tok\t"), "{list}");
    let (shown, _) = run(&mut command(folder.path(), &["connect", "show", "acme"]));
    assert!(shown.contains("signs in by: okta_token") && !shown.contains(token), "{shown}");
    let (tested, works) = run(command(folder.path(), &["connect", "test", "acme"]).env("OKTANT_EGRESS_ALLOW", allowed));
    assert!(works && tested.contains("acme works"), "{tested}");
    let (refused, works) = run(&mut command(folder.path(), &["connect", "test", "acme"]));
    assert!(!works && refused.contains("loopback"), "{refused}");
    let (again, done) = run(command(folder.path(), &make).env("API_TOKEN", token));
    assert!(!done && again.contains("--replace"), "{again}");
    let path = folder.path().join("flows.db");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("a file").permissions()) & 0o777, 0o600);
    let bytes = std::fs::read(path).expect("a database");
    assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    let (removed, done) = run(&mut command(folder.path(), &["connect", "remove", "acme"]));
    assert!(done, "{removed}");
    let (gone, done) = run(&mut command(folder.path(), &["connect", "show", "acme"]));
    assert!(!done && gone.contains("OKT4502"), "{gone}");
}

#[test]
fn a_connection_over_http_says_where_its_secrets_may_go_before_it_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let connect = |more: &[&str]| {
        let make = ["connect", "http", "api", "--secret", "token=env:API_TOKEN"];
        run(command(folder.path(), &[&make, more].concat()).env("API_TOKEN", "t0ken"))
    };
    let (text, done) = connect(&[]);
    assert!(!done && text.contains("error[OKT4507]") && text.contains("hint: give --set hosts=HOST"), "{text}");
    let (text, done) = connect(&["--set", "hosts=https://api.example.com"]);
    assert!(!done && text.contains("is no host"), "{text}");
    let (list, _) = run(&mut command(folder.path(), &["connect", "list"]));
    assert!(!list.contains("api"), "nothing was made: {list}");
    let (text, done) = connect(&["--set", "hosts=api.example.com"]);
    assert!(done && text.contains("api is connected to http"), "{text}");
    let (text, done) = run(&mut command(folder.path(), &["connect", "http", "open"]));
    assert!(done, "without a secret there is nothing to keep: {text}");
    let token_url = "token_url=https://id.example.com/token";
    let args =
        ["connect", "http", "machine", "--set", token_url, "--client-id", "c", "--secret", "client_secret=env:S"];
    let args = [&args[..], &["--no-test"]].concat();
    let (text, done) = run(command(folder.path(), &args).env("S", "s3cret"));
    assert!(done && text.contains("its secrets go to id.example.com alone"), "{text}");
}

#[test]
fn a_sign_in_that_fails_makes_and_replaces_no_connection() {
    let org = Org::live(|builder| builder.users(2));
    let folder = tempfile::tempdir().expect("a folder");
    let url = org.sandbox.url();
    let connect = |args: &[&str], token: &str| {
        let mut command = command(folder.path(), &[&["connect", "okta"], args].concat());
        command.env("API_TOKEN", token).env("OKTANT_EGRESS_ALLOW", url.trim_start_matches("http://"));
        let output = command.args(["--secret", "token=env:API_TOKEN"]).output().expect("runs");
        (String::from_utf8(output.stderr).expect("text"), output.status.code())
    };
    let listed = || run(&mut command(folder.path(), &["connect", "list"])).0;
    let (text, code) = connect(&["bad", "--domain", &url], "wrong");
    assert!(text.contains("error[OKT4503]") && text.contains("the org refuses its API token"), "{text}");
    assert!(code == Some(4) && text.contains("nothing was written") && text.contains("--no-test"), "{code:?}: {text}");
    for (given, code, problem) in [
        (&["bad"][..], 2, "error[OKT4507]"),
        (&["bad", "--domain", "no such"], 2, "domain no such cannot be read"),
        (&["bad", "--domain", &url, "--set", "foo=bar"], 2, "has no setting \"foo\""),
        (&["bad", "--domain", &url, "--login-url", &url], 2, "cannot be used with"),
        (&["bad", "--domain", "http://127.0.0.1:1"], 1, "loopback"),
    ] {
        let (text, exit) = connect(given, "wrong");
        assert!(text.contains(problem) && exit == Some(code), "{given:?}: {exit:?} {text}");
    }
    assert!(!listed().contains("bad"), "{}", listed());

    let (text, code) = connect(&["acme", "--login-url", &url], org.sandbox.api_token());
    assert_eq!(code, Some(0), "the address of the org stands for its domain: {text}");
    let (text, code) = connect(&["acme", "--login-url", &url, "--replace"], "wrong");
    assert!(code == Some(4), "{text}");
    let mut tried = command(folder.path(), &["connect", "test", "acme"]);
    let (text, works) = run(tried.env("OKTANT_EGRESS_ALLOW", url.trim_start_matches("http://")));
    assert!(works, "the one before still works: {text}");

    let (text, code) = connect(&["acme", "--login-url", &url, "--replace", "--no-test"], "wrong");
    assert_eq!(code, Some(0), "who sets up without the service says so: {text}");
    let output = tried.output().expect("runs");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(4) && text.contains("error[OKT4503]"), "{text}");
    assert!(listed().contains("\tbroken\t"), "{}", listed());
}

#[test]
fn what_is_not_there_is_not_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, done) = run(&mut command(folder.path(), &["connect", "remove", "nope"]));
    assert!(!done && text.starts_with("error[OKT4502]: there is no connection \"nope\""), "{text}");
}

#[test]
fn a_secret_is_not_taken_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, done) = run(&mut command(folder.path(), &["connect", "http", "api", "--secret", "token=t0ken"]));
    assert!(!done && text.contains("NAME=env:VARIABLE") && !text.contains("t0ken"), "{text}");
}
