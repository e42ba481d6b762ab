//! One resource: create, read, replace, delete, versions: C, G, U, T.

use http::{Method, StatusCode, header};
use oktant_scim::Profile;
use serde_json::{Value, json};

use crate::support::{BASE, ENTERPRISE, GROUP, Service, USER, query, user};

#[tokio::test]
async fn a_created_user_is_whole() {
    let service = Service::new(Profile::Rfc);
    let made = service.post("/Users", user("Ann@Example.com")).await.is(201);
    let id = made.body["id"].as_str().unwrap();
    let location = format!("{BASE}/Users/{id}");
    assert_eq!(made.header(header::LOCATION), location, "C1");
    assert_eq!(made.header(header::ETAG), made.body["meta"]["version"], "C1");
    let meta = &made.body["meta"];
    assert_eq!(meta["location"], location, "C1");
    assert_eq!(meta["resourceType"], "User", "C8");
    assert_eq!(meta["created"], meta["lastModified"], "C8");
    assert_eq!(made.body["userName"], "Ann@Example.com", "C1: letter case is kept");
    assert_eq!(made.body["schemas"], json!([USER]));
    assert!(made.body.get("password").is_none(), "G2");
    assert!(made.body.get("groups").is_none(), "C4, M6");
    assert_eq!(service.memory.password(id).unwrap().expose(), "canary-password");
    assert_eq!(service.get(&format!("/Users/{id}")).await.is(200).body, made.body, "G1");
}

#[tokio::test]
async fn bodies_that_make_no_resource_are_refused() {
    let service = Service::new(Profile::Rfc);
    for (id, path, body) in [
        ("C2", "/Users", json!({ "userName": "a" })),
        ("C2", "/Users", json!({ "schemas": [], "userName": "a" })),
        ("C2", "/Users", json!({ "schemas": [GROUP], "userName": "a" })),
        ("C2", "/Users", json!({ "schemas": USER, "userName": "a" })),
        ("C5", "/Users", json!({ "schemas": [USER] })),
        ("C5", "/Users", json!({ "schemas": [USER], "userName": "" })),
        ("C5", "/Users", json!({ "schemas": [USER], "userName": null })),
        ("C5", "/Groups", json!({ "schemas": [GROUP] })),
        ("D8", "/Users", json!({ "schemas": [USER], "userName": 5 })),
        ("D8", "/Users", json!({ "schemas": [USER], "userName": ["a"] })),
        ("D8", "/Users", json!({ "schemas": [USER], "userName": "a", "active": "perhaps" })),
        ("D8", "/Users", json!({ "schemas": [USER], "userName": "a", "name": [1] })),
        ("D8", "/Users", json!({ "schemas": [USER], "userName": "a", "password": 1 })),
        ("D8", "/Users", json!({ "schemas": [USER], "userName": "a", "emails": [1] })),
        (
            "A7",
            "/Users",
            json!({ "schemas": [USER], "userName": "a", "emails": [
            { "value": "a", "primary": true }, { "value": "b", "primary": true },
        ] }),
        ),
        ("U6", "/Groups", json!({ "schemas": [GROUP], "displayName": "g", "members": [{ "display": "x" }] })),
    ] {
        let answer = service.post(path, body.clone()).await.bad("invalidValue");
        assert!(!answer.text.contains("canary"), "{id}: {body}");
    }
    let extension = json!({ "schemas": [USER], "userName": "a", ENTERPRISE: "text" });
    service.post("/Users", extension).await.bad("invalidSyntax");
}

#[tokio::test]
async fn what_the_service_owns_is_ignored_in_a_body() {
    let service = Service::new(Profile::Rfc);
    let mut body = user("a@example.com");
    body["id"] = "mine".into();
    body["meta"] = json!({ "version": "W/\"7\"", "created": "x" });
    body["groups"] = json!([{ "value": "g" }]);
    let made = service.post("/Users", body).await.is(201).body;
    assert_ne!(made["id"], "mine", "C3, C4");
    assert!(made.get("groups").is_none(), "C4");
    assert_ne!(made["meta"]["created"], "x", "C4");
}

#[tokio::test]
async fn names_are_unique_without_letter_case() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("straße@example.com").await;
    for name in ["straße@example.com", "STRASSE@EXAMPLE.COM", "Straße@Example.com"] {
        let answer = service.post("/Users", user(name)).await.refused(StatusCode::CONFLICT, "uniqueness");
        assert_eq!(answer.body["status"], "409", "C6, C9");
    }
    assert_eq!(service.get("/Users").await.body["totalResults"], 1, "C9");
    let other = service.user("b@example.com").await;
    let taken = service.put(&format!("/Users/{other}"), user("STRASSE@example.com")).await;
    taken.refused(StatusCode::CONFLICT, "uniqueness");
    let renamed = json!([{ "op": "replace", "path": "userName", "value": "Strasse@example.com" }]);
    service.patch(&format!("/Users/{other}"), renamed.clone()).await.refused(StatusCode::CONFLICT, "uniqueness");
    service.patch(&format!("/Users/{id}"), renamed).await.is(200);
    service.delete(&format!("/Users/{id}")).await.is(204);
    service.user("STRASSE@example.com").await;
}

