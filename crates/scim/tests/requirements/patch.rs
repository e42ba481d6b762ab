//! PATCH: A.

use http::{Method, header};
use oktant_scim::{Kind, Patch, Profile};
use serde_json::{Value, json};

use crate::support::{ENTERPRISE, GROUP, Service, USER};

/// What a user has before each row; the rest of it plays no part.
fn before() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "ann",
        "name": { "givenName": "Ann", "familyName": "Old" },
        "active": true,
        "emails": [
            { "type": "work", "value": "ann@work", "primary": true },
            { "type": "home", "value": "ann@home" },
        ],
        "title": "Boss",
        ENTERPRISE: { "department": "IT", "manager": { "value": "m1" } },
    })
}

/// Runs operations on [`before`] and compares what differs; `null` for what must be gone.
async fn check(id: &str, operations: Value, expected: Value) {
    let service = Service::new(Profile::Rfc);
    let made = service.post("/Users", before()).await.is(201).body;
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let patched = service.patch(&path, operations.clone()).await;
    assert_eq!(patched.status, 200, "{id}: {operations}: {}", patched.text);
    assert_eq!(service.get(&path).await.body, patched.body, "{id}: {operations}");
    let mut wanted = made;
    for (name, value) in expected.as_object().unwrap() {
        match value {
            Value::Null => wanted.as_object_mut().unwrap().remove(name),
            value => wanted.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    let without_meta = |mut body: Value| {
        body.as_object_mut().unwrap().remove("meta");
        body
    };
    assert_eq!(without_meta(patched.body), without_meta(wanted), "{id}: {operations}");
}

#[tokio::test]
async fn attributes_without_a_path() {
    for (id, op, value, expected) in [
        ("omitted", "add", json!({ "nickName": "A", "title": "Chief" }), json!({ "nickName": "A", "title": "Chief" })),
        ("omitted", "replace", json!({ "active": false }), json!({ "active": false })),
        ("omitted", "Replace", json!({ "ACTIVE": "False" }), json!({ "active": false })),
        (
            "A4",
            "Add",
            json!({ "name": { "middleName": "M" } }),
            json!({ "name": { "givenName": "Ann", "familyName": "Old", "middleName": "M" } }),
        ),
        (
            "dotted",
            "replace",
            json!({ "name.givenName": "A" }),
            json!({ "name": { "givenName": "A", "familyName": "Old" } }),
        ),
        (
            "bare part",
            "replace",
            json!({ "givenName": "x" }),
            json!({ "name": { "givenName": "x", "familyName": "Old" } }),
        ),
        ("ignored", "replace", json!({ "id": "x", "meta": {}, "groups": [], "schemas": [], "nothing": 1 }), json!({})),
        (
            "extension",
            "add",
            json!({ ENTERPRISE: { "costCenter": "7" } }),
            json!({ ENTERPRISE: { "department": "IT", "manager": { "value": "m1" }, "costCenter": "7" } }),
        ),
        (
            "extension",
            "replace",
            json!({ (format!("{ENTERPRISE}:department")): "HR" }),
            json!({ ENTERPRISE: { "department": "HR", "manager": { "value": "m1" } } }),
        ),
        (
            "value path",
            "add",
            json!({ "emails[type eq \"home\"].value": "new" }),
            json!({ "emails": [{ "type": "work", "value": "ann@work", "primary": true }, { "type": "home", "value": "new" }] }),
        ),
        ("null", "replace", json!({ "title": null, "emails": [] }), json!({ "title": null, "emails": null })),
        ("null", "add", json!({ "title": null }), json!({})),
        ("empty", "replace", json!({ "title": "" }), json!({ "title": "" })),
    ] {
        check(id, json!([{ "op": op, "value": value }]), expected).await;
    }
}

#[tokio::test]
async fn single_values() {
    let name = json!({ "givenName": "Ann", "familyName": "Old" });
    let extension = |change: Value| {
        let mut whole = json!({ "department": "IT", "manager": { "value": "m1" } });
        whole.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ ENTERPRISE: whole })
    };
    let urn = |rest: &str| format!("{ENTERPRISE}{rest}");
    let upper = ENTERPRISE.to_uppercase();
    for (id, op, path, value, expected) in [
        ("a", "add", "title".to_owned(), json!("Chief"), json!({ "title": "Chief" })),
        ("a", "replace", "TITLE".to_owned(), json!("Chief"), json!({ "title": "Chief" })),
        ("a", "replace", "nickName".to_owned(), json!("A"), json!({ "nickName": "A" })),
        ("a", "replace", format!("{USER}:title"), json!("Chief"), json!({ "title": "Chief" })),
        ("a", "remove", "title".to_owned(), Value::Null, json!({ "title": null })),
        ("a", "remove", "nickName".to_owned(), Value::Null, json!({})),
        ("a", "replace", "title".to_owned(), Value::Null, json!({ "title": null })),
        ("a", "replace", "active".to_owned(), json!("true"), json!({})),
        (
            "name",
            "add",
            "name".to_owned(),
            json!({ "givenName": "A" }),
            json!({ "name": { "givenName": "A", "familyName": "Old" } }),
        ),
        (
            "name",
            "replace",
            "name".to_owned(),
            json!({ "givenName": "A" }),
            json!({ "name": { "givenName": "A", "familyName": "Old" } }),
        ),
        (
            "name",
            "replace",
            "name".to_owned(),
            json!({ "givenName": null }),
            json!({ "name": { "familyName": "Old" } }),
        ),
        ("name", "remove", "name".to_owned(), Value::Null, json!({ "name": null })),
        (
            "name.x",
            "add",
            "name.familyName".to_owned(),
            json!("New"),
            json!({ "name": { "givenName": "Ann", "familyName": "New" } }),
        ),
        (
            "name.x",
            "replace",
            "Name.MiddleName".to_owned(),
            json!("M"),
            json!({ "name": { "givenName": "Ann", "familyName": "Old", "middleName": "M" } }),
        ),
        ("name.x", "remove", "name.familyName".to_owned(), Value::Null, json!({ "name": { "givenName": "Ann" } })),
        ("name.x", "remove", "name.middleName".to_owned(), Value::Null, json!({ "name": name })),
        ("urn", "replace", urn(":department"), json!("HR"), extension(json!({ "department": "HR" }))),
        ("A5", "replace", urn(".department"), json!("HR"), extension(json!({ "department": "HR" }))),
        ("A5", "add", format!("{upper}:Division"), json!("D"), extension(json!({ "division": "D" }))),
        ("urn", "remove", urn(":department"), Value::Null, json!({ ENTERPRISE: { "manager": { "value": "m1" } } })),
        ("urn", "add", urn(":manager"), json!("m2"), extension(json!({ "manager": { "value": "m2" } }))),
        ("urn", "replace", urn(":manager.value"), json!("m2"), extension(json!({ "manager": { "value": "m2" } }))),
        (
            "urn whole",
            "replace",
            ENTERPRISE.to_owned(),
            json!({ "department": "HR" }),
            extension(json!({ "department": "HR" })),
        ),
        ("urn whole", "remove", ENTERPRISE.to_owned(), Value::Null, json!({ ENTERPRISE: null, "schemas": [USER] })),
    ] {
        check(id, json!([{ "op": op, "path": path, "value": value }]), expected).await;
    }
}

