//! What the tests of the engine share: flows in a few words, a target that can fail, databases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::{Clock, ManualClock, OsEntropy, SystemClock};
use oktant_engine::{
    ActionInfo, Actions, Answer, Call, CardError, Delivered, Edges, Engine, ErrorKind, Events, Fields, Idempotency,
    Outcome, RunState, Settings, Start,
};
use oktant_flow::model::{self, *};
use oktant_functions::Value;
use parking_lot::Mutex;

pub(crate) use crate::databases::{Database, databases, sqlite};

/// A value with the type of the input that takes it.
#[derive(Clone)]
pub(crate) struct Take(pub(crate) Source, pub(crate) Type);

/// Text, or JSON of another kind.
pub(crate) fn value(json: serde_json::Value) -> Take {
    let base = match &json {
        serde_json::Value::Number(_) => Base::Number,
        serde_json::Value::Bool(_) => Base::Boolean,
        serde_json::Value::Object(_) => Base::Object,
        serde_json::Value::Array(items) => {
            let base = if items.first().is_some_and(serde_json::Value::is_object) { Base::Object } else { Base::Text };
            return Take(Source::Constant(json), Type::list(base));
        }
        _ => Base::Text,
    };
    Take(Source::Constant(json), Type::one(base))
}

impl From<&str> for Take {
    fn from(text: &str) -> Self {
        value(text.into())
    }
}
impl From<i64> for Take {
    fn from(number: i64) -> Self {
        value(number.into())
    }
}

/// `step.key`, `step.group/key`, with `>a>b` for a path inside; as text unless told otherwise.
pub(crate) fn from(text: &str) -> Take {
    let (step, rest) = text.split_once('.').unwrap();
    let mut parts = rest.split('>');
    let slot = slot(parts.next().unwrap());
    let path = parts.map(str::to_owned).collect();
    Take(Source::Reference(Reference { step: step.into(), slot, path, convert: None }), Type::TEXT)
}

impl Take {
    pub(crate) fn number(self) -> Self {
        Self(self.0, Type::one(Base::Number))
    }
    pub(crate) fn object(self) -> Self {
        Self(self.0, Type::one(Base::Object))
    }
    pub(crate) fn list(self, base: Base) -> Self {
        Self(self.0, Type::list(base))
    }
}

/// Text with values in it: `"hello {trigger.name}"`.
pub(crate) fn template(text: &str) -> Take {
    let mut parts = Vec::new();
    for piece in text.split('{') {
        match piece.split_once('}') {
            None => parts.push(Part::Text(piece.to_owned())),
            Some((reference, rest)) => {
                let Take(source, ty) = from(reference);
                parts.push(Part::Value(Operand { ty, source }));
                parts.push(Part::Text(rest.to_owned()));
            }
        }
    }
    Take(Source::Template(parts), Type::TEXT)
}

fn slot(text: &str) -> Slot {
    match text.split_once('/') {
        Some((group, key)) => Slot::grouped(group, key),
        None => Slot { group: None, key: text.to_owned() },
    }
}

pub(crate) fn input(key: &str, Take(source, ty): Take) -> Input {
    Input { slot: slot(key), ty, required: false, source }
}

fn output(key: &str) -> Output {
    Output { slot: slot(key), ty: Type::TEXT, default: serde_json::Value::Null }
}

pub(crate) fn step(id: &str, kind: Kind, outputs: &[&str]) -> Step {
    let outputs = outputs.iter().map(|key| output(key)).collect();
    Step { id: id.into(), title: id.to_owned(), kind, outputs, on_error: OnError::default() }
}

/// A card of an address.
pub(crate) fn card(id: &str, address: &str, inputs: Vec<(&str, Take)>) -> Step {
    let inputs = inputs.into_iter().map(|(key, take)| input(key, take)).collect();
    let action = Action { address: address.parse().unwrap(), connection: None, options: Vec::new(), inputs };
    step(id, Kind::Action(action), &[])
}

