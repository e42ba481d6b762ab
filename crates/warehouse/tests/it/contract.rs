//! The same behaviour on every database: one suite, run on `SQLite` and, where there is one, on `PostgreSQL`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::common::{Client, TestAccount, ask, cell, column, run_all, user};
use crate::databases::databases;
use oktant_warehouse::{Account, AccountConfig};
use proptest::prelude::*;
use serde_json::json;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        let jane = okta.create_user("jane@acme.example").await;
        let group = okta.create_group("Analysts", &[&jane]).await;
        let admin = test.admin().await;
        run_all(
            &admin,
            &[
                "create database demo_db comment = 'for demos'",
                "create network policy p allowed_ip_list = ('10.0.0.0/8', '192.0.2.1') blocked_ip_list = ('10.0.0.1')",
                "create user robot type = service days_to_expiry = 3",
                "alter account set map_scim_username_to_enterprise_attr = false",
            ],
        )
        .await;
        okta.get("/Users").await;
        test.account.close().await;
        drop(admin);

        let again = TestAccount::at(&database.url, |config| config).await;
        let client = Client::new(&again.account, again.clock.clone(), okta.token.clone());
        assert_eq!(client.members(&group).await, [jane.as_str()], "{}", database.name);
        let admin = again.admin().await;
        assert_eq!(column(&ask(&admin, "show databases").await, "name"), ["DEMO_DB", "OKTA"], "{}", database.name);
        let policy = ask(&admin, "desc network policy p").await;
        assert_eq!(column(&policy, "value"), ["10.0.0.0/8,192.0.2.1", "10.0.0.1"]);
        let robot = ask(&admin, "show users like 'robot'").await;
        assert_eq!(
            (column(&robot, "type"), column(&robot, "days_to_expiry")),
            (vec!["SERVICE".to_owned()], vec!["3".to_owned()])
        );
        run_all(&admin, &["use schema demo_db.information_schema"]).await;
        let events = ask(&admin, "select count(*) from table(rest_event_history('scim'))").await;
        assert_eq!(cell(&events, 0, 0), "4", "{}: three before and one after", database.name);
    }
}

/// Where an account noted its versions before it shared them with the other components of a database.
#[tokio::test]
async fn an_account_of_an_earlier_program_opens() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let jane = test.provisioning("").await.create_user("jane@acme.example").await;
        test.account.close().await;
        drop(test);
        let store = oktant_store::connect(&database.url).await.unwrap();
        let mut connection = store.writer().await.unwrap();
        for statement in [
            "CREATE TABLE oktant_schema (version BIGINT PRIMARY KEY)",
            "INSERT INTO oktant_schema SELECT version FROM oktant_migrations WHERE component = 'account'",
            "DROP TABLE oktant_migrations",
            // As it was before the last migration: that one is made up for.
            "DELETE FROM oktant_schema WHERE version = 3",
            "DROP TABLE secrets",
        ] {
            connection.execute(statement, &[]).await.unwrap();
        }
        drop(connection);
        for _ in 0..2 {
            let test = TestAccount::at(&database.url, |config| config).await;
            let client = test.provisioning("").await;
            let (status, found) = client.get(&format!("/Users/{jane}")).await;
            assert_eq!((status, &found["userName"]), (200, &json!("jane@acme.example")), "{}", database.name);
            client.create_group("Analysts", &[&jane]).await;
            let admin = test.admin().await;
            run_all(&admin, &["drop role \"Analysts\""]).await;
        }
    }
}

