//! Queries over tables: which the engine gets, and which roles may ask them.

use std::sync::{Arc, Mutex};

use crate::common::{TestAccount, ask, cell, column, run_all};
use async_trait::async_trait;
use oktant_warehouse::{Column, EngineQuery, QueryEngine, Rows, Session, SnowflakeError};

/// Answers with what it was asked, so that tests see what arrives.
#[derive(Debug, Default)]
pub(crate) struct Echo(Mutex<Vec<Vec<String>>>);

#[async_trait]
impl QueryEngine for Echo {
    fn tables(&self) -> Vec<String> {
        ["USERS", "GROUPS", "FLOW_TABLES.BEST PEOPLE"].map(str::to_owned).into()
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
