//! Reading: JSON into any model, one driver for all.
//!
//! A document is checked once as a whole; its parts are slices of the text (`RawValue`), so that what
//! fits nowhere is kept by copying the slice.
//!
//! Of a member that stands twice in an object the last value counts and the others are lost: that is how most
//! readers of JSON have it, and no org sends such objects.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::warning::{Deviation, Found, Step, Warning, Warnings};
use crate::{Choice, Entries, Error, Forms, Items, Json, Mode, Number, Object, State, Union, Value, View, ViewMut};

/// How deep models may nest. What is deeper is kept as text.
const MAX_DEPTH: usize = 96;

/// Reads a whole document.
pub(crate) fn document(value: &mut dyn Value, json: &[u8], mode: Mode) -> Result<Vec<Warning>, Error> {
    let raw: &RawValue = serde_json::from_slice(json).map_err(Error::Syntax)?;
    let mut reader = Reader::default();
    if !reader.value(value, raw) {
        return Err(Error::Kind { expected: value.view().expected(), found: Found::of(raw.get()).in_words() });
    }
    let warnings = reader.warnings.into_vec();
    if mode == Mode::Strict && !warnings.is_empty() {
        return Err(Error::Deviations(warnings));
    }
    Ok(warnings)
}

/// Reads one value; `false` if it does not fit. What deviates inside it is tolerated.
pub(crate) fn value(value: &mut dyn Value, json: &Json) -> bool {
    Reader::default().value(value, json.raw())
}

/// An object's members in order, with their names unescaped.
type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

#[derive(Default)]
struct Reader<'a> {
    path: Vec<Step<'a>>,
    warnings: Warnings,
}

impl<'a> Reader<'a> {
    /// Reads a value; `false` if it does not fit, and then its content is arbitrary.
    fn value(&mut self, value: &mut dyn Value, raw: &'a RawValue) -> bool {
        let text = raw.get();
        match value.view_mut() {
            ViewMut::Object(object) => {
                members(text).is_some_and(|members| self.guarded(|reader| reader.object(object, members)))
            }
            ViewMut::Union(union) => self.guarded(|reader| reader.union(union, raw, members(text))),
            ViewMut::Choice(choice) => string(text).is_some_and(|text| self.choice(choice, &text)),
            ViewMut::List(list) => {
                elements(text).is_some_and(|elements| self.guarded(|reader| reader.list(list, &elements)))
            }
            ViewMut::Map(map) => members(text).is_some_and(|members| self.guarded(|reader| reader.map(map, members))),
            ViewMut::Text(target) => set(target, string(text).map(Cow::into_owned)),
            ViewMut::Secret(target) => set(target, string(text).map(|text| crate::Secret::new(text.into_owned()))),
            ViewMut::Boolean(target) => set(target, scalar(text)),
            ViewMut::Integer(target) => set(target, scalar(text)),
            ViewMut::Number(target) => set(target, Number::from_raw(raw)),
            ViewMut::Json(target) => set(target, Some(Json::from_raw(raw))),
        }
    }

    /// Refuses to go deeper than the stack allows.
    fn guarded(&mut self, read: impl FnOnce(&mut Self) -> bool) -> bool {
        self.path.len() < MAX_DEPTH && read(self)
    }

    fn choice(&mut self, choice: &mut dyn Choice, text: &str) -> bool {
        let known = choice.values().iter().position(|value| *value == text);
        if known.is_none() {
            self.warn(Deviation::UnknownValue(text.to_owned()));
        }
        choice.select(known.ok_or(text));
        true
    }

