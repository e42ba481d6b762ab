//! JSON as text.

use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, output, pure};
use crate::value::Value;

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("json:parse", "Parse", parse)
            .takes("string*: text")
            .gives("output: any")
            .examples(&[(r#"{"string":"{\"a\": [1, null]}"}"#, r#"{"output":{"a":[1,null]}}"#)]),
        pure("json:stringify", "Stringify", stringify)
            .takes("object*: any")
            .gives("output: text")
            .examples(&[(r#"{"object":{"b":1,"a":["é"]}}"#, r#"{"output":"{\"b\":1,\"a\":[\"é\"]}"}"#)]),
    ]
}

fn parse(call: &Call<'_>) -> Result<Fields, FunctionError> {
    // The position is in the error; the text itself may be a secret and is not.
    let invalid = |error: serde_json::Error| {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "the text ends too early to be JSON",
            _ => "the text is not JSON",
        };
        FunctionError::invalid(format!("string: {what}, line {} column {}", error.line(), error.column()))
    };
    output(Value::from_json(call.text("string")).map_err(invalid)?)
}

fn stringify(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.value("object").to_json())
}
