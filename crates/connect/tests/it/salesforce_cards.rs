//! Every Salesforce card against the sandbox's org.

use std::sync::Arc;

use oktant_base::{Coded as _, Secret, SeededEntropy};
use oktant_connect::connection::{Auth, Secrets, SignIn};
use oktant_connect::files::Files as _;
use oktant_connect::manifest::Manifest;
use oktant_engine::{Actions, ErrorKind, Fields, Outcome};
use oktant_functions::{File, Value as FlowValue};
use oktant_sandbox::{Salesforce, SalesforceSchema};
use serde_json::{Value, json};

use crate::common::{Bench, call, outputs};
use crate::org::{Setting, TOKEN, consent, draft, new_user, record, sign_in};

const CONTACT: &[(&str, &str)] = &[("recordType", "Contact")];

#[tokio::test]
async fn a_person_consents_and_the_connection_knows_who_it_is() {
    let setting = Setting::new().await;
    let live = setting.bench.connectors.connections().live("sf").await.unwrap();
    assert_eq!(live.connection.setting("instance_url"), Some(setting.org.url().as_str()));
    assert!(live.secrets.get("refresh_token").is_some());
    let tested = setting.bench.connectors.test("sf").await.unwrap();
    assert_eq!(tested.account(), Some(setting.org.announcement().user.as_str()));
}

