//! Records of Salesforce as a source of events, against the sandbox's org.

use std::sync::Arc;
use std::time::Duration;

use oktant_base::{OsEntropy, SystemClock};
use oktant_engine::{Delivered, Edges, Engine, Events, RunFilter, RunState, Settings, Source};
use oktant_flow::model::{Event, TriggerKind};
use oktant_functions::Value as FlowValue;
use serde_json::{Value, json};

use crate::org::Setting;

const CONTACT: &[(&str, &str)] = &[("recordType", "Contact")];

fn card(operation: &str) -> Event {
    let option = json!({
        "group": "parameters", "key": "recordType", "type": {"base": "text", "list": false}, "required": false,
        "source": {"constant": "Contact"},
    });
    serde_json::from_value(json!({
        "address": format!("salesforce2_29:{operation}"), "connection": null, "options": [option], "delivery": "single",
    }))
    .unwrap()
}

/// A log that is read on and on.
struct Reader {
    log: Arc<dyn Source>,
    position: String,
}

impl Reader {
    async fn new(setting: &Setting, operation: &str) -> Self {
        let log = setting.bench.connectors.source(&card(operation), "sf").unwrap();
        let (told, position) = log.poll(None).await.unwrap();
        assert!(told.is_empty(), "it begins now: {told:?}");
        Self { log, position }
    }

    async fn read(&mut self) -> Vec<Value> {
        let (events, position) = self.log.poll(Some(&self.position)).await.unwrap();
        self.position = position;
        events.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
    }

    /// Last names, in order.
    async fn names(&mut self) -> Vec<String> {
        self.read().await.iter().map(|event| event["record"]["LastName"].as_str().unwrap().to_owned()).collect()
    }
}

async fn contact(setting: &Setting, name: &str) -> Value {
    let made = setting.run("createRecord", CONTACT, json!({"Record Fields.LastName": name})).await;
    made["New Record.Record ID"].clone()
}

#[tokio::test]
async fn a_new_record_is_told_once() {
    let setting = Setting::new().await;
    contact(&setting, "Before").await;
    let mut new = Reader::new(&setting, "newRecord").await;
    assert!(new.read().await.is_empty());
    let id = contact(&setting, "Ann").await;
    contact(&setting, "Bob").await;
    let events = new.read().await;
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!((&events[0]["record"]["Id"], &events[0]["record"]["LastName"]), (&id, &json!("Ann")));
    assert!(new.read().await.is_empty(), "told already");
    contact(&setting, "Cid").await;
    assert_eq!(new.names().await, ["Cid"]);
}

#[tokio::test]
async fn many_new_records_are_told_page_by_page() {
    let setting = Setting::new().await;
    let mut new = Reader::new(&setting, "newRecord").await;
    let records: Vec<Value> = (0..450).map(|number| json!({"LastName": format!("N{number:04}")})).collect();
    setting.run("createMultipleRecords", CONTACT, json!({"Records.Records": records})).await;
    let (mut names, mut pages) = (Vec::new(), Vec::new());
    loop {
        let page = new.names().await;
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
        names.extend(page);
    }
    assert_eq!(pages, [200, 200, 50]);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 450);
}

#[tokio::test]
async fn a_change_is_told_once_and_a_creation_is_none() {
    let setting = Setting::new().await;
    let old = contact(&setting, "Old").await;
    let mut updated = Reader::new(&setting, "recordUpdated").await;
    contact(&setting, "New").await;
    assert!(updated.read().await.is_empty());
    for title in ["One", "Two"] {
        // Times have milliseconds.
        tokio::time::sleep(Duration::from_millis(5)).await;
        setting.run("updateRecord", CONTACT, json!({"Record.Record ID": old, "Record Fields.Title": title})).await;
        let events = updated.read().await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((&events[0]["record"]["Id"], &events[0]["record"]["Title"]), (&old, &json!(title)));
        assert!(updated.read().await.is_empty());
    }
}

