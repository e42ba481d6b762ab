//! What a card takes and gives, by the manifest of its connector.

use oktant_flow::model::Slot;
use oktant_flow::validate::{Field, Shape};
use serde_json::Value;

use super::{Action, Custom, Outputs};

/// Fields of a Custom API Action, as the connectors call them.
const CUSTOM: [&str; 8] = ["Relative URL", "Query", "Headers", "Body", "relative_url", "query", "headers", "body"];

/// What a card takes and gives: the inputs that its expressions read, and the outputs that they fill.
pub(crate) fn shape(action: &Action) -> Shape {
    Shape { inputs: Some(inputs(action)), outputs: Some(outputs(action)) }
}

fn inputs(action: &Action) -> Vec<Field> {
    let mut found = Vec::new();
    if let Some(Custom { group, .. }) = &action.custom {
        found.extend(CUSTOM.map(|key| field(Some(group), key)));
    }
    if action.custom.is_some() || action.list.is_some() {
        // The helper flow that records are streamed to, and what it is given besides.
        found.push(field(Some("Streaming"), "*"));
    }
    for name in &action.files {
        let (group, key) = name.split_once('.').unwrap_or(("", name));
        add(&mut found, field(Some(group), key));
    }
    let expressions = serde_json::to_value(action).unwrap_or_default();
    texts(&expressions, &mut |text| {
        for source in sources(text) {
            if let Some(path) = source.strip_prefix("in.") {
                let (group, key) = path.split_once('.').unwrap_or(("", path));
                add(&mut found, field(Some(group), key));
            }
        }
    });
    found
}

fn outputs(action: &Action) -> Vec<Field> {
    let mut found = Vec::new();
    let searched = action.search_first.iter().map(|search| &search.outputs);
    let listed = action.list.iter().map(|list| &list.one);
    for (group, outputs) in [&action.outputs].into_iter().chain(listed).chain(searched).flatten() {
        let group = (group != "-").then_some(group.as_str());
        match outputs {
            Outputs::Keys(keys) => keys.keys().for_each(|key| add(&mut found, field(group, key))),
            Outputs::Spread(_) => add(&mut found, field(group, "*")),
        }
    }
    if let Some(list) = &action.list {
        let (group, key) = list.many.split_once('.').unwrap_or(("Result", &list.many));
        add(&mut found, field(Some(group), key));
    }
    if action.custom.is_some() {
        for key in ["Status Code", "Headers", "Body"] {
            add(&mut found, field(Some("Response"), key));
        }
    }
    found
}

fn field(group: Option<&str>, key: &str) -> Field {
    let group = group.filter(|group| !group.is_empty()).map(str::to_owned);
    Field { slot: Slot { group, key: key.to_owned() }, required: false }
}

fn add(fields: &mut Vec<Field>, field: Field) {
    if !fields.contains(&field) {
        fields.push(field);
    }
}

/// Every text below a value.
fn texts(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, visit)),
        Value::Object(members) => members.values().for_each(|member| texts(member, visit)),
        _ => {}
    }
}

/// Where the values of an expression, a condition or a template come from.
fn sources(text: &str) -> impl Iterator<Item = &str> {
    let expressions = text.split(['{', '}']);
    let terms = expressions.flat_map(|expression| expression.split(" ?? "));
    let sides = terms.flat_map(|term| term.split(" == ")).flat_map(|term| term.split(" != "));
    // The argument of a filter may be computed: `filter:=source`, `filter:name==source`.
    let parts = sides.flat_map(|side| side.split(" | "));
    parts.map(|part| part.rsplit_once('=').map_or(part, |(_, source)| source).trim())
}

#[cfg(test)]
mod tests {
    use super::super::Manifest;
    use super::*;

    fn names(fields: &[Field]) -> Vec<String> {
        fields.iter().map(|field| field.slot.to_string()).collect()
    }

    fn shape_of(manifest: &str, action: &str) -> (Vec<String>, Vec<String>) {
        let Shape { inputs, outputs } = shape(&Manifest::own()[manifest].actions[action]);
        (names(&inputs.unwrap()), names(&outputs.unwrap()))
    }

    #[test]
    fn the_fields_of_cards_are_those_of_their_expressions() {
        let (takes, gives) = shape_of("okta", "readUser");
        assert_eq!(takes, ["User / ID or Login"]);
        assert!(gives.contains(&"System Properties / ID".to_owned()), "{gives:?}");
        assert!(gives.contains(&"Profile Properties / *".to_owned()), "{gives:?}");
        let (takes, gives) = shape_of("salesforce", "createUser");
        assert!(
            takes.contains(&"User / *".to_owned()) && takes.contains(&"User / Profile Name".to_owned()),
            "{takes:?}"
        );
        assert_eq!(gives, ["User / User ID"]);
        let (takes, gives) = shape_of("okta", "hTTPRequest");
        assert!(takes.contains(&"Request / Relative URL".to_owned()), "{takes:?}");
        assert_eq!(gives, ["Response / Status Code", "Response / Headers", "Response / Body"]);
    }

    #[test]
    fn sources_stand_in_templates_conditions_and_filters() {
        let found: Vec<_> = sources("/a/{in.A.b c ?? in.D.e | join:,}/{x | pick:=in.F.g | put:h==in.I.j}").collect();
        for expected in ["in.A.b c", "in.D.e", "in.F.g", "in.I.j"] {
            assert!(found.contains(&expected), "{expected} in {found:?}");
        }
        assert!(sources("in.A.b == 'x'").any(|source| source == "in.A.b"));
    }
}
