//! The graph of a flow: what an engine interprets and both formats are written from.
//!
//! The body of a flow is an ordered list of steps; there is no order but that of the lists. A
//! step that decides or repeats holds bodies of its own, so the whole is a tree. Values travel by
//! [`Reference`]: a step may read the outputs of the trigger, of every step before it in its own
//! body, and of every step before the ones that enclose it. An identifier names one step in the
//! whole flow, wherever it stands, so a reference needs no path through the tree.
//!
//! What a flopack needs for its editor (hidden cards, wires, positions) is not here. It is made
//! anew on export; what cannot be made anew is in [`Kept`], which an engine leaves alone.
//!
//! ```text
//! Project ─ Flow ─ Trigger
//!                └ Body ─ Step ─ Kind::Action    one card: address, connection, options, inputs
//!                              ├ Kind::If        condition, two bodies, joined outputs
//!                              ├ Kind::Switch    conditions with bodies, otherwise
//!                              ├ Kind::Try       body, handler
//!                              ├ Kind::Loop      helper flow per element
//!                              ├ Kind::Call      helper flow once
//!                              └ Kind::Note      a remark
//! ```

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::address::Address;
pub use crate::types::{Base, Type};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier made of this text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The text of the identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

ids! {
    /// A flow, unique in its project: its name in lower-case words, and the name of its file.
    FlowId;
    /// A step, unique in its flow at any depth: lower-case words joined by underscores.
    StepId;
    /// A table, unique in its project.
    TableId;
    /// A connection, unique in its project.
    ConnectionId;
    /// A folder, unique in its project.
    FolderId;
}

/// Flows and what they share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// The flows by their identifier.
    pub flows: IndexMap<FlowId, Flow>,
    /// The tables that flows read and write: structure, never rows.
    pub tables: IndexMap<TableId, Table>,
    /// The connections that cards use: names, never secrets.
    pub connections: IndexMap<ConnectionId, Connection>,
    /// The folders that flows and tables lie in.
    pub folders: IndexMap<FolderId, Folder>,
    /// What the project's export says beyond this graph.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// One automation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Its identifier.
    pub id: FlowId,
    /// Its name as people see it.
    pub name: String,
    /// What it is for; empty if nobody said.
    pub description: String,
    /// The folder it lies in.
    pub folder: Option<FolderId>,
    /// What starts it, and the values it starts with.
    pub trigger: Trigger,
    /// What it does.
    pub body: Body,
    /// Whether the history keeps the inputs and outputs of its steps.
    pub log: bool,
    /// What the flow's export says beyond this graph.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

/// The start of a flow.
///
/// Its outputs are read like those of a step, by the identifier [`Trigger::id`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The identifier that references use; no step of the flow has the same.
    pub id: StepId,
    /// Its title as people see it.
    pub title: String,
    /// What starts the flow.
    pub kind: TriggerKind,
    /// The values that the flow starts with.
    ///
    /// Of a [`TriggerKind::Helper`] and [`TriggerKind::Delegated`] they are its parameters: the
    /// caller's values are matched by key; one that the caller leaves out takes
    /// [`Output::default`]. Values of the run itself are in the group `context`: `execution_id`,
    /// `parent`, `index` in loops, `execution_time` of a schedule.
    pub outputs: Vec<Output>,
}

/// What starts a flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// Another flow calls it.
    Helper,
    /// A point in time.
    Schedule(Schedule),
    /// An HTTP request. Outputs of the groups `headers`, `query` and `body` are taken from the
    /// request by their keys; `raw` holds `headers`, `query` and `body` whole.
    Endpoint(Security),
    /// An administrator starts it from the admin console of the org.
    Delegated,
    /// Something happened in a connected system; the flow runs once for each event.
    Event(Event),
    /// Nothing: it runs by hand only.
    Manual,
}

