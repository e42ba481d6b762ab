//! From the graph to a flopack.

#![expect(clippy::needless_pass_by_value, reason = "JSON values are built to be put into others")]

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::FlopackError;
use super::card::{SIDES, parents, write_value};
use super::layout::{EVENT, FLOW, Ids, Layout, Place, Scope, Target};
use super::patch;
use crate::model::{Base, Conversion, Convert, Flow, Project, Reference, Slot, Type};
use crate::names;

/// The project as a flopack of version 1.5.0.
///
/// What was kept on import is laid over what the graph says, where the two still fit.
pub fn export(project: &Project) -> Result<Value, FlopackError> {
    let ids = Ids { project };
    let mut flows = Map::new();
    for flow in project.flows.values() {
        let written = Writer::new(flow, project, &ids).flow()?;
        flows.insert(ids.uuid("flow", flow.id.as_str()), written);
    }
    let mut pack = json!({
        "type": "flopack", "version": "1.5.0", "created": "1970-01-01T00:00:00.000Z",
        "flags": {"auto-transform": true, "looseBooleans": true, "looseStrings": true, "looseNulls": true},
        "data": {"flos": {}, "configs": {}, "tables": {}, "groups": {}},
    });
    if let Some(kept) = project.kept.0.get("pack") {
        patch::apply(&mut pack, kept);
    }
    pack["data"]["flos"] = sorted(flows);
    for (kind, key, objects) in objects(project, &ids) {
        let written = objects.into_iter().map(|(id, mut value)| {
            if let Some(kept) = project.kept.0.get(&format!("{kind}:{id}")) {
                patch::apply(&mut value, kept);
            }
            (ids.uuid(kind, &id), value)
        });
        pack["data"][key] = sorted(written.collect());
    }
    Ok(pack)
}

fn sorted(mut map: Map<String, Value>) -> Value {
    map.sort_keys();
    Value::Object(map)
}

/// What flows share, as a flopack writes it before anything kept is laid over it.
/// Their kind, their key in a pack, and each by its identifier.
type Objects = (&'static str, &'static str, Vec<(String, Value)>);

pub(super) fn objects(project: &Project, ids: &Ids<'_>) -> [Objects; 3] {
    let folder = |id: &Option<crate::model::FolderId>| id.as_ref().map(|id| ids.uuid("folder", id.as_str()));
    let configs = project.connections.values().map(|c| {
        let uuid = ids.uuid("connection", c.id.as_str());
        (c.id.to_string(), json!({"id": uuid, "name": c.name, "module": c.module, "data": null}))
    });
    let tables = project.tables.values().map(|table| {
        let column = |column: &crate::model::Column| {
            let name = COLUMN_TYPES.iter().find(|(base, _)| *base == column.ty).map_or("str", |(_, name)| name);
            json!({"name": column.name, "type": name, "default": column.default})
        };
        let structure: Vec<_> = table.columns.iter().map(column).collect();
        let value = json!({
            "id": ids.uuid("table", table.id.as_str()), "name": table.name, "description": table.description,
            "data": {"class": "simple", "group_id": folder(&table.folder), "structure": structure},
        });
        (table.id.to_string(), value)
    });
    let folders = project.folders.values().map(|f| {
        let mut path = Vec::new();
        let mut parent = f.parent.as_ref();
        while let Some(id) = parent.filter(|_| path.len() <= project.folders.len()) {
            path.insert(0, ids.uuid("folder", id.as_str()));
            parent = project.folders.get(id).and_then(|folder| folder.parent.as_ref());
        }
        let data = json!({"name": f.name, "description": f.description, "media_uri": "", "path": path.join(".")});
        (f.id.to_string(), json!({"id": ids.uuid("folder", f.id.as_str()), "data": data}))
    });
    [
        ("connection", "configs", configs.collect()),
        ("table", "tables", tables.collect()),
        ("folder", "groups", folders.collect()),
    ]
}

/// The types of columns with their names in flopacks.
pub(super) const COLUMN_TYPES: [(Base, &str); 4] =
    [(Base::Text, "str"), (Base::Number, "dec"), (Base::Boolean, "bln"), (Base::Date, "dte")];

