//! Parameters of a request, from its query and its form.

use std::collections::HashMap;

use serde_json::Value;

/// Named parameters. Of a name that stands twice the first value counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(HashMap<String, String>);

impl Params {
    /// Reads a query and a form body. The official Python client (v2) splits a token request over
    /// both, so the endpoints take them together.
    pub(crate) fn parse(query: Option<&str>, body: &[u8]) -> Self {
        let mut params = HashMap::new();
        let pairs =
            url::form_urlencoded::parse(body).chain(url::form_urlencoded::parse(query.unwrap_or("").as_bytes()));
        for (name, value) in pairs {
            params.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(params)
    }

    /// Reads the members of a JSON object; texts as they are, others as they are written.
    pub(crate) fn from_json(body: &[u8]) -> Self {
        let members: serde_json::Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self(members.into_iter().map(|(name, value)| (name, text(value))).collect())
    }

    /// The value of a parameter; empty ones count as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A copy of the value, for what outlives the request.
    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// The words of a parameter whose value is a list separated by blanks.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.get(name).unwrap_or("").split_ascii_whitespace().map(str::to_owned).collect()
    }
}
