//! The SDK: for every tag group a handle with a method per operation, and for every operation a
//! request with what may be set on it. The requests are thin; what they share is in `crates/sdk`.

mod calls;
mod emit;
mod names;
mod plan;

use std::collections::BTreeMap;

use self::plan::Plan;
use super::Error;
use super::emit::GENERATED_BY;
use super::model::{Operation, Schemas};
use super::models::{Types, feature_name};

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
