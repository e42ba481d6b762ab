//! Sessions that are open, by the tokens their clients hold. They live as long as the server.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oktant_base::{Clock, Entropy, Secret, Timestamp};
use oktant_warehouse::Session;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

/// How long a session token is good; clients renew it.
pub(super) const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// How long a master token is good: the time after which a session that nobody uses has ended.
pub(super) const MASTER_LIFETIME: Duration = Duration::from_hours(4);

/// Sessions that may be open at one time.
const SESSIONS_MAX: usize = 10_000;

/// Statements that a session may run at one time; others of it wait.
///
/// # Source
///
/// Snowflake documentation, `MAX_CONCURRENCY_LEVEL`: a warehouse runs eight at one time, and queues the rest.
const SESSION_STATEMENTS_MAX: usize = 8;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 48;

/// An open session.
pub(super) struct Open {
    /// Its number, which clients are told.
    pub(super) id: i64,
    /// The account's side of it.
    pub(super) session: Session,
    /// Room for the statements that it may run at one time.
    pub(super) room: Arc<Semaphore>,
    tokens: RwLock<Tokens>,
}

/// The two tokens of a session.
#[derive(Clone)]
pub(super) struct Tokens {
    /// For requests.
    pub(super) token: Secret,
    /// For new tokens.
    pub(super) master: Secret,
    /// The session token before, which requests under way may carry.
    previous: Option<Secret>,
    master_ends: Timestamp,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token was sent.
    Missing,
    /// The token belongs to no session, or to one that is closed.
    Unknown,
    /// The token's time is over; a new one can be had.
    Expired,
}

/// All of them.
pub(super) struct Sessions {
    open: RwLock<Books>,
    next: AtomicI64,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Default)]
struct Books {
    /// With the end of each token. A session has two at most: its own, and the one before.
    by_token: HashMap<String, (Arc<Open>, Timestamp)>,
    by_master: HashMap<String, Arc<Open>>,
}

impl Books {
    fn enter(&mut self, open: &Arc<Open>, now: Timestamp) {
        let tokens = open.tokens.read();
        self.by_token.insert(tokens.token.expose().clone(), (Arc::clone(open), now + TOKEN_LIFETIME));
        self.by_master.insert(tokens.master.expose().clone(), Arc::clone(open));
    }

    fn remove(&mut self, open: &Open) {
        self.by_token.retain(|_, (other, _)| other.id != open.id);
        self.by_master.retain(|_, other| other.id != open.id);
    }
}

impl Sessions {
    pub(super) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        // Numbers of a new server must not be those of the old one: clients may hold both.
        let mut first = [0; 4];
        entropy.fill(&mut first);
        let next = AtomicI64::new(i64::from(u32::from_le_bytes(first)) << 16);
        Self { open: RwLock::default(), next, clock, entropy }
    }

    /// Opens a session; `None` if there are too many.
    pub(super) fn open(&self, session: Session) -> Option<(Arc<Open>, Tokens)> {
        self.sweep();
        let tokens = self.fresh();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let room = Arc::new(Semaphore::new(SESSION_STATEMENTS_MAX));
        let open = Arc::new(Open { id, session, room, tokens: RwLock::new(tokens.clone()) });
        let mut books = self.open.write();
        if books.by_master.len() >= SESSIONS_MAX {
            return None;
        }
        books.enter(&open, self.clock.now());
        Some((open, tokens))
    }

    /// The session whose token this is.
    pub(super) fn by_token(&self, token: Option<&str>) -> Result<Arc<Open>, Refusal> {
        let token = token.ok_or(Refusal::Missing)?;
        let (open, ends) = self.open.read().by_token.get(token).cloned().ok_or(Refusal::Unknown)?;
        if ends <= self.clock.now() { Err(Refusal::Expired) } else { Ok(open) }
    }

    /// New tokens for the session whose master token this is. The session token before stays good for as long as it
    /// was: requests under way carry it. The one before that is good no more.
    pub(super) fn renew(&self, master: Option<&str>) -> Result<(Arc<Open>, Tokens), Refusal> {
        let master = master.ok_or(Refusal::Missing)?;
        let mut books = self.open.write();
        let open = books.by_master.get(master).cloned().ok_or(Refusal::Unknown)?;
        if open.tokens.read().master_ends <= self.clock.now() {
            return Err(Refusal::Expired);
        }
        let mut tokens = self.fresh();
        books.by_master.remove(master);
        let before = open.tokens.read().clone();
        if let Some(oldest) = before.previous {
            books.by_token.remove(oldest.expose());
        }
        tokens.previous = Some(before.token);
        *open.tokens.write() = tokens.clone();
        books.enter(&open, self.clock.now());
        Ok((open, tokens))
    }

    /// Keeps a session alive for as long again.
    pub(super) fn touch(&self, open: &Open) {
        open.tokens.write().master_ends = self.clock.now() + MASTER_LIFETIME;
    }

    /// Closes a session; whether it was open.
    pub(super) fn close(&self, open: &Open) -> bool {
        let mut books = self.open.write();
        let before = books.by_master.len();
        books.remove(open);
        books.by_master.len() < before
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.open.read().by_master.len()
    }

    /// Forgets the sessions whose time is over.
    fn sweep(&self) {
        let now = self.clock.now();
        let mut books = self.open.write();
        let is_alive = |open: &Arc<Open>| open.tokens.read().master_ends > now;
        books.by_token.retain(|_, (open, _)| is_alive(open));
        books.by_master.retain(|_, open| is_alive(open));
    }

    fn fresh(&self) -> Tokens {
        let token = || {
            let mut bytes = [0; TOKEN_BYTES];
            self.entropy.fill(&mut bytes);
            Secret::new(STANDARD.encode(bytes))
        };
        let master_ends = self.clock.now() + MASTER_LIFETIME;
        Tokens { token: token(), master: token(), previous: None, master_ends }
    }
}