/// An event of a connected system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Which event.
    pub address: Address,
    /// The connection it comes from; nothing if it has yet to be chosen.
    pub connection: Option<ConnectionId>,
    /// What was fixed when the flow was made, such as the application whose events count.
    pub options: Vec<Input>,
    /// How deliveries reach the flow.
    pub delivery: Delivery,
}

/// How the deliveries of an event reach a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// A delivery holds any number of events, and the flow runs for each in turn; a failure of
    /// one leaves the others alone.
    Batch,
    /// A delivery is one event.
    Single,
}

/// Who may call the endpoint of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Anybody who knows the address.
    Open,
    /// Who has the flow's client token.
    Token,
    /// Who has an access token of the org.
    OAuth,
}

/// Points in time by the six fields of cron, in a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Second 0 to 59.
    pub seconds: String,
    /// Minute 0 to 59.
    pub minutes: String,
    /// Hour 0 to 23.
    pub hours: String,
    /// Day of the month 1 to 31.
    pub day_of_month: String,
    /// Month 1 to 12.
    pub month: String,
    /// Day of the week, 0 is Sunday.
    pub day_of_week: String,
    /// A name of the time zone database or one of its aliases.
    pub time_zone: String,
}

/// Steps in the order in which they run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Body {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its identifier.
    pub id: StepId,
    /// Its title as people see it.
    pub title: String,
    /// What it does.
    pub kind: Kind,
    /// The outputs that later steps read, by name. A card may have more of them: those that nothing
    /// reads need not be named.
    ///
    /// Of [`Kind::If`] they are the joined values ([`If::outputs`] says where each comes from);
    /// where none of them is called so, `result` is whether the condition held;
    /// of [`Kind::Switch`] and [`Kind::Try`] they are what the Return of the body that ran
    /// gave, by key; of [`Kind::Call`] what the helper returned, by key.
    pub outputs: Vec<Output>,
    /// What happens when it fails.
    pub on_error: OnError,
}

/// A remark of the author, on a card of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The heading; may be empty.
    pub title: String,
    /// Markdown.
    pub text: String,
}

/// What a step does.
#[expect(clippy::large_enum_variant, reason = "steps live in lists that are made once")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A function or a card of a connector: everything that the address alone explains.
    Action(Action),
    /// One of two bodies. A Return or Continue If inside ends the body that the step is in.
    If(If),
    /// The first body whose condition holds. A Return or Continue If inside ends that body only.
    Switch(Switch),
    /// A body, and another one if it fails. A Return or Continue If inside ends that body only.
    Try(Try),
    /// A helper flow, many times.
    Loop(Loop),
    /// A helper flow, once.
    Call(Call),
    /// A remark between the steps; does nothing.
    Note(Note),
}

/// A function or a card of a connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Which card.
    pub address: Address,
    /// The connection to use; nothing if the card needs none or it has yet to be chosen.
    pub connection: Option<ConnectionId>,
    /// What was fixed when the flow was made: never references.
    pub options: Vec<Input>,
    /// What the card is given, in the order in which people see it. The order counts for cards
    /// with inputs of the author's own, such as Concatenate and the Construct of lists. Inputs
    /// of a connector that nothing feeds need not be named.
    pub inputs: Vec<Input>,
}

/// One of two bodies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct If {
    /// What decides.
    pub condition: Condition,
    /// Runs if the condition holds.
    pub then: Body,
    /// Runs if it does not.
    pub otherwise: Body,
    /// Where each of the step's outputs comes from, in the order of [`Step::outputs`].
    pub outputs: Vec<Joined>,
}

/// Where an output of an [`If`] comes from.
///
/// An output whose branch feeds nothing is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The output of the step that is meant.
    pub output: Slot,
    /// The type that the value is converted to on its way in.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Its value if [`If::then`] ran.
    pub then: Source,
    /// Its value if [`If::otherwise`] ran.
    pub otherwise: Source,
}

/// The first body whose condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Switch {
    /// Conditions with their bodies, tested from the top.
    pub arms: Vec<Arm>,
    /// Runs if no condition holds.
    pub otherwise: Body,
}

