//! From the graph to text.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::cards;
use super::expr::{self, Pipe, conversion, is_unary, natural};
use super::yaml::{Data, Node};
use crate::flopack::{is_mirror, is_where};
use crate::model::{
    Action, Address, Body, Call, Condition, Delivery, Failure, Flow, HelperValue, If, Input, Kind, Loop, OnError,
    Operand, Output, Part, Reference, Slot, Source, Step, StepId, Term, Trigger, TriggerKind, Type,
};
use crate::names;
use crate::visit::{all_references, steps};

/// The tree of a flow's text.
pub(super) fn flow(flow: &Flow) -> Node {
    let mut types = HashMap::new();
    let declare = |types: &mut HashMap<_, _>, id, outputs: &[Output]| {
        types.extend(outputs.iter().map(|output| ((StepId::clone(id), output.slot.clone()), output.ty)));
    };
    declare(&mut types, &flow.trigger.id, &flow.trigger.outputs);
    let mut named = HashSet::new();
    steps(&flow.body, &mut |step| {
        declare(&mut types, &step.id, &step.outputs);
        if let Kind::Try(attempt) = &step.kind {
            let slot = Slot::grouped("context", "error");
            types.insert((attempt.error.clone(), slot), Type::one(crate::model::Base::Object));
        }
        if !matches!(step.kind, Kind::Note(_)) {
            named.insert(step.id.to_string());
        }
    });
    let used = used(flow);
    let mut writer = Writer { types, used, notes: NoteNames::new(named) };
    let mut root = Node::map();
    root.set("flow", Node::text(flow.name.clone()));
    if names::slug(&flow.name, "flow") != flow.id.as_str() {
        root.set("id", Node::text(flow.id.as_str()));
    }
    if !flow.description.is_empty() {
        root.set("description", Node::text(flow.description.clone()));
    }
    if let Some(folder) = &flow.folder {
        root.set("folder", Node::text(folder.as_str()));
    }
    if !flow.log {
        root.set("log", Node::plain("false"));
    }
    root.set("trigger", writer.trigger(&flow.trigger));
    root.set("steps", writer.body(&flow.body));
    root
}

/// Which outputs references read, and whether any of them goes into it.
pub(super) fn used(flow: &Flow) -> HashMap<(StepId, Slot), bool> {
    let mut used = HashMap::new();
    for reference in all_references(flow) {
        *used.entry((reference.step.clone(), reference.slot.clone())).or_insert(false) |= !reference.path.is_empty();
    }
    used
}

/// The names of remarks, which nobody reads: `comment`, `comment_2`, … in order.
pub(super) struct NoteNames {
    taken: HashSet<String>,
    next: usize,
}

impl NoteNames {
    pub(super) fn new(taken: HashSet<String>) -> Self {
        Self { taken, next: 1 }
    }

    pub(super) fn next(&mut self) -> String {
        loop {
            let name = if self.next == 1 { "comment".to_owned() } else { format!("comment_{}", self.next) };
            self.next += 1;
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }
}

/// The type that an output has unless its step says otherwise.
pub(super) fn implied_output(address: Option<&Address>, slot: &Slot, taken_apart: bool) -> Type {
    let object = Type::one(crate::model::Base::Object);
    match (address, slot.group.as_deref(), slot.key.as_str()) {
        (None, Some("context"), "index") => Type::one(crate::model::Base::Number),
        (None, Some("context"), "parent" | "error") | (None, Some("raw"), "headers") => object,
        (Some(address), ..) if cards::output(address, slot).is_some() => cards::output(address, slot).unwrap_or(object),
        _ if taken_apart => object,
        _ => Type::TEXT,
    }
}

/// The title that a trigger has unless it says otherwise.
pub(super) fn trigger_title(kind: &TriggerKind) -> String {
    match kind {
        TriggerKind::Helper => "Helper Flow".to_owned(),
        TriggerKind::Schedule(_) => "Scheduled Flow".to_owned(),
        TriggerKind::Endpoint(_) => "API Endpoint".to_owned(),
        TriggerKind::Delegated => "Delegated Flow".to_owned(),
        TriggerKind::Manual => "Noop".to_owned(),
        TriggerKind::Event(event) => spaced(event.address.operation()),
    }
}

/// `userAddedToGroup` as `User Added To Group`.
fn spaced(operation: &str) -> String {
    let mut out = String::new();
    for c in operation.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        if out.is_empty() { out.extend(c.to_uppercase()) } else { out.push(c) }
    }
    out
}

