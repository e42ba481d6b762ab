//! One flow of a flopack: its cards, in whichever flow inside a flow they stand. [`steps`] reads what they are.

mod steps;

use std::cell::Cell;
use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::FlopackError;
use super::card::normal_fields;
use super::import::{Names, Originals, address_of};
use super::json::{
    arm_groups, fields, is_carrier, is_flow, is_placeholder, rename_join, renumber, strip, strip_references, text,
    title, uuid,
};
use super::layout::{EACH, EVENT, FLOW, INNER};
use super::order::{Item, order};
use crate::model::{Address, Flow, FlowId, Kept, StepId};
use crate::names::{Unique, slug, step_of_card};

/// Where a wire starts, and what converts its value: card, output, transform.
type Wire<'a> = (&'a str, &'a str, &'a Value);

/// A list of cards as found.
struct Scope<'a> {
    items: Vec<Item<'a>>,
    cards: HashMap<&'a str, &'a Value>,
    /// The wires into each input: card, output, transform.
    incoming: HashMap<(&'a str, &'a str), Vec<Wire<'a>>>,
    /// The scope and card that it stands in.
    parent: Option<(usize, &'a str)>,
    /// What references to the first card mean: the error of an If Error, else nothing.
    error: Option<StepId>,
}

/// Reads one flow.
pub(super) struct FlowReader<'a, 'n> {
    names: &'n Names,
    title: String,
    scopes: Vec<Scope<'a>>,
    /// The step of each card.
    steps: HashMap<(usize, &'a str), StepId>,
    /// The scope of each flow inside a card, by card and field, or `""` for a handler.
    nested: HashMap<(usize, &'a str, &'a str), usize>,
    unique: Unique,
    trigger: StepId,
    originals: Originals,
    /// How far the value that is traced has been followed.
    hops: Cell<usize>,
    /// The title of a card whose value comes from itself, or from too far away.
    tangled: Cell<Option<&'a Value>>,
}

impl<'a, 'n> FlowReader<'a, 'n> {
    /// The flow, and its cards as they were found.
    pub(super) fn read(names: &'n Names, id: FlowId, flow: &'a Value) -> Result<(Flow, Originals), FlopackError> {
        let mut reader = FlowReader {
            names,
            title: text(&flow["name"]),
            scopes: Vec::new(),
            steps: HashMap::new(),
            nested: HashMap::new(),
            unique: Unique::default(),
            trigger: StepId::new("trigger"),
            originals: IndexMap::new(),
            hops: Cell::new(0),
            tangled: Cell::new(None),
        };
        let trigger = reader.discover(&flow["data"])?;
        let (first, scope, event) = trigger;
        let body = &reader.scopes[scope];
        let rest = body.items.get(1..).unwrap_or_default();
        let flow_body = reader.body(scope, rest)?;
        let trigger = reader.start(&flow["data"], first, event)?;
        if let Some(card) = reader.tangled.get() {
            return Err(reader.wrong(card, "what feeds it leads in a circle, or through too many cards"));
        }
        let used = Flow {
            id,
            name: text(&flow["name"]),
            description: text(&flow["description"]),
            folder: flow["data"]["group"].as_str().map(|uuid| names.folder(uuid)),
            trigger,
            body: flow_body,
            log: flow["data"]["log"].as_bool().unwrap_or(false),
            kept: Kept::default(),
        };
        let mut envelope = flow.clone();
        strip(&mut envelope["data"], &["methods", "orderings", "tree"]);
        strip(&mut envelope["data"]["display"], &["preview"]);
        reader.originals.insert(FLOW.to_owned(), envelope);
        Ok((used, reader.originals))
    }

    fn wrong(&self, card: &Value, problem: impl Into<String>) -> FlopackError {
        let place = format!("flow {} > card {} ({})", self.title, title(card), uuid(card));
        FlopackError::Format { place, problem: problem.into() }
    }

