//! Whatever happens in the org and at the target, one apply makes the target what it should be, and a second
//! one has nothing to do.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::org::Bench;
use crate::target::{Effect, Fault};

const USERS: usize = 4;
const GROUPS: usize = 3;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    Assign(usize),
    Unassign(usize),
    Retitle(usize, u8),
    Join(usize, usize),
    Leave(usize, usize),
    RenameGroup(usize, u8),
    /// At the target: a user is deleted, deactivated or given another name; members are taken out or put in.
    Delete(usize),
    Deactivate(usize),
    Blur(usize),
    Empty(usize),
    Intrude(usize),
    Fault(u8),
    Apply,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let (user, group) = (0..USERS, 0..GROUPS);
    let event = prop_oneof![
        4 => user.clone().prop_map(Event::Assign),
        2 => user.clone().prop_map(Event::Unassign),
        2 => (user.clone(), 0..3_u8).prop_map(|(user, title)| Event::Retitle(user, title)),
        4 => (group.clone(), user.clone()).prop_map(|(group, user)| Event::Join(group, user)),
        2 => (group.clone(), user.clone()).prop_map(|(group, user)| Event::Leave(group, user)),
        2 => (group.clone(), 0..4_u8).prop_map(|(group, name)| Event::RenameGroup(group, name)),
        1 => user.clone().prop_map(Event::Delete),
        1 => user.clone().prop_map(Event::Deactivate),
        1 => user.prop_map(Event::Blur),
        1 => group.clone().prop_map(Event::Empty),
        1 => group.prop_map(Event::Intrude),
        1 => (0..4_u8).prop_map(Event::Fault),
        3 => Just(Event::Apply),
    ];
    prop::collection::vec(event, 1..20)
}

/// What the org says, kept beside it.
#[derive(Default)]
struct Expected {
    assigned: BTreeSet<usize>,
    titles: BTreeMap<usize, String>,
    groups: BTreeMap<usize, (String, BTreeSet<usize>)>,
}

#[test]
fn one_apply_is_enough_after_anything() {
    let cases = std::env::var("OKTANT_PROVISION_PROGRAMS").map_or(12, |text| text.parse().expect("a number"));
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runner.run(&events(), |events| runtime.block_on(run(events))).unwrap();
}

async fn run(events: Vec<Event>) -> Result<(), TestCaseError> {
    let mut bench = Bench::new().await;
    "[mappings]\ntitle = \"user.title\"".clone_into(&mut bench.settings);
    let mut expected = Expected::default();
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for number in 0..USERS {
        users.push(bench.user(&format!("user{number}")).await);
    }
    for number in 0..GROUPS {
        groups.push(bench.pushed(&format!("Group {number}"), &[]).await);
        expected.groups.insert(number, (format!("Group {number}"), BTreeSet::new()));
    }
    for event in events {
        happen(&bench, &users, &groups, &mut expected, event).await;
    }
    bench.target.model(|model| model.faults.clear());
    bench.apply().await;
    let plan = bench.plan().await;
    prop_assert!(plan.is_empty(), "{}", oktant_provision::plan_table(&plan));
    prop_assert!(plan.drift.is_empty(), "{}", plan.drift.table());
    let login = |user: &usize| format!("user{user}@acme.example");
    bench.target.model(|model| {
        prop_assert_eq!(model.active(), expected.assigned.iter().map(login).collect::<BTreeSet<_>>());
        for user in &expected.assigned {
            let there = model.user(&login(user)).expect("an account");
            prop_assert_eq!(
                there.get("title").and_then(|title| title.as_str()),
                expected.titles.get(user).map(String::as_str)
            );
            prop_assert_eq!(&there["displayName"], &json!(format!("user{user} Doe")));
        }
        for (name, members) in expected.groups.values() {
            let members: BTreeSet<String> = members.intersection(&expected.assigned).map(login).collect();
            prop_assert_eq!(model.members(name), members, "{}", name);
        }
        prop_assert_eq!(model.groups.len(), GROUPS);
        Ok(())
    })
}

async fn happen(bench: &Bench, users: &[String], groups: &[String], expected: &mut Expected, event: Event) {
    match event {
        Event::Assign(user) => {
            if expected.assigned.insert(user) {
                bench.assign(&users[user]).await;
            }
        }
        Event::Unassign(user) => {
            if expected.assigned.remove(&user) {
                bench.unassign(&users[user]).await;
            }
        }
        Event::Retitle(user, title) => {
            let title = (title > 0).then(|| format!("Title {title}"));
            bench.update(&users[user], json!({ "title": title })).await;
            match title {
                Some(title) => expected.titles.insert(user, title),
                None => expected.titles.remove(&user),
            };
        }
        Event::Join(group, user) => {
            bench.join(&groups[group], &users[user]).await;
            expected.groups.get_mut(&group).expect("one of the groups").1.insert(user);
        }
        Event::Leave(group, user) => {
            if expected.groups.get_mut(&group).expect("one of the groups").1.remove(&user) {
                bench.leave(&groups[group], &users[user]).await;
            }
        }
        Event::RenameGroup(group, name) => {
            let name = format!("Group {name}");
            // The org has no two groups of one name.
            if !expected.groups.values().any(|(known, _)| *known == name) {
                bench.rename_group(&groups[group], &name).await;
                expected.groups.get_mut(&group).expect("one of the groups").0 = name;
            }
        }
        Event::Delete(user) => bench.target.model(|model| {
            let name = format!("user{user}@acme.example");
            if let Some(id) = model.user(&name).map(|user| user["id"].as_str().expect("an id").to_owned()) {
                model.users.remove(&id);
                for group in model.groups.values_mut() {
                    group.members.remove(&id);
                }
            }
        }),
        Event::Deactivate(user) => on_user(bench, user, "active", json!(false)),
        Event::Blur(user) => on_user(bench, user, "displayName", json!("someone")),
        Event::Empty(group) => bench.target.model(|model| {
            if let Some(group) = model.groups.values_mut().nth(group) {
                group.members.clear();
            }
        }),
        Event::Intrude(group) => bench.target.model(|model| {
            let intruder =
                model.add_user(json!({ "userName": format!("intruder{}", model.users.len()), "active": false }));
            if let Some(group) = model.groups.values_mut().nth(group) {
                group.members.insert(intruder);
            }
        }),
        Event::Fault(kind) => bench.target.model(|model| {
            let effect = [Effect::LoseAnswer, Effect::LoseRequest, Effect::Answer(500, ""), Effect::Throttle("1")];
            let effect = effect[usize::from(kind)].clone();
            let method = ["POST", "PATCH"][usize::from(kind) % 2];
            model.faults.push(Fault::new(method, "/", effect));
        }),
        Event::Apply => drop(bench.apply().await),
    }
}

fn on_user(bench: &Bench, user: usize, attribute: &str, value: serde_json::Value) {
    bench.target.model(|model| {
        let name = format!("user{user}@acme.example");
        if model.user(&name).is_some() {
            model.user_mut(&name).insert(attribute.to_owned(), value);
        }
    });
}
