//! Groups and memberships.

use serde_json::json;

use crate::support::Org;

async fn group(org: &Org, name: &str) -> String {
    let body = json!({ "profile": { "name": name } });
    org.expect(200, "POST", "/api/v1/groups", Some(body)).await.json["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_new_org_has_its_built_in_groups() {
    let org = Org::empty().await;
    let groups = org.get("/api/v1/groups").await;
    assert_eq!(groups.column("/profile/name"), ["Everyone", "Okta Administrators"]);
    assert_eq!(groups.column("/type"), ["BUILT_IN", "BUILT_IN"]);
    let id = groups.json[0]["id"].as_str().unwrap();
    let refused = org.send("DELETE", &format!("/api/v1/groups/{id}"), None).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "E0000006"));
}

#[tokio::test]
async fn membership_shows_from_both_sides() {
    let org = Org::empty().await;
    let (user, group) = (org.user("member@x.example").await, group(&org, "Climbers").await);
    let membership = format!("/api/v1/groups/{group}/users/{user}");
    for _ in 0..2 {
        org.expect(204, "PUT", &membership, None).await;
    }
    assert_eq!(org.get(&format!("/api/v1/groups/{group}/users")).await.column("/id"), [user.as_str()]);
    let groups = org.get(&format!("/api/v1/users/{user}/groups")).await;
    assert_eq!(groups.column("/profile/name"), ["Everyone", "Climbers"]);
    org.expect(204, "DELETE", &membership, None).await;
    assert!(org.get(&format!("/api/v1/groups/{group}/users")).await.column("/id").is_empty());
}

#[tokio::test]
async fn a_deprovisioned_user_leaves_its_groups() {
    let org = Org::empty().await;
    let (user, group) = (org.user("leaver@x.example").await, group(&org, "Leavers").await);
    org.expect(204, "PUT", &format!("/api/v1/groups/{group}/users/{user}"), None).await;
    org.expect(200, "POST", &format!("/api/v1/users/{user}/lifecycle/deactivate"), None).await;
    assert!(org.get(&format!("/api/v1/groups/{group}/users")).await.column("/id").is_empty());
    assert!(org.get(&format!("/api/v1/users/{user}/groups")).await.column("/id").is_empty());
}

#[tokio::test]
async fn names_are_unique_and_profiles_replaced_whole() {
    let org = Org::empty().await;
    let first = group(&org, "Twins").await;
    let second = org.post("/api/v1/groups", json!({ "profile": { "name": "Twins" } })).await;
    assert_eq!(second.cause(), "name: An object with this field already exists in the current organization");
    let path = format!("/api/v1/groups/{first}");
    org.expect(200, "PUT", &path, Some(json!({ "profile": { "name": "Twins", "description": "two" } }))).await;
    let replaced = org.expect(200, "PUT", &path, Some(json!({ "profile": { "name": "Single" } }))).await;
    assert_eq!(replaced.json["profile"], json!({ "name": "Single", "description": null }));
}

#[tokio::test]
async fn members_page_in_order() {
    let org = Org::with_users(300).await;
    let groups = org.get("/api/v1/groups").await;
    let id = groups.json[2]["id"].as_str().unwrap().to_owned();
    let (rows, pages) = org.all(&format!("/api/v1/groups/{id}/users?limit=50")).await;
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b) && !ids.is_empty());
    assert_eq!(pages, ids.len().div_ceil(50));
}
