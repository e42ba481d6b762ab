//! A run in memory: taken up, walked to its end or to where it has to wait, and written down.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt as _;
use oktant_base::{Coded as _, codes};
use oktant_functions::Value;
use oktant_store::StoreError;
use tokio::sync::Semaphore;

use crate::action::{ErrorKind, Fields};
use crate::engine::{Place, Shared};
use crate::error::EngineError;
use crate::flows::Version;
use crate::journal::{Change, Record, RunRow, RunState};
use crate::name::Name;
use crate::redact::Veil;
use crate::run::{Answer, End, Frame, Halt, Run, RunLog};

impl Shared {
    /// Takes up a run that the journal gave to this worker, and that has its place in memory.
    pub(crate) async fn resume(self: &Arc<Self>, row: RunRow, place: Place) {
        let taken = async {
            let version = self.flows.version(&row.flow, &row.version).await?;
            let (folded, next) = self.journal.fold(&row.id).await?;
            Ok::<_, EngineError>((folded, next, version))
        };
        let (folded, next, version) = match taken.await {
            Ok(taken) => taken,
            Err(error) => return self.cannot_resume(&row, &error).await,
        };
        self.metrics.resumed.fetch_add(1, Ordering::Relaxed);
        let trigger = folded.trigger.clone();
        let log = RunLog::resumed(row.id.clone(), self.journal.clone(), folded, next);
        log.push(Record::Resumed { at: self.journal.now(), worker: self.journal.worker().clone() });
        if row.cancel {
            place.cancel.cancel();
        }
        let run = Arc::new(Run::new(place, log, None));
        // Whoever had the run before finds this segment in its way.
        match run.log.commit().await {
            Ok(()) => self.execute(run, version, trigger).await,
            Err(halt) => self.finish(&run, &version, Err(halt)).await,
        }
    }

    /// A run whose definition or journal cannot be read fails; if the database does not answer, it is tried again.
    async fn cannot_resume(&self, row: &RunRow, error: &EngineError) {
        tracing::error!(error = error as &dyn std::error::Error, run = %row.id, "a run cannot be taken up");
        let lasting = match error {
            EngineError::Journal(cause) => matches!(**cause, StoreError::Corrupt(_)),
            _ => true,
        };
        let written = lasting && self.journal.fail(&row.id, error.code().id(), &error.to_string()).await.is_ok();
        if written {
            self.metrics.count(RunState::Failed);
        } else {
            self.let_go(&row.id).await;
        }
    }

    /// Walks a run to its end, or to where it cannot go on for now.
    pub(crate) async fn execute(self: &Arc<Self>, run: Arc<Run>, version: Arc<Version>, trigger: Fields) {
        let entry = self.flows.find(version.flow.id.as_str());
        let slots = entry.map_or_else(|_| Arc::new(Semaphore::new(1)), |entry| entry.slots);
        // The place among the runs of the flow first: who waits for it takes none from other flows. An error means that
        // the engine is gone.
        let (Ok(_slot), Ok(_permit)) = (slots.acquire().await, self.permits.acquire().await) else { return };
        let walked = AssertUnwindSafe(self.walk(&run, &version, trigger)).catch_unwind().await;
        // What a walk leaves behind is in the journal: none goes on with it.
        let result = match walked.unwrap_or_else(|panic| Err(Halt::panicked(&*panic))) {
            Err(Halt::Limit(code, message)) if code.id() == codes::OKT4318.id() => {
                Err(self.after_panic(&run, message).await)
            }
            result => result,
        };
        self.finish(&run, &version, result).await;
    }

    /// How a run ends in which the program failed: as failed only if nothing is open that may have happened outside.
    async fn after_panic(&self, run: &Run, message: String) -> Halt {
        tracing::error!(run = %run.id, "the program failed in a run; the history has what it said");
        if let Err(halt) = run.log.commit().await {
            return halt;
        }
        match self.journal.fold(&run.id).await {
            Ok((folded, _)) => match folded.open_intents().next() {
                Some(path) => Halt::Unknown {
                    message: format!("the program failed, and no one knows whether step {path} happened"),
                    panic: Some(message),
                },
                None => Halt::Limit(codes::OKT4318, message),
            },
            Err(error) => Halt::journal(&error),
        }
    }

    async fn walk(&self, run: &Run, version: &Version, trigger: Fields) -> Result<End, Halt> {
        run.note_raw(&trigger, version.flow.log);
        let mut frame = Frame::new(&version.flow, String::new(), run.id.clone(), 0);
        run.keep(&mut frame, version.flow.trigger.id.as_str(), trigger)?;
        run.body(&mut frame, &version.flow.body).await
    }