#[tokio::test]
async fn extensions_join_the_schemas_whether_announced_or_not() {
    let service = Service::new(Profile::Rfc);
    for (name, schemas) in [("a", json!([USER])), ("b", json!([USER, ENTERPRISE]))] {
        let urn = ENTERPRISE.to_uppercase();
        let body = json!({ "schemas": schemas, "userName": name, urn: { "DEPARTMENT": "R&D", "manager": "boss" } });
        let made = service.post("/Users", body).await.is(201).body;
        assert_eq!(made["schemas"], json!([USER, ENTERPRISE]), "C7");
        assert_eq!(made[ENTERPRISE], json!({ "department": "R&D", "manager": { "value": "boss" } }), "C7, M4");
    }
}

#[tokio::test]
async fn ids_that_nobody_has_are_not_found() {
    let service = Service::new(Profile::Rfc);
    let group = service.group("g", &[]).await;
    for id in ["00919288221112222", "123456789012345678901234567890", "%20", "a'--", &group] {
        let path = format!("/Users/{id}");
        service.get(&path).await.is(404);
        service.put(&path, user("x@example.com")).await.is(404);
        service.patch(&path, json!([{ "op": "replace", "value": { "active": false } }])).await.is(404);
        service.delete(&path).await.is(404);
    }
}

/// The path of a user with an extension, and what it shows.
async fn with_extension(service: &Service) -> (String, Value) {
    let mut body = user("a@example.com");
    body[ENTERPRISE] = json!({ "department": "R&D", "costCenter": "7" });
    let path = format!("/Users/{}", service.post("/Users", body).await.created());
    let whole = service.get(&path).await.body;
    (path, whole)
}

#[tokio::test]
async fn attributes_choose_what_is_shown() {
    let service = Service::new(Profile::Rfc);
    let (path, whole) = with_extension(&service).await;
    let only = |names: &[(&str, Value)]| {
        let mut expected = json!({ "schemas": whole["schemas"], "id": whole["id"] });
        expected.as_object_mut().unwrap().extend(names.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        expected
    };
    let department = format!("{ENTERPRISE}:department");
    let department_only = json!({ "department": "R&D" });
    let meta = json!({ "version": whole["meta"]["version"] });
    for (id, names, expected) in [
        ("G3", "userName", only(&[("userName", "a@example.com".into())])),
        ("G3", " USERNAME , active ", only(&[("userName", "a@example.com".into()), ("active", true.into())])),
        ("G3", "name.familyName", only(&[("name", json!({ "familyName": "Family" }))])),
        ("G3", "name.familyName,name.givenName", only(&[("name", whole["name"].clone())])),
        ("G3", &format!("{USER}:userName"), only(&[("userName", "a@example.com".into())])),
        ("G3", &department, only(&[(ENTERPRISE, department_only)])),
        ("G3", ENTERPRISE, only(&[(ENTERPRISE, whole[ENTERPRISE].clone())])),
        ("G4", "meta.version", only(&[("meta", meta)])),
        ("G7", "emails.type,emails.value", only(&[("emails", json!([{ "type": "work", "value": "a@example.com" }]))])),
        ("G2", "password", only(&[])),
        ("G8", "nothing", only(&[])),
        ("G2", "id", only(&[])),
    ] {
        let parameters = query(&[("attributes", names)]);
        assert_eq!(service.get(&format!("{path}{parameters}")).await.is(200).body, expected, "{id}: {names}");
        let list = service.get(&format!("/Users{parameters}")).await;
        assert_eq!(list.resources()[0], expected, "G6: {names}");
        let search = json!({ "schemas": [crate::support::SEARCH], "attributes": names.split(',').collect::<Vec<_>>() });
        let list = service.post("/Users/.search", search).await;
        assert_eq!(list.resources()[0], expected, "G6: .search {names}");
    }
}

#[tokio::test]
async fn excluded_attributes_are_left_out() {
    let service = Service::new(Profile::Rfc);
    let (path, whole) = with_extension(&service).await;
    let but = |pointers: &[&str]| {
        let mut expected = whole.clone();
        for pointer in pointers {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            expected.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        }
        expected
    };
    for (id, names, expected) in [
        ("G3", "userName", but(&["/userName"])),
        ("G3", "NAME.familyname", but(&["/name/familyName"])),
        ("G3", "emails.type", but(&["/emails/0/type"])),
        ("G3", &format!("{ENTERPRISE}:costCenter"), but(&[&format!("/{ENTERPRISE}/costCenter")])),
        ("G3", ENTERPRISE, but(&[&format!("/{ENTERPRISE}")])),
        ("G4", "meta", but(&["/meta"])),
        ("G2", "id,schemas", whole.clone()),
        ("G8", "nothing", whole.clone()),
    ] {
        let parameters = query(&[("excludedAttributes", names)]);
        assert_eq!(service.get(&format!("{path}{parameters}")).await.is(200).body, expected, "{id}: {names}");
        let list = service.get(&format!("/Users{parameters}")).await;
        assert_eq!(list.resources()[0], expected, "G6: {names}");
    }
    let both = query(&[("attributes", "userName"), ("excludedAttributes", "meta")]);
    service.get(&format!("{path}{both}")).await.bad("invalidValue");
    service.get(&format!("/Users{both}")).await.bad("invalidValue");
}

#[tokio::test]
async fn members_are_shown_whole_in_part_or_not_at_all() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("a").await;
    let group = service.group("g", &[&id]).await;
    let whole = json!([{ "value": id, "$ref": format!("{BASE}/Users/{id}"), "type": "User" }]);
    let part = json!([{ "value": id }]);
    let without = json!([{ "$ref": format!("{BASE}/Users/{id}"), "type": "User" }]);
    for (parameter, names, expected) in [
        ("attributes", "", Some(&whole)),
        ("attributes", "members", Some(&whole)),
        ("attributes", "members.value,members", Some(&whole)),
        ("attributes", "members.value", Some(&part)),
        ("attributes", "displayName", None),
        ("excludedAttributes", "displayName", Some(&whole)),
        ("excludedAttributes", "members.value", Some(&without)),
        ("excludedAttributes", "members", None),
        // What is named often is copied once.
        ("attributes", &"members,members.value,".repeat(2_000), Some(&whole)),
    ] {
        let path = format!("/Groups/{group}{}", query(&[(parameter, names)]));
        assert_eq!(service.get(&path).await.is(200).body.get("members"), expected, "G3, G7: {parameter}={names}");
    }
}

