//! A project as files: the texts of its flows, what they share, and what was kept of a flopack.
//!
//! ```text
//! flows/create_users.flow.yaml   one for each flow
//! tables.yaml  connections.yaml  folders.yaml
//! kept/project.json  kept/create_users.json   what only a flopack needs; nobody need read it
//! ```

mod merge;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::Value;

use crate::model::{Column, Connection, ConnectionId, Flow, Folder, FolderId, Kept, Project, Table, TableId};
use crate::text::yaml::{Data, Node};
use crate::text::{self, Members, TextError, yaml};

pub use merge::{MergeError, merge};

/// What the name of a flow's file ends in.
pub const FLOW_SUFFIX: &str = ".flow.yaml";

/// Files by their path below the project's folder, with `/` between the parts.
pub type Files = BTreeMap<String, String>;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read")]
pub struct FileError {
    /// Its path below the project's folder.
    pub path: String,
    /// Why.
    #[source]
    pub error: TextError,
}

impl oktant_base::Coded for FileError {
    fn code(&self) -> oktant_base::Code {
        self.error.code()
    }
}

/// The files of a project.
pub fn write(project: &Project) -> Files {
    let mut files = Files::new();
    for flow in project.flows.values() {
        let name = file_name(flow.id.as_str());
        files.insert(format!("flows/{name}{FLOW_SUFFIX}"), text::write(flow));
        if !flow.kept.is_empty() {
            files.insert(format!("kept/{name}.json"), json(&flow.kept));
        }
    }
    let mut shared = |path: &str, nodes: Vec<(String, Node)>| {
        if !nodes.is_empty() {
            files.insert(path.to_owned(), yaml::write(&Node::data(Data::Map(nodes)), &[]));
        }
    };
    shared("tables.yaml", project.tables.values().map(|table| (table.id.to_string(), table_node(table))).collect());
    let connection = |connection: &Connection| {
        let mut node = Node::map();
        node.set("name", Node::text(connection.name.clone()));
        node.set("module", Node::text(connection.module.clone()));
        (connection.id.to_string(), node)
    };
    shared("connections.yaml", project.connections.values().map(connection).collect());
    let folder = |folder: &Folder| {
        let mut node = Node::map();
        node.set("name", Node::text(folder.name.clone()));
        described(&mut node, &folder.description, folder.parent.as_ref(), "parent");
        (folder.id.to_string(), node)
    };
    shared("folders.yaml", project.folders.values().map(folder).collect());
    if !project.kept.is_empty() {
        files.insert("kept/project.json".to_owned(), json(&project.kept));
    }
    files
}

/// Identifiers are made for file names; one written by hand may not be.
fn file_name(id: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let name: String = id.chars().map(safe).collect();
    if name == "project" { "project_".to_owned() } else { name }
}

