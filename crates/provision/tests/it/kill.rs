//! A run that is killed is taken up by the next one: nothing is done twice, nothing is left out.
//!
//! The run is this very test program, started again as a child. `OKTANT_PROVISION_KILLS=100` makes it the number
//! of the acceptance.

use std::process::{Command, Stdio};
use std::time::Duration;

use oktant_base::{Entropy as _, SeededEntropy};

use crate::org::{Bench, open};
use crate::target::{FakeTarget, Habits};

const USERS: usize = 30;
const GROUPS: usize = 5;

/// Writes of a whole run: each user, each group, and the members of each group.
const WRITES: usize = USERS + 2 * GROUPS;

/// Where the child finds its file; the same variable makes it one.
const FILE: &str = "OKTANT_PROVISION_CHILD_FILE";
const DSN: &str = "OKTANT_PROVISION_CHILD_DSN";

#[test]
fn child() {
    let (Some(file), Some(dsn)) = (std::env::var_os(FILE), std::env::var(DSN).ok()) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut provisioner = open(&text, file.as_ref(), &dsn).await.unwrap();
        provisioner.preflight().await.unwrap();
        let plan = provisioner.plan().await.unwrap();
        provisioner.apply(&plan, oktant_provision::ApplyOptions { force: true, ..Default::default() }).await.unwrap();
        provisioner.close().await.unwrap();
    });
}

#[test]
fn a_killed_run_is_taken_up_without_doing_anything_twice() {
    let kills: u64 = std::env::var("OKTANT_PROVISION_KILLS").map_or(4, |text| text.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let entropy = SeededEntropy::new(kills);
    let mut killed = 0;
    for round in 0..kills {
        let bench = runtime.block_on(set_up());
        let path = bench.folder.path().join("provision.toml");
        std::fs::write(&path, bench.file()).unwrap();
        let mut child = start(&bench, &path);
        // Somewhere between its first write and its last one.
        let writes = (entropy.unit() * WRITES as f64) as usize;
        while written(&bench) < writes && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(500));
        }
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        assert!(start(&bench, &path).wait().unwrap().success(), "round {round}");
        runtime.block_on(check(&bench, round));
    }
    eprintln!("{killed} of {kills} runs were killed before their end");
    assert!(killed > 0);
}

/// Writes that the target has received.
fn written(bench: &Bench) -> usize {
    bench.target.model(|model| model.log.iter().filter(|entry| entry.method != "GET").count())
}

async fn set_up() -> Bench {
    let bench =
        Bench::with(FakeTarget::with(Habits { latency: Duration::from_millis(3), ..Habits::default() }).await).await;
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(bench.assigned(&format!("user{number}")).await);
    }
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    for number in 0..GROUPS {
        bench.pushed(&format!("Group {number}"), &users[number..]).await;
    }
    bench
}

fn start(bench: &Bench, path: &std::path::Path) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().expect("success"));
    command.args(["--exact", "kill::child", "--nocapture"]).stdout(Stdio::null()).stderr(Stdio::inherit());
    command.env(FILE, path).env(DSN, bench.sandbox.dsn()).spawn().expect("success")
}

/// Everything is there once, and another run writes nothing.
async fn check(bench: &Bench, round: u64) {
    bench.target.model(|model| {
        assert_eq!((model.users.len(), model.groups.len()), (USERS, GROUPS), "round {round}");
        for number in 0..GROUPS {
            assert_eq!(model.members(&format!("Group {number}")).len(), USERS - number, "round {round}");
        }
        // Each object was made once; a request that was on its way when its sender was killed may be refused later.
        let made = model.log.iter().filter(|entry| entry.method == "POST" && entry.status == 201).count();
        assert_eq!(made, USERS + GROUPS, "round {round}");
    });
    bench.target.take_writes();
    bench.apply_all().await;
    assert!(bench.target.take_writes().is_empty(), "round {round}");
}
