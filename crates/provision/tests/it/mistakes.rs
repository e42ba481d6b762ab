//! Mistakes that people make: in the file, at the target, with the state.

use oktant_base::{Coded as _, Secret};
use oktant_provision::{ApplyOptions, Error, history, plan_table};
use oktant_sandbox::{Effect as OrgEffect, Fault as OrgFault, Sandbox};
use serde_json::json;

use crate::org::{Bench, kinds, open, text};
use crate::target::{Effect, FakeTarget, Fault};

async fn refused(bench: &Bench) -> Error {
    let provisioner = bench.open().await;
    let checked = provisioner.check_mappings().await.expect_err("is refused");
    let error = provisioner.plan().await.expect_err("is refused");
    assert_eq!(checked.to_string(), error.to_string());
    provisioner.close().await.expect("closes");
    error
}

#[tokio::test]
async fn an_attribute_that_nobody_can_have_is_refused_with_the_one_that_was_meant() {
    let mut bench = Bench::new().await;
    bench.assigned("ada").await;
    bench.apply_all().await;
    for (mapping, problem) in [
        (
            "\"displayName\" = \"user.dsplayName\"",
            "users of the org have no attribute dsplayName; did you mean user.displayName?",
        ),
        ("title = \"user.title ?: String.toUpperCase(user.zzz)\"", "users of the org have no attribute zzz"),
        (
            "title = \"appuser.usrName\"",
            "users in the application have no attribute usrName; did you mean appuser.userName?",
        ),
    ] {
        bench.settings = format!("[mappings]\n{mapping}");
        let error = refused(&bench).await;
        assert_eq!(error.code().id(), "OKT6002");
        assert!(error.to_string().ends_with(&format!(": {problem}")), "{error}");
    }
    // What exists, and what someone has whatever the schema says, is right.
    bench.settings = "[mappings]\ntitle = \"user.TITLE\"\n\"nickName\" = \"appuser.userName\"".to_owned();
    bench.apply_all().await;
}

#[tokio::test]
async fn where_the_schema_may_not_be_read_an_attribute_without_values_is_a_warning() {
    let effect = OrgEffect::Status { status: 403, reset_seconds: 0 };
    let path = "/api/v1/meta/schemas/user/default".to_owned();
    let fault = OrgFault { method: None, path, request: 1, page: None, times: 0, effect };
    let mut bench = Bench::of(Sandbox::builder().faults([fault]), FakeTarget::start().await).await;
    bench.settings = "[mappings]\ntitle = \"user.titel\"".to_owned();
    assert_eq!(bench.plan().await.warnings, [], "nobody is assigned");
    let ada = bench.assigned("ada").await;
    let plan = bench.plan().await;
    assert_eq!(plan.warnings[0].kind, "empty_attribute");
    assert!(plan.warnings[0].message.contains("no assigned user has a value of user.titel, which title gets"));
    bench.settings = "[mappings]\ntitle = \"user.title\"".to_owned();
    bench.update(&ada, json!({ "title": "Countess" })).await;
    assert_eq!(bench.plan().await.warnings, []);
}

#[tokio::test]
async fn an_address_that_is_no_scim_endpoint_is_named_with_one_that_would_be() {
    let bench = Bench::new().await;
    let base = bench.target.url();
    let host = base.trim_end_matches("/scim/v2").to_owned();
    let path = bench.folder.path().join("provision.toml");
    for (url, says) in [
        (format!("{host}/nowhere"), format!("such as {host}/scim/v2")),
        (format!("{base}/Users"), format!("use {base}")),
        (bench.sandbox.url(), "https://HOST/scim/v2".to_owned()),
    ] {
        let opened = open(&bench.file().replace(&base, &url), &path, &bench.sandbox.dsn()).await;
        let error = match opened {
            Ok(mut provisioner) => {
                let error = provisioner.preflight().await.expect_err(&url);
                provisioner.close().await.expect("closes");
                error
            }
            Err(error) => error,
        };
        assert_eq!(error.code().id(), "OKT6004", "{error}");
        assert!(error.to_string().contains(&format!("target.url {url}")), "{error}");
        assert!(error.hint().unwrap_or_default().contains(&says), "{:?}", error.hint());
    }
}

#[tokio::test]
async fn what_is_blocked_comes_first_and_is_never_left_out() {
    let mut bench = Bench::new().await;
    bench.settings = "[mappings]\n\"userName\" = \"user.lastName == 'Doe' ? user.login : null\"".to_owned();
    let mut last = String::new();
    for number in 0..205 {
        last = bench.assigned(&format!("user{number:03}")).await;
    }
    bench.update(&last, json!({ "lastName": "Roe" })).await;
    let table = plan_table(&bench.plan().await);
    assert!(table.starts_with("! blocked         user204@acme.example"), "{table}");
    assert!(table.contains("\n… and 4 more; --output json has them all\n"), "{table}");
}

#[tokio::test]
async fn snowflake_may_ignore_a_password_and_that_is_said() {
    let mut bench = Bench::new().await;
    bench.target_settings = "kind = \"snowflake\"".to_owned();
    bench.assigned("ada").await;
    bench.apply_all().await;
    let passwords = vec![("ada@acme.example".to_owned(), Secret::new("Correct-horse-7".to_owned()))];
    bench.try_apply(ApplyOptions { passwords, ..ApplyOptions::default() }).await.expect("applies");
    let log = history(&bench.state()).expect("a log");
    assert!(log.outcomes(2).expect("outcomes")[0].reason.contains("if the integration has SYNC_PASSWORD = TRUE"));
    let mut plan = bench.plan().await;
    plan.request_passwords(["ada@acme.example"]).expect("is known");
    assert!(plan_table(&plan).contains("SET SYNC_PASSWORD = TRUE turns it on"), "{}", plan_table(&plan));
}

