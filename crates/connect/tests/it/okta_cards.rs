//! Okta's cards for applications, imports and accounts, and the events that follow from them, against the sandbox.

use std::collections::BTreeMap;

use oktant_base::SeededEntropy;
use oktant_connect::connection::{Auth, Connection, Secrets, SignIn};
use oktant_connect::manifest::Manifest;
use oktant_engine::{Actions, Delivered, ErrorKind, Events, Outcome, Source as _};
use oktant_functions::Value as FlowValue;
use oktant_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::common::{Bench, call, outputs};

struct Setting {
    bench: Bench,
    sandbox: Sandbox,
}

impl Setting {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().users(5).groups(2).start().await.unwrap();
        let bench = Bench::new().await;
        let token = [("token", sandbox.api_token())];
        bench.connect("okta", "okta", Auth::OktaToken, &[("domain", &sandbox.url())], &token).await;
        Self { bench, sandbox }
    }

    async fn run(&self, operation: &str, options: &[(&str, &str)], inputs: Value) -> Value {
        let outcome = self.bench.connectors.call(call(&format!("okta:{operation}"), "okta", options, inputs)).await;
        outputs(outcome.unwrap_or_else(|error| panic!("{operation}: {error:?}")))
    }

    /// A card of the catalogue; its answer.
    async fn operation(&self, operation: &str, body: Value) -> Value {
        let inputs = json!({"Request.Body": body});
        let outcome = self.bench.connectors.call(call(&format!("oktaapi:{operation}"), "okta", &[], inputs)).await;
        outputs(outcome.unwrap())["Response.Body"].clone()
    }

    async fn user(&self, name: &str) -> Value {
        let login = format!("{name}@example.com");
        let inputs = json!({
            "Profile.login": login, "Profile.firstName": name, "Profile.lastName": "Neil", "Profile.email": login,
            "Activate.Activate": true, "Credentials.Password": "Tr0ub4dor&3-correct",
        });
        self.run("createUser", &[], inputs).await["Results.ID"].clone()
    }

    async fn group(&self, name: &str) -> Value {
        self.run("createGroup", &[], json!({"Group.Name": name})).await["Properties.ID"].clone()
    }

    async fn app(&self) -> Value {
        let app = json!({"name": "salesforce", "label": "Salesforce.com", "signOnMode": "SAML_2_0"});
        self.operation("createApplication", app).await["id"].clone()
    }
}

#[tokio::test]
async fn applications_are_assigned_and_taken_away() {
    let setting = Setting::new().await;
    let (user, group, app) = (setting.user("ann").await, setting.group("Sales").await, setting.app().await);
    let found = setting
        .run("searchApplications", &[("resultSet", "First Matching Record")], json!({"Search.Query": "Salesforce"}))
        .await;
    assert_eq!((&found["Result.ID"], &found["Result.Label"]), (&app, &json!("Salesforce.com")));
    let read = setting.run("readApplication", &[], json!({"Application.applicationID": app})).await;
    assert_eq!(read["Application.Name"], "salesforce");
    let account = json!({
        "User.id": user, "User.Scope": "USER", "Application.applicationID": app,
        "Credentials.Username": "ann@acme.example",
    });
    let assigned = setting.run("assignUserToApplicationForSSO", &[], account.clone()).await;
    assert_eq!(assigned["System Properties.User ID"], user);
    assert_eq!(assigned["System Properties.Credentials"]["Username"], "ann@acme.example");
    let again = call("okta:assignUserToApplicationForSSO", "okta", &[], account);
    let again = outputs(setting.bench.connectors.search_first(again).await.unwrap().unwrap());
    assert_eq!(again["System Properties.User ID"], user, "a lost answer is looked up");
    let of_user = json!({"User.id": user, "Application.applicationID": app});
    let one = setting.run("getAssignedUserForApplication", &[], of_user.clone()).await;
    assert_eq!(one["System Properties.Scope"], "USER");
    let of_app = json!({"Application.applicationID": app});
    let users = setting.run("listUsersAssignedToApplication", &[("resultSet", "First 500 Records")], of_app.clone());
    assert_eq!(users.await["Result.Users"][0]["System Properties"]["User ID"], user);
    let by_group = json!({"Application.applicationID": app, "Group.groupID": group, "Group.Priority": 0});
    assert_eq!(setting.run("assignGroupToApplication", &[], by_group).await["Group.ID"], group);
    let groups = setting.run("listGroupsAssignedToApplication", &[], of_app).await;
    assert_eq!(groups["Result.Groups"][0]["ID"], group);
    assert_eq!(setting.run("removeUserFromApplication", &[], of_user.clone()).await["Result.status"], 204);
    let gone = call("okta:getAssignedUserForApplication", "okta", &[], of_user);
    let error = setting.bench.connectors.call(gone).await.unwrap_err();
    assert_eq!((error.status, error.service_code), (Some(404), Some(Box::new("E0000007".into()))));
}

