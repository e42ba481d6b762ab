//! `StringComparison=Okta`: text compares ignoring case, whatever evaluates it.

use oktant_client::Call;
use oktant_sql::Pushdown;
use serde_json::json;

use crate::support::{Fixture, sorted_on};

const NAMES: &[&str] = &["anna", "ANNA", "Ánna", "Bert", "bert ", "ſmith", "Smith", "straße", "STRASSE", "zoë"];

/// An org whose users have the first names above, with the session that ignores case.
async fn ignoring_case() -> Fixture {
    let t = Fixture::with(40, 3, "&StringComparison=Okta").await;
    let users: Vec<_> = t.users().await.into_iter().filter(|user| user["status"] == "ACTIVE").collect();
    for (user, name) in users.iter().zip(NAMES) {
        let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
        let body = json!({ "profile": { "firstName": name, "nickName": name.to_uppercase(), "city": "Oslo" } });
        t.session.org().send(Call::path("POST", &path).unwrap().json(&body)).await.unwrap();
    }
    t.requests();
    t
}

/// The statement's first names, which must not depend on what was pushed.
async fn names(t: &Fixture, condition: &str) -> Vec<String> {
    let sql = format!("SELECT ProfileFirstName FROM Users WHERE ProfileCity = 'OSLO' AND {condition}");
    let rows = t.sorted(&sql).await;
    assert_eq!(rows, sorted_on(&t.session.with_pushdown(Pushdown::Off), &sql).await, "{sql}");
    rows.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_compares_ignoring_case_in_every_kind_of_comparison() {
    let t = ignoring_case().await;
    for (condition, expected) in [
        ("ProfileFirstName = 'Anna'", vec!["ANNA", "anna"]),
        ("'Anna' = ProfileFirstName", vec!["ANNA", "anna"]),
        ("ProfileFirstName = 'SMITH'", vec!["Smith", "ſmith"]),
        ("ProfileFirstName IN ('ZOË', 'bert')", vec!["Bert", "zoë"]),
        ("ProfileFirstName LIKE 'STRA%'", vec!["STRASSE", "straße"]),
        ("ProfileFirstName LIKE '%MIT%'", vec!["Smith", "ſmith"]),
        ("ProfileFirstName BETWEEN 'a' AND 'C'", vec!["ANNA", "Bert", "anna", "bert "]),
        ("ProfileFirstName > 'straß'", vec!["straße", "zoë", "Ánna"]),
        ("ProfileFirstName <> 'anna' AND ProfileFirstName < 'c'", vec!["Bert", "bert "]),
        ("ProfileFirstName IS NOT DISTINCT FROM 'aNNa'", vec!["ANNA", "anna"]),
        ("CASE ProfileFirstName WHEN 'anna' THEN TRUE ELSE FALSE END", vec!["ANNA", "anna"]),
        ("ProfileFirstName IN (SELECT ProfileNickName FROM Users WHERE ProfileNickName = 'bert')", vec!["Bert"]),
        (
            "EXISTS (SELECT 1 FROM Users o WHERE o.ProfileNickName = Users.ProfileFirstName AND o.ProfileNickName = 'zoë')",
            vec!["zoë"],
        ),
        // Functions see the text as it is.
        ("starts_with(ProfileFirstName, 'an')", vec!["anna"]),
    ] {
        assert_eq!(names(&t, condition).await, expected, "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_ignores_case_and_joins_by_text_do_too() {
    let t = ignoring_case().await;
    let ordered =
        t.rows("SELECT ProfileFirstName FROM Users WHERE ProfileCity = 'oslo' ORDER BY ProfileFirstName, Id").await;
    let ordered: Vec<_> = ordered.iter().map(|row| row[0].to_lowercase()).collect();
    assert_eq!(&ordered[..4], ["anna", "anna", "bert", "bert "], "{ordered:?}");
    let joined = "SELECT a.ProfileFirstName, b.ProfileNickName FROM Users a JOIN Users b \
        ON a.ProfileFirstName = b.ProfileNickName WHERE a.ProfileFirstName = 'anna' AND a.ProfileCity = 'oslo'";
    assert_eq!(t.sorted(joined).await, [["ANNA", "ANNA"], ["ANNA", "ANNA"], ["anna", "ANNA"], ["anna", "ANNA"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_org_still_narrows_the_rows_down() {
    let t = ignoring_case().await;
    t.rows("SELECT Id FROM Users WHERE ProfileFirstName = 'anna' AND ProfileLogin <> 'x'").await;
    let requests = t.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert!(requests[0].contains(r#"search=profile.firstName eq "anna""#), "{requests:#?}");
    // Identifiers are exact: another case is another id.
    let id = t.rows("SELECT Id FROM Users LIMIT 1").await.remove(0).remove(0);
    assert!(t.rows(&format!("SELECT Id FROM Users WHERE Id = '{}'", id.to_uppercase())).await.is_empty());
}
