//! A sign-in that is kept alive: one access token at a time, renewed before it ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oktant_base::{Secret, Timestamp, codes};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::Instrument;

use super::callback::Page;
use super::code_flow::{Flow, Request};
use super::dpop::Dpop;
use super::key::SigningKey;
use super::store::{Lock, Pending, Record, Store};
use super::token::{Grant, Token, TokenEndpoint};
use crate::properties::{self, InitiateOAuth, SignIn};
use crate::{Edges, Error};

/// Where access tokens come from, and the one in use.
#[derive(Debug)]
pub(crate) struct Session {
    source: Source,
    renewal_offset: Duration,
    edges: Edges,
    current: parking_lot::Mutex<Option<Token>>,
    /// Held while a token is fetched, so that everyone else waits for that one.
    fetching: Arc<Mutex<()>>,
    /// Until when no renewal ahead of time is tried again after one that failed.
    rests_until: parking_lot::Mutex<Option<Timestamp>>,
}

/// How long a renewal ahead of time that failed is not tried again.
const RENEWAL_REST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) enum Source {
    /// The token of the properties, used as it is.
    Given(Token),
    /// A service app, which asks again whenever it likes.
    Service(Box<Service>),
    /// A person's sign-in, kept in a store.
    Person(Box<Person>),
}

/// A service app.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) endpoint: TokenEndpoint,
    pub(super) scope: String,
    pub(super) dpop: Option<Dpop>,
}

/// A person's sign-in.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) store: Store,
    pub(super) endpoint: TokenEndpoint,
    pub(super) sign_in: SignIn,
    /// Host of the org.
    pub(super) domain: String,
    pub(super) scheme: &'static str,
    pub(super) scope: String,
    pub(super) authorize: url::Url,
    /// Whether the stored sign-in is passed over, the next time.
    pub(super) anew: AtomicBool,
    /// Follows the key of the record, which another process may have made.
    pub(super) dpop: parking_lot::Mutex<Option<Arc<Dpop>>>,
}

impl Session {
    pub(super) fn new(source: Source, renewal_offset: Duration, edges: Edges) -> Self {
        Self {
            source,
            renewal_offset,
            edges,
            current: parking_lot::Mutex::default(),
            fetching: Arc::default(),
            rests_until: parking_lot::Mutex::default(),
        }
    }

    /// Who the tokens are for.
    pub(super) fn identity(&self) -> Secret {
        Secret::new(match &self.source {
            Source::Given(token) => token.access.expose().clone(),
            Source::Service(service) => format!("{} {}", service.endpoint.client_id, service.scope),
            Source::Person(person) => {
                format!("{} {} {}", person.endpoint.client_id, person.scope, person.store.location())
            }
        })
    }

    /// Where the tokens are kept, if they are.
    pub(super) fn store_location(&self) -> Option<String> {
        match &self.source {
            Source::Person(person) => Some(person.store.location()),
            Source::Given(_) | Source::Service { .. } => None,
        }
    }

    /// Signs in, or takes up what is stored.
    pub(super) async fn open(&self) -> Result<(), Error> {
        let _fetching = self.fetching.lock().await;
        let token = self.fetch(None).await?;
        *self.current.lock() = Some(token);
        Ok(())
    }

