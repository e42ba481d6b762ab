//! What is known about cards, and whether a flow uses them accordingly.

use std::rc::Rc;

use oktant_base::codes;

use crate::model::{Action, Address, Slot, Step};
use crate::names::without_mark;

use super::Check;

/// The key of a [`Field`] that stands for any field of its group.
const ANY: &str = "*";

/// The cards that can be run.
pub trait Catalogue {
    /// Whether a card can be run.
    fn knows(&self, address: &Address) -> bool;

    /// What a card takes and gives.
    fn shape(&self, _address: &Address) -> Shape {
        Shape::default()
    }
}

/// What a card takes and gives, as far as it is known without the account that it acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Its inputs without its options; `None` if they may be anything.
    pub inputs: Option<Vec<Field>>,
    /// Its outputs; `None` if they may be anything.
    pub outputs: Option<Vec<Field>>,
}

/// An input or output of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which one. The key `*` is every field of the group.
    pub slot: Slot,
    /// Whether the card cannot do without.
    pub required: bool,
}

impl Field {
    /// A field, written `key` or `group/key`.
    pub fn named(name: &str) -> Self {
        let slot = match name.split_once('/') {
            Some((group, key)) => Slot::grouped(group, key),
            None => Slot::plain(name),
        };
        Self { slot, required: false }
    }

    /// Whether it is the field of this name, be it with the mark that the connector builder appends.
    fn is(&self, slot: &Slot) -> bool {
        let same_key = || self.slot.key == slot.key || self.slot.key == without_mark(&slot.key);
        self.slot.group == slot.group && (self.slot.key == ANY || same_key())
    }
}

/// Fields by name, for a sentence.
fn names<'a>(slots: impl Iterator<Item = &'a Slot>) -> String {
    let name = |slot: &Slot| match (&slot.group, slot.key.as_str()) {
        (Some(group), ANY) => format!("any of {group}"),
        _ => slot.to_string(),
    };
    slots.map(name).collect::<Vec<_>>().join(", ")
}

/// What a reference can be checked against.
#[derive(Debug, Clone)]
pub(super) enum Outputs<'a> {
    /// These and no others.
    Only(Vec<&'a Slot>),
    /// Those that a card gives by itself. What a flow says of its outputs are their types, and what it reads counts as said.
    Card(Rc<[Field]>),
    /// Those of a card that only its connector knows.
    Any,
}

impl Outputs<'_> {
    pub(super) fn have(&self, slot: &Slot) -> bool {
        match self {
            Self::Only(slots) => slots.contains(&slot),
            Self::Card(gives) => gives.iter().any(|field| field.is(slot)),
            Self::Any => true,
        }
    }

    /// Those that there are, for a sentence.
    pub(super) fn names(&self, wanted: impl Fn(&Slot) -> bool) -> String {
        match self {
            Self::Only(slots) => names(slots.iter().copied().filter(|slot| wanted(slot))),
            Self::Card(gives) => names(gives.iter().map(|field| &field.slot)),
            Self::Any => String::new(),
        }
    }
}

impl<'a> Check<'a> {
    pub(super) fn shape(&self, address: &Address) -> Shape {
        self.context.catalogue.map(|catalogue| catalogue.shape(address)).unwrap_or_default()
    }

    /// The outputs of a card.
    pub(super) fn given_by(&self, address: &Address) -> Outputs<'a> {
        self.shape(address).outputs.map_or(Outputs::Any, |gives| Outputs::Card(gives.into()))
    }

    /// Whether the card has the fields that the step gives it, and is given those that it needs. What came with a
    /// flopack is as its author's editor wrote it, and stays.
    pub(super) fn fields(&mut self, step: &'a Step, action: &'a Action) {
        let Some(known) = self.shape(&action.address).inputs else { return };
        for input in &action.inputs {
            let slot = &input.slot;
            if !known.iter().any(|field| field.is(slot)) && !self.flow.kept.has_input(&step.id, slot) {
                let message = format!("{} has no field of this name", action.address);
                let names = names(known.iter().map(|field| &field.slot));
                let hint = if names.is_empty() { "it has none".to_owned() } else { format!("it has {names}") };
                self.report(codes::OKT4120, Some(&slot.to_string()), message, Some(hint));
            }
        }
        if self.flow.kept.has_step(&step.id) {
            return;
        }
        for field in known.iter().filter(|field| field.required) {
            if !action.inputs.iter().any(|input| field.is(&input.slot)) {
                self.report(codes::OKT4115, Some(&field.slot.to_string()), "it needs a value".to_owned(), None);
            }
        }
    }
}
