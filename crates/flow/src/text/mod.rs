//! The readable form of flows: one YAML file for each, made for review and for writing by hand.
//!
//! [`write`] has one way of saying each thing, so that a text changes only where the flow does;
//! [`read`] understands what people write. Types, titles and outputs that follow from the cards
//! and from how values are used are left out.

mod cards;
mod expr;
mod read;
mod write;
mod yaml;

use oktant_base::{Code, Coded, codes};

use crate::model::{Base, Flow, Input, LoopMode, Security, Slot, Source, Type};
use yaml::At;

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
