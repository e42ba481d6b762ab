//! Users, licences, permission sets and groups.

use serde_json::{Value, json};

use super::Sf;

async fn used(sf: &Sf, license: &str) -> Value {
    let found = sf.query(&format!("SELECT UsedLicenses FROM UserLicense WHERE Name = '{license}'")).await;
    found.json["records"][0]["UsedLicenses"].clone()
}

#[tokio::test]
async fn a_user_gets_what_the_profile_says() {
    let sf = Sf::new().await;
    let id = sf.user("ada@acme.example", "Chatter Free User").await;
    let read = sf.get(&format!("/sobjects/User/{id}")).await.json;
    assert_eq!(
        (&read["Name"], &read["IsActive"], &read["UserType"]),
        (&json!("Ada Lovelace"), &json!(true), &json!("CsnOnly"))
    );
    assert_eq!(read["CommunityNickname"], "ada");
    let login = sf.query(&format!("SELECT IsFrozen, IsPasswordLocked FROM UserLogin WHERE UserId = '{id}'")).await;
    assert_eq!((&login.json["totalSize"], &login.json["records"][0]["IsFrozen"]), (&json!(1), &json!(false)));
    assert_eq!(used(&sf, "Chatter Free").await, 1);
    let found = sf
        .query("SELECT Id, Profile.Name, Profile.UserLicense.Name FROM User WHERE Username = 'ADA@acme.example'")
        .await
        .json;
    assert_eq!(found["records"][0]["Profile"]["UserLicense"]["Name"], "Chatter Free");
}

