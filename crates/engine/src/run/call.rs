//! Helper flows: called once, started beside, for each element of a list, for each record of a stream.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use oktant_flow::model::{Call, Flow, HelperValue, Input, Kind, Loop, LoopMode, Step};
use oktant_functions::{self as functions, Flags, Value};

use super::act::{STREAM, attempt_path};
use super::body::{by_key, failure, lacking};
use super::control::trigger_values;
use super::input::{input_error, listed, target};
use super::{DEPTH_MAX, End, Frame, Halt, Run};
use crate::action::{ActionInfo, Call as ActionCall, CardError, ErrorKind, Field, Fields, Outcome};
use crate::engine::Version;
use crate::journal::{Record, RunState};
use crate::name::Name;

/// Turns of a loop after which the journal says how far it is.
const PROGRESS_EVERY: u64 = 16;

/// The name of a record of a stream.
const RECORD: &str = "Record";

/// Elements that run at the same time, at most.
const CONCURRENCY_MAX: f64 = 200.0;

/// The values that a helper flow is given, for the flow that it turns out to be.
type Given<'a> = dyn Fn(&Flow) -> Result<Fields, CardError> + Send + Sync + 'a;

impl Run {
    /// Runs a step that calls helper flows, again if it fails and its policy says so. Each attempt has places of its own.
    pub(super) async fn helpers<'f>(&self, frame: &mut Frame<'f>, step: &'f Step) -> Result<End, Halt> {
        let own = frame.path(step.id.as_str());
        let mut attempt = 1;
        loop {
            let path = attempt_path(&own, attempt);
            if attempt > 1 {
                self.wait(&path, attempt, || self.log.now()).await?;
            }
            let end = match &step.kind {
                Kind::Loop(repeat) => self.repeat(frame, step, repeat, &path).await,
                Kind::Call(call) => self.call(frame, step, call, &path).await,
                _ => Ok(End::Done),
            };
            let failure = match end {
                Err(Halt::Card(failure)) => failure,
                end => return end,
            };
            let wait = self.policy_wait(step.on_error.retry.as_ref(), attempt, &failure.error);
            let Some(wait) = wait else { return Err(Halt::Card(failure)) };
            attempt += 1;
            let next = attempt_path(&own, attempt);
            if self.log.known(&next).is_none() {
                self.wait(&next, attempt, || self.log.now().saturating_add(wait)).await?;
            }
        }
    }

    /// Calls a helper flow once: Call Flow and Call Flow Async.
    async fn call<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, call: &'f Call, path: &Name) -> Result<End, Halt> {
        let Some(helper) = &call.flow else {
            return Err(self.failed(frame, step, lacking("no helper flow is chosen")));
        };
        let inputs = frame.inputs(&call.inputs, false).map_err(|error| self.failed(frame, step, error))?;
        if !call.wait {
            return self.start_beside(frame, step, path, helper.as_str(), inputs).await;
        }
        let end = self.helper(frame, step, path, helper.as_str(), &|_| Ok(inputs.clone()), None).await;
        let end = end.map_err(|halt| as_own(frame, step, halt))?;
        let outputs = by_key(&step.outputs, &end.returned());
        self.ended(frame, step, Some(&inputs), outputs)
    }

    /// Starts a helper flow as a run of its own, once, whatever happens.
    async fn start_beside<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        path: &Name,
        helper: &str,
        inputs: Fields,
    ) -> Result<End, Halt> {
        if self.log.known(path).is_none_or(|known| known.child.is_none()) {
            // The child must not be there without what led to it.
            self.log.commit().await?;
            let run = match self.shared.start_child(self, frame, path, helper, &inputs).await? {
                Ok(run) => run,
                Err(error) => return Err(self.failed(frame, step, error)),
            };
            self.log.push(Record::Child { path: path.clone(), run });
        }
        self.ended(frame, step, Some(&inputs), Fields::new())
    }

    /// Runs a helper flow inside this run, once.
    pub(super) async fn helper<'f>(
        &self,
        frame: &Frame<'f>,
        step: &'f Step,
        path: &str,
        helper: &str,
        given: &Given<'_>,
        error: Option<Value>,
    ) -> Result<End, Halt> {
        let version = self.pin(frame, step, path, helper).await?;
        let turn = Turn { path: path.to_owned(), index: None, error, record: None };
        self.turn(frame, step, &version, turn, given).await
    }

    /// The definition of a helper flow: the one that the journal says, else the one that counts now.
    async fn pin(&self, frame: &Frame<'_>, step: &Step, path: &str, helper: &str) -> Result<Arc<Version>, Halt> {
        if frame.depth >= DEPTH_MAX {
            let error = lacking(format!("helper flows call each other more than {DEPTH_MAX} deep"));
            return Err(self.failed(frame, step, error));
        }
        let known = self.log.known(path).and_then(|known| known.helper);
        let version = match known {
            Some((_, version)) => self.shared.flows.version(helper, &version).await.map_err(|error| error.to_string()),
            None => self.shared.flows.active(helper).map_err(|error| error.to_string()),
        };
        version.map_err(|message| self.failed(frame, step, CardError::new(ErrorKind::Refused, message)))
    }

    /// Runs a helper flow: one turn of a loop, or the only one.
    async fn turn(
        &self,
        caller: &Frame<'_>,
        step: &Step,
        version: &Version,
        turn: Turn,
        given: &Given<'_>,
    ) -> Result<End, Halt> {
        // A turn counts also if its flow has no steps.
        self.check()?;
        let flow = &version.flow;
        let execution = Name::from(format!("{}:{}", self.id, turn.path));
        let context = |key: &str| match key {
            "execution_id" => Some(Value::text(execution.shared())),
            "index" => turn.index.map(|index| Value::Number(index as f64)),
            "error" => turn.error.clone(),
            "parent" => Some(self.parent(caller, step.id.as_str())),
            _ => None,
        };
        let values = given(flow).and_then(|fields| {
            trigger_values(flow, |group, key| match group {
                Some("context") => context(key),
                group => fields.get(group, key).or_else(|| fields.get(None, key)).cloned(),
            })
        });
        let values = values.map_err(|error| self.failed(caller, step, error))?;
        let path = Name::from(turn.path.as_str());
        self.log.push(Record::Enter {
            path: path.clone(),
            at: self.log.now(),
            flow: flow.id.as_str().into(),
            version: version.version.clone(),
            inputs: turn.record.and_then(|record| self.shown(flow, &record)),
        });
        let mut frame = Frame::new(flow, format!("{}/", turn.path), execution, caller.depth + 1);
        self.keep(&mut frame, flow.trigger.id.as_str(), values)?;
        let end = self.body(&mut frame, &flow.body).await;
        self.drop_frame(&frame);
        drop(frame);
        let state = match &end {
            Ok(End::Stopped(_)) => RunState::Stopped,
            Ok(_) => RunState::Succeeded,
            Err(Halt::Card(_)) => RunState::Failed,
            Err(_) => return end,
        };
        self.log.push(Record::Leave { path, at: self.log.now(), state });
        end
    }

    /// What a helper flow sees of who called it.
    pub(crate) fn parent(&self, caller: &Frame<'_>, step: &str) -> Value {
        Value::object([
            ("id", Value::text(caller.flow.id.as_str())),
            ("method", Value::text(step)),
            ("name", Value::text(caller.flow.name.as_str())),
            ("execution_id", Value::text(caller.execution.shared())),
            ("root_execution_id", Value::text(self.id.shared())),
        ])
    }

    /// Runs a helper flow for each element.
    async fn repeat<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        repeat: &'f Loop,
        path: &Name,
    ) -> Result<End, Halt> {
        let plan = Plan::new(frame, repeat).map_err(|error| self.failed(frame, step, error))?;
        let Some(helper) = &repeat.flow else {
            return Err(self.failed(frame, step, lacking("no helper flow is chosen")));
        };
        let version = self.pin(frame, step, path, helper.as_str()).await?;
        self.log.push(Record::Enter {
            path: path.clone(),
            at: self.log.now(),
            flow: helper.as_str().into(),
            version: version.version.clone(),
            inputs: None,
        });
        let result = match repeat.mode {
            LoopMode::Reduce => self.reduce(frame, step, repeat, path, &plan, &version).await?,
            _ => self.each(frame, step, repeat, path, &plan, &version).await?,
        };
        let mut outputs = Fields::new();
        if let Some(value) = result {
            for output in &step.outputs {
                outputs.set(output.slot.group.as_deref(), &output.slot.key, value.clone());
            }
        }
        self.ended(frame, step, None, outputs)
    }

    async fn reduce<'f>(
        &self,
        frame: &Frame<'f>,
        step: &'f Step,
        repeat: &'f Loop,
        path: &Name,
        plan: &Plan,
        version: &Version,
    ) -> Result<Option<Value>, Halt> {
        let start = repeat.start.as_ref().map(|start| frame.input(start, false)).transpose();
        let mut memo = start.map_err(|error| self.failed(frame, step, error))?.unwrap_or_default();
        let memo_key = repeat.start.as_ref().map_or("memo", |start| start.slot.key.as_str());
        for index in 0..plan.count {
            let turn = Turn::of(path, index);
            let given = |_: &Flow| {
                let mut fields = plan.given(frame, repeat, index)?;
                fields.set(None, memo_key, memo.clone());
                Ok(fields)
            };
            let end = match self.turn(frame, step, version, turn, &given).await {
                Err(Halt::Card(inner)) => return Err(self.failed(frame, step, inner.error)),
                end => end?,
            };
            memo = reduced(&end.returned(), memo_key);
            self.flush_if_full().await?;
        }
        Ok(Some(memo))
    }

    /// Runs the turns of every mode but Reduce, several at the same time if the card says so.
    async fn each<'f>(
        &self,
        frame: &Frame<'f>,
        step: &'f Step,
        repeat: &'f Loop,
        path: &Name,
        plan: &Plan,
        version: &Version,
    ) -> Result<Option<Value>, Halt> {
        let collects = matches!(repeat.mode, LoopMode::Map | LoopMode::Filter | LoopMode::MapObject);
        let mut results: Vec<Value> = if collects { vec![Value::Null; plan.count as usize] } else { Vec::new() };
        let known = self.log.known(path).and_then(|known| known.progress);
        let mut over = Over { done: known.map_or(0, |(done, _)| done), later: VecDeque::new() };
        let run_turn = |index: u64| {
            let turn = Turn::of(path, index);
            async move {
                let given = |_: &Flow| plan.given(frame, repeat, index);
                let walked = AssertUnwindSafe(self.turn(frame, step, version, turn, &given)).catch_unwind().await;
                // The other turns must not be cut where they are.
                (index, walked.unwrap_or_else(|panic| Err(Halt::panicked(&*panic))))
            }
        };
        let mut next = over.done;
        let (mut running, mut parked, mut halt) = (FuturesUnordered::new(), Vec::new(), None);
        let mut held = 0;
        loop {
            while halt.is_none() && next < plan.count && running.len() + parked.len() < plan.concurrency {
                running.push(run_turn(next));
                next += 1;
            }
            let Some((index, end)) = running.next().await else { break };
            match end {
                Ok(end) => {
                    if collects {
                        let value = mapped(&end.returned());
                        held += value.bytes();
                        if let Err(too_much) = self.take(value.bytes()) {
                            halt = Some(Halt::and(halt, too_much));
                        }
                        results[index as usize] = value;
                    }
                }
                // A waiting turn keeps its place among those that run at the same time.
                Err(Halt::Park(until)) => {
                    parked.push(until);
                    continue;
                }
                Err(Halt::Card(_)) if repeat.mode == LoopMode::ForEachIgnoringErrors => {}
                // Those that are under way come to their end; no new ones begin.
                Err(other) => halt = Some(Halt::and(halt, other)),
            }
            if halt.is_none() && !collects && over.add(index) {
                self.log.push(Record::Progress { path: path.clone(), done: over.done, page: None });
            }
            if let Err(failed) = self.flush_if_full().await {
                halt = Some(Halt::and(halt, failed));
            }
        }
        self.free(held);
        match halt {
            Some(Halt::Card(first)) => return Err(self.failed(frame, step, first.error)),
            Some(halt) => return Err(halt),
            None => {}
        }
        if let Some(until) = parked.into_iter().min() {
            return Err(Halt::Park(until));
        }
        Ok(plan.collect(repeat.mode, results))
    }

    /// Gives each record of a streaming action to its helper flow, a page at a time.
    pub(super) async fn stream<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        info: ActionInfo,
        mut call: ActionCall,
        path: &Name,
        helper: &Helper,
    ) -> Result<Result<(), CardError>, Halt> {
        let state = call.inputs.group(STREAM).filter(|(key, _)| *key != helper.key);
        let state = Value::object(state.map(|(key, value)| (key, value.clone())));
        let version = self.pin(frame, step, path, &helper.flow).await?;
        self.log.push(Record::Enter {
            path: path.clone(),
            at: self.log.now(),
            flow: helper.flow.as_str().into(),
            version: version.version.clone(),
            inputs: None,
        });
        let known = self.log.known(path).and_then(|known| known.progress);
        let (mut done, page) = known.unwrap_or_default();
        let (mut cursor, mut first) = page.unwrap_or_default();
        loop {
            call.cursor = cursor.as_ref().map(Name::shared);
            let page_path = Name::from(format!("{path}@{first}"));
            let (records, next) = match self.page(frame, step, info, &mut call, &page_path).await? {
                Ok(Outcome::Page { records, cursor }) => (records, cursor),
                // An action whose options ask for no stream gives its outputs at once.
                Ok(Outcome::Outputs(outputs)) => {
                    return self.succeeded(frame, step, path, outputs).map(Ok);
                }
                Err(error) => return Ok(Err(self.gave_up(path, error))),
            };
            let held: usize = records.iter().map(Value::bytes).sum();
            self.take(held)?;
            let skip = usize::try_from(done - first).unwrap_or(usize::MAX);
            for record in records.iter().skip(skip) {
                let given = |flow: &Flow| Ok(streamed(flow, record, &state));
                let turn = Turn { record: Some(recorded(record)), ..Turn::of(path, done) };
                match self.turn(frame, step, &version, turn, &given).await {
                    Err(Halt::Card(failure)) => {
                        self.free(held);
                        return Ok(Err(self.gave_up(path, failure.error)));
                    }
                    end => drop(end?),
                }
                done += 1;
                if done.is_multiple_of(PROGRESS_EVERY) {
                    self.progress(path, done, cursor.as_ref(), first);
                }
                self.flush_if_full().await?;
            }
            self.free(held);
            let Some(next) = next else { break };
            (cursor, first) = (Some(Name::from(next)), done);
            self.progress(path, done, cursor.as_ref(), first);
            self.log.forget_below(&format!("{path}["));
        }
        let mut outputs = Fields::new();
        for output in &step.outputs {
            outputs.set(output.slot.group.as_deref(), &output.slot.key, Value::Number(done as f64));
        }
        self.succeeded(frame, step, path, outputs).map(Ok)
    }

    /// Asks for one page of a stream, more than once where that may help.
    async fn page(
        &self,
        frame: &Frame<'_>,
        step: &Step,
        info: ActionInfo,
        call: &mut ActionCall,
        page: &Name,
    ) -> Result<Result<Outcome, CardError>, Halt> {
        call.attempt = 1;
        loop {
            let path = attempt_path(page, call.attempt);
            if call.attempt > 1 {
                self.wait(&path, call.attempt, || self.log.now()).await?;
            }
            let known = self.log.known(&path).unwrap_or_default();
            let error = match known.end.clone() {
                Some(Err(error)) => error,
                _ => match self.once(frame, &path, info, call, &known).await? {
                    Ok(outcome) => return Ok(Ok(outcome)),
                    Err(error) => self.gave_up(&path, error),
                },
            };
            let Some(wait) = self.retry_wait(step.on_error.retry.as_ref(), call.attempt, &error) else {
                return Ok(Err(error));
            };
            call.attempt += 1;
            let next = attempt_path(page, call.attempt);
            if self.log.known(&next).is_none() {
                self.wait(&next, call.attempt, || self.log.now().saturating_add(wait)).await?;
            }
        }
    }

    fn progress(&self, path: &Name, done: u64, cursor: Option<&Name>, first: u64) {
        self.log.push(Record::Progress { path: path.clone(), done, page: Some((cursor.cloned(), first)) });
    }

    async fn flush_if_full(&self) -> Result<(), Halt> {
        // A loop of steps that never wait must not keep others from running.
        tokio::task::consume_budget().await;
        if self.log.is_full() { self.log.commit().await } else { Ok(()) }
    }
}

