//! `oktant serve`.

use std::process::Command;

use crate::sandbox::Running;
use crate::support::oktant;

#[cfg(unix)]
#[test]
fn an_account_outlives_its_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite://{}", folder.path().join("account.db").display());
    let args = ["serve", "--store", &store, "--listen", "127.0.0.1:0", "--pg-listen", "127.0.0.1:0"];
    for is_first in [true, false] {
        let mut server = Running::start(&args);
        let announcement = server.announcement();
        assert_eq!(announcement["admin_password"].is_string(), is_first, "{announcement}");
        assert!(announcement["scim_url"].as_str().is_some_and(|url| url.ends_with("/scim/v2")), "{announcement}");
        assert!(announcement["postgres"]["port"].is_u64(), "{announcement}");
        let sent = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(server.child.wait().expect("ends").code(), Some(0));
    }
}

/// Starts a server on a store, and stops it: what it announced.
#[cfg(unix)]
fn announced(store: &str, more: &[&str]) -> serde_json::Value {
    let mut server = Running::start(&[&["serve", "--store", store, "--listen", "127.0.0.1:0"], more].concat());
    let announcement = server.announcement();
    assert!(Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().expect("runs").success());
    server.child.wait().expect("ends");
    announcement
}

#[cfg(unix)]
#[test]
fn a_start_that_fails_takes_no_password_with_it_and_a_lost_one_is_reset() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite://{}", folder.path().join("account.db").display());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = taken.local_addr().expect("an address").to_string();
    let shown = oktant(&["serve", "--store", &store, "--listen", &address]);
    assert!(shown.contains("error[OKT8001]"), "{shown}");
    let first = announced(&store, &[]);
    assert!(first["admin_password"].is_string(), "{first}");
    assert!(announced(&store, &[])["admin_password"].is_null());
    let reset = announced(&store, &["--reset-admin-password"]);
    assert!(reset["admin_password"].is_string() && reset["admin_password"] != first["admin_password"], "{reset}");
    let file = folder.path().join("password");
    std::fs::write(&file, "Compil3r-1952").expect("writes");
    let file = file.display().to_string();
    let given = announced(&store, &["--reset-admin-password", "--admin-password-file", &file]);
    assert!(given["admin_password"].is_null(), "{given}");
}

#[test]
fn what_cannot_be_served_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("empty"), "").expect("writes");
    let memory = ["serve", "--store", "sqlite::memory:", "--listen", "127.0.0.1:0"];
    let with = |more: &[&str]| oktant(&[&memory[..], more].concat());
    for (shown, code) in [
        (oktant(&["serve", "--store", "mysql://localhost/x"]), "OKT4001"),
        (oktant(&["serve", "--store", "account.db"]), "OKT4001"),
        (with(&["--account", "my_acc!x"]), "OKT4001"),
        (with(&["--admin-password-file", &path("empty")]), "OKT4001"),
        (with(&["--tls-cert", &path("empty"), "--tls-key", &path("empty")]), "OKT8002"),
        (oktant(&["serve", "--store", "sqlite::memory:", "--listen", "192.0.2.1:1"]), "OKT8001"),
    ] {
        assert!(shown.contains(&format!("error[{code}]")), "{code} in {shown}");
    }
}

#[test]
fn a_database_that_is_not_there_is_told_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("an address").local_addr().expect("an address");
    let began = std::time::Instant::now();
    let shown = oktant(&["serve", "--store", &format!("postgres://oktant:s3cret@{free}/oktant")]);
    assert!(shown.contains("error[OKT7001]") && shown.to_lowercase().contains("connection refused"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(began.elapsed() < std::time::Duration::from_secs(15), "{:?}", began.elapsed());
}