/// Whether an output of a trigger is a parameter: given by the caller, not by the run.
pub(super) fn is_parameter(kind: &TriggerKind, slot: &Slot) -> bool {
    let kind = matches!(kind, TriggerKind::Helper | TriggerKind::Endpoint(_) | TriggerKind::Delegated);
    kind && !matches!(slot.group.as_deref(), Some("context" | "raw" | "user context"))
}

struct Writer {
    types: HashMap<(StepId, Slot), Type>,
    used: HashMap<(StepId, Slot), bool>,
    notes: NoteNames,
}

fn ty(ty: Type) -> Node {
    Node::text(ty.to_string())
}

impl Writer {
    fn trigger(&self, trigger: &Trigger) -> Node {
        let mut node = Node::map();
        match &trigger.kind {
            TriggerKind::Event(event) => node.set("event", Node::text(event.address.as_str())),
            kind => node.set("type", Node::text(super::trigger_name(kind))),
        }
        if trigger.id.as_str() != "trigger" {
            node.set("id", Node::text(trigger.id.as_str()));
        }
        if trigger.title != trigger_title(&trigger.kind) {
            node.set("title", Node::text(trigger.title.clone()));
        }
        match &trigger.kind {
            TriggerKind::Schedule(at) => {
                let fields = [&at.seconds, &at.minutes, &at.hours, &at.day_of_month, &at.month, &at.day_of_week];
                node.set("cron", Node::text(fields.map(String::as_str).join(" ")));
                node.set("time_zone", Node::text(at.time_zone.clone()));
            }
            TriggerKind::Endpoint(security) => {
                let name =
                    super::SECURITY.iter().find(|(known, _)| known == security).map_or("token", |(_, name)| name);
                node.set("security", Node::text(name));
            }
            TriggerKind::Event(event) => {
                if let Some(connection) = &event.connection {
                    node.set("connection", Node::text(connection.as_str()));
                }
                if event.delivery == Delivery::Single {
                    node.set("delivery", Node::text("single"));
                }
                self.options(&mut node, &event.address, &event.options);
            }
            TriggerKind::Helper | TriggerKind::Delegated | TriggerKind::Manual => {}
        }
        let (parameters, others): (Vec<_>, Vec<_>) =
            trigger.outputs.iter().partition(|output| is_parameter(&trigger.kind, &output.slot));
        let mut inputs = Node::map();
        for output in parameters {
            inputs.set(expr::slot_key(&output.slot, ""), parameter(output));
        }
        set(&mut node, "inputs", inputs);
        set(&mut node, "outputs", self.outputs(&trigger.id, None, others.into_iter()));
        node
    }

