//! A session: who works in the account, in which role and where.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use oktant_base::Timestamp;
use oktant_store::StoreError;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::account::{Account, Generation, Place};
use crate::engine::Binding;
use crate::error::SnowflakeError;
use crate::model::user::{self, SecondaryRoles};
use crate::model::{Id, Tx};
use crate::privilege::Authority;
use crate::result::{Context, StatementResult};
use crate::statement;

/// How often a session that is waited for looks whether it still exists.
const REVOCATION_INTERVAL: Duration = Duration::from_millis(250);

/// How long it is remembered that network policies admit a session, without looking whether another process changed
/// them. What this process changes is seen at once.
const ADMITTED_LIFETIME: TimeDelta = TimeDelta::milliseconds(500);

/// Who a session belongs to.
#[derive(Debug, Clone)]
pub(crate) enum Actor {
    /// The account itself.
    System,
    /// A user, at the epoch in which it signed in, and the only role that its credential allows.
    User { id: Id, name: String, epoch: i64, restriction: Option<Id> },
}

/// What statements change about a session.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) role_id: Id,
    pub(crate) secondary: SecondaryRoles,
    pub(crate) context: Context,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) last_query_id: Option<Uuid>,
    /// The account's generation, and when: then network policies admitted the session.
    admitted: Option<(Generation, Timestamp)>,
    closed: bool,
}

/// A session of the account. Clones are handles to the same session; statements may run side by side.
///
/// Every statement begins by looking whether the user still exists and is enabled.
#[derive(Debug, Clone)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    account: Account,
    id: i64,
    actor: Actor,
    state: Mutex<State>,
}

impl Session {
    pub(crate) fn new(account: Account, id: i64, actor: Actor, role_id: Id) -> Self {
        let state = State {
            role_id,
            secondary: SecondaryRoles::All,
            context: Context::default(),
            client_ip: None,
            last_query_id: None,
            admitted: None,
            closed: false,
        };
        Self(Arc::new(Inner { account, id, actor, state: Mutex::new(state) }))
    }

    pub(crate) fn begin_with(&self, secondary: SecondaryRoles, client_ip: Option<IpAddr>, place: Place) {
        let mut state = self.0.state.lock();
        state.secondary = secondary;
        state.client_ip = client_ip;
        state.context.database = place.database;
        state.context.schema = place.schema;
        state.context.warehouse = place.warehouse;
    }

    /// The session's number, which is unique in this process.
    pub fn id(&self) -> i64 {
        self.0.id
    }

    /// The user's name; `SYSTEM` for the account itself.
    pub fn user(&self) -> &str {
        match &self.0.actor {
            Actor::System => "SYSTEM",
            Actor::User { name, .. } => name,
        }
    }

    /// Current database, schema, warehouse and role.
    ///
    /// # Errors
    ///
    /// 390111 if the session has ended.
    pub async fn context(&self) -> Result<Context, SnowflakeError> {
        self.check().await?;
        let mut connection = self.0.account.0.db.read().await?;
        let authority = self.authority(&mut *connection).await?;
        Ok(Context { role: Some(authority.role_name), ..self.state().context })
    }

    /// Fails if the session has ended: it was closed, its user was disabled or dropped, or a network policy no longer
    /// lets the user in from where the session was opened.
    ///
    /// # Errors
    ///
    /// 390111.
    pub async fn check(&self) -> Result<(), SnowflakeError> {
        if self.0.state.lock().closed {
            return Err(SnowflakeError::session_gone());
        }
        let Actor::User { id, epoch, .. } = &self.0.actor else { return Ok(()) };
        let mut connection = self.0.account.0.db.read().await?;
        let tx = &mut *connection;
        let lives = user::live_epoch(tx, *id).await? == Some(*epoch) && self.is_admitted(tx, *id).await?;
        if lives { Ok(()) } else { Err(SnowflakeError::session_gone()) }
    }

    /// Whether network policies let the user in from where the session was opened. They are read only if they may
    /// have changed since they last did.
    async fn is_admitted(&self, tx: Tx<'_>, user_id: Id) -> Result<bool, StoreError> {
        let account = &self.0.account;
        let (generation, now) = (account.generation(), account.now());
        let state = self.state();
        if state.admitted.is_some_and(|(known, at)| known == generation && now - at < ADMITTED_LIFETIME) {
            return Ok(true);
        }
        let Some(user) = user::by_id(tx, user_id).await? else { return Ok(false) };
        let is_admitted = account.admits(tx, &user, state.client_ip).await?;
        if is_admitted {
            self.update(|state| state.admitted = Some((generation, now)));
        }
        Ok(is_admitted)
    }

    /// Completes when the session has ended. Race it against long work, to end that with the session.
    pub async fn revoked(&self) {
        while !matches!(self.check().await, Err(error) if error == SnowflakeError::session_gone()) {
            self.0.account.0.config.clock.sleep(REVOCATION_INTERVAL).await;
        }
    }

    /// Ends the session.
    pub fn close(&self) {
        self.0.state.lock().closed = true;
    }

    /// Which of the engine's tables the session's roles may read, in upper case.
    ///
    /// # Errors
    ///
    /// 390111 if the session has ended.
    pub async fn readable_tables(&self) -> Result<Vec<String>, SnowflakeError> {
        self.check().await?;
        self.0.account.look_up_tables().await;
        let mut connection = self.0.account.0.db.read().await?;
        Ok(self.authority(&mut *connection).await?.readable(&self.0.account.engine_tables()))
    }

    /// Runs one statement, with one binding per placeholder.
    ///
    /// # Errors
    ///
    /// Snowflake's error for whatever is wrong; 390111 if the session has ended.
    pub async fn execute(&self, sql: &str, bindings: &[Binding]) -> Result<StatementResult, SnowflakeError> {
        self.0.account.look_up_tables().await;
        statement::run::run(self, sql, bindings, statement::run::Mode::Execute).await
    }

    /// Says what columns a statement answers with, without running it.
    ///
    /// # Errors
    ///
    /// Those of [`Self::execute`] that come before running.
    pub async fn describe(&self, sql: &str, bindings: &[Binding]) -> Result<StatementResult, SnowflakeError> {
        self.0.account.look_up_tables().await;
        statement::run::run(self, sql, bindings, statement::run::Mode::Describe).await
    }

    pub(crate) fn account(&self) -> &Account {
        &self.0.account
    }

    pub(crate) fn state(&self) -> State {
        self.0.state.lock().clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.lock());
    }

    /// What the session may do at this moment.
    pub(crate) async fn authority(&self, tx: Tx<'_>) -> Result<Authority, StoreError> {
        let state = self.state();
        match &self.0.actor {
            Actor::System => Authority::of_role(tx, self.user(), state.role_id).await,
            Actor::User { id, name, restriction, .. } => {
                Authority::of_user(tx, (*id, name), state.role_id, state.secondary, *restriction).await
            }
        }
    }
}