#[tokio::test]
async fn lists() {
    let work = json!({ "type": "work", "value": "ann@work", "primary": true });
    let home = json!({ "type": "home", "value": "ann@home" });
    let other = json!({ "type": "other", "value": "ann@other" });
    let not_primary = json!({ "type": "work", "value": "ann@work", "primary": false });
    for (id, op, path, value, emails) in [
        ("emails", "add", "emails", json!([other]), json!([work, home, other])),
        ("emails", "add", "emails", other.clone(), json!([work, home, other])),
        ("emails", "add", "emails", json!([home, work]), json!([work, home])),
        (
            "A7",
            "add",
            "emails",
            json!([{ "value": "p", "primary": true }]),
            json!([not_primary, home, { "value": "p", "primary": true }]),
        ),
        ("emails", "replace", "emails", json!([other]), json!([other])),
        ("emails", "replace", "emails", json!([]), Value::Null),
        ("emails", "remove", "emails", Value::Null, Value::Null),
        ("value", "remove", "emails", json!([{ "value": "ann@home" }]), json!([work])),
        ("value", "remove", "emails", json!([]), json!([work, home])),
        (
            "filter",
            "add",
            "emails[type eq \"HOME\"]",
            json!({ "display": "H" }),
            json!([work, { "type": "home", "value": "ann@home", "display": "H" }]),
        ),
        ("filter", "replace", "emails[type eq \"home\"]", json!({ "value": "new" }), json!([work, { "value": "new" }])),
        ("filter", "remove", "emails[type eq \"home\"]", Value::Null, json!([work])),
        ("filter", "remove", "emails[type eq \"other\"]", Value::Null, json!([work, home])),
        ("filter", "remove", "emails[value sw \"ann\"]", Value::Null, Value::Null),
        (
            "filter",
            "add",
            "emails[type eq \"other\" and primary eq false]",
            json!({ "value": "o" }),
            json!([work, home, { "type": "other", "primary": false, "value": "o" }]),
        ),
        (
            "filter.x",
            "replace",
            "emails[type eq \"home\"].value",
            json!("new"),
            json!([work, { "type": "home", "value": "new" }]),
        ),
        ("filter.x", "add", "emails[type eq \"other\"].value", json!("ann@other"), json!([work, home, other])),
        (
            "filter.x",
            "remove",
            "emails[type eq \"work\"].primary",
            Value::Null,
            json!([{ "type": "work", "value": "ann@work" }, home]),
        ),
        (
            "filter.x",
            "replace",
            "emails[value pr].type",
            json!("x"),
            json!([{ "type": "x", "value": "ann@work", "primary": true }, { "type": "x", "value": "ann@home" }]),
        ),
        (
            "A7",
            "replace",
            "emails[type eq \"home\"].primary",
            json!(true),
            json!([not_primary, { "type": "home", "value": "ann@home", "primary": true }]),
        ),
        (
            "all.x",
            "replace",
            "emails.type",
            json!("x"),
            json!([{ "type": "x", "value": "ann@work", "primary": true }, { "type": "x", "value": "ann@home" }]),
        ),
        (
            "all.x",
            "remove",
            "emails.type",
            Value::Null,
            json!([{ "value": "ann@work", "primary": true }, { "value": "ann@home" }]),
        ),
    ] {
        check(id, json!([{ "op": op, "path": path, "value": value }]), json!({ "emails": emails })).await;
    }
}

