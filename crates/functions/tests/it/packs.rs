//! The published templates: every function card of theirs is in the table, with its inputs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oktant_functions::{Function, Kind, find};
use serde_json::Value as Json;

/// Left over in one pack on cards that take no such input; running the card drops it.
const STRAY: &str = "authErollmentError";

#[test]
fn every_function_card_of_the_templates_is_known_with_its_inputs() {
    let data = std::env::var_os("OKTANT_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let Ok(packs) = std::fs::read_dir(data.join("flopacks")) else {
        eprintln!("skipped: {} has no folder flopacks", data.display());
        return;
    };
    let (mut cards, mut wrong) = (0, BTreeMap::new());
    for pack in packs {
        let text = std::fs::read_to_string(pack.expect("an entry").path()).expect("a pack");
        visit(&serde_json::from_str(&text).expect("JSON"), &mut |card| {
            cards += 1;
            for problem in problems(card) {
                *wrong.entry(problem).or_insert(0) += 1;
            }
        });
    }
    eprintln!("{cards} function cards");
    assert!(cards > 1000, "{cards}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn visit(json: &Json, found: &mut impl FnMut(&Json)) {
    match json {
        Json::Object(members) => {
            if json["address"].as_str().is_some_and(|address| address.starts_with("root:kernel:"))
                && json["node"].is_object()
            {
                found(json);
            }
            members.values().for_each(|member| visit(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| visit(item, found)),
        _ => {}
    }
}

fn problems(card: &Json) -> Vec<String> {
    let address = card["address"].as_str().unwrap_or_default();
    let Ok(function) = find(address) else { return vec![format!("{address} is unknown")] };
    let inputs = card["node"]["model"]["inputs"]["data"].as_object().into_iter().flat_map(serde_json::Map::values);
    // What the engine runs takes the inputs of the flows that it starts.
    let computed = matches!(function.kind, Kind::Pure(_));
    let unknown = inputs.filter(|input| computed && input["key"] != STRAY && !takes(function, input));
    unknown.map(|input| format!("{}: input {}/{}", function.key, input["group"], input["key"])).collect()
}

fn takes(function: &Function, input: &Json) -> bool {
    let (group, key) = (input["group"].as_str(), input["key"].as_str().unwrap_or_default());
    function.inputs.iter().any(|field| field.name.is(group, key) || field.name.is(group, "*"))
}
