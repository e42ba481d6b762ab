//! Every operation of the management API, called through its typed request against the sandbox.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use oktant_catalog::{Api, Method, Operation, ParameterIn};
use oktant_sandbox::Sandbox;
use oktant_sdk::{Edges, Error, Okta, Org, Properties};

use crate::arguments::{Arguments, Seen};
use crate::calls::CALLS;
use crate::cases::REFUSED;
use crate::world::{World, example_of, shape_of};

/// Operations of the published description of the management API.
const OPERATIONS: usize = 732;

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
    let mut world = World::new(&okta, &sandbox.url());

    let mut calls: Vec<_> = CALLS
        .iter()
        .map(|(id, call)| (oktant_catalog::operation(id).expect("the table is made from the catalogue"), call))
        .collect();
    // What creates comes first, what deletes last and the innermost before what holds it, so that
    // most find the objects that they name.
    calls.sort_by_key(|(operation, _)| (order(operation), depth(operation), operation.id));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = String::new();
    for (operation, call) in &calls {
        world.prepare(operation).await;
        let mut arguments = arguments(operation, &mut world).await;
        let path = format!("{:?}", arguments.path);
        let result = call(&okta, &mut arguments).0.await;
        match (&result, operation.method) {
            (Ok(Seen { value: Some(value), .. }), Method::Post) => world.learn(operation, value),
            (Ok(_), Method::Delete) => world.forget(&shape_of(operation.path)),
            _ => {}
        }
        world.settle(operation);
        let refusal = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let answered = judge(operation, result.map(|seen| seen.status));
        let reason = REFUSED.iter().find(|(_, ids)| ids.contains(&operation.id)).map(|(reason, _)| *reason);
        let problem = match &answered {
            Answered::AsDocumented => reason.map(|reason| format!("is answered, although {reason}")),
            Answered::Refused(_) if reason.is_some() => None,
            Answered::Refused(_) => Some(format!("{refusal} ({path})")),
            Answered::Undocumented(status) => Some(format!("{status} is not documented")),
            Answered::Wrongly(problem) => Some(problem.clone()),
        };
        if let Some(problem) = problem {
            let _ = writeln!(wrong, "  {}: {problem}", operation.id);
        }
        *counts.entry(label(&answered)).or_default() += 1;
    }
    eprintln!("{} operations called: {counts:#?}", calls.len());
    assert_eq!(calls.len(), OPERATIONS);
    assert_eq!(oktant_catalog::operations().iter().filter(|known| known.api == Api::Management).count(), OPERATIONS);
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

async fn arguments(operation: &Operation, world: &mut World) -> Arguments {
    let headers = operation.parameters_in(ParameterIn::Header).filter(|parameter| parameter.required);
    Arguments {
        headers: headers.map(|parameter| (parameter.name.to_ascii_lowercase(), example_of(parameter))).collect(),
        path: world.path(operation).await,
        query: world.query(operation).await,
        body: world.body(operation).await,
    }
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
            // What comes too soon after the last of its kind, such as another message to a phone.
            _ if error.is_rate_limited() => Answered::Refused(429),
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