/// A condition and what runs if it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The condition.
    pub condition: Condition,
    /// The body.
    pub body: Body,
}

/// Two values and how they are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// The first value.
    pub left: Operand,
    /// `==`, `!=`, `>`, `>=`, `<`, `<=`, `%`, `in`, `not in`, `has`, `doesn't have`, `is empty`
    /// or `is not empty`.
    pub operator: String,
    /// The second value; unused by the operators that ask about one value.
    pub right: Operand,
}

/// A value of a [`Condition`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operand {
    /// The type that the value is converted to.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Where it comes from.
    pub source: Source,
}

/// A body, and another one if it fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// What is tried.
    pub body: Body,
    /// Runs if a step of the body fails.
    pub handler: Body,
    /// The error that the handler can read, by references to this identifier: one output with
    /// the key `error` in the group `context`, an object with `message`, `code`, `method`, `flo`
    /// and `execution`. The identifier is that of the step with `_error` behind it.
    pub error: StepId,
}

/// A helper flow, many times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loop {
    /// What is done with the results.
    pub mode: LoopMode,
    /// What it runs over: a list, an object ([`LoopMode::MapObject`]) or a count
    /// ([`LoopMode::Repeat`]).
    pub over: Input,
    /// The flow that runs; nothing if it has yet to be chosen.
    pub flow: Option<FlowId>,
    /// How many run at once, 1 to 200; nothing where the mode is sequential by nature.
    pub concurrency: Option<Input>,
    /// The start value, of [`LoopMode::Reduce`] only.
    pub start: Option<Input>,
    /// What the helper is given, by key.
    pub inputs: Vec<HelperInput>,
}

/// What a [`Loop`] does with the results of its helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopMode {
    /// `list:each`: drops them; the first failure stops the loop and fails the step.
    ForEach,
    /// `list:asyncEach`: drops them; failures are seen in the history only.
    ForEachIgnoringErrors,
    /// `list:map`: collects them, in order.
    Map,
    /// `list:filter`: keeps the elements for which the one value returned is true.
    Filter,
    /// `list:reduce`: hands each to the next run; the last is the result.
    Reduce,
    /// `control:times`: drops them; runs a number of times.
    Repeat,
    /// `object:map`: collects them in the order of the keys; the helper gets `key` and `value`.
    MapObject,
}

/// A value that a [`Loop`] hands to its helper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HelperInput {
    /// The key of the helper's parameter.
    pub key: String,
    /// The type that the value is converted to.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Where it comes from.
    pub value: HelperValue,
}

/// Where a value of a [`HelperInput`] comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HelperValue {
    /// The element itself.
    Item,
    /// A part of the element: a literal key, else a path of keys joined by dots.
    Field(String),
    /// The same for all elements.
    Same(Source),
}

/// A helper flow, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The flow that runs; nothing if it has yet to be chosen.
    pub flow: Option<FlowId>,
    /// Whether the step ends when the helper has ended (`control:spawn`) or at once
    /// (`control:run`).
    pub wait: bool,
    /// What the helper is given, by key.
    pub inputs: Vec<Input>,
}

/// A value that a step is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Which one.
    #[serde(flatten)]
    pub slot: Slot,
    /// The type that the value is converted to.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Whether null is an error.
    pub required: bool,
    /// Where it comes from.
    pub source: Source,
}

/// The name of an input or output: its key, within a group where the card has groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The section of the card that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The name that counts when it runs.
    pub key: String,
}

impl Slot {
    /// A slot that stands in no group.
    pub fn plain(key: impl Into<String>) -> Self {
        Self { group: None, key: key.into() }
    }

    /// A slot of a group.
    pub fn grouped(group: impl Into<String>, key: impl Into<String>) -> Self {
        Self { group: Some(group.into()), key: key.into() }
    }
}

