//! Applications, assignments and roles.

use serde_json::{Value, json};

use crate::support::Org;

async fn app(org: &Org, body: Value) -> Value {
    org.expect(200, "POST", "/api/v1/apps", Some(body)).await.json
}

fn bookmark(label: &str) -> Value {
    json!({ "label": label, "signOnMode": "BOOKMARK", "settings": { "app": { "url": "https://x.example" } } })
}

#[tokio::test]
async fn a_bookmark_has_the_recorded_shape() {
    let org = Org::empty().await;
    let created = app(&org, bookmark("News")).await;
    let keys: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "id",
        "orn",
        "name",
        "label",
        "status",
        "lastUpdated",
        "created",
        "accessibility",
        "visibility",
        "features",
        "signOnMode",
        "credentials",
        "universalLogout",
        "settings",
        "_links",
    ];
    assert_eq!(keys, expected);
    assert_eq!(created["name"], "bookmark");
    assert_eq!(created["settings"]["app"], json!({ "requestIntegration": false, "url": "https://x.example" }));
    let id = created["id"].as_str().unwrap();
    assert_eq!(org.get(&format!("/api/v1/apps/{id}")).await.json, created);
}

#[tokio::test]
async fn secrets_of_oidc_apps_are_shown_by_writes_only() {
    let org = Org::empty().await;
    let body = json!({ "name": "oidc_client", "label": "Shop", "signOnMode": "OPENID_CONNECT",
        "settings": { "oauthClient": { "redirect_uris": ["https://shop.example/cb"] } } });
    let created = app(&org, body.clone()).await;
    let secret = created["credentials"]["oauthClient"]["client_secret"].as_str().expect("a secret").to_owned();
    assert_eq!(secret.len(), 64);
    let path = format!("/api/v1/apps/{}", created["id"].as_str().unwrap());
    assert_eq!(org.get(&path).await.json["credentials"]["oauthClient"].get("client_secret"), None);
    let replaced = org.expect(200, "PUT", &path, Some(body)).await;
    assert_eq!(replaced.json["credentials"]["oauthClient"]["client_secret"], secret);
    assert_eq!(replaced.json["credentials"]["oauthClient"]["client_id"], created["id"]);
}

#[tokio::test]
async fn an_app_that_can_be_provisioned_has_a_connection_and_features() {
    let org = Org::empty().await;
    let settings = json!({ "acsUrl": "https://x.example/acs", "audRestriction": "https://x.example", "baseUrl": "https://x.example" });
    let body =
        json!({ "name": "okta_org2org", "label": "Hub", "signOnMode": "SAML_2_0", "settings": { "app": settings } });
    let own = format!("/api/v1/apps/{}", app(&org, body).await["id"].as_str().unwrap());
    let connection = format!("{own}/connections/default");
    let new = org.get(&connection).await.json;
    assert_eq!((&new["authScheme"], &new["status"], new.get("profile")), (&json!("TOKEN"), &json!("DISABLED"), None));
    org.expect(400, "GET", &format!("{own}/features"), None).await;

    let credentials =
        json!({ "baseUrl": "https://x.example", "profile": { "authScheme": "TOKEN", "token": "secret" } });
    let set = org.expect(200, "POST", &connection, Some(credentials)).await.json;
    assert_eq!((&set["profile"], &set["status"]), (&json!({ "authScheme": "TOKEN" }), &json!("DISABLED")));
    org.expect(204, "POST", &format!("{connection}/lifecycle/activate"), None).await;
    let on = org.get(&connection).await.json;
    assert!(on["status"] == "ENABLED" && on["_links"]["deactivate"].is_object(), "{on}");

    assert_eq!(
        org.get(&format!("{own}/features")).await.column("/name"),
        ["USER_PROVISIONING", "INBOUND_PROVISIONING"]
    );
    let feature = format!("{own}/features/USER_PROVISIONING");
    let create = json!({ "create": { "lifecycleCreate": { "status": "ENABLED" } } });
    let changed = org.expect(200, "PUT", &feature, Some(create)).await.json;
    assert_eq!(changed["capabilities"]["create"]["lifecycleCreate"]["status"], "ENABLED");
    assert_eq!(changed["capabilities"]["update"]["profile"]["status"], "DISABLED");
    assert_eq!(org.get(&feature).await.json, changed);
    org.expect(404, "GET", &format!("{own}/features/TELEPORT"), None).await;

    let plain =
        format!("/api/v1/apps/{}/connections/default", app(&org, bookmark("News")).await["id"].as_str().unwrap());
    assert_eq!(org.get(&plain).await.json, json!({ "status": "UNKNOWN", "profile": { "authScheme": "UNKNOWN" } }));
}

