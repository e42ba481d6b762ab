//! Users: created, updated, deactivated, reactivated, taken over.

use std::collections::BTreeSet;

use oktant_base::{Coded as _, Secret};
use oktant_provision::{ApplyOptions, history, plan_table};
use serde_json::json;

use crate::org::{Bench, ids, kinds};
use crate::target::{FakeTarget, Habits};

#[tokio::test]
async fn a_life_at_the_target() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    let plan = bench.plan().await;
    assert_eq!(ids(&plan), [format!("create_user:{ada}")]);
    let entry = plan.entries().next().unwrap();
    let fields: Vec<_> = entry.fields.iter().map(|field| (field.attribute.as_str(), field.after.clone())).collect();
    assert!(fields.contains(&("userName", json!("ada@acme.example"))), "{fields:?}");
    assert!(fields.contains(&("displayName", json!("ada Doe"))), "{fields:?}");
    assert_eq!(bench.apply_all().await.requests, 1);
    let id = bench.target.model(|model| {
        let user = model.user("ada@acme.example").unwrap();
        assert_eq!(user["externalId"], ada);
        assert_eq!(user["name"], json!({ "givenName": "ada", "familyName": "Doe" }));
        assert_eq!(user["emails"], json!([{ "value": "ada@acme.example", "type": "work", "primary": true }]));
        assert_eq!((&user["active"], user.get("password")), (&json!(true), None));
        user["id"].clone()
    });

    bench.update(&ada, json!({ "lastName": "Lovelace", "login": "ada.l@acme.example" })).await;
    let plan = bench.plan().await;
    assert_eq!(ids(&plan), [format!("update_user:{ada}")]);
    assert!(plan_table(&plan).contains("name.familyName: \"Doe\" -> \"Lovelace\""), "{}", plan_table(&plan));
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.user("ada.l@acme.example").unwrap()["id"], id));

    bench.unassign(&ada).await;
    assert_eq!(ids(&bench.plan().await), [format!("deactivate_user:{ada}")]);
    bench.apply_all().await;
    bench.target.model(|model| assert!(model.active().is_empty()));

    bench.assign(&ada).await;
    assert_eq!(ids(&bench.plan().await), [format!("reactivate_user:{ada}")]);
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.user("ada.l@acme.example").unwrap()["active"], true));
    assert_eq!(bench.target.model(|model| model.users.len()), 1);
}

#[tokio::test]
async fn who_is_there_already_is_taken_over() {
    let bench = Bench::new().await;
    bench.target.model(|model| {
        model.add_user(json!({ "userName": "ADA@acme.example", "active": true, "title": "Countess",
            "emails": [{ "value": "old@acme.example", "type": "home" }] }));
    });
    let ada = bench.assigned("ada").await;
    let plan = bench.plan().await;
    assert_eq!(ids(&plan), [format!("adopt_user:{ada}")]);
    assert_eq!(plan.entries().next().unwrap().reason, "has the same userName");
    bench.apply_all().await;
    bench.target.model(|model| {
        let user = model.user("ada@acme.example").unwrap();
        assert_eq!(user["title"], "Countess");
        assert_eq!(user["externalId"], ada);
        // An address of another type stays beside the new one.
        assert_eq!(user["emails"].as_array().unwrap().len(), 2);
    });
}

#[tokio::test]
async fn other_users_of_the_target_are_left_alone() {
    let bench = Bench::new().await;
    bench.target.model(|model| model.add_user(json!({ "userName": "service", "active": true })));
    bench.assigned("ada").await;
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.user("service").unwrap()["active"], true));
}

