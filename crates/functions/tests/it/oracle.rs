//! Agreement with the JavaScript libraries that behave as the original does. `make test-functions`
//! runs them and names their answers in `OKTANT_FUNCTIONS_ORACLE`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oktant_functions::{FunctionError, Tagged, Value};

use crate::support::run;

/// One line of the oracles.
#[derive(serde::Deserialize)]
struct Case {
    area: String,
    origin: String,
    key: String,
    inputs: Tagged<Value>,
    expected: Tagged<Value>,
}

impl Case {
    fn input(&self, key: &str) -> &Value {
        const NOTHING: &Value = &Value::Null;
        self.inputs.0.as_object().and_then(|inputs| inputs.get(key)).unwrap_or(NOTHING)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.inputs.0.as_object().into_iter().flat_map(|inputs| inputs.values()).filter_map(Value::as_text)
    }
}

/// Where we differ on purpose, and why.
struct Deviation {
    name: &'static str,
    why: &'static str,
    /// Whether it explains a difference; told the case and our answer.
    explains: fn(&Case, &Result<Value, FunctionError>) -> bool,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        name: "positions",
        why: "texts are counted in characters; JavaScript counts those beyond the basic plane twice and can cut them in half",
        explains: |case, _| case.area == "texts" && case.texts().any(|text| text.chars().any(|c| c > '\u{ffff}')),
    },
    Deviation {
        name: "mixed order",
        why: "values of two kinds, and objects and lists, are ordered by their text; JavaScript makes NaN of most and orders nothing",
        explains: |case, _| {
            let (a, b) = (case.input("left-operand"), case.input("right-operand"));
            is_operator(case, &[">", "<", ">=", "<="]) && (a.kind() != b.kind() || a.depth() > 0)
        },
    },
    Deviation {
        name: "empty is not 0",
        why: "empty text and lists equal neither 0 nor false, as the rules of comparison say; in JavaScript they do",
        explains: |case, _| is_operator(case, &["==", "!=", "in", "not in"]) && has_blank(case),
    },
    Deviation {
        name: "true as text",
        why: "true/false equals its text, which conditions in published templates rely on; in JavaScript it does not",
        explains: |case, _| is_operator(case, &["==", "!=", "in", "not in"]) && has_truth(case),
    },
    Deviation {
        name: "nothing is empty text",
        why: "nothing and empty text are equal (flag looseNulls); in JavaScript they are not",
        explains: |case, _| is_operator(case, &["==", "!=", "in", "not in"]) && has_nothing(case),
    },
    Deviation {
        name: "keys of objects",
        why: "only objects have keys; JavaScript's lists have their indexes and a length",
        explains: |case, _| {
            is_operator(case, &["has", "doesn't have"]) && case.input("left-operand").as_object().is_none()
        },
    },
    Deviation {
        name: "order of rare characters",
        why: "texts are ordered by character; JavaScript puts those beyond the basic plane before U+E000",
        explains: |case, _| {
            let texts: String = case.texts().collect();
            is_operator(case, &[">", "<", ">=", "<="])
                && texts.chars().any(|c| c > '\u{ffff}')
                && texts.chars().any(|c| ('\u{e000}'..='\u{ffff}').contains(&c))
        },
    },
    Deviation {
        name: "omitted items",
        why: "leaving out an item shortens the list; lodash leaves lists as they are",
        explains: |case, _| {
            case.key == "object:omit" && case.input("path").as_text().is_some_and(|path| path.contains(['0', '1']))
        },
    },
    Deviation {
        name: "multiplication without sign",
        why: "`2 pi` and `2(3)` are errors: the vendor documents no such operator, and `1/2 pi` has two readings",
        explains: |_, ours| {
            ours.as_ref().is_err_and(|error| {
                let found = error.message.split_once("found `").and_then(|(_, found)| found.chars().next());
                !error.message.starts_with("expected a number")
                    && found.is_some_and(|c| c.is_ascii_alphanumeric() || c == '(' || c == '.')
            })
        },
    },
    Deviation {
        name: "broken formulas",
        why: "a formula that breaks off after `%`, or goes on with what is no number, is an error; mathjs takes the `%` for a percentage",
        explains: |case, ours| {
            case.input("_text_").as_text().is_some_and(|text| text.contains('%'))
                && ours.as_ref().is_err_and(|error| {
                    error.message.starts_with("expected a number") || error.message.ends_with("found the end")
                })
        },
    },
    Deviation {
        name: "last digit of powers",
        why: "a remainder of a power shows the last digit of the power, which platforms compute differently",
        explains: |case, ours| {
            ours.is_ok()
                && case.key == "math:expression"
                && case
                    .input("_text_")
                    .as_text()
                    .is_some_and(|text| text.contains('%') && (text.contains('^') || text.contains("pow(")))
        },
    },
    Deviation {
        name: "characters of texts",
        why: "a path ends at a text; JavaScript counts its characters on",
        explains: |case, ours| {
            case.key == "object:get" && ours.as_ref().is_ok_and(|outputs| outputs.to_json() == r#"{"output":null}"#)
        },
    },
    Deviation {
        name: "lists as text",
        why: "a list equals the text of its JSON; JavaScript's text of a list has no brackets",
        explains: |case, _| {
            let (a, b) = (case.input("left-operand"), case.input("right-operand"));
            is_operator(case, &["==", "!=", "in", "not in"])
                && a.kind() != b.kind()
                && (a.as_list().is_some() || b.as_list().is_some())
        },
    },
    Deviation {
        name: "complex numbers",
        why: "a step whose result only complex numbers have is an error; mathjs goes on with it, or leaves it out where logic does not need it",
        explains: |_, ours| ours.as_ref().is_err_and(|error| error.message.contains("no real number")),
    },
    Deviation {
        name: "percentage before logic",
        why: "`5% and x` is a percentage and a condition; mathjs takes the word for an operand",
        explains: |case, _| {
            let after_percent = |text: &str| {
                text.split('%')
                    .skip(1)
                    .any(|rest| ["and", "or", "xor"].iter().any(|word| rest.trim_start().starts_with(word)))
            };
            case.key == "boolean:expression" && case.texts().any(after_percent)
        },
    },
    Deviation {
        name: "names in lists",
        why: "a path that names a key of a list is an error; lodash hangs the value on the list, and JSON loses it",
        explains: |case, ours| matches!(&*case.key, "object:set" | "object:construct") && ours.is_err(),
    },
];