/// The parts of a layout with what was kept laid over them.
pub(super) fn restore(layout: &mut Layout<'_>, flow: &Flow, project: &Project) {
    for (place, part) in &mut layout.parts {
        if let Some(common) = part["address"].as_str().and_then(|address| project.kept.0.get(&shared(address))) {
            patch::apply(part, common);
        }
        if let Some(kept) = flow.kept.0.get(place) {
            patch::apply(part, kept);
        }
    }
}

/// The key of what all cards of one address have in common.
pub(super) fn shared(full_address: &str) -> String {
    let short = super::card::short_address(full_address);
    format!("card:{}", short.map_or_else(|| full_address.to_owned(), |address| address.to_string()))
}

struct Writer<'a> {
    flow: &'a Flow,
    layout: Layout<'a>,
    /// Wires by the card they leave: output, card they enter, input and transform.
    pins: HashMap<Place, Vec<(String, String, Value)>>,
    joins: HashMap<Place, Value>,
    expands: HashMap<(Place, String), Place>,
}

/// Where a wire starts: a card and its output.
struct Start {
    card: Place,
    output: String,
    ty: Type,
}

impl<'a> Writer<'a> {
    fn new(flow: &'a Flow, project: &'a Project, ids: &Ids<'_>) -> Self {
        let mut layout = Layout::of(flow, ids);
        restore(&mut layout, flow, project);
        Self { flow, layout, pins: HashMap::new(), joins: HashMap::new(), expands: HashMap::new() }
    }

    fn refuse(&self, reason: String) -> FlopackError {
        FlopackError::Refused { flow: self.flow.name.clone(), reason }
    }

    fn flow(mut self) -> Result<Value, FlopackError> {
        if let Some(reason) = self.layout.refused.first() {
            return Err(self.refuse(reason.clone()));
        }
        for number in 0..self.layout.holes.len() {
            let (card, key, ty) = self.layout.holes[number].clone();
            self.add_input(&card, Slot::plain(key), ty, json!({"index": number + 1}));
        }
        for number in 0..self.layout.wires.len() {
            self.lay(number)?;
        }
        self.batch();
        self.join_tables();
        let mut written: Vec<Option<Value>> = Vec::new();
        for number in (0..self.layout.scopes.len()).rev() {
            let scope = std::mem::take(&mut self.layout.scopes[number]);
            let nested = self.scope(&scope);
            match &scope.parent {
                None => written.push(Some(nested)),
                Some((_, card)) => {
                    let model = self.layout.parts.get_mut(card).and_then(|card| card.pointer_mut("/node/model"));
                    let Some(model) = model else { continue };
                    match &scope.field {
                        Some(field) => model["inputs"]["data"][field]["value"]["data"] = nested,
                        None => model["policy"]["error"]["flo"] = nested,
                    }
                }
            }
        }
        written.pop().flatten().ok_or_else(|| self.refuse("it has no cards".to_owned()))
    }

    /// The wire of an event's list to the loop over it.
    fn batch(&mut self) {
        if let (Some(output), Some(input)) = (self.id(EVENT, 1, "collection"), self.id(super::layout::EACH, 0, "list"))
        {
            let card = self.uuid(super::layout::EACH);
            self.pins.entry(EVENT.to_owned()).or_default().push((
                output,
                card,
                json!({"input": input, "transform": null}),
            ));
        }
    }

    fn join_tables(&mut self) {
        for join in self.layout.joins.values() {
            let Some(fields) = self.layout.parts[join].pointer("/node/model").cloned() else { continue };
            let id = |side: usize, name: &str| fields[SIDES[side]]["data"][name]["id"].as_str().map(str::to_owned);
            let Some(outputs) = fields["outputs"]["data"].as_object() else { continue };
            let table: Map<String, Value> = outputs
                .keys()
                .filter_map(|name| Some((id(0, name)?, json!([{"output": id(1, name)?, "transform": null}]))))
                .collect();
            self.joins.insert(join.clone(), Value::Object(table));
        }
    }

    fn id(&self, place: &str, side: usize, name: &str) -> Option<String> {
        let card = self.layout.parts.get(place)?;
        card["node"]["model"][SIDES[side]]["data"].get(name)?["id"].as_str().map(str::to_owned)
    }

    fn uuid(&self, place: &str) -> String {
        self.layout.parts.get(place).and_then(|card| card["uuid"].as_str()).unwrap_or_default().to_owned()
    }

