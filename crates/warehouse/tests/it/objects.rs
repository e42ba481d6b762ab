//! What statements show of users, roles, grants, policies and integrations, and who may do what.

use crate::common::{TestAccount, ask, cell, column, run_all};
use oktant_base::Secret;
use oktant_warehouse::{Binding, ColumnType, Login, SnowflakeError, StatementType};

#[tokio::test]
async fn show_users_has_snowflakes_columns() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &["create user jane login_name = 'jane@acme.example', email = 'j@x.example' comment = 'it''s her' default_role = analyst"],
    )
    .await;
    let users = ask(&admin, "show users like '%%'").await;
    let names: Vec<&str> = users.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        names.join(", "),
        "name, created_on, login_name, display_name, first_name, last_name, email, mins_to_unlock, days_to_expiry, comment, disabled, must_change_password, snowflake_lock, default_warehouse, default_namespace, default_role, default_secondary_roles, ext_authn_duo, ext_authn_uid, mins_to_bypass_mfa, owner, last_success_login, expires_at_time, locked_until_time, has_password, has_rsa_public_key, type, has_mfa, has_pat, has_workload_identity, is_from_organization_user"
    );
    assert_eq!(users.statement_type, StatementType::Show);
    assert_eq!(users.columns[1].column_type, ColumnType::TimestampLtz);
    assert_eq!(column(&users, "name"), ["ADMIN", "JANE"]);
    assert_eq!(column(&users, "created_on"), ["1768478400.000000000"; 2]);
    assert_eq!(column(&users, "comment"), ["", "it's her"]);
    assert_eq!(column(&users, "default_role"), ["ACCOUNTADMIN", "ANALYST"]);
    assert_eq!(column(&ask(&admin, "show users starts with 'J'").await, "name"), ["JANE"]);
    assert_eq!(column(&ask(&admin, "show users limit 1 from 'ADMIN'").await, "name"), ["JANE"]);
    assert_eq!(ask(&admin, "show terse users").await.columns.len(), 2);

    run_all(&admin, &["create user joe password = 'password-of-joe'"]).await;
    let joe = test.login("joe", "password-of-joe").await.unwrap();
    let seen = ask(&joe, "show users").await;
    assert_eq!(column(&seen, "name"), ["ADMIN", "JANE", "JOE"]);
    assert!(seen.rows.iter().all(|row| row[1..].iter().all(Option::is_none)), "others' properties are not shown");
    assert!(
        ask(&joe, "desc user joe")
            .await
            .rows
            .iter()
            .any(|row| row[0].as_deref() == Some("PASSWORD") && row[1].as_deref() == Some("********"))
    );
    assert_eq!(joe.execute("desc user jane", &[]).await.unwrap_err().code, 3001);
}

#[tokio::test]
async fn integrations_are_described_as_documented() {
    let test = TestAccount::new().await;
    test.provisioning("comment = 'for Okta'").await;
    let admin = test.admin().await;
    let description = ask(&admin, "desc security integration okta_provisioning").await;
    let rows: Vec<String> = description
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect::<Vec<_>>().join("|"))
        .collect();
    assert_eq!(
        rows[..5],
        [
            "ENABLED|Boolean|true|true",
            "NETWORK_POLICY|String||",
            "RUN_AS_ROLE|String|OKTA_PROVISIONER|",
            "SYNC_PASSWORD|Boolean|false|false",
            "COMMENT|String|for Okta|",
        ]
    );
    let endpoint = rows[5].strip_prefix("SCIM_ENDPOINT_ID|String|").unwrap().trim_end_matches('|');
    assert_eq!(endpoint.len(), 36, "{endpoint}");
    let shown = ask(&admin, "show security integrations").await;
    assert_eq!(
        (column(&shown, "type"), column(&shown, "category")),
        (vec!["SCIM - OKTA".to_owned()], vec!["SECURITY".to_owned()])
    );
    for (sql, code) in [
        (
            "create security integration okta_provisioning type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER'",
            2002,
        ),
        (
            "create or replace security integration if not exists x type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER'",
            2021,
        ),
        ("create security integration x type = saml2 scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER'", 2),
        (
            "create security integration x type = scim scim_client = 'azure' run_as_role = 'OKTA_PROVISIONER' sync_password = true",
            1422,
        ),
        (
            "create security integration x type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER' network_policy = nowhere",
            2003,
        ),
        ("alter security integration okta_provisioning set nonsense = 1", 1420),
        ("alter security integration nowhere set comment = ''", 2003),
    ] {
        assert_eq!(admin.execute(sql, &[]).await.expect_err(sql).code, code, "{sql}");
    }
    run_all(&admin, &["use role securityadmin"]).await;
    let without = "create security integration x type = scim scim_client = 'okta' run_as_role = 'OKTA_PROVISIONER'";
    assert_eq!(admin.execute(without, &[]).await.unwrap_err().code, 3001);
    run_all(&admin, &["use secondary roles none"]).await;
    assert_eq!(admin.execute("desc security integration okta_provisioning", &[]).await.unwrap_err().code, 3001);
    assert!(ask(&admin, "show integrations").await.rows.is_empty());
}