#[tokio::test]
async fn accounts_are_locked_out_and_let_in() {
    let setting = Setting::new().await;
    let user = setting.user("ann").await;
    let ended = setting.run("clearUserSessions", &[], json!({"User.ID": user, "User.Revoke oauthTokens?": true})).await;
    assert_eq!(ended["Output.Status Code"], 204);
    setting.run("expirePassword", &[], json!({"User.id": user})).await;
    let reset = setting.run("resetPassword", &[("email", "false")], json!({"User.userID": user})).await;
    assert!(reset.to_string().contains("http"), "the address to set a password at: {reset}");
    let search = json!({"Search By.Custom Filter": format!("target.id eq {user}"), "Search Criteria.Limit": 5});
    let logs = setting.run("searchSystemLogs", &[("searchBy", "Expression")], search).await;
    let logs = logs["Result.System Logs"].as_array().unwrap().clone();
    assert!((1..=5).contains(&logs.len()), "{logs:?}");
    assert!(logs.iter().all(|log| log["Target"].as_array().unwrap().iter().any(|target| target["ID"] == user)));
    let found = setting.run("searchUsers", &[("resultSet", "First Matching Record")], json!({"Inputs.Query": "ann"}));
    assert_eq!(found.await["Result.ID"], user);
    let group = setting.group("Old").await;
    let renamed = setting.run("updateGroup", &[], json!({"Group.ID": group, "Group.Name": "New"})).await;
    assert_eq!(renamed["Properties.ID"], group);
    let read = setting.run("readGroup", &[], json!({"Group.ID": group})).await;
    assert_eq!(read["Properties.Profile"]["Name"], "New", "{read}");
    setting.run("deleteGroup", &[], json!({"Group.ID": group})).await;
}

#[tokio::test]
async fn people_are_imported_from_a_source() {
    let setting = Setting::new().await;
    let source = setting.app().await;
    let of_source = json!({"Application.applicationID": source});
    let session = setting.run("createAnImportSession", &[], of_source.clone()).await["Session.id"].clone();
    let people = json!([{"key": "1", "userName": "ida@example.com", "firstName": "Ida", "lastName": "Roe", "email": "ida@example.com"}]);
    let mapped = json!({"Import Data.externalIdKey": "key", "Import Data.users": people});
    let mapped = setting.run("mapProfileSourceAttributes", &[], mapped).await["Result.Users"].clone();
    assert_eq!((&mapped[0]["externalId"], &mapped[0]["profile"]["firstName"]), (&json!("1"), &json!("Ida")));
    let in_session = |more: Value| {
        let mut inputs = json!({"Application.applicationID": source, "Application.sessionId": session});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        inputs
    };
    let sent =
        setting.run("bulkUserImport", &[("importOperation", "upsert")], in_session(json!({"Data.Users": mapped})));
    assert_eq!(sent.await["Response.recordsImported"], 1);
    let listed = setting.run("listImportSessions", &[], of_source.clone()).await;
    assert!(listed["Result.Sessions"].as_array().unwrap().iter().any(|one| one["id"] == session), "{listed}");
    let triggered = setting.run("triggerImportSession", &[], in_session(json!({}))).await;
    assert_eq!(triggered["Session.id"], session, "{triggered}");
    let second = setting.run("createAnImportSession", &[], of_source).await["Session.id"].clone();
    let inputs = json!({"Application.applicationID": source, "Application.sessionId": second});
    setting.run("deleteImportSession", &[], inputs).await;
}

