//! Tables of another origin beside those of the org.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use oktant_base::Coded as _;
use oktant_catalog::ColumnType;
use oktant_sql::{
    Accepts, Attached, AttachedColumn, AttachedTable, Cell, Comparison, Error, Pages, Params, Read, Readable, Session,
    Test,
};
use parking_lot::Mutex;

use crate::support::{Fixture, run_on};

/// Ten notes, `n9` first, ten a page of three; and a table in a schema of its own.
#[derive(Debug, Default)]
struct Notes {
    reads: Mutex<Vec<Read>>,
    pages: Arc<Mutex<usize>>,
    away: Mutex<bool>,
}

const NAMES: &[&str] = &["OPEN", "DONE"];

fn row(number: i64) -> Vec<Cell> {
    let state = NAMES[usize::from(number % 2 == 0)];
    vec![
        Cell::Text(format!("n{number}")),
        Cell::Text(state.to_owned()),
        Cell::Instant(number * 1000),
        if number == 3 { Cell::Null } else { Cell::Double(number as f64 / 2.0) },
        Cell::Text(format!("{{\"user\":{number}}}")),
    ]
}

fn holds(row: &[Cell], read: &Read) -> bool {
    read.conditions.iter().all(|condition| match (&row[condition.column], &condition.test) {
        (cell, Test::OneOf(values)) => values.contains(cell),
        (Cell::Instant(left), Test::Compare(comparison, Cell::Instant(right))) => match comparison {
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::More => left > right,
            Comparison::AtLeast => left >= right,
        },
        _ => false,
    })
}

#[async_trait]
impl Attached for Notes {
    async fn tables(&self) -> Result<Vec<AttachedTable>, Error> {
        if *self.away.lock() {
            return Ok(Vec::new());
        }
        let columns = vec![
            AttachedColumn::new("Id", ColumnType::Text).key().accepting(Accepts::Values),
            AttachedColumn::new("State", ColumnType::Text).one_of(NAMES).accepting(Accepts::Values),
            AttachedColumn::new("Made At", ColumnType::Timestamp).accepting(Accepts::Order),
            AttachedColumn::new("Weight", ColumnType::Double),
            AttachedColumn::new("Body", ColumnType::Json),
        ];
        let notes =
            AttachedTable { schema: None, name: "Notes".to_owned(), columns: columns.clone(), descending: vec![0] };
        let own = AttachedTable { schema: Some("Desk".to_owned()), name: "Old Notes".to_owned(), ..notes.clone() };
        Ok(vec![notes, own, AttachedTable { schema: None, name: "users".to_owned(), columns, descending: Vec::new() }])
    }

    fn read(&self, read: Read) -> Pages {
        self.reads.lock().push(read.clone());
        let pages = Arc::clone(&self.pages);
        let rows: Vec<_> = (0..10).rev().map(row).filter(|row| holds(row, &read)).collect();
        let rows: Vec<_> = rows.into_iter().take(read.limit.unwrap_or(usize::MAX)).collect();
        let chunks: Vec<Vec<_>> = rows.chunks(3).map(<[_]>::to_vec).collect();
        let page = move |rows: Vec<Vec<Cell>>| {
            *pages.lock() += 1;
            let cut = |row: Vec<Cell>| read.columns.iter().map(|column| row[*column].clone()).collect();
            Ok(rows.into_iter().map(cut).collect())
        };
        stream::iter(chunks).map(page).boxed()
    }

    fn missing(&self, _: &str, table: &str) -> Option<String> {
        (table == "notes").then(|| "write a note first".to_owned())
    }
}

async fn attached() -> (Fixture, Arc<Notes>, Session) {
    let fixture = Fixture::new(5, 1).await;
    let notes = Arc::new(Notes::default());
    let session = fixture.session.with_attached(vec![notes.clone()]);
    (fixture, notes, session)
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    run_on(session, sql, Params::None).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).rows
}

#[tokio::test]
async fn conditions_and_limits_reach_the_reader_and_the_rest_is_evaluated_here() {
    let (_fixture, notes, session) = attached().await;
    let found = rows(
        &session,
        "SELECT Id, Weight FROM notes WHERE state = 'done' AND \"Made At\" < '1970-01-01T00:00:05Z' LIMIT 2",
    )
    .await;
    assert_eq!(found, [["n4", "2.0"], ["n2", "1.0"]]);
    let read = notes.reads.lock().pop().unwrap();
    assert_eq!((read.columns.as_slice(), read.limit, read.conditions.len()), ([0, 3].as_slice(), Some(2), 2));
    let found = rows(&session, "SELECT Id FROM Notes WHERE Weight > 4 AND State IN ('OPEN') LIMIT 1").await;
    assert_eq!(found, [["n9"]]);
    let read = notes.reads.lock().pop().unwrap();
    assert_eq!((read.limit, read.conditions.len()), (None, 1), "what the engine filters may need any number of rows");
    let whole = session.with_pushdown(oktant_sql::Pushdown::Off);
    assert_eq!(rows(&whole, "SELECT Id FROM Notes WHERE State = 'OPEN' LIMIT 9").await.len(), 5);
    assert!(notes.reads.lock().pop().unwrap().conditions.is_empty());
    let count = rows(&session, "SELECT COUNT(*), COUNT(Weight), MAX(\"Made At\") FROM Notes").await;
    assert_eq!(count, [["10", "9", "1970-01-01T00:00:09Z"]]);
}