/// What failed inside a helper flow is a failure of the card that called it: that is what handlers see. The history
/// knows what failed inside.
fn as_own(frame: &Frame<'_>, step: &Step, halt: Halt) -> Halt {
    match halt {
        Halt::Card(inner) => failure(frame, step, inner.error),
        other => other,
    }
}

/// Where the records of a stream go.
pub(super) struct Helper {
    /// The helper flow.
    pub(super) flow: String,
    /// The key of the input that named it; the other inputs of its group are handed on.
    pub(super) key: String,
}

/// One turn of a helper flow.
struct Turn {
    path: String,
    index: Option<u64>,
    error: Option<Value>,
    /// What of a stream it is for, for the history.
    record: Option<Fields>,
}

impl Turn {
    fn of(path: &str, index: u64) -> Self {
        Self { path: format!("{path}[{index}]"), index: Some(index), error: None, record: None }
    }
}

/// Which turns of a loop are over.
struct Over {
    /// All below this.
    done: u64,
    /// Those beyond it.
    later: VecDeque<u64>,
}

impl Over {
    /// Adds a turn; gives whether it is time to tell how far the loop is.
    fn add(&mut self, index: u64) -> bool {
        let before = self.done;
        let place = self.later.partition_point(|other| *other < index);
        self.later.insert(place, index);
        while self.later.front() == Some(&self.done) {
            self.later.pop_front();
            self.done += 1;
        }
        before / PROGRESS_EVERY < self.done / PROGRESS_EVERY
    }
}

