//! Names that change hands: whose account or group it is, is asked before it is taken.

use oktant_base::Secret;
use oktant_provision::{ApplyOptions, history};
use serde_json::json;

use crate::org::{Bench, ids, kinds, text};
use crate::target::{Effect, Fault};

const DELETE_USERS: &str = "[users]\non_unassign = \"delete\"";
const NOBODY: &str = "{\"totalResults\":0,\"Resources\":[]}";

fn id_of(bench: &Bench, user: &str) -> String {
    bench.target.model(|model| text(&model.user(&format!("{user}@acme.example")).expect(user)["id"]))
}

/// Unassigns a user, takes the login away and gives it to a new one; gives the id of the new one.
async fn rehire(bench: &Bench, user: &str, name: &str) -> String {
    bench.unassign(user).await;
    bench.update(user, json!({ "login": format!("{name}.old@acme.example") })).await;
    bench.assigned(name).await
}

#[tokio::test]
async fn the_account_of_someone_gone_passes_to_the_next_of_that_name() {
    for settings in ["", DELETE_USERS] {
        let mut bench = Bench::new().await;
        settings.clone_into(&mut bench.settings);
        let first = bench.assigned("ada").await;
        let staff = bench.pushed("Staff", &[&first]).await;
        let crew = bench.pushed("Crew", &[&first]).await;
        bench.apply_all().await;
        let account = id_of(&bench, "ada");
        let second = rehire(&bench, &first, "ada").await;
        bench.join(&crew, &second).await;
        assert_eq!(ids(&bench.plan().await), [format!("adopt_user:{second}"), format!("remove_members:{staff}")]);
        bench.apply_all().await;
        assert_eq!(id_of(&bench, "ada"), account, "{settings}");
        bench.target.model(|model| {
            assert_eq!(model.users[&account]["externalId"], second);
            assert_eq!((model.active().len(), model.members("Staff").len(), model.members("Crew").len()), (1, 0, 1));
        });
        // The account is the second one's alone.
        bench.unassign(&second).await;
        let ending = if settings.is_empty() { "deactivate_user" } else { "delete_user" };
        assert_eq!(kinds(&bench.plan().await), [ending, "remove_members"]);
        bench.apply_all().await;
    }
}

#[tokio::test]
async fn an_account_that_was_deactivated_before_passes_on_as_well() {
    let bench = Bench::new().await;
    let first = bench.assigned("ada").await;
    bench.apply_all().await;
    bench.unassign(&first).await;
    bench.apply_all().await;
    let second = rehire_gone(&bench, &first).await;
    assert_eq!(ids(&bench.plan().await), [format!("reactivate_user:{second}")]);
    bench.apply_all().await;
    assert_eq!(bench.target.model(|model| model.users.len()), 1);
}

async fn rehire_gone(bench: &Bench, user: &str) -> String {
    bench.update(user, json!({ "login": "ada.old@acme.example" })).await;
    bench.assigned("ada").await
}