pub(crate) fn compose(id: &str, text: &str) -> Step {
    card(id, "string:compose", vec![("_text_", template(text))])
}

pub(crate) fn ret(inputs: Vec<(&str, Take)>) -> Step {
    let id = format!("return_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    card(&id, "control:return", inputs)
}

static NEXT: AtomicU64 = AtomicU64::new(0);

fn operand(Take(source, ty): Take) -> Operand {
    Operand { ty, source }
}

pub(crate) fn condition(left: impl Into<Take>, operator: &str, right: impl Into<Take>) -> Condition {
    Condition { left: operand(left.into()), operator: operator.to_owned(), right: operand(right.into()) }
}

/// If, whose outputs are `(key, value of then, value of else)`.
pub(crate) fn either(
    id: &str,
    condition: Condition,
    then: Vec<Step>,
    otherwise: Vec<Step>,
    joined: Vec<(&str, Option<Take>, Option<Take>)>,
) -> Step {
    let source = |take: Option<Take>| take.map_or(Source::Empty, |Take(source, _)| source);
    let keys: Vec<&str> = joined.iter().map(|(key, ..)| *key).collect();
    let outputs = joined.into_iter().map(|(key, then, otherwise)| Joined {
        output: slot(key),
        ty: Type::TEXT,
        then: source(then),
        otherwise: source(otherwise),
    });
    let kind = If { condition, then: body(then), otherwise: body(otherwise), outputs: outputs.collect() };
    step(id, Kind::If(kind), &keys)
}

pub(crate) fn body(steps: Vec<Step>) -> Body {
    Body { steps }
}

pub(crate) fn switch(id: &str, arms: Vec<(Condition, Vec<Step>)>, otherwise: Vec<Step>, outputs: &[&str]) -> Step {
    let arms = arms.into_iter().map(|(condition, steps)| Arm { condition, body: body(steps) }).collect();
    step(id, Kind::Switch(Switch { arms, otherwise: body(otherwise) }), outputs)
}

/// If Error; the handler reads `error_ID.context/error`.
pub(crate) fn attempt(id: &str, tried: Vec<Step>, handler: Vec<Step>, outputs: &[&str]) -> Step {
    let error = format!("error_{id}");
    let kind = Try { body: body(tried), handler: body(handler), error: error.as_str().into() };
    step(id, Kind::Try(kind), outputs)
}

pub(crate) fn each(id: &str, mode: LoopMode, over: Take, helper: &str, inputs: Vec<(&str, HelperValue)>) -> Step {
    let inputs = inputs.into_iter().map(|(key, value)| HelperInput {
        key: key.to_owned(),
        ty: if key.starts_with("object") { Type::one(Base::Object) } else { Type::TEXT },
        value,
    });
    let kind = Loop {
        mode,
        over: Input { required: true, ..input(mode.over(), over) },
        flow: Some(helper.into()),
        concurrency: None,
        start: None,
        inputs: inputs.collect(),
    };
    let outputs: &[&str] = match mode {
        LoopMode::Map | LoopMode::MapObject => &["new list"],
        LoopMode::Filter => &["list"],
        LoopMode::Reduce => &["item"],
        _ => &[],
    };
    step(id, Kind::Loop(kind), outputs)
}

pub(crate) fn at_once(mut step: Step, concurrency: i64) -> Step {
    if let Kind::Loop(repeat) = &mut step.kind {
        repeat.concurrency = Some(input("concurrency", concurrency.into()));
    }
    step
}

pub(crate) fn call(id: &str, helper: &str, wait: bool, inputs: Vec<(&str, Take)>, outputs: &[&str]) -> Step {
    let inputs = inputs.into_iter().map(|(key, take)| input(key, take)).collect();
    step(id, Kind::Call(model::Call { flow: Some(helper.into()), wait, inputs }), outputs)
}

pub(crate) fn retrying(mut step: Step, times: u32, delay: u64) -> Step {
    step.on_error.retry = Some(Retry { times, delay_min: delay, delay_max: delay, rate_limits_only: false });
    step
}

pub(crate) fn flow(id: &str, kind: TriggerKind, parameters: &[&str], steps: Vec<Step>) -> Flow {
    let outputs = parameters
        .iter()
        .map(|key| {
            let (key, base) = key.split_once(':').unwrap_or((key, "text"));
            let ty = match base {
                "number" => Type::one(Base::Number),
                "object" => Type::one(Base::Object),
                "list" => Type::list(Base::Text),
                _ => Type::TEXT,
            };
            Output { ty, ..output(key) }
        })
        .collect();
    Flow {
        id: id.into(),
        name: format!("Flow {id}"),
        description: String::new(),
        folder: None,
        trigger: Trigger { id: "trigger".into(), title: "Start".to_owned(), kind, outputs },
        body: body(steps),
        log: true,
        kept: Kept::default(),
    }
}

pub(crate) fn helper(id: &str, parameters: &[&str], steps: Vec<Step>) -> Flow {
    flow(id, TriggerKind::Helper, parameters, steps)
}

/// What stands at a boundary: it lets pass until a number is reached, then nothing passes any more.
#[derive(Debug, Default)]
pub(crate) struct Boundary {
    passed: AtomicU64,
    /// 0 for never.
    last: u64,
    reached: tokio::sync::Notify,
}

impl Boundary {
    pub(crate) fn at(last: u64) -> Arc<Self> {
        Arc::new(Self { last, ..Self::default() })
    }

    pub(crate) async fn pass(&self) {
        let number = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        if self.last != 0 && number >= self.last {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }

    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }
}

/// A system that flows act on: it remembers what was done to it, and outlives engines.
///
/// `test:safe`, `test:search` and `test:ask` do `what`; `test:lost` and `test:unsure`, which can be searched, do it and
/// their answer is lost; `test:fail` fails as often as `times` says, then does it too;
/// `test:read` answers with what it was given; `test:stream` gives `count` records, `page` to a page,
/// and fails at first at the record `fails at`. To `panic` is what makes each of them panic; `test:unsafe`, which is not
/// safe, panics when it has done `what`; to `panic later` makes the search panic.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) done: Mutex<Vec<(String, String)>>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    failed: Mutex<HashMap<String, u64>>,
    /// Searches that are to fail before one is answered.
    pub(crate) blind: AtomicU64,
    pub(crate) under_way: AtomicU64,
    pub(crate) most_under_way: AtomicU64,
}