#[tokio::test]
async fn only_inactive_apps_are_deleted() {
    let org = Org::empty().await;
    let id = app(&org, bookmark("Gone")).await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/apps/{id}");
    let refused = org.expect(403, "DELETE", &path, None).await;
    assert_eq!((refused.code(), refused.cause()), ("E0000056", "The application must be deactivated before deletion."));
    org.expect(200, "POST", &format!("{path}/lifecycle/deactivate"), None).await;
    org.expect(204, "DELETE", &path, None).await;
    org.expect(404, "GET", &path, None).await;
    let unknown =
        org.post("/api/v1/apps", json!({ "name": "no_such_app", "label": "X", "signOnMode": "BOOKMARK" })).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (400, "E0000024"));
}

#[tokio::test]
async fn users_are_assigned_directly_and_through_groups() {
    let org = Org::empty().await;
    let app = app(&org, bookmark("Team")).await["id"].as_str().unwrap().to_owned();
    let (direct, member) = (org.user("direct@x.example").await, org.user("member@x.example").await);
    let group = org.expect(200, "POST", "/api/v1/groups", Some(json!({ "profile": { "name": "Team" } }))).await;
    let group = group.json["id"].as_str().unwrap().to_owned();
    org.expect(204, "PUT", &format!("/api/v1/groups/{group}/users/{member}"), None).await;
    org.expect(200, "POST", &format!("/api/v1/apps/{app}/users"), Some(json!({ "id": direct }))).await;
    org.expect(200, "PUT", &format!("/api/v1/apps/{app}/groups/{group}"), Some(json!({}))).await;

    let users = org.get(&format!("/api/v1/apps/{app}/users?expand=user")).await;
    assert_eq!(users.column("/id"), [direct.as_str(), member.as_str()]);
    assert_eq!(users.column("/scope"), ["USER", "GROUP"]);
    assert_eq!(users.column("/_embedded/user/profile/login"), ["direct@x.example", "member@x.example"]);
    let kept = org.expect(403, "DELETE", &format!("/api/v1/apps/{app}/users/{member}"), None).await;
    assert_eq!(kept.code(), "E0000046");
    let filter = format!("/api/v1/apps?filter=user.id+eq+%22{member}%22&expand=user/{member}");
    let of_user = org.expect(200, "GET", &filter, None).await;
    assert_eq!(of_user.column("/_embedded/user/id"), [member.as_str()]);
    assert_eq!(org.get(&format!("/api/v1/groups/{group}/apps")).await.column("/id"), [app.as_str()]);

    org.expect(204, "DELETE", &format!("/api/v1/apps/{app}/groups/{group}"), None).await;
    assert_eq!(org.get(&format!("/api/v1/apps/{app}/users")).await.column("/id"), [direct.as_str()]);
    org.expect(200, "POST", &format!("/api/v1/users/{direct}/lifecycle/deactivate"), None).await;
    assert_eq!(org.get(&format!("/api/v1/apps/{app}/users")).await.json, json!([]));
}

#[tokio::test]
async fn roles_are_granted_once_and_listed() {
    let org = Org::empty().await;
    let user = org.user("admin2@x.example").await;
    let path = format!("/api/v1/users/{user}/roles");
    let granted = org.expect(201, "POST", &path, Some(json!({ "type": "APP_ADMIN" }))).await;
    assert_eq!(
        (&granted.json["id"], &granted.json["label"]),
        (&json!("IFIFAX2BIRGUSTQ"), &json!("Application Administrator"))
    );
    assert_eq!(org.expect(409, "POST", &path, Some(json!({ "type": "APP_ADMIN" }))).await.code(), "E0000090");
    org.expect(400, "POST", &path, Some(json!({ "type": "EMPEROR" }))).await;
    let assignees = org.get("/api/v1/iam/assignees/users").await;
    let ids: Vec<_> = assignees.json["value"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    assert!(ids.contains(&json!(user)) && ids.len() == 2, "{ids:?}");
    org.expect(204, "DELETE", &format!("{path}/IFIFAX2BIRGUSTQ"), None).await;
    assert_eq!(org.get(&path).await.json, json!([]));
}

#[tokio::test]
async fn users_of_an_app_have_a_schema_of_their_own() {
    let org = Org::empty().await;
    let app = app(&org, bookmark("Typed")).await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/meta/schemas/apps/{app}/default");
    let first = org.expect(200, "GET", &path, None).await;
    assert_eq!((&first.json["title"], first.json.get("_links")), (&json!("Typed User"), None));
    let change =
        json!({ "definitions": { "custom": { "properties": { "seat": { "title": "Seat", "type": "integer" } } } } });
    let changed = org.expect(200, "POST", &path, Some(change)).await;
    assert_eq!(changed.json["definitions"]["custom"]["properties"]["seat"]["type"], "integer");
}
