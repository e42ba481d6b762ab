//! Says how a run has to go, from the flow and the answers of the world alone.
//!
//! It walks the model by the rules of the cards, one thing after the other, and shares nothing with the engine's
//! interpreter. Conversions, comparisons and functions are those of `oktant_functions`, which has judges of its own.
//! What came from the clock or from chance is taken from the run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oktant_engine::{CardError, ErrorKind, Field, Fields, Outcome, StepState, StepSummary};
use oktant_flow::model::*;
use oktant_functions::{self as functions, Flags, Value};

use super::chance::{World, helper_of};
use super::values::{
    Watch, by_key, element_inputs, holds, input, inputs, mapped, name, reduced, returned, shown, target, trigger,
    typed, wrong,
};

/// Helper flows inside one another, at most.
const DEPTH_MAX: usize = 64;

/// A call that has to be made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) attempt: u32,
    pub(super) cursor: Option<String>,
    pub(super) address: String,
    pub(super) connection: Option<String>,
    pub(super) options: String,
    pub(super) inputs: String,
}

/// A flow that has to be started beside.
#[derive(Debug, Clone)]
pub(super) struct Started {
    pub(super) path: String,
    pub(super) flow: String,
    pub(super) given: Fields,
}

/// How a body ends.
#[derive(Debug, Clone)]
pub(super) enum End {
    Done,
    Returned(Fields),
    Stopped(Option<String>),
    Raw(u16, String),
}

/// Why a walk does not go on.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    Failed(Box<Failure>),
    /// The run takes more steps than it may.
    TooLong,
}

#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: CardError,
    pub(super) step: String,
    pub(super) flow: String,
    execution: String,
}

impl Failure {
    pub(super) fn object(&self) -> Value {
        let status = self.error.status.map(|status| Value::Number(f64::from(status)));
        let mut entries = vec![
            ("message".into(), Value::text(self.error.message.as_str())),
            ("code".into(), self.error.code.clone().or(status).unwrap_or_default()),
            ("method".into(), Value::text(self.step.as_str())),
            ("flo".into(), Value::text(self.flow.as_str())),
            ("execution".into(), Value::text(self.execution.as_str())),
        ];
        entries.extend(self.error.extra.iter().map(|field| (field.key.clone(), field.value.clone())));
        Value::object(entries)
    }
}

type Walk<T = End> = Result<T, Stop>;

/// The walk of one run.
pub(super) struct Judge<'a> {
    flows: &'a indexmap::IndexMap<FlowId, Flow>,
    world: &'a World,
    run: String,
    history: HashMap<&'a str, &'a StepSummary>,
    steps_left: u64,
    /// How each card ends, by its place.
    pub(super) ends: BTreeMap<String, StepState>,
    pub(super) asked: Vec<Asked>,
    pub(super) started: Vec<Started>,
    /// What the caller is told before the end.
    pub(super) answered: Option<(u16, String)>,
    /// The steps that were walked, by flow.
    pub(super) walked: BTreeSet<(String, String)>,
    /// Whether what happens depends on who is faster: a turn fails while others run.
    pub(super) racing: bool,
}

/// One call of a flow.
pub(super) struct Frame<'a> {
    flow: &'a Flow,
    prefix: String,
    execution: String,
    depth: usize,
    pub(super) values: HashMap<&'a str, Fields>,
}