#[tokio::test]
async fn names_have_at_most_255_characters() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        let admin = test.admin().await;
        let longest = "ü".repeat(255);
        let id = okta.create_user(&longest).await;
        let group = okta.create_group(&longest, &[&id]).await;
        assert_eq!(okta.members(&group).await, [id.as_str()], "{}", database.name);
        let long = format!("{longest}ü");
        let rename = |path: &str| json!([{ "op": "replace", "path": path, "value": long }]);
        for (status, body) in [
            okta.send("POST", "/Users", Some(user(&long))).await,
            okta.send("POST", "/Groups", Some(json!({ "displayName": long }))).await,
            okta.patch(&format!("/Users/{id}"), rename("userName")).await,
            okta.patch(&format!("/Groups/{group}"), rename("displayName")).await,
        ] {
            assert_eq!((status, &body["scimType"]), (400, &json!("invalidValue")), "{}: {body}", database.name);
        }
        run_all(&admin, &["create role r", "create user jane"]).await;
        let long = "x".repeat(256);
        for sql in [
            format!("create user {long}"),
            format!("create user x login_name = '{long}'"),
            format!("alter user jane set login_name = '{long}'"),
            format!("alter user jane rename to {long}"),
            format!("create role \"{long}\""),
            format!("alter role r rename to {long}"),
            format!("create database {long}"),
            format!("create network policy {long}"),
            format!("create security integration {long} type = scim scim_client = 'okta' run_as_role = 'R'"),
        ] {
            assert_eq!(admin.execute(&sql, &[]).await.expect_err(&sql).code, 904, "{}: {sql}", database.name);
        }
        run_all(&admin, &[&format!("create user \"{}\" login_name = '{}'", "x".repeat(255), "y".repeat(255))]).await;
    }
}

#[tokio::test]
async fn a_renamed_role_stays_what_it_is_to_tokens_and_users() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        let admin = test.admin().await;
        let setup = [
            "create role \"A_%!\\b\"",
            "create role \"a_%!\\B\"",
            "create role \"AX%!\\b\"",
            "create user jane password = 'password-of-jane' default_role = \"A_%!\\b\"",
            "create user joe default_role = \"a_%!\\B\"",
            "create user jim default_role = \"AX%!\\b\"",
            "grant role \"A_%!\\b\" to user jane",
        ];
        run_all(&admin, &setup).await;
        let add = "alter user jane add programmatic access token t role_restriction = \"A_%!\\b\"";
        let token = cell(&ask(&admin, add).await, 0, 1).to_owned();
        let held = test.login("jane", &token).await.unwrap();
        run_all(&admin, &["alter role \"A_%!\\b\" rename to analyst"]).await;
        let users = ask(&admin, "show users like 'j%'").await;
        assert_eq!(column(&users, "default_role"), ["ANALYST", "AX%!\\b", "a_%!\\B"], "{}", database.name);
        for session in
            [held, test.login("jane", &token).await.unwrap(), test.login("jane", "password-of-jane").await.unwrap()]
        {
            assert_eq!(session.context().await.unwrap().role.as_deref(), Some("ANALYST"), "{}", database.name);
        }
        // The same when a group over SCIM gets another name.
        let id = okta.create_user("ada").await;
        let group = okta.create_group("Readers", &[&id]).await;
        run_all(&admin, &["grant ownership on user \"ADA\" to role accountadmin"]).await;
        run_all(&admin, &["alter user ada set default_role = \"Readers\" password = 'password-of-ada'"]).await;
        let rename = json!([{ "op": "replace", "path": "displayName", "value": "Writers" }]);
        assert_eq!(okta.patch(&format!("/Groups/{group}"), rename).await.0, 200);
        let ada = test.login("ada", "password-of-ada").await.unwrap();
        assert_eq!(ada.context().await.unwrap().role.as_deref(), Some("Writers"), "{}", database.name);
    }
}