    /// The outputs whose type does not follow from how they are used.
    fn outputs<'a>(&self, step: &StepId, address: Option<&Address>, outputs: impl Iterator<Item = &'a Output>) -> Node {
        let mut node = Node::map();
        for output in outputs {
            let used = self.used.get(&(step.clone(), output.slot.clone()));
            if used.map(|taken_apart| implied_output(address, &output.slot, *taken_apart)) != Some(output.ty) {
                node.set(expr::slot_key(&output.slot, ""), ty(output.ty));
            }
        }
        node
    }

    fn body(&mut self, body: &Body) -> Node {
        Node::data(Data::List(body.steps.iter().map(|step| self.step(step)).collect()))
    }

    fn step(&mut self, step: &Step) -> Node {
        let mut node = Node::map();
        if let Kind::Note(note) = &step.kind {
            if self.notes.next() != step.id.as_str() {
                node.set("id", Node::text(step.id.as_str()));
            }
            if step.title != "Comment" {
                node.set("title", Node::text(step.title.clone()));
            }
            if !note.title.is_empty() {
                node.set("heading", Node::text(note.title.clone()));
            }
            node.set("note", Node::text(note.text.clone()));
            set(&mut node, "on_error", on_error(&step.on_error));
            return node;
        }
        node.set("id", Node::text(step.id.as_str()));
        if step.title != super::step_title(&step.kind, step.id.as_str()) {
            node.set("title", Node::text(step.title.clone()));
        }
        let address = step.kind.address();
        match &step.kind {
            Kind::Action(action) => self.action(&mut node, action),
            Kind::If(branch) => {
                self.branch(&mut node, step, branch);
                set(&mut node, "on_error", on_error(&step.on_error));
                return node;
            }
            Kind::Switch(switch) => {
                let mut arms = Vec::new();
                for arm in &switch.arms {
                    let mut node = Node::map();
                    node.set("if", Node::text(self.condition(&arm.condition)));
                    node.set("do", self.body(&arm.body));
                    arms.push(node);
                }
                node.set("switch", Node::data(Data::List(arms)));
                node.set("else", self.body(&switch.otherwise));
            }
            Kind::Try(attempt) => {
                node.set("try", self.body(&attempt.body));
                if attempt.error.as_str() != format!("{}_error", step.id) {
                    node.set("error", Node::text(attempt.error.as_str()));
                }
                node.set("catch", self.body(&attempt.handler));
            }
            Kind::Loop(each) => self.each(&mut node, each),
            Kind::Call(call) => self.call(&mut node, call),
            Kind::Note(_) => {}
        }
        let mirrored =
            matches!(&step.kind, Kind::Action(action) if is_mirror(&address) && mirrors(action, &step.outputs));
        if !mirrored {
            set(&mut node, "outputs", self.outputs(&step.id, Some(&address), step.outputs.iter()));
        }
        set(&mut node, "on_error", on_error(&step.on_error));
        node
    }

    fn action(&self, node: &mut Node, action: &Action) {
        node.set("card", Node::text(action.address.as_str()));
        if let Some(connection) = &action.connection {
            node.set("connection", Node::text(connection.as_str()));
        }
        self.options(node, &action.address, &action.options);
        let (condition, inputs) = super::compared(action);
        if let Some(condition) = condition {
            node.set("if", Node::text(self.condition(&condition)));
        }
        set(node, "with", self.inputs(&action.address, inputs));
    }

    fn options(&self, node: &mut Node, address: &Address, options: &[Input]) {
        let mut map = Node::map();
        for option in options {
            let slot = super::option_slot_out(&option.slot);
            let mark = if option.required { " *" } else { "" };
            map.set(expr::slot_key(&slot, mark), self.value(address, &option.slot, option.ty, &option.source, None));
        }
        set(node, "options", map);
    }

    fn inputs(&self, address: &Address, inputs: &[Input]) -> Node {
        let mut map = Node::map();
        for input in inputs {
            let known = cards::input(address, &input.slot);
            let mark = match (input.required, known.required) {
                (true, false) => " *",
                (false, true) => " ?",
                _ => "",
            };
            let value = self.value(address, &input.slot, input.ty, &input.source, known.ty);
            map.set(expr::slot_key(&input.slot, mark), value);
        }
        map
    }

    fn each(&self, node: &mut Node, each: &Loop) {
        let address = each.mode.address();
        node.set("loop", Node::text(super::mode_name(each.mode)));
        node.set(
            "over",
            self.value(&address, &each.over.slot, each.over.ty, &each.over.source, super::over_type(each.mode)),
        );
        if let Some(flow) = &each.flow {
            node.set("flow", Node::text(flow.as_str()));
        }
        if let Some(start) = &each.start {
            node.set("start", self.value(&address, &start.slot, start.ty, &start.source, None));
        }
        let default = super::default_concurrency(each.mode);
        if each.concurrency != default {
            let value = match &each.concurrency {
                Some(input) => self.value(&address, &input.slot, input.ty, &input.source, Some(super::NUMBER)),
                None => Node::plain("null"),
            };
            node.set("concurrency", value);
        }
        let mut map = Node::map();
        for input in &each.inputs {
            let item = |path: Option<&str>| {
                let mut node = Node::text(expr::item(path));
                node.tag = (input.ty != Type::TEXT).then(|| input.ty.to_string());
                node
            };
            let slot = Slot::plain(input.key.clone());
            let value = match &input.value {
                HelperValue::Item => item(None),
                HelperValue::Field(path) => item(Some(path)),
                HelperValue::Same(source) => self.value(&address, &slot, input.ty, source, None),
            };
            map.set(expr::slot_key(&slot, ""), value);
        }
        set(node, "with", map);
    }

    fn call(&self, node: &mut Node, call: &Call) {
        let flow = call.flow.as_ref().map_or_else(|| Node::plain("null"), |flow| Node::text(flow.as_str()));
        node.set("call", flow);
        if !call.wait {
            node.set("wait", Node::plain("false"));
        }
        set(node, "with", self.inputs(&Address::new("control", "spawn"), &call.inputs));
    }

    fn branch(&mut self, node: &mut Node, step: &Step, branch: &If) {
        node.set("if", Node::text(self.condition(&branch.condition)));
        node.set("then", self.body(&branch.then));
        node.set("else", self.body(&branch.otherwise));
        let mut map = Node::map();
        for (joined, output) in branch.outputs.iter().zip(&step.outputs) {
            let mut entry = Node::map();
            let address = step.kind.address();
            for (key, source) in [("then", &joined.then), ("else", &joined.otherwise)] {
                if *source != Source::Empty {
                    entry.set(key, self.value(&address, &joined.output, joined.ty, source, Some(joined.ty)));
                }
            }
            if output.ty != Type::TEXT {
                entry.set("type", ty(output.ty));
            }
            if joined.ty != output.ty {
                entry.set("from", ty(joined.ty));
            }
            map.set(expr::slot_key(&joined.output, ""), entry);
        }
        set(node, "outputs", map);
    }

    fn condition(&self, condition: &Condition) -> String {
        let left = self.operand(&condition.left);
        let mut text = format!("{left} {}", condition.operator);
        let empty = condition.right == Operand { ty: Type::TEXT, source: Source::Empty };
        if !(is_unary(&condition.operator) && empty) {
            text.push(' ');
            text.push_str(&self.operand(&condition.right));
        }
        text
    }

    fn operand(&self, operand: &Operand) -> String {
        let (text, default) = match &operand.source {
            Source::Reference(reference) => (self.reference(reference, operand.ty), self.source_type(reference)),
            Source::Constant(value) => (value.to_string(), natural(value)),
            _ => ("empty".to_owned(), Type::TEXT),
        };
        if operand.ty == default { text } else { format!("{text} as {}", operand.ty) }
    }

    fn source_type(&self, reference: &Reference) -> Type {
        let declared = self.types.get(&(reference.step.clone(), reference.slot.clone()));
        declared.filter(|_| reference.path.is_empty()).copied().unwrap_or(Type::TEXT)
    }

    fn reference(&self, reference: &Reference, target: Type) -> String {
        let implied = if reference.path.is_empty() { conversion(self.source_type(reference), target) } else { None };
        let pipe = if implied == reference.convert { Pipe::Implied } else { Pipe::Explicit(reference.convert) };
        expr::reference(reference, pipe)
    }

    /// A value; its type stands before it if it does not follow from the card or the value.
    fn value(&self, address: &Address, slot: &Slot, ty: Type, source: &Source, known: Option<Type>) -> Node {
        let (mut node, own) = match source {
            Source::Empty => (Node::plain("null"), Type::TEXT),
            Source::Constant(value) => (constant(value), natural(value)),
            Source::Reference(reference) => (Node::text(self.reference(reference, ty)), self.source_type(reference)),
            Source::Template(parts) => (Node::text(self.template(parts)), Type::TEXT),
            Source::Flow(flow) => {
                let mut node = Node::text(flow.as_str());
                node.tag = Some("flow".to_owned());
                return node;
            }
            Source::Table(table) => {
                let mut node = Node::text(table.as_str());
                node.tag = Some("table".to_owned());
                return node;
            }
            Source::Where(terms) => {
                let terms = terms.iter().map(|term| Node::text(self.term(term))).collect();
                let mut node = Node::data(Data::List(terms));
                node.tag = (!is_where(address, slot)).then(|| "where".to_owned());
                return node;
            }
        };
        if ty != known.unwrap_or(own) {
            node.tag = Some(ty.to_string());
        }
        node
    }

    fn template(&self, parts: &[Part]) -> String {
        let mut out = String::new();
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text) if matches!(parts.get(index + 1), Some(Part::Value(_))) => {
                    out.push_str(&expr::escape_before_reference(text));
                }
                Part::Text(text) => out.push_str(&expr::escape(text)),
                Part::Value(operand) => match &operand.source {
                    Source::Reference(reference) => {
                        out.push_str(&self.reference(reference, operand.ty));
                    }
                    _ => out.push_str("${empty}"),
                },
            }
        }
        out
    }

    fn term(&self, term: &Term) -> String {
        let operand = Operand { ty: term.ty, source: term.value.clone() };
        let value = match &term.value {
            // The type of a constant is that of the column.
            Source::Constant(value) => value.to_string(),
            _ => self.operand(&operand),
        };
        expr::term(&term.column, &term.operator, &value, term.or)
    }
}

