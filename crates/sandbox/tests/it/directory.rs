//! Relations between users, owners of groups, mappings, and what an app signs and follows.

use serde_json::json;

use crate::support::Org;

#[tokio::test]
async fn a_relation_is_seen_from_both_sides() {
    let org = Org::empty().await;
    let side = |name: &str| json!({ "name": name, "title": name, "description": name, "type": "USER" });
    let body = json!({ "primary": side("manager"), "associated": side("subordinate") });
    let definitions = "/api/v1/meta/schemas/user/linkedObjects";
    org.expect(201, "POST", definitions, Some(body.clone())).await;
    assert_eq!(org.expect(409, "POST", definitions, Some(body)).await.code(), "E0000127");
    let (boss, worker) = (org.user("boss@x.example").await, org.user("worker@x.example").await);
    let path = |user: &str, name: &str| format!("/api/v1/users/{user}/linkedObjects/{name}");
    org.expect(204, "PUT", &path(&worker, &format!("manager/{boss}")), None).await;
    let href = |user: &str| json!([{ "_links": { "self": { "href": format!("{}/api/v1/users/{user}", org.sandbox.url()) } } }]);
    assert_eq!(org.get(&path(&worker, "manager")).await.json, href(&boss));
    assert_eq!(org.get(&path(&boss, "subordinate")).await.json, href(&worker));
    assert_eq!(org.get(&path(&boss, "manager")).await.json, json!([]));
    org.expect(204, "DELETE", &path(&worker, "manager"), None).await;
    assert_eq!(org.get(&path(&boss, "subordinate")).await.json, json!([]));
    org.expect(204, "DELETE", &format!("{definitions}/subordinate"), None).await;
    org.expect(404, "GET", &path(&boss, "subordinate"), None).await;
}

#[tokio::test]
async fn a_group_has_owners_once_each() {
    let org = Org::empty().await;
    let user = org.user("owner@x.example").await;
    let group = org.expect(200, "POST", "/api/v1/groups", Some(json!({ "profile": { "name": "Owned" } }))).await.json;
    let owners = format!("/api/v1/groups/{}/owners", group["id"].as_str().unwrap());
    let body = Some(json!({ "id": user, "type": "USER" }));
    let owner = org.expect(201, "POST", &owners, body.clone()).await.json;
    assert_eq!(
        (&owner["displayName"], &owner["lastUpdated"]),
        (&json!("Test User"), &json!("Mon Mar 02 12:00:00 UTC 2026"))
    );
    let again = org.expect(400, "POST", &owners, body).await;
    assert_eq!(again.cause(), "Provided owner is already assigned to this group");
    assert_eq!(org.get(&owners).await.column("/lastUpdated"), ["2026-03-02 12:00:00.0"]);
    for kind in ["BANANA", "GROUP"] {
        let answer =
            org.post(&owners, json!({ "id": org.user(&format!("{kind}@x.example")).await, "type": kind })).await;
        assert!(answer.status.is_client_error(), "{kind}: {}", answer.json);
    }
    org.expect(204, "DELETE", &format!("{owners}/{user}"), None).await;
    assert_eq!(org.get(&owners).await.json, json!([]));
}

