//! The steps of a flow whose cards are found, and where their values come from.

use serde_json::Value;

use super::{FlowReader, flatten};
use crate::flopack::FlopackError;
use crate::flopack::card::{placeholder, read_type};
use crate::flopack::import::address_of;
use crate::flopack::json::{
    Piece, arm_groups, body_field, convert, fields, is_carrier, is_flow, is_placeholder, is_read, is_unary, join_input,
    note, placeholders, schedule, slot, sorted, split_values, text, title, uuid,
};
use crate::flopack::layout::{is_mirror, is_template, is_where, loop_mode};
use crate::flopack::order::Item;
use crate::model::{
    Action, Address, Arm, Body, Call, Condition, Delivery, Event, Failure, FlowId, HelperInput, HelperValue, If, Input,
    Joined, Kind, Loop, LoopMode, OnError, Operand, Output, Part, Reference, Retry, Security, Slot, Source, Step,
    StepId, Switch, Term, Trigger, TriggerKind, Try,
};

/// Hidden cards and flows inside flows that one value comes through at most.
const HOPS_MAX: usize = 200;

impl<'a> FlowReader<'a, '_> {
    pub(super) fn start(
        &self,
        data: &Value,
        card: &'a Value,
        event: Option<&'a Value>,
    ) -> Result<Trigger, FlopackError> {
        let address = address_of(card).ok_or_else(|| self.wrong(card, "its address cannot be read"))?;
        let level = || Security::ALL.iter().find(|(_, name)| data["security_level"].as_str() == Some(name));
        let kind = match (event, address.as_str()) {
            (Some(event), _) => TriggerKind::Event(self.event(event, Delivery::Batch)?),
            (None, "control:callable") if data["scheduled"] == true => TriggerKind::Schedule(schedule(&data["cron"])),
            (None, "control:callable") => TriggerKind::Helper,
            (None, "http:accept") => TriggerKind::Endpoint(level().map_or(Security::Token, |(level, _)| *level)),
            (None, "http:delegated") => TriggerKind::Delegated,
            (None, "control:noop") => TriggerKind::Manual,
            (None, _) if !address.is_built_in() => TriggerKind::Event(self.event(card, Delivery::Single)?),
            (None, _) => return Err(self.wrong(card, "it comes first, but it is no trigger")),
        };
        let parameters = matches!(kind, TriggerKind::Helper | TriggerKind::Endpoint(_) | TriggerKind::Delegated);
        let given = |group: Option<&str>| parameters && !matches!(group, Some("context" | "raw" | "user context"));
        let output = |field: &'a Value| {
            let ty = read_type(&field["value"]);
            let data = &field["value"]["data"];
            let default =
                if given(field["group"].as_str()) && *data != placeholder(ty) { data.clone() } else { Value::Null };
            Output { slot: slot(field), ty, default }
        };
        let (parameters, others): (Vec<_>, Vec<_>) = fields(card, "outputs")
            .into_iter()
            .filter(|field| !is_carrier(field))
            .partition(|field| given(field["group"].as_str()));
        let mut outputs: Vec<_> = parameters.into_iter().map(output).collect();
        outputs.extend(sorted(others.into_iter().filter(|field| is_read(card, field)).map(output)));
        Ok(Trigger { id: self.trigger.clone(), title: title(card).to_owned(), kind, outputs })
    }

    fn event(&self, card: &'a Value, delivery: Delivery) -> Result<Event, FlopackError> {
        let address = address_of(card).ok_or_else(|| self.wrong(card, "its address cannot be read"))?;
        let options = fields(card, "inputs").into_iter().filter(|field| field["flags"] == "p");
        let options = options.map(|field| self.input(0, card, &address, field)).collect();
        Ok(Event { address, connection: self.connection(card), options, delivery })
    }

    fn connection(&self, card: &Value) -> Option<crate::model::ConnectionId> {
        card["node"]["model"]["config"].as_str().map(|uuid| self.names.connection(uuid))
    }

    pub(super) fn body(&self, scope: usize, items: &[Item<'a>]) -> Result<Body, FlopackError> {
        let steps = items.iter().map(|item| self.step(scope, item));
        Ok(Body { steps: steps.collect::<Result<_, _>>()? })
    }

    fn inner_body(&self, scope: usize, card: &'a Value, field: &str) -> Result<Body, FlopackError> {
        let inner = self.nested.iter().find(|((s, c, f), _)| *s == scope && *c == uuid(card) && *f == field);
        let Some((_, inner)) = inner else { return Ok(Body::default()) };
        self.body(*inner, self.scopes[*inner].items.get(1..).unwrap_or_default())
    }

    fn step(&self, scope: usize, item: &Item<'a>) -> Result<Step, FlopackError> {
        let (Item::Card(card) | Item::If { card, .. }) = item;
        let address = address_of(card).ok_or_else(|| self.wrong(card, "its address cannot be read"))?;
        let id = self.steps.get(&(scope, uuid(card))).cloned();
        let id = id.ok_or_else(|| self.wrong(card, "it stands in no order"))?;
        let read = fields(card, "outputs").into_iter().filter(|field| !is_carrier(field) && is_read(card, field));
        let mut outputs = sorted(read.map(|field| Output {
            slot: slot(field),
            ty: read_type(&field["value"]),
            default: Value::Null,
        }));
        let kind = match item {
            Item::If { join, then, otherwise, .. } => {
                let (joined, declared) = self.joined(scope, *join, then, otherwise);
                outputs = declared;
                Kind::If(If {
                    condition: self.condition(scope, card, None),
                    then: self.body(scope, then)?,
                    otherwise: self.body(scope, otherwise)?,
                    outputs: joined,
                })
            }
            Item::Card(_) => match (address.as_str(), loop_mode(&address)) {
                ("control:comment", _) => Kind::Note(note(card)),
                ("control:branch", _) => Kind::Switch(self.switch(scope, card)?),
                ("control:tryCatch", _) => Kind::Try(self.attempt(scope, card, &id)?),
                ("control:spawn" | "control:run", _) => Kind::Call(self.call(scope, card, &address)),
                (_, Some(mode)) => Kind::Loop(self.each(scope, card, &address, mode)?),
                _ => Kind::Action(self.action(scope, card, address.clone())),
            },
        };
        if is_mirror(&address)
            && let Kind::Action(action) = &kind
        {
            let output = |input: &Input| Output { slot: input.slot.clone(), ty: input.ty, default: Value::Null };
            outputs = action.inputs.iter().map(output).collect();
        }
        Ok(Step { id, title: title(card).to_owned(), kind, outputs, on_error: self.on_error(card) })
    }

    fn action(&self, scope: usize, card: &'a Value, address: Address) -> Action {
        let template = matches!(address.as_str(), "string:compose" | "math:expression");
        let (mut options, mut inputs) = (Vec::new(), Vec::new());
        for field in fields(card, "inputs") {
            if is_carrier(field) || (template && is_placeholder(card, field)) {
                continue;
            }
            let input = self.input(scope, card, &address, field);
            if field["flags"] == "p" {
                options.push(input);
            } else if address.is_built_in() || input.required || !input.source.is_unfilled() {
                inputs.push(input);
            }
        }
        Action { connection: self.connection(card), address, options, inputs }
    }

    fn input(&self, scope: usize, card: &'a Value, address: &Address, field: &'a Value) -> Input {
        Input {
            slot: slot(field),
            ty: read_type(&field["value"]),
            required: field["required"].as_bool().unwrap_or(false),
            source: self.source(scope, card, address, field),
        }
    }

    fn source(&self, scope: usize, card: &'a Value, address: &Address, field: &'a Value) -> Source {
        let data = &field["value"]["data"];
        let wires = self.scopes[scope].incoming.get(&(uuid(card), field["id"].as_str().unwrap_or_default()));
        if let Some((from, output, transform)) = wires.and_then(|wires| wires.first())
            && let Some(reference) = self.trace(scope, from, output, transform)
        {
            return Source::Reference(reference);
        }
        let slot = slot(field);
        match data {
            Value::Null => Source::Empty,
            Value::String(text) if is_template(address, &slot) && text.contains("{{{") => {
                Source::Template(self.template(scope, card, text))
            }
            Value::String(text) if text.is_empty() => Source::Empty,
            Value::String(text) if field["metadata"]["table"] == true => Source::Table(self.names.table(text)),
            Value::String(text) if field["value"]["type"] == "flo" => Source::Flow(self.names.flow(text)),
            Value::Object(_) if is_where(address, &slot) => Source::Where(self.terms(scope, card, data)),
            value => Source::Constant(value.clone()),
        }
    }

    /// What an output means, seen from outside the hidden cards.
    fn trace(&self, scope: usize, from: &str, output: &str, transform: &Value) -> Option<Reference> {
        let card = *self.scopes[scope].cards.get(from)?;
        let field = card["node"]["model"]["outputs"]["data"].get(output)?;
        let own = convert(transform);
        if address_of(card)?.as_str() == "object:expand" {
            let input = fields(card, "inputs").into_iter().find(|field| field["key"] == "object")?;
            let mut inner = self.feed(scope, card, input)?;
            inner.path.extend(field["metadata"]["path"].as_array()?.iter().map(text));
            return Some(Reference { convert: own.or(inner.convert), ..inner });
        }
        if let Some(step) = self.steps.get(&(scope, card["uuid"].as_str()?)) {
            return Some(Reference { step: step.clone(), slot: slot(field), path: Vec::new(), convert: own });
        }
        // The first card of a flow inside a card: a captured variable, or the error.
        let (parent, container) = self.scopes[scope].parent?;
        if is_carrier(field) {
            let container = *self.scopes[parent].cards.get(container)?;
            let same =
                |input: &&Value| is_carrier(input) && input["group"] == field["group"] && input["key"] == field["key"];
            let inner = self.feed(parent, container, fields(container, "inputs").into_iter().find(same)?)?;
            return Some(Reference { convert: own.or(inner.convert), ..inner });
        }
        let step = self.scopes[scope].error.clone().unwrap_or_else(|| self.trigger.clone());
        Some(Reference { step, slot: slot(field), path: Vec::new(), convert: own })
    }

    fn feed(&self, scope: usize, card: &'a Value, input: &Value) -> Option<Reference> {
        let key = (uuid(card), input["id"].as_str()?);
        let wires = self.scopes[scope].incoming.get(&key);
        let (from, output, transform) = wires?.first()?;
        let hops = self.hops.get();
        if hops == HOPS_MAX {
            self.tangled.set(Some(card));
            return None;
        }
        self.hops.set(hops + 1);
        let found = self.trace(scope, from, output, transform);
        self.hops.set(hops);
        found
    }

    fn template(&self, scope: usize, card: &'a Value, text: &str) -> Vec<Part> {
        let address = Address::new("string", "compose");
        let mut parts = Vec::new();
        let mut push = |part: &str| match parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(part),
            _ if part.is_empty() => {}
            _ => parts.push(Part::Text(part.to_owned())),
        };
        let mut values = Vec::new();
        let mut pieces = Vec::new();
        placeholders(text, |piece| pieces.push(piece));
        for piece in pieces {
            let field = match piece {
                Piece::Text(_) => None,
                // A text that stands in itself is none.
                Piece::Key(key) => fields(card, "inputs")
                    .into_iter()
                    .find(|f| f["group"].is_null() && f["key"] == key && !is_template(&address, &slot(f))),
            };
            match (piece, field) {
                (Piece::Key(_), Some(field)) => {
                    let source = self.source(scope, card, &address, field);
                    values.push(Operand { ty: read_type(&field["value"]), source });
                    push("\u{0}");
                }
                (Piece::Key(key), None) => push(&format!("{{{{{{{key}}}}}}}")),
                (Piece::Text(piece), _) => push(piece),
            }
        }
        split_values(parts, values)
    }

    fn terms(&self, scope: usize, card: &'a Value, data: &'a Value) -> Vec<Term> {
        let terms = data["expr"].as_array().into_iter().flatten();
        terms.map(|term| self.term(scope, card, term)).collect()
    }

    fn term(&self, scope: usize, card: &'a Value, term: &'a Value) -> Term {
        let constant = |value: &Value| match value {
            Value::Null => Source::Empty,
            Value::String(text) if text.is_empty() => Source::Empty,
            value => Source::Constant(value.clone()),
        };
        let (mut value, mut ty) = (constant(&term["rhs"]), crate::model::Type::TEXT);
        if let Some(output) = term["rhd"]["outputId"].as_str() {
            let carrier = |field: &&Value| field["group"] == "_expr" && field["key"] == output;
            let field = fields(card, "inputs").into_iter().find(carrier);
            ty = field.map_or(ty, |field| read_type(&field["value"]));
            let fed = field.and_then(|field| self.feed(scope, card, field));
            let gone = || Reference {
                step: StepId::new(text(&term["rhd"]["methodId"])),
                slot: Slot::plain(output),
                path: Vec::new(),
                convert: None,
            };
            value = Source::Reference(fed.unwrap_or_else(gone));
        }
        Term { column: text(&term["lhs"]), operator: text(&term["op"]), value, ty, or: term["join"] == "OR" }
    }

    fn condition(&self, scope: usize, card: &'a Value, group: Option<&str>) -> Condition {
        let address = Address::new("control", "if");
        let side =
            |key: &str| fields(card, "inputs").into_iter().find(|f| f["key"] == key && f["group"].as_str() == group);
        let operand = |key: &str| match side(key) {
            Some(field) => {
                Operand { ty: read_type(&field["value"]), source: self.source(scope, card, &address, field) }
            }
            None => Operand { ty: crate::model::Type::TEXT, source: Source::Empty },
        };
        let operator = side("operator").map(|field| text(&field["value"]["data"])).unwrap_or_default();
        let mut right = operand("right-operand");
        if is_unary(&operator) && right.source == Source::Empty {
            right.ty = crate::model::Type::TEXT;
        }
        Condition { left: operand("left-operand"), operator, right }
    }

    fn joined(
        &self,
        scope: usize,
        join: Option<&'a Value>,
        then: &[Item<'a>],
        otherwise: &[Item<'a>],
    ) -> (Vec<Joined>, Vec<Output>) {
        let Some(join) = join else { return (Vec::new(), Vec::new()) };
        let members = [then, otherwise].map(|items| {
            let mut cards = Vec::new();
            flatten(items, &mut cards);
            let cards = cards.into_iter().flat_map(|(card, join, _)| [Some(card), join]).flatten();
            cards.map(uuid).collect::<Vec<_>>()
        });
        let mut joined = Vec::new();
        let mut outputs = Vec::new();
        for field in fields(join, "outputs") {
            let output = slot(field);
            outputs.push(Output { slot: output.clone(), ty: read_type(&field["value"]), default: Value::Null });
            let input = join_input(join, field["id"].as_str().unwrap_or_default());
            let wires = input.and_then(|input| self.scopes[scope].incoming.get(&(uuid(join), input["id"].as_str()?)));
            let mut sides = [Source::Empty, Source::Empty];
            let mut outer = None;
            for (from, id, transform) in wires.into_iter().flatten() {
                let Some(reference) = self.trace(scope, from, id, transform) else { continue };
                let origin = self.origin(scope, from);
                match members.iter().position(|members| members.contains(&origin)) {
                    Some(side) => sides[side] = Source::Reference(reference),
                    None => outer = Some(reference),
                }
            }
            for side in &mut sides {
                if let (Source::Empty, Some(outer)) = (&side, &outer) {
                    *side = Source::Reference(outer.clone());
                }
            }
            let [then, otherwise] = sides;
            joined.push(Joined {
                output,
                ty: input.map_or(crate::model::Type::TEXT, |field| read_type(&field["value"])),
                then,
                otherwise,
            });
        }
        (joined, outputs)
    }

    /// The card behind a card that only takes an output apart.
    fn origin(&self, scope: usize, from: &'a str) -> &'a str {
        let expand = self.scopes[scope]
            .cards
            .get(from)
            .filter(|card| address_of(card).is_some_and(|address| address.as_str() == "object:expand"));
        let source = expand.and_then(|card| fields(card, "inputs").into_iter().next());
        source.and_then(|input| input["metadata"]["srcMethodId"].as_str()).unwrap_or(from)
    }

    fn switch(&self, scope: usize, card: &'a Value) -> Result<Switch, FlopackError> {
        let mut arms = Vec::new();
        for group in arm_groups(card) {
            arms.push(Arm {
                condition: self.condition(scope, card, Some(group)),
                body: self.inner_body(scope, card, body_field(card, group))?,
            });
        }
        Ok(Switch { arms, otherwise: self.inner_body(scope, card, body_field(card, "else"))? })
    }

    fn attempt(&self, scope: usize, card: &'a Value, id: &StepId) -> Result<Try, FlopackError> {
        let field = fields(card, "inputs").into_iter().find(|field| is_flow(&field["value"]["data"]));
        let field = field.and_then(|field| field["id"].as_str()).unwrap_or_default();
        let handler = self.nested.get(&(scope, uuid(card), ""));
        let error = handler.and_then(|inner| self.scopes[*inner].error.clone());
        Ok(Try {
            body: self.inner_body(scope, card, field)?,
            handler: self.inner_body(scope, card, "")?,
            error: error.unwrap_or_else(|| StepId::new(format!("{id}_error"))),
        })
    }

    fn call(&self, scope: usize, card: &'a Value, address: &Address) -> Call {
        let mut call = Call { flow: None, wait: address.operation() == "spawn", inputs: Vec::new() };
        for field in fields(card, "inputs").into_iter().filter(|field| !is_carrier(field)) {
            match slot(field) {
                Slot { group: None, key } if key == "flo" => call.flow = self.helper(field),
                _ => call.inputs.push(self.input(scope, card, address, field)),
            }
        }
        call
    }

    fn helper(&self, field: &Value) -> Option<FlowId> {
        field["value"]["data"].as_str().filter(|uuid| !uuid.is_empty()).map(|uuid| self.names.flow(uuid))
    }

    fn each(&self, scope: usize, card: &'a Value, address: &Address, mode: LoopMode) -> Result<Loop, FlopackError> {
        let (mut over, mut start, mut concurrency, mut flow, mut inputs) = (None, None, None, None, Vec::new());
        for field in fields(card, "inputs").into_iter().filter(|field| !is_carrier(field)) {
            let Slot { group, key } = slot(field);
            let proxy = &field["value"]["proxy"];
            if proxy.is_object() || group.is_some() {
                let value = match proxy["path"].as_str().filter(|_| proxy["dynamic"] == true) {
                    Some("") => HelperValue::Item,
                    Some(path) => HelperValue::Field(path.to_owned()),
                    None => HelperValue::Same(self.source(scope, card, address, field)),
                };
                inputs.push(HelperInput { key, ty: read_type(&field["value"]), value });
                continue;
            }
            let input = || Some(self.input(scope, card, address, field));
            match key.as_str() {
                "flo" => flow = self.helper(field),
                "concurrency" => concurrency = input(),
                "memo" if mode == LoopMode::Reduce && start.is_none() => start = input(),
                key if key == mode.over() => over = input(),
                _ => inputs.push(HelperInput {
                    key: key.clone(),
                    ty: read_type(&field["value"]),
                    value: HelperValue::Same(self.source(scope, card, address, field)),
                }),
            }
        }
        let over = over.ok_or_else(|| self.wrong(card, format!("it has no input {}", mode.over())))?;
        Ok(Loop { mode, over, flow, concurrency, start, inputs })
    }

    fn on_error(&self, card: &Value) -> OnError {
        let policy = &card["node"]["model"]["policy"]["error"];
        let delays = match &policy["delay"] {
            Value::Array(delays) => [0, 1].map(|n| delays.get(n).and_then(Value::as_u64).unwrap_or(0)),
            delay => [delay.as_u64().unwrap_or(0); 2],
        };
        let retry = (policy.get("retry").is_some() || policy.get("delay").is_some()).then(|| Retry {
            times: policy["retry"].as_u64().unwrap_or(0) as u32,
            delay_min: delays[0],
            delay_max: delays[1],
            rate_limits_only: policy["retryCondition"] == "ratelimits",
        });
        let then = match (policy["type"].as_str(), policy["flo"].as_str()) {
            (Some("return"), _) => Failure::Return,
            (Some("flo"), Some(flow)) => Failure::Flow(self.names.flow(flow)),
            _ => Failure::Stop,
        };
        OnError { retry, then }
    }
}
