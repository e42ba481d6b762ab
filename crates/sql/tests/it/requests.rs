//! What statements cost.

use crate::support::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn active_users_take_one_request_per_page() {
    let t = Fixture::new(450, 3).await;
    let active = t.users().await.iter().filter(|user| user["status"] == "ACTIVE").count();
    let rows = t.rows("SELECT Id, ProfileFirstName FROM Users WHERE Status = 'Active'").await;
    assert_eq!(rows.len(), active);
    let requests = t.requests();
    assert_eq!(requests.len(), active.div_ceil(200), "{requests:#?}");
    assert!(requests[0].contains(r#"status eq "ACTIVE""#), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_takes_one_request() {
    let t = Fixture::new(450, 3).await;
    assert_eq!(t.rows("SELECT Id FROM Users LIMIT 5").await.len(), 5);
    let requests = t.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert!(requests[0].contains("limit=5"), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_by_an_order_take_one_request() {
    let t = Fixture::new(450, 3).await;
    let mut users = t.users().await;
    users.sort_by(|left, right| right["created"].as_str().cmp(&left["created"].as_str()));
    let rows = t.rows("SELECT Created FROM Users ORDER BY Created DESC LIMIT 4").await;
    let expected: Vec<_> =
        users.iter().take(4).map(|user| vec![user["created"].as_str().unwrap().replace(".000Z", "Z")]).collect();
    assert_eq!(rows, expected);
    let requests = t.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_takes_one_request_and_must_be_the_key() {
    let t = Fixture::new(50, 3).await;
    let user = t.users().await.remove(7);
    let id = user["id"].as_str().unwrap();
    assert_eq!(t.rows(&format!("SELECT Id FROM Users WHERE Id = '{id}'")).await, [[id]]);
    assert_eq!(t.requests().len(), 1);
    // The path also resolves logins, but a login is not an id.
    let login = user["profile"]["login"].as_str().unwrap();
    assert!(t.rows(&format!("SELECT Id FROM Users WHERE Id = '{login}'")).await.is_empty());
    assert!(t.rows("SELECT Id FROM Users WHERE Id = '00unobody'").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_hold_takes_no_request() {
    let t = Fixture::new(10, 3).await;
    for sql in [
        "SELECT Id FROM Users WHERE Status = 'nonsense'",
        "SELECT Id FROM Users WHERE Id = NULL",
        "SELECT Id FROM Users WHERE 1 = 0",
    ] {
        assert!(t.rows(sql).await.is_empty(), "{sql}");
        assert!(t.requests().is_empty(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_asks_only_for_the_groups_it_needs() {
    let t = Fixture::new(80, 8).await;
    let groups = t.objects("/api/v1/groups?limit=200").await;
    let name = groups.iter().find(|group| group["type"] == "OKTA_GROUP").unwrap()["profile"]["name"].as_str().unwrap();
    t.requests();
    t.rows(&format!(
        "SELECT m.UserId FROM Groups g JOIN GroupMembers m ON m.GroupId = g.Id WHERE g.ProfileName = '{name}'"
    ))
    .await;
    let requests = t.requests();
    assert_eq!(requests.len(), 2, "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_asks_nothing_and_names_the_requests() {
    let t = Fixture::new(10, 3).await;
    let rows = t.rows("EXPLAIN SELECT Id FROM Users WHERE Status = 'Active' AND ProfileFirstName LIKE '%x'").await;
    assert!(t.requests().is_empty());
    assert_eq!(rows[0][0], "requests");
    assert!(rows[0][1].contains("GET /api/v1/users?"), "{}", rows[0][1]);
    assert!(rows[0][1].contains(r#"status eq "ACTIVE""#), "{}", rows[0][1]);
    assert!(rows[0][1].contains("estimate: "), "{}", rows[0][1]);
}