#[tokio::test]
async fn writes_are_answered_with_what_is_asked_for() {
    let service = Service::new(Profile::Rfc);
    let shown = |answer: &Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let made = service.post("/Users?attributes=userName", user("a@example.com")).await.is(201).body;
    assert_eq!(shown(&made), ["schemas", "id", "userName"], "G6");
    let path = format!("/Users/{}?attributes=active", made["id"].as_str().unwrap());
    let put = service.put(&path, user("a@example.com")).await.is(200).body;
    assert_eq!(shown(&put), ["schemas", "id", "active"], "G6");
    let patched = service.patch(&path, json!([{ "op": "replace", "value": { "active": false } }])).await.is(200).body;
    assert_eq!((shown(&patched).len(), &patched["active"]), (3, &json!(false)), "G6, A3");
}

#[tokio::test]
async fn put_replaces_all_but_the_password() {
    let service = Service::new(Profile::Rfc);
    let made = service.post("/Users", user("a@example.com")).await.is(201).body;
    let id = made["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    service.advance();
    // What Okta sends: what it read, with changes.
    let mut body = made.clone();
    body["name"]["givenName"] = "New".into();
    body.as_object_mut().unwrap().remove("locale");
    let put = service.put(&path, body).await.is(200);
    assert_eq!(put.body["name"]["givenName"], "New", "U1");
    assert!(put.body.get("locale").is_none(), "U2");
    assert_eq!(service.memory.password(id).unwrap().expose(), "canary-password", "U2");
    assert_eq!(put.body["meta"]["created"], made["meta"]["created"], "U3");
    assert_ne!(put.header(header::ETAG), made["meta"]["version"], "U1, T1");
    assert_eq!(put.header(header::ETAG), put.body["meta"]["version"], "U1");
    let again = service.put(&path, put.body.clone()).await.is(200).body;
    assert_eq!(again, put.body, "T1: no change, no new version");
    service.put(&path, json!({ "schemas": [USER], "active": false })).await.bad("invalidValue");
    let mut other = user("a@example.com");
    other["id"] = "other".into();
    service.put(&path, other).await.bad("invalidValue");
    let mut password = user("a@example.com");
    password["password"] = "canary-new".into();
    let put = service.put(&path, password).await.is(200);
    assert!(!put.text.contains("canary"), "G2");
    assert_eq!(service.memory.password(id).unwrap().expose(), "canary-new");
}

#[tokio::test]
async fn put_of_a_group_replaces_the_members() {
    let service = Service::new(Profile::Rfc);
    let (a, b) = (service.user("a").await, service.user("b").await);
    let group = service.group("g", &[&a]).await;
    let path = format!("/Groups/{group}");
    let body = |members: Value| json!({ "schemas": [GROUP], "displayName": "g", "members": members });
    service.put(&path, body(json!([{ "value": b }]))).await.is(200);
    assert_eq!(service.members(&group).await, vec![b.clone()], "U6");
    assert_eq!(service.get(&format!("/Users/{b}")).await.body["groups"][0]["value"], group);
    service.put(&path, json!({ "schemas": [GROUP], "displayName": "g" })).await.is(200);
    assert!(service.members(&group).await.is_empty(), "U6");
}

#[tokio::test]
async fn what_is_deleted_is_gone_everywhere() {
    let service = Service::new(Profile::Rfc);
    let user_id = service.user("a@example.com").await;
    let inner = service.group("inner", &[&user_id]).await;
    let outer = service.group("outer", &[&inner, &user_id]).await;
    let path = format!("/Users/{user_id}");
    let gone = service.delete(&path).await.is(204);
    assert_eq!(gone.text, "");
    service.get(&path).await.is(404);
    service.delete(&path).await.is(404);
    service.put(&path, user("a@example.com")).await.is(404);
    assert_eq!(service.get("/Users").await.body["totalResults"], 0);
    assert_eq!((service.members(&inner).await, service.members(&outer).await), (vec![], vec![inner.clone()]));
    service.user("A@example.com").await;
    service.delete(&format!("/Groups/{inner}")).await.is(204);
    assert!(service.members(&outer).await.is_empty());
}

#[tokio::test]
async fn versions_guard_reads_and_writes() {
    let service = Service::new(Profile::Rfc);
    let made = service.post("/Users", user("a@example.com")).await.is(201);
    let path = format!("/Users/{}", made.body["id"].as_str().unwrap());
    let first = made.header(header::ETAG).to_owned();
    assert!(first.starts_with("W/\""), "T1");
    let strong = first.trim_start_matches("W/").to_owned();
    for tag in [&first, &strong, "*", &format!("\"x\", {first}")] {
        let unchanged = service.with(Method::GET, &path, None, "if-none-match", tag).await;
        assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""), "T2, T4: {tag}");
        assert_eq!(unchanged.header(header::ETAG), first, "T2");
    }
    service.with(Method::GET, &path, None, "if-none-match", "W/\"x\"").await.is(200);
    let deactivate = json!({ "schemas": [crate::support::PATCH], "Operations": [{ "op": "replace", "value": { "active": false } }] });
    for (method, body) in
        [(Method::PUT, Some(user("a@example.com"))), (Method::PATCH, Some(deactivate.clone())), (Method::DELETE, None)]
    {
        service.with(method, &path, body.as_ref(), "if-match", "W/\"x\"").await.is(412);
    }
    let changed = service.with(Method::PATCH, &path, Some(&deactivate), "if-match", &strong).await.is(200);
    assert_ne!(changed.header(header::ETAG), first, "T1");
    service.with(Method::PATCH, &path, Some(&deactivate), "if-match", &first).await.is(412);
    service.with(Method::GET, &path, None, "if-none-match", &first).await.is(200);
    service.with(Method::DELETE, &path, None, "if-match", "*").await.is(204);
}