/// What a run leaves behind that is killed after it took something over, before it forgot whose that was.
#[tokio::test]
async fn what_two_are_remembered_for_stays_with_the_one_who_has_it() {
    let mut bench = Bench::new().await;
    bench.settings = format!("{DELETE_USERS}\n[groups]\non_unlink = \"delete\"");
    let ada = bench.assigned("ada").await;
    bench.pushed("Staff", &[&ada]).await;
    bench.apply_all().await;
    let state = rusqlite::Connection::open(bench.state()).unwrap();
    state
        .execute_batch(
            "INSERT INTO users SELECT key + 1000, '00uGone', scim_id, active, sent, answered FROM users; \
             INSERT INTO groups SELECT key + 1000, '00gGone', scim_id, name FROM groups",
        )
        .unwrap();
    let plan = bench.plan().await;
    assert!(plan.is_empty(), "{:?}", ids(&plan));
    bench.apply_all().await;
    let rows = |table: &str| -> i64 {
        state.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(["users", "groups", "members"].map(rows), [1; 3]);
}

#[tokio::test]
async fn a_suspended_user_takes_no_account_over() {
    let mut bench = Bench::new().await;
    bench.settings = "[users]\nsuspended = \"deactivate\"".to_owned();
    let first = bench.assigned("ada").await;
    bench.apply_all().await;
    let second = rehire(&bench, &first, "ada").await;
    bench.call("POST", &format!("/api/v1/users/{second}/lifecycle/suspend"), json!(null)).await;
    assert_eq!(ids(&bench.plan().await), [format!("deactivate_user:{first}")]);
    bench.apply_all().await;
}

#[tokio::test]
async fn a_name_that_is_handed_on_is_waited_for() {
    // The second time the name is set free between the conflict and the look-up.
    for looked_up in [false, true] {
        let bench = Bench::new().await;
        let ada = bench.assigned("ada").await;
        bench.apply_all().await;
        let account = id_of(&bench, "ada");
        bench.update(&ada, json!({ "login": "countess@acme.example" })).await;
        bench.assigned("ada").await;
        bench.target.model(|model| {
            model.faults = vec![Fault::new("PATCH", "/Users", Effect::Answer(503, ""))];
            if looked_up {
                // Spared are the requests of preflight and plan.
                model.faults.push(Fault { skip: 2, ..Fault::new("GET", "/Users", Effect::Answer(200, NOBODY)) });
            }
        });
        let passwords = vec![("ada@acme.example".to_owned(), Secret::new("Correct-horse-8".to_owned()))];
        let report = bench.try_apply(ApplyOptions { passwords, ..ApplyOptions::default() }).await.unwrap();
        assert_eq!(report.reasons, Vec::<String>::new());
        assert_eq!(id_of(&bench, "countess"), account);
        bench.target.model(|model| {
            assert!(model.faults.is_empty());
            assert_eq!(model.user("ada@acme.example").unwrap()["password"], "Correct-horse-8");
            assert_eq!((model.users.len(), &model.users[&account]["externalId"]), (2, &json!(ada)));
        });
        bench.apply_all().await;
    }
}

#[tokio::test]
async fn the_account_of_another_assigned_user_is_never_taken_over() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    bench.apply_all().await;
    bench.update(&ada, json!({ "login": "countess@acme.example" })).await;
    let second = bench.assigned("ada").await;
    bench.target.model(|model| {
        model.faults = vec![Fault::new("PATCH", "/Users", Effect::Answer(400, "{}")).times(99)];
    });
    let report = bench.apply().await;
    assert_eq!((report.failed, report.blocked), (1, 1), "{:?}", report.reasons);
    let log = history(&bench.state()).unwrap().outcomes(report.run).unwrap();
    let blocked = log.iter().find(|outcome| outcome.result == "blocked").unwrap();
    assert_eq!(blocked.change, format!("create_user:{second}"));
    assert!(blocked.reason.contains(&format!("belongs to countess@acme.example ({ada})")), "{}", blocked.reason);
    bench.target.model(|model| {
        assert_eq!((model.users.len(), &model.user("ada@acme.example").unwrap()["externalId"]), (1, &json!(ada)));
        model.faults.clear();
    });
    bench.apply_all().await;
}

