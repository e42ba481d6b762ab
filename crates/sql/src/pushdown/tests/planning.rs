//! Scans and their requests.

use std::sync::Arc;

use super::{conjuncts, options, relation, scan};
use crate::pushdown::plan;
use crate::relation::Origin;
use crate::request::{Consistency, KeySource, Order, Pushdown, Scan, ScanOptions, ScanPlan};

async fn scan_of(table: &str, projection: &[&str], predicate: &str) -> Scan {
    let relation = relation(table);
    let filters = if predicate.is_empty() { Vec::new() } else { conjuncts(&relation, predicate).await };
    scan(&relation, projection, filters)
}

async fn planned(table: &str, projection: &[&str], predicate: &str) -> ScanPlan {
    plan(&scan_of(table, projection, predicate).await)
}

async fn planned_with(table: &str, predicate: &str, options: ScanOptions) -> ScanPlan {
    plan(&Scan { options: Arc::new(options), ..scan_of(table, &["Id"], predicate).await })
}

fn everything(table: &str) -> Vec<String> {
    let relation = relation(table);
    relation.columns().iter().filter(|column| !column.hidden).map(|column| column.name.clone()).collect()
}

/// One line per request, as an address bar would show it, then what is left to do.
fn show(plan: &ScanPlan) -> String {
    let mut lines = Vec::new();
    for stream in &plan.streams {
        let operation = oktant_catalog::operation(stream.operation).unwrap();
        let mut path = operation.path.to_owned();
        for (parameter, value) in &stream.path {
            path = path.replace(&format!("{{{parameter}}}"), value);
        }
        let query: Vec<_> = stream.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        lines.push(format!("GET {path}{separator}{}", query.join("&")));
    }
    if let Some(parents) = &plan.parents {
        lines.push(match &parents.source {
            KeySource::Literal(tuples) => format!("for {tuples:?}"),
            KeySource::Table { table, columns, filters } => {
                let filters: Vec<_> = filters.iter().map(ToString::to_string).collect();
                format!("for each {table}{columns:?} where {filters:?}")
            }
        });
    }
    if !plan.residual.is_empty() {
        lines.push(format!("then {}", plan.residual.iter().map(ToString::to_string).collect::<Vec<_>>().join(" AND ")));
    }
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}

