//! Cards that compute, and cards that act outside: intent, call, result, and what follows from a failure.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use oktant_base::codes;
use oktant_flow::model::{Action, Input, Retry, Slot, Source, Step};
use oktant_functions::Value;

use super::body::{failure, lacking};
use super::call::Helper;
use super::{End, Frame, Halt, Run, panic_text};
use crate::action::{ActionInfo, Call, CardError, ErrorKind, Fields, Idempotency, Outcome};
use crate::error::EngineError;
use crate::functions::{Computed, Functions};
use crate::journal::{Decision, Known, Record};
use crate::name::Name;

/// Attempts that the engine makes on its own if the target is over its limit.
const RATE_LIMIT_ATTEMPTS: u32 = 8;

/// Attempts that the engine makes on its own if the target cannot be reached.
const UNAVAILABLE_ATTEMPTS: u32 = 3;

/// The group of the inputs that say where the records of a stream go.
pub(super) const STREAM: Option<&str> = Some("Streaming");

/// How long a cancelled call may take to answer.
const GRACE: Duration = Duration::from_secs(5);

impl Run {
    /// Runs a card: one of the engine, a function, or an action outside.
    pub(super) async fn action<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        action: &'f Action,
    ) -> Result<End, Halt> {
        if let Some(end) = self.control(frame, step, action).await {
            return end;
        }
        if Functions::has(action.address.as_str()) {
            return self.compute(frame, step, action);
        }
        let streams = self.shared.actions.describe(action.address.as_str()).is_some_and(|info| info.streaming)
            && stream_input(action).is_some();
        let mut attempt = 1;
        loop {
            let path = attempt_path(&frame.path(step.id.as_str()), attempt);
            if attempt > 1 {
                self.wait(&path, attempt, || self.log.now()).await?;
            }
            let error = match self.act(frame, step, action, &path, attempt).await? {
                Ok(()) => return Ok(End::Done),
                Err(error) => error,
            };
            let next = attempt_path(&frame.path(step.id.as_str()), attempt + 1);
            let known = self.log.known(&next).is_some();
            // A stream asks again for the page that failed. Begun anew, it would give its helper flow records twice. If
            // there was another attempt all the same, it was by a version that did not stream the card.
            let wait = self.retry_wait(step.on_error.retry.as_ref(), attempt, &error).filter(|_| !streams || known);
            let Some(wait) = wait else {
                return Err(failure(frame, step, error));
            };
            attempt += 1;
            if !known {
                self.wait(&next, attempt, || self.log.now().saturating_add(wait)).await?;
            }
        }
    }

    /// Runs a function. What it took from the clock or from chance is kept.
    fn compute<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, action: &'f Action) -> Result<End, Halt> {
        let path = frame.path(step.id.as_str());
        let inputs = frame.inputs(&action.inputs, false).map_err(|error| self.failed(frame, step, error))?;
        if let Some(Ok(outputs)) = self.log.known(&path).and_then(|known| known.end) {
            self.note_raw(&outputs, frame.flow.log);
            return self.ended(frame, step, Some(&inputs), outputs);
        }
        let Computed { outputs, drawn } = self
            .shared
            .functions
            .run(action.address.as_str(), &inputs, &step.outputs)
            .map_err(|error| self.failed_with(frame, step, error, Some(&inputs)))?;
        if drawn {
            self.note_raw(&outputs, frame.flow.log);
            let (at, private) = (self.log.now(), !frame.flow.log);
            self.log.push(Record::Drawn { path, at, outputs: outputs.clone(), private });
        }
        self.ended(frame, step, Some(&inputs), outputs)
    }

    /// Makes one attempt at an action outside. The inner result is that of the attempt; it is in the journal.
    async fn act<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        action: &'f Action,
        path: &Name,
        attempt: u32,
    ) -> Result<Result<(), CardError>, Halt> {
        let known = self.log.known(path).unwrap_or_default();
        match known.end.clone() {
            Some(Ok(outputs)) => {
                self.note_raw(&outputs, frame.flow.log);
                self.keep(frame, step.id.as_str(), outputs)?;
                return Ok(Ok(()));
            }
            Some(Err(error)) => return Ok(Err(error)),
            None => {}
        }
        let connection = match self.shared.flows.connection(frame.flow.id.as_str(), action).await {
            Ok(connection) => connection,
            Err(EngineError::NoFlow(_)) if self.cancel.is_cancelled() => return Err(self.halted()),
            Err(EngineError::NoFlow(flow)) => {
                let message = format!("flow \"{flow}\" was removed, and with it what its cards are bound to");
                return Ok(Err(self.gave_up(path, CardError::new(ErrorKind::Connection, message))));
            }
            Err(error) => return Err(Halt::journal(&error)),
        };
        let call = match self.prepare(frame, step, action, attempt, connection) {
            Ok(call) => call,
            Err(error) => return Ok(Err(self.gave_up(path, error))),
        };
        let Some(info) = self.shared.actions.describe(&call.address) else {
            let message = format!("no implementation of {}", call.address);
            return Ok(Err(self.gave_up(path, CardError::new(ErrorKind::Unsupported, message))));
        };
        if info.streaming
            && let Some(slot) = stream_input(action)
            && let Some(helper) = call.inputs.get(slot.group.as_deref(), &slot.key).and_then(Value::as_text)
        {
            let helper = Helper { flow: helper.to_owned(), key: slot.key.clone() };
            // A stream has its intents at the places of its pages: one at this place is of a version that did not
            // stream the card.
            let settled = if known.intent > 0 { self.settle(path, info, &call, known.decision).await? } else { None };
            let Some(outcome) = settled else {
                return self.stream(frame, step, info, call, path, &helper).await;
            };
            return self.concluded(frame, step, path, outcome);
        }
        let outcome = self.once(frame, path, info, &call, &known).await?;
        self.concluded(frame, step, path, outcome)
    }

    /// An attempt at an action that streams nothing is over.
    fn concluded<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        path: &Name,
        outcome: Result<Outcome, CardError>,
    ) -> Result<Result<(), CardError>, Halt> {
        let outputs = match outcome {
            Ok(Outcome::Outputs(outputs)) => outputs,
            Ok(Outcome::Page { .. }) => {
                return Ok(Err(self.gave_up(path, lacking("no helper flow is chosen for the records"))));
            }
            Err(error) => return Ok(Err(self.gave_up(path, error))),
        };
        self.succeeded(frame, step, path, outputs).map(Ok)
    }

    /// An action outside has ended well: its outputs count from here.
    pub(super) fn succeeded<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        path: &Name,
        outputs: Fields,
    ) -> Result<(), Halt> {
        self.note_raw(&outputs, frame.flow.log);
        let (at, private) = (self.log.now(), !frame.flow.log);
        self.log.push(Record::Result { path: path.clone(), at, outputs: outputs.clone(), private });
        self.keep(frame, step.id.as_str(), outputs)
    }

    fn prepare(
        &self,
        frame: &Frame<'_>,
        step: &Step,
        action: &Action,
        attempt: u32,
        connection: Option<Arc<str>>,
    ) -> Result<Call, CardError> {
        Ok(Call {
            address: action.address.as_str().into(),
            connection,
            options: frame.inputs(&action.options, false)?,
            inputs: frame.inputs(&action.inputs, true)?,
            idempotency_key: format!("{}:{}", self.id, frame.path(step.id.as_str())).into(),
            attempt,
            cursor: None,
            cancel: self.cancel.child_token(),
            run: self.id.shared(),
            flow: frame.flow.id.as_str().into(),
        })
    }

    /// Calls an action so that it happens once: the intent is durable before, and one that is found open is resolved
    /// by the action's rule.
    pub(super) async fn once(
        &self,
        frame: &Frame<'_>,
        path: &Name,
        info: ActionInfo,
        call: &Call,
        known: &Known,
    ) -> Result<Result<Outcome, CardError>, Halt> {
        if known.intent > 0
            && let Some(outcome) = self.settle(path, info, call, known.decision).await?
        {
            return Ok(outcome);
        }
        let inputs = self.shown(frame.flow, &call.inputs);
        self.log.push(Record::Intent {
            path: path.clone(),
            at: self.log.now(),
            address: call.address.clone().into(),
            attempt: call.attempt,
            inputs,
        });
        self.log.commit().await?;
        let called = async { self.timed(info, call, self.shared.actions.call(call.clone())).await };
        let answer = match AssertUnwindSafe(called).catch_unwind().await {
            Ok(answer) => answer,
            Err(panic) => {
                // What it had done by then is as unknown as if its answer had been lost.
                let panic = panic_text(&*panic);
                let settled = self.settle(path, info, call, None).await.map_err(|halt| match halt {
                    Halt::Unknown { message, .. } => Halt::Unknown { message, panic: Some(panic.clone()) },
                    other => other,
                });
                return settled?.ok_or_else(|| {
                    self.gave_up(path, CardError::new(ErrorKind::Refused, panic.clone()));
                    Halt::Limit(codes::OKT4318, panic)
                });
            }
        };
        match answer {
            Err(error) if error.kind == ErrorKind::OutcomeUnknown => {
                let settled = self.settle(path, info, call, None).await?;
                // It did not happen, or twice does no harm: the policy of the card decides about another attempt.
                Ok(settled.unwrap_or(Err(CardError { kind: ErrorKind::Unavailable, ..error })))
            }
            Err(error) if error.kind == ErrorKind::Cancelled && self.cancel.is_cancelled() => Err(self.halted()),
            outcome => Ok(outcome),
        }
    }

    /// Resolves an attempt of which no one knows what became of it. `None` means: do it.
    async fn settle(
        &self,
        path: &Name,
        info: ActionInfo,
        call: &Call,
        decision: Option<Decision>,
    ) -> Result<Option<Result<Outcome, CardError>>, Halt> {
        match (info.idempotency, decision) {
            (Idempotency::Safe, _) | (_, Some(Decision::Repeat)) => Ok(None),
            (_, Some(Decision::Skip)) => Ok(Some(Ok(Outcome::Outputs(Fields::new())))),
            (_, Some(Decision::Fail)) => {
                let message = format!("the outcome of {} is unknown, and it was decided that it failed", call.address);
                Ok(Some(Err(CardError::new(ErrorKind::Decided, message))))
            }
            (Idempotency::SearchFirst, None) => Ok(self.search(path, info, call).await?.map(Ok)),
            (Idempotency::Ask, None) => {
                let address = &call.address;
                let problem = "and no answer tells whether it happened; the action cannot find out";
                Err(Halt::Unknown { message: format!("{address} was sent in step {path}, {problem}"), panic: None })
            }
        }
    }

    /// Looks whether an attempt happened. A search that fails tells nothing, least of all that it did not: it is
    /// repeated as long as that may help, and then a person has to decide.
    async fn search(&self, path: &Name, info: ActionInfo, call: &Call) -> Result<Option<Outcome>, Halt> {
        let unknown = |why: String, panic| {
            let sent = format!("{} was sent in step {path}", call.address);
            Halt::Unknown {
                message: format!("{sent}, and the search that tells whether it happened failed{why}"),
                panic,
            }
        };
        let mut attempt = 1;
        loop {
            // That of the attempt may have been used.
            let call = Call { cancel: self.cancel.child_token(), ..call.clone() };
            let searched = async { self.timed(info, &call, self.shared.actions.search_first(call.clone())).await };
            let answer = AssertUnwindSafe(searched).catch_unwind().await;
            let answer = answer.map_err(|panic| unknown(String::new(), Some(panic_text(&*panic))))?;
            let error = match answer {
                Ok(found) => return Ok(found),
                Err(_) if self.cancel.is_cancelled() => return Err(self.halted()),
                Err(error) if error.kind == ErrorKind::OutcomeUnknown => {
                    CardError { kind: ErrorKind::Unavailable, ..error }
                }
                Err(error) => error,
            };
            let Some(wait) = self.retry_wait(None, attempt, &error) else {
                return Err(unknown(format!(": {}", error.message), None));
            };
            tokio::select! {
                () = crate::work::sleep_until(&*self.shared.clock, self.log.now().saturating_add(wait)) => {}
                () = self.cancel.cancelled() => return Err(self.halted()),
            }
            attempt += 1;
        }
    }

    /// Waits for the answer of an action within its time.
    async fn timed<T>(
        &self,
        info: ActionInfo,
        call: &Call,
        mut answer: impl Future<Output = Result<T, CardError>> + Unpin,
    ) -> Result<T, CardError> {
        let late = tokio::select! {
            answer = &mut answer => return answer,
            () = self.shared.clock.sleep(info.timeout) => format!("no answer within {} s", info.timeout.as_secs()),
            () = self.cancel.cancelled() => "cancelled while the call was under way".to_owned(),
        };
        call.cancel.cancel();
        match tokio::time::timeout(GRACE, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(CardError::new(ErrorKind::OutcomeUnknown, late)),
        }
    }

    /// Writes that an attempt failed.
    pub(super) fn gave_up(&self, path: &Name, error: CardError) -> CardError {
        let record =
            Record::Failed { path: path.clone(), at: self.log.now(), error: Box::new(error.clone()), inputs: None };
        self.log.push(record);
        error
    }

    /// How long the policy of a step wants to wait before the next attempt, in milliseconds; `None` if it wants none.
    pub(super) fn policy_wait(&self, policy: Option<&Retry>, attempt: u32, error: &CardError) -> Option<i64> {
        let limited = error.kind == ErrorKind::RateLimited || error.status == Some(429);
        let retry = policy.filter(|retry| attempt <= retry.times && (limited || !retry.rate_limits_only))?;
        // What was decided to have failed may have happened.
        if error.kind == ErrorKind::Decided {
            return None;
        }
        let spread = retry.delay_max.saturating_sub(retry.delay_min) as f64;
        Some((retry.delay_min + (self.shared.entropy.unit() * spread) as u64) as i64)
    }

    /// How long to wait before the next attempt, in milliseconds; `None` if there is to be none.
    pub(super) fn retry_wait(&self, policy: Option<&Retry>, attempt: u32, error: &CardError) -> Option<i64> {
        if let Some(wait) = self.policy_wait(policy, attempt, error) {
            return Some(wait);
        }
        let attempts = match error.kind {
            ErrorKind::RateLimited => RATE_LIMIT_ATTEMPTS,
            ErrorKind::Unavailable => UNAVAILABLE_ATTEMPTS,
            _ => return None,
        };
        // Attempts that the policy made count, so that a card with retries does not wait twice as long.
        if attempt >= attempts {
            return None;
        }
        let backoff = 500.0 * f64::from(1_u32 << attempt.min(10)) * (0.5 + self.shared.entropy.unit() / 2.0);
        let asked = error.retry_after.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        Some(asked.max(backoff as i64))
    }
}

/// The input that says which helper flow is given the records of a stream; none if the card's options ask for
/// records as outputs. Connectors that were built with the vendor's builder name it as they like.
fn stream_input(action: &Action) -> Option<&Slot> {
    let names_it = |input: &&Input| match input.slot.group.as_deref() {
        STREAM => input.slot.key == "Flow" || matches!(input.source, Source::Flow(_)),
        group => group.is_none() && input.slot.key == "flo",
    };
    action.inputs.iter().find(names_it).map(|input| &input.slot)
}

/// The place of an attempt: that of the step for the first one.
pub(super) fn attempt_path(path: &Name, attempt: u32) -> Name {
    if attempt == 1 { path.clone() } else { format!("{path}#{attempt}").into() }
}
