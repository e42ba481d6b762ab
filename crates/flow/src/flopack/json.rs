//! What the JSON of one card says.

use std::collections::HashMap;

use serde_json::Value;

use super::card::{field_index, field_name};
use crate::model::{Conversion, Convert, Note, Operand, Output, Part, Schedule, Slot};

pub(super) fn uuid(card: &Value) -> &str {
    card["uuid"].as_str().unwrap_or_default()
}

pub(super) fn title(card: &Value) -> &str {
    card["node"]["data"]["name"].as_str().unwrap_or_default()
}

/// The fields of a card in the order in which people see them.
pub(super) fn fields<'a>(card: &'a Value, side: &str) -> Vec<&'a Value> {
    let mut fields: Vec<_> =
        card["node"]["model"][side]["data"].as_object().into_iter().flat_map(|fields| fields.values()).collect();
    fields.sort_by_cached_key(|field| field_index(field));
    fields
}

pub(super) fn slot(field: &Value) -> Slot {
    Slot { group: field["group"].as_str().map(str::to_owned), key: text(&field["key"]) }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn is_flow(value: &Value) -> bool {
    value.get("methods").is_some()
}

/// Whether a field carries a captured variable or another value that the editor hides.
pub(super) fn is_carrier(field: &Value) -> bool {
    field["metadata"].get("wormholeMethodId").is_some() || field["group"] == "_expr"
}

/// Whether an operator asks about one value.
pub(super) fn is_unary(operator: &str) -> bool {
    matches!(operator, "is empty" | "is not empty")
}

/// Whether any wire leaves an output.
pub(super) fn is_read(card: &Value, field: &Value) -> bool {
    field["id"]
        .as_str()
        .is_some_and(|id| card["pins"].get(id).and_then(Value::as_object).is_some_and(|pins| !pins.is_empty()))
}

/// Outputs by their names: those that people need not declare have no order of their own.
pub(super) fn sorted(outputs: impl Iterator<Item = Output>) -> Vec<Output> {
    let mut outputs: Vec<_> = outputs.collect();
    outputs.sort_by(|a, b| a.slot.cmp(&b.slot));
    outputs
}

/// Whether a field is a value inside the text of its card.
pub(super) fn is_placeholder(card: &Value, field: &Value) -> bool {
    let all = fields(card, "inputs");
    let carrier = all.iter().find(|field| field["key"] == "_text_");
    let mut found = false;
    if let (Some(text), Some(key), true) =
        (carrier.and_then(|field| field["value"]["data"].as_str()), field["key"].as_str(), field["group"].is_null())
    {
        placeholders(text, |piece| found |= matches!(piece, Piece::Key(known) if known == key));
    }
    found
}

#[derive(Clone, Copy)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    Key(&'t str),
}

/// Takes a text with `{{{key}}}` apart.
pub(super) fn placeholders<'t>(mut text: &'t str, mut visit: impl FnMut(Piece<'t>)) {
    while let Some((start, len)) = text.find("{{{").and_then(|start| Some((start, text[start + 3..].find("}}}")?))) {
        // The innermost braces count: `{{{{a}}}` is a brace before a placeholder.
        let start = start + text[start..start + 3 + len].rfind("{{{").unwrap_or(0);
        let end = text[start + 3..].find("}}}").map_or(text.len(), |len| start + 3 + len);
        visit(Piece::Text(&text[..start]));
        visit(Piece::Key(&text[start + 3..end]));
        text = &text[(end + 3).min(text.len())..];
    }
    visit(Piece::Text(text));
}

/// Parts whose values were marked by a zero byte, with the values in their places.
pub(super) fn split_values(parts: Vec<Part>, values: Vec<Operand>) -> Vec<Part> {
    let mut values = values.into_iter();
    let mut out = Vec::new();
    for part in parts {
        let Part::Text(text) = part else { continue };
        for (n, piece) in text.split('\u{0}').enumerate() {
            if n > 0 {
                out.extend(values.next().map(Part::Value));
            }
            if !piece.is_empty() {
                out.push(Part::Text(piece.to_owned()));
            }
        }
    }
    out
}

