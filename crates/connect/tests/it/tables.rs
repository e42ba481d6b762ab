//! Table cards, over SQLite and, where there is one, PostgreSQL.

use oktant_connect::Connectors;
use oktant_connect::tables::{Column, ColumnType};
use oktant_engine::{Actions, ErrorKind};
use serde_json::{Value, json};

use crate::common::{Bench, call, connections, outputs};

fn columns() -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind, default: None };
    vec![
        column("Name", ColumnType::Text),
        column("Score", ColumnType::Number),
        column("Active", ColumnType::Boolean),
        Column { default: Some("2026-01-01T00:00:00Z".to_owned()), ..column("Since", ColumnType::Date) },
    ]
}

async fn run(connectors: &Connectors, operation: &str, options: &[(&str, &str)], inputs: Value) -> Value {
    let options: Vec<(&str, &str)> = [("stash", "t1")].into_iter().chain(options.iter().copied()).collect();
    outputs(connectors.call(call(&format!("stash:{operation}"), "", &options, inputs)).await.unwrap())
}

fn names(found: &Value) -> Vec<&str> {
    found["Result.Rows"].as_array().unwrap().iter().map(|row| row["Name"].as_str().unwrap()).collect()
}

async fn contract(bench: Bench) {
    let connectors = &bench.connectors;
    let table = connectors.tables().define("t1", "People", &columns()).await.unwrap();
    let mut ids = Vec::new();
    for (name, score, active) in [("Ann", json!(10), "true"), ("Bob", json!("-2.5"), "false"), ("Cy", json!(""), "Yes")]
    {
        let made = run(
            connectors,
            "createRow",
            &[],
            json!({"Fields.Name": name, "Fields.Score": score, "Fields.Active": active}),
        )
        .await;
        ids.push(made["Output.Row ID"].as_str().unwrap().to_owned());
    }
    let search = |terms: Value| json!({"Filter.Where Expression": {"expr": terms}, "Sort.Column": "Score", "Sort.Direction": "desc", "Sort.Limit": 0});
    for (terms, expected) in [
        (json!([]), vec!["Ann", "Bob", "Cy"]),
        (json!([{"lhs": "Score", "op": ">", "rhs": -3, "join": "AND"}]), vec!["Ann", "Bob"]),
        (json!([{"lhs": "Score", "op": ">", "rhs": "9", "join": "AND"}]), vec!["Ann"]),
        (
            json!([{"lhs": "Name", "op": "=", "rhs": "Bob", "join": "OR"}, {"lhs": "Active", "op": "=", "rhs": "true", "join": "AND"}]),
            vec!["Ann", "Bob", "Cy"],
        ),
        (json!([{"lhs": "Score", "op": "!=", "rhs": 10, "join": "AND"}]), vec!["Bob", "Cy"]),
        (json!([{"lhs": "Score", "op": "=", "rhs": "", "join": "AND"}]), vec!["Cy"]),
        (
            json!([{"lhs": "Since", "op": "<", "rhs": "2026-06-01", "join": "AND"}, {"lhs": "Name", "op": "<=", "rhs": "Ann", "join": ""}]),
            vec!["Ann"],
        ),
        (json!([{"lhs": "Name", "op": "=", "rhs": "x' OR '1'='1", "join": "AND"}]), vec![]),
    ] {
        let found = run(connectors, "searchRows2", &[("resultSet", "all-new")], search(terms.clone())).await;
        let mut found = names(&found);
        found.sort_unstable();
        assert_eq!(found, expected, "{terms}");
    }
    let sorted = run(connectors, "searchRows2", &[("resultSet", "all-new")], search(json!([]))).await;
    assert_eq!(names(&sorted), ["Cy", "Ann", "Bob"], "rows without a value come first in both orders");
    let mut hidden =
        search(json!([{"lhs": "Row ID", "op": "=", "rhd": {"outputId": "abc", "methodId": "m"}, "join": "AND"}]));
    hidden["_expr.abc"] = json!(ids[1]);
    let one = run(connectors, "searchRows2", &[("resultSet", "one")], hidden).await;
    assert_eq!(
        (&one["Fields.Name"], &one["Fields.Score"], &one["Fields.Active"], &one["Fields.Since"]),
        (&json!("Bob"), &json!(-2.5), &json!(false), &json!("2026-01-01T00:00:00.000Z"))
    );
    let none = run(
        connectors,
        "searchRows2",
        &[("resultSet", "one")],
        search(json!([{"lhs": "Name", "op": "=", "rhs": "Zed", "join": ""}])),
    )
    .await;
    assert_eq!(none["Row.Row ID"], Value::Null);
    run(
        connectors,
        "updateRow",
        &[("updateEmptyInputs", "No")],
        json!({"Update By.Row ID": ids[0], "Fields.Name": "", "Fields.Score": 11}),
    )
    .await;
    let read = run(connectors, "readRow", &[], json!({"Read By.Row ID": ids[0]})).await;
    assert_eq!((&read["Fields.Name"], &read["Fields.Score"]), (&json!("Ann"), &json!(11)));
    let old = run(
        connectors,
        "searchRows2",
        &[("resultSet", "all")],
        json!({"Sort.Direction": "asc", "Sort.Limit": 1, "Sort.Offset": 1}),
    )
    .await;
    assert_eq!(old["Result.Rows"][0]["Attributes"]["Name"], "Bob", "{old}");
    let csv = connectors.tables().export(&table).await.unwrap();
    assert_eq!(String::from_utf8(csv.clone()).unwrap().lines().next(), Some("Name,Score,Active,Since"));
    run(connectors, "deleteRow", &[], json!({"Delete By.Row ID": ids[2]})).await;
    assert_eq!(run(connectors, "clearTable", &[], json!({})).await, json!({"Table.Cleared Rows": 2}));
    let edges = connectors.connections().edges().clone();
    assert_eq!(connectors.tables().import(&table, &csv, &*edges.clock, &*edges.entropy).await.unwrap(), 3);
    assert_eq!(connectors.tables().export(&table).await.unwrap(), csv, "what was exported comes back");
    let file = run(connectors, "exportToCSV", &[], json!({"File.Filename": "people.csv", "Options.Delimiter": ";", "Options.Columns": ["Score", "Name"], "Options.Limit": 1})).await;
    assert_eq!(file["CSV.File Content"]["name"], "people.csv");
    for (operation, inputs, problem) in [
        ("createRow", json!({"Fields.Score": "many"}), "no number"),
        ("deleteRow", json!({"Delete By.Row ID": "nope"}), "no row"),
        ("searchRows2", json!({"Sort.Column": "Nope"}), "no such column"),
        (
            "searchRows2",
            json!({"Filter.Where Expression": {"expr": [{"lhs": "Name", "op": "; DROP", "rhs": 1}]}}),
            "no comparison",
        ),
    ] {
        let error =
            connectors.call(call(&format!("stash:{operation}"), "", &[("stash", "t1")], inputs)).await.unwrap_err();
        assert!(error.message.contains(problem), "{operation}: {}", error.message);
    }
    let error = connectors.call(call("stash:createRow", "", &[("stash", "t2")], json!({}))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Input);
    // A later import of the folder may bring more columns.
    let more = Column { name: "Note".to_owned(), kind: ColumnType::Text, default: None };
    let wider = connectors.tables().define("t1", "People", &[more]).await.unwrap();
    assert_eq!(wider.columns.len(), 5);
}

#[tokio::test]
async fn tables_do_what_their_cards_say_on_sqlite() {
    contract(Bench::new().await).await;
}

#[tokio::test]
async fn tables_do_what_their_cards_say_on_postgresql() {
    let Ok(url) = std::env::var("OKTANT_TEST_POSTGRES") else {
        eprintln!("skipped: OKTANT_TEST_POSTGRES names no server");
        return;
    };
    contract(Bench::over(connections(&url).await)).await;
}