#[tokio::test]
async fn drift_is_reported_and_treated_by_its_policy() {
    let mut bench = Bench::new().await;
    bench.settings = "[mappings]\ntitle = { expression = \"user.title\", drift = \"keep\" }\n\
                      nickName = { expression = \"user.nickName\", drift = \"alert\" }"
        .to_owned();
    let ada = bench.assigned("ada").await;
    bench.update(&ada, json!({ "title": "Countess", "nickName": "Ada" })).await;
    bench.apply_all().await;
    bench.target.model(|model| {
        let user = model.user_mut("ada@acme.example");
        user.insert("title".to_owned(), json!("Queen"));
        user.insert("nickName".to_owned(), json!("A."));
        user.insert("displayName".to_owned(), json!("someone else"));
    });
    let plan = bench.plan().await;
    let drift: Vec<_> = plan.drift.drift.iter().map(|drift| (drift.id.as_str(), drift.policy)).collect();
    let expected = [
        (format!("changed:{ada}:displayName"), "overwrite"),
        (format!("changed:{ada}:nickName"), "alert"),
        (format!("changed:{ada}:title"), "keep"),
    ];
    assert_eq!(drift, expected.each_ref().map(|(id, policy)| (id.as_str(), *policy)));
    assert_eq!(ids(&plan), [format!("update_user:{ada}")]);
    assert_eq!(plan.warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(), ["drift_alert"]);
    bench.apply().await;
    assert!(bench.plan().await.is_empty());
    bench.target.model(|model| {
        let user = model.user("ada@acme.example").unwrap();
        assert_eq!((&user["title"], &user["displayName"]), (&json!("Queen"), &json!("ada Doe")));
    });
    // What is kept stays reported.
    assert_eq!(bench.plan().await.drift.drift.len(), 2);
}

#[tokio::test]
async fn what_a_target_does_not_keep_is_sent_once() {
    let target = FakeTarget::with(Habits { forgets: vec!["externalId"], ..Habits::default() }).await;
    let bench = Bench::with(target).await;
    let ada = bench.assigned("ada").await;
    bench.apply_all().await;
    let plan = bench.plan().await;
    assert_eq!(plan.warnings[0].kind, "not_kept");
    let log = history(&bench.state()).unwrap();
    let outcomes = log.outcomes(1).unwrap();
    assert_eq!(outcomes[0].reason, "created; the target did not apply externalId");
    assert_eq!(
        (outcomes[0].change.as_str(), outcomes[0].result.as_str()),
        (format!("create_user:{ada}").as_str(), "done")
    );
}

#[tokio::test]
async fn a_target_that_answers_patches_with_nothing_is_read_again() {
    let habits = Habits { silent_patch: true, forgets: vec!["nickName"], ..Habits::default() };
    let mut bench = Bench::with(FakeTarget::with(habits).await).await;
    bench.settings = "[mappings]\nnickName = \"user.nickName\"".to_owned();
    let ada = bench.assigned("ada").await;
    bench.apply_all().await;
    bench.update(&ada, json!({ "nickName": "Ada", "lastName": "Lovelace" })).await;
    bench.apply_all().await;
}

#[tokio::test]
async fn a_target_without_patch_is_given_whole_resources() {
    let bench = Bench::with(FakeTarget::with(Habits { no_patch: true, ..Habits::default() }).await).await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let staff = bench.pushed("Staff", &[&ada, &bob]).await;
    bench.apply_all().await;
    bench.target.model(|model| model.user_mut("ada@acme.example").insert("title".to_owned(), json!("Countess")));
    bench.update(&ada, json!({ "lastName": "Lovelace" })).await;
    bench.unassign(&bob).await;
    bench.rename_group(&staff, "Crew").await;
    bench.apply().await;
    assert!(bench.plan().await.is_empty());
    assert!(bench.target.take_writes().iter().all(|write| write.method != "PATCH"));
    bench.target.model(|model| {
        let user = model.user("ada@acme.example").unwrap();
        assert_eq!((&user["name"]["familyName"], &user["title"]), (&json!("Lovelace"), &json!("Countess")));
        assert_eq!(model.active(), BTreeSet::from(["ada@acme.example".to_owned()]));
        assert_eq!(model.members("Crew"), BTreeSet::from(["ada@acme.example".to_owned()]));
    });
}

