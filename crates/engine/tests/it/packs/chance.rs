//! Generated values: what triggers give and what connectors answer, by a seed and a place.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_engine::{ActionInfo, Actions, Call, CardError, ErrorKind, Field, Fields, Idempotency, Outcome};
use oktant_flow::model::{Action, Base, Flow, Kind, Output, Project, Slot, Source, Type};
use oktant_functions::{Flags, Value};
use parking_lot::Mutex;

use super::words::{Place, Words};

/// A sequence of numbers that depends on nothing but what it was made of.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn of(parts: &[&str]) -> Self {
        let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
        let mut chance = Self(
            bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
        );
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(super) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// What a seed is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// How many values of a hundred are missing or empty.
    empty: usize,
    /// How many calls of a hundred fail at first.
    failing: usize,
    /// Whether text is of the form that its name promises.
    pub(super) plausible: bool,
}

impl Manner {
    pub(super) fn of(seed: usize) -> Self {
        match seed % 4 {
            0 => Self { empty: 0, failing: 0, plausible: true },
            1 => Self { empty: 20, failing: 0, plausible: true },
            2 => Self { empty: 5, failing: 15, plausible: true },
            _ => Self { empty: 15, failing: 5, plausible: false },
        }
    }
}

/// A part of a value that is read: its path, and its type or a constant that it is compared with.
struct Wanted(Vec<String>, Result<Type, Value>);

/// A flow and a step of it.
type StepName = (String, String);

/// The outputs of a step, and the parameter of the helper flow that it gives records to.
type Answers = (Vec<Output>, Option<Place>);

