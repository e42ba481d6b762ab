//! Bodies and the steps that decide: If, Switch, Try, and what follows a failure.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use oktant_flow::model::{Body, Failure as After, If, Kind, Output, Step, Switch, Try};
use oktant_functions::Value;

use super::input::input_error;
use super::{End, Failure, Frame, Halt, Run};
use crate::action::{CardError, ErrorKind, Field, Fields};
use crate::journal::Record;

/// Stack that a body needs at least, and that it is given when there is less, in bytes.
const STACK: (usize, usize) = (128 * 1024, 2 * 1024 * 1024);

/// A future inside itself, any number of times: it is polled on a stack that grows with it.
struct Deep<F>(Pin<Box<F>>);

impl<F: Future> Future for Deep<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        stacker::maybe_grow(STACK.0, STACK.1, || self.0.as_mut().poll(context))
    }
}

impl Run {
    /// Runs the steps of a body in order.
    pub(crate) fn body<'a, 'f: 'a>(
        &'a self,
        frame: &'a mut Frame<'f>,
        body: &'f Body,
    ) -> BoxFuture<'a, Result<End, Halt>> {
        Deep(Box::pin(async move {
            for step in &body.steps {
                self.check()?;
                let end = match self.step(frame, step).await {
                    Err(Halt::Card(failure)) => self.after(frame, step, failure).await?,
                    other => other?,
                };
                if !matches!(end, End::Done) {
                    return Ok(end);
                }
            }
            Ok(End::Done)
        }))
        .boxed()
    }

    async fn step<'f>(&self, frame: &mut Frame<'f>, step: &'f Step) -> Result<End, Halt> {
        match &step.kind {
            Kind::Note(_) => Ok(End::Done),
            Kind::Action(action) => self.action(frame, step, action).await,
            Kind::If(branches) => self.either(frame, step, branches).await,
            Kind::Switch(switch) => self.switch(frame, step, switch).await,
            Kind::Try(attempt) => self.attempt(frame, step, attempt).await,
            Kind::Loop(_) | Kind::Call(_) => self.helpers(frame, step).await,
        }
    }

    async fn either<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, branches: &'f If) -> Result<End, Halt> {
        let holds = frame.holds(&branches.condition).map_err(|error| self.failed(frame, step, error))?;
        let end = self.body(frame, if holds { &branches.then } else { &branches.otherwise }).await?;
        if !matches!(end, End::Done) {
            return Ok(end);
        }
        let joined = branches.outputs.iter().map(|joined| {
            let source = if holds { &joined.then } else { &joined.otherwise };
            let value = frame.typed(source, joined.ty).map_err(|error| input_error(&error.at(&joined.output.key)))?;
            Ok(Field::new(joined.output.group.as_deref().map(Into::into), joined.output.key.as_str(), value))
        });
        let mut outputs =
            joined.collect::<Result<Fields, CardError>>().map_err(|error| self.failed(frame, step, error))?;
        outputs.set(None, "result", Value::Boolean(holds));
        self.ended(frame, step, None, outputs)
    }

    async fn switch<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, switch: &'f Switch) -> Result<End, Halt> {
        let mut body = &switch.otherwise;
        for arm in &switch.arms {
            if frame.holds(&arm.condition).map_err(|error| self.failed(frame, step, error))? {
                body = &arm.body;
                break;
            }
        }
        let end = self.body(frame, body).await?;
        self.inner_end(frame, step, end)
    }

    async fn attempt<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, attempt: &'f Try) -> Result<End, Halt> {
        let end = match self.body(frame, &attempt.body).await {
            Err(Halt::Card(failure)) => {
                let mut error = Fields::new();
                error.set(Some("context"), "error", failure.object());
                self.keep(frame, attempt.error.as_str(), error)?;
                self.body(frame, &attempt.handler).await?
            }
            other => other?,
        };
        self.inner_end(frame, step, end)
    }

    /// After a body that is like a helper flow of its own: its Return gives the outputs of the step.
    fn inner_end<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, end: End) -> Result<End, Halt> {
        match end {
            End::Raw(_) => Ok(end),
            inner => {
                let returned = inner.returned();
                self.ended(frame, step, None, by_key(&step.outputs, &returned))
            }
        }
    }

    /// A step that acts on nothing outside has ended: its outputs count from here.
    pub(crate) fn ended<'f>(
        &self,
        frame: &mut Frame<'f>,
        step: &'f Step,
        inputs: Option<&Fields>,
        outputs: Fields,
    ) -> Result<End, Halt> {
        let record = Record::Step {
            path: frame.path(step.id.as_str()),
            at: self.log.now(),
            inputs: inputs.and_then(|inputs| self.shown(frame.flow, inputs)),
            outputs: self.shown(frame.flow, &outputs),
        };
        self.log.push(record);
        self.keep(frame, step.id.as_str(), outputs)?;
        Ok(End::Done)
    }

    /// A step that acts on nothing outside has failed.
    pub(crate) fn failed(&self, frame: &Frame<'_>, step: &Step, error: CardError) -> Halt {
        self.failed_with(frame, step, error, None)
    }

    /// The same, with what the step was given.
    pub(crate) fn failed_with(
        &self,
        frame: &Frame<'_>,
        step: &Step,
        error: CardError,
        inputs: Option<&Fields>,
    ) -> Halt {
        self.log.push(Record::Failed {
            path: frame.path(step.id.as_str()),
            at: self.log.now(),
            error: Box::new(error.clone()),
            inputs: inputs.and_then(|inputs| self.shown(frame.flow, inputs)),
        });
        failure(frame, step, error)
    }

    /// What the step's error policy wants after its retries.
    async fn after<'f>(&self, frame: &mut Frame<'f>, step: &'f Step, failure: Box<Failure>) -> Result<End, Halt> {
        match &step.on_error.then {
            After::Stop => Err(Halt::Card(failure)),
            After::Return => Ok(End::Stopped(None)),
            After::Flow(helper) => {
                let path = format!("{}!", frame.path(step.id.as_str()));
                match self
                    .helper(frame, step, &path, helper.as_str(), &|_| Ok(Fields::new()), Some(failure.object()))
                    .await
                {
                    Ok(_) | Err(Halt::Card(_)) => Err(Halt::Card(failure)),
                    Err(halt) => Err(halt),
                }
            }
        }
    }
}

/// The failure of a step that has been written already.
pub(crate) fn failure(frame: &Frame<'_>, step: &Step, error: CardError) -> Halt {
    Halt::Card(Box::new(Failure {
        error,
        path: frame.path(step.id.as_str()),
        step: step.id.as_str().to_owned(),
        flow: frame.flow.id.as_str().to_owned(),
        execution: frame.execution.clone(),
    }))
}

/// The outputs of a step that are returned by key; null where nothing of the key was returned.
pub(crate) fn by_key(outputs: &[Output], returned: &Fields) -> Fields {
    let value = |key: &str| returned.iter().find(|field| &*field.key == key).map(|field| field.value.clone());
    outputs
        .iter()
        .map(|output| {
            let group = output.slot.group.as_deref().map(Into::into);
            Field::new(group, output.slot.key.as_str(), value(&output.slot.key).unwrap_or_default())
        })
        .collect()
}

/// The error of a step for which the flow lacks something.
pub(crate) fn lacking(message: impl Into<String>) -> CardError {
    CardError::new(ErrorKind::Input, message)
}
