//! The normal form of a flopack, made without the reader and the writer that it judges.
//!
//! Left out is what an editor makes anew: `checksum`, `version`, `tree`, `display.preview`,
//! `display.aliases`, `parents`, `available`, `error`, `ghost`, `_used`, the index of outputs, flags
//! that are false, identifiers of order edges and of hidden cards. Wires are told by where they
//! start, through the hidden cards that take values apart or carry them into bodies, and order
//! edges by which card runs before which.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

pub(crate) struct Normal {
    pub(crate) value: Value,
    pub(crate) cards: usize,
}

/// Where a wire starts: card, output, transform.
type Wire = (String, String, Value);

struct Scope<'a> {
    cards: HashMap<&'a str, &'a Value>,
    wires: HashMap<(String, String), Vec<Wire>>,
    outer: Option<(&'a Scope<'a>, &'a Value)>,
}

pub(crate) fn normal(pack: &Value) -> Normal {
    let mut value = pack.clone();
    value.as_object_mut().unwrap().remove("checksum");
    value["version"] = "1.5.0".into();
    let mut cards = 0;
    for (id, flow) in pack["data"]["flos"].as_object().unwrap() {
        value["data"]["flos"][id]["data"] = body(&flow["data"], None, &mut cards);
    }
    Normal { value, cards }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn is(card: &Value, address: &str) -> bool {
    text(&card["address"]).ends_with(address)
}

fn remove(value: &mut Value, keys: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        for key in keys {
            map.remove(*key);
        }
    }
}

fn body<'a>(flow: &'a Value, outer: Option<(&'a Scope<'a>, &'a Value)>, count: &mut usize) -> Value {
    let methods = flow["methods"].as_array().unwrap();
    let mut wires: HashMap<(String, String), Vec<Wire>> = HashMap::new();
    for card in methods {
        for (output, targets) in card["pins"].as_object().unwrap() {
            for (target, pins) in targets.as_object().unwrap() {
                for pin in pins.as_array().unwrap() {
                    let wire = (text(&card["uuid"]).to_owned(), output.clone(), pin["transform"].clone());
                    wires.entry((target.clone(), text(&pin["input"]).to_owned())).or_default().push(wire);
                }
            }
        }
    }
    let scope = Scope { cards: methods.iter().map(|card| (text(&card["uuid"]), card)).collect(), wires, outer };
    let mut out = flow.clone();
    remove(&mut out, &["methods", "orderings", "tree"]);
    remove(&mut out["display"], &["preview", "aliases"]);
    if out["display"].as_object().is_none_or(Map::is_empty) {
        remove(&mut out, &["display"]);
    }
    let visible = || methods.iter().filter(|card| !is(card, ":object:0.0.1:expand"));
    *count += visible().count();
    out["cards"] = visible()
        .map(|card| (text(&card["uuid"]).to_owned(), normal_card(card, &scope, count)))
        .collect::<Map<_, _>>()
        .into();
    out["before"] = order(flow, methods);
    out
}

fn order(flow: &Value, methods: &[Value]) -> Value {
    let mut after: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for edge in flow["orderings"].as_object().unwrap().values().filter(|edge| edge[0] != edge[1]) {
        after.entry(text(&edge[0])).or_default().insert(text(&edge[1]));
    }
    for card in methods {
        after
            .entry(text(&card["uuid"]))
            .or_default()
            .extend(card["branches"].as_object().unwrap().keys().map(String::as_str));
    }
    let hidden: HashSet<&str> =
        methods.iter().filter(|card| is(card, ":expand")).map(|card| text(&card["uuid"])).collect();
    let reach = |from: &'_ str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            let next = after.get(next).into_iter().flatten().copied();
            open.extend(next.filter(|to| seen.insert((*to).to_owned())).collect::<Vec<_>>());
        }
        seen.into_iter().filter(|card| !hidden.contains(card.as_str())).collect::<Vec<_>>()
    };
    let ids = methods.iter().map(|card| text(&card["uuid"])).filter(|id| !hidden.contains(id));
    ids.map(|id| (id.to_owned(), json!(reach(id)))).collect::<Map<_, _>>().into()
}