impl fmt::Display for Slot {
    /// `group / key`, or the key alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            Some(group) => write!(f, "{group} / {}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

/// A value that a step gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Which one.
    #[serde(flatten)]
    pub slot: Slot,
    /// The type of the value.
    #[serde(rename = "type")]
    pub ty: Type,
    /// What a parameter is if the caller leaves it out; null except in triggers. A flopack cannot
    /// tell `""`, `0`, `false`, `{}` and `[]` from no default: they are null here.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub default: Value,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nowhere: null.
    Empty,
    /// What the author typed; never null.
    Constant(Value),
    /// An output of an earlier step.
    Reference(Reference),
    /// Text with values in it.
    Template(Vec<Part>),
    /// A flow, such as the helper of a streaming search.
    Flow(FlowId),
    /// A table.
    Table(TableId),
    /// A condition on the rows of a table; no terms means all rows.
    Where(Vec<Term>),
}

/// An output of an earlier step, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The step, the trigger, or the error of a [`Try`].
    pub step: StepId,
    /// Which output.
    #[serde(flatten)]
    pub slot: Slot,
    /// Keys to follow inside it, one by one; a missing one gives null.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The conversion that the author's editor chose, where the types differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convert: Option<Convert>,
}

/// A conversion on the way from an output to an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Convert {
    /// How the value is converted.
    pub how: Conversion,
    /// Whether the result is put into a list, unless it is one already.
    pub wrap: bool,
}

/// How a value is converted; the names are those of flopacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Conversion {
    /// JSON text to what it means.
    Parse,
    /// Anything to JSON text.
    Stringify,
    /// A number to text.
    ToString,
    /// Text to a number.
    ParseFloat,
    /// A date to ISO 8601 text.
    IsoString,
    /// Text to a date.
    DateTime,
    /// `true` or `false`.
    BooleanToString,
    /// A value to a list of it alone.
    WrapArray,
}

/// A piece of a [`Source::Template`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text as it stands.
    Text(String),
    /// A value, converted to the type; null gives no text.
    Value(Operand),
}

/// One comparison of a [`Source::Where`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// A column of the table, or `Row ID`, `Created`, `Updated`.
    pub column: String,
    /// `=`, `!=`, `<`, `<=`, `>` or `>=`.
    pub operator: String,
    /// What the column is compared with: a constant or a reference.
    pub value: Source,
    /// The type of the value.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Whether the next term is combined by OR; else by AND. Meaningless on the last one.
    pub or: bool,
}

/// What happens when a step fails: first the retries, then the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnError {
    /// Tries after the first one.
    pub retry: Option<Retry>,
    /// What happens when they are used up.
    pub then: Failure,
}

/// Tries after the first one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How many, at most.
    pub times: u32,
    /// The shortest wait before each, in milliseconds.
    pub delay_min: u64,
    /// The longest wait; the wait is drawn between the two.
    pub delay_max: u64,
    /// Whether only an answer about rate limits (429) is retried.
    pub rate_limits_only: bool,
}

/// The end of a step that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The flow fails, or the handler of the enclosing [`Try`] runs.
    #[default]
    Stop,
    /// The flow ends early, without a failure.
    Return,
    /// A helper flow runs with the error in `context / error`, then the flow stops.
    Flow(FlowId),
}

/// A table: its columns, never its rows. Each table also has `Row ID`, `Created` and `Updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its identifier.
    pub id: TableId,
    /// Its name as people see it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The folder it lies in.
    pub folder: Option<FolderId>,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Text, number, boolean or date.
    #[serde(rename = "type")]
    pub ty: Base,
    /// The value of a new row that gives none.
    pub default: Option<String>,
}

/// A connection by name; what it holds is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its identifier.
    pub id: ConnectionId,
    /// Its name as people see it.
    pub name: String,
    /// The connector it belongs to.
    pub module: String,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its identifier.
    pub id: FolderId,
    /// Its name as people see it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The folder it lies in.
    pub parent: Option<FolderId>,
}

/// What an export says beyond the graph, by the place it belongs to: identifiers of the original
/// cards and fields, labels, drop-downs, unknown keys. Made on import, used on export.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(pub IndexMap<String, Value>);

