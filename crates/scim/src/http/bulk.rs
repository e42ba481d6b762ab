//! Many operations in one request.
//!
//! # Source
//!
//! RFC 7644, 3.7.

use std::collections::{HashMap, HashSet};

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::parameters::Parameters;
use super::route::{Endpoint, endpoint};
use super::serve::{Call, Exchange, Outcome, nothing_here};
use crate::error::Error;
use crate::patch::PATCH_SCHEMA;
use crate::precondition::{Precondition, entity_tag};
use crate::profile::Profile;
use crate::provider::Provider;
use crate::resource::{check_schemas, member, object};
use crate::schema::Kind;

const REQUEST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// What a reference to a resource of the same request begins with.
const REFERENCE: &str = "bulkId:";

/// One operation, as asked for.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: String,
    bulk_id: Option<String>,
    precondition: Precondition,
    data: Value,
    /// Bulk ids that the path and the data refer to.
    needs: HashSet<String>,
}

/// How far a bulk request is.
struct Progress {
    /// Ids of the resources made so far, by bulk id.
    made: HashMap<String, String>,
    /// Answers of the operations that are done, by their place.
    answers: Vec<Option<Value>>,
    errors: u64,
    /// Memberships that could not be made with their groups.
    later: Vec<Later>,
}

/// A member of a group that was made before the member.
struct Later {
    /// The operation that made the group.
    index: usize,
    /// Path of the group.
    path: String,
    /// Bulk id of the member.
    member: String,
}

