//! Queries over tables: which the engine gets, and which roles may ask them.

use std::sync::{Arc, Mutex};

use crate::common::{TestAccount, ask, cell, column, run_all};
use async_trait::async_trait;
use oktant_warehouse::{
    Column, ColumnType, EngineQuery, QueryEngine, Rows, Session, SnowflakeError, StatementResult, TableColumn,
};

/// Answers with what it was asked, so that tests see what arrives.
#[derive(Debug, Default)]
pub(crate) struct Echo(Mutex<Vec<Vec<String>>>);

#[async_trait]
impl QueryEngine for Echo {
    fn tables(&self) -> Vec<String> {
        ["USERS", "GROUPS", "FLOW_TABLES.BEST PEOPLE"].map(str::to_owned).into()
    }

    async fn columns(&self, table: &str) -> Result<Vec<TableColumn>, SnowflakeError> {
        let id = Column { nullable: false, ..Column::text("Id") };
        let others = [
            ("Login", ColumnType::Text),
            ("Count", ColumnType::Fixed),
            ("Share", ColumnType::Real),
            ("Created", ColumnType::TimestampTz),
            ("Active", ColumnType::Boolean),
        ];
        let others = others.map(|(name, column_type)| Column::new(format!("{name} of {table}"), column_type));
        let columns = std::iter::once(id).chain(others);
        Ok(columns.enumerate().map(|(place, column)| TableColumn { column, key: place == 0 }).collect())
    }

    async fn query(&self, query: EngineQuery<'_>) -> Result<Rows, SnowflakeError> {
        self.0.lock().unwrap().push(query.readable.to_vec());
        Ok(Rows { columns: vec![Column::text("SQL")], rows: vec![vec![Some(query.sql.to_owned())]] })
    }
}

async fn account() -> (TestAccount, Session) {
    let test = TestAccount::at("sqlite::memory:", |config| config.engine(Arc::new(Echo::default()))).await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &[
            "create role analyst",
            "create user jane password = 'password-of-jane' default_role = analyst",
            "grant role analyst to user jane",
        ],
    )
    .await;
    let jane = test.login("jane", "password-of-jane").await.unwrap();
    (test, jane)
}

#[tokio::test]
async fn roles_decide_which_tables_are_read() {
    let (test, jane) = account().await;
    let admin = test.admin().await;
    let sql = "select * from users";
    assert_eq!(cell(&ask(&admin, sql).await, 0, 0), sql, "the account's administrator reads everything");
    let refused = jane.execute(sql, &[]).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "002003 (02000): SQL compilation error:\nObject 'USERS' does not exist or not authorized."
    );
    run_all(&admin, &["grant select on table okta.public.users to role analyst"]).await;
    assert_eq!(jane.readable_tables().await.unwrap(), ["USERS"]);
    assert_eq!(column(&ask(&jane, "show tables").await, "name"), ["USERS"]);
    for sql in [
        "select * from users",
        "select u.id from okta.public.users u",
        "select * from public.users limit 3",
        "with x as (select 1) select * from x, users",
    ] {
        assert_eq!(cell(&ask(&jane, sql).await, 0, 0), sql);
    }
    for sql in [
        "select * from groups",
        "select * from users, okta.public.groups",
        "select 1 where exists (select 1 from groups)",
        "with groups as (select 1) select * from groups",
        "select * from (with users as (select * from groups) select * from users) x",
        "select * from demo.public.users",
        "select * from \"users\"",
    ] {
        assert_eq!(jane.execute(sql, &[]).await.expect_err(sql).code, 2003, "{sql}");
    }
    run_all(&admin, &["grant select on all tables in schema okta.public to role analyst"]).await;
    assert_eq!(jane.readable_tables().await.unwrap(), ["USERS", "GROUPS"]);
    assert_eq!(
        column(&ask(&admin, "show grants on table okta.public.groups").await, "grantee_name"),
        ["ACCOUNTADMIN", "ANALYST"]
    );
    run_all(&admin, &["revoke usage on database okta from role public"]).await;
    assert!(jane.readable_tables().await.unwrap().is_empty(), "a table in a database that cannot be used");
    run_all(
        &admin,
        &[
            "grant usage on database okta to role public",
            "revoke select on all tables in schema okta.public from role analyst",
        ],
    )
    .await;
    assert_eq!(jane.execute(sql, &[]).await.unwrap_err().code, 2003);
}

#[tokio::test]
async fn names_without_a_database_are_of_the_current_one() {
    let (test, _) = account().await;
    let admin = test.admin().await;
    run_all(&admin, &["create database demo_db", "use database demo_db"]).await;
    assert_eq!(admin.execute("select * from users", &[]).await.unwrap_err().code, 2003);
    assert!(admin.execute("select * from okta.public.users", &[]).await.is_ok());
    assert_eq!(admin.execute("grant select on table users to role analyst", &[]).await.unwrap_err().code, 2003);
    run_all(&admin, &["use schema okta.public", "grant select on table users to role analyst"]).await;
    assert!(admin.execute("select count(*) from groups", &[]).await.is_ok());
}

