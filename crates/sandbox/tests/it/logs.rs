//! The System Log.

use std::time::Duration;

use serde_json::json;

use crate::support::Org;

#[tokio::test]
async fn every_change_writes_an_event() {
    let org = Org::empty().await;
    let user = org.user("logged@x.example").await;
    let group = org.expect(200, "POST", "/api/v1/groups", Some(json!({ "profile": { "name": "Logged" } }))).await;
    let group = group.json["id"].as_str().unwrap().to_owned();
    org.expect(204, "PUT", &format!("/api/v1/groups/{group}/users/{user}"), None).await;
    org.expect(200, "POST", &format!("/api/v1/users/{user}/lifecycle/suspend"), None).await;
    let log = org.get("/api/v1/logs").await;
    let expected = [
        "user.lifecycle.create",
        "user.lifecycle.activate",
        "group.lifecycle.create",
        "group.user_membership.add",
        "user.lifecycle.suspend",
    ];
    assert_eq!(log.column("/eventType"), expected);
    let added = &log.json[3];
    assert_eq!(added["actor"]["alternateId"], org.sandbox.admin_login());
    assert_eq!((&added["target"][0]["id"], &added["target"][1]["id"]), (&json!(user), &json!(group)));
    assert_eq!(added["published"], "2026-03-02T12:00:00.000Z");
}

#[tokio::test]
async fn polling_never_ends_and_bounded_queries_do() {
    let org = Org::empty().await;
    org.user("one@x.example").await;
    let first = org.get("/api/v1/logs?limit=1").await;
    let second = org.get(&first.link("next").unwrap()).await;
    assert_eq!(second.column("/eventType"), ["user.lifecycle.activate"]);
    let empty = org.get(&second.link("next").unwrap()).await;
    assert_eq!(empty.json, json!([]));
    let poll = empty.link("next").expect("a poll always has a next page");
    org.clock.advance(Duration::from_secs(1));
    org.user("two@x.example").await;
    assert_eq!(org.get(&poll).await.json.as_array().unwrap().len(), 1, "limit stays 1");
    let bounded = org.get("/api/v1/logs?since=2026-03-01T00:00:00Z&until=2026-03-03T00:00:00Z").await;
    assert_eq!((bounded.json.as_array().unwrap().len(), bounded.link("next")), (4, None));
}

#[tokio::test]
async fn events_are_filtered_and_found_by_keyword() {
    let org = Org::empty().await;
    let user = org.user("needle@x.example").await;
    org.expect(200, "POST", &format!("/api/v1/users/{user}/lifecycle/suspend"), None).await;
    let count = async |query: &str| {
        let answer = org.expect(200, "GET", &format!("/api/v1/logs?{query}"), None).await;
        answer.json.as_array().unwrap().len()
    };
    assert_eq!(count("filter=eventType+eq+%22user.lifecycle.suspend%22").await, 1);
    assert_eq!(count(&format!("filter=target.id+eq+%22{user}%22+and+not+(eventType+co+%22suspend%22)")).await, 2);
    assert_eq!(count("q=needle").await, 3);
    assert_eq!(count("q=need").await, 0);
    assert_eq!(count("sortOrder=DESCENDING&limit=1").await, 1);
    let cases = [
        ("filter=eventType+is+%22x%22", "E0000053"),
        ("filter=published+gt+%222026-01-01T00:00:00Z%22", "E0000031"),
        ("since=2020-01-01T00:00:00Z", "E0000053"),
        ("since=yesterday", "E0000001"),
        ("since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", "E0000001"),
    ];
    for (query, code) in cases {
        let answer = org.get(&format!("/api/v1/logs?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{query}");
    }
}
