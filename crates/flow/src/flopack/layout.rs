//! The cards that a flow needs in a flopack: those of its steps, and the hidden ones that the
//! format has for branches, bodies and events.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::card::{Card, placeholder, write_value};
use crate::model::{
    Action, Address, Base, Body, Call, Condition, Delivery, Event, Failure, Flow, HelperInput, HelperValue, If, Input,
    Kind, Loop, LoopMode, OnError, Operand, Output, Part, Project, Reference, Retry, Security, Slot, Source, Step,
    StepId, Switch, Term, TriggerKind, Try, Type,
};
use crate::names;

/// Where a card belongs: the identifier of its step, with a suffix for the hidden ones.
pub(super) type Place = String;

/// Places that every flow has, or every flow with an event.
pub(super) const FLOW: &str = "~flow";
pub(super) const EVENT: &str = "~event";
pub(super) const EACH: &str = "~each";
pub(super) const INNER: &str = "~inner";

/// A list of cards: the flow itself, or a flow inside a card.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The place of what surrounds the cards.
    pub(super) envelope: Place,
    /// The scope and card that it stands in.
    pub(super) parent: Option<(usize, Place)>,
    /// The field of that card, in normal form; nothing for the handler of an If Error.
    pub(super) field: Option<String>,
    /// The first card.
    pub(super) start: Place,
    /// Cards, in order.
    pub(super) cards: Vec<Place>,
    /// Which card follows which.
    pub(super) edges: Vec<(Place, Place)>,
}

/// A value on its way into a card.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    pub(super) scope: usize,
    pub(super) card: Place,
    /// The input, in normal form; made on the way for placeholders and where clauses.
    pub(super) field: Target,
    pub(super) source: &'a Reference,
    pub(super) ty: Type,
}

/// The input that a wire ends in.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// One that the card has.
    Field(String),
    /// The placeholder of a template.
    Placeholder(String),
    /// The value of a term, by its number, of a where clause.
    Term(usize),
}

/// Everything about a flow that is written before what was kept is laid over it.
#[derive(Debug, Default)]
pub(super) struct Layout<'a> {
    pub(super) scopes: Vec<Scope>,
    /// Cards and envelopes by place, in normal form.
    pub(super) parts: indexmap::IndexMap<Place, Value>,
    pub(super) wires: Vec<Wire<'a>>,
    /// The placeholders of templates, by card.
    pub(super) holes: Vec<(Place, String, Type)>,
    /// Where the outputs of a step are: the scope and the card.
    pub(super) homes: HashMap<&'a StepId, (usize, Place)>,
    /// The place of the join card, of those steps that have one.
    pub(super) joins: HashMap<Place, Place>,
    /// The two branch heads of an If.
    pub(super) heads: HashMap<Place, [Place; 2]>,
    /// What cannot be written as a flopack.
    pub(super) refused: Vec<String>,
}

/// The identifiers that a flopack gives to flows and what they share.
pub(super) struct Ids<'a> {
    pub(super) project: &'a Project,
}

impl Ids<'_> {
    /// The UUID of an object of the project, by its kind and identifier.
    pub(super) fn uuid(&self, kind: &str, id: &str) -> String {
        let kept = self.project.kept.0.get("ids").map(|ids| &ids[format!("{kind}:{id}")]);
        match kept.and_then(Value::as_str) {
            Some(uuid) => uuid.to_owned(),
            None if names::is_uuid(id) => id.to_owned(),
            None => names::uuid(&[kind, id]),
        }
    }
}

impl<'a> Layout<'a> {
    pub(super) fn of(flow: &'a Flow, ids: &Ids<'_>) -> Self {
        let mut layout = Self::default();
        let mut known = HashSet::from([&flow.trigger.id]);
        flow.body.walk(&mut |step, _| {
            known.insert(&step.id);
            if let Kind::Try(attempt) = &step.kind {
                known.insert(&attempt.error);
            }
        });
        let mut builder = Builder { out: &mut layout, ids, flow, known };
        builder.flow();
        layout
    }
}

struct Builder<'a, 'b> {
    out: &'b mut Layout<'a>,
    ids: &'b Ids<'b>,
    flow: &'a Flow,
    /// The steps of the flow.
    known: HashSet<&'a StepId>,
}