#[tokio::test]
async fn names_of_users_are_theirs_alone() {
    let sf = Sf::new().await;
    sf.user("ada@acme.example", "Chatter Free User").await;
    let twin = sf.user_body("Ada@acme.example", "Chatter Free User").await;
    let refused = sf.send("POST", "/sobjects/User", twin.clone()).await;
    assert_eq!(refused.error().1, "DUPLICATE_USERNAME");
    assert_eq!(refused.json[0]["fields"], json!(["Username"]));
    let mut nickname = twin;
    nickname["Username"] = json!("ada@other.example");
    nickname["CommunityNickname"] = json!("ADA");
    assert_eq!(sf.send("POST", "/sobjects/User", nickname.clone()).await.error().1, "DUPLICATE_COMM_NICKNAME");
    nickname["CommunityNickname"] = Value::Null;
    sf.create("User", nickname.clone()).await;
    nickname["Username"] = json!("ada");
    assert_eq!(sf.send("POST", "/sobjects/User", nickname.clone()).await.error().1, "INVALID_EMAIL_ADDRESS");
    nickname["Username"] = json!("ada@third.example");
    nickname["Alias"] = json!("lovelace1");
    assert_eq!(
        sf.send("POST", "/sobjects/User", nickname.clone()).await.error().2,
        "Alias: data value too large: lovelace1 (max length=8)"
    );
    nickname["Alias"] = json!("ada");
    nickname["TimeZoneSidKey"] = json!("Mars/Olympus");
    assert_eq!(sf.send("POST", "/sobjects/User", nickname).await.error().1, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
}

#[tokio::test]
async fn licences_run_out_and_come_back() {
    let sf = Sf::new().await;
    let mut users = Vec::new();
    for number in 0..4 {
        users.push(sf.user(&format!("u{number}@acme.example"), "Standard User").await);
    }
    assert_eq!(used(&sf, "Salesforce").await, 5);
    let mut fifth = sf.user_body("u5@acme.example", "Read Only").await;
    assert_eq!(
        sf.send("POST", "/sobjects/User", fifth.clone()).await.error(),
        (400, "LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded")
    );
    fifth["IsActive"] = json!(false);
    let fifth = sf.create("User", fifth).await;
    let set = async |id: &str, active: bool| {
        sf.send("PATCH", &format!("/sobjects/User/{id}"), json!({ "IsActive": active })).await
    };
    assert_eq!(set(&fifth, true).await.error().1, "LICENSE_LIMIT_EXCEEDED");
    assert_eq!((set(&users[0], false).await.status.as_u16(), set(&users[0], false).await.status.as_u16()), (204, 204));
    assert_eq!(used(&sf, "Salesforce").await, 4);
    assert_eq!(set(&fifth, true).await.status, 204);
    assert_eq!((used(&sf, "Salesforce").await, set(&fifth, true).await.status.as_u16()), (json!(5), 204));
    // A change of profile moves the user to another licence.
    let platform = sf.named("Profile", "Standard Platform User").await;
    assert_eq!(
        sf.send("PATCH", &format!("/sobjects/User/{fifth}"), json!({ "ProfileId": platform })).await.status,
        204
    );
    assert_eq!((used(&sf, "Salesforce").await, used(&sf, "Salesforce Platform").await), (json!(4), json!(1)));
}

#[tokio::test]
async fn feature_licences_run_out() {
    let sf = Sf::new().await;
    for number in 0..11 {
        let mut body = sf.user_body(&format!("f{number}@acme.example"), "Chatter Free User").await;
        body["UserPermissionsKnowledgeUser"] = json!(true);
        let answer = sf.send("POST", "/sobjects/User", body).await;
        assert_eq!(answer.status.as_u16(), if number < 10 { 201 } else { 400 }, "{number}: {}", answer.text);
    }
}

#[tokio::test]
async fn administrators_do_not_lock_themselves_out() {
    let sf = Sf::new().await;
    let admin = sf.org.records("User")[0]["Id"].as_str().unwrap().to_owned();
    let refused = sf.send("PATCH", &format!("/sobjects/User/{admin}"), json!({ "IsActive": false })).await;
    assert_eq!(refused.error().1, "FIELD_INTEGRITY_EXCEPTION");
    let login = sf.org.records("UserLogin")[0]["Id"].as_str().unwrap().to_owned();
    let refused = sf.send("PATCH", &format!("/sobjects/UserLogin/{login}"), json!({ "IsFrozen": true })).await;
    assert_eq!(refused.error().1, "CANNOT_FREEZE_SELF");
    let refused = sf.send("PATCH", &format!("/sobjects/UserLogin/{login}"), json!({ "UserId": admin })).await;
    assert_eq!(refused.error().1, "INVALID_FIELD_FOR_INSERT_UPDATE");
}

#[tokio::test]
async fn freezing_stops_logins_and_keeps_the_licence() {
    let sf = Sf::new().await;
    let id = sf.user("ada@acme.example", "Standard User").await;
    let code = super::oauth::code_of(&sf, "ada@acme.example", &[]).await;
    let login =
        sf.query(&format!("SELECT Id FROM UserLogin WHERE UserId = '{id}'")).await.json["records"][0]["Id"].clone();
    let path = format!("/sobjects/UserLogin/{}", login.as_str().unwrap());
    assert_eq!(sf.send("PATCH", &path, json!({ "IsFrozen": true })).await.status, 204);
    assert_eq!(used(&sf, "Salesforce").await, 2);
    let token = super::oauth::redeem(&sf, &code, &[]).await;
    assert_eq!(
        (&token.json["error"], &token.json["error_description"]),
        (&json!("invalid_grant"), &json!("inactive user"))
    );
    assert_eq!(sf.send("PATCH", &format!("/sobjects/User/{id}"), json!({ "IsActive": false })).await.status, 204);
    assert_eq!(sf.send("PATCH", &format!("/sobjects/User/{id}"), json!({ "IsActive": true })).await.status, 204);
    assert_eq!(sf.get(&path).await.json["IsFrozen"], true);
    assert_eq!(sf.send("PATCH", &path, json!({ "IsFrozen": false })).await.status, 204);
    let code = super::oauth::code_of(&sf, "ada@acme.example", &[]).await;
    assert_eq!(super::oauth::redeem(&sf, &code, &[]).await.status, 200);
}

#[tokio::test]
async fn tokens_of_a_deactivated_user_die() {
    let sf = Sf::new().await;
    let id = sf.user("ada@acme.example", "Standard User").await;
    let code = super::oauth::code_of(&sf, "ada@acme.example", &[]).await;
    let token = super::oauth::redeem(&sf, &code, &[]).await.json;
    let limits = async || {
        sf.raw(
            sf.request("GET", &format!("{}/limits", super::DATA)).bearer_auth(token["access_token"].as_str().unwrap()),
        )
        .await
    };
    assert_eq!(limits().await.status, 200);
    sf.send("PATCH", &format!("/sobjects/User/{id}"), json!({ "IsActive": false })).await;
    assert_eq!(limits().await.error().1, "INVALID_SESSION_ID");
    let refreshed = super::oauth::refresh(&sf, token["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.json["error_description"], "inactive user");
}

#[tokio::test]
async fn others_may_not_manage_users() {
    let sf = Sf::new().await;
    sf.user("ada@acme.example", "Standard User").await;
    sf.user("bob@acme.example", "Chatter Free User").await;
    let body = sf.user_body("eve@acme.example", "Chatter Free User").await;
    let token_of = async |login: &str| {
        let code = super::oauth::code_of(&sf, login, &[]).await;
        super::oauth::redeem(&sf, &code, &[]).await.json["access_token"].as_str().unwrap().to_owned()
    };
    let standard = token_of("ada@acme.example").await;
    let request = sf.request("POST", &format!("{}/sobjects/User", super::DATA)).bearer_auth(&standard);
    let refused = sf.raw(request.header("content-type", "application/json").body(body.to_string())).await;
    assert_eq!(refused.error(), (400, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"));
    let contact = sf.request("POST", &format!("{}/sobjects/Contact", super::DATA)).bearer_auth(&standard);
    assert_eq!(
        sf.raw(contact.header("content-type", "application/json").body(r#"{"LastName":"A"}"#)).await.status,
        201
    );
    let free = token_of("bob@acme.example").await;
    let closed = sf.raw(sf.request("GET", &format!("{}/limits", super::DATA)).bearer_auth(&free)).await;
    assert_eq!((closed.status.as_u16(), closed.error().1), (403, "API_DISABLED_FOR_ORG"));
}

#[tokio::test]
async fn permission_sets_are_assigned_once_and_fit_the_licence() {
    let sf = Sf::new().await;
    let (standard, free) =
        (sf.user("a@acme.example", "Standard User").await, sf.user("b@acme.example", "Chatter Free User").await);
    let set = |name: &'static str| {
        let sf = &sf;
        async move { sf.named("PermissionSet", name).await }
    };
    let assign = async |user: &str, set: &str| {
        sf.send("POST", "/sobjects/PermissionSetAssignment", json!({ "AssigneeId": user, "PermissionSetId": set }))
            .await
    };
    let (any, crm) = (set("Sales_Reports").await, set("Crm_Power_User").await);
    let made = assign(&standard, &any).await;
    assert_eq!(made.status, 201);
    assert_eq!(assign(&standard, &any).await.error().1, "DUPLICATE_VALUE");
    assert_eq!(
        (assign(&standard, &crm).await.status.as_u16(), assign(&free, &crm).await.error().1.to_owned()),
        (201, "FIELD_INTEGRITY_EXCEPTION".to_owned())
    );
    let text = format!(
        "SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = '{standard}' ORDER BY PermissionSet.Name"
    );
    assert_eq!(sf.query(&text).await.json["records"][0]["PermissionSet"]["Name"], "Crm_Power_User");
    assert_eq!(sf.send("DELETE", &format!("/sobjects/PermissionSetAssignment/{}", made.id()), None).await.status, 204);
    assert_eq!(sf.query(&text).await.json["totalSize"], 1);
    let none = sf.send("POST", "/sobjects/PermissionSetAssignment", json!({ "AssigneeId": standard })).await;
    assert_eq!(none.error().1, "REQUIRED_FIELD_MISSING");
}

#[tokio::test]
async fn permission_set_licences_and_groups() {
    let sf = Sf::new().await;
    let license = sf.org.records("PermissionSetLicense")[0]["Id"].clone();
    let mut users = Vec::new();
    for number in 0..3 {
        users.push(sf.user(&format!("u{number}@acme.example"), "Chatter Free User").await);
    }
    let assign = async |user: &str| {
        let body = json!({ "AssigneeId": user, "PermissionSetLicenseId": license });
        sf.send("POST", "/sobjects/PermissionSetLicenseAssign", body).await
    };
    let first = assign(&users[0]).await;
    assert_eq!(
        (first.status.as_u16(), assign(&users[0]).await.error().1.to_owned()),
        (201, "DUPLICATE_VALUE".to_owned())
    );
    assert_eq!(
        (assign(&users[1]).await.status.as_u16(), assign(&users[2]).await.error().1.to_owned()),
        (201, "LICENSE_LIMIT_EXCEEDED".to_owned())
    );
    sf.send("DELETE", &format!("/sobjects/PermissionSetLicenseAssign/{}", first.id()), None).await;
    assert_eq!(assign(&users[2]).await.status, 201);

    let group = sf.create("Group", json!({ "Name": "On Call" })).await;
    let member = json!({ "GroupId": group, "UserOrGroupId": users[0] });
    sf.create("GroupMember", member.clone()).await;
    assert_eq!(sf.send("POST", "/sobjects/GroupMember", member).await.error().1, "DUPLICATE_VALUE");
    let read = sf.get(&format!("/sobjects/Group/{group}")).await.json;
    assert_eq!((&read["DeveloperName"], &read["Type"]), (&json!("On_Call"), &json!("Regular")));
    sf.send("DELETE", &format!("/sobjects/Group/{group}"), None).await;
    assert_eq!(sf.org.records("GroupMember").len(), 0);
}

#[tokio::test]
async fn passwords_are_set_and_reset() {
    let sf = Sf::new().await;
    let id = sf.user("ada@acme.example", "Standard User").await;
    let path = format!("/sobjects/User/{id}/password");
    assert_eq!(sf.get(&path).await.json, json!({ "isExpired": false }));
    assert_eq!(sf.send("POST", &path, json!({ "NewPassword": "short" })).await.error().1, "INVALID_NEW_PASSWORD");
    assert_eq!(sf.send("POST", &path, json!({ "NewPassword": "long enough" })).await.status, 204);
    let page = super::oauth::sign_in(&sf, "ada@acme.example", "long enough").await;
    assert!(page.text.contains("Allow access?"), "{}", page.text);
    let reset = sf.send("DELETE", &path, None).await.json;
    let new = reset["NewPassword"].as_str().unwrap();
    assert!(super::oauth::sign_in(&sf, "ada@acme.example", "long enough").await.text.contains("wrong"));
    assert!(super::oauth::sign_in(&sf, "ada@acme.example", new).await.text.contains("Allow access?"));
    assert_eq!(sf.get(&format!("/sobjects/User/{id}")).await.json["NumberOfFailedLogins"], 1);
}
