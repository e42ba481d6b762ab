//! The seam between the engine and what acts outside: [`Actions`] is what connectors implement.
//!
//! The engine interprets control cards and pure functions by itself. A card of any other address goes through
//! [`Actions`]: the engine writes its intent to the journal, calls [`Actions::call`], and writes the result. After a
//! crash between the two it does what the action's [`Idempotency`] says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::Timestamp;
use oktant_functions::{Tagged, Value};
use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio_util::sync::CancellationToken;

use crate::name::Name;

/// What to do with an action whose intent is journaled and whose result is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// Doing it twice is like doing it once (reads, or the key is sent along): call again.
    Safe,
    /// [`Actions::search_first`] can tell whether it happened; if it did not, call again.
    SearchFirst,
    /// No one can know: the run stops in state "unknown outcome" until a person decides.
    Ask,
}

/// What the engine needs to know of an action before it calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionInfo {
    /// The rule after a crash.
    pub idempotency: Idempotency,
    /// Whether a call can answer with [`Outcome::Page`]: the engine then gives each record to the helper flow.
    pub streaming: bool,
    /// How long one call may take, after which it is cancelled and its outcome counts as unknown.
    pub timeout: Duration,
}

/// Values larger than this, in bytes, are kept apart from their record.
const LARGE_BYTES: usize = 64 * 1024;

/// One named value of a card. Keys are compared byte by byte; the same key may stand in several groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The section of the card, such as `User`; `None` for a plain field.
    pub group: Option<Arc<str>>,
    /// The name of the field in its group.
    pub key: Arc<str>,
    /// Its value, converted to the declared type.
    pub value: Value,
    /// The name under which the journal keeps the value apart from its record, if it is large.
    pub(crate) large: Option<i64>,
}

