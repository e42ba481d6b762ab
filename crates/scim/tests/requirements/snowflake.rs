//! Where Snowflake's service differs from the standard.
//!
//! # Source
//!
//! Snowflake documentation, SCIM Users and Groups APIs; behaviour change 2276 of bundle `2026_03`.

use http::{Method, StatusCode};
use oktant_scim::{Profile, ScimClient};
use serde_json::{Value, json};

use crate::support::{BULK, ENTERPRISE, GROUP, OKTA, SEARCH, Service, USER, query, user};

const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:2.0:User";

#[tokio::test]
async fn lists_are_counted_as_snowflake_does() {
    let service = Service::new(OKTA);
    for index in 0..5 {
        service.user(&format!("u{index}")).await;
    }
    for (parameters, shown, total, per_page) in [
        ("", 5, 5, 100),
        ("?count=2", 2, 3, 2),
        ("?startIndex=3&count=2", 2, 5, 2),
        ("?startIndex=5&count=2", 1, 5, 2),
        ("?startIndex=9&count=2", 0, 5, 2),
        ("?startIndex=4&count=2", 2, 5, 2),
        ("?count=0", 0, 5, 0),
        ("?count=-1", 0, 5, 0),
        ("?count=5000", 5, 5, 1_000),
        ("?startIndex=-2&count=1", 1, 2, 1),
    ] {
        let list = service.get(&format!("/Users{parameters}")).await.is(200);
        let found = (list.resources().len(), &list.body["totalResults"], &list.body["itemsPerPage"]);
        assert_eq!(found, (shown, &json!(total), &json!(per_page)), "{parameters}");
    }
    for parameters in ["?startIndex=x", "?count=x"] {
        service.get(&format!("/Users{parameters}")).await.bad("invalidValue");
    }
}

#[tokio::test]
async fn filters_are_those_that_snowflake_takes() {
    let service = Service::new(OKTA);
    for name in ["Sherry_J", "sherry_k", "bob"] {
        service.user(name).await;
    }
    for name in ["Sales", "SALES", "sales_east"] {
        service.group(name, &[]).await;
    }
    for (path, filter, names) in [
        ("/Users", "userName eq \"SHERRY_J\"", vec!["Sherry_J"]),
        ("/Users", "USERNAME sw \"sherry\"", vec!["Sherry_J", "sherry_k"]),
        ("/Users", "userName sw \"x\"", vec![]),
        ("/Users", "externalId eq \"00ujl29u0le5T6Aj10h7\"", vec![]),
        ("/Users", "displayName co \"Given\"", vec![]),
        ("/Users", "nothing eq \"x\"", vec![]),
        ("/Users", "emails.value pr", vec![]),
        ("/Groups", "displayName eq \"sales\"", vec!["SALES"]),
        ("/Groups", "displayName eq \"Sales\"", vec!["Sales", "SALES"]),
        ("/Groups", "displayName eq \"SALES\"", vec!["SALES"]),
        ("/Groups", "displayName sw \"sal\"", vec!["sales_east"]),
        ("/Groups", "id eq \"x\"", vec![]),
    ] {
        let attribute = if path == "/Users" { "userName" } else { "displayName" };
        let list = service.get(&format!("{path}{}", query(&[("filter", filter)]))).await.is(200);
        assert_eq!(list.names(attribute), names, "{filter}");
    }
    for filter in [
        "userName co \"x\"",
        "userName ew \"x\"",
        "userName ne \"x\"",
        "userName pr",
        "userName eq null",
        "userName eq \"a\" and userName eq \"b\"",
        "userName eq \"a\" or userName eq \"b\"",
        "not (userName eq \"a\")",
        "userName eq a",
        "userName eq \"a",
        "emails[type eq \"work\"]",
    ] {
        service.get(&format!("/Users{}", query(&[("filter", filter)]))).await.bad("invalidFilter");
    }
    let one = service
        .get(&format!("/Users{}&startIndex=7&count=0", query(&[("filter", "userName eq \"bob\"")])))
        .await
        .is(200);
    assert_eq!((one.resources().len(), &one.body["startIndex"], &one.body["totalResults"]), (1, &json!(1), &json!(1)));
}

#[tokio::test]
async fn memberships_alone_can_be_excluded() {
    let service = Service::new(OKTA);
    let user_id = service.user("a").await;
    service.group("g", &[&user_id]).await;
    let users = service.get("/Users?excludedAttributes=groups,emails,members").await;
    assert!(users.resources()[0].get("groups").is_none() && users.resources()[0].get("emails").is_some());
    let groups = service.get("/Groups?excludedAttributes=members,displayName").await;
    assert!(groups.resources()[0].get("members").is_none() && groups.resources()[0].get("displayName").is_some());
    let both = service.get("/Groups?excludedAttributes=members&attributes=displayName").await.is(200);
    assert!(both.resources()[0].get("members").is_none());
}

