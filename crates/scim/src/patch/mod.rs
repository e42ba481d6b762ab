//! PATCH: a program that changes a resource, all of it or nothing.

mod apply;
mod members;
mod parse;

pub use members::MemberChange;
pub(crate) use parse::PATCH_SCHEMA;

use oktant_base::Secret;
use serde_json::{Map, Value};

use crate::filter::Filter;
use crate::profile::Profile;
use crate::resource::Member;
use crate::schema::{Kind, Path};

/// A PATCH request, read and resolved.
///
/// Membership is apart from the other attributes. Unless [`Self::needs_members`], a provider neither reads nor sorts the
/// members of the group: [`Self::apply`] tells which to add and which to remove, and one row is one member.
///
/// Within one transaction a provider
/// 1. reads the resource, with all members if [`Self::needs_members`], and checks the precondition;
/// 2. calls [`Self::apply`];
/// 3. writes the attributes if they changed, and the [`MemberChange`] as additions and removals;
/// 4. gives the resource a new version and time if anything did change.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    kind: Kind,
    profile: Profile,
    steps: Vec<Step>,
}

/// What a PATCH came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Whether attributes differ from before, or a password was set. The membership does not count.
    pub changed: bool,
    /// What becomes of the membership.
    pub members: MemberChange,
}

/// One change of one attribute. Values are canonical; a password is a secret.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// Gives a single-valued attribute a value, or takes it away.
    Set {
        path: Path,
        value: Option<Value>,
    },
    /// Makes these the values of a list; none takes the list away.
    ReplaceList {
        path: Path,
        values: Vec<Value>,
    },
    /// Adds those that are not there yet.
    Append {
        path: Path,
        values: Vec<Value>,
    },
    /// Takes these values out of a list.
    RemoveValues {
        path: Path,
        values: Vec<Value>,
    },
    /// Changes the values of a list that satisfy a filter, all where there is none.
    Matching {
        path: Path,
        filter: Option<Filter>,
        change: Change,
    },
    /// Takes a whole extension away.
    DropExtension(&'static str),
    Password(Option<Secret>),
    Members(MemberStep),
}

/// What happens to a value of a list.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// Gains these parts. Where no value is concerned, one is made of them and the filter's equalities.
    Add(Map<String, Value>),
    /// Gets these parts, others stay; some value must be concerned.
    Merge(Map<String, Value>),
    /// Becomes this; some value must be concerned.
    Replace(Map<String, Value>),
    /// Loses a part, and goes if it was the last.
    RemovePart(&'static str),
    /// Goes.
    Remove,
}

#[derive(Debug, Clone, PartialEq)]
enum MemberStep {
    Add(Vec<Member>),
    Remove(Vec<String>),
    Replace(Vec<Member>),
    /// Removes by a condition that only the members themselves can answer.
    RemoveWhere(Filter),
    /// Puts others in the place of those that satisfy a condition; some must.
    ReplaceWhere(Filter, Vec<Member>),
}

impl Patch {
    /// What it changes.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether [`Self::apply`] needs the members of the group: a condition other than on ids decides who goes.
    pub fn needs_members(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Members(MemberStep::RemoveWhere(_) | MemberStep::ReplaceWhere(..))))
    }

    /// Whether the membership may change.
    pub fn touches_members(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Members(_)))
    }
}
