//! Who answers the cards of a test: the case, as it is written, and a sandbox where there is one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_connect::Needs;
use oktant_connect::query::SQL_CARD;
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Delivered, ErrorKind, Events, Fields, Idempotency, Name, Outcome,
};
use oktant_flow::model::{Address, Event};
use serde_json::{Map, Value};

use super::case::{Expected, Failing, flattened, json, unflattened, value};
use crate::failure::Result;

/// Services that a sandbox stands for.
pub(super) const ORGS: [&str; 2] = ["okta", "salesforce"];

/// Answers what the case says; what a sandbox can answer goes there, if there is one.
#[derive(Debug)]
pub(super) struct Cast {
    calls: Vec<Expected>,
    /// What leads to the sandbox.
    orgs: Option<Arc<dyn Actions>>,
    made: parking_lot::Mutex<Vec<Made>>,
}

/// A call that was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) step: String,
    pub(super) call: Call,
    /// What came of it, if it was a sandbox that answered.
    pub(super) outcome: Option<Result<Outcome, CardError>>,
}

impl Cast {
    pub(super) fn new(calls: Vec<Expected>, orgs: Option<Arc<dyn Actions>>) -> Self {
        Self { calls, orgs, made: parking_lot::Mutex::default() }
    }

    /// What leads to the sandbox, if the card of an address is played there.
    fn org(&self, address: &str) -> Option<&dyn Actions> {
        self.orgs.as_deref().filter(|_| is_of_sandbox(address))
    }

    /// What the case says that a call gives.
    fn scripted(&self, step: &str, call: &Call) -> Result<Outcome, CardError> {
        let expected = self.calls.iter().find(|expected| expected.step == step && *expected.card == *call.address);
        let Some(expected) = expected else {
            return Err(CardError::new(ErrorKind::Refused, format!("the test does not say what {step} gives")));
        };
        match (&expected.records, &expected.fails) {
            (Some(records), fails) if call.cursor.is_none() => {
                let cursor = fails.as_ref().map(|_| "behind the records".into());
                Ok(Outcome::Page { records: records.iter().map(value).collect(), cursor })
            }
            (_, Some(Failing { message, status, code })) => {
                let error = CardError::new(ErrorKind::Refused, message.clone());
                Err(CardError {
                    status: *status,
                    service_code: code.as_deref().map(|code| Box::new(code.into())),
                    ..error
                })
            }
            _ => Ok(Outcome::Outputs(unflattened(&expected.gives))),
        }
    }
}

/// Whether a sandbox can stand for what a card acts on: an org, or what every engine has itself.
fn is_of_sandbox(address: &str) -> bool {
    let Ok(address) = address.parse::<Address>() else { return false };
    match Needs::of(&address) {
        Needs::Service(service) => ORGS.contains(&service),
        Needs::Mail(_) => false,
        Needs::Nothing => address.module() == "stash" || address.as_str() == SQL_CARD,
    }
}

#[async_trait]
impl Actions for Cast {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        if let Some(org) = self.org(address) {
            return org.describe(address);
        }
        let streaming = self.calls.iter().any(|call| call.card == address && call.records.is_some());
        Some(ActionInfo { idempotency: Idempotency::Safe, streaming, timeout: Duration::from_secs(30) })
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let step = call.idempotency_key.split_once(':').map_or("", |(_, step)| step).to_owned();
        let Some(org) = self.org(&call.address) else {
            let outcome = self.scripted(&step, &call);
            self.made.lock().push(Made { step, call, outcome: None });
            return outcome;
        };
        let outcome = org.call(call.clone()).await;
        self.made.lock().push(Made { step, call, outcome: Some(outcome.clone()) });
        outcome
    }

    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError> {
        match self.org(&call.address) {
            Some(org) => org.search_first(call).await,
            None => Ok(None),
        }
    }
}

/// Tests without a sandbox start flows by themselves.
#[derive(Debug)]
pub(super) struct NoEvents;

impl Events for NoEvents {
    fn event_types(&self, _card: &Event) -> Option<Vec<String>> {
        None
    }

    fn outputs(&self, _card: &Event, _delivered: &Delivered) -> Option<Fields> {
        None
    }
}

