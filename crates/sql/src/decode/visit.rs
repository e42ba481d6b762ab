//! Serde visitors that drive a page into the builders.

use std::collections::BTreeMap;
use std::fmt;

use oktant_catalog::ListShape;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::builder::{ColumnBuilder, Scalar, Taken};
use super::secret;
use super::trie::{Node, Taker};
use super::{Body, Texts};

/// The builders and the row that they are at.
pub(super) struct RowState<'a> {
    builders: &'a mut [ColumnBuilder],
    row: usize,
    texts: Texts,
    mismatches: BTreeMap<usize, u64>,
}

impl<'a> RowState<'a> {
    pub(super) fn new(builders: &'a mut [ColumnBuilder], texts: Texts) -> Self {
        Self { builders, row: 0, texts, mismatches: BTreeMap::new() }
    }

    /// Rows read, and how many values of each slot were left out.
    pub(super) fn finish(self) -> (usize, BTreeMap<usize, u64>) {
        (self.row, self.mismatches)
    }

    fn end_row(&mut self) {
        self.row += 1;
        for builder in self.builders.iter_mut().filter(|builder| builder.len() < self.row) {
            builder.append_null();
        }
    }

    /// Whether the slot still waits for its value in this row. A repeated member, or the second of
    /// several places, must not add a second value.
    fn is_open(&self, slot: usize) -> bool {
        self.builders[slot].len() == self.row
    }

    fn put(&mut self, takers: &[Taker], value: Scalar<'_>) {
        for taker in takers {
            if !self.is_open(taker.slot) {
                continue;
            }
            let builder = &mut self.builders[taker.slot];
            if self.texts.empty_as_null && matches!(value, Scalar::Text("")) {
                builder.append_null();
                continue;
            }
            let value = match value {
                Scalar::Text(text) if taker.url_tail => Scalar::Text(tail(text)),
                other => other,
            };
            if builder.append(value) == Taken::Mismatch {
                *self.mismatches.entry(taker.slot).or_default() += 1;
            }
        }
    }

    fn put_json(&mut self, takers: &[Taker], json: &str) {
        for taker in takers {
            if !self.is_open(taker.slot) {
                continue;
            }
            // A builder of another type ignores it.
            if self.texts.mask_secrets {
                self.builders[taker.slot].append_json(&secret::masked(json));
            } else {
                self.builders[taker.slot].append_json(json);
            }
        }
    }

    fn put_mismatch(&mut self, takers: &[Taker]) {
        for taker in takers.iter().filter(|taker| !self.builders[taker.slot].is_json()) {
            if self.is_open(taker.slot) {
                *self.mismatches.entry(taker.slot).or_default() += 1;
            }
        }
    }

    fn wants_json(&self, node: &Node) -> bool {
        node.takers.iter().any(|taker| self.builders[taker.slot].is_json())
    }
}

/// What follows the last slash of a URL.
fn tail(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or(url)
}

/// A whole body.
pub(super) struct Page<'n> {
    pub(super) root: &'n Node,
    pub(super) shape: Body,
}

impl Page<'_> {
    pub(super) fn read<'de, D: Deserializer<'de>>(&self, json: D, state: &mut RowState<'_>) -> Result<(), D::Error> {
        match self.shape {
            Body::List(ListShape::Wrapped { items, .. }) => {
                json.deserialize_map(Wrapper { items, root: self.root, state })
            }
            Body::List(ListShape::Array) => json.deserialize_seq(Rows { root: self.root, state }),
            Body::List(ListShape::None) | Body::Single => Row { root: self.root, state }.deserialize(json),
        }
    }
}

struct Wrapper<'n, 's, 'b> {
    items: &'static str,
    root: &'n Node,
    state: &'s mut RowState<'b>,
}

impl<'de> Visitor<'de> for Wrapper<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the list \"{}\"", self.items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == self.items {
                found = true;
                map.next_value_seed(Rows { root: self.root, state: self.state })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field(self.items)) }
    }
}

struct Rows<'n, 's, 'b> {
    root: &'n Node,
    state: &'s mut RowState<'b>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Row { root: self.root, state: self.state })?.is_some() {}
        Ok(())
    }
}

struct Row<'n, 's, 'b> {
    root: &'n Node,
    state: &'s mut RowState<'b>,
}

impl<'de> DeserializeSeed<'de> for Row<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        Member { node: self.root, state: self.state }.deserialize(json)?;
        self.state.end_row();
        Ok(())
    }
}

/// A value that some column needs, or that leads to one.
struct Member<'n, 's, 'b> {
    node: &'n Node,
    state: &'s mut RowState<'b>,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if !self.state.wants_json(self.node) {
            return json.deserialize_any(self);
        }
        // The text goes to the JSON column; what lies inside it is read from the text again.
        let raw = <&RawValue as serde::Deserialize>::deserialize(json)?.get();
        if raw == "null" {
            return Ok(());
        }
        self.state.put_json(&self.node.takers, raw);
        let elsewhere = self.node.takers.iter().any(|taker| !self.state.builders[taker.slot].is_json());
        if self.node.children.is_empty() && !elsewhere {
            return Ok(());
        }
        serde_json::Deserializer::from_str(raw).deserialize_any(self).map_err(D::Error::custom)
    }
}

macro_rules! scalar {
    ($($method:ident: $type:ty => $variant:ident),* $(,)?) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<(), E> {
            self.state.put(&self.node.takers, Scalar::$variant(value));
            Ok(())
        })*
    };
}

impl<'de> Visitor<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    scalar! {
        visit_bool: bool => Boolean,
        visit_i64: i64 => Signed,
        visit_u64: u64 => Unsigned,
        visit_f64: f64 => Float,
        visit_str: &str => Text,
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        // Absent and null are both NULL, which the end of the row fills in.
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.state.put_mismatch(&self.node.takers);
        while let Some(child) = map.next_key_seed(Find(self.node))? {
            match child {
                Some(node) => map.next_value_seed(Member { node, state: &mut *self.state })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.state.put_mismatch(&self.node.takers);
        for index in 0.. {
            let more = match self.node.element(index) {
                Some(node) => list.next_element_seed(Member { node, state: &mut *self.state })?.is_some(),
                None => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// Finds the child that a member's name leads to, without keeping the name.
struct Find<'n>(&'n Node);

impl<'de, 'n> DeserializeSeed<'de> for Find<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Find<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(name))
    }
}
