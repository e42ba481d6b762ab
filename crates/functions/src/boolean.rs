//! Functions of true and false.

use crate::convert::{Flags, Type, convert};
use crate::engine::condition;
use crate::error::FunctionError;
use crate::formula::{Answer, Language, evaluate};
use crate::registry::{Call, Fields, Function, output, pure};
use crate::text::fill;
use crate::value::{Value, number_text};

pub(crate) fn table() -> Vec<Function> {
    let many = "a: true/false, b: true/false, *: true/false";
    vec![
        pure("boolean:compare", "Compare", compare)
            .takes("left-operand: any, operator*: text, right-operand: any")
            .gives("result: true/false")
            .examples(&[
                (r#"{"left-operand":80,"operator":">","right-operand":9}"#, r#"{"result":true}"#),
                (r#"{"left-operand":"80","operator":">","right-operand":"9"}"#, r#"{"result":false}"#),
                (r#"{"left-operand":10,"operator":"%","right-operand":5}"#, r#"{"result":true}"#),
                (r#"{"left-operand":{"a":1},"operator":"has","right-operand":"a"}"#, r#"{"result":true}"#),
            ]),
        pure("boolean:or", "Or", or)
            .takes(many)
            .gives("output: true/false")
            .examples(&[(r#"{"a":false,"b":false,"c":true}"#, r#"{"output":true}"#), ("{}", r#"{"output":false}"#)]),
        pure("boolean:and", "And", and)
            .takes(many)
            .gives("output: true/false")
            .examples(&[(r#"{"a":true,"b":true}"#, r#"{"output":true}"#), (r#"{"a":true,"b":true,"c":"no"}"#, r#"{"output":false}"#)]),
        pure("boolean:xor", "Or (Exclusive)", xor)
            .takes("a: true/false, b: true/false")
            .gives("output: true/false")
            .examples(&[(r#"{"a":true,"b":false}"#, r#"{"output":true}"#), (r#"{"a":true,"b":true}"#, r#"{"output":false}"#)]),
        pure("boolean:not", "Not", not)
            .takes("a: true/false")
            .gives("output: true/false")
            .examples(&[(r#"{"a":true}"#, r#"{"output":false}"#), ("{}", r#"{"output":true}"#)])
            .beyond_templates(),
        pure("boolean:allFalse", "All False", all_false)
            .takes(many)
            .gives("output: true/false")
            .examples(&[(r#"{"a":false,"b":false}"#, r#"{"output":true}"#), (r#"{"a":false,"b":true}"#, r#"{"output":false}"#)])
            .beyond_templates(),
        pure("boolean:anyFalse", "Any False", any_false)
            .takes(many)
            .gives("output: true/false")
            .examples(&[(r#"{"a":true,"b":false}"#, r#"{"output":true}"#), (r#"{"a":true,"b":true}"#, r#"{"output":false}"#)])
            .beyond_templates(),
        pure("boolean:xnor", "XNOR", xnor)
            .takes("a: true/false, b: true/false")
            .gives("output: true/false")
            .examples(&[(r#"{"a":true,"b":true}"#, r#"{"output":true}"#), (r#"{"a":true,"b":false}"#, r#"{"output":false}"#)])
            .beyond_templates(),
        pure("boolean:expression", "Expression", expression)
            .takes("_text_*: text, *: any")
            .gives("output: true/false")
            .note("`and`, `or`, `not`, `xor`, comparisons of numbers, parentheses, and comments after `#`. 0, nothing, \"\" and \"false\" are false; texts that are no numbers do not compare.")
            .examples(&[
                (r#"{"_text_":"({{{a}}} > 2 or not {{{b}}}) and {{{c}}} # all","a":3,"b":true,"c":"x"}"#, r#"{"output":true}"#),
                (r#"{"_text_":"{{{a}}} xor {{{b}}}","a":"false","b":0}"#, r#"{"output":false}"#),
                (r#"{"_text_":"1 < 2 < 3"}"#, r#"{"output":true}"#),
            ])
            .beyond_templates(),
    ]
}

fn compare(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok([("result", condition(call)?.into())].into())
}

/// The inputs of a call; what has no value is left out.
fn truths(call: &Call<'_>) -> impl Iterator<Item = bool> {
    call.all().filter_map(|(_, value)| value.as_boolean())
}

fn or(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(truths(call).any(|truth| truth))
}

fn and(call: &Call<'_>) -> Result<Fields, FunctionError> {
    // An input without value is false.
    output(call.all().all(|(_, value)| value.as_boolean() == Some(true)))
}

fn xor(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.truth("a") != call.truth("b"))
}

fn not(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(!call.truth("a"))
}

fn all_false(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(!truths(call).any(|truth| truth))
}

fn any_false(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.all().any(|(_, value)| value.as_boolean() != Some(true)))
}

fn xnor(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.truth("a") == call.truth("b"))
}

/// A value as an operand of an expression.
fn operand(value: &Value) -> String {
    match value {
        Value::Number(number) => number_text(*number),
        Value::Text(text) => match crate::compare::whole_number(text) {
            Some(number) => number_text(number),
            None => (!text.is_empty() && &**text != "false").to_string(),
        },
        other => (convert(other, &Type::Boolean, Flags::default()) == Ok(true.into())).to_string(),
    }
}

fn expression(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let filled = fill(call, call.text("_text_"), operand)?;
    let answer = evaluate(&filled, Language::Logic, call.surroundings.entropy)?;
    output(answer.is_some_and(Answer::truth))
}
