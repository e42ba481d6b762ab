//! Pushed groups: created, renamed, members in batches, nested, taken over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Clock as _, Coded as _, ManualClock, SystemClock};
use oktant_provision::{ApplyOptions, history};
use oktant_sandbox::{Effect, Fault, Sandbox};

use crate::org::{Bench, ids, kinds, open};
use crate::target::{Effect as TargetEffect, FakeTarget, Fault as TargetFault, Habits};

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("{name}@acme.example")).collect()
}

#[tokio::test]
async fn a_group_is_pushed_with_those_who_are_assigned() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let cyd = bench.user("cyd").await;
    let staff = bench.pushed("Staff", &[&ada, &bob, &cyd]).await;
    let plan = bench.plan().await;
    assert_eq!(kinds(&plan), ["create_user", "create_user", "create_group", "add_members"]);
    assert_eq!(plan.summary().requests, 4);
    assert_eq!(plan.warnings[0].message, "2 memberships wait until their users are created");
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Staff"), names(&["ada", "bob"])));

    bench.leave(&staff, &ada).await;
    bench.assign(&cyd).await;
    let plan = bench.plan().await;
    assert_eq!(kinds(&plan), ["create_user", "add_members", "remove_members"]);
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Staff"), names(&["bob", "cyd"])));

    bench.unassign(&bob).await;
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Staff"), names(&["cyd"])));
}

#[tokio::test]
async fn a_paused_mapping_and_an_ended_one_leave_the_group_as_it_is() {
    let mut bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    let staff = bench.group("Staff", &[&ada]).await;
    let mapping = bench.push(&staff, "Staff").await;
    bench.apply_all().await;
    let path = format!("/api/v1/apps/{}/group-push/mappings/{mapping}", bench.app);
    bench.call("PATCH", &path, serde_json::json!({ "status": "INACTIVE" })).await;
    bench.leave(&staff, &ada).await;
    assert!(bench.plan().await.is_empty());
    bench.call("PATCH", &path, serde_json::json!({ "status": "ACTIVE" })).await;
    assert_eq!(kinds(&bench.plan().await), ["remove_members"]);
    bench.unpush(&mapping).await;
    assert!(bench.plan().await.is_empty());
    bench.settings = "[groups]\non_unlink = \"delete\"".to_owned();
    assert_eq!(ids(&bench.plan().await), [format!("delete_group:{staff}")]);
    bench.apply_all().await;
    assert!(bench.target.model(|model| model.groups.is_empty()));
}

#[tokio::test]
async fn names_are_swapped_through_a_third_one() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    let mut groups = Vec::new();
    for name in ["A", "B", "C", "D"] {
        let members: &[&str] = if name == "A" { &[ada.as_str()] } else { &[] };
        groups.push(bench.pushed(name, members).await);
    }
    bench.apply_all().await;
    let before = bench.target.model(|model| model.groups.clone());
    // A and B change places, C takes D's name and D another one. The org itself needs a third name, too.
    for (group, name) in [(0, "X"), (1, "A"), (0, "B"), (3, "E"), (2, "D")] {
        bench.rename_group(&groups[group], name).await;
    }
    bench.target.take_writes();
    assert_eq!(kinds(&bench.plan().await), ["rename_group"; 4]);
    bench.apply_all().await;
    assert_eq!(bench.target.take_writes().len(), 5);
    bench.target.model(|model| {
        for (id, group) in &before {
            let expected = match group.name.as_str() {
                "A" => "B",
                "B" => "A",
                "C" => "D",
                _ => "E",
            };
            assert_eq!(model.groups[id].name, expected);
            assert_eq!(model.groups[id].members, group.members);
        }
    });
}