    fn object(&mut self, object: &mut dyn Object, members: Members<'a>) -> bool {
        let shape = object.shape();
        let mut near = 0;
        for (name, raw) in members {
            let Some(index) = shape.position(&name, near) else {
                if !shape.extensible {
                    self.at(Step::Member(name.clone()), |reader| reader.warn(Deviation::UnknownMember));
                }
                object.extra_mut().set(&name, Json::from_raw(raw));
                continue;
            };
            near = index + 1;
            let Some(slot) = object.slot_mut(index) else { continue };
            let member = &shape.members[index];
            let fits = self.at(Step::Member(Cow::Borrowed(member.name)), |reader| {
                if raw.get() == "null" {
                    slot.reset(true);
                    if !member.nullable {
                        reader.warn(Deviation::Null);
                    }
                    return true;
                }
                let fits = reader.element(slot.insert(), raw);
                if !fits {
                    slot.reset(false);
                }
                fits
            });
            if !fits {
                object.extra_mut().set(member.name, Json::from_raw(raw));
            }
        }
        self.missing(object);
        true
    }

    /// Warns of required members that are not there.
    fn missing(&mut self, object: &dyn Object) {
        for (index, member) in object.shape().members.iter().enumerate() {
            let is_absent = || matches!(object.slot(index).map(crate::Slot::state), Some(State::Absent));
            if member.required && is_absent() && object.extra().get(member.name).is_none() {
                self.at(Step::Member(Cow::Borrowed(member.name)), |reader| reader.warn(Deviation::Missing));
            }
        }
    }

    fn union(&mut self, union: &mut dyn Union, raw: &'a RawValue, members: Option<Members<'a>>) -> bool {
        let form = members.as_ref().and_then(|members| self.form(union, members));
        if form.is_some() || union.shape().has_common {
            return self.content(union.select(form), raw, members);
        }
        let before = self.warnings.len();
        for form in 0..union.shape().values.len() {
            let content = union.select(Some(form));
            let is_structure = matches!(content.view(), View::Object(_) | View::Union(_));
            if !is_structure && self.value(content, raw) {
                return true;
            }
            self.warnings.truncate(before);
        }
        self.warn(Deviation::NoForm);
        self.value(union.select(None), raw)
    }

    /// The form of an object: by the member that tells them apart, or else by the members it has.
    fn form(&mut self, union: &mut dyn Union, members: &Members<'a>) -> Option<usize> {
        let Forms { property, values, has_common, .. } = union.shape();
        // Of a member that stands twice the last counts, here as in the content.
        let tag = members.iter().rev().find(|(name, _)| name == property).and_then(|(_, raw)| string(raw.get()));
        let is_meant = |form: &usize| tag.as_ref().is_some_and(|tag| values[*form].contains(&&**tag));
        let meant: Vec<usize> = (0..values.len()).filter(is_meant).collect();
        if let [form] = meant.as_slice() {
            return Some(*form);
        }
        if meant.is_empty() && !property.is_empty() {
            let tag = tag.map(Cow::into_owned).unwrap_or_default();
            let step = Step::Member(Cow::Borrowed(property));
            self.at(step, |reader| reader.warn(Deviation::UnknownForm(tag)));
        }
        match meant.first() {
            Some(first) => most_known(union, meant.iter().copied(), members).or(Some(*first)),
            None if *has_common => None,
            None => most_known(union, 0..values.len(), members),
        }
    }

    /// Reads the content of a form, whose members were taken apart already.
    fn content(&mut self, content: &mut dyn Value, raw: &'a RawValue, members: Option<Members<'a>>) -> bool {
        match (content.view_mut(), members) {
            (ViewMut::Object(object), Some(members)) => self.guarded(|reader| reader.object(object, members)),
            (ViewMut::Union(union), members @ Some(_)) => self.guarded(|reader| reader.union(union, raw, members)),
            _ => self.value(content, raw),
        }
    }