#[tokio::test]
async fn a_refused_write_leaves_nothing_behind() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        let body = json!({ "displayName": "Half", "members": [{ "value": "4711_1" }] });
        assert_eq!(okta.send("POST", "/Groups", Some(body)).await.0, 400);
        let (_, found) = okta.get("/Groups?filter=displayName%20eq%20%22Half%22").await;
        assert_eq!(found["totalResults"], 0, "{}", database.name);
        // Many at once, so that writes that fail share a commit with others that do not.
        let writes = (0..40).map(|index| {
            let okta = okta.clone();
            let name = format!("user{}", index / 2);
            tokio::spawn(async move { okta.send("POST", "/Users", Some(user(&name))).await.0 })
        });
        let mut statuses = Vec::new();
        for write in writes.collect::<Vec<_>>() {
            statuses.push(write.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [[201; 20], [409; 20]].concat(), "{}", database.name);
        let (_, found) = okta.get("/Users?count=100").await;
        assert_eq!(found["Resources"].as_array().unwrap().len(), 20, "{}", database.name);
    }
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat() {
    for database in databases().await {
        let configure = |config: AccountConfig| config.standard_scim(oktant_warehouse::StandardScim::Always);
        let test = TestAccount::at(&database.url, configure).await;
        let client = test.provisioning("").await;
        let mut ids = Vec::new();
        for index in 0..25 {
            ids.push(client.create_user(&format!("user{index:02}")).await);
        }
        let (_, first) = client.get("/Users?startIndex=1&count=10").await;
        assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(25), &json!(10)), "{}", database.name);
        // A user made or removed while someone pages must not disturb who was there all the time.
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let (status, page) = client.get(&format!("/Users?count=10&cursor={cursor}")).await;
            assert_eq!(status, 200, "{page}");
            let page_ids =
                page["Resources"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap().to_owned());
            seen.extend(page_ids);
            if seen.len() == 10 {
                client.send("DELETE", &format!("/Users/{}", ids[9]), None).await;
                client.create_user("latecomer").await;
            }
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(seen[..25], ids[..], "{}", database.name);
        let (_, sorted) = client.get("/Users?sortBy=userName&sortOrder=descending&count=2").await;
        assert_eq!(sorted["Resources"][0]["userName"], "user24", "{}", database.name);
        let (_, prefixed) = client.get("/Users?filter=userName%20sw%20%22USER1%22").await;
        assert_eq!(prefixed["totalResults"], 10, "{}", database.name);
    }
}

#[tokio::test]
async fn sorted_walks_outlive_changes() {
    for database in databases().await {
        let configure = |config: AccountConfig| config.standard_scim(oktant_warehouse::StandardScim::Always);
        let test = TestAccount::at(&database.url, configure).await;
        let client = test.provisioning("").await;
        for name in ["u3", "u0", "u5", "u1", "u4", "u2"] {
            client.create_user(name).await;
        }
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/Users?sortBy=userName&sortOrder=descending&count=2&cursor={cursor}");
            let (status, page) = client.get(&path).await;
            assert_eq!(status, 200, "{}: {page}", database.name);
            let users = page["Resources"].as_array().unwrap().clone();
            seen.extend(users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
            if let Some(last) = users.last() {
                client.send("DELETE", &format!("/Users/{}", last["id"].as_str().unwrap()), None).await;
            }
            client.create_user(&format!("u9{}", seen.len())).await;
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
            assert!(seen.len() < 20, "{seen:?}");
        }
        assert_eq!(seen, ["u5", "u4", "u3", "u2", "u1", "u0"], "{}", database.name);
    }
}

