//! Why a user has the access they have.

use serde::Serialize;
use serde_json::Value as Json;

use crate::error::Error;
use crate::expression::Value;
use crate::plan::{Change, Plan};
use crate::source::{DesiredUser, Goal};

/// Everything that decides about one user.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Okta id.
    pub okta_id: String,
    /// Login in the org.
    pub login: String,
    /// `direct`, `group` or `none`.
    pub assignment: &'static str,
    /// Whether the account is to be active; `None` if it is left as it is.
    pub active: Option<bool>,
    /// Id at the target, if there is an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// What stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Each attribute, where it comes from and what is there.
    pub values: Vec<ExplainedValue>,
    /// Each pushed group, and the ways that lead into it.
    pub groups: Vec<ExplainedGroup>,
    /// Ids of the entries of the plan that concern the user.
    pub pending: Vec<String>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedValue {
    /// Path at the target.
    pub attribute: String,
    /// Expression of the mapping.
    pub expression: String,
    /// Its value.
    pub value: Json,
    /// What the target has.
    pub at_target: Json,
    /// What was last sent; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Json>,
}

/// One pushed group that the user belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedGroup {
    /// Name at the target.
    pub name: String,
    /// Ways by names, such as `Engineering > Backend`.
    pub paths: Vec<String>,
    /// Whether the target has the user in it.
    pub at_target: bool,
}

impl Plan {
    /// The desired user who is known by an Okta id, a login or a user name.
    pub(crate) fn find_user(&self, who: &str) -> Option<u32> {
        let desired = &self.world.desired;
        desired.by_id.get(who).copied().or_else(|| {
            let is_it =
                |user: &DesiredUser| user.login.eq_ignore_ascii_case(who) || user.user_name().eq_ignore_ascii_case(who);
            desired.users.iter().position(is_it).map(|position| position as u32)
        })
    }
}

/// Explains the user who is known by `who`.
pub(crate) fn explain(plan: &Plan, who: &str) -> Result<Explanation, Error> {
    let Some(user) = plan.find_user(who) else { return ended(plan, who) };
    let world = &plan.world;
    let desired = &world.desired.users[user as usize];
    let applied = world.applied.users.get(&desired.okta_id);
    let position = world.links[user as usize];
    let there = position.map(|position| &world.actual.users[position as usize]);
    let values = world.config.mappings.iter().enumerate().map(|(index, mapping)| ExplainedValue {
        attribute: mapping.path.to_string(),
        expression: mapping.expression.text().to_owned(),
        value: desired.values[index].to_json(),
        at_target: there.map_or(Json::Null, |there| there.value(index).to_json()),
        last_sent: applied.and_then(|applied| applied.sent[index].as_ref()).map(Value::to_json),
    });
    let mut groups = Vec::new();
    for (index, group) in world.desired.groups.iter().enumerate() {
        let ways = group.sources.iter().filter(|part| part.members.binary_search(&user).is_ok());
        let paths: Vec<String> = ways.map(|part| part.path.join(" > ")).collect();
        let there = world.group_links[index].map(|group| &world.actual.groups[group as usize]);
        let at_target =
            there.zip(position).is_some_and(|(there, position)| there.members.binary_search(&position).is_ok());
        if !paths.is_empty() || at_target {
            groups.push(ExplainedGroup { name: group.name.to_string(), paths, at_target });
        }
    }
    Ok(Explanation {
        okta_id: desired.okta_id.to_string(),
        login: desired.login.to_string(),
        assignment: if desired.by_group { "group" } else { "direct" },
        active: match desired.goal {
            Goal::Active => Some(true),
            Goal::Inactive => Some(false),
            Goal::Untouched => None,
        },
        target_id: there.map(|there| there.scim_id.to_string()),
        problem: desired.problem.as_deref().filter(|_| desired.is_active()).map(str::to_owned),
        values: values.collect(),
        groups,
        pending: pending(plan, user, &desired.okta_id),
    })
}

/// Someone who was provisioned and is assigned no longer.
fn ended(plan: &Plan, who: &str) -> Result<Explanation, Error> {
    let world = &plan.world;
    let by_name = world.actual.user_named(who).map(|position| &*world.actual.users[position as usize].scim_id);
    let known =
        world.applied.users.iter().find(|(okta_id, user)| &***okta_id == who || Some(&*user.scim_id) == by_name);
    let (okta_id, known) = known.ok_or_else(|| Error::UnknownUser(who.to_owned()))?;
    let is_it = |change: &&Change| match change {
        Change::DeactivateUser { okta_id: ended, .. } | Change::DeleteUser { okta_id: ended, .. } => ended == okta_id,
        _ => false,
    };
    let pending = plan.changes.iter().filter(is_it).map(|change| format!("{}:{okta_id}", change.kinds()[0]));
    Ok(Explanation {
        okta_id: okta_id.to_string(),
        login: who.to_owned(),
        assignment: "none",
        active: Some(false),
        target_id: Some(known.scim_id.to_string()),
        problem: None,
        values: Vec::new(),
        groups: Vec::new(),
        pending: pending.collect(),
    })
}

fn pending(plan: &Plan, user: u32, okta_id: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for change in &plan.changes {
        match change {
            Change::CreateUser { user: it }
            | Change::AdoptUser { user: it, .. }
            | Change::UpdateUser { user: it, .. }
            | Change::ReactivateUser { user: it, .. }
                if *it == user =>
            {
                ids.push(format!("{}:{okta_id}", change.kinds()[0]));
            }
            Change::DeactivateUser { okta_id: it, .. } | Change::Blocked { okta_id: it, .. } if **it == *okta_id => {
                ids.push(format!("{}:{okta_id}", change.kinds()[0]));
            }
            Change::Members(members) if members.add.contains(&user) => {
                ids.push(format!("add_members:{}", plan.world.desired.groups[members.group as usize].okta_id));
            }
            _ => {}
        }
    }
    ids
}
