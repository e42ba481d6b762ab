//! What roles allow: primary and secondary ones, tokens held to one role, and how grants come and go.

use crate::common::{TestAccount, ask, cell, column, run_all};
use oktant_warehouse::Session;

/// The number of the error that a statement has to give.
async fn code(session: &Session, sql: &str) -> u32 {
    session.execute(sql, &[]).await.expect_err(sql).code
}

/// A session of `jane`, whose default role is `narrow` and who has `wide`, too; `before` runs as the administrator.
async fn jane(test: &TestAccount, before: &[&str]) -> Session {
    let admin = test.admin().await;
    let made = [
        "create role narrow",
        "create role wide",
        "create user jane password = 'password-of-jane' default_role = narrow",
        "grant role narrow to user jane",
        "grant role wide to user jane",
    ];
    run_all(&admin, &made).await;
    run_all(&admin, before).await;
    test.login("jane", "password-of-jane").await.unwrap()
}

#[tokio::test]
async fn a_token_held_to_a_role_has_that_role_alone() {
    let test = TestAccount::new().await;
    let jane = jane(&test, &["grant create user on account to role wide"]).await;
    let add = "alter user add programmatic access token t role_restriction = 'NARROW'";
    let token = cell(&ask(&jane, add).await, 0, 1).to_owned();
    let held = test.login("jane", &token).await.unwrap();
    assert_eq!(code(&held, "use role wide").await, 3013);
    assert_eq!(code(&held, "use role public").await, 3013);
    assert_eq!(code(&held, "use secondary roles all").await, 3001);
    assert_eq!(code(&held, "create user joe").await, 3001);
    assert_eq!(code(&held, "alter user add programmatic access token free").await, 3001, "a way out");
    run_all(&held, &["use role narrow", "use secondary roles none"]).await;
    assert_eq!(cell(&ask(&held, "select is_role_in_session('WIDE')").await, 0, 0), "0");
    assert_eq!(cell(&ask(&held, "select current_available_roles()").await, 0, 0), "[\"NARROW\"]");
    // The password is not held to it.
    run_all(&jane, &["use role wide", "create user joe"]).await;
    // What is restricted to a role that is gone has nothing left.
    run_all(&test.admin().await, &["revoke role narrow from user jane"]).await;
    assert_eq!(held.context().await.unwrap().role.as_deref(), Some("PUBLIC"));
    assert_eq!(code(&held, "use role wide").await, 3013);
}

#[tokio::test]
async fn the_primary_role_alone_lets_make_things() {
    let test = TestAccount::new().await;
    let before = [
        "create database kept",
        "grant create user, create database on account to role wide",
        "grant create schema on database kept to role wide",
        "grant create integration on account to role narrow",
        "grant create user on account to role public",
        "revoke create user on account from role public",
    ];
    let jane = jane(&test, &before).await;
    let integration = "create security integration i type = scim scim_client = 'okta' run_as_role = 'WIDE'";
    for sql in ["create user joe", "create database mine", "create schema kept.s", integration] {
        assert_eq!(code(&jane, sql).await, 3001, "{sql}");
    }
    run_all(&jane, &["use role wide", "create user joe", "create database mine", "create schema kept.s"]).await;
    run_all(&jane, &["create schema mine.s"]).await;
    // Owning something through a secondary role is enough to change it.
    run_all(&jane, &["use role narrow", "alter user joe set comment = 'x'"]).await;
    run_all(&test.admin().await, &["grant role wide to role narrow"]).await;
    run_all(&jane, &[integration, "create user jim"]).await;
    assert_eq!(column(&ask(&jane, "show users like 'jim'").await, "owner"), ["NARROW"]);
}

#[tokio::test]
async fn owning_the_database_lets_read_none_of_its_tables() {
    let engine = std::sync::Arc::new(crate::engine::Echo::default());
    let test = TestAccount::at("sqlite::memory:", |config| config.engine(engine)).await;
    let jane = jane(&test, &["grant ownership on database okta to role narrow copy current grants"]).await;
    assert!(jane.readable_tables().await.unwrap().is_empty());
    let all = ["USERS", "GROUPS", "FLOW_TABLES.BEST PEOPLE"];
    assert_eq!(test.admin().await.readable_tables().await.unwrap(), all);
}

#[tokio::test]
async fn ownership_takes_its_grants_along_or_ends_them() {
    let test = TestAccount::new().await;
    let jane = jane(&test, &["create database d", "grant usage on database d to role narrow"]).await;
    let admin = test.admin().await;
    let grants = "show grants on database d";
    assert_eq!(code(&admin, "grant ownership on database d to role wide").await, 3001);
    run_all(&admin, &["grant ownership on database d to role wide copy current grants"]).await;
    let copied = ask(&jane, grants).await;
    assert_eq!(column(&copied, "privilege"), ["OWNERSHIP", "USAGE"]);
    assert_eq!(column(&copied, "granted_by"), ["", "WIDE"]);
    run_all(&admin, &["grant ownership on database d to role narrow revoke current grants"]).await;
    assert_eq!(column(&ask(&jane, grants).await, "privilege"), ["OWNERSHIP"]);
    assert_eq!(column(&ask(&jane, grants).await, "grantee_name"), ["NARROW"]);
}

#[tokio::test]
async fn the_grant_option_comes_and_goes_by_itself() {
    let test = TestAccount::new().await;
    let jane =
        jane(&test, &["create role child", "grant create user on account to role narrow with grant option"]).await;
    let admin = test.admin().await;
    run_all(&jane, &["grant create user on account to role wide"]).await;
    run_all(&admin, &["revoke grant option for create user on account from role narrow"]).await;
    assert_eq!(code(&jane, "grant create user on account to role wide").await, 3011);
    run_all(&jane, &["create user joe"]).await;

    // A role has its option from a later grant, too, and a plain grant after that takes nothing away.
    run_all(&admin, &["grant role child to role narrow"]).await;
    assert_eq!(code(&jane, "grant role child to role wide").await, 3001);
    run_all(&admin, &["grant role child to role narrow with grant option", "grant role child to role narrow"]).await;
    run_all(&jane, &["grant role child to role wide"]).await;
    for sql in [
        "grant role child to user jane with grant option",
        "revoke grant option for role child from role narrow",
        "revoke grant option for ownership on role child from role narrow",
        "revoke role child from role narrow with grant option",
    ] {
        assert_eq!(code(&admin, sql).await, 1003, "{sql}");
    }
}

#[tokio::test]
async fn the_only_administrator_cannot_be_dropped() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    let own = format!("drop user {}", cell(&ask(&admin, "select current_user()").await, 0, 0));
    let refused = admin.execute(&own, &[]).await.expect_err("is refused");
    assert_eq!(refused.code, 3001);
    assert!(refused.message.contains("no other user has the role ACCOUNTADMIN"), "{refused}");
    let made = [
        "create user second password = 'password-of-second' default_role = accountadmin",
        "grant role accountadmin to user second",
    ];
    run_all(&admin, &made).await;
    run_all(&test.login("second", "password-of-second").await.unwrap(), &[&own]).await;
}
