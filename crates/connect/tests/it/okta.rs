//! Okta cards against the sandbox.

use oktant_connect::connection::Auth;
use oktant_engine::{Actions, Delivered, ErrorKind, Events, Outcome, Source as _};
use oktant_functions::Value as FlowValue;
use oktant_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::common::{Bench, call, outputs, serve};

struct Setting {
    bench: Bench,
    sandbox: Sandbox,
}

impl Setting {
    async fn new() -> Self {
        Self::with_users(20).await
    }

    async fn with_users(count: usize) -> Self {
        let sandbox = Sandbox::builder().users(count).groups(3).start().await.unwrap();
        let bench = Bench::new().await;
        bench
            .connect("okta", "okta", Auth::OktaToken, &[("domain", &sandbox.url())], &[("token", sandbox.api_token())])
            .await;
        Self { bench, sandbox }
    }

    async fn run(&self, operation: &str, options: &[(&str, &str)], inputs: Value) -> Value {
        let outcome = self.bench.connectors.call(call(&format!("okta:{operation}"), "okta", options, inputs)).await;
        outputs(outcome.unwrap_or_else(|error| panic!("{operation}: {error:?}")))
    }
}

fn new_user(login: &str) -> Value {
    json!({
        "Profile.login": login, "Profile.firstName": "Ann", "Profile.lastName": "Neil", "Profile.email": login,
        "Profile.department": "", "Activate.Activate": true, "Credentials.Password": "Tr0ub4dor&3-correct",
    })
}

#[tokio::test]
async fn the_life_of_a_user() {
    let setting = Setting::new().await;
    let made = setting.run("createUser", &[("option", "getInputswithPW")], new_user("ann@example.com")).await;
    let id = made["Results.ID"].clone();
    assert_eq!(made["Results.Status"], "ACTIVE");
    let read = setting.run("readUser", &[], json!({"User.ID or Login": "ann@example.com"})).await;
    assert_eq!((&read["System Properties.ID"], &read["Profile Properties.firstName"]), (&id, &json!("Ann")));
    let updated = setting
        .run(
            "updateUser",
            &[("updateSemantics", "POST")],
            json!({"User.ID": id, "Profile.firstName": "Anne", "Profile.lastName": ""}),
        )
        .await;
    assert_eq!(updated["System Properties.ID"], id);
    let read = setting.run("readUser", &[], json!({"User.ID or Login": id})).await;
    assert_eq!(
        (&read["Profile Properties.firstName"], &read["Profile Properties.lastName"]),
        (&json!("Anne"), &json!("Neil"))
    );
    for (operation, inputs, status) in [
        ("suspendUser", json!({"User.id": id}), 200),
        ("unsuspendUser", json!({"User.id": id}), 200),
        ("deactivateUser", json!({"User.id": id}), 200),
    ] {
        let answer = setting.run(operation, &[("sendEmail", "No")], inputs).await;
        assert_eq!(answer["Response.statusCode"], status, "{operation}");
    }
    let again = setting
        .bench
        .connectors
        .search_first(call("okta:createUser", "okta", &[], new_user("ann@example.com")))
        .await
        .unwrap();
    assert_eq!(outputs(again.unwrap())["Results.ID"], id);
    let none = setting
        .bench
        .connectors
        .search_first(call("okta:createUser", "okta", &[], new_user("nobody@example.com")))
        .await
        .unwrap();
    assert_eq!(none, None);
    setting.run("deleteUser", &[], json!({"User.ID": id, "User.Send Email?": false})).await;
    let gone = setting
        .bench
        .connectors
        .call(call("okta:readUser", "okta", &[], json!({"User.ID or Login": id})))
        .await
        .unwrap_err();
    assert_eq!((gone.status, gone.kind), (Some(404), ErrorKind::Refused));
    assert!(gone.message.starts_with("Not Found: Not found: Resource not found"), "{}", gone.message);
}