/// One line for each place, so that a change shows where it is.
fn json(kept: &Kept) -> String {
    let lines = kept.0.iter().map(|(place, value)| format!("{}: {value}", Value::from(place.as_str())));
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

fn described(node: &mut Node, description: &str, folder: Option<&FolderId>, key: &str) {
    if !description.is_empty() {
        node.set("description", Node::text(description));
    }
    if let Some(folder) = folder {
        node.set(key, Node::text(folder.as_str()));
    }
}

fn table_node(table: &Table) -> Node {
    let mut node = Node::map();
    node.set("name", Node::text(table.name.clone()));
    described(&mut node, &table.description, table.folder.as_ref(), "folder");
    let mut columns = Node::map();
    for column in &table.columns {
        let ty = Node::text(crate::model::Type::one(column.ty).to_string());
        let value = match &column.default {
            None => ty,
            Some(default) => {
                let mut node = Node::map();
                node.set("type", ty);
                node.set("default", Node::text(default.clone()));
                node
            }
        };
        columns.set(column.name.clone(), value);
    }
    node.set("columns", columns);
    node
}

/// Reads a project; files of other names are ignored.
pub fn read(files: &Files) -> Result<Project, FileError> {
    let mut project = Project::default();
    let parsed = |path: &str| match files.get(path) {
        None => Ok(Node::map()),
        Some(text) => yaml::parse(text).map(|(root, _)| root).map_err(|error| failed(path, error)),
    };
    project.tables = entries("tables.yaml", &parsed("tables.yaml")?, table)?;
    project.connections = entries("connections.yaml", &parsed("connections.yaml")?, |id, members| {
        let name = members.text("name")?.unwrap_or_else(|| id.to_owned());
        let module = text::text(members.require("module")?, "module")?;
        let id = ConnectionId::new(id);
        Ok((id.clone(), Connection { id, name, module }))
    })?;
    project.folders = entries("folders.yaml", &parsed("folders.yaml")?, |id, members| {
        let name = members.text("name")?.unwrap_or_else(|| id.to_owned());
        let description = members.text("description")?.unwrap_or_default();
        let parent = members.text("parent")?.map(FolderId::new);
        let id = FolderId::new(id);
        Ok((id.clone(), Folder { id, name, description, parent }))
    })?;
    project.kept = kept(files, "kept/project.json")?;
    for (path, content) in files {
        if !path.starts_with("flows/") || !path.ends_with(FLOW_SUFFIX) {
            continue;
        }
        let mut flow: Flow = text::read(content).map_err(|error| failed(path, error))?;
        flow.kept = kept(files, &format!("kept/{}.json", file_name(flow.id.as_str())))?;
        let (id, at) = (flow.id.clone(), TextError { line: 1, column: 1, problem: String::new() });
        if project.flows.insert(id.clone(), flow).is_some() {
            let problem = format!("another flow is called {id} already; give one of them an id");
            return Err(failed(path, TextError { problem, ..at }));
        }
    }
    Ok(project)
}

fn failed(path: &str, error: TextError) -> FileError {
    FileError { path: path.to_owned(), error }
}

fn entries<I: std::hash::Hash + Eq, T>(
    path: &str,
    root: &Node,
    read: impl Fn(&str, &mut Members<'_>) -> Result<(I, T), TextError>,
) -> Result<IndexMap<I, T>, FileError> {
    let Data::Map(entries) = &root.data else { return Ok(IndexMap::new()) };
    let entries = entries.iter().map(|(id, node)| {
        let mut members = Members::of(node, "an entry")?;
        let entry = read(id, &mut members)?;
        members.end()?;
        Ok(entry)
    });
    entries.collect::<Result<_, TextError>>().map_err(|error| failed(path, error))
}

fn table(id: &str, members: &mut Members<'_>) -> Result<(TableId, Table), TextError> {
    let name = members.text("name")?.unwrap_or_else(|| id.to_owned());
    let description = members.text("description")?.unwrap_or_default();
    let folder = members.text("folder")?.map(FolderId::new);
    let node = members.require("columns")?;
    let Data::Map(columns) = &node.data else {
        return Err(TextError { line: node.at.line, column: node.at.column, problem: "columns is a map".to_owned() });
    };
    let columns = columns.iter().map(|(name, node)| {
        let (ty, default) = if let Data::Scalar { .. } = &node.data {
            (text::read_type(node)?, None)
        } else {
            let mut members = Members::of(node, "a column")?;
            let ty = text::read_type(members.require("type")?)?;
            let default = members.text("default")?;
            members.end()?;
            (ty, default)
        };
        Ok(Column { name: name.clone(), ty: ty.base, default })
    });
    let id = TableId::new(id);
    Ok((id.clone(), Table { id, name, description, folder, columns: columns.collect::<Result<_, TextError>>()? }))
}

fn kept(files: &Files, path: &str) -> Result<Kept, FileError> {
    let Some(text) = files.get(path) else { return Ok(Kept::default()) };
    serde_json::from_str::<IndexMap<String, Value>>(text).map(Kept).map_err(|error| {
        failed(
            path,
            TextError {
                line: error.line(),
                column: error.column(),
                problem: format!("not as it was written: {error}"),
            },
        )
    })
}