#[tokio::test]
async fn lists_of_every_kind_are_read_whole() {
    let small = Habits { page_max: 2, ..Habits::default() };
    let snowflake = Habits { snowflake_totals: true, ..Habits::default() };
    let synthetic = Habits { synthetic: true, ..Habits::default() };
    let bare = Habits { lists_without_members: true, ..Habits::default() };
    for (habits, page_size) in [(small, 500), (snowflake, 2), (synthetic, 500), (bare, 500)] {
        let mut bench = Bench::with(FakeTarget::with(habits.clone()).await).await;
        bench.target_settings = format!("kind = \"snowflake\"\npage_size = {page_size}");
        let mut ids = Vec::new();
        for name in ["ada", "bob", "cyd", "dot", "eve"] {
            ids.push(bench.assigned(name).await);
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        bench.pushed("Staff", &ids).await;
        bench.apply_all().await;
        bench.unassign(ids[0]).await;
        bench.apply_all().await;
        let left = bench.target.model(|model| (model.active().len(), model.members("Staff").len()));
        assert_eq!(left, (4, 4), "{habits:?}");
    }
}

#[tokio::test]
async fn passwords_are_set_on_request_and_shown_nowhere() {
    const CANARY: &str = "canary-5t0ne";
    let mut bench = Bench::new().await;
    bench.settings = "[users]\npassword = \"random\"".to_owned();
    bench.assigned("ada").await;
    let passwords = vec![("ada@acme.example".to_owned(), Secret::new(CANARY.to_owned()))];
    let options = ApplyOptions { passwords, ..ApplyOptions::default() };
    let report = bench.try_apply(options).await.unwrap();
    assert_eq!((report.done, report.failed), (2, 0));
    let (random, set) = bench.target.model(|model| {
        let created = model.log.iter().find(|entry| entry.method == "POST").expect("a POST");
        let random = created.body["password"].as_str().expect("a password").to_owned();
        (random, model.user("ada@acme.example").unwrap()["password"].clone())
    });
    assert_eq!(set, CANARY);
    assert!(random.len() > 40);
    // Neither in the state nor in its write-ahead log.
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in [CANARY, random.as_str(), crate::target::TOKEN] {
            assert!(!text.contains(secret));
        }
    }
}

#[tokio::test]
async fn a_user_without_a_name_is_blocked_and_the_others_are_not() {
    let mut bench = Bench::new().await;
    bench.settings = "[users]\nuser_name = \"user.nickName\"".to_owned();
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let cyd = bench.assigned("cyd").await;
    bench.update(&ada, json!({ "nickName": "ada" })).await;
    bench.update(&cyd, json!({ "nickName": "ADA" })).await;
    let plan = bench.plan().await;
    assert_eq!(kinds(&plan).iter().filter(|kind| **kind == "blocked").count(), 2);
    let report = bench.apply().await;
    assert_eq!((report.done, report.blocked), (1, 2));
    assert_eq!(report.complete().unwrap_err().code().id(), "OKT6013");
    let log = history(&bench.state()).unwrap();
    let blocked = log.outcomes(1).unwrap().into_iter().find(|outcome| outcome.change.ends_with(&bob)).unwrap();
    assert!(blocked.reason.contains("its userName is empty"), "{}", blocked.reason);
}

#[tokio::test]
async fn safeguards_stop_a_run_before_its_first_write() {
    let bench = Bench::new().await;
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd", "dot", "eve"] {
        users.push(bench.assigned(name).await);
    }
    bench.apply_all().await;
    bench.unassign(&users[0]).await;
    // One of five is the limit of 20 %, and one is never too many.
    bench.try_apply(ApplyOptions::default()).await.unwrap();
    bench.unassign(&users[1]).await;
    bench.unassign(&users[2]).await;
    bench.target.take_writes();
    let error = bench.try_apply(ApplyOptions::default()).await.unwrap_err();
    assert_eq!(error.code().id(), "OKT6010");
    assert_eq!(error.to_string(), "2 of 4 users would be deactivated, more than 20 %");
    assert!(bench.target.take_writes().is_empty());
    bench.apply_all().await;
    assert_eq!(bench.target.model(|model| model.active().len()), 2);
}