fn normal_card<'a>(card: &'a Value, scope: &'a Scope<'a>, count: &mut usize) -> Value {
    let mut out = card.clone();
    remove(&mut out, &["parents", "pins"]);
    let joins = card["joins"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, outputs)| outputs.as_array().is_some_and(|o| !o.is_empty()));
    out["joins"] =
        joins.map(|(input, outputs)| (input.clone(), outputs[0]["output"].clone())).collect::<Map<_, _>>().into();
    let mut wires: BTreeMap<String, Value> = BTreeMap::new();
    for side in ["inputs", "outputs"] {
        let original = card["node"]["model"][side]["data"].as_object().unwrap();
        let mut fields = Map::new();
        let holes = placeholders(card, original);
        for (id, field) in original {
            let fed = scope.wires.get(&(text(&card["uuid"]).to_owned(), id.clone()));
            let from: BTreeSet<String> = fed.into_iter().flatten().map(|wire| start(scope, wire)).collect();
            let hidden =
                field["metadata"].get("wormholeMethodId").is_some() || (field["group"] == "_expr" && fed.is_some());
            let hole = holes
                .iter()
                .position(|key| *key == text(&field["key"]))
                .filter(|_| side == "inputs" && field["group"].is_null());
            if side == "inputs" && !hidden && !from.is_empty() {
                wires.insert(hole.map_or_else(|| id.clone(), |n| format!("hole {n}")), json!(from));
            }
            if !hidden && hole.is_none() {
                fields.insert(id.clone(), normal_field(field, side, &holes, card, scope, count, &mut wires));
            }
        }
        out["node"]["model"][side]["data"] = fields.into();
    }
    let handler = &card["node"]["model"]["policy"]["error"]["flo"];
    if handler.is_object() {
        out["node"]["model"]["policy"]["error"]["flo"] = body(handler, Some((scope, card)), count);
    }
    out["wires"] = json!(wires);
    out
}

fn normal_field<'a>(
    field: &'a Value,
    side: &str,
    holes: &[&str],
    card: &'a Value,
    scope: &'a Scope<'a>,
    count: &mut usize,
    wires: &mut BTreeMap<String, Value>,
) -> Value {
    let mut out = field.clone();
    remove(&mut out, &["_used"]);
    remove(&mut out["metadata"], &["ghost"]);
    if side == "outputs" {
        remove(&mut out["metadata"], &["index"]);
    }
    remove(&mut out["value"], &["available", "error"]);
    for flag in ["check", "proxy"] {
        if out["value"].get(flag) == Some(&Value::Bool(false)) {
            remove(&mut out["value"], &[flag]);
        }
    }
    let data = &field["value"]["data"];
    if data.get("methods").is_some() {
        out["value"]["data"] = body(data, Some((scope, card)), count);
    }
    if field["key"] == "_text_" && !holes.is_empty() {
        let mut text = text(data).to_owned();
        for (n, key) in holes.iter().enumerate() {
            text = text.replacen(&format!("{{{{{{{key}}}}}}}"), &format!("<hole {n}>"), 1);
        }
        out["value"]["data"] = text.into();
    }
    let terms = out["value"]["data"].get_mut("expr").and_then(Value::as_array_mut);
    for (n, term) in terms.into_iter().flatten().enumerate() {
        let carrier = |field: &&Value| field["group"] == "_expr" && field["key"] == term["rhd"]["outputId"];
        let carrier = card["node"]["model"]["inputs"]["data"].as_object().unwrap().values().find(carrier);
        let fed =
            carrier.and_then(|field| scope.wires.get(&(text(&card["uuid"]).to_owned(), text(&field["id"]).to_owned())));
        if let Some(fed) = fed {
            remove(term, &["rhd"]);
            wires.insert(format!("term {n}"), json!(start(scope, &fed[0])));
        }
    }
    out
}

/// The placeholders of a card's text, in order.
fn placeholders<'a>(card: &Value, fields: &'a Map<String, Value>) -> Vec<&'a str> {
    if !is(card, ":string:0.0.1:compose") && !is(card, ":math:0.0.1:expression") {
        return Vec::new();
    }
    let carrier = fields.values().find(|field| field["key"] == "_text_");
    let all = carrier.map_or("", |field| text(&field["value"]["data"]));
    let place = |field: &'a Value| {
        all.find(&format!("{{{{{{{}}}}}}}", text(&field["key"]))).map(|at| (at, text(&field["key"])))
    };
    let found: BTreeSet<_> = fields.values().filter(|field| field["key"] != "_text_").filter_map(place).collect();
    found.into_iter().map(|(_, key)| key).collect()
}

/// Where a wire starts, seen through hidden cards.
fn start(scope: &Scope<'_>, (card, output, transform): &(String, String, Value)) -> String {
    let from = scope.cards[card.as_str()];
    let field = &from["node"]["model"]["outputs"]["data"][output];
    let how = transform.as_object().and_then(|map| map.values().next());
    let how = how.map_or_else(String::new, |how| format!(" {}{}", how["convert"], how["forceWrapArray"]));
    if is(from, ":object:0.0.1:expand") {
        let input = from["node"]["model"]["inputs"]["data"].as_object().unwrap().keys().next().unwrap();
        let inner = &scope.wires[&(card.clone(), input.clone())][0];
        return format!("{} {}{how}", start(scope, inner), field["metadata"]["path"]);
    }
    if field["metadata"].get("wormholeMethodId").is_some() {
        let (outer, container) = scope.outer.expect("a captured value comes from around");
        let same = |input: &&Value| input["group"] == field["group"] && input["key"] == field["key"];
        let input = container["node"]["model"]["inputs"]["data"].as_object().unwrap().values().find(same).unwrap();
        let inner = &outer.wires[&(text(&container["uuid"]).to_owned(), text(&input["id"]).to_owned())][0];
        return format!("{}{how}", start(outer, inner));
    }
    format!("{card}.{output}{how}")
}