    /// A token that is good for a while. One that should be renewed but has some life left is
    /// renewed by the way, while requests go on with it.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Token, Error> {
        let usable = |token: &Token| !token.is_ending(self.edges.clock.now());
        if let Some(token) = self.current().filter(usable) {
            if token.is_due(self.edges.clock.now(), self.renewal_offset) {
                self.renew_by_the_way();
            }
            return Ok(token);
        }
        let fetching = self.fetching.clone().lock_owned().await;
        if let Some(token) = self.current().filter(usable) {
            return Ok(token);
        }
        self.fetch_apart(fetching, None).await
    }

    /// Fetches the next token in a task of its own. Who waits for it may give up, but a refresh token
    /// that the org has replaced must not be lost on the way, nor a sign-in that a person has begun.
    async fn fetch_apart(
        self: &Arc<Self>,
        fetching: OwnedMutexGuard<()>,
        refused: Option<Secret>,
    ) -> Result<Token, Error> {
        let session = Arc::clone(self);
        let work = async move {
            let _fetching = fetching;
            let token = session.fetch(refused.as_ref()).await?;
            *session.current.lock() = Some(token.clone());
            Ok(token)
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending, and whoever waits ends with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn current(&self) -> Option<Token> {
        self.current.lock().clone()
    }

    /// Replaces a token that the org refused. `false` if there is no other one to be had.
    pub(super) async fn renew(self: &Arc<Self>, refused: &Secret) -> Result<bool, Error> {
        let fetching = self.fetching.clone().lock_owned().await;
        if self.current().is_some_and(|token| token.access != *refused) {
            return Ok(true);
        }
        if matches!(self.source, Source::Given(_)) {
            return Ok(false);
        }
        self.fetch_apart(fetching, Some(refused.clone())).await.map(|_| true)
    }

    /// Fetches the next token in a task of its own, unless that is being done or failed just now.
    fn renew_by_the_way(self: &Arc<Self>) {
        let rests = self.rests_until.lock().is_some_and(|until| self.edges.clock.now() < until);
        if rests || matches!(self.source, Source::Given(_)) {
            return;
        }
        let Ok(fetching) = self.fetching.clone().try_lock_owned() else { return };
        let session = Arc::clone(self);
        tokio::spawn(async move {
            let _fetching = fetching;
            // Someone may have fetched one before the lock was had.
            let due = |token: &Token| token.is_due(session.edges.clock.now(), session.renewal_offset);
            let Some(known) = session.current().filter(due) else { return };
            match session.fetch(Some(&known.access)).await {
                Ok(token) => *session.current.lock() = Some(token),
                Err(error) => {
                    tracing::warn!(%error, "the token could not be renewed ahead of time");
                    *session.rests_until.lock() = Some(session.edges.clock.now() + RENEWAL_REST);
                }
            }
        });
    }

    /// The key that tokens are bound to.
    pub(super) fn dpop<T>(&self, use_key: impl FnOnce(&Dpop) -> T) -> Option<T> {
        match &self.source {
            Source::Given(_) => None,
            Source::Service(service) => service.dpop.as_ref().map(use_key),
            Source::Person(person) => person.dpop.lock().clone().map(|dpop| use_key(&dpop)),
        }
    }

    async fn fetch(&self, refused: Option<&Secret>) -> Result<Token, Error> {
        match &self.source {
            Source::Given(token) => Ok(token.clone()),
            Source::Service(service) => {
                let grant = [("grant_type", "client_credentials"), ("scope", service.scope.as_str())];
                let grant = service.endpoint.request(&grant, true, service.dpop.as_ref()).await?;
                Ok(token(&grant, self.edges.clock.now()))
            }
            Source::Person(person) => person.fetch(refused, &self.edges).await,
        }
    }
}

fn token(grant: &Grant, now: Timestamp) -> Token {
    Token {
        access: grant.access_token.clone(),
        bound: grant.token_type.eq_ignore_ascii_case("DPoP"),
        issued_at: now,
        life: grant.expires_in.map(Duration::from_secs),
    }
}

impl Person {
    /// The stored token if it is good, else a refreshed one, else that of a new sign-in.
    async fn fetch(&self, refused: Option<&Secret>, edges: &Edges) -> Result<Token, Error> {
        let lock = self.store.lock().await?;
        // Read under the lock: another process may have refreshed meanwhile.
        let mut record = self.record()?;
        let passed_over = self.passed_over(&record);
        let stored = record.token().filter(|_| passed_over.is_none());
        if let Some(token) =
            stored.filter(|token| !token.is_ending(edges.clock.now()) && Some(&token.access) != refused)
        {
            return Ok(token);
        }
        let is_bare = record.refresh_token.is_none() || passed_over.is_some();
        if let Some(code) = self.sign_in.code.clone().filter(|_| is_bare) {
            return self.redeem_code_from_elsewhere(&lock, record, &code, edges).await;
        }
        let reason = match (passed_over, record.refresh_token.clone()) {
            (Some(reason), _) => reason,
            (None, None) => "no refresh token is stored".to_owned(),
            (None, Some(refresh_token)) => match self.refresh(&lock, &mut record, &refresh_token, edges).await {
                Err(Error::OAuth { error, description, .. }) if error == "invalid_grant" => {
                    self.forget(&lock, &mut record)?;
                    format!("the stored sign-in has ended ({description})")
                }
                result => return result,
            },
        };
        match self.sign_in.initiate {
            InitiateOAuth::GetAndRefresh => self.sign_in_by_browser(&lock, record, edges).await,
            InitiateOAuth::Off | InitiateOAuth::Refresh => {
                Err(Error::SignInNeeded { org: self.domain.clone(), reason })
            }
        }
    }

    /// Why the stored sign-in is not used, if there is a reason: a new one is asked for, or it was
    /// made without a scope that the properties name.
    fn passed_over(&self, record: &Record) -> Option<String> {
        if self.anew.swap(false, Ordering::Relaxed) {
            return Some("a new sign-in is asked for".to_owned());
        }
        self.sign_in.scope.as_ref()?;
        let asked = if record.asked_scope.is_empty() { &record.scope } else { &record.asked_scope };
        if asked.is_empty() {
            return None;
        }
        let asked: HashSet<&str> = asked.split(' ').chain(record.scope.split(' ')).collect();
        let lacking: Vec<&str> = self.scope.split(' ').filter(|scope| !asked.contains(scope)).collect();
        (!lacking.is_empty()).then(|| format!("the stored sign-in was made without scope {}", lacking.join(" ")))
    }

    /// The record of the store, else one from the properties; checked to be of this org and client.
    fn record(&self) -> Result<Record, Error> {
        let record = self.store.read()?.unwrap_or_default();
        let foreign = |what, theirs: &str, ours: &str| {
            let (location, theirs, ours) = (self.store.location(), theirs.to_owned(), ours.to_owned());
            Err(Error::ForeignSettings { location, what, theirs, ours })
        };
        let differs = |theirs: &str, ours: &str| !theirs.is_empty() && theirs != ours;
        if differs(&record.domain, &self.domain) {
            return foreign("org", &record.domain, &self.domain);
        }
        if differs(&record.client_id, &self.endpoint.client_id) {
            return foreign("client", &record.client_id, &self.endpoint.client_id);
        }
        if differs(&record.auth_scheme, self.scheme) {
            return foreign("scheme", &record.auth_scheme, self.scheme);
        }
        let record = if record.is_empty() { self.given(record) } else { record };
        self.adopt_key(record)
    }

    /// A record from the tokens of the properties.
    fn given(&self, record: Record) -> Record {
        Record {
            access_token: self.sign_in.access_token.clone(),
            refresh_token: self.sign_in.refresh_token.clone(),
            token_type: "Bearer".to_owned(),
            expires_in: self.sign_in.expires_in.map_or(0, |life| life.as_secs()),
            token_timestamp: self.sign_in.token_timestamp_ms.unwrap_or(0),
            ..record
        }
    }

    /// Tokens are bound to the key in the record; without one, a new key is made and stored with the next token.
    fn adopt_key(&self, mut record: Record) -> Result<Record, Error> {
        if !self.sign_in.dpop {
            return Ok(record);
        }
        let key = if let Some(jwk) = &record.dpop_jwk {
            SigningKey::from_jwk(jwk.expose().clone())?
        } else {
            let (key, jwk) = SigningKey::generate()?;
            record.dpop_jwk = Some(Secret::new(jwk));
            key
        };
        let dpop = Dpop::new(key)?;
        let mut slot = self.dpop.lock();
        // The one in use knows the org's nonces.
        if slot.as_ref().is_none_or(|known| known.public_jwk() != dpop.public_jwk()) {
            *slot = Some(Arc::new(dpop));
        }
        Ok(record)
    }

    async fn refresh(
        &self,
        lock: &Lock,
        record: &mut Record,
        refresh_token: &Secret,
        edges: &Edges,
    ) -> Result<Token, Error> {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
        let granted = self.request(&grant).await?;
        record.refresh_timestamp = edges.clock.now().timestamp_millis();
        self.keep(lock, record, granted, edges)
    }

    async fn sign_in_by_browser(&self, lock: &Lock, mut record: Record, edges: &Edges) -> Result<Token, Error> {
        let flow = self.flow(edges)?;
        let (code, browser) = flow.run(edges).await?;
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &flow.redirect_uri),
            ("code_verifier", flow.code_verifier.expose()),
        ];
        let granted = self.request(&grant).await;
        // Only now it is known whether the sign-in succeeded.
        let page = if granted.is_ok() { Page::DONE } else { Page::REFUSED };
        browser.dismiss(page, &*edges.clock).await;
        record.begin_anew(&self.scope);
        self.keep(lock, &mut record, granted?, edges)
    }

    async fn redeem_code_from_elsewhere(
        &self,
        lock: &Lock,
        mut record: Record,
        code: &Secret,
        edges: &Edges,
    ) -> Result<Token, Error> {
        let pending = record.pending.take();
        let redirect_uri = pending.as_ref().map_or(&self.sign_in.callback, |pending| &pending.redirect_uri);
        let mut grant = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose().as_str()),
            ("redirect_uri", redirect_uri),
        ];
        if let Some(pending) = &pending {
            grant.push(("code_verifier", pending.code_verifier.expose()));
        }
        let granted = self.request(&grant).await?;
        record.begin_anew(&self.scope);
        self.keep(lock, &mut record, granted, edges)
    }

    /// Begins a sign-in that a browser elsewhere continues, and remembers what its end needs.
    pub(super) async fn begin(&self, edges: &Edges) -> Result<url::Url, Error> {
        let _lock = self.store.lock().await?;
        let mut record = self.record()?;
        let flow = self.flow(edges)?;
        record.pending =
            Some(Pending { code_verifier: flow.code_verifier.clone(), redirect_uri: flow.redirect_uri.clone() });
        self.store.write(&record)?;
        Ok(flow.authorize)
    }

    fn flow(&self, edges: &Edges) -> Result<Flow, Error> {
        if self.endpoint.client_id.is_empty() {
            return Err(
                properties::Error::of("OAuthClientId", codes::OKT1004, "OAuthClientId is missing", NO_CLIENT).into()
            );
        }
        let request = Request {
            authorize: self.authorize.clone(),
            client_id: &self.endpoint.client_id,
            scope: &self.scope,
            redirect_uri: &self.sign_in.callback,
        };
        Ok(Flow::new(request, &*edges.entropy))
    }

    async fn request(&self, grant: &[(&str, &str)]) -> Result<Grant, Error> {
        let dpop = self.dpop.lock().clone();
        self.endpoint.request(grant, false, dpop.as_deref()).await
    }

    /// Writes what was granted. Tokens of the record that were not granted anew stay in it, as a
    /// refresh leaves them out that rotates none; the old refresh token stays in the store until the
    /// new one is there.
    fn keep(&self, _held: &Lock, record: &mut Record, grant: Grant, edges: &Edges) -> Result<Token, Error> {
        let now = edges.clock.now();
        let token = token(&grant, now);
        self.domain.clone_into(&mut record.domain);
        self.endpoint.client_id.clone_into(&mut record.client_id);
        self.scheme.clone_into(&mut record.auth_scheme);
        if record.asked_scope.is_empty() {
            // Begun from a refresh token of the properties: more than it grants cannot be had.
            self.scope.clone_into(&mut record.asked_scope);
        }
        record.scope = grant.scope.unwrap_or_else(|| self.scope.clone());
        record.access_token = Some(grant.access_token);
        record.refresh_token = grant.refresh_token.or_else(|| record.refresh_token.take());
        record.id_token = grant.id_token.or_else(|| record.id_token.take());
        record.token_type = grant.token_type;
        record.expires_in = grant.expires_in.unwrap_or(0);
        record.token_timestamp = now.timestamp_millis();
        self.store.write(record)?;
        Ok(token)
    }

    fn forget(&self, _held: &Lock, record: &mut Record) -> Result<(), Error> {
        record.refresh_token = None;
        record.access_token = None;
        self.store.write(record)
    }
}

const NO_CLIENT: &str = "create an app for Oktant in the Admin Console (Applications, OIDC, Native or Web, grant types \
                         Authorization Code and Refresh Token, sign-in redirect URI as in CallbackURL) and give its \
                         client id in OAuthClientId or OKTA_CLIENT_CLIENTID; `oktant login` with that id keeps it in \
                         the settings file";

impl Record {
    fn is_empty(&self) -> bool {
        self.access_token.is_none() && self.refresh_token.is_none()
    }

    /// Drops the tokens of the sign-in before: it may have been another person's.
    fn begin_anew(&mut self, asked_scope: &str) {
        asked_scope.clone_into(&mut self.asked_scope);
        self.refresh_token = None;
        self.id_token = None;
        self.refresh_timestamp = 0;
    }

    /// The stored access token, with its age as far as it is known.
    fn token(&self) -> Option<Token> {
        Some(Token {
            access: self.access_token.clone()?,
            bound: self.token_type.eq_ignore_ascii_case("DPoP"),
            issued_at: Timestamp::from_timestamp_millis(self.token_timestamp)?,
            life: (self.expires_in > 0).then(|| Duration::from_secs(self.expires_in)),
        })
    }
}