/// What a loop runs over.
struct Plan {
    elements: Elements,
    count: u64,
    concurrency: usize,
}

enum Elements {
    List(functions::List),
    Object(functions::Object),
    Numbers,
}

impl Plan {
    fn new(frame: &Frame<'_>, repeat: &Loop) -> Result<Self, CardError> {
        let over = frame.input(&repeat.over, true)?;
        let concurrency = match &repeat.concurrency {
            Some(input) => concurrency(frame, input)?,
            None => 1,
        };
        let (elements, count) = match (repeat.mode, over) {
            (LoopMode::Repeat, count) => (Elements::Numbers, count.as_number().unwrap_or_default().max(0.0) as u64),
            (LoopMode::MapObject, Value::Object(object)) => (Elements::Object(object.clone()), object.len() as u64),
            (LoopMode::MapObject, _) => return Err(lacking(format!("{}: expected an object", repeat.over.slot))),
            (_, over) => match listed(over) {
                Value::List(list) => (Elements::List(list.clone()), list.len() as u64),
                _ => (Elements::List(Vec::new().into()), 0),
            },
        };
        Ok(Self { elements, count, concurrency })
    }

    /// What the helper is given in a turn.
    fn given(&self, frame: &Frame<'_>, repeat: &Loop, index: u64) -> Result<Fields, CardError> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let mut fields = Fields::new();
        let element = match &self.elements {
            Elements::List(list) => list.get(at).cloned().unwrap_or_default(),
            Elements::Object(object) => {
                let (key, value) = object.get_index(at).map(|(key, value)| (key.clone(), value.clone())).unzip();
                fields.set(None, "key", key.into());
                fields.set(None, "value", value.unwrap_or_default());
                Value::Null
            }
            Elements::Numbers => Value::Number(index as f64),
        };
        for input in &repeat.inputs {
            let value = match &input.value {
                HelperValue::Item if matches!(self.elements, Elements::Object(_)) => continue,
                HelperValue::Item => element.clone(),
                HelperValue::Field(path) => functions::path::get(&element, path).cloned().unwrap_or_default(),
                HelperValue::Same(source) => {
                    frame.typed(source, input.ty).map_err(|error| input_error(&error.at(&input.key)))?
                }
            };
            let value = functions::convert(&value, &target(input.ty), Flags::default());
            fields.set(None, &input.key, value.map_err(|error| input_error(&error.at(&input.key)))?);
        }
        Ok(fields)
    }

