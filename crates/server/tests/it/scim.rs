//! SCIM over HTTP.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use oktant_server::seed;
use serde_json::{Value, json};

use crate::support::{Running, with_json};

const CONNECTIONS: usize = 32;

/// Users whose membership each connection changes.
const OWN: usize = 4;

/// One connection of a SCIM client.
#[derive(Clone)]
struct Scim {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Scim {
    /// Status and body, null where there is none.
    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = if body.is_null() { request } else { with_json(request, body) };
        let answer = request.bearer_auth(&self.token).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The same client with a connection of its own.
    fn anew(&self) -> Self {
        Self { http: connection(), ..self.clone() }
    }
}

fn connection() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(1).build().expect("a client")
}

/// 32 connections add and remove members of one group: in the end it has those that the last change of each left, and
/// no request meets an error of the server. `OKTANT_TEST_MEMBERSHIP_SECONDS` makes it longer than a second.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_change_one_group_lose_no_member() {
    let seconds = std::env::var("OKTANT_TEST_MEMBERSHIP_SECONDS").map_or(1, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::kept_in(&format!("sqlite://{}", folder.path().join("account.db").display())).await;
    let token = seed::guide(&running.account).await.expect("a token").into_exposed();
    let base = format!("{}/scim/v2", running.server.url());
    let scim = Scim { http: connection(), base, token };
    let mut ids = Vec::new();
    for number in 0..CONNECTIONS * OWN {
        let (status, user) = scim.send("POST", "/Users", &json!({ "userName": format!("user{number}") })).await;
        assert_eq!(status, 201, "{user}");
        ids.push(user["id"].as_str().expect("an id").to_owned());
    }
    let (status, group) = scim.send("POST", "/Groups", &json!({ "displayName": "Contested" })).await;
    assert_eq!(status, 201, "{group}");
    let path = format!("/Groups/{}", group["id"].as_str().expect("an id"));
    let end = Instant::now() + Duration::from_secs(seconds);
    let tasks = (0..CONNECTIONS).map(|task| {
        let own = ids[task * OWN..][..OWN].to_vec();
        tokio::spawn(change_until(end, scim.anew(), path.clone(), own, task))
    });
    let (mut expected, mut changes) = (BTreeSet::new(), 0);
    for task in tasks.collect::<Vec<_>>() {
        let (members, count) = task.await.expect("no request failed");
        expected.extend(members);
        changes += count;
    }
    let (status, group) = scim.send("GET", &path, &Value::Null).await;
    assert_eq!(status, 200, "{group}");
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let found: BTreeSet<String> =
        members.iter().map(|member| member["value"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(found.len(), members.len(), "nobody is a member twice");
    assert_eq!(found, expected);
    eprintln!("{changes} changes over {CONNECTIONS} connections in {seconds} s, {} members in the end", found.len());
}

/// Adds and removes users of its own, and says who was left in and how many changes it made.
async fn change_until(
    end: Instant,
    scim: Scim,
    path: String,
    own: Vec<String>,
    task: usize,
) -> (BTreeSet<String>, usize) {
    let (mut members, mut changes) = (BTreeSet::new(), 0);
    while Instant::now() < end {
        let id = &own[(task + changes * (1 + task % 3)) % own.len()];
        let operation = if members.remove(id) {
            json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })
        } else {
            members.insert(id.clone());
            json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
        };
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
        let (status, answer) = scim.send("PATCH", &path, &body).await;
        assert_eq!(status, 200, "{answer}");
        changes += 1;
    }
    (members, changes)
}
