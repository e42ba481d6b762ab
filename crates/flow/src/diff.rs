//! What two projects say differently, whatever form they are in.

use std::collections::BTreeSet;
use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;

use crate::folder;
use crate::model::{Flow, Project};
use crate::text::{self, yaml};
use yaml::{Data, Node};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, from the outside in: the flow, the card, the field.
    pub place: Vec<String>,
    /// What it was; nothing if it is new.
    pub before: Option<String>,
    /// What it is; nothing if it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    /// `~ flow Create users > read_user > with > User/ID: ${a.b} -> ${c.d}`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.join(" > ");
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "+ {place}: {after}"),
            (Some(before), None) => write!(f, "- {place}: {before}"),
            (Some(before), Some(after)) => write!(f, "~ {place}: {before} -> {after}"),
            (None, None) => write!(f, "  {place}"),
        }
    }
}

/// The differences between two projects; layout, comments and what only an editor needs count for
/// nothing.
pub fn projects(before: &Project, after: &Project) -> Vec<Change> {
    let mut changes = Vec::new();
    let ids: BTreeSet<_> = before.flows.keys().chain(after.flows.keys()).collect();
    for id in ids {
        let place = vec![format!("flow {id}")];
        match (before.flows.get(id), after.flows.get(id)) {
            (Some(before), Some(after)) => changes.extend(flows(before, after)),
            (before, after) => changes.push(Change {
                place,
                before: before.map(|flow| flow.name.clone()),
                after: after.map(|flow| flow.name.clone()),
            }),
        }
    }
    let shared = |project: &Project| {
        let mut files = folder::write(project);
        files.retain(|path, _| !path.contains('/'));
        files
    };
    let (before, after) = (shared(before), shared(after));
    for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let leaves = |files: &folder::Files| {
            let root = files.get(path).and_then(|text| yaml::parse(text).ok()).map(|(root, _)| root);
            leaves_of(&root.unwrap_or_default())
        };
        changes.extend(compare(&leaves(&before), &leaves(&after), path.trim_end_matches(".yaml")));
    }
    changes
}

/// The differences between two flows.
pub fn flows(before: &Flow, after: &Flow) -> Vec<Change> {
    let leaves = |flow: &Flow| leaves_of(&text::tree(flow));
    compare(&leaves(before), &leaves(after), &format!("flow {}", after.id))
}

type Leaves = IndexMap<Vec<String>, String>;

fn leaves_of(root: &Node) -> Leaves {
    let mut leaves = Leaves::new();
    collect(root, &mut Vec::new(), &mut leaves);
    leaves
}

/// All scalars by their place. A list of steps is their order, and each step by its identifier.
fn collect(node: &Node, place: &mut Vec<String>, leaves: &mut Leaves) {
    let tag = node.tag.as_ref().map(|tag| format!("!{tag} ")).unwrap_or_default();
    match &node.data {
        Data::Scalar { text, .. } => {
            leaves.insert(place.clone(), format!("{tag}{text}"));
        }
        Data::Map(members) => {
            if members.is_empty() {
                leaves.insert(place.clone(), format!("{tag}{{}}"));
            }
            for (key, value) in members {
                place.push(key.clone());
                collect(value, place, leaves);
                place.pop();
            }
        }
        Data::List(items) => {
            let names: Vec<String> = items.iter().enumerate().map(|(n, item)| name(item, n)).collect();
            if items.iter().any(|item| matches!(item.data, Data::Map(_))) {
                place.push("order".to_owned());
                leaves.insert(place.clone(), names.join(", "));
                place.pop();
            }
            for (item, name) in items.iter().zip(names) {
                place.push(name);
                collect(item, place, leaves);
                place.pop();
            }
        }
    }
}

/// What an item of a list is called: a step by its identifier, a remark by how it begins.
fn name(item: &Node, number: usize) -> String {
    let Data::Map(members) = &item.data else { return (number + 1).to_string() };
    let text = |wanted: &str| {
        members.iter().find_map(|(key, value)| match &value.data {
            Data::Scalar { text, .. } if key == wanted => Some(text.as_str()),
            _ => None,
        })
    };
    match (text("id"), text("heading").or_else(|| text("note"))) {
        (Some(id), _) => id.to_owned(),
        (None, Some(note)) => format!("note {:?}", note.chars().take(40).collect::<String>()),
        (None, None) => (number + 1).to_string(),
    }
}

/// What a step is, for a step that is new or gone as a whole.
const KINDS: [&str; 7] = ["card", "if", "switch", "try", "loop", "call", "note"];

fn compare(before: &Leaves, after: &Leaves, root: &str) -> Vec<Change> {
    let named = |place: &[String]| std::iter::once(root.to_owned()).chain(place.iter().cloned()).collect();
    let mut changes = Vec::new();
    for (place, value) in before {
        match after.get(place) {
            Some(now) if now == value => {}
            Some(now) => {
                changes.push(Change { place: named(place), before: Some(value.clone()), after: Some(now.clone()) });
            }
            None => changes.push(Change { place: named(place), before: Some(value.clone()), after: None }),
        }
    }
    let new = after.iter().filter(|(place, _)| !before.contains_key(*place));
    changes.extend(new.map(|(place, value)| Change { place: named(place), before: None, after: Some(value.clone()) }));
    whole_steps(changes, before, after)
}

/// Tells a step that is new or gone once, not field by field.
fn whole_steps(changes: Vec<Change>, before: &Leaves, after: &Leaves) -> Vec<Change> {
    let steps = |leaves: &Leaves| -> BTreeSet<Vec<String>> {
        let ids =
            leaves.keys().filter(|place| place.last().is_some_and(|key| KINDS.contains(&key.as_str()) || key == "id"));
        ids.map(|place| place[..place.len() - 1].to_vec()).filter(|place| !place.is_empty()).collect()
    };
    let (old, new) = (steps(before), steps(after));
    let lonely = |place: &[String]| {
        (1..place.len()).map(|n| place[1..=n].to_vec()).find(|step| old.contains(step) != new.contains(step))
    };
    let mut told = BTreeSet::new();
    let mut out = Vec::new();
    for change in changes {
        let Some(step) = lonely(&change.place) else {
            out.push(change);
            continue;
        };
        if told.insert(step.clone()) {
            let leaves = if change.after.is_some() { after } else { before };
            let kind = KINDS.iter().find_map(|kind| {
                let place: Vec<_> = step.iter().cloned().chain([(*kind).to_owned()]).collect();
                leaves.get(&place).map(|value| format!("{kind} {value}"))
            });
            let kind = Some(kind.unwrap_or_else(|| "step".to_owned()));
            let place = std::iter::once(change.place[0].clone()).chain(step).collect();
            let (before, after) = if change.after.is_some() { (None, kind) } else { (kind, None) };
            out.push(Change { place, before, after });
        }
    }
    out
}
