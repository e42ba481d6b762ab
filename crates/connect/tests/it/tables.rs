//! Table cards, over SQLite and, where there is one, PostgreSQL.

use oktant_connect::Connectors;
use oktant_connect::tables::{Choice, Column, ColumnType, Selection, Stored, TableReader};
use oktant_engine::{Actions, ErrorKind, Idempotency};
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
    // A call that is repeated after a crash adds nothing, and tells what it added.
    let added = call("stash:createRow", "", &[("stash", "t1")], json!({"Fields.Name": "Di", "Fields.Score": 3}));
    assert_eq!(connectors.describe("stash:createRow").unwrap().idempotency, Idempotency::Safe);
    let first = outputs(connectors.call(added.clone()).await.unwrap());
    assert_eq!(outputs(connectors.call(added).await.unwrap()), first);
    assert_eq!(connectors.tables().rows(&table).await.unwrap().len(), 4);
    let delete =
        || call("stash:deleteRow", "", &[("stash", "t1")], json!({"Delete By.Row ID": first["Output.Row ID"]}));
    assert_eq!(connectors.describe("stash:deleteRow").unwrap().idempotency, Idempotency::SearchFirst);
    assert_eq!(connectors.search_first(delete()).await.unwrap(), None);
    connectors.call(delete()).await.unwrap();
    assert!(connectors.search_first(delete()).await.unwrap().is_some(), "it was done");
    assert!(connectors.call(delete()).await.is_err(), "no such row");
    // Empty text is nothing, however it came there.
    let empty = json!({"Update By.Row ID": ids[2], "Fields.Score": "", "Fields.Name": ""});
    run(connectors, "updateRow", &[("updateEmptyInputs", "Yes")], empty).await;
    let nameless = json!({"Filter.Where Expression": {"expr": [{"lhs": "Name", "op": "=", "rhs": ""}]}});
    let found = run(connectors, "searchRows2", &[], nameless).await;
    assert_eq!(found["Result.Rows"].as_array().unwrap().len(), 1);
    run(connectors, "updateRow", &[], json!({"Update By.Row ID": ids[2], "Fields.Name": "Cy"})).await;
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

#[tokio::test]
async fn a_reader_chooses_rows_in_the_database_and_takes_them_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("flows.db").display());
    assert!(oktant_store::connect_to_read(&url).await.unwrap().is_none(), "reading makes no file");
    let bench = Bench::over(connections(&url).await);
    let tables = bench.connectors.tables();
    let table = tables.define("t1", "People", &columns()).await.unwrap();
    let edges = oktant_client::Edges::system();
    let rows: Vec<_> = (0..2500)
        .map(|number| {
            let row =
                json!({"Name": format!("p{number}"), "Score": f64::from(number) - 1000.5, "Active": number % 2 == 0});
            row.as_object().unwrap().clone()
        })
        .collect();
    let ids = tables.insert(&table, &rows, &*edges.clock, &*edges.entropy).await.unwrap();
    let store = oktant_store::connect_to_read(&url).await.unwrap().unwrap();
    let reader = TableReader::open(store.into()).await.unwrap().unwrap();
    assert_eq!(reader.list().await.unwrap(), std::slice::from_ref(&table));
    let whole = Selection { columns: vec![0, 3, 4, 5, 6], ..Selection::default() };
    let page = reader.page(&table, &whole).await.unwrap();
    assert_eq!(page.len(), 1000);
    let since = oktant_base::Timestamp::from_timestamp_millis(1_767_225_600_000).unwrap();
    let first = vec![
        Stored::Text(ids[0].clone()),
        Stored::Text("p0".to_owned()),
        Stored::Number(-1000.5),
        Stored::Boolean(true),
        Stored::Date(since),
    ];
    assert_eq!(page[0], (ids[0].clone(), first));
    let mut found = page.len();
    let mut selection = Selection { after: Some(page[999].0.clone()), ..whole };
    loop {
        let page = reader.page(&table, &selection).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        selection.after = Some(last.clone());
        found += page.len();
    }
    assert_eq!(found, 2500, "every row once");
    let chosen = Selection {
        columns: vec![3],
        choices: vec![
            (4, Choice::Compare("<", Stored::Number(-990.0))),
            (4, Choice::Compare(">=", Stored::Number(-999.5))),
            (5, Choice::OneOf(vec![Stored::Boolean(false)])),
        ],
        after: None,
        limit: Some(4),
    };
    let names: Vec<_> =
        reader.page(&table, &chosen).await.unwrap().into_iter().map(|(_, mut row)| row.remove(0)).collect();
    assert_eq!(names, ["p1", "p3", "p5", "p7"].map(|name| Stored::Text(name.to_owned())));
}
