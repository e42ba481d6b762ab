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

#[test]
fn what_cannot_be_served_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("empty"), "").expect("writes");
    let memory = ["serve", "--store", "sqlite::memory:", "--listen", "127.0.0.1:0"];
    let with = |more: &[&str]| oktant(&[&memory[..], more].concat());
    for (shown, code) in [
        (oktant(&["serve", "--store", "mysql://localhost/x"]), "OKT7001"),
        (with(&["--admin-password-file", &path("empty")]), "OKT4001"),
        (with(&["--tls-cert", &path("empty"), "--tls-key", &path("empty")]), "OKT8002"),
        (oktant(&["serve", "--store", "sqlite::memory:", "--listen", "192.0.2.1:1"]), "OKT8001"),
    ] {
        assert!(shown.contains(&format!("error[{code}]")), "{code} in {shown}");
    }
}