/// What a call was.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) attempt: u32,
    pub(crate) key: String,
    pub(crate) connection: Option<String>,
}

impl Target {
    /// How often each thing was done.
    pub(crate) fn times(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for (_, what) in self.done.lock().iter() {
            *times.entry(what.clone()).or_default() += 1;
        }
        times
    }
}

/// A target on the other side of a boundary.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) target: Arc<Target>,
    pub(crate) boundary: Arc<Boundary>,
}

#[async_trait]
impl Actions for Remote {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        let idempotency = match address {
            "test:safe" | "test:read" | "test:stream" | "test:fail" | "test:slow" => Idempotency::Safe,
            "test:search" | "test:unsure" => Idempotency::SearchFirst,
            "test:ask" | "test:lost" | "test:unsafe" => Idempotency::Ask,
            _ => return None,
        };
        Some(ActionInfo { idempotency, streaming: address == "test:stream", timeout: Duration::from_secs(30) })
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let text = |key| call.inputs.get(None, key).map(oktant_functions::to_text).unwrap_or_default();
        let number = |key| call.inputs.get(None, key).and_then(Value::as_number).unwrap_or_default();
        self.target.seen.lock().push(Seen {
            attempt: call.attempt,
            key: call.idempotency_key.to_string(),
            connection: call.connection.as_deref().map(str::to_owned),
        });
        self.boundary.pass().await;
        assert_ne!(text("what"), "panic", "out of cheese");
        let now = self.target.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.target.most_under_way.fetch_max(now, Ordering::SeqCst);
        if &*call.address == "test:slow" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.target.under_way.fetch_sub(1, Ordering::SeqCst);
        if &*call.address == "test:fail" {
            let mut failed = self.target.failed.lock();
            let so_far = failed.entry(text("what")).or_default();
            if (*so_far as f64) < number("times") {
                *so_far += 1;
                let mut error = CardError::new(ErrorKind::Refused, "Bad Request");
                error.status = Some(400);
                return Err(error);
            }
        }
        let mut outputs = Fields::new();
        match &*call.address {
            "test:read" => outputs = call.inputs.clone(),
            "test:stream" => {
                let start = call.cursor.as_deref().map_or(0, |cursor| cursor.parse::<u64>().unwrap());
                if start > 0 && start == number("fails at") as u64 && call.attempt == 1 {
                    return Err(CardError::new(ErrorKind::Unavailable, "503 Service Unavailable"));
                }
                let end = (start + number("page") as u64).min(number("count") as u64);
                let records = (start..end).map(|index| {
                    let filler = "x".repeat(1000);
                    Value::object([("id", Value::Number(index as f64)), ("filler", Value::text(filler))])
                });
                let cursor = (end < number("count") as u64).then(|| end.to_string().into());
                return Ok(Outcome::Page { records: records.collect(), cursor });
            }
            "test:lost" | "test:unsure" | "test:unsafe" => {
                self.target.done.lock().push((call.idempotency_key.to_string(), text("what")));
                assert_ne!(&*call.address, "test:unsafe", "out of cheese");
                return Err(CardError::new(ErrorKind::OutcomeUnknown, "connection reset"));
            }
            _ => {
                let mut done = self.target.done.lock();
                // A safe action is one whose target knows the key.
                let known = done.iter().any(|(key, _)| *key == *call.idempotency_key);
                if !(known && &*call.address == "test:safe") {
                    done.push((call.idempotency_key.to_string(), text("what")));
                }
                outputs.set(None, "id", Value::text(format!("id of {}", text("what"))));
            }
        }
        self.boundary.pass().await;
        Ok(Outcome::Outputs(outputs))
    }

    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError> {
        let what = call.inputs.get(None, "what").map(oktant_functions::to_text).unwrap_or_default();
        assert_ne!(what, "panic later", "out of cheese");
        let blind = |left: u64| left.checked_sub(1);
        if self.target.blind.fetch_update(Ordering::SeqCst, Ordering::SeqCst, blind).is_ok() {
            return Err(CardError::new(ErrorKind::Unavailable, "503 Service Unavailable"));
        }
        let done = self.target.done.lock();
        let found = done.iter().find(|(key, _)| *key == *call.idempotency_key);
        Ok(found.map(|(_, what)| {
            let mut outputs = Fields::new();
            outputs.set(None, "id", Value::text(format!("id of {what}")));
            Outcome::Outputs(outputs)
        }))
    }
}

