//! One call of the API: an operation of the catalogue, or a plain method and path.

use std::fmt;

use bytes::Bytes;
use oktant_base::Timestamp;
use oktant_catalog::{ListShape, Method, Operation, Parameter, ParameterIn, TypeRef};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cache::CacheUse;
use crate::{Error, StatementId};

/// Everything outside RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names offered in place of an unknown one.
const SUGGESTIONS: usize = 3;

/// Headers that no one may set: they carry the credentials or frame the message.
pub(crate) const RESERVED_HEADERS: &[&str] =
    &["authorization", "content-length", "cookie", "dpop", "host", "transfer-encoding"];

const SYSTEM_LOG: &str = "/api/v1/logs";

/// One call, ready to be sent by [`Org::send`](crate::Org::send) or [`Org::pages`](crate::Org::pages).
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) operation: Option<&'static Operation>,
    /// Whether names and values must be those of the operation.
    checked: bool,
    pub(crate) method: Method,
    /// Path template with `{name}` segments.
    pub(crate) template: String,
    path_arguments: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    pub(crate) statement: Option<StatementId>,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) cache: CacheUse,
    /// Whether it may be sent again although the org may have done what it asks.
    repeatable: bool,
    /// Number of its first page, for a list that is taken up again.
    pub(crate) first_page: u32,
    /// Whether a 504 is not waited out, since there is a better answer to it.
    pub(crate) overload_is_final: bool,
}

#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl fmt::Debug for Body {
    /// Its size alone: it may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {}", self.bytes.len(), self.media_type)
    }
}

impl Call {
    /// A call of the operation with this id, such as `listUsers`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownOperation`] with the nearest known ids.
    pub fn operation(id: &str) -> Result<Self, Error> {
        let operation = oktant_catalog::operation(id).ok_or_else(|| Error::UnknownOperation {
            name: id.to_owned(),
            nearest: nearest(id, oktant_catalog::operations().iter().map(|operation| operation.id)),
        })?;
        Ok(Self::of(operation))
    }

    /// A call of `operation`.
    pub fn of(operation: &'static Operation) -> Self {
        Self {
            operation: Some(operation),
            repeatable: operation.idempotent,
            ..Self::bare(operation.method, operation.path)
        }
    }

    /// A `GET` of a path with an optional query, such as `/api/v1/users?limit=5`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if it is not a path of the org.
    pub fn get(path: &str) -> Result<Self, Error> {
        Self::path("GET", path)
    }

