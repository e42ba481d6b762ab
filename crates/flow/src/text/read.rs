//! From text to the graph.

use std::collections::HashMap;

use serde_json::Value;

use super::cards;
use super::expr::{self, Piece, Pipe, Side, conversion, natural};
use super::members::{
    Members, Read, address, constant, identifier, list, on_error, parameter, read_type, schedule, slot, tag_type, text,
};
use super::write::{NoteNames, implied_output, is_parameter, trigger_title};
use super::yaml::{At, Data, Node};
use super::{NUMBER, TextError};
use crate::flopack::{is_mirror, is_where};
use crate::model::{
    Action, Address, Arm, Base, Body, Call, Condition, ConnectionId, Delivery, Event, Flow, FlowId, FolderId,
    HelperInput, HelperValue, If, Input, Joined, Kept, Kind, Loop, LoopMode, Note, Operand, Output, Part, Reference,
    Slot, Source, Step, StepId, Switch, TableId, Term, Trigger, TriggerKind, Try, Type,
};
use crate::names;

/// Reads a flow.
pub(super) fn flow(root: &Node) -> Read<Flow> {
    let mut members = Members::of(root, "a flow")?;
    let name = text(members.require("flow")?, "the name of a flow")?;
    let id = members.text("id")?.unwrap_or_else(|| names::slug(&name, "flow"));
    let description = members.text("description")?.unwrap_or_default();
    let folder = members.text("folder")?.map(FolderId::new);
    let log = members.boolean("log", true)?;
    let trigger = members.require("trigger")?;
    let steps = members.take("steps");
    members.end()?;
    let mut used = HashMap::new();
    collect(root, &mut used);
    let mut named = HashMap::new();
    steps.map_or(Ok(()), |steps| ids(steps, &mut named))?;
    let mut reader = Reader { used, types: HashMap::new(), notes: NoteNames::new(named.keys().cloned().collect()) };
    let trigger = reader.trigger(trigger)?;
    if let Some(at) = named.get(trigger.id.as_str()) {
        return Err(TextError::at(*at, format!("the trigger is called {:?} already", trigger.id.as_str())));
    }
    let body = steps.map(|steps| reader.body(steps)).transpose()?.unwrap_or_default();
    Ok(Flow { id: FlowId::new(id), name, description, folder, trigger, body, log, kept: Kept::default() })
}

/// Which outputs the text reads, and whether any reference goes into them.
fn collect(node: &Node, used: &mut HashMap<(StepId, Slot), bool>) {
    match &node.data {
        Data::Scalar { text, .. } if text.contains("${") => {
            for piece in expr::pieces(text).unwrap_or_default() {
                if let Piece::Reference(reference, _) = piece {
                    *used.entry((reference.step, reference.slot)).or_insert(false) |= !reference.path.is_empty();
                }
            }
        }
        Data::Scalar { .. } => {}
        Data::List(items) => items.iter().for_each(|item| collect(item, used)),
        Data::Map(members) => members.iter().for_each(|(_, value)| collect(value, used)),
    }
}

/// The identifiers that steps are given, at any depth.
fn ids(node: &Node, named: &mut HashMap<String, At>) -> Read<()> {
    match &node.data {
        Data::Scalar { .. } => Ok(()),
        Data::List(items) => items.iter().try_for_each(|item| {
            if let Data::Map(members) = &item.data
                && let Some((_, id)) = members.iter().find(|(key, _)| key == "id")
            {
                let name = text(id, "the id of a step")?;
                if named.insert(name.clone(), id.at).is_some() {
                    return Err(TextError::at(id.at, format!("another step is called {name:?} already")));
                }
            }
            ids(item, named)
        }),
        Data::Map(members) => members.iter().try_for_each(|(key, value)| match key.as_str() {
            "then" | "else" | "do" | "try" | "catch" | "switch" => ids(value, named),
            _ => Ok(()),
        }),
    }
}

struct Reader {
    used: HashMap<(StepId, Slot), bool>,
    types: HashMap<(StepId, Slot), Type>,
    notes: NoteNames,
}