#[tokio::test]
async fn pages_of_large_groups_are_short() {
    let database = databases().await.swap_remove(0);
    let standard = |config: AccountConfig| config.standard_scim(oktant_warehouse::StandardScim::Always);
    let test = TestAccount::at(&database.url, standard).await;
    let client = test.provisioning("").await;
    let members: Vec<String> = (0..8_000).map(|index| format!("elsewhere-{index}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    for name in ["a", "b", "c"] {
        client.create_group(name, &members).await;
    }
    let shown = |page: &serde_json::Value| {
        let names = page["Resources"].as_array().unwrap().iter().map(|group| group["displayName"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    for path in ["/Groups?count=1000", "/Groups?count=1000&filter=displayName%20sw%20%22%22&sortBy=displayName"] {
        let (_, page) = client.get(path).await;
        let counts = (&page["totalResults"], &page["itemsPerPage"]);
        assert_eq!((shown(&page).as_str(), counts), ("a b", (&json!(3), &json!(2))), "{path}");
        assert_eq!(page["Resources"][1]["members"].as_array().unwrap().len(), 8_000, "no group is shown in part");
        assert_eq!(shown(&client.get(&format!("{path}&startIndex=3")).await.1), "c", "{path}");
        let (_, page) = client.get(&format!("{path}&cursor=")).await;
        assert_eq!(shown(&page), "a b", "{path}");
        let cursor = page["nextCursor"].as_str().unwrap();
        let (_, page) = client.get(&format!("{path}&cursor={cursor}")).await;
        assert_eq!((shown(&page).as_str(), &page["nextCursor"]), ("c", &json!(null)), "{path}");
    }
    let (_, page) = client.get("/Groups?count=1000&excludedAttributes=members").await;
    assert_eq!(shown(&page), "a b c", "who wants no members gets all groups");
    let token = client.token.clone();
    let test = TestAccount::at(&database.url, |config| config).await;
    let snowflake = Client::new(&test.account, test.clock.clone(), token);
    let (_, page) = snowflake.get("/Groups?count=1000").await;
    let counts = (&page["totalResults"], &page["itemsPerPage"]);
    assert_eq!((shown(&page).as_str(), counts), ("a b", (&json!(3), &json!(2))), "totalResults is where to go on");
    assert_eq!(shown(&snowflake.get("/Groups?count=1000&startIndex=3").await.1), "c");
}

#[tokio::test]
async fn no_text_makes_the_database_fail() {
    for database in databases().await {
        for standard in [oktant_warehouse::StandardScim::Never, oktant_warehouse::StandardScim::Always] {
            let test = TestAccount::at(&database.url, |config| config.standard_scim(standard)).await;
            let client = test.provisioning("").await;
            let context = format!("{} {standard:?}", database.name);
            for path in ["/Users/a%00b", "/Groups/%00", "/Users/%00%00"] {
                assert_eq!(client.with_token("unknown").get(path).await.0, 401, "{context}");
                assert_eq!(client.get(path).await.0, 404, "{context}");
            }
            for path in [
                "/Users?filter=userName%20eq%20%22%5Cu0000%22",
                "/Users?filter=userName%20sw%20%22%5Cu0000%22",
                "/Groups?filter=displayName%20eq%20%22a%5Cu0000%22",
            ] {
                let (status, body) = client.get(path).await;
                assert_eq!((status, &body["totalResults"]), (200, &json!(0)), "{context}: {path}: {body}");
            }
            let mut jane = user("jane");
            jane["title"] = json!("a\u{0}b");
            let (status, body) = client.send("POST", "/Users", Some(jane)).await;
            assert_eq!(status, 201, "{context}: {body}");
            let path = format!("/Users/{}", body["id"].as_str().unwrap());
            assert_eq!(client.send("DELETE", &path, None).await.0, 204, "{context}");
            for name in ["a\u{0}b".to_owned(), "x".repeat(256)] {
                assert_eq!(client.send("POST", "/Users", Some(user(&name))).await.0, 400, "{context}");
            }
            // Every request is in the audit, those before as well as those after.
            let admin = test.admin().await;
            run_all(&admin, &["create or replace database d", "use schema d.information_schema"]).await;
            let history = "select * from table(rest_event_history('scim', dateadd('minutes', -5, current_timestamp()), \
                           current_timestamp(), 200)) order by event_id";
            let statuses = column(&ask(&admin, history).await, "STATUS");
            let expected = "401 404 401 404 401 404 200 200 200 201 204 400 400";
            assert!(statuses.join(" ").ends_with(expected), "{context}: {statuses:?}");
        }
    }
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    for database in databases().await.into_iter().filter(|database| database.name == "PostgreSQL") {
        let name = format!("lost_{}", std::process::id());
        let test = TestAccount::at(&format!("{}&application_name={name}", database.url), |config| config).await;
        let client = test.provisioning("").await;
        client.create_user("before").await;
        let store = oktant_store::connect(&database.url).await.unwrap();
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
        let ended = store.writer().await.unwrap().fetch_one(end, &[name.as_str().into()]).await.unwrap().unwrap();
        assert!(ended.int(0).unwrap() >= 2, "a reader and the writer");
        let mut acknowledged = vec!["before".to_owned()];
        for index in 0..20 {
            let name = format!("after{index}");
            match client.send("POST", "/Users", Some(user(&name))).await.0 {
                201 => acknowledged.push(name),
                status => assert_eq!(status, 500),
            }
        }
        assert!(acknowledged.len() > 10, "{acknowledged:?}");
        // The readers are lost, too, and the first to notice clears the way for all.
        let first = client.get("/Users").await;
        let (status, page) = if first.0 == 500 { client.get("/Users").await } else { first };
        assert_eq!(status, 200, "{page}");
        let users = page["Resources"].as_array().unwrap();
        let names: Vec<&str> = users.iter().map(|user| user["userName"].as_str().unwrap()).collect();
        assert_eq!(names, acknowledged, "what was acknowledged is there, and nothing else");
    }
}

#[tokio::test]
async fn groups_that_lose_a_member_are_new_versions() {
    for database in databases().await {
        let configure = |config: AccountConfig| config.standard_scim(oktant_warehouse::StandardScim::Always);
        let test = TestAccount::at(&database.url, configure).await;
        let client = test.provisioning("").await;
        let user = client.create_user("jane").await;
        let nested = client.create_group("nested", &[]).await;
        let group = client.create_group("group", &[&user, &nested]).await;
        let path = format!("/Groups/{group}");
        for (gone, members) in [(format!("/Users/{user}"), vec![nested.clone()]), (format!("/Groups/{nested}"), vec![])]
        {
            let (_, before) = client.get(&path).await;
            test.clock.advance(Duration::from_mins(1));
            assert_eq!(client.send("DELETE", &gone, None).await.0, 204, "{}", database.name);
            let (_, after) = client.get(&path).await;
            assert_eq!(client.members(&group).await, members, "{}: {gone}", database.name);
            for name in ["version", "lastModified"] {
                assert_ne!(before["meta"][name], after["meta"][name], "{}: {gone}: {name}", database.name);
            }
        }
    }
}

#[tokio::test]
async fn one_member_costs_one_row() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        let mut ids = Vec::new();
        for index in 0..300 {
            ids.push(okta.create_user(&format!("user{index}")).await);
        }
        let all: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = okta.create_group("Everyone", &all).await;
        let path = format!("/Groups/{group}");
        for _ in 0..2 {
            // Twice the same: the second time there is nothing to do, and that is no error.
            let (status, body) = okta
                .patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[7]) }]))
                .await;
            assert!(status == 200 || status == 204, "{status} {body}");
        }
        assert_eq!(okta.members(&group).await.len(), 299, "{}", database.name);
        okta.patch(
            &path,
            json!([{ "op": "add", "path": "members", "value": [{ "value": ids[7] }, { "value": ids[8] }] }]),
        )
        .await;
        assert_eq!(okta.members(&group).await.len(), 300, "{}", database.name);
        okta.send("DELETE", &format!("/Users/{}", ids[0]), None).await;
        assert_eq!(okta.members(&group).await.len(), 299, "{}: a deleted user is no member", database.name);
    }
}

