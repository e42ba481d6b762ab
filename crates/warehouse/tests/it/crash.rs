//! What was acknowledged outlives the process: a writer is killed at random points, again and again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{Client, TestAccount, ask, column, run_all};
use crate::databases::databases;
use crate::victim;
use oktant_base::{Entropy as _, OsEntropy};
use serde_json::json;

const DATABASE: &str = "OKTANT_TEST_CRASH_DATABASE";
const TOKEN: &str = "OKTANT_TEST_CRASH_TOKEN";
const ROUND: &str = "OKTANT_TEST_CRASH_ROUND";

/// Five rounds; `OKTANT_TEST_CRASH_ROUNDS` makes it more.
#[tokio::test]
async fn acknowledged_writes_outlive_kill() {
    let rounds = victim::rounds(5);
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        okta.create_group("Everyone", &[]).await;
        let token = okta.token.clone();
        test.account.close().await;
        drop((okta, test));
        let (mut acknowledged, mut joined) = (BTreeSet::new(), BTreeSet::new());
        for round in 0..rounds {
            let written = write_until_killed(&database.url, &token, round);
            acknowledged.extend(written.created);
            joined.extend(written.joined);
            let test = TestAccount::at(&database.url, |config| config).await;
            let admin = test.admin().await;
            let users = ask(&admin, "show users").await;
            let names = column(&users, "name");
            let kept: BTreeSet<String> = names.iter().cloned().collect();
            assert_eq!(kept.len(), names.len(), "{}: no one is there twice", database.name);
            let lost: Vec<&String> = acknowledged.difference(&kept).collect();
            assert!(lost.is_empty(), "{}: lost {lost:?} of {}", database.name, acknowledged.len());
            let members = column(&ask(&admin, "show grants of role \"Everyone\"").await, "grantee_name");
            let members: BTreeSet<String> = members.into_iter().collect();
            let lost: Vec<&String> = joined.difference(&members).collect();
            assert!(lost.is_empty(), "{}: lost the memberships of {lost:?} of {}", database.name, joined.len());
            run_all(&admin, &["create role if not exists alive"]).await;
        }
        let writes = acknowledged.len() + joined.len();
        assert!(acknowledged.len().min(joined.len()) > rounds as usize, "{}: the writer wrote", database.name);
        eprintln!("{}: {writes} acknowledged writes over {rounds} kills, none lost", database.name);
    }
}

/// What a writer had acknowledged, by the names of the users.
#[derive(Default)]
struct Written {
    created: Vec<String>,
    joined: Vec<String>,
}

/// Starts a writer in a process of its own, kills it in the middle, and returns what it had acknowledged.
fn write_until_killed(url: &str, token: &str, round: u32) -> Written {
    let round = round.to_string();
    let (mut child, lines) = victim::start("crash::writer", &[(DATABASE, url), (TOKEN, token), (ROUND, &round)]);
    let mut written = Written::default();
    let mut byte = [0];
    OsEntropy.fill(&mut byte);
    let last = 20 + usize::from(byte[0]) / 4;
    for line in lines {
        if let Some((_, name)) = line.split_once("created ") {
            written.created.push(name.to_owned());
        }
        if let Some((_, name)) = line.split_once("joined ") {
            written.joined.push(name.to_owned());
        }
        if written.joined.len() == last {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    written
}

/// The writer: does nothing unless it is started by the test above. Ends by being killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let round = std::env::var(ROUND).unwrap();
    let test = TestAccount::at(&url, |config| config).await;
    let client = Client::new(&test.account, test.clock.clone(), std::env::var(TOKEN).unwrap());
    let (_, found) = client.get("/Groups?filter=displayName%20eq%20%22Everyone%22").await;
    let group: Arc<str> = found["Resources"][0]["id"].as_str().unwrap().into();
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (client, group, round) = (client.clone(), Arc::clone(&group), round.clone());
            tokio::spawn(async move {
                for turn in 0..10_000 {
                    let name = format!("U{round}_{task}_{turn}");
                    let id = client.create_user(&name).await;
                    println!("created {name}");
                    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
                    let (status, body) = client.patch(&format!("/Groups/{group}"), add).await;
                    assert_eq!(status, 200, "{body}");
                    println!("joined {name}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
}