    /// Any method on a path with an optional query. Nothing is checked against the catalogue,
    /// which only lends its rate-limit bucket and list shape.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the method is unknown or `path` is not a path of the org.
    pub fn path(method: &str, path: &str) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Argument { operation: path.to_owned(), problem, hint: None };
        let method = method_of(method).ok_or_else(|| wrong(format!("unknown method \"{method}\"")))?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if !path.starts_with('/') || path.starts_with("//") {
            let hint = Some(match path.split_once("://").and_then(|(_, rest)| rest.split_once('/')) {
                Some((_, rest)) => format!("leave scheme and host out: /{rest}"),
                None => "write the path below the org's address".to_owned(),
            });
            let problem = "a path begins with one /, such as /api/v1/users".to_owned();
            return Err(Error::Argument { operation: path.to_owned(), problem, hint });
        }
        if path.split(['/', '\\']).any(is_dots) {
            return Err(wrong("a path holds no . and no .. as a segment".to_owned()));
        }
        let operation = oktant_catalog::route(method, path).map(|found| found.operation);
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let repeatable = operation.map_or_else(|| method.is_idempotent(), |operation| operation.idempotent);
        Ok(Self { operation, query, checked: false, repeatable, ..Self::bare(method, path) })
    }

    fn bare(method: Method, template: &str) -> Self {
        Self {
            operation: None,
            checked: true,
            method,
            template: template.to_owned(),
            path_arguments: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            statement: None,
            deadline: None,
            cache: CacheUse::default(),
            repeatable: method.is_idempotent(),
            first_page: 0,
            overload_is_final: false,
        }
    }

    /// Gives the operation's parameter `name` a value, wherever it goes: path, query or header.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the operation has no such parameter or the value does not fit it.
    pub fn arg(self, name: &str, value: impl Into<String>) -> Result<Self, Error> {
        let value = value.into();
        let Some(operation) = self.operation.filter(|_| self.checked) else {
            return Ok(self.query(name, value));
        };
        let parameter = operation.parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        let Some(parameter) = parameter else {
            let near = nearest(name, operation.parameters.iter().map(|parameter| parameter.name));
            let hint = near.first().map_or_else(|| known_parameters(operation), |near| format!("did you mean {near}?"));
            return Err(self.wrong_with(format!("unknown parameter \"{name}\""), Some(hint)));
        };
        if let Some(expected) = mismatch(parameter, &value) {
            return Err(
                self.wrong_with(format!("{name}={value} does not fit"), Some(format!("{name} takes {expected}")))
            );
        }
        Ok(match parameter.location {
            ParameterIn::Path => self.path_arg(parameter.name, value),
            ParameterIn::Query => self.query(parameter.name, value),
            ParameterIn::Header => self.header(parameter.name, value),
        })
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

    /// Takes a query parameter out again, all its values.
    #[must_use]
    pub fn without_query(mut self, name: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
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

    /// Neither takes the answer from the cache nor puts it there.
    #[must_use]
    pub fn no_cache(mut self) -> Self {
        self.cache = CacheUse::Bypass;
        self
    }

    /// Asks the org also if the cache has an answer, and puts the new one there.
    #[must_use]
    pub fn refresh(mut self) -> Self {
        self.cache = CacheUse::Refresh;
        self
    }

    /// Allows what is not idempotent to be repeated after an outage, when the org may have done what it asks.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Whether sending it twice is as good as sending it once.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Its method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// How the answer holds a list. Unknown paths are taken for plain lists.
    pub fn list_shape(&self) -> ListShape {
        self.operation.map_or(ListShape::Array, |operation| operation.list)
    }

    /// Rate-limit bucket: the catalogue's, else one per method and path.
    pub(crate) fn bucket(&self) -> String {
        match self.operation {
            Some(operation) => operation.bucket.to_owned(),
            None => format!("{} {}", self.method.as_str(), self.template),
        }
    }

    /// Scopes that the catalogue says are needed, separated by blanks.
    pub(crate) fn scopes(&self) -> String {
        self.operation.map(|operation| operation.scopes.join(" ")).unwrap_or_default()
    }

    /// The media type to ask for where the operation does not answer JSON.
    pub(crate) fn accepted_media_type(&self) -> Option<&'static str> {
        let successes = self.operation?.responses.iter().filter(|response| response.status < 300);
        let mut types = successes.flat_map(|response| response.media_types);
        let first = types.next()?;
        (*first != "application/json" && !types.any(|other| *other == "application/json")).then_some(*first)
    }

    /// Whether the list is the System Log without an end, whose last page links to later ones.
    ///
    /// # Source
    ///
    /// Okta developer reference, System Log API, "Polling requests" and "Bounded requests".
    pub(crate) fn is_polling(&self) -> bool {
        let bounds = |(name, value): &(String, String)| {
            name == "until" || name == "sortOrder" && value.eq_ignore_ascii_case("DESCENDING")
        };
        self.template == SYSTEM_LOG && !self.query.iter().any(bounds)
    }

    /// The path with its parameters filled in.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if a path parameter is missing, or so that the path would name another
    /// resource: empty, `.` or `..`.
    pub fn resolved_path(&self) -> Result<String, Error> {
        let mut path = self.template.clone();
        for (name, value) in &self.path_arguments {
            if !is_segment(value) {
                return Err(self.wrong(format!("path parameter {name} cannot be \"{value}\"")));
            }
            path = path.replace(&format!("{{{name}}}"), &encode(value));
        }
        match path.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            Some((name, _)) => Err(self.wrong(format!("path parameter {name} is missing"))),
            None => Ok(path),
        }
    }

    /// The query as sent; a blank is `%20`.
    pub(crate) fn query_string(&self) -> Option<String> {
        let pairs: Vec<String> =
            self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }

    /// Whether everything that the operation requires is there.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Some(operation) = self.operation.filter(|_| self.checked) else { return Ok(()) };
        let given = |parameter: &Parameter| match parameter.location {
            ParameterIn::Path => self.path_arguments.iter().any(|(name, _)| name == parameter.name),
            ParameterIn::Query => self.query.iter().any(|(name, _)| name == parameter.name),
            ParameterIn::Header => self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(parameter.name)),
        };
        let missing = operation.parameters.iter().filter(|parameter| parameter.required && !given(parameter));
        let missing: Vec<&str> = missing.map(|parameter| parameter.name).collect();
        if !missing.is_empty() {
            return Err(self.wrong(format!("missing {}", missing.join(", "))));
        }
        match &operation.request {
            Some(request) if request.required && self.body.is_none() => Err(self.wrong("a body is missing".to_owned())),
            _ => Ok(()),
        }
    }

    pub(crate) fn wrong(&self, problem: String) -> Error {
        self.wrong_with(problem, None)
    }

    fn wrong_with(&self, problem: String, hint: Option<String>) -> Error {
        let operation = self.operation.map_or(self.template.as_str(), |operation| operation.id).to_owned();
        Error::Argument { operation, problem, hint }
    }
}