/// Event cards whose operation is the event type, its underscores dots; the outputs are the event's own keys.
#[derive(Debug)]
pub(crate) struct TestEvents;

impl Events for TestEvents {
    fn event_types(&self, card: &Event) -> Option<Vec<String>> {
        Some(vec![card.address.operation().replace('_', ".")])
    }

    fn outputs(&self, _card: &Event, delivered: &Delivered) -> Option<Fields> {
        let mut fields = Fields::new();
        for (key, value) in delivered.event.as_object()?.iter() {
            fields.set(Some("Output"), key, value.clone());
        }
        Some(fields)
    }
}

/// An engine on a database of its own, with a target and a clock that the test moves.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) target: Arc<Target>,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) fn manual_clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-15T12:00:00Z".parse().unwrap()))
}

pub(crate) fn edges(target: &Arc<Target>, boundary: &Arc<Boundary>, clock: Arc<dyn Clock>) -> Edges {
    let remote = Remote { target: Arc::clone(target), boundary: Arc::clone(boundary) };
    Edges { clock, entropy: Arc::new(OsEntropy), actions: Arc::new(remote), events: Arc::new(TestEvents) }
}

impl Bench {
    pub(crate) async fn new(flows: Vec<Flow>) -> Self {
        Self::with("sqlite::memory:", flows, |_| {}).await
    }

