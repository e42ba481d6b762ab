//! Equality, copies and printing of any model, one driver for each.

use std::fmt;

use crate::{Object, State, Value, View, ViewMut};

/// Whether two values are the same.
pub(crate) fn equal(one: &dyn Value, other: &dyn Value) -> bool {
    match (one.view(), other.view()) {
        (View::Object(one), View::Object(other)) => objects_equal(one, other),
        (View::Union(one), View::Union(other)) => {
            let ((form, content), (other_form, other_content)) = (one.form(), other.form());
            form == other_form && equal(content, other_content)
        }
        (View::Choice(one), View::Choice(other)) => one.text() == other.text(),
        (View::List(one), View::List(other)) => {
            let items = (0..one.count()).map(|index| (one.item(index), other.item(index)));
            one.count() == other.count()
                && one.misfits() == other.misfits()
                && items.into_iter().all(|pair| matches!(pair, (Some(one), Some(other)) if equal(one, other)))
        }
        (View::Map(one), View::Map(other)) => {
            let mut entries = (0..one.count()).filter_map(|index| one.entry(index));
            one.count() == other.count()
                && one.misfits() == other.misfits()
                && entries.all(|(key, value)| other.find(key).is_some_and(|other| equal(value, other)))
        }
        (View::Text(one), View::Text(other)) | (View::Secret(one), View::Secret(other)) => one == other,
        (View::Boolean(one), View::Boolean(other)) => one == other,
        (View::Integer(one), View::Integer(other)) => one == other,
        (View::Number(one), View::Number(other)) => one == other,
        (View::Json(one), View::Json(other)) => one == other,
        _ => false,
    }
}

fn objects_equal(one: &dyn Object, other: &dyn Object) -> bool {
    let shape = one.shape();
    let same_member = |index| match (one.slot(index)?.state(), other.slot(index)?.state()) {
        (State::Absent, State::Absent) | (State::Null, State::Null) => Some(true),
        (State::Value(one), State::Value(other)) => Some(equal(one, other)),
        _ => Some(false),
    };
    std::ptr::eq(shape, other.shape())
        && one.extra() == other.extra()
        && (0..shape.members.len()).all(|index| same_member(index) == Some(true))
}

/// Copies an object into a blank one of the same type.
pub(crate) fn copy_object(from: &dyn Object, to: &mut dyn Object) {
    for index in 0..from.shape().members.len() {
        if let (Some(source), Some(target)) = (from.slot(index), to.slot_mut(index)) {
            match source.state() {
                State::Absent => {}
                State::Null => target.reset(true),
                State::Value(value) => copy(value, target.insert()),
            }
        }
    }
    to.extra_mut().clone_from(from.extra());
}

/// Copies a value into a blank one of the same type.
pub(crate) fn copy(from: &dyn Value, to: &mut dyn Value) {
    match (from.view(), to.view_mut()) {
        (View::Object(from), ViewMut::Object(to)) => copy_object(from, to),
        (View::Union(from), ViewMut::Union(to)) => {
            let (form, content) = from.form();
            copy(content, to.select(form));
        }
        (View::Choice(from), ViewMut::Choice(to)) => {
            let text = from.text();
            to.select(from.values().iter().position(|value| *value == text).ok_or(text));
        }
        (View::List(from), ViewMut::List(to)) => {
            for item in (0..from.count()).filter_map(|index| from.item(index)) {
                copy(item, to.push_blank());
            }
            for (position, element) in from.misfits() {
                to.push_misfit(*position, element.clone());
            }
        }
        (View::Map(from), ViewMut::Map(to)) => {
            for (key, value) in (0..from.count()).filter_map(|index| from.entry(index)) {
                copy(value, to.insert_blank(key));
            }
            to.misfits_mut().clone_from(from.misfits());
        }
        (View::Text(from), ViewMut::Text(to)) => from.clone_into(to),
        (View::Secret(from), ViewMut::Secret(to)) => *to = crate::Secret::new(from.to_owned()),
        (View::Boolean(from), ViewMut::Boolean(to)) => *to = from,
        (View::Integer(from), ViewMut::Integer(to)) => *to = from,
        (View::Number(from), ViewMut::Number(to)) => to.clone_from(from),
        (View::Json(from), ViewMut::Json(to)) => to.clone_from(from),
        // Both are of one type, so that there is no other pair.
        _ => {}
    }
}

impl PartialEq for dyn Value {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other)
    }
}

impl fmt::Debug for dyn Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self, f)
    }
}

/// Prints a value: members that are there, secrets hidden.
pub(crate) fn debug(value: &dyn Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value.view() {
        View::Object(object) => debug_object(object, f),
        View::Union(union) => debug(union.form().1, f),
        View::Choice(choice) => f.write_str(choice.text()),
        View::List(list) => {
            let items = (0..list.count()).filter_map(|index| list.item(index));
            f.debug_list().entries(items).entries(list.misfits().iter().map(|(_, json)| json)).finish()
        }
        View::Map(map) => {
            let entries = (0..map.count()).filter_map(|index| map.entry(index));
            f.debug_map().entries(entries).entries(map.misfits().iter()).finish()
        }
        View::Text(text) => fmt::Debug::fmt(text, f),
        View::Secret(_) => f.write_str(HIDDEN),
        View::Boolean(value) => fmt::Display::fmt(&value, f),
        View::Integer(value) => fmt::Display::fmt(&value, f),
        View::Number(value) => fmt::Display::fmt(value, f),
        View::Json(value) => fmt::Display::fmt(value, f),
    }
}

const HIDDEN: &str = "***";

fn debug_object(object: &dyn Object, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shape = object.shape();
    let mut out = f.debug_struct(shape.name);
    for (index, member) in shape.members.iter().enumerate() {
        match object.slot(index).map(crate::Slot::state) {
            None | Some(State::Absent) => {}
            Some(State::Null) => {
                out.field(member.name, &format_args!("null"));
            }
            Some(State::Value(_)) if member.secret => {
                out.field(member.name, &format_args!("{HIDDEN}"));
            }
            Some(State::Value(value)) => {
                out.field(member.name, &value);
            }
        }
    }
    for (name, json) in object.extra().iter() {
        let is_secret = shape.position(name, 0).is_some_and(|index| shape.members[index].secret);
        if is_secret {
            out.field(name, &format_args!("{HIDDEN}"));
        } else {
            out.field(name, json);
        }
    }
    out.finish()
}
