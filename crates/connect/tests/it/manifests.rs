//! Every manifest can be read, and every card of the exported packs is executable or named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use oktant_connect::Connectors;
use oktant_connect::manifest::Manifest;
use serde_json::Value;

#[test]
fn every_manifest_can_be_read() {
    let manifests = Manifest::own();
    assert!(manifests.len() >= 15, "{}", manifests.len());
    for (id, manifest) in manifests {
        manifest.check().unwrap_or_else(|wrong| panic!("{id}: {wrong}"));
    }
    let mut modules = BTreeSet::new();
    for module in manifests.values().flat_map(|manifest| manifest.modules.iter().chain([&manifest.id])) {
        assert!(modules.insert(module), "module {module} stands in two manifests");
    }
}

#[test]
fn a_manifest_of_another_form_is_refused() {
    for (text, problem) in [("id: a\ntitle: A\nactions: {}\nunknown: 1", "unknown"), ("id: a", "title"), (": :", "")] {
        let error = Manifest::parse("a", text).unwrap_err().to_string();
        assert!(error.starts_with("the manifest of a cannot be used") && error.contains(problem), "{error}");
    }
}

/// Cards of the kernel: functions, and what the engine runs itself.
fn is_kernel(address: &str) -> bool {
    address.contains(":kernel:")
}

/// Whether a card of the kernel can be run. Heads and joins of branches are control flow, and comments do nothing.
fn kernel_runs(address: &str) -> bool {
    oktant_functions::find(address).is_ok()
}

/// The card that ends the answer of an endpoint: the engine's own, though it is written like a connector's.
fn is_close(address: &str) -> bool {
    address.contains(":httpfunctions:") && address.ends_with(":close")
}

fn packs() -> Option<Vec<PathBuf>> {
    let data = std::env::var("OKTANT_SHARED_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned());
    let folder = PathBuf::from(data).join("flopacks");
    let packs = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    Some(packs.filter(|path| path.extension().is_some_and(|extension| extension == "flopack")).collect())
}

/// Every card below a value, nested flows included, in file order.
fn cards(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let (Some(address), true) =
                (members.get("address").and_then(Value::as_str), members.contains_key("pins"))
            {
                found.push(address.to_owned());
            }
            members.values().for_each(|member| cards(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| cards(item, found)),
        _ => {}
    }
}

#[test]
fn at_least_95_percent_of_the_cards_are_executable() {
    let Some(packs) = packs() else {
        eprintln!("skipped: no folder flopacks below OKTANT_SHARED_DATA");
        return;
    };
    let (mut total, mut executable) = (0, 0);
    let mut modules: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut rest: BTreeMap<String, usize> = BTreeMap::new();
    for pack in packs {
        let pack: Value = serde_json::from_slice(&std::fs::read(pack).unwrap()).unwrap();
        let mut addresses = Vec::new();
        cards(&pack["data"]["flos"], &mut addresses);
        for address in addresses {
            total += 1;
            let parts: Vec<&str> = address.split(':').collect();
            let (module, operation) = if is_kernel(&address) { ("kernel", parts[4]) } else { (parts[3], parts[5]) };
            let runs = match is_kernel(&address) {
                true => kernel_runs(&address),
                false => is_close(&address) || Connectors::is_executable(&format!("{module}:{operation}")),
            };
            let (known, all) = modules.entry(module.to_owned()).or_default();
            *all += 1;
            if runs {
                *known += 1;
                executable += 1;
            } else {
                *rest.entry(format!("{module}:{operation}")).or_default() += 1;
            }
        }
    }
    for (module, (known, all)) in &modules {
        eprintln!("{known:5} of {all:5}  {module}");
    }
    for (address, count) in &rest {
        eprintln!("not executable: {address} ({count})");
    }
    eprintln!("{executable} of {total} cards are executable");
    assert_eq!(total, 3385, "cards of the 63 packs");
    assert!(executable * 100 >= total * 95, "{executable} of {total}");
}
