//! Records of Salesforce as a source of events: made, changed, deleted.
//!
//! # Source
//!
//! The vendor's help on the connector: the cards ask at an interval, and one run starts for each record. `FIELDS(ALL)`
//! takes 200 records at a time by the reference of SOQL. That a change may show later than its time says, because its
//! transaction ended later, follows from `SystemModstamp` being set inside the transaction.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use oktant_base::Timestamp;
use oktant_engine::{CardError, Source};
use oktant_functions::Value as FlowValue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connectors::Connectors;
use crate::fields::{Fields, flow_value};
use crate::manifest::run::{Prepared, Run, Target};
use crate::manifest::{Action, Manifest};
use crate::transport::HttpTransport;

/// Records that one request asks for; as many as `FIELDS(ALL)` takes.
const PAGE: usize = 200;

/// How late a change may show.
const LATE: TimeDelta = TimeDelta::seconds(30);

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    New,
    Updated,
    Deleted,
}

impl Change {
    /// The change that a card waits for.
    pub(crate) fn of(operation: &str) -> Option<Self> {
        match operation {
            "newRecord" | "recordCreated" => Some(Self::New),
            "recordUpdated" | "updatedRecord" => Some(Self::Updated),
            "recordDeleted" | "deletedRecord" => Some(Self::Deleted),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// The field that has the time.
    const fn time(self) -> &'static str {
        match self {
            Self::New => "CreatedDate",
            Self::Updated | Self::Deleted => "SystemModstamp",
        }
    }

    /// The type under which its events reach flows.
    pub(crate) fn event_type(self, object: &str) -> String {
        format!("salesforce.record.{}:{object}", self.name())
    }
}

/// One change of the records of one object, as a connection sees them.
#[derive(Debug, Clone)]
pub struct RecordLog {
    connectors: Connectors,
    connection: String,
    object: String,
    change: Change,
    name: String,
}

/// A record where it stands in the log: its time, as the service writes it in Greenwich's, and its id. Times are
/// compared here, ids by the service alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place(String, String);

impl Place {
    fn of(record: &Value, change: Change) -> Self {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        Self(text(change.time()), text("Id"))
    }
}

/// The instant that a service writes with an offset without a colon.
fn instant(time: &str) -> Option<Timestamp> {
    DateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(|time| time.to_utc())
}

/// The time from which on changes may show later than that of `time`.
fn before_late(time: &str) -> String {
    let earlier = instant(time).map(|time| (time - LATE).format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string());
    earlier.unwrap_or_else(|| time.to_owned())
}

/// How far a log was read.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    /// The time at which it began: nothing before it is told.
    begin: String,
    /// The latest time that was met.
    last: String,
    /// Records that were told, or there when it began, and will be met again beside those that show late.
    recent: Vec<Place>,
    /// Where the next page begins, if the last one was full.
    next: Option<Place>,
}

impl RecordLog {
    pub(crate) fn new(connectors: Connectors, connection: &str, change: Change, object: &str) -> Self {
        let name = format!("salesforce-records:{connection}:{}:{object}", change.name());
        Self { connectors, connection: connection.to_owned(), object: object.to_owned(), change, name }
    }

    /// The records that `query` ends with, oldest first.
    async fn ask(&self, query: String) -> Result<Vec<Value>, CardError> {
        let manifest = &Manifest::own()["salesforce"];
        let connections = self.connectors.connections();
        let live = connections.live(&self.connection).await?;
        let transport = HttpTransport::new(connections, Some(manifest), Some(live));
        let (action, none) = (Action::default(), Fields::new());
        let run = Run { manifest, action: &action, transport: &transport, options: &none, inputs: &none, cursor: None };
        // Deleted records are in the bin, which only this resource looks into.
        let resource = if self.change == Change::Deleted { "queryAll" } else { "query" };
        let request = Prepared {
            method: "GET".to_owned(),
            target: Target::Path(resource.to_owned()),
            query: vec![("q".to_owned(), query)],
            headers: Vec::new(),
            body: None,
            repeatable: true,
        };
        let mut scope = run.scope();
        run.ask(&request, &[], &mut scope).await?;
        match scope.value("body.records")? {
            Value::Array(records) => Ok(records),
            _ => Ok(Vec::new()),
        }
    }

