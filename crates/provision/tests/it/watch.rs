//! Following the org.

use std::time::Duration;

use axum::extract::Request;
use axum::response::IntoResponse as _;
use oktant_provision::WatchOptions;
use parking_lot::Mutex;

use crate::org::{Bench, open};
use crate::target::{Effect, Fault};

#[tokio::test]
async fn a_change_in_the_org_arrives_and_a_failed_round_is_made_up_for() {
    let bench = Bench::new().await;
    bench.assigned("ada").await;
    bench.target.model(|model| model.faults = vec![Fault::new("POST", "/Users", Effect::Answer(400, "{}"))]);
    let provisioner = bench.open().await;
    let options = WatchOptions { interval: Duration::from_secs(5), ..WatchOptions::default() };
    let rounds = Mutex::new(Vec::new());
    let watching = provisioner.watch(&options, |round| {
        rounds
            .lock()
            .push((round.cause.clone(), round.outcome.as_ref().map(|report| (report.done, report.failed)).ok()));
    });
    let arrived = async {
        until(|| rounds.lock().len() == 1).await;
        let bob = bench.assigned("bob").await;
        wait_for(&bench, &["ada@acme.example", "bob@acme.example"]).await;
        let staff = bench.pushed("Staff", &[]).await;
        until(|| bench.target.model(|model| model.groups.len()) == 1).await;
        bench.join(&staff, &bob).await;
        until(|| bench.target.model(|model| model.members("Staff").len()) == 1).await;
        bench.unassign(&bob).await;
        wait_for(&bench, &["ada@acme.example"]).await;
    };
    tokio::select! {
        outcome = watching => panic!("it ended: {outcome:?}"),
        () = arrived => {}
    }
    let rounds = rounds.into_inner();
    assert_eq!(rounds[0], ("the watch begins".to_owned(), Some((0, 1))));
    assert!(rounds[1].0.contains("events, the first"), "{rounds:?}");
    provisioner.close().await.unwrap();
}

/// Waits until exactly these users are active at the target.
async fn wait_for(bench: &Bench, users: &[&str]) {
    let expected = users.iter().map(|user| (*user).to_owned()).collect();
    until(|| bench.target.model(|model| model.active()) == expected).await;
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come about");
}

#[tokio::test]
async fn a_log_that_cannot_be_read_does_not_end_the_watch() {
    for log in ["<html>a page</html>", "[{ \"message\": \"no event\" }]"] {
        let bench = Bench::new().await;
        let dsn = org_with_log(&bench, log).await;
        let file = bench.folder.path().join("provision.toml");
        let provisioner = open(&bench.file(), &file, &dsn).await.unwrap();
        let options = WatchOptions { interval: Duration::from_secs(1), rounds: Some(2), ..WatchOptions::default() };
        let mut causes = Vec::new();
        provisioner.watch(&options, |round| causes.push(round.cause.clone())).await.unwrap();
        assert_eq!(causes, ["the watch begins", "the System Log cannot be read"]);
        provisioner.close().await.unwrap();
    }
}

/// Stands in front of the org with a System Log of its own; gives the connection string.
async fn org_with_log(bench: &Bench, log: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let own = format!("http://{}", listener.local_addr().expect("an address"));
    let org = bench.sandbox.url();
    let dsn = bench.sandbox.dsn().replace(&org, &own);
    let client = reqwest::Client::builder().build().expect("a client");
    let answer = move |request: Request| {
        let link = format!("<{own}/api/v1/logs?after=1>; rel=\"next\"");
        let path = request.uri().path_and_query().map(ToString::to_string).expect("a path");
        let token = request.headers()["authorization"].clone();
        let passed_on = client.request(request.method().clone(), format!("{org}{path}")).header("authorization", token);
        async move {
            if path.starts_with("/api/v1/logs") {
                return ([("content-type", "application/json"), ("link", &link)], log).into_response();
            }
            let response = passed_on.send().await.expect("an answer");
            (response.status(), response.bytes().await.expect("a body")).into_response()
        }
    };
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    dsn
}
