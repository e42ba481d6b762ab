//! Server and provisioner are killed at random points: what was acknowledged stays, nothing is there twice, and the
//! next apply makes good what is missing.
//!
//! `OKTANT_TEST_KILLS=100` makes it the number of the acceptance.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::Duration;

use oktant_base::{Entropy, OsEntropy};
use serde_json::Value;

use crate::line::{Line, application};
use crate::support::Org;

const USERS: usize = 30;
const GROUPS: usize = 5;

/// What the org wants in the account.
struct Wanted {
    logins: BTreeSet<String>,
    members: Vec<(String, Vec<String>)>,
}

#[test]
fn kills_lose_nothing_and_repeat_nothing() {
    let kills: u32 = std::env::var("OKTANT_TEST_KILLS").map_or(4, |text| text.parse().expect("a number"));
    let org = Org::live(|builder| builder.users(USERS).groups(GROUPS));
    let (groups, wanted) = wanted(&org);
    application(&org, "Snowflake", &groups);
    let (mut midway, mut restarts, mut outlived) = (0, 0, 0);
    for round in 0..kills {
        let mut line = Line::new(&org, "Snowflake", "");
        let mut run = start(&line);
        wait_for(&line, &mut run, pick(USERS + GROUPS));
        midway += u32::from(run.try_wait().expect("a child").is_none());
        // The server, the provisioner, or both of them.
        let kind = round % 3;
        if kind != 1 {
            kill(&mut line.server.as_mut().expect("it runs").child);
        }
        if kind != 0 {
            kill(&mut run);
        }
        if kind != 1 {
            std::thread::sleep(Duration::from_millis(pick(300) as u64));
            line.serve();
        }
        let ended = run.wait().expect("it ends, by itself or not");
        if kind == 0 {
            restarts += 1;
            outlived += u32::from(ended.success());
        }
        let drift = line.run(&["drift"]);
        assert!(drift.starts_with("exit: 0\n"), "round {round}: what was acknowledged is not there: {drift}");
        line.settle(&["--force"]);
        check(&line, &wanted, round);
    }
    eprintln!("{midway} of {kills} kills came before the end of the run");
    eprintln!("{outlived} of {restarts} runs went on to their end when the server alone was killed and started again");
    assert!(midway > 0);
}

/// The org's groups, and what is to become of them and their members.
fn wanted(org: &Org) -> (Vec<String>, Wanted) {
    let id = |object: &Value| object["id"].as_str().expect("an id").to_owned();
    let listed = |path: &str| org.api("GET", path, &Value::Null).as_array().cloned().expect("a list");
    let groups = listed("/api/v1/groups?filter=type%20eq%20%22OKTA_GROUP%22");
    let mut wanted = Wanted { logins: BTreeSet::new(), members: Vec::new() };
    for group in &groups {
        let users = listed(&format!("/api/v1/groups/{}/users", id(group)));
        // Staged ones wait until they are activated.
        let here = users.iter().filter(|user| !matches!(user["status"].as_str(), Some("STAGED" | "DEPROVISIONED")));
        let mut members: Vec<String> =
            here.map(|user| user["profile"]["login"].as_str().expect("a login").to_lowercase()).collect();
        members.sort();
        wanted.logins.extend(members.iter().cloned());
        wanted.members.push((group["profile"]["name"].as_str().expect("a name").to_owned(), members));
    }
    (groups.iter().map(id).collect(), wanted)
}

fn start(line: &Line<'_>) -> Child {
    let mut command = line.provision(&["apply", "--yes", "--force"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("runs")
}

/// Waits until the account has so many users and groups, or the run is over.
fn wait_for(line: &Line<'_>, run: &mut Child, count: usize) {
    loop {
        let roles = line.ask("show roles").iter().filter(|row| row["owner"] == "OKTA_PROVISIONER").count();
        let made = line.active().len() + roles;
        if made >= count || run.try_wait().expect("a child").is_some() {
            return;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn kill(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().expect("a child");
}

/// A number below `bound`.
fn pick(bound: usize) -> usize {
    let mut bytes = [0; 2];
    OsEntropy.fill(&mut bytes);
    usize::from(u16::from_le_bytes(bytes)) % bound
}

/// Everyone is there once, in the groups they belong to.
fn check(line: &Line<'_>, wanted: &Wanted, round: u32) {
    let users = line.ask("show users");
    let logins: Vec<String> = users
        .iter()
        .filter(|row| row["owner"] == "OKTA_PROVISIONER")
        .map(|row| row["login_name"].to_lowercase())
        .collect();
    let once: BTreeSet<String> = logins.iter().cloned().collect();
    assert_eq!(once.len(), logins.len(), "round {round}: nobody is there twice");
    assert_eq!(once, wanted.logins, "round {round}");
    for (group, members) in &wanted.members {
        assert_eq!(&line.members(group), members, "round {round}: {group}");
    }
}
