//! The REST API: `/services/data/v62.0/…`.

mod collections;
mod composite;
mod query;
mod records;
mod resources;
mod tree;

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::change::Change;
use super::error::Refusal;
use super::org::{Org, Session};
use super::schema::{Object, Schema};
use super::soql::Scene;
use super::store::Store;

pub(super) use query::Cursors;

/// Where the API begins.
pub(super) const PREFIX: &str = "/services/data";

/// The oldest and the newest version served.
const VERSIONS: std::ops::RangeInclusive<u32> = 50..=68;

const READ: &[&str] = &["GET", "HEAD"];
const ROW: &[&str] = &["GET", "HEAD", "PATCH", "DELETE"];

/// One call of the API, or one part of a composite one.
pub(super) struct Call<'a> {
    pub(super) org: &'a Org,
    pub(super) session: &'a Session,
    pub(super) schema: &'a Schema,
    pub(super) method: String,
    /// `/services/data/v62.0`.
    pub(super) base: String,
    /// What follows it, decoded.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: &'a HeaderMap,
    /// Null if there is none.
    pub(super) body: Value,
}

/// What a call is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Option<Value>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: Some(body) }
    }

    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: None }
    }

    pub(super) fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let answer = Self::ok(json!([refusal.entry()])).status(refusal.status);
        match refusal.code.as_ref() {
            "INVALID_SESSION_ID" => answer.header(header::WWW_AUTHENTICATE, "Token"),
            _ => answer,
        }
    }
}

/// What a call comes to.
type Outcome = Result<Answer, Refusal>;

impl<'a> Call<'a> {
    /// A call to a path and query; `None` if no version that is served stands in it.
    pub(super) fn new(
        org: &'a Org,
        session: &'a Session,
        schema: &'a Schema,
        method: &str,
        target: &str,
        headers: &'a HeaderMap,
    ) -> Option<Self> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let rest = path.strip_prefix(PREFIX)?.strip_prefix('/')?;
        let mut segments = rest.split('/').filter(|segment| !segment.is_empty());
        let version = segments.next()?;
        let number = version.strip_prefix('v')?.strip_suffix(".0")?.parse().ok()?;
        if !VERSIONS.contains(&number) {
            return None;
        }
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        Some(Self {
            org,
            session,
            schema,
            method: method.to_ascii_uppercase(),
            base: format!("{PREFIX}/{version}"),
            segments: segments.map(decode).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers,
            body: Value::Null,
        })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_true(&self, parameter: &str) -> bool {
        self.parameter(parameter).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A parameter that must be there.
    fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.parameter(name).ok_or_else(|| Refusal::new("MISSING_ARGUMENT", format!("{name} is required")))
    }

    /// The body as an object.
    fn object_body(&self) -> Result<&Map<String, Value>, Refusal> {
        self.body
            .as_object()
            .ok_or_else(|| Refusal::json_parser("The HTTP entity body is required, and must be a JSON object"))
    }

    fn object(&self, name: &str) -> Result<&'a Object, Refusal> {
        self.schema.object(name).ok_or_else(Refusal::not_found)
    }

    fn change<'s>(&self, store: &'s mut Store) -> Change<'s> {
        Change { store, now: self.org.now(), user: self.session.user }
    }

    fn scene<'s>(&'s self, store: &'s Store) -> Scene<'s> {
        Scene {
            store,
            schema: self.schema,
            base: &self.base,
            now: self.org.now(),
            zone: self.session.zone(store),
            deleted: false,
        }
    }

    /// The address of a record.
    fn record_url(&self, object: &Object, id: super::id::Id) -> String {
        format!("{}/{}/{id}", self.base, object.path())
    }
}

