//! The keys that the objects of a flopack have, for the strict reader.

use std::fmt;

use serde_json::Value;

use super::FlopackError;
use super::card::short_address;

/// A key that the format does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it stands, from the outside in.
    pub place: String,
    /// The key.
    pub key: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: unknown key {:?}, kept as it is", self.place, self.key)
    }
}

const VERSIONS: [&str; 4] = ["1.2.0", "1.3.0", "1.4.0", "1.5.0"];
const PACK: &[&str] = &["type", "version", "created", "flags", "data", "checksum"];
const DATA: &[&str] = &["flos", "configs", "tables", "groups", "projectOverview"];
const FLO: &[&str] = &["id", "name", "description", "data"];
const BODY: &[&str] = &[
    "id",
    "uuid",
    "display",
    "tree",
    "model",
    "methods",
    "orderings",
    "cron",
    "scheduled",
    "security_level",
    "log",
    "inheritLog",
    "group",
    "templateName",
    "connector_method_meta",
    "monitor_flo",
    "templateFlowKey",
    "actionId",
    "active_version_external_id",
    "apiSpecMethod",
    "apiSpecRoute",
    "projectApiSpecId",
    "apiSpecFlowType",
];
const METHOD: &[&str] = &["uuid", "address", "parents", "node", "branches", "joins", "pins"];
const MODEL: &[&str] = &[
    "type",
    "_v",
    "key",
    "executable",
    "displayed",
    "async",
    "cooperative",
    "mirrored",
    "inlined",
    "dependencies",
    "timeout",
    "idempotent",
    "monitor",
    "mobile",
    "webhook",
    "webhookList",
    "webhookConditions",
    "hooks",
    "runtime",
    "compat",
    "enableNewMetadata",
    "policy",
    "metadata",
    "meta",
    "config",
    "partnerChannelKeys",
    "display",
    "comments",
    "inputs",
    "outputs",
];
const POLICY: &[&str] = &["type", "delay", "retry", "retryCondition", "flo", "merge"];
const FIELD_SET: &[&str] = &["extensible", "rules", "groupRules", "data"];
const FIELD: &[&str] = &["id", "group", "key", "value", "ref", "metadata", "required", "flags", "_used"];
const VALUE: &[&str] = &["type", "collection", "data", "available", "error", "proxy", "check"];
const FIELD_METADATA: &[&str] = &[
    "index",
    "displayname",
    "description",
    "custom",
    "optional",
    "hidden",
    "displayed",
    "collapsed",
    "forceHide",
    "typeLocked",
    "type",
    "choices",
    "ordering",
    "dependencies",
    "drives",
    "method",
    "table",
    "expr",
    "exprFields",
    "min",
    "max",
    "examples",
    "includeAllFlows",
    "wormholeMethodId",
    "srcMethodId",
    "srcOutputId",
    "path",
    "transient",
    "ghost",
];
const CONFIG: &[&str] = &["id", "name", "module", "data"];
const TABLE: &[&str] = &["id", "name", "description", "data"];
const GROUP: &[&str] = &["id", "data"];

/// Flows inside cards of flows inside cards: more than anybody draws, few enough for the stack.
const MAX_DEPTH: usize = 32;

/// Checks the form of a pack; the keys that are not known.
pub(super) fn check(pack: &Value) -> Result<Vec<Warning>, FlopackError> {
    let mut check = Check { warnings: Vec::new() };
    check.pack(pack)?;
    Ok(check.warnings)
}

struct Check {
    warnings: Vec<Warning>,
}

fn wrong<T>(place: &str, problem: impl Into<String>) -> Result<T, FlopackError> {
    Err(FlopackError::Format { place: place.to_owned(), problem: problem.into() })
}

impl Check {
    /// Requires an object and reports the keys of it that are not known.
    fn object(&mut self, value: &Value, known: &[&str], place: &str) -> Result<(), FlopackError> {
        let Value::Object(object) = value else { return wrong(place, "an object is expected here") };
        let unknown = object.keys().filter(|key| !known.contains(&key.as_str()));
        self.warnings.extend(unknown.map(|key| Warning { place: place.to_owned(), key: key.clone() }));
        Ok(())
    }