/// Everything outside, for one seed.
pub(super) struct World {
    pub(super) seed: String,
    manner: Manner,
    words: Arc<Words>,
    steps: Arc<HashMap<StepName, Answers>>,
    streaming: Arc<Vec<String>>,
    /// A card that no connector implements.
    pub(super) unsupported: Option<String>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl World {
    pub(super) fn new(project: &Project) -> Self {
        let mut steps = HashMap::new();
        let mut streaming = Vec::new();
        for flow in project.flows.values() {
            flow.body.walk(&mut |step, _| {
                let Kind::Action(action) = &step.kind else { return };
                let record = helper_of(action).map(|helper| {
                    streaming.push(action.address.as_str().to_owned());
                    let trigger = project.flows.get(helper).map_or("", |helper| helper.trigger.id.as_str());
                    (format!("{helper}/{trigger}"), Slot::plain("Record"))
                });
                let key = (flow.id.as_str().to_owned(), step.id.as_str().to_owned());
                steps.insert(key, (step.outputs.clone(), record));
            });
        }
        Self {
            seed: String::new(),
            manner: Manner::of(0),
            words: Arc::new(Words::of(project)),
            steps: Arc::new(steps),
            streaming: Arc::new(streaming),
            unsupported: None,
        }
    }

    /// The same world under another seed.
    pub(super) fn seeded(&self, seed: usize, addresses: &[String]) -> Self {
        let mut chance = Chance::of(&[&seed.to_string(), "unsupported"]);
        let unsupported = (seed % 8 == 7).then(|| chance.pick(addresses).cloned()).flatten();
        Self {
            seed: seed.to_string(),
            manner: Manner::of(seed),
            words: Arc::clone(&self.words),
            steps: Arc::clone(&self.steps),
            streaming: Arc::clone(&self.streaming),
            unsupported,
        }
    }

    /// The values that a flow is started with.
    pub(super) fn trigger(&self, flow: &Flow) -> Fields {
        let mut chance = Chance::of(&[&self.seed, flow.id.as_str(), "trigger"]);
        let outputs = flow.trigger.outputs.iter().filter(|output| output.slot.group.as_deref() != Some("context"));
        let step = format!("{}/{}", flow.id, flow.trigger.id);
        outputs
            .filter_map(|output| {
                let value = self.output(&mut chance, &step, output, 0);
                (!value.is_null()).then(|| field(&output.slot, value))
            })
            .collect()
    }

    /// What an action answers: the `attempt`-th time, at a place of a run of a flow.
    pub(super) fn answer(
        &self,
        flow: &str,
        path: &str,
        attempt: u32,
        cursor: Option<&str>,
    ) -> Result<Outcome, CardError> {
        let step = path.rsplit('/').next().unwrap_or(path);
        self.refusal(flow, path, attempt, cursor)?;
        let mut chance = Chance::of(&[&self.seed, flow, path, cursor.unwrap_or_default()]);
        let (outputs, record) = &self.steps[&(flow.to_owned(), step.to_owned())];
        let depth = path.matches('/').count();
        if let Some(record) = record {
            let wanted = self.wanted(record);
            let count = chance.below(if depth > 2 { 2 } else { 4 });
            let records = (0..count).map(|_| self.object(&mut chance, &wanted, depth + 1)).collect();
            let more = cursor.is_none() && depth < 2 && chance.percent(30);
            return Ok(Outcome::Page { records, cursor: more.then(|| "more".into()) });
        }
        let step = format!("{flow}/{step}");
        let outputs = outputs.iter().map(|output| field(&output.slot, self.output(&mut chance, &step, output, depth)));
        Ok(Outcome::Outputs(outputs.collect()))
    }

    fn refusal(&self, flow: &str, path: &str, attempt: u32, cursor: Option<&str>) -> Result<(), CardError> {
        let mut chance = Chance::of(&[&self.seed, flow, path, cursor.unwrap_or_default(), "refusal"]);
        if !chance.percent(self.manner.failing) {
            return Ok(());
        }
        let (kind, status, message) = match chance.below(4) {
            0 => (ErrorKind::RateLimited, Some(429), "Too Many Requests"),
            1 => (ErrorKind::Unavailable, None, "no connection"),
            2 => (ErrorKind::Refused, Some(404), "Not Found"),
            _ => (ErrorKind::Refused, Some(400), "Bad Request"),
        };
        let times = *chance.pick(&[1, 2, 100]).unwrap_or(&1);
        if attempt > times {
            return Ok(());
        }
        Err(CardError { status, ..CardError::new(kind, message) })
    }

    fn output(&self, chance: &mut Chance, step: &str, output: &Output, depth: usize) -> Value {
        let place = (step.to_owned(), output.slot.clone());
        let compared = self.words.compared(&place);
        let whole: Vec<&Value> = compared.iter().filter(|(path, _)| path.is_empty()).map(|(_, value)| value).collect();
        let typed = |value: &Value| {
            let target = super::values::target(output.ty);
            let value = oktant_functions::convert(value, &target, Flags::default()).ok()?;
            // Text in a list of objects is none that an output could have.
            oktant_functions::convert(&value, &target, Flags::default()).ok()
        };
        if chance.percent(50)
            && let Some(value) = chance.pick(&whole).and_then(|value| typed(value))
        {
            return value;
        }
        if chance.percent(self.manner.empty) {
            return Value::Null;
        }
        let paths = self.wanted(&place);
        match output.ty {
            Type::TEXT if !paths.is_empty() => return Value::text(self.object(chance, &paths, depth).to_json()),
            Type { base: Base::Object, .. } => {}
            ty => return self.value(chance, ty, &output.slot.key, depth),
        }
        if output.ty.list {
            let items = (0..self.count(chance, depth)).map(|_| self.object(chance, &paths, depth));
            return Value::list(items.collect::<Vec<_>>());
        }
        self.object(chance, &paths, depth)
    }

    /// What is read inside an output.
    fn wanted(&self, place: &Place) -> Vec<Wanted> {
        let read = self.words.paths(place).iter().map(|(path, ty)| Wanted(path.clone(), Ok(*ty)));
        let compared = self.words.compared(place).iter().map(|(path, value)| Wanted(path.clone(), Err(value.clone())));
        let mut wanted: Vec<_> = read.chain(compared).filter(|Wanted(path, _)| !path.is_empty()).collect();
        // What holds others comes first.
        wanted.sort_by_key(|Wanted(path, _)| path.len());
        wanted
    }

    fn count(&self, chance: &mut Chance, depth: usize) -> usize {
        let most = if depth > 2 { 1 } else { 3 };
        if self.manner.empty == 0 { 1 + chance.below(most) } else { chance.below(most + 1) }
    }

    /// An object that has, most often, what stands at `paths`.
    fn object(&self, chance: &mut Chance, paths: &[Wanted], depth: usize) -> Value {
        let mut entries = serde_json::Map::new();
        for _ in 0..2 + chance.below(5) {
            let Some(key) = chance.pick(&self.words.keys) else { break };
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            let value = self.anything(chance, key, depth);
            insert(&mut entries, &path, &value);
        }
        for Wanted(path, wanted) in paths {
            let is_constant = wanted.is_err();
            if chance.percent(self.manner.empty) || is_constant && chance.percent(50) {
                continue;
            }
            let last = path.last().map_or("", String::as_str);
            let value = match wanted {
                Err(value) => value.clone(),
                // Text is what everything is wanted as that people look at.
                Ok(Type::TEXT) if chance.percent(20) => self.anything(chance, last, depth),
                Ok(ty) => self.value(chance, *ty, last, depth + 1),
            };
            insert(&mut entries, path, &value);
        }
        super::values::constant(&serde_json::Value::Object(entries))
    }

    fn anything(&self, chance: &mut Chance, key: &str, depth: usize) -> Value {
        let text = Type::TEXT;
        match chance.below(if depth > 3 { 6 } else { 8 }) {
            0 => self.value(chance, Type::one(Base::Number), key, depth + 1),
            1 => self.value(chance, Type::one(Base::Boolean), key, depth + 1),
            6 => self.value(chance, Type::list(Base::Object), key, depth + 1),
            7 => self.value(chance, Type::one(Base::Object), key, depth + 1),
            _ => self.value(chance, text, key, depth + 1),
        }
    }

    fn value(&self, chance: &mut Chance, ty: Type, key: &str, depth: usize) -> Value {
        if ty.list {
            let count = self.count(chance, depth);
            let one = Type::one(ty.base);
            return Value::list((0..count).map(|_| self.value(chance, one, key, depth + 1)).collect::<Vec<_>>());
        }
        match ty.base {
            Base::Number if key.to_ascii_lowercase().contains("status") => {
                Value::Number(*chance.pick(&[200.0, 200.0, 204.0, 404.0]).unwrap_or(&200.0))
            }
            Base::Number => Value::Number(*chance.pick(&[0.0, 1.0, 2.0, 3.0, 7.0, -1.0, 2.5]).unwrap_or(&0.0)),
            Base::Boolean => Value::Boolean(chance.percent(50)),
            Base::Date => Value::date(date(chance).parse().unwrap()),
            Base::Object => self.object(chance, &[], depth + 1),
            Base::File => Value::File(Arc::new(oktant_functions::File {
                id: format!("file{}", chance.below(100)),
                name: "report.csv".to_owned(),
                media_type: Some("text/csv".to_owned()),
                bytes: 42,
            })),
            Base::Text | Base::Flow | Base::Folder => Value::text(self.text(chance, key, depth)),
        }
    }

    fn text(&self, chance: &mut Chance, key: &str, depth: usize) -> String {
        let key = key.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| key.contains(word));
        if self.manner.plausible {
            if has(&["date", "time", "created", "updated", "expir", "published", "since", "lastlogin", "activated"]) {
                return date(chance);
            }
            if has(&["mail", "login"]) {
                return format!("ada.{}@example.com", chance.below(100));
            }
            if has(&["url", "link", "href"]) {
                return format!("https://example.com/api/v1/users/00u{}?after=x1&limit=2", chance.below(100));
            }
            if has(&["json", "body", "raw"]) && depth < 3 {
                return self.object(chance, &[], depth + 1).to_json();
            }
        }
        match chance.below(10) {
            0..4 => chance.pick(&self.words.texts).cloned().unwrap_or_default(),
            4 => chance.below(50).to_string(),
            5 if !self.manner.plausible => String::new(),
            6 if !self.manner.plausible => "[1, \"two\", {\"three\": 3}]".to_owned(),
            7 if !self.manner.plausible => "ÄÖ\u{1F600} \"quoted\"\n\\ {a}".to_owned(),
            _ => format!("00u{}", chance.below(1000)),
        }
    }
}