/// Answers a call; the store is held by it alone.
///
/// # Errors
///
/// What the API refuses.
pub(super) fn run(call: &Call<'_>, store: &mut Store) -> Outcome {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let allowed = methods(&segments).ok_or_else(Refusal::not_found)?;
    if !allowed.contains(&call.method.as_str()) {
        return Err(method_not_allowed(&call.method, allowed));
    }
    match (segments.as_slice(), call.method.as_str()) {
        ([], _) => Ok(resources::index(call)),
        (["limits"], _) => Ok(resources::limits(call)),
        (["recent"], _) => Ok(Answer::ok(json!([]))),
        (["sobjects"], _) => Ok(resources::objects(call)),
        (["sobjects", object], "POST") => records::create(call, store, call.object(object)?),
        (["sobjects", object], _) => Ok(resources::object(call, call.object(object)?)),
        (["sobjects", object, "describe"], _) => Ok(resources::describe(call, call.object(object)?)),
        (["sobjects", object, "updated"], _) => records::updated(call, store, call.object(object)?),
        (["sobjects", object, "deleted"], _) => records::deleted(call, store, call.object(object)?),
        (["sobjects", "User", id, "password"], _) => records::password(call, store, id),
        (["sobjects", object, id], _) => records::by_id(call, store, call.object(object)?, id),
        (["sobjects", object, key, value], _) => records::by_key(call, store, call.object(object)?, key, value),
        (["query"], _) => query::query(call, store, false),
        (["queryAll"], _) => query::query(call, store, true),
        (["query" | "queryAll", locator], _) => query::next(call, locator),
        (["search"], _) => query::search(call, store),
        (["parameterizedSearch"], _) => query::parameterized(call, store),
        (["composite"], "POST") => composite::composite(call, store),
        (["composite"], _) => Ok(resources::composite(call)),
        (["composite", "batch"], _) => composite::batch(call, store),
        (["composite", "tree", object], _) => tree::create(call, store, call.object(object)?),
        (["composite", "sobjects"], _) => collections::change(call, store),
        (["composite", "sobjects", object], _) => collections::read(call, store, call.object(object)?),
        (["composite", "sobjects", object, key], _) => collections::upsert(call, store, call.object(object)?, key),
        _ => Err(Refusal::not_found()),
    }
}

/// The methods of a resource; `None` if there is none.
fn methods(segments: &[&str]) -> Option<&'static [&'static str]> {
    Some(match segments {
        []
        | ["limits" | "recent" | "sobjects" | "query" | "queryAll" | "search"]
        | ["query" | "queryAll", _]
        | ["sobjects", _, "describe" | "updated" | "deleted"] => READ,
        ["sobjects", _] | ["composite" | "parameterizedSearch"] | ["composite", "sobjects", _] => {
            &["GET", "HEAD", "POST"]
        }
        ["sobjects", "User", _, "password"] => &["GET", "HEAD", "POST", "DELETE"],
        // Users stay for ever; what they made refers to them.
        ["sobjects", object, _] if object.eq_ignore_ascii_case("User") => &["GET", "HEAD", "PATCH"],
        ["sobjects", _, _] | ["sobjects", _, _, _] => ROW,
        ["composite", "batch"] | ["composite", "tree", _] => &["POST"],
        ["composite", "sobjects"] => &["POST", "PATCH", "DELETE"],
        ["composite", "sobjects", _, _] => &["PATCH"],
        _ => return None,
    })
}

fn method_not_allowed(method: &str, allowed: &[&str]) -> Refusal {
    let message = format!("HTTP Method '{method}' not allowed. Allowed are {}", allowed.join(","));
    Refusal::new("METHOD_NOT_ALLOWED", message).status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Every version, oldest first.
pub(super) fn versions() -> Value {
    const SEASONS: [&str; 3] = ["Winter", "Spring", "Summer"];
    let version = |number: u32| {
        // Version 50 came in Winter '21, and three follow each other every year.
        let (season, year) = (SEASONS[((number - 50) % 3) as usize], 21 + (number - 50) / 3);
        json!({ "label": format!("{season} '{year}"), "url": format!("{PREFIX}/v{number}.0"), "version": format!("{number}.0") })
    };
    VERSIONS.map(version).collect()
}