    /// Finds all cards and names their steps; the trigger, its scope and the event card before it.
    fn discover(&mut self, data: &'a Value) -> Result<(&'a Value, usize, Option<&'a Value>), FlopackError> {
        let root = self.scope(data, None, None)?;
        let Some(Item::Card(first)) = self.scopes[root].items.first() else {
            let place = format!("flow {}", self.title);
            return Err(FlopackError::Format { place, problem: "it has no trigger".to_owned() });
        };
        let first = *first;
        self.unique.take("trigger".to_owned());
        self.unique.take("item".to_owned());
        if let Some((each, inner)) = self.batch(root) {
            let scope = self.scope(inner, Some((root, uuid(each))), None)?;
            self.nested.insert((root, uuid(each), "flo"), scope);
            self.original(root, first, EVENT.to_owned());
            self.original(root, each, EACH.to_owned());
            self.envelope(inner, INNER.to_owned());
            let Some(Item::Card(start)) = self.scopes[scope].items.first() else {
                return Err(self.wrong(each, "the flow of the event has no first card"));
            };
            let start = *start;
            self.begin(scope, start)?;
            return Ok((start, scope, Some(first)));
        }
        self.begin(root, first)?;
        Ok((first, root, None))
    }

    fn begin(&mut self, scope: usize, start: &'a Value) -> Result<(), FlopackError> {
        self.steps.insert((scope, uuid(start)), self.trigger.clone());
        self.original(scope, start, "trigger".to_owned());
        self.name_items(scope)
    }

    /// The loop of an event flow over the events of a delivery, and the flow in it.
    fn batch(&self, root: usize) -> Option<(&'a Value, &'a Value)> {
        let [Item::Card(event), Item::Card(each)] = self.scopes[root].items[..] else { return None };
        let connector = address_of(event).is_some_and(|address| !address.is_built_in());
        let inner = fields(each, "inputs").into_iter().find(|field| is_flow(&field["value"]["data"]))?;
        (connector && address_of(each)?.as_str() == "list:asyncEach").then_some((each, &inner["value"]["data"]))
    }