#[tokio::test]
async fn who_denies_makes_no_connection() {
    let (org, bench) = (Salesforce::builder().start().await.unwrap(), Bench::new().await);
    let connections = bench.connectors.connections();
    let (connection, secrets) = draft(connections, &org, "other", Auth::OauthCode);
    let sign_in = SignIn::new(connection, secrets, &SeededEntropy::new(4)).unwrap();
    let location = consent(&org, sign_in.url(), "deny").await;
    let error = sign_in.pasted(connections, &location).await.unwrap_err();
    assert!(error.to_string().contains("denied"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("http://localhost:33333") && hint.contains("--set redirect_uri="), "{hint}");
}

#[tokio::test]
async fn client_credentials_need_no_person() {
    let setting = Setting::new().await;
    let connections = setting.bench.connectors.connections();
    let (connection, secrets) = draft(connections, &setting.org, "machine", Auth::OauthClient);
    connections.put(connection, &secrets, false).await.unwrap();
    let tested = setting.bench.connectors.test("machine").await.unwrap();
    assert_eq!(tested.account(), Some(setting.org.announcement().user.as_str()));
}

#[tokio::test]
async fn an_ended_session_is_renewed_once_for_all_and_a_rotated_token_is_kept() {
    let setting = Setting::with(Salesforce::builder().rotate_refresh_tokens(true)).await;
    for round in 1..=3 {
        setting.org.expire_tokens();
        setting.org.clear_requests();
        let searches = (0..20).map(|_| setting.run("getAllProfiles", &[], json!({})));
        for found in futures::future::join_all(searches).await {
            assert_eq!(found["Result.Profiles"].as_array().unwrap().len(), 11);
        }
        assert_eq!(setting.requests(TOKEN), 1, "round {round}");
    }
}

#[tokio::test]
async fn a_revoked_grant_breaks_the_connection_until_it_is_authorised_anew() {
    let setting = Setting::new().await;
    let id = setting.bench.connectors.connections().get("sf").await.unwrap().id;
    setting.org.revoke_grants();
    setting.org.expire_tokens();
    let error = setting.refused("getAllProfiles", &[], json!({})).await;
    assert_eq!(error.kind, ErrorKind::Connection);
    for part in ["connection \"sf\" is broken", "expired access/refresh token", "--replace"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert_eq!(sign_in(&setting.bench, &setting.org).await.id, id, "cards stay bound");
    setting.run("getAllProfiles", &[], json!({})).await;
}

#[tokio::test]
async fn a_connection_that_goes_ends_its_grant() {
    let setting = Setting::new().await;
    let connections = setting.bench.connectors.connections();
    assert!(connections.revoke("sf").await.unwrap());
    assert_eq!(setting.refused("getAllProfiles", &[], json!({})).await.kind, ErrorKind::Connection);
    connections.remove("sf").await.unwrap();
}

/// A key pair for signing, private and public half in PEM.
fn key_pair() -> (String, String) {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine as _;
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
}

#[tokio::test]
async fn an_app_signs_in_with_its_private_key() {
    let setting = Setting::new().await;
    let (private, public) = key_pair();
    let app = json!({
        "name": "Machine", "callback_urls": ["http://localhost:33333/"], "public_key": public, "admin_approved": true,
        "scopes": ["api", "refresh_token"],
    });
    let client = reqwest::Client::builder().build().unwrap();
    let answer = client.post(format!("{}/sandbox/apps", setting.org.url())).body(app.to_string()).send().await.unwrap();
    let app: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let connections = setting.bench.connectors.connections();
    let make = async |username: &str, private: &str| {
        let (mut connection, _) = draft(connections, &setting.org, "signed", Auth::OauthJwt);
        connection.settings.insert("client_id".to_owned(), app["client_id"].as_str().unwrap().to_owned());
        connection.settings.insert("username".to_owned(), username.to_owned());
        let secrets = Secrets::of([("private_key".to_owned(), Secret::new(private.to_owned()))]);
        connections.put(connection, &secrets, true).await.unwrap();
    };
    make(&setting.org.announcement().user, &private).await;
    let profiles = async || {
        let call = call("salesforce:getAllProfiles", "signed", &[], json!({}));
        setting.bench.connectors.call(call).await.map(outputs)
    };
    assert_eq!(profiles().await.unwrap()["Result.Profiles"].as_array().unwrap().len(), 11);
    setting.org.expire_tokens();
    setting.org.clear_requests();
    profiles().await.unwrap();
    assert_eq!(setting.requests(TOKEN), 1, "signed anew");
    for (username, key, problem) in [
        ("nobody@acme.example", private.as_str(), "user hasn't approved this consumer"),
        (setting.org.announcement().user.as_str(), key_pair().0.as_str(), "invalid assertion"),
        (setting.org.announcement().user.as_str(), "no key", "it is not PEM"),
        ("", private.as_str(), "has no username"),
    ] {
        make(username, key).await;
        let error = profiles().await.unwrap_err();
        assert!(error.kind == ErrorKind::Connection && error.message.contains(problem), "{problem}: {}", error.message);
        assert!(key.len() < 20 || !error.message.contains(&key[40..60]), "{}", error.message);
    }
}

#[tokio::test]
async fn users_are_made_found_changed_frozen_and_deactivated() {
    let setting = Setting::new().await;
    let id = setting.user("ann@acme.example", "Chatter Free User").await;
    let found =
        setting.run("searchUsers", &[("searchBy", "Username")], json!({"Query.keyword": "ann@acme.example"})).await;
    for (key, value) in [
        ("User ID", id.clone()),
        ("Last Name", json!("O'Neil")),
        ("Alias", json!("ann@acme")),
        ("Is Active?", json!(true)),
        ("Is Frozen?", json!(false)),
    ] {
        assert_eq!(found[format!("Result.{key}")], value, "{key}");
    }
    let by_mail = setting.run("searchUsers", &[("searchBy", "Email")], json!({"Query.keyword": "ann@acme.example"}));
    assert_eq!(by_mail.await["Result.User ID"], id);
    let none = setting.run("searchUsers", &[("searchBy", "Username")], json!({"Query.keyword": "no'body"})).await;
    assert!(none.as_object().unwrap().values().all(Value::is_null), "{none}");

    let changes = json!({"User.User ID": id, "User.Department": "Sales", "User.Title": "", "User.First Name": "Anna"});
    assert_eq!(setting.run("updateUser", &[], changes).await, json!({"Response.Status Code": 204}));
    let read = setting.run("readUser", &[], json!({"User.User ID": id})).await;
    assert_eq!((&read["User.Department"], &read["Result.First Name"]), (&json!("Sales"), &json!("Anna")));

    let state = async || {
        let found =
            setting.run("searchUsers", &[("searchBy", "Username")], json!({"Query.keyword": "ann@acme.example"}));
        let found = found.await;
        (found["Result.Is Active?"] == true, found["Result.Is Frozen?"] == true)
    };
    for (operation, expected) in [
        ("freezeUser", (true, true)),
        ("unfreezeUser", (true, false)),
        ("deactivateUser", (false, false)),
        ("activateUser", (true, false)),
    ] {
        let done = setting.run(operation, &[], json!({"User.User ID": id})).await;
        assert_eq!(done, json!({"Response.Status Code": 204}), "{operation}");
        assert_eq!(state().await, expected, "{operation}");
    }
}

#[tokio::test]
async fn refusals_say_what_the_org_says() {
    let setting = Setting::new().await;
    setting.user("ann@acme.example", "Standard User").await;
    let twice = setting.refused("createUser", &[], new_user("ann@acme.example", "Standard User")).await;
    assert!(twice.message.contains("Duplicate Username"), "{}", twice.message);
    assert_eq!((twice.kind, twice.status), (ErrorKind::Refused, Some(400)));
    for number in 0..3 {
        setting.user(&format!("more{number}@acme.example"), "Standard User").await;
    }
    let full = setting.refused("createUser", &[], new_user("late@acme.example", "Standard User")).await;
    let body = serde_json::to_value(&full.body).unwrap();
    assert!(full.message.contains("License Limit Exceeded"), "{} {body}", full.message);
    assert_eq!(full.kind, ErrorKind::Refused);
    let unknown = setting.refused("createUser", &[], new_user("late@acme.example", "Wizard")).await;
    assert_eq!(unknown.message, "there is no profile \"Wizard\"");
    let id = record(&setting.org, "User", "Username", "ann@acme.example").unwrap()["Id"].clone();
    let change = json!({"User.User ID": id, "User.Profile Name": "Wizard", "User.Department": "Magic"});
    assert_eq!(setting.refused("updateUser", &[], change).await.message, "there is no profile \"Wizard\"");
    let moved = json!({"User.User ID": id, "User.Profile Name": "Marketing User", "User.Role Name": "Sales Manager"});
    setting.run("updateUser", &[], moved).await;
    let user = record(&setting.org, "User", "Username", "ann@acme.example").unwrap();
    let named = |object: &str, field: &str| record(&setting.org, object, "Id", user[field].as_str().unwrap()).unwrap();
    assert_eq!(named("Profile", "ProfileId")["Name"], "Marketing User");
    assert_eq!(named("UserRole", "UserRoleId")["Name"], "Sales Manager");
    let gone = setting.refused("readUser", &[], json!({"User.User ID": "005000000000000AAA"})).await;
    assert_eq!((gone.kind, gone.status), (ErrorKind::Refused, Some(404)));
}

#[tokio::test]
async fn entitlements_are_removed() {
    let setting = Setting::new().await;
    let id = setting.user("ann@acme.example", "Standard User").await;
    let named = async |operation: &str, list: &str, name: &str| {
        let all = setting.run(operation, &[], json!({})).await;
        let all = all[format!("Result.{list}")].as_array().unwrap().clone();
        all.iter().find(|one| one["Name"] == name).unwrap_or_else(|| panic!("{name} in {all:?}"))["ID"].clone()
    };
    let set = named("getAllPermissionSets", "Permission Sets", "Sales_Reports").await;
    let group = named("getAllPublicGroups", "Public Groups", "All Staff").await;
    let license = named("getAllPermissionSetLicenses", "Permission Set Licenses", "SalesConsoleUser").await;
    named("getAllRoles", "Roles", "Sales Manager").await;
    let features = setting.run("getAllFeatureLicenses", &[], json!({})).await;
    let features = features["Result.Feature Licenses"].as_array().unwrap();
    assert!(features.iter().any(|feature| feature["ID"] == "UserPermissionsMarketingUser"), "{features:?}");
    for (object, fields) in [
        ("PermissionSetAssignment", json!({"Record Fields.PermissionSetId": set, "Record Fields.AssigneeId": id})),
        ("GroupMember", json!({"Record Fields.GroupId": group, "Record Fields.UserOrGroupId": id})),
        (
            "PermissionSetLicenseAssign",
            json!({"Record Fields.PermissionSetLicenseId": license, "Record Fields.AssigneeId": id}),
        ),
    ] {
        setting.run("createRecord", &[("recordType", object)], fields).await;
    }
    let removed = setting.run("removeUserEntitlements", &[], json!({"User.User ID": id})).await;
    assert_eq!(
        (&removed["Response.Permission Sets Removed"], &removed["Response.Groups Removed"]),
        (&json!(1), &json!(1))
    );
    for object in ["PermissionSetAssignment", "GroupMember", "PermissionSetLicenseAssign"] {
        let left = setting.org.records(object);
        let of_ann = left.iter().filter(|one| one["AssigneeId"] == id || one["UserOrGroupId"] == id);
        assert!(of_ann.clone().all(|one| one["PermissionSetId"] != set), "{object}: {left:?}");
        assert!(object == "PermissionSetAssignment" || of_ann.count() == 0, "{object}: {left:?}");
    }
}

#[tokio::test]
async fn records_live_from_creation_to_deletion() {
    let schema = r#"{ "objects": { "Contact": { "fields": {
        "Key__c": "string(20) external", "Skills__c": "multipicklist restricted: Rust | Go | Ada" } } } }"#;
    let setting = Setting::with(Salesforce::builder().schema(SalesforceSchema::parse(schema).unwrap())).await;
    let made = setting.run(
        "createRecord",
        CONTACT,
        json!({"Record Fields.LastName": "O'Neil", "Record Fields.Email": "a@acme.example", "Record Fields.Title": ""}),
    );
    let id = made.await["New Record.Record ID"].clone();
    let read = setting.run("readRecord", CONTACT, json!({"Record.Record ID": id})).await;
    assert_eq!((&read["Record Fields.LastName"], &read["Record Fields.attributes"]), (&json!("O'Neil"), &Value::Null));
    let found = setting.run("searchRecords", CONTACT, json!({"Fields.LastName": "O'Neil", "Fields.Title": ""})).await;
    assert_eq!(found, json!({"Records.Record IDs": [id]}));
    let changed =
        setting.run("updateRecord", CONTACT, json!({"Record.Record ID": id, "Record Fields.Title": "Chief"})).await;
    assert_eq!(changed, json!({"Response.Status Code": 204}));
    assert_eq!(record(&setting.org, "Contact", "Title", "Chief").unwrap()["Id"], id);

    let upsert = async |key: &str| {
        let options = [("recordType", "Contact"), ("externalIdField", "Key__c")];
        let inputs = json!({"Record.External ID": key, "Record Fields.LastName": key});
        setting.run("upsertRecord", &options, inputs).await
    };
    let first = upsert("k 1/2").await;
    assert_eq!(first["Record.Is Created?"], true, "{first}");
    let again = upsert("k 1/2").await;
    assert_eq!((&again["Record.Is Created?"], &again["Record.Record ID"]), (&json!(false), &first["Record.Record ID"]));

    let values = setting.run("getMultiselectValues", &[("recordType", "Contact"), ("field", "Skills__c")], json!({}));
    assert_eq!(values.await["Result.Values"], json!(["Rust", "Go", "Ada"]));
    for _ in 0..2 {
        let gone = setting.run("deleteRecord", CONTACT, json!({"Record.Record ID": id})).await;
        assert!(matches!(gone["Response.Status Code"].as_u64(), Some(204 | 404)), "{gone}");
    }
    let error = setting.refused("createRecord", CONTACT, json!({"Record Fields.Title": "x"})).await;
    assert!(error.message.contains("Required fields are missing: [LastName]"), "{}", error.message);
}