#[tokio::test]
async fn tables_of_the_engines_other_schemas_have_privileges_of_their_own() {
    let (test, jane) = account().await;
    let admin = test.admin().await;
    let sql = "select * from flow_tables.\"Best People\"";
    assert_eq!(jane.execute(sql, &[]).await.unwrap_err().code, 2003);
    run_all(&admin, &["grant select on table okta.flow_tables.\"Best People\" to role analyst"]).await;
    assert_eq!(jane.readable_tables().await.unwrap(), ["FLOW_TABLES.BEST PEOPLE"]);
    assert_eq!(cell(&ask(&jane, sql).await, 0, 0), sql);
    let shown = ask(&jane, "show tables").await;
    assert_eq!(
        (column(&shown, "name"), column(&shown, "schema_name")),
        (vec!["BEST PEOPLE".into()], vec!["FLOW_TABLES".into()])
    );
    assert_eq!(jane.execute("select * from \"BEST PEOPLE\"", &[]).await.unwrap_err().code, 2003);
    run_all(
        &admin,
        &[
            "revoke select on table okta.flow_tables.\"Best People\" from role analyst",
            "grant select on all tables in schema okta.flow_tables to role analyst",
        ],
    )
    .await;
    assert_eq!(jane.readable_tables().await.unwrap(), ["FLOW_TABLES.BEST PEOPLE"]);
    let none = "grant select on all tables in schema okta.attic to role analyst";
    assert_eq!(admin.execute(none, &[]).await.unwrap_err().code, 2003);
    run_all(&admin, &["grant select on all tables in database okta to role analyst"]).await;
    assert_eq!(jane.readable_tables().await.unwrap().len(), 3);
}

/// The cells of these columns, row by row.
fn told(answer: &StatementResult, names: &[&str]) -> Vec<Vec<String>> {
    let columns: Vec<_> = names.iter().map(|name| column(answer, name)).collect();
    (0..answer.rows.len()).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect()
}

#[tokio::test]
async fn tables_and_their_columns_are_described() {
    let (test, jane) = account().await;
    let admin = test.admin().await;
    run_all(&admin, &["grant select on table okta.public.users to role analyst"]).await;
    for sql in [
        "describe table users",
        "DESC TABLE okta.public.users TYPE = COLUMNS",
        "desc /* of */ table \"USERS\"",
        "describe view public.users",
    ] {
        let described = ask(&jane, sql).await;
        assert_eq!(
            told(&described, &["name", "type", "kind", "null?", "primary key", "unique key"]),
            [
                ["Id", "VARCHAR(16777216)", "COLUMN", "N", "Y", "N"],
                ["Login of USERS", "VARCHAR(16777216)", "COLUMN", "Y", "N", "N"],
                ["Count of USERS", "NUMBER(38,0)", "COLUMN", "Y", "N", "N"],
                ["Share of USERS", "FLOAT", "COLUMN", "Y", "N", "N"],
                ["Created of USERS", "TIMESTAMP_TZ(9)", "COLUMN", "Y", "N", "N"],
                ["Active of USERS", "BOOLEAN", "COLUMN", "Y", "N", "N"],
            ],
            "{sql}"
        );
        assert!(jane.describe(sql, &[]).await.unwrap().rows.is_empty(), "{sql}");
    }
    let shown = ask(&jane, "show columns in table users").await;
    assert_eq!(
        told(&shown, &["table_name", "schema_name", "column_name", "data_type", "null?", "database_name"])[..3],
        [
            [
                "USERS",
                "PUBLIC",
                "Id",
                r#"{"type":"TEXT","length":16777216,"byteLength":16777216,"nullable":false,"fixed":false}"#,
                "NOT_NULL",
                "OKTA"
            ],
            [
                "USERS",
                "PUBLIC",
                "Login of USERS",
                r#"{"type":"TEXT","length":16777216,"byteLength":16777216,"nullable":true,"fixed":false}"#,
                "true",
                "OKTA"
            ],
            [
                "USERS",
                "PUBLIC",
                "Count of USERS",
                r#"{"type":"FIXED","precision":38,"scale":0,"nullable":true}"#,
                "true",
                "OKTA"
            ],
        ]
    );
    assert_eq!(column(&ask(&jane, "show columns like '%OF US%' in users limit 2").await, "column_name").len(), 2);
    for sql in [
        "describe table groups",
        "desc table nothing",
        "show columns in table groups",
        "show columns in okta.flow_tables.\"Best People\"",
    ] {
        let refused = jane.execute(sql, &[]).await.expect_err(sql);
        assert_eq!(refused.code, 2003, "{sql}: {refused}");
    }
    assert_eq!(jane.execute("desc table users type = stage", &[]).await.unwrap_err().code, 2);
}