fn set(node: &mut Node, key: &str, value: Node) {
    if !matches!(&value.data, Data::Map(members) if members.is_empty()) {
        node.set(key, value);
    }
}

/// Whether outputs are the inputs again.
pub(super) fn mirrors(action: &Action, outputs: &[Output]) -> bool {
    let same = |(input, output): (&Input, &Output)| {
        input.slot == output.slot && input.ty == output.ty && output.default == Value::Null
    };
    action.inputs.len() == outputs.len() && action.inputs.iter().zip(outputs).all(same)
}

fn parameter(output: &Output) -> Node {
    if output.default.is_null() {
        return ty(output.ty);
    }
    let mut node = Node::map();
    node.set("type", ty(output.ty));
    node.set("default", Node::json(&output.default));
    node
}

/// A constant, with its texts protected from being taken for references.
fn constant(value: &Value) -> Node {
    match value {
        Value::String(text) => Node::text(expr::escape(text)),
        value => Node::json(value),
    }
}

fn on_error(on_error: &OnError) -> Node {
    let mut node = Node::map();
    if let Some(retry) = &on_error.retry {
        node.set("retry", Node::plain(retry.times.to_string()));
        let delay = if retry.delay_min == retry.delay_max {
            format!("{} ms", retry.delay_min)
        } else {
            format!("{}-{} ms", retry.delay_min, retry.delay_max)
        };
        node.set("delay", Node::text(delay));
        if retry.rate_limits_only {
            node.set("only", Node::text("rate limits"));
        }
    }
    match &on_error.then {
        Failure::Stop => {}
        Failure::Return => node.set("then", Node::text("return")),
        Failure::Flow(flow) => {
            let mut value = Node::text(flow.as_str());
            value.tag = Some("flow".to_owned());
            node.set("then", value);
        }
    }
    node
}
