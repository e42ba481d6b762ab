//! Names are found in any case and shown in the model's.

use oktant_base::Coded;

use crate::support::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn any_case_and_any_quoting_finds_the_same_columns() {
    let t = Fixture::new(10, 2).await;
    let expected = t.rows(r#"SELECT "Id", "Status" FROM "Users" ORDER BY "Id""#).await;
    assert_eq!(expected.len(), t.users().await.len());
    for sql in [
        "select id, STATUS from users order by ID",
        r#"SELECT "Users"."Id" AS "Users_Id", "Users"."Status" AS "Users_Status" FROM "Users" ORDER BY "Users_Id""#,
        "SELECT [Id], `status` FROM [users] AS U ORDER BY u.id",
        "WITH Everyone AS (SELECT Id, Status FROM okta.Users) SELECT * FROM everyone ORDER BY Id",
        r#"SELECT x."ID", x.status FROM (SELECT * FROM USERS) AS x ORDER BY 1"#,
    ] {
        assert_eq!(t.rows(sql).await, expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_shown_as_the_model_or_the_alias_spells_them() {
    let t = Fixture::new(3, 1).await;
    for (sql, columns) in [
        ("select id, profilefirstname from users", vec!["Id", "ProfileFirstName"]),
        ("select ID as iD, count(*) as N from USERS group by id", vec!["iD", "N"]),
        ("select u.status, max(u.created) from users u group by u.status", vec!["Status", "max(u.Created)"]),
        ("select apps.label from apps", vec!["Label"]),
    ] {
        assert_eq!(t.run(sql).await.unwrap().columns, columns, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_one_name_are_told_apart() {
    let t = Fixture::new(3, 1).await;
    for (sql, columns) in [
        ("SELECT Created, CAST(Created AS DATE) FROM Users", vec!["Created", "CAST(Created AS DATE)"]),
        ("SELECT Id, u.Id, Created::date, Created FROM Users u", vec!["Id", "Id_1", "Created", "Created_1"]),
        ("SELECT COUNT(*), COUNT(*) FROM Users", vec!["count(*)", "count(*)_1"]),
        ("SELECT Status AS id, Id, Id FROM Users", vec!["id", "id_1", "id_2"]),
        ("SELECT u.Id, g.Id FROM Users u, Groups g", vec!["Id", "Id_1"]),
    ] {
        assert_eq!(t.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).columns, columns, "{sql}");
    }
    let days = t.rows("SELECT Created, CAST(Created AS DATE) FROM Users").await;
    assert!(days.iter().all(|row| row[0].starts_with(&format!("{}T", row[1]))), "{days:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_columns_appear_only_by_name() {
    let t = Fixture::new(3, 1).await;
    let all = t.run("SELECT * FROM Users").await.unwrap().columns;
    assert!(all.contains(&"ProfileLogin".to_owned()) && !all.contains(&"RawJson".to_owned()), "{all:?}");
    let more = t.run("SELECT *, RawJson, Status FROM Users WHERE RawJson LIKE '%profile%'").await.unwrap().columns;
    assert_eq!(more, [all.as_slice(), &["RawJson".to_owned(), "Status_1".to_owned()]].concat());
    let raw = t.rows("SELECT RawJson FROM Users LIMIT 1").await;
    assert!(raw[0][0].contains("\"profile\""), "{raw:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_names_are_answered_with_the_nearest_one() {
    let t = Fixture::new(3, 1).await;
    for (sql, code, hint) in [
        ("SELECT Id FROM Usrs", "OKT3002", "did you mean Users?"),
        ("SELECT Sttus FROM Users", "OKT3003", "did you mean Status?"),
        ("SELECT u.ProfileFirstNam FROM Users u", "OKT3003", "did you mean ProfileFirstName?"),
        ("SELECT Id FROM Users u JOIN Groups g ON g.Id = u.Id", "OKT3011", ""),
        ("SELECT Id FROM", "OKT3001", ""),
        ("DELETE FROM Users", "OKT3009", ""),
    ] {
        let error = t.run(sql).await.unwrap_err();
        assert_eq!(error.code().id(), code, "{sql}: {error}");
        assert!(hint.is_empty() || error.hint().as_deref() == Some(hint), "{sql}: {:?}", error.hint());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schemas_describe_themselves() {
    let t = Fixture::new(3, 1).await;
    let tables = t.rows("SELECT table_name FROM information_schema.tables WHERE table_name = 'Users'").await;
    assert_eq!(tables, [["Users"]]);
    let keys = t
        .run("SELECT TableName, ColumnName FROM sys.sys_primarykeys WHERE TableName = 'GroupMembers' ORDER BY KeySeq")
        .await
        .unwrap();
    assert_eq!(keys.columns, ["TableName", "ColumnName"]);
    assert_eq!(keys.rows, [["GroupMembers", "GroupId"], ["GroupMembers", "UserId"]]);
    assert!(t.requests().is_empty(), "tables and keys are known without the org");
    t.rows("SELECT Id FROM Users LIMIT 1").await;
    let all = t.run("SELECT * FROM sys.sys_primarykeys LIMIT 1").await.unwrap();
    assert!(all.columns.contains(&"KeySeq".to_owned()), "{:?}", all.columns);
    let calls = t.rows("SELECT Path, Status FROM sys.sys_api_calls").await;
    assert_eq!(calls, [["/api/v1/users", "200"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_attributes_are_columns_once_they_are_needed() {
    let t = Fixture::new(20, 1).await;
    t.rows("SELECT Id, Status FROM Users").await;
    assert!(t.requests().iter().all(|request| !request.contains("/meta/")), "nothing needs the schemas");
    let columns = t.session.columns("Users").await.unwrap();
    let custom: Vec<_> = columns.iter().filter(|column| column.custom).map(|column| column.name.clone()).collect();
    assert!(!custom.is_empty(), "the sandbox has custom attributes");
    t.requests();
    let all = t.run("SELECT * FROM Users").await.unwrap();
    assert!(custom.iter().all(|name| all.columns.contains(name)), "{:?}", all.columns);
    assert!(t.requests().iter().all(|request| !request.contains("/meta/")), "the schemas are remembered");
    let values = t.rows(&format!("SELECT {} FROM Users", custom.join(", "))).await;
    assert!(values.iter().flatten().any(|value| value != "NULL"), "some user has a value");
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_are_named_as_they_are_written() {
    let t = Fixture::new(3, 1).await;
    for (sql, columns) in [
        ("SELECT 1, 'a', COUNT(*) FROM Users", vec!["1", "'a'", "count(*)"]),
        (
            "SELECT min(created), Created + interval '1 day' FROM Users GROUP BY Created",
            vec!["min(Created)", "Created + INTERVAL '1 day'"],
        ),
        ("SELECT upper(u.Id), u.* FROM Groups u", vec!["upper(u.Id)", "Id"]),
        ("SELECT 1 UNION ALL SELECT 2", vec!["1"]),
    ] {
        let found = t.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}")).columns;
        assert_eq!(found[..columns.len()], columns, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_found_by_the_words_of_other_shells() {
    let t = Fixture::new(3, 1).await;
    let tables = t.rows("SHOW TABLES").await;
    for table in ["okta.Users", "sys.sys_tables", "information_schema.columns"] {
        assert!(tables.iter().any(|row| row.join(".") == table), "{table}");
    }
    let columns = t.rows("DESCRIBE users").await;
    assert!(columns.contains(&["ProfileLogin", "VARCHAR", "NO", "false"].map(str::to_owned).to_vec()), "{columns:?}");
    assert!(columns.iter().all(|row| row[0] != "RawJson"));
    assert!(t.rows("DESCRIBE sys.sys_api_calls").await.iter().any(|row| row[0] == "Bucket"));
    assert_eq!(t.rows("SELECT TOP 2 Id FROM Users").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_names_are_spelled_as_written_with_the_likeliest_right_one() {
    let t = Fixture::new(3, 1).await;
    for (sql, message, hint) in [
        ("SELECT Login FROM Users", "unknown column \"Login\"", "did you mean ProfileLogin?"),
        ("SELECT Email FROM Users", "unknown column \"Email\"", "did you mean ProfileEmail?"),
        ("SELECT u.ProfileLogin FROM Users x", "unknown column \"u.ProfileLogin\"", "did you mean x.ProfileLogin?"),
        ("SELECT * FROM nope.Users", "unknown table \"nope.Users\"", "did you mean Users?"),
    ] {
        let error = t.run(sql).await.unwrap_err();
        assert_eq!(error.to_string(), message, "{sql}");
        assert_eq!(oktant_base::Coded::hint(&error).as_deref(), Some(hint), "{sql}");
    }
}
