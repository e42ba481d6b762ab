//! Everything the authorization server remembers, in memory.

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::TimeDelta;
use oktant_base::Timestamp;

use super::authorize::Request;
use super::device::Devices;
use super::directory::Rotation;

/// Life of an access token and an id token: fixed for the org authorization server.
const ACCESS_TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);
/// Life of an authorization code.
pub(super) const CODE_LIFE: TimeDelta = TimeDelta::seconds(300);
/// A refresh token that nobody uses for this long is dead.
const REFRESH_TOKEN_IDLE: TimeDelta = TimeDelta::days(7);
/// Life of a session. Okta's default policy says two hours idle; the sandbox does not count idleness.
const SESSION_LIFE: TimeDelta = TimeDelta::hours(2);
/// How long a page may stay open before it is submitted (assumed), and a pushed request waits for its browser.
pub(super) const PENDING_LIFE: TimeDelta = TimeDelta::hours(1);
/// A new nonce is made after this time, and an old one honoured for three days.
const NONCE_RENEWAL: TimeDelta = TimeDelta::hours(24);
const NONCE_LIFE: TimeDelta = TimeDelta::days(3);

/// Who and what a code or token stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) client_id: String,
    /// Absent for a service application.
    pub(super) subject: Option<Subject>,
    pub(super) scopes: Vec<String>,
    /// Thumbprint of the key that the tokens are bound to.
    pub(super) jkt: Option<String>,
    pub(super) terms: Terms,
}

/// How long tokens live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Access and id tokens.
    pub(super) access: TimeDelta,
    /// Refresh tokens that nobody uses.
    pub(super) refresh_idle: TimeDelta,
}

impl Terms {
    /// Those of the org authorization server.
    pub(super) const ORG: Self = Self { access: ACCESS_TOKEN_LIFE, refresh_idle: REFRESH_TOKEN_IDLE };
}

/// The user of a grant, and when the password was entered.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) user_id: String,
    pub(super) auth_time: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) user_id: String,
    pub(super) auth_time: Timestamp,
    expires_at: Timestamp,
}

/// An authorization request whose user is still at the login or consent page.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) request: Request,
    /// The user who signed in and was asked for consent.
    pub(super) subject: Option<Subject>,
    expires_at: Timestamp,
}

/// An authorization code, waiting to be redeemed.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) expires_at: Timestamp,
}

#[derive(Debug)]
struct AccessToken {
    user_id: Option<String>,
    family: Option<String>,
    expires_at: Timestamp,
    revoked: bool,
}

/// Where an access token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Expired,
    Revoked,
    Unknown,
}

/// The refresh tokens that descend from one sign-in.
#[derive(Debug)]
struct Family {
    grant: Grant,
    generation: u64,
    created: Timestamp,
    rotated_at: Timestamp,
    used_at: Timestamp,
}

/// A refresh token as its application's administrators see it: without the token.
#[derive(Debug, Clone)]
pub(crate) struct IssuedRefreshToken {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) used_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, Clone)]
struct RefreshToken {
    family: String,
    generation: u64,
}

/// What presenting a refresh token comes to.
#[derive(Debug)]
pub(super) enum Refresh {
    /// Good: the grant, and the family that new tokens belong to.
    Good { grant: Grant, family: String },
    /// It was replaced before and is presented again: the whole family is revoked.
    Reused { client_id: String },
    /// Unknown, expired, revoked, or another client's.
    Invalid,
}

/// The state of the authorization server.
#[derive(Debug, Default)]
pub(super) struct Store {
    sessions: HashMap<String, Session>,
    pending: HashMap<String, Pending>,
    /// Requests that clients pushed, by their URIs.
    pushed: HashMap<String, Pending>,
    pub(super) devices: Devices,
    codes: HashMap<String, Code>,
    access: HashMap<String, AccessToken>,
    refresh: HashMap<String, RefreshToken>,
    families: HashMap<String, Family>,
    /// Ids of assertions and proofs, until they would be refused for their age anyway.
    used_ids: HashMap<String, Timestamp>,
    nonces: VecDeque<(String, Timestamp)>,
    consents: HashSet<(String, String, String)>,
}

impl Store {
    pub(super) fn add_session(&mut self, id: String, subject: &Subject) {
        let expires_at = subject.auth_time + SESSION_LIFE;
        self.sessions
            .insert(id, Session { user_id: subject.user_id.clone(), auth_time: subject.auth_time, expires_at });
    }

    pub(super) fn session(&self, id: &str, now: Timestamp) -> Option<Session> {
        self.sessions.get(id).filter(|session| session.expires_at > now).cloned()
    }

    pub(super) fn end_session(&mut self, id: &str) {
        self.sessions.remove(id);
    }