/// 32 tasks that add and remove members of one group: in the end it has those that the last change of each left.
/// `OKTANT_TEST_MEMBERSHIP_SECONDS` makes it longer than a second.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_a_group_lose_no_member() {
    const TASKS: usize = 32;
    let seconds = std::env::var("OKTANT_TEST_MEMBERSHIP_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        let okta = test.provisioning("").await;
        let mut ids = Vec::new();
        for index in 0..TASKS * 4 {
            ids.push(okta.create_user(&format!("user{index}")).await);
        }
        let group = okta.create_group("Contested", &[]).await;
        let end = Instant::now() + Duration::from_secs(seconds);
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (okta, group) = (okta.clone(), group.clone());
                let own: Vec<String> = ids[task * 4..task * 4 + 4].to_vec();
                tokio::spawn(async move {
                    let mut model = BTreeSet::new();
                    let mut turn = task;
                    while Instant::now() < end {
                        let id = &own[turn % own.len()];
                        let operation = if model.remove(id) {
                            json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }])
                        } else {
                            model.insert(id.clone());
                            json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])
                        };
                        let (status, body) = okta.patch(&format!("/Groups/{group}"), operation).await;
                        assert!(status == 200 || status == 204, "{status} {body}");
                        turn += 1 + task % 3;
                    }
                    (model, turn)
                })
            })
            .collect();
        let mut expected = BTreeSet::new();
        let mut changes = 0;
        for task in tasks {
            let (model, turns) = task.await.unwrap();
            expected.extend(model);
            changes += turns;
        }
        assert_eq!(okta.members(&group).await, expected.into_iter().collect::<Vec<_>>(), "{}", database.name);
        eprintln!("{}: at least {} changes in {seconds} s", database.name, changes / 3);
    }
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    for database in databases().await {
        drop(TestAccount::at(&database.url, |config| config).await);
        let raise = "INSERT INTO oktant_migrations (component, version) VALUES ('account', 1000000)";
        let store = oktant_store::connect(&database.url).await.unwrap();
        store.writer().await.unwrap().execute(raise, &[]).await.unwrap();
        let config =
            AccountConfig::new("test", crate::common::system_clock(), std::sync::Arc::new(oktant_base::OsEntropy));
        let error = Account::open(&database.url, config).await.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("version 1000000"), "{cause}");
    }
}

