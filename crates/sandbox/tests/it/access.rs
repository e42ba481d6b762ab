//! Custom roles, resource sets, roles of clients, and what roles are limited to.

use serde_json::json;

use crate::support::Org;

#[tokio::test]
async fn a_custom_role_holds_its_permissions_and_a_binding_its_members() {
    let org = Org::empty().await;
    let user = org.user("delegate@x.example").await;
    let body =
        json!({ "label": "Reader", "description": "Reads", "permissions": ["okta.users.read", "okta.groups.read"] });
    let role = org.expect(200, "POST", "/api/v1/iam/roles", Some(body.clone())).await.json;
    assert_eq!(role.get("permissions"), None);
    let again = org.expect(400, "POST", "/api/v1/iam/roles", Some(body)).await;
    assert_eq!(again.cause(), "label: There is already an admin role with this name.");
    let permissions = org.expect(200, "GET", "/api/v1/iam/roles/Reader/permissions", None).await.json;
    let labels: Vec<_> =
        permissions["permissions"].as_array().unwrap().iter().map(|one| one["label"].clone()).collect();
    assert_eq!(labels, ["okta.users.read", "okta.groups.read"]);

    let users = org.sandbox.url() + "/api/v1/users";
    let body = json!({ "label": "Everyone", "description": "All", "resources": [users] });
    let set = org.expect(200, "POST", "/api/v1/iam/resource-sets", Some(body)).await.json;
    let set = format!("/api/v1/iam/resource-sets/{}", set["id"].as_str().unwrap());
    let resources = org.expect(200, "GET", &format!("{set}/resources"), None).await.json;
    let first = &resources["resources"][0];
    assert!(first["orn"].as_str().unwrap().starts_with("orn:okta:directory:00o"), "{first}");
    assert_eq!(first["_links"]["self"]["href"], users);
    assert_eq!(resources["_links"]["resource-set"]["href"], org.sandbox.url() + &set);

    let member = format!("{}/api/v1/users/{user}", org.sandbox.url());
    let unknown = json!({ "role": "cr0none", "members": [member] });
    org.expect(404, "POST", &format!("{set}/bindings"), Some(unknown)).await;
    let body = json!({ "role": role["id"], "members": [member] });
    org.expect(200, "POST", &format!("{set}/bindings"), Some(body)).await;
    let members = format!("{set}/bindings/{}/members", role["id"].as_str().unwrap());
    let listed = org.expect(200, "GET", &members, None).await.json;
    assert_eq!(listed["members"][0]["_links"]["self"]["href"], member);
    org.expect(204, "DELETE", &set, None).await;
    org.expect(404, "GET", &members, None).await;
}

#[tokio::test]
async fn a_service_application_has_roles_that_can_be_limited() {
    let org = Org::empty().await;
    let body = json!({ "name": "oidc_client", "label": "Robot", "signOnMode": "OPENID_CONNECT", "settings": { "oauthClient": {
        "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"] } } });
    let app = org.expect(200, "POST", "/api/v1/apps", Some(body)).await.json;
    let roles = format!("/oauth2/v1/clients/{}/roles", app["id"].as_str().unwrap());
    let role = org.expect(201, "POST", &roles, Some(json!({ "type": "APP_ADMIN" }))).await.json;
    assert_eq!((&role["assignmentType"], &role["id"]), (&json!("CLIENT"), &json!("IFIFAX2BIRGUSTQ")));
    let targets = format!("{roles}/IFIFAX2BIRGUSTQ/targets/catalog/apps");
    org.expect(204, "PUT", &format!("{targets}/facebook"), None).await;
    org.expect(204, "PUT", &format!("{targets}/oidc_client/{}", app["id"].as_str().unwrap()), None).await;
    assert_eq!(org.get(&targets).await.column("/name"), ["facebook", "Robot"]);
    let (listed, pages) = org.all(&format!("{targets}?limit=1")).await;
    assert_eq!((listed.len(), pages), (2, 2));
    assert_eq!(org.expect(400, "GET", &format!("{targets}?after=none"), None).await.cause(), "Invalid cursor.");
    org.expect(204, "DELETE", &format!("{targets}/facebook"), None).await;
    org.expect(400, "DELETE", &format!("{targets}/oidc_client/{}", app["id"].as_str().unwrap()), None).await;
    org.expect(204, "DELETE", &format!("{roles}/IFIFAX2BIRGUSTQ"), None).await;
    assert_eq!(org.get(&roles).await.json, json!([]));
}
