//! The statements of the guide to provisioning from Okta, one by one and as a script, and what is refused.

use std::time::Duration;

use crate::common::{TestAccount, cell};

/// Runs the statements of a script one after another and returns the last answer.
async fn run_script(session: &oktant_warehouse::Session, script: &str) -> oktant_warehouse::StatementResult {
    let mut last = None;
    for statement in oktant_warehouse::split_statements(script).unwrap() {
        let result = session.execute(&statement, &[]).await;
        last = Some(result.unwrap_or_else(|error| panic!("{statement}: {error}")));
    }
    last.unwrap()
}

#[tokio::test]
async fn guide_runs_unchanged() {
    let test = TestAccount::new().await;
    let session = test.admin().await;
    for (sql, status) in [
        ("use role accountadmin;", "Statement executed successfully."),
        ("create role if not exists okta_provisioner;", "Role OKTA_PROVISIONER successfully created."),
        ("create role if not exists okta_provisioner;", "OKTA_PROVISIONER already exists, statement succeeded."),
        ("grant create user on account to role okta_provisioner;", "Statement executed successfully."),
        ("grant create role on account to role okta_provisioner;", "Statement executed successfully."),
        ("grant role okta_provisioner to role accountadmin;", "Statement executed successfully."),
        (
            "create or replace security integration okta_provisioning type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER';",
            "Integration OKTA_PROVISIONING successfully created.",
        ),
        ("create user some_user;", "User SOME_USER successfully created."),
        ("grant ownership on user some_user to role okta_provisioner;", "Statement executed successfully."),
        (
            "create network policy some_policy allowed_ip_list = ('192.168.0.0/16');",
            "Network policy SOME_POLICY successfully created.",
        ),
        (
            "alter security integration okta_provisioning set network_policy = some_policy;",
            "Statement executed successfully.",
        ),
        ("alter security integration okta_provisioning unset network_policy;", "Statement executed successfully."),
        ("create database demo_db", "Database DEMO_DB successfully created."),
        ("use database demo_db;", "Statement executed successfully."),
        ("use schema information_schema;", "Statement executed successfully."),
    ] {
        let result = session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(cell(&result, 0, 0), status, "{sql}");
        assert_eq!(result.columns[0].name, "status");
    }
    let token = session.execute("select system$generate_scim_access_token('OKTA_PROVISIONING');", &[]).await.unwrap();
    assert_eq!(token.columns[0].name, "SYSTEM$GENERATE_SCIM_ACCESS_TOKEN('OKTA_PROVISIONING')");
    assert!(cell(&token, 0, 0).starts_with("oktscim_"));
    for sql in [
        "select * from table(rest_event_history('scim'));",
        "select * from table(rest_event_history('scim', dateadd('minutes',-5,current_timestamp()), current_timestamp(), 200)) order by event_timestamp;",
    ] {
        let history = session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(history.columns.len(), 13, "{sql}");
        assert_eq!(history.rows.len(), 0, "{sql}");
    }
}

#[tokio::test]
async fn guide_runs_as_one_script() {
    let test = TestAccount::new().await;
    let session = test.admin().await;
    run_script(&session, "create database demo_db; create user some_user; create network policy some_policy allowed_ip_list = ('0.0.0.0/0')").await;
    let last = run_script(&session, crate::common::GUIDE).await;
    assert_eq!(last.columns[0].name, "EVENT_TIMESTAMP");
    assert_eq!(last.context.database.as_deref(), Some("DEMO_DB"));
    assert_eq!(last.context.schema.as_deref(), Some("INFORMATION_SCHEMA"));
}

#[tokio::test]
async fn refusals_have_snowflakes_numbers_and_texts() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    admin.execute("create user jane password = 'secret-of-jane'", &[]).await.unwrap();
    let jane = test.login("jane", "secret-of-jane").await.unwrap();
    for (session, sql, expected) in [
        (
            &jane,
            "use role accountadmin",
            "003013 (42501): SQL access control error:\nRequested role 'ACCOUNTADMIN' is not assigned to the executing user.  Specify another role to activate.",
        ),
        (
            &jane,
            "use role nonsense",
            "002043 (02000): SQL compilation error:\nObject does not exist, or operation cannot be performed.",
        ),
        (
            &jane,
            "create role r",
            "003001 (42501): SQL access control error:\nInsufficient privileges to operate on account 'TEST'. Your primary role PUBLIC must have CREATE ROLE granted on ACCOUNT",
        ),
        (
            &admin,
            "create security integration i type = scim scim_client = 'okta'",
            "002029 (42601): SQL compilation error:\nMissing option(s): [RUN_AS_ROLE]",
        ),
        (
            &admin,
            "create security integration i type = scim scim_client = 'okta' run_as_role = 'NOBODY'",
            "002003 (02000): SQL compilation error:\nRole 'NOBODY' does not exist or not authorized.",
        ),
        (
            &admin,
            "create security integration i type = scim scim_client = 'google' run_as_role = 'NOBODY'",
            "001422 (22023): SQL compilation error:\ninvalid value 'google' for property 'SCIM_CLIENT'",
        ),
        (&admin, "select nonsense('x')", "002140 (42601): SQL compilation error:\nUnknown function NONSENSE"),
        (
            &admin,
            "select system$nonsense('x')",
            "002140 (42601): SQL compilation error:\nUnknown function SYSTEM$NONSENSE",
        ),
        (
            &admin,
            "select * from table(nonsense('x'))",
            "002140 (42601): SQL compilation error:\nUnknown function NONSENSE",
        ),
        (
            &admin,
            "select system$generate_scim_access_token('okta_provisioning')",
            "002003 (02000): SQL compilation error:\nIntegration 'okta_provisioning' does not exist or not authorized.",
        ),
        (
            &admin,
            "select * from table(rest_event_history('scim'))",
            "090105 (22000): Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.",
        ),
        (&admin, "create user jane", "002002 (42710): SQL compilation error:\nObject 'JANE' already exists."),
        (
            &admin,
            "drop user nobody",
            "002003 (02000): SQL compilation error:\nUser 'NOBODY' does not exist or not authorized.",
        ),
        (
            &admin,
            "select nothing",
            "000904 (42000): SQL compilation error:\nerror line 1 at position 7\ninvalid identifier 'NOTHING'",
        ),
        (
            &admin,
            "select * from nowhere",
            "002003 (02000): SQL compilation error:\nObject 'NOWHERE' does not exist or not authorized.",
        ),
        (&admin, "create table t (a int)", "000002 (0A000): Unsupported feature 'TABLE'."),
    ] {
        let error = session.execute(sql, &[]).await.expect_err(sql);
        assert_eq!(error.to_string(), expected, "{sql}");
    }
}

/// Statements run on threads that may block: each of those waiting for another one would be a deadlock.
#[test]
fn a_password_is_derived_without_another_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(1).enable_all().build().unwrap();
    let test = runtime.block_on(TestAccount::new());
    let session = runtime.block_on(test.account.system_session()).unwrap();
    let handle = runtime.handle().clone();
    let statement = runtime.spawn_blocking(move || {
        let create = session.execute("create user jane password = 'pw-of-jane'", &[]);
        handle.block_on(async { tokio::time::timeout(Duration::from_secs(20), create).await.is_ok() })
    });
    assert!(runtime.block_on(statement).unwrap(), "the statement waits for the thread it runs on");
}