impl<'a> Builder<'a, '_> {
    fn flow(&mut self) {
        let flow = self.flow;
        let trigger = &flow.trigger;
        self.out.parts.insert(FLOW.to_owned(), self.envelope());
        let place = trigger.id.to_string();
        let mut scope = self.scope(FLOW, None, None);
        let (address, connection, options) = match &trigger.kind {
            TriggerKind::Helper | TriggerKind::Schedule(_) => (Address::new("control", "callable"), None, &[][..]),
            TriggerKind::Endpoint(_) => (Address::new("http", "accept"), None, &[][..]),
            TriggerKind::Delegated => (Address::new("http", "delegated"), None, &[][..]),
            TriggerKind::Manual => (Address::new("control", "noop"), None, &[][..]),
            TriggerKind::Event(event) if event.delivery == Delivery::Batch => {
                scope = self.event(scope, event);
                (Address::new("control", "callable"), None, &[][..])
            }
            TriggerKind::Event(event) => (event.address.clone(), event.connection.as_ref(), &event.options[..]),
        };
        let mut card = Card::new(names::card_of_step(trigger.id.as_str()), address, &trigger.title);
        card.connection = connection.map(|id| self.ids.uuid("connection", id.as_str()));
        let single = matches!(&trigger.kind, TriggerKind::Event(event) if event.delivery == Delivery::Single);
        if single {
            self.inputs(&mut card, scope, &place, options, true);
            outputs(&mut card, &trigger.outputs);
        } else {
            for output in &trigger.outputs {
                card.input(&output.slot, parameter(output), false, false);
            }
            if !matches!(trigger.kind, TriggerKind::Manual) {
                card.mirror();
            }
        }
        self.out.homes.insert(&trigger.id, (scope, place.clone()));
        self.add(scope, &place, card);
        self.out.scopes[scope].start.clone_from(&place);
        self.body(scope, &flow.body, Some(place));
    }

    fn envelope(&self) -> Value {
        let flow = self.flow;
        let uuid = self.ids.uuid("flow", flow.id.as_str());
        let kind = &flow.trigger.kind;
        let cron = match kind {
            TriggerKind::Schedule(at) => json!({
                "seconds": at.seconds, "minutes": at.minutes, "hours": at.hours, "dayOfTheMonth": at.day_of_month,
                "month": at.month, "dayOfTheWeek": at.day_of_week, "timeZone": at.time_zone,
                "startDate": "", "endDate": "", "recurrence": 0,
            }),
            _ => json!({}),
        };
        let security = match kind {
            TriggerKind::Endpoint(level) => {
                Security::ALL.iter().find(|(known, _)| known == level).map(|(_, name)| *name)
            }
            TriggerKind::Delegated => Some("high"),
            _ => None,
        };
        json!({
            "id": uuid, "name": flow.name, "description": flow.description,
            "data": {
                "id": null, "uuid": uuid, "model": {}, "cron": cron,
                "display": {"isCallable": matches!(kind, TriggerKind::Helper | TriggerKind::Schedule(_))},
                "scheduled": matches!(kind, TriggerKind::Schedule(_)), "security_level": security,
                "log": flow.log, "inheritLog": true,
                "group": flow.folder.as_ref().map(|id| self.ids.uuid("folder", id.as_str())),
            },
        })
    }

    /// The two cards around a flow that runs for each event of a delivery; the scope of the flow.
    fn event(&mut self, scope: usize, event: &'a Event) -> usize {
        let mut card = Card::new(self.hidden(EVENT), event.address.clone(), &self.flow.trigger.title);
        card.connection = event.connection.as_ref().map(|id| self.ids.uuid("connection", id.as_str()));
        self.inputs(&mut card, scope, EVENT, &event.options, true);
        card.input(&Slot::plain("type"), write_value(Type::TEXT, "invoke".into()), false, false);
        card.input(&Slot::plain("data"), write_value(Type::one(Base::Object), json!({})), false, false);
        card.output(&Slot::plain("collection"), write_value(Type::list(Base::Object), Value::Null));
        card.output(&Slot::grouped("context", "execution_id"), write_value(Type::TEXT, Value::Null));
        self.add(scope, EVENT, card);

        let mut each = Card::new(self.hidden(EACH), Address::new("list", "asyncEach"), "For Each - Ignore Errors");
        each.input(&Slot::plain("list"), write_value(Type::list(Base::Object), json!([])), true, false);
        each.input(&Slot::plain("flo"), write_value(Type::one(Base::Flow), Value::Null), true, false);
        each.input(&Slot::plain("concurrency"), write_value(Type::one(Base::Number), 1.into()), true, false);
        self.add(scope, EACH, each);
        EVENT.clone_into(&mut self.out.scopes[scope].start);
        self.out.scopes[scope].edges.push((EVENT.to_owned(), EACH.to_owned()));
        self.nested(INNER, scope, EACH, Some("flo".to_owned()))
    }

    fn hidden(&self, place: &str) -> String {
        names::drawn(&[self.flow.id.as_str(), place])
    }

    fn scope(&mut self, envelope: &str, parent: Option<(usize, Place)>, field: Option<String>) -> usize {
        self.out.scopes.push(Scope { envelope: envelope.to_owned(), parent, field, ..Scope::default() });
        self.out.scopes.len() - 1
    }

    /// A flow inside a card, without its first card.
    fn nested(&mut self, place: &str, scope: usize, card: &str, field: Option<String>) -> usize {
        let uuid = names::uuid(&[self.flow.id.as_str(), place]);
        let envelope = json!({
            "id": uuid, "uuid": uuid, "model": {}, "security_level": null, "log": false, "inheritLog": false, "group": null,
        });
        self.out.parts.insert(place.to_owned(), envelope);
        self.scope(place, Some((scope, card.to_owned())), field)
    }

    /// A flow inside a card, with its first card and body.
    fn inner(
        &mut self,
        place: &str,
        scope: usize,
        card: &str,
        field: Option<String>,
        body: &'a Body,
        error: Option<&'a StepId>,
    ) {
        let scope = self.nested(place, scope, card, field);
        let start = format!("{place}.start");
        let mut callable = Card::new(self.hidden(&start), Address::new("control", "callable"), "Helper Flow");
        if let Some(error) = error {
            let slot = Slot::grouped("context", "error");
            callable.input(&slot, write_value(Type::one(Base::Object), Value::Null), false, false);
            self.out.homes.insert(error, (scope, start.clone()));
        }
        callable.mirror();
        self.add(scope, &start, callable);
        self.out.scopes[scope].start.clone_from(&start);
        self.body(scope, body, Some(start));
    }

    fn add(&mut self, scope: usize, place: &str, card: Card) {
        self.out.parts.insert(place.to_owned(), card.json());
        self.out.scopes[scope].cards.push(place.to_owned());
    }

    /// The steps of a body after `previous`; the last card.
    fn body(&mut self, scope: usize, body: &'a Body, mut previous: Option<Place>) -> Option<Place> {
        for step in &body.steps {
            let place = step.id.to_string();
            if let Some(previous) = previous {
                self.out.scopes[scope].edges.push((previous, place.clone()));
            }
            previous = Some(self.step(scope, step, &place));
        }
        previous
    }

    /// The cards of a step; the last of them.
    fn step(&mut self, scope: usize, step: &'a Step, place: &str) -> Place {
        let mut card = Card::new(names::card_of_step(step.id.as_str()), step.kind.address(), &step.title);
        card.policy = self.policy(&step.on_error);
        self.out.homes.insert(&step.id, (scope, place.to_owned()));
        match &step.kind {
            Kind::Action(action) => {
                self.action(&mut card, scope, place, action);
                if is_mirror(&action.address) {
                    card.mirror();
                } else {
                    outputs(&mut card, &step.outputs);
                }
                self.add(scope, place, card);
            }
            Kind::Note(note) => {
                card.comments = Some(json!({"title": note.title, "markdown": note.text}));
                self.add(scope, place, card);
            }
            Kind::Loop(each) => {
                self.each(&mut card, scope, place, each);
                outputs(&mut card, &step.outputs);
                self.add(scope, place, card);
            }
            Kind::Call(call) => {
                self.call(&mut card, scope, place, call);
                outputs(&mut card, &step.outputs);
                self.add(scope, place, card);
            }
            Kind::If(branch) => return self.branch(card, scope, place, step, branch),
            Kind::Switch(switch) => self.switch(card, scope, place, step, switch),
            Kind::Try(attempt) => self.attempt(card, scope, place, step, attempt),
        }
        place.to_owned()
    }

    fn action(&mut self, card: &mut Card, scope: usize, place: &str, action: &'a Action) {
        card.connection = action.connection.as_ref().map(|id| self.ids.uuid("connection", id.as_str()));
        self.inputs(card, scope, place, &action.options, true);
        self.inputs(card, scope, place, &action.inputs, false);
    }

    fn inputs(&mut self, card: &mut Card, scope: usize, place: &str, inputs: &'a [Input], options: bool) {
        for input in inputs {
            self.input(card, scope, place, &input.slot, input.ty, &input.source, input.required, options);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an input and where it belongs")]
    fn input(
        &mut self,
        card: &mut Card,
        scope: usize,
        place: &str,
        slot: &Slot,
        ty: Type,
        source: &'a Source,
        required: bool,
        option: bool,
    ) {
        let data = match source {
            Source::Empty => Value::Null,
            Source::Constant(value) => value.clone(),
            Source::Reference(_) => placeholder(ty),
            Source::Flow(flow) => self.ids.uuid("flow", flow.as_str()).into(),
            Source::Table(table) => self.ids.uuid("table", table.as_str()).into(),
            Source::Template(parts) => template(parts).into(),
            Source::Where(terms) => self.where_clause(terms),
        };
        card.input(slot, write_value(ty, data), required, option);
        let name = card.inputs.last().map(|(name, _)| name.clone()).unwrap_or_default();
        if let (Source::Table(_), Some((_, field))) = (source, card.inputs.last_mut()) {
            field["metadata"]["table"] = true.into();
        }
        match source {
            Source::Reference(reference) => self.wire(scope, place, Target::Field(name), reference, ty),
            Source::Template(parts) => {
                if !is_template(&card.address, slot) {
                    self.out.refused.push(format!(
                        "{place}: only Compose and Formula have text with values in it; put a Compose before it"
                    ));
                }
                for (number, part) in parts.iter().filter_map(operand).enumerate() {
                    match &part.source {
                        Source::Reference(reference) => {
                            self.wire(scope, place, Target::Placeholder(hole(number)), reference, part.ty);
                        }
                        Source::Empty => {}
                        _ => self.out.refused.push(format!("{place}: a value inside text has to be an output")),
                    }
                    self.out.holes.push((place.to_owned(), hole(number), part.ty));
                }
            }
            Source::Where(terms) => {
                for (number, term) in terms.iter().enumerate() {
                    if let Source::Reference(reference) = &term.value {
                        self.wire(scope, place, Target::Term(number), reference, term.ty);
                    }
                }
            }
            Source::Empty | Source::Constant(_) | Source::Flow(_) | Source::Table(_) => {}
        }
    }

    fn wire(&mut self, scope: usize, place: &str, field: Target, source: &'a Reference, ty: Type) {
        self.out.wires.push(Wire { scope, card: place.to_owned(), field, source, ty });
    }

    fn each(&mut self, card: &mut Card, scope: usize, place: &str, each: &'a Loop) {
        for input in std::iter::once(&each.over).chain(&each.start) {
            self.input(card, scope, place, &input.slot, input.ty, &input.source, input.required, false);
        }
        card.input(&Slot::plain("flo"), self.flow_value(each.flow.as_ref()), true, false);
        if let Some(input) = &each.concurrency {
            self.input(card, scope, place, &input.slot, input.ty, &input.source, input.required, false);
        }
        for HelperInput { key, ty, value } in &each.inputs {
            let slot = Slot::plain(key.clone());
            let (dynamic, path) = match value {
                HelperValue::Item => (true, Some("")),
                HelperValue::Field(path) => (true, Some(path.as_str())),
                HelperValue::Same(_) => (false, None),
            };
            if let HelperValue::Same(source) = value {
                self.input(card, scope, place, &slot, *ty, source, false, false);
            } else {
                card.input(&slot, write_value(*ty, placeholder(*ty)), false, false);
            }
            if let Some((_, field)) = card.inputs.last_mut() {
                field["value"]["proxy"] =
                    json!({"dynamic": dynamic, "path": path, "dest": {"key": key, "group": null}});
                field["metadata"]["custom"] = true.into();
            }
        }
    }

    fn call(&mut self, card: &mut Card, scope: usize, place: &str, call: &'a Call) {
        card.input(&Slot::plain("flo"), self.flow_value(call.flow.as_ref()), true, false);
        for input in &call.inputs {
            self.input(card, scope, place, &input.slot, input.ty, &input.source, input.required, false);
            if let Some((_, field)) = card.inputs.last_mut() {
                field["metadata"]["custom"] = true.into();
            }
        }
    }

    /// A where clause. The values of terms that are references are filled in when wires are laid;
    /// one to a card that is gone is written as it was found.
    fn where_clause(&self, terms: &[Term]) -> Value {
        if terms.is_empty() {
            return json!({});
        }
        let term = |term: &Term| {
            let join = if term.or { "OR" } else { "AND" };
            let mut out = json!({"lhs": term.column, "op": term.operator, "join": join});
            match &term.value {
                Source::Constant(value) => out["rhs"] = value.clone(),
                Source::Reference(reference) if self.known.contains(&reference.step) => {}
                Source::Reference(reference) => {
                    out["rhd"] = json!({"outputId": reference.slot.key, "methodId": reference.step});
                }
                _ => out["rhs"] = "".into(),
            }
            out
        };
        json!({"expr": terms.iter().map(term).collect::<Vec<_>>()})
    }

    fn flow_value(&self, flow: Option<&crate::model::FlowId>) -> Value {
        let data = flow.map_or(Value::Null, |id| self.ids.uuid("flow", id.as_str()).into());
        write_value(Type::one(Base::Flow), data)
    }

    fn condition(&mut self, card: &mut Card, scope: usize, place: &str, group: Option<&str>, condition: &'a Condition) {
        let slot = |key: &str| Slot { group: group.map(str::to_owned), key: key.to_owned() };
        let Operand { ty, source } = &condition.left;
        self.input(card, scope, place, &slot("left-operand"), *ty, source, false, false);
        let operator = write_value(Type::TEXT, condition.operator.clone().into());
        card.input(&slot("operator"), operator, true, false);
        let Operand { ty, source } = &condition.right;
        self.input(card, scope, place, &slot("right-operand"), *ty, source, false, false);
    }

    fn branch(&mut self, mut card: Card, scope: usize, place: &str, step: &'a Step, branch: &'a If) -> Place {
        self.condition(&mut card, scope, place, None, &branch.condition);
        card.output(&Slot::plain("result"), write_value(Type::one(Base::Boolean), Value::Null));
        self.add(scope, place, card);
        let join = format!("{place}.join");
        let mut heads = Vec::new();
        for (name, body) in [("then", &branch.then), ("else", &branch.otherwise)] {
            let head = format!("{place}.{name}");
            let mut card = Card::new(self.hidden(&head), Address::new("control", "noop"), "Noop");
            card.displayed = false;
            self.add(scope, &head, card);
            let last = self.body(scope, body, Some(head.clone()));
            self.out.scopes[scope].edges.extend(last.map(|last| (last, join.clone())));
            heads.push(head);
        }
        self.out.scopes[scope].edges.push((place.to_owned(), join.clone()));
        let mut card = Card::new(self.hidden(&join), Address::new("control", "join"), "Join");
        for (joined, output) in branch.outputs.iter().zip(&step.outputs) {
            card.input(&joined.output, write_value(joined.ty, placeholder(joined.ty)), false, false);
            card.output(&joined.output, write_value(output.ty, placeholder(output.ty)));
            let name = card.inputs.last().map(|(name, _)| name.clone()).unwrap_or_default();
            let sources = [&joined.then, &joined.otherwise];
            for (n, source) in sources.into_iter().enumerate() {
                match source {
                    Source::Reference(_) if n == 1 && sources[0] == source => {}
                    Source::Reference(reference) => {
                        self.wire(scope, &join, Target::Field(name.clone()), reference, joined.ty);
                    }
                    Source::Empty => {}
                    _ => self.out.refused.push(format!(
                        "{place}: an output of If/Else has to be an output of a card; put an Assign into the branch"
                    )),
                }
            }
        }
        self.add(scope, &join, card);
        self.out.joins.insert(place.to_owned(), join.clone());
        if let Ok(heads) = heads.try_into() {
            self.out.heads.insert(place.to_owned(), heads);
        }
        join
    }

    fn switch(&mut self, mut card: Card, scope: usize, place: &str, step: &'a Step, switch: &'a Switch) {
        let mut bodies = Vec::new();
        for (number, arm) in switch.arms.iter().enumerate() {
            let group = if number == 0 { "if".to_owned() } else { format!("arm{number}") };
            self.condition(&mut card, scope, place, Some(&group), &arm.condition);
            let field = self.body_field(&mut card, &group);
            bodies.push((format!("{place}.arm{number}"), field, &arm.body));
        }
        let field = self.body_field(&mut card, "else");
        bodies.push((format!("{place}.else"), field, &switch.otherwise));
        outputs(&mut card, &step.outputs);
        self.add(scope, place, card);
        for (inner, field, body) in bodies {
            self.inner(&inner, scope, place, Some(field), body, None);
        }
    }

    fn body_field(&self, card: &mut Card, group: &str) -> String {
        let object = Type::one(Base::Object);
        card.input(&Slot::grouped(group, "inputs"), write_value(object, json!({})), false, false);
        let slot = Slot::grouped(group, "flo");
        card.input(&slot, self.flow_value(None), true, false);
        super::card::field_name(&slot)
    }

    fn attempt(&mut self, mut card: Card, scope: usize, place: &str, step: &'a Step, attempt: &'a Try) {
        card.policy = json!({"type": "handler", "merge": "join", "flo": null});
        card.input(&Slot::plain("flo"), self.flow_value(None), true, false);
        outputs(&mut card, &step.outputs);
        self.add(scope, place, card);
        self.inner(&format!("{place}.try"), scope, place, Some("flo".to_owned()), &attempt.body, None);
        self.inner(&format!("{place}.catch"), scope, place, None, &attempt.handler, Some(&attempt.error));
    }

    fn policy(&self, on_error: &OnError) -> Value {
        let mut policy = match &on_error.then {
            Failure::Stop => json!({"type": "finish"}),
            Failure::Return => json!({"type": "return"}),
            Failure::Flow(flow) => json!({"type": "flo", "flo": self.ids.uuid("flow", flow.as_str())}),
        };
        if let Some(Retry { times, delay_min, delay_max, rate_limits_only }) = on_error.retry {
            policy["retry"] = times.into();
            policy["delay"] = if delay_min == delay_max { json!(delay_min) } else { json!([delay_min, delay_max]) };
            if rate_limits_only {
                policy["retryCondition"] = "ratelimits".into();
            }
        }
        policy
    }
}

/// The name of a placeholder.
fn hole(number: usize) -> String {
    format!("value{}", number + 1)
}

fn operand(part: &Part) -> Option<&Operand> {
    match part {
        Part::Value(operand) => Some(operand),
        Part::Text(_) => None,
    }
}

fn template(parts: &[Part]) -> String {
    let mut number = 0;
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(_) => {
                text.extend(["{{{", &hole(number), "}}}"]);
                number += 1;
            }
        }
    }
    text
}