    /// The value of the card, from the results of its turns.
    fn collect(&self, mode: LoopMode, results: Vec<Value>) -> Option<Value> {
        match (mode, &self.elements) {
            (LoopMode::Map | LoopMode::MapObject, _) => Some(Value::list(results)),
            (LoopMode::Filter, Elements::List(list)) => {
                let is_true = |value: &Value| {
                    let truth = functions::convert(value, &functions::Type::Boolean, Flags::default());
                    truth.is_ok_and(|truth| truth.as_boolean() == Some(true))
                };
                let kept = list.iter().zip(&results).filter(|(_, result)| is_true(result));
                Some(Value::list(kept.map(|(item, _)| item.clone())))
            }
            _ => None,
        }
    }
}

fn concurrency(frame: &Frame<'_>, input: &Input) -> Result<usize, CardError> {
    let number = frame.input(input, false)?.as_number().unwrap_or(1.0);
    Ok(number.clamp(1.0, CONCURRENCY_MAX) as usize)
}

/// The value of a turn of Map: that of its only field, unless that is an object; else all fields.
fn mapped(returned: &Fields) -> Value {
    let mut fields = returned.iter();
    match (fields.next(), fields.next()) {
        (Some(only), None) if only.value.as_object().is_none() => only.value.clone(),
        _ => returned.to_object(),
    }
}