impl Reader {
    fn trigger(&mut self, node: &Node) -> Read<Trigger> {
        let mut members = Members::of(node, "a trigger")?;
        let event = members.take("event");
        let on = if event.is_some() { None } else { Some(members.require("type")?) };
        let id = match members.take("id") {
            Some(node) => identifier(&text(node, "the id of a trigger")?, node.at)?,
            None => StepId::new("trigger"),
        };
        let name = on.map(|node| text(node, "type")).transpose()?.unwrap_or_default();
        let kind = match name.as_str() {
            "" if event.is_some() => {
                let event = event.map(address).transpose()?;
                let event = event.map(|address| self.event(address, &mut members)).transpose()?;
                event.map_or(TriggerKind::Manual, TriggerKind::Event)
            }
            "helper" => TriggerKind::Helper,
            "delegated" => TriggerKind::Delegated,
            "manual" => TriggerKind::Manual,
            "schedule" => TriggerKind::Schedule(schedule(&mut members)?),
            "endpoint" => {
                let level = members.require("security")?;
                let name = text(level, "security")?;
                let known = super::SECURITY.iter().find(|(_, known)| *known == name);
                let known = known.ok_or_else(|| TextError::at(level.at, "security is open, token or oauth"))?;
                TriggerKind::Endpoint(known.0)
            }
            name => {
                let known = "helper, schedule, endpoint, delegated or manual, or an event in place of the type";
                return Err(TextError::at(members.at, format!("{name:?} starts no flow: write {known}")));
            }
        };
        let title = members.text("title")?.unwrap_or_else(|| trigger_title(&kind));
        let mut outputs = Vec::new();
        if let Some(inputs) = members.take("inputs") {
            for (key, node) in Members::of(inputs, "inputs")?.left {
                let (slot, _) = slot(key, node.at)?;
                if !is_parameter(&kind, &slot) {
                    return Err(TextError::at(node.at, format!("{slot} is no parameter of such a trigger")));
                }
                outputs.push(parameter(slot, node)?);
            }
        }
        let declared = members.take("outputs");
        members.end()?;
        // A parameter that is not declared is a mistake, not an output that goes without saying.
        let event = matches!(kind, TriggerKind::Event(_));
        self.used.retain(|(step, slot), _| {
            let given_by_run = matches!(slot.group.as_deref(), Some("context" | "raw" | "user context"));
            *step != id || event || given_by_run || outputs.iter().any(|output| output.slot == *slot)
        });
        self.outputs(&id, None, declared, &mut outputs)?;
        Ok(Trigger { id, title, kind, outputs })
    }

    fn event(&mut self, address: Address, members: &mut Members<'_>) -> Read<Event> {
        let connection = members.text("connection")?.map(ConnectionId::new);
        let delivery = match members.take("delivery") {
            None => Delivery::Batch,
            Some(node) => match text(node, "delivery")?.as_str() {
                "single" => Delivery::Single,
                "batch" => Delivery::Batch,
                _ => return Err(TextError::at(node.at, "delivery is batch or single")),
            },
        };
        let options = self.options(&address, members.take("options"))?;
        Ok(Event { address, connection, options, delivery })
    }

    /// Adds the outputs that are declared or read to those that are there, in order.
    fn outputs(
        &mut self,
        id: &StepId,
        address: Option<&Address>,
        declared: Option<&Node>,
        outputs: &mut Vec<Output>,
    ) -> Read<()> {
        let mut more = Vec::new();
        if let Some(declared) = declared {
            for (key, node) in Members::of(declared, "outputs")?.left {
                let (slot, _) = slot(key, node.at)?;
                more.push(Output { slot, ty: read_type(node)?, default: Value::Null });
            }
        }
        for ((step, slot), taken_apart) in &self.used {
            if step == id && !outputs.iter().chain(&more).any(|output| output.slot == *slot) {
                let ty = implied_output(address, slot, *taken_apart);
                more.push(Output { slot: slot.clone(), ty, default: Value::Null });
            }
        }
        more.sort_by(|a, b| a.slot.cmp(&b.slot));
        outputs.extend(more);
        self.declare(id, outputs);
        Ok(())
    }

