//! The account as Okta sees it over SCIM.

use crate::common::{ENTERPRISE, PATCH, TestAccount, USER, ask, cell, column, run_all, token, user};
use oktant_base::Secret;
use oktant_warehouse::{AccountConfig, Login, PolicyPrecedence, StandardScim};
use serde_json::json;

#[tokio::test]
async fn a_user_lives_as_okta_has_it() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("sync_password = true").await;
    let (status, body) = okta.get("/Users?filter=userName%20eq%20%22jane%40acme.example%22").await;
    assert_eq!((status, &body["totalResults"]), (200, &json!(0)));
    let mut jane = user("jane@acme.example");
    jane["password"] = json!("first-password");
    let (status, created) = okta.send("POST", "/Users", Some(jane.clone())).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(created["userName"], "jane@acme.example");
    assert_eq!(created["name"]["familyName"], "Doe");
    assert_eq!(created["externalId"], "00u1");
    assert_eq!(created["emails"], json!([{ "value": "jane@acme.example@example.com", "primary": true }]));
    assert_eq!(created["active"], true);
    assert!(created["password"].is_null());
    let id = created["id"].as_str().unwrap();

    let (status, conflict) = okta.send("POST", "/Users", Some(jane)).await;
    assert_eq!(status, 409);
    assert_eq!(conflict["detail"], "User exists with given userName and/or enterprise:user.snowflakeUserName");
    let (_, found) = okta.get("/Users?filter=userName%20eq%20%22JANE%40ACME.EXAMPLE%22").await;
    assert_eq!(found["Resources"][0]["id"], id);

    let session = test.login("Jane@acme.example", "first-password").await.unwrap();
    let deactivate = json!([{ "op": "replace", "value": { "active": false } }]);
    let (status, patched) = okta.patch(&format!("/Users/{id}"), deactivate).await;
    assert_eq!((status, &patched["active"]), (200, &json!(false)));
    assert_eq!(session.execute("select 1", &[]).await.unwrap_err().code, 390_111, "the session ends at once");
    session.revoked().await;
    assert_eq!(test.login("jane@acme.example", "first-password").await.unwrap_err().code, 390_100);
    let verifier = test.account.scram_verifier("jane@acme.example").await.unwrap();
    assert!(!verifier.matches(&oktant_base::Secret::new("first-password".to_owned())));

    let reactivate = json!([{ "op": "replace", "value": { "active": true, "password": "second-password" } }]);
    let (status, patched) = okta.patch(&format!("/Users/{id}"), reactivate).await;
    assert_eq!((status, patched["id"].as_str(), &patched["active"]), (200, Some(id), &json!(true)));
    assert!(test.login("jane@acme.example", "first-password").await.is_err());
    let again = test.login("jane@acme.example", "second-password").await.unwrap();
    assert_eq!(session.execute("select 1", &[]).await.unwrap_err().code, 390_111, "an ended session stays ended");

    let (status, _) = okta.send("DELETE", &format!("/Users/{id}"), None).await;
    assert_eq!(status, 204);
    assert_eq!(okta.get(&format!("/Users/{id}")).await.0, 404);
    assert_eq!(again.execute("select 1", &[]).await.unwrap_err().code, 390_111);
}

/// The user's own name stood in the way of finding whoever else has the login name: the answer was 500.
#[tokio::test]
async fn a_login_name_of_another_user_is_a_conflict_although_the_name_is_free() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let statements = [
        "create user jim login_name = 'jim@acme.example'",
        "create user other login_name = 'jim'",
        "grant ownership on user jim to role okta_provisioner",
    ];
    run_all(&test.admin().await, &statements).await;
    let (_, found) = okta.get("/Users?filter=userName%20eq%20%22jim%40acme.example%22").await;
    let path = format!("/Users/{}", found["Resources"][0]["id"].as_str().unwrap());
    let rename = json!([{ "op": "replace", "path": "userName", "value": "jim" }]);
    let (status, conflict) = okta.patch(&path, rename).await;
    assert_eq!((status, &conflict["scimType"]), (409, &json!("uniqueness")), "{conflict}");
}

