//! What guards the process: time that grows with the input only, depth, memory, patterns.

use std::time::{Duration, Instant};

use oktant_functions::{BYTES_MAX, DEPTH_MAX, Value};

use crate::support::{json, run};

/// Bytes of the inputs: a million, or as many as `FUNCTIONS_LARGE_BYTES` says.
fn large() -> usize {
    std::env::var("FUNCTIONS_LARGE_BYTES").map_or(1_000_000, |bytes| bytes.parse().expect("a number of bytes"))
}

/// What one function may take for a million bytes in a build without optimisation. Quadratic work
/// would take hours.
const PATIENCE: Duration = Duration::from_secs(30);

fn inputs(fields: &[(&str, Value)]) -> Value {
    Value::object(fields.iter().map(|(key, value)| (*key, value.clone())))
}

fn in_time(key: &str, inputs: &Value) {
    let start = Instant::now();
    // Limits may refuse; what counts is the time.
    let outcome = run(key, inputs, &[]).map(|_| ()).map_err(|error| error.to_string());
    let taken = start.elapsed();
    assert!(taken < PATIENCE.mul_f64(large() as f64 / 1e6), "{key} took {taken:?}: {outcome:?}");
}

#[test]
fn text_functions_take_linear_time() {
    let repeated = |text: &str| Value::from(text.repeat(large() / text.len()));
    for (key, text) in [
        ("string:toLowerCase", "É"),
        ("string:toUpperCase", "ß"),
        ("string:titleCase", "ab "),
        ("string:trim", " "),
        ("string:length", "é"),
        ("string:base64", "a"),
        ("string:base64Decode", "aGVs"),
        ("string:email", "a.a"),
        ("string:email", "a@"),
        ("string:findUrl", "http:/"),
        ("url:encodeComponent", "é"),
        ("url:decodeComponent", "%41"),
        ("json:parse", "["),
        ("json:parse", "1"),
        ("xml:parse", "<a>"),
        ("xml:parse", "<a/>"),
    ] {
        in_time(key, &inputs(&[("string", repeated(text))]));
    }
    for (text, delimiter) in [("a,", ","), ("a", ""), ("aa", "aab"), ("ab", "ba")] {
        in_time("string:split", &inputs(&[("string", repeated(text)), ("delimiter", delimiter.into())]));
        in_time("string:find", &inputs(&[("string", repeated(text)), ("substr", format!("{delimiter}!").into())]));
        in_time(
            "string:lastIndexOf",
            &inputs(&[("string", repeated(text)), ("substr", format!("!{delimiter}").into())]),
        );
    }
    in_time("string:substr", &inputs(&[("string", repeated("é")), ("start", 4e5.into()), ("end", 5.0.into())]));
    in_time(
        "string:replace",
        &inputs(&[("string", repeated("ab")), ("src", "B".into()), ("dest", "c".into()), ("global", true.into())]),
    );
    in_time(
        "string:replaceAny",
        &inputs(&[("text", repeated("ab")), ("patterns/1", "a|b".into()), ("replacement", "c".into())]),
    );
    for template in ["{{{", "{{{a}}}", "{{{a", "}}}", "{{{{{{a}}}"] {
        in_time("string:compose", &inputs(&[("_text_", repeated(template)), ("a", "x".into())]));
    }
    for formula in ["1+", "(", "-", "2^", "5!", "# ", "1,"] {
        in_time("math:expression", &inputs(&[("_text_", repeated(formula))]));
    }
    for key in ["date:parse", "date:fromISO"] {
        in_time(key, &inputs(&[("start", repeated("1 ")), ("format", repeated("D "))]));
    }
    in_time("date:format", &inputs(&[("start", "2016-09-07".into()), ("format", repeated("D "))]));
    in_time("jwt:decode", &inputs(&[("token", repeated("a."))]));
}