#[tokio::test]
async fn operations_build_on_each_other() {
    check(
        "A1",
        json!([
            { "op": "remove", "path": "emails" },
            { "op": "add", "path": "emails", "value": [{ "value": "a" }] },
            { "op": "add", "path": "emails[value eq \"a\"].type", "value": "work" },
            { "op": "replace", "path": "title", "value": "x" },
            { "op": "remove", "path": "title" },
        ]),
        json!({ "emails": [{ "value": "a", "type": "work" }], "title": null }),
    )
    .await;
}

#[tokio::test]
async fn a_patch_is_done_whole_or_not_at_all() {
    let service = Service::new(Profile::Rfc);
    let made = service.post("/Users", before()).await.is(201).body;
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    for (id, scim_type, operation) in [
        ("A8", "invalidSyntax", json!({ "op": "move", "path": "title" })),
        ("A8", "invalidSyntax", json!({ "path": "title" })),
        ("A8", "invalidSyntax", json!("add")),
        ("A8", "invalidValue", json!({ "op": "add", "path": "title" })),
        ("A8", "invalidValue", json!({ "op": "add" })),
        ("A8", "invalidValue", json!({ "op": "add", "value": "text" })),
        ("A8", "invalidValue", json!({ "op": "add", "value": ["x"] })),
        ("omitted", "noTarget", json!({ "op": "remove" })),
        ("omitted", "noTarget", json!({ "op": "remove", "value": { "title": "x" } })),
        ("a", "mutability", json!({ "op": "remove", "path": "userName" })),
        ("a", "mutability", json!({ "op": "replace", "path": "userName", "value": null })),
        ("a", "mutability", json!({ "op": "replace", "path": "id", "value": "x" })),
        ("a", "mutability", json!({ "op": "add", "path": "groups", "value": [{ "value": "g" }] })),
        ("a", "mutability", json!({ "op": "remove", "path": "meta.version" })),
        ("a", "mutability", json!({ "op": "remove", "path": "schemas" })),
        ("a", "invalidValue", json!({ "op": "replace", "path": "userName", "value": "" })),
        ("a", "invalidValue", json!({ "op": "replace", "path": "active", "value": "maybe" })),
        ("a", "invalidValue", json!({ "op": "replace", "path": "title", "value": { "x": 1 } })),
        ("M5", "invalidPath", json!({ "op": "add", "path": "nothing", "value": "x" })),
        ("M5", "invalidPath", json!({ "op": "add", "path": "name.nothing", "value": "x" })),
        ("M5", "invalidPath", json!({ "op": "add", "path": "urn:nothing:title", "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": 7, "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": "emails[", "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": "emails[type eq work]", "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": "emails[type pr].nothing", "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": "emails[type pr].value x", "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": "title[value pr]", "value": "x" })),
        ("path", "invalidPath", json!({ "op": "add", "path": "title title", "value": "x" })),
        ("filter", "noTarget", json!({ "op": "replace", "path": "emails[type eq \"x\"]", "value": { "value": "x" } })),
        ("filter", "noTarget", json!({ "op": "replace", "path": "emails[type eq \"x\"].value", "value": "x" })),
        ("filter", "invalidValue", json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": 5 })),
        ("A7", "invalidValue", json!({ "op": "replace", "path": "emails", "value": [7] })),
    ] {
        let operations = json!([{ "op": "replace", "path": "title", "value": "changed" }, operation]);
        let refused = service.patch(&path, operations.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["scimType"]),
            (400, &json!(scim_type)),
            "{id}: {operations}: {}",
            refused.text
        );
        assert_eq!(service.get(&path).await.body, made, "A1: {operations}");
    }
    for (scim_type, body) in [
        ("invalidValue", json!({ "Operations": [{ "op": "remove", "path": "title" }] })),
        ("invalidValue", json!({ "schemas": [USER], "Operations": [{ "op": "remove", "path": "title" }] })),
        ("invalidSyntax", json!({ "schemas": [crate::support::PATCH] })),
        ("invalidSyntax", json!({ "schemas": [crate::support::PATCH], "Operations": [] })),
        ("invalidSyntax", json!({ "schemas": [crate::support::PATCH], "Operations": {} })),
        ("invalidSyntax", json!([])),
    ] {
        service.send(Service::request(Method::PATCH, &path, Some(&body))).await.bad(scim_type);
    }
    let lower = json!({ "schemas": [crate::support::PATCH], "operations": [{ "OP": "remove", "Path": "title" }] });
    service.send(Service::request(Method::PATCH, &path, Some(&lower))).await.is(200);
}