    fn fields(&mut self, place: &str, side: usize) -> Option<&mut Map<String, Value>> {
        self.layout.parts.get_mut(place)?["node"]["model"][SIDES[side]]["data"].as_object_mut()
    }

    fn lay(&mut self, number: usize) -> Result<(), FlopackError> {
        let wire = &self.layout.wires[number];
        let (scope, card, target, source, ty) =
            (wire.scope, wire.card.clone(), wire.field.clone(), wire.source, wire.ty);
        if matches!(target, Target::Term(_)) && !self.layout.homes.contains_key(&source.step) {
            // A term that compares with a card which is gone: written as it was found.
            return Ok(());
        }
        let start = self.start(scope, source, ty, &format!("{card} {number}"))?;
        let uuid = self.uuid(&card);
        let input = match target {
            Target::Field(name) => self.id(&card, 0, &name),
            Target::Placeholder(key) => self.id(&card, 0, &key),
            Target::Term(term) => Some(self.term(&card, term, &start, ty)),
        };
        let input = input.ok_or_else(|| self.refuse(format!("{card}: an input is lost")))?;
        let pin = json!({"input": input, "transform": transform(&start.output, source.convert)});
        let pins = self.pins.entry(start.card).or_default();
        let pin = (start.output, uuid, pin);
        if !pins.contains(&pin) {
            pins.push(pin);
        }
        Ok(())
    }

    fn add_input(&mut self, place: &str, slot: Slot, ty: Type, metadata: Value) -> String {
        let name = super::card::field_name(&slot);
        let id = names::drawn(&[&self.uuid(place), &name]);
        let mut value = write_value(ty, super::card::placeholder(ty));
        value["error"] = false.into();
        let field = json!({
            "id": id, "group": slot.group, "key": slot.key, "value": value, "required": false, "ref": false,
            "metadata": metadata, "flags": "d",
        });
        if let Some(fields) = self.fields(place, 0) {
            fields.insert(name, field);
        }
        id
    }

    /// The hidden input for the value of a term.
    fn term(&mut self, card: &str, number: usize, start: &Start, ty: Type) -> String {
        let method = self.uuid(&start.card);
        let slot = Slot::grouped("_expr", start.output.clone());
        let id = self.add_input(card, slot, ty, json!({"forceHide": true, "method": method}));
        let filter = self.fields(card, 0).and_then(|fields| {
            fields.values_mut().find(|field| field["key"] == "Where Expression")?.pointer_mut("/value/data/expr")
        });
        if let Some(term) = filter.and_then(|terms| terms.get_mut(number)) {
            term["rhd"] = json!({"outputId": start.output, "methodId": method});
        }
        id
    }

    /// Where the wire of a reference starts, seen from a scope.
    fn start(&mut self, scope: usize, source: &Reference, ty: Type, consumer: &str) -> Result<Start, FlopackError> {
        let Some((home, place)) = self.layout.homes.get(&source.step).cloned() else {
            return Err(self.refuse(format!("nothing is called {}, which {consumer} reads", source.step)));
        };
        if home == scope {
            return self.local(&place, source, ty);
        }
        let Some((parent, container)) = self.layout.scopes[scope].parent.clone() else {
            return Err(self.refuse(format!("{consumer} reads {}, which it cannot see", source.step)));
        };
        let outer = self.start(parent, source, ty, consumer)?;
        let key = names::drawn(&[self.flow.id.as_str(), &container, consumer]);
        let hidden =
            json!({"forceHide": true, "wormholeMethodId": self.uuid(consumer.split(' ').next().unwrap_or_default())});
        let slot = Slot::grouped("context", key);
        let input = self.add_input(&container, slot.clone(), outer.ty, hidden.clone());
        let pin = json!({"input": input, "transform": null});
        let container = self.uuid(&container);
        self.pins.entry(outer.card).or_default().push((outer.output, container, pin));
        let start = self.layout.scopes[scope].start.clone();
        self.add_input(&start, slot.clone(), outer.ty, hidden.clone());
        let output = self.add_output(&start, &slot, outer.ty, hidden, true);
        Ok(Start { card: start, output, ty: outer.ty })
    }

