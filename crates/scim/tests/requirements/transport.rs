//! Endpoints, methods, media types: E and M.

use http::{Method, header};
use serde_json::json;

use crate::support::{BASE, GROUP, Service, USER, user};
use oktant_scim::Profile;

#[tokio::test]
async fn known_paths_refuse_wrong_methods_and_unknown_paths_everything() {
    let service = Service::new(Profile::Rfc);
    for (id, method, path, status, allow) in [
        ("E1", "PUT", "/Users", 405, "GET, HEAD, POST"),
        ("E1", "DELETE", "/Groups", 405, "GET, HEAD, POST"),
        ("E2", "POST", "/Users/x", 405, "GET, HEAD, PUT, PATCH, DELETE"),
        ("E3", "GET", "/Me", 501, ""),
        ("E3", "POST", "/Me", 501, ""),
        ("E4", "POST", "/ServiceProviderConfig", 405, "GET, HEAD"),
        ("E5", "PUT", "/ResourceTypes", 405, "GET, HEAD"),
        ("E5", "PATCH", "/ResourceTypes/User", 405, "GET, HEAD"),
        ("E6", "DELETE", "/Schemas", 405, "GET, HEAD"),
        ("E7", "GET", "/Bulk", 405, "POST"),
        ("E8", "GET", "/.search", 405, "POST"),
        ("E8", "GET", "/Users/.search", 405, "POST"),
        ("E9", "OPTIONS", "/Users", 405, "GET, HEAD, POST"),
        ("E10", "GET", "/Nothing", 404, ""),
        ("E10", "GET", "/", 404, ""),
        ("E10", "POST", "/Users/x/y", 404, ""),
        ("E10", "GET", "/ResourceTypes/Nothing", 404, ""),
        ("E10", "GET", "/Schemas/urn:nothing", 404, ""),
        ("E11", "GET", "//Users", 200, ""),
        ("E11", "GET", "/Users/", 200, ""),
        ("E11", "GET", "/Users///", 200, ""),
    ] {
        let answer = service.send(Service::request(method.parse().unwrap(), path, None)).await.is(status);
        assert_eq!(answer.header(header::ALLOW), allow, "{id}: {method} {path}");
    }
}

#[tokio::test]
async fn an_integration_may_stand_in_the_path() {
    let service = Service::new(Profile::Rfc);
    let id = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
    let made = service.post(&format!("/{id}/Users"), user("a@example.com")).await.is(201);
    let location = made.header(header::LOCATION).to_owned();
    assert!(location.starts_with(&format!("{BASE}/{id}/Users/")), "{location}");
    assert_eq!(service.memory.events()[0].endpoint_id.unwrap().to_string(), id);
}

#[tokio::test]
async fn credentials_are_needed_and_their_lack_is_worded() {
    let service = Service::new(Profile::Rfc);
    for (authorization, challenge) in [
        ("", "Bearer realm=\"SCIM\""),
        ("non-token", "Bearer realm=\"SCIM\", error=\"invalid_token\""),
        ("Bearer wrong", "Bearer realm=\"SCIM\", error=\"invalid_token\""),
        ("Basic Y2FuYXJ5LXRva2Vu", "Bearer realm=\"SCIM\", error=\"invalid_token\""),
    ] {
        let mut request = Service::request(Method::GET, "/Users", None);
        request.headers_mut().remove(header::AUTHORIZATION);
        if !authorization.is_empty() {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.parse().unwrap());
        }
        let answer = service.send(request).await.is(401);
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), challenge, "{authorization}");
    }
}

#[tokio::test]
async fn media_types_are_those_of_scim() {
    let service = Service::new(Profile::Rfc);
    for (id, media_type, status) in [
        ("M2", "application/scim+json", 201),
        ("M2", "application/json", 201),
        ("M2", "Application/SCIM+JSON; charset=utf-8", 201),
        ("M2", "text/plain", 415),
        ("M2", "application/xml", 415),
    ] {
        let body = user(&format!("{media_type}@example.com"));
        let answer = service.with(Method::POST, "/Users", Some(&body), "content-type", media_type).await;
        assert_eq!(answer.is(status).status, status, "{id}: {media_type}");
    }
    for (name, value) in [("accept", "text/html"), ("accept-encoding", "utf-8"), ("accept-charset", "utf-8")] {
        service.with(Method::GET, "/Users", None, name, value).await.is(200);
    }
    service.with(Method::POST, "/Users", Some(&user("gzip")), "content-encoding", "gzip").await.is(415);
}