/// The derived `groups` of a user are not part of its version; the members of a group are.
#[tokio::test]
async fn membership_is_in_the_version_of_the_group_alone() {
    let service = Service::new(Profile::Rfc);
    let user_id = service.user("a@example.com").await;
    let group = service.group("g", &[]).await;
    let version = async |path: String| service.get(&path).await.header(header::ETAG).to_owned();
    let (user_path, group_path) = (format!("/Users/{user_id}"), format!("/Groups/{group}"));
    let before = (version(user_path.clone()).await, version(group_path.clone()).await);
    service
        .patch(&group_path, json!([{ "op": "add", "path": "members", "value": [{ "value": user_id }] }]))
        .await
        .is(200);
    let after = (version(user_path).await, version(group_path).await);
    assert_eq!(before.0, after.0, "T5");
    assert_ne!(before.1, after.1, "T5");
}

#[tokio::test]
async fn me_is_the_user_behind_the_token() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("a@example.com").await;
    let token = oktant_base::Secret::new("mine".to_owned());
    service.memory.add_user_token(token, Profile::Rfc, id.clone());
    let me = |method, body: Option<Value>| {
        let service = &service;
        async move { service.with(method, "/Me", body.as_ref(), "authorization", "Bearer mine").await }
    };
    assert_eq!(me(Method::GET, None).await.is(200).body["id"], id, "E3");
    assert_eq!(me(Method::PUT, Some(user("new@example.com"))).await.is(200).body["userName"], "new@example.com", "E3");
    me(Method::POST, Some(user("b@example.com"))).await.is(501);
    me(Method::DELETE, None).await.is(204);
    me(Method::GET, None).await.is(404);
}