#[tokio::test]
async fn a_role_that_the_creator_lacks_cannot_be_run_as() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(&admin, &["create role provisioner", "revoke role sysadmin from role accountadmin"]).await;
    let sql = "create security integration x type = scim scim_client = 'okta' run_as_role = 'PROVISIONER'";
    let error = admin.execute(sql, &[]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "003001 (42501): SQL access control error:\nInsufficient privileges to operate on role 'PROVISIONER'"
    );
    run_all(&admin, &["grant role provisioner to role accountadmin", sql]).await;
}

#[tokio::test]
async fn grants_are_shown_from_every_side() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &[
            "create role child",
            "create role parent",
            "grant role child to role parent with grant option",
            "grant role child to user admin",
            "grant create user, monitor user on account to role child",
            "grant usage on database okta to child",
        ],
    )
    .await;
    let of = ask(&admin, "show grants of role child").await;
    assert_eq!(column(&of, "granted_to"), ["ROLE", "USER"]);
    assert_eq!(column(&of, "grantee_name"), ["PARENT", "ADMIN"]);
    assert_eq!(column(&of, "granted_by"), ["ACCOUNTADMIN"; 2]);
    let to = ask(&admin, "show grants to role child").await;
    assert_eq!(column(&to, "privilege"), ["CREATE USER", "MONITOR USER", "USAGE"]);
    assert_eq!(column(&to, "name"), ["TEST", "TEST", "OKTA"]);
    assert_eq!(column(&ask(&admin, "show grants to role parent").await, "privilege"), ["USAGE"]);
    assert_eq!(column(&ask(&admin, "show grants to user admin").await, "role"), ["ACCOUNTADMIN", "CHILD"]);
    assert_eq!(column(&ask(&admin, "show grants on role child").await, "privilege"), ["OWNERSHIP"]);
    let on_account = ask(&admin, "show grants on account").await;
    assert!(column(&on_account, "grantee_name").contains(&"CHILD".to_owned()));
    for (sql, code) in [
        ("grant role parent to role child", 2043),
        ("grant nonsense on account to role child", 2),
        ("grant role nowhere to role child", 2003),
        ("grant role child to role nowhere", 2003),
        ("drop role accountadmin", 2043),
        ("revoke ownership on role child from role parent", 2),
    ] {
        assert_eq!(admin.execute(sql, &[]).await.expect_err(sql).code, code, "{sql}");
    }
    // Who owns an object grants privileges on it, without managing all grants.
    run_all(
        &admin,
        &[
            "create role keeper",
            "create database kept",
            "grant ownership on database kept to role keeper",
            "create user jane password = 'password-of-jane' default_role = keeper",
            "grant role keeper to user jane",
        ],
    )
    .await;
    let jane = test.login("jane", "password-of-jane").await.unwrap();
    run_all(&jane, &["grant usage on database kept to role child"]).await;
    assert_eq!(jane.execute("grant usage on database okta to role child", &[]).await.unwrap_err().code, 3001);
    assert_eq!(jane.execute("grant create user on account to role child", &[]).await.unwrap_err().code, 3011);
    run_all(&admin, &["alter role child rename to infant", "revoke role infant from role parent", "drop role parent"])
        .await;
    assert_eq!(column(&ask(&admin, "show grants of role infant").await, "granted_to"), ["USER"]);
    assert_eq!(
        cell(&ask(&admin, "drop role if exists parent").await, 0, 0),
        "Drop statement executed successfully (PARENT already dropped)."
    );
}