#[tokio::test]
async fn groups_are_roles() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("sync_password = true").await;
    let mut jane = user("jane");
    jane["password"] = json!("password-of-jane");
    let (_, created) = okta.send("POST", "/Users", Some(jane)).await;
    let jane = created["id"].as_str().unwrap();
    let joe = okta.create_user("joe").await;
    let group = okta.create_group("ANALYST", &[jane]).await;
    let admin = test.admin().await;
    assert_eq!(column(&ask(&admin, "show grants of role analyst").await, "grantee_name"), ["JANE"]);
    assert_eq!(column(&ask(&admin, "show roles like 'analyst'").await, "owner"), ["OKTA_PROVISIONER"]);
    let session = test.login("jane", "password-of-jane").await.unwrap();
    run_all(&session, &["use role analyst"]).await;

    let change = json!([
        { "op": "remove", "path": format!("members[value eq \"{jane}\"]") },
        { "op": "add", "path": "members", "value": [{ "value": joe, "display": "joe" }] },
        { "op": "replace", "value": { "id": group, "displayName": "SCIENTIST" } },
    ]);
    let (status, body) = okta.patch(&format!("/Groups/{group}"), change).await;
    assert_eq!((status, &body["displayName"]), (200, &json!("SCIENTIST")), "{body}");
    assert_eq!(okta.members(&group).await, [joe.as_str()]);
    assert_eq!(session.context().await.unwrap().role.as_deref(), Some("PUBLIC"), "what was revoked is gone at once");
    assert_eq!(session.execute("use role scientist", &[]).await.unwrap_err().code, 3013);
    let (_, body) = okta.get(&format!("/Users/{joe}")).await;
    assert_eq!(body["groups"][0]["value"], group.as_str());

    let (status, body) = okta
        .patch(
            &format!("/Groups/{group}"),
            json!([{ "op": "add", "path": "members", "value": [{ "value": "999_1" }] }]),
        )
        .await;
    assert_eq!((status, &body["scimType"]), (400, &json!("invalidValue")));
    let (status, _) =
        okta.patch(&format!("/Groups/{group}"), json!([{ "op": "replace", "path": "members", "value": [] }])).await;
    assert_eq!(status, 200);
    assert!(okta.members(&group).await.is_empty());
    assert_eq!(okta.send("DELETE", &format!("/Groups/{group}"), None).await.0, 204);
    assert!(ask(&admin, "show roles like 'scientist'").await.rows.is_empty());
}

#[tokio::test]
async fn only_owned_objects_are_seen_and_changed() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let admin = test.admin().await;
    run_all(&admin, &["create user some_user login_name = 'some.user'", "create role some_role"]).await;
    let (_, found) = okta.get("/Users?filter=userName%20eq%20%22some.user%22").await;
    assert_eq!(found["totalResults"], 0, "who is owned by another role is not seen");
    let (status, conflict) = okta.send("POST", "/Users", Some(user("some.user"))).await;
    assert_eq!(status, 409);
    assert_eq!(
        conflict["detail"],
        "User exists with given userName and/or enterprise:user.snowflakeUserName. It is owned by ACCOUNTADMIN: \
         GRANT OWNERSHIP ON USER SOME_USER TO ROLE OKTA_PROVISIONER hands it over"
    );
    let (status, conflict) = okta.send("POST", "/Groups", Some(json!({ "displayName": "some_role" }))).await;
    assert_eq!(status, 409, "the upper-cased name exists");
    assert!(conflict["detail"].as_str().unwrap().contains("cannot be taken over"), "{conflict}");

    run_all(&admin, &["grant monitor user on account to role okta_provisioner"]).await;
    let (_, found) = okta.get("/Users?filter=userName%20eq%20%22some.user%22").await;
    let id = found["Resources"][0]["id"].as_str().unwrap().to_owned();
    let rename = json!([{ "op": "replace", "value": { "name": { "givenName": "New" } } }]);
    let (status, refused) = okta.patch(&format!("/Users/{id}"), rename.clone()).await;
    assert_eq!(status, 403);
    assert!(refused["detail"].as_str().unwrap().contains("GRANT OWNERSHIP ON USER SOME_USER TO ROLE OKTA_PROVISIONER"));

    run_all(
        &admin,
        &[
            "revoke monitor user on account from role okta_provisioner",
            "grant ownership on user some_user to role okta_provisioner",
            "grant ownership on role some_role to role okta_provisioner",
        ],
    )
    .await;
    assert_eq!(okta.patch(&format!("/Users/{id}"), rename).await.0, 200, "ownership hands a user over");
    let (_, groups) = okta.get("/Groups?filter=displayName%20eq%20%22some_role%22").await;
    assert_eq!(groups["totalResults"], 0, "but never a role");
    run_all(&admin, &["revoke create user on account from role okta_provisioner"]).await;
    assert_eq!(okta.send("POST", "/Users", Some(user("other"))).await.0, 403);
}

