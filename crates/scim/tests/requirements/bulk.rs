//! Many operations in one request: B.

use oktant_scim::{Limits, Profile};
use serde_json::{Value, json};

use crate::support::{BASE, BULK, GROUP, PATCH, Service, USER, user};

fn bulk(operations: Value) -> Value {
    json!({ "schemas": [BULK], "Operations": operations })
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": format!("bulkId:{id}") })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

#[tokio::test]
async fn each_operation_has_its_answer() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("old@example.com").await;
    let path = format!("/Users/{id}");
    let answer = service
        .post(
            "/Bulk",
            bulk(json!([
                post("/Users", "a", user("new@example.com")),
                post("/Users", "b", user("OLD@example.com")),
                { "method": "PUT", "path": path, "version": "W/\"1\"", "data": user("renamed@example.com") },
                { "method": "PATCH", "path": path, "version": "W/\"1\"", "data": {
                    "schemas": [PATCH], "Operations": [{ "op": "replace", "value": { "active": false } }],
                } },
                { "method": "delete", "path": path },
                { "method": "DELETE", "path": "/Users/nobody" },
                { "method": "DELETE", "path": "/Users" },
                { "method": "POST", "path": "/Bulk", "bulkId": "c", "data": {} },
            ])),
        )
        .await
        .is(200);
    assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]), "B3");
    let answers = answer.body["Operations"].as_array().unwrap();
    let statuses: Vec<&str> = answers.iter().map(|answer| answer["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "409", "200", "412", "204", "404", "405", "404"], "B1, B3, B6");
    assert!(answers[0]["location"].as_str().unwrap().starts_with(&format!("{BASE}/Users/")), "B3");
    assert_eq!((&answers[0]["bulkId"], &answers[0]["version"]), (&json!("a"), &json!("W/\"1\"")), "B3");
    assert!(answers[1].get("location").is_none(), "B3");
    assert_eq!(answers[1]["response"]["scimType"], "uniqueness", "B3");
    for index in 2..7 {
        assert!(answers[index]["location"].as_str().unwrap().starts_with(BASE), "B3: {index}");
    }
    assert_eq!(answers[5]["response"]["status"], "404", "B3");
    assert!(!answer.text.contains("canary"));
    assert_eq!(service.memory.events().iter().filter(|event| event.path.starts_with("/Users")).count(), 7);
}

#[tokio::test]
async fn references_are_resolved_in_any_order() {
    for operations in [
        json!([post("/Users", "u", user("u")), post("/Groups", "g", group("g", &["u"]))]),
        json!([post("/Groups", "g", group("g", &["u"])), post("/Users", "u", user("u"))]),
        json!([
            { "method": "PATCH", "path": "/Groups/bulkId:g", "data": { "schemas": [PATCH], "Operations": [
                { "op": "add", "path": "members", "value": [{ "value": "bulkId:u" }] },
            ] } },
            post("/Groups", "g", group("g", &[])),
            post("/Users", "u", user("u")),
        ]),
    ] {
        let service = Service::new(Profile::Rfc);
        let answer = service.post("/Bulk", bulk(operations.clone())).await.is(200).body;
        let failed = |answer: &Value| answer["status"].as_str().unwrap() > "299";
        assert!(!answer["Operations"].as_array().unwrap().iter().any(failed), "B2, B5: {answer}");
        let user_id = service.get("/Users").await.body["Resources"][0]["id"].clone();
        let groups = service.get("/Groups").await;
        assert_eq!(groups.resources()[0]["members"][0]["value"], user_id, "B2, B5: {operations}");
    }
}

#[tokio::test]
async fn groups_may_be_members_of_each_other() {
    let service = Service::new(Profile::Rfc);
    let operations = json!([post("/Groups", "a", group("a", &["b"])), post("/Groups", "b", group("b", &["a"]))]);
    let answer = service.post("/Bulk", bulk(operations)).await.is(200).body;
    assert_eq!(
        (&answer["Operations"][0]["status"], &answer["Operations"][1]["status"]),
        (&json!("201"), &json!("201")),
        "B2"
    );
    let groups = service.get("/Groups").await;
    let [a, b] = groups.resources().as_slice() else { panic!("{}", groups.text) };
    assert_eq!((&a["members"][0]["value"], &b["members"][0]["value"]), (&b["id"], &a["id"]), "B2");
}

#[tokio::test]
async fn what_cannot_be_resolved_is_a_conflict() {
    let manager = |id: &str, of: &str| {
        let mut body = user(id);
        body[crate::support::ENTERPRISE] = json!({ "manager": { "value": format!("bulkId:{of}") } });
        body
    };
    for (operations, statuses) in [
        (json!([post("/Groups", "g", group("g", &["nobody"]))]), vec!["409"]),
        (json!([post("/Users", "a", manager("a", "b")), post("/Users", "b", manager("b", "a"))]), vec!["409", "409"]),
        (
            json!([post("/Users", "a", json!({ "schemas": [USER] })), post("/Groups", "g", group("g", &["a"]))]),
            vec!["400", "409"],
        ),
        (json!([{ "method": "DELETE", "path": "/Users/bulkId:nobody" }]), vec!["409"]),
    ] {
        let service = Service::new(Profile::Rfc);
        let answer = service.post("/Bulk", bulk(operations.clone())).await.is(200).body;
        let found: Vec<&str> =
            answer["Operations"].as_array().unwrap().iter().map(|answer| answer["status"].as_str().unwrap()).collect();
        assert_eq!(found, statuses, "B2: {operations}");
    }
}

#[tokio::test]
async fn errors_may_stop_the_rest() {
    for (limit, answered) in [(json!(1), 2), (json!(2), 4), (json!(3), 5), (json!(null), 5)] {
        let service = Service::new(Profile::Rfc);
        let mut body = bulk(json!([
            post("/Users", "a", user("a")),
            post("/Users", "b", user("a")),
            post("/Users", "c", user("c")),
            post("/Users", "d", user("a")),
            post("/Users", "e", user("e")),
        ]));
        body["failOnErrors"] = limit.clone();
        let answer = service.post("/Bulk", body).await.is(200).body;
        assert_eq!(answer["Operations"].as_array().unwrap().len(), answered, "B1: {limit}");
    }
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let service = Service::limited(Profile::Rfc, Limits { bulk_operations: 2, body_bytes: 2_000, ..Limits::default() });
    for body in [
        json!({ "schemas": [USER], "Operations": [] }),
        bulk(json!("x")),
        bulk(json!(["x"])),
        bulk(json!([{ "method": "GET", "path": "/Users" }])),
        bulk(json!([{ "method": "POST", "path": "/Users", "data": {} }])),
        bulk(json!([{ "method": "DELETE" }])),
        bulk(json!([post("/Users", "a", user("a")), post("/Users", "a", user("b"))])),
    ] {
        let answer = service.post("/Bulk", body.clone()).await.is(400);
        assert!(["invalidValue", "invalidSyntax"].contains(&answer.body["scimType"].as_str().unwrap()), "B2: {body}");
    }
    let one = json!({ "method": "DELETE", "path": "/Users/x" });
    let many = service.post("/Bulk", bulk(json!([one, one, one]))).await.is(413);
    assert!(many.body["detail"].as_str().unwrap().contains("maxOperations"), "B4");
    service.post("/Bulk", bulk(json!([post("/Users", "a", user(&"x".repeat(2_000)))]))).await.is(413);
}