#[test]
fn list_functions_take_linear_time() {
    let many = |item: fn(usize) -> Value| Value::list((0..large() / 50).map(item));
    let numbers = many(|index| (index % 1000).into());
    let rows = many(|index| Value::object([("id", index.into())]));
    for key in ["list:union", "list:intersection", "list:difference"] {
        in_time(key, &inputs(&[("list1", numbers.clone()), ("list2", rows.clone())]));
    }
    for key in ["list:uniqueBy", "list:sortBy", "list:groupBy", "list:indexBy"] {
        in_time(key, &inputs(&[("list", rows.clone()), ("path", "id".into())]));
    }
    for key in ["list:flatten", "list:pop", "list:shift", "list:collapse", "list:length"] {
        in_time(key, &inputs(&[("list", rows.clone()), ("lists", rows.clone())]));
    }
    in_time("list:sample", &inputs(&[("list", numbers.clone()), ("amount", 10_000.0.into())]));
    in_time(
        "list:sortBy",
        &inputs(&[("list", many(|index| if index % 2 == 0 { index.into() } else { "1e3".into() }))]),
    );
    in_time("list:join", &inputs(&[("list", numbers)]));
}

#[test]
fn patterns_that_go_back_too_often_are_given_up() {
    let text = format!("{}!", "a".repeat(50));
    for pattern in [r"(a|a)*\1b$", r"(?=(a+)+$)(a+)+\2$", r"(a+)+(?!a)\1$"] {
        let start = Instant::now();
        let outcome =
            run("string:match", &inputs(&[("string", text.as_str().into()), ("target", pattern.into())]), &[]);
        assert!(start.elapsed() < PATIENCE, "{pattern}");
        if let Err(error) = outcome {
            assert_eq!(error.code.id(), "OKT4204", "{pattern}");
        }
    }
    let slow = run("string:match", &inputs(&[("string", text.into()), ("target", r"(a|aa)+\1!!".into())]), &[]);
    assert_eq!(slow.expect_err("too slow").code.id(), "OKT4204");
    let long = run("string:match", &inputs(&[("string", "a".into()), ("target", "a".repeat(20_000).into())]), &[]);
    assert_eq!(long.expect_err("too long").code.id(), "OKT4204");
}

#[test]
fn results_have_a_depth() {
    let mut nested = json("[]");
    for level in 1.. {
        match run("list:construct", &inputs(&[("item", nested.clone())]), &[]) {
            Ok(outputs) => nested = outputs.as_object().expect("outputs")["list"].clone(),
            Err(error) => {
                assert_eq!((error.code.id(), level), ("OKT4204", DEPTH_MAX));
                break;
            }
        }
    }
    let formula = format!("{}1{}", "(".repeat(1000), ")".repeat(1000));
    assert_eq!(
        run("math:expression", &inputs(&[("_text_", formula.into())]), &[]).expect_err("deep").code.id(),
        "OKT4204"
    );
}

#[test]
fn results_have_a_size() {
    let large = Value::from("x".repeat(BYTES_MAX / 2));
    for (key, fields) in [
        ("string:repeat", vec![("string", "ab".into()), ("count", 1e9.into())]),
        ("string:random", vec![("length", 1e12.into())]),
        ("string:concat", vec![("string1", large.clone()), ("string2", large.clone())]),
        ("string:compose", vec![("_text_", "{{{a}}}".repeat(1000).into()), ("a", large.clone())]),
        ("string:split", vec![("string", large.clone()), ("delimiter", "".into())]),
        (
            "string:replace",
            vec![
                ("string", "ab".repeat(1000).into()),
                ("src", "a".into()),
                ("dest", large.clone()),
                ("global", true.into()),
            ],
        ),
        ("list:join", vec![("list", Value::list(vec![Value::Null; 1000])), ("delimiter", large)]),
        ("object:set", vec![("object", json("{}")), ("path", "a.99999999".into()), ("value", 1.0.into())]),
    ] {
        let error = run(key, &inputs(&fields), &[]).expect_err(key);
        assert_eq!(error.code.id(), "OKT4204", "{key}: {error}");
    }
}
