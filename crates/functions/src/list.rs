//! Functions of lists.

use std::collections::HashSet;

use indexmap::IndexMap;
use oktant_base::Entropy;

use crate::compare::{compare, equal, order};
use crate::convert::{Type, to_text};
use crate::error::FunctionError;
use crate::path;
use crate::registry::{BYTES_MAX, Call, Fields, Function, pure, too_large};
use crate::value::{Object, Value};

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("list:construct", "Construct", construct)
            .takes("*: any")
            .gives("list: list")
            .examples(&[(r#"{"a":1,"b":"x"}"#, r#"{"list":[1,"x"]}"#), ("{}", r#"{"list":[]}"#)]),
        pure("list:at", "At", at)
            .takes("list*: list, index*: number")
            .gives("item: any")
            .note("Counts from 0; nothing outside the list.")
            .examples(&[
                (r#"{"list":["a","b"],"index":1}"#, r#"{"item":"b"}"#),
                (r#"{"list":["a"],"index":1}"#, r#"{"item":null}"#),
                (r#"{"list":["a"],"index":-1}"#, r#"{"item":null}"#),
            ]),
        pure("list:pluck", "Pluck", pluck)
            .takes("list*: list, key: text")
            .gives("values: list")
            .note("What stands at the path in each item; nothing where there is none.")
            .examples(&[(r#"{"list":[{"a":{"b":1}},{"a":{}}],"key":"a.b"}"#, r#"{"values":[1,null]}"#)]),
        pure("list:length", "Length", length)
            .takes("list: list")
            .gives("length: number")
            .examples(&[(r#"{"list":[1,2]}"#, r#"{"length":2}"#), (r#"{"list":null}"#, r#"{"length":0}"#)]),
        pure("list:join", "List to Text", join)
            .takes("list*: list, delimiter: text = \",\"")
            .gives("string: text")
            .examples(&[
                (r#"{"list":["a",1,true],"delimiter":", "}"#, r#"{"string":"a, 1, true"}"#),
                (r#"{"list":["a","b"]}"#, r#"{"string":"a,b"}"#),
                (r#"{"list":["a","b"],"delimiter":""}"#, r#"{"string":"ab"}"#),
            ]),
        pure("list:findBy", "Find", find_by)
            .takes("list*: list, operator*: text, path: text, comparison: any")
            .gives("item: any, index: number")
            .note("The first item that compares so at the path; nothing and -1 if none does. Without path the item itself compares.")
            .examples(&[
                (r#"{"list":[{"name":"a"},{"name":"b"}],"operator":"==","path":"name","comparison":"b"}"#, r#"{"item":{"name":"b"},"index":1}"#),
                (r#"{"list":[1],"operator":"==","comparison":2}"#, r#"{"item":null,"index":-1}"#),
            ]),
        pure("list:filterBy", "Filter", filter_by)
            .takes("list*: list, operator*: text, path: text, comparison: any")
            .gives("list: list")
            .examples(&[
                (r#"{"list":[{"n":1},{"n":20}],"operator":">","path":"n","comparison":9}"#, r#"{"list":[{"n":20}]}"#),
                (r#"{"list":["a","b"],"operator":"in","comparison":["b","c"]}"#, r#"{"list":["b"]}"#),
                (r#"{"list":[{"a":""},{"a":0}],"operator":"is not empty","path":"a"}"#, r#"{"list":[{"a":0}]}"#),
            ]),
        pure("list:flatten", "Flatten", flatten)
            .takes("lists*: list")
            .gives("list: list")
            .note("One level.")
            .examples(&[(r#"{"lists":[[1,[2]],3,[]]}"#, r#"{"list":[1,[2],3]}"#)]),
        pure("list:includes", "Includes", includes)
            .takes("list*: list, value: any")
            .gives("result: true/false")
            .examples(&[(r#"{"list":[1,2],"value":"2"}"#, r#"{"result":true}"#), (r#"{"list":["ab"],"value":"a"}"#, r#"{"result":false}"#)]),
        pure("list:pop", "Get Last Item", pop)
            .takes("list*: list")
            .gives("list: list, item: any")
            .examples(&[(r#"{"list":[1,2]}"#, r#"{"list":[1],"item":2}"#), (r#"{"list":[]}"#, r#"{"list":[],"item":null}"#)]),
        pure("list:shift", "Get First Item", shift)
            .takes("list*: list")
            .gives("list: list, item: any")
            .examples(&[(r#"{"list":[1,2]}"#, r#"{"list":[2],"item":1}"#), (r#"{"list":[]}"#, r#"{"list":[],"item":null}"#)]),
        pure("list:uniqueBy", "Remove Duplicates", unique_by)
            .takes("list*: list, path: text")
            .gives("unique list: list")
            .note("The first item of each value at the path is kept.")
            .examples(&[(r#"{"list":[{"id":1,"n":"a"},{"id":1,"n":"b"},{"id":2}],"path":"id"}"#, r#"{"unique list":[{"id":1,"n":"a"},{"id":2}]}"#)]),
        pure("list:sortBy", "Sort", sort_by)
            .takes("list*: list, path: text")
            .gives("sorted list: list")
            .note("Ascending and stable, what is missing last. Numbers sort as numbers, mixed kinds as text.")
            .examples(&[
                (r#"{"list":[10,9,null,1]}"#, r#"{"sorted list":[1,9,10,null]}"#),
                (r#"{"list":[{"n":"b"},{"n":"a"}],"path":"n"}"#, r#"{"sorted list":[{"n":"a"},{"n":"b"}]}"#),
            ]),
        pure("list:union", "Union (Combine Unique)", union)
            .takes("list1: list, list2: list, *: list")
            .gives("union: list")
            .examples(&[(r#"{"list1":[1,2],"list2":[2,3],"list3":[{"a":1},{"a":1}]}"#, r#"{"union":[1,2,3,{"a":1}]}"#)]),
        pure("list:intersection", "Intersection", intersection)
            .takes("list1*: list, list2*: list, *: list")
            .gives("list: list")
            .examples(&[(r#"{"list1":[3,1,2,1],"list2":[1,2,3],"list3":[1,3]}"#, r#"{"list":[3,1]}"#)]),
        pure("list:difference", "Difference", difference)
            .takes("list1*: list, list2*: list, *: list")
            .gives("list: list")
            .examples(&[(r#"{"list1":[1,2,3,1],"list2":[2],"list3":[3]}"#, r#"{"list":[1,1]}"#)]),
        pure("list:push", "Add to End", push)
            .takes("item: any, list: list")
            .gives("list: list")
            .examples(&[(r#"{"item":3,"list":[1,2]}"#, r#"{"list":[1,2,3]}"#)]),
        pure("list:sample", "Sample", sample)
            .takes("list*: list, amount*: number")
            .gives("samples: list")
            .note("Drawn by chance, none twice; the whole list if it is shorter.")
            .examples(&[(r#"{"list":[1],"amount":5}"#, r#"{"samples":[1]}"#), (r#"{"list":[1,2],"amount":0}"#, r#"{"samples":[]}"#)]),
        pure("list:collapse", "Collapse", collapse)
            .takes("list*: list of object")
            .gives("output: object")
            .note("One object of all; of equal keys the last wins.")
            .examples(&[(r#"{"list":[{"a":1},{"b":2},{"a":3}]}"#, r#"{"output":{"a":3,"b":2}}"#)]),
        pure("list:unshift", "Add to Front", unshift)
            .takes("item: any, list: list")
            .gives("list: list")
            .examples(&[(r#"{"item":0,"list":[1,2]}"#, r#"{"list":[0,1,2]}"#)])
            .beyond_templates(),
        pure("list:concat", "Combine All", concat)
            .takes("list1: list, list2: list, *: list")
            .gives("list: list")
            .examples(&[(r#"{"list1":[1],"list2":[1,2]}"#, r#"{"list":[1,1,2]}"#)])
            .beyond_templates(),
        pure("list:groupBy", "Group By", group_by)
            .takes("list*: list, path*: text")
            .gives("output: object")
            .examples(&[(r#"{"list":[{"t":"x","n":1},{"t":"y"},{"t":"x","n":2}],"path":"t"}"#, r#"{"output":{"x":[{"t":"x","n":1},{"t":"x","n":2}],"y":[{"t":"y"}]}}"#)])
            .beyond_templates(),
        pure("list:indexBy", "Index By", index_by)
            .takes("list*: list, path*: text")
            .gives("output: object")
            .note("Of several items with one value at the path the last is kept.")
            .examples(&[(r#"{"list":[{"id":"a"},{"id":"b"}],"path":"id"}"#, r#"{"output":{"a":{"id":"a"},"b":{"id":"b"}}}"#)])
            .beyond_templates(),
        pure("list:zip", "Zip", zip)
            .takes("keys*: list of text, values*: list")
            .gives("output: object")
            .examples(&[(r#"{"keys":["a","b"],"values":[1]}"#, r#"{"output":{"a":1,"b":null}}"#)])
            .beyond_templates(),
        pure("list:segment", "Segment", segment)
            .takes("list*: list, start: number = 0, end: number")
            .gives("list: list")
            .note("From `start` to before `end`.")
            .examples(&[(r#"{"list":[1,2,3],"start":1}"#, r#"{"list":[2,3]}"#), (r#"{"list":[1,2,3],"end":2}"#, r#"{"list":[1,2]}"#)])
            .beyond_templates(),
        pure("list:reverse", "Reverse", reverse)
            .takes("list*: list")
            .gives("list: list")
            .examples(&[(r#"{"list":[1,2]}"#, r#"{"list":[2,1]}"#)])
            .beyond_templates(),
    ]
}

fn list(items: impl Into<Value>) -> Fields {
    [("list", items.into())].into()
}

fn construct(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok(list(Value::list(call.added(None).map(|(_, value)| value.clone()))))
}

/// The position that a number names; `None` if it is negative or no whole number.
fn position(number: Option<f64>) -> Option<usize> {
    number.filter(|number| *number >= 0.0 && number.fract() == 0.0).map(|number| number as usize)
}

fn at(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let item = position(call.number("index")).and_then(|index| call.list("list").get(index).cloned());
    Ok([("item", item.into())].into())
}

/// What stands at `path`, or the item itself where no path is given.
fn inside<'a>(item: &'a Value, path: &str) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    if path.is_empty() { item } else { path::get(item, path).unwrap_or(NOTHING) }
}

fn pluck(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let values = call.list("list").iter().map(|item| inside(item, call.text("key")).clone());
    Ok([("values", Value::list(values))].into())
}

fn length(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok([("length", call.list("list").len().into())].into())
}

fn join(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (items, delimiter) = (call.list("list"), call.text("delimiter"));
    if delimiter.len().saturating_mul(items.len()) > BYTES_MAX {
        return Err(too_large());
    }
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if matches!(item, Value::Object(_) | Value::List(_) | Value::File(_)) {
            return Err(FunctionError::mismatch(&Type::Text, item.kind())
                .at(&format!("item {index}"))
                .hinted("take one field of each item with Pluck first"));
        }
        joined.push_str(if index == 0 { "" } else { delimiter });
        joined.push_str(&to_text(item));
    }
    Ok([("string", joined.into())].into())
}

fn matching<'a>(
    call: &Call<'a>,
) -> Result<impl Iterator<Item = Result<(usize, &'a Value), FunctionError>>, FunctionError> {
    let operator = call.text("operator").parse()?;
    let (path, comparison) = (call.text("path"), call.value("comparison"));
    Ok(call.list("list").iter().enumerate().filter_map(move |(index, item)| {
        let holds = compare(operator, inside(item, path), comparison);
        holds.map(|holds| holds.then_some((index, item))).transpose()
    }))
}

fn find_by(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let found = matching(call)?.next().transpose()?;
    let index = found.map_or(-1.0, |(index, _)| index as f64);
    Ok([("item", found.map(|(_, item)| item.clone()).into()), ("index", index.into())].into())
}

fn filter_by(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok(list(matching(call)?.map(|found| Ok(found?.1.clone())).collect::<Result<Vec<_>, FunctionError>>()?))
}

fn flatten(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut flat = Vec::new();
    for item in call.list("lists") {
        match item {
            Value::List(items) => flat.extend_from_slice(items),
            single => flat.push(single.clone()),
        }
    }
    Ok(list(flat))
}

fn includes(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let found = call.list("list").iter().any(|item| equal(item, call.value("value")));
    Ok([("result", found.into())].into())
}

fn item_and_rest(item: Option<Value>, rest: Vec<Value>) -> Fields {
    [("list", rest.into()), ("item", item.into())].into()
}

fn pop(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut items = call.own_list("list").into_vec();
    let item = items.pop();
    Ok(item_and_rest(item, items))
}

fn shift(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (first, rest) = call.list("list").split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
    Ok(item_and_rest(first.cloned(), rest.to_vec()))
}

/// A text that two values have in common exactly if they are the same value, whatever the order of
/// an object's keys. Lets sets stand in for comparing each with each.
fn identity(value: &Value) -> String {
    fn write(value: &Value, text: &mut String) {
        match value {
            Value::Text(content) => *text += &serde_json::to_string(&**content).unwrap_or_default(),
            Value::Date(instant) => text.extend(["d", &instant.timestamp_millis().to_string()]),
            Value::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                entries.sort_by_key(|(a, _)| *a);
                text.push('{');
                for (key, value) in entries {
                    write(&Value::Text(key.clone()), text);
                    write(value, text);
                    text.push(',');
                }
                text.push('}');
            }
            Value::List(items) => {
                text.push('[');
                for item in items.iter() {
                    write(item, text);
                    text.push(',');
                }
                text.push(']');
            }
            Value::File(file) => text.extend(["f", &file.id]),
            Value::Null => text.push('n'),
            Value::Boolean(_) | Value::Number(_) => *text += &to_text(value),
        }
    }
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn unique<'a>(items: impl Iterator<Item = &'a Value>, key: impl Fn(&Value) -> String) -> Vec<Value> {
    let mut seen = HashSet::new();
    items.filter(|item| seen.insert(key(item))).cloned().collect()
}

fn unique_by(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let path = call.text("path");
    let items = unique(call.list("list").iter(), |item| identity(inside(item, path)));
    Ok([("unique list", items.into())].into())
}

/// All lists of a call, in order.
fn lists<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a [Value]> {
    call.all().map(|(_, value)| value.as_list().map_or(&[][..], |items| items.as_slice()))
}

fn union(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok([("union", unique(lists(call).flatten(), identity).into())].into())
}

fn identities(items: &[Value]) -> HashSet<String> {
    items.iter().map(identity).collect()
}

fn intersection(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let others: Vec<_> = lists(call).skip(1).map(identities).collect();
    let in_all = |item: &&Value| others.iter().all(|other| other.contains(&identity(item)));
    Ok(list(unique(call.list("list1").iter().filter(in_all), identity)))
}

fn difference(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let others: HashSet<_> = lists(call).skip(1).flatten().map(identity).collect();
    let kept = call.list("list1").iter().filter(|item| !others.contains(&identity(item)));
    Ok(list(Value::list(kept.cloned())))
}

fn sort_by(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let path = call.text("path");
    let mut items: Vec<_> = call.list("list").iter().map(|item| (sort_key(inside(item, path)), item)).collect();
    make_comparable(items.iter_mut().map(|(key, _)| key));
    // What has no order, nothing and NaN, comes last; `order` is total over keys of one kind.
    items.sort_by(|(a, _), (b, _)| {
        a.is_none().cmp(&b.is_none()).then_with(|| match (a, b) {
            (Some(a), Some(b)) => order(a, b).unwrap_or(std::cmp::Ordering::Equal),
            _ => std::cmp::Ordering::Equal,
        })
    });
    Ok([("sorted list", Value::list(items.into_iter().map(|(_, item)| item.clone())))].into())
}

fn sort_key(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Number(number) if number.is_nan() => None,
        Value::Object(_) | Value::List(_) | Value::File(_) => Some(to_text(value).into()),
        other => Some(other.clone()),
    }
}

/// Turns keys of several kinds into texts, so that sorting has one order.
fn make_comparable<'a>(keys: impl Iterator<Item = &'a mut Option<Value>>) {
    let keys: Vec<&mut Value> = keys.flatten().collect();
    let same_kind = keys.windows(2).all(|pair| pair[0].kind() == pair[1].kind());
    if !same_kind {
        for key in keys {
            *key = to_text(key).into();
        }
    }
}

fn push(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut items = call.own_list("list").into_vec();
    items.push(call.value("item").clone());
    Ok(list(items))
}

fn unshift(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let first = std::iter::once(call.value("item"));
    Ok(list(Value::list(first.chain(call.list("list")).cloned())))
}

/// A number below `bound`, each equally likely. `bound` is not 0.
pub(crate) fn below(entropy: &dyn Entropy, bound: u64) -> u64 {
    // Numbers from the last, incomplete round of `bound` would make some results likelier.
    let fair = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        let drawn = u64::from_le_bytes(bytes);
        if drawn < fair {
            return drawn % bound;
        }
    }
}

fn sample(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut items = call.own_list("list").into_vec();
    let amount = call.number("amount").filter(|amount| *amount > 0.0).unwrap_or(0.0) as usize;
    let amount = amount.min(items.len());
    for drawn in 0..amount {
        let left = (items.len() - drawn) as u64;
        items.swap(drawn, drawn + below(call.surroundings.entropy, left) as usize);
    }
    items.truncate(amount);
    Ok([("samples", items.into())].into())
}

fn collapse(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let items = call.list("list");
    if let Some(other) = items.iter().find(|item| !item.is_null() && item.as_object().is_none()) {
        return Err(FunctionError::mismatch(&Type::Object, other.kind()).at("list"));
    }
    let objects = items.iter().filter_map(Value::as_object);
    let entries = objects.flat_map(|object| object.iter()).map(|(key, value)| (key.clone(), value.clone()));
    Ok([("output", Value::object(entries))].into())
}

fn concat(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok(list(Value::list(lists(call).flatten().cloned())))
}

fn group_by(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let mut groups: IndexMap<String, Vec<Value>> = IndexMap::new();
    for item in call.list("list") {
        groups.entry(to_text(inside(item, call.text("path")))).or_default().push(item.clone());
    }
    Ok([("output", Value::object(groups.into_iter().map(|(key, items)| (key, items.into()))))].into())
}

fn index_by(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let keyed = call.list("list").iter().map(|item| (to_text(inside(item, call.text("path"))), item.clone()));
    Ok([("output", Value::object(keyed))].into())
}

fn zip(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let values = call.list("values").iter().cloned().chain(std::iter::repeat(Value::Null));
    let zipped: Object = call.list("keys").iter().map(to_text).zip(values).collect();
    Ok([("output", zipped.into())].into())
}

fn segment(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let items = call.list("list");
    let clamp = |number: f64| (number.max(0.0) as usize).min(items.len());
    let start = call.number("start").map_or(0, clamp);
    let end = call.number("end").map_or(items.len(), clamp).max(start);
    Ok(list(items[start..end].to_vec()))
}

fn reverse(call: &Call<'_>) -> Result<Fields, FunctionError> {
    Ok(list(Value::list(call.list("list").iter().rev().cloned())))
}
