//! What Okta's client sends: its published specification suite, and the paths of its integrations.
//!
//! # Source
//!
//! Okta developer documentation, SCIM 2.0 specification suite and protocol reference.

use http::{Method, StatusCode};
use oktant_scim::Profile;
use serde_json::{Value, json};

use crate::support::{Answer, ERROR, GROUP, LIST, OKTA, Service, USER, query, user};

async fn as_okta(service: &Service, path: &str) -> Answer {
    let mut request = Service::request(Method::GET, path, None);
    for (name, value) in [
        ("accept", "application/scim+json"),
        ("accept-charset", "utf-8"),
        ("content-type", "application/scim+json; charset=utf-8"),
        ("user-agent", "OKTA SCIM Integration"),
    ] {
        request.headers_mut().insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    service.send(request).await
}

#[track_caller]
fn assert_complete(user: &Value) {
    for pointer in ["/id", "/name/familyName", "/name/givenName", "/userName", "/emails/0/value"] {
        assert!(
            user.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
            "{pointer}: {user}"
        );
    }
    assert!(user["active"].is_boolean());
}

/// The twelve steps of the suite, in its order.
async fn specification_suite(profile: Profile) {
    let service = Service::new(profile);
    service.user("existing@example.com").await;
    let filter = |name: &str| format!("/Users{}", query(&[("filter", &format!("userName eq \"{name}\""))]));

    let first = as_okta(&service, "/Users?count=1&startIndex=1").await.is(200);
    assert_eq!(first.body["schemas"], json!([LIST]), "1");
    for number in ["itemsPerPage", "startIndex", "totalResults"] {
        assert!(first.body[number].is_u64(), "1: {number}");
    }
    let existing = &first.resources()[0];
    assert_complete(existing);

    let id = existing["id"].as_str().unwrap();
    let read = as_okta(&service, &format!("/Users/{id}")).await.is(200).body;
    assert_complete(&read);
    assert_eq!(read["id"], id, "2");

    let unknown = as_okta(&service, &filter("nobody@example.com")).await.is(200).body;
    assert_eq!((&unknown["schemas"], &unknown["totalResults"]), (&json!([LIST]), &json!(0)), "3");

    as_okta(&service, "/Users/010101001010101011001010101011").await.is(404);

    let name = "Runscope300k7yz0d@Example.com";
    assert_eq!(as_okta(&service, &filter(name)).await.is(200).body["totalResults"], 0, "5");

    let body = json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Runscope", "familyName": "Zed" },
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "displayName": "Runscope Zed",
        "active": true,
    });
    let post = async || {
        let mut request = Service::request(Method::POST, "/Users", Some(&body));
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        request.headers_mut().insert("accept", "application/scim+json; charset=utf-8".parse().unwrap());
        service.send(request).await
    };
    let made = post().await.is(201).body;
    assert_eq!(made["active"], true, "6");
    assert!(made["schemas"].as_array().unwrap().contains(&json!(USER)), "6");
    let made_id = made["id"].as_str().unwrap().to_owned();

    let read = as_okta(&service, &format!("/Users/{made_id}")).await.is(200).body;
    for found in [&made, &read] {
        assert_eq!((&found["userName"], &found["name"]), (&json!(name), &body["name"]), "6, 7");
    }

    post().await.refused(StatusCode::CONFLICT, "uniqueness");

    assert_eq!(as_okta(&service, &filter(&name.to_uppercase())).await.is(200).resources().len(), 1, "9");

    assert!(as_okta(&service, "/Groups").await.is(200).body["Resources"].is_array(), "10");

    let denied = service.with(Method::GET, "/Users", None, "authorization", "non-token").await.is(401).body;
    assert_eq!((&denied["status"], &denied["schemas"]), (&json!("401"), &json!([ERROR])), "11");

    let missing = as_okta(&service, "/Users/00919288221112222").await.is(404).body;
    assert_eq!((&missing["status"], &missing["schemas"]), (&json!("404"), &json!([ERROR])), "12");
}

#[tokio::test]
async fn the_specification_suite_passes_under_both_profiles() {
    specification_suite(Profile::Rfc).await;
    specification_suite(OKTA).await;
}

