//! The table of functions: its examples, and what it says against how functions behave.

use std::collections::BTreeSet;

use oktant_base::{ManualClock, SeededEntropy};
use oktant_functions::{Flags, Kind, Surroundings, Type, all, find};

use crate::support::{NOW, fields, json, run};

#[test]
fn every_example_gives_what_it_says() {
    let mut examples = 0;
    let mut wrong = Vec::new();
    for function in all() {
        for (inputs, expected) in function.examples {
            let wanted = json(expected);
            let names: Vec<_> = wanted.as_object().expect("an object").keys().map(|key| &**key).collect();
            examples += 1;
            match run(function.key, &json(inputs), &names).map(|outputs| outputs.to_json()) {
                Ok(outputs) if outputs == wanted.to_json() => {}
                other => wrong.push(format!("{} {inputs}\n  expected {expected}\n  got      {other:?}", function.key)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {examples} examples:\n{}", wrong.len(), wrong.join("\n"));
    assert!(examples > 150, "{examples}");
}

#[test]
fn the_table_has_the_99_functions_of_the_templates() {
    let templates: Vec<_> = all().filter(|function| function.in_templates).collect();
    let engine = templates.iter().filter(|function| matches!(function.kind, Kind::Engine)).count();
    assert_eq!((templates.len(), engine), (99, 27));
}

#[test]
fn every_computing_function_has_an_example_and_declares_its_outputs() {
    for function in all().filter(|function| matches!(function.kind, Kind::Pure(_))) {
        // Now depends on nothing but the clock and has a test of its own.
        assert!(!function.examples.is_empty() || function.key == "date:now", "{}", function.key);
        let declared: BTreeSet<_> = function.outputs.iter().map(|field| &*field.name.key).collect();
        for (inputs, expected) in function.examples {
            let given = run(function.key, &json(inputs), &[]).expect("an example");
            for key in given.as_object().expect("an object").keys() {
                assert!(declared.contains(&**key) || declared.contains("*"), "{}: {key} {expected}", function.key);
            }
        }
    }
}

#[test]
fn functions_are_found_by_address() {
    assert_eq!(find("root:kernel:string:0.0.1:substr").expect("a function").key, "string:substr");
    for unknown in ["string:nothing", "root:kernel:string:substr", "root:channels:http:okta:1.0.0:readUser", ""] {
        assert_eq!(find(unknown).expect_err(unknown).code.id(), "OKT4205");
    }
    assert_eq!(run("control:wait", &json("{}"), &[]).expect_err("the engine's").code.id(), "OKT4205");
}

#[test]
fn missing_and_mistyped_inputs_are_named() {
    for (key, inputs, code, message) in [
        ("list:at", r#"{"list":[1]}"#, "OKT4202", "Missing required input: index"),
        ("list:at", r#"{"list":[1],"index":""}"#, "OKT4202", "Missing required input: index"),
        (
            "list:at",
            r#"{"list":[1],"index":"first"}"#,
            "OKT4201",
            "index: expected a number, got text that does not begin with a number",
        ),
        (
            "date:add",
            r#"{"start":"soon","scale":1,"unit":"days"}"#,
            "OKT4201",
            "start: expected a date, got text that is no date",
        ),
        (
            "date:add",
            r#"{"start":"2016-09-07","scale":1,"unit":"moons"}"#,
            "OKT4203",
            "unit: there is no such unit of time",
        ),
        (
            "date:add",
            r#"{"start":"2016-09-07","scale":1e9,"unit":"years"}"#,
            "OKT4203",
            "scale: the result is beyond all dates",
        ),
        (
            "date:parse",
            r#"{"start":"13/13/2016","format":"M/D/YYYY"}"#,
            "OKT4203",
            "start: the text names a date or time that does not exist",
        ),
        (
            "json:parse",
            r#"{"string":"{\"a\":"}"#,
            "OKT4203",
            "string: the text ends too early to be JSON, line 1 column 5",
        ),
        ("math:divide", r#"{"a":1,"b":0}"#, "OKT4203", "b: nothing can be divided by 0"),
        (
            "math:expression",
            r#"{"_text_":"1 + * 2"}"#,
            "OKT4203",
            "expected a number at character 5 of the formula, found `*`",
        ),
        ("list:join", r#"{"list":["a",{}]}"#, "OKT4201", "item 1: expected text, got an object"),
        ("list:filterBy", r#"{"list":[],"operator":"~"}"#, "OKT4203", "unknown comparison `~`"),
        ("string:match", r#"{"string":"a","target":"("}"#, "OKT4203", "the pattern is not a regular expression"),
        ("string:base64Decode", r#"{"string":"?"}"#, "OKT4203", "string: the text is not Base64"),
        (
            "crypto:hmac",
            r#"{"algorithm":"whirlpool","key":"k","data":"d"}"#,
            "OKT4203",
            "algorithm: whirlpool is not supported",
        ),
        (
            "jwt:sign",
            r#"{"key":"no key","options/algorithm":"RS256"}"#,
            "OKT4203",
            "key: it is not a key in PEM of the kind that the algorithm needs",
        ),
        ("jwt:sign", r#"{"key":""}"#, "OKT4202", "Missing required input: key"),
        ("url:decodeComponent", r#"{"string":"%zz"}"#, "OKT4203", "string: the text is not percent-encoded UTF-8"),
        ("xml:parse", r#"{"string":"<a><b></a>"}"#, "OKT4203", "string: the text is not XML, byte 6"),
    ] {
        match run(key, &json(inputs), &[]) {
            Err(error) => assert_eq!((error.code.id(), error.message.as_str()), (code, message), "{key} {inputs}"),
            Ok(outputs) => panic!("{key} {inputs} gave {outputs:?}"),
        }
    }
}

#[test]
fn now_is_the_time_of_the_clock() {
    let expected = r#"{"date":"2026-11-25T22:15:30.123Z","iso":"2026-11-25T22:15:30Z","full":"Wednesday, November 25, 2026 10:15 PM","time":"10:15 PM","minute":15,"hour":22,"day":25,"month":"November","year":2026,"second":30,"millisecond":123}"#;
    assert_eq!(run("date:now", &json("{}"), &[]).expect("now").to_json(), expected);
}

#[test]
fn chance_comes_from_the_entropy_alone() {
    let draw = |key, inputs| run(key, &json(inputs), &[]).expect("a result").to_json();
    let random = draw("string:random", r#"{"length":24}"#);
    assert_eq!(random, draw("string:random", r#"{"length":24}"#));
    assert!(random[11..35].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{random}");
    let outputs = run("list:sample", &json(r#"{"list":[1,2,3,4,5],"amount":3}"#), &[]).expect("a sample");
    let samples = outputs.as_object().and_then(|outputs| outputs["samples"].as_list().cloned()).expect("a list");
    let distinct: BTreeSet<_> = samples.iter().map(oktant_functions::Value::to_json).collect();
    assert_eq!(distinct.len(), 3);
    let drawn = run("math:random", &json(r#"{"a":-2,"b":2}"#), &[]).expect("a number");
    assert!(
        (-2.0..2.0).contains(&drawn.as_object().and_then(|outputs| outputs["output"].as_number()).expect("a number"))
    );
}

#[test]
fn pluck_fails_where_a_value_has_not_the_type_of_the_output() {
    use oktant_base::{ManualClock, SeededEntropy};
    use oktant_functions::{Flags, Surroundings, Type};
    let clock = ManualClock::at(crate::support::NOW.parse().expect("an instant"));
    let surroundings = Surroundings { clock: &clock, entropy: &SeededEntropy::new(7) };
    let inputs = crate::support::fields(&json(r#"{"list":[{"n":"1"},{"n":{}}],"key":"n"}"#));
    let wanted = |kind| vec![("values".into(), Type::list(kind))];
    let pluck = find("list:pluck").expect("a function");
    let texts = pluck.run(&inputs, &wanted(Type::Text), surroundings, Flags::default());
    assert_eq!(
        texts.expect("texts").get(None, "values").map(oktant_functions::Value::to_json),
        Some(r#"["1","{}"]"#.into())
    );
    let numbers = pluck.run(&inputs, &wanted(Type::Number), surroundings, Flags::default());
    assert_eq!(
        numbers.expect_err("no number").message,
        "values: item 1 of list of number: expected a number, got an object"
    );
}

#[test]
fn an_output_declared_as_an_object_holds_what_there_is() {
    let clock = ManualClock::at(NOW.parse().expect("an instant"));
    let surroundings = Surroundings { clock: &clock, entropy: &SeededEntropy::new(7) };
    let wanted = [("item".into(), Type::Object)];
    for (item, expected) in
        [(r#""ada@example.com""#, json(r#""ada@example.com""#)), ("[1]", json("[1]")), (r#""{}""#, json("{}"))]
    {
        let inputs = fields(&json(&format!(r#"{{"list":[{item}],"index":0}}"#)));
        let outputs = find("list:at").expect("a function").run(&inputs, &wanted, surroundings, Flags::default());
        assert_eq!(outputs.expect("a result").get(None, "item"), Some(&expected));
    }
}