    fn pack(&mut self, pack: &Value) -> Result<(), FlopackError> {
        self.object(pack, PACK, "flopack")?;
        if pack["type"] != "flopack" {
            return wrong("flopack", "its type is not \"flopack\"");
        }
        if !VERSIONS.iter().any(|version| pack["version"] == *version) {
            return wrong("flopack", format!("version {} is not one of {}", pack["version"], VERSIONS.join(", ")));
        }
        self.object(&pack["data"], DATA, "flopack > data")?;
        for (key, known) in [("flos", FLO), ("configs", CONFIG), ("tables", TABLE), ("groups", GROUP)] {
            let Value::Object(objects) = &pack["data"][key] else {
                return wrong("flopack > data", format!("{key} is not an object"));
            };
            for (id, object) in objects {
                let place = format!("{key} {id}");
                self.object(object, known, &place)?;
                if object["id"].as_str() != Some(id) {
                    return wrong(&place, "its id is not the key that it stands under");
                }
                if key == "flos" {
                    let place = format!("flow {}", object["name"].as_str().unwrap_or(id));
                    self.body(&object["data"], &place, 0)?;
                }
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &Value, place: &str, depth: usize) -> Result<(), FlopackError> {
        if depth > MAX_DEPTH {
            return wrong(place, format!("flows stand inside each other more than {MAX_DEPTH} deep"));
        }
        self.object(body, BODY, place)?;
        let Value::Array(methods) = &body["methods"] else { return wrong(place, "methods is not a list") };
        if !body["orderings"].is_object() {
            return wrong(place, "orderings is not an object");
        }
        let mut seen = std::collections::HashSet::new();
        for card in methods {
            let title = card["node"]["data"]["name"].as_str().unwrap_or_default();
            let Some(uuid) = card["uuid"].as_str() else { return wrong(place, format!("card {title} has no uuid")) };
            let place = format!("{place} > card {title} ({uuid})");
            if !seen.insert(uuid) {
                return wrong(&place, "another card of the flow has the same uuid");
            }
            self.card(card, &place, depth)?;
        }
        Ok(())
    }

    fn card(&mut self, card: &Value, place: &str, depth: usize) -> Result<(), FlopackError> {
        self.object(card, METHOD, place)?;
        if card["address"].as_str().and_then(short_address).is_none() {
            return wrong(place, format!("{} is no address of a card", card["address"]));
        }
        let model = &card["node"]["model"];
        self.object(model, MODEL, place)?;
        self.object(&model["policy"]["error"], POLICY, &format!("{place} > policy"))?;
        let handler = &model["policy"]["error"]["flo"];
        if handler.is_object() {
            self.body(handler, place, depth + 1)?;
        }
        for side in super::card::SIDES {
            self.object(&model[side], FIELD_SET, &format!("{place} > {side}"))?;
            let Value::Object(fields) = &model[side]["data"] else {
                return wrong(place, format!("the data of its {side} is not an object"));
            };
            for (id, field) in fields {
                let place = format!("{place} > {} {}", side.trim_end_matches('s'), field["key"].as_str().unwrap_or(id));
                if field["id"].as_str() != Some(id) {
                    return wrong(&place, "its id is not the key that it stands under");
                }
                self.field(field, &place, depth)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Value, place: &str, depth: usize) -> Result<(), FlopackError> {
        self.object(field, FIELD, place)?;
        self.object(&field["value"], VALUE, place)?;
        self.object(&field["metadata"], FIELD_METADATA, place)?;
        if !field["key"].is_string() {
            return wrong(place, "its key is not text");
        }
        let data = &field["value"]["data"];
        if data.get("methods").is_some() {
            self.body(data, place, depth + 1)?;
        }
        Ok(())
    }
}
