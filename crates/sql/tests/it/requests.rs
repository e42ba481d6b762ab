//! What statements cost.

use oktant_sandbox::{Effect, Fault};
use oktant_sql::Params;

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
async fn members_bring_their_users_along() {
    let t = Fixture::new(80, 8).await;
    let groups = t.objects("/api/v1/groups?limit=200").await;
    let group = groups.iter().find(|group| group["type"] == "OKTA_GROUP").unwrap();
    let (id, name) = (group["id"].as_str().unwrap(), group["profile"]["name"].as_str().unwrap());
    let members = t.objects(&format!("/api/v1/groups/{id}/users?limit=200")).await;
    let mut expected: Vec<_> =
        members.iter().map(|user| vec![user["profile"]["email"].as_str().unwrap().to_owned()]).collect();
    expected.sort();
    t.requests();
    for sql in [
        "SELECT u.ProfileEmail FROM Groups g JOIN GroupMembers m ON m.GroupId = g.Id JOIN Users u ON u.Id = m.UserId",
        "SELECT u.ProfileEmail FROM Users u JOIN GroupMembers m ON u.Id = m.UserId JOIN Groups g ON m.GroupId = g.Id",
        "SELECT u.ProfileEmail FROM Users u, GroupMembers m, Groups g WHERE u.Id = m.UserId AND g.Id = m.GroupId",
    ] {
        let filter = if sql.contains("WHERE") { "AND" } else { "WHERE" };
        let sql = format!("{sql} {filter} g.ProfileName = '{name}'");
        assert_eq!(t.sorted(&sql).await, expected, "{sql}");
        let requests = t.requests();
        assert_eq!(requests.len(), 2, "{sql}: {requests:#?}");
        assert!(requests.iter().all(|request| !request.contains("/api/v1/users")), "{requests:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_subquery_are_looked_up() {
    let t = Fixture::new(300, 4).await;
    let users = t.users().await;
    let login = users[5]["profile"]["login"].as_str().unwrap();
    let factors = format!(
        "SELECT FactorType FROM UserFactors WHERE UserId IN (SELECT Id FROM Users WHERE ProfileLogin = '{login}')"
    );
    t.rows(&factors).await;
    let requests = t.requests();
    assert_eq!(requests.len(), 2, "{requests:#?}");
    let groups = t.objects("/api/v1/groups?limit=200").await;
    let id = groups.iter().find(|group| group["type"] == "OKTA_GROUP").unwrap()["id"].as_str().unwrap();
    t.requests();
    let members = t
        .rows(&format!(
            "SELECT ProfileLogin FROM Users WHERE Id IN (SELECT UserId FROM GroupMembers WHERE GroupId = '{id}')"
        ))
        .await;
    let requests = t.requests();
    assert!(requests.len() <= 1 + members.len().div_ceil(50), "{} members: {requests:#?}", members.len());
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

#[tokio::test(flavor = "multi_thread")]
async fn users_whose_number_the_org_withholds_are_not_taken_for_none() {
    let t = Fixture::new(6, 3).await;
    // Only the request for the count is refused.
    t.sandbox.add_fault(Fault::new("/api/v1/groups", Effect::Status { status: 403, reset_seconds: 1 }));
    t.rows("SELECT UserId FROM GroupMembers UNION ALL SELECT UserId FROM UserFactors").await;
    let requests = t.requests();
    assert!(requests[0].contains("expand=stats"), "{requests:#?}");
    // The groups of each user would cost nothing if there were no users.
    assert!(requests.iter().any(|request| request.starts_with("GET /api/v1/groups/00g")), "{requests:#?}");
    assert!(!requests.iter().any(|request| request.starts_with("GET /api/v1/users/") && request.contains("/groups")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_the_parent_narrows_the_parents() {
    let t = Fixture::new(80, 8).await;
    let login = t.users().await[3]["profile"]["login"].as_str().unwrap().to_owned();
    t.rows("SELECT UserLogin FROM GroupMembers WHERE GroupName = 'Everyone'").await;
    let requests = t.requests();
    assert_eq!(requests.len(), 2, "{requests:#?}");
    t.rows(&format!("SELECT GroupName, UserLogin FROM UserGroups WHERE UserLogin = '{login}'")).await;
    let requests = t.requests();
    assert_eq!(requests.len(), 2, "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_the_path_that_a_join_takes() {
    let t = Fixture::new(60, 6).await;
    let department = t.rows("SELECT ProfileDepartment FROM Users WHERE ProfileDepartment IS NOT NULL LIMIT 1").await;
    let sql = format!(
        "SELECT m.GroupId FROM Users u JOIN GroupMembers m ON m.UserId = u.Id WHERE u.ProfileDepartment = '{}'",
        department[0][0]
    );
    t.requests();
    let shown = t.session.explain(&sql, Params::None).await.unwrap();
    assert!(t.requests().is_empty());
    assert!(shown.contains("GET /api/v1/users/{id}/groups"), "{shown}");
    assert!(!shown.contains("/groups/{groupId}/users") && !shown.contains("logical_plan"), "{shown}");
    t.rows(&sql).await;
    let requests = t.requests();
    assert!(requests.iter().any(|request| request.contains("/groups") && request.contains("/users/")), "{requests:#?}");
    let verbose = t.rows(&format!("EXPLAIN VERBOSE {sql}")).await;
    assert!(verbose.iter().any(|row| row[0] == "logical_plan"), "{verbose:?}");
    let limited = t.rows("EXPLAIN SELECT Id FROM Users LIMIT 3").await;
    assert!(!limited[0][1].contains("or LIMIT"), "{limited:?}");
}