#[tokio::test]
async fn a_user_who_is_no_longer_visible_stays_a_member_until_the_new_account_is_there() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    let staff = bench.pushed("Staff", &[&ada]).await;
    bench.apply_all().await;
    // Someone gave the account to another role: the target knows it and does not show it.
    bench.target.model(|model| model.habits.hidden = ["ada@acme.example".to_owned()].into());
    let report = bench.apply().await;
    assert_eq!((report.done, report.blocked, report.deferred), (0, 1, 1), "{report:?}");
    assert_eq!(bench.target.model(|model| model.members("Staff").len()), 1);
    bench.target.model(|model| model.habits.hidden.clear());
    bench.apply_all().await;
    // Whoever is gone in truth is replaced, and whoever leaves the group leaves it at once.
    bench.target.model(|model| model.habits.hidden = ["ada@acme.example".to_owned()].into());
    bench.leave(&staff, &ada).await;
    bench.apply().await;
    assert_eq!(bench.target.model(|model| model.members("Staff").len()), 0);
}

#[tokio::test]
async fn an_account_made_anew_takes_the_place_of_the_one_that_is_gone() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    bench.pushed("Staff", &[&ada]).await;
    bench.apply_all().await;
    bench.target.model(|model| {
        let id = text(&model.user("ada@acme.example").expect("is there")["id"]);
        model.users.remove(&id);
    });
    bench.apply_all().await;
    assert_eq!(bench.target.model(|model| model.members("Staff")), ["ada@acme.example".to_owned()].into());
}

#[tokio::test]
async fn accounts_that_a_lost_state_would_have_ended_are_spoken_of() {
    let bench = Bench::new().await;
    let (ada, _) = (bench.assigned("ada").await, bench.assigned("bob").await);
    bench.apply_all().await;
    bench.unassign(&ada).await;
    std::fs::remove_file(bench.state()).expect("is lost");
    bench.target.model(|model| drop(model.add_user(json!({ "userName": "eve", "externalId": "E17", "active": true }))));
    let plan = bench.plan().await;
    assert_eq!(kinds(&plan), ["adopt_user"]);
    let warning = plan.warnings.iter().find(|warning| warning.kind == "unclaimed").expect("a warning");
    assert!(warning.message.ends_with("(1 user: ada@acme.example)"), "{}", warning.message);
}

#[tokio::test]
async fn a_run_that_was_dropped_half_way_is_closed_with_what_it_came_to() {
    let bench = Bench::new().await;
    for name in ["ada", "bob"] {
        bench.assigned(name).await;
    }
    // Of a hundredth of that time: longer than the test waits, shorter than what is given up for.
    let busy = Fault::new("POST", "/Users", Effect::Throttle("250")).times(100);
    bench.target.model(|model| model.faults = vec![Fault { skip: 1, ..busy }]);
    let provisioner = bench.open().await;
    assert_eq!(provisioner.interrupted().await.expect("success"), None);
    let plan = provisioner.plan().await.expect("a plan");
    let applied = provisioner.apply(&plan, ApplyOptions::default());
    let one_is_there = async {
        while bench.target.model(|model| model.users.is_empty()) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    tokio::select! {
        report = applied => panic!("it ended: {report:?}"),
        () = one_is_there => {}
    }
    let came_to = provisioner.interrupted().await.expect("success");
    assert_eq!(came_to.as_deref(), Some("interrupted: 1 done, 0 failed, 0 blocked, 0 deferred"));
    provisioner.close().await.expect("closes");
    // One that was killed is closed by the next.
    rusqlite::Connection::open(bench.state()).unwrap().execute_batch("UPDATE runs SET outcome = NULL").unwrap();
    bench.target.model(|model| model.faults.clear());
    bench.apply_all().await;
    let runs = history(&bench.state()).expect("a log").runs().expect("runs");
    assert_eq!(runs[1].outcome, came_to);
}

#[tokio::test]
async fn a_misspelt_attribute_of_the_target_is_found_before_the_first_write() {
    let mut bench = Bench::new().await;
    bench.assigned("ada").await;
    bench.settings = "[mappings]\ntitel = \"user.title\"".to_owned();
    let schemas = "{\"Resources\":[{\"id\":\"urn:ietf:params:scim:schemas:core:2.0:User\",\
                   \"attributes\":[{\"name\":\"userName\"},{\"name\":\"title\"}]}]}";
    bench.target.model(|model| model.faults = vec![Fault::new("GET", "/Schemas", Effect::Answer(200, schemas))]);
    let error = bench.try_apply(ApplyOptions::default()).await.expect_err("is refused");
    assert_eq!(error.to_string(), "mapping of titel: the target's users have no such attribute; did you mean title?");
    assert_eq!(bench.target.take_writes().len(), 0);
    // A target that does not say what it knows has to refuse by itself.
    assert_eq!(bench.apply().await.done, 1);
}

#[tokio::test]
async fn an_account_that_someone_ended_before_the_run_did_is_no_drift_afterwards() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    bench.apply_all().await;
    bench.unassign(&ada).await;
    bench.target.model(|model| drop(model.user_mut("ada@acme.example").insert("active".to_owned(), json!(false))));
    let report = bench.apply_all().await;
    assert_eq!(report.done, 0);
}