#[tokio::test]
async fn many_records_are_made_in_chunks_and_read_over_pages() {
    let setting = Setting::new().await;
    let built = setting.run("buildRecordObject", CONTACT, json!({"Record Fields.LastName": "N"})).await;
    assert_eq!(built["Record.Record"]["LastName"], "N", "{built}");
    let records: Vec<Value> = (0..2150).map(|number| json!({"LastName": format!("N{number:04}")})).collect();
    let made = setting.run("createMultipleRecords", CONTACT, json!({"Records.Records": records})).await;
    assert_eq!(made["Result.Record IDs"].as_array().unwrap().len(), 2150);
    assert_eq!(setting.org.records("Contact").len(), 2150);
    let query = json!({"Query.Query": "SELECT Id, LastName FROM Contact ORDER BY LastName"});
    let all = setting.run("executeQuery", &[("resultSet", "All Matching Records")], query.clone()).await;
    assert_eq!(all["Result.Records"].as_array().unwrap().len(), 2150);
    let first = setting.run("executeQuery", &[("resultSet", "First Matching Record")], query.clone()).await;
    assert_eq!(first["Result.Record"]["LastName"], "N0000");
    let (mut cursor, mut names) = (None, Vec::new());
    loop {
        let mut page =
            call("salesforce:executeQuery", "sf", &[("resultSet", "Stream Matching Records")], query.clone());
        page.cursor = cursor;
        let Outcome::Page { records, cursor: next } = setting.bench.connectors.call(page).await.unwrap() else {
            panic!("no page")
        };
        names.extend(records.iter().map(|record| record.as_object().unwrap()["LastName"].clone()));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((names.len(), names[2149].as_text()), (2150, Some("N2149")));
    let wrong = setting.refused("executeQuery", &[], json!({"Query.Query": "SELECT Nope FROM Contact"})).await;
    assert!(wrong.message.contains("No such column"), "{}", wrong.message);
}

#[tokio::test]
async fn fields_and_choices_come_from_the_org() {
    let setting = Setting::new().await;
    let connectors = &setting.bench.connectors;
    let objects = connectors.dynamic("sf", "getCreateableObjects", &Fields::new()).await.unwrap();
    assert!(objects.contains(&json!({"label": "Contact", "value": "Contact"})), "{objects:?}");
    assert!(objects.iter().all(|object| object["value"] != "Profile"), "{objects:?}");
    let mut options = Fields::new();
    options.set(Some("parameters"), "recordType", FlowValue::text("Contact"));
    let fields = connectors.dynamic("sf", "getCreateableObjectFields", &options).await.unwrap();
    let named = |key: &str| fields.iter().find(|field| field["key"] == key);
    assert_eq!(named("LastName").unwrap()["nillable"], json!(false));
    assert!(named("CreatedDate").is_none() && named("Id").is_none());
    let sources = named("LeadSource").unwrap()["choices"].as_array().unwrap();
    assert!(sources.contains(&json!("Web")), "{sources:?}");
    for list in Manifest::own()["salesforce"].dynamic.keys() {
        assert!(!connectors.dynamic("sf", list, &options).await.unwrap().is_empty(), "{list}");
    }
}

#[tokio::test]
async fn a_custom_action_reaches_every_resource() {
    let setting = Setting::new().await;
    let custom =
        async |method: &str, inputs: Value| setting.run("hTTPRequest", &[("requestType", method)], inputs).await;
    let limits = custom("GET", json!({"Request.Relative URL": "/services/data/v62.0/limits"})).await;
    assert!(limits["Response.Body"]["DailyApiRequests"]["Max"].is_number(), "{limits}");
    assert!(limits["Response.Headers"]["sforce-limit-info"].is_string());
    let made = custom(
        "POST",
        json!({"Request.Relative URL": "/services/data/v62.0/sobjects/Account", "Request.Body": {"Name": "Acme"}}),
    );
    assert_eq!(made.await["Response.Status Code"], 201);
    let query = json!({"Request.Relative URL": "query", "Request.Query": {"q": "SELECT Name FROM Account"}});
    assert_eq!(custom("GET", query).await["Response.Body"]["records"][0]["Name"], "Acme");
    let search = json!({"Request.Relative URL": "/services/data/v62.0/search",
        "Request.Query": {"q": "FIND {Acme} IN ALL FIELDS RETURNING Account(Id, Name)"}});
    assert_eq!(custom("GET", search).await["Response.Body"]["searchRecords"][0]["Name"], "Acme");
    let query = json!({"Request.Relative URL": "query", "Request.Query": {"q": "SELECT Name FROM Account"}});
    let page = setting.attempt("hTTPRequest", &[("requestType", "GET(Streaming)")], query).await.unwrap();
    let Outcome::Page { records, cursor: None } = page else { panic!("not the only page: {page:?}") };
    assert_eq!(serde_json::to_value(&records).unwrap()[0]["Name"], "Acme");
}

#[tokio::test]
async fn a_document_is_uploaded_to_its_record() {
    let setting = Setting::new().await;
    let parent = setting.run("createRecord", CONTACT, json!({"Record Fields.LastName": "Neil"})).await;
    let mut upload = call(
        "salesforce:uploadDocument",
        "sf",
        &[],
        json!({
            "File.File Name": "offer.txt", "File.Parent ID": parent["New Record.Record ID"],
        }),
    );
    let content = setting.bench.files.put(b"An offer".to_vec().into()).await.unwrap();
    let file =
        FlowValue::File(Arc::new(File { id: content, name: "offer.txt".to_owned(), media_type: None, bytes: 8 }));
    upload.inputs.set(Some("File"), "File Content", file);
    let made = outputs(setting.bench.connectors.call(upload).await.unwrap());
    let stored = record(&setting.org, "ContentVersion", "Id", made["Document.Document ID"].as_str().unwrap()).unwrap();
    assert_eq!((&stored["Title"], &stored["VersionData"]), (&json!("offer.txt"), &json!("QW4gb2ZmZXI=")));
    assert_eq!(stored["FirstPublishLocationId"], parent["New Record.Record ID"]);
}

#[tokio::test]
async fn an_unbound_card_names_the_remedy() {
    let bench = Bench::new().await;
    let error = bench.connectors.call(call("salesforce:getAllProfiles", "", &[], json!({}))).await.unwrap_err();
    assert!(error.kind == ErrorKind::Connection && error.message.contains("oktant connect list"), "{}", error.message);
}
