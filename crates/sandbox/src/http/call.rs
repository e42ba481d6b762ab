//! A request that was understood: operation, parameters, principal.

use bytes::Bytes;
use http::HeaderMap;
use oktant_base::Timestamp;
use oktant_catalog::Operation;
use serde_json::{Map, Value};

use super::auth::Principal;
use super::errors::{self, ApiError};
use crate::org::Org;
use crate::store::{Stamp, json};

/// A request on its way to a handler.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) org: &'a Org,
    pub(crate) operation: &'static Operation,
    pub(crate) params: Vec<(&'static str, String)>,
    /// Path as the caller wrote it, for links and the log.
    pub(crate) path: &'a str,
    /// Query pairs, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
    /// Origin that was called, such as `http://127.0.0.1:4096`; links carry it.
    pub(crate) base: &'a str,
    pub(crate) principal: Principal,
    pub(crate) request_id: &'a str,
    pub(crate) now: Timestamp,
}

impl Call<'_> {
    /// The value of a path parameter; empty if the operation has none of this name.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The value of a query parameter, unless it is absent or empty.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A query parameter that is true or false; anything but the two counts as absent.
    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        match self.query(name) {
            Some(value) if value.eq_ignore_ascii_case("true") => true,
            Some(value) if value.eq_ignore_ascii_case("false") => false,
            _ => default,
        }
    }

    /// The page size: `default` when none is sent, cut to `max`.
    ///
    /// # Errors
    ///
    /// 400 if it is not a number.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, ApiError> {
        let Some(text) = self.query("limit") else { return Ok(default) };
        match text.parse::<i64>() {
            // -1 is what the description calls "all that the service gives".
            Ok(-1) => Ok(max),
            Ok(limit) if limit >= 0 => Ok(usize::try_from(limit).unwrap_or(max).min(max)),
            _ => Err(ApiError::invalid("Api validation failed: limit").cause("limit: The field limit is not valid.")),
        }
    }

    /// The time of the call in whole seconds, as most objects store it.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp::of(self.now)
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    ///
    /// 400 `E0000003` if it is empty, not JSON or not an object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, ApiError> {
        serde_json::from_slice(&self.body).map_err(|_| errors::E0000003.into())
    }

    /// The body as a JSON object, or an empty one where no body was sent.
    ///
    /// # Errors
    ///
    /// 400 `E0000003` if there is a body that is not a JSON object.
    pub(crate) fn optional_object(&self) -> Result<Map<String, Value>, ApiError> {
        if self.body.is_empty() { Ok(Map::new()) } else { self.object() }
    }

    /// The same call with another body, for handlers that complete what was sent.
    pub(crate) fn with_body(&self, body: &Map<String, Value>) -> Call<'_> {
        let mut bytes = Vec::new();
        json::write_value(&mut bytes, body);
        Call {
            params: self.params.clone(),
            query: self.query.clone(),
            body: bytes.into(),
            principal: self.principal.clone(),
            ..*self
        }
    }

    /// An absolute URL of this org.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}