    pub(crate) async fn with(url: &str, flows: Vec<Flow>, settings: impl FnOnce(&mut Settings)) -> Self {
        let (target, clock) = (Arc::default(), manual_clock());
        let mut set = Settings::default();
        settings(&mut set);
        let engine = Engine::open(url, edges(&target, &Arc::default(), clock.clone()), set).await.unwrap();
        for flow in flows {
            engine.save(&flow).await.unwrap();
            engine.switch(flow.id.as_str(), true).await.unwrap();
        }
        Self { engine, target, clock }
    }

    /// Moves the clock, when those that sleep have lain down.
    pub(crate) async fn advance(&self, by: Duration) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.clock.advance(by);
    }

    async fn tick(&self, turn: u32) {
        tick(&self.clock, turn).await;
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        for turn in 1..2000_u32 {
            if is_so(self) {
                return;
            }
            self.tick(turn).await;
        }
        panic!("it did not come to that: {:?}, {:?}", self.engine.metrics(), self.target.times());
    }

    /// Waits until a run has come to a state.
    pub(crate) async fn until_run(&self, run: &str, state: RunState) {
        for turn in 1..2000_u32 {
            if self.engine.run(run).await.unwrap().state == state {
                return;
            }
            self.tick(turn).await;
        }
        panic!("run {run} did not come to {state:?}: {:?}", self.engine.run(run).await);
    }

    /// Runs a flow and gives its answer.
    pub(crate) async fn answer(&self, flow: &str, given: &[(&str, Value)]) -> Answer {
        let call = self.engine.call(flow, start(given));
        tokio::time::timeout(Duration::from_secs(20), call).await.expect("an answer in time").unwrap()
    }

    /// Runs a flow that ends well and gives what it returned.
    pub(crate) async fn returned(&self, flow: &str, given: &[(&str, Value)]) -> serde_json::Value {
        let answer = self.answer(flow, given).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The error with which a flow ends.
    pub(crate) async fn error(&self, flow: &str, given: &[(&str, Value)]) -> serde_json::Value {
        let answer = self.answer(flow, given).await;
        assert!(answer.status >= 400, "{} {}", answer.status, answer.body);
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()["error"].clone()
    }
}

pub(crate) fn start(given: &[(&str, Value)]) -> Start {
    let mut fields = Fields::new();
    for (key, value) in given {
        let slot = slot(key);
        fields.set(slot.group.as_deref(), &slot.key, value.clone());
    }
    Start::new("manual", fields)
}

/// One turn of waiting. Time goes on if it takes long: a clock that stands still forever keeps from the engine what it
/// has put off for some milliseconds, such as a run that became due while it was looking.
pub(crate) async fn tick(clock: &ManualClock, turn: u32) {
    tokio::time::sleep(Duration::from_millis(5)).await;
    if turn.is_multiple_of(100) {
        clock.advance(Duration::from_secs(1));
    }
}

/// A bench on a database that another engine has just left.
pub(crate) async fn until_open(url: &str, flows: Vec<Flow>) -> Bench {
    // The file is free when the last task of the other engine is gone.
    for _ in 0..200 {
        let (target, clock) = (Arc::default(), manual_clock());
        let opened = Engine::open(url, edges(&target, &Arc::default(), clock.clone()), Settings::default()).await;
        if let Ok(engine) = opened {
            for flow in &flows {
                engine.save(flow).await.unwrap();
                engine.switch(flow.id.as_str(), true).await.unwrap();
            }
            return Bench { engine, target, clock };
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the journal at {url} stays locked");
}

pub(crate) fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
