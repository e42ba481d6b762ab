//! What goes wrong at the target and on the way to it.

use std::time::Duration;

use oktant_base::{Coded as _, Secret};
use oktant_provision::{ApplyOptions, history};
use serde_json::json;

use crate::org::Bench;
use crate::target::{Effect, FakeTarget, Fault, Habits};

fn log_of(bench: &Bench) -> Vec<String> {
    let log = history(&bench.state()).expect("success");
    let run = log.runs().expect("success")[0].run;
    log.outcomes(run)
        .expect("success")
        .into_iter()
        .map(|outcome| format!("{}: {}", outcome.result, outcome.reason))
        .collect()
}

fn posts(bench: &Bench, path: &str) -> usize {
    bench.target.model(|model| model.log.iter().filter(|entry| entry.method == "POST" && entry.path == path).count())
}

#[tokio::test]
async fn passing_faults_are_waited_out() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    bench.pushed("Staff", &[&ada]).await;
    bench.target.model(|model| {
        model.faults = vec![
            Fault::new("POST", "/Users", Effect::Throttle("2")).times(3),
            Fault::new("POST", "/Groups", Effect::Answer(503, "")).times(2),
            Fault::new("PATCH", "/Groups", Effect::Answer(500, "{\"detail\":\"boom\"}")).times(2),
            Fault::new("PATCH", "/Groups", Effect::LoseAnswer),
            Fault::new("GET", "/Users", Effect::LoseRequest).times(2),
            Fault::new("GET", "/Groups", Effect::Answer(502, "<html>bad gateway</html>")),
        ];
    });
    bench.apply_all().await;
    assert!(bench.target.model(|model| model.faults.is_empty()));
}

#[tokio::test]
async fn a_lost_answer_does_not_create_twice() {
    for effect in [Effect::LoseAnswer, Effect::LoseRequest, Effect::Answer(500, ""), Effect::Answer(201, "")] {
        let bench = Bench::new().await;
        let ada = bench.assigned("ada").await;
        bench.pushed("Staff", &[&ada]).await;
        bench.target.model(|model| {
            model.faults =
                vec![Fault::new("POST", "/Users", effect.clone()), Fault::new("POST", "/Groups", effect.clone())];
        });
        bench.apply_all().await;
        let was_done = matches!(effect, Effect::LoseAnswer);
        let expected = if was_done { 1 } else { 2 };
        assert_eq!((posts(&bench, "/Users"), posts(&bench, "/Groups")), (expected, expected), "{effect:?}");
        bench.target.model(|model| assert_eq!((model.users.len(), model.groups.len()), (1, 1), "{effect:?}"));
        if was_done {
            assert_eq!(log_of(&bench)[0], "done: the answer was lost: found at the target");
        }
    }
}

#[tokio::test]
async fn a_conflict_is_taken_over_or_says_who_has_to_act() {
    let mut bench = Bench::new().await;
    bench.target_settings = "kind = \"snowflake\"".to_owned();
    bench.settings = "[snowflake]\nrun_as_role = \"SCIM_ROLE\"".to_owned();
    bench.assigned("ada").await;
    bench.target.model(|model| {
        model.add_user(json!({ "userName": "ada@acme.example" }));
        model.habits.hidden = ["ada@acme.example".to_owned()].into();
    });
    let report = bench.apply().await;
    assert_eq!(report.blocked, 1);
    let reason = &report.reasons[0];
    assert!(reason.contains("User exists with given userName"), "{reason}");
    assert!(reason.ends_with("GRANT OWNERSHIP ON USER \"ada@acme.example\" TO ROLE SCIM_ROLE"), "{reason}");
    // The owner acts: the next run takes the user over.
    bench.target.model(|model| model.habits.hidden.clear());
    bench.apply_all().await;
    assert_eq!(log_of(&bench), ["done: has the same userName"]);
}

#[tokio::test]
async fn a_refused_token_stops_the_run_at_once() {
    let bench = Bench::new().await;
    for name in ["ada", "bob", "cyd"] {
        bench.assigned(name).await;
    }
    bench.target.model(|model| {
        let expired = "{\"detail\":\"Access token expired\"}";
        model.faults = vec![Fault::new("POST", "/Users", Effect::Answer(401, expired)).times(99)];
    });
    let error = bench.try_apply(ApplyOptions::default()).await.unwrap_err();
    assert_eq!(error.code().id(), "OKT6005");
    assert!(error.hint().unwrap().contains("SYSTEM$GENERATE_SCIM_ACCESS_TOKEN"), "{:?}", error.hint());
    // Nothing is marked as failed.
    assert!(log_of(&bench).is_empty());
    let runs = history(&bench.state()).unwrap().runs().unwrap();
    assert_eq!(runs[0].outcome.as_deref(), Some("stopped: the target refused the token: Access token expired"));
    bench.target.model(|model| model.faults.clear());
    bench.apply_all().await;
}

