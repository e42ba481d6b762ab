//! What was granted: codes, refresh tokens, sessions.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use indexmap::IndexMap;
use oktant_base::Timestamp;

use super::app::ConnectedApp;
use crate::salesforce::id::Id;
use crate::salesforce::org::Session;

/// Grants of one user to one app that live at the same time.
const GRANTS_MAX: usize = 5;

/// How long a code may be exchanged.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(15);

/// What an app asks for, on its way through login and consent.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) state: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
    /// Whether consent is asked for even if it was given before.
    pub(super) ask_again: bool,
    pub(super) login_hint: String,
}

/// A code that was given out.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) asked: Asked,
    pub(super) user: Id,
    made: Timestamp,
}

impl Code {
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        now - self.made > CODE_LIFE
    }
}

/// A lasting grant: what a refresh token stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) user: Id,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    token: String,
    pub(super) made: Timestamp,
}

/// Everything that was granted.
#[derive(Debug, Default)]
pub(in super::super) struct Grants {
    pub(in super::super) apps: IndexMap<String, ConnectedApp>,
    pub(super) asked: HashMap<String, Asked>,
    codes: HashMap<String, Code>,
    lasting: IndexMap<u64, Grant>,
    /// Refresh tokens that were exchanged for another one, and their grants.
    spent: HashMap<String, u64>,
    made: u64,
    sessions: HashMap<String, Session>,
    /// Users who are logged in, by the cookie of their browser.
    pub(super) browsers: HashMap<String, Id>,
    approved: HashSet<(Id, String)>,
}

impl Grants {
    pub(super) fn app(&self, client_id: &str) -> Option<&ConnectedApp> {
        self.apps.get(client_id)
    }

    pub(in super::super) fn add_app(&mut self, app: ConnectedApp) {
        self.apps.insert(app.client_id.clone(), app);
    }

    pub(super) fn add_code(&mut self, code: String, asked: Asked, user: Id, now: Timestamp) {
        self.approved.insert((user, asked.client_id.clone()));
        self.codes.insert(code, Code { asked, user, made: now });
    }

    /// Whether a user has let an app act for them before.
    pub(super) fn has_approved(&self, user: Id, client_id: &str) -> bool {
        self.approved.contains(&(user, client_id.to_owned()))
    }

    /// Gives a code back, once.
    pub(super) fn take_code(&mut self, code: &str) -> Option<Code> {
        self.codes.remove(code)
    }

    /// Adds a lasting grant; the oldest one of the user to the app ends if there are too many.
    pub(super) fn add_grant(
        &mut self,
        user: Id,
        client_id: &str,
        scopes: &[String],
        token: String,
        now: Timestamp,
    ) -> u64 {
        let same = |grant: &Grant| grant.user == user && grant.client_id == client_id;
        let known: Vec<u64> = self.lasting.iter().filter(|(_, grant)| same(grant)).map(|(number, _)| *number).collect();
        if known.len() >= GRANTS_MAX {
            self.end(known[0]);
        }
        self.made += 1;
        let grant = Grant { user, client_id: client_id.to_owned(), scopes: scopes.to_vec(), token, made: now };
        self.lasting.insert(self.made, grant);
        self.made
    }

    /// The grant of a refresh token. One that was exchanged before ends its grant: someone has stolen it.
    pub(super) fn grant(&mut self, token: &str) -> Option<(u64, Grant)> {
        if let Some(number) = self.spent.get(token).copied() {
            self.end(number);
            return None;
        }
        self.lasting.iter().find(|(_, grant)| grant.token == token).map(|(number, grant)| (*number, grant.clone()))
    }

    /// The grant of a refresh token, without using it.
    pub(super) fn look_grant(&self, token: &str) -> Option<&Grant> {
        self.lasting.values().find(|grant| grant.token == token)
    }

    /// Puts a new refresh token in the place of the one that a grant has.
    pub(super) fn rotate(&mut self, number: u64, token: String) {
        if let Some(grant) = self.lasting.get_mut(&number) {
            let old = std::mem::replace(&mut grant.token, token);
            self.spent.insert(old, number);
        }
    }

    /// Ends a grant, with the sessions made from it.
    fn end(&mut self, number: u64) {
        self.lasting.shift_remove(&number);
        self.sessions.retain(|_, session| session.grant != Some(number));
    }

    pub(in super::super) fn add_session(&mut self, token: String, session: Session) {
        self.sessions.insert(token, session);
    }

    /// The session of a token, whose time begins anew with each use.
    pub(in super::super) fn session(&mut self, token: &str, now: Timestamp, lifetime: TimeDelta) -> Option<Session> {
        let session = self.sessions.get_mut(token).filter(|session| session.expires > now)?;
        session.expires = session.expires.max(now + lifetime);
        Some(session.clone())
    }

    /// The session of a token, without using it.
    pub(super) fn look(&self, token: &str, now: Timestamp) -> Option<&Session> {
        self.sessions.get(token).filter(|session| session.expires > now)
    }

    /// Ends a session or a grant; whether there was one.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        if self.sessions.remove(token).is_some() {
            return true;
        }
        let number = self.lasting.iter().find(|(_, grant)| grant.token == token).map(|(number, _)| *number);
        number.map(|number| self.end(number)).is_some()
    }

    /// Ends every session; refresh tokens stay good.
    pub(in super::super) fn expire_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Ends every lasting grant, as an administrator can, and the sessions made from them.
    pub(in super::super) fn revoke_all(&mut self) {
        self.lasting.clear();
        self.sessions.retain(|_, session| session.grant.is_none());
    }
}
