//! The card that runs SQL, with someone else's SQL behind it.

use std::sync::Arc;

use async_trait::async_trait;
use oktant_connect::query::{Queries, Query, Rows, SQL_CARD, WithSql};
use oktant_engine::{Actions as _, CardError, ErrorKind};
use serde_json::{Value, json};

use crate::common::{Bench, call, outputs};

/// Knows one statement, and gives `most` rows and one more for another.
#[derive(Debug)]
struct Known;

#[async_trait]
impl Queries for Known {
    async fn query(&self, query: Query<'_>) -> Result<Rows, CardError> {
        let columns = ["Application", "Login"].map(str::to_owned).to_vec();
        let row = |application: &str| json!({"Application": application, "Login": "ada, \"the\" first"});
        let rows = match query.sql {
            "SELECT few" => vec![row("Box")],
            "SELECT many" => (0..=query.most).map(|_| row("Box")).collect(),
            other => return Err(CardError::new(ErrorKind::Input, format!("{other:?} is no statement"))),
        };
        let rows = rows.into_iter().filter_map(|row| row.as_object().cloned()).collect();
        Ok(Rows { columns, rows })
    }
}

async fn cards() -> (WithSql, Bench) {
    let bench = Bench::new().await;
    (WithSql::new(Arc::new(bench.connectors.clone()), Arc::new(Known)), bench)
}

fn ask(sql: &str) -> Value {
    json!({"Query.SQL": sql})
}

#[tokio::test]
async fn a_statement_gives_rows_their_number_and_csv() {
    let (cards, _bench) = cards().await;
    let outputs = outputs(cards.call(call(SQL_CARD, "", &[], ask("SELECT few"))).await.unwrap());
    assert_eq!(outputs["Result.Rows"], json!([{"Application": "Box", "Login": "ada, \"the\" first"}]));
    assert_eq!(outputs["Result.Count"].as_f64(), Some(1.0));
    assert_eq!(outputs["Result.CSV"], "Application,Login\nBox,\"ada, \"\"the\"\" first\"\n");
}

#[tokio::test]
async fn more_rows_than_wanted_are_an_error_and_no_part() {
    let (cards, _bench) = cards().await;
    let limited = json!({"Query.SQL": "SELECT many", "Query.Limit": 2});
    for inputs in [ask("SELECT many"), limited] {
        let error = cards.call(call(SQL_CARD, "", &[], inputs)).await.unwrap_err();
        assert!(error.kind == ErrorKind::Input && error.message.contains("more than"), "{error}");
    }
    let error = cards.call(call(SQL_CARD, "", &[], ask("DROP"))).await.unwrap_err();
    assert_eq!(error.message, "\"DROP\" is no statement");
}

#[tokio::test]
async fn other_cards_are_those_of_the_connectors() {
    let (cards, bench) = cards().await;
    assert!(cards.describe(SQL_CARD).is_some() && bench.connectors.describe(SQL_CARD).is_none());
    assert_eq!(cards.describe("okta:readUser"), bench.connectors.describe("okta:readUser"));
    assert_eq!(cards.describe("nowhere:act"), None);
    let unbound = cards.call(call("okta:readUser", "", &[], json!({}))).await.unwrap_err();
    assert_eq!(unbound.kind, ErrorKind::Connection);
}