#[tokio::test]
async fn a_group_does_not_wait_for_users_that_take_longer() {
    let waits_for_members = Some(("gus@acme.example", 4));
    let target = FakeTarget::with(Habits { members_max: 2, waits_for_members, ..Habits::default() }).await;
    let mut bench = Bench::with(target).await;
    bench.settings = "[groups]\nbatch = 2".to_owned();
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd", "dot", "eve", "fay", "gus"] {
        users.push(bench.assigned(name).await);
    }
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    bench.pushed("Staff", &users).await;
    // Whole batches go in at once, what is left behind them: as many requests as the plan says.
    let planned = bench.plan().await.summary().requests;
    let report = tokio::time::timeout(Duration::from_mins(1), bench.apply_all()).await.expect("nothing waits for gus");
    assert_eq!(bench.target.take_writes().len() as u64, planned);
    assert_eq!(report.deferred, 0);
    let all = names(&["ada", "bob", "cyd", "dot", "eve", "fay", "gus"]);
    bench.target.model(|model| assert_eq!(model.members("Staff"), all));
}

#[tokio::test]
async fn members_go_in_batches_and_one_bad_member_spoils_nobody_else() {
    let target = FakeTarget::with(Habits { members_max: 3, ..Habits::default() }).await;
    let mut bench = Bench::with(target).await;
    bench.settings = "[groups]\nbatch = 3".to_owned();
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd", "dot", "eve", "fay", "gus"] {
        users.push(bench.assigned(name).await);
    }
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let staff = bench.pushed("Staff", &users[..6]).await;
    bench.apply_all().await;
    let patches = |bench: &Bench| {
        let writes = bench.target.take_writes();
        writes.iter().filter(|write| write.method == "PATCH" && write.path.starts_with("/Groups")).count()
    };
    assert_eq!(patches(&bench), 2);

    // One goes and one comes: one request.
    bench.leave(&staff, users[0]).await;
    bench.join(&staff, users[6]).await;
    bench.apply_all().await;
    assert_eq!(patches(&bench), 1);

    // The target rejects one of the members.
    bench.target.model(|model| {
        let bad = model.user("cyd@acme.example").unwrap()["id"].as_str().unwrap().to_owned();
        let group = model.groups.values_mut().next().unwrap();
        group.members.clear();
        model.habits.rejects_member = Some(bad);
    });
    let report = bench.apply().await;
    assert_eq!(report.failed, 1);
    assert!(report.reasons[0].contains("cyd@acme.example"), "{:?}", report.reasons);
    bench.target.model(|model| assert_eq!(model.members("Staff"), names(&["bob", "dot", "eve", "fay", "gus"])));
    bench.target.model(|model| model.habits.rejects_member = None);
    bench.apply_all().await;
}

#[tokio::test]
async fn nested_groups_are_flattened_and_explained() {
    let mut bench = Bench::new().await;
    let (ada, bob, cyd) = (bench.assigned("ada").await, bench.assigned("bob").await, bench.assigned("cyd").await);
    bench.group("Engineering", &[&ada]).await;
    let backend = bench.group("Backend", &[&bob]).await;
    bench.group("Storage", &[&cyd, &bob]).await;
    bench.settings = "[groups]\nnames = [\"Engineering\"]\n[groups.nested]\n\
                      Engineering = [\"Backend\"]\nBackend = [\"Storage\"]"
        .to_owned();
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Engineering"), names(&["ada", "bob", "cyd"])));
    let provisioner = bench.open().await;
    let plan = provisioner.plan().await.unwrap();
    let explained = provisioner.explain(&plan, "bob@acme.example").unwrap();
    assert_eq!(explained.groups[0].paths, ["Engineering > Backend", "Engineering > Backend > Storage"]);
    assert!(explained.groups[0].at_target && explained.pending.is_empty());
    assert_eq!(provisioner.explain(&plan, "nobody").unwrap_err().code().id(), "OKT2006");
    provisioner.close().await.unwrap();

    // Leaving one of two ways in changes nothing.
    bench.leave(&backend, &bob).await;
    assert!(bench.plan().await.is_empty());

    bench.settings = bench.settings.replace("[\"Storage\"]", "[\"Engineering\"]");
    let error = open_and_plan(&bench).await;
    assert_eq!(error, "OKT6016 groups contain each other: Engineering > Backend > Engineering");
    bench.settings = "[groups]\nnames = [\"engineering\"]".to_owned();
    assert_eq!(open_and_plan(&bench).await, "OKT6016 no group of the org has the name or id \"engineering\"");
}