/// The salt that SCRAM shows before the password is proved.
async fn salt(test: &TestAccount, user: &str) -> Vec<u8> {
    test.account.scram_verifier(user).await.unwrap().salt
}

#[tokio::test]
async fn scram_does_not_tell_who_exists() {
    for database in databases().await {
        let test = TestAccount::at(&database.url, |config| config).await;
        run_all(&test.admin().await, &["create user bob"]).await;
        let mut salts = Vec::new();
        for name in ["admin", "bob", "nobody"] {
            let salt = salt(&test, name).await;
            assert_eq!(salt, self::salt(&test, &name.to_uppercase()).await, "{name}: letter case is no difference");
            salts.push(salt);
        }
        drop(test);
        // With other entropy, so that only what is kept can be the same.
        let restarted = TestAccount::at(&database.url, |_| {
            AccountConfig::new("test", crate::common::system_clock(), std::sync::Arc::new(oktant_base::OsEntropy))
        });
        let restarted = restarted.await;
        for (name, before) in ["admin", "bob", "nobody"].into_iter().zip(salts) {
            assert_eq!(salt(&restarted, name).await, before, "{name}: a restart is no difference");
        }
    }
}

/// A change of a group's membership, on a handful of users.
#[derive(Debug, Clone)]
enum Change {
    Add(Vec<usize>),
    Remove(usize),
    Replace(Vec<usize>),
}

const USERS: usize = 5;

fn change() -> impl Strategy<Value = Change> {
    let some = || proptest::collection::vec(0..USERS, 0..4);
    prop_oneof![some().prop_map(Change::Add), (0..USERS).prop_map(Change::Remove), some().prop_map(Change::Replace)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Membership after any program of changes is what a set would hold.
    #[test]
    fn membership_is_a_set(program in proptest::collection::vec(change(), 1..12)) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let test = TestAccount::new().await;
            let okta = test.provisioning("").await;
            let mut ids = Vec::new();
            for index in 0..USERS {
                ids.push(okta.create_user(&format!("user{index}")).await);
            }
            let group = okta.create_group("Set", &[]).await;
            let mut model = BTreeSet::new();
            for change in &program {
                let values = |indices: &[usize]| indices.iter().map(|index| json!({ "value": ids[*index] })).collect::<Vec<_>>();
                let operation = match change {
                    Change::Add(who) => {
                        model.extend(who.iter().copied());
                        json!([{ "op": "add", "path": "members", "value": values(who) }])
                    }
                    Change::Remove(who) => {
                        model.remove(who);
                        json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[*who]) }])
                    }
                    Change::Replace(who) => {
                        model = who.iter().copied().collect();
                        json!([{ "op": "replace", "path": "members", "value": values(who) }])
                    }
                };
                let (status, body) = okta.patch(&format!("/Groups/{group}"), operation).await;
                assert_eq!(status, 200, "{body}");
                let mut expected: Vec<String> = model.iter().map(|index| ids[*index].clone()).collect();
                expected.sort();
                assert_eq!(okta.members(&group).await, expected, "after {change:?} of {program:?}");
            }
        });
    }

    /// A role of any name can be made, found and dropped, if its name is quoted.
    #[test]
    fn any_name_is_a_name(name in "[^\0]{1,20}") {
        prop_assume!(!["ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC"].contains(&name.as_str()));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let test = TestAccount::new().await;
            let admin = test.admin().await;
            let quoted = name.replace('"', "\"\"");
            let made = admin.execute(&format!("create role \"{quoted}\""), &[]).await.unwrap();
            assert_eq!(cell(&made, 0, 0), format!("Role {name} successfully created."));
            let roles = ask(&admin, "show roles").await;
            assert!(column(&roles, "name").contains(&name));
            ask(&admin, &format!("drop role \"{quoted}\"")).await;
            assert!(!column(&ask(&admin, "show roles").await, "name").contains(&name));
        });
    }
}