    fn list(&mut self, list: &mut dyn Items, elements: &[&'a RawValue]) -> bool {
        for (position, raw) in elements.iter().enumerate() {
            let fits = self.at(Step::Index(position), |reader| reader.element(list.push_blank(), raw));
            if !fits {
                list.drop_last();
                list.push_misfit(position, Json::from_raw(raw));
            }
        }
        true
    }

    fn map(&mut self, map: &mut dyn Entries, members: Members<'a>) -> bool {
        for (key, raw) in members {
            let fits = self.at(Step::Member(key.clone()), |reader| reader.element(map.insert_blank(&key), raw));
            if !fits {
                map.drop_key(&key);
                map.misfits_mut().set(&key, Json::from_raw(raw));
            }
        }
        true
    }

    /// Reads a part; warns if it does not fit.
    fn element(&mut self, value: &mut dyn Value, raw: &'a RawValue) -> bool {
        let fits = self.value(value, raw);
        if !fits {
            let expected = value.view().expected();
            self.warn(Deviation::WrongType { expected, found: Found::of(raw.get()) });
        }
        fits
    }

    fn at<R>(&mut self, step: Step<'a>, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push(step);
        let result = inside(self);
        self.path.pop();
        result
    }

    fn warn(&mut self, deviation: Deviation) {
        self.warnings.push(&self.path, deviation);
    }
}

fn set<T>(target: &mut T, value: Option<T>) -> bool {
    value.is_some_and(|value| {
        *target = value;
        true
    })
}

/// The form that knows most of the members; `None` if none knows any. The first wins a tie.
fn most_known(union: &mut dyn Union, forms: impl Iterator<Item = usize>, members: &Members<'_>) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for form in forms {
        let known = known_members(union.select(Some(form)), members);
        if known > best.map_or(0, |(_, known)| known) {
            best = Some((form, known));
        }
    }
    best.map(|(form, _)| form)
}

fn known_members(value: &mut dyn Value, members: &Members<'_>) -> usize {
    match value.view_mut() {
        ViewMut::Object(object) => {
            let is_given = |member: &&crate::Member| members.iter().any(|(name, _)| name == member.name);
            object.shape().members.iter().filter(is_given).count()
        }
        ViewMut::Union(union) => {
            let forms = 0..union.shape().values.len();
            forms.map(|form| known_members(union.select(Some(form)), members)).max().unwrap_or_default()
        }
        _ => 0,
    }
}

/// Whether two parts of documents are the same but for white space, escapes and the order of members.
pub(crate) fn mean_the_same(one: &RawValue, other: &RawValue) -> bool {
    are_alike(one.get(), other.get(), 0)
}

fn are_alike(one: &str, other: &str, depth: usize) -> bool {
    if one == other || depth == MAX_DEPTH {
        return one == other;
    }
    let part = |one: &RawValue, other: &RawValue| are_alike(one.get(), other.get(), depth + 1);
    if let (Some(one), Some(other)) = (members(one), members(other)) {
        // The last of several members of one name counts.
        let twin = |name: &str| other.iter().rev().find(|(known, _)| known == name).map(|(_, raw)| *raw);
        return one.iter().all(|(name, raw)| twin(name).is_some_and(|twin| part(raw, twin)))
            && other.iter().all(|(name, _)| one.iter().any(|(known, _)| known == name));
    }
    if let (Some(one), Some(other)) = (elements(one), elements(other)) {
        return one.len() == other.len() && one.iter().zip(&other).all(|(one, other)| part(one, other));
    }
    matches!((string(one), string(other)), (Some(one), Some(other)) if one == other)
}

/// A text, if the JSON is one.
fn string(text: &str) -> Option<Cow<'_, str>> {
    if !text.starts_with('"') {
        return None;
    }
    serde_json::from_str::<Name<'_>>(text).ok().map(|name| name.0)
}

fn scalar<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn members(text: &str) -> Option<Members<'_>> {
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str::<Parts<'_>>(text).ok().map(|parts| parts.0)
}

fn elements(text: &str) -> Option<Vec<&RawValue>> {
    if !text.starts_with('[') {
        return None;
    }
    serde_json::from_str::<Elements<'_>>(text).ok().map(|elements| elements.0)
}

/// Text, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor).map(Self)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct Parts<'a>(Members<'a>);

impl<'de> Deserialize<'de> for Parts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartsVisitor).map(Self)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some((Name(name), raw)) = map.next_entry()? {
            members.push((name, raw));
        }
        Ok(members)
    }
}

struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor).map(Self)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}