impl Cast {
    /// Compares the calls that were made, but for those of `other` runs, with `expected` ones.
    pub(super) fn compare(&self, expected: &[Expected], other: &[Name], problems: &mut Vec<String>) {
        let made = self.made.lock();
        let made: Vec<&Made> = made.iter().filter(|made| other.iter().all(|run| **run != *made.call.run)).collect();
        for expected in expected {
            let is_it = |made: &&Made| made.step == expected.step && *made.call.address == *expected.card;
            let found: Vec<&Made> = made.iter().copied().filter(is_it).collect();
            let Some(first) = found.first() else {
                problems.push(format!("{} ({}) was not called", expected.step, expected.card));
                continue;
            };
            let what = format!("{} was given", expected.step);
            differences(&what, &expected.with, &flattened(&first.call.inputs), problems);
            let outcomes = found.iter().filter_map(|made| made.outcome.as_ref()).collect::<Vec<_>>();
            compare_outcomes(expected, &outcomes, problems);
        }
        for Made { step, call, .. } in made {
            if !expected.iter().any(|expected| expected.step == *step && *expected.card == *call.address) {
                problems.push(format!("{step} ({}) was called", call.address));
            }
        }
    }
}

/// Compares what a sandbox answered, attempt after attempt and page after page, with what was expected; the last
/// attempt counts.
fn compare_outcomes(expected: &Expected, outcomes: &[&Result<Outcome, CardError>], problems: &mut Vec<String>) {
    let Some(last) = outcomes.last() else { return };
    let step = &expected.step;
    match (last, &expected.fails) {
        (Err(error), None) => problems.push(format!("{step} failed: {}", error.message)),
        (Ok(_), Some(_)) => problems.push(format!("{step} did not fail")),
        (Err(error), Some(failing)) => compare_errors(step, error, failing, problems),
        (Ok(Outcome::Outputs(outputs)), None) => {
            let found = flattened(outputs);
            for (name, wanted) in &expected.gives {
                match found.get(name) {
                    None => problems.push(format!("{step} gave no {name}")),
                    Some(found) if holds(found, wanted) => {}
                    Some(found) => problems.push(format!("{step} gave {name} {found}, not {wanted}")),
                }
            }
        }
        (Ok(Outcome::Page { .. }), None) => {}
    }
    if let Some(wanted) = &expected.records {
        let pages = outcomes.iter().filter_map(|outcome| match outcome {
            Ok(Outcome::Page { records, .. }) => Some(records.iter().map(json)),
            _ => None,
        });
        let (found, wanted) = (Value::Array(pages.flatten().collect()), Value::Array(wanted.clone()));
        if !holds(&found, &wanted) {
            problems.push(format!("{step} streamed {found}, not {wanted}"));
        }
    }
}

/// Compares why a sandbox refused with what was expected, as far as that is said.
fn compare_errors(step: &str, error: &CardError, expected: &Failing, problems: &mut Vec<String>) {
    let Failing { message, status, code } = expected;
    if !error.message.contains(message.as_str()) {
        problems.push(format!("{step} failed with \"{}\", not with \"{message}\"", error.message));
    }
    let [found, wanted] = [error.status, *status].map(|status| status.map(|status| status.to_string()));
    let own = error.service_code.as_ref().map(ToString::to_string);
    for (what, found, wanted) in [("status", &found, &wanted), ("code", &own, code)] {
        if let Some(wanted) = wanted.as_ref().filter(|_| wanted != found) {
            let found = found.as_deref().unwrap_or("none");
            problems.push(format!("{step} failed with {what} {found}, not {wanted}"));
        }
    }
}

/// Whether a value is as wanted: of objects, the members that are named.
pub(super) fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| holds(found.get(key).unwrap_or(&Value::Null), wanted))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| holds(found, wanted))
        }
        // A whole number may have come as another kind of number.
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        _ => found == wanted,
    }
}

/// What of `wanted` is not in `found`.
pub(super) fn differences(
    what: &str,
    wanted: &Map<String, Value>,
    found: &Map<String, Value>,
    problems: &mut Vec<String>,
) {
    for (name, wanted) in wanted {
        let found = found.get(name).unwrap_or(&Value::Null);
        if found != wanted {
            problems.push(format!("{what} {name} {found}, not {wanted}"));
        }
    }
}