    fn declare(&mut self, id: &StepId, outputs: &[Output]) {
        self.types.extend(outputs.iter().map(|output| ((id.clone(), output.slot.clone()), output.ty)));
    }

    fn body(&mut self, node: &Node) -> Read<Body> {
        let steps = list(node, "a list of steps")?.iter().map(|step| self.step(step));
        Ok(Body { steps: steps.collect::<Read<_>>()? })
    }

    fn step(&mut self, node: &Node) -> Read<Step> {
        let mut members = Members::of(node, "a step")?;
        if members.has("note") {
            return self.note(members);
        }
        let id = members.require("id")?;
        let id = identifier(&text(id, "the id of a step")?, id.at)?;
        let title = members.text("title")?;
        let mut outputs = Vec::new();
        let kinds = ["card", "if", "switch", "try", "loop", "call"];
        let Some(kind) = kinds.into_iter().find(|kind| members.has(kind)) else {
            return Err(TextError::at(node.at, format!("step {id} needs one of {} or note", kinds.join(", "))));
        };
        let kind = match kind {
            "card" => Kind::Action(self.action(&mut members)?),
            "if" => {
                let (branch, joined) = self.branch(&mut members)?;
                outputs = joined;
                Kind::If(branch)
            }
            "switch" => Kind::Switch(self.switch(&mut members)?),
            "try" => Kind::Try(self.attempt(&id, &mut members)?),
            "loop" => Kind::Loop(self.each(&mut members)?),
            _ => Kind::Call(self.call(&mut members)?),
        };
        let address = kind.address();
        let title = title.unwrap_or_else(|| super::step_title(&kind, id.as_str()));
        let declared = if matches!(kind, Kind::If(_)) { None } else { members.take("outputs") };
        match &kind {
            Kind::If(_) => self.declare(&id, &outputs),
            Kind::Action(action) if is_mirror(&address) && declared.is_none() => {
                let output = |input: &Input| Output { slot: input.slot.clone(), ty: input.ty, default: Value::Null };
                outputs = action.inputs.iter().map(output).collect();
                self.declare(&id, &outputs);
            }
            _ => self.outputs(&id, Some(&address), declared, &mut outputs)?,
        }
        let on_error = on_error(members.take("on_error"))?;
        members.end()?;
        Ok(Step { id, title, kind, outputs, on_error })
    }

    fn note(&mut self, mut members: Members<'_>) -> Read<Step> {
        let next = self.notes.next();
        let id = match members.take("id") {
            Some(node) => identifier(&text(node, "the id of a note")?, node.at)?,
            None => StepId::new(next),
        };
        let title = members.text("title")?.unwrap_or_else(|| "Comment".to_owned());
        let heading = members.text("heading")?.unwrap_or_default();
        let note = Note { title: heading, text: members.text("note")?.unwrap_or_default() };
        let on_error = on_error(members.take("on_error"))?;
        members.end()?;
        Ok(Step { id, title, kind: Kind::Note(note), outputs: Vec::new(), on_error })
    }

    fn action(&mut self, members: &mut Members<'_>) -> Read<Action> {
        let address = address(members.require("card")?)?;
        let special =
            matches!(
                address.as_str(),
                "control:if" | "control:branch" | "control:tryCatch" | "control:join" | "control:comment"
            ) || matches!(address.as_str(), "control:spawn" | "control:run" | "object:expand" | "control:noop")
                || LoopMode::of(&address).is_some();
        if special {
            let problem = format!("{address} is written by its own key: if, switch, try, loop, call or note");
            return Err(TextError::at(members.at, problem));
        }
        let connection = members.text("connection")?.map(ConnectionId::new);
        let options = self.options(&address, members.take("options"))?;
        let mut inputs = Vec::new();
        if let Some(node) = members.take("if") {
            if !super::compares(&address) {
                return Err(TextError::at(node.at, format!("{address} has no condition")));
            }
            let Condition { left, operator, right } = self.condition(node)?;
            let operator = Operand { ty: Type::TEXT, source: Source::Constant(operator.into()) };
            let operands = [left, operator, right].into_iter().zip(super::condition_inputs(&address));
            inputs.extend(operands.map(|(Operand { ty, source }, (slot, required))| Input {
                slot,
                ty,
                required,
                source,
            }));
        }
        inputs.extend(self.inputs(&address, members.take("with"))?);
        Ok(Action { address, connection, options, inputs })
    }