#[tokio::test]
async fn no_change_is_no_new_version() {
    let service = Service::new(Profile::Rfc);
    let made = service.post("/Users", before()).await.is(201);
    let path = format!("/Users/{}", made.body["id"].as_str().unwrap());
    service.advance();
    for operations in [
        json!([{ "op": "replace", "path": "title", "value": "Boss" }]),
        json!([{ "op": "remove", "path": "nickName" }]),
        json!([{ "op": "add", "path": "emails", "value": [{ "type": "home", "value": "ann@home" }] }]),
        json!([{ "op": "remove", "path": "title" }, { "op": "add", "path": "title", "value": "Boss" }]),
    ] {
        let same = service.patch(&path, operations).await.is(200);
        assert_eq!(same.body, made.body, "A6");
        assert_eq!(same.header(header::ETAG), made.header(header::ETAG), "A6");
    }
    let changed = service.patch(&path, json!([{ "op": "remove", "path": "title" }])).await.is(200);
    assert_ne!(changed.body["meta"]["lastModified"], made.body["meta"]["lastModified"]);
    assert_eq!(changed.header(header::ETAG), changed.body["meta"]["version"], "A2");
}

#[tokio::test]
async fn passwords_go_in_and_never_come_out() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("a@example.com").await;
    let path = format!("/Users/{id}");
    for (operation, expected) in [
        (json!({ "op": "replace", "value": { "password": "canary-1" } }), Some("canary-1")),
        (json!({ "op": "add", "path": "password", "value": "canary-2" }), Some("canary-2")),
        (json!({ "op": "replace", "path": format!("{USER}:PASSWORD"), "value": "canary-3" }), Some("canary-3")),
        (json!({ "op": "remove", "path": "password" }), None),
    ] {
        let answer = service.patch(&format!("{path}?attributes=password,userName"), json!([operation])).await.is(200);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
        assert_eq!(service.memory.password(&id).as_ref().map(|secret| secret.expose().as_str()), expected);
    }
    let body = json!({ "schemas": [crate::support::PATCH], "Operations": [{ "op": "add", "value": { "password": "canary-5" } }] });
    let read = Patch::from_json(Kind::User, Profile::Rfc, &body).unwrap();
    assert!(!format!("{read:?}").contains("canary"), "{read:?}");
    let wrong = json!([{ "op": "replace", "value": { "password": ["canary-4"] } }]);
    assert!(!service.patch(&path, wrong).await.bad("invalidValue").text.contains("canary"));
}