/// What an integration of the catalogue does with a user over its life.
#[tokio::test]
async fn a_user_is_assigned_changed_deactivated_and_comes_back() {
    for profile in [Profile::Rfc, OKTA] {
        let service = Service::new(profile);
        for test in ["/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"] {
            assert_eq!(as_okta(&service, test).await.is(200).body["Resources"], json!([]));
        }
        let exists =
            format!("/Users{}&startIndex=1&count=100", query(&[("filter", "userName eq \"ann@example.com\"")]));
        assert_eq!(as_okta(&service, &exists).await.is(200).body["totalResults"], 0);
        let id = service.post("/Users", user("ann@example.com")).await.created();
        let path = format!("/Users/{id}");
        let mut profile_update = as_okta(&service, &path).await.is(200).body;
        profile_update["name"]["familyName"] = "Married".into();
        let put = service.put(&path, profile_update).await.is(200).body;
        assert_eq!(
            (&put["name"]["familyName"], &put["externalId"]),
            (&json!("Married"), &json!("00ujl29u0le5T6Aj10h7"))
        );
        let activate = |active: bool| json!([{ "op": "replace", "value": { "active": active } }]);
        assert_eq!(service.patch(&path, activate(false)).await.is(200).body["active"], false);
        let found = as_okta(&service, &exists).await;
        assert_eq!((&found.resources()[0]["id"], &found.resources()[0]["active"]), (&json!(id), &json!(false)));
        let back = service.patch(&path, activate(true)).await.is(200).body;
        assert_eq!((&back["id"], &back["active"], &back["name"]), (&json!(id), &json!(true), &put["name"]));
        let password = json!([{ "op": "replace", "value": { "password": "canary-new" } }]);
        assert!(!service.patch(&path, password).await.is(200).text.contains("canary"));
        assert_eq!(service.memory.password(&id).unwrap().expose(), "canary-new");
    }
}

#[tokio::test]
async fn a_group_is_pushed_renamed_emptied_and_deleted() {
    for profile in [Profile::Rfc, OKTA] {
        let service = Service::new(profile);
        let (a, b) = (service.user("a").await, service.user("b").await);
        let exists = format!("/Groups{}&startIndex=1&count=100", query(&[("filter", "displayName eq \"Sales\"")]));
        assert!(as_okta(&service, &exists).await.is(200).resources().is_empty());
        let group = service
            .post("/Groups", json!({ "schemas": [GROUP], "displayName": "Sales", "members": [] }))
            .await
            .created();
        let path = format!("/Groups/{group}");
        as_okta(&service, &path).await.is(200);
        let add = json!([
            { "op": "replace", "value": { "id": group, "displayName": "Sales" } },
            { "op": "add", "path": "members", "value": [{ "value": a, "display": "a" }, { "value": b, "display": "b" }] },
        ]);
        service.patch(&path, add).await.is(200);
        assert_eq!(service.members(&group).await, [a.clone(), b.clone()]);
        let user_groups = service.get(&format!("/Users/{a}")).await.body["groups"][0].clone();
        assert_eq!((&user_groups["value"], &user_groups["display"]), (&json!(group), &json!("Sales")));
        let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{a}\"]") }]);
        service.patch(&path, remove.clone()).await.is(200);
        service.patch(&path, remove).await.is(200);
        assert_eq!(service.members(&group).await, [b]);
        let push_now = json!([{ "op": "replace", "path": "members", "value": [] }]);
        service.patch(&path, push_now).await.is(200);
        assert!(service.members(&group).await.is_empty());
        let rename = json!([{ "op": "replace", "value": { "id": group, "displayName": "New" } }]);
        assert_eq!(service.patch(&path, rename).await.is(200).body["displayName"], "New");
        service.delete(&path).await.is(204);
        service.get(&path).await.is(404);
    }
}

/// Pages as an import walks them: by hundreds, while more are announced.
#[tokio::test]
async fn an_import_sees_everyone_once() {
    for profile in [Profile::Rfc, OKTA] {
        for count in [0, 1, 99, 100, 101, 250] {
            let service = Service::new(profile);
            for index in 0..count {
                service.user(&format!("u{index}")).await;
            }
            let mut seen = 0;
            let mut start = 1_u64;
            loop {
                let page = as_okta(&service, &format!("/Users?startIndex={start}&count=100")).await.is(200);
                seen += page.resources().len();
                start += 100;
                if page.body["totalResults"].as_u64().unwrap() < start {
                    break;
                }
            }
            assert_eq!(seen, count, "{profile:?}");
        }
    }
}
