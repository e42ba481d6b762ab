//! Group rules: who is put into which groups without anyone's doing.

mod apply;
mod expression;
mod serve;

use std::collections::BTreeSet;

use crate::http::Handler;
use crate::store::{GroupNumber, Id, Stamp, UserNumber};

pub(crate) use apply::{claim, evaluate_user, invalidate};
use expression::Expression;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listGroupRules", Handler::Read(serve::list)),
    ("createGroupRule", Handler::Write(serve::create)),
    ("getGroupRule", Handler::Read(serve::get)),
    ("replaceGroupRule", Handler::Write(serve::replace)),
    ("deleteGroupRule", Handler::Write(serve::delete)),
    ("activateGroupRule", Handler::Write(serve::activate)),
    ("deactivateGroupRule", Handler::Write(serve::deactivate)),
];

/// Whether a rule works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleStatus {
    Inactive,
    Active,
    /// A group that it assigns is gone.
    Invalid,
}

/// One rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) status: RuleStatus,
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    text: String,
    expression: Expression,
    excluded_users: Vec<String>,
    group_ids: Vec<Id>,
    /// Memberships that exist because of the rule; those made by hand are not among them.
    made: BTreeSet<(GroupNumber, UserNumber)>,
}