async fn saml_app(org: &Org) -> String {
    let body = json!({ "label": "Shop", "signOnMode": "SAML_2_0", "settings": { "signOn": { "ssoAcsUrl": "https://shop.example/acs" } } });
    let app = org.expect(200, "POST", "/api/v1/apps", Some(body)).await.json;
    app["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_app_has_a_mapping_each_way_that_takes_known_attributes() {
    let org = Org::empty().await;
    let app = saml_app(&org).await;
    let there = org.get(&format!("/api/v1/mappings?sourceId={app}")).await.json;
    assert_eq!(there[0]["target"]["name"], "user");
    let mapping = format!("/api/v1/mappings/{}", there[0]["id"].as_str().unwrap());
    let change = |name: &str, value: serde_json::Value| Some(json!({ "properties": { name: value } }));
    let entry = json!({ "expression": "appuser.nick", "pushStatus": "PUSH" });
    org.expect(200, "POST", &mapping, change("nickName", entry.clone())).await;
    let unknown = org.expect(400, "POST", &mapping, change("shoeSize", entry)).await;
    assert_eq!(unknown.cause(), "Invalid target field shoeSize");
    let changed =
        org.expect(200, "POST", &mapping, change("nickName", json!({ "pushStatus": "DONT_PUSH" }))).await.json;
    assert_eq!(changed["properties"]["nickName"], json!({ "expression": "appuser.nick", "pushStatus": "DONT_PUSH" }));
    org.expect(200, "POST", &mapping, change("nickName", serde_json::Value::Null)).await;
    assert_eq!(org.get(&mapping).await.json["properties"].get("nickName"), None);
}

#[tokio::test]
async fn mappings_are_read_page_by_page() {
    let org = Org::empty().await;
    saml_app(&org).await;
    let (all, _) = org.all("/api/v1/mappings").await;
    let (listed, pages) = org.all("/api/v1/mappings?limit=1").await;
    assert_eq!((&listed, pages), (&all, all.len()));
    let lost = org.expect(400, "GET", "/api/v1/mappings?after=prm0000000000000000x7", None).await;
    assert_eq!(lost.cause(), "Invalid cursor.");
}

#[tokio::test]
async fn nothing_names_a_user_that_is_gone() {
    let org = Org::empty().await;
    let (boss, worker) = (org.user("boss@x.example").await, org.user("worker@x.example").await);
    let group = org.expect(200, "POST", "/api/v1/groups", Some(json!({ "profile": { "name": "Owned" } }))).await.json;
    let owners = format!("/api/v1/groups/{}/owners", group["id"].as_str().unwrap());
    for user in [&boss, &worker] {
        org.expect(201, "POST", &owners, Some(json!({ "id": user, "type": "USER" }))).await;
    }
    let side = |name: &str| json!({ "name": name, "title": name, "description": name, "type": "USER" });
    let body = json!({ "primary": side("manager"), "associated": side("subordinate") });
    org.expect(201, "POST", "/api/v1/meta/schemas/user/linkedObjects", Some(body)).await;
    org.expect(204, "PUT", &format!("/api/v1/users/{worker}/linkedObjects/manager/{boss}"), None).await;
    let body = json!({ "type": "FACEBOOK", "name": "Social",
        "protocol": { "type": "OAUTH2", "credentials": { "client": { "client_id": "a", "client_secret": "b" } } }, "policy": {} });
    let idp = org.expect(200, "POST", "/api/v1/idps", Some(body)).await.json;
    let linked = format!("/api/v1/idps/{}/users", idp["id"].as_str().unwrap());
    org.expect(200, "POST", &format!("{linked}/{boss}"), Some(json!({ "externalId": "x" }))).await;

    for _ in 0..2 {
        org.expect(204, "DELETE", &format!("/api/v1/users/{boss}"), None).await;
    }
    assert_eq!(org.get(&owners).await.column("/id"), [worker.as_str()]);
    assert_eq!(org.get(&format!("/api/v1/users/{worker}/linkedObjects/manager")).await.json, json!([]));
    assert_eq!(org.get(&linked).await.json, json!([]));
}

#[tokio::test]
async fn metadata_shows_the_certificate_of_the_signing_key() {
    let org = Org::empty().await;
    let app = format!("/api/v1/apps/{}", saml_app(&org).await);
    let keys = org.expect(200, "GET", &format!("{app}/credentials/keys"), None).await.json;
    assert_eq!(keys[0]["kid"], org.get(&app).await.json["credentials"]["signing"]["kid"]);
    let request = org
        .request("GET", &format!("{app}/sso/saml/metadata"))
        .header("authorization", format!("SSWS {}", org.sandbox.api_token()))
        .header("accept", "application/xml");
    let xml = request.send().await.unwrap().text().await.unwrap();
    assert!(xml.contains(keys[0]["x5c"][0].as_str().unwrap()), "{xml}");
    org.expect(400, "POST", &format!("{app}/credentials/keys/generate?validityYears=1"), None).await;
    let made = org.expect(201, "POST", &format!("{app}/credentials/keys/generate?validityYears=2"), None).await;
    assert_ne!(made.json["x5t#S256"], keys[0]["x5t#S256"]);
    assert!(made.headers["location"].to_str().unwrap().ends_with(made.json["kid"].as_str().unwrap()));
}

#[tokio::test]
async fn an_app_follows_the_policy_it_is_given() {
    let org = Org::empty().await;
    let app = format!("/api/v1/apps/{}", saml_app(&org).await);
    let own = org.get("/api/v1/policies?type=ACCESS_POLICY").await.json[0]["id"].as_str().unwrap().to_owned();
    let link = |id: &str| json!(format!("{}/api/v1/policies/{id}", org.sandbox.url()));
    assert_eq!(org.get(&app).await.json["_links"]["accessPolicy"]["href"], link(&own));
    let body = json!({ "type": "ACCESS_POLICY", "name": "Strict", "description": "Two factors" });
    let strict = org.expect(200, "POST", "/api/v1/policies", Some(body)).await.json;
    let strict = strict["id"].as_str().unwrap();
    assert!(strict.starts_with("rst"));
    org.expect(204, "PUT", &format!("{app}/policies/{strict}"), None).await;
    assert_eq!(org.get(&app).await.json["_links"]["accessPolicy"]["href"], link(strict));
    let rules = org.get(&format!("/api/v1/policies/{strict}/rules")).await;
    assert_eq!(rules.column("/name"), ["Catch-all Rule"]);
    org.expect(404, "PUT", &format!("{app}/policies/rst00000000000000x7"), None).await;
}