#[tokio::test]
async fn suspended_users_are_left_alone() {
    let mut bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    let staff = bench.pushed("Staff", &[&ada]).await;
    bench.apply_all().await;
    let lifecycle = |user: &str, step: &str| format!("/api/v1/users/{user}/lifecycle/{step}");
    bench.call("POST", &lifecycle(&ada, "suspend"), json!(null)).await;
    // Neither new values nor another membership, and whoever is new is not made.
    bench.update(&ada, json!({ "lastName": "Lovelace" })).await;
    let crew = bench.pushed("Crew", &[&ada]).await;
    let bob = bench.assigned("bob").await;
    bench.call("POST", &lifecycle(&bob, "suspend"), json!(null)).await;
    assert_eq!(ids(&bench.plan().await), [format!("create_group:{crew}")]);
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Staff").len(), 1));
    // Someone disabled the account there: it stays so.
    bench.target.model(|model| model.user_mut("ada@acme.example").insert("active".to_owned(), json!(false)));
    assert!(bench.plan().await.is_empty());
    // What is taken away is taken away.
    bench.leave(&staff, &ada).await;
    assert_eq!(ids(&bench.plan().await), [format!("remove_members:{staff}")]);
    bench.apply_all().await;
    let provisioner = bench.open().await;
    let explanation = provisioner.explain(&provisioner.plan().await.unwrap(), &bob).unwrap();
    assert_eq!((explanation.active, explanation.problem), (None, None));
    provisioner.close().await.unwrap();
    bench.settings = "[users]\nsuspended = \"deactivate\"".to_owned();
    assert!(bench.plan().await.is_empty());
    bench.call("POST", &lifecycle(&ada, "unsuspend"), json!(null)).await;
    bench.call("POST", &lifecycle(&bob, "unsuspend"), json!(null)).await;
    let mut kinds = kinds(&bench.plan().await);
    kinds.sort_unstable();
    assert_eq!(kinds, ["add_members", "create_user", "reactivate_user"]);
    bench.apply_all().await;
}

#[tokio::test]
async fn a_suspended_user_is_deactivated_whatever_the_values_and_names() {
    let mut bench = Bench::new().await;
    bench.settings = "[users]\nsuspended = \"deactivate\"\nuser_name = \"user.nickName\"".to_owned();
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let user = bench.assigned(name).await;
        bench.update(&user, json!({ "nickName": name })).await;
        users.push(user);
    }
    bench.apply_all().await;
    for user in &users[..2] {
        bench.call("POST", &format!("/api/v1/users/{user}/lifecycle/suspend"), json!(null)).await;
    }
    let plan = bench.plan().await;
    assert_eq!(plan.entries().next().unwrap().reason, "suspended in the org");
    // One has no name any more, the other that of someone who is active.
    bench.update(&users[0], json!({ "nickName": null })).await;
    bench.update(&users[1], json!({ "nickName": "cyd" })).await;
    let mut found = ids(&bench.plan().await);
    let mut expected = [format!("deactivate_user:{}", users[0]), format!("deactivate_user:{}", users[1])];
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    bench.apply().await;
    assert!(bench.plan().await.is_empty());
    bench.update(&users[1], json!({ "nickName": "bob" })).await;
    bench.call("POST", &format!("/api/v1/users/{}/lifecycle/unsuspend", users[1]), json!(null)).await;
    assert_eq!(kinds(&bench.plan().await), ["reactivate_user"]);
}

#[tokio::test]
async fn an_address_without_a_type_is_changed_beside_those_that_have_one() {
    for no_patch in [false, true] {
        let bench = Bench::with(FakeTarget::with(Habits { no_patch, ..Habits::default() }).await).await;
        bench.target.model(|model| {
            model.add_user(json!({ "userName": "ada@acme.example", "active": true, "emails": [
                { "value": "old@acme.example", "primary": true },
                { "value": "ada@home.example", "type": "home" },
            ] }))
        });
        bench.assigned("ada").await;
        bench.apply_all().await;
        bench.target.model(|model| {
            let emails = model.user("ada@acme.example").unwrap()["emails"].as_array().unwrap();
            let values: Vec<_> = emails.iter().map(|email| email["value"].as_str().unwrap()).collect();
            assert_eq!(values, ["ada@acme.example", "ada@home.example"]);
        });
    }
}
