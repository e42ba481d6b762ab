//! The readable form of flows: one YAML file for each, made for review and for writing by hand.
//!
//! [`write`] has one way of saying each thing, so that a text changes only where the flow does;
//! [`read`] understands what people write. Types, titles and outputs that follow from the cards
//! and from how values are used are left out.

mod cards;
mod expr;
mod members;
mod read;
mod write;
pub(crate) mod yaml;

use oktant_base::{Code, Coded, codes};

use serde_json::Value;

use crate::model::{
    Action, Address, Base, Condition, Flow, Input, Kind, LoopMode, Operand, Security, Slot, Source, TriggerKind, Type,
};
use crate::names;
use yaml::At;

pub(crate) use expr::OPERATORS;
pub(crate) use members::{Members, read_type, text};

/// Why a text cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct TextError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

impl TextError {
    fn at(at: At, problem: impl Into<String>) -> Self {
        Self { line: at.line, column: at.column, problem: problem.into() }
    }
}

impl Coded for TextError {
    fn code(&self) -> Code {
        codes::OKT4103
    }
}

/// The text of a flow, without what was kept of its flopack.
pub fn write(flow: &Flow) -> String {
    yaml::write(&write::flow(flow), &[])
}

/// The text of a flow as a tree.
pub(crate) fn tree(flow: &Flow) -> yaml::Node {
    write::flow(flow)
}

/// Reads the text of a flow.
pub fn read(text: &str) -> Result<Flow, TextError> {
    let (root, _) = yaml::parse(text)?;
    read::flow(&root)
}

/// The text as [`write`] has it, with the comments of the author.
pub fn format(text: &str) -> Result<String, TextError> {
    let (root, rest) = yaml::parse(text)?;
    let mut written = write::flow(&read::flow(&root)?);
    yaml::carry(&root, &mut written);
    Ok(yaml::write(&written, &rest))
}

const NUMBER: Type = Type::one(Base::Number);

const SECURITY: [(Security, &str); 3] =
    [(Security::Open, "open"), (Security::Token, "token"), (Security::OAuth, "oauth")];

/// What starts a flow, as texts call it; events are called by their address.
fn trigger_name(kind: &TriggerKind) -> &'static str {
    match kind {
        TriggerKind::Helper => "helper",
        TriggerKind::Schedule(_) => "schedule",
        TriggerKind::Endpoint(_) => "endpoint",
        TriggerKind::Delegated => "delegated",
        TriggerKind::Manual => "manual",
        TriggerKind::Event(_) => "event",
    }
}

/// The title that a step has unless it says otherwise.
fn step_title(kind: &Kind, id: &str) -> String {
    let own = match kind {
        Kind::If(_) => "If/Else",
        Kind::Switch(_) => "If/ElseIf",
        Kind::Try(_) => "If Error",
        _ => return names::title(id),
    };
    // An identifier that the author chose says more than the card's name.
    if names::title(&names::slug(own, "")) == names::title(id) { own.to_owned() } else { names::title(id) }
}

/// Cards that compare two values and do something about it.
fn compares(address: &Address) -> bool {
    matches!(address.as_str(), "control:continueIf" | "control:throwIf" | "control:assignIf" | "boolean:compare")
}

/// The condition of a card that compares, where it can be written as one, and the other inputs.
fn compared(action: &Action) -> (Option<Condition>, &[Input]) {
    if let (true, [left, operator, right, rest @ ..]) = (compares(&action.address), &action.inputs[..])
        && let Source::Constant(Value::String(symbol)) = &operator.source
        && expr::OPERATORS.contains(&symbol.as_str())
        && [left, operator, right].into_iter().zip(condition_inputs(&action.address)).all(
            |(input, (slot, required))| input.slot == slot && input.required == required && is_operand(&input.source),
        )
        && operator.ty == Type::TEXT
    {
        let operand = |input: &Input| Operand { ty: input.ty, source: input.source.clone() };
        return (Some(Condition { left: operand(left), operator: symbol.clone(), right: operand(right) }), rest);
    }
    (None, &action.inputs)
}

fn is_operand(source: &Source) -> bool {
    matches!(source, Source::Empty | Source::Constant(_) | Source::Reference(_))
}

/// The inputs of a card that compares, and whether they are required.
fn condition_inputs(address: &Address) -> [(Slot, bool); 3] {
    let operator = cards::input(address, &Slot::plain("operator")).required;
    [(Slot::plain("left-operand"), false), (Slot::plain("operator"), operator), (Slot::plain("right-operand"), false)]
}

fn mode_name(mode: LoopMode) -> &'static str {
    match mode {
        LoopMode::ForEach => "for each",
        LoopMode::ForEachIgnoringErrors => "for each, ignoring errors",
        LoopMode::Map => "map",
        LoopMode::Filter => "filter",
        LoopMode::Reduce => "reduce",
        LoopMode::Repeat => "repeat",
        LoopMode::MapObject => "map object",
    }
}

/// The type of what a loop runs over, where it does not come from its source.
fn over_type(mode: LoopMode) -> Option<Type> {
    match mode {
        LoopMode::Repeat => Some(NUMBER),
        LoopMode::MapObject => Some(Type::one(Base::Object)),
        _ => None,
    }
}

fn default_concurrency(mode: LoopMode) -> Option<Input> {
    let input = |value: u32| Input {
        slot: Slot::plain("concurrency"),
        ty: NUMBER,
        required: true,
        source: Source::Constant(value.into()),
    };
    (mode != LoopMode::Reduce).then(|| input(1))
}

/// Options stand in the group `parameters`, which texts leave out.
fn option_slot_out(slot: &Slot) -> Slot {
    match slot.group.as_deref() {
        Some("parameters") => Slot::plain(slot.key.clone()),
        group => Slot { group: Some(group.unwrap_or_default().to_owned()), key: slot.key.clone() },
    }
}

fn option_slot_in(slot: Slot) -> Slot {
    match slot.group.as_deref() {
        None => Slot::grouped("parameters", slot.key),
        Some("") => Slot::plain(slot.key),
        Some(_) => slot,
    }
}
