//! Functions of objects.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::error::FunctionError;
use crate::path;
use crate::registry::{Call, Fields, Function, output, pure};
use crate::value::Value;

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("object:construct", "Construct", construct)
            .takes("*: any")
            .gives("output: object")
            .note("Keys are paths; numeric segments build lists.")
            .examples(&[
                (
                    r#"{"name":"Ada","fields.0.type":"mrkdwn","fields.1.type":"plain"}"#,
                    r#"{"output":{"name":"Ada","fields":[{"type":"mrkdwn"},{"type":"plain"}]}}"#,
                ),
                (r#"{"a":null}"#, r#"{"output":{"a":null}}"#),
            ]),
        pure("object:pick", "Get Multiple", pick)
            .takes("object*: object")
            .gives("*: any")
            .note("Each output is the value at the path that its key is; nothing where there is none.")
            .examples(&[(
                r#"{"object":{"list":[{"type":"x"}],"a":{"b":1}}}"#,
                r#"{"list.0.type":"x","a.b":1,"c":null}"#,
            )]),
        pure("object:get", "Get", get)
            .takes("object*: any, path*: text")
            .gives("output: any")
            .note("A key that is literally the path comes first.")
            .examples(&[
                (r#"{"object":{"result":[{"id":"00u1"}]},"path":"result.0.id"}"#, r#"{"output":"00u1"}"#),
                (r#"{"object":{"a.b":1,"a":{"b":2}},"path":"a.b"}"#, r#"{"output":1}"#),
                (r#"{"object":{"Display Name":"Ada"},"path":"Display Name"}"#, r#"{"output":"Ada"}"#),
                (r#"{"object":{},"path":"a.b"}"#, r#"{"output":null}"#),
            ]),
        pure("object:merge", "Merge", merge)
            .takes("start*: object, sink*: object, *: object")
            .gives("output: object")
            .note("Later objects win, key by key; what is inside a key is not merged.")
            .examples(&[(
                r#"{"start":{"a":1,"b":{"c":1}},"sink":{"b":{"d":2}},"third":{"e":3}}"#,
                r#"{"output":{"a":1,"b":{"d":2},"e":3}}"#,
            )]),
        pure("object:set", "Set", set)
            .takes("object*: object, path*: text, value: any")
            .gives("output: object")
            .examples(&[(
                r#"{"object":{"a":{"b":1}},"path":"a.c.0","value":2}"#,
                r#"{"output":{"a":{"b":1,"c":[2]}}}"#,
            )]),
        pure("object:values", "Values", values)
            .takes("object*: object")
            .gives("values: list")
            .examples(&[(r#"{"object":{"b":1,"a":2}}"#, r#"{"values":[1,2]}"#)]),
        pure("object:keys", "Keys", keys)
            .takes("object*: object")
            .gives("keys: list of text")
            .examples(&[(r#"{"object":{"b":1,"a":2}}"#, r#"{"keys":["b","a"]}"#)]),
        pure("object:clearEmpty", "Clear Empty", clear_empty)
            .takes("object*: object, recursive: true/false = true")
            .gives("output: object")
            .note("Drops \"\", {}, [] and nothing; with `recursive` also inside, innermost first.")
            .examples(&[
                (r#"{"object":{"a":"","b":0,"c":{"d":[null]},"e":false}}"#, r#"{"output":{"b":0,"e":false}}"#),
                (r#"{"object":{"a":{},"c":{"d":""}},"recursive":false}"#, r#"{"output":{"c":{"d":""}}}"#),
            ]),
        pure("object:move", "Move", move_path)
            .takes("object*: object, from*: text, to*: text")
            .gives("output: object")
            .note("The value at path `from` stands at path `to`.")
            .examples(&[(r#"{"object":{"a":{"b":1}},"from":"a.b","to":"c"}"#, r#"{"output":{"a":{},"c":1}}"#)])
            .beyond_templates(),
        pure("object:unzip", "Unzip", unzip)
            .takes("object*: object")
            .gives("keys: list of text, values: list")
            .examples(&[(r#"{"object":{"b":1,"a":2}}"#, r#"{"keys":["b","a"],"values":[1,2]}"#)])
            .beyond_templates(),
        pure("object:clone", "Clone", clone)
            .takes("object*: object")
            .gives("output: object")
            .examples(&[(r#"{"object":{"a":1}}"#, r#"{"output":{"a":1}}"#)])
            .beyond_templates(),
        pure("object:omit", "Omit", omit)
            .takes("object*: object, *: text")
            .gives("output: object")
            .note("Without what stands at the given paths.")
            .examples(&[(
                r#"{"object":{"a":1,"b":{"c":2,"d":3}},"path1":"a","path2":"b.c"}"#,
                r#"{"output":{"b":{"d":3}}}"#,
            )])
            .beyond_templates(),
        pure("object:filter", "Filter", filter)
            .takes("object*: object, operator*: text, comparison: any")
            .gives("output: object")
            .note("The entries whose value compares so.")
            .examples(&[(r#"{"object":{"a":1,"b":20},"operator":">","comparison":9}"#, r#"{"output":{"b":20}}"#)])
            .beyond_templates(),
    ]
}

fn construct(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let empty = Value::from(IndexMap::new());
    output(call.added(None).try_fold(empty, |object, (key, value)| path::set(object, key, value.clone()))?)
}

fn pick(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let object = call.value("object");
    let at = |path: &str| path::get(object, path).cloned().unwrap_or_default();
    Ok(call.wanted.iter().map(|(name, _)| (name.clone(), at(&name.key))).collect())
}

fn get(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(path::get(call.value("object"), call.text("path")).cloned())
}

fn merge(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut merged = call.object("start").into_map();
    for (_, object) in call.all().skip(1) {
        merged.extend(object.as_object().iter().flat_map(|object| object.iter()).map(|(k, v)| (k.clone(), v.clone())));
    }
    output(merged)
}

fn set(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(path::set(call.value("object").clone(), call.text("path"), call.value("value").clone())?)
}

fn values(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok([("values", Value::list(call.object("object").values().cloned()))].into())
}

fn keys(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok([("keys", Value::list(call.object("object").keys().map(|key| Value::Text(key.clone()))))].into())
}

fn unzip(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok(keys(call)?.into_iter().chain(values(call)?).collect())
}

fn clone(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(call.value("object").clone())
}

fn clear_empty(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(cleared(call.value("object"), call.truth("recursive")))
}

fn cleared(value: &Value, recursive: bool) -> Value {
    let inner = |value: &Value| if recursive { cleared(value, true) } else { value.clone() };
    let kept = |value: &Value| Some(inner(value)).filter(|value| !crate::is_empty(value));
    match value {
        Value::Object(object) => Value::object(object.iter().filter_map(|(k, v)| Some((k.clone(), kept(v)?)))),
        Value::List(items) => Value::list(items.iter().filter_map(kept)),
        other => other.clone(),
    }
}

fn move_path(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let object = call.value("object");
    let moved = path::get(object, call.text("from")).cloned().unwrap_or_default();
    output(path::set(path::remove(object.clone(), call.text("from")), call.text("to"), moved)?)
}

fn omit(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let paths = call.added(None).filter_map(|(_, path)| path.as_text());
    output(paths.fold(call.value("object").clone(), path::remove))
}

fn filter(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let operator = call.text("operator").parse()?;
    let mut kept: IndexMap<Arc<str>, Value> = IndexMap::new();
    for (key, value) in call.object("object").iter() {
        if crate::compare(operator, value, call.value("comparison"))? {
            kept.insert(key.clone(), value.clone());
        }
    }
    output(kept)
}