#[tokio::test]
async fn a_deletion_is_told_with_what_was_deleted() {
    let setting = Setting::new().await;
    let ids = [contact(&setting, "One").await, contact(&setting, "Two").await];
    setting.run("deleteRecord", CONTACT, json!({"Record.Record ID": ids[0]})).await;
    let mut deleted = Reader::new(&setting, "recordDeleted").await;
    assert!(deleted.read().await.is_empty());
    setting.run("deleteRecord", CONTACT, json!({"Record.Record ID": ids[1]})).await;
    assert_eq!(deleted.names().await, ["Two"]);
    assert!(deleted.read().await.is_empty());
}

#[tokio::test]
async fn a_card_that_names_no_object_listens_to_nothing() {
    let setting = Setting::new().await;
    let mut open = card("newRecord");
    open.options.clear();
    assert!(setting.bench.connectors.source(&open, "sf").is_none());
    assert_eq!(setting.bench.connectors.event_types(&open), Some(Vec::new()));
    assert_eq!(setting.bench.connectors.event_types(&card("noRecord")), None);
    let mut evil = card("newRecord");
    evil.options[0].source = oktant_flow::model::Source::Constant(json!("Contact WHERE Id != null"));
    assert!(setting.bench.connectors.source(&evil, "sf").is_none());
}

#[tokio::test]
async fn fields_of_the_record_are_the_fields_of_the_card() {
    let setting = Setting::new().await;
    let event = json!({
        "eventType": "salesforce.record.new:Contact", "uuid": "003:x", "published": "2026-01-01T00:00:00.000Z",
        "record": {"attributes": {"type": "Contact"}, "Id": "003", "LastName": "Ann"},
    });
    let value = |json: Value| serde_json::from_value::<FlowValue>(json).unwrap();
    let delivered = Delivered { event: value(event), envelope: value(json!({})), headers: value(json!({})) };
    let fields = setting.bench.connectors.outputs(&card("newRecord"), &delivered).unwrap();
    let text = |group: &str, key: &str| fields.get(Some(group), key).and_then(FlowValue::as_text).map(str::to_owned);
    assert_eq!(text("Record", "Record ID").as_deref(), Some("003"));
    assert_eq!(text("Record Fields", "LastName").as_deref(), Some("Ann"));
    assert_eq!(fields.get(Some("Record Fields"), "attributes"), None);
}

#[tokio::test]
async fn a_flow_runs_for_each_new_record() {
    let setting = Setting::new().await;
    let flow = oktant_flow::text::read(
        "
flow: Greet contacts
trigger:
  event: salesforce:newRecord
  connection: sf
  options: {recordType: Contact}
steps:
  - id: greet
    card: string:compose
    with: {_text_: 'Hello ${trigger.Record Fields/LastName}'}
",
    )
    .unwrap();
    let TriggerKind::Event(card) = &flow.trigger.kind else { panic!("an event") };
    let source = setting.bench.connectors.source(card, "sf").unwrap();
    let connectors = Arc::new(setting.bench.connectors.clone());
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let edges = Edges { clock, entropy, actions: connectors.clone(), events: connectors };
    let engine = Engine::open("sqlite::memory:", edges, Settings::default()).await.unwrap();
    engine.save(&flow).await.unwrap();
    engine.switch(flow.id.as_str(), true).await.unwrap();
    engine.follow(source, Duration::from_millis(20));
    let until = async |count: usize| {
        for _ in 0..400 {
            let runs = engine.history(&RunFilter::default()).await.unwrap();
            if runs.len() == count && runs.iter().all(|run| run.state == RunState::Succeeded) {
                return runs;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{:?}", engine.history(&RunFilter::default()).await.unwrap());
    };
    while setting.requests("/services/data") < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    contact(&setting, "Ann").await;
    contact(&setting, "Bob").await;
    let runs = until(2).await;
    let mut greetings = Vec::new();
    for run in &runs {
        let steps = engine.steps(&run.id).await.unwrap();
        let greeting = steps.iter().find(|step| &*step.path == "greet").unwrap().outputs.as_ref().unwrap();
        greetings.push(greeting.to_object().to_json());
    }
    // Both may begin in one millisecond: the history then has them in any order.
    greetings.sort();
    assert!(greetings[0].contains("Hello Ann") && greetings[1].contains("Hello Bob"), "{greetings:?}");
}
