//! Mail, and groups pushed into applications.

use serde_json::json;

use crate::support::Org;

#[tokio::test]
async fn one_customization_of_a_template_is_the_default() {
    let org = Org::empty().await;
    let brand = org.get("/api/v1/brands").await.json[0]["id"].as_str().unwrap().to_owned();
    let all = format!("/api/v1/brands/{brand}/templates/email/UserActivation/customizations");
    let body = |language: &str, is_default: bool| {
        Some(
            json!({ "language": language, "isDefault": is_default, "subject": "Hello ${user.firstName}", "body": "<p>${activationLink}</p>" }),
        )
    };
    let english = org.expect(201, "POST", &all, body("en", false)).await.json;
    assert_eq!((&english["isDefault"], &english["subject"]), (&json!(true), &json!("Hello ${user.firstName}")));
    assert_eq!(org.expect(409, "POST", &all, body("en", false)).await.code(), "E0000183");
    let english = format!("{all}/{}", english["id"].as_str().unwrap());
    let french = org.expect(201, "POST", &all, body("fr", true)).await.json;
    assert_eq!(french["isDefault"], true);
    assert_eq!(org.get(&english).await.json["isDefault"], false);
    let french = format!("{all}/{}", french["id"].as_str().unwrap());
    assert_eq!(org.expect(409, "PUT", &french, body("fr", false)).await.code(), "E0000185");
    assert_eq!(org.expect(409, "DELETE", &french, None).await.code(), "E0000184");
    org.expect(204, "DELETE", &english, None).await;
    org.expect(204, "DELETE", &french, None).await;
    assert_eq!(org.get(&all).await.json, json!([]));
}

#[tokio::test]
async fn a_pushed_group_appears_in_the_application_and_goes_with_its_mapping() {
    let org = Org::empty().await;
    let app = org
        .expect(
            200,
            "POST",
            "/api/v1/apps",
            Some(json!({ "name": "salesforce", "label": "CRM", "signOnMode": "SAML_2_0" })),
        )
        .await
        .json;
    let group = org.expect(200, "POST", "/api/v1/groups", Some(json!({ "profile": { "name": "Sales" } }))).await.json;
    let all = format!("/api/v1/apps/{}/group-push/mappings", app["id"].as_str().unwrap());
    let body = json!({ "sourceGroupId": group["id"], "targetGroupName": "CRM sales", "status": "ACTIVE" });
    let mapping = org.expect(200, "POST", &all, Some(body)).await.json;
    assert_eq!((&mapping["created"], mapping.get("targetGroupName")), (&json!("2026-03-02T12:00:00Z"), None));
    let target = format!("/api/v1/groups/{}", mapping["targetGroupId"].as_str().unwrap());
    assert_eq!(org.expect(200, "GET", &target, None).await.json["type"], "APP_GROUP");
    let own = format!("{all}/{}", mapping["id"].as_str().unwrap());
    org.expect(400, "DELETE", &own, None).await;
    org.expect(200, "PATCH", &own, Some(json!({ "status": "INACTIVE" }))).await;
    org.expect(200, "DELETE", &format!("{own}?deleteTargetGroup=true"), None).await;
    org.expect(404, "GET", &target, None).await;
}
