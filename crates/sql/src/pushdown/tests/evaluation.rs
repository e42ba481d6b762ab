//! Random predicates over random rows: what is sent never loses a row that SQL keeps.
//!
//! SQL is evaluated by the engine, the expression by the evaluator that the sandbox uses, which
//! shares no code with the translation.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use oktant_catalog::{CaseRule, ColumnType};
use oktant_filter::{Case, Resource, Value, parse};
use proptest::prelude::*;
use proptest::sample::select;

use super::{conjuncts, relation, translator};
use crate::pushdown::{Class, Translation};
use crate::relation::Relation;

/// Texts that differ by case, accents, wildcards and characters whose case is special.
const TEXTS: &[&str] = &[
    "", "a", "A", "abc", "ABC", "Abc", "abd", "ábc", "ÁBC", "ab", "straße", "STRASSE", "strasse", "smith", "Smith",
    "ſmith", "SMITH", "iz", "İz", "ız", "IZ", "k", "K", "K", "Σ", "σ", "ς", "ΑΣ", "ας", "ασ", "a%c", "a_c", "a\\c",
    "a\"c", "a'c", " abc", "abc ", "ﬁn", "fin", "FIN", "Å", "å", "Å", "50%", "née", "NÉE", "µ", "μ", "10", "9",
];
const MEMBERS: &[&str] = &["ACTIVE", "STAGED", "SUSPENDED", "DEPROVISIONED"];
const INSTANTS: &[&str] = &[
    "2024-02-28T23:59:59.999Z",
    "2024-02-29T00:00:00.000Z",
    "2024-02-29T00:00:00.001Z",
    "2024-02-29T12:00:00.000Z",
    "2024-03-01T00:00:00.000Z",
    "1969-12-31T23:59:59.999Z",
];
const DAYS: &[&str] = &["1999-12-31", "2000-02-29", "2000-03-01"];

/// One row: the columns that predicates are about.
#[derive(Debug, Clone)]
struct Row {
    city: Option<&'static str>,
    last_name: Option<&'static str>,
    status: &'static str,
    created: &'static str,
    level: Option<i64>,
    score: Option<f64>,
    vip: Option<bool>,
    birthday: Option<&'static str>,
}

fn row() -> impl Strategy<Value = Row> {
    let texts = || prop::option::weighted(0.9, select(TEXTS));
    (
        texts(),
        texts(),
        select(MEMBERS),
        select(INSTANTS),
        prop::option::of(-2_i64..4),
        prop::option::of((-4_i32..8).prop_map(|quarters| f64::from(quarters) / 4.0)),
        prop::option::of(any::<bool>()),
        prop::option::of(select(DAYS)),
    )
        .prop_map(|(city, last_name, status, created, level, score, vip, birthday)| Row {
            city,
            last_name,
            status,
            created,
            level,
            score,
            vip,
            birthday,
        })
}