/// The next accumulator of Reduce: the field of its name or the only one; else all fields.
fn reduced(returned: &Fields, memo: &str) -> Value {
    let mut fields = returned.iter();
    match (fields.next(), fields.next()) {
        (Some(only), None) => only.value.clone(),
        _ => returned.get(None, memo).cloned().unwrap_or_else(|| returned.to_object()),
    }
}

/// A record of a stream, as the history shows it.
fn recorded(record: &Value) -> Fields {
    std::iter::once(Field::new(None, RECORD, record.clone())).collect()
}

/// What a helper flow gets for a record of a stream: `Record` and `State`, or both in its only parameter.
fn streamed(flow: &Flow, record: &Value, state: &Value) -> Fields {
    let both = [(RECORD, record), ("State", state)];
    let plain: Vec<_> = flow.trigger.outputs.iter().filter(|output| output.slot.group.is_none()).collect();
    let mut fields = Fields::new();
    match plain.as_slice() {
        [only] if both.iter().all(|(key, _)| *key != only.slot.key) => {
            let all = Value::object(both.map(|(key, value)| (key, value.clone())));
            fields.set(None, &only.slot.key, all);
        }
        _ => {
            for (key, value) in both {
                fields.set(None, key, value.clone());
            }
        }
    }
    fields
}