/// Numbers the placeholders of a text, as an export does.
pub(super) fn renumber(data: &mut Value) {
    let Some(text) = data.as_str() else { return };
    let mut number = 0;
    let mut out = String::new();
    placeholders(text, |piece| match piece {
        Piece::Text(piece) => out.push_str(piece),
        Piece::Key(_) => {
            number += 1;
            out.extend(["{{{value", &number.to_string(), "}}}"]);
        }
    });
    *data = out.into();
}

/// Drops the identifiers that terms of a where clause hold, of wires that are written anew.
pub(super) fn strip_references(data: &mut Value, fed: impl Fn(&str) -> bool) {
    for term in data.get_mut("expr").and_then(Value::as_array_mut).into_iter().flatten() {
        if term["rhd"]["outputId"].as_str().is_some_and(&fed) {
            strip(term, &["rhd"]);
        }
    }
}

/// The groups of an If/ElseIf that have a condition, in order.
pub(super) fn arm_groups(card: &Value) -> Vec<&str> {
    let conditions = fields(card, "inputs").into_iter().filter(|field| field["key"] == "operator");
    let mut groups: Vec<&str> = conditions.filter_map(|field| field["group"].as_str()).collect();
    groups.sort_by_key(|group| *group != "if");
    groups
}

pub(super) fn body_field<'a>(card: &'a Value, group: &str) -> &'a str {
    let field = fields(card, "inputs").into_iter().find(|field| field["key"] == "flo" && field["group"] == group);
    field.and_then(|field| field["id"].as_str()).unwrap_or("none")
}

/// The input of a join that feeds an output.
pub(super) fn join_input<'a>(join: &'a Value, output: &str) -> Option<&'a Value> {
    let feeds = |entries: &Value| entries.as_array().into_iter().flatten().any(|entry| entry["output"] == output);
    let (input, _) = join["joins"].as_object()?.iter().find(|(_, entries)| feeds(entries))?;
    join["node"]["model"]["inputs"]["data"].get(input)
}

/// Names the inputs of a join by the outputs that they feed.
pub(super) fn rename_join(join: &Value, normal: &mut Value) {
    let by_input: HashMap<&str, String> = fields(join, "outputs")
        .into_iter()
        .filter_map(|output| {
            let input = join_input(join, output["id"].as_str()?)?;
            Some((input["id"].as_str()?, field_name(&slot(output))))
        })
        .collect();
    if let Some(Value::Object(inputs)) = normal.pointer_mut("/node/model/inputs/data") {
        let renamed = std::mem::take(inputs).into_iter().map(|(name, field)| {
            let own = field["id"].as_str().and_then(|id| by_input.get(id)).cloned();
            (own.unwrap_or_else(|| format!("{name} (unused)")), field)
        });
        *inputs = renamed.collect();
    }
}

pub(super) fn strip(value: &mut Value, keys: &[&str]) {
    if let Some(object) = value.as_object_mut() {
        for key in keys {
            object.shift_remove(*key);
        }
    }
}

pub(super) fn note(card: &Value) -> Note {
    let comments = &card["node"]["model"]["comments"];
    match comments {
        Value::String(text) => Note { title: String::new(), text: text.clone() },
        comments => Note { title: text(&comments["title"]), text: text(&comments["markdown"]) },
    }
}

pub(super) fn schedule(cron: &Value) -> Schedule {
    let part =
        |key: &str, default: &str| cron[key].as_str().filter(|part| !part.is_empty()).unwrap_or(default).to_owned();
    Schedule {
        seconds: part("seconds", "0"),
        minutes: part("minutes", "*"),
        hours: part("hours", "*"),
        day_of_month: part("dayOfTheMonth", "*"),
        month: part("month", "*"),
        day_of_week: part("dayOfTheWeek", "*"),
        time_zone: part("timeZone", "UTC"),
    }
}

pub(super) fn convert(transform: &Value) -> Option<Convert> {
    let entry = transform.as_object()?.values().next()?;
    let how = serde_json::from_value::<Conversion>(entry["convert"].clone()).ok()?;
    Some(Convert { how, wrap: entry["forceWrapArray"] == true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_in_any_braces() {
        let mut seen = Vec::new();
        placeholders("a {{{{b}}}} {{{c}}}{{{", |piece| {
            seen.push(match piece {
                Piece::Text(text) => format!("t:{text}"),
                Piece::Key(key) => format!("k:{key}"),
            });
        });
        assert_eq!(seen, ["t:a {", "k:b", "t:} ", "k:c", "t:{{{"]);
    }
}
