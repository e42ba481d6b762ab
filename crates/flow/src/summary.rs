//! Flows in a few words, for lists.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Flow, FlowId, Kind, Project, TriggerKind};
use crate::visit::steps;

/// A flow in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its identifier.
    pub id: FlowId,
    /// Its name.
    pub name: String,
    /// The names of the folders that it lies in, the outer one first.
    pub folder: Vec<String>,
    /// What starts it: `helper`, `schedule …`, `endpoint`, `delegated`, `manual` or an event.
    pub starts: String,
    /// How many cards it has, remarks not counted.
    pub cards: usize,
    /// How often each card occurs, by address.
    pub addresses: BTreeMap<String, usize>,
    /// The flows that it calls.
    pub calls: Vec<FlowId>,
}

/// Every flow of a project in a few words.
pub fn project(project: &Project) -> Vec<Summary> {
    project.flows.values().map(|one| flow(one, project)).collect()
}

fn flow(flow: &Flow, project: &Project) -> Summary {
    let starts = match &flow.trigger.kind {
        TriggerKind::Helper => "helper".to_owned(),
        TriggerKind::Schedule(at) => {
            let fields =
                [&at.seconds, &at.minutes, &at.hours, &at.day_of_month, &at.month, &at.day_of_week, &at.time_zone];
            format!("schedule {}", fields.map(String::as_str).join(" "))
        }
        TriggerKind::Endpoint(_) => "endpoint".to_owned(),
        TriggerKind::Delegated => "delegated".to_owned(),
        TriggerKind::Manual => "manual".to_owned(),
        TriggerKind::Event(event) => event.address.to_string(),
    };
    let mut addresses = BTreeMap::new();
    let mut calls = Vec::new();
    steps(&flow.body, &mut |step| {
        let called = match &step.kind {
            Kind::Note(_) => return,
            Kind::Loop(each) => each.flow.as_ref(),
            Kind::Call(call) => call.flow.as_ref(),
            _ => None,
        };
        *addresses.entry(step.kind.address().to_string()).or_insert(0) += 1;
        if let Some(called) = called.filter(|called| !calls.contains(*called)) {
            calls.push(called.clone());
        }
    });
    let mut folder = Vec::new();
    let mut parent = flow.folder.as_ref().and_then(|id| project.folders.get(id));
    while let Some(found) = parent.filter(|_| folder.len() <= project.folders.len()) {
        folder.insert(0, found.name.clone());
        parent = found.parent.as_ref().and_then(|id| project.folders.get(id));
    }
    Summary {
        id: flow.id.clone(),
        name: flow.name.clone(),
        folder,
        starts,
        cards: addresses.values().sum::<usize>() + 1,
        addresses,
        calls,
    }
}