#[tokio::test]
async fn equality_of_an_enumeration_is_searched_exactly() {
    let plan = planned("Users", &["Id", "ProfileLogin"], "status = 'Active'").await;
    insta::assert_snapshot!(show(&plan), @r#"GET /api/v1/users?search=status eq "ACTIVE"&fields=id,profile:(login)&limit=200"#);
}

#[tokio::test]
async fn all_users_are_a_list_and_the_deprovisioned() {
    let all = everything("Users");
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let plan = planned("Users", &all, "").await;
    assert!(plan.dedupe);
    insta::assert_snapshot!(show(&plan), @r#"
    GET /api/v1/users?limit=200
    GET /api/v1/users?filter=status eq "DEPROVISIONED"&limit=200
    "#);
}

#[tokio::test]
async fn compound_predicate_is_searched_and_its_text_checked_again() {
    let predicate = "profiledepartment = 'Eng' AND (created < '2014-01-01' OR status = 'ACTIVE')";
    let all = everything("Users");
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    insta::assert_snapshot!(show(&planned("Users", &all, predicate).await), @r#"
    GET /api/v1/users?search=profile.department eq "Eng" and (created lt "2014-01-01T00:00:00.000Z" or status eq "ACTIVE")&limit=200
    then t.profiledepartment = Utf8("Eng")
    "#);
}

#[tokio::test]
async fn contains_stands_alone() {
    let predicate = "profilelastname LIKE '%smith%' AND status <> 'DEPROVISIONED'";
    let all = everything("Users");
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    insta::assert_snapshot!(show(&planned("Users", &all, predicate).await), @r#"
    GET /api/v1/users?search=profile.lastName co "smith"&limit=200
    then t.status != Utf8("DEPROVISIONED") AND t.profilelastname LIKE Utf8("%smith%")
    "#);
}

#[tokio::test]
async fn newest_rows_are_sorted_by_the_org() {
    let mut scan = scan_of("Users", &["ProfileLogin"], "").await;
    let created = scan.relation.position("Created").unwrap();
    scan.order = Some(Order { column: created, descending: true, nulls_first: true });
    scan.limit = Some(10);
    let sorted = plan(&scan);
    assert!(sorted.ordered);
    insta::assert_snapshot!(show(&sorted), @r#"GET /api/v1/users?search=created ge "1970-01-01T00:00:00.000Z"&sortBy=created&sortOrder=desc&fields=id,created,profile:(login)&limit=10"#);

    // A column that may be NULL has no agreed place for it.
    scan.order =
        Some(Order { column: scan.relation.position("Activated").unwrap(), descending: true, nulls_first: true });
    assert!(!plan(&scan).ordered);
    // Rows that are still to be tested cannot be counted by the org.
    scan.order = Some(Order { column: created, descending: true, nulls_first: true });
    scan.filters = conjuncts(&scan.relation, "profilecity = 'Oslo'").await;
    assert!(!plan(&scan).ordered);
}

#[tokio::test]
async fn members_are_read_per_group() {
    let literal = planned("GroupMembers", &["UserId", "UserEmail"], "groupid IN ('00g1', '00g2')").await;
    insta::assert_snapshot!(show(&literal), @r#"
    GET /api/v1/groups/{groupId}/users?limit=1000
    for [["00g1"], ["00g2"]]
    "#);
    let all = planned("GroupMembers", &["GroupId", "UserId"], "").await;
    insta::assert_snapshot!(show(&all), @r#"
    GET /api/v1/groups/{groupId}/users?limit=1000
    for each Groups["Id"] where ["userscount IS NULL OR userscount > Int32(0)"]
    "#);
}

#[tokio::test]
async fn groups_of_a_user_are_read_from_the_user() {
    let user = "00u1ab2CD3ef4GH5ij6K";
    let plan = planned("GroupMembers", &["GroupId", "UserId"], &format!("userid = '{user}'")).await;
    insta::assert_snapshot!(show(&plan), @r#"
    GET /api/v1/users/{id}/groups?limit=200
    for [["00u1ab2CD3ef4GH5ij6K"]]
    "#);
    // That path also takes logins, which are the key of no row.
    let login = planned("UserGroups", &["GroupId"], "userid = 'ann@example.com'").await;
    insta::assert_snapshot!(show(&login), @r#"
    GET /api/v1/users/{id}/groups?limit=200
    for []
    "#);
}

#[tokio::test]
async fn counts_come_with_the_groups_only_when_asked_for() {
    let counted = planned("Groups", &["ProfileName", "UsersCount"], "type = 'OKTA_GROUP'").await;
    insta::assert_snapshot!(show(&counted), @r#"GET /api/v1/groups?filter=type eq "OKTA_GROUP"&expand=stats&limit=200"#);
    let plain = planned("Groups", &["ProfileName"], "profilename = 'Sales'").await;
    insta::assert_snapshot!(show(&plain), @r#"
    GET /api/v1/groups?search=profile.name eq "Sales"&limit=200
    then t.profilename = Utf8("Sales")
    "#);
}

#[tokio::test]
async fn events_are_bounded_in_time() {
    let predicate = "eventtype = 'user.session.start' AND outcomeresult = 'FAILURE' \
                     AND published >= '2026-08-01' AND published < '2026-08-02'";
    insta::assert_snapshot!(show(&planned("SystemLog", &["Uuid"], predicate).await), @r#"
    GET /api/v1/logs?since=2026-08-01T00:00:00.000Z&until=2026-08-02T00:00:00.000Z&filter=eventType eq "user.session.start" and outcome.result eq "FAILURE"&limit=1000
    then t.eventtype = Utf8("user.session.start") AND t.published >= TimestampMillisecond(1785542400000, Some("UTC")) AND t.published < TimestampMillisecond(1785628800000, Some("UTC"))
    "#);
    // Without a bound, all that the org keeps: its own default would be a week.
    insta::assert_snapshot!(show(&planned("SystemLog", &["Uuid"], "").await), @"GET /api/v1/logs?since=2026-05-22T12:00:00.000Z&until=2026-08-20T12:00:00.000Z&limit=1000");
    // A day elsewhere is none of the org's.
    let elsewhere = "CAST(published AT TIME ZONE '+09:00' AS DATE) = '2026-08-01'";
    assert_eq!(
        planned("SystemLog", &["Uuid"], elsewhere).await.streams,
        planned("SystemLog", &["Uuid"], "").await.streams
    );
    let empty = planned("SystemLog", &["Uuid"], "published > '2026-08-02' AND published < '2026-08-01'").await;
    assert_eq!(show(&empty), "nothing");
}

#[tokio::test]
async fn each_value_of_a_pseudo_column_is_asked_for() {
    let one = planned("SystemLog", &["Uuid"], "q = 'login'").await;
    insta::assert_snapshot!(show(&one), @"GET /api/v1/logs?since=2026-05-22T12:00:00.000Z&until=2026-08-20T12:00:00.000Z&q=login&limit=1000");
    let two = planned("SystemLog", &["Uuid"], "q IN ('login', 'user') AND severity = 'WARN'").await;
    assert!(two.dedupe, "an event may fit both");
    insta::assert_snapshot!(show(&two), @r#"
    GET /api/v1/logs?since=2026-05-22T12:00:00.000Z&until=2026-08-20T12:00:00.000Z&q=login&filter=severity eq "WARN"&limit=1000
    GET /api/v1/logs?since=2026-05-22T12:00:00.000Z&until=2026-08-20T12:00:00.000Z&q=user&filter=severity eq "WARN"&limit=1000
    "#);
    for never in ["q = NULL", "q = 'login' AND q = 'user'", "q = NULL AND uuid = 'a'"] {
        assert_eq!(show(&planned("SystemLog", &["Uuid"], never).await), "nothing", "{never}");
    }
}

#[tokio::test]
async fn keys_are_looked_up() {
    insta::assert_snapshot!(show(&planned("Users", &["Status"], "id = '00u1'").await), @"GET /api/v1/users/00u1");
    insta::assert_snapshot!(show(&planned("Users", &["Status"], "id IN ('00u1', '00u2') AND profilecity = 'x'").await), @r#"
    GET /api/v1/users/00u1
    GET /api/v1/users/00u2
    then t.profilecity = Utf8("x")
    "#);
    let lookup = planned("Users", &["Status"], "id = 'me'").await;
    let id = relation("Users").position("Id").unwrap();
    assert_eq!(lookup.streams[0].single.as_ref().unwrap().expect, vec![(id, "me".to_owned())]);
    assert!(lookup.columns.contains(&id), "the key must be decoded to be compared");
    // Counts come with lists only.
    let counted = planned("Groups", &["UsersCount"], "id = '00g1'").await;
    insta::assert_snapshot!(show(&counted), @r#"GET /api/v1/groups?filter=id eq "00g1"&expand=stats&limit=200"#);
    // An empty segment would address the list.
    assert_eq!(show(&planned("Users", &["Status"], "id = ''").await), "nothing");
    assert_eq!(show(&planned("Users", &["Status"], "id = '00u1' AND id = '00u2'").await), "nothing");
    insta::assert_snapshot!(show(&planned("ApplicationUsers", &["Status"], "appid = '0oa1' AND id = '00u1'").await), @"GET /api/v1/apps/0oa1/users/00u1");
    insta::assert_snapshot!(show(&planned("ApplicationUsers", &["Status"], "appid = '0oa1'").await), @r#"
    GET /api/v1/apps/{appId}/users?limit=500
    for [["0oa1"]]
    "#);
}

#[tokio::test]
async fn one_login_is_filtered_where_comparison_is_exact() {
    insta::assert_snapshot!(show(&planned("Users", &["Id"], "profilelogin = 'Ann@x.com'").await), @r#"GET /api/v1/users?filter=profile.login eq "Ann@x.com"&limit=200"#);
}

#[tokio::test]
async fn long_lists_are_split() {
    let ids: Vec<_> = (0..120).map(|number| format!("'00u{number:017}'")).collect();
    let plan = planned("Users", &["Id"], &format!("id IN ({}) AND status = 'ACTIVE'", ids.join(","))).await;
    assert_eq!(plan.streams.len(), 3);
    assert!(plan.dedupe);
    assert_eq!(plan.estimate.max, Some(3));
    for stream in &plan.streams {
        let (_, search) = &stream.query[0];
        assert!(search.starts_with(r#"status eq "ACTIVE" and (id eq "#), "{search}");
        assert!(search.matches(" eq ").count() <= 50);
    }
}

#[tokio::test]
async fn a_list_without_the_deprovisioned_is_the_plain_list() {
    insta::assert_snapshot!(show(&planned("Users", &["Id"], "status <> 'DEPROVISIONED'").await), @"GET /api/v1/users?fields=id&limit=200");
    let without = ScanOptions { include_deprovisioned: false, ..options() };
    insta::assert_snapshot!(show(&planned_with("Users", "", without.clone()).await), @"GET /api/v1/users?fields=id&limit=200");
    assert_eq!(show(&planned_with("Users", "status = 'DEPROVISIONED'", without).await), "nothing");
}

#[tokio::test]
async fn policies_are_read_by_type() {
    let all = planned("Policies", &["Id", "Type"], "").await;
    assert_eq!(all.streams.len(), relation("Policies").routes()[0].parameters[0].enumerate.len());
    insta::assert_snapshot!(show(&planned("Policies", &["Id"], "type = 'password' AND status = 'ACTIVE'").await), @r#"
    GET /api/v1/policies?type=PASSWORD&status=ACTIVE
    then t.type = Utf8("password") AND t.status = Utf8("ACTIVE")
    "#);
}

#[tokio::test]
async fn applications_take_one_comparison() {
    insta::assert_snapshot!(show(&planned("Applications", &["Id"], "status = 'ACTIVE' AND name = 'x'").await), @r#"
    GET /api/v1/apps?filter=name eq "x"&includeNonDeleted=true&limit=200
    then t.status = Utf8("ACTIVE")
    "#);
}

#[tokio::test]
async fn limits_become_page_sizes_only_when_every_row_counts() {
    let limited = |scan: Scan| plan(&Scan { limit: Some(7), ..scan }).streams[0].query.last().cloned().unwrap();
    let exact = limited(scan_of("Users", &["Id"], "status = 'ACTIVE'").await);
    assert_eq!(exact, ("limit".to_owned(), "7".to_owned()));
    let rechecked = limited(scan_of("Users", &["Id"], "profilecity = 'x'").await);
    assert_eq!(rechecked, ("limit".to_owned(), "200".to_owned()));
}

#[tokio::test]
async fn pushdown_off_reads_everything() {
    let off = ScanOptions { pushdown: Pushdown::Off, ..options() };
    insta::assert_snapshot!(show(&planned_with("Users", "id = '00u1' AND status = 'ACTIVE'", off.clone()).await), @r#"
    GET /api/v1/users?limit=200
    GET /api/v1/users?filter=status eq "DEPROVISIONED"&limit=200
    then t.id = Utf8("00u1") AND t.status = Utf8("ACTIVE")
    "#);
    insta::assert_snapshot!(show(&plan(&Scan { options: Arc::new(off), ..scan_of("SystemLog", &["Uuid"], "published > '2026-08-01'").await })), @r#"
    GET /api/v1/logs?since=2026-05-22T12:00:00.000Z&until=2026-08-20T12:00:00.000Z&limit=1000
    then t.published > TimestampMillisecond(1785542400000, Some("UTC"))
    "#);
}

#[tokio::test]
async fn strong_consistency_never_searches() {
    let strong = ScanOptions { consistency: Consistency::Strong, ..options() };
    insta::assert_snapshot!(show(&planned_with("Users", "status = 'ACTIVE'", strong.clone()).await), @r#"GET /api/v1/users?filter=status eq "ACTIVE"&limit=200"#);
    insta::assert_snapshot!(show(&planned_with("Users", "profilecity = 'x'", strong.clone()).await), @r#"
    GET /api/v1/users?fields=id,profile:(city)&limit=200
    GET /api/v1/users?filter=status eq "DEPROVISIONED"&limit=200
    then t.profilecity = Utf8("x")
    "#);
    let mut newest = Scan { options: Arc::new(strong), limit: Some(5), ..scan_of("Users", &["Id"], "").await };
    let created = newest.relation.position("Created").unwrap();
    newest.order = Some(Order { column: created, descending: true, nulls_first: true });
    let newest = plan(&newest);
    assert!(!newest.ordered);
    assert!(!show(&newest).contains("search="), "{}", show(&newest));
}

#[tokio::test]
async fn estimates_say_what_they_rest_on() {
    let known = |rows| ScanOptions { sizes: [("Users", rows), ("Groups", 30)].into(), ..options() };
    let list = planned_with("Users", "", known(1_000)).await.estimate;
    assert_eq!((list.min, list.max, list.bucket), (6, Some(6), "users-list"));
    let searched = planned_with("Users", "profilecity LIKE 'O%'", known(1_000)).await.estimate;
    assert_eq!((searched.min, searched.max), (1, Some(5)));
    let unknown = planned("Users", &["Id"], "lastlogin IS NULL").await.estimate;
    assert_eq!((unknown.min, unknown.max), (2, None));
    assert!(unknown.cheaper.unwrap().contains("ProfileLogin"));
    let groups = planned("Groups", &["Id"], "").await.estimate.cheaper.unwrap();
    assert!(groups.contains("ProfileName = '…'"), "{groups}");
    let one = planned_with("Users", "", known(20)).await.estimate;
    assert_eq!((one.max, one.cheaper.as_deref()), (Some(2), None), "one request for each list");

    let scan = scan_of("GroupMembers", &["UserId"], "").await;
    let members = plan(&Scan { options: Arc::new(known(1_000)), ..scan }).estimate;
    assert_eq!(
        (members.min, members.max, members.bucket),
        (31, None, "groups"),
        "a page of groups and a list for each"
    );
    assert!(members.cheaper.unwrap().contains("GroupId"));
    let many = ScanOptions { sizes: [("Groups", 1_000)].into(), ..options() };
    let members = scan_of("GroupMembers", &["UserId"], "").await;
    let members = Scan { options: Arc::new(many), ..members };
    assert_eq!(plan(&members).estimate.min, 1_005, "five pages of groups");
    assert_eq!(plan(&Scan { limit: Some(5), ..members.clone() }).estimate.min, 1, "the first groups may do");
    let called = scan_of("GroupMembers", &["UserId"], "groupname LIKE 'S%'").await;
    let called = Scan { options: members.options, ..called };
    assert_eq!(plan(&called).estimate.min, 1, "how many are called so is not known");
}

#[test]
fn the_first_route_of_every_table_tells_every_column() {
    for table in oktant_catalog::tables() {
        let relation = relation(table.name);
        let silent = relation.columns().iter().find(|column| *column.origin(0) == Origin::Absent);
        assert!(silent.is_none(), "{}: {silent:?}", table.name);
        for (index, route) in table.routes.iter().enumerate() {
            for column in relation.columns() {
                let Origin::OfParent(of_parent) = column.origin(index) else { continue };
                let parent = oktant_catalog::table(route.parents.last().unwrap().table).unwrap();
                let source = parent.columns.iter().find(|known| known.name == *of_parent).unwrap();
                assert_eq!(source.data_type, column.data_type, "{}.{}", table.name, column.name);
            }
        }
    }
}