#[tokio::test]
async fn the_newest_rows_are_read_and_no_others() {
    let (_fixture, notes, session) = attached().await;
    assert_eq!(rows(&session, "SELECT * FROM Notes ORDER BY Id DESC LIMIT 2").await.len(), 2);
    assert_eq!(notes.reads.lock().pop().unwrap().limit, Some(2));
    assert_eq!(*notes.pages.lock(), 1);
    assert_eq!(rows(&session, "SELECT Id FROM Notes ORDER BY Id LIMIT 1").await, [["n0"]]);
}

#[tokio::test]
async fn they_join_tables_of_the_org_and_stand_behind_them() {
    let (fixture, _, session) = attached().await;
    let users = fixture.users().await.len();
    let sql =
        "SELECT n.Id, u.Status FROM desk.\"old notes\" n JOIN Users u ON u.ProfileLogin IS NOT NULL WHERE n.Id = 'n1'";
    assert_eq!(rows(&session, sql).await.len(), users);
    assert_eq!(
        rows(&session, "SELECT COUNT(*) FROM Users").await,
        [[users.to_string()]],
        "the org's own table goes first"
    );
    assert_eq!(rows(&session, "WITH notes AS (SELECT 1 AS x) SELECT x FROM notes").await, [["1"]]);
}

#[tokio::test]
async fn lists_and_explanations_know_them() {
    let (_fixture, notes, session) = attached().await;
    let listed =
        rows(&session, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name LIKE '%otes'");
    assert_eq!(listed.await, [["okta", "Notes"], ["Desk", "Old Notes"]]);
    let described = rows(&session, "DESCRIBE notes").await;
    assert_eq!(described[0], ["Id", "VARCHAR", "NO", "true"]);
    assert_eq!(described[4][..2], ["Body", "JSON"]);
    assert_eq!(rows(&session, "DESCRIBE desk.\"Old Notes\"").await.len(), 5);
    let text = session.explain("SELECT Id FROM Notes WHERE State = 'open' AND Weight > 1", Params::None).await.unwrap();
    assert!(text.contains("Notes: read from the store\n  evaluated by the store: State = 'OPEN'"), "{text}");
    assert!(text.contains("evaluated here: ") && text.contains("Weight > "), "{text}");
    assert!(notes.reads.lock().is_empty(), "explaining reads nothing");
    let columns = session.columns("desk.old notes").await.unwrap();
    assert_eq!(columns[1].values, NAMES);
}

#[tokio::test]
async fn only_those_read_who_may() {
    let (_fixture, _, session) = attached().await;
    let only = |name: &str| Readable::Only(Arc::new(BTreeSet::from([name.to_owned()])));
    let reader = session.with_readable(only("Notes"));
    assert_eq!(rows(&reader, "SELECT COUNT(*) FROM Notes").await, [["10"]]);
    let sql = "SELECT COUNT(*) FROM desk.\"Old Notes\"";
    let refused = run_on(&reader, sql, Params::None).await.unwrap_err();
    assert!(refused.to_string().contains("Desk.Old Notes"), "{refused}");
    assert_eq!(rows(&session.with_readable(only("Desk.Old Notes")), sql).await, [["10"]]);
    let listed = rows(&reader, "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'");
    assert_eq!(listed.await, [["Notes"]]);
    let names: Vec<String> = reader.tables().into_iter().map(|table| table.name).collect();
    assert_eq!(names, ["Notes"]);
}

#[tokio::test]
async fn what_is_not_there_says_how_to_get_it() {
    let (_fixture, notes, session) = attached().await;
    *notes.away.lock() = true;
    let error = run_on(&session, "SELECT * FROM Notes", Params::None).await.unwrap_err();
    assert_eq!((error.code().id(), error.hint().as_deref()), ("OKT3002", Some("write a note first")));
    let error = run_on(&session, "SELECT * FROM Notebooks", Params::None).await.unwrap_err();
    assert!(!error.hint().unwrap().contains("note first"));
    *notes.away.lock() = false;
    let error = run_on(&session, "SELECT * FROM Nots", Params::None).await.unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean Notes?"));
}
