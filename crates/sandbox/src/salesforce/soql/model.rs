//! Queries against a model that is simple enough to be right: a list of structures and closures over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use oktant_base::Timestamp;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Rows, Scene, parse, query};
use crate::salesforce::error::Refusal;
use crate::salesforce::schema::Schema;
use crate::salesforce::store::{Row, Store};

const SCHEMA: &str = r#"{ "objects": { "Account": { "fields": { "Flag__c": "boolean", "Day__c": "date" } } } }"#;
const DAYS: [&str; 4] = ["2024-02-29", "2025-12-31", "2026-01-01", "2026-03-02"];

#[derive(Debug, Clone)]
struct Firm {
    name: String,
    site: Option<String>,
    staff: Option<i64>,
    flag: bool,
    day: Option<usize>,
    /// Position of the firm that it belongs to.
    parent: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
enum Wanted {
    Name(Compare, String),
    Site(Compare, Option<String>),
    ParentSite(Compare, Option<String>),
    Staff(Compare, Option<i64>),
    Flag(Compare, bool),
    Day(Compare, usize),
    NameIn(bool, Vec<String>),
    NameLike(Vec<Piece>),
    Not(Box<Wanted>),
    All(Vec<Wanted>),
    Any(Vec<Wanted>),
}

#[derive(Debug, Clone)]
enum Piece {
    Any,
    One,
    Text(String),
}

impl Compare {
    fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether it holds of two values; a null is unequal to all others and neither less nor greater.
    fn holds<T: PartialOrd>(self, one: Option<&T>, other: Option<&T>) -> bool {
        let both = one.is_some() && other.is_some();
        match self {
            Self::Equal => one == other,
            Self::NotEqual => one != other,
            Self::Less => both && one < other,
            Self::LessOrEqual => both && one <= other,
            Self::Greater => both && one > other,
            Self::GreaterOrEqual => both && one >= other,
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn or_null(value: Option<String>) -> String {
    value.unwrap_or_else(|| "NULL".to_owned())
}

impl Wanted {
    fn text(&self) -> String {
        let joined = |all: &[Self], word: &str| {
            let parts: Vec<_> = all.iter().map(|wanted| format!("({})", wanted.text())).collect();
            parts.join(&format!(" {word} "))
        };
        match self {
            Self::Name(compare, value) => format!("Name {} {}", compare.text(), quoted(value)),
            Self::Site(compare, value) => format!("Site {} {}", compare.text(), or_null(value.as_deref().map(quoted))),
            Self::ParentSite(compare, value) => {
                format!("Parent.Site {} {}", compare.text(), or_null(value.as_deref().map(quoted)))
            }
            Self::Staff(compare, value) => {
                format!("NumberOfEmployees {} {}", compare.text(), or_null(value.map(|value| value.to_string())))
            }
            Self::Flag(compare, value) => format!("flag__C {} {value}", compare.text()),
            Self::Day(compare, day) => format!("Day__c {} {}", compare.text(), DAYS[*day]),
            Self::NameIn(negated, values) => {
                let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
                format!("Name {} ({})", if *negated { "NOT IN" } else { "in" }, values.join(", "))
            }
            Self::NameLike(pieces) => {
                let piece = |piece: &Piece| match piece {
                    Piece::Any => "%".to_owned(),
                    Piece::One => "_".to_owned(),
                    Piece::Text(text) => {
                        text.replace('\\', "\\\\").replace('\'', "\\'").replace('%', "\\%").replace('_', "\\_")
                    }
                };
                format!("Name LIKE '{}'", pieces.iter().map(piece).collect::<String>())
            }
            Self::Not(wanted) => format!("NOT ({})", wanted.text()),
            Self::All(all) => joined(all, "AND"),
            Self::Any(all) => joined(all, "OR"),
        }
    }

    fn holds(&self, firms: &[Firm], firm: &Firm) -> bool {
        let text = |compare: Compare, one: Option<&String>, other: Option<&String>| {
            compare.holds(one.map(|text| text.to_lowercase()).as_ref(), other.map(|text| text.to_lowercase()).as_ref())
        };
        match self {
            Self::Name(compare, value) => text(*compare, Some(&firm.name), Some(value)),
            Self::Site(compare, value) => text(*compare, firm.site.as_ref(), value.as_ref()),
            Self::ParentSite(compare, value) => {
                text(*compare, firm.parent.and_then(|parent| firms[parent].site.as_ref()), value.as_ref())
            }
            Self::Staff(compare, value) => compare.holds(firm.staff.as_ref(), value.as_ref()),
            Self::Flag(compare, value) => compare.holds(Some(&firm.flag), Some(value)),
            Self::Day(compare, day) => compare.holds(firm.day.as_ref(), Some(day)),
            Self::NameIn(negated, values) => {
                values.iter().any(|value| value.to_lowercase() == firm.name.to_lowercase()) != *negated
            }
            Self::NameLike(pieces) => fits(pieces, &firm.name.to_lowercase()),
            Self::Not(wanted) => !wanted.holds(firms, firm),
            Self::All(all) => all.iter().all(|wanted| wanted.holds(firms, firm)),
            Self::Any(all) => all.iter().any(|wanted| wanted.holds(firms, firm)),
        }
    }
}

fn fits(pieces: &[Piece], text: &str) -> bool {
    match pieces.split_first() {
        None => text.is_empty(),
        Some((Piece::Any, rest)) => {
            fits(rest, text) || text.chars().next().is_some_and(|first| fits(pieces, &text[first.len_utf8()..]))
        }
        Some((Piece::One, rest)) => text.chars().next().is_some_and(|first| fits(rest, &text[first.len_utf8()..])),
        Some((Piece::Text(start), rest)) => {
            text.strip_prefix(&start.to_lowercase()).is_some_and(|after| fits(rest, after))
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "ab", "aB", "b", "ba", "c'd", "c\\d", "50%", "5_0", "Österreich", "österreich"])
        .prop_map(str::to_owned)
}

fn firms() -> impl Strategy<Value = Vec<Firm>> {
    let firm = (
        name(),
        option::of(name()),
        option::of(-3_i64..4),
        any::<bool>(),
        option::of(0..DAYS.len()),
        option::of(any::<prop::sample::Index>()),
    );
    prop::collection::vec(firm, 0..12).prop_map(|drawn| {
        let one = |(position, (name, site, staff, flag, day, parent)): (
            usize,
            (_, _, _, _, _, Option<prop::sample::Index>),
        )| Firm {
            name,
            site,
            staff,
            flag,
            day,
            parent: parent.filter(|_| position > 0).map(|parent| parent.index(position)),
        };
        drawn.into_iter().enumerate().map(one).collect()
    })
}

fn compare() -> impl Strategy<Value = Compare> {
    use Compare::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    prop::sample::select(vec![Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual])
}

fn equality() -> impl Strategy<Value = Compare> {
    prop::sample::select(vec![Compare::Equal, Compare::NotEqual])
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let piece = prop_oneof![Just(Piece::Any), Just(Piece::One), name().prop_map(Piece::Text)];
    let leaf = prop_oneof![
        (compare(), name()).prop_map(|(compare, value)| Wanted::Name(compare, value)),
        (equality(), option::of(name())).prop_map(|(compare, value)| Wanted::Site(compare, value)),
        (compare(), name()).prop_map(|(compare, value)| Wanted::Site(compare, Some(value))),
        (equality(), option::of(name())).prop_map(|(compare, value)| Wanted::ParentSite(compare, value)),
        (equality(), option::of(-3_i64..4)).prop_map(|(compare, value)| Wanted::Staff(compare, value)),
        (compare(), -3_i64..4).prop_map(|(compare, value)| Wanted::Staff(compare, Some(value))),
        (equality(), any::<bool>()).prop_map(|(compare, value)| Wanted::Flag(compare, value)),
        (compare(), 0..DAYS.len()).prop_map(|(compare, day)| Wanted::Day(compare, day)),
        (any::<bool>(), prop::collection::vec(name(), 1..4))
            .prop_map(|(negated, values)| Wanted::NameIn(negated, values)),
        prop::collection::vec(piece, 0..4).prop_map(Wanted::NameLike),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|wanted| Wanted::Not(Box::new(wanted))),
            several.clone().prop_map(Wanted::All),
            several.prop_map(Wanted::Any),
        ]
    })
}

/// A store with the firms, and the ids that they have.
fn store(firms: &[Firm]) -> (Store, Vec<String>) {
    let mut store = Store::new(Arc::new(Schema::new(Some(SCHEMA)).unwrap()));
    let ids: Vec<_> = firms.iter().map(|_| store.next_id("001")).collect();
    for (firm, id) in firms.iter().zip(&ids) {
        let values = json!({
            "Name": firm.name, "Site": firm.site, "NumberOfEmployees": firm.staff, "Flag__c": firm.flag,
            "Day__c": firm.day.map(|day| DAYS[day]), "ParentId": firm.parent.map(|parent| ids[parent].as_str()),
        });
        store.put("Account", Row { id: *id, deleted: false, values: values.as_object().unwrap().clone() });
    }
    (store, ids.iter().map(|id| id.as_str().to_owned()).collect())
}

fn run(store: &Store, text: &str) -> Result<Rows, Refusal> {
    let schema = store.schema();
    query(
        Scene {
            store,
            schema: &schema,
            base: "/services/data/v62.0",
            now: Timestamp::UNIX_EPOCH,
            zone: Tz::GMT,
            deleted: false,
        },
        text,
    )
}

fn ids(rows: &Rows) -> Vec<&str> {
    rows.records.iter().map(|record| record["Id"].as_str().unwrap()).collect()
}

proptest! {
    #[test]
    fn conditions_choose_the_rows_that_the_model_chooses(firms in firms(), wanted in wanted()) {
        let (store, all) = store(&firms);
        let text = format!("SELECT Id FROM Account WHERE {}", wanted.text());
        let rows = run(&store, &text).map_err(|error| TestCaseError::fail(format!("{text}: {}", error.message)))?;
        let expected: Vec<_> = firms.iter().zip(&all).filter(|(firm, _)| wanted.holds(&firms, firm)).map(|(_, id)| id.as_str()).collect();
        prop_assert_eq!(ids(&rows), expected, "{}", text);
        let counted = run(&store, &text.replace("SELECT Id", "SELECT COUNT()")).unwrap();
        prop_assert_eq!(counted.total, rows.total);
    }

    #[test]
    fn order_limit_and_offset_are_those_of_the_model(
        firms in firms(), descending: bool, last: bool, then: bool, limit in 0_usize..8, offset in 0_usize..5,
    ) {
        let (store, all) = store(&firms);
        let direction = |descending| if descending { "DESC" } else { "ASC" };
        let nulls = if last { "LAST" } else { "FIRST" };
        let text = format!(
            "SELECT Id FROM Account ORDER BY NumberOfEmployees {} NULLS {nulls}, Name {} LIMIT {limit} OFFSET {offset}",
            direction(descending), direction(then),
        );
        let mut expected: Vec<_> = firms.iter().zip(&all).collect();
        expected.sort_by(|(one, _), (other, _)| {
            let name = one.name.to_lowercase().cmp(&other.name.to_lowercase());
            let staff = match (one.staff, other.staff) {
                (Some(one), Some(other)) if descending => other.cmp(&one),
                (Some(one), Some(other)) => one.cmp(&other),
                (one, other) if last => one.is_none().cmp(&other.is_none()),
                (one, other) => other.is_none().cmp(&one.is_none()),
            };
            staff.then(if then { name.reverse() } else { name })
        });
        let expected: Vec<_> = expected.into_iter().skip(offset).take(limit).map(|(_, id)| id.as_str()).collect();
        let rows = run(&store, &text).unwrap();
        prop_assert_eq!(ids(&rows), expected, "{}", text);
    }

    #[test]
    fn groups_are_those_of_the_model(firms in firms(), at_least in 0_usize..3) {
        let (store, _) = store(&firms);
        let text = format!(
            "SELECT Flag__c, COUNT(Id) n, COUNT(Site), SUM(NumberOfEmployees) s, MAX(NumberOfEmployees) FROM Account \
             GROUP BY Flag__c HAVING COUNT(Id) >= {at_least}"
        );
        let mut groups: BTreeMap<bool, Vec<&Firm>> = BTreeMap::new();
        for firm in &firms {
            groups.entry(firm.flag).or_default().push(firm);
        }
        let rows = run(&store, &text).unwrap();
        let found: BTreeMap<bool, &Value> = rows.records.iter().map(|record| (record["Flag__c"].as_bool().unwrap(), record)).collect();
        groups.retain(|_, firms| firms.len() >= at_least);
        prop_assert_eq!(found.keys().collect::<Vec<_>>(), groups.keys().collect::<Vec<_>>());
        for (flag, firms) in groups {
            let staff: Vec<i64> = firms.iter().filter_map(|firm| firm.staff).collect();
            let sum = (!staff.is_empty()).then(|| staff.iter().sum::<i64>() as f64);
            prop_assert_eq!(&found[&flag]["n"], &json!(firms.len()));
            prop_assert_eq!(&found[&flag]["expr0"], &json!(firms.iter().filter(|firm| firm.site.is_some()).count()));
            prop_assert_eq!(&found[&flag]["s"], &json!(sum));
            prop_assert_eq!(&found[&flag]["expr1"], &json!(staff.into_iter().max()));
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail_in_another_way_than_by_an_error(text in r"(SELECT |Id|FROM |Account|WHERE |NOT |\(|\)|'a'|=|LIKE |IN |,|\.|5|2025-01-01|TODAY|LAST_N_DAYS:| |é){0,20}") {
        let _ = parse(&text);
        let (store, _) = store(&[]);
        if let Err(error) = run(&store, &text) {
            prop_assert!(!error.message.is_empty());
        }
    }
}

#[test]
fn rows_have_the_shape_of_the_reference() {
    let firm = |name: &str, parent| Firm {
        name: name.to_owned(),
        site: None,
        staff: Some(2),
        flag: true,
        day: Some(0),
        parent,
    };
    let (store, ids) = store(&[firm("Top", None), firm("Below", Some(0))]);
    let rows = run(
        &store,
        "SELECT a.Name, a.Parent.Name, Site, FORMAT(NumberOfEmployees) f FROM Account a WHERE a.Parent.Name = 'top'",
    )
    .unwrap();
    let attributes =
        |id: &str| json!({ "type": "Account", "url": format!("/services/data/v62.0/sobjects/Account/{id}") });
    let expected = json!([{
        "attributes": attributes(&ids[1]), "Name": "Below",
        "Parent": { "attributes": attributes(&ids[0]), "Name": "Top" }, "Site": null, "f": "2",
    }]);
    assert_eq!(Value::from(rows.records), expected);
    let rows =
        run(&store, "SELECT Id, (SELECT Name FROM ChildAccounts LIMIT 1) FROM Account ORDER BY Name DESC").unwrap();
    assert_eq!(rows.records[0]["ChildAccounts"]["records"][0]["Name"], "Below");
    assert_eq!(rows.records[1]["ChildAccounts"], Value::Null);
    let rows =
        run(&store, "SELECT CALENDAR_YEAR(Day__c), COUNT_DISTINCT(Name) d FROM Account GROUP BY CALENDAR_YEAR(Day__c)")
            .unwrap();
    let record: &Map<String, Value> = rows.records[0].as_object().unwrap();
    assert_eq!((&record["expr0"], &record["d"]), (&json!(2024), &json!(2)));
}

#[track_caller]
fn refused(text: &str, code: &str, says: &str) {
    let (store, _) = store(&[]);
    let error = run(&store, text).unwrap_err();
    assert!(error.code == code && error.message.contains(says), "{text}: {} {}", error.code, error.message);
}

#[test]
fn errors_name_the_place() {
    refused(
        "SELECT Foo FROM Contact",
        "INVALID_FIELD",
        "\nSELECT Foo FROM Contact\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Contact'.",
    );
    refused(
        "SELECT Id\nFROM Kontact",
        "INVALID_TYPE",
        "\nFROM Kontact\n     ^\nERROR at Row:2:Column:6\nsObject type 'Kontact' is not supported.",
    );
    refused("SELECT Id FRM Contact", "MALFORMED_QUERY", "unexpected token: 'FRM'");
    refused(
        "SELECT Id FROM Contact WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
        "MALFORMED_QUERY",
        "unexpected token: 'OR'",
    );
    refused("SELECT Id FROM Contact WHERE Description = 'a'", "INVALID_FIELD", "can not be filtered");
    refused("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD", "can not be filtered");
    refused("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", "INVALID_FIELD", "must be of type int");
    refused("SELECT Id FROM Contact WHERE Name = 5", "INVALID_FIELD", "should be enclosed in quotes");
    refused("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x");
    refused("SELECT Id FROM Contact WHERE Id LIKE '003%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id");
    refused("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY", "LIMIT of at most 200");
    refused("SELECT Name, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "must be grouped or aggregated: Name");
    refused("SELECT Id, (SELECT Id FROM Cases__r) FROM Contact", "INVALID_TYPE", "relationship 'Cases__r'");
    refused("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000");
    refused("SELECT Id, Id FROM Contact", "INVALID_FIELD", "duplicate field selected: Id");
    refused("SELECT Id FROM Contact WHERE Name = 'a", "MALFORMED_QUERY", "not closed");
    refused(&format!("SELECT Id FROM Contact WHERE {}", "(".repeat(1_000)), "QUERY_TOO_COMPLICATED", "parentheses");
}
