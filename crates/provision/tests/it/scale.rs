//! Many users and groups. `OKTANT_PROVISION_SCALE=100000` makes it the size of the acceptance.

use std::time::Instant;

use oktant_sandbox::Sandbox;
use serde_json::json;

use crate::org::Bench;
use crate::target::FakeTarget;

/// A group of the org whose members are all of its users.
const EVERYONE: &str = "Everyone";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_org_is_planned_in_bounded_time_and_memory() {
    let users: usize = std::env::var("OKTANT_PROVISION_SCALE").map_or(1_000, |text| text.parse().expect("a number"));
    let mut bench = Bench::of(Sandbox::builder().users(users).groups(users / 50), FakeTarget::start().await).await;
    let groups = bench.call("GET", "/api/v1/groups?limit=10000", json!(null)).await;
    let groups = groups.as_array().expect("groups");
    let id_of = |name: &str| {
        let group = groups.iter().find(|group| group["profile"]["name"] == name).expect(name);
        crate::org::text(&group["id"])
    };
    bench.call("PUT", &format!("/api/v1/apps/{}/groups/{}", bench.app, id_of(EVERYONE)), json!({})).await;
    let names: Vec<String> = groups
        .iter()
        .filter(|group| group["type"] == "OKTA_GROUP")
        .map(|group| format!("\"{}\"", crate::org::text(&group["id"])))
        .collect();
    bench.settings = format!("[groups]\nnames = [{}]", names.join(", "));
    let began = Instant::now();
    let plan = bench.plan().await;
    let summary = plan.summary();
    eprintln!("planned {summary:?} in {:?}, peak memory {} MiB", began.elapsed(), peak_mib());
    assert_eq!(summary.groups, names.len());
    assert!(summary.assigned > users / 2, "{summary:?}");
    assert_eq!(summary.entries["create_user"], summary.assigned);
    if users > 10_000 {
        return;
    }
    let began = Instant::now();
    let report = bench.apply_all().await;
    eprintln!("applied {} changes with {} requests in {:?}", report.done, report.requests, began.elapsed());
    let members = bench.target.model(|model| model.groups.values().map(|group| group.members.len()).sum::<usize>());
    let planned: usize = plan
        .entries()
        .filter(|entry| entry.kind == "add_members")
        .filter_map(|entry| entry.members)
        .map(|members| members.count)
        .sum();
    assert_eq!(members, planned);
}

/// The most memory that the process, sandbox and target included, has used.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