#[tokio::test]
async fn tokens_live_and_die_with_their_integration() {
    let test = TestAccount::new().await;
    let first = test.provisioning("").await;
    let admin = test.admin().await;
    let second = first.with_token(&token(&admin, "OKTA_PROVISIONING").await);
    for client in [&first, &second] {
        assert_eq!(client.get("/Users").await.0, 200, "several tokens are valid at once");
    }
    test.clock.advance(std::time::Duration::from_mins(1));
    run_all(
        &admin,
        &["alter security integration okta_provisioning set reject_tokens_issued_before = '2026-01-15 12:00:30'"],
    )
    .await;
    let third = first.with_token(&token(&admin, "OKTA_PROVISIONING").await);
    assert_eq!(first.get("/Users").await.0, 401);
    assert_eq!(third.get("/Users").await.0, 200);
    run_all(&admin, &["alter security integration okta_provisioning unset reject_tokens_issued_before"]).await;
    assert_eq!(first.get("/Users").await.0, 200);

    run_all(&admin, &["alter security integration okta_provisioning set enabled = false"]).await;
    let (status, body) = first.get("/Users").await;
    assert_eq!((status, &body["detail"]), (401, &json!("The security integration OKTA_PROVISIONING is disabled")));
    let generate = "select system$generate_scim_access_token('OKTA_PROVISIONING')";
    let refused = admin.execute(generate, &[]).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "002043 (02000): SQL compilation error:\nObject does not exist, or operation cannot be performed."
    );
    run_all(&admin, &["alter security integration okta_provisioning set enabled = true"]).await;

    test.advance_days(181);
    assert_eq!(first.get("/Users").await.0, 401);
    let (_, body) = third.get("/Users").await;
    assert_eq!(body["detail"], "Access token expired");
    let fresh = test.provisioning("").await;
    assert_eq!(fresh.get("/Users").await.0, 200);
    let replaced = test.provisioning("").await;
    assert_eq!(fresh.get("/Users").await.0, 401, "a replaced integration has no old tokens");
    assert_eq!(replaced.get("/Users").await.0, 200);
    run_all(&admin, &["drop security integration okta_provisioning"]).await;
    assert_eq!(replaced.get("/Users").await.0, 401);
}

#[tokio::test]
async fn programmatic_tokens_name_their_integration() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let admin = test.admin().await;
    run_all(&admin, &["create user robot type = service", "grant role okta_provisioner to user robot"]).await;
    let sql =
        "alter user robot add programmatic access token scim role_restriction = 'OKTA_PROVISIONER' days_to_expiry = 30";
    let made = ask(&admin, sql).await;
    let robot = okta.with_token(cell(&made, 0, 1));
    assert_eq!(robot.get("/Users").await.0, 403, "the role needs USAGE on the integration");
    run_all(&admin, &["grant usage on integration okta_provisioning to role okta_provisioner"]).await;
    let description = ask(&admin, "desc security integration okta_provisioning").await;
    let row = description.rows.iter().find(|row| row[0].as_deref() == Some("SCIM_ENDPOINT_ID")).unwrap();
    let endpoint = row[2].clone().unwrap();
    for path in ["/Users".to_owned(), format!("/{endpoint}/Users")] {
        assert_eq!(robot.get(&path).await.0, 200, "{path}");
    }
    assert_eq!(okta.get(&format!("/{endpoint}/Users")).await.0, 200);
    run_all(
        &admin,
        &["create security integration other type = scim scim_client = 'generic' run_as_role = 'OKTA_PROVISIONER'"],
    )
    .await;
    assert_eq!(robot.get("/Users").await.0, 403, "of two integrations one has to be named");
    assert_eq!(robot.get(&format!("/{endpoint}/Users")).await.0, 200);
    run_all(&admin, &["alter user robot set disabled = true"]).await;
    assert_eq!(robot.get(&format!("/{endpoint}/Users")).await.0, 401);
}

#[tokio::test]
async fn whoever_is_barred_over_scim_is_out_at_once() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let admin = test.admin().await;
    run_all(&admin, &["grant usage on integration okta_provisioning to role okta_provisioner"]).await;
    for (name, method, body) in [
        (
            "JANE",
            "PATCH",
            Some(json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "value": { "active": false } }] })),
        ),
        ("JOHN", "DELETE", None),
    ] {
        let id = okta.create_user(name).await;
        run_all(&admin, &[&format!("grant role okta_provisioner to user {name}")]).await;
        let sql = format!("alter user {name} add programmatic access token scim role_restriction = 'OKTA_PROVISIONER'");
        let own = okta.with_token(cell(&ask(&admin, &sql).await, 0, 1));
        assert_eq!(own.get("/Users").await.0, 200, "{name}");
        assert!(okta.send(method, &format!("/Users/{id}"), body).await.0 < 300, "{name}");
        assert_eq!(own.get("/Users").await.0, 401, "{name}");
        assert_eq!(okta.get("/Users").await.0, 200, "{name}");
    }
}