    fn add_output(&mut self, place: &str, slot: &Slot, ty: Type, metadata: Value, used: bool) -> String {
        let name = super::card::field_name(slot);
        let id = names::drawn(&[&self.uuid(place), "out", &name]);
        let mut field = json!({
            "id": id, "group": slot.group, "key": slot.key, "value": write_value(ty, Value::Null), "ref": false,
            "metadata": metadata,
        });
        if used {
            field["_used"] = true.into();
        }
        if let Some(fields) = self.fields(place, 1) {
            fields.insert(name, field);
        }
        id
    }

    fn local(&mut self, place: &str, source: &Reference, ty: Type) -> Result<Start, FlopackError> {
        let name = super::card::field_name(&source.slot);
        let join = self.layout.joins.get(place).filter(|join| self.id(join, 1, &name).is_some());
        let card = join.cloned().unwrap_or_else(|| place.to_owned());
        let output = match self.id(&card, 1, &name) {
            Some(output) => output,
            // An output that only references know: those of connectors need not be declared.
            None if !self.is_built_in(&card) => self.add_output(&card, &source.slot, Type::TEXT, json!({}), true),
            None => return Err(self.refuse(format!("{place} has no output {}", source.slot))),
        };
        let declared =
            self.layout.parts[&card].pointer("/node/model/outputs/data").map(|fields| &fields[&name]["value"]);
        let declared = declared.map_or(Type::TEXT, super::card::read_type);
        if source.path.is_empty() {
            return Ok(Start { card, output, ty: declared });
        }
        let ty = before(ty, source.convert);
        Ok(self.expand(&card, output, declared, &source.path, ty))
    }

    fn is_built_in(&self, place: &str) -> bool {
        let address = self.layout.parts[place]["address"].as_str().and_then(super::card::short_address);
        address.is_some_and(|address| address.is_built_in())
    }

    /// The hidden card that takes an output apart, and its output for a path.
    fn expand(&mut self, card: &str, output: String, declared: Type, path: &[String], ty: Type) -> Start {
        let key = (card.to_owned(), output.clone());
        let place = self.expands.get(&key).cloned().unwrap_or_else(|| self.new_expand(card, &output, declared));
        let group = names::drawn(&[self.flow.id.as_str(), &place, &path.join("\u{1f}")]);
        let metadata = json!({"path": path, "srcMethodId": self.uuid(card), "srcOutputId": output});
        let text = Type::list(Base::Text);
        self.add_output(&place, &Slot::grouped(group.clone(), "key"), text, metadata.clone(), false);
        let name = super::card::field_name(&Slot::grouped(group.clone(), "key"));
        if let Some(field) = self.fields(&place, 1).and_then(|fields| fields.get_mut(&name)) {
            field["value"]["data"] = json!(path);
        }
        let value = self.add_output(&place, &Slot::grouped(group, "value"), ty, metadata, true);
        self.expands.insert(key, place.clone());
        Start { card: place, output: value, ty }
    }

    fn new_expand(&mut self, card: &str, output: &str, declared: Type) -> Place {
        let place = format!("{card}.expand {output}");
        let uuid = names::drawn(&[self.flow.id.as_str(), &place]);
        let title = self.uuid(card);
        let mut hidden = super::card::Card::new(uuid, crate::model::Address::new("object", "expand"), &title);
        hidden.displayed = false;
        hidden.input(&Slot::plain("object"), write_value(declared, json!({})), true, false);
        let mut json = hidden.json();
        json["node"]["model"]["outputs"]["extensible"] = true.into();
        json["node"]["model"]["inputs"]["data"]["object"]["metadata"] =
            json!({"srcMethodId": title, "srcOutputId": output});
        let input = json["node"]["model"]["inputs"]["data"]["object"]["id"].clone();
        let own = json["uuid"].as_str().unwrap_or_default().to_owned();
        self.layout.parts.insert(place.clone(), json);
        self.pins.entry(card.to_owned()).or_default().push((
            output.to_owned(),
            own,
            json!({"input": input, "transform": null}),
        ));
        for scope in &mut self.layout.scopes {
            if let Some(at) = scope.cards.iter().position(|known| known == card) {
                scope.cards.insert(at + 1, place.clone());
                let follow: Vec<_> =
                    scope.edges.iter().filter(|(from, _)| from == card).map(|(_, to)| to.clone()).collect();
                scope.edges.push((card.to_owned(), place.clone()));
                scope.edges.push((place.clone(), place.clone()));
                scope
                    .edges
                    .extend(follow.into_iter().filter(|to| !to.contains(".expand ")).map(|to| (place.clone(), to)));
            }
        }
        place
    }