impl<P: Provider> Exchange<'_, P> {
    /// Runs the operations in order, except that one waits for the resources it refers to. Groups that refer to each other
    /// as members are made first and joined afterwards.
    pub(super) async fn bulk(&self, body: &Value) -> Result<Answer, Error> {
        let (operations, errors_max) = self.read(body)?;
        let mut progress = Progress {
            made: HashMap::new(),
            answers: operations.iter().map(|_| None).collect(),
            errors: 0,
            later: Vec::new(),
        };
        let mut waiting: Vec<usize> = (0..operations.len()).collect();
        while !waiting.is_empty() && progress.errors < errors_max {
            let place = self.next(&operations, &waiting, &progress);
            let index = waiting.remove(place);
            let pending = pending(&operations, &waiting);
            self.run(&operations[index], index, &pending, &mut progress).await;
            self.join(&mut progress).await;
        }
        progress.report_missing();
        let answers: Vec<Value> = progress.answers.into_iter().flatten().collect();
        Ok(Answer::ok(json!({ "schemas": [RESPONSE_SCHEMA], "Operations": answers })))
    }

    fn read(&self, body: &Value) -> Result<(Vec<Operation>, u64), Error> {
        let members = object(body, "the body")?;
        check_schemas(members, REQUEST_SCHEMA, Profile::Rfc)?;
        let Some(Value::Array(operations)) = member(members, "Operations") else {
            return Err(Error::invalid_syntax("Operations must be a list"));
        };
        let limits = &self.service.settings.limits;
        if operations.len() > limits.bulk_operations {
            let detail = json!({ "maxOperations": limits.bulk_operations, "maxPayloadSize": limits.body_bytes });
            return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, detail.to_string()));
        }
        let operations = operations.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
        let mut ids = HashSet::new();
        if operations.iter().filter_map(|operation| operation.bulk_id.as_ref()).any(|id| !ids.insert(id)) {
            return Err(Error::invalid_value("each bulkId may occur once"));
        }
        let errors_max = member(members, "failOnErrors").and_then(Value::as_u64).filter(|count| *count > 0);
        Ok((operations, errors_max.unwrap_or(u64::MAX)))
    }

    /// The first operation that waits for nothing; else a group whose members alone are missing; else the first.
    fn next(&self, operations: &[Operation], waiting: &[usize], progress: &Progress) -> usize {
        let pending = pending(operations, waiting);
        let free = |&index: &usize| {
            !operations[index]
                .needs
                .iter()
                .any(|name| pending.contains(name.as_str()) && !progress.made.contains_key(name))
        };
        let group = |&index: &usize| operations[index].method == Method::POST && is_groups(&operations[index].path);
        waiting.iter().position(free).or_else(|| waiting.iter().position(group)).unwrap_or(0)
    }

    async fn run(&self, operation: &Operation, index: usize, pending: &HashSet<&str>, progress: &mut Progress) {
        let mut data = operation.data.clone();
        let postponed = if operation.method == Method::POST && is_groups(&operation.path) {
            postpone_members(&mut data, pending)
        } else {
            Vec::new()
        };
        let outcome = self.operate(operation, data, progress).await;
        let mut answer = Map::new();
        answer.insert("method".to_owned(), operation.method.as_str().into());
        answer.extend(operation.bulk_id.clone().map(|id| ("bulkId".to_owned(), id.into())));
        let version = outcome.answer.version.as_deref().map(entity_tag);
        answer.extend(version.map(|version| ("version".to_owned(), version.into())));
        let created = operation.method == Method::POST;
        let location = outcome.answer.location.clone();
        let location = location.or_else(|| (!created).then(|| format!("{}{}", self.base_url, operation.path)));
        answer.extend(location.map(|location| ("location".to_owned(), location.into())));
        answer.insert("status".to_owned(), outcome.answer.status.as_str().into());
        match &outcome.error {
            Some(error) => {
                progress.errors += 1;
                answer.insert("response".to_owned(), error.to_json());
            }
            None => {
                if let (Some(name), (Some(id), _)) = (operation.bulk_id.clone(), &outcome.resource) {
                    let path = format!("{}/{id}", operation.path.trim_end_matches('/'));
                    let later = postponed.into_iter().map(|member| Later { index, path: path.clone(), member });
                    progress.later.extend(later);
                    progress.made.insert(name, id.clone());
                }
            }
        }
        progress.answers[index] = Some(Value::Object(answer));
    }

    /// Adds the members that have come to be to groups that were made without them.
    async fn join(&self, progress: &mut Progress) {
        let (ready, later) = std::mem::take(&mut progress.later)
            .into_iter()
            .partition::<Vec<_>, _>(|later| progress.made.contains_key(&later.member));
        progress.later = later;
        for Later { index, path, member } in ready {
            let data = json!({
                "schemas": [PATCH_SCHEMA],
                "Operations": [{ "op": "add", "path": "members", "value": [{ "value": progress.made[&member] }] }],
            });
            let patch = Operation {
                method: Method::PATCH,
                path,
                bulk_id: None,
                precondition: Precondition::None,
                data,
                needs: HashSet::new(),
            };
            let outcome = self.operate(&patch, patch.data.clone(), progress).await;
            if let Some(error) = outcome.error {
                progress.fail(index, &error);
            }
        }
    }

    /// Runs one operation and takes note of it.
    async fn operate(&self, operation: &Operation, mut data: Value, progress: &Progress) -> Outcome {
        let path = resolve_path(&operation.path, &progress.made);
        let path = path.as_deref().unwrap_or(&operation.path);
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let target = endpoint(&segments);
        let resolved = match reference_in_path(path) {
            Some(name) => Err(not_made(name)),
            None => resolve(&mut data, &progress.made),
        };
        let result = match (&target, resolved) {
            (_, Err(error)) => Err(error),
            (Some(endpoint @ (Endpoint::Resources(_) | Endpoint::Resource(..))), Ok(())) => {
                self.operate_on(operation, endpoint, data).await
            }
            _ => Err(nothing_here()),
        };
        let outcome = Outcome::new(result, true);
        let kind = target.as_ref().and_then(Endpoint::kind);
        let event = self.origin.event(&operation.method, path, kind, &outcome);
        self.service.provider.audit(Some(self.context), &event).await;
        outcome
    }

    async fn operate_on(&self, operation: &Operation, endpoint: &Endpoint, body: Value) -> Result<Answer, Error> {
        let method = &operation.method;
        if !endpoint.methods().contains(method) {
            return Err(Answer::method_not_allowed(method, endpoint.methods()).0);
        }
        let precondition = operation.precondition.clone();
        let call = Call { method, endpoint, body, parameters: Parameters::default(), precondition, known: None };
        match endpoint {
            Endpoint::Resources(kind) => self.create(*kind, &call).await,
            Endpoint::Resource(kind, id) => self.resource(*kind, id, &call).await,
            _ => Err(nothing_here()),
        }
    }
}

