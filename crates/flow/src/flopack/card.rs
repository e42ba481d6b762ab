//! A card of a flopack in normal form: as in the file, but with fields by name in place of drawn
//! identifiers, without wires, and without what an editor makes anew.

#![expect(clippy::needless_pass_by_value, reason = "JSON values are built to be put into others")]

use serde_json::{Map, Value, json};

use crate::model::{Address, Base, Slot, Type};
use crate::names;

/// Keys of `node.model` that hold the fields of a card.
pub(super) const SIDES: [&str; 2] = ["inputs", "outputs"];

/// The name of a field in normal form.
pub(super) fn field_name(slot: &Slot) -> String {
    match &slot.group {
        Some(group) => format!("{group} / {}", slot.key),
        None => slot.key.clone(),
    }
}

/// What a card is written with before anything that was kept is laid over it.
pub(super) struct Card {
    pub(super) uuid: String,
    pub(super) address: Address,
    pub(super) title: String,
    pub(super) displayed: bool,
    pub(super) mirrored: bool,
    pub(super) connection: Option<String>,
    pub(super) policy: Value,
    pub(super) comments: Option<Value>,
    pub(super) inputs: Vec<(String, Value)>,
    pub(super) outputs: Vec<(String, Value)>,
}

impl Card {
    pub(super) fn new(uuid: String, address: Address, title: &str) -> Self {
        Self {
            uuid,
            address,
            title: title.to_owned(),
            displayed: true,
            mirrored: false,
            connection: None,
            policy: json!({"type": "finish"}),
            comments: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Adds an input; `side` facts that only inputs have are set here.
    pub(super) fn input(&mut self, slot: &Slot, value: Value, required: bool, option: bool) {
        let mut field = self.field(0, slot, value);
        field["required"] = required.into();
        field["flags"] = if option { "p" } else { "d" }.into();
        field["metadata"]["index"] = self.inputs.len().into();
        let name = free_name(&self.inputs, field_name(slot));
        self.inputs.push((name, field));
    }

    /// Adds an output.
    pub(super) fn output(&mut self, slot: &Slot, value: Value) {
        let field = self.field(1, slot, value);
        let name = free_name(&self.outputs, field_name(slot));
        self.outputs.push((name, field));
    }

    /// An output for each input, as the cards have that hand on what they get.
    pub(super) fn mirror(&mut self) {
        self.mirrored = true;
        let inputs: Vec<_> = self.inputs.iter().map(|(_, field)| field.clone()).collect();
        for field in inputs {
            let text = |key: &str| field[key].as_str().map(str::to_owned);
            let slot = Slot { group: text("group"), key: text("key").unwrap_or_default() };
            self.output(&slot, field["value"].clone());
        }
    }

    fn field(&self, side: usize, slot: &Slot, value: Value) -> Value {
        let count = [&self.inputs, &self.outputs][side].len().to_string();
        let id = names::drawn(&[&self.uuid, SIDES[side], &field_name(slot), &count]);
        json!({"id": id, "group": slot.group, "key": slot.key, "value": value, "ref": false, "metadata": {}})
    }

    /// The card as JSON.
    pub(super) fn json(self) -> Value {
        let built_in = self.address.is_built_in();
        let fields = |fields: Vec<(String, Value)>| fields.into_iter().collect::<Map<_, _>>();
        let mut model = json!({
            "type": "method", "_v": 2, "key": self.address.operation(),
            "executable": !built_in, "displayed": self.displayed, "async": !built_in, "cooperative": false,
            "mirrored": self.mirrored, "inlined": false, "dependencies": [], "timeout": if built_in { 90000 } else { 30000 },
            "idempotent": false, "monitor": false, "webhook": false, "webhookList": false, "webhookConditions": false,
            "mobile": false, "hooks": {}, "runtime": {}, "policy": {"error": self.policy},
            "metadata": {"id": null, "name": self.title, "description": null}, "meta": {},
            "config": self.connection, "partnerChannelKeys": null,
            "inputs": {"extensible": false, "data": fields(self.inputs)},
            "outputs": {"extensible": false, "data": fields(self.outputs)},
        });
        if let Some(comments) = self.comments {
            model["comments"] = comments;
        }
        json!({
            "uuid": self.uuid, "address": full_address(&self.address),
            "node": {"key": self.address.operation(), "data": {"name": self.title}, "model": model},
        })
    }
}

fn free_name(taken: &[(String, Value)], name: String) -> String {
    let mut free = name.clone();
    let mut n = 1;
    while taken.iter().any(|(taken, _)| *taken == free) {
        n += 1;
        free = format!("{name} #{n}");
    }
    free
}

/// The address as a flopack writes it. Okta chooses the version of a connector itself.
fn full_address(address: &Address) -> String {
    let (module, operation) = (address.module(), address.operation());
    if address.is_built_in() {
        format!("root:kernel:{module}:0.0.1:{operation}")
    } else {
        format!("root:channels:http:{module}:1.0.0:{operation}")
    }
}

/// The address that a flopack writes.
pub(super) fn short_address(full: &str) -> Option<Address> {
    let parts: Vec<&str> = full.split(':').collect();
    match parts[..] {
        ["root", "kernel", module, _, operation] | ["root", "channels", "http", module, _, operation] => {
            format!("{module}:{operation}").parse().ok()
        }
        _ => None,
    }
}

/// `parents` of a card, which repeat its address.
pub(super) fn parents(full: &str) -> Value {
    let parent = |address: &str| {
        let key = address.rsplit(':').next().unwrap_or_default();
        json!({"address": address, "key": key, "data": {"name": key}})
    };
    let version = full.rsplit_once(':').map_or(full, |(version, _)| version);
    let channel = version.rsplit_once(':').map_or(version, |(channel, _)| channel);
    json!({"version": parent(version), "channel": parent(channel)})
}

/// A type as a flopack writes it.
fn write_base(base: Base) -> Value {
    Base::NAMES.iter().find(|(known, ..)| *known == base).map_or("object", |(_, _, name)| name).into()
}

/// A type that a flopack writes. One that declares the keys of an object is an object here.
pub(super) fn read_type(value: &Value) -> Type {
    let named = |name: &str| Base::NAMES.iter().find(|(_, _, known)| *known == name);
    let base = value["type"].as_str().and_then(named).map_or(Base::Object, |(base, ..)| *base);
    Type { base, list: value["collection"].as_bool().unwrap_or(false) }
}

/// What stands in a field that nobody filled in.
pub(super) fn placeholder(ty: Type) -> Value {
    match ty.base {
        _ if ty.list => json!([]),
        Base::Text | Base::Date => "".into(),
        Base::Number => 0.into(),
        Base::Boolean => false.into(),
        Base::Object => json!({}),
        Base::File | Base::Flow | Base::Folder => Value::Null,
    }
}

/// The value of a field.
pub(super) fn write_value(ty: Type, data: Value) -> Value {
    json!({"type": write_base(ty.base), "collection": ty.list, "data": data})
}

/// Takes from the fields of a card what an editor makes anew, and names them.
///
/// `drop` says which fields to leave out.
pub(super) fn normal_fields(card: &mut Value, drop: impl Fn(&Value) -> bool) {
    for side in SIDES {
        let Some(Value::Object(fields)) = card.pointer_mut(&format!("/node/model/{side}/data")) else { continue };
        let mut sorted: Vec<Value> = std::mem::take(fields).into_iter().map(|(_, field)| field).collect();
        sorted.sort_by_cached_key(field_index);
        let mut named: Vec<(String, Value)> = Vec::new();
        for mut field in sorted {
            if drop(&field) {
                continue;
            }
            strip_field(&mut field, side);
            let text = |key: &str| field[key].as_str().map(str::to_owned);
            let slot = Slot { group: text("group"), key: text("key").unwrap_or_default() };
            let name = free_name(&named, field_name(&slot));
            named.push((name, field));
        }
        *fields = named.into_iter().collect();
    }
}

/// Where a field stands on its card; those that do not say come last, and those that say the same
/// in the order of their identifiers.
pub(super) fn field_index(field: &Value) -> (i64, String) {
    let id = field["id"].as_str().unwrap_or_default();
    (field["metadata"]["index"].as_i64().unwrap_or(i64::MAX), id.to_owned())
}

fn strip_field(field: &mut Value, side: &str) {
    if let Some(field) = field.as_object_mut() {
        field.shift_remove("_used");
    }
    if let Some(metadata) = field.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("ghost");
        if side == "outputs" {
            metadata.shift_remove("index");
        }
    }
    if let Some(value) = field.get_mut("value").and_then(Value::as_object_mut) {
        value.shift_remove("available");
        value.shift_remove("error");
        for flag in ["check", "proxy"] {
            if value.get(flag) == Some(&Value::Bool(false)) {
                value.shift_remove(flag);
            }
        }
    }
}