/// The inputs or outputs of a card, in the card's order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Vec<Field>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` in `group`, in its old place if it is there already.
    pub fn set(&mut self, group: Option<&str>, key: &str, value: Value) {
        match self.0.iter_mut().find(|field| field.is(group, key)) {
            Some(field) => field.value = value,
            None => self.push(Field::new(group.map(Arc::from), key, value)),
        }
    }

    /// The value of `key` in `group`; `None` if the card has no such field.
    pub fn get(&self, group: Option<&str>, key: &str) -> Option<&Value> {
        self.0.iter().find(|field| field.is(group, key)).map(|field| &field.value)
    }

    /// The fields of `group`, in order.
    pub fn group<'a>(&'a self, group: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().filter(move |field| field.group.as_deref() == group).map(|field| (&*field.key, &field.value))
    }

    /// Adds a field behind the others, without looking whether one of the name is there.
    pub fn push(&mut self, field: Field) {
        self.0.push(field);
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        self.0.iter_mut()
    }

    /// What the values hold, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|field| size_of::<Field>() + field.key.len() + field.value.bytes()).sum()
    }

    /// The fields as one object, groups left out.
    pub fn to_object(&self) -> Value {
        Value::object(self.0.iter().map(|field| (Arc::clone(&field.key), field.value.clone())))
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Field {
    /// A field of this name and value.
    pub fn new(group: Option<Arc<str>>, key: impl Into<Arc<str>>, value: Value) -> Self {
        Self { group, key: key.into(), value, large: None }
    }

    /// Whether the journal keeps the value apart from its record.
    pub(crate) fn is_large(&self) -> bool {
        self.value.bytes() > LARGE_BYTES
    }

    /// Takes the value out, to be kept apart under a name; gives its text.
    pub(crate) fn take_apart(&mut self, name: i64) -> String {
        self.large = Some(name);
        serde_json::to_string(&Tagged(&std::mem::take(&mut self.value))).expect("every value has a JSON text")
    }

    fn is(&self, group: Option<&str>, key: &str) -> bool {
        self.group.as_deref() == group && &*self.key == key
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// `[group, key, value]`, or `[group, key, null, name]` where the value is kept apart.
impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(if self.large.is_some() { 4 } else { 3 })?;
        tuple.serialize_element(&self.group.as_deref())?;
        tuple.serialize_element(&*self.key)?;
        match self.large {
            None => tuple.serialize_element(&Tagged(&self.value))?,
            Some(name) => {
                tuple.serialize_element(&())?;
                tuple.serialize_element(&name)?;
            }
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("group, key and value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Field, A::Error> {
                let short = || de::Error::custom("a field is shorter than group, key and value");
                let group: Option<String> = parts.next_element()?.ok_or_else(short)?;
                let key: String = parts.next_element()?.ok_or_else(short)?;
                let value: Tagged<Value> = parts.next_element()?.ok_or_else(short)?;
                let large = parts.next_element()?;
                Ok(Field { group: group.map(Into::into), key: key.into(), value: value.0, large })
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// One call of an action.
#[derive(Debug, Clone)]
pub struct Call {
    /// The action: `module:operation`, as in `okta:readUser`; no version.
    pub address: Arc<str>,
    /// The id of the connection that the card is bound to.
    pub connection: Option<Arc<str>>,
    /// The card's options, fixed when the flow was written, such as the result set or the id of a table.
    pub options: Fields,
    /// What the card was given.
    pub inputs: Fields,
    /// The same for every attempt of this step in this run, and for no other step: safe to send as a header.
    pub idempotency_key: Arc<str>,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Where to go on: the cursor of the page before; `None` for the first page and for cards that do not stream.
    pub cursor: Option<Arc<str>>,
    /// Ends when the run is cancelled, its time is over or the process stops. The engine waits for the answer.
    pub cancel: CancellationToken,
    /// The run that calls, for logs.
    pub run: Arc<str>,
    /// The id of the flow that calls.
    pub flow: Arc<str>,
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The card's outputs.
    Outputs(Fields),
    /// Records for the helper flow of a streaming card.
    Page {
        /// The records of this page, each an object with the names of the card's outputs.
        records: Vec<Value>,
        /// What to ask the next page with; `None` after the last one.
        cursor: Option<Arc<str>>,
    },
}

/// What kind of failure it was: the engine's rules depend on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The target refused: nothing happened, and asking again gives the same (most of 4xx).
    Refused,
    /// The target is over its limit and did nothing (429, or a 503 that says so).
    RateLimited,
    /// The target or the way to it failed, and nothing happened (no connection, a 5xx of a safe call).
    Unavailable,
    /// The request went out and no answer tells what became of it.
    OutcomeUnknown,
    /// The connection is missing, broken or not allowed; the message names the remedy.
    Connection,
    /// An input cannot be used.
    Input,
    /// No implementation of this address.
    Unsupported,
    /// The call was cancelled before it did anything.
    Cancelled,
    /// The flow itself says so: Return Error, Return Error If.
    Thrown,
    /// A person said so of a step whose outcome is unknown: it is not tried again.
    Decided,
}

/// Why a card failed, as its error object shows it.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct CardError {
    /// What flows see as `message`; for an HTTP answer the reason phrase.
    pub message: String,
    /// What flows see as `code`: the HTTP status as a number, or the target's own code as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Value>,
    /// The target's own code, such as `LICENSE_LIMIT_EXCEEDED` or `E0000001`, for the history only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_code: Option<Box<Name>>,
    /// The HTTP status, if the target answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The target's answer, for the history only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<Value>>,
    /// How long the target asks to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// The kind.
    pub kind: ErrorKind,
    /// What the flow's author added to the error object.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub extra: Fields,
}

impl CardError {
    /// An error of a kind with nothing but a message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: None,
            service_code: None,
            status: None,
            body: None,
            retry_after: None,
            kind,
            extra: Fields::new(),
        }
    }

    /// The message, with the target's own code where it does not say it itself.
    pub(crate) fn told(&self) -> String {
        match &self.service_code {
            Some(code) if !self.message.contains(&***code) => format!("{} ({code})", self.message),
            _ => self.message.clone(),
        }
    }
}

/// What acts outside. Implementations hold connections and secrets; the engine sees neither.
#[async_trait]
pub trait Actions: Send + Sync + fmt::Debug {
    /// What `address` (`module:operation`) is; `None` if it is not implemented.
    fn describe(&self, address: &str) -> Option<ActionInfo>;

    /// Performs the action once. Waits of a rate limit that are short may happen inside; longer ones are reported by
    /// [`CardError::retry_after`], and the engine waits durably.
    ///
    /// # Errors
    ///
    /// Any [`CardError`]. [`ErrorKind::OutcomeUnknown`] is treated like a crash in the middle of the call.
    async fn call(&self, call: Call) -> Result<Outcome, CardError>;

    /// Whether the action of `call` happened already; asked before a repetition of a
    /// [`Idempotency::SearchFirst`] action. Gives the outcome as [`Actions::call`] would have.
    ///
    /// # Errors
    ///
    /// Any [`CardError`]; the step then fails with it.
    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError>;

    /// What was kept beside the values of runs before an instant, such as the content of files: the names under which
    /// values refer to it, words of letters and digits.
    async fn kept_before(&self, _instant: Timestamp) -> Vec<String> {
        Vec::new()
    }

    /// Removes what was kept under these names: the retention of every run that referred to it is over.
    async fn forget(&self, _names: &[String]) {}
}

/// One event, as an org or another system delivered it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The event itself: an element of a hook's `data.events`, a line of the System Log.
    pub event: Value,
    /// What enclosed it, such as the hook's `eventId`, `eventTime` and `source`; an empty object if nothing did.
    pub envelope: Value,
    /// The headers of the request that brought it, names in lower case; an empty object where there was none.
    pub headers: Value,
}

/// What event cards are. Implemented by connectors, like [`Actions`].
pub trait Events: Send + Sync + fmt::Debug {
    /// The types of events that start flows with this card, as the org names them (`user.lifecycle.create`); `None`
    /// if the card is not implemented.
    fn event_types(&self, card: &oktant_flow::model::Event) -> Option<Vec<String>>;

    /// The outputs of the card for a delivered event; `None` if the card's options leave the event out.
    fn outputs(&self, card: &oktant_flow::model::Event, delivered: &Delivered) -> Option<Fields>;
}

/// A log of events that is read from a position on, such as the System Log of an org.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// A name that no other source has; the position is kept under it.
    fn name(&self) -> &str;

    /// The connection whose events these are: they start the flows that are bound to it. `None` is everybody's.
    fn connection(&self) -> Option<&str> {
        None
    }

    /// The events after `position`, oldest first, at most a page of them, and the position behind them. With no
    /// position it begins now: it gives no events, and where to go on.
    ///
    /// # Errors
    ///
    /// Any [`CardError`]; the engine asks again later, at the same position.
    async fn poll(&self, position: Option<&str>) -> Result<(Vec<Value>, String), CardError>;

    /// The first look, which was not taken at once: what a flow that is on since `since` has waited for since then. A
    /// source that cannot tell begins now.
    ///
    /// # Errors
    ///
    /// As [`Source::poll`].
    async fn begin(&self, _since: Timestamp) -> Result<(Vec<Value>, String), CardError> {
        self.poll(None).await
    }
}
