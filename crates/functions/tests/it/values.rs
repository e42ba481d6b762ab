//! Values, their conversion and comparison, and paths.

use std::sync::Arc;

use oktant_functions::{
    DEPTH_MAX, File, Flags, FunctionError, Operator, Tagged, Type, Value, compare, convert, number_text, path,
};
use proptest::prelude::*;

fn json(text: &str) -> Value {
    Value::from_json(text).expect("a JSON text")
}

fn date(text: &str) -> Value {
    Value::date(text.parse().expect("an instant"))
}

fn file() -> Value {
    Value::File(Arc::new(File { id: "f1".into(), name: "a.csv".into(), media_type: None, bytes: 7 }))
}

#[test]
fn numbers_have_the_text_of_javascript() {
    for (number, text) in [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e21, "1e+21"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (1e-7, "1e-7"),
        (0.000_001, "0.000001"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(number_text(number), text);
    }
}

#[test]
fn json_keeps_order_and_writes_whole_numbers_without_fraction() {
    let text = r#"{"z":1,"a":[true,null,1.5,"é"],"m":{}}"#;
    assert_eq!(json(text).to_json(), text);
    assert_eq!(json("[1.0,1e3,-0.0]").to_json(), "[1,1000,0]");
    assert_eq!(Value::Number(f64::INFINITY).to_json(), "null");
    assert_eq!(date("2016-09-07T00:01:25.670Z").to_json(), r#""2016-09-07T00:01:25.670Z""#);
}

#[test]
fn too_deep_json_is_refused_and_not_overflowing() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(json(&nested(100)).depth(), 100);
    assert!(Value::from_json(&nested(DEPTH_MAX + 1)).is_err());
    assert!(Value::from_json(&nested(1_000_000)).is_err());
}

#[test]
fn size_counts_content_and_cloning_copies_none() {
    let text = Value::from("x".repeat(1_000_000));
    let list = Value::list(vec![text.clone(); 10]);
    assert!((10_000_000..10_001_000).contains(&list.bytes()));
    let (Value::Text(original), Some(items)) = (&text, list.as_list()) else { panic!("kinds") };
    assert!(items.iter().all(|item| matches!(item, Value::Text(copy) if Arc::ptr_eq(copy, original))));
}

#[test]
fn conversions_follow_the_table() {
    let ok: &[(Value, Type, Value)] = &[
        (1.5.into(), Type::Text, "1.5".into()),
        (true.into(), Type::Text, "true".into()),
        (date("2016-09-07T00:01:25.670Z"), Type::Text, "2016-09-07T00:01:25.670Z".into()),
        (json(r#"{"a": [1, 2]}"#), Type::Text, r#"{"a":[1,2]}"#.into()),
        (json(r#"["a"]"#), Type::Text, r#"["a"]"#.into()),
        (" 12.5 kg".into(), Type::Number, 12.5.into()),
        ("-.5e1x".into(), Type::Number, (-5.0).into()),
        ("".into(), Type::Number, Value::Null),
        (true.into(), Type::Number, 1.0.into()),
        (date("1970-01-01T00:00:01Z"), Type::Number, 1000.0.into()),
        ("TRUE".into(), Type::Boolean, true.into()),
        ("No".into(), Type::Boolean, false.into()),
        ("".into(), Type::Boolean, false.into()),
        ("0".into(), Type::Boolean, false.into()),
        ("anything".into(), Type::Boolean, true.into()),
        (0.0.into(), Type::Boolean, false.into()),
        (json("[]"), Type::Boolean, false.into()),
        (json("{}"), Type::Boolean, true.into()),
        ("2016-09-07".into(), Type::Date, date("2016-09-07T00:00:00Z")),
        ("Wed, 07 Sep 2016 02:01:25 +0200".into(), Type::Date, date("2016-09-07T00:01:25Z")),
        ("9/7/2016 12:01 AM".into(), Type::Date, date("2016-09-07T00:01:00Z")),
        ("September 7, 2016".into(), Type::Date, date("2016-09-07T00:00:00Z")),
        ("Wed Sep 07 2016 00:01:25 GMT+0000 (UTC)".into(), Type::Date, date("2016-09-07T00:01:25Z")),
        ("20160907T000125+0200".into(), Type::Date, date("2016-09-06T22:01:25Z")),
        ("".into(), Type::Date, Value::Null),
        (1_473_206_485.0.into(), Type::Date, date("2016-09-07T00:01:25Z")),
        (1_473_206_485_670.0.into(), Type::Date, date("2016-09-07T00:01:25.670Z")),
        (r#"{"a":1}"#.into(), Type::Object, json(r#"{"a":1}"#)),
        ("".into(), Type::Object, Value::Null),
        (r#"[{"a":1}]"#.into(), Type::list(Type::Object), json(r#"[{"a":1}]"#)),
        (r#"{"a":1}"#.into(), Type::list(Type::Object), json(r#"[{"a":1}]"#)),
        // Parameters of exported flows are lists of objects and hold identifiers.
        (json(r#"["00g1",{"id":"00g2"},3]"#), Type::list(Type::Object), json(r#"["00g1",{"id":"00g2"},3]"#)),
        (json(r#"["{\"a\":1}"]"#), Type::list(Type::Object), json(r#"[{"a":1}]"#)),
        ("00g1".into(), Type::list(Type::Object), json(r#"["00g1"]"#)),
        ("[1]".into(), Type::list(Type::Text), json(r#"["[1]"]"#)),
        (5.0.into(), Type::list(Type::Text), json(r#"["5"]"#)),
        (json("[1,true]"), Type::list(Type::Text), json(r#"["1","true"]"#)),
        (Value::Null, Type::Object, Value::Null),
        (file(), Type::Any, file()),
    ];
    for (value, target, expected) in ok {
        assert_eq!(convert(value, target, Flags::default()).as_ref(), Ok(expected), "{value:?} to {target}");
    }
}

#[test]
fn conversions_fail_naming_expected_and_actual() {
    let failing: &[(Value, Type, &str)] = &[
        ("kg".into(), Type::Number, "expected a number, got text that does not begin with a number"),
        (json("{}"), Type::Number, "expected a number, got an object"),
        (json("[1]"), Type::Number, "expected a number, got a list"),
        ("soon".into(), Type::Date, "expected a date, got text that is no date"),
        (true.into(), Type::Date, "expected a date, got true/false"),
        (f64::NAN.into(), Type::Date, "expected a date, got a number beyond all dates"),
        ("[1]".into(), Type::Object, "expected an object, got the JSON of a list"),
        (1.0.into(), Type::Object, "expected an object, got a number"),
        (json(r#"[{"a":1}]"#), Type::Object, "expected an object, got a list"),
        (
            json(r#"[1,"x"]"#),
            Type::list(Type::Number),
            "item 1 of list of number: expected a number, got text that does not begin with a number",
        ),
        ("a".into(), Type::File, "expected a file, got text"),
    ];
    for (value, target, message) in failing {
        let error = convert(value, target, Flags::default()).unwrap_err();
        assert_eq!((error.code.id(), error.message.as_str()), ("OKT4201", *message));
    }
}

#[test]
fn each_flag_is_a_switch() {
    let all = Flags::default();
    let fails = |value: Value, target: Type, flags| convert(&value, &target, flags).is_err();
    assert!(fails(1.0.into(), Type::Text, Flags { auto_transform: false, ..all }));
    assert!(fails("".into(), Type::Number, Flags { loose_strings: false, ..all }));
    assert!(fails("".into(), Type::Date, Flags { loose_strings: false, ..all }));
    assert!(fails(true.into(), Type::Number, Flags { loose_booleans: false, ..all }));
    assert!(fails("".into(), Type::Object, Flags { loose_nulls: false, ..all }));
    let strict = Flags { loose_booleans: false, ..all };
    assert_eq!(convert(&"no".into(), &Type::Boolean, strict), Ok(true.into()));
    let wrap = Flags { force_wrap: true, ..all };
    assert_eq!(convert(&"[1]".into(), &Type::list(Type::Text), wrap), Ok(json(r#"["1"]"#)));
    assert_eq!(convert(&json(r#"[{"a":1}]"#), &Type::Object, wrap), Ok(json(r#"{"a":1}"#)));
}

#[test]
fn comparisons_follow_the_table() {
    let cases: &[(Value, &str, Value, bool)] = &[
        (80.0.into(), ">", 9.0.into(), true),
        ("80".into(), ">", "9".into(), false),
        ("80".into(), ">", 9.0.into(), true),
        (80.0.into(), ">=", "80".into(), true),
        (3.0.into(), "==", "3.0".into(), true),
        (3.0.into(), "===", "3".into(), false),
        (3.0.into(), "!==", "3".into(), true),
        (true.into(), "==", "true".into(), true),
        ("False".into(), "==", false.into(), true),
        (true.into(), "==", 1.0.into(), true),
        (true.into(), "==", "1".into(), true),
        (true.into(), "!=", "yes".into(), true),
        (Value::Null, "==", "".into(), true),
        (Value::Null, "==", 0.0.into(), false),
        (json(r#"{"a":1,"b":[2]}"#), "==", json(r#"{"b":[2],"a":1}"#), true),
        (json("[1,2]"), "==", json("[2,1]"), false),
        (json("[1]"), "==", "[1]".into(), true),
        (date("2016-09-07T02:00:00+02:00"), "==", date("2016-09-07T00:00:00Z"), true),
        (date("2016-09-07T00:00:00Z"), "<", date("2016-09-07T00:00:01Z"), true),
        (date("2016-09-07T00:00:00Z"), "==", "2016-09-07T00:00:00.000Z".into(), true),
        (10.0.into(), "%", 5.0.into(), true),
        (0.0.into(), "%", 5.0.into(), true),
        ((-10.0).into(), "%", "5".into(), true),
        (10.0.into(), "%", 0.0.into(), false),
        ("ell".into(), "in", "hello".into(), true),
        ("ELL".into(), "in", "hello".into(), false),
        ("".into(), "in", "hello".into(), true),
        (Value::Null, "in", "hello".into(), false),
        (2.0.into(), "in", json(r#"["1","2"]"#), true),
        (3.0.into(), "not in", json("[1,2]"), true),
        (json(r#"{"a":null}"#), "has", "a".into(), true),
        (json(r#"{"a":1}"#), "doesn't have", "b".into(), true),
        ("text".into(), "has", "length".into(), false),
        ("".into(), "is empty", Value::Null, true),
        (json("{}"), "is empty", Value::Null, true),
        (0.0.into(), "is empty", Value::Null, false),
        (false.into(), "is not empty", Value::Null, true),
        (f64::NAN.into(), "==", f64::NAN.into(), false),
    ];
    for (a, operator, b, expected) in cases {
        let operator: Operator = operator.parse().unwrap();
        assert_eq!(compare(operator, a, b), Ok(*expected), "{a:?} {operator} {b:?}");
    }
    assert!(compare(Operator::MultipleOf, &"x".into(), &1.0.into()).is_err());
    assert!("=>".parse::<Operator>().is_err());
    for (operator, text) in Operator::ALL {
        assert_eq!((text.parse(), operator.to_string().as_str()), (Ok(operator), text));
    }
}

#[test]
fn paths_prefer_the_literal_key() {
    let value = json(r#"{"a.b":1,"a":{"b":2,"c d":[{"e":3}]},"0":"zero"}"#);
    for (path, expected) in
        [("a.b", "1"), ("a.c d.0.e", "3"), ("a.c d[0].e", "3"), ("0", "\"zero\""), ("a", r#"{"b":2,"c d":[{"e":3}]}"#)]
    {
        assert_eq!(path::get(&value, path), Some(&json(expected)), "{path}");
    }
    for missing in ["", "a.x", "a.c d.1", "a.c d.00", "a.b.c", "a..b", "a.c d.length"] {
        assert_eq!(path::get(&value, missing), None, "{missing}");
    }
}

#[test]
fn setting_makes_what_is_missing() {
    for (before, path, after) in [
        ("{}", "a.0.b", r#"{"a":[{"b":9}]}"#),
        ("null", "fields.1", r#"{"fields":[null,9]}"#),
        (r#"{"a":5,"z":1}"#, "a.b", r#"{"a":{"b":9},"z":1}"#),
        (r#"{"a.b":1}"#, "a.b", r#"{"a.b":9}"#),
        ("[1,2]", "1", "[1,9]"),
        (r#"{"a":{}}"#, "a.0", r#"{"a":{"0":9}}"#),
    ] {
        assert_eq!(path::set(json(before), path, 9.0.into()), Ok(json(after)), "{before} {path}");
    }
    let code = |result: Result<Value, FunctionError>| result.unwrap_err().code.id();
    assert_eq!(code(path::set(json("[1]"), "a", Value::Null)), "OKT4203");
    assert_eq!(code(path::set(Value::Null, "a.4000000000", Value::Null)), "OKT4204");
    assert_eq!(code(path::set(Value::Null, &"a.".repeat(1_000_000), Value::Null)), "OKT4204");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        (-8_000_000_000_000_i64..8_000_000_000_000)
            .prop_map(|ms| Value::Date(chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default())),
        Just(file()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("(\\$date|\\$object|\\$x|[a-c])", inner), 0..4).prop_map(Value::object),
        ]
    })
}

proptest! {
    #[test]
    fn the_tagged_encoding_loses_nothing(value in any_value()) {
        let text = serde_json::to_string(&Tagged(&value)).unwrap();
        let back: Tagged<Value> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.0, value, "{}", text);
    }

    #[test]
    fn what_is_set_is_found(value in any_value(), path in "[a-c0-2]{1,2}(\\.[a-c0-2]){0,3}") {
        // Lists have no names.
        if let Ok(set) = path::set(value, &path, "new".into()) {
            prop_assert_eq!(path::get(&set, &path), Some(&Value::from("new")));
        }
    }

    #[test]
    fn loose_equality_is_symmetric(a in any_value(), b in any_value()) {
        prop_assert_eq!(oktant_functions::equal(&a, &b), oktant_functions::equal(&b, &a));
        prop_assert!(oktant_functions::equal(&a, &a));
    }

    #[test]
    fn conversion_to_text_never_fails_and_dates_come_back(value in any_value()) {
        let text = convert(&value, &Type::Text, Flags::default()).unwrap();
        if let Value::Date(_) = value {
            prop_assert_eq!(convert(&text, &Type::Date, Flags::default()).unwrap(), value);
        }
    }
}