    /// The page behind a place.
    async fn after(&self, Place(at, id): &Place) -> Result<Vec<Value>, CardError> {
        let (time, object) = (self.change.time(), &self.object);
        let deleted = if self.change == Change::Deleted { "IsDeleted = true AND " } else { "" };
        let behind = match (at.as_str(), id.as_str()) {
            ("", _) => format!("{time} != null"),
            (at, "") => format!("{time} >= {at}"),
            (at, id) => format!("({time} > {at} OR ({time} = {at} AND Id > '{id}'))"),
        };
        let query =
            format!("SELECT FIELDS(ALL) FROM {object} WHERE {deleted}{behind} ORDER BY {time}, Id LIMIT {PAGE}");
        self.ask(query).await
    }

    /// Begins behind the newest record that is there.
    async fn begin(&self) -> Result<Position, CardError> {
        let (time, object) = (self.change.time(), &self.object);
        let deleted = if self.change == Change::Deleted { "WHERE IsDeleted = true " } else { "" };
        let query = format!("SELECT Id, {time} FROM {object} {deleted}ORDER BY {time} DESC, Id DESC LIMIT 1");
        let newest = self.ask(query).await?;
        let newest = newest.first().map(|record| Place::of(record, self.change).0).unwrap_or_default();
        let mut position = Position { begin: newest.clone(), last: newest, recent: Vec::new(), next: None };
        // Others of the same time are there already, too.
        while !position.last.is_empty() {
            self.page(&mut position).await?;
            if position.next.is_none() {
                break;
            }
        }
        Ok(position)
    }

    /// Reads one page on; gives the records that were not met before.
    async fn page(&self, position: &mut Position) -> Result<Vec<Value>, CardError> {
        let start = position.next.take().unwrap_or_else(|| {
            let time = before_late(&position.last);
            Place(if time < position.begin { position.begin.clone() } else { time }, String::new())
        });
        let page = self.after(&start).await?;
        let is_full = page.len() == PAGE;
        let mut new = Vec::new();
        for record in page {
            let place = Place::of(&record, self.change);
            if is_full {
                position.next = Some(place.clone());
            }
            if !position.recent.contains(&place) {
                if place.0 > position.last {
                    position.last.clone_from(&place.0);
                }
                position.recent.push(place);
                new.push(record);
            }
        }
        let late = before_late(&position.last);
        position.recent.retain(|place| place.0 >= late);
        Ok(new)
    }

    /// Reads on until there is something to tell.
    async fn read(&self, position: &mut Position) -> Result<Vec<Value>, CardError> {
        loop {
            let mut told = self.page(position).await?;
            told.retain(|record| self.change != Change::Updated || is_update(record));
            if !told.is_empty() || position.next.is_none() {
                return Ok(told);
            }
        }
    }

    fn event(&self, record: &Value) -> FlowValue {
        let place = Place::of(record, self.change);
        let published = instant(&place.0).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        flow_value(json!({
            "eventType": self.change.event_type(&self.object),
            "uuid": format!("{}:{}", place.1, place.0),
            "published": published,
            "record": record,
        }))
    }
}

/// Whether a change is more than the record's creation.
fn is_update(record: &Value) -> bool {
    record["CreatedDate"] != record["SystemModstamp"]
}

#[async_trait]
impl Source for RecordLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn connection(&self) -> Option<&str> {
        Some(&self.connection)
    }

    async fn poll(&self, position: Option<&str>) -> Result<(Vec<FlowValue>, String), CardError> {
        let Some(mut position) = position.and_then(|text| serde_json::from_str::<Position>(text).ok()) else {
            return Ok((Vec::new(), json!(self.begin().await?).to_string()));
        };
        let told = self.read(&mut position).await?;
        let events = told.iter().map(|record| self.event(record)).collect();
        Ok((events, json!(position).to_string()))
    }
}

/// The fields of a card: the record's own in the group `Record Fields`, and those that every record has.
pub(crate) fn outputs(event: &FlowValue) -> Vec<(&'static str, String, FlowValue)> {
    let member = |value: &FlowValue, name: &str| {
        value.as_object().and_then(|object| object.get(name)).cloned().unwrap_or(FlowValue::Null)
    };
    let record = member(event, "record");
    let mut outputs = vec![
        ("Record", "Record ID".to_owned(), member(&record, "Id")),
        ("Record", "Date and Time".to_owned(), member(event, "published")),
        ("Record", "Record".to_owned(), record.clone()),
    ];
    let fields = record.as_object().map(|record| record.iter()).into_iter().flatten();
    let own = fields.filter(|(name, _)| &***name != "attributes");
    outputs.extend(own.map(|(name, value)| ("Record Fields", name.to_string(), value.clone())));
    outputs
}