#[tokio::test]
async fn network_policies_guard_themselves() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &[
            "create network policy p allowed_ip_list = ('10.0.0.0/8')",
            "create network policy empty",
            "create user jane",
        ],
    )
    .await;
    for (sql, code) in [
        ("alter account set network_policy = empty", 98_519),
        ("alter user jane set network_policy = nowhere", 2003),
        ("create network policy q allowed_ip_list = ('10.0.0.0/33')", 1422),
    ] {
        assert_eq!(admin.execute(sql, &[]).await.expect_err(sql).code, code, "{sql}");
    }
    run_all(&admin, &["alter user jane set network_policy = 'p'"]).await;
    for sql in
        ["drop network policy p", "create or replace network policy p", "alter network policy p unset allowed_ip_list"]
    {
        assert!(admin.execute(sql, &[]).await.is_err(), "{sql}");
    }
    let error = admin.execute("drop network policy p", &[]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "001492 (42601): SQL compilation error:\nCannot perform Drop operation on network policy P. The policy is attached to USER with name JANE. Unset the network policy from USER and try the Drop operation again."
    );
    run_all(&admin, &["alter user jane unset network_policy", "drop network policy p"]).await;
    let inside =
        Login::new("admin", Secret::new(crate::common::ADMIN_PASSWORD.to_owned())).client_ip("192.0.2.1".parse().ok());
    let session = test.account.login(inside).await.unwrap();
    run_all(&session, &["create network policy away allowed_ip_list = ('10.0.0.0/8')"]).await;
    assert_eq!(session.execute("alter account set network_policy = away", &[]).await.unwrap_err().code, 1493);
}

#[tokio::test]
async fn network_rules_are_refused_as_nobody_would_check_them() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    for sql in [
        "create network policy p allowed_network_rule_list = ('r') allowed_ip_list = ('0.0.0.0/0')",
        "create network policy p blocked_network_rule_list = (r)",
        "alter network policy q set blocked_network_rule_list = ('r')",
    ] {
        run_all(&admin, &["create or replace network policy q allowed_ip_list = ('10.0.0.0/8')"]).await;
        let error = admin.execute(sql, &[]).await.expect_err(sql);
        assert!(error.to_string().starts_with("000002 (0A000): Unsupported feature '"), "{sql}: {error}");
    }
    run_all(&admin, &["create network policy p allowed_ip_list = ('10.0.0.0/8') blocked_network_rule_list = ()"]).await;
    assert_eq!(column(&ask(&admin, "show network policies").await, "name"), ["P", "Q"]);
}

#[tokio::test]
async fn containers_are_altered_in_place_and_belong_to_one_database() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(&admin, &["create database d comment = 'old'", "create schema d.s", "create warehouse w"]).await;
    run_all(&admin, &["create role r", "grant usage on database d to role r", "drop schema d.public"]).await;
    test.advance_days(1);
    let before = column(&ask(&admin, "show databases").await, "created_on");
    let alter = [
        "create or alter database d comment = 'new'",
        "create or alter schema d.s comment = 'new'",
        "create or alter warehouse w comment = 'new'",
    ];
    run_all(&admin, &alter).await;
    let databases = ask(&admin, "show databases").await;
    assert_eq!(column(&databases, "comment"), ["new", "Tables of the Okta org"]);
    assert_eq!(column(&databases, "created_on"), before);
    assert_eq!(column(&ask(&admin, "show schemas in d").await, "name"), ["INFORMATION_SCHEMA", "S"]);
    assert_eq!(column(&ask(&admin, "show schemas in d").await, "comment")[1], "new");
    assert_eq!(column(&ask(&admin, "show warehouses").await, "comment"), ["new"]);
    assert_eq!(column(&ask(&admin, "show grants to role r").await, "privilege"), ["USAGE"]);
    run_all(&admin, &["create or alter database d"]).await;
    assert_eq!(column(&ask(&admin, "show databases").await, "comment")[0], "");

    for sql in ["create or replace database okta", "create or replace schema okta.public", "drop database okta"] {
        assert_eq!(admin.execute(sql, &[]).await.expect_err(sql).code, 2043, "{sql}");
    }
    for sql in ["create database \"d.e\"", "create schema d.\"e.f\"", "create schema \"D.E\".f"] {
        let error = admin.execute(sql, &[]).await.expect_err(sql);
        assert!(error.message.contains("DOT IN THE NAME"), "{sql}: {error}");
    }
    run_all(&admin, &["create or replace database d"]).await;
    assert_eq!(column(&ask(&admin, "show schemas in d").await, "name"), ["INFORMATION_SCHEMA", "PUBLIC"]);
    assert!(column(&ask(&admin, "show grants to role r").await, "privilege").is_empty());
}

