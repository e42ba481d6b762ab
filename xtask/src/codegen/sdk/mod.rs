//! The SDK: for every tag group a handle with a method per operation, and for every operation a
//! request with what may be set on it. The requests are thin; what they share is in `crates/sdk`.

mod calls;
mod emit;
mod names;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use self::plan::Plan;
use super::Error;
use super::emit::GENERATED_BY;
use super::model::{Operation, Schemas};
use super::models::{Types, feature_name};

/// A table of the groups for the front page: their features, handles, and what they are about.
pub(crate) fn groups_page(operations: &[Operation]) -> String {
    let mut groups: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| operation.api == "Management") {
        let (count, collections) = groups.entry(&operation.group).or_default();
        *count += 1;
        collections.extend(collection(&operation.path));
    }
    let mut page = "| Feature | Handle | Operations | Collections |\n|---|---|---|---|\n".to_owned();
    for (group, (count, collections)) in &groups {
        let collections: Vec<String> = collections.iter().map(|name| format!("`{name}`")).collect();
        let (feature, handle) = (feature_name(group), module(group));
        let _ = writeln!(page, "| `{feature}` | `okta.{handle}()` | {count} | {} |", collections.join(" "));
    }
    page
}

/// The collection that a path is about: `groups` of `/api/v1/groups/{groupId}`.
fn collection(path: &str) -> Option<&str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.find(|segment| !matches!(*segment, "api" | "v1" | "v2"))
}

/// The generated sources with their paths.
pub(crate) fn sources(
    operations: &[Operation],
    schemas: &Schemas,
    types: &Types<'_>,
) -> Result<Vec<(String, String)>, Error> {
    let mut groups: BTreeMap<&str, Vec<Plan<'_>>> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| operation.api == "Management") {
        groups.entry(&operation.group).or_default().push(Plan::new(operation, schemas, types)?);
    }
    let file = |name: &str| format!("crates/sdk/src/generated/{name}.rs");
    let mut sources = vec![(file("mod"), modules(groups.keys().copied()))];
    for (group, plans) in &groups {
        sources.push((file(&module(group)), emit::group(group, plans)));
    }
    sources.push(("crates/sdk/tests/full/calls.rs".to_owned(), calls::table(&groups)));
    Ok(sources)
}

/// The module of a tag group: `Access Controls` is `access_controls`.
fn module(group: &str) -> String {
    feature_name(group).replace('-', "_")
}

fn modules<'a>(groups: impl Iterator<Item = &'a str>) -> String {
    let modules =
        groups.map(|group| format!("#[cfg(feature = {:?})]\npub mod {};\n", feature_name(group), module(group)));
    format!(
        "// {GENERATED_BY}\n\n//! One module per tag group of the description, each behind its feature.\n\n{}",
        modules.collect::<String>()
    )
}
