//! The translation table: SQL predicate, parameter, what is sent and how far it can be trusted.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, col};

use super::{conjuncts, relation, translator};
use crate::pushdown::{Class, Translation};

/// How a predicate over `table` is translated for its expression parameter of this name.
async fn translate(table: &str, parameter: &str, predicate: &str) -> String {
    let relation = relation(table);
    let translator = translator(&relation, parameter);
    let parts = conjuncts(&relation, predicate).await;
    show(&translator.conjunction(parts.iter().map(|part| translator.translate(part)).collect()))
}

/// `E` exact, `S` superset, `N` not sent, `0` no request, `all` no condition.
fn show(translation: &Translation) -> String {
    match translation {
        Translation::Never => "0".to_owned(),
        Translation::Always => "all".to_owned(),
        Translation::Local => "N".to_owned(),
        Translation::Pushed(pushed) => {
            let class = if pushed.class == Class::Exact { "E" } else { "S" };
            format!("{class} {}", pushed.expression)
        }
    }
}

async fn check(table: &str, parameter: &str, cases: &[(&str, &str)]) {
    for (predicate, expected) in cases {
        assert_eq!(translate(table, parameter, predicate).await, *expected, "{table} {parameter}: {predicate}");
    }
}

#[tokio::test]
async fn equality() {
    check(
        "Users",
        "search",
        &[
            ("profilecity = 'Oslo'", r#"S profile.city eq "Oslo""#),
            ("'Oslo' = profilecity", r#"S profile.city eq "Oslo""#),
            (r#"profilecity = 'a "b" \c'"#, r#"S profile.city eq "a \"b\" \\c""#),
            ("profilelevel = 7", "E profile.level eq 7"),
            ("profilelevel = 7.0", "E profile.level eq 7"),
            ("profilelevel = 7.5", "0"),
            ("profilescore = 7.5", "E profile.score eq 7.5"),
            ("profilevip = true", "E profile.vip eq true"),
            ("profilevip", "E profile.vip eq true"),
            ("NOT profilevip", "E profile.vip eq false"),
            ("profilevip IS TRUE", "E profile.vip eq true"),
            ("profilevip IS NOT TRUE", "N"),
            ("profilebirthday = '2000-02-29'", r#"E profile.birthday eq "2000-02-29""#),
            ("profilecity = NULL", "0"),
            ("1 = 0", "0"),
            // Empty text is not searchable, and control characters have no common spelling.
            ("profilecity = ''", "N"),
            ("profilecity = E'a\\nb'", "N"),
            // The org stores no characters of four bytes.
            ("profilecity = 'Oslo 🎉'", "0"),
            ("profilecity <> 'Oslo 🎉'", "N"),
            // Not a condition on a column the org can search.
            ("lastlogin = '2026-01-01'", "N"),
            ("profilecity = profilestate", "N"),
        ],
    )
    .await;
    check(
        "Users",
        "filter",
        &[
            ("profilelogin = 'ann@example.com'", r#"E profile.login eq "ann@example.com""#),
            ("lower(profilelogin) = 'ann@example.com'", "N"),
            ("profilecity = 'Oslo'", "N"),
        ],
    )
    .await;
}

#[tokio::test]
async fn enumerations_are_folded() {
    check(
        "Users",
        "search",
        &[
            ("status = 'Active'", r#"E status eq "ACTIVE""#),
            ("lower(status) = 'active'", r#"S status eq "ACTIVE""#),
            // What a function returns is text like any other: no member is 'ACTIVE' in lower case.
            ("lower(status) <> 'ACTIVE'", "N"),
            ("NOT (lower(status) = 'ACTIVE')", "N"),
            ("upper(status) NOT IN ('active')", "N"),
            ("upper(status) NOT IN ('active', 'staged', 'suspended', 'recovery')", "N"),
            ("status = 'Bogus'", "0"),
            ("status IN ('active', 'bogus')", r#"E status eq "ACTIVE""#),
            (
                "status <> 'DEPROVISIONED'",
                "E status eq \"ACTIVE\" or status eq \"LOCKED_OUT\" or status eq \"PASSWORD_EXPIRED\" or \
                 status eq \"PROVISIONED\" or status eq \"RECOVERY\" or status eq \"STAGED\" or status eq \"SUSPENDED\"",
            ),
            ("status <> 'Bogus'", "N"),
            ("status > 'ACTIVE'", "N"),
            ("status LIKE 'PASS%'", r#"S status sw "PASS""#),
        ],
    )
    .await;
    check(
        "SystemLog",
        "filter",
        &[("severity <> 'debug'", r#"S severity ne "DEBUG""#), ("lower(severity) <> 'INFO'", "N")],
    )
    .await;
}

#[tokio::test]
async fn inequality_and_order_of_text_stay_here() {
    check(
        "Users",
        "search",
        &[
            ("profilecity <> 'Oslo'", "N"),
            ("profilecity < 'Oslo'", "N"),
            ("profilecity BETWEEN 'A' AND 'B'", "N"),
            ("profilecity NOT IN ('Oslo', 'Rome')", "N"),
            ("profilecity NOT LIKE 'O%'", "N"),
            ("profilecity IS NOT NULL", "N"),
            ("profilecity IS NULL", "N"),
            ("profilelevel IS NULL", "N"),
        ],
    )
    .await;
}

#[tokio::test]
async fn order_of_numbers_and_instants() {
    check(
        "Users",
        "search",
        &[
            ("profilelevel > 7", "E profile.level gt 7"),
            ("7 > profilelevel", "E profile.level lt 7"),
            ("profilelevel <= 7.5", "E profile.level le 7"),
            ("profilelevel >= 7.5", "E profile.level gt 7"),
            ("profilelevel <> 7", "E profile.level lt 7 or profile.level gt 7"),
            (
                "profilelevel NOT IN (1, 2)",
                "E (profile.level lt 1 or profile.level gt 1) and (profile.level lt 2 or profile.level gt 2)",
            ),
            ("profilelevel BETWEEN 2 AND 4", "E profile.level ge 2 and profile.level le 4"),
            ("profilelevel NOT BETWEEN 2 AND 4", "E profile.level lt 2 or profile.level gt 4"),
            ("profilelevel IS NOT NULL", "E profile.level pr"),
            ("profilelevel > 1e300", "N"),
            ("created < '2014-01-01'", r#"E created lt "2014-01-01T00:00:00.000Z""#),
            ("created >= DATE '2014-01-01'", r#"E created ge "2014-01-01T00:00:00.000Z""#),
            ("created = TIMESTAMP '2014-01-01T10:00:00.250Z'", r#"E created eq "2014-01-01T10:00:00.250Z""#),
            (
                "CAST(created AS DATE) = '2014-01-01'",
                r#"E created ge "2014-01-01T00:00:00.000Z" and created lt "2014-01-02T00:00:00.000Z""#,
            ),
            ("CAST(created AS DATE) <= '2014-01-01'", r#"E created lt "2014-01-02T00:00:00.000Z""#),
            ("CAST(created AT TIME ZONE 'UTC' AS DATE) <= '2014-01-01'", r#"E created lt "2014-01-02T00:00:00.000Z""#),
            // The day elsewhere is another one.
            ("CAST(created AT TIME ZONE '+09:00' AS DATE) <= '2014-01-01'", "N"),
            ("CAST(created AT TIME ZONE 'America/New_York' AS DATE) = '2014-01-01'", "N"),
            ("CAST(CAST(created AT TIME ZONE '-03:30' AS TIMESTAMP) AS DATE) = '2014-01-01'", "N"),
        ],
    )
    .await;
}

/// The optimizer itself cuts literals of text to milliseconds; bound parameters keep their precision.
#[test]
fn instants_between_two_milliseconds_are_rounded() {
    let relation = relation("Users");
    let translator = translator(&relation, "search");
    let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let between = Expr::Literal(ScalarValue::TimestampNanosecond(Some(250_100_000), None), None);
    let cases = [
        (Operator::Eq, "0"),
        (Operator::NotEq, "N"),
        (Operator::Gt, r#"E created gt "1970-01-01T00:00:00.250Z""#),
        (Operator::GtEq, r#"E created gt "1970-01-01T00:00:00.250Z""#),
        (Operator::Lt, r#"E created le "1970-01-01T00:00:00.250Z""#),
        (Operator::LtEq, r#"E created le "1970-01-01T00:00:00.250Z""#),
    ];
    for (operator, expected) in cases {
        let predicate = binary_expr(cast(col("created"), nanos.clone()), operator, between.clone());
        assert_eq!(show(&translator.translate(&predicate)), expected, "{operator}");
    }
}

#[tokio::test]
async fn lists() {
    check(
        "Users",
        "search",
        &[
            ("profilecity IN ('Oslo', 'Rome')", r#"S profile.city eq "Oslo" or profile.city eq "Rome""#),
            (
                "profilecity IN ('a', 'b', 'c', 'd', NULL)",
                r#"S profile.city eq "a" or profile.city eq "b" or profile.city eq "c" or profile.city eq "d""#,
            ),
            ("profilecity IN ('Oslo', '')", "N"),
            ("profilelevel NOT IN (1, NULL)", "0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn patterns() {
    check(
        "Users",
        "search",
        &[
            ("profilecity LIKE 'abc%'", r#"S profile.city sw "abc""#),
            ("profilecity LIKE 'a_c%'", r#"S profile.city sw "a""#),
            ("profilecity LIKE 'ab%cd'", r#"S profile.city sw "ab""#),
            (r"profilecity LIKE 'a\_c%'", r#"S profile.city sw "a_c""#),
            ("profilecity LIKE 'Oslo'", r#"S profile.city eq "Oslo""#),
            ("profilecity LIKE '%abc%'", "N"),
            ("profilecity LIKE '_bc%'", "N"),
            ("profilecity LIKE '%'", "N"),
            ("profilelastname LIKE '%smith%'", r#"S profile.lastName co "smith""#),
            ("profilelastname LIKE '%sm%'", "N"),
            ("profilelastname LIKE '%ab%cdef%'", r#"S profile.lastName co "cdef""#),
            ("profilelastname LIKE '%abc'", r#"S profile.lastName co "abc""#),
            ("profilecity ILIKE 'abc%'", r#"S profile.city sw "abc""#),
            ("lower(profilecity) = 'oslo'", r#"S profile.city eq "oslo""#),
            ("lower(profilecity) = 'Oslo'", "0"),
            ("upper(profilecity) = 'BERN'", r#"S profile.city eq "bern""#),
            ("upper(profilecity) = 'TURIN'", r#"S profile.city eq "turin" or profile.city eq "turın""#),
            ("profilecity ILIKE 'sin%'", r#"S profile.city sw "sin" or profile.city sw "ſin""#),
            ("profilelastname ILIKE '%smith%'", r#"S profile.lastName co "mith""#),
            ("lower(profilecity) LIKE 'os%'", r#"S profile.city sw "os""#),
            ("starts_with(profilecity, 'Os')", r#"S profile.city sw "Os""#),
            ("strpos(profilecity, 'Os') = 1", r#"S profile.city sw "Os""#),
            ("strpos(profilelastname, 'mit') > 0", r#"S profile.lastName co "mit""#),
            ("profilecity ~ '^Os'", r#"S profile.city sw "Os""#),
            ("profilecity LIKE 'Os🎉%'", "0"),
        ],
    )
    .await;
    check(
        "SystemLog",
        "filter",
        &[("actoralternateid LIKE '%@example.com'", r#"S actor.alternateId ew "@example.com""#)],
    )
    .await;
}

#[tokio::test]
async fn conjunctions_disjunctions_and_negations() {
    check(
        "Users",
        "search",
        &[
            (
                "profiledepartment = 'Eng' AND (created < '2014-01-01' OR status = 'ACTIVE')",
                r#"S profile.department eq "Eng" and (created lt "2014-01-01T00:00:00.000Z" or status eq "ACTIVE")"#,
            ),
            ("status = 'ACTIVE' AND profilecity < 'b'", r#"S status eq "ACTIVE""#),
            ("status = 'ACTIVE' OR profilecity < 'b'", "N"),
            ("status = 'ACTIVE' OR lastlogin IS NULL", "N"),
            (
                "(status = 'ACTIVE' AND lastlogin IS NULL) OR profilecity = 'x'",
                r#"S status eq "ACTIVE" or profile.city eq "x""#,
            ),
            ("status = 'ACTIVE' OR status = 'Bogus'", r#"E status eq "ACTIVE""#),
            ("NOT (profilelevel > 3 OR profilevip)", "E profile.level le 3 and profile.vip eq false"),
            ("NOT (profilelevel > 3 AND profilevip)", "E profile.level le 3 or profile.vip eq false"),
            // `co` stands alone: beside a weak condition it is the one kept, beside a value it goes.
            ("profilelastname LIKE '%smith%' AND status <> 'DEPROVISIONED'", r#"S profile.lastName co "smith""#),
            ("profilelastname LIKE '%smith%' AND profilecity = 'Oslo'", r#"S profile.city eq "Oslo""#),
            ("profilelastname LIKE '%smith%' OR profilecity = 'Oslo'", "N"),
        ],
    )
    .await;
    // Applications take one comparison only.
    check(
        "Applications",
        "filter",
        &[
            ("status = 'active'", r#"E status eq "ACTIVE""#),
            ("status = 'ACTIVE' AND name = 'salesforce'", r#"S name eq "salesforce""#),
            ("name IN ('a', 'b')", "N"),
        ],
    )
    .await;
}
