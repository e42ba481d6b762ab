//! One connection: who signed in, and what interrupts a statement.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oktant_base::codes;
use oktant_sql::Session as Engine;
use oktant_warehouse::{Session, SnowflakeError};
use pgwire::error::{PgWireError, PgWireResult};
use tokio::sync::{Mutex, SetOnce, watch};

use super::departure::Departure;
use super::scram::Exchange;
use super::{Front, failure};
use crate::listen::Stop;

/// How long a client whose session has ended may take to hear of it: it hears when it next asks.
const FAREWELL: Duration = Duration::from_secs(30);

/// Interrupts the statements of one connection: how often the client has cancelled one. Clones do the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupt(watch::Sender<u64>);

impl Interrupt {
    /// Ends the statement that runs.
    pub(super) fn cancel(&self) {
        self.0.send_modify(|cancels| *cancels += 1);
    }

    /// Completes when there have been more cancellations than `known`.
    async fn happens_after(&self, known: u64) {
        // The sender is ours, so it is there.
        let _ = self.0.subscribe().wait_for(|cancels| *cancels > known).await;
    }
}

/// Who signed in.
#[derive(Debug)]
pub(super) struct SignedIn {
    /// The account's side of it.
    pub(super) session: Session,
    /// The database that the client named, which is only repeated to it.
    pub(super) database: String,
    key: (i32, Bytes),
}

/// One connection.
pub(super) struct Connection {
    pub(super) front: Front,
    pub(super) peer: SocketAddr,
    /// Whether nobody may sign in without encryption.
    pub(super) must_encrypt: bool,
    pub(super) exchange: Mutex<Option<Exchange>>,
    signed_in: SetOnce<SignedIn>,
    interrupt: Interrupt,
    departure: Departure,
    stop: Stop,
    /// Statements that run.
    running: watch::Sender<usize>,
}

/// Marks a statement as running for as long as it lives.
pub(super) struct Running {
    running: watch::Sender<usize>,
    /// How often statements had been cancelled when it began.
    cancels: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.send_modify(|running| *running -= 1);
    }
}

impl Connection {
    pub(super) fn new(front: Front, peer: SocketAddr, must_encrypt: bool, departure: Departure, stop: Stop) -> Self {
        Self {
            front,
            peer,
            must_encrypt,
            exchange: Mutex::default(),
            signed_in: SetOnce::new(),
            interrupt: Interrupt::default(),
            departure,
            stop,
            running: watch::Sender::new(0),
        }
    }

    /// The user has proved who they are.
    pub(super) fn admit(&self, session: Session, database: String, key: (i32, Bytes)) {
        self.front.signed_in.lock().insert(key.clone(), self.interrupt.clone());
        // An exchange takes place once.
        let _ = self.signed_in.set(SignedIn { session, database, key });
    }

    pub(super) fn is_signed_in(&self) -> bool {
        self.signed_in.get().is_some()
    }

    /// The connection is over.
    pub(super) fn forget(&self) {
        if let Some(signed_in) = self.signed_in.get() {
            self.front.signed_in.lock().remove(&signed_in.key);
        }
    }

    /// Who signed in, if they may still ask.
    pub(super) async fn asker(&self) -> PgWireResult<&SignedIn> {
        let unknown = || failure::fatal("28000", "sign in before asking", None);
        let signed_in = self.signed_in.get().ok_or_else(unknown)?;
        match signed_in.session.check().await {
            Ok(()) => Ok(signed_in),
            Err(error) if error == SnowflakeError::session_gone() => Err(ended()),
            Err(error) => Err(failure::coded(&error)),
        }
    }

    /// The engine as the asker may use it: with the tables that their roles may read at this moment.
    pub(super) async fn engine(&self) -> PgWireResult<Engine> {
        let asker = self.asker().await?;
        let Some(tables) = &self.front.tables else {
            return Err(failure::of_code(codes::OKT4003, "the server has no org to read"));
        };
        let readable = asker.session.readable_tables().await.map_err(|error| failure::coded(&error))?;
        Ok(tables.session_for(&readable))
    }

    /// Marks the beginning of a statement.
    pub(super) fn begin(&self) -> Running {
        self.running.send_modify(|running| *running += 1);
        Running { running: self.running.clone(), cancels: *self.interrupt.0.borrow() }
    }

    /// What `work` gives, unless the statement is cancelled, its session ends or the client goes away.
    pub(super) async fn unless_interrupted<T>(
        &self,
        statement: &Running,
        work: impl Future<Output = PgWireResult<T>>,
    ) -> PgWireResult<T> {
        tokio::select! {
            // Work may use up what tokio lets a task do in one go; the others would not get to look then.
            biased;
            () = self.interrupt.happens_after(statement.cancels) => Err(cancelled()),
            () = self.session_ends() => Err(ended()),
            () = self.departure.happens() => Err(departed()),
            outcome = work => outcome,
        }
    }

    /// Completes when the account no longer knows the session: the user is disabled or gone, or may no longer sign in
    /// from here. Not before someone has signed in.
    async fn session_ends(&self) {
        self.signed_in.wait().await.session.revoked().await;
    }

    /// Completes when the connection is to be closed by us: a while after its session has ended, or
    /// when the server stops and no statement runs.
    pub(super) async fn is_to_close(self: &Arc<Self>) {
        let farewell = async {
            self.session_ends().await;
            tokio::time::sleep(FAREWELL).await;
        };
        let stop = async {
            // Idle clients, and those who are signing in, would keep the server alive: they go at once.
            self.stop.told().await;
            let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
        };
        tokio::select! {
            () = farewell => {}
            () = stop => {}
        }
    }
}

fn cancelled() -> PgWireError {
    failure::of_code(codes::OKT3010, "canceling statement due to user request")
}

/// For the log: nobody hears it.
fn departed() -> PgWireError {
    std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into()
}

/// # Source
///
/// PostgreSQL's error 57P01, `admin_shutdown`, which is how it ends the sessions of others.
fn ended() -> PgWireError {
    let hint = "the user was disabled or dropped, or may no longer sign in from here; ask an administrator";
    failure::fatal("57P01", "terminating connection: the session has ended", Some(hint))
}