    pub(super) fn add_pending(&mut self, id: String, request: Request, subject: Option<Subject>, now: Timestamp) {
        self.pending.retain(|_, pending| pending.expires_at > now);
        self.pending.insert(id, Pending { request, subject, expires_at: now + PENDING_LIFE });
    }

    pub(super) fn pending(&self, id: &str, now: Timestamp) -> Option<Pending> {
        self.pending.get(id).filter(|pending| pending.expires_at > now).cloned()
    }

    pub(super) fn end_pending(&mut self, id: &str) {
        self.pending.remove(id);
    }

    pub(super) fn add_pushed(&mut self, uri: String, request: Request, now: Timestamp) {
        self.pushed.retain(|_, pushed| pushed.expires_at > now);
        self.pushed.insert(uri, Pending { request, subject: None, expires_at: now + PENDING_LIFE });
    }

    pub(super) fn take_pushed(&mut self, uri: &str, now: Timestamp) -> Option<Request> {
        self.pushed.remove(uri).filter(|pushed| pushed.expires_at > now).map(|pushed| pushed.request)
    }

    pub(super) fn add_code(&mut self, value: String, code: Code, now: Timestamp) {
        self.codes.retain(|_, code| code.expires_at > now);
        self.codes.insert(value, code);
    }

    /// Takes a code away: it can be redeemed once, successfully or not.
    pub(super) fn take_code(&mut self, value: &str, now: Timestamp) -> Option<Code> {
        self.codes.remove(value).filter(|code| code.expires_at > now)
    }

    pub(super) fn add_access_token(&mut self, jti: String, grant: &Grant, family: Option<String>, now: Timestamp) {
        self.access.retain(|_, token| token.expires_at + ACCESS_TOKEN_LIFE > now);
        let user_id = grant.subject.as_ref().map(|subject| subject.user_id.clone());
        let token = AccessToken { user_id, family, expires_at: now + grant.terms.access, revoked: false };
        self.access.insert(jti, token);
    }

    pub(super) fn access_token(&self, jti: &str, now: Timestamp) -> Standing {
        match self.access.get(jti) {
            None => Standing::Unknown,
            Some(token) if token.revoked => Standing::Revoked,
            Some(token) if token.expires_at <= now => Standing::Expired,
            Some(_) => Standing::Good,
        }
    }

    pub(super) fn revoke_access_token(&mut self, jti: &str) {
        if let Some(token) = self.access.get_mut(jti) {
            token.revoked = true;
        }
    }

    pub(super) fn expire_access_tokens(&mut self, now: Timestamp) {
        for token in self.access.values_mut() {
            token.expires_at = token.expires_at.min(now);
        }
    }

    /// Begins a family with its first token.
    pub(super) fn add_family(&mut self, id: String, token: String, grant: Grant, now: Timestamp) {
        self.refresh.insert(token, RefreshToken { family: id.clone(), generation: 0 });
        self.families.insert(id, Family { grant, generation: 0, created: now, rotated_at: now, used_at: now });
    }

    /// Presents a refresh token. One that was replaced longer ago than the leeway revokes its family.
    pub(super) fn use_refresh_token(
        &mut self,
        token: &str,
        client_id: &str,
        rotation: Rotation,
        now: Timestamp,
    ) -> Refresh {
        let Some(RefreshToken { family: id, generation }) = self.refresh.get(token).cloned() else {
            return Refresh::Invalid;
        };
        let Some(family) = self.families.get_mut(&id) else { return Refresh::Invalid };
        if family.grant.client_id != client_id || family.used_at + family.grant.terms.refresh_idle <= now {
            return Refresh::Invalid;
        }
        if generation != family.generation && !within_leeway(family, generation, rotation, now) {
            self.revoke_family(&id);
            return Refresh::Reused { client_id: client_id.to_owned() };
        }
        family.used_at = now;
        Refresh::Good { grant: family.grant.clone(), family: id }
    }

    /// Replaces the current token of a family. A token of the previous generation that is presented
    /// within its leeway gets a further token of the current one, so that neither of two callers
    /// who refresh at the same moment loses (assumed).
    pub(super) fn rotate(&mut self, family_id: &str, presented: &str, new_token: String, now: Timestamp) {
        let Some(family) = self.families.get_mut(family_id) else { return };
        if self.refresh.get(presented).is_some_and(|token| token.generation == family.generation) {
            family.generation += 1;
            family.rotated_at = now;
        }
        let token = RefreshToken { family: family_id.to_owned(), generation: family.generation };
        self.refresh.insert(new_token, token);
    }

