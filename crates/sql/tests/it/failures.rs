//! Half a table is never handed out as a whole one.

use oktant_base::Coded;

use crate::support::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_above_its_budget_is_refused_with_a_cheaper_form() {
    let t = Fixture::with(50, 3, "&MaxApiRequests=3").await;
    let error = t.run("SELECT UserId FROM UserFactors").await.unwrap_err();
    assert_eq!(error.code().id(), "OKT3004", "{error}");
    assert!(error.to_string().contains("UserFactors"), "{error}");
    assert!(error.hint().unwrap().contains("MaxApiRequests"), "{error}");
    let factors = t.requests().into_iter().filter(|request| request.contains("/factors")).count();
    assert_eq!(factors, 0, "no request goes to the children");
}