fn is_operator(case: &Case, operators: &[&str]) -> bool {
    case.input("operator").as_text().is_some_and(|operator| operators.contains(&operator))
}

/// The two sides of a comparison, and the items of a list on the right.
fn operands(case: &Case) -> impl Iterator<Item = &Value> {
    let right = case.input("right-operand");
    [case.input("left-operand"), right].into_iter().chain(right.as_list().into_iter().flat_map(|items| items.iter()))
}

fn has_blank(case: &Case) -> bool {
    let is_blank = |value: &Value| {
        value.as_text().map_or_else(|| oktant_functions::is_empty(value), |text| text.trim().is_empty())
    };
    operands(case).any(|value| !value.is_null() && is_blank(value))
}

fn has_truth(case: &Case) -> bool {
    operands(case).any(|value| matches!(value, Value::Boolean(_)))
}

fn has_nothing(case: &Case) -> bool {
    operands(case).any(Value::is_null)
}

#[test]
fn functions_agree_with_their_oracles() {
    let Ok(path) = std::env::var("OKTANT_FUNCTIONS_ORACLE") else {
        eprintln!("skipped: OKTANT_FUNCTIONS_ORACLE names no answers of the oracles; `make test-functions` makes them");
        return;
    };
    let lines = std::fs::read_to_string(&path).expect("the answers of the oracles");
    let mut tally: BTreeMap<String, Tally> = BTreeMap::new();
    let mut deviations: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for line in lines.lines() {
        let case: Case = serde_json::from_str(line).expect("a case");
        let area = tally.entry(case.area.clone()).or_default();
        *if case.origin == "documented" { &mut area.documented } else { &mut area.generated } += 1;
        let answer = answer(&case);
        let ours = answer.as_ref().ok();
        if agree(&case, ours) {
            area.agreed += 1;
        } else if let Some(deviation) = DEVIATIONS.iter().find(|deviation| (deviation.explains)(&case, &answer)) {
            area.deviating += 1;
            *deviations.entry(deviation.name).or_default() += 1;
        } else {
            unexplained.push(format!("{line}\n  ours: {}", show(&answer)));
        }
    }
    eprintln!("{}", report(&tally, &deviations, unexplained.len()));
    assert!(tally.values().all(|area| area.generated >= 100), "too few cases");
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
}

#[derive(Default)]
struct Tally {
    documented: usize,
    generated: usize,
    agreed: usize,
    deviating: usize,
}

fn report(tally: &BTreeMap<String, Tally>, deviations: &BTreeMap<&str, usize>, unexplained: usize) -> String {
    let mut text = format!("{:14}{:>12}{:>11}{:>8}{:>11}\n", "area", "documented", "generated", "agreed", "deviating");
    for (area, Tally { documented, generated, agreed, deviating }) in tally {
        let _ = writeln!(text, "{area:14}{documented:>12}{generated:>11}{agreed:>8}{deviating:>11}");
    }
    let _ = writeln!(text, "differences without a reason: {unexplained}\ndeviations:");
    for deviation in DEVIATIONS {
        let count = deviations.get(deviation.name).copied().unwrap_or_default();
        let _ = writeln!(text, "  {count:4}  {}: {}", deviation.name, deviation.why);
    }
    text
}

fn answer(case: &Case) -> Result<Value, FunctionError> {
    let expected = case.expected.0.as_object();
    let wanted: Vec<_> = expected.into_iter().flat_map(|outputs| outputs.keys()).map(|key| &**key).collect();
    run(&case.key, &case.inputs.0, &wanted)
}

fn show(answer: &Result<Value, FunctionError>) -> String {
    answer.as_ref().map_or_else(ToString::to_string, Value::to_json)
}

/// Whether all outputs that the oracle gives are ours as well, and no others are wanted. Nothing on
/// both sides agrees too.
fn agree(case: &Case, ours: Option<&Value>) -> bool {
    match (case.expected.0.as_object(), ours.and_then(Value::as_object)) {
        (Some(theirs), Some(ours)) => {
            theirs.iter().all(|(key, value)| ours.get(key).is_some_and(|ours| same(&case.area, value, ours)))
        }
        (None, None) => true,
        _ => false,
    }
}

/// Equality; dates by their text, and results of formulas up to the last digits, which the
/// platforms' mathematical libraries do not share.
fn same(area: &str, theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Number(a), Value::Number(b)) if area == "formulas" && a.is_finite() && b.is_finite() => {
            (a - b).abs() <= 1e-11 * a.abs().max(b.abs()).max(1e-3)
        }
        (Value::Text(text), Value::Date(_)) => Value::text(text.clone()).to_json() == ours.to_json(),
        _ => theirs == ours,
    }
}
