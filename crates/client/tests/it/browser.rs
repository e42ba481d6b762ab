//! The machine's browser, in processes of their own: it is found by their environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use oktant_client::{Browser, SystemBrowser};
use url::Url;

const PAGE: &str = "https://acme.okta.com/oauth2/v1/authorize?scope=a%20b&state=%25s";

/// Name of the variable that tells the spawned process where the program writes.
const OUTPUT: &str = "OKTANT_TEST_OPENED";

#[test]
#[ignore = "runs in the processes that the other tests spawn"]
fn child_opens_the_page() {
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    let output = variables.get(OUTPUT).expect("a folder to write to").clone();
    SystemBrowser::new(Arc::new(variables.clone())).open(&Url::parse(PAGE).unwrap());
    // The program runs apart from this process, which must not end before it: opening the named
    // pipe to read waits for the program to write.
    if Path::new(&output).join("pipe").exists() {
        let opened = fs::read_to_string(Path::new(&output).join("pipe")).unwrap();
        fs::write(Path::new(&output).join("opened"), opened).unwrap();
    }
}

/// Opens the page in a new process with these variables of the desktop.
fn open_in_process(folder: &Path, desktop: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "browser::child_opens_the_page", "--ignored", "--nocapture"]).stdin(Stdio::null());
    for name in ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY"] {
        command.env_remove(name);
    }
    command.env(OUTPUT, folder).envs(desktop.iter().copied()).output().unwrap()
}

#[test]
fn the_browser_variable_may_hold_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let program = folder.path().join("show");
    fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > {}\n", pipe.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let browser = format!("{} --new-window  --quiet", program.display());
    let output = open_in_process(folder.path(), &[("BROWSER", &browser)]);
    assert!(output.status.success(), "{output:?}");
    let opened = fs::read_to_string(folder.path().join("opened")).unwrap();
    assert_eq!(opened.lines().collect::<Vec<_>>(), ["--new-window", "--quiet", PAGE]);
}

#[test]
fn the_address_is_printed_whatever_the_browser_does() {
    let folder = tempfile::tempdir().unwrap();
    let desktops: [&[(&str, &str)]; 4] =
        [&[], &[("BROWSER", "false")], &[("BROWSER", "true")], &[("BROWSER", "/nonexistent/browser")]];
    for desktop in desktops {
        let output = open_in_process(folder.path(), desktop);
        assert!(output.status.success(), "{output:?}");
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(printed.contains(&format!("\n  {PAGE}\n")), "{desktop:?}: {printed}");
    }
}