#[tokio::test]
async fn a_custom_action_streams_the_pages_of_a_list() {
    let setting = Setting::with_users(25).await;
    let page = |cursor| {
        let inputs = json!({"Request.Relative URL": "/api/v1/users?limit=10"});
        let mut page = call("okta:hTTPRequest", "okta", &[("requestType", "GET(Streaming)")], inputs);
        page.cursor = cursor;
        page
    };
    assert!(setting.bench.connectors.describe("okta:hTTPRequest").unwrap().streaming);
    let (mut cursor, mut sizes, mut logins) = (None, Vec::new(), std::collections::BTreeSet::new());
    loop {
        let outcome = setting.bench.connectors.call(page(cursor)).await.unwrap();
        let Outcome::Page { records, cursor: next } = outcome else { panic!("no page: {outcome:?}") };
        sizes.push(records.len());
        for record in &records {
            logins.insert(serde_json::to_value(record).unwrap()["profile"]["login"].to_string());
        }
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((&sizes[..2], sizes.len(), sizes.iter().sum()), (&[10, 10][..], 3, logins.len()));
    assert_eq!(setting.bench.connectors.search_first(page(None)).await, Ok(None), "it may be read again");
    let posted = call("okta:hTTPRequest", "okta", &[("requestType", "POST")], json!({}));
    assert!(setting.bench.connectors.search_first(posted).await.is_err(), "no one knows what became of it");
    let answer = setting.run(
        "hTTPRequest",
        &[("requestType", "GET")],
        json!({"Request.Relative URL": "/api/v1/users?limit=10"}),
    );
    assert_eq!(answer.await["Response.Body"].as_array().unwrap().len(), 10, "without the word it is one answer");
}

#[tokio::test]
async fn lists_give_one_many_or_pages() {
    let setting = Setting::with_users(450).await;
    let first = setting
        .run("listUsersWithSearch", &[("resultSet", "First Matching Record")], json!({"Inputs.status": "ACTIVE"}))
        .await;
    assert!(first["Result.ID"].is_string() && first["Result.Login"].is_string(), "{first}");
    let none = setting
        .run(
            "listUsersWithSearch",
            &[("resultSet", "First Matching Record")],
            json!({"Inputs.profile.login": "no\"body"}),
        )
        .await;
    assert_eq!(none["Result.ID"], Value::Null);
    let many = setting.run("listUsersWithSearch", &[("resultSet", "First 200 Matching Records")], json!({})).await;
    assert_eq!(many["Result.Users"].as_array().unwrap().len(), 200);
    let all = setting
        .run("listUsersWithFilter", &[("resultSet", "All Matching Records")], json!({"Inputs.status": "ACTIVE"}))
        .await;
    let all = all["Result.Users"].as_array().unwrap().len();
    assert!(all > 200, "{all}");
    let (mut cursor, mut sizes) = (None, Vec::new());
    loop {
        let mut page = call(
            "okta:listUsersWithSearch",
            "okta",
            &[("resultSet", "Stream Matching Records")],
            json!({"Search Criteria.Limit": 250}),
        );
        page.cursor = cursor;
        let Outcome::Page { records, cursor: next } = setting.bench.connectors.call(page).await.unwrap() else {
            panic!("no page")
        };
        sizes.push(records.len());
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [200, 50]);
    assert!(setting.bench.connectors.describe("okta:listUsersWithSearch").unwrap().streaming);
}

#[tokio::test]
async fn groups_and_applications() {
    let setting = Setting::new().await;
    let group = setting.run("createGroup", &[], json!({"Group.Name": "Night shift", "Group.Description": "d"})).await;
    let id = group["Properties.ID"].clone();
    assert_eq!(group["Properties.Profile"], json!({"Name": "Night shift", "Description": "d"}));
    let found = setting
        .run("searchGroups", &[("resultSet", "First Matching Record")], json!({"Inputs.profile.name": "Night shift"}))
        .await;
    assert_eq!((&found["Result.ID"], &found["Result.Profile"]["Name"]), (&id, &json!("Night shift")));
    let user = setting
        .run("listUsersWithSearch", &[("resultSet", "First Matching Record")], json!({"Inputs.status": "ACTIVE"}))
        .await["Result.ID"]
        .clone();
    let added = setting.run("addNewUserToGroup", &[], json!({"Group.id": id, "User.id": user})).await;
    assert_eq!(added, json!({"Result.status": 204}));
    let members =
        setting.run("listGroupMembers", &[("resultSet", "First 200 Records")], json!({"Group.groupId": id})).await;
    assert_eq!(members["Result.Users"][0]["ID"], user);
    let groups = setting.run("getUsersGroups", &[("resultSet", "First 200 Records")], json!({"User.ID": user})).await;
    assert!(groups["Output.Groups"].as_array().unwrap().iter().any(|group| group["ID"] == id));
    setting.run("removeUserFromGroup", &[], json!({"Group.id": id, "User.id": user})).await;
    let custom = setting
        .run(
            "hTTPRequest",
            &[("requestType", "GET")],
            json!({"Request.Relative URL": "api/v1/groups?limit=1", "Request.Query": {"q": "Night"}}),
        )
        .await;
    assert_eq!((&custom["Response.Status Code"], &custom["Response.Body"][0]["id"]), (&json!(200), &id));
    let elsewhere = call(
        "okta:hTTPRequest",
        "okta",
        &[("requestType", "GET")],
        json!({"Request.Relative URL": "https://evil.example/api"}),
    );
    assert!(setting.bench.connectors.call(elsewhere).await.unwrap_err().message.contains("is not on"));
    assert!(setting.bench.connectors.test("okta").await.unwrap().account().is_some());
    assert!(!setting.sandbox.requests().is_empty());
}

#[tokio::test]
async fn every_operation_of_the_catalogue_is_a_card() {
    let setting = Setting::new().await;
    for operation in oktant_catalog::operations() {
        assert!(setting.bench.connectors.describe(&format!("oktaapi:{}", operation.id)).is_some(), "{}", operation.id);
    }
    let made = setting
        .bench
        .connectors
        .call(call("oktaapi:addGroup", "okta", &[], json!({"profile.name": "Made", "profile.description": "d"})))
        .await
        .unwrap();
    let made = outputs(made);
    assert_eq!(made["Result.profile"]["name"], "Made", "{made}");
    let read = setting
        .bench
        .connectors
        .call(call("oktaapi:getGroup", "okta", &[], json!({"Path.groupId": made["Result.id"]})))
        .await
        .unwrap();
    assert_eq!(outputs(read)["Result.id"], made["Result.id"]);
    assert!(setting.bench.connectors.describe("oktaapi:noSuchThing").is_none());
}

#[tokio::test]
async fn a_system_log_that_does_not_say_where_it_goes_on_is_reported() {
    let next = "<https://acme.okta.com/api/v1/logs?after=7>; rel=\"next\"";
    for (link, expected) in [
        (next, Ok("/api/v1/logs?after=7")),
        ("<https://acme.okta.com/api/v1/logs?after=7; rel=\"next\"", Err("Link header cannot be read")),
        ("<https://acme.okta.com/api/v1/logs>; rel=\"self\"", Err("does not say where the log goes on")),
    ] {
        let answer = move || async move { ([("link", link)], axum::Json(json!([{"uuid": "u1"}]))) };
        let url = serve(axum::Router::new().route("/api/v1/logs", axum::routing::get(answer))).await;
        let bench = Bench::new().await;
        bench.connect("okta", "okta", Auth::OktaToken, &[("domain", &url)], &[("token", "t")]).await;
        let read = bench.connectors.event_log("okta").poll(Some("/api/v1/logs?after=1")).await;
        match expected {
            Ok(expected) => assert_eq!(read.unwrap().1, expected),
            Err(problem) => {
                let error = read.unwrap_err();
                assert!(error.kind == ErrorKind::Unavailable && error.message.contains(problem), "{error:?}");
            }
        }
    }
}

fn event_card(operation: &str, options: &[(&str, &str)]) -> oktant_flow::model::Event {
    let options: Vec<Value> = options
        .iter()
        .map(|(key, value)| json!({"group": "parameters", "key": key, "type": {"base": "text", "list": false}, "required": false, "source": {"constant": value}}))
        .collect();
    serde_json::from_value(
        json!({"address": format!("okta:{operation}"), "connection": null, "options": options, "delivery": "batch"}),
    )
    .unwrap()
}

#[tokio::test]
async fn events_become_the_fields_of_their_cards() {
    let bench = Bench::new().await;
    let event = json!({
        "uuid": "u1", "published": "2026-01-01T00:00:00.000Z", "eventType": "application.user_membership.add", "version": "0",
        "displayMessage": "Add user to application membership", "outcome": {"result": "SUCCESS", "reason": null},
        "actor": {"id": "00u1", "type": "User", "alternateId": "admin@example.com", "displayName": "Admin", "detailEntry": null},
        "target": [
            {"id": "0ua1", "type": "AppUser", "alternateId": "ann@acme.example", "displayName": "Ann"},
            {"id": "0oa1", "type": "AppInstance", "alternateId": "Salesforce.com", "displayName": "Salesforce.com"},
            {"id": "00u2", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann"},
        ],
        "debugContext": {"debugData": {"changedAttributes": "a,b"}},
    });
    let flow_value = |value: Value| serde_json::from_value::<FlowValue>(value).unwrap();
    let delivered = Delivered {
        event: flow_value(event.clone()),
        envelope: flow_value(
            json!({"eventId": "e1", "eventTime": "2026-01-01T00:00:01Z", "source": "https://acme.okta.com"}),
        ),
        headers: flow_value(json!({"host": "x"})),
    };
    let card = event_card("userAddedToApplicationMembership", &[("app", "salesforce"), ("instance", "0oa1")]);
    assert_eq!(bench.connectors.event_types(&card), Some(vec!["application.user_membership.add".to_owned()]));
    let fields = outputs(Outcome::Outputs(bench.connectors.outputs(&card, &delivered).unwrap()));
    for (key, expected) in [
        ("Okta User", json!({"ID": "00u2", "Alternate ID": "ann@example.com", "Display Name": "Ann", "Type": "User"})),
        (
            "Application User",
            json!({"ID": "0ua1", "Alternate ID": "ann@acme.example", "Display Name": "Ann", "Type": "AppUser"}),
        ),
        ("Event ID", json!("e1")),
        ("UUID", json!("u1")),
        ("Result", json!("SUCCESS")),
        ("Changed Attributes", json!("a,b")),
        ("Event Details", event.clone()),
    ] {
        assert_eq!(fields[format!("Output.{key}")], expected, "{key}");
    }
    assert_eq!(fields["Output.Full Details"]["data"]["events"][0]["uuid"], "u1");
    let other = event_card("userAddedToApplicationMembership", &[("instance", "0oa2")]);
    assert!(bench.connectors.outputs(&other, &delivered).is_none(), "an event of another application");
    let any = event_card("event", &[("eventType", "user.session.start, user.session.end")]);
    assert_eq!(bench.connectors.event_types(&any).unwrap().len(), 2);
    assert_eq!(bench.connectors.event_types(&event_card("nothing", &[])), None);
}

#[tokio::test]
async fn the_system_log_is_read_from_a_position_on() {
    let setting = Setting::new().await;
    let log = setting.bench.connectors.event_log("okta");
    let (events, start) = log.poll(None).await.unwrap();
    assert!(events.is_empty(), "it begins now");
    setting.run("createUser", &[], new_user("log@example.com")).await;
    let (events, next) = log.poll(Some(&start)).await.unwrap();
    let of_type = |event: &FlowValue, kind: &str| event.to_json().contains(&format!("\"eventType\":\"{kind}\""));
    assert!(events.iter().any(|event| of_type(event, "user.lifecycle.create")), "{} events", events.len());
    let (again, _) = log.poll(Some(&next)).await.unwrap();
    assert!(again.is_empty(), "{again:?}");
    // The org's address may change; the position stays.
    assert!(next.starts_with("/api/v1/logs?"), "{next}");
    let (again, _) = log.poll(Some(&format!("https://before.example{start}"))).await.unwrap();
    assert_eq!(again.len(), events.len());
    let error = log.poll(Some("/api/v1/users/me")).await.unwrap_err();
    assert!(error.message.contains("no list of events") || error.status.is_some(), "{error:?}");
}
