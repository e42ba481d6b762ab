//! What the description alone is enough for: the long tail of the API.

use oktant_catalog::{Api, Method, ParameterIn};
use oktant_sandbox::coverage;
use serde_json::{Value, json};

use crate::support::Org;

#[tokio::test]
async fn no_documented_operation_is_unknown() {
    let org = Org::empty().await;
    let mut failed = Vec::new();
    for (operation, _) in coverage().operations().filter(|(operation, _)| operation.api == Api::Management) {
        let mut path = operation.path.to_owned();
        for parameter in operation.parameters_in(ParameterIn::Path) {
            path = path.replace(&format!("{{{}}}", parameter.name), "00u000000000000000x7");
        }
        // The token in use must last until the end.
        if operation.id == "revokeCurrentApiToken" {
            continue;
        }
        let body = matches!(operation.method, Method::Post | Method::Put | Method::Patch).then(|| json!({}));
        let answer = org.send(operation.method.as_str(), &path, body).await;
        let is_known = !["E0000008", "E0000022", "E0000060"].contains(&answer.code());
        if !is_known || answer.status.is_server_error() {
            failed.push(format!("{} {}: {} {}", operation.id, path, answer.status, answer.json));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn what_is_named_by_a_member_is_there_once() {
    let org = Org::empty().await;
    let users = "/api/v1/identity-sources/0oa0000000000000x7/users";
    let profile = |name: &str| json!({ "firstName": name, "userName": "ada", "email": "ada@x.example" });
    let body = |name: &str| json!({ "externalId": "e1", "profile": profile(name) });
    org.expect(200, "POST", users, Some(body("Ada"))).await;
    let again = org.expect(400, "POST", users, Some(body("Eve"))).await;
    assert_eq!(again.cause(), "externalId: An object with this field already exists in the current organization");
    assert_eq!(org.get(&format!("{users}/e1")).await.json["profile"]["firstName"], "Ada");
}

#[tokio::test]
async fn a_resource_lives_by_the_description() {
    let org = Org::empty().await;
    let origins = "/api/v1/trustedOrigins";
    let body = json!({ "name": "Shop", "origin": "https://shop.example", "scopes": [{ "type": "CORS" }] });
    let made = org.expect(200, "POST", origins, Some(body.clone())).await.json;
    let path = format!("{origins}/{}", made["id"].as_str().unwrap());
    assert!(made["id"].as_str().unwrap().starts_with("tos"));
    assert_eq!((&made["status"], &made["created"]), (&json!("ACTIVE"), &json!("2026-03-02T12:00:00.000Z")));
    assert_eq!(made["_links"]["self"]["hints"]["allow"], json!(["GET", "PUT", "DELETE"]));
    assert!(made["_links"]["deactivate"].is_object() && made["_links"].get("activate").is_none());

    let off = org.expect(200, "POST", &format!("{path}/lifecycle/deactivate"), None).await.json;
    assert_eq!(off["status"], "INACTIVE");
    assert!(off["_links"]["activate"].is_object());
    assert_eq!(org.expect(200, "GET", &path, None).await.json, off);

    let taken = org.expect(400, "POST", origins, Some(body)).await;
    assert_eq!(taken.cause(), "name: An object with this field already exists in the current organization");
    let mut changed = made.clone();
    changed["origin"] = "https://other.example".into();
    let changed = org.expect(200, "PUT", &path, Some(changed)).await.json;
    assert_eq!((&changed["origin"], &changed["created"]), (&json!("https://other.example"), &made["created"]));

    org.expect(204, "DELETE", &path, None).await;
    let gone = org.expect(404, "GET", &path, None).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(gone.json["errorSummary"], format!("Not found: Resource not found: {id} (TrustedOrigin)"));
    let events = org.get("/api/v1/logs?filter=eventType+sw+%22security.trusted_origin%22").await;
    let expected = ["create", "deactivate", "update", "delete"].map(|done| format!("security.trusted_origin.{done}"));
    assert_eq!(events.column("/eventType"), expected);
}

#[tokio::test]
async fn bodies_are_checked_against_their_schema() {
    let org = Org::empty().await;
    let hooks = "/api/v1/eventHooks";
    let events = json!({ "type": "EVENT_TYPE", "items": ["user.lifecycle.create"] });
    let channel = json!({ "type": "HTTP", "version": "1.0.0", "config": { "uri": "https://hooks.example" } });
    let cases = [
        (json!([]), "E0000003", ""),
        (json!({ "name": 7, "events": [], "channel": {} }), "E0000003", ""),
        (json!({ "events": events, "channel": channel }), "E0000001", "name: The field cannot be left blank"),
    ];
    for (body, code, cause) in cases {
        let answer = org.expect(400, "POST", hooks, Some(body)).await;
        assert_eq!((answer.code(), answer.cause()), (code, cause), "{}", answer.json);
    }
    let threshold = Some(json!({ "warningThreshold": 10 }));
    org.expect(400, "PUT", "/api/v1/rate-limit-settings/warning-threshold", threshold).await;
}

#[tokio::test]
async fn children_need_their_parent_and_go_with_it() {
    let org = Org::empty().await;
    let brand = org.expect(201, "POST", "/api/v1/brands", Some(json!({ "name": "Shop" }))).await.json;
    let brand = format!("/api/v1/brands/{}", brand["id"].as_str().unwrap());
    let themes = org.expect(200, "GET", &format!("{brand}/themes"), None).await.json;
    let theme = format!("{brand}/themes/{}", themes[0]["id"].as_str().unwrap());
    org.expect(200, "GET", &theme, None).await;
    org.expect(404, "GET", &theme.replace(&brand, "/api/v1/brands/none"), None).await;
    org.expect(204, "DELETE", &brand, None).await;
    org.expect(404, "GET", &theme, None).await;
}

#[tokio::test]
async fn lists_page_by_cursor_and_wrapped_ones_say_so_in_the_body() {
    let org = Org::empty().await;
    for number in 0..5 {
        let body = json!({ "name": format!("Origin {number}"), "origin": format!("https://{number}.example"), "scopes": [{ "type": "CORS" }] });
        org.expect(200, "POST", "/api/v1/trustedOrigins", Some(body)).await;
        let body = json!({ "label": format!("Role {number}"), "description": "x", "permissions": ["okta.users.read"] });
        org.expect(200, "POST", "/api/v1/iam/roles", Some(body)).await;
    }
    let (rows, pages) = org.all("/api/v1/trustedOrigins?limit=2").await;
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!((names, pages), (vec!["Origin 0", "Origin 1", "Origin 2", "Origin 3", "Origin 4"], 3));
    let filtered = org.get("/api/v1/trustedOrigins?filter=name+eq+%22Origin+3%22").await;
    assert_eq!(filtered.column("/name"), ["Origin 3"]);
    let roles = org.expect(200, "GET", "/api/v1/iam/roles", None).await.json;
    assert_eq!(roles["roles"].as_array().map(Vec::len), Some(5));
    assert_eq!(org.expect(400, "GET", "/api/v1/trustedOrigins?after=none", None).await.code(), "E0000031");
}

#[tokio::test]
async fn settings_exist_from_the_start_and_keep_what_is_written() {
    let org = Org::empty().await;
    let path = "/api/v1/rate-limit-settings/warning-threshold";
    assert_eq!(org.expect(200, "GET", path, None).await.json["warningThreshold"], 60);
    org.expect(200, "PUT", path, Some(json!({ "warningThreshold": 75 }))).await;
    assert_eq!(org.expect(200, "GET", path, None).await.json, json!({ "warningThreshold": 75 }));
    let page = "/pages/sign-out/customized";
    let brands = org.expect(200, "GET", "/api/v1/brands", None).await.json;
    let page = format!("/api/v1/brands/{}{page}", brands[0]["id"].as_str().unwrap());
    assert_eq!(org.expect(200, "GET", &page, None).await.json, json!({ "type": "OKTA_DEFAULT" }));
    let url = json!({ "type": "EXTERNALLY_HOSTED", "url": "https://shop.example/bye" });
    org.expect(200, "PUT", &page, Some(url.clone())).await;
    assert_eq!(org.expect(200, "GET", &page, None).await.json, url);
}

#[tokio::test]
async fn what_is_secret_is_never_shown() {
    let org = Org::empty().await;
    let body = json!({ "name": "Bot check", "type": "HCAPTCHA", "siteKey": "s1te", "secretKey": "s3cret" });
    let made = org.expect(201, "POST", "/api/v1/captchas", Some(body)).await.json;
    assert_eq!((made.get("secretKey"), &made["siteKey"]), (None::<&Value>, &json!("s1te")));
}
