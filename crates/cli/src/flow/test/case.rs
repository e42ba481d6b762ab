//! The form of tests: files of YAML beside the flows.

use std::path::PathBuf;

use oktant_base::{Code, Coded, Timestamp, codes};
use oktant_engine::{Field, Fields, RunState};
use oktant_sandbox::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How the file of a flow's tests ends.
pub(super) const SUFFIX: &str = ".test.yaml";

/// The tests of one flow.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tests {
    /// Its id.
    pub(super) flow: String,
    pub(super) cases: Vec<Case>,
}

impl Tests {
    /// The tests as a file; what cannot be written, if anything.
    pub(super) fn text(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }
}

/// One run of a flow.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// The time at which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) now: Option<Timestamp>,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Against::is_script")]
    pub(super) against: Against,
    /// What is asked of the orgs before the flow is switched on, to furnish them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<Request>,
    /// What goes wrong in the orgs from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) faults: Vec<Fault>,
    /// What the flow starts with.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) given: Map<String, Value>,
    /// What is asked of the orgs so that it starts the flow, which waits for the event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) when: Vec<Request>,
    /// What the flow asks of connectors, and what they answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) calls: Vec<Expected>,
    /// How it ends.
    #[serde(default = "succeeded")]
    pub(super) ends: String,
    /// What it returns, as far as the test cares.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) returns: Map<String, Value>,
    /// What is asked of the orgs when the run is over, to see what it left there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) after: Vec<Request>,
}

impl Case {
    /// What is wrong with it, if anything is.
    pub(super) fn problem(&self) -> Option<String> {
        let of_orgs = [
            ("before", self.before.is_empty()),
            ("faults", self.faults.is_empty()),
            ("when", self.when.is_empty()),
            ("after", self.after.is_empty()),
        ];
        let used = of_orgs.iter().find(|(_, empty)| !empty).map(|(key, _)| *key);
        if let (Against::Script, Some(key)) = (self.against, used) {
            return Some(format!("case \"{}\": `{key}` is for cases with `against: sandbox`", self.name));
        }
        if !self.when.is_empty() && !self.given.is_empty() {
            return Some(format!("case \"{}\": a flow is started by `given` or by `when`, not by both", self.name));
        }
        let mut requests = self.before.iter().chain(&self.when).chain(&self.after);
        let wrong = requests.find(|request| request.parts().is_none());
        let form = "a request says `okta: METHOD /path` or `salesforce: METHOD /path`";
        wrong.map(|_| format!("case \"{}\": {form}", self.name))
    }
}

fn succeeded() -> String {
    RunState::Succeeded.name().to_owned()
}

/// Who answers the cards that act outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Against {
    /// The case itself.
    #[default]
    Script,
    /// A fresh Okta org and a fresh Salesforce org; for all other services the case itself.
    Sandbox,
}

impl Against {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_script(&self) -> bool {
        *self == Self::Script
    }
}

/// A request to one of the orgs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// Method and path at the Okta org, such as `POST /api/v1/users?activate=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    okta: Option<String>,
    /// The same at the Salesforce org; the path may begin below `/services/data/vNN.N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salesforce: Option<String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) body: Value,
    /// The name under which later requests and expectations find the answer, as `${name.id}`.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// What the answer holds, as far as the test cares.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) answers: Value,
}

impl Request {
    /// The service, the method and the path; nothing if it does not say them, or says them twice.
    pub(super) fn parts(&self) -> Option<(&'static str, &str, &str)> {
        let (service, line) = match (&self.okta, &self.salesforce) {
            (Some(line), None) => ("okta", line),
            (None, Some(line)) => ("salesforce", line),
            _ => return None,
        };
        let (method, path) = line.split_once(' ')?;
        Some((service, method, path.trim()))
    }
}

/// A call of a connector.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// The place of the step, as the history tells it: `read`, or `each[0]/read` in a helper flow.
    pub(super) step: String,
    pub(super) card: String,
    /// What it is given, as far as the test cares.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) with: Map<String, Value>,
    /// What it gives.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) gives: Map<String, Value>,
    /// The records that it streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<Vec<Value>>,
    /// Why it fails; after its records, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fails: Option<Failing>,
}

/// Why a call fails. What a sandbox answers is compared as far as it is said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failing {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// The service's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
}

/// A file of tests that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{} holds no tests of a flow: {problem}", path.display())]
pub(super) struct Unreadable {
    pub(super) path: PathBuf,
    pub(super) problem: String,
}

impl Coded for Unreadable {
    fn code(&self) -> Code {
        codes::OKT4103
    }

    fn hint(&self) -> Option<String> {
        Some("`oktant flow history RUN --record FILE` writes one; docs/guides/flows.md describes it".to_owned())
    }
}

pub(super) fn value(json: &Value) -> oktant_functions::Value {
    oktant_functions::Value::from_json(&json.to_string()).unwrap_or_default()
}

pub(super) fn json(value: &oktant_functions::Value) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Fields by their full names: `Group/Key`, and `Key` or `/Key` for those without a group.
pub(super) fn flattened(fields: &Fields) -> Map<String, Value> {
    let name = |field: &Field| match &field.group {
        Some(group) => format!("{group}/{}", field.key),
        None if field.key.contains('/') => format!("/{}", field.key),
        None => field.key.to_string(),
    };
    fields.iter().map(|field| (name(field), json(&field.value))).collect()
}

pub(super) fn unflattened(map: &Map<String, Value>) -> Fields {
    let mut fields = Fields::new();
    for (name, json) in map {
        match name.split_once('/') {
            Some((group, key)) => fields.set(Some(group).filter(|group| !group.is_empty()), key, value(json)),
            None => fields.set(None, name, value(json)),
        }
    }
    fields
}
