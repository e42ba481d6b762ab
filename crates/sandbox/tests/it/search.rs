//! `filter`, `search`, `q` and sorting.

use serde_json::{Value, json};

use crate::support::Org;

async fn cast() -> Org {
    let org = Org::empty().await;
    for (login, first, city) in
        [("a@x.example", "Zoë", "Bonn"), ("b@x.example", "ZOE", "Ulm"), ("C@x.example", "Ada", "bonn")]
    {
        let profile = json!({ "firstName": first, "lastName": "Cast", "login": login, "email": login, "city": city });
        org.expect(200, "POST", "/api/v1/users?activate=false", Some(json!({ "profile": profile }))).await;
    }
    org
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn logins(org: &Org, query: &str) -> Vec<String> {
    let answer = org.expect(200, "GET", &format!("/api/v1/users?{query}"), None).await;
    answer.column("/profile/login").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn search_ignores_case_and_filter_does_not() {
    let org = cast().await;
    assert_eq!(
        logins(&org, &format!("search={}", encoded(r#"profile.city eq "BONN""#))).await,
        ["a@x.example", "C@x.example"]
    );
    assert_eq!(logins(&org, &format!("search={}", encoded(r#"profile.firstName sw "zoë""#))).await, ["a@x.example"]);
    assert_eq!(logins(&org, &format!("filter={}", encoded(r#"profile.login eq "c@x.example""#))).await, [""; 0]);
    assert_eq!(
        logins(&org, &format!("filter={}", encoded(r#"profile.login eq "C@x.example""#))).await,
        ["C@x.example"]
    );
}

#[tokio::test]
async fn sorting_ignores_case_and_pages() {
    let org = cast().await;
    let search = encoded(r#"status eq "STAGED""#);
    let path = format!("/api/v1/users?search={search}&sortBy=profile.login&sortOrder=desc&limit=2");
    let (rows, pages) = org.all(&path).await;
    let found: Vec<_> = rows.iter().map(|row| row["profile"]["login"].as_str().unwrap()).collect();
    assert_eq!((found, pages), (vec!["C@x.example", "b@x.example", "a@x.example"], 2));
}

#[tokio::test]
async fn only_filter_and_search_show_deprovisioned_users() {
    let org = cast().await;
    let id = org.get("/api/v1/users/a@x.example").await.json["id"].as_str().unwrap().to_owned();
    org.expect(204, "DELETE", &format!("/api/v1/users/{id}"), None).await;
    let gone = encoded(r#"status eq "DEPROVISIONED""#);
    assert_eq!(logins(&org, &format!("filter={gone}")).await, ["a@x.example"]);
    assert_eq!(logins(&org, &format!("search={gone}")).await, ["a@x.example"]);
    assert_eq!(logins(&org, "q=zo").await, ["b@x.example"]);
    assert!(!logins(&org, "").await.contains(&"a@x.example".to_owned()));
}

#[tokio::test]
async fn ids_are_looked_up_in_order() {
    let org = cast().await;
    let all = org.get("/api/v1/users").await;
    let ids = all.column("/id");
    let wanted = encoded(&format!(r#"id eq "{}" or id eq "{}" or id eq "00uUNKNOWN""#, ids[2], ids[0]));
    let found = org.get(&format!("/api/v1/users?search={wanted}&limit=1")).await;
    assert_eq!(found.column("/id"), [ids[0]]);
    let next = org.get(&found.link("next").unwrap()).await;
    assert_eq!(next.column("/id"), [ids[2]]);
    assert_eq!(next.link("next"), None);
}

#[tokio::test]
async fn what_an_endpoint_does_not_take_is_refused() {
    let org = cast().await;
    let cases = [
        ("search", "profile.login", "Invalid search syntax."),
        ("search", r#"profile.unheardOf eq "x""#, "Invalid search query."),
        ("search", r#"profile.city ne "Bonn""#, "Invalid search query."),
        ("search", r#"not (profile.city eq "Bonn")"#, "Invalid search query."),
        ("filter", r#"profile.city eq "Bonn""#, "Invalid search query."),
        ("filter", r#"profile.login sw "a""#, "Invalid search query."),
    ];
    for (parameter, expression, cause) in cases {
        let answer = org.get(&format!("/api/v1/users?{parameter}={}", encoded(expression))).await;
        assert_eq!((answer.status.as_u16(), answer.code(), answer.cause()), (400, "E0000031", cause), "{expression}");
    }
    let both = org.get("/api/v1/users?q=a&filter=id+pr").await;
    assert_eq!((both.status.as_u16(), both.code()), (400, "E0000033"));
    let cursor = org.get("/api/v1/users?after=nonsense").await;
    assert_eq!(cursor.status.as_u16(), 400);
}

#[tokio::test]
async fn custom_attributes_are_searched_by_their_type() {
    let org = Org::with_users(200).await;
    let truth = org.sandbox.truth();
    let check = async |expression: &str, holds: fn(&Value) -> bool| {
        let (rows, _) = org.all(&format!("/api/v1/users?search={}", encoded(expression))).await;
        let expected: Vec<_> = truth.users.iter().filter(|user| holds(&user["profile"])).collect();
        assert!(!expected.is_empty(), "{expression} selects no one: the test sees nothing");
        assert_eq!(rows.len(), expected.len(), "{expression}");
    };
    check("profile.officeFloor gt 9", |profile| profile["officeFloor"].as_i64().is_some_and(|floor| floor > 9)).await;
    check("profile.remoteWorker eq true", |profile| profile["remoteWorker"] == true).await;
    check(r#"profile.skills eq "rust""#, |profile| {
        profile["skills"].as_array().is_some_and(|skills| skills.contains(&json!("rust")))
    })
    .await;
    check("profile.badge pr", |profile| profile["badge"].is_string()).await;
}

#[tokio::test]
async fn groups_are_searched_filtered_and_found_by_prefix() {
    let org = Org::with_users(20).await;
    let names = async |query: String| {
        let answer = org.expect(200, "GET", &format!("/api/v1/groups?{query}"), None).await;
        answer.column("/profile/name").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let found = names(format!("search={}", encoded(r#"profile.name sw "engineering" and type eq "OKTA_GROUP""#))).await;
    assert!(!found.is_empty() && found.iter().all(|name| name.starts_with("Engineering")));
    assert_eq!(
        names(format!("filter={}", encoded(r#"type eq "BUILT_IN""#))).await,
        ["Everyone", "Okta Administrators"]
    );
    assert_eq!(names("q=every".to_owned()).await, ["Everyone"]);
    let stats = org.get("/api/v1/groups?q=every&expand=stats").await;
    let active = org.sandbox.truth().users.iter().filter(|user| user["status"] != "DEPROVISIONED").count();
    assert_eq!(stats.json[0]["_embedded"]["stats"]["usersCount"], active);
}