#[tokio::test]
async fn tables_are_looked_for_where_the_statement_says() {
    let (test, jane) = account().await;
    let admin = test.admin().await;
    run_all(&admin, &["create database demo_db", "grant select on table okta.public.users to role analyst"]).await;
    let all = ["BEST PEOPLE", "GROUPS", "USERS"];
    assert_eq!(column(&ask(&admin, "show tables").await, "name"), all);
    for (sql, expected) in [
        ("show tables in account", &all[..]),
        ("show tables in database okta", &all),
        ("show tables in schema okta.public", &["GROUPS", "USERS"]),
        ("show tables in okta.flow_tables", &["BEST PEOPLE"]),
        ("show tables like 'u%' in schema okta.public", &["USERS"]),
        ("show tables in database demo_db", &[]),
        ("show tables in demo_db.public starts with 'U' limit 1", &[]),
        ("show terse tables in database okta limit 1", &["BEST PEOPLE"]),
    ] {
        assert_eq!(column(&ask(&admin, sql).await, "name"), expected, "{sql}");
    }
    run_all(&admin, &["use schema okta.public"]).await;
    assert_eq!(column(&ask(&admin, "show tables").await, "name"), all, "those of the current database");
    assert_eq!(column(&ask(&admin, "show tables in schema").await, "name"), ["GROUPS", "USERS"]);
    run_all(&admin, &["use database demo_db"]).await;
    assert!(ask(&admin, "show tables in database").await.rows.is_empty());
    for (sql, code) in [
        ("show tables in database nothing", 2003),
        ("show tables in schema okta.nothing", 2003),
        ("show tables in schema a.b.c", 2003),
        ("show tables in database demo_db x", 1003),
    ] {
        assert_eq!(admin.execute(sql, &[]).await.expect_err(sql).code, code, "{sql}");
    }
    assert_eq!(column(&ask(&jane, "show tables in database okta").await, "name"), ["USERS"]);
    assert_eq!(column(&ask(&jane, "show columns in database okta").await, "table_name"), ["USERS"; 6]);
    assert_eq!(column(&ask(&admin, "show columns in schema okta.public").await, "table_name").len(), 12);
}

#[tokio::test]
async fn the_information_schema_tells_what_a_role_may_read() {
    let (test, jane) = account().await;
    let admin = test.admin().await;
    run_all(&admin, &["create database demo_db", "grant select on table okta.public.users to role analyst"]).await;
    let reflection = "select ic.table_name, ic.column_name, ic.data_type, ic.character_maximum_length, \
        ic.numeric_precision, ic.numeric_scale, ic.is_nullable, ic.column_default, ic.is_identity, ic.comment, \
        ic.identity_start, ic.data_type_alias from information_schema.columns ic where ic.table_schema = 'PUBLIC' \
        order by ic.ordinal_position";
    let names = ["TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "IS_NULLABLE"];
    assert_eq!(
        told(&ask(&jane, reflection).await, &names),
        [
            ["USERS", "Id", "TEXT", "NO"],
            ["USERS", "Login of USERS", "TEXT", "YES"],
            ["USERS", "Count of USERS", "NUMBER", "YES"],
            ["USERS", "Share of USERS", "FLOAT", "YES"],
            ["USERS", "Created of USERS", "TIMESTAMP_TZ", "YES"],
            ["USERS", "Active of USERS", "BOOLEAN", "YES"],
        ]
    );
    for (sql, expected) in [
        ("select table_name from okta.information_schema.tables", &["USERS"][..]),
        ("select table_name from demo_db.information_schema.tables", &[]),
        ("select distinct table_name from information_schema.columns where numeric_precision = 38", &["USERS"]),
    ] {
        assert_eq!(column(&ask(&jane, sql).await, "TABLE_NAME"), expected, "{sql}");
    }
    let counted = "select count(*) from information_schema.columns where table_name = 'GROUPS'";
    assert_eq!(cell(&ask(&jane, counted).await, 0, 0), "0");
    assert_eq!(cell(&ask(&admin, counted).await, 0, 0), "6");
    run_all(&admin, &["use schema okta.information_schema"]).await;
    assert_eq!(cell(&ask(&admin, "select count(*) from tables").await, 0, 0), "3");
    for sql in ["select * from nothing.information_schema.tables", "select * from information_schema.nothing"] {
        assert_eq!(jane.execute(sql, &[]).await.expect_err(sql).code, 2003, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_of_as_many_operators_as_are_accepted_run_on_the_runtimes_threads() {
    let (test, _) = account().await;
    let admin = test.admin().await;
    for (first, link) in [
        ("select 1", " + 1"),
        ("select 'a'", " || 'a'"),
        ("select true", " and true"),
        ("select 1", "::int"),
        ("select count(*) from users where true", " or true"),
        ("select count(*) from information_schema.tables where true", " and true"),
    ] {
        // `*` is an operator to the bound, too.
        for (links, is_accepted) in [(499, true), (501, false)] {
            let sql = format!("{first}{}", link.repeat(links));
            let session = admin.clone();
            // A thread of the runtime has a stack of 2 MiB.
            let handle = tokio::runtime::Handle::current();
            let answer = tokio::task::spawn_blocking(move || handle.block_on(session.execute(&sql, &[])));
            let answer = answer.await.unwrap();
            match answer {
                Ok(answer) => assert!(is_accepted && answer.rows.len() == 1, "{first}{link}"),
                Err(error) => assert!(!is_accepted && error.code == 2, "{first}{link}: {error}"),
            }
        }
    }
}
