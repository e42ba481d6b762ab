//! Half a table is never handed out as a whole one.

use oktant_base::Coded;
use oktant_sandbox::{Effect, Fault};
use oktant_sql::Pushdown;

use crate::support::{Fixture, run_on};

const FAILED: Effect = Effect::Status { status: 500, reset_seconds: 1 };

/// A session that neither repeats requests nor reads large pages.
const BRITTLE: &str = "&MaxRetries=0&Pagesize=20";

/// Most requests of one statement that are each made to fail.
const REQUESTS_TRIED: usize = 8;

/// Fails each request of the statement in turn: each time there must be an error with a code and a
/// hint, or the whole answer all the same.
async fn check_every_request(t: &Fixture, sql: &str, effect: &Effect) {
    let whole = t.sorted(sql).await;
    t.requests();
    // What the session learned the first time is not asked again.
    t.rows(sql).await;
    let count = t.requests().len();
    assert!(count > 0, "{sql} makes requests");
    let mut errors = 0;
    for number in (1..=count).take(REQUESTS_TRIED) {
        t.sandbox.add_fault(Fault::new("/api/v1/**", effect.clone()).from_request(number as u64));
        match t.run(sql).await {
            Ok(answer) => {
                let mut rows = answer.rows;
                rows.sort();
                assert_eq!(rows, whole, "{sql}: {effect:?} of request {number} of {count} lost rows");
            }
            Err(error) => {
                errors += 1;
                assert!(error.code().id().starts_with("OKT2"), "{sql}: {effect:?}: {error:?}");
                assert!(error.hint().is_some(), "{sql}: {effect:?}: {error:?}");
            }
        }
        t.sandbox.clear_faults();
    }
    assert!(errors > 0, "{sql}: {effect:?} was never noticed");
    t.requests();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_on_any_page_of_any_table_is_an_error() {
    let t = Fixture::with(50, 4, BRITTLE).await;
    for table in [
        "Users",
        "Groups",
        "GroupMembers",
        "Applications",
        "ApplicationUsers",
        "ApplicationGroups",
        "UserFactors",
        "UserRoles",
        "UserTypes",
        "SystemLog",
    ] {
        check_every_request(&t, &format!("SELECT * FROM {table}"), &FAILED).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_page_is_an_error_through_joins_and_aggregates() {
    let t = Fixture::with(50, 4, BRITTLE).await;
    for sql in [
        "SELECT COUNT(*) FROM Users",
        "SELECT Status, COUNT(*) FROM Users GROUP BY Status ORDER BY 2",
        "SELECT g.ProfileName, COUNT(*) FROM Groups g LEFT JOIN GroupMembers m ON m.GroupId = g.Id GROUP BY g.ProfileName",
        "SELECT Id FROM Users EXCEPT SELECT UserId FROM GroupMembers",
    ] {
        for effect in [FAILED, Effect::Truncate { bytes: None }, Effect::Html, Effect::Empty] {
            check_every_request(&t, sql, &effect).await;
        }
    }
}

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
