//! What an update must say.

use crate::write::{is_free, json};
use crate::{Json, Object, State, Union, Value, View};

/// The least JSON that turns `original` into `value`; `None` if nothing changed.
pub(crate) fn changes(value: &dyn Value, original: &dyn Value) -> Option<Json> {
    let change = match (value.view(), original.view()) {
        (View::Object(value), View::Object(original)) => object(value, original),
        (View::Union(value), View::Union(original)) if value.form().0 == original.form().0 => union(value, original),
        _ => Change::whole(value, original),
    };
    match change {
        Change::Nothing => None,
        Change::Whole => Some(json(value)),
        Change::Members(members) => Some(crate::write::members(&members)),
    }
}

enum Change<'a> {
    Nothing,
    Whole,
    Members(Vec<(&'a str, Json)>),
}

impl Change<'_> {
    fn whole(value: &dyn Value, original: &dyn Value) -> Self {
        if crate::compare::equal(value, original) { Self::Nothing } else { Self::Whole }
    }
}

fn object<'a>(value: &'a dyn Object, original: &dyn Object) -> Change<'a> {
    let mut members = Vec::new();
    for (index, member) in value.shape().members.iter().enumerate().filter(|(_, member)| !member.read_only) {
        let (Some(slot), Some(before)) = (value.slot(index), original.slot(index)) else { continue };
        let change = match (slot.state(), before.state()) {
            (State::Absent, _) | (State::Null, State::Null) => None,
            (State::Null, _) => Some(Json::null()),
            (State::Value(value), State::Value(original)) => changes(value, original),
            (State::Value(value), _) => Some(json(value)),
        };
        members.extend(change.map(|json| (member.name, json)));
    }
    let changed = |(name, json): &(&str, &Json)| is_free(value, name) && original.extra().get(name) != Some(*json);
    members.extend(value.extra().iter().filter(changed).map(|(name, json)| (name, json.clone())));
    if members.is_empty() { Change::Nothing } else { Change::Members(members) }
}

/// The changes of a union's content, with the member that tells its form.
fn union<'a>(value: &'a dyn Union, original: &dyn Union) -> Change<'a> {
    let (_, content) = value.form();
    let (View::Object(content), View::Object(original)) = (content.view(), original.form().1.view()) else {
        return Change::whole(content, original.form().1);
    };
    let change = object(content, original);
    let property = value.shape().property;
    match change {
        Change::Members(mut members) if !property.is_empty() && members.iter().all(|(name, _)| *name != property) => {
            members.splice(0..0, crate::attributes::get(content, property).map(|tag| (property, tag)));
            Change::Members(members)
        }
        change => change,
    }
}