#[tokio::test]
async fn network_policies_have_an_order() {
    for (precedence, expected) in [(PolicyPrecedence::User, 200), (PolicyPrecedence::Integration, 403)] {
        let test = TestAccount::at("sqlite::memory:", |config| config.policy_precedence(precedence)).await;
        let okta = test.provisioning("").await;
        let admin = test.admin().await;
        run_all(
            &admin,
            &[
                "create network policy here allowed_ip_list = ('192.0.2.0/24')",
                "create network policy elsewhere allowed_ip_list = ('198.51.100.0/24')",
                "create user robot type = service network_policy = here",
                "grant role okta_provisioner to user robot",
                "grant usage on integration okta_provisioning to role okta_provisioner",
            ],
        )
        .await;
        let sql = "alter user robot add programmatic access token scim role_restriction = 'OKTA_PROVISIONER'";
        let robot = okta.with_token(cell(&ask(&admin, sql).await, 0, 1));
        run_all(&admin, &["alter account set network_policy = elsewhere"]).await;
        assert_eq!(okta.get("/Users").await.0, 403, "the account's policy is for everyone");
        run_all(&admin, &["alter security integration okta_provisioning set network_policy = here"]).await;
        assert_eq!(okta.get("/Users").await.0, 200, "the integration's overrides it");
        run_all(&admin, &["alter security integration okta_provisioning set network_policy = elsewhere"]).await;
        assert_eq!(okta.get("/Users").await.0, 403);
        assert_eq!(robot.get("/Users").await.0, expected, "{precedence:?}");
        let drop = admin.execute("drop network policy elsewhere", &[]).await.unwrap_err();
        assert_eq!(drop.code, 1492);
    }
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &[
            "create network policy p allowed_ip_list = ('10.0.0.0/8')",
            "create user jane password = 'pw-of-jane' network_policy = p",
        ],
    )
    .await;
    let from = |ip: &str| Login::new("jane", Secret::new("pw-of-jane".to_owned())).client_ip(ip.parse().ok());
    assert!(test.account.login(from("10.1.1.1")).await.is_ok());
    let refused = test.account.login(from("192.0.2.1")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "390422 (08004): Incoming request with IP/Token 192.0.2.1 is not allowed to access Snowflake."
    );
}

#[tokio::test]
async fn passwords_are_ignored_unless_synchronised() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let mut jane = user("jane");
    jane["password"] = json!("unused-password");
    assert_eq!(okta.send("POST", "/Users", Some(jane)).await.0, 201);
    let admin = test.admin().await;
    assert_eq!(column(&ask(&admin, "show users like 'jane'").await, "has_password"), ["false"]);
    assert!(test.login("jane", "unused-password").await.is_err());
}

#[tokio::test]
async fn snowflake_attributes_become_properties() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let mut jane = user("jane.doe");
    jane["schemas"] = json!([USER, ENTERPRISE]);
    jane[ENTERPRISE] = json!({
        "defaultRole": "ANALYST", "defaultWarehouse": "WH", "defaultSecondaryRoles": "NONE", "type": "legacy_service",
    });
    let (status, body) = okta.send("POST", "/Users", Some(jane)).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body[ENTERPRISE]["defaultRole"], "ANALYST");
    assert_eq!(body[ENTERPRISE]["type"], "legacy_service");
    let admin = test.admin().await;
    let shown = ask(&admin, "show users like 'jane.doe'").await;
    for (name, expected) in [
        ("name", "jane.doe"),
        ("login_name", "JANE.DOE"),
        ("default_role", "ANALYST"),
        ("default_warehouse", "WH"),
        ("default_secondary_roles", "[]"),
        ("type", "LEGACY_SERVICE"),
        ("owner", "OKTA_PROVISIONER"),
        ("first_name", "Jane"),
    ] {
        assert_eq!(column(&shown, name), [expected], "{name}");
    }
    let id = body["id"].as_str().unwrap();
    let unchanged = json!([{ "op": "replace", "value": { "displayName": "Jane Doe" } }]);
    let version = body["meta"]["version"].clone();
    let (_, patched) = okta.patch(&format!("/Users/{id}"), unchanged).await;
    assert_eq!(patched["meta"]["version"], version, "what changes nothing makes no version");

    run_all(&admin, &["alter account set map_scim_username_to_enterprise_attr = true"]).await;
    assert_eq!(okta.send("POST", "/Users", Some(user("unmapped"))).await.0, 400);
    let dotted = json!([{ "op": "replace", "path": format!("{ENTERPRISE}.snowflakeUserName"), "value": "JDOE" }]);
    let (status, patched) = okta.patch(&format!("/Users/{id}"), dotted).await;
    assert_eq!((status, &patched[ENTERPRISE]["snowflakeUserName"]), (200, &json!("JDOE")), "{patched}");
    assert_eq!(column(&ask(&admin, "show users like 'jdoe'").await, "login_name"), ["JANE.DOE"]);
}