async fn open_and_plan(bench: &Bench) -> String {
    let path = bench.folder.path().join("provision.toml");
    let provisioner = open(&bench.file(), &path, &bench.sandbox.dsn()).await.expect("success");
    let error = provisioner.plan().await.expect_err("an error");
    provisioner.close().await.expect("success");
    // Circles are named in an order that depends on ids; the first name is made the one that comes last in the alphabet.
    format!("{} {error}", error.code().id())
        .replace("Backend > Engineering > Backend", "Engineering > Backend > Engineering")
}

#[tokio::test]
async fn a_group_of_the_same_name_is_taken_over_only_if_told_to() {
    let mut bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    let foreign = bench.target.model(|model| {
        let foreign = model.add_user(serde_json::json!({ "userName": "service", "active": true }));
        model.add_group("STAFF", &[&foreign]);
        foreign
    });
    bench.pushed("Staff", &[&ada]).await;
    let plan = bench.plan().await;
    assert_eq!(kinds(&plan), ["create_user", "blocked"]);
    let blocked = plan.entries().last().unwrap();
    assert!(blocked.hint.unwrap().starts_with("set groups.adopt = true"));
    bench.settings = "[groups]\nadopt = true\nforeign_members = \"keep\"".to_owned();
    assert_eq!(kinds(&bench.plan().await), ["create_user", "adopt_group", "rename_group", "add_members"]);
    bench.apply().await;
    assert!(bench.plan().await.is_empty());
    bench.target.model(|model| {
        let members: BTreeSet<String> = ["ada@acme.example".to_owned(), "service".to_owned()].into();
        assert_eq!(model.members("Staff"), members);
    });
    let drift = bench.plan().await.drift;
    assert_eq!((drift.drift.len(), drift.drift[0].policy), (1, "keep"));
    bench.settings = "[groups]\nadopt = true".to_owned();
    assert_eq!(kinds(&bench.plan().await), ["remove_members"]);
    bench.apply_all().await;
    bench.target.model(|model| assert!(!model.groups.values().any(|group| group.members.contains(&foreign))));
}

#[tokio::test]
async fn members_whose_accounts_are_missing_are_deferred_not_dropped() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let staff = bench.pushed("Staff", &[&ada, &bob]).await;
    bench.target.model(|model| model.habits.hidden = ["bob@acme.example".to_owned()].into());
    bench.target.model(|model| model.add_user(serde_json::json!({ "userName": "bob@acme.example" })));
    let report = bench.apply().await;
    assert_eq!((report.done, report.blocked, report.deferred), (3, 1, 1));
    let log = history(&bench.state()).unwrap();
    let outcomes = log.outcomes(1).unwrap();
    let deferred = outcomes.iter().find(|outcome| outcome.result == "deferred").unwrap();
    assert_eq!(deferred.change, format!("add_members:{staff}"));
    bench.target.model(|model| model.habits.hidden.clear());
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Staff"), names(&["ada", "bob"])));
}

#[tokio::test]
async fn members_of_a_group_that_has_not_changed_are_read_once() {
    // An org whose times are an hour old: a membership counts as settled after a minute.
    let clock = Arc::new(ManualClock::at(SystemClock.now() - chrono::TimeDelta::hours(1)));
    let bench = Bench::of(Sandbox::builder().clock(clock.clone()), FakeTarget::start().await).await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let staff = bench.pushed("Staff", &[&ada]).await;
    bench.pushed("Crew", &[&ada]).await;
    let provisioner = bench.open().await;
    let reads = |bench: &Bench| {
        let requests = bench.sandbox.requests();
        bench.sandbox.clear_requests();
        requests
            .iter()
            .filter(|request| request.path.starts_with("/api/v1/groups/") && request.path.ends_with("/users"))
            .count()
    };
    provisioner.plan().await.unwrap();
    assert_eq!(reads(&bench), 2);
    provisioner.plan().await.unwrap();
    assert_eq!(reads(&bench), 0);
    clock.advance(Duration::from_secs(1));
    bench.join(&staff, &bob).await;
    bench.sandbox.clear_requests();
    let plan = provisioner.plan().await.unwrap();
    assert_eq!(reads(&bench), 1);
    let members: usize = plan.entries().filter_map(|entry| entry.members).map(|members| members.count).sum();
    assert_eq!(members, 3);
    provisioner.close().await.unwrap();
}