fn outputs(card: &mut Card, outputs: &[Output]) {
    for output in outputs {
        card.output(&output.slot, write_value(output.ty, placeholder(output.ty)));
    }
}

fn parameter(output: &Output) -> Value {
    let context = output.slot.group.as_deref() == Some("context");
    let data = match &output.default {
        Value::Null if context => Value::Null,
        Value::Null => placeholder(output.ty),
        value => value.clone(),
    };
    write_value(output.ty, data)
}

/// Whether a card's outputs are its inputs again.
pub(crate) fn is_mirror(address: &Address) -> bool {
    matches!(address.as_str(), "control:let" | "control:return" | "control:returnRaw" | "control:throw")
}

/// Whether an input is text with values in it.
pub(crate) fn is_template(address: &Address, slot: &Slot) -> bool {
    matches!(address.as_str(), "string:compose" | "math:expression") && slot.group.is_none() && slot.key == "_text_"
}

/// Whether an input is a condition on the rows of a table.
pub(crate) fn is_where(address: &Address, slot: &Slot) -> bool {
    address.module() == "stash" && slot.key == "Where Expression"
}

/// The mode of a loop, for cards that are one.
pub(super) fn loop_mode(address: &Address) -> Option<LoopMode> {
    LoopMode::of(address)
}
