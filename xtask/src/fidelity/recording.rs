//! Reading recordings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::error::Error;

/// Folders whose recordings were written by hand and prove nothing.
const HAND_WRITTEN: [&str; 2] =
    ["test_api_service_integrations_it", "test_application_cross_app_access_connections_it"];

/// One file: requests in order with the answers of a real org.
#[derive(Debug)]
pub(super) struct Script {
    /// Folder and file name.
    pub(super) name: String,
    pub(super) interactions: Vec<Interaction>,
}

/// One request and its answer.
#[derive(Debug, Deserialize)]
pub(super) struct Interaction {
    pub(super) request: Request,
    pub(super) response: Response,
}

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Headers,
    pub(super) body: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: Option<Value>,
}

/// Header values by lower-case name.
pub(super) type Headers = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
struct File {
    interactions: Vec<Interaction>,
}

impl Script {
    /// Whether it was written by hand rather than recorded: a real org marks every answer with a
    /// request id.
    pub(super) fn is_hand_written(&self) -> bool {
        let marked = |interaction: &Interaction| interaction.response.headers.contains_key("x-okta-request-id");
        HAND_WRITTEN.iter().any(|folder| self.name.starts_with(folder)) || !self.interactions.iter().any(marked)
    }
}

/// All recordings under a folder, in order of their names.
pub(super) fn scripts(folder: &Path) -> Result<Vec<Script>, Error> {
    let mut scripts = Vec::new();
    for path in entries(folder)? {
        // Some sets have a folder per test.
        let files = if path.is_dir() { entries(&path)? } else { vec![path] };
        for file in files {
            scripts.push(read(folder, &file)?);
        }
    }
    Ok(scripts)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let error = |source| Error::file("list", folder, source);
    let entries = fs::read_dir(folder).map_err(error)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(error)?;
    paths.sort();
    Ok(paths)
}

fn read(folder: &Path, path: &Path) -> Result<Script, Error> {
    let text = fs::read(path).map_err(|source| Error::file("read", path, source))?;
    let parse = |source| Error::Json { path: path.to_owned(), source };
    let file: File = serde_json::from_slice(&text).map_err(parse)?;
    let name = path.strip_prefix(folder).unwrap_or(path).with_extension("").display().to_string();
    Ok(Script { name, interactions: file.interactions })
}