#[tokio::test]
async fn chains_are_evaluated_up_to_the_bound_and_refused_beyond() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    for (begin, link, result) in [("1", " + 1", "501"), ("true", " and true", "1"), ("1", "::int", "1")] {
        let within = format!("select {begin}{} as x", link.repeat(500));
        assert_eq!(cell(&ask(&admin, &within).await, 0, 0), result, "{link}");
    }
    let joined = format!("select length('a'{}) as x", " || 'a'".repeat(499));
    assert_eq!(cell(&ask(&admin, &joined).await, 0, 0), "500");
    for from in ["", " from users"] {
        let beyond = format!("select 1{}{from}", " + 1".repeat(100_000));
        assert_eq!(admin.execute(&beyond, &[]).await.expect_err(from).code, 2);
    }
    let nested = format!("select {}1{}", "(1 + ".repeat(10_000), ")".repeat(10_000));
    assert_eq!(admin.execute(&nested, &[]).await.unwrap_err().code, 2);
}

#[tokio::test]
async fn selects_without_tables_are_evaluated() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    for (sql, name, expected) in [
        ("select 1", "1", "1"),
        ("select current_version() as v", "V", oktant_warehouse::SERVER_VERSION),
        ("select current_user(), 2", "CURRENT_USER()", "ADMIN"),
        ("select current_role()", "CURRENT_ROLE()", "ACCOUNTADMIN"),
        ("select current_account()", "CURRENT_ACCOUNT()", "TEST"),
        ("select upper('ä') || 'b'", "UPPER('Ä') || 'B'", "Äb"),
        ("select 1.50 + 2", "1.50 + 2", "3.50"),
        ("select iff(1 < 2 and not false, 'yes', 'no') x", "X", "yes"),
        ("select case when null then 1 else 2 end x", "X", "2"),
        ("select '2026-01-01'::timestamp_ntz as t", "T", "1767225600.000000000"),
        ("select dateadd(month, 1, '2026-01-31'::date) as d", "D", "20512"),
        ("select 'x' in ('a', 'x') as b", "B", "1"),
        ("select is_role_in_session('SYSADMIN') as b", "B", "1"),
    ] {
        let result = ask(&admin, sql).await;
        assert_eq!((result.columns[0].name.as_str(), cell(&result, 0, 0)), (name, expected), "{sql}");
    }
    let now = ask(&admin, "select current_timestamp as now, current_timestamp(3)").await;
    assert_eq!(now.columns[0].column_type, ColumnType::TimestampLtz);
    assert_eq!(cell(&now, 0, 0), "1768478400.000000000");
    let bound =
        |type_name: &str, value: &str| Binding { type_name: type_name.to_owned(), value: Some(value.to_owned()) };
    let bindings = [bound("FIXED", "1"), bound("TEXT", "a"), bound("TIMESTAMP_NTZ", "1577934245000000000")];
    let result = admin.execute("select ? + 1, ?, ?", &bindings).await.unwrap();
    assert_eq!(result.rows, [[Some("2".to_owned()), Some("a".to_owned()), Some("1577934245.000000000".to_owned())]]);
    assert_eq!(result.binds, 3);
    assert_eq!(admin.execute("select ?", &[]).await.unwrap_err().code, 2049);
    let described = admin.describe("select 1 as a", &[]).await.unwrap();
    assert_eq!((described.columns[0].name.as_str(), described.rows.len()), ("A", 0));
}