    /// The cards of a scope in their envelope.
    fn scope(&self, scope: &Scope) -> Value {
        let mut methods: Vec<Value> = scope.cards.iter().map(|place| self.card(place)).collect();
        methods.sort_by(|a, b| a["uuid"].as_str().cmp(&b["uuid"].as_str()));
        let mut orderings = Map::new();
        for (from, to) in &scope.edges {
            let (from, to) = (self.uuid(from), self.uuid(to));
            orderings.insert(names::drawn(&[&from, &to]), json!([from, to]));
        }
        let mut envelope = self.layout.parts.get(&scope.envelope).cloned().unwrap_or_default();
        let body = if scope.envelope == FLOW { &mut envelope["data"] } else { &mut envelope };
        body["tree"] = json!({"id": 2, "name": "empty"});
        body["methods"] = methods.into();
        body["orderings"] = sorted(orderings);
        if scope.envelope == FLOW {
            body["display"]["preview"] = scope.cards.iter().map(|place| self.preview(place)).collect();
        }
        envelope
    }

    fn preview(&self, place: &str) -> Value {
        let card = &self.layout.parts[place];
        let address = card["address"].as_str().and_then(super::card::short_address);
        let built_in = address.as_ref().is_some_and(crate::model::Address::is_built_in);
        let module = address.as_ref().map_or("", |address| address.module());
        json!({"module": module, "name": card["node"]["key"], "kernel": built_in})
    }

    fn card(&self, place: &str) -> Value {
        let mut card = self.layout.parts[place].clone();
        for side in SIDES {
            let data = &mut card["node"]["model"][side]["data"];
            if let Value::Object(fields) = data.take() {
                let fields = fields.into_iter().enumerate().map(|(index, (_, mut field))| {
                    if side == "outputs"
                        && field["metadata"].get("path").is_none()
                        && field["metadata"].get("forceHide").is_none()
                    {
                        field["metadata"]["index"] = index.into();
                    }
                    (field["id"].as_str().unwrap_or_default().to_owned(), field)
                });
                *data = sorted(fields.collect());
            }
        }
        let mut pins = Map::new();
        for (output, target, pin) in self.pins.get(place).into_iter().flatten() {
            let targets = pins.entry(output.clone()).or_insert_with(|| json!({}));
            match targets.get_mut(target).and_then(Value::as_array_mut) {
                Some(list) => list.push(pin.clone()),
                None => targets[target] = json!([pin]),
            }
            card["node"]["model"]["outputs"]["data"][output]["_used"] = true.into();
        }
        let full = card["address"].as_str().unwrap_or_default().to_owned();
        card["parents"] = parents(&full);
        card["pins"] = sorted(pins);
        card["joins"] = self.joins.get(place).cloned().unwrap_or_else(|| json!({}));
        card["branches"] = match self.layout.heads.get(place) {
            Some([then, otherwise]) => json!({self.uuid(then): true, self.uuid(otherwise): false}),
            None => json!({}),
        };
        card
    }
}

/// The type that a conversion starts from, when it ends in `ty`.
fn before(ty: Type, convert: Option<Convert>) -> Type {
    match convert.map(|convert| convert.how) {
        None => ty,
        Some(Conversion::WrapArray) => Type::one(ty.base),
        Some(Conversion::Parse | Conversion::ParseFloat | Conversion::DateTime) => Type::TEXT,
        Some(Conversion::Stringify) => Type::one(Base::Object),
        Some(Conversion::ToString) => Type::one(Base::Number),
        Some(Conversion::IsoString) => Type::one(Base::Date),
        Some(Conversion::BooleanToString) => Type::one(Base::Boolean),
    }
}

fn transform(output: &str, convert: Option<Convert>) -> Value {
    convert.map_or(
        Value::Null,
        |Convert { how, wrap }| json!({output: {"convert": how, "forceWrapArray": wrap, "dest": output}}),
    )
}
