//! Files of flows: content apart from values.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use oktant_base::{Entropy, Timestamp};
use oktant_engine::{CardError, ErrorKind, Fields as FlowFields, Outcome};
use oktant_functions::{File, Value as FlowValue};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::connection::{Connections, Live};
use crate::fields::Fields;
use crate::manifest::expression::text;
use crate::manifest::run::{Prepared, Target, Transport};
use crate::transport::HttpTransport;

/// Where the content of files is.
#[async_trait]
pub trait Files: Send + Sync + fmt::Debug {
    /// Keeps content under a new id.
    async fn put(&self, content: Bytes) -> std::io::Result<String>;

    /// The content of an id.
    async fn get(&self, id: &str) -> std::io::Result<Bytes>;

    /// The ids of what was put before an instant.
    async fn kept_before(&self, instant: Timestamp) -> std::io::Result<Vec<String>>;

    /// Removes the content of an id, if it is there.
    async fn remove(&self, id: &str) -> std::io::Result<()>;
}

/// Files in a folder.
#[derive(Debug)]
pub struct FolderFiles {
    folder: PathBuf,
    /// Where files of before may be, among those of others: they are read there, and never removed.
    shared: Option<PathBuf>,
    entropy: Arc<dyn Entropy>,
}

impl FolderFiles {
    /// Files in `folder`, which is made when the first one comes.
    pub fn new(folder: PathBuf, entropy: Arc<dyn Entropy>) -> Self {
        Self { folder, shared: None, entropy }
    }

    /// Files of a database in the folder of its own below `shared` that is called `name`: whoever removes what one
    /// database does not refer to must not meet the files of another one. Earlier versions put the files of all databases
    /// into `shared` itself; there they are found, and stay.
    pub fn of_database(shared: PathBuf, name: &str, entropy: Arc<dyn Entropy>) -> Self {
        Self { folder: shared.join(name), shared: Some(shared), entropy }
    }
}

/// Whether `put` may have made this id, which is part of a path.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[async_trait]
impl Files for FolderFiles {
    async fn put(&self, content: Bytes) -> std::io::Result<String> {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        let id = crate::hex(&bytes);
        let (mut folder, mut file) = (tokio::fs::DirBuilder::new(), tokio::fs::OpenOptions::new());
        folder.recursive(true);
        file.write(true).create_new(true);
        // What flows carry is nobody's else on this machine.
        #[cfg(unix)]
        {
            folder.mode(0o700);
            file.mode(0o600);
        }
        folder.create(&self.folder).await?;
        let mut file = file.open(self.folder.join(&id)).await?;
        file.write_all(&content).await?;
        file.flush().await?;
        Ok(id)
    }

    async fn get(&self, id: &str) -> std::io::Result<Bytes> {
        if !is_id(id) {
            return Err(std::io::Error::new(std::io::ErrorKind::NotFound, "no file has this id"));
        }
        let content = match (tokio::fs::read(self.folder.join(id)).await, &self.shared) {
            (Err(error), Some(shared)) if error.kind() == std::io::ErrorKind::NotFound => {
                tokio::fs::read(shared.join(id)).await
            }
            (content, _) => content,
        };
        Ok(content?.into())
    }

    async fn kept_before(&self, instant: Timestamp) -> std::io::Result<Vec<String>> {
        let mut entries = match tokio::fs::read_dir(&self.folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut kept = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let known = entry.metadata().await?;
            let is_old = known.is_file() && Timestamp::from(known.modified()?) < instant;
            kept.extend(entry.file_name().into_string().ok().filter(|id| is_old && is_id(id)));
        }
        Ok(kept)
    }

    async fn remove(&self, id: &str) -> std::io::Result<()> {
        if !is_id(id) {
            return Ok(());
        }
        match tokio::fs::remove_file(self.folder.join(id)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Keeps content as a file and gives the value that refers to it.
pub(crate) async fn keep(
    files: &dyn Files,
    name: &str,
    media_type: Option<String>,
    content: Bytes,
) -> Result<FlowValue, CardError> {
    let bytes = content.len() as u64;
    let id = files
        .put(content)
        .await
        .map_err(|error| CardError::new(ErrorKind::Unavailable, format!("the file cannot be kept: {error}")))?;
    Ok(FlowValue::File(Arc::new(File { id, name: name.to_owned(), media_type, bytes })))
}

/// The content that a field refers to: that of a file, else its text.
pub(crate) async fn content(files: &dyn Files, field: Option<&Value>) -> Result<(String, Bytes), CardError> {
    let field = field.unwrap_or(&Value::Null);
    let Some(id) = field.get("id").and_then(Value::as_str) else {
        return Ok((String::new(), Bytes::from(text(field))));
    };
    let name = field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let failed = |error| CardError::new(ErrorKind::Input, format!("the file \"{name}\" cannot be read: {error}"));
    let content = files.get(id).await.map_err(failed)?;
    Ok((name, content))
}

/// `filefunctions`: what file cards do.
pub(crate) async fn call(
    files: &dyn Files,
    connections: &Connections,
    live: Option<Live>,
    operation: &str,
    inputs: &Fields,
) -> Result<Outcome, CardError> {
    let mut outputs = FlowFields::new();
    if operation == "info" {
        let file = inputs.get(Some("File"), "File Content").cloned().unwrap_or_default();
        let name = file.get("name").map(text).unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        outputs.set(Some("File"), "Filename", FlowValue::text(name.as_str()));
        outputs.set(Some("File"), "Extension", FlowValue::text(extension));
        let bytes = file.get("bytes").and_then(Value::as_f64);
        outputs.set(Some("File"), "Size", bytes.map_or(FlowValue::Null, FlowValue::Number));
        return Ok(Outcome::Outputs(outputs));
    }
    let address = inputs.text(Some("Location"), "URL");
    let url = Url::parse(&address)
        .map_err(|error| CardError::new(ErrorKind::Input, format!("\"{address}\" is no address: {error}")))?;
    let transport = HttpTransport::new(connections, None, live);
    let name = url
        .path_segments()
        .and_then(|mut segments| segments.next_back())
        .filter(|name| !name.is_empty())
        .unwrap_or("download")
        .to_owned();
    let request = Prepared {
        method: Method::GET.to_string(),
        target: Target::Url(url),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        repeatable: true,
    };
    let response = transport.send(&request).await?;
    if !response.is_success() {
        return Err(crate::failure::refusal(&response, None, transport.retry_after(&response), true));
    }
    let header = |name| response.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let named = header(CONTENT_DISPOSITION)
        .and_then(|value| value.split("filename=").nth(1))
        .map(|name| name.trim_matches(['"', ' ', ';']).to_owned());
    let media_type = header(CONTENT_TYPE).map(ToOwned::to_owned);
    let name = named.filter(|name| !name.is_empty() && !name.contains(['/', '\\'])).unwrap_or(name);
    outputs.set(Some("File"), "Size", FlowValue::Number(response.body.len() as f64));
    outputs.set(Some("File"), "Filename", FlowValue::text(name.as_str()));
    outputs.set(Some("File"), "File Content", keep(files, &name, media_type, response.body).await?);
    Ok(Outcome::Outputs(outputs))
}
