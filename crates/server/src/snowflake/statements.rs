//! Statements that run or have run: each once, however often its request arrives.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oktant_warehouse::{Context, SnowflakeError, StatementResult, StatementType};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// Statements that are remembered; the oldest are forgotten first.
const KEPT_MAX: usize = 5_000;

/// Bytes of the answers that are remembered.
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes that a cell takes besides its text.
const CELL_BYTES: usize = 24;

/// What a statement answered.
#[derive(Clone)]
pub(super) enum Answer {
    /// One statement.
    Rows(StatementResult),
    /// Several, of which each has an answer of its own under the id given.
    Several(Vec<(Uuid, StatementType)>, Context),
}

/// The end of a statement.
pub(super) type Outcome = Arc<Result<Answer, SnowflakeError>>;

/// A statement that runs or has run.
pub(super) struct Statement {
    /// Its id, by which clients ask for it.
    pub(super) id: Uuid,
    /// The user it runs for: nobody else may ask for it.
    pub(super) user: String,
    outcome: watch::Sender<Option<Outcome>>,
    cancel: Notify,
    bytes: AtomicUsize,
}

impl Statement {
    fn new(id: Uuid, user: &str) -> Arc<Self> {
        Arc::new(Self {
            id,
            user: user.to_owned(),
            outcome: watch::Sender::new(None),
            cancel: Notify::new(),
            bytes: AtomicUsize::new(0),
        })
    }

    /// The outcome, if it comes within `patience`.
    pub(super) async fn wait(&self, patience: Duration) -> Option<Outcome> {
        let mut outcome = self.outcome.subscribe();
        let ended = outcome.wait_for(Option::is_some);
        tokio::time::timeout(patience, ended).await.ok()?.ok()?.clone()
    }

    /// The outcome so far.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.borrow().clone()
    }

    /// Ends it with an error unless it has ended.
    pub(super) fn cancel(&self) {
        self.cancel.notify_one();
    }

    fn end(&self, outcome: Result<Answer, SnowflakeError>) {
        self.bytes.store(size(&outcome), Ordering::Relaxed);
        self.outcome.send_replace(Some(Arc::new(outcome)));
    }
}

/// What identifies a request however often it is sent: the session, and the id the client gave it.
type RequestKey = (i64, String);

/// All of them.
#[derive(Default)]
pub(super) struct Statements(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_id: HashMap<Uuid, Arc<Statement>>,
    by_request: HashMap<RequestKey, Uuid>,
    /// The oldest first, with the request each was made by.
    order: VecDeque<(Uuid, Option<RequestKey>)>,
}

impl Statements {
    /// The statement of a request: the one that an earlier copy of the request started, or a new one
    /// that does `work`.
    ///
    /// The work goes on when the client goes away, so that a repeated request finds its outcome.
    pub(super) fn start<W>(&self, request: Option<RequestKey>, id: Uuid, user: &str, work: W) -> Arc<Statement>
    where
        W: Future<Output = Result<Answer, SnowflakeError>> + Send + 'static,
    {
        let mut kept = self.0.lock();
        let known = request.as_ref().and_then(|request| kept.by_request.get(request));
        if let Some(statement) = known.and_then(|known| kept.by_id.get(known)) {
            return Arc::clone(statement);
        }
        let statement = Statement::new(id, user);
        kept.insert(&statement, request);
        let running = Arc::clone(&statement);
        tokio::spawn(async move {
            let outcome = tokio::select! {
                outcome = work => outcome,
                () = running.cancel.notified() => Err(SnowflakeError::cancelled()),
            };
            running.end(outcome);
        });
        statement
    }

    /// Keeps a statement that has ended already.
    pub(super) fn keep(&self, id: Uuid, user: &str, outcome: Result<Answer, SnowflakeError>) {
        let statement = Statement::new(id, user);
        statement.end(outcome);
        self.0.lock().insert(&statement, None);
    }

