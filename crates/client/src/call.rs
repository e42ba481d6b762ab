//! One call of the API: an operation of the catalogue, or a plain method and path.

use bytes::Bytes;
use oktant_base::Timestamp;
use oktant_catalog::{ListShape, Method, Operation};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Error, StatementId};

/// Everything outside RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One call, ready to be sent by [`Org::send`](crate::Org::send) or [`Org::pages`](crate::Org::pages).
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) operation: Option<&'static Operation>,
    pub(crate) method: Method,
    /// Path template with `{name}` segments.
    pub(crate) template: String,
    pub(crate) path_arguments: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    pub(crate) statement: Option<StatementId>,
    pub(crate) deadline: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl Call {
    /// A call of `operation`.
    pub fn of(operation: &'static Operation) -> Self {
        Self { operation: Some(operation), ..Self::bare(operation.method, operation.path) }
    }

    /// A `GET` of a path with an optional query, such as `/api/v1/users?limit=5`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if it is not a path of the org.
    pub fn get(path: &str) -> Result<Self, Error> {
        Self::path("GET", path)
    }

    /// Any method on a path with an optional query.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the method is unknown or `path` is not a path of the org.
    pub fn path(method: &str, path: &str) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Argument { operation: path.to_owned(), problem, hint: None };
        let method = method_of(method).ok_or_else(|| wrong(format!("unknown method \"{method}\"")))?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if !path.starts_with('/') {
            return Err(wrong("a path begins with /, such as /api/v1/users".to_owned()));
        }
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self { query, ..Self::bare(method, path) })
    }

    fn bare(method: Method, template: &str) -> Self {
        Self {
            operation: None,
            method,
            template: template.to_owned(),
            path_arguments: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            statement: None,
            deadline: None,
        }
    }

    /// Fills the path parameter `name`; the value is encoded.
    #[must_use]
    pub fn path_arg(mut self, name: &str, value: impl Into<String>) -> Self {
        self.path_arguments.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a query parameter; the value is encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header. Those of authorization and framing cannot be replaced and are ignored.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends a JSON body.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.body("application/json", value.to_string())
    }

    /// Sends a body of any type.
    #[must_use]
    pub fn body(mut self, media_type: &str, bytes: impl Into<Bytes>) -> Self {
        self.body = Some(Body { media_type: media_type.to_owned(), bytes: bytes.into() });
        self
    }

    /// Books its requests on a statement.
    #[must_use]
    pub fn statement(mut self, statement: StatementId) -> Self {
        self.statement = Some(statement);
        self
    }

    /// Gives up when this instant has passed or would pass while waiting.
    #[must_use]
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How the answer holds a list.
    pub(crate) fn list_shape(&self) -> ListShape {
        self.operation.map_or(ListShape::Array, |operation| operation.list)
    }

    /// Rate-limit bucket: the catalogue's, else one per method and path.
    pub(crate) fn bucket(&self) -> String {
        match self.operation {
            Some(operation) => operation.bucket.to_owned(),
            None => format!("{} {}", self.method.as_str(), self.template),
        }
    }

    /// The path with its parameters filled in.
    pub(crate) fn resolved_path(&self) -> Result<String, Error> {
        let mut path = self.template.clone();
        for (name, value) in &self.path_arguments {
            path = path.replace(&format!("{{{name}}}"), &encode(value));
        }
        match path.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            Some((name, _)) => Err(Error::Argument {
                operation: self.operation.map_or(self.template.as_str(), |operation| operation.id).to_owned(),
                problem: format!("path parameter {name} is missing"),
                hint: None,
            }),
            None => Ok(path),
        }
    }
}

/// Percent-encodes everything but unreserved characters, so that a value stays one segment or one query value.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

fn method_of(name: &str) -> Option<Method> {
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(name))
}