#[tokio::test]
async fn preflight_names_what_is_wrong_before_the_first_write() {
    let page = "<html><body>Access denied by network policy</body></html>";
    for (effect, code, words) in [
        (Effect::Answer(401, "{\"detail\":\"Access token expired\"}"), "OKT6005", "Access token expired"),
        (Effect::Answer(403, page), "OKT6006", "Access denied by network policy"),
        (Effect::Answer(200, "{\"hello\":1}"), "OKT6008", "it is no list of resources"),
        (Effect::Answer(200, page), "OKT6008", "it is no JSON"),
        (Effect::Answer(302, ""), "OKT6008", "where the token is not sent"),
        (Effect::Answer(404, page), "OKT6008", "404 with a web page"),
    ] {
        let bench = Bench::new().await;
        bench.assigned("ada").await;
        bench.target.model(|model| model.faults = vec![Fault::new("GET", "/Users", effect.clone()).times(9)]);
        let error = bench.try_apply(ApplyOptions::default()).await.unwrap_err();
        assert_eq!(error.code().id(), code, "{effect:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(bench.target.take_writes().is_empty());
    }
}

#[tokio::test]
async fn access_is_taken_away_whatever_happens_to_the_others() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    let staff = bench.pushed("Staff", &[&ada, &bob]).await;
    bench.apply_all().await;
    bench.unassign(&ada).await;
    bench.leave(&staff, &ada).await;
    bench.assigned("cyd").await;
    bench.target.model(|model| {
        model.faults = vec![Fault::new("POST", "/Users", Effect::Answer(500, "")).times(99)];
        model.log.clear();
    });
    let report = bench.apply().await;
    assert_eq!((report.done, report.failed), (2, 1));
    let order: Vec<String> = bench.target.model(|model| {
        model
            .log
            .iter()
            .filter(|entry| entry.method != "GET")
            .map(|entry| format!("{} {}", entry.method, entry.path))
            .collect()
    });
    let last_create = order.iter().rposition(|entry| entry == "POST /Users").unwrap();
    let removals: Vec<usize> = (0..order.len()).filter(|index| order[*index].starts_with("PATCH")).collect();
    assert_eq!(removals.len(), 2);
    assert!(removals.iter().all(|index| *index < last_create), "{order:?}");
    bench.target.model(|model| model.faults.clear());
    bench.apply_all().await;
}

#[tokio::test]
async fn what_vanished_at_the_target_is_made_again() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    bench.pushed("Staff", &[&ada, &bob]).await;
    bench.apply_all().await;
    bench.target.model(|model| {
        let id = model.user("ada@acme.example").unwrap()["id"].as_str().unwrap().to_owned();
        model.users.remove(&id);
        model.groups.clear();
    });
    let plan = bench.plan().await;
    assert_eq!(plan.drift.drift.len(), 2);
    bench.apply_all().await;
    bench.target.model(|model| assert_eq!(model.members("Staff").len(), 2));
}

#[tokio::test]
async fn half_a_list_is_no_list() {
    let bench = Bench::new().await;
    bench.assigned("ada").await;
    bench.apply_all().await;
    let short = "{\"totalResults\":5,\"Resources\":[{\"id\":\"u1\",\"userName\":\"ada@acme.example\"}]}";
    let empty = "{\"totalResults\":5,\"Resources\":[]}";
    for pages in [[short, empty], [short, short]] {
        bench.target.model(|model| {
            let page = |text: &'static str| Fault::new("GET", "/Users", Effect::Answer(200, text));
            model.faults = [pages, pages].into_iter().flatten().map(page).collect();
        });
        let provisioner = bench.open().await;
        let error = provisioner.plan().await.unwrap_err();
        assert_eq!(error.code().id(), "OKT6009", "{error}");
        provisioner.close().await.unwrap();
        bench.target.model(|model| model.faults.clear());
    }
}

#[tokio::test]
async fn a_name_that_a_later_update_sets_free_is_taken_in_the_same_run() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.assigned("ada").await, bench.assigned("bob").await);
    bench.apply_all().await;
    bench.update(&bob, json!({ "login": "bob2@acme.example" })).await;
    bench.update(&ada, json!({ "login": "bob@acme.example" })).await;
    bench.apply_all().await;
}

#[tokio::test]
async fn the_limit_of_the_target_is_found_and_nothing_is_lost() {
    const USERS: usize = 120;
    let habits = Habits { in_flight_max: 6, latency: Duration::from_millis(5), ..Habits::default() };
    let bench = Bench::with(FakeTarget::with(habits).await).await;
    for number in 0..USERS {
        bench.assigned(&format!("user{number}")).await;
    }
    let report = bench.apply_all().await;
    assert_eq!(report.done, USERS);
    assert_eq!(bench.target.model(|model| model.users.len()), USERS);
    assert!(bench.target.most_in_flight() <= 16, "{}", bench.target.most_in_flight());
}