#[tokio::test]
async fn an_account_that_is_found_but_cannot_be_written_is_made_anew_once() {
    let mut bench = Bench::new().await;
    bench.target_settings = "kind = \"snowflake\"".to_owned();
    bench.assigned("ada").await;
    bench.target.model(|model| {
        model.add_user(json!({ "userName": "ada@acme.example" }));
        model.faults = vec![Fault::new("PATCH", "/Users", Effect::Answer(404, "{}")).times(40)];
    });
    let report = bench.apply().await;
    assert_eq!(report.blocked, 1);
    assert!(report.reasons[0].contains("GRANT OWNERSHIP ON USER \"ada@acme.example\""), "{:?}", report.reasons);
    let posts = bench.target.take_writes().iter().filter(|write| write.method == "POST").count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_group_deleted_sets_its_name_free_before_the_next_is_made() {
    let mut bench = Bench::new().await;
    bench.settings = "[groups]\non_unlink = \"delete\"".to_owned();
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let (before, after) = replaced_group(&bench, &ada, &bob).await;
    assert_eq!(
        ids(&bench.plan().await),
        [format!("create_group:{after}"), format!("add_members:{after}"), format!("delete_group:{before}")]
    );
    let old = bench.target.model(|model| model.groups.keys().next().unwrap().clone());
    bench.apply_all().await;
    bench.target.model(|model| {
        assert!(model.groups.len() == 1 && !model.groups.contains_key(&old));
        assert_eq!(model.members("Staff"), ["bob@acme.example".to_owned()].into());
    });
}

#[tokio::test]
async fn a_group_that_is_taken_over_is_not_deleted_for_the_one_before() {
    for policy in ["keep", "delete"] {
        let mut bench = Bench::new().await;
        bench.settings = format!("[groups]\nadopt = true\nforeign_members = \"keep\"\non_unlink = \"{policy}\"");
        let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
        let (_, after) = replaced_group(&bench, &ada, &bob).await;
        let expected = ["adopt_group", "add_members", "remove_members"].map(|kind| format!("{kind}:{after}"));
        assert_eq!(ids(&bench.plan().await), expected);
        let old = bench.target.model(|model| model.groups.keys().next().unwrap().clone());
        bench.apply_all().await;
        bench.target.model(|model| {
            assert!(model.groups.len() == 1 && model.groups.contains_key(&old));
            assert_eq!(model.members("Staff"), ["bob@acme.example".to_owned()].into());
        });
    }
}

/// Pushes a group with `ada`, and in its place another one of its name with `bob`; gives the ids of both.
async fn replaced_group(bench: &Bench, ada: &str, bob: &str) -> (String, String) {
    let before = bench.group("Staff", &[ada]).await;
    let mapping = bench.push(&before, "Staff").await;
    bench.apply_all().await;
    bench.unpush(&mapping).await;
    bench.rename_group(&before, "Staff of old").await;
    (before, bench.pushed("Staff", &[bob]).await)
}

#[tokio::test]
async fn the_group_of_another_pushed_group_is_never_taken_over() {
    // The name is not set free; the answer to the request for the new group says so, or is lost.
    for (settings, effect) in [("[groups]\nadopt = true", None), ("", Some(Effect::Answer(500, "")))] {
        let mut bench = Bench::new().await;
        settings.clone_into(&mut bench.settings);
        let ada = bench.assigned("ada").await;
        let staff = bench.pushed("Staff", &[&ada]).await;
        bench.apply_all().await;
        bench.rename_group(&staff, "Crew").await;
        let second = bench.pushed("Staff", &[]).await;
        bench.target.model(|model| {
            model.faults = vec![Fault::new("PATCH", "/Groups", Effect::Answer(400, "{}")).times(99)];
            model.faults.extend(effect.map(|effect| Fault::new("POST", "/Groups", effect)));
        });
        let report = bench.apply().await;
        assert_eq!((report.failed, report.blocked), (1, 1), "{:?}", report.reasons);
        assert!(report.reasons.iter().any(|reason| reason.contains("belongs to Crew")), "{:?}", report.reasons);
        bench.target.model(|model| model.faults.clear());
        assert_eq!(ids(&bench.plan().await).len(), 2);
        bench.apply_all().await;
        bench.target.model(|model| assert_eq!(model.members("Crew").len(), 1));
        assert!(!second.is_empty());
    }
}

#[tokio::test]
async fn a_name_that_no_rename_sets_free_is_blocked_in_the_plan() {
    let mut bench = Bench::new().await;
    bench.settings = "[groups]\nadopt = true\nrename = false".to_owned();
    let staff = bench.pushed("Staff", &[]).await;
    bench.apply_all().await;
    bench.rename_group(&staff, "Crew").await;
    let second = bench.pushed("Staff", &[]).await;
    assert_eq!(ids(&bench.plan().await), [format!("blocked:{second}")]);
}

#[tokio::test]
async fn the_log_says_why_a_group_was_taken_over() {
    let mut bench = Bench::new().await;
    bench.settings = "[groups]\nadopt = true".to_owned();
    bench.pushed("Staff", &[]).await;
    // It is made after the target was read.
    let provisioner = bench.open().await;
    let plan = provisioner.plan().await.unwrap();
    bench.target.model(|model| model.add_group("Staff", &[]));
    provisioner.apply(&plan, ApplyOptions::default()).await.unwrap();
    provisioner.close().await.unwrap();
    let outcomes = history(&bench.state()).unwrap().outcomes(1).unwrap();
    assert_eq!(outcomes[0].reason, "the name was taken: taken over");
}