    /// Writes how a walk ended and tells who waits for it.
    async fn finish(self: &Arc<Self>, run: &Run, version: &Version, result: Result<End, Halt>) {
        let failed_at = match &result {
            Err(Halt::Card(failure)) => Some(failure.path.clone()),
            _ => None,
        };
        // Whoever has it now must keep it.
        let is_mine = !matches!(result, Err(Halt::Lost | Halt::Duplicate));
        let Some((mut change, returned, answer)) = outcome(run, result) else {
            if is_mine {
                self.let_go(&run.id).await;
            }
            return;
        };
        let (state, keeps) = (change.state, version.flow.log);
        // What a retry of a failed run needs stays if the flow keeps data at all.
        let scrub = state.is_end() && run.scrub.load(Ordering::Relaxed) && !(state == RunState::Failed && keeps);
        let mut scrub_later = scrub;
        if state.is_end() {
            change.ended_at = Some(self.journal.now());
            let returned = run.shown(&version.flow, &returned).unwrap_or_default();
            let (at, at_step) = (self.journal.now(), failed_at);
            run.log.push(Record::Ended { at, state, returned, scrubbed: scrub, at_step });
            let veil = run.veil.lock();
            scrub_later = scrub && !run.log.change_unwritten(|record| veil.cover(record, keeps));
            change.message = change.message.map(|message| veil.text(&message));
            change.scrub = scrub_later;
        }
        match run.log.commit_change(Some(change)).await {
            Ok(()) => {}
            Err(Halt::Journal(reason)) => {
                tracing::error!(reason, run = %run.id, "the end of a run was not written; it goes on later");
                return self.let_go(&run.id).await;
            }
            Err(_) => return,
        }
        self.metrics.count(state);
        if let Some(answer) = answer {
            run.tell(answer);
        }
        let veil = run.veil.lock().clone();
        if scrub_later && let Err(error) = self.journal.scrub(&run.id, &veil, keeps).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, run = %run.id, "values of an ended run were not removed from the journal");
        }
        if !state.is_end() {
            self.wake.notify_one();
        }
    }

    /// Takes out of the journals of ended runs what a worker did not get to take out before it was stopped.
    pub(crate) async fn scrub_ended(&self, ended_before: i64) -> Result<(), EngineError> {
        for row in self.journal.to_scrub(ended_before).await? {
            let version = self.flows.version(&row.flow, &row.version).await?;
            let mut veil = Veil::new(Arc::clone(&self.redactor));
            let mut next = 0;
            loop {
                let page = self.journal.page(&row.id, next).await?;
                let Some((last, _)) = page.last() else { break };
                next = last + 1;
                page.into_iter().flat_map(|(_, records)| records).for_each(|mut record| veil.learn_record(&mut record));
            }
            self.journal.scrub(&row.id, &veil, version.flow.log).await?;
        }
        Ok(())
    }

    /// Gives a run back whose journal failed, as soon as the journal works again. It goes on where it was written last.
    async fn let_go(&self, run: &Name) {
        while !self.closing.is_cancelled() {
            self.clock.sleep(Duration::from_secs(1)).await;
            if self.journal.let_go(run).await.is_ok() {
                break;
            }
        }
        self.wake.notify_one();
    }
}

/// How a walk ends: what becomes of the run's row, what it returned, and what its caller is told. `None` if the run is
/// not this worker's any more, or its journal failed.
fn outcome(run: &Run, result: Result<End, Halt>) -> Option<(Change, Fields, Option<Answer>)> {
    let end = |state| Change::given_back(state);
    let failed = |code: &str, message: String, answer: Answer| {
        let change = Change { error_code: Some(code.to_owned()), message: Some(message), ..end(RunState::Failed) };
        (change, Fields::new(), Some(answer))
    };
    let error_answer = |status: u16, error: Value| Answer::json(status, &Value::object([("error", error)]));
    let plain = |message: &str| Value::object([("message", Value::text(message))]);
    Some(match result {
        Ok(End::Raw(answer)) => (end(RunState::Succeeded), Fields::new(), Some(answer)),
        Ok(End::Stopped(message)) => {
            let change = Change { message: message.clone(), ..end(RunState::Stopped) };
            let returned = End::Stopped(message).returned();
            let answer = Answer::json(200, &returned.to_object());
            (change, returned, Some(answer))
        }
        Ok(done) => {
            let returned = done.returned();
            let answer = Answer::json(200, &returned.to_object());
            (end(RunState::Succeeded), returned, Some(answer))
        }
        Err(Halt::Card(failure)) => {
            let thrown = failure.error.kind == ErrorKind::Thrown;
            let status = failure.error.status.filter(|_| thrown).unwrap_or(500);
            let code = if failure.error.kind == ErrorKind::Unsupported { codes::OKT4313 } else { codes::OKT4314 };
            failed(code.id(), failure.error.told(), error_answer(status, failure.object()))
        }
        Err(Halt::Limit(code, message)) => {
            // What a panic says may be anything: it is for those who see the history.
            let panicked = code.id() == codes::OKT4318.id();
            let told = [("message", Value::text(code.title())), ("code", Value::text(code.id()))];
            let answer = error_answer(500, if panicked { Value::object(told) } else { plain(&message) });
            failed(code.id(), message, answer)
        }
        Err(Halt::Cancelled) => {
            (end(RunState::Cancelled), Fields::new(), Some(error_answer(503, plain("the run was cancelled"))))
        }
        Err(Halt::Unknown { message, panic }) => {
            let answer = error_answer(500, plain(&message));
            let code = Some(codes::OKT4310.id().to_owned());
            let message = panic.map_or_else(|| message.clone(), |panic| format!("{message}: {panic}"));
            (
                Change { error_code: code, message: Some(message), ..end(RunState::UnknownOutcome) },
                Fields::new(),
                Some(answer),
            )
        }
        Err(Halt::Park(until)) => {
            let later = [("execution_id", Value::text(run.id.shared())), ("state", Value::text("waiting"))];
            let answer = Answer::json(202, &Value::object(later));
            (Change { wake_at: until, ..end(RunState::Waiting) }, Fields::new(), Some(answer))
        }
        Err(Halt::Closing) => (end(RunState::Queued), Fields::new(), None),
        Err(Halt::Duplicate) => {
            run.tell(Answer::json(200, &Value::object::<&str>([])));
            return None;
        }
        Err(Halt::Lost) => return None,
        Err(Halt::Journal(reason)) => {
            run.tell(error_answer(503, plain(&reason)));
            return None;
        }
    })
}