fn event_card(operation: &str) -> oktant_flow::model::Event {
    serde_json::from_value(
        json!({"address": format!("okta:{operation}"), "connection": null, "options": [], "delivery": "batch"}),
    )
    .unwrap()
}

/// The outputs of a card for the events of the log that it wants, newest last.
fn fields_of(setting: &Setting, operation: &str, events: &[FlowValue]) -> Vec<Value> {
    let card = event_card(operation);
    let types = setting.bench.connectors.event_types(&card).unwrap();
    let kind = |event: &FlowValue| event.as_object().unwrap()["eventType"].as_text().unwrap().to_owned();
    let nothing = || FlowValue::object::<&str>([]);
    let wanted = events.iter().filter(|event| types.contains(&kind(event)));
    let delivered = wanted.map(|event| Delivered { event: event.clone(), envelope: nothing(), headers: nothing() });
    let fields = delivered.filter_map(|delivered| setting.bench.connectors.outputs(&card, &delivered));
    fields.map(|fields| outputs(Outcome::Outputs(fields))).collect()
}

#[tokio::test]
async fn what_happens_in_the_org_reaches_the_cards_of_events() {
    let setting = Setting::new().await;
    let log = setting.bench.connectors.event_log("okta");
    let (_, start) = log.poll(None).await.unwrap();
    let (user, group, app) = (setting.user("ann").await, setting.group("Sales").await, setting.app().await);
    setting.run("addNewUserToGroup", &[], json!({"Group.id": group, "User.id": user})).await;
    let account = json!({
        "User.id": user, "User.Scope": "USER", "Application.applicationID": app,
        "Credentials.Username": "ann@acme.example",
    });
    setting.run("assignUserToApplicationForSSO", &[], account).await;
    setting.run("updateUser", &[], json!({"User.ID": user, "Profile.title": "Chief"})).await;
    setting.run("removeUserFromGroup", &[], json!({"Group.id": group, "User.id": user})).await;
    let of_app = json!({"User.id": user, "Application.applicationID": app});
    setting.run("removeUserFromApplication", &[], of_app).await;
    setting.run("suspendUser", &[], json!({"User.id": user})).await;
    setting.run("unsuspendUser", &[], json!({"User.id": user})).await;
    setting.run("deactivateUser", &[], json!({"User.id": user})).await;
    let (events, _) = log.poll(Some(&start)).await.unwrap();
    for (operation, key, value) in [
        ("userCreated", "Okta User", json!({"ID": user, "Alternate ID": "ann@example.com", "Type": "User"})),
        ("userAddedToGroupMembership", "Group", json!({"ID": group, "Display Name": "Sales", "Type": "UserGroup"})),
        ("userAddedToApplicationMembership", "Application User", json!({"Alternate ID": "ann@acme.example"})),
        ("userAddedToApplicationMembership", "Application", json!({"ID": app, "Display Name": "Salesforce.com"})),
        ("userAddedToApplicationMembership", "Okta User", json!({"ID": user, "Alternate ID": "ann@example.com"})),
        ("oktaUserProfileUpdated", "Okta User", json!({"ID": user})),
        ("userRemovedFromGroupMembership", "Group", json!({"ID": group})),
        ("userRemovedFromApplicationMembership", "Application User", json!({"Alternate ID": "ann@acme.example"})),
        ("userSuspended", "Okta User", json!({"ID": user})),
        ("userUnsuspended", "Okta User", json!({"ID": user})),
        ("userDeactivated", "Okta User", json!({"ID": user})),
        ("groupCreated", "Group", json!({"ID": group})),
        ("applicationCreated", "Application", json!({"ID": app})),
    ] {
        let told = fields_of(&setting, operation, &events);
        assert_eq!(told.len(), 1, "{operation}: {told:?}");
        let field = &told[0][format!("Output.{key}")];
        for (name, expected) in value.as_object().unwrap() {
            assert_eq!(&field[name], expected, "{operation}: {key} {name} in {field}");
        }
        for filled in ["Date and Time", "Event Type", "UUID", "Severity", "Result", "Admin"] {
            assert!(!told[0][format!("Output.{filled}")].is_null(), "{operation}: {filled}");
        }
    }
    assert!(!setting.sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_service_app_signs_in_with_its_key_and_stays_within_its_scopes() {
    let key = include_str!("../../../client/src/auth/key/rsa_2048.json");
    let members: Value = serde_json::from_str(key).unwrap();
    let public = json!({"kty": "RSA", "n": members["n"], "e": members["e"], "kid": "k1", "use": "sig"});
    let builder = Sandbox::builder().users(5).service_app_key(serde_json::from_value(public).unwrap());
    let sandbox = builder.start().await.unwrap();
    let bench = Bench::new().await;
    let url = sandbox.url();
    let settings = [
        ("domain", url.as_str()),
        ("client_id", sandbox.service_client_id()),
        ("key_id", "k1"),
        ("scope", "okta.users.read"),
    ];
    bench.connect("okta", "okta", Auth::OktaService, &settings, &[("private_key", key)]).await;
    let users = async || {
        let options = [("resultSet", "All Matching Records")];
        let list = call("okta:listUsersWithFilter", "okta", &options, json!({"Inputs.status": "ACTIVE"}));
        outputs(bench.connectors.call(list).await.unwrap())["Result.Users"].as_array().unwrap().len()
    };
    let count = users().await;
    assert!(count > 0);
    sandbox.expire_tokens();
    assert_eq!(users().await, count, "signed in anew");
    let group = call("okta:createGroup", "okta", &[], json!({"Group.Name": "Mine"}));
    let error = bench.connectors.call(group).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection, "{}", error.message);
    assert!(error.message.contains("grant okta.groups.manage to the app"), "{}", error.message);
}

#[tokio::test]
async fn a_person_consents_and_the_connection_stays_signed_in() {
    let (sandbox, bench) = (Sandbox::builder().users(5).start().await.unwrap(), Bench::new().await);
    let connections = bench.connectors.connections();
    let mut settings = BTreeMap::from([
        ("domain".to_owned(), sandbox.url()),
        ("client_id".to_owned(), sandbox.native_client_id().to_owned()),
        ("scope".to_owned(), "okta.users.read offline_access".to_owned()),
    ]);
    Manifest::own()["okta"].derive(&mut settings).unwrap();
    let draft = Connection { settings, ..connections.draft("okta", "okta", Auth::OauthCode) };
    let sign_in = SignIn::new(draft, Secrets::default(), &SeededEntropy::new(5)).unwrap();
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let page = browser.get(sign_in.url().clone()).send().await.unwrap().text().await.unwrap();
    let request = page.split_once("name=\"request\" value=\"").unwrap().1.split('"').next().unwrap();
    let person = [("request", request), ("username", sandbox.admin_login()), ("password", sandbox.admin_password())];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(person).finish();
    let post = browser.post(format!("{}/signin", sandbox.url())).body(form);
    let answer = post.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    let live = sign_in.pasted(connections, location).await.unwrap();
    connections.put(live.connection, &live.secrets, false).await.unwrap();
    let read = async || {
        let read = call("okta:readUser", "okta", &[], json!({"User.ID or Login": sandbox.admin_login()}));
        bench.connectors.call(read).await
    };
    for round in 1..=3 {
        let user = outputs(read().await.unwrap_or_else(|error| panic!("round {round}: {error:?}")));
        assert_eq!(user["Profile Properties.login"], sandbox.admin_login());
        sandbox.expire_tokens();
    }
}
