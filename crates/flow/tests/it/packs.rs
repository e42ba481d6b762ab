//! Every exported pack that is at hand.

use std::path::PathBuf;

use oktant_flow::{flopack, folder, text, validate};
use serde_json::Value;

use crate::normal::normal;

fn packs() -> Vec<(String, String)> {
    let shared = std::env::var_os("OKTANT_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let folder = shared.join("flopacks");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there are no packs in {}", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let packs = paths.filter(|path| path.extension().is_some_and(|ending| ending == "flopack"));
    packs.map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn packs_are_read_and_written_without_loss() {
    let (mut cards, mut steps) = (0, 0);
    let packs = packs();
    for (name, pack) in &packs {
        let imported = flopack::import(pack).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.warnings, [], "{name}");
        let exported = flopack::export(&imported.project).unwrap();
        let original: Value = serde_json::from_str(pack).unwrap();
        let (before, after) = (normal(&original), normal(&exported));
        cards += before.cards;
        assert_eq!(before.cards, after.cards, "{name}");
        assert!(before.value == after.value, "{name}: {}", first_difference(&before.value, &after.value, ""));
        let again = flopack::import(&exported.to_string()).unwrap();
        assert!(again.project == imported.project, "{name}: an export is read differently");
        for flow in imported.project.flows.values() {
            steps += 1;
            flow.body.walk(&mut |_, _| steps += 1);
        }
    }
    println!("{} packs, {cards} cards that are not hidden, {steps} steps", packs.len());
}

#[test]
fn texts_keep_everything_that_packs_say() {
    for (name, pack) in packs() {
        let project = flopack::import(&pack).unwrap().project;
        for flow in project.flows.values() {
            let written = text::write(flow);
            assert_eq!(text::format(&written).unwrap(), written, "{name}");
        }
        let files = folder::write(&project);
        assert!(folder::read(&files).unwrap() == project, "{name}");
    }
}

#[test]
fn next_to_nothing_is_wrong_with_packs() {
    let packs = packs();
    let find = |pack: &str| validate::project(&flopack::import(pack).unwrap().project, None);
    let findings: Vec<_> = packs.iter().flat_map(|(_, pack)| find(pack)).collect();
    // One condition on a table reads a card that its author has removed.
    let known = |finding: &validate::Finding| finding.message == "there is no card eZcmSiBbL";
    let others: Vec<_> = findings.iter().filter(|finding| !known(finding)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(findings.len(), usize::from(!packs.is_empty()));
}

fn first_difference(a: &Value, b: &Value, place: &str) -> String {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys());
            let differs = keys.into_iter().find(|key| a.get(*key) != b.get(*key));
            let Some(key) = differs else { return String::new() };
            first_difference(
                a.get(key).unwrap_or(&Value::Null),
                b.get(key).unwrap_or(&Value::Null),
                &format!("{place}/{key}"),
            )
        }
        _ => format!("{place}: {a} is {b}"),
    }
}
