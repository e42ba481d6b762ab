//! Half a table is never handed out as a whole one.

use futures::{StreamExt, TryStreamExt};
use oktant_base::Coded;
use oktant_client::Call;
use oktant_sandbox::{Effect, Fault};
use oktant_sql::{Edges, Params, Properties, Pushdown, Session};

use crate::support::{Fixture, run_on};

const FAILED: Effect = Effect::Status { status: 500, reset_seconds: 1 };

/// A session that neither repeats requests nor reads large pages.
const BRITTLE: &str = "&MaxRetries=0&Pagesize=20";

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_first_page_names_the_page_and_its_cause() {
    let t = Fixture::with(50, 4, BRITTLE).await;
    t.sandbox.add_fault(Fault::new("/api/v1/users", FAILED).on_page(2));
    let error = t.run("SELECT Id FROM Users").await.unwrap_err();
    assert_eq!(error.code().id(), "OKT2014", "{error:?}");
    assert_eq!(error.to_string(), "page 2 of table \"Users\" could not be read");
    let cause = std::error::Error::source(&error).expect("the client's error").to_string();
    assert!(cause.contains("500"), "{cause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_says_so() {
    let t = Fixture::with(5, 2, BRITTLE).await;
    t.sandbox.add_fault(Fault::new("/api/v1/**", Effect::ExpiredToken));
    let error = t.run("SELECT Id FROM Groups").await.unwrap_err();
    assert_eq!(error.code().id(), "OKT1011", "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_above_its_budget_is_refused_before_its_scans() {
    let t = Fixture::with(50, 3, "&MaxApiRequests=30").await;
    for sql in ["SELECT UserId FROM UserFactors", "SELECT COUNT(*) FROM UserFactors WHERE Status = 'ACTIVE'"] {
        let error = t.run(sql).await.unwrap_err();
        assert_eq!(error.code().id(), "OKT3004", "{error}");
        assert!(error.to_string().contains("UserFactors"), "{error}");
        assert!(error.hint().unwrap().contains("UserId"), "{error}");
        let requests = t.requests();
        assert!(requests.iter().all(|request| request.contains("stats")), "only the users were counted: {requests:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_runs_out_ends_the_statement() {
    let t = Fixture::with(90, 3, "&MaxApiRequests=2&Pagesize=20").await;
    let session = t.session.with_pushdown(Pushdown::Off);
    for (sql, sufficient) in [("SELECT Id FROM Users", false), ("SELECT Id FROM Groups", true)] {
        let answer = run_on(&session, sql, Params::None).await;
        assert_eq!(
            answer.as_ref().err().map(|error| error.code().id()),
            (!sufficient).then_some("OKT3004"),
            "{answer:?}"
        );
        assert!(t.requests().len() <= 2, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_just_suffices_is_enough() {
    let t = Fixture::with(90, 3, "&Pagesize=20").await;
    let sql = "SELECT Id FROM Users";
    let rows = t.sorted(sql).await;
    let requests = t.requests().len();
    let dsn = |budget: usize| format!("{}&Pagesize=20&MaxApiRequests={budget}", t.sandbox.dsn());
    for (budget, is_enough) in [(requests, true), (requests - 1, false)] {
        let properties = Properties::parse(&dsn(budget)).unwrap();
        let session = Session::connect(&properties, Edges::system()).await.unwrap();
        t.requests();
        match run_on(&session, sql, Params::None).await {
            Ok(answer) => assert!(is_enough && answer.rows.len() == rows.len(), "{budget} of {requests}"),
            Err(error) => assert!(!is_enough && error.code().id() == "OKT3004", "{budget} of {requests}: {error:?}"),
        }
        assert_eq!(t.requests().len(), budget);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_vanishes_between_two_pages_is_a_failure() {
    let t = Fixture::with(300, 2, BRITTLE).await;
    let truth = t.sandbox.truth();
    let group = truth.groups.iter().find(|group| group["type"] == "OKTA_GROUP").unwrap()["id"].as_str().unwrap();
    let members = truth.memberships.iter().filter(|member| member.group == group).count();
    assert!(members > 100, "{members} members fill few pages");
    let sql = format!("SELECT UserId FROM GroupMembers WHERE GroupId = '{group}'");
    let mut rows = t.session.query(&sql, Params::None).await.unwrap();
    assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    let delete = Call::path("DELETE", &format!("/api/v1/groups/{group}")).unwrap();
    t.session.org().send(delete).await.unwrap();
    let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.code().id(), "OKT2014", "{error:?}");
    assert!(t.rows(&sql).await.is_empty(), "a parent that is gone from the start has no children");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_was_not_interrupted() {
    // The wildcard asks for custom attributes first: planning counts as well.
    for (slow, sql) in [("/api/v1/users", "SELECT Id FROM Users"), ("/api/v1/meta/types/user", "SELECT * FROM Users")] {
        let t = Fixture::with(5, 2, "&StatementTimeout=1").await;
        t.sandbox.add_fault(Fault::new(slow, Effect::Slow { milliseconds: 60_000 }));
        let error = t.run(sql).await.unwrap_err();
        assert_eq!(error.code().id(), "OKT2002", "{error:?}");
        assert!(error.hint().unwrap().contains("StatementTimeout"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_object_can_have_is_not_asked_for() {
    let t = Fixture::with(5, 2, BRITTLE).await;
    for key in ["", ".", ".."] {
        assert!(t.rows(&format!("SELECT Id FROM Users WHERE Id = '{key}'")).await.is_empty(), "{key}");
        assert!(t.rows(&format!("SELECT UserId FROM GroupMembers WHERE GroupId = '{key}'")).await.is_empty(), "{key}");
    }
    assert!(t.sandbox.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_no_missing_object() {
    let t = Fixture::with(10, 2, BRITTLE).await;
    let user = t.rows("SELECT Id FROM Users LIMIT 1").await.remove(0).remove(0);
    let group = t.rows("SELECT GroupId FROM GroupMembers LIMIT 1").await.remove(0).remove(0);
    // The error of a path that the org does not know, where a missing object has E0000007.
    let lost = Effect::Status { status: 404, reset_seconds: 1 };
    for (path, sql) in [
        ("/api/v1/users/*", format!("SELECT Id FROM Users WHERE Id = '{user}'")),
        ("/api/v1/groups/*/users", format!("SELECT UserId FROM GroupMembers WHERE GroupId = '{group}'")),
    ] {
        assert!(!t.rows(&sql).await.is_empty(), "{sql}");
        t.sandbox.add_fault(Fault::new(path, lost.clone()));
        let error = t.run(&sql).await.unwrap_err();
        assert!(error.code().id().starts_with("OKT2") && error.hint().is_some(), "{sql}: {error:?}");
        t.sandbox.clear_faults();
    }
    assert!(t.rows("SELECT Id FROM Users WHERE Id = '00u00000000000000000'").await.is_empty());
}