    /// The statement with this id.
    pub(super) fn by_id(&self, id: Uuid) -> Option<Arc<Statement>> {
        self.0.lock().by_id.get(&id).cloned()
    }

    /// The statement that a request started.
    pub(super) fn by_request(&self, request: &RequestKey) -> Option<Arc<Statement>> {
        let kept = self.0.lock();
        kept.by_request.get(request).and_then(|id| kept.by_id.get(id)).cloned()
    }
}

impl Kept {
    fn insert(&mut self, statement: &Arc<Statement>, request: Option<RequestKey>) {
        self.make_room();
        self.by_id.insert(statement.id, Arc::clone(statement));
        if let Some(request) = &request {
            self.by_request.insert(request.clone(), statement.id);
        }
        self.order.push_back((statement.id, request));
    }

    /// Forgets the oldest until the rest is within bounds. Those that run stay.
    fn make_room(&mut self) {
        let mut bytes: usize = self.by_id.values().map(|statement| statement.bytes.load(Ordering::Relaxed)).sum();
        let mut looked_at = 0;
        while looked_at < self.order.len() && (self.order.len() >= KEPT_MAX || bytes > KEPT_BYTES_MAX) {
            let Some((id, request)) = self.order.pop_front() else { return };
            looked_at += 1;
            match self.by_id.get(&id) {
                Some(statement) if statement.outcome().is_none() => self.order.push_back((id, request)),
                Some(statement) => {
                    bytes -= statement.bytes.load(Ordering::Relaxed).min(bytes);
                    self.by_id.remove(&id);
                    if let Some(request) = request {
                        self.by_request.remove(&request);
                    }
                }
                None => {}
            }
        }
    }
}

fn size(outcome: &Result<Answer, SnowflakeError>) -> usize {
    let cell = |cell: &Option<String>| CELL_BYTES + cell.as_ref().map_or(0, String::len);
    match outcome {
        Ok(Answer::Rows(result)) => result.rows.iter().flatten().map(cell).sum(),
        _ => CELL_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "what work gives")]
    fn several() -> Result<Answer, SnowflakeError> {
        Ok(Answer::Several(Vec::new(), Context::default()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a statement is started with")]
    fn request(id: &str) -> Option<RequestKey> {
        Some((1, id.to_owned()))
    }

    #[tokio::test]
    async fn a_repeated_request_is_the_same_statement() {
        let statements = Statements::default();
        let runs = Arc::new(AtomicUsize::new(0));
        let start = |number| {
            let runs = Arc::clone(&runs);
            statements.start(request("a"), Uuid::from_u128(number), "U", async move {
                runs.fetch_add(1, Ordering::Relaxed);
                several()
            })
        };
        let (first, second) = (start(1), start(2));
        assert_eq!(first.id, second.id);
        assert!(second.wait(Duration::from_secs(5)).await.is_some());
        assert_eq!(start(3).id, first.id);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_cancelled_statement_says_so() {
        let statements = Statements::default();
        let statement = statements.start(request("a"), Uuid::from_u128(1), "U", std::future::pending());
        assert!(statement.wait(Duration::from_millis(1)).await.is_none());
        statements.by_request(&(1, "a".to_owned())).unwrap().cancel();
        let outcome = statement.wait(Duration::from_secs(5)).await.unwrap();
        assert_eq!(outcome.as_ref().as_ref().err().map(|error| error.code), Some(604));
    }

    #[tokio::test]
    async fn the_oldest_are_forgotten_but_not_those_that_run() {
        let statements = Statements::default();
        statements.start(request("running"), Uuid::from_u128(0), "U", std::future::pending());
        for number in 1..=KEPT_MAX as u128 {
            statements.keep(Uuid::from_u128(number), "U", several());
        }
        assert!(statements.by_id(Uuid::from_u128(0)).is_some());
        assert!(statements.by_id(Uuid::from_u128(1)).is_none());
        assert!(statements.by_id(Uuid::from_u128(KEPT_MAX as u128)).is_some());
    }
}
