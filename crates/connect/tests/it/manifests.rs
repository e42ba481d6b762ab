//! Every manifest can be read, and every card of the exported packs is executable or named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use oktant_base::codes;
use oktant_connect::Cards;
use oktant_connect::manifest::Manifest;
use oktant_flow::flopack;
use oktant_flow::validate::{self, Catalogue as _};
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

/// Whether a card of the kernel can be run. Branches, loops and calls of flows are no cards of the graph any more.
fn kernel_runs(channel: &str, operation: &str) -> bool {
    let address = format!("{channel}:{operation}");
    oktant_functions::find(&address).is_ok() && address != "utility:exportFlo"
}

fn packs() -> Option<Vec<PathBuf>> {
    let data = std::env::var("OKTANT_SHARED_DATA")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned());
    let folder = PathBuf::from(data).join("flopacks");
    let packs = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    Some(packs.filter(|path| path.extension().is_some_and(|extension| extension == "flopack")).collect())
}

/// The addresses that validation of a pack names as cards that cannot be run.
fn not_runnable(pack: &str) -> Vec<String> {
    let project = flopack::import(pack).unwrap().project;
    let findings = validate::project(&project, Some(&Cards));
    let unknown = findings.iter().filter(|finding| finding.code == codes::OKT4113);
    unknown.filter_map(|finding| Some(finding.message.split_once(' ')?.0.to_owned())).collect()
}

fn knows(address: &str) -> bool {
    Cards.knows(&address.parse().unwrap())
}

#[test]
fn cards_of_the_engine_the_functions_and_the_connectors_are_known_and_no_others() {
    for address in [
        "control:wait",
        "httpfunctions:close",
        "string:compose",
        "salesforce:createUser",
        "okta:readUser",
        "oktant:sql",
    ] {
        assert!(knows(address), "{address}");
    }
    for address in ["control:wat", "string:shout", "salesforce:mine", "nowhere:act", "utility:exportFlo"] {
        assert!(!knows(address), "{address}");
    }
}

/// What validation finds in a flow, as rule, card and field.
fn found(flow: &str) -> Vec<String> {
    let flow = oktant_flow::text::read(flow).unwrap_or_else(|error| panic!("{error}"));
    let context = validate::Context { project: None, catalogue: Some(&Cards) };
    let findings = validate::flow(&flow, context);
    let name = |finding: &validate::Finding| {
        let (step, field) = (finding.step.as_ref(), finding.field.as_deref());
        format!("{} {} {}", finding.code.id(), step.map_or("", |step| step.as_str()), field.unwrap_or_default())
    };
    findings.iter().map(name).collect()
}

#[test]
fn misspelt_fields_and_outputs_of_cards_are_found() {
    let wrong = "
flow: Wrong
trigger: {event: okta:userCreated}
steps:
  - {id: read, card: okta:readUser, with: {User/ID or Logn *: '${trigger.Output/Okta User.ID}'}}
  - {id: who, card: okta:readUser, with: {User/ID or Login *: '${trigger.Outptu/Okta User.ID}'}}
  - {id: wait, card: control:wait, with: {seconds: 20}}
  - {id: c, card: salesforce:createRecord, options: {recordType: Contact}, with: {Record/LastName: Lee}}
  - {id: cut, card: string:compose, with: {_text_: '${c.Record/ID}'}}
  - {id: get, card: httpfunctions:get, with: {Request/Url: 'https://example.com/'}}
  - {id: row, card: stash:createRow, options: {stash: !table t}, with: {Field/a: 1}}
  - {id: ask, card: oktant:sql, with: {Query/Sql: SELECT 1}}
  - {id: mail, card: mail:send, with: {Email/Too: a@acme.example}}
  - {id: own, card: okta:getUser, with: {id: x}}
  - {id: say, card: string:compose, with: {_text_: '${cut.ouput} ${own.Rseult/id} ${get.Response/body}'}}
";
    assert_eq!(
        found(wrong),
        [
            "OKT4120 read User / ID or Logn",
            "OKT4110 who User / ID or Login",
            "OKT4120 wait seconds",
            "OKT4115 wait delay",
            "OKT4115 wait unit",
            "OKT4120 c Record / LastName",
            "OKT4110 cut _text_",
            "OKT4120 get Request / Url",
            "OKT4120 row Field / a",
            "OKT4120 ask Query / Sql",
            "OKT4120 mail Email / Too",
            "OKT4110 say _text_",
            "OKT4110 say _text_",
            "OKT4110 say _text_",
        ]
    );
}

#[test]
fn what_depends_on_the_account_may_be_anything() {
    let right = "
flow: Right
trigger: {event: salesforce:newRecord, options: {recordType: Contact}}
steps:
  - {id: read, card: okta:readUser, with: {User/ID or Login *: '${trigger.Record Fields/Own__c}'}}
  - {id: c, card: salesforce:createRecord, options: {recordType: Contact}, with: {Record Fields/Own__c: '${read.Profile Properties/own}'}}
  - {id: row, card: stash:readRow, options: {stash: !table t}, with: {Read By/Row ID: x}}
  - {id: own, card: okta:createGroupRule, with: {Body/anything: '${row.Fields/Any column}'}}
  - {id: make, card: object:construct, with: {any: '${own.Result/whatever}', when: '${trigger.context/execution_time}'}}
";
    assert_eq!(found(right), [""; 0]);
}

#[test]
fn packs_are_in_order_but_for_cards_that_cannot_be_run() {
    for path in packs().unwrap_or_default() {
        let project = flopack::import(&std::fs::read_to_string(&path).unwrap()).unwrap().project;
        let findings = validate::project(&project, Some(&Cards));
        // One condition on a table reads a card that its author has removed.
        let known = |finding: &validate::Finding| {
            finding.code == codes::OKT4113 || finding.message == "there is no card eZcmSiBbL"
        };
        let others: Vec<_> = findings.iter().filter(|finding| !known(finding)).map(ToString::to_string).collect();
        assert!(others.is_empty(), "{}: {others:#?}", path.display());
    }
}

#[test]
fn the_templates_are_in_order() {
    for template in oktant_flow::templates::all() {
        let findings = validate::project(&template.project(), Some(&Cards));
        assert!(findings.is_empty(), "{}: {findings:#?}", template.name);
    }
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
    let mut named = BTreeSet::new();
    for pack in packs {
        let text = std::fs::read_to_string(pack).unwrap();
        named.extend(not_runnable(&text));
        let pack: Value = serde_json::from_str(&text).unwrap();
        let mut addresses = Vec::new();
        cards(&pack["data"]["flos"], &mut addresses);
        for address in addresses {
            total += 1;
            let parts: Vec<&str> = address.split(':').collect();
            let (channel, operation) = if is_kernel(&address) { (parts[2], parts[4]) } else { (parts[3], parts[5]) };
            let module = if is_kernel(&address) { "kernel" } else { channel };
            let runs = if is_kernel(&address) {
                kernel_runs(channel, operation)
            } else {
                knows(&format!("{channel}:{operation}"))
            };
            let (known, all) = modules.entry(module.to_owned()).or_default();
            *all += 1;
            if runs {
                *known += 1;
                executable += 1;
            } else {
                *rest.entry(format!("{channel}:{operation}")).or_default() += 1;
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
    assert_eq!(named, rest.into_keys().collect(), "what validation names is what cannot be run");
    assert_eq!(total, 3385, "cards of the 63 packs");
    assert!(executable * 100 >= total * 95, "{executable} of {total}");
}