impl Resource for Row {
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Value<'a>)) {
        let text = |text: &'a str| Value::Text(Cow::Borrowed(text));
        let value = match path {
            "profile.city" => self.city.map(text),
            "profile.lastName" => self.last_name.map(text),
            "status" => Some(text(self.status)),
            "created" => Some(Value::Time(self.created.parse().unwrap())),
            "profile.level" => self.level.map(|level| Value::Number(level as f64)),
            "profile.score" => self.score.map(Value::Number),
            "profile.vip" => self.vip.map(Value::Boolean),
            "profile.birthday" => self.birthday.map(text),
            other => panic!("no row has {other}"),
        };
        value.into_iter().for_each(visit);
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn text_predicate() -> impl Strategy<Value = String> {
    let column = select(&["profilecity", "profilelastname"][..]);
    let literal = || select(TEXTS).prop_map(quoted);
    let part = |longest: usize| {
        (select(TEXTS), 0..=longest).prop_map(|(text, length)| {
            let part: String = text.chars().take(length).collect();
            part.replace('\\', "\\\\").replace('%', "\\%")
        })
    };
    let second = prop_oneof![3 => Just(String::new()), 2 => part(5)];
    let pattern = (part(5), select(&["%", "_", ""][..]), second, select(&["%", "_", ""][..]))
        .prop_map(|(first, middle, second, last)| quoted(&format!("{first}{middle}{second}{last}")));
    (column, literal(), literal(), pattern, 0..19_u8).prop_map(|(column, one, other, pattern, shape)| match shape {
        0..=1 => format!("{column} = {one}"),
        2 => format!("{column} <> {one}"),
        3 => format!("{column} < {one}"),
        4 => format!("{column} IN ({one}, {other})"),
        5 => format!("{column} NOT IN ({one}, {other}, NULL)"),
        6 => format!("{column} BETWEEN {one} AND {other}"),
        7..=8 => format!("{column} LIKE {pattern}"),
        9 => format!("{column} NOT LIKE {pattern}"),
        10 | 17..=18 => format!("{column} ILIKE {pattern}"),
        11 => format!("lower({column}) = {one}"),
        12 => format!("upper({column}) = upper({one})"),
        13 => format!("lower({column}) LIKE {pattern}"),
        14 => format!("{column} IS NULL"),
        15 => format!("starts_with({column}, {one})"),
        _ => format!("strpos({column}, {one}) > 0"),
    })
}

fn other_predicate() -> impl Strategy<Value = String> {
    let operator = select(&["=", "<>", "<", "<=", ">", ">="][..]);
    let number = select(&["-1", "0", "1", "1.5", "3"][..]);
    let member = select(&["'Active'", "'staged'", "'Bogus'"][..]);
    let instant = select(INSTANTS).prop_map(quoted);
    (operator, number, member, instant, select(DAYS), 0..12_u8).prop_map(
        |(operator, number, member, instant, day, shape)| match shape {
            0 => format!("profilelevel {operator} {number}"),
            1 => format!("profilescore {operator} {number}"),
            2 => format!("profilelevel NOT BETWEEN {number} AND 2"),
            3 => format!("profilelevel IS NOT NULL AND profilelevel {operator} {number}"),
            4 => "profilevip".to_owned(),
            5 => "profilevip IS NOT TRUE".to_owned(),
            6 => format!("profilevip {operator} true"),
            7 => format!("created {operator} {instant}"),
            8 => format!("CAST(created AS DATE) {operator} '{}'", &instant[1..11]),
            9 => format!("profilebirthday {operator} '{day}'"),
            // The engine folds these literals before planning; so do we, for the evaluation here.
            10 => format!("status = {}", member.to_uppercase()),
            _ => format!("status <> {}", member.to_uppercase()),
        },
    )
}

fn predicate() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![3 => text_predicate(), 2 => other_predicate()];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) AND ({right})")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) OR ({right})")),
            inner.prop_map(|inner| format!("NOT ({inner})")),
        ]
    })
}