#[tokio::test]
async fn sessions_begin_where_they_are_asked_to() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &[
            "create database d",
            "create schema d.s",
            "create warehouse w warehouse_size = 'XSMALL'",
            "create role analyst",
            "create user jane password = 'password-of-jane' default_role = 'ANALYST' default_namespace = 'D.S' default_warehouse = 'W'",
            "grant role analyst to user jane",
        ],
    )
    .await;
    let login = || oktant_warehouse::Login::new("JANE", oktant_base::Secret::new("password-of-jane".to_owned()));
    let context = test.account.login(login()).await.unwrap().context().await.unwrap();
    let all = [context.database, context.schema, context.warehouse, context.role].map(Option::unwrap_or_default);
    assert_eq!(all, ["D", "S", "W", "ANALYST"]);
    let some = |name: &str| Some(name.to_owned());
    for (login, code) in [
        (login().role(some("accountadmin")), 390_189),
        (login().database(some("nowhere")), 390_201),
        (login().database(some("d")).schema(some("nowhere")), 390_201),
        (login().warehouse(some("nowhere")), 390_201),
    ] {
        assert_eq!(test.account.login(login).await.unwrap_err().code, code);
    }
    let session = test.account.login(login().role(some("public")).database(some("okta"))).await.unwrap();
    assert_eq!(session.context().await.unwrap().role.as_deref(), Some("PUBLIC"));
    let used = ask(&session, "use schema d.information_schema").await;
    assert_eq!(
        (used.context.database.as_deref(), used.context.schema.as_deref()),
        (Some("D"), Some("INFORMATION_SCHEMA"))
    );
    assert_eq!(session.execute("use database nowhere", &[]).await.unwrap_err().code, 2043);
    session.close();
    assert_eq!(session.execute("select 1", &[]).await.unwrap_err().code, 390_111);
}

#[tokio::test]
async fn expired_and_dropped_users_are_out() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(&admin, &["create user jane password = 'password-of-jane' days_to_expiry = 2"]).await;
    let jane = test.login("jane", "password-of-jane").await.unwrap();
    test.advance_days(3);
    assert!(test.login("jane", "password-of-jane").await.is_err());
    run_all(&admin, &["drop user jane"]).await;
    assert_eq!(jane.check().await.unwrap_err().code, 390_111);
    run_all(&admin, &["create user jane password = 'password-of-jane'"]).await;
    assert_eq!(jane.check().await.unwrap_err().code, 390_111, "another user of the same name is another user");
}

/// A session does not outlive the permission to sign in from where it was opened.
#[tokio::test]
async fn a_network_policy_ends_the_sessions_that_it_does_not_admit() {
    let test = TestAccount::new().await;
    let admin = test.admin().await;
    run_all(
        &admin,
        &[
            "create user jane password = 'pw-of-jane'",
            "create network policy here allowed_ip_list = ('192.0.2.0/24')",
            "create network policy away allowed_ip_list = ('10.0.0.0/8')",
        ],
    )
    .await;
    let from = |ip: &str| Login::new("jane", Secret::new("pw-of-jane".to_owned())).client_ip(ip.parse().ok());
    for (set, unset) in [
        ("alter user jane set network_policy = away", "alter user jane unset network_policy"),
        ("alter account set network_policy = away", "alter account unset network_policy"),
    ] {
        let (near, far) = (test.account.login(from("192.0.2.1")).await.unwrap(), test.account.login(from("10.0.0.1")));
        let far = far.await.unwrap();
        near.check().await.unwrap();
        run_all(&admin, &[set]).await;
        assert_eq!(near.check().await.unwrap_err(), SnowflakeError::session_gone(), "{set}");
        assert_eq!(near.execute("select 1", &[]).await.unwrap_err(), SnowflakeError::session_gone());
        near.revoked().await;
        far.check().await.unwrap();
        run_all(&admin, &[unset]).await;
    }
    run_all(&admin, &["alter user jane set network_policy = here"]).await;
    let near = test.account.login(from("192.0.2.1")).await.unwrap();
    run_all(&admin, &["alter network policy here set allowed_ip_list = ('10.0.0.0/8')"]).await;
    assert_eq!(near.check().await.unwrap_err(), SnowflakeError::session_gone(), "the policy itself was changed");
}
