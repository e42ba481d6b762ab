//! Every operation of the management API, called through its typed request against the sandbox.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oktant_catalog::{Api, Method, Operation, ParameterIn, TypeRef};
use oktant_sandbox::Sandbox;
use oktant_sdk::{Edges, Error, Okta, Org, Properties};
use serde_json::Value;

use crate::arguments::{Arguments, Seen};
use crate::calls::CALLS;
use crate::{example, fixtures};

/// Operations of the published description of the management API.
const OPERATIONS: usize = 732;

/// Operations that are answered as documented at least. The number only grows: the others are refused
/// for their made-up arguments, and say nothing about the answer.
const DOCUMENTED_MIN: usize = 468;

/// Operations whose description contradicts itself: the schema of `listJwk` is an array, its example
/// an object with the array in `jwks.keys`, as which the sandbox answers.
const CONTRADICTORY: [&str; 1] = ["listJwk"];

/// Operations that real orgs answer with another success than the description has: the status, and
/// how it is known.
const DEVIATING: [(&str, u16, &str); 11] = [
    ("assignRoleToClient", 201, RECORDED),
    ("createCustomDomain", 201, RECORDED),
    ("createEmailDomain", 201, RECORDED),
    ("createIdentitySourceSession", 201, RECORDED),
    ("createPrincipalRateLimitEntity", 200, REPORTED),
    ("createRealmAssignment", 200, RECORDED),
    ("deleteIdentitySourceUser", 200, REPORTED),
    ("extendOktaSupport", 200, REPORTED),
    ("grantConsentToScope", 200, RECORDED),
    ("grantOktaSupport", 200, REPORTED),
    ("revokeOktaSupport", 200, REPORTED),
];
const RECORDED: &str = "recordings of real orgs have it";
const REPORTED: &str = "that is what was observed";

/// How an operation was answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Answered {
    /// With a status that the description has.
    AsDocumented,
    /// With success, but another status than the description has.
    Undocumented(u16),
    /// With an error in Okta's form about the made-up arguments.
    Refused(u16),
    /// With anything else.
    Wrongly(String),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_is_answered_as_documented() {
    let sandbox = Sandbox::builder().users(20).groups(5).seed(7).start().await.unwrap();
    let properties = Properties::parse(&format!("{}&MaxRetries=0", sandbox.dsn())).unwrap();
    let okta = Okta::from(Org::connect(&properties, Edges::system()).await.unwrap());
    let mut ids = fixtures::ids(&okta).await;

    let mut calls: Vec<_> = CALLS
        .iter()
        .map(|(id, call)| (oktant_catalog::operation(id).expect("the table is made from the catalogue"), call))
        .collect();
    // What creates comes first, what deletes last and the innermost before what holds it, so that
    // most find the objects that they name.
    calls.sort_by_key(|(operation, _)| (order(operation), depth(operation), operation.id));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = String::new();
    let mut deviating = 0;
    for (operation, call) in &calls {
        let mut arguments = arguments(operation, &ids);
        let result = call(&okta, &mut arguments).0.await;
        if let Ok(Seen { value: Some(value), .. }) = &result
            && operation.method == Method::Post
        {
            fixtures::learn(operation, value, &mut ids);
        }
        let answered = judge(operation, result.map(|seen| seen.status));
        match &answered {
            Answered::Wrongly(_) if CONTRADICTORY.contains(&operation.id) => {}
            Answered::Wrongly(reason) => drop(writeln!(wrong, "  {}: {reason}", operation.id)),
            Answered::Undocumented(status) => match DEVIATING.iter().find(|row| row.0 == operation.id) {
                Some((id, known, reason)) if known == status => {
                    eprintln!("{id}: {status} is not documented, but {reason}");
                    deviating += 1;
                }
                _ => drop(writeln!(wrong, "  {}: {status} is not documented", operation.id)),
            },
            Answered::AsDocumented | Answered::Refused(_) => {}
        }
        *counts.entry(label(&answered)).or_default() += 1;
    }
    eprintln!("{} operations called: {counts:#?}", calls.len());
    assert_eq!(calls.len(), OPERATIONS);
    assert_eq!(oktant_catalog::operations().iter().filter(|known| known.api == Api::Management).count(), OPERATIONS);
    assert_eq!(deviating, DEVIATING.len(), "a deviation that is gone leaves the table");
    let documented = counts.get(&label(&Answered::AsDocumented)).copied().unwrap_or_default();
    assert!(documented >= DOCUMENTED_MIN, "only {documented} operations are answered as documented");
    assert!(wrong.is_empty(), "not answered as they should be:\n{wrong}");
    sandbox.shutdown().await;
}

fn order(operation: &Operation) -> u8 {
    match operation.method {
        Method::Post if !operation.path.contains("/lifecycle/") => 0,
        Method::Get => 1,
        Method::Put | Method::Patch => 2,
        Method::Post => 3,
        Method::Delete => 4,
    }
}

/// Outer paths first; of what deletes, inner ones.
fn depth(operation: &Operation) -> isize {
    let segments = operation.path.split('/').count() as isize;
    if operation.method == Method::Delete { -segments } else { segments }
}

fn arguments(operation: &Operation, ids: &fixtures::Ids) -> Arguments {
    let mut arguments = Arguments::default();
    for parameter in operation.parameters.iter().filter(|parameter| parameter.required) {
        let value =
            ids.get(parameter.name).cloned().unwrap_or_else(|| text(&example_of(parameter.schema, parameter.values)));
        match parameter.location {
            ParameterIn::Path => drop(arguments.path.insert(parameter.name.to_owned(), value)),
            ParameterIn::Query => arguments.query.push((parameter.name.to_owned(), value)),
            ParameterIn::Header => drop(arguments.headers.insert(parameter.name.to_ascii_lowercase(), value)),
        }
    }
    arguments.body = operation.request.as_ref().map(|request| match request.media_types.first() {
        Some(media_type) if media_type.ends_with("json") => example::of(&request.schema).to_string().into_bytes(),
        _ => b"\x89PNG\r\n\x1a\n".to_vec(),
    });
    if operation.request.as_ref().is_some_and(|request| matches!(request.schema, TypeRef::String(_))) {
        arguments.body = Some(b"header.payload.signature".to_vec());
    }
    arguments
}

fn example_of(schema: TypeRef, values: &[&'static str]) -> Value {
    values.first().map_or_else(|| example::of(&schema), |first| Value::from(*first))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn judge(operation: &Operation, result: Result<u16, Error>) -> Answered {
    let documented = |status| operation.responses.iter().any(|response| response.status == status);
    match result {
        Ok(status) if documented(status) => Answered::AsDocumented,
        Ok(status) => Answered::Undocumented(status),
        Err(error) => match (error.status(), error.api()) {
            (Some(401), Some(api)) if api.code != "E0000015" => Answered::Wrongly(error.to_string()),
            // 502 is what a made-up inline hook gives: nobody answers at its address.
            (Some(status @ (400..=499 | 502)), Some(api)) if !api.code.is_empty() && !api.summary.is_empty() => {
                Answered::Refused(status)
            }
            _ => Answered::Wrongly(error.to_string()),
        },
    }
}

fn label(answered: &Answered) -> String {
    match answered {
        Answered::AsDocumented => "as documented".to_owned(),
        Answered::Undocumented(status) => format!("undocumented success {status}"),
        Answered::Refused(status) => format!("refused {status}"),
        Answered::Wrongly(_) => "wrongly".to_owned(),
    }
}
