//! What the generator makes.

use std::collections::HashSet;

use oktant_sandbox::{Membership, Sandbox};
use serde_json::Value;

use crate::support::Org;

#[tokio::test]
async fn the_same_seed_makes_the_same_org() {
    let make = async |seed| Org::start(Sandbox::builder().users(50).groups(20).seed(seed)).await.sandbox.truth();
    let without_links = |users: Vec<Value>| -> Vec<Value> {
        users
            .into_iter()
            .map(|mut user| {
                user.as_object_mut().unwrap().remove("_links");
                user
            })
            .collect()
    };
    let (first, again, other) = (make(7).await, make(7).await, make(8).await);
    assert_eq!(first.memberships, again.memberships);
    let first = without_links(first.users);
    assert_eq!(first, without_links(again.users));
    assert_ne!(first, without_links(other.users));
}

#[tokio::test]
async fn an_empty_org_has_its_administrator_only() {
    let org = Org::empty().await;
    let truth = org.sandbox.truth();
    assert_eq!((truth.users.len(), truth.groups.len()), (1, 2));
    assert_eq!(truth.users[0]["profile"]["login"], org.sandbox.admin_login());
}

#[tokio::test]
async fn memberships_read_over_http_are_those_that_exist() {
    let org = Org::with_users(120).await;
    let truth = org.sandbox.truth();
    let mut seen = HashSet::new();
    for group in &truth.groups {
        let group = group["id"].as_str().unwrap();
        let (users, _) = org.all(&format!("/api/v1/groups/{group}/users?limit=37")).await;
        for user in users {
            let user = user["id"].as_str().unwrap().to_owned();
            assert!(seen.insert((group.to_owned(), user)), "a member came twice");
        }
    }
    let expected: HashSet<_> =
        truth.memberships.iter().map(|Membership { group, user }| (group.clone(), user.clone())).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn statuses_are_mixed() {
    let org = Org::with_users(2_000).await;
    let truth = org.sandbox.truth();
    let statuses = truth.statuses();
    assert_eq!(statuses.len(), 8, "{statuses:?}");
    assert!(statuses["ACTIVE"] > 1_600 && statuses["DEPROVISIONED"] > 20, "{statuses:?}");
}

#[tokio::test]
async fn a_share_of_the_people_has_enrolled_factors() {
    let org = Org::with_users(60).await;
    let (users, _) = org.all("/api/v1/users?filter=status+eq+%22ACTIVE%22").await;
    let mut enrolled = 0;
    for user in &users {
        let factors = format!("/api/v1/users/{}/factors", user["id"].as_str().unwrap());
        let listed = org.get(&factors).await.json;
        enrolled += usize::from(listed[0].is_object());
        if listed[0]["factorType"] == "question" {
            let verify = format!("{factors}/{}/verify", listed[0]["id"].as_str().unwrap());
            org.expect(200, "POST", &verify, Some(serde_json::json!({ "answer": "turnips" }))).await;
        }
    }
    assert!((20..50).contains(&enrolled), "{enrolled} of {}", users.len());
}

#[tokio::test]
async fn the_application_of_the_account_beside_comes_last_and_can_be_provisioned() {
    let settings = || Sandbox::builder().users(30).groups(4).seed(7);
    let (without, with) = (Org::start(settings()).await, Org::start(settings().snowflake()).await);
    let ids = |all: &[Value]| all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (before, after) = (without.sandbox.truth(), with.sandbox.truth());
    assert_eq!(ids(&before.users), ids(&after.users));
    assert_eq!(ids(&before.groups), ids(&after.groups)[..before.groups.len()]);
    assert_eq!(without.sandbox.api_token(), with.sandbox.api_token());
    let apps = with.expect(200, "GET", "/api/v1/apps?q=Snowflake", None).await.json;
    assert_eq!((&apps[0]["label"], &apps[0]["name"]), (&"Snowflake".into(), &"snowflake".into()));
    let own = format!("/api/v1/apps/{}", apps[0]["id"].as_str().unwrap());
    let features = with.expect(200, "GET", &format!("{own}/features"), None).await.json;
    assert_eq!(features[0]["name"], "USER_PROVISIONING");
    let mappings = with.expect(200, "GET", &format!("{own}/group-push/mappings"), None).await.json;
    assert_eq!(mappings.as_array().unwrap().len(), 2);
    for mapping in mappings.as_array().unwrap() {
        for (side, kind) in [("sourceGroupId", "OKTA_GROUP"), ("targetGroupId", "APP_GROUP")] {
            let group = format!("/api/v1/groups/{}", mapping[side].as_str().unwrap());
            assert_eq!(with.expect(200, "GET", &group, None).await.json["type"], kind);
        }
    }
    let (users, _) = with.all(&format!("{own}/users?limit=2")).await;
    assert_eq!(users.len(), 3);
}