#[tokio::test]
async fn standard_integrations_keep_whole_resources() {
    let configure = |config: AccountConfig| config.standard_scim(StandardScim::Always);
    let test = TestAccount::at("sqlite::memory:", configure).await;
    let client = test.provisioning("").await;
    let mut jane = user("jane");
    jane["nickName"] = json!("JD");
    jane["emails"] = json!([{ "value": "a@x.example", "type": "work" }, { "value": "b@x.example", "type": "home" }]);
    jane["schemas"] = json!([USER, ENTERPRISE]);
    jane[ENTERPRISE] = json!({ "department": "R&D" });
    let (status, body) = client.send("POST", "/Users", Some(jane)).await;
    assert_eq!(status, 201, "{body}");
    let id = body["id"].as_str().unwrap();
    let (_, body) = client.get(&format!("/Users/{id}")).await;
    assert_eq!((&body["nickName"], &body[ENTERPRISE]["department"]), (&json!("JD"), &json!("R&D")));
    assert_eq!(body["emails"].as_array().unwrap().len(), 2);
    let (_, body) = client.patch(&format!("/Users/{id}"), json!([{ "op": "remove", "path": "active" }])).await;
    assert!(body["active"].is_null(), "what was taken away is not shown: {body}");
    assert_eq!(client.get("/470680ae-f1bc-4af8-887a-995870337085/Users").await.0, 404);
    let (_, found) = client.get("/Users?filter=nickName%20eq%20%22jd%22%20and%20emails.type%20eq%20%22home%22").await;
    assert_eq!(found["totalResults"], 1, "{found}");
    let group = client.create_group("Team", &[id, "fake-member-id"]).await;
    assert_eq!(client.members(&group).await, [id, "fake-member-id"]);
    let parent = client.create_group("Parent", &[&group]).await;
    let (_, body) = client.get(&format!("/Groups/{parent}")).await;
    assert_eq!(body["members"][0]["type"], "Group", "{body}");
    client
        .patch(&format!("/Groups/{group}"), json!([{ "op": "remove", "path": "members[value eq \"fake-member-id\"]" }]))
        .await;
    assert_eq!(client.members(&group).await, [id]);
}

#[tokio::test]
async fn history_shows_each_request() {
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    let id = okta.create_user("jane").await;
    okta.get("/Users/999_1").await;
    okta.with_token("wrong").get("/Users").await;
    let admin = test.admin().await;
    run_all(&admin, &["create database demo_db", "use schema demo_db.information_schema"]).await;
    let all = ask(&admin, "select * from table(rest_event_history('scim')) order by event_id").await;
    assert_eq!(column(&all, "METHOD"), ["POST", "GET", "GET"]);
    assert_eq!(column(&all, "STATUS"), ["201", "404", "401"]);
    assert_eq!(column(&all, "ENDPOINT"), ["scim/v2/Users", "scim/v2/Users/999_1", "scim/v2/Users"]);
    assert_eq!(column(&all, "ACTOR_DOMAIN"), ["OKTA_PROVISIONING", "OKTA_PROVISIONING", ""]);
    assert_eq!(column(&all, "CLIENT_IP"), ["192.0.2.7"; 3]);
    assert_eq!(column(&all, "RESOURCE_NAME")[0], "jane");
    let failed = "select count(*), 'x' || status as s from table(demo_db.information_schema.rest_event_history(rest_service_type => 'scim', result_limit => 2)) where status >= '400'";
    assert!(admin.execute(failed, &[]).await.is_err(), "a column next to a count has no one value");
    let failed = "select count(*) from table(rest_event_history(rest_service_type => 'scim', 2)) where status >= '400' and method ilike 'g%'";
    assert_eq!(cell(&ask(&admin, failed).await, 0, 0), "2");
    test.advance_days(6);
    okta.get(&format!("/Users/{id}")).await;
    test.advance_days(2);
    let kept = ask(&admin, "select status from table(rest_event_history('scim'))").await;
    assert_eq!(column(&kept, "STATUS"), ["200"], "events are gone after seven days");
    let early = "select * from table(rest_event_history('scim', dateadd(day, -8, current_timestamp())))";
    assert_eq!(admin.execute(early, &[]).await.unwrap_err().code, 1008);
    run_all(&admin, &["use role sysadmin"]).await;
    let admin_roles_only = ask(&admin, "select * from table(rest_event_history('scim'))").await;
    assert_eq!(admin_roles_only.rows.len(), 1, "secondary roles count");
    run_all(&admin, &["use secondary roles none"]).await;
    assert!(ask(&admin, "select * from table(rest_event_history('scim'))").await.rows.is_empty());
}