/// The rows as the engine's table, with their numbers.
fn table(relation: &Relation, rows: &[Row]) -> RecordBatch {
    let texts =
        |value: fn(&Row) -> Option<&str>| -> ArrayRef { Arc::new(rows.iter().map(value).collect::<StringArray>()) };
    let millis = |row: &Row| row.created.parse::<oktant_base::Timestamp>().unwrap().timestamp_millis();
    let days = |day: &str| (day.parse::<chrono::NaiveDate>().unwrap() - chrono::NaiveDate::default()).num_days() as i32;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("profilecity", texts(|row| row.city)),
        ("profilelastname", texts(|row| row.last_name)),
        ("status", texts(|row| Some(row.status))),
        (
            "created",
            Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(millis)).with_timezone("UTC")),
        ),
        ("profilelevel", Arc::new(rows.iter().map(|row| row.level).collect::<Int64Array>())),
        ("profilescore", Arc::new(rows.iter().map(|row| row.score).collect::<Float64Array>())),
        ("profilevip", Arc::new(rows.iter().map(|row| row.vip).collect::<BooleanArray>())),
        ("profilebirthday", Arc::new(rows.iter().map(|row| row.birthday.map(days)).collect::<Date32Array>())),
        ("number", Arc::new(Int64Array::from_iter_values(0..rows.len() as i64))),
    ];
    let field = |(name, array): &(&str, ArrayRef)| match relation.position(name) {
        Some(position) => relation.schema().field(position).clone(),
        None => Field::new(*name, array.data_type().clone(), false),
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

/// Numbers of the rows for which the engine finds the predicate true.
async fn kept_by_sql(batch: &RecordBatch, predicate: &str) -> Vec<usize> {
    let context = SessionContext::new();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    let statement = format!("SELECT number FROM t WHERE {predicate} ORDER BY number");
    let batches = context.sql(&statement).await.unwrap().collect().await.unwrap();
    let numbers = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    numbers.map(|number| number as usize).collect()
}

async fn check(rows: &[Row], predicate: &str, parameter: &str) -> Result<(), TestCaseError> {
    let relation = relation("Users");
    let translator = translator(&relation, parameter);
    let parts = conjuncts(&relation, predicate).await;
    let translation = translator.conjunction(parts.iter().map(|part| translator.translate(part)).collect());
    let kept = kept_by_sql(&table(&relation, rows), predicate).await;
    match translation {
        Translation::Never => prop_assert!(kept.is_empty(), "{predicate} keeps {kept:?}, but nothing is asked for"),
        Translation::Always => prop_assert_eq!(kept.len(), rows.len()),
        Translation::Local => {}
        Translation::Pushed(pushed) => {
            let text = pushed.expression.to_string();
            let expression = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
            let case = match translator.parameter.case {
                CaseRule::Exact => Case::Exact,
                CaseRule::Folded => Case::Folded,
            };
            let found: Vec<_> = (0..rows.len()).filter(|&number| expression.matches(&rows[number], case)).collect();
            let lost: Vec<_> =
                kept.iter().filter(|number| !found.contains(number)).map(|&number| &rows[number]).collect();
            prop_assert!(lost.is_empty(), "{predicate} is sent as {text}, which loses {lost:?}");
            if pushed.class == Class::Exact {
                prop_assert_eq!(kept, found, "{} is sent as {} as if exact", predicate, text);
            }
        }
    }
    Ok(())
}

/// Column types that the rows above do not cover need no evaluation.
#[test]
fn rows_cover_every_type_that_is_pushed() {
    let relation = relation("Users");
    let covered = ["profilecity", "created", "profilelevel", "profilescore", "profilevip", "profilebirthday"];
    let types: Vec<_> = covered.iter().map(|name| relation.column(name).unwrap().data_type).collect();
    let pushed = relation.columns().iter().filter(|column| !column.attribute.is_empty());
    for column in pushed {
        assert!(types.contains(&column.data_type) || column.data_type == ColumnType::Json, "{}", column.name);
    }
    assert_eq!(
        relation.schema().field(relation.position("created").unwrap()).data_type(),
        &DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Millisecond, Some("UTC".into()))
    );
}

proptest! {
    // Each case is a table; as many as are asked for, or else few.
    #![proptest_config(ProptestConfig {
        cases: std::env::var_os("PROPTEST_CASES").map_or(128, |_| ProptestConfig::default().cases),
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_sent_loses_no_row(
        rows in prop::collection::vec(row(), 30),
        predicate in predicate(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&rows, &predicate, "search"))?;
    }

    #[test]
    fn text_alone_loses_no_row(predicates in prop::collection::vec(text_predicate(), 8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for predicate in predicates {
            runtime.block_on(check(&one_row_per_text(), &predicate, "search"))?;
        }
    }
}

/// Every text in both columns, each beside another one.
fn one_row_per_text() -> Vec<Row> {
    let pairs = TEXTS.iter().zip(TEXTS.iter().cycle().skip(7));
    let row = |(city, last_name): (&&'static str, &&'static str)| Row {
        city: Some(city),
        last_name: Some(last_name),
        status: MEMBERS[0],
        created: INSTANTS[0],
        level: None,
        score: None,
        vip: None,
        birthday: None,
    };
    pairs.map(row).collect()
}
