//! What a list is asked for, in a query or in a body.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::error::Error;
use crate::profile::Profile;
use crate::resource::{check_schemas, member, object};

/// URN of the body of `.search`.
const SEARCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The parameters of a read, as texts and numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) filter: Option<String>,
    pub(super) sort_by: Option<String>,
    pub(super) descending: bool,
    pub(super) start_index: Option<i64>,
    pub(super) count: Option<i64>,
    /// Empty for the first page.
    pub(super) cursor: Option<String>,
    /// Names separated by commas.
    pub(super) attributes: Option<String>,
    pub(super) excluded_attributes: Option<String>,
}

impl Parameters {
    /// Reads a query. Names are taken in any letter case, the first of each counts, unknown ones are ignored.
    pub(super) fn from_query(query: &str) -> Result<Self, Error> {
        let mut named = Map::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            named.entry(name.to_ascii_lowercase()).or_insert_with(|| Value::from(value.into_owned()));
        }
        Self::from_members(&named)
    }

    /// Reads the body of `.search`.
    pub(super) fn from_body(body: &Value, profile: Profile) -> Result<Self, Error> {
        let members = object(body, "the body")?;
        check_schemas(members, SEARCH_SCHEMA, profile)?;
        Self::from_members(members)
    }

    fn from_members(members: &Map<String, Value>) -> Result<Self, Error> {
        let text = |name: &str| text(member(members, name), name);
        let order = text("sortOrder")?.unwrap_or_default();
        Ok(Self {
            filter: text("filter")?.filter(|filter| !filter.trim().is_empty()),
            sort_by: text("sortBy")?.filter(|path| !path.is_empty()),
            descending: order.eq_ignore_ascii_case("descending"),
            start_index: number(member(members, "startIndex"), "startIndex")?,
            count: number(member(members, "count"), "count")?,
            cursor: text("cursor")?,
            attributes: text("attributes")?,
            excluded_attributes: text("excludedAttributes")?,
        })
    }

    /// What of a query a cursor is bound to.
    pub(super) fn fingerprint(&self) -> String {
        let Self { filter, sort_by, descending, attributes, excluded_attributes, .. } = self;
        serde_json::json!([filter, sort_by, descending, attributes, excluded_attributes]).to_string()
    }
}

/// A text, or a list of names.
fn text(value: Option<&Value>, name: &str) -> Result<Option<String>, Error> {
    let wrong = || Error::invalid_value(format!("{name} must be a string"));
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(names)) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            Ok(Some(names.ok_or_else(wrong)?.join(",")))
        }
        Some(_) => Err(wrong()),
    }
}

/// A whole number, in digits too.
fn number(value: Option<&Value>, name: &str) -> Result<Option<i64>, Error> {
    let read = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(digits)) => digits.trim().parse().ok(),
        Some(_) => None,
    };
    read.map(Some).ok_or_else(|| Error::invalid_value(format!("{name} must be a whole number")))
}
