//! From a flopack to the graph.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::card::short_address;
use super::flow::FlowReader;
use super::layout::{Ids, Layout, Place};
use super::{FlopackError, Imported, export, patch, schema};
use crate::model::{
    Base, Column, Connection, ConnectionId, Flow, FlowId, Folder, FolderId, Kept, Project, Table, TableId,
};
use crate::names::{self, Unique, slug};

/// Reads a flopack.
///
/// Keys that are not known are kept and reported; what contradicts the format is an error.
pub fn import(text: &str) -> Result<Imported, FlopackError> {
    let pack: Value = serde_json::from_str(text).map_err(FlopackError::Json)?;
    let warnings = schema::check(&pack)?;
    let mut reader = Reader { pack: &pack, project: Project::default(), names: Names::default() };
    reader.name();
    reader.shared();
    let mut found = Vec::new();
    for (uuid, flow) in objects(&pack, "flos") {
        let (flow, originals) = FlowReader::read(&reader.names, reader.names.flow(uuid), flow)?;
        found.push(originals);
        reader.project.flows.insert(flow.id.clone(), flow);
    }
    reader.keep(&found);
    Ok(Imported { project: reader.project, warnings })
}

fn objects<'a>(pack: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    pack["data"][key].as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The identifiers here of what a flopack identifies by UUIDs.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<(&'static str, String), String>);

impl Names {
    /// What the UUID stands for; itself where the pack does not say.
    fn get(&self, kind: &'static str, uuid: &str) -> String {
        self.0.get(&(kind, uuid.to_owned())).cloned().unwrap_or_else(|| uuid.to_owned())
    }

    pub(super) fn flow(&self, uuid: &str) -> FlowId {
        FlowId::new(self.get("flow", uuid))
    }

    pub(super) fn table(&self, uuid: &str) -> TableId {
        TableId::new(self.get("table", uuid))
    }

    pub(super) fn connection(&self, uuid: &str) -> ConnectionId {
        ConnectionId::new(self.get("connection", uuid))
    }

    pub(super) fn folder(&self, uuid: &str) -> FolderId {
        FolderId::new(self.get("folder", uuid))
    }
}

/// Cards and envelopes of a flow in normal form, as they were found.
pub(super) type Originals = IndexMap<Place, Value>;

struct Reader<'a> {
    pack: &'a Value,
    project: Project,
    names: Names,
}