/// The twelve steps of the suite that Okta publishes for SCIM 2.0 services, under the default rules.
///
/// # Source
///
/// Okta developer documentation, "Okta SCIM 2.0 specification test".
#[tokio::test]
async fn oktas_specification_suite_passes() {
    const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
    let test = TestAccount::new().await;
    let okta = test.provisioning("").await;
    okta.create_user("first@acme.example").await;
    let is_whole = |user: &serde_json::Value| {
        for pointer in ["/id", "/name/familyName", "/name/givenName", "/userName", "/emails/0/value"] {
            assert!(
                user.pointer(pointer).and_then(|value| value.as_str()).is_some_and(|text| !text.is_empty()),
                "{pointer}"
            );
        }
        assert!(user["active"].is_boolean());
    };
    let (status, first) = okta.get("/Users?count=1&startIndex=1").await;
    assert_eq!((status, &first["schemas"]), (200, &json!([LIST])));
    assert!(["itemsPerPage", "startIndex", "totalResults"].iter().all(|name| first[*name].is_number()));
    is_whole(&first["Resources"][0]);
    let (status, same) = okta.get(&format!("/Users/{}", first["Resources"][0]["id"].as_str().unwrap())).await;
    assert_eq!((status, &same["id"]), (200, &first["Resources"][0]["id"]));
    is_whole(&same);
    for filter in ["nobody@acme.example", "New.User@Acme.example"] {
        let (status, none) = okta.get(&format!("/Users?filter=userName%20eq%20%22{filter}%22")).await;
        assert_eq!((status, &none["totalResults"], &none["schemas"]), (200, &json!(0), &json!([LIST])));
    }
    for id in ["010101001010101011001010101011", "00919288221112222"] {
        let (status, error) = okta.get(&format!("/Users/{id}")).await;
        assert_eq!((status, &error["status"], &error["schemas"]), (404, &json!("404"), &json!([ERROR])));
        assert!(!error["detail"].as_str().unwrap().is_empty());
    }
    let new = user("New.User@Acme.example");
    let (status, created) = okta.send("POST", "/Users", Some(new.clone())).await;
    assert_eq!((status, &created["active"], &created["userName"]), (201, &json!(true), &new["userName"]));
    assert_eq!(
        (&created["name"]["givenName"], &created["name"]["familyName"]),
        (&new["name"]["givenName"], &new["name"]["familyName"])
    );
    assert!(created["schemas"].as_array().unwrap().contains(&json!(USER)));
    let (status, read) = okta.get(&format!("/Users/{}", created["id"].as_str().unwrap())).await;
    assert_eq!((status, &read["userName"]), (200, &new["userName"]));
    assert_eq!(okta.send("POST", "/Users", Some(new)).await.0, 409);
    let (status, upper) = okta.get("/Users?filter=userName%20eq%20%22NEW.USER%40ACME.EXAMPLE%22").await;
    assert_eq!((status, &upper["totalResults"]), (200, &json!(1)));
    let (status, groups) = okta.get("/Groups").await;
    assert_eq!((status, &groups["totalResults"]), (200, &json!(0)));
    let (status, refused) = okta.with_token("non-token").get("/Users?count=1").await;
    assert_eq!((status, &refused["status"], &refused["schemas"]), (401, &json!("401"), &json!([ERROR])));
    assert!(!refused["detail"].as_str().unwrap().is_empty());
}