/// Whether `value` can stand for a path parameter. What cannot names no object: an empty segment, `.`
/// and `..` would address another resource.
pub fn is_segment(value: &str) -> bool {
    !matches!(value, "" | "." | "..")
}

/// Whether a segment of a path as written would be resolved away (RFC 3986, 5.2.4), also in disguise.
///
/// # Source
///
/// WHATWG URL, 4.1: `%2e` counts as a dot, and tabs and line ends are removed.
fn is_dots(segment: &str) -> bool {
    let segment = segment.replace(['\t', '\n', '\r'], "").to_ascii_lowercase().replace("%2e", ".");
    matches!(segment.as_str(), "." | "..")
}

/// Why `value` does not fit `parameter`: what would fit instead.
fn mismatch(parameter: &Parameter, value: &str) -> Option<String> {
    if !parameter.values.is_empty() && !parameter.values.contains(&value) {
        return Some(format!("one of {}", parameter.values.join(", ")));
    }
    match parameter.schema {
        TypeRef::Integer if value.parse::<i64>().is_err() => Some("a whole number".to_owned()),
        TypeRef::Number if value.parse::<f64>().is_err() => Some("a number".to_owned()),
        TypeRef::Boolean if !matches!(value, "true" | "false") => Some("true or false".to_owned()),
        _ => None,
    }
}

fn known_parameters(operation: &Operation) -> String {
    let names: Vec<&str> = operation.parameters.iter().map(|parameter| parameter.name).collect();
    if names.is_empty() { "it takes no parameters".to_owned() } else { format!("it takes {}", names.join(", ")) }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    crate::nearest::nearest(name, known, SUGGESTIONS).into_iter().map(ToOwned::to_owned).collect()
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

#[cfg(test)]
mod tests {
    use oktant_base::Coded;

    use super::*;

    fn message(error: &Error) -> String {
        format!("{error}: {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn arguments_go_where_the_catalogue_says() {
        let call =
            Call::operation("listGroupUsers").unwrap().arg("groupId", "a/b c").unwrap().arg("limit", "5").unwrap();
        assert_eq!(call.resolved_path().unwrap(), "/api/v1/groups/a%2Fb%20c/users");
        assert_eq!(call.query_string().as_deref(), Some("limit=5"));
        assert!(call.check().is_ok());
    }

    #[test]
    fn mistakes_are_answered_with_what_was_meant() {
        assert_eq!(
            message(&Call::operation("listUser").unwrap_err()).split(':').next(),
            Some("unknown operation \"listUser\"")
        );
        let call = Call::operation("listUsers").unwrap();
        assert_eq!(
            message(&call.clone().arg("limt", "5").unwrap_err()),
            "listUsers: unknown parameter \"limt\": did you mean limit?"
        );
        assert_eq!(
            message(&call.arg("limit", "few").unwrap_err()),
            "listUsers: limit=few does not fit: limit takes a whole number"
        );
        assert_eq!(Call::operation("getUser").unwrap().check().unwrap_err().to_string(), "getUser: missing id");
    }

    #[test]
    fn paths_borrow_from_the_catalogue_what_it_knows() {
        let call = Call::path("get", "/api/v1/users?search=status%20eq%20%22ACTIVE%22&limit=5").unwrap();
        assert_eq!(call.bucket(), "users-list");
        assert_eq!(call.query_string().as_deref(), Some("search=status%20eq%20%22ACTIVE%22&limit=5"));
        assert_eq!(Call::get("/api/v1/new-thing").unwrap().bucket(), "GET /api/v1/new-thing");
        assert!(Call::path("BREW", "/tea").is_err());
        assert!(Call::get("//evil.example/").is_err());
        assert!(Call::get("api/v1/users").is_err());
    }

    #[test]
    fn no_value_addresses_another_resource() {
        for value in ["", ".", ".."] {
            let call = Call::operation("unassignUserFromGroup").unwrap();
            let call = call.arg("groupId", value).unwrap().arg("userId", "00uVICTIM").unwrap();
            let error = call.resolved_path().unwrap_err();
            assert_eq!(error.code(), oktant_base::codes::OKT2016, "{value}");
        }
        let encoded = Call::operation("getUser").unwrap().arg("id", "%2e%2e/.").unwrap();
        assert_eq!(encoded.resolved_path().unwrap(), "/api/v1/users/%252e%252e%2F.");
        for path in ["/api/v1/groups/../users", "/api/v1/groups/%2E.", "/a/.\t./b", "/a\\..\\b", "/a/./b"] {
            assert!(Call::path("DELETE", path).is_err(), "{path:?}");
        }
        assert!(Call::get("/api/v1/users/jane.doe..x@acme.example").is_ok());
    }
}
