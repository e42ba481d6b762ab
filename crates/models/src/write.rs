//! Writing: any model into JSON, one driver for all.

use crate::{Entries, Items, Json, Object, State, Value, View};

/// The JSON of a value.
pub(crate) fn document(value: &dyn Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    self::value(value, &mut out);
    out
}

/// The JSON of a value, kept as such.
pub(crate) fn json(value: &dyn Value) -> Json {
    kept(document(value))
}

/// An object of the members given.
pub(crate) fn members(members: &[(&str, Json)]) -> Json {
    let mut out = Vec::new();
    let mut object = Separated::open(b'{', &mut out);
    for (name, json) in members {
        object.key(name);
        raw(json.as_str(), object.out);
    }
    object.close(b'}');
    kept(out)
}

fn kept(json: Vec<u8>) -> Json {
    // What is written here is JSON, and JSON is UTF-8.
    String::from_utf8(json).ok().and_then(|text| Json::parse(text).ok()).unwrap_or_else(Json::null)
}

fn value(value: &dyn Value, out: &mut Vec<u8>) {
    match value.view() {
        View::Object(object) => self::object(object, out),
        View::Union(union) => self::value(union.form().1, out),
        View::Choice(choice) => text(choice.text(), out),
        View::List(list) => self::list(list, out),
        View::Map(map) => self::map(map, out),
        View::Text(value) | View::Secret(value) => text(value, out),
        View::Boolean(value) => raw(if value { "true" } else { "false" }, out),
        View::Integer(value) => raw(&value.to_string(), out),
        View::Number(value) => raw(&value.to_string(), out),
        View::Json(value) => raw(value.as_str(), out),
    }
}

fn object(object: &dyn Object, out: &mut Vec<u8>) {
    let mut members = Separated::open(b'{', out);
    for (index, member) in object.shape().members.iter().enumerate() {
        match object.slot(index).map(crate::Slot::state) {
            None | Some(State::Absent) => {}
            Some(State::Null) => {
                members.key(member.name);
                raw("null", members.out);
            }
            Some(State::Value(value)) => {
                members.key(member.name);
                self::value(value, members.out);
            }
        }
    }
    // A value that did not fit gives way to one that was set since.
    for (name, json) in object.extra().iter().filter(|(name, _)| is_free(object, name)) {
        members.key(name);
        raw(json.as_str(), members.out);
    }
    members.close(b'}');
}

/// Whether no known member of this name is there.
pub(crate) fn is_free(object: &dyn Object, name: &str) -> bool {
    let index = object.shape().position(name, 0);
    let slot = index.and_then(|index| object.slot(index));
    slot.is_none_or(|slot| matches!(slot.state(), State::Absent))
}

fn list(list: &dyn Items, out: &mut Vec<u8>) {
    let mut elements = Separated::open(b'[', out);
    let mut misfits = list.misfits().iter().peekable();
    let mut position = 0;
    let mut items = (0..list.count()).filter_map(|index| list.item(index));
    loop {
        if let Some((_, json)) = misfits.next_if(|(at, _)| *at <= position) {
            elements.next();
            raw(json.as_str(), elements.out);
        } else if let Some(item) = items.next() {
            elements.next();
            value(item, elements.out);
        } else if let Some((_, json)) = misfits.next() {
            elements.next();
            raw(json.as_str(), elements.out);
        } else {
            break;
        }
        position += 1;
    }
    elements.close(b']');
}

fn map(map: &dyn Entries, out: &mut Vec<u8>) {
    let mut members = Separated::open(b'{', out);
    for (key, value) in (0..map.count()).filter_map(|index| map.entry(index)) {
        members.key(key);
        self::value(value, members.out);
    }
    for (key, json) in map.misfits().iter().filter(|(key, _)| map.find(key).is_none()) {
        members.key(key);
        raw(json.as_str(), members.out);
    }
    members.close(b'}');
}

/// Elements with commas between them.
struct Separated<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> Separated<'a> {
    fn open(bracket: u8, out: &'a mut Vec<u8>) -> Self {
        out.push(bracket);
        Self { out, is_first: true }
    }

    fn next(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    fn key(&mut self, name: &str) {
        self.next();
        text(name, self.out);
        self.out.push(b':');
    }

    fn close(self, bracket: u8) {
        self.out.push(bracket);
    }
}

fn raw(json: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(json.as_bytes());
}

fn text(text: &str, out: &mut Vec<u8>) {
    // Writing into a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}