#[tokio::test]
async fn users_have_the_attributes_of_snowflake() {
    let service = Service::new(OKTA);
    let mut body = user("ann@example.com");
    body.as_object_mut().unwrap().remove("schemas");
    body[ENTERPRISE] =
        json!({ "DEFAULTROLE": "SYSADMIN", "type": "person", "department": "ignored", "snowflakeTags": ["db.s.t:v"] });
    let made = service.post("/Users", body).await.is(201).body;
    assert_eq!(made["schemas"], json!([USER, ENTERPRISE, EXTENSION]));
    assert_eq!(made[ENTERPRISE], json!({ "defaultRole": "SYSADMIN", "type": "person", "snowflakeTags": ["db.s.t:v"] }));
    assert!(made.get("locale").is_none() && made.get("password").is_none());
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    for (attribute, separator, urn) in
        [("snowflakeUserName", ".", ENTERPRISE), ("defaultWarehouse", ":", ENTERPRISE), ("defaultRole", ":", EXTENSION)]
    {
        let operation = json!([{ "op": "replace", "path": format!("{urn}{separator}{attribute}"), "value": "X" }]);
        assert_eq!(
            service.patch(&path, operation).await.is(200).body[urn][attribute],
            "X",
            "{urn}{separator}{attribute}"
        );
    }
    let given_name = json!([{ "op": "replace", "value": { "givenName": "deactivated_user" } }]);
    assert_eq!(service.patch(&path, given_name).await.is(200).body["name"]["givenName"], "deactivated_user");
}

#[tokio::test]
async fn a_group_patch_is_answered_by_client() {
    for (client, status) in [(ScimClient::Okta, 200), (ScimClient::Azure, 204), (ScimClient::Generic, 204)] {
        let service = Service::new(Profile::Snowflake { client });
        let id = service.user("a").await;
        let group = service.group("g", &[]).await;
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        let answer = service.patch(&format!("/Groups/{group}"), add).await.is(status);
        assert_eq!(answer.text.is_empty(), status == 204, "{client:?}");
        assert_eq!(service.members(&group).await, [id.clone()]);
        service
            .patch(&format!("/Users/{id}"), json!([{ "op": "replace", "value": { "active": false } }]))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn a_role_is_granted_to_users_that_exist() {
    let service = Service::new(OKTA);
    let group = service.group("g", &[]).await;
    let other = service.group("other", &[]).await;
    for id in ["nobody", &other] {
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        service.patch(&format!("/Groups/{group}"), add).await.bad("invalidValue");
        let body = json!({ "schemas": [GROUP], "displayName": "new", "members": [{ "value": id }] });
        service.post("/Groups", body).await.bad("invalidValue");
    }
    let taken = json!({ "schemas": [GROUP], "displayName": "g" });
    service.post("/Groups", taken).await.refused(StatusCode::CONFLICT, "uniqueness");
}

#[tokio::test]
async fn put_leaves_what_snowflake_does_not_document() {
    let service = Service::new(OKTA);
    let id = service.user("a").await;
    let group = service.group("g", &[&id]).await;
    service.put(&format!("/Groups/{group}"), json!({ "displayName": "new" })).await.is(200);
    assert_eq!(service.members(&group).await, [id.clone()]);
    let mut body = user("a");
    body["id"] = "another".into();
    service.put(&format!("/Users/{id}"), body).await.is(200);
}

#[tokio::test]
async fn what_snowflake_lacks_is_not_implemented() {
    let service = Service::new(OKTA);
    service.post("/Bulk", json!({ "schemas": [BULK], "Operations": [] })).await.is(501);
    for path in ["/.search", "/Users/.search", "/Groups/.search"] {
        service.post(path, json!({ "schemas": [SEARCH] })).await.is(501);
    }
    service.send(Service::request(Method::GET, "/Me", None)).await.is(501);
    let config: Value = service.get("/ServiceProviderConfig").await.body;
    assert_eq!(config["bulk"]["supported"], false);
    let urns: Vec<Value> =
        service.get("/Schemas").await.resources().iter().map(|schema| schema["id"].clone()).collect();
    assert_eq!(urns, [USER, ENTERPRISE, EXTENSION, GROUP]);
}