#[tokio::test]
async fn memberships_change_by_deltas() {
    for (id, operations, expected) in [
        ("add", json!([{ "op": "add", "path": "members", "value": [{ "value": "c" }] }]), vec!["a", "b", "c"]),
        (
            "add",
            json!([{ "op": "add", "path": "members", "value": [{ "value": "a", "display": "A" }] }]),
            vec!["a", "b"],
        ),
        ("id alone", json!([{ "op": "add", "path": "members", "value": "c" }]), vec!["a", "b", "c"]),
        ("no path", json!([{ "op": "add", "value": [{ "value": "c" }] }]), vec!["a", "b", "c"]),
        ("no path", json!([{ "op": "add", "value": { "members": [{ "value": "c" }] } }]), vec!["a", "b", "c"]),
        ("replace", json!([{ "op": "replace", "path": "members", "value": [{ "value": "c" }] }]), vec!["c"]),
        ("replace", json!([{ "op": "replace", "path": "members", "value": [] }]), vec![]),
        (
            "replace",
            json!([{ "op": "replace", "value": { "members": [{ "value": "b" }, { "value": "c" }] } }]),
            vec!["b", "c"],
        ),
        ("remove", json!([{ "op": "remove", "path": "members" }]), vec![]),
        ("remove", json!([{ "op": "remove", "path": "members", "value": null }]), vec![]),
        ("remove", json!([{ "op": "remove", "path": "members[value eq \"a\"]" }]), vec!["b"]),
        ("remove", json!([{ "op": "remove", "path": "members[value eq \"nobody\"]" }]), vec!["a", "b"]),
        ("remove", json!([{ "op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]" }]), vec![]),
        ("remove", json!([{ "op": "remove", "path": "members[value sw \"a\"]" }]), vec!["b"]),
        ("remove", json!([{ "op": "remove", "path": "members[type eq \"User\"]" }]), vec!["a", "b"]),
        ("value", json!([{ "op": "remove", "path": "members", "value": [{ "value": "a" }] }]), vec!["b"]),
        ("value", json!([{ "op": "remove", "path": "members", "value": [] }]), vec!["a", "b"]),
        (
            "filter",
            json!([{ "op": "replace", "path": "members[value eq \"a\"]", "value": { "value": "c" } }]),
            vec!["b", "c"],
        ),
        (
            "A1",
            json!([
                { "op": "remove", "path": "members[value eq \"a\"]" },
                { "op": "add", "path": "members", "value": [{ "value": "a" }, { "value": "c" }] },
                { "op": "remove", "path": "members", "value": [{ "value": "b" }] },
            ]),
            vec!["a", "c"],
        ),
        (
            "A1",
            json!([
                { "op": "add", "path": "members", "value": [{ "value": "ax" }] },
                { "op": "remove", "path": "members[value sw \"a\"]" },
                { "op": "add", "path": "members", "value": [{ "value": "c" }] },
            ]),
            vec!["b", "c"],
        ),
    ] {
        let service = Service::new(Profile::Rfc);
        let group = service.group("g", &["a", "b"]).await;
        service.patch(&format!("/Groups/{group}"), operations.clone()).await.is(200);
        let mut members = service.members(&group).await;
        members.sort();
        assert_eq!(members, expected, "{id}: {operations}");
    }
}