fn date(chance: &mut Chance) -> String {
    format!("2026-01-{:02}T{:02}:30:00.000Z", 1 + chance.below(28), chance.below(24))
}

fn field(slot: &Slot, value: Value) -> Field {
    Field::new(slot.group.as_deref().map(Arc::from), slot.key.as_str(), value)
}

/// Puts a value at a path; what stands there already, and is no object, gives way.
fn insert(entries: &mut serde_json::Map<String, serde_json::Value>, path: &[String], value: &Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        // Parts that stand there already are more than an object without them.
        let holds = entries.get(first).is_some_and(|there| there.is_object() || there.is_array());
        if holds && matches!(value, Value::Object(_) | Value::List(_)) {
            return;
        }
        entries.insert(first.clone(), serde_json::from_str(&value.to_json()).unwrap());
        return;
    }
    let inner = entries.entry(first.clone()).or_insert_with(|| serde_json::Map::new().into());
    match inner {
        serde_json::Value::Object(inner) => insert(inner, rest, value),
        serde_json::Value::Array(items) => {
            items.iter_mut().filter_map(serde_json::Value::as_object_mut).for_each(|item| insert(item, rest, value));
        }
        other => {
            *other = serde_json::Map::new().into();
            other.as_object_mut().into_iter().for_each(|inner| insert(inner, rest, value));
        }
    }
}

/// The helper flow that a card gives records to.
pub(super) fn helper_of(action: &Action) -> Option<&oktant_flow::model::FlowId> {
    action.inputs.iter().find_map(|input| match &input.source {
        Source::Flow(flow) if input.slot.group.as_deref() == Some("Streaming") => Some(flow),
        _ => None,
    })
}

/// The connectors of a world: they answer what it says and remember what they were asked.
#[derive(Debug)]
pub(super) struct Stub {
    pub(super) world: Mutex<Arc<World>>,
    pub(super) calls: Mutex<Vec<Call>>,
}

impl Stub {
    /// Whether a card of this address can give its records to a helper flow.
    pub(super) fn streams(&self, address: &str) -> bool {
        self.world.lock().streaming.iter().any(|known| known == address)
    }
}

#[async_trait]
impl Actions for Stub {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        let world = self.world.lock();
        let streaming = world.streaming.iter().any(|known| known == address);
        let info = ActionInfo {
            idempotency: Idempotency::Safe,
            streaming,
            // The clock jumps over waits of weeks.
            timeout: Duration::from_hours(24 * 365 * 100),
        };
        (world.unsupported.as_deref() != Some(address)).then_some(info)
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        let world = Arc::clone(&self.world.lock());
        let path = call.idempotency_key.split_once(':').map_or("", |(_, path)| path).to_owned();
        self.calls.lock().push(call.clone());
        world.answer(&call.flow, &path, call.attempt, call.cursor.as_deref())
    }

    async fn search_first(&self, _call: Call) -> Result<Option<Outcome>, CardError> {
        Ok(None)
    }
}
