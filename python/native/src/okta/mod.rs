//! The org behind `oktant.okta`: single requests of any method and path, awaited or waited for.
//!
//! An answer of any status is handed out as it came, since the package decides by itself what an error looks
//! like. Everything below that (credentials, limits, repeats, cache) is the client's.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use oktant_base::codes;
use oktant_client::config::Loader;
use oktant_client::{Call, Edges, Error, Properties, Reply};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tokio::sync::OnceCell;

use crate::failure::Failure;
use crate::process::Process;
use crate::runtime::wait;

mod asyncio;
pub(crate) mod gate;
pub(crate) mod log;
mod raw;

use raw::Raw;

/// Headers that carry credentials.
const CREDENTIALS: &[&str] = &["authorization", "dpop", "x-okta-user-agent-extended"];

/// Headers by name, in order; a name may occur several times.
type Headers = Vec<(String, String)>;

/// An org that is configured, and opened by the first call. Threads may share it.
#[pyclass(frozen, module = "oktant._native")]
pub(crate) struct Org {
    process: Process,
    connection: Arc<Connection>,
    url: String,
    settings: Vec<(String, String)>,
    warnings: Vec<String>,
}

/// Opens the org once: a program that only makes a client neither signs in nor waits.
struct Connection {
    properties: Properties,
    org: OnceCell<oktant_client::Org>,
}

/// An answer of any status.
pub(crate) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

#[pymethods]
impl Org {
    /// Reads the configuration of an org: `values` is a JSON object of settings that win over those of
    /// files and variables. `cache` is false where the caller has a cache of its own.
    #[staticmethod]
    fn open(values: &str, cache: bool) -> PyResult<Self> {
        let values = serde_json::from_str(values)
            .map_err(|error| Failure::internal("the configuration is not JSON").caused_by(&error))?;
        let mut config = Loader::system()
            .values(values)
            .load()
            .map_err(|error| Failure::of(&error).with_causes(error.problems.iter().map(ToString::to_string)))?;
        if !cache {
            config.properties.cache = None;
        }
        Ok(Self {
            process: Process::current(),
            url: config.properties.org.as_str().trim_end_matches('/').to_owned(),
            settings: config.settings.into_iter().map(|setting| (setting.key, setting.value)).collect(),
            warnings: config.warnings.iter().map(ToString::to_string).collect(),
            connection: Arc::new(Connection { properties: config.properties, org: OnceCell::new() }),
        })
    }

    /// URL of the org, without a `/` at its end.
    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    /// The settings that were given, by dotted key, as text; secrets are masked.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        self.settings.iter().try_for_each(|(key, value)| dict.set_item(key, value))?;
        Ok(dict)
    }

    /// What was ignored or corrected in the configuration.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// Sends a request; the result is a future of the event loop.
    fn request<'py>(
        &self,
        event_loop: Bound<'py, PyAny>,
        method: &str,
        path: &str,
        headers: Headers,
        body: Option<&Bound<'py, PyBytes>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.process.expect_same()?;
        let call = call(method, path, headers, body)?;
        asyncio::spawn(event_loop, send(self.connection.clone(), call))
    }

    /// Sends a request and waits for its answer.
    fn request_blocking(
        &self,
        py: Python<'_>,
        method: &str,
        path: &str,
        headers: Headers,
        body: Option<&Bound<'_, PyBytes>>,
    ) -> PyResult<Answer> {
        self.process.expect_same()?;
        let call = call(method, path, headers, body)?;
        Ok(wait(py, send(self.connection.clone(), call))??)
    }

    /// The headers that carry the credentials of a request, for a caller that sends it by itself.
    fn authorization(&self, py: Python<'_>, method: &str, path: &str) -> PyResult<Headers> {
        self.process.expect_same()?;
        let call = Call::path(method, path).map_err(|error| Failure::from(&error))?;
        let probed = wait(py, raw::probe(path, self.connection.send(call)))?;
        let mut headers = pairs(&probed.map_err(|error| Failure::from(&error))?);
        headers.retain(|(name, _)| CREDENTIALS.contains(&name.as_str()));
        Ok(headers)
    }
}

impl Connection {
    async fn send(&self, call: Call) -> Result<Reply, Error> {
        let open = || oktant_client::Org::connect(&self.properties, Edges::system().layer(Arc::new(raw::Keep)));
        self.org.get_or_try_init(open).await?.send(call).await
    }
}

impl<'py> IntoPyObject<'py> for Answer {
    type Target = pyo3::types::PyTuple;
    type Output = Bound<'py, Self::Target>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        (self.status, pairs(&self.headers), PyBytes::new(py, &self.body)).into_pyobject(py)
    }
}

impl From<Raw> for Answer {
    fn from(raw: Raw) -> Self {
        Self { status: raw.status, headers: raw.headers, body: raw.body }
    }
}

/// Relation, in small letters, and target of every link in a `Link` header.
#[pyfunction]
pub(crate) fn links(line: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut found = Vec::new();
    for read in oktant_client::links(line) {
        let one = read
            .map_err(|reason| Failure::new(codes::OKT2004, format!("where a list goes on cannot be read: {reason}")))?;
        found.extend(one.relations.iter().map(|relation| (relation.to_ascii_lowercase(), one.target.to_owned())));
    }
    Ok(found)
}

/// Whether a request may be sent again although the org may have done what it asks.
#[pyfunction]
pub(crate) fn is_repeatable(method: &str, path: &str) -> bool {
    Call::path(method, path).is_ok_and(|call| call.is_repeatable())
}

fn call(method: &str, path: &str, headers: Headers, body: Option<&Bound<'_, PyBytes>>) -> Result<Call, Failure> {
    let mut call = Call::path(method, path).map_err(|error| Failure::from(&error))?;
    let mut media_type = "application/json".to_owned();
    for (name, value) in headers {
        // With a body it is the body's; without, it asks for a variant of the answer.
        if body.is_some() && name.eq_ignore_ascii_case("content-type") {
            media_type = value;
        } else {
            call = call.header(&name, value);
        }
    }
    Ok(match body {
        Some(body) => call.body(&media_type, body.as_bytes().to_vec()),
        None => call,
    })
}

/// An answer of any status; an error only where the org gave none that can be read.
async fn send(connection: Arc<Connection>, call: Call) -> Result<Answer, Failure> {
    let (outcome, refused) = raw::keep(connection.send(call)).await;
    match (outcome, refused) {
        (Ok(reply), _) => Ok(Answer { status: reply.status, headers: reply.headers, body: reply.body }),
        (Err(Error::Api(_) | Error::Scope { .. } | Error::RateLimited { .. }), Some(raw)) => Ok(raw.into()),
        (Err(error), _) => Err(Failure::from(&error)),
    }
}

fn pairs(headers: &HeaderMap) -> Headers {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes()))).collect()
}