impl Progress {
    /// An operation that seemed to have succeeded has not.
    fn fail(&mut self, index: usize, error: &Error) {
        self.errors += 1;
        if let Some(Some(answer)) = self.answers.get_mut(index) {
            answer["status"] = error.status().as_str().into();
            answer["response"] = error.to_json();
        }
    }

    /// Groups that were made without a member that never came to be.
    fn report_missing(&mut self) {
        for Later { index, member, .. } in std::mem::take(&mut self.later) {
            let detail = format!("the group was made without bulkId {member:?}, which was not made");
            self.fail(index, &Error::new(StatusCode::CONFLICT, detail));
        }
    }
}

/// Bulk ids of the operations that have not run.
fn pending<'a>(operations: &'a [Operation], waiting: &[usize]) -> HashSet<&'a str> {
    waiting.iter().filter_map(|&index| operations[index].bulk_id.as_deref()).collect()
}

fn operation(value: &Value) -> Result<Operation, Error> {
    let members = object(value, "an operation")?;
    let text = |name: &str| member(members, name).and_then(Value::as_str);
    let method = text("method").unwrap_or_default().to_ascii_uppercase();
    let known = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let Some(method) = known.into_iter().find(|known| known.as_str() == method) else {
        return Err(Error::invalid_syntax("method must be POST, PUT, PATCH or DELETE"));
    };
    let path = text("path").ok_or_else(|| Error::invalid_syntax("an operation needs a path"))?;
    let bulk_id = text("bulkId").filter(|id| !id.is_empty()).map(str::to_owned);
    if method == Method::POST && bulk_id.is_none() {
        return Err(Error::invalid_syntax("POST needs a bulkId"));
    }
    let data = member(members, "data").cloned().unwrap_or_default();
    let mut needs: HashSet<String> = reference_in_path(path).map(str::to_owned).into_iter().collect();
    references(&data, &mut |name| {
        needs.insert(name.to_owned());
    });
    Ok(Operation {
        method,
        path: path.to_owned(),
        bulk_id,
        precondition: text("version").map(Precondition::parse).unwrap_or_default(),
        data,
        needs,
    })
}

fn is_groups(path: &str) -> bool {
    path.trim_matches('/') == Kind::Group.endpoint()
}

fn reference_in_path(path: &str) -> Option<&str> {
    path.split('/').find_map(|segment| segment.strip_prefix(REFERENCE))
}

fn resolve_path(path: &str, made: &HashMap<String, String>) -> Option<String> {
    let name = reference_in_path(path)?;
    Some(path.replace(&format!("{REFERENCE}{name}"), made.get(name)?))
}

/// Calls `visit` with each bulk id that a value refers to. The value is as deep as the parser allows.
fn references<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => text.strip_prefix(REFERENCE).into_iter().for_each(visit),
        Value::Array(values) => values.iter().for_each(|value| references(value, visit)),
        Value::Object(members) => members.values().for_each(|value| references(value, visit)),
        _ => {}
    }
}

fn not_made(name: &str) -> Error {
    Error::new(StatusCode::CONFLICT, format!("bulkId {name:?} was not made, so that it cannot be referred to"))
}

/// Puts ids in the place of references; 409 for one to a resource that was not made.
fn resolve(value: &mut Value, made: &HashMap<String, String>) -> Result<(), Error> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(REFERENCE) {
                let id = made.get(name).ok_or_else(|| not_made(name))?;
                *text = id.clone();
            }
            Ok(())
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| resolve(value, made)),
        Value::Object(members) => members.values_mut().try_for_each(|value| resolve(value, made)),
        _ => Ok(()),
    }
}

/// Takes the members out of a group that are still to be made, and names them.
fn postpone_members(group: &mut Value, pending: &HashSet<&str>) -> Vec<String> {
    let mut postponed = Vec::new();
    if let Some(Value::Array(members)) = group.get_mut("members") {
        members.retain(|member| {
            let name = member.get("value").and_then(Value::as_str).and_then(|value| value.strip_prefix(REFERENCE));
            let name = name.filter(|name| pending.contains(name));
            postponed.extend(name.map(str::to_owned));
            name.is_none()
        });
    }
    postponed
}
