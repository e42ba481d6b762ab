//! Half a table is never handed out as a whole one.

use oktant_base::Coded;
use oktant_sandbox::{Effect, Fault};
use oktant_sql::Pushdown;

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
    let error = run_on(&t.session.with_pushdown(Pushdown::Off), "SELECT Id FROM Users", oktant_sql::Params::None).await;
    assert_eq!(error.unwrap_err().code().id(), "OKT3004");
    assert!(t.requests().len() <= 4, "at most one page per stream is read ahead");
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
