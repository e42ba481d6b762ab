//! Rows equal what the org holds.

use futures::StreamExt;
use oktant_client::Call;
use oktant_sql::{Param, Params, Pushdown};
use serde_json::json;

use crate::support::{Fixture, run_on, sorted_on};

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_status_are_the_orgs() {
    let t = Fixture::new(450, 5).await;
    let mut expected: Vec<Vec<String>> = t
        .users()
        .await
        .iter()
        .filter(|user| user["status"] == "ACTIVE")
        .map(|user| {
            vec![user["id"].as_str().unwrap().to_owned(), user["profile"]["firstName"].as_str().unwrap().to_owned()]
        })
        .collect();
    expected.sort();
    assert!(expected.len() > 100, "the sandbox has active users");
    for status in ["'Active'", "'ACTIVE'", "lower('Active')"].iter().take(2) {
        let sql = format!("SELECT Id, ProfileFirstName FROM Users WHERE Status = {status}");
        assert_eq!(t.sorted(&sql).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_status_is_in_a_full_scan() {
    let t = Fixture::new(450, 5).await;
    let users = t.users().await;
    assert!(users.iter().any(|user| user["status"] == "DEPROVISIONED"), "the sandbox has deprovisioned users");
    assert_eq!(t.rows("SELECT COUNT(*) FROM Users").await, [[users.len().to_string()]]);
    let statuses = t.rows("SELECT Status, COUNT(*) AS n FROM Users GROUP BY Status ORDER BY Status").await;
    for row in statuses {
        let expected = users.iter().filter(|user| user["status"] == row[0].as_str()).count();
        assert_eq!(row[1], expected.to_string(), "{}", row[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_user_has_every_value_of_its_columns() {
    let t = Fixture::new(250, 5).await;
    let mut expected: Vec<Vec<String>> = t
        .users()
        .await
        .iter()
        .map(|user| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or("NULL").to_owned();
            let profile = &user["profile"];
            vec![
                text(&user["id"]),
                text(&profile["login"]),
                text(&profile["department"]),
                text(&user["created"]).replace(".000Z", "Z"),
            ]
        })
        .collect();
    expected.sort();
    assert_eq!(t.sorted("SELECT Id, ProfileLogin, ProfileDepartment, Created FROM Users").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_joined_from_either_side_are_the_orgs() {
    let t = Fixture::new(120, 6).await;
    let mut expected = Vec::new();
    for group in t.objects("/api/v1/groups?limit=200").await {
        let id = group["id"].as_str().unwrap();
        for user in t.objects(&format!("/api/v1/groups/{id}/users?limit=200")).await {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            expected.push(vec![text(&group["profile"]["name"]), text(&user["profile"]["login"])]);
        }
    }
    expected.sort();
    let from_groups = "SELECT g.ProfileName, u.ProfileLogin FROM Groups g \
        JOIN GroupMembers m ON m.GroupId = g.Id JOIN Users u ON u.Id = m.UserId";
    assert_eq!(t.sorted(from_groups).await, expected);
    let from_users = "SELECT g.ProfileName, u.ProfileLogin FROM Users u \
        JOIN GroupMembers m ON m.UserId = u.Id JOIN Groups g ON m.GroupId = g.Id";
    assert_eq!(t.sorted(from_users).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_compared_with_itself_leaves_null_out() {
    let t = Fixture::new(60, 4).await;
    let from = "FROM GroupMembers m JOIN Users u ON u.Id = m.UserId";
    let known = t.sorted(&format!("SELECT m.GroupId, u.Id {from} WHERE u.LastLogin IS NOT NULL")).await;
    let all = t.rows(&format!("SELECT m.GroupId, u.Id {from}")).await;
    assert!(!known.is_empty() && known.len() < all.len(), "{} of {}", known.len(), all.len());
    for condition in ["u.LastLogin = u.LastLogin", "u.Id = u.Id AND u.LastLogin = u.LastLogin"] {
        let sql = format!("SELECT m.GroupId, u.Id {from} WHERE {condition}");
        assert_eq!(t.sorted(&sql).await, known, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_with_expand_only_is_not_read_from_another_table() {
    let t = Fixture::new(40, 4).await;
    let truth = t.sandbox.truth();
    let user = &truth.memberships[0].user;
    let count = |group: &str| truth.memberships.iter().filter(|member| member.group == group).count();
    let groups = truth.memberships.iter().filter(|member| member.user == *user).map(|member| &member.group);
    let mut expected: Vec<_> = groups.map(|group| vec![group.clone(), count(group).to_string()]).collect();
    expected.sort();
    for used in ["g.UsersCount", "s.n"] {
        let groups = match used {
            "s.n" => "(SELECT Id, UsersCount AS n FROM Groups) s",
            _ => "Groups g",
        };
        let alias = &used[..1];
        let sql = format!(
            "SELECT {alias}.Id, {used} FROM UserGroups m JOIN {groups} ON {alias}.Id = m.GroupId WHERE m.UserId = '{user}'"
        );
        assert_eq!(t.sorted(&sql).await, expected, "{sql}");
    }
    let conditional = format!(
        "SELECT g.Id FROM UserGroups m JOIN Groups g ON g.Id = m.GroupId WHERE m.UserId = '{user}' AND g.UsersCount > 0"
    );
    assert_eq!(t.rows(&conditional).await.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_round_of_a_recursive_query_has_its_own_keys() {
    let t = Fixture::new(40, 3).await;
    let users = t.users().await;
    let chain: Vec<&str> = users
        .iter()
        .filter(|user| user["status"] == "ACTIVE")
        .take(5)
        .map(|user| user["id"].as_str().unwrap())
        .collect();
    for pair in chain.windows(2) {
        let profile = json!({ "profile": { "managerId": pair[1] } });
        let call = Call::path("POST", &format!("/api/v1/users/{}", pair[0])).unwrap().json(&profile);
        t.session.org().send(call).await.unwrap();
    }
    let mut expected: Vec<_> = chain.iter().map(|id| vec![(*id).to_owned()]).collect();
    expected.sort();
    let sql = format!(
        "WITH RECURSIVE chain AS (
            SELECT Id, ProfileManagerId AS manager FROM Users WHERE Id = '{}'
            UNION ALL SELECT u.Id, u.ProfileManagerId FROM chain c JOIN Users u ON u.Id = c.manager
        ) SELECT Id FROM chain",
        chain[0]
    );
    assert_eq!(t.sorted(&sql).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_values() {
    let t = Fixture::new(60, 3).await;
    let all = t.sorted("SELECT Id FROM Users").await;
    let some = [&all[0][0], &all[1][0]].map(String::clone);
    let list = Param::List(some.iter().map(|id| datafusion::common::ScalarValue::from(id.as_str())).collect());
    let answer = t.run_with("SELECT Id FROM Users WHERE Id IN ?", Params::Positional(vec![list])).await.unwrap();
    assert_eq!(answer.rows.len(), 2);
    for (sql, count) in
        [("SELECT Id FROM Users WHERE Id IN ?", 0), ("SELECT Id FROM Users WHERE Id NOT IN (?)", all.len())]
    {
        let answer = t.run_with(sql, Params::Positional(vec![Param::List(Vec::new())])).await.unwrap();
        assert_eq!(answer.rows.len(), count, "{sql}");
    }
    let injected = Params::Named(vec![("id".to_owned(), "x' OR '1'='1".into())]);
    let answer = t.run_with("SELECT Id FROM Users WHERE Id = %(id)s", injected).await.unwrap();
    assert!(answer.rows.is_empty());
    let limited = t.run_with("SELECT Id FROM Users LIMIT :n", Params::Named(vec![("n".to_owned(), 3.into())])).await;
    assert_eq!(limited.unwrap().rows.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn left_out_users_do_not_come_back_through_a_join() {
    let t = Fixture::with(150, 4, "&IncludeDeprovisioned=false").await;
    for (joined, filter) in [
        ("GroupMembers m JOIN Users u ON u.Id = m.UserId", ""),
        ("ApplicationUsers a JOIN Users u ON a.Id = u.Id", ""),
        ("ApplicationUsers a JOIN Users u ON a.Id = u.Id", "WHERE u.ProfileLogin IS NOT NULL"),
    ] {
        let sql = format!("SELECT u.Id, u.Status FROM {joined} {filter}");
        let pushed = t.sorted(&sql).await;
        assert!(!pushed.is_empty() && pushed.iter().all(|row| row[1] != "DEPROVISIONED"), "{sql}");
        assert_eq!(pushed, sorted_on(&t.session.with_pushdown(Pushdown::Off), &sql).await, "{sql}");
    }
    // The users come with the members, so that the condition must be seen there.
    let explained = t.rows("EXPLAIN SELECT u.Id FROM GroupMembers m JOIN Users u ON u.Id = m.UserId").await;
    let requests = &explained[0][1];
    assert!(requests.contains("evaluated here: ") && requests.contains("DEPROVISIONED"), "{requests}");
    assert!(!requests.contains("GET /api/v1/users"), "{requests}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_joined_with_their_assignments_are_the_users() {
    let t = Fixture::new(60, 3).await;
    let users = t.users().await;
    let joined = "SELECT u.Id, u.Status, u.ProfileLogin, u.Created FROM ApplicationUsers a JOIN Users u ON a.Id = u.Id";
    let rows = t.rows(joined).await;
    assert!(!rows.is_empty());
    for row in rows {
        let user = users.iter().find(|user| user["id"] == row[0].as_str()).unwrap();
        assert_eq!(user["status"], row[1].as_str(), "{row:?}");
        assert_eq!(user["profile"]["login"], row[2].as_str(), "{row:?}");
        assert_eq!(user["created"].as_str().unwrap().replace(".000Z", "Z"), row[3], "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_text_is_null_where_the_connection_says_so() {
    let t = Fixture::with(30, 2, "&EmptyStringAsNull=true").await;
    let users: Vec<_> = t.users().await.into_iter().filter(|user| user["status"] == "ACTIVE").collect();
    for (user, city) in users.iter().zip(["", "Oslo"]) {
        let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
        let body = serde_json::json!({ "profile": { "city": city } });
        t.session.org().send(oktant_client::Call::path("POST", &path).unwrap().json(&body)).await.unwrap();
    }
    let id = users[0]["id"].as_str().unwrap();
    assert_eq!(t.rows(&format!("SELECT ProfileCity FROM Users WHERE Id = '{id}'")).await, [["NULL"]]);
    for condition in ["IS NULL", "IS NOT NULL", "= ''", "<> ''"] {
        let sql = format!("SELECT Id FROM Users WHERE ProfileCity {condition}");
        let pushed = t.sorted(&sql).await;
        assert_eq!(pushed.contains(&vec![id.to_owned()]), condition == "IS NULL", "{sql}");
        assert_eq!(pushed, sorted_on(&t.session.with_pushdown(Pushdown::Off), &sql).await, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_do_not_depend_on_pushdown() {
    let t = Fixture::new(150, 5).await;
    for sql in [
        "SELECT Id FROM Users WHERE Status <> 'active' AND ProfileFirstName LIKE 'A%'",
        "SELECT Status, MAX(Created) FROM Users WHERE ProfileDepartment IS NOT NULL GROUP BY Status",
        "SELECT CASE Status WHEN 'Active' THEN 1 ELSE 0 END, ProfileLogin FROM Users WHERE status IN ('staged', 'Active')",
        "SELECT ProfileLogin FROM Users ORDER BY Created DESC, Id LIMIT 7",
        "SELECT Id FROM Groups WHERE Type = 'okta_group' AND ProfileName > 'B'",
        "SELECT GroupId, COUNT(*) FROM GroupMembers GROUP BY GroupId",
        "SELECT Id FROM Users WHERE Id NOT IN (SELECT UserId FROM GroupMembers \
            WHERE GroupId IN (SELECT Id FROM Groups WHERE Type = 'OKTA_GROUP'))",
    ] {
        let pushed = t.sorted(sql).await;
        let session = t.session.with_pushdown(Pushdown::Off);
        assert_eq!(pushed, sorted_on(&session, sql).await, "{sql}");
    }
}

/// Each relation has two paths, and each path returns one of its two sides.
#[tokio::test(flavor = "multi_thread")]
async fn a_relation_tells_both_sides_whichever_path_is_taken() {
    let t = Fixture::new(12, 3).await;
    let off = t.session.with_pushdown(Pushdown::Off);
    let member = "SELECT GroupId, UserId FROM GroupMembers WHERE GroupName = 'Everyone' LIMIT 1";
    let member = t.rows(member).await.remove(0);
    let app = t.rows("SELECT GroupId, AppId, AppLabel FROM GroupApplications LIMIT 1").await.remove(0);
    let membership = "UserLogin, UserEmail, UserFirstName, UserLastName, UserStatus, UserLastUpdated, GroupName, GroupType, GroupLastMembershipUpdated";
    let selected = [
        ("GroupMembers", membership, vec!["GroupId", "UserId"], &member),
        ("UserGroups", membership, vec!["GroupId", "UserId"], &member),
        ("GroupApplications", "AppName, AppLabel, AppStatus", vec!["GroupId", "AppId"], &app),
        ("ApplicationGroups", "LastUpdated, Priority, Profile", vec!["GroupId", "AppId"], &app),
    ];
    for (table, columns, keys, values) in selected {
        let first = columns.split(", ").next().unwrap();
        let mut conditions = vec![String::new(), format!("{first} IS NOT NULL"), format!("{first} IS NULL")];
        for (key, value) in keys.iter().zip(values) {
            conditions.push(format!("{key} = '{value}'"));
        }
        if table.ends_with("Members") || table.starts_with("User") {
            conditions.push("GroupName = 'Everyone'".to_owned());
            conditions.push("UserStatus = 'active' AND GroupType = 'BUILT_IN'".to_owned());
            conditions.push("UserLogin LIKE 'a%' OR GroupName LIKE 'E%'".to_owned());
        }
        for condition in conditions {
            let filter = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
            let sql = format!("SELECT {}, {columns} FROM {table}{filter}", keys.join(", "));
            let rows = t.sorted(&sql).await;
            assert_eq!(rows, sorted_on(&off, &sql).await, "{sql}");
            // Counting takes whichever path it likes.
            let count = format!("SELECT COUNT(*) FROM {table}{filter}");
            assert_eq!(t.rows(&count).await, [[rows.len().to_string()]], "{count}");
            assert!(condition.contains("IS NULL") || table == "ApplicationGroups" || !rows.is_empty(), "{sql}");
            let nulls = |row: &Vec<String>| row.iter().any(|value| value == "NULL");
            assert!(table == "ApplicationGroups" || !rows.iter().any(nulls), "{sql}: {rows:?}");
        }
    }
    let grouped = t.sorted("SELECT GroupName, UserStatus, COUNT(*) FROM GroupMembers GROUP BY 1, 2").await;
    assert!(grouped.iter().all(|row| row[0] != "NULL" && row[1] != "NULL"), "{grouped:?}");
    let joined =
        "SELECT u.Id, m.UserLogin FROM Users u JOIN GroupMembers m ON m.UserId = u.Id WHERE m.UserLogin IS NULL";
    assert!(t.rows(joined).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_columns_can_be_looked_into() {
    let t = Fixture::new(30, 3).await;
    let login =
        t.rows("SELECT ProfileLogin FROM Users WHERE ProfileCity IS NOT NULL LIMIT 1").await.remove(0).remove(0);
    for condition in [
        format!("Profile ->> 'login' = '{login}'"),
        format!("RawJson -> 'profile' ->> 'login' = '{login}'"),
        format!("json_get_str(Profile, 'login') = '{login}'"),
        format!("json_get(Profile, 'login') = '\"{login}\"'"),
    ] {
        let sql = format!("SELECT ProfileLogin FROM Users WHERE {condition}");
        assert_eq!(t.rows(&sql).await, [[login.as_str()]], "{sql}");
    }
    let distinct = "SELECT Id FROM Users WHERE Profile ->> 'city' IS DISTINCT FROM 'Oslo' AND Status = 'ACTIVE'";
    let plain = "SELECT Id FROM Users WHERE (ProfileCity <> 'Oslo' OR ProfileCity IS NULL) AND Status = 'ACTIVE'";
    assert_eq!(t.sorted(distinct).await, t.sorted(plain).await);
    let error = t.run("SELECT Profile ->> ('city' = 'Oslo') FROM Users").await.unwrap_err();
    assert!(error.to_string().contains("names of members or positions"), "{error}");
    let parts = t.rows("SELECT Profile ->> 'city', ProfileCity FROM Users").await;
    assert!(!parts.is_empty() && parts.iter().all(|row| row[0] == row[1]), "{parts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_statement_hardly_means_is_said() {
    let t = Fixture::new(5, 1).await;
    for (sql, note) in [
        ("SELECT Id FROM Users WHERE Status = 'Actve'", "no value 'Actve' of Status is known; did you mean ACTIVE?"),
        (
            "SELECT Id FROM Users u WHERE u.Status IN ('active', 'xyz')",
            "no value 'xyz' of Status is known; it has ACTIVE",
        ),
        (
            "SELECT to_char(Created, 'YYYY-MM') FROM Users",
            "to_char takes formats such as '%Y-%m-%d'; 'YYYY-MM' has no %",
        ),
    ] {
        let rows = t.session.query(sql, Params::None).await.unwrap();
        let warnings = rows.warnings();
        assert!(warnings.len() == 1 && warnings[0].starts_with(note), "{sql}: {warnings:?}");
    }
    for sql in [
        "SELECT to_char(Created, '%Y-%m') FROM Users WHERE Status = 'active'",
        "SELECT Id FROM Users WHERE Status > 'L'",
        "SELECT Id FROM Users WHERE Status BETWEEN 'A' AND 'M'",
    ] {
        let quiet = t.session.query(sql, Params::None).await.unwrap().warnings();
        assert!(quiet.is_empty(), "{sql}: {quiet:?}");
    }

    // Another org: a request of a statement whose rows were dropped may be under way.
    let t = Fixture::new(5, 1).await;
    for sql in ["SELECT Id FROM Users WHERE Id = 42", "SELECT Id FROM Users WHERE 4.5 < ProfileLogin OR Id IN (7)"] {
        let error = t.run(sql).await.unwrap_err();
        assert_eq!(oktant_base::Coded::code(&error).id(), "OKT3006", "{sql}");
        assert!(error.to_string().contains("is text and is compared with the number"), "{error}");
    }
    let hint = oktant_base::Coded::hint(&t.run("SELECT Id FROM Users WHERE Id = 42").await.unwrap_err());
    assert_eq!(hint.as_deref(), Some("write '42', or CAST(Id AS INTEGER) to compare numbers"));
    assert!(t.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_the_cap_cuts_off_are_spoken_of() {
    let t = Fixture::with(20, 1, "&MaxRows=5").await;
    for (sql, rows, is_cut) in [
        ("SELECT Id FROM Users", 5, true),
        ("SELECT Id FROM Users LIMIT 5", 5, false),
        ("SELECT Id FROM Users LIMIT 3", 3, false),
        ("SELECT count(*) FROM Users", 1, false),
    ] {
        let mut answer = t.session.query(sql, Params::None).await.unwrap();
        let mut count = 0;
        while let Some(batch) = answer.next().await {
            count += batch.unwrap().num_rows();
        }
        let said = answer.warnings().iter().any(|warning| warning.starts_with("MaxRows ended the answer after 5 rows"));
        assert_eq!((count, said), (rows, is_cut), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_with_bound_values_can_be_grouped_by() {
    let t = Fixture::new(20, 1).await;
    let named = || Params::Named(vec![("a".to_owned(), "none".into())]);
    let by_name =
        "SELECT coalesce(ProfileDepartment, :a) d, count(*) FROM Users GROUP BY coalesce(ProfileDepartment, :a)";
    let plain = "SELECT coalesce(ProfileDepartment, 'none') d, count(*) FROM Users GROUP BY 1";
    let by_place = "SELECT date_trunc(?, Created), count(*) FROM Users GROUP BY date_trunc(?, Created)";
    let rows = async |sql, params| {
        let mut rows = run_on(&t.session, sql, params).await.unwrap().rows;
        rows.sort();
        rows
    };
    assert_eq!(rows(by_name, named()).await, rows(plain, Params::None).await);
    let years = rows(by_place, Params::Positional(vec!["year".into(), "year".into()])).await;
    assert!(!years.is_empty());
    let twice = run_on(&t.session, "SELECT ?, ?", Params::Positional(vec!["x".into(), "x".into()]));
    assert_eq!(twice.await.unwrap().rows, [["x", "x"]]);
}
