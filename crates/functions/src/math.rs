//! Functions of numbers.

use crate::convert::to_text;
use crate::error::FunctionError;
use crate::formula::{Language, evaluate};
use crate::list::below;
use crate::registry::{Call, Fields, Function, output, pure};
use crate::text::fill;
use crate::value::{Value, number_text};

pub(crate) fn table() -> Vec<Function> {
    let many = "a*: number, b*: number, *: number";
    vec![
        pure("math:multiply", "Multiply", multiply)
            .takes(many)
            .gives("output: number")
            .examples(&[(r#"{"a":6,"b":7}"#, r#"{"output":42}"#), (r#"{"a":2,"b":3,"c":"4"}"#, r#"{"output":24}"#)]),
        pure("math:add", "Add", add)
            .takes(many)
            .gives("output: number")
            .examples(&[(r#"{"a":1,"b":2,"c":3}"#, r#"{"output":6}"#), (r#"{"a":0.1,"b":0.2}"#, r#"{"output":0.30000000000000004}"#)]),
        pure("math:subtract", "Subtract", subtract)
            .takes("a*: number, b*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":1,"b":3}"#, r#"{"output":-2}"#)]),
        pure("math:divide", "Divide", divide)
            .takes("a*: number, b*: number, decimals: number = 4")
            .gives("output: number, percentage: text")
            .note("Both results are rounded to `decimals` places.")
            .examples(&[
                (r#"{"a":1,"b":3}"#, r#"{"output":0.3333,"percentage":"33.3333%"}"#),
                (r#"{"a":1,"b":4,"decimals":0}"#, r#"{"output":0,"percentage":"25%"}"#),
            ]),
        pure("math:ceil", "Round Up", ceil)
            .takes("a*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":1.2}"#, r#"{"output":2}"#), (r#"{"a":-1.2}"#, r#"{"output":-1}"#)]),
        pure("math:round", "Round", round)
            .takes("a*: number")
            .gives("output: number")
            .note("Halves go up.")
            .examples(&[(r#"{"a":2.5}"#, r#"{"output":3}"#), (r#"{"a":-2.5}"#, r#"{"output":-2}"#)]),
        pure("math:expression", "Formula", formula)
            .takes("_text_*: text, *: number")
            .gives("output: number")
            .note("`+ - * / ^ % !`, parentheses, comments after `#`, pi and the usual functions. `%` is the remainder between two numbers and a percentage after one.")
            .examples(&[
                (r#"{"_text_":"({{{x}}} / 10000) - 116444736000","x":1164447360010000}"#, r#"{"output":1}"#),
                (r#"{"_text_":"-2^2"}"#, r#"{"output":-4}"#),
                (r#"{"_text_":"2^3^2"}"#, r#"{"output":512}"#),
                (r#"{"_text_":"round(-2.5)"}"#, r#"{"output":-3}"#),
                (r#"{"_text_":"max(1, 5!) % 7 # remainder"}"#, r#"{"output":1}"#),
                (r#"{"_text_":"200 + 5%"}"#, r#"{"output":210}"#),
            ]),
        pure("math:random", "Random Integer", random)
            .takes("a*: number, b*: number")
            .gives("output: number")
            .note("At least `a` and less than `b`.")
            .examples(&[(r#"{"a":3,"b":4}"#, r#"{"output":3}"#)]),
        pure("math:abs", "Absolute Value", abs)
            .takes("a*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":-3}"#, r#"{"output":3}"#)])
            .beyond_templates(),
        pure("math:factorial", "Factorial", factorial)
            .takes("a*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":5}"#, r#"{"output":120}"#), (r#"{"a":0}"#, r#"{"output":1}"#)])
            .beyond_templates(),
        pure("math:remainder", "Remainder", remainder)
            .takes("a*: number, b*: number")
            .gives("output: number")
            .note("Has the sign of `a`.")
            .examples(&[(r#"{"a":-5,"b":3}"#, r#"{"output":-2}"#)])
            .beyond_templates(),
        pure("math:log", "Log", log)
            .takes("a*: number, base: number")
            .gives("output: number")
            .note("Natural without a base.")
            .examples(&[(r#"{"a":8,"base":2}"#, r#"{"output":3}"#), (r#"{"a":1}"#, r#"{"output":0}"#)])
            .beyond_templates(),
        pure("math:sqrt", "Square Root", sqrt)
            .takes("a*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":9}"#, r#"{"output":3}"#)])
            .beyond_templates(),
        pure("math:min", "Smaller", min)
            .takes(many)
            .gives("output: number")
            .examples(&[(r#"{"a":2,"b":1}"#, r#"{"output":1}"#)])
            .beyond_templates(),
        pure("math:max", "Larger", max)
            .takes(many)
            .gives("output: number")
            .examples(&[(r#"{"a":2,"b":1,"c":3}"#, r#"{"output":3}"#)])
            .beyond_templates(),
        pure("math:power", "Power", power)
            .takes("a*: number, b*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":2,"b":10}"#, r#"{"output":1024}"#)])
            .beyond_templates(),
        pure("math:floor", "Round Down", floor)
            .takes("a*: number")
            .gives("output: number")
            .examples(&[(r#"{"a":-1.2}"#, r#"{"output":-2}"#)])
            .beyond_templates(),
        pure("math:sum", "Sum", sum)
            .takes("list*: list of number")
            .gives("output: number")
            .examples(&[(r#"{"list":[1,2,"3"]}"#, r#"{"output":6}"#), (r#"{"list":[]}"#, r#"{"output":0}"#)])
            .beyond_templates(),
        pure("math:average", "Average", average)
            .takes("list*: list of number")
            .gives("output: number")
            .note("Nothing of an empty list.")
            .examples(&[(r#"{"list":[1,2]}"#, r#"{"output":1.5}"#), (r#"{"list":[]}"#, r#"{"output":null}"#)])
            .beyond_templates(),
        pure("math:toString", "Number to Text", number_to_text)
            .takes("a*: number")
            .gives("output: text")
            .examples(&[(r#"{"a":1.50}"#, r#"{"output":"1.5"}"#)])
            .beyond_templates(),
    ]
}

fn a(call: &Call<'_>) -> f64 {
    call.number("a").unwrap_or_default()
}

fn b(call: &Call<'_>) -> f64 {
    call.number("b").unwrap_or_default()
}

/// All numbers of a call; what has no value is left out.
fn numbers(call: &Call<'_>) -> impl Iterator<Item = f64> {
    call.all().filter_map(|(_, value)| value.as_number())
}

/// The result, unless it is no number.
fn real(number: f64, why: &str) -> Result<Fields, FunctionError> {
    if number.is_nan() { Err(FunctionError::invalid(format!("no number is {why}"))) } else { output(number) }
}

fn multiply(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(numbers(call).product::<f64>())
}

fn add(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(numbers(call).fold(0.0, |sum, number| sum + number))
}

fn subtract(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(a(call) - b(call))
}

fn divide(call: &Call<'_>) -> Result<Fields, FunctionError> {
    if b(call) == 0.0 {
        return Err(FunctionError::invalid("b: nothing can be divided by 0"));
    }
    let ratio = a(call) / b(call);
    let decimals = call.number("decimals").unwrap_or(4.0);
    let percentage = format!("{}%", number_text(round_to(ratio * 100.0, decimals)));
    Ok([("output", round_to(ratio, decimals).into()), ("percentage", percentage.into())].into())
}

/// A number rounded to decimal places, halves up as the decimal digits say: 1.005 to two places
/// is 1.01, although the double is a little less.
pub(crate) fn round_to(number: f64, decimals: f64) -> f64 {
    let decimals = decimals.clamp(-292.0, 292.0) as i32;
    if !number.is_finite() {
        return number;
    }
    let shifted = |number: f64, by: i32| {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent = exponent.parse::<i32>().unwrap_or(0) + by;
        format!("{digits}e{exponent}").parse::<f64>().unwrap_or(number)
    };
    shifted(round_half_up(shifted(number, decimals)), -decimals)
}

/// JavaScript's `Math.round`.
fn round_half_up(number: f64) -> f64 {
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

fn ceil(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(a(call).ceil())
}

fn floor(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(a(call).floor())
}

fn round(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(round_half_up(a(call)))
}

fn formula(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let filled = fill(call, call.text("_text_"), to_text)?;
    let answer = evaluate(&filled, Language::Arithmetic, call.surroundings.entropy)?;
    output(answer.map(|answer| answer.number))
}

fn random(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (from, to) = (a(call).ceil(), b(call).ceil());
    let span = to - from;
    if !(1.0..=9_007_199_254_740_992.0).contains(&span) {
        return Err(FunctionError::invalid("b: there must be a whole number at least a and less than b"));
    }
    output(from + below(call.surroundings.entropy, span as u64) as f64)
}

fn abs(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(a(call).abs())
}

fn factorial(call: &Call<'_>) -> Result<Fields, FunctionError> {
    crate::formula::factorial(a(call)).and_then(output)
}

fn remainder(call: &Call<'_>) -> Result<Fields, FunctionError> {
    real(a(call) % b(call), "the remainder of a division by 0")
}

fn log(call: &Call<'_>) -> Result<Fields, FunctionError> {
    real(crate::formula::log(a(call), call.number("base")), "the logarithm of a negative number")
}

fn sqrt(call: &Call<'_>) -> Result<Fields, FunctionError> {
    real(a(call).sqrt(), "the square root of a negative number")
}

fn min(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(numbers(call).reduce(f64::min))
}

fn max(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(numbers(call).reduce(f64::max))
}

fn power(call: &Call<'_>) -> Result<Fields, FunctionError> {
    real(crate::formula::power(a(call), b(call)), "this power of a negative number")
}

fn items(call: &Call<'_>) -> impl Iterator<Item = f64> {
    call.list("list").iter().filter_map(Value::as_number)
}

fn sum(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(items(call).fold(0.0, |sum, number| sum + number))
}

fn average(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let count = items(call).count();
    output((count > 0).then(|| items(call).sum::<f64>() / count as f64))
}

fn number_to_text(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(to_text(call.value("a")))
}