#[tokio::test]
async fn an_org_that_no_longer_says_what_it_pushes_takes_no_group_away() {
    let mut bench = Bench::new().await;
    let feature_missing = || Fault {
        method: Some("GET".to_owned()),
        path: "/api/v1/apps/*/group-push/mappings".to_owned(),
        request: 1,
        page: None,
        times: 0,
        effect: Effect::ErrorCode { code: "E0000015".to_owned(), status: 401 },
    };
    // An application that never pushed a group may lack the feature, and groups of the file need none.
    bench.sandbox.add_fault(feature_missing());
    bench.group("Crew", &[]).await;
    bench.settings = "[groups]\nnames = [\"Crew\"]\non_unlink = \"delete\"".to_owned();
    bench.apply_all().await;
    bench.sandbox.clear_faults();
    bench.pushed("Staff", &[]).await;
    bench.apply_all().await;
    bench.sandbox.add_fault(feature_missing());
    let error = open_and_plan(&bench).await;
    assert!(error.starts_with("OKT6016 the org does not say which groups the application pushes"), "{error}");
    bench.settings = format!("{}\nmappings = false", bench.settings);
    assert_eq!(kinds(&bench.plan().await), ["delete_group"]);
}

#[tokio::test]
async fn groups_deleted_and_the_members_they_had_are_safeguarded() {
    let mut bench = Bench::new().await;
    bench.settings = "[groups]\non_unlink = \"delete\"".to_owned();
    let ada = bench.assigned("ada").await;
    let mut mappings = Vec::new();
    for name in ["A", "B", "C"] {
        let group = bench.group(name, &[&ada]).await;
        mappings.push(bench.push(&group, name).await);
    }
    bench.apply_all().await;
    bench.unpush(&mappings[0]).await;
    assert_eq!(bench.plan().await.tripped, Vec::<String>::new());
    bench.unpush(&mappings[1]).await;
    let error = bench.try_apply(ApplyOptions::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 of 3 members would be removed from groups, more than 20 %; \
         2 of 3 groups would be deleted, more than 20 %"
    );
    bench.settings += "\n[safeguards]\ndelete_groups_percent = 70\nremove_members_percent = 70";
    bench.try_apply(ApplyOptions::default()).await.unwrap();
}

#[tokio::test]
async fn the_memberships_of_an_account_that_ends_count_with_the_account() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let mut groups = Vec::new();
    for name in ["A", "B", "C"] {
        groups.push(bench.pushed(name, &[&ada, &bob]).await);
    }
    bench.apply_all().await;
    bench.unassign(&ada).await;
    let plan = bench.plan().await;
    assert_eq!(kinds(&plan), ["deactivate_user", "remove_members", "remove_members", "remove_members"]);
    assert_eq!(plan.tripped, Vec::<String>::new());
    // The account ends, the memberships do not: the next run makes up for it without force.
    bench.target.model(|model| {
        model.faults = vec![TargetFault::new("PATCH", "/Groups", TargetEffect::Answer(400, "{}")).times(3)];
    });
    let report = bench.try_apply(ApplyOptions::default()).await.unwrap();
    assert_eq!((report.done, report.failed), (1, 3));
    assert_eq!(bench.plan().await.tripped, Vec::<String>::new());
    bench.try_apply(ApplyOptions::default()).await.unwrap().complete().unwrap();
    // Of someone who keeps the account, each membership counts.
    for group in &groups[..2] {
        bench.leave(group, &bob).await;
    }
    assert_eq!(bench.plan().await.tripped, ["2 of 3 members would be removed from groups, more than 20 %"]);
}