#[tokio::test]
async fn a_created_user_without_a_readable_id_is_reported() {
    let bench = Bench::new().await;
    bench.assigned("ada").await;
    bench.target.model(|model| {
        let made = "{\"id\":17,\"userName\":\"ada@acme.example\"}";
        model.faults = vec![Fault::new("POST", "/Users", Effect::Answer(201, made))];
    });
    let report = bench.apply().await;
    assert_eq!((report.done, report.failed), (0, 1));
    assert_eq!(log_of(&bench), ["failed: the target answered with an id that is no text"]);
}

#[tokio::test]
async fn a_group_whose_creation_was_not_cleared_up_is_taken_over_by_the_next_run() {
    // The look at what came of the lost answer: an expired token ends the run, an outage only the change.
    for (status, times) in [(401, 1), (503, 100)] {
        let bench = Bench::new().await;
        let ada = bench.assigned("ada").await;
        bench.pushed("Staff", &[&ada]).await;
        let lost = Fault::new("POST", "/Groups", Effect::LoseAnswer);
        // Preflight and plan ask before.
        let refused = Fault { skip: 2, ..Fault::new("GET", "/Groups", Effect::Answer(status, "{}")).times(times) };
        bench.target.model(|model| model.faults = vec![lost, refused]);
        match bench.try_apply(ApplyOptions::default()).await {
            Err(error) => assert!(status == 401 && error.to_string().contains("token"), "{error}"),
            Ok(report) => assert_eq!((status, report.failed, report.deferred), (503, 1, 1), "{report:?}"),
        }
        assert_eq!(bench.target.model(|model| (model.groups.len(), model.faults.drain(..).len() > 1)), (1, false));
        bench.apply_all().await;
        assert_eq!(bench.target.model(|model| model.groups.len()), 1);
        assert_eq!(log_of(&bench), ["done: taken over", "done: 1 member added"]);
    }
}

#[tokio::test]
async fn a_group_whose_name_was_taken_meanwhile_stays_someone_elses() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    bench.pushed("Staff", &[&ada]).await;
    let taken = Fault::new("POST", "/Groups", Effect::Answer(409, "{\"scimType\":\"uniqueness\"}"));
    let refused = Fault { skip: 2, ..Fault::new("GET", "/Groups", Effect::Answer(401, "{}")) };
    bench.target.model(|model| model.faults = vec![taken, refused]);
    bench.try_apply(ApplyOptions::default()).await.unwrap_err();
    bench.target.model(|model| model.add_group("Staff", &[]));
    let report = bench.apply().await;
    assert_eq!(report.blocked, 1, "{report:?}");
    bench.target.model(|model| assert!(model.members("Staff").is_empty()));
}

#[tokio::test]
async fn a_created_group_without_a_readable_id_is_reported() {
    let bench = Bench::new().await;
    let ada = bench.assigned("ada").await;
    bench.pushed("Staff", &[&ada]).await;
    let made = Fault::new("POST", "/Groups", Effect::Answer(201, "{\"id\":17,\"displayName\":\"Staff\"}"));
    bench.target.model(|model| model.faults = vec![made]);
    let report = bench.apply().await;
    assert_eq!((report.failed, report.deferred), (1, 1));
    assert!(log_of(&bench).contains(&"failed: the target answered with an id that is no text".to_owned()));
}

#[tokio::test]
async fn a_password_that_the_target_repeats_is_masked_whatever_it_is_sent_with() {
    const CANARY: &str = "canary  5t0ne\t\"<";
    for no_patch in [false, true] {
        let bench = Bench::with(FakeTarget::with(Habits { no_patch, ..Habits::default() }).await).await;
        bench.assigned("ada").await;
        bench.apply_all().await;
        let answers = [
            "{\"detail\":\"'canary  5t0ne\\t\\\"<' is too weak\"}",
            "{\"problem\":\"'canary  5t0ne\\t\\\"<' is too weak\"}",
            "<html>'canary  5t0ne\t\"<' is too weak</html>",
        ];
        for answer in answers {
            let method = if no_patch { "PUT" } else { "PATCH" };
            bench.target.model(|model| model.faults = vec![Fault::new(method, "/Users", Effect::Answer(400, answer))]);
            let passwords = vec![("ada@acme.example".to_owned(), Secret::new(CANARY.to_owned()))];
            let report = bench.try_apply(ApplyOptions { passwords, ..ApplyOptions::default() }).await.unwrap();
            let reason = &report.reasons[0];
            assert!(!reason.contains("5t0ne") && reason.contains("'***' is too weak"), "{method}: {reason}");
        }
        for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("5t0ne"));
        }
    }
}