impl Frame<'_> {
    fn path(&self, step: &Step) -> String {
        format!("{}{}", self.prefix, step.id)
    }

    fn failure(&self, step: &Step, error: CardError) -> Stop {
        Stop::Failed(Box::new(Failure {
            error,
            step: step.id.to_string(),
            flow: self.flow.id.to_string(),
            execution: self.execution.clone(),
        }))
    }
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        flows: &'a indexmap::IndexMap<FlowId, Flow>,
        world: &'a World,
        run: &str,
        steps: &'a [StepSummary],
        limit: u64,
    ) -> Self {
        Self {
            flows,
            world,
            run: run.to_owned(),
            history: steps.iter().map(|step| (step.path.as_str(), step)).collect(),
            steps_left: limit,
            ends: BTreeMap::new(),
            asked: Vec::new(),
            started: Vec::new(),
            answered: None,
            walked: BTreeSet::new(),
            racing: false,
        }
    }

    /// Walks a flow that was started with `given`; the values of the run itself are as the run says.
    pub(super) fn flow(&mut self, flow: &'a Flow, given: &Fields) -> Walk {
        let began =
            self.history.get(flow.trigger.id.as_str()).and_then(|step| step.outputs.clone()).unwrap_or_default();
        let values = trigger(flow, |group, key| match (group, key) {
            (Some("context"), "execution_id") => Some(Value::text(self.run.as_str())),
            (Some("context"), _) => began.get(group, key).cloned(),
            _ => given.get(group, key).cloned(),
        });
        let values = values.expect("values of the right types");
        self.ends.insert(flow.trigger.id.to_string(), StepState::Succeeded);
        self.walked.insert((flow.id.to_string(), flow.trigger.id.to_string()));
        let execution = self.run.clone();
        let mut frame = Frame { flow, prefix: String::new(), execution, depth: 0, values: HashMap::new() };
        frame.values.insert(flow.trigger.id.as_str(), values);
        self.body(&mut frame, &flow.body)
    }

    fn body(&mut self, frame: &mut Frame<'a>, body: &'a Body) -> Walk {
        for step in &body.steps {
            self.steps_left = self.steps_left.checked_sub(1).ok_or(Stop::TooLong)?;
            self.walked.insert((frame.flow.id.to_string(), step.id.to_string()));
            let end = match self.step(frame, step) {
                Err(Stop::Failed(failure)) => self.policy(frame, step, failure)?,
                other => other?,
            };
            if !matches!(end, End::Done) {
                return Ok(end);
            }
        }
        Ok(End::Done)
    }

    fn policy(&mut self, frame: &mut Frame<'a>, step: &'a Step, failure: Box<Failure>) -> Walk {
        match &step.on_error.then {
            oktant_flow::model::Failure::Stop => Err(Stop::Failed(failure)),
            oktant_flow::model::Failure::Return => Ok(End::Stopped(None)),
            oktant_flow::model::Failure::Flow(helper) => {
                let path = format!("{}!", frame.path(step));
                let turn = Turn { path, index: None, error: Some(failure.object()) };
                match self.call(frame, step, helper, turn, &Fields::new()) {
                    Err(Stop::TooLong) => Err(Stop::TooLong),
                    _ => Err(Stop::Failed(failure)),
                }
            }
        }
    }

    fn step(&mut self, frame: &mut Frame<'a>, step: &'a Step) -> Walk {
        match &step.kind {
            Kind::Note(_) => Ok(End::Done),
            Kind::Action(action) => self.action(frame, step, action),
            Kind::If(branches) => {
                let holds =
                    holds(frame, &branches.condition).map_err(|error| self.fails(frame, step, wrong(&error)))?;
                let end = self.body(frame, if holds { &branches.then } else { &branches.otherwise })?;
                if !matches!(end, End::Done) {
                    return Ok(end);
                }
                let mut outputs = Fields::new();
                for joined in &branches.outputs {
                    let source = if holds { &joined.then } else { &joined.otherwise };
                    let value = typed(frame, source, joined.ty)
                        .map_err(|error| self.fails(frame, step, wrong(&error.at(&joined.output.key))))?;
                    outputs.set(joined.output.group.as_deref(), &joined.output.key, value);
                }
                outputs.set(None, "result", Value::Boolean(holds));
                self.succeeds(frame, step, outputs)
            }
            Kind::Switch(switch) => {
                let mut chosen = &switch.otherwise;
                for arm in &switch.arms {
                    if holds(frame, &arm.condition).map_err(|error| self.fails(frame, step, wrong(&error)))? {
                        chosen = &arm.body;
                        break;
                    }
                }
                let end = self.body(frame, chosen)?;
                self.inner(frame, step, end)
            }
            Kind::Try(attempt) => {
                let end = match self.body(frame, &attempt.body) {
                    Err(Stop::Failed(failure)) => {
                        let mut error = Fields::new();
                        error.set(Some("context"), "error", failure.object());
                        frame.values.insert(attempt.error.as_str(), error);
                        self.body(frame, &attempt.handler)?
                    }
                    other => other?,
                };
                self.inner(frame, step, end)
            }
            Kind::Loop(repeat) => self.repeat(frame, step, repeat),
            Kind::Call(call) => self.call_step(frame, step, call),
        }
    }

    /// After a body with a Return of its own.
    fn inner(&mut self, frame: &mut Frame<'a>, step: &'a Step, end: End) -> Walk {
        if let End::Raw(..) = end {
            return Ok(end);
        }
        let outputs = by_key(step, &returned(end));
        self.succeeds(frame, step, outputs)
    }

    #[expect(clippy::unnecessary_wraps, reason = "cards end with it")]
    fn succeeds(&mut self, frame: &mut Frame<'a>, step: &'a Step, outputs: Fields) -> Walk {
        self.ends.insert(frame.path(step), StepState::Succeeded);
        frame.values.insert(step.id.as_str(), outputs);
        Ok(End::Done)
    }

    fn fails(&mut self, frame: &Frame<'_>, step: &Step, error: CardError) -> Stop {
        self.ends.insert(frame.path(step), StepState::Failed);
        frame.failure(step, error)
    }

    fn action(&mut self, frame: &mut Frame<'a>, step: &'a Step, action: &'a Action) -> Walk {
        let address = action.address.as_str();
        let control = matches!(
            address,
            "control:noop"
                | "control:comment"
                | "control:return"
                | "control:returnRaw"
                | "httpfunctions:close"
                | "control:continueIf"
                | "control:throw"
                | "control:throwIf"
                | "control:wait"
                | "control:until"
        );
        if control {
            let inputs = inputs(frame, &action.inputs, false).map_err(|error| self.fails(frame, step, error))?;
            return self.control(frame, step, address, inputs);
        }
        if functions::find(address).is_ok_and(|function| matches!(function.kind, functions::Kind::Pure(_))) {
            return self.function(frame, step, action);
        }
        self.outside(frame, step, action)
    }

    fn control(&mut self, frame: &mut Frame<'a>, step: &'a Step, address: &str, inputs: Fields) -> Walk {
        let plain = |key: &str| inputs.get(None, key).cloned().unwrap_or_default();
        let either = |group: &str, key: &str| inputs.get(Some(group), key).cloned().unwrap_or_else(|| plain(key));
        let raw = || {
            let status = either("Response", "statusCode").as_number().unwrap_or(200.0);
            let range = (100.0..=599.0).contains(&status);
            range.then(|| (status as u16, functions::to_text(&either("Response", "body"))))
        };
        let decided = || -> Result<bool, CardError> {
            let operator = functions::to_text(&plain("operator")).parse().map_err(|error| wrong(&error))?;
            functions::compare(operator, &plain("left-operand"), &plain("right-operand")).map_err(|error| wrong(&error))
        };
        let thrown = |default: f64| {
            let own = ["message", "statusCode", "left-operand", "operator", "right-operand"];
            let status = plain("statusCode").as_number().unwrap_or(default);
            let message = inputs.get(None, "message").map(functions::to_text).unwrap_or_default();
            let extra = inputs.iter().filter(|field| field.group.is_none() && !own.contains(&&*field.key));
            CardError {
                status: Some(status as u16),
                code: Some(Value::Number(f64::from(status as u16))),
                extra: extra.cloned().collect(),
                ..CardError::new(ErrorKind::Thrown, message)
            }
        };
        let outcome = match address {
            "control:noop" | "control:comment" => Ok(End::Done),
            "control:return" => Ok(End::Returned(inputs.clone())),
            "control:continueIf" => decided().map(|holds| {
                let message = inputs.get(Some("otherwise"), "message").filter(|value| !functions::is_empty(value));
                if holds { End::Done } else { End::Stopped(message.map(functions::to_text)) }
            }),
            "control:throw" => Err(thrown(500.0)),
            "control:throwIf" => decided().and_then(|holds| if holds { Err(thrown(400.0)) } else { Ok(End::Done) }),
            "control:returnRaw" | "httpfunctions:close" => match raw() {
                Some((status, body)) if address == "control:returnRaw" => Ok(End::Raw(status, body)),
                Some(answer) => {
                    self.answered.get_or_insert(answer);
                    Ok(End::Done)
                }
                None => Err(self.as_it_says(frame, step)),
            },
            "control:wait" => {
                const UNITS: [(&str, f64); 7] = [
                    ("second", 1.0),
                    ("minute", 60.0),
                    ("hour", 3600.0),
                    ("day", 86_400.0),
                    ("week", 604_800.0),
                    ("month", 2_592_000.0),
                    ("year", 31_536_000.0),
                ];
                let unit = functions::to_text(&plain("unit"));
                let unit = UNITS.iter().find(|(name, _)| unit.trim().trim_end_matches('s') == *name);
                let delay = plain("delay").as_number().unwrap_or_default();
                let days = unit.map(|(_, seconds)| seconds * delay.max(0.0) / 86_400.0);
                if days.is_some_and(|days| days <= 30.0) { Ok(End::Done) } else { Err(self.as_it_says(frame, step)) }
            }
            _ => {
                let date = functions::convert(&plain("date"), &functions::Type::Date, Flags::default());
                if date.is_ok_and(|date| date.as_date().is_some()) {
                    Ok(End::Done)
                } else {
                    Err(self.as_it_says(frame, step))
                }
            }
        };
        let end = outcome.map_err(|error| self.fails(frame, step, error))?;
        let shown = if matches!(end, End::Done) { Fields::new() } else { inputs };
        self.succeeds(frame, step, shown)?;
        Ok(end)
    }

    /// The error of a card that has to fail, in the words of the run: they are the engine's own.
    fn as_it_says(&self, frame: &Frame<'_>, step: &Step) -> CardError {
        let said = self.history.get(frame.path(step).as_str()).and_then(|step| step.error.clone());
        let said = said.filter(|error| error.kind == ErrorKind::Input);
        said.unwrap_or_else(|| CardError::new(ErrorKind::Input, "it did not fail, or not for its inputs"))
    }

    fn function(&mut self, frame: &mut Frame<'a>, step: &'a Step, action: &'a Action) -> Walk {
        let given = inputs(frame, &action.inputs, false).map_err(|error| self.fails(frame, step, error))?;
        let given = given.iter().map(|field| (name(field.group.as_deref(), &field.key), field.value.clone())).collect();
        let wanted: Vec<_> = step
            .outputs
            .iter()
            .map(|output| (name(output.slot.group.as_deref(), &output.slot.key), target(output.ty)))
            .collect();
        let watch = Watch::default();
        let function = functions::find(action.address.as_str()).unwrap();
        let surroundings = functions::Surroundings { clock: &watch, entropy: &watch };
        let outputs = match function.run(&given, &wanted, surroundings, Flags::default()) {
            Err(error) => return Err(self.fails(frame, step, wrong(&error))),
            Ok(_) if watch.asked.into_inner() => {
                let seen = self.history.get(frame.path(step).as_str()).and_then(|step| step.outputs.clone());
                seen.unwrap_or_default()
            }
            Ok(outputs) => outputs.into_iter().map(|(name, value)| Field::new(name.group, name.key, value)).collect(),
        };
        self.succeeds(frame, step, outputs)
    }

    /// A card of a connector: asked until it answers or no rule wants another attempt.
    fn outside(&mut self, frame: &mut Frame<'a>, step: &'a Step, action: &'a Action) -> Walk {
        if let Some(helper) = helper_of(action) {
            return self.stream(frame, step, action, helper);
        }
        let path = frame.path(step);
        for attempt in 1.. {
            let place = if attempt == 1 { path.clone() } else { format!("{path}#{attempt}") };
            let error = match self.ask(frame, step, action, attempt, None) {
                Ok(Outcome::Outputs(outputs)) => {
                    self.ends.insert(place, StepState::Succeeded);
                    frame.values.insert(step.id.as_str(), outputs);
                    return Ok(End::Done);
                }
                Ok(Outcome::Page { .. }) => unreachable!("only cards with a helper flow stream"),
                Err(error) => error,
            };
            self.ends.insert(place, StepState::Failed);
            if !again(step, attempt, &error) {
                return Err(frame.failure(step, error));
            }
        }
        unreachable!("no rule repeats forever")
    }

    fn ask(
        &mut self,
        frame: &Frame<'a>,
        step: &'a Step,
        action: &'a Action,
        attempt: u32,
        cursor: Option<&str>,
    ) -> Result<Outcome, CardError> {
        let path = frame.path(step);
        let options = inputs(frame, &action.options, false)?;
        let inputs = inputs(frame, &action.inputs, true)?;
        let address = action.address.as_str();
        if self.world.unsupported.as_deref() == Some(address) {
            return Err(CardError::new(ErrorKind::Unsupported, format!("no implementation of {address}")));
        }
        self.asked.push(Asked {
            path: path.clone(),
            attempt,
            cursor: cursor.map(str::to_owned),
            address: address.to_owned(),
            connection: action.connection.as_ref().map(ToString::to_string),
            options: shown(&options),
            inputs: shown(&inputs),
        });
        self.world.answer(frame.flow.id.as_str(), &path, attempt, cursor)
    }

    /// Every record of every page goes to the helper flow, in order.
    fn stream(&mut self, frame: &mut Frame<'a>, step: &'a Step, action: &'a Action, helper: &'a FlowId) -> Walk {
        let path = frame.path(step);
        let given = match inputs(frame, &action.options, false).and_then(|_| inputs(frame, &action.inputs, true)) {
            Ok(given) => given,
            Err(error) => return Err(self.fails(frame, step, error)),
        };
        if self.world.unsupported.as_deref() == Some(action.address.as_str()) {
            let message = format!("no implementation of {}", action.address.as_str());
            return Err(self.fails(frame, step, CardError::new(ErrorKind::Unsupported, message)));
        }
        let own =
            action.inputs.iter().find(|input| matches!(input.source, Source::Flow(_))).map(|input| &input.slot.key);
        let state = given.group(Some("Streaming")).filter(|(key, _)| Some(*key) != own.map(String::as_str));
        let state = Value::object(state.map(|(key, value)| (key, value.clone())));
        let Some(flow) = self.flows.get(helper) else {
            let error = self.refused(frame, step);
            return Err(self.fails(frame, step, error));
        };
        let (mut cursor, mut count) = (None::<String>, 0);
        loop {
            let mut attempt = 1;
            let (records, next) = loop {
                match self.ask(frame, step, action, attempt, cursor.as_deref()) {
                    Ok(Outcome::Page { records, cursor }) => break (records, cursor),
                    Ok(Outcome::Outputs(outputs)) => return self.succeeds(frame, step, outputs),
                    Err(error) if again(step, attempt, &error) => attempt += 1,
                    Err(error) => return Err(self.fails(frame, step, error)),
                }
            };
            for record in records {
                let plain: Vec<_> = flow.trigger.outputs.iter().filter(|output| output.slot.group.is_none()).collect();
                let mut fields = Fields::new();
                match plain.as_slice() {
                    [only] if !matches!(only.slot.key.as_str(), "Record" | "State") => {
                        let all = Value::object([("Record", record), ("State", state.clone())]);
                        fields.set(None, &only.slot.key, all);
                    }
                    _ => {
                        fields.set(None, "Record", record);
                        fields.set(None, "State", state.clone());
                    }
                }
                let turn = Turn { path: format!("{path}[{count}]"), index: Some(count), error: None };
                match self.call(frame, step, helper, turn, &fields) {
                    Err(Stop::Failed(failure)) => return Err(self.fails(frame, step, failure.error)),
                    end => drop(end?),
                }
                count += 1;
            }
            match next {
                Some(next) => cursor = Some(next.to_string()),
                None => break,
            }
        }
        let streamed = |output: &Output| {
            Field::new(
                output.slot.group.as_deref().map(Into::into),
                output.slot.key.as_str(),
                Value::Number(count as f64),
            )
        };
        self.succeeds(frame, step, step.outputs.iter().map(streamed).collect())
    }

    fn call_step(&mut self, frame: &mut Frame<'a>, step: &'a Step, call: &'a Call) -> Walk {
        let Some(helper) = &call.flow else {
            let error = self.as_it_says(frame, step);
            return Err(self.fails(frame, step, error));
        };
        let given = inputs(frame, &call.inputs, false).map_err(|error| self.fails(frame, step, error))?;
        let path = frame.path(step);
        if !call.wait {
            if !self.flows.contains_key(helper) {
                let error = self.refused(frame, step);
                return Err(self.fails(frame, step, error));
            }
            self.started.push(Started { path, flow: helper.to_string(), given });
            return self.succeeds(frame, step, Fields::new());
        }
        let turn = Turn { path, index: None, error: None };
        let end = match self.call(frame, step, helper, turn, &given) {
            Err(Stop::Failed(failure)) => return Err(self.fails(frame, step, failure.error)),
            end => end?,
        };
        let outputs = by_key(step, &returned(end));
        self.succeeds(frame, step, outputs)
    }

    /// The error of a helper flow that cannot be called, in the words of the run.
    fn refused(&self, frame: &Frame<'_>, step: &Step) -> CardError {
        let said = self.history.get(frame.path(step).as_str()).and_then(|step| step.error.clone());
        let said = said.filter(|error| error.kind == ErrorKind::Refused);
        said.unwrap_or_else(|| CardError::new(ErrorKind::Refused, "it did not fail, or not for its helper flow"))
    }

    /// Walks a helper flow.
    fn call(&mut self, caller: &Frame<'a>, step: &'a Step, helper: &'a FlowId, turn: Turn, given: &Fields) -> Walk {
        if caller.depth >= DEPTH_MAX {
            let error = self.as_it_says(caller, step);
            return Err(self.fails(caller, step, error));
        }
        let Some(flow) = self.flows.get(helper) else {
            let error = self.refused(caller, step);
            return Err(self.fails(caller, step, error));
        };
        let execution = format!("{}:{}", self.run, turn.path);
        let context = |key: &str| match key {
            "execution_id" => Some(Value::text(execution.as_str())),
            "index" => turn.index.map(|index| Value::Number(index as f64)),
            "error" => turn.error.clone(),
            "parent" => Some(Value::object([
                ("id", Value::text(caller.flow.id.as_str())),
                ("method", Value::text(step.id.as_str())),
                ("name", Value::text(caller.flow.name.as_str())),
                ("execution_id", Value::text(caller.execution.as_str())),
                ("root_execution_id", Value::text(self.run.as_str())),
            ])),
            _ => None,
        };
        let values = trigger(flow, |group, key| match group {
            Some("context") => context(key),
            // A caller names parameters by their keys.
            group => given.get(group, key).or_else(|| given.get(None, key)).cloned(),
        });
        let values = values.map_err(|error| self.fails(caller, step, error))?;
        self.walked.insert((flow.id.to_string(), flow.trigger.id.to_string()));
        let prefix = format!("{}/", turn.path);
        let mut frame = Frame { flow, prefix, execution, depth: caller.depth + 1, values: HashMap::new() };
        frame.values.insert(flow.trigger.id.as_str(), values);
        let end = self.body(&mut frame, &flow.body);
        let state = match &end {
            Ok(End::Stopped(_)) => StepState::Stopped,
            Ok(_) => StepState::Succeeded,
            Err(Stop::Failed(_)) => StepState::Failed,
            Err(Stop::TooLong) => return end,
        };
        self.ends.insert(turn.path, state);
        end
    }

    fn repeat(&mut self, frame: &mut Frame<'a>, step: &'a Step, repeat: &'a Loop) -> Walk {
        let over = input(frame, &repeat.over, true).map_err(|error| self.fails(frame, step, error))?;
        let at_once = match &repeat.concurrency {
            Some(at_once) => input(frame, at_once, false).map_err(|error| self.fails(frame, step, error))?,
            None => Value::Number(1.0),
        };
        let elements: Vec<Value> = match (repeat.mode, over) {
            (LoopMode::Repeat, count) => {
                let count = count.as_number().unwrap_or_default().max(0.0) as u64;
                (0..count.min(self.steps_left + 1)).map(|index| Value::Number(index as f64)).collect()
            }
            (LoopMode::MapObject, Value::Object(object)) => object
                .iter()
                .map(|(key, value)| Value::object([("key", Value::text(key.clone())), ("value", value.clone())]))
                .collect(),
            (LoopMode::MapObject, _) => {
                let error = self.as_it_says(frame, step);
                return Err(self.fails(frame, step, error));
            }
            (_, Value::List(list)) => list.iter().cloned().collect(),
            (_, Value::Null) => Vec::new(),
            (_, one) => vec![one],
        };
        let Some(helper) = &repeat.flow else {
            let error = self.as_it_says(frame, step);
            return Err(self.fails(frame, step, error));
        };
        if !self.flows.contains_key(helper) {
            let error = self.refused(frame, step);
            return Err(self.fails(frame, step, error));
        }
        let at_once = at_once.as_number().unwrap_or(1.0) > 1.0;
        let memo_key = repeat.start.as_ref().map_or("memo", |start| start.slot.key.as_str());
        let mut memo = Value::Null;
        if let (LoopMode::Reduce, Some(start)) = (repeat.mode, &repeat.start) {
            memo = input(frame, start, false).map_err(|error| self.fails(frame, step, error))?;
        }
        let mut results = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let turn = Turn { path: format!("{}[{index}]", frame.path(step)), index: Some(index as u64), error: None };
            let end = match element_inputs(frame, repeat, element) {
                Ok(mut given) => {
                    if repeat.mode == LoopMode::Reduce {
                        given.set(None, memo_key, memo.clone());
                    }
                    self.call(frame, step, helper, turn, &given)
                }
                Err(error) => Err(self.fails(frame, step, error)),
            };
            match end {
                Ok(end) => {
                    let fields = returned(end);
                    memo = reduced(&fields, memo_key);
                    results.push(mapped(&fields));
                }
                Err(Stop::Failed(_)) if repeat.mode == LoopMode::ForEachIgnoringErrors => {}
                Err(Stop::Failed(failure)) => {
                    self.racing |= at_once && elements.len() > 1;
                    return Err(self.fails(frame, step, failure.error));
                }
                Err(Stop::TooLong) => return Err(Stop::TooLong),
            }
        }
        let result = match repeat.mode {
            LoopMode::Map | LoopMode::MapObject => Some(Value::list(results)),
            LoopMode::Filter => {
                let is_true = |value: &Value| {
                    functions::convert(value, &functions::Type::Boolean, Flags::default())
                        .is_ok_and(|truth| truth == Value::Boolean(true))
                };
                let kept = elements.iter().zip(&results).filter(|(_, result)| is_true(result));
                Some(Value::list(kept.map(|(element, _)| element.clone()).collect::<Vec<_>>()))
            }
            LoopMode::Reduce => Some(memo),
            _ => None,
        };
        let mut outputs = Fields::new();
        for output in result.iter().flat_map(|_| &step.outputs) {
            outputs.set(output.slot.group.as_deref(), &output.slot.key, result.clone().unwrap_or_default());
        }
        self.succeeds(frame, step, outputs)
    }
}

struct Turn {
    path: String,
    index: Option<u64>,
    error: Option<Value>,
}

/// Whether a failed card is tried again: by its own policy, then by the rules for limits and connections.
fn again(step: &Step, attempt: u32, error: &CardError) -> bool {
    let limited = error.kind == ErrorKind::RateLimited;
    let by_policy = |retry: &Retry| attempt <= retry.times && (limited || !retry.rate_limits_only);
    step.on_error.retry.as_ref().is_some_and(by_policy)
        || limited && attempt < 8
        || error.kind == ErrorKind::Unavailable && attempt < 3
}
