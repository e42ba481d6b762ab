//! Group rules.

use serde_json::{Value, json};

use crate::support::Org;

async fn group(org: &Org, name: &str) -> String {
    let body = json!({ "profile": { "name": name } });
    org.expect(200, "POST", "/api/v1/groups", Some(body)).await.json["id"].as_str().expect("an id").to_owned()
}

fn rule(name: &str, expression: &str, group: &str) -> Value {
    json!({
        "type": "group_rule", "name": name,
        "conditions": { "expression": { "value": expression, "type": "urn:okta:expression:1.0" } },
        "actions": { "assignUserToGroups": { "groupIds": [group] } },
    })
}

async fn members(org: &Org, group: &str) -> Vec<String> {
    let answer = org.expect(200, "GET", &format!("/api/v1/groups/{group}/users"), None).await;
    answer.column("/profile/login").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn an_active_rule_keeps_memberships_in_line_with_profiles() {
    let org = Org::empty().await;
    let group = group(&org, "Bonn").await;
    let (first, hand) = (org.user("first@x.example").await, org.user("hand@x.example").await);
    org.post(&format!("/api/v1/users/{first}"), json!({ "profile": { "city": "Bonn" } })).await;
    let created =
        org.expect(200, "POST", "/api/v1/groups/rules", Some(rule("Bonn", r#"user.city == "Bonn""#, &group))).await;
    assert_eq!((&created.json["status"], &created.json["allGroupsValid"]), (&json!("INACTIVE"), &json!(true)));
    assert!(members(&org, &group).await.is_empty(), "a new rule does nothing yet");

    let path = format!("/api/v1/groups/rules/{}", created.json["id"].as_str().unwrap());
    org.expect(204, "POST", &format!("{path}/lifecycle/activate"), None).await;
    assert_eq!(members(&org, &group).await, ["first@x.example"]);
    org.expect(204, "PUT", &format!("/api/v1/groups/{group}/users/{hand}"), None).await;
    org.post(&format!("/api/v1/users/{first}"), json!({ "profile": { "city": "Ulm" } })).await;
    assert_eq!(members(&org, &group).await, ["hand@x.example"], "by hand stays, by rule goes");

    org.post(&format!("/api/v1/users/{first}"), json!({ "profile": { "city": "Bonn" } })).await;
    org.expect(202, "DELETE", &format!("{path}?removeUsers=true"), None).await;
    assert_eq!(members(&org, &group).await, ["hand@x.example"]);
    org.expect(404, "GET", &path, None).await;
}

#[tokio::test]
async fn a_rule_without_its_group_is_invalid() {
    let org = Org::empty().await;
    let group = group(&org, "Short-lived").await;
    let created =
        org.expect(200, "POST", "/api/v1/groups/rules", Some(rule("Any", "user.login != null", &group))).await;
    let path = format!("/api/v1/groups/rules/{}", created.json["id"].as_str().unwrap());
    org.expect(204, "POST", &format!("{path}/lifecycle/activate"), None).await;
    org.expect(204, "DELETE", &format!("/api/v1/groups/{group}"), None).await;
    let broken = org.get(&path).await;
    assert_eq!((&broken.json["status"], &broken.json["allGroupsValid"]), (&json!("INVALID"), &json!(false)));
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let org = Org::empty().await;
    let group = group(&org, "G").await;
    for body in [rule("", "true", &group), rule("A", "user.city =", &group), rule("B", "true", "00gUNKNOWN")] {
        org.expect(400, "POST", "/api/v1/groups/rules", Some(body)).await;
    }
    org.expect(200, "POST", "/api/v1/groups/rules", Some(rule("Twice", "true", &group))).await;
    org.expect(400, "POST", "/api/v1/groups/rules", Some(rule("Twice", "true", &group))).await;
    assert_eq!(org.get("/api/v1/groups/rules?search=twi").await.column("/name"), ["Twice"]);
}