    fn scope(
        &mut self,
        body: &'a Value,
        parent: Option<(usize, &'a str)>,
        error: Option<StepId>,
    ) -> Result<usize, FlopackError> {
        let place = || format!("flow {}", self.title);
        let items = order(body).map_err(|problem| FlopackError::Format { place: place(), problem })?;
        let cards: HashMap<_, _> =
            body["methods"].as_array().into_iter().flatten().map(|card| (uuid(card), card)).collect();
        let mut incoming: HashMap<_, Vec<_>> = HashMap::new();
        for card in body["methods"].as_array().into_iter().flatten() {
            for (output, targets) in card["pins"].as_object().into_iter().flatten() {
                for (target, pins) in targets.as_object().into_iter().flatten() {
                    for pin in pins.as_array().into_iter().flatten() {
                        let input = pin["input"].as_str().unwrap_or_default();
                        let wire = (uuid(card), output.as_str(), &pin["transform"]);
                        incoming.entry((target.as_str(), input)).or_default().push(wire);
                    }
                }
            }
        }
        self.scopes.push(Scope { items, cards, incoming, parent, error });
        Ok(self.scopes.len() - 1)
    }

    /// Names the steps of a scope after its first card.
    fn name_items(&mut self, scope: usize) -> Result<(), FlopackError> {
        let mut cards = Vec::new();
        flatten(self.scopes[scope].items.get(1..).unwrap_or_default(), &mut cards);
        for (card, join, heads) in cards {
            let id = step_of_card(uuid(card)).unwrap_or_else(|| slug(title(card), "card"));
            let id = StepId::new(self.unique.take(id));
            self.steps.insert((scope, uuid(card)), id.clone());
            self.original(scope, card, id.to_string());
            if let Some(join) = join {
                self.steps.insert((scope, uuid(join)), id.clone());
                self.original(scope, join, format!("{id}.join"));
            }
            for (head, name) in heads.into_iter().zip(["then", "else"]) {
                if let Some(head) = head {
                    self.original(scope, head, format!("{id}.{name}"));
                }
            }
            self.inside(scope, card, &id)?;
        }
        Ok(())
    }

    /// The flows inside a card.
    fn inside(&mut self, scope: usize, card: &'a Value, id: &StepId) -> Result<(), FlopackError> {
        let mut arm = 0;
        for field in fields(card, "inputs") {
            let inner = &field["value"]["data"];
            if !is_flow(inner) {
                continue;
            }
            let name = match address_of(card).as_ref().map(Address::as_str) {
                Some("control:tryCatch") => "try".to_owned(),
                Some("control:branch") if field["group"] == "else" => "else".to_owned(),
                Some("control:branch") => {
                    arm += 1;
                    format!("arm{}", arm - 1)
                }
                _ => {
                    return Err(
                        self.wrong(card, "it holds a flow, which is known of If/ElseIf, If Error and events only")
                    );
                }
            };
            self.inner(scope, card, id, &name, field["id"].as_str().unwrap_or_default(), inner, None)?;
        }
        let handler = &card["node"]["model"]["policy"]["error"]["flo"];
        if is_flow(handler) {
            let error = StepId::new(self.unique.take(format!("{id}_error")));
            self.inner(scope, card, id, "catch", "", handler, Some(error))?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a flow and where it stands")]
    fn inner(
        &mut self,
        scope: usize,
        card: &'a Value,
        id: &StepId,
        name: &str,
        field: &'a str,
        body: &'a Value,
        error: Option<StepId>,
    ) -> Result<(), FlopackError> {
        let inner = self.scope(body, Some((scope, uuid(card))), error)?;
        self.nested.insert((scope, uuid(card), field), inner);
        self.envelope(body, format!("{id}.{name}"));
        let Some(Item::Card(start)) = self.scopes[inner].items.first() else {
            return Err(self.wrong(card, "a flow inside it has no first card"));
        };
        let start = *start;
        self.original(inner, start, format!("{id}.{name}.start"));
        self.name_items(inner)
    }

    fn envelope(&mut self, body: &Value, place: String) {
        let mut envelope = body.clone();
        strip(&mut envelope, &["methods", "orderings", "tree"]);
        strip(&mut envelope["display"], &["aliases"]);
        if envelope["display"].as_object().is_none_or(serde_json::Map::is_empty) {
            strip(&mut envelope, &["display"]);
        }
        self.originals.insert(place, envelope);
    }

    /// Remembers a card in normal form.
    fn original(&mut self, scope: usize, card: &'a Value, place: String) {
        let address = address_of(card);
        let address = address.as_ref().map_or("", Address::as_str);
        let mut normal = card.clone();
        strip(&mut normal, &["pins", "joins", "branches", "parents"]);
        let groups = if address == "control:branch" { arm_groups(card) } else { Vec::new() };
        let arm = |group: &Value| groups.iter().position(|known| group.as_str() == Some(known));
        let template = matches!(address, "string:compose" | "math:expression");
        let unfed = |field: &Value| field["group"] == "_expr" && !self.is_fed(scope, card, field);
        normal_fields(&mut normal, |field| {
            is_carrier(field) && !unfed(field) || (template && is_placeholder(card, field))
        });
        let fed = |output: &str| {
            fields(card, "inputs")
                .into_iter()
                .any(|f| f["group"] == "_expr" && f["key"] == output && self.is_fed(scope, card, f))
        };
        if address == "control:join" {
            rename_join(card, &mut normal);
        }
        if let Some(Value::Object(inputs)) = normal.pointer_mut("/node/model/inputs/data") {
            let renamed = std::mem::take(inputs).into_iter().map(|(name, mut field)| {
                if is_flow(&field["value"]["data"]) {
                    field["value"]["data"] = Value::Null;
                }
                if field["key"] == "_text_" && template {
                    renumber(&mut field["value"]["data"]);
                }
                if field["key"] == "Where Expression" {
                    strip_references(&mut field["value"]["data"], fed);
                }
                let name = match arm(&field["group"]) {
                    Some(number) if number > 0 => format!("arm{number} / {}", text(&field["key"])),
                    _ => name,
                };
                (name, field)
            });
            *inputs = renamed.collect();
        }
        if is_flow(&normal["node"]["model"]["policy"]["error"]["flo"]) {
            normal["node"]["model"]["policy"]["error"]["flo"] = Value::Null;
        }
        self.originals.insert(place, normal);
    }

    fn is_fed(&self, scope: usize, card: &Value, field: &Value) -> bool {
        field["id"].as_str().is_some_and(|id| self.scopes[scope].incoming.contains_key(&(uuid(card), id)))
    }
}

type Found<'a> = (&'a Value, Option<&'a Value>, [Option<&'a Value>; 2]);

/// All cards of a body at any depth of its branches, an If with its join and heads.
fn flatten<'a>(items: &[Item<'a>], out: &mut Vec<Found<'a>>) {
    for item in items {
        match item {
            Item::Card(card) => out.push((*card, None, [None, None])),
            Item::If { card, join, heads, then, otherwise } => {
                out.push((*card, *join, *heads));
                flatten(then, out);
                flatten(otherwise, out);
            }
        }
    }
}