#[tokio::test]
async fn names_are_taken_in_any_letter_case_and_unknown_ones_ignored() {
    let service = Service::new(Profile::Rfc);
    let body = json!({
        "SCHEMAS": [USER.to_uppercase()], "username": "Ann", "NAME": { "GIVENNAME": "A", "unknown": 1 },
        "nickname": null, "emails": [], "ims": [{}], "dispName": "misspelled", "entitlements": {},
    });
    let made = service.post("/Users", body).await.is(201).body;
    assert_eq!(made["userName"], "Ann", "M4");
    assert_eq!(made["name"], json!({ "givenName": "A" }), "M4, M5");
    for absent in ["nickName", "emails", "ims", "dispName", "entitlements"] {
        assert!(made.get(absent).is_none(), "M5, M6: {absent}");
    }
    service.post("/Users", json!({ "schemas": [USER], "userName": "b", "username": "c" })).await.bad("invalidSyntax");
    let twice = json!({ "schemas": [USER], "userName": "b", "name": { "givenName": "x", "GivenName": "y" } });
    service.post("/Users", twice).await.bad("invalidSyntax");
}

#[tokio::test]
async fn malformed_bodies_are_syntax_errors() {
    let service = Service::new(Profile::Rfc);
    for text in ["", "{", "[]", "\"x\"", "null", "{\"schemas\":", "\u{feff}{}", "{}x"] {
        let mut request = Service::request(Method::POST, "/Users", None);
        *request.body_mut() = text.to_owned().into();
        service.send(request).await.bad("invalidSyntax");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("a@example.com").await;
    for path in ["/Users".to_owned(), format!("/Users/{id}"), "/Schemas".to_owned()] {
        let get = service.get(&path).await.is(200);
        let head = service.send(Service::request(Method::HEAD, &path, None)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "M10: {path}");
        assert_eq!(head.header(header::CONTENT_LENGTH), get.text.len().to_string());
        for name in [header::ETAG, header::LOCATION, header::CONTENT_TYPE] {
            assert_eq!(head.headers.get(&name), get.headers.get(&name), "M10: {path} {name}");
        }
    }
}

#[tokio::test]
async fn every_request_is_audited_without_secrets() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("a@example.com").await;
    service.post("/Users", user("A@example.com")).await.is(409);
    service.get("/Users?filter=password%20eq%20%22canary-password%22").await.is(400);
    service.patch(&format!("/Users/{id}"), json!([{ "op": "replace", "value": { "password": "canary-2" } }])).await;
    service.post("/Groups", json!({ "schemas": [GROUP] })).await.is(400);
    service.delete(&format!("/Users/{id}")).await.is(204);
    service.with(Method::GET, "/Users", None, "authorization", "Bearer canary-other").await.is(401);
    let events = service.memory.events();
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let about = event.resource.clone().unwrap();
            (event.method.as_str(), event.status.as_u16(), event.error_code, about.kind.name(), about.name)
        })
        .collect();
    let name = || Some("a@example.com".to_owned());
    assert_eq!(
        seen,
        [
            ("POST", 201, None, "User", name()),
            ("POST", 409, Some("uniqueness"), "User", None),
            ("GET", 400, Some("invalidFilter"), "User", None),
            ("PATCH", 200, None, "User", name()),
            ("POST", 400, Some("invalidValue"), "Group", None),
            ("DELETE", 204, None, "User", None),
            ("GET", 401, Some("OKT6501"), "User", None),
        ]
    );
    assert_eq!(events[0].path, "/scim/v2/Users");
    assert_eq!(events[5].resource.as_ref().unwrap().id.as_ref(), Some(&id));
    let printed = format!("{events:?}");
    assert!(!printed.contains("canary"), "{printed}");
    assert_eq!(format!("{:?}", service.memory).matches("canary").count(), 0);
}