#[tokio::test]
async fn memberships_refuse_what_cannot_be() {
    let service = Service::new(Profile::Rfc);
    let group = service.group("g", &["a"]).await;
    for (scim_type, operation) in [
        ("invalidPath", json!({ "op": "add", "path": "members[value eq \"a\"]", "value": { "value": "b" } })),
        ("noTarget", json!({ "op": "replace", "path": "members[value eq \"b\"]", "value": { "value": "c" } })),
        ("mutability", json!({ "op": "replace", "path": "members[value eq \"a\"].value", "value": "c" })),
        ("mutability", json!({ "op": "replace", "path": "members.type", "value": "Group" })),
        ("invalidValue", json!({ "op": "add", "path": "members", "value": [{ "display": "x" }] })),
        ("invalidValue", json!({ "op": "add", "path": "members", "value": [7] })),
        ("mutability", json!({ "op": "remove", "path": "displayName" })),
    ] {
        service.patch(&format!("/Groups/{group}"), json!([operation])).await.bad(scim_type);
        assert_eq!(service.members(&group).await, ["a"], "A1");
    }
}

#[tokio::test]
async fn a_group_is_renamed_as_okta_does_it() {
    let service = Service::new(Profile::Rfc);
    let group = service.group("g", &["a"]).await;
    let rename = json!([{ "op": "replace", "value": { "id": group, "displayName": "New" } }]);
    let answer = service.patch(&format!("/Groups/{group}"), rename).await.is(200).body;
    assert_eq!((&answer["displayName"], &answer["schemas"]), (&json!("New"), &json!([GROUP])));
}

#[tokio::test]
async fn large_groups_are_not_shown_for_a_small_change() {
    let service = Service::new(Profile::Rfc);
    let ids: Vec<String> = (0..101).map(|index| format!("u{index}")).collect();
    let group = service.group("g", &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let path = format!("/Groups/{group}");
    let remove = |id: &str| json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]);
    let small = service.patch(&path, remove("u0")).await.is(200).body;
    assert_eq!(small["members"].as_array().unwrap().len(), 100, "A2");
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "u0" }] }]);
    let large = service.patch(&path, add).await.is(204);
    assert_eq!(large.text, "", "A2");
    assert!(!large.header(header::ETAG).is_empty(), "A2");
    let asked = service.patch(&format!("{path}?attributes=displayName"), remove("u0")).await.is(200).body;
    assert_eq!(asked["displayName"], "g", "A3");
    let asked = service
        .patch(&format!("{path}?attributes=members"), json!([{ "op": "add", "value": [{ "value": "u0" }] }]))
        .await;
    assert_eq!(asked.is(200).body["members"].as_array().unwrap().len(), 101, "A3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_additions_lose_nobody() {
    let service = std::sync::Arc::new(Service::new(Profile::Rfc));
    let group = service.group("g", &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..200 {
        let (service, group) = (service.clone(), group.clone());
        tasks.spawn(async move {
            let add = json!([{ "op": "add", "path": "members", "value": [{ "value": format!("u{index}") }] }]);
            service.patch(&format!("/Groups/{group}"), add).await.status
        });
    }
    let statuses = tasks.join_all().await;
    assert!(statuses.iter().all(|status| [200, 204].contains(status)), "A9");
    assert_eq!(service.members(&group).await.len(), 200, "A9");
}