    /// The grant and last use of a refresh token that is current.
    pub(super) fn refresh_token(&self, token: &str, now: Timestamp) -> Option<(&Grant, Timestamp)> {
        let token = self.refresh.get(token)?;
        let family = self.families.get(&token.family)?;
        let current = token.generation == family.generation && family.used_at + family.grant.terms.refresh_idle > now;
        current.then_some((&family.grant, family.used_at))
    }

    /// Revokes the family of a refresh token with everything issued from it.
    pub(super) fn revoke_refresh_token(&mut self, token: &str) {
        if let Some(token) = self.refresh.get(token).cloned() {
            self.revoke_family(&token.family);
        }
    }

    /// The clients whose families are alive, in order of their ids.
    pub(super) fn clients(&self, now: Timestamp) -> Vec<String> {
        let alive = self.families.values().filter(|family| family.used_at + family.grant.terms.refresh_idle > now);
        let ids: std::collections::BTreeSet<_> = alive.map(|family| family.grant.client_id.clone()).collect();
        ids.into_iter().collect()
    }

    /// The families of a client that are alive, in order of their ids.
    pub(super) fn families(&self, client_id: &str, now: Timestamp) -> Vec<IssuedRefreshToken> {
        let alive = |family: &&Family| {
            family.grant.client_id == client_id && family.used_at + family.grant.terms.refresh_idle > now
        };
        let mut issued: Vec<_> = self
            .families
            .iter()
            .filter(|(_, family)| alive(family))
            .filter_map(|(id, family)| {
                Some(IssuedRefreshToken {
                    id: id.clone(),
                    user_id: family.grant.subject.as_ref()?.user_id.clone(),
                    scopes: family.grant.scopes.clone(),
                    created: family.created,
                    used_at: family.used_at,
                    expires_at: family.used_at + family.grant.terms.refresh_idle,
                })
            })
            .collect();
        issued.sort_by(|a, b| a.id.cmp(&b.id));
        issued
    }

    /// Revokes a family with everything issued from it.
    pub(super) fn revoke_family(&mut self, id: &str) {
        self.families.remove(id);
        self.refresh.retain(|_, token| token.family != id);
        for token in self.access.values_mut().filter(|token| token.family.as_deref() == Some(id)) {
            token.revoked = true;
        }
    }

    /// Ends the sessions of a user.
    pub(super) fn end_sessions(&mut self, user_id: &str) {
        self.sessions.retain(|_, session| session.user_id != user_id);
    }

    /// Revokes every token of a user.
    pub(super) fn revoke_tokens(&mut self, user_id: &str) {
        let of_user = |grant: &Grant| grant.subject.as_ref().is_some_and(|subject| subject.user_id == user_id);
        self.families.retain(|_, family| !of_user(&family.grant));
        self.codes.retain(|_, code| !of_user(&code.grant));
        for token in self.access.values_mut().filter(|token| token.user_id.as_deref() == Some(user_id)) {
            token.revoked = true;
        }
    }

    /// Notes an id that may be used once. `false` if it was used before.
    pub(super) fn use_id(&mut self, id: String, forget_at: Timestamp, now: Timestamp) -> bool {
        self.used_ids.retain(|_, forget_at| *forget_at > now);
        self.used_ids.insert(id, forget_at).is_none()
    }

    /// The nonce that proofs should carry now; `fresh` is taken when it is time for a new one.
    pub(super) fn nonce(&mut self, now: Timestamp, fresh: impl FnOnce() -> String) -> String {
        self.nonces.retain(|(_, made)| *made + NONCE_LIFE > now);
        match self.nonces.back() {
            Some((nonce, made)) if *made + NONCE_RENEWAL > now => nonce.clone(),
            _ => {
                let nonce = fresh();
                self.nonces.push_back((nonce.clone(), now));
                nonce
            }
        }
    }

    pub(super) fn knows_nonce(&self, nonce: &str, now: Timestamp) -> bool {
        self.nonces.iter().any(|(known, made)| known == nonce && *made + NONCE_LIFE > now)
    }

    pub(super) fn add_consent(&mut self, client_id: &str, user_id: &str, scopes: &[String]) {
        let key = |scope: &String| (client_id.to_owned(), user_id.to_owned(), scope.clone());
        self.consents.extend(scopes.iter().map(key));
    }

    pub(super) fn has_consent(&self, client_id: &str, user_id: &str, scopes: &[String]) -> bool {
        let key = |scope: &String| (client_id.to_owned(), user_id.to_owned(), scope.clone());
        scopes.iter().all(|scope| self.consents.contains(&key(scope)))
    }
}

fn within_leeway(family: &Family, generation: u64, rotation: Rotation, now: Timestamp) -> bool {
    match rotation {
        Rotation::Static => true,
        Rotation::Rotate { leeway_seconds } => {
            generation + 1 == family.generation && now <= family.rotated_at + TimeDelta::seconds(leeway_seconds)
        }
    }
}