impl Reader<'_> {
    fn name(&mut self) {
        let mut kept = serde_json::Map::new();
        for (kind, key) in [("flow", "flos"), ("connection", "configs"), ("table", "tables"), ("folder", "groups")] {
            let mut unique = Unique::default();
            let mut sorted: Vec<_> = objects(self.pack, key).collect();
            sorted.sort_by_key(|(uuid, _)| *uuid);
            for (uuid, object) in sorted {
                let name = object["name"].as_str().or_else(|| object["data"]["name"].as_str()).unwrap_or_default();
                let name = unique.take(slug(name, kind));
                if names::uuid(&[kind, &name]) != *uuid {
                    kept.insert(format!("{kind}:{name}"), uuid.as_str().into());
                }
                self.names.0.insert((kind, uuid.clone()), name);
            }
        }
        if !kept.is_empty() {
            self.project.kept.0.insert("ids".to_owned(), kept.into());
        }
    }

    fn shared(&mut self) {
        for (uuid, config) in objects(self.pack, "configs") {
            let id = self.names.connection(uuid);
            let connection =
                Connection { id: id.clone(), name: text(&config["name"]), module: text(&config["module"]) };
            self.project.connections.insert(id, connection);
        }
        for (uuid, table) in objects(self.pack, "tables") {
            let id = self.names.table(uuid);
            let columns = table["data"]["structure"].as_array().into_iter().flatten().map(column).collect();
            let table = Table {
                id: id.clone(),
                name: text(&table["name"]),
                description: text(&table["description"]),
                folder: table["data"]["group_id"].as_str().map(|uuid| self.names.folder(uuid)),
                columns,
            };
            self.project.tables.insert(id, table);
        }
        for (uuid, group) in objects(self.pack, "groups") {
            let id = self.names.folder(uuid);
            let path = group["data"]["path"].as_str().unwrap_or_default();
            let parent = path.rsplit('.').next().filter(|uuid| !uuid.is_empty());
            let folder = Folder {
                id: id.clone(),
                name: text(&group["data"]["name"]),
                description: text(&group["data"]["description"]),
                parent: parent.map(|uuid| self.names.folder(uuid)),
            };
            self.project.folders.insert(id, folder);
        }
    }

    /// Keeps what the graph cannot say: the differences between what was found and what an export
    /// would write.
    fn keep(&mut self, found: &[Originals]) {
        let ids = Ids { project: &self.project };
        let mut kept = IndexMap::new();
        let empty = export(&Project::default()).unwrap_or_default();
        let mut pack = self.pack.clone();
        for key in ["flos", "configs", "tables", "groups"] {
            pack["data"][key] = serde_json::json!({});
        }
        super::normalise_head(&mut pack);
        kept.extend(patch::diff(&empty, &pack).map(|patch| ("pack".to_owned(), patch)));
        for (kind, key, objects) in super::export::objects(&self.project, &ids) {
            for (id, written) in objects {
                let original = &self.pack["data"][key][ids.uuid(kind, &id)];
                kept.extend(patch::diff(&written, original).map(|patch| (format!("{kind}:{id}"), patch)));
            }
        }
        let shared = self.common(found, &ids);
        let flows: Vec<Kept> =
            self.project.flows.values().zip(found).map(|(flow, found)| keep_flow(flow, found, &ids, &shared)).collect();
        for (flow, kept) in self.project.flows.values_mut().zip(flows) {
            flow.kept = kept;
        }
        kept.extend(shared);
        self.project.kept.0.extend(kept);
    }

    /// What all cards of an address have in common, for addresses that occur more than once.
    fn common(&self, found: &[Originals], ids: &Ids<'_>) -> IndexMap<String, Value> {
        let mut shared: IndexMap<String, (usize, Option<Value>)> = IndexMap::new();
        for (flow, found) in self.project.flows.values().zip(found) {
            for (place, part) in Layout::of(flow, ids).parts {
                let (Some(original), Some(address)) = (found.get(&place), part["address"].as_str()) else { continue };
                let Some(Value::Object(mut patch)) = patch::diff(&part, original) else { continue };
                patch.shift_remove("uuid");
                let patch = Value::Object(patch);
                match shared.get_mut(&super::export::shared(address)) {
                    None => {
                        shared.insert(super::export::shared(address), (1, Some(patch)));
                    }
                    Some((count, common)) => {
                        *count += 1;
                        *common = common.as_ref().and_then(|common| patch::common(common, &patch));
                    }
                }
            }
        }
        let several = shared.into_iter().filter(|(_, (count, _))| *count > 1);
        several.filter_map(|(key, (_, common))| Some((key, common?))).collect()
    }
}

fn keep_flow(flow: &Flow, found: &Originals, ids: &Ids<'_>, shared: &IndexMap<String, Value>) -> Kept {
    let mut kept = Kept::default();
    for (place, mut part) in Layout::of(flow, ids).parts {
        let Some(original) = found.get(&place) else { continue };
        let common = part["address"].as_str().and_then(|address| shared.get(&super::export::shared(address)));
        if let Some(common) = common {
            patch::apply(&mut part, common);
        }
        kept.0.extend(patch::diff(&part, original).map(|patch| (place, patch)));
    }
    kept
}

fn column(column: &Value) -> Column {
    let known = super::export::COLUMN_TYPES.iter().find(|(_, name)| column["type"].as_str() == Some(name));
    Column {
        name: text(&column["name"]),
        ty: known.map_or(Base::Text, |(base, _)| *base),
        default: column["default"].as_str().map(str::to_owned),
    }
}

/// The address of a card, or why there is none.
pub(super) fn address_of(card: &Value) -> Option<crate::model::Address> {
    short_address(card["address"].as_str()?)
}