impl Kept {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a step came with an export.
    pub(crate) fn has_step(&self, step: &StepId) -> bool {
        self.0.contains_key(step.as_str())
    }

    /// Whether the export of a step had this input.
    pub(crate) fn has_input(&self, step: &StepId, slot: &Slot) -> bool {
        self.has_field(step, "inputs", slot)
    }

    /// Whether the export of a step had this output.
    pub(crate) fn has_output(&self, step: &StepId, slot: &Slot) -> bool {
        self.has_field(step, "outputs", slot)
    }

    fn has_field(&self, step: &StepId, side: &str, slot: &Slot) -> bool {
        self.0.get(step.as_str()).is_some_and(|kept| !kept["node"]["model"][side]["data"][slot.to_string()].is_null())
    }
}

impl Body {
    /// Calls `visit` with every step of the body, the outer one before those inside it, and how
    /// deep it stands.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Step, usize)) {
        self.walk_from(0, visit);
    }

    fn walk_from<'a>(&'a self, depth: usize, visit: &mut impl FnMut(&'a Step, usize)) {
        for step in &self.steps {
            visit(step, depth);
            for body in step.kind.bodies() {
                body.walk_from(depth + 1, visit);
            }
        }
    }
}

impl Source {
    /// Whether it says nothing: no value, an empty object or list, all rows of a table.
    pub fn is_unfilled(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Constant(Value::Object(map)) => map.is_empty(),
            Self::Constant(Value::Array(list)) => list.is_empty(),
            Self::Where(terms) => terms.is_empty(),
            _ => false,
        }
    }
}

impl Kind {
    /// The bodies inside, in the order in which people see them.
    pub fn bodies(&self) -> Vec<&Body> {
        match self {
            Self::If(step) => vec![&step.then, &step.otherwise],
            Self::Switch(step) => {
                let mut bodies: Vec<_> = step.arms.iter().map(|arm| &arm.body).collect();
                bodies.push(&step.otherwise);
                bodies
            }
            Self::Try(step) => vec![&step.body, &step.handler],
            Self::Action(_) | Self::Loop(_) | Self::Call(_) | Self::Note(_) => Vec::new(),
        }
    }

    /// The address of the card.
    pub fn address(&self) -> Address {
        match self {
            Self::Action(action) => action.address.clone(),
            Self::If(_) => Address::new("control", "if"),
            Self::Switch(_) => Address::new("control", "branch"),
            Self::Try(_) => Address::new("control", "tryCatch"),
            Self::Loop(step) => step.mode.address(),
            Self::Call(call) => Address::new("control", if call.wait { "spawn" } else { "run" }),
            Self::Note(_) => Address::new("control", "comment"),
        }
    }
}

impl LoopMode {
    /// Every mode.
    pub const ALL: [Self; 7] = [
        Self::ForEach,
        Self::ForEachIgnoringErrors,
        Self::Map,
        Self::Filter,
        Self::Reduce,
        Self::Repeat,
        Self::MapObject,
    ];

    /// The address of the card.
    pub fn address(self) -> Address {
        let (module, operation) = match self {
            Self::ForEach => ("list", "each"),
            Self::ForEachIgnoringErrors => ("list", "asyncEach"),
            Self::Map => ("list", "map"),
            Self::Filter => ("list", "filter"),
            Self::Reduce => ("list", "reduce"),
            Self::Repeat => ("control", "times"),
            Self::MapObject => ("object", "map"),
        };
        Address::new(module, operation)
    }

    /// The mode of a card, if the card is a loop.
    pub fn of(address: &Address) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.address() == *address)
    }

    /// The key of the input that it runs over.
    pub fn over(self) -> &'static str {
        match self {
            Self::Repeat => "count",
            Self::MapObject => "object",
            _ => "list",
        }
    }
}

impl Security {
    /// Every level, the least strict first, with the name it has in flopacks.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Open, "open"), (Self::Token, "medium"), (Self::OAuth, "high")];
}