    fn options(&mut self, address: &Address, node: Option<&Node>) -> Read<Vec<Input>> {
        let Some(node) = node else { return Ok(Vec::new()) };
        let options = Members::of(node, "options")?.left.into_iter().map(|(key, node)| {
            let (slot, mark) = slot(key, node.at)?;
            let slot = super::option_slot_in(slot);
            let (ty, source) = self.value(address, &slot, node, None)?;
            Ok(Input { slot, ty, required: mark == Some(true), source })
        });
        options.collect()
    }

    fn inputs(&mut self, address: &Address, node: Option<&Node>) -> Read<Vec<Input>> {
        let Some(node) = node else { return Ok(Vec::new()) };
        let mut inputs = Vec::new();
        for (key, node) in Members::of(node, "with")?.left {
            let (slot, mark) = slot(key, node.at)?;
            let known = cards::input(address, &slot);
            let (ty, source) = self.value(address, &slot, node, known.ty)?;
            let required = mark.unwrap_or(known.required);
            // What a connector's card is not given need not be named.
            if address.is_built_in() || required || !source.is_unfilled() {
                inputs.push(Input { slot, ty, required, source });
            }
        }
        Ok(inputs)
    }

    fn branch(&mut self, members: &mut Members<'_>) -> Read<(If, Vec<Output>)> {
        let condition = self.condition(members.require("if")?)?;
        let then = members.take("then").map(|node| self.body(node)).transpose()?.unwrap_or_default();
        let otherwise = members.take("else").map(|node| self.body(node)).transpose()?.unwrap_or_default();
        let (mut outputs, mut declared) = (Vec::new(), Vec::new());
        let address = Address::new("control", "if");
        if let Some(node) = members.take("outputs") {
            for (key, node) in Members::of(node, "outputs")?.left {
                let (output, _) = slot(key, node.at)?;
                let mut entry = Members::of(node, "an output of if")?;
                let ty = entry.take("type").map(read_type).transpose()?.unwrap_or(Type::TEXT);
                let from = entry.take("from").map(read_type).transpose()?.unwrap_or(ty);
                let mut side = |key: &'static str| match entry.take(key) {
                    Some(node) => self.value(&address, &output, node, Some(from)).map(|(_, source)| source),
                    None => Ok(Source::Empty),
                };
                let (then, otherwise) = (side("then")?, side("else")?);
                entry.end()?;
                outputs.push(Joined { output: output.clone(), ty: from, then, otherwise });
                declared.push(Output { slot: output, ty, default: Value::Null });
            }
        }
        Ok((If { condition, then, otherwise, outputs }, declared))
    }

    fn switch(&mut self, members: &mut Members<'_>) -> Read<Switch> {
        let mut arms = Vec::new();
        for arm in list(members.require("switch")?, "switch")? {
            let mut arm = Members::of(arm, "a case of switch")?;
            let condition = self.condition(arm.require("if")?)?;
            let body = self.body(arm.require("do")?)?;
            arm.end()?;
            arms.push(Arm { condition, body });
        }
        let otherwise = members.take("else").map(|node| self.body(node)).transpose()?.unwrap_or_default();
        Ok(Switch { arms, otherwise })
    }

    fn attempt(&mut self, id: &StepId, members: &mut Members<'_>) -> Read<Try> {
        let body = self.body(members.require("try")?)?;
        let error = match members.take("error") {
            Some(node) => identifier(&text(node, "the id of an error")?, node.at)?,
            None => StepId::new(format!("{id}_error")),
        };
        self.types.insert((error.clone(), Slot::grouped("context", "error")), Type::one(Base::Object));
        let handler = self.body(members.require("catch")?)?;
        Ok(Try { body, handler, error })
    }

    fn each(&mut self, members: &mut Members<'_>) -> Read<Loop> {
        let mode = members.require("loop")?;
        let name = text(mode, "loop")?;
        let found = LoopMode::ALL.into_iter().find(|mode| super::mode_name(*mode) == name);
        let mode = found.ok_or_else(|| {
            let names: Vec<_> = LoopMode::ALL.into_iter().map(super::mode_name).collect();
            TextError::at(mode.at, format!("{name:?} is no loop: one of {}", names.join(", ")))
        })?;
        let address = mode.address();
        let named = |reader: &mut Self, node: &Node, key: &str, known: Option<Type>| {
            let slot = Slot::plain(key);
            let (ty, source) = reader.value(&address, &slot, node, known)?;
            Ok::<_, TextError>(Input { slot, ty, required: true, source })
        };
        let over = named(self, members.require("over")?, mode.over(), super::over_type(mode))?;
        let flow = members.text("flow")?.map(FlowId::new);
        let start = members.take("start").map(|node| named(self, node, "memo", None)).transpose()?;
        let concurrency = match members.take("concurrency") {
            None => super::default_concurrency(mode),
            Some(node) if node.scalar() == Some(Value::Null) => None,
            Some(node) => Some(named(self, node, "concurrency", Some(NUMBER))?),
        };
        let mut inputs = Vec::new();
        if let Some(node) = members.take("with") {
            for (key, node) in Members::of(node, "with")?.left {
                let (slot, _) = slot(key, node.at)?;
                inputs.push(self.helper_input(&address, slot, node)?);
            }
        }
        Ok(Loop { mode, over, flow, concurrency, start, inputs })
    }

    fn helper_input(&mut self, address: &Address, slot: Slot, node: &Node) -> Read<HelperInput> {
        if let Data::Scalar { text, .. } = &node.data
            && text.contains("${item")
        {
            let pieces = expr::pieces(text).map_err(|problem| TextError::at(node.at, problem))?;
            if let [Piece::Item(path)] = &pieces[..] {
                let ty = tag_type(node)?.unwrap_or(Type::TEXT);
                let value = path.clone().map_or(HelperValue::Item, HelperValue::Field);
                return Ok(HelperInput { key: slot.key, ty, value });
            }
        }
        let (ty, source) = self.value(address, &slot, node, None)?;
        Ok(HelperInput { key: slot.key, ty, value: HelperValue::Same(source) })
    }

    fn call(&mut self, members: &mut Members<'_>) -> Read<Call> {
        let flow = members.require("call")?;
        let flow = if flow.scalar() == Some(Value::Null) { None } else { Some(FlowId::new(text(flow, "call")?)) };
        let wait = members.boolean("wait", true)?;
        let inputs = self.inputs(&Address::new("control", "spawn"), members.take("with"))?;
        Ok(Call { flow, wait, inputs })
    }

    fn condition(&mut self, node: &Node) -> Read<Condition> {
        let written = text(node, "a condition")?;
        let (left, operator, right) = expr::condition(&written).map_err(|problem| TextError::at(node.at, problem))?;
        Ok(Condition { left: self.operand(left), operator, right: self.operand(right) })
    }

    fn operand(&self, (side, ty): (Side, Option<Type>)) -> Operand {
        let own = side.natural();
        match side {
            Side::Empty => Operand { ty: ty.unwrap_or(Type::TEXT), source: Source::Empty },
            Side::Constant(value) => {
                let ty = ty.or(own).unwrap_or(Type::TEXT);
                Operand { ty, source: constant(value) }
            }
            Side::Reference(reference, pipe) => {
                let ty = ty.unwrap_or_else(|| self.source_type(&reference));
                Operand { ty, source: Source::Reference(self.convert(reference, pipe, ty)) }
            }
        }
    }

    fn source_type(&self, reference: &Reference) -> Type {
        let declared = self.types.get(&(reference.step.clone(), reference.slot.clone()));
        declared.filter(|_| reference.path.is_empty()).copied().unwrap_or(Type::TEXT)
    }

    fn convert(&self, mut reference: Reference, pipe: Pipe, target: Type) -> Reference {
        reference.convert = match pipe {
            Pipe::Explicit(convert) => convert,
            Pipe::Implied if reference.path.is_empty() => conversion(self.source_type(&reference), target),
            Pipe::Implied => None,
        };
        reference
    }

    /// A value and the type that it is converted to.
    fn value(&mut self, address: &Address, slot: &Slot, node: &Node, known: Option<Type>) -> Read<(Type, Source)> {
        let own = |source: &Source, natural: Type| (known.unwrap_or(natural), source.clone());
        match node.tag.as_deref() {
            Some("table") => return Ok((Type::TEXT, Source::Table(TableId::new(text(node, "a table")?)))),
            Some("flow") => return Ok((Type::one(Base::Flow), Source::Flow(FlowId::new(text(node, "a flow")?)))),
            Some("where") => return Ok((Type::one(Base::Object), self.filter(node)?)),
            _ if is_where(address, slot) && matches!(node.data, Data::List(_)) => {
                return Ok((Type::one(Base::Object), self.filter(node)?));
            }
            _ => {}
        }
        let tag = tag_type(node)?;
        let (ty, source) = match node.scalar() {
            None => {
                let value = node.to_json();
                let ty = natural(&value);
                own(&Source::Constant(value), ty)
            }
            Some(Value::Null) => own(&Source::Empty, Type::TEXT),
            Some(Value::String(text)) if text.contains("${") => {
                let pieces = expr::pieces(&text).map_err(|problem| TextError::at(node.at, problem))?;
                return self.pieces(address, slot, node, pieces, tag, known);
            }
            Some(value) => {
                let ty = natural(&value);
                own(&constant(value), ty)
            }
        };
        Ok((tag.unwrap_or(ty), source))
    }

    fn pieces(
        &self,
        address: &Address,
        slot: &Slot,
        node: &Node,
        pieces: Vec<Piece>,
        tag: Option<Type>,
        known: Option<Type>,
    ) -> Read<(Type, Source)> {
        let template = crate::flopack::is_template(address, slot);
        match &pieces[..] {
            [Piece::Reference(reference, pipe)] if !template => {
                let ty = tag.or(known).unwrap_or_else(|| self.source_type(reference));
                return Ok((ty, Source::Reference(self.convert(reference.clone(), *pipe, ty))));
            }
            [Piece::Text(text)] => return Ok((tag.or(known).unwrap_or(Type::TEXT), constant(text.clone().into()))),
            _ => {}
        }
        let inner = if address.module() == "math" { NUMBER } else { Type::TEXT };
        let parts = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => Ok(Part::Text(text)),
            Piece::Empty => Ok(Part::Value(Operand { ty: inner, source: Source::Empty })),
            Piece::Reference(reference, pipe) => {
                let source = Source::Reference(self.convert(reference, pipe, inner));
                Ok(Part::Value(Operand { ty: inner, source }))
            }
            Piece::Item(_) => {
                Err(TextError::at(node.at, "an element can be used in the inputs of loops only, and alone"))
            }
        });
        Ok((tag.or(known).unwrap_or(Type::TEXT), Source::Template(parts.collect::<Read<_>>()?)))
    }

    fn filter(&self, node: &Node) -> Read<Source> {
        let terms = list(node, "a condition on rows")?.iter().map(|node| {
            let written = text(node, "a term")?;
            let term = expr::read_term(&written).map_err(|problem| TextError::at(node.at, problem))?;
            let (column, operator, side, or) = term;
            let constant = matches!(side, (Side::Constant(_), None));
            let operand = self.operand(side);
            // The type of a constant is that of the column.
            let ty = if constant { Type::TEXT } else { operand.ty };
            Ok(Term { column, operator, value: operand.source, ty, or })
        });
        Ok(Source::Where(terms.collect::<Read<_>>()?))
    }
}
